//! Where the parts meet: the store, the vault, the banks and the way out, put together into one
//! gateway. No other file of this crate names them.

use crate::clock::SystemClock;
use crate::config::{Database, Origin, Settings};
use crate::demo_data;
use crate::failure::Failure;
use crate::master_key::{self, Creation};
use crate::random::SystemSource;
use connectors::{
    ClientIdentity, DialerSettings, FolderMailer, GuardedDialer, NoticeReceiver, Patience,
    RemoteSandbox, SandboxBank, SandboxBooks, SmtpMailer,
};
use domain::destination::Destinations;
use domain::id::Year;
use domain::secret::SecretText;
use engine::ports::{BankBooks, BankCounter, Clock, Connector, Desks, Mailer, Records, Store};
use engine::{Gateway, Parts};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use store::copy::{Copied, Source};
use store::migrations::Version;
use store::postgres::{Address, Identity, OpenError, PostgresStore, Setup};
use store::sqlite::{Mover, Options, SqliteStore};
use store::vault::{self, Vault};
use tokio::net::TcpListener;

pub(crate) use connectors::mail;
pub(crate) use connectors::standard_webhooks as signature;
use signature::Secret;
pub(crate) use store::migrations;
pub(crate) use store::postgres;
pub(crate) use store::sqlite::Archive;

/// Ends when a writer has: with an error when a write failed, and then the process must not go on.
pub(crate) type Ended = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The data of a gateway, open beside a server that may be running on it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The use cases.
    pub(crate) gateway: Arc<Gateway>,
    /// The same database, for proofs and reports.
    pub(crate) records: Arc<dyn Records>,
    /// Whether this is the demo's data: nothing live may be switched on.
    pub(crate) demo_only: bool,
    /// The sandbox bank's counter, where the bank was opened as well.
    pub(crate) counter: Option<Arc<dyn BankCounter>>,
}

/// What the server looks after beside the gateway.
pub(crate) struct Watched {
    /// Those that write files.
    pub(crate) writers: Vec<Ended>,
    /// Other nodes on the same PostgreSQL database wait until this is let go.
    pub(crate) setup: Option<Setup>,
}

/// For `map_err`: it could not be done, and the error says what.
pub(crate) fn could_not(error: impl Display) -> Failure {
    Failure::CouldNot(error.to_string())
}

fn database_path(data_dir: &Path) -> PathBuf {
    data_dir.join("tollgate.db")
}

fn bank_path(data_dir: &Path) -> PathBuf {
    data_dir.join("sandbox-bank.db")
}

/// Store and vault of one database, and what else was found.
struct Backend {
    store: Arc<dyn Store>,
    desks: Arc<dyn Desks>,
    records: Arc<dyn Records>,
    vault: Vault,
    demo_only: bool,
    watched: Watched,
}

/// Opens the data for a command: everything but the banks.
pub(crate) async fn open(settings: &Settings) -> Result<Opened, Failure> {
    open_for_command(settings, None).await
}

/// Opens the data and the banks for a command that calls them. Their books take several
/// processes, so a server may be running beside it.
pub(crate) async fn open_with_banks(settings: &Settings) -> Result<Opened, Failure> {
    let bank = bank(settings)?;
    open_for_command(settings, Some(bank)).await
}

async fn open_for_command(settings: &Settings, bank: Option<Bank>) -> Result<Opened, Failure> {
    let backend = match &settings.database.value {
        Database::Sqlite => sqlite(settings, None)?,
        Database::Postgres(address) => {
            let options = postgres::Options { connections: 1, ..postgres_options(settings) };
            shared(settings, address, options, NewKey::MustExist).await?
        }
    };
    let (opened, watched) = assemble(settings, backend, bank)?;
    if let Some(setup) = watched.setup {
        setup.finish().await.map_err(could_not)?;
    }
    Ok(opened)
}

