//! Money back: `POST /api/transactions/refund-request` against the contract's section 5.

use crate::app::{Answer, Gateway, PUBLIC_KEY, folder, request_with};
use serde_json::{Value, json};

const PATH: &str = "/api/transactions/refund-request";
/// Approved at once, so that a test has a paid payment in one call.
const APPROVED: &str = "4012000033330026";

/// A paid payment.
fn paid(gateway: &Gateway, reference: &str, changes: Value) -> String {
    let mut body = request_with(reference, changes);
    if body["ccno"] == "4111111111111111" {
        body["ccno"] = json!(APPROVED);
    }
    let answer = gateway.post(&body);
    assert_eq!(answer.json()["order_status"], "25", "{}", answer.body);
    answer.id()
}

fn wish(id: &str, amount: &str) -> Value {
    json!({"transID": id, "refundAmount": amount, "public_key": PUBLIC_KEY})
}

fn ask(gateway: &Gateway, body: &Value) -> Answer {
    ask_with(gateway, &[], body)
}

fn ask_with(gateway: &Gateway, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [&[("content-type", "application/json")], headers].concat();
    gateway.send("POST", PATH, &headers, &body.to_string())
}

fn refund(gateway: &Gateway, id: &str, amount: &str) -> Answer {
    ask(gateway, &wish(id, amount))
}

#[test]
fn full() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let id = paid(&gateway, "full", json!({}));
    let answer = refund(&gateway, &id, "11.11");
    println!("{answer:?}");
    crate::app::eventually("r", 5, || gateway.status(&id)["order_status"] == "3");
    for body in [
        json!({}),
        json!({"transID": 5, "terNO": "x", "refundAmount": [], "refundReference": "\n", "public_key": PUBLIC_KEY}),
        wish("100000200101000000", "1"),
        wish(&id, "1"),
    ] {
        println!("{:?}", ask(&gateway, &body));
    }
}
