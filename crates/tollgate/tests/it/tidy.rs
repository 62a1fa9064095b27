//! The house's rules, checked without any tool: who may use whom, licences, where SQL and HTML
//! stand, how long files get.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        // Crates for other platforms than this one need not have been downloaded.
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn own(package: &Value) -> bool {
    package["source"].is_null()
}

#[test]
fn crates_use_only_whom_they_may() {
    // DESIGN: domain ← engine ← store, connectors, web ← tollgate; testkit for tests only.
    let may: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", &[] as &[&str]),
        ("engine", &["domain"]),
        ("store", &["domain", "engine"]),
        ("connectors", &["domain", "engine"]),
        ("web", &["domain", "engine"]),
        ("tollgate", &["domain", "engine", "store", "connectors", "web"]),
        ("testkit", &["domain", "engine"]),
    ]);
    let never: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", &["tokio", "rusqlite", "axum", "hyper", "tracing", "aws-lc-rs"] as &[&str]),
        ("engine", &["axum", "hyper", "rusqlite", "tokio-postgres", "reqwest", "aws-lc-rs"]),
        ("store", &["axum", "hyper"]),
        ("connectors", &["axum"]),
        ("web", &["rusqlite", "tokio-postgres"]),
        ("tollgate", &["rusqlite", "tokio-postgres", "axum"]),
    ]);
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap().iter().filter(|package| own(package)) {
        let name = package["name"].as_str().unwrap();
        let allowed = may.get(name).unwrap_or_else(|| panic!("{name} is no room of the house"));
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            if dependency["kind"] == "dev" {
                continue;
            }
            let ours = may.contains_key(other);
            assert!(!ours || allowed.contains(&other), "{name} must not use {other}");
            let banned = never.get(name).is_some_and(|banned| banned.contains(&other));
            assert!(!banned, "{name} must not know {other}");
        }
    }
    assert_eq!(seen.len(), may.len(), "{seen:?}");
}

#[test]
fn licences_are_allowed_and_openssl_is_absent() {
    let allowed: BTreeSet<&str> = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "ISC",
        "Zlib",
        "0BSD",
        "Unlicense",
        "Unicode-3.0",
        "CDLA-Permissive-2.0",
        "MIT-0",
        "CC0-1.0",
        "OpenSSL",
    ]
    .into();
    for package in metadata()["packages"].as_array().unwrap().iter().filter(|one| !own(one)) {
        let name = package["name"].as_str().unwrap();
        assert!(!["openssl", "openssl-sys", "native-tls"].contains(&name), "{name}");
        let source = package["source"].as_str().unwrap();
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} has none"));
        // Every "and" part must offer at least one allowed "or" part.
        let good = licence.replace('/', " OR ").split(" AND ").all(|part| {
            part.trim_matches(['(', ')'])
                .split(" OR ")
                .any(|one| allowed.contains(one.trim().trim_matches(['(', ')'])))
        });
        assert!(good, "{name}: {licence}");
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn rules_of_the_house_hold_in_every_file() {
    let crates = root().join("crates");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    assert!(files.len() > 50);
    for path in files {
        let name = path.strip_prefix(&crates).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let tests = name.contains("/tests") || name.contains("/examples/");
        // Printed for merchants' developers, and said there what it is for.
        let sample = name.starts_with("web/samples/");
        let lines = text.lines().count();
        assert!(lines <= 900, "{name} has {lines} lines: split it");
        let submodule_of_tests = name.ends_with("tests.rs");
        assert!(
            tests || sample || submodule_of_tests || text.starts_with("//!"),
            "{name} does not say what it is for"
        );
        let sql = ["SELECT ", "INSERT INTO", "UPDATE "]
            .iter()
            .any(|word| text.lines().any(|line| line.contains(&format!("\"{word}"))));
        let at_home = name.starts_with("store/")
            || name.starts_with("connectors/src/sandbox/")
            // A cluster for tests asks the server for its own settings.
            || name == "testkit/src/postgres.rs";
        assert!(!sql || at_home || tests, "{name} has SQL");
        let allow = ["#[", "allow("].concat();
        assert!(!text.contains(&allow), "{name}: #[expect] with a reason, never allow");
        let banned = ["utils", "helpers", "common", "types", "manager", "service"];
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!banned.contains(&stem), "{name}: say what it is");
    }
}
