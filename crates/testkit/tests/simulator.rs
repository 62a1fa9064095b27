//! Many seeds of the simulator must be clean, planted bugs must be found, and a seed must be the
//! same run every time. `SIMULATOR_SEED=17` runs one seed, `SIMULATOR_SEEDS=10000` so many, and
//! `LONG_TESTS=1` those of the long campaign.
#![expect(clippy::disallowed_methods, reason = "a test reads its own settings and the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed expectation is a failed test, and somebody waits for these lines"
)]

use domain::event::EventKind;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use testkit::simulator::planted::PlantedBug;
use testkit::simulator::{self, Report};

/// The first seed; the others follow it.
const FIRST_SEED: u64 = 1;
/// How many are run unless somebody asks for more.
const SEEDS: u64 = 2_000;
/// And in the long campaign.
const LONG_SEEDS: u64 = 100_000;
/// A planted bug is found within so many.
const BUG_IS_FOUND_WITHIN: usize = 300;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[derive(Debug, Default)]
struct Totals {
    seeds: u64,
    payments: u64,
    calls: u64,
    commits: u64,
    deaths: u64,
    failures: Vec<(u64, String)>,
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.payments += report.payments;
        self.calls += report.calls;
        self.commits += report.commits;
        self.deaths += report.deaths;
        if let Some(failure) = report.failure() {
            self.failures.push((report.seed, failure));
        }
    }
}

/// Runs seeds on all cores; stops early when enough have failed.
fn run_all(first: u64, many: u64) -> Totals {
    let next = AtomicU64::new(first);
    let totals = Mutex::new(Totals::default());
    let began = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _core in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let failed = totals.lock().unwrap().failures.len();
                    if seed >= first + many || failed >= 5 {
                        return;
                    }
                    let report = simulator::run(seed, None);
                    let mut totals = totals.lock().unwrap();
                    totals.add(&report);
                    if totals.seeds.is_multiple_of(500) {
                        println!("{} seeds, {:.0?}", totals.seeds, began.elapsed());
                    }
                }
            });
        }
    });
    let mut totals = totals.into_inner().unwrap();
    totals.failures.sort_unstable();
    println!(
        "{} seeds from {first}: {} payments, {} calls to the bank, {} commits, {} crashes, {} \
         failures in {:.1?}",
        totals.seeds,
        totals.payments,
        totals.calls,
        totals.commits,
        totals.deaths,
        totals.failures.len(),
        began.elapsed()
    );
    totals
}

#[test]
fn long_seeds_are_clean() {
    let usual = if std::env::var_os("LONG_TESTS").is_some() { LONG_SEEDS } else { SEEDS };
    let (first, many) = match setting("SIMULATOR_SEED") {
        Some(seed) => (seed, 1),
        None => (FIRST_SEED, setting("SIMULATOR_SEEDS").unwrap_or(usual)),
    };
    let totals = run_all(first, many);
    if let Some((_seed, failure)) = totals.failures.first() {
        let seeds: Vec<u64> = totals.failures.iter().map(|(seed, _failure)| *seed).collect();
        panic!("seeds {seeds:?} failed.\n{failure}");
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in (FIRST_SEED..).take(20) {
        let digests: Vec<u64> = (0..3).map(|_run| simulator::run(seed, None).digest).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "seed {seed}: {digests:?}");
    }
    let (one, other) = (simulator::run(1, None), simulator::run(2, None));
    assert_ne!(one.digest, other.digest);
}

/// A simulator that nothing happens in finds nothing.
#[test]
fn everything_happens() {
    let mut missing: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    let mut deaths = 0;
    for seed in (FIRST_SEED..).take(BUG_IS_FOUND_WITHIN) {
        let report = simulator::run(seed, None);
        missing.retain(|kind| !report.kinds.contains(kind));
        deaths += report.deaths;
        if missing.is_empty() && deaths > 10 {
            return;
        }
    }
    panic!("never happened: {missing:?}, and {deaths} crashes");
}

/// The seed that finds the bug, and what was said of it.
fn hunt(bug: PlantedBug, sign: &str) {
    let mut seeds = (FIRST_SEED..).take(BUG_IS_FOUND_WITHIN);
    let found = seeds.find_map(|seed| {
        let report = simulator::run(seed, Some(bug));
        let is_it = |finding: &String| finding.contains(sign);
        report.findings.into_iter().find(is_it).map(|finding| (seed, finding))
    });
    let (seed, finding) = found.unwrap_or_else(|| panic!("{bug:?} was not found"));
    println!("{bug:?} was found by seed {seed}: {finding}");
}

/// What the gateway's own proof says of bugs that it can see as well.
#[test]
fn the_proof_finds_planted_bugs() {
    for (bug, sign) in [
        (PlantedBug::EventsHaveNoGaps, "is missing before it"),
        (PlantedBug::BooksAreComplete, "minor units, and it is missing"),
        (PlantedBug::DeliveryIsInTheCommit, "the merchant was not told of this change"),
        (PlantedBug::WhatWaitsIsDue, "has no time at which it goes on"),
        (PlantedBug::ExpiredOrderIsWatched, "the bank is not asked about it"),
        (PlantedBug::SupersededIsGivenBack, "its facts do not follow"),
    ] {
        hunt(bug, sign);
    }
}

macro_rules! planted_bugs_are_found {
    ($($test:ident: $bug:ident,)*) => {
        $(
            #[test]
            fn $test() {
                hunt(PlantedBug::$bug, PlantedBug::$bug.sign());
            }
        )*

        #[test]
        fn every_planted_bug_is_hunted() {
            assert_eq!([$(PlantedBug::$bug),*], PlantedBug::ALL);
        }
    };
}

planted_bugs_are_found! {
    planted_intent_before_action: IntentBeforeAction,
    planted_reference_is_sent_once: ReferenceIsSentOnce,
    planted_unknown_is_no_decline: UnknownIsNoDecline,
    planted_not_found_is_not_believed: NotFoundIsNotBelieved,
    planted_reversal_is_confirmed: ReversalIsConfirmed,
    planted_no_second_attempt_while_unknown: NoSecondAttemptWhileUnknown,
    planted_stale_versions_are_refused: StaleVersionsAreRefused,
    planted_refunds_stay_below_captured: RefundsStayBelowCaptured,
    planted_refund_reference_is_idempotent: RefundReferenceIsIdempotent,
    planted_security_code_goes_with_the_send: SecurityCodeGoesWithTheSend,
    planted_delivery_is_in_the_commit: DeliveryIsInTheCommit,
    planted_delivery_is_acknowledged: DeliveryIsAcknowledged,
    planted_delivery_has_one_body: DeliveryHasOneBody,
    planted_switched_off_is_told: SwitchedOffIsTold,
    planted_events_have_no_gaps: EventsHaveNoGaps,
    planted_books_are_complete: BooksAreComplete,
    planted_what_waits_is_due: WhatWaitsIsDue,
    planted_acknowledged_is_durable: AcknowledgedIsDurable,
    planted_order_is_placed_once: OrderIsPlacedOnce,
    planted_notice_is_not_believed: NoticeIsNotBelieved,
    planted_amount_is_compared: AmountIsCompared,
    planted_expired_order_is_watched: ExpiredOrderIsWatched,
    planted_cancelled_order_is_kept: CancelledOrderIsKept,
    planted_earlier_attempt_is_told: EarlierAttemptIsTold,
    planted_superseded_is_given_back: SupersededIsGivenBack,
    planted_late_money_goes_back: LateMoneyGoesBack,
}
