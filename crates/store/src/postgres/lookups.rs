//! Questions about one payment by its number, of which each call of a customer's or a merchant's
//! asks several: all that wait are asked together. As with commits there is no window: while one
//! question is on its way, the next ones gather.

use super::gather::gather;
use super::months::{Month, Months};
use super::queries::Readers;
use engine::error::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;
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
    pub(super) fn start(readers: &Arc<Readers>, months: &Arc<Months>, sql: &'static str) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _asker in 0..ASKERS {
            let question =
                Question { readers: Arc::clone(readers), months: Arc::clone(months), sql };
            tokio::spawn(answer_all(question, Arc::clone(&waiting)));
        }
        Self { jobs }
    }

    /// The rows of those of these payments that there are.
    pub(super) async fn ask_all(&self, payments: &[i64]) -> Result<Vec<Arc<Row>>, StoreError> {
        let mut answers = Vec::with_capacity(payments.len());
        for payment in payments {
            answers.push(self.begin(*payment).await?);
        }
        let mut rows = Vec::with_capacity(payments.len());
        for answer in answers {
            rows.extend(answer.await.unwrap_or_else(|_dropped| Err(stopped()))?);
        }
        Ok(rows)
    }

    /// The row of a payment.
    pub(super) async fn ask(&self, payment: i64) -> Answer {
        self.begin(payment).await?.await.unwrap_or_else(|_dropped| Err(stopped()))
    }

    async fn begin(&self, payment: i64) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { payment, reply }).await.map_err(|_closed| stopped())?;
        Ok(answer)
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("nobody asks the database any more".to_owned())
}

#[derive(Clone)]
struct Question {
    readers: Arc<Readers>,
    months: Arc<Months>,
    sql: &'static str,
}

async fn answer_all(question: Question, waiting: Arc<Mutex<mpsc::Receiver<Job>>>) {
    loop {
        let Some(jobs) = gather(&mut *waiting.lock().await, TOGETHER).await else { return };
        let mut by_month: BTreeMap<Month, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            // Whoever hung up meanwhile does not want to know.
            if !job.reply.is_closed() {
                by_month.entry(question.months.of(job.payment)).or_default().push(job);
            }
        }
        let mut asked = JoinSet::new();
        for (month, jobs) in by_month {
            asked.spawn(question.clone().answer(month, jobs));
        }
        while asked.join_next().await.is_some() {}
    }
}

impl Question {
    async fn answer(self, month: Month, jobs: Vec<Job>) {
        let mut payments: Vec<i64> = jobs.iter().map(|job| job.payment).collect();
        payments.sort_unstable();
        payments.dedup();
        let found = self.readers.ask_in(month, self.sql, &[&payments]).await.and_then(by_number);
        for job in jobs {
            let answer = match &found {
                Ok(rows) => Ok(rows.get(&job.payment).map(Arc::clone)),
                Err(error) => Err(StoreError::clone(error)),
            };
            let _caller_gone = job.reply.send(answer);
        }
    }
}

fn by_number(rows: Vec<Row>) -> Result<BTreeMap<i64, Arc<Row>>, StoreError> {
    rows.into_iter().map(|row| Ok((super::rows::get(&row, 0)?, Arc::new(row)))).collect()
}
