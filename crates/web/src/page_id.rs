//! How the address of a customer page names its payment: by the payment's number, or, where its
//! merchant chose `encryption_method=aes256`, by a token of 44 characters that tells nothing of it.

use crate::app::App;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use domain::id::PaymentId;
use domain::payment::{Payment, WebhookEncryption};
use engine::error::Fault;

/// A payment as an address names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its number; good only for payments that have no token.
    Number(PaymentId),
    /// By a token of ours; good for every payment.
    Token(PaymentId),
    /// By what looks like a token, and is not one of ours.
    ForgedToken,
}

impl Named {
    /// Reads the id in an address; none where it has neither form, so that it names nothing.
    pub(crate) fn read(app: &App, text: &str) -> Option<Self> {
        if let Ok(id) = text.parse() {
            return Some(Self::Number(id));
        }
        let token: [u8; 32] = URL_SAFE.decode(text).ok()?.try_into().ok()?;
        let opened = app.gateway.vault().open_payment_id(&token);
        Some(opened.map_or(Self::ForgedToken, Self::Token))
    }
}

/// Whether the number alone does not open the customer page.
pub(crate) fn needs_token(payment: &Payment) -> bool {
    payment.request.webhook_encryption == WebhookEncryption::Aes256
}

/// The id in the address of the payment's customer page.
pub(crate) fn page_id(app: &App, payment: &Payment) -> Result<String, Fault> {
    if needs_token(payment) {
        return Ok(URL_SAFE.encode(app.gateway.vault().seal_payment_id(payment.id)?));
    }
    Ok(payment.id.to_string())
}
