use crate::desk::harness::{FOREIGN, House, OWN, public_key};
use domain::user::Role;
use http::StatusCode;

const PAGES: &str = "/portal/test/developers";
const CONSOLE: &str = "/portal/test/developers/console";
const LOG: &str = "/portal/test/api-log";
const BODY: &str = r#"{"integration-type": "s2s", "bill_amt": "11.11", "bill_currency": "USD",
    "product_name": "Tea", "reference": "console-1", "webhook_url": "https://shop.example/w",
    "return_url": "https://shop.example/r", "bill_ip": "198.51.100.7", "mop": "CC",
    "ccno": "4111111111111111", "ccvv": "123", "month": "01", "year": "30"}"#;

#[tokio::test]
async fn samples_have_the_merchants_own_key() {
    let house = House::new().await;
    for language in ["curl", "php", "java", "node", "python", "csharp", "cobol"] {
        let page = house.get(Role::Developer, &format!("{PAGES}?language={language}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(&public_key(OWN.test_terminal)), "{language}");
        assert!(!page.body.contains("WO6QnIPePdYl") && !page.body.contains("<img"));
        let live = format!("/portal/live/developers?terminal=43&language={language}");
        let live = house.get(Role::Developer, &live).await;
        assert!(live.body.contains(&public_key(OWN.live_terminal)), "{language}");
        assert!(live.body.contains("43,") || live.body.contains("&#34;43&#34;"), "{language}");
    }
    let foreign = format!("{PAGES}?terminal={}", FOREIGN.test_terminal);
    let foreign = house.get(Role::Developer, &foreign).await;
    assert!(!foreign.body.contains(&public_key(FOREIGN.test_terminal)));
    for path in ["", "/test-data", "/events"] {
        let page = house.get(Role::Owner, &format!("{PAGES}{path}")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let refused = house.get(Role::Finance, &format!("{PAGES}{path}")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_console_pays_and_the_log_tells_of_it() {
    let house = House::new().await;
    assert_eq!(house.get(Role::Developer, CONSOLE).await.status, StatusCode::OK);
    let page = house.post(Role::Developer, CONSOLE, &[("terminal", "42"), ("body", BODY)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Look at payment") && page.body.contains("200 OK"), "{}", page.body);
    let wrong = BODY.replace("11.11", "eleven").replace("console-1", "console-2");
    let page = house.post(Role::Developer, CONSOLE, &[("terminal", "42"), ("body", &wrong)]).await;
    assert!(page.body.contains("error_number"), "{}", page.body);
    house.app.gateway.write_calls().await;

    let log = house.get(Role::Developer, LOG).await;
    assert_eq!(log.status, StatusCode::OK);
    assert_eq!(log.body.matches("Create a payment").count(), 2, "{}", log.body);
    assert!(log.body.contains("developers/errors#error-") && log.body.contains("bill_amt"));
    assert!(log.body.contains("203.0.113.7"));
    for secret in ["4111", "ccvv", "eleven", "console-2"] {
        assert!(!log.body.contains(secret), "{secret}");
    }
    let refused = house.get(Role::Developer, &format!("{LOG}?refused=yes")).await;
    assert_eq!(refused.body.matches("Create a payment").count(), 1);
    let other = house.get(Role::Developer, &format!("{LOG}?request=other")).await;
    assert!(other.body.contains("No call is like that"));
    let long = house.get(Role::Developer, &format!("{LOG}?request={}", "x".repeat(129))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    let live = house.get(Role::Developer, "/portal/live/api-log").await;
    assert!(!live.body.contains("<th scope=\"row\">Create a payment"));
    assert_eq!(house.get(Role::Support, LOG).await.status, StatusCode::FORBIDDEN);
    // A refusal of a terminal of theirs is in the merchant's own audit log.
    let audit = house.get(Role::Owner, "/portal/audit").await;
    assert!(audit.body.contains("Server with the key of terminal 42"), "{}", audit.body);
}

#[tokio::test]
async fn the_console_takes_no_other_terminal_and_no_real_card() {
    let house = House::new().await;
    for terminal in ["43", "52", "x", ""] {
        let fields = [("terminal", terminal), ("body", BODY)];
        let page = house.post(Role::Developer, CONSOLE, &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{terminal}");
    }
    let real = BODY.replace("4111111111111111", "4929 1234 5678 9015");
    let key = BODY.replacen('{', r#"{"public_key": "public key of 52", "#, 1);
    let number = BODY.replacen('{', r#"{"terNO": 52, "#, 1);
    let encrypted = BODY.replacen('{', r#"{"encrypted_data": "x", "#, 1);
    for body in [real.as_str(), &key, &number, &encrypted, "<b>", "[]", ""] {
        let fields = [("terminal", "42"), ("body", body)];
        let page = house.post(Role::Developer, CONSOLE, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(page.body.contains("id=\"body-error\"") && !page.body.contains("<b>"));
        assert!(!page.body.contains("4929 1234 5678 9015"));
    }
    let live = "/portal/live/developers/console";
    let page = house.get(Role::Developer, live).await;
    assert!(page.body.contains("The console is for test terminals"));
    let page = house.post(Role::Developer, live, &[("terminal", "43"), ("body", BODY)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}
