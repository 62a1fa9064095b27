//! Amounts: whole numbers of a currency's minor unit, never a float.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency that has a minor unit. Funds codes and metals without one are no currency
/// a shop can charge in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    iso: iso_currency::Currency,
    exponent: u8,
}

/// No ISO 4217 currency with a minor unit has this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency")]
pub struct UnknownCurrency;

/// By code.
impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Currency {
    /// By its alphabetic code, in any case.
    pub fn from_code(code: &str) -> Result<Self, UnknownCurrency> {
        if code.len() != 3 {
            return Err(UnknownCurrency);
        }
        let upper = code.to_ascii_uppercase();
        let iso = iso_currency::Currency::from_code(&upper).ok_or(UnknownCurrency)?;
        let exponent = iso.exponent().and_then(|e| u8::try_from(e).ok()).ok_or(UnknownCurrency)?;
        if exponent > 4 {
            return Err(UnknownCurrency);
        }
        Ok(Self { iso, exponent })
    }

    /// The three capital letters.
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// How many decimals the minor unit has: 2 for EUR, 0 for JPY, 3 for BHD.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        Self::from_code(text)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_code(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount above zero or zero, in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why a text is no amount of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most two decimals.
    #[error("must be digits with at most two decimals, like 11.11")]
    Form,
    /// Zero.
    #[error("must be above zero")]
    Zero,
    /// A fraction that the currency's minor unit cannot hold.
    #[error("has more decimals than the currency's minor unit")]
    Fraction,
}

/// `10^n` for the few `n` that money needs.
const fn power_of_ten(n: u8) -> i64 {
    match n {
        0 => 1,
        1 => 10,
        2 => 100,
        3 => 1_000,
        _ => 10_000,
    }
}

impl Money {
    /// `minor` units of `currency`; negative amounts do not exist as money.
    pub fn from_minor(minor: i64, currency: Currency) -> Option<Self> {
        (minor >= 0).then_some(Self { minor, currency })
    }

    /// Reads the page's dec(10,2): one to eight digits, and at most two decimals. The value must
    /// be above zero and whole in the currency's minor unit (`10.50` JPY is an error, `10.00` JPY
    /// is not). The text is never turned into a float.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let hundredths = parse_hundredths(text)?;
        if hundredths == 0 {
            return Err(AmountError::Zero);
        }
        let minor = match currency.exponent {
            exponent @ 2..=4 => hundredths.saturating_mul(power_of_ten(exponent.saturating_sub(2))),
            exponent => {
                let unit = power_of_ten(2_u8.saturating_sub(exponent));
                if hundredths.checked_rem(unit) != Some(0) {
                    return Err(AmountError::Fraction);
                }
                hundredths.checked_div(unit).unwrap_or(0)
            }
        };
        Ok(Self { minor, currency })
    }

    /// In minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// In ten-thousandths of the major unit, the finest any currency has: amounts of different
    /// currencies' scales compare to one limit by it.
    pub fn ten_thousandths(self) -> i64 {
        let scale = power_of_ten(4_u8.saturating_sub(self.currency.exponent));
        self.minor.saturating_mul(scale)
    }

    /// As the page prints amounts: at least one decimal, no needless zero (`120.0`, `11.11`).
    pub fn to_page_text(self) -> String {
        let mut text = self.to_decimal_text();
        if !text.contains('.') {
            text.push_str(".0");
        }
        while text.ends_with('0') && !text.ends_with(".0") {
            text.pop();
        }
        text
    }

    /// With exactly the currency's decimals: `120.00` EUR, `120` JPY, `1.200` BHD.
    pub fn to_decimal_text(self) -> String {
        let unit = power_of_ten(self.currency.exponent);
        let whole = self.minor.checked_div(unit).unwrap_or(0);
        let fraction = self.minor.checked_rem(unit).unwrap_or(0);
        if self.currency.exponent == 0 {
            return whole.to_string();
        }
        format!("{whole}.{fraction:0width$}", width = usize::from(self.currency.exponent))
    }
}

/// A sum with exactly the currency's decimals, with a minus where it is below zero.
pub fn sum_to_decimal_text(minor: i64, currency: Currency) -> String {
    let magnitude = Money { minor: minor.saturating_abs(), currency }.to_decimal_text();
    if minor < 0 { format!("-{magnitude}") } else { magnitude }
}

