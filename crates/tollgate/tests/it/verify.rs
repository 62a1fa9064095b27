//! `tollgate verify`: a healthy database agrees, and whatever was changed behind the gateway's back
//! is found and named.

use crate::app::{Gateway, command, copy_folder, folder, request_with, run_on};
use crate::house::{House, Mood, usd};
use crate::{code, json, stderr, stdout};
use domain::id::PaymentId;
use engine::Actor;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const YES: &str = "4012000033330026";
const NO: &str = "4043409999991437";
const ASKS: &str = "4111111111111111";

/// The numbers of the payments, by what became of them.
type Names = BTreeMap<&'static str, PaymentId>;

/// A payment of every kind, some with refunds, some still at the bank; a log of refusals.
async fn populate(data: &Path) -> Names {
    let house = House::open(data);
    let mut names = Names::new();
    let shop = house.terminal(42).await;
    let hotel = house.add_manual_terminal().await;
    let gateway = &house.gateway;
    names.insert("approved", house.create(&shop, YES, "ok").await.id);
    names.insert("declined", house.create(&shop, NO, "gone").await.id);
    names.insert("waiting", house.create(&shop, ASKS, "ok").await.id);
    let passed = house.create(&shop, ASKS, "down").await.id;
    house.answer(passed, "123456").await;
    names.insert("passed", passed);
    let challenged = house.create(&shop, ASKS, "ok").await.id;
    house.answer(challenged, "000000").await;
    names.insert("challenged", challenged);
    let cancelled = house.create(&shop, ASKS, "ok").await.id;
    gateway.cancel_payment(Actor::Holder { caller: None }, cancelled).await.unwrap();
    names.insert("cancelled", cancelled);
    let refunded = house.create(&shop, YES, "ok").await.id;
    house.refund(&shop, refunded, "1.11").await;
    house.refund(&shop, refunded, "2.00").await;
    names.insert("refunded", refunded);
    for (name, amount) in [("authorised", None), ("captured", Some("10.00")), ("voided", None)] {
        let id = house.create(&hotel, YES, "ok").await.id;
        if amount.is_some() {
            let amount = amount.map(usd);
            gateway.capture_payment(Actor::Operator, id, amount).await.unwrap();
            house.refund(&hotel, id, "3.00").await;
        } else if name == "voided" {
            gateway.void_payment(Actor::Operator, id).await.unwrap();
        }
        names.insert(name, id);
    }
    // The bank did it, and did not say so until it was asked.
    house.bank.is(Mood::LosesAnswers);
    names.insert("found", house.create(&shop, YES, "ok").await.id);
    let found = house.create(&hotel, YES, "ok").await.id;
    house.bank.is(Mood::LosesCalls);
    let lost = house.create(&shop, YES, "ok").await.id;
    house.refund(&shop, names["approved"], "4.00").await;
    house.bank.is(Mood::Well);
    names.insert("lost", lost);
    for _round in 0..4 {
        house.clock.forward(20);
        house.work(250).await;
    }
    gateway.capture_payment(Actor::Operator, found, None).await.unwrap();
    house.bank.is(Mood::LosesAnswers);
    names.insert("unknown", house.create(&shop, YES, "ok").await.id);
    let releasing = house.create(&hotel, YES, "ok").await.id;
    names.insert("releasing", releasing);
    house.close().await;
    names
}

/// A data folder with all of it, made once and copied.
struct Template {
    _folder: tempfile::TempDir,
    data: PathBuf,
    names: Names,
}

fn template() -> Template {
    let (folder, data) = folder();
    let gateway = Gateway::start(&data);
    for _refused in 0..6 {
        assert_eq!(gateway.post(&serde_json::json!({})).status, 400);
    }
    gateway.stop();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let names = runtime.block_on(populate(&data));
    drop(runtime);
    Template { _folder: folder, data, names }
}

fn verify(data: &Path, flags: &[&str]) -> (i32, Value) {
    let output = run_on(data, &[&["verify", "--json"], flags].concat());
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
    (code(&output), json(&output))
}

