//! The optional `Idempotency-Key` header (contract, section 1.3): replay, 409 while running, 422
//! when the body differs. The natural key (terminal, reference) protects payments without it.

use crate::changeset::{Changeset, IdempotencyChange, StoredAnswer};
use crate::crash_point::crash_point;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use domain::terminal::Terminal;
use std::time::Duration;

/// A request with a key that neither ended nor was heard of for this long was abandoned by a
/// crash; the same key may run again.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

/// What a key says to a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// First of its kind: do it, then finish or forget the key.
    Run,
    /// Done before: this was the answer.
    Replay(StoredAnswer),
    /// The first one is still running.
    InProgress,
    /// The key was used for another request.
    OtherRequest,
}

impl Gateway {
    /// Takes the key for this request.
    pub async fn begin_idempotent(
        &self,
        terminal: &Terminal,
        key: &str,
        request: [u8; 32],
    ) -> Result<Begun, Fault> {
        let at = self.clock.now();
        let begin = IdempotencyChange::Begin {
            terminal: terminal.number,
            merchant: terminal.merchant,
            key: key.to_owned(),
            request,
            at,
            abandoned_before: at.minus(ABANDONED_AFTER),
        };
        match self.commit_idempotency("begin_idempotent", begin).await {
            Ok(()) => {
                crash_point("idempotency.begun");
                Ok(Begun::Run)
            }
            Err(CommitError::KeyInUse(used)) if used.request != request => Ok(Begun::OtherRequest),
            Err(CommitError::KeyInUse(used)) => {
                Ok(used.answer.map_or(Begun::InProgress, Begun::Replay))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the answer under the key.
    pub async fn finish_idempotent(
        &self,
        terminal: &Terminal,
        key: &str,
        answer: StoredAnswer,
    ) -> Result<(), Fault> {
        crash_point("idempotency.before_finish");
        let finish =
            IdempotencyChange::Finish { terminal: terminal.number, key: key.to_owned(), answer };
        Ok(self.commit_idempotency("finish_idempotent", finish).await?)
    }

    /// Frees the key: the request was refused before anything happened.
    pub async fn forget_idempotent(&self, terminal: &Terminal, key: &str) -> Result<(), Fault> {
        let forget = IdempotencyChange::Forget { terminal: terminal.number, key: key.to_owned() };
        Ok(self.commit_idempotency("forget_idempotent", forget).await?)
    }

    async fn commit_idempotency(
        &self,
        name: &'static str,
        change: IdempotencyChange,
    ) -> Result<(), CommitError> {
        let changeset = Changeset { name, idempotency: Some(change), ..Changeset::default() };
        self.store.commit(changeset).await
    }
}
