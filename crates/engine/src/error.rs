//! What can go wrong behind the engine's use cases.

use crate::changeset::StoredAnswer;

/// Why a commit did not happen. Nothing of its changeset is in the store, except after
/// [`CommitError::Unavailable`], where that is not known.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The payment's number is taken: draw another.
    #[error("the payment number is taken")]
    NumberTaken,
    /// This attempt at (terminal, reference) exists: load it and decide again.
    #[error("this attempt at the reference exists")]
    ReferenceTaken,
    /// The row changed since it was loaded: load and decide again.
    #[error("the {0} changed meanwhile")]
    Stale(&'static str),
    /// The `Idempotency-Key` is in use.
    #[error("the idempotency key is in use")]
    KeyInUse(KeyInUse),
    /// A row with this number or key exists already.
    #[error("the {0} exists already")]
    Exists(&'static str),
    /// The postings do not sum to zero: a bug, and nothing of it is written.
    #[error("the postings do not sum to zero")]
    Unbalanced,
    /// More commands wait than the store admits.
    #[error("too many commands are waiting for the database")]
    Busy,
    /// The database failed.
    #[error("the database failed: {0}")]
    Unavailable(String),
}

/// What is known of an `Idempotency-Key` that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInUse {
    /// Keyed digest of the request that took it.
    pub request: [u8; 32],
    /// What was answered; none while it runs.
    pub answer: Option<StoredAnswer>,
}

/// Why a question was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Unavailable(String),
    /// A row that cannot be: somebody changed it behind the gateway's back, or there is a bug.
    #[error("impossible row: table {table}, column {column}, row {row}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
}

/// The vault could not seal or open.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The value was sealed under another key, for another row or column, or was changed.
    #[error("cannot open {0}: wrong key, wrong row, or changed")]
    Sealed(&'static str),
    /// The key of that hour was destroyed, and with it what it sealed.
    #[error("the key that sealed it was destroyed")]
    KeyDestroyed,
    /// The key material cannot be read or written.
    #[error("key material: {0}")]
    Keys(String),
}

/// Our fault, or our database's: nothing the caller sent was wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Come back in a moment.
    #[error("busy")]
    Busy,
    /// The database does not answer: whether this was done is not known, and asking again is safe.
    #[error("the database failed: {0}")]
    Unavailable(String),
    /// Something broke; the text is for the log, not for the caller.
    #[error("{0}")]
    Broken(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            corrupt @ StoreError::Corrupt { .. } => Self::Broken(corrupt.to_string()),
        }
    }
}

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Busy => Self::Busy,
            CommitError::Unavailable(why) => Self::Unavailable(why),
            other @ (CommitError::NumberTaken
            | CommitError::ReferenceTaken
            | CommitError::Stale(_)
            | CommitError::KeyInUse(_)
            | CommitError::Exists(_)
            | CommitError::Unbalanced) => Self::Broken(other.to_string()),
        }
    }
}
