//! Deliveries to merchants' servers: signed, retried, at least once.

use super::PERIOD;
use crate::changeset::Changeset;
use crate::crash_point::crash_point;
use crate::delivery::signing_secrets;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::{Post, PostResult};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::{Attempt, Attempted, Destination, DueDelivery, NextStep};
use domain::endpoint::{Endpoint, EndpointState};
use domain::schedule;
use domain::secret::SecretText;
use domain::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Posts in flight at once.
const IN_FLIGHT: usize = 256;
/// How much longer than its post an attempt may take: reading the terminal, recording what came of
/// it. A lease lasts for both, so that no other worker posts the same delivery meanwhile, and not
/// much longer, so that another takes over soon when this one is killed.
const BESIDE_THE_POST: Duration = Duration::from_secs(3);
/// A receiver's `Retry-After` is obeyed up to here.
const RETRY_AFTER_AT_MOST: u64 = 24 * 3600;

/// Destinations that are kept by name; beyond, all are looked through.
const NAMED_AT_MOST: usize = 10_000;

/// Where something new waits, for the deliverer of this process.
#[derive(Debug, Default)]
pub(crate) struct NewWork {
    named: Mutex<Named>,
    wake: Notify,
}

/// What was told since the deliverer last looked.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Queues in which something new is due.
    pub(crate) destinations: BTreeSet<Destination>,
    /// Whether others may have something too.
    pub(crate) others: bool,
}

impl NewWork {
    /// Something new is due in these queues.
    pub(crate) fn tell(&self, destinations: Vec<Destination>) {
        if destinations.is_empty() {
            return;
        }
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.destinations.len() >= NAMED_AT_MOST {
            named.others = true;
        } else {
            named.destinations.extend(destinations);
        }
        drop(named);
        self.wake.notify_one();
    }

    /// Something is due, somewhere.
    pub(crate) fn look_everywhere(&self) {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).others = true;
        self.wake.notify_one();
    }

    /// Returns when something was told since it was last taken.
    async fn wait(&self) {
        self.wake.notified().await;
    }
}

impl Gateway {
    pub(super) async fn run_webhooks(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut posting = JoinSet::new();
        loop {
            self.claim_and_post(&mut posting).await;
            tokio::select! {
                // In a fixed order, so that a simulation with the same seed runs the same way.
                biased;
                _stopped = stop.wait_for(|stop| *stop) => break,
                // A free place, a new delivery, or simply time.
                _ended = posting.join_next(), if !posting.is_empty() => {
                    while posting.try_join_next().is_some() {}
                }
                () = self.deliveries.wait() => {}
                () = self.clock.sleep(PERIOD) => {}
            }
        }
        while posting.join_next().await.is_some() {}
    }

