//! What happened to a payment, in words.

use crate::office::parts::When;
use crate::portal::words::amount;
use domain::event::{Event, EventKind};
use domain::payment::{Payment, State};
use domain::refund::RefundState;

/// A line of the history.
#[derive(Clone, Debug)]
pub(in crate::office) struct EventRow {
    /// `ok`, `bad`, `wait`, `warn` or nothing.
    pub(in crate::office) class: &'static str,
    /// What happened.
    pub(in crate::office) title: &'static str,
    /// More of it; may be empty.
    pub(in crate::office) text: String,
    /// When.
    pub(in crate::office) at: When,
}

impl EventRow {
    /// Of this event.
    pub(in crate::office) fn of(event: &Event, payment: &Payment) -> Self {
        let (class, title) = words(event);
        let mut text = String::new();
        if let Some(refund) = &event.refund {
            let money = amount(refund.amount_minor, payment.amount.currency());
            text = format!("Refund {}: {money}", refund.number);
        }
        if let Some(call) = event.state.at_the_bank() {
            text = format!("Our reference {}", call.our_reference());
        }
        if let Some(RefundState::Pending { call, .. }) = event.refund.as_ref().map(|one| &one.state)
        {
            text = format!("{text}, our reference {}", call.our_reference());
        }
        if let (EventKind::Decided, State::Declined { reason, .. }) = (event.kind, &event.state) {
            reason.text().clone_into(&mut text);
        }
        Self { class, title, text, at: When::of(event.at) }
    }
}

fn words(event: &Event) -> (&'static str, &'static str) {
    match event.kind {
        EventKind::Created => ("", "Created"),
        EventKind::ChallengeOpened => ("", "The customer opened the bank's challenge"),
        EventKind::Sending => ("wait", "Sent to the bank"),
        EventKind::OutcomeUnknown => ("warn", "The bank has not told the outcome"),
        EventKind::Reversing => ("warn", "The call is being undone"),
        EventKind::Presented => ("wait", "The customer pays at the bank or in an app"),
        EventKind::OrderWatched => ("wait", "The order is watched at the bank after the end"),
        EventKind::Superseded => ("", "A later attempt took its place"),
        EventKind::Decided => decided(&event.state),
        EventKind::Capturing => ("wait", "The held money is being taken"),
        EventKind::Captured => ("ok", "The held money was taken"),
        EventKind::CaptureRefused => ("bad", "The held money was not taken; it is still held"),
        EventKind::Voiding => ("wait", "The held money is being released"),
        EventKind::Voided => ("ok", "The held money was released"),
        EventKind::VoidRefused => ("bad", "The held money was not released; it is still held"),
        EventKind::Refunding => ("wait", "A refund was sent to the bank"),
        EventKind::RefundUnknown => ("warn", "The bank has not told what became of a refund"),
        EventKind::RefundReversing => ("warn", "A refund is being undone"),
        EventKind::Refunded => ("ok", "Money was given back"),
        EventKind::RefundRefused => ("bad", "A refund ended without money"),
    }
}

const fn decided(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Approved { .. } => ("ok", "Approved"),
        State::Authorised(_) => ("ok", "Authorised: the bank holds the money"),
        State::Declined { .. } => ("bad", "Declined"),
        State::Expired { .. } => ("", "Expired: the customer did not act in time"),
        State::Cancelled { .. } => ("", "Cancelled by the customer"),
        State::Failed { .. } => ("bad", "Failed: no money was taken"),
        State::Reversed { .. } => ("", "Reversed: no money was taken"),
        State::Waiting { .. }
        | State::Challenged { .. }
        | State::Sending(_)
        | State::Unknown(_)
        | State::Reversing(_)
        | State::Presented(_)
        | State::Capturing { .. }
        | State::Voiding { .. } => ("", "Decided"),
    }
}
