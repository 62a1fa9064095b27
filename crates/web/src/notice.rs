//! The shape of webhook bodies (contract, section 4).

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::payment::{Payment, WebhookEncryption};
use domain::refund::{Refund, RefundState};
use domain::time::Timestamp;
use engine::ports::{Notice, NoticeFormat, NoticeKeys};

/// The family's webhook bodies.
#[derive(Clone, Copy, Debug)]
pub struct PageNotices;

impl NoticeFormat for PageNotices {
    fn notice(
        &self,
        payment: &Payment,
        refund: Option<&Refund>,
        at: Timestamp,
        keys: NoticeKeys<'_>,
    ) -> Notice {
        let fields = fields(payment, refund, at);
        let encrypted = match payment.request.webhook_encryption {
            WebhookEncryption::None => None,
            WebhookEncryption::Aes256 => encrypt(&fields, keys),
        };
        match encrypted {
            Some(text) => Notice {
                content_type: "application/x-www-form-urlencoded",
                body: format!("data={text}"),
            },
            None => Notice { content_type: "application/json", body: json(&fields) },
        }
    }
}

type Field = (&'static str, String);

fn fields(payment: &Payment, refund: Option<&Refund>, at: Timestamp) -> Vec<Field> {
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
        ("descriptor", bank.and_then(|bank| bank.descriptor.clone())),
        ("rrn", bank.and_then(|bank| bank.rrn.clone())),
        ("upa", payment.method.payer().map(str::to_owned)),
        ("connector_status_code", bank.and_then(|bank| bank.status_code.clone())),
        ("sequence", Some(payment.notices.to_string())),
        ("refundAmount", refund.map(|refund| refund.amount.to_page_text())),
        ("refundReference", refund.and_then(|one| Some(one.reference.as_ref()?.to_string()))),
        ("refundStatus", refund.map(|refund| refund.state.name().to_owned())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The sentence in `response`; of a refund that came to nothing, it says so.
const fn response(payment: &Payment, refund: Option<&Refund>) -> &'static str {
    let Some(refund) = refund else { return payment.response(&payment.state) };
    match &refund.state {
        RefundState::Declined { .. } => "Refund declined by the bank, no money moved",
        RefundState::Failed { .. } => "Refund failed for a technical reason, no money moved",
        RefundState::Pending { .. } | RefundState::Refunded { .. } => {
            payment.response(&payment.state)
        }
    }
}

/// In the order of the fields; every value a string.
fn json(fields: &[Field]) -> String {
    let mut map = serde_json::Map::new();
    for (name, value) in fields {
        map.insert((*name).to_owned(), serde_json::Value::String(value.clone()));
    }
    serde_json::Value::Object(map).to_string()
}

/// Recipe A of the family: AES-256-CBC with PKCS#7 padding; the key is the first 32 bytes of the
/// private key's text, the IV the first 16 bytes of SHA-256 over the public key's text; base64url
/// without padding. The plaintext is the query string of the same fields.
fn encrypt(fields: &[Field], keys: NoticeKeys<'_>) -> Option<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    let mut data = query.finish().into_bytes();
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    key.iter_mut().zip(keys.private.reveal().bytes()).for_each(|(to, from)| *to = from);
    let hash = digest::digest(&digest::SHA256, keys.public.as_bytes());
    let iv: &[u8; 16] = hash.as_ref().first_chunk()?;
    let key = UnboundCipherKey::new(&AES_256, &*key).ok()?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    key.less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    Some(URL_SAFE_NO_PAD.encode(data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret::SecretText;

    #[test]
    fn recipe_a_gives_the_reference_vector() {
        let private = SecretText::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned());
        let keys = NoticeKeys {
            public: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
            private: &private,
        };
        let fields = [
            ("bill_amt", "11.00".to_owned()),
            ("fullname", "dev tech".to_owned()),
            ("terNO", "42".to_owned()),
        ];
        // Computed with OpenSSL.
        let expected = "dBOJJA0y4sleZZ6S47VS1656fSQPvLRTuXb3mBogSLT5W4k4zLBaaDjSusbEjuaY";
        assert_eq!(encrypt(&fields, keys).as_deref(), Some(expected));
    }

    #[test]
    fn bodies_are_strings_only_and_name_no_card() {
        let payment = testkit::fixture::payment(1, "order \"1\"");
        let payment = payment.cancel(testkit::fixture::now()).unwrap().payment;
        let private = SecretText::new(String::new());
        let keys = NoticeKeys { public: "", private: &private };
        let notice = PageNotices.notice(&payment, None, payment.created_at, keys);
        let body: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&notice.body).unwrap();
        assert!(body.values().all(serde_json::Value::is_string));
        assert_eq!(body["order_status"], "23");
        assert_eq!(body["ccno"], "411111XXXXXX1111");
        assert_eq!(body["reference"], "order \"1\"");
        assert_eq!(body["sequence"], "1");
    }
}