#[test]
fn a_healthy_database_agrees() {
    let template = template();
    for flags in [&[][..], &["--bank"]] {
        let (code, told) = verify(&template.data, flags);
        assert_eq!((code, &told["ok"]), (0, &Value::Bool(true)), "{told:#}");
        assert_eq!(told["payments"], 15, "{told:#}");
        assert!(told["open"].as_u64().unwrap() >= 1, "{told:#}");
        assert!(told["refunds"].as_u64().unwrap() >= 4, "{told:#}");
        assert!(told["audit_lines"].as_u64().unwrap() >= 10, "{told:#}");
    }
    let output = run_on(&template.data, &["verify", "--bank"]);
    assert!(stdout(&output).contains("Everything agrees."), "{}", stdout(&output));
    let nothing = folder();
    let output = run_on(&nothing.1, &["verify"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("there is no database"), "{}", stderr(&output));
    assert_eq!(code(&command().args(["verify", "--nonsense"]).output().unwrap()), 2);
}

/// What somebody with write access does, and what the proof must say of it: table and words.
struct Tampering {
    sql: &'static str,
    table: &'static str,
    says: &'static str,
}

const fn on(sql: &'static str, table: &'static str, says: &'static str) -> Tampering {
    Tampering { sql, table, says }
}

/// `{name}` is the number of that payment as stored, `{name.place}` its place.
const IN_THE_DATABASE: [Tampering; 62] = [
    // The payment's row.
    on(
        "UPDATE payments SET amount_minor = 9999 WHERE id = {approved}",
        "events",
        "facts do not follow",
    ),
    on("UPDATE payments SET currency = 'EUR' WHERE id = {approved}", "postings", "currency"),
    on("UPDATE payments SET mode = 'live' WHERE id = {waiting}", "payments", "is a test terminal"),
    on("UPDATE payments SET merchant_id = 7 WHERE id = {waiting}", "payments", "merchant"),
    on("UPDATE payments SET ter_no = 99 WHERE id = {waiting}", "payments", "no terminal 99"),
    on("UPDATE payments SET id = id + 1 WHERE id = {approved}", "events", "another payment"),
    on(
        "UPDATE payments SET created_at = created_at - 1 WHERE id = {declined}",
        "payments",
        "created at another time",
    ),
    on(
        "UPDATE payments SET state = 'declined', facts = replace(facts, '\"approved\"', '\"declined\"') WHERE id = {approved}",
        "payments",
        "impossible",
    ),
    on(
        "UPDATE payments SET state = 'expired', facts = '{\"state\":\"expired\",\"at\":1}' WHERE id = {declined}",
        "payments",
        "it is expired, and its last event says declined",
    ),
    on(
        "UPDATE payments SET state = 'approved' WHERE id = {declined}",
        "payments",
        "state is impossible",
    ),
    on(
        "UPDATE payments SET facts = replace(facts, '\"00\"', '\"01\"') WHERE id = {approved}",
        "payments",
        "other facts than its last event",
    ),
    on("UPDATE payments SET refunded_minor = 0 WHERE id = {refunded}", "payments", "impossible"),
    on(
        "UPDATE payments SET refunded_minor = 0, facts = json_set(facts, '$.refunded_minor', 0) WHERE id = {refunded}",
        "payments",
        "not the sum of its refunds",
    ),
    on(
        "UPDATE payments SET version = version + 1 WHERE id = {approved}",
        "payments",
        "its last event is",
    ),
    on("UPDATE payments SET notices = notices + 1 WHERE id = {approved}", "payments", "notices"),
    on(
        "UPDATE payments SET due_at = NULL WHERE id = {waiting}",
        "payments",
        "no time at which it goes on",
    ),
    on("UPDATE payments SET due_at = 5 WHERE id = {declined}", "payments", "it is over"),
    on(
        "UPDATE payments SET capture = 'manual' WHERE id = {approved}",
        "events",
        "facts do not follow",
    ),
    on(
        "UPDATE payments SET authentication = 'frictionless' WHERE id = {waiting}",
        "events",
        "facts do not follow",
    ),
    on(
        "UPDATE payments SET request = '{}' WHERE id = {approved}",
        "payments",
        "request is impossible",
    ),
    on(
        "UPDATE payments SET request = json_set(request, '$.webhook_url', 'https://thief.example/') WHERE id = {approved}",
        "deliveries",
        "another address",
    ),
    on("DELETE FROM payments WHERE id = {approved}", "events", "there is no payment"),
    on("DELETE FROM payments WHERE id = {approved}", "postings", "there is no payment"),
    on("DELETE FROM payments WHERE id = {approved}", "deliveries", "there is no payment"),
    on("DELETE FROM payments WHERE id = {refunded}", "refunds", "there is no payment"),
    on("DELETE FROM payments WHERE id = {waiting}", "held_cards", "there is no payment"),
    // Events.
    on(
        "DELETE FROM events WHERE payment_id = {passed} AND sequence = 2",
        "events",
        "event 2 is missing",
    ),
    on("DELETE FROM events WHERE payment_id = {passed}", "payments", "no events"),
    on(
        "DELETE FROM events WHERE payment_id = {passed} AND sequence = 4",
        "payments",
        "its last event is 3",
    ),
    on(
        "UPDATE events SET kind = 'voided' WHERE payment_id = {declined} AND sequence = 2",
        "events",
        "cannot lead",
    ),
    on(
        "UPDATE events SET at = at - 3600000000 WHERE payment_id = {declined} AND sequence = 2",
        "events",
        "earlier than the event before",
    ),
    on(
        "UPDATE events SET merchant_id = 9 WHERE payment_id = {declined} AND sequence = 2",
        "events",
        "another payment or merchant",
    ),
    on(
        "UPDATE events SET facts = json_set(facts, '$.captured_minor', 5) WHERE payment_id = {approved} AND kind = 'decided'",
        "events",
        "facts do not follow",
    ),
    on(
        "UPDATE events SET facts = json_set(facts, '$.our_reference', 'x') WHERE payment_id = {declined} AND sequence = 1",
        "events",
        "call to the bank does not follow",
    ),
    on(
        "UPDATE events SET facts = 'x' WHERE payment_id = {declined} AND sequence = 1",
        "events",
        "facts is impossible",
    ),
    on(
        "UPDATE events SET refund = json_set(refund, '$.amount_minor', 1) WHERE payment_id = {refunded} AND kind = 'refunded'",
        "events",
        "refund does not follow",
    ),
    on(
        "INSERT INTO events SELECT place, 9, payment_id, merchant_id, at, kind, facts, refund FROM events WHERE payment_id = {declined} AND sequence = 2",
        "events",
        "is missing before it",
    ),
    on(
        "INSERT INTO events SELECT place, 3, payment_id, merchant_id, at, kind, facts, refund FROM events WHERE payment_id = {declined} AND sequence = 2",
        "events",
        "cannot lead from declined to declined",
    ),
    on(
        "INSERT INTO events SELECT 77777, sequence, payment_id, merchant_id, at, kind, facts, refund FROM events WHERE payment_id = {declined}",
        "events",
        "there is no payment",
    ),
    // Refunds.
    on(
        "UPDATE refunds SET amount_minor = 5 WHERE payment_id = {refunded} AND number = 1",
        "refunds",
        "its amount is not",
    ),
    on(
        "UPDATE refunds SET currency = 'EUR' WHERE payment_id = {refunded} AND number = 1",
        "refunds",
        "currency",
    ),
    on(
        "UPDATE refunds SET requested_at = 5 WHERE payment_id = {refunded} AND number = 1",
        "refunds",
        "another time",
    ),
    on(
        "UPDATE refunds SET state = 'failed', facts = '{\"state\":\"failed\",\"at\":5}' WHERE payment_id = {refunded} AND number = 1",
        "refunds",
        "does not stand as",
    ),
    on(
        "DELETE FROM refunds WHERE payment_id = {refunded} AND number = 2",
        "refunds",
        "there is no row",
    ),
    on(
        "INSERT INTO refunds SELECT place, 3, payment_id, merchant_id, 1, currency, NULL, NULL, requested_at, state, facts FROM refunds WHERE payment_id = {refunded} AND number = 1",
        "refunds",
        "no event tells of it",
    ),
    // The books.
    on(
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE payment_id = {approved} AND account = 1",
        "postings",
        "its event means 1111",
    ),
    on(
        "UPDATE postings SET amount_minor = amount_minor * 2 WHERE payment_id = {approved}",
        "postings",
        "its event means 1111",
    ),
    on(
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE payment_id = {approved} AND account = 1",
        "postings",
        "not to zero",
    ),
    on(
        "UPDATE postings SET merchant_id = 2 WHERE payment_id = {approved}",
        "postings",
        "another payment, merchant",
    ),
    on(
        "UPDATE postings SET account = 4 WHERE payment_id = {approved} AND account = 2",
        "postings",
        "no event causes it",
    ),
    on("DELETE FROM postings WHERE payment_id = {approved}", "postings", "it is missing"),
    on(
        "INSERT INTO postings SELECT cause, cause_place, 77, account, merchant_id, payment_id, mode, currency, amount_minor, at FROM postings WHERE payment_id = {approved}",
        "postings",
        "no event causes it",
    ),
    on(
        "INSERT INTO postings SELECT 2, cause_place, 77, account, merchant_id, NULL, mode, currency, amount_minor, at FROM postings WHERE payment_id = {approved}",
        "postings",
        "belongs to nothing",
    ),
    // Deliveries.
    on(
        "DELETE FROM deliveries WHERE payment_id = {refunded} AND sequence = 2",
        "deliveries",
        "never to be told",
    ),
    on(
        "DELETE FROM deliveries WHERE payment_id = {refunded} AND sequence = 3",
        "deliveries",
        "was not told",
    ),
    on(
        "UPDATE deliveries SET url = 'https://thief.example/' WHERE payment_id = {approved}",
        "deliveries",
        "another address",
    ),
    on(
        "UPDATE deliveries SET next_at = NULL WHERE payment_id = {passed}",
        "deliveries",
        "tried again",
    ),
    on(
        "UPDATE deliveries SET state = 'delivered', attempts = 0, next_at = NULL WHERE payment_id = {passed}",
        "deliveries",
        "never tried",
    ),
    on(
        "UPDATE deliveries SET created_at = created_at + 1 WHERE payment_id = {passed}",
        "deliveries",
        "another time",
    ),
    on(
        "UPDATE deliveries SET sequence = 9 WHERE payment_id = {passed}",
        "deliveries",
        "no event is told",
    ),
    // Held cards.
    on(
        "INSERT INTO held_cards SELECT {declined.place}, {declined}, merchant_id, number, security_code, expiry_year, expiry_month FROM held_cards LIMIT 1",
        "held_cards",
        "still held",
    ),
    on(
        "INSERT INTO held_cards SELECT {unknown.place}, {unknown}, merchant_id, number, security_code, expiry_year, expiry_month FROM held_cards LIMIT 1",
        "held_cards",
        "security code is still held",
    ),
];

const IN_THE_AUDIT_LOG: [Tampering; 13] = [
    on(
        "UPDATE audit_log SET detail = 'nothing' WHERE id = 4",
        "audit_log",
        "its seal does not fit",
    ),
    on("UPDATE audit_log SET caller = NULL WHERE id = 4", "audit_log", "its seal does not fit"),
    on("UPDATE audit_log SET at = at + 1 WHERE id = 4", "audit_log", "its seal does not fit"),
    on(
        "UPDATE audit_log SET seal = zeroblob(32) WHERE id = 4",
        "audit_log",
        "its seal does not fit",
    ),
    on("UPDATE audit_log SET seal = NULL WHERE id = 4", "audit_log", "it has no seal"),
    on("DELETE FROM audit_log WHERE id = 4", "audit_log", "its seal does not fit"),
    on("DELETE FROM audit_log WHERE id = 1", "audit_log", "its seal does not fit"),
    on(
        "UPDATE audit_log SET id = 1004 WHERE id = 4; UPDATE audit_log SET id = 4 WHERE id = 5; UPDATE audit_log SET id = 5 WHERE id = 1004",
        "audit_log",
        "its seal does not fit",
    ),
    on(
        "DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)",
        "audit_head",
        "sealed lines were written",
    ),
    on(
        "DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log); UPDATE audit_head SET lines = lines - 1, last = (SELECT seal FROM audit_log ORDER BY id DESC LIMIT 1)",
        "audit_head",
        "its seal does not fit",
    ),
    on(
        "INSERT INTO audit_log (at, actor, action, result, detail) VALUES (1, 'operator', 'x', 'done', 'x')",
        "audit_log",
        "it has no seal",
    ),
    on(
        "INSERT INTO audit_log (id, at, actor, action, result, detail) VALUES (-5, 1, 'operator', 'x', 'done', 'x')",
        "audit_log",
        "its seal does not fit",
    ),
    on("DELETE FROM audit_head", "audit_head", "it is missing"),
];

const AT_THE_BANK: [Tampering; 12] = [
    on(
        "DELETE FROM journal WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "the bank has no authorisation",
    ),
    on(
        "UPDATE journal SET amount_minor = 5 WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "the bank has 5 minor units",
    ),
    on(
        "UPDATE journal SET currency = 'EUR' WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "in EUR",
    ),
    on(
        "UPDATE journal SET result = 'declined' WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "and the bank declined it",
    ),
    on(
        "UPDATE journal SET result = 'approved' WHERE trans_id = '{declined.text}'",
        "bank",
        "the gateway does not",
    ),
    on(
        "DELETE FROM journal WHERE trans_id = '{refunded.text}' AND kind = 'refund' AND amount_minor = 200",
        "bank",
        "the bank has no refund",
    ),
    on(
        "DELETE FROM journal WHERE trans_id = '{captured.text}' AND kind = 'capture'",
        "bank",
        "the bank has no capture",
    ),
    on(
        "DELETE FROM journal WHERE trans_id = '{voided.text}' AND kind = 'reversal'",
        "bank",
        "the gateway does not",
    ),
    on(
        "INSERT INTO journal (our_reference, trans_id, kind, capture, amount_minor, currency, result, status_code, at) SELECT our_reference || '9', trans_id, kind, capture, amount_minor, currency, result, status_code, at FROM journal WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "never asked for",
    ),
    on(
        "INSERT INTO journal (our_reference, trans_id, kind, capture, amount_minor, currency, result, status_code, at) VALUES ('999999260101000000-1', '999999260101000000', 'authorisation', 'automatic', 5, 'USD', 'approved', '00', 1)",
        "bank",
        "no payment here",
    ),
    on(
        "INSERT INTO journal (our_reference, repeat, trans_id, kind, capture, amount_minor, currency, result, status_code, at) SELECT our_reference, 1, trans_id, kind, capture, amount_minor, currency, result, status_code, at FROM journal WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "twice under one reference",
    ),
    on(
        "INSERT INTO journal (our_reference, trans_id, kind, original, amount_minor, currency, result, status_code, at) SELECT our_reference || '8', trans_id, 'reversal', our_reference, amount_minor, currency, result, status_code, at FROM journal WHERE trans_id = '{approved.text}' AND kind = 'authorisation'",
        "bank",
        "never asked for",
    ),
];

/// Changes a file behind everybody's back: no trigger and no rule of the schema is in the way.
fn tamper(file: &Path, names: &Names, places: &BTreeMap<&str, i64>, sql: &str) {
    let mut sql = sql.to_owned();
    for (name, id) in names {
        sql = sql.replace(&format!("{{{name}}}"), &id.stored().to_string());
        sql = sql.replace(&format!("{{{name}.text}}"), &id.to_string());
        sql = sql.replace(&format!("{{{name}.place}}"), &places[name].to_string());
    }
    let connection = Connection::open(file).unwrap();
    let mut triggers =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let triggers: Vec<String> =
        triggers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; BEGIN;").unwrap();
    let before = connection.total_changes();
    connection.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert!(connection.total_changes() > before, "it changes nothing: {sql}");
    connection.execute_batch("COMMIT").unwrap();
}

fn places(data: &Path, names: &Names) -> BTreeMap<&'static str, i64> {
    let connection = Connection::open(data.join("tollgate.db")).unwrap();
    let place = |id: &PaymentId| -> i64 {
        let sql = "SELECT place FROM payments WHERE id = ?1";
        connection.query_row(sql, [id.stored()], |row| row.get(0)).unwrap()
    };
    names.iter().map(|(name, id)| (*name, place(id))).collect()
}

