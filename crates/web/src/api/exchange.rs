//! What the calls of merchants' servers share: how a body is read, the `Idempotency-Key`, the
//! audit line of a refusal, the answer's headers, and the refusals that any of them may give.

use super::error::{ErrorForm, Problem, Refusal};
use super::fields::{Form, read_multipart};
use crate::app::{App, Caller, RequestId};
use crate::body::{BodyError, read_body};
use crate::throttle::TooManyGuesses;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::api_call::ApiCall;
use domain::id::{PaymentId, TerminalNumber};
use domain::terminal::Terminal;
use domain::time::Timestamp;
use engine::Actor;
use engine::changeset::{AuditLine, StoredAnswer};
use engine::error::Fault;
use engine::idempotency::Begun;
use engine::terminal::Denied;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::sync::Arc;

/// Largest body of a request.
pub(super) const BODY_AT_MOST: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a call answers, before it is an HTTP answer.
pub(super) struct Done {
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// It is the answer that was given before.
    pub(super) replayed: bool,
    /// What a repeated request gets in place of the body, which holds a secret: secrets are not
    /// stored in the clear.
    pub(super) without_secret: Option<String>,
    /// The payment that it tells of.
    pub(super) payment: Option<PaymentId>,
}

impl Done {
    /// An answer without a secret, given for the first time.
    pub(super) const fn new(status: StatusCode, body: String) -> Self {
        Self { status, body, replayed: false, without_secret: None, payment: None }
    }
}

/// An answer in JSON.
pub(super) fn done<T: Serialize>(status: StatusCode, answer: &T) -> Result<Done, Refusal> {
    let body = serde_json::to_string(answer).map_err(|_never| Refusal::fault())?;
    Ok(Done::new(status, body))
}

/// Who called, as far as it became known, and for what.
pub(super) struct Who {
    pub(super) caller: Caller,
    pub(super) terminal: Option<Arc<Terminal>>,
    /// The terminal that was named, known or not.
    pub(super) number: Option<TerminalNumber>,
    /// The word in the audit log.
    action: &'static str,
    /// When the call was read.
    began: Timestamp,
}

impl Who {
    pub(super) fn new(app: &App, caller: Caller, action: &'static str) -> Self {
        let began = app.gateway.clock().now();
        Self { caller, terminal: None, number: None, action, began }
    }

    /// The word in the API log: all that is asked about webhooks is one of them.
    fn logged_action(&self) -> &'static str {
        match self.action {
            "create_payment" => "create_payment",
            "show_status" => "show_status",
            "request_refund" => "refund",
            "show_balance" => "balance",
            _ => "webhooks",
        }
    }
}

/// Takes a call down in the API log of the merchant whose terminal's key was shown: nothing of what
/// was sent or answered but numbers.
pub(super) fn log(
    app: &App,
    request_id: &RequestId,
    who: &Who,
    (status, payment): (StatusCode, Option<PaymentId>),
    refusal: Option<&Refusal>,
) {
    let Some(terminal) = &who.terminal else { return };
    app.gateway.log_call(refusal.is_some(), || {
        let now = app.gateway.clock().now();
        ApiCall {
            merchant: terminal.merchant,
            at: now,
            number: 0,
            terminal: terminal.number,
            action: who.logged_action(),
            status: status.as_u16(),
            error: refusal.map(Refusal::numbers),
            request_id: request_id.0.to_string(),
            caller: who.caller.0.map(|caller| caller.to_string()),
            took: now.since(who.began),
            payment,
        }
    });
}

/// The actor behind a terminal's public key.
pub(super) const fn actor(terminal: &Terminal, caller: Caller) -> Actor {
    Actor::Terminal {
        number: terminal.number,
        merchant: terminal.merchant,
        token_of: None,
        caller: caller.0,
    }
}

/// The HTTP answer. A refusal leaves its line in the audit log.
pub(super) async fn answer(
    app: &App,
    form: ErrorForm,
    request_id: &RequestId,
    who: &Who,
    result: Result<Done, Refusal>,
) -> Response {
    match result {
        Ok(done) => {
            log(app, request_id, who, (done.status, done.payment), None);
            let mut response = (done.status, done.body).into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if done.replayed {
                headers.insert(REPLAYED, HeaderValue::from_static("true"));
            }
            response
        }
        Err(refusal) => {
            log(app, request_id, who, (refusal.status, None), Some(&refusal));
            Box::pin(audit(app, who, &refusal, request_id)).await;
            refusal.into_answer(form, request_id)
        }
    }
}

/// Counts a refusal, and writes it to the audit log.
pub(super) async fn audit(app: &App, who: &Who, refusal: &Refusal, request_id: &RequestId) {
    // When the database is overloaded or broken, audit lines would only add to it.
    if refusal.status.is_server_error() {
        return;
    }
    app.metrics.refused.increment(1);
    let known = who.terminal.as_ref();
    app.gateway
        .audit(AuditLine {
            at: app.gateway.clock().now(),
            actor: "terminal",
            caller: who.caller.0,
            action: who.action,
            result: "refused",
            terminal: known.map(|terminal| terminal.number).or(who.number),
            request_id: Some(request_id.0.to_string()),
            detail: refusal.summary(),
            // Only of a terminal whose key was shown: a number that is merely named proves nothing.
            merchant: known.map(|terminal| terminal.merchant),
            user: None,
        })
        .await;
}

