//! What banks send of their own accord: `POST /inbound/{connector}`. The connector judges it, the
//! engine keeps it before it is answered, and it makes the gateway ask. Answers are short and the
//! same for all that is not genuine: they help a bank's engineers, and no forger.

#[cfg(test)]
mod tests;

use crate::app::{App, Caller, RequestId};
use crate::body::{BodyError, read_body};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use engine::Actor;
use engine::changeset::AuditLine;
use engine::inbound::Received;
use engine::ports::{InboundMessage, RefusedMessage};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, StatusCode};

/// Largest body of a message.
const BODY_AT_MOST: usize = 64 * 1024;

const RECEIVED: &str = "received\n";
const NOBODY: &str = "there is nothing at this address\n";
const NOT_GENUINE: &str = "the message was not signed as agreed, or not within five minutes\n";
const TOO_MANY: &str = "too many messages that were not signed as agreed\n";
const USED: &str = "another message came under this id before\n";
const LATER: &str = "not at the moment, send it again\n";

/// The banks' routes.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/inbound/{connector}", post(receive))
}

async fn receive(
    State(app): State<App>,
    Path(connector): Path<String>,
    request: Request<Body>,
) -> Response {
    if !app.gateway.takes_bank_messages(&connector) {
        return (StatusCode::NOT_FOUND, NOBODY).into_response();
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body, BODY_AT_MOST).await {
        Ok(body) => body,
        Err(error) => return unread(&error),
    };
    let headers: Vec<(&str, &[u8])> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let caller = Caller::of(&parts.extensions);
    let message =
        InboundMessage { headers: &headers, body: &body, received_at: app.gateway.clock().now() };
    let actor = Actor::Bank { caller: caller.0 };
    match app.gateway.receive_bank_message(actor, &connector, message).await {
        Ok(Received::Kept) => (StatusCode::OK, RECEIVED).into_response(),
        Ok(Received::Contradicts) => (StatusCode::CONFLICT, USED).into_response(),
        Ok(Received::Refused(RefusedMessage::NotTaken)) => {
            (StatusCode::NOT_FOUND, NOBODY).into_response()
        }
        Ok(Received::Refused(RefusedMessage::Unreadable(why))) => {
            refused(&connector, &why);
            (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()
        }
        Ok(Received::Refused(RefusedMessage::NotGenuine(why))) => {
            let now = app.gateway.clock().now();
            if let Err(error) = app.throttle.check(caller, now) {
                return later(StatusCode::TOO_MANY_REQUESTS, TOO_MANY, error.retry_after_seconds);
            }
            refused(&connector, &why);
            not_genuine(&app, actor, &RequestId::of(&parts.extensions)).await
        }
        Err(fault) => {
            tracing::error!(%fault, "a bank's message was not kept");
            later(StatusCode::SERVICE_UNAVAILABLE, LATER, 1)
        }
    }
}

fn unread(error: &BodyError) -> Response {
    match error {
        BodyError::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "a message may have at most 64 KiB\n").into_response()
        }
        BodyError::TooSlow => {
            (StatusCode::REQUEST_TIMEOUT, "the message did not arrive in time\n").into_response()
        }
        BodyError::Broken => {
            (StatusCode::BAD_REQUEST, "the message did not arrive whole\n").into_response()
        }
    }
}

/// For the bank's and the gateway's engineers; a flood of guesses stays out of the log.
fn refused(connector: &str, why: &str) {
    tracing::warn!(connector, why, "a bank's message was refused");
}

/// Counts as guessing. A genuine message is never turned away, whoever guesses from its address.
async fn not_genuine(app: &App, actor: Actor, request_id: &RequestId) -> Response {
    let now = app.gateway.clock().now();
    app.throttle.note_unknown(Caller(actor.caller()), now);
    app.gateway
        .audit(AuditLine {
            at: now,
            actor: actor.name(),
            caller: actor.caller(),
            action: "bank_message",
            result: "refused",
            terminal: None,
            request_id: Some(request_id.0.to_string()),
            detail: "not genuine".to_owned(),
            merchant: actor.merchant(),
            user: actor.user(),
        })
        .await;
    (StatusCode::UNAUTHORIZED, NOT_GENUINE).into_response()
}

fn later(status: StatusCode, text: &'static str, seconds: u64) -> Response {
    let mut answer = (status, text).into_response();
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}
