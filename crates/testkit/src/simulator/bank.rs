//! The bank of a run: its own books, written from the contract of
//! [`engine::ports::Connector`] and sharing no code with the sandbox or the gateway.

use super::bank_customers::Notices;
use super::world::World;
use domain::id::PaymentId;
use domain::method::CustomerStep;
use domain::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Money, taken at once.
    Sale,
    /// Money, held until a capture.
    Hold,
    /// Money, once the customer pays it at the bank.
    Order,
    /// Held money.
    Capture,
    /// Money, back.
    Refund,
    /// A call, undone.
    Reversal,
}

/// A call as it left a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The gateway's reference for it.
    pub reference: String,
    /// What it asks for.
    pub kind: Kind,
    /// The reference of the call that it follows; empty for sales, holds and orders.
    pub original: String,
    /// The payment.
    pub payment: PaymentId,
    /// How much, in minor units. In the bank's books of an order that was paid: what was paid.
    pub amount_minor: i64,
}

/// Where a line of the books stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not decided; whether it will be approved is.
    Pending {
        /// What the decision will be.
        approve: bool,
    },
    /// An order that waits for its customer.
    Open,
    /// It took effect.
    Approved,
    /// It did not, and will not.
    Declined,
    /// The same, because the customer did not want it.
    GivenUp,
    /// It was undone, before or after it took effect.
    Undone,
}

/// Something that happened at the bank.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, among all that happened in the run.
    pub order: u64,
    /// The call it is about.
    pub call: Call,
    /// Where that stands since.
    pub standing: Standing,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) call: Call,
    pub(super) standing: Standing,
    /// Lookups know it from then on.
    registered_at: Timestamp,
    /// It cannot be reversed.
    stands: bool,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) lines: BTreeMap<String, Line>,
    /// Calls that were reversed before they arrived.
    tombstones: BTreeSet<String>,
    /// What was answered to reversals.
    reversals: BTreeMap<String, bool>,
    /// Calls that were not undone although they should have been.
    refused: BTreeSet<String>,
    journal: Vec<Entry>,
}

/// The bank.
#[derive(Debug)]
pub struct Bank {
    pub(super) world: Arc<World>,
    pub(super) notices: Notices,
    books: Mutex<Books>,
}

impl Books {
    pub(super) fn stand(&mut self, world: &World, reference: &str, standing: Standing) {
        let Some(line) = self.lines.get_mut(reference) else { return };
        line.standing = standing;
        let call = line.call.clone();
        world.note(&format!("bank {} {:?}: {standing:?}", call.reference, call.kind));
        self.journal.push(Entry { order: world.order.next(), call, standing });
    }

    /// What calls of this kind that follow `original` took, or may take yet, of it.
    fn used(&self, original: &str, kind: Kind) -> i64 {
        let lines = self.lines.values().filter(|line| {
            line.call.original == original
                && line.call.kind == kind
                && matches!(line.standing, Standing::Approved | Standing::Pending { approve: true })
        });
        lines.map(|line| line.call.amount_minor).sum()
    }

    /// Whether the books allow the call.
    fn allows(&self, call: &Call) -> bool {
        let original = self.lines.get(&call.original).filter(|original| {
            original.standing == Standing::Approved && original.call.payment == call.payment
        });
        match (call.kind, original) {
            (Kind::Sale | Kind::Hold | Kind::Order, _) => true,
            (Kind::Capture, Some(hold)) => {
                hold.call.kind == Kind::Hold
                    && self.used(&call.original, Kind::Capture) == 0
                    && call.amount_minor <= hold.call.amount_minor
            }
            (Kind::Refund, Some(paid)) => {
                let taken = match paid.call.kind {
                    Kind::Sale | Kind::Order => paid.call.amount_minor,
                    Kind::Hold => self.used(&call.original, Kind::Capture),
                    Kind::Capture | Kind::Refund | Kind::Reversal => 0,
                };
                self.used(&call.original, Kind::Refund) + call.amount_minor <= taken
            }
            (Kind::Capture | Kind::Refund, None) | (Kind::Reversal, _) => false,
        }
    }

    /// Undoes the call's original; false when it stands.
    fn reverse(&mut self, world: &World, call: &Call) -> bool {
        if let Some(answer) = self.reversals.get(&call.reference) {
            return *answer;
        }
        let undone = match self.lines.get(&call.original) {
            None => {
                world.note(&format!("bank {} before it arrived: undone", call.original));
                self.tombstones.insert(call.original.clone());
                true
            }
            Some(line) => match (line.standing, line.call.kind) {
                (Standing::Declined | Standing::GivenUp | Standing::Undone, _) => true,
                (Standing::Pending { .. } | Standing::Open, _) => {
                    self.stand(world, &call.original, Standing::Undone);
                    true
                }
                (Standing::Approved, Kind::Sale | Kind::Hold | Kind::Order)
                    if !line.stands
                        && self.used(&call.original, Kind::Capture) == 0
                        && self.used(&call.original, Kind::Refund) == 0 =>
                {
                    self.stand(world, &call.original, Standing::Undone);
                    true
                }
                (Standing::Approved, _) => false,
            },
        };
        if !undone {
            self.refused.insert(call.original.clone());
        }
        self.reversals.insert(call.reference.clone(), undone);
        undone
    }
}

