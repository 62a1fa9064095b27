//! Group commit: all changesets that wait are taken and written together. There is no batching
//! window: while one batch is on its way, the next one gathers.
//!
//! Two connections write, but the second begins only while the first is at work and much waits, or
//! when the first takes long: a batch costs the server as much as several changesets, and nodes beside
//! each other would fill it with small ones.
//!
//! A changeset is acknowledged when the server has said that its transaction is committed. Where
//! that is not known, because the connection broke or the server did not answer in time, the reply
//! is [`CommitError::Unavailable`], and nothing is tried again.

use super::OpenError;
use super::batch;
use super::gather::gather;
use super::months::{Month, Months};
use super::rows::Ready;
use super::session::{Connector, Link, Purpose, Session, words};
use super::single::{self, WriteError};
use crate::audit_chain::AuditKey;
use engine::batch::take_what_waits;
use engine::crash_point::crash_point;
use engine::error::CommitError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::error::SqlState;

/// More connections make smaller batches and are slower.
const CONNECTIONS: usize = 2;
/// A batch begins beside another one when so many changesets wait.
const BESIDE: usize = 128;
/// Or when something waits after so long behind the other one: it may wait for a lock, or hang.
const ALONE: Duration = Duration::from_millis(20);
/// How long a changeset waits for a connection before it is refused.
const WITHOUT_CONNECTION: Duration = Duration::from_secs(2);
/// Beyond the server's own limit on a statement: the commit itself, and the way.
const BEYOND_STATEMENT: Duration = Duration::from_secs(2);
/// How often a batch is tried that the server certainly took back.
const TRIES: u32 = 5;

type Reply = Result<(), CommitError>;

struct Job {
    ready: Ready,
    reply: oneshot::Sender<Reply>,
    came: Instant,
}

/// The sending side. When it is dropped, what still waits is written, and the committers end.
pub(super) struct Committers {
    jobs: mpsc::Sender<Job>,
    /// Told when so many wait that a batch begins beside another one.
    much: Arc<Notify>,
    beside: usize,
    patience: Duration,
}

impl Committers {
    /// Connects, and starts them.
    pub(super) async fn start(
        connector: &Arc<Connector>,
        audit_key: &AuditKey,
        months: &Arc<Months>,
    ) -> Result<Self, OpenError> {
        let options = connector.options();
        let limit = options.statement_timeout.saturating_add(BEYOND_STATEMENT);
        let mut idle = Vec::with_capacity(CONNECTIONS);
        for _connection in 0..CONNECTIONS {
            let session = connector.connect(Purpose::Commits).await?;
            idle.push(Committer {
                link: Link::start(Arc::clone(connector), Purpose::Commits, session),
                audit_key: audit_key.clone(),
                months: Arc::clone(months),
            });
        }
        let (jobs, waiting) = mpsc::channel(options.queue);
        let much = Arc::new(Notify::new());
        let beside = BESIDE.min(options.batch);
        let queue = Queue {
            waiting,
            put_back: Vec::new(),
            most: options.batch,
            limit,
            much: Arc::clone(&much),
            beside,
            idle,
            at_work: JoinSet::new(),
        };
        tokio::spawn(queue.run());
        Ok(Self { jobs, much, beside, patience: limit })
    }

    /// Whether at least half of the queue is free.
    pub(super) fn has_room(&self) -> bool {
        self.jobs.capacity() > self.jobs.max_capacity() / 2
    }

    /// Queues a changeset and waits for its reply. Dropping the future does not take it back.
    pub(super) async fn submit(&self, ready: Ready) -> Reply {
        let (reply, answer) = oneshot::channel();
        let came = Instant::now();
        self.jobs.try_send(Job { ready, reply, came }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => unavailable("the committers have stopped"),
        })?;
        if self.jobs.max_capacity().saturating_sub(self.jobs.capacity()) >= self.beside {
            self.much.notify_one();
        }
        match timeout_at(came + self.patience, answer).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_dropped)) => Err(unavailable("a committer stopped")),
            Err(_elapsed) => Err(unavailable("the database did not answer in time")),
        }
    }
}

