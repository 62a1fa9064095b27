//! Methods of payment, the page's `mop`.

use crate::card::MaskedCard;
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
}

impl Method {
    /// `mop` in answers: the card's brand for cards, the requested code otherwise.
    pub fn page_name(&self) -> &'static str {
        self.card.as_ref().map_or_else(|| self.code.code(), |card| card.brand.name())
    }
}
