//! The binary as people and scripts meet it: help, completions, configuration, `init`, exit codes.
//! Nothing here needs a store.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::duration_suboptimal_units,
    reason = "a test fails by panicking, and its tables are long"
)]
#![expect(clippy::disallowed_methods, reason = "these tests run in real time")]

mod app;
mod archives;
mod balance;
mod bank_link;
mod bank_messages;
mod bank_table;
mod bench;
mod card_data;
mod commands;
mod crash;
mod crash_points;
mod create_payment;
mod encrypted;
mod flows;
mod house;
mod nodes;
mod orders;
mod refunds;
mod repeats;
mod tidy;
mod tls;
mod verify;
mod way_out;
mod webhook_commands;
mod webhooks;
mod webhooks_api;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Runs the binary in a folder of its own, with an environment that holds nothing of ours.
fn run_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let inherited = std::env::vars_os().filter(|(name, _)| name == "PATH");
    // A command that should have ended at once must not hold up the tests for ever.
    Command::new("timeout")
        .args(["--signal=KILL", "20", env!("CARGO_BIN_EXE_tollgate")])
        .args(arguments)
        .env_clear()
        .envs(inherited)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    run_with(folder, &[], arguments)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

const COMMANDS: &[&[&str]] = &[
    &[],
    &["serve"],
    &["init"],
    &["demo"],
    &["pay"],
    &["listen"],
    &["trigger"],
    &["events"],
    &["events", "list"],
    &["events", "show"],
    &["events", "resend"],
    &["events", "replay"],
    &["endpoint"],
    &["endpoint", "add"],
    &["endpoint", "list"],
    &["endpoint", "show"],
    &["endpoint", "set"],
    &["endpoint", "rotate-secret"],
    &["endpoint", "remove"],
    &["merchant"],
    &["merchant", "add"],
    &["merchant", "list"],
    &["merchant", "show"],
    &["terminal"],
    &["terminal", "add"],
    &["user"],
    &["user", "invite"],
    &["user", "list"],
    &["user", "remove"],
    &["operator"],
    &["operator", "add"],
    &["operator", "list"],
    &["operator", "remove"],
    &["terminal", "list"],
    &["terminal", "show"],
    &["terminal", "set"],
    &["terminal", "rotate-keys"],
    &["terminal", "encrypt"],
    &["terminal", "decrypt"],
    &["payment"],
    &["payment", "show"],
    &["payment", "list"],
    &["payment", "refund"],
    &["payment", "capture"],
    &["payment", "void"],
    &["payment", "unresolved"],
    &["payment", "resolve"],
    &["bank"],
    &["bank", "journal"],
    &["bank", "lab"],
    &["bank", "messages"],
    &["balance"],
    &["bank", "serve"],
    &["verify"],
    &["config"],
    &["config", "show"],
    &["doctor"],
    &["db"],
    &["db", "copy"],
    &["db", "archive"],
    &["migrate"],
    &["bench"],
    &["completions"],
    &["version"],
    &["-h"],
];

#[test]
fn every_command_has_help_with_examples() {
    let folder = folder();
    for command in COMMANDS.iter().copied() {
        let output = run(folder.path(), &[command, &["--help"]].concat());
        assert_eq!(code(&output), 0, "{command:?}");
        let text = stdout(&output);
        assert!(text.contains("Examples:\n  tollgate"), "{command:?} has no examples:\n{text}");
        assert!(text.contains("--data-dir") && text.contains("--config"), "{command:?}:\n{text}");
        assert!(stderr(&output).is_empty(), "{command:?}");
    }
    let none = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(none, 0, "help writes nothing");
}

#[test]
fn no_command_is_missing_from_this_list() {
    let text = run(folder().path(), &["--help"]);
    let commands = stdout(&text).split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    for line in commands.lines().filter(|line| !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(name == "help" || COMMANDS.contains(&[name].as_slice()), "{name}");
    }
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder().path(), &["completions", shell]);
        assert_eq!(code(&output), 0, "{shell}");
        assert!(stdout(&output).contains("rotate-keys"), "{shell}");
    }
    assert_eq!(code(&run(folder().path(), &["completions", "tcsh"])), 2);
}

#[test]
fn the_version_is_told_to_people_and_machines() {
    let folder = folder();
    let version = env!("CARGO_PKG_VERSION");
    let plain = run(folder.path(), &["version"]);
    assert_eq!(stdout(&plain), format!("tollgate {version}\n"));
    assert_eq!(stdout(&run(folder.path(), &["--version"])), format!("tollgate {version}\n"));
    let json = json(&run(folder.path(), &["version", "--json"]));
    assert_eq!((&json["name"], &json["version"]), (&"tollgate".into(), &version.into()));
}

