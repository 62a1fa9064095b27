//! Encrypted requests through the real handlers: the same as plain ones when they are right, and
//! one answer when they are not, whatever is wrong.

use super::encrypted::ENVELOPE_FIELDS;
use crate::app::{App, Caller, router};
use crate::fake::World;
use crate::family_cipher::{Ciphertext, Keys, Recipe, encrypt};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::outcome::BankFacts;
use domain::payment::{Fingerprint, Payment, State, Taken};
use domain::secret::SecretText;
use domain::terminal::Mode;
use domain::text::Reference;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::simulator::dice::Dice;
use tower::ServiceExt as _;

const PUBLIC: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
const PRIVATE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Of the right form, and nobody's.
const STRANGER: &str = "V06QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
const FORM: &str = "application/x-www-form-urlencoded";
const PATHS: [&str; 2] = ["/api/s2s/encrypt", "/api/s2s"];

/// A payment request as merchants encrypt it.
const PLAIN: &str = "&bill_amt=11.11&bill_currency=USD&product_name=Testing+Product&reference=o1\
    &webhook_url=https%3A%2F%2Fshop.example%2Fhook&return_url=https%3A%2F%2Fshop.example%2Fback\
    &mop=CC&ccno=4111+1111-1111+1111&ccvv=123&month=01&year=2030&fullname=Zo%C3%AB+M%C3%BCller";

fn sealed_by(recipe: Recipe, private: &str, plain: &[u8]) -> String {
    let private = SecretText::new(private.to_owned());
    encrypt(recipe, Keys { public: PUBLIC, private: &private }, plain).unwrap()
}

fn sealed(plain: &str) -> String {
    format!("{}{PUBLIC}", sealed_by(Recipe::A, PRIVATE, plain.as_bytes()))
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn number(&self) -> (u16, &str) {
        (self.status, self.body["error_number"].as_str().unwrap_or_default())
    }
}

/// A merchant's server before a gateway with one approved payment, whose reference is `order 1`.
struct Server {
    world: Arc<World>,
    app: App,
    router: Router,
}

impl Server {
    fn new() -> Self {
        Self::with(|_world| ())
    }

    fn with(shape: impl FnOnce(&mut World)) -> Self {
        let now = testkit::fixture::now();
        let taken = Taken::whole("417823250426141606-1".to_owned(), 1111);
        let state = State::Approved { at: now, bank: BankFacts::default(), taken };
        let sample = testkit::fixture::payment(317_823, "order 1");
        let payment = Payment { state, due_at: None, ..sample };
        let mut world = World::with(payment, now.plus(Duration::from_mins(1)));
        let terminal = world.terminal.get_mut().unwrap();
        terminal.public_keys = vec![PUBLIC.to_owned()];
        let secrets = json!({"keys": [{"text": PRIVATE, "created_at": 0, "retires_at": null}],
            "webhook": []});
        terminal.sealed_secrets = secrets.to_string().into_bytes();
        shape(&mut world);
        let world = Arc::new(world);
        let app = world.app();
        Self { router: router(app.clone()), app, world }
    }

    async fn send(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.send_from(None, path, kind, body.into()).await
    }

    async fn send_from(&self, from: Option<&str>, path: &str, kind: &str, body: Body) -> Answer {
        let mut request = Request::post(path).header("content-type", kind).body(body).unwrap();
        request.extensions_mut().insert(Caller(from.map(|from| from.parse().unwrap())));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 100_000).await.unwrap();
        self.app.gateway.finish_tasks().await;
        let body = serde_json::from_slice(&bytes).unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// A create call whose field has this value.
    async fn create(&self, value: &str) -> Answer {
        self.send(PATHS[0], FORM, form(&[("encrypted_data", value)])).await
    }

    fn created(&self, reference: &str) -> Payment {
        let payments = self.world.payments.lock().unwrap();
        let reference = Reference::parse(reference).unwrap();
        payments.values().find(|payment| payment.reference == reference).unwrap().clone()
    }
}

