//! Orders that customers pay at the bank: watched while they may be paid, taken or given back by
//! the terminal's choice, never taken for two attempts or with another amount than was asked for.

use super::{Evidence, Findings, commits, key, name, without_money};
use crate::memory_store::Committed;
use crate::simulator::bank::{Entry, Kind, Standing};
use domain::call::Because;
use domain::event::EventKind;
use domain::id::PaymentId;
use domain::payment::{Payment, State};
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// An order is watched for so long after its payment has ended, whatever else happens to it.
const WATCHED_FOR: Duration = Duration::from_hours(24);
/// And the bank is asked at least so often.
const ASKED_EVERY: Duration = Duration::from_hours(1);

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut books: BTreeMap<PaymentId, Vec<&Entry>> = BTreeMap::new();
    for entry in evidence.bank.iter().filter(|entry| entry.call.kind == Kind::Order) {
        books.entry(entry.call.payment).or_default().push(entry);
    }
    let commits = commits(evidence);
    for (id, history) in &commits {
        let entries = books.get(id).map_or(&[][..], Vec::as_slice);
        judge_watch(history, findings);
        judge_forgotten(history, entries, findings);
        judge_word(evidence, history, entries, findings);
        judge_late(evidence, history, entries, findings);
    }
    judge_attempts(evidence, findings);
    let payments = &evidence.tables.payments;
    for payment in payments.values().filter(|payment| payment.method.card.is_none()) {
        let entries = books.get(&payment.id).map_or(&[][..], Vec::as_slice);
        let paid = entries.last().is_some_and(|last| last.standing == Standing::Approved);
        findings.unless(!paid || !without_money(&payment.state), || {
            format!("{}: its order was paid, and nobody noticed", name(payment))
        });
    }
}

fn at(committed: &Committed) -> Timestamp {
    committed.event.as_ref().map_or(committed.payment.created_at, |event| event.at)
}

/// An order is looked at until it was decided, or a day has passed since its payment ended.
fn judge_watch(history: &[&Committed], findings: &mut Findings) {
    for committed in history {
        let payment = &committed.payment;
        let Some(ended) = payment.state.open_order().and_then(|_open| payment.state.decided_at())
        else {
            continue;
        };
        let now = at(committed);
        let watched = match payment.due_at {
            Some(due_at) => due_at <= now.plus(ASKED_EVERY),
            None => now >= ended.plus(WATCHED_FOR),
        };
        findings.unless(watched, || {
            format!("{}: nobody watches its order after {:?}", name(payment), now.since(ended))
        });
    }
    for pair in history.windows(2) {
        let (before, after) = (&pair[0].payment, &pair[1]);
        if let (State::Presented(presented), State::Expired { .. }) =
            (&before.state, &after.payment.state)
        {
            findings.unless(at(after) >= presented.expires_at, || {
                format!("{} before its time", name(&after.payment))
            });
        }
    }
}

/// Until the bank has closed an order, it stays open here.
fn judge_forgotten(history: &[&Committed], entries: &[&Entry], findings: &mut Findings) {
    for pair in history.windows(2) {
        let (before, after) = (&pair[0].payment.state, &pair[1].payment);
        let was_open = matches!(before, State::Presented(_)) || before.open_order().is_some();
        let is_open = after.state.open_order().is_some();
        if was_open && !is_open && without_money(&after.state) {
            let closed = entries.iter().any(|entry| {
                entry.order < pair[1].order
                    && matches!(
                        entry.standing,
                        Standing::Declined | Standing::GivenUp | Standing::Undone
                    )
            });
            findings.unless(closed, || format!("{}: its open order is forgotten", name(after)));
        }
    }
}

/// The gateway says no more than the bank did before.
fn judge_word(
    evidence: &Evidence,
    history: &[&Committed],
    entries: &[&Entry],
    findings: &mut Findings,
) {
    for committed in history {
        let payment = &committed.payment;
        if payment.method.card.is_some() {
            return;
        }
        let paid = |wanted: &dyn Fn(i64) -> bool| {
            entries.iter().any(|entry| {
                entry.standing == Standing::Approved
                    && entry.order < committed.order
                    && wanted(entry.call.amount_minor)
            })
        };
        let asked = payment.amount.minor();
        if let State::Approved { taken, .. } = &payment.state {
            findings.unless(paid(&|_minor| true), || {
                format!("{}, and nobody has paid its order", name(payment))
            });
            findings.unless(!paid(&|minor| minor != asked), || {
                format!("{}, and another amount was paid", name(payment))
            });
            findings.unless(taken.captured_minor == asked, || {
                format!("{}: took {}, not {asked}", name(payment), taken.captured_minor)
            });
        }
        if let State::Reversing(reversing) = &payment.state {
            let superseded = history.iter().any(|one| is(one, EventKind::Superseded));
            let right = match reversing.because {
                Because::TooLate => {
                    superseded || evidence.gives_late_money_back.contains(&payment.terminal)
                }
                Because::WrongAmount => paid(&|minor| minor != asked),
                Because::NotFound | Because::StillUnknown => true,
                Because::Voided => false,
            };
            findings.unless(right, || {
                format!("{}: without a reason ({:?})", name(payment), reversing.because)
            });
        }
    }
}

fn is(committed: &Committed, kind: EventKind) -> bool {
    committed.event.as_ref().is_some_and(|event| event.kind == kind)
}

/// What was paid after its payment had ended is taken only where the terminal takes it, and no
/// later attempt has its place; else it goes back, unless the bank will not.
fn judge_late(
    evidence: &Evidence,
    history: &[&Committed],
    entries: &[&Entry],
    findings: &mut Findings,
) {
    let Some(first) = history.first() else { return };
    let kept = entries.iter().any(|entry| evidence.refused.contains(&entry.call.reference));
    if kept || first.payment.method.card.is_some() {
        return;
    }
    let ended = history.iter().find(|one| without_money(&one.payment.state));
    let taken = history.iter().find(|one| matches!(one.payment.state, State::Approved { .. }));
    let (Some(ended), Some(taken)) = (ended, taken) else { return };
    let payment = &taken.payment;
    findings.unless(!evidence.gives_late_money_back.contains(&payment.terminal), || {
        format!("{} after v{}, but its terminal gives back", name(payment), ended.payment.version)
    });
    let later = evidence.tables.journal.iter().find(|one| {
        one.inserted && one.order < taken.order && is_later_attempt(&one.payment, payment)
    });
    findings.unless(later.is_none(), || {
        let later = later.map(|one| one.payment.id);
        format!("{} although {later:?} took its place", name(payment))
    });
}

fn is_later_attempt(one: &Payment, other: &Payment) -> bool {
    key(one) == key(other) && one.attempt > other.attempt
}

/// When a later attempt begins, every earlier one that may still be paid was told so.
fn judge_attempts(evidence: &Evidence, findings: &mut Findings) {
    let mut latest: BTreeMap<PaymentId, &Payment> = BTreeMap::new();
    for committed in &evidence.tables.journal {
        let payment = &committed.payment;
        if committed.inserted {
            let earlier = latest.values().filter(|other| is_later_attempt(payment, other));
            for other in earlier {
                let told = other.state.open_order().is_none_or(|order| order.superseded);
                findings.unless(told, || {
                    format!("{} took the place of {} untold", name(payment), name(other))
                });
            }
        }
        latest.insert(payment.id, payment);
    }
}