/// Opens the data for the server. `batch`: most commands in one transaction.
pub(crate) async fn open_for_server(
    settings: &Settings,
    batch: Option<usize>,
) -> Result<(Opened, Watched), Failure> {
    let backend = match &settings.database.value {
        Database::Sqlite => sqlite(settings, batch)?,
        Database::Postgres(address) => {
            let options = postgres_options(settings);
            let options = postgres::Options { batch: batch.unwrap_or(options.batch), ..options };
            shared(settings, address, options, NewKey::MayBeMade).await?
        }
    };
    let bank = bank(settings)?;
    assemble(settings, backend, Some(bank))
}

/// Data that is filled while no process serves it.
pub(crate) struct Filling {
    /// The use cases, with the given clock and bank.
    pub(crate) gateway: Arc<Gateway>,
    /// The same database.
    pub(crate) store: Arc<dyn Store>,
    /// Ends when the files are closed, or the server knows what is in its tables, after gateway and
    /// store were dropped.
    pub(crate) closed: Ended,
}

/// Opens the data with a clock and a bank of the caller's, to be filled in big batches.
pub(crate) async fn open_for_filling(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    bank: Arc<dyn Connector>,
) -> Result<Filling, Failure> {
    const BATCH: usize = 2_048;
    let backend = match &settings.database.value {
        Database::Sqlite => sqlite(settings, Some(BATCH))?,
        Database::Postgres(address) => {
            shared(settings, address, postgres_options(settings), NewKey::MustExist).await?
        }
    };
    let Backend { store, desks, records: _, vault, demo_only, watched } = backend;
    if let Some(setup) = watched.setup {
        setup.finish().await.map_err(could_not)?;
    }
    let dialer = GuardedDialer::new(&dialer_settings(settings, demo_only)?).map_err(could_not)?;
    let gateway = Gateway::new(Parts {
        store: Arc::clone(&store),
        desks,
        vault: Arc::new(vault),
        clock,
        random: Arc::new(SystemSource::new()),
        connectors: vec![bank],
        notices: Arc::new(web::notice::PageNotices),
        dialer: Arc::new(dialer),
        post_timeout: settings.webhooks.timeout.value,
    });
    let server = match &settings.database.value {
        Database::Sqlite => None,
        Database::Postgres(address) => Some((address.clone(), postgres_options(settings))),
    };
    let closed: Ended = Box::pin(async move {
        for writer in watched.writers {
            writer.await?;
        }
        // A database that grew over months has statistics.
        if let Some((address, options)) = server {
            let text = |error: OpenError| error.to_string();
            let setup = Setup::begin(&address, &options).await.map_err(text)?;
            setup.analyze().await.map_err(text)?;
            setup.finish().await.map_err(text)?;
        }
        Ok(())
    });
    Ok(Filling { gateway, store, closed })
}

fn postgres_options(settings: &Settings) -> postgres::Options {
    postgres::Options {
        connections: usize::try_from(settings.postgres.connections).unwrap_or(1),
        connect_timeout: settings.postgres.connect_timeout,
        statement_timeout: settings.postgres.statement_timeout,
        ..postgres::Options::default()
    }
}

/// The database in the data folder.
fn sqlite(settings: &Settings, batch: Option<usize>) -> Result<Backend, Failure> {
    let data_dir = &settings.data_dir.value;
    let key = master_key::read(data_dir)?;
    let hour_keys = data_dir.join("hour-keys");
    let vault = Vault::with_files(key.bytes(), &hour_keys).map_err(could_not)?;
    let options = Options::new(vault::audit_key(key.bytes()).map_err(could_not)?);
    let options = Options { batch: batch.unwrap_or(options.batch), ..options };
    let store = SqliteStore::open(&database_path(data_dir), options).map_err(could_not)?;
    let ended: Ended = Box::pin(store.ended());
    let store = Arc::new(store);
    Ok(Backend {
        records: Arc::<SqliteStore>::clone(&store),
        desks: Arc::<SqliteStore>::clone(&store),
        store,
        vault,
        demo_only: demo_data::is_here(data_dir),
        watched: Watched { writers: vec![ended], setup: None },
    })
}

