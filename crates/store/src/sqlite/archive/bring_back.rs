//! A payment that is to be changed returns to the main file, in the commit of its change.

use super::super::QueryError;
use super::super::writer::{WriteError, execute};

use super::{TABLES, archived_place, columns, required};
use domain::id::PaymentId;
use engine::error::CommitError;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The rows of a table, with the statement that inserts one.
struct Rows {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Brings a payment back if it is archived, and says whether it was. The archive keeps its copy,
/// which is of no effect until the payment moves there again. The caller has a transaction open.
pub(in crate::sqlite) fn bring_back(
    connection: &Connection,
    id: PaymentId,
) -> Result<bool, WriteError> {
    let Some(place) = archived_place(connection, id)? else { return Ok(false) };
    // All is read before the first row is written: a refusal leaves nothing to take back.
    let tables = read(connection, id, place).map_err(|error| match error {
        QueryError::Sqlite(error) => unavailable(id, &error),
        QueryError::Row(error) => unavailable(id, &error),
    })?;
    execute(connection, "DELETE FROM archived_payments WHERE id = ?1", [id.stored()])?;
    for table in tables {
        let mut insert = connection.prepare_cached(&table.insert)?;
        for row in table.rows {
            insert.execute(params_from_iter(row))?;
        }
    }
    tracing::info!(payment = %id, "brought back from its archive");
    Ok(true)
}

fn unavailable(id: PaymentId, error: &dyn std::fmt::Display) -> WriteError {
    let text = format!("payment {id} cannot be brought back from its archive: {error}");
    WriteError::Refused(CommitError::Unavailable(text))
}

fn read(connection: &Connection, id: PaymentId, place: i64) -> Result<Vec<Rows>, QueryError> {
    let archive = required(connection, id)?;
    let mut tables = Vec::new();
    for table in TABLES {
        let columns = columns(connection, table)?;
        let select = format!("SELECT {columns} FROM {table} WHERE place = ?1");
        let mut statement = archive.prepare(&select)?;
        let width = statement.column_count();
        let rows = statement.query_map([place], |row| (0..width).map(|one| row.get(one)).collect());
        let rows: Vec<Vec<Value>> = rows?.collect::<rusqlite::Result<_>>()?;
        let places = vec!["?"; width].join(", ");
        let insert = format!("INSERT INTO {table} ({columns}) VALUES ({places})");
        tables.push(Rows { insert, rows });
    }
    let is_there = tables.first().is_some_and(|payments| payments.rows.len() == 1);
    if is_there { Ok(tables) } else { Err(super::read::gone(id).into()) }
}
