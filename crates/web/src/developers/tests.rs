//! The tables against the domain, the pages against the tables.

use super::answers::{Produced, STATUSES};
use super::cards::{CardResult, TEST_CARDS};
use super::errors::ERRORS;
use super::parameters::{Kind, PARAMETERS};
use super::*;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::call::{Sending, Unknown};
use domain::card::{CardNumber, SecurityCode};
use domain::method::MethodCode;
use domain::outcome::{BankFacts, DeclineReason};
use domain::payment::{Hold, State, Taken};
use domain::status::OrderStatus;
use domain::terminal::Mode;
use domain::time::Timestamp;
use http_body_util::BodyExt as _;
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt as _;

const PUBLIC_URL: &str = "https://pay.shop.example";

fn site() -> Site {
    Site { public_url: PUBLIC_URL.to_owned() }
}

/// A row with every trigger, and one with none but an address.
fn lab() -> Vec<LabCase> {
    let all = LabCase {
        name: "Insufficient funds",
        card: Some("4000000000009995"),
        upi_addresses: &["funds@sandbox", "funds@other"],
        bank_code: Some("LABFUNDS"),
        amount_ending: Some("77.51"),
        bank: "declines",
        order_status: "26",
        response: DeclineReason::InsufficientFunds.text(),
    };
    let one = LabCase {
        name: "Nobody <acts>",
        card: None,
        upi_addresses: &["timeout@sandbox"],
        bank_code: None,
        amount_ending: None,
        order_status: "22",
        ..all
    };
    vec![all, one]
}

async fn get(path: &str) -> (StatusCode, HeaderMap, String) {
    let router: Router = routes(&site(), &lab()).merge(crate::assets::files());
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn html_pages() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for page in pages::PAGES {
        let (status, headers, body) = get(page.path).await;
        assert_eq!(status, StatusCode::OK, "{}", page.path);
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], crate::html::CONTENT_SECURITY_POLICY);
        assert!(headers.contains_key(header::ETAG));
        found.push((page.path, body));
    }
    found
}

/// The values of an attribute in a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    html.split(&opening).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn every_page_renders_and_asks_no_third_party() {
    for (path, html) in html_pages().await {
        assert!(html.contains("<h1>") && html.trim_end().ends_with("</html>"), "{path}");
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert!(!html.contains(" style=\"") && !html.contains("<style"), "{path}");
        assert!(!html.contains("{{") && !html.contains("localhost"), "{path}");
        let scripts = html.matches("<script").count();
        assert_eq!(html.matches("<script src=\"/assets/developers.").count(), scripts, "{path}");
        for address in attributes(&html, "src").into_iter().chain(attributes(&html, "href")) {
            let own = address.starts_with('/') || address.starts_with('#');
            assert!(own || address.starts_with("data:image/svg+xml,"), "{path}: {address}");
        }
        let ids = attributes(&html, "id");
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{path}: an id stands twice");
        for label in attributes(&html, "for") {
            assert!(distinct.contains(label), "{path}: a label for {label}");
        }
    }
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let pages: BTreeMap<&str, String> = html_pages().await.into_iter().collect();
    for (path, html) in &pages {
        for link in attributes(html, "href") {
            if link.starts_with("data:") {
                continue;
            }
            let (target, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { *path } else { target };
            if !fragment.is_empty() {
                let ids = attributes(&pages[target], "id");
                assert!(ids.contains(&fragment), "{path}: {link}");
            } else if !pages.contains_key(target) {
                let (status, ..) = get(target).await;
                assert!(status.is_success() || status.is_redirection(), "{path}: {link} {status}");
            }
        }
    }
}

#[tokio::test]
async fn the_crumbs_of_the_reference() {
    let (_, _, html) = get("/developers/api-reference/simple-s2s").await;
    let crumbs = html.split("aria-label=\"Breadcrumb\"").nth(1).unwrap();
    let crumbs = crumbs.split("</nav>").next().unwrap();
    let names: Vec<&str> = crumbs
        .split('>')
        .filter_map(|part| part.split('<').next())
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(names, ["Home", "Developers", "API Reference", "Simple Payment Gateway (S2S)"]);
}

