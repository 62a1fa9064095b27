//! Rows: a changeset's texts made ready in the caller's task, and rows turned back into types in
//! one place.

use super::batch::account_number;
use super::session::unavailable;
use crate::json::{json, json_of_request};
use domain::card::{Brand, Expiry, MaskedCard};
use domain::delivery::{
    Attempt, Backlog, DeliveryId, DeliveryRecord, DeliveryState, Destination, DueDelivery,
    DueDestination,
};
use domain::endpoint::EndpointState;
use domain::event::{Event, EventKind};
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{self, Account, Balance, Posting};
use domain::merchant::Merchant;
use domain::method::{Method, MethodCode};
use domain::money::{Currency, Money};
use domain::payment::{Authentication, Fingerprint, Payment};
use domain::refund::{Refund, RefundState};
use domain::terminal::{Capture, Mode};
use domain::text::{Reference, RefundReason, WebAddress};
use domain::time::Timestamp;
use engine::changeset::{
    Changeset, PaymentChange, RefundChange, SealedCard, StoredEndpoint, StoredTerminal,
};
use engine::error::{CommitError, StoreError};
use engine::verify::{DeliveryFacts, HeldFacts};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// A changeset with its JSON written, so that a committer only has to send it.
pub(super) struct Ready {
    pub(super) changeset: Changeset,
    /// `payments.request` of a new payment.
    pub(super) request: String,
    /// `payments.details`
    pub(super) details: Option<String>,
    /// `payments.facts`
    pub(super) payment_facts: String,
    /// `events.facts`
    pub(super) event_facts: String,
    /// `events.refund`
    pub(super) event_refund: Option<String>,
    /// `refunds.facts`
    pub(super) refund_facts: String,
    /// `terminals.settings`
    pub(super) settings: String,
    /// `terminals.public_keys`
    pub(super) public_keys: String,
    /// `endpoints.events`
    pub(super) events: String,
}

impl Ready {
    /// Writes what is kept as JSON.
    pub(super) fn new(changeset: Changeset) -> Result<Self, CommitError> {
        let (request, payment_facts) = match &changeset.payment {
            None => (String::new(), String::new()),
            Some(PaymentChange::Insert(payment)) => {
                (json_of_request(&payment.request)?, json(&payment.state)?)
            }
            Some(PaymentChange::Update { payment, .. }) => (String::new(), json(&payment.state)?),
        };
        let details = match &changeset.payment {
            None => None,
            Some(PaymentChange::Insert(payment) | PaymentChange::Update { payment, .. }) => {
                crate::payment_details::to_json(payment)?
            }
        };
        let (event_facts, event_refund) = match &changeset.event {
            None => (String::new(), None),
            Some(event) => (json(&event.state)?, event.refund.as_ref().map(json).transpose()?),
        };
        let refund_facts = match &changeset.refund {
            None => String::new(),
            Some(RefundChange::Insert(refund) | RefundChange::Update(refund)) => {
                json(&refund.state)?
            }
        };
        if !ledger::balanced(&changeset.postings) {
            return Err(CommitError::Unbalanced);
        }
        let (settings, public_keys) = match &changeset.terminal {
            None => (String::new(), String::new()),
            Some(change) => (json(&change.terminal.settings)?, json(&change.terminal.public_keys)?),
        };
        let events = match &changeset.endpoint {
            None => String::new(),
            Some(change) => json(&change.endpoint.events)?,
        };
        Ok(Self {
            changeset,
            request,
            details,
            payment_facts,
            event_facts,
            event_refund,
            refund_facts,
            settings,
            public_keys,
            events,
        })
    }

    /// The payment that is inserted or changed.
    pub(super) fn payment(&self) -> Option<&Payment> {
        self.changeset.payment.as_ref().map(|change| match change {
            PaymentChange::Insert(payment) | PaymentChange::Update { payment, .. } => &**payment,
        })
    }

