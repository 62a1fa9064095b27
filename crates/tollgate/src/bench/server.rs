//! The gateway under test: processes of its own with a fresh data folder.

use super::http::{self, Connection};
use crate::config::{Settings, Sources};
use crate::failure::Failure;
use crate::wire::postgres::{Options, Scratch};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// A running gateway of one or more processes, ended and removed with its data when stopped; when it
/// is dropped, only its schema on a PostgreSQL server is left.
#[derive(Debug)]
pub(super) struct BenchServer {
    nodes: Vec<Started>,
    wanted: Wanted,
    folder: PathBuf,
    scratch: Option<Scratch>,
}

/// How a gateway is started.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The folder that its data folder is made in.
    pub(super) parent: PathBuf,
    /// A PostgreSQL server to make a fresh schema on, instead of a file.
    pub(super) database: Option<String>,
    /// Processes; more than one need a PostgreSQL server.
    pub(super) nodes: usize,
    /// Most commands in one transaction, for the naive floor.
    pub(super) batch: Option<usize>,
}

/// A process.
#[derive(Debug)]
struct Started {
    child: Child,
    pid: u32,
    address: SocketAddr,
    took: Duration,
}

/// What the processes have used so far.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    pub(super) rss_mb: u64,
    pub(super) peak_rss_mb: u64,
}

impl BenchServer {
    pub(super) async fn start(wanted: Wanted) -> Result<Self, String> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let stamp = format!("{}_{number}", std::process::id());
        let scratch = match &wanted.database {
            None => None,
            Some(text) => {
                let made = Scratch::make(text, format!("bench_{stamp}"), &Options::default()).await;
                Some(made.map_err(|error| error.to_string())?)
            }
        };
        let folder = wanted.parent.join(format!("tollgate-bench-{stamp}"));
        let mut server = Self { nodes: Vec::new(), wanted, folder, scratch };
        match server.start_processes().await {
            Ok(()) => Ok(server),
            Err(error) => {
                server.stop().await;
                Err(error)
            }
        }
    }

    /// Kills the processes. The data stays.
    pub(super) async fn end_processes(&mut self) {
        for mut node in self.nodes.drain(..) {
            node.end().await;
        }
    }

    /// Starts processes on the data that is there.
    pub(super) async fn start_processes(&mut self) -> Result<(), String> {
        // One after the other, for the first one sets a new database up.
        for _node in 0..self.wanted.nodes {
            let scratch = self.scratch.as_ref();
            let started = Started::new(&self.folder, scratch, self.wanted.batch).await?;
            self.nodes.push(started);
        }
        Ok(())
    }

    /// Kills the processes, and starts others on the same data.
    pub(super) async fn restart(&mut self) -> Result<(), String> {
        self.end_processes().await;
        self.start_processes().await
    }

    /// The address of the first process.
    pub(super) fn address(&self) -> Result<SocketAddr, String> {
        self.addresses().first().copied().ok_or_else(|| "no gateway runs".to_owned())
    }

    /// The addresses of all processes.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// From the start of the first process to its first answer.
    pub(super) fn start_time(&self) -> Duration {
        self.nodes.first().map_or(Duration::ZERO, |node| node.took)
    }

    /// The address of its schema on a PostgreSQL server.
    pub(super) fn database(&self) -> Option<&str> {
        self.scratch.as_ref().map(|scratch| scratch.url.as_str())
    }

    /// Its settings, for work on its data while no process of its runs.
    pub(super) fn settings(&self) -> Result<Settings, String> {
        let folder = self.folder.to_str().ok_or("--data-dir must be a path in UTF-8 text")?;
        let database = self.database().unwrap_or("sqlite").to_owned();
        let sources = Sources {
            flags: vec![
                ("data_dir", "--data-dir", folder.to_owned()),
                ("database", "--database", database),
            ],
            ..Sources::default()
        };
        let wrong = |failure: Failure| failure.text().unwrap_or("wrong settings").to_owned();
        Settings::resolve(&sources).map_err(wrong)
    }

    /// Proves its books with `tollgate verify`, and tells how many payments a second that took.
    pub(super) async fn prove(&self) -> Result<u64, String> {
        let text = |error: std::io::Error| error.to_string();
        let began = Instant::now();
        let proving = Command::new(std::env::current_exe().map_err(text)?)
            .args(["verify", "--json", "--data-dir"])
            .arg(&self.folder)
            .env("TOLLGATE_DATABASE", self.database().unwrap_or("sqlite"))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let proved = proving.await.map_err(text)?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let said = String::from_utf8_lossy(&proved.stdout);
        if !proved.status.success() {
            return Err(format!("tollgate verify ended with {}: {said}", proved.status));
        }
        let proof: serde_json::Value =
            serde_json::from_str(&said).map_err(|error| format!("tollgate verify: {error}"))?;
        let payments = proof.get("payments").and_then(serde_json::Value::as_u64).unwrap_or(0);
        Ok(payments.saturating_mul(1000).checked_div(millis).unwrap_or(payments))
    }

    /// Of all processes together.
    pub(super) fn usage(&self) -> Result<Usage, String> {
        self.nodes.iter().try_fold(Usage::default(), |sum, node| {
            let one = node.usage()?;
            Ok(Usage {
                cpu: sum.cpu.saturating_add(one.cpu),
                rss_mb: sum.rss_mb.saturating_add(one.rss_mb),
                peak_rss_mb: sum.peak_rss_mb.saturating_add(one.peak_rss_mb),
            })
        })
    }

    /// Ends the processes and removes the data.
    pub(super) async fn stop(mut self) {
        self.end_processes().await;
        drop_schema(self.scratch.take().as_ref()).await;
    }
}

/// How long a process may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(1);

static NUMBER: AtomicU32 = AtomicU32::new(1);

impl Started {
    /// From `/proc` (Linux).
    fn usage(&self) -> Result<Usage, String> {
        let read = |name: &str| {
            let path = format!("/proc/{}/{name}", self.pid);
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
        tokio::time::timeout(PATIENCE, read)
            .await
            .map_err(|_elapsed| "the gateway did not become ready within a minute".to_owned())?
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
        // Those that still run are killed when they are dropped, after this.
        for node in &mut self.nodes {
            let _ended_already = node.child.start_kill();
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "left behind");
        }
    }
}
