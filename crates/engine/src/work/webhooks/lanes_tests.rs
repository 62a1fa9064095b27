#![expect(clippy::arithmetic_side_effects, reason = "a test counts in small numbers")]

use super::*;
use domain::delivery::DeliveryId;
use domain::id::TerminalNumber;

const A: MerchantId = MerchantId(1);
const B: MerchantId = MerchantId(2);
const START: Timestamp = Timestamp::from_micros(1_745_676_966_000_657);
const FAILED: Outcome = Outcome::Failed { asked: None, overdue: false };

fn after(milliseconds: u64) -> Timestamp {
    START.plus(Duration::from_millis(milliseconds))
}

fn payment(number: u64) -> PaymentId {
    format!("4178232504{number:08}").parse().unwrap()
}

fn delivery(lane: i64, number: u64, sequence: i32) -> DueDelivery {
    DueDelivery {
        id: DeliveryId::own(payment(number), sequence),
        merchant: A,
        terminal: TerminalNumber(42),
        url: "https://shop.example/hook".to_owned(),
        destination: Destination(lane),
        content_type: "application/json".to_owned(),
        body: String::new(),
        attempts: 0,
        created_at: START,
        begun_at: START,
    }
}

/// Claims whatever is wanted of queues that never end, and returns what is sent.
fn fill(lanes: &mut Lanes, next: &mut u64, now: Timestamp) -> Vec<DueDelivery> {
    let mut sent = Vec::new();
    loop {
        lanes.time_is(now);
        let wanted = lanes.choose(now);
        if wanted.is_empty() {
            return sent;
        }
        let mut claimed = Vec::new();
        for (destination, many) in &wanted {
            for _one in 0..*many {
                *next += 1;
                claimed.push(delivery(destination.0, *next, 1));
            }
        }
        sent.extend(lanes.claimed(&wanted, claimed, now));
    }
}

fn key(delivery: &DueDelivery) -> (Destination, PaymentId) {
    (delivery.destination, delivery.id.payment)
}

fn end(lanes: &mut Lanes, delivery: &DueDelivery, outcome: Outcome, now: Timestamp) {
    assert!(lanes.ended(key(delivery), outcome, now, 200).is_none());
}

/// A lane whose receiver has just acknowledged.
fn prove(lanes: &mut Lanes, lane: i64, merchant: MerchantId, now: Timestamp) {
    lanes.told(Destination(lane), merchant, now);
    let wanted = lanes.choose(now);
    assert_eq!(wanted.len(), 1, "{wanted:?}");
    let number = 90_000_000 + lane.unsigned_abs();
    let sent = lanes.claimed(&wanted, vec![delivery(lane, number, 1)], now);
    end(lanes, &sent[0], Outcome::Answered, now);
    assert_eq!(lanes.choose(now), []);
}

fn of_lane(sent: &[DueDelivery], lane: i64) -> usize {
    sent.iter().filter(|delivery| delivery.destination.0 == lane).count()
}

#[test]
fn each_class_has_its_places_and_a_merchant_a_share_of_them() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    let sum: u32 = Class::ALL.iter().map(|class| class.limits().all).sum();
    assert!(sum <= IN_FLIGHT);
    for class in Class::ALL {
        let limits = class.limits();
        assert!(limits.lane <= limits.merchant && limits.merchant * 2 <= limits.all);
    }
    for lane in 0..1_000 {
        lanes.told(Destination(lane), A, START);
        let due = DueDestination { destination: Destination(-lane - 1), merchant: A, attempts: 3 };
        lanes.found(due, START);
    }
    let sent = fill(&mut lanes, &mut next, START);
    assert_eq!(sent.len(), 24 + 12, "new and failing ones of one merchant");
    assert_eq!(of_lane(&sent, 0), 4);
    assert_eq!(of_lane(&sent, -1), 1);
    // Four more merchants fill the new class; then it is full for all.
    for merchant in 2..=6 {
        lanes.told(Destination(1_000 * merchant), MerchantId(merchant), START);
        for lane in 1..100 {
            lanes.told(Destination(1_000 * merchant + lane), MerchantId(merchant), START);
        }
    }
    let sent = fill(&mut lanes, &mut next, START);
    assert_eq!(sent.len(), 96 - 24);
    assert_eq!(lanes.in_flight(), 96 + 12);
}

