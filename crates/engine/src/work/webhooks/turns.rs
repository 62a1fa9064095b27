//! Whose turn it is among lanes of one class: merchants in turn, and the lanes of a merchant in
//! turn, so that neither many lanes nor many merchants keep one waiting for long.

use domain::delivery::Destination;
use domain::id::MerchantId;
use std::collections::{BTreeMap, VecDeque};

/// Lanes of one class that have something to send, and how many places the class has taken.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Merchants with lanes that wait, each once.
    merchants: VecDeque<MerchantId>,
    waiting: BTreeMap<MerchantId, VecDeque<Destination>>,
    lanes: u32,
    taken: u32,
    taken_by: BTreeMap<MerchantId, u32>,
}

/// A lane whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) destination: Destination,
    /// Places that its class and its merchant have left, at least one.
    pub(super) places: u32,
}

impl Turns {
    /// A lane has something to send.
    pub(super) fn wait(&mut self, merchant: MerchantId, destination: Destination) {
        let lanes = self.waiting.entry(merchant).or_default();
        if lanes.is_empty() {
            self.merchants.push_back(merchant);
        }
        lanes.push_back(destination);
        self.lanes = self.lanes.saturating_add(1);
    }

    /// How many lanes wait.
    pub(super) const fn waiting(&self) -> u32 {
        self.lanes
    }

    /// How many places of so many are left.
    pub(super) const fn left(&self, of: u32) -> u32 {
        of.saturating_sub(self.taken)
    }

    /// The next lane, if there is a place for it: the class has at most `all` places, a merchant
    /// at most `each`.
    pub(super) fn next(&mut self, all: u32, each: u32) -> Option<Turn> {
        for _merchant in 0..self.merchants.len() {
            let merchant = self.merchants.pop_front()?;
            let taken = self.taken_by.get(&merchant).copied().unwrap_or(0);
            let places = self.left(all).min(each.saturating_sub(taken));
            if places == 0 {
                self.merchants.push_back(merchant);
                continue;
            }
            let lanes = self.waiting.get_mut(&merchant)?;
            let destination = lanes.pop_front();
            if lanes.is_empty() {
                self.waiting.remove(&merchant);
            } else {
                self.merchants.push_back(merchant);
            }
            self.lanes = self.lanes.saturating_sub(1);
            return destination.map(|destination| Turn { destination, places });
        }
        None
    }

    /// So many places are taken for a lane of this merchant.
    pub(super) fn take(&mut self, merchant: MerchantId, places: u32) {
        if places > 0 {
            self.taken = self.taken.saturating_add(places);
            let taken = self.taken_by.entry(merchant).or_default();
            *taken = taken.saturating_add(places);
        }
    }

    /// They are free again.
    pub(super) fn free(&mut self, merchant: MerchantId, places: u32) {
        self.taken = self.taken.saturating_sub(places);
        if let Some(taken) = self.taken_by.get_mut(&merchant) {
            *taken = taken.saturating_sub(places);
            if *taken == 0 {
                self.taken_by.remove(&merchant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MerchantId = MerchantId(1);
    const B: MerchantId = MerchantId(2);

    fn order(turns: &mut Turns, all: u32, each: u32) -> Vec<i64> {
        let mut order = Vec::new();
        while let Some(turn) = turns.next(all, each) {
            let merchant = if turn.destination.0 < 100 { A } else { B };
            turns.take(merchant, 1);
            order.push(turn.destination.0);
        }
        order
    }

    #[test]
    fn merchants_are_served_in_turn_and_their_lanes_too() {
        let mut turns = Turns::default();
        for lane in [1, 2, 3, 4] {
            turns.wait(A, Destination(lane));
        }
        turns.wait(B, Destination(100));
        turns.wait(B, Destination(101));
        assert_eq!(turns.waiting(), 6);
        assert_eq!(order(&mut turns, 10, 10), [1, 100, 2, 101, 3, 4]);
        assert_eq!((turns.waiting(), turns.left(10)), (0, 4));
    }

    #[test]
    fn a_merchant_at_its_limit_waits_and_others_do_not() {
        let mut turns = Turns::default();
        for lane in [1, 2, 3] {
            turns.wait(A, Destination(lane));
        }
        turns.wait(B, Destination(100));
        assert_eq!(order(&mut turns, 10, 1), [1, 100]);
        turns.free(A, 1);
        assert_eq!(order(&mut turns, 10, 1), [2]);
        turns.free(A, 1);
        // All that the class has is taken by B's one place.
        assert_eq!(order(&mut turns, 1, 1), Vec::<i64>::new());
        turns.free(B, 1);
        assert_eq!(order(&mut turns, 1, 1), [3]);
    }
}
