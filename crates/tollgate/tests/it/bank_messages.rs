//! What a bank sends of its own accord: `tollgate bank serve --notify` and the gateway that hears
//! of it, the table of what others may send under its name, crashes between keeping and handling,
//! and card data that is in a message.

use crate::app::{
    Gateway, On, command_on, eventually, exchange, folder, on_both_databases, request_with,
};
use crate::bank_link::Bank;
use crate::crash_points::ended;
use connectors::standard_webhooks::Secret;
use domain::secret::SecretText;
use domain::time::Timestamp;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

on_both_databases!(
    what_is_approved_at_the_bank_is_known_at_once,
    without_notices_the_schedule_tells,
    only_what_is_genuine_is_kept_and_nothing_is_a_500,
    what_was_kept_before_a_crash_is_handled_after_it,
    card_data_in_a_message_stays_out_of_the_gateway,
);

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PATH: &str = "/inbound/sandbox";

/// An address in front of gateways that come and go, for a bank that knows one address.
struct Relay {
    address: SocketAddr,
    gateway: Arc<Mutex<Option<SocketAddr>>>,
}

impl Relay {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gateway = Arc::new(Mutex::new(None));
        let target = Arc::clone(&gateway);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(target) = *target.lock().unwrap() {
                    std::thread::spawn(move || pass(stream, target));
                }
            }
        });
        Self { address, gateway }
    }
}

/// Both ways, until either side has enough.
fn pass(client: TcpStream, target: SocketAddr) -> Option<()> {
    let server = TcpStream::connect(target).ok()?;
    let (mut asks, mut hears) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || {
        let _closed = std::io::copy(&mut asks, &mut hears);
        let _closed = hears.shutdown(Shutdown::Write);
    });
    let (mut answers, mut reads) = (server, client);
    let _closed = std::io::copy(&mut answers, &mut reads);
    reads.shutdown(Shutdown::Both).ok()
}

/// A bank of its own process, and where a gateway finds it.
struct Town {
    bank: Bank,
    url: String,
    relay: Relay,
}

impl Town {
    /// With a bank that tells, or with one that does not.
    fn build(tells: bool) -> Self {
        let relay = Relay::open();
        let notify = format!("http://{}{PATH}", relay.address);
        let bank = if tells {
            let secret = ("TOLLGATE_SANDBOX_BANK_NOTICE_SECRET", SECRET);
            Bank::start_with(&["--notify", &notify], &[secret])
        } else {
            Bank::start()
        };
        let url = format!("http://{}", bank.address);
        Self { bank, url, relay }
    }

    fn open(&self, data: &Path, more: &[(&str, &str)]) -> Gateway {
        let mut variables = vec![
            ("TOLLGATE_LOG_LEVEL", "trace"),
            ("TOLLGATE_SANDBOX_BANK", &*self.url),
            ("TOLLGATE_SANDBOX_BANK_NOTICE_SECRET", SECRET),
        ];
        variables.extend(more);
        let gateway = Gateway::start_with(data, &variables);
        *self.relay.gateway.lock().unwrap() = Some(gateway.address);
        gateway
    }

