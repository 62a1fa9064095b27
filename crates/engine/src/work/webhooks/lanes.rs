//! Which deliveries are sent next: a lane for each destination, and a pause for one that fails.
//! Pure: it is told the time, what waits and what came of it, and says what to claim and to send.
//!
//! Lanes are of four classes by what is known of their receivers, and each class has places of its
//! own, so that receivers that never answer wait for each other and nobody else waits for them.

use super::turns::Turns;
use domain::delivery::{Destination, DueDelivery, DueDestination};
use domain::id::{MerchantId, PaymentId};
use domain::schedule;
use domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Attempts in flight at once, whatever the class: a lane that turns slow takes the places that it
/// has along, so that classes may have more than their own for a while.
const IN_FLIGHT: u32 = 512;
/// A receiver that answers within this time is prompt. Also how long an attempt may be under way
/// before its lane no longer counts as prompt.
const PROMPT: Duration = Duration::from_secs(1);
/// Lanes that wait get at least so many places in a claim if they may have them, so that one with
/// much to send does not ask for each delivery alone.
const ASKED_AT_LEAST: u32 = 4;
/// Lanes that are kept in memory. Beyond, those that are paused for longest are forgotten, and a
/// walk over the queues finds them again.
const LANES_AT_MOST: usize = 50_000;
/// A lane without work is forgotten after this time; its receiver is then as new.
const IDLE_AT_MOST: Duration = Duration::from_mins(10);
/// A claimed delivery that waits for an earlier one of its payment is not sent later than this: its
/// lease must outlast the post.
const FRESH: Duration = Duration::from_secs(2);
/// How long a lane rests when what became of it could not be recorded.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// What is known of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// It acknowledged the last attempt, within a second.
    Prompt,
    /// Nothing.
    New,
    /// It acknowledges, but takes its time.
    Slow,
    /// The last attempt failed.
    Failing,
}

/// How many attempts may be in flight.
struct Limits {
    /// In all lanes of the class.
    all: u32,
    /// In those of one merchant.
    merchant: u32,
    /// In one lane.
    lane: u32,
}

impl Class {
    const ALL: [Self; 4] = [Self::Prompt, Self::New, Self::Slow, Self::Failing];

    const fn limits(self) -> Limits {
        match self {
            // Each of these places sends at least one a second, and one receiver may have enough
            // of them to drain a backlog as fast as the database can record it.
            Self::Prompt => Limits { all: 320, merchant: 160, lane: 128 },
            // Many of these may be dead, and hold a place until the post times out.
            Self::New => Limits { all: 96, merchant: 24, lane: 4 },
            Self::Slow => Limits { all: 48, merchant: 24, lane: 16 },
            // One at a time, to see whether it is back.
            Self::Failing => Limits { all: 48, merchant: 12, lane: 1 },
        }
    }
}

/// What came of a delivery that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver acknowledged it, or said that it wants no more of it.
    Answered,
    /// It did not.
    Failed {
        /// For how long it asked to be left alone.
        asked: Option<Duration>,
        /// The delivery has had its time already.
        overdue: bool,
    },
    /// The receiver was not asked.
    NotSent,
    /// Something of our own failed.
    Broken,
}

/// A receiver that is left alone for a while.
#[derive(Clone, Copy, Debug)]
struct Pause {
    since: Timestamp,
    until: Timestamp,
    /// It asked for it.
    asked: bool,
}

#[derive(Debug)]
struct Lane {
    merchant: MerchantId,
    class: Class,
    /// Failures since the last acknowledgement.
    failures: u32,
    /// Pauses since then.
    pauses: u32,
    pause: Option<Pause>,
    /// Places that it has.
    taken: u32,
    /// A claim for it is under way.
    is_asked: bool,
    /// There may be something due.
    has_more: bool,
    /// It waits for its turn.
    waits: bool,
    used_at: Timestamp,
}

impl Lane {
    const fn new(merchant: MerchantId, class: Class, now: Timestamp) -> Self {
        Self {
            merchant,
            class,
            failures: 0,
            pauses: 0,
            pause: None,
            taken: 0,
            is_asked: false,
            has_more: false,
            waits: false,
            used_at: now,
        }
    }

    /// A pause from the future is of a clock that was put back.
    fn is_paused(&self, now: Timestamp) -> bool {
        self.pause.is_some_and(|pause| pause.since <= now && now < pause.until)
    }

    const fn room(&self) -> u32 {
        self.class.limits().lane.saturating_sub(self.taken)
    }

