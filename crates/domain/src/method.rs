//! Methods of payment, the page's `mop`.

use crate::card::MaskedCard;
use crate::text::TextError;
use crate::upi::{Device, UpiAddress};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A method's code as merchants send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MethodCode {
    /// Credit card.
    #[serde(rename = "CC")]
    CreditCard,
    /// Debit card.
    #[serde(rename = "DC")]
    DebitCard,
    /// Net banking.
    #[serde(rename = "NB")]
    NetBanking,
    /// Wallet.
    #[serde(rename = "WALLET")]
    Wallet,
    /// UPI collect request.
    #[serde(rename = "UPICOLLECT")]
    UpiCollect,
    /// UPI QR code or app intent.
    #[serde(rename = "QRINTENT")]
    QrIntent,
}

impl MethodCode {
    /// All codes, in the page's order.
    pub const ALL: [Self; 6] = [
        Self::CreditCard,
        Self::DebitCard,
        Self::NetBanking,
        Self::Wallet,
        Self::UpiCollect,
        Self::QrIntent,
    ];

    /// By its code, in any case.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.code().eq_ignore_ascii_case(code))
    }

    /// The code in capital letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CreditCard => "CC",
            Self::DebitCard => "DC",
            Self::NetBanking => "NB",
            Self::Wallet => "WALLET",
            Self::UpiCollect => "UPICOLLECT",
            Self::QrIntent => "QRINTENT",
        }
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreditCard => "Credit card",
            Self::DebitCard => "Debit card",
            Self::NetBanking => "Net banking",
            Self::Wallet => "Wallet",
            Self::UpiCollect => "UPI collect request",
            Self::QrIntent => "UPI QR code or app",
        }
    }

    /// Whether the customer chooses a bank or wallet, by `bankcode` or on the page.
    pub const fn takes_bank_code(self) -> bool {
        match self {
            Self::NetBanking | Self::Wallet => true,
            Self::CreditCard | Self::DebitCard | Self::UpiCollect | Self::QrIntent => false,
        }
    }

    /// Whether it is paid by UPI, and so in Indian rupees alone.
    pub const fn is_upi(self) -> bool {
        match self {
            Self::UpiCollect | Self::QrIntent => true,
            Self::CreditCard | Self::DebitCard | Self::NetBanking | Self::Wallet => false,
        }
    }

    /// Whether the request carries a card.
    pub const fn takes_card(self) -> bool {
        match self {
            Self::CreditCard | Self::DebitCard => true,
            Self::NetBanking | Self::Wallet | Self::UpiCollect | Self::QrIntent => false,
        }
    }
}

impl fmt::Display for MethodCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a payment is paid, without anything that must not be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// The code that was asked for.
    pub code: MethodCode,
    /// The card, masked, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card: Option<MaskedCard>,
    /// What else there is to say of it.
    #[serde(default)]
    pub details: MethodDetails,
}

/// What a method needs beside a card, and what the bank made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodDetails {
    /// `bankcode`: the bank or wallet, as sent or as the customer chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_code: Option<BankCode>,
    /// `upi_address`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upi_address: Option<UpiAddress>,
    /// `os`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// A collect request was asked for, and the customer gets a QR code instead.
    #[serde(skip_serializing_if = "is_false")]
    pub converted_to_qr: bool,
    /// What the customer has to do at the bank, once the bank has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<CustomerStep>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What the customer has to do at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum CustomerStep {
    /// Go to this page.
    Redirect {
        /// Its address.
        url: String,
    },
    /// Go to this page with a form that is posted there.
    PostRedirect {
        /// Its address.
        url: String,
        /// The form's fields, by name, in order.
        fields: Vec<(String, String)>,
    },
    /// Scan a code with a UPI app, or open the link with one.
    Scan {
        /// `upi://pay?…`
        link: String,
        /// What the QR code holds: the link, or an EMVCo merchant-presented code.
        code: String,
    },
    /// Approve a request in the UPI app.
    ApproveInApp,
}

/// The code of a bank or wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BankCode(String);

impl BankCode {
    /// 2 to 32 letters, digits, `_` and `-`; kept in capital letters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let formed = (2..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !formed {
            return Err(TextError("must be a bank's or wallet's code, like SBIN"));
        }
        Ok(Self(text.to_ascii_uppercase()))
    }

    /// As text, in capital letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BankCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|TextError(form)| form)
    }
}

impl From<BankCode> for String {
    fn from(code: BankCode) -> Self {
        code.0
    }
}

impl Method {
    /// A card, as it is known after its number is sealed.
    pub fn card(code: MethodCode, card: MaskedCard) -> Self {
        Self { code, card: Some(card), details: MethodDetails::default() }
    }

    /// `upa` in answers: the payer's UPI address, or the bank's or wallet's code.
    pub fn payer(&self) -> Option<&str> {
        let address = self.details.upi_address.as_ref().map(UpiAddress::as_str);
        address.or_else(|| self.details.bank_code.as_ref().map(BankCode::as_str))
    }

    /// `mop` in answers: the card's brand for cards, the requested code otherwise.
    pub fn page_name(&self) -> &'static str {
        self.card.as_ref().map_or_else(|| self.code.code(), |card| card.brand.name())
    }
}
