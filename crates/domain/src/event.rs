//! Events: what happened to a payment, in order, never changed afterwards.

use crate::id::{MerchantId, PaymentId};
use crate::payment::State;
use crate::refund::RefundFacts;
use crate::time::Timestamp;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The payment was created.
    Created,
    /// The customer opened the challenge.
    ChallengeOpened,
    /// The call to the bank was intended.
    Sending,
    /// The bank's outcome is not known (yet).
    OutcomeUnknown,
    /// The call is being undone.
    Reversing,
    /// The bank has the order and its customer acts there; or still has it.
    Presented,
    /// An order whose payment has ended is still open at the bank, or is closed there.
    OrderWatched,
    /// A later attempt takes the place of one that has ended: money for it is given back.
    Superseded,
    /// The payment reached a decided status.
    Decided,
    /// A capture of held money was intended.
    Capturing,
    /// Held money was taken.
    Captured,
    /// Held money was not taken; it is still held.
    CaptureRefused,
    /// The release of held money was intended.
    Voiding,
    /// Held money was released.
    Voided,
    /// Held money was not released; it is still held.
    VoidRefused,
    /// A refund was accepted and its call intended.
    Refunding,
    /// The refund's outcome is not known (yet).
    RefundUnknown,
    /// The refund's call is being undone.
    RefundReversing,
    /// Money was given back.
    Refunded,
    /// The refund ended without money.
    RefundRefused,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::Created,
        Self::ChallengeOpened,
        Self::Sending,
        Self::OutcomeUnknown,
        Self::Reversing,
        Self::Presented,
        Self::OrderWatched,
        Self::Superseded,
        Self::Decided,
        Self::Capturing,
        Self::Captured,
        Self::CaptureRefused,
        Self::Voiding,
        Self::Voided,
        Self::VoidRefused,
        Self::Refunding,
        Self::RefundUnknown,
        Self::RefundReversing,
        Self::Refunded,
        Self::RefundRefused,
    ];

    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ChallengeOpened => "challenge_opened",
            Self::Sending => "sending",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Reversing => "reversing",
            Self::Presented => "presented",
            Self::OrderWatched => "order_watched",
            Self::Superseded => "superseded",
            Self::Decided => "decided",
            Self::Capturing => "capturing",
            Self::Captured => "captured",
            Self::CaptureRefused => "capture_refused",
            Self::Voiding => "voiding",
            Self::Voided => "voided",
            Self::VoidRefused => "void_refused",
            Self::Refunding => "refunding",
            Self::RefundUnknown => "refund_unknown",
            Self::RefundReversing => "refund_reversing",
            Self::Refunded => "refunded",
            Self::RefundRefused => "refund_refused",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One thing that happened to one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// To which payment.
    pub payment: PaymentId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// 1, 2, … without gaps; the payment's version after it.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Where the payment stood after it.
    pub state: State,
    /// The refund that it is about, if it is about one.
    pub refund: Option<RefundFacts>,
}
