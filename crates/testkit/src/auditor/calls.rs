//! Calls to the bank: intended before they left, sent once, as intended.

use super::{Evidence, Findings, call_of};
use crate::memory_store::Committed;
use crate::simulator::bank::Kind;
use domain::call::{Because, Call};
use domain::id::PaymentId;
use domain::payment::State;
use domain::refund::RefundState;
use domain::terminal::Capture;
use std::collections::{BTreeMap, BTreeSet};

/// What the store says that a gateway may send.
#[derive(Debug)]
struct Intent {
    order: u64,
    payment: PaymentId,
    kind: Kind,
    original: String,
    amount_minor: i64,
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut intents = BTreeMap::new();
    for committed in &evidence.tables.journal {
        note_intents(committed, &mut intents);
    }
    for committed in &evidence.tables.journal {
        judge_not_found(evidence, committed, findings);
    }
    let mut sent = BTreeSet::new();
    for made in &evidence.calls {
        let call = &made.call;
        let intent = intents.get(&call.reference).filter(|intent| intent.order < made.order);
        findings.unless(intent.is_some(), || {
            format!("call {} {:?} left before its intent was durable", call.reference, call.kind)
        });
        let as_intended = intent.is_none_or(|intent| {
            let amount = call.kind == Kind::Reversal || intent.amount_minor == call.amount_minor;
            (intent.payment, intent.kind, &intent.original)
                == (call.payment, call.kind, &call.original)
                && amount
        });
        findings.unless(as_intended, || format!("call {call:?} is not what was intended"));
        let again = !sent.insert(&call.reference) && call.kind != Kind::Reversal;
        findings
            .unless(!again, || format!("call {} {:?} was sent twice", call.reference, call.kind));
        let money = matches!(call.kind, Kind::Sale | Kind::Hold);
        findings.unless(!money || made.security_code, || {
            format!("call {} came without a security code", call.reference)
        });
    }
}

/// Who asks about a call when the bank's time to register it is over finds it, if the bank kept
/// its word. So only a call that the bank did not know by then may be undone as not found.
fn judge_not_found(evidence: &Evidence, committed: &Committed, findings: &mut Findings) {
    let refund = committed.refund.as_ref().and_then(|refund| match &refund.state {
        RefundState::Pending { call, .. } => Some(call.clone()),
        RefundState::Refunded { .. }
        | RefundState::Declined { .. }
        | RefundState::Failed { .. } => None,
    });
    for call in call_of(&committed.payment.state).into_iter().chain(refund) {
        if let Call::Reversing(reversing) = call
            && reversing.because == Because::NotFound
        {
            let in_time = reversing.sent_at.plus(evidence.patience);
            let registered = evidence.registered.get(&reversing.original);
            findings.unless(registered.is_none_or(|at| *at > in_time), || {
                format!(
                    "call {} was undone as not found although the bank had it",
                    reversing.original
                )
            });
        }
    }
}

fn note_intents(committed: &Committed, intents: &mut BTreeMap<String, Intent>) {
    let payment = &committed.payment;
    let mut note = |call: &Call, kind: Kind, original: &str, amount_minor: i64| {
        let (reference, kind, original) = match call {
            Call::Sending(sending) => (&sending.our_reference, kind, original),
            Call::Reversing(reversing) => {
                (&reversing.our_reference, Kind::Reversal, reversing.original.as_str())
            }
            Call::Unknown(_) => return,
        };
        intents.entry(reference.clone()).or_insert_with(|| Intent {
            order: committed.order,
            payment: payment.id,
            kind,
            original: original.to_owned(),
            amount_minor,
        });
    };
    if let Some(call) = call_of(&payment.state) {
        let whole = payment.amount.minor();
        let kind = match payment.capture {
            _ if payment.method.card.is_none() => Kind::Order,
            Capture::Automatic => Kind::Sale,
            Capture::Manual => Kind::Hold,
        };
        if let State::Capturing { hold, amount_minor, .. } = &payment.state {
            note(&call, Kind::Capture, &hold.our_reference, *amount_minor);
        } else {
            note(&call, kind, "", whole);
        }
    }
    if let (Some(refund), State::Approved { taken, .. }) = (&committed.refund, &payment.state)
        && let RefundState::Pending { call, .. } = &refund.state
    {
        note(call, Kind::Refund, &taken.our_reference, refund.amount.minor());
    }
}
