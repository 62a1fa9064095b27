//! What the books say, at the command line and for a merchant's server.

use crate::app::{Gateway, folder, request_with};
use crate::house::House;
use crate::{code, json, stderr, stdout};
use serde_json::{Value, json};

const YES: &str = "4012000033330026";

fn private_key(gateway: &Gateway) -> String {
    let shown = json(&gateway.run(&["terminal", "show", "42", "--json", "--reveal"]));
    shown["private_key"].as_str().unwrap().to_owned()
}

fn ask(gateway: &Gateway, query: &str, key: Option<&str>) -> crate::app::Answer {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let headers: Vec<(&str, &str)> =
        bearer.iter().map(|value| ("authorization", value.as_str())).collect();
    gateway.send("GET", &format!("/api/v1/balance{query}"), &headers, "")
}

#[test]
fn the_books_are_told_to_operator_and_merchant() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let empty = gateway.run(&["balance"]);
    assert_eq!((code(&empty), stdout(&empty)), (0, ""));
    assert!(stderr(&empty).contains("Nothing is booked yet"), "{}", stderr(&empty));
    let key = private_key(&gateway);
    assert_eq!(ask(&gateway, "?terNO=42", Some(&key)).json()["balances"], json!([]));

    gateway.post(&request_with("usd", json!({ "ccno": YES }))).id();
    let body = json!({ "ccno": YES, "bill_currency": "JPY", "bill_amt": "500" });
    gateway.post(&request_with("yen", body)).id();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let house = House::open(&data);
        let shop = house.terminal(42).await;
        let paid = house.create(&shop, YES, "ok").await.id;
        house.refund(&shop, paid, "1.11").await;
        house.close().await;
    });

    let answer = ask(&gateway, "?terNO=42", Some(&key));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    assert_eq!((&told["terNO"], &told["mode"]), (&json!(42), &json!("test")));
    let expected = json!([
        {"currency": "JPY", "owed": "500", "owed_minor": 500, "accounts": [
            {"account": "bank_receivable", "side": "debit", "amount": "500", "amount_minor": 500},
            {"account": "merchant_payable", "side": "credit", "amount": "500", "amount_minor": 500},
        ]},
        {"currency": "USD", "owed": "21.11", "owed_minor": 2111, "accounts": [
            {"account": "bank_receivable", "side": "debit", "amount": "21.11", "amount_minor": 2111},
            {"account": "merchant_payable", "side": "credit", "amount": "22.22", "amount_minor": 2222},
            {"account": "refunds", "side": "debit", "amount": "1.11", "amount_minor": 111},
        ]},
    ]);
    assert_eq!(told["balances"], expected);

    let shown = gateway.run(&["balance", "--json"]);
    let lines: Vec<Value> =
        stdout(&shown).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["owed"], &lines[1]["merchant"]), (&json!("21.11"), &json!(1)));
    let csv = gateway.run(&["balance", "--csv", "--merchant", "1"]);
    assert!(stdout(&csv).contains("1,test,USD,refunds,debit,1.11,111,1\r\n"), "{}", stdout(&csv));
    let table = gateway.run(&["balance"]);
    assert!(stdout(&table).contains("owed to the merchant"), "{}", stdout(&table));
    assert_eq!(code(&gateway.run(&["balance", "--merchant", "9"])), 1);

    let postings = gateway.run(&["balance", "--postings", "--csv"]);
    let lines: Vec<&str> = stdout(&postings).split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 9, "a heading and four times two lines: {lines:?}");
    assert!(
        lines[8].ends_with("bank_receivable,USD,-1.11,-111") || lines[7].ends_with("-1.11,-111")
    );
    for (flags, count) in [
        (["--since", "2020-01-01"], 9),
        (["--since", "2200-01-01"], 1),
        (["--until", "2020-01-01"], 1),
        (["--merchant", "1"], 9),
    ] {
        let output = gateway.run(&[&["balance", "--postings", "--csv"][..], &flags].concat());
        assert_eq!(stdout(&output).lines().count(), count, "{flags:?}");
    }
    for wrong in [
        &["balance", "--postings"][..],
        &["balance", "--csv", "--since", "2020-01-01"],
        &["balance", "--postings", "--csv", "--since", "yesterday"],
    ] {
        assert_eq!(code(&gateway.run(wrong)), 2, "{wrong:?}");
    }
}

#[test]
fn only_the_private_key_opens_the_books() {
    let (_folder, data) = folder();
    let gateway = Gateway::start(&data);
    let key = private_key(&gateway);
    for (query, shown, status, number) in [
        ("?terNO=42", None, 401, "101"),
        ("?terNO=42", Some(crate::app::PUBLIC_KEY), 401, "101"),
        ("?terNO=42", Some(""), 401, "101"),
        ("?terNO=7", Some(key.as_str()), 401, "101"),
        ("", Some(key.as_str()), 400, "1040"),
        ("?terNO=x", Some(key.as_str()), 400, "1043"),
        ("?terNO=-1", Some(key.as_str()), 400, "1043"),
    ] {
        let answer = ask(&gateway, query, shown);
        let told = (answer.status, answer.json()["error_number"].clone());
        assert_eq!(told, (status, json!(number)), "{query} {shown:?}: {answer:?}");
        let asks_for_key = answer.header("www-authenticate") == Some("Bearer");
        assert_eq!(asks_for_key, status == 401);
        assert!(!answer.body.contains(&key));
    }
    let proof = json(&gateway.run(&["verify", "--json"]));
    assert!(proof["audit_lines"].as_u64().unwrap() >= 7, "each refusal is on record: {proof}");
    // The retiring key is good, too; guesses are not answered for long.
    assert!(gateway.run(&["terminal", "rotate-keys", "42"]).status.success());
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(ask(&gateway, "?terNO=42", Some(&key)).status, 200);
    assert_eq!(ask(&gateway, "?terNO=42", Some(&private_key(&gateway))).status, 200);
    let mut limited = 0;
    for _guess in 0..40 {
        limited += usize::from(ask(&gateway, "?terNO=42", Some("guess")).status == 429);
    }
    assert!(limited >= 5, "{limited}");
    assert_eq!(ask(&gateway, "?terNO=42", Some(&key)).status, 429, "hits tell nothing");
}
