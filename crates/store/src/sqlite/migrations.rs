//! Up-migrations of an SQLite file. `PRAGMA user_version` is the schema's version;
//! `schema_migrations` tells when each step was taken, and which programs can work with it.

use super::OpenError;
use crate::migrations::{MIGRATIONS, Migration, Version, after, newest};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

const HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS schema_migrations (
    version         INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL,
    applied_at      INTEGER NOT NULL,
    compatible_from INTEGER NOT NULL
) STRICT";

/// Where the file stands.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<Version> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let compatible_from = if has_history(connection)? {
        connection.query_row(
            // A version that the history does not know promises nothing.
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM schema_migrations WHERE version = ?1) \
             THEN (SELECT max(compatible_from) FROM schema_migrations) ELSE ?1 END",
            [found],
            |row| row.get(0),
        )?
    } else {
        found
    };
    Ok(Version { found, compatible_from })
}

fn has_history(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations')",
        [],
        |row| row.get(0),
    )
}

/// Brings the database to the newest schema; refuses one that this program cannot work with.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    let known = newest();
    let now = version(connection).map_err(refused)?;
    if now.found == known && has_history(connection).map_err(refused)? {
        return Ok(());
    }
    // One transaction, so that a crash in the middle leaves the old schema, and two processes
    // that start together do not both migrate.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found = version(&transaction).map_err(refused)?;
    if !found.is_usable() {
        return Err(OpenError::NewerSchema { found: found.found, known });
    }
    transaction.execute_batch(HISTORY).map_err(refused)?;
    for migration in &MIGRATIONS {
        if migration.number > found.found {
            transaction.execute_batch(migration.sqlite).map_err(refused)?;
            let Migration { number, name, .. } = migration;
            tracing::info!(number, name, "database migrated");
        }
        // Also of steps that were taken before there was a history.
        record(&transaction, migration).map_err(refused)?;
    }
    if after(found.found).next().is_some() {
        transaction.pragma_update(None, "user_version", known).map_err(refused)?;
    }
    transaction.commit().map_err(refused)
}

fn record(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO schema_migrations (version, name, applied_at, compatible_from) \
         VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000000 AS INTEGER), ?3)",
        (migration.number, migration.name, migration.compatible_from),
    )?;
    Ok(())
}
