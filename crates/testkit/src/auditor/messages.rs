//! Webhooks: one for each change that merchants are told of, in its commit, with one body,
//! delivered or rightly given up.

use super::{Evidence, Findings, commits, name};
use crate::memory_store::{Committed, DeliveryRow};
use crate::simulator::shop::Received;
use domain::delivery::{DeliveryId, NextStep};
use domain::event::EventKind;
use std::collections::BTreeMap;

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
    for history in commits(evidence).values() {
        judge_notices(history, findings);
    }
    let mut received: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for one in &evidence.received {
        received.entry(&one.webhook_id).or_default().push(one);
        findings.unless(one.signed, || format!("webhook {} was not signed", one.webhook_id));
    }
    for (id, row) in &evidence.tables.deliveries {
        let none = Vec::new();
        let posts = received.remove(id.webhook_id().as_str()).unwrap_or(none);
        judge_delivery(*id, row, &posts, findings);
    }
    findings.unless(received.is_empty(), || {
        format!("webhooks that nobody committed: {:?}", received.keys())
    });
}

fn judge_notices(history: &[&Committed], findings: &mut Findings) {
    let mut notices = 0;
    for committed in history {
        let told = committed.event.as_ref().is_some_and(|event| is_told(event.kind));
        notices += i32::from(told);
        let payment = &committed.payment;
        let written: Vec<DeliveryId> = committed.deliveries.iter().map(|one| one.id).collect();
        let right: Vec<DeliveryId> =
            told.then_some(DeliveryId::own(payment.id, notices)).into_iter().collect();
        findings.unless(written == right && payment.notices == notices, || {
            format!("{}: deliveries are {written:?}, not {right:?}", name(payment))
        });
    }
}

fn judge_delivery(id: DeliveryId, row: &DeliveryRow, posts: &[&Received], findings: &mut Findings) {
    let webhook = id.webhook_id();
    for post in posts {
        findings.unless(post.body == row.delivery.body, || {
            format!("webhook {webhook} had two bodies: {} and {}", row.delivery.body, post.body)
        });
    }
    let answered = |status: &dyn Fn(u16) -> bool| posts.iter().any(|post| status(post.answered));
    let right = match row.next {
        NextStep::Delivered => answered(&|status| (200..300).contains(&status)),
        NextStep::Dead => row.attempts >= ATTEMPTS || answered(&|status| status == 410),
        NextStep::RetryAt(_) => false,
    };
    findings.unless(right, || format!("webhook {webhook} ended as {:?} after {posts:?}", row.next));
}
