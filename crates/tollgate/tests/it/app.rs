//! A real gateway for a test: the binary in a process of its own, a data folder of its own, and a
//! shop that receives webhooks.

use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use testkit::postgres::Cluster;

pub(crate) const PUBLIC_KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

/// Which database a test's gateways work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// A data folder that is new, and a database that is.
    pub(crate) fn folder(self) -> (tempfile::TempDir, PathBuf) {
        let (folder, data) = folder();
        if self == Self::Postgres {
            use_database(&data, &Cluster::shared().database());
        }
        (folder, data)
    }
}

/// From now on, gateways and commands on this data folder work on this database.
pub(crate) fn use_database(data: &Path, url: &str) {
    std::fs::write(data.with_extension("database"), url).unwrap();
}

fn database_of(data: &Path) -> Option<(&'static str, String)> {
    let url = std::fs::read_to_string(data.with_extension("database")).ok()?;
    Some(("TOLLGATE_DATABASE", url))
}

/// Tests that hold on either database: one by one on SQLite; on PostgreSQL together on one
/// cluster, which takes longer to start than most of them take.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            use crate::app::On;
            $(#[test]
            fn $test() {
                super::$test(On::Sqlite);
            })+
        }

        #[test]
        fn long_all_on_postgres() {
            crate::app::all_on_postgres(&[$((stringify!($test), $test)),+]);
        }
    };
}
pub(crate) use on_both_databases;

type Test = fn(On);

/// Runs tests side by side, and names those that failed.
pub(crate) fn all_on_postgres(tests: &[(&'static str, Test)]) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _worker in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((name, test)) = tests.get(number) else { return };
                    if std::panic::catch_unwind(|| test(On::Postgres)).is_err() {
                        failed.lock().unwrap().push(*name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "on PostgreSQL: {failed:?}");
}

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
}

impl Gateway {
    /// Starts on a free port, on this data folder.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at_level(data, "debug")
    }

    /// With a log that tells more or less.
    pub(crate) fn start_at_level(data: &Path, level: &str) -> Self {
        Self::start_with(data, &[("TOLLGATE_LOG_LEVEL", level)])
    }

    /// With these variables in its environment.
    pub(crate) fn start_with(data: &Path, variables: &[(&str, &str)]) -> Self {
        Self::try_start(data, variables).unwrap_or_else(|| {
            let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
            panic!("not ready; log: {log}")
        })
    }

    /// None when the process ended before it was ready.
    pub(crate) fn try_start(data: &Path, variables: &[(&str, &str)]) -> Option<Self> {
        let log = data.with_extension("log");
        let log_file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .envs(database_of(data))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            child.wait().unwrap();
            return None;
        };
        assert_eq!(ready["ready"], true);
        assert_eq!(ready["pid"], child.id());
        let url = ready["url"].as_str().unwrap().to_owned();
        let address = url.replace("http://localhost", "127.0.0.1").parse().unwrap();
        Some(Self { child, address, url, data: data.to_owned(), log })
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        let _ended_by_itself = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// Reaps a process that was killed by other means.
    pub(crate) fn kill_was_sent(mut self) {
        self.child.wait().unwrap();
    }

    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.send("POST", "/api/s2s", &[("content-type", "application/json")], &body.to_string())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn form(&self, path: &str, body: &str) -> Answer {
        let media = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[media], body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        exchange(self.address, method, path, headers, body).unwrap()
    }

    /// The path of a payment's customer page.
    pub(crate) fn page(id: &str) -> String {
        format!("/api/authurl/{id}")
    }

    /// Opens the page and types the code, as a browser would.
    pub(crate) fn pass_challenge(&self, id: &str) -> Answer {
        assert_eq!(self.get(&Self::page(id)).status, 200);
        self.form(&Self::page(id), "otp=123456")
    }

    pub(crate) fn status(&self, id: &str) -> Value {
        self.get(&format!("/api/authurl/s2s/{id}")).json()
    }

    /// Runs another command of the binary on the same data.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run_on(&self.data, arguments)
    }

    /// What the sandbox bank believes in.
    pub(crate) fn bank_journal(&self) -> Vec<Value> {
        bank_journal(&self.data)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _already_dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .env_remove("TOLLGATE_DATA_DIR")
        .env_remove("TOLLGATE_DATABASE")
        .current_dir(std::env::temp_dir());
    command
}

pub(crate) fn run_on(data: &Path, arguments: &[&str]) -> Output {
    command_on(data, arguments).output().unwrap()
}

/// A command of the binary on this data, not started yet.
pub(crate) fn command_on(data: &Path, arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(arguments).arg("--data-dir").arg(data).envs(database_of(data));
    command
}

pub(crate) fn bank_journal(data: &Path) -> Vec<Value> {
    let output = run_on(data, &["bank", "journal", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A data folder that is new.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }

    /// The `transID` of a create answer.
    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["transID"].as_str().unwrap().to_owned()
    }

    /// The query parameters of the address it redirects to.
    pub(crate) fn location(&self) -> std::collections::BTreeMap<String, String> {
        let location = url::Url::parse(self.header("location").expect("a redirect")).unwrap();
        location.query_pairs().into_owned().collect()
    }
}

/// One exchange on a connection of its own.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let extra: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{extra}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(Answer {
        status: status.ok_or(std::io::ErrorKind::InvalidData)?,
        headers,
        body: body.to_owned(),
    })
}

