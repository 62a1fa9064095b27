//! Money back: `POST /api/transactions/refund-request` against the contract's section 5, judged
//! by the bank's own journal.

use crate::app::{
    Answer, Gateway, On, PUBLIC_KEY, Shop, command_on, eventually, on_both_databases, request_with,
};
use crate::flows::{secrets, verified};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_databases!(
    in_full_with_the_webhook_and_the_status,
    in_parts_up_to_the_limit_and_not_one_minor_unit_over,
    every_form_of_body_says_the_same,
    a_reference_names_one_refund_also_of_twenty_at_once,
    idempotency_keys_replay_and_refuse,
    webhooks_tell_of_each_part_in_order,
    a_refund_that_the_bank_declines_leaves_the_money_to_be_refunded,
    the_create_calls_answer_is_the_same_after_a_refund,
    the_customers_page_after_a_refund,
    parallel_refunds_never_exceed_what_was_paid,
    bad_input_is_refused_by_number_and_changes_nothing,
    payments_of_others_and_unpaid_ones_are_not_refunded,
    terminals_are_set_and_one_that_is_off_still_refunds,
    held_money_is_captured_in_part_and_refunded,
    held_money_is_released,
    operators_refund_and_look_beside_the_server,
    what_only_the_bank_can_end_is_listed_and_not_resolved_too_early,
);

const PATH: &str = "/api/transactions/refund-request";
/// Approved at once, so that a test has a paid payment in one call.
const APPROVED: &str = "4012000033330026";
/// The sandbox bank refuses a refund of this amount.
const REFUSED: &str = "13.13";
/// Payments that fifty refunds at once are asked of, and how many of them at a time.
const ROUNDS: usize = 200;
const WORKERS: usize = 8;

/// A payment of 20.00 USD, or as the changes say.
fn create(gateway: &Gateway, reference: &str, changes: Value) -> Answer {
    let mut body = request_with(reference, json!({"ccno": APPROVED, "bill_amt": "20.00"}));
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    body.as_object_mut().unwrap().extend(changes);
    gateway.post(&body)
}

fn paid(gateway: &Gateway, reference: &str, changes: Value) -> String {
    let answer = create(gateway, reference, changes);
    assert_eq!(answer.json()["order_status"], "25", "{}", answer.body);
    answer.id()
}

fn wish(id: &str, amount: &str) -> Value {
    json!({"transID": id, "refundAmount": amount, "public_key": PUBLIC_KEY})
}

fn named(id: &str, amount: &str, reference: &str) -> Value {
    let mut wish = wish(id, amount);
    wish["refundReference"] = json!(reference);
    wish
}

fn ask(gateway: &Gateway, body: &Value) -> Answer {
    ask_with(gateway, &[], body)
}

fn ask_with(gateway: &Gateway, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [&[("content-type", "application/json")], headers].concat();
    gateway.send("POST", PATH, &headers, &body.to_string())
}

/// An accepted refund, carried through to this status of the payment.
fn refunded(gateway: &Gateway, id: &str, amount: &str, status: &str) -> Answer {
    let answer = ask(gateway, &wish(id, amount));
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("the refund is decided", 10, || gateway.status(id)["order_status"] == status);
    answer
}

fn refused(answer: &Answer, status: u16, number: &str) {
    assert_eq!((answer.status, &answer.json()["error_number"]), (status, &json!(number)));
}

/// What the bank's journal has of a payment by kind: how many approved lines, and their sum.
fn at_the_bank(gateway: &Gateway, id: &str, kind: &str) -> (usize, i64) {
    let journal = gateway.bank_journal();
    let lines = journal.iter().filter(|line| {
        line["trans_id"] == id && line["kind"] == kind && line["result"] == "approved"
    });
    let amounts: Vec<i64> = lines.map(|line| line["amount_minor"].as_i64().unwrap()).collect();
    (amounts.len(), amounts.iter().sum())
}

