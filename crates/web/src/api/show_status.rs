//! `GET /api/authurl/s2s/{transID or reference}`: how a payment stands.

use super::answer::Answer;
use super::error::Refusal;
use super::exchange::{self, denied, fault_refusal, throttled};
use crate::app::{App, Caller, RequestId};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::terminal::Terminal;
use domain::text::Reference;
use engine::Actor;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::sync::Arc;

/// The query of a status question.
#[derive(Deserialize)]
pub(super) struct Question {
    public_key: Option<String>,
}

/// By `transID`, no key is needed; by `reference`, the terminal's public key is.
pub(super) async fn show_status(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    extensions: http::Extensions,
) -> Response {
    let caller = Caller::of(&extensions);
    let found = find(&app, &id, question.public_key, caller).await;
    let body = found.and_then(|payment| {
        let answer = Answer::of_status(&payment, &app).map_err(|fault| fault_refusal(&fault))?;
        Ok(answer.to_json())
    });
    match body {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(refusal) => refusal.into_answer(&headers, &RequestId::of(&extensions)),
    }
}

async fn find(
    app: &App,
    id: &str,
    public_key: Option<String>,
    caller: Caller,
) -> Result<Payment, Refusal> {
    let terminal: Option<Arc<Terminal>> = match public_key {
        None => None,
        Some(key) => {
            // An unencoded plus sign of the key arrives as a blank.
            let key = key.replace(' ', "+");
            let found = app.gateway.terminal_for_request(&key, None, caller.0).await;
            Some(found.map_err(denied)?)
        }
    };
    let actor = match &terminal {
        Some(terminal) => exchange::actor(terminal, caller),
        None => Actor::Holder { caller: caller.0 },
    };
    let fault = |fault| fault_refusal(&fault);
    let now = app.gateway.clock().now();
    if terminal.is_none() {
        app.throttle.check(caller, now).map_err(throttled)?;
    }
    if let Ok(id) = id.parse::<PaymentId>()
        && let Some(payment) = app.gateway.payment(actor, id).await.map_err(fault)?
    {
        return Ok(payment);
    }
    let by_reference = match (&terminal, Reference::parse(id)) {
        (Some(terminal), Ok(reference)) => {
            app.gateway.payment_by_reference(terminal, &reference).await.map_err(fault)?
        }
        _ => None,
    };
    by_reference.ok_or_else(|| {
        app.throttle.note_unknown(caller, now);
        let text = "there is no payment with this transID; to ask by reference, add public_key";
        Refusal::new(StatusCode::NOT_FOUND, "404", text)
    })
}
