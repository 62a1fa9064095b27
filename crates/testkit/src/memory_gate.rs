//! Where the commits of a store in memory wait, as they wait for a slow disk: a test closes the
//! gate, sees who waits before it, and lets them through.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A gate, open at first.
#[derive(Debug)]
pub struct Gate {
    is_open: watch::Sender<bool>,
    waiting: Mutex<Waiting>,
}

/// How many commits wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Those that make a payment.
    pub new_payments: usize,
    /// All others.
    pub others: usize,
}

/// Counts a commit as one that waits until it goes on or its caller goes away.
struct Counted<'a> {
    gate: &'a Gate,
    is_new: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.gate.counter().of(self.is_new) -= 1;
    }
}

impl Waiting {
    fn of(&mut self, is_new: bool) -> &mut usize {
        if is_new { &mut self.new_payments } else { &mut self.others }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self { is_open: watch::Sender::new(true), waiting: Mutex::default() }
    }
}

impl Gate {
    /// From now on commits wait.
    pub fn close(&self) {
        self.is_open.send_replace(false);
    }

    /// Those that wait go on.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// How many wait.
    pub fn waiting(&self) -> Waiting {
        *self.counter()
    }

    /// As a queue of 4,096, of which new payments have half.
    pub(crate) fn has_room(&self) -> bool {
        let waiting = self.waiting();
        waiting.new_payments + waiting.others < 2048
    }

    pub(crate) async fn pass(&self, is_new: bool) {
        *self.counter().of(is_new) += 1;
        let _counted = Counted { gate: self, is_new };
        let mut opened = self.is_open.subscribe();
        // The gate lives as long as its store, so that there is no error.
        opened.wait_for(|is_open| *is_open).await.map(drop).ok();
    }

    fn counter(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
