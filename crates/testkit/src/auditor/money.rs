//! Money: the bank's journal is the truth. What the gateway says of each payment, and its books,
//! must be what happened there.

use super::{Evidence, Findings, key, name, without_money};
use crate::simulator::bank::{Entry, Kind, Standing};
use domain::event::{Event, EventKind};
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{Account, Posting};
use domain::payment::{Payment, State};
use domain::refund::RefundState;
use std::collections::BTreeMap;

/// A payment's calls at the bank, as they stand at some moment.
#[derive(Debug, Default)]
struct Position(BTreeMap<String, (Kind, i64, Standing)>);

impl Position {
    fn sum(&self, kind: Kind, counts: impl Fn(Standing) -> bool) -> i64 {
        let lines =
            self.0.values().filter(|(one, _minor, standing)| *one == kind && counts(*standing));
        lines.map(|(_kind, minor, _standing)| minor).sum()
    }

    fn approved(&self, kind: Kind) -> i64 {
        self.sum(kind, |standing| standing == Standing::Approved)
    }

    /// Money that was taken, refunds or not.
    fn taken(&self) -> i64 {
        self.approved(Kind::Sale) + self.approved(Kind::Order) + self.approved(Kind::Capture)
    }

    /// Authorisations that stand.
    fn live(&self) -> usize {
        let live = self.0.values().filter(|(kind, _minor, standing)| {
            is_authorisation(*kind) && *standing == Standing::Approved
        });
        live.count()
    }
}

const fn is_authorisation(kind: Kind) -> bool {
    matches!(kind, Kind::Sale | Kind::Hold | Kind::Order)
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let positions = replay(evidence, findings);
    let none = Position::default();
    for payment in evidence.tables.payments.values() {
        compare(payment, positions.get(&payment.id).unwrap_or(&none), findings);
    }
    judge_kept(evidence, &positions, findings);
    for id in positions.keys() {
        findings.unless(evidence.tables.payments.contains_key(id), || {
            format!("the bank knows payment {id}, the store does not")
        });
    }
    judge_postings(evidence, findings);
    judge_balances(evidence, &positions, findings);
}

/// Goes through the bank's journal.
fn replay(evidence: &Evidence, findings: &mut Findings) -> BTreeMap<PaymentId, Position> {
    let mut positions: BTreeMap<PaymentId, Position> = BTreeMap::new();
    for Entry { call, standing, .. } in &evidence.bank {
        let position = positions.entry(call.payment).or_default();
        position.0.insert(call.reference.clone(), (call.kind, call.amount_minor, *standing));
        findings.unless(position.live() <= 1, || {
            format!("payment {} is authorised more than once: {position:?}", call.payment)
        });
        let refunds = position.sum(Kind::Refund, |standing| {
            matches!(standing, Standing::Approved | Standing::Pending { approve: true })
        });
        let taken = position.taken();
        findings.unless(refunds <= taken, || {
            format!("payment {}: refunds of {refunds} out of {taken}", call.payment)
        });
        if position.live() == 1 && is_authorisation(call.kind) {
            judge_others(evidence, call.payment, &positions, findings);
        }
    }
    positions
}

/// No other attempt at the same reference may have money at this moment, except an earlier order
/// that its customer may pay at the bank at any time: that money goes back later.
fn judge_others(
    evidence: &Evidence,
    id: PaymentId,
    positions: &BTreeMap<PaymentId, Position>,
    findings: &mut Findings,
) {
    let payments = &evidence.tables.payments;
    let Some(payment) = payments.get(&id) else { return };
    let others = payments.values().filter(|other| other.id != id && key(other) == key(payment));
    for other in others {
        let live = positions.get(&other.id).is_some_and(|position| position.live() > 0);
        let earlier = if payment.attempt < other.attempt { payment } else { other };
        let may_be_late = earlier.method.card.is_none();
        findings.unless(!live || may_be_late, || {
            format!("the order of {} is paid twice, by {id} and {}", name(payment), other.id)
        });
    }
}

/// In the end one attempt at an order has money, and not two: unless the bank was asked to give
/// one back, and refused.
fn judge_kept(
    evidence: &Evidence,
    positions: &BTreeMap<PaymentId, Position>,
    findings: &mut Findings,
) {
    let mut kept: BTreeMap<(TerminalNumber, &str), PaymentId> = BTreeMap::new();
    for (id, position) in positions {
        let Some(payment) = evidence.tables.payments.get(id) else { continue };
        let mut stands = position.0.iter().filter(|(reference, (kind, _minor, standing))| {
            is_authorisation(*kind)
                && *standing == Standing::Approved
                && !evidence.refused.contains(*reference)
        });
        if stands.next().is_some()
            && let Some(other) = kept.insert(key(payment), *id)
        {
            let both = format!("{} and {other}", name(payment));
            findings.unless(false, || format!("the money of two attempts was kept: {both}"));
        }
    }
}

