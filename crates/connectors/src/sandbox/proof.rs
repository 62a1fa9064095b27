//! The sandbox bank's books as a proof reads them: by reference, and line by line. Opened for
//! reading only; a bank may be writing them meanwhile.

use super::books::{BUSY_TIMEOUT, SCHEMA_VERSION, SandboxError, schema_version};
use engine::ports::{BankBooks, BankExtent};
use engine::verify::BankLine;
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The books. Each question has the one connection to itself.
#[derive(Debug)]
pub struct SandboxBooks(Mutex<Connection>);

const COLUMNS: &str = "id, our_reference, trans_id, kind, amount_minor, currency, result, original, \
     capture, repeat";

impl SandboxBooks {
    /// Opens the books at `path`.
    pub fn open(path: &Path) -> Result<Self, SandboxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        match schema_version(&connection)? {
            // Version 3 has orders beside the same lines.
            2 | SCHEMA_VERSION => Ok(Self(Mutex::new(connection))),
            1 => Err(SandboxError::OlderBooks),
            other => Err(SandboxError::SchemaVersion(other)),
        }
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, String> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        question(&connection).map_err(|error| format!("the sandbox bank's books: {error}"))
    }
}

impl BankBooks for SandboxBooks {
    fn extent(&self) -> Result<BankExtent, String> {
        self.ask(|connection| {
            let sql = "SELECT coalesce(max(id), 0), count(*) FROM journal";
            connection.query_row(sql, [], |row| {
                let lines = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
                Ok(BankExtent { last: row.get(0)?, lines })
            })
        })
    }

    fn by_reference(&self, our_references: &[&str]) -> Result<Vec<BankLine>, String> {
        self.ask(|connection| {
            // One snapshot for all of them; `substr` is how the index finds a reference.
            let snapshot = connection.unchecked_transaction()?;
            let sql = format!(
                "SELECT {COLUMNS} FROM journal \
                 WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1"
            );
            let mut statement = snapshot.prepare_cached(&sql)?;
            let mut found = Vec::new();
            for reference in our_references {
                let mut rows = statement.query([reference])?;
                while let Some(row) = rows.next()? {
                    found.push(line(row)?);
                }
            }
            Ok(found)
        })
    }

    fn lines(&self, after: i64, until: i64, limit: u32) -> Result<Vec<BankLine>, String> {
        self.ask(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((after, until, limit))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(line(row)?);
            }
            Ok(found)
        })
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<BankLine> {
    Ok(BankLine {
        number: row.get(0)?,
        our_reference: row.get(1)?,
        trans_id: row.get(2)?,
        kind: row.get(3)?,
        amount_minor: row.get(4)?,
        currency: row.get(5)?,
        approved: row.get_ref(6)?.as_str()? == "approved",
        original: row.get(7)?,
        capture: row.get(8)?,
        repeat: row.get(9)?,
    })
}
