//! `POST /api/s2s`: a payment by a merchant's server.

use super::answer::Answer;
use super::error::{Problem, Refusal};
use super::fields::{Fields, Form, read_multipart};
use super::request::Reader;
use crate::app::{App, Caller, RequestId};
use crate::body::{BodyError, read_body};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::terminal::Terminal;
use engine::Actor;
use engine::changeset::{AuditLine, StoredAnswer};
use engine::error::Fault;
use engine::idempotency::Begun;
use engine::payment::{CreateError, CreatePayment, Created};
use engine::terminal::Denied;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;

/// Largest body of a request.
const BODY_AT_MOST: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a create call answers, before it is an HTTP answer.
struct Done {
    status: StatusCode,
    body: String,
    replayed: bool,
}

/// Takes a payment.
pub(super) async fn create_payment(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = RequestId::of(&parts.extensions);
    let caller = Caller::of(&parts.extensions);
    let mut who = Who { caller, terminal: None };
    match handle(&app, &parts, body, &mut who).await {
        Ok(done) => into_answer(done),
        Err(refusal) => {
            audit(&app, &who, &refusal, &request_id).await;
            refusal.into_answer(&parts.headers, &request_id)
        }
    }
}

/// Who called, as far as it became known.
struct Who {
    caller: Caller,
    terminal: Option<Arc<Terminal>>,
}

async fn handle(
    app: &App,
    parts: &http::request::Parts,
    body: axum::body::Body,
    who: &mut Who,
) -> Result<Done, Refusal> {
    let received_at = app.gateway.clock().now();
    refuse_card_in_query(parts.uri.query())?;
    let form = Form::of(&parts.headers).ok_or_else(|| {
        let text = "send application/json, application/x-www-form-urlencoded or \
                    multipart/form-data";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", text)
    })?;
    let mut body = read_body(body, BODY_AT_MOST).await.map_err(|error| body_refusal(&error))?;
    if let Form::Multipart { boundary } = &form {
        body = read_multipart(boundary.clone(), body).await.map_err(bad_request)?;
    }
    let command = {
        let fields = Fields::parse(&form, &body).map_err(bad_request)?;
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
        let command = reader.payment(who.terminal.as_ref(), who.caller.0, received_at);
        command.ok_or_else(|| {
            let reference = Reader::new(&fields).reference().map(|r| r.as_str().to_owned());
            let problems = reader.into_problems();
            Refusal { reference, ..Refusal::of(StatusCode::BAD_REQUEST, problems) }
        })?
    };
    drop(body);
    match idempotency_key(&parts.headers)? {
        None => create(app, who.caller, command).await,
        Some(key) => create_with_key(app, who.caller, command, key).await,
    }
}

/// Query strings end in logs.
fn refuse_card_in_query(query: Option<&str>) -> Result<(), Refusal> {
    let Some(query) = query else { return Ok(()) };
    let named = |wanted: &str| form_urlencoded::parse(query.as_bytes()).any(|(n, _)| n == wanted);
    match ["ccno", "ccvv"].into_iter().find(|field| named(field)) {
        Some(field) => {
            let text = "must be in the body, never in the address";
            Err(bad_request(Problem::form(field, text)))
        }
        None => Ok(()),
    }
}

fn bad_request(problem: Problem) -> Refusal {
    Refusal::of(StatusCode::BAD_REQUEST, vec![problem])
}

fn body_refusal(error: &BodyError) -> Refusal {
    match error {
        BodyError::TooLarge => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "413", "the body may have at most 64 KiB")
        }
        BodyError::TooSlow => {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "408", "the body did not arrive in time")
        }
        BodyError::Broken => {
            Refusal::new(StatusCode::BAD_REQUEST, "1043", "the body did not arrive whole")
        }
    }
}

pub(super) fn denied(denied: Denied) -> Refusal {
    match denied {
        Denied::Unknown => Refusal::new(
            StatusCode::UNAUTHORIZED,
            "101",
            "no terminal has this public_key and terNO",
        ),
        Denied::Inactive => {
            Refusal::new(StatusCode::FORBIDDEN, "102", "the terminal is not active")
        }
        Denied::Address => Refusal::new(
            StatusCode::FORBIDDEN,
            "103",
            "your address is not on the terminal's allow-list",
        ),
        Denied::Fault(fault) => fault_refusal(&fault),
    }
}

