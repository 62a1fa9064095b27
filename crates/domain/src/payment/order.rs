//! An order that the bank has and its customer pays there: net banking, wallets, UPI, and cards
//! whose bank authenticates on a page of its own. The gateway learns of the outcome from the bank's
//! notice, the customer's return or a lookup; each of them only makes it ask. An order may be paid
//! after its payment has ended here, and is watched for that.

use super::{Changed, Payment, Refused, State};
use crate::call::{Because, Call, Reversing, Rules, Sending, Settled, Step};
use crate::event::EventKind;
use crate::method::{BankCode, CustomerStep};
use crate::outcome::{BankFacts, Lookup, Outcome};
use crate::schedule;
use crate::terminal::LateApproval;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An order at the bank, waiting for its customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// Our reference at the bank.
    pub our_reference: String,
    /// When the intent to place it was committed.
    pub sent_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// How often the bank was asked.
    pub lookups: u32,
}

/// An order at the bank whose payment has ended: it may still be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// Our reference at the bank.
    pub our_reference: String,
    /// When the intent to place it was committed.
    pub sent_at: Timestamp,
    /// How often the bank was asked since the payment ended.
    pub lookups: u32,
    /// The customer was given a later attempt at the same order: money for this one goes back,
    /// whatever the terminal says, for one order is never paid twice.
    #[serde(default)]
    pub superseded: bool,
}

impl Presented {
    /// The order that stays open when the payment ends.
    fn order(&self) -> OpenOrder {
        OpenOrder {
            our_reference: self.our_reference.clone(),
            sent_at: self.sent_at,
            lookups: 0,
            superseded: false,
        }
    }
}

