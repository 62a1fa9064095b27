//! The request console: sends a test payment as a merchant's server would, and shows the answer.
//!
//! The terminal's key is put in here and not typed, so that nobody pays at somebody else's terminal
//! from this page; and only test cards are taken, so that no real card number ever gets into a page.

use super::{Tab, TerminalChoice, choices, chosen, tabs, terminals};
use crate::app::Caller;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::developers::cards::TEST_CARDS;
use crate::portal::webhooks::pretty;
use crate::portal::words::{Pill, pill};
use askama::Template;
use axum::body::Body;
use domain::redaction::Redacted;
use domain::terminal::{Mode, Terminal};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value};
use tower::ServiceExt as _;

/// Most bytes of an answer that is shown.
const ANSWER_MOST: usize = 256 * 1024;
/// Most bytes of a body, as the API takes it.
const BODY_MOST: usize = 64 * 1024;

/// What came back.
struct Answered {
    pill: Pill,
    status: String,
    took_ms: u128,
    request_id: String,
    body: String,
    curl: String,
    payment: Option<(String, String)>,
    customer_href: Option<String>,
    log_href: String,
}

#[derive(Template)]
#[template(path = "portal/developers_console.html")]
struct ConsolePage {
    shell: Shell,
    tabs: Vec<Tab>,
    is_live: bool,
    test_href: String,
    test_data_href: String,
    terminals_href: String,
    action: String,
    terminals: Vec<TerminalChoice>,
    body: String,
    error: Option<String>,
    answered: Option<Answered>,
}

/// What the form holds, and what came of it.
#[derive(Default)]
struct Filled {
    terminal: String,
    body: Option<String>,
    error: Option<String>,
    answered: Option<Answered>,
}

/// `GET /portal/{mode}/developers/console`
pub(super) async fn show(visit: Visit) -> Outcome {
    let own = terminals(&visit).await?;
    let terminal = visit.asked("terminal").unwrap_or_default();
    page(&visit, &own, Filled { terminal, ..Filled::default() })
}

fn page(visit: &Visit, own: &[Terminal], filled: Filled) -> Outcome {
    let terminal = chosen(own, &filled.terminal);
    let status =
        if filled.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ConsolePage {
        shell: Shell::of(visit, "Request console"),
        tabs: tabs(visit, "/console"),
        is_live: visit.mode()? == Mode::Live,
        test_href: visit.href("/portal/test/developers/console"),
        test_data_href: visit.in_mode("/developers/test-data"),
        terminals_href: visit.in_mode("/terminals"),
        action: visit.in_mode("/developers/console"),
        terminals: choices(own, terminal),
        body: filled.body.unwrap_or_else(|| example(visit)),
        error: filled.error,
        answered: filled.answered,
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// A payment that works as it stands; its reference is new with each page.
fn example(visit: &Visit) -> String {
    let micros = visit.app.gateway.clock().now().micros();
    format!(
        r#"{{
  "integration-type": "s2s",
  "bill_amt": "11.11",
  "bill_currency": "USD",
  "product_name": "Testing Product",
  "reference": "console-{micros}",
  "webhook_url": "https://shop.example/webhook",
  "return_url": "https://shop.example/return",
  "bill_ip": "198.51.100.7",
  "mop": "CC",
  "ccno": "4111111111111111",
  "ccvv": "123",
  "month": "01",
  "year": "30"
}}"#
    )
}

/// `POST /portal/{mode}/developers/console`
pub(super) async fn send(visit: Visit, posted: Posted) -> Outcome {
    if visit.mode()? == Mode::Live {
        let text = "The console is for test terminals: it would move real money.".to_owned();
        return Err(Trouble::Refused(StatusCode::FORBIDDEN, text));
    }
    let own = terminals(&visit).await?;
    let number = posted.text("terminal");
    let terminal = own.iter().find(|one| one.number.to_string() == number);
    let terminal = terminal.ok_or(Trouble::NotFound)?;
    let typed = posted.raw("body").to_owned();
    let filled = match with_key(&visit, &typed, terminal) {
        Ok(body) => {
            let answered = ask(&visit, &body).await?;
            Filled { terminal: number, body: Some(typed), error: None, answered: Some(answered) }
        }
        Err(error) => {
            // What was refused may hold a real card.
            let body = Some(Redacted::of(&typed).as_str().to_owned());
            Filled { terminal: number, body, error: Some(error), answered: None }
        }
    };
    page(&visit, &own, filled)
}

