//! Webhooks by HTTP: endpoints, the log, sending again, the stream, the catalogue; and that nobody
//! reaches what is another's.

use crate::app::{
    Answer, Gateway, On, PUBLIC_KEY, Received, Shop, eventually, on_both_databases, request_with,
};
use crate::flows::verified;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

on_both_databases!(
    endpoints_are_kept_and_tried_out,
    the_log_has_pages_filters_and_every_attempt,
    what_was_given_up_is_sent_again_once_and_in_bulk,
    nobody_reaches_what_is_anothers,
    a_stream_tells_what_is_written_and_goes_on_where_it_broke_off,
);

const CALLS: &str = "/api/v1/webhooks";
/// Approved at once.
const YES: &str = "4012000033330026";
/// Patience for what takes a moment, on a machine that has much to do.
const PATIENCE: u64 = 30;

/// A terminal's server.
struct Merchant<'a> {
    gateway: &'a Gateway,
    number: i64,
    public_key: String,
    private_key: String,
}

impl<'a> Merchant<'a> {
    /// The demo terminal's.
    fn demo(gateway: &'a Gateway) -> Self {
        Self::of(gateway, &["terminal", "show", "42"])
    }

    fn of(gateway: &'a Gateway, command: &[&str]) -> Self {
        let output = gateway.run(&[command, &["--json", "--reveal"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        Self {
            gateway,
            number: shown["ter_no"].as_i64().unwrap(),
            public_key: text("public_key"),
            private_key: text("private_key"),
        }
    }

    /// A new terminal of a merchant.
    fn added(gateway: &'a Gateway, merchant: &str) -> Self {
        let add = ["terminal", "add", "--merchant", merchant, "--name", "Other", "--json"];
        let added = gateway.run(&add);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let added: Value = serde_json::from_slice(&added.stdout).unwrap();
        Self::of(gateway, &["terminal", "show", &added["ter_no"].to_string()])
    }

    fn target(&self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{CALLS}/{path}{mark}terNO={}", self.number)
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.private_key);
        let own = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.gateway.send(method, &self.target(path), &[&own, headers].concat(), body)
    }

    /// What a call answers that must succeed.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, path, &[], &body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()
    }

    fn get(&self, path: &str) -> Value {
        self.call("GET", path, &Value::Null)
    }

    /// The fields and numbers of a refusal.
    fn refused(&self, method: &str, path: &str, body: &str) -> (u16, Vec<(String, String)>) {
        let answer = self.send(method, path, &[], body);
        let told = answer.json();
        let errors = told["errors"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let pair = |error: &Value| (text(error, "field"), text(error, "error_number"));
        (answer.status, errors.iter().map(pair).collect())
    }

    /// A payment that is approved at once; its webhook goes there.
    fn pay(&self, reference: &str, url: &str) -> String {
        let changes = json!({
            "ccno": YES, "webhook_url": url, "terNO": self.number, "public_key": self.public_key,
        });
        self.gateway.post(&request_with(reference, changes)).id()
    }

    fn deliveries(&self, query: &str) -> Vec<Value> {
        let page = self.get(&format!("deliveries{query}"));
        page["deliveries"].as_array().unwrap().clone()
    }

    /// Waits until a payment's own webhook stands so; its name.
    fn until(&self, id: &str, state: &str) -> String {
        let query = format!("?payment={id}&state={state}");
        let what = format!("a delivery of {id} is {state}");
        eventually(&what, PATIENCE, || !self.deliveries(&query).is_empty());
        self.deliveries(&query)[0]["id"].as_str().unwrap().to_owned()
    }
}

fn ids(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn endpoints_are_kept_and_tried_out(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let merchant = Merchant::demo(&gateway);
    let (shop, payments) = (Shop::open(), Shop::open());
    assert_eq!(merchant.get("endpoints"), json!({"endpoints": []}));
    let wish = json!({"url": shop.url, "events": ["payment.*"], "description": " Warehouse "});
    let key = [("idempotency-key", "add-1")];
    let added = merchant.send("POST", "endpoints", &key, &wish.to_string());
    assert_eq!(added.status, 201, "{added:?}");
    let endpoint = added.json();
    assert_eq!(
        (&endpoint["number"], &endpoint["terNO"], &endpoint["mode"], &endpoint["description"]),
        (&json!(1), &json!(42), &json!("test"), &json!("Warehouse"))
    );
    let secret = endpoint["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    // The same call again adds nothing, and does not tell the secret again.
    let again = merchant.send("POST", "endpoints", &key, &wish.to_string());
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert!(!again.body.contains("whsec_"), "{again:?}");
    let all = merchant.get("endpoints");
    assert_eq!(all["endpoints"].as_array().unwrap().len(), 1);
    assert!(!all.to_string().contains("whsec_"));
    assert_eq!(merchant.get("endpoints/1"), all["endpoints"][0]);

    let told = merchant.call("POST", "endpoints/1/test", &json!({"type": "refund.succeeded"}));
    assert_eq!((&told["acknowledged"], &told["status"]), (&json!(true), &json!(200)), "{told}");
    let sample = shop.wait_for("the sample", PATIENCE, |all| !all.is_empty()).remove(0);
    assert!(verified(&sample, &secret));
    assert_eq!(told["body"], sample.body);
    assert_eq!(sample.json()["type"], "refund.succeeded");

    // What it subscribes to comes, in the envelope, signed with its own secret.
    let id = merchant.pay("told", &payments.url);
    let event = shop.webhook_of(&id);
    assert!(verified(&event, &secret));
    assert_eq!(event.json()["type"], "payment.approved");
    assert_eq!(event.json()["data"]["transID"], id);
    assert!(event.body.starts_with("{\"type\":"), "{}", event.body);
    // Both say the same of the payment, and in the same order.
    let own = payments.webhook_of(&id);
    assert!(event.body.contains(&own.body), "{} {}", event.body, own.body);

    let rotated = merchant.call("POST", "endpoints/1/rotate-secret", &Value::Null);
    let newer = rotated["secret"].as_str().unwrap();
    assert_ne!(newer, secret);
    assert!(rotated["secrets"][1]["retires_at"].is_string(), "{rotated}");
    merchant.call("POST", "endpoints/1/test", &json!({"type": "payment.declined"}));
    let second = |one: &Received| one.json()["type"] == "payment.declined";
    let all = shop.wait_for("the second sample", PATIENCE, |all| all.iter().any(second));
    let both = all.into_iter().find(second).unwrap();
    assert!(verified(&both, newer) && verified(&both, &secret));

    let change = json!({"events": ["refund.*", "refund.*"], "state": "off"});
    let changed = merchant.call("PATCH", "endpoints/1", &change);
    assert_eq!((&changed["events"], &changed["state"]), (&json!(["refund.*"]), &json!("off")));
    assert_eq!(changed["url"], shop.url, "what is left out stays");
    assert_eq!(merchant.call("DELETE", "endpoints/1", &Value::Null)["state"], "removed");
    assert_eq!(merchant.get("endpoints"), json!({"endpoints": []}));
    assert_eq!(merchant.refused("GET", "endpoints/1", "").0, 404);
    assert_eq!(merchant.refused("POST", "endpoints/1/test", r#"{"type":"payout.paid"}"#).0, 404);
    // Another one's number is new.
    let second = merchant.call("POST", "endpoints", &json!({"url": shop.url}));
    assert_eq!((&second["number"], &second["events"]), (&json!(2), &json!(["*"])));
    let proof = gateway.run(&["verify", "--json"]);
    assert!(proof.status.success(), "{}", String::from_utf8_lossy(&proof.stdout));
}

fn the_log_has_pages_filters_and_every_attempt(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let merchant = Merchant::demo(&gateway);
    let (shop, down) = (Shop::open(), Shop::open());
    *down.answers.lock().unwrap() = 503;
    let endpoint = merchant.call("POST", "endpoints", &json!({"url": shop.url}));
    let paid: Vec<String> =
        (0..5).map(|number| merchant.pay(&format!("page {number}"), &shop.url)).collect();
    let failing = merchant.pay("failing", &down.url);
    for id in &paid {
        merchant.until(id, "delivered");
    }
    let query = format!("?payment={failing}&state=pending");
    let has_failed =
        || merchant.deliveries(&query).first().is_some_and(|one| one["attempts"] != json!(0));
    eventually("the first attempt failed", PATIENCE, has_failed);
    let told = format!("?payment={failing}&state=delivered");
    eventually("the endpoint was told", PATIENCE, || merchant.deliveries(&told).len() == 1);

    // Six payments, each told to its own address and to the endpoint.
    let all = merchant.deliveries("?limit=100");
    assert_eq!(all.len(), 12, "{all:?}");
    let times: Vec<&str> = all.iter().map(|one| one["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");
    let (mut paged, mut query) = (Vec::new(), "?limit=5".to_owned());
    loop {
        let page = merchant.get(&format!("deliveries{query}"));
        let list = page["deliveries"].as_array().unwrap().clone();
        assert!(list.len() <= 5);
        paged.extend(list);
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert!(!cursor.contains(&paid[0]), "it says nothing to its reader");
        query = format!("?limit=5&cursor={cursor}");
    }
    assert_eq!(ids(&paged), ids(&all));

    let number = endpoint["number"].as_i64().unwrap();
    let middle = times[5];
    let count = |query: &str| merchant.deliveries(&format!("{query}&limit=100")).len();
    for (query, expected) in [
        (format!("?endpoint={number}"), 6),
        ("?endpoint=77".to_owned(), 0),
        (format!("?payment={}", paid[2]), 2),
        ("?type=payment.approved".to_owned(), 12),
        ("?type=payment.declined".to_owned(), 0),
        ("?state=any&from=2020-01-01".to_owned(), 12),
        ("?from=2200-01-01T00:00:00Z".to_owned(), 0),
        ("?until=2020-01-01".to_owned(), 0),
        (format!("?payment={failing}&state=delivered"), 1),
    ] {
        assert_eq!(count(&query), expected, "{query}");
    }
    let (since, before) = (format!("?from={middle}"), format!("?until={middle}"));
    assert_eq!(count(&since) + count(&before), 12, "a moment belongs to one side");

    let pending = merchant.deliveries(&format!("?payment={failing}&state=pending"));
    let (one, last) = (&pending[0], &pending[0]["last_attempt"]);
    assert_eq!((&one["url"], &one["transID"]), (&json!(down.url), &json!(failing)));
    assert!(one["next_at"].is_string() && one.get("endpoint").is_none(), "{one}");
    assert_eq!((&last["status"], &last["error"]), (&json!(503), &json!("answered 503")));
    let id = one["id"].as_str().unwrap();
    let detail = merchant.get(&format!("deliveries/{id}"));
    assert_eq!(detail["content_type"], "application/json");
    assert_eq!(detail["body"], down.received()[0].body);
    assert!(!detail["attempt_log"].as_array().unwrap().is_empty(), "{detail}");
    assert_eq!(down.received()[0].header("webhook-id"), id);
    wrong_questions(&merchant);
}

/// Method, path, body; the status, and the fields with their error numbers.
type Wrong<'a> = (&'a str, &'a str, &'a str, u16, &'a [(&'a str, &'a str)]);

/// Every one is told by its name, all at once, and nothing is a fault of ours.
fn wrong_questions(merchant: &Merchant<'_>) {
    let fields = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(field, number)| ((*field).to_owned(), (*number).to_owned())).collect()
    };
    let many = format!(r#"{{"url":"https://a.example","events":{:?}}}"#, vec!["*.x"; 3]);
    let long = format!(r#"{{"url":"https://a.example","description":"{}"}}"#, "x".repeat(256));
    let wrong: &[Wrong<'_>] = &[
        (
            "GET",
            "deliveries?state=lost&from=x&until=2025&payment=1&endpoint=0&type=y&cursor=z&limit=101",
            "",
            400,
            &[
                ("state", "1043"),
                ("from", "1043"),
                ("until", "1043"),
                ("payment", "1043"),
                ("endpoint", "1043"),
                ("type", "1043"),
                ("cursor", "1043"),
                ("limit", "1043"),
            ],
        ),
        ("GET", "deliveries?sate=dead", "", 400, &[("", "1043")]),
        ("GET", "deliveries?state=dead&state=any", "", 400, &[("state", "1043")]),
        ("GET", "deliveries?from=2025-04-26&until=2025-04-26", "", 400, &[("until", "1043")]),
        ("GET", "endpoints?limit=1", "", 400, &[("", "1043")]),
        ("POST", "endpoints", "{", 400, &[("body", "1043")]),
        ("POST", "endpoints", "[]", 400, &[("body", "1043")]),
        ("POST", "endpoints", "{}", 400, &[("url", "1040")]),
        ("POST", "endpoints", r#"{"url":"https://a.example","evnts":[]}"#, 400, &[("", "1043")]),
        ("POST", "endpoints", r#"{"url":"x","url":"y"}"#, 400, &[("url", "1043"), ("url", "1043")]),
        (
            "POST",
            "endpoints",
            r#"{"url":7,"events":{}}"#,
            400,
            &[("url", "1043"), ("events", "1043")],
        ),
        ("POST", "endpoints", r#"{"url":"ftp://a.example"}"#, 400, &[("url", "1043")]),
        (
            "POST",
            "endpoints",
            r#"{"url":"https://a.example","events":[],"state":"off"}"#,
            400,
            &[("events", "1043"), ("state", "1043")],
        ),
        ("POST", "endpoints", &many, 400, &[("events", "1043")]),
        ("POST", "endpoints", &long, 400, &[("description", "1043")]),
        ("POST", "endpoints/1/test", "{}", 400, &[("type", "1040")]),
        ("POST", "endpoints/1/test", r#"{"type":"payment.*"}"#, 400, &[("type", "1043")]),
        ("POST", "endpoints/1/rotate-secret", r#"{"x":1}"#, 400, &[("", "1043")]),
        ("POST", "replay", r#"{"state":"any"}"#, 400, &[("from", "1040")]),
        ("POST", "replay", r#"{"state":"delivered"}"#, 400, &[("from", "1040")]),
        (
            "POST",
            "replay",
            r#"{"dry_run":"yes","limit":5}"#,
            400,
            &[("", "1043"), ("dry_run", "1043")],
        ),
        ("GET", "deliveries/nothing", "", 404, &[("", "404")]),
        ("GET", "deliveries/%FF", "", 404, &[("", "404")]),
        ("POST", "deliveries/msg_1_1/resend", "", 404, &[("", "404")]),
        ("GET", "endpoints/01", "", 404, &[("", "404")]),
        ("PATCH", "endpoints/99999999999999999999", "{}", 404, &[("", "404")]),
    ];
    for (method, path, body, status, expected) in wrong {
        let told = merchant.refused(method, path, body);
        assert_eq!(told, (*status, fields(expected)), "{method} {path} {body}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let bearer = format!("Bearer {}", merchant.private_key);
    let headers = [&form[..], &[("authorization", bearer.as_str())]].concat();
    let answer = merchant.gateway.send("POST", &merchant.target("endpoints"), &headers, "url=x");
    assert_eq!(answer.status, 415, "{answer:?}");
    let large = merchant.send("POST", "endpoints", &[], &"x".repeat(70_000));
    assert_eq!(large.status, 413, "{large:?}");
    let nothing = merchant.gateway.send("GET", &format!("{CALLS}/deliveries"), &headers[1..], "");
    assert_eq!((nothing.status, &nothing.json()["errors"][0]["field"]), (400, &json!("terNO")));
}

fn what_was_given_up_is_sent_again_once_and_in_bulk(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let merchant = Merchant::demo(&gateway);
    let shop = Shop::open();
    // Whoever answers 410 wants no second try.
    *shop.answers.lock().unwrap() = 410;
    let given_up: Vec<String> =
        (0..4).map(|number| merchant.pay(&format!("lost {number}"), &shop.url)).collect();
    let names: Vec<String> = given_up.iter().map(|id| merchant.until(id, "dead")).collect();
    *shop.answers.lock().unwrap() = 200;

    let before = shop.received().len();
    let answer = merchant.send("POST", &format!("deliveries/{}/resend", names[0]), &[], "");
    assert_eq!((answer.status, answer.json()), (202, json!({"id": names[0]})));
    assert_eq!(merchant.until(&given_up[0], "delivered"), names[0]);
    let sent = shop.received()[before..].to_vec();
    assert_eq!(sent[0].header("webhook-id"), names[0]);
    let detail = merchant.get(&format!("deliveries/{}", names[0]));
    let log = detail["attempt_log"].as_array().unwrap();
    let statuses: Vec<&Value> = log.iter().map(|attempt| &attempt["status"]).collect();
    let ends = (statuses.first(), statuses.last());
    assert_eq!(ends, (Some(&&json!(410)), Some(&&json!(200))), "nothing is forgotten: {detail}");

    let dry = json!({"dry_run": true});
    assert_eq!(merchant.call("POST", "replay", &dry), json!({"count": 3}));
    let one = json!({"payment": given_up[1], "state": "any", "dry_run": true});
    assert_eq!(merchant.call("POST", "replay", &one), json!({"count": 1}));
    let none = json!({"from": "2200-01-01"});
    assert_eq!(merchant.call("POST", "replay", &none), json!({"replayed": 0}));
    assert_eq!(merchant.deliveries("?state=dead").len(), 3, "counting sends nothing");

    let key = [("idempotency-key", "replay-1")];
    let first = merchant.send("POST", "replay", &key, "{}");
    assert_eq!(first.json(), json!({"replayed": 3}), "{first:?}");
    let again = merchant.send("POST", "replay", &key, "{}");
    assert_eq!(again.json(), json!({"replayed": 3}));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = merchant.send("POST", "replay", &key, r#"{"state":"dead"}"#);
    assert_eq!(other.status, 422, "{other:?}");
    for (id, name) in given_up.iter().zip(&names) {
        assert_eq!(merchant.until(id, "delivered"), *name);
    }
    assert_eq!(merchant.call("POST", "replay", &dry), json!({"count": 0}));
    // Each came a second time, under the same name.
    let of = |name: &String| {
        shop.received().iter().filter(|one| one.header("webhook-id") == name).count()
    };
    assert!(names.iter().all(|name| of(name) >= 2), "{:?}", shop.received());
    let all = json!({"state": "delivered", "from": "2020-01-01"});
    assert_eq!(merchant.call("POST", "replay", &all), json!({"replayed": 4}));
    eventually("all came a third time", PATIENCE, || names.iter().all(|name| of(name) >= 3));
}

/// Every call that names something, on what is another terminal's of the same merchant and of
/// another merchant: each answers as for what does not exist, to the byte but for the request.
fn nobody_reaches_what_is_anothers(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    assert!(gateway.run(&["merchant", "add", "--name", "Corner Shop"]).status.success());
    let merchants = [
        Merchant::demo(&gateway),
        Merchant::added(&gateway, "1"),
        Merchant::added(&gateway, "2"),
        Merchant::added(&gateway, "2"),
    ];
    assert_eq!(merchants[0].public_key, PUBLIC_KEY);
    let shop = Shop::open();
    let owned: Vec<(String, String)> = merchants
        .iter()
        .map(|merchant| {
            let id = merchant.pay("the same reference", &shop.url);
            let endpoint = merchant.call("POST", "endpoints", &json!({"url": shop.url}));
            (merchant.until(&id, "delivered"), endpoint["number"].to_string())
        })
        .collect();
    let (nothing, none) = ("msg_999999991231235959_1", "9999");
    for (place, merchant) in merchants.iter().enumerate() {
        for (whose, (delivery, endpoint)) in owned.iter().enumerate() {
            let calls = calls_that_name(delivery, endpoint);
            let unknown = calls_that_name(nothing, none);
            if place == whose {
                assert_eq!(merchant.get(&calls[0].1)["id"], **delivery);
                assert_eq!(merchant.get(&calls[2].1)["number"].to_string(), *endpoint);
                continue;
            }
            for ((method, path, body), (_, other, _)) in calls.iter().zip(&unknown) {
                let told = without_request(&merchant.send(method, path, &[], body));
                let expected = without_request(&merchant.send(method, other, &[], body));
                assert_eq!(told, expected, "{place} {method} {path}");
                assert_eq!(told.0, 404, "{place} {method} {path}");
            }
        }
        // What it may see is its own, whatever it asks for.
        let own = [owned[place].0.as_str()];
        assert_eq!(ids(&merchant.deliveries("?state=any&limit=100")), own);
        let others = owned.iter().enumerate().filter(|(whose, _)| *whose != place);
        for (_, (delivery, endpoint)) in others {
            let payment = delivery.split('_').nth(1).unwrap();
            for query in [format!("?payment={payment}"), format!("?endpoint={endpoint}")] {
                assert!(merchant.deliveries(&query).is_empty(), "{place} {query}");
            }
            let replay = json!({"payment": payment, "state": "any"});
            assert_eq!(merchant.call("POST", "replay", &replay), json!({"replayed": 0}));
        }
        let shown = merchant.get("endpoints");
        let numbers: Vec<String> = shown["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["number"].to_string())
            .collect();
        assert_eq!(numbers, [owned[place].1.clone()]);
    }
    keys_open_their_own_terminal(&merchants);
    // Nothing was changed by all this, and no sample was sent.
    let names = shop.received();
    let names: BTreeSet<&str> = names.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(names, owned.iter().map(|(delivery, _)| delivery.as_str()).collect());
    for (merchant, (_, endpoint)) in merchants.iter().zip(&owned) {
        assert_eq!(merchant.get(&format!("endpoints/{endpoint}"))["state"], "on");
    }
}

fn calls_that_name(delivery: &str, endpoint: &str) -> [(&'static str, String, &'static str); 7] {
    [
        ("GET", format!("deliveries/{delivery}"), ""),
        ("POST", format!("deliveries/{delivery}/resend"), ""),
        ("GET", format!("endpoints/{endpoint}"), ""),
        ("PATCH", format!("endpoints/{endpoint}"), r#"{"state":"off"}"#),
        ("DELETE", format!("endpoints/{endpoint}"), ""),
        ("POST", format!("endpoints/{endpoint}/rotate-secret"), ""),
        ("POST", format!("endpoints/{endpoint}/test"), r#"{"type":"payment.approved"}"#),
    ]
}

fn without_request(answer: &Answer) -> (u16, Value) {
    let mut told = answer.json();
    told.as_object_mut().unwrap().remove("request_id");
    (answer.status, told)
}

/// Every call with no key, and with another terminal's.
fn keys_open_their_own_terminal(merchants: &[Merchant<'_>]) {
    let mine = &merchants[0];
    let named = calls_that_name("msg_999999991231235959_1", "1");
    let others = [
        ("GET", "deliveries".to_owned(), ""),
        ("POST", "replay".to_owned(), ""),
        ("GET", "endpoints".to_owned(), ""),
        ("POST", "endpoints".to_owned(), ""),
        ("GET", "stream".to_owned(), ""),
    ];
    for (method, path, body) in named.iter().chain(&others) {
        let target = mine.target(path);
        let bearer = format!("Bearer {}", merchants[1].private_key);
        for headers in [&[][..], &[("authorization", bearer.as_str())]] {
            let answer = mine.gateway.send(method, &target, headers, body);
            assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
            assert_eq!(answer.json()["error_number"], "101");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

/// A stream that is read.
struct Listener {
    reader: BufReader<TcpStream>,
    /// The id that was told first.
    beginning: String,
}

/// An event of a stream.
struct Event {
    id: String,
    data: Value,
}

impl Listener {
    /// Opens it, and has read the head of the answer.
    fn open(merchant: &Merchant<'_>, after: Option<&str>) -> Result<Self, u16> {
        let mut stream = TcpStream::connect(merchant.gateway.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(PATIENCE))).unwrap();
        let resume = after.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n{resume}\r\n",
            merchant.target("stream"),
            merchant.private_key
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        let status: u16 = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        if status != 200 {
            return Err(status);
        }
        // An id alone is told first, to go on from when nothing else was told.
        while !line.starts_with("id: ") {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream ended");
        }
        Ok(Self { reader, beginning: line.split_off(4).trim_end().to_owned() })
    }

    /// The same where a place has to become free first.
    fn patiently(merchant: &Merchant<'_>) -> Self {
        let deadline = Instant::now() + Duration::from_secs(PATIENCE);
        loop {
            match Self::open(merchant, None) {
                Ok(listener) => return listener,
                Err(status) => assert!(status == 429 && Instant::now() < deadline, "{status}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The next event; none at the end. Lengths of chunks and comments stand between.
    fn next(&mut self) -> Option<Event> {
        let deadline = Instant::now() + Duration::from_secs(2 * PATIENCE);
        let (mut id, mut kind, mut line) = (String::new(), String::new(), String::new());
        while Instant::now() < deadline {
            line.clear();
            if self.reader.read_line(&mut line).unwrap() == 0 || line == "0\r\n" {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("event", value)) => value.clone_into(&mut kind),
                Some(("data", value)) => {
                    assert_eq!(kind, "delivery");
                    return Some(Event { id, data: serde_json::from_str(value).unwrap() });
                }
                _ => {}
            }
        }
        panic!("nothing came");
    }
}

fn received(event: &Value) -> Received {
    let headers = event["headers"].as_object().unwrap();
    let pair =
        |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    let body = event["body"].as_str().unwrap().to_owned();
    Received { headers: headers.iter().map(pair).collect(), body }
}

fn a_stream_tells_what_is_written_and_goes_on_where_it_broke_off(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let (merchant, other) = (Merchant::demo(&gateway), Merchant::added(&gateway, "1"));
    let shop = Shop::open();
    let secret = crate::flows::secrets(&gateway, "42").remove(0);
    merchant.pay("before", &shop.url);
    let mut listener = Listener::open(&merchant, None).unwrap();
    other.pay("another's", &shop.url);
    let first = merchant.pay("first", &shop.url);
    let event = listener.next().unwrap();
    assert_eq!(event.data["type"], "payment.approved");
    assert_eq!(event.data["url"], shop.url);
    assert!(event.data["id"].as_str().unwrap().contains(&first), "{}", event.data);
    // It is what the shop gets, ready to be posted.
    let told = received(&event.data);
    assert!(verified(&told, &secret));
    let posted = shop.webhook_of(&first);
    assert_eq!(
        (&told.body, told.header("webhook-id")),
        (&posted.body, posted.header("webhook-id"))
    );
    assert_eq!(told.header("content-type"), posted.header("content-type"));
    drop(listener);

    // What was written in between comes when the stream goes on, each once.
    let missed: BTreeSet<String> =
        (0..5).map(|number| merchant.pay(&format!("missed {number}"), &shop.url)).collect();
    let mut listener = Listener::open(&merchant, Some(&event.id)).unwrap();
    let mut heard = BTreeSet::new();
    for _event in &missed {
        let event = listener.next().unwrap();
        let body: Value = serde_json::from_str(event.data["body"].as_str().unwrap()).unwrap();
        assert!(heard.insert(body["transID"].as_str().unwrap().to_owned()), "twice: {body}");
    }
    assert_eq!(heard, missed);
    assert_eq!(Listener::open(&merchant, Some("nonsense")).err(), Some(400));
    // Also when it broke off before anything was told.
    let beginning = Listener::patiently(&merchant).beginning;
    let next = merchant.pay("after the beginning", &shop.url);
    let event = Listener::open(&merchant, Some(&beginning)).unwrap().next().unwrap();
    assert!(event.data["id"].as_str().unwrap().contains(&next), "{}", event.data);
    assert!(listener.next().unwrap().data["id"].as_str().unwrap().contains(&next));

    // Four at a time; whoever leaves makes room, and another terminal has its own places.
    let more: Vec<Listener> = (0..3).map(|_| Listener::patiently(&merchant)).collect();
    assert_eq!(Listener::open(&merchant, None).err(), Some(429));
    let mut of_other = Listener::open(&other, None).unwrap();
    drop(more);
    Listener::patiently(&merchant);

    // A terminal that is switched off is told nothing more; nor is anyone when the gateway ends.
    let off = ["terminal", "set", "42", "--active", "false"];
    assert!(gateway.run(&off).status.success());
    assert!(listener.next().is_none(), "it ended");
    let began = Instant::now();
    drop(merchant);
    let waiting = std::thread::spawn(move || of_other.next().is_none());
    drop(other);
    gateway.stop();
    assert!(waiting.join().unwrap() && began.elapsed() < Duration::from_secs(PATIENCE));
}

#[test]
fn what_a_merchants_server_changes_stands_in_the_audit_log_with_terminal_and_address() {
    let (_folder, data) = crate::app::folder();
    let gateway = Gateway::start(&data);
    let merchant = Merchant::demo(&gateway);
    let shop = Shop::open();
    let id = merchant.pay("audited", &shop.url);
    let delivery = merchant.until(&id, "delivered");
    merchant.call("POST", "endpoints", &json!({"url": shop.url}));
    merchant.call("PATCH", "endpoints/1", &json!({"description": "x"}));
    merchant.call("POST", "endpoints/1/rotate-secret", &Value::Null);
    merchant.call("POST", "endpoints/1/test", &json!({"type": "payout.paid"}));
    merchant.call("DELETE", "endpoints/1", &Value::Null);
    merchant.call("POST", &format!("deliveries/{delivery}/resend"), &Value::Null);
    let replay = json!({"payment": id, "state": "any"});
    assert_eq!(merchant.call("POST", "replay", &replay), json!({"replayed": 1}));
    assert_eq!(merchant.refused("GET", "endpoints/1", "").0, 404);
    let database = rusqlite::Connection::open(data.join("tollgate.db")).unwrap();
    let lines = "SELECT action || ' ' || result FROM audit_log
        WHERE actor = 'terminal' AND ter_no = 42 AND caller = '127.0.0.1' ORDER BY id";
    let mut lines = database.prepare(lines).unwrap();
    let lines = lines.query_map([], |row| row.get(0)).unwrap();
    let lines: Vec<String> = lines.collect::<Result<_, _>>().unwrap();
    let expected = [
        "add_endpoint done",
        "change_endpoint done",
        "rotate_endpoint_secret done",
        "send_sample done",
        "remove_endpoint done",
        "resend done",
        "resend done",
        "show_endpoint refused",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_catalogue_needs_no_key_and_has_schema_and_sample_of_each_type() {
    let (_folder, data) = crate::app::folder();
    let gateway = Gateway::start(&data);
    let answer = gateway.get(&format!("{CALLS}/event-types"));
    assert_eq!(answer.status, 200);
    let told = answer.json();
    let types = told["event_types"].as_array().unwrap();
    assert_eq!(types.len(), domain::event_type::EventType::ALL.len());
    for one in types {
        let schema = &one["schema"];
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["properties"]["type"]["const"], one["type"]);
        assert_eq!(one["sample"]["type"], one["type"]);
        for name in schema["properties"]["data"]["required"].as_array().unwrap() {
            assert!(one["sample"]["data"][name.as_str().unwrap()].is_string(), "{one}");
        }
    }
    let sent = types.iter().filter(|one| one["sent"] == true).count();
    assert_eq!(sent, 13);
}
