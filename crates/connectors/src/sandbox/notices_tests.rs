//! The table of messages that a gateway may get under the sandbox bank's name, and the bank's own
//! sending of notices.

use super::notices::judge;
use super::order_tests::{by_bank, place};
use super::tests::{MovedClock, open_at, payment_id};
use super::{NoticeReceiver, send_notices};
use crate::standard_webhooks::Secret;
use domain::method::MethodCode;
use domain::secret::SecretText;
use domain::terminal::Settings;
use domain::time::Timestamp;
use engine::ports::{
    BankCounter as _, Clock, CounterDecision, InboundMessage, Judgement, Noticed, Random,
    RefusedMessage,
};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const BODY: &str = r#"{"our_reference":"417823250426141606-2"}"#;
const NOW: i64 = 1_745_676_966;

type Headers = Vec<(&'static str, Vec<u8>)>;

fn secret(text: &str) -> Secret {
    Secret::parse(&SecretText::new(text.to_owned())).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// As the bank signs.
fn signed(by: &str, id: &str, seconds: i64, body: &[u8]) -> Headers {
    let headers = secret(by).headers(id, at(seconds), body);
    headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect()
}

fn judged(headers: &Headers, body: &[u8]) -> Judgement {
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    judged_at(&headers, body, at(NOW))
}

fn judged_at(headers: &[(&str, &[u8])], body: &[u8], received_at: Timestamp) -> Judgement {
    judge(&secret(SECRET), InboundMessage { headers, body, received_at })
}

fn genuine(headers: &Headers, body: &[u8]) -> Noticed {
    match judged(headers, body) {
        Judgement::Noticed(noticed) => noticed,
        Judgement::Refused(why) => panic!("{why}"),
    }
}

#[track_caller]
fn forged(headers: &Headers, body: &[u8], expected: &str) {
    let why = RefusedMessage::NotGenuine(expected.to_owned());
    assert_eq!(judged(headers, body), Judgement::Refused(why));
}

fn with(name: &'static str, value: &str) -> Headers {
    let mut headers = signed(SECRET, "msg_1", NOW, BODY.as_bytes());
    headers.retain(|(other, _value)| *other != name);
    headers.push((name, value.into()));
    headers
}

#[test]
fn what_the_bank_signed_now_is_taken() {
    let body = BODY.as_bytes();
    let noticed = genuine(&signed(SECRET, "msg_1", NOW, body), body);
    assert_eq!(noticed.message.as_str(), "msg_1");
    assert_eq!(noticed.our_reference.as_deref(), Some("417823250426141606-2"));
    assert_eq!(noticed.redacted.as_str(), BODY);
    for seconds in [NOW - 300, NOW + 300] {
        genuine(&signed(SECRET, "msg_1", seconds, body), body);
    }
    let mut both = signed(OTHER, "msg_1", NOW, body);
    let right = signed(SECRET, "msg_1", NOW, body).pop().unwrap().1;
    both[2].1 = [both[2].1.clone(), right].join(&b' ');
    genuine(&both, body);
}

#[test]
fn what_anybody_else_may_send_is_not() {
    let body = BODY.as_bytes();
    let good = signed(SECRET, "msg_1", NOW, body);
    let no_fit = "no signature fits the secret";
    forged(&Headers::new(), body, "the header webhook-id is missing");
    for (place, (name, _value)) in good.iter().enumerate() {
        let mut without = good.clone();
        without.remove(place);
        forged(&without, body, &format!("the header {name} is missing"));
        let mut twice = good.clone();
        twice.push(good[place].clone());
        forged(&twice, body, &format!("the header {name} is there twice"));
        forged(&with(name, ""), body, &format!("the header {name} is missing"));
    }
    forged(&signed(OTHER, "msg_1", NOW, body), body, no_fit);
    forged(&good, b"{}", no_fit);
    forged(&with("webhook-id", "msg_2"), body, no_fit);
    forged(&with("webhook-timestamp", &(NOW + 1).to_string()), body, no_fit);
    forged(&with("webhook-timestamp", "soon"), body, "webhook-timestamp is no number of seconds");
    let signature = String::from_utf8(good[2].1.clone()).unwrap();
    for cut in [&signature[..signature.len() - 4], &signature[..3], "v1", &signature[3..]] {
        forged(&with("webhook-signature", cut), body, no_fit);
    }
    let old = signed(SECRET, "msg_1", NOW - 301, body);
    forged(&old, body, "it is 301 seconds old; 300 are allowed");
    let future = signed(SECRET, "msg_1", NOW + 301, body);
    forged(&future, body, "it is 301 seconds in the future; 300 are allowed");
    let mut binary = good;
    binary[0].1 = vec![0xff, 0xfe];
    forged(&binary, body, "the header webhook-id is missing");
}

#[test]
fn what_the_bank_signed_and_nobody_can_read_is_told() {
    let long = "x".repeat(256);
    let json = BODY.as_bytes();
    for (id, body) in [
        ("msg_1", &b"\xff\xfe\x00"[..]),
        ("msg_1", b""),
        ("msg_1", b"paid"),
        ("msg_1", br#"{"our_reference":1}"#),
        ("msg_1", b"{\"x\":\"\x00\"}"),
        (&long, json),
        ("msg 1", json),
    ] {
        let judgement = judged(&signed(SECRET, id, NOW, body), body);
        let Judgement::Refused(RefusedMessage::Unreadable(_)) = judgement else {
            panic!("{judgement:?}");
        };
    }
}

#[test]
fn what_is_no_reference_of_ours_is_none() {
    for body in [
        r"{}",
        r#"{"our_reference":null,"event":"test"}"#,
        r#"{"our_reference":"order 7"}"#,
        r#"{"our_reference":"417823250426141606"}"#,
        r#"{"our_reference":"417823250426141606-02"}"#,
        r#"{"our_reference":"417823250426141606-4111111111111111"}"#,
        r#"{"our_reference":"417823250426141606-2\u0000"}"#,
    ] {
        let noticed = genuine(&signed(SECRET, "1", NOW, body.as_bytes()), body.as_bytes());
        assert_eq!(noticed.our_reference, None, "{body}");
    }
    let body = r#"{"our_reference":"417823250426141606-2","pan":"4111111111111111","cvv":"739"}"#;
    let noticed = genuine(&signed(SECRET, "1", NOW, body.as_bytes()), body.as_bytes());
    assert!(!noticed.redacted.as_str().contains("411111"), "{:?}", noticed.redacted);
    assert!(!noticed.redacted.as_str().contains("739"), "{:?}", noticed.redacted);
    assert!(noticed.our_reference.is_some());
}

#[derive(Debug)]
struct Sevens;

impl Random for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// The next request's head and body; answered with this status, or hung up on.
async fn next_request(listener: &TcpListener, status: Option<u16>) -> (String, String) {
    let (mut stream, _peer) = listener.accept().await.unwrap();
    let mut text = String::new();
    let (head, body) = loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        text.push_str(str::from_utf8(&bytes[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| length.parse() == Ok(body.len())) {
            break (head.to_owned(), body.to_owned());
        }
    };
    if let Some(status) = status {
        let answer =
            format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    (head, body)
}

#[tokio::test]
async fn a_notice_is_sent_until_it_is_taken() {
    let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
    let bank = open_at(&folder, Arc::clone(&clock));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/inbound/sandbox", listener.local_addr().unwrap());
    let bank_clock: Arc<dyn Clock> = Arc::<MovedClock>::clone(&clock);
    let receiver = NoticeReceiver::new(url, secret(SECRET), bank_clock, Arc::new(Sevens)).unwrap();
    let sending = tokio::spawn(send_notices(Arc::clone(&bank), receiver));
    let our_reference = domain::payment::call_reference(payment_id(1), 2);
    let payment = by_bank(MethodCode::NetBanking, "SBIN");
    place(&*bank, &our_reference, &payment, &Settings::for_cards()).await;
    bank.decide(&our_reference, CounterDecision::Approve).await.unwrap();
    let mut ids = Vec::new();
    for status in [None, Some(503), Some(401), Some(200)] {
        let (head, body) = next_request(&listener, status).await;
        assert!(head.starts_with("POST /inbound/sandbox HTTP/1.1\r\n"), "{head}");
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers: Vec<(&str, &[u8])> =
            pairs.map(|(name, value)| (name, value.as_bytes())).collect();
        let Judgement::Noticed(noticed) = judged_at(&headers, body.as_bytes(), clock.now()) else {
            panic!("{head}");
        };
        assert_eq!(noticed.our_reference.as_deref(), Some(&*our_reference));
        ids.push(noticed.message);
        // When it waits, time goes on, further than an old signature would be good for.
        tokio::time::sleep(Duration::from_millis(200)).await;
        clock.forward(Duration::from_secs(301));
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "one id over all: {ids:?}");
    let another = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(another.is_err(), "it was taken");
    sending.abort();
}
