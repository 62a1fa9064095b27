//! One attempt at one delivery: signed, posted, judged, recorded.

use super::endpoints::health_of;
use super::lanes::Outcome;
use super::told::Figures;
use crate::changeset::Changeset;
use crate::crash_point::crash_point;
use crate::delivery::signing_secrets;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::{Post, PostResult};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::{Attempt, Attempted, DueDelivery, NextStep};
use domain::endpoint::{Endpoint, EndpointState};
use domain::schedule;
use domain::secret::SecretText;
use domain::terminal::Terminal;
use domain::time::Timestamp;
use std::time::Duration;

/// A receiver's `Retry-After` is obeyed up to here for the delivery; for the whole receiver, up to
/// the longest pause.
const RETRY_AFTER_AT_MOST: u64 = 24 * 3600;

/// Whose secrets sign a delivery.
enum Recipient {
    /// The terminal's: it goes to the payment's own address.
    Terminal(Vec<SecretText>),
    /// The endpoint's.
    Endpoint(Vec<SecretText>, Endpoint),
    /// The endpoint is not on.
    Nobody,
}

impl Gateway {
    /// Sends a delivery to the address that was written with it, whatever its endpoint's is by now,
    /// and records what came of it.
    pub(super) async fn attempt(&self, delivery: &DueDelivery) -> Result<Outcome, Fault> {
        let terminal = self
            .terminal_by_number(delivery.terminal)
            .await?
            .ok_or_else(|| Fault::Broken("the terminal is gone".to_owned()))?;
        let began = self.clock.now();
        let (secrets, endpoint) = match self.recipient(delivery, &terminal, began).await? {
            Recipient::Terminal(secrets) => (secrets, None),
            Recipient::Endpoint(secrets, endpoint) => (secrets, Some(endpoint)),
            Recipient::Nobody => {
                return self.not_sent(delivery, "not sent: the endpoint is switched off").await;
            }
        };
        let overdue = began >= delivery.begun_at.plus(schedule::webhook_is_overdue_after());
        if overdue && delivery.attempts > 0 {
            return self.not_sent(delivery, "given up: its time was over").await;
        }
        let id = delivery.id.webhook_id();
        let headers = self.signed(&id, &delivery.content_type, &delivery.body, &secrets, began);
        crash_point("webhook.before_post");
        let result = self
            .dialer
            .post(Post {
                webhook_id: &id,
                url: &delivery.url,
                headers: &headers,
                body: &delivery.body,
                mode: terminal.mode,
            })
            .await;
        crash_point("webhook.after_post");
        let outcome = outcome_of(&result, overdue);
        let (acknowledged, gone) = (is_acknowledged(&result), status_of(&result) == Some(410));
        let figures = &self.deliveries.figures;
        Figures::count(if acknowledged { &figures.acknowledged } else { &figures.failed });
        let attempted = self.judge(delivery, &result, began);
        let at = attempted.attempt.at;
        let health = endpoint.as_ref().and_then(|one| health_of(one, acknowledged, at));
        let changeset = Changeset {
            name: "record_attempt",
            attempted: vec![attempted],
            endpoint_health: health,
            ..Changeset::default()
        };
        self.store.commit(changeset).await?;
        crash_point("webhook.recorded");
        if health.is_some() {
            self.endpoints.forget(delivery.merchant);
        }
        if let Some(endpoint) = endpoint
            && (gone || (!acknowledged && endpoint.has_failed(at)))
        {
            self.switch_off(&endpoint, delivery, gone).await?;
        }
        Ok(outcome)
    }

    async fn recipient(
        &self,
        delivery: &DueDelivery,
        terminal: &Terminal,
        now: Timestamp,
    ) -> Result<Recipient, Fault> {
        let Some(number) = delivery.id.endpoint else {
            return Ok(Recipient::Terminal(signing_secrets(terminal, now)));
        };
        let all = self.endpoints_of(delivery.merchant).await?;
        let on = |one: &&Endpoint| one.number == number && one.state == EndpointState::On;
        Ok(all.iter().find(on).map_or(Recipient::Nobody, |endpoint| {
            let secrets = endpoint.signing_secrets(now).cloned().collect();
            Recipient::Endpoint(secrets, endpoint.clone())
        }))
    }

