//! Card data. The number and the security code are types that cannot be printed, copied or
//! serialised; they wipe their memory when dropped. Only web's parser makes them, only the vault
//! and a connector open them.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A card network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Brand {
    /// Visa.
    Visa,
    /// Mastercard, the 2-series included.
    Mastercard,
    /// American Express.
    Amex,
    /// Diners Club.
    Diners,
    /// Discover.
    Discover,
    /// JCB.
    #[serde(rename = "JCB")]
    Jcb,
    /// `RuPay`.
    RuPay,
    /// `UnionPay`.
    UnionPay,
    /// Maestro.
    Maestro,
}

impl Brand {
    /// The name as answers carry it in `mop`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Amex => "Amex",
            Self::Diners => "Diners",
            Self::Discover => "Discover",
            Self::Jcb => "JCB",
            Self::RuPay => "RuPay",
            Self::UnionPay => "UnionPay",
            Self::Maestro => "Maestro",
        }
    }

    /// How many digits the security code has.
    pub const fn security_code_digits(self) -> usize {
        match self {
            Self::Amex => 4,
            Self::Visa
            | Self::Mastercard
            | Self::Diners
            | Self::Discover
            | Self::Jcb
            | Self::RuPay
            | Self::UnionPay
            | Self::Maestro => 3,
        }
    }

    /// By the issuer ranges that the networks publish (ISO/IEC 7812 prefixes). Where ranges of
    /// networks overlap, the narrower one stands first.
    fn of(number: &str) -> Option<Self> {
        let prefix = |digits: usize| number.get(..digits).and_then(|p| p.parse::<u32>().ok());
        let (two, three) = (prefix(2)?, prefix(3)?);
        let (four, six) = (prefix(4)?, prefix(6)?);
        let brand = match (two, three, four, six) {
            (34 | 37, ..) => Self::Amex,
            (_, 300..=305 | 309, ..) | (36 | 38 | 39, ..) => Self::Diners,
            (_, _, 3528..=3589, _) | (35, ..) => Self::Jcb,
            (40..=49, ..) => Self::Visa,
            (51..=55, ..) | (_, _, 2221..=2720, _) => Self::Mastercard,
            (
                _,
                _,
                _,
                508_500..=508_999 | 606_985..=607_984 | 608_001..=608_500 | 652_150..=653_149,
            )
            | (81 | 82, ..) => Self::RuPay,
            (_, _, 6011, _) | (_, 644..=649, ..) | (65, ..) => Self::Discover,
            (62, ..) => Self::UnionPay,
            (50 | 56..=58 | 63 | 67, ..) | (_, _, _, 600_000..=606_984) => Self::Maestro,
            (60, ..) => Self::RuPay,
            _ => return None,
        };
        Some(brand)
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What may be shown of a card: its brand, the first six and the last four digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedCard {
    /// The network.
    pub brand: Brand,
    /// First six digits.
    pub first_six: String,
    /// Last four digits.
    pub last_four: String,
}

impl MaskedCard {
    /// `543889XXXXXX0229`: always six X, whatever the length of the number.
    pub fn to_page_text(&self) -> String {
        format!("{}XXXXXX{}", self.first_six, self.last_four)
    }
}

/// A card number: 12 to 19 digits of a known brand.
pub struct CardNumber {
    digits: Zeroizing<Box<str>>,
    brand: Brand,
}

/// Why a text is no card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardNumberError {
    /// Not 12 to 19 digits.
    #[error("must be 12 to 19 digits")]
    Form,
    /// The check digit does not match (ISO/IEC 7812-1, annex B).
    #[error("is not a valid card number")]
    CheckDigit,
    /// No network that we know.
    #[error("is of an unknown card brand")]
    Brand,
}

/// Documented test numbers that fail the check digit and must pass on a test terminal all the same.
const TEST_NUMBERS_WITHOUT_CHECK_DIGIT: [&str; 5] = [
    "5111111111111111",
    "30000000000000",
    "35000000000000",
    "4444444444444444",
    "6521111111111117",
];

