//! Orders at a bank: paid in time, late, twice, for another amount, or after a later attempt.

use super::tests::{RULES, sample};
use super::*;
use crate::ledger;
use crate::method::{BankCode, CustomerStep, MethodCode, MethodDetails};
use crate::outcome::{Lookup, Outcome};
use crate::terminal::LateApproval;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn step() -> CustomerStep {
    CustomerStep::Redirect { url: "https://bank.example/1".to_owned() }
}

fn waiting() -> Payment {
    let details = MethodDetails::default();
    Payment { method: Method { code: MethodCode::NetBanking, card: None, details }, ..sample() }
}

/// A minute after its creation, the customer chose a bank, and the bank took the order.
fn presented() -> Payment {
    let now = waiting().created_at.plus(MINUTE);
    let sent = waiting().choose_bank(BankCode::parse("sbin").unwrap(), now).unwrap().payment;
    assert_eq!(sent.method.payer(), Some("SBIN"));
    let word = Word::Outcome(Outcome::Pending(Some(step())));
    let changed = sent.record(word, RULES, now).unwrap();
    assert_eq!((changed.event.kind, changed.notifies), (EventKind::Presented, false));
    changed.payment
}

fn paid(minor: Option<i64>) -> Lookup {
    Lookup::Found(Outcome::Approved(BankFacts { amount_minor: minor, ..BankFacts::default() }))
}

fn said(payment: Payment, lookup: Lookup, rules: Rules, minutes: u64) -> Changed {
    let now = payment.created_at.plus(Duration::from_secs(minutes * 60));
    let reference = payment.state.order_reference().unwrap().to_owned();
    payment.record_order(&reference, lookup, rules, now).unwrap()
}

#[test]
fn an_order_waits_for_its_customer_and_keeps_what_they_have_to_do() {
    let payment = presented();
    let State::Presented(order) = &payment.state else { panic!("{:?}", payment.state) };
    assert_eq!(order.our_reference, call_reference(payment.id, 2));
    assert_eq!(order.expires_at, payment.created_at.plus(Duration::from_mins(15)));
    assert_eq!(payment.method.details.step, Some(step()));
    assert_eq!(payment.order_status().code, "0");
    assert!(payment.answered_state().customer_may_act());
    let open = said(payment.clone(), Lookup::Found(Outcome::Pending(Some(step()))), RULES, 2);
    assert!(!open.notifies && matches!(open.payment.state, State::Presented(_)));
    assert!(open.payment.due_at.unwrap() <= order.expires_at);
    for silence in [Lookup::NotFound, Lookup::Unavailable("down".to_owned())] {
        let open = said(payment.clone(), silence, RULES, 2).payment;
        assert!(matches!(open.state, State::Presented(_)), "silence decides nothing");
    }
}

#[test]
fn an_order_is_paid_refused_or_given_up() {
    for (lookup, status) in [
        (paid(None), "25"),
        (paid(Some(1111)), "25"),
        (Lookup::Found(Outcome::Declined(DeclineReason::Refused, BankFacts::default())), "26"),
        (
            Lookup::Found(Outcome::Declined(
                DeclineReason::CancelledByCustomer,
                BankFacts::default(),
            )),
            "23",
        ),
    ] {
        let changed = said(presented(), lookup, RULES, 2);
        assert!(changed.notifies);
        assert_eq!(changed.payment.order_status().code, status);
        assert_eq!(changed.payment.due_at, None);
        let again = changed.payment.clone().record_order(
            &call_reference(changed.payment.id, 2),
            paid(None),
            RULES,
            changed.event.at,
        );
        assert!(again.is_err(), "a second notice changes nothing");
    }
    let approved = said(presented(), paid(Some(1111)), RULES, 2);
    assert_eq!(ledger::postings(&approved.payment, &approved.event).len(), 2);
    assert_eq!(approved.payment.state.bank().unwrap().amount_minor, None, "compared, and dropped");
}

#[test]
fn the_last_moment_asks_the_bank_before_it_expires() {
    let late = said(presented(), paid(None), RULES, 15);
    assert_eq!(late.payment.order_status().code, "25", "it was paid in time, and heard late");
    let expired = said(presented(), Lookup::Unavailable("down".to_owned()), RULES, 15);
    assert_eq!((expired.payment.order_status().code, expired.notifies), ("22", true));
    assert!(expired.payment.due_at.is_some(), "it is watched");
}

#[test]
fn a_late_approval_counts_or_goes_back_by_the_terminals_choice() {
    let reverse = Rules { late_approval: LateApproval::Reverse, ..RULES };
    let now = presented().created_at.plus(Duration::from_mins(16));
    for ended in [presented().expire(now).unwrap(), presented().cancel(now).unwrap()] {
        assert!(ended.notifies && ended.payment.state.ended_without_money());
        let approved = said(ended.payment.clone(), paid(None), RULES, 20);
        assert_eq!((approved.payment.order_status().code, approved.notifies), ("25", true));
        assert_eq!(ledger::postings(&approved.payment, &approved.event).len(), 2);
        let undone = said(ended.payment.clone(), paid(None), reverse, 20);
        assert!(
            matches!(&undone.payment.state, State::Reversing(call) if call.because == Because::TooLate)
        );
        assert!(!undone.payment.state.ended_without_money(), "no new attempt meanwhile");
        let word = Word::Reversal(Outcome::Approved(BankFacts::default()));
        let reversed = undone.payment.record(word, reverse, now).unwrap();
        assert_eq!((reversed.payment.order_status().code, reversed.notifies), ("7", true));
        assert!(ledger::postings(&reversed.payment, &reversed.event).is_empty());
    }
}

