//! Webhooks at the command line, on a real gateway and with real receivers.

use crate::app::{
    Gateway, On, Received, Shop, command_on, eventually, on_both_databases, request_with,
};
use crate::{code, json, stderr, stdout};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// For what a machine with other work does in a moment.
const PATIENCE: Duration = Duration::from_secs(30);

on_both_databases!(
    deliveries_are_listed_shown_and_sent_again,
    endpoints_are_kept_while_a_gateway_runs,
    samples_are_sent_and_what_came_of_them_is_told,
    what_a_gateway_writes_is_followed_and_passed_on,
);

fn ok(gateway: &Gateway, arguments: &[&str]) -> Output {
    let output = gateway.run(arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
    output
}

/// Refused with this exit code and this word.
fn refused(gateway: &Gateway, arguments: &[&str], exit: i32, word: &str) {
    let output = gateway.run(arguments);
    assert_eq!(code(&output), exit, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
    assert!(stdout(&output).is_empty(), "{arguments:?}: {}", stdout(&output));
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A payment that is decided at once, and told of here.
fn pay(gateway: &Gateway, reference: &str, card: &str, url: &str) -> String {
    let changes = json!({"ccno": card, "webhook_url": url});
    gateway.post(&request_with(reference, changes)).id()
}

const APPROVED: &str = "4012000033330026";
const DECLINED: &str = "4043409999991437";

fn verified(received: &Received, secret: &str) -> bool {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    let mut headers = http::HeaderMap::new();
    for (name, value) in &received.headers {
        headers.insert::<http::HeaderName>(name.parse().unwrap(), value.parse().unwrap());
    }
    webhook.verify(received.body.as_bytes(), &headers).is_ok()
}

/// The address of a receiver that answers with these words, for the rest of the process.
fn speaking(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap();
            let length = length.lines().next().unwrap().parse().unwrap();
            reader.read_exact(&mut vec![0; length]).unwrap();
            let length = words.len();
            write!(stream, "HTTP/1.1 200 x\r\ncontent-length: {length}\r\n\r\n{words}").unwrap();
        }
    });
    url
}

