//! Connections that read. A question about one thing is answered in the caller's thread; lists and
//! sums are answered in threads of their own, a few at once, so that they keep nobody from a commit.

use super::{QueryError, open_connection};
use engine::error::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{RwLock, Semaphore};
use tokio::time::Instant;

/// Read connections kept open; more are opened for a moment when all are busy.
const KEPT: usize = 8;
/// Lists and sums that are read at once. Each keeps a processor busy.
pub(super) const LONG_AT_ONCE: usize = 2;

/// When a proof lets go of the database.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Where the write-ahead log is longer than this, in bytes, ...
    long_log: u64,
    /// ... it reads for so long, ...
    reads_for: Duration,
    /// ... and then not for so long: the writer needs two commits without readers to begin the log
    /// anew.
    pauses_for: Duration,
}

const PACE: Pace = Pace {
    long_log: 64 * 1024 * 1024,
    reads_for: Duration::from_secs(1),
    pauses_for: Duration::from_millis(100),
};

/// The connections.
pub(super) struct Readers {
    path: PathBuf,
    kept: Mutex<Vec<Connection>>,
    long: Arc<Semaphore>,
    /// For sums over everything, which take seconds: they keep no list from its turn.
    sums: Arc<Semaphore>,
    pace: Pace,
    /// Held for reading by the steps of a proof, and for writing between them; with it, when that
    /// was last.
    proof: RwLock<Instant>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Self::with_pace(path, PACE)
    }

    fn with_pace(path: PathBuf, pace: Pace) -> Arc<Self> {
        let long = Arc::new(Semaphore::new(LONG_AT_ONCE));
        let proof = RwLock::new(Instant::now());
        let sums = Arc::new(Semaphore::new(1));
        Arc::new(Self { path, kept: Mutex::default(), long, sums, pace, proof })
    }

    /// Answers a question in this thread: by key or index, of few rows, and from memory as a rule.
    pub(super) fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, QueryError>,
    ) -> Result<T, StoreError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.open()?,
        };
        let answer = question(&connection);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(connection);
        }
        drop(kept);
        answer.map_err(StoreError::from)
    }

    /// Answers a question of many rows in a thread of its own, when it is its turn. It reads to its
    /// end although the caller goes away.
    pub(super) async fn read_long<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_in_turn(&self.long, question).await
    }

    /// Sums up in a thread of its own, one sum after the other.
    pub(super) async fn read_sum<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_in_turn(&self.sums, question).await
    }

    async fn read_in_turn<T: Send + 'static>(
        self: &Arc<Self>,
        turns: &Arc<Semaphore>,
        question: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let unavailable = |error: &dyn fmt::Display| StoreError::Unavailable(error.to_string());
        let turn = Arc::clone(turns).acquire_owned().await.map_err(|e| unavailable(&e))?;
        let readers = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let answer = readers.read(question);
            drop(turn);
            answer
        });
        reading.await.map_err(|panicked| unavailable(&panicked))?
    }

    /// Answers a step of a proof, in this thread. As long as anybody reads, the writer cannot begin
    /// the write-ahead log anew, and the steps of a proof follow each other for minutes: so there
    /// is a moment without them every now and then, as soon as the log is long.
    pub(super) async fn read_step<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, QueryError> + Send,
    ) -> Result<T, StoreError> {
        let step = self.proof.read().await;
        let step = if step.elapsed() >= self.pace.reads_for && self.log_is_long() {
            drop(step);
            let mut paused_at = self.proof.write().await;
            // Unless another part of the proof has just done so.
            if paused_at.elapsed() >= self.pace.reads_for {
                tokio::time::sleep(self.pace.pauses_for).await;
                *paused_at = Instant::now();
            }
            paused_at.downgrade()
        } else {
            step
        };
        let answer = self.read(question);
        drop(step);
        answer
    }

    fn log_is_long(&self) -> bool {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        std::fs::metadata(path).is_ok_and(|log| log.len() > self.pace.long_log)
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let unavailable = |error: &dyn fmt::Display| StoreError::Unavailable(error.to_string());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = open_connection(&self.path, flags).map_err(|error| unavailable(&error))?;
        connection
            .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")
            .map_err(|error| unavailable(&error))?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Three parts of a proof read on and on, each step for longer than it takes to write.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_proof_lets_the_writer_begin_its_log_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; \
                 PRAGMA wal_autocheckpoint = 100; CREATE TABLE t (bytes BLOB)",
            )
            .unwrap();
        let pace = Pace {
            long_log: 1024 * 1024,
            reads_for: Duration::from_millis(50),
            pauses_for: Duration::from_millis(30),
        };
        let readers = Readers::with_pace(path.clone(), pace);
        let ends = Arc::new(AtomicBool::new(false));
        let mut parts = tokio::task::JoinSet::new();
        for _part in 0..3 {
            let (readers, ends) = (Arc::clone(&readers), Arc::clone(&ends));
            parts.spawn(async move {
                while !ends.load(Ordering::Relaxed) {
                    let step = readers.read_step(|connection| {
                        let snapshot = connection.unchecked_transaction()?;
                        snapshot.query_row("SELECT max(rowid) FROM t", [], |_row| Ok(()))?;
                        std::thread::park_timeout(Duration::from_millis(10));
                        Ok(())
                    });
                    step.await.unwrap();
                }
            });
        }
        let log = folder.path().join("t.db-wal");
        let began = Instant::now();
        let (mut written, mut length) = (0, 0);
        while written < 4 * 1024 * 1024 || length > written / 2 {
            assert!(began.elapsed() < Duration::from_secs(30), "{length} of {written} bytes");
            writer.execute("INSERT INTO t VALUES (randomblob(8000))", []).unwrap();
            written += 8000;
            length = std::fs::metadata(&log).unwrap().len();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        ends.store(true, Ordering::Relaxed);
        parts.join_all().await;
    }
}
