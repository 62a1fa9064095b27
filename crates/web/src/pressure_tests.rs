//! Two thousand shops ask at once, over HTTP, while nothing is committed.

use crate::app::{App, Site};
use crate::fake::World;
use crate::server::{ServerSettings, serve};
use bytes::Bytes;
use domain::id::PaymentId;
use domain::outcome::BankFacts;
use domain::payment::{Payment, State, Taken};
use domain::terminal::Settings;
use engine::admission::NEW_PAYMENTS_AT_ONCE;
use engine::changeset::{Changeset, TerminalChange};
use engine::ports::{Random, Store as _};
use engine::{Gateway, Parts};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use testkit::fixture;
use testkit::memory_gate::{Gate, Waiting};
use testkit::memory_store::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

const SHOPS: usize = 2_000;
/// Requests that share a connection.
const TOGETHER: usize = 100;

/// Another number for each payment.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        buffer.iter_mut().zip(next).for_each(|(byte, next)| *byte = next);
    }
}

/// A gateway whose commits wait at a gate.
struct Server {
    address: SocketAddr,
    gate: Arc<Gate>,
    store: Arc<MemoryStore>,
    world: Arc<World>,
    _running: watch::Sender<bool>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn approved() -> Payment {
    let taken = Taken::whole("417823250426141606-1".to_owned(), 1111);
    let state = State::Approved { at: fixture::now(), bank: BankFacts::default(), taken };
    Payment { state, due_at: None, ..fixture::payment(900_001, "taken") }
}

fn challenged() -> Payment {
    fixture::payment(900_002, "in the challenge")
}

impl Server {
    async fn start() -> Self {
        let world = Arc::new(World::with(fixture::payment(900_000, "none"), fixture::now()));
        let gate = Arc::new(Gate::default());
        let store = Arc::new(MemoryStore::behind(Arc::clone(&gate)));
        let merchant = Some(fixture::merchant());
        store.commit(Changeset { merchant, ..Changeset::default() }).await.unwrap();
        let mut terminal = fixture::stored_terminal();
        terminal.sealed_secrets = world.terminal.lock().unwrap().sealed_secrets.clone();
        terminal.settings = Settings::for_cards();
        let terminal = Some(TerminalChange { terminal, expected_version: None });
        store.commit(Changeset { terminal, ..Changeset::default() }).await.unwrap();
        for payment in [approved(), challenged()] {
            store.commit(fixture::insert(&payment)).await.unwrap();
        }
        let gateway = Gateway::new(Parts {
            store: Arc::<MemoryStore>::clone(&store),
            desks: Arc::<MemoryStore>::clone(&store),
            vault: Arc::<World>::clone(&world),
            clock: Arc::<World>::clone(&world),
            random: Arc::new(Counting::default()),
            connectors: vec![Arc::<World>::clone(&world)],
            notices: Arc::<World>::clone(&world),
            dialer: Arc::<World>::clone(&world),
            post_timeout: Duration::from_secs(5),
        });
        let app = App::new(gateway, Site { public_url: "https://pay.example".to_owned() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (running, stop) = watch::channel(false);
        tokio::spawn(serve(app, listener, None, ServerSettings::default(), stop));
        Self { address, gate, store, world, _running: running }
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (sender, connection) = shaken.unwrap();
        tokio::spawn(connection);
        sender
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        ask(self.connect().await, request).await
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("http://{}{path}", self.address));
        self.ask(request.body(Full::default()).unwrap()).await
    }

    fn post(&self, path: &str, media: &str, body: String) -> Request<Full<Bytes>> {
        let request = Request::post(format!("http://{}{path}", self.address));
        request.header("content-type", media).body(body.into()).unwrap()
    }

    fn create(&self, reference: &str) -> Request<Full<Bytes>> {
        let body = serde_json::json!({
            "public_key": fixture::stored_terminal().public_keys[0], "terNO": "42",
            "bill_amt": "11.11", "bill_currency": "USD", "product_name": "Shoes",
            "reference": reference, "webhook_url": "https://shop.example/hook",
            "return_url": "https://shop.example/return", "mop": "CC",
            "ccno": "4111111111111111", "ccvv": "123", "month": "12", "year": "2030",
        });
        self.post("/api/s2s", "application/json", body.to_string())
    }

    fn references(&self) -> BTreeSet<String> {
        let payments = self.store.contents().payments;
        payments.values().map(|payment| payment.reference.as_str().to_owned()).collect()
    }
}

async fn ask(mut sender: SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Answer {
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// Waits until it is so, as long as a busy machine may take.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn next(answers: &mut mpsc::Receiver<(String, Answer)>) -> (String, Answer) {
    let answer = tokio::time::timeout(Duration::from_secs(30), answers.recv()).await;
    answer.expect("an answer in time").unwrap()
}

/// Two thousand requests for new payments at once; their answers as they come.
async fn burst(server: &Arc<Server>) -> mpsc::Receiver<(String, Answer)> {
    let (answered, answers) = mpsc::channel(SHOPS);
    for connection in 0..SHOPS / TOGETHER {
        let sender = server.connect().await;
        for shop in 0..TOGETHER {
            let (server, sender) = (Arc::clone(server), sender.clone());
            let answered = answered.clone();
            tokio::spawn(async move {
                let reference = format!("burst {connection} {shop}");
                let answer = ask(sender, server.create(&reference)).await;
                answered.send((reference, answer)).await.unwrap();
            });
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_beyond_the_room_are_told_at_once_and_nothing_of_them_is_committed() {
    let server = Arc::new(Server::start().await);
    let before = server.ask(server.create("before")).await;
    assert_eq!(before.status, 200, "{}", before.body);
    server.gate.close();
    let mut answers = burst(&server).await;
    // They are answered although nothing is committed.
    for _refused in NEW_PAYMENTS_AT_ONCE..SHOPS {
        let (_reference, answer) = next(&mut answers).await;
        let after = answer.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap();
        assert_eq!((answer.status, (1..=3).contains(&after)), (503, true));
        assert_eq!(answer.json()["error_number"], "503");
    }
    let waiting = Waiting { new_payments: NEW_PAYMENTS_AT_ONCE, others: 0 };
    until("the others wait", || server.gate.waiting() == waiting).await;
    assert!(answers.try_recv().is_err(), "nobody is answered before the commit");
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.body.contains("503")), (200, true), "{}", ready.body);
    others_go_on(&server, &before).await;
    let mut expected: BTreeSet<String> =
        ["taken", "in the challenge", "before"].map(str::to_owned).into();
    for _admitted in 0..NEW_PAYMENTS_AT_ONCE {
        let (reference, answer) = next(&mut answers).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        expected.insert(reference);
    }
    assert_eq!(server.references(), expected, "what is committed is what was answered");
    let after = server.ask(server.create("after")).await;
    assert_eq!(after.status, 200, "there is room again at once: {}", after.body);
    let later = fixture::now().plus(Duration::from_secs(2));
    *server.world.now.lock().unwrap() = later;
    assert_eq!(server.get("/readyz").await.body, "ready\n");
}

/// A status, an answer that was given before, a challenge and a refund, while there is no room for
/// new payments. Opens the gate.
async fn others_go_on(server: &Arc<Server>, before: &Answer) {
    let id = |payment: &Payment| payment.id.to_string();
    let status = server.get(&format!("/api/authurl/s2s/{}", id(&approved()))).await;
    assert_eq!((status.status, &status.json()["reference"]), (200, &"taken".into()));
    // Of those who came meanwhile few were read; in the next second this one is.
    let later = fixture::now().plus(Duration::from_secs(1));
    *server.world.now.lock().unwrap() = later;
    let again = server.ask(server.create("before")).await;
    assert_eq!((again.status, again.body.as_str()), (200, before.body.as_str()));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let form = "application/x-www-form-urlencoded";
    let page = format!("/api/authurl/{}", id(&challenged()));
    let code = server.post(&page, form, "otp=123456".to_owned());
    let refund = serde_json::json!({
        "public_key": fixture::stored_terminal().public_keys[0],
        "transID": id(&approved()), "refundAmount": "1.00",
    });
    let path = "/api/transactions/refund-request";
    let refund = server.post(path, "application/json", refund.to_string());
    let asked = [code, refund].map(|request| {
        let server = Arc::clone(server);
        tokio::spawn(async move { server.ask(request).await })
    });
    until("they have a place in the queue", || server.gate.waiting().others == 2).await;
    server.gate.open();
    for (asked, expected) in asked.into_iter().zip([303, 200]) {
        let answer = asked.await.unwrap();
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    let id: PaymentId = challenged().id;
    until("the customer has paid", || {
        let payments = server.store.contents().payments;
        payments.get(&id).is_some_and(|one| matches!(one.state, State::Approved { .. }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_take_no_places() {
    let server = Arc::new(Server::start().await);
    let mut senders = Vec::new();
    // More than there are places are asked for their bodies, and send nothing.
    for _sender in 0..NEW_PAYMENTS_AT_ONCE + 8 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = "POST /api/s2s HTTP/1.1\r\nhost: pay.example\r\ncontent-length: 500\r\n\
                    content-type: application/json\r\nexpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut asked = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(&mut asked));
        read.await.unwrap().unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100");
        senders.push(stream);
    }
    let answer = server.ask(server.create("beside slow senders")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
