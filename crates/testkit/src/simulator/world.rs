//! Virtual time, chance and the trace of one run. Time stands still while anything can run, and
//! moves to the next timer when nothing can.

use super::dice::Dice;
use super::weather::Weather;
use crate::memory_store::Order;
use async_trait::async_trait;
use domain::time::Timestamp;
use engine::ports::{Clock, Random};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A sleep of the gateway's clock that is longer than this is one of a worker that looks again
/// whether something is due. It may end late, when something is, so that hours without work cost
/// nothing.
const EXACT_BELOW: Duration = Duration::from_secs(1);

/// How a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing is due and nothing is under way.
    Quiet,
    /// There was still something to do when the time was over.
    TooLate,
    /// Somebody is so busy that time hardly moves.
    Runaway,
}

/// A run takes some thousands of steps; one that takes so many goes in circles.
const STEPS_AT_MOST: u64 = 200_000;

type Timers = BTreeMap<(Timestamp, u64), Waker>;

#[derive(Debug)]
struct State {
    now: Timestamp,
    dice: Dice,
    exact: Timers,
    lazy: Timers,
    timers: u64,
    steps: u64,
    fair_from: Timestamp,
    deadline: Option<(Timestamp, Waker)>,
    rest: Option<Rest>,
    trace: Vec<String>,
}

/// One run's world.
#[derive(Debug)]
pub struct World {
    /// Numbers all that happens.
    pub order: Arc<Order>,
    /// What goes wrong.
    pub weather: Weather,
    /// When it began.
    pub began: Timestamp,
    state: Mutex<State>,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> Arc<Self> {
        let mut dice = Dice::new(seed);
        let weather = Weather::draw(&mut dice);
        let began = Timestamp::from_micros(1_745_676_966_000_657);
        let state = State {
            now: began,
            dice,
            exact: Timers::new(),
            lazy: Timers::new(),
            timers: 0,
            steps: 0,
            fair_from: began.plus(weather.lasts),
            deadline: None,
            rest: None,
            trace: vec![format!("{weather:?}")],
        };
        Arc::new(Self { order: Arc::default(), weather, began, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now.
    pub fn time(&self) -> Timestamp {
        self.state().now
    }

    /// Throws the dice.
    pub fn draw<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.state().dice)
    }

    /// Whether troubles are over.
    pub fn is_fair(&self) -> bool {
        let state = self.state();
        state.now >= state.fair_from
    }

    /// Whether a trouble of this frequency strikes now.
    pub fn strikes(&self, per_mille: u64) -> bool {
        let mut state = self.state();
        per_mille > 0 && state.now < state.fair_from && state.dice.chance(per_mille)
    }

    /// Whether one of so many strikes now; none of 0.
    pub fn strikes_one_in(&self, many: u64) -> bool {
        let mut state = self.state();
        many > 0 && state.now < state.fair_from && state.dice.below(many) == 0
    }

    /// How long a message or a disk takes.
    pub fn latency(&self) -> Duration {
        if self.strikes(self.weather.slow) {
            return self.draw(|dice| dice.millis(500, 8_000));
        }
        self.draw(|dice| if dice.chance(50) { dice.millis(5, 200) } else { dice.millis(0, 5) })
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: &str) {
        let mut state = self.state();
        let at = state.now.since(self.began);
        state.trace.push(format!("{:>6}.{:06} {line}", at.as_secs(), at.subsec_micros()));
    }

    /// How often time was moved.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// The trace so far, and a digest of the whole of it.
    pub fn trace(&self) -> (Vec<String>, u64) {
        let state = self.state();
        let mut hasher = DefaultHasher::new();
        state.trace.hash(&mut hasher);
        (state.trace.clone(), hasher.finish())
    }

    /// Ends exactly so much later.
    pub fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        self.sleep_in(duration, Kind::Exact)
    }

    fn sleep_in(self: &Arc<Self>, duration: Duration, kind: Kind) -> Sleep {
        let mut state = self.state();
        state.timers += 1;
        let key = (state.now.plus(duration), state.timers);
        drop(state);
        Sleep { world: Arc::clone(self), key, kind }
    }

    /// Nothing can run: moves time to the next timer and wakes who waited for it. `due`: when
    /// background work has something to do; its pollers are not woken before.
    pub fn advance(&self, due: Option<Timestamp>) {
        let mut state = self.state();
        let first = |timers: &Timers| timers.keys().next().map(|(at, _number)| *at);
        let polled = first(&state.lazy).zip(due).map(|(poll, due)| poll.max(due));
        let next = first(&state.exact).into_iter().chain(polled).min();
        let deadline = state.deadline.as_ref().map(|(at, _waker)| *at);
        state.steps += 1;
        let rest = match (next, deadline) {
            (None, _) => Some(Rest::Quiet),
            (Some(_), _) if state.steps > STEPS_AT_MOST => Some(Rest::Runaway),
            (Some(next), Some(deadline)) if next > deadline => Some(Rest::TooLate),
            (Some(_), _) => None,
        };
        let mut wakers = Vec::new();
        if rest.is_some() {
            state.rest = rest;
            wakers.extend(state.deadline.take().map(|(_at, waker)| waker));
        } else if let Some(next) = next {
            state.now = state.now.max(next);
            let after = (state.now, u64::MAX);
            let later = state.exact.split_off(&after);
            wakers.extend(std::mem::replace(&mut state.exact, later).into_values());
            let later = state.lazy.split_off(&after);
            wakers.extend(std::mem::replace(&mut state.lazy, later).into_values());
        }
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }

    /// Ends when nothing is due and nothing under way, or when `deadline` has come.
    pub async fn rest(&self, deadline: Timestamp) -> Rest {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            if let Some(rest) = state.rest.take() {
                return Poll::Ready(rest);
            }
            state.deadline = Some((deadline, context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exact,
    Lazy,
}

/// A wait for virtual time.
#[derive(Debug)]
pub struct Sleep {
    world: Arc<World>,
    key: (Timestamp, u64),
    kind: Kind,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.state();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        let timers = match self.kind {
            Kind::Exact => &mut state.exact,
            Kind::Lazy => &mut state.lazy,
        };
        timers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = self.world.state();
        let waker = match self.kind {
            Kind::Exact => state.exact.remove(&self.key),
            Kind::Lazy => state.lazy.remove(&self.key),
        };
        // A waker may own the last of a task, and with it other sleeps.
        drop(state);
        drop(waker);
    }
}

/// The gateway's clock.
#[derive(Debug)]
pub struct WorldClock(pub Arc<World>);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.time()
    }

    async fn sleep(&self, duration: Duration) {
        let kind = if duration < EXACT_BELOW { Kind::Exact } else { Kind::Lazy };
        self.0.sleep_in(duration, kind).await;
    }
}

/// The gateway's randomness.
#[derive(Debug)]
pub struct WorldRandom(pub Arc<World>);

impl Random for WorldRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let drawn = self.0.draw(Dice::next).to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}
