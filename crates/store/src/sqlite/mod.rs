//! The embedded database: one writer thread with group commit, a few read connections.
//!
//! WAL with `synchronous=FULL`: an acknowledged commit has been fsynced. After any failed write
//! the writer stops for good and [`SqliteStore::ended`] says so: a failed fsync must not be
//! retried, for the kernel may have dropped the pages.

mod archive;
mod audit;
mod bank_messages;
mod deliveries;
mod desks;
mod histories;
mod lists;
mod migrations;
mod queries;
mod readers;
mod recent;
mod rows;
mod statements;
mod writer;

pub(crate) use archive::see_all;
pub use archive::{Archive, ArchiveError, Mover, Step, archives};

use crate::audit_chain::AuditKey;
use crate::migrations::Version;
use async_trait::async_trait;
use domain::bank_message::KeptMessage;
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery,
};
use domain::event::Event;
use domain::id::{EndpointNumber, PaymentId, TerminalNumber, Year};
use domain::ledger::{Balance, Posting};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::batch::{BatchError, BatchWriter, Limits};
use engine::changeset::{Changeset, SealedCard, StoredEndpoint, StoredTerminal};
use engine::error::{CommitError, StoreError};
use engine::ports::{DueDestinations, MessagesAsked, PaymentsAsked, PostingKey, Records, Store};
use engine::verify::{ArchiveWalk, AuditWalk, Histories, History, HistoryRange, StrayRow};
use readers::Readers;
use recent::{LogIndex, Recent};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use writer::{Job, Writer};

/// 3.51.2 and older can corrupt a WAL database with two connections.
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The WAL is emptied when nothing was written for this long, so that what was deleted (a
/// security code, say) does not linger in it.
const IDLE: Duration = Duration::from_secs(1);

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library is too old to trust.
    #[error("SQLite {0} is too old: 3.51.3 or newer is needed")]
    OldLibrary(String),
    /// The file was made by a newer program.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer tollgate"
    )]
    NewerSchema {
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// SQLite refused.
    #[error("cannot open the database {path}: {error}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// The setting did not take.
    #[error("the database does not keep {0}")]
    Setting(&'static str),
    /// The thread was not started.
    #[error("the writer thread did not start: {0}")]
    Thread(std::io::Error),
    /// The index of the write-ahead log, beside the database, cannot be read.
    #[error("cannot read {0}-shm: {1}")]
    LogIndex(PathBuf, std::io::Error),
}

/// What a database file says of itself, for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the schema stands.
    pub version: Version,
    /// `PRAGMA journal_mode`: must be `wal`.
    pub journal_mode: String,
    /// The library's version.
    pub library: &'static str,
}

/// Looks at a database without changing it; none when there is no such file.
pub fn facts(path: &Path) -> Result<Option<Facts>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open_connection(path, flags)?;
    let version = migrations::version(&connection).map_err(refused)?;
    Ok(Some(Facts {
        version,
        journal_mode: connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .map_err(refused)?,
        library: rusqlite::version(),
    }))
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// Until it is on the disk: a power cut loses nothing that was acknowledged.
    Full,
    /// Not for it: the control that shows that the tests' power cuts bite. No command sets it.
    NormalForPowerCutTests,
}

/// Brings a database up to date, or makes a new one, and tells where it stood before.
pub fn migrate(path: &Path) -> Result<Version, OpenError> {
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    let mut connection = open_connection(path, OpenFlags::default())?;
    configure_writer(&connection, path, Synchronous::Full)?;
    let before = migrations::version(&connection).map_err(refused)?;
    migrations::migrate(&mut connection, path)?;
    Ok(before)
}

/// How the database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Commands that may wait for the writer; beyond, the store is busy.
    pub queue: usize,
    /// Most commands in one transaction; 1 is one transaction per command.
    pub batch: usize,
    /// What a commit waits for.
    pub synchronous: Synchronous,
    /// What chains the audit log; it stands nowhere in the database.
    pub audit_key: AuditKey,
}

