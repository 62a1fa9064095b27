//! `tollgate db archive`: a year moves out of the main file beside a running gateway, whatever stops
//! the command, and everything goes on as if it had not.

use crate::app::{Gateway, command_on, copy_folder, eventually, folder, request_with, run_on};
use crate::house::House;
use crate::{code, json, stderr, stdout};
use domain::id::{PaymentId, TerminalNumber};
use domain::payment::Payment;
use engine::changeset::Changeset;
use engine::payment::Created;
use engine::ports::Store as _;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use store::audit_chain::AuditKey;
use store::sqlite::{Options, SqliteStore};

const YES: &str = "4012000033330026";
const NO: &str = "4043409999991437";
const ASKS: &str = "4111111111111111";
/// A day of the past year, whatever day is today.
const A_YEAR: u64 = 366 * 24 * 3600;

/// A data folder as a gateway makes it, stopped again; refunds are taken for long.
fn new_folder() -> (tempfile::TempDir, PathBuf) {
    let (folder, data) = folder();
    Gateway::start(&data).stop();
    let set = run_on(&data, &["terminal", "set", "42", "--refundable-days", "3000"]);
    assert_eq!(code(&set), 0, "{}", stderr(&set));
    (folder, data)
}

/// Payments of the past year: seven that are finished, one that waits for its customer.
async fn populate(data: &Path) -> (Vec<Payment>, Payment) {
    let house = House::open(data);
    house.clock.back(A_YEAR);
    let shop = house.terminal(42).await;
    let mut finished = Vec::new();
    for number in 0..3 {
        finished.push(house.create(&shop, YES, "ok").await.id);
        finished.push(house.create(&shop, NO, "ok").await.id);
        if number == 0 {
            house.refund(&shop, finished[0], "1.11").await;
        }
    }
    let Created::New(order) = house.order(&shop, YES, "ok", "order-1").await else { panic!() };
    finished.push(order.id);
    let waiting = house.create(&shop, ASKS, "ok").await;
    let waits = async || house.gateway.backlog().await.unwrap().pending > 0;
    for _round in 0..300 {
        if !waits().await {
            break;
        }
        house.work(100).await;
    }
    assert!(!waits().await, "webhooks are not told");
    let mut payments = Vec::new();
    for id in finished {
        let actor = engine::Actor::Operator;
        payments.push(house.gateway.payment(actor, id).await.unwrap().unwrap());
    }
    house.close().await;
    (payments, waiting)
}

