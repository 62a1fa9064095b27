//! Rows: made from a changeset in the caller's thread, turned back into types in one place.

use super::desks::{self, DeskRow};
use crate::json::{json, json_of_request};
use crate::payment_details;
use domain::card::{Brand, Expiry, MaskedCard};
use domain::delivery::{
    Attempt, Attempted, DeliveryId, DeliveryRecord, DeliveryState, Destination, DueDelivery,
    NewDelivery, NextStep,
};
use domain::endpoint::EndpointState;
use domain::event::{Event, EventKind};
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{self, Account, Balance, Posting};
use domain::merchant::Merchant;
use domain::method::{Method, MethodCode};
use domain::money::{Currency, Money};
use domain::payment::{Authentication, Fingerprint, Payment, State, Taken};
use domain::refund::{Refund, RefundState};
use domain::terminal::{Capture, Mode};
use domain::text::{Reference, RefundReason, WebAddress};
use domain::time::Timestamp;
use engine::admission::Admitted;
use engine::changeset::{
    AuditLine, BankMessageChange, CardChange, Changeset, EndpointChange, EndpointHealth,
    IdempotencyChange, PaymentChange, RefundChange, Resend, SealedCard, StoredEndpoint,
    StoredTerminal, TerminalChange,
};
use engine::error::{CommitError, StoreError};
use engine::verify::{DeliveryFacts, HeldFacts};
use rusqlite::Row;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A changeset as rows.
pub(super) struct Rows {
    pub(super) name: &'static str,
    pub(super) payment: Option<PaymentRow>,
    pub(super) event: Option<EventRow>,
    pub(super) card: Option<CardRow>,
    pub(super) refund: Option<RefundRow>,
    pub(super) postings: Vec<Posting>,
    pub(super) deliveries: Vec<NewDelivery>,
    pub(super) attempted: Vec<AttemptedRow>,
    pub(super) rare: Option<Box<RareRows>>,
    /// Held until the batch is written.
    pub(super) _admitted: Option<Admitted>,
}

/// What few changesets have; apart, so that the others are not as large.
#[derive(Default)]
pub(super) struct RareRows {
    pub(super) resend: Option<Resend>,
    pub(super) endpoint: Option<EndpointRow>,
    pub(super) endpoint_health: Option<EndpointHealth>,
    pub(super) idempotency: Option<IdempotencyChange>,
    pub(super) merchant: Option<Merchant>,
    pub(super) terminal: Option<TerminalRow>,
    pub(super) bank_message: Option<BankMessageChange>,
    pub(super) desk: Vec<DeskRow>,
    pub(super) audit: Option<AuditLine>,
}

pub(super) struct CardRow {
    pub(super) payment: PaymentId,
    pub(super) merchant: MerchantId,
    pub(super) change: CardChange,
}

pub(super) enum PaymentRow {
    Insert { payment: Arc<Payment>, request: String, facts: String, details: Option<String> },
    Update(UpdateRow),
}

impl PaymentRow {
    /// `payments.facts`
    pub(super) fn facts(&self) -> &str {
        match self {
            Self::Insert { facts, .. } => facts,
            Self::Update(update) => &update.facts,
        }
    }

    /// The payment after the change.
    pub(super) const fn payment(&self) -> &Arc<Payment> {
        match self {
            Self::Insert { payment, .. } | Self::Update(UpdateRow { payment, .. }) => payment,
        }
    }
}

pub(super) struct UpdateRow {
    pub(super) payment: Arc<Payment>,
    pub(super) expected_version: i64,
    pub(super) facts: String,
    pub(super) taken: Taken,
    pub(super) details: Option<String>,
}

pub(super) struct EventRow {
    pub(super) event: Event,
    /// None when they are the payment's own.
    pub(super) facts: Option<String>,
    pub(super) refund: Option<String>,
}

pub(super) struct RefundRow {
    pub(super) refund: Box<Refund>,
    pub(super) facts: String,
    pub(super) is_new: bool,
}

pub(super) struct AttemptedRow {
    pub(super) id: DeliveryId,
    pub(super) state: &'static str,
    pub(super) attempts: u32,
    pub(super) next_at: Option<i64>,
    pub(super) attempt: Attempt,
}

