//! What the portal and the office need from outside, beside the [`crate::ports`] of payments.

use crate::actor::Scope;
use crate::error::StoreError;
#[cfg(doc)]
use crate::ports::Store;
use async_trait::async_trait;
use domain::api_call::{ApiCall, CallFilter, CallPlace};
use domain::api_token::ApiToken;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{Account, Posting};
use domain::money::Currency;
use domain::summary::{Day, PaymentSum, PostingSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::{Email, Note, Session, User, UserId};
use std::fmt;
use std::ops::RangeInclusive;

/// What the portal and the office read beside payments: of the same database as [`Store`], through
/// which it is written.
#[async_trait]
pub trait Desks: Send + Sync + fmt::Debug {
    /// Users of one merchant, of the gateway's office (none), by number; removed ones too.
    async fn users(&self, merchant: Option<MerchantId>) -> Result<Vec<User>, StoreError>;

    /// A user by number.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// A user by address.
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// A user by the digest of the secret in the link they were sent.
    async fn user_by_link(&self, link: [u8; 32]) -> Result<Option<User>, StoreError>;

    /// A session by the digest of its cookie's secret, with its user.
    async fn session(&self, digest: [u8; 32]) -> Result<Option<(Session, User)>, StoreError>;

    /// The sessions of a user, the newest first.
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError>;

    /// An API token by its digest, with its user.
    async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, User)>, StoreError>;

    /// The API tokens of a merchant's users, the newest first.
    async fn tokens(&self, merchant: MerchantId) -> Result<Vec<ApiToken>, StoreError>;

    /// How many wrong passwords in a row there were for an address, and when the last one was.
    async fn sign_in_tries(&self, key: [u8; 32]) -> Result<Option<(u32, Timestamp)>, StoreError>;

    /// What was written about a payment, the oldest first.
    async fn notes(&self, merchant: MerchantId, id: PaymentId) -> Result<Vec<Note>, StoreError>;

    /// What a merchant's servers called, the newest first.
    async fn calls(
        &self,
        merchant: MerchantId,
        filter: &CallFilter,
        before: Option<CallPlace>,
        limit: u32,
    ) -> Result<Vec<ApiCall>, StoreError>;

    /// Lines of the audit log, of one merchant or of all, the newest first, those with a lower
    /// number than `before`.
    async fn audit_lines(
        &self,
        scope: Scope,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// What a merchant's payments that were made on these days come to, in no order. Reads every
    /// one of them, and is asked for by background work only.
    async fn payment_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PaymentSum>, StoreError>;

    /// What a merchant's postings of these days come to, by day, currency and account.
    async fn posting_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PostingSum>, StoreError>;

    /// Postings of a merchant in a currency on a day, the newest first, after this place.
    async fn postings_of_day(
        &self,
        merchant: MerchantId,
        (mode, currency): (Mode, Currency),
        day: Day,
        after: Option<PostingPlace>,
        limit: u32,
    ) -> Result<Vec<Posting>, StoreError>;
}

/// A line of the audit log as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a word for the kind of actor.
    pub actor: String,
    /// From which network address.
    pub caller: Option<String>,
    /// What was asked.
    pub action: String,
    /// Whether it was done or refused.
    pub result: String,
    /// Which terminal.
    pub terminal: Option<TerminalNumber>,
    /// The request's id.
    pub request_id: Option<String>,
    /// In words.
    pub detail: String,
    /// Whose business it is.
    pub merchant: Option<MerchantId>,
    /// Who signed in to do it.
    pub user: Option<UserId>,
}

/// A posting's place in a day's list: by time, payment, event and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostingPlace {
    /// When it was written.
    pub at: Timestamp,
    /// Of which payment.
    pub payment: PaymentId,
    /// Of which of its events.
    pub sequence: i64,
    /// On which account.
    pub account: Account,
}

impl PostingPlace {
    /// The place of a posting.
    pub const fn of(posting: &Posting) -> Self {
        let Posting { at, payment, sequence, account, .. } = *posting;
        Self { at, payment, sequence, account }
    }
}

/// A mail to one person, as plain text. It may hold links that are secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address it goes to, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text; lines end with `\n`.
    pub text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

/// The way out for mail, called after the commit that a mail belongs to: one that fails never makes
/// that commit fail.
#[async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Hands a mail over once, within a time limit of the mailer's own. After an error nobody knows
    /// whether it left: sending again may bring it twice.
    ///
    /// The error says why in words for a log, without the mail's text and without a password.
    async fn send(&self, mail: Mail) -> Result<(), String>;
}