#[test]
fn wrong_usage_is_two_and_says_what_is_near() {
    let folder = folder();
    let misspelt = run(folder.path(), &["serv"]);
    assert_eq!(code(&misspelt), 2);
    assert!(stderr(&misspelt).contains("'serve'"), "{}", stderr(&misspelt));
    assert!(stdout(&misspelt).is_empty());
    assert_eq!(code(&run(folder.path(), &["serve", "--role", "king"])), 2);
    assert_eq!(code(&run(folder.path(), &["pay", "--url", "nonsense"])), 2);
    assert_eq!(code(&run(folder.path(), &["listen", "--secret", "nonsense"])), 2);
    for (flags, told) in [
        (&["listen", "--forward", "http://192.0.2.1/hook"][..], "elsewhere use https"),
        (&["listen", "--gateway", "http://pay.example.com"], "elsewhere use https"),
        (&["listen", "--forward", "localhost:3000"], "http://localhost:3000/hook"),
        (&["listen", "--forward", "http://localhost:1/", "--port", "5"], "cannot be used with"),
        (&["listen", "--events", "payment.*"], "--forward"),
        (&["listen", "--secret", "whsec_AAAA", "--terminal", "7"], "leave out --secret"),
        (&["trigger", "payment.refused"], "tollgate trigger --list"),
        (&["trigger"], "EVENT"),
        (&["trigger", "payment.approved", "--endpoint", "1", "--terminal", "7"], "--terminal"),
        (&["db", "archive"], "--year"),
        (&["db", "archive", "--year", "24"], "four digits, 2000 to 2099"),
        (&["db", "archive", "--year", "2099"], "is not over"),
        (&["payment", "list", "--archived", "2024", "--terminal", "42"], "cannot be used with"),
        (&["events", "show", "msg_1"], "must be a webhook-id"),
        (&["events", "list", "--from", "yesterday"], "2026-01-31T09:00:00Z"),
        (&["events", "list", "--state", "lost"], "pending, delivered, dead"),
        (&["endpoint", "set", "1", "--events", "payments"], "payment.*"),
        (&["endpoint", "set", "1", "--on", "--off"], "cannot be used with"),
        (&["endpoint", "add", "--merchant", "1", "--url", "https://a.test/"], "--events"),
        (&["endpoint", "set", "1", "--description", "a\nb"], "at most 255 printable characters"),
    ] {
        let refused = run(folder.path(), flags);
        assert_eq!(code(&refused), 2, "{flags:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(told), "{flags:?}: {}", stderr(&refused));
    }
    let https = run(folder.path(), &["pay", "--url", "https://pay.example.com"]);
    assert_eq!(code(&https), 2);
    assert!(stderr(&https).contains("plain http only"), "{}", stderr(&https));
}

#[test]
fn wrong_settings_are_named_with_line_and_nearest_key() {
    let folder = folder();
    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, "listen = \"9003\"\n[webhooks]\nallow_privat = true\n").unwrap();
    let expected = "\
error: tollgate.toml line 3: there is no key \"webhooks.allow_privat\"; did you mean \"webhooks.allow_private\"?
error: tollgate.toml line 1: listen must be an address with a port, as 127.0.0.1:9003, not \"9003\"
";
    for command in [&["config", "show"][..], &["serve"], &[], &["terminal", "list"], &["init"]] {
        let output = run(folder.path(), command);
        assert_eq!((code(&output), stderr(&output)), (2, expected), "{command:?}");
        assert!(stdout(&output).is_empty());
    }
    std::fs::remove_file(&file).unwrap();
    let variables = [("TOLLGATE_LISTN", "127.0.0.1:1")];
    let output = run_with(folder.path(), &variables, &["config", "show"]);
    let expected =
        "error: TOLLGATE_LISTN: there is no such variable; did you mean TOLLGATE_LISTEN?\n";
    assert_eq!((code(&output), stderr(&output)), (2, expected));
    let output = run(folder.path(), &["serve", "--database", "mysql://u:secret@h/d"]);
    let expected = "error: --database must be sqlite (the database in the data folder), or a \
                    PostgreSQL address as postgres://user:password@host:5432/database\n";
    assert_eq!((code(&output), stderr(&output)), (2, expected));
}

#[test]
fn a_named_file_must_be_there() {
    let folder = folder();
    let output = run(folder.path(), &["config", "show", "--config", "missing.toml"]);
    assert_eq!(code(&output), 3);
    let expected = "error: cannot read the configuration missing.toml: ";
    assert!(stderr(&output).starts_with(expected), "{}", stderr(&output));
}

