//! What every store must show to a proof (`engine::ports::Records`), whatever database it is. For
//! an empty store.

use crate::fixture;
use domain::call::Word;
use domain::delivery::{DeliveryId, NewDelivery};
use domain::id::{MerchantId, TerminalNumber};
use domain::outcome::{BankFacts, Outcome};
use domain::payment::{Changed, Payment};
use domain::refund::RefundRequest;
use domain::terminal::Mode;
use engine::actor::Scope;
use engine::changeset::{AuditLine, Changeset};
use engine::ports::{Records, Store};
use engine::verify::{AuditWalk, History, HistoryRange, Owners, judge};
use std::time::Duration;

/// Runs all checks.
pub async fn run(store: &dyn Store, records: &dyn Records) {
    let payments = populate(store).await;
    every_row_is_in_one_history(records, &payments).await;
    postings_come_in_pages(records).await;
    the_audit_log_is_chained(store, records).await;
    assert_eq!(records.stray_rows(10).await.unwrap(), vec![]);
}

async fn commit(store: &dyn Store, changed: Changed) -> Payment {
    let payment = changed.payment.clone();
    let notice = changed.notifies.then(|| NewDelivery {
        id: DeliveryId::own(payment.id, payment.notices),
        created_at: changed.event.at,
        ..fixture::delivery(&payment)
    });
    let mut changeset = Changeset::payment_changed("records", changed);
    changeset.deliveries.extend(notice);
    store.commit(changeset).await.unwrap();
    payment
}

fn yes() -> Word {
    Word::Outcome(Outcome::Approved(BankFacts::default()))
}

/// Seven payments, of which two wait, two are cancelled and three are paid, one of them refunded.
async fn populate(store: &dyn Store) -> Vec<Payment> {
    let now = fixture::now();
    let mut payments = Vec::new();
    for number in 0..7 {
        let mut payment = fixture::payment(500 + number, &format!("records {number}"));
        store.commit(fixture::insert(&payment)).await.unwrap();
        if number >= 4 {
            payment = commit(store, payment.begin_sending(now).unwrap()).await;
            payment = commit(store, payment.record(yes(), fixture::rules(), now).unwrap()).await;
        } else if number >= 2 {
            payment = commit(store, payment.cancel(now).unwrap()).await;
        }
        payments.push(payment);
    }
    let paid = payments.pop().unwrap();
    let request = RefundRequest { amount: fixture::usd("1.11"), reference: None, reason: None };
    let asked = paid.request_refund(&[], request, Duration::MAX, now).unwrap();
    payments.push(asked.changed.payment.clone());
    store.commit(Changeset::refund_changed("records", asked)).await.unwrap();
    payments
}

async fn all(records: &dyn Records, parts: u32, limit: u32) -> Vec<History> {
    let mut found = Vec::new();
    for range in records.history_ranges(parts).await.unwrap() {
        let mut left: Option<HistoryRange> = Some(range);
        while let Some(range) = left {
            let histories = records.histories(range, limit).await.unwrap();
            let read = u32::try_from(histories.read.len()).unwrap();
            assert!(read <= limit, "{read} of at most {limit}");
            found.extend(histories.read);
            left = histories.rest;
        }
    }
    found
}

async fn every_row_is_in_one_history(records: &dyn Records, payments: &[Payment]) {
    let owners: Owners = [(TerminalNumber(42), (MerchantId(1), Mode::Test))].into();
    for (parts, limit) in [(1, 100), (1, 1), (1, 7), (2, 2), (3, 100), (20, 3)] {
        let histories = all(records, parts, limit).await;
        assert_eq!(histories.len(), payments.len(), "{parts} parts, {limit} at once");
        for payment in payments {
            let mut of_payment =
                histories.iter().filter(|one| one.payment.as_ref() == Some(payment));
            let history = of_payment.next().unwrap_or_else(|| panic!("{payment:?}"));
            assert!(of_payment.next().is_none(), "it is there twice");
            let version = usize::try_from(payment.version).unwrap();
            assert_eq!(history.events.len(), version);
            assert_eq!(history.events.last().unwrap().state, payment.state);
            assert_eq!(history.deliveries.len(), usize::try_from(payment.notices).unwrap());
            let paid = payment.state.taken().is_some();
            assert_eq!(history.postings.len(), if paid { 2 } else { 0 });
            assert_eq!(history.held.is_some(), payment.state.customer_may_act());
            let judged = judge(history, &owners);
            assert_eq!(judged.findings, vec![]);
            let refunds = payment.state.taken().map_or(0, |taken| taken.refunds);
            assert_eq!(history.refunds.len(), usize::try_from(refunds).unwrap());
            assert_eq!(judged.open, refunds > 0);
            let alone = records.history(payment.id).await.unwrap().unwrap();
            assert_eq!(alone.payment.as_ref(), Some(payment));
            assert_eq!(alone.events, history.events);
        }
    }
    let nobody = fixture::payment(999, "nobody").id;
    assert!(records.history(nobody).await.unwrap().is_none());
}

async fn postings_come_in_pages(records: &dyn Records) {
    for limit in [1, 4, 100] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = records.postings(Scope::Everything, after, limit).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            found.extend(page.into_iter().map(|(_, posting)| posting));
        }
        assert_eq!(found.len(), 6);
        assert_eq!(found.iter().map(|posting| posting.amount_minor).sum::<i64>(), 0);
    }
    let of = |merchant| records.postings(Scope::Merchant(MerchantId(merchant)), None, 100);
    assert_eq!(of(1).await.unwrap().len(), 6);
    assert_eq!(of(2).await.unwrap().len(), 0);
    assert_eq!(records.postings(Scope::Holder, None, 100).await.unwrap().len(), 0);
}

async fn the_audit_log_is_chained(store: &dyn Store, records: &dyn Records) {
    let line = |detail: &str| AuditLine {
        at: fixture::now(),
        actor: "operator",
        caller: Some("127.0.0.1".parse().unwrap()),
        action: "test",
        result: "done",
        terminal: Some(TerminalNumber(42)),
        request_id: None,
        detail: detail.to_owned(),
        merchant: None,
        user: None,
    };
    for number in 0..5 {
        store.commit(Changeset::audit(line(&number.to_string()))).await.unwrap();
    }
    let mut seals = Vec::new();
    for limit in [1, 2, 5, 100] {
        let mut walk = AuditWalk::default();
        while !walk.ended {
            walk = records.walk_audit_log(walk, limit).await.unwrap();
        }
        assert_eq!((walk.sealed, walk.unsealed, walk.findings), (5, 0, vec![]));
        seals.push(walk.previous);
    }
    assert!(seals.windows(2).all(|pair| pair[0] == pair[1]));
}
