//! What a bank's answer can mean. There are five outcomes, and "unknown" is one of them: it is
//! never read as a decline, and forbids any second try elsewhere until it is resolved.

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
}

impl DeclineReason {
    /// The sentence in `response`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused => "Declined by the bank",
            Self::InsufficientFunds => "Declined by the bank: insufficient funds",
            Self::AuthenticationFailed => "Declined: the customer's authentication failed",
        }
    }
}

/// The outcome of one call to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Money is authorised.
    Approved(BankFacts),
    /// The bank will say later.
    Pending(BankFacts),
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