fn deliveries_are_listed_shown_and_sent_again(on: On) {
    let (_parent, data) = on.folder();
    let gateway = Gateway::start(&data);
    let none = ok(&gateway, &["events", "list"]);
    assert!(stderr(&none).contains("tollgate pay") && stdout(&none).is_empty());
    let (gone, well) = (Shop::open(), Shop::open());
    *gone.answers.lock().unwrap() = 410;
    let lost: Vec<String> =
        (0..3).map(|n| pay(&gateway, &format!("gone-{n}"), APPROVED, &gone.url)).collect();
    let heard = pay(&gateway, "well", DECLINED, &well.url);
    well.webhook_of(&heard);
    let list =
        |flags: &[&str]| lines(&ok(&gateway, &[&["events", "list", "--json"], flags].concat()));
    eventually("three dead, one delivered", 30, || {
        list(&["--state", "dead"]).len() == 3 && list(&["--state", "delivered"]).len() == 1
    });

    let all = list(&[]);
    assert_eq!((all.len(), &all[0]["payment"]), (4, &json!(heard)), "the newest first");
    assert_eq!(
        (&all[0]["type"], &all[3]["type"]),
        (&json!("payment.declined"), &json!("payment.approved"))
    );
    for (flags, count) in [
        (&["--payment", &*lost[1]][..], 1),
        (&["--type", "payment.declined"], 1),
        (&["--terminal", "42"], 4),
        (&["--merchant", "1", "--state", "dead"], 3),
        (&["--endpoint", "1"], 0),
        (&["--from", "2020-01-01", "--until", "2020-12-31"], 0),
        (&["--until", all[1]["created_at"].as_str().unwrap()], 2),
        (&["--from", all[1]["created_at"].as_str().unwrap()], 2),
        (&["--limit", "3"], 3),
        (&["--after", all[1]["id"].as_str().unwrap()], 2),
    ] {
        assert_eq!(list(flags).len(), count, "{flags:?}");
    }
    let page = ok(&gateway, &["events", "list", "--limit", "2"]);
    assert!(stderr(&page).contains(&format!("--after {}", all[1]["id"].as_str().unwrap())));
    assert!(stdout(&page).starts_with("ID "), "{}", stdout(&page));
    refused(&gateway, &["events", "list", "--terminal", "7"], 1, "terminal list");
    refused(&gateway, &["events", "list", "--merchant", "7"], 1, "merchant list");
    refused(&gateway, &["events", "show", "msg_417823250426141606_1"], 1, "events list");

    let id = format!("msg_{}_1", lost[0]);
    let shown = json(&ok(&gateway, &["events", "show", &id, "--json"]));
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("dead"), &json!(1)), "{shown}");
    assert_eq!((&shown["log"][0]["status"], &shown["url"]), (&json!(410), &json!(gone.url)));
    assert_eq!(shown["body"], json!(gone.webhook_of(&lost[0]).body));
    let people = ok(&gateway, &["events", "show", &id]);
    assert!(stdout(&people).contains("the receiver is gone for good"), "{}", stdout(&people));

    *gone.answers.lock().unwrap() = 204;
    assert_eq!(json(&ok(&gateway, &["events", "resend", &id, "--json"]))["count"], 1);
    gone.wait_for("the one that was sent again", 30, |list| list.len() == 4);
    let twice = gone.received().into_iter().filter(|one| one.header("webhook-id") == id);
    assert_eq!(twice.count(), 2, "the same webhook-id");
    eventually("it is delivered", 30, || list(&["--state", "dead"]).len() == 2);
    refused(&gateway, &["events", "resend", "msg_417823250426141606_1"], 1, "events list");

    let dry = ok(&gateway, &["events", "replay", "--dry-run"]);
    assert_eq!(stdout(&dry), "2 deliveries to send again\n");
    refused(&gateway, &["events", "replay"], 2, "say --yes");
    refused(&gateway, &["events", "replay", "--state", "delivered", "--yes"], 2, "--from");
    assert_eq!(gone.received().len(), 4, "nothing was sent by these");
    let one = ["events", "replay", "--payment", &*lost[1], "--yes", "--json"];
    assert_eq!(json(&ok(&gateway, &one))["count"], 1);
    eventually("one is left", 30, || list(&["--state", "dead"]).len() == 1);
    let rest = ok(&gateway, &["events", "replay", "--yes"]);
    assert_eq!(stdout(&rest), "1 delivery is sent again\n");
    eventually("all are delivered", 30, || list(&["--state", "delivered"]).len() == 4);
    let log = json(&ok(&gateway, &["events", "show", &id, "--json"]))["log"].clone();
    assert_eq!((&log[0]["status"], &log[1]["status"]), (&json!(410), &json!(204)), "{log}");
    let empty = ok(&gateway, &["events", "replay", "--yes", "--json"]);
    assert_eq!(json(&empty), json!({"count": 0}));
}

