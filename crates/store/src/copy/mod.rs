//! A whole SQLite database copied into an empty PostgreSQL one: every row of every table, in one
//! transaction. What is sealed stays sealed under the same master key.

mod tables;
mod values;

use crate::hour_keys::FileKeys;
use crate::migrations::{Version, newest};
use crate::postgres::{Identity, Setup, words};
use crate::vault::Wrapping;
use engine::error::VaultError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::pin::pin;
use tables::{TABLES, Table};
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::ToSql;
use values::{Row, Sum, params};

/// Rows that travel together.
const PAGE: usize = 2000;

/// What PostgreSQL keeps beside the rows, so that it is found across all months.
const DERIVED: &str = "\
INSERT INTO payment_references (ter_no, reference, attempt, payment_id)
    SELECT ter_no, reference, attempt, id FROM payments;
INSERT INTO due_payments (payment_id, due_at)
    SELECT id, due_at FROM payments WHERE due_at IS NOT NULL;
INSERT INTO due_deliveries (merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at)
    SELECT merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at
    FROM deliveries WHERE next_at IS NOT NULL";

/// Why a database was not copied. Nothing of it is in the target.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source has another schema than this program.
    #[error(
        "the SQLite database has schema version {found}, this program copies version {known}: \
         run `tollgate migrate` first"
    )]
    Version {
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// There is something in the target.
    #[error("the PostgreSQL database is not empty ({0}): name one that is new")]
    NotEmpty(String),
    /// Archived payments are not all to be had.
    #[error("not every archive can be copied: {0}")]
    Archives(String),
    /// What arrived is not what was sent.
    #[error("table {table}: {sent} rows were sent and {arrived} arrived, or their content differs")]
    Differs {
        /// Which table.
        table: &'static str,
        /// Rows of the source.
        sent: u64,
        /// Rows of the target.
        arrived: u64,
    },
    /// SQLite refused.
    #[error("the SQLite database: {0}")]
    Source(#[from] rusqlite::Error),
    /// PostgreSQL refused.
    #[error("the PostgreSQL database: {0}")]
    Target(String),
    /// The keys of the hours.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Opening the target.
    #[error(transparent)]
    Open(#[from] crate::postgres::OpenError),
}

impl From<tokio_postgres::Error> for CopyError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Target(words(&error))
    }
}

/// What is copied.
#[derive(Debug)]
pub struct Source<'a> {
    /// The SQLite file, with its archives beside it. Nobody else may write them meanwhile.
    pub database: PathBuf,
    /// The folder with the keys of the hours.
    pub hour_keys: PathBuf,
    /// The master key.
    pub master: &'a [u8; 32],
}

/// What was copied of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 over all values in the order of their keys, the same on both sides.
    pub checksum: String,
}

/// Copies the source to a database that was made for it. `told` hears of each table.
pub async fn copy(
    source: &Source<'_>,
    setup: &Setup,
    identity: &Identity,
    told: impl Fn(&Copied) + Send + Sync,
) -> Result<Vec<Copied>, CopyError> {
    let version = crate::sqlite::facts(&source.database)
        .map_err(|error| CopyError::Target(error.to_string()))?
        .map_or(0, |facts| facts.version.found);
    if version != newest() {
        return Err(CopyError::Version { found: version, known: newest() });
    }
    refuse_a_full_target(setup).await?;
    setup.migrate().await?;
    let client = setup.client();
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    let copied = copy_tables(source, client, &told).await;
    let copied = match copied {
        Ok(copied) => copied,
        Err(error) => {
            client.batch_execute("ROLLBACK").await?;
            return Err(error);
        }
    };
    setup.set_identity(identity).await?;
    client.batch_execute("COMMIT").await?;
    Ok(copied)
}

async fn refuse_a_full_target(setup: &Setup) -> Result<(), CopyError> {
    let Version { found, .. } = setup.version().await?;
    if found == 0 {
        return Ok(());
    }
    if setup.identity().await?.is_some() {
        return Err(CopyError::NotEmpty("a gateway was set up in it".to_owned()));
    }
    setup.migrate().await?;
    for table in &TABLES {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", table.name);
        if setup.client().query_one(&sql, &[]).await?.try_get(0)? {
            return Err(CopyError::NotEmpty(format!("there are rows in {}", table.name)));
        }
    }
    Ok(())
}

