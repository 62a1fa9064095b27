//! Rows: made from a changeset in the caller's thread, turned back into types in one place.

use domain::card::{Brand, Expiry, MaskedCard};
use domain::delivery::{Attempted, DeliveryId, DueDelivery, NewDelivery, NextStep};
use domain::event::Event;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::merchant::Merchant;
use domain::method::{Method, MethodCode};
use domain::money::{Currency, Money};
use domain::payment::{Authentication, Fingerprint, Payment};
use domain::terminal::Mode;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::changeset::{
    AuditLine, CardChange, Changeset, IdempotencyChange, PaymentChange, SealedCard, StoredTerminal,
    TerminalChange,
};
use engine::error::{CommitError, StoreError};
use rusqlite::Row;
use serde::de::DeserializeOwned;

/// A changeset as rows.
pub(super) struct Rows {
    pub(super) name: &'static str,
    pub(super) payment: Option<PaymentRow>,
    pub(super) event: Option<EventRow>,
    pub(super) card: Option<CardRow>,
    pub(super) deliveries: Vec<NewDelivery>,
    pub(super) attempted: Vec<AttemptedRow>,
    pub(super) idempotency: Option<IdempotencyChange>,
    pub(super) merchant: Option<Merchant>,
    pub(super) terminal: Option<TerminalRow>,
    pub(super) audit: Option<AuditLine>,
}

pub(super) struct CardRow {
    pub(super) payment: PaymentId,
    pub(super) merchant: MerchantId,
    pub(super) change: CardChange,
}

pub(super) enum PaymentRow {
    Insert { payment: Box<Payment>, request: String, facts: String },
    Update(UpdateRow),
}

pub(super) struct UpdateRow {
    pub(super) id: PaymentId,
    pub(super) expected_version: i64,
    pub(super) state: &'static str,
    pub(super) facts: String,
    pub(super) version: i64,
    pub(super) notices: i32,
    pub(super) due_at: Option<i64>,
}

pub(super) struct EventRow {
    pub(super) event: Event,
    pub(super) facts: String,
}

pub(super) struct AttemptedRow {
    pub(super) id: DeliveryId,
    pub(super) state: &'static str,
    pub(super) attempts: u32,
    pub(super) next_at: Option<i64>,
    pub(super) at: i64,
    pub(super) http_status: Option<u16>,
    pub(super) error: Option<String>,
}

pub(super) struct TerminalRow {
    pub(super) terminal: StoredTerminal,
    pub(super) settings: String,
    pub(super) public_keys: String,
    pub(super) expected_version: Option<i64>,
}

fn json(value: &impl serde::Serialize) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Unavailable(error.to_string()))
}

/// Makes rows of a changeset.
pub(super) fn encode(changeset: Changeset) -> Result<Rows, CommitError> {
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
    let event = match changeset.event {
        Some(event) => Some(EventRow { facts: json(&event.state)?, event }),
        None => None,
    };
    let payment = match changeset.payment {
        None => None,
        Some(PaymentChange::Insert(payment)) => Some(PaymentRow::Insert {
            request: json(&payment.request)?,
            facts: json(&payment.state)?,
            payment,
        }),
        Some(PaymentChange::Update { payment, expected_version }) => {
            Some(PaymentRow::Update(UpdateRow {
                id: payment.id,
                expected_version,
                state: payment.state.name(),
                facts: json(&payment.state)?,
                version: payment.version,
                notices: payment.notices,
                due_at: payment.due_at.map(Timestamp::micros),
            }))
        }
    };
    let terminal = match changeset.terminal {
        None => None,
        Some(TerminalChange { terminal, expected_version }) => Some(TerminalRow {
            settings: json(&terminal.settings)?,
            public_keys: json(&terminal.public_keys)?,
            terminal,
            expected_version,
        }),
    };
    Ok(Rows {
        name: changeset.name,
        payment,
        event,
        card,
        deliveries: changeset.deliveries,
        attempted: changeset.attempted.into_iter().map(attempted).collect(),
        idempotency: changeset.idempotency,
        merchant: changeset.merchant,
        terminal,
        audit: changeset.audit,
    })
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
        at: attempted.at.micros(),
        http_status: attempted.http_status,
        error: attempted.error,
    }
}

/// An impossible value, by the place where it stands.
struct Place {
    table: &'static str,
    row: String,
}

impl Place {
    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, row: self.row.clone() }
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_hidden| self.corrupt(column))
    }
}

/// The columns of [`payment`], in order.
pub(super) const PAYMENT_COLUMNS: &str = "id, merchant_id, ter_no, mode, reference, attempt, \
    fingerprint, amount_minor, currency, method, card_brand, card_first_six, card_last_four, \
    authentication, request, created_at, state, facts, version, notices, due_at";

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
    let authentication =
        Authentication::from_name(text(13)?).ok_or_else(|| place.corrupt("authentication"))?;
    let facts: domain::payment::State = place.json("facts", text(17)?)?;
    if facts.name() != text(16)? {
        return Err(place.corrupt("state").into());
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
        method: Method { code, card },
        authentication,
        request: place.json("request", text(14)?)?,
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

/// `number, security_code, expiry_year, expiry_month`
pub(super) fn held_card(row: &Row<'_>) -> Result<SealedCard, super::QueryError> {
    Ok(SealedCard {
        number: row.get(0)?,
        security_code: row.get(1)?,
        expiry: Expiry { year: row.get(2)?, month: row.get(3)? },
    })
}

/// `payment_id, sequence, merchant_id, ter_no, url, content_type, body, attempts, created_at`
pub(super) fn due_delivery(row: &Row<'_>) -> Result<DueDelivery, super::QueryError> {
    let id: i64 = row.get(0)?;
    let place = Place { table: "deliveries", row: id.to_string() };
    let payment = PaymentId::from_stored(id).map_err(|_invalid| place.corrupt("payment_id"))?;
    Ok(DueDelivery {
        id: DeliveryId { payment, sequence: row.get(1)? },
        merchant: MerchantId(row.get(2)?),
        terminal: TerminalNumber(row.get(3)?),
        url: row.get(4)?,
        content_type: row.get(5)?,
        body: row.get(6)?,
        attempts: row.get(7)?,
        created_at: Timestamp::from_micros(row.get(8)?),
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

/// `id, name, active, created_at`
pub(super) fn merchant(row: &Row<'_>) -> Result<Merchant, super::QueryError> {
    Ok(Merchant {
        id: MerchantId(row.get(0)?),
        name: row.get(1)?,
        active: row.get(2)?,
        created_at: Timestamp::from_micros(row.get(3)?),
    })
}
