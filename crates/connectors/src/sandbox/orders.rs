//! Orders as they come to the sandbox bank, and what it makes of them: what the customer has to
//! do, and what the bank decides by itself, and when.

use super::CardCall;
use super::cards::Answer;
use super::institutions;
use super::lab::{self, Does, Trigger};
use super::protocol::Amount;
use domain::id::PaymentId;
use domain::merchant::MerchantCategoryCode;
use domain::merchant_qr::MerchantQr;
use domain::method::{BankCode, CustomerStep, MethodCode};
use domain::money::Money;
use domain::terminal::{Capture, QrFormat};
use domain::text::MerchantCity;
use domain::time::Timestamp;
use domain::upi::{Device, UpiAddress};
use domain::upi_link::{LinkMode, UpiLink, UpiReference};
use engine::ports::{CounterOrder, CounterStanding, OrderRequest};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most characters of the name in a payee's address that is made of the merchant's name.
const PAYEE_MAX: usize = 40;

/// An order as a gateway places it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderForm {
    pub(super) our_reference: String,
    pub(super) trans_id: String,
    pub(super) method: MethodCode,
    pub(super) amount: Amount,
    pub(super) merchant_name: String,
    pub(super) product_name: String,
    pub(super) bank_code: Option<BankCode>,
    pub(super) upi_address: Option<UpiAddress>,
    pub(super) device: Option<Device>,
    pub(super) converted_to_qr: bool,
    pub(super) qr_format: QrFormat,
    pub(super) category: Option<MerchantCategoryCode>,
    pub(super) city: Option<MerchantCity>,
    /// When it is too late at the gateway.
    pub(super) expires_at: Timestamp,
    pub(super) return_url: String,
    pub(super) counter_url: String,
}

impl OrderForm {
    pub(super) fn of(request: &OrderRequest<'_>) -> Self {
        let OrderRequest { our_reference, payment, merchant_name, settings, .. } = request;
        let details = &payment.method.details;
        Self {
            our_reference: (*our_reference).to_owned(),
            trans_id: payment.id.to_string(),
            method: payment.method.code,
            amount: payment.amount.into(),
            merchant_name: (*merchant_name).to_owned(),
            product_name: payment.request.product_name.to_string(),
            bank_code: details.bank_code.clone(),
            upi_address: details.upi_address.clone(),
            device: details.device,
            converted_to_qr: details.converted_to_qr,
            qr_format: settings.qr_format,
            category: settings.merchant_category_code,
            city: settings.merchant_city.clone(),
            expires_at: payment.created_at.plus(settings.expires_after()),
            return_url: request.return_url.to_owned(),
            counter_url: request.counter_url.to_owned(),
        }
    }

    /// What the bank does with it, if it asks for a case of the lab.
    pub(super) fn case(&self, amount: Money) -> Option<Does> {
        let trigger = match (&self.upi_address, &self.bank_code) {
            (Some(address), _) => Trigger::UpiAddress(address.as_str()),
            (None, Some(code)) => Trigger::BankCode(code.as_str()),
            (None, None) => Trigger::Nothing,
        };
        lab::case_of(trigger, &amount.to_decimal_text())
    }

    /// What the customer has to do. An error when the order cannot be paid so.
    fn step(&self, payment: PaymentId, amount: Money) -> Result<CustomerStep, String> {
        let is_request = self.method == MethodCode::UpiCollect && !self.converted_to_qr;
        if is_request {
            return Ok(CustomerStep::ApproveInApp);
        }
        if self.method.is_upi() {
            return self.scan(payment, amount);
        }
        let url = self.counter_url.clone();
        let code = self.bank_code.as_ref().map_or("", BankCode::as_str);
        Ok(if institutions::is_by_form(code) {
            let fields = [
                ("order", self.our_reference.clone()),
                ("amount", amount.to_decimal_text()),
                ("currency", amount.currency().code().to_owned()),
            ];
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
            CustomerStep::PostRedirect { url, fields: fields.collect() }
        } else {
            CustomerStep::Redirect { url }
        })
    }

    fn scan(&self, payment: PaymentId, amount: Money) -> Result<CustomerStep, String> {
        let address = payee_address(&self.merchant_name).map_err(|error| error.to_string())?;
        let link = UpiLink::new(address, &self.merchant_name, UpiReference::from(payment), amount)
            .map_err(|error| error.to_string())?
            .with_note(&self.product_name)
            .with_mode(match self.device {
                Some(Device::Android | Device::Ios) => LinkMode::Intent,
                Some(Device::Web) | None => LinkMode::QrCode,
            });
        let link = match self.category {
            Some(category) => link.with_category(category),
            None => link,
        };
        let code = match self.qr_format {
            QrFormat::UpiLink => link.to_string(),
            QrFormat::BharatQr => MerchantQr::of_link(&link, self.city.as_ref())
                .text()
                .map_err(|error| error.to_string())?,
        };
        Ok(CustomerStep::Scan { link: link.to_string(), code })
    }

