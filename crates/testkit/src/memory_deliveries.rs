//! The memory store's deliveries and endpoints.

use crate::memory_store::Tables;
use domain::delivery::{
    Attempt, Attempted, Backlog, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    DeliveryState, Destination, DueDelivery, DueDestination, NewDelivery, NextStep,
};
use domain::time::Timestamp;
use engine::changeset::{EndpointChange, EndpointHealth, Resend, StoredEndpoint};
use engine::error::CommitError;
use engine::ports::DueDestinations;
use std::collections::BTreeMap;

/// A delivery and what became of it.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// As it was written.
    pub delivery: NewDelivery,
    /// When it was first due.
    pub begun_at: Timestamp,
    /// Attempts that were recorded since then.
    pub attempts: u32,
    /// What follows.
    pub next: NextStep,
    /// Every attempt.
    pub log: Vec<Attempt>,
}

pub(crate) const fn due(next: &NextStep) -> Option<Timestamp> {
    match next {
        NextStep::RetryAt(at) => Some(*at),
        NextStep::Delivered | NextStep::Dead => None,
    }
}

/// The word for what follows.
pub(crate) const fn state(next: &NextStep) -> DeliveryState {
    match next {
        NextStep::RetryAt(_) => DeliveryState::Pending,
        NextStep::Delivered => DeliveryState::Delivered,
        NextStep::Dead => DeliveryState::Dead,
    }
}

impl DeliveryRow {
    fn new(delivery: NewDelivery) -> Self {
        let at = delivery.created_at;
        let next = NextStep::RetryAt(at);
        Self { delivery, begun_at: at, attempts: 0, next, log: Vec::new() }
    }

    fn record(&self) -> DeliveryRecord {
        let delivery = &self.delivery;
        DeliveryRecord {
            id: delivery.id,
            merchant: delivery.merchant,
            terminal: delivery.terminal,
            event_type: Some(delivery.event_type),
            url: delivery.url.as_str().to_owned(),
            created_at: delivery.created_at,
            state: state(&self.next),
            attempts: self.attempts,
            next_at: due(&self.next),
            last: self.log.last().cloned(),
        }
    }

    fn claimed(&self) -> DueDelivery {
        let delivery = &self.delivery;
        DueDelivery {
            id: delivery.id,
            merchant: delivery.merchant,
            terminal: delivery.terminal,
            url: delivery.url.as_str().to_owned(),
            destination: delivery.destination,
            content_type: delivery.content_type.to_owned(),
            body: delivery.body.clone(),
            attempts: self.attempts,
            created_at: delivery.created_at,
            begun_at: self.begun_at,
        }
    }
}

impl Tables {
    pub(crate) fn insert_delivery(&mut self, delivery: &NewDelivery) {
        let row = DeliveryRow::new(delivery.clone());
        self.deliveries.entry(delivery.id).or_insert(row);
    }

    pub(crate) fn record_attempt(&mut self, attempted: &Attempted) {
        // A delivery that was acknowledged or given up meanwhile stays so.
        if let Some(row) = self.deliveries.get_mut(&attempted.id)
            && due(&row.next).is_some()
        {
            row.attempts = attempted.attempts;
            row.next = attempted.next;
            row.log.push(attempted.attempt.clone());
        }
    }

    pub(crate) fn resend(&mut self, resend: &Resend) {
        for key in &resend.deliveries {
            let Some(row) = self.deliveries.get_mut(&key.id) else { continue };
            if due(&row.next).is_none() {
                row.attempts = 0;
            }
            row.begun_at = resend.at;
            row.next = NextStep::RetryAt(resend.at);
            self.claims.remove(&key.id);
        }
    }

    pub(crate) fn check_endpoint(&self, change: &EndpointChange) -> Result<(), CommitError> {
        let stored = self.endpoints.get(&change.endpoint.number).map(|stored| stored.version);
        if stored == change.expected_version {
            return Ok(());
        }
        Err(match change.expected_version {
            None => CommitError::Exists("endpoint"),
            Some(_) => CommitError::Stale("endpoint"),
        })
    }