    /// Whether it can be written together with others: it has only rows of the common kinds, and
    /// all of them hang on one.
    pub(super) fn is_common(&self) -> bool {
        let Changeset { payment, attempted, deliveries, idempotency, bank_message, .. } =
            &self.changeset;
        (payment.is_none() || attempted.is_empty())
            && (payment.is_some() || deliveries.is_empty())
            && idempotency.is_none()
            && bank_message.is_none()
            && !self.has_rare_rows()
    }

    /// Whether all it writes is one idempotency key, or one bank's message.
    pub(super) fn is_one_statement(&self) -> bool {
        let Changeset { payment, attempted, deliveries, idempotency, bank_message, .. } =
            &self.changeset;
        payment.is_none()
            && attempted.is_empty()
            && deliveries.is_empty()
            && idempotency.is_some() != bank_message.is_some()
            && !self.has_rare_rows()
    }

    /// Whether it has rows that are written one by one, beside one bank's message.
    const fn has_rare_rows(&self) -> bool {
        let Changeset {
            merchant, terminal, audit, resend, endpoint, endpoint_health, desk, ..
        } = &self.changeset;
        !desk.is_empty()
            || merchant.is_some()
            || terminal.is_some()
            || audit.is_some()
            || resend.is_some()
            || endpoint.is_some()
            || endpoint_health.is_some()
    }
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

pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| unavailable(&error))
}

/// The columns of [`payment`], in order; the table is `p`.
macro_rules! payment_columns {
    () => {
        "p.id, p.merchant_id, p.ter_no, p.mode, p.reference, p.attempt, p.fingerprint, \
         p.amount_minor, p.currency, p.method, p.card_brand, p.card_first_six, p.card_last_four, \
         p.authentication, p.request, p.created_at, p.state, p.facts, p.version, p.notices, \
         p.due_at, p.capture, p.captured_minor, p.refunded_minor, p.refunding_minor, p.details"
    };
}
pub(super) use payment_columns;

