//! `GET /api/methods?public_key=…`: what customers of a terminal can pay with.

use super::error::{ErrorForm, Refusal};
use super::exchange::{denied, fault_refusal, throttled};

use crate::app::{App, Caller, RequestId};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use domain::method::MethodCode;
use engine::ports::Institution;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

/// Whose methods.
#[derive(Deserialize)]
pub(super) struct Question {
    public_key: Option<String>,
}

#[derive(Serialize)]
struct Methods {
    #[serde(rename = "terNO")]
    terminal: String,
    mode: &'static str,
    #[serde(rename = "methods")]
    list: Vec<Method>,
}

#[derive(Serialize)]
struct Method {
    mop: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    banks: Option<Vec<Bank>>,
}

#[derive(Serialize)]
struct Bank {
    bankcode: &'static str,
    name: &'static str,
    /// For a mark where there is no logo.
    initials: String,
}

/// The methods that are switched on, with their banks and wallets.
pub(super) async fn methods(
    State(app): State<App>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    extensions: http::Extensions,
) -> Response {
    let caller = Caller::of(&extensions);
    match list(&app, question.public_key, caller).await {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(refusal) => {
            refusal.into_answer(ErrorForm::asked(&headers), &RequestId::of(&extensions))
        }
    }
}

async fn list(app: &App, key: Option<String>, caller: Caller) -> Result<String, Refusal> {
    let now = app.gateway.clock().now();
    app.throttle.check(caller, now).map_err(throttled)?;
    let Some(key) = key else {
        let text = "public_key is missing: add ?public_key= with the terminal's key, URL-encoded";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "1040", text));
    };
    // An unencoded plus sign of the key arrives as a blank.
    let key = key.replace(' ', "+");
    let terminal = match app.gateway.terminal_for_request(&key, None, caller.0).await {
        Ok(terminal) => terminal,
        Err(error) => {
            app.throttle.note_unknown(caller, now);
            return Err(denied(error));
        }
    };
    let method = |code: &MethodCode| Method {
        mop: code.code(),
        name: code.name(),
        banks: code.takes_bank_code().then(|| {
            let list = app.gateway.institutions(terminal.mode, *code);
            list.into_iter().map(bank).collect()
        }),
    };
    let methods = Methods {
        terminal: terminal.number.to_string(),
        mode: terminal.mode.name(),
        list: terminal.settings.methods.iter().map(method).collect(),
    };
    serde_json::to_string(&methods)
        .map_err(|error| fault_refusal(&engine::error::Fault::Broken(error.to_string())))
}

fn bank(institution: Institution) -> Bank {
    Bank { bankcode: institution.code, name: institution.name, initials: institution.initials() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_answer_is_what_is_sent() {
        let of = |method, code, name| bank(Institution { code, name, method });
        let banks = vec![
            of(MethodCode::NetBanking, "HDFC", "HDFC Bank"),
            of(MethodCode::NetBanking, "SBIN", "State Bank of India"),
        ];
        let wallets = vec![of(MethodCode::Wallet, "PAYTM", "Paytm")];
        let method =
            |code: MethodCode, banks| Method { mop: code.code(), name: code.name(), banks };
        let answer = Methods {
            terminal: "42".to_owned(),
            mode: "test",
            list: vec![
                method(MethodCode::CreditCard, None),
                method(MethodCode::NetBanking, Some(banks)),
                method(MethodCode::Wallet, Some(wallets)),
                method(MethodCode::QrIntent, None),
            ],
        };
        let text = serde_json::to_string_pretty(&answer).unwrap();
        assert_eq!(text, crate::developers::methods::METHODS_ANSWER);
    }
}
