//! What a store shows of a payment to be proved: its row, and every row that hangs on it, as they
//! stood at one moment.

use super::finding::Finding;
use domain::delivery::{DeliveryId, DeliveryState};
use domain::event::Event;
use domain::id::{MerchantId, PaymentId, TerminalNumber, Year};
use domain::ledger::Posting;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::time::Timestamp;

/// A place in the store's own order of payments; only the store knows what the numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryKey(pub i64, pub i64);

/// A part of the payments: above `after`, up to and with `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryRange {
    /// None: from the first one on.
    pub after: Option<HistoryKey>,
    /// None: to the last one, also of those that come meanwhile.
    pub until: Option<HistoryKey>,
}

/// Some histories of one moment.
#[derive(Debug, Default)]
pub struct Histories {
    /// In the store's order; every row of the range read so far is in one of them.
    pub read: Vec<History>,
    /// What is left of the range; none when it was read to its end.
    pub rest: Option<HistoryRange>,
}

/// A payment with all that hangs on it.
#[derive(Debug, Default)]
pub struct History {
    /// The row. None when rows hang on a payment that does not exist, or when it is impossible.
    pub payment: Option<Payment>,
    /// By sequence.
    pub events: Vec<Event>,
    /// By number.
    pub refunds: Vec<Refund>,
    /// Those that its events cause, by sequence and account.
    pub postings: Vec<Posting>,
    /// By sequence.
    pub deliveries: Vec<DeliveryFacts>,
    /// Its card, while it is held.
    pub held: Option<HeldFacts>,
    /// Rows that cannot be; they are in none of the lists above.
    pub impossible: Vec<ImpossibleRow>,
}

/// A row that cannot be read as what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpossibleRow {
    /// Which table.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// Which column, and what is wrong with it as far as it is known.
    pub column: String,
}

/// A delivery, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFacts {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal whose secret signs it.
    pub terminal: TerminalNumber,
    /// Where it goes.
    pub url: String,
    /// When the change was committed.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: i64,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
}

/// That a card is held, and nothing of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldFacts {
    /// For which payment.
    pub payment: PaymentId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Whether the security code is still there.
    pub has_security_code: bool,
}

/// A row that hangs on no payment, in a table whose rows all should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayRow {
    /// Which table.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
}

/// A walk through the archive of a year: every payment in it, and then the list of those that should
/// be.
#[derive(Debug)]
pub struct ArchiveWalk {
    /// Of which year.
    pub year: Year,
    /// Where it goes on; none at its end.
    pub next: Option<ArchivePlace>,
    /// Payments that the last step read, with all that hangs on each. Copies of payments that stand
    /// in the main file are not among them.
    pub read: Vec<History>,
    /// What the last step found wrong with which file has what.
    pub findings: Vec<Finding>,
}

impl ArchiveWalk {
    /// Before the first step.
    pub const fn new(year: Year) -> Self {
        let next = Some(ArchivePlace::Payment(i64::MIN));
        Self { year, next, read: Vec::new(), findings: Vec::new() }
    }
}

/// How far a walk through an archive is; only the store knows what the numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchivePlace {
    /// Behind this payment of the archive.
    Payment(i64),
    /// Behind this line of the list.
    Listed(i64),
}
