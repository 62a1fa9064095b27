//! People: who signs in to a merchant's portal or to the operator's office, and what each may do.

use crate::id::MerchantId;
use crate::text::TextError;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A session ends after so long without a request.
pub const SESSION_IDLE: Duration = Duration::from_mins(15);
/// A session ends after so long, whatever is done in it.
pub const SESSION_ABSOLUTE: Duration = Duration::from_hours(12);
/// For so long after a password was typed, keys and large refunds need no password again.
pub const REAUTHENTICATION: Duration = Duration::from_mins(10);
/// An invitation can be accepted for so long.
pub const INVITATION: Duration = Duration::from_hours(72);
/// A link to a new password works for so long.
pub const PASSWORD_RESET: Duration = Duration::from_mins(30);
/// Wrong passwords in a row, before the account rests.
pub const TRIES_BEFORE_REST: u32 = 5;
/// The longest that an account rests.
const LONGEST_REST: Duration = Duration::from_mins(15);
/// Wrong passwords older than this are forgotten.
pub const TRIES_FORGOTTEN: Duration = Duration::from_hours(24);
/// Recovery codes that a user gets.
pub const RECOVERY_CODES: usize = 10;
/// Views that a user may save.
pub const SAVED_VIEWS: usize = 20;

/// How long after the last wrong try of so many in a row nobody may try again: nothing for the
/// first few, then a minute, doubling.
pub fn rest_after(tries: u32) -> Duration {
    let Some(beyond) = tries.checked_sub(TRIES_BEFORE_REST) else { return Duration::ZERO };
    let minutes = 1_u64.checked_shl(beyond.min(16)).unwrap_or(u64::MAX);
    Duration::from_secs(minutes.saturating_mul(60)).min(LONGEST_REST)
}

/// A user's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An e-mail address, in small letters: what a user signs in with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(Box<str>);

impl Email {
    /// Most characters of an address (RFC 5321, 4.5.3.1.3).
    pub const MAX: usize = 254;
    const FORM: TextError = TextError("must be an e-mail address, as name@example.com");

    /// The address when it has the form of one that a person has: no quotes, no comments.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim().to_lowercase();
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"()<>,;:\\\"[]".contains(c);
        let (local, domain) = text.rsplit_once('@').ok_or(Self::FORM)?;
        let labels = domain
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        let fits = text.len() <= Self::MAX && !local.is_empty() && local.len() <= 64;
        if !fits || !labels || !text.chars().all(plain) || local.contains('@') {
            return Err(Self::FORM);
        }
        Ok(Self(text.into()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a user is to a merchant, or that they are the gateway's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, other owners included.
    Owner,
    /// Everything but owners.
    Admin,
    /// Terminals, keys, webhooks, and the log of calls.
    Developer,
    /// Payments, refunds and the books.
    Finance,
    /// Payments and what became of webhooks.
    Support,
    /// Looks, and changes nothing.
    ReadOnly,
    /// Works for the gateway, and for no merchant.
    Operator,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// What every signed-in person may do: their own account.
    OwnAccount,
    /// See figures, payments, terminals without keys, webhooks and balances.
    See,
    /// Take payments' lists along as a file.
    Export,
    /// Give money back.
    Refund,
    /// Write notes to payments.
    Note,
    /// Add and change terminals.
    EditTerminals,
    /// See public keys with the samples, see private keys once, change keys.
    Keys,
    /// Add and change endpoints, see and change their secrets.
    EditWebhooks,
    /// Send messages again.
    Resend,
    /// See what servers called, and with which errors.
    CallLog,
    /// Send test payments from the browser.
    Console,
    /// Make API tokens, for what they may do themselves.
    Tokens,
    /// See who works here.
    SeeTeam,
    /// Invite, change and remove people.
    EditTeam,
    /// See who did what.
    Audit,
    /// The operator's office.
    Office,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::OwnAccount,
        Self::See,
        Self::Export,
        Self::Refund,
        Self::Note,
        Self::EditTerminals,
        Self::Keys,
        Self::EditWebhooks,
        Self::Resend,
        Self::CallLog,
        Self::Console,
        Self::Tokens,
        Self::SeeTeam,
        Self::EditTeam,
        Self::Audit,
        Self::Office,
    ];
}

impl Role {
    /// The roles at a merchant, the one with the most permissions first.
    pub const OF_MERCHANTS: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Developer, Self::Finance, Self::Support, Self::ReadOnly];

