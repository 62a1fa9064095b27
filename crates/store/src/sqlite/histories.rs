//! Payments with all that hangs on them, as a proof reads them: ranges of `place`, a few hundred
//! payments at a time, one snapshot each. What cannot be read is told, and stops nothing.

use super::queries::list;
use super::{QueryError, rows};
use domain::id::PaymentId;
use engine::error::StoreError;
use engine::verify::{Histories, History, HistoryKey, HistoryRange, ImpossibleRow, StrayRow};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::BTreeMap;

/// Parts of about as many places each; the last one has no end, so that new payments are in it.
pub(super) fn ranges(connection: &Connection, parts: u32) -> Result<Vec<HistoryRange>, QueryError> {
    let last: i64 =
        connection
            .query_row("SELECT coalesce(max(place), 0) FROM payments", [], |row| row.get(0))?;
    let step = last.checked_div(i64::from(parts)).unwrap_or(last).max(1);
    let mut ranges = Vec::new();
    let mut after = None;
    for part in 1..i64::from(parts) {
        let until = Some(HistoryKey(step.saturating_mul(part), 0));
        ranges.push(HistoryRange { after, until });
        after = until;
    }
    ranges.push(HistoryRange { after, until: None });
    Ok(ranges)
}

/// The caller has a transaction open.
pub(super) fn read(
    connection: &Connection,
    range: HistoryRange,
    limit: u32,
) -> Result<Histories, QueryError> {
    let from = range.after.map_or(i64::MIN, |after| after.0.saturating_add(1));
    let until = range.until.map_or(i64::MAX, |until| until.0);
    let mut chunk = Chunk { connection, from, until, found: BTreeMap::new() };
    let full = chunk.payments(limit)?;
    chunk.beside()?;
    chunk.in_main_file_only()?;
    let rest = full
        .then_some(HistoryRange { after: Some(HistoryKey(chunk.until, 0)), until: range.until });
    Ok(Histories { read: chunk.found.into_values().collect(), rest })
}

/// The caller has a transaction open.
pub(super) fn of_payment(
    connection: &Connection,
    id: PaymentId,
) -> Result<Option<History>, QueryError> {
    let place: Option<i64> = connection
        .prepare_cached("SELECT place FROM payments WHERE id = ?1")?
        .query_row([id.stored()], |row| row.get(0))
        .optional()?;
    let Some(place) = place else { return Ok(None) };
    let range = HistoryRange {
        after: Some(HistoryKey(place.saturating_sub(1), 0)),
        until: Some(HistoryKey(place, 0)),
    };
    Ok(read(connection, range, 2)?.read.into_iter().next())
}

/// Postings of a cause that this release does not know.
pub(super) fn strays(connection: &Connection, limit: u32) -> Result<Vec<StrayRow>, QueryError> {
    let sql = "SELECT cause || '/' || cause_place || '/' || sequence || '/' || account \
               FROM postings WHERE cause > 1 \
               UNION ALL SELECT cause || '/' || cause_place || '/' || sequence || '/' || account \
               FROM postings WHERE cause < 1 LIMIT ?1";
    list(connection, sql, [limit], |row| Ok(StrayRow { table: "postings", row: row.get(0)? }))
}

/// Histories as they are put together from one table after another.
pub(super) struct Chunk<'a> {
    /// To the main file or to an archive.
    pub(super) connection: &'a Connection,
    /// The first place and the last one.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) found: BTreeMap<i64, History>,
}

