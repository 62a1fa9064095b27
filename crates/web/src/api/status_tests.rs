//! The status query: who is answered by number and by reference, and who is turned away.

use crate::app::{Caller, router};
use crate::fake::World;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::payment::{Payment, State, WebhookEncryption};
use domain::text::Reference;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt as _;

const KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
const ID: &str = "417823250426141606";
const UNKNOWN: &str = "999999250426141606";
const STRANGER: &str = "V06QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

fn payment(draw: u64, reference: &str, attempt: i32) -> Payment {
    let at = testkit::fixture::now();
    let state = State::Cancelled { at, order: None };
    Payment { attempt, state, due_at: None, ..testkit::fixture::payment(draw, reference) }
}

struct Server {
    world: Arc<World>,
    router: Router,
}

impl Server {
    /// With these payments, at a gateway whose terminal is shaped so.
    fn with(payments: Vec<Payment>, shape: impl FnOnce(&mut World)) -> Self {
        let mut world = World::with(payment(317_823, "order 1", 1), testkit::fixture::now());
        world.terminal.get_mut().unwrap().public_keys = vec![KEY.to_owned()];
        world.payments.get_mut().unwrap().extend(payments.into_iter().map(|one| (one.id, one)));
        shape(&mut world);
        let world = Arc::new(world);
        Self { router: router(world.app()), world }
    }

