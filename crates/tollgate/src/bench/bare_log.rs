//! The floor under every durable payment: records appended to a file in the same folder, one writer,
//! one fdatasync for all that wait. No HTTP, no database, no index. Whatever answers durably on this
//! disk is slower.

use super::generator::{Pace, micros};
use super::latencies::Latencies;
use super::timer::Timer;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::time::Instant;

/// About what a payment, its event and their indexes take in a write-ahead log.
pub(super) const RECORD: [u8; 1024] = [0x5a; 1024];
/// Most records that are written together.
const BATCH: usize = 4096;

/// What came of it.
#[derive(Debug)]
pub(super) struct LogMeasured {
    /// Records a second.
    pub(super) per_second: u64,
    /// From when each was due until it was on the disk.
    pub(super) latencies: Latencies,
}

/// A file that is removed again.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    pub(super) fn create(folder: &Path) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("tollgate-bench-{}_{number}.log", std::process::id()));
        let named = |error: std::io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(folder).map_err(named)?;
        let file = File::create(&path).map_err(named)?;
        Ok(Self { file, path })
    }

    pub(super) fn append(&mut self, records: &[u8]) -> Result<(), String> {
        self.file
            .write_all(records)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "left behind");
        }
    }
}

/// One client that appends a record and waits until it is on the disk, over and over.
pub(super) fn one_client(folder: &Path, duration: Duration) -> Result<LogMeasured, String> {
    let mut log = Log::create(folder)?;
    let mut latencies = Latencies::default();
    let until = Instant::now() + duration;
    loop {
        let began = Instant::now();
        if began >= until {
            break;
        }
        log.append(&RECORD)?;
        latencies.add(micros(began, Instant::now()));
    }
    Ok(measured(latencies, duration))
}

fn measured(latencies: Latencies, duration: Duration) -> LogMeasured {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let per_second = latencies.count().saturating_mul(1000).checked_div(millis).unwrap_or(0);
    LogMeasured { per_second, latencies }
}

/// The same for many: they come together in batches, as they do in the gateway.
pub(super) fn run(
    folder: &Path,
    clients: usize,
    pace: Pace,
    warm_up: Duration,
    duration: Duration,
) -> Result<LogMeasured, String> {
    let mut log = Log::create(folder)?;
    let timer = Timer::for_thread().map_err(|error| error.to_string())?;
    let (records, waiting) = channel();
    let (acknowledge, acknowledged) = channel();
    let began = Instant::now();
    let from = began + warm_up;
    let until = from + duration;
    // What the writer holds is let go of when it fails, so that the other thread ends as well.
    std::thread::scope(move |scope| {
        scope.spawn(move || match pace {
            Pace::Closed => closed_loop(clients, until, &records, &acknowledged),
            Pace::Open { per_second } => open_loop(per_second, began, until, &records, &timer),
        });
        let mut latencies = Latencies::default();
        let mut dues: Vec<Instant> = Vec::with_capacity(BATCH);
        let mut bytes: Vec<u8> = Vec::with_capacity(RECORD.len().saturating_mul(BATCH));
        while let Ok(first) = waiting.recv() {
            dues.push(first);
            dues.extend(waiting.try_iter().take(BATCH.saturating_sub(1)));
            for _due in &dues {
                bytes.extend_from_slice(&RECORD);
            }
            log.append(&bytes)?;
            let now = Instant::now();
            for due in &dues {
                // As the load generator counts.
                let counts = match pace {
                    Pace::Closed => from <= now && now <= until,
                    Pace::Open { .. } => from <= *due,
                };
                if counts {
                    latencies.add(micros(*due, now));
                }
            }
            // Gone at the end, or in an open loop.
            let _gone = acknowledge.send(dues.len());
            dues.clear();
            bytes.clear();
        }
        Ok(measured(latencies, duration))
    })
}

/// Each client sends its next record when the one before is on the disk.
fn closed_loop(
    clients: usize,
    until: Instant,
    records: &Sender<Instant>,
    acknowledged: &Receiver<usize>,
) {
    let mut free = clients;
    loop {
        let now = Instant::now();
        if now >= until || (0..free).any(|_client| records.send(now).is_err()) {
            return;
        }
        match acknowledged.recv() {
            Ok(count) => free = count,
            Err(_writer_gone) => return,
        }
    }
}

/// Records at a fixed rate.
fn open_loop(
    per_second: u64,
    began: Instant,
    until: Instant,
    records: &Sender<Instant>,
    timer: &Timer,
) {
    for number in 0_u64.. {
        let nanos = number.saturating_mul(1_000_000_000).checked_div(per_second);
        let Some(nanos) = nanos else { return };
        let due = began + Duration::from_nanos(nanos);
        if due >= until {
            return;
        }
        let wait = due.saturating_duration_since(Instant::now());
        if !wait.is_zero() && timer.arm(wait).is_ok() {
            timer.read();
        }
        if records.send(due).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(400);

    #[test]
    fn the_log_counts_what_is_on_the_disk_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let one = one_client(folder.path(), SHORT).unwrap();
        assert!(one.per_second > 0 && one.latencies.per_mille(500) > 0);
        let many = run(folder.path(), 64, Pace::Closed, Duration::ZERO, SHORT).unwrap();
        assert!(many.per_second > 0 && many.latencies.per_mille(990) > 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_fixed_rate_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace::Open { per_second: 100 };
        let paced = run(folder.path(), 1, pace, SHORT, Duration::from_secs(1)).unwrap();
        assert_eq!(paced.latencies.count(), 100, "what was due counts, however late it ended");
    }
}