pub(super) struct EndpointRow {
    pub(super) endpoint: StoredEndpoint,
    pub(super) events: String,
    pub(super) expected_version: Option<i64>,
}

pub(super) struct TerminalRow {
    pub(super) terminal: StoredTerminal,
    pub(super) settings: String,
    pub(super) public_keys: String,
    pub(super) expected_version: Option<i64>,
}

/// Makes rows of a changeset.
pub(super) fn encode(mut changeset: Changeset) -> Result<Rows, CommitError> {
    let rare = rare_rows(&mut changeset)?;
    let owner = changeset.payment.as_ref().map(|change| match change {
        PaymentChange::Insert(payment) | PaymentChange::Update { payment, .. } => {
            (payment.id, payment.merchant)
        }
    });
    let card = owner.zip(changeset.card).map(|((payment, merchant), change)| CardRow {
        payment,
        merchant,
        change,
    });
    let state = changeset.payment.as_ref().map(|change| match change {
        PaymentChange::Insert(payment) | PaymentChange::Update { payment, .. } => &payment.state,
    });
    let event = changeset.event.map(|event| event_row(event, state)).transpose()?;
    let refund = changeset.refund.map(refund_row).transpose()?;
    if !ledger::balanced(&changeset.postings) {
        return Err(CommitError::Unbalanced);
    }
    let payment = match changeset.payment {
        None => None,
        Some(PaymentChange::Insert(payment)) => Some(PaymentRow::Insert {
            request: json_of_request(&payment.request)?,
            facts: json(&payment.state)?,
            details: payment_details::to_json(&payment)?,
            payment: payment.into(),
        }),
        Some(PaymentChange::Update { payment, expected_version }) => {
            Some(PaymentRow::Update(UpdateRow {
                expected_version,
                facts: json(&payment.state)?,
                taken: payment.state.taken().cloned().unwrap_or_default(),
                details: payment_details::to_json(&payment)?,
                payment: payment.into(),
            }))
        }
    };
    Ok(Rows {
        name: changeset.name,
        payment,
        event,
        card,
        refund,
        postings: changeset.postings,
        deliveries: changeset.deliveries,
        attempted: changeset.attempted.into_iter().map(attempted).collect(),
        rare,
        _admitted: changeset.admitted,
    })
}

/// None when there are none of them.
fn rare_rows(changeset: &mut Changeset) -> Result<Option<Box<RareRows>>, CommitError> {
    let terminal = match changeset.terminal.take() {
        None => None,
        Some(TerminalChange { terminal, expected_version }) => Some(TerminalRow {
            settings: json(&terminal.settings)?,
            public_keys: json(&terminal.public_keys)?,
            terminal,
            expected_version,
        }),
    };
    let rare = RareRows {
        resend: changeset.resend.take(),
        endpoint: changeset.endpoint.take().map(endpoint_row).transpose()?,
        endpoint_health: changeset.endpoint_health.take(),
        idempotency: changeset.idempotency.take(),
        merchant: changeset.merchant.take(),
        terminal,
        bank_message: changeset.bank_message.take(),
        desk: std::mem::take(&mut changeset.desk)
            .into_iter()
            .map(desks::encode)
            .collect::<Result<_, _>>()?,
        audit: changeset.audit.take(),
    };
    Ok(if rare.is_empty() { None } else { Some(Box::new(rare)) })
}

impl RareRows {
    const fn is_empty(&self) -> bool {
        let Self {
            resend: None,
            endpoint: None,
            endpoint_health: None,
            idempotency: None,
            merchant: None,
            terminal: None,
            bank_message: None,
            desk,
            audit: None,
        } = self
        else {
            return false;
        };
        desk.is_empty()
    }
}

fn event_row(event: Event, payment: Option<&State>) -> Result<EventRow, CommitError> {
    let is_shared = payment.is_some_and(|state| *state == event.state);
    Ok(EventRow {
        facts: if is_shared { None } else { Some(json(&event.state)?) },
        refund: event.refund.as_ref().map(json).transpose()?,
        event,
    })
}

fn refund_row(change: RefundChange) -> Result<RefundRow, CommitError> {
    let (refund, is_new) = match change {
        RefundChange::Insert(refund) => (refund, true),
        RefundChange::Update(refund) => (refund, false),
    };
    Ok(RefundRow { facts: json(&refund.state)?, refund, is_new })
}

