//! Which payments a list shows.

use crate::id::{PaymentId, TerminalNumber};
use crate::payment::Payment;
use crate::text::Reference;
use crate::time::Timestamp;

/// Which payments a list shows; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Taken by which terminal.
    pub terminal: Option<TerminalNumber>,
    /// Made at this moment or later.
    pub from: Option<Timestamp>,
    /// Made before this moment.
    pub until: Option<Timestamp>,
    /// Attempts at this order of the merchant's.
    pub reference: Option<Reference>,
}

impl PaymentFilter {
    /// Whether a payment is among those it shows.
    pub fn lets_through(&self, payment: &Payment) -> bool {
        self.terminal.is_none_or(|terminal| terminal == payment.terminal)
            && self.from.is_none_or(|from| payment.created_at >= from)
            && self.until.is_none_or(|until| payment.created_at < until)
            && self.reference.as_ref().is_none_or(|reference| *reference == payment.reference)
    }

    /// The least number that a payment it shows may have, and the greatest, as stored: a number
    /// begins with the second in which it was made. Those of the first and the last second are to
    /// be looked at.
    pub fn stored_numbers(&self) -> (i64, i64) {
        let least = self.from.map_or(i64::MIN, |from| PaymentId::stored_at(from).0);
        let greatest = self.until.map_or(i64::MAX, |until| PaymentId::stored_at(until).1);
        (least, greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_it_shows_has_a_number_in_its_range(
            made in 946_684_800_000_000_i64..4_102_444_800_000_000,
            times: [i64; 2],
            beside: [i32; 2],
            draw: [u8; 8],
        ) {
            // Any moment, or one close by.
            let moments = |time: i64, beside: i32| [time, made.saturating_add(i64::from(beside))];
            let number = PaymentId::new(Timestamp::from_micros(made), draw).stored();
            for from in moments(times[0], beside[0]) {
                for until in moments(times[1], beside[1]) {
                    let [from, until] = [from, until].map(Timestamp::from_micros);
                    let (from, until) = (Some(from), Some(until));
                    let filter = PaymentFilter { from, until, ..PaymentFilter::default() };
                    let (least, greatest) = filter.stored_numbers();
                    if from.is_none_or(|from| from.micros() <= made) {
                        prop_assert!(least <= number);
                    }
                    if until.is_none_or(|until| made < until.micros()) {
                        prop_assert!(number <= greatest);
                    }
                }
            }
        }
    }

    #[test]
    fn other_seconds_are_out_of_range() {
        let at =
            |second: i64| Some(Timestamp::from_micros(1_745_676_966_000_657 + second * 1_000_000));
        let number = PaymentId::new(at(0).unwrap(), [0; 8]).stored();
        let (least, _) = PaymentFilter { from: at(1), ..PaymentFilter::default() }.stored_numbers();
        let (_, greatest) =
            PaymentFilter { until: at(-1), ..PaymentFilter::default() }.stored_numbers();
        assert!(greatest < number && number < least);
    }
}