fn shown(gateway: &Gateway, id: &str) -> Value {
    let output = gateway.run(&["payment", "show", id, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn in_full_with_the_webhook_and_the_status(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "full", json!({}));
    let answer = refunded(&gateway, &id, "20.00", "3");
    let body = answer.json();
    assert!(body.as_object().unwrap().values().all(Value::is_string), "{body}");
    for (name, value) in [
        ("transID", &*id),
        ("order_status", "8"),
        ("status", "Request Processed"),
        ("response", "Refund is being processed by the bank"),
        ("bill_amt", "20.0"),
        ("bill_currency", "USD"),
        ("reference", "full"),
        ("mop", "Visa"),
        ("ccno", "401200XXXXXX0026"),
        ("refundAmount", "20.0"),
        ("refundStatus", "pending"),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert!(body.get("refundReference").is_none() && body.get("authurl").is_none(), "{body}");
    assert!(answer.header("idempotent-replayed").is_none());
    let status = gateway.status(&id);
    assert_eq!((&status["status"], &status["bill_amt"]), (&json!("Refunded"), &json!("20.0")));
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (1, 2000));
    let more = ask(&gateway, &wish(&id, "0.01"));
    refused(&more, 409, "1504");
    assert!(more.body.contains("nothing is left"), "{}", more.body);
}

fn in_parts_up_to_the_limit_and_not_one_minor_unit_over(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    for (currency, amount, part, over, rest) in [
        ("USD", "20.00", "6.67", "13.34", "13.33"),
        ("JPY", "20", "7", "14", "13"),
        ("BHD", "20.00", "6.67", "13.34", "13.33"),
    ] {
        let changes = json!({"bill_currency": currency, "bill_amt": amount});
        let id = paid(&gateway, currency, changes);
        refunded(&gateway, &id, part, "12");
        let answer = ask(&gateway, &wish(&id, over));
        refused(&answer, 409, "1504");
        let left = format!("at most {}", if currency == "BHD" { "13.330" } else { rest });
        assert!(answer.body.contains(&format!("{left} {currency}")), "{}", answer.body);
        assert_eq!(gateway.status(&id)["order_status"], "12");
        refunded(&gateway, &id, rest, "3");
        refused(
            &ask(&gateway, &wish(&id, if currency == "JPY" { "1" } else { "0.01" })),
            409,
            "1504",
        );
    }
}

fn every_form_of_body_says_the_same(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "forms", json!({}));
    let fields = [
        ("transID", &*id),
        ("refundAmount", "1.5"),
        ("public_key", PUBLIC_KEY),
        ("refundReference", "form"),
        ("refundReason", "too small"),
        ("terNO", "42"),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let first = gateway.form(PATH, &form);
    assert_eq!(first.status, 200, "{}", first.body);
    let parts: String = fields
        .iter()
        .map(|(name, value)| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        })
        .collect();
    let media = ("content-type", "multipart/form-data; boundary=x");
    let multipart = gateway.send("POST", PATH, &[media], &format!("{parts}--x--\r\n"));
    let numbers = format!(
        r#"{{"transID":{id},"refundAmount":1.50,"public_key":"{PUBLIC_KEY}","terNO":42,"refundReference":"form"}}"#
    );
    let json = gateway.send("POST", PATH, &[("content-type", "application/json")], &numbers);
    for same in [multipart, json] {
        assert_eq!((same.status, &same.body), (200, &first.body));
        assert_eq!(same.header("idempotent-replayed"), Some("true"));
    }
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (1, 150));
}

fn a_reference_names_one_refund_also_of_twenty_at_once(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "named", json!({}));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || ask(&gateway, &named(&id, "1.00", "r1"));
        let all: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{answers:?}");
    let fresh = answers.iter().filter(|a| a.header("idempotent-replayed").is_none());
    assert_eq!(fresh.count(), 1);
    eventually("it is decided", 10, || gateway.status(&id)["order_status"] == "12");
    let again = ask(&gateway, &named(&id, "1.00", "r1"));
    assert_eq!(again.body, answers[0].body, "the first answer again, whatever became of it");
    let other = ask(&gateway, &named(&id, "1.01", "r1"));
    refused(&other, 409, "5012");
    assert_eq!(other.json()["errors"][0]["field"], "refundReference");
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (1, 100));
    // Another payment may use the same name.
    let second = paid(&gateway, "named 2", json!({}));
    assert_eq!(ask(&gateway, &named(&second, "2.00", "r1")).status, 200);
}

