//! Whole ways of a payment, from the create call to the signed webhook.

use crate::app::{
    Gateway, On, Received, Shop, eventually, folder, on_both_databases, request, request_with,
};
use serde_json::{Value, json};
use std::time::Duration;

on_both_databases!(
    approved_after_the_challenge,
    decided_at_once_and_told_by_webhook,
    three_wrong_codes_decline_and_cancel_cancels,
    nobody_acts_and_the_payment_expires,
    webhooks_are_retried_and_survive_a_kill,
    two_secrets_sign_while_they_rotate,
    guessing_is_throttled_and_strangers_see_nothing,
);

pub(crate) fn secrets(gateway: &Gateway, number: &str) -> Vec<String> {
    let output = gateway.run(&["terminal", "show", number, "--json", "--reveal"]);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let secrets = shown["webhook_secrets"].as_array().unwrap();
    secrets.iter().map(|secret| secret.as_str().unwrap().to_owned()).collect()
}

/// Checked by an independent library.
pub(crate) fn verified(received: &Received, secret: &str) -> bool {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    webhook.verify(received.body.as_bytes(), &headers).is_ok()
}

fn approved_after_the_challenge(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let body = request_with("happy", json!({"webhook_url": shop.url}));
    let created = gateway.post(&body);
    let id = created.id();
    assert_eq!(gateway.status(&id)["order_status"], "0");
    let page = gateway.get(&Gateway::page(&id));
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"otp\""), "{}", page.body);
    assert!(page.body.contains("Demo Shop") && page.body.contains("Testing Product"));
    assert!(!page.body.contains("4111111111111111"));
    assert_eq!(gateway.status(&id)["order_status"], "27", "in the challenge");
    assert_eq!(gateway.get(&format!("/api/authurl/auth_3ds/{id}")).status, 200);
    let landed = gateway.form(&Gateway::page(&id), "otp=123456");
    assert_eq!(landed.status, 303);
    assert!(landed.header("location").unwrap().starts_with("https://shop.example/return?shop=1&"));
    let returned = landed.location();
    for (name, value) in [
        ("transID", &*id),
        ("order_status", "25"),
        ("status", "Test Approved"),
        ("bill_amt", "11.11"),
        ("bill_currency", "USD"),
        ("reference", "happy"),
        ("mop", "Visa"),
        ("ccno", "411111XXXXXX1111"),
        ("response", "Payment successful"),
    ] {
        assert_eq!(returned[name], value, "{name}");
    }
    assert!(returned.contains_key("rrn") && returned.contains_key("descriptor"));
    let secret = secrets(&gateway, "42").remove(0);
    // The rule of the documentation, by another implementation of HMAC.
    let mut pairs: Vec<String> = returned
        .iter()
        .filter(|(name, _)| !["sig", "shop"].contains(&&***name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort();
    assert_eq!(returned["sig"], hmac_hex(&secret, &pairs.join("\n")));

    let webhook = shop.webhook_of(&id);
    assert!(verified(&webhook, &secret), "{webhook:?}");
    let mut tampered = webhook.clone();
    tampered.body = tampered.body.replace("11.11", "11.12");
    assert!(!verified(&tampered, &secret));
    let told = webhook.json();
    assert_eq!((&told["order_status"], &told["sequence"]), (&json!("25"), &json!("1")));
    assert_eq!(webhook.header("webhook-id"), format!("msg_{id}_1"));
    let status = gateway.status(&id);
    assert_eq!(status["order_status"], "25");
    assert_eq!(status["connector_status_code"], "00");
    assert!(status.get("authurl").is_none(), "nothing left to do");
    let by_reference = gateway
        .get("/api/authurl/s2s/happy?public_key=WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2%2FxjlQ%3D");
    assert_eq!(by_reference.json()["transID"], *id);
    assert_eq!(gateway.get("/api/authurl/s2s/happy").status, 404);
    // Pressed again, or the back button: the same result, no second charge.
    assert_eq!(gateway.form(&Gateway::page(&id), "otp=123456").location()["order_status"], "25");
    assert_eq!(gateway.form(&Gateway::page(&id), "cancel=1").location()["order_status"], "25");
    assert_eq!(gateway.get(&Gateway::page(&id)).status, 303);
    let journal = gateway.bank_journal();
    assert_eq!(journal.len(), 1);
    assert_eq!(
        (&journal[0]["amount_minor"], &journal[0]["currency"]),
        (&json!(1111), &json!("USD"))
    );
    assert_eq!(journal[0]["trans_id"], *id);
}

fn hmac_hex(secret: &str, message: &str) -> String {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decided_at_once_and_told_by_webhook(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (card, status) in [
        ("4012000033330026", "25"),
        ("5123450000000008", "25"),
        ("4043409999991437", "26"),
        ("5555229999997722", "26"),
    ] {
        let body = request_with(card, json!({"ccno": card, "webhook_url": shop.url}));
        let answer = gateway.post(&body);
        let said = answer.json();
        assert_eq!(said["order_status"], status, "{card}");
        assert!(said.get("authurl").is_none() && said.get("authdata").is_none(), "{said}");
        let webhook = shop.webhook_of(&answer.id());
        assert_eq!(webhook.json()["order_status"], status);
        assert_eq!(gateway.get(&Gateway::page(&answer.id())).status, 303);
    }
}

fn three_wrong_codes_decline_and_cancel_cancels(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let id = gateway.post(&request_with("wrong", json!({"webhook_url": shop.url}))).id();
    let page = Gateway::page(&id);
    gateway.get(&page);
    for _wrong in 0..2 {
        let answer = gateway.form(&page, "otp=000000");
        assert_eq!(answer.status, 303, "back to the page");
        assert!(answer.header("location").unwrap().contains(&page));
        assert_eq!(gateway.status(&id)["order_status"], "27");
    }
    assert_eq!(gateway.form(&page, "otp=").status, 303, "an empty code costs no try");
    let last = gateway.form(&page, "otp=999999");
    assert_eq!(last.location()["order_status"], "26");
    assert_eq!(shop.webhook_of(&id).json()["order_status"], "26");
    assert_eq!(gateway.form(&page, "otp=123456").location()["order_status"], "26");

    let id = gateway.post(&request_with("cancel", json!({"webhook_url": shop.url}))).id();
    gateway.get(&Gateway::page(&id));
    let answer = gateway.form(&Gateway::page(&id), "cancel=1");
    assert_eq!(answer.location()["order_status"], "23");
    assert_eq!(shop.webhook_of(&id).json()["status"], "Cancelled");
    assert_eq!(gateway.bank_journal(), Vec::<Value>::new(), "the bank was never asked for money");
}

fn nobody_acts_and_the_payment_expires(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let output = gateway.run(&[
        "terminal",
        "add",
        "--merchant",
        "1",
        "--name",
        "hasty",
        "--expires-after",
        "2",
        "--json",
    ]);
    let terminal: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut body = request_with("late", json!({"webhook_url": shop.url}));
    body["terNO"] = terminal["ter_no"].clone();
    body["public_key"] = terminal["public_key"].clone();
    let id = gateway.post(&body).id();
    let webhook = shop.webhook_of(&id);
    assert_eq!(webhook.json()["order_status"], "22");
    assert!(verified(&webhook, &secrets(&gateway, &terminal["ter_no"].to_string())[0]));
    assert_eq!(gateway.status(&id)["status"], "Expired");
    let late = gateway.form(&Gateway::page(&id), "otp=123456");
    assert_eq!(late.location()["order_status"], "22");
    assert_eq!(gateway.bank_journal(), Vec::<Value>::new());
    assert_ne!(gateway.post(&body).id(), id, "an expired order may be tried again");
}

fn webhooks_are_retried_and_survive_a_kill(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    *shop.answers.lock().unwrap() = 500;
    let body = request_with("retry", json!({"webhook_url": shop.url, "ccno": "4012000033330026"}));
    let id = gateway.post(&body).id();
    shop.webhook_of(&id);
    gateway.kill();
    *shop.answers.lock().unwrap() = 204;
    let gateway = Gateway::start(&data);
    let all = shop.wait_for("a second attempt", 20, |list| list.len() >= 2);
    assert_eq!(all[0].header("webhook-id"), all[1].header("webhook-id"));
    assert_eq!(all[0].body, all[1].body);
    assert!(verified(&all[1], &secrets(&gateway, "42")[0]));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(shop.received().len(), 2, "acknowledged is acknowledged");
}

fn two_secrets_sign_while_they_rotate(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let before = secrets(&gateway, "42");
    assert!(gateway.run(&["terminal", "rotate-keys", "42", "--json"]).status.success());
    let after = secrets(&gateway, "42");
    assert_eq!(after.get(1), before.first());
    // The running gateway sees the change within a second; the retiring key still works.
    std::thread::sleep(Duration::from_millis(1100));
    let body =
        request_with("rotated", json!({"webhook_url": shop.url, "ccno": "4012000033330026"}));
    let webhook = shop.webhook_of(&gateway.post(&body).id());
    assert!(verified(&webhook, &before[0]) && verified(&webhook, &after[0]));
}

fn guessing_is_throttled_and_strangers_see_nothing(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let id = gateway.post(&request("seen")).id();
    let other = format!("{}{}", if id.starts_with('9') { "8" } else { "9" }, &id[1..]);
    let mut limited = 0;
    for _guess in 0..40 {
        let answer = gateway.get(&format!("/api/authurl/s2s/{other}"));
        assert!([404, 429].contains(&answer.status));
        if answer.status == 429 {
            limited += 1;
            assert!(answer.header("retry-after").is_some());
        }
    }
    assert!(limited >= 9, "{limited}");
    assert_eq!(gateway.get(&format!("/api/authurl/s2s/{id}")).status, 429, "hits tell nothing");
}

#[test]
fn a_half_sent_request_is_closed_and_a_shutdown_finishes_what_runs() {
    use std::io::{Read, Write};
    let (_folder, data) = folder();
    let mut gateway = Gateway::start(&data);
    let open = |text: &str| {
        let mut stream = std::net::TcpStream::connect(gateway.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    let began = std::time::Instant::now();
    let mut head = open("POST /api/s2s HTTP/1.1\r\nhost: x\r\n");
    let mut body = open(
        "POST /api/s2s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    let mut silent = open("");
    let mut preface = open("PRI * HTTP/2.0\r\n");
    let mut idle = open("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut text = String::new();
    for stream in [&mut head, &mut body, &mut silent, &mut preface, &mut idle] {
        let closed = stream.read_to_string(&mut text);
        let open = closed.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!open, "still open: {text:?}");
    }
    assert!(text.contains("200 OK"), "{text}");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(9) && took < Duration::from_secs(15), "{took:?}");
    let pid = rustix::process::Pid::from_child(&gateway.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let exit = gateway.child.wait().unwrap();
    assert!(exit.success(), "{exit}");
    eventually("the port is free", 1, || std::net::TcpStream::connect(gateway.address).is_err());
}
