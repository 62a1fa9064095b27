//! `POST /api/s2s` against the contract's section 1, case by case.

use crate::app::{Gateway, On, PUBLIC_KEY, on_both_databases, request, request_with};
use base64::Engine as _;
use serde_json::{Value, json};

on_both_databases!(
    the_pages_request_gets_the_thirteen_fields,
    forms_and_multipart_say_the_same,
    everything_wrong_is_named_by_number_and_field,
    everything_right_is_taken,
    all_problems_come_at_once_and_as_problem_details_when_asked,
    bodies_methods_and_media_types,
    an_inactive_address_or_terminal_and_its_fallbacks,
);

/// The requirement page's body, byte for byte as a merchant pastes it.
const PAGE_REQUEST: &str = r#"{
    "public_key": "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
    "terNO": 42,
    "integration-type": "s2s",
    "unique_reference": "Y",
    "bill_ip": "222.176.92.333",
    "source": "server-to-server integration",
    "source_url": "https://yourdomain.com/checkout.do",
    "mop": "CC",
    "ccno": "4111111111111111",
    "ccvv": "123",
    "month": "01",
    "year": "30",
    "bill_amt": "11.11",
    "bill_currency": "USD",
    "product_name": "Testing Product",
    "fullname": "Test Full Name",
    "bill_email": "test@yourdomain.com",
    "bill_address": "25A Alpha",
    "bill_city": "Jurong",
    "bill_state": "Singapore",
    "bill_country": "SG",
    "bill_zip": "447602",
    "bill_phone": "+65-62294466",
    "reference": "1DEV",
    "webhook_url": "https://yourdomain.com/webhook_url.do",
    "return_url": "https://yourdomain.com/return_url.do"
}"#;

const THIRTEEN: [&str; 13] = [
    "authstatus",
    "bill_currency",
    "transID",
    "mop",
    "ccno",
    "reference",
    "authurl",
    "order_status",
    "tdate",
    "response",
    "authdata",
    "bill_amt",
    "status",
];

fn the_pages_request_gets_the_thirteen_fields(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let json = [("content-type", "application/json")];
    let answer = gateway.send("POST", "/api/s2s", &json, PAGE_REQUEST);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let fields = answer.json();
    let names: Vec<&str> = answer
        .body
        .split('"')
        .enumerate()
        .filter(|(place, _)| place % 4 == 1)
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, THIRTEEN, "these fields, in this order");
    assert!(fields.as_object().unwrap().values().all(Value::is_string), "{fields}");
    let id = fields["transID"].as_str().unwrap();
    assert_eq!(id.len(), 18);
    assert_eq!(fields["authurl"], format!("{}/api/authurl/{id}", gateway.url));
    assert_eq!(fields["authstatus"], format!("{}/api/authurl/s2s/{id}", gateway.url));
    assert_eq!(fields["ccno"], "411111XXXXXX1111");
    assert_eq!(fields["mop"], "Visa");
    assert_eq!(fields["order_status"], "0");
    assert_eq!(fields["status"], "Pending");
    assert_eq!(fields["response"], "Payment is pending");
    assert_eq!(fields["bill_amt"], "11.11");
    let tdate = fields["tdate"].as_str().unwrap();
    assert_eq!(tdate.len(), "2025-04-26 14:16:06.000657".len());
    let authdata = base64::engine::general_purpose::STANDARD
        .decode(fields["authdata"].as_str().unwrap())
        .unwrap();
    let authdata = String::from_utf8(authdata).unwrap();
    assert!(authdata.starts_with(&format!("{{\"transID\":{id},\"action\":\"redirect\"")));
    assert!(authdata.contains("\"payamt\":11.11,\"paycurrency\":\"USD\""), "{authdata}");

    let again = gateway.send("POST", "/api/s2s", &json, PAGE_REQUEST);
    assert_eq!(again.body, answer.body, "the first answer again");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = PAGE_REQUEST.replace("11.11", "12.11");
    let other = gateway.send("POST", "/api/s2s", &json, &other);
    assert_eq!((other.status, &other.json()["error_number"]), (409, &json!("5012")));
    assert!(other.json()["error_message"].as_str().unwrap().contains(id), "{}", other.body);
    assert_eq!(other.json()["reference"], "1DEV");
}