#[tokio::test]
async fn the_reference_shows_every_row_of_its_tables() {
    let (_, _, reference) = get("/developers/api-reference/simple-s2s").await;
    for parameter in PARAMETERS {
        assert!(reference.contains(&format!("id=\"parameter-{}\"", parameter.name)));
        for number in parameter.errors {
            assert!(ERRORS.iter().any(|error| error.number == *number), "{number}");
        }
    }
    assert!(reference.contains(&format!("{PUBLIC_URL}/api/s2s")));
    let (_, _, statuses) = get("/developers/status-codes").await;
    for status in STATUSES {
        assert!(statuses.contains(&format!("id=\"status-{}\"", status.code)), "{}", status.code);
    }
    let (_, _, cards) = get("/developers/test-data").await;
    for card in TEST_CARDS {
        assert!(cards.contains(&format!("data-copy=\"{}\"", card.number)), "{}", card.number);
    }
}

#[tokio::test]
async fn a_reader_with_the_tag_gets_304() {
    let (_, headers, body) = get("/openapi.json").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    let router: Router = routes(&site(), &lab());
    let request = Request::get("/openapi.json")
        .header(header::IF_NONE_MATCH, &headers[header::ETAG])
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let (status, ..) = get("/").await;
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
}

#[test]
fn eleven_parameters_are_mandatory() {
    let names = [
        "public_key",
        "terNO",
        "integration-type",
        "bill_amt",
        "bill_currency",
        "product_name",
        "reference",
        "webhook_url",
        "return_url",
        "bill_ip",
        "mop",
    ];
    assert_eq!(parameters::mandatory_names(), names);
    let all: BTreeSet<&str> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
    assert_eq!(all.len(), PARAMETERS.len(), "a parameter stands twice");
}

#[test]
fn parameters_agree_with_the_domain() {
    use domain::text::{BillAddress, ProductName, Reference, WebAddress};
    let of = |name: &str| *PARAMETERS.iter().find(|parameter| parameter.name == name).unwrap();
    for (name, max) in [
        ("reference", Reference::MAX),
        ("product_name", ProductName::MAX),
        ("bill_ip", BillAddress::MAX),
        ("webhook_url", WebAddress::MAX),
        ("return_url", WebAddress::MAX),
    ] {
        assert_eq!(of(name).max_length.map(usize::from), Some(max), "{name}");
    }
    let codes = MethodCode::ALL.map(MethodCode::code);
    assert!(matches!(of("mop").kind, Kind::Choice(told) if told == codes));
    let card = |method: &MethodCode| method.takes_card();
    let cards: Vec<&str> = MethodCode::ALL.into_iter().filter(card).map(MethodCode::code).collect();
    for name in ["ccno", "ccvv", "month", "year"] {
        assert_eq!(of(name).needed_for, cards, "{name}");
    }
    let without_card: Vec<&str> = codes.into_iter().filter(|code| !cards.contains(code)).collect();
    assert_eq!(methods::METHODS.map(|row| row.code).to_vec(), without_card);
    let usd = domain::money::Currency::from_code(of("bill_currency").sample).unwrap();
    assert!(domain::money::Money::parse(of("bill_amt").sample, usd).is_ok());
}

/// Numbers stand in the handlers' sources as short texts of digits.
#[test]
fn every_error_number_of_the_code_is_in_the_table() {
    let sources = [
        include_str!("../api/balance.rs"),
        include_str!("../api/create_payment.rs"),
        include_str!("../api/encrypted.rs"),
        include_str!("../api/error.rs"),
        include_str!("../api/exchange.rs"),
        include_str!("../api/means.rs"),
        include_str!("../api/methods.rs"),
        include_str!("../api/refund.rs"),
        include_str!("../api/request.rs"),
        include_str!("../api/show_status.rs"),
        include_str!("../api/bearer.rs"),
        include_str!("../api/payments.rs"),
        include_str!("../api/webhooks/deliveries.rs"),
        include_str!("../api/webhooks/endpoints.rs"),
        include_str!("../api/input.rs"),
        include_str!("../api/webhooks/mod.rs"),
        include_str!("../api/webhooks/stream/mod.rs"),
        include_str!("../app.rs"),
    ];
    let of_code: BTreeSet<u16> = sources
        .iter()
        .flat_map(|source| source.split('"'))
        .filter(|text| text.len() >= 3 && text.bytes().all(|b| b.is_ascii_digit()))
        .map(|text| text.parse().unwrap())
        .collect();
    let of_table: BTreeSet<u16> = ERRORS.iter().map(|error| error.number).collect();
    assert_eq!(of_code, of_table);
    assert_eq!(of_table.len(), ERRORS.len(), "a number stands twice");
}

