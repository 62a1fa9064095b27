//! One payment, with all that is known of it.

use super::list::{Row, row};
use super::parts::{Fact, code, fact, link};
use super::timeline::{Step, step};
use super::{refund, sent};
use crate::api::StatusAnswer;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, amount, moment, payment_pill, pill};
use askama::Template;
use domain::delivery::{DeliveryFilter, DeliveryRecord, DeliveryState};
use domain::event::Event;
use domain::money::{Currency, Money};
use domain::payment::{Authentication, Payment, State};
use domain::refund::{Refund, RefundState};
use domain::terminal::Capture;
use domain::text::{Reference, RefundReason};
use domain::user::Permission;
use http::StatusCode;

/// Webhooks that a payment's page shows; the rest is in the log.
const WEBHOOKS: u32 = 20;
/// Attempts that a payment's page shows, the newest first.
const ATTEMPTS: usize = 10;

/// What was typed into the page's forms, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) notice: Option<Notice>,
    pub(super) amount: String,
    pub(super) amount_error: String,
    pub(super) reason: String,
    pub(super) reason_error: String,
    pub(super) reference: String,
    pub(super) capture: String,
    pub(super) capture_error: String,
    pub(super) note: String,
    pub(super) note_error: String,
}

struct RefundRow {
    number: i32,
    amount: String,
    pill: Pill,
    reference: String,
    reason: String,
    at: String,
    at_text: String,
}

/// In the column of the other side.
const NOTHING: &str = "\u{2013}";

struct PostingRow {
    at_text: String,
    account: &'static str,
    debit: String,
    credit: String,
}

struct WebhookRow {
    href: String,
    id: String,
    event: &'static str,
    pill: Pill,
    url: String,
    at: String,
    at_text: String,
}

struct NoteRow {
    author: String,
    text: String,
    at: String,
    at_text: String,
}

/// The form that gives money back.
struct RefundForm {
    left: String,
}

/// The forms about money that is held.
struct HoldForms {
    held: String,
}

#[derive(Template)]
#[template(path = "portal/payment.html")]
struct PaymentPage {
    shell: Shell,
    list: String,
    here: String,
    amount: String,
    currency: &'static str,
    pill: Pill,
    sentence: String,
    facts: Vec<Fact>,
    customer: Vec<Fact>,
    bank: Vec<Fact>,
    steps: Vec<Step>,
    refunds: Vec<RefundRow>,
    postings: Vec<PostingRow>,
    webhooks: Vec<WebhookRow>,
    all_webhooks: String,
    attempts: Vec<Row>,
    notes: Vec<NoteRow>,
    request: String,
    answer: String,
    has_receipt: bool,
    refund: Option<RefundForm>,
    hold: Option<HoldForms>,
    may_note: bool,
    typed: Typed,
}

/// `GET /portal/{mode}/payments/{payment}`
pub(super) async fn payment(visit: Visit) -> Outcome {
    let payment = super::find(&visit).await?;
    show(&visit, payment, StatusCode::OK, Typed::default()).await
}

/// The page, with what was typed into its forms.
pub(super) async fn show(
    visit: &Visit,
    payment: Payment,
    status: StatusCode,
    typed: Typed,
) -> Outcome {
    let page = Box::pin(made(visit, &payment, typed)).await?;
    Ok(desk_page(&visit.app, status, &page))
}