fn unavailable(why: &str) -> CommitError {
    CommitError::Unavailable(why.to_owned())
}

/// The receiving side: what waits, and who writes it.
struct Queue {
    waiting: mpsc::Receiver<Job>,
    /// Changesets about a row that was in the last batch already.
    put_back: Vec<Job>,
    most: usize,
    limit: Duration,
    much: Arc<Notify>,
    beside: usize,
    /// The one that was at work last comes first, for its server process is warm; one that has lost its
    /// connection comes last.
    idle: Vec<Committer>,
    at_work: JoinSet<Committer>,
}

impl Queue {
    async fn run(mut self) {
        while let Some(committer) = self.committer().await {
            let Some(batch) = self.batch().await else { break };
            self.at_work.spawn(committer.answer(batch, self.limit));
        }
        while self.at_work.join_next().await.is_some() {}
    }

    /// Who is to write the next batch, as soon as one may begin. None when nobody is left.
    async fn committer(&mut self) -> Option<Committer> {
        while !self.at_work.is_empty() {
            let may_begin_beside = !self.idle.is_empty();
            if may_begin_beside && self.waiting.len() >= self.beside {
                break;
            }
            tokio::select! {
                biased;
                // Nothing comes back of one that panicked.
                Some(done) = self.at_work.join_next() => self.idle.extend(done),
                () = self.much.notified(), if may_begin_beside => {}
                () = sleep(ALONE), if may_begin_beside => {
                    if !self.waiting.is_empty() {
                        break;
                    }
                }
            }
        }
        match self.idle.iter().rposition(|one| one.link.is_open()) {
            Some(place) => Some(self.idle.remove(place)),
            None => self.idle.pop(),
        }
    }

    /// All that waits, but of several about the same row only the first. None at the end.
    async fn batch(&mut self) -> Option<Vec<Job>> {
        let mut taken = std::mem::take(&mut self.put_back);
        if taken.is_empty() {
            taken = gather(&mut self.waiting, self.most).await?;
        } else {
            take_what_waits(&mut self.waiting, &mut taken, self.most);
        }
        let mut batch = Vec::with_capacity(taken.len());
        let mut rows = BTreeSet::new();
        for job in taken {
            if job.came.elapsed() >= self.limit {
                // Nobody waits for it any more: it was reported as unavailable.
                continue;
            }
            let touched: Vec<(i64, i32, i64)> = batch::touched(&job.ready).collect();
            if touched.iter().any(|row| rows.contains(row)) {
                self.put_back.push(job);
            } else {
                rows.extend(touched);
                batch.push(job);
            }
        }
        Some(batch)
    }
}

/// A connection that writes batches.
struct Committer {
    link: Link,
    audit_key: AuditKey,
    months: Arc<Months>,
}

impl Committer {
    /// Writes a batch, replies to all of it, and is free again. `limit`: how long the server may take.
    async fn answer(self, jobs: Vec<Job>, limit: Duration) -> Self {
        let Some(earliest) = jobs.iter().map(|job| job.came).min() else { return self };
        let Some(session) = self.link.session(earliest + WITHOUT_CONNECTION).await else {
            for job in jobs {
                let _caller_gone = job.reply.send(Err(unavailable("there is no connection to it")));
            }
            return self;
        };
        if timeout(limit, self.write(&session, jobs)).await.is_err() {
            // The replies were dropped with the work, which tells their callers that nothing is
            // known.
            tracing::error!("a commit was not answered by the database within {limit:?}");
            session.discard_as_hung();
        }
        self
    }