#[test]
fn whatever_was_changed_is_found_and_named() {
    let template = template();
    let places = places(&template.data, &template.names);
    let cases = IN_THE_DATABASE.iter().chain(&IN_THE_AUDIT_LOG).map(|one| ("tollgate.db", one));
    let cases = cases.chain(AT_THE_BANK.iter().map(|one| ("sandbox-bank.db", one)));
    let mut missed = Vec::new();
    for (number, (file, case)) in cases.enumerate() {
        let data = template.data.with_extension(format!("{number}"));
        copy_folder(&template.data, &data);
        tamper(&data.join(file), &template.names, &places, case.sql);
        let flags = if file == "tollgate.db" { &[][..] } else { &["--bank"] };
        if file != "tollgate.db" {
            assert_eq!(verify(&data, &[]).0, 0, "without --bank the bank is not asked");
        }
        let (code, told) = verify(&data, flags);
        let findings = told["findings"].as_array().unwrap();
        let named = findings.iter().any(|found| {
            found["table"] == case.table && found["what"].as_str().unwrap().contains(case.says)
        });
        if code != 1 || told["ok"] != false || !named {
            missed.push(format!("exit {code}, {}\n   {told:#}", case.sql));
        }
        std::fs::remove_dir_all(&data).unwrap();
    }
    assert!(missed.is_empty(), "{} were missed:\n{}", missed.len(), missed.join("\n"));
}

