//! The commands on real data, beside a gateway that runs and after it has ended.

use crate::app::{Gateway, PUBLIC_KEY, command, folder, run_on};
use crate::{code, json, stderr, stdout};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// Ends a gateway as an operator does; its exit code.
fn end(mut gateway: Gateway, signal: Signal) -> i32 {
    let pid = Pid::from_child(&gateway.child);
    kill_process(pid, signal).unwrap();
    let began = Instant::now();
    let status = gateway.child.wait().unwrap();
    let log = std::fs::read_to_string(&gateway.log).unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "it took long to end: {log}");
    assert!(!log.contains("was not closed in time"), "{log}");
    status.code().expect("it was ended by the signal, and not by itself")
}

fn told(output: &Output) -> String {
    format!("{}{}", stdout(output), stderr(output))
}

/// `serve` on this data, which must fail.
fn serve(data: &Path, listen: &str) -> Output {
    let mut command = command();
    // A start that should have failed must not hold up the tests for ever.
    let program = command.get_program().to_owned();
    command = std::process::Command::new("timeout");
    command.args(["--signal=KILL", "20"]).arg(program);
    command.args(["serve", "--listen", listen, "--data-dir"]).arg(data).output().unwrap()
}

#[test]
fn both_signals_end_it_well_also_right_after_the_start() {
    for signal in [Signal::INT, Signal::TERM] {
        let (_parent, data) = folder();
        assert_eq!(end(Gateway::start(&data), signal), 0);
        let left = std::fs::read_dir(&data).unwrap().flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert!(!left.iter().any(|name| name.ends_with("-wal")), "not closed: {left:?}");
    }
}

#[test]
fn the_tour_is_as_it_should_be() {
    let (_parent, data) = folder();
    let output = run_on(&data, &["demo", "--fast"]);
    let told = told(&output);
    assert_eq!(code(&output), 0, "{told}");
    assert!(told.contains("All 11 checks were as they should be."), "{told}");
    for text in ["411111XXXXXX1111", "404340XXXXXX1437", "\u{2714} verified", "authstatus"] {
        assert!(told.contains(text), "{text} is missing:\n{told}");
    }
    for secret in ["4111111111111111", "4043409999991437", "whsec_"] {
        assert!(!told.contains(secret), "{secret} is shown:\n{told}");
    }
    assert!(!data.exists(), "the tour has data of its own");
}

