//! `tollgate serve`: the gateway itself.

use crate::cli::Common;
use crate::config::{Database, Origin, Role, Settings};
use crate::demo_data;
use crate::failure::Failure;
use crate::master_key::{self, Creation};
use crate::output::Output;
use crate::random::SystemSource;
use crate::telemetry;
use crate::wire::{self, Ended, Opened};
use clap::{Args, ValueEnum};
use engine::{Actor, Gateway};
use rustix::fs::FlockOperation;
use serde_json::json;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::server::{ServerSettings, TlsIdentity};
use web::{App, Site};

#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  tollgate serve
  tollgate serve --listen 0.0.0.0:9003 --public-url https://pay.example.com
  tollgate serve --data-dir /var/lib/tollgate --config /etc/tollgate.toml
  tollgate serve --database postgres://tollgate@db1,db2/tollgate --role worker
  tollgate serve --json

Every flag is also a key of the configuration and a TOLLGATE_ variable: `tollgate config show`.")]
pub(crate) struct Arguments {
    /// Where to listen [default: 127.0.0.1:9003]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,

    /// sqlite (in the data folder) or postgres://…; others can see arguments, so a password is better
    /// in the environment or in the file of settings [default: sqlite]
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

    /// Most commands in one transaction; `tollgate bench` sets it to 1 for its floor
    #[arg(long, hide = true)]
    batch: Option<usize>,
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
    /// Whether it runs on demo data.
    pub(crate) demo: bool,
    /// Whether it has no terminals yet.
    pub(crate) empty: bool,
    /// Ends it: cancel, then await `ended`.
    pub(crate) stop: CancellationToken,
    /// Ends when everything that was begun is done.
    pub(crate) ended: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Running {
    /// Ends it in good order: no new requests, those begun are finished.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        let Self { stop, ended, gateway, .. } = self;
        // The files are closed when nobody has the gateway any more.
        drop(gateway);
        stop.cancel();
        flatten(ended.await)
    }
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let settings = common.settings_with(arguments.flags())?;
    telemetry::start(settings.log.format, settings.log.level)?;
    let output = Output::new(arguments.json);
    // Before it is said to be ready, so that a signal right then ends it in good order as well.
    let termination = termination()?;
    let running = start_with(&settings, arguments.batch).await?;
    tell_ready(output, &settings, &running)?;
    let Running { stop, ended, gateway, .. } = running;
    // The files are closed when nobody has the gateway any more, and this one is not needed.
    drop(gateway);
    tokio::pin!(ended);
    tokio::select! {
        // A writer failed, or the listener did.
        ended = &mut ended => return flatten(ended),
        () = termination => {}
    }
    tracing::info!("stopping: requests that run are finished first");
    stop.cancel();
    flatten(ended.await)
}

fn flatten(ended: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    ended.map_err(|error| Failure::could_not("the gateway", error))?
}

fn tell_ready(output: Output, settings: &Settings, running: &Running) -> Result<(), Failure> {
    if output.is_json() {
        let pid = std::process::id();
        return output.json_line(&json!({ "ready": true, "url": running.url, "pid": pid }));
    }
    let url = &running.url;
    let next = if running.demo {
        let key = demo_data::PUBLIC_KEY;
        let (same_url, same_data) = (same_gateway(settings, url), same_data(settings));
        let program = program();
        format!(
            "\nThis is demo data: merchant \"Demo Shop\", test terminal 42, a sandbox bank.\n\
             \x20 a first payment     {program} pay{same_url} --otp 123456\n\
             \x20 the API, samples    {url}/developers\n\
             \x20 receive webhooks    {program} listen{same_data}\n\
             \x20 terNO 42, public_key {key}\n\
             For a gateway of your own, stop this one and run `{program} init` in a new folder.\n"
        )
    } else if running.empty {
        let (program, same_data) = (program(), same_data(settings));
        format!(
            "\nIt has no terminals yet, and can take no payment. In another window:\n\
             \x20 {program} merchant add{same_data} --name \"Corner Shop\"\n\
             \x20 {program} terminal add{same_data} --merchant 1 --name \"Web shop\"\n\
             The API and its samples: {url}/developers\n"
        )
    } else {
        String::new()
    };
    output.text(&format!("\nTollgate is ready at {url}\n{next}"))
}

/// The program as it was called, so that hints can be pasted also where it is in no `PATH`.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "tollgate".to_owned())
}

/// The flag by which another command finds this gateway, unless it does by itself.
fn same_gateway(settings: &Settings, url: &str) -> String {
    match settings.listen.origin {
        Origin::Flag(_) => format!(" --url {url}"),
        Origin::Default | Origin::File { .. } | Origin::Variable(_) => String::new(),
    }
}

