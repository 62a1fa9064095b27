//! The developers' table of parameters against what is really read.

use super::fields::{Fields, Form};
use super::request::{KNOWN_FIELDS, Reader};
use crate::developers::parameters::{Kind, PARAMETERS, Parameter};
use domain::payment::Payment;
use domain::time::Timestamp;
use engine::error::Fault;
use engine::ports::PageAddresses;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A second name of `integration-type`, told in its row.
const ALIAS: &str = "integration_type";
/// Fields that are read for other methods than the sample's.
const OF_METHOD: [(&str, &str); 3] =
    [("bankcode", "NB"), ("upi_address", "UPICOLLECT"), ("os", "QRINTENT")];

/// Where no bank sends anybody.
#[derive(Debug)]
struct Nowhere;

impl PageAddresses for Nowhere {
    fn return_from_bank(&self, payment: &Payment) -> Result<String, Fault> {
        Ok(payment.id.to_string())
    }

    fn counter(&self, our_reference: &str) -> String {
        our_reference.to_owned()
    }
}

/// A request of the table's samples with one field changed; null leaves it out.
fn problems(field: &str, value: &Json) -> Vec<(&'static str, u16)> {
    problems_of_text(field, &value.to_string())
}

/// The same with the value's JSON text.
fn problems_of_text(field: &str, value: &str) -> Vec<(&'static str, u16)> {
    let samples = PARAMETERS.iter().map(|p| (p.name.to_owned(), json!(p.sample)));
    let mut body: Map<String, Json> = samples.filter(|(name, _)| name != field).collect();
    if let Some((_, method)) = OF_METHOD.iter().find(|(name, _)| *name == field) {
        body.insert("mop".to_owned(), json!(method));
    }
    if OF_METHOD.iter().any(|(name, _)| *name == field) || field == "mop" {
        body.insert("bill_currency".to_owned(), json!("INR"));
    }
    let body = Json::Object(body).to_string();
    let body = format!("{},\"{field}\":{value}}}", body.trim_end_matches('}'));
    let fields = Fields::parse(&Form::Json, body.as_bytes()).unwrap();
    let mut reader = Reader::new(&fields);
    let _credentials = reader.credentials();
    let pages: Arc<dyn PageAddresses> = Arc::new(Nowhere);
    let now = Timestamp::from_micros(1_745_676_966_000_657);
    let _command =
        reader.payment(None, None, now, &pages, &|_method, bank| bank.as_str() == "SBIN");
    let problems = reader.into_problems();
    problems.iter().map(|problem| (problem.field, problem.number.parse().unwrap())).collect()
}

fn refused(parameter: &Parameter, value: &Json) {
    let found = problems(parameter.name, value);
    let told = |(field, number): &(&str, u16)| {
        *field == parameter.name && parameter.errors.contains(number)
    };
    assert!(!found.is_empty() && found.iter().all(told), "{}: {value}: {found:?}", parameter.name);
}

#[test]
fn the_table_names_every_field_that_is_read() {
    let mut told: BTreeSet<&str> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
    told.insert(ALIAS);
    assert_eq!(told, KNOWN_FIELDS.into_iter().collect::<BTreeSet<&str>>());
    let row = PARAMETERS.iter().find(|p| p.name == "integration-type").unwrap();
    assert!(row.rule.0.contains(ALIAS));
    assert_eq!(problems(ALIAS, &json!("x")), [(ALIAS, 1043)]);
}

#[test]
fn the_samples_of_the_table_pass() {
    assert_eq!(problems("no_such_field", &json!("x")), []);
}

#[test]
fn what_is_missing_is_answered_with_a_number_of_its_row() {
    for parameter in PARAMETERS {
        // The terminal's own addresses stand in for these; here there is no terminal.
        if parameter.required
            || !parameter.needed_for.is_empty()
            || parameter.name.ends_with("n_url")
            || parameter.name == "webhook_url"
        {
            refused(&parameter, &Json::Null);
            refused(&parameter, &json!(" "));
        } else {
            assert_eq!(problems(parameter.name, &Json::Null), [], "{}", parameter.name);
        }
    }
    for (name, number) in [
        ("public_key", 1040),
        ("terNO", 1040),
        ("bill_amt", 1111),
        ("bill_currency", 1040),
        ("product_name", 1040),
        ("reference", 1040),
        ("webhook_url", 1040),
        ("return_url", 1040),
        ("mop", 1040),
        ("ccno", 1113),
        ("ccvv", 154),
        ("month", 155),
        ("year", 156),
        ("upi_address", 1040),
    ] {
        assert_eq!(problems(name, &Json::Null), [(name, number)]);
    }
}

#[test]
fn what_has_the_wrong_type_is_answered_with_a_number_of_its_row() {
    for parameter in PARAMETERS {
        refused(&parameter, &json!([]));
    }
}

#[test]
fn lengths_are_as_the_table_tells() {
    for parameter in PARAMETERS {
        let free = matches!(parameter.kind, Kind::Text | Kind::Url);
        assert!(!free || parameter.max_length.is_some(), "{}", parameter.name);
        let Some(most) = parameter.max_length.filter(|_| free).map(usize::from) else { continue };
        // Ones at the end leave every sample in its form.
        let longest = format!("{:1<most$}", parameter.sample);
        assert_eq!(longest.chars().count(), most);
        assert_eq!(problems(parameter.name, &json!(longest)), [], "{}", parameter.name);
        refused(&parameter, &json!(format!("{longest}1")));
    }
}

#[test]
fn other_methods_have_fields_of_their_own() {
    for (field, value, problem) in [
        ("bankcode", "HDFC", ("bankcode", 1043)),
        ("bankcode", "a bank", ("bankcode", 1043)),
        ("upi_address", "someone", ("upi_address", 1043)),
        ("upi_address", "some one@bank", ("upi_address", 1043)),
        ("os", "windows", ("os", 1043)),
    ] {
        assert_eq!(problems(field, &json!(value)), [problem], "{value}");
    }
    assert_eq!(problems("bankcode", &json!("sbin")), []);
    // With a card they are not looked at.
    assert_eq!(problems("source", &json!("x")), []);
}

#[test]
fn choices_are_as_the_table_tells() {
    for parameter in PARAMETERS {
        let Kind::Choice(values) = parameter.kind else { continue };
        for value in values {
            for value in [value.to_ascii_uppercase(), value.to_ascii_lowercase()] {
                assert_eq!(problems(parameter.name, &json!(value)), [], "{}", parameter.name);
            }
        }
        refused(&parameter, &json!("neither"));
    }
}

#[test]
fn numbers_are_read_where_the_table_tells() {
    for parameter in PARAMETERS {
        if matches!(parameter.kind, Kind::Integer | Kind::Digits(_) | Kind::Amount) {
            let number = parameter.sample.trim_start_matches('0');
            assert_eq!(problems_of_text(parameter.name, number), [], "{}", parameter.name);
        }
    }
    for (field, number, problem) in [
        ("bill_amt", "1e2", 1112),
        ("bill_amt", "-1", 1112),
        ("bill_amt", "11.110", 1112),
        ("terNO", "42.0", 1043),
        ("year", "2e3", 156),
    ] {
        assert_eq!(problems_of_text(field, number), [(field, problem)], "{number}");
    }
}
