//! The gateway's own proof of its books, run over what a run left behind: it must agree with all
//! that right gateways write, orders that outlived their payments included.

use crate::memory_deliveries::{due, state};
use crate::memory_store::{DeliveryRow, Tables};
use domain::delivery::DeliveryId;
use domain::id::PaymentId;
use domain::terminal::Terminal;
use engine::verify::{DeliveryFacts, HeldFacts, History, Owners};

/// What the proof finds, a sentence each.
pub(super) fn judge(tables: &Tables, terminals: &[Terminal]) -> Vec<String> {
    let owners: Owners =
        terminals.iter().map(|one| (one.number, (one.merchant, one.mode))).collect();
    let findings = tables.payments.keys().flat_map(|id| {
        let judged = engine::verify::judge(&history(tables, *id), &owners);
        judged.findings.into_iter()
    });
    findings
        .map(|found| format!("the proof finds in {} {}: {}", found.table, found.row, found.what))
        .collect()
}

fn history(tables: &Tables, id: PaymentId) -> History {
    let payment = tables.payments.get(&id).cloned();
    let held = payment.as_ref().zip(tables.held_cards.get(&id)).map(|(payment, card)| HeldFacts {
        payment: id,
        merchant: payment.merchant,
        has_security_code: card.security_code.is_some(),
    });
    let from = DeliveryId::own(id, i32::MIN);
    let until = DeliveryId::own(id, i32::MAX);
    History {
        payment,
        events: tables.events.get(&id).cloned().unwrap_or_default(),
        refunds: tables.refunds.get(&id).cloned().unwrap_or_default(),
        postings: tables.postings.iter().filter(|one| one.payment == id).copied().collect(),
        deliveries: tables.deliveries.range(from..=until).map(|(_id, row)| facts(row)).collect(),
        held,
        impossible: Vec::new(),
    }
}

fn facts(row: &DeliveryRow) -> DeliveryFacts {
    let (state, next_at) = (state(&row.next), due(&row.next));
    let delivery = &row.delivery;
    DeliveryFacts {
        id: delivery.id,
        merchant: delivery.merchant,
        terminal: delivery.terminal,
        url: delivery.url.as_str().to_owned(),
        created_at: delivery.created_at,
        state,
        attempts: i64::from(row.attempts),
        next_at,
    }
}
