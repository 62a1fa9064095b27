//! What the office's pages show and do. Who may ask for them at all is in the matrix of all desks.

use crate::desk::harness::{FOREIGN, House, OWN, Page};
use domain::id::MerchantId;
use domain::terminal::Approval;
use domain::user::{Email, Role};
use engine::Actor;
use engine::user::ChangeMerchant;
use http::StatusCode;
use std::time::Duration;

const OP: Role = Role::Operator;

/// Nothing that a merchant may type is markup.
fn is_safe(page: &Page) {
    for bad in ["<script>alert", "<img src=x", "<b>of", "<u>of", "<i>endpoint"] {
        assert!(!page.body.contains(bad), "{bad} in {}", page.body);
    }
    assert!(!page.body.contains(" style=") && !page.body.contains("<script>"));
    assert_eq!(page.body.matches("<h1>").count() + page.body.matches("<h1 ").count(), 1);
}

async fn terminal(house: &House, number: domain::id::TerminalNumber) -> domain::terminal::Terminal {
    house.app.gateway.terminal(Actor::Operator, number).await.unwrap().unwrap()
}

async fn last_audit(house: &House) -> engine::ports::AuditEntry {
    let lines = house.app.gateway.audit_log(Actor::Operator, None, 1).await.unwrap();
    lines.into_iter().next().unwrap()
}