/// `cargo test --release -p tollgate --test it long_a_million -- --nocapture` shows the figure; the
/// test build is slower, and makes fewer.
#[test]
fn long_a_million_payments_are_proved_in_a_minute() {
    let release = !cfg!(debug_assertions);
    let count: u32 = if release { 1_000_000 } else { 30_000 };
    let (_folder, data) = folder();
    drop(Gateway::start(&data));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = std::time::Instant::now();
    runtime.block_on(async {
        let house = Arc::new(House::open(&data));
        let shop = house.terminal(42).await;
        let hotel = house.add_manual_terminal().await;
        let mut lanes = tokio::task::JoinSet::new();
        for lane in 0..256 {
            let (house, shop, hotel) = (Arc::clone(&house), Arc::clone(&shop), Arc::clone(&hotel));
            lanes.spawn(async move {
                for number in (lane..count).step_by(256) {
                    one_of_a_million(&house, &shop, &hotel, number).await;
                }
            });
        }
        while let Some(done) = lanes.join_next().await {
            done.unwrap();
        }
        Arc::into_inner(house).unwrap().close().await;
    });
    let size = data.join("tollgate.db").metadata().unwrap().len() / 1_000_000;
    println!("{count} payments made in {:?}, database {size} MB", began.elapsed());
    for flags in [&[][..], &["--bank"]] {
        let (told, peak_mb) = verify_and_watch(&data, flags);
        println!("verify {flags:?}: {told}, peak memory {peak_mb} MB");
        assert_eq!(told["ok"], true);
        assert_eq!(told["payments"], count);
        assert!(peak_mb < 150, "{peak_mb} MB");
        if release && flags.is_empty() {
            assert!(told["seconds"].as_f64().unwrap() < 60.0, "too slow");
        }
    }
}