fn attempted(attempted: Attempted) -> AttemptedRow {
    let (state, next_at) = match attempted.next {
        NextStep::Delivered => ("delivered", None),
        NextStep::RetryAt(at) => ("pending", Some(at.micros())),
        NextStep::Dead => ("dead", None),
    };
    AttemptedRow {
        id: attempted.id,
        state,
        attempts: attempted.attempts,
        next_at,
        attempt: attempted.attempt,
    }
}

fn endpoint_row(change: EndpointChange) -> Result<EndpointRow, CommitError> {
    let EndpointChange { endpoint, expected_version } = change;
    Ok(EndpointRow { events: json(&endpoint.events)?, endpoint, expected_version })
}

/// How an endpoint stands in a key: 0 for the payment's own address.
pub(super) fn endpoint_key(endpoint: Option<EndpointNumber>) -> i64 {
    endpoint.map_or(0, |number| number.0)
}

fn from_endpoint_key(key: i64) -> Option<EndpointNumber> {
    Some(EndpointNumber(key)).filter(|number| number.0 != 0)
}

/// A time that something took, in microseconds.
pub(super) fn took_micros(attempt: &Attempt) -> i64 {
    i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX)
}

/// An impossible value, by the place where it stands.
pub(super) struct Place {
    pub(super) table: &'static str,
    pub(super) row: String,
}

impl Place {
    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, row: self.row.clone() }
    }

    pub(super) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_hidden| self.corrupt(column))
    }
}

/// The columns of [`payment`], in order.
pub(super) const PAYMENT_COLUMNS: &str = "id, merchant_id, ter_no, mode, reference, attempt, \
    fingerprint, amount_minor, currency, method, card_brand, card_first_six, card_last_four, \
    authentication, request, created_at, state, facts, version, notices, due_at, capture, \
    captured_minor, refunded_minor, refunding_minor, details";

/// The one place where a row becomes a payment.
pub(super) fn payment(row: &Row<'_>) -> Result<Payment, super::QueryError> {
    let id: i64 = row.get(0)?;
    let place = Place { table: "payments", row: id.to_string() };
    let id = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("id"))?;
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let mode = Mode::from_name(text(3)?).ok_or_else(|| place.corrupt("mode"))?;
    let reference = Reference::parse(text(4)?).map_err(|_form| place.corrupt("reference"))?;
    let currency = Currency::from_code(text(8)?).map_err(|_unknown| place.corrupt("currency"))?;
    let amount =
        Money::from_minor(row.get(7)?, currency).ok_or_else(|| place.corrupt("amount_minor"))?;
    let code = MethodCode::from_code(text(9)?).ok_or_else(|| place.corrupt("method"))?;
    let card = match row.get_ref(10)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        None => None,
        Some(brand) => Some(MaskedCard {
            brand: brand_from_name(brand).ok_or_else(|| place.corrupt("card_brand"))?,
            first_six: row.get(11)?,
            last_four: row.get(12)?,
        }),
    };
    let details = row.get_ref(25)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let details = details.map(|text| place.json("details", text)).transpose()?.unwrap_or_default();
    let authentication =
        Authentication::from_name(text(13)?).ok_or_else(|| place.corrupt("authentication"))?;
    let facts: State = place.json("facts", text(17)?)?;
    if facts.name() != text(16)? {
        return Err(place.corrupt("state").into());
    }
    let taken = facts.taken().cloned().unwrap_or_default();
    if (taken.captured_minor, taken.refunded_minor, taken.refunding_minor)
        != (row.get(22)?, row.get(23)?, row.get(24)?)
    {
        return Err(place.corrupt("captured_minor, refunded_minor or refunding_minor").into());
    }
    Ok(Payment {
        id,
        merchant: MerchantId(row.get(1)?),
        terminal: TerminalNumber(row.get(2)?),
        mode,
        reference,
        attempt: row.get(5)?,
        fingerprint: Fingerprint(row.get(6)?),
        amount,
        method: Method { code, card, details },
        authentication,
        capture: Capture::from_name(text(21)?).ok_or_else(|| place.corrupt("capture"))?,
        request: Arc::new(place.json("request", text(14)?)?),
        created_at: Timestamp::from_micros(row.get(15)?),
        state: facts,
        version: row.get(18)?,
        notices: row.get(19)?,
        due_at: row.get::<_, Option<i64>>(20)?.map(Timestamp::from_micros),
    })
}