#[tokio::test]
async fn every_page_shows_all_merchants_and_no_markup_of_theirs() {
    let house = House::new().await;
    let paths = [
        "/office".to_owned(),
        "/office/merchants".to_owned(),
        "/office/merchants/new".to_owned(),
        "/office/terminals".to_owned(),
        "/office/payments".to_owned(),
        "/office/unknown".to_owned(),
        "/office/users".to_owned(),
        "/office/audit".to_owned(),
        "/office/health".to_owned(),
        format!("/office/merchants/{}", OWN.merchant),
        format!("/office/merchants/{}", FOREIGN.merchant),
        format!("/office/terminals/{}", OWN.live_terminal),
        format!("/office/payments/{}", OWN.approved().id),
        format!("/office/payments/{}", FOREIGN.waiting().id),
        format!("/office/unknown/{}", OWN.approved().id),
    ];
    for path in paths {
        let page = house.get(OP, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        is_safe(&page);
        assert_eq!(house.get(Role::Owner, &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = house.get(OP, "/office/payments").await;
    for merchant in [OWN, FOREIGN] {
        assert!(page.body.contains(&format!("Shop {}", merchant.merchant)));
        assert!(page.body.contains(&merchant.approved().id.to_string()));
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new().await;
    for path in [
        "/office/merchants/999",
        "/office/merchants/x",
        "/office/terminals/999",
        "/office/payments/417823250426141606",
        "/office/payments/1",
        "/office/unknown/417823250426141606",
        "/office/payments?before=x",
        "/office/audit?before=x",
        "/office/merchants?before=x",
        "/office/terminals?before=x",
    ] {
        assert_eq!(house.get(OP, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let remove = format!("/office/users/{}/remove", house.user(Role::Owner));
    assert_eq!(house.post(OP, &remove, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn payments_are_found_by_merchant_terminal_and_words() {
    let house = House::new().await;
    let (own, foreign) = (OWN.approved().id.to_string(), FOREIGN.approved().id.to_string());
    for (query, sees_own, sees_foreign) in [
        (format!("merchant={}", OWN.merchant), true, false),
        (format!("terminal={}", FOREIGN.test_terminal), false, true),
        ("state=approved".to_owned(), true, true),
        ("mode=live".to_owned(), false, false),
        (format!("q={foreign}"), false, true),
        ("from=2099-01-01".to_owned(), false, false),
    ] {
        let page = house.get(OP, &format!("/office/payments?{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.body.contains(&own), sees_own, "{query}");
        assert_eq!(
            page.body.contains(&format!("/office/payments/{foreign}")),
            sees_foreign,
            "{query}"
        );
    }
    for (query, field) in
        [("terminal=x", "terminal-error"), ("from=soon", "from-error"), ("until=1", "until-error")]
    {
        let page = house.get(OP, &format!("/office/payments?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(&format!("id=\"{field}\"")), "{query}");
    }
}

#[tokio::test]
async fn the_search_box_knows_numbers_addresses_and_names() {
    let house = House::new().await;
    let owner = format!("user{}%40people.example", house.user(Role::Owner));
    for (words, to) in [
        (OWN.approved().id.to_string(), format!("/office/payments/{}", OWN.approved().id)),
        ("42".to_owned(), "/office/terminals/42".to_owned()),
        ("2".to_owned(), "/office/merchants/2".to_owned()),
        (owner, "/office/merchants/1".to_owned()),
        ("shop+2".to_owned(), "/office/merchants/2".to_owned()),
        ("shop".to_owned(), "/office/merchants?q=shop".to_owned()),
        ("%2F%2Fevil.example".to_owned(), "/office/payments?q=%2F%2Fevil.example".to_owned()),
        (String::new(), "/office/payments".to_owned()),
    ] {
        let page = house.get(OP, &format!("/office/search?q={words}")).await;
        assert_eq!(page.location(), to, "{words}");
    }
}

#[tokio::test]
async fn a_merchant_is_taken_on_in_review_and_its_owner_invited() {
    let house = House::new().await;
    let path = "/office/merchants/new";
    let taken = format!("user{}@people.example", house.user(Role::Owner));
    for (fields, wrong) in [
        ([("name", ""), ("person", "Ana"), ("email", "ana@new.example")], "name-error"),
        ([("name", "New <i>shop"), ("person", ""), ("email", "ana@new.example")], "person-error"),
        ([("name", "New <i>shop"), ("person", "Ana"), ("email", "ana")], "email-error"),
        ([("name", "New <i>shop"), ("person", "Ana"), ("email", &*taken)], "email-error"),
    ] {
        let page = house.post(OP, path, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(&format!("id=\"{wrong}\"")), "{wrong}");
        assert!(!page.body.contains("<i>shop"));
    }
    assert_eq!(house.app.gateway.merchants(Actor::Operator).await.unwrap().len(), 2);
    let fields = [("name", "New <i>shop"), ("person", "Ana"), ("email", "ana@new.example")];
    let page = house.post(OP, path, &fields).await;
    assert_eq!(page.location(), "/office/merchants/3?notice=invited");
    let merchant = house.app.gateway.merchant(Actor::Operator, MerchantId(3)).await.unwrap();
    assert!(merchant.is_some_and(|one| one.active && !one.approved));
    let email = Email::parse("ana@new.example").unwrap();
    let ana = house.app.gateway.user_by_email(Actor::Operator, &email).await.unwrap().unwrap();
    assert_eq!((ana.merchant, ana.facts.role), (Some(MerchantId(3)), Role::Owner));
    let mails = house.mails.0.lock().unwrap();
    assert_eq!(mails[0].to, "ana@new.example");
    assert!(mails[0].text.contains("https://pay.example/account/invitation/"));
}

#[tokio::test]
async fn suspending_needs_a_reason_and_stops_every_terminal() {
    let house = House::new().await;
    let path = format!("/office/merchants/{}/active", OWN.merchant);
    let page = house.post(OP, &path, &[("to", "suspended"), ("reason", "<i>no")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.body.contains("id=\"reason-error\"") && page.body.contains("value=\"&#60;i&#62;no\"")
    );
    assert!(terminal(&house, OWN.test_terminal).await.takes_payments());
    let reason = "Chargebacks of November";
    let page = house.post(OP, &path, &[("to", "suspended"), ("reason", reason)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert!(!terminal(&house, OWN.live_terminal).await.takes_payments());
    assert!(terminal(&house, FOREIGN.live_terminal).await.takes_payments());
    let line = last_audit(&house).await;
    assert!(line.detail.contains("suspended") && line.detail.contains(reason), "{line:?}");
    assert_eq!((line.merchant, line.user), (Some(OWN.merchant), Some(house.user(OP))));
    let page = house.post(OP, &path, &[("to", "active"), ("reason", "It was settled")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(terminal(&house, OWN.live_terminal).await.takes_payments());
    let nonsense = house.post(OP, &path, &[("to", "?"), ("reason", reason)]).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_terminal_is_approved_after_its_merchant_and_refused_with_a_reason() {
    let house = House::new().await;
    let gateway = &house.app.gateway;
    let review = ChangeMerchant { approved: Some(false), ..ChangeMerchant::default() };
    gateway.change_merchant(Actor::Operator, OWN.merchant, review).await.unwrap();
    let number = OWN.live_terminal;
    let before = terminal(&house, number).await;
    let mut settings = before.settings.clone();
    settings.approval = Approval::Requested;
    let set = (before.name.clone(), settings);
    gateway.set_terminal(Actor::Operator, number, before.version, set).await.unwrap();
    let path = format!("/office/terminals/{number}");
    let page = house.get(OP, &path).await;
    assert!(
        page.body.contains("Approve the merchant first") && !page.body.contains("public key of")
    );
    let version = page.hidden("version");
    let approve = format!("{path}/approval");
    let fields = [("version", &*version), ("verdict", "approve")];
    let page = house.post(OP, &approve, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(terminal(&house, number).await.settings.approval, Approval::Requested);
    assert!(house.get(OP, "/office").await.body.contains("1 terminal to approve"));
    let to = format!("/office/merchants/{}/review", OWN.merchant);
    assert_eq!(house.post(OP, &to, &[("to", "approved")]).await.status, StatusCode::SEE_OTHER);
    let refusal = [("version", &*version), ("verdict", "refuse"), ("reason", "No address")];
    assert_eq!(house.post(OP, &approve, &refusal).await.status, StatusCode::SEE_OTHER);
    let reason = "No address".to_owned();
    assert_eq!(terminal(&house, number).await.settings.approval, Approval::Refused { reason });
    let page = house.post(OP, &approve, &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "the version is an older one");
    assert!(page.body.contains("Somebody else changed this terminal"));
    let version = page.hidden("version");
    let page = house.post(OP, &approve, &[("version", &*version), ("verdict", "approve")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(terminal(&house, number).await.takes_payments());
}

#[tokio::test]
async fn limits_are_checked_and_shown_again() {
    let house = House::new().await;
    let number = OWN.test_terminal;
    let path = format!("/office/terminals/{number}");
    let version = house.get(OP, &path).await.hidden("version");
    let limits = format!("{path}/limits");
    for (fields, wrong) in [
        (vec![("methods", "CC"), ("smallest", "<i>1")], "smallest-error"),
        (vec![("methods", "CC"), ("smallest", "5"), ("largest", "4.99")], "largest-error"),
        (vec![("methods", "CC"), ("currencies", "<i>, USD")], "currencies-error"),
        (vec![("methods", "gold")], "methods-error"),
        (vec![], "methods-error"),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([("version", &*version)]).collect();
        let page = house.post(OP, &limits, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.body.contains(&format!("id=\"{wrong}\"")), "{wrong}");
        assert!(!page.body.contains("<i>"));
    }
    let fields = [
        ("version", &*version),
        ("methods", "DC"),
        ("smallest", "1"),
        ("largest", "500.00"),
        ("currencies", "inr usd"),
    ];
    assert_eq!(house.post(OP, &limits, &fields).await.status, StatusCode::SEE_OTHER);
    let settings = terminal(&house, number).await.settings;
    assert_eq!(settings.methods, [domain::method::MethodCode::DebitCard]);
    assert_eq!(
        (settings.smallest_hundredths, settings.largest_hundredths),
        (Some(100), Some(50_000))
    );
    assert!(house.get(OP, &path).await.body.contains("value=\"INR, USD\""));
    let off = [("version", &*version), ("to", "off")];
    let page = house.post(OP, &format!("{path}/active"), &off).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let version = page.hidden("version");
    let off = [("version", &*version), ("to", "off")];
    let page = house.post(OP, &format!("{path}/active"), &off).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(!terminal(&house, number).await.takes_payments());
    let nonsense = [("version", "x"), ("to", "off")];
    let page = house.post(OP, &format!("{path}/active"), &nonsense).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_unknown_outcome_is_resolved_with_a_reason_after_half_an_hour() {
    let house = House::new().await;
    let waiting = OWN.waiting();
    let sending = waiting.clone().begin_sending(waiting.created_at).unwrap();
    let changeset = engine::changeset::Changeset::payment_changed("send", sending);
    engine::ports::Store::commit(&*house.store, changeset).await.unwrap();
    let path = format!("/office/unknown/{}", waiting.id);
    let resolve = format!("{path}/resolve");
    let fields =
        [("refund", "0"), ("effect", "took_effect"), ("why", "Statement of 3 May, line 12")];
    let page = house.get(OP, &path).await;
    assert!(page.body.contains("Ask the bank now") && !page.body.contains(&resolve));
    let page = house.post(OP, &resolve, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "too early");
    for _ in 0..4 {
        house.pass(Duration::from_mins(8));
        assert_eq!(house.get(OP, "/office").await.status, StatusCode::OK);
    }
    assert!(house.get(OP, "/office").await.body.contains("1 unknown outcome"));
    let board = house.get(OP, "/office/unknown").await;
    assert!(board.body.contains(&path) && board.body.contains("Needs you"));
    is_safe(&board);
    let page = house.get(OP, &path).await;
    assert!(page.body.contains(&resolve) && page.body.contains("Your password"));
    let password = ("password", crate::desk::harness::PASSWORD);
    for (fields, wrong) in [
        ([fields[0], ("effect", "maybe"), fields[2], password], "effect-error-0"),
        ([fields[0], fields[1], ("why", "trust me"), password], "why-error-0"),
        ([fields[0], fields[1], fields[2], ("password", "wrong")], "password-error-0"),
    ] {
        let page = house.post(OP, &resolve, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.body.contains(&format!("id=\"{wrong}\"")), "{wrong}");
    }
    let page = house.post(OP, &resolve, &[fields[0], fields[1], fields[2], password]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    let payment = house.app.gateway.payment(Actor::Operator, waiting.id).await.unwrap().unwrap();
    assert!(matches!(payment.state, domain::payment::State::Approved { .. }));
    let line = last_audit(&house).await;
    assert!(line.action == "resolve_payment" && line.detail.contains("line 12"), "{line:?}");
    let again = house.post(OP, &resolve, &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(house.get(OP, &path).await.body.contains("The bank has told"));
}

#[tokio::test]
async fn operators_invite_and_remove_each_other_but_not_themselves() {
    let house = House::new().await;
    let own = format!("/office/users/{}/remove", house.user(OP));
    assert_eq!(house.post(OP, &own, &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("person", "Bea <u>of</u>"), ("email", "bea@people.example")];
    let page = house.post(OP, "/office/users/invite", &fields).await;
    assert_eq!(page.location(), "/office/users?notice=invited");
    let email = Email::parse("bea@people.example").unwrap();
    let bea = house.app.gateway.user_by_email(Actor::Operator, &email).await.unwrap().unwrap();
    assert_eq!((bea.merchant, bea.facts.role), (None, OP));
    is_safe(&house.get(OP, "/office/users").await);
    let remove = format!("/office/users/{}/remove", bea.id);
    assert_eq!(house.post(OP, &remove, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!house.get(OP, "/office/users").await.body.contains("bea@people.example"));
}
