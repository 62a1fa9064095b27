//! Every refusal of a refund, with its number, its audit line, and nothing changed; also on live
//! terminals, which no sandbox serves.

use super::refund::REFUND_FIELDS;
use crate::app::{App, Caller, router};
use crate::developers::parameters::{Kind, REFUND_PARAMETERS};
use crate::fake::World;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use domain::call::{Because, Reversing};
use domain::id::{MerchantId, TerminalNumber};
use domain::money::{Currency, Money};
use domain::outcome::{BankFacts, DeclineReason, Outcome};
use domain::payment::{Hold, Payment, State, Taken};
use domain::terminal::Mode;
use domain::time::Timestamp;
use engine::changeset::StoredTerminal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

/// 44 characters, as keys have.
const KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";

fn created_at() -> Timestamp {
    testkit::fixture::now()
}

fn approved() -> State {
    let taken = Taken::whole("417823250426141606-1".to_owned(), 1111);
    State::Approved { at: created_at(), bank: BankFacts::default(), taken }
}

fn payment(state: State) -> Payment {
    Payment { state, due_at: None, ..testkit::fixture::payment(317_823, "order 1") }
}

/// A merchant's server before a gateway with one payment of 11.11 USD.
struct Server {
    world: Arc<World>,
    app: App,
}

impl Server {
    fn of(payment: Payment, shape: impl FnOnce(&mut World)) -> Self {
        let mut world = World::with(payment, created_at().plus(Duration::from_mins(1)));
        world.terminal.get_mut().unwrap().public_keys = vec![KEY.to_owned()];
        shape(&mut world);
        let world = Arc::new(world);
        Self { app: world.app(), world }
    }

    fn with(state: State) -> Self {
        Self::of(payment(state), |_world| ())
    }

    fn at_terminal(change: impl FnOnce(&mut StoredTerminal)) -> Self {
        Self::of(payment(approved()), |world| change(world.terminal.get_mut().unwrap()))
    }

    fn payment(&self) -> Payment {
        self.world.payments.lock().unwrap().values().next().unwrap().clone()
    }

    async fn ask(&self, changes: Value) -> (u16, Value) {
        self.ask_with("", changes).await
    }

