//! `POST /api/s2s` and `POST /api/s2s/encrypt`: a payment by a merchant's server.

use super::answer::Answer;
use super::encrypted::{Envelope, Opened};
use super::error::{ErrorForm, Problem, Refusal};
use super::exchange::{
    self, Done, Keyed, Who, bad_request, denied, fault_refusal, idempotency_key, once,
};
use super::fields::Fields;
use super::request::{KNOWN_FIELDS, Reader};
use crate::app::{App, Caller, RequestId};
use crate::body::discard_body;
use crate::pressure::turned_away;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::method::BankCode;
use domain::payment::Payment;
use domain::terminal::Mode;
use engine::admission::Admitted;
use engine::error::Fault;
use engine::payment::{CreateError, CreatePayment, Created};
use engine::ports::PageAddresses;
use http::StatusCode;
use http::request::Parts;
use std::sync::Arc;

/// Takes a payment; the request may be encrypted here too.
pub(super) async fn create_payment(State(app): State<App>, request: Request) -> Response {
    take(&app, request, false).await
}

/// Takes a payment by an encrypted request.
pub(super) async fn create_encrypted_payment(State(app): State<App>, request: Request) -> Response {
    take(&app, request, true).await
}

async fn take(app: &App, request: Request, must_be_encrypted: bool) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = RequestId::of(&parts.extensions);
    let mut who = Who::new(app, Caller::of(&parts.extensions), "create_payment");
    let form = ErrorForm::asked(&parts.headers);
    let now = app.gateway.clock().now();
    let result = if app.gateway.admits_new_payments() || app.lookout.may_read(now) {
        handle(app, parts, body, must_be_encrypted, &mut who).await
    } else {
        discard_body(&parts.headers, body).await;
        Err(turned_away(app))
    };
    exchange::answer(app, form, &request_id, &who, result).await
}

async fn handle(
    app: &App,
    parts: Parts,
    body: axum::body::Body,
    must_be_encrypted: bool,
    who: &mut Who,
) -> Result<Done, Refusal> {
    let received_at = app.gateway.clock().now();
    let (form, body) = exchange::read(&parts, body).await?;
    let command = {
        let outer = Fields::parse(&form, &body).map_err(bad_request)?;
        let opened = open(app, &outer, must_be_encrypted, who).await?;
        let fields = match &opened {
            Some(opened) => opened.over(outer)?,
            None => outer,
        };
        let mut reader = Reader::new(&fields);
        let credentials = reader.credentials();
        if let Some(credentials) = credentials {
            let found = app.gateway.terminal_for_request(
                credentials.public_key,
                Some(credentials.number),
                who.caller.0,
            );
            who.terminal = Some(found.await.map_err(denied)?);
        }
        let mode = who.terminal.as_ref().map_or(Mode::Test, |terminal| terminal.mode);
        let pages: Arc<dyn PageAddresses> = Arc::new(app.clone());
        let offered =
            |method, bank: &BankCode| app.gateway.institution(mode, method, bank).is_some();
        let terminal = who.terminal.as_ref();
        let command = reader.payment(terminal, who.caller.0, received_at, &pages, &offered);
        command.ok_or_else(|| {
            let reference = Reader::new(&fields).reference().map(|r| r.as_str().to_owned());
            let problems = reader.into_problems();
            Refusal { reference, ..Refusal::of(StatusCode::BAD_REQUEST, problems) }
        })?
    };
    let key = idempotency_key(&parts.headers);
    // What waits for a commit holds nothing that it does not need.
    drop((parts, body));
    let Some(admitted) = app.gateway.admit_new_payment() else {
        return answer_again(app, &command).await;
    };
    match key? {
        None => create(app, who.caller, command, admitted).await,
        Some(key) => Box::pin(create_once(app, who.caller, command, admitted, key)).await,
    }
}

/// A payment under an `Idempotency-Key`.
async fn create_once(
    app: &App,
    caller: Caller,
    command: CreatePayment,
    admitted: Admitted,
    key: String,
) -> Result<Done, Refusal> {
    let digest = app.gateway.request_digest(&command);
    let keyed = Keyed {
        terminal: Arc::clone(&command.terminal),
        key,
        digest: digest.map_err(|fault| fault_refusal(&fault))?,
        reference: Some(command.reference.as_str().to_owned()),
    };
    let task_app = app.clone();
    once(app, keyed, async move { create(&task_app, caller, command, admitted).await }).await
}

/// What an encrypted request holds; none when it is a plain one.
async fn open(
    app: &App,
    fields: &Fields<'_>,
    must_be_encrypted: bool,
    who: &mut Who,
) -> Result<Option<Opened>, Refusal> {
    let Some(envelope) = Envelope::of(fields)? else {
        let missing = Problem::new("encrypted_data", "1040", "is missing");
        return if must_be_encrypted { Err(bad_request(missing)) } else { Ok(None) };
    };
    let found = app.gateway.terminal_for_request(envelope.public_key(), None, who.caller.0).await;
    let terminal = who.terminal.insert(found.map_err(denied)?);
    envelope.open(app, who.caller, terminal, &KNOWN_FIELDS).map(Some)
}

/// There is no room for a new payment; what was answered before is answered again.
async fn answer_again(app: &App, command: &CreatePayment) -> Result<Done, Refusal> {
    match app.gateway.answered_before(command).await {
        Ok(Some(payment)) => {
            app.metrics.replayed.increment(1);
            done(app, payment, true)
        }
        Ok(None) => Err(turned_away(app)),
        Err(error) => Err(create_refusal(app, &error)),
    }
}

async fn create(
    app: &App,
    caller: Caller,
    command: CreatePayment,
    admitted: Admitted,
) -> Result<Done, Refusal> {
    let actor = exchange::actor(&command.terminal, caller);
    let reference = command.reference.as_str().to_owned();
    let created = app.gateway.create_admitted_payment(actor, command, admitted).await;
    let (payment, replayed) = match created {
        Ok(Created::New(payment)) => {
            app.metrics.created.increment(1);
            (payment, false)
        }
        Ok(Created::Replayed(payment)) => {
            app.metrics.replayed.increment(1);
            (payment, true)
        }
        Err(error) => {
            return Err(Refusal { reference: Some(reference), ..create_refusal(app, &error) });
        }
    };
    done(app, payment, replayed)
}

fn done(app: &App, payment: Payment, replayed: bool) -> Result<Done, Refusal> {
    let payment = payment.as_answered();
    let answer = Answer::new(&payment, app).map_err(|fault| fault_refusal(&fault))?;
    let body = answer.to_json();
    Ok(Done { replayed, payment: Some(payment.id), ..Done::new(StatusCode::OK, body) })
}

fn create_refusal(app: &App, error: &CreateError) -> Refusal {
    match error {
        CreateError::ReferenceUsed { earlier } => {
            let text = format!("is already used by transID {earlier}");
            let problem = Problem::new("reference", "5012", &text);
            Refusal::of(StatusCode::CONFLICT, vec![problem])
        }
        CreateError::NoConnector => {
            let text = "no connector can take this payment";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "5015", text)
        }
        CreateError::Fault(Fault::Busy) => turned_away(app),
        CreateError::Fault(fault) => fault_refusal(fault),
    }
}
