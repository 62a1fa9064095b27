//! Many payments that go random ways through a store, and what the books must say afterwards, by
//! arithmetic that knows only what the bank was seen to do.

use crate::fixture;
use domain::call::Word;
use domain::id::MerchantId;
use domain::ledger::Account;
use domain::money::{Currency, Money};
use domain::outcome::{BankFacts, DeclineReason, Outcome};
use domain::payment::{Changed, Payment};
use domain::refund::{Refund, RefundRequest};
use domain::terminal::{Capture, Mode};
use engine::actor::Scope;
use engine::changeset::Changeset;
use engine::ports::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Numbers that look random and come again for the same seed (xorshift64*).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The numbers of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An amount from 1 to `most` minor units.
    fn minor(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(most).unwrap())).unwrap().saturating_add(1)
    }
}

/// Whose money: a merchant's, in a mode and a currency.
type Whose = (MerchantId, Mode, &'static str);

/// The auditor's own books: what the bank took, and what it gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    taken: i64,
    given_back: i64,
}

fn yes() -> Word {
    Word::Outcome(Outcome::Approved(BankFacts::default()))
}

fn no() -> Word {
    Word::Outcome(Outcome::Declined(DeclineReason::Refused, BankFacts::default()))
}

fn new_payment(draw: &mut Draw, number: u64) -> Payment {
    let currency = ["USD", "EUR", "JPY", "KWD", "INR"][usize::try_from(draw.below(5)).unwrap()];
    let currency = Currency::from_code(currency).unwrap();
    let at = fixture::now().plus(Duration::from_secs(number));
    Payment {
        id: domain::id::PaymentId::new(at, [7; 8]),
        merchant: MerchantId(i64::try_from(draw.below(7)).unwrap() + 1000),
        mode: if draw.chance(50) { Mode::Test } else { Mode::Live },
        capture: if draw.chance(30) { Capture::Manual } else { Capture::Automatic },
        amount: Money::from_minor(draw.minor(5_000_000), currency).unwrap(),
        ..fixture::payment(1, &format!("random {number}"))
    }
}

async fn commit(store: &dyn Store, changed: Changed) -> Payment {
    let payment = changed.payment.clone();
    store.commit(Changeset::payment_changed("random", changed)).await.unwrap();
    payment
}

/// One payment from its creation to some end; returns it and what the bank did.
async fn one(store: &dyn Store, mut draw: Draw, number: u64) -> (Payment, Seen) {
    let mut payment = new_payment(&mut draw, number);
    let mut seen = Seen::default();
    store.commit(fixture::insert(&payment)).await.unwrap();
    let now = payment.created_at;
    if draw.chance(5) {
        payment = commit(store, payment.cancel(now).unwrap()).await;
        return (payment, seen);
    }
    payment = commit(store, payment.begin_sending(now).unwrap()).await;
    if draw.chance(10) {
        let lost = Word::Outcome(Outcome::Unknown("lost".to_owned()));
        payment = commit(store, payment.record(lost, fixture::rules(), now).unwrap()).await;
    }
    let word = if draw.chance(85) { yes() } else { no() };
    payment = commit(store, payment.record(word, fixture::rules(), now).unwrap()).await;
    if payment.state.name() == "authorised" {
        let part = Money::from_minor(draw.minor(payment.amount.minor()), payment.amount.currency());
        let changed = match draw.below(3) {
            0 => return (payment, seen),
            1 => payment.begin_void(now).unwrap(),
            _ => payment.begin_capture(part.unwrap(), now).unwrap(),
        };
        payment = commit(store, changed).await;
        let word = match payment.state.name() {
            "voiding" => Word::Reversal(Outcome::Approved(BankFacts::default())),
            _ => yes(),
        };
        payment = commit(store, payment.record(word, fixture::rules(), now).unwrap()).await;
    }
    let Some(taken) = payment.state.taken() else { return (payment, seen) };
    seen.taken = taken.captured_minor;
    let mut refunds: Vec<Refund> = Vec::new();
    while draw.chance(35) {
        let Some(taken) = payment.state.taken() else { break };
        let left = taken.left_minor();
        if left == 0 {
            break;
        }
        let amount = Money::from_minor(draw.minor(left), payment.amount.currency()).unwrap();
        let request = RefundRequest { amount, reference: None, reason: None };
        let asked = payment.request_refund(&refunds, request, Duration::MAX, now).unwrap();
        let (number, given_back) = (asked.refund.number, draw.chance(80));
        refunds.push(asked.refund.clone());
        payment = asked.changed.payment.clone();
        store.commit(Changeset::refund_changed("random", asked)).await.unwrap();
        let word = if given_back { yes() } else { no() };
        let done = payment.record_refund(&refunds, number, word, fixture::rules(), now).unwrap();
        *refunds.last_mut().unwrap() = done.refund.clone();
        payment = done.changed.payment.clone();
        store.commit(Changeset::refund_changed("random", done)).await.unwrap();
        if given_back {
            seen.given_back = seen.given_back.checked_add(amount.minor()).unwrap();
        }
    }
    (payment, seen)
}

/// Sends `count` payments random ways and compares every balance with what the bank was seen to
/// do. The store may hold other merchants' payments.
pub async fn balances_agree(store: Arc<dyn Store>, count: u64, seed: u64) {
    const TOGETHER: u64 = 128;
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..TOGETHER {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut books: BTreeMap<Whose, Seen> = BTreeMap::new();
            for number in (lane..count).step_by(usize::try_from(TOGETHER).unwrap()) {
                let draw = Draw::new(seed.wrapping_add(number));
                let (payment, seen) = one(&*store, draw, number).await;
                let whose = (payment.merchant, payment.mode, payment.amount.currency().code());
                let sum = books.entry(whose).or_default();
                sum.taken = sum.taken.checked_add(seen.taken).unwrap();
                sum.given_back = sum.given_back.checked_add(seen.given_back).unwrap();
            }
            books
        });
    }
    let mut books: BTreeMap<Whose, Seen> = BTreeMap::new();
    while let Some(lane) = tasks.join_next().await {
        for (whose, seen) in lane.unwrap() {
            let sum = books.entry(whose).or_default();
            sum.taken = sum.taken.checked_add(seen.taken).unwrap();
            sum.given_back = sum.given_back.checked_add(seen.given_back).unwrap();
        }
    }
    let mut found: BTreeMap<Whose, BTreeMap<Account, i64>> = BTreeMap::new();
    for balance in store.balances(Scope::Everything).await.unwrap() {
        if balance.merchant.0 >= 1000 {
            let whose = (balance.merchant, balance.mode, balance.currency.code());
            found.entry(whose).or_default().insert(balance.account, balance.amount_minor);
        }
    }
    for (whose, seen) in books {
        let accounts = found.remove(&whose).unwrap_or_default();
        let holds = |account| accounts.get(&account).copied().unwrap_or(0);
        assert_eq!(holds(Account::MerchantPayable), -seen.taken, "{whose:?}");
        assert_eq!(holds(Account::Refunds), seen.given_back, "{whose:?}");
        assert_eq!(holds(Account::BankReceivable), seen.taken - seen.given_back, "{whose:?}");
        assert_eq!(holds(Account::Fees), 0, "{whose:?}");
        assert_eq!(accounts.values().sum::<i64>(), 0, "{whose:?}");
    }
    assert!(found.is_empty(), "balances of nobody: {found:?}");
}
