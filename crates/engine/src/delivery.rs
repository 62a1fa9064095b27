//! The log of what merchants' servers were sent: listed, shown, sent again.

use crate::actor::Actor;
use crate::changeset::{Changeset, DeliveryKey, Resend};
use crate::endpoint::EndpointRefused;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::{Post, PostResult};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination,
};
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::secret::SecretText;
use domain::terminal::{Mode, Terminal};
use domain::text::WebAddress;
use domain::time::Timestamp;
use std::time::Duration;

/// Deliveries that are asked for again in one commit.
const RESENT_AT_ONCE: u32 = 200;

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The newest first.
    pub deliveries: Vec<DeliveryRecord>,
    /// Where the next page begins; none at the end.
    pub next: Option<DeliveryCursor>,
}

/// Where a sample goes.
#[derive(Clone, Debug)]
pub enum SampleTo {
    /// To an endpoint, signed with its secret.
    Endpoint(EndpointNumber),
    /// To an address, signed with the secret of a terminal.
    Address(TerminalNumber, WebAddress),
}

/// What became of a sample.
#[derive(Clone, Debug)]
pub struct SampleSent {
    /// Its `webhook-id`.
    pub webhook_id: String,
    /// Where it went.
    pub url: WebAddress,
    /// The headers it was sent with, beside the usual ones.
    pub headers: SignedHeaders,
    /// What was sent.
    pub body: String,
    /// What came of it.
    pub result: PostResult,
    /// How long it took.
    pub took: Duration,
}

/// What this process's deliverer does, and has done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFigures {
    /// Attempts that are under way.
    pub in_flight: u64,
    /// Receivers that failed and are left alone for a while.
    pub paused: u64,
    /// Attempts that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that were not.
    pub failed: u64,
    /// Deliveries that were given up without an attempt: their endpoint was off, or their time over.
    pub not_sent: u64,
}

