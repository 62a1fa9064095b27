//! The developers' tables of steps against what `authdata` really holds.

use super::answer::authdata;
use crate::developers::answers;
use crate::developers::methods::{CONVERTED, FORM_AUTHDATA, KEYS, METHODS, QR_AUTHDATA, STEPS};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::method::{BankCode, CustomerStep, Method, MethodCode, MethodDetails};
use domain::money::{Currency, Money};
use domain::payment::Payment;
use domain::upi::{Device, UpiAddress};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const AUTHURL: &str = "https://pay.shop.example/api/authurl/417823250426141606";
const LINK: &str = "upi://pay?pa=demoshop@sandbox&pn=Demo%20Shop&tr=417823250426141606\
    &tn=Testing%20Product&am=11.11&cu=INR&mode=01";

fn payment(code: MethodCode, details: MethodDetails) -> Payment {
    let sample = testkit::fixture::payment(317_823, "order-1001");
    let rupees = Money::parse("11.11", Currency::from_code("INR").unwrap()).unwrap();
    Payment { amount: rupees, method: Method { code, card: None, details }, ..sample }
}

fn step(step: CustomerStep) -> MethodDetails {
    MethodDetails { step: Some(step), ..MethodDetails::default() }
}

fn form() -> CustomerStep {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    CustomerStep::PostRedirect {
        url: "https://bank.example/pay".to_owned(),
        fields: vec![
            field("order", "417823250426141606-1"),
            field("amount", "11.11"),
            field("currency", "INR"),
        ],
    }
}

fn scan() -> CustomerStep {
    CustomerStep::Scan { link: LINK.to_owned(), code: LINK.to_owned() }
}

/// Every step that a customer can have, and those that come in two forms twice.
fn all() -> Vec<Payment> {
    let address = UpiAddress::parse("A@bank").ok();
    let redirect = CustomerStep::Redirect { url: "https://bank.example/pay".to_owned() };
    let (device, upi_address) = (Some(Device::Web), address.clone());
    vec![
        testkit::fixture::payment(317_823, "order-1001"),
        payment(MethodCode::NetBanking, MethodDetails::default()),
        payment(MethodCode::NetBanking, step(redirect)),
        payment(MethodCode::Wallet, step(form())),
        payment(MethodCode::QrIntent, MethodDetails { device, ..step(scan()) }),
        payment(MethodCode::UpiCollect, MethodDetails { device, upi_address, ..step(scan()) }),
        payment(
            MethodCode::UpiCollect,
            MethodDetails { upi_address: address, ..step(CustomerStep::ApproveInApp) },
        ),
    ]
}

fn decoded(payment: &Payment) -> String {
    let bytes = STANDARD.decode(authdata(payment, AUTHURL).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_printed_objects_are_what_is_sent() {
    let all = all();
    assert_eq!(decoded(&all[0]), answers::authdata("https://pay.shop.example"));
    assert_eq!(decoded(&all[3]), FORM_AUTHDATA);
    assert_eq!(decoded(&all[4]), QR_AUTHDATA);
}

#[test]
fn the_tables_name_every_step_and_every_key() {
    let mut keys_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for payment in all() {
        let object: Value = serde_json::from_str(&decoded(&payment)).unwrap();
        let inner = object["authdata"].as_object().unwrap();
        let name = inner["step"].as_str().unwrap().to_owned();
        let row = STEPS.iter().find(|row| row.name == name).expect(&name);
        let action = object["action"].as_str().unwrap();
        assert!(row.action.0.contains(&format!("`{action}`")), "{name}: {action}");
        let is_our_page = object["payaddress"] == AUTHURL;
        assert_eq!(row.address.0.contains("`authurl`"), is_our_page, "{name}");
        assert!(row.when.0.contains(&format!("`{}`", payment.method.code)), "{name}");
        keys.extend(object.as_object().unwrap().keys().cloned());
        keys.extend(inner.keys().map(|key| format!("authdata.{key}")));
        let further = inner.keys().filter(|key| *key != "step").cloned();
        keys_of.entry(name).or_default().extend(further);
    }
    let told: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    assert_eq!(told, keys);
    for row in STEPS {
        let told = row.keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(keys_of.get(row.name), Some(&told), "{}", row.name);
    }
}

#[test]
fn the_payer_is_as_the_table_tells() {
    for (code, details, payer) in [
        (MethodCode::NetBanking, MethodDetails::default(), None),
        (
            MethodCode::Wallet,
            MethodDetails { bank_code: BankCode::parse("paytm").ok(), ..Default::default() },
            Some("PAYTM"),
        ),
        (
            MethodCode::UpiCollect,
            MethodDetails { upi_address: UpiAddress::parse("A@Bank").ok(), ..Default::default() },
            Some("a@bank"),
        ),
        (MethodCode::QrIntent, MethodDetails::default(), None),
    ] {
        assert!(METHODS.iter().any(|row| row.code == code.code()));
        assert_eq!(payment(code, details).method.payer(), payer, "{code}");
    }
}

#[test]
fn a_converted_collect_request_says_so() {
    let details = MethodDetails { converted_to_qr: true, ..step(scan()) };
    let payment = payment(MethodCode::UpiCollect, details);
    assert_eq!(payment.response(), CONVERTED);
}