/// What to do where there is neither database nor master key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NewKey {
    MayBeMade,
    MustExist,
}

/// The database that nodes share. The first one sets it up; the others wait for it meanwhile.
async fn shared(
    settings: &Settings,
    address: &Address,
    options: postgres::Options,
    new_key: NewKey,
) -> Result<Backend, Failure> {
    let data_dir = &settings.data_dir.value;
    let setup = Setup::begin(address, &options).await.map_err(could_not)?;
    let (key, demo_only) = if let Some(identity) = setup.identity().await.map_err(could_not)? {
        let key = same_key(data_dir, &identity)?;
        setup.migrate().await.map_err(could_not)?;
        (key, identity.demo)
    } else {
        // Made before the database knows of it: whoever comes later needs this very key.
        let created = match new_key {
            NewKey::MayBeMade => master_key::create(data_dir, &SystemSource::new())?,
            NewKey::MustExist => Creation::Exists,
        };
        let key = master_key::read(data_dir)?;
        let demo = created == Creation::Created && settings.demo_data.value;
        let key_check = vault::key_check(key.bytes()).map_err(could_not)?;
        let identity = Identity { key_check, demo, made_at: whereabouts(data_dir) };
        setup.migrate().await.map_err(could_not)?;
        setup.set_identity(&identity).await.map_err(could_not)?;
        (key, demo)
    };
    let audit_key = vault::audit_key(key.bytes()).map_err(could_not)?;
    let store = PostgresStore::open(address, options, audit_key).await.map_err(could_not)?;
    let vault = Vault::with_table(key.bytes(), &store).await.map_err(could_not)?;
    let store = Arc::new(store);
    let records = Arc::<PostgresStore>::clone(&store);
    let watched = Watched { writers: Vec::new(), setup: Some(setup) };
    let desks = Arc::<PostgresStore>::clone(&store);
    Ok(Backend { store, desks, records, vault, demo_only, watched })
}

/// The master key, if it is the one this database was set up with.
fn same_key(data_dir: &Path, identity: &Identity) -> Result<master_key::MasterKey, Failure> {
    let path = master_key::path_in(data_dir);
    let made_at = &identity.made_at;
    let copy = format!(
        "copy the master.key of a node that works (the first one has it at {made_at}) to {}, and \
         chmod 600 it",
        path.display()
    );
    if !path.exists() {
        let text = format!("this database was set up with a master key that is not here: {copy}");
        return Err(Failure::CouldNot(text));
    }
    let key = master_key::read(data_dir)?;
    if vault::is_key_of(key.bytes(), &identity.key_check) {
        Ok(key)
    } else {
        let text = format!("this database was set up with another master key: {copy}");
        Err(Failure::CouldNot(text))
    }
}

/// This machine and folder, for whoever looks for the first node's key.
fn whereabouts(data_dir: &Path) -> String {
    let folder = data_dir.canonicalize().unwrap_or_else(|_error| data_dir.to_owned());
    let machine = rustix::system::uname();
    format!(
        "{}:{}",
        machine.nodename().to_string_lossy(),
        folder.join(master_key::FILE_NAME).display()
    )
}

/// The sandbox bank as a gateway reaches it.
struct Bank {
    connector: Arc<dyn Connector>,
    counter: Arc<dyn BankCounter>,
    /// Of its books, when they are in this process.
    ended: Option<Ended>,
}

fn bank(settings: &Settings) -> Result<Bank, Failure> {
    if let Some(address) = settings.sandbox_bank.value {
        let remote = RemoteSandbox::new(address, Patience::default())
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let secret = settings.notice_secret.value.as_ref().map(Secret::parse).transpose();
        let remote = remote.with_notice_secret(secret.map_err(could_not)?);
        let remote = Arc::new(remote);
        let counter = Arc::<RemoteSandbox>::clone(&remote);
        return Ok(Bank { connector: remote, counter, ended: None });
    }
    if let Database::Postgres(_) = settings.database.value {
        // Else one node's bank would know nothing of a call that another node made, and say so.
        tracing::warn!(
            "the sandbox bank is inside this process: where several nodes share the database, run \
             `tollgate bank serve` and name its address as sandbox_bank on each of them"
        );
    }
    let bank = open_bank(&bank_path(&settings.data_dir.value))?;
    let ended: Ended = Box::pin(bank.ended());
    let counter = Arc::<SandboxBank>::clone(&bank);
    Ok(Bank { connector: bank, counter, ended: Some(ended) })
}

