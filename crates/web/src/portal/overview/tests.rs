//! What the first page says.

use super::figures::Sums;
use crate::desk::harness::House;
use domain::method::MethodCode;
use domain::money::Currency;
use domain::summary::{Day, PaymentSum};
use domain::user::Role;
use http::StatusCode;

#[tokio::test]
async fn the_first_page_counts_ones_own_payments() {
    let house = House::new().await;
    let page = house.get(Role::ReadOnly, "/portal/test").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Volume taken") && page.body.contains("11.11\u{a0}USD"));
    assert!(page.body.contains("<p class=\"number\">2</p>"), "one approved, one that waits");
    assert!(page.body.contains("100.0\u{a0}%"));
    for markup in ["<script>alert", "<img src=x", "<b>of"] {
        assert!(!page.body.contains(markup), "{markup}");
    }
    assert!(!page.body.contains("Getting started"));
    let page = house.get(Role::ReadOnly, "/portal/test?days=30&currency=usd").await;
    assert!(page.body.contains("in the last 30 days"));
    let page = house.get(Role::ReadOnly, "/portal/test?days=31").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.get(Role::ReadOnly, "/portal/other").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_new_is_told_what_to_do() {
    let house = House::new().await;
    let page = house.get(Role::Developer, "/portal/live").await;
    assert!(page.body.contains("Getting started") && page.body.contains("/portal/live/developers"));
    let page = house.get(Role::ReadOnly, "/portal/live").await;
    assert!(
        page.body.contains("Getting started") && !page.body.contains("/portal/live/developers")
    );
}

#[test]
fn sums_tell_yes_from_no() {
    let sum = |state: &str, count, refunded| PaymentSum {
        day: Day(1),
        method: MethodCode::CreditCard,
        currency: Currency::from_code("USD").unwrap(),
        state: state.to_owned(),
        reason: None,
        challenged: false,
        refunded,
        count,
        amount_minor: 100,
        captured_minor: 100,
        refunded_minor: 10,
    };
    let all = [sum("approved", 7, true), sum("authorised", 1, false), sum("declined", 2, false)];
    let open = [sum("unknown", 5, false), sum("expired", 5, false), sum("failed", 1, false)];
    let sums = Sums::of(all.iter().chain(&open));
    assert_eq!((sums.payments, sums.approved, sums.refused, sums.refunded), (21, 8, 3, 7));
}
