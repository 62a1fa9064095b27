//! The catalogue against real messages, judged by an independent implementation of JSON Schema.

use super::*;
use crate::notice::PageNotices;
use domain::endpoint::{Endpoint, EndpointState};
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId};
use domain::outcome::{BankFacts, DeclineReason};
use domain::payment::{Hold, Payment, State, Taken};
use domain::refund::{Refund, RefundState};
use domain::terminal::Mode;
use domain::text::{Reference, WebAddress};
use engine::ports::NoticeFormat as _;
use jsonschema::Validator;

fn validator(event_type: EventType) -> Validator {
    let schema = entry(event_type).schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema), "{schema}");
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

/// It passes its schema, and has no field that the schema does not name.
fn fits(event_type: EventType, body: &Value) {
    let problems: Vec<String> =
        validator(event_type).iter_errors(body).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new(), "{event_type}: {body}");
    let named: Vec<&str> = entry(event_type).fields().map(|field| field.name).collect();
    for name in body["data"].as_object().unwrap().keys() {
        assert!(named.contains(&name.as_str()), "{event_type}: {name}");
    }
}

fn bank() -> BankFacts {
    BankFacts {
        status_code: Some("05".to_owned()),
        rrn: Some("511614001234".to_owned()),
        descriptor: Some("DEMO SHOP".to_owned()),
        ..BankFacts::default()
    }
}

fn refund(payment: &Payment, state: RefundState, reference: Option<&str>) -> Refund {
    Refund {
        payment: payment.id,
        number: 1,
        merchant: payment.merchant,
        amount: testkit::fixture::usd("1.50"),
        reference: reference.map(|text| Reference::parse(text).unwrap()),
        reason: None,
        requested_at: payment.created_at,
        state,
    }
}

/// What a real event of each type comes with; none for those that this release does not send.
fn states(event_type: EventType) -> Option<(State, Option<RefundState>)> {
    let at = testkit::fixture::now();
    let our_reference = "r-1".to_owned();
    let hold = || Hold { at, bank: bank(), our_reference: our_reference.clone() };
    let approved = |refunded_minor| {
        let taken = Taken { refunded_minor, ..Taken::whole("r-1".to_owned(), 1111) };
        State::Approved { at, bank: bank(), taken }
    };
    Some(match event_type {
        EventType::PaymentAuthorised
        | EventType::PaymentCaptureDeclined
        | EventType::PaymentVoidDeclined => (State::Authorised(hold()), None),
        EventType::PaymentApproved => (approved(0), None),
        EventType::PaymentDeclined => {
            (State::Declined { at, reason: DeclineReason::Refused, bank: bank() }, None)
        }
        EventType::PaymentExpired => (State::Expired { at, order: None }, None),
        EventType::PaymentCancelled => (State::Cancelled { at, order: None }, None),
        EventType::PaymentFailed => (State::Failed { at }, None),
        EventType::PaymentReversed => (State::Reversed { at }, None),
        EventType::RefundSucceeded => {
            (approved(150), Some(RefundState::Refunded { at, bank: bank() }))
        }
        EventType::RefundDeclined => {
            let reason = DeclineReason::Refused;
            (approved(0), Some(RefundState::Declined { at, reason, bank: bank() }))
        }
        EventType::RefundFailed => (approved(0), Some(RefundState::Failed { at })),
        EventType::DisputeOpened
        | EventType::DisputeWon
        | EventType::DisputeLost
        | EventType::SettlementCreated
        | EventType::PayoutPaid
        | EventType::PayoutFailed
        | EventType::EndpointDisabled => return None,
    })
}

fn message(event_type: EventType, payment: &Payment, refund: Option<&Refund>) -> Value {
    let notice = PageNotices.message(event_type, payment, refund, testkit::fixture::now());
    assert_eq!(notice.content_type, "application/json");
    serde_json::from_str(&notice.body).unwrap()
}

#[test]
fn real_messages_of_payments_and_refunds_are_as_the_catalogue_says() {
    let mut seen = 0;
    for event_type in EventType::ALL {
        let Some((state, refund_state)) = states(event_type) else { continue };
        seen += 1;
        assert!(event_type.is_sent(), "{event_type}");
        let payment = Payment { state, notices: 1, ..testkit::fixture::payment(7, "order-1001") };
        let refunds = [None, Some("return-1001")]
            .map(|reference| refund_state.clone().map(|state| refund(&payment, state, reference)));
        for one in &refunds {
            let body = message(event_type, &payment, one.as_ref());
            fits(event_type, &body);
            let live = Payment { mode: Mode::Live, ..payment.clone() };
            fits(event_type, &message(event_type, &live, one.as_ref()));
            // The sample says what a real one says.
            let sample = json!(entry(event_type).sample_data());
            for name in ["order_status", "status", "response", "refundStatus"] {
                assert_eq!(sample.get(name), body["data"].get(name), "{event_type} {name}");
            }
        }
    }
    let sent = EventType::ALL.into_iter().filter(|one| one.is_sent()).count();
    assert_eq!(seen, sent - 1, "all but that of the endpoint");
}

#[test]
fn the_message_of_an_endpoint_is_as_the_catalogue_says() {
    let at = testkit::fixture::now();
    for description in ["", "Warehouse"] {
        let endpoint = Endpoint {
            number: EndpointNumber(1),
            merchant: MerchantId(1),
            terminal: None,
            mode: Mode::Test,
            url: WebAddress::parse("https://shop.example/events").unwrap(),
            events: vec![EventPattern::everything()],
            description: description.to_owned(),
            state: EndpointState::Failed,
            state_since: at,
            failing_since: Some(at),
            secrets: Vec::new(),
            version: 1,
            created_at: at,
        };
        let notice = PageNotices.endpoint_disabled(&endpoint, at);
        fits(EventType::EndpointDisabled, &serde_json::from_str(&notice.body).unwrap());
    }
}

#[test]
fn samples_pass_their_schemas_and_have_all_that_is_known() {
    for event_type in EventType::ALL {
        fits(event_type, &json!(sample(event_type)));
        let notice = PageNotices.sample(event_type, testkit::fixture::now());
        let body: Value = serde_json::from_str(&notice.body).unwrap();
        fits(event_type, &body);
        assert_eq!(body["data"], json!(entry(event_type).sample_data()));
        assert!(body["data"].as_object().unwrap().len() >= 5, "{body}");
    }
    let types = json!(catalogue());
    assert_eq!(types["event_types"].as_array().unwrap().len(), EventType::ALL.len());
}

#[test]
fn a_schema_refuses_what_it_should() {
    let good = json!(sample(EventType::RefundSucceeded));
    let validator = validator(EventType::RefundSucceeded);
    assert!(validator.is_valid(&good));
    for (pointer, wrong) in [
        ("/type", json!("refund.failed")),
        ("/timestamp", json!("yesterday")),
        ("/data", json!({})),
        ("/data/order_status", json!("99")),
        ("/data/refundAmount", json!(1.5)),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&body), "{pointer}");
    }
}
