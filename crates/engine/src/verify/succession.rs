//! Which state may follow which, by what happened; and which of a call's stages. Written down a
//! second time, apart from the transitions themselves, so that a mistake in one meets the other.

use domain::call::{Because, Call, Reversing, Sending, Unknown};
use domain::event::EventKind;
use domain::payment::State;

/// Of the bank's word about an authorisation.
const ASKED: &[&str] = &["sending", "unknown"];
const CUSTOMER: &[&str] = &["waiting", "challenged"];
const PRESENTED_ENDS: &[&str] = &["approved", "authorised", "declined", "expired", "cancelled"];

/// What happened, from which states, to which.
pub(super) const SUCCESSIONS: [(EventKind, &[&str], &[&str]); 31] = [
    (EventKind::Created, &[], &["waiting", "sending"]),
    (EventKind::ChallengeOpened, &["waiting"], &["challenged"]),
    (EventKind::Sending, CUSTOMER, &["sending"]),
    (EventKind::OutcomeUnknown, &["sending", "unknown", "reversing"], &["unknown"]),
    (EventKind::OutcomeUnknown, &["capturing"], &["capturing"]),
    (EventKind::Reversing, &["sending", "unknown", "reversing"], &["reversing"]),
    (EventKind::Reversing, &["capturing"], &["capturing"]),
    (EventKind::Reversing, &["presented", "expired", "cancelled"], &["reversing"]),
    (EventKind::Presented, &["sending", "unknown", "presented"], &["presented"]),
    (EventKind::OrderWatched, &["expired"], &["expired"]),
    (EventKind::OrderWatched, &["cancelled"], &["cancelled"]),
    (EventKind::Superseded, &["expired"], &["expired"]),
    (EventKind::Superseded, &["cancelled"], &["cancelled"]),
    (EventKind::Decided, &["presented"], PRESENTED_ENDS),
    // The bank took the money after the payment had ended.
    (EventKind::Decided, &["expired", "cancelled"], &["approved", "authorised"]),
    // The customer gave up at the bank.
    (EventKind::Decided, ASKED, &["cancelled"]),
    (EventKind::Decided, CUSTOMER, &["declined", "expired", "cancelled"]),
    (EventKind::Decided, ASKED, &["approved", "authorised", "declined", "failed"]),
    // An operator may have found out that it took effect all the same.
    (EventKind::Decided, &["reversing"], &["failed", "reversed", "approved", "authorised"]),
    (EventKind::Capturing, &["authorised"], &["capturing"]),
    (EventKind::Captured, &["capturing"], &["approved"]),
    (EventKind::CaptureRefused, &["capturing"], &["authorised"]),
    (EventKind::Voiding, &["authorised"], &["voiding"]),
    (EventKind::Voiding, &["voiding"], &["voiding"]),
    (EventKind::Voided, &["voiding"], &["reversed"]),
    (EventKind::VoidRefused, &["voiding"], &["authorised"]),
    (EventKind::Refunding, &["approved"], &["approved"]),
    (EventKind::RefundUnknown, &["approved"], &["approved"]),
    (EventKind::RefundReversing, &["approved"], &["approved"]),
    (EventKind::Refunded, &["approved"], &["approved"]),
    (EventKind::RefundRefused, &["approved"], &["approved"]),
];

/// Whether `after` may follow `before` (none: it is the first) when this happened.
pub(super) fn may_follow(kind: EventKind, before: Option<&State>, after: &State) -> bool {
    SUCCESSIONS.iter().any(|(of, from, to)| {
        *of == kind
            && to.contains(&after.name())
            && before.map_or(from.is_empty(), |before| from.contains(&before.name()))
    })
}