    async fn claim_and_post(self: &Arc<Self>, posting: &mut JoinSet<()>) {
        let mut after = None;
        loop {
            let free = IN_FLIGHT.saturating_sub(posting.len());
            let Ok(limit) = u32::try_from(free) else { return };
            if limit == 0 {
                return;
            }
            let found = match self.store.due_destinations(after, self.clock.now(), limit).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "due deliveries were not found");
                    return;
                }
            };
            let share = limit.checked_div(u32::try_from(found.due.len()).unwrap_or(u32::MAX));
            let wanted: Vec<(Destination, u32)> =
                found.due.iter().map(|due| (due.destination, share.unwrap_or(1).max(1))).collect();
            self.claim(&wanted, posting).await;
            after = found.next;
            if after.is_none() {
                return;
            }
        }
    }

    async fn claim(self: &Arc<Self>, wanted: &[(Destination, u32)], posting: &mut JoinSet<()>) {
        let lease = self.post_timeout.saturating_add(BESIDE_THE_POST);
        match self.store.claim_deliveries(self.clock.now(), lease, wanted).await {
            Ok(due) => {
                for delivery in due {
                    let gateway = Arc::clone(self);
                    posting.spawn(async move {
                        let id = delivery.id.webhook_id();
                        if let Err(error) = gateway.attempt(delivery).await {
                            tracing::error!(id, %error, "an attempt was not recorded");
                        }
                    });
                }
            }
            Err(error) => tracing::error!(%error, "due deliveries were not claimed"),
        }
    }

    async fn attempt(&self, delivery: DueDelivery) -> Result<(), Fault> {
        let terminal = self
            .terminal_by_number(delivery.terminal)
            .await?
            .ok_or_else(|| Fault::Broken("the terminal is gone".to_owned()))?;
        let now = self.clock.now();
        let id = delivery.id.webhook_id();
        let secrets = match delivery.id.endpoint {
            None => signing_secrets(&terminal, now),
            Some(number) => {
                let all = self.endpoints_of(delivery.merchant).await?;
                let on = |one: &&Endpoint| one.number == number && one.state == EndpointState::On;
                let Some(endpoint) = all.iter().find(on) else {
                    return self.not_sent(&delivery).await;
                };
                endpoint.signing_secrets(now).cloned().collect()
            }
        };
        let signed = self.signed(&id, &delivery.content_type, &delivery.body, &secrets, now);
        crash_point("webhook.before_post");
        let result = self
            .dialer
            .post(Post {
                webhook_id: &id,
                url: &delivery.url,
                headers: &signed.headers,
                body: &delivery.body,
                mode: terminal.mode,
            })
            .await;
        crash_point("webhook.after_post");
        let attempted = self.judge(&delivery, result, now);
        let changeset = Changeset {
            name: "record_attempt",
            attempted: vec![attempted],
            ..Changeset::default()
        };
        self.store.commit(changeset).await?;
        crash_point("webhook.recorded");
        Ok(())
    }

    /// A delivery to an endpoint that is switched off: it stands in the log, to be replayed.
    async fn not_sent(&self, delivery: &DueDelivery) -> Result<(), Fault> {
        let attempt = Attempt {
            at: self.clock.now(),
            took: Duration::ZERO,
            http_status: None,
            answer: None,
            error: Some("not sent: the endpoint is switched off".to_owned()),
        };
        let attempted = Attempted {
            id: delivery.id,
            merchant: delivery.merchant,
            attempts: delivery.attempts,
            attempt,
            next: NextStep::Dead,
        };
        let changeset =
            Changeset { name: "not_sent", attempted: vec![attempted], ..Changeset::default() };
        Ok(self.store.commit(changeset).await?)
    }

    /// `v1,` and the base64 of an HMAC-SHA256 (Standard Webhooks, "Symmetric signatures").
    pub(crate) fn sign(&self, secret: &SecretText, parts: &[&str]) -> Option<String> {
        let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_")?).ok()?;
        let key = zeroize::Zeroizing::new(key);
        let message = parts.concat();
        Some(format!("v1,{}", STANDARD.encode(self.vault.hmac(&key, message.as_bytes()))))
    }

    /// What an attempt's result means for the delivery.
    fn judge(&self, delivery: &DueDelivery, result: PostResult, began: Timestamp) -> Attempted {
        let at = self.clock.now();
        let attempts = delivery.attempts.saturating_add(1);
        let (http_status, error, next) = match result {
            PostResult::Answered { status: status @ 200..=299, .. } => {
                (Some(status), None, NextStep::Delivered)
            }
            PostResult::Answered { status: 410, .. } => {
                (Some(410), Some("the receiver is gone for good".to_owned()), NextStep::Dead)
            }
            PostResult::Answered { status, retry_after, body: _ } => {
                let error = format!("answered {status}");
                (Some(status), Some(error), self.retry(attempts, at, retry_after))
            }
            PostResult::Failed(why) => (None, Some(why), self.retry(attempts, at, None)),
        };
        let took = at.since(began);
        let attempt = Attempt { at, took, http_status, answer: None, error };
        Attempted { id: delivery.id, merchant: delivery.merchant, attempts, attempt, next }
    }

    fn retry(&self, attempts: u32, at: Timestamp, retry_after: Option<u64>) -> NextStep {
        let mut jitter = [0; 4];
        self.random.fill(&mut jitter);
        let Some(gap) = schedule::until_webhook_retry(attempts, u32::from_le_bytes(jitter)) else {
            return NextStep::Dead;
        };
        let asked = retry_after.unwrap_or(0).min(RETRY_AFTER_AT_MOST);
        NextStep::RetryAt(at.plus(gap.max(Duration::from_secs(asked))))
    }
}