/// The requirement page's request, with a reference of its own.
pub(crate) fn request(reference: &str) -> Value {
    json!({
        "public_key": PUBLIC_KEY, "terNO": 42, "integration-type": "s2s",
        "bill_ip": "222.176.92.333", "source": "server-to-server integration",
        "source_url": "https://shop.example/checkout", "mop": "CC",
        "ccno": "4111111111111111", "ccvv": "123", "month": "01", "year": "30",
        "bill_amt": "11.11", "bill_currency": "USD", "product_name": "Testing Product",
        "fullname": "Test Full Name", "bill_email": "test@shop.example",
        "bill_address": "25A Alpha", "bill_city": "Jurong", "bill_state": "Singapore",
        "bill_country": "SG", "bill_zip": "447602", "bill_phone": "+65-62294466",
        "reference": reference, "webhook_url": "http://127.0.0.1:9/none",
        "return_url": "https://shop.example/return?shop=1",
    })
}

/// The request with fields changed; `null` takes one away.
pub(crate) fn request_with(reference: &str, changes: Value) -> Value {
    let mut request = request(reference);
    let fields: &mut Map<String, Value> = request.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    request
}

/// A webhook as received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// A shop's webhook receiver on a thread of its own, for the rest of the process.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) url: String,
    received: Arc<(Mutex<Vec<Received>>, Condvar)>,
    /// The HTTP status it answers with.
    pub(crate) answers: Arc<Mutex<u16>>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shop = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            received: Arc::default(),
            answers: Arc::new(Mutex::new(200)),
        };
        let server = shop.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        shop
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        loop {
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                if let Some((name, value)) = line.split_once(": ") {
                    headers.push((name.to_owned(), value.to_owned()));
                }
            }
            let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
            let mut body = vec![0; length?.1.parse().ok()?];
            reader.read_exact(&mut body).ok()?;
            let body = String::from_utf8(body).ok()?;
            let status = *self.answers.lock().ok()?;
            let (list, changed) = &*self.received;
            list.lock().ok()?.push(Received { headers, body });
            changed.notify_all();
            write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.0.lock().unwrap().clone()
    }

    /// Waits until what was received satisfies this.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        seconds: u64,
        enough: impl Fn(&[Received]) -> bool,
    ) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let (list, changed) = &*self.received;
        let mut list = list.lock().unwrap();
        while !enough(&list) {
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("{what}: {} received", list.len()));
            list = changed.wait_timeout(list, left).unwrap().0;
        }
        list.clone()
    }

    /// The first webhook that tells of this payment.
    pub(crate) fn webhook_of(&self, id: &str) -> Received {
        let about = |received: &Received| received.body.contains(id);
        let all = self.wait_for(id, 20, |list| list.iter().any(about));
        all.into_iter().find(about).unwrap()
    }
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, seconds: u64, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not happen within {seconds} s");
        std::thread::sleep(Duration::from_millis(20));
    }
}
