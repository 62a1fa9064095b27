//! Names of things: merchants, terminals, payments.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A merchant's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MerchantId(pub i64);

impl fmt::Display for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A terminal's number, the page's `terNO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TerminalNumber(pub i64);

impl fmt::Display for TerminalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a merchant's webhook endpoint, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointNumber(pub i64);

impl fmt::Display for EndpointNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A payment's number. Merchants see it as `transID`: six digits that cannot be guessed, then the
/// UTC time `yyMMddHHmmss` (contract, section 1.1).
///
/// Inside, the time comes first, so that new payments stand side by side in the primary key:
/// `transID` 417823250426141606 is stored as 250426141606417823. Neither form needs a column or an
/// index beside the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentId(i64);

/// The text is not a `transID`: 18 digits of which the first is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transID must be 18 digits")]
pub struct InvalidTransId;

const RANDOM_SPAN: i64 = 1_000_000;
const RANDOM_FIRST: i64 = 100_000;
const TIME_SPAN: i64 = 1_000_000_000_000;
/// Of a number's digits, its time first, sixteen follow the year.
const YEAR_SPAN: i64 = 10_000_000_000_000_000;
/// Numbers have two digits for the year.
const YEARS_FROM: i64 = 2000;

impl PaymentId {
    /// A new number for a payment created `at`; `draw` comes from a cryptographic source.
    pub fn new(at: Timestamp, draw: [u8; 8]) -> Self {
        // 2^64 is so much larger than 900,000 that the remainder's bias is below 2^-44.
        let random = i64::try_from(u64::from_le_bytes(draw) % 900_000).unwrap_or(0);
        let random = random.saturating_add(RANDOM_FIRST);
        Self(at.compact().saturating_mul(RANDOM_SPAN).saturating_add(random))
    }

    /// From the number as stored (time first). An error when it cannot be one.
    pub fn from_stored(number: i64) -> Result<Self, InvalidTransId> {
        let random = number.rem_euclid(RANDOM_SPAN);
        let time = number.div_euclid(RANDOM_SPAN);
        if number < 0 || random < RANDOM_FIRST || time >= TIME_SPAN {
            return Err(InvalidTransId);
        }
        Ok(Self(number))
    }

    /// The least and the greatest number, as stored, of the second of this moment. Numbers know no
    /// century: what is before 2000 is before all of them, what is after 2099 after all.
    pub fn stored_at(moment: Timestamp) -> (i64, i64) {
        const YEAR_2000: i64 = 946_684_800;
        const YEAR_2100: i64 = 4_102_444_800;
        match moment.unix_seconds() {
            ..YEAR_2000 => (i64::MIN, 0),
            YEAR_2000..YEAR_2100 => {
                let least = moment.compact().saturating_mul(RANDOM_SPAN);
                (least, least.saturating_add(RANDOM_SPAN).saturating_sub(1))
            }
            YEAR_2100.. => (i64::MAX, i64::MAX),
        }
    }

    /// The number as stored, time first.
    pub const fn stored(self) -> i64 {
        self.0
    }

    /// When it was created, to the second: `yyyy-MM-dd HH:mm:ss` in UTC.
    pub fn made_at_text(self) -> String {
        let digits = format!("{:012}", self.0.div_euclid(RANDOM_SPAN));
        let part = |from: usize| digits.get(from..from.saturating_add(2)).unwrap_or_default();
        let [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map(part);
        format!("20{year}-{month}-{day} {hour}:{minute}:{second}")
    }

    /// The year in which it was created, UTC.
    pub const fn year(self) -> Year {
        Year(self.0.div_euclid(YEAR_SPAN).saturating_add(YEARS_FROM))
    }

    /// The number as merchants see it.
    pub fn trans_id(self) -> i64 {
        let random = self.0.rem_euclid(RANDOM_SPAN);
        let time = self.0.div_euclid(RANDOM_SPAN);
        random.saturating_mul(TIME_SPAN).saturating_add(time)
    }
}

/// A calendar year, UTC, of those that a payment's number can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Year(i64);

/// The number is no year that a payment's number can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a year must be four digits, 2000 to 2099")]
pub struct InvalidYear;

impl Year {
    /// By its number, 2000 to 2099.
    pub fn new(year: i64) -> Result<Self, InvalidYear> {
        let last = YEARS_FROM.saturating_add(99);
        if (YEARS_FROM..=last).contains(&year) { Ok(Self(year)) } else { Err(InvalidYear) }
    }

    /// The stored numbers of its payments.
    pub const fn stored_ids(self) -> RangeInclusive<i64> {
        let first = self.0.saturating_sub(YEARS_FROM).saturating_mul(YEAR_SPAN);
        first..=first.saturating_add(YEAR_SPAN - 1)
    }

    /// Whether no payment can be created in it any more.
    pub fn is_over(self, now: Timestamp) -> bool {
        i64::from(now.year_month().0) > self.0
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Year {
    type Err = InvalidYear;

    fn from_str(text: &str) -> Result<Self, InvalidYear> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidYear);
        }
        Self::new(text.parse().map_err(|_ignored| InvalidYear)?)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trans_id())
    }
}

impl FromStr for PaymentId {
    type Err = InvalidTransId;

    fn from_str(text: &str) -> Result<Self, InvalidTransId> {
        if text.len() != 18 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidTransId);
        }
        let number: i64 = text.parse().map_err(|_ignored| InvalidTransId)?;
        let random = number.div_euclid(TIME_SPAN);
        let time = number.rem_euclid(TIME_SPAN);
        Self::from_stored(time.saturating_mul(RANDOM_SPAN).saturating_add(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn looks_like_the_page() {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        let id = PaymentId::new(at, 317_823_u64.to_le_bytes());
        assert_eq!(id.to_string(), "417823250426141606");
        assert_eq!(id.stored(), 250_426_141_606_417_823);
        assert_eq!(id.made_at_text(), "2025-04-26 14:16:06");
        assert_eq!("417823250426141606".parse(), Ok(id));
    }

    #[test]
    fn refuses_what_is_no_trans_id() {
        for text in [
            "",
            "1",
            "017823250426141606",
            "41782325042614160",
            "4178232504261416061",
            "41782325042614160x",
            "+17823250426141606",
        ] {
            assert_eq!(text.parse::<PaymentId>(), Err(InvalidTransId), "{text}");
        }
        assert!(PaymentId::from_stored(-1).is_err());
        assert!(PaymentId::from_stored(99).is_err());
    }

    #[test]
    fn a_number_names_its_year() {
        let year: Year = "2025".parse().unwrap();
        let at = |micros| PaymentId::new(Timestamp::from_micros(micros), [255; 8]);
        // The first and the last second of 2025.
        let (first, last) = (1_735_689_600_000_000, 1_767_225_599_999_999);
        for id in [at(first), at(last)] {
            assert_eq!(id.year(), year);
            assert!(year.stored_ids().contains(&id.stored()), "{id}");
        }
        for id in [at(first - 1), at(last + 1)] {
            assert_ne!(id.year(), year);
            assert!(!year.stored_ids().contains(&id.stored()), "{id}");
        }
        assert!(!year.is_over(Timestamp::from_micros(last)));
        assert!(year.is_over(Timestamp::from_micros(last + 1)));
        for text in ["", "25", "1999", "2100", "+205", "20 5", "02025"] {
            assert_eq!(text.parse::<Year>(), Err(InvalidYear), "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_name_the_same_payment(micros in 946_684_800_000_000_i64..4_102_444_800_000_000, draw: [u8; 8]) {
            let id = PaymentId::new(Timestamp::from_micros(micros), draw);
            prop_assert_eq!(id.to_string().len(), 18);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(PaymentId::from_stored(id.stored()), Ok(id));
        }
    }
}