fn endpoints_are_kept_while_a_gateway_runs(on: On) {
    let (_parent, data) = on.folder();
    let gateway = Gateway::start(&data);
    let none = ok(&gateway, &["endpoint", "list"]);
    assert!(stderr(&none).contains("tollgate endpoint add") && stdout(&none).is_empty());
    let (shop, own) = (Shop::open(), Shop::open());
    let add = ["endpoint", "add", "--merchant", "1", "--url", &*shop.url];
    let events = ["--events", "payment.approved,refund.*", "--description", "The shop"];
    let added = json(&ok(&gateway, &[&add[..], &events, &["--json"]].concat()));
    assert_eq!((&added["endpoint"], &added["terminal"]), (&json!(1), &Value::Null), "{added}");
    assert_eq!((&added["mode"], &added["state"]), (&json!("test"), &json!("on")));
    assert_eq!(added["events"], json!(["payment.approved", "refund.*"]));
    let secret = added["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let second = ["endpoint", "add", "--merchant", "1", "--url", &*own.url, "--terminal", "42"];
    let people = ok(&gateway, &[&second[..], &["--events", "*"]].concat());
    assert!(stdout(&people).contains("signing secret  whsec_"), "{}", stdout(&people));
    for (flags, exit, word) in [
        (&["--events", "*", "--terminal", "7"][..], 1, "terminal list"),
        (
            &["--events", "*", "--terminal", "42", "--mode", "live"],
            1,
            "a test terminal of merchant 1",
        ),
        (&["--events", "*", "--mode", "live"], 1, "nothing live can be switched on"),
    ] {
        refused(&gateway, &[&add[..], flags].concat(), exit, word);
    }

    let shown = ok(&gateway, &["endpoint", "show", "1"]);
    assert!(stdout(&shown).contains("newest message  none yet"), "{}", stdout(&shown));
    assert!(!stdout(&shown).contains("whsec_"));
    let reveal = json(&ok(&gateway, &["endpoint", "show", "1", "--reveal", "--json"]));
    assert_eq!(reveal["secrets"][0]["secret"], json!(secret));
    let list = lines(&ok(&gateway, &["endpoint", "list", "--json"]));
    assert_eq!((list.len(), list[0].get("secrets")), (2, None));

    let id = pay(&gateway, "first", APPROVED, &own.url);
    let first = shop.webhook_of(&id);
    assert!(verified(&first, &secret), "{first:?}");
    assert_eq!(first.header("webhook-id"), format!("msg_{id}_1_1"));
    let log = lines(&ok(&gateway, &["events", "list", "--endpoint", "1", "--json"]));
    assert_eq!((log.len(), &log[0]["endpoint"]), (1, &json!(1)));

    let rotated = json(&ok(&gateway, &["endpoint", "rotate-secret", "1", "--json"]));
    let newer = rotated["secrets"][0]["secret"].as_str().unwrap();
    assert_eq!(rotated["secrets"][1]["secret"], json!(secret));
    // The gateway looks at its endpoints again in a moment.
    let tries = std::cell::Cell::new(0);
    eventually("both secrets sign", 30, || {
        tries.set(tries.get() + 1);
        let id = pay(&gateway, &format!("rotated-{}", tries.get()), APPROVED, &own.url);
        let next = shop.webhook_of(&id);
        assert!(verified(&next, &secret), "{next:?}");
        verified(&next, newer)
    });

    let off = json(&ok(&gateway, &["endpoint", "set", "1", "--off", "--json"]));
    assert_eq!((&off["state"], &off["why"]), (&json!("off"), &json!("its owner switched it off")));
    let warned = ok(&gateway, &["events", "resend", &format!("msg_{id}_1_1")]);
    assert!(stderr(&warned).contains("tollgate endpoint set 1 --on"), "{}", stderr(&warned));
    let on = ["endpoint", "set", "1", "--on", "--url", &*own.url, "--events", "*", "--json"];
    let on = json(&ok(&gateway, &on));
    assert_eq!((&on["state"], &on["url"]), (&json!("on"), &json!(own.url)), "{on}");
    assert_eq!((&on["events"], &on["description"]), (&json!(["*"]), &json!("The shop")));
    refused(&gateway, &["endpoint", "set", "1"], 2, "--on, --off, --url");
    let removed = json(&ok(&gateway, &["endpoint", "remove", "1", "--json"]));
    assert_eq!(removed["state"], "removed");
    assert_eq!(lines(&ok(&gateway, &["endpoint", "list", "--json"])).len(), 1);
    for flags in
        [&["show", "1"][..], &["set", "1", "--on"], &["rotate-secret", "1"], &["remove", "1"]]
    {
        refused(&gateway, &[&["endpoint"], flags].concat(), 1, "endpoint list");
    }
}

fn samples_are_sent_and_what_came_of_them_is_told(on: On) {
    let (_parent, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let catalogue = lines(&ok(&gateway, &["trigger", "--list", "--json"]));
    assert_eq!((catalogue.len(), &catalogue[1]["type"]), (19, &json!("payment.approved")));
    let people = ok(&gateway, &["trigger", "--list"]);
    assert!(stdout(&people).contains("dispute.opened            samples only  The customer"));

    let add =
        ["endpoint", "add", "--merchant", "1", "--url", &*shop.url, "--events", "*", "--json"];
    let endpoint = json(&ok(&gateway, &add))["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let terminal = json(&ok(&gateway, &["terminal", "show", "42", "--reveal", "--json"]));
    let terminal = terminal["webhook_secrets"][0].as_str().unwrap();
    let to_url = ["trigger", "dispute.opened", "--url", &*shop.url, "--json"];
    let to_endpoint = ["trigger", "dispute.opened", "--endpoint", "1", "--json"];
    for (flags, secret) in [(&to_url[..], terminal), (&to_endpoint, &endpoint)] {
        let sent = json(&ok(&gateway, flags));
        let received = shop.received().pop().unwrap();
        assert!(verified(&received, secret), "{received:?}");
        assert_eq!((&sent["body"], &sent["status"]), (&json!(received.body), &json!(200)));
        for name in ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert_eq!(sent["headers"][name], received.header(name));
        }
        assert_eq!(received.json()["type"], "dispute.opened");
    }
    assert!(lines(&ok(&gateway, &["events", "list", "--json"])).is_empty(), "no log has samples");

    *shop.answers.lock().unwrap() = 500;
    let people = gateway.run(&["trigger", "payment.approved", "--url", &shop.url]);
    assert_eq!((code(&people), stderr(&people)), (1, ""));
    let text = stdout(&people);
    assert!(text.starts_with(&format!("POST {}\n", shop.url)), "{text}");
    assert!(text.contains("webhook-signature:  v1,"), "{text}");
    assert!(text.contains("\u{2718} answered 500 after "), "{text}");
    let hostile = speaking("\u{1b}[2J  no\nway");
    let people = gateway.run(&["trigger", "payment.approved", "--url", &hostile]);
    let text = stdout(&people);
    assert!(text.ends_with(" ms\n  \u{fffd}[2J no way\n"), "{text}");
    let told = json(&ok(&gateway, &["trigger", "payment.approved", "--url", &hostile, "--json"]));
    assert_eq!(told["answer"], "\u{fffd}[2J  no\nway");
    // Bound and let go: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}/");
    let nobody = gateway.run(&["trigger", "payment.approved", "--url", &nobody, "--json"]);
    assert_eq!((code(&nobody), &json(&nobody)["error"]), (1, &json!("could not connect")));
    refused(&gateway, &["trigger", "payment.approved", "--endpoint", "9"], 1, "endpoint list");
    refused(&gateway, &["trigger", "payment.approved", "--terminal", "9"], 1, "terminal list");
    // The way out is guarded as that of real messages.
    let metadata = ["trigger", "payment.approved", "--url", "http://169.254.169.254/", "--json"];
    let metadata = gateway.run(&metadata);
    assert_eq!(
        (code(&metadata), &json(&metadata)["error"]),
        (1, &json!("the address is not allowed"))
    );
}

#[test]
fn a_person_is_asked_before_a_replay() {
    let (_parent, data) = On::Sqlite.folder();
    let gateway = Gateway::start(&data);
    let gone = Shop::open();
    *gone.answers.lock().unwrap() = 410;
    gone.webhook_of(&pay(&gateway, "gone", APPROVED, &gone.url));
    let dry = || stdout(&ok(&gateway, &["events", "replay", "--dry-run"])).to_owned();
    eventually("it is dead", 30, || dry() == "1 delivery to send again\n");
    // `script` makes a terminal.
    let answered = |answer: &str| {
        let line = format!(
            "{} events replay --data-dir {}",
            env!("CARGO_BIN_EXE_tollgate"),
            data.display()
        );
        let mut child = std::process::Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (code(&output), stdout(&output).to_owned())
    };
    let (exit, told) = answered("n\n");
    assert!(told.contains("Send 1 delivery again? [y/N]"), "{told}");
    assert!(exit == 1 && told.contains("nothing is sent again"), "{exit} {told}");
    assert_eq!(gone.received().len(), 1);
    let (exit, told) = answered("y\n");
    assert!(exit == 0 && told.contains("1 of 1 \u{2026}"), "{exit} {told}");
    gone.wait_for("it is sent again", 30, |list| list.len() == 2);
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KEY: (&str, &str) = ("TOLLGATE_PRIVATE_KEY", WRONG_KEY);
/// No terminal has it.
const WRONG_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A gateway that knows one thing: the stream, as the test writes it.
struct FakeGateway {
    url: String,
    requests: mpsc::Receiver<(String, TcpStream)>,
}

impl FakeGateway {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).unwrap() > 2 {}
                if sender.send((head.to_ascii_lowercase(), stream)).is_err() {
                    return;
                }
            }
        });
        Self { url, requests }
    }

    /// The next request's head, in small letters, and the connection to answer it on.
    fn next(&self) -> (String, TcpStream) {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    fn next_stream(&self) -> (String, TcpStream) {
        let (head, mut stream) = self.next();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
            connection: close\r\n\r\n: welcome\n\n";
        stream.write_all(answer.as_bytes()).unwrap();
        (head, stream)
    }
}