impl Options {
    /// As a gateway opens it.
    pub const fn new(audit_key: AuditKey) -> Self {
        Self { queue: 4096, batch: 512, synchronous: Synchronous::Full, audit_key }
    }
}

/// The gateway's database in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    writer: BatchWriter<Writer>,
    idle: tokio::task::JoinHandle<()>,
    audit_key: AuditKey,
    readers: Arc<Readers>,
    recent: Arc<Recent>,
    /// Deliveries claimed by this process. One process serves an SQLite database, so claims need
    /// no row; after a crash everything that was claimed is due again at once.
    claims: Mutex<BTreeMap<DeliveryId, (Destination, Timestamp)>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens or creates the database, brings it to the present schema, and starts the writer.
    /// Must be called inside a tokio runtime.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(OpenError::OldLibrary(rusqlite::version().to_owned()));
        }
        let mut connection = open_connection(path, OpenFlags::default())?;
        configure_writer(&connection, path, options.synchronous)?;
        migrations::migrate(&mut connection, path)?;
        let limits = Limits { queue: options.queue, batch: options.batch };
        let index = LogIndex::open(Path::new(connection.path().unwrap_or_default()));
        let recent = Arc::new(Recent::new(
            index.map_err(|error| OpenError::LogIndex(path.to_owned(), error))?,
        ));
        let writer = Writer::new(connection, options.audit_key.clone(), Arc::clone(&recent));
        let writer =
            BatchWriter::start("sqlite-writer", writer, limits).map_err(OpenError::Thread)?;
        let idle = tokio::spawn(empty_wal_when_idle(writer.clone()));
        Ok(Self {
            path: path.to_owned(),
            writer,
            idle,
            audit_key: options.audit_key,
            readers: Readers::new(path.to_owned()),
            recent,
            claims: Mutex::default(),
        })
    }

    /// Ends when the writer has: with an error when a write failed, and then the process must
    /// not go on.
    pub fn ended(&self) -> impl Future<Output = Result<(), String>> + Send + 'static {
        self.writer.ended()
    }

    /// Answers a question about one payment, wherever it stands. `is_something`: the answer is not
    /// that of a file that does not have it.
    fn ask<T>(
        &self,
        payment: PaymentId,
        is_something: impl Fn(&T) -> bool,
        question: impl Fn(&Connection) -> Result<T, QueryError>,
    ) -> Result<T, StoreError> {
        self.readers.read(|connection| archive::ask(connection, payment, is_something, question))
    }
}

impl Drop for SqliteStore {
    /// Lets go of the last sender, so that the writer writes what waits, closes its file and ends.
    fn drop(&mut self) {
        self.idle.abort();
    }
}

fn open_connection(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(refused)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn configure_writer(
    connection: &Connection,
    path: &Path,
    kept: Synchronous,
) -> Result<(), OpenError> {
    let refused = |error| OpenError::Sqlite { path: path.to_owned(), error };
    // The page size only takes in a new file; with 8 KiB pages the writer spends less time per
    // payment than with 4 KiB pages. Much more cache than this costs time on every commit.
    connection
        .execute_batch(
            "PRAGMA page_size = 8192;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA cache_size = -16384;",
        )
        .map_err(refused)?;
    if kept == Synchronous::NormalForPowerCutTests {
        connection.execute_batch("PRAGMA synchronous = NORMAL;").map_err(refused)?;
    }
    let journal: String =
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(refused)?;
    let synchronous: i64 =
        connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(refused)?;
    if journal != "wal" {
        return Err(OpenError::Setting("journal_mode=WAL (a network file system?)"));
    }
    if synchronous != 2 && kept == Synchronous::Full {
        return Err(OpenError::Setting("synchronous=FULL"));
    }
    Ok(())
}

async fn empty_wal_when_idle(writer: BatchWriter<Writer>) {
    let mut period = tokio::time::interval_at(tokio::time::Instant::now() + IDLE, IDLE);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ended = writer.ended();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _at = period.tick() => {}
            _result = &mut ended => return,
        }
        if matches!(writer.submit(Job::EmptyWalIfIdle).await, Err(BatchError::Stopped)) {
            return;
        }
    }
}

