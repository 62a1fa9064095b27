//! The pages over a gateway whose database, bank and clock are small fakes.

use crate::app::{App, Caller, router};
use crate::fake::World;
use crate::page_id::page_id;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use domain::money::{Currency, Money};
use domain::outcome::{BankFacts, DeclineReason, Outcome};
use domain::payment::{Payment, Request as Words, State, WebhookEncryption};
use domain::text::{ProductName, WebAddress};
use domain::theme::{Logo, Theme};
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

fn created_at() -> Timestamp {
    // The requirement page's own example: transID 417823250426141606.
    Timestamp::from_micros(1_745_676_966_000_657)
}

const ID: &str = "417823250426141606";

pub(super) fn payment(state: State) -> Payment {
    let sample = testkit::fixture::payment(317_823, "1DEV & söns");
    Payment {
        amount: Money::parse("1234.50", Currency::from_code("USD").unwrap()).unwrap(),
        request: Arc::new(Words {
            product_name: ProductName::parse("Testing <b>Product</b>").unwrap(),
            return_url: WebAddress::parse("https://shop.example/return?cart=7").unwrap(),
            ..(*sample.request).clone()
        }),
        state,
        due_at: None,
        ..sample
    }
}

fn bank_facts() -> BankFacts {
    BankFacts {
        bank_reference: None,
        rrn: Some("511614000001".to_owned()),
        descriptor: Some("DEMO SHOP".to_owned()),
        status_code: Some("00".to_owned()),
        amount_minor: None,
    }
}

struct Browser {
    world: Arc<World>,
    app: App,
}

impl Browser {
    fn at(mut payment: Payment) -> Self {
        if let State::Waiting { expires_at } = payment.state {
            payment.due_at = Some(expires_at);
        }
        let world = World::with(payment, created_at().plus(Duration::from_mins(1)));
        *world.outcome.lock().unwrap() = Outcome::Approved(bank_facts());
        let world = Arc::new(world);
        let app = world.app();
        Self { world, app }
    }

    fn waiting() -> Self {
        let expires_at = created_at().plus(Duration::from_mins(15));
        Self::at(payment(State::Waiting { expires_at }))
    }

    fn state(&self) -> &'static str {
        self.world.payments.lock().unwrap().values().next().unwrap().state.name()
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        Answer::read(response).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, form: &str) -> Answer {
        let request = Request::post(format!("/api/authurl/{ID}"))
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.to_owned().into()).unwrap()).await
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    language: String,
    vary: String,
    location: String,
    retry_after: String,
    body: String,
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let header =
            |name| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (location, retry_after) = (header(header::LOCATION), header(header::RETRY_AFTER));
        let (language, vary) = (header(header::CONTENT_LANGUAGE), header(header::VARY));
        let status = head.status;
        let body = to_bytes(body, 100_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { status, language, vary, location, retry_after, body }
    }

    #[track_caller]
    fn shows(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        // What is filled into a sentence is isolated, and an amount does not break.
        let told = self
            .body
            .replace("<bdi>", "")
            .replace("<bdi dir=\"ltr\">", "")
            .replace("</bdi>", "")
            .replace('\u{a0}', " ");
        let found = self.body.contains(words) || told.contains(words);
        assert!(found, "{words:?} is not in {}", self.body);
    }

    fn goes_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        &self.location
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        let query = self.goes_to().split_once('?').unwrap().1;
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }
}

fn page_path(rest: &str) -> String {
    format!("/api/authurl/{ID}{rest}")
}

