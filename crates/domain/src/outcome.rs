//! What a bank's answer can mean. There are five outcomes, and "unknown" is one of them: it is
//! never read as a decline, and forbids any second try elsewhere until it is resolved.

use crate::method::CustomerStep;
use serde::{Deserialize, Serialize};

/// What the bank said of a payment beside yes or no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankFacts {
    /// The bank's own reference.
    pub bank_reference: Option<String>,
    /// Retrieval reference number, `rrn`.
    pub rrn: Option<String>,
    /// What the customer's statement will show.
    pub descriptor: Option<String>,
    /// The bank's own status code, `connector_status_code`.
    pub status_code: Option<String>,
    /// What the bank says it took, in minor units, where it says so. Kept only until it is
    /// compared with what it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
}

/// Why no money was taken, in words that may be shown to merchant and customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The bank refused without saying more.
    Refused,
    /// Not enough money.
    InsufficientFunds,
    /// The customer's authentication failed.
    AuthenticationFailed,
    /// The customer gave up at the bank.
    CancelledByCustomer,
    /// The card is past its last month.
    ExpiredCard,
    /// The card was reported lost.
    LostCard,
    /// The card was reported stolen.
    StolenCard,
    /// The security code is wrong.
    SecurityCode,
    /// More than the account may spend, or more often.
    LimitExceeded,
    /// The account may not be used for this.
    NotPermitted,
    /// The bank takes it for fraud.
    SuspectedFraud,
    /// The customer's bank cannot be reached.
    BankUnavailable,
    /// There is no such account, card or address.
    NoSuchAccount,
}

impl DeclineReason {
    /// All reasons.
    pub const ALL: [Self; 13] = [
        Self::Refused,
        Self::InsufficientFunds,
        Self::AuthenticationFailed,
        Self::CancelledByCustomer,
        Self::ExpiredCard,
        Self::LostCard,
        Self::StolenCard,
        Self::SecurityCode,
        Self::LimitExceeded,
        Self::NotPermitted,
        Self::SuspectedFraud,
        Self::BankUnavailable,
        Self::NoSuchAccount,
    ];

    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::InsufficientFunds => "insufficient_funds",
            Self::AuthenticationFailed => "authentication_failed",
            Self::CancelledByCustomer => "cancelled_by_customer",
            Self::ExpiredCard => "expired_card",
            Self::LostCard => "lost_card",
            Self::StolenCard => "stolen_card",
            Self::SecurityCode => "security_code",
            Self::LimitExceeded => "limit_exceeded",
            Self::NotPermitted => "not_permitted",
            Self::SuspectedFraud => "suspected_fraud",
            Self::BankUnavailable => "bank_unavailable",
            Self::NoSuchAccount => "no_such_account",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The sentence in `response`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused => "Declined by the bank",
            Self::InsufficientFunds => "Declined by the bank: insufficient funds",
            Self::AuthenticationFailed => "Declined: the customer's authentication failed",
            Self::CancelledByCustomer => "The customer cancelled at the bank",
            Self::ExpiredCard => "Declined by the bank: the card has expired",
            Self::LostCard => "Declined by the bank: the card was reported lost",
            Self::StolenCard => "Declined by the bank: the card was reported stolen",
            Self::SecurityCode => "Declined by the bank: the security code is wrong",
            Self::LimitExceeded => "Declined by the bank: a limit is exceeded",
            Self::NotPermitted => "Declined by the bank: not permitted for this account",
            Self::SuspectedFraud => "Declined by the bank: suspected fraud",
            Self::BankUnavailable => "Declined: the customer's bank is not available",
            Self::NoSuchAccount => "Declined by the bank: there is no such account",
        }
    }
}

/// The outcome of one call to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Money is authorised.
    Approved(BankFacts),
    /// The bank will say later; meanwhile the customer has this to do there, if anything.
    Pending(Option<CustomerStep>),
    /// No money, for sure.
    Declined(DeclineReason, BankFacts),
    /// The request provably never left: connection refused, no name, no bytes written.
    NotSent(String),
    /// Anything else: a time-out, a reset, a 5xx, an answer that does not parse.
    Unknown(String),
}

/// What a bank answers when asked, by our own reference, what became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It knows the call and how it ended.
    Found(Outcome),
    /// It has no such reference (yet).
    NotFound,
    /// It cannot be asked at the moment.
    Unavailable(String),
}
