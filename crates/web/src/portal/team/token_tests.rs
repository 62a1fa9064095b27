//! API tokens from the page that makes them to the calls that they open.

use crate::desk::harness::{FOREIGN, House, OWN, Page};
use axum::body::Body;
use domain::user::Role;
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

const TOKENS: &str = "/portal/tokens";
const PAYMENTS: &str = "/api/v1/payments";

/// Makes a token on the page, and reads it from there.
async fn made(house: &House, role: Role, mode: &str, scopes: &[&str]) -> String {
    let mut fields = vec![("name", "Nightly <b>report</b>"), ("mode", mode), ("days", "30")];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let page = house.post(role, TOKENS, &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (_, from) = page.body.split_once("id=\"new-token\">").unwrap();
    from.split_once('<').unwrap().0.to_owned()
}

async fn call(house: &House, method: Method, path: &str, token: &str) -> Page {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    house.send(request.body(Body::empty()).unwrap()).await
}

async fn get(house: &House, path: &str, token: &str) -> Page {
    call(house, Method::GET, path, token).await
}

/// The id of the token on a page that a test made.
fn id_on(page: &Page) -> String {
    let (_, from) = page.body.split_once("Nightly").unwrap();
    let (_, from) = from.split_once("soft\">").unwrap();
    from.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_token_is_shown_once_and_lists_its_merchants_payments() {
    let house = House::new().await;
    let token = made(&house, Role::Developer, "test", &["payments:read"]).await;
    assert!(token.starts_with("tollgate_token_") && token.len() == 58, "{token}");
    let again = house.get(Role::Developer, TOKENS).await;
    assert!(!again.body.contains(&token) && again.body.contains("Nightly &#60;b&#62;"));
    let page = get(&house, PAYMENTS, &token).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let list: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!((&list["mode"], &list["next_cursor"]), (&"test".into(), &Value::Null));
    let numbers: Vec<&str> = list["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| payment["transID"].as_str().unwrap())
        .collect();
    let mut own = [OWN.approved().id.to_string(), OWN.waiting().id.to_string()];
    own.sort_by(|one, other| other.cmp(one));
    assert_eq!(numbers, own);
    assert!(!page.body.contains(&FOREIGN.approved().id.to_string()));
    let approved = get(&house, &format!("{PAYMENTS}?state=approved&limit=1"), &token).await;
    let list: Value = serde_json::from_str(&approved.body).unwrap();
    assert_eq!(list["payments"][0]["transID"], OWN.approved().id.to_string());
    let older = get(&house, &format!("{PAYMENTS}?limit=1"), &token).await;
    let list: Value = serde_json::from_str(&older.body).unwrap();
    let next = list["next_cursor"].as_str().unwrap();
    let older = get(&house, &format!("{PAYMENTS}?limit=1&cursor={next}"), &token).await;
    let list: Value = serde_json::from_str(&older.body).unwrap();
    assert_eq!(list["payments"][0]["transID"], own[1]);
    let none = made(&house, Role::Developer, "live", &["payments:read"]).await;
    let page = get(&house, PAYMENTS, &none).await;
    let list: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!((&list["mode"], list["payments"].as_array().unwrap().len()), (&"live".into(), 0));
}

#[tokio::test]
async fn a_list_says_what_is_wrong_with_its_question() {
    let house = House::new().await;
    let token = made(&house, Role::Finance, "test", &["payments:read"]).await;
    for (query, field) in [
        ("state=gone", "state"),
        ("method=9999", "method"),
        ("from=yesterday", "from"),
        ("from=2025-04-26&until=2025-04-25", "until"),
        ("cursor=x", "cursor"),
        ("limit=101", "limit"),
        ("terNO=x", "terNO"),
        ("stat=approved", "unknown"),
    ] {
        let page = get(&house, &format!("{PAYMENTS}?{query}"), &token).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}: {}", page.body);
        assert!(page.body.contains(field), "{query}: {}", page.body);
    }
}

#[tokio::test]
async fn a_token_opens_its_scopes_and_its_money_only() {
    let house = House::new().await;
    let token = made(&house, Role::Developer, "test", &["webhooks:read"]).await;
    let (test, live) = (OWN.test_terminal, OWN.live_terminal);
    let log = |terminal| format!("/api/v1/webhooks/deliveries?terNO={terminal}");
    let page = get(&house, &log(test), &token).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let balance = format!("/api/v1/balance?terNO={test}");
    let resend =
        format!("/api/v1/webhooks/deliveries/{}/resend?terNO={test}", OWN.delivery().webhook_id());
    for (method, path, status, word) in [
        (Method::GET, PAYMENTS.to_owned(), 403, "payments:read"),
        (Method::GET, balance.clone(), 403, "balance:read"),
        (Method::POST, resend.clone(), 403, "webhooks:resend"),
        (Method::GET, log(live), 403, "test money"),
        (Method::GET, log(FOREIGN.test_terminal), 401, "101"),
        (Method::GET, log(test).replace("terNO=", "terNO=999"), 401, "101"),
    ] {
        let page = call(&house, method, &path, &token).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {}", page.body);
        assert!(page.body.contains(word), "{path}: {}", page.body);
    }
    let token = made(&house, Role::Owner, "test", &["balance:read", "webhooks:resend"]).await;
    let page = get(&house, &balance, &token).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("merchant_payable"), "{}", page.body);
    let page = call(&house, Method::POST, &resend, &token).await;
    assert!(page.status.is_success(), "{}", page.body);
    let line = house.store.contents().audit.into_iter().rev().find(|line| line.action == "resend");
    assert_eq!(line.unwrap().user, Some(house.user(Role::Owner)), "who made the token did it");
    // What moves money takes the terminal's own key.
    let refund = Request::post("/api/transactions/refund-request")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(format!("{{\"transID\":\"{}\"}}", OWN.approved().id)))
        .unwrap();
    assert!(house.send(refund).await.status.is_client_error());
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_makers_role_and_by_hand() {
    let house = House::new().await;
    let token = made(&house, Role::Developer, "test", &["payments:read"]).await;
    let writes = made(&house, Role::Developer, "test", &["webhooks:write"]).await;
    let endpoints = format!("/api/v1/webhooks/endpoints?terNO={}", OWN.test_terminal);
    let developer = house.user(Role::Developer);
    let role = format!("/portal/team/{developer}/role");
    house.post(Role::Owner, &role, &[("role", "read_only")]).await;
    assert_eq!(get(&house, PAYMENTS, &token).await.status, StatusCode::OK);
    let page = call(&house, Method::POST, &endpoints, &writes).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    let page = house.get(Role::Owner, TOKENS).await;
    assert!(page.body.contains("Opens nothing: its maker may not"), "{}", page.body);
    house.post(Role::Owner, &format!("/portal/team/{developer}/remove"), &[]).await;
    assert_eq!(get(&house, PAYMENTS, &token).await.status, StatusCode::UNAUTHORIZED);

    let house = House::new().await;
    let token = made(&house, Role::Finance, "test", &["payments:read"]).await;
    let page = house.get(Role::Finance, TOKENS).await;
    let end = format!("{TOKENS}/{}/end", id_on(&page));
    let page = house.post(Role::Developer, &end, &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "another's token, for who changes no team");
    assert!(!house.get(Role::Developer, TOKENS).await.body.contains("Nightly"));
    assert_eq!(get(&house, PAYMENTS, &token).await.status, StatusCode::OK);
    let page = house.post(Role::Admin, &end, &[]).await;
    assert_eq!(page.location(), "/portal/tokens?notice=token-ended");
    let page = get(&house, PAYMENTS, &token).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.headers[header::WWW_AUTHENTICATE], "Bearer");

    let token = made(&house, Role::Finance, "test", &["payments:read"]).await;
    house.pass(Duration::from_hours(30 * 24));
    let page = get(&house, PAYMENTS, &token).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("expired"), "{}", page.body);
}