#[tokio::test]
async fn the_challenge_says_what_is_paid() {
    let browser = Browser::waiting();
    for path in [page_path(""), format!("/api/authurl/auth_3ds/{ID}")] {
        let answer = browser.get(&path).await;
        answer.shows(200, "<bdi>Demo Shop</bdi>");
        for words in [
            "1,234.50",
            "USD",
            "Testing &#60;b&#62;Product",
            "1DEV &#38; söns",
            "•••• 1111",
            "Pay 1,234.50 USD",
            "Sandbox Bank sent a one-time code to •••• 12",
            "3 tries left",
            "The code is 123456.",
            "Finish within 15 minutes, by 14:31 UTC",
            "<noscript><meta http-equiv=\"refresh\" content=\"842\"></noscript>",
        ] {
            answer.shows(200, words);
        }
        assert!(!answer.body.contains("411111"));
    }
    assert_eq!(browser.state(), "challenged");
}

#[tokio::test]
async fn the_customer_reads_their_own_language() {
    let browser = Browser::waiting();
    let get = |path: String, accepted: &'static str| {
        Request::get(path).header("accept-language", accepted).body(Body::empty()).unwrap()
    };
    for (query, accepted, language, words) in [
        ("", "de-DE,de;q=0.9,en;q=0.5", "de", "Bestätigen Sie, dass Sie es sind"),
        ("", "nl;q=0.9,ar;q=0.2", "ar", "<html lang=\"ar\" dir=\"rtl\">"),
        ("?lang=zh", "de", "zh", "支付 USD 1,234.50"),
        ("?lang=tlh", "de", "de", "Noch 3 Versuche"),
        ("", "de", "de", "1.234,50 USD zahlen"),
    ] {
        let answer = browser.send(get(page_path(query), accepted)).await;
        answer.shows(200, words);
        assert_eq!((&*answer.language, &*answer.vary), (language, "accept-language"));
    }
    let page = browser.get(&page_path("?again=wrong&lang=ru")).await;
    page.shows(200, "href=\"?again=wrong&#38;lang=de\"");
    let unknown = Request::get("/api/authurl/none").header("accept-language", "fr");
    let unknown = browser.send(unknown.body(Body::empty()).unwrap()).await;
    unknown.shows(404, "Nous ne connaissons pas ce paiement");
    assert_eq!(unknown.language, "fr");
}

#[tokio::test]
async fn a_chosen_language_stays_chosen() {
    let browser = Browser::waiting();
    let post = |form: &'static str| {
        Request::post(page_path("?again=empty&lang=de"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap()
    };
    let answer = browser.send(post("otp=000000")).await;
    assert_eq!(answer.goes_to(), page_path("?again=wrong&lang=de"));
    browser.get(&answer.location).await.shows(200, "Der Code war nicht richtig. Noch 2 Versuche.");
    *browser.world.outcome.lock().unwrap() = Outcome::Unknown("no answer".to_owned());
    let answer = browser.send(post("otp=123456")).await;
    assert_eq!(answer.goes_to(), page_path("?lang=de"));
    browser.get(&answer.location).await.shows(200, "Bestätigung durch die Bank");
}

#[tokio::test]
async fn a_terminals_looks_are_on_its_pages() {
    let browser = Browser::waiting();
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h9\"/></svg>";
    browser.world.terminal.lock().unwrap().settings.theme = Theme {
        accent: Some("#6a1fb0".parse().unwrap()),
        radius: Some(3),
        logo: Some(Logo::parse(svg.as_bytes()).unwrap()),
    };
    let page = browser.get(&page_path("")).await;
    page.shows(200, "alt=\"Demo Shop\"");
    let named = |ending: &str| {
        let mut parts = page.body.split('"');
        parts.find(|part| part.starts_with("/assets/") && part.ends_with(ending)).unwrap()
    };
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router(browser.app.clone()).oneshot(request).await.unwrap()
    };
    let theme = page.body.split('"').find(|part| part.starts_with("/assets/theme.6a1fb0-3."));
    let theme = get(theme.unwrap()).await;
    assert_eq!(theme.headers()["content-type"], "text/css; charset=utf-8");
    assert!(theme.headers()["cache-control"].to_str().unwrap().ends_with("immutable"));
    let logo = get(named(".svg")).await;
    assert_eq!(logo.headers()["content-type"], "image/svg+xml");
    let policy = logo.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && policy.ends_with("; sandbox"), "{policy}");
    assert_eq!(to_bytes(logo.into_body(), 10_000).await.unwrap(), svg);
    for unknown in [
        named(".svg").replace(".svg", ".png"),
        "/assets/logo/42.svg".to_owned(),
        "/assets/logo/x".to_owned(),
        "/assets/theme.6a1fb0-3.none.css".to_owned(),
    ] {
        assert_eq!(get(&unknown).await.status(), 404, "{unknown}");
    }
}

