//! `GET /api/v1/balance` in the `OpenAPI` document.

use super::open_api::with_errors;
use serde_json::{Value, json};

/// How a merchant's server proves itself where money is told or moved.
pub(super) fn security_scheme() -> Value {
    json!({
        "type": "http",
        "scheme": "bearer",
        "description": "The terminal's private key, current or retiring. Live terminals refund only with it.",
    })
}

/// The path.
pub(super) fn question() -> Value {
    json!({ "get": {
        "operationId": "getBalance",
        "tags": ["Payments"],
        "summary": "Ask what the books say",
        "description": "The balances of the terminal's merchant in the terminal's mode, test or \
            live, by currency: what is owed to the merchant, and each account with postings. No \
            currency before the first approved payment. Wrong keys are counted against your \
            address as unknown payment numbers are.",
        "security": [{ "privateKey": [] }, { "apiToken": [] }],
        "parameters": [{
            "name": "terNO", "in": "query", "required": true,
            "description": "The terminal that the private key belongs to, or one of the token's merchant.",
            "schema": { "type": "integer", "minimum": 1 },
            "example": 42,
        }],
        "responses": with_errors(
            json!({ "200": {
                "description": "The balances at this moment.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Balance" },
                    "example": sample(),
                } },
            } }),
            |http| matches!(http, 400 | 401 | 403 | 429 | 500 | 503),
        ),
    } })
}

/// 11.11 USD taken, 1.11 of it given back.
fn sample() -> Value {
    let account = |account: &str, side: &str, amount: &str, amount_minor: i64| {
        json!({
            "account": account, "side": side, "amount": amount, "amount_minor": amount_minor,
        })
    };
    json!({ "terNO": 42, "mode": "test", "balances": [{
        "currency": "USD",
        "owed": "10.00",
        "owed_minor": 1000,
        "accounts": [
            account("bank_receivable", "debit", "10.00", 1000),
            account("merchant_payable", "credit", "11.11", 1111),
            account("refunds", "debit", "1.11", 111),
        ],
    }] })
}

/// The shape of the answer.
pub(super) fn schema() -> Value {
    let accounts = domain::ledger::Account::ALL.map(domain::ledger::Account::name);
    let text = |description: &str| json!({ "type": "string", "description": description });
    let minor = json!({ "type": "integer", "description": "In the currency's minor unit." });
    json!({
        "type": "object",
        "required": ["terNO", "mode", "balances"],
        "properties": {
            "terNO": { "type": "integer" },
            "mode": { "type": "string", "enum": ["test", "live"] },
            "balances": { "type": "array", "items": {
                "type": "object",
                "required": ["currency", "owed", "owed_minor", "accounts"],
                "properties": {
                    "currency": text("ISO 4217."),
                    "owed": text("What is owed to the merchant: sales less refunds and fees; \
                        with a minus when the merchant owes."),
                    "owed_minor": minor,
                    "accounts": { "type": "array", "items": {
                        "type": "object",
                        "required": ["account", "side", "amount", "amount_minor"],
                        "properties": {
                            "account": { "type": "string", "enum": accounts },
                            "side": {
                                "type": "string", "enum": ["debit", "credit"],
                                "description": "The side that the amount stands on.",
                            },
                            "amount": text("With exactly the currency's decimals."),
                            "amount_minor": minor,
                        },
                    } },
                },
            } },
        },
    })
}
