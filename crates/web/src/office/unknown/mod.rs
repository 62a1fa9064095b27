//! Calls of which only the bank knows what became of them: a board, and a page to say what was
//! found out by other means.

mod board;
mod resolve;

use crate::desk::route::{Room, Route, get, post};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{Merchants, When, mode_pill};
use crate::portal::words::{Pill, amount, pill};
use domain::call::Call;
use domain::money::Money;
use domain::payment::{Payment, State};
use domain::refund::{Refund, RefundState};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    const P: Permission = Permission::Office;
    vec![
        get(Room::Office, "/office/unknown", P, board::board),
        get(Room::Office, "/office/unknown/{payment}", P, resolve::page),
        post(Room::Office, "/office/unknown/{payment}/resolve", P, resolve::resolve),
        post(Room::Office, "/office/unknown/{payment}/ask", P, resolve::ask),
    ]
}

/// A call that only the bank can end: about a payment itself, or about a refund of it.
pub(super) struct OpenCall {
    payment: Payment,
    /// The refund's number; none for the payment's own call.
    refund: Option<i32>,
    call: Call,
    amount: Money,
    due_at: Option<Timestamp>,
    /// The bank has not told for so long that somebody has to ask it by other means.
    pub(super) needs_operator: bool,
}

/// What a page shows of an open call.
pub(super) struct CallRow {
    pub(super) payment: String,
    pub(super) reference: String,
    pub(super) merchant: String,
    pub(super) terminal: i64,
    pub(super) mode: Pill,
    pub(super) what: &'static str,
    pub(super) amount: String,
    pub(super) our_reference: String,
    pub(super) since: When,
    pub(super) next: Option<When>,
    pub(super) pill: Pill,
    /// The refund's number; 0 for the payment's own call.
    pub(super) refund: i32,
    pub(super) needs_operator: bool,
    pub(super) if_effect: &'static str,
    pub(super) if_none: &'static str,
}

impl OpenCall {
    fn of_payment(payment: &Payment, now: Timestamp) -> Option<Self> {
        let call = payment.state.at_the_bank()?;
        let amount = if let State::Capturing { amount_minor, .. } = &payment.state {
            Money::from_minor(*amount_minor, payment.amount.currency())
        } else {
            None
        };
        Some(Self {
            amount: amount.unwrap_or(payment.amount),
            refund: None,
            call,
            due_at: payment.due_at,
            needs_operator: payment.state.needs_an_operator(now),
            payment: payment.clone(),
        })
    }

    fn of_refund(payment: &Payment, refund: &Refund, now: Timestamp) -> Option<Self> {
        let RefundState::Pending { call, due_at } = &refund.state else { return None };
        Some(Self {
            amount: refund.amount,
            refund: Some(refund.number),
            call: call.clone(),
            due_at: Some(*due_at),
            needs_operator: refund.needs_an_operator(now),
            payment: payment.clone(),
        })
    }

    /// Of a test payment, or of a real one.
    pub(super) const fn mode(&self) -> Mode {
        self.payment.mode
    }

    /// As pages show it.
    pub(super) fn row(&self, merchants: &Merchants) -> CallRow {
        let payment = &self.payment;
        let (what, if_effect, if_none) = self.words();
        let state = match (&self.call, self.needs_operator) {
            (_, true) => pill("bad", "warning", "Needs you"),
            (Call::Sending(_), false) => pill("wait", "bank", "On its way"),
            (Call::Unknown(_), false) => pill("warn", "clock", "Bank is asked"),
            (Call::Reversing(_), false) => pill("wait", "refund", "Being undone"),
        };
        CallRow {
            payment: payment.id.to_string(),
            reference: payment.reference.as_str().to_owned(),
            merchant: merchants.name(payment.merchant),
            terminal: payment.terminal.0,
            mode: mode_pill(payment.mode),
            what,
            amount: amount(self.amount.minor(), self.amount.currency()),
            our_reference: self.call.our_reference().to_owned(),
            since: When::of(self.call.sent_at()),
            next: self.due_at.map(When::of),
            pill: state,
            refund: self.refund.unwrap_or(0),
            needs_operator: self.needs_operator,
            if_effect,
            if_none,
        }
    }

    /// What the call is for, and what follows from either finding.
    const fn words(&self) -> (&'static str, &'static str, &'static str) {
        if self.refund.is_some() {
            return (
                "Refund",
                "The refund counts as given back.",
                "The refund counts as failed; the money can be refunded again.",
            );
        }
        match (&self.payment.state, &self.call) {
            (State::Capturing { .. }, _) => (
                "Capture",
                "The payment counts as approved, with this amount taken.",
                "The money is still held and can be captured again.",
            ),
            (State::Voiding { .. }, _) => (
                "Release",
                "The held money counts as released.",
                "The money is still held and can be released again.",
            ),
            (_, Call::Reversing(_)) => (
                "Payment, being undone",
                "The bank took the money and keeps it: the payment counts as approved.",
                "No money was taken: the payment counts as failed.",
            ),
            (_, Call::Sending(_) | Call::Unknown(_)) => (
                "Payment",
                "The bank did it: the payment counts as approved, or as authorised where it is \
                 captured later.",
                "No money was taken: the payment counts as failed.",
            ),
        }
    }
}

/// The open calls of a payment.
async fn calls_of(visit: &Visit, payment: &Payment) -> Result<Vec<OpenCall>, Trouble> {
    let gateway = &visit.app.gateway;
    let now = gateway.clock().now();
    let mut calls: Vec<OpenCall> = OpenCall::of_payment(payment, now).into_iter().collect();
    if payment.state.taken().is_some_and(|taken| taken.refunding_minor > 0) {
        let refunds = gateway.refunds(visit.actor(), payment.id).await?;
        calls.extend(refunds.iter().filter_map(|one| OpenCall::of_refund(payment, one, now)));
    }
    Ok(calls)
}

/// Open calls among the oldest payments that wait for a bank, the oldest first, and whether there
/// may be more.
pub(super) async fn open_calls(
    visit: &Visit,
    limit: u32,
) -> Result<(Vec<OpenCall>, bool), Trouble> {
    let payments = visit.app.gateway.payments_at_the_bank(visit.actor(), limit).await?;
    let is_full = u32::try_from(payments.len()).is_ok_and(|found| found >= limit);
    let mut calls = Vec::new();
    for payment in &payments {
        calls.extend(calls_of(visit, payment).await?);
    }
    calls.sort_by_key(|call| (!call.needs_operator, call.call.sent_at()));
    Ok((calls, is_full))
}
