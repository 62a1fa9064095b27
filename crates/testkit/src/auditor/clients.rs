//! What clients were told: all of it is still true, and nothing went backwards.

use super::{Evidence, Findings};
use crate::simulator::clients::Answer;
use domain::id::PaymentId;
use domain::text::Reference;
use std::collections::BTreeMap;

/// Whether a merchant who was told `before` may be told `after` later (the page's status codes).
fn may_follow(is_order: bool, before: &str, after: &str) -> bool {
    let allowed: &[&str] = match before {
        "0" | "27" => return true,
        "1" => &["1", "3", "7", "8", "12"],
        "8" => &["1", "3", "8", "12"],
        "12" => &["3", "8", "12"],
        // An order that the bank has may be paid although its payment has ended.
        "22" if is_order => return after != "23",
        "23" if is_order => return after != "22",
        same => return same == after,
    };
    allowed.contains(&after)
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut told: BTreeMap<PaymentId, Vec<&Answer>> = BTreeMap::new();
    for answer in &evidence.answers {
        told.entry(answer.payment).or_default().push(answer);
    }
    for (id, answers) in told {
        let stored = evidence.tables.payments.get(&id);
        findings.unless(stored.is_some(), || format!("payment {id} was acknowledged and is gone"));
        for answer in &answers {
            let known = stored.is_some_and(|stored| stored.version >= answer.version);
            findings.unless(known, || format!("{answer:?} was told and is not in the store"));
            let is_order = stored.is_some_and(|stored| stored.method.card.is_none());
            let earlier = answers.iter().filter(|earlier| earlier.told < answer.asked);
            for earlier in earlier {
                let forward = earlier.version <= answer.version
                    && may_follow(is_order, earlier.code, answer.code);
                findings.unless(forward, || format!("{answer:?} was told after {earlier:?}"));
            }
        }
    }
    for told in &evidence.refunds_told {
        let refunds = evidence.tables.refunds.get(&told.payment);
        let there = refunds.is_some_and(|refunds| {
            refunds.iter().any(|refund| {
                refund.number == told.number
                    && refund.amount.minor() == told.amount_minor
                    && refund.reference.as_ref().map(Reference::as_str) == told.reference.as_deref()
            })
        });
        findings.unless(there, || format!("{told:?} was acknowledged and is gone"));
    }
}
