//! `tollgate bench` on a small scale: what it reports, that its filler's payments are as good as
//! others, that it sees a planted lock, and what a sweep writes. Figures are not judged: other tests
//! run on the same cores.

use crate::app::command;
use crate::{code, stderr};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::postgres::Cluster;

fn bench(folder: &Path, arguments: &[&str]) -> Output {
    command()
        .arg("bench")
        .args(arguments)
        .args(["--data-dir", folder.to_str().unwrap()])
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

/// One short round.
fn report(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let short = ["--seconds", "1", "--rounds", "1", "--clients", "8", "--json"];
    let output = bench(folder.path(), &[arguments, &short].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["errors"], 0, "{report}");
    report
}

/// The figure with this name, a dot leading into an object.
fn figure(report: &Value, name: &str) -> f64 {
    let found = name.split('.').fold(report, |value, part| &value[part]);
    found.as_f64().unwrap_or_else(|| panic!("{name} is not in {report}"))
}

fn has_figures(report: &Value, names: &[&str]) {
    for name in names {
        assert!(figure(report, name) > 0.0, "{name} in {report}");
        for end in ["spread.lowest", "spread.highest"] {
            assert!(figure(report, &format!("{end}.{name}")) > 0.0);
        }
    }
}

const ALWAYS: [&str; 8] = [
    "per_second",
    "p50_ms",
    "p99_ms",
    "rss_mb",
    "start_ms",
    "floors.empty_handler_per_second",
    "floors.one_transaction_per_second",
    "ratios.to_empty_handler",
];

#[test]
fn creates_are_reported_beside_all_their_floors() {
    let report = report(&["create", "--rate", "50"]);
    has_figures(&report, &ALWAYS);
    has_figures(
        &report,
        &[
            "p999_ms",
            "cpu_us",
            "generator_cpu_us",
            "peak_rss_mb",
            "at_64_clients.per_second",
            "one_client.p50_ms",
            "open_loop.p99_ms",
            "open_loop.bare_log_p99_ms",
            "floors.bare_log_per_second",
            "floors.append_fdatasync_p50_ms",
            "ratios.to_one_transaction",
            "ratios.to_one_transaction_at_64_clients",
            "ratios.to_bare_log",
            "ratios.one_client_p50_to_append",
            "ratios.p99_to_bare_log",
        ],
    );
    let told = ["scenario", "database", "nodes", "clients", "seconds", "rounds", "stored"];
    let told: Vec<&Value> = told.iter().map(|name| &report[name]).collect();
    assert_eq!(json!(told), json!(["create", "sqlite", 1, 8, 1, 1, 0]));
    assert_eq!(report["open_loop"]["offered_per_second"], 50);
}

#[test]
fn a_filled_database_is_asked_about_its_payments() {
    let report = report(&["status", "--rate", "40", "--stored", "300", "--terminals", "3"]);
    has_figures(&report, &ALWAYS);
    has_figures(
        &report,
        &[
            "beside.create_alone_per_second",
            "beside.create_beside_per_second",
            "beside.status_per_second",
            "beside.status_p99_ms",
            "verify.per_second",
            "ratios.create_beside_to_alone",
        ],
    );
    assert_eq!((&report["stored"], &report["terminals"]), (&json!(300), &json!(3)));
}

#[test]
fn long_lives_and_mixed_loads_are_reported() {
    let life = report(&["life", "--rate", "5"]);
    has_figures(&life, &ALWAYS);
    has_figures(&life, &["open_loop.per_second", "open_loop.p99_ms"]);
    let mixed = report(&["mixed"]);
    has_figures(&mixed, &ALWAYS);
    has_figures(&mixed, &["mixed.status_p50_ms", "mixed.create_p99_ms", "mixed.life_p99_ms"]);
}

#[test]
fn long_a_planted_lock_is_seen_beside_several_nodes() {
    let cluster = Cluster::shared();
    let database = cluster.create_database();
    let ended = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The first schema is the measured gateway's; it is not there before the bench has
            // begun, nor after its end.
            let schema = "SELECT min(nspname) FROM pg_namespace WHERE nspname LIKE 'bench_%'";
            while !ended.load(Ordering::Relaxed) {
                let found = cluster.try_sql(&database, schema).unwrap_or_default();
                let lock = format!(
                    "BEGIN; LOCK TABLE {}.payments IN EXCLUSIVE MODE; SELECT pg_sleep(0.4); COMMIT",
                    found.trim()
                );
                let _not_there_yet = cluster.try_sql(&database, &lock);
            }
        });
        let url = cluster.url(&database);
        let report =
            std::panic::catch_unwind(|| report(&["create", "--database", &url, "--nodes", "2"]));
        ended.store(true, Ordering::Relaxed);
        report.unwrap()
    });
    has_figures(&report, &["per_second", "lock_waits_over_100ms"]);
    assert_eq!((&report["database"], &report["nodes"]), (&json!("postgres"), &json!(2)));
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'bench_%'";
    assert_eq!(cluster.sql(&database, left).trim(), "0");
}