/// Whether the merchant's server is told of it.
pub(super) const fn notifies(kind: EventKind) -> bool {
    match kind {
        EventKind::Decided
        | EventKind::Captured
        | EventKind::CaptureRefused
        | EventKind::Voided
        | EventKind::VoidRefused
        | EventKind::Refunded
        | EventKind::RefundRefused => true,
        EventKind::Created
        | EventKind::ChallengeOpened
        | EventKind::Sending
        | EventKind::OutcomeUnknown
        | EventKind::Reversing
        | EventKind::Presented
        | EventKind::OrderWatched
        | EventKind::Superseded
        | EventKind::Capturing
        | EventKind::Voiding
        | EventKind::Refunding
        | EventKind::RefundUnknown
        | EventKind::RefundReversing => false,
    }
}

/// Whether it is about a refund.
pub(super) const fn is_of_refund(kind: EventKind) -> bool {
    match kind {
        EventKind::Refunding
        | EventKind::RefundUnknown
        | EventKind::RefundReversing
        | EventKind::Refunded
        | EventKind::RefundRefused => true,
        EventKind::Created
        | EventKind::ChallengeOpened
        | EventKind::Sending
        | EventKind::OutcomeUnknown
        | EventKind::Reversing
        | EventKind::Presented
        | EventKind::OrderWatched
        | EventKind::Superseded
        | EventKind::Decided
        | EventKind::Capturing
        | EventKind::Captured
        | EventKind::CaptureRefused
        | EventKind::Voiding
        | EventKind::Voided
        | EventKind::VoidRefused => false,
    }
}

/// The call that only the bank can end: also an order that waits for its customer there, or
/// outlived its payment.
pub(super) fn call_at(state: &State) -> Option<Call> {
    let order = if let State::Presented(order) = state {
        Some((&order.our_reference, order.sent_at))
    } else {
        state.open_order().map(|order| (&order.our_reference, order.sent_at))
    };
    let Some((our_reference, sent_at)) = order else { return state.at_the_bank() };
    let our_reference = our_reference.clone();
    Some(Call::Unknown(Unknown {
        our_reference,
        sent_at,
        lookups: 0,
        not_found_since: None,
        stands: false,
    }))
}

/// Our reference of the call that took effect, or would: not that of a reversal.
pub(super) fn reference_of(call: &Call) -> &str {
    match call {
        Call::Sending(Sending { our_reference, .. })
        | Call::Unknown(Unknown { our_reference, .. }) => our_reference,
        Call::Reversing(Reversing { original, .. }) => original,
    }
}

/// Whether a call may stand as `after` once it stood as `before` (none: it is new), when the
/// event that tells so is given the reference `next` and happened at `at`.
pub(super) fn call_may_follow(
    before: Option<&Call>,
    after: &Call,
    next: &str,
    at: domain::time::Timestamp,
) -> bool {
    let Some(before) = before else {
        return match after {
            Call::Sending(sending) => sending.our_reference == next && sending.sent_at == at,
            Call::Unknown(_) => false,
            Call::Reversing(call) => {
                let begun = (call.sent_at, call.since) == (at, at);
                call.our_reference == next && begun && call.because == Because::Voided
            }
        };
    };
    let same = reference_of(before) == reference_of(after) && before.sent_at() == after.sent_at();
    same && match (before, after) {
        (_, Call::Sending(_)) => false,
        (_, Call::Unknown(_)) => true,
        (Call::Reversing(before), Call::Reversing(after)) => {
            before.our_reference == after.our_reference
                && (before.since, before.because) == (after.since, after.because)
        }
        (Call::Sending(_) | Call::Unknown(_), Call::Reversing(after)) => {
            after.our_reference == next && after.since == at && after.because != Because::Voided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_has_its_line() {
        for kind in EventKind::ALL {
            assert!(SUCCESSIONS.iter().any(|(of, ..)| *of == kind), "{kind:?}");
        }
        let known = [
            "waiting",
            "challenged",
            "sending",
            "unknown",
            "reversing",
            "presented",
            "authorised",
            "capturing",
            "voiding",
            "approved",
            "reversed",
            "declined",
            "expired",
            "cancelled",
            "failed",
        ];
        for (kind, from, to) in SUCCESSIONS {
            assert!(from.iter().chain(to).all(|state| known.contains(state)), "{kind:?}");
        }
    }
}
