//! `POST /api/transactions/refund-request`: money back to a customer (contract, section 5).
//!
//! A refund may be asked of a terminal that is switched off: it takes no payments any more, but
//! what it took must be able to go back. An inactive merchant's terminals refund nothing.

use super::answer::Answer;
use super::encrypted::{Envelope, Opened};
use super::error::{ErrorForm, Problem, Refusal};
use super::exchange::{
    self, Done, Keyed, Who, bad_request, bearer, fault_refusal, idempotency_key, known_terminal,
    once, throttled,
};
use super::fields::Fields;
use super::request::Reader;
use crate::app::{App, RequestId};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::id::{PaymentId, TerminalNumber};
use domain::money::{Currency, Money};
use domain::refund::{RefundRefused, RefundRequest};
use domain::terminal::{Mode, Terminal};
use domain::text::{Reference, RefundReason};
use engine::error::Fault;
use engine::refund::{RefundAccepted, RefundError};
use http::StatusCode;
use std::sync::Arc;

/// Every field that is read.
pub(super) const REFUND_FIELDS: [&str; 6] =
    ["public_key", "transID", "refundAmount", "terNO", "refundReference", "refundReason"];

const NUMBER_FORM: &str = "must be a payment's number of 18 digits";

/// Gives money back.
pub(super) async fn request_refund(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = RequestId::of(&parts.extensions);
    let mut who = Who::new(&app, crate::app::Caller::of(&parts.extensions), "request_refund");
    let result = handle(&app, &parts, body, &mut who).await;
    exchange::answer(&app, ErrorForm::asked(&parts.headers), &request_id, &who, result).await
}

async fn handle(
    app: &App,
    parts: &http::request::Parts,
    body: axum::body::Body,
    who: &mut Who,
) -> Result<Done, Refusal> {
    let (form, body) = exchange::read(parts, body).await?;
    let outer = Fields::parse(&form, &body).map_err(bad_request)?;
    let opened = open(app, &outer, who).await?;
    // What proves the private key must say all of it: nothing that was sent beside it counts.
    let fields = match &opened {
        Some(opened) => opened.alone()?,
        None => outer,
    };
    let mut reader = Reader::new(&fields);
    let claim = reader.refund_claim();
    let trans_id = reader.trans_id();
    let mut proved = false;
    let mut payment = None;
    if let Some(claim) = claim {
        let shown = Shown { bearer: bearer(&parts.headers), encrypted: opened.is_some() };
        let (terminal, with_key) = terminal(app, &shown, &claim, who).await?;
        proved = with_key;
        if let Some(id) = trans_id {
            let actor = exchange::actor(&terminal, who.caller);
            let found = app.gateway.payment_of_terminal(actor, &terminal, id).await;
            payment = found.map_err(|fault| fault_refusal(&fault))?;
        }
    }
    let request = reader.refund(payment.as_ref().map(|payment| payment.amount.currency()));
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Err(Refusal::of(StatusCode::BAD_REQUEST, problems));
    }
    let (Some(terminal), Some(payment), Some(request)) = (who.terminal.clone(), payment, request)
    else {
        if !proved {
            app.throttle.note_unknown(who.caller, app.gateway.clock().now());
        }
        return Err(unknown_payment());
    };
    let wanted = Wanted { terminal, id: payment.id, request };
    match idempotency_key(&parts.headers)? {
        None => refund(app, who.caller, wanted).await,
        Some(key) => {
            let keyed = Keyed {
                terminal: Arc::clone(&wanted.terminal),
                key,
                digest: app.gateway.refund_digest(wanted.id, &wanted.request),
                reference: Some(payment.reference.as_str().to_owned()),
            };
            let (task_app, caller) = (app.clone(), who.caller);
            once(app, keyed, async move { refund(&task_app, caller, wanted).await }).await
        }
    }
}

/// A refund that a terminal asks for.
struct Wanted {
    terminal: Arc<Terminal>,
    id: PaymentId,
    request: RefundRequest,
}

/// Which terminal a request claims to come from.
struct Claim<'a> {
    public_key: &'a str,
    number: Option<TerminalNumber>,
}

/// What an encrypted request holds; none when it is a plain one.
async fn open(app: &App, fields: &Fields<'_>, who: &mut Who) -> Result<Option<Opened>, Refusal> {
    let Some(envelope) = Envelope::of(fields)? else { return Ok(None) };
    let found = app.gateway.terminal_for_refund(envelope.public_key(), None, who.caller.0).await;
    let terminal = known_terminal(app, found, who.caller)?;
    let terminal = who.terminal.insert(terminal);
    envelope.open(app, who.caller, terminal, &REFUND_FIELDS).map(Some)
}

/// How a request proves that its sender has the private key.
struct Shown<'a> {
    /// The key itself.
    bearer: Option<&'a str>,
    /// Made with the key; checked already.
    encrypted: bool,
}

