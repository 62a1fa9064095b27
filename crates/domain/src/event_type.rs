//! What merchants' servers are told of, by the names that endpoints subscribe to.

use crate::event::{Event, EventKind};
use crate::payment::State;
use crate::refund::RefundState;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a message: a noun and what happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// Money is held, to be captured or released.
    PaymentAuthorised,
    /// Money was taken.
    PaymentApproved,
    /// The bank, or the challenge, said no.
    PaymentDeclined,
    /// The customer did not act in time.
    PaymentExpired,
    /// The customer, or the shop, gave up.
    PaymentCancelled,
    /// It ended for a technical reason, without money.
    PaymentFailed,
    /// Money that was held or taken was released in full.
    PaymentReversed,
    /// The bank refused to take the money that it holds; it still holds it.
    PaymentCaptureDeclined,
    /// The bank refused to release the money that it holds; it still holds it.
    PaymentVoidDeclined,
    /// Money went back.
    RefundSucceeded,
    /// The bank refused to give money back.
    RefundDeclined,
    /// A refund ended for a technical reason; no money moved.
    RefundFailed,
    /// A customer disputes a payment at their bank.
    DisputeOpened,
    /// The dispute ended for the merchant.
    DisputeWon,
    /// The dispute ended for the customer.
    DisputeLost,
    /// A settlement was worked out.
    SettlementCreated,
    /// Money was paid out to the merchant.
    PayoutPaid,
    /// A payout came back.
    PayoutFailed,
    /// An endpoint was switched off because it failed for days.
    EndpointDisabled,
}

/// The text is no event type, and no pattern of event types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no event type: use one such as payment.approved, a group such as payment.*, or *"
)]
pub struct UnknownEventType(pub String);

impl EventType {
    /// All of them, in the catalogue's order.
    pub const ALL: [Self; 19] = [
        Self::PaymentAuthorised,
        Self::PaymentApproved,
        Self::PaymentDeclined,
        Self::PaymentExpired,
        Self::PaymentCancelled,
        Self::PaymentFailed,
        Self::PaymentReversed,
        Self::PaymentCaptureDeclined,
        Self::PaymentVoidDeclined,
        Self::RefundSucceeded,
        Self::RefundDeclined,
        Self::RefundFailed,
        Self::DisputeOpened,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::SettlementCreated,
        Self::PayoutPaid,
        Self::PayoutFailed,
        Self::EndpointDisabled,
    ];

