//! What a merchant's server called, as the API log keeps it: no body, no card data.

use crate::id::{MerchantId, PaymentId, TerminalNumber};
use crate::time::Timestamp;
use std::time::Duration;

/// Calls are kept for so long.
pub const CALLS_KEPT: Duration = Duration::from_hours(24 * 30);

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall {
    /// Whose terminal called.
    pub merchant: MerchantId,
    /// When it was answered.
    pub at: Timestamp,
    /// Tells calls of one moment apart.
    pub number: i64,
    /// Which terminal.
    pub terminal: TerminalNumber,
    /// What was asked for: `create_payment`, `show_status`, `refund`, …
    pub action: &'static str,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The error's number and the field's name, where it was refused.
    pub error: Option<String>,
    /// The request's id.
    pub request_id: String,
    /// From which address.
    pub caller: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// The payment that it was about.
    pub payment: Option<PaymentId>,
}

/// The actions that are logged, by the word in the database.
pub const ACTIONS: [&str; 5] = ["create_payment", "show_status", "refund", "balance", "webhooks"];

/// An action by its word.
pub fn action_from_name(name: &str) -> Option<&'static str> {
    ACTIONS.into_iter().find(|action| *action == name)
}

/// Which calls a list shows; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// With this request id.
    pub request_id: Option<String>,
    /// Only those that were refused.
    pub refused_only: bool,
    /// Of these terminals; empty for all.
    pub terminals: Vec<TerminalNumber>,
}

/// A call's place in a list: by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallPlace {
    /// When it was answered.
    pub at: Timestamp,
    /// Its number in that moment.
    pub number: i64,
}

impl ApiCall {
    /// Its place in a list.
    pub const fn place(&self) -> CallPlace {
        CallPlace { at: self.at, number: self.number }
    }
}

impl CallFilter {
    /// Whether it shows a call.
    pub fn lets_through(&self, call: &ApiCall) -> bool {
        self.request_id.as_ref().is_none_or(|id| *id == call.request_id)
            && (!self.refused_only || call.error.is_some())
            && (self.terminals.is_empty() || self.terminals.contains(&call.terminal))
    }
}
