//! Archives: finished payments of a past year, with all that hangs on them but their postings, in a
//! file of their own beside the main one, `archive-YYYY.db`.
//!
//! A payment stands in the main file, or `archived_payments` of the main file lists it; its copy in
//! an archive counts only then. So every move is one commit of the main file, and an archive is
//! written before: a copy that the list does not name is of no effect.

mod bring_back;
mod listing;
mod mover;
mod proof;
mod read;

pub(super) use bring_back::bring_back;
pub(super) use listing::newest_payments;
pub use mover::{Mover, Step};
pub(super) use proof::{history, walk};
pub(super) use read::{ask, attempts, has_attempt};

use super::{OpenError, QueryError};
use domain::id::{PaymentId, Year};
use engine::error::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::{Path, PathBuf};

/// What moves with a payment. Every table has the payment's `place`, and keeps the columns that it
/// has in the main file. Postings stay: balances are sums over all of them.
const TABLES: [&str; 5] = ["payments", "events", "refunds", "deliveries", "delivery_attempts"];

/// `PRAGMA application_id` of an archive, four letters.
const APPLICATION: i64 = 0x5447_6172; // TGar
/// `PRAGMA user_version` of an archive. A migration of the main file that changes one of [`TABLES`]
/// raises it, and brings older archives along before the mover writes to them.
const SCHEMA: i64 = 1;

/// Has a connection to a main file see every payment in the tables of [`TABLES`], archived ones too.
/// Returns what stands in the way.
pub(crate) fn see_all(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut sources = vec!["main".to_owned()];
    for year in years(connection)? {
        let path = path_of(connection, year);
        match open(&path)? {
            Opened::Archive(_) => {}
            // Nothing is in it that counts.
            Opened::Missing | Opened::Foreign(_) if !is_listed(connection, year)? => continue,
            Opened::Missing => return Ok(Some(format!("{} is missing", path.display()))),
            Opened::Foreign(what) => return Ok(Some(format!("{} is {what}", path.display()))),
        }
        if sources.len() > ATTACHED_AT_MOST {
            let text = format!("there are more than {ATTACHED_AT_MOST} archives");
            return Ok(Some(text));
        }
        let name = format!("archive{year}");
        connection.execute(&format!("ATTACH ?1 AS {name}"), [path.to_string_lossy()])?;
        sources.push(name);
    }
    for table in TABLES {
        let columns = columns(connection, table)?;
        let id = if table == "payments" { "id" } else { "payment_id" };
        let select = |name: &String| {
            // Of an archive only what counts.
            let which = format!("WHERE {id} IN (SELECT id FROM main.archived_payments)");
            let which = if name == "main" { "" } else { &which };
            format!("SELECT {columns} FROM {name}.{table} {which}")
        };
        let selects: Vec<String> = sources.iter().map(select).collect();
        // Named as the main file's table, which it stands in front of on this connection.
        let view = format!("CREATE TEMP VIEW {table} AS {}", selects.join(" UNION ALL "));
        connection.execute_batch(&view)?;
    }
    Ok(None)
}

/// SQLite's own limit.
const ATTACHED_AT_MOST: usize = 10;

/// Why a year was not archived. What was moved before stays so; it can be repeated at any time.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is nothing to move from.
    #[error("there is no SQLite database at {0}")]
    NoDatabase(PathBuf),
    /// The main file has another schema than this program.
    #[error(
        "the database has schema version {found}, this program archives version {known}: start the \
         gateway of this version, or run `tollgate migrate`, first"
    )]
    Schema {
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// The file has the name of an archive and is none that this program can write.
    #[error("{path} is {what}: move it away, or use the tollgate that wrote it")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A file or its folder could not be written.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The main file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite refused.
    #[error("the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// An archive, as `doctor` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Of which year.
    pub year: Year,
    /// Where it is, or should be.
    pub path: PathBuf,
    /// How many payments the main file says are in it.
    pub payments: u64,
    /// What is wrong with it as a whole; the words follow its path.
    pub wrong: Option<String>,
}

