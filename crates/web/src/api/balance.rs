//! `GET /api/v1/balance`: what the merchant's books say, for its own server.

use super::bearer;
use super::error::{ErrorForm, Refusal};
use super::exchange::{Who, audit, bad_request, fault_refusal, log};
use crate::app::{App, Caller, RequestId};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use domain::api_token::TokenScope;
use domain::id::TerminalNumber;
use domain::ledger::Balance;
use domain::money::sum_to_decimal_text;
use domain::terminal::Terminal;
use engine::balance::Statement;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

/// The terminal's number in the query; its private key, or an API token, as the bearer's.
pub(super) async fn show_balance(
    State(app): State<App>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    extensions: http::Extensions,
) -> Response {
    let caller = Caller::of(&extensions);
    let request_id = RequestId::of(&extensions);
    let mut who = Who::new(&app, caller, "show_balance");
    match answer(&app, &question, &headers, &mut who).await {
        Ok(body) => {
            log(&app, &request_id, &who, (StatusCode::OK, None), None);
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(refusal) => {
            log(&app, &request_id, &who, (refusal.status, None), Some(&refusal));
            who.number = number_of(&question).ok();
            audit(&app, &who, &refusal, &request_id).await;
            bearer::asked_for(refusal.into_answer(ErrorForm::asked(&headers), &request_id))
        }
    }
}

async fn answer(
    app: &App,
    question: &Question,
    headers: &HeaderMap,
    who: &mut Who,
) -> Result<String, Refusal> {
    let number = || number_of(question);
    let scope = (who.caller, TokenScope::ReadBalance);
    let (terminal, actor) = bearer::terminal(app, headers, scope, number).await?;
    who.terminal = Some(Arc::clone(&terminal));
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
    bearer::number_of(question.ter_no.as_deref()).map_err(bad_request)
}