impl CardNumber {
    /// Reads a number as people and clients write it; blanks and dashes are dropped. On a test
    /// terminal the documented test numbers pass even where their check digit is wrong.
    pub fn parse(text: &str, test_terminal: bool) -> Result<Self, CardNumberError> {
        let mut digits = Zeroizing::new(String::with_capacity(19));
        for c in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
            if !c.is_ascii_digit() || digits.len() == 19 {
                return Err(CardNumberError::Form);
            }
            digits.push(c);
        }
        if digits.len() < 12 {
            return Err(CardNumberError::Form);
        }
        let known = test_terminal && TEST_NUMBERS_WITHOUT_CHECK_DIGIT.contains(&digits.as_str());
        if !known && !passes_luhn(&digits) {
            return Err(CardNumberError::CheckDigit);
        }
        let brand = Brand::of(&digits).ok_or(CardNumberError::Brand)?;
        Ok(Self { digits: Zeroizing::new(digits.as_str().into()), brand })
    }

    /// The digits, for the vault and for the connector that sends them.
    pub fn reveal(&self) -> &str {
        &self.digits
    }

    /// The network.
    pub const fn brand(&self) -> Brand {
        self.brand
    }

    /// What may be shown.
    pub fn masked(&self) -> MaskedCard {
        let digits: &str = &self.digits;
        let tail = digits.len().saturating_sub(4);
        MaskedCard {
            brand: self.brand,
            first_six: digits.get(..6).unwrap_or_default().to_owned(),
            last_four: digits.get(tail..).unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[card number]")
    }
}

pub(crate) fn passes_luhn(digits: &str) -> bool {
    let sum = digits.bytes().rev().enumerate().fold(0_u32, |sum, (place, byte)| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        let doubled = digit.saturating_mul(2);
        let worth = match (place % 2 == 1, doubled > 9) {
            (false, _) => digit,
            (true, false) => doubled,
            (true, true) => doubled.saturating_sub(9),
        };
        sum.saturating_add(worth)
    });
    sum % 10 == 0
}

/// The card's security code (CVV, CVC, CID): three digits, four for Amex. It lives only until the
/// send to the bank.
pub struct SecurityCode {
    digits: Zeroizing<Box<str>>,
}

/// The text is no security code of this brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {digits} digits")]
pub struct SecurityCodeError {
    /// How many digits this brand's code has.
    pub digits: usize,
}

impl SecurityCode {
    /// Reads the code for a card of this brand.
    pub fn parse(text: &str, brand: Brand) -> Result<Self, SecurityCodeError> {
        let wanted = brand.security_code_digits();
        if text.len() != wanted || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SecurityCodeError { digits: wanted });
        }
        Ok(Self { digits: Zeroizing::new(text.into()) })
    }

    /// The digits, for the vault and for the connector that sends them.
    pub fn reveal(&self) -> &str {
        &self.digits
    }
}

impl fmt::Debug for SecurityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[security code]")
    }
}

/// A card's last month of validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expiry {
    /// Four digits.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Expiry {
    /// `1` to `12`, with or without the zero.
    pub fn parse_month(text: &str) -> Option<i8> {
        if !(1..=2).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().filter(|month| (1..=12).contains(month))
    }

    /// Two or four digits; two mean 20yy.
    pub fn parse_year(text: &str) -> Option<i16> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let year: i16 = text.parse().ok()?;
        match text.len() {
            2 => Some(year.saturating_add(2000)),
            4 => Some(year).filter(|year| (2000..=2099).contains(year)),
            _ => None,
        }
    }

    /// The card is good to the end of its month (UTC).
    pub fn is_over(self, now: Timestamp) -> bool {
        let (year, month) = now.year_month();
        (self.year, self.month) < (year, month)
    }
}

/// A card as a payment request carries it.
#[derive(Debug)]
pub struct Card {
    /// The number.
    pub number: CardNumber,
    /// The security code.
    pub security_code: SecurityCode,
    /// The last month of validity.
    pub expiry: Expiry,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brand(number: &str) -> Result<Brand, CardNumberError> {
        CardNumber::parse(number, true).map(|n| n.brand())
    }