/// The archives of a database: those that are in its folder, and those that it says there are.
pub fn archives(database: &Path) -> Result<Vec<Archive>, OpenError> {
    let refused = |error| OpenError::Sqlite { path: database.to_owned(), error };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = super::open_connection(database, flags)?;
    let mut all = Vec::new();
    for year in years(&connection).map_err(refused)? {
        let path = path_of(&connection, year);
        let payments: i64 = connection
            .query_row(
                "SELECT count(*) FROM archived_payments WHERE id BETWEEN ?1 AND ?2",
                (year.stored_ids().start(), year.stored_ids().end()),
                |row| row.get(0),
            )
            .map_err(refused)?;
        let wrong = match open(&path) {
            Ok(Opened::Archive(_)) => None,
            Ok(Opened::Missing) if payments == 0 => None,
            Ok(Opened::Missing) => Some("is missing".to_owned()),
            Ok(Opened::Foreign(what)) => Some(format!("is {what}")),
            Err(error) => Some(format!("cannot be read: {error}")),
        };
        all.push(Archive { year, path, payments: u64::try_from(payments).unwrap_or(0), wrong });
    }
    Ok(all)
}

/// Years that have an archive, or should have one.
pub(super) fn years(connection: &Connection) -> rusqlite::Result<Vec<Year>> {
    let mut found = Vec::new();
    for year in (2000..=2099).filter_map(|number| Year::new(number).ok()) {
        if path_of(connection, year).exists() || is_listed(connection, year)? {
            found.push(year);
        }
    }
    Ok(found)
}

/// Whether payments of this year are archived.
fn is_listed(connection: &Connection, year: Year) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM archived_payments WHERE id BETWEEN ?1 AND ?2)",
        )?
        .query_row((year.stored_ids().start(), year.stored_ids().end()), |row| row.get(0))
}

/// Where the archive of a year is: beside the main file, wherever a link to that leads.
fn path_of(connection: &Connection, year: Year) -> PathBuf {
    let main = Path::new(connection.path().unwrap_or_default());
    main.with_file_name(format!("archive-{year}.db"))
}

/// What stands where an archive should be.
enum Opened {
    Archive(Connection),
    Missing,
    /// Something else; what.
    Foreign(String),
}

/// Opens an archive to read it.
fn open(path: &Path) -> rusqlite::Result<Opened> {
    if !path.exists() {
        return Ok(Opened::Missing);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::BUSY_TIMEOUT)?;
    Ok(match what_it_is(&connection, "main")? {
        None => Opened::Archive(connection),
        Some(what) => Opened::Foreign(what),
    })
}

/// None of an archive that this program knows; else what the file is.
fn what_it_is(connection: &Connection, schema: &str) -> rusqlite::Result<Option<String>> {
    let pragma = |name: &str| {
        connection.query_row(&format!("PRAGMA {schema}.{name}"), [], |row| row.get::<_, i64>(0))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    Ok(match (application, version) {
        (APPLICATION, SCHEMA) => None,
        (APPLICATION, other) => {
            Some(format!("an archive of version {other}, and this program knows {SCHEMA}"))
        }
        (_, _) => Some("no archive of Tollgate's".to_owned()),
    })
}

/// An archive could not be read.
fn unreadable(path: &Path, error: &rusqlite::Error) -> QueryError {
    StoreError::Unavailable(format!("{}: {error}", path.display())).into()
}

/// The archive that a payment stands in, by the main file's list; an error when it is not there.
fn required(connection: &Connection, id: PaymentId) -> Result<Connection, QueryError> {
    let path = path_of(connection, id.year());
    let wrong = match open(&path).map_err(|error| unreadable(&path, &error))? {
        Opened::Archive(archive) => return Ok(archive),
        Opened::Missing => "which is missing: put it back from a backup".to_owned(),
        Opened::Foreign(what) => format!("which is {what}"),
    };
    let text = format!("payment {id} stands in {}, {wrong}", path.display());
    Err(StoreError::Unavailable(text).into())
}

/// The place of an archived payment; none when it stands in the main file, or nowhere.
fn archived_place(connection: &Connection, id: PaymentId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT place FROM archived_payments WHERE id = ?1")?
        .query_row([id.stored()], |row| row.get(0))
        .optional()
}

/// The columns of a table, as the main file has them.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM pragma_table_info(?1, 'main')")?;
    let names = statement.query_map([table], |row| row.get::<_, String>(0))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    Ok(names.join(", "))
}

#[cfg(test)]
mod tests;