fn forms_and_multipart_say_the_same(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let fields = request("FORM");
    let fields = fields.as_object().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let mut parts = String::new();
    for (name, value) in fields {
        form.append_pair(name, &text(value));
        parts.push_str(&format!(
            "--xYx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n",
            text(value)
        ));
    }
    parts.push_str("--xYx--\r\n");
    let form = form.finish();
    let as_form = gateway.form("/api/s2s", &form);
    let id = as_form.id();
    // The plus sign of the key, unencoded: a careless client.
    let careless = form.replace("%2F", "/").replace("%3D", "=");
    let media = ("content-type", "multipart/form-data; boundary=xYx");
    for same in [
        gateway.send("POST", "/api/s2s", &[media], &parts),
        gateway.post(&request("FORM")),
        gateway.form("/api/s2s", &careless),
    ] {
        assert_eq!(same.id(), id, "one request in every form");
    }
}

/// A case: what is changed, the HTTP status, the error's number, the field it names.
struct Case {
    name: String,
    request: Value,
    status: u16,
    number: &'static str,
    field: &'static str,
}

fn bad(field: &'static str, value: &Value, number: &'static str) -> Case {
    let changes = json!({ field: value });
    Case {
        name: format!("{field} = {}", value.to_string().chars().take(60).collect::<String>()),
        request: request_with("table", changes),
        status: 400,
        number,
        field,
    }
}

/// Each of the eleven mandatory parameters with the number for "missing", for a wrong form, and
/// one that is too long. Those with a default have no "missing".
fn mandatory() -> Vec<Case> {
    let table = [
        ("public_key", Some("1040"), "1043", "A".repeat(45)),
        ("terNO", Some("1040"), "1043", "4".repeat(40)),
        ("integration-type", None, "1043", "s".repeat(300)),
        ("bill_amt", Some("1111"), "1112", "123456789.00".to_owned()),
        ("bill_currency", Some("1040"), "1051", "USDD".to_owned()),
        ("product_name", Some("1040"), "1043", "p".repeat(256)),
        ("reference", Some("1040"), "1043", "r".repeat(129)),
        ("webhook_url", Some("1040"), "1043", format!("https://a.b/{}", "x".repeat(2048))),
        ("return_url", Some("1040"), "1043", format!("https://a.b/{}", "x".repeat(2048))),
        ("bill_ip", None, "1043", "1".repeat(65)),
        ("mop", Some("1040"), "1052", "CC".repeat(40)),
    ];
    let mut cases = Vec::new();
    for (field, missing, wrong, long) in table {
        if let Some(number) = missing {
            for absent in [json!(null), json!(""), json!("   ")] {
                cases.push(bad(field, &absent, number));
            }
        }
        for wrong_type in [json!([]), json!({}), json!(true), json!(false), json!(["x"])] {
            cases.push(bad(field, &wrong_type, wrong));
        }
        cases.push(bad(field, &json!(long), wrong));
    }
    cases
}