    /// The order as it goes into the books.
    pub(super) fn order(&self, does: Option<Does>, now: Timestamp) -> Result<Order, String> {
        let payment: PaymentId = self.trans_id.parse().map_err(|error| format!("{error}"))?;
        let amount = self.amount.money().ok_or("amount.minor must not be negative")?;
        let institution = match &self.bank_code {
            Some(code) => institutions::name_of(self.method, code.as_str()).to_owned(),
            None => "UPI app".to_owned(),
        };
        let order = Order {
            our_reference: self.our_reference.clone(),
            payment,
            method: self.method,
            capture: Capture::Automatic,
            institution,
            payer: self.upi_address.as_ref().map(|address| address.as_str().to_owned()),
            payee: self.merchant_name.clone(),
            amount,
            reports_minor: amount.minor(),
            return_url: self.return_url.clone(),
            step: Some(self.step(payment, amount)?),
            is_silent: false,
            by_itself: None,
            placed_at: now,
        };
        Ok(match does {
            Some(does) => order.with_case(does, self.expires_at),
            None => order,
        })
    }
}

/// The sandbox's address of a merchant: `demoshop@sandbox`.
fn payee_address(merchant_name: &str) -> Result<UpiAddress, domain::upi::InvalidUpiAddress> {
    let letters = merchant_name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.take(PAYEE_MAX).collect();
    let name = if name.is_empty() { "shop" } else { &name };
    UpiAddress::parse(&format!("{name}@sandbox"))
}

/// What the bank decides by itself, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByItself {
    pub(super) at: Timestamp,
    pub(super) answer: Answer,
}

/// An order in the bank's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) our_reference: String,
    pub(super) payment: PaymentId,
    pub(super) method: MethodCode,
    pub(super) capture: Capture,
    /// The bank's, wallet's or app's name.
    pub(super) institution: String,
    pub(super) payer: Option<String>,
    pub(super) payee: String,
    pub(super) amount: Money,
    /// What the bank says it took.
    pub(super) reports_minor: i64,
    pub(super) return_url: String,
    /// What the customer has to do.
    pub(super) step: Option<CustomerStep>,
    /// The bank says nothing of it before it has decided.
    pub(super) is_silent: bool,
    pub(super) by_itself: Option<ByItself>,
    pub(super) placed_at: Timestamp,
}

impl Order {
    /// A card that is paid at the bank, or about which the bank decides later.
    pub(super) fn by_card(request: &CardCall<'_>, now: Timestamp) -> Self {
        let at_bank = request.at_bank;
        let url = |url: Option<&str>| url.unwrap_or_default().to_owned();
        Self {
            our_reference: request.our_reference.to_owned(),
            payment: request.payment,
            method: MethodCode::CreditCard,
            capture: request.capture,
            institution: "Sandbox Bank".to_owned(),
            payer: None,
            payee: at_bank.map_or("", |at_bank| at_bank.merchant_name).to_owned(),
            amount: request.amount,
            reports_minor: request.amount.minor(),
            return_url: url(at_bank.map(|at_bank| at_bank.return_url)),
            step: at_bank
                .map(|at_bank| CustomerStep::Redirect { url: at_bank.counter_url.to_owned() }),
            is_silent: false,
            by_itself: None,
            placed_at: now,
        }
    }

    /// With what the bank does of a case by itself.
    pub(super) fn with_case(self, does: Does, expires_at: Timestamp) -> Self {
        let now = self.placed_at;
        let at = match does {
            Does::ApproveLate => expires_at.max(now).plus(lab::LATE_AFTER),
            Does::GoDownAfterwards => now.plus(lab::DOWN_FOR),
            Does::LoseAnswer => now,
            // From when its answer has come.
            Does::AnswerSlowly => now.plus(lab::SLOW).plus(lab::BY_ITSELF_AFTER),
            Does::Approve
            | Does::Decline(_)
            | Does::Wait
            | Does::LoseRequest
            | Does::TellTwice
            | Does::ReportAnotherAmount
            | Does::BeDown => now.plus(lab::BY_ITSELF_AFTER),
        };
        let wrong = if does == Does::ReportAnotherAmount { lab::WRONG_BY_MINOR } else { 0 };
        Self {
            by_itself: does.answer().map(|answer| ByItself { at, answer }),
            is_silent: does == Does::GoDownAfterwards,
            reports_minor: self.amount.minor().saturating_add(wrong),
            ..self
        }
    }

    /// What the bank decides by itself, it decides now.
    pub(super) fn decided_at_once(self) -> Self {
        let at = self.placed_at;
        Self { by_itself: self.by_itself.map(|by_itself| ByItself { at, ..by_itself }), ..self }
    }

    /// As the counter shows it.
    pub(super) fn at_counter(self, standing: CounterStanding) -> CounterOrder {
        CounterOrder {
            our_reference: self.our_reference,
            method: self.method,
            institution: self.institution,
            payer: self.payer,
            payee: self.payee,
            amount: self.amount,
            standing,
            return_url: self.return_url,
        }
    }

    /// How long until the bank decides by itself, if it does.
    pub(super) fn decides_in(&self, now: Timestamp) -> Option<Duration> {
        self.by_itself.map(|by_itself| by_itself.at.since(now))
    }
}