/// Reads dec(10,2) text as hundredths, zero included.
pub fn parse_hundredths(text: &str) -> Result<i64, AmountError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !(1..=8).contains(&whole.len()) || !(1..=2).contains(&fraction.len()) {
        return Err(AmountError::Form);
    }
    if !digits(whole) || !digits(fraction) {
        return Err(AmountError::Form);
    }
    let whole: i64 = whole.parse().map_err(|_ignored| AmountError::Form)?;
    let tenths = fraction.len() == 1;
    let fraction: i64 = fraction.parse().map_err(|_ignored| AmountError::Form)?;
    let fraction = if tenths { fraction.saturating_mul(10) } else { fraction };
    Ok(whole.saturating_mul(100).saturating_add(fraction))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal_text(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, code: &str) -> Result<i64, AmountError> {
        Money::parse(text, Currency::from_code(code).unwrap()).map(Money::minor)
    }

    #[test]
    fn sums_may_be_below_zero() {
        let text = |minor, code| sum_to_decimal_text(minor, Currency::from_code(code).unwrap());
        assert_eq!(text(-5, "USD"), "-0.05");
        assert_eq!(text(0, "USD"), "0.00");
        assert_eq!(text(-120, "JPY"), "-120");
        assert_eq!(text(1234, "KWD"), "1.234");
    }

    #[test]
    fn reads_exactly_the_pages_amounts() {
        for (text, code, minor) in [
            ("11.11", "USD", 1111),
            ("120.00", "USD", 12000),
            ("120.0", "USD", 12000),
            ("120", "USD", 12000),
            ("0.01", "USD", 1),
            ("00.10", "USD", 10),
            ("99999999.99", "USD", 9_999_999_999),
            ("10.00", "JPY", 10),
            ("10", "JPY", 10),
            ("10.50", "BHD", 10_500),
            ("1.25", "CLF", 12_500),
        ] {
            assert_eq!(parse(text, code), Ok(minor), "{text} {code}");
        }
        for text in [
            "",
            " ",
            "1e2",
            "NaN",
            "-1",
            "+5",
            ".5",
            "5.",
            "1,5",
            "1_000",
            "1.001",
            "１１",
            " 5",
            "5 ",
            "999999999",
            "0x10",
            "1.2.3",
            "٣",
            "\u{0}1",
            "1.+1",
            "inf",
        ] {
            assert_eq!(parse(text, "USD"), Err(AmountError::Form), "{text:?}");
        }
        for text in ["0", "0.0", "0.00", "00000000.00"] {
            assert_eq!(parse(text, "USD"), Err(AmountError::Zero), "{text:?}");
        }
        assert_eq!(parse("10.50", "JPY"), Err(AmountError::Fraction));
        assert_eq!(parse("10.01", "KRW"), Err(AmountError::Fraction));
    }

    #[test]
    fn prints_as_the_page_does() {
        for (text, code, page, decimal) in [
            ("120.00", "USD", "120.0", "120.00"),
            ("11.11", "USD", "11.11", "11.11"),
            ("11.10", "EUR", "11.1", "11.10"),
            ("100", "JPY", "100.0", "100"),
            ("1.25", "BHD", "1.25", "1.250"),
            ("0.01", "USD", "0.01", "0.01"),
            ("1000", "USD", "1000.0", "1000.00"),
        ] {
            let money = Money::parse(text, Currency::from_code(code).unwrap()).unwrap();
            assert_eq!(money.to_page_text(), page);
            assert_eq!(money.to_decimal_text(), decimal);
        }
    }

    #[test]
    fn metals_and_test_codes_are_no_currency() {
        for code in ["XAU", "XXX", "XTS", "ABC", "US", "USDD", "", "US\u{e9}"] {
            assert_eq!(Currency::from_code(code), Err(UnknownCurrency), "{code}");
        }
        assert_eq!(Currency::from_code("eur").unwrap().code(), "EUR");
    }

    proptest! {
        #[test]
        fn accepted_amounts_come_back_unchanged(hundredths in 1_i64..9_999_999_999) {
            let usd = Currency::from_code("USD").unwrap();
            let text = Money::from_minor(hundredths, usd).unwrap().to_decimal_text();
            prop_assert_eq!(Money::parse(&text, usd).unwrap().minor(), hundredths);
            let page = Money::from_minor(hundredths, usd).unwrap().to_page_text();
            prop_assert_eq!(Money::parse(&page, usd).unwrap().minor(), hundredths);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,16}") {
            let usd = Currency::from_code("USD").unwrap();
            let _answer = Money::parse(&text, usd);
        }
    }
}
