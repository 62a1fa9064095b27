//! Questions about one payment by its number, of which each call of a customer's or a merchant's
//! asks several: all that wait are asked together. As with commits there is no window: while one
//! question is on its way, the next ones gather.

use super::queries::Readers;
use engine::error::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::Row;

/// Askers at the same time. More of them make smaller questions.
const ASKERS: usize = 2;
/// Most numbers in one question.
const TOGETHER: usize = 256;
/// Questions that may wait; beyond, whoever asks waits to ask.
const QUEUE: usize = 4096;

type Answer = Result<Option<Arc<Row>>, StoreError>;

struct Job {
    payment: i64,
    reply: oneshot::Sender<Answer>,
}

/// One question, asked about many payments at once.
pub(super) struct Lookups {
    jobs: mpsc::Sender<Job>,
}

impl Lookups {
    /// `sql` has the payments' numbers as its parameter, and answers with at most one row for each,
    /// whose first column is the number.
    pub(super) fn start(readers: &Arc<Readers>, sql: &'static str) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _asker in 0..ASKERS {
            tokio::spawn(answer_all(Arc::clone(readers), sql, Arc::clone(&waiting)));
        }
        Self { jobs }
    }

    /// The row of a payment.
    pub(super) async fn ask(&self, payment: i64) -> Answer {
        let stopped = || StoreError::Unavailable("nobody asks the database any more".to_owned());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { payment, reply }).await.map_err(|_closed| stopped())?;
        answer.await.unwrap_or_else(|_dropped| Err(stopped()))
    }
}

async fn answer_all(
    readers: Arc<Readers>,
    sql: &'static str,
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
) {
    loop {
        let mut jobs = Vec::new();
        if waiting.lock().await.recv_many(&mut jobs, TOGETHER).await == 0 {
            return;
        }
        // Whoever hung up meanwhile does not want to know.
        jobs.retain(|job| !job.reply.is_closed());
        let mut payments: Vec<i64> = jobs.iter().map(|job| job.payment).collect();
        payments.sort_unstable();
        payments.dedup();
        let found = readers.ask(sql, &[&payments]).await.and_then(by_number);
        for job in jobs {
            let answer = match &found {
                Ok(rows) => Ok(rows.get(&job.payment).map(Arc::clone)),
                Err(error) => Err(error.clone()),
            };
            let _caller_gone = job.reply.send(answer);
        }
    }
}

fn by_number(rows: Vec<Row>) -> Result<BTreeMap<i64, Arc<Row>>, StoreError> {
    rows.into_iter().map(|row| Ok((super::rows::get(&row, 0)?, Arc::new(row)))).collect()
}
