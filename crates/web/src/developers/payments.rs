//! `GET /api/v1/payments` in the `OpenAPI` document, and the API tokens that open it.

use super::open_api::with_errors;
use crate::api::PAYMENT_FILTERS;
use domain::api_token::TokenScope;
use domain::payment_filter::StateGroup;
use serde_json::{Value, json};

/// How a merchant's own scripts prove themselves.
pub(super) fn security_scheme() -> Value {
    let scopes = TokenScope::ALL.map(|scope| format!("{}: {}", scope.name(), scope.means()));
    json!({
        "type": "http",
        "scheme": "bearer",
        "description": format!(
            "An API token, made in My Terminal, API tokens, with one or more scopes. {}. It never \
             does more than whoever made it may.",
            scopes.join(". "),
        ),
    })
}

/// The path.
pub(super) fn question() -> Value {
    let filters = PAYMENT_FILTERS.iter().map(|name| parameter(name));
    let terminal = json!({
        "name": "terNO", "in": "query", "required": false, "example": 42,
        "description": "Payments of this terminal only.",
        "schema": { "type": "integer", "minimum": 1 },
    });
    json!({ "get": {
        "operationId": "listPayments",
        "tags": ["Payments"],
        "summary": "List payments, the newest first",
        "description": "The payments of the token's merchant, test or live as the token is; scope \
            payments:read. Each stands there as a status query tells of it.",
        "security": [{ "apiToken": [] }],
        "parameters": std::iter::once(terminal).chain(filters).collect::<Vec<_>>(),
        "responses": with_errors(
            json!({ "200": {
                "description": "A page of payments.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Payments" },
                } },
            } }),
            |http| matches!(http, 400 | 401 | 403 | 429 | 500 | 503),
        ),
    } })
}

fn parameter(name: &str) -> Value {
    let time = "a time such as 2025-04-26T14:16:06Z, or a day such as 2025-04-26, which is UTC";
    let text = json!({ "type": "string" });
    let (description, schema) = match name {
        "q" => (
            "A transID, a reference, the card's last four digits, an e-mail address, a name or an \
             amount."
                .to_owned(),
            json!({ "type": "string", "maxLength": 200 }),
        ),
        "state" => (
            "How they stand.".to_owned(),
            json!({ "type": "string", "enum": StateGroup::ALL.map(StateGroup::name) }),
        ),
        "method" => ("The method's code, as GET /api/methods lists them.".to_owned(), text),
        "from" => (format!("Made at or after {time}."), text),
        "until" => (format!("Made before {time}."), text),
        "cursor" => ("next_cursor of the page before.".to_owned(), text),
        "limit" => (
            "Payments on a page; 20 where it is left out.".to_owned(),
            json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        ),
        _ => (String::new(), text),
    };
    json!({
        "name": name, "in": "query", "required": false,
        "description": description, "schema": schema,
    })
}

/// The shape of the answer.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["mode", "payments", "stopped", "next_cursor"],
        "properties": {
            "mode": { "type": "string", "enum": ["test", "live"] },
            "payments": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/PaymentStatus" },
            },
            "stopped": {
                "type": "boolean",
                "description": "The search looked for long enough and stopped before the page was \
                    full: go on at next_cursor.",
            },
            "next_cursor": {
                "type": ["string", "null"],
                "description": "Where older payments begin; null when there are none.",
            },
        },
    })
}
