//! `GET /api/authurl/s2s/{transID or reference}`: how a payment stands.
//!
//! By `transID`, no key is needed, unless the terminal demands it; by `reference`, the terminal's
//! public key is. Without a key, an address may ask for a few unknown numbers in a minute only.
//! With a key nothing is counted: a merchant's server may ask for orders whose creation was lost.

use super::answer::Answer;
use super::error::{ErrorForm, Problem, Refusal};
use super::exchange::{self, Who, bad_request, fault_refusal, known_terminal, log, throttled};
use crate::app::{App, Caller, RequestId};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::text::Reference;
use engine::Actor;
use engine::error::Fault;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::Arc;

/// Answers how the payment stands.
pub(super) async fn show_status(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let mut who = Who::new(&app, Caller::of(request.extensions()), "show_status");
    let request_id = RequestId::of(request.extensions());
    match answer(&app, id, request.uri().query(), &mut who).await {
        Ok((payment, body)) => {
            log(&app, &request_id, &who, (StatusCode::OK, Some(payment)), None);
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(refusal) => {
            log(&app, &request_id, &who, (refusal.status, None), Some(&refusal));
            refusal.into_answer(ErrorForm::asked(request.headers()), &request_id)
        }
    }
}

async fn answer(
    app: &App,
    id: Result<Path<String>, PathRejection>,
    query: Option<&str>,
    who: &mut Who,
) -> Result<(PaymentId, String), Refusal> {
    let Path(id) = id.map_err(|_not_text| {
        let text = "in the path must be UTF-8 text, percent-encoded";
        bad_request(Problem::form("transID", text))
    })?;
    let key = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "public_key")
        // A plus sign that was not percent-encoded arrives as a blank.
        .map(|(_, key)| key.replace(' ', "+"));
    let found = match key {
        Some(key) => with_key(app, &id, &key, who).await?,
        None => without_key(app, &id, who.caller).await?,
    };
    let payment = found.ok_or_else(|| {
        let text = "there is no payment with this transID; to ask by reference, add public_key";
        Refusal::new(StatusCode::NOT_FOUND, "404", text)
    })?;
    let answer = Answer::of_status(&payment, app).map_err(|fault| fault_refusal(&fault))?;
    Ok((payment.id, answer.to_json()))
}

/// Of a merchant's own payments. A number is looked for first: a reference of 18 digits that is
/// the number of another payment of theirs means that one.
async fn with_key(
    app: &App,
    id: &str,
    public_key: &str,
    who: &mut Who,
) -> Result<Option<Payment>, Refusal> {
    let caller = who.caller;
    // Also of a terminal that is switched off: what it took must be able to be asked for.
    let found = app.gateway.terminal_for_refund(public_key, None, caller.0).await;
    let terminal = known_terminal(app, found, caller)?;
    who.terminal = Some(Arc::clone(&terminal));
    let actor = exchange::actor(&terminal, caller);
    let fault = |fault| fault_refusal(&fault);
    if let Ok(id) = id.parse::<PaymentId>()
        && let Some(payment) = app.gateway.payment(actor, id).await.map_err(fault)?
        && (payment.terminal == terminal.number
            || !demands_key(app, &payment).await.map_err(fault)?)
    {
        return Ok(Some(payment));
    }
    let Ok(reference) = Reference::parse(id) else { return Ok(None) };
    app.gateway.payment_by_reference(&terminal, &reference).await.map_err(fault)
}

/// Of whichever payment's number was known.
async fn without_key(app: &App, id: &str, caller: Caller) -> Result<Option<Payment>, Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let fault = |fault| fault_refusal(&fault);
    if let Ok(id) = id.parse::<PaymentId>() {
        let actor = Actor::Holder { caller: caller.0 };
        let found = app.gateway.payment(actor, id).await.map_err(fault)?;
        if let Some(payment) = found
            && !demands_key(app, &payment).await.map_err(fault)?
        {
            return Ok(Some(payment));
        }
    }
    app.throttle.note_unknown(caller, now);
    Ok(None)
}

/// Whether the payment's terminal answers only who shows its key.
async fn demands_key(app: &App, payment: &Payment) -> Result<bool, Fault> {
    Ok(app.gateway.terminal_of(payment).await?.settings.status_requires_key)
}
