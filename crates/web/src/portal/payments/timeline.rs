//! What happened to a payment, in words.

use crate::portal::words::{amount, moment};
use domain::event::{Event, EventKind};
use domain::payment::{Payment, State};
use domain::payment_filter::StateGroup;
use domain::refund::RefundState;

/// Something that happened.
pub(super) struct Step {
    /// `ok`, `bad`, `wait`, `warn`, or nothing.
    pub(super) class: &'static str,
    pub(super) title: String,
    /// More about it; may be empty.
    pub(super) detail: String,
    pub(super) at: String,
    pub(super) at_text: String,
}

/// An event as the timeline tells it.
pub(super) fn step(payment: &Payment, event: &Event) -> Step {
    let (class, title) = match event.kind {
        EventKind::Created => ("", "Created".to_owned()),
        EventKind::ChallengeOpened => ("wait", "The customer opened the bank's check".to_owned()),
        EventKind::Sending => ("wait", "Sent to the bank".to_owned()),
        EventKind::OutcomeUnknown => ("warn", "The bank has not said what became of it".to_owned()),
        EventKind::Reversing => ("warn", "Being undone at the bank".to_owned()),
        EventKind::Presented => ("wait", "The customer pays at the bank".to_owned()),
        EventKind::OrderWatched => ("wait", "Ended here, still watched at the bank".to_owned()),
        EventKind::Superseded => ("", "A later attempt took its place".to_owned()),
        EventKind::Decided => (class_of(&event.state), decided(&event.state)),
        EventKind::Capturing => ("wait", "Capture sent to the bank".to_owned()),
        EventKind::Captured => ("ok", "The money was taken".to_owned()),
        EventKind::CaptureRefused => {
            ("bad", "The bank did not take the money; it still holds it".to_owned())
        }
        EventKind::Voiding => ("wait", "Release of the money sent to the bank".to_owned()),
        EventKind::Voided => ("ok", "The held money was released".to_owned()),
        EventKind::VoidRefused => {
            ("bad", "The bank did not release the money; it still holds it".to_owned())
        }
        EventKind::Refunding => ("wait", "Refund sent to the bank".to_owned()),
        EventKind::RefundUnknown => {
            ("warn", "The bank has not said what became of the refund".to_owned())
        }
        EventKind::RefundReversing => ("warn", "The refund is being undone".to_owned()),
        EventKind::Refunded => ("ok", "Money went back to the customer".to_owned()),
        EventKind::RefundRefused => ("bad", "The refund ended without money".to_owned()),
    };
    Step {
        class,
        title,
        detail: detail(payment, event),
        at: event.at.to_rfc3339(),
        at_text: moment(event.at),
    }
}

const fn class_of(state: &State) -> &'static str {
    match StateGroup::of(state) {
        StateGroup::Approved | StateGroup::Refunded | StateGroup::Authorised => "ok",
        StateGroup::Open | StateGroup::AtBank => "wait",
        StateGroup::Declined | StateGroup::Ended => "bad",
    }
}

fn decided(state: &State) -> String {
    match StateGroup::of(state) {
        StateGroup::Approved | StateGroup::Refunded => "Approved: the money was taken".to_owned(),
        StateGroup::Authorised => "Authorised: the bank holds the money".to_owned(),
        StateGroup::Open | StateGroup::AtBank | StateGroup::Declined | StateGroup::Ended => {
            state.response().to_owned()
        }
    }
}

fn detail(payment: &Payment, event: &Event) -> String {
    let currency = payment.amount.currency();
    if let Some(refund) = &event.refund {
        let sum = format!("Refund {} of {}", refund.number, amount(refund.amount_minor, currency));
        return match &refund.state {
            RefundState::Declined { reason, .. } => format!("{sum}. {}", reason.text()),
            RefundState::Failed { .. } => format!("{sum}. It did not reach the bank."),
            RefundState::Pending { .. } | RefundState::Refunded { .. } => sum,
        };
    }
    match event.kind {
        EventKind::Created => amount(payment.amount.minor(), currency),
        EventKind::Captured => {
            let taken = event.state.taken().map_or(0, |taken| taken.captured_minor);
            amount(taken, currency)
        }
        EventKind::Decided => {
            let rrn = event.state.bank().and_then(|bank| bank.rrn.as_deref());
            rrn.map(|rrn| format!("RRN {rrn}")).unwrap_or_default()
        }
        EventKind::ChallengeOpened
        | EventKind::Sending
        | EventKind::OutcomeUnknown
        | EventKind::Reversing
        | EventKind::Presented
        | EventKind::OrderWatched
        | EventKind::Superseded
        | EventKind::Capturing
        | EventKind::CaptureRefused
        | EventKind::Voiding
        | EventKind::Voided
        | EventKind::VoidRefused
        | EventKind::Refunding
        | EventKind::RefundUnknown
        | EventKind::RefundReversing
        | EventKind::Refunded
        | EventKind::RefundRefused => String::new(),
    }
}