    pub(crate) fn write_endpoint(&mut self, change: EndpointChange) {
        let mut endpoint = change.endpoint;
        if let Some(before) = self.endpoints.get(&endpoint.number)
            && before.state_since == endpoint.state_since
        {
            endpoint.failing_since = before.failing_since;
        }
        self.endpoints.insert(endpoint.number, endpoint);
    }

    pub(crate) fn note_health(&mut self, health: EndpointHealth) {
        if let Some(endpoint) = self.endpoints.get_mut(&health.endpoint) {
            endpoint.failing_since =
                health.failed_at.map(|at| endpoint.failing_since.unwrap_or(at));
        }
    }

    pub(crate) fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> DueDestinations {
        let mut firsts: BTreeMap<Destination, (Timestamp, &DeliveryRow)> = BTreeMap::new();
        for row in self.deliveries.values() {
            let Some(at) = due(&row.next) else { continue };
            let destination = row.delivery.destination;
            if after.is_none_or(|after| destination > after) {
                let first = firsts.entry(destination).or_insert((at, row));
                if at < first.0 {
                    *first = (at, row);
                }
            }
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_full = firsts.len() >= limit;
        let mut found = DueDestinations::default();
        for (destination, (at, row)) in firsts.into_iter().take(limit) {
            found.next = Some(destination);
            if at <= now {
                let merchant = row.delivery.merchant;
                found.due.push(DueDestination { destination, merchant, attempts: row.attempts });
            }
        }
        DueDestinations { next: found.next.filter(|_| is_full), ..found }
    }

    pub(crate) fn claim(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        wanted: &[(Destination, u32)],
    ) -> Vec<DueDelivery> {
        self.claims.retain(|_id, until| *until > now);
        let mut claimed = Vec::new();
        for (destination, most) in wanted {
            let free = self.deliveries.values().filter_map(|row| {
                let at = due(&row.next)?;
                let delivery = &row.delivery;
                let is_free = at <= now && !self.claims.contains_key(&delivery.id);
                (is_free && delivery.destination == *destination).then_some((at, row))
            });
            let mut free: Vec<_> = free.collect();
            free.sort_by_key(|(at, _row)| *at);
            free.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
            let free: Vec<DueDelivery> = free.into_iter().map(|(_at, row)| row.claimed()).collect();
            self.claims.extend(free.iter().map(|delivery| (delivery.id, until)));
            claimed.extend(free);
        }
        claimed
    }

    pub(crate) fn delivery_records(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        let all = self.deliveries.values().map(DeliveryRow::record);
        all.filter(|record| filter.lets_through(record)).collect()
    }

    pub(crate) fn delivery_detail(&self, id: DeliveryId) -> Option<DeliveryDetail> {
        let row = self.deliveries.get(&id)?;
        Some(DeliveryDetail {
            record: row.record(),
            content_type: row.delivery.content_type.to_owned(),
            body: row.delivery.body.clone(),
            attempts: row.log.clone(),
        })
    }

    pub(crate) fn backlog(&self, now: Timestamp) -> Backlog {
        let pending = self.deliveries.values().filter_map(|row| due(&row.next));
        let pending: Vec<Timestamp> = pending.collect();
        let is_due: Vec<Timestamp> = pending.iter().copied().filter(|at| *at <= now).collect();
        Backlog {
            pending: u64::try_from(pending.len()).unwrap_or(u64::MAX),
            due: u64::try_from(is_due.len()).unwrap_or(u64::MAX),
            oldest_due: is_due.into_iter().min(),
        }
    }

    pub(crate) fn endpoints_in(&self, scope: engine::actor::Scope) -> Vec<StoredEndpoint> {
        let seen = |one: &&StoredEndpoint| {
            scope != engine::actor::Scope::Holder && scope.allows(one.merchant)
        };
        self.endpoints.values().filter(seen).cloned().collect()
    }
}
