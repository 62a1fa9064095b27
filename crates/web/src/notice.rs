//! The shape of webhook bodies (contract, section 4).

use crate::event_catalogue::{self, Fields};
use crate::family_cipher::{self, Keys, Recipe};
use domain::endpoint::Endpoint;
use domain::event_type::EventType;
use domain::payment::{Payment, WebhookEncryption};
use domain::refund::{Refund, RefundState};
use domain::time::Timestamp;
use engine::ports::{Notice, NoticeFormat, NoticeKeys};
use serde::Serialize;

/// The family's webhook bodies.
#[derive(Clone, Copy, Debug)]
pub struct PageNotices;

impl NoticeFormat for PageNotices {
    fn message(
        &self,
        event_type: EventType,
        payment: &Payment,
        refund: Option<&Refund>,
        at: Timestamp,
    ) -> Notice {
        enveloped(event_type, at, fields(payment, refund, at))
    }

    fn endpoint_disabled(&self, endpoint: &Endpoint, at: Timestamp) -> Notice {
        let failing_since = endpoint.failing_since.unwrap_or(at);
        let data = Fields(vec![
            ("endpoint", endpoint.number.to_string()),
            ("url", endpoint.url.to_string()),
            ("description", endpoint.description.clone()),
            ("failing_since", failing_since.to_rfc3339()),
            ("disabled_at", at.to_rfc3339()),
        ]);
        enveloped(EventType::EndpointDisabled, at, data)
    }

    fn sample(&self, event_type: EventType, at: Timestamp) -> Notice {
        enveloped(event_type, at, event_catalogue::entry(event_type).sample_data())
    }

    fn notice(
        &self,
        payment: &Payment,
        refund: Option<&Refund>,
        at: Timestamp,
        keys: NoticeKeys<'_>,
    ) -> Notice {
        let fields = fields(payment, refund, at);
        match payment.request.webhook_encryption {
            WebhookEncryption::None => {
                Notice { content_type: "application/json", body: json(&fields) }
            }
            WebhookEncryption::Aes256 => Notice {
                content_type: "application/x-www-form-urlencoded",
                body: format!("data={}", encrypt(&fields, keys)),
            },
        }
    }
}