fn archive(data: &Path, year: &str) -> Value {
    let output = run_on(data, &["db", "archive", "--year", year, "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)
}

fn verified(data: &Path, flags: &[&str]) -> Value {
    let output = run_on(data, &[&["verify", "--json"], flags].concat());
    let told = json(&output);
    assert_eq!((code(&output), &told["ok"]), (0, &Value::Bool(true)), "{told:#}");
    told
}

#[test]
fn a_year_moves_beside_a_running_gateway_and_everything_goes_on() {
    let (_folder, data) = new_folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (finished, waiting) = runtime.block_on(populate(&data));
    let year = finished[0].id.year().to_string();
    let before = verified(&data, &["--bank"]);
    let books = run_on(&data, &["balance", "--json"]).stdout;
    let shown = |id: PaymentId| {
        let output = run_on(&data, &["payment", "show", &id.to_string(), "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output).to_owned()
    };
    let shown_before: Vec<String> = finished.iter().map(|payment| shown(payment.id)).collect();

    let gateway = Gateway::start(&data);
    let statuses = || -> Vec<Value> {
        let of = |payment: &Payment| {
            let mut status = gateway.status(&payment.id.to_string());
            status.as_object_mut().unwrap().remove("webhook_notify_time");
            status
        };
        finished.iter().map(of).collect()
    };
    let statuses_before = statuses();
    let stop = AtomicBool::new(false);
    let told = AtomicU32::new(0);
    let moved = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) || told.load(Ordering::Relaxed) < 20 {
                let number = told.fetch_add(1, Ordering::Relaxed);
                let answer = gateway
                    .post(&request_with(&format!("meanwhile {number}"), json!({"ccno": NO})));
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        });
        eventually("a payment", 30, || told.load(Ordering::Relaxed) > 5);
        let moved = archive(&data, &year);
        stop.store(true, Ordering::Relaxed);
        moved
    });
    let counts =
        |told: &Value| ["moved", "archived", "left", "differing"].map(|one| told[one].clone());
    assert_eq!(counts(&moved), [7, 7, 1, 0].map(Value::from), "{moved}");
    let file = data.join(format!("archive-{year}.db"));
    assert_eq!(moved["file"], file.to_str().unwrap());
    assert_eq!(counts(&archive(&data, &year)), [0, 7, 1, 0].map(Value::from));

    let main = Connection::open(data.join("tollgate.db")).unwrap();
    let sql = "SELECT count(*) FROM audit_log WHERE action = 'archive_year' AND detail = ?1";
    let noted: i64 = main.query_row(sql, [&year], |row| row.get(0)).unwrap();
    assert_eq!(noted, 2, "the audit log tells of each run");
    drop(main);

    assert_eq!(statuses(), statuses_before);
    let shown_after: Vec<String> = finished.iter().map(|payment| shown(payment.id)).collect();
    assert_eq!(shown_after, shown_before);
    assert_eq!(run_on(&data, &["balance", "--json"]).stdout, books);
    let order = finished[6].id.to_string();
    let path = format!(
        "/api/authurl/s2s/order-1?public_key={}",
        crate::app::PUBLIC_KEY.replace('+', "%2B")
    );
    assert_eq!(gateway.get(&path).json()["transID"], *order);
    // The reference is taken by other contents.
    let other = gateway.post(&request_with("order-1", json!({"ccno": YES, "bill_amt": "5.00"})));
    assert_eq!((other.status, other.json()["error_number"].as_str()), (409, Some("5012")));
    assert!(other.body.contains(&order), "{}", other.body);
    let told = verified(&data, &["--bank"]);
    assert_eq!(told["archived"], 7);
    assert!(told["payments"].as_u64() >= Some(before["payments"].as_u64().unwrap() + 20));

    let refund = ["payment", "refund", &order, "--amount", "2.00", "--json"];
    let refunded = run_on(&data, &refund);
    assert_eq!(code(&refunded), 0, "{}", stderr(&refunded));
    let body = json!({"transID": finished[0].id.to_string(), "refundAmount": "3.00",
        "public_key": crate::app::PUBLIC_KEY});
    let media = [("content-type", "application/json")];
    let asked = gateway.send("POST", "/api/transactions/refund-request", &media, &body.to_string());
    assert_eq!((asked.status, asked.json()["order_status"].as_str()), (200, Some("8")));
    let is_refunded = || gateway.status(&finished[0].id.to_string())["order_status"] == "12";
    eventually("the refund", 30, is_refunded);
    assert_eq!(verified(&data, &["--bank"])["archived"], 5);

    let listed = run_on(&data, &["payment", "list", "--archived", &year, "--json"]);
    assert_eq!(stdout(&listed).lines().count(), 5, "{}", stdout(&listed));
    let newest = run_on(&data, &["payment", "list", "--json", "--limit", "1000"]);
    assert!(stdout(&newest).contains(&waiting.id.to_string()));
    assert!(!stdout(&newest).contains(&finished[1].id.to_string()));
    let doctor = |data: &Path| {
        let told = json(&run_on(data, &["doctor", "--json"]));
        let checks = told["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["name"] == "archives").unwrap()
    };
    assert_eq!(doctor(&data)["found"], format!("{year} (5 payments)"));
    gateway.stop();

    // The same request again, a year ago: the same payment.
    let again = runtime.block_on(async {
        let house = House::open(&data);
        house.clock.back(A_YEAR);
        let shop = house.terminal(42).await;
        let again = house.order(&shop, YES, "ok", "order-1").await;
        house.close().await;
        again
    });
    let Created::Replayed(replayed) = again else { panic!("{again:?}") };
    assert_eq!(replayed.id.to_string(), order);
    let copied = data.with_extension("copied");
    copy_folder(&data, &copied);
    std::fs::remove_file(copied.join(format!("archive-{year}.db"))).unwrap();
    assert_eq!(doctor(&copied)["verdict"], "problem");
    let output = run_on(&copied, &["verify", "--json"]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("5 payments should be in it"), "{}", stdout(&output));
}

/// Cancelled payments of a past year, ready to move.
async fn many(data: &Path, count: u64) {
    let path = data.join("tollgate.db");
    let store = Arc::new(SqliteStore::open(&path, Options::new(AuditKey::new(&[7; 32]))).unwrap());
    let mut running = tokio::task::JoinSet::new();
    for lane in 0..64 {
        let store = Arc::clone(&store);
        running.spawn(async move {
            for number in (lane..count).step_by(64) {
                let payment = testkit::fixture::payment(number, &format!("many {number}"));
                assert_eq!(payment.terminal, TerminalNumber(42));
                let insert = testkit::fixture::insert(&payment);
                store.commit(Changeset { card: None, ..insert }).await.unwrap();
                let cancelled = payment.clone().cancel(payment.created_at).unwrap();
                let told = testkit::fixture::delivery(&payment);
                let id = told.id;
                let mut change = Changeset::payment_changed("cancel", cancelled);
                change.deliveries.push(told);
                store.commit(change).await.unwrap();
                let attempted = domain::delivery::Attempted {
                    id,
                    merchant: payment.merchant,
                    attempts: 1,
                    attempt: domain::delivery::Attempt {
                        at: payment.created_at,
                        took: Duration::from_millis(1),
                        http_status: Some(200),
                        answer: None,
                        error: None,
                    },
                    next: domain::delivery::NextStep::Delivered,
                };
                let attempted = vec![attempted];
                let attempt = Changeset { name: "told", attempted, ..Changeset::default() };
                store.commit(attempt).await.unwrap();
            }
        });
    }
    running.join_all().await;
    let ended = store.ended();
    drop(store);
    ended.await.unwrap();
}

/// `kill -9` at any moment, again and again: every payment stands in one of the files.
#[test]
fn killed_at_any_moment_it_loses_nothing_and_goes_on() {
    const PAYMENTS: i64 = 12_000;
    let (_folder, data) = new_folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(many(&data, PAYMENTS.unsigned_abs()));
    let counts = || {
        let main = Connection::open(data.join("tollgate.db")).unwrap();
        let sql =
            "SELECT (SELECT count(*) FROM payments), (SELECT count(*) FROM archived_payments)";
        main.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    let (mut killed, mut round) = (0, 0_u64);
    while killed < 20 && round < 100 {
        let mut moving = command_on(&data, &["db", "archive", "--year", "2025"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if round % 2 == 0 {
            // Moments from the start of the process to some steps later.
            std::thread::sleep(Duration::from_millis(10 + round * 89 % 170));
        } else {
            let (_main, before) = counts();
            eventually("a step", 30, || counts().1 > before);
            std::thread::sleep(Duration::from_millis(round * 7 % 25));
        }
        killed += i32::from(moving.try_wait().unwrap().is_none());
        let _ended_by_itself = moving.kill();
        moving.wait().unwrap();
        round += 1;
        let (main, archived) = counts();
        assert_eq!(main + archived, PAYMENTS, "after kill {killed}");
        if round % 6 == 0 {
            assert_eq!(verified(&data, &[])["payments"], PAYMENTS);
        }
    }
    let (_main, archived) = counts();
    assert!(killed == 20 && archived > 0, "{killed} kills, {archived} moved");
    let told = archive(&data, "2025");
    assert_eq!((&told["archived"], &told["left"]), (&(PAYMENTS - 1).into(), &1.into()), "{told}");
    let told = verified(&data, &[]);
    assert_eq!((&told["payments"], &told["archived"]), (&PAYMENTS.into(), &(PAYMENTS - 1).into()));
}
