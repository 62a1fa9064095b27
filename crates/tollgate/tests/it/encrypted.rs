//! The encrypted mode from outside: requests made by the command line and by OpenSSL, the customer's
//! page behind its token, and the webhook as a shop decrypts it.

use crate::app::{Answer, Gateway, PUBLIC_KEY, Received, Shop, command_on, folder, request_with};
use crate::flows::{secrets, verified};
use crate::{code, json, stderr, stdout};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use url::form_urlencoded;

/// The fields as a query string.
fn query(fields: &Value) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().unwrap() {
        query.append_pair(name, &value.as_str().map_or(value.to_string(), str::to_owned));
    }
    query.finish()
}

/// Runs a program with this on its standard input.
fn fed(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments);
    let output = fed(command, input);
    assert!(output.status.success(), "{}", stderr(&output));
    output.stdout
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn private_key(gateway: &Gateway) -> String {
    let shown = json(&gateway.run(&["terminal", "show", "42", "--json", "--reveal"]));
    shown["private_key"].as_str().unwrap().to_owned()
}

/// What a shop reads in an encrypted webhook, with OpenSSL and the rule of the documentation.
fn decrypted(webhook: &Received, private_key: &str) -> BTreeMap<String, String> {
    assert_eq!(webhook.header("content-type"), "application/x-www-form-urlencoded");
    let (_, text) = form_urlencoded::parse(webhook.body.as_bytes()).next().unwrap();
    assert_eq!(webhook.body, format!("data={text}"));
    let hash = openssl(&["dgst", "-sha256", "-binary"], PUBLIC_KEY.as_bytes());
    let (key, iv) = (hex(&private_key.as_bytes()[..32]), hex(&hash[..16]));
    let bytes = URL_SAFE_NO_PAD.decode(&*text).unwrap();
    let plain = openssl(&["enc", "-d", "-aes-256-cbc", "-K", &key, "-iv", &iv], &bytes);
    form_urlencoded::parse(&plain).into_owned().collect()
}

fn send(gateway: &Gateway, path: &str, value: &str) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new());
    let body = { body }.append_pair("encrypted_data", value).finish();
    gateway.form(path, &body)
}

#[test]
fn an_encrypted_payment_from_the_request_to_the_webhook() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    for (recipe, path) in [("a", "/api/s2s/encrypt"), ("b", "/api/s2s")] {
        let shop = Shop::open();
        let changes = json!({"webhook_url": shop.url, "encryption_method": "aes256"});
        let fields = request_with(&format!("encrypted {recipe}"), changes);
        let arguments = ["terminal", "encrypt", "42", "--recipe", recipe, "-"];
        let made = fed(command_on(&data, &arguments), query(&fields).as_bytes());
        assert_eq!(code(&made), 0, "{}", stderr(&made));
        let created = send(&gateway, path, stdout(&made).trim_end());
        let id = created.id();
        let authurl = created.json()["authurl"].as_str().unwrap().to_owned();
        let token = authurl.strip_prefix(&format!("{}/api/authurl/", gateway.url)).unwrap();
        assert_eq!(token.len(), 44);
        assert_eq!(created.json()["authstatus"], format!("{}/api/authurl/s2s/{id}", gateway.url));

        // The same in the clear is the same request.
        let again = gateway.post(&fields);
        assert_eq!(
            (again.json(), again.header("idempotent-replayed")),
            (created.json(), Some("true"))
        );

        assert_eq!(gateway.get(&Gateway::page(&id)).status, 404);
        assert_eq!(gateway.form(&Gateway::page(&id), "otp=123456").status, 404);
        assert_eq!(gateway.pass_challenge(token).location()["order_status"], "25");
        assert_eq!(gateway.status(&id)["order_status"], "25");

        let webhook = shop.wait_for("the webhook", 20, |list| !list.is_empty()).remove(0);
        assert!(verified(&webhook, &secrets(&gateway, "42")[0]), "{webhook:?}");
        let private_key = private_key(&gateway);
        assert!(!webhook.body.contains(&private_key) && !webhook.body.contains(&id));
        let told = decrypted(&webhook, &private_key);
        let expected = [
            ("transID", id.as_str()),
            ("order_status", "25"),
            ("status", "Test Approved"),
            ("response", "Payment successful"),
            ("bill_amt", "11.11"),
            ("bill_currency", "USD"),
            ("mop", "Visa"),
            ("ccno", "411111XXXXXX1111"),
            ("connector_status_code", "00"),
            ("sequence", "1"),
        ];
        for (name, value) in expected {
            assert_eq!(told[name], value, "{name}");
        }
        for name in ["reference", "tdate", "webhook_notify_time", "descriptor", "rrn"] {
            assert!(!told[name].is_empty(), "{name}");
        }
        assert_eq!(told.len(), 15, "{told:?}");
        let read = fed(
            command_on(&data, &["terminal", "decrypt", "42", "--json"]),
            webhook.body.as_bytes(),
        );
        let read = json(&read);
        let fields = read["fields"].as_array().unwrap();
        assert_eq!((&read["recipe"], fields.len()), (&json!("a"), 15));
        assert!(fields.iter().all(|field| told[field["name"].as_str().unwrap()] == field["value"]));
    }
    assert_eq!(gateway.bank_journal().len(), 2);
}

