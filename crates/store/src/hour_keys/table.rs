//! Hour keys in a table that the nodes share, each wrapped by a key derived from the master key.
//!
//! The table is unlogged: what is in it reaches no write-ahead log, no base backup and no standby.
//! A crash of the server or a fail-over empties it, so every node keeps the keys of the previous,
//! this and the next hour in memory and publishes them again. Sealing and opening never wait for
//! the database.

use crate::postgres::{Link, Session};
use crate::vault::{Key, Wrapping};
use engine::error::VaultError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How often the table is looked at. The next hour's key is made as soon as there is none, which
/// is an hour ahead.
const PERIOD: Duration = Duration::from_secs(20);
/// The longest that one look may take.
const LIMIT: Duration = Duration::from_secs(15);
/// One node at a time makes keys; "hourkeys" in ASCII.
const LOCK: i64 = 0x686f_7572_6b65_7973;

/// Of one hour there is one key, unless a crash emptied the table while a node was starting.
type Name = (i64, [u8; 8]);

#[derive(Default)]
struct Memory {
    keys: Mutex<BTreeMap<Name, Key>>,
    /// Somebody asked for a key that is not here.
    missed: Notify,
}

impl Memory {
    fn read(&self) -> BTreeMap<Name, Key> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of_hour(&self, hour: i64) -> Vec<Key> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.range((hour, [0; 8])..=(hour, [0xff; 8])).map(|(_name, key)| key.clone()).collect()
    }
}

/// The keys of this process, and the task that keeps them and the table the same.
pub(crate) struct TableKeys {
    memory: Arc<Memory>,
    keeper: tokio::task::JoinHandle<()>,
}

impl TableKeys {
    /// Reads the keys, makes those that are missing, and looks after them from now on.
    pub(crate) async fn start(link: Link, wrapping: Wrapping) -> Result<Self, VaultError> {
        let memory = Arc::new(Memory::default());
        let session = link.session(Instant::now() + LIMIT).await;
        let session =
            session.ok_or_else(|| VaultError::Keys("no connection to the database".to_owned()))?;
        refresh(&session, &memory, &wrapping).await?;
        drop(session);
        let keeper = tokio::spawn(keep(link, Arc::clone(&memory), wrapping));
        Ok(Self { memory, keeper })
    }

    pub(super) fn sealing(&self, hour: i64) -> Result<Key, VaultError> {
        self.memory.of_hour(hour).into_iter().next().ok_or_else(|| {
            self.memory.missed.notify_one();
            let why = "there is no key for this hour; is this machine's clock right, and does the \
                       database answer?";
            VaultError::Keys(why.to_owned())
        })
    }

    pub(super) fn opening(&self, hour: i64) -> Result<Vec<Key>, VaultError> {
        let keys = self.memory.of_hour(hour);
        if keys.is_empty() {
            self.memory.missed.notify_one();
            return Err(VaultError::KeyDestroyed);
        }
        Ok(keys)
    }

    pub(super) fn forget_before(&self, hour: i64) {
        let mut keys = self.memory.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|(at, _name), _key| *at >= hour);
    }
}

impl Drop for TableKeys {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(link: Link, memory: Arc<Memory>, wrapping: Wrapping) {
    let mut connections = link.changes();
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            // After a crash or a fail-over the table may be empty.
            changed = connections.changed() => if changed.is_err() { return },
            () = memory.missed.notified() => {}
        }
        let Some(session) = link.session(Instant::now() + PERIOD).await else { continue };
        match timeout(LIMIT, refresh(&session, &memory, &wrapping)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the keys of the hours were not looked after");
                session.discard();
            }
            Err(_elapsed) => session.discard(),
        }
    }
}

fn failed(error: &tokio_postgres::Error) -> VaultError {
    VaultError::Keys(format!("hour_keys: {}", crate::postgres::words(error)))
}

/// Makes table and memory the same, and both complete for this hour and the next.
async fn refresh(
    session: &Session,
    memory: &Memory,
    wrapping: &Wrapping,
) -> Result<(), VaultError> {
    let client = session.client();
    client.batch_execute("BEGIN").await.map_err(|error| failed(&error))?;
    let refreshed = refresh_within(session, memory, wrapping).await;
    let end = if refreshed.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(|error| failed(&error))?;
    // Only what is certainly in the table is sealed under.
    let keys = refreshed?;
    *memory.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    Ok(())
}

async fn refresh_within(
    session: &Session,
    memory: &Memory,
    wrapping: &Wrapping,
) -> Result<BTreeMap<Name, Key>, VaultError> {
    let error = |error: tokio_postgres::Error| failed(&error);
    let client = session.client();
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(error)?;
    // By the server's clock, so that all nodes mean the same hour.
    let hour: i64 = client
        .query_one("SELECT floor(extract(epoch FROM clock_timestamp()) / 3600)::bigint", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(error)?;
    let oldest = hour.saturating_sub(1);
    let rows =
        client.query("SELECT hour, name, wrapped FROM hour_keys", &[]).await.map_err(error)?;
    let mut keys = BTreeMap::new();
    let mut outlived = false;
    for row in rows {
        let hour: i64 = row.try_get(0).map_err(error)?;
        if hour < oldest {
            outlived = true;
            continue;
        }
        let name = row.try_get::<_, &[u8]>(1).map_err(error)?;
        let name = name.try_into().map_err(|_length| VaultError::Sealed("hour_keys.name"))?;
        let wrapped = row.try_get::<_, &[u8]>(2).map_err(error)?;
        keys.insert((hour, name), wrapping.open(hour, wrapped)?);
    }
    let in_table: Vec<Name> = keys.keys().copied().collect();
    for (name, key) in memory.read() {
        if name.0 >= oldest {
            keys.entry(name).or_insert(key);
        }
    }
    for hour in [hour, hour.saturating_add(1)] {
        if !keys.keys().any(|(of, _name)| *of == hour) {
            keys.insert((hour, *super::fresh()?), super::fresh()?);
        }
    }
    if outlived {
        // Removed rows would stay readable in the table's file; a truncated table gets a new one.
        client.batch_execute("TRUNCATE hour_keys").await.map_err(error)?;
    }
    for (name, key) in &keys {
        if outlived || !in_table.contains(name) {
            let wrapped = wrapping.seal(name.0, key)?;
            client
                .execute(
                    "INSERT INTO hour_keys (hour, name, wrapped) VALUES ($1, $2, $3)",
                    &[&name.0, &name.1.as_slice(), &wrapped],
                )
                .await
                .map_err(error)?;
        }
    }
    Ok(keys)
}
