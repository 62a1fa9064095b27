//! What goes wrong in a run, and how often. Every seed has a weather of its own: some troubles
//! are frequent, others absent, so that rare mixtures come up as well.

use super::dice::Dice;
use std::time::Duration;

/// The troubles of one run. Numbers without a unit are per mille.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Gateways over the one store.
    pub nodes: u64,
    /// Whether the store keeps claimed payments from other nodes.
    pub leases: bool,
    /// Orders that customers want to pay.
    pub orders: u64,
    /// Which of the four terminals the orders are for; none for all of them.
    pub terminal: Option<usize>,
    /// Troubles end after this.
    pub lasts: Duration,
    /// The store refuses a commit and has not made it.
    pub commit_refused: u64,
    /// The store makes a commit, but its acknowledgement is lost.
    pub commit_unacknowledged: u64,
    /// The store says that it failed, and makes the commit a while later.
    pub commit_late: u64,
    /// The store has no room.
    pub store_busy: u64,
    /// A question to the store fails.
    pub read_fails: u64,
    /// An answer of store or bank takes seconds instead of milliseconds.
    pub slow: u64,
    /// Of this many actions of a node one is its last; 0 for none.
    pub dies_in: u64,
    /// Of this many actions of a node one takes minutes, as if the machine slept; 0 for none.
    pub freezes_in: u64,
    /// Something in between answers with a 5xx, and the request does not reach the bank.
    pub proxy_fails: u64,
    /// A request does not reach the bank.
    pub request_lost: u64,
    /// A request reaches the bank long after its sender has given up.
    pub request_late: u64,
    /// A request reaches the bank twice.
    pub request_doubled: u64,
    /// The connection to the bank is refused.
    pub not_sent: u64,
    /// The bank's answer is lost.
    pub answer_lost: u64,
    /// The bank's answer is no answer: a 5xx, half a message.
    pub answer_garbled: u64,
    /// The bank decides later.
    pub pending: u64,
    /// Lookups do not know at once what the bank did.
    pub registered_late: u64,
    /// The bank cannot be asked.
    pub look_up_fails: u64,
    /// When lookups are down altogether: from, until, after the start.
    pub outage: Option<(Duration, Duration)>,
    /// The bank says no.
    pub declined: u64,
    /// What the bank did cannot be reversed any more.
    pub stands: u64,
    /// How long the bank may take to register a call.
    pub patience: Duration,
    /// So many orders are paid at the bank and not by card.
    pub at_the_bank: u64,
    /// A customer at the bank pays another amount than was asked for.
    pub wrong_amount: u64,
    /// A notice of the bank does not arrive.
    pub notice_lost: u64,
    /// It arrives twice.
    pub notice_doubled: u64,
    /// It arrives late, and after others.
    pub notice_late: u64,
    /// With a notice comes another one that is about nothing.
    pub notice_strange: u64,
    /// The merchant's server answers with an error, or not at all.
    pub hook_fails: u64,
    /// The merchant's server is gone for good.
    pub hook_gone: u64,
    /// A request of a client, or its answer, is lost.
    pub client_lost: u64,
}

/// Mostly fair, sometimes foul.
fn level(dice: &mut Dice, foul: u64) -> u64 {
    match dice.below(4) {
        0 | 1 => 0,
        2 => foul / 4,
        _ => foul,
    }
}

impl Weather {
    /// The weather of a seed.
    pub fn draw(dice: &mut Dice) -> Self {
        let lasts = dice.millis(20 * 60_000, 80 * 60_000);
        let outage = dice.chance(300).then(|| {
            let from = dice.millis(0, 20 * 60_000);
            (from, from + dice.millis(60_000, 50 * 60_000))
        });
        Self {
            nodes: 1 + dice.below(3),
            leases: dice.chance(500),
            orders: 4 + dice.below(9),
            terminal: dice.pick(&[None, None, None, None, Some(0), Some(1), Some(2), Some(3)]),
            lasts,
            commit_refused: level(dice, 60),
            commit_unacknowledged: level(dice, 60),
            commit_late: level(dice, 40),
            store_busy: level(dice, 30),
            read_fails: level(dice, 20),
            slow: level(dice, 60),
            dies_in: dice.pick(&[0, 0, 150, 40]),
            freezes_in: dice.pick(&[0, 0, 200, 50]),
            proxy_fails: level(dice, 150),
            request_lost: level(dice, 150),
            request_late: level(dice, 150),
            request_doubled: level(dice, 200),
            not_sent: level(dice, 60),
            answer_lost: level(dice, 200),
            answer_garbled: level(dice, 150),
            pending: level(dice, 300),
            registered_late: level(dice, 400),
            look_up_fails: level(dice, 300),
            outage,
            declined: 50 + level(dice, 300),
            stands: level(dice, 100),
            patience: Duration::from_secs(dice.pick(&[5, 60, 120])),
            at_the_bank: dice.pick(&[0, 0, 0, 300, 1000]),
            wrong_amount: level(dice, 150),
            notice_lost: level(dice, 600),
            notice_doubled: level(dice, 300),
            notice_late: level(dice, 300),
            notice_strange: level(dice, 300),
            hook_fails: level(dice, 400),
            hook_gone: level(dice, 20),
            client_lost: level(dice, 150),
        }
    }
}