fn brand_from_name(name: &str) -> Option<Brand> {
    [
        Brand::Visa,
        Brand::Mastercard,
        Brand::Amex,
        Brand::Diners,
        Brand::Discover,
        Brand::Jcb,
        Brand::RuPay,
        Brand::UnionPay,
        Brand::Maestro,
    ]
    .into_iter()
    .find(|brand| brand.name() == name)
}

/// `payment_id, number, merchant_id, amount_minor, currency, reference, reason, requested_at,
/// state, facts`
pub(super) fn refund(row: &Row<'_>) -> Result<Refund, super::QueryError> {
    let id: i64 = row.get(0)?;
    let number: i32 = row.get(1)?;
    let place = Place { table: "refunds", row: format!("{id}/{number}") };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let optional =
        |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    let currency = Currency::from_code(text(4)?).map_err(|_unknown| place.corrupt("currency"))?;
    let amount =
        Money::from_minor(row.get(3)?, currency).ok_or_else(|| place.corrupt("amount_minor"))?;
    let reference = optional(5)?.map(Reference::parse).transpose();
    let reason = optional(6)?.map(RefundReason::parse).transpose();
    let state: RefundState = place.json("facts", text(9)?)?;
    if state.name() != text(8)? {
        return Err(place.corrupt("state").into());
    }
    Ok(Refund {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        number,
        merchant: MerchantId(row.get(2)?),
        amount,
        reference: reference.map_err(|_form| place.corrupt("reference"))?,
        reason: reason.map_err(|_form| place.corrupt("reason"))?,
        requested_at: Timestamp::from_micros(row.get(7)?),
        state,
    })
}

/// `merchant_id, mode, currency, account name, sum, count`
pub(super) fn balance(row: &Row<'_>) -> Result<Balance, super::QueryError> {
    let merchant: i64 = row.get(0)?;
    let place = Place { table: "postings", row: format!("of merchant {merchant}") };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Balance {
        merchant: MerchantId(merchant),
        mode: Mode::from_name(text(1)?).ok_or_else(|| place.corrupt("mode"))?,
        currency: Currency::from_code(text(2)?).map_err(|_unknown| place.corrupt("currency"))?,
        account: Account::from_name(text(3)?).ok_or_else(|| place.corrupt("account"))?,
        amount_minor: row.get(4)?,
        postings: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
    })
}

/// The columns of [`posting`], in order.
pub(super) const POSTING_COLUMNS: &str = "cause_place, sequence, account, payment_id, merchant_id, \
    mode, currency, amount_minor, at";

/// A posting that an event of a payment caused.
pub(super) fn posting(row: &Row<'_>) -> Result<Posting, super::QueryError> {
    let (id, sequence, account): (i64, i64, i64) = (row.get(3)?, row.get(1)?, row.get(2)?);
    let place = Place { table: "postings", row: format!("{id}/{sequence}/{account}") };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let account =
        Account::ALL.into_iter().find(|one| super::writer::account_number(*one) == account);
    Ok(Posting {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        sequence,
        merchant: MerchantId(row.get(4)?),
        mode: Mode::from_name(text(5)?).ok_or_else(|| place.corrupt("mode"))?,
        account: account.ok_or_else(|| place.corrupt("account"))?,
        currency: Currency::from_code(text(6)?).map_err(|_unknown| place.corrupt("currency"))?,
        amount_minor: row.get(7)?,
        at: Timestamp::from_micros(row.get(8)?),
    })
}

/// The columns of [`event`], in order.
pub(super) const EVENT_COLUMNS: &str =
    "place, sequence, payment_id, merchant_id, at, kind, facts, refund";