    /// The word in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Finance => "finance",
            Self::Support => "support",
            Self::ReadOnly => "read_only",
            Self::Operator => "operator",
        }
    }

    /// As people read it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Developer => "Developer",
            Self::Finance => "Finance",
            Self::Support => "Support",
            Self::ReadOnly => "Read-only",
            Self::Operator => "Operator",
        }
    }

    /// What it is for, in a sentence.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Owner => "Everything, and the only one who names other owners.",
            Self::Admin => "Everything but owners.",
            Self::Developer => "Terminals, keys, webhooks, API log and console; sees payments.",
            Self::Finance => "Payments, refunds, exports and balances.",
            Self::Support => "Payments with notes; sends webhooks again.",
            Self::ReadOnly => "Sees payments, webhooks and balances; changes nothing.",
            Self::Operator => "Runs the gateway.",
        }
    }

    /// By its word, of the roles at a merchant.
    pub fn of_merchant(name: &str) -> Option<Self> {
        Self::OF_MERCHANTS.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may do that.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::OwnAccount => true,
            P::See => !matches!(self, Self::Operator),
            P::Export | P::Refund => matches!(self, Self::Owner | Self::Admin | Self::Finance),
            P::Note => {
                matches!(self, Self::Owner | Self::Admin | Self::Finance | Self::Support)
            }
            P::EditTerminals | P::Keys | P::EditWebhooks | P::CallLog | P::Console => {
                matches!(self, Self::Owner | Self::Admin | Self::Developer)
            }
            P::Resend => {
                matches!(self, Self::Owner | Self::Admin | Self::Developer | Self::Support)
            }
            P::Tokens | P::SeeTeam => {
                matches!(self, Self::Owner | Self::Admin | Self::Developer | Self::Finance)
            }
            P::EditTeam | P::Audit => matches!(self, Self::Owner | Self::Admin),
            P::Office => matches!(self, Self::Operator),
        }
    }

    /// Whether this role may give, change or take away that one: nobody gives what they lack.
    pub fn may_give(self, other: Self) -> bool {
        if matches!(other, Self::Operator) {
            return matches!(self, Self::Operator);
        }
        match self {
            // The operator takes merchants on, and with them their first owner.
            Self::Owner | Self::Operator => true,
            Self::Admin => !matches!(other, Self::Owner),
            Self::Developer | Self::Finance | Self::Support | Self::ReadOnly => false,
        }
    }
}

/// Where a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// Was invited, and has not set a password yet.
    Invited,
    /// Signs in.
    Active,
    /// Was removed, and may not sign in.
    Removed,
}

/// A list of payments that a user looks at again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// What the user calls it.
    pub name: String,
    /// The list's question, as in its address.
    pub query: String,
}

/// What is known of a user beside their number and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where they stand.
    pub state: UserState,
    /// The password as an argon2id PHC string; none before they set one.
    #[serde(default)]
    pub password: Option<String>,
    /// The shared secret of their one-time codes, sealed by the vault; none before they set it up.
    #[serde(default)]
    pub sealed_totp: Option<Vec<u8>>,
    /// The time step of the last code that was taken: no code is taken twice.
    #[serde(default)]
    pub last_step: i64,
    /// Keyed digests of the recovery codes that are left.
    #[serde(default)]
    pub recovery: Vec<Vec<u8>>,
    /// Until when the link that they were sent works.
    #[serde(default)]
    pub link_until: Option<Timestamp>,
    /// Who invited them.
    #[serde(default)]
    pub invited_by: Option<UserId>,
    /// When they signed in last.
    #[serde(default)]
    pub signed_in_at: Option<Timestamp>,
    /// Lists that they keep.
    #[serde(default)]
    pub views: Vec<SavedView>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their number.
    pub id: UserId,
    /// For which merchant they work; none for the gateway's operators.
    pub merchant: Option<MerchantId>,
    /// What they sign in with; unique on the gateway.
    pub email: Email,
    /// A digest of the secret in the link they were sent, while there is one.
    pub link: Option<[u8; 32]>,
    /// All else.
    pub facts: UserFacts,
    /// Rises with each change.
    pub version: i64,
    /// When they were invited.
    pub created_at: Timestamp,
}

