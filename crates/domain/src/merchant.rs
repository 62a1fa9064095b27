//! A merchant: who owns terminals and payments.

use crate::id::MerchantId;
use crate::text::TextError;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A merchant of this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its number.
    pub id: MerchantId,
    /// The name customers see.
    pub name: String,
    /// An inactive merchant's terminals take no payments.
    pub active: bool,
    /// Whether the operator has looked at them: until then no terminal of theirs goes live.
    pub approved: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a merchant sells, by ISO 18245: four digits, as `5411` for a supermarket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MerchantCategoryCode(u16);

impl MerchantCategoryCode {
    /// By its four digits.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const FORM: TextError = TextError("must be four digits, as 5411 (ISO 18245)");
        if text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORM);
        }
        text.parse().map(Self).map_err(|_impossible| FORM)
    }
}

impl fmt::Display for MerchantCategoryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl From<MerchantCategoryCode> for String {
    fn from(code: MerchantCategoryCode) -> Self {
        code.to_string()
    }
}

impl TryFrom<String> for MerchantCategoryCode {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_codes_are_four_digits() {
        for good in ["5411", "0742", "0000", "9999"] {
            assert_eq!(MerchantCategoryCode::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "541", "54110", "54 1", "+541", "-541", "abcd", "\u{661}\u{662}"] {
            assert!(MerchantCategoryCode::parse(bad).is_err(), "{bad:?}");
        }
    }
}