#[test]
fn where_a_value_came_from_is_told() {
    let folder = folder();
    std::fs::write(folder.path().join("other.toml"), "\nrole = \"api\"\n").unwrap();
    let variables = [("TOLLGATE_LOG_LEVEL", "debug"), ("TOLLGATE_CONFIG", "other.toml")];
    let output = run_with(folder.path(), &variables, &["config", "show", "--data-dir", "here"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let line = |key: &str| {
        let line = stdout(&output).lines().find(|line| line.starts_with(&format!("{key} ")));
        line.unwrap().split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("role"), "api other.toml line 2");
    assert_eq!(line("log.level"), "debug TOLLGATE_LOG_LEVEL");
    assert_eq!(line("data_dir"), "here --data-dir");
    assert_eq!(line("listen"), "127.0.0.1:9003 default");
    let show = ["config", "show", "--json"];
    let machine = run_with(folder.path(), &variables, &show);
    let first: serde_json::Value =
        serde_json::from_str(stdout(&machine).lines().next().unwrap()).unwrap();
    let expected = serde_json::json!({"key": "listen", "value": "127.0.0.1:9003",
        "from": "default"});
    assert_eq!(first, expected);
}

#[test]
fn init_writes_once_and_never_again() {
    let folder = folder();
    let first = run(folder.path(), &["init"]);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    assert_eq!(
        stdout(&first),
        "wrote the settings tollgate.toml\nwrote the master key ./tollgate-data/master.key\n"
    );
    let data = folder.path().join("tollgate-data");
    let key = data.join("master.key");
    assert_eq!((mode(&data), mode(&key)), (0o700, 0o600));
    let text = std::fs::read_to_string(&key).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (45, true));

    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, "# mine\n").unwrap();
    let second = run(folder.path(), &["init"]);
    assert_eq!(
        stdout(&second),
        "left the settings tollgate.toml as it is\n\
         left the master key ./tollgate-data/master.key as it is\n"
    );
    assert_eq!(code(&second), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), text);
}

#[test]
fn init_remembers_the_folder_it_was_told() {
    let folder = folder();
    let arguments = ["init", "--config", "a.toml", "--data-dir", "store here", "--json"];
    let told = json(&run(folder.path(), &arguments));
    let expected = serde_json::json!({
        "config": {"path": "a.toml", "created": true},
        "master_key": {"path": "store here/master.key", "created": true},
    });
    assert_eq!(told, expected);
    assert!(folder.path().join("store here/master.key").is_file());
    let shown = run(folder.path(), &["config", "show", "--config", "a.toml"]);
    let row = stdout(&shown).lines().find(|line| line.starts_with("data_dir")).unwrap();
    assert!(row.contains("store here") && row.contains("a.toml line "), "{row}");
}

#[test]
fn init_writes_the_file_that_the_environment_names() {
    let folder = folder();
    let variables = [("TOLLGATE_CONFIG", "b.toml"), ("TOLLGATE_DATA_DIR", "data")];
    let output = run_with(folder.path(), &variables, &["init"]);
    let expected = "wrote the settings b.toml\nwrote the master key data/master.key\n";
    assert_eq!((code(&output), stdout(&output)), (0, expected), "{}", stderr(&output));
}

#[test]
fn init_tells_of_a_key_that_others_can_read() {
    let folder = folder();
    assert_eq!(code(&run(folder.path(), &["init"])), 0);
    let key = folder.path().join("tollgate-data/master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(folder.path(), &["init"]);
    let expected = "error: others can read the master key ./tollgate-data/master.key (mode 0644); \
                    run: chmod 600 ./tollgate-data/master.key\n";
    assert_eq!((code(&output), stderr(&output)), (3, expected));
}

#[test]
fn a_gateway_that_is_not_there_is_told() {
    let folder = folder();
    // Bound and let go: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let output = run(folder.path(), &["pay", "--url", &url, "--json"]);
    let expected = format!("error: no answer from {url}: Connection refused (os error 111)\n");
    assert_eq!((code(&output), stderr(&output)), (3, expected.as_str()));
    assert!(stdout(&output).is_empty());
}

#[test]
fn doctor_tells_wrong_settings_and_a_missing_folder() {
    let folder = folder();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let variables = [("TOLLGATE_LISTEN", listen.as_str())];
    let output = run_with(folder.path(), &variables, &["doctor", "--json"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let checks = json(&output);
    assert_eq!(checks["ok"], true);
    let verdict = |name: &str| {
        let all = checks["checks"].as_array().unwrap();
        all.iter().find(|check| check["name"] == name).unwrap()["verdict"].clone()
    };
    assert_eq!(verdict("configuration"), "good");
    assert_eq!(verdict("data folder"), "warning");
    assert_eq!(verdict("listen"), "good");
    assert!(!folder.path().join("tollgate-data").exists(), "it changes nothing");

    let wrong = run_with(folder.path(), &[("TOLLGATE_ROLE", "king")], &["doctor"]);
    assert_eq!(code(&wrong), 1);
    let expected =
        "\u{2718} configuration   TOLLGATE_ROLE must be all, api or worker, not \"king\"\n";
    assert_eq!(stdout(&wrong), expected);
}

#[test]
fn output_that_nobody_reads_is_no_failure() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["completions", "bash"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}
