//! One payment, as far as an operator needs to see it.

use super::events::EventRow;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{Merchants, When, masked_email, method_text, mode_pill};
use crate::portal::words::{Pill, amount, payment_pill, pill};
use askama::Template;
use domain::delivery::{DeliveryFilter, DeliveryRecord, DeliveryState};
use domain::id::PaymentId;
use domain::outcome::BankFacts;
use domain::payment::Payment;
use domain::refund::{Refund, RefundState};
use http::StatusCode;

/// Webhooks that are shown; the merchant's own pages have all of them.
const WEBHOOKS_SHOWN: u32 = 25;

/// A fact under its name.
struct Fact {
    name: &'static str,
    text: String,
}

struct RefundRow {
    number: i32,
    amount: String,
    reference: String,
    pill: Pill,
    asked: When,
}

struct WebhookRow {
    event: String,
    to: String,
    attempts: u32,
    pill: Pill,
    written: When,
}

#[derive(Template)]
#[template(path = "office/payment.html")]
struct PaymentPage {
    shell: Shell,
    id: String,
    reference: String,
    amount: String,
    pill: Pill,
    mode: Pill,
    merchant: String,
    merchant_id: i64,
    terminal: i64,
    made: When,
    response: &'static str,
    facts: Vec<Fact>,
    bank: Vec<Fact>,
    is_at_bank: bool,
    events: Vec<EventRow>,
    refunds: Vec<RefundRow>,
    webhooks: Vec<WebhookRow>,
}

/// `GET /office/payments/{payment}`
pub(super) async fn detail(visit: Visit) -> Outcome {
    let id: PaymentId = visit.param("payment")?;
    let gateway = &visit.app.gateway;
    let payment = gateway.payment(visit.actor(), id).await?.ok_or(Trouble::NotFound)?;
    let merchants = Merchants::load(&visit).await?;
    let events = gateway.events(visit.actor(), id).await?;
    let refunds = gateway.refunds(visit.actor(), id).await?;
    let filter = DeliveryFilter { payment: Some(id), ..DeliveryFilter::default() };
    let webhooks = gateway.deliveries(visit.actor(), filter, None, WEBHOOKS_SHOWN).await?;
    let pending = refunds.iter().any(|one| matches!(one.state, RefundState::Pending { .. }));
    let events = events.iter().rev().map(|event| EventRow::of(event, &payment)).collect();
    let page = PaymentPage {
        shell: Shell::of(&visit, &format!("Payment {}", payment.reference.as_str())),
        id: id.to_string(),
        reference: payment.reference.as_str().to_owned(),
        amount: amount(payment.amount.minor(), payment.amount.currency()),
        pill: payment_pill(&payment),
        mode: mode_pill(payment.mode),
        merchant: merchants.name(payment.merchant),
        merchant_id: payment.merchant.0,
        terminal: payment.terminal.0,
        made: When::of(payment.created_at),
        response: payment.response(),
        facts: facts(&payment),
        bank: payment.state.bank().map(bank_facts).unwrap_or_default(),
        is_at_bank: payment.state.at_the_bank().is_some() || pending,
        events,
        refunds: refunds.iter().map(refund_row).collect(),
        webhooks: webhooks.deliveries.iter().map(webhook_row).collect(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn facts(payment: &Payment) -> Vec<Fact> {
    let currency = payment.amount.currency();
    let customer = &payment.request.customer;
    let taken = payment.state.taken();
    let money = |minor: i64| amount(minor, currency);
    let all = [
        ("Method", Some(method_text(payment))),
        ("Attempt", Some(payment.attempt.to_string())),
        ("Capture", Some(payment.capture.name().to_owned())),
        ("Taken", taken.map(|taken| money(taken.captured_minor))),
        (
            "Given back",
            taken.filter(|one| one.refunded_minor > 0).map(|one| money(one.refunded_minor)),
        ),
        (
            "Being given back",
            taken.filter(|one| one.refunding_minor > 0).map(|one| money(one.refunding_minor)),
        ),
        ("Customer", customer.email.as_deref().map(masked_email)),
        ("Customer's country", customer.country.as_deref().map(str::to_owned)),
        ("API caller", payment.request.caller.map(|caller| caller.to_string())),
    ];
    all.into_iter().filter_map(|(name, text)| Some(Fact { name, text: text? })).collect()
}

fn bank_facts(bank: &BankFacts) -> Vec<Fact> {
    let all = [
        ("Bank's reference", &bank.bank_reference),
        ("RRN", &bank.rrn),
        ("On the statement", &bank.descriptor),
        ("Bank's code", &bank.status_code),
    ];
    let fact =
        |(name, text): (&'static str, &Option<String>)| Some(Fact { name, text: text.clone()? });
    all.into_iter().filter_map(fact).collect()
}

fn refund_row(refund: &Refund) -> RefundRow {
    RefundRow {
        number: refund.number,
        amount: amount(refund.amount.minor(), refund.amount.currency()),
        reference: refund.reference.as_ref().map(|one| one.as_str().to_owned()).unwrap_or_default(),
        pill: match &refund.state {
            RefundState::Pending { .. } => pill("wait", "bank", "At the bank"),
            RefundState::Refunded { .. } => pill("ok", "check", "Given back"),
            RefundState::Declined { .. } => pill("bad", "cross", "Declined"),
            RefundState::Failed { .. } => pill("bad", "cross", "Failed"),
        },
        asked: When::of(refund.requested_at),
    }
}

fn webhook_row(record: &DeliveryRecord) -> WebhookRow {
    WebhookRow {
        event: record.event_type.map_or_else(|| "Message".to_owned(), |one| one.to_string()),
        to: match record.id.endpoint {
            Some(endpoint) => format!("Endpoint {endpoint}"),
            None => "The address of the request".to_owned(),
        },
        attempts: record.attempts,
        pill: match record.state {
            DeliveryState::Pending => pill("wait", "clock", "To be sent"),
            DeliveryState::Delivered => pill("ok", "check", "Delivered"),
            DeliveryState::Dead => pill("bad", "cross", "Given up"),
        },
        written: When::of(record.created_at),
    }
}