impl State {
    /// The order that may still be paid although the payment has ended.
    pub const fn open_order(&self) -> Option<&OpenOrder> {
        match self {
            Self::Expired { order, .. } | Self::Cancelled { order, .. } => order.as_ref(),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Presented(_)
            | Self::Authorised(_)
            | Self::Capturing { .. }
            | Self::Voiding { .. }
            | Self::Approved { .. }
            | Self::Reversed { .. }
            | Self::Declined { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// A payment that has ended, with its order as it stands now.
    fn with_order(mut self, order: Option<OpenOrder>) -> Self {
        if let Self::Expired { order: kept, .. } | Self::Cancelled { order: kept, .. } = &mut self {
            *kept = order;
        }
        self
    }

    /// Our reference of the order that the customer may pay at the bank.
    pub fn order_reference(&self) -> Option<&str> {
        if let Self::Presented(presented) = self {
            return Some(&presented.our_reference);
        }
        self.open_order().map(|order| &*order.our_reference)
    }
}

impl Payment {
    /// The bank took the order and said what its customer has to do.
    pub(super) fn present(
        mut self,
        call: &Call,
        step: CustomerStep,
        rules: Rules,
        now: Timestamp,
    ) -> Changed {
        self.method.details.step = Some(step);
        let presented = Presented {
            our_reference: call.our_reference().to_owned(),
            sent_at: call.sent_at(),
            expires_at: self.created_at.plus(rules.customer_time),
            lookups: 0,
        };
        self.go_on_presented(presented, now)
    }

    fn go_on_presented(self, presented: Presented, now: Timestamp) -> Changed {
        let next = now.plus(schedule::until_order_lookup(presented.lookups));
        let due_at = next.min(presented.expires_at);
        self.change(State::Presented(presented), EventKind::Presented, now, Some(due_at))
    }

    /// Records what the bank said of the order with this reference: one that waits for its
    /// customer, or one whose payment has ended. Refused when the payment has no such order (any
    /// more), so that a notice that comes twice changes nothing.
    pub fn record_order(
        self,
        our_reference: &str,
        lookup: Lookup,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Changed, Refused> {
        if self.state.order_reference() != Some(our_reference) {
            return Err(self.refused("take the bank's word about another order"));
        }
        if let State::Presented(presented) = &self.state {
            let presented = presented.clone();
            return Ok(self.record_presented(presented, lookup, now));
        }
        let Some(order) = self.state.open_order().cloned() else {
            return Err(self.refused("take the bank's word about an order"));
        };
        Ok(self.record_late(order, lookup, rules, now))
    }

    fn record_presented(self, presented: Presented, lookup: Lookup, now: Timestamp) -> Changed {
        match settled(lookup) {
            Some(Settled::Approved(bank)) if self.is_of_another_amount(&bank) => {
                self.reverse_order(presented.order(), Because::WrongAmount, now)
            }
            Some(settled) => self.settle_order(presented.our_reference, settled, now),
            None if now >= presented.expires_at => {
                let order = self.open_order();
                self.end_open(State::Expired { at: now, order }, now)
            }
            None => {
                let lookups = presented.lookups.saturating_add(1);
                self.go_on_presented(Presented { lookups, ..presented }, now)
            }
        }
    }

    /// The bank spoke about an order whose payment has ended.
    fn record_late(
        self,
        order: OpenOrder,
        lookup: Lookup,
        rules: Rules,
        now: Timestamp,
    ) -> Changed {
        let unavailable = matches!(lookup, Lookup::Unavailable(_));
        match settled(lookup) {
            Some(Settled::Approved(bank)) => {
                if self.is_of_another_amount(&bank) {
                    return self.reverse_order(order, Because::WrongAmount, now);
                }
                if order.superseded || rules.late_approval == LateApproval::Reverse {
                    return self.reverse_order(order, Because::TooLate, now);
                }
                self.settle_order(order.our_reference, Settled::Approved(bank), now)
            }
            Some(_no_money) => {
                let state = self.state.clone().with_order(None);
                self.change(state, EventKind::OrderWatched, now, None)
            }
            None => {
                let order = OpenOrder { lookups: order.lookups.saturating_add(1), ..order };
                let ended_at = self.state.decided_at().unwrap_or(now);
                let gap = schedule::until_late_lookup(now.since(ended_at));
                // A bank that could not be asked has not had the last word.
                let gap = gap.or(unavailable.then_some(schedule::UNTIL_LATE_LOOKUP_AGAIN));
                let due_at = gap.map(|gap| now.plus(gap));
                let state = self.state.clone().with_order(Some(order));
                self.change(state, EventKind::OrderWatched, now, due_at)
            }
        }
    }

    fn is_of_another_amount(&self, bank: &BankFacts) -> bool {
        bank.amount_minor.is_some_and(|taken| taken != self.amount.minor())
    }

    fn reverse_order(self, order: OpenOrder, because: Because, now: Timestamp) -> Changed {
        let reversing = Reversing {
            our_reference: self.next_reference(),
            original: order.our_reference,
            sent_at: order.sent_at,
            since: now,
            tries: 0,
            because,
        };
        self.change(State::Reversing(reversing), EventKind::Reversing, now, Some(now))
    }

    /// As if the answer had come to the call that placed the order.
    fn settle_order(mut self, our_reference: String, settled: Settled, now: Timestamp) -> Changed {
        self.state = State::Sending(Sending { our_reference, sent_at: now });
        self.follow_authorisation(Step::Settled(settled), now)
    }

    /// Whether a later attempt at the same order has to take its place first.
    pub fn may_be_superseded(&self) -> bool {
        self.state.open_order().is_some_and(|order| !order.superseded)
    }

    /// The customer chose a bank or wallet: the order with it is intended.
    pub fn choose_bank(mut self, bank: BankCode, now: Timestamp) -> Result<Changed, Refused> {
        if !self.method.code.takes_bank_code() {
            return Err(self.refused("be paid by a bank of the customer's choice"));
        }
        self.method.details.bank_code = Some(bank);
        self.begin_sending(now)
    }

    /// A later attempt at the same order begins: should this one still be paid, the money goes
    /// back.
    pub fn supersede(self, now: Timestamp) -> Result<Changed, Refused> {
        let due_at = self.due_at;
        let order = self.state.open_order().filter(|order| !order.superseded).cloned();
        let refused = self.refused("be superseded");
        let order = OpenOrder { superseded: true, ..order.ok_or(refused)? };
        let state = self.state.clone().with_order(Some(order));
        Ok(self.change(state, EventKind::Superseded, now, due_at))
    }

    /// The order that stays open at the bank when the payment ends now.
    pub(super) fn open_order(&self) -> Option<OpenOrder> {
        let State::Presented(presented) = &self.state else { return None };
        Some(presented.order())
    }

    /// Ends a payment whose order may be open at the bank.
    pub(super) fn end_open(self, state: State, now: Timestamp) -> Changed {
        let watched = state.open_order().is_some();
        let mut changed = self.decide(state, EventKind::Decided, now);
        if watched {
            changed.payment.due_at =
                schedule::until_late_lookup(Duration::ZERO).map(|gap| now.plus(gap));
        }
        changed
    }
}

/// What the bank has decided about an order; none when it has not (or does not say).
fn settled(lookup: Lookup) -> Option<Settled> {
    match lookup {
        Lookup::Found(Outcome::Approved(bank)) => Some(Settled::Approved(bank)),
        Lookup::Found(Outcome::Declined(reason, bank)) => Some(Settled::Declined(reason, bank)),
        Lookup::Found(Outcome::Pending(_) | Outcome::NotSent(_) | Outcome::Unknown(_))
        | Lookup::NotFound
        | Lookup::Unavailable(_) => None,
    }
}
