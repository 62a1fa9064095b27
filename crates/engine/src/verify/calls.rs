//! The calls to the bank that a payment's events tell of, and how each ended.

use super::succession::reference_of;
use domain::call::{Call, Reversing};
use domain::event::{Event, EventKind};
use domain::id::PaymentId;
use domain::money::Currency;
use domain::payment::{Payment, State};
use domain::refund::{RefundFacts, RefundState};
use domain::terminal::{Capture, Mode};
use std::collections::BTreeMap;

/// What a call asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Money, taken or held.
    Authorisation(Capture),
    /// Held money.
    Capture,
    /// Money back.
    Refund,
    /// Another call undone.
    Reversal,
}

impl CallKind {
    /// The word in a bank's books.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorisation(_) => "authorisation",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
        }
    }
}

/// How a call ended, as the gateway believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did not: the bank may or may not know it.
    Open,
    /// It took effect.
    Done,
    /// The bank refused it.
    Refused,
    /// It has no effect: it never arrived, or was undone.
    Undone,
    /// An order whose payment ended so long ago that the bank is not asked about it any more: not
    /// paid, as far as the gateway knows.
    Left,
}

/// A call as the gateway believes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankCall {
    /// Of which payment.
    pub payment: PaymentId,
    /// Test money or real money: only the sandbox keeps books that we can read.
    pub mode: Mode,
    /// Our reference.
    pub our_reference: String,
    /// What it asked for.
    pub kind: CallKind,
    /// How much, in minor units. A reversal undoes this or nothing.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// Our reference of the call that it follows.
    pub original: Option<String>,
    /// How it ended.
    pub ended: Ended,
}

/// The calls of one payment, by reference.
#[derive(Debug, Default)]
pub(super) struct Calls(BTreeMap<String, BankCall>);

impl Calls {
    pub(super) fn into_list(self) -> Vec<BankCall> {
        let open: Vec<String> = self
            .0
            .values()
            .filter(|call| call.kind == CallKind::Reversal && call.ended == Ended::Open)
            .filter_map(|call| call.original.clone())
            .collect();
        let settled = |mut call: BankCall| {
            if open.contains(&call.our_reference) {
                call.ended = Ended::Open;
            }
            call
        };
        self.0.into_values().map(settled).collect()
    }

    fn add(
        &mut self,
        payment: &Payment,
        our_reference: &str,
        kind: CallKind,
        amount_minor: i64,
        original: Option<&str>,
    ) {
        if self.0.contains_key(our_reference) {
            return;
        }
        let call = BankCall {
            payment: payment.id,
            mode: payment.mode,
            our_reference: our_reference.to_owned(),
            kind,
            amount_minor,
            currency: payment.amount.currency(),
            original: original.map(str::to_owned),
            ended: Ended::Open,
        };
        self.0.insert(our_reference.to_owned(), call);
    }

    fn end(&mut self, our_reference: &str, ended: Ended) {
        if let Some(call) = self.0.get_mut(our_reference) {
            call.ended = ended;
        }
    }

    /// The bank is not asked about this order any more.
    pub(super) fn leave(&mut self, our_reference: &str) {
        self.end(our_reference, Ended::Left);
    }

    /// The reversal that ran is over, one way or the other: what it undid tells how.
    fn end_reversal(&mut self, before: Option<&Call>, after: Option<&Call>) {
        if let Some(Call::Reversing(Reversing { our_reference, .. })) = before
            && !matches!(after, Some(Call::Reversing(_)))
        {
            self.end(our_reference, Ended::Undone);
        }
    }

    fn add_reversal(&mut self, payment: &Payment, call: Option<&Call>, amount_minor: i64) {
        if let Some(Call::Reversing(Reversing { our_reference, original, .. })) = call {
            self.add(payment, our_reference, CallKind::Reversal, amount_minor, Some(original));
        }
    }

    /// What an event that is not about a refund tells of calls.
    pub(super) fn follow(
        &mut self,
        payment: &Payment,
        call_before: Option<&Call>,
        before: Option<&State>,
        event: &Event,
        call: Option<&Call>,
    ) {
        let whole = payment.amount.minor();
        if let Some(call) = call {
            let reference = reference_of(call);
            let asked = if let State::Capturing { hold, amount_minor, .. } = &event.state {
                let original = Some(&*hold.our_reference);
                self.add(payment, reference, CallKind::Capture, *amount_minor, original);
                *amount_minor
            } else {
                // A release undoes the authorisation, which was added when it was sent.
                let kind = CallKind::Authorisation(payment.capture);
                self.add(payment, reference, kind, whole, None);
                whole
            };
            self.add_reversal(payment, Some(call), asked);
        }
        self.end_reversal(call_before, call);
        let Some(reference) = call_before.map(reference_of) else { return };
        if call.is_some_and(|call| reference_of(call) == reference) {
            // It goes on: an order may outlive its payment.
            return;
        }
        let was_void = matches!(before, Some(State::Voiding { .. }));
        match (event.kind, &event.state) {
            (EventKind::Decided, State::Approved { .. } | State::Authorised(_))
            | (EventKind::Captured, _) => self.end(reference, Ended::Done),
            (EventKind::Decided, State::Declined { .. }) | (EventKind::OrderWatched, _) => {
                self.end(reference, Ended::Refused);
            }
            (EventKind::Decided | EventKind::Voided | EventKind::CaptureRefused, _) => {
                self.end(reference, Ended::Undone);
            }
            (EventKind::VoidRefused, _) if was_void => self.end(reference, Ended::Done),
            _ => {}
        }
    }

    /// What an event about a refund tells of calls. `paid`: our reference of the authorisation.
    pub(super) fn follow_refund(
        &mut self,
        payment: &Payment,
        paid: &str,
        call_before: Option<&Call>,
        refund: &RefundFacts,
    ) {
        let amount = refund.amount_minor;
        let after = match &refund.state {
            RefundState::Pending { call, .. } => Some(call),
            RefundState::Refunded { .. }
            | RefundState::Declined { .. }
            | RefundState::Failed { .. } => None,
        };
        if let Some(call) = after {
            self.add(payment, reference_of(call), CallKind::Refund, amount, Some(paid));
            self.add_reversal(payment, Some(call), amount);
        }
        self.end_reversal(call_before, after);
        let Some(reference) = call_before.map(reference_of) else { return };
        match &refund.state {
            RefundState::Pending { .. } => {}
            RefundState::Refunded { .. } => self.end(reference, Ended::Done),
            RefundState::Declined { .. } => self.end(reference, Ended::Refused),
            RefundState::Failed { .. } => self.end(reference, Ended::Undone),
        }
    }
}