fn fields(payment: &Payment, refund: Option<&Refund>, at: Timestamp) -> Fields {
    let status = payment.order_status();
    let bank = payment.state.bank();
    let known = [
        ("transID", Some(payment.id.to_string())),
        ("reference", Some(payment.reference.as_str().to_owned())),
        ("order_status", Some(status.code.to_owned())),
        ("status", Some(status.text.to_owned())),
        ("response", Some(response(payment, refund).to_owned())),
        ("bill_amt", Some(payment.amount.to_page_text())),
        ("bill_currency", Some(payment.amount.currency().code().to_owned())),
        ("mop", Some(payment.method.page_name().to_owned())),
        ("ccno", payment.method.card.as_ref().map(domain::card::MaskedCard::to_page_text)),
        ("tdate", Some(payment.created_at.to_page_text())),
        ("webhook_notify_time", Some(at.to_page_text())),
        ("sequence", Some(payment.notices.to_string())),
        ("descriptor", bank.and_then(|bank| bank.descriptor.clone())),
        ("rrn", bank.and_then(|bank| bank.rrn.clone())),
        ("upa", payment.method.payer().map(str::to_owned)),
        ("connector_status_code", bank.and_then(|bank| bank.status_code.clone())),
        ("refundAmount", refund.map(|refund| refund.amount.to_page_text())),
        ("refundReference", refund.and_then(|one| Some(one.reference.as_ref()?.to_string()))),
        ("refundStatus", refund.map(|refund| refund.state.name().to_owned())),
    ];
    Fields(known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// The sentence in `response`; of a refund that came to nothing, it says so.
const fn response(payment: &Payment, refund: Option<&Refund>) -> &'static str {
    let Some(refund) = refund else { return payment.response() };
    match &refund.state {
        RefundState::Declined { .. } => "Refund declined by the bank, no money moved",
        RefundState::Failed { .. } => "Refund failed for a technical reason, no money moved",
        RefundState::Pending { .. } | RefundState::Refunded { .. } => payment.response(),
    }
}

/// As JSON, in the order of the fields.
fn json(body: &impl Serialize) -> String {
    // Cannot be. Then better nothing than half of it: the receiver can ask for the status.
    serde_json::to_string(body).unwrap_or_else(|error| {
        tracing::error!(%error, "a webhook was not written");
        String::new()
    })
}

fn enveloped(event_type: EventType, at: Timestamp, data: Fields) -> Notice {
    let body = event_catalogue::body(event_type, at, data);
    Notice { content_type: "application/json", body: json(&body) }
}

/// Recipe A of the family over the query string of the same fields.
fn encrypt(fields: &Fields, keys: NoticeKeys<'_>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&fields.0);
    let keys = Keys { public: keys.public, private: keys.private };
    let encrypted = family_cipher::encrypt(Recipe::A, keys, query.finish().as_bytes());
    // Cannot be. Then better nothing than in the clear: the receiver can ask for the status.
    encrypted.unwrap_or_else(|error| {
        tracing::error!(%error, "a webhook was not encrypted");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret::SecretText;
    use serde_json::{Map, Value};

    #[test]
    fn the_encrypted_form_is_the_query_string_by_recipe_a() {
        let private = SecretText::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned());
        let keys = NoticeKeys {
            public: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
            private: &private,
        };
        let fields = Fields(vec![
            ("bill_amt", "11.00".to_owned()),
            ("fullname", "dev tech".to_owned()),
            ("terNO", "42".to_owned()),
        ]);
        // Computed with OpenSSL.
        let expected = "dBOJJA0y4sleZZ6S47VS1656fSQPvLRTuXb3mBogSLT5W4k4zLBaaDjSusbEjuaY";
        assert_eq!(encrypt(&fields, keys), expected);
    }

    #[test]
    fn bodies_are_strings_only_and_name_no_card() {
        let payment = testkit::fixture::payment(1, "order \"1\"");
        let payment = payment.cancel(testkit::fixture::now()).unwrap().payment;
        let private = SecretText::new(String::new());
        let keys = NoticeKeys { public: "", private: &private };
        let notice = PageNotices.notice(&payment, None, payment.created_at, keys);
        let body: Map<String, Value> = serde_json::from_str(&notice.body).unwrap();
        assert!(body.values().all(Value::is_string));
        assert_eq!(body["order_status"], "23");
        assert_eq!(body["ccno"], "411111XXXXXX1111");
        assert_eq!(body["reference"], "order \"1\"");
        assert_eq!(body["sequence"], "1");
    }
    #[test]
    fn bodies_have_the_order_of_the_reference() {
        let payment = testkit::fixture::payment(1, "order-1001");
        let payment = payment.cancel(testkit::fixture::now()).unwrap().payment;
        let private = SecretText::new(String::new());
        let keys = NoticeKeys { public: "", private: &private };
        let own = PageNotices.notice(&payment, None, payment.created_at, keys);
        assert!(own.body.starts_with("{\"transID\":\""), "{}", own.body);
        let told = EventType::PaymentCancelled;
        let enveloped = PageNotices.message(told, &payment, None, payment.created_at);
        let head = "{\"type\":\"payment.cancelled\",\"timestamp\":\"";
        assert!(enveloped.body.starts_with(head), "{}", enveloped.body);
        let named: Vec<&str> =
            event_catalogue::entry(told).fields().map(|field| field.name).collect();
        for body in [own.body, enveloped.body] {
            let place = |name: &&str| body.find(&format!("\"{name}\":"));
            let places: Vec<usize> = named.iter().filter_map(place).collect();
            assert!(places.len() > 10 && places.is_sorted(), "{body}");
        }
    }
}
