//! Group commit: one thread writes what many wait for.
//!
//! Jobs queue in a bounded channel. The thread takes all that wait (up to a limit), writes them
//! together, and the replies are handed out by one task, so that a batch costs one wake-up of the
//! runtime and not one per job. There is no batching window: while one batch is synced, the next
//! one gathers, and before it is taken the thread yields its processor once.

use std::fmt;
use tokio::sync::{mpsc, oneshot, watch};

/// What writes a batch.
pub trait Sink: Send + 'static {
    /// One piece of work.
    type Job: Send + 'static;
    /// What its sender gets back.
    type Reply: Send + 'static;

    /// Writes all jobs durably and returns a reply for each, in order. An error is fatal: no job
    /// is acknowledged, and the thread ends. What is in `jobs` afterwards is freed by others, when
    /// all have their replies.
    fn write(&mut self, jobs: &mut Vec<Self::Job>) -> Result<Vec<Self::Reply>, String>;
}

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The queue is full.
    #[error("the queue is full")]
    Full,
    /// The writer has stopped; whether this job was written is not known.
    #[error("the writer has stopped")]
    Stopped,
}

type Waiting<S> = (<S as Sink>::Job, oneshot::Sender<<S as Sink>::Reply>);

/// A batch that was written.
struct Answered<S: Sink> {
    senders: Vec<oneshot::Sender<S::Reply>>,
    replies: Vec<S::Reply>,
    /// Freed by the runtime's threads, which made them: memory that another thread frees costs
    /// both of them more.
    jobs: Vec<S::Job>,
}

/// The sending side of a group-commit thread. When the last clone is dropped, the thread writes
/// what still waits and ends.
pub struct BatchWriter<S: Sink> {
    jobs: mpsc::Sender<Waiting<S>>,
    ended: watch::Receiver<Option<Result<(), String>>>,
}

impl<S: Sink> Clone for BatchWriter<S> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), ended: self.ended.clone() }
    }
}

impl<S: Sink> fmt::Debug for BatchWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWriter").field("free", &self.jobs.capacity()).finish_non_exhaustive()
    }
}

/// How many jobs may wait, and how many are written together.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Jobs beyond this are refused.
    pub queue: usize,
    /// Most jobs in one batch.
    pub batch: usize,
}

impl<S: Sink> BatchWriter<S> {
    /// Starts the thread. Must be called inside a tokio runtime, which hands out the replies.
    pub fn start(name: &str, sink: S, limits: Limits) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(limits.queue);
        let (answers, answered) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(None);
        tokio::spawn(hand_out::<S>(answered));
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(sink, waiting, &answers, &end, limits.batch))?;
        Ok(Self { jobs, ended })
    }

    /// Queues a job and waits for its reply. Dropping the future does not take the job back.
    pub async fn submit(&self, job: S::Job) -> Result<S::Reply, BatchError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send((job, reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => BatchError::Full,
            mpsc::error::TrySendError::Closed(_) => BatchError::Stopped,
        })?;
        answer.await.map_err(|_closed| BatchError::Stopped)
    }

    /// Whether at least half of the queue is free.
    pub fn has_room(&self) -> bool {
        self.jobs.capacity() > self.jobs.max_capacity() / 2
    }

    /// Waits until the thread has ended: with an error when a write failed.
    pub fn ended(&self) -> impl Future<Output = Result<(), String>> + Send + 'static {
        let mut ended = self.ended.clone();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(result) => result.clone().unwrap_or(Ok(())),
                Err(_sender_gone) => Err("the writer thread panicked".to_owned()),
            }
        }
    }
}

fn run<S: Sink>(
    mut sink: S,
    mut waiting: mpsc::Receiver<Waiting<S>>,
    answers: &mpsc::UnboundedSender<Answered<S>>,
    end: &watch::Sender<Option<Result<(), String>>>,
    batch: usize,
) {
    let mut taken = Vec::with_capacity(batch);
    let result = loop {
        if waiting.blocking_recv_many(&mut taken, batch) == 0 {
            break Ok(());
        }
        // Where processors are scarce, whoever is about to queue a job goes first, and a batch is not
        // made of the first job alone; where one is free, this takes no time.
        std::thread::yield_now();
        take_what_waits(&mut waiting, &mut taken, batch);
        let mut senders = Vec::with_capacity(taken.len());
        let mut jobs = Vec::with_capacity(taken.len());
        for (job, sender) in taken.drain(..) {
            jobs.push(job);
            senders.push(sender);
        }
        match sink.write(&mut jobs) {
            Ok(replies) => {
                let _gone_at_shutdown = answers.send(Answered { senders, replies, jobs });
            }
            Err(error) => break Err(error),
        }
    };
    // The sink closes its files before anyone is told that the thread has ended.
    drop(sink);
    let _nobody_listens = end.send(Some(result));
}

/// Takes what waits already, up to so many with those that were taken before.
pub fn take_what_waits<T>(waiting: &mut mpsc::Receiver<T>, taken: &mut Vec<T>, most: usize) {
    while taken.len() < most {
        let Ok(one) = waiting.try_recv() else { break };
        taken.push(one);
    }
}

async fn hand_out<S: Sink>(mut answered: mpsc::UnboundedReceiver<Answered<S>>) {
    while let Some(Answered { senders, replies, jobs }) = answered.recv().await {
        for (sender, reply) in senders.into_iter().zip(replies) {
            let _receiver_gone = sender.send(reply);
        }
        drop(jobs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Doubler {
        batches: Vec<usize>,
        fail_on: Option<u32>,
    }

    impl Sink for Doubler {
        type Job = u32;
        type Reply = u32;

        fn write(&mut self, jobs: &mut Vec<u32>) -> Result<Vec<u32>, String> {
            self.batches.push(jobs.len());
            if self.fail_on.is_some_and(|bad| jobs.contains(&bad)) {
                return Err("disk".to_owned());
            }
            Ok(jobs.iter().map(|n| n.wrapping_mul(2)).collect())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everyone_gets_the_own_reply() {
        let sink = Doubler { batches: Vec::new(), fail_on: None };
        let writer = BatchWriter::start("t", sink, Limits { queue: 2000, batch: 16 }).unwrap();
        let mut all = tokio::task::JoinSet::new();
        for n in 0..1000 {
            let writer = writer.clone();
            all.spawn(async move { (n, writer.submit(n).await) });
        }
        while let Some(done) = all.join_next().await {
            let (n, reply) = done.unwrap();
            assert_eq!(reply, Ok(n * 2));
        }
        let ended = writer.ended();
        drop(writer);
        assert_eq!(ended.await, Ok(()));
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_acknowledged() {
        let sink = Doubler { batches: Vec::new(), fail_on: Some(13) };
        let writer = BatchWriter::start("t", sink, Limits { queue: 8, batch: 16 }).unwrap();
        assert_eq!(writer.submit(1).await, Ok(2));
        assert_eq!(writer.submit(13).await, Err(BatchError::Stopped));
        assert_eq!(writer.ended().await, Err("disk".to_owned()));
        assert_eq!(writer.submit(1).await, Err(BatchError::Stopped));
    }
}
