//! Sums over payments and postings, for overviews.

use crate::ledger::Account;
use crate::method::MethodCode;
use crate::money::Currency;
use crate::time::Timestamp;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// A day in UTC, by days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    /// The day of a moment.
    pub const fn of(at: Timestamp) -> Self {
        Self(at.micros().div_euclid(MICROS_A_DAY))
    }

    /// When it begins.
    pub const fn begins(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(MICROS_A_DAY))
    }

    /// The one so many days later.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// `yyyy-MM-dd`
    pub fn text(self) -> String {
        let mut text = self.begins().to_page_text();
        text.truncate(10);
        text
    }
}

/// How many payments are alike in all of this, and how much they are together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaymentSum {
    /// The day on which they were made.
    pub day: Day,
    /// How they are paid.
    pub method: MethodCode,
    /// In which currency.
    pub currency: Currency,
    /// Where they stand, by the word in the database.
    pub state: String,
    /// Why they were declined, by the word in the database.
    pub reason: Option<String>,
    /// Whether the customer had to prove who they are.
    pub challenged: bool,
    /// Whether money of them was given back.
    pub refunded: bool,
    /// How many.
    pub count: i64,
    /// What was asked for, in minor units.
    pub amount_minor: i64,
    /// What was taken.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
}

/// What the postings of a day on an account come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostingSum {
    /// The day.
    pub day: Day,
    /// In which currency.
    pub currency: Currency,
    /// On which account.
    pub account: Account,
    /// The sum in minor units; debit is positive.
    pub amount_minor: i64,
    /// Of how many postings.
    pub postings: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_utc() {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        assert_eq!(Day::of(at).text(), "2025-04-26");
        assert_eq!(Day::of(at).begins(), Timestamp::of_day("2025-04-26").unwrap());
        assert_eq!(Day::of(Day::of(at).plus(1).begins()).text(), "2025-04-27");
        assert_eq!(Day::of(Timestamp::from_micros(-1)).text(), "1969-12-31");
    }
}
