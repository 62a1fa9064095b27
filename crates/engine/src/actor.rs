//! Who asks.

use domain::id::{MerchantId, TerminalNumber};
use std::net::IpAddr;

/// Who asks the engine to do something. Every use case takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A merchant's server that showed a terminal's public key.
    Terminal {
        /// The terminal.
        number: TerminalNumber,
        /// Its merchant.
        merchant: MerchantId,
        /// The address that called.
        caller: Option<IpAddr>,
    },
    /// Somebody who knows a `transID`: the customer's browser, or a status query without a key.
    Holder {
        /// The address that called.
        caller: Option<IpAddr>,
    },
    /// A bank that tells of something by HTTP.
    Bank {
        /// The address that called.
        caller: Option<IpAddr>,
    },
    /// The operator, at the command line.
    Operator,
    /// The gateway's own background work.
    Worker,
}

/// What a question to the store is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One merchant's rows.
    Merchant(MerchantId),
    /// One row by a number that cannot be guessed; only what its holder may see is shown.
    Holder,
    /// Every row.
    Everything,
}

impl Actor {
    /// What this actor's questions are limited to.
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Terminal { merchant, .. } => Scope::Merchant(*merchant),
            Self::Holder { .. } | Self::Bank { .. } => Scope::Holder,
            Self::Operator | Self::Worker => Scope::Everything,
        }
    }

    /// The address that called, where somebody did.
    pub const fn caller(&self) -> Option<IpAddr> {
        match self {
            Self::Terminal { caller, .. } | Self::Holder { caller } | Self::Bank { caller } => {
                *caller
            }
            Self::Operator | Self::Worker => None,
        }
    }

    /// The word in the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Terminal { .. } => "terminal",
            Self::Holder { .. } => "holder",
            Self::Bank { .. } => "bank",
            Self::Operator => "operator",
            Self::Worker => "worker",
        }
    }
}

impl Scope {
    /// Whether a row of this merchant may be seen.
    pub fn allows(self, owner: MerchantId) -> bool {
        match self {
            Self::Merchant(merchant) => merchant == owner,
            Self::Holder | Self::Everything => true,
        }
    }
}