#[test]
fn payments_are_made_heard_and_journalled() {
    let (_parent, data) = folder();
    let gateway = Gateway::start(&data);
    let mut listener = command()
        .args(["listen", "--port", "0", "--json", "--data-dir"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = String::new();
    BufReader::new(listener.stderr.take().unwrap()).read_line(&mut talk).unwrap();
    let address = talk.split_whitespace().nth(2).unwrap().trim_end_matches(';').to_owned();

    let flags = ["pay", "--url", &gateway.url, "--json", "--webhook-url", &address];
    let paid = run_on(&data, &[&flags[..], &["--otp", "123456"]].concat());
    assert_eq!(code(&paid), 0, "{}", told(&paid));
    assert!(!told(&paid).contains("4111111111111111"));
    let paid = json(&paid);
    assert_eq!(paid["status"]["order_status"], "25");
    let mut line = String::new();
    BufReader::new(listener.stdout.take().unwrap()).read_line(&mut line).unwrap();
    listener.kill().unwrap();
    listener.wait().unwrap();
    let heard: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&heard["verified"], &heard["why"]), (&json!(true), &Value::Null), "{heard}");
    assert_eq!(heard["body"]["transID"], paid["answer"]["transID"]);

    let frictionless = [&flags[..], &["--card", "4012000033330026"]].concat();
    let frictionless = run_on(&data, &frictionless);
    assert_eq!(
        (code(&frictionless), &json(&frictionless)["answer"]["order_status"]),
        (0, &json!("25"))
    );
    let declined = run_on(&data, &[&flags[..], &["--card", "4043409999991437"]].concat());
    assert_eq!((code(&declined), &json(&declined)["answer"]["order_status"]), (1, &json!("26")));

    let journal = gateway.bank_journal();
    assert_eq!(journal.len(), 3);
    assert_eq!(journal[0]["trans_id"], paid["answer"]["transID"]);
    assert_eq!(journal[0]["amount_minor"], 1111);
    let names: Vec<&str> = journal[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "amount_minor at capture currency kind original our_reference result times_asked \
                    trans_id";
    assert_eq!(names.join(" "), expected);
    assert_eq!(journal[2]["result"], "declined");
}

#[test]
fn terminals_are_kept_while_a_gateway_runs() {
    let (_parent, data) = folder();
    let gateway = Gateway::start(&data);
    let shown = json(&gateway.run(&["terminal", "show", "42", "--json"]));
    assert_eq!((&shown["ter_no"], &shown["mode"]), (&json!(42), &json!("test")));
    assert_eq!(shown["public_key"], PUBLIC_KEY);
    assert_eq!(shown["methods"], json!(["CC", "DC", "NB", "WALLET", "UPICOLLECT", "QRINTENT"]));
    assert!(shown.get("private_key").is_none() && shown.get("webhook_secrets").is_none());
    let revealed = json(&gateway.run(&["terminal", "show", "42", "--json", "--reveal"]));
    assert_eq!(revealed["private_key"].as_str().unwrap().len(), 44);
    assert!(revealed["webhook_secrets"][0].as_str().unwrap().starts_with("whsec_"));

    let live = ["terminal", "add", "--merchant", "1", "--name", "Live", "--mode", "live"];
    let refused = gateway.run(&live);
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("nothing live can be switched on"), "{}", stderr(&refused));

    let merchant = gateway.run(&["merchant", "add", "--name", "Corner Shop", "--json"]);
    assert_eq!(code(&merchant), 0, "{}", told(&merchant));
    let add =
        ["terminal", "add", "--merchant", "2", "--name", "Till", "--currencies", "EUR", "--json"];
    let added = json(&gateway.run(&add));
    assert_eq!((&added["ter_no"], &added["currencies"]), (&json!(43), &json!(["EUR"])));
    let rotated = json(&gateway.run(&["terminal", "rotate-keys", "43", "--json", "--reveal"]));
    assert_ne!(rotated["public_key"], added["public_key"]);
    assert_eq!(rotated["public_keys"][1]["public_key"], added["public_key"]);
    assert_eq!(rotated["webhook_secrets"].as_array().unwrap().len(), 2);
    let list = gateway.run(&["terminal", "list", "--json"]);
    assert_eq!(stdout(&list).lines().count(), 2);

    // The earlier key and the new one are both good at the gateway that runs.
    for key in [&added["public_key"], &rotated["public_key"]] {
        let flags = ["pay", "--url", &gateway.url, "--ter-no", "43", "--currency", "EUR"];
        let paid = gateway.run(&[&flags[..], &["--public-key", key.as_str().unwrap()]].concat());
        assert_eq!(code(&paid), 0, "{}", told(&paid));
    }
    let unknown = gateway.run(&["terminal", "show", "7"]);
    assert_eq!(code(&unknown), 1);
    assert!(stderr(&unknown).contains("terminal list"), "{}", stderr(&unknown));
}

#[test]
fn settings_of_upi_are_set_and_shown() {
    let (_parent, data) = folder();
    let gateway = Gateway::start(&data);
    let shown = |flags: &[&str]| json(&gateway.run(&[&["terminal"], flags, &["--json"]].concat()));
    let names =
        ["upi_collect", "qr_format", "merchant_category_code", "merchant_city", "late_approval"];
    let values = |terminal: &Value| names.map(|name| terminal[name].clone());
    // The demo sends collect requests, so that their page can be seen.
    let defaults = [json!("allow"), json!("upi_link"), json!(null), json!(null)];
    let before = values(&shown(&["show", "42"]));
    assert_eq!((&before[..4], &before[4]), (&defaults[..], &json!("accept")));
    let flags = names.map(|name| format!("--{}", name.replace('_', "-")));
    let words = ["refuse", "bharat_qr", "0742", "M\u{fc}nchen", "reverse"];
    let pairs = flags.iter().zip(words).flat_map(|(flag, word)| [flag, word]).collect::<Vec<_>>();
    shown(&[&["set", "42"], &pairs[..]].concat());
    assert_eq!(values(&shown(&["show", "42"])), words.map(|word| json!(word)));
    // What is not named stays.
    shown(&["set", "42", "--upi-collect", "refuse"]);
    let after = shown(&["show", "42"]);
    assert_eq!((&after["upi_collect"], &after["qr_format"]), (&json!("refuse"), &json!(words[1])));
    for (flag, bad) in flags.iter().zip(["yes", "upi", "54110", "Thiruvananthapuram", "no"]) {
        let refused = gateway.run(&["terminal", "set", "42", flag, bad]);
        assert_eq!(code(&refused), 2, "{flag}");
        assert!(stderr(&refused).contains(flag), "{}", stderr(&refused));
    }
}