fn open_bank(books: &Path) -> Result<Arc<SandboxBank>, Failure> {
    SandboxBank::open(books, Arc::new(SystemClock))
        .map_err(|error| Failure::could_not(&books.display().to_string(), error))
}

/// A gateway that hears of what a served bank decides.
pub(crate) fn notice_receiver(url: String, secret: &SecretText) -> Result<NoticeReceiver, Failure> {
    let secret = Secret::parse(secret).map_err(could_not)?;
    let random = Arc::new(SystemSource::new());
    NoticeReceiver::new(url, secret, Arc::new(SystemClock), random).map_err(could_not)
}

/// Opens these books, and then serves the sandbox bank with them until `stop` ends; with an error
/// when the books cannot be written any more.
pub(crate) fn serve_bank(
    books: &Path,
    listener: TcpListener,
    notices: Option<NoticeReceiver>,
    stop: impl Future<Output = ()> + Send,
) -> Result<impl Future<Output = Result<(), Failure>>, Failure> {
    let bank = open_bank(books)?;
    let mut ended: Ended = Box::pin(bank.ended());
    Ok(async move {
        let told = Arc::clone(&bank);
        let telling = async move {
            match notices {
                Some(receiver) => connectors::send_notices(told, receiver).await,
                None => std::future::pending().await,
            }
        };
        let mut telling = Box::pin(telling);
        tokio::select! {
            () = &mut telling => {}
            served = connectors::serve_bank(bank, listener, stop) => {
                served.map_err(|error| Failure::could_not("the sandbox bank", error))?;
            }
            broken = &mut ended => return broken.map_err(Failure::CouldNot),
        }
        drop(telling);
        // The books are closed when the last call that ran has let go of them.
        ended.await.map_err(Failure::CouldNot)
    })
}

/// Where the sandbox bank's books are: in this file, or in the data folder.
pub(crate) fn books(settings: &Settings, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| bank_path(&settings.data_dir.value), Path::to_owned)
}