#[test]
fn long_a_sweep_writes_plots_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let plots = out.path().join("plots");
    let short = ["--seconds", "1", "--rounds", "1", "--clients", "2"];
    let arguments = ["sweep", "--out", plots.to_str().unwrap()];
    let output = bench(folder.path(), &[&arguments[..], &short].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    for name in ["throughput.svg", "latency.svg"] {
        let text = std::fs::read_to_string(plots.join(name)).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let lines = document.descendants().filter(|node| node.has_tag_name("polyline")).count();
        assert_eq!(lines, 3, "{name}: {text}");
    }
    let text = std::fs::read_to_string(plots.join("sweep.json")).unwrap();
    let swept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(swept["throughput"].as_array().unwrap().len(), 2, "1 and 2 clients");
    assert_eq!(swept["latency"].as_array().unwrap().len(), 11);
    for one in swept["throughput"].as_array().unwrap() {
        assert!(figure(one, "per_second") > 0.0 && figure(one, "bare_log_per_second") > 0.0);
    }
    assert_eq!(swept["errors"], 0);
}

/// Looks at all pages of a small database.
fn desks_are_looked_at(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let small = ["desks", "--stored", "200", "--terminals", "3", "--rounds", "1", "--json"];
    let output = bench(folder.path(), &[&small[..], arguments].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["errors"], &report["bar_ms"]), (&json!(0), &json!(150.0)), "{report}");
    assert!(figure(&report, "floor_p50_ms") > 0.0 && figure(&report, "peak_rss_mb") > 0.0);
    let pages = report["pages"].as_array().unwrap();
    let named = |name: &str| pages.iter().find(|page| page["page"] == name);
    for name in [
        "/account/sign-in",
        "/portal/test",
        "/portal/live/balance",
        "/portal/test/payments/{payment}/receipt.pdf",
        "/portal/test/webhooks/deliveries/{delivery}",
        "/portal/test/payments (e-mail that nobody has)",
        "/office",
        "/office/merchants/{merchant}",
    ] {
        let page = named(name).unwrap_or_else(|| panic!("{name} is not in {report}"));
        for time in ["first_ms", "p50_ms", "p95_ms", "slowest_ms"] {
            assert!(figure(page, time) > 0.0, "{page}");
        }
    }
    let exports = report["exports"].as_array().unwrap();
    let payments = exports.iter().find(|one| one["page"] == "/portal/test/payments.csv").unwrap();
    assert_eq!(payments["rows"], 200);
    assert!(figure(payments, "rows_per_second") > 0.0 && figure(payments, "begins_ms") > 0.0);
}

#[test]
fn every_page_of_the_desks_is_looked_at() {
    desks_are_looked_at(&[]);
}

#[test]
fn long_every_page_of_the_desks_is_looked_at_on_postgres() {
    let cluster = Cluster::shared();
    let url = cluster.url(&cluster.create_database());
    desks_are_looked_at(&["--database", &url]);
}

#[test]
fn wrong_usage_of_the_bench_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        (&["sweep"] as &[&str], "--out"),
        (&["create", "--out", "here"], "bench sweep"),
        (&["create", "--nodes", "3"], "--database"),
        (&["create", "--clients", "0"], "1..=10000"),
        (&["webhooks", "--stored", "5"], "leave --rate, --stored and --terminals out"),
        (&["sweep", "--out", "here", "--rate", "5"], "leave --rate out"),
        (&["desks", "--clients", "5"], "one request at a time"),
        (&["desks", "--stored", "0"], "with payments in the database"),
    ] {
        let output = bench(folder.path(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