pub(super) fn fault_refusal(fault: &Fault) -> Refusal {
    match fault {
        Fault::Busy => Refusal::busy(),
        Fault::Broken(why) => {
            tracing::error!(why, "a request failed");
            Refusal::fault()
        }
    }
}

/// The optional header: a bare token or a structured-field string (the Idempotency-Key draft).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|k| k.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > 255 {
        let text = "the Idempotency-Key header must be 1 to 255 visible ASCII characters";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "1043", text));
    }
    Ok(Some(key.to_owned()))
}

async fn create_with_key(
    app: &App,
    caller: Caller,
    command: CreatePayment,
    key: String,
) -> Result<Done, Refusal> {
    let terminal = Arc::clone(&command.terminal);
    let reference = command.reference.as_str().to_owned();
    let digest = app.gateway.request_digest(&command).map_err(|fault| fault_refusal(&fault))?;
    let begun = app.gateway.begin_idempotent(&terminal, &key, digest).await;
    match begun.map_err(|fault| fault_refusal(&fault))? {
        Begun::Run => {}
        Begun::Replay(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            return Ok(Done { status, body: answer.body, replayed: true });
        }
        Begun::InProgress => {
            let text = "a request with this Idempotency-Key is still running";
            let refusal = Refusal::new(StatusCode::CONFLICT, "409", text);
            return Err(Refusal { reference: Some(reference), retry_after: Some(1), ..refusal });
        }
        Begun::OtherRequest => {
            let text = "this Idempotency-Key was used for another request";
            let refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "422", text);
            return Err(Refusal { reference: Some(reference), ..refusal });
        }
    }
    // The payment and its key are settled although the caller hangs up.
    let (task_app, task_terminal) = (app.clone(), terminal);
    let task = app.gateway.spawn(async move {
        let result = create(&task_app, caller, command).await;
        let settled = match &result {
            Ok(done) => {
                let answer = StoredAnswer { status: done.status.as_u16(), body: done.body.clone() };
                task_app.gateway.finish_idempotent(&task_terminal, &key, answer).await
            }
            Err(_refusal) => task_app.gateway.forget_idempotent(&task_terminal, &key).await,
        };
        if let Err(error) = settled {
            tracing::error!(%error, "an idempotency key was not settled");
        }
        result
    });
    task.await.unwrap_or_else(|_panicked| Err(Refusal::fault()))
}

async fn create(app: &App, caller: Caller, command: CreatePayment) -> Result<Done, Refusal> {
    let actor = Actor::Terminal {
        number: command.terminal.number,
        merchant: command.terminal.merchant,
        caller: caller.0,
    };
    let reference = command.reference.as_str().to_owned();
    let created = app.gateway.create_payment(actor, command).await;
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
            return Err(Refusal { reference: Some(reference), ..create_refusal(&error) });
        }
    };
    let state = payment.answered_state();
    let body = Answer::new(&payment, &state, &app.site).to_json();
    Ok(Done { status: StatusCode::OK, body, replayed })
}

fn create_refusal(error: &CreateError) -> Refusal {
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
        CreateError::Fault(fault) => fault_refusal(fault),
    }
}

async fn audit(app: &App, who: &Who, refusal: &Refusal, request_id: &RequestId) {
    // When the database is overloaded or broken, audit lines would only add to it.
    if refusal.status.is_server_error() {
        return;
    }
    app.metrics.refused.increment(1);
    app.gateway
        .audit(AuditLine {
            at: app.gateway.clock().now(),
            actor: "terminal",
            caller: who.caller.0,
            action: "create_payment",
            result: "refused",
            terminal: who.terminal.as_ref().map(|terminal| terminal.number),
            request_id: Some(request_id.0.to_string()),
            detail: refusal.summary(),
        })
        .await;
}

fn into_answer(done: Done) -> Response {
    let mut response = (done.status, done.body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if done.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
