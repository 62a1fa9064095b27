//! Amounts and times as a customer's language writes them: by whole-number arithmetic on digits,
//! never through a float.
//!
//! Every language has the digits 0 to 9, Arabic and Hindi too: they are those of the card, of the
//! code that is to be typed, and of what the bank shows, and much of the Arab world and nearly all
//! of the Indian web write amounts with them.

use super::language::Language;
use domain::money::Money;
use domain::time::Timestamp;

/// A space that no line breaks at.
const NO_BREAK: char = '\u{a0}';
/// A narrow one, between the thousands in French.
const NARROW_NO_BREAK: char = '\u{202f}';

/// An amount, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    /// The number, with its thousands apart.
    pub(super) figure: String,
    /// The currency's three letters.
    pub(super) currency: &'static str,
    /// Whether the currency stands before the number.
    pub(super) currency_first: bool,
}

impl Amount {
    /// The amount as this language writes it (after the CLDR; English names the currency last,
    /// as the API does).
    pub(super) fn new(language: Language, money: Money) -> Self {
        let currency_first = match language {
            Language::Hindi | Language::Portuguese | Language::Indonesian | Language::Chinese => {
                true
            }
            Language::English
            | Language::Spanish
            | Language::French
            | Language::German
            | Language::Arabic
            | Language::Russian => false,
        };
        Self { figure: figure(language, money), currency: money.currency().code(), currency_first }
    }

    /// The whole amount in one line.
    pub(super) fn text(&self) -> String {
        let Self { figure, currency, currency_first } = self;
        if *currency_first {
            format!("{currency}{NO_BREAK}{figure}")
        } else {
            format!("{figure}{NO_BREAK}{currency}")
        }
    }

    /// Whether it needs smaller letters and a button of its own width.
    pub(super) fn is_long(&self) -> bool {
        self.figure.chars().count() > 9
    }
}

/// What stands between the thousands, and what before the decimals.
const fn separators(language: Language) -> (char, char) {
    match language {
        Language::English | Language::Hindi | Language::Arabic | Language::Chinese => (',', '.'),
        Language::Spanish | Language::German | Language::Portuguese | Language::Indonesian => {
            ('.', ',')
        }
        Language::French => (NARROW_NO_BREAK, ','),
        Language::Russian => (NO_BREAK, ','),
    }
}

fn figure(language: Language, money: Money) -> String {
    let text = money.to_decimal_text();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (thousands, decimals) = separators(language);
    let is_indian = match language {
        Language::Hindi => true,
        // Rupees in English are read in India: 1,11,111.00.
        Language::English => money.currency().code() == "INR",
        Language::Spanish
        | Language::French
        | Language::German
        | Language::Portuguese
        | Language::Arabic
        | Language::Russian
        | Language::Indonesian
        | Language::Chinese => false,
    };
    // In Spanish four digits stay together: 1234,50.
    let digits = whole.len();
    let is_grouped = digits > 4 || language != Language::Spanish;
    let further = if is_indian { 2 } else { 3 };
    let mut figure = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = digits.saturating_sub(place);
        let is_edge = left == 3 || (left > 3 && left.saturating_sub(3).is_multiple_of(further));
        if place > 0 && is_edge && is_grouped {
            figure.push(thousands);
        }
        figure.push(digit);
    }
    if !fraction.is_empty() {
        figure.push(decimals);
        figure.push_str(fraction);
    }
    figure
}

/// Day and time to the minute. The time zone stays named: the server does not know the customer's.
pub(super) fn minute(language: Language, at: Timestamp) -> String {
    let text = at.to_page_text();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let date = match language {
        // Day and month change places across the Atlantic; this cannot be misread.
        Language::English => format!("{year}-{month}-{day}"),
        Language::German | Language::Russian => format!("{day}.{month}.{year}"),
        Language::Chinese => format!("{year}/{month}/{day}"),
        Language::Hindi
        | Language::Spanish
        | Language::French
        | Language::Portuguese
        | Language::Arabic
        | Language::Indonesian => format!("{day}/{month}/{year}"),
    };
    format!("{date} {}", hour(language, at))
}

