//! What the pages of payments show and do, and for whom.

use crate::desk::harness::{FOREIGN, House, OWN, PASSWORD};
use domain::call::Word;
use domain::outcome::{BankFacts, Outcome};
use domain::payment::{Customer, Payment, Request, State};
use domain::refund::Refund;
use domain::terminal::Capture;
use domain::text::{ProductName, RefundReason};
use domain::user::Role;
use engine::changeset::Changeset;
use engine::ports::Store as _;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use testkit::fixture;

const LIST: &str = "/portal/test/payments";
const HOSTILE: &str = "\"><script>alert(2)</script>";

fn of(payment: &Payment) -> String {
    format!("{LIST}/{}", payment.id)
}

/// Adds a payment of the house's merchant that the bank said yes to.
async fn paid(house: &House, payment: Payment) -> Payment {
    let commit = |changeset| house.store.commit(changeset);
    commit(fixture::insert(&payment)).await.unwrap();
    let now = payment.created_at;
    let sending = payment.begin_sending(now).unwrap();
    let sent = sending.payment.clone();
    commit(Changeset::payment_changed("send", sending)).await.unwrap();
    let facts = BankFacts {
        rrn: Some(format!("rrn {HOSTILE}")),
        descriptor: Some(HOSTILE.to_owned()),
        ..BankFacts::default()
    };
    let yes = Word::Outcome(Outcome::Approved(facts));
    let done = sent.record(yes, fixture::rules(), now).unwrap();
    let payment = done.payment.clone();
    commit(Changeset::payment_changed("decide", done)).await.unwrap();
    payment
}

fn big() -> Payment {
    Payment { amount: fixture::usd("900.00"), ..fixture::payment(7, "big") }
}

async fn refunds(house: &House, payment: &Payment) -> Vec<Refund> {
    house.app.gateway.finish_tasks().await;
    house.store.refunds(payment.id).await.unwrap()
}