/// The body with the terminal's number and key; why not, where it cannot be sent from here.
fn with_key(visit: &Visit, typed: &str, terminal: &Terminal) -> Result<String, String> {
    if typed.len() > BODY_MOST {
        return Err("must be at most 64 kB".to_owned());
    }
    let fields: Map<String, Value> = serde_json::from_str(typed).map_err(|error| {
        // The parser's own words may quote what was typed.
        format!("must be one JSON object; look at line {}, column {}", error.line(), error.column())
    })?;
    if fields.keys().any(|name| name.starts_with("encrypted_")) {
        return Err("must be plain: encrypted requests are made by your server".to_owned());
    }
    for name in ["public_key", "terNO"] {
        if fields.contains_key(name) {
            return Err(format!("must be without {name}: it is the chosen terminal\u{2019}s"));
        }
    }
    if let Some(card) = fields.get("ccno") {
        let digits = match card {
            Value::String(text) => text.chars().filter(|c| !" -".contains(*c)).collect(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let lab = visit.app.counter.as_ref().map(|counter| counter.lab()).unwrap_or_default();
        let is_test = TEST_CARDS.iter().any(|test| test.number == digits)
            || lab.iter().any(|case| case.card == Some(digits.as_str()))
            || digits.is_empty();
        if !is_test {
            return Err("must have a test card in ccno; they are listed under Test data".to_owned());
        }
    }
    let mut all = Map::new();
    all.insert("public_key".to_owned(), Value::from(terminal.public_key()));
    all.insert("terNO".to_owned(), Value::from(terminal.number.0));
    all.extend(fields);
    serde_json::to_string(&all).map_err(|_never| "cannot be written as JSON".to_owned())
}

/// The call itself, through the very handlers that a merchant's server reaches.
async fn ask(visit: &Visit, body: &str) -> Result<Answered, Trouble> {
    let clock = visit.app.gateway.clock();
    let mut request = Request::post("/api/s2s")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .map_err(broken)?;
    request.extensions_mut().insert(Caller(visit.actor().caller()));
    request.extensions_mut().insert(visit.request_id.clone());
    let began = clock.now();
    let answer = crate::api::routes().with_state(visit.app.clone()).oneshot(request).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let took_ms = clock.now().since(began).as_millis();
    let status = answer.status();
    let bytes = Limited::new(answer.into_body(), ANSWER_MOST).collect().await;
    let bytes = bytes.map_err(broken)?.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let told: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let field = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    let payment =
        field("transID").map(|number| (visit.in_mode(&format!("/payments/{number}")), number));
    // On the host that the browser uses.
    let customer = field("authurl").and_then(|address| {
        let path = address.strip_prefix(&visit.app.site.public_url)?;
        path.starts_with('/').then(|| visit.href(path))
    });
    Ok(Answered {
        pill: if status.is_success() {
            pill("ok", "check", "Done")
        } else {
            pill("bad", "cross", "Refused")
        },
        status: status.to_string(),
        took_ms,
        request_id: visit.request_id.0.to_string(),
        body: pretty(&text),
        curl: curl(&visit.app.site.public_url, body),
        payment,
        customer_href: customer,
        log_href: form_urlencoded::Serializer::new(visit.in_mode("/api-log?"))
            .append_pair("request", &visit.request_id.0)
            .finish(),
    })
}

/// The same call from a command line. JSON has no line that ends the document early.
fn curl(public_url: &str, body: &str) -> String {
    format!(
        "curl -sS '{public_url}/api/s2s' -H 'Content-Type: application/json' --data @- \
         <<'JSON'\n{}\nJSON",
        pretty(body)
    )
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::Fault(engine::error::Fault::Broken(error.to_string()))
}
