//! Refunds: money given back of a payment, in full or in parts. What is asked for is taken off
//! what is left in the commit that accepts the refund, so that no two can take the same money.

use crate::call::{Call, Rules, Settled, Step, Word};
use crate::event::EventKind;
use crate::id::{MerchantId, PaymentId};
use crate::money::Money;
use crate::outcome::{BankFacts, DeclineReason};
use crate::payment::{Changed, Payment, Refused, State, Taken};
use crate::schedule;
use crate::text::{Reference, RefundReason};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RefundState {
    /// Only the bank can end it.
    Pending {
        /// The call.
        call: Call,
        /// When the bank is spoken to again.
        due_at: Timestamp,
    },
    /// The customer gets the money back.
    Refunded {
        /// When it was decided.
        at: Timestamp,
        /// What the bank said.
        bank: BankFacts,
    },
    /// The bank refused; no money moved.
    Declined {
        /// When it was decided.
        at: Timestamp,
        /// Why.
        reason: DeclineReason,
        /// What the bank said.
        bank: BankFacts,
    },
    /// It provably never reached the bank, or was undone; no money moved.
    Failed {
        /// When it was decided.
        at: Timestamp,
    },
}

impl RefundState {
    /// The word in the database and in answers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Refunded { .. } => "refunded",
            Self::Declined { .. } => "declined",
            Self::Failed { .. } => "failed",
        }
    }

    /// When the bank is spoken to again; none once it is decided.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending { due_at, .. } => Some(*due_at),
            Self::Refunded { .. } | Self::Declined { .. } | Self::Failed { .. } => None,
        }
    }
}

/// Money given back of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Of which payment.
    pub payment: PaymentId,
    /// 1, 2, … per payment.
    pub number: i32,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Money,
    /// The merchant's own name of it, `refundReference`: the same one asks for the same refund.
    pub reference: Option<Reference>,
    /// `refundReason`
    pub reason: Option<RefundReason>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Where it stands.
    pub state: RefundState,
}

impl Refund {
    /// Whether the bank has not told for so long what became of it that somebody has to ask the
    /// bank by other means.
    pub fn needs_an_operator(&self, now: Timestamp) -> bool {
        match &self.state {
            RefundState::Pending { call, .. } => {
                now >= call.sent_at().plus(schedule::UNKNOWN_IS_REVERSED_AFTER)
            }
            RefundState::Refunded { .. }
            | RefundState::Declined { .. }
            | RefundState::Failed { .. } => false,
        }
    }
}

/// What an event says of the refund it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFacts {
    /// Which refund of the payment.
    pub number: i32,
    /// How much, in the payment's currency.
    pub amount_minor: i64,
    /// Where it stood after the event.
    #[serde(flatten)]
    pub state: RefundState,
}

/// A request for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// How much, in the payment's currency.
    pub amount: Money,
    /// `refundReference`
    pub reference: Option<Reference>,
    /// `refundReason`
    pub reason: Option<RefundReason>,
}

/// Why money is not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefused {
    /// There is no money to give back; where the payment stands, in words.
    #[error("a payment that is {0} cannot be refunded")]
    State(&'static str),
    /// The payment is too old.
    #[error("the payment is too old to be refunded")]
    TooOld,
    /// More than is left of the payment.
    #[error("{left_minor} minor units are left to be refunded")]
    MoreThanLeft {
        /// What is left, in minor units.
        left_minor: i64,
    },
    /// The amount is in another currency than the payment.
    #[error("the refund is in another currency than the payment")]
    Currency,
}

/// A changed payment with the refund that changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundChanged {
    /// The refund as it stands now.
    pub refund: Refund,
    /// The payment and its event.
    pub changed: Changed,
}

/// When the first of these refunds is due.
fn first_due<'a>(refunds: impl Iterator<Item = &'a Refund>) -> Option<Timestamp> {
    refunds.filter_map(|refund| refund.state.due_at()).min()
}