async fn copy_tables(
    source: &Source<'_>,
    client: &Client,
    told: &(impl Fn(&Copied) + Send + Sync),
) -> Result<Vec<Copied>, CopyError> {
    let mut all = Vec::new();
    make_months(&source.database, client).await?;
    for table in &TABLES {
        let sent = send(&source.database, client, table).await?;
        let arrived = read_back(client, table).await?;
        if sent != arrived {
            return Err(CopyError::Differs {
                table: table.name,
                sent: sent.rows(),
                arrived: arrived.rows(),
            });
        }
        let copied = Copied { table: table.name, rows: sent.rows(), checksum: sent.hexadecimal() };
        told(&copied);
        all.push(copied);
    }
    // New lines of the log go on behind those that were copied.
    client
        .batch_execute(
            "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), \
             (SELECT max(id) FROM audit_log)) WHERE EXISTS (SELECT 1 FROM audit_log)",
        )
        .await?;
    client.batch_execute(DERIVED).await?;
    publish_hour_keys(source, client).await?;
    Ok(all)
}

/// Tables of the months that payments are in, so that their rows arrive there.
async fn make_months(path: &Path, client: &Client) -> Result<(), CopyError> {
    let path = path.to_owned();
    let months = tokio::task::spawn_blocking(move || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let sql = "SELECT DISTINCT id / 100000000000000 FROM payments ORDER BY 1";
        let mut statement = connection.prepare(sql)?;
        let months = statement.query_map([], |row| row.get::<_, i32>(0))?;
        months.collect::<rusqlite::Result<Vec<i32>>>()
    });
    for month in months.await.map_err(|error| CopyError::Target(error.to_string()))?? {
        client.execute("SELECT make_month($1)", &[&month]).await?;
    }
    Ok(())
}

/// Sends all rows of a table, and sums up what was sent.
async fn send(path: &Path, client: &Client, table: &'static Table) -> Result<Sum, CopyError> {
    let columns = table.columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let types: Vec<_> = columns.iter().map(|column| column.kind.sent_as()).collect();
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, names.join(", "));
    let sink = client.copy_in(&sql).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let (pages, mut arriving) = mpsc::channel(2);
    let path = path.to_owned();
    // SQLite answers in its own thread, so that nothing of it is held while we wait for the server.
    let reading = tokio::task::spawn_blocking(move || read_pages(&path, table, &pages));
    let mut sum = Sum::default();
    while let Some(page) = arriving.recv().await {
        for row in page {
            sum.add(&row);
            let params = params(&row, &columns)?;
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(values::borrowed).collect();
            writer.as_mut().write(&params).await?;
        }
    }
    reading.await.map_err(|error| CopyError::Target(error.to_string()))??;
    writer.finish().await?;
    Ok(sum)
}

fn read_pages(path: &Path, table: &Table, pages: &mpsc::Sender<Vec<Row>>) -> Result<(), CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    if let Some(why) = crate::sqlite::see_all(&connection)? {
        return Err(CopyError::Archives(why));
    }
    let mut statement = connection.prepare(&table.select_from_sqlite())?;
    let width = table.columns().len();
    let mut rows = statement.query([])?;
    let mut page = Vec::with_capacity(PAGE);
    while let Some(row) = rows.next()? {
        page.push(values::of_sqlite(row, width)?);
        if page.len() == PAGE && pages.blocking_send(std::mem::take(&mut page)).is_err() {
            return Ok(());
        }
    }
    let _reader_gone = pages.blocking_send(page);
    Ok(())
}

/// Sums up what the target has, in the same order.
async fn read_back(client: &Client, table: &Table) -> Result<Sum, CopyError> {
    let columns = table.columns();
    client
        .batch_execute(&format!("DECLARE copied CURSOR FOR {}", table.select_from_postgres()))
        .await?;
    let mut sum = Sum::default();
    loop {
        let rows = client.query(&format!("FETCH FORWARD {PAGE} FROM copied"), &[]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            sum.add(&values::of_postgres(&row, &columns)?);
        }
    }
    client.batch_execute("CLOSE copied").await?;
    Ok(sum)
}

/// Customers who are in their challenge go on with it: the keys that sealed their codes go along.
async fn publish_hour_keys(source: &Source<'_>, client: &Client) -> Result<(), CopyError> {
    let wrapping = Wrapping::of(source.master)?;
    for (hour, key) in FileKeys::new(&source.hour_keys).all()? {
        let wrapped = wrapping.seal(hour, &key)?;
        // Its name: any eight bytes that no other key of the hour has.
        client
            .execute(
                "INSERT INTO hour_keys (hour, name, wrapped) VALUES ($1, $2, $3)",
                &[&hour, &hour.to_be_bytes().as_slice(), &wrapped],
            )
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