#[tokio::test]
async fn only_ones_own_payments_are_there() {
    let house = House::new().await;
    let (own, foreign) = (OWN.approved(), FOREIGN.approved());
    for query in ["", "?q=order", "?q=of", "?state=approved", "?method=CC", "?terminal=52"] {
        let page = house.get(Role::ReadOnly, &format!("{LIST}{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains(&foreign.id.to_string()), "{query}");
    }
    let page = house.get(Role::ReadOnly, LIST).await;
    assert!(page.body.contains(&own.id.to_string()));
    for tail in ["", "/receipt", "/receipt.pdf"] {
        let page = house.get(Role::Owner, &format!("{}{tail}", of(&foreign))).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{tail}");
        // The same payment is not in the other mode.
        let live = of(&own).replace("/test/", "/live/");
        let page = house.get(Role::Owner, &format!("{live}{tail}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{tail}");
        let page = house.get(Role::Owner, &format!("{}{tail}", of(&own))).await;
        assert_eq!(page.status, StatusCode::OK, "{tail}");
    }
    let form = [("amount", "1.00"), ("reference", "x"), ("confirmed", "yes"), ("text", "hello")];
    for action in ["refund", "capture", "void", "note"] {
        let page = house.post(Role::Owner, &format!("{}/{action}", of(&foreign)), &form).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{action}");
    }
    assert!(refunds(&house, &foreign).await.is_empty());
}

#[tokio::test]
async fn a_wrong_search_says_which_field() {
    let house = House::new().await;
    for (query, field) in [
        ("state=x", "state"),
        ("method=x", "method"),
        ("terminal=x", "terminal"),
        ("from=yesterday", "from"),
        ("until=2025-02-30", "until"),
        ("from=2025-02-03&until=2025-02-01", "until"),
    ] {
        let page = house.get(Role::Owner, &format!("{LIST}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{query}");
        let file = house.get(Role::Owner, &format!("{LIST}.csv?{query}")).await;
        assert_eq!(file.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    for query in ["before=1", "before=x"] {
        let page = house.get(Role::Owner, &format!("{LIST}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    let long = "x".repeat(5000);
    for query in ["q=%00%FF&looked=x".to_owned(), format!("q={long}"), "q=%3Cb%3E".to_owned()] {
        let page = house.get(Role::Owner, &format!("{LIST}?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
    }
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    let house = House::new().await;
    for draw in 100..140 {
        let second = Duration::from_secs(draw);
        let made = fixture::now().plus(second);
        let payment = fixture::payment_at(draw, &format!("many {draw}"), made);
        house.store.commit(fixture::insert(&payment)).await.unwrap();
    }
    let first = house.get(Role::Owner, LIST).await;
    assert_eq!(first.body.matches("class=\"cover mono\"").count(), 25);
    assert!(first.body.contains("many 139") && !first.body.contains("many 110"));
    let (_, rest) = first.body.split_once("?before=").unwrap();
    let before = &rest[..18];
    let second = house.get(Role::Owner, &format!("{LIST}?before={before}")).await;
    // The two of the house, and those that were not on the first page.
    assert_eq!(second.body.matches("class=\"cover mono\"").count(), 17);
    assert!(second.body.contains("many 110") && !second.body.contains("many 139"));
    assert!(second.body.contains("Newest"));
}

#[tokio::test]
async fn nothing_that_anybody_wrote_is_markup() {
    let house = House::new().await;
    let request = Request {
        product_name: ProductName::parse(HOSTILE).unwrap(),
        customer: Customer {
            full_name: Some(HOSTILE.into()),
            email: Some(HOSTILE.into()),
            phone: Some(HOSTILE.into()),
            street: Some(HOSTILE.into()),
            ..Customer::default()
        },
        source: Some(HOSTILE.into()),
        ..(*big().request).clone()
    };
    let payment = paid(&house, Payment { request: Arc::new(request), ..big() }).await;
    let path = format!("{}/note", of(&payment));
    let note = house.post(Role::Support, &path, &[("text", HOSTILE)]).await;
    assert_eq!(note.status, StatusCode::SEE_OTHER);
    let form = [("name", HOSTILE), ("query", "q=%22%3E%3Cscript%3E")];
    let saved = house.post(Role::Support, &format!("{LIST}/views"), &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let typed = [("amount", HOSTILE), ("reason", HOSTILE), ("reference", "r")];
    let wrong = house.post(Role::Owner, &format!("{}/refund", of(&payment)), &typed).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let typed = [("amount", "1"), ("reason", HOSTILE), ("reference", "r")];
    let asked = house.post(Role::Owner, &format!("{}/refund", of(&payment)), &typed).await;
    assert_eq!(asked.status, StatusCode::OK);
    let search = format!("{LIST}?q=%22%3E%3Cscript%3E");
    let mut bodies = vec![wrong.body, asked.body];
    for path in [of(&payment), format!("{}/receipt", of(&payment)), LIST.to_owned(), search] {
        bodies.push(house.get(Role::Support, &path).await.body);
    }
    bodies.push(house.get(Role::Support, &of(&OWN.approved())).await.body);
    for body in bodies {
        for markup in ["<script>", "<img src=x", "<b>of", "<u>of", "<i>endpoint"] {
            assert!(!body.contains(markup), "{markup}");
        }
    }
}

#[tokio::test]
async fn a_refund_is_asked_for_once_and_after_a_second_look() {
    let house = House::new().await;
    let payment = OWN.approved();
    let path = format!("{}/refund", of(&payment));
    let reference = house.get(Role::Finance, &of(&payment)).await.hidden("reference");
    assert!(reference.starts_with("desk-") && reference.len() == 17);
    for (amount, says) in [
        ("", "The amount must be digits"),
        ("abc", "The amount must be digits"),
        ("-1", "The amount must be digits"),
        ("0", "must be above zero"),
        ("1.234", "The amount must be digits"),
        ("11.12", "At most 11.11\u{a0}USD can be refunded."),
        ("99999999.99", "At most 11.11\u{a0}USD can be refunded."),
    ] {
        let form = [("amount", amount), ("reference", &reference), ("confirmed", "yes")];
        let page = house.post(Role::Finance, &path, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount}");
        assert!(page.body.contains(says), "{amount}");
        assert!(page.body.contains("id=\"amount-error\"") && page.body.contains(amount));
    }
    let form = [("amount", "5.00"), ("reason", "broken"), ("reference", &*reference)];
    let confirm = house.post(Role::Finance, &path, &form).await;
    assert_eq!(confirm.status, StatusCode::OK);
    assert!(confirm.body.contains("Refund 5.00\u{a0}USD"));
    assert!(confirm.body.contains("6.11\u{a0}USD"), "what is left afterwards");
    assert!(refunds(&house, &payment).await.is_empty(), "nothing before the second look");
    *house.world.outcome.lock().unwrap() = Outcome::Approved(BankFacts::default());
    for _sent in 0..2 {
        let form = [
            ("amount", &*confirm.hidden("amount")),
            ("reason", &confirm.hidden("reason")),
            ("reference", &confirm.hidden("reference")),
            ("confirmed", "yes"),
        ];
        let page = house.post(Role::Finance, &path, &form).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
    let all = refunds(&house, &payment).await;
    assert_eq!(all.len(), 1, "a form that is sent twice asks for one refund");
    assert_eq!(all[0].amount, fixture::usd("5.00"));
    assert_eq!(all[0].reason.as_ref().map(RefundReason::as_str), Some("broken"));
    // The same form with another amount is no second refund either.
    let form = [("amount", "1.00"), ("reference", &*reference), ("confirmed", "yes")];
    let page = house.post(Role::Finance, &path, &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("This form was sent before, for 5.00\u{a0}USD."));
    let page = house.get(Role::Finance, &of(&payment)).await;
    assert!(page.body.contains("Partly refunded") && page.body.contains("value=\"6.11\""));
}

#[tokio::test]
async fn a_large_refund_needs_the_password() {
    let house = House::new().await;
    let payment = paid(&house, big()).await;
    let path = format!("{}/refund", of(&payment));
    house.pass(Duration::from_mins(9));
    assert_eq!(house.get(Role::Owner, LIST).await.status, StatusCode::OK);
    house.pass(Duration::from_mins(2));
    let small = [("amount", "500.00"), ("reference", "small")];
    let page = house.post(Role::Owner, &path, &small).await;
    assert!(!page.body.contains("type=\"password\""));
    let large = [("amount", "500.01"), ("reference", "large")];
    let page = house.post(Role::Owner, &path, &large).await;
    assert!(page.body.contains("type=\"password\""));
    for password in ["", "wrong horse battery"] {
        let form = [("confirmed", "yes"), ("password", password), large[0], large[1]];
        let page = house.post(Role::Owner, &path, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("id=\"password-error\""));
    }
    assert!(refunds(&house, &payment).await.is_empty());
    let form = [("confirmed", "yes"), ("password", PASSWORD), large[0], large[1]];
    assert_eq!(house.post(Role::Owner, &path, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(refunds(&house, &payment).await.len(), 1);
}

#[tokio::test]
async fn roles_see_and_do_what_is_theirs() {
    let house = House::new().await;
    let payment = OWN.approved();
    for role in [Role::Owner, Role::Finance, Role::Developer, Role::Support, Role::ReadOnly] {
        let moves = matches!(role, Role::Owner | Role::Finance);
        let notes = !matches!(role, Role::Developer | Role::ReadOnly);
        let page = house.get(role, &of(&payment)).await;
        assert_eq!(page.body.contains("/refund\""), moves, "{role:?}");
        assert_eq!(page.body.contains("/note\""), notes, "{role:?}");
        let list = house.get(role, LIST).await;
        assert_eq!(list.body.contains("payments.csv"), moves, "{role:?}");
        let file = house.get(role, &format!("{LIST}.csv")).await;
        assert_eq!(file.status == StatusCode::OK, moves, "{role:?}");
        if !moves {
            for action in ["refund", "capture", "void"] {
                let form = [("amount", "1"), ("reference", "x"), ("confirmed", "yes")];
                let page = house.post(role, &format!("{}/{action}", of(&payment)), &form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{role:?} {action}");
            }
        }
    }
    assert!(refunds(&house, &payment).await.is_empty());
}

#[tokio::test]
async fn held_money_is_taken_or_released_after_a_second_look() {
    let house = House::new().await;
    let manual = |draw| {
        let payment = fixture::payment(draw, &format!("held {draw}"));
        Payment { capture: Capture::Manual, ..payment }
    };
    let (first, second) = (paid(&house, manual(8)).await, paid(&house, manual(9)).await);
    *house.world.outcome.lock().unwrap() = Outcome::Approved(BankFacts::default());
    let page = house.get(Role::Finance, &of(&first)).await;
    assert!(page.body.contains("/capture\"") && page.body.contains("/void\""));
    assert!(!page.body.contains("/refund\""));
    let capture = format!("{}/capture", of(&first));
    let page = house.post(Role::Finance, &capture, &[("amount", "11.12")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("At most 11.11\u{a0}USD can be taken."));
    let page = house.post(Role::Finance, &capture, &[("amount", "10")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("1.11\u{a0}USD"), "what is released");
    let stored = |id| house.app.gateway.payment(engine::Actor::Operator, id);
    let now = stored(first.id).await.unwrap().unwrap();
    assert!(matches!(now.state, State::Authorised(_)));
    let form = [("amount", "10"), ("confirmed", "yes")];
    let page = house.post(Role::Finance, &capture, &form).await;
    assert_eq!(page.location(), format!("{}?notice=captured", of(&first)));
    let now = stored(first.id).await.unwrap().unwrap();
    assert_eq!(now.state.taken().map(|taken| taken.captured_minor), Some(1000));
    let page = house.post(Role::Finance, &capture, &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "nothing is held any more");
    let void = format!("{}/void", of(&second));
    assert_eq!(house.post(Role::Finance, &void, &[]).await.status, StatusCode::OK);
    let page = house.post(Role::Finance, &void, &[("confirmed", "yes")]).await;
    assert_eq!(page.location(), format!("{}?notice=voided", of(&second)));
    let page = house.get(Role::Finance, &of(&second)).await;
    assert!(page.body.contains("The held money was released"));
}

#[tokio::test]
async fn a_file_has_every_payment_and_no_card() {
    let house = House::new().await;
    let request = Request {
        customer: Customer {
            full_name: Some("=HYPERLINK(\"http://evil.example\")".into()),
            ..Customer::default()
        },
        ..(*big().request).clone()
    };
    paid(&house, Payment { request: Arc::new(request), ..big() }).await;
    let file = house.get(Role::Finance, &format!("{LIST}.csv")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let name = file.headers["content-disposition"].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"payments-test-"), "{name}");
    let lines: Vec<&str> = file.body.lines().collect();
    assert_eq!(lines.len(), 4, "the head and three payments");
    assert!(lines[0].starts_with("trans_id,created_at_utc,reference,"));
    assert!(file.body.contains("411111XXXXXX1111") && file.body.contains(",900.00,900.00,0.00,"));
    assert!(file.body.contains("\"'=HYPERLINK("), "no formula");
    assert!(!file.body.contains(&FOREIGN.approved().id.to_string()));
    let file = house.get(Role::Finance, &format!("{LIST}.csv?state=open")).await;
    assert_eq!(file.body.lines().count(), 2);
}

#[tokio::test]
async fn a_search_is_kept_as_a_view_and_forgotten() {
    let house = House::new().await;
    let path = format!("{LIST}/views");
    for (name, query, says) in [
        ("", "q=order", "Must have 1 to 60 characters."),
        (&*"x".repeat(61), "q=order", "Must have 1 to 60 characters."),
        ("Mine", "", "Search for something first"),
        ("Mine", "other=1", "Search for something first"),
    ] {
        let page = house.post(Role::Owner, &path, &[("name", name), ("query", query)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(says) && page.body.contains("id=\"view-error\""), "{says}");
    }
    let form = [("name", "Mine"), ("query", "state=approved&q=order&evil=1")];
    let page = house.post(Role::Owner, &path, &form).await;
    assert_eq!(page.location(), format!("{LIST}?q=order&state=approved&notice=view-saved"));
    let page = house.get(Role::Owner, &format!("{LIST}?state=approved&q=order")).await;
    assert!(page.body.contains("aria-current=\"page\">Mine</a>"));
    assert!(!house.get(Role::Admin, LIST).await.body.contains(">Mine<"), "one's own");
    let page = house.post(Role::Owner, &path, &[("remove", "Mine")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(!house.get(Role::Owner, LIST).await.body.contains(">Mine<"));
}

#[tokio::test]
async fn a_receipt_is_of_money_that_was_taken() {
    let house = House::new().await;
    let page = house.get(Role::ReadOnly, &format!("{}/receipt", of(&OWN.approved()))).await;
    assert!(page.body.contains("11.11\u{a0}USD") && page.body.contains("no money moved"));
    let file = house.get(Role::ReadOnly, &format!("{}/receipt.pdf", of(&OWN.approved()))).await;
    assert!(file.body.starts_with("%PDF-"));
    assert_eq!(file.headers["content-type"], "application/pdf");
    for tail in ["receipt", "receipt.pdf"] {
        let page = house.get(Role::ReadOnly, &format!("{}/{tail}", of(&OWN.waiting()))).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        assert!(page.body.contains("no money was taken"));
    }
}

#[tokio::test]
async fn notes_have_a_length() {
    let house = House::new().await;
    let path = format!("{}/note", of(&OWN.approved()));
    let long = "x".repeat(2001);
    for text in ["", "  ", &long] {
        let page = house.post(Role::Support, &path, &[("text", text)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("The note must be 1 to 2000 characters."));
    }
    let page = house.post(Role::Support, &path, &[("text", "call\nback")]).await;
    assert!(page.location().ends_with("?notice=noted#notes"));
    let page = house.get(Role::ReadOnly, &of(&OWN.approved())).await;
    assert!(page.body.contains("call<br/>") || page.body.contains("call<br>"));
}
