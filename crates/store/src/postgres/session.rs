//! Connections to the server: opened with what a payment store needs, checked before they are
//! used, and opened again by themselves when they break.

use super::address::Address;
use super::months::Month;
use super::statement::{self, Shape};
use super::{OpenError, Options};
use engine::error::StoreError;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client, Config, Statement};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The oldest server that is supported.
const OLDEST_SERVER: i32 = 150_000;
/// The longest pause between attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a lock may be waited for; another node's batch holds it for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// A transaction that stands still this long belongs to a node that froze.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// How long the server may count.
pub(super) const SUMS_TIMEOUT: Duration = Duration::from_mins(2);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Writes batches of changesets.
    Commits,
    /// Answers questions.
    Questions,
    /// Counts in the background, in its own time.
    Sums,
    /// Claims work. A claim that a crash of the server takes back costs nothing, so it does not
    /// wait for the disk.
    Claims,
    /// Looks after the schema and the keys of the hours; may take its time.
    Care,
}

/// An open connection.
pub(crate) struct Session {
    client: Client,
    statements: Mutex<BTreeMap<(&'static str, Month), Statement>>,
    batches: Mutex<BTreeMap<(Shape, Month), Statement>>,
    /// Cancelled when the connection is over, by whichever side.
    over: CancellationToken,
    _closes_when_dropped: DropGuard,
    warned: Arc<AtomicBool>,
    hung: AtomicBool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The statement, prepared once a connection.
    pub(super) async fn statement(
        &self,
        sql: &'static str,
    ) -> Result<Statement, tokio_postgres::Error> {
        self.statement_in(Month::ANY, sql).await
    }

    /// The statement about rows of a month.
    pub(super) async fn statement_in(
        &self,
        month: Month,
        sql: &'static str,
    ) -> Result<Statement, tokio_postgres::Error> {
        let known = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(&(sql, month)).cloned() {
            return Ok(statement);
        }
        let statement = self.client.prepare(&month.named(sql)).await?;
        known().insert((sql, month), statement.clone());
        Ok(statement)
    }

    /// The statement of a batch of this shape, prepared once a connection.
    pub(super) async fn batch(
        &self,
        shape: Shape,
        month: Month,
    ) -> Result<Statement, tokio_postgres::Error> {
        let known = || self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(&(shape, month)).cloned() {
            return Ok(statement);
        }
        let statement = self.client.prepare(&statement::words(shape, month)).await?;
        known().insert((shape, month), statement.clone());
        Ok(statement)
    }

    /// Whether the server warned since this was asked last. A commit that succeeded with a warning
    /// was not confirmed by its standby.
    pub(super) fn take_warning(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// Closes the connection; another takes its place.
    pub(crate) fn discard(&self) {
        self.over.cancel();
    }

    /// Closes a connection whose server did not answer in time.
    pub(super) fn discard_as_hung(&self) {
        self.hung.store(true, Ordering::Release);
        self.discard();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    pub(super) async fn ended(&self) {
        self.over.cancelled().await;
    }

    /// Closes the connection if this error says that it is of no use any more.
    pub(super) fn judge(&self, error: &tokio_postgres::Error) {
        if connection_is_useless(error) {
            self.discard();
        }
    }
}

/// Errors after which another connection, perhaps to another host, must take over.
fn connection_is_useless(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else { return true };
    // Read-only: this server is no primary any more. A statement that is gone, or whose result
    // changed, is prepared anew on a new connection.
    *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || is_stale_statement(code)
        || code.code().starts_with("08")
        || code.code().starts_with("57P")
}

/// A prepared statement is gone, or the schema changed under it; nothing was done.
pub(super) fn is_stale_statement(code: &SqlState) -> bool {
    *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::FEATURE_NOT_SUPPORTED
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerFacts {
    pub(super) version: i32,
    pub(super) fsync: String,
    pub(super) full_page_writes: String,
    pub(super) synchronous_commit: String,
    pub(super) synchronous_standby_names: String,
    pub(super) standbys: i64,
}

impl ServerFacts {
    /// Refuses a server on which an acknowledged payment could be lost.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        if self.version < OLDEST_SERVER {
            return Err(OpenError::OldServer(self.version / 10_000));
        }
        let off = |name: &'static str| OpenError::UnsafeServer(name);
        if self.fsync != "on" {
            return Err(off("fsync"));
        }
        if self.full_page_writes != "on" {
            return Err(off("full_page_writes"));
        }
        match self.synchronous_commit.as_str() {
            "on" | "remote_apply" => Ok(()),
            _ => Err(off("synchronous_commit")),
        }
    }

    /// Standbys that no commit waits for: whichever is promoted may lack acknowledged payments.
    pub(super) fn standbys_are_late(&self) -> bool {
        self.standbys > 0 && self.synchronous_standby_names.is_empty()
    }
}

/// Opens connections.
#[derive(Debug)]
pub(super) struct Connector {
    address: Address,
    options: Options,
    /// The host that was writable last.
    last_good: AtomicUsize,
}

impl Connector {
    pub(super) const fn new(address: Address, options: Options) -> Self {
        Self { address, options, last_good: AtomicUsize::new(0) }
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// Connects to the first host that lets us write, the last good one first.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Session, OpenError> {
        self.connect_and_look(purpose).await.map(|(session, _facts)| session)
    }

    pub(super) async fn connect_and_look(
        &self,
        purpose: Purpose,
    ) -> Result<(Session, ServerFacts), OpenError> {
        let hosts = self.address.hosts();
        let first = self.last_good.load(Ordering::Relaxed);
        let mut refusal = OpenError::Unreachable("the address names no host".to_owned());
        for index in (first..hosts.len()).chain(0..first) {
            let Some(host) = hosts.get(index) else { continue };
            let limit = self.options.connect_timeout;
            refusal = match timeout(limit, self.open(host, purpose)).await {
                Ok(Ok(opened)) => {
                    self.last_good.store(index, Ordering::Relaxed);
                    return Ok(opened);
                }
                Ok(Err(error)) => error,
                Err(_elapsed) => {
                    OpenError::Unreachable(format!("no answer within {} s", limit.as_secs()))
                }
            };
        }
        Err(refusal)
    }

    async fn open(
        &self,
        host: &Config,
        purpose: Purpose,
    ) -> Result<(Session, ServerFacts), OpenError> {
        let (client, mut connection) = host.connect(self.address.tls()).await?;
        let over = CancellationToken::new();
        let warned = Arc::new(AtomicBool::new(false));
        let (ended, saw_warning) = (over.clone(), Arc::clone(&warned));
        tokio::spawn(async move {
            let messages = async {
                while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                    let AsyncMessage::Notice(notice) = message else { continue };
                    if notice.parsed_severity() == Some(Severity::Warning) {
                        tracing::warn!(warning = notice.message(), "the database warned");
                        saw_warning.store(true, Ordering::Release);
                    }
                }
            };
            tokio::select! {
                () = messages => ended.cancel(),
                () = ended.cancelled() => {}
            }
        });
        let session = Session {
            client,
            statements: Mutex::default(),
            batches: Mutex::default(),
            _closes_when_dropped: over.clone().drop_guard(),
            over,
            warned,
            hung: AtomicBool::new(false),
        };
        session.client.batch_execute(&self.settings(purpose)).await?;
        let facts = facts(&session.client).await?;
        if purpose == Purpose::Commits {
            facts.check()?;
        }
        session.take_warning();
        Ok((session, facts))
    }

    fn settings(&self, purpose: Purpose) -> String {
        let statement = match purpose {
            Purpose::Commits | Purpose::Questions | Purpose::Claims => {
                self.options.statement_timeout
            }
            Purpose::Sums => SUMS_TIMEOUT,
            Purpose::Care => Duration::ZERO,
        };
        let lock = match purpose {
            Purpose::Care => Duration::ZERO,
            Purpose::Commits | Purpose::Questions | Purpose::Sums | Purpose::Claims => {
                LOCK_TIMEOUT.min(self.options.statement_timeout)
            }
        };
        let mut settings = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; \
             SET idle_in_transaction_session_timeout = {}; \
             SET default_transaction_isolation = 'read committed'; SET jit = off;",
            statement.as_millis(),
            lock.as_millis(),
            IDLE_IN_TRANSACTION.as_millis(),
        );
        settings.push_str(match purpose {
            Purpose::Claims => "SET synchronous_commit = off;",
            // A stronger setting of the server's stays.
            Purpose::Commits | Purpose::Questions | Purpose::Sums | Purpose::Care => {
                "SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') <> 'remote_apply';"
            }
        });
        // A plan that was made while a table was small goes on when it has grown.
        if purpose != Purpose::Sums {
            settings.push_str("SET enable_seqscan = off;");
        }
        // Planned once, whatever is asked for: a plan for one value that statistics take for rare, or
        // for frequent, may walk through a whole month.
        if matches!(purpose, Purpose::Commits | Purpose::Claims | Purpose::Questions) {
            settings.push_str("SET plan_cache_mode = force_generic_plan;");
        }
        if matches!(purpose, Purpose::Commits | Purpose::Claims) {
            // For any number of rows and for tables of any size: each row is looked up by its key.
            settings.push_str(
                "SET enable_hashjoin = off; SET enable_mergejoin = off; \
                 SET enable_material = off; SET enable_memoize = off; \
                 SET enable_bitmapscan = off;",
            );
        }
        settings
    }
}

