use crate::desk::harness::{FOREIGN, House, OWN};
use axum::body::Body;
use domain::terminal::{Approval, Mode};
use domain::user::Role;
use engine::Actor;
use http::{Request, StatusCode, header};
use std::time::Duration;

const FORM: [(&str, &str); 9] = [
    ("name", "Web shop"),
    ("methods", "CC"),
    ("currencies", "EUR, USD"),
    ("expires_after", "600"),
    ("refundable_days", "30"),
    ("capture", "manual"),
    ("three_ds", "always"),
    ("upi_collect", "refuse"),
    ("late_approval", "accept"),
];

#[tokio::test]
async fn a_terminal_is_added_and_its_private_key_shown_once() {
    let house = House::new().await;
    let page = house.post(Role::Developer, "/portal/test/terminals/new", &FORM).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let terminals = house.app.gateway.terminals(Actor::Operator).await.unwrap();
    let added = terminals.iter().find(|one| one.name == "Web shop").unwrap();
    assert_eq!((added.merchant, added.mode), (OWN.merchant, Mode::Test));
    assert_eq!(added.settings.refundable_days, 30);
    assert!(added.takes_payments());
    let private = added.keys[0].private.reveal();
    assert!(page.body.contains(&private.replace('+', "&#43;")) || page.body.contains(private));
    let path = format!("/portal/test/terminals/{}", added.number);
    let again = house.get(Role::Developer, &path).await;
    assert!(again.body.contains("Terminal Public Key") && !again.body.contains(private));
    let support = house.get(Role::Support, &path).await;
    assert!(!support.body.contains(added.public_key()), "support sees no keys");
}

#[tokio::test]
async fn a_live_terminal_waits_for_the_operator() {
    let house = House::new().await;
    let page = house.post(Role::Owner, "/portal/live/terminals/new", &FORM).await;
    assert_eq!(page.status, StatusCode::OK);
    let terminals = house.app.gateway.terminals(Actor::Operator).await.unwrap();
    let added = terminals.iter().find(|one| one.name == "Web shop").unwrap();
    assert_eq!(added.settings.approval, Approval::Requested);
    assert!(!added.takes_payments());
    // What the operator sets is not the merchant's to change.
    let path = format!("/portal/live/terminals/{}/edit", OWN.live_terminal);
    let mut form = FORM.to_vec();
    form.push(("version", "1"));
    assert_eq!(house.post(Role::Owner, &path, &form).await.status, StatusCode::SEE_OTHER);
    let live =
        house.app.gateway.terminal(Actor::Operator, OWN.live_terminal).await.unwrap().unwrap();
    assert_eq!(live.name, "Web shop");
    assert_eq!(live.settings.methods.len(), 6, "methods stay as they are");
    let http = [("webhook_url", "http://shop.example/hook"), ("version", "2")];
    let form: Vec<_> = FORM.into_iter().chain(http).collect();
    let page = house.post(Role::Owner, &path, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("must be https"));
}

#[tokio::test]
async fn each_wrong_field_is_named_and_nothing_is_changed() {
    let house = House::new().await;
    let path = format!("/portal/test/terminals/{}/edit", OWN.test_terminal);
    for (name, value, told) in [
        ("name", "", "must have 1 to 100"),
        ("currencies", "EUR, QQQ", "QQQ is no ISO 4217"),
        ("smallest", "-1", "must be an amount"),
        ("largest", "1e9", "must be an amount"),
        ("site", "javascript:alert(1)", "must be an absolute http"),
        ("return_url", "//shop.example", "must be an absolute http"),
        ("allowed_addresses", "10.0.0.0/33", "must be addresses or networks"),
        ("expires_after", "3601", "from 1 to 3600"),
        ("refundable_days", "0", "from 1 to 3650"),
        ("merchant_category_code", "12", "four digits"),
        ("merchant_city", "a city that is too long", "15"),
        ("accent", "red;}", "a colour looks like"),
        ("radius", "25", "from 0 to 24"),
    ] {
        let mut form: Vec<_> = FORM.into_iter().filter(|(key, _)| *key != name).collect();
        form.extend([(name, value), ("version", "1")]);
        let page = house.post(Role::Admin, &path, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(page.body.contains(told), "{name}: {told}");
    }
    let stored = house.app.gateway.terminal(Actor::Operator, OWN.test_terminal).await.unwrap();
    assert_eq!(stored.unwrap().version, 1);
    let mut form = FORM.to_vec();
    form.push(("version", "7"));
    let page = house.post(Role::Admin, &path, &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn wrong_files_are_no_logos() {
    let house = House::new().await;
    let path = format!("/portal/test/terminals/{}/edit", OWN.test_terminal);
    let script = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let large = vec![b'x'; 9000];
    let php = b"<?php system($_GET['c']); ?>";
    for file in [&script[..], &large, php, b"GIF89a", b"\x89PNG\r\n\x1a\nrest"] {
        let csrf = house.csrf(Role::Owner);
        let mut body = Vec::new();
        let all = FORM.into_iter().chain([("csrf", &*csrf), ("version", "1")]);
        for (name, value) in all {
            let part = format!(
                "--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(
            b"--xx\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"../../x.svg\"\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--xx--\r\n");
        let request = Request::post(&path)
            .header(header::COOKIE, house.cookie(Role::Owner))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xx")
            .body(Body::from(body));
        let page = house.send(request.unwrap()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("id=\"logo\"") && page.body.contains("aria-invalid"));
    }
}

#[tokio::test]
async fn new_keys_need_a_fresh_password() {
    let house = House::new().await;
    let path = format!("/portal/test/terminals/{}/rotate", OWN.test_terminal);
    let keys = || async {
        let found = house.app.gateway.terminal(Actor::Operator, OWN.test_terminal).await;
        found.unwrap().unwrap().keys.len()
    };
    house.pass(Duration::from_mins(11));
    for password in ["", "wrong horse battery"] {
        let page = house.post(Role::Developer, &path, &[("password", password)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(keys().await, 1);
    }
    let right = [("password", crate::desk::harness::PASSWORD)];
    let page = house.post(Role::Developer, &path, &right).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(keys().await, 2, "the earlier one stays for a day");
    let page = house.post(Role::Developer, &path, &[]).await;
    assert_eq!(page.status, StatusCode::OK, "typed a moment ago");
    let foreign = format!("/portal/test/terminals/{}/rotate", FOREIGN.test_terminal);
    let page = house.post(Role::Developer, &foreign, &right).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn try_it_sends_the_request_of_the_reference() {
    let house = House::new().await;
    let path = format!("/portal/test/terminals/{}/try", OWN.test_terminal);
    assert_eq!(house.get(Role::Developer, &path).await.status, StatusCode::OK);
    let form = [("amount", "11.11"), ("currency", "USD"), ("card", "4111111111111111")];
    let page = house.post(Role::Developer, &path, &form).await;
    assert!(
        page.body.contains("HTTP 200") && page.body.contains("Follow the payment"),
        "{}",
        page.body
    );
    let form = [("amount", "-1"), ("currency", "USD"), ("card", "4111111111111111")];
    let page = house.post(Role::Developer, &path, &form).await;
    assert!(page.body.contains("HTTP 4") && page.body.contains("bill_amt"));
    let live = format!("/portal/live/terminals/{}/try", OWN.live_terminal);
    assert_eq!(house.get(Role::Developer, &live).await.status, StatusCode::NOT_FOUND);
}
