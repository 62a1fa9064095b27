//! Moves finished payments of a year into its archive, some hundred at a time, beside a gateway that
//! may be serving.
//!
//! Each step has two commits. The first writes copies into the archive, fsynced, and holds no lock of
//! the main file. The second compares what the archive then has with the main file, and where both
//! are the same it lists the payment as archived and deletes its rows, under the main file's lock.
//! Whatever happens between the two, and whoever changes a payment meanwhile, leaves a copy of no
//! effect, which the next step or the next run writes anew.

use super::{APPLICATION, ArchiveError, SCHEMA, TABLES, columns, path_of, what_it_is};
use crate::migrations::newest;
use crate::sqlite::{Synchronous, configure_writer, migrations, open_connection};
use domain::id::Year;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Payments that move together: few enough that the gateway's own commits hardly wait.
const TOGETHER: u32 = 100;
/// A busy gateway holds the lock most of the time, and is not hurried.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// Decided, with nothing due, at the bank, held or to be told. The payment with the last place stays,
/// for the next payment's place is the one behind the last.
const IS_FINISHED: &str = "\
    p.state IN ('approved', 'reversed', 'declined', 'expired', 'cancelled', 'failed') \
    AND p.due_at IS NULL AND p.refunding_minor = 0 \
    AND p.place < (SELECT max(place) FROM main.payments) \
    AND NOT EXISTS (SELECT 1 FROM main.held_cards h WHERE h.place = p.place) \
    AND NOT EXISTS (SELECT 1 FROM main.refunds r WHERE r.place = p.place AND r.state = 'pending') \
    AND NOT EXISTS (SELECT 1 FROM main.deliveries d WHERE d.place = p.place AND d.next_at IS NOT NULL)";

/// Places in a JSON array, as a parameter.
const THESE: &str = "(SELECT value FROM json_each(?1))";

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Payments that are in the archive now.
    pub moved: u64,
    /// Payments whose archived copy differs from the main file, and which stay there.
    pub differing: u64,
    /// There are no more to look at.
    pub ended: bool,
}

/// Moves the payments of one year.
#[derive(Debug)]
pub struct Mover {
    /// The main file, with the archive attached as `archive`.
    pub(super) connection: Connection,
    path: PathBuf,
    year: Year,
    /// The last payment that was looked at.
    after: i64,
}

