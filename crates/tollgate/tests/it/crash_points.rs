//! A crash at every named place between a commit and a call, in every flow: the process ends
//! there, starts again, and the merchant's server and the customer try again. Judged by the
//! bank's own journal: at most one charge per order, and the gateway knows of it.

use crate::app::{
    Answer, Gateway, On, PUBLIC_KEY, Shop, command_on, copy_folder, exchange, folder, request_with,
    run_on, use_database,
};
use engine::crash_point::POINTS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::postgres::Cluster;

/// How long after the restart everything may take to be settled.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Runs at once; they mostly wait, on PostgreSQL for a dead node's sends.
const fn together(on: On) -> usize {
    match on {
        On::Sqlite => 12,
        On::Postgres => 14,
    }
}

/// The merchant's server and the customer's browser: they give up when the gateway is gone.
struct Client<'a> {
    address: SocketAddr,
    shop: &'a str,
    reference: &'a str,
    /// Payments that the merchant was told of.
    told: &'a Mutex<BTreeSet<String>>,
    /// For commands of the operator, which end at the same place.
    data: &'a Path,
    crash: Option<Crash>,
    /// Whether one did.
    command_ended: &'a AtomicBool,
}

impl Client<'_> {
    fn create(&self, card: &str) -> Option<(String, String)> {
        let changes = json!({"ccno": card, "webhook_url": self.shop});
        let body = request_with(self.reference, changes).to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", self.reference)];
        let answer = self.exchange("POST", "/api/s2s", &headers, &body)?;
        // The same key while the first request may still run, or was given up by a crash.
        if answer.status == 409 {
            let headers = [("content-type", "application/json")];
            return self.told(&self.exchange("POST", "/api/s2s", &headers, &body)?);
        }
        self.told(&answer)
    }

    /// A command of the operator on the same data; what it printed.
    fn command(&self, arguments: &[&str]) -> Option<Value> {
        let mut command = command_on(self.data, arguments);
        if let Some(crash) = self.crash {
            command.env("TOLLGATE_CRASH_AT", crash.text());
        }
        let output = command.output().unwrap();
        if output.status.code().is_none() {
            self.command_ended.store(true, Ordering::SeqCst);
            return None;
        }
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Held money of the terminal that captures by hand: its `transID`.
    fn hold(&self) -> Option<String> {
        let shown = run_on(self.data, &["terminal", "show", "43", "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let changes = json!({"ccno": "4012000033330026", "webhook_url": self.shop,
                             "terNO": 43, "public_key": shown["public_key"]});
        let mut reference = self.reference.to_owned();
        for _try in 0..2 {
            let body = request_with(&reference, changes.clone()).to_string();
            let media = [("content-type", "application/json")];
            let answer = self.exchange("POST", "/api/s2s", &media, &body)?;
            let (id, _status) = self.told(&answer)?;
            let status = self.decided(&id)?;
            if status != "24" {
                return Some(id);
            }
            reference.push_str(" again");
        }
        None
    }

    /// Does this to held money until it is in this state.
    fn until(&self, id: &str, action: &str, wanted: &str) -> Option<()> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        while Instant::now() < deadline {
            let shown = self.command(&["payment", "show", id, "--json"])?;
            match shown["state"].as_str()? {
                state if state == wanted => return Some(()),
                "authorised" => {
                    self.command(&["payment", action, id, "--json"]);
                }
                _ => std::thread::sleep(Duration::from_millis(200)),
            }
            if self.command_ended.load(Ordering::SeqCst) {
                return None;
            }
        }
        None
    }

    fn told(&self, answer: &Answer) -> Option<(String, String)> {
        if answer.status >= 500 {
            return None;
        }
        let fields = answer.json();
        assert_eq!(answer.status, 200, "{fields}");
        let text = |name: &str| fields[name].as_str().unwrap().to_owned();
        self.told.lock().unwrap().insert(text("transID"));
        Some((text("transID"), text("order_status")))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        exchange(self.address, method, path, headers, body).ok()
    }

    fn page(&self, id: &str, form: &str) -> Option<Answer> {
        let path = Gateway::page(id);
        let media = [("content-type", "application/x-www-form-urlencoded")];
        self.exchange("GET", &path, &[], "")?;
        let answer = self.exchange("POST", &path, &media, form)?;
        (answer.status < 500).then_some(answer)
    }

    fn refund(&self, id: &str, amount: &str, reference: &str) -> Option<Answer> {
        let body = json!({"transID": id, "refundAmount": amount, "public_key": PUBLIC_KEY,
                          "refundReference": reference});
        let headers = [("content-type", "application/json")];
        let path = "/api/transactions/refund-request";
        let answer = self.exchange("POST", path, &headers, &body.to_string())?;
        (answer.status < 500).then_some(answer)
    }

    fn status(&self, id: &str) -> Option<String> {
        let answer = self.exchange("GET", &format!("/api/authurl/s2s/{id}"), &[], "")?;
        Some(answer.json()["order_status"].as_str()?.to_owned())
    }

    /// Waits until the bank has decided; none when that does not come.
    fn decided(&self, id: &str) -> Option<String> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        while Instant::now() < deadline {
            let status = self.status(id)?;
            if !["0", "27", "8"].contains(&&*status) {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

type Flow = fn(&Client<'_>) -> Option<String>;

/// What each flow does, and the status it ends in.
const FLOWS: [(&str, Flow, &str); 10] = [
    ("frictionless", frictionless, "25"),
    ("challenge", challenge, "25"),
    ("declined", declined, "26"),
    ("wrong code", wrong_code, "26"),
    ("cancelled", cancelled, "23"),
    ("refund", refund, "12"),
    ("net banking", net_banking, "25"),
    ("upi", upi, "25"),
    ("capture", capture, "25"),
    ("void", void, "7"),
];

/// As merchants do: where it provably came to nothing for a technical reason, once more.
fn paid(client: &Client<'_>, card: &str) -> Option<String> {
    let (id, _status) = client.create(card)?;
    if client.decided(&id)? != "24" {
        return Some(id);
    }
    let fresh = Client { reference: &format!("{} again", client.reference), ..*client };
    let (id, _status) = fresh.create(card)?;
    client.decided(&id)?;
    Some(id)
}

fn frictionless(client: &Client<'_>) -> Option<String> {
    client.status(&paid(client, "4012000033330026")?)
}

fn declined(client: &Client<'_>) -> Option<String> {
    client.status(&paid(client, "4043409999991437")?)
}

fn challenge(client: &Client<'_>) -> Option<String> {
    let (id, _pending) = client.create("4111111111111111")?;
    client.page(&id, "otp=123456")?;
    let status = client.decided(&id)?;
    if status != "24" {
        return Some(status);
    }
    let fresh = Client { reference: &format!("{} again", client.reference), ..*client };
    let (id, _pending) = fresh.create("4111111111111111")?;
    client.page(&id, "otp=123456")?;
    client.decided(&id)
}

fn wrong_code(client: &Client<'_>) -> Option<String> {
    let (id, _pending) = client.create("4111111111111111")?;
    for _try in 0..3 {
        client.page(&id, "otp=000000")?;
    }
    client.decided(&id)
}

fn cancelled(client: &Client<'_>) -> Option<String> {
    let (id, _pending) = client.create("4111111111111111")?;
    client.page(&id, "cancel=1")?;
    client.decided(&id)
}

fn refund(client: &Client<'_>) -> Option<String> {
    let id = paid(client, "4012000033330026")?;
    let mut reference = "first".to_owned();
    // Where the refund provably came to nothing, once more under another name.
    for _try in 0..2 {
        let answer = client.refund(&id, "5.00", &reference)?;
        assert!(answer.status == 200 || answer.status == 409, "{answer:?}");
        if client.decided(&id)? == "12" {
            break;
        }
        reference.push_str(" again");
    }
    client.status(&id)
}

/// The customer chooses a bank on our page, and pays there.
fn net_banking(client: &Client<'_>) -> Option<String> {
    ordered(client, &json!({"mop": "NB"}), Some("bankcode=SBIN"))
}

/// The customer's app is told, and pays.
fn upi(client: &Client<'_>) -> Option<String> {
    ordered(client, &json!({"mop": "UPICOLLECT", "upi_address": "a@bank"}), None)
}

/// An order at the bank that is paid there; where it provably never came to the bank, once more.
fn ordered(client: &Client<'_>, method: &Value, choice: Option<&str>) -> Option<String> {
    let mut reference = client.reference.to_owned();
    for _try in 0..2 {
        let mut changes = json!({"ccno": null, "bill_currency": "INR", "webhook_url": client.shop});
        changes.as_object_mut().unwrap().extend(method.as_object().unwrap().clone());
        let body = request_with(&reference, changes).to_string();
        let media = [("content-type", "application/json")];
        let answer = client.exchange("POST", "/api/s2s", &media, &body)?;
        let (id, _status) = client.told(&answer)?;
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            if let Some(choice) = choice {
                client.page(&id, choice)?;
            }
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let version = if choice.is_some() { 2 } else { 1 };
            let counter = format!("/sandbox-bank/{id}-{version}");
            client.exchange("POST", &counter, &form, "decision=approve")?;
            client.exchange("GET", &format!("{}/return", Gateway::page(&id)), &[], "")?;
            if client.status(&id)? != "0" || Instant::now() >= deadline {
                break;
            }
            // Orders that never came to the bank count as guesses.
            std::thread::sleep(Duration::from_secs(3));
        }
        let status = client.status(&id)?;
        if status != "24" {
            return Some(status);
        }
        reference.push_str(" again");
    }
    None
}

fn capture(client: &Client<'_>) -> Option<String> {
    let id = client.hold()?;
    client.until(&id, "capture", "approved")?;
    client.status(&id)
}

fn void(client: &Client<'_>) -> Option<String> {
    let id = client.hold()?;
    client.until(&id, "void", "reversed")?;
    client.status(&id)
}

/// Where the process ends: the place, and how often it is passed before.
#[derive(Clone, Copy, Debug)]
struct Crash {
    point: &'static str,
    passes: u32,
}

impl Crash {
    fn text(self) -> String {
        format!("{}:{}", self.point, self.passes)
    }
}

fn crash(point: &'static str, passes: u32) -> Crash {
    Crash { point, passes }
}

/// Whether a flow comes by a place in its first run.
fn comes_by(flow: &str, point: &str) -> bool {
    let held = ["capture", "void"].contains(&flow);
    let (room, _place) = point.split_once('.').unwrap();
    match room {
        "challenge" => ["challenge", "wrong code"].contains(&flow),
        "idempotency" => !held && !["net banking", "upi"].contains(&flow),
        "send" => !["wrong code", "cancelled"].contains(&flow),
        "refund" => flow == "refund",
        "follow_up" => held,
        // Workers find something to do after a first crash only. Messages come from banks of their
        // own processes: `bank_messages.rs`.
        "worker" | "inbound" => false,
        _ => true,
    }
}

/// A crash at every place that the flow comes by, the first times that it does; and a second one
/// in what follows after the first: a lookup, a reversal, a delivery.
fn plans(on: On, flow: &str) -> Vec<Vec<Crash>> {
    let long = std::env::var_os("LONG_TESTS").is_some();
    // A start on PostgreSQL takes several times as long: there each place once, and more of them in
    // the long campaign.
    let times = match (on, long) {
        (_, true) => 6,
        (On::Sqlite, false) => 3,
        (On::Postgres, false) => 1,
    };
    let mut plans = Vec::new();
    for point in POINTS.into_iter().filter(|point| comes_by(flow, point)) {
        let passes = if point.starts_with("store.") { 0..times } else { 0..1 };
        plans.extend(passes.map(|passes| vec![crash(point, passes)]));
    }
    let first: &[&'static str] = match flow {
        "challenge" if !long => &[],
        "frictionless" | "challenge" | "net banking" => &["send.before_call", "send.after_call"],
        "refund" => &["refund.before_call", "refund.after_call"],
        "capture" => &["follow_up.before_call", "follow_up.after_call"],
        _ => &[],
    };
    for first in first {
        for second in ["worker.before_bank", "worker.after_bank", "worker.recorded"] {
            plans.extend(
                (0..times.min(3)).map(|passes| vec![crash(first, 0), crash(second, passes)]),
            );
        }
        plans.push(vec![crash(first, 0), crash("webhook.before_post", 0)]);
        plans.push(vec![crash(first, 0), crash("store.after_commit", 0)]);
    }
    plans
}

/// Waits a little for the process to end by itself.
pub(crate) fn ended(gateway: &mut Gateway, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if gateway.child.try_wait().unwrap().is_some() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the whole plan came to pass.
fn run(template: &Template, name: &str, flow: Flow, expected: &str, plan: &[Crash]) -> bool {
    let (_folder, data) = folder();
    let _database = template.copy(&data);
    let shop = Shop::open();
    let told = Mutex::default();
    let reference = format!("{name} {plan:?}").chars().take(100).collect::<String>();
    let command_ended = AtomicBool::new(false);
    let client = |gateway: &Gateway, crash| Client {
        address: gateway.address,
        shop: &shop.url,
        reference: &reference,
        told: &told,
        data: &data,
        crash,
        command_ended: &command_ended,
    };
    let mut reached = true;
    for (place, crash) in plan.iter().enumerate() {
        // A place that the workers come by may end it before it is ready.
        let text = crash.text();
        let variables = [("TOLLGATE_CRASH_AT", text.as_str()), FEW];
        let Some(mut gateway) = Gateway::try_start(&data, &variables) else { continue };
        let done = flow(&client(&gateway, Some(*crash)));
        // After a first crash the second comes by itself, with the workers' second look.
        let patience = if place == 0 { 1 } else { 14 };
        let patience = Duration::from_secs(if done.is_none() { 20 } else { patience });
        let by_command = command_ended.swap(false, Ordering::SeqCst);
        reached &= by_command || ended(&mut gateway, patience);
        gateway.kill();
        if !reached {
            return false;
        }
    }
    let began = Instant::now();
    let gateway = Gateway::start_with(&data, &[FEW]);
    let last = flow(&client(&gateway, None));
    assert_eq!(last.as_deref(), Some(expected), "{name} {plan:?}");
    judge(&gateway, &told.lock().unwrap(), &shop, &format!("{name} {plan:?}"));
    assert!(began.elapsed() < SETTLED_WITHIN, "{name} {plan:?}: {:?}", began.elapsed());
    true
}

/// What the bank holds of one payment.
#[derive(Debug, Default)]
struct Books {
    taken: i64,
    given_back: i64,
    charges: u32,
}

fn books(gateway: &Gateway) -> BTreeMap<String, Books> {
    let mut books: BTreeMap<String, Books> = BTreeMap::new();
    for line in gateway.bank_journal() {
        let of = books.entry(line["trans_id"].as_str().unwrap().to_owned()).or_default();
        let amount = line["amount_minor"].as_i64().unwrap();
        let approved = line["result"] == "approved";
        match line["kind"].as_str().unwrap() {
            "authorisation" => {
                assert_eq!(line["times_asked"], 1, "asked twice for money: {line}");
                if approved {
                    of.charges += 1;
                    // Held money is taken by its capture.
                    of.taken += if line["capture"] == "manual" { 0 } else { amount };
                }
            }
            "capture" if approved => of.taken += amount,
            // The undone hold had not been taken.
            "reversal" if approved && of.taken > 0 => of.taken -= amount,
            "refund" if approved => of.given_back += amount,
            _ => {}
        }
    }
    books
}

/// Bank, gateway and shop agree.
fn judge(gateway: &Gateway, told: &BTreeSet<String>, shop: &Shop, what: &str) {
    let books = books(gateway);
    let mut charged: BTreeMap<String, u32> = BTreeMap::new();
    let none = Books::default();
    for id in told.iter().chain(books.keys()).collect::<BTreeSet<_>>() {
        let status = gateway.status(id);
        let code = status["order_status"].as_str().unwrap_or_else(|| panic!("{what}: {id} lost"));
        let held = books.get(id).unwrap_or(&none);
        let right: &[&str] = match (held.taken, held.given_back) {
            (0, 0) => &["7", "22", "23", "24", "26"],
            (1111, 0) => &["25"],
            (1111, 500) => &["12"],
            other => panic!("{what}: {id} is {code} and the bank holds {other:?}"),
        };
        assert!(right.contains(&code), "{what}: {id} is {code}, and the bank says {held:?}");
        assert!(held.charges <= 1, "{what}: {id} was charged twice");
        let reference = status["reference"].as_str().unwrap().to_owned();
        *charged.entry(reference).or_default() += u32::from(held.taken > 0);
        let heard = |list: &[crate::app::Received]| {
            list.iter()
                .map(crate::app::Received::json)
                .any(|body: Value| body["transID"] == id.as_str() && body["order_status"] == code)
        };
        shop.wait_for(&format!("{what}: the webhook of {id}"), 60, heard);
    }
    assert!(charged.values().all(|times| *times <= 1), "{what}: {charged:?}");
    // Exit code 3 says that the database did not answer in time, as it may beside so many others.
    let verify = || command_on(&gateway.data, &["verify", "--bank", "--json"]).envs([FEW]).output();
    let mut verified = verify().unwrap();
    for _try in 0..5 {
        if verified.status.code() == Some(3) {
            std::thread::sleep(Duration::from_secs(1));
            verified = verify().unwrap();
        }
    }
    let told = [&verified.stdout[..], &verified.stderr].concat();
    assert!(verified.status.success(), "{what}: {}", String::from_utf8_lossy(&told));
}

/// Many gateways share one server.
const FEW: (&str, &str) = ("TOLLGATE_POSTGRES_CONNECTIONS", "2");

/// A gateway's data right after its first start.
struct Template {
    _folder: tempfile::TempDir,
    data: PathBuf,
    database: Option<String>,
}

impl Template {
    fn on(on: On) -> Self {
        let (folder, data) = on.folder();
        let gateway = Gateway::start(&data);
        let manual =
            ["terminal", "add", "--merchant", "1", "--name", "Held", "--capture", "manual"];
        let added = gateway.run(&manual);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        gateway.stop();
        let database = std::fs::read_to_string(data.with_extension("database")).ok();
        Self { _folder: folder, data, database }
    }

    fn copy(&self, to: &Path) -> Copied {
        copy_folder(&self.data, to);
        let database = self.database.as_deref().map(|from| Cluster::shared().copy_of(from));
        if let Some(database) = &database {
            use_database(to, database);
        }
        Copied { database }
    }
}

/// A copy's database on PostgreSQL, gone with this.
struct Copied {
    database: Option<String>,
}

impl Drop for Copied {
    fn drop(&mut self) {
        if let Some(database) = &self.database {
            Cluster::shared().drop_database(database);
        }
    }
}

#[test]
fn long_a_crash_at_every_place_in_every_flow() {
    every_crash(On::Sqlite);
}

#[test]
fn long_a_crash_at_every_place_in_every_flow_on_postgres() {
    every_crash(On::Postgres);
}

fn every_crash(on: On) {
    let template = Template::on(on);
    let cases: Vec<_> = FLOWS
        .iter()
        .flat_map(|flow| plans(on, flow.0).into_iter().map(move |plan| (flow, plan)))
        .collect();
    let next = AtomicUsize::new(0);
    let reached: Mutex<BTreeMap<&str, u32>> = Mutex::default();
    std::thread::scope(|scope| {
        for _worker in 0..together(on) {
            scope.spawn(|| {
                while let Some(((name, flow, expected), plan)) =
                    cases.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    if run(&template, name, *flow, expected, plan) {
                        let mut reached = reached.lock().unwrap();
                        for crash in plan {
                            *reached.entry(crash.point).or_default() += 1;
                        }
                    }
                }
            });
        }
    });
    let reached = reached.into_inner().unwrap();
    let crashes: u32 = reached.values().sum();
    println!("{crashes} crashes in {} cases: {reached:?}", cases.len());
    // PostgreSQL writes and commits in one statement.
    let passed_by = |point: &&&str| {
        !point.starts_with("inbound.") && (on == On::Sqlite || **point != "store.before_commit")
    };
    for point in POINTS.iter().filter(passed_by) {
        assert!(reached.contains_key(point), "no flow comes by {point}");
    }
}