    #[test]
    fn knows_the_documented_test_numbers() {
        for (number, expected) in [
            ("4111111111111111", Brand::Visa),
            ("4012000033330026", Brand::Visa),
            ("4043409999991437", Brand::Visa),
            ("4242424242424242", Brand::Visa),
            ("5111111111111111", Brand::Mastercard),
            ("5123450000000008", Brand::Mastercard),
            ("5555229999997722", Brand::Mastercard),
            ("5438890000000229", Brand::Mastercard),
            ("2223000048400011", Brand::Mastercard),
            ("378282246310005", Brand::Amex),
            ("30569309025904", Brand::Diners),
            ("36259600000012", Brand::Diners),
            ("3530111333300000", Brand::Jcb),
            ("6011000990139424", Brand::Discover),
            ("6521111111111117", Brand::Discover),
            ("6759649826438453", Brand::Maestro),
            ("6240008631401148", Brand::UnionPay),
            ("5089040000000006", Brand::RuPay),
        ] {
            let luhn = passes_luhn(number);
            let got = brand(number);
            if luhn || TEST_NUMBERS_WITHOUT_CHECK_DIGIT.contains(&number) {
                assert_eq!(got, Ok(expected), "{number}");
            }
        }
    }

    #[test]
    fn test_numbers_without_check_digit_pass_on_test_terminals_only() {
        for number in TEST_NUMBERS_WITHOUT_CHECK_DIGIT {
            assert!(CardNumber::parse(number, true).is_ok(), "{number}");
            assert_eq!(
                CardNumber::parse(number, false).map(|_| ()).unwrap_err(),
                CardNumberError::CheckDigit,
                "{number}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "",
            "4",
            "41111111111",
            "411111111111111111111",
            "4111-1111-1111-111x",
            "４１１１１１１１１１１１１１１１",
        ] {
            assert_eq!(brand(text), Err(CardNumberError::Form), "{text}");
        }
        assert_eq!(brand("4111111111111112"), Err(CardNumberError::CheckDigit));
        assert_eq!(brand("9999999999999995"), Err(CardNumberError::Brand));
        assert_eq!(brand("4111 1111-1111 1111"), Ok(Brand::Visa));
    }

    #[test]
    fn masks_and_never_prints() {
        let number = CardNumber::parse("5438890000000229", true).unwrap();
        assert_eq!(number.masked().to_page_text(), "543889XXXXXX0229");
        assert_eq!(format!("{number:?}"), "[card number]");
        let code = SecurityCode::parse("123", Brand::Visa).unwrap();
        assert_eq!(format!("{code:?}"), "[security code]");
        assert!(SecurityCode::parse("1234", Brand::Visa).is_err());
        assert!(SecurityCode::parse("1234", Brand::Amex).is_ok());
        assert!(SecurityCode::parse("12a", Brand::Visa).is_err());
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        let now = Timestamp::from_micros(1_745_676_966_000_657); // April 2025
        assert!(!Expiry { year: 2025, month: 4 }.is_over(now));
        assert!(Expiry { year: 2025, month: 3 }.is_over(now));
        assert_eq!(Expiry::parse_month("01"), Some(1));
        assert_eq!(Expiry::parse_month("1"), Some(1));
        for text in ["0", "00", "13", "001", "", "x", "+1"] {
            assert_eq!(Expiry::parse_month(text), None, "{text}");
        }
        assert_eq!(Expiry::parse_year("30"), Some(2030));
        assert_eq!(Expiry::parse_year("2030"), Some(2030));
        for text in ["", "3", "203", "20300", "+030", "1999"] {
            assert_eq!(Expiry::parse_year(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_shows_more_than_ten_digits(body in "[45][0-9]{10,17}") {
            let check = (0..10).map(|d| format!("{body}{d}")).find(|n| passes_luhn(n)).unwrap();
            if let Ok(number) = CardNumber::parse(&check, false) {
                let shown = number.masked().to_page_text();
                prop_assert_eq!(shown.bytes().filter(u8::is_ascii_digit).count(), 10);
                prop_assert!(shown.contains("XXXXXX"));
            }
        }
    }
}
