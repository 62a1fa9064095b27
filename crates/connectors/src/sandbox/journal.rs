//! The sandbox bank's books in SQLite: the only SQL of the bank.

use super::cards::{Answer, WRONG_CODES_AT_MOST};
use domain::id::PaymentId;
use domain::money::Money;
use domain::time::Timestamp;
use engine::batch::Sink;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Older SQLite may corrupt a WAL database that two connections write (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
const SCHEMA_VERSION: i64 = 1;
/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Entries read at once.
const PAGE: i64 = 1000;

/// The bank's books cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// SQLite said no.
    #[error("the sandbox bank's books: {0}")]
    Database(#[from] rusqlite::Error),
    /// The writer thread could not be started.
    #[error("the sandbox bank's writer: {0}")]
    Thread(#[from] std::io::Error),
    /// SQLite is too old to be trusted with a WAL.
    #[error("SQLite {0} is older than 3.51.3")]
    OldSqlite(&'static str),
    /// The file was written by another version of this program.
    #[error("the sandbox bank's books have schema version {0}, and this program knows only 1")]
    SchemaVersion(i64),
    /// The file system cannot hold a write-ahead log.
    #[error("the sandbox bank's books are in journal mode {0} and not in WAL")]
    JournalMode(String),
}

/// One line of the bank's books, as `tollgate bank journal --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Our reference for the call, as the bank received it.
    pub our_reference: String,
    /// The payment, as merchants see it.
    pub trans_id: String,
    /// `authorisation`, `reversal`, `refund` or `dispute`.
    pub kind: String,
    /// In the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217 alphabetic.
    pub currency: String,
    /// `approved` or `declined`.
    pub result: String,
    /// When the bank decided: RFC 3339, UTC, microseconds.
    pub at: String,
}

/// An authorisation that reached the bank.
#[derive(Clone, Debug)]
pub(super) struct Authorisation {
    pub(super) our_reference: String,
    pub(super) payment: PaymentId,
    pub(super) amount: Money,
    pub(super) answer: Answer,
    pub(super) at: Timestamp,
}

/// The number of a line in the books, and what the bank decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: i64,
    pub(super) answer: Answer,
}

/// What the books are asked for. Questions stand in the same queue as entries, so that each sees
/// all that was answered before it was asked.
#[derive(Debug)]
pub(super) enum Job {
    Authorise(Authorisation),
    LookUp { our_reference: String },
    WrongCode { payment: PaymentId },
    CountWrongCodes { payment: PaymentId },
}

#[derive(Debug)]
pub(super) enum Reply {
    Line(Line),
    /// An error is a line that this program cannot read; it concerns whoever asked for it alone.
    Found(Result<Option<Line>, String>),
    WrongCodes(u32),
}

/// The books, open for writing.
#[derive(Debug)]
pub(super) struct Books {
    connection: Connection,
}

impl Books {
    pub(super) fn open(path: &Path) -> Result<Self, SandboxError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(SandboxError::OldSqlite(rusqlite::version()));
        }
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(SandboxError::JournalMode(mode));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let creation = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match schema_version(&creation)? {
            0 => creation.execute_batch(include_str!("schema.sql"))?,
            SCHEMA_VERSION => {}
            other => return Err(SandboxError::SchemaVersion(other)),
        }
        creation.commit()?;
        Ok(Self { connection })
    }

    fn write_all(&mut self, jobs: &[Job]) -> rusqlite::Result<Vec<Reply>> {
        // Questions alone need no lock, and no sync.
        let behaviour = if jobs.iter().any(Job::writes) {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        };
        let batch = self.connection.transaction_with_behavior(behaviour)?;
        let replies = jobs.iter().map(|job| job.run(&batch)).collect::<Result<_, _>>()?;
        batch.commit()?;
        Ok(replies)
    }
}

impl Sink for Books {
    type Job = Job;
    type Reply = Reply;

    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<Vec<Reply>, String> {
        self.write_all(jobs).map_err(|error| format!("the sandbox bank's books: {error}"))
    }
}

impl Job {
    const fn writes(&self) -> bool {
        match self {
            Self::Authorise(_) | Self::WrongCode { .. } => true,
            Self::LookUp { .. } | Self::CountWrongCodes { .. } => false,
        }
    }