#[test]
fn a_prompt_receiver_gets_many_places_at_once() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    prove(&mut lanes, 1, A, START);
    lanes.told(Destination(1), A, START);
    let sent = fill(&mut lanes, &mut next, START);
    assert_eq!(sent.len(), 128);
    // It is asked for in portions, not for each place that becomes free.
    for delivery in &sent[..31] {
        end(&mut lanes, delivery, Outcome::Answered, START);
    }
    assert_eq!(lanes.choose(START), []);
    end(&mut lanes, &sent[31], Outcome::Answered, START);
    assert_eq!(lanes.choose(START), [(Destination(1), 32)]);
}

#[test]
fn an_empty_queue_is_not_asked_again_until_something_is_told() {
    let mut lanes = Lanes::default();
    lanes.told(Destination(1), A, START);
    let wanted = lanes.choose(START);
    assert_eq!(wanted, [(Destination(1), 4)]);
    // What is told while the claim is under way is not lost.
    lanes.told(Destination(1), A, START);
    assert_eq!(lanes.choose(START), [], "one claim for a lane at a time");
    assert!(lanes.claimed(&wanted, Vec::new(), START).is_empty());
    let wanted = lanes.choose(START);
    assert_eq!(wanted, [(Destination(1), 4)]);
    assert!(lanes.claimed(&wanted, Vec::new(), START).is_empty());
    assert_eq!(lanes.choose(START), []);
    assert_eq!(lanes.in_flight(), 0);
}

/// Ten thousand dead destinations of another merchant, and as many of one's own, hold their places
/// for five seconds each: a receiver that is well has every delivery sent the moment it is told.
#[test]
fn a_healthy_lane_never_waits_for_dead_ones() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    prove(&mut lanes, -1, A, START);
    for lane in 0..10_000 {
        lanes.told(Destination(lane), if lane % 2 == 0 { A } else { B }, START);
    }
    let mut dead: VecDeque<(u64, DueDelivery)> = VecDeque::new();
    let mut healthy: VecDeque<DueDelivery> = VecDeque::new();
    let mut tried: BTreeSet<Destination> = BTreeSet::new();
    for millisecond in (0..600_000).step_by(10) {
        let now = after(millisecond);
        while let Some(delivery) = healthy.pop_front() {
            end(&mut lanes, &delivery, Outcome::Answered, now);
        }
        while dead.front().is_some_and(|(began, _)| millisecond >= began + 5_000) {
            let (_began, delivery) = dead.pop_front().unwrap();
            end(&mut lanes, &delivery, FAILED, now);
        }
        lanes.told(Destination(-1), A, now);
        lanes.time_is(now);
        let mut was_sent = false;
        loop {
            let wanted = lanes.choose(now);
            if wanted.is_empty() {
                break;
            }
            let mut claimed = Vec::new();
            for (destination, many) in &wanted {
                // The healthy one has one to send at a time, the dead ones no end.
                for _one in 0..(if destination.0 < 0 { 1 } else { *many }) {
                    next += 1;
                    claimed.push(delivery(destination.0, next, 1));
                }
            }
            for delivery in lanes.claimed(&wanted, claimed, now) {
                if delivery.destination.0 < 0 {
                    was_sent = true;
                    healthy.push_back(delivery);
                } else {
                    tried.insert(delivery.destination);
                    dead.push_back((millisecond, delivery));
                }
            }
        }
        assert!(was_sent, "nothing was sent after {millisecond} ms");
        assert!(lanes.taken <= IN_FLIGHT);
    }
    println!("{} of 10000 dead destinations were tried in ten minutes", tried.len());
    assert!(tried.len() > 1_000, "{}", tried.len());
}

#[test]
fn a_new_merchant_does_not_wait_behind_ten_thousand_dead_endpoints() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    for lane in 0..10_000 {
        lanes.told(Destination(lane), A, START);
    }
    assert_eq!(fill(&mut lanes, &mut next, START).len(), 24);
    lanes.told(Destination(20_000), B, START);
    let sent = fill(&mut lanes, &mut next, START);
    assert_eq!(of_lane(&sent, 20_000), 4);
}