    /// It stands in the log, to be replayed.
    async fn not_sent(&self, delivery: &DueDelivery, why: &str) -> Result<Outcome, Fault> {
        let now = self.clock.now();
        let attempted = Attempted {
            id: delivery.id,
            merchant: delivery.merchant,
            attempts: delivery.attempts,
            attempt: attempt_of(&PostResult::Failed(why.to_owned()), now, now),
            next: NextStep::Dead,
        };
        let changeset =
            Changeset { name: "not_sent", attempted: vec![attempted], ..Changeset::default() };
        self.store.commit(changeset).await?;
        Figures::count(&self.deliveries.figures.not_sent);
        Ok(Outcome::NotSent)
    }

    /// `v1,` and the base64 of an HMAC-SHA256 (Standard Webhooks, "Symmetric signatures").
    pub(crate) fn sign(&self, secret: &SecretText, parts: &[&str]) -> Option<String> {
        let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_")?).ok()?;
        let key = zeroize::Zeroizing::new(key);
        let message = parts.concat();
        Some(format!("v1,{}", STANDARD.encode(self.vault.hmac(&key, message.as_bytes()))))
    }

    /// What an attempt's result means for the delivery.
    fn judge(&self, delivery: &DueDelivery, result: &PostResult, began: Timestamp) -> Attempted {
        let at = self.clock.now();
        let attempts = delivery.attempts.saturating_add(1);
        let next = match result {
            PostResult::Answered { status: 200..=299, .. } => NextStep::Delivered,
            PostResult::Answered { status: 410, .. } => NextStep::Dead,
            PostResult::Answered { retry_after, .. } => self.retry(attempts, at, *retry_after),
            PostResult::Failed(_why) => self.retry(attempts, at, None),
        };
        let attempt = attempt_of(result, began, at);
        Attempted { id: delivery.id, merchant: delivery.merchant, attempts, attempt, next }
    }

    fn retry(&self, attempts: u32, at: Timestamp, retry_after: Option<u64>) -> NextStep {
        let Some(gap) = schedule::until_webhook_retry(attempts, self.any_number()) else {
            return NextStep::Dead;
        };
        let asked = retry_after.unwrap_or(0).min(RETRY_AFTER_AT_MOST);
        NextStep::RetryAt(at.plus(gap.max(Duration::from_secs(asked))))
    }

    pub(super) fn any_number(&self) -> u32 {
        let mut drawn = [0; 4];
        self.random.fill(&mut drawn);
        u32::from_le_bytes(drawn)
    }
}

/// An attempt as the log keeps it.
fn attempt_of(result: &PostResult, began: Timestamp, at: Timestamp) -> Attempt {
    let error = match result {
        PostResult::Answered { status: 200..=299, .. } => None,
        PostResult::Answered { status: 410, .. } => {
            Some("the receiver is gone for good".to_owned())
        }
        PostResult::Answered { status, .. } => Some(format!("answered {status}")),
        PostResult::Failed(why) => Some(why.clone()),
    };
    let answer = match result {
        PostResult::Answered { body, .. } => Some(body.clone()).filter(|body| !body.is_empty()),
        PostResult::Failed(_) => None,
    };
    Attempt { at, took: at.since(began), http_status: status_of(result), answer, error }
}

const fn status_of(result: &PostResult) -> Option<u16> {
    match result {
        PostResult::Answered { status, .. } => Some(*status),
        PostResult::Failed(_) => None,
    }
}

fn is_acknowledged(result: &PostResult) -> bool {
    status_of(result).is_some_and(|status| (200..300).contains(&status))
}

/// What the result means for all that goes to the same receiver.
fn outcome_of(result: &PostResult, overdue: bool) -> Outcome {
    match result {
        // A receiver that wants no more of one delivery is well.
        PostResult::Answered { status: 200..=299 | 410, .. } => Outcome::Answered,
        // It has too much to do, and says for how long.
        PostResult::Answered { status: 429 | 502..=504, retry_after, .. } => {
            Outcome::Failed { asked: retry_after.map(Duration::from_secs), overdue }
        }
        PostResult::Answered { .. } | PostResult::Failed(_) => {
            Outcome::Failed { asked: None, overdue }
        }
    }
}
