//! How long things took: counted in steps that widen with the time, so that an hour of measuring
//! takes no more memory than a second, and nothing is allocated meanwhile.

/// Below this many microseconds each has a step of its own; above, a step is at most 1/128 wide.
const EXACT: u32 = 256;
const STEPS: usize = 3_328;

/// Times in microseconds, up to 71 minutes.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    steps: Box<[u64]>,
    count: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { steps: vec![0; STEPS].into(), count: 0 }
    }
}

impl Latencies {
    /// One more, in microseconds.
    pub(super) fn add(&mut self, micros: u32) {
        if let Some(step) = self.steps.get_mut(step_of(micros)) {
            *step = step.saturating_add(1);
            self.count = self.count.saturating_add(1);
        }
    }

    /// All of another one's.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (step, more) in self.steps.iter_mut().zip(&other.steps) {
            *step = step.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The time, in microseconds, that so many of a thousand do not exceed; 0 when there is none.
    pub(super) fn per_mille(&self, share: u64) -> u64 {
        let wanted = self.count.saturating_mul(share).div_ceil(1000).max(1);
        let mut seen = 0_u64;
        for (number, step) in self.steps.iter().enumerate() {
            seen = seen.saturating_add(*step);
            if seen >= wanted {
                return longest_of(number);
            }
        }
        0
    }
}

/// The step in which a time is counted.
fn step_of(micros: u32) -> usize {
    let step = if micros < EXACT {
        micros
    } else {
        let shift = micros.ilog2().saturating_sub(7);
        shift.saturating_mul(128).saturating_add(micros >> shift)
    };
    usize::try_from(step).unwrap_or(usize::MAX)
}

/// The longest time that is counted in a step.
fn longest_of(step: usize) -> u64 {
    let step = u64::try_from(step).unwrap_or(u64::MAX);
    if step < u64::from(EXACT) {
        return step;
    }
    let shift = (step / 128).saturating_sub(1);
    let place = (step % 128).saturating_add(129);
    (place << shift).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_each_other_and_hold_what_they_say() {
        for micros in 1..100_000 {
            let (before, step) = (step_of(micros - 1), step_of(micros));
            assert!(step == before || step == before + 1, "{micros}");
        }
        let long = (0..4_000).map(|one| one * 1_000_000);
        for micros in (0..100_000).chain(long).chain([u32::MAX]) {
            let step = step_of(micros);
            assert!(step < STEPS, "{micros}");
            let longest = longest_of(step);
            assert!(longest >= u64::from(micros), "{micros}: {longest}");
            assert!(longest <= u64::from(micros) + u64::from(micros) / 128 + 1, "{micros}");
        }
    }

    #[test]
    fn shares_are_told_within_a_hundredth() {
        let mut all = Latencies::default();
        assert_eq!((all.per_mille(500), all.count()), (0, 0));
        for micros in 1..=10_000 {
            all.add(micros);
        }
        for (share, right) in [(500, 5_000_u64), (990, 9_900), (999, 9_990), (1_000, 10_000)] {
            let told = all.per_mille(share);
            assert!(told >= right && told <= right + right / 100, "{share}: {told}");
        }
        let mut twice = all.clone();
        twice.add_all(&all);
        assert_eq!((twice.count(), twice.per_mille(500)), (20_000, all.per_mille(500)));
    }
}
