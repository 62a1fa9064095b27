//! Whether endpoints acknowledge what they are sent; one that does not for five days is switched
//! off, and its merchant's other endpoints are told.

use crate::actor::Actor;
use crate::changeset::{AuditLine, Changeset, EndpointChange, EndpointHealth};
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use domain::delivery::{DeliveryId, DueDelivery, NewDelivery};
use domain::endpoint::{Endpoint, EndpointState};
use domain::event_type::EventType;
use domain::time::Timestamp;

/// What an attempt tells of an endpoint that was not known: its first failure, or the first
/// success after one.
pub(super) fn health_of(
    endpoint: &Endpoint,
    acknowledged: bool,
    at: Timestamp,
) -> Option<EndpointHealth> {
    let is_news = acknowledged == endpoint.failing_since.is_some();
    is_news.then_some(EndpointHealth {
        merchant: endpoint.merchant,
        endpoint: endpoint.number,
        failed_at: (!acknowledged).then_some(at),
    })
}

impl Gateway {
    /// Switches off an endpoint that has failed for too long, or said that it is gone. Many nodes
    /// may find that at once: one of them changes it and tells.
    pub(super) async fn switch_off(
        &self,
        failed: &Endpoint,
        delivery: &DueDelivery,
        gone: bool,
    ) -> Result<(), Fault> {
        let now = self.clock.now();
        // As it is now: it may have answered meanwhile, or been switched by its owner.
        let found = self.endpoint(Actor::Worker, failed.number).await?;
        let is_meant = |one: &Endpoint| {
            one.state == EndpointState::On
                && one.state_since == failed.state_since
                && (gone || one.has_failed(now))
        };
        let Some(endpoint) = found.filter(is_meant) else { return Ok(()) };
        let version = endpoint.version;
        let off = Endpoint {
            state: EndpointState::Failed,
            state_since: now,
            version: version.saturating_add(1),
            ..endpoint
        };
        let deliveries = self.tell_of(&off, delivery, now).await?;
        let queues: Vec<_> = deliveries.iter().map(|one| (one.destination, one.merchant)).collect();
        let why = if gone { "it said that it is gone" } else { "it failed for five days" };
        let detail = format!("endpoint {}: {why}", off.number);
        let done = self.done(Actor::Worker, "disable_endpoint", detail);
        let changeset = Changeset {
            name: "disable_endpoint",
            endpoint: Some(EndpointChange {
                endpoint: self.seal_endpoint(&off)?,
                expected_version: Some(version),
            }),
            deliveries,
            audit: Some(AuditLine { terminal: off.terminal, ..done }),
            ..Changeset::default()
        };
        match self.store.commit(changeset).await {
            Ok(()) => {}
            // Another node did, or its owner changed it; then the next failure decides again.
            Err(CommitError::Stale(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        tracing::warn!(endpoint = off.number.0, url = off.url.origin(), "switched off: {why}");
        self.endpoints.forget(off.merchant);
        self.deliveries.tell(queues);
        Ok(())
    }

    /// The messages that tell a merchant's other endpoints.
    async fn tell_of(
        &self,
        off: &Endpoint,
        delivery: &DueDelivery,
        now: Timestamp,
    ) -> Result<Vec<NewDelivery>, Fault> {
        let event_type = EventType::EndpointDisabled;
        let all = self.endpoints_of(off.merchant).await?;
        let others = all.iter().filter(|one| {
            one.number != off.number && one.subscribes(event_type, delivery.terminal, off.mode)
        });
        let sequence = i32::try_from(off.number.0).ok().and_then(i32::checked_neg);
        let sequence = sequence.ok_or_else(|| Fault::Broken("too many endpoints".to_owned()))?;
        let message = |endpoint: &Endpoint| {
            let notice = self.notices.endpoint_disabled(off, now);
            NewDelivery {
                id: DeliveryId {
                    payment: delivery.id.payment,
                    sequence,
                    endpoint: Some(endpoint.number),
                },
                merchant: off.merchant,
                terminal: delivery.terminal,
                event_type,
                url: endpoint.url.clone(),
                destination: self.destination_of_endpoint(endpoint.number),
                content_type: notice.content_type,
                body: notice.body,
                created_at: now,
            }
        };
        Ok(others.map(message).collect())
    }
}
