//! Back-pressure at the door: what is worked on at once, and what a request for a new payment is
//! told when there is no room. Everything else (customers' pages, status, refunds, banks' messages)
//! has places that new payments cannot take.

use crate::api::Refusal;
use crate::app::App;
use domain::time::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests for new payments that are read in a second although there is no room: one that repeats
/// an earlier request gets its answer. Each costs a question to the database, and so they are few.
const READ_WITHOUT_ROOM: u32 = 500;
const SECOND: Duration = Duration::from_secs(1);

/// Requests that are worked on at once.
pub(crate) struct Places {
    all: Semaphore,
    new_payments: Semaphore,
}

/// The place of one request.
pub(crate) struct Place<'a> {
    _all: SemaphorePermit<'a>,
    _new_payment: Option<SemaphorePermit<'a>>,
}

impl Places {
    /// New payments, which may wait for a bank, have three quarters of them.
    pub(crate) fn new(in_flight: usize) -> Self {
        let for_others = in_flight / 4;
        Self {
            all: Semaphore::new(in_flight),
            new_payments: Semaphore::new(in_flight.saturating_sub(for_others)),
        }
    }

    /// A place for a request to this path; none when all are taken.
    pub(crate) fn take(&self, path: &str) -> Option<Place<'_>> {
        let new_payment = is_new_payment(path).then(|| self.new_payments.try_acquire());
        let new_payment = new_payment.transpose().ok()?;
        Some(Place { _all: self.all.try_acquire().ok()?, _new_payment: new_payment })
    }
}

fn is_new_payment(path: &str) -> bool {
    matches!(path, "/api/s2s" | "/api/s2s/encrypt")
}

/// The answer to a request to this path that finds no place.
pub(crate) fn no_place(app: &App, path: &str) -> Refusal {
    if is_new_payment(path) { turned_away(app) } else { Refusal::busy() }
}

/// The answer to a request for a new payment that there is no room for.
pub(crate) fn turned_away(app: &App) -> Refusal {
    app.metrics.turned_away.increment(1);
    app.gateway.note_turned_away();
    Refusal::busy()
}

/// Seconds for `Retry-After`, 1 to 3 in turn, so that those who are turned away together do not come
/// back together.
pub(crate) fn come_again_after() -> u32 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    (TURN.fetch_add(1, Ordering::Relaxed) % 3).saturating_add(1)
}

/// Who is read although there is no room.
#[derive(Debug, Default)]
pub struct Lookout {
    second: Mutex<Option<(Timestamp, u32)>>,
}

impl Lookout {
    /// Whether the request is one of the few.
    pub(crate) fn may_read(&self, now: Timestamp) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *second {
            Some((since, read)) if *since <= now && now < since.plus(SECOND) => {
                *read = read.saturating_add(1);
                *read <= READ_WITHOUT_ROOM
            }
            begun => {
                *begun = Some((now, 1));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_payments_leave_places_for_others() {
        let places = Places::new(8);
        let creates: Vec<_> = (0..8).filter_map(|_| places.take("/api/s2s")).collect();
        assert_eq!(creates.len(), 6);
        assert!(places.take("/api/s2s/encrypt").is_none());
        let others: Vec<_> = (0..8).filter_map(|_| places.take("/api/authurl/1")).collect();
        assert_eq!(others.len(), 2);
        drop(creates);
        assert_eq!((0..8).filter_map(|_| places.take("/readyz")).count(), 8);
        assert!(Places::new(1).take("/api/s2s").is_some());
    }

    #[test]
    fn a_few_are_read_in_a_second() {
        let lookout = Lookout::default();
        let at = |millis| Timestamp::from_micros(0).plus(Duration::from_millis(millis));
        let read = |millis| (0..1_000).filter(|_| lookout.may_read(at(millis))).count();
        assert_eq!((read(5_000), read(5_999), read(6_000), read(3_000)), (500, 0, 500, 500));
    }

    #[test]
    fn they_do_not_come_back_together() {
        let mut after: Vec<u32> = (0..30).map(|_| come_again_after()).collect();
        after.sort_unstable();
        after.dedup();
        assert_eq!(after, [1, 2, 3]);
    }
}
