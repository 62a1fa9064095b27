//! The words of a request for a payment that never change afterwards.

use crate::text::{BillAddress, ProductName, WebAddress};
use serde::{Deserialize, Serialize};

/// What the customer's details say, as sent; all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// `fullname`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Box<str>>,
    /// `bill_email`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Box<str>>,
    /// `bill_phone`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Box<str>>,
    /// `bill_address`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<Box<str>>,
    /// `bill_city`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Box<str>>,
    /// `bill_state`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<str>>,
    /// `bill_country`, ISO 3166-1 alpha-2
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Box<str>>,
    /// `bill_zip`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Box<str>>,
    /// `bill_ip`, any text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<BillAddress>,
}

/// How this payment's webhook is sent (`encryption_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEncryption {
    /// Signed JSON.
    #[default]
    None,
    /// AES-256-CBC of the family's recipe A, signed as well.
    Aes256,
}

/// The words of the request that never change afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `product_name`
    pub product_name: ProductName,
    /// `webhook_url`
    pub webhook_url: WebAddress,
    /// `return_url`
    pub return_url: WebAddress,
    /// The customer's details.
    pub customer: Customer,
    /// `source`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Box<str>>,
    /// `source_url`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_url: Option<Box<str>>,
    /// `encryption_method`
    #[serde(default)]
    pub webhook_encryption: WebhookEncryption,
    /// `unique_reference=Y`: the reference may be used once, ever.
    #[serde(default)]
    pub unique_reference: bool,
    /// The address that called the API.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<std::net::IpAddr>,
}

/// A request without the address that called: what two requests for the same thing have in common.
#[derive(Debug, Serialize)]
pub struct Asked<'a> {
    product_name: &'a ProductName,
    webhook_url: &'a WebAddress,
    return_url: &'a WebAddress,
    customer: &'a Customer,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_url: Option<&'a str>,
    webhook_encryption: WebhookEncryption,
    unique_reference: bool,
}

impl Request {
    /// All but the caller, as it is stored but not copied.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            product_name: &self.product_name,
            webhook_url: &self.webhook_url,
            return_url: &self.return_url,
            customer: &self.customer,
            source: self.source.as_deref(),
            source_url: self.source_url.as_deref(),
            webhook_encryption: self.webhook_encryption,
            unique_reference: self.unique_reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_the_request_without_its_caller() {
        let full = Request {
            product_name: ProductName::parse("Testing Product").unwrap(),
            webhook_url: WebAddress::parse("https://shop.example/hook").unwrap(),
            return_url: WebAddress::parse("https://shop.example/return").unwrap(),
            customer: Customer { city: Some("Zürich".into()), ..Customer::default() },
            source: Some("server".into()),
            source_url: Some("https://shop.example/".into()),
            webhook_encryption: WebhookEncryption::Aes256,
            unique_reference: true,
            caller: Some([127, 0, 0, 1].into()),
        };
        let bare = Request { source: None, source_url: None, ..full.clone() };
        for request in [full, bare] {
            let asked = serde_json::to_string(&request.asked()).unwrap();
            let without = Request { caller: None, ..request };
            assert_eq!(asked, serde_json::to_string(&without).unwrap());
        }
    }
}