/// What the gateway says is what the bank did.
fn compare(payment: &Payment, position: &Position, findings: &mut Findings) {
    let pending = |(_kind, _minor, standing): &(Kind, i64, Standing)| {
        matches!(standing, Standing::Pending { .. })
    };
    findings.unless(!position.0.values().any(pending), || {
        format!("{}: the bank is not done: {position:?}", name(payment))
    });
    let (taken, refunded) = (position.taken(), position.approved(Kind::Refund));
    let right = if let State::Approved { taken: said, .. } = &payment.state {
        position.live() == 1
            && (said.captured_minor, said.refunded_minor, said.refunding_minor)
                == (taken, refunded, 0)
    } else if let State::Authorised(_) = &payment.state {
        position.live() == 1 && taken == 0
    } else {
        without_money(&payment.state) && position.live() == 0 && taken == refunded
    };
    findings.unless(right, || format!("{}: the bank says {position:?}", name(payment)));
    if let State::Approved { taken: said, .. } = &payment.state {
        findings.unless(said.captured_minor <= payment.amount.minor(), || {
            format!("{}: more was taken than was asked for", name(payment))
        });
    }
}

/// What an event means for the books: debit, credit, how much.
fn expected(event: &Event, captured_before: bool) -> Option<(Account, Account, i64)> {
    if let Some(refund) = &event.refund {
        let paid = event.kind == EventKind::Refunded
            && matches!(refund.state, RefundState::Refunded { .. });
        return paid.then_some((Account::Refunds, Account::BankReceivable, refund.amount_minor));
    }
    if let State::Approved { taken, .. } = &event.state
        && !captured_before
    {
        return Some((Account::BankReceivable, Account::MerchantPayable, taken.captured_minor));
    }
    None
}

/// The books have the lines of each event that moved money, and no others.
fn judge_postings(evidence: &Evidence, findings: &mut Findings) {
    let mut written: BTreeMap<(PaymentId, i64), Vec<&Posting>> = BTreeMap::new();
    for posting in &evidence.tables.postings {
        written.entry((posting.payment, posting.sequence)).or_default().push(posting);
    }
    for (id, events) in &evidence.tables.events {
        let mut captured = false;
        for event in events {
            let lines = written.remove(&(*id, event.sequence)).unwrap_or_default();
            let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
            findings.unless(sum == 0, || {
                format!("payment {id}: the lines of event {} sum to {sum}", event.sequence)
            });
            let mut said: Vec<(Account, i64)> =
                lines.iter().map(|line| (line.account, line.amount_minor)).collect();
            let mut right: Vec<(Account, i64)> = expected(event, captured)
                .map(|(debit, credit, minor)| vec![(debit, minor), (credit, -minor)])
                .unwrap_or_default();
            said.sort_unstable();
            right.sort_unstable();
            findings.unless(said == right, || {
                format!(
                    "payment {id}: event {} is booked as {said:?}, not {right:?}",
                    event.sequence
                )
            });
            captured |= matches!(event.state, State::Approved { .. });
        }
    }
    findings.unless(written.is_empty(), || format!("postings without an event: {written:?}"));
}

/// The balances are what the bank's journal comes to.
fn judge_balances(
    evidence: &Evidence,
    positions: &BTreeMap<PaymentId, Position>,
    findings: &mut Findings,
) {
    let mut own: BTreeMap<(MerchantId, Account), i64> = BTreeMap::new();
    for (id, position) in positions {
        let Some(payment) = evidence.tables.payments.get(id) else { continue };
        let (taken, refunded) = (position.taken(), position.approved(Kind::Refund));
        for (account, minor) in [
            (Account::BankReceivable, taken - refunded),
            (Account::MerchantPayable, -taken),
            (Account::Refunds, refunded),
        ] {
            *own.entry((payment.merchant, account)).or_default() += minor;
        }
    }
    let said: BTreeMap<(MerchantId, Account), i64> = evidence
        .balances
        .iter()
        .map(|balance| ((balance.merchant, balance.account), balance.amount_minor))
        .filter(|(_key, minor)| *minor != 0)
        .collect();
    own.retain(|_key, minor| *minor != 0);
    findings.unless(said == own, || format!("balances are {said:?}, the bank's are {own:?}"));
}