fn facts(call: &Call) -> BankFacts {
    BankFacts { bank_reference: Some(format!("bank-{}", call.reference)), ..BankFacts::default() }
}

fn outcome(call: &Call, standing: Standing) -> Outcome {
    let bank = facts(call);
    match standing {
        Standing::Pending { .. } => Outcome::Pending(None),
        Standing::Open => {
            let url = format!("https://bank.example/{}", call.reference);
            Outcome::Pending(Some(CustomerStep::Redirect { url }))
        }
        Standing::Approved if call.kind == Kind::Order => {
            Outcome::Approved(BankFacts { amount_minor: Some(call.amount_minor), ..bank })
        }
        Standing::Approved => Outcome::Approved(bank),
        Standing::GivenUp => Outcome::Declined(DeclineReason::CancelledByCustomer, bank),
        Standing::Declined | Standing::Undone => Outcome::Declined(DeclineReason::Refused, bank),
    }
}

/// Where a call stands that the bank does not decline.
const fn decided(kind: Kind) -> Standing {
    match kind {
        Kind::Order => Standing::Open,
        Kind::Sale | Kind::Hold | Kind::Capture | Kind::Refund | Kind::Reversal => {
            Standing::Approved
        }
    }
}

impl Bank {
    /// A bank with empty books.
    pub fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, notices: Notices::default(), books: Mutex::default() })
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that happened.
    pub fn journal(&self) -> Vec<Entry> {
        self.books().journal.clone()
    }

    /// Calls that the bank was asked to undo and did not.
    pub fn refused(&self) -> BTreeSet<String> {
        self.books().refused.clone()
    }

    /// Since when lookups know each call.
    pub fn registered(&self) -> BTreeMap<String, Timestamp> {
        let books = self.books();
        books.lines.iter().map(|(name, line)| (name.clone(), line.registered_at)).collect()
    }

    /// A call arrives. A second copy of it gets the same answer and has no effect.
    pub fn receive(self: &Arc<Self>, call: &Call) -> Outcome {
        let world = &self.world;
        let mut books = self.books();
        world.note(&format!("bank gets {} {:?} {}", call.reference, call.kind, call.original));
        if call.kind == Kind::Reversal {
            let undone = books.reverse(world, call);
            let standing = if undone { Standing::Approved } else { Standing::Declined };
            return outcome(call, standing);
        }
        if let Some(line) = books.lines.get(&call.reference) {
            return outcome(&line.call, line.standing);
        }
        let dead = books.tombstones.contains(&call.reference);
        let approve = !dead && books.allows(call) && !self.says_no();
        let pending = !dead && world.strikes(world.weather.pending);
        let standing = match (pending, approve) {
            (true, approve) => Standing::Pending { approve },
            (false, true) => decided(call.kind),
            (false, false) => Standing::Declined,
        };
        let late = if world.strikes(world.weather.registered_late) {
            let patience = u64::try_from(world.weather.patience.as_millis()).unwrap();
            world.draw(|dice| dice.millis(0, patience))
        } else {
            Duration::ZERO
        };
        let line = Line {
            call: call.clone(),
            standing,
            registered_at: world.time().plus(late),
            stands: world.strikes(world.weather.stands),
        };
        books.lines.insert(call.reference.clone(), line);
        books.stand(world, &call.reference, standing);
        drop(books);
        if pending {
            self.decide_later(call.reference.clone(), approve);
        }
        if standing == Standing::Open {
            self.customers_come(call);
        }
        outcome(call, standing)
    }

    /// Decisions that come after the troubles are as fair as the others.
    fn says_no(&self) -> bool {
        self.world.draw(|dice| dice.chance(self.world.weather.declined))
    }

    fn decide_later(self: &Arc<Self>, reference: String, approve: bool) {
        let bank = Arc::clone(self);
        let wait = self.world.draw(|dice| {
            let longest = dice.pick(&[5_000, 90_000, 2_400_000]);
            dice.millis(100, longest)
        });
        tokio::spawn(async move {
            bank.world.sleep(wait).await;
            let mut books = bank.books();
            let Some(line) = books.lines.get(&reference) else { return };
            if !matches!(line.standing, Standing::Pending { .. }) {
                return;
            }
            let call = line.call.clone();
            let standing = if approve { decided(call.kind) } else { Standing::Declined };
            books.stand(&bank.world, &reference, standing);
            drop(books);
            if standing == Standing::Open {
                bank.customers_come(&call);
            }
            bank.tell(&reference);
        });
    }

    /// What a lookup says at this moment.
    pub fn look_up(&self, reference: &str) -> Lookup {
        let now = self.world.time();
        let books = self.books();
        match books.lines.get(reference) {
            Some(line) if line.registered_at <= now => {
                Lookup::Found(outcome(&line.call, line.standing))
            }
            Some(_) | None => Lookup::NotFound,
        }
    }
}