    async fn write(&self, session: &Session, jobs: Vec<Job>) {
        crash_point("store.before_write");
        let (common, single): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| job.ready.is_common());
        let mut by_month: BTreeMap<Month, Vec<Job>> = BTreeMap::new();
        for job in common {
            by_month.entry(batch::month(&self.months, &job.ready)).or_default().push(job);
        }
        for (month, jobs) in by_month {
            write_together(session, &self.audit_key, month, jobs).await;
        }
        for job in single {
            write_alone(session, &self.audit_key, job).await;
        }
    }
}

/// What an error says about the transaction it ended.
enum Fate {
    /// The server took it back because of others; it may be tried again.
    TakenBack,
    /// The server refused what one changeset holds.
    Spoilt,
    /// It is not known, or the server cannot do it now.
    Unknown,
}

fn fate(error: &tokio_postgres::Error) -> Fate {
    let Some(code) = error.code() else { return Fate::Unknown };
    if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE {
        Fate::TakenBack
    } else if is_spoilt(code) {
        Fate::Spoilt
    } else {
        Fate::Unknown
    }
}

/// Class 22 is bad data, class 23 a broken rule of the schema: nothing of the statement is written.
fn is_spoilt(code: &SqlState) -> bool {
    code.code().starts_with("22") || code.code().starts_with("23")
}

async fn write_together(session: &Session, audit_key: &AuditKey, month: Month, jobs: Vec<Job>) {
    let batch: Vec<&Ready> = jobs.iter().map(|job| &job.ready).collect();
    let mut tries = 0_u32;
    let result = loop {
        tries = tries.saturating_add(1);
        session.take_warning();
        let written = batch::write(session, month, &batch).await;
        match written {
            Ok(changed) if session.take_warning() => {
                tracing::error!(changed = changed.len(), "committed, but not by the standby");
                break Err(Err("the standby did not confirm the commit".to_owned()));
            }
            Ok(changed) => {
                let replies = batch::replies(session, &batch, &changed).await;
                break replies.map_err(|error| Err(words(&error)));
            }
            Err(error) if matches!(fate(&error), Fate::TakenBack) && tries < TRIES => {
                tracing::debug!(tries, "a batch was taken back and is tried again");
            }
            Err(error) if matches!(fate(&error), Fate::Spoilt) => break Err(Ok(())),
            Err(error) => {
                session.judge(&error);
                break Err(Err(words(&error)));
            }
        }
    };
    match result {
        Ok(replies) => {
            crash_point("store.after_commit");
            for (job, reply) in jobs.into_iter().zip(replies) {
                let _caller_gone = job.reply.send(reply);
            }
        }
        // One of them is to blame; the others must not suffer.
        Err(Ok(())) => {
            for job in jobs {
                write_alone(session, audit_key, job).await;
            }
        }
        Err(Err(why)) => {
            for job in jobs {
                let _caller_gone = job.reply.send(Err(unavailable(&why)));
            }
        }
    }
}

async fn write_alone(session: &Session, audit_key: &AuditKey, job: Job) {
    let mut tries = 0_u32;
    let reply = loop {
        tries = tries.saturating_add(1);
        session.take_warning();
        match single::write(session, audit_key, &job.ready).await {
            Ok(()) if session.take_warning() => {
                break Err(unavailable("the standby did not confirm the commit"));
            }
            Ok(()) => break Ok(()),
            Err(WriteError::Refused(refusal)) => break Err(refusal),
            Err(WriteError::Broken(error)) => match fate(&error) {
                Fate::TakenBack if tries < TRIES => {}
                Fate::Spoilt => {
                    // A rule of the schema stopped it: a bug of ours.
                    let command = job.ready.changeset.name;
                    let why = words(&error);
                    tracing::error!(command, why, "the schema refused a changeset");
                    session.judge(&error);
                    break Err(unavailable(&format!("{command}: {why}")));
                }
                Fate::TakenBack | Fate::Unknown => {
                    session.judge(&error);
                    break Err(unavailable(&words(&error)));
                }
            },
        }
    };
    crash_point("store.after_commit");
    let _caller_gone = job.reply.send(reply);
}