impl Mover {
    /// Opens both files, and makes the archive where there is none.
    pub fn open(database: &Path, year: Year) -> Result<Self, ArchiveError> {
        if !database.exists() {
            return Err(ArchiveError::NoDatabase(database.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = open_connection(database, flags)?;
        let found = migrations::version(&connection)?.found;
        if found != newest() {
            return Err(ArchiveError::Schema { found, known: newest() });
        }
        configure_writer(&connection, database, Synchronous::Full)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let path = path_of(&connection, year);
        make(&connection, &path)?;
        connection.execute("ATTACH ?1 AS archive", [path.to_string_lossy()])?;
        connection.execute_batch(
            "PRAGMA archive.synchronous = FULL; PRAGMA archive.secure_delete = ON;",
        )?;
        let after = year.stored_ids().start().saturating_sub(1);
        Ok(Self { connection, path, year, after })
    }

    /// Where the archive is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many payments of the year the main file has.
    pub fn in_main_file(&self) -> Result<u64, ArchiveError> {
        self.count("SELECT count(*) FROM main.payments WHERE id BETWEEN ?1 AND ?2")
    }

    /// How many payments of the year are archived.
    pub fn in_archive(&self) -> Result<u64, ArchiveError> {
        self.count("SELECT count(*) FROM main.archived_payments WHERE id BETWEEN ?1 AND ?2")
    }

    fn count(&self, sql: &str) -> Result<u64, ArchiveError> {
        let ids = self.year.stored_ids();
        let count: i64 =
            self.connection.query_row(sql, (ids.start(), ids.end()), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Moves the next payments.
    pub fn step(&mut self) -> Result<Step, ArchiveError> {
        let Some((last, places)) = self.next()? else {
            return Ok(Step { ended: true, ..Step::default() });
        };
        self.copy(&places)?;
        let (mut moved, mut differing) = self.release(&places)?;
        if !differing.is_empty() {
            // Changed between the two commits, perhaps.
            self.copy(&differing)?;
            let (more, still) = self.release(&differing)?;
            (moved, differing) = (moved.saturating_add(more), still);
        }
        self.after = last;
        let differing = u64::try_from(differing.len()).unwrap_or(u64::MAX);
        Ok(Step { moved, differing, ended: false })
    }

    /// The last number and all places of the payments that come next.
    pub(super) fn next(&self) -> Result<Option<(i64, Vec<i64>)>, ArchiveError> {
        let sql = format!(
            "SELECT p.id, p.place FROM main.payments p WHERE p.id > ?1 AND p.id <= ?2 \
             AND {IS_FINISHED} ORDER BY p.id LIMIT {TOGETHER}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let ids = self.year.stored_ids();
        let rows = statement.query_map((self.after, ids.end()), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        let rows: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
        let last = rows.last().map(|(id, _place)| *id);
        Ok(last.map(|last| (last, rows.into_iter().map(|(_id, place)| place).collect())))
    }

    /// Writes copies into the archive.
    pub(super) fn copy(&self, places: &[i64]) -> Result<(), ArchiveError> {
        let places = json(places);
        // Deferred: the main file is only read.
        let transaction = self.connection.unchecked_transaction()?;
        for table in TABLES {
            let columns = columns(&transaction, table)?;
            // An earlier copy is replaced, but for events: they are never changed.
            let earlier = if table == "events" { "IGNORE" } else { "REPLACE" };
            let sql = format!(
                "INSERT OR {earlier} INTO archive.{table} ({columns}) \
                 SELECT {columns} FROM main.{table} WHERE place IN {THESE}"
            );
            transaction.prepare_cached(&sql)?.execute([&places])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Lists payments as archived, and deletes their rows. Returns how many, and the places of those
    /// whose copies differ.
    pub(super) fn release(&mut self, places: &[i64]) -> Result<(u64, Vec<i64>), ArchiveError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let finished = finished(&transaction, places)?;
        let differing = differing(&transaction, &finished)?;
        let same: Vec<i64> =
            finished.iter().copied().filter(|place| !differing.contains(place)).collect();
        let these = json(&same);
        let listed = transaction
            .prepare_cached(&format!(
                "INSERT INTO main.archived_payments (id, place, ter_no, reference, attempt) \
                 SELECT id, place, ter_no, reference, attempt FROM main.payments \
                 WHERE place IN {THESE} ORDER BY id"
            ))?
            .execute([&these])?;
        for table in TABLES {
            let sql = format!("DELETE FROM main.{table} WHERE place IN {THESE}");
            transaction.prepare_cached(&sql)?.execute([&these])?;
        }
        transaction.commit()?;
        let moved = u64::try_from(listed).unwrap_or(u64::MAX);
        Ok((moved, differing.into_iter().collect()))
    }

    /// Empties the archive's write-ahead log, so that its file alone is all of it.
    pub fn finish(self) -> Result<(), ArchiveError> {
        self.connection.query_row("PRAGMA archive.wal_checkpoint(TRUNCATE)", [], |_row| Ok(()))?;
        Ok(())
    }
}

fn json(places: &[i64]) -> String {
    let numbers: Vec<String> = places.iter().map(i64::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn places_by(connection: &Connection, sql: &str, these: &str) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([these], |row| row.get(0))?;
    rows.collect()
}

/// Those that are still finished.
fn finished(connection: &Connection, places: &[i64]) -> rusqlite::Result<Vec<i64>> {
    let sql =
        format!("SELECT p.place FROM main.payments p WHERE p.place IN {THESE} AND {IS_FINISHED}");
    places_by(connection, &sql, &json(places))
}

/// Those of which not every row in both files is the same.
fn differing(connection: &Connection, places: &[i64]) -> rusqlite::Result<BTreeSet<i64>> {
    let these = json(places);
    let mut found = BTreeSet::new();
    for table in TABLES {
        let columns = columns(connection, table)?;
        let rows =
            |schema| format!("SELECT {columns} FROM {schema}.{table} WHERE place IN {THESE}");
        let (main, archive) = (rows("main"), rows("archive"));
        for (here, there) in [(&main, &archive), (&archive, &main)] {
            let sql = format!("SELECT place FROM ({here} EXCEPT {there})");
            found.extend(places_by(connection, &sql, &these)?);
        }
    }
    Ok(found)
}

/// Whether a file has nothing in it.
fn is_new(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Makes an archive with the tables of the main file, or sees that it is one.
fn make(main: &Connection, path: &Path) -> Result<(), ArchiveError> {
    let mut archive = Connection::open(path)?;
    archive.busy_timeout(BUSY_TIMEOUT)?;
    // Nothing of another program's file is changed, also not how it is written.
    if !is_new(&archive)?
        && let Some(what) = what_it_is(&archive, "main")?
    {
        return Err(ArchiveError::Foreign { path: path.to_owned(), what });
    }
    let page_size: i64 = main.query_row("PRAGMA main.page_size", [], |row| row.get(0))?;
    // The page size only takes in a new file.
    archive.pragma_update(None, "page_size", page_size)?;
    archive.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
    )?;
    let transaction = archive.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Anew: another mover may have made it.
    let is_new = is_new(&transaction)?;
    if is_new {
        for table in TABLES {
            let sql: String = main.query_row(
                "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
                [table],
                |row| row.get(0),
            )?;
            transaction.execute_batch(&sql)?;
        }
        transaction.execute_batch(
            "CREATE TRIGGER events_stay BEFORE UPDATE ON events \
             BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
             CREATE TRIGGER events_remain BEFORE DELETE ON events \
             BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;",
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.commit()?;
    // The file's name is on the disk before anything leaves the main file.
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| ArchiveError::File { path: folder.to_owned(), error })
}