impl Payment {
    /// Accepts a refund: its intent, and what it takes off what is left. `refunds` are all of the
    /// payment so far.
    pub fn request_refund(
        self,
        refunds: &[Refund],
        request: RefundRequest,
        refundable_for: Duration,
        now: Timestamp,
    ) -> Result<RefundChanged, RefundRefused> {
        let State::Approved { at, bank, taken } = &self.state else {
            return Err(RefundRefused::State(self.state.in_words()));
        };
        if request.amount.currency() != self.amount.currency() {
            return Err(RefundRefused::Currency);
        }
        if now > at.plus(refundable_for) {
            return Err(RefundRefused::TooOld);
        }
        let left_minor = taken.left_minor();
        let amount_minor = request.amount.minor();
        if amount_minor > left_minor {
            return Err(RefundRefused::MoreThanLeft { left_minor });
        }
        let number = taken.refunds.saturating_add(1);
        let call = Call::sending(self.next_reference(), now);
        let due_at = now.plus(schedule::SENDING_IS_ASKED_AFTER);
        let refund = Refund {
            payment: self.id,
            number,
            merchant: self.merchant,
            amount: request.amount,
            reference: request.reference,
            reason: request.reason,
            requested_at: now,
            state: RefundState::Pending { call, due_at },
        };
        let taken = Taken {
            refunding_minor: taken.refunding_minor.saturating_add(amount_minor),
            refunds: number,
            ..taken.clone()
        };
        let state = State::Approved { at: *at, bank: bank.clone(), taken };
        let due = first_due(refunds.iter().chain([&refund]));
        let changed = self.change_refund(state, EventKind::Refunding, &refund, due, now);
        Ok(RefundChanged { refund, changed })
    }

    /// Records what the bank said about refund `number`.
    pub fn record_refund(
        self,
        refunds: &[Refund],
        number: i32,
        word: Word,
        rules: Rules,
        now: Timestamp,
    ) -> Result<RefundChanged, Refused> {
        let refused = self.refused("take the bank's word about this refund");
        let refund = refunds.iter().find(|refund| refund.number == number).ok_or(refused)?;
        let RefundState::Pending { call, .. } = refund.state.clone() else { return Err(refused) };
        let step = call.record(word, rules, self.next_reference(), now).ok_or(refused)?;
        self.follow_refund(refunds, refund, step, now)
    }

    /// An operator found out by other means than this gateway whether refund `number` took
    /// effect. Only for refunds that stand on the list of [`Refund::needs_an_operator`].
    pub fn resolve_refund(
        self,
        refunds: &[Refund],
        number: i32,
        took_effect: bool,
        now: Timestamp,
    ) -> Result<RefundChanged, Refused> {
        let refused = self.refused("have this refund resolved by an operator (yet)");
        let refund = refunds.iter().find(|refund| refund.number == number).ok_or(refused)?;
        if !refund.needs_an_operator(now) {
            return Err(refused);
        }
        let settled =
            if took_effect { Settled::Approved(BankFacts::default()) } else { Settled::NotSent };
        self.follow_refund(refunds, refund, Step::Settled(settled), now)
    }

    /// What follows for the payment and its refund from a step of the refund's call.
    fn follow_refund(
        self,
        refunds: &[Refund],
        refund: &Refund,
        step: Step,
        now: Timestamp,
    ) -> Result<RefundChanged, Refused> {
        let State::Approved { at, bank, taken } = &self.state else {
            return Err(self.refused("be changed by a refund"));
        };
        let (refund_state, kind) = match step {
            Step::Waits { call, due_at } => {
                let kind = match call {
                    Call::Sending(_) | Call::Unknown(_) => EventKind::RefundUnknown,
                    Call::Reversing(_) => EventKind::RefundReversing,
                };
                (RefundState::Pending { call, due_at }, kind)
            }
            Step::Settled(Settled::Approved(bank)) => {
                (RefundState::Refunded { at: now, bank }, EventKind::Refunded)
            }
            Step::Settled(Settled::Declined(reason, bank)) => {
                (RefundState::Declined { at: now, reason, bank }, EventKind::RefundRefused)
            }
            Step::Settled(Settled::NotSent | Settled::Reversed(_)) => {
                (RefundState::Failed { at: now }, EventKind::RefundRefused)
            }
        };
        let amount_minor = refund.amount.minor();
        let mut taken = taken.clone();
        if refund_state.due_at().is_none() {
            taken.refunding_minor = taken.refunding_minor.saturating_sub(amount_minor);
        }
        if matches!(refund_state, RefundState::Refunded { .. }) {
            taken.refunded_minor = taken.refunded_minor.saturating_add(amount_minor);
        }
        let refund = Refund { state: refund_state, ..refund.clone() };
        let others = refunds.iter().filter(|other| other.number != refund.number);
        let due = first_due(others.chain([&refund]));
        let state = State::Approved { at: *at, bank: bank.clone(), taken };
        let changed = self.change_refund(state, kind, &refund, due, now);
        Ok(RefundChanged { refund, changed })
    }

    fn change_refund(
        mut self,
        state: State,
        kind: EventKind,
        refund: &Refund,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Changed {
        let notifies = refund.state.due_at().is_none();
        if notifies {
            self.notices = self.notices.saturating_add(1);
        }
        let facts = RefundFacts {
            number: refund.number,
            amount_minor: refund.amount.minor(),
            state: refund.state.clone(),
        };
        let mut changed = self.change(state, kind, now, due_at);
        changed.event.refund = Some(facts);
        changed.notifies = notifies;
        changed
    }
}
