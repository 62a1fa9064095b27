//! Payments that customers pay at their bank, wallet or UPI app: from the create call over our pages
//! and the sandbox bank's counter to the webhook, late and doubled ones too.

use crate::app::{Gateway, On, Shop, eventually, on_both_databases, request_with};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::time::{Duration, Instant};

on_both_databases!(
    net_banking_goes_to_the_bank_and_back,
    who_names_no_bank_chooses_one,
    a_collect_request_is_approved_in_the_app,
    a_terminal_says_what_becomes_of_collect_requests,
    a_qr_code_is_a_link_a_picture_and_a_button,
    what_is_paid_late_counts_or_goes_back,
    a_later_attempt_sends_late_money_back,
    a_notice_that_comes_twice_is_told_once,
    a_waiting_page_hears_at_once,
);

const KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2%2FxjlQ%3D";

/// A request without a card.
fn order(reference: &str, shop: &Shop, changes: Value) -> Value {
    let mut body = request_with(
        reference,
        json!({"ccno": null, "ccvv": null, "month": null, "year": null, "bill_currency": "INR",
               "webhook_url": shop.url}),
    );
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    body.as_object_mut().unwrap().extend(changes);
    body
}

fn authdata(answer: &Value) -> Value {
    let text = answer["authdata"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The path of a link of ours.
fn path(link: &str) -> String {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned())
}

fn counter(id: &str, version: u32) -> String {
    format!("/sandbox-bank/{id}-{version}")
}

/// What the merchant was told of a payment, in order.
fn told(shop: &Shop, id: &str, how_many: usize) -> Vec<Value> {
    let of_payment = |list: &[crate::app::Received]| -> Vec<Value> {
        let all = list.iter().map(crate::app::Received::json);
        let mut own: Vec<Value> = all.filter(|body| body["transID"] == id).collect();
        own.sort_by_key(|body| body["sequence"].as_str().unwrap().parse::<u32>().unwrap());
        own.dedup();
        own
    };
    let all = shop.wait_for(id, 30, |list| of_payment(list).len() >= how_many);
    of_payment(&all)
}

fn statuses(told: &[Value]) -> Vec<&str> {
    told.iter().map(|body| body["order_status"].as_str().unwrap()).collect()
}

fn proved(gateway: &Gateway) {
    let output = gateway.run(&["verify", "--bank", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
}

/// A terminal whose customers have few seconds, with its number and key.
fn hasty(gateway: &Gateway, flags: &[&str]) -> (Value, Value) {
    let mut asked = vec!["terminal", "add", "--merchant", "1", "--name", "Hasty", "--json"];
    asked.extend(["--expires-after", "2"].iter().chain(flags));
    let shown: Value = serde_json::from_slice(&gateway.run(&asked).stdout).unwrap();
    (shown["ter_no"].clone(), shown["public_key"].clone())
}

fn net_banking_goes_to_the_bank_and_back(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (decision, status) in [("approve", "25"), ("decline", "26"), ("cancel", "23")] {
        let changes = json!({"mop": "nb", "bankcode": "sbin"});
        let created = gateway.post(&order(decision, &shop, changes));
        let (answer, id) = (created.json(), created.id());
        assert_eq!((&answer["order_status"], &answer["mop"]), (&json!("0"), &json!("NB")));
        assert_eq!(answer["upa"], "SBIN");
        let details = authdata(&answer);
        assert_eq!(details["action"], "redirect");
        let bank = path(details["payaddress"].as_str().unwrap());
        let page = gateway.get(&Gateway::page(&id));
        assert_eq!(page.status, 303);
        assert_eq!(path(page.header("location").unwrap()), bank);
        let at_bank = gateway.get(&bank);
        assert!(at_bank.body.contains("State Bank of India"), "{}", at_bank.body);
        assert_eq!(gateway.status(&id)["order_status"], "0", "looking decides nothing");
        let back = gateway.get(&format!("{}/return", Gateway::page(&id)));
        assert!(back.status == 200 && back.body.contains("State Bank of India"), "{}", back.body);
        let decided = gateway.form(&bank, &format!("decision={decision}"));
        assert_eq!(decided.status, 303);
        let back = path(decided.header("location").unwrap());
        let landed = gateway.get(&back);
        let returned = landed.location();
        assert_eq!((&*returned["order_status"], &*returned["upa"]), (status, "SBIN"));
        let webhooks = told(&shop, &id, 1);
        assert_eq!(statuses(&webhooks), [status]);
        assert_eq!(webhooks[0]["upa"], "SBIN");
        // The same answer again, and the bank keeps to its word.
        let again = gateway.post(&order(decision, &shop, json!({"mop": "nb", "bankcode": "sbin"})));
        if status == "25" {
            assert_eq!(again.body, created.body);
        }
        gateway.form(&bank, "decision=approve");
        gateway.form(&bank, "decision=decline");
        assert_eq!(gateway.status(&id)["order_status"], status);
    }
    proved(&gateway);
}

fn who_names_no_bank_chooses_one(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (method, code, name) in [("NB", "HDFC", "HDFC Bank"), ("WALLET", "AMAZON", "Amazon Pay")] {
        let created = gateway.post(&order(method, &shop, json!({"mop": method})));
        let (answer, id) = (created.json(), created.id());
        assert_eq!(authdata(&answer)["payaddress"], answer["authurl"]);
        assert!(answer.get("upa").is_none());
        let page = gateway.get(&Gateway::page(&id));
        assert!(page.status == 200 && page.body.contains(name), "{}", page.body);
        let found = gateway.get(&format!("{}?q={}", Gateway::page(&id), name.replace(' ', "+")));
        assert!(found.body.contains(name) && !found.body.contains("Kotak"), "{}", found.body);
        for wrong in ["bankcode=NOSUCH", "bankcode=%00", "bankcode="] {
            assert_eq!(gateway.form(&Gateway::page(&id), wrong).status, 303);
            assert_eq!(gateway.status(&id)["order_status"], "0");
        }
        let chosen = gateway.form(&Gateway::page(&id), &format!("bankcode={code}"));
        assert_eq!(path(chosen.header("location").unwrap()), Gateway::page(&id));
        let at_bank = gateway.get(&Gateway::page(&id));
        let handed = at_bank.body.contains(&counter(&id, 2));
        let sent = at_bank.header("location").is_some_and(|to| to.contains(&counter(&id, 2)));
        assert!(handed || sent, "{} {}", at_bank.status, at_bank.body);
        // Who repeats the call gets the first answer, to the letter.
        let again = gateway.post(&order(method, &shop, json!({"mop": method})));
        assert_eq!(again.body, created.body);
        // Chosen twice: the first choice stays.
        gateway.form(&Gateway::page(&id), "bankcode=SBIN");
        assert_eq!(gateway.status(&id)["upa"], code);
        gateway.form(&counter(&id, 2), "decision=approve");
        eventually("the approval", 10, || gateway.status(&id)["order_status"] == "25");
        assert_eq!(statuses(&told(&shop, &id, 1)), ["25"]);
    }
    let methods = gateway.get(&format!("/api/methods?public_key={KEY}")).json();
    let codes: Vec<&str> =
        methods["methods"].as_array().unwrap().iter().map(|m| m["mop"].as_str().unwrap()).collect();
    assert_eq!(codes, ["CC", "DC", "NB", "WALLET", "UPICOLLECT", "QRINTENT"]);
    let banks = methods["methods"][2]["banks"].as_array().unwrap();
    assert!(banks.len() >= 40, "{banks:?}");
    let hdfc = json!({"bankcode": "HDFC", "name": "HDFC Bank", "initials": "HB"});
    assert!(banks.contains(&hdfc));
    assert_eq!(gateway.get("/api/methods").status, 400);
    assert_eq!(gateway.get("/api/methods?public_key=x").status, 401);
    proved(&gateway);
}

fn a_collect_request_is_approved_in_the_app(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (decision, status) in [("approve", "25"), ("decline", "26")] {
        let changes = json!({"mop": "UPICOLLECT", "upi_address": "9355555555@PTYES"});
        let created = gateway.post(&order(decision, &shop, changes));
        let (answer, id) = (created.json(), created.id());
        assert_eq!(
            (&answer["upa"], &answer["mop"]),
            (&json!("9355555555@ptyes"), &json!("UPICOLLECT"))
        );
        let page = gateway.get(&Gateway::page(&id));
        assert!(page.status == 200 && page.body.contains("@ptyes"), "{}", page.body);
        assert!(!page.body.contains("9355555555"), "the address is masked");
        assert!(page.body.contains(&counter(&id, 1)), "the tester's way to the app");
        let decided = gateway.form(&counter(&id, 1), &format!("decision={decision}"));
        assert_eq!(path(decided.header("location").unwrap()), counter(&id, 1));
        // The bank's notice, not the customer, tells of it.
        eventually("the decision", 3, || gateway.status(&id)["order_status"] == status);
        assert_eq!(gateway.get(&Gateway::page(&id)).location()["order_status"], status);
        assert_eq!(statuses(&told(&shop, &id, 1)), [status]);
    }
    let created = gateway.post(&order(
        "given up",
        &shop,
        json!({"mop": "UPICOLLECT", "upi_address": "a@bank"}),
    ));
    let cancelled = gateway.form(&Gateway::page(&created.id()), "cancel=1");
    assert_eq!(cancelled.location()["order_status"], "23");
    proved(&gateway);
}

fn a_terminal_says_what_becomes_of_collect_requests(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let (number, key) = hasty(&gateway, &["--upi-collect", "convert_to_qr"]);
    let changes = json!({"mop": "UPICOLLECT", "upi_address": "a@bank", "terNO": number,
                         "public_key": key});
    let answer = gateway.post(&order("converted", &shop, changes)).json();
    let why = "UPI collect requests are withdrawn for most merchants: pay by UPI QR code instead";
    assert_eq!((&answer["response"], &answer["mop"]), (&json!(why), &json!("UPICOLLECT")));
    assert!(authdata(&answer)["payaddress"].as_str().unwrap().starts_with("upi://pay?"));
    let (number, key) = hasty(&gateway, &["--upi-collect", "refuse"]);
    let changes = json!({"mop": "UPICOLLECT", "upi_address": "a@bank", "terNO": number,
                         "public_key": key});
    let refused = gateway.post(&order("refused", &shop, changes));
    assert_eq!((refused.status, refused.json()["error_number"].clone()), (400, json!("1052")));
    assert!(refused.body.contains("QRINTENT"), "{}", refused.body);
    let dollars = json!({"mop": "QRINTENT", "bill_currency": "USD"});
    let refused = gateway.post(&order("dollars", &shop, dollars)).json();
    assert_eq!(
        (&refused["error_number"], &refused["errors"][0]["field"]),
        (&json!("1051"), &json!("bill_currency"))
    );
}

fn a_qr_code_is_a_link_a_picture_and_a_button(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (os, folded) in [("web", false), ("device_android", true), ("DEVICE_IOS", true)] {
        let created = gateway.post(&order(os, &shop, json!({"mop": "QRINTENT", "os": os})));
        let (answer, id) = (created.json(), created.id());
        let details = authdata(&answer);
        let link = details["payaddress"].as_str().unwrap().to_owned();
        assert!(link.starts_with("upi://pay?pa=") && link.contains("am=11.11&cu=INR"), "{link}");
        assert!(link.contains(&format!("tr={id}")), "{link}");
        assert_eq!(details["authdata"]["os"], os.to_ascii_lowercase());
        let page = gateway.get(&Gateway::page(&id)).body;
        assert!(page.contains("<svg") && page.contains(&link.replace('&', "&#38;")), "{page}");
        assert_eq!(
            page.contains("<details class=\"fold"),
            folded || page.contains("fold"),
            "{page}"
        );
        gateway.form(&counter(&id, 1), "decision=approve");
        eventually("the approval", 3, || gateway.status(&id)["order_status"] == "25");
        assert_eq!(statuses(&told(&shop, &id, 1)), ["25"]);
    }
    let (number, key) = hasty(&gateway, &["--qr-format", "bharat_qr", "--merchant-city", "Pune"]);
    let changes = json!({"mop": "QRINTENT", "terNO": number, "public_key": key});
    let answer = gateway.post(&order("bharat", &shop, changes)).json();
    let code = authdata(&answer)["authdata"]["qr"].as_str().unwrap().to_owned();
    assert!(code.starts_with("000201") && code.contains("6004Pune"), "{code}");
    proved(&gateway);
}

fn what_is_paid_late_counts_or_goes_back(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    for (policy, end) in [("accept", "25"), ("reverse", "7")] {
        let (number, key) = hasty(&gateway, &["--late-approval", policy]);
        for (method, details) in [
            ("NB", json!({"bankcode": "SBIN"})),
            ("WALLET", json!({"bankcode": "PAYTM"})),
            ("UPICOLLECT", json!({"upi_address": "a@bank"})),
            ("QRINTENT", json!({})),
        ] {
            let mut changes = json!({"mop": method, "terNO": number, "public_key": key});
            changes.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
            let id = gateway.post(&order(&format!("{policy} {method}"), &shop, changes)).id();
            assert_eq!(statuses(&told(&shop, &id, 1)), ["22"], "{method}");
            gateway.form(&counter(&id, 1), "decision=approve");
            let webhooks = told(&shop, &id, 2);
            assert_eq!(statuses(&webhooks), ["22", end], "{policy} {method}");
            assert_eq!(gateway.status(&id)["order_status"], end);
        }
    }
    proved(&gateway);
    let balance = gateway.run(&["balance", "--json"]);
    let text = String::from_utf8_lossy(&balance.stdout).into_owned();
    // Four of eight were taken: 44.44.
    assert!(text.contains("44.44"), "{text}");
}

fn a_later_attempt_sends_late_money_back(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let (number, key) = hasty(&gateway, &["--late-approval", "accept"]);
    let changes = json!({"mop": "NB", "bankcode": "SBIN", "terNO": number, "public_key": key});
    let body = order("twice paid", &shop, changes);
    let first = gateway.post(&body).id();
    assert_eq!(statuses(&told(&shop, &first, 1)), ["22"]);
    let second = gateway.post(&body).id();
    assert_ne!(first, second, "a new attempt");
    gateway.form(&counter(&second, 1), "decision=approve");
    assert_eq!(statuses(&told(&shop, &second, 1)), ["25"]);
    gateway.form(&counter(&first, 1), "decision=approve");
    assert_eq!(statuses(&told(&shop, &first, 2)), ["22", "7"]);
    assert_eq!(gateway.post(&body).id(), second, "the order is paid once");
    proved(&gateway);
}

fn a_notice_that_comes_twice_is_told_once(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let mut paid = Vec::new();
    for (method, details) in [
        ("NB", json!({"bankcode": "LABTWICE"})),
        ("UPICOLLECT", json!({"upi_address": "twice@sandbox"})),
    ] {
        let mut changes = json!({"mop": method});
        changes.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        let created = gateway.post(&order(&format!("twice {method}"), &shop, changes));
        assert_eq!(created.status, 200, "{}", created.body);
        let id = created.id();
        gateway.form(&counter(&id, 1), "decision=approve");
        eventually("the approval", 10, || gateway.status(&id)["order_status"] == "25");
        paid.push(id);
    }
    std::thread::sleep(Duration::from_secs(2));
    for id in paid {
        assert_eq!(statuses(&told(&shop, &id, 1)), ["25"]);
        let events = gateway.run(&["payment", "show", &id, "--json"]);
        let text = String::from_utf8_lossy(&events.stdout).into_owned();
        assert_eq!(text.matches("\"decided\"").count(), 1, "{text}");
    }
    proved(&gateway);
}

fn a_waiting_page_hears_at_once(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let shop = Shop::open();
    let changes = json!({"mop": "UPICOLLECT", "upi_address": "a@bank"});
    let id = gateway.post(&order("heard", &shop, changes)).id();
    let listen = || {
        let stream = std::net::TcpStream::connect(gateway.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let ask = format!("GET {}/events HTTP/1.1\r\nhost: x\r\n\r\n", Gateway::page(&id));
        (&stream).write_all(ask.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
        assert!(lines.any(|line| line == "content-type: text/event-stream"));
        lines
    };
    let mut lines = listen();
    let began = Instant::now();
    gateway.form(&counter(&id, 1), "decision=approve");
    assert!(lines.any(|line| line == "event: changed"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // A page that was drawn before the decision, and listens after it.
    let began = Instant::now();
    assert!(listen().any(|line| line == "event: changed"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(gateway.get(&format!("{}/events", Gateway::page("123456789012345678"))).status, 404);
}
