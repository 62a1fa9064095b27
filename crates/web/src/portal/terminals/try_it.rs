//! "Try it": the requirement page's own request, with this terminal's keys, through the same door
//! as a merchant's server.

use super::of_path;
use crate::api;
use crate::app::{App, Caller, RequestId};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::developers::cards::TEST_CARDS;
use askama::Template;
use axum::body::Body;
use domain::terminal::{Mode, Terminal};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Most bytes of an answer that is shown.
const ANSWER_MOST: usize = 64 * 1024;

struct CardChoice {
    number: &'static str,
    text: String,
    is_chosen: bool,
}

#[derive(Default)]
struct Ran {
    status: String,
    request: String,
    answer: String,
    authurl: String,
    payment_href: String,
    is_good: bool,
}

#[derive(Template)]
#[template(path = "portal/try_it.html")]
struct TryPage {
    shell: Shell,
    name: String,
    path: String,
    cards: Vec<CardChoice>,
    amount: String,
    currency: String,
    ran: Option<Ran>,
}

#[expect(clippy::unnecessary_wraps, reason = "a handler ends with it")]
fn show(
    visit: &Visit,
    terminal: &Terminal,
    (card, amount, currency): (&str, String, String),
    ran: Option<Ran>,
) -> Outcome {
    let choice = |one: &crate::developers::cards::TestCard| CardChoice {
        number: one.number,
        text: format!("{} {}: {}", one.brand, one.grouped(), one.result.text()),
        is_chosen: one.number == card,
    };
    let page = TryPage {
        shell: Shell::of(visit, "Try it"),
        name: terminal.name.clone(),
        path: super::path(visit, terminal.number),
        cards: TEST_CARDS.iter().map(choice).collect(),
        amount,
        currency,
        ran,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

async fn test_terminal(visit: &Visit) -> Result<Terminal, Trouble> {
    let terminal = of_path(visit).await?;
    if terminal.mode == Mode::Test { Ok(terminal) } else { Err(Trouble::NotFound) }
}

/// `GET /portal/{mode}/terminals/{terminal}/try`
pub(super) async fn page(visit: Visit) -> Outcome {
    let terminal = test_terminal(&visit).await?;
    show(&visit, &terminal, ("", "11.11".to_owned(), "USD".to_owned()), None)
}

/// The request as a merchant's server sends it.
fn body(visit: &Visit, terminal: &Terminal, form: &Posted) -> Value {
    let wanted = form.text("card");
    let card = TEST_CARDS.iter().find(|card| card.number == wanted);
    let card = card.or_else(|| TEST_CARDS.first());
    let site = &visit.app.site;
    let url = |set: &Option<domain::text::WebAddress>, page: &str| {
        let own = set.as_ref().map(|url| url.as_str().to_owned());
        own.unwrap_or_else(|| format!("{}{page}", site.public_url))
    };
    let nonce = visit.app.gateway.clock().now().micros();
    json!({
        "public_key": terminal.public_key(),
        "terNO": terminal.number.0,
        "integration-type": "s2s",
        "bill_amt": form.text("amount"),
        "bill_currency": form.text("currency"),
        "product_name": "Try it",
        "reference": format!("try-{nonce}"),
        "webhook_url": url(&terminal.settings.webhook_url, "/developers/webhooks"),
        "return_url": url(&terminal.settings.return_url, "/developers/return-url"),
        "bill_ip": "198.51.100.7",
        "mop": "CC",
        "ccno": card.map_or("", |card| card.number),
        "ccvv": card.map_or("", |card| card.security_code()),
        "month": "01",
        "year": "30",
    })
}

/// `POST /portal/{mode}/terminals/{terminal}/try`
pub(super) async fn run(visit: Visit, form: Posted) -> Outcome {
    let terminal = test_terminal(&visit).await?;
    let body = body(&visit, &terminal, &form);
    let request = serde_json::to_string_pretty(&body).unwrap_or_default();
    let (status, text) = call_api(&visit.app, &visit.request_id, "/api/s2s", request.clone()).await;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let field = |name: &str| match answer.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    };
    let id = field("transID");
    let ran = Ran {
        status: status.to_string(),
        request,
        answer: serde_json::to_string_pretty(&answer).unwrap_or(text),
        authurl: field("authurl"),
        payment_href: if id.is_empty() {
            String::new()
        } else {
            visit.in_mode(&format!("/payments/{id}"))
        },
        is_good: status.is_success(),
    };
    let typed = (&*form.text("card"), form.text("amount"), form.text("currency"));
    show(&visit, &terminal, typed, Some(ran))
}

/// Calls the merchant API as a server would, without the network. Nobody's address is checked: the
/// call comes from this gateway itself.
pub(in crate::portal) async fn call_api(
    app: &App,
    request_id: &RequestId,
    path: &str,
    body: String,
) -> (StatusCode, String) {
    let failed = |text: &str| (StatusCode::INTERNAL_SERVER_ERROR, text.to_owned());
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let Ok(mut request) = request.body(Body::from(body)) else {
        return failed("the request was not made");
    };
    request.extensions_mut().insert(Caller(None));
    request.extensions_mut().insert(request_id.clone());
    let answered = api::routes().with_state(app.clone()).oneshot(request).await;
    let Ok(answer) = answered;
    let status = answer.status();
    match http_body_util::Limited::new(answer.into_body(), ANSWER_MOST).collect().await {
        Ok(bytes) => (status, String::from_utf8_lossy(&bytes.to_bytes()).into_owned()),
        Err(_too_long) => failed("the answer is too long to be shown"),
    }
}