fn idempotency_keys_replay_and_refuse(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "keyed", json!({}));
    let send = |key: &str, body: &Value| ask_with(&gateway, &[("idempotency-key", key)], body);
    let first = send("\"k1\"", &wish(&id, "1.00"));
    assert_eq!(first.status, 200, "{}", first.body);
    let again = send("k1", &wish(&id, "1.00"));
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    refused(&send("k1", &wish(&id, "2.00")), 422, "422");
    refused(&send("k2", &wish(&id, "99.00")), 409, "1504");
    assert_eq!(send("k2", &wish(&id, "2.00")).status, 200, "a refused request leaves its key free");
    refused(&send(&"k".repeat(256), &wish(&id, "1.00")), 400, "1043");
    // A key of a payment is not a key of a refund.
    let json = ("content-type", "application/json");
    let payment = request_with("k3", json!({}));
    let headers = [json, ("idempotency-key", "k3")];
    assert_eq!(gateway.send("POST", "/api/s2s", &headers, &payment.to_string()).status, 200);
    refused(&send("k3", &wish(&id, "1.00")), 422, "422");
    let parallel: Vec<u16> = std::thread::scope(|scope| {
        let ask = || send("parallel", &wish(&id, "3.00")).status;
        let all: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(parallel.iter().all(|status| [200, 409].contains(status)), "{parallel:?}");
    assert!(parallel.contains(&200));
    eventually("all are decided", 10, || gateway.status(&id)["order_status"] == "12");
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (3, 600));
}

fn webhooks_tell_of_each_part_in_order(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let secret = secrets(&gateway, "42").remove(0);
    let id = paid(&gateway, "told", json!({"webhook_url": shop.url}));
    assert_eq!(ask(&gateway, &named(&id, "5.00", "part")).status, 200);
    eventually("a part is back", 10, || gateway.status(&id)["order_status"] == "12");
    refunded(&gateway, &id, REFUSED, "12");
    // The refused one changes no status: wait for its end.
    eventually("nothing is on its way", 10, || shown(&gateway, &id)["refunding_minor"] == 0);
    refunded(&gateway, &id, "15.00", "3");
    let mut all = shop.wait_for("four webhooks", 20, |list| list.len() >= 4);
    all.sort_by_key(|one| one.json()["sequence"].as_str().unwrap().parse::<u32>().unwrap());
    let expected = [
        ("1", "25", None, None, "Payment successful"),
        ("2", "12", Some("5.0"), Some("refunded"), "Payment refunded in part"),
        ("3", "12", Some("13.13"), Some("declined"), "Refund declined by the bank, no money moved"),
        ("4", "3", Some("15.0"), Some("refunded"), "Payment refunded in full"),
    ];
    for (webhook, (sequence, status, amount, refund, response)) in all.iter().zip(expected) {
        assert!(verified(webhook, &secret), "{webhook:?}");
        let told = webhook.json();
        assert_eq!(webhook.header("webhook-id"), format!("msg_{id}_{sequence}"));
        assert_eq!(told["sequence"], sequence, "{told}");
        assert_eq!((&told["order_status"], &told["response"]), (&json!(status), &json!(response)));
        assert_eq!(told.get("refundAmount").and_then(Value::as_str), amount, "{told}");
        assert_eq!(told.get("refundStatus").and_then(Value::as_str), refund, "{told}");
        let reference = told.get("refundReference").and_then(Value::as_str);
        assert_eq!(reference, (sequence == "2").then_some("part"));
    }
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (2, 2000));
}

fn a_refund_that_the_bank_declines_leaves_the_money_to_be_refunded(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "declined", json!({}));
    assert_eq!(ask(&gateway, &named(&id, REFUSED, "r")).status, 200);
    eventually("it is declined", 10, || gateway.status(&id)["order_status"] == "25");
    assert_eq!(shown(&gateway, &id)["refunds"][0]["state"], "declined");
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (0, 0));
    refunded(&gateway, &id, "20.00", "3");
}