    /// Whether it should be asked for more: in portions of a quarter of its places, so that a
    /// claim is not made for each delivery.
    fn is_ready(&self, now: Timestamp) -> bool {
        let portion = self.class.limits().lane.div_ceil(4);
        self.has_more && !self.is_asked && self.room() >= portion && !self.is_paused(now)
    }

    fn is_idle(&self) -> bool {
        self.taken == 0 && !self.is_asked && !self.has_more && !self.waits
    }
}

/// A delivery that was claimed and waits until an earlier one of its payment has been tried.
#[derive(Debug)]
struct Held {
    claimed_at: Timestamp,
    delivery: DueDelivery,
}

/// An attempt in flight, and what waits for it.
#[derive(Debug)]
struct InFlight {
    began: Timestamp,
    then: VecDeque<Held>,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_destination: BTreeMap<Destination, Lane>,
    turns: BTreeMap<Class, Turns>,
    taken: u32,
    /// Lanes by the end of their pauses.
    paused: BTreeSet<(Timestamp, Destination)>,
    /// Two deliveries of a payment are not in flight to one destination at once.
    in_flight: BTreeMap<(Destination, PaymentId), InFlight>,
    /// Attempts to receivers that were prompt, by when they began.
    began: VecDeque<(Timestamp, Destination, PaymentId)>,
}

impl Lanes {
    /// Something new waits for a destination.
    pub(super) fn told(&mut self, destination: Destination, merchant: MerchantId, now: Timestamp) {
        self.admit(destination, merchant, Class::New, now);
    }

    /// A walk found something due.
    pub(super) fn found(&mut self, due: DueDestination, now: Timestamp) {
        let class = if due.attempts > 0 { Class::Failing } else { Class::New };
        self.admit(due.destination, due.merchant, class, now);
    }

    /// Marks a lane as having work; one that is not known is of this class.
    fn admit(&mut self, destination: Destination, whose: MerchantId, class: Class, now: Timestamp) {
        if !self.by_destination.contains_key(&destination) {
            if self.by_destination.len() >= LANES_AT_MOST && !self.forget_one() {
                return;
            }
            self.by_destination.insert(destination, Lane::new(whose, class, now));
        }
        if let Some(lane) = self.by_destination.get_mut(&destination) {
            lane.has_more = true;
            lane.used_at = now;
        }
        self.consider(destination, now);
    }

    /// Forgets the lane whose pause lasts longest.
    fn forget_one(&mut self) -> bool {
        while let Some((_until, destination)) = self.paused.pop_last() {
            if self.by_destination.get(&destination).is_some_and(|lane| lane.taken == 0) {
                self.by_destination.remove(&destination);
                return true;
            }
        }
        false
    }

    /// Puts a lane into its turn when it has something to send and may.
    fn consider(&mut self, destination: Destination, now: Timestamp) {
        if let Some(lane) = self.by_destination.get_mut(&destination)
            && !lane.waits
            && lane.is_ready(now)
        {
            lane.waits = true;
            self.turns.entry(lane.class).or_default().wait(lane.merchant, destination);
        }
    }

    /// To be told whenever it is looked at: pauses end, and receivers turn out to be slow.
    pub(super) fn time_is(&mut self, now: Timestamp) {
        self.end_pauses(now);
        self.notice_slow_ones(now);
    }

    /// What to claim now: from which queues, and how many at most. [`Lanes::claimed`] must hear of
    /// each.
    pub(super) fn choose(&mut self, now: Timestamp) -> Vec<(Destination, u32)> {
        let mut wanted = Vec::new();
        for class in Class::ALL {
            self.choose_of(class, now, &mut wanted);
        }
        wanted
    }

    fn choose_of(&mut self, class: Class, now: Timestamp, wanted: &mut Vec<(Destination, u32)>) {
        let limits = class.limits();
        let turns = self.turns.entry(class).or_default();
        let share = turns.left(limits.all).checked_div(turns.waiting()).unwrap_or(0);
        let share = share.max(ASKED_AT_LEAST);
        // Each waiting lane has its turn once; one that moved to another class meanwhile waits
        // there.
        for _lane in 0..turns.waiting() {
            let free = IN_FLIGHT.saturating_sub(self.taken);
            if free == 0 {
                return;
            }
            let turns = self.turns.entry(class).or_default();
            let Some(turn) = turns.next(limits.all, limits.merchant) else { return };
            let Some(lane) = self.by_destination.get_mut(&turn.destination) else { continue };
            lane.waits = false;
            if lane.class != class || !lane.is_ready(now) {
                self.consider(turn.destination, now);
                continue;
            }
            let many = turn.places.min(lane.room()).min(share).min(free);
            lane.is_asked = true;
            lane.has_more = false;
            lane.used_at = now;
            self.take(turn.destination, many);
            wanted.push((turn.destination, many));
        }
    }

