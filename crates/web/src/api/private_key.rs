//! Calls that a terminal's private key opens: the terminal's number in the query, its private key,
//! current or retiring, as the bearer's token.

use super::error::{Problem, Refusal};
use super::exchange::{bearer, denied, throttled};
use crate::app::{App, Caller};
use axum::response::Response;
use domain::id::TerminalNumber;
use domain::terminal::Terminal;
use engine::terminal::Denied;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

/// The terminal, when its key was shown. Wrong keys are counted as guesses. `number`: what the
/// query says, asked for after a guesser was turned away.
pub(super) async fn terminal(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    number: impl FnOnce() -> Result<TerminalNumber, Refusal> + Send,
) -> Result<Arc<Terminal>, Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let number = number()?;
    let found = match bearer(headers) {
        Some(key) => app.gateway.terminal_for_private_key(number, key, caller.0).await,
        None => Err(Denied::Unknown),
    };
    found.map_err(|error| {
        if matches!(error, Denied::Unknown) {
            app.throttle.note_unknown(caller, now);
            let text = "send Authorization: Bearer with the private key of the terminal in terNO";
            return Refusal::new(StatusCode::UNAUTHORIZED, "101", text);
        }
        denied(error)
    })
}

/// `terNO` of the query.
pub(super) fn number_of(ter_no: Option<&str>) -> Result<TerminalNumber, Problem> {
    let text = ter_no.ok_or_else(|| Problem::new("terNO", "1040", "is missing in the query"))?;
    let number = text.parse().ok().filter(|number| *number > 0);
    let form = || Problem::form("terNO", "must be the terminal's number, like 42");
    number.map(TerminalNumber).ok_or_else(form)
}

/// The answer, with the header that asks for the key where it was missing or wrong.
pub(super) fn asked_for(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