async fn facts(client: &Client) -> Result<ServerFacts, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('fsync'), \
             current_setting('full_page_writes'), current_setting('synchronous_commit'), \
             current_setting('synchronous_standby_names'), \
             (SELECT count(*) FROM pg_stat_replication)",
            &[],
        )
        .await?;
    Ok(ServerFacts {
        version: row.try_get(0)?,
        fsync: row.try_get(1)?,
        full_page_writes: row.try_get(2)?,
        synchronous_commit: row.try_get(3)?,
        synchronous_standby_names: row.try_get(4)?,
        standbys: row.try_get(5)?,
    })
}

/// A connection that is opened again whenever it breaks, until this is dropped.
pub(crate) struct Link {
    current: watch::Receiver<Option<Arc<Session>>>,
    keeper: tokio::task::JoinHandle<()>,
}

impl Link {
    /// Goes on with a connection that is open.
    pub(super) fn start(connector: Arc<Connector>, purpose: Purpose, session: Session) -> Self {
        let (tell, current) = watch::channel(Some(Arc::new(session)));
        let keeper = tokio::spawn(keep(connector, purpose, tell));
        Self { current, keeper }
    }

    /// The connection, or none when there is none until `deadline`.
    pub(crate) async fn session(&self, deadline: Instant) -> Option<Arc<Session>> {
        let mut current = self.current.clone();
        let usable = current.wait_for(|session| is_usable(session.as_ref()));
        let found = timeout_at(deadline, usable).await;
        match found {
            Ok(Ok(session)) => session.clone(),
            Ok(Err(_closed)) => None,
            Err(_elapsed) => None,
        }
    }