    /// What was claimed of what was wanted; the claim was answered now. What is to be sent at once.
    pub(super) fn claimed(
        &mut self,
        wanted: &[(Destination, u32)],
        claimed: Vec<DueDelivery>,
        now: Timestamp,
    ) -> Vec<DueDelivery> {
        let mut counts: BTreeMap<Destination, u32> = BTreeMap::new();
        for delivery in &claimed {
            let count = counts.entry(delivery.destination).or_default();
            *count = count.saturating_add(1);
        }
        for (destination, many) in wanted {
            let count = counts.get(destination).copied().unwrap_or(0);
            self.free(*destination, many.saturating_sub(count));
            if let Some(lane) = self.by_destination.get_mut(destination) {
                lane.is_asked = false;
                lane.has_more |= count >= *many;
            }
        }
        let mut send = Vec::new();
        for delivery in claimed {
            send.extend(self.begin_or_hold(delivery, now));
        }
        for (destination, _many) in wanted {
            self.consider(*destination, now);
        }
        send
    }

    fn begin_or_hold(&mut self, delivery: DueDelivery, now: Timestamp) -> Option<DueDelivery> {
        let destination = delivery.destination;
        let key = (destination, delivery.id.payment);
        if self.by_destination.get(&destination).is_some_and(|lane| lane.is_paused(now)) {
            // It began meanwhile. The delivery is due again when its lease ends.
            self.free(destination, 1);
            return None;
        }
        if let Some(ahead) = self.in_flight.get_mut(&key) {
            ahead.then.push_back(Held { claimed_at: now, delivery });
            return None;
        }
        self.begin(key, VecDeque::new(), now);
        Some(delivery)
    }

    fn begin(&mut self, key: (Destination, PaymentId), then: VecDeque<Held>, now: Timestamp) {
        self.in_flight.insert(key, InFlight { began: now, then });
        if self.by_destination.get(&key.0).is_some_and(|lane| lane.class == Class::Prompt) {
            self.began.push_back((now, key.0, key.1));
        }
    }

    /// A delivery that was to be sent is over, after this long. What is to be sent in its place.
    /// `jitter` is any number.
    pub(super) fn ended(
        &mut self,
        (destination, payment): (Destination, PaymentId),
        outcome: Outcome,
        now: Timestamp,
        jitter: u32,
    ) -> Option<DueDelivery> {
        let ended = self.in_flight.remove(&(destination, payment))?;
        match outcome {
            Outcome::Answered => self.answered(destination, now.since(ended.began), now),
            Outcome::Failed { asked, overdue } => {
                self.failed(destination, asked, now);
                self.pause_after_failures(destination, (ended.began, overdue), now, jitter);
            }
            Outcome::NotSent => {}
            Outcome::Broken => {
                let until = now.plus(AFTER_TROUBLE);
                self.pause(destination, Pause { since: now, until, asked: false });
            }
        }
        self.free(destination, 1);
        let next = self.next_in_order(destination, payment, ended.then, now);
        self.consider(destination, now);
        next
    }

    /// The next of those that waited for an earlier one of their payment; those that cannot be
    /// sent in time are due again when their leases end.
    fn next_in_order(
        &mut self,
        destination: Destination,
        payment: PaymentId,
        mut then: VecDeque<Held>,
        now: Timestamp,
    ) -> Option<DueDelivery> {
        let is_paused =
            self.by_destination.get(&destination).is_some_and(|lane| lane.is_paused(now));
        while let Some(held) = then.pop_front() {
            if is_paused || now.since(held.claimed_at) > FRESH {
                self.free(destination, 1);
                continue;
            }
            self.begin((destination, payment), then, now);
            return Some(held.delivery);
        }
        None
    }

    fn answered(&mut self, destination: Destination, took: Duration, now: Timestamp) {
        self.set_class(destination, if took <= PROMPT { Class::Prompt } else { Class::Slow });
        let Some(lane) = self.by_destination.get_mut(&destination) else { return };
        lane.failures = 0;
        lane.pauses = 0;
        if let Some(pause) = lane.pause
            && !(pause.asked && lane.is_paused(now))
        {
            lane.pause = None;
            // What waited behind the pause flows.
            lane.has_more = true;
            self.paused.remove(&(pause.until, destination));
        }
    }