#[test]
fn money_for_an_attempt_that_another_took_the_place_of_always_goes_back() {
    let now = presented().created_at.plus(Duration::from_mins(16));
    let expired = presented().expire(now).unwrap().payment;
    assert!(expired.may_be_superseded());
    let superseded = expired.supersede(now).unwrap();
    assert!(!superseded.notifies);
    let payment = superseded.payment;
    assert!(!payment.may_be_superseded() && payment.clone().supersede(now).is_err());
    let late = said(payment, paid(None), RULES, 200).payment;
    assert!(matches!(late.state, State::Reversing(_)), "whatever the terminal says");
    let soon = late.created_at.plus(Duration::from_mins(229));
    assert!(!late.state.needs_an_operator(soon), "it began to go back just now");
    assert!(late.state.needs_an_operator(soon.plus(MINUTE)));
}

#[test]
fn another_amount_than_asked_goes_back() {
    let now = presented().created_at.plus(Duration::from_mins(16));
    let expired = presented().expire(now).unwrap().payment;
    for payment in [presented(), expired] {
        let wrong = said(payment, paid(Some(1112)), RULES, 3).payment;
        assert!(
            matches!(&wrong.state, State::Reversing(call) if call.because == Because::WrongAmount)
        );
    }
    let sending = waiting().choose_bank(BankCode::parse("SBIN").unwrap(), now);
    assert!(sending.is_err(), "the time was over");
    let card = sample();
    let sent = card.begin_sending(sample().created_at).unwrap().payment;
    let facts = BankFacts { amount_minor: Some(1), ..BankFacts::default() };
    let word = Word::Outcome(Outcome::Approved(facts));
    let wrong = sent.record(word, RULES, now).unwrap().payment;
    assert!(matches!(&wrong.state, State::Reversing(call) if call.because == Because::WrongAmount));
}

#[test]
fn another_amount_that_the_bank_keeps_waits_for_an_operator() {
    let payment = said(presented(), paid(Some(1)), RULES, 3).payment;
    let mut now = payment.created_at.plus(MINUTE);
    let no = Outcome::Declined(DeclineReason::Refused, BankFacts::default());
    let mut payment = payment.record(Word::Reversal(no), RULES, now).unwrap().payment;
    for lookups in 1..200 {
        now = payment.due_at.unwrap();
        payment = payment.record(Word::Lookup(paid(Some(1))), RULES, now).unwrap().payment;
        let State::Unknown(unknown) = &payment.state else { panic!("{:?}", payment.state) };
        assert_eq!((unknown.lookups, unknown.stands), (lookups, true));
    }
    assert!(payment.due_at.unwrap() >= now.plus(MINUTE), "it is asked ever more seldom");
    assert!(payment.resolve(false, now).unwrap().payment.state.ended_without_money());
}

#[test]
fn an_order_is_watched_for_a_day_and_then_only_heard() {
    let now = presented().created_at.plus(Duration::from_mins(16));
    let expired = presented().expire(now).unwrap().payment;
    let ended = expired.clone();
    let mut payment = expired;
    let mut looks = 0;
    while let Some(due) = payment.due_at {
        let reference = payment.state.order_reference().unwrap().to_owned();
        let silent = Lookup::Found(Outcome::Pending(Some(step())));
        let changed = payment.record_order(&reference, silent, RULES, due).unwrap();
        assert_eq!((changed.event.kind, changed.notifies), (EventKind::OrderWatched, false));
        payment = changed.payment;
        looks += 1;
        assert!(looks < 100);
    }
    assert!(looks > 20, "{looks}");
    let mut reloaded = ended;
    for _again in 0..1_000 {
        reloaded = said(reloaded, Lookup::NotFound, RULES, 17).payment;
        assert!(reloaded.due_at.is_some(), "whoever makes the bank be asked ends no watch");
    }
    let down = said(payment.clone(), Lookup::Unavailable("down".to_owned()), RULES, 2000);
    assert!(down.payment.due_at.is_some(), "a bank that is down has not had the last word");
    let refused = Lookup::Found(Outcome::Declined(DeclineReason::Refused, BankFacts::default()));
    let closed = said(payment.clone(), refused, RULES, 2000);
    assert_eq!((closed.payment.order_status().code, closed.notifies), ("22", false));
    assert_eq!(closed.payment.state.open_order(), None);
    assert_eq!(said(payment, paid(None), RULES, 3000).payment.order_status().code, "25");
}

#[test]
fn what_was_written_is_read_again() {
    let now = presented().created_at.plus(Duration::from_mins(16));
    let expired = presented().expire(now).unwrap().payment.supersede(now).unwrap().payment;
    for state in [presented().state, expired.state] {
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state, "{text}");
    }
    let old = r#"{"state":"expired","at":1}"#;
    assert!(matches!(serde_json::from_str(old), Ok(State::Expired { order: None, .. })));
    let text = serde_json::to_string(&presented().method.details).unwrap();
    assert_eq!(serde_json::from_str::<MethodDetails>(&text).unwrap(), presented().method.details);
}