fn approved(refunded_minor: i64, refunding_minor: i64) -> State {
    let taken = Taken { captured_minor: 2, refunded_minor, refunding_minor, ..Taken::default() };
    let at = Timestamp::from_micros(1_745_676_966_000_657);
    State::Approved { at, bank: BankFacts::default(), taken }
}

fn states() -> Vec<State> {
    let at = Timestamp::from_micros(1_745_676_966_000_657);
    let bank = BankFacts::default();
    let our_reference = String::new();
    vec![
        State::Waiting { expires_at: at },
        State::Challenged { opened_at: at, expires_at: at },
        State::Sending(Sending { our_reference: our_reference.clone(), sent_at: at }),
        State::Unknown(Unknown {
            our_reference: our_reference.clone(),
            sent_at: at,
            lookups: 0,
            not_found_since: None,
            stands: false,
        }),
        State::Authorised(Hold { at, bank: bank.clone(), our_reference }),
        approved(0, 0),
        approved(0, 1),
        approved(1, 0),
        approved(2, 0),
        State::Reversed { at },
        State::Declined { at, reason: DeclineReason::Refused, bank },
        State::Expired { at, order: None },
        State::Cancelled { at, order: None },
        State::Failed { at },
    ]
}

#[test]
fn statuses_agree_with_the_domain() {
    let mut produced: BTreeMap<&str, BTreeSet<Mode>> = BTreeMap::new();
    for state in states() {
        for mode in [Mode::Test, Mode::Live] {
            let shown = OrderStatus::of(&state, mode);
            let row = STATUSES.iter().find(|row| row.code == shown.code);
            let row = row.unwrap_or_else(|| panic!("{} is not in the table", shown.code));
            assert_eq!((row.text, row.decided), (shown.text, shown.decided), "{}", shown.code);
            produced.entry(shown.code).or_default().insert(mode);
        }
    }
    for row in STATUSES {
        let modes = produced.get(row.code).cloned().unwrap_or_default();
        let expected = match (modes.contains(&Mode::Live), modes.contains(&Mode::Test)) {
            (true, true) => Produced::Everywhere,
            (true, false) => Produced::Live,
            (false, true) => Produced::Test,
            (false, false) => Produced::NotYet,
        };
        assert_eq!(row.produced, expected, "{}", row.code);
    }
}

#[test]
fn test_cards_agree_with_the_domain() {
    for card in TEST_CARDS {
        let number = CardNumber::parse(card.number, true).unwrap();
        assert_eq!(number.brand().name(), card.brand, "{}", card.number);
        assert!(SecurityCode::parse(card.security_code(), number.brand()).is_ok());
        assert_eq!(card.grouped().replace(' ', ""), card.number);
        let status = card.result.order_status();
        assert!(STATUSES.iter().any(|row| row.code == status), "{status}");
        // The page says which challenge cards pass on test terminals only.
        let everywhere = CardNumber::parse(card.number, false).is_ok();
        let told = ["5111111111111111", "6521111111111117"].contains(&card.number);
        assert_eq!(everywhere, !told, "{}", card.number);
    }
    let challenged = TEST_CARDS.iter().filter(|card| card.result == CardResult::Challenge);
    assert_eq!(challenged.count(), 10);
}

#[tokio::test]
async fn the_test_banks_failures_are_on_the_page() {
    let (_, _, html) = get("/developers/test-data").await;
    let copied = attributes(&html, "data-copy");
    for trigger in
        ["4000000000009995", "funds@sandbox", "funds@other", "LABFUNDS", "timeout@sandbox"]
    {
        assert!(copied.contains(&trigger), "{trigger}");
    }
    assert!(html.contains("4000 0000 0000 9995") && html.contains("<code>77.51</code>"));
    assert!(html.contains("Declined by the bank: insufficient funds"));
    assert!(!html.contains("<acts>"));
    // Where no test bank is, nothing is promised.
    let without = pages::render("/developers/test-data", PUBLIC_URL, &[]).unwrap();
    assert!(!without.contains("id=\"lab\""));
}