/// The flag by which another command finds this data, unless it does by itself.
fn same_data(settings: &Settings) -> String {
    match settings.data_dir.origin {
        Origin::Flag(_) => format!(" --data-dir {}", settings.data_dir.value.display()),
        Origin::Default | Origin::File { .. } | Origin::Variable(_) => String::new(),
    }
}

/// Ends with the first signal that asks for an end; catches them from now on.
pub(super) fn termination() -> Result<impl Future<Output = ()>, Failure> {
    let could_not = |error| Failure::could_not("signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(could_not)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(could_not)?;
    Ok(async move {
        tokio::select! {
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
    })
}

/// Starts a gateway in this process: makes the data folder with its master key when it is new,
/// opens the store, and listens (port 0: any free one).
pub(crate) async fn start(settings: &Settings) -> Result<Running, Failure> {
    start_with(settings, None).await
}

async fn start_with(settings: &Settings, batch: Option<usize>) -> Result<Running, Failure> {
    let is_shared = matches!(settings.database.value, Database::Postgres(_));
    if settings.role.value != Role::All && !is_shared {
        let text = "roles are for processes that share a PostgreSQL database; SQLite is served by \
                    one process: leave `role` at `all`, or set `database`";
        return Err(Failure::Usage(text.to_owned()));
    }
    let data_dir = &settings.data_dir.value;
    let listen = settings.listen.value;
    let bound = bind(listen);
    // Where another gateway has data and port, the data is the better reason. Nodes that share a
    // PostgreSQL database may share the folder, too.
    let alone = !is_shared;
    let locked = if alone && data_dir.is_dir() { Some(lock(data_dir)?) } else { None };
    // Before anything is made, so that a start that fails leaves nothing behind.
    let listener = bound.map_err(|error| cannot_listen(listen, &error))?;
    let tls = match &settings.tls {
        None => None,
        Some(tls) => Some(
            TlsIdentity::load(&tls.certificate, &tls.private_key)
                .map_err(|error| Failure::could_not("tls", error))?,
        ),
    };
    let lock = if alone {
        prepare(settings)?;
        Some(locked.map_or_else(|| lock(data_dir), Ok)?)
    } else {
        None
    };
    let (opened, watched) = wire::open_for_server(settings, batch).await?;
    let terminals = ready_data(settings, &opened).await?;
    if let Some(setup) = watched.setup {
        // What the first node makes is there before the next one starts.
        setup.finish().await.map_err(|error| Failure::CouldNot(error.to_string()))?;
    }
    let port = listener.local_addr().map_or(listen.port(), |address| address.port());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url =
        settings.public_url.value.clone().unwrap_or_else(|| format!("{scheme}://localhost:{port}"));
    let stop = CancellationToken::new();
    let role = settings.role.value;
    let app = App::new(Arc::clone(&opened.gateway), Site { public_url: url.clone() })
        .with_metrics(telemetry::metrics())
        .with_counter(opened.counter)
        .with_demo_only(opened.demo_only)
        .with_mailer(wire::mailer(settings)?)
        .with_requests(role != Role::Worker);
    let gateway = Arc::clone(&opened.gateway);
    let demo = opened.demo_only;
    let works = (role != Role::Api).then_some(Works { alone });
    let settings = server_settings(settings);
    let server = Server { app, listener, tls, settings, lock, works };
    let ended = tokio::spawn(server.run(opened.gateway, watched.writers, stop.clone()));
    Ok(Running { url, gateway, demo, empty: terminals == 0, stop, ended })
}

/// Reads what the master key sealed (with a wrong key no payment could be taken), and completes the
/// demo data. Returns how many terminals there were.
async fn ready_data(settings: &Settings, opened: &Opened) -> Result<usize, Failure> {
    let terminals = opened.gateway.terminals(Actor::Operator).await.map_err(|fault| {
        let why = Failure::from(fault);
        let path = master_key::path_in(&settings.data_dir.value);
        Failure::CouldNot(format!(
            "{}; put back the key that this data folder was made with, as {}",
            why.text().unwrap_or_default(),
            path.display()
        ))
    })?;
    if opened.demo_only {
        demo_data::complete(&opened.gateway).await?;
    }
    Ok(terminals.len())
}

/// Connections that the kernel keeps until they are accepted, if it is not set to fewer: many clients
/// connect at once when a gateway starts again, and who finds no place tries again after a second.
const WAITING_CONNECTIONS: u32 = 4096;

/// Listens at this address, also while connections of an earlier process linger there.
pub(crate) fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(WAITING_CONNECTIONS)
}

pub(super) fn cannot_listen(listen: SocketAddr, error: &io::Error) -> Failure {
    let why = if error.kind() == io::ErrorKind::AddrInUse {
        "another program has it; choose another with --listen".to_owned()
    } else {
        error.to_string()
    };
    Failure::CouldNot(format!("cannot listen on {listen}: {why}"))
}

/// A new data folder gets its key, and the demo data unless the configuration says otherwise.
fn prepare(settings: &Settings) -> Result<(), Failure> {
    let data_dir = &settings.data_dir.value;
    // Only where there is no database yet: a new key would not open what an older one sealed.
    if wire::has_sqlite_database(settings) {
        return Ok(());
    }
    let created = master_key::create(data_dir, &SystemSource::new())?;
    if created == Creation::Created && settings.demo_data.value {
        demo_data::mark_new(data_dir)?;
    }
    Ok(())
}

/// One process serves an SQLite database.
pub(crate) fn lock(data_dir: &Path) -> Result<File, Failure> {
    let path = data_dir.join("serve.lock");
    let file = File::create(&path)
        .map_err(|error| Failure::could_not(&path.display().to_string(), error))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_locked| {
        let text = format!("another tollgate serves {} already", data_dir.display());
        Failure::CouldNot(text)
    })?;
    Ok(file)
}