/// The headers of a message beside the usual ones: its content type, and the three of Standard
/// Webhooks.
pub type SignedHeaders = [(&'static str, String); 4];

impl Gateway {
    /// Deliveries that the filter lets through and the caller may see, the newest first.
    pub async fn deliveries(
        &self,
        actor: Actor,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<DeliveryPage, Fault> {
        let Some(filter) = narrowed(actor, filter) else {
            return Ok(DeliveryPage { deliveries: Vec::new(), next: None });
        };
        let deliveries = self.store.deliveries(filter, after, limit).await?;
        let is_full = u32::try_from(deliveries.len()).is_ok_and(|found| found >= limit);
        let next = deliveries.last().filter(|_| is_full).map(DeliveryRecord::cursor);
        Ok(DeliveryPage { deliveries, next })
    }

    /// Deliveries of a terminal that were written at this moment or later and that the caller may
    /// see, the oldest first, after this place: for whoever follows them as they come.
    pub async fn deliveries_since(
        &self,
        actor: Actor,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, Fault> {
        let mut found = self.store.deliveries_since(terminal, from, after, limit).await?;
        found.retain(|record| may_see(actor, record));
        Ok(found)
    }

    /// How many there are.
    pub async fn count_deliveries(
        &self,
        actor: Actor,
        filter: DeliveryFilter,
    ) -> Result<u64, Fault> {
        match narrowed(actor, filter) {
            Some(filter) => Ok(self.store.count_deliveries(filter).await?),
            None => Ok(0),
        }
    }

    /// A delivery with every attempt, if the caller may see it.
    pub async fn delivery(
        &self,
        actor: Actor,
        id: DeliveryId,
    ) -> Result<Option<DeliveryDetail>, Fault> {
        let found = self.store.delivery(id).await?;
        Ok(found.filter(|detail| may_see(actor, &detail.record)))
    }

    /// How much waits in all queues.
    pub async fn backlog(&self) -> Result<Backlog, Fault> {
        Ok(self.store.backlog(self.clock.now()).await?)
    }

    /// What this process's deliverer does.
    pub fn delivery_figures(&self) -> DeliveryFigures {
        self.deliveries.figures.read()
    }

    /// Asks for a delivery again, whatever became of it. None when there is none that the caller
    /// may see.
    pub async fn resend(&self, actor: Actor, id: DeliveryId) -> Result<Option<()>, Fault> {
        let Some(detail) = self.delivery(actor, id).await? else { return Ok(None) };
        self.resend_all(actor, std::slice::from_ref(&detail.record)).await?;
        Ok(Some(()))
    }

    /// Asks for the next of the deliveries again that the filter lets through, after this place;
    /// call it until no place is left. How many, and where to go on.
    pub async fn replay_next(
        &self,
        actor: Actor,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
    ) -> Result<(u64, Option<DeliveryCursor>), Fault> {
        let page = self.deliveries(actor, filter, after, RESENT_AT_ONCE).await?;
        if page.deliveries.is_empty() {
            return Ok((0, None));
        }
        self.resend_all(actor, &page.deliveries).await?;
        Ok((u64::try_from(page.deliveries.len()).unwrap_or(u64::MAX), page.next))
    }

    async fn resend_all(&self, actor: Actor, records: &[DeliveryRecord]) -> Result<(), Fault> {
        let key =
            |record: &DeliveryRecord| DeliveryKey { merchant: record.merchant, id: record.id };
        let deliveries: Vec<DeliveryKey> = records.iter().map(key).collect();
        let detail = match deliveries.as_slice() {
            [one] => one.id.webhook_id(),
            many => format!("{} deliveries", many.len()),
        };
        let changeset = Changeset {
            name: "resend",
            resend: Some(Resend { deliveries, at: self.clock.now() }),
            audit: Some(self.done(actor, "resend", detail)),
            ..Changeset::default()
        };
        self.store.commit(changeset).await?;
        self.deliveries.tell(records.iter().filter_map(|record| self.queue_of(record)));
        Ok(())
    }

    /// In which queue a delivery waits; what an older release wrote waits elsewhere, where a walk
    /// over all queues finds it.
    fn queue_of(&self, record: &DeliveryRecord) -> Option<(Destination, MerchantId)> {
        let destination = match record.id.endpoint {
            Some(endpoint) => self.destination_of_endpoint(endpoint),
            None => self.destination_of(record.merchant, &WebAddress::parse(&record.url).ok()?),
        };
        Some((destination, record.merchant))
    }

    /// Sends a sample of a message, now and once, and tells what came of it. It is in no log.
    pub async fn send_sample(
        &self,
        actor: Actor,
        to: SampleTo,
        event_type: EventType,
    ) -> Result<SampleSent, EndpointRefused> {
        let now = self.clock.now();
        let (url, secrets, mode) = match to {
            SampleTo::Endpoint(number) => {
                let found = self.endpoint(actor, number).await?;
                let endpoint = found.ok_or(EndpointRefused::Unknown)?;
                let secrets: Vec<SecretText> = endpoint.signing_secrets(now).cloned().collect();
                (endpoint.url, secrets, endpoint.mode)
            }
            SampleTo::Address(number, url) => {
                let terminal = self.terminal_by_number(number).await?;
                let terminal = terminal.ok_or(EndpointRefused::UnknownOwner)?;
                if terminal.mode == Mode::Live && !url.is_https() {
                    return Err(EndpointRefused::NotHttps);
                }
                (url, signing_secrets(&terminal, now), terminal.mode)
            }
        };
        let mut draw = [0; 8];
        self.random.fill(&mut draw);
        let webhook_id = format!("msg_sample_{:016x}", u64::from_le_bytes(draw));
        let notice = self.notices.sample(event_type, now);
        let headers = self.signed(&webhook_id, notice.content_type, &notice.body, &secrets, now);
        let post = Post {
            webhook_id: &webhook_id,
            url: url.as_str(),
            headers: &headers,
            body: &notice.body,
            mode,
        };
        let result = self.dialer.post(post).await;
        let took = self.clock.now().since(now);
        self.audit(self.done(actor, "send_sample", format!("{event_type} {webhook_id}"))).await;
        Ok(SampleSent { webhook_id, url, headers, body: notice.body, result, took })
    }

    /// The headers of a message, signed with each of the secrets (Standard Webhooks).
    pub(crate) fn signed(
        &self,
        webhook_id: &str,
        content_type: &str,
        body: &str,
        secrets: &[SecretText],
        now: Timestamp,
    ) -> SignedHeaders {
        let timestamp = now.unix_seconds().to_string();
        let message = [webhook_id, ".", &timestamp, ".", body];
        let signatures: Vec<String> =
            secrets.iter().filter_map(|secret| self.sign(secret, &message)).collect();
        [
            ("content-type", content_type.to_owned()),
            ("webhook-id", webhook_id.to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures.join(" ")),
        ]
    }

    /// A delivery as it would be sent now, to whoever listens with the terminal's key: its headers,
    /// signed with the terminal's or the endpoint's secrets.
    pub async fn as_sent(&self, detail: &DeliveryDetail) -> Result<SignedHeaders, Fault> {
        let now = self.clock.now();
        let id = detail.record.id;
        let secrets = match id.endpoint {
            None => {
                let found = self.terminal_by_number(detail.record.terminal).await?;
                found.map_or_else(Vec::new, |terminal| signing_secrets(&terminal, now))
            }
            Some(number) => {
                let all = self.endpoints_of(detail.record.merchant).await?;
                let found = all.iter().find(|endpoint| endpoint.number == number);
                found.map_or_else(Vec::new, |one| one.signing_secrets(now).cloned().collect())
            }
        };
        let webhook_id = id.webhook_id();
        Ok(self.signed(&webhook_id, &detail.content_type, &detail.body, &secrets, now))
    }
}

pub(crate) fn signing_secrets(terminal: &Terminal, now: Timestamp) -> Vec<SecretText> {
    terminal.signing_secrets(now).cloned().collect()
}

/// The filter with the caller's own limits; none when the caller may see no list.
pub(crate) fn narrowed(actor: Actor, filter: DeliveryFilter) -> Option<DeliveryFilter> {
    match actor {
        Actor::Operator | Actor::Worker | Actor::User { merchant: None, .. } => Some(filter),
        Actor::User { merchant: Some(merchant), .. } => {
            Some(DeliveryFilter { merchant: Some(merchant), ..filter })
        }
        Actor::Terminal { number, merchant, .. } => {
            Some(DeliveryFilter { merchant: Some(merchant), terminal: Some(number), ..filter })
        }
        Actor::Holder { .. } | Actor::Bank { .. } => None,
    }
}

fn may_see(actor: Actor, record: &DeliveryRecord) -> bool {
    match actor {
        Actor::Terminal { number, .. } => {
            actor.scope().allows(record.merchant) && record.terminal == number
        }
        Actor::Operator | Actor::Worker | Actor::User { merchant: None, .. } => true,
        Actor::User { merchant: Some(merchant), .. } => record.merchant == merchant,
        Actor::Holder { .. } | Actor::Bank { .. } => false,
    }
}
