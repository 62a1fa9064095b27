//! Orders in the sandbox bank's books. An order is decided by its line in the journal, which is
//! written once; until then it is open.

use super::books::insert_line;
use super::cards::Answer;
use super::orders::{ByItself, Order};
use super::rules::{self, Call, Kind, Standing, Wish};
use domain::id::PaymentId;
use domain::method::MethodCode;
use domain::money::Money;
use domain::terminal::Capture;
use domain::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// The order of this reference; `substr` is how the index finds it.
pub(super) const ORDER: &str =
    "SELECT our_reference, trans_id, method, capture, institution, payer,
            payee, amount_minor, currency, reports_minor, return_url, step, is_silent, decides_at,
            decides, placed_at, times_asked
     FROM bank_order WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1";

/// An order and how often it was placed.
pub(super) struct Placed {
    pub(super) order: Order,
    times_asked: i64,
}

/// The order of a reference; an error when this program cannot read it.
pub(super) fn find(
    batch: &Transaction<'_>,
    our_reference: &str,
) -> rusqlite::Result<Result<Option<Placed>, String>> {
    match batch.prepare_cached(ORDER)?.query_row([our_reference], read).optional() {
        Err(rusqlite::Error::FromSqlConversionFailure(column, ..)) => {
            Ok(Err(format!("column {column} of order {our_reference} is unknown")))
        }
        found => found.map(Ok),
    }
}

/// What the bank says it took of the order with this reference; none when there is no such order.
pub(super) const REPORTS: &str = "SELECT reports_minor FROM bank_order
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1";

pub(super) fn reports(
    batch: &Transaction<'_>,
    our_reference: &str,
) -> rusqlite::Result<Option<i64>> {
    batch.prepare_cached(REPORTS)?.query_row([our_reference], |row| row.get(0)).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Placed> {
    let text = |column: usize| row.get::<_, String>(column);
    let unreadable = |column: usize| {
        let why = "a word that this program does not know";
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
    };
    let answer = match row.get::<_, Option<String>>(14)? {
        None => None,
        Some(code) => Some(Answer::from_status_code(&code).ok_or_else(|| unreadable(14))?),
    };
    let at = row.get::<_, Option<i64>>(13)?.map(Timestamp::from_micros);
    let step: Option<String> = row.get(11)?;
    let step = step.map(|step| serde_json::from_str(&step)).transpose();
    let currency = text(8)?.parse().map_err(|_unknown| unreadable(8))?;
    let order = Order {
        our_reference: text(0)?,
        payment: text(1)?.parse::<PaymentId>().map_err(|_invalid| unreadable(1))?,
        method: MethodCode::from_code(&text(2)?).ok_or_else(|| unreadable(2))?,
        capture: Capture::from_name(&text(3)?).ok_or_else(|| unreadable(3))?,
        institution: text(4)?,
        payer: row.get(5)?,
        payee: text(6)?,
        amount: Money::from_minor(row.get(7)?, currency).ok_or_else(|| unreadable(7))?,
        reports_minor: row.get(9)?,
        return_url: text(10)?,
        step: step.map_err(|_unknown| unreadable(11))?,
        is_silent: row.get(12)?,
        by_itself: at.zip(answer).map(|(at, answer)| ByItself { at, answer }),
        placed_at: Timestamp::from_micros(row.get(15)?),
    };
    Ok(Placed { order, times_asked: row.get(16)? })
}

pub(super) const COUNT_ORDER: &str = "UPDATE bank_order SET times_asked = times_asked + 1
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1";

/// Writes an order, or counts that it came again. False when another order has its reference.
pub(super) fn place(
    batch: &Transaction<'_>,
    before: Option<&Placed>,
    order: &Order,
) -> rusqlite::Result<bool> {
    let Some(Placed { order: before, .. }) = before else {
        insert(batch, order)?;
        return Ok(true);
    };
    let same = (before.payment, before.amount, before.method, before.capture)
        == (order.payment, order.amount, order.method, order.capture);
    if same {
        batch.prepare_cached(COUNT_ORDER)?.execute([&order.our_reference])?;
    }
    Ok(same)
}

fn insert(batch: &Transaction<'_>, order: &Order) -> rusqlite::Result<()> {
    let step = order.step.as_ref().map(serde_json::to_string).transpose();
    let step = step.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    batch
        .prepare_cached(
            "INSERT INTO bank_order (our_reference, trans_id, method, capture, institution, payer,
                 payee, amount_minor, currency, reports_minor, return_url, step, is_silent,
                 decides_at, decides, placed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            order.our_reference,
            order.payment.to_string(),
            order.method.code(),
            order.capture.name(),
            order.institution,
            order.payer,
            order.payee,
            order.amount.minor(),
            order.amount.currency().code(),
            order.reports_minor,
            order.return_url,
            step,
            order.is_silent,
            order.by_itself.map(|by_itself| by_itself.at.micros()),
            order.by_itself.map(|by_itself| by_itself.answer.status_code()),
            order.placed_at.micros(),
        ])?;
    Ok(())
}

/// What the bank has decided by itself until now; it counts before anything that comes later.
fn due(order: &Order, now: Timestamp) -> Option<ByItself> {
    order.by_itself.filter(|by_itself| by_itself.at <= now)
}

impl Order {
    /// The call that its decision is in the journal.
    pub(super) fn call(&self, answer: Answer, at: Timestamp) -> Call {
        Call {
            our_reference: self.our_reference.clone(),
            payment: self.payment,
            amount: self.amount,
            wish: Wish::Authorise { answer, capture: self.capture },
            at,
        }
    }
}

impl Placed {
    /// Whether the bank has decided by itself, and has not written it yet.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        due(&self.order, now).is_some()
    }

    /// Writes the line that decides an open order: what the bank decided by itself until now, or
    /// else this answer. Nothing when there is neither.
    pub(super) fn decide(
        &self,
        batch: &Transaction<'_>,
        answer: Option<Answer>,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let order = &self.order;
        let given = answer.map(|answer| ByItself { at: now, answer });
        let Some(ByItself { at, answer }) = due(order, now).or(given) else { return Ok(()) };
        let call = order.call(answer, at);
        let verdict = rules::decide(&call, None, false);
        insert_line(batch, &call, &verdict, self.times_asked)?;
        Ok(())
    }

    /// An open order as a reversal finds it: it took nothing.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            kind: Kind::Authorisation,
            trans_id: self.order.payment.to_string(),
            capture: Some(self.order.capture),
            amount_minor: self.order.amount.minor(),
            currency: self.order.amount.currency().code().to_owned(),
            approved: false,
            captured_minor: None,
            refunded_minor: 0,
            reversed: false,
        }
    }
}