#[test]
fn init_then_serve_has_no_demo_and_says_what_to_do() {
    let (parent, data) = folder();
    let settings = parent.path().join("tollgate.toml");
    let settings = settings.to_str().unwrap();
    assert_eq!(code(&run_on(&data, &["init", "--config", settings])), 0);
    let mut child = command()
        .args(["serve", "--listen", "127.0.0.1:0", "--config", settings])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let next = lines.find(|line| line.contains("tollgate merchant add"));
    assert!(next.is_some(), "it does not say what to do next");
    assert!(lines.next().unwrap().contains("tollgate terminal add"));
    let terminals = run_on(&data, &["terminal", "list", "--json"]);
    assert_eq!((code(&terminals), stdout(&terminals)), (0, ""));
    assert_eq!(code(&run_on(&data, &["merchant", "add", "--name", "Corner Shop"])), 0);
    let live = ["terminal", "add", "--merchant", "1", "--name", "Shop", "--mode", "live", "--json"];
    assert_eq!(json(&run_on(&data, &live))["mode"], "live");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_taken_is_told_and_nothing_is_left_behind() {
    let (parent, data) = folder();
    let gateway = Gateway::start(&data);
    for listen in ["127.0.0.1:0".to_owned(), gateway.address.to_string()] {
        let second = serve(&data, &listen);
        assert_eq!(code(&second), 3, "{}", told(&second));
        assert!(stderr(&second).contains("another tollgate serves"), "{}", stderr(&second));
    }
    let other = parent.path().join("other");
    let second = serve(&other, &gateway.address.to_string());
    let expected = format!(
        "error: cannot listen on {}: another program has it; choose another with --listen\n",
        gateway.address
    );
    assert_eq!((code(&second), stderr(&second)), (3, expected.as_str()));
    assert!(!other.exists(), "a start that fails makes nothing");
}

#[test]
fn a_key_that_is_missing_open_or_wrong_is_told_by_all() {
    let (_parent, data) = folder();
    let gateway = Gateway::start(&data);
    let well = gateway.run(&["doctor"]);
    assert_eq!(code(&well), 0, "{}", told(&well));
    assert!(!stdout(&well).contains('\u{2718}'), "{}", stdout(&well));
    assert_eq!(end(gateway, Signal::TERM), 0);
    assert_eq!(code(&run_on(&data, &["doctor"])), 0, "it is well when it is stopped");

    let key = data.join("master.key");
    let right = std::fs::read(&key).unwrap();
    let write = |bytes: &[u8], mode: u32| {
        std::fs::write(&key, bytes).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let all_say = |text: &str| {
        let served = serve(&data, "127.0.0.1:0");
        assert_eq!(code(&served), 3, "{}", told(&served));
        assert!(stderr(&served).contains(text), "{}", stderr(&served));
        let doctor = run_on(&data, &["doctor"]);
        assert_eq!(code(&doctor), 1, "{}", told(&doctor));
        assert_eq!(stdout(&doctor).matches(text).count(), 1, "{}", stdout(&doctor));
    };
    std::fs::remove_file(&key).unwrap();
    all_say("put back the key file it was made with");
    write(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o600);
    all_say("wrong key");
    write(b"junk\n", 0o600);
    all_say("Put back the file that this data folder was made with");
    write(&right, 0o644);
    all_say("chmod 600");
    write(&right, 0o600);
    assert_eq!(end(Gateway::start(&data), Signal::TERM), 0);
}

#[test]
fn variables_of_others_do_not_stop_it() {
    // Kubernetes gives these to every container when a service is called tollgate.
    let (_parent, data) = folder();
    let show = |name: &str| {
        let mut command = command();
        command.args(["config", "show", "--data-dir"]).arg(&data);
        command.env(name, "tcp://10.0.0.1:9003").output().unwrap()
    };
    let others = [
        "TOLLGATE_PORT",
        "TOLLGATE_SERVICE_HOST",
        "TOLLGATE_PORT_9003_TCP_ADDR",
        "TOLLGATE_SPECS",
        "TOLLGATE_BINARY",
    ];
    for name in others {
        let output = show(name);
        assert_eq!(code(&output), 0, "{name}: {}", stderr(&output));
    }
    let output = show("TOLLGATE_LISTN");
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean TOLLGATE_LISTEN?"), "{}", stderr(&output));
}