/// An event of the stream, signed now.
fn event(cursor: &str, number: u32, event_type: &str, body: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let id = format!("msg_417823250426141606_{number}");
    let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
    let signature = webhook.sign(&id, now, body.as_bytes()).unwrap();
    let data = json!({"id": id, "type": event_type, "url": "https://shop.example/hook",
        "created_at": "2026-01-31T09:00:00.000000Z",
        "headers": {"content-type": "application/json", "webhook-id": id, "host": "evil.example",
            "webhook-timestamp": now.to_string(), "webhook-signature": signature},
        "body": body});
    format!("id: {cursor}\r\nevent: delivery\r\ndata: {data}\r\n\r\n")
}

/// The lines of a program as they come; the channel ends with them.
fn lines_of(program: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(program).lines().map_while(Result::ok);
        lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
    });
    lines
}

/// `tollgate listen` with these variables and flags; its lines are read as they come.
struct Listener {
    child: Child,
    data: mpsc::Receiver<String>,
    talk: mpsc::Receiver<String>,
}

impl Listener {
    fn start(data: &Path, variables: &[(&str, &str)], flags: &[&str]) -> Self {
        let mut command = command_on(data, &[&["listen"], flags].concat());
        command.env_remove("TOLLGATE_PRIVATE_KEY").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let data = lines_of(child.stdout.take().unwrap());
        let talk = lines_of(child.stderr.take().unwrap());
        Self { child, data, talk }
    }

