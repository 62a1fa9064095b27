//! The first steps on a database: one node at a time sets it up or brings it up to date.

use super::months;
use super::session::{Connector, Purpose, Session};
use super::{Address, OpenError, Options};
use crate::migrations::{Migration, Version, after, newest};
use std::time::Duration;

/// Taken by whoever sets the database up; "tollgate" in ASCII.
const START_LOCK: i64 = 0x746f_6c6c_6761_7465;
/// How long another node may take to set it up.
const OTHERS_TAKE: Duration = Duration::from_mins(2);

const HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS schema_migrations (
    version         bigint PRIMARY KEY,
    name            text   NOT NULL,
    applied_at      bigint NOT NULL,
    compatible_from bigint NOT NULL
)";

/// What all nodes of a gateway have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A known text sealed under the master key.
    pub key_check: Vec<u8>,
    /// Whether this is the demo's database.
    pub demo: bool,
    /// Where its master key was made: host and folder.
    pub made_at: String,
}

/// A database held by this node alone until this is dropped: others that start wait.
#[derive(Debug)]
pub struct Setup {
    session: Session,
}

impl Setup {
    /// Connects, checks the server, and waits for other nodes that start at this moment.
    pub async fn begin(address: &Address, options: &Options) -> Result<Self, OpenError> {
        let connector = Connector::new(address.clone(), *options);
        let (session, facts) = connector.connect_and_look(Purpose::Care).await?;
        facts.check()?;
        if facts.standbys_are_late() {
            tracing::warn!(
                "the database has a standby, but commits do not wait for it: after a fail-over \
                 acknowledged payments may be missing. Set synchronous_standby_names on the server"
            );
        }
        let client = session.client();
        let lock = client.execute("SELECT pg_advisory_lock($1)", &[&START_LOCK]);
        match tokio::time::timeout(OTHERS_TAKE, lock).await {
            Ok(locked) => drop(locked?),
            Err(_elapsed) => return Err(OpenError::InUse),
        }
        Ok(Self { session })
    }

    pub(crate) fn client(&self) -> &tokio_postgres::Client {
        self.session.client()
    }

    /// Where the schema stands.
    pub async fn version(&self) -> Result<Version, OpenError> {
        version(&self.session).await
    }

    /// Brings the schema up to date; refuses one that this program cannot work with.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let found = self.version().await?;
        if !found.is_usable() {
            return Err(OpenError::NewerSchema { found: found.found, known: newest() });
        }
        let client = self.session.client();
        for migration in after(found.found) {
            let Migration { number, name, compatible_from, postgres, .. } = migration;
            client.batch_execute(&format!("BEGIN; {HISTORY}; {postgres}")).await?;
            client
                .execute(
                    "INSERT INTO schema_migrations (version, name, applied_at, compatible_from) \
                     VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $3)",
                    &[number, name, compatible_from],
                )
                .await?;
            client.batch_execute("COMMIT").await?;
            tracing::info!(number, name, "database migrated");
        }
        if (1..newest()).contains(&found.found) {
            self.analyze().await?;
        }
        Ok(months::make_ahead(&self.session).await?)
    }

    /// Has the server look at its tables now, as it does by itself in a while: tables that were just
    /// written anew have no statistics, and without these it looks for lists in costly ways.
    pub async fn analyze(&self) -> Result<(), OpenError> {
        Ok(self.session.client().batch_execute("ANALYZE").await?)
    }

    /// What was agreed upon when the database was set up; none before.
    pub async fn identity(&self) -> Result<Option<Identity>, OpenError> {
        if self.version().await?.found == 0 {
            return Ok(None);
        }
        identity(&self.session).await
    }

    /// Says what all nodes shall have in common. Must be said once.
    pub async fn set_identity(&self, identity: &Identity) -> Result<(), OpenError> {
        self.session
            .client()
            .execute(
                "INSERT INTO gateway (id, key_check, demo, made_at, created_at) VALUES \
                 (1, $1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)",
                &[&identity.key_check, &identity.demo, &identity.made_at],
            )
            .await?;
        Ok(())
    }

    /// Lets other nodes start.
    pub async fn finish(self) -> Result<(), OpenError> {
        let client = self.session.client();
        client.execute("SELECT pg_advisory_unlock($1)", &[&START_LOCK]).await?;
        Ok(())
    }
}

pub(super) async fn identity(session: &Session) -> Result<Option<Identity>, OpenError> {
    let row = session
        .client()
        .query_opt("SELECT key_check, demo, made_at FROM gateway WHERE id = 1", &[])
        .await?;
    row.map(|row| {
        Ok(Identity { key_check: row.try_get(0)?, demo: row.try_get(1)?, made_at: row.try_get(2)? })
    })
    .transpose()
}

pub(super) async fn version(session: &Session) -> Result<Version, OpenError> {
    let client = session.client();
    let exists: bool = client
        .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    if !exists {
        return Ok(Version { found: 0, compatible_from: 0 });
    }
    let row = client
        .query_one(
            "SELECT coalesce(max(version), 0), coalesce(max(compatible_from), 0) \
             FROM schema_migrations",
            &[],
        )
        .await?;
    Ok(Version { found: row.try_get(0)?, compatible_from: row.try_get(1)? })
}
