//! What the store committed: events without gaps, decisions that stay, security codes that go,
//! refunds below what was captured, nothing that waits forgotten.

use super::{Evidence, Findings, call_of, commits, is_decided, name, without_money};
use crate::memory_store::Committed;
use domain::event::Event;
use domain::id::{PaymentId, TerminalNumber};
use domain::payment::{Payment, State};
use domain::refund::{Refund, RefundState};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for payment in evidence.tables.payments.values() {
        let none = Vec::new();
        let events = evidence.tables.events.get(&payment.id).unwrap_or(&none);
        judge_events(payment, events, findings);
        let refunds = evidence.tables.refunds.get(&payment.id).cloned().unwrap_or_default();
        judge_refunds(payment, &refunds, findings);
        judge_end(payment, &refunds, findings);
    }
    for (id, history) in commits(evidence) {
        judge_history(id, &history, findings);
    }
    judge_attempts(evidence, findings);
    for id in evidence.tables.held_cards.keys() {
        findings.unless(false, || format!("a card of payment {id} is still held"));
    }
}

fn judge_events(payment: &Payment, events: &[Event], findings: &mut Findings) {
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    let gapless: Vec<i64> = (1..=payment.version).collect();
    findings.unless(sequences == gapless, || {
        format!("{}: events are numbered {sequences:?}", name(payment))
    });
    findings.unless(events.last().is_some_and(|last| last.state == payment.state), || {
        format!("{}: the last event says something else", name(payment))
    });
    findings.unless(events.is_sorted_by_key(|event| event.at), || {
        format!("{}: events go back in time", name(payment))
    });
}

/// Whether a payment that was decided may go this way.
const fn may_follow(before: &State, after: &State) -> bool {
    match before {
        State::Approved { .. } => matches!(after, State::Approved { .. }),
        State::Authorised(_) => matches!(after, State::Capturing { .. } | State::Voiding { .. }),
        State::Capturing { .. } => {
            matches!(after, State::Capturing { .. } | State::Approved { .. } | State::Authorised(_))
        }
        State::Voiding { .. } => {
            matches!(after, State::Voiding { .. } | State::Reversed { .. } | State::Authorised(_))
        }
        State::Waiting { .. }
        | State::Challenged { .. }
        | State::Sending(_)
        | State::Unknown(_)
        | State::Reversing(_)
        | State::Presented(_) => true,
        State::Expired { order: Some(_), .. } => {
            matches!(after, State::Expired { .. }) || may_be_paid_late(after)
        }
        State::Cancelled { order: Some(_), .. } => {
            matches!(after, State::Cancelled { .. }) || may_be_paid_late(after)
        }
        State::Reversed { .. }
        | State::Declined { .. }
        | State::Expired { .. }
        | State::Cancelled { .. }
        | State::Failed { .. } => false,
    }
}

const fn may_be_paid_late(after: &State) -> bool {
    matches!(after, State::Approved { .. } | State::Reversing(_))
}

fn judge_history(id: PaymentId, history: &[&Committed], findings: &mut Findings) {
    let mut refunds: BTreeMap<i32, Refund> = BTreeMap::new();
    for pair in history.windows(2) {
        let (before, after) = (&pair[0].payment, &pair[1].payment);
        findings.unless(after.version == before.version + 1, || {
            format!("{} follows v{}", name(after), before.version)
        });
        findings.unless(may_follow(&before.state, &after.state), || {
            format!("{} follows {}, which was decided", name(after), before.state.name())
        });
    }
    let sends = history.iter().filter(|one| matches!(one.payment.state, State::Sending(_)));
    findings.unless(sends.count() <= 1, || format!("payment {id} was sent more than once"));
    for committed in history {
        let payment = &committed.payment;
        let may_hold = matches!(payment.state, State::Waiting { .. } | State::Challenged { .. });
        findings.unless(may_hold || !committed.holds_security_code, || {
            format!("{}: the security code is still held", name(payment))
        });
        if let Some(refund) = &committed.refund {
            refunds.insert(refund.number, refund.clone());
        }
        let waits = may_hold
            || matches!(payment.state, State::Presented(_))
            || call_of(&payment.state).is_some()
            || refunds.values().any(|one| matches!(one.state, RefundState::Pending { .. }));
        // The auditor of orders judges how long those are watched.
        let open_order = payment.state.open_order().is_some();
        findings.unless(open_order || waits == payment.due_at.is_some(), || {
            format!("{}: waits is {waits}, but due is {:?}", name(payment), payment.due_at)
        });
        let given: i64 = refunds.values().filter(|refund| takes(refund)).map(minor).sum();
        let captured = captured(payment);
        findings.unless(given <= captured, || {
            format!("{}: refunds of {given}, but only {captured} captured", name(payment))
        });
    }
}

const fn takes(refund: &Refund) -> bool {
    matches!(refund.state, RefundState::Pending { .. } | RefundState::Refunded { .. })
}

const fn minor(refund: &Refund) -> i64 {
    refund.amount.minor()
}

const fn captured(payment: &Payment) -> i64 {
    if let State::Approved { taken, .. } = &payment.state { taken.captured_minor } else { 0 }
}

fn judge_refunds(payment: &Payment, refunds: &[Refund], findings: &mut Findings) {
    let numbers: Vec<i32> = refunds.iter().map(|refund| refund.number).collect();
    let gapless: Vec<i32> = (1..).take(refunds.len()).collect();
    findings.unless(numbers == gapless, || {
        format!("{}: refunds are numbered {numbers:?}", name(payment))
    });
    let mut references = BTreeSet::new();
    for reference in refunds.iter().filter_map(|refund| refund.reference.as_ref()) {
        findings.unless(references.insert(reference.as_str()), || {
            format!("{}: two refunds are named {}", name(payment), reference.as_str())
        });
    }
    if let State::Approved { taken, .. } = &payment.state {
        let sum = |wanted: &dyn Fn(&RefundState) -> bool| -> i64 {
            refunds.iter().filter(|refund| wanted(&refund.state)).map(minor).sum()
        };
        let refunded = sum(&|state| matches!(state, RefundState::Refunded { .. }));
        let refunding = sum(&|state| matches!(state, RefundState::Pending { .. }));
        let said = (taken.refunded_minor, taken.refunding_minor, taken.refunds);
        let many = i32::try_from(refunds.len()).unwrap();
        findings.unless(said == (refunded, refunding, many), || {
            format!("{}: says {said:?} of {refunds:?}", name(payment))
        });
    }
}

fn judge_end(payment: &Payment, refunds: &[Refund], findings: &mut Findings) {
    let open = !is_decided(&payment.state) || call_of(&payment.state).is_some();
    let refunding = refunds.iter().any(|one| matches!(one.state, RefundState::Pending { .. }));
    findings.unless(!open && !refunding, || format!("{} never settled", name(payment)));
}

/// The attempts at a reference come one after the other.
fn judge_attempts(evidence: &Evidence, findings: &mut Findings) {
    let mut latest: BTreeMap<(TerminalNumber, String), PaymentId> = BTreeMap::new();
    let mut states: BTreeMap<PaymentId, &State> = BTreeMap::new();
    for committed in &evidence.tables.journal {
        let payment = &committed.payment;
        states.insert(payment.id, &payment.state);
        if !committed.inserted {
            continue;
        }
        let key = (payment.terminal, payment.reference.as_str().to_owned());
        if let Some(earlier) = latest.insert(key, payment.id) {
            findings.unless(states.get(&earlier).is_some_and(|state| without_money(state)), || {
                format!("{}: a second attempt while {earlier} may still take money", name(payment))
            });
        }
    }
}