    fn line(&self) -> String {
        let line = self.data.recv_timeout(PATIENCE);
        line.unwrap_or_else(|_| panic!("no line, but: {:?}", self.talk.try_iter().last()))
    }

    fn data(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    fn talk(&self) -> String {
        self.talk.recv_timeout(PATIENCE).unwrap()
    }

    /// How it ended by itself: the exit code, and what it said meanwhile.
    fn end(mut self) -> (i32, String) {
        let mut told = String::new();
        loop {
            match self.talk.recv_timeout(PATIENCE) {
                Ok(line) => told = told + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {told}"),
            }
        }
        (self.child.wait().unwrap().code().unwrap(), told)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ended_by_itself = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn a_stream_is_shown_checked_and_passed_on() {
    let (_parent, data) = On::Sqlite.folder();
    let (gateway, program) = (FakeGateway::start(), Shop::open());
    let flags = ["--gateway", &gateway.url, "--forward", &program.url, "--terminal", "7"];
    let more = ["--json", "--secret", SECRET, "--events", "payment.approved,refund.*"];
    let listener = Listener::start(&data, &[KEY], &[&flags[..], &more].concat());
    let (head, mut stream) = gateway.next_stream();
    assert!(head.starts_with("get /api/v1/webhooks/stream?terno=7 http/1.1\r\n"), "{head}");
    let bearer = format!("authorization: bearer {}\r\n", WRONG_KEY.to_ascii_lowercase());
    assert!(head.contains(&bearer) && !head.contains("last-event-id"), "{head}");
    assert!(listener.talk().contains(&format!("forwarding to {}", program.url)));

    // What is not asked for is not passed on; pieces may be cut anywhere.
    let body = "{\"a\":  \"\u{e9}\\n\"}";
    let unwanted = event("c1", 1, "payment.declined", "{}");
    let wanted = event("c2", 2, "payment.approved", body);
    for piece in format!("{unwanted}: keep-alive\n\n{wanted}").as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
    }
    let told = listener.data();
    assert_eq!(
        (&told["id"], &told["verified"]),
        (&json!("msg_417823250426141606_2"), &json!(true))
    );
    assert_eq!(
        (&told["type"], &told["body"]["a"]),
        (&json!("payment.approved"), &json!("\u{e9}\n"))
    );
    assert_eq!(told["forwarded"]["status"], 200);
    let received = program.received();
    assert_eq!((received.len(), &*received[0].body), (1, body));
    assert!(verified(&received[0], SECRET), "{received:?}");
    assert_eq!(received[0].header("content-type"), "application/json");
    assert!(!received[0].header("host").contains("evil"), "{received:?}");

    // The connection is lost: it goes on behind the last event, and says so.
    drop(stream);
    assert!(listener.talk().contains("was lost: "), "it says so");
    let (head, mut stream) = gateway.next_stream();
    assert!(head.contains("last-event-id: c2\r\n"), "{head}");
    assert!(listener.talk().contains("is open again"));
    *program.answers.lock().unwrap() = 500;
    let tampered = event("c3", 3, "refund.succeeded", "{}").replace("\"{}\"", "\"{ }\"");
    stream.write_all(tampered.as_bytes()).unwrap();
    let told = listener.data();
    assert_eq!((&told["verified"], &told["forwarded"]["status"]), (&json!(false), &json!(500)));
    // Twice in a row without a word: the pauses grow.
    drop(stream);
    assert!(listener.talk().ends_with("again in 1 s"));
    let (_head, mut stream) = gateway.next();
    // Not to be asked again on the same connection, which nobody reads.
    let busy = b"HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(busy).unwrap();
    let told = listener.talk();
    assert!(told.ends_with("it answers 503; again in 2 s"), "{told}");
    // The key stopped being good.
    let (head, mut stream) = gateway.next();
    assert!(head.contains("last-event-id: c3\r\n"), "{head}");
    stream.write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").unwrap();
    let (exit, told) = listener.end();
    assert!(exit == 1 && told.contains("does not take this private key"), "{exit} {told}");
}

#[test]
fn a_stream_that_cannot_open_is_told() {
    let (parent, data) = On::Sqlite.folder();
    let gateway = FakeGateway::start();
    let words = r#"{"error_message": "terNO is no terminal"}"#;
    for (status, exit, told) in [
        (401, 1, "--private-key-file, or as TOLLGATE_PRIVATE_KEY"),
        (403, 1, "it answers 403: terNO is no terminal"),
        (404, 3, "has no stream of webhooks"),
        (400, 3, "it answers 400: terNO is no terminal"),
        (503, 3, "it answers 503"),
        (200, 3, "opens no stream of webhooks: it answers 200"),
    ] {
        let listener = Listener::start(&data, &[KEY], &["--gateway", &gateway.url]);
        let (_head, mut stream) = gateway.next();
        let length = words.len();
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{words}").unwrap();
        let (code, said) = listener.end();
        assert!(code == exit && said.contains(told), "{status}: {code} {said}");
    }
    // Bound and let go: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}");
    let (code, said) = Listener::start(&data, &[KEY], &["--gateway", &nobody]).end();
    assert!(code == 3 && said.contains("Connection refused"), "{code} {said}");
    let (code, said) = Listener::start(&data, &[], &["--gateway", &nobody]).end();
    assert!(code == 3 && said.contains("no private key to open the stream with"), "{said}");
    let file = parent.path().join("terminal.key");
    let flags = ["--gateway", &*gateway.url, "--private-key-file", file.to_str().unwrap()];
    let (code, said) = Listener::start(&data, &[], &flags).end();
    assert!(code == 3 && said.contains("terminal.key"), "{said}");
    std::fs::write(&file, format!("{WRONG_KEY}\n")).unwrap();
    let listener = Listener::start(&data, &[], &flags);
    let (head, stream) = gateway.next_stream();
    assert!(head.contains(&format!("bearer {}\r\n", WRONG_KEY.to_ascii_lowercase())), "{head}");
    drop((listener, stream));
}

#[test]
fn key_and_secrets_come_from_the_data_folder() {
    let (_parent, data) = On::Sqlite.folder();
    let real = Gateway::start(&data);
    let shown = json(&ok(&real, &["terminal", "show", "42", "--reveal", "--json"]));
    let key = shown["private_key"].as_str().unwrap().to_ascii_lowercase();
    let gateway = FakeGateway::start();
    let flags = ["--gateway", &*gateway.url, "--json"];
    let listener = Listener::start(&data, &[], &flags);
    let (head, mut stream) = gateway.next_stream();
    assert!(head.contains(&format!("bearer {key}\r\n")), "{head}");
    // Signed with another secret than the one in the folder; and nothing is passed on.
    stream.write_all(event("c1", 1, "payment.approved", "{}").as_bytes()).unwrap();
    let told = listener.data();
    assert_eq!((&told["verified"], &told["forwarded"]), (&json!(false), &Value::Null), "{told}");
    let unchecked = Listener::start(&data, &[KEY], &flags);
    let (_head, mut stream) = gateway.next_stream();
    stream.write_all(event("c1", 1, "payment.approved", "{}").as_bytes()).unwrap();
    assert_eq!(unchecked.data()["verified"], Value::Null, "that folder may be another gateway's");
}

/// One address for a gateway that is started again at another.
struct Relay {
    url: String,
    target: Arc<Mutex<SocketAddr>>,
}

impl Relay {
    fn to(gateway: &Gateway) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = Arc::new(Mutex::new(gateway.address));
        let asked = Arc::clone(&target);
        std::thread::spawn(move || {
            for inside in listener.incoming().flatten() {
                let Ok(outside) = TcpStream::connect(*asked.lock().unwrap()) else { continue };
                for (from, to) in [(&inside, &outside), (&outside, &inside)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _broken_off = std::io::copy(&mut from, &mut to);
                        let _gone = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { url, target }
    }
}

/// The next two lines, by the names of what they tell of.
fn two(listener: &Listener) -> BTreeMap<String, Value> {
    let lines = [listener.data(), listener.data()];
    lines.into_iter().map(|line| (line["id"].as_str().unwrap().to_owned(), line)).collect()
}

fn what_a_gateway_writes_is_followed_and_passed_on(on: On) {
    let (_parent, data) = on.folder();
    let gateway = Gateway::start(&data);
    let (own, other, program) = (Shop::open(), Shop::open(), Shop::open());
    let add = ["endpoint", "add", "--merchant", "1", "--terminal", "42", "--url", &*other.url];
    ok(&gateway, &[&add[..], &["--events", "payment.*"]].concat());
    let relay = Relay::to(&gateway);
    let flags = ["--gateway", &*relay.url, "--forward", &*program.url, "--json"];
    let listener = Listener::start(&data, &[], &flags);
    assert!(listener.talk().contains("forwarding to "));

    // Both come: to the payment's own address, and to the endpoint, each with its own secret.
    let id = pay(&gateway, "first", APPROVED, &own.url);
    let names = |id: &str| [format!("msg_{id}_1"), format!("msg_{id}_1_1")];
    let told = two(&listener);
    for (name, shop) in names(&id).iter().zip([&own, &other]) {
        let line = &told[name];
        assert_eq!((&line["verified"], &line["url"]), (&json!(true), &json!(shop.url)), "{line}");
        assert_eq!(
            (&line["type"], &line["forwarded"]["status"]),
            (&json!("payment.approved"), &json!(200))
        );
        let passed = program.received();
        let passed = passed.iter().find(|one| one.header("webhook-id") == name).unwrap();
        let sent = shop.webhook_of(&id);
        assert_eq!(
            (&passed.body, passed.header("content-type")),
            (&sent.body, sent.header("content-type"))
        );
    }
    // What is written while the gateway is away from it is told when it is there again; what was
    // told is not told again.
    gateway.stop();
    assert!(listener.talk().contains("was lost: "));
    let gateway = Gateway::start(&data);
    let id = pay(&gateway, "second", DECLINED, &own.url);
    *relay.target.lock().unwrap() = gateway.address;
    let told = two(&listener);
    assert_eq!(told.keys().cloned().collect::<Vec<_>>(), names(&id));
    assert_eq!(program.received().len(), 4);
    while !listener.talk().contains("is open again") {}

    // For people, by the configured address.
    let listen = ("TOLLGATE_LISTEN", &*gateway.address.to_string());
    let people = Listener::start(&data, &[listen], &["--forward", &program.url]);
    assert!(people.talk().contains(&format!("Listening to http://{}", gateway.address)));
    *program.answers.lock().unwrap() = 500;
    let id = pay(&gateway, "third", APPROVED, &own.url);
    assert!(people.line().contains("\u{2714} verified"));
    let lines: Vec<String> = std::iter::repeat_with(|| people.line())
        .take_while(|line| !line.contains("\u{2192} answered 500 after "))
        .collect();
    assert!(lines.iter().any(|line| line.contains(&id)), "{lines:?}");
    kill_process(Pid::from_child(&people.child), Signal::INT).unwrap();
    assert_eq!(people.end(), (0, String::new()));

    // A key that is none, and one that stops being one.
    let wrong = Listener::start(&data, &[KEY], &["--gateway", &gateway.url]);
    let (exit, told) = wrong.end();
    assert!(exit == 1 && told.contains("does not take this private key"), "{exit} {told}");
    assert!(!told.contains(WRONG_KEY), "{told}");
    ok(&gateway, &["terminal", "set", "42", "--active", "false"]);
    let (exit, told) = listener.end();
    assert!(exit == 1 && told.contains("does not take this private key"), "{exit} {told}");
}