    fn run(&self, batch: &Transaction<'_>) -> rusqlite::Result<Reply> {
        match self {
            Self::Authorise(authorisation) => insert(batch, authorisation).map(Reply::Line),
            Self::LookUp { our_reference } => look_up(batch, our_reference).map(Reply::Found),
            Self::WrongCode { payment } => {
                add_wrong_code(batch, *payment)?;
                wrong_codes(batch, *payment).map(Reply::WrongCodes)
            }
            Self::CountWrongCodes { payment } => {
                wrong_codes(batch, *payment).map(Reply::WrongCodes)
            }
        }
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn insert(batch: &Transaction<'_>, new: &Authorisation) -> rusqlite::Result<Line> {
    let result = match new.answer {
        Answer::Approve => "approved",
        Answer::Decline(_) => "declined",
    };
    batch
        .prepare_cached(
            "INSERT INTO journal (our_reference, trans_id, kind, amount_minor, currency, result,
                                  status_code, at)
             VALUES (?1, ?2, 'authorisation', ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            new.our_reference,
            new.payment.to_string(),
            new.amount.minor(),
            new.amount.currency().code(),
            result,
            new.answer.status_code(),
            new.at.micros(),
        ])?;
    Ok(Line { number: batch.last_insert_rowid(), answer: new.answer })
}

const LOOK_UP: &str = "SELECT id, status_code FROM journal
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1
       AND kind = 'authorisation'
     ORDER BY result, id LIMIT 1";

/// The line of this reference. If the bank was asked twice, one that took money counts.
fn look_up(
    batch: &Transaction<'_>,
    our_reference: &str,
) -> rusqlite::Result<Result<Option<Line>, String>> {
    let found: Option<(i64, String)> = batch
        .prepare_cached(LOOK_UP)?
        .query_row([our_reference], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((number, code)) = found else { return Ok(Ok(None)) };
    Ok(match Answer::from_status_code(&code) {
        Some(answer) => Ok(Some(Line { number, answer })),
        None => Err(format!("journal.status_code of line {number} is unknown")),
    })
}

fn add_wrong_code(batch: &Transaction<'_>, payment: PaymentId) -> rusqlite::Result<()> {
    batch
        .prepare_cached(
            "INSERT INTO challenge (payment, wrong_codes) VALUES (?1, 1)
             ON CONFLICT (payment) DO UPDATE SET wrong_codes = wrong_codes + 1
             WHERE wrong_codes < ?2",
        )?
        .execute(params![payment.stored(), WRONG_CODES_AT_MOST])?;
    Ok(())
}

fn wrong_codes(batch: &Transaction<'_>, payment: PaymentId) -> rusqlite::Result<u32> {
    let found = batch
        .prepare_cached("SELECT wrong_codes FROM challenge WHERE payment = ?1")?
        .query_row([payment.stored()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// Reads the books from the first line to the one that was the last when it began, a page at a
/// time, also while a gateway writes. No transaction stays open between pages.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    after: i64,
    last: i64,
    page: std::vec::IntoIter<JournalEntry>,
}

/// Opens the books of the sandbox bank for reading; another process may be writing them.
pub fn read_journal(path: &Path) -> Result<JournalReader, SandboxError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match schema_version(&connection)? {
        SCHEMA_VERSION => {}
        other => return Err(SandboxError::SchemaVersion(other)),
    }
    let last =
        connection.query_row("SELECT coalesce(max(id), 0) FROM journal", [], |row| row.get(0))?;
    Ok(JournalReader { connection, after: 0, last, page: Vec::new().into_iter() })
}

impl JournalReader {
    fn next_page(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, our_reference, trans_id, kind, amount_minor, currency, result, at
             FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
        )?;
        let mut rows = statement.query(params![self.after, self.last, PAGE])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            self.after = row.get(0)?;
            page.push(entry(row)?);
        }
        self.page = page.into_iter();
        Ok(())
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry {
        our_reference: row.get(1)?,
        trans_id: row.get(2)?,
        kind: row.get(3)?,
        amount_minor: row.get(4)?,
        currency: row.get(5)?,
        result: row.get(6)?,
        at: Timestamp::from_micros(row.get(7)?).to_rfc3339(),
    })
}

impl Iterator for JournalReader {
    type Item = Result<JournalEntry, SandboxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(entry) = self.page.next() {
            return Some(Ok(entry));
        }
        if let Err(error) = self.next_page() {
            // Whoever goes on after an error gets the end, not the same error for ever.
            self.after = self.last;
            return Some(Err(error.into()));
        }
        self.page.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_synced_and_lookups_use_the_index() {
        let folder = tempfile::TempDir::new().unwrap();
        let Books { connection } = Books::open(&folder.path().join("bank.db")).unwrap();
        let pragma = |name: &str| -> i64 {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
        };
        // 2 is FULL: the log is synced at each commit.
        assert_eq!((pragma("synchronous"), pragma("busy_timeout")), (2, 5000));
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {LOOK_UP}"), ["x"], |row| row.get(3))
            .unwrap();
        assert!(plan.starts_with("SEARCH journal USING INDEX journal_our_reference"), "{plan}");
    }
}