fn wrong_forms() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |field, number, values: &[Value]| {
        cases.extend(values.iter().map(|value| bad(field, value, number)));
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    add(
        "public_key",
        "1043",
        &texts(&["x", "not a key", "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2_xjlQ="]),
    );
    add("terNO", "1043", &texts(&["x", "-1", "0", "4.2", "1e3", "４２", "+42", "0x2A"]));
    add("terNO", "1043", &[json!(-42), json!(4.5), json!(0)]);
    add("integration-type", "1043", &texts(&["checkout", "S-2-S", "0"]));
    add("integration_type", "1043", &texts(&["checkout-s2s"]));
    add(
        "bill_amt",
        "1112",
        &texts(&[
            "0",
            "0.00",
            "-1",
            "+5",
            ".5",
            "5.",
            "1,5",
            "1_000",
            "1e2",
            "NaN",
            "inf",
            "0x10",
            "1.001",
            "１１",
            "11 11",
            "$11",
            "11.11USD",
            "999999999",
            "--1",
            "1.2.3",
        ]),
    );
    add("bill_amt", "1112", &[json!(0), json!(-1), json!(1.001), json!(123_456_789)]);
    add("bill_currency", "1051", &texts(&["XXX", "XAU", "US", "840", "ZZZ", "U$D", "EURO", "ß"]));
    add("product_name", "1043", &texts(&["a\u{0}b", "line\nbreak", "\u{7f}"]));
    add("reference", "1043", &texts(&["a\u{0}b", "line\r\nbreak", "tab\there"]));
    let urls = [
        "shop.example",
        "/return",
        "//shop.example",
        "javascript:alert(1)",
        "data:,x",
        "ftp://a.b/",
        "https:shop.example",
        "https://user@a.b/",
        "https://u:p@a.b/",
        "https://",
        "http:///x",
        "https://a b/",
        "https://a.b\\@evil.test/",
        "https://a.b/\r\nX: y",
    ];
    add("webhook_url", "1043", &texts(&urls));
    add("return_url", "1043", &texts(&urls));
    add("bill_ip", "1043", &texts(&["1.1.1.1\u{0}", "a\nb"]));
    add("mop", "1052", &texts(&["XX", "CARD", "UPI", "NETBANKING", "QR", "NB,CC", "C C"]));
    add("mop", "1052", &[json!(1)]);
    add(
        "ccno",
        "1113",
        &texts(&[
            "",
            "4",
            "4111111111111112",
            "41111111111111111111",
            "4111x",
            "4242 4242 4242 4241",
        ]),
    );
    add("ccno", "1113", &[json!(null), json!([]), json!(true), json!(4.1e15)]);
    add("ccno", "153", &texts(&["9999999999999995", "1000000000000008"]));
    add("ccvv", "154", &texts(&["", "12", "1234", "12a", "１２３", "-12"]));
    add("ccvv", "154", &[json!(null), json!([]), json!(12)]);
    add("month", "155", &texts(&["", "0", "00", "13", "1.5", "Jan", "001", "-1"]));
    add("month", "155", &[json!(null), json!({}), json!(13), json!(0)]);
    add("year", "156", &texts(&["", "3", "203", "1999", "20", "2024", "x", "30.0"]));
    add("year", "156", &[json!(null), json!([]), json!(7)]);
    add("bill_email", "1043", &texts(&["x", "a@b", "@a.b", "a b@c.d", "a@.b."]));
    add("bill_phone", "1043", &texts(&["phone", "1;2", &"1".repeat(33)]));
    add("bill_country", "1043", &texts(&["USA", "XX", "1", "ZZ"]));
    add("bill_zip", "1043", &texts(&[&"1".repeat(21)]));
    add("fullname", "1043", &texts(&[&"n".repeat(129), "a\u{0}"]));
    add("bill_address", "1043", &texts(&[&"a".repeat(256)]));
    add("bill_city", "1043", &texts(&[&"c".repeat(129)]));
    add("bill_state", "1043", &texts(&[&"s".repeat(129)]));
    add("source", "1043", &texts(&[&"s".repeat(256)]));
    add("source_url", "1043", &texts(&[&"s".repeat(2049)]));
    add("unique_reference", "1043", &texts(&["yes", "1"]));
    add("encryption_method", "1043", &texts(&["aes128", "AES"]));
    cases
}

fn combinations() -> Vec<Case> {
    let case = |name: &str, changes: Value, status, number, field| Case {
        name: name.to_owned(),
        request: request_with("table", changes),
        status,
        number,
        field,
    };
    let key = format!("{}=", "A".repeat(43));
    let mut cases = Vec::new();
    for (mop, field, number, values) in [
        ("NB", "bankcode", "1043", &["NOSUCH", "AMAZON", "S", "SB IN", "<b>"][..]),
        ("WALLET", "bankcode", "1043", &["SBIN", "NOSUCH", "a@b"]),
        ("UPICOLLECT", "upi_address", "1043", &["name", "@bank", "a@", "a b@bank", "a@b@c"]),
        ("UPICOLLECT", "upi_address", "1040", &["", " "]),
        ("QRINTENT", "os", "1043", &["windows", "device", "1"]),
        ("QRINTENT", "bill_currency", "1051", &["USD", "EUR"]),
    ] {
        for value in values {
            let name = format!("{mop}: {field} = {value:?}");
            let mut changes = json!({"mop": mop, "bill_currency": "INR"});
            changes[field] = json!(value);
            cases.push(case(&name, changes, 400, number, field));
        }
    }
    cases.extend([
        case(
            "a fraction of a yen",
            json!({"bill_currency": "JPY", "bill_amt": "10.50"}),
            400,
            "1112",
            "bill_amt",
        ),
        case("Amex takes four digits", json!({"ccno": "378282246310005"}), 400, "154", "ccvv"),
        case("expired", json!({"month": "1", "year": "2026"}), 400, "156", "year"),
        case("an unknown key", json!({"public_key": key}), 401, "101", ""),
        case("the wrong number", json!({"terNO": 43}), 401, "101", ""),
    ]);
    cases
}