impl Chunk<'_> {
    /// At most so many payments; whether there may be more. Then the chunk ends with the last one.
    pub(super) fn payments(&mut self, limit: u32) -> Result<bool, QueryError> {
        let sql = format!(
            "SELECT {}, place FROM payments WHERE place BETWEEN ?1 AND ?2 ORDER BY place \
             LIMIT {limit}",
            rows::PAYMENT_COLUMNS
        );
        let read = self.each(&sql, ("payments", 26), rows::payment, |history, payment| {
            history.payment = Some(payment);
        })?;
        let full = read == limit;
        if full && let Some(last) = self.found.keys().next_back() {
            self.until = *last;
        }
        Ok(full)
    }

    /// Reads rows of these places into histories; returns how many there were. With the table
    /// comes which column of a row is its place.
    fn each<T>(
        &mut self,
        sql: &str,
        (table, column): (&'static str, usize),
        decode: impl Fn(&Row<'_>) -> Result<T, QueryError>,
        put: impl Fn(&mut History, T),
    ) -> Result<u32, QueryError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((self.from, self.until))?;
        let mut read = 0_u32;
        let mut found = std::mem::take(&mut self.found);
        while let Some(row) = rows.next()? {
            read = read.saturating_add(1);
            let place: i64 = row.get(column)?;
            let history = found.entry(place).or_default();
            match decode(row) {
                Ok(value) => put(history, value),
                Err(error) => history.impossible.push(impossible(error, table, place)?),
            }
        }
        self.found = found;
        Ok(read)
    }

    /// What hangs on payments at these places, and moves with them.
    pub(super) fn beside(&mut self) -> Result<(), QueryError> {
        let of = |columns: &str, table: &str, order: &str| {
            format!(
                "SELECT {columns} FROM {table} WHERE place BETWEEN ?1 AND ?2 ORDER BY place{order}"
            )
        };
        let sql = of(rows::EVENT_COLUMNS, "events", ", sequence");
        self.each(&sql, ("events", 0), rows::event, |history, event| {
            history.events.push(event);
        })?;
        let columns = "payment_id, number, merchant_id, amount_minor, currency, reference, reason, \
                       requested_at, state, facts, place";
        let sql = of(columns, "refunds", ", number");
        self.each(&sql, ("refunds", 10), rows::refund, |history, refund| {
            history.refunds.push(refund);
        })?;
        let sql = of(rows::DELIVERY_FACTS, "deliveries", ", sequence, endpoint");
        self.each(&sql, ("deliveries", 0), rows::delivery_facts, |history, delivery| {
            history.deliveries.push(delivery);
        })?;
        Ok(())
    }

    /// What else hangs on payments at these places, and stands in the main file wherever they do.
    fn in_main_file_only(&mut self) -> Result<(), QueryError> {
        // Postings of archived payments are told with their payments.
        self.postings(
            "AND NOT EXISTS (SELECT 1 FROM archived_payments a \
             WHERE a.id = p.payment_id AND a.place = p.cause_place)",
        )?;
        let sql = "SELECT place, payment_id, merchant_id, security_code IS NOT NULL \
                   FROM held_cards WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
        self.each(sql, ("held_cards", 0), rows::held_facts, |history, held| {
            history.held = Some(held);
        })?;
        Ok(())
    }

    /// Postings of these places of which the condition holds.
    pub(super) fn postings(&mut self, condition: &str) -> Result<(), QueryError> {
        let sql = format!(
            "SELECT {} FROM postings p WHERE cause = 1 AND cause_place BETWEEN ?1 AND ?2 \
             {condition} ORDER BY cause_place, sequence, account",
            rows::POSTING_COLUMNS
        );
        self.each(&sql, ("postings", 0), rows::posting, |history, posting| {
            history.postings.push(posting);
        })?;
        Ok(())
    }
}

/// What is wrong with a row; the error itself when it is the database that failed.
fn impossible(
    error: QueryError,
    table: &'static str,
    place: i64,
) -> Result<ImpossibleRow, QueryError> {
    match error {
        QueryError::Row(StoreError::Corrupt { table, column, row }) => {
            Ok(ImpossibleRow { table, row, column: column.to_owned() })
        }
        QueryError::Sqlite(
            error @ (rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)),
        ) => {
            Ok(ImpossibleRow { table, row: format!("at place {place}"), column: error.to_string() })
        }
        other @ (QueryError::Row(_) | QueryError::Sqlite(_)) => Err(other),
    }
}
