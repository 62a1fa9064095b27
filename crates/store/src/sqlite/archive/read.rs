//! Questions about one payment, wherever it stands.

use super::super::QueryError;
use super::super::queries::{self, list};
use super::{archived_place, required};
use crate::sqlite::statements::Statements;
use domain::id::{PaymentId, TerminalNumber};
use domain::payment::Payment;
use domain::text::Reference;
use engine::error::StoreError;
use rusqlite::Connection;

/// Asks the main file, and where it has nothing of this payment, the archive it stands in. A store
/// that has no archives is asked once more, in an empty table.
pub(in crate::sqlite) fn ask<T>(
    connection: &Connection,
    id: PaymentId,
    is_something: impl Fn(&T) -> bool,
    question: impl Fn(&Connection) -> Result<T, QueryError>,
) -> Result<T, QueryError> {
    let answer = question(connection)?;
    if is_something(&answer) || has_none(connection)? {
        return Ok(answer);
    }
    // Anew, of one moment: it may have come back between the question and the look into the list.
    let snapshot = connection.unchecked_transaction()?;
    let answer = question(&snapshot)?;
    if is_something(&answer) || archived_place(&snapshot, id)?.is_none() {
        return Ok(answer);
    }
    question(&required(&snapshot, id)?)
}

/// Whether nothing is archived.
fn has_none(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM archived_payments)")?
        .query_row([], |row| row.get(0))
}

/// All attempts at a reference, the oldest first.
pub(in crate::sqlite) fn attempts(
    connection: &Connection,
    terminal: TerminalNumber,
    reference: &Reference,
) -> Result<Vec<Payment>, QueryError> {
    let found = queries::attempts(connection, terminal, reference)?;
    // One look into an empty table, for most: this is on the way of every payment.
    if has_none(connection)?
        || (!found.is_empty() && listed(connection, terminal, reference)?.is_empty())
    {
        return Ok(found);
    }
    // Anew, of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let mut found = queries::attempts(&snapshot, terminal, reference)?;
    for id in listed(&snapshot, terminal, reference)? {
        let payment = queries::payment(&required(&snapshot, id)?, id)?;
        found.push(payment.ok_or_else(|| gone(id))?);
    }
    found.sort_by_key(|payment| payment.attempt);
    Ok(found)
}

/// Whether an archived payment is this attempt at this reference: looked up before an insert, in the
/// main file alone, for nothing may stand in the way of others' payments.
pub(in crate::sqlite) fn has_attempt(
    statements: &mut Statements<'_>,
    payment: &Payment,
) -> rusqlite::Result<bool> {
    let found = statements.first(
        "SELECT 1 FROM archived_payments WHERE ter_no = ?1 AND reference = ?2 AND attempt = ?3",
        (payment.terminal.0, payment.reference.as_str(), payment.attempt),
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

/// The main file says that the archive has it, and the archive does not.
pub(super) fn gone(id: PaymentId) -> StoreError {
    let row = id.stored().to_string();
    StoreError::Corrupt { table: "archived_payments", column: "id", row }
}

/// Archived attempts at a reference.
fn listed(
    connection: &Connection,
    terminal: TerminalNumber,
    reference: &Reference,
) -> Result<Vec<PaymentId>, QueryError> {
    list(
        connection,
        "SELECT id FROM archived_payments WHERE ter_no = ?1 AND reference = ?2",
        (terminal.0, reference.as_str()),
        |row| number(row.get(0)?),
    )
}

/// A number of the list.
pub(super) fn number(stored: i64) -> Result<PaymentId, QueryError> {
    let corrupt = |_invalid| StoreError::Corrupt {
        table: "archived_payments",
        column: "id",
        row: stored.to_string(),
    };
    Ok(PaymentId::from_stored(stored).map_err(corrupt)?)
}
