//! Calls that the bearer's token opens: a terminal's private key, current or retiring, or an API
//! token of its merchant, with the terminal's number in the query; and how all of them are answered.

use super::error::{ErrorForm, Problem, Refusal};
use super::exchange::{self, Done, Who, bearer, denied, fault_refusal, throttled};
use crate::app::{App, Caller, RequestId};
use axum::response::Response;
use domain::api_token::{TokenRefused, TokenScope};
use domain::id::TerminalNumber;
use domain::terminal::Terminal;
use engine::Actor;
use engine::api_token::{Opened, TokenDenied};
use engine::terminal::Denied;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

/// The terminal, when its key was shown, or a token with this scope; and who asks. Wrong ones are
/// counted as guesses. `number`: what the query says, asked for after a guesser was turned away.
pub(super) async fn terminal(
    app: &App,
    headers: &HeaderMap,
    (caller, scope): (Caller, TokenScope),
    number: impl FnOnce() -> Result<TerminalNumber, Refusal> + Send,
) -> Result<(Arc<Terminal>, Actor), Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let number = number()?;
    let found = match bearer(headers) {
        Some(key) => app.gateway.terminal_for_bearer(number, (key, scope), caller.0).await,
        None => Err(TokenDenied::Unknown),
    };
    let text = "send Authorization: Bearer with the private key of the terminal in terNO, or with \
                an API token";
    found.map_err(|error| refusal(app, caller, error, text))
}

/// Who asks with a token; a terminal's key opens this not.
pub(super) async fn token(
    app: &App,
    headers: &HeaderMap,
    (caller, scope): (Caller, TokenScope),
) -> Result<Opened, Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let found = match bearer(headers) {
        Some(text) => app.gateway.open_by_token(text, scope, caller.0).await,
        None => Err(TokenDenied::Unknown),
    };
    let text = "send Authorization: Bearer with an API token";
    found.map_err(|error| refusal(app, caller, error, text))
}

fn refusal(app: &App, caller: Caller, error: TokenDenied, missing: &str) -> Refusal {
    match error {
        TokenDenied::Unknown | TokenDenied::Terminal(Denied::Unknown) => {
            app.throttle.note_unknown(caller, app.gateway.clock().now());
            Refusal::new(StatusCode::UNAUTHORIZED, "101", missing)
        }
        TokenDenied::Terminal(other) => denied(other),
        TokenDenied::Refused(why @ (TokenRefused::Expired | TokenRefused::UserGone)) => {
            Refusal::new(StatusCode::UNAUTHORIZED, "101", &why.to_string())
        }
        TokenDenied::Refused(
            why @ (TokenRefused::Scope(_) | TokenRefused::Role(_) | TokenRefused::Mode(_)),
        ) => Refusal::new(StatusCode::FORBIDDEN, "403", &why.to_string()),
        TokenDenied::Fault(fault) => fault_refusal(&fault),
    }
}

/// `terNO` of the query.
pub(super) fn number_of(ter_no: Option<&str>) -> Result<TerminalNumber, Problem> {
    let text = ter_no.ok_or_else(|| Problem::new("terNO", "1040", "is missing in the query"))?;
    terminal_number(text).ok_or_else(|| Problem::form("terNO", TERMINAL_FORM))
}

/// What a terminal's number must look like.
pub(super) const TERMINAL_FORM: &str = "must be the terminal's number, like 42";

/// A terminal's number as text.
pub(super) fn terminal_number(text: &str) -> Option<TerminalNumber> {
    text.parse().ok().filter(|number| *number > 0).map(TerminalNumber)
}

/// The HTTP answer, which nobody keeps; a refusal leaves its line in the audit log.
pub(super) async fn answer(
    app: &App,
    parts: &Parts,
    who: &Who,
    result: Result<Done, Refusal>,
) -> Response {
    let request_id = RequestId::of(&parts.extensions);
    let mut response =
        exchange::answer(app, ErrorForm::asked(&parts.headers), &request_id, who, result).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    asked_for(response)
}

/// The answer, with the header that asks for the key where it was missing or wrong.
pub(super) fn asked_for(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
