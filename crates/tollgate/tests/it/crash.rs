//! `kill -9` at any moment: what was answered is there, nothing is charged twice, every decided
//! status is told at least once. Judged by the bank's own journal and the shop's own receiver.

use crate::app::{Gateway, On, Shop, eventually, exchange, request_with};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What the merchant was told: `transID` and `order_status`.
type Told = Mutex<BTreeMap<String, String>>;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// One payment; returns nothing when the gateway died meanwhile.
fn one_payment(address: SocketAddr, hook: &str, told: &Told) -> Option<()> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let card = match number % 4 {
        0 => "4012000033330026",
        1 => "4043409999991437",
        _ => "4111111111111111",
    };
    let reference = format!("kill {number}");
    let body = request_with(&reference, json!({"ccno": card, "webhook_url": hook}));
    let media = [("content-type", "application/json")];
    let answer = exchange(address, "POST", "/api/s2s", &media, &body.to_string()).ok()?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let fields: Value = serde_json::from_str(&answer.body).ok()?;
    let id = fields["transID"].as_str()?.to_owned();
    told.lock().unwrap().insert(id.clone(), fields["order_status"].as_str()?.to_owned());
    if number % 4 < 2 {
        return Some(());
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = exchange(address, "POST", &Gateway::page(&id), &form, "otp=123456").ok()?;
    if answer.status == 303 {
        let status = answer.location().get("order_status")?.clone();
        told.lock().unwrap().insert(id, status);
    }
    Some(())
}

fn load_until_killed(gateway: Gateway, hook: &str, told: &Told, after: Duration) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _client in 0..6 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed)
                    && one_payment(gateway.address, hook, told).is_some()
                {
                    std::thread::sleep(Duration::from_millis(4));
                }
            });
        }
        std::thread::sleep(after);
        // The kill comes while the clients run; they end when nobody answers.
        let pid = rustix::process::Pid::from_child(&gateway.child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        stop.store(true, Ordering::Relaxed);
    });
    gateway.kill_was_sent();
}

fn rounds(on: On) -> u32 {
    match (on, std::env::var_os("LONG_TESTS").is_some()) {
        (On::Sqlite, true) => 1000,
        (On::Sqlite, false) => 200,
        (On::Postgres, true) => 200,
        (On::Postgres, false) => 40,
    }
}

#[test]
fn long_kill_under_load() {
    kill_under_load(On::Sqlite);
}

#[test]
fn long_kill_under_load_on_postgres() {
    kill_under_load(On::Postgres);
}

fn kill_under_load(on: On) {
    let (_folder, data) = on.folder();
    let shop = Shop::open();
    let told = Told::default();
    let mut round = 0;
    // On a machine that is busy otherwise, more rounds until there was a load to speak of.
    let enough = || told.lock().unwrap().len() > 200;
    while round < rounds(on) || (!enough() && round < 5 * rounds(on)) {
        // Moments from 20 to 320 ms.
        let after = Duration::from_millis(20 + u64::from(round) * 89 % 300);
        load_until_killed(Gateway::start(&data), &shop.url, &told, after);
        round += 1;
    }
    let told = told.into_inner().unwrap();
    assert!(told.len() > 200, "only {} payments were answered: no load", told.len());
    judge(&Gateway::start(&data), &told, &shop, Duration::from_secs(60));
}

/// Compares what the merchant was told with the gateway, the bank's own books and the shop's own
/// receiver; whatever is not settled or told yet must be so within this time. Returns how long it
/// took.
pub(crate) fn judge(
    gateway: &Gateway,
    told: &BTreeMap<String, String>,
    shop: &Shop,
    within: Duration,
) -> Duration {
    let began = Instant::now();
    // Every payment that was answered is there, and a decided one stays as decided.
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    for (id, answered) in told {
        let status = gateway.status(id);
        let status = status["order_status"].as_str().unwrap_or_else(|| panic!("{id} is lost"));
        let decided = ["25", "26"].contains(&&**answered);
        assert!(!decided || status == answered, "{id}: answered {answered}, now {status}");
        now.insert(id.clone(), status.to_owned());
    }
    // Nothing was charged twice, by the bank's own books.
    let mut journal = gateway.bank_journal();
    journal.retain(|entry| entry["kind"] == "authorisation");
    let mut charged = BTreeSet::new();
    for entry in &journal {
        let id = entry["trans_id"].as_str().unwrap();
        assert!(charged.insert(id.to_owned()), "{id} was sent to the bank twice");
        assert_eq!(entry["times_asked"], 1, "{id} was sent to the bank twice");
    }
    // What the bank decided, the gateway comes to know.
    for entry in &journal {
        let id = entry["trans_id"].as_str().unwrap();
        let right = if entry["result"] == "approved" { "25" } else { "26" };
        let what = format!("{id} becomes {right}");
        let left = within.saturating_sub(began.elapsed()).as_secs();
        eventually(&what, left, || gateway.status(id)["order_status"] == right);
        now.insert(id.to_owned(), right.to_owned());
    }
    println!(
        "{} answered, {} at the bank, settled after {:?}",
        told.len(),
        journal.len(),
        began.elapsed()
    );
    // Every decided status was told.
    let decided: BTreeMap<&String, &String> =
        now.iter().filter(|(_, status)| ["25", "26"].contains(&&***status)).collect();
    let hears_all = |list: &[crate::app::Received]| {
        let heard: BTreeSet<(String, String)> = list
            .iter()
            .map(|one| {
                let body = one.json();
                let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                (text("transID"), text("order_status"))
            })
            .collect();
        decided.iter().all(|(id, status)| heard.contains(&((*id).clone(), (*status).clone())))
    };
    while !hears_all(&shop.received()) {
        assert!(began.elapsed() < within, "a webhook is missing");
        std::thread::sleep(Duration::from_millis(100));
    }
    began.elapsed()
}
