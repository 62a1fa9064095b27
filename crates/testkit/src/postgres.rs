//! A real PostgreSQL cluster of one's own: in a temporary folder, on a free loopback port, gone with
//! the process that started it. It can be killed, restarted, followed by a standby, and replaced by
//! it.

use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// The folder with `initdb` and its kin. Missing, it is a failed test, not a skipped one.
fn programs() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|all| all.flatten().map(|one| one.path().join("bin")).collect())
            .unwrap_or_default();
        folders.sort();
        folders.reverse();
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        let wanted = ["initdb", "postgres", "psql", "pg_isready", "pg_basebackup"];
        let has_all = |folder: &PathBuf| wanted.iter().all(|name| folder.join(name).is_file());
        let found = folders.into_iter().find(has_all);
        found.expect("no initdb: install PostgreSQL (on Debian: apt-get install postgresql)")
    })
}

/// The server refuses to run as root; then somebody else runs it.
fn owner() -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let uid = |name: &str| -> Option<u32> {
        let output = Command::new("id").args(["-u", name]).output().ok()?;
        std::str::from_utf8(&output.stdout).ok()?.trim().parse().ok()
    };
    Some(uid("postgres").or_else(|| uid("nobody")).expect("a user beside root"))
}

/// A program of PostgreSQL's, run as whoever owns the cluster.
fn program(name: &str) -> Command {
    let path = programs().join(name);
    let mut command = match owner() {
        None => Command::new(path),
        Some(uid) => {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={uid}"))
                .args(["--clear-groups", "--"])
                .arg(path);
            command
        }
    };
    command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    command
}

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Folders that vanish, with the servers in them, when this process ends, however it ends.
struct Guard {
    folder: PathBuf,
    /// Its standard input is open as long as we live.
    keeper: Child,
}

impl Guard {
    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tollgate-test-postgres-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        chown(&folder, owner(), None).unwrap();
        // Reads until nobody holds the other end any more.
        let script = "cat > /dev/null; \
                      for file in \"$0\"/*/postmaster.pid; do \
                          kill -QUIT \"$(head -n 1 \"$file\")\"; \
                      done 2> /dev/null; sleep 0.2; rm -rf \"$0\" || { sleep 1; rm -rf \"$0\"; }";
        let keeper = Command::new("sh")
            .args(["-c", script])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, keeper }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _reaped = self.keeper.wait();
    }
}

/// A cluster, running or not.
pub struct Cluster {
    guard: Guard,
    data: PathBuf,
    port: u16,
    server: Mutex<Option<Child>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { data, port, .. } = self;
        f.debug_struct("Cluster").field("data", data).field("port", port).finish_non_exhaustive()
    }
}

/// The settings of every cluster: small, and as safe as the default.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
min_wal_size = 64MB
max_wal_senders = 8
wal_level = replica
hot_standby = on
log_min_messages = warning
log_line_prefix = '%m [%p] '
autovacuum_naptime = 5s
deadlock_timeout = 200ms
";

impl Cluster {
    /// The cluster that the tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new cluster that runs.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// A new cluster that runs with these lines in its settings.
    pub fn start_with(settings: &str) -> Self {
        let guard = Guard::new();
        let data = guard.folder.join("data");
        must(
            program("initdb")
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"])
                .args(["--no-sync", "--wal-segsize=16", "-D"])
                .arg(&data),
        );
        let cluster = Self { data, port: free_port(), server: Mutex::default(), guard };
        let mut text = SETTINGS.to_owned();
        let folder = cluster.guard.folder.display();
        writeln!(text, "port = {}\nunix_socket_directories = '{folder}'", cluster.port).unwrap();
        text.push_str(settings);
        cluster.configure(&text);
        cluster.start_again();
        cluster
    }

