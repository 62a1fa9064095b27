//! Where the parts meet: the store, the vault, the banks and the way out, put together into one
//! gateway. No other file of this crate names them.

use crate::config::Settings;
use crate::failure::Failure;
use crate::master_key;
use engine::Gateway;
use std::sync::Arc;

/// The data of a gateway, open beside a server that may be running on it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The use cases.
    pub(crate) gateway: Arc<Gateway>,
    /// Whether this is the demo's data: nothing live may be switched on.
    pub(crate) demo_only: bool,
}

/// What the database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFacts {
    /// The schema's version.
    pub(crate) schema: i64,
    /// The version this program needs.
    pub(crate) schema_needed: i64,
    /// `PRAGMA journal_mode`: must be `wal`.
    pub(crate) journal_mode: String,
    /// `PRAGMA synchronous`: must be `full` or `extra`.
    pub(crate) synchronous: String,
    /// The library's version.
    pub(crate) library: String,
    /// Webhooks that are not acknowledged yet, if that is cheap to know.
    pub(crate) deliveries_waiting: Option<u64>,
}

/// Opens the data folder for a command.
pub(crate) fn open(settings: &Settings) -> Result<Opened, Failure> {
    let _key = master_key::read(&settings.data_dir.value)?;
    Err(not_yet())
}

/// Looks at the database without changing it; none when the data folder has none yet.
pub(crate) fn database_facts(_settings: &Settings) -> Result<Option<DatabaseFacts>, Failure> {
    Err(not_yet())
}

/// The sandbox bank's journal, the oldest entry first: one JSON object each.
pub(crate) fn bank_journal(settings: &Settings) -> Result<Vec<serde_json::Value>, Failure> {
    let _opened = open(settings)?;
    Err(not_yet())
}

fn not_yet() -> Failure {
    Failure::CouldNot("this build has no database yet".to_owned())
}
