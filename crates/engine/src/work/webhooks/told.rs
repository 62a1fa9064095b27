//! What the deliverer of this process is told by whoever writes deliveries, and what it tells of
//! itself.

use crate::delivery::DeliveryFigures;
use domain::delivery::Destination;
use domain::id::MerchantId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Queues that are kept by name; beyond, all are looked through.
const NAMED_AT_MOST: usize = 10_000;

/// Where something new waits.
#[derive(Debug, Default)]
pub(crate) struct NewWork {
    named: Mutex<Named>,
    wake: Notify,
    /// What the deliverer has done and does.
    pub(crate) figures: Figures,
}

/// What was told since the deliverer last looked.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Queues in which something new is due, and whose they are.
    pub(super) queues: BTreeMap<Destination, MerchantId>,
    /// Whether others may have something too.
    pub(super) others: bool,
}

impl NewWork {
    /// Something new is due in these queues.
    pub(crate) fn tell(&self, queues: impl IntoIterator<Item = (Destination, MerchantId)>) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        for (destination, merchant) in queues {
            if named.queues.len() < NAMED_AT_MOST {
                named.queues.insert(destination, merchant);
            } else {
                named.others = true;
            }
        }
        let is_told = named.others || !named.queues.is_empty();
        drop(named);
        if is_told {
            self.wake.notify_one();
        }
    }

    pub(super) fn take(&self) -> Named {
        std::mem::take(&mut *self.named.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when something was told since this was last called.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }
}

/// Counts of one process's deliverer.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) in_flight: AtomicU64,
    pub(crate) paused: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) not_sent: AtomicU64,
}

impl Figures {
    pub(crate) fn read(&self) -> DeliveryFigures {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        DeliveryFigures {
            in_flight: of(&self.in_flight),
            paused: of(&self.paused),
            acknowledged: of(&self.acknowledged),
            failed: of(&self.failed),
            not_sent: of(&self.not_sent),
        }
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(gauge: &AtomicU64, value: usize) {
        gauge.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
