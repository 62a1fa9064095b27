//! The log of what merchants' servers called: gathered in memory and written once a second, so
//! that no payment waits for it. A crash loses its last second, which no payment does.

use crate::changeset::{Changeset, DeskChange};
use crate::gateway::Gateway;
use domain::api_call::ApiCall;
use std::sync::{Mutex, PoisonError};

/// Calls that are kept a second at most: a log must not cost what payments need.
const KEPT_A_SECOND: usize = 400;
/// Of these, so many places are for calls that were refused.
const FOR_REFUSED: usize = 200;

/// What was called since the log was last written.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    calls: Vec<ApiCall>,
    left_out: u64,
    number: i64,
}

impl Gateway {
    /// Takes a call down. Beyond some hundreds a second, calls that went well are left out; what is
    /// left out is not made.
    pub fn log_call(&self, was_refused: bool, call: impl FnOnce() -> ApiCall) {
        let mut gathered = self.call_log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most =
            if was_refused { KEPT_A_SECOND } else { KEPT_A_SECOND.saturating_sub(FOR_REFUSED) };
        if gathered.calls.len() >= most {
            gathered.left_out = gathered.left_out.saturating_add(1);
            return;
        }
        // Numbers tell calls of one moment apart, also those of other nodes.
        if gathered.number == 0 {
            let mut bytes = [0; 8];
            self.random.fill(&mut bytes);
            gathered.number = i64::from_be_bytes(bytes) & 0x7fff_ffff_0000_0000;
        }
        gathered.number = gathered.number.saturating_add(1);
        let call = ApiCall { number: gathered.number, ..call() };
        gathered.calls.push(call);
    }

    /// Writes down what was gathered.
    pub async fn write_calls(&self) {
        let (calls, left_out) = {
            let mut gathered = self.call_log.0.lock().unwrap_or_else(PoisonError::into_inner);
            (std::mem::take(&mut gathered.calls), std::mem::take(&mut gathered.left_out))
        };
        if left_out > 0 {
            tracing::info!(left_out, "calls that are not in the API log: there were too many");
        }
        if calls.is_empty() {
            return;
        }
        let changeset = Changeset::desk("log_calls", DeskChange::Calls(calls), None);
        if let Err(error) = self.store.commit(changeset).await {
            tracing::warn!(%error, "the API log was not written");
        }
    }
}