/// The fingerprint of the plain request with the same fields.
async fn plain_fingerprint() -> Fingerprint {
    let server = Server::new();
    let body = format!("{PLAIN}&public_key={PUBLIC}&terNO=42");
    let answer = server.send("/api/s2s", FORM, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.created("o1").fingerprint
}

#[tokio::test]
async fn every_way_to_send_it_is_the_plain_request() {
    let expected = plain_fingerprint().await;
    let multipart = |name: &str, value: &str| {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--x--\r\n"
        )
    };
    let mut sent = 0;
    for recipe in [Recipe::A, Recipe::B] {
        let value = format!("{}{PUBLIC}", sealed_by(recipe, PRIVATE, PLAIN.as_bytes()));
        for (path, name) in PATHS.into_iter().zip(ENVELOPE_FIELDS) {
            for (kind, body) in [
                (FORM, form(&[(name, &value)])),
                // Plus signs and all that were not percent-encoded.
                (FORM, format!("{name}={value}")),
                ("multipart/form-data; boundary=x", multipart(name, &value)),
                ("application/json", json!({ name: value }).to_string()),
                ("application/json", json!({ name: value.replace('+', " ") }).to_string()),
            ] {
                let server = Server::new();
                let answer = server.send(path, kind, body).await;
                assert_eq!(answer.status, 200, "{path} {name} {kind}: {}", answer.body);
                assert_eq!(answer.headers["content-type"], "application/json");
                assert_eq!(answer.body["order_status"], "0");
                assert_eq!(server.created("o1").fingerprint, expected);
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 20);
}

#[tokio::test]
async fn a_plain_request_is_repeated_by_an_encrypted_one() {
    let server = Server::new();
    let body = format!("{PLAIN}&terNO=42&{}", form(&[("public_key", PUBLIC)]));
    let first = server.send("/api/s2s", FORM, body).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    for path in PATHS {
        let again = server.send(path, FORM, form(&[("encrypted_data", &sealed(PLAIN))])).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(again.headers["idempotent-replayed"], "true");
    }
    let other = server.create(&sealed(&PLAIN.replace("11.11", "11.12"))).await;
    assert_eq!(other.number(), (409, "5012"));
}

#[tokio::test]
async fn what_is_inside_counts_and_names_its_terminal_itself() {
    let inside = format!("{PLAIN}&terNO=7&public_key=x&source=&=nameless&unique_reference=");
    let outside = json!({"encrypted_data": sealed(&inside), "bill_amt": "99.99", "source": "outer",
        "reference": [], "terNO": 9, "public_key": STRANGER, "bill_city": "Bern"});
    let server = Server::new();
    let answer = server.send(PATHS[0], "application/json", outside.to_string()).await;
    assert_eq!(
        (answer.status, &answer.body["bill_amt"]),
        (200, &json!("11.11")),
        "{}",
        answer.body
    );
    let request = server.created("o1").request;
    // An empty value inside is none, and leaves the outer one.
    assert_eq!(request.source.as_deref(), Some("outer"));
    assert_eq!(request.customer.city.as_deref(), Some("Bern"));
    assert_eq!(request.customer.full_name.as_deref(), Some("Zoë Müller"));
}

#[tokio::test]
async fn aes256_inside_gives_an_address_with_a_token() {
    let server = Server::new();
    let answer = server.create(&sealed(&format!("{PLAIN}&encryption_method=aes256"))).await;
    let id = answer.body["transID"].as_str().unwrap();
    let token = answer.body["authurl"].as_str().unwrap().rsplit_once('/').unwrap().1;
    assert_eq!((token.len(), token.contains(id)), (44, false), "{token}");
    let status = answer.body["authstatus"].as_str().unwrap();
    assert_eq!(status, format!("https://pay.example/api/authurl/s2s/{id}"));
}

#[tokio::test]
async fn what_was_understood_is_told_what_is_wrong_with_its_fields() {
    for (inside, expected) in [
        (PLAIN.replace("bill_amt", "x"), (400, "1111")),
        (PLAIN.replace("11.11", "0"), (400, "1112")),
        (PLAIN.replace("mop=CC", "mop=NB"), (400, "1052")),
        ("reference=o1".to_owned(), (400, "1040")),
        (format!("{PLAIN}&mop=CC"), (400, "1043")),
        (format!("{PLAIN}&{}", "a=1&".repeat(300)), (400, "1043")),
    ] {
        let answer = Server::new().create(&sealed(&inside)).await;
        assert_eq!(answer.number(), expected, "{inside}: {}", answer.body);
    }
    let answer = Server::new().create(&sealed("reference=o1")).await;
    assert_eq!(answer.body["reference"], "o1");
    assert!(answer.body["errors"].as_array().unwrap().len() > 5, "{}", answer.body);
    assert!(!answer.body.to_string().contains("terNO"));
}

#[tokio::test]
async fn who_may_not_call_is_told_so_before_anything_is_decrypted() {
    let good = sealed(PLAIN);
    let answer = Server::new().create(&good.replace(PUBLIC, STRANGER)).await;
    assert_eq!(answer.number(), (401, "101"));
    let inactive = Server::with(|world| world.terminal.get_mut().unwrap().active = false);
    assert_eq!(inactive.create(&good).await.number(), (403, "102"));
    let elsewhere = Server::with(|world| {
        let settings = &mut world.terminal.get_mut().unwrap().settings;
        settings.allowed_addresses = vec!["198.51.100.0/24".parse().unwrap()];
    });
    let body = form(&[("encrypted_data", &good)]);
    let answer = elsewhere.send_from(Some("192.0.2.1"), PATHS[0], FORM, body.into()).await;
    assert_eq!(answer.number(), (403, "103"));
    let server = Server::new();
    for body in ["", "encrypted_data=", "x=1"] {
        let answer = server.send(PATHS[0], FORM, body).await;
        assert_eq!(answer.number(), (400, "1040"));
        assert_eq!(answer.body["errors"][0]["field"], "encrypted_data");
    }
    let both = form(&ENVELOPE_FIELDS.map(|name| (name, good.as_str())));
    assert_eq!(server.send(PATHS[1], FORM, both).await.number(), (400, "1043"));
    let twice = form(&[("encrypted_data", &good), ("encrypted_data", &good)]);
    let answer = server.send(PATHS[1], FORM, twice).await;
    assert_eq!(answer.body["errors"][0]["field"], "encrypted_data");
    assert_eq!(server.send(PATHS[0], "text/plain", "x").await.status, 415);
    let lines = server.world.audits.lock().unwrap();
    assert!(lines.iter().all(|line| (line.action, line.result) == ("create_payment", "refused")));
}

/// Answer of a ciphertext that cannot be understood, to compare others with.
async fn refusal() -> Answer {
    let answer = Server::new().create(&format!("{}{PUBLIC}", "A".repeat(64))).await;
    assert_eq!(answer.number(), (400, "5001"), "{}", answer.body);
    answer
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let expected = refusal().await;
    let a = |plain: &[u8]| format!("{}{PUBLIC}", sealed_by(Recipe::A, PRIVATE, plain));
    let other_key = STRANGER.replace('V', "A");
    let cases = [
        (
            "another private key",
            format!("{}{PUBLIC}", sealed_by(Recipe::A, &other_key, PLAIN.as_bytes())),
        ),
        (
            "the same, recipe B",
            format!("{}{PUBLIC}", sealed_by(Recipe::B, &other_key, PLAIN.as_bytes())),
        ),
        ("no ciphertext", PUBLIC.to_owned()),
        ("no base64", format!("{}{PUBLIC}", "é!".repeat(20))),
        ("one byte", format!("AA{PUBLIC}")),
        ("too short for a key", "x".to_owned()),
        ("no key at the end", sealed_by(Recipe::A, PRIVATE, PLAIN.as_bytes())),
        ("a key of the wrong form", format!("{}x", sealed(PLAIN))),
        (
            "letters of two bytes where the key begins",
            format!("{}{PUBLIC}", "é").replace("é", "éé="),
        ),
        ("nothing inside", a(b"")),
        ("no pairs", a(b"bill_amt")),
        ("no value", a(b"bill_amt=&mop=")),
        ("no known name", a(b"amount=1&x=2")),
        ("JSON", a(br#"{"bill_amt": "11.11"}"#)),
        ("a line feed", a(b"bill_amt=11.11\n&mop=CC")),
        ("not UTF-8", a(b"bill_amt=11.11&fullname=\xff")),
    ];
    for (what, value) in cases {
        let server = Server::new();
        let answer = server.create(&value).await;
        assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{what}");
        assert_eq!(answer.headers, expected.headers, "{what}");
        let lines = server.world.audits.lock().unwrap();
        assert_eq!(lines.last().unwrap().detail, "5001:encrypted_data", "{what}");
    }
    let list = json!({"encrypted_data": [sealed(PLAIN)]}).to_string();
    let answer = Server::new().send(PATHS[1], "application/json", list).await;
    assert_eq!(answer.body, expected.body);
}

fn below(dice: &mut Dice, end: usize) -> usize {
    usize::try_from(dice.below(u64::try_from(end).unwrap())).unwrap()
}

/// Changes bytes of a ciphertext, never to the same.
fn mutated(dice: &mut Dice, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let blocks = bytes.len() / 16;
    match below(dice, 8) {
        // Single bits, and some at once.
        0 => bytes[below(dice, original.len())] ^= 1 << below(dice, 8),
        1 => (0..4).for_each(|_| bytes[below(dice, original.len())] ^= 1 << below(dice, 8)),
        // Truncated by blocks, and anywhere.
        2 => bytes.truncate(16 * below(dice, blocks)),
        3 => bytes.truncate(below(dice, original.len())),
        // Extended by some of its own blocks, and by random bytes.
        4 => bytes.extend_from_within(16 * below(dice, blocks)..),
        5 => {
            (0..=below(dice, 48)).for_each(|_| bytes.push(u8::try_from(below(dice, 256)).unwrap()));
        }
        // Two blocks swapped, or one repeated in place of another.
        6 => {
            let (one, two) = (below(dice, blocks), below(dice, blocks));
            (0..16).for_each(|byte| bytes.swap(16 * one + byte, 16 * two + byte));
        }
        // As an oracle is asked: what is known, garbage, and a block of interest behind it.
        _ => {
            let block = 16 * below(dice, blocks);
            (0..16).for_each(|_| bytes.push(u8::try_from(below(dice, 256)).unwrap()));
            bytes.extend_from_slice(&original[block..block + 16]);
        }
    }
    bytes
}

#[tokio::test]
async fn ten_thousand_changed_ciphertexts_get_one_answer() {
    let expected = refusal().await;
    let server = Server::new();
    let dice = &mut Dice::new(1);
    let text = sealed_by(Recipe::A, PRIVATE, PLAIN.as_bytes());
    let original = URL_SAFE_NO_PAD.decode(&text).unwrap();
    let mut asked = 0;
    while asked < 10_000 {
        let bytes = mutated(dice, &original);
        if bytes == original {
            continue;
        }
        asked += 1;
        // Nearly all in the form of recipe A, some as recipe B.
        let text = match below(dice, 5) {
            0 => URL_SAFE_NO_PAD.encode(base64::engine::general_purpose::STANDARD.encode(&bytes)),
            _ => URL_SAFE_NO_PAD.encode(&bytes),
        };
        let answer = server.create(&format!("{text}{PUBLIC}")).await;
        // Of blocks that were changed, one in 350,000 looks like text: with these dice, none.
        assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{text}");
        assert_eq!(answer.headers, expected.headers);
    }
    // And characters of the text itself, key and all: the key's form, or its owner, may go.
    let good = sealed(PLAIN);
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    for place in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
        let answer = server.create(&String::from_utf8(changed).unwrap()).await;
        *numbers.entry(answer.number().1.to_owned()).or_default() += 1;
        let (of_text, of_key) = (place < good.len() - 44, place >= good.len() - 44);
        assert!(answer.number() == (400, "5001") || (of_key && answer.number() == (401, "101")));
        assert!(!of_text || answer.body == expected.body);
    }
    assert_eq!(numbers.keys().collect::<Vec<_>>(), ["101", "5001"]);
    assert_eq!(server.world.payments.lock().unwrap().len(), 1, "nothing was created");
}

/// The median time of an answer, in nanoseconds, to each of these by turns.
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
async fn median_times<const N: usize>(server: &Server, values: [&str; N]) -> [u128; N] {
    let mut times = [const { Vec::new() }; N];
    for _round in 0..400 {
        for (times, value) in times.iter_mut().zip(values) {
            let began = Instant::now();
            let answer = server.create(value).await;
            times.push(began.elapsed().as_nanos());
            assert_eq!(answer.number(), (400, "5001"));
        }
        server.world.audits.lock().unwrap().clear();
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

#[tokio::test]
async fn the_time_of_the_answer_does_not_tell_what_is_wrong() {
    let server = Server::new();
    // As long as the good one in every class, and wrong in one respect each.
    let good = PLAIN.as_bytes();
    let bytes = URL_SAFE_NO_PAD.decode(sealed_by(Recipe::A, PRIVATE, good)).unwrap();
    let envelope = |bytes: &[u8]| format!("{}{PUBLIC}", URL_SAFE_NO_PAD.encode(bytes));
    let contents = good.iter().map(|byte| if *byte == b'=' { b'-' } else { *byte });
    let contents: Vec<u8> = contents.collect();
    let unknown =
        envelope(&URL_SAFE_NO_PAD.decode(sealed_by(Recipe::A, PRIVATE, &contents)).unwrap());
    let mut binary = good.to_vec();
    binary[good.len() - 1] = 0xff;
    let binary = envelope(&URL_SAFE_NO_PAD.decode(sealed_by(Recipe::A, PRIVATE, &binary)).unwrap());
    let padding = envelope(&padded_wrongly(good, bytes.len()));
    let both = [&good[..good.len() - 1], b"\xff"].concat();
    let both = envelope(&padded_wrongly(&both, bytes.len()));
    let malformed = envelope(&bytes).replacen(|_: char| true, "!", 1);
    let [padding, both, unknown, binary, malformed] =
        median_times(&server, [&padding, &both, &unknown, &binary, &malformed]).await;
    let per_mille = |time: u128| time * 1000 / padding;
    println!(
        "padding wrong: {padding} ns; of it, in per mille: padding wrong and not UTF-8 {}, no known \
         field {}, not UTF-8 {}, not base64 {}",
        per_mille(both),
        per_mille(unknown),
        per_mille(binary),
        per_mille(malformed)
    );
    for time in [both, unknown, binary, malformed] {
        assert!((333..=3000).contains(&per_mille(time)), "{time} ns against {padding} ns");
    }
}

/// Contents that are right in everything but their padding.
fn padded_wrongly(plain: &[u8], length: usize) -> Vec<u8> {
    // Encrypted as contents of one block more, whose own padding is then cut off.
    let mut padded = plain.to_vec();
    padded.resize(length, b'x');
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed_by(Recipe::A, PRIVATE, &padded)).unwrap();
    bytes.truncate(length);
    let private = SecretText::new(PRIVATE.to_owned());
    let keys = Keys { public: PUBLIC, private: &private };
    let opened = Ciphertext::parse(&URL_SAFE_NO_PAD.encode(&bytes)).unwrap().decrypt(keys).unwrap();
    assert_eq!((opened.is_padded(), opened.contents()), (false, padded.as_slice()));
    bytes
}

#[tokio::test]
async fn an_address_that_only_tries_is_not_answered_any_more() {
    let server = Server::new();
    let ask = |from: &'static str, path: &'static str, value: String| {
        let body = form(&[("encrypted_data", &value)]);
        server.send_from(Some(from), path, FORM, body.into())
    };
    let wrong = sealed(PLAIN).replacen('A', "B", 1);
    for path in PATHS.into_iter().cycle().take(31) {
        assert_eq!(ask("192.0.2.1", path, wrong.clone()).await.number(), (400, "5001"));
    }
    for path in [PATHS[0], PATHS[1], "/api/transactions/refund-request"] {
        let answer = ask("192.0.2.1", path, sealed(PLAIN)).await;
        assert_eq!(answer.number(), (429, "429"), "what is right tells nothing either");
        assert_eq!(answer.headers["retry-after"], "60");
    }
    assert_eq!(ask("192.0.2.2", PATHS[0], sealed(PLAIN)).await.status, 200);
    // Plain requests have no oracle, and are served.
    let plain = format!("{PLAIN}&terNO=42&{}", form(&[("public_key", PUBLIC)]));
    let answer = server.send_from(Some("192.0.2.1"), PATHS[1], FORM, plain.into()).await;
    assert_eq!(answer.status, 200);
}

fn live(world: &mut World) {
    world.terminal.get_mut().unwrap().mode = Mode::Live;
    world.bank_is_for = Mode::Live;
    world.payments.get_mut().unwrap().values_mut().for_each(|payment| payment.mode = Mode::Live);
}

const REFUND: &str = "transID=417823250426141606&refundAmount=1.50&refundReference=r1";

#[tokio::test]
async fn an_encrypted_refund_proves_the_private_key() {
    let path = "/api/transactions/refund-request";
    for name in ENVELOPE_FIELDS {
        let server = Server::with(live);
        let answer = server.send(path, FORM, form(&[(name, &sealed(REFUND))])).await;
        assert_eq!((answer.status, &answer.body["order_status"]), (200, &json!("8")));
        let again = server.send(path, FORM, form(&[(name, &sealed(REFUND))])).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(server.world.refunds.lock().unwrap().len(), 1);
    }
    for (inside, expected) in [
        ("transID=417823250426141606", (400, "1502")),
        ("refundAmount=1.50", (400, "1040")),
        ("transID=999999250426141606&refundAmount=1.50", (404, "1500")),
        // A payment request that somebody recorded is no refund.
        (PLAIN, (400, "5001")),
    ] {
        let server = Server::with(live);
        // What stands beside the ciphertext is not proved, and does not count.
        let beside = [("transID", "417823250426141606"), ("refundAmount", "1.50")];
        let body = form(&[&[("encrypted_data", &*sealed(inside))], &beside[..]].concat());
        let answer = server.send(path, FORM, body).await;
        assert_eq!(answer.number(), expected, "{inside}: {}", answer.body);
        assert!(server.world.refunds.lock().unwrap().is_empty());
    }
    let expected = refusal().await;
    let server = Server::with(live);
    let wrong = sealed_by(Recipe::A, STRANGER, REFUND.as_bytes());
    let answer =
        server.send(path, FORM, form(&[("encrypted_data", &format!("{wrong}{PUBLIC}"))])).await;
    assert_eq!((answer.status, &answer.body), (400, &expected.body));
    let answer =
        server.send(path, FORM, form(&[("encrypted_data", &format!("{wrong}{STRANGER}"))])).await;
    assert_eq!(answer.number(), (401, "101"));
    // A private key that is shown as well must be right.
    let body = form(&[("encrypted_data", &sealed(REFUND))]);
    let request = Request::post(path).header("content-type", FORM);
    let request = request.header("authorization", "Bearer other").body(Body::from(body)).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(server.world.refunds.lock().unwrap().is_empty());
}
