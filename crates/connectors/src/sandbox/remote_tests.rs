//! The served bank and its remote connector, end to end over loopback.

use super::tests::{card, eleven_euros, entries, open, open_card, payment, payment_id};
use super::*;
use domain::terminal::Capture;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A served bank; `stop` ends it.
struct Served {
    folder: TempDir,
    address: SocketAddr,
    remote: RemoteSandbox,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

const PATIENCE: Patience =
    Patience { connect: Duration::from_millis(500), whole: Duration::from_millis(800) };

impl Served {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let bank = open(&folder);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or(()) };
        let ended = tokio::spawn(serve_bank(bank, listener, stopped));
        let remote = RemoteSandbox::new(address, PATIENCE).unwrap();
        Self { folder, address, remote, stop, ended }
    }

    /// One request as it is; status and body of the answer, nothing when there is none.
    async fn raw(&self, request: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    async fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.raw(&post(path, &body.to_string())).await
    }

    async fn fault(&self, fault: Value) {
        let (status, told) = self.post("/faults", &fault).await.unwrap();
        assert_eq!(status, 200, "{told}");
    }

    async fn authorise(&self, our_reference: &str, capture: Capture) -> Outcome {
        let request = AuthorisationRequest {
            our_reference,
            payment: payment_id(1),
            amount: eleven_euros(),
            card: &open_card("4012000033330026"),
            capture,
            at_bank: None,
        };
        self.remote.authorise(request).await
    }

    fn lines(&self) -> Vec<(String, String, i64)> {
        entries(&self.folder)
            .into_iter()
            .map(|entry| (entry.our_reference, entry.result, entry.times_asked))
            .collect()
    }
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bank\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn approved(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Approved(_))
}

fn follow_up<'a>(our_reference: &'a str, original: &'a str) -> FollowUpRequest<'a> {
    let amount = eleven_euros();
    FollowUpRequest { our_reference, original, payment: payment_id(1), amount }
}

