//! The gateway under test: a process of its own with a fresh data folder.

use super::http::{self, Connection};
use crate::wire::postgres::{Options, Scratch};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// A running gateway, ended and removed with its data when dropped or stopped.
#[derive(Debug)]
pub(super) struct BenchServer {
    started: Started,
    folder: PathBuf,
    scratch: Option<Scratch>,
}

/// Its process.
#[derive(Debug)]
struct Started {
    child: Child,
    pid: u32,
    address: SocketAddr,
    took: Duration,
}

/// What the process has used so far.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    pub(super) rss_mb: u64,
    pub(super) peak_rss_mb: u64,
}

impl BenchServer {
    /// `batch`: most commands in one transaction, for the naive floor.
    /// `database`: a PostgreSQL server to make a fresh schema on, instead of a file.
    pub(super) async fn start(
        parent: &Path,
        database: Option<&str>,
        batch: Option<usize>,
    ) -> Result<Self, String> {
        let scratch = match database {
            None => None,
            Some(text) => {
                let name = format!("bench_{}_{}", std::process::id(), batch.unwrap_or(0));
                let made = Scratch::make(text, name, &Options::default()).await;
                Some(made.map_err(|error| error.to_string())?)
            }
        };
        let started = Self::start_on(parent, scratch.as_ref(), batch).await;
        match (started, scratch) {
            (Ok(mut server), scratch) => {
                server.scratch = scratch;
                Ok(server)
            }
            (Err(error), scratch) => {
                drop_schema(scratch.as_ref()).await;
                Err(error)
            }
        }
    }

    async fn start_on(
        parent: &Path,
        scratch: Option<&Scratch>,
        batch: Option<usize>,
    ) -> Result<Self, String> {
        let stamp = format!("tollgate-bench-{}-{}", std::process::id(), batch.unwrap_or(0));
        let folder = parent.join(stamp);
        let started = Started::new(&folder, scratch, batch).await?;
        Ok(Self { started, folder, scratch: None })
    }

    /// Kills the process, and starts another one on the same data.
    pub(super) async fn restart(&mut self) -> Result<(), String> {
        self.started.end().await;
        self.started = Started::new(&self.folder, self.scratch.as_ref(), None).await?;
        Ok(())
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.started.address
    }

    pub(super) const fn start_time(&self) -> Duration {
        self.started.took
    }

    /// From `/proc` (Linux).
    pub(super) fn usage(&self) -> Result<Usage, String> {
        let read = |name: &str| {
            let path = format!("/proc/{}/{name}", self.started.pid);
            std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
        };
        let status = read("status")?;
        let megabytes = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .map_or(0, |kilobytes| kilobytes / 1024)
        };
        let stat = read("stat")?;
        // After the command's name in brackets: field 12 is utime, 13 stime, in ticks of 10 ms.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .fold(0_u64, u64::saturating_add);
        Ok(Usage {
            cpu: Duration::from_millis(ticks.saturating_mul(10)),
            rss_mb: megabytes("VmRSS:"),
            peak_rss_mb: megabytes("VmHWM:"),
        })
    }

    /// Ends the process and removes its data.
    pub(super) async fn stop(mut self) {
        self.started.end().await;
        drop_schema(self.scratch.take().as_ref()).await;
    }
}

impl Started {
    async fn new(
        folder: &Path,
        scratch: Option<&Scratch>,
        batch: Option<usize>,
    ) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let program = std::env::current_exe().map_err(text)?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env("TOLLGATE_LOG_LEVEL", "error")
            .env("TOLLGATE_DATABASE", scratch.map_or("sqlite", |scratch| &scratch.url))
            .kill_on_drop(true);
        if let Some(batch) = batch {
            command.arg("--batch").arg(batch.to_string());
        }
        let began = Instant::now();
        let mut child = command.spawn().map_err(text)?;
        let output = child.stdout.take().ok_or("the gateway has no standard output")?;
        let mut line = String::new();
        let mut output = BufReader::new(output);
        let read = output.read_line(&mut line);
        tokio::time::timeout(Duration::from_secs(30), read)
            .await
            .map_err(|_elapsed| "the gateway did not become ready within 30 s".to_owned())?
            .map_err(text)?;
        let ready: serde_json::Value = serde_json::from_str(&line)
            .map_err(|_form| format!("the gateway did not say that it is ready: {line:?}"))?;
        let url = ready.get("url").and_then(serde_json::Value::as_str).unwrap_or_default();
        let address = url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
        let address: SocketAddr =
            address.parse().map_err(|_form| format!("the gateway's address is {url:?}"))?;
        let mut connection = Connection::open(address).await.map_err(text)?;
        connection.exchange(&http::get("/healthz")).await.map_err(text)?;
        let took = began.elapsed();
        let pid = child.id().ok_or("the gateway has ended")?;
        Ok(Self { child, pid, address, took })
    }

    async fn end(&mut self) {
        if self.child.start_kill().is_ok() {
            let _status = self.child.wait().await;
        }
    }
}

async fn drop_schema(scratch: Option<&Scratch>) {
    let Some(scratch) = scratch else { return };
    if let Err(error) = scratch.drop(&Options::default()).await {
        tracing::warn!(%error, "a schema was left behind on the database");
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "left behind");
        }
    }
}
