//! Who asks.

use domain::id::{MerchantId, TerminalNumber};
use domain::user::UserId;
use std::net::IpAddr;

/// Who asks the engine to do something. Every use case takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A merchant's server that showed a terminal's key, or an API token.
    Terminal {
        /// The terminal.
        number: TerminalNumber,
        /// Its merchant.
        merchant: MerchantId,
        /// Whose API token was shown; none for the terminal's own keys.
        token_of: Option<UserId>,
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
    /// Somebody who signed in: of a merchant, or of the gateway's office.
    User {
        /// Who.
        user: UserId,
        /// For which merchant they work; none for operators.
        merchant: Option<MerchantId>,
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
            Self::Terminal { merchant, .. } | Self::User { merchant: Some(merchant), .. } => {
                Scope::Merchant(*merchant)
            }
            Self::Holder { .. } | Self::Bank { .. } => Scope::Holder,
            Self::User { merchant: None, .. } | Self::Operator | Self::Worker => Scope::Everything,
        }
    }

    /// For questions about one merchant: whoever may see every row asks as if they might see this
    /// merchant's only. Nobody's view gets wider by it.
    #[must_use]
    pub const fn narrowed_to(self, of: MerchantId) -> Self {
        match self {
            Self::User { user, merchant: None, caller } => {
                Self::User { user, merchant: Some(of), caller }
            }
            other @ (Self::Terminal { .. }
            | Self::Holder { .. }
            | Self::Bank { .. }
            | Self::User { merchant: Some(_), .. }
            | Self::Operator
            | Self::Worker) => other,
        }
    }

    /// The address that called, where somebody did.
    pub const fn caller(&self) -> Option<IpAddr> {
        match self {
            Self::Terminal { caller, .. }
            | Self::User { caller, .. }
            | Self::Holder { caller }
            | Self::Bank { caller } => *caller,
            Self::Operator | Self::Worker => None,
        }
    }

    /// Whose merchant's business it is, as the audit log keeps it.
    pub const fn merchant(&self) -> Option<MerchantId> {
        match self {
            Self::Terminal { merchant, .. } => Some(*merchant),
            Self::User { merchant, .. } => *merchant,
            Self::Holder { .. } | Self::Bank { .. } | Self::Operator | Self::Worker => None,
        }
    }

    /// Who signed in, or made the API token that was shown.
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::User { user, .. } => Some(*user),
            Self::Terminal { token_of, .. } => *token_of,
            Self::Holder { .. } | Self::Bank { .. } | Self::Operator | Self::Worker => None,
        }
    }

    /// The word in the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Terminal { .. } => "terminal",
            Self::Holder { .. } => "holder",
            Self::Bank { .. } => "bank",
            Self::User { .. } => "user",
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