fn everything_wrong_is_named_by_number_and_field(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let mut cases = mandatory();
    cases.extend(wrong_forms());
    cases.extend(combinations());
    assert!(cases.len() >= 200, "only {} cases", cases.len());
    for case in &cases {
        let answer = gateway.post(&case.request);
        let said = answer.json();
        let name = &case.name;
        assert_eq!(answer.status, case.status, "{name}: {}", answer.body);
        assert_eq!(said["status"], "Error", "{name}");
        assert_eq!(said["error_number"], case.number, "{name}: {}", answer.body);
        let first = &said["errors"][0];
        assert_eq!(first["error_number"], said["error_number"], "{name}");
        assert_eq!(first["message"], said["error_message"], "{name}");
        assert_eq!(first["field"].as_str().unwrap_or(""), case.field, "{name}: {}", answer.body);
        assert_eq!(said["errors"].as_array().unwrap().len(), 1, "{name}: {}", answer.body);
        let id = said["request_id"].as_str().unwrap();
        assert_eq!(answer.header("x-request-id"), Some(id), "{name}");
    }
    // Numbers are judged by their literal text, which `json!` cannot write.
    for literal in ["1e2", "1E2", "11.110", "-0", "100000000000000000.01", "0.0"] {
        let body = request("table").to_string().replace("\"11.11\"", literal);
        let media = ("content-type", "application/json");
        let answer = gateway.send("POST", "/api/s2s", &[media], &body);
        let said = (answer.status, answer.json()["error_number"].clone());
        assert_eq!(said, (400, json!("1112")), "{literal}: {}", answer.body);
    }
    // Nothing was stored, so the reference is free.
    assert_eq!(gateway.post(&request("table")).status, 200);
    println!("{} cases", cases.len());
}

fn everything_right_is_taken(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let good = [
        json!({"terNO": "42"}),
        json!({"bill_amt": 11.11}),
        json!({"bill_amt": 120}),
        json!({"bill_amt": "120.00"}),
        json!({"bill_amt": "00.10"}),
        json!({"bill_amt": "99999999.99"}),
        json!({"bill_amt": " 11.11 "}),
        json!({"bill_currency": "JPY", "bill_amt": "10.00"}),
        json!({"bill_currency": "BHD", "bill_amt": "10.50"}),
        json!({"bill_currency": "inr"}),
        json!({"integration-type": null}),
        json!({"integration-type": null, "integration_type": "s2s"}),
        json!({"bill_ip": null}),
        json!({"bill_ip": "unknown, via proxy"}),
        json!({"mop": "dc"}),
        json!({"mop": "cc", "ccno": "4242-4242 4242 4242"}),
        json!({"ccno": 4_111_111_111_111_111_u64, "ccvv": 123, "month": 1, "year": 2030}),
        json!({"ccno": "378282246310005", "ccvv": "1234"}),
        json!({"ccno": "5111111111111111"}),
        json!({"month": "12", "year": "26"}),
        json!({"month": "9", "year": "2031"}),
        json!({"product_name": "Ünïcödé 商品 \u{1F600}"}),
        json!({"fullname": null, "bill_email": null, "bill_phone": "", "bill_country": null}),
        json!({"bill_country": "in"}),
        json!({"unique_reference": "n", "encryption_method": "AES256"}),
        json!({"somebody": "else's", "field": [1, {"a": null}]}),
        json!({"webhook_url": "http://localhost:3000/hook?a=b", "return_url": "https://b\u{fc}cher.example/"}),
    ];
    for (number, changes) in good.iter().enumerate() {
        let answer = gateway.post(&request_with(&format!("good {number}"), changes.clone()));
        assert_eq!(answer.status, 200, "{changes}: {}", answer.body);
    }
    for (amount, printed) in [("120.00", "120.0"), ("11.10", "11.1"), ("7", "7.0")] {
        let request = request_with(&format!("print {amount}"), json!({"bill_amt": amount}));
        assert_eq!(gateway.post(&request).json()["bill_amt"], printed);
    }
}

