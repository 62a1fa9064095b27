//! Events: what happened to a payment, in order, never changed afterwards.

use crate::id::{MerchantId, PaymentId};
use crate::payment::State;
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
    /// The payment reached a decided status.
    Decided,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Created, Self::ChallengeOpened, Self::Sending, Self::OutcomeUnknown, Self::Decided];

    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ChallengeOpened => "challenge_opened",
            Self::Sending => "sending",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Decided => "decided",
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
}