/// The one place where a row becomes an event.
pub(super) fn event(row: &Row<'_>) -> Result<Event, super::QueryError> {
    let (id, sequence): (i64, i64) = (row.get(2)?, row.get(1)?);
    let place = || Place { table: "events", row: format!("{id}/{sequence}") };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let refund = row.get_ref(7)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(Event {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place().corrupt("payment_id"))?,
        merchant: MerchantId(row.get(3)?),
        sequence,
        at: Timestamp::from_micros(row.get(4)?),
        kind: EventKind::from_name(text(5)?).ok_or_else(|| place().corrupt("kind"))?,
        state: serde_json::from_str(text(6)?).map_err(|_hidden| place().corrupt("facts"))?,
        refund: refund
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_hidden| place().corrupt("refund"))?,
    })
}

/// The columns of [`delivery_facts`], in order.
pub(super) const DELIVERY_FACTS: &str = "place, sequence, payment_id, merchant_id, ter_no, url, created_at, state, attempts, next_at, \
     endpoint";

/// A delivery without its body.
pub(super) fn delivery_facts(row: &Row<'_>) -> Result<DeliveryFacts, super::QueryError> {
    let (id, sequence): (i64, i32) = (row.get(2)?, row.get(1)?);
    let place = || Place { table: "deliveries", row: format!("{id}/{sequence}") };
    let state = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
    let payment = PaymentId::from_stored(id).map_err(|_invalid| place().corrupt("payment_id"))?;
    Ok(DeliveryFacts {
        id: DeliveryId { payment, sequence, endpoint: from_endpoint_key(row.get(10)?) },
        merchant: MerchantId(row.get(3)?),
        terminal: TerminalNumber(row.get(4)?),
        url: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
        state: DeliveryState::from_name(state).ok_or_else(|| place().corrupt("state"))?,
        attempts: row.get(8)?,
        next_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_micros),
    })
}

/// `place, payment_id, merchant_id, security_code IS NOT NULL`
pub(super) fn held_facts(row: &Row<'_>) -> Result<HeldFacts, super::QueryError> {
    let id: i64 = row.get(1)?;
    let place = || Place { table: "held_cards", row: id.to_string() };
    Ok(HeldFacts {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place().corrupt("payment_id"))?,
        merchant: MerchantId(row.get(2)?),
        has_security_code: row.get(3)?,
    })
}

/// `number, security_code, expiry_year, expiry_month`
pub(super) fn held_card(row: &Row<'_>) -> Result<SealedCard, super::QueryError> {
    Ok(SealedCard {
        number: row.get(0)?,
        security_code: row.get(1)?,
        expiry: Expiry { year: row.get(2)?, month: row.get(3)? },
    })
}

/// The columns of [`due_delivery`], in order.
pub(super) const DUE_DELIVERY: &str = "payment_id, sequence, endpoint, merchant_id, ter_no, url, \
    destination, content_type, body, attempts, created_at, begun_at";

/// A delivery that is due.
pub(super) fn due_delivery(row: &Row<'_>) -> Result<DueDelivery, super::QueryError> {
    Ok(DueDelivery {
        id: delivery_id(row)?,
        merchant: MerchantId(row.get(3)?),
        terminal: TerminalNumber(row.get(4)?),
        url: row.get(5)?,
        destination: Destination(row.get(6)?),
        content_type: row.get(7)?,
        body: row.get(8)?,
        attempts: row.get(9)?,
        created_at: Timestamp::from_micros(row.get(10)?),
        begun_at: Timestamp::from_micros(row.get(11)?),
    })
}

/// From `payment_id, sequence, endpoint`, the first columns of a row.
fn delivery_id(row: &Row<'_>) -> Result<DeliveryId, super::QueryError> {
    let id: i64 = row.get(0)?;
    let place = Place { table: "deliveries", row: id.to_string() };
    let payment = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?;
    let endpoint = from_endpoint_key(row.get(2)?);
    Ok(DeliveryId { payment, sequence: row.get(1)?, endpoint })
}

/// The columns of [`delivery_record`], in order.
pub(super) const DELIVERY_RECORD: &str = "payment_id, sequence, endpoint, merchant_id, ter_no, \
    event_type, url, created_at, state, attempts, next_at, last_at, last_took, last_status, \
    last_answer, last_error";

