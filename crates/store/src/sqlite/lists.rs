//! Lists of payments, page by page, each page by an index: it costs the same wherever in the list
//! it is, and however long the list.

use super::queries::list;
use super::{QueryError, rows};
use domain::id::{MerchantId, PaymentId};
use domain::payment::Payment;
use domain::terminal::Mode;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::ports::PaymentsAsked;
use rusqlite::{Connection, OptionalExtension as _};
use std::cmp::Reverse;

/// Where a payment stands in the list of its terminal: when it was made, and its place among all.
type Key = (i64, i64);

/// Those of one merchant, or of all, the newest first.
pub(super) fn newest_payments(
    connection: &Connection,
    merchant: Option<MerchantId>,
    asked: &PaymentsAsked,
) -> Result<Vec<Payment>, QueryError> {
    if merchant.is_none() && asked.filter.terminal.is_none() && asked.filter.reference.is_none() {
        return of_all(connection, asked);
    }
    let before = match asked.before {
        Some(before) => key_of(connection, before)?,
        None => Some((i64::MAX, i64::MAX)),
    };
    let Some(before) = before else { return Ok(Vec::new()) };
    let mut keys = Vec::new();
    for terminal in terminals(connection, merchant, asked)? {
        keys.extend(match &asked.filter.reference {
            None => keys_of_terminal(connection, terminal, before, asked)?,
            Some(reference) => keys_of_reference(connection, terminal, reference, before, asked)?,
        });
    }
    keys.sort_unstable_by_key(|key: &Key| Reverse(*key));
    keys.truncate(usize::try_from(asked.limit).unwrap_or(usize::MAX));
    let sql = format!("SELECT {} FROM payments WHERE place = ?1", rows::PAYMENT_COLUMNS);
    let mut found = Vec::with_capacity(keys.len());
    for (_at, place) in keys {
        found.extend(list(connection, &sql, [place], rows::payment)?);
    }
    Ok(found)
}

/// By their numbers, which begin with the time.
fn of_all(connection: &Connection, asked: &PaymentsAsked) -> Result<Vec<Payment>, QueryError> {
    let (least, greatest) = asked.filter.stored_numbers();
    let (from, until) = moments(asked);
    let sql = format!(
        "SELECT {} FROM payments WHERE id BETWEEN ?1 AND ?2 AND id < ?3 \
         AND created_at >= ?4 AND created_at < ?5 AND mode = coalesce(?7, mode) \
         ORDER BY id DESC LIMIT ?6",
        rows::PAYMENT_COLUMNS
    );
    let before = asked.before.map_or(i64::MAX, PaymentId::stored);
    let mode = asked.filter.mode.map(Mode::name);
    let params = (least, greatest, before, from, until, asked.limit, mode);
    list(connection, &sql, params, rows::payment)
}

/// The terminals whose payments may be in the list.
fn terminals(
    connection: &Connection,
    merchant: Option<MerchantId>,
    asked: &PaymentsAsked,
) -> Result<Vec<i64>, QueryError> {
    list(
        connection,
        "SELECT ter_no FROM terminals WHERE ter_no = coalesce(?1, ter_no) \
         AND merchant_id = coalesce(?2, merchant_id) AND mode = coalesce(?3, mode)",
        (
            asked.filter.terminal.map(|terminal| terminal.0),
            merchant.map(|merchant| merchant.0),
            asked.filter.mode.map(Mode::name),
        ),
        |row| Ok(row.get(0)?),
    )
}

/// Where a page ended. One that ended with a payment that is not there ended with the next older
/// one; none where there is nothing older.
fn key_of(connection: &Connection, id: PaymentId) -> Result<Option<Key>, QueryError> {
    let sql = "SELECT created_at, place + (id <> ?1) FROM payments WHERE id <= ?1 \
               ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([id.stored()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn moments(asked: &PaymentsAsked) -> (i64, i64) {
    let from = asked.filter.from.map_or(i64::MIN, Timestamp::micros);
    (from, asked.filter.until.map_or(i64::MAX, Timestamp::micros))
}

/// Answered by the index alone.
fn keys_of_terminal(
    connection: &Connection,
    terminal: i64,
    before: Key,
    asked: &PaymentsAsked,
) -> Result<Vec<Key>, QueryError> {
    let (from, until) = moments(asked);
    // One upper bound: of two, the index is searched by the first.
    let until = before.0.min(until.saturating_sub(1));
    list(
        connection,
        "SELECT created_at, place FROM payments WHERE ter_no = ?1 AND created_at >= ?2 \
         AND created_at <= ?3 AND (created_at, place) < (?4, ?5) \
         ORDER BY created_at DESC, place DESC LIMIT ?6",
        (terminal, from, until, before.0, before.1, asked.limit),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The attempts at an order are few; the signs keep the index by time out of it.
fn keys_of_reference(
    connection: &Connection,
    terminal: i64,
    reference: &Reference,
    before: Key,
    asked: &PaymentsAsked,
) -> Result<Vec<Key>, QueryError> {
    let (from, until) = moments(asked);
    list(
        connection,
        "SELECT created_at, place FROM payments WHERE ter_no = ?1 AND reference = ?2 \
         AND +created_at >= ?3 AND +created_at < ?4 AND (+created_at, place) < (?5, ?6)",
        (terminal, reference.as_str(), from, until, before.0, before.1),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
