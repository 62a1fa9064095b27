//! One order is never charged twice (contract, section 1.3).

use crate::app::{Answer, Gateway, On, on_both_databases, request, request_with};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    of_a_hundred_at_once_one_is_charged,
    of_a_hundred_declined_at_once_each_attempt_is_asked_for_once,
    a_new_attempt_only_after_all_ended_without_money,
    every_field_but_the_security_code_counts,
    a_unique_reference_is_used_once_ever,
    idempotency_keys_replay_and_refuse,
);

fn together(gateway: &Gateway, count: usize, body: &Value) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..count).map(|_| scope.spawn(|| gateway.post(body))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn of_a_hundred_at_once_one_is_charged(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    for (card, status, authorisations) in
        [("4111111111111111", "0", 0), ("4012000033330026", "25", 1)]
    {
        for round in 0..5 {
            let reference = format!("{card} {round}");
            let body = request_with(&reference, json!({ "ccno": card }));
            let answers = together(&gateway, 100, &body);
            let bodies: BTreeSet<&str> = answers.iter().map(|answer| &*answer.body).collect();
            assert_eq!(bodies.len(), 1, "equal answers: {bodies:#?}");
            assert!(answers.iter().all(|answer| answer.status == 200));
            assert_eq!(answers[0].json()["order_status"], status);
            let fresh = answers.iter().filter(|a| a.header("idempotent-replayed").is_none());
            assert_eq!(fresh.count(), 1);
            let id = answers[0].id();
            let journal = gateway.bank_journal();
            let mine = journal.iter().filter(|entry| entry["trans_id"] == *id).count();
            assert_eq!(mine, authorisations, "{card}");
        }
    }
    let journal = gateway.bank_journal();
    assert_eq!(journal.len(), 5, "each order was charged once");
    assert!(journal.iter().all(|entry| entry["times_asked"] == 1), "{journal:?}");
}

/// Requests that arrive while the first is running get its decline. One that arrives after it is a
/// new attempt, and then the bank is asked again, for that attempt once.
fn of_a_hundred_declined_at_once_each_attempt_is_asked_for_once(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let body = request_with("declined", json!({"ccno": "4043409999991437"}));
    let answers = together(&gateway, 100, &body);
    assert!(answers.iter().all(|answer| answer.json()["order_status"] == "26"));
    let attempts: BTreeSet<String> = answers.iter().map(Answer::id).collect();
    let asked = gateway.bank_journal();
    let asked_for: BTreeSet<String> =
        asked.iter().map(|entry| entry["trans_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(asked.len(), attempts.len());
    assert_eq!(asked_for, attempts);
    assert!(attempts.len() < 50, "{} attempts: they did not wait for the first", attempts.len());
}

fn a_new_attempt_only_after_all_ended_without_money(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let declined = request_with("retry", json!({"ccno": "4043409999991437"}));
    let first = gateway.post(&declined);
    assert_eq!(first.json()["order_status"], "26");
    let second = gateway.post(&declined);
    assert_ne!(second.id(), first.id(), "the same request after a decline is a new attempt");
    let third = gateway.post(&request("retry"));
    assert_ne!(third.id(), second.id(), "other content after declines is a new attempt");
    let other = gateway.post(&request_with("retry", json!({"bill_amt": "1.00"})));
    assert_eq!((other.status, &other.json()["error_number"]), (409, &json!("5012")));
    assert!(other.body.contains(&third.id()));
    assert_eq!(gateway.post(&request("retry")).id(), third.id());
    let paid = gateway.pass_challenge(&third.id());
    assert_eq!(paid.location()["order_status"], "25");
    let again = gateway.post(&request("retry"));
    assert_eq!(again.body, third.body, "the first answer again, whatever became of it");
    assert_eq!(gateway.post(&declined).json()["error_number"], "5012", "paid is paid");
}

fn every_field_but_the_security_code_counts(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let first = gateway.post(&request("fields"));
    let same = gateway.post(&request_with("fields", json!({"ccvv": "999"})));
    assert_eq!(same.id(), first.id());
    let same = gateway.post(&request_with("fields", json!({"bill_amt": 11.11, "terNO": "42"})));
    assert_eq!(same.id(), first.id(), "another way to write the same");
    for changes in [
        json!({"bill_amt": "11.12"}),
        json!({"bill_currency": "EUR"}),
        json!({"ccno": "4242424242424242"}),
        json!({"month": "2"}),
        json!({"year": "31"}),
        json!({"mop": "DC"}),
        json!({"product_name": "x"}),
        json!({"bill_ip": "1.1.1.1"}),
        json!({"webhook_url": "http://127.0.0.1:9/x"}),
        json!({"return_url": "https://a.b/"}),
        json!({"fullname": "x"}),
        json!({"bill_email": null}),
        json!({"source": "x"}),
        json!({"unique_reference": "Y"}),
        json!({"encryption_method": "aes256"}),
    ] {
        let answer = gateway.post(&request_with("fields", changes.clone()));
        assert_eq!(answer.status, 409, "{changes}: {}", answer.body);
    }
}

fn a_unique_reference_is_used_once_ever(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let unique = json!({"ccno": "4043409999991437", "unique_reference": "Y"});
    let first = gateway.post(&request_with("once", unique.clone()));
    assert_eq!(first.json()["order_status"], "26");
    let second = gateway.post(&request_with("once", unique));
    assert_eq!(second.json()["error_number"], "5012");
    assert_eq!(gateway.post(&request("once")).json()["error_number"], "5012");
}

fn idempotency_keys_replay_and_refuse(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let send = |key: &str, body: &Value| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        gateway.send("POST", "/api/s2s", &headers, &body.to_string())
    };
    let declined = request_with("key", json!({"ccno": "4043409999991437"}));
    let first = send("\"abc\"", &declined);
    assert_eq!(first.status, 200);
    let again = send("abc", &declined);
    assert_eq!((again.status, &again.body), (200, &first.body), "no new attempt under the key");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = send("abc", &request("key other"));
    assert_eq!((other.status, &other.json()["error_number"]), (422, &json!("422")));
    assert_ne!(send("def", &declined).id(), first.id(), "another key, another attempt");
    // A refused request leaves its key free.
    assert_eq!(
        send(
            "ghi",
            &request_with(
                "key",
                json!({"bill_amt": "1.00", "ccno": "4012000033330026", "unique_reference": "Y"})
            )
        )
        .status,
        409
    );
    assert_eq!(send("ghi", &request("key free")).status, 200);
    assert_eq!(send(&"k".repeat(256), &request("key long")).status, 400);
    let parallel: Vec<u16> = std::thread::scope(|scope| {
        let body = request("key parallel");
        let all: Vec<_> = (0..50)
            .map(|_| {
                let body = body.clone();
                scope.spawn(move || send("parallel", &body).status)
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(parallel.iter().all(|status| [200, 409].contains(status)), "{parallel:?}");
    assert!(parallel.contains(&200));
}
