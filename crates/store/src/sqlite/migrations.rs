//! Up-migrations, by `PRAGMA user_version`. The same numbers and names stand in every dialect.

use super::OpenError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "init", include_str!("../../migrations/0001_init/sqlite.sql")),
    (2, "money", include_str!("../../migrations/0002_money/sqlite.sql")),
];

/// The newest schema's number.
pub(super) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(number, ..)| *number)
}

/// Brings the database to the newest schema; refuses one that is newer than this program.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    let known = newest();
    let version = |connection: &Connection| {
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
    };
    if version(connection).map_err(refused)? == known {
        return Ok(());
    }
    // One transaction, so that a crash in the middle leaves the old schema, and two processes
    // that start together do not both migrate.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found = version(&transaction).map_err(refused)?;
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    for (number, name, sql) in MIGRATIONS.iter().filter(|(number, ..)| *number > found) {
        transaction.execute_batch(sql).map_err(refused)?;
        transaction.pragma_update(None, "user_version", number).map_err(refused)?;
        tracing::info!(number, name, "database migrated");
    }
    transaction.commit().map_err(refused)
}
