//! What a connector makes of a bank's broken answers: every corruption, on every kind of call, by
//! the remote sandbox through the fault proxy. What cannot be told for sure is unknown; nothing is
//! read as declined or approved without proof, and nothing is sent twice.

use crate::bank_link::Bank;
use connectors::{Patience, RemoteSandbox};
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::id::PaymentId;
use domain::money::Money;
use domain::outcome::{Lookup, Outcome};
use domain::terminal::Capture;
use domain::time::Timestamp;
use engine::ports::{AuthorisationRequest, Connector, FollowUpRequest, OpenCard};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use testkit::fault_proxy::{Fault, FaultProxy};

const PATIENCE: Patience =
    Patience { connect: Duration::from_millis(300), whole: Duration::from_millis(700) };

/// The answer with another head or body; its length is put right.
fn with(answer: &[u8], change: impl Fn(String, String) -> (String, String)) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let old = format!("content-length: {}", body.len());
    let (head, body) = change(head.to_owned(), body.to_owned());
    let new = format!("content-length: {}", body.len());
    assert!(head.contains(&old), "{head}");
    format!("{}\r\n\r\n{body}", head.replace(&old, &new)).into_bytes()
}

fn with_body(answer: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    with(answer, |head, body| (head, change(body)))
}

fn with_head(answer: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    format!("{}\r\n\r\n{body}", change(head.to_owned())).into_bytes()
}

fn with_status(answer: &[u8], status: &str) -> Vec<u8> {
    with_head(answer, |head| head.replace("200 OK", status))
}

/// The header's line changed; of `content-length`, its number.
fn length(answer: &[u8], change: impl Fn(usize) -> String) -> Vec<u8> {
    with_head(answer, |head| {
        let lines = head.split("\r\n").map(|line| match line.strip_prefix("content-length: ") {
            Some(length) => change(length.parse().unwrap()),
            None => line.to_owned(),
        });
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\r\n")
    })
}

fn only_head(answer: &[u8]) -> Vec<u8> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    answer[..end + 4].to_vec()
}

const fn reset(bytes: usize) -> Fault {
    Fault::HalfAnswer { bytes, reset: true }
}

const fn half(bytes: usize) -> Fault {
    Fault::HalfAnswer { bytes, reset: false }
}

