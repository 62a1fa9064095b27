//! Card data leaves no trace: a thousand payments with canary numbers go every way there is, and
//! then nothing of them is in any file, log, webhook, page, trace or in the process's memory.

use crate::app::{Gateway, Shop, command, eventually, folder, request_with};
use crate::bank_link::Bank;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The first ten digits of every canary. Masked numbers show six of them, so that ten are a leak.
const PREFIX: &str = "4539887760";

/// A number that no test card has, with a right check digit.
fn canary(number: u32) -> String {
    let body = format!("{PREFIX}{number:05}");
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    let canary = format!("{body}{}", (10 - sum % 10) % 10);
    // First six and last four stand side by side in the database: they must not look like one.
    assert_ne!(canary[12..], PREFIX[6..], "choose another prefix");
    canary
}

fn base64(bytes: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The forms in which a canary could stand somewhere.
fn needles() -> Vec<(String, Vec<u8>)> {
    let hex = PREFIX.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let mut needles = vec![
        ("digits".to_owned(), PREFIX.as_bytes().to_vec()),
        ("blanks".to_owned(), b"4539 8877 60".to_vec()),
        ("dashes".to_owned(), b"4539-8877-60".to_vec()),
        ("hexadecimal".to_owned(), hex.into_bytes()),
        ("UTF-16".to_owned(), PREFIX.bytes().flat_map(|byte| [byte, 0]).collect()),
        ("reversed".to_owned(), PREFIX.bytes().rev().collect()),
    ];
    // Whatever stands before the number, one of three alignments shows these characters.
    for skip in 0..3 {
        let whole = PREFIX[skip..].len() / 3 * 3;
        needles.push((
            format!("base64 from {skip}"),
            base64(&PREFIX[skip..skip + whole]).into_bytes(),
        ));
    }
    for (name, code) in
        [("JSON", "\"ccvv\":\"739\""), ("form", "ccvv=739"), ("JSON 4", "\"ccvv\":\"7391\"")]
    {
        needles.push((format!("security code as {name}"), code.as_bytes().to_vec()));
    }
    needles
}

fn search(place: &str, bytes: &[u8], found: &mut Vec<String>) {
    for (form, needle) in needles() {
        if let Some(at) = memchr::memmem::find(bytes, &needle) {
            let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
            found.push(format!("{place}: {form} … {}", String::from_utf8_lossy(around)));
        }
    }
}

fn search_folder(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search_folder(&path, found);
        } else {
            search(&path.display().to_string(), &std::fs::read(&path).unwrap(), found);
        }
    }
}

/// All that came back to us, to be searched.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn keep(&mut self, answer: crate::app::Answer) -> crate::app::Answer {
        writeln!(self.0, "{answer:?}").unwrap();
        answer
    }
}

fn one_way(gateway: &Gateway, seen: &mut Seen, number: u32, shop: &str, hasty: &Value) {
    let changes = json!({"ccno": canary(number), "ccvv": "739", "webhook_url": shop});
    let body = request_with(&format!("canary {number}"), changes);
    let json = [("content-type", "application/json")];
    let post = |body: &Value| gateway.send("POST", "/api/s2s", &json, &body.to_string());
    let page = |id: &str| Gateway::page(id);
    match number % 10 {
        // Refused: other things are wrong with it.
        0 => {
            let mut body = body;
            body["month"] = json!("13");
            body["bill_amt"] = json!("-1");
            seen.keep(post(&body));
        }
        // Refused: the body is broken after the card, or names it twice.
        1 => {
            let text = body.to_string();
            seen.keep(gateway.send("POST", "/api/s2s", &json, &text[..text.len() - 1]));
            seen.keep(gateway.send("POST", "/api/s2s", &json, &format!("{text}{text}")));
            let twice = text.replacen('{', &format!("{{\"ccno\":\"{}\",", canary(number)), 1);
            seen.keep(gateway.send("POST", "/api/s2s", &json, &twice));
        }
        // In the address, where it must not be.
        2 => {
            let query = format!("/api/s2s?ccno={}&ccvv=739", canary(number));
            seen.keep(gateway.send("GET", &query, &[], ""));
            seen.keep(gateway.send("POST", &query, &json, "{}"));
        }
        // Expired.
        3 => {
            let mut body = body;
            body["terNO"] = hasty["ter_no"].clone();
            body["public_key"] = hasty["public_key"].clone();
            seen.keep(post(&body));
        }
        // Cancelled.
        4 => {
            let id = seen.keep(post(&body)).id();
            seen.keep(gateway.form(&page(&id), "cancel=1"));
        }
        // Declined after three wrong codes.
        5 => {
            let id = seen.keep(post(&body)).id();
            for _wrong in 0..3 {
                seen.keep(gateway.form(&page(&id), "otp=000000"));
                seen.keep(gateway.get(&page(&id)));
            }
        }
        // Replayed, and used again with another amount.
        6 => {
            seen.keep(post(&body));
            seen.keep(post(&body));
            let mut other = body;
            other["bill_amt"] = json!("1.00");
            seen.keep(post(&other));
        }
        // By form, and with escapes.
        7 => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in body.as_object().unwrap() {
                form.append_pair(name, value.as_str().unwrap_or("42"));
            }
            let id = seen.keep(gateway.form("/api/s2s", &form.finish())).id();
            seen.keep(gateway.form(&page(&id), "otp=123456"));
        }
        8 => {
            let escaped = canary(number).replacen('4', "\\u0034", 1);
            let text = body.to_string().replace(&canary(number), &escaped);
            let id = seen.keep(gateway.send("POST", "/api/s2s", &json, &text)).id();
            seen.keep(gateway.form(&page(&id), "otp=123456"));
        }
        // Approved.
        _ => {
            let id = seen.keep(post(&body)).id();
            seen.keep(gateway.get(&page(&id)));
            seen.keep(gateway.form(&page(&id), "otp=123456"));
            seen.keep(gateway.get(&format!("/api/authurl/{id}/result")));
            seen.keep(gateway.get(&format!("/api/authurl/s2s/{id}")));
        }
    }
}