    /// Whether there is a connection now.
    pub(super) fn is_open(&self) -> bool {
        is_usable(self.current.borrow().as_ref())
    }

    /// Told of each connection that takes the place of another.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<Arc<Session>>> {
        self.current.clone()
    }
}

fn is_usable(session: Option<&Arc<Session>>) -> bool {
    session.is_some_and(|session| !session.is_over())
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(
    connector: Arc<Connector>,
    purpose: Purpose,
    tell: watch::Sender<Option<Arc<Session>>>,
) {
    loop {
        let Some(session) = tell.borrow().clone() else { return };
        session.ended().await;
        let hung = session.hung.load(Ordering::Acquire);
        drop(session);
        tell.send_replace(None);
        tracing::warn!(?purpose, "lost a connection to the database");
        let mut pause = Duration::from_millis(50);
        let session = loop {
            match connector.connect(purpose).await {
                Ok(session) if !hung || nobody_waits_for_a_standby(&session).await => {
                    break session;
                }
                Ok(_stuck) => tracing::warn!("commits wait for a standby that does not answer"),
                Err(error) if pause >= LONGEST_PAUSE => {
                    tracing::warn!(?purpose, %error, "no connection to the database yet");
                }
                Err(_at_first) => {}
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        };
        tracing::info!(?purpose, "connected to the database again");
        tell.send_replace(Some(Arc::new(session)));
    }
}

/// A commit that hangs for want of its standby cannot be taken back, and each new one would hang
/// on a connection of its own. Whether earlier ones of ours still do.
async fn nobody_waits_for_a_standby(session: &Session) -> bool {
    let waiting = session
        .client
        .query_one(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE usename = current_user AND wait_event = 'SyncRep'",
            &[],
        )
        .await;
    waiting.is_ok_and(|row| row.try_get::<_, i64>(0).is_ok_and(|count| count == 0))
}

/// The words for a question that was not answered.
pub(super) fn unavailable(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(words(error))
}

/// What an error says. The driver's own text hides the server's words; neither repeats values.
pub(crate) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} ({})", server.message(), server.code().code());
    }
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ServerFacts {
        ServerFacts {
            version: 150_004,
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            synchronous_standby_names: String::new(),
            standbys: 0,
        }
    }

    #[test]
    fn servers_that_may_lose_payments_are_refused() {
        assert!(facts().check().is_ok());
        assert!(
            ServerFacts { synchronous_commit: "remote_apply".into(), ..facts() }.check().is_ok()
        );
        for (bad, expected) in [
            (ServerFacts { version: 140_011, ..facts() }, "PostgreSQL 14 is too old"),
            (ServerFacts { fsync: "off".into(), ..facts() }, "fsync is off"),
            (ServerFacts { full_page_writes: "off".into(), ..facts() }, "full_page_writes is off"),
            (ServerFacts { synchronous_commit: "off".into(), ..facts() }, "synchronous_commit is"),
            (
                ServerFacts { synchronous_commit: "local".into(), ..facts() },
                "synchronous_commit is",
            ),
        ] {
            let error = bad.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
        let late = ServerFacts { standbys: 1, ..facts() };
        assert!(late.standbys_are_late() && !facts().standbys_are_late());
        let named = ServerFacts { synchronous_standby_names: "s1".into(), ..late };
        assert!(!named.standbys_are_late());
    }
}
