//! When things are tried again.

use std::time::Duration;

/// When a send has not been recorded this long after its intent was committed, any node asks the
/// bank what became of it: the process that made it may have died. A lookup while the call still
/// runs is harmless: what it finds is true, and "not found" must be said twice.
pub const SENDING_IS_ASKED_AFTER: Duration = Duration::from_secs(10);

/// A call whose outcome the bank has not told for this long is reversed where the terminal says
/// so, and stands on the operator's list.
pub const UNKNOWN_IS_REVERSED_AFTER: Duration = Duration::from_mins(30);

/// How long after the last answer the bank is asked again, by the number of lookups made:
/// quickly at first, then every 15 minutes for a day, then hourly.
pub const fn until_lookup(lookups: u32) -> Duration {
    Duration::from_secs(match lookups {
        0 => 5,
        1 => 10,
        2 => 15,
        3 => 30,
        4 => 60,
        5 => 180,
        6 => 300,
        7..=102 => 900,
        _ => 3600,
    })
}

/// How long after the last answer the bank is asked about an order that its customer has not paid
/// yet, by the number of lookups made. A bank's own notice comes sooner, where it sends one.
pub const fn until_order_lookup(lookups: u32) -> Duration {
    Duration::from_secs(match lookups {
        0 => 10,
        1 => 20,
        2 => 30,
        _ => 60,
    })
}

/// How long after the last answer the bank is asked about an order whose payment ended this long
/// ago: for about a day. Later than that only its own notice tells. It goes by the time and not by
/// the number of lookups, for customers who reload a page, and notices, make the bank be asked
/// as well.
pub const fn until_late_lookup(since_the_end: Duration) -> Option<Duration> {
    Some(Duration::from_secs(match since_the_end.as_secs() {
        0..10 => 10,
        10..60 => 60,
        60..300 => 300,
        300..1_200 => 900,
        1_200..90_000 => 3600,
        _ => return None,
    }))
}

/// The same when that day is over, but the bank could not be asked.
pub const UNTIL_LATE_LOOKUP_AGAIN: Duration = Duration::from_hours(1);

/// Gaps between webhook attempts in seconds: the schedule of the Standard Webhooks specification,
/// ten attempts over a little more than three days.
const WEBHOOK_GAPS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How long until the next attempt after `attempts` were made; none when it is given up.
/// `jitter` (any number) moves the gap by up to a fifth either way, so that receivers that came
/// back are not hit by everyone at once.
pub fn until_webhook_retry(attempts: u32, jitter: u32) -> Option<Duration> {
    let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
    Some(jittered(Duration::from_secs(*WEBHOOK_GAPS.get(place)?), jitter))
}

/// A delivery that began this long ago has had its time, however rarely its receiver could be
/// tried: all gaps at their longest.
pub fn webhook_is_overdue_after() -> Duration {
    let gaps = WEBHOOK_GAPS.iter().copied().fold(0_u64, u64::saturating_add);
    Duration::from_secs(gaps.saturating_mul(6).checked_div(5).unwrap_or(gaps))
}

/// A receiver is not tried for a while after so many failures in a row, of any deliveries.
pub const FAILURES_UNTIL_A_PAUSE: u32 = 5;
/// A receiver's pause is never longer, so that one that came back is found soon.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Its first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// How long a receiver is not tried when it has failed for the `pauses`th time (1, 2, …) since it
/// last acknowledged: doubling. `jitter` (any number) moves it by up to a fifth either way, but
/// not beyond the longest.
pub fn until_probe(pauses: u32, jitter: u32) -> Duration {
    let doublings = pauses.saturating_sub(1).min(10);
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
    jittered(pause, jitter).min(LONGEST_PAUSE)
}

/// Moved by up to a fifth either way.
fn jittered(gap: Duration, jitter: u32) -> Duration {
    let thousandths = jitter.checked_rem(401).unwrap_or(200).saturating_add(800);
    gap.saturating_mul(thousandths).checked_div(1000).unwrap_or(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_receiver_is_tried_ever_more_rarely_but_at_least_every_five_minutes() {
        let pauses: Vec<u64> = (1..=9).map(|n| until_probe(n, 200).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(until_probe(1, 0), Duration::from_secs(4));
        assert_eq!(until_probe(1, 400), Duration::from_secs(6));
        assert_eq!(until_probe(u32::MAX, 400), LONGEST_PAUSE);
    }

    #[test]
    fn no_schedule_outlasts_the_time_that_a_delivery_has() {
        let longest: Duration = (1..).map_while(|n| until_webhook_retry(n, 400)).sum();
        assert_eq!(webhook_is_overdue_after(), longest);
    }

    #[test]
    fn webhooks_are_tried_ten_times_over_three_days() {
        let longest: Duration = (1..).map_while(|n| until_webhook_retry(n, 400)).sum();
        let shortest: Duration = (1..).map_while(|n| until_webhook_retry(n, 0)).sum();
        assert_eq!((1..).map_while(|n| until_webhook_retry(n, 200)).count(), 9);
        assert!(longest > Duration::from_hours(72), "{longest:?}");
        assert!(shortest > Duration::from_hours(60), "{shortest:?}");
        assert_eq!(until_webhook_retry(1, 0), Some(Duration::from_secs(4)));
        assert_eq!(until_webhook_retry(1, 400), Some(Duration::from_secs(6)));
        assert_eq!(until_webhook_retry(0, 0), None);
        assert_eq!(until_webhook_retry(10, 0), None);
    }

    #[test]
    fn lookups_slow_down() {
        assert!((0..200).all(|n| until_lookup(n) <= until_lookup(n + 1)));
    }
}