/// The token of `Authorization: Bearer`; the scheme's name is read in any case (RFC 9110).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The body and its form; a multipart body comes as the form that it could have been.
pub(super) async fn read(parts: &Parts, body: Body) -> Result<(Form, Bytes), Refusal> {
    refuse_card_in_query(parts.uri.query())?;
    let form = Form::of(&parts.headers).ok_or_else(|| {
        let text = "send application/json, application/x-www-form-urlencoded or \
                    multipart/form-data";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", text)
    })?;
    let mut body = read_body(body, BODY_AT_MOST).await.map_err(|error| body_refusal(&error))?;
    if let Form::Multipart { boundary } = &form {
        // Apart, for it is rare and large: what waits for a commit should be small.
        body = Box::pin(read_multipart(boundary.clone(), body)).await.map_err(bad_request)?;
    }
    Ok((form, body))
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

pub(super) fn bad_request(problem: Problem) -> Refusal {
    Refusal::of(StatusCode::BAD_REQUEST, vec![problem])
}

pub(super) fn body_refusal(error: &BodyError) -> Refusal {
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

/// The terminal, if there is one: looking for one counts as guessing.
pub(super) fn known_terminal(
    app: &App,
    found: Result<Arc<Terminal>, Denied>,
    caller: Caller,
) -> Result<Arc<Terminal>, Refusal> {
    found.map_err(|error| {
        if matches!(error, Denied::Unknown) {
            let now = app.gateway.clock().now();
            if let Err(error) = app.throttle.check(caller, now) {
                return throttled(error);
            }
            app.throttle.note_unknown(caller, now);
        }
        denied(error)
    })
}

pub(super) fn throttled(error: TooManyGuesses) -> Refusal {
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "429", &error.to_string());
    Refusal { retry_after: u32::try_from(error.retry_after_seconds).ok(), ..refusal }
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
        Fault::Unavailable(why) => {
            tracing::error!(why, "the database did not answer a request");
            Refusal::busy()
        }
        Fault::Broken(why) => {
            tracing::error!(why, "a request failed");
            Refusal::fault()
        }
    }
}

/// The optional header: a bare token or a structured-field string (the Idempotency-Key draft).
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|k| k.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > 255 {
        let text = "the Idempotency-Key header must be 1 to 255 visible ASCII characters";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "1043", text));
    }
    Ok(Some(key.to_owned()))
}

/// A request with an `Idempotency-Key`.
pub(super) struct Keyed {
    pub(super) terminal: Arc<Terminal>,
    pub(super) key: String,
    /// Of what is asked for: another digest under the same key is another request.
    pub(super) digest: [u8; 32],
    /// The merchant's order id, for refusals.
    pub(super) reference: Option<String>,
}

/// Does the work once per key: afterwards the same request gets the same answer. A refused one
/// leaves its key free.
pub(super) async fn once<F>(app: &App, keyed: Keyed, work: F) -> Result<Done, Refusal>
where
    F: Future<Output = Result<Done, Refusal>> + Send + 'static,
{
    let Keyed { terminal, key, digest, reference } = keyed;
    let begun = app.gateway.begin_idempotent(&terminal, &key, digest).await;
    match begun.map_err(|fault| fault_refusal(&fault))? {
        Begun::Run => {}
        Begun::Replay(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            return Ok(Done { replayed: true, ..Done::new(status, answer.body) });
        }
        Begun::InProgress => {
            let text = "a request with this Idempotency-Key is still running";
            let refusal = Refusal::new(StatusCode::CONFLICT, "409", text);
            return Err(Refusal { reference, retry_after: Some(1), ..refusal });
        }
        Begun::OtherRequest => {
            let text = "this Idempotency-Key was used for another request";
            let refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "422", text);
            return Err(Refusal { reference, ..refusal });
        }
    }
    // The work and its key are settled although the caller hangs up.
    let task_app = app.clone();
    let task = app.gateway.spawn(async move {
        let result = work.await;
        let settled = match &result {
            Ok(done) => {
                let body = done.without_secret.as_ref().unwrap_or(&done.body).clone();
                let answer = StoredAnswer { status: done.status.as_u16(), body };
                task_app.gateway.finish_idempotent(&terminal, &key, answer).await
            }
            Err(_refusal) => task_app.gateway.forget_idempotent(&terminal, &key).await,
        };
        if let Err(error) = settled {
            tracing::error!(%error, "an idempotency key was not settled");
        }
        result
    });
    task.await.unwrap_or_else(|_panicked| Err(Refusal::fault()))
}