    /// What `tollgate bank messages --json` prints with these arguments.
    fn messages_with(&self, data: &Path, arguments: &[&str]) -> Vec<Value> {
        let all = [&["bank", "messages", "--json"], arguments].concat();
        let output = command_on(data, &all).env("TOLLGATE_SANDBOX_BANK", &self.url).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(&self, data: &Path) -> Vec<Value> {
        self.messages_with(data, &[])
    }

    /// The message with this id.
    fn message(&self, data: &Path, id: &str) -> Value {
        let all = self.messages(data);
        let found = all.iter().find(|message| message["message"] == id);
        found.unwrap_or_else(|| panic!("no {id}: {all:?}")).clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "the gateway judges by the machine's clock")]
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

type Headers = Vec<(&'static str, String)>;

fn signed_at(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Headers {
    let secret = Secret::parse(&SecretText::new(secret.to_owned())).unwrap();
    secret.headers(id, Timestamp::from_micros(seconds * 1_000_000), body).to_vec()
}

fn signed(id: &str, body: &[u8]) -> Headers {
    signed_at(SECRET, id, now(), body)
}

/// The answer's status; none when the connection ended without one.
fn send(address: SocketAddr, path: &str, headers: &Headers, body: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
         content-length: {length}\r\n\r\n"
    );
    // Who is refused early may find the connection closed while it still writes.
    let _closed = stream.write_all(&[head.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let _closed = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok())
}

/// A collect request that waits for its customer.
fn collect(gateway: &Gateway, reference: &str) -> String {
    let changes = json!({"ccno": null, "ccvv": null, "month": null, "year": null,
                         "bill_currency": "INR", "mop": "UPICOLLECT", "upi_address": "a@bank"});
    gateway.post(&request_with(reference, changes)).id()
}

/// The customer approves it in the app.
fn approve(gateway: &Gateway, id: &str) {
    gateway.form(&format!("/sandbox-bank/{id}-1"), "decision=approve");
}

fn is_approved(gateway: &Gateway, id: &str) -> bool {
    gateway.status(id)["order_status"] == "25"
}

fn what_is_approved_at_the_bank_is_known_at_once(on: On) {
    let town = Town::build(true);
    let (_folder, data) = on.folder();
    let gateway = town.open(&data, &[]);
    // By the schedule none is known within ten seconds. A busy machine may be late with some.
    let mut soonest = Duration::MAX;
    for number in 0..5 {
        let id = collect(&gateway, &format!("told {number}"));
        let began = Instant::now();
        approve(&gateway, &id);
        eventually("the approval", 30, || is_approved(&gateway, &id));
        soonest = soonest.min(began.elapsed());
        let about = |message: &&Value| message["our_reference"] == format!("{id}-1");
        eventually("the message", 30, || {
            town.messages(&data).iter().find(about).is_some_and(|one| one["heard"].is_string())
        });
        if soonest < Duration::from_secs(2) {
            break;
        }
    }
    assert!(soonest < Duration::from_secs(2), "{soonest:?}");
    // What was out while the bank told is told again.
    let id = collect(&gateway, "out");
    *town.relay.gateway.lock().unwrap() = None;
    approve(&gateway, &id);
    gateway.stop();
    let gateway = town.open(&data, &[]);
    eventually("the approval", 30, || is_approved(&gateway, &id));
    assert_eq!(town.bank.journal().iter().filter(|line| line["trans_id"] == *id).count(), 1);
}

fn without_notices_the_schedule_tells(on: On) {
    let town = Town::build(false);
    let (_folder, data) = on.folder();
    let gateway = town.open(&data, &[("TOLLGATE_SANDBOX_BANK_NOTICE_SECRET", "")]);
    let began = Instant::now();
    let id = collect(&gateway, "asked");
    approve(&gateway, &id);
    eventually("the approval", 60, || is_approved(&gateway, &id));
    // The schedule's first look is after ten seconds.
    assert!(began.elapsed() > Duration::from_secs(8), "who told? {:?}", began.elapsed());
    assert!(town.messages(&data).is_empty());
    // Nobody has agreed on a secret, so nothing is there.
    assert_eq!(send(gateway.address, PATH, &signed("msg_1", b"{}"), b"{}"), Some(404));
}

/// What is refused, and with which status.
fn refused(body: &[u8]) -> Vec<(&'static str, Headers, Vec<u8>, u16)> {
    let good = signed("msg_bad", body);
    let with = |name: &'static str, value: String| -> Headers {
        let mut headers = good.clone();
        headers.retain(|(other, _value)| *other != name);
        headers.push((name, value));
        headers
    };
    let signature = good[2].1.clone();
    let mut twice = good.clone();
    twice.push(good[2].clone());
    let own = |what, headers| (what, headers, body.to_vec(), 401);
    vec![
        own("no headers", Vec::new()),
        own("no id", good[1..].to_vec()),
        own("no signature", good[..2].to_vec()),
        own("another secret", signed_at(OTHER, "msg_bad", now(), body)),
        own("a truncated signature", with("webhook-signature", signature[..20].to_owned())),
        own("a header twice", twice),
        own("another id", with("webhook-id", "msg_other".to_owned())),
        own("an old one", signed_at(SECRET, "msg_bad", now() - 400, body)),
        own("one of the future", signed_at(SECRET, "msg_bad", now() + 400, body)),
        ("another body", good.clone(), b"{\"our_reference\":null} ".to_vec(), 401),
        ("binary and not signed", good, b"\xff\xfe\x00\x01".to_vec(), 401),
        ("binary", signed("msg_bad", b"\xff\xfe\x00\x01"), b"\xff\xfe\x00\x01".to_vec(), 400),
        ("no JSON", signed("msg_bad", b"paid"), b"paid".to_vec(), 400),
    ]
}

fn only_what_is_genuine_is_kept_and_nothing_is_a_500(on: On) {
    let town = Town::build(false);
    let (_folder, data) = on.folder();
    let gateway = town.open(&data, &[]);
    let id = collect(&gateway, "table");
    let body = format!("{{\"our_reference\":\"{id}-1\"}}").into_bytes();
    for (what, headers, body, status) in refused(&body) {
        assert_eq!(send(gateway.address, PATH, &headers, &body), Some(status), "{what}");
    }
    let headers = signed("msg_bad", &body);
    assert_eq!(send(gateway.address, "/inbound/adyen", &headers, &body), Some(404));
    assert_eq!(gateway.get(PATH).status, 405);
    let large = vec![b' '; 1024 * 1024];
    let signed_large = signed("msg_large", &large);
    // The answer may be lost with the connection, which is not read to its end.
    let answers = || send(gateway.address, PATH, &signed_large, &large);
    let answer = (0..20).find_map(|_try| answers()).unwrap();
    assert_eq!(answer, 413);
    assert!(town.messages(&data).is_empty(), "{:?}", town.messages(&data));

    let post = |id: &str, body: &[u8]| send(gateway.address, PATH, &signed(id, body), body);
    let handled = |id: &str, heard: &str| {
        eventually(id, 30, || town.message(&data, id)["heard"] == heard);
    };
    // Before the customer does anything, with another signature beside the right one.
    let mut two = signed("msg_early", &body);
    let other = signed_at(OTHER, "msg_early", now(), &body)[2].1.clone();
    two[2].1 = format!("{other} {}", two[2].1);
    assert_eq!(send(gateway.address, PATH, &two, &body), Some(200));
    handled("msg_early", "asked");
    assert_eq!(gateway.status(&id)["order_status"], "0", "a notice decides nothing");
    approve(&gateway, &id);
    assert_eq!(post("msg_paid", &body), Some(200));
    eventually("the approval", 30, || is_approved(&gateway, &id));
    handled("msg_paid", "asked");
    // Too late, of somebody else, of nobody.
    assert_eq!(post("msg_late", &body), Some(200));
    handled("msg_late", "nothing_to_ask");
    assert_eq!(post("msg_foreign", br#"{"our_reference":"417823250426141606-1"}"#), Some(200));
    handled("msg_foreign", "unknown");
    assert_eq!(post("msg_nobody", br#"{"hello":true}"#), Some(200));
    handled("msg_nobody", "unknown");

    // Again, and something else under the same id.
    assert_eq!(post("msg_paid", &body), Some(200));
    let before = town.message(&data, "msg_paid");
    assert_eq!((&before["times_seen"], &before["suspicious"]), (&json!(2), &json!(false)));
    assert_eq!(post("msg_paid", b"{\"our_reference\":null}"), Some(409));
    let after = town.message(&data, "msg_paid");
    assert_eq!((&after["suspicious"], &after["body"]), (&json!(true), &before["body"]));
    assert_eq!(after["other_body"], "{\"our_reference\":null}");
    assert_eq!(after["handled_at"], before["handled_at"]);
    listed(&town, &data);
    let verified = gateway.run(&["verify", "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// The operator's list of the five messages, in pages and without those that are known.
fn listed(town: &Town, data: &Path) {
    let ids = |list: &[Value]| -> Vec<String> {
        list.iter().map(|one| one["message"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&town.messages(data));
    assert_eq!(all, ["msg_nobody", "msg_foreign", "msg_late", "msg_paid", "msg_early"]);
    assert_eq!(ids(&town.messages_with(data, &["--unknown"])), ["msg_nobody", "msg_foreign"]);
    let first = town.messages_with(data, &["--limit", "3"]);
    assert_eq!(ids(&first), all[..3]);
    let place = first[2]["place"].as_str().unwrap();
    assert_eq!(ids(&town.messages_with(data, &["--before", place])), all[3..]);
}

fn what_was_kept_before_a_crash_is_handled_after_it(on: On) {
    let town = Town::build(false);
    for (point, status) in [("inbound.kept", None), ("inbound.followed", Some(200))] {
        let (_folder, data) = on.folder();
        let crash = format!("{point}:0");
        let mut gateway = town.open(&data, &[("TOLLGATE_CRASH_AT", &crash)]);
        let id = collect(&gateway, point);
        approve(&gateway, &id);
        let body = format!("{{\"our_reference\":\"{id}-1\"}}").into_bytes();
        let message =
            |gateway: &Gateway| send(gateway.address, PATH, &signed("msg_1", &body), &body);
        assert!([None, status].contains(&message(&gateway)), "{point}");
        assert!(ended(&mut gateway, Duration::from_secs(30)), "{point}");
        gateway.kill();
        let kept = town.message(&data, "msg_1");
        assert_eq!((&kept["heard"], &kept["times_seen"]), (&json!(null), &json!(1)), "{point}");

        let gateway = town.open(&data, &[]);
        eventually("the approval", 60, || is_approved(&gateway, &id));
        eventually("the handling", 60, || town.message(&data, "msg_1")["heard"].is_string());
        // The bank did not hear an answer, and sends it again.
        let handled = town.message(&data, "msg_1");
        assert_eq!(message(&gateway), Some(200), "{point}");
        let again = town.message(&data, "msg_1");
        assert_eq!(again["times_seen"], 2, "{point}");
        assert_eq!(again["handled_at"], handled["handled_at"], "{point}");
        let journal = town.bank.journal();
        assert_eq!(journal.iter().filter(|line| line["trans_id"] == *id).count(), 1, "{point}");
    }
}

/// A number that no other test has, with a right check digit.
const CANARY: &str = "4929350000017656";

fn card_data_in_a_message_stays_out_of_the_gateway(on: On) {
    let town = Town::build(false);
    let (_folder, data) = on.folder();
    let gateway = town.open(&data, &[]);
    let told = |note: &str| {
        format!("{{\"note\":\"{note}\",\"pan\":\"{CANARY}\",\"cvv\":\"7391\"}}").into_bytes()
    };
    for (id, note, status) in [("msg_1", "a", 200), ("msg_1", "b", 409), ("msg_2", "c", 200)] {
        let body = told(note);
        assert_eq!(send(gateway.address, PATH, &signed(id, &body), &body), Some(status));
    }
    // Of somebody else, and in a form that nobody reads.
    let forged = told("d");
    let headers = signed_at(OTHER, "msg_3", now(), &forged);
    assert_eq!(send(gateway.address, PATH, &headers, &forged), Some(401));
    let broken = [b"x", &*forged].concat();
    assert_eq!(send(gateway.address, PATH, &signed("msg_4", &broken), &broken), Some(400));
    eventually("the handling", 30, || {
        town.messages(&data).iter().all(|message| message["heard"].is_string())
    });
    let shown = serde_json::to_string(&town.messages(&data)).unwrap();
    assert_eq!(shown.matches("XXXXXXXXXXXX7656").count(), 3, "{shown}");
    let log = gateway.log.clone();
    gateway.stop();
    let mut files = vec![("the list".to_owned(), shown.into_bytes())];
    files.push(("the log".to_owned(), std::fs::read(log).unwrap()));
    for entry in std::fs::read_dir(&data).unwrap().flatten().filter(|one| one.path().is_file()) {
        files.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
    }
    for (name, bytes) in files {
        for needle in [&CANARY.as_bytes()[..12], b"\"7391\"", b"\\\"7391\\\""] {
            let found = memchr::memmem::find(&bytes, needle);
            assert_eq!(found, None, "{} in {name}", String::from_utf8_lossy(needle));
        }
    }
}

#[test]
fn messages_are_kept_for_thirty_days() {
    let town = Town::build(false);
    let (_folder, data) = folder();
    town.open(&data, &[]).stop();
    let days = |days: i64| (now() - days * 86_400) * 1_000_000;
    let connection = rusqlite::Connection::open(data.join("tollgate.db")).unwrap();
    let rows = [("msg_31", 31, true), ("msg_29", 29, true), ("msg_waits", 31, false)];
    for (id, age, is_handled) in rows {
        let handled = is_handled.then(|| days(age));
        let heard = is_handled.then_some("unknown");
        connection
            .execute(
                "INSERT INTO bank_messages (connector, message, received_at, digest, body, \
                 times_seen, handled_at, heard) VALUES ('sandbox', ?1, ?2, zeroblob(32), '{}', 1, \
                 ?3, ?4)",
                (id, days(age), handled, heard),
            )
            .unwrap();
    }
    drop(connection);
    let _gateway = town.open(&data, &[]);
    let left = || -> Vec<(String, bool)> {
        let of = |one: &Value| (one["message"].to_string(), one["heard"] == "unknown");
        town.messages(&data).iter().map(of).collect()
    };
    let one = |id: &str| (format!("\"{id}\""), true);
    // What waited is handled before its age counts; the next look is an hour later.
    eventually("the forgetting", 30, || {
        let left = left();
        left == [one("msg_29"), one("msg_waits")] || left == [one("msg_29")]
    });
}

#[test]
fn a_bank_tells_only_with_a_secret() {
    let (_folder, data) = folder();
    let arguments = ["bank", "serve", "--listen", "127.0.0.1:0", "--notify", "http://127.0.0.1:9"];
    let output = command_on(&data, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("sandbox_bank_notice_secret"), "{told}");
    let wrong = ("TOLLGATE_SANDBOX_BANK_NOTICE_SECRET", "whsec_dG9vLXNob3J0");
    let output = command_on(&data, &arguments).envs([wrong]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("24 to 64 bytes") && !told.contains("dG9v"), "{told}");
    // A bank at the wrong address does not start to guess either.
    let bank = Bank::start();
    assert_eq!(exchange(bank.address, "POST", PATH, &[], "{}").unwrap().status, 404);
}