#[tokio::test]
async fn tokens_that_are_guessed_are_counted() {
    let house = House::new().await;
    let mut last = StatusCode::OK;
    for number in 0..100 {
        last = get(&house, PAYMENTS, &format!("tollgate_token_{number}")).await.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        assert_eq!(last, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_token_is_made_of_what_its_maker_may_and_after_the_password() {
    let house = House::new().await;
    let fields = [("name", "x"), ("mode", "test"), ("days", "30"), ("scope", "payments:read")];
    for (field, value, told) in [
        ("name", "", "Name the token"),
        ("mode", "both", "Choose test or live money"),
        ("days", "31", "Choose for how many days"),
        ("scope", "everything", "Choose test or live money"),
        ("scope", "webhooks:write", "Your role may not do that"),
    ] {
        let wrong = fields.map(|(name, kept)| (name, if name == field { value } else { kept }));
        let page = house.post(Role::Finance, TOKENS, &wrong).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert!(page.body.contains(told), "{field}: {}", page.body);
        assert!(!page.body.contains("new-token"));
    }
    let none = house.post(Role::Finance, TOKENS, &fields[..3]).await;
    assert!(none.body.contains("Choose what the token may be used for"), "{}", none.body);
    let support = house.post(Role::Support, TOKENS, &fields).await;
    assert_eq!(support.status, StatusCode::FORBIDDEN);
    for _ in 0..2 {
        house.pass(Duration::from_mins(9));
        house.get(Role::Finance, TOKENS).await;
    }
    let late = house.post(Role::Finance, TOKENS, &fields).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.body.contains("id=\"token-password-error\""), "{}", late.body);
    for number in 0..19 {
        if number == 0 {
            let proved = [&fields[..], &[("password", crate::desk::harness::PASSWORD)]].concat();
            assert_eq!(house.post(Role::Finance, TOKENS, &proved).await.status, StatusCode::OK);
        } else {
            made(&house, Role::Finance, "test", &["balance:read"]).await;
        }
    }
    let most = house.post(Role::Finance, TOKENS, &fields).await;
    assert!(most.body.contains("end one first"), "{}", most.body);
}
