//! The request as the gateway took it, in the API's own words: without keys, and of a card only
//! what may be shown.

use domain::card::MaskedCard;
use domain::method::BankCode;
use domain::payment::{Payment, WebhookEncryption};
use domain::text::BillAddress;
use domain::upi::{Device, UpiAddress};
use serde::Serialize;

#[derive(Serialize)]
struct Sent<'a> {
    #[serde(rename = "terNO")]
    terminal: String,
    reference: &'a str,
    bill_amt: String,
    bill_currency: &'a str,
    product_name: &'a str,
    mop: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ccno: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bankcode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upi_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fullname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_zip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_ip: Option<&'a str>,
    webhook_url: &'a str,
    return_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_method: Option<&'a str>,
}

/// As indented JSON.
pub(super) fn request(payment: &Payment) -> String {
    let (request, method) = (&payment.request, &payment.method);
    let customer = &request.customer;
    let sent = Sent {
        terminal: payment.terminal.to_string(),
        reference: payment.reference.as_str(),
        bill_amt: payment.amount.to_page_text(),
        bill_currency: payment.amount.currency().code(),
        product_name: request.product_name.as_str(),
        mop: method.code.code(),
        ccno: method.card.as_ref().map(MaskedCard::to_page_text),
        bankcode: method.details.bank_code.as_ref().map(BankCode::as_str),
        upi_address: method.details.upi_address.as_ref().map(UpiAddress::as_str),
        os: method.details.device.map(Device::name),
        fullname: customer.full_name.as_deref(),
        bill_email: customer.email.as_deref(),
        bill_phone: customer.phone.as_deref(),
        bill_address: customer.street.as_deref(),
        bill_city: customer.city.as_deref(),
        bill_state: customer.state.as_deref(),
        bill_country: customer.country.as_deref(),
        bill_zip: customer.postcode.as_deref(),
        bill_ip: customer.address.as_ref().map(BillAddress::as_str),
        webhook_url: request.webhook_url.as_str(),
        return_url: request.return_url.as_str(),
        source: request.source.as_deref(),
        source_url: request.source_url.as_deref(),
        unique_reference: request.unique_reference.then_some("Y"),
        encryption_method: match request.webhook_encryption {
            WebhookEncryption::None => None,
            WebhookEncryption::Aes256 => Some("aes256"),
        },
    };
    serde_json::to_string_pretty(&sent).unwrap_or_default()
}