    async fn ask_with(&self, authorization: &str, changes: Value) -> (u16, Value) {
        let mut body = json!({"public_key": KEY, "transID": self.payment().id.to_string(),
            "refundAmount": "1.00"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let mut request = Request::post("/api/transactions/refund-request")
            .header("content-type", "application/json");
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(Caller("192.0.2.1".parse().ok()));
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 100_000).await.unwrap();
        self.app.gateway.finish_tasks().await;
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// The request is refused so, leaves this line in the audit log, and changes nothing.
    #[track_caller]
    fn refused(
        &self,
        before: &Payment,
        answer: &(u16, Value),
        status: u16,
        number: &str,
        field: &str,
    ) {
        let (given, body) = answer;
        assert_eq!((*given, &body["error_number"]), (status, &json!(number)), "{body}");
        assert_eq!(body["errors"][0]["field"].as_str().unwrap_or_default(), field, "{body}");
        let audits = self.world.audits.lock().unwrap();
        let line = audits.last().expect("an audit line");
        let told = if field.is_empty() { number.to_owned() } else { format!("{number}:{field}") };
        assert_eq!((line.action, line.result), ("request_refund", "refused"));
        assert_eq!((line.actor, &line.detail), ("terminal", &told));
        // Told once it is certain: not of a caller that was turned away before.
        let unknown =
            ["101", "102", "103"].contains(&number) || ["public_key", "terNO"].contains(&field);
        let terminal = (!unknown).then_some(TerminalNumber(42));
        assert_eq!((line.terminal, line.caller), (terminal, "192.0.2.1".parse().ok()));
        assert_eq!(audits.len(), 1);
        assert_eq!(&self.payment(), before);
        assert!(self.world.refunds.lock().unwrap().is_empty());
    }
}

async fn refuses(server: &Server, changes: Value, expected: (u16, &str, &str)) -> Value {
    let before = server.payment();
    let answer = server.ask(changes).await;
    server.refused(&before, &answer, expected.0, expected.1, expected.2);
    answer.1
}

fn states() -> Vec<(State, &'static str)> {
    let at = created_at();
    let bank = BankFacts::default();
    let hold = Hold { at, bank: bank.clone(), our_reference: "x".to_owned() };
    let reversing = Reversing {
        our_reference: "x".to_owned(),
        original: "y".to_owned(),
        sent_at: at,
        since: at,
        tries: 0,
        because: Because::NotFound,
    };
    let later = at.plus(Duration::from_mins(15));
    vec![
        (State::Waiting { expires_at: later }, "waiting for its customer"),
        (State::Challenged { opened_at: at, expires_at: later }, "waiting for its customer"),
        (State::Reversing(reversing), "being reversed"),
        (State::Authorised(hold), "authorised and not captured"),
        (State::Reversed { at }, "reversed"),
        (State::Declined { at, reason: DeclineReason::Refused, bank }, "declined"),
        (State::Expired { at, order: None }, "expired"),
        (State::Cancelled { at, order: None }, "cancelled"),
        (State::Failed { at }, "failed"),
    ]
}

#[tokio::test]
async fn only_approved_payments_are_refunded_and_the_message_says_where_it_stands() {
    for (state, words) in states() {
        let server = Server::with(state);
        let body = refuses(&server, json!({}), (409, "1500", "")).await;
        let text = format!("a payment that is {words} cannot be refunded");
        assert_eq!(body["error_message"], text);
    }
}

#[tokio::test]
async fn strangers_and_wrong_words_are_told_and_noted() {
    let other_key = "AAAQnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
    for (changes, expected) in [
        (json!({"public_key": other_key}), (401, "101", "")),
        (json!({"terNO": 43}), (401, "101", "")),
        (json!({"public_key": null}), (400, "1040", "public_key")),
        (json!({"public_key": "short"}), (400, "1043", "public_key")),
        (json!({"terNO": "x"}), (400, "1043", "terNO")),
        (json!({"transID": null}), (400, "1040", "transID")),
        (json!({"transID": "417823"}), (400, "1043", "transID")),
        (json!({"transID": "100000200101000000"}), (404, "1500", "transID")),
        (json!({"refundAmount": null}), (400, "1502", "refundAmount")),
        (json!({"refundAmount": "0.00"}), (400, "1502", "refundAmount")),
        (json!({"refundAmount": "-1"}), (400, "1502", "refundAmount")),
        (json!({"refundAmount": "1e1"}), (400, "1502", "refundAmount")),
        (json!({"refundAmount": "11.12"}), (409, "1504", "refundAmount")),
        (json!({"refundReference": "x".repeat(129)}), (400, "1043", "refundReference")),
        (json!({"refundReason": "x".repeat(256)}), (400, "1043", "refundReason")),
    ] {
        refuses(&Server::with(approved()), changes, expected).await;
    }
}

#[tokio::test]
async fn another_ones_payment_is_unknown_in_the_same_words() {
    let unknown = Server::with(approved()).ask(json!({"transID": "100000200101000000"})).await;
    let of_terminal = Payment { terminal: TerminalNumber(43), ..payment(approved()) };
    let of_merchant = Payment { merchant: MerchantId(2), ..payment(approved()) };
    for foreign in [of_terminal, of_merchant] {
        let server = Server::of(foreign, |_world| ());
        assert_eq!(refuses(&server, json!({}), (404, "1500", "transID")).await, unknown.1);
    }
}

#[tokio::test]
async fn what_is_left_is_told_in_the_currency() {
    let server = Server::with(approved());
    let body = refuses(&server, json!({"refundAmount": "11.12"}), (409, "1504", "refundAmount"));
    let expected = "refundAmount is more than is left: at most 11.11 USD can be refunded";
    assert_eq!(body.await["error_message"], expected);
    let yen = Money::parse("500", Currency::from_code("JPY").unwrap()).unwrap();
    let taken = Taken::whole("x".to_owned(), 500);
    let state = State::Approved { at: created_at(), bank: BankFacts::default(), taken };
    let paid = Payment { amount: yen, ..payment(state) };
    let server = Server::of(paid.clone(), |_world| ());
    let body = refuses(&server, json!({"refundAmount": "501"}), (409, "1504", "refundAmount"));
    assert!(body.await["error_message"].as_str().unwrap().contains("at most 500 JPY"));
    let server = Server::of(paid, |_world| ());
    refuses(&server, json!({"refundAmount": "1.50"}), (400, "1502", "refundAmount")).await;
}

#[tokio::test]
async fn age_merchant_and_address_count_and_a_terminal_that_is_off_still_refunds() {
    let server = Server::at_terminal(|terminal| terminal.settings.refundable_days = 0);
    refuses(&server, json!({}), (409, "1505", "")).await;
    let server = Server::at_terminal(|terminal| terminal.merchant_active = false);
    refuses(&server, json!({}), (403, "102", "")).await;
    let server = Server::at_terminal(|terminal| {
        terminal.settings.allowed_addresses = vec!["198.51.100.0/24".parse().unwrap()];
    });
    refuses(&server, json!({}), (403, "103", "")).await;
    let server = Server::at_terminal(|terminal| terminal.active = false);
    let (status, body) = server.ask(json!({})).await;
    assert_eq!((status, &body["order_status"]), (200, &json!("8")), "{body}");
    assert!(server.world.audits.lock().unwrap().is_empty());
}

fn live(world: &mut World) {
    world.terminal.get_mut().unwrap().mode = Mode::Live;
    world.bank_is_for = Mode::Live;
}

fn live_payment() -> Payment {
    Payment { mode: Mode::Live, ..payment(approved()) }
}

#[tokio::test]
async fn a_live_terminal_needs_its_private_key() {
    let wrong = [
        "",
        "Basic private",
        "Bearer",
        "Bearer  ",
        "Bearer privat",
        "Bearer other",
        "private",
        &format!("Bearer {KEY}"),
    ];
    for authorization in wrong {
        let server = Server::of(live_payment(), live);
        let before = server.payment();
        let answer = server.ask_with(authorization, json!({})).await;
        server.refused(&before, &answer, 401, "1501", "");
        assert!(!answer.1.to_string().contains("privat\""), "{}", answer.1);
    }
    for right in ["Bearer private", "bearer private", "BEARER  private"] {
        let server = Server::of(live_payment(), live);
        let (status, body) = server.ask_with(right, json!({})).await;
        assert_eq!((status, &body["order_status"]), (200, &json!("8")), "{body}");
    }
    // On a test terminal it need not be shown, but a wrong one is a mistake.
    let server = Server::with(approved());
    let before = server.payment();
    let answer = server.ask_with("Bearer other", json!({})).await;
    server.refused(&before, &answer, 401, "1501", "");
}

#[tokio::test]
async fn both_keys_are_good_while_they_rotate_and_a_retired_one_is_not() {
    let retires_at = created_at().plus(Duration::from_mins(2)).micros();
    let secrets = json!({"keys": [
        {"text": "new", "created_at": 0, "retires_at": null},
        {"text": "old", "created_at": 0, "retires_at": retires_at},
    ], "webhook": []});
    let rotating = |world: &mut World| {
        live(world);
        let terminal = world.terminal.get_mut().unwrap();
        terminal.sealed_secrets = secrets.to_string().into_bytes();
        terminal.public_keys = vec![KEY.to_owned(), "old".to_owned()];
    };
    for (key, minutes, expected) in
        [("new", 1, 200), ("old", 1, 200), ("old", 2, 401), ("new", 2, 200), ("newer", 1, 401)]
    {
        let server = Server::of(live_payment(), rotating);
        *server.world.now.lock().unwrap() = created_at().plus(Duration::from_mins(minutes));
        let (status, body) = server.ask_with(&format!("Bearer {key}"), json!({})).await;
        assert_eq!(status, expected, "{key} after {minutes} min: {body}");
    }
}

#[tokio::test]
async fn a_terminal_without_a_bank_cannot_refund() {
    let server = Server::of(payment(approved()), |world| world.bank_is_for = Mode::Live);
    refuses(&server, json!({}), (422, "1503", "")).await;
}

#[tokio::test]
async fn guesses_are_counted_only_without_the_private_key() {
    let server = Server::of(payment(approved()), |_world| ());
    for _guess in 0..31 {
        let (status, _) = server.ask(json!({"transID": "100000200101000000"})).await;
        assert_eq!(status, 404);
    }
    assert_eq!(server.ask(json!({})).await.0, 429, "hits tell nothing");
    assert_eq!(server.ask_with("Bearer private", json!({})).await.0, 200);
}

#[tokio::test]
async fn the_same_reference_asks_for_the_same_refund() {
    let server = Server::with(approved());
    *server.world.outcome.lock().unwrap() =
        Outcome::Declined(DeclineReason::Refused, BankFacts::default());
    let named = json!({"refundReference": "r1", "refundAmount": 1.5});
    let (status, first) = server.ask(named.clone()).await;
    assert_eq!(status, 200);
    let wanted = json!({"order_status": "8", "status": "Request Processed",
        "refundAmount": "1.5", "refundReference": "r1", "refundStatus": "pending"});
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&first[name], value, "{name}");
    }
    assert_eq!(server.ask(named).await, (200, first), "the first answer again, though declined");
    let (status, body) = server.ask(json!({"refundReference": "r1"})).await;
    assert_eq!((status, &body["error_number"]), (409, &json!("5012")));
    assert_eq!(body["errors"][0]["field"], "refundReference");
    assert!(body["error_message"].as_str().unwrap().ends_with("by a refund of 1.50 USD"));
    assert_eq!(server.world.refunds.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_developers_table_names_what_is_read_and_its_errors() {
    let told: Vec<&str> = REFUND_PARAMETERS.iter().map(|parameter| parameter.name).collect();
    let mut read = REFUND_FIELDS.to_vec();
    assert_eq!(told.len(), read.len());
    read.retain(|field| !told.contains(field));
    assert!(read.is_empty(), "{read:?}");
    for parameter in REFUND_PARAMETERS {
        for wrong in [json!(null), json!([])] {
            if wrong.is_null() && !parameter.required {
                continue;
            }
            let (_, body) = Server::with(approved()).ask(json!({ parameter.name: wrong })).await;
            let number = body["error_number"].as_str().unwrap().parse().unwrap();
            assert!(parameter.errors.contains(&number), "{}: {body}", parameter.name);
            assert_eq!(body["errors"][0]["field"], parameter.name);
        }
        if let (Kind::Text, Some(most)) = (parameter.kind, parameter.max_length) {
            let longest = "x".repeat(most.into());
            let (status, _) =
                Server::with(approved()).ask(json!({ parameter.name: longest })).await;
            assert_eq!(status, 200, "{}", parameter.name);
        }
    }
}
