//! The way back to the shop: `return_url` with the result, signed (contract, section 2).
//!
//! `sig` is an HMAC-SHA256 in lower-case hex over the added parameters but `sig` itself: sorted by
//! name, written as `name=value` with the values decoded, joined by line feeds. The key is the
//! terminal's current webhook secret: the bytes behind `whsec_`, decoded from base64. A shop that
//! checks it knows that the customer did not change the parameters; the webhook stays the truth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::payment::Payment;
use domain::terminal::Terminal;
use domain::time::Timestamp;
use engine::Gateway;
use engine::ports::Vault;
use form_urlencoded::Serializer;
use std::fmt::Write as _;

/// `return_url` of a payment with its result as it stands now.
pub(super) fn return_link(gateway: &Gateway, payment: &Payment, terminal: &Terminal) -> String {
    let mut parameters = parameters(payment);
    let signature = sign(gateway.vault(), terminal, gateway.clock().now(), &parameters);
    if signature.is_none() {
        tracing::error!(terminal = %terminal.number, "no webhook secret signs");
    }
    parameters.extend(signature.map(|signature| ("sig", signature)));
    let query = Serializer::new(String::new()).extend_pairs(&parameters).finish();
    payment.request.return_url.with_query(&query)
}

/// The parameters that are known, in the contract's order.
fn parameters(payment: &Payment) -> Vec<(&'static str, String)> {
    let status = payment.order_status();
    let bank = payment.state.bank();
    let card = payment.method.card.as_ref();
    [
        ("transID", Some(payment.id.to_string())),
        ("order_status", Some(status.code.to_owned())),
        ("status", Some(status.text.to_owned())),
        ("bill_amt", Some(payment.amount.to_page_text())),
        ("bill_currency", Some(payment.amount.currency().code().to_owned())),
        ("tdate", Some(payment.created_at.to_page_text())),
        ("response", Some(payment.response().to_owned())),
        ("reference", Some(payment.reference.as_str().to_owned())),
        ("mop", Some(payment.method.page_name().to_owned())),
        ("ccno", card.map(domain::card::MaskedCard::to_page_text)),
        ("descriptor", bank.and_then(|bank| bank.descriptor.clone())),
        ("rrn", bank.and_then(|bank| bank.rrn.clone())),
        ("upa", payment.method.payer().map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn sign(
    vault: &dyn Vault,
    terminal: &Terminal,
    now: Timestamp,
    parameters: &[(&'static str, String)],
) -> Option<String> {
    let secret = terminal.signing_secrets(now).next()?;
    let encoded = secret.reveal().strip_prefix("whsec_")?;
    let key = STANDARD.decode(encoded).ok()?;
    Some(hex(&vault.hmac(&key, signed_text(parameters).as_bytes())))
}

fn signed_text(parameters: &[(&'static str, String)]) -> String {
    let mut sorted: Vec<&(&str, String)> = parameters.iter().collect();
    sorted.sort_unstable();
    let lines: Vec<String> =
        sorted.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
