//! `tollgate serve`: the gateway itself.

use crate::cli::Common;
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Output;
use crate::telemetry;
use clap::{Args, ValueEnum};
use engine::Gateway;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  tollgate serve
  tollgate serve --listen 0.0.0.0:9003 --public-url https://pay.example.com
  tollgate serve --data-dir /var/lib/tollgate --config /etc/tollgate.toml
  tollgate serve --json

Every flag is also a key of the configuration and a TOLLGATE_ variable: `tollgate config show`.")]
pub(crate) struct Arguments {
    /// Where to listen [default: 127.0.0.1:9003]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,

    /// The database [default: sqlite, in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,

    /// The address that customers and shops see [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// What this process does [default: all]
    #[arg(long, value_enum)]
    role: Option<RoleName>,

    /// One line of JSON on standard output when ready
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Requests and background work
    All,
    /// Requests only
    Api,
    /// Background work only
    Worker,
}

impl Arguments {
    fn flags(&self) -> Vec<crate::cli::FlagValue> {
        let role = self.role.map(|role| match role {
            RoleName::All => "all".to_owned(),
            RoleName::Api => "api".to_owned(),
            RoleName::Worker => "worker".to_owned(),
        });
        [
            ("listen", "--listen", self.listen.clone()),
            ("database", "--database", self.database.clone()),
            ("public_url", "--public-url", self.public_url.clone()),
            ("role", "--role", role),
        ]
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key, flag, value?)))
        .collect()
    }
}

/// A gateway that runs in this process.
#[derive(Debug)]
pub(crate) struct Running {
    /// The base of its addresses; its own loopback address unless a public one is configured.
    pub(crate) url: String,
    /// Its use cases.
    pub(crate) gateway: Arc<Gateway>,
    /// Ends it: cancel, then await `ended`.
    pub(crate) stop: CancellationToken,
    /// Ends when everything that was begun is done.
    pub(crate) ended: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Running {
    /// Ends it in good order: no new requests, those begun are finished.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.ended.await.map_err(|error| Failure::could_not("the gateway", error))?
    }
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let settings = common.settings_with(arguments.flags())?;
    telemetry::start(settings.log.format, settings.log.level)?;
    let running = start(&settings).await?;
    let output = Output::new(arguments.json);
    if output.is_json() {
        let pid = std::process::id();
        output.json_line(&serde_json::json!({"ready": true, "url": running.url, "pid": pid}))?;
    } else {
        output.talk(&format!("Tollgate is ready at {}", running.url));
    }
    asked_to_end().await?;
    running.end().await
}

/// Waits for Ctrl-C, or for the SIGTERM of a service manager.
async fn asked_to_end() -> Result<(), Failure> {
    let cannot = |error| Failure::could_not("signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(cannot),
        _ = terminate.recv() => Ok(()),
    }
}

/// Starts a gateway in this process: makes the data folder with its master key when it is new,
/// opens the store, and listens (port 0: any free one).
#[expect(clippy::unused_async, reason = "starting awaits; the body is not written yet")]
pub(crate) async fn start(settings: &Settings) -> Result<Running, Failure> {
    crate::wire::open(settings)?;
    Err(Failure::CouldNot("this build has no server yet".to_owned()))
}
