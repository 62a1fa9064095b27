//! The link between a gateway and a bank of its own process, while it breaks: the gateway on
//! SQLite, `tollgate bank serve`, and the fault proxy between them. Judged by the bank's books.

use crate::app::{Gateway, command, eventually, exchange, folder, request_with};
use connectors::{JournalEntry, NetMoney, net_money};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::fault_proxy::{Fault, FaultProxy};

/// A bank that is served; killed when dropped.
pub(crate) struct Bank {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) books: PathBuf,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Bank {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// With these arguments and variables as well.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (books, log) = (folder.path().join("bank.db"), folder.path().join("bank.log"));
        let mut child = command()
            .args(["bank", "serve", "--json", "--listen", "127.0.0.1:0", "--books"])
            .arg(&books)
            .args(arguments)
            .env("TOLLGATE_LOG_LEVEL", "trace")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{line:?} {}", std::fs::read_to_string(&log).unwrap()));
        assert_eq!((&ready["ready"], &ready["pid"]), (&json!(true), &json!(child.id())));
        let url = ready["url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self { child, address, books, log, _folder: folder }
    }

    pub(crate) fn journal(&self) -> Vec<Value> {
        let output =
            command().args(["bank", "journal", "--json", "--books"]).arg(&self.books).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the books say of each payment's money.
    fn net(&self) -> BTreeMap<String, NetMoney> {
        let entry = |line: Value| -> JournalEntry { serde_json::from_value(line).unwrap() };
        let entries: Vec<JournalEntry> = self.journal().into_iter().map(entry).collect();
        net_money(&entries).unwrap()
    }

    fn fault(&self, fault: &Value) {
        let told = exchange(self.address, "POST", "/faults", &[], &fault.to_string()).unwrap();
        assert_eq!(told.status, 200, "{}", told.body);
    }

    fn clear(&self) {
        assert_eq!(exchange(self.address, "DELETE", "/faults", &[], "").unwrap().status, 200);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        let _already_dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A gateway, its bank, and the proxy on the way from one to the other.
struct Link {
    gateway: Gateway,
    proxy: FaultProxy,
    bank: Bank,
    _folder: tempfile::TempDir,
}

const NO_CHALLENGE: &str = "4012000033330026";
const CONFIRMING: &str = "Outcome is being confirmed with the bank";

impl Link {
    fn start() -> Self {
        let bank = Bank::start();
        let proxy = FaultProxy::start(bank.address);
        let (folder, data) = folder();
        let url = format!("http://{}", proxy.address());
        let variables = [("TOLLGATE_LOG_LEVEL", "trace"), ("TOLLGATE_SANDBOX_BANK", &*url)];
        let gateway = Gateway::start_with(&data, &variables);
        Self { gateway, proxy, bank, _folder: folder }
    }

    /// A payment without a challenge: it goes to the bank in the create call.
    fn pay(&self, reference: &str) -> Value {
        let answer = self.gateway.post(&request_with(reference, json!({"ccno": NO_CHALLENGE})));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn status(&self, payment: &Value) -> String {
        let status = self.gateway.status(payment["transID"].as_str().unwrap());
        status["order_status"].as_str().unwrap().to_owned()
    }

    fn net(&self, payment: &Value) -> NetMoney {
        let trans_id = payment["transID"].as_str().unwrap();
        self.bank.net().remove(trans_id).unwrap_or_default()
    }
}

#[test]
fn the_bank_is_served_on_loopback_and_its_books_are_its_own() {
    for listen in ["0.0.0.0:0", "192.0.2.1:9010", "[::]:9010", "bank.example:9010"] {
        let output = command().args(["bank", "serve", "--listen", listen]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{listen}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("must be a loopback address"), "{told}");
    }
    let link = Link::start();
    assert_eq!(link.pay("first")["order_status"], "25");
    let challenged = link.gateway.post(&request_with("second", json!({}))).id();
    assert_eq!(link.gateway.pass_challenge(&challenged).location()["order_status"], "25");
    assert_eq!(link.bank.journal().len(), 2);
    // The gateway opened none, and says where to look.
    assert!(!link.gateway.data.join("sandbox-bank.db").exists());
    let output = link.gateway.run(&["bank", "journal"]);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--books"), "{told}");
    // Neither side wrote down the card, at any level.
    for log in [&link.gateway.log, &link.bank.log] {
        let text = std::fs::read_to_string(log).unwrap();
        assert!(!text.contains(NO_CHALLENGE) && !text.contains("4111111111111111"), "{text}");
    }
    let Link { mut bank, .. } = link;
    bank.signal(rustix::process::Signal::TERM);
    assert!(bank.child.wait().unwrap().success());
    assert_eq!(bank.journal().len(), 2);
}

#[test]
fn a_bank_that_takes_the_money_and_never_answers_is_asked_until_it_does() {
    let link = Link::start();
    let silence = json!({"fault": "lose_answer", "ms": 60_000, "kind": "authorisation"});
    link.bank.fault(&silence);
    link.bank.fault(&json!({"fault": "status_before", "status": 503, "kind": "lookup"}));
    link.proxy.only("POST /lookup");
    let begun = Instant::now();
    let payment = link.pay("silence");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((&payment["order_status"], &payment["response"]), (&json!("0"), &json!(CONFIRMING)));
    // The order is not paid again meanwhile.
    let again = link.pay("silence");
    assert_eq!(again["transID"], payment["transID"]);
    let answered = Instant::now();
    eventually("a lookup", 12, || link.proxy.requests() > 0);
    println!("first lookup {:?} after the answer", answered.elapsed());
    assert_eq!(link.status(&payment), "0");
    link.bank.clear();
    eventually("the payment is paid", 15, || link.status(&payment) == "25");
    let net = link.net(&payment);
    assert_eq!((net.taken_minor, net.authorisations, net.times_asked), (1111, 1, 1));
    assert_eq!(link.bank.journal().len(), 1);
}

/// The bank hangs up, says "not found", and books the call after that. What the gateway then calls
/// failed took no money; what it calls paid did.
#[test]
fn late_registrations_and_lost_requests_end_as_the_books_say() {
    let link = Link::start();
    let kind = "authorisation";
    for ms in [2_000, 9_000, 18_000] {
        link.bank.fault(&json!({"fault": "register_late", "ms": ms, "kind": kind, "count": 1}));
    }
    link.bank.fault(&json!({"fault": "lose_request", "kind": kind, "count": 1}));
    let payments: Vec<Value> = (0..4).map(|n| link.pay(&format!("late {n}"))).collect();
    for payment in &payments {
        assert_eq!(payment["order_status"], "0", "{payment}");
    }
    let undecided = || payments.iter().filter(|payment| link.status(payment) == "0").count();
    eventually("all are decided", 40, || undecided() == 0);
    // The latest arrives after its payment ended; the bank must have it, to be a test.
    let latest = payments[2]["transID"].as_str().unwrap();
    eventually("the latest arrives", 25, || {
        let journal = link.bank.journal();
        journal.iter().any(|entry| entry["trans_id"] == latest && entry["kind"] == kind)
    });
    let statuses: Vec<String> = payments.iter().map(|payment| link.status(payment)).collect();
    println!("{statuses:?}");
    let net = link.bank.net();
    for (payment, status) in payments.iter().zip(&statuses) {
        let net = net.get(payment["transID"].as_str().unwrap()).cloned().unwrap_or_default();
        let right = if status == "25" { 1111 } else { 0 };
        assert_eq!((net.taken_minor, net.held_minor), (right, 0), "{status} {payment}");
        assert!(net.times_asked <= 1, "{payment}");
    }
    assert_eq!((&*statuses[0], &*statuses[1]), ("25", "25"), "they came before the second lookup");
}

#[test]
fn a_request_that_arrives_twice_takes_the_money_once() {
    let link = Link::start();
    link.proxy.only("POST /authorisation");
    link.proxy.set(Fault::Duplicate);
    let payment = link.pay("twice");
    assert_eq!(payment["order_status"], "25");
    let net = link.net(&payment);
    assert_eq!((net.taken_minor, net.authorisations, net.times_asked), (1111, 1, 2));
}

#[test]
fn a_bank_that_is_not_there_costs_nothing_and_the_order_can_be_tried_again() {
    let link = Link::start();
    // Known to need no challenge, or it would wait for the customer: only the call itself fails.
    let card = json!({"ccno": "4111111111111111"});
    let payment = link.gateway.post(&request_with("refused", card)).json();
    let id = payment["transID"].as_str().unwrap();
    assert_eq!(link.gateway.get(&Gateway::page(id)).status, 200);
    link.proxy.only("POST /authorisation");
    link.bank.fault(&json!({"fault": "slow", "ms": 300, "kind": "answer"}));
    std::thread::scope(|scope| {
        let typed = scope.spawn(|| link.gateway.form(&Gateway::page(id), "otp=123456"));
        std::thread::sleep(Duration::from_millis(150));
        // The code is being judged; the authorisation will find nobody.
        link.proxy.refuse();
        typed.join().unwrap();
    });
    eventually("it failed", 5, || link.status(&payment) != "0");
    let status = link.gateway.status(id);
    assert_eq!(status["response"], "Technical failure, no money was taken", "{status}");
    assert!(link.bank.journal().is_empty());
    link.proxy.accept();
    let again = link.pay("refused");
    assert_ne!(again["transID"], payment["transID"]);
    assert_eq!(again["order_status"], "25");
    assert_eq!(link.bank.net().len(), 1);
}

#[test]
fn a_bank_that_stands_still_under_load_loses_and_doubles_nothing() {
    let link = Link::start();
    // So that there is time to stop it while clients wait for an authorisation.
    link.bank.fault(&json!({"fault": "slow", "ms": 1_000, "kind": "authorisation"}));
    link.proxy.only("POST /authorisation");
    let (stop, told) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for client in 0..8 {
            let (link, stop, told) = (&link, &stop, &told);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let payment = link.pay(&format!("still {client} {n}"));
                    told.lock().unwrap().push(payment);
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
        eventually("there is load, also at this moment", 20, || {
            let told = told.lock().unwrap().len();
            told >= 12 && link.proxy.requests() >= told + 4
        });
        link.bank.signal(rustix::process::Signal::STOP);
        // Longer than the connector's deadline.
        std::thread::sleep(Duration::from_millis(8_500));
        let begun = Instant::now();
        link.gateway.status("417823250426141606");
        assert!(begun.elapsed() < Duration::from_secs(1), "other requests do not wait");
        stop.store(true, Ordering::Relaxed);
        link.bank.signal(rustix::process::Signal::CONT);
    });
    let told = told.into_inner().unwrap();
    let count = |status: &str| told.iter().filter(|p| p["order_status"] == status).count();
    println!("{} paid, {} pending when answered", count("25"), count("0"));
    let at_the_bank = |payment: &&Value| payment["response"] == CONFIRMING;
    let unknown = told.iter().filter(at_the_bank).count();
    assert!(count("25") >= 12 && unknown > 0, "{unknown} unknown");
    // A card that could not be asked about waits for its customer. All others are decided.
    for payment in told.iter().filter(at_the_bank) {
        eventually("it is decided", 30, || link.status(payment) != "0");
    }
    let net = link.bank.net();
    for payment in &told {
        let (status, net) = (link.status(payment), net.get(payment["transID"].as_str().unwrap()));
        let taken = net.map_or(0, |net| net.taken_minor);
        assert_eq!(taken, if status == "25" { 1111 } else { 0 }, "{status} {payment}");
        assert!(net.is_none_or(|net| net.times_asked == 1), "{payment}");
    }
}
