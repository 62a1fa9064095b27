//! Many seeds of the simulator, clean; and planted bugs, found.

use testkit::simulator;

#[test]
fn seeds_are_clean() {
    for seed in 1..=50 {
        let report = simulator::run(seed, None);
        if let Some(failure) = report.failure() {
            panic!("{failure}");
        }
    }
}