fn assemble(
    settings: &Settings,
    backend: Backend,
    bank: Option<Bank>,
) -> Result<(Opened, Watched), Failure> {
    let Backend { store, desks, records, vault, demo_only, mut watched } = backend;
    let mut connectors: Vec<Arc<dyn Connector>> = Vec::new();
    let mut counter = None;
    if let Some(bank) = bank {
        watched.writers.extend(bank.ended);
        connectors.push(bank.connector);
        counter = Some(bank.counter);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dialer = GuardedDialer::new(&dialer_settings(settings, demo_only)?).map_err(could_not)?;
    let gateway = Gateway::new(Parts {
        store,
        desks,
        vault: Arc::new(vault),
        clock,
        random: Arc::new(SystemSource::new()),
        connectors,
        notices: Arc::new(web::notice::PageNotices),
        dialer: Arc::new(dialer),
        post_timeout: settings.webhooks.timeout.value,
    });
    Ok((Opened { gateway, records, demo_only, counter }, watched))
}

/// The demo lets webhooks go to private addresses, unless the operator says otherwise.
fn dialer_settings(settings: &Settings, demo_only: bool) -> Result<DialerSettings, Failure> {
    let webhooks = &settings.webhooks;
    let private = &webhooks.allow_private;
    Ok(DialerSettings {
        destinations: Destinations {
            allow_private: private.value || (demo_only && private.origin == Origin::Default),
            allow: webhooks.allow.value.clone(),
            deny: webhooks.deny.value.clone(),
        },
        exchange_timeout: webhooks.timeout.value,
        extra_roots: Vec::new(),
        identity: client_identity(settings)?,
    })
}

/// The way out for mail: the SMTP server of the settings, else their folder. Connects to nothing yet
/// and makes nothing.
pub(crate) fn mailer(settings: &Settings) -> Result<Arc<dyn Mailer>, Failure> {
    let mail = &settings.mail;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (Some(server), Some(from)) = (&mail.server, &mail.from) else {
        return Ok(Arc::new(FolderMailer::new(mail.folder.clone(), mail.from.clone(), clock)));
    };
    let random = Arc::new(SystemSource::new());
    let (server, from) = (server.clone(), from.clone());
    let mailer = SmtpMailer::new(server, from, clock, random, SmtpMailer::LIMIT);
    Ok(Arc::new(mailer.map_err(could_not)?))
}

/// What is shown to receivers that ask for a certificate, when there is something.
pub(crate) fn client_identity(settings: &Settings) -> Result<Option<ClientIdentity>, Failure> {
    let Some(files) = &settings.webhooks.client else { return Ok(None) };
    let loaded = ClientIdentity::load(&files.certificate, &files.private_key);
    loaded.map(Some).map_err(|error| {
        let what = "webhooks.client_certificate and webhooks.client_key";
        Failure::CouldNot(format!("{what}: {error}"))
    })
}

/// Whether the data folder has a database, so that its master key must not be made anew.
pub(crate) fn has_sqlite_database(settings: &Settings) -> bool {
    database_path(&settings.data_dir.value).exists()
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFacts {
    /// Where the schema stands.
    pub(crate) version: Version,
    /// Library or server, and how it writes.
    pub(crate) engine: String,
    /// What is wrong with how it writes, and what to do.
    pub(crate) unsafe_because: Option<String>,
    /// What deserves a look, and what to do.
    pub(crate) remark: Option<(String, String)>,
}

/// Looks at the database without changing it; none when there is none yet.
pub(crate) async fn database_facts(settings: &Settings) -> Result<Option<DatabaseFacts>, Failure> {
    match &settings.database.value {
        Database::Sqlite => {
            let path = database_path(&settings.data_dir.value);
            let facts = store::sqlite::facts(&path).map_err(could_not)?;
            Ok(facts.map(|facts| DatabaseFacts {
                version: facts.version,
                engine: format!("journal_mode {}, SQLite {}", facts.journal_mode, facts.library),
                unsafe_because: (!facts.journal_mode.eq_ignore_ascii_case("wal")).then(|| {
                    "something changed the database's journal_mode; the next start of the gateway \
                     sets it to wal again, or says why it cannot"
                        .to_owned()
                }),
                remark: None,
            }))
        }
        Database::Postgres(address) => {
            let facts = postgres::facts(address, &postgres_options(settings)).await;
            let facts = facts.map_err(could_not)?;
            Ok((facts.version.found > 0).then(|| DatabaseFacts {
                version: facts.version,
                engine: format!("PostgreSQL {} at {address}", facts.server),
                unsafe_because: None,
                remark: facts.standbys_are_late.then(|| {
                    let found = "there is a standby that no commit waits for".to_owned();
                    let fix = "set synchronous_standby_names on the server, or a fail-over may \
                               lose acknowledged payments";
                    (found, fix.to_owned())
                }),
            }))
        }
    }
}

/// Where the schema stands, without changing it.
pub(crate) async fn schema_version(settings: &Settings) -> Result<Version, Failure> {
    let none = Version { found: 0, compatible_from: 0 };
    match &settings.database.value {
        Database::Sqlite => {
            let path = database_path(&settings.data_dir.value);
            let facts = store::sqlite::facts(&path).map_err(could_not)?;
            Ok(facts.map_or(none, |facts| facts.version))
        }
        Database::Postgres(address) => {
            let facts = postgres::facts(address, &postgres_options(settings)).await;
            facts.map(|facts| facts.version).map_err(could_not)
        }
    }
}

/// Copies the SQLite database of the data folder to the PostgreSQL database of the settings, which
/// must be empty.
pub(crate) async fn copy_to_postgres(
    settings: &Settings,
    told: impl Fn(&Copied) + Send + Sync,
) -> Result<Vec<Copied>, Failure> {
    let data_dir = &settings.data_dir.value;
    let Database::Postgres(address) = &settings.database.value else {
        let text = "name the PostgreSQL database to copy to, with --to or with `database`";
        return Err(Failure::Usage(text.to_owned()));
    };
    if !has_sqlite_database(settings) {
        let text = format!("there is no SQLite database in {}", data_dir.display());
        return Err(Failure::CouldNot(text));
    }
    let key = master_key::read(data_dir)?;
    let source = Source {
        database: database_path(data_dir),
        hour_keys: data_dir.join("hour-keys"),
        master: key.bytes(),
    };
    let identity = Identity {
        key_check: vault::key_check(key.bytes()).map_err(could_not)?,
        demo: demo_data::is_here(data_dir),
        made_at: whereabouts(data_dir),
    };
    let setup = Setup::begin(address, &postgres_options(settings)).await.map_err(could_not)?;
    let copied = store::copy::copy(&source, &setup, &identity, told).await.map_err(could_not)?;
    setup.finish().await.map_err(could_not)?;
    Ok(copied)
}

/// What moves payments of this year out of the SQLite database of the data folder.
pub(crate) fn mover(settings: &Settings, year: Year) -> Result<Mover, Failure> {
    Mover::open(&database_path(&settings.data_dir.value), year).map_err(could_not)
}

/// The archives of the SQLite database of the data folder, which must be of this schema.
pub(crate) fn archives(settings: &Settings) -> Result<Vec<Archive>, Failure> {
    store::sqlite::archives(&database_path(&settings.data_dir.value)).map_err(could_not)
}

/// Brings the schema of a database that exists up to date.
pub(crate) async fn migrate(settings: &Settings) -> Result<(), Failure> {
    match &settings.database.value {
        Database::Sqlite => {
            let path = database_path(&settings.data_dir.value);
            store::sqlite::migrate(&path).map(drop).map_err(could_not)
        }
        Database::Postgres(address) => {
            let setup = Setup::begin(address, &postgres_options(settings)).await;
            let setup = setup.map_err(could_not)?;
            setup.migrate().await.map_err(could_not)?;
            setup.finish().await.map_err(could_not)
        }
    }
}

/// A sandbox bank's books, for a proof.
pub(crate) fn bank_books(path: &Path) -> Result<Arc<dyn BankBooks>, Failure> {
    must_exist(path)?;
    Ok(Arc::new(SandboxBooks::open(path).map_err(could_not)?))
}

fn must_exist(books: &Path) -> Result<(), Failure> {
    if books.exists() {
        return Ok(());
    }
    let text = format!(
        "there are no books of a sandbox bank at {}: start the gateway once, or name the file of a \
         bank that is served by itself with --books",
        books.display()
    );
    Err(Failure::CouldNot(text))
}

/// How the sandbox bank fails on purpose, a JSON object a case.
pub(crate) fn bank_lab() -> Result<Vec<serde_json::Value>, Failure> {
    let unreadable = |error: serde_json::Error| Failure::CouldNot(error.to_string());
    connectors::lab()
        .into_iter()
        .map(|case| serde_json::to_value(case).map_err(unreadable))
        .collect()
}

/// The sandbox bank's journal, the oldest entry first, read as it is asked for.
pub(crate) fn bank_journal(
    path: &Path,
) -> Result<impl Iterator<Item = Result<serde_json::Value, Failure>> + use<>, Failure> {
    must_exist(path)?;
    let unreadable = |error: &dyn Display| Failure::CouldNot(error.to_string());
    let entries = connectors::read_journal(path).map_err(|error| unreadable(&error))?;
    Ok(entries.map(move |entry| {
        let entry = entry.map_err(|error| unreadable(&error))?;
        serde_json::to_value(entry).map_err(|error| unreadable(&error))
    }))
}