impl User {
    /// Whether they may sign in: they are active, and have both a password and one-time codes.
    pub const fn signs_in(&self) -> bool {
        matches!(self.facts.state, UserState::Active)
            && self.facts.password.is_some()
            && self.facts.sealed_totp.is_some()
    }

    /// Whether the link that they were sent works at this moment.
    pub fn link_works(&self, now: Timestamp) -> bool {
        self.link.is_some()
            && self.facts.state != UserState::Removed
            && self.facts.link_until.is_some_and(|until| now < until)
    }
}

/// A browser that somebody signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// A digest of the secret in its cookie.
    pub digest: [u8; 32],
    /// Who.
    pub user: UserId,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub seen_at: Timestamp,
    /// When the password was last typed.
    pub proved_at: Timestamp,
    /// From which address.
    pub caller: String,
    /// What the browser calls itself, cut to 200 characters.
    pub agent: String,
}

impl Session {
    /// Whether it is over by now.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.seen_at.plus(SESSION_IDLE) || now >= self.created_at.plus(SESSION_ABSOLUTE)
    }

    /// Whether the password was typed a moment ago.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.proved_at.plus(REAUTHENTICATION)
    }
}

/// What somebody wrote about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whose payment.
    pub merchant: MerchantId,
    /// Which.
    pub payment: crate::id::PaymentId,
    /// When.
    pub at: Timestamp,
    /// Who, by name at that time.
    pub author: String,
    /// What.
    pub text: String,
}

impl Note {
    /// Most characters of a note.
    pub const MAX: usize = 2000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_form() {
        for good in ["a@b.c", "First.Last+tag@Example.COM", "ü@bücher.example", "x@localhost"] {
            let email = Email::parse(good).unwrap();
            assert_eq!(email.as_str(), good.to_lowercase());
        }
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b..c",
            "a b@c.d",
            "a@b.c\r\nBcc: x@y.z",
            "<a@b.c>",
            "a@-b.c",
            "a@@b.c",
            "\"a\"@b.c",
            "a@b.c,d@e.f",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Email::parse(&format!("{}@b.c", "a".repeat(65))).is_err());
    }

    #[test]
    fn accounts_rest_longer_and_longer() {
        let minutes = |tries| rest_after(tries).as_secs() / 60;
        assert_eq!(rest_after(4), Duration::ZERO);
        assert_eq!([5, 6, 7, 8, 9, 100].map(minutes), [1, 2, 4, 8, 15, 15]);
        assert_eq!(minutes(u32::MAX), 15);
    }

    #[test]
    fn nobody_gives_what_they_lack() {
        for giver in Role::OF_MERCHANTS {
            for given in Role::OF_MERCHANTS {
                if giver.may_give(given) {
                    let lacks = Permission::ALL.iter().any(|p| given.may(*p) && !giver.may(*p));
                    assert!(!lacks, "{giver:?} {given:?}");
                    assert!(giver.may(Permission::EditTeam));
                }
            }
            assert!(!giver.may_give(Role::Operator) && !giver.may(Permission::Office));
        }
        assert!(!Role::Admin.may_give(Role::Owner));
    }

    #[test]
    fn a_session_ends_idle_and_at_last() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let session = |seen| Session {
            digest: [0; 32],
            user: UserId(1),
            created_at: at(0),
            seen_at: at(seen),
            proved_at: at(0),
            caller: String::new(),
            agent: String::new(),
        };
        assert!(!session(100).is_over(at(114)) && session(100).is_over(at(115)));
        assert!(!session(715).is_over(at(719)) && session(719).is_over(at(720)));
        assert!(session(5).is_fresh(at(9)) && !session(5).is_fresh(at(10)));
    }
}