/// A delivery as lists show it.
pub(super) fn delivery_record(row: &Row<'_>) -> Result<DeliveryRecord, super::QueryError> {
    let id = delivery_id(row)?;
    let place = || Place { table: "deliveries", row: id.to_string() };
    let event_type: Option<String> = row.get(5)?;
    let event_type = event_type.map(|name| EventType::parse(&name)).transpose();
    let state = row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?;
    let is_tried = row.get::<_, Option<i64>>(11)?.is_some();
    Ok(DeliveryRecord {
        id,
        merchant: MerchantId(row.get(3)?),
        terminal: TerminalNumber(row.get(4)?),
        event_type: event_type.map_err(|_unknown| place().corrupt("event_type"))?,
        url: row.get(6)?,
        created_at: Timestamp::from_micros(row.get(7)?),
        state: DeliveryState::from_name(state).ok_or_else(|| place().corrupt("state"))?,
        attempts: row.get(9)?,
        next_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_micros),
        last: if is_tried { Some(attempt(row, 11)?) } else { None },
    })
}

/// `at, took, status, answer, error`, from this column on. An older release kept no time taken.
pub(super) fn attempt(row: &Row<'_>, first: usize) -> Result<Attempt, super::QueryError> {
    let column = |offset: usize| first.saturating_add(offset);
    let took: Option<i64> = row.get(column(1))?;
    let took = took.and_then(|took| u64::try_from(took).ok());
    Ok(Attempt {
        at: Timestamp::from_micros(row.get(column(0))?),
        took: std::time::Duration::from_micros(took.unwrap_or(0)),
        http_status: row.get(column(2))?,
        answer: row.get(column(3))?,
        error: row.get(column(4))?,
    })
}

/// The columns of [`endpoint`], in order.
pub(super) const ENDPOINT_COLUMNS: &str = "number, merchant_id, ter_no, mode, url, events, \
    description, state, state_since, failing_since, sealed_secrets, version, created_at";

/// The one place where a row becomes an endpoint.
pub(super) fn endpoint(row: &Row<'_>) -> Result<StoredEndpoint, super::QueryError> {
    let number: i64 = row.get(0)?;
    let place = Place { table: "endpoints", row: number.to_string() };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(StoredEndpoint {
        number: EndpointNumber(number),
        merchant: MerchantId(row.get(1)?),
        terminal: row.get::<_, Option<i64>>(2)?.map(TerminalNumber),
        mode: Mode::from_name(text(3)?).ok_or_else(|| place.corrupt("mode"))?,
        url: WebAddress::parse(text(4)?).map_err(|_wrong| place.corrupt("url"))?,
        events: place.json("events", text(5)?)?,
        description: row.get(6)?,
        state: EndpointState::from_name(text(7)?).ok_or_else(|| place.corrupt("state"))?,
        state_since: Timestamp::from_micros(row.get(8)?),
        failing_since: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_micros),
        sealed_secrets: row.get(10)?,
        version: row.get(11)?,
        created_at: Timestamp::from_micros(row.get(12)?),
    })
}

/// The columns of [`terminal`], in order.
pub(super) const TERMINAL_COLUMNS: &str = "t.ter_no, t.merchant_id, m.name, m.active, t.name, \
    t.mode, t.active, t.settings, t.public_keys, t.sealed_secrets, t.version, t.created_at";

/// The one place where a row becomes a terminal.
pub(super) fn terminal(row: &Row<'_>) -> Result<StoredTerminal, super::QueryError> {
    let number: i64 = row.get(0)?;
    let place = Place { table: "terminals", row: number.to_string() };
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(StoredTerminal {
        number: TerminalNumber(number),
        merchant: MerchantId(row.get(1)?),
        merchant_name: row.get(2)?,
        merchant_active: row.get(3)?,
        name: row.get(4)?,
        mode: Mode::from_name(text(5)?).ok_or_else(|| place.corrupt("mode"))?,
        active: row.get(6)?,
        settings: place.json("settings", text(7)?)?,
        public_keys: place.json("public_keys", text(8)?)?,
        sealed_secrets: row.get(9)?,
        version: row.get(10)?,
        created_at: Timestamp::from_micros(row.get(11)?),
    })
}

/// `id, name, active, approved, version, created_at`
pub(super) fn merchant(row: &Row<'_>) -> Result<Merchant, super::QueryError> {
    Ok(Merchant {
        id: MerchantId(row.get(0)?),
        name: row.get(1)?,
        active: row.get(2)?,
        approved: row.get(3)?,
        version: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
    })
}