fn core_dump(pid: u32, folder: &Path) -> Vec<u8> {
    let prefix = folder.join("core");
    let pid = pid.to_string();
    let output = Command::new("gcore").arg("-o").arg(&prefix).arg(&pid).output().unwrap();
    let core = folder.join(format!("core.{pid}"));
    let dump = std::fs::read(&core).unwrap_or_else(|error| {
        panic!(
            "no core dump ({error}); gcore needs root: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    std::fs::remove_file(&core).unwrap();
    dump
}

fn search_memory(what: &str, pid: u32, folder: &Path, known: &[u8], found: &mut Vec<String>) {
    let core = core_dump(pid, folder);
    let holds = memchr::memmem::find(&core, known).is_some();
    assert!(core.len() > 5_000_000 && holds, "this is no dump of the {what}");
    search(&format!("core dump of the {what}"), &core, found);
}

/// So many canaries go every way there is; then everything is searched.
fn leave_no_trace(count: u32, bank: Option<&Bank>) {
    let (folder, data) = folder();
    let url = bank.map_or(String::new(), |bank| format!("http://{}", bank.address));
    let variables = [("TOLLGATE_LOG_LEVEL", "trace"), ("TOLLGATE_SANDBOX_BANK", &*url)];
    let gateway = Gateway::start_with(&data, &variables);
    let shop = Shop::open();
    let added =
        ["terminal", "add", "--merchant", "1", "--name", "hasty", "--expires-after", "2", "--json"];
    let hasty: Value = serde_json::from_slice(&gateway.run(&added).stdout).unwrap();
    let mut seen = Seen::default();
    for number in 0..count {
        one_way(&gateway, &mut seen, number, &shop.url, &hasty);
    }
    // A tenth each were expired, cancelled, declined, and three were approved; all that is told.
    let told = usize::try_from(count).unwrap() / 10 * 6;
    shop.wait_for("webhooks", 60, |list| list.len() >= told);
    eventually("the log tells of the way", 5, || {
        std::fs::read_to_string(&gateway.log).unwrap().contains("answered")
    });
    let mut found = Vec::new();
    search_memory("gateway", gateway.child.id(), folder.path(), b"Demo Shop", &mut found);
    if let Some(bank) = bank {
        assert!(bank.journal().len() >= told / 2, "the bank was asked");
        search_memory("bank", bank.child.id(), folder.path(), b"Sandbox Bank", &mut found);
        search_folder(bank.books.parent().unwrap(), &mut found);
    }
    search_folder(folder.path(), &mut found);
    search("answers and pages", seen.0.as_bytes(), &mut found);
    search("webhooks", format!("{:?}", shop.received()).as_bytes(), &mut found);
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
    // The process wrote no dump of its own and lets nobody look: a crash shows no card.
    assert!(gateway.get("/healthz").status == 200);
}

#[test]
fn long_a_thousand_canaries_leave_no_trace() {
    leave_no_trace(1000, None);
}

/// Over loopback the card travels in a body that both ends wipe.
#[test]
fn canaries_leave_no_trace_on_the_way_to_a_bank_of_its_own() {
    leave_no_trace(100, Some(&Bank::start()));
}

#[test]
fn the_search_finds_what_is_there() {
    let number = canary(7);
    for text in [
        number.clone(),
        format!("{} {} {}", &number[..4], &number[4..8], &number[8..]),
        format!("{}-{}-{}", &number[..4], &number[4..8], &number[8..]),
        format!("x{}", base64(&format!("ab{number}"))),
        format!("x{}", base64(&format!("a{number}"))),
        format!("x{}", base64(&number)),
        number.chars().rev().collect(),
    ] {
        let mut found = Vec::new();
        search("here", format!("before {text} after").as_bytes(), &mut found);
        assert!(!found.is_empty(), "{text}");
    }
    let mut found = Vec::new();
    search("here", b"453988XXXXXX7760 45398 877", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_aborted_process_leaves_no_core() {
    let (folder, data) = folder();
    let mut gateway = Gateway::start(&data);
    let pid = rustix::process::Pid::from_child(&gateway.child);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    gateway.child.wait().unwrap();
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("core")), "{left:?}");
    assert!(command().arg("version").output().unwrap().status.success());
}
