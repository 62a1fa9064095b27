//! Many nodes on one PostgreSQL database: one charge per order whoever is asked, another node takes
//! over when one is killed, and nothing that was answered is lost when the database is killed,
//! restarted, or replaced by its standby. Judged by the bank's own journal and the shop's own
//! receiver.

use crate::app::{
    Gateway, On, Shop, eventually, exchange, folder, request, request_with, use_database,
};
use crate::crash::judge;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::postgres::Cluster;

const CHALLENGED: &str = "4111111111111111";
const APPROVED: &str = "4012000033330026";
const DECLINED: &str = "4043409999991437";

/// Another node takes over a dead one's sends and deliveries within this time. The lease and the
/// time after which a send is asked for are eight and ten seconds; looking and asking come on top.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(12);
/// Payments that are a load.
const ENOUGH: usize = 100;
/// Serving again after the database came back.
const SERVING_WITHIN: Duration = Duration::from_secs(10);
/// Everything is settled and told after the last disturbance.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

fn rounds(usual: u32, long: u32) -> u32 {
    if std::env::var_os("LONG_TESTS").is_some() { long } else { usual }
}

fn node(data: &Path, role: &str) -> Gateway {
    Gateway::start_with(data, &[("TOLLGATE_LOG_LEVEL", "info"), ("TOLLGATE_ROLE", role)])
}

fn three(data: &Path) -> Vec<Gateway> {
    (0..3).map(|_| node(data, "all")).collect()
}

/// Shops that pay without a pause at the nodes that are up.
#[derive(Default)]
struct Load {
    /// The nodes that are up; none in the place of one that is not.
    up: Mutex<Vec<Option<SocketAddr>>>,
    /// What the merchants were told: `transID` and `order_status`.
    told: Mutex<BTreeMap<String, String>>,
    failures: Mutex<Vec<String>>,
    /// When a request was last answered as it should be.
    last_good: Mutex<Option<Instant>>,
    number: AtomicU32,
    ended: AtomicBool,
}

impl Load {
    fn at(nodes: &[Gateway]) -> Self {
        let up = nodes.iter().map(|node| Some(node.address)).collect();
        Self { up: Mutex::new(up), ..Self::default() }
    }

    fn node(&self, number: u32) -> Option<(usize, SocketAddr)> {
        let up = self.up.lock().unwrap();
        let all: Vec<(usize, SocketAddr)> =
            up.iter().enumerate().filter_map(|(place, one)| Some((place, (*one)?))).collect();
        (!all.is_empty()).then(|| all[number as usize % all.len()])
    }

    fn set(&self, place: usize, address: Option<SocketAddr>) {
        self.up.lock().unwrap()[place] = address;
    }