/// Every corruption; the bank did what it was asked in all of them.
fn corruptions() -> Vec<(&'static str, Fault)> {
    vec![
        ("not a byte", Fault::CutAfter { reset: false }),
        ("not a byte, reset", Fault::CutAfter { reset: true }),
        ("half a status line", half(7)),
        ("half a head", half(40)),
        ("half a head, reset", reset(40)),
        ("half a body", Fault::Rewrite(|a| a[..a.len() - 9].to_vec())),
        ("all but the last byte", Fault::Rewrite(|a| a[..a.len() - 1].to_vec())),
        ("half a body, reset", reset(120)),
        ("only a head", Fault::Rewrite(only_head)),
        (
            "length too large",
            Fault::Rewrite(|a| length(a, |n| format!("content-length: {}", n + 1))),
        ),
        (
            "length too small",
            Fault::Rewrite(|a| length(a, |n| format!("content-length: {}", n - 1))),
        ),
        (
            "two lengths",
            Fault::Rewrite(|a| {
                length(a, |n| format!("content-length: {n}\r\ncontent-length: {}", n + 1))
            }),
        ),
        ("no length", Fault::Rewrite(|a| length(a, |_| String::new()))),
        ("a length in words", Fault::Rewrite(|a| length(a, |_| "content-length: all".to_owned()))),
        (
            "endless chunks",
            Fault::Rewrite(|a| length(a, |_| "transfer-encoding: chunked".to_owned())),
        ),
        ("HTTP 201", Fault::Rewrite(|a| with_status(a, "201 Created"))),
        ("HTTP 202", Fault::Rewrite(|a| with_status(a, "202 Accepted"))),
        (
            "a redirect",
            Fault::Rewrite(|a| with_status(a, "302 Found\r\nlocation: http://127.0.0.1:1/")),
        ),
        ("HTTP 400", Fault::Rewrite(|a| with_status(a, "400 Bad Request"))),
        ("HTTP 401", Fault::Rewrite(|a| with_status(a, "401 Unauthorized"))),
        ("HTTP 402", Fault::Rewrite(|a| with_status(a, "402 Payment Required"))),
        ("HTTP 404", Fault::Rewrite(|a| with_status(a, "404 Not Found"))),
        ("HTTP 500", Fault::Rewrite(|a| with_status(a, "500 Internal Server Error"))),
        ("HTTP 502", Fault::Rewrite(|a| with_status(a, "502 Bad Gateway"))),
        ("HTTP 503", Fault::Rewrite(|a| with_status(a, "503 Service Unavailable"))),
        ("HTTP 504", Fault::Rewrite(|a| with_status(a, "504 Gateway Timeout"))),
        ("HTTP 999", Fault::Rewrite(|a| with_status(a, "999 Whatever"))),
        (
            "a page",
            Fault::Rewrite(|a| with_head(a, |h| h.replace("application/json", "text/html"))),
        ),
        ("a page's text", Fault::Rewrite(|a| with_body(a, |_| "<h1>approved</h1>".to_owned()))),
        ("no HTTP", Fault::Rewrite(|_| b"approved\r\n".to_vec())),
        ("TLS", Fault::Rewrite(|_| vec![0x15, 3, 3, 0, 2, 2, 40])),
        ("empty", Fault::Rewrite(|a| with_body(a, |_| String::new()))),
        ("half the JSON", Fault::Rewrite(|a| with_body(a, |b| b[..b.len() / 2].to_owned()))),
        ("twice the JSON", Fault::Rewrite(|a| with_body(a, |b| b.repeat(2)))),
        ("null", Fault::Rewrite(|a| with_body(a, |_| "null".to_owned()))),
        ("a list", Fault::Rewrite(|a| with_body(a, |b| format!("[{b}]")))),
        ("an unknown word", Fault::Rewrite(|a| with_body(a, |b| b.replace("approved", "perhaps")))),
        (
            "an unknown field",
            Fault::Rewrite(|a| with_body(a, |b| b.replacen('{', "{\"test\":1,", 1))),
        ),
        ("another code", Fault::Rewrite(|a| with_body(a, |b| b.replace("\"00\"", "\"05\"")))),
        ("no code", Fault::Rewrite(|a| with_body(a, |b| b.replace("\"00\"", "null")))),
        (
            "another call's answer",
            Fault::Rewrite(|a| with_body(a, |b| b.replacen("link", "lynk", 1))),
        ),
        (
            "declined, with the code of an approval",
            Fault::Rewrite(|a| {
                let declined = r#"{"declined":{"reason":"refused","facts":"#;
                with_body(a, |b| b.replace(r#"{"approved":"#, declined) + "}")
            }),
        ),
        (
            "64 KiB and more",
            Fault::Rewrite(|a| with_body(a, |b| format!("{}{b}", " ".repeat(65_536)))),
        ),
        (
            "a long head",
            Fault::Rewrite(|a| with_head(a, |h| format!("{h}\r\nx: {}", "x".repeat(99_999)))),
        ),
        ("too late", Fault::Delay(Duration::from_millis(400))),
        ("too slowly", Fault::Drip(Duration::from_millis(50))),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Authorise,
    Capture,
    Refund,
    Reverse,
}

fn payment() -> PaymentId {
    PaymentId::new(Timestamp::from_micros(1_745_676_966_000_657), 317_823_u64.to_le_bytes())
}

fn amount() -> Money {
    Money::from_minor(1111, "EUR".parse().unwrap()).unwrap()
}

fn remote(address: SocketAddr) -> RemoteSandbox {
    RemoteSandbox::new(address, PATIENCE).unwrap()
}

async fn authorise(remote: &RemoteSandbox, our_reference: &str, capture: Capture) -> Outcome {
    let number = CardNumber::parse("4012000033330026", true).unwrap();
    let security_code = Some(SecurityCode::parse("123", number.brand()).unwrap());
    let card = OpenCard { number, security_code, expiry: Expiry { year: 2030, month: 1 } };
    let (payment, amount) = (payment(), amount());
    let at_bank = None;
    let card = &card;
    remote
        .authorise(AuthorisationRequest { our_reference, payment, amount, card, capture, at_bank })
        .await
}

/// Makes what the call follows, without faults; then the call.
async fn call(kind: Kind, direct: &RemoteSandbox, spoilt: &RemoteSandbox, name: &str) -> Outcome {
    let original = format!("{name} original");
    let capture = if kind == Kind::Capture { Capture::Manual } else { Capture::Automatic };
    if kind != Kind::Authorise {
        let made = authorise(direct, &original, capture).await;
        assert!(matches!(made, Outcome::Approved(_)), "{made:?}");
    }
    let (payment, amount) = (payment(), amount());
    let request = FollowUpRequest { our_reference: name, original: &original, payment, amount };
    match kind {
        Kind::Authorise => authorise(spoilt, name, capture).await,
        Kind::Capture => spoilt.capture(request).await,
        Kind::Refund => spoilt.refund(request).await,
        Kind::Reverse => spoilt.reverse(request).await,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// All corruptions on one kind of call, against a bank of its own.
fn table(kind: Kind) {
    let bank = Bank::start();
    let proxy = FaultProxy::start(bank.address);
    let (direct, spoilt) = (remote(bank.address), remote(proxy.address()));
    runtime().block_on(async {
        let clean = call(kind, &direct, &spoilt, "link clean").await;
        assert!(matches!(clean, Outcome::Approved(_)), "through the proxy as well: {clean:?}");
        let mut names = Vec::new();
        for (n, (what, fault)) in corruptions().into_iter().enumerate() {
            let our_reference = format!("link {n}");
            proxy.set(fault);
            let begun = Instant::now();
            let outcome = call(kind, &direct, &spoilt, &our_reference).await;
            assert!(matches!(outcome, Outcome::Unknown(_)), "{kind:?}, {what}: {outcome:?}");
            assert!(begun.elapsed() < PATIENCE.whole + Duration::from_secs(1), "{kind:?}, {what}");
            // The same corruption of a lookup's answer: neither found nor not found.
            let found = spoilt.look_up(&our_reference).await;
            assert!(matches!(found, Lookup::Unavailable(_)), "{kind:?}, {what}: {found:?}");
            names.push((what, our_reference));
        }
        assert!(names.len() >= 20);
        for (what, our_reference) in names {
            let found = direct.look_up(&our_reference).await;
            assert!(matches!(found, Lookup::Found(Outcome::Approved(_))), "{what}: {found:?}");
        }
        // Cut before it came: nothing was done, but only the bank knows.
        for (n, reset) in [false, true].into_iter().enumerate() {
            proxy.set(Fault::CutBefore { reset });
            let our_reference = format!("link before {n}");
            let outcome = call(kind, &direct, &spoilt, &our_reference).await;
            assert!(matches!(outcome, Outcome::Unknown(_)), "{kind:?}: {outcome:?}");
            assert_eq!(direct.look_up(&our_reference).await, Lookup::NotFound);
        }
        proxy.set(Fault::BlackHole);
        let outcome = call(kind, &direct, &spoilt, "link hole").await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{kind:?}: {outcome:?}");
        // Only here no byte can have left.
        proxy.refuse();
        let outcome = call(kind, &direct, &spoilt, "link refused").await;
        assert!(matches!(outcome, Outcome::NotSent(_)), "{kind:?}: {outcome:?}");
        let found = spoilt.look_up("link refused").await;
        assert!(matches!(found, Lookup::Unavailable(_)), "{found:?}");
    });
    let journal = bank.journal();
    assert!(journal.iter().all(|entry| entry["times_asked"] == 1), "nothing is sent twice");
}

#[test]
fn broken_answers_are_unknown_whatever_was_asked() {
    let kinds = [Kind::Authorise, Kind::Capture, Kind::Refund, Kind::Reverse];
    println!(
        "{} corruptions of {} kinds of calls and of lookups",
        corruptions().len(),
        kinds.len()
    );
    // They wait most of the time, so that they may as well do it together.
    std::thread::scope(|scope| {
        let tables = kinds.map(|kind| scope.spawn(move || table(kind)));
        for table in tables {
            table.join().unwrap();
        }
    });
}

/// Corruptions that keep the meaning are none: the table does not pass by refusing everything.
#[test]
fn harmless_differences_are_read() {
    let bank = Bank::start();
    let proxy = FaultProxy::start(bank.address);
    let direct = remote(bank.address);
    let spoilt = RemoteSandbox::new(proxy.address(), Patience::default()).unwrap();
    runtime().block_on(async {
        for (n, fault) in [
            Fault::Pass,
            Fault::Delay(Duration::from_millis(50)),
            Fault::Drip(Duration::from_micros(100)),
            Fault::Duplicate,
            Fault::Rewrite(|a| with_head(a, |h| format!("{h}\r\nx-trace: 1"))),
            Fault::Rewrite(|a| with_head(a, |h| h.replace("200 OK", "200 Fine"))),
            Fault::Rewrite(|a| with_body(a, |b| format!(" {b}\n"))),
        ]
        .into_iter()
        .enumerate()
        {
            proxy.set(fault);
            for kind in [Kind::Authorise, Kind::Capture, Kind::Refund, Kind::Reverse] {
                let name = format!("link {n} {kind:?}");
                let outcome = call(kind, &direct, &spoilt, &name).await;
                assert!(matches!(outcome, Outcome::Approved(_)), "{fault:?}: {outcome:?}");
                assert_eq!(spoilt.look_up(&name).await, Lookup::Found(outcome), "{fault:?}");
            }
        }
    });
    let twice = bank.journal().iter().filter(|entry| entry["times_asked"] == 2).count();
    assert_eq!(twice, 4, "the duplicates, each of which moved money once");
}
