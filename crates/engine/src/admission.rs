//! Back-pressure: how many new payments are on their way to the database at once.
//!
//! Whoever waits for a commit waits for all that was queued before. So the queue of new payments is
//! short, and those beyond it are told at once to come again, before anything is done for them.
//! Payments that exist are never turned away by new ones: customers, banks and refunds have the
//! rest of the store's queue.

use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::payment::{CreateError, CreatePayment};
use domain::payment::{Payment, State};
use domain::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// New payments that compute or wait for their commit at once. While one batch of them is synced,
/// the next one gathers; more would wait longer, and not be committed sooner (with 1,024 at once an
/// SQLite database made fewer payments a second than with 512, each of them six times as late).
pub const NEW_PAYMENTS_AT_ONCE: usize = 512;

/// For how long after it turned one away a gateway says that it is busy, and how often it says so
/// in the log.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// A new payment's place on its way to the database. It is free again when every clone is gone: the
/// changeset carries one, so that a caller who hangs up leaves it taken until the commit is
/// answered.
#[derive(Clone, Debug)]
pub struct Admitted {
    _place: Arc<OwnedSemaphorePermit>,
}

/// Places for new payments, and who found none.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    turned_away: Mutex<TurnedAway>,
}

#[derive(Debug, Default)]
struct TurnedAway {
    last_at: Option<Timestamp>,
    told_at: Option<Timestamp>,
    /// Since it was last told.
    count: u64,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(NEW_PAYMENTS_AT_ONCE)),
            turned_away: Mutex::default(),
        }
    }
}

impl Admission {
    fn has_room(&self) -> bool {
        self.places.available_permits() > 0
    }

    fn take(&self) -> Option<Admitted> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Admitted { _place: Arc::new(place) })
    }

    /// A place for one that had one and gave it back to wait for somebody else. Those who wait here
    /// come before those who arrive.
    pub(crate) async fn take_again(&self) -> Result<Admitted, CommitError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_closed| CommitError::Busy)?;
        Ok(Admitted { _place: Arc::new(place) })
    }

    /// How many were turned away since the last line in the log, when it is time for another.
    fn note(&self, now: Timestamp) -> Option<u64> {
        let mut noted = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        noted.last_at = Some(now);
        noted.count = noted.count.saturating_add(1);
        if noted.told_at.is_some_and(|at| is_recent(at, now)) {
            return None;
        }
        noted.told_at = Some(now);
        Some(std::mem::take(&mut noted.count))
    }
}

/// Not when it was in the future: the clock was put back.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now < at.plus(TOLD_EVERY)
}

impl Gateway {
    /// Whether there is room for one more new payment: a question that costs next to nothing, to be
    /// asked before anything is done for it.
    pub fn admits_new_payments(&self) -> bool {
        self.admission.has_room() && self.store.admits_new_payments()
    }

    /// Takes a place for a new payment. Nobody is waited for while it is held, but the database:
    /// neither a slow sender nor a bank.
    pub fn admit_new_payment(&self) -> Option<Admitted> {
        if !self.store.admits_new_payments() {
            return None;
        }
        self.admission.take()
    }

    /// A new payment was turned away; the log hears of it at most once a second.
    pub fn note_turned_away(&self) {
        if let Some(turned_away) = self.admission.note(self.clock.now()) {
            tracing::warn!(
                turned_away,
                "more new payments come than the database takes; those beyond are told to come again"
            );
        }
    }

    /// Whether a new payment was turned away within the last second.
    pub fn turns_away(&self) -> bool {
        let noted = self.admission.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        noted.last_at.is_some_and(|at| is_recent(at, self.clock.now()))
    }

    /// The payment of an earlier request that was the same, when its answer is to be given again.
    /// It asks nothing of whatever writes; none leaves open what a new payment would come to.
    pub async fn answered_before(
        &self,
        command: &CreatePayment,
    ) -> Result<Option<Payment>, CreateError> {
        let fingerprint = self.fingerprint(command)?;
        let attempts = self.store.attempts(command.terminal.number, &command.reference);
        let latest = attempts.await.map_err(Fault::from)?.into_iter().next_back();
        let same = latest.filter(|payment| payment.fingerprint == fingerprint);
        let is_answer = |payment: &Payment| {
            !matches!(payment.state, State::Sending(_)) && !payment.state.ended_without_money()
        };
        Ok(same.filter(is_answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_taken_until_the_last_holder_is_gone() {
        let admission = Admission::default();
        let mut taken: Vec<Admitted> = Vec::new();
        while let Some(admitted) = admission.take() {
            taken.push(admitted);
        }
        assert_eq!(taken.len(), NEW_PAYMENTS_AT_ONCE);
        assert!(!admission.has_room());
        let in_changeset = taken[0].clone();
        drop(taken.remove(0));
        assert!(!admission.has_room(), "its changeset is still on its way");
        drop(in_changeset);
        assert!(admission.has_room());
        let last = admission.take().unwrap();
        let mut again = Box::pin(admission.take_again());
        let waits = std::future::poll_fn(|context| {
            std::task::Poll::Ready(again.as_mut().poll(context).is_pending())
        });
        assert!(waits.await, "who had a place waits for the next one");
        drop(last);
        assert!(admission.take().is_none(), "and comes before those who arrive");
        again.await.unwrap();
        assert!(admission.has_room());
    }

    #[test]
    fn the_log_hears_of_it_once_a_second() {
        let admission = Admission::default();
        let at = |millis| Timestamp::from_micros(0).plus(Duration::from_millis(millis));
        assert_eq!(admission.note(at(0)), Some(1));
        assert_eq!(admission.note(at(1)), None);
        assert_eq!(admission.note(at(999)), None);
        assert_eq!(admission.note(at(1_000)), Some(3));
        assert_eq!(admission.note(at(500)), Some(1), "the clock was put back");
    }
}