fn all_problems_come_at_once_and_as_problem_details_when_asked(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let changes = json!({
        "bill_amt": null, "bill_currency": "ZZZ", "return_url": "nowhere", "ccvv": "1",
        "month": "13", "bill_email": "x",
    });
    let request = request_with("many", changes);
    let answer = gateway.post(&request).json();
    let fields: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    let expected = ["bill_currency", "bill_amt", "ccvv", "month", "return_url", "bill_email"];
    assert_eq!(fields, expected);
    let headers = [("content-type", "application/json"), ("accept", "application/problem+json")];
    let answer = gateway.send("POST", "/api/s2s", &headers, &request.to_string());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!((&problem["status"], &problem["title"]), (&json!(400), &json!("Bad Request")));
    assert_eq!(problem["errors"].as_array().unwrap().len(), 6);
}

fn bodies_methods_and_media_types(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let json = ("content-type", "application/json");
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let path = "/api/s2s?ccno=4111111111111111";
        let answer = gateway.send(method, path, &[json], "");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
        assert_eq!(answer.json()["error_number"], "405");
    }
    let answer = gateway.send("POST", "/api/s2s?ccno=4111111111111111", &[json], "{}");
    assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (400, &json!("ccno")));
    for media in ["text/plain", "application/xml", "multipart/form-data", ""] {
        let answer = gateway.send("POST", "/api/s2s", &[("content-type", media)], "{}");
        assert_eq!(
            (answer.status, &answer.json()["error_number"]),
            (415, &json!("415")),
            "{media}"
        );
    }
    let limit = 64 * 1024;
    let body = request("large").to_string();
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    assert_eq!(gateway.send("POST", "/api/s2s", &[json], &padded(limit)).status, 200);
    let answer = gateway.send("POST", "/api/s2s", &[json], &padded(limit + 1));
    assert_eq!((answer.status, &answer.json()["error_number"]), (413, &json!("413")));
    for broken in [
        "",
        "[]",
        "null",
        "{",
        "\"x\"",
        "{\"a\":1}{}",
        "{\"terNO\":42,\"terNO\":42}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":NaN}",
        "{'a':1}",
    ] {
        let answer = gateway.send("POST", "/api/s2s", &[json], broken);
        assert_eq!(
            (answer.status, &answer.json()["error_number"]),
            (400, &json!("1043")),
            "{broken}"
        );
    }
    let answer = gateway.send(
        "POST",
        "/api/s2s",
        &[json],
        &request("nul").to_string().replace("Jurong", "a\\u0000b"),
    );
    assert_eq!(answer.json()["errors"][0]["field"], "bill_city");
}

fn an_inactive_address_or_terminal_and_its_fallbacks(on: On) {
    let (_folder, data) = on.folder();
    let gateway = Gateway::start(&data);
    let add = |arguments: &[&str]| {
        let output =
            gateway.run(&[&["terminal", "add", "--merchant", "1", "--json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let narrow = add(&["--name", "narrow", "--allow-address", "10.0.0.0/8"]);
    let limited = add(&[
        "--name",
        "limited",
        "--min",
        "1.00",
        "--max",
        "500",
        "--currencies",
        "EUR",
        "--methods",
        "DC",
        "--webhook-url",
        "http://127.0.0.1:9/own",
        "--return-url",
        "https://shop.example/own",
    ]);
    let of = |terminal: &Value, changes: Value| {
        let mut request = request_with("other terminal", changes);
        request["terNO"] = terminal["ter_no"].clone();
        request["public_key"] = terminal["public_key"].clone();
        gateway.post(&request)
    };
    let answer = of(&narrow, json!({}));
    assert_eq!((answer.status, &answer.json()["error_number"]), (403, &json!("103")));
    let answer = of(&limited, json!({"bill_amt": "500.01"}));
    let numbers: Vec<String> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["error_number"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["1051", "1052"], "{}", answer.body);
    let right = json!({"bill_currency": "EUR", "mop": "DC", "bill_amt": "500.01"});
    let answer = of(&limited, right);
    assert_eq!(answer.json()["error_number"], "1112", "{}", answer.body);
    let right = json!({"bill_currency": "EUR", "mop": "DC", "webhook_url": null, "return_url": ""});
    let answer = of(&limited, right);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A key of one terminal does not open another.
    let mut mixed = request("mixed");
    mixed["public_key"] = limited["public_key"].clone();
    assert_eq!(gateway.post(&mixed).status, 401);
    assert_ne!(limited["public_key"], PUBLIC_KEY);
}
