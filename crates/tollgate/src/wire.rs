//! Where the parts meet: the store, the vault, the banks and the way out, put together into one
//! gateway. No other file of this crate names them.

use crate::clock::SystemClock;
use crate::config::{Origin, Settings};
use crate::demo_data;
use crate::failure::Failure;
use crate::master_key;
use crate::random::SystemSource;
use connectors::{DialerSettings, GuardedDialer, Patience, RemoteSandbox, SandboxBank};
use engine::ports::{Clock, Connector, Store};
use engine::{Gateway, Parts};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use store::sqlite::{Options, SqliteStore};
use store::vault::FileVault;
use tokio::net::TcpListener;

pub(crate) use store::sqlite::Facts as DatabaseFacts;

/// Ends when a writer has: with an error when a write failed, and then the process must not go on.
pub(crate) type Ended = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The data of a gateway, open beside a server that may be running on it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The use cases.
    pub(crate) gateway: Arc<Gateway>,
    /// Whether this is the demo's data: nothing live may be switched on.
    pub(crate) demo_only: bool,
}

fn database_path(data_dir: &Path) -> PathBuf {
    data_dir.join("tollgate.db")
}

fn bank_path(data_dir: &Path) -> PathBuf {
    data_dir.join("sandbox-bank.db")
}

/// Opens the data folder for a command: everything but the banks.
pub(crate) fn open(settings: &Settings) -> Result<Opened, Failure> {
    assemble(settings, Options::default(), None).map(|(opened, _writers)| opened)
}

/// Opens the data folder for the server, which watches the writers. `batch`: most commands in one
/// transaction.
pub(crate) fn open_for_server(
    settings: &Settings,
    batch: Option<usize>,
) -> Result<(Opened, Vec<Ended>), Failure> {
    let bank = bank(settings)?;
    let options = Options::default();
    let options = Options { batch: batch.unwrap_or(options.batch), ..options };
    assemble(settings, options, Some(bank))
}

/// The sandbox bank as a gateway reaches it.
struct Bank {
    connector: Arc<dyn Connector>,
    /// Of its books, when they are in this process.
    ended: Option<Ended>,
}

fn bank(settings: &Settings) -> Result<Bank, Failure> {
    if let Some(address) = settings.sandbox_bank.value {
        let remote = RemoteSandbox::new(address, Patience::default())
            .map_err(|error| Failure::Usage(error.to_string()))?;
        return Ok(Bank { connector: Arc::new(remote), ended: None });
    }
    let bank = open_bank(&bank_path(&settings.data_dir.value))?;
    let ended: Ended = Box::pin(bank.ended());
    Ok(Bank { connector: bank, ended: Some(ended) })
}

fn open_bank(books: &Path) -> Result<Arc<SandboxBank>, Failure> {
    SandboxBank::open(books, Arc::new(SystemClock))
        .map_err(|error| Failure::could_not(&books.display().to_string(), error))
}

/// Opens these books, and then serves the sandbox bank with them until `stop` ends; with an error
/// when the books cannot be written any more.
pub(crate) fn serve_bank(
    books: &Path,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> Result<impl Future<Output = Result<(), Failure>>, Failure> {
    let bank = open_bank(books)?;
    let mut ended: Ended = Box::pin(bank.ended());
    Ok(async move {
        tokio::select! {
            served = connectors::serve_bank(bank, listener, stop) => {
                served.map_err(|error| Failure::could_not("the sandbox bank", error))?;
            }
            broken = &mut ended => return broken.map_err(Failure::CouldNot),
        }
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
    options: Options,
    bank: Option<Bank>,
) -> Result<(Opened, Vec<Ended>), Failure> {
    let data_dir = &settings.data_dir.value;
    let key = master_key::read(data_dir)?;
    let vault = FileVault::open(key.bytes(), &data_dir.join("hour-keys"))
        .map_err(|error| Failure::CouldNot(error.to_string()))?;
    let store = SqliteStore::open(&database_path(data_dir), options)
        .map_err(|error| Failure::CouldNot(error.to_string()))?;
    let mut ended: Vec<Ended> = vec![Box::pin(store.ended())];
    let mut connectors: Vec<Arc<dyn Connector>> = Vec::new();
    if let Some(bank) = bank {
        ended.extend(bank.ended);
        connectors.push(bank.connector);
    }
    let store: Arc<dyn Store> = Arc::new(store);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let demo_only = demo_data::is_here(data_dir);
    let dialer = GuardedDialer::new(&dialer_settings(settings, demo_only))
        .map_err(|error| Failure::CouldNot(error.to_string()))?;
    let gateway = Gateway::new(Parts {
        store,
        vault: Arc::new(vault),
        clock,
        random: Arc::new(SystemSource::new()),
        connectors,
        notices: Arc::new(web::notice::PageNotices),
        dialer: Arc::new(dialer),
        post_timeout: settings.webhooks.timeout.value,
    });
    Ok((Opened { gateway, demo_only }, ended))
}

/// The demo lets webhooks go to private addresses, unless the operator says otherwise.
fn dialer_settings(settings: &Settings, demo_only: bool) -> DialerSettings {
    let private = &settings.webhooks.allow_private;
    DialerSettings {
        allow_private: private.value || (demo_only && private.origin == Origin::Default),
        exchange_timeout: settings.webhooks.timeout.value,
        extra_roots: Vec::new(),
    }
}

/// Whether the data folder has a database, so that its master key must not be made anew.
pub(crate) fn has_database(settings: &Settings) -> bool {
    database_path(&settings.data_dir.value).exists()
}

/// Looks at the database without changing it; none when the data folder has none yet.
pub(crate) fn database_facts(settings: &Settings) -> Result<Option<DatabaseFacts>, Failure> {
    store::sqlite::facts(&database_path(&settings.data_dir.value))
        .map_err(|error| Failure::CouldNot(error.to_string()))
}

/// The sandbox bank's journal, the oldest entry first, read as it is asked for.
pub(crate) fn bank_journal(
    path: &Path,
) -> Result<impl Iterator<Item = Result<serde_json::Value, Failure>> + use<>, Failure> {
    if !path.exists() {
        let text = format!(
            "there are no books of a sandbox bank at {}: start the gateway once, or name the file \
             of a bank that is served by itself with --books",
            path.display()
        );
        return Err(Failure::CouldNot(text));
    }
    let unreadable = |error: &dyn std::fmt::Display| Failure::CouldNot(error.to_string());
    let entries = connectors::read_journal(path).map_err(|error| unreadable(&error))?;
    Ok(entries.map(move |entry| {
        let entry = entry.map_err(|error| unreadable(&error))?;
        serde_json::to_value(entry).map_err(|error| unreadable(&error))
    }))
}
