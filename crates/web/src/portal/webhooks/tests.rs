use crate::desk::harness::{FOREIGN, House, OWN};
use domain::user::Role;
use http::StatusCode;
use std::time::Duration;

const LOG: &str = "/portal/test/webhooks";
const ENDPOINTS: &str = "/portal/test/webhooks/endpoints";

fn one(number: &impl std::fmt::Display) -> String {
    format!("{ENDPOINTS}/{number}")
}

#[tokio::test]
async fn the_log_shows_what_is_of_this_merchant_and_mode() {
    let house = House::new().await;
    let own = OWN.delivery().webhook_id();
    let page = house.get(Role::Support, LOG).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(&own) && !page.body.contains(&FOREIGN.delivery().webhook_id()));
    // Who may not add endpoints is not asked to.
    assert!(!page.body.contains("/endpoints/new") && page.body.contains("/webhooks/replay"));
    let live = house.get(Role::Support, "/portal/live/webhooks").await;
    assert!(!live.body.contains(&own), "{}", live.body);
    let one = house.get(Role::ReadOnly, &format!("{LOG}/deliveries/{own}")).await;
    assert_eq!(one.status, StatusCode::OK);
    assert!(!one.body.contains("/resend") && one.body.contains("v1,\u{2026}"));
    for path in [
        format!("{LOG}/deliveries/{}", FOREIGN.delivery()),
        format!("/portal/live/webhooks/deliveries/{own}"),
        format!("{LOG}/deliveries/nothing"),
    ] {
        assert_eq!(house.get(Role::Owner, &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn filters_that_cannot_be_read_say_so() {
    let house = House::new().await;
    for (query, field) in [
        ("state=lost", "State"),
        ("type=payment.", "Event"),
        ("endpoint=x", "Endpoint"),
        ("payment=12", "Payment"),
        ("from=yesterday", "From"),
        ("from=2025-04-27&until=2025-04-25", "Until"),
    ] {
        let page = house.get(Role::Owner, &format!("{LOG}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.body.contains(&format!("<p>{field} must ")), "{query}: {}", page.body);
    }
    let payment = OWN.approved().id;
    for query in [format!("payment={payment}&state=&from=2025-01-01"), "after=x".to_owned()] {
        let page = house.get(Role::Owner, &format!("{LOG}?{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(&OWN.delivery().webhook_id()));
    }
    let none = house.get(Role::Owner, &format!("{LOG}?state=dead")).await;
    assert!(none.body.contains("No webhook is like that"));
}

#[tokio::test]
async fn a_webhook_is_sent_again() {
    let house = House::new().await;
    let path = format!("{LOG}/deliveries/{}", OWN.delivery());
    let sent = house.post(Role::Support, &format!("{path}/resend"), &[]).await;
    assert_eq!(sent.location(), format!("{path}?notice=resent"));
    let foreign = format!("{LOG}/deliveries/{}/resend", FOREIGN.delivery());
    assert_eq!(house.post(Role::Owner, &foreign, &[]).await.status, StatusCode::NOT_FOUND);
    let refused = house.post(Role::Finance, &format!("{path}/resend"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_was_given_up_is_counted_before_it_is_sent_again() {
    let house = House::new().await;
    let replay = format!("{LOG}/replay");
    let page = house.get(Role::Developer, &format!("{replay}?from=2025-01-01")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Nothing was given up since 2025-01-01"));
    let wrong = house.get(Role::Developer, &format!("{replay}?from=1")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = house.post(Role::Developer, &replay, &[("from", "")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = house.post(Role::Developer, &replay, &[("from", "2025-01-01")]).await;
    assert_eq!(done.location(), "/portal/test/webhooks?notice=replayed");
}

#[tokio::test]
async fn an_endpoint_shows_its_secret_once() {
    let house = House::new().await;
    let new = format!("{ENDPOINTS}/new");
    let fields = [
        ("url", "https://shop.example/<script>"),
        ("description", "<b>Ware\"house</b>"),
        ("events", "payment.*"),
        ("events", "payment.approved"),
        ("events", "refund.failed"),
        ("terminal", "42"),
    ];
    let added = house.post(Role::Developer, &new, &fields).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    assert!(added.body.contains("whsec_") && added.body.contains("payment.*, refund.failed"));
    assert!(!added.body.contains("<script>alert") && !added.body.contains("<b>Ware"));
    let list = house.get(Role::ReadOnly, ENDPOINTS).await;
    assert!(list.body.contains("payment.*, refund.failed") && !list.body.contains("whsec_"));
    assert!(!list.body.contains("<b>Ware") && !list.body.contains("<i>endpoint"));
    let page = house.get(Role::Owner, &one(&3)).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("whsec_"));
    let rotated = house.post(Role::Owner, &format!("{}/rotate", one(&3)), &[]).await;
    assert!(rotated.body.contains("whsec_") && rotated.body.contains("good until"));
}

#[tokio::test]
async fn an_endpoint_with_mistakes_is_shown_again() {
    let house = House::new().await;
    let new = format!("{ENDPOINTS}/new");
    let fields = [("url", "shop.example"), ("description", "Ware"), ("terminal", "43")];
    let wrong = house.post(Role::Owner, &new, &fields).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in ["id=\"url-error\"", "id=\"events-error\"", "value=\"shop.example\"", "Ware"] {
        assert!(wrong.body.contains(text), "{text}: {}", wrong.body);
    }
    // Another's terminal, and one of the other mode.
    for terminal in ["52", "43", "x"] {
        let fields = [("url", "https://a.example"), ("events", "*"), ("terminal", terminal)];
        let wrong = house.post(Role::Owner, &new, &fields).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("id=\"terminal-error\""), "{}", wrong.body);
    }
    let live = "/portal/live/webhooks/endpoints/new";
    let plain = [("url", "http://shop.example/"), ("events", "*")];
    let wrong = house.post(Role::Owner, live, &plain).await;
    assert!(wrong.body.contains("must be https for live events"));
    assert_eq!(house.get(Role::Finance, &new).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn secrets_need_the_password_again() {
    let house = House::new().await;
    house.pass(Duration::from_mins(9));
    assert_eq!(house.get(Role::Owner, LOG).await.status, StatusCode::OK);
    house.pass(Duration::from_mins(2));
    let new = format!("{ENDPOINTS}/new");
    let page = house.get(Role::Owner, &new).await;
    assert!(page.body.contains("name=\"password\""));
    let fields = [("url", "https://a.example"), ("events", "*"), ("password", "wrong")];
    let wrong = house.post(Role::Owner, &new, &fields).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"password-error\"") && !wrong.body.contains("whsec_"));
    let rotate = format!("{}/rotate", one(&OWN.endpoint));
    let wrong = house.post(Role::Owner, &rotate, &[]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"rotate-password-error\""));
    let right = [("password", crate::desk::harness::PASSWORD)];
    assert!(house.post(Role::Owner, &rotate, &right).await.body.contains("whsec_"));
}

#[tokio::test]
async fn an_endpoint_is_edited_switched_tried_and_removed() {
    let house = House::new().await;
    let path = one(&OWN.endpoint);
    let edit = [("url", "https://new.example/"), ("events", "*"), ("description", "New")];
    assert_eq!(
        house.post(Role::Developer, &path, &edit).await.location(),
        format!("{path}?notice=saved")
    );
    let wrong = house.post(Role::Developer, &path, &[("url", "x"), ("events", "*")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let switch = format!("{path}/switch");
    let off = house.post(Role::Developer, &switch, &[("to", "off")]).await;
    assert_eq!(off.location(), format!("{path}?notice=endpoint-off"));
    let odd = house.post(Role::Developer, &switch, &[("to", "sideways")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sample = format!("{path}/sample");
    let sent = house.post(Role::Developer, &sample, &[("type", "payment.approved")]).await;
    assert_eq!(sent.status, StatusCode::OK);
    assert!(sent.body.contains("The sample") && sent.body.contains("webhook-signature"));
    let odd = house.post(Role::Developer, &sample, &[("type", "nothing")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    for action in ["", "/switch", "/sample", "/rotate", "/remove"] {
        let fields = [
            ("to", "on"),
            ("type", "payment.approved"),
            ("url", "https://a.example"),
            ("events", "*"),
        ];
        let foreign = format!("{}{action}", one(&FOREIGN.endpoint));
        let foreign = house.post(Role::Owner, &foreign, &fields).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{action}");
        let other_mode = format!("/portal/live/webhooks/endpoints/{}{action}", OWN.endpoint);
        let other_mode = house.post(Role::Owner, &other_mode, &fields).await;
        assert_eq!(other_mode.status, StatusCode::NOT_FOUND, "{action}");
        let support = house.post(Role::Support, &format!("{path}{action}"), &fields).await;
        assert_eq!(support.status, StatusCode::FORBIDDEN, "{action}");
    }
    let removed = house.post(Role::Developer, &format!("{path}/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{ENDPOINTS}?notice=endpoint-removed"));
    assert_eq!(house.get(Role::Developer, &path).await.status, StatusCode::NOT_FOUND);
}