/// The one place where a row becomes a payment.
pub(super) fn payment(row: &Row) -> Result<Payment, StoreError> {
    let id: i64 = get(row, 0)?;
    let place = Place { table: "payments", row: id.to_string() };
    let id = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("id"))?;
    let text = |column: usize| get::<&str>(row, column);
    let mode = Mode::from_name(text(3)?).ok_or_else(|| place.corrupt("mode"))?;
    let reference = Reference::parse(text(4)?).map_err(|_form| place.corrupt("reference"))?;
    let fingerprint =
        get::<&[u8]>(row, 6)?.try_into().map_err(|_length| place.corrupt("fingerprint"))?;
    let currency = Currency::from_code(text(8)?).map_err(|_unknown| place.corrupt("currency"))?;
    let amount =
        Money::from_minor(get(row, 7)?, currency).ok_or_else(|| place.corrupt("amount_minor"))?;
    let code = MethodCode::from_code(text(9)?).ok_or_else(|| place.corrupt("method"))?;
    let card = match get::<Option<&str>>(row, 10)? {
        None => None,
        Some(brand) => Some(MaskedCard {
            brand: brand_from_name(brand).ok_or_else(|| place.corrupt("card_brand"))?,
            first_six: get(row, 11)?,
            last_four: get(row, 12)?,
        }),
    };
    let details = get::<Option<&str>>(row, 25)?;
    let details = details.map(|text| place.json("details", text)).transpose()?.unwrap_or_default();
    let authentication =
        Authentication::from_name(text(13)?).ok_or_else(|| place.corrupt("authentication"))?;
    let facts: domain::payment::State = place.json("facts", text(17)?)?;
    if facts.name() != text(16)? {
        return Err(place.corrupt("state"));
    }
    let taken = facts.taken().cloned().unwrap_or_default();
    if (taken.captured_minor, taken.refunded_minor, taken.refunding_minor)
        != (get(row, 22)?, get(row, 23)?, get(row, 24)?)
    {
        return Err(place.corrupt("captured_minor, refunded_minor or refunding_minor"));
    }
    Ok(Payment {
        id,
        merchant: MerchantId(get(row, 1)?),
        terminal: TerminalNumber(get(row, 2)?),
        mode,
        reference,
        attempt: get(row, 5)?,
        fingerprint: Fingerprint(fingerprint),
        amount,
        method: Method { code, card, details },
        authentication,
        capture: Capture::from_name(text(21)?).ok_or_else(|| place.corrupt("capture"))?,
        request: Arc::new(place.json("request", text(14)?)?),
        created_at: Timestamp::from_micros(get(row, 15)?),
        state: facts,
        version: get(row, 18)?,
        notices: get(row, 19)?,
        due_at: get::<Option<i64>>(row, 20)?.map(Timestamp::from_micros),
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
pub(super) fn refund(row: &Row) -> Result<Refund, StoreError> {
    let (id, number): (i64, i32) = (get(row, 0)?, get(row, 1)?);
    let place = Place { table: "refunds", row: format!("{id}/{number}") };
    let text = |column: usize| get::<&str>(row, column);
    let currency = Currency::from_code(text(4)?).map_err(|_unknown| place.corrupt("currency"))?;
    let amount =
        Money::from_minor(get(row, 3)?, currency).ok_or_else(|| place.corrupt("amount_minor"))?;
    let reference = get::<Option<&str>>(row, 5)?.map(Reference::parse).transpose();
    let reason = get::<Option<&str>>(row, 6)?.map(RefundReason::parse).transpose();
    let state: RefundState = place.json("facts", text(9)?)?;
    if state.name() != text(8)? {
        return Err(place.corrupt("state"));
    }
    Ok(Refund {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        number,
        merchant: MerchantId(get(row, 2)?),
        amount,
        reference: reference.map_err(|_form| place.corrupt("reference"))?,
        reason: reason.map_err(|_form| place.corrupt("reason"))?,
        requested_at: Timestamp::from_micros(get(row, 7)?),
        state,
    })
}

/// `payment_id, merchant_id, sequence, at, kind, facts, refund`
pub(super) fn event(row: &Row) -> Result<Event, StoreError> {
    let (id, sequence): (i64, i64) = (get(row, 0)?, get(row, 2)?);
    let place = Place { table: "events", row: format!("{id}/{sequence}") };
    let kind = EventKind::from_name(get(row, 4)?).ok_or_else(|| place.corrupt("kind"))?;
    let refund = get::<Option<&str>>(row, 6)?;
    Ok(Event {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        merchant: MerchantId(get(row, 1)?),
        sequence,
        at: Timestamp::from_micros(get(row, 3)?),
        kind,
        state: place.json("facts", get(row, 5)?)?,
        refund: refund.map(|facts| place.json("refund", facts)).transpose()?,
    })
}

/// `cause_id, sequence, account, payment_id, merchant_id, mode, currency, amount_minor, at`: a
/// posting that an event of a payment caused.
pub(super) fn posting(row: &Row) -> Result<Posting, StoreError> {
    let (id, sequence, account): (i64, i64, i32) = (get(row, 3)?, get(row, 1)?, get(row, 2)?);
    let place = Place { table: "postings", row: format!("{id}/{sequence}/{account}") };
    let account = Account::ALL.into_iter().find(|one| account_number(*one) == account);
    Ok(Posting {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        sequence,
        merchant: MerchantId(get(row, 4)?),
        mode: Mode::from_name(get(row, 5)?).ok_or_else(|| place.corrupt("mode"))?,
        account: account.ok_or_else(|| place.corrupt("account"))?,
        currency: Currency::from_code(get(row, 6)?)
            .map_err(|_unknown| place.corrupt("currency"))?,
        amount_minor: get(row, 7)?,
        at: Timestamp::from_micros(get(row, 8)?),
    })
}

/// `payment_id, sequence, merchant_id, ter_no, url, created_at, state, attempts, next_at, endpoint`
pub(super) fn delivery_facts(row: &Row) -> Result<DeliveryFacts, StoreError> {
    let (id, sequence): (i64, i32) = (get(row, 0)?, get(row, 1)?);
    let place = Place { table: "deliveries", row: format!("{id}/{sequence}") };
    let payment = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?;
    Ok(DeliveryFacts {
        id: DeliveryId { payment, sequence, endpoint: from_endpoint_key(get(row, 9)?) },
        merchant: MerchantId(get(row, 2)?),
        terminal: TerminalNumber(get(row, 3)?),
        url: get(row, 4)?,
        created_at: Timestamp::from_micros(get(row, 5)?),
        state: DeliveryState::from_name(get(row, 6)?).ok_or_else(|| place.corrupt("state"))?,
        attempts: get(row, 7)?,
        next_at: get::<Option<i64>>(row, 8)?.map(Timestamp::from_micros),
    })
}

/// `payment_id, merchant_id, security_code IS NOT NULL`
pub(super) fn held_facts(row: &Row) -> Result<HeldFacts, StoreError> {
    let id: i64 = get(row, 0)?;
    let place = Place { table: "held_cards", row: id.to_string() };
    Ok(HeldFacts {
        payment: PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?,
        merchant: MerchantId(get(row, 1)?),
        has_security_code: get(row, 2)?,
    })
}

/// `merchant_id, mode, currency, account name, sum, count`
pub(super) fn balance(row: &Row) -> Result<Balance, StoreError> {
    let merchant: i64 = get(row, 0)?;
    let place = Place { table: "postings", row: format!("of merchant {merchant}") };
    let text = |column: usize| get::<&str>(row, column);
    Ok(Balance {
        merchant: MerchantId(merchant),
        mode: Mode::from_name(text(1)?).ok_or_else(|| place.corrupt("mode"))?,
        currency: Currency::from_code(text(2)?).map_err(|_unknown| place.corrupt("currency"))?,
        account: Account::from_name(text(3)?).ok_or_else(|| place.corrupt("account"))?,
        amount_minor: get(row, 4)?,
        postings: u64::try_from(get::<i64>(row, 5)?).unwrap_or(0),
    })
}

/// `payment_id, number, security_code, expiry_year, expiry_month`
pub(super) fn held_card(row: &Row) -> Result<SealedCard, StoreError> {
    let place = Place { table: "held_cards", row: get::<i64>(row, 0)?.to_string() };
    let year = i16::try_from(get::<i32>(row, 3)?).map_err(|_range| place.corrupt("expiry_year"))?;
    let month =
        i8::try_from(get::<i32>(row, 4)?).map_err(|_range| place.corrupt("expiry_month"))?;
    Ok(SealedCard {
        number: get(row, 1)?,
        security_code: get(row, 2)?,
        expiry: Expiry { year, month },
    })
}

/// How an endpoint stands in a key: 0 for the payment's own address.
pub(super) fn endpoint_key(endpoint: Option<EndpointNumber>) -> i64 {
    endpoint.map_or(0, |number| number.0)
}

fn from_endpoint_key(key: i64) -> Option<EndpointNumber> {
    Some(EndpointNumber(key)).filter(|number| number.0 != 0)
}

/// `payment_id, sequence, endpoint, merchant_id, ter_no, url, destination, content_type, body,
/// attempts, created_at, begun_at`
pub(super) fn due_delivery(row: &Row) -> Result<DueDelivery, StoreError> {
    let id = delivery_id(row)?;
    Ok(DueDelivery {
        id,
        merchant: MerchantId(get(row, 3)?),
        terminal: TerminalNumber(get(row, 4)?),
        url: get(row, 5)?,
        destination: Destination(get(row, 6)?),
        content_type: get(row, 7)?,
        body: get(row, 8)?,
        attempts: attempts(row, 9)?,
        created_at: Timestamp::from_micros(get(row, 10)?),
        begun_at: Timestamp::from_micros(get(row, 11)?),
    })
}

fn attempts(row: &Row, column: usize) -> Result<u32, StoreError> {
    let number: i64 = get(row, column)?;
    let place = || Place { table: "deliveries", row: format!("with {number} attempts") };
    u32::try_from(number).map_err(|_range| place().corrupt("attempts"))
}

/// `destination, merchant_id, attempts, next_at`: a queue, and when its first one is due.
pub(super) fn due_destination(row: &Row) -> Result<(DueDestination, Timestamp), StoreError> {
    let destination = DueDestination {
        destination: Destination(get(row, 0)?),
        merchant: MerchantId(get(row, 1)?),
        attempts: attempts(row, 2)?,
    };
    Ok((destination, Timestamp::from_micros(get(row, 3)?)))
}

/// From `payment_id, sequence, endpoint`, the first columns of a row.
fn delivery_id(row: &Row) -> Result<DeliveryId, StoreError> {
    let id: i64 = get(row, 0)?;
    let place = Place { table: "deliveries", row: id.to_string() };
    let payment = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?;
    let endpoint = from_endpoint_key(get(row, 2)?);
    Ok(DeliveryId { payment, sequence: get(row, 1)?, endpoint })
}

/// The columns of [`delivery_record`], in order; the table is `d`.
macro_rules! delivery_columns {
    () => {
        "d.payment_id, d.sequence, d.endpoint, d.merchant_id, d.ter_no, d.event_type, d.url, \
         d.created_at, d.state, d.attempts, d.next_at, d.last_at, d.last_took, d.last_status, \
         d.last_answer, d.last_error"
    };
}
pub(super) use delivery_columns;

/// A delivery as lists show it.
pub(super) fn delivery_record(row: &Row) -> Result<DeliveryRecord, StoreError> {
    let id = delivery_id(row)?;
    let place = || Place { table: "deliveries", row: id.to_string() };
    let event_type = get::<Option<&str>>(row, 5)?.map(EventType::parse).transpose();
    let is_tried = get::<Option<i64>>(row, 11)?.is_some();
    Ok(DeliveryRecord {
        id,
        merchant: MerchantId(get(row, 3)?),
        terminal: TerminalNumber(get(row, 4)?),
        event_type: event_type.map_err(|_unknown| place().corrupt("event_type"))?,
        url: get(row, 6)?,
        created_at: Timestamp::from_micros(get(row, 7)?),
        state: DeliveryState::from_name(get(row, 8)?).ok_or_else(|| place().corrupt("state"))?,
        attempts: attempts(row, 9)?,
        next_at: get::<Option<i64>>(row, 10)?.map(Timestamp::from_micros),
        last: if is_tried { Some(attempt(row, 11)?) } else { None },
    })
}

/// The content type and the body, behind the columns of a record.
pub(super) fn delivery_text(row: &Row) -> Result<(String, String), StoreError> {
    Ok((get(row, 16)?, get(row, 17)?))
}

/// `at, took, status, answer, error`, from this column on. An older release kept no time taken.
pub(super) fn attempt(row: &Row, first: usize) -> Result<Attempt, StoreError> {
    let column = |offset: usize| first.saturating_add(offset);
    let at: i64 = get(row, column(0))?;
    let took: Option<i64> = get(row, column(1))?;
    let status: Option<i32> = get(row, column(2))?;
    let place = || Place { table: "delivery_attempts", row: format!("at {at}") };
    let status = status.map(u16::try_from).transpose();
    Ok(Attempt {
        at: Timestamp::from_micros(at),
        took: std::time::Duration::from_micros(took.and_then(|t| t.try_into().ok()).unwrap_or(0)),
        http_status: status.map_err(|_range| place().corrupt("status"))?,
        answer: get(row, column(3))?,
        error: get(row, column(4))?,
    })
}

/// A count.
pub(super) fn counted(row: &Row) -> Result<u64, StoreError> {
    Ok(u64::try_from(get::<i64>(row, 0)?).unwrap_or(0))
}

/// `pending, due, min(next_at)`
pub(super) fn backlog(row: &Row, now: Timestamp) -> Result<Backlog, StoreError> {
    let count = |column: usize| get::<i64>(row, column).map(|n| u64::try_from(n).unwrap_or(0));
    let oldest = get::<Option<i64>>(row, 2)?.map(Timestamp::from_micros);
    Ok(Backlog { pending: count(0)?, due: count(1)?, oldest_due: oldest.filter(|at| *at <= now) })
}

/// The columns of [`endpoint`], in order.
macro_rules! endpoint_columns {
    () => {
        "number, merchant_id, ter_no, mode, url, events, description, state, state_since, \
         failing_since, sealed_secrets, version, created_at"
    };
}
pub(super) use endpoint_columns;

/// The one place where a row becomes an endpoint.
pub(super) fn endpoint(row: &Row) -> Result<StoredEndpoint, StoreError> {
    let number: i64 = get(row, 0)?;
    let place = Place { table: "endpoints", row: number.to_string() };
    Ok(StoredEndpoint {
        number: EndpointNumber(number),
        merchant: MerchantId(get(row, 1)?),
        terminal: get::<Option<i64>>(row, 2)?.map(TerminalNumber),
        mode: Mode::from_name(get(row, 3)?).ok_or_else(|| place.corrupt("mode"))?,
        url: WebAddress::parse(get(row, 4)?).map_err(|_wrong| place.corrupt("url"))?,
        events: place.json("events", get(row, 5)?)?,
        description: get(row, 6)?,
        state: EndpointState::from_name(get(row, 7)?).ok_or_else(|| place.corrupt("state"))?,
        state_since: Timestamp::from_micros(get(row, 8)?),
        failing_since: get::<Option<i64>>(row, 9)?.map(Timestamp::from_micros),
        sealed_secrets: get(row, 10)?,
        version: get(row, 11)?,
        created_at: Timestamp::from_micros(get(row, 12)?),
    })
}

/// The columns of [`terminal`], in order; the tables are `t` and `m`.
macro_rules! terminal_columns {
    () => {
        "t.ter_no, t.merchant_id, m.name, m.active, t.name, t.mode, t.active, t.settings, \
         t.public_keys, t.sealed_secrets, t.version, t.created_at"
    };
}
pub(super) use terminal_columns;

/// The one place where a row becomes a terminal.
pub(super) fn terminal(row: &Row) -> Result<StoredTerminal, StoreError> {
    let number: i64 = get(row, 0)?;
    let place = Place { table: "terminals", row: number.to_string() };
    Ok(StoredTerminal {
        number: TerminalNumber(number),
        merchant: MerchantId(get(row, 1)?),
        merchant_name: get(row, 2)?,
        merchant_active: get(row, 3)?,
        name: get(row, 4)?,
        mode: Mode::from_name(get(row, 5)?).ok_or_else(|| place.corrupt("mode"))?,
        active: get(row, 6)?,
        settings: place.json("settings", get(row, 7)?)?,
        public_keys: place.json("public_keys", get(row, 8)?)?,
        sealed_secrets: get(row, 9)?,
        version: get(row, 10)?,
        created_at: Timestamp::from_micros(get(row, 11)?),
    })
}

/// `id, name, active, created_at`
pub(super) fn merchant(row: &Row) -> Result<Merchant, StoreError> {
    Ok(Merchant {
        id: MerchantId(get(row, 0)?),
        name: get(row, 1)?,
        active: get(row, 2)?,
        approved: get(row, 3)?,
        version: get(row, 4)?,
        created_at: Timestamp::from_micros(get(row, 5)?),
    })
}