fn server_settings(settings: &Settings) -> ServerSettings {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    ServerSettings {
        connections: number(settings.limits.connections),
        in_flight: number(settings.limits.in_flight),
        trusted_proxies: settings.trusted_proxies.value.clone(),
        ..ServerSettings::default()
    }
}

/// How long the writers may take to close their files.
const CLOSING: Duration = Duration::from_secs(5);
/// How often the certificate's files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(5);

struct Server {
    app: App,
    listener: TcpListener,
    tls: Option<Arc<TlsIdentity>>,
    settings: ServerSettings,
    /// Held as long as an SQLite database is served.
    lock: Option<File>,
    /// Whether it does background work.
    works: Option<Works>,
}

/// How background work is done.
#[derive(Clone, Copy, Debug)]
struct Works {
    /// No other process works on the database.
    alone: bool,
}

impl Server {
    /// Runs until it is told to stop or a writer fails; then ends in good order: no new requests,
    /// those that run are finished, then background work, then the files are closed.
    async fn run(
        self,
        gateway: Arc<Gateway>,
        writers: Vec<Ended>,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (stop_serving, stopped_serving) = watch::channel(false);
        let (stop_working, stopped_working) = watch::channel(false);
        let reload = self.tls.clone().map(|tls| tokio::spawn(reload_certificate(tls)));
        let serving = tokio::spawn(web::server::serve(
            self.app,
            self.listener,
            self.tls,
            self.settings,
            stopped_serving,
        ));
        let workers = Arc::clone(&gateway);
        let working =
            self.works.map(|works| tokio::spawn(workers.run_workers(works.alone, stopped_working)));
        let mut writers: JoinSet<Result<(), String>> = writers.into_iter().collect();
        let failed = tokio::select! {
            () = stop.cancelled() => None,
            // On PostgreSQL with a bank of its own process nothing writes in this one.
            Some(ended) = writers.join_next() => Some(why(ended)),
        };
        if let Some(why) = failed {
            // A failed write must not be retried: nothing is acknowledged any more.
            let text = format!("the database cannot be written any more: {why}");
            tracing::error!(why, "the database cannot be written any more; ending");
            return Err(Failure::CouldNot(text));
        }
        let _nobody = stop_serving.send(true);
        let _served = serving.await;
        gateway.finish_tasks().await;
        let _nobody = stop_working.send(true);
        if let Some(working) = working {
            let _worked = working.await;
        }
        if let Some(reload) = reload {
            reload.abort();
        }
        drop(gateway);
        let closing = async { while writers.join_next().await.is_some() {} };
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::warn!("the database was not closed in time; the next start recovers it");
        }
        drop(self.lock);
        Ok(())
    }
}

fn why(ended: Result<Result<(), String>, tokio::task::JoinError>) -> String {
    match ended {
        Ok(Ok(())) => "a writer ended".to_owned(),
        Ok(Err(why)) => why,
        Err(panicked) => panicked.to_string(),
    }
}

async fn reload_certificate(tls: Arc<TlsIdentity>) {
    loop {
        tokio::time::sleep(CERTIFICATE_PERIOD).await;
        match tls.reload_if_changed() {
            Ok(true) => tracing::info!("the certificate was reloaded"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the changed certificate is not used"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    /// Nobody accepts them yet, as when a gateway is busy with its start.
    #[tokio::test]
    async fn hundreds_may_connect_at_once() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let connected: Vec<TcpStream> = (0..400)
            .map_while(|_| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok())
            .collect();
        assert_eq!(connected.len(), 400);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_refused() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = bind(listener.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
