//! Against guessing: an address that asks for too many unknown payments, or with too many wrong
//! keys, gets no answer for the rest of the minute.

use crate::app::Caller;
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Guesses that an address may make in a minute: payment numbers and tokens that no payment has,
/// keys that no terminal has, and ciphertexts that a terminal's key does not open, all together.
pub(crate) const UNKNOWN_AT_MOST: u32 = 30;
/// How long they are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses remembered at most. Only addresses that guessed are remembered.
const ADDRESSES_AT_MOST: usize = 10_000;

/// Too many guesses from this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many unknown numbers, or wrong keys, from this address")]
pub struct TooManyGuesses {
    /// For `Retry-After`: whole seconds until the address is answered again, at least 1.
    pub retry_after_seconds: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began_at: Timestamp,
    unknown: u32,
}

/// Counts, per address and minute, how often somebody guessed.
///
/// Every handler that finds a payment by its number or token, or takes a key, calls
/// [`Throttle::check`] first, and [`Throttle::note_unknown`] when there was none. Each node counts for itself: with
/// 900,000 numbers in every second of creation, a handful of nodes changes nothing.
#[derive(Debug, Default)]
pub struct Throttle {
    windows: Mutex<BTreeMap<IpAddr, Window>>,
}

impl Throttle {
    /// Whether this caller is answered. A caller without an address always is.
    pub fn check(&self, caller: Caller, now: Timestamp) -> Result<(), TooManyGuesses> {
        let Some(address) = counted_as(caller) else { return Ok(()) };
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(window) = windows.get(&address) else { return Ok(()) };
        let left = window.began_at.plus(WINDOW).since(now);
        if window.unknown <= UNKNOWN_AT_MOST || left.is_zero() {
            return Ok(());
        }
        let retry_after_seconds = left.as_secs().saturating_add(1).min(WINDOW.as_secs());
        Err(TooManyGuesses { retry_after_seconds })
    }

    /// The caller asked for what there is not.
    pub fn note_unknown(&self, caller: Caller, now: Timestamp) {
        let Some(address) = counted_as(caller) else { return };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |window: &Window| !window.began_at.plus(WINDOW).since(now).is_zero();
        if windows.len() >= ADDRESSES_AT_MOST && !windows.contains_key(&address) {
            windows.retain(|_address, window| fresh(window));
            // Ten thousand addresses guess in one minute. To forget them gives each some guesses
            // more, which cost them ten thousand.
            if windows.len() >= ADDRESSES_AT_MOST {
                windows.clear();
            }
        }
        let window = windows.entry(address).or_insert(Window { began_at: now, unknown: 0 });
        if !fresh(window) {
            *window = Window { began_at: now, unknown: 0 };
        }
        window.unknown = window.unknown.saturating_add(1);
    }
}

/// An IPv6 network of 64 bits is one customer's: its addresses count together.
fn counted_as(caller: Caller) -> Option<IpAddr> {
    Some(match caller.0?.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_745_676_966_000_657).plus(Duration::from_secs(seconds))
    }

    fn from(address: &str) -> Caller {
        Caller(Some(address.parse().unwrap()))
    }

    #[test]
    fn the_thirty_first_guess_is_the_last_for_this_minute() {
        let throttle = Throttle::default();
        let guesser = from("192.0.2.1");
        for _guess in 0..31 {
            assert_eq!(throttle.check(guesser, at(0)), Ok(()));
            throttle.note_unknown(guesser, at(0));
        }
        assert_eq!(
            throttle.check(guesser, at(15)),
            Err(TooManyGuesses { retry_after_seconds: 46 })
        );
        assert_eq!(
            throttle.check(from("::ffff:192.0.2.1"), at(59)),
            Err(TooManyGuesses { retry_after_seconds: 2 })
        );
        assert_eq!(throttle.check(from("192.0.2.2"), at(15)), Ok(()));
        assert_eq!(throttle.check(Caller(None), at(15)), Ok(()));
        assert_eq!(throttle.check(guesser, at(60)), Ok(()));
        throttle.note_unknown(guesser, at(60));
        assert_eq!(throttle.check(guesser, at(60)), Ok(()));
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let throttle = Throttle::default();
        for guess in 0..31 {
            throttle.note_unknown(from(&format!("2001:db8:1:2::{guess:x}")), at(0));
        }
        assert!(throttle.check(from("2001:db8:1:2:ffff::1"), at(1)).is_err());
        assert!(throttle.check(from("2001:db8:1:3::1"), at(1)).is_ok());
    }

    #[test]
    fn it_stays_small() {
        let throttle = Throttle::default();
        let remembered = || throttle.windows.lock().unwrap().len();
        let mut most = 0;
        for number in 0..1_000_000_u32 {
            let address = match number % 2 {
                0 => IpAddr::V4(number.into()),
                _ => IpAddr::V6((u128::from(number) << 64).into()),
            };
            // As if they came within a quarter of an hour.
            throttle.note_unknown(Caller(Some(address)), at(u64::from(number / 1_000)));
            if number % 1_000 == 0 {
                most = most.max(remembered());
                assert!(most <= ADDRESSES_AT_MOST, "{most} after {number}");
            }
        }
        assert!(most >= ADDRESSES_AT_MOST / 2, "{most}");
        // Who guesses meanwhile is still counted.
        let guesser = from("192.0.2.1");
        (0..31).for_each(|_| throttle.note_unknown(guesser, at(1_000)));
        assert!(throttle.check(guesser, at(1_000)).is_err());
    }
}