    fn failed(&mut self, destination: Destination, asked: Option<Duration>, now: Timestamp) {
        self.set_class(destination, Class::Failing);
        let Some(lane) = self.by_destination.get_mut(&destination) else { return };
        lane.failures = lane.failures.saturating_add(1);
        if let Some(asked) = asked {
            let until = now.plus(asked.min(schedule::LONGEST_PAUSE));
            self.pause(destination, Pause { since: now, until, asked: true });
        }
    }

    /// In the place of an earlier pause, unless that one lasts longer.
    fn pause(&mut self, destination: Destination, pause: Pause) {
        let Some(lane) = self.by_destination.get_mut(&destination) else { return };
        if let Some(before) = lane.pause {
            if lane.is_paused(pause.since) && before.until >= pause.until {
                return;
            }
            self.paused.remove(&(before.until, destination));
        }
        lane.pause = Some(pause);
        self.paused.insert((pause.until, destination));
    }

    /// Attempts that began before the last pause did tell nothing new.
    fn pause_after_failures(
        &mut self,
        destination: Destination,
        (began, overdue): (Timestamp, bool),
        now: Timestamp,
        jitter: u32,
    ) {
        let Some(lane) = self.by_destination.get_mut(&destination) else { return };
        let is_old = lane.pause.is_some_and(|pause| began < pause.since || now < pause.until);
        if is_old || lane.failures < schedule::FAILURES_UNTIL_A_PAUSE {
            return;
        }
        lane.pauses = lane.pauses.saturating_add(1);
        // What has had its time and was never tried is tried once, soon, so that it comes to an
        // end however much there is of it.
        let pauses = if overdue { 1 } else { lane.pauses };
        let until = now.plus(schedule::until_probe(pauses, jitter));
        self.pause(destination, Pause { since: now, until, asked: false });
    }

    /// Lanes whose pause is over are looked at.
    fn end_pauses(&mut self, now: Timestamp) {
        while let Some((until, destination)) = self.paused.first().copied() {
            if until > now {
                return;
            }
            self.paused.pop_first();
            if let Some(lane) = self.by_destination.get_mut(&destination) {
                lane.has_more = true;
            }
            self.consider(destination, now);
        }
    }

    /// A receiver that was prompt and keeps an attempt waiting no longer takes the places of those
    /// that are.
    fn notice_slow_ones(&mut self, now: Timestamp) {
        while let Some((began, destination, payment)) = self.began.front().copied() {
            if now.since(began) <= PROMPT {
                return;
            }
            self.began.pop_front();
            let attempt = self.in_flight.get(&(destination, payment));
            let waits = attempt.is_some_and(|attempt| attempt.began == began);
            let lane = self.by_destination.get(&destination);
            if waits && lane.is_some_and(|lane| lane.class == Class::Prompt) {
                self.set_class(destination, Class::Slow);
            }
        }
    }

    /// A lane takes its places along.
    fn set_class(&mut self, destination: Destination, class: Class) {
        let Some(lane) = self.by_destination.get_mut(&destination) else { return };
        if lane.class != class {
            self.turns.entry(lane.class).or_default().free(lane.merchant, lane.taken);
            self.turns.entry(class).or_default().take(lane.merchant, lane.taken);
            lane.class = class;
        }
    }

    fn take(&mut self, destination: Destination, places: u32) {
        if let Some(lane) = self.by_destination.get_mut(&destination) {
            lane.taken = lane.taken.saturating_add(places);
            self.taken = self.taken.saturating_add(places);
            self.turns.entry(lane.class).or_default().take(lane.merchant, places);
        }
    }

    fn free(&mut self, destination: Destination, places: u32) {
        if let Some(lane) = self.by_destination.get_mut(&destination) {
            lane.taken = lane.taken.saturating_sub(places);
            self.taken = self.taken.saturating_sub(places);
            self.turns.entry(lane.class).or_default().free(lane.merchant, places);
        }
    }

    /// Forgets lanes that had nothing to do for long.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        self.by_destination.retain(|_destination, lane| {
            let is_old = now.since(lane.used_at) > IDLE_AT_MOST;
            !(is_old && lane.is_idle() && !lane.is_paused(now))
        });
    }

    /// When a pause ends next.
    pub(super) fn next_pause_ends(&self) -> Option<Timestamp> {
        self.paused.first().map(|(until, _destination)| *until)
    }

    /// Attempts in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Receivers that are left alone for a while.
    pub(super) fn paused(&self) -> usize {
        self.paused.len()
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