async fn one_of_a_million(
    house: &House,
    shop: &Arc<domain::terminal::Terminal>,
    hotel: &Arc<domain::terminal::Terminal>,
    number: u32,
) {
    match number % 20 {
        0..=8 => {
            house.create(shop, YES, "ok").await;
        }
        9..=11 => {
            house.create(shop, NO, "ok").await;
        }
        12..=14 => {
            let id = house.create(shop, ASKS, "ok").await.id;
            house.answer(id, "123456").await;
        }
        15 => {
            let id = house.create(shop, ASKS, "ok").await.id;
            let holder = Actor::Holder { caller: None };
            house.gateway.cancel_payment(holder, id).await.unwrap();
        }
        16 | 17 => {
            let id = house.create(shop, YES, "ok").await.id;
            house.refund(shop, id, "1.11").await;
        }
        18 => {
            house.create(shop, ASKS, "ok").await;
        }
        _ => {
            let id = house.create(hotel, YES, "ok").await.id;
            house.gateway.capture_payment(Actor::Operator, id, Some(usd("5.00"))).await.unwrap();
        }
    }
}

/// What the proof says, and the most memory it had, in MB.
fn verify_and_watch(data: &Path, flags: &[&str]) -> (Value, u64) {
    let mut child = command()
        .args(["verify", "--json"])
        .args(flags)
        .arg("--data-dir")
        .arg(data)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kb = number.unwrap_or(peak_kb);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    (json(&output), peak_kb / 1000)
}

#[test]
fn no_false_finding_while_payments_are_taken() {
    const CLIENTS: usize = 6;
    const EACH: usize = 60;
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let mut proofs = 0;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let gateway = &gateway;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let card = [YES, ASKS, NO][number % 3];
                        let body = serde_json::json!({ "ccno": card });
                        let body = request_with(&format!("load {client} {number}"), body);
                        let id = gateway.post(&body).id();
                        if card == ASKS && number % 2 == 0 {
                            gateway.pass_challenge(&id);
                        }
                        gateway.post(&serde_json::json!({}));
                    }
                })
            })
            .collect();
        while !clients.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let (code, told) = verify(&data, &["--bank"]);
            assert_eq!(code, 0, "{told:#}");
            proofs += 1;
        }
    });
    println!("{proofs} proofs beside {} payments", CLIENTS * EACH);
    assert!(proofs >= 3, "{proofs} proofs");
    let (code, told) = verify(&data, &["--bank"]);
    assert_eq!((code, &told["payments"]), (0, &serde_json::json!(CLIENTS * EACH)));
}
