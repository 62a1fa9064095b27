//! Background work: it takes no input, recomputes from the database, may run twice, and runs on a
//! signal and on a period. Many nodes may run the same work.

mod bank_messages;
mod due_payments;
mod webhooks;

pub(crate) use webhooks::NewWork;

use crate::gateway::Gateway;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The longest a worker sleeps when nothing seems due.
const PERIOD: Duration = Duration::from_secs(1);
/// How often sessions that are over, and old calls, are forgotten.
const DESK_PERIOD: Duration = Duration::from_hours(1);
/// How often hour keys are looked through.
const KEY_PERIOD: Duration = Duration::from_mins(1);

impl Gateway {
    /// Runs all background work until `stop` turns true. `alone` says that no other process works
    /// on this database, so that what an earlier process was sending is certainly orphaned.
    pub async fn run_workers(self: Arc<Self>, alone: bool, stop: watch::Receiver<bool>) {
        let mut workers = tokio::task::JoinSet::new();
        workers.spawn(Arc::clone(&self).run_due_payments(alone, stop.clone()));
        workers.spawn(Arc::clone(&self).run_webhooks(stop.clone()));
        workers.spawn(Arc::clone(&self).run_bank_messages(stop.clone()));
        workers.spawn(Arc::clone(&self).run_forgetting(stop.clone()));
        workers.spawn(Arc::clone(&self).run_call_log(stop.clone()));
        workers.spawn(Arc::clone(&self).run_desk_forgetting(stop.clone()));
        for place in 0..self.connectors.len() {
            workers.spawn(Arc::clone(&self).run_notices(place, stop.clone()));
        }
        workers.spawn(self.run_key_destruction(stop));
        while workers.join_next().await.is_some() {}
    }

    /// Writes down what merchants' servers called, a second's at a time.
    async fn run_call_log(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let stops = pause(&self, PERIOD, &mut stop).await;
            self.write_calls().await;
            if stops {
                return;
            }
        }
    }

    async fn run_desk_forgetting(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !pause(&self, DESK_PERIOD, &mut stop).await {
            if let Err(error) = self.forget_desk_rows().await {
                tracing::warn!(%error, "old sessions and calls were not forgotten");
            }
        }
    }

    async fn run_key_destruction(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.vault.destroy_old_keys(self.clock.now()) {
                tracing::error!(%error, "old hour keys were not destroyed");
            }
            if pause(&self, KEY_PERIOD, &mut stop).await {
                return;
            }
        }
    }
}

/// Sleeps, or returns true at once when it is time to stop.
async fn pause(gateway: &Gateway, period: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    // The order is fixed, so that a simulation with the same seed runs the same way.
    tokio::select! {
        biased;
        _stopped = stop.wait_for(|stop| *stop) => true,
        () = gateway.clock.sleep(period) => false,
    }
}