fn the_create_calls_answer_is_the_same_after_a_refund(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let first = create(&gateway, "again", json!({}));
    refunded(&gateway, &first.id(), "20.00", "3");
    let again = create(&gateway, "again", json!({}));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = create(&gateway, "again", json!({"bill_amt": "1.00"}));
    refused(&other, 409, "5012");
}

fn the_customers_page_after_a_refund(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "page", json!({}));
    let page = || gateway.get(&format!("{}/result", Gateway::page(&id)));
    assert!(page().body.contains("Payment approved"));
    refunded(&gateway, &id, "1.00", "12");
    assert!(page().body.contains("Partly refunded"), "{}", page().body);
    refunded(&gateway, &id, "19.00", "3");
    assert!(page().body.contains("Payment refunded"), "{}", page().body);
    assert_eq!(gateway.get(&Gateway::page(&id)).location()["order_status"], "3");
}

/// Of many at once no more is given back than was paid, whatever their amounts.
fn parallel_refunds_never_exceed_what_was_paid(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start_at_level(&data, "warn");
    let round = |number: usize| {
        let id = paid(&gateway, &format!("round {number}"), json!({}));
        // Each alone fits, two of 60 % do not; in every second round amounts are mixed.
        let amount = |place: usize| match (number % 2, place % 5) {
            (0, _) => "12.00",
            (_, 0) => "12.00",
            (_, 1) => "0.01",
            (_, 2) => "7.99",
            (_, 3) => "3.33",
            _ => "20.00",
        };
        let answers: Vec<(&str, Answer)> = std::thread::scope(|scope| {
            let send = |place: usize| {
                let (id, gateway) = (&id, &gateway);
                scope.spawn(move || (amount(place), ask(gateway, &wish(id, amount(place)))))
            };
            let all: Vec<_> = (0..50).map(send).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let minor = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        let mut accepted = 0;
        for (amount, answer) in &answers {
            match answer.status {
                200 => accepted += minor(amount),
                _ => refused(answer, 409, "1504"),
            }
        }
        (id, accepted)
    };
    let accepted: BTreeMap<String, i64> = std::thread::scope(|scope| {
        let work = |worker: usize| {
            let round = &round;
            scope.spawn(move || (worker..ROUNDS).step_by(WORKERS).map(round).collect::<Vec<_>>())
        };
        let workers: Vec<_> = (0..WORKERS).map(work).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(accepted.len(), ROUNDS);
    for id in accepted.keys() {
        eventually("all refunds are decided", 30, || {
            ["12", "3"].contains(&gateway.status(id)["order_status"].as_str().unwrap())
        });
    }
    let mut bank: BTreeMap<String, i64> = BTreeMap::new();
    for line in gateway.bank_journal() {
        if line["kind"] == "refund" {
            assert_eq!(line["result"], "approved", "the gateway asked for too much: {line}");
            assert_eq!(line["times_asked"], 1);
            *bank.entry(line["trans_id"].as_str().unwrap().to_owned()).or_default() +=
                line["amount_minor"].as_i64().unwrap();
        }
    }
    assert_eq!(bank, accepted, "the bank gave back what the gateway accepted");
    let over = bank.values().filter(|sum| **sum > 2000).count();
    assert_eq!(over, 0, "over-refunds");
    for (id, sum) in &bank {
        let expected = if *sum == 2000 { "3" } else { "12" };
        assert_eq!(gateway.status(id)["order_status"], expected, "{id}: {sum}");
    }
}

/// A case: what is changed of a good request, the HTTP status, the numbers.
fn bad_input(id: &str) -> Vec<(Value, u16, Vec<&'static str>)> {
    let mut cases = Vec::new();
    let mut add = |field: &str, value: Value, status: u16, number: &'static str| {
        cases.push((json!({ field: value }), status, vec![number]));
    };
    for absent in [json!(null), json!(""), json!("  ")] {
        add("public_key", absent.clone(), 400, "1040");
        add("transID", absent.clone(), 400, "1040");
        add("refundAmount", absent, 400, "1502");
    }
    for wrong in [json!([]), json!({}), json!(true), json!(["1"])] {
        add("public_key", wrong.clone(), 400, "1043");
        add("transID", wrong.clone(), 400, "1043");
        add("refundAmount", wrong.clone(), 400, "1502");
        add("refundReference", wrong.clone(), 400, "1043");
        add("refundReason", wrong.clone(), 400, "1043");
        add("terNO", wrong, 400, "1043");
    }
    for amount in [
        "0",
        "0.00",
        "-1",
        "+1",
        "1,00",
        "1.",
        ".5",
        "1.001",
        "1e1",
        "0x1",
        "NaN",
        "١",
        "123456789",
        "1 0",
        "1.00 USD",
        "99999999999999999999",
        "'; DROP TABLE refunds; --",
    ] {
        add("refundAmount", json!(amount), 400, "1502");
    }
    add("refundAmount", json!(-1), 400, "1502");
    add("refundAmount", json!(1.005), 400, "1502");
    add("refundAmount", json!(1e30), 400, "1502");
    add("refundAmount", json!("99999999.99"), 409, "1504");
    for number in ["1", "x", "017823250426141606", &format!("{id}0"), &id[1..], "../42", "-17"] {
        add("transID", json!(number), 400, "1043");
    }
    add("transID", json!("999999991231235959"), 404, "1500");
    add("terNO", json!("x"), 400, "1043");
    add("terNO", json!(-42), 400, "1043");
    add("terNO", json!(43), 401, "101");
    add("public_key", json!("AAAQnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="), 401, "101");
    add("refundReference", json!("x".repeat(129)), 400, "1043");
    add("refundReference", json!("a\nb"), 400, "1043");
    add("refundReason", json!("x".repeat(256)), 400, "1043");
    add("refundReason", json!("a\u{0}b"), 400, "1043");
    let many = json!({"transID": "x", "refundAmount": "x", "refundReference": "\u{7f}",
        "refundReason": [], "public_key": null, "terNO": "x"});
    cases.push((many, 400, vec!["1040", "1043", "1043", "1502", "1043", "1043"]));
    cases
}

fn bad_input_is_refused_by_number_and_changes_nothing(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "bad", json!({}));
    let cases = bad_input(&id);
    assert!(cases.len() >= 40, "{}", cases.len());
    for (changes, status, numbers) in cases {
        let mut body = wish(&id, "1.00");
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = ask(&gateway, &body);
        assert_eq!(answer.status, status, "{changes}: {}", answer.body);
        let errors = answer.json()["errors"].clone();
        let given: Vec<&str> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["error_number"].as_str().unwrap())
            .collect();
        assert_eq!(given, numbers, "{changes}: {}", answer.body);
    }
    let json = ("content-type", "application/json");
    for (media, body, status) in [
        ("application/json", "", 400),
        ("application/json", "[]", 400),
        ("application/json", "{", 400),
        ("application/json", "{\"transID\":1,\"transID\":2}", 400),
        ("text/plain", "{}", 415),
        ("multipart/form-data", "", 415),
        ("application/x-www-form-urlencoded", "transID=1&transID=2", 400),
        ("application/json", &"x".repeat(70_000), 413),
    ] {
        let answer = gateway.send("POST", PATH, &[("content-type", media)], body);
        assert_eq!(answer.status, status, "{media} {body:.40}: {}", answer.body);
    }
    assert_eq!(gateway.get(PATH).status, 405);
    let bearer = ask_with(&gateway, &[("authorization", "Bearer nonsense")], &wish(&id, "1.00"));
    refused(&bearer, 401, "1501");
    let problem = [json, ("accept", "application/problem+json")];
    let problem = gateway.send("POST", PATH, &problem, &wish(&id, "99").to_string());
    assert_eq!((problem.status, &problem.json()["error_number"]), (409, &json!("1504")));
    assert_eq!(gateway.status(&id)["order_status"], "25");
    assert_eq!(shown(&gateway, &id)["refunds"], json!([]));
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (0, 0));
}