    fn one_payment(&self, number: u32, node: SocketAddr, hook: &str) -> Result<(), String> {
        let card = [APPROVED, DECLINED, CHALLENGED, CHALLENGED][number as usize % 4];
        let body =
            request_with(&format!("load {number}"), json!({"ccno": card, "webhook_url": hook}));
        let media = [("content-type", "application/json")];
        let answer = exchange(node, "POST", "/api/s2s", &media, &body.to_string());
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("{} {}", answer.status, answer.body));
        }
        let id = answer.id();
        let status = answer.json()["order_status"].as_str().unwrap().to_owned();
        self.told.lock().unwrap().insert(id.clone(), status);
        *self.last_good.lock().unwrap() = Some(Instant::now());
        if card != CHALLENGED {
            return Ok(());
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = exchange(node, "POST", &Gateway::page(&id), &form, "otp=123456");
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status != 303 {
            return Err(format!("{} {}", answer.status, answer.body));
        }
        let status = answer.location().get("order_status").cloned();
        self.told.lock().unwrap().insert(id, status.ok_or("no order_status")?);
        Ok(())
    }

    fn client(&self, hook: &str) {
        while !self.ended.load(Ordering::Relaxed) {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let Some((place, node)) = self.node(number) else { continue };
            if let Err(error) = self.one_payment(number, node, hook) {
                // Only a node that was up all the time owed an answer.
                if self.up.lock().unwrap()[place] == Some(node) {
                    self.failures.lock().unwrap().push(error);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs the clients while `disturb` does its worst.
    fn run(&self, clients: u32, hook: &str, disturb: impl FnOnce()) {
        std::thread::scope(|scope| {
            for _client in 0..clients {
                scope.spawn(|| self.client(hook));
            }
            let disturbed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(disturb));
            self.ended.store(true, Ordering::Relaxed);
            if let Err(panic) = disturbed {
                std::panic::resume_unwind(panic);
            }
        });
    }

    /// Waits until something was answered that was asked from now on, or longer ago than a client
    /// waits for its answer.
    fn wait_until_serving(&self, began: Instant) -> Duration {
        loop {
            let served = *self.last_good.lock().unwrap();
            if served.is_some_and(|at| at > began) {
                return began.elapsed();
            }
            assert!(began.elapsed() < SERVING_WITHIN, "not serving: {:?}", self.failures.lock());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until there was some load, however slow the machine is.
    fn wait_until_loaded(&self) {
        let began = Instant::now();
        while self.told.lock().unwrap().len() <= ENOUGH && began.elapsed() < Duration::from_mins(1)
        {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn told(&self) -> BTreeMap<String, String> {
        let told = self.told.lock().unwrap().clone();
        assert!(told.len() > ENOUGH, "only {} payments were answered: no load", told.len());
        told
    }
}

#[test]
fn long_of_a_hundred_at_once_across_nodes_one_is_charged() {
    let (_folder, data) = On::Postgres.folder();
    one_charge_each(&data, &three(&data));
}

#[test]
fn long_of_a_hundred_at_once_at_one_node_one_is_charged() {
    let (_folder, data) = On::Sqlite.folder();
    one_charge_each(&data, &[Gateway::start_at_level(&data, "info")]);
}

fn one_charge_each(data: &Path, nodes: &[Gateway]) {
    let rounds = 50;
    for round in 0..rounds {
        let body = request_with(&format!("once {round}"), json!({ "ccno": APPROVED })).to_string();
        let media = [("content-type", "application/json")];
        let answers: Vec<_> = std::thread::scope(|scope| {
            let ask = |number: usize| {
                let node = nodes[number % nodes.len()].address;
                let body = &body;
                scope.spawn(move || exchange(node, "POST", "/api/s2s", &media, body).unwrap())
            };
            let all: Vec<_> = (0..100).map(ask).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        // Each node names itself in its links; all else is the same.
        let told: BTreeSet<(u16, String, String)> = answers
            .iter()
            .map(|answer| {
                let fields = answer.json();
                let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
                (answer.status, text("transID"), text("order_status"))
            })
            .collect();
        assert_eq!(told.len(), 1, "round {round}: {told:?}");
        assert_eq!(told.first().unwrap().2, "25");
    }
    let journal = crate::app::bank_journal(data);
    assert_eq!(journal.len(), rounds, "each order was charged once");
    assert!(journal.iter().all(|entry| entry["times_asked"] == 1));
}

#[test]
fn long_a_killed_nodes_work_is_taken_over() {
    let (_folder, data) = On::Postgres.folder();
    let shop = Shop::open();
    let mut nodes = three(&data);
    let load = Load::at(&nodes);
    let victim = nodes.remove(1);
    let mut killed = None;
    load.run(8, &shop.url, || {
        std::thread::sleep(Duration::from_secs(2));
        load.wait_until_loaded();
        load.set(1, None);
        // Its clients hang up on it only now, in the middle of whatever it does for them.
        victim.kill();
        killed = Some(Instant::now());
        std::thread::sleep(Duration::from_secs(1));
    });
    assert_eq!(*load.failures.lock().unwrap(), Vec::<String>::new());
    let since = killed.unwrap();
    judge(&nodes[0], &load.told(), &shop, TAKEN_OVER_WITHIN.saturating_sub(since.elapsed()));
    println!("taken over within {:?}", since.elapsed());
}

#[test]
fn long_a_rolling_restart_fails_no_request_at_the_nodes_that_stay() {
    let (_folder, data) = On::Postgres.folder();
    let shop = Shop::open();
    let nodes = Mutex::new(three(&data).into_iter().map(Some).collect::<Vec<_>>());
    let load = Load::default();
    *load.up.lock().unwrap() =
        nodes.lock().unwrap().iter().flatten().map(|node| Some(node.address)).collect();
    load.run(6, &shop.url, || {
        for place in 0..3 {
            std::thread::sleep(Duration::from_millis(700));
            load.set(place, None);
            let old = nodes.lock().unwrap()[place].take().unwrap();
            old.stop();
            let new = node(&data, "all");
            load.set(place, Some(new.address));
            nodes.lock().unwrap()[place] = Some(new);
        }
        std::thread::sleep(Duration::from_millis(700));
    });
    assert_eq!(*load.failures.lock().unwrap(), Vec::<String>::new());
    let nodes = nodes.into_inner().unwrap();
    let node = nodes[0].as_ref().unwrap();
    let took = judge(node, &load.told(), &shop, TAKEN_OVER_WITHIN);
    println!("settled after {took:?}");
}

#[test]
fn long_nothing_is_lost_when_the_database_is_killed_under_load() {
    let cluster = Cluster::start();
    let (_folder, data) = folder();
    use_database(&data, &cluster.database());
    let shop = Shop::open();
    let nodes = [node(&data, "all"), node(&data, "all")];
    let load = Load::at(&nodes);
    let mut slowest = Duration::ZERO;
    load.run(6, &shop.url, || {
        for round in 0..rounds(20, 100) {
            std::thread::sleep(Duration::from_millis(150 + u64::from(round) * 89 % 400));
            if round % 2 == 0 {
                cluster.kill();
            } else {
                cluster.stop_immediately();
            }
            cluster.start_again();
            slowest = slowest.max(load.wait_until_serving(Instant::now()));
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    let took = judge(&nodes[0], &load.told(), &shop, SETTLED_WITHIN);
    println!(
        "serving again after {slowest:?} at most; {} payments, {} failed requests, settled after {took:?}",
        load.told().len(),
        load.failures.lock().unwrap().len()
    );
}

#[test]
fn long_nothing_is_lost_when_the_standby_takes_over() {
    let mut primary = Cluster::start();
    let database = primary.create_database();
    let mut standby = primary.standby();
    primary.demand_a_standby();
    let (_folder, data) = folder();
    use_database(&data, &Cluster::url_of(&[&primary, &standby], &database));
    let shop = Shop::open();
    let nodes = [node(&data, "all"), node(&data, "all")];
    let load = Load::at(&nodes);
    let mut slowest = Duration::ZERO;
    load.run(6, &shop.url, || {
        for _round in 0..rounds(5, 20) {
            std::thread::sleep(Duration::from_millis(400));
            primary.kill();
            // It is asked for no standby of its own until there is one again.
            standby.configure("synchronous_standby_names = ''");
            standby.promote();
            standby.demand_no_standby();
            slowest = slowest.max(load.wait_until_serving(Instant::now()));
            let port = primary.port();
            let follower = standby.standby_at(port);
            standby.demand_a_standby();
            primary = std::mem::replace(&mut standby, follower);
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    let took = judge(&nodes[0], &load.told(), &shop, SETTLED_WITHIN);
    println!("serving again after {slowest:?} at most, settled after {took:?}");
}

#[test]
fn roles_divide_the_work() {
    let (_folder, data) = On::Postgres.folder();
    let shop = Shop::open();
    let api = node(&data, "api");
    let body = request_with("roles", json!({"ccno": APPROVED, "webhook_url": shop.url}));
    let created = api.post(&body);
    assert_eq!(created.json()["order_status"], "25", "an api node finishes the sends it began");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(shop.received().is_empty(), "an api node does no background work");
    let worker = node(&data, "worker");
    assert_eq!(shop.webhook_of(&created.id()).json()["order_status"], "25");
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/developers", 404),
        (&*format!("/api/authurl/s2s/{}", created.id()), 404),
    ] {
        assert_eq!(worker.get(path).status, status, "{path}");
    }
    assert_eq!(worker.post(&body).status, 404);

    let (_folder, alone) = folder();
    let output = crate::app::run_on(&alone, &["serve", "--role", "worker"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("roles are for processes that share a PostgreSQL database"), "{text}");
    assert!(!alone.exists(), "nothing was made");
}

#[test]
fn nodes_that_start_together_agree() {
    // One folder for all: one key, one demo shop.
    let (_folder, data) = On::Postgres.folder();
    let nodes: Vec<Gateway> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(|| node(&data, "all"))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (number, node) in nodes.iter().enumerate() {
        assert_eq!(node.post(&request(&format!("agreed {number}"))).status, 200);
    }
    let merchants = nodes[0].run(&["merchant", "list", "--json"]);
    assert_eq!(String::from_utf8(merchants.stdout).unwrap().lines().count(), 1);
    // What one began another goes on with: also the security code that the first one sealed.
    let id = nodes[0].post(&request("handed over")).id();
    assert_eq!(nodes[1].pass_challenge(&id).location()["order_status"], "25");
    let demo_only = nodes[2].run(&[
        "terminal",
        "add",
        "--merchant",
        "1",
        "--name",
        "live",
        "--mode",
        "live",
        "--json",
    ]);
    assert!(!demo_only.status.success(), "the demo's database is the demo's on every node");

    // A folder of its own needs a copy of the key, and says from where.
    let (_other, elsewhere) = folder();
    std::fs::copy(data.with_extension("database"), elsewhere.with_extension("database")).unwrap();
    let output = crate::app::run_on(&elsewhere, &["serve"]);
    let text = String::from_utf8(output.stderr).unwrap();
    let key = data.join("master.key");
    let from = format!("{}) to {}", key.display(), elsewhere.join("master.key").display());
    assert_eq!((output.status.code(), text.contains(&from)), (Some(3), true), "{text}");
    std::fs::create_dir(&elsewhere).unwrap();
    assert!(crate::app::run_on(&elsewhere, &["init"]).status.success());
    let output = crate::app::run_on(&elsewhere, &["serve"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("another master key") && text.contains(&from), "{text}");
    std::fs::remove_file(elsewhere.join("master.key")).unwrap();
    std::fs::copy(&key, elsewhere.join("master.key")).unwrap();
    let node = node(&elsewhere, "all");
    assert_eq!(node.status(&id)["order_status"], "25");
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn servers_that_may_lose_payments_are_refused_at_the_start() {
    let cluster = Cluster::start_with("full_page_writes = off");
    let (_folder, data): (_, PathBuf) = folder();
    use_database(&data, &cluster.database());
    let output = crate::app::run_on(&data, &["serve"]);
    assert_eq!(output.status.code(), Some(3));
    let refusal = text(output.stderr);
    assert!(refusal.starts_with("error: full_page_writes is off on the PostgreSQL server"));
    assert_eq!(refusal.lines().count(), 1, "{refusal}");
    assert!(!data.exists(), "nothing was made");
    let doctor = crate::app::run_on(&data, &["doctor", "--json"]);
    let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(checks["ok"], false);
}

#[test]
fn the_password_is_nowhere_to_be_seen() {
    let (_folder, data) = folder();
    // Nobody listens there.
    use_database(&data, "postgres://shop:hunter2secret@127.0.0.1:1/none");
    for arguments in [
        &["serve"][..],
        &["config", "show"],
        &["config", "show", "--json"],
        &["doctor"],
        &["migrate"],
        &["merchant", "list"],
        &["bench", "create", "--database", "postgres://shop:hunter2secret@127.0.0.1:1/none"],
    ] {
        let output = crate::app::run_on(&data, arguments);
        let all = text(output.stdout) + &text(output.stderr);
        assert!(!all.contains("hunter2secret"), "{arguments:?}: {all}");
        assert!(!all.is_empty());
    }
}

#[test]
fn migrations_are_shown_and_applied_on_either_database() {
    for on in [On::Sqlite, On::Postgres] {
        let (_folder, data) = on.folder();
        std::fs::create_dir(&data).unwrap();
        let migrate = |arguments: &[&str]| -> Value {
            let output = crate::app::run_on(&data, &[&["migrate", "--json"], arguments].concat());
            assert!(output.status.success(), "{}", text(output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let dry = migrate(&["--dry-run"]);
        assert_eq!((&dry["schema"], &dry["applied"]), (&json!(0), &json!(false)), "{on:?}");
        assert_eq!(dry["migrations"][0], json!({"version": 1, "name": "init"}));
        assert_eq!(migrate(&[])["applied"], true);
        let done = migrate(&[]);
        assert_eq!((&done["schema"], &done["migrations"]), (&done["needed"], &json!([])));
        if on == On::Postgres {
            // The schema alone is no gateway yet: the first node makes the rest.
            assert_eq!(Gateway::start(&data).post(&request("migrated")).status, 200);
        }
    }
}

#[test]
fn several_processes_may_write_the_sandbox_banks_books() {
    let (_folder, data) = On::Postgres.folder();
    let nodes = three(&data);
    std::thread::scope(|scope| {
        for (place, node) in nodes.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..60 {
                    let reference = format!("books {place} {number}");
                    let answer = node.post(&request_with(&reference, json!({"ccno": APPROVED})));
                    assert_eq!(answer.json()["order_status"], "25", "{}", answer.body);
                }
            });
        }
    });
    assert_eq!(crate::app::bank_journal(&data).len(), 180);
    eventually("the gateways are ready", 5, || {
        nodes.iter().all(|node| node.get("/readyz").status == 200)
    });
}

#[test]
fn a_gateway_moves_from_sqlite_to_postgres() {
    let (_folder, data) = folder();
    let shop = Shop::open();
    let gateway = Gateway::start(&data);
    let body = |reference, card| {
        gateway.post(&request_with(reference, json!({"ccno": card, "webhook_url": shop.url}))).id()
    };
    let paid = body("paid before", APPROVED);
    let waiting = body("in the challenge", CHALLENGED);
    shop.webhook_of(&paid);
    let url = Cluster::shared().database();
    let copy = ["db", "copy", "--to", &url, "--json"];
    let refused = gateway.run(&copy);
    assert!(text(refused.stderr).contains("another tollgate serves"), "a served one is refused");
    gateway.stop();
    let copied = crate::app::run_on(&data, &copy);
    assert!(copied.status.success(), "{}", text(copied.stderr));
    let copied: Value = serde_json::from_slice(&copied.stdout).unwrap();
    let payments = copied["copied"].as_array().unwrap();
    let payments = payments.iter().find(|one| one["table"] == "payments").unwrap();
    assert_eq!(payments["rows"], 2);
    let again = crate::app::run_on(&data, &copy);
    assert_eq!(again.status.code(), Some(3));
    assert!(text(again.stderr).contains("is not empty"));

    use_database(&data, &url);
    let gateway = Gateway::start(&data);
    assert_eq!(gateway.status(&paid)["order_status"], "25");
    // The customer goes on: the code that was sealed before the move is opened after it.
    assert_eq!(gateway.pass_challenge(&waiting).location()["order_status"], "25");
    let replayed = gateway
        .post(&request_with("paid before", json!({"ccno": APPROVED, "webhook_url": shop.url})));
    assert_eq!(replayed.id(), paid, "one order is charged once, also across the move");
    assert_eq!(gateway.bank_journal().len(), 2);
}

#[test]
fn a_proof_holds_on_postgres_and_finds_what_was_tampered_with() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let (_folder, data) = folder();
    use_database(&data, &cluster.url(&name));
    let nodes = three(&data);
    for (number, node) in nodes.iter().cycle().take(30).enumerate() {
        let card = [APPROVED, DECLINED, CHALLENGED][number % 3];
        let id = node.post(&request_with(&format!("proof {number}"), json!({"ccno": card}))).id();
        if number % 6 == 2 {
            node.pass_challenge(&id);
        }
        // Nodes take turns at the audit log, whose lines hang on each other.
        let wrong = node.post(&request_with(
            "wrong",
            json!({"public_key": "AO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="}),
        ));
        assert_eq!(wrong.status, 401, "{}", wrong.body);
    }
    let verify = || nodes[0].run(&["verify", "--json"]);
    let proof: Value = serde_json::from_slice(&verify().stdout).unwrap();
    let good = verify();
    assert!(good.status.success(), "{proof:#} {}", text(good.stderr));
    let lines = cluster.sql(&name, "SELECT count(*) FROM audit_log WHERE seal IS NOT NULL");
    assert!(lines.parse::<u32>().unwrap() >= 30, "{lines} sealed lines");
    for tampering in [
        "UPDATE audit_log SET detail = 'x' WHERE id = 3",
        "DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)",
        "DELETE FROM postings WHERE account = 1",
        "UPDATE events SET at = at + 1 WHERE sequence = 1",
        "DELETE FROM deliveries",
        "UPDATE payments SET amount_minor = amount_minor + 1",
        "DELETE FROM due_payments",
        "UPDATE payment_references SET attempt = attempt + 1",
    ] {
        // As somebody would who owns the database.
        let words = tampering.split_whitespace();
        let table = words.skip_while(|word| !["FROM", "UPDATE"].contains(word)).nth(1).unwrap();
        cluster.sql(&name, &format!("CREATE TABLE kept AS SELECT * FROM {table}"));
        let quietly = |sql: &str| {
            let sql = format!("SET session_replication_role = replica; {sql}");
            cluster.sql(&name, &sql);
        };
        quietly(tampering);
        assert_eq!(verify().status.code(), Some(1), "{tampering}");
        let values = if table == "audit_log" { "OVERRIDING SYSTEM VALUE" } else { "" };
        quietly(&format!(
            "DELETE FROM {table}; INSERT INTO {table} {values} SELECT * FROM kept; DROP TABLE kept"
        ));
        assert!(verify().status.success(), "after {tampering} was taken back");
    }
}