async fn made(visit: &Visit, payment: &Payment, typed: Typed) -> Result<PaymentPage, Trouble> {
    let (gateway, actor) = (&visit.app.gateway, visit.actor());
    let currency = payment.amount.currency();
    let events = gateway.events(actor, payment.id).await?;
    let refunds = gateway.refunds(actor, payment.id).await?;
    let notes = gateway.notes(actor, payment.id).await?;
    let of_payment = DeliveryFilter { payment: Some(payment.id), ..DeliveryFilter::default() };
    let webhooks = gateway.deliveries(actor, of_payment, None, WEBHOOKS).await?;
    let mut typed = with_offers(visit, payment, typed);
    let shell = Shell::of(visit, &format!("Payment {}", payment.id));
    let shell = match typed.notice.take() {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let note = |note: &domain::user::Note| NoteRow {
        author: note.author.clone(),
        text: note.text.clone(),
        at: note.at.to_rfc3339(),
        at_text: moment(note.at),
    };
    Ok(PaymentPage {
        shell,
        list: visit.in_mode("/payments"),
        here: super::href(visit, payment),
        amount: amount(payment.amount.minor(), currency),
        currency: currency.code(),
        pill: payment_pill(payment),
        sentence: payment.response().to_owned(),
        facts: facts(visit, payment).await?,
        customer: customer(payment),
        bank: bank(payment, &events),
        steps: events.iter().map(|event| step(payment, event)).collect(),
        refunds: refunds.iter().map(refund_row).collect(),
        postings: postings(payment, &events, currency),
        webhooks: webhooks.deliveries.iter().map(|one| webhook_row(visit, one)).collect(),
        all_webhooks: visit.in_mode(&format!("/webhooks?payment={}", payment.id)),
        attempts: attempts(visit, payment).await?,
        notes: notes.iter().map(note).collect(),
        request: sent::request(payment),
        answer: StatusAnswer::of_status(payment, &visit.app)?.to_indented_json(),
        has_receipt: payment.state.taken().is_some(),
        refund: refund_form(visit, payment),
        hold: hold_forms(visit, payment),
        may_note: visit.may(Permission::Note),
        typed,
    })
}

/// Amounts that the forms offer, and the name of the refund that this page's form would ask for.
fn with_offers(visit: &Visit, payment: &Payment, mut typed: Typed) -> Typed {
    let currency = payment.amount.currency();
    let nothing_typed = typed.amount_error.is_empty() && typed.reason_error.is_empty();
    if nothing_typed && let Some(taken) = payment.state.taken() {
        typed.amount = as_typed(taken.left_minor(), currency);
    }
    if typed.reference.is_empty() || typed.notice.is_some() {
        typed.reference = refund::new_reference(visit, payment);
    }
    if typed.capture_error.is_empty() {
        typed.capture = as_typed(payment.amount.minor(), currency);
    }
    typed
}

/// As the amount's field takes it.
fn as_typed(minor: i64, currency: Currency) -> String {
    Money::from_minor(minor, currency).map(Money::to_decimal_text).unwrap_or_default()
}

fn refund_form(visit: &Visit, payment: &Payment) -> Option<RefundForm> {
    let left = payment.state.taken()?.left_minor();
    let offered = left > 0 && visit.may(Permission::Refund);
    offered.then(|| RefundForm { left: amount(left, payment.amount.currency()) })
}

fn hold_forms(visit: &Visit, payment: &Payment) -> Option<HoldForms> {
    let held = matches!(payment.state, State::Authorised(_));
    let held = held && visit.may(Permission::Refund);
    held.then(|| HoldForms { held: amount(payment.amount.minor(), payment.amount.currency()) })
}

async fn facts(visit: &Visit, payment: &Payment) -> Result<Vec<Fact>, Trouble> {
    let terminal = visit.app.gateway.terminal(visit.actor(), payment.terminal).await?;
    let name = terminal.map_or_else(String::new, |terminal| format!("{}, ", terminal.name));
    let terminal_page = visit.in_mode(&format!("/terminals/{}", payment.terminal));
    let currency = payment.amount.currency();
    let status = payment.order_status();
    let mut facts = vec![
        code("Payment number", payment.id.to_string()),
        code("Reference", payment.reference.to_string()),
        fact("Product", payment.request.product_name.to_string()),
        fact("Created", moment(payment.created_at)),
    ];
    if let Some(at) = payment.state.decided_at() {
        facts.push(fact("Decided", moment(at)));
    }
    if let Some(taken) = payment.state.taken() {
        facts.push(fact("Taken", amount(taken.captured_minor, currency)));
        if taken.refunded_minor > 0 {
            facts.push(fact("Given back", amount(taken.refunded_minor, currency)));
        }
        if taken.refunding_minor > 0 {
            facts.push(fact("On its way back", amount(taken.refunding_minor, currency)));
        }
        facts.push(fact("Left", amount(taken.left_minor(), currency)));
    }
    facts.push(fact("Method", payment.method.code.name()));
    if let Some(card) = &payment.method.card {
        facts.push(fact("Card", format!("{}, {}", card.brand, card.to_page_text())));
    }
    if let Some(payer) = payment.method.payer() {
        facts.push(fact("Bank, wallet or UPI address", payer));
    }
    facts.push(fact("Status in the API", format!("{} {}", status.code, status.text)));
    facts.push(link("Terminal", format!("{name}{}", payment.terminal), terminal_page));
    if payment.capture == Capture::Manual {
        facts.push(fact("Capture", "By hand, after the authorisation"));
    }
    Ok(facts)
}

fn customer(payment: &Payment) -> Vec<Fact> {
    let customer = &payment.request.customer;
    let address = [&customer.street, &customer.city, &customer.postcode];
    let address = address.into_iter().chain([&customer.state, &customer.country]);
    let address: Vec<&str> = address.filter_map(|part| part.as_deref()).collect();
    let address = Some(address.join(", ")).filter(|text| !text.is_empty());
    let own = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    [
        ("Name", own(&customer.full_name)),
        ("E-mail", own(&customer.email)),
        ("Phone", own(&customer.phone)),
        ("Address", address),
        ("Network address", customer.address.as_ref().map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| fact(name, value)))
    .collect()
}

fn bank(payment: &Payment, events: &[Event]) -> Vec<Fact> {
    let asked = match payment.authentication {
        Authentication::Challenge => "The customer proved who they are (3-D Secure or the like)",
        Authentication::Frictionless => "Without a check of the customer",
    };
    let opened = events
        .iter()
        .find(|event| event.kind == domain::event::EventKind::ChallengeOpened)
        .map(|event| fact("Check opened", moment(event.at)));
    let asked = if payment.authentication == Authentication::Challenge
        && !matches!(payment.state, State::Approved { .. } | State::Authorised(_))
    {
        "The customer has to prove who they are (3-D Secure or the like)"
    } else {
        asked
    };
    let mut facts = vec![fact("Authentication", asked)];
    facts.extend(opened);
    if let Some(said) = payment.state.bank() {
        let kept = |of: fn(&'static str, String) -> Fact, name, value: &Option<String>| {
            value.clone().map(|value| of(name, value))
        };
        facts.extend(kept(code, "Retrieval number (RRN)", &said.rrn));
        facts.extend(kept(code, "Bank's reference", &said.bank_reference));
        facts.extend(kept(fact, "Bank's status", &said.status_code));
        facts.extend(kept(fact, "On the statement", &said.descriptor));
    }
    if let State::Declined { reason, .. } = &payment.state {
        facts.push(fact("Reason", reason.text()));
    }
    facts
}

fn refund_row(refund: &Refund) -> RefundRow {
    RefundRow {
        number: refund.number,
        amount: amount(refund.amount.minor(), refund.amount.currency()),
        pill: match &refund.state {
            RefundState::Pending { .. } => pill("wait", "clock", "On its way"),
            RefundState::Refunded { .. } => pill("ok", "check", "Refunded"),
            RefundState::Declined { .. } => pill("bad", "cross", "Declined"),
            RefundState::Failed { .. } => pill("bad", "cross", "Failed"),
        },
        reference: refund.reference.as_ref().map_or("\u{2013}", Reference::as_str).to_owned(),
        reason: refund.reason.as_ref().map_or("\u{2013}", RefundReason::as_str).to_owned(),
        at: refund.requested_at.to_rfc3339(),
        at_text: moment(refund.requested_at),
    }
}

/// The same lines that stood in the commits of the events: they follow from the events alone.
fn postings(payment: &Payment, events: &[Event], currency: Currency) -> Vec<PostingRow> {
    let all = events.iter().flat_map(|event| domain::ledger::postings(payment, event));
    all.map(|posting| {
        let shown = amount(posting.amount_minor.saturating_abs(), currency);
        let (debit, credit) = if posting.amount_minor >= 0 {
            (shown, NOTHING.to_owned())
        } else {
            (NOTHING.to_owned(), shown)
        };
        let account = crate::portal::balance::account_title(posting.account);
        PostingRow { at_text: moment(posting.at), account, debit, credit }
    })
    .collect()
}

fn webhook_row(visit: &Visit, record: &DeliveryRecord) -> WebhookRow {
    let id = record.id.webhook_id();
    WebhookRow {
        href: visit.in_mode(&format!("/webhooks/deliveries/{id}")),
        id,
        event: record.event_type.map_or("payment", domain::event_type::EventType::name),
        pill: match record.state {
            DeliveryState::Pending => pill("wait", "clock", "Waiting"),
            DeliveryState::Delivered => pill("ok", "check", "Delivered"),
            DeliveryState::Dead => pill("bad", "cross", "Given up"),
        },
        url: record.url.clone(),
        at: record.created_at.to_rfc3339(),
        at_text: moment(record.created_at),
    }
}

async fn attempts(visit: &Visit, payment: &Payment) -> Result<Vec<Row>, Trouble> {
    let gateway = &visit.app.gateway;
    let all = gateway.attempts(visit.actor(), payment.terminal, &payment.reference).await?;
    let others = all.iter().rev().filter(|other| other.id != payment.id);
    Ok(others.take(ATTEMPTS).map(|other| row(visit, other)).collect())
}
