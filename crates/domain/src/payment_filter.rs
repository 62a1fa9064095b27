//! Which payments a list shows.

use crate::id::{PaymentId, TerminalNumber};
use crate::method::MethodCode;
use crate::payment::{Payment, State};
use crate::terminal::Mode;
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
    /// Test or live.
    pub mode: Option<Mode>,
}

impl PaymentFilter {
    /// Whether a payment is among those it shows.
    pub fn lets_through(&self, payment: &Payment) -> bool {
        self.terminal.is_none_or(|terminal| terminal == payment.terminal)
            && self.from.is_none_or(|from| payment.created_at >= from)
            && self.until.is_none_or(|until| payment.created_at < until)
            && self.reference.as_ref().is_none_or(|reference| *reference == payment.reference)
            && self.mode.is_none_or(|mode| mode == payment.mode)
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

/// What people look for in a list of payments, beside what its filter says. Looked at payment by
/// payment: nothing of it has an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentSearch {
    /// What an index answers.
    pub filter: PaymentFilter,
    /// A piece of text: of the number, the reference, the last four digits, the e-mail address or
    /// the name, or an amount.
    pub text: Option<String>,
    /// In this group of states.
    pub group: Option<StateGroup>,
    /// By this method.
    pub method: Option<MethodCode>,
}

/// States as people ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateGroup {
    /// Money was taken, and not all of it given back.
    Approved,
    /// Money was given back, all or some.
    Refunded,
    /// Held and not taken.
    Authorised,
    /// The customer has to act.
    Open,
    /// At the bank, or not known what became of it.
    AtBank,
    /// Refused.
    Declined,
    /// Ended without a refusal and without money.
    Ended,
}

impl StateGroup {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 7] = [
        Self::Approved,
        Self::Refunded,
        Self::Authorised,
        Self::Open,
        Self::AtBank,
        Self::Declined,
        Self::Ended,
    ];

    /// The word in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refunded => "refunded",
            Self::Authorised => "authorised",
            Self::Open => "open",
            Self::AtBank => "at_bank",
            Self::Declined => "declined",
            Self::Ended => "ended",
        }
    }

    /// As people read it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Refunded => "Refunded",
            Self::Authorised => "Authorised",
            Self::Open => "Waiting for the customer",
            Self::AtBank => "At the bank",
            Self::Declined => "Declined",
            Self::Ended => "Expired, cancelled or failed",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The group of a state.
    pub const fn of(state: &State) -> Self {
        match state {
            State::Waiting { .. } | State::Challenged { .. } | State::Presented(_) => Self::Open,
            State::Sending(_)
            | State::Unknown(_)
            | State::Reversing(_)
            | State::Capturing { .. }
            | State::Voiding { .. } => Self::AtBank,
            State::Authorised(_) => Self::Authorised,
            State::Approved { taken, .. } => {
                if taken.refunded_minor > 0 || taken.refunding_minor > 0 {
                    Self::Refunded
                } else {
                    Self::Approved
                }
            }
            State::Declined { .. } => Self::Declined,
            State::Reversed { .. }
            | State::Expired { .. }
            | State::Cancelled { .. }
            | State::Failed { .. } => Self::Ended,
        }
    }
}

impl PaymentSearch {
    /// Whether all that the filter lets through is shown.
    pub const fn lets_everything_through(&self) -> bool {
        self.text.is_none() && self.group.is_none() && self.method.is_none()
    }

    /// Whether a payment is among those it shows.
    pub fn lets_through(&self, payment: &Payment) -> bool {
        self.filter.lets_through(payment)
            && self.group.is_none_or(|group| group == StateGroup::of(&payment.state))
            && self.method.is_none_or(|method| method == payment.method.code)
            && self.text.as_deref().is_none_or(|text| has_text(payment, text))
    }
}

/// Whether a piece of text is somewhere in what people know of a payment.
fn has_text(payment: &Payment, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let within = |field: &str| field.to_lowercase().contains(&text);
    let last_four = payment.method.card.as_ref().map(|card| card.last_four.as_str());
    let customer = &payment.request.customer;
    let rrn = payment.state.bank().and_then(|bank| bank.rrn.as_deref());
    let amount = payment.amount.to_decimal_text();
    let fields = [
        Some(payment.reference.as_str()),
        customer.email.as_deref(),
        customer.full_name.as_deref(),
        payment.method.payer(),
        rrn,
    ];
    last_four == Some(&text)
        || payment.id.to_string().starts_with(&text)
        || fields.into_iter().flatten().any(within)
        || amount == text
        || amount.contains('.') && amount.trim_end_matches('0').trim_end_matches('.') == text
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