/// `14:16 UTC`
pub(super) fn hour(language: Language, at: Timestamp) -> String {
    let text = at.to_page_text();
    let time = text.get(11..16).unwrap_or_default();
    if language == Language::Indonesian {
        format!("{} UTC", time.replace(':', "."))
    } else {
        format!("{time} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Currency;
    use proptest::prelude::*;

    fn amount(language: Language, text: &str, currency: &str) -> Amount {
        let currency = Currency::from_code(currency).unwrap();
        Amount::new(language, Money::parse(text, currency).unwrap())
    }

    #[test]
    fn amounts_are_written_as_the_language_does() {
        for (language, text, currency, expected) in [
            (Language::English, "11.11", "USD", "11.11 USD"),
            (Language::English, "999", "USD", "999.00 USD"),
            (Language::English, "1000", "JPY", "1,000 JPY"),
            (Language::English, "1234567.5", "EUR", "1,234,567.50 EUR"),
            (Language::English, "111111", "INR", "1,11,111.00 INR"),
            (Language::English, "99999999.99", "INR", "9,99,99,999.99 INR"),
            (Language::English, "1000", "INR", "1,000.00 INR"),
            (Language::English, "1234.5", "BHD", "1,234.500 BHD"),
            (Language::Hindi, "1234567.5", "INR", "INR 12,34,567.50"),
            (Language::Hindi, "111111", "USD", "USD 1,11,111.00"),
            (Language::Spanish, "1234.5", "EUR", "1234,50 EUR"),
            (Language::Spanish, "12345.5", "EUR", "12.345,50 EUR"),
            (Language::French, "1234567.5", "EUR", "1\u{202f}234\u{202f}567,50 EUR"),
            (Language::German, "1234.5", "EUR", "1.234,50 EUR"),
            (Language::German, "111111", "INR", "111.111,00 INR"),
            (Language::Portuguese, "1234.5", "BRL", "BRL 1.234,50"),
            (Language::Arabic, "1234.5", "BHD", "1,234.500 BHD"),
            (Language::Russian, "1234567.5", "RUB", "1\u{a0}234\u{a0}567,50 RUB"),
            (Language::Indonesian, "150000", "IDR", "IDR 150.000,00"),
            (Language::Chinese, "1234.5", "CNY", "CNY 1,234.50"),
        ] {
            let expected = expected.replace(" INR", "\u{a0}INR");
            let shown = amount(language, text, currency).text();
            let plain = |text: &str| text.replace('\u{a0}', " ");
            assert_eq!(plain(&shown), plain(&expected), "{language:?}");
            assert!(!shown.contains(' '), "{shown:?} may break");
        }
    }

    #[test]
    fn times_are_short_and_name_their_zone() {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        for (language, day, time) in [
            (Language::English, "2025-04-26", "14:16"),
            (Language::German, "26.04.2025", "14:16"),
            (Language::French, "26/04/2025", "14:16"),
            (Language::Indonesian, "26/04/2025", "14.16"),
            (Language::Chinese, "2025/04/26", "14:16"),
        ] {
            assert_eq!(hour(language, at), format!("{time} UTC"));
            assert_eq!(minute(language, at), format!("{day} {time} UTC"));
        }
    }

    proptest! {
        #[test]
        fn no_digit_is_lost(hundredths in 1_i64..9_999_999_999, which in 0_usize..10) {
            let money = Money::from_minor(hundredths, Currency::from_code("EUR").unwrap()).unwrap();
            let shown = Amount::new(Language::ALL[which], money).figure;
            let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
            prop_assert_eq!(digits(&shown), digits(&money.to_decimal_text()));
        }
    }
}