/// Why a row was not read.
#[derive(Debug, thiserror::Error)]
enum QueryError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Row(#[from] StoreError),
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Sqlite(error) => Self::Unavailable(error.to_string()),
            QueryError::Row(error) => error,
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    /// Not an `async fn`: its future would hold the changeset while it waits.
    fn commit<'store, 'commit>(
        &'store self,
        changeset: Changeset,
    ) -> Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + 'commit>>
    where
        'store: 'commit,
        Self: 'commit,
    {
        if changeset.makes_payment() && !self.admits_new_payments() {
            return Box::pin(std::future::ready(Err(CommitError::Busy)));
        }
        let finished: Vec<DeliveryId> = changeset.attempted.iter().map(|a| a.id).collect();
        // Rows are made here, in the caller's thread, so that the writer only binds them.
        let rows = rows::encode(changeset).map(Box::new);
        Box::pin(async move {
            let result = match self.writer.submit(Job::Commit(rows?)).await {
                Ok(result) => result,
                Err(BatchError::Full) => Err(CommitError::Busy),
                Err(BatchError::Stopped) => {
                    Err(CommitError::Unavailable("the writer has stopped".to_owned()))
                }
            };
            if !finished.is_empty() {
                let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
                for id in finished {
                    claims.remove(&id);
                }
            }
            result
        })
    }

    fn admits_new_payments(&self) -> bool {
        self.writer.has_room()
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let payment = match self.recent.payment(id) {
            Some(payment) => Some(payment),
            None => self.ask(id, Option::is_some, |connection| queries::payment(connection, id))?,
        };
        Ok(payment.filter(|payment| scope.allows(payment.merchant)))
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        self.readers.read(|connection| archive::attempts(connection, terminal, reference))
    }

    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        self.readers.read(|connection| queries::held_card(connection, id))
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        let some = |refunds: &Vec<Refund>| !refunds.is_empty();
        self.ask(payment, some, |connection| queries::refunds(connection, payment))
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError> {
        let some = |events: &Vec<Event>| !events.is_empty();
        self.ask(payment, some, |connection| queries::events(connection, payment))
    }

    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        self.readers.read_long(move |it| lists::newest_payments(it, merchant, &asked)).await
    }

    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            // Who holds one payment's number sees no sums.
            Scope::Holder => return Ok(Vec::new()),
        };
        self.readers.read_long(move |it| queries::balances(it, merchant)).await
    }

    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.readers.read_long(move |it| queries::at_the_bank(it, limit)).await
    }

    async fn claim_payments(
        &self,
        now: Timestamp,
        _lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        // One process works on an SQLite database, and it loads the next ones when these are done.
        self.readers.read(|connection| queries::due_payments(connection, now, limit))
    }

    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.readers.read(|connection| queries::sending_payments(connection, limit))
    }

    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError> {
        self.readers.read(|connection| deliveries::due_destinations(connection, after, now, limit))
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let claimed: BTreeMap<DeliveryId, Destination> = {
            let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            claims.retain(|_id, (_, until)| *until > now);
            claims.iter().map(|(id, (destination, _until))| (*id, *destination)).collect()
        };
        let mut counts: BTreeMap<Destination, u32> = BTreeMap::new();
        for destination in claimed.values() {
            let count = counts.entry(*destination).or_default();
            *count = count.saturating_add(1);
        }
        // What is claimed already is due as well: look past it.
        let past = |destination: &Destination| counts.get(destination).copied().unwrap_or(0);
        let due = self.readers.read(|connection| {
            let look = |(destination, limit): &(Destination, u32)| {
                let look_at = limit.saturating_add(past(destination));
                let due = deliveries::due(connection, *destination, now, look_at)?;
                Ok((due, usize::try_from(*limit).unwrap_or(usize::MAX)))
            };
            wanted.iter().map(look).collect::<Result<Vec<_>, QueryError>>()
        })?;
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = Vec::new();
        for (due, limit) in due {
            // What was claimed before the read may have been recorded since: then it is no longer
            // claimed, but neither is it due as it was read.
            let is_free = |id: &DeliveryId| !claims.contains_key(id) && !claimed.contains_key(id);
            let unclaimed = due.into_iter().filter(|due| is_free(&due.id)).take(limit);
            let unclaimed: Vec<DueDelivery> = unclaimed.collect();
            for delivery in &unclaimed {
                claims.insert(delivery.id, (delivery.destination, now.plus(lease)));
            }
            free.extend(unclaimed);
        }
        Ok(free)
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let Some(payment) = filter.payment else {
            let list = move |it: &Connection| deliveries::records(it, &filter, after, limit);
            return self.readers.read_long(list).await;
        };
        let records = |it: &Connection| deliveries::records(it, &filter, after, limit);
        self.ask(payment, |found| !found.is_empty(), records)
    }

    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.readers.read_long(move |it| deliveries::since(it, terminal, from, after, limit)).await
    }

    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError> {
        let Some(payment) = filter.payment else {
            return self.readers.read_long(move |it| deliveries::count(it, &filter)).await;
        };
        self.ask(payment, |count| *count > 0, |it| deliveries::count(it, &filter))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        self.ask(id.payment, Option::is_some, |it| deliveries::detail(it, id))
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.readers.read_long(move |it| deliveries::backlog(it, now)).await
    }

    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        self.readers.read(|connection| deliveries::endpoints(connection, merchant))
    }

    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        self.readers.read(|connection| deliveries::endpoint(connection, number))
    }

    async fn claim_bank_messages(
        &self,
        _lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        self.readers.read(|connection| bank_messages::waiting(connection, limit))
    }

    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        self.readers.read_long(move |it| bank_messages::newest(it, &asked)).await
    }

    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        self.readers.read(|connection| queries::terminal_by_public_key(connection, public_key))
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        self.readers.read(|connection| queries::terminal(connection, number))
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        self.readers.read_long(queries::terminals).await
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        self.readers.read_long(queries::merchants).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.readers.read(|connection| {
            Ok(connection.query_row("SELECT count(*) FROM merchants", [], |_row| Ok(()))?)
        })
    }
}