#[tokio::test]
async fn over_the_wire_the_bank_says_the_same() {
    let served = Served::start().await;
    let (remote, inside) = (&served.remote, open(&served.folder));
    assert_eq!((remote.name(), remote.mode()), (inside.name(), inside.mode()));
    assert_eq!(remote.lookup_patience(), PATIENCE.whole + Duration::from_secs(2));
    for number in ["4111111111111111", "4012000033330026", "378282246310005"] {
        let asked = remote.authenticate(eleven_euros(), &card(number)).await;
        assert_eq!(asked, inside.authenticate(eleven_euros(), &card(number)).await, "{number}");
    }
    let sale = served.authorise("sale-1", Capture::Automatic).await;
    let hold = served.authorise("hold-1", Capture::Manual).await;
    let capture = remote.capture(follow_up("capture-1", "hold-1")).await;
    let refund = remote.refund(follow_up("refund-1", "hold-1")).await;
    let too_much = remote.refund(follow_up("refund-2", "hold-1")).await;
    let reversal = remote.reverse(follow_up("reversal-1", "never came")).await;
    for outcome in [&sale, &hold, &capture, &refund, &reversal] {
        assert!(approved(outcome), "{outcome:?}");
    }
    assert!(matches!(too_much, Outcome::Declined(DeclineReason::Refused, _)), "{too_much:?}");
    for (our_reference, outcome) in [("sale-1", sale), ("refund-1", refund), ("refund-2", too_much)]
    {
        assert_eq!(remote.look_up(our_reference).await, Lookup::Found(outcome.clone()));
        assert_eq!(inside.look_up(our_reference).await, Lookup::Found(outcome));
    }
    assert_eq!(remote.look_up("never came").await, Lookup::NotFound);
    assert_eq!(remote.challenge(&payment()).await, inside.challenge(&payment()).await);
    let verdict = remote.answer_challenge(&payment(), "000000").await;
    assert_eq!(verdict, ChallengeVerdict::TryAgain { tries_left: 2 });
    assert_eq!(remote.answer_challenge(&payment(), "123456").await, ChallengeVerdict::Passed);
    for _wrong in 0..2 {
        remote.answer_challenge(&payment(), "\"\n\u{1f511}").await;
    }
    assert_eq!(remote.answer_challenge(&payment(), "123456").await, failed_challenge());
    assert!(served.lines().iter().all(|line| line.2 == 1));
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn only_loopback_is_served_and_asked() {
    let folder = TempDir::new().unwrap();
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve_bank(open(&folder), everywhere, std::future::pending()).await.unwrap_err();
    assert!(refused.to_string().contains("loopback addresses only"), "{refused}");
    for address in ["192.0.2.1:9010", "0.0.0.0:9010", "[2001:db8::1]:80"] {
        let refused = RemoteSandbox::new(address.parse().unwrap(), PATIENCE).unwrap_err();
        assert!(refused.to_string().contains("loopback"), "{refused}");
    }
    assert!(RemoteSandbox::new("[::1]:9010".parse().unwrap(), PATIENCE).is_ok());
}

#[test]
fn every_limit_ends_before_others_ask_what_became_of_the_call() {
    let asked_after = domain::schedule::SENDING_IS_ASKED_AFTER;
    let patience = Patience::default();
    assert!(patience.connect < patience.whole && patience.whole < asked_after);
    // This call's wait for the books, and that of those before it in the queue.
    assert!(books::BUSY_TIMEOUT * books::TRIES * 2 < asked_after);
}

#[tokio::test]
async fn what_is_no_call_is_refused_without_repeating_it() {
    let served = Served::start().await;
    let good = json!({"our_reference": "x", "trans_id": "417823250426141606", "capture": "automatic",
        "amount": {"minor": 1, "currency": "EUR"},
        "card": {"number": "4012000033330026", "security_code": "123", "year": 2030, "month": 1}});
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for (path, body, status) in [
        ("/authorisation", with("/card/number", json!(4_012_000_033_330_026_u64)), 400),
        ("/authorisation", with("/card/year", json!("4012000033330026")), 400),
        ("/authorisation", with("/card/number", json!("4012000033330027")), 400),
        ("/authorisation", with("/amount/minor", json!(-1)), 400),
        ("/authorisation", with("/amount/currency", json!("4012000033330026")), 400),
        ("/authorisation", with("/trans_id", json!("4012000033330026")), 400),
        ("/authorisation", with("/capture", json!("4012000033330026")), 400),
        ("/refund", good.clone(), 400),
        ("/dispute", good.clone(), 404),
        ("/authorisation", json!("x".repeat(70_000)), 413),
        ("/faults", json!({"fault": "slow"}), 400),
    ] {
        let (told, why) = served.post(path, &body).await.unwrap();
        assert_eq!(told, status, "{path} {why}");
        let why = why["error"].as_str().unwrap();
        assert!(!why.is_empty() && !why.contains("401200"), "{why}");
    }
    let get = "GET /authorisation HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(served.raw(get).await.unwrap().0, 405);
    assert_eq!(served.lines(), []);
    assert_eq!(served.post("/authorisation", &good).await.unwrap().0, 200);
    assert_eq!(served.lines().len(), 1);
}

#[tokio::test]
async fn every_fault_is_what_it_says() {
    let served = Served::start().await;
    // Fault, whether the answer is an approval, whether the bank did it.
    for (n, (fault, answered, booked)) in [
        (json!({"fault": "slow", "ms": 100}), true, true),
        (json!({"fault": "slow", "ms": 1500}), false, true),
        (json!({"fault": "lose_request"}), false, false),
        (json!({"fault": "lose_request", "ms": 3000}), false, false),
        (json!({"fault": "lose_answer"}), false, true),
        (json!({"fault": "lose_answer", "ms": 3000}), false, true),
        (json!({"fault": "status_before", "status": 500}), false, false),
        (json!({"fault": "status_before", "status": 503}), false, false),
        (json!({"fault": "status_after", "status": 502}), false, true),
        (json!({"fault": "status_after", "status": 504}), false, true),
        (json!({"fault": "garbage"}), false, true),
        (json!({"fault": "half_json"}), false, true),
        (json!({"fault": "html"}), false, true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut once = fault.clone();
        once["count"] = json!(1);
        once["kind"] = json!("authorisation");
        served.fault(once).await;
        let our_reference = format!("sale-{n}");
        let outcome = served.authorise(&our_reference, Capture::Automatic).await;
        assert_eq!(approved(&outcome), answered, "{fault} {outcome:?}");
        assert_eq!(matches!(outcome, Outcome::Unknown(_)), !answered, "{fault} {outcome:?}");
        let found = served.remote.look_up(&our_reference).await;
        assert_eq!(matches!(found, Lookup::Found(Outcome::Approved(_))), booked, "{fault}");
        assert_eq!(found == Lookup::NotFound, !booked, "{fault}");
        assert!(served.lines().iter().all(|line| line.2 == 1), "{fault}");
    }
}

#[tokio::test]
async fn a_late_registration_comes_after_its_time_and_is_not_found_before() {
    let served = Served::start().await;
    served.fault(json!({"fault": "register_late", "ms": 400, "kind": "refund", "count": 1})).await;
    assert!(approved(&served.authorise("sale-1", Capture::Automatic).await));
    let outcome = served.remote.refund(follow_up("refund-1", "sale-1")).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(served.remote.look_up("refund-1").await, Lookup::NotFound);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let found = served.remote.look_up("refund-1").await;
    assert!(matches!(found, Lookup::Found(Outcome::Approved(_))), "{found:?}");
}

#[tokio::test]
async fn lookups_that_fail_are_unavailable_and_never_not_found() {
    let served = Served::start().await;
    let faults =
        ["lose_request", "garbage", "half_json", "html"].map(|name| json!({"fault": name}));
    let statuses = [500, 502, 503, 504].map(|s| json!({"fault": "status_before", "status": s}));
    for mut fault in faults.into_iter().chain(statuses) {
        fault["kind"] = json!("lookup");
        served.fault(fault.clone()).await;
        for _until_cleared in 0..3 {
            let found = served.remote.look_up("sale-1").await;
            assert!(matches!(found, Lookup::Unavailable(_)), "{fault} {found:?}");
        }
        let clear = "DELETE /faults HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert_eq!(served.raw(clear).await.unwrap(), (200, json!({"faults": []})));
        assert_eq!(served.remote.look_up("sale-1").await, Lookup::NotFound);
    }
}

#[tokio::test]
async fn a_bank_that_is_down_provably_got_nothing() {
    let served = Served::start().await;
    served.fault(json!({"fault": "down", "ms": 300})).await;
    let outcome = served.authorise("sale-1", Capture::Automatic).await;
    assert!(matches!(outcome, Outcome::NotSent(_)), "{outcome:?}");
    let found = served.remote.look_up("sale-1").await;
    assert!(matches!(found, Lookup::Unavailable(_)), "{found:?}");
    let asked = served.remote.authenticate(eleven_euros(), &card("4012000033330026")).await;
    assert_eq!(asked, Authentication::Challenge, "the careful answer");
    assert!(served.remote.challenge(&payment()).await.is_err());
    let verdict = served.remote.answer_challenge(&payment(), "123456").await;
    assert!(matches!(verdict, ChallengeVerdict::Unavailable(_)), "{verdict:?}");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(served.remote.look_up("sale-1").await, Lookup::NotFound);
    assert_eq!(served.lines(), []);
}

#[tokio::test]
async fn a_bank_that_closes_does_not_wait_for_silent_calls() {
    let served = Served::start().await;
    served.fault(json!({"fault": "lose_answer", "ms": 600_000})).await;
    let outcome = served.authorise("sale-1", Capture::Automatic).await;
    assert_eq!(outcome, Outcome::Unknown("the bank did not answer in time".to_owned()));
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    silent.write_all(post("/lookup", r#"{"our_reference":"x"}"#).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