#[test]
fn after_five_failures_a_receiver_is_left_alone_ever_longer() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    lanes.told(Destination(1), A, START);
    let first = fill(&mut lanes, &mut next, START);
    assert_eq!(first.len(), 4);
    for delivery in &first {
        end(&mut lanes, delivery, FAILED, START);
    }
    let probe = fill(&mut lanes, &mut next, START);
    assert_eq!(probe.len(), 1, "one at a time");
    end(&mut lanes, &probe[0], FAILED, START);
    let mut now = 0;
    for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(lanes.next_pause_ends(), Some(after(now + pause * 1_000)));
        assert_eq!(fill(&mut lanes, &mut next, after(now + pause * 1_000 - 1)), []);
        now += pause * 1_000;
        let probe = fill(&mut lanes, &mut next, after(now));
        assert_eq!(probe.len(), 1);
        assert_eq!(fill(&mut lanes, &mut next, after(now)), []);
        end(&mut lanes, &probe[0], FAILED, after(now));
    }
    // A message told of meanwhile does not break the pause, and one acknowledgement ends it all.
    lanes.told(Destination(1), A, after(now));
    assert_eq!(fill(&mut lanes, &mut next, after(now)), []);
    now += 300_000;
    let probe = fill(&mut lanes, &mut next, after(now));
    end(&mut lanes, &probe[0], Outcome::Answered, after(now));
    assert_eq!(fill(&mut lanes, &mut next, after(now)).len(), 128);
    assert_eq!(lanes.paused(), 0);
}

#[test]
fn many_failures_at_once_are_one_pause() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    prove(&mut lanes, 1, A, START);
    lanes.told(Destination(1), A, START);
    let sent = fill(&mut lanes, &mut next, START);
    assert_eq!(sent.len(), 128);
    for (number, delivery) in (0..).zip(&sent) {
        end(&mut lanes, delivery, FAILED, after(100 * number));
    }
    // It failed from 0.4 s on; what ended later had begun before the pause.
    assert_eq!(lanes.next_pause_ends(), Some(after(5_400)));
}

#[test]
fn a_receiver_in_a_pause_that_acknowledges_is_well_again() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    prove(&mut lanes, 1, A, START);
    lanes.told(Destination(1), A, START);
    let sent = fill(&mut lanes, &mut next, START);
    for delivery in &sent[..5] {
        end(&mut lanes, delivery, FAILED, START);
    }
    assert_eq!(lanes.paused(), 1);
    end(&mut lanes, &sent[5], Outcome::Answered, START);
    assert_eq!(lanes.paused(), 0);
    for delivery in &sent[6..40] {
        end(&mut lanes, delivery, Outcome::Answered, START);
    }
    assert!(!lanes.choose(START).is_empty());
}

#[test]
fn a_receiver_that_asks_for_a_pause_has_it() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    prove(&mut lanes, 1, A, START);
    for (asked, had) in [(2, 2), (60, 60), (86_400, 300)] {
        lanes.told(Destination(1), A, START);
        let sent = fill(&mut lanes, &mut next, START);
        let asked = Some(Duration::from_secs(asked));
        let outcome = Outcome::Failed { asked, overdue: false };
        end(&mut lanes, &sent[0], outcome, START);
        // Even where others, sent before, are acknowledged.
        for delivery in &sent[1..] {
            end(&mut lanes, delivery, Outcome::Answered, START);
        }
        assert_eq!(fill(&mut lanes, &mut next, after(had * 1_000 - 1)), []);
        let sent = fill(&mut lanes, &mut next, after(had * 1_000));
        assert!(!sent.is_empty());
        for delivery in &sent {
            end(&mut lanes, delivery, Outcome::Answered, after(had * 1_000));
        }
        lanes = Lanes::default();
        prove(&mut lanes, 1, A, START);
    }
}

#[test]
fn what_has_had_its_time_comes_to_an_end_soon() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    lanes.told(Destination(1), A, START);
    let overdue = Outcome::Failed { asked: None, overdue: true };
    let mut now = 0;
    for _message in 0..20 {
        let sent = fill(&mut lanes, &mut next, after(now));
        for delivery in &sent {
            end(&mut lanes, delivery, overdue, after(now));
        }
        now += 5_000;
    }
    assert!(next >= 20, "{next}");
    // And what was never sent does not count as a failure.
    let sent = fill(&mut lanes, &mut next, after(now));
    end(&mut lanes, &sent[0], Outcome::NotSent, after(now));
    assert_eq!(fill(&mut lanes, &mut next, after(now)).len(), 1);
}