#[async_trait]
impl Records for SqliteStore {
    async fn history_ranges(&self, parts: u32) -> Result<Vec<HistoryRange>, StoreError> {
        self.readers.read(|connection| histories::ranges(connection, parts))
    }

    async fn histories(&self, range: HistoryRange, limit: u32) -> Result<Histories, StoreError> {
        let step = self.readers.read_step(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            histories::read(&snapshot, range, limit)
        });
        step.await
    }

    async fn history(&self, id: PaymentId) -> Result<Option<History>, StoreError> {
        self.readers.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            archive::history(&snapshot, id)
        })
    }

    async fn stray_rows(&self, limit: u32) -> Result<Vec<StrayRow>, StoreError> {
        self.readers.read_long(move |it| histories::strays(it, limit)).await
    }

    async fn archived_years(&self) -> Result<Vec<Year>, StoreError> {
        self.readers.read(|connection| Ok(archive::years(connection)?))
    }

    async fn walk_archive(&self, walk: ArchiveWalk, limit: u32) -> Result<ArchiveWalk, StoreError> {
        let step = self.readers.read_step(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            archive::walk(&snapshot, &walk, limit)
        });
        step.await
    }

    async fn archived_payments(
        &self,
        scope: Scope,
        year: Year,
        before: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        self.readers
            .read(|connection| archive::newest_payments(connection, year, merchant, before, limit))
    }

    async fn walk_audit_log(&self, walk: AuditWalk, limit: u32) -> Result<AuditWalk, StoreError> {
        let step = self.readers.read_step(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            audit::walk(&snapshot, &self.audit_key, walk, limit)
        });
        step.await
    }

    async fn postings(
        &self,
        scope: Scope,
        after: Option<PostingKey>,
        limit: u32,
    ) -> Result<Vec<(PostingKey, Posting)>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        self.readers.read_long(move |it| queries::postings(it, merchant, after, limit)).await
    }
}

#[cfg(test)]
mod tests;
