//! Chance with a seed: the same seed throws the same dice.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and good enough for throwing dice.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but without, `end`; 0 when `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        let drawn = self.next();
        if end == 0 { 0 } else { drawn % end }
    }

    /// True so often in a thousand.
    pub const fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let place = usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap();
        all[place]
    }

    /// A time between the two, in milliseconds.
    pub const fn millis(&mut self, from: u64, to: u64) -> Duration {
        let micros = from * 1000 + self.below((to - from) * 1000 + 1);
        Duration::from_micros(micros)
    }
}