#[test]
fn deliveries_of_one_payment_go_one_after_the_other() {
    let mut lanes = Lanes::default();
    prove(&mut lanes, 1, A, START);
    lanes.told(Destination(1), A, START);
    let wanted = lanes.choose(START);
    let claimed = vec![
        delivery(1, 7, 1),
        delivery(1, 7, 2),
        delivery(1, 8, 1),
        delivery(1, 7, 3),
        delivery(1, 7, 4),
    ];
    let sent = lanes.claimed(&wanted, claimed, START);
    let names =
        |sent: &[DueDelivery]| -> Vec<i32> { sent.iter().map(|one| one.id.sequence).collect() };
    assert_eq!(names(&sent), [1, 1]);
    // Also with one that is claimed later.
    lanes.told(Destination(1), A, START);
    let wanted = lanes.choose(START);
    assert_eq!(lanes.claimed(&wanted, vec![delivery(1, 7, 5)], START), []);
    let second = lanes.ended(key(&sent[0]), Outcome::Answered, START, 0).unwrap();
    assert_eq!(second.id.sequence, 2);
    // A failed first attempt is an attempt: the next one goes out.
    let third = lanes.ended(key(&second), FAILED, after(1_900), 0).unwrap();
    assert_eq!(third.id.sequence, 3);
    // What could not be sent before its lease ends is left for later, and gives its place back.
    assert_eq!(lanes.ended(key(&third), Outcome::Answered, after(2_001), 0), None);
    end(&mut lanes, &sent[1], Outcome::Answered, after(2_001));
    assert_eq!((lanes.taken, lanes.in_flight()), (0, 0));
}

#[test]
fn a_prompt_receiver_that_hangs_gives_the_prompt_places_back() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    for lane in 1..=5 {
        prove(&mut lanes, lane, MerchantId(lane), START);
    }
    for lane in 1..=4 {
        lanes.told(Destination(lane), MerchantId(lane), START);
    }
    let hanging = fill(&mut lanes, &mut next, START);
    assert_eq!(hanging.len(), 320, "all prompt places");
    lanes.told(Destination(5), MerchantId(5), after(900));
    assert_eq!(fill(&mut lanes, &mut next, after(900)), []);
    let sent = fill(&mut lanes, &mut next, after(1_001));
    assert_eq!(of_lane(&sent, 5), sent.len());
    assert_eq!(sent.len(), 128);
    assert_eq!(lanes.taken, 320 + 128);
}

#[test]
fn a_slow_receiver_has_few_places_until_it_is_prompt() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    lanes.told(Destination(1), A, START);
    let sent = fill(&mut lanes, &mut next, START);
    for delivery in &sent {
        end(&mut lanes, delivery, Outcome::Answered, after(1_001));
    }
    let sent = fill(&mut lanes, &mut next, after(1_001));
    assert_eq!(sent.len(), 16);
    end(&mut lanes, &sent[0], Outcome::Answered, after(2_001));
    assert_eq!(fill(&mut lanes, &mut next, after(2_001)).len(), 128 - 15);
}

#[test]
fn a_clock_that_is_put_back_does_not_keep_a_receiver_waiting() {
    let (mut lanes, mut next) = (Lanes::default(), 0);
    let late = after(3_600_000);
    lanes.told(Destination(1), A, late);
    for _failure in 0..5 {
        for delivery in fill(&mut lanes, &mut next, late) {
            end(&mut lanes, &delivery, FAILED, late);
        }
    }
    assert_eq!(fill(&mut lanes, &mut next, late), []);
    lanes.found(DueDestination { destination: Destination(1), merchant: A, attempts: 1 }, START);
    assert_eq!(fill(&mut lanes, &mut next, START).len(), 1);
}

#[test]
fn memory_is_bounded_and_idle_lanes_are_forgotten() {
    let mut lanes = Lanes::default();
    for lane in 0..60_000 {
        lanes.told(Destination(lane), A, START);
    }
    assert_eq!(lanes.by_destination.len(), LANES_AT_MOST);
    // One that is paused makes room for a new one.
    let wanted = lanes.choose(START);
    let claimed = wanted.iter().map(|(lane, _many)| delivery(lane.0, 1, 1)).collect();
    let sent = lanes.claimed(&wanted, claimed, START);
    let asked = Outcome::Failed { asked: Some(Duration::from_mins(1)), overdue: false };
    end(&mut lanes, &sent[0], asked, START);
    lanes.told(Destination(70_000), B, START);
    assert!(lanes.by_destination.contains_key(&Destination(70_000)));
    assert_eq!(lanes.by_destination.len(), LANES_AT_MOST);

    let mut lanes = Lanes::default();
    prove(&mut lanes, 1, A, START);
    lanes.told(Destination(2), A, START);
    lanes.forget_idle(after(600_000));
    assert_eq!(lanes.by_destination.len(), 2);
    lanes.forget_idle(after(600_001));
    assert_eq!(lanes.by_destination.keys().collect::<Vec<_>>(), [&Destination(2)]);
}
