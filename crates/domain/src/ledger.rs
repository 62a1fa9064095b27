//! Double-entry books. Every posting stands in the commit of the event that causes it, and the
//! postings of an event sum to zero per currency. Balances are sums of postings and nothing else.
//!
//! | account | side | means |
//! |---|---|---|
//! | `bank_receivable` | debit | what banks owe for money they took from customers |
//! | `merchant_payable` | credit | what the merchant is owed for sales |
//! | `refunds` | debit | what was given back out of the merchant's sales |
//! | `fees` | debit | what the merchant is charged |
//!
//! A merchant's balance is what it is owed less refunds and fees.

use crate::event::{Event, EventKind};
use crate::id::{MerchantId, PaymentId};
use crate::money::Currency;
use crate::payment::{Payment, State};
use crate::refund::RefundState;
use crate::terminal::Mode;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// An account of a merchant, kept per mode and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// What banks owe.
    BankReceivable,
    /// What the merchant is owed.
    MerchantPayable,
    /// What was given back to customers.
    Refunds,
    /// What the merchant is charged.
    Fees,
}

impl Account {
    /// All accounts, in the order of reports.
    pub const ALL: [Self; 4] =
        [Self::BankReceivable, Self::MerchantPayable, Self::Refunds, Self::Fees];

    /// The word in the database and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BankReceivable => "bank_receivable",
            Self::MerchantPayable => "merchant_payable",
            Self::Refunds => "refunds",
            Self::Fees => "fees",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.name() == name)
    }

    /// The side on which it grows.
    pub const fn side(self) -> Side {
        match self {
            Self::BankReceivable | Self::Refunds | Self::Fees => Side::Debit,
            Self::MerchantPayable => Side::Credit,
        }
    }
}

/// A side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is had, or was spent.
    Debit,
    /// What is owed, or was earned.
    Credit,
}

impl Side {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }
}

/// One line of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The payment whose event caused it.
    pub payment: PaymentId,
    /// Which of its events.
    pub sequence: i64,
    /// Whose books.
    pub merchant: MerchantId,
    /// Test money and real money are never in one sum.
    pub mode: Mode,
    /// On which account.
    pub account: Account,
    /// In which currency.
    pub currency: Currency,
    /// In the currency's minor unit; debit is positive, credit negative, never zero.
    pub amount_minor: i64,
    /// When.
    pub at: Timestamp,
}

/// What an event of a payment means for the books; nothing for most.
pub fn postings(payment: &Payment, event: &Event) -> Vec<Posting> {
    let moved = match (event.kind, &event.state, &event.refund) {
        (EventKind::Decided | EventKind::Captured, State::Approved { taken, .. }, None) => {
            Some((Account::BankReceivable, Account::MerchantPayable, taken.captured_minor))
        }
        (EventKind::Refunded, _, Some(refund))
            if matches!(refund.state, RefundState::Refunded { .. }) =>
        {
            Some((Account::Refunds, Account::BankReceivable, refund.amount_minor))
        }
        _ => None,
    };
    let Some((debit, credit, amount_minor)) = moved else { return Vec::new() };
    let line = |account, amount_minor| Posting {
        payment: event.payment,
        sequence: event.sequence,
        merchant: event.merchant,
        mode: payment.mode,
        account,
        currency: payment.amount.currency(),
        amount_minor,
        at: event.at,
    };
    vec![line(debit, amount_minor), line(credit, amount_minor.saturating_neg())]
}

/// Whether postings sum to zero in each currency, mode and merchant, and none is empty.
pub fn balanced(postings: &[Posting]) -> bool {
    let mut sums: BTreeMap<(MerchantId, Mode, &str), i64> = BTreeMap::new();
    for posting in postings {
        let key = (posting.merchant, posting.mode, posting.currency.code());
        let sum = sums.entry(key).or_insert(0);
        match sum.checked_add(posting.amount_minor) {
            Some(new) if posting.amount_minor != 0 => *sum = new,
            Some(_) | None => return false,
        }
    }
    sums.values().all(|sum| *sum == 0)
}

/// What an account of a merchant holds: the sum of its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub merchant: MerchantId,
    /// Test or real money.
    pub mode: Mode,
    /// In which currency.
    pub currency: Currency,
    /// Which account.
    pub account: Account,
    /// In minor units; debit is positive, credit negative.
    pub amount_minor: i64,
    /// Of how many postings.
    pub postings: u64,
}

impl Balance {
    /// On the side on which the account grows; negative when it holds the opposite.
    pub const fn on_its_side_minor(&self) -> i64 {
        match self.account.side() {
            Side::Debit => self.amount_minor,
            Side::Credit => self.amount_minor.saturating_neg(),
        }
    }
}