/// The terminal, and whether its private key was shown. A live terminal's must be; a test
/// terminal's need not, but one that is shown must be right, so that a mistake is found before it
/// matters. Callers without it may not guess payment numbers at will.
async fn terminal(
    app: &App,
    shown: &Shown<'_>,
    claim: &Claim<'_>,
    who: &mut Who,
) -> Result<(Arc<Terminal>, bool), Refusal> {
    let gateway = &app.gateway;
    let found = gateway.terminal_for_refund(claim.public_key, claim.number, who.caller.0).await;
    let proved = match (&found, shown.bearer) {
        (Ok(terminal), Some(key)) => gateway.proves_private_key(terminal, key),
        (Ok(_), None) => shown.encrypted,
        (Err(_), _) => false,
    };
    let now = gateway.clock().now();
    if !proved {
        app.throttle.check(who.caller, now).map_err(throttled)?;
    }
    let terminal = known_terminal(app, found, who.caller)?;
    who.terminal = Some(Arc::clone(&terminal));
    if !proved && (terminal.mode == Mode::Live || shown.bearer.is_some()) {
        app.throttle.note_unknown(who.caller, now);
        let what =
            if shown.bearer.is_some() { "is not one of this terminal's" } else { "is missing" };
        let text = format!(
            "the private key {what}; send the header Authorization: Bearer and the terminal's \
             private key, or the request encrypted with it"
        );
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "1501", &text));
    }
    Ok((terminal, proved))
}

impl<'b> Reader<'_, 'b> {
    /// `public_key`, and `terNO` where it is given.
    fn refund_claim(&mut self) -> Option<Claim<'b>> {
        let public_key = self.public_key();
        let before = self.problems();
        let text = self.text("terNO", "1043");
        let number = text.and_then(|text| self.terminal_number(text));
        (self.problems() == before).then_some(())?;
        Some(Claim { public_key: public_key?, number })
    }

    fn trans_id(&mut self) -> Option<PaymentId> {
        let text = self.required("transID", "1040", "1043")?;
        let id = text.parse().ok();
        if id.is_none() {
            self.wrong("transID", "1043", NUMBER_FORM);
        }
        id
    }

    /// The refund's own fields. None where something is wrong, or the currency is not known.
    fn refund(&mut self, currency: Option<Currency>) -> Option<RefundRequest> {
        let text = self.required("refundAmount", "1502", "1502");
        let amount = text.and_then(|text| self.money("refundAmount", "1502", text, currency));
        let reference = self.text("refundReference", "1043");
        let reference =
            reference.and_then(|text| self.keep("refundReference", Reference::parse(text)));
        let reason = self.text("refundReason", "1043");
        let reason = reason.and_then(|text| self.keep("refundReason", RefundReason::parse(text)));
        Some(RefundRequest { amount: amount?, reference, reason })
    }
}

async fn refund(app: &App, caller: crate::app::Caller, wanted: Wanted) -> Result<Done, Refusal> {
    let Wanted { terminal, id, request } = wanted;
    let actor = exchange::actor(&terminal, caller);
    let currency = request.amount.currency();
    // Accepted and sent although the caller hangs up.
    let gateway = Arc::clone(&app.gateway);
    let task = app.gateway.spawn(async move {
        Box::pin(gateway.request_refund(actor, &terminal, id, request)).await
    });
    let accepted = task.await.unwrap_or_else(|error| Err(Fault::Broken(error.to_string()).into()));
    let RefundAccepted { payment, refund, replayed } =
        accepted.map_err(|error| refund_refusal(&error, currency))?;
    let [fresh, again] = &app.metrics.refunds;
    let counter = if replayed { again } else { fresh };
    counter.increment(1);
    let answer = Answer::of_refund(&payment, &refund, app);
    let body = answer.map_err(|fault| fault_refusal(&fault))?.to_json();
    Ok(Done { replayed, payment: Some(payment.id), ..Done::new(StatusCode::OK, body) })
}

/// Whether there is none, or it is another's: the answer is the same.
fn unknown_payment() -> Refusal {
    let text = "names no payment of this terminal";
    Refusal::of(StatusCode::NOT_FOUND, vec![Problem::new("transID", "1500", text)])
}

fn refund_refusal(error: &RefundError, currency: Currency) -> Refusal {
    let conflict = |field, number, text: &str| {
        Refusal::of(StatusCode::CONFLICT, vec![Problem::new(field, number, text)])
    };
    match error {
        RefundError::NotFound => unknown_payment(),
        RefundError::Refused(RefundRefused::State(state)) => {
            conflict("", "1500", &format!("a payment that is {state} cannot be refunded"))
        }
        RefundError::Refused(RefundRefused::TooOld) => {
            conflict("", "1505", "the payment is too old to be refunded; ask the operator")
        }
        RefundError::Refused(RefundRefused::MoreThanLeft { left_minor: 0 }) => {
            conflict("refundAmount", "1504", "is more than is left: nothing is left to refund")
        }
        RefundError::Refused(RefundRefused::MoreThanLeft { left_minor }) => {
            let left = Money::from_minor(*left_minor, currency);
            let left = left.map(|left| left.to_string()).unwrap_or_default();
            let text = format!("is more than is left: at most {left} can be refunded");
            conflict("refundAmount", "1504", &text)
        }
        // The amount was read in the payment's currency; only another payment has another one.
        RefundError::Refused(RefundRefused::Currency) => {
            conflict("refundAmount", "1502", "is not in the payment's currency")
        }
        RefundError::ReferenceUsed { earlier } => {
            let text = format!("is already used by a refund of {}", earlier.amount);
            conflict("refundReference", "5012", &text)
        }
        // Asking again does not help: a terminal's bank changes by configuration only.
        RefundError::NoConnector => {
            let text = "the bank of this terminal cannot refund; ask the operator";
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "1503", text)
        }
        RefundError::Fault(fault) => fault_refusal(fault),
    }
}
