//! Customers at the bank's own counter, and what the bank says of them unasked. Customers pay,
//! are refused or give up when they like: at once, at the last moment, or a day after the gateway
//! has given up waiting; sometimes twice. Notices are lost, doubled, late and out of order, and
//! some are about nothing.

use super::bank::{Bank, Call, Standing};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Notices that have arrived, for whichever node hears first.
#[derive(Debug, Default)]
pub struct Notices {
    arrived: Mutex<VecDeque<String>>,
    comes: Notify,
}

/// What a customer does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pays { amount_minor: i64 },
    IsRefused,
    GivesUp,
}

impl Bank {
    /// The reference that the next notice names.
    pub async fn next_notice(&self) -> String {
        loop {
            let arrived = self.arrived().pop_front();
            if let Some(reference) = arrived {
                return reference;
            }
            self.notices.comes.notified().await;
        }
    }

    fn arrived(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.notices.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The order waits for its customer, who comes once, twice or never.
    pub(super) fn customers_come(self: &Arc<Self>, call: &Call) {
        let many = self.world.draw(|dice| dice.pick(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]));
        for _time in 0..many {
            let (wait, act) = self.plan(call.amount_minor);
            let (bank, reference) = (Arc::clone(self), call.reference.clone());
            tokio::spawn(async move {
                bank.world.sleep(wait).await;
                bank.customer_acts(&reference, act);
            });
        }
    }

    fn plan(&self, asked_minor: i64) -> (Duration, Act) {
        let wrong = self.world.weather.wrong_amount;
        self.world.draw(|dice| {
            // Seconds; the terminals of a run give their customers 60, 900 or 3600 of them.
            let (from, to) = dice.pick(&[
                (0, 20),
                (0, 120),
                (58, 62),
                (60, 90),
                (60, 1_200),
                (600, 5_400),
                (600, 5_400),
                (3_600, 95_000),
            ]);
            let wait = dice.millis(from * 1_000, to * 1_000);
            let act = match dice.below(8) {
                0 => Act::IsRefused,
                1 => Act::GivesUp,
                _ if dice.chance(wrong) => {
                    let other = dice.pick(&[asked_minor - 1, asked_minor + 1, 1, asked_minor * 2]);
                    Act::Pays { amount_minor: other }
                }
                _ => Act::Pays { amount_minor: asked_minor },
            };
            (wait, act)
        })
    }

    /// An order that was decided stays so.
    fn customer_acts(self: &Arc<Self>, reference: &str, act: Act) {
        let mut books = self.books();
        let Some(line) = books.lines.get_mut(reference) else { return };
        if line.standing != Standing::Open {
            return;
        }
        let standing = match act {
            Act::Pays { amount_minor } => {
                line.call.amount_minor = amount_minor;
                Standing::Approved
            }
            Act::IsRefused => Standing::Declined,
            Act::GivesUp => Standing::GivenUp,
        };
        books.stand(&self.world, reference, standing);
        drop(books);
        self.tell(reference);
    }

    /// Money of another amount than was asked for is given back by hand, as an operator wants it.
    /// Whether there was any.
    pub fn give_back(&self, reference: &str, asked_minor: i64) -> bool {
        let mut books = self.books();
        let wrong = books.lines.get(reference).is_some_and(|line| {
            line.standing == Standing::Approved && line.call.amount_minor != asked_minor
        });
        if wrong {
            books.stand(&self.world, reference, Standing::Undone);
        }
        wrong
    }

    /// Sends a notice about a call, and sometimes one about something else.
    pub(super) fn tell(self: &Arc<Self>, reference: &str) {
        let world = &self.world;
        if !world.strikes(world.weather.notice_lost) {
            let copies = 1 + u64::from(world.strikes(world.weather.notice_doubled));
            for _copy in 0..copies {
                self.send_notice(reference.to_owned());
            }
        }
        if world.strikes(world.weather.notice_strange) {
            self.send_notice(self.strange());
        }
    }

    fn send_notice(self: &Arc<Self>, reference: String) {
        let bank = Arc::clone(self);
        let wait = if self.world.strikes(self.world.weather.notice_late) {
            self.world.draw(|dice| {
                let longest = dice.pick(&[10_000, 300_000, 4_000_000]);
                dice.millis(1_000, longest)
            })
        } else {
            self.world.latency()
        };
        tokio::spawn(async move {
            bank.world.sleep(wait).await;
            bank.arrived().push_back(reference);
            bank.notices.comes.notify_one();
        });
    }

    /// A reference that nobody waits for, or not now: of another call, whatever became of it, of
    /// one that was never made, or of nothing at all.
    fn strange(&self) -> String {
        let books = self.books();
        let many = u64::try_from(books.lines.len()).unwrap();
        let place = usize::try_from(self.world.draw(|dice| dice.below(many))).unwrap();
        let Some(other) = books.lines.values().nth(place).map(|line| line.call.clone()) else {
            return String::new();
        };
        match self.world.draw(|dice| dice.below(6)) {
            0 => format!("{}-99", other.payment),
            1 => "123456250101000000-1".to_owned(),
            2 => "nothing".to_owned(),
            _ => other.reference,
        }
    }
}
