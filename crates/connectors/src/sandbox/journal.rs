//! The sandbox bank's books as others read them: line by line, and summed up.

use super::books::{BUSY_TIMEOUT, SCHEMA_VERSION, SandboxError, schema_version};
use domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags, Row, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Entries read at once.
const PAGE: i64 = 1000;

/// One line of the bank's books, as `tollgate bank journal --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Our reference for the call, as the bank received it.
    pub our_reference: String,
    /// The payment, as merchants see it.
    pub trans_id: String,
    /// `authorisation`, `capture`, `reversal`, `refund` or `dispute`.
    pub kind: String,
    /// What an approved line moved, and what a declined one was asked to move; in the currency's
    /// minor unit.
    pub amount_minor: i64,
    /// ISO 4217 alphabetic.
    pub currency: String,
    /// `approved` or `declined`.
    pub result: String,
    /// When the bank decided: RFC 3339, UTC, microseconds.
    pub at: String,
    /// Our reference of the call that this one follows; the bank need not know it.
    pub original: Option<String>,
    /// Of an authorisation: `automatic` when it took the money, `manual` when it held it.
    pub capture: Option<String>,
    /// How often the call arrived. Only the first time moved money.
    pub times_asked: i64,
}

/// What the bank's books say of one payment's money, in the currency's minor unit. Tests compare
/// it with what a gateway believes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetMoney {
    /// ISO 4217 alphabetic.
    pub currency: String,
    /// Taken and not given back.
    pub taken_minor: i64,
    /// Held, and neither captured nor released.
    pub held_minor: i64,
    /// Approved authorisations, undone or not.
    pub authorisations: u32,
    /// The most times that one of its calls arrived.
    pub times_asked: i64,
}

/// Sums up the books by payment (`trans_id`). It knows nothing of the bank's rules, so that it can
/// find the bank wrong as well: an error names the first line that contradicts the ones before.
pub fn net_money<'a>(
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) -> Result<BTreeMap<String, NetMoney>, String> {
    let mut payments: BTreeMap<String, NetMoney> = BTreeMap::new();
    let mut holds: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in entries {
        let wrong = |what: &str| format!("{} {}: {what}", entry.kind, entry.our_reference);
        let net = payments.entry(entry.trans_id.clone()).or_default();
        net.times_asked = net.times_asked.max(entry.times_asked);
        if entry.result != "approved" {
            continue;
        }
        if net.currency.is_empty() {
            net.currency.clone_from(&entry.currency);
        }
        if net.currency != entry.currency {
            return Err(wrong("its currency is not the payment's"));
        }
        let (amount, original) = (entry.amount_minor, entry.original.as_deref());
        let mut hold = || holds.remove(original.unwrap_or_default());
        let (taken, held) = match entry.kind.as_str() {
            "authorisation" if entry.capture.as_deref() == Some("manual") => {
                holds.insert(&entry.our_reference, amount);
                (0, amount)
            }
            "authorisation" => (amount, 0),
            "capture" => match hold() {
                // What is not captured is released.
                Some(held) => (amount, 0_i64.saturating_sub(held)),
                None => return Err(wrong("there is no hold that it captures")),
            },
            "reversal" if amount > 0 => match hold() {
                Some(held) => (0, 0_i64.saturating_sub(held.max(amount))),
                None => (0_i64.saturating_sub(amount), 0),
            },
            "refund" | "dispute" | "reversal" => (0_i64.saturating_sub(amount), 0),
            _ => return Err(wrong("there is no such kind of line")),
        };
        net.authorisations =
            net.authorisations.saturating_add(u32::from(entry.kind == "authorisation"));
        net.taken_minor = net.taken_minor.saturating_add(taken);
        net.held_minor = net.held_minor.saturating_add(held);
        if net.taken_minor < 0 || net.held_minor < 0 {
            return Err(wrong("more is given back than was taken"));
        }
    }
    Ok(payments)
}

/// Reads the books from the first line to the one that was the last when it began, a page at a
/// time, also while a bank writes. No transaction stays open between pages.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    question: &'static str,
    after: i64,
    last: i64,
    page: std::vec::IntoIter<JournalEntry>,
}

const LINES: &str = "SELECT id, our_reference, trans_id, kind, amount_minor, currency, result, at,
            original, capture, times_asked
     FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";

/// Version 1 knew only authorisations that took the money, and wrote a line each time.
const LINES_OF_VERSION_1: &str = "SELECT id, our_reference, trans_id, kind, amount_minor, currency,
            result, at, NULL, CASE kind WHEN 'authorisation' THEN 'automatic' END, 1
     FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";

/// Opens the books of the sandbox bank for reading; other processes may be writing them.
pub fn read_journal(path: &Path) -> Result<JournalReader, SandboxError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let question = match schema_version(&connection)? {
        1 => LINES_OF_VERSION_1,
        // Version 3 has orders beside the same lines.
        2 | SCHEMA_VERSION => LINES,
        other => return Err(SandboxError::SchemaVersion(other)),
    };
    let last =
        connection.query_row("SELECT coalesce(max(id), 0) FROM journal", [], |row| row.get(0))?;
    Ok(JournalReader { connection, question, after: 0, last, page: Vec::new().into_iter() })
}

impl JournalReader {
    fn next_page(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(self.question)?;
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
        original: row.get(8)?,
        capture: row.get(9)?,
        times_asked: row.get(10)?,
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