fn terminal(gateway: &Gateway, flags: &[&str]) -> Value {
    let start = ["terminal", "add", "--merchant", "1", "--name", "Till", "--json"];
    let output = gateway.run(&[&start, flags].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn of_terminal(terminal: &Value) -> Value {
    json!({"terNO": terminal["ter_no"], "public_key": terminal["public_key"]})
}

fn payments_of_others_and_unpaid_ones_are_not_refunded(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    assert!(gateway.run(&["merchant", "add", "--name", "Other"]).status.success());
    let own = terminal(&gateway, &[]);
    let others = gateway.run(&["terminal", "add", "--merchant", "2", "--name", "x", "--json"]);
    let others: Value = serde_json::from_slice(&others.stdout).unwrap();
    let id = paid(&gateway, "mine", json!({}));
    let unknown = ask(&gateway, &wish("999999991231235959", "1.00"));
    for stranger in [&own, &others] {
        let mut body = wish(&id, "1.00");
        body["public_key"] = stranger["public_key"].clone();
        let answer = ask(&gateway, &body);
        refused(&answer, 404, "1500");
        assert_eq!(answer.json()["errors"], unknown.json()["errors"]);
    }
    let waiting = create(&gateway, "waiting", json!({"ccno": "4111111111111111"})).id();
    let declined = create(&gateway, "no", json!({"ccno": "4043409999991437"})).id();
    let cancelled = create(&gateway, "cancelled", json!({"ccno": "4111111111111111"})).id();
    gateway.form(&Gateway::page(&cancelled), "cancel=1");
    for (id, words) in
        [(waiting, "waiting for its customer"), (declined, "declined"), (cancelled, "cancelled")]
    {
        let answer = ask(&gateway, &wish(&id, "1.00"));
        refused(&answer, 409, "1500");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let journal = gateway.bank_journal();
    assert!(journal.iter().all(|line| line["kind"] == "authorisation"), "{journal:?}");
}

fn terminals_are_set_and_one_that_is_off_still_refunds(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let terminal = terminal(&gateway, &["--refundable-days", "30"]);
    let number = terminal["ter_no"].to_string();
    let id = paid(&gateway, "off", of_terminal(&terminal));
    let mut refund = wish(&id, "1.00");
    refund["public_key"] = terminal["public_key"].clone();
    let set =
        |flags: &[&str]| gateway.run(&[&["terminal", "set", &number, "--json"], flags].concat());
    let off = set(&["--active", "false", "--capture", "manual", "--when-unknown", "reverse"]);
    let off: Value = serde_json::from_slice(&off.stdout).unwrap();
    assert_eq!((&off["active"], &off["capture"]), (&json!(false), &json!("manual")));
    assert_eq!((&off["when_unknown"], &off["refundable_days"]), (&json!("reverse"), &json!(30)));
    assert_eq!(off["version"], 2);
    assert_eq!(set(&["--active", "true", "--if-version", "1"]).status.code(), Some(1));
    assert_eq!(set(&[]).status.code(), Some(2));
    assert_eq!(gateway.run(&["terminal", "set", "999", "--active", "true"]).status.code(), Some(1));
    eventually("the gateway sees the change", 5, || {
        create(&gateway, "refused", of_terminal(&terminal)).status == 403
    });
    assert_eq!(ask(&gateway, &refund).status, 200);
    assert!(set(&["--refundable-days", "0", "--if-version", "2"]).status.success());
    eventually("it is too old", 5, || ask(&gateway, &refund).json()["error_number"] == "1505");
}

fn manual(gateway: &Gateway, shop: &Shop) -> Value {
    let terminal = terminal(gateway, &["--capture", "manual"]);
    let mut changes = of_terminal(&terminal);
    changes["webhook_url"] = json!(shop.url);
    changes
}

fn held_money_is_captured_in_part_and_refunded(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let changes = manual(&gateway, &shop);
    let id = paid(&gateway, "held", changes.clone());
    let status = gateway.status(&id);
    assert_eq!(status["response"], "Payment authorised, not captured yet");
    let mut refund = wish(&id, "1.00");
    refund["public_key"] = changes["public_key"].clone();
    let early = ask(&gateway, &refund);
    refused(&early, 409, "1500");
    assert!(early.body.contains("authorised and not captured"), "{}", early.body);
    for wrong in ["20.01", "0", "x"] {
        let output = gateway.run(&["payment", "capture", &id, "--amount", wrong]);
        assert!([Some(1), Some(2)].contains(&output.status.code()), "{wrong}: {output:?}");
    }
    let captured = gateway.run(&["payment", "capture", &id, "--amount", "9.50", "--json"]);
    assert!(captured.status.success(), "{captured:?}");
    let captured: Value = serde_json::from_slice(&captured.stdout).unwrap();
    assert_eq!(
        (&captured["state"], &captured["captured_minor"]),
        (&json!("approved"), &json!(950))
    );
    assert_eq!(at_the_bank(&gateway, &id, "capture"), (1, 950));
    for command in [&["payment", "capture", &id][..], &["payment", "void", &id]] {
        let again = gateway.run(command);
        assert_eq!(again.status.code(), Some(1), "{again:?}");
        assert!(String::from_utf8_lossy(&again.stderr).contains("approved"), "{again:?}");
    }
    refund["refundAmount"] = json!("9.51");
    refused(&ask(&gateway, &refund), 409, "1504");
    refund["refundAmount"] = json!("9.50");
    assert_eq!(ask(&gateway, &refund).status, 200);
    let all = shop.wait_for("three webhooks", 20, |list| list.len() >= 3);
    let told: BTreeMap<String, (String, String)> = all
        .iter()
        .map(|one| {
            let body = one.json();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            (text("sequence"), (text("order_status"), text("response")))
        })
        .collect();
    let told: Vec<(&str, &str)> = told.values().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let expected = [
        ("25", "Payment authorised, not captured yet"),
        ("25", "Payment successful"),
        ("3", "Payment refunded in full"),
    ];
    assert_eq!(told, expected);
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (1, 950));
}

fn held_money_is_released(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let changes = manual(&gateway, &shop);
    let id = paid(&gateway, "void", changes.clone());
    let voided = gateway.run(&["payment", "void", &id, "--json"]);
    let voided: Value = serde_json::from_slice(&voided.stdout).unwrap();
    assert_eq!((&voided["state"], &voided["order_status"]), (&json!("reversed"), &json!("7")));
    assert_eq!(gateway.status(&id)["status"], "Reversed");
    let all = shop.wait_for("two webhooks", 20, |list| list.len() >= 2);
    assert!(all.iter().any(|one| one.json()["order_status"] == "7"));
    assert_eq!(at_the_bank(&gateway, &id, "reversal"), (1, 2000));
    let page = gateway.get(&format!("{}/result", Gateway::page(&id)));
    assert!(page.body.contains("Payment reversed"), "{}", page.body);
    let mut refund = wish(&id, "1.00");
    refund["public_key"] = changes["public_key"].clone();
    let late = ask(&gateway, &refund);
    refused(&late, 409, "1500");
    assert!(late.body.contains("a payment that is reversed"), "{}", late.body);
    assert_eq!(gateway.run(&["payment", "void", &id]).status.code(), Some(1));
    let again = create(&gateway, "void", changes);
    assert_ne!(again.id(), id, "the order may be tried again");
}

fn operators_refund_and_look_beside_the_server(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let id = paid(&gateway, "cli", json!({"webhook_url": shop.url}));
    let refund = |flags: &[&str]| {
        let start = ["payment", "refund", &id, "--json", "--amount"];
        gateway.run(&[&start, flags].concat())
    };
    let flags = ["5.00", "--reference", "return-7", "--reason", "too small"];
    let first = refund(&flags);
    assert!(first.status.success(), "{first:?}");
    let told: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((&told["state"], &told["number"]), (&json!("refunded"), &json!(1)));
    assert_eq!(refund(&flags).stdout, first.stdout, "the same reference, the same refund");
    for (flags, code) in [
        (&["6.00", "--reference", "return-7"][..], 1),
        (&["15.01"], 1),
        (&[REFUSED], 1),
        (&["0"], 2),
        (&["1.001"], 2),
    ] {
        let output = refund(flags);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(at_the_bank(&gateway, &id, "refund"), (1, 500));
    assert_eq!(gateway.status(&id)["order_status"], "12");
    shop.wait_for("the server tells of it", 20, |list| {
        list.iter().any(|one| one.json()["refundReference"] == "return-7")
    });
    let shown = shown(&gateway, &id);
    let kinds: Vec<&str> = shown["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    let expected = ["created", "decided", "refunding", "refunded", "refunding", "refund_refused"];
    assert_eq!(kinds, expected);
    assert_eq!((&shown["left_minor"], &shown["refunded_minor"]), (&json!(1500), &json!(500)));
    let text = gateway.run(&["payment", "show", &id]);
    let text = String::from_utf8(text.stdout).unwrap();
    for words in
        ["left to refund", "15.00 USD", "return-7", "refund_refused (2)", "12 Partial Refund"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains(APPROVED));
    let list = gateway.run(&["payment", "list", "--json", "--limit", "1"]);
    let line: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&line["trans_id"], &line["order_status"]), (&json!(id), &json!("12")));
    let by_order = ["payment", "list", "--terminal", "42", "--reference", "cli", "--json"];
    assert_eq!(gateway.run(&by_order).stdout, list.stdout);
    let older = gateway.run(&["payment", "list", "--json", "--limit", "1", "--before", &id]);
    assert!(older.status.success() && older.stdout != list.stdout, "{older:?}");
    let of_day = ["payment", "list", "--json", "--until", "2020-01-31"];
    assert_eq!(gateway.run(&of_day).stdout, b"");
    let unresolved = gateway.run(&["payment", "unresolved"]);
    assert!(unresolved.status.success() && unresolved.stdout.is_empty(), "{unresolved:?}");
    let early = gateway.run(&["payment", "resolve", &id, "--took-effect", "--why", "guess"]);
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    for wrong in [
        &["payment", "show", "1"][..],
        &["payment", "resolve", &id, "--why", "x"],
        &["payment", "resolve", &id, "--took-effect", "--no-effect", "--why", "x"],
        &["payment", "resolve", &id, "--took-effect"],
    ] {
        assert_eq!(gateway.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(gateway.run(&["payment", "show", "999999991231235959"]).status.code(), Some(1));
}

fn what_only_the_bank_can_end_is_listed_and_not_resolved_too_early(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "open", json!({}));
    // This process ends after the refund was accepted and before the bank was called.
    let ended = command_on(&gateway.data, &["payment", "refund", &id, "--amount", "12.00"])
        .env("TOLLGATE_CRASH_AT", "refund.committed:0")
        .output()
        .unwrap();
    assert!(ended.status.code().is_none(), "{ended:?}");
    assert_eq!(gateway.status(&id)["order_status"], "8");
    let listed = gateway.run(&["payment", "unresolved", "--json"]);
    assert!(listed.status.success(), "young calls need nobody: {listed:?}");
    let line: Value = serde_json::from_slice(&listed.stdout).unwrap();
    for (name, value) in [
        ("trans_id", json!(id)),
        ("call", json!("refund")),
        ("refund", json!(1)),
        ("amount", json!("12.00")),
        ("stage", json!("sending")),
        ("needs_operator", json!(false)),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    assert!(line["age_seconds"].as_u64().unwrap() < 60 && line["next_at"].is_string(), "{line}");
    let text = gateway.run(&["payment", "unresolved"]);
    assert!(String::from_utf8(text.stdout).unwrap().contains("refund 1"));
    for flags in [&["--refund", "1", "--no-effect"][..], &["--took-effect"]] {
        let start = ["payment", "resolve", &id, "--why", "a guess"];
        let early = gateway.run(&[&start, flags].concat());
        assert_eq!(early.status.code(), Some(1), "{early:?}");
        assert!(String::from_utf8_lossy(&early.stderr).contains("unresolved"), "{early:?}");
    }
    let more = ask(&gateway, &wish(&id, "8.01"));
    refused(&more, 409, "1504");
    assert!(more.body.contains("at most 8.00 USD"), "what waits for the bank is not left");
}
