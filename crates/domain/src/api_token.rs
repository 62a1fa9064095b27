//! API tokens: what a merchant's own scripts show in the place of a person who signs in.

use crate::id::MerchantId;
use crate::terminal::Mode;
use crate::time::Timestamp;
use crate::user::{Permission, User, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Tokens that a user may have.
pub const TOKENS_OF_USER: usize = 20;
/// For how many days a token may be made.
pub const TOKEN_DAYS: [u32; 4] = [7, 30, 90, 365];
/// What every token begins with, so that programs that look for leaked secrets know it.
pub const TOKEN_PREFIX: &str = "tollgate_token_";

/// Something that a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TokenScope {
    /// List payments.
    #[serde(rename = "payments:read")]
    ReadPayments,
    /// What the books say.
    #[serde(rename = "balance:read")]
    ReadBalance,
    /// What a terminal's server was sent, and its endpoints.
    #[serde(rename = "webhooks:read")]
    ReadWebhooks,
    /// Send messages again.
    #[serde(rename = "webhooks:resend")]
    ResendWebhooks,
    /// Add and change endpoints.
    #[serde(rename = "webhooks:write")]
    WriteWebhooks,
}

impl TokenScope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ReadPayments,
        Self::ReadBalance,
        Self::ReadWebhooks,
        Self::ResendWebhooks,
        Self::WriteWebhooks,
    ];

    /// The word in forms and in errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadPayments => "payments:read",
            Self::ReadBalance => "balance:read",
            Self::ReadWebhooks => "webhooks:read",
            Self::ResendWebhooks => "webhooks:resend",
            Self::WriteWebhooks => "webhooks:write",
        }
    }

    /// What it is for, in a few words.
    pub const fn means(self) -> &'static str {
        match self {
            Self::ReadPayments => "List payments",
            Self::ReadBalance => "Read balances",
            Self::ReadWebhooks => "Read the webhook log and endpoints",
            Self::ResendWebhooks => "Send webhooks again",
            Self::WriteWebhooks => "Add and change webhook endpoints",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// What its user must be allowed themselves.
    pub const fn needs(self) -> Permission {
        match self {
            Self::ReadPayments | Self::ReadBalance | Self::ReadWebhooks => Permission::See,
            Self::ResendWebhooks => Permission::Resend,
            Self::WriteWebhooks => Permission::EditWebhooks,
        }
    }
}

/// What is known of a token beside whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFacts {
    /// What its user calls it.
    pub name: String,
    /// Whether it is for test money or for real money.
    pub mode: Mode,
    /// What it may be used for.
    pub scopes: Vec<TokenScope>,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// A keyed digest of the token.
    pub digest: [u8; 32],
    /// Who made it: it may never do more than they.
    pub user: UserId,
    /// For which merchant.
    pub merchant: MerchantId,
    /// All else.
    pub facts: TokenFacts,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub used_at: Option<Timestamp>,
}

/// Why a token does not open something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Its time is over.
    #[error("this token has expired: make a new one in My Terminal")]
    Expired,
    /// Its user signs in no more, or works for another merchant.
    #[error("whoever made this token has no access any more")]
    UserGone,
    /// It was not made for this.
    #[error("this token was made without the scope {}", .0.name())]
    Scope(TokenScope),
    /// Its user may not do this any more.
    #[error("the role of whoever made this token does not allow {}", .0.name())]
    Role(TokenScope),
    /// It is for the other kind of money.
    #[error("this token is for {} money", .0.name())]
    Mode(Mode),
}

impl ApiToken {
    /// Its name in pages and forms: the digest's first bytes, which open nothing.
    pub fn id(&self) -> String {
        use std::fmt::Write as _;
        self.digest.iter().take(8).fold(String::new(), |mut id, byte| {
            // Writing into a string never fails.
            _ = write!(id, "{byte:02x}");
            id
        })
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether it may be used for this at this moment. `user`: who made it, as they stand now.
    pub fn opens(
        &self,
        scope: TokenScope,
        user: &User,
        now: Timestamp,
    ) -> Result<(), TokenRefused> {
        if self.is_over(now) {
            return Err(TokenRefused::Expired);
        }
        if !user.signs_in() || user.id != self.user || user.merchant != Some(self.merchant) {
            return Err(TokenRefused::UserGone);
        }
        if !self.facts.scopes.contains(&scope) {
            return Err(TokenRefused::Scope(scope));
        }
        if !user.facts.role.may(scope.needs()) {
            return Err(TokenRefused::Role(scope));
        }
        Ok(())
    }
}

/// When a token ends that is made now for so many days; none for a number that is not offered.
pub fn expires_at(now: Timestamp, days: u32) -> Option<Timestamp> {
    TOKEN_DAYS.contains(&days).then(|| now.plus(Duration::from_hours(u64::from(days) * 24)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{Email, Role, UserFacts, UserState};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds.saturating_mul(1_000_000))
    }

    fn user(role: Role) -> User {
        User {
            id: UserId(7),
            merchant: Some(MerchantId(1)),
            email: Email::parse("dev@shop.example").unwrap(),
            link: None,
            facts: UserFacts {
                name: "Dev".to_owned(),
                role,
                state: UserState::Active,
                password: Some("set".to_owned()),
                sealed_totp: Some(Vec::new()),
                last_step: 0,
                recovery: Vec::new(),
                link_until: None,
                invited_by: None,
                signed_in_at: None,
                views: Vec::new(),
            },
            version: 1,
            created_at: at(0),
        }
    }

    fn token(scopes: &[TokenScope]) -> ApiToken {
        let facts = TokenFacts { name: "t".to_owned(), mode: Mode::Test, scopes: scopes.to_vec() };
        ApiToken {
            digest: [0xab; 32],
            user: UserId(7),
            merchant: MerchantId(1),
            facts,
            created_at: at(0),
            expires_at: expires_at(at(0), 7).unwrap(),
            used_at: None,
        }
    }

    #[test]
    fn a_token_opens_what_it_was_made_for_while_its_user_may() {
        let scope = TokenScope::ResendWebhooks;
        let resend = token(&[scope]);
        assert_eq!(resend.id(), "abababababababab");
        assert_eq!(resend.opens(scope, &user(Role::Support), at(1)), Ok(()));
        let role = resend.opens(scope, &user(Role::ReadOnly), at(1));
        assert_eq!(role, Err(TokenRefused::Role(scope)));
        let other = resend.opens(TokenScope::ReadBalance, &user(Role::Owner), at(1));
        assert_eq!(other, Err(TokenRefused::Scope(TokenScope::ReadBalance)));
        let week = 7 * 86_400;
        assert_eq!(resend.opens(scope, &user(Role::Owner), at(week - 1)), Ok(()));
        let over = resend.opens(scope, &user(Role::Owner), at(week));
        assert_eq!(over, Err(TokenRefused::Expired));
        let mut removed = user(Role::Owner);
        removed.facts.state = UserState::Removed;
        assert_eq!(resend.opens(scope, &removed, at(1)), Err(TokenRefused::UserGone));
        let mut moved = user(Role::Owner);
        moved.merchant = Some(MerchantId(2));
        assert_eq!(resend.opens(scope, &moved, at(1)), Err(TokenRefused::UserGone));
    }

    #[test]
    fn words_are_the_same_everywhere() {
        for scope in TokenScope::ALL {
            assert_eq!(TokenScope::from_name(scope.name()), Some(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
        }
        assert_eq!(expires_at(at(0), 8), None);
    }
}