    /// Adds lines to the settings; they count from the next start on.
    pub fn configure(&self, lines: &str) {
        let path = self.data.join("postgresql.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{text}\n{lines}\n")).unwrap();
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        Self::url_of(&[self], database)
    }

    /// The address of a database that is on whichever of these lets one write.
    pub fn url_of(clusters: &[&Self], database: &str) -> String {
        let hosts: Vec<String> =
            clusters.iter().map(|one| format!("127.0.0.1:{}", one.port)).collect();
        format!("postgres://postgres@{}/{database}?sslmode=disable", hosts.join(","))
    }

    /// Makes a new, empty database, and returns its name.
    pub fn create_database(&self) -> String {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{number}");
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        self.url(&self.create_database())
    }

    /// The address of a new database that is a copy of the one at this address, which nobody may
    /// be connected to.
    pub fn copy_of(&self, url: &str) -> String {
        let name = name_in(url);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let copy = format!("t{number}");
        self.sql("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {name}"));
        self.url(&copy)
    }

    /// Removes the database at this address, whoever is connected to it: an empty one of ours is
    /// 16 MB on the disk, and a test that copies hundreds must not keep them all.
    pub fn drop_database(&self, url: &str) {
        let name = name_in(url);
        let _left = self.try_sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// Runs SQL as the superuser; the rows as lines, their columns separated by `|`.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs SQL, or tells why not.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = program("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-d", database, "-c", sql])
            .env("PGCONNECT_TIMEOUT", "5")
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Starts the server, and waits until it lets people in.
    pub fn start_again(&self) {
        self.spawn();
        self.wait_until_ready();
    }

    /// Starts the server and does not wait.
    pub fn spawn(&self) {
        let log = self.guard.folder.join("server.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = program("postgres")
            .arg("-D")
            .arg(&self.data)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.server.lock().unwrap() = Some(child);
    }

    /// Waits until the server lets people in.
    pub fn wait_until_ready(&self) {
        let began = Instant::now();
        let port = self.port.to_string();
        loop {
            let asked = program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            if asked.unwrap().success() {
                return;
            }
            let ended = self
                .server
                .lock()
                .unwrap()
                .as_mut()
                .is_some_and(|child| child.try_wait().unwrap().is_some());
            assert!(!ended && began.elapsed() < PATIENCE, "no server: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.guard.folder.join("server.log")).unwrap_or_default()
    }

    /// The server's folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn postmaster(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    /// `kill -9` of the server and everything it started.
    pub fn kill(&self) {
        let mut server = self.server.lock().unwrap();
        let Some(mut child) = server.take() else { return };
        let Some(postmaster) = self.postmaster() else { return };
        // Stopped first, so that it starts nobody new meanwhile.
        let _gone = kill_process(postmaster, Signal::STOP);
        let children = children_of(postmaster);
        let _gone = kill_process(postmaster, Signal::KILL);
        for pid in &children {
            let _gone = kill_process(*pid, Signal::KILL);
        }
        child.wait().unwrap();
        // The next start refuses while somebody still has the shared memory.
        let began = Instant::now();
        while children.iter().any(|pid| is_alive(*pid)) {
            assert!(began.elapsed() < PATIENCE, "killed processes are still there");
            std::thread::sleep(Duration::from_millis(2));
        }
        let _none = std::fs::remove_file(self.data.join("postmaster.pid"));
    }

    /// `pg_ctl stop -m immediate`: no checkpoint; the next start recovers.
    pub fn stop_immediately(&self) {
        self.end(Signal::QUIT);
    }

    /// `pg_ctl stop -m fast`.
    pub fn stop(&self) {
        self.end(Signal::INT);
    }

    fn end(&self, signal: Signal) {
        let mut server = self.server.lock().unwrap();
        let Some(mut child) = server.take() else { return };
        if let Some(pid) = self.postmaster() {
            let _gone = kill_process(pid, signal);
        }
        child.wait().unwrap();
    }

    /// Reads the settings again, without a restart.
    pub fn reload(&self) {
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// A standby of this cluster, running.
    #[must_use]
    pub fn standby(&self) -> Self {
        self.standby_at(free_port())
    }

    /// A standby on this port, which nobody listens on.
    #[must_use]
    pub fn standby_at(&self, port: u16) -> Self {
        let guard = Guard::new();
        let data = guard.folder.join("data");
        let name = format!("s{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        must(
            program("pg_basebackup")
                .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"])
                .args(["-R", "-C", "-S", &name, "-c", "fast", "--no-sync", "-D"])
                .arg(&data),
        );
        let standby = Self { data, port, server: Mutex::default(), guard };
        let folder = standby.guard.folder.display();
        standby.configure(&format!(
            "port = {}\nunix_socket_directories = '{folder}'\ncluster_name = '{name}'",
            standby.port
        ));
        standby.start_again();
        standby
    }

    /// Commits wait for a standby from now on. Returns when one is there.
    pub fn demand_a_standby(&self) {
        self.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.reload();
        let began = Instant::now();
        let question = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.sql("postgres", question) == "0" {
            assert!(began.elapsed() < PATIENCE, "no standby came: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Commits wait for nobody.
    pub fn demand_no_standby(&self) {
        self.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
        self.reload();
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote(true, 60)");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

fn children_of(parent: Pid) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name in brackets: state, parent.
        let ppid: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        (Pid::from_raw(ppid)? == parent).then_some(pid)
    })
    .collect()
}

/// Whether it runs: one that nobody has buried yet does not.
fn is_alive(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The database's name in such an address.
fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap().split('?').next().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