#[test]
fn samples_of_answers_have_their_fields() {
    use super::answers::{RESPONSE_FIELDS, RETURN_FIELDS, sample_object};
    let text = sample_object(&RESPONSE_FIELDS, PUBLIC_URL);
    let sample: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    assert_eq!(sample.len(), 13);
    assert_eq!(sample["authurl"], format!("{PUBLIC_URL}/api/authurl/{}", answers::TRANS_ID));
    let id: domain::id::PaymentId = answers::TRANS_ID.parse().unwrap();
    assert_eq!(site().authurl(answers::TRANS_ID), sample["authurl"]);
    assert_eq!(site().authstatus(id), sample["authstatus"]);
    let number = CardNumber::parse("4111111111111111", true).unwrap();
    assert_eq!(number.masked().to_page_text(), sample["ccno"]);
    let names: Vec<&str> = RETURN_FIELDS.iter().map(|field| field.name).collect();
    assert!(names.is_sorted(), "the table is in the order of the signature");
}

#[test]
fn every_route_is_in_the_open_api_document() {
    let document = open_api::document(PUBLIC_URL);
    let mut routes = vec![
        "/",
        "/api/s2s",
        "/api/s2s/encrypt",
        "/api/transactions/refund-request",
        "/api/authurl/{transID}",
        "/api/authurl/auth_3ds/{transID}",
        "/api/authurl/{transID}/result",
        "/api/authurl/{transID}/return",
        "/api/authurl/{transID}/events",
        "/sandbox-bank/{order}",
        "/api/authurl/s2s/{transIDOrReference}",
        "/api/methods",
        "/api/v1/payments",
        "/api/v1/balance",
        "/api/v1/webhooks/deliveries",
        "/api/v1/webhooks/deliveries/{id}",
        "/api/v1/webhooks/deliveries/{id}/resend",
        "/api/v1/webhooks/replay",
        "/api/v1/webhooks/stream",
        "/api/v1/webhooks/endpoints",
        "/api/v1/webhooks/endpoints/{number}",
        "/api/v1/webhooks/endpoints/{number}/rotate-secret",
        "/api/v1/webhooks/endpoints/{number}/test",
        "/healthz",
        "/readyz",
        "/metrics",
        "/.well-known/payment-page-scripts.json",
        "/assets/{file}",
        "/assets/logo/{file}",
    ];
    routes.extend(documents(&site(), &lab()).into_iter().map(|(path, _)| path));
    assert_eq!(open_api::undocumented(&document, &routes), Vec::<&str>::new());
    assert_eq!(open_api::undocumented(&document, &["/nowhere"]), ["/nowhere"]);
    let documented = document["paths"].as_object().unwrap().len();
    assert_eq!(documented, routes.len(), "the document names a route that is not there");
    // What banks tell is no business of merchants: docs/BANKS.md.
    assert_eq!(open_api::undocumented(&document, &["/inbound/{connector}"]).len(), 1);
}

#[test]
fn the_open_api_example_is_the_request_that_a_test_runs() {
    let document = open_api::document(PUBLIC_URL);
    let post = &document["paths"]["/api/s2s"]["post"];
    let content = &post["requestBody"]["content"];
    let example = content["application/json"]["example"].as_object().unwrap();
    for name in &["public_key", "ccno", "mop"] {
        assert!(example.contains_key(*name), "{name}");
    }
    assert_eq!(content.as_object().unwrap().len(), 3);
    let required = &document["components"]["schemas"]["CreatePayment"]["required"];
    for name in required.as_array().unwrap() {
        assert!(example.contains_key(name.as_str().unwrap()), "{name}");
    }
}

#[test]
fn the_open_api_document_is_as_reviewed() {
    insta::assert_json_snapshot!("open_api", open_api::document(PUBLIC_URL));
}
