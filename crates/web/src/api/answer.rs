//! Answers in the page's words (contract, sections 1.1 and 3). Every value is a string.

use crate::app::App;
use crate::page_id::page_id;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::method::CustomerStep;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::status::OrderStatus;
use domain::text::Reference;
use domain::upi::{Device, UpiAddress};
use engine::error::Fault;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The answer to a create call and to a status query, the page's fields in the page's order.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'a> {
    authstatus: String,
    bill_currency: &'a str,
    #[serde(rename = "transID")]
    trans_id: String,
    mop: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ccno: Option<String>,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authurl: Option<String>,
    order_status: &'a str,
    tdate: String,
    response: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authdata: Option<String>,
    bill_amt: String,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upa: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector_status_code: Option<&'a str>,
}

/// The answer to a request for a refund: the payment's fields, then the refund's.
#[derive(Debug, Serialize)]
pub(crate) struct RefundAnswer<'a> {
    #[serde(flatten)]
    payment: Answer<'a>,
    #[serde(rename = "refundAmount")]
    amount: String,
    #[serde(rename = "refundReference", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(rename = "refundStatus")]
    status: &'a str,
}

impl RefundAnswer<'_> {
    /// As JSON text.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// `authdata` before base64: what the customer must open, scan or pay to.
#[derive(Serialize)]
struct AuthData<'a> {
    #[serde(rename = "transID")]
    trans_id: i64,
    action: &'a str,
    payamt: &'a RawValue,
    paycurrency: &'a str,
    paytitle: &'a str,
    payaddress: &'a str,
    authdata: Details<'a>,
}

/// The method's own details.
#[derive(Default, Serialize)]
struct Details<'a> {
    step: &'a str,
    /// A form's fields, for `postrequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<&'a str, &'a str>>,
    /// What a QR code must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upi_address: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// As a create call answers: the payment as it was answered first, with `authdata`.
    pub(crate) fn new(payment: &'a Payment, app: &App) -> Result<Self, Fault> {
        let answer = Self::without_details(payment, app)?;
        let authdata = answer.authurl.as_ref().and_then(|authurl| authdata(payment, authurl));
        Ok(Self { authdata, ..answer })
    }

    /// The payment as it stands. `authurl` and `authdata` are left out when the customer has nothing
    /// to do, for clients follow `authurl` whenever it is present.
    fn without_details(payment: &'a Payment, app: &App) -> Result<Self, Fault> {
        let state = &payment.state;
        let status = OrderStatus::of(state, payment.mode);
        let authurl = if state.customer_may_act() {
            Some(app.site.authurl(&page_id(app, payment)?))
        } else {
            None
        };
        let bank = state.bank();
        Ok(Self {
            authstatus: app.site.authstatus(payment.id),
            bill_currency: payment.amount.currency().code(),
            trans_id: payment.id.to_string(),
            mop: payment.method.page_name(),
            ccno: payment.method.card.as_ref().map(domain::card::MaskedCard::to_page_text),
            reference: payment.reference.as_str(),
            authdata: None,
            authurl,
            order_status: status.code,
            tdate: payment.created_at.to_page_text(),
            response: payment.response(),
            bill_amt: payment.amount.to_page_text(),
            status: status.text,
            descriptor: bank.and_then(|bank| bank.descriptor.as_deref()),
            rrn: bank.and_then(|bank| bank.rrn.as_deref()),
            upa: payment.method.payer(),
            connector_status_code: None,
        })
    }

    /// As a status query answers: with the bank's own code.
    pub(crate) fn of_status(payment: &'a Payment, app: &App) -> Result<Self, Fault> {
        let code = payment.state.bank().and_then(|bank| bank.status_code.as_deref());
        let answer = Self::without_details(payment, app)?;
        Ok(Self { connector_status_code: code, ..answer })
    }

    /// As the answer to a request for a refund: accepted, whatever became of it since.
    pub(crate) fn of_refund(
        payment: &'a Payment,
        refund: &'a Refund,
        app: &App,
    ) -> Result<RefundAnswer<'a>, Fault> {
        let answer = Self::new(payment, app)?;
        Ok(RefundAnswer {
            payment: Self {
                order_status: "8",
                status: "Request Processed",
                response: "Refund is being processed by the bank",
                ..answer
            },
            amount: refund.amount.to_page_text(),
            reference: refund.reference.as_ref().map(Reference::as_str),
            status: "pending",
        })
    }

    /// As JSON text.
    pub(crate) fn to_json(&self) -> String {
        // Of its usual length from the start: text that grows is copied.
        let mut text = Vec::with_capacity(1024);
        let written = serde_json::to_writer(&mut text, self);
        written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
    }

    /// The same for people, a field a line.
    pub(crate) fn to_indented_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The text of `authdata`.
pub(super) fn authdata(payment: &Payment, authurl: &str) -> Option<String> {
    let payamt = RawValue::from_string(payment.amount.to_page_text()).ok()?;
    let (action, payaddress, details) = step(payment, authurl);
    let json = serde_json::to_vec(&AuthData {
        trans_id: payment.id.trans_id(),
        action,
        payamt: &payamt,
        paycurrency: payment.amount.currency().code(),
        paytitle: payment.request.product_name.as_str(),
        payaddress,
        authdata: details,
    });
    Some(STANDARD.encode(json.ok()?))
}

/// What the customer has to do: `action`, `payaddress` and the method's details.
fn step<'a>(payment: &'a Payment, authurl: &'a str) -> (&'a str, &'a str, Details<'a>) {
    let plain = |step| Details { step, ..Details::default() };
    let own = &payment.method.details;
    let upi_address = own.upi_address.as_ref().map(UpiAddress::as_str);
    match &own.step {
        None if payment.method.code.takes_card() => ("redirect", authurl, plain("3ds_challenge")),
        None => ("redirect", authurl, plain("choose_bank")),
        Some(CustomerStep::Redirect { url }) => ("redirect", url, plain("bank_page")),
        Some(CustomerStep::PostRedirect { url, fields }) => {
            let pairs = fields.iter().map(|(name, value)| (&**name, &**value));
            let fields = Some(pairs.collect());
            ("postrequest", url, Details { fields, ..plain("bank_page") })
        }
        Some(CustomerStep::Scan { link, code }) => {
            let os = own.device.map(Device::name);
            ("redirect", link, Details { qr: Some(code), os, upi_address, ..plain("upi_qr") })
        }
        Some(CustomerStep::ApproveInApp) => {
            ("redirect", authurl, Details { upi_address, ..plain("upi_collect") })
        }
    }
}
