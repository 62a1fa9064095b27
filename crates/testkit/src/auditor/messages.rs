//! Webhooks: one for each change that merchants are told of, and one for each endpoint that wants
//! it, in its commit, with one body, delivered or rightly given up. An endpoint is switched off
//! only when it said that it is gone (no run lasts for five days), and then the merchant's others
//! are told.

use super::{Evidence, Findings, commits, name};
use crate::memory_store::{Committed, DeliveryRow};
use crate::simulator::shop::Received;
use domain::delivery::{DeliveryId, NextStep};
use domain::endpoint::EndpointState;
use domain::event::EventKind;
use domain::event_type::EventPattern;
use domain::id::EndpointNumber;
use engine::changeset::StoredEndpoint;
use std::collections::BTreeMap;

type Endpoints = BTreeMap<EndpointNumber, StoredEndpoint>;

/// A delivery is given up after so many attempts (Standard Webhooks).
const ATTEMPTS: u32 = 10;

/// Whether merchants are told of such an event.
const fn is_told(kind: EventKind) -> bool {
    match kind {
        EventKind::Decided
        | EventKind::Captured
        | EventKind::CaptureRefused
        | EventKind::Voided
        | EventKind::VoidRefused
        | EventKind::Refunded
        | EventKind::RefundRefused => true,
        EventKind::Created
        | EventKind::ChallengeOpened
        | EventKind::Sending
        | EventKind::OutcomeUnknown
        | EventKind::Reversing
        | EventKind::Presented
        | EventKind::OrderWatched
        | EventKind::Superseded
        | EventKind::Capturing
        | EventKind::Voiding
        | EventKind::Refunding
        | EventKind::RefundUnknown
        | EventKind::RefundReversing => false,
    }
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let endpoints = &evidence.tables.endpoints;
    for history in commits(evidence).values() {
        judge_notices(history, endpoints, findings);
    }
    for endpoint in endpoints.values() {
        judge_endpoint(endpoint, evidence, findings);
    }
    let mut received: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for one in &evidence.received {
        received.entry(&one.webhook_id).or_default().push(one);
        findings.unless(one.signed, || format!("webhook {} was not signed", one.webhook_id));
    }
    for (id, row) in &evidence.tables.deliveries {
        let none = Vec::new();
        let posts = received.remove(id.webhook_id().as_str()).unwrap_or(none);
        judge_delivery(*id, row, &posts, endpoints, findings);
    }
    findings.unless(received.is_empty(), || {
        format!("webhooks that nobody committed: {:?}", received.keys())
    });
}

/// One that is told of everything.
fn wants_all(endpoint: &StoredEndpoint) -> bool {
    endpoint.events == [EventPattern::everything()]
}

fn judge_notices(history: &[&Committed], endpoints: &Endpoints, findings: &mut Findings) {
    let mut notices = 0;
    for committed in history {
        let told = committed.event.as_ref().is_some_and(|event| is_told(event.kind));
        notices += i32::from(told);
        let payment = &committed.payment;
        let written: Vec<DeliveryId> = committed.deliveries.iter().map(|one| one.id).collect();
        let own = DeliveryId::own(payment.id, notices);
        let theirs = endpoints
            .values()
            .filter(|endpoint| endpoint.merchant == payment.merchant && wants_all(endpoint))
            .map(|endpoint| DeliveryId { endpoint: Some(endpoint.number), ..own });
        let all = std::iter::once(own).chain(theirs);
        let right: Vec<DeliveryId> = all.filter(|_one| told).collect();
        findings.unless(written == right && payment.notices == notices, || {
            format!("{}: deliveries are {written:?}, not {right:?}", name(payment))
        });
    }
}

fn judge_endpoint(endpoint: &StoredEndpoint, evidence: &Evidence, findings: &mut Findings) {
    let number = endpoint.number;
    let is_off = endpoint.state == EndpointState::Failed;
    let says_gone = |one: &Received| {
        let id: Option<DeliveryId> = one.webhook_id.parse().ok();
        one.answered == 410 && id.is_some_and(|id| id.endpoint == Some(number))
    };
    findings.unless(!is_off || evidence.received.iter().any(says_gone), || {
        format!("endpoint {number} was switched off, and never said that it is gone")
    });
    let tells = |id: &&DeliveryId| i64::from(id.sequence) == -number.0;
    let told: Vec<_> =
        evidence.tables.deliveries.keys().filter(tells).filter_map(|id| id.endpoint).collect();
    let is_other =
        |one: &&StoredEndpoint| one.merchant == endpoint.merchant && one.number != number;
    let others = evidence.tables.endpoints.values().filter(is_other).map(|one| one.number);
    let right: Vec<_> = others.filter(|_one| is_off).collect();
    let state = if is_off { "was switched off" } else { "is on" };
    findings.unless(told == right, || {
        format!("endpoint {number} {state}, and told were {told:?}, not {right:?}")
    });
}

fn judge_delivery(
    id: DeliveryId,
    row: &DeliveryRow,
    posts: &[&Received],
    endpoints: &Endpoints,
    findings: &mut Findings,
) {
    let webhook = id.webhook_id();
    for post in posts {
        findings.unless(post.body == row.delivery.body, || {
            format!("webhook {webhook} had two bodies: {} and {}", row.delivery.body, post.body)
        });
    }
    let answered = |status: &dyn Fn(u16) -> bool| posts.iter().any(|post| status(post.answered));
    let right = match row.next {
        NextStep::Delivered => answered(&|status| (200..300).contains(&status)),
        NextStep::Dead => {
            let endpoint = id.endpoint.and_then(|number| endpoints.get(&number));
            let is_off = endpoint.is_some_and(|one| one.state == EndpointState::Failed);
            row.attempts >= ATTEMPTS || answered(&|status| status == 410) || is_off
        }
        NextStep::RetryAt(_) => false,
    };
    findings.unless(right, || format!("webhook {webhook} ended as {:?} after {posts:?}", row.next));
}