    /// The name that merchants see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PaymentAuthorised => "payment.authorised",
            Self::PaymentApproved => "payment.approved",
            Self::PaymentDeclined => "payment.declined",
            Self::PaymentExpired => "payment.expired",
            Self::PaymentCancelled => "payment.cancelled",
            Self::PaymentFailed => "payment.failed",
            Self::PaymentReversed => "payment.reversed",
            Self::PaymentCaptureDeclined => "payment.capture_declined",
            Self::PaymentVoidDeclined => "payment.void_declined",
            Self::RefundSucceeded => "refund.succeeded",
            Self::RefundDeclined => "refund.declined",
            Self::RefundFailed => "refund.failed",
            Self::DisputeOpened => "dispute.opened",
            Self::DisputeWon => "dispute.won",
            Self::DisputeLost => "dispute.lost",
            Self::SettlementCreated => "settlement.created",
            Self::PayoutPaid => "payout.paid",
            Self::PayoutFailed => "payout.failed",
            Self::EndpointDisabled => "endpoint.disabled",
        }
    }

    /// What happened, in a sentence for the catalogue.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::PaymentAuthorised => {
                "The bank holds the money; it is to be captured or released."
            }
            Self::PaymentApproved => "The money was taken.",
            Self::PaymentDeclined => "The bank, or the customer's challenge, said no.",
            Self::PaymentExpired => "The customer did not act in time.",
            Self::PaymentCancelled => "The customer gave up.",
            Self::PaymentFailed => "The payment ended for a technical reason, without money.",
            Self::PaymentReversed => "Money that was held or taken was released in full.",
            Self::PaymentCaptureDeclined => "The bank did not take the money; it still holds it.",
            Self::PaymentVoidDeclined => "The bank did not release the money; it still holds it.",
            Self::RefundSucceeded => "Money went back to the customer.",
            Self::RefundDeclined => "The bank did not give the money back.",
            Self::RefundFailed => "A refund ended for a technical reason; no money moved.",
            Self::DisputeOpened => "The customer disputes the payment at their bank.",
            Self::DisputeWon => "A dispute ended for the merchant.",
            Self::DisputeLost => "A dispute ended for the customer.",
            Self::SettlementCreated => "A settlement was worked out.",
            Self::PayoutPaid => "Money was paid out to the merchant.",
            Self::PayoutFailed => "A payout came back.",
            Self::EndpointDisabled => "An endpoint failed for five days and was switched off.",
        }
    }

    /// Whether this release sends it by itself; the others are sent as samples only.
    pub const fn is_sent(self) -> bool {
        match self {
            Self::PaymentAuthorised
            | Self::PaymentApproved
            | Self::PaymentDeclined
            | Self::PaymentExpired
            | Self::PaymentCancelled
            | Self::PaymentFailed
            | Self::PaymentReversed
            | Self::PaymentCaptureDeclined
            | Self::PaymentVoidDeclined
            | Self::RefundSucceeded
            | Self::RefundDeclined
            | Self::RefundFailed
            | Self::EndpointDisabled => true,
            Self::DisputeOpened
            | Self::DisputeWon
            | Self::DisputeLost
            | Self::SettlementCreated
            | Self::PayoutPaid
            | Self::PayoutFailed => false,
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Result<Self, UnknownEventType> {
        let found = Self::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| UnknownEventType(name.to_owned()))
    }

    /// The type of the message that tells of an event; none for one that merchants are not told of.
    pub const fn of(event: &Event) -> Option<Self> {
        match event.kind {
            EventKind::CaptureRefused => Some(Self::PaymentCaptureDeclined),
            EventKind::VoidRefused => Some(Self::PaymentVoidDeclined),
            EventKind::Refunded => Some(Self::RefundSucceeded),
            EventKind::RefundRefused => match &event.refund {
                Some(refund) => match &refund.state {
                    RefundState::Declined { .. } => Some(Self::RefundDeclined),
                    RefundState::Failed { .. }
                    | RefundState::Pending { .. }
                    | RefundState::Refunded { .. } => Some(Self::RefundFailed),
                },
                None => None,
            },
            EventKind::Decided | EventKind::Captured | EventKind::Voided => {
                Self::of_state(&event.state)
            }
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
            | EventKind::RefundReversing => None,
        }
    }

    const fn of_state(state: &State) -> Option<Self> {
        match state {
            State::Authorised { .. } => Some(Self::PaymentAuthorised),
            State::Approved { .. } => Some(Self::PaymentApproved),
            State::Declined { .. } => Some(Self::PaymentDeclined),
            State::Expired { .. } => Some(Self::PaymentExpired),
            State::Cancelled { .. } => Some(Self::PaymentCancelled),
            State::Failed { .. } => Some(Self::PaymentFailed),
            State::Reversed { .. } => Some(Self::PaymentReversed),
            State::Waiting { .. }
            | State::Challenged { .. }
            | State::Sending(..)
            | State::Unknown(..)
            | State::Reversing(..)
            | State::Presented(..)
            | State::Capturing { .. }
            | State::Voiding { .. } => None,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an endpoint subscribes to: one type, a group (`payment.*`), or everything (`*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventPattern(String);

impl EventPattern {
    /// Everything.
    pub fn everything() -> Self {
        Self("*".to_owned())
    }

    /// From its text; an error when nothing could ever match it.
    pub fn parse(text: &str) -> Result<Self, UnknownEventType> {
        let pattern = Self(text.to_owned());
        if EventType::ALL.into_iter().any(|one| pattern.matches(one)) {
            Ok(pattern)
        } else {
            Err(UnknownEventType(text.to_owned()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether messages of this type are among it.
    pub fn matches(&self, event_type: EventType) -> bool {
        let name = event_type.name();
        match self.0.strip_suffix('*') {
            None => self.0 == name,
            Some("") => true,
            Some(group) => group.ends_with('.') && name.starts_with(group),
        }
    }
}

impl TryFrom<String> for EventPattern {
    type Error = UnknownEventType;

    fn try_from(text: String) -> Result<Self, UnknownEventType> {
        Self::parse(&text)
    }
}

impl From<EventPattern> for String {
    fn from(pattern: EventPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for one in EventType::ALL {
            assert_eq!(EventType::parse(one.name()), Ok(one));
        }
        assert!(EventType::parse("payment.*").is_err());
    }

    #[test]
    fn patterns() {
        let all = |text: &str| {
            let pattern = EventPattern::parse(text).unwrap();
            EventType::ALL.into_iter().filter(|one| pattern.matches(*one)).count()
        };
        assert_eq!(all("*"), 19);
        assert_eq!(all("payment.*"), 9);
        assert_eq!(all("payment.approved"), 1);
        for wrong in
            ["", "payment", "payment.", "payment*", "pay*", "**", "refund.*.*", "Payment.*"]
        {
            assert_eq!(EventPattern::parse(wrong), Err(UnknownEventType(wrong.to_owned())));
        }
    }
}
