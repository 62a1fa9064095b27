//! What the balance says, and of whom.

use crate::desk::harness::{House, OWN};
use domain::user::Role;
use http::StatusCode;

const BALANCE: &str = "/portal/test/balance";

fn day() -> String {
    domain::summary::Day::of(testkit::fixture::now()).text()
}

#[tokio::test]
async fn figures_lead_to_postings_and_those_to_payments() {
    let house = House::new().await;
    let page = house.get(Role::ReadOnly, BALANCE).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Owed to you") && page.body.contains("11.11\u{a0}USD"));
    assert!(!page.body.contains("22.22"), "the other merchant's is not in it");
    let of_day = format!("{BALANCE}/USD/{}", day());
    assert!(page.body.contains(&of_day));
    let page = house.get(Role::ReadOnly, &of_day).await;
    let payment = format!("/portal/test/payments/{}", OWN.approved().id);
    assert_eq!(page.body.matches(&payment).count(), 2, "a debit and a credit");
    assert!(page.body.contains("Due from banks") && !page.body.contains("postings.csv"));
    let file = house.get(Role::Finance, &format!("{of_day}/postings.csv")).await;
    assert_eq!(file.body.lines().count(), 3);
    assert!(file.body.contains(",bank_receivable,USD,11.11,"));
}

#[tokio::test]
async fn other_modes_and_days_have_nothing() {
    let house = House::new().await;
    let page = house.get(Role::Owner, "/portal/live/balance").await;
    assert!(page.body.contains("Nothing is booked yet"));
    let page = house.get(Role::Owner, &format!("{BALANCE}/USD/2020-01-01")).await;
    assert!(page.body.contains("Nothing was booked in USD on this day."));
    let page = house.get(Role::Owner, &format!("{BALANCE}?before=2020-01-01")).await;
    assert!(page.body.contains("Nothing is booked before that day."));
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let house = House::new().await;
    for path in ["XXX/2025-01-01", "USD/yesterday", "USD/2025-02-30", "usd2/2025-01-01"] {
        let page = house.get(Role::Owner, &format!("{BALANCE}/{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["?before=x".to_owned(), format!("/USD/{}?after=1.2.3", day())] {
        let page = house.get(Role::Owner, &format!("{BALANCE}{path}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    assert_eq!(house.get(Role::Owner, &format!("{BALANCE}?currency=zzz")).await.status, 200);
}
