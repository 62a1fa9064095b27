//! What a stream has told, as far as a later look may come upon it again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::delivery::{DeliveryCursor, DeliveryId};
use domain::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// How much later than another a delivery may be committed that was written before it.
const OVERLAP: Duration = Duration::from_secs(10);
/// Names that are remembered; with more, a look goes back less.
const REMEMBERED: usize = 5_000;
/// Names that an event's id carries, so that a reader who comes back is not told again.
const CARRIED: usize = 50;
/// Bytes of a name's digest in an event's id.
const DIGEST: usize = 4;

/// What was told.
#[derive(Debug)]
pub(super) struct Told {
    /// What was written before is not looked at any more.
    from: Timestamp,
    /// The newest time of all that was told.
    newest: Timestamp,
    /// What was told since `from`.
    lately: BTreeSet<DeliveryCursor>,
    /// Digests of what was told since then on an earlier stream.
    earlier: BTreeSet<[u8; DIGEST]>,
}

impl Told {
    /// Nothing yet, and only what is written from now on is to be.
    pub(super) const fn from_now(now: Timestamp) -> Self {
        Self { from: now, newest: now, lately: BTreeSet::new(), earlier: BTreeSet::new() }
    }

    /// What is after an event, by its id; none for a text that is no such id.
    pub(super) fn after(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (newest, rest) = bytes.split_first_chunk()?;
        let (from, digests) = rest.split_first_chunk()?;
        let [newest, from] =
            [newest, from].map(|at| Timestamp::from_micros(i64::from_be_bytes(*at)));
        let (digests, rest) = digests.as_chunks();
        if digests.len() > CARRIED || !rest.is_empty() {
            return None;
        }
        let earlier = digests.iter().copied().collect();
        // However old an id is, a look goes back no further than it ever does.
        let from = from.max(newest.minus(OVERLAP));
        Some(Self { from, newest, lately: BTreeSet::new(), earlier })
    }

    /// From when on the log is to be read.
    pub(super) const fn window(&self) -> Timestamp {
        self.from
    }

    /// Whether this was not told yet.
    pub(super) fn is_new(&self, place: DeliveryCursor) -> bool {
        place.created_at >= self.from
            && !self.lately.contains(&place)
            && !self.earlier.contains(&digest(place.id))
    }

    /// It is told now.
    pub(super) fn note(&mut self, place: DeliveryCursor) {
        self.lately.insert(place);
        self.newest = self.newest.max(place.created_at);
        self.from = self.from.max(self.newest.minus(OVERLAP));
        while let Some(oldest) = self.lately.first() {
            if self.lately.len() > REMEMBERED {
                self.from = self.from.max(oldest.created_at.plus(Duration::from_micros(1)));
            } else if oldest.created_at >= self.from {
                break;
            }
            self.lately.pop_first();
        }
    }

    /// The id of the event that was told last: the newest time, from when on the log is read, and
    /// what was told since then.
    pub(super) fn position(&self) -> String {
        let mut bytes = [self.newest, self.from].map(|at| at.micros().to_be_bytes()).concat();
        let newest_first = self.lately.iter().rev().map(|place| digest(place.id));
        let carried = newest_first.chain(self.earlier.iter().copied()).take(CARRIED);
        bytes.extend(carried.flatten());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn digest(id: DeliveryId) -> [u8; DIGEST] {
    let name = id.webhook_id();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::PaymentId;

    fn at(milliseconds: u64) -> Timestamp {
        let start = Timestamp::from_micros(1_745_676_966_000_657);
        start.plus(Duration::from_millis(milliseconds))
    }

    fn place(number: u64, milliseconds: u64) -> DeliveryCursor {
        let payment = PaymentId::new(at(0), number.to_le_bytes());
        DeliveryCursor { created_at: at(milliseconds), id: DeliveryId::own(payment, 1) }
    }

    #[test]
    fn what_comes_late_is_told_and_nothing_twice() {
        let mut told = Told::from_now(at(0));
        let (one, two, late) = (place(1, 20_000), place(2, 20_500), place(3, 11_000));
        for new in [one, two, late] {
            assert!(told.is_new(new));
            told.note(new);
            assert!(!told.is_new(new));
        }
        assert!(!told.is_new(one) && !told.is_new(two));
        // Ten seconds and a half is too late, and so is what was before the beginning.
        assert_eq!(told.window(), at(10_500));
        assert!(told.is_new(place(4, 10_500)) && !told.is_new(place(5, 10_499)));
        assert!(!Told::from_now(at(1)).is_new(place(6, 0)));
    }

    #[test]
    fn who_comes_back_hears_what_is_new_and_what_was_late() {
        let mut told = Told::from_now(at(0));
        let places: Vec<DeliveryCursor> = (0..5).map(|n| place(n, 20_000 + n * 100)).collect();
        let (first, rest) = places.split_first().unwrap();
        told.note(*first);
        told.note(rest[3]);
        let id = told.position();
        let mut again = Told::after(&id).unwrap();
        assert!(!again.is_new(*first) && !again.is_new(rest[3]));
        assert!(rest[..3].iter().all(|late| again.is_new(*late)));
        assert!(again.is_new(place(9, 30_000)));
        // And once more, without an event in between having been heard of the first stream.
        again.note(rest[0]);
        let third = Told::after(&again.position()).unwrap();
        assert!([*first, rest[0], rest[3]].iter().all(|heard| !third.is_new(*heard)));
        assert!(third.is_new(rest[1]) && third.is_new(rest[2]));
    }

    #[test]
    fn who_comes_back_does_not_hear_what_was_before_the_beginning() {
        let mut told = Told::from_now(at(5_000));
        told.note(place(1, 6_000));
        let again = Told::after(&told.position()).unwrap();
        assert!(!again.is_new(place(2, 4_999)) && again.is_new(place(3, 5_000)));
    }

    #[test]
    fn it_stays_small() {
        let mut told = Told::from_now(at(0));
        for number in 0..20_000 {
            let new = place(number, number / 10);
            assert!(told.is_new(new), "{number}");
            told.note(new);
            assert!(told.lately.len() <= REMEMBERED);
        }
        assert!(told.position().len() < 300, "{}", told.position());
        assert!(Told::after(&told.position()).is_some());
    }

    #[test]
    fn other_texts_are_no_ids() {
        for wrong in ["", "x", "1", "AAAA", "not base 64", &"A".repeat(11), &"A".repeat(400)] {
            assert!(Told::after(wrong).is_none(), "{wrong}");
        }
        // Two bare times, with nothing told beside them.
        assert!(Told::after(&"A".repeat(22)).is_some());
    }
}