    async fn ask_from(&self, from: &str, path: &str) -> (u16, Value) {
        let mut request = Request::get(format!("/api/authurl/s2s/{path}"));
        request.extensions_mut().unwrap().insert(Caller(from.parse().ok()));
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn ask(&self, path: &str) -> (u16, Value) {
        self.ask_from("", path).await
    }

    /// Which payment answers a merchant who shows the key.
    async fn found(&self, path: &str) -> Option<String> {
        let key = KEY.replace('+', "%2B").replace('=', "%3D");
        let (status, body) = self.ask(&format!("{path}?public_key={key}")).await;
        assert!([200, 404].contains(&status), "{path}: {body}");
        body["transID"].as_str().map(str::to_owned)
    }
}

fn id_of(draw: u64) -> String {
    PaymentId::new(testkit::fixture::now(), draw.to_le_bytes()).to_string()
}

#[tokio::test]
async fn by_number_no_key_is_needed_and_a_reference_needs_it() {
    let server = Server::with(Vec::new(), |_world| ());
    let (status, body) = server.ask(ID).await;
    assert_eq!((status, &*body["transID"].to_string()), (200, &*format!("\"{ID}\"")));
    for unknown in [UNKNOWN, "order%201", "", "41782325042614160", "x"] {
        if !unknown.is_empty() {
            let (status, body) = server.ask(unknown).await;
            assert_eq!((status, &*body["error_number"].to_string()), (404, "\"404\""));
        }
    }
    assert_eq!(server.found("order%201").await.as_deref(), Some(ID));
    // The key as a browser's form would write it, as it stands, and twice.
    for query in
        [KEY.to_owned(), KEY.replace('+', " ").replace(' ', "%20"), format!("{KEY}&public_key=x")]
    {
        let (status, _) = server.ask(&format!("order%201?public_key={query}")).await;
        assert_eq!(status, 200, "{query}");
    }
    assert_eq!(server.ask(&format!("order%201?public_key={STRANGER}")).await.0, 401);
    assert_eq!(server.ask(&format!("{ID}?public_key=")).await.0, 401);
}

#[tokio::test]
async fn every_reference_can_be_asked_for() {
    for reference in ["a/b", "a%2Fb", "a?b#c", "a+b", "a b", "Zoë 東京", "..", "&=;", "s2s", "%"]
    {
        let server = Server::with(vec![payment(5, reference, 1)], |_world| ());
        let bytes: Vec<String> = reference.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let encoded = bytes.concat();
        assert_eq!(server.found(&encoded).await, Some(id_of(5)), "{reference}");
    }
    let server = Server::with(Vec::new(), |_world| ());
    let (status, body) = server.ask("%FF").await;
    assert_eq!((status, &*body["error_number"].to_string()), (400, "\"1043\""), "{body}");
    assert_eq!(body["errors"][0]["field"], "transID");
}

#[tokio::test]
async fn the_newest_attempt_answers_and_other_terminals_attempts_do_not() {
    let other_terminal = Payment { terminal: TerminalNumber(43), ..payment(9, "order 2", 7) };
    let attempts = vec![payment(7, "order 2", 2), payment(8, "order 2", 1), other_terminal];
    let server = Server::with(attempts, |_world| ());
    assert_eq!(server.found("order%202").await, Some(id_of(7)));
    let only_other = Payment { terminal: TerminalNumber(43), ..payment(9, "order 3", 1) };
    assert_eq!(Server::with(vec![only_other], |_world| ()).found("order%203").await, None);
}

#[tokio::test]
async fn a_reference_that_looks_like_a_number_is_found() {
    let named = |draw, reference: &str| payment(draw, reference, 1);
    let server = Server::with(vec![named(5, UNKNOWN)], |_world| ());
    assert_eq!(server.found(UNKNOWN).await, Some(id_of(5)));
    // It is the number of a payment of the same merchant: that one is meant.
    let server = Server::with(vec![named(5, ID)], |_world| ());
    assert_eq!(server.found(ID).await.as_deref(), Some(ID));
    // It is the number of another merchant's payment, which says nothing here.
    let server = Server::with(vec![named(5, ID)], |world| {
        let payments = world.payments.get_mut().unwrap();
        payments.get_mut(&ID.parse().unwrap()).unwrap().merchant = MerchantId(2);
    });
    assert_eq!(server.found(ID).await, Some(id_of(5)));
}

#[tokio::test]
async fn a_terminal_may_demand_its_key() {
    let demands = |world: &mut World| {
        world.terminal.get_mut().unwrap().settings.status_requires_key = true;
    };
    let server = Server::with(Vec::new(), demands);
    let unknown = server.ask(UNKNOWN).await;
    assert_eq!((server.ask(ID).await, unknown.0), (unknown, 404));
    assert_eq!(server.found(ID).await.as_deref(), Some(ID));
    assert_eq!(server.found("order%201").await.as_deref(), Some(ID));
    // Not with the key of the merchant's other terminal.
    let server = Server::with(Vec::new(), |world| {
        demands(world);
        let payments = world.payments.get_mut().unwrap();
        payments.get_mut(&ID.parse().unwrap()).unwrap().terminal = TerminalNumber(43);
    });
    assert_eq!(server.found(ID).await, None);
    // And what it hides counts as a guess.
    for _guess in 0..31 {
        assert_eq!(server.ask_from("192.0.2.1", ID).await.0, 404);
    }
    assert_eq!(server.ask_from("192.0.2.1", ID).await.0, 429);
    let customer = Request::get(format!("/api/authurl/{ID}/result")).body(Body::empty()).unwrap();
    let page = server.router.clone().oneshot(customer).await.unwrap();
    assert_eq!(page.status(), 200, "the customer's page has no key");
}

#[tokio::test]
async fn guesses_of_numbers_tokens_and_keys_count_together_and_the_key_frees_from_it() {
    let server = Server::with(Vec::new(), |_world| ());
    let token = format!("{}=", "A".repeat(43));
    let stranger = format!("order%201?public_key={STRANGER}");
    let guesses = [UNKNOWN, "order%201", &token, &stranger];
    for guess in guesses.iter().cycle().take(31) {
        assert!([401, 404].contains(&server.ask_from("192.0.2.1", guess).await.0), "{guess}");
    }
    for guess in [UNKNOWN, ID, &token, &stranger] {
        let (status, body) = server.ask_from("192.0.2.1", guess).await;
        assert_eq!((status, &*body["error_number"].to_string()), (429, "\"429\""), "{guess}");
    }
    let path = format!("{ID}?public_key={KEY}");
    assert_eq!(server.ask_from("192.0.2.1", &path).await.0, 200);
    for _order in 0..100 {
        let path = format!("lost-order?public_key={KEY}");
        assert_eq!(server.ask_from("192.0.2.2", &path).await.0, 404);
    }
    assert_eq!(
        server.ask_from("192.0.2.2", ID).await.0,
        200,
        "a merchant's questions do not count"
    );
}

#[tokio::test]
async fn a_terminal_that_is_off_still_tells_and_an_inactive_merchants_does_not() {
    let server = Server::with(Vec::new(), |world| world.terminal.get_mut().unwrap().active = false);
    assert_eq!(server.found("order%201").await.as_deref(), Some(ID));
    let server =
        Server::with(Vec::new(), |world| world.terminal.get_mut().unwrap().merchant_active = false);
    assert_eq!(server.ask(&format!("order%201?public_key={KEY}")).await.0, 403);
}

#[tokio::test]
async fn the_status_of_an_encrypted_payment_keeps_its_number() {
    let server = Server::with(Vec::new(), |_world| ());
    let id = ID.parse().unwrap();
    let expires_at = testkit::fixture::now().plus(std::time::Duration::from_mins(15));
    {
        let mut payments = server.world.payments.lock().unwrap();
        let paid = payments.get_mut(&id).unwrap();
        Arc::make_mut(&mut paid.request).webhook_encryption = WebhookEncryption::Aes256;
        paid.state = State::Waiting { expires_at };
        paid.reference = Reference::parse("order 1").unwrap();
    }
    let (status, body) = server.ask(ID).await;
    assert_eq!(status, 200);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    assert!(text("authstatus").ends_with(ID), "{body}");
    let token = text("authurl").rsplit_once('/').unwrap().1.to_owned();
    assert_eq!(token.len(), 44);
    assert_eq!(server.ask(&token).await.0, 404, "the token is for the customer");
}
