//! Deliveries to merchants' servers: signed, retried, at least once.

use super::PERIOD;
use crate::changeset::Changeset;
use crate::crash_point::crash_point;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::{Post, PostResult};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::{Attempted, DueDelivery, NextStep};
use domain::schedule;
use domain::secret::SecretText;
use domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Posts in flight at once.
const IN_FLIGHT: usize = 256;
/// How much longer than its post an attempt may take: reading the terminal, recording what came of
/// it. A lease lasts for both, so that no other worker posts the same delivery meanwhile, and not
/// much longer, so that another takes over soon when this one is killed.
const BESIDE_THE_POST: Duration = Duration::from_secs(3);
/// A receiver's `Retry-After` is obeyed up to here.
const RETRY_AFTER_AT_MOST: u64 = 24 * 3600;

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
                () = self.deliveries.notified() => {}
                () = self.clock.sleep(PERIOD) => {}
            }
        }
        while posting.join_next().await.is_some() {}
    }

    async fn claim_and_post(self: &Arc<Self>, posting: &mut JoinSet<()>) {
        let free = IN_FLIGHT.saturating_sub(posting.len());
        let Ok(limit) = u32::try_from(free) else { return };
        if limit == 0 {
            return;
        }
        let lease = self.post_timeout.saturating_add(BESIDE_THE_POST);
        match self.store.claim_deliveries(self.clock.now(), lease, limit).await {
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
        let timestamp = now.unix_seconds().to_string();
        let signatures: Vec<String> = terminal
            .signing_secrets(now)
            .filter_map(|secret| self.sign(secret, &[&id, ".", &timestamp, ".", &delivery.body]))
            .collect();
        let headers = [
            ("content-type", delivery.content_type.clone()),
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures.join(" ")),
        ];
        crash_point("webhook.before_post");
        let result = self
            .dialer
            .post(Post {
                delivery: delivery.id,
                url: &delivery.url,
                headers: &headers,
                body: &delivery.body,
                mode: terminal.mode,
            })
            .await;
        crash_point("webhook.after_post");
        let attempted = self.judge(&delivery, result);
        let changeset = Changeset {
            name: "record_attempt",
            attempted: vec![attempted],
            ..Changeset::default()
        };
        self.store.commit(changeset).await?;
        crash_point("webhook.recorded");
        Ok(())
    }

    /// `v1,` and the base64 of an HMAC-SHA256 (Standard Webhooks, "Symmetric signatures").
    fn sign(&self, secret: &SecretText, parts: &[&str]) -> Option<String> {
        let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_")?).ok()?;
        let key = zeroize::Zeroizing::new(key);
        let message = parts.concat();
        Some(format!("v1,{}", STANDARD.encode(self.vault.hmac(&key, message.as_bytes()))))
    }

    /// What an attempt's result means for the delivery.
    fn judge(&self, delivery: &DueDelivery, result: PostResult) -> Attempted {
        let at = self.clock.now();
        let attempts = delivery.attempts.saturating_add(1);
        let (http_status, error, next) = match result {
            PostResult::Answered { status: status @ 200..=299, .. } => {
                (Some(status), None, NextStep::Delivered)
            }
            PostResult::Answered { status: 410, .. } => {
                (Some(410), Some("the receiver is gone for good".to_owned()), NextStep::Dead)
            }
            PostResult::Answered { status, retry_after } => {
                let error = format!("answered {status}");
                (Some(status), Some(error), self.retry(attempts, at, retry_after))
            }
            PostResult::Failed(why) => (None, Some(why), self.retry(attempts, at, None)),
        };
        Attempted { id: delivery.id, at, attempts, http_status, error, next }
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