#[test]
fn a_gateway_that_was_started_again_knows_its_tokens_and_refuses_what_it_cannot_read() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let fields = request_with("kept", json!({"encryption_method": "aes256"}));
    let authurl = gateway.post(&fields).json()["authurl"].as_str().unwrap().to_owned();
    let token = authurl.rsplit_once('/').unwrap().1;
    gateway.stop();
    let gateway = Gateway::start(&data);
    assert_eq!(gateway.get(&Gateway::page(token)).status, 200);
    let garbage = format!("{}{PUBLIC_KEY}", "A".repeat(64));
    let answer = send(&gateway, "/api/s2s/encrypt", &garbage);
    assert_eq!((answer.status, &answer.json()["error_number"]), (400, &json!("5001")));
    // The operator is told why.
    let output = gateway.run(&["terminal", "decrypt", "42", &garbage]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("the padding is wrong"), "{}", stderr(&output));
    assert!(!stderr(&output).contains(&private_key(&gateway)));
}

#[test]
fn the_commands_say_how_they_are_used() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let run = |arguments: &[&str]| gateway.run(arguments);
    assert_eq!(code(&run(&["terminal", "encrypt", "42"])), 2);
    assert_eq!(code(&run(&["terminal", "encrypt", "42", "-", "--data", "a=b"])), 2);
    assert_eq!(code(&run(&["terminal", "encrypt", "42", "--data", "a=b", "--recipe", "c"])), 2);
    assert_eq!(code(&run(&["terminal", "encrypt", "42", "/nowhere"])), 3);
    assert_eq!(code(&run(&["terminal", "encrypt", "43", "--data", "a=b"])), 1);
    let made =
        json(&run(&["terminal", "encrypt", "42", "--data", "ccno=4111111111111111&a=b", "--json"]));
    let value = made["encrypted_data"].as_str().unwrap();
    assert!(value.ends_with(PUBLIC_KEY) && made["recipe"] == "a", "{made}");
    let read = run(&["terminal", "decrypt", "42", value]);
    assert_eq!(stdout(&read), "ccno  411111XXXXXX1111\na     b\n");
    let read = run(&["terminal", "decrypt", "42", value, "--show-card"]);
    assert!(stdout(&read).contains("4111111111111111"));
}

#[test]
fn a_terminal_that_demands_its_key_answers_strangers_as_if_there_were_nothing() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let id = gateway.post(&request_with("hidden", json!({}))).id();
    let path = format!("/api/authurl/s2s/{id}");
    assert_eq!(gateway.get(&path).status, 200);
    let set = |word: &str| {
        gateway.run(&["terminal", "set", "42", "--status-requires-key", word, "--json"])
    };
    assert_eq!(code(&set("perhaps")), 2);
    assert_eq!(json(&set("yes"))["status_requires_key"], true);
    crate::app::eventually("the setting is seen", 10, || gateway.get(&path).status == 404);
    let unknown = gateway.get("/api/authurl/s2s/999999250426141606");
    let hidden = gateway.get(&path);
    let without_id = |answer: &Answer| {
        let mut body = answer.json();
        body["request_id"].take();
        (answer.status, body)
    };
    assert_eq!(without_id(&hidden), without_id(&unknown));
    let key: String = form_urlencoded::byte_serialize(PUBLIC_KEY.as_bytes()).collect();
    assert_eq!(gateway.get(&format!("{path}?public_key={key}")).status, 200);
    assert_eq!(gateway.get(&format!("/api/authurl/s2s/hidden?public_key={key}")).status, 200);
    assert_eq!(json(&set("no"))["status_requires_key"], false);
    // Seen within a second; to ask all the time would count as guessing.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(gateway.get(&path).status, 200);
}