#[tokio::test]
async fn the_right_code_leads_to_the_shop() {
    let browser = Browser::waiting();
    let answer = browser.post("otp=+123+456%0A").await;
    assert!(answer.goes_to().starts_with("https://shop.example/return?cart=7&transID=4178"));
    let parameters = answer.parameters();
    // Computed apart from this code, with Python's hmac module.
    let signature = "120f3e407c13ac999006e49f7de287b16fe6b81478aa19e798e9100406d99dbf";
    for (name, value) in [
        ("cart", "7"),
        ("transID", ID),
        ("order_status", "25"),
        ("status", "Test Approved"),
        ("bill_amt", "1234.5"),
        ("bill_currency", "USD"),
        ("tdate", "2025-04-26 14:16:06.000657"),
        ("response", "Payment successful"),
        ("reference", "1DEV & söns"),
        ("mop", "Visa"),
        ("ccno", "411111XXXXXX1111"),
        ("descriptor", "DEMO SHOP"),
        ("rrn", "511614000001"),
        ("sig", signature),
    ] {
        assert_eq!(parameters.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(parameters.len(), 14);
    answer.shows(303, "Payment approved");
    answer.shows(303, "Return to Demo Shop");
    let again = browser.get(&page_path("")).await;
    assert_eq!(again.goes_to(), answer.location);
    let stays = browser.get(&page_path("/result")).await;
    stays.shows(200, "Payment approved");
    stays.shows(200, "511614000001");
}

#[tokio::test]
async fn a_wrong_code_may_be_tried_again() {
    let browser = Browser::waiting();
    let answer = browser.post("otp=000000").await;
    assert_eq!(answer.goes_to(), page_path("?again=wrong"));
    browser.get(&answer.location).await.shows(200, "That code was not right. 2 tries left.");
    browser.post("otp=000000").await.goes_to();
    browser.get(&answer.location).await.shows(200, "That code was not right. 1 try left.");
    let last = browser.post("otp=000000").await;
    assert_eq!(last.parameters()["order_status"], "26");
    last.shows(303, "Payment declined");
}

#[tokio::test]
async fn no_code_costs_no_try() {
    let browser = Browser::waiting();
    for empty in ["", "otp=", "otp=+%20%09", "{\"otp\":\"1\"}"] {
        let answer = browser.post(empty).await;
        assert_eq!(answer.goes_to(), page_path("?again=empty"));
        let page = browser.get(&answer.location).await;
        page.shows(200, "Enter the code from your bank");
        page.shows(200, "3 tries left");
    }
}

#[tokio::test]
async fn a_silent_bank_loses_nothing() {
    let browser = Browser::waiting();
    *browser.world.bank_is_up.lock().unwrap() = false;
    let answer = browser.post("otp=123456").await;
    assert_eq!(answer.goes_to(), page_path("?again=unavailable"));
    browser.get(&answer.location).await.shows(200, "Nothing is lost");
    *browser.world.bank_is_up.lock().unwrap() = true;
    assert_eq!(browser.post("otp=123456").await.parameters()["order_status"], "25");
}

#[tokio::test]
async fn cancel_cancels() {
    let browser = Browser::waiting();
    let answer = browser.post("otp=123456&cancel=1").await;
    assert_eq!(answer.parameters()["order_status"], "23");
    answer.shows(303, "Payment cancelled");
}

#[tokio::test]
async fn too_late_is_expired() {
    let browser = Browser::waiting();
    *browser.world.now.lock().unwrap() = created_at().plus(Duration::from_mins(15));
    browser.get(&page_path("/result")).await.shows(200, "Time is over");
    assert_eq!(browser.post("otp=123456").await.parameters()["order_status"], "22");
}

#[tokio::test]
async fn an_unknown_outcome_is_waited_for() {
    let browser = Browser::waiting();
    *browser.world.outcome.lock().unwrap() = Outcome::Unknown("no answer".to_owned());
    let answer = browser.post("otp=123456").await;
    assert_eq!(answer.goes_to(), page_path(""));
    let page = browser.get(&page_path("")).await;
    page.shows(200, "Confirming with the bank");
    page.shows(200, "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>");
    browser.get(&page_path("/result")).await.shows(200, "Payment pending");
}

#[tokio::test]
async fn every_ending_has_its_words() {
    let at = created_at();
    let bank = BankFacts::default();
    for (state, words) in [
        (
            State::Declined { at, reason: DeclineReason::InsufficientFunds, bank },
            "insufficient funds",
        ),
        (State::Failed { at }, "Payment failed"),
        (State::Cancelled { at, order: None }, "Payment cancelled"),
        (State::Waiting { expires_at: at.plus(Duration::from_mins(15)) }, "Continue the payment"),
    ] {
        Browser::at(payment(state)).get(&page_path("/result")).await.shows(200, words);
    }
}

#[tokio::test]
async fn forged_and_oversized_forms_change_nothing() {
    let browser = Browser::waiting();
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        let request = Request::post(page_path("")).header("host", "pay.example");
        let request = request.header(name, value).body("cancel=1".to_owned().into()).unwrap();
        browser.send(request).await.shows(403, "This form came from another website");
    }
    let large = format!("otp={}", "1".repeat(4096));
    browser.post(&large).await.shows(413, "That was too much");
    assert_eq!(browser.state(), "waiting");
}

#[tokio::test]
async fn guessing_is_throttled() {
    let browser = Browser::waiting();
    let from = |address: &str, path: String| {
        let caller = Caller(Some(address.parse().unwrap()));
        Request::get(path).extension(caller).body(Body::empty()).unwrap()
    };
    let malformed = from("192.0.2.1", "/api/authurl/unknown".to_owned());
    browser.send(malformed).await.shows(404, "We do not know this payment");
    for guess in 0..31 {
        let path = format!("/api/authurl/4178232504261{guess:05}");
        browser.send(from("192.0.2.1", path)).await.shows(404, "We do not know this payment");
    }
    for path in [page_path(""), page_path("/result"), "/api/authurl/x".to_owned()] {
        let answer = browser.send(from("192.0.2.1", path)).await;
        answer.shows(429, "Too many tries");
        assert_eq!(answer.retry_after, "60");
    }
    browser.send(from("192.0.2.2", page_path(""))).await.shows(200, "Demo Shop");
}

#[tokio::test]
async fn assets_are_named_by_their_content() {
    let browser = Browser::waiting();
    let page = browser.get(&page_path("")).await.body;
    for extension in ["css", "js"] {
        let path = page.split('"').find(|part| part.ends_with(&format!(".{extension}"))).unwrap();
        let response = router(browser.app.clone())
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["cache-control"].to_str().unwrap().ends_with("immutable"));
        let tag = response.headers()["etag"].clone();
        let again = Request::get(path).header("if-none-match", tag).body(Body::empty()).unwrap();
        assert_eq!(browser.send(again).await.status, 304);
        let inventory = browser.get("/.well-known/payment-page-scripts.json").await.body;
        assert_eq!(inventory.contains(path), extension == "js");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(browser.get("/assets/pay.0000.js").await.status, 404);
}

/// A payment of a merchant who wants encryption, and the token in its address.
fn with_token() -> (Browser, String) {
    let sample = payment(State::Waiting { expires_at: created_at().plus(Duration::from_mins(15)) });
    let encrypted =
        Words { webhook_encryption: WebhookEncryption::Aes256, ..(*sample.request).clone() };
    let browser = Browser::at(Payment { request: Arc::new(encrypted), ..sample });
    let paid = browser.world.payments.lock().unwrap().values().next().unwrap().clone();
    let token = page_id(&browser.app, &paid).unwrap();
    (browser, token)
}

#[tokio::test]
async fn a_token_opens_every_page_and_stays_in_the_address() {
    let (browser, token) = with_token();
    assert_eq!(token.len(), 44);
    assert!(token.ends_with('=') && !token.contains(ID) && !token.contains(['+', '/']));
    let path = |rest: &str| format!("/api/authurl/{token}{rest}");
    for path in [path(""), path("").replace('=', "%3D"), format!("/api/authurl/auth_3ds/{token}")] {
        browser.get(&path).await.shows(200, "Sandbox Bank sent a one-time code");
    }
    let pending = browser.get(&path("/result")).await;
    pending.shows(200, &format!("href=\"{}\"", path("")));
    let form = "application/x-www-form-urlencoded";
    let post = |body: &str| {
        let request = Request::post(path("")).header("content-type", form);
        request.body(body.to_owned().into()).unwrap()
    };
    assert_eq!(browser.send(post("otp=")).await.goes_to(), path("?again=empty"));
    assert_eq!(browser.send(post("otp=000000")).await.goes_to(), path("?again=wrong"));
    *browser.world.outcome.lock().unwrap() = Outcome::Unknown("no answer".to_owned());
    assert_eq!(browser.send(post("otp=123456")).await.goes_to(), path(""));
    let waits = browser.get(&path("")).await;
    waits.shows(200, "Confirming with the bank");
    waits.shows(200, &path(""));
}

#[tokio::test]
async fn where_there_is_a_token_the_number_opens_no_page_and_changes_nothing() {
    let (browser, token) = with_token();
    let unknown = browser.get("/api/authurl/999999250426141606").await;
    for path in [page_path(""), format!("/api/authurl/auth_3ds/{ID}"), page_path("/result")] {
        let answer = browser.get(&path).await;
        assert_eq!((answer.status, &answer.body), (unknown.status, &unknown.body), "{path}");
    }
    for form in ["otp=123456", "cancel=1"] {
        browser.post(form).await.shows(404, "We do not know this payment");
    }
    assert_eq!(browser.state(), "waiting");
    browser.get(&format!("/api/authurl/{token}")).await.shows(200, "Demo Shop");
    // A token is good for every payment; only those who hold one can use it.
    let plain = Browser::waiting();
    let paid = plain.world.payments.lock().unwrap().values().next().unwrap().clone();
    assert_eq!(page_id(&plain.app, &paid).unwrap(), ID);
    plain.get(&format!("/api/authurl/{token}")).await.shows(200, "Demo Shop");
}

#[tokio::test]
async fn forged_tokens_and_numbers_that_need_one_count_as_guesses() {
    let (browser, token) = with_token();
    let forged =
        token.replacen(token.get(..1).unwrap(), if token.starts_with('A') { "B" } else { "A" }, 1);
    let from = |address: &str, path: String| {
        let caller = Caller(Some(address.parse().unwrap()));
        Request::get(path).extension(caller).body(Body::empty()).unwrap()
    };
    for (address, wrong) in [("192.0.2.1", forged.as_str()), ("192.0.2.2", ID)] {
        for _guess in 0..31 {
            let path = format!("/api/authurl/{wrong}");
            browser.send(from(address, path)).await.shows(404, "We do not know this payment");
        }
        let path = format!("/api/authurl/{token}");
        browser.send(from(address, path)).await.shows(429, "Too many tries");
    }
    // Neither form: nothing is told, and nothing counts.
    for _guess in 0..40 {
        let path = format!("/api/authurl/{}", token.trim_end_matches('='));
        browser.send(from("192.0.2.3", path)).await.shows(404, "We do not know this payment");
    }
}
