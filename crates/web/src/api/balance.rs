//! `GET /api/v1/balance`: what the merchant's books say, for its own server.

use super::error::{Problem, Refusal};
use super::exchange::{audit, bearer, denied, fault_refusal, throttled};
use crate::app::{App, Caller, RequestId};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use domain::id::TerminalNumber;
use domain::ledger::Balance;
use domain::money::sum_to_decimal_text;
use domain::terminal::Terminal;
use engine::Actor;
use engine::balance::Statement;
use engine::terminal::Denied;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

/// The query of a question for balances.
#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(rename = "terNO")]
    ter_no: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(rename = "terNO")]
    ter_no: i64,
    mode: &'static str,
    balances: Vec<InCurrency>,
}

#[derive(Debug, Serialize)]
struct InCurrency {
    currency: &'static str,
    owed: String,
    owed_minor: i64,
    accounts: Vec<OnAccount>,
}

#[derive(Debug, Serialize)]
struct OnAccount {
    account: &'static str,
    side: &'static str,
    amount: String,
    amount_minor: i64,
}

impl InCurrency {
    fn of(statement: &Statement) -> Self {
        let account = |balance: &Balance| OnAccount {
            account: balance.account.name(),
            side: balance.account.side().name(),
            amount: sum_to_decimal_text(balance.on_its_side_minor(), balance.currency),
            amount_minor: balance.on_its_side_minor(),
        };
        Self {
            currency: statement.currency.code(),
            owed: sum_to_decimal_text(statement.owed_minor, statement.currency),
            owed_minor: statement.owed_minor,
            accounts: statement.accounts.iter().map(account).collect(),
        }
    }
}

/// The terminal's number in the query, its private key as the bearer's token.
pub(super) async fn show_balance(
    State(app): State<App>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    extensions: http::Extensions,
) -> Response {
    let caller = Caller::of(&extensions);
    let request_id = RequestId::of(&extensions);
    match answer(&app, &question, &headers, caller).await {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(refusal) => {
            let terminal = number_of(&question).ok();
            audit(&app, "show_balance", caller, terminal, &refusal, &request_id).await;
            let is_unauthorized = refusal.status == StatusCode::UNAUTHORIZED;
            let mut response = refusal.into_answer(&headers, &request_id);
            if is_unauthorized {
                let headers = response.headers_mut();
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

async fn answer(
    app: &App,
    question: &Question,
    headers: &HeaderMap,
    caller: Caller,
) -> Result<String, Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let number = number_of(question)?;
    let found = match bearer(headers) {
        Some(key) => app.gateway.terminal_for_private_key(number, key, caller.0).await,
        None => Err(Denied::Unknown),
    };
    let terminal = found.map_err(|error| {
        if matches!(error, Denied::Unknown) {
            app.throttle.note_unknown(caller, now);
            let text = "send Authorization: Bearer with the private key of the terminal in terNO";
            return Refusal::new(StatusCode::UNAUTHORIZED, "101", text);
        }
        denied(error)
    })?;
    let actor =
        Actor::Terminal { number: terminal.number, merchant: terminal.merchant, caller: caller.0 };
    let statements = app.gateway.statements(actor).await.map_err(|fault| fault_refusal(&fault))?;
    let answer = of_mode(&terminal, &statements);
    serde_json::to_string(&answer).map_err(|_never| Refusal::fault())
}

/// Test money and real money are never in one answer.
fn of_mode(terminal: &Terminal, statements: &[Statement]) -> Answer {
    let own = statements.iter().filter(|one| one.mode == terminal.mode);
    Answer {
        ter_no: terminal.number.0,
        mode: terminal.mode.name(),
        balances: own.map(InCurrency::of).collect(),
    }
}

fn number_of(question: &Question) -> Result<TerminalNumber, Refusal> {
    let wrong = |problem| Refusal::of(StatusCode::BAD_REQUEST, vec![problem]);
    let Some(text) = &question.ter_no else {
        return Err(wrong(Problem::new("terNO", "1040", "is missing in the query")));
    };
    let number = text.parse().ok().filter(|number| *number > 0);
    let form = || wrong(Problem::form("terNO", "must be the terminal's number, like 42"));
    number.map(TerminalNumber).ok_or_else(form)
}
