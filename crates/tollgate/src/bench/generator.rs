//! The load generator: one thread that waits for readiness of non-blocking sockets, with neither a
//! task nor a timer for a client and no allocation for a request, so that it takes little from the
//! cores it shares with the server.
//!
//! A closed loop has so many clients, each with one request at a time: it finds out how much the
//! server can do. Who is told to come again later does so. An open loop sends at a fixed rate whatever the answers take, and times each
//! request from the moment at which it was due to be sent: what is due while all connections are
//! busy waits, and its waiting counts.

use super::connection::{Connection, Heard, Receiver};
use super::latencies::Latencies;
use super::timer::Timer;
use super::work::{Kind, Next, Requests, Step, TransId};
use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::ClockId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::time::Duration;
use tokio::time::Instant;

/// How long what was begun, or was due, may take after the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The server closes idle connections after ten seconds; one that was idle for so long is opened
/// anew before it can be closed under a request.
const IDLE_AT_MOST: Duration = Duration::from_secs(5);

const TIMER: Token = Token(0);
const HOOKS: Token = Token(1);
const FIRST: usize = 2;

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Each client has one request at a time.
    Closed,
    /// At a fixed rate.
    Open {
        /// Units of work a second.
        per_second: u64,
    },
}

/// Clients that do the same.
#[derive(Debug)]
pub(super) struct Group {
    /// The nodes that they are spread over.
    pub(super) targets: Vec<SocketAddr>,
    /// Connections.
    pub(super) clients: usize,
    /// When they send.
    pub(super) pace: Pace,
    /// What they send.
    pub(super) requests: Requests,
}

/// What came of a group's work.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// Units of work that ended within the measured time, per second.
    pub(super) per_second: u64,
    /// What was not answered as it should be, and webhooks that did not come.
    pub(super) errors: u64,
    /// The first of them, in words.
    pub(super) first_error: Option<String>,
    /// Units that ended, the warm-up's included: what the server's CPU time is divided by.
    pub(super) done_in_all: u64,
    /// Requests that were answered, the warm-up's included: what the generator's CPU time is
    /// divided by.
    pub(super) requests: u64,
    /// Units that were due and for which no connection was free until [`PATIENCE`] after the end;
    /// their waiting counts until then.
    pub(super) unsent: u64,
    /// New payments that there was no room for, and how long it took to be told so. A client of a
    /// closed loop comes again when its answer says, as merchants' servers do.
    pub(super) turned_away: Latencies,
    /// CPU time of the generator, for all groups together.
    pub(super) generator_cpu: Duration,
    /// Numbers of payments that were made, up to [`REMEMBERED`].
    pub(super) payments: Vec<TransId>,
    /// By [`Kind::place`].
    latencies: [Latencies; 4],
    ended_within: u64,
}

/// Payments whose numbers are kept.
pub(super) const REMEMBERED: usize = 100_000;

impl Measured {
    /// Of all kinds together.
    pub(super) fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        self.latencies.iter().for_each(|one| all.add_all(one));
        all
    }

    /// Of one kind.
    pub(super) fn latencies_of(&self, kind: Kind) -> Option<&Latencies> {
        self.latencies.get(kind.place())
    }

    fn wrong(&mut self, why: impl FnOnce() -> String) {
        self.errors = self.errors.saturating_add(1);
        self.first_error.get_or_insert_with(why);
    }
}

/// A unit of work that is under way.
#[derive(Clone, Copy, Debug)]
struct Unit {
    kind: Kind,
    step: Step,
    /// When it was due.
    due: Instant,
    payment: TransId,
}

#[derive(Debug)]
struct Client {
    group: usize,
    target: SocketAddr,
    connection: Connection,
    unit: Option<Unit>,
    /// When its connection was last used.
    used_at: Instant,
}

/// A group at work.
#[derive(Debug)]
struct Running {
    pace: Pace,
    requests: Requests,
    idle: VecDeque<usize>,
    /// Units of an open loop that were begun.
    begun: u64,
    measured: Measured,
}

/// When it began, from when on what happens counts, and until when.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    from: Instant,
    until: Instant,
}

impl Window {
    fn contains(&self, at: Instant) -> bool {
        self.from <= at && at <= self.until
    }

    /// When a unit of an open loop is due; none when that is after the end.
    fn due(&self, number: u64, per_second: u64) -> Option<Instant> {
        let nanos = number.saturating_mul(1_000_000_000).checked_div(per_second)?;
        let due = self.began + Duration::from_nanos(nanos);
        (due < self.until).then_some(due)
    }
}

/// A load that is about to be run.
#[derive(Debug)]
pub(super) struct Generator {
    poll: Poll,
    timer: Timer,
    armed_for: Option<Instant>,
    hooks: TcpListener,
    receivers: Vec<Option<Receiver>>,
    clients: Vec<Client>,
    groups: Vec<Running>,
    /// Payments that wait for their webhook: whose they are, and when they were due.
    awaiting: BTreeMap<TransId, (usize, Instant)>,
    /// Clients whose connection broke.
    broken: Vec<usize>,
    /// Clients of closed loops that were told to come again later, and when.
    resting: BTreeSet<(Instant, usize)>,
    busy: usize,
    patience: Duration,
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn text(error: std::io::Error) -> String {
    error.to_string()
}

/// Microseconds between two moments.
pub(super) fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u32::MAX)
}

/// CPU time of the thread that asks.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}

impl Generator {
    pub(super) fn new() -> Result<Self, String> {
        let poll = Poll::new().map_err(text)?;
        let timer = Timer::for_poll().map_err(text)?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut hooks = TcpListener::bind(any_port).map_err(text)?;
        let registry = poll.registry();
        let timer_source = timer.as_raw_fd();
        registry.register(&mut SourceFd(&timer_source), TIMER, Interest::READABLE).map_err(text)?;
        registry.register(&mut hooks, HOOKS, Interest::READABLE).map_err(text)?;
        Ok(Self {
            poll,
            timer,
            armed_for: None,
            hooks,
            receivers: Vec::new(),
            clients: Vec::new(),
            groups: Vec::new(),
            awaiting: BTreeMap::new(),
            broken: Vec::new(),
            resting: BTreeSet::new(),
            busy: 0,
            patience: PATIENCE,
        })
    }

    /// Where webhooks are received while the load runs.
    pub(super) fn hook_url(&self) -> Result<String, String> {
        Ok(format!("http://{}/hook", self.hooks.local_addr().map_err(text)?))
    }

    /// Runs all groups side by side for the warm-up and then the measured time.
    pub(super) fn run(
        mut self,
        groups: Vec<Group>,
        warm_up: Duration,
        duration: Duration,
    ) -> Result<Vec<Measured>, String> {
        for group in groups {
            self.connect(group)?;
        }
        let began = Instant::now();
        let from = began + warm_up;
        let window = Window { began, from, until: from + duration };
        let cpu = thread_cpu();
        for number in 0..self.clients.len() {
            self.rest_or_go_on(number, began, window);
        }
        let mut events = Events::with_capacity(1024);
        loop {
            let now = Instant::now();
            self.mend_broken(now, window)?;
            self.wake_rested(now, window);
            self.begin_what_is_due(now, window);
            if self.is_over(now, window) {
                break;
            }
            self.arm(now, window)?;
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled.map_err(text)?,
            }
            for event in &events {
                self.look_at(event.token(), window)?;
            }
        }
        let cpu = thread_cpu().saturating_sub(cpu);
        Ok(self.finish(window, duration, cpu))
    }

    fn connect(&mut self, group: Group) -> Result<(), String> {
        let Group { targets, clients, pace, requests } = group;
        let number = self.groups.len();
        for target in targets.iter().copied().cycle().take(clients) {
            let token = Token(self.clients.len().saturating_add(FIRST));
            let connection = Connection::open(target, token, self.poll.registry())
                .map_err(|error| format!("the gateway at {target} was not reached: {error}"))?;
            let used_at = Instant::now();
            self.clients.push(Client { group: number, target, connection, unit: None, used_at });
        }
        let measured = Measured::default();
        let idle = VecDeque::with_capacity(clients);
        self.groups.push(Running { pace, requests, idle, begun: 0, measured });
        Ok(())
    }

    fn look_at(&mut self, token: Token, window: Window) -> Result<(), String> {
        match token {
            TIMER => {
                self.timer.read();
                self.armed_for = None;
                Ok(())
            }
            HOOKS => self.accept_receivers(),
            Token(token) => {
                let number = token.saturating_sub(FIRST);
                match number.checked_sub(self.clients.len()) {
                    None => self.serve_client(number, window),
                    Some(number) => self.serve_receiver(number, window),
                }
                Ok(())
            }
        }
    }

    /// Wakes the loop when the next unit is due, or the time is over.
    fn arm(&mut self, now: Instant, window: Window) -> Result<(), String> {
        let next =
            self.groups.iter().filter(|group| !group.idle.is_empty()).filter_map(
                |group| match group.pace {
                    Pace::Closed => None,
                    Pace::Open { per_second } => window.due(group.begun, per_second),
                },
            );
        let end = if now < window.until { window.until } else { window.until + self.patience };
        let rested = self.resting.first().map(|(at, _client)| *at);
        let wanted = next.chain(rested).fold(end, Instant::min);
        if self.armed_for == Some(wanted) {
            return Ok(());
        }
        self.armed_for = Some(wanted);
        self.timer.arm(wanted.saturating_duration_since(now)).map_err(text)
    }

    /// Those who have waited as long as they were told.
    fn wake_rested(&mut self, now: Instant, window: Window) {
        while let Some((at, number)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.resting.remove(&(at, number));
            self.rest_or_go_on(number, now, window);
        }
    }

    /// Units of open loops, as long as there are free connections.
    fn begin_what_is_due(&mut self, now: Instant, window: Window) {
        for group in 0..self.groups.len() {
            while let Some((client, due)) = self.next_due(group, now, window) {
                self.begin(client, due, now);
            }
        }
    }

    fn next_due(&mut self, group: usize, now: Instant, window: Window) -> Option<(usize, Instant)> {
        let group = self.groups.get_mut(group)?;
        let Pace::Open { per_second } = group.pace else { return None };
        let due = window.due(group.begun, per_second).filter(|due| *due <= now)?;
        let client = group.idle.pop_front()?;
        group.begun = group.begun.saturating_add(1);
        Some((client, due))
    }

    fn is_over(&self, now: Instant, window: Window) -> bool {
        let waits = |group: &Running| match group.pace {
            Pace::Closed => false,
            Pace::Open { per_second } => window.due(group.begun, per_second).is_some(),
        };
        let ended = now >= window.until
            && self.busy == 0
            && self.awaiting.is_empty()
            && !self.groups.iter().any(waits);
        ended || now >= window.until + self.patience
    }

    /// Begins a unit of work.
    fn begin(&mut self, number: usize, due: Instant, now: Instant) {
        let Some(client) = self.clients.get_mut(number) else { return };
        let Some(group) = self.groups.get_mut(client.group) else { return };
        self.busy = self.busy.saturating_add(1);
        let kind = group.requests.begin(client.connection.request());
        client.unit = Some(Unit { kind, step: Step::First, due, payment: [b'0'; 18] });
        let idle = now.saturating_duration_since(client.used_at) > IDLE_AT_MOST;
        client.used_at = now;
        if idle || client.connection.is_closed() {
            let opened = client.connection.open_again(client.target, self.poll.registry());
            if opened.is_err() {
                self.broken.push(number);
                return;
            }
        }
        self.send(number);
    }

    fn send(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number) else { return };
        if client.connection.send().is_err() {
            self.broken.push(number);
        }
    }

    fn serve_client(&mut self, number: usize, window: Window) {
        let Some(client) = self.clients.get_mut(number) else { return };
        match client.connection.advance() {
            Heard::Nothing => {}
            Heard::Closed if client.unit.is_none() => {}
            Heard::Closed => self.broken.push(number),
            Heard::Answer => self.answered(number, window),
        }
    }

    fn answered(&mut self, number: usize, window: Window) {
        let now = Instant::now();
        let Some(client) = self.clients.get_mut(number) else { return };
        let Some(group) = self.groups.get_mut(client.group) else { return };
        let Some(unit) = &mut client.unit else { return };
        client.used_at = now;
        group.measured.requests = group.measured.requests.saturating_add(1);
        let (status, body) = client.connection.answer();
        match group.requests.judge((unit.kind, unit.step), status, body, &mut unit.payment) {
            Next::Request(step) => {
                unit.step = step;
                if step == Step::AnswerChallenge {
                    // Before the answer to the challenge, for the webhook may be faster than it.
                    self.awaiting.insert(unit.payment, (client.group, unit.due));
                }
                group.requests.go_on(step, &unit.payment, client.connection.request());
                self.send(number);
                return;
            }
            Next::Done => {
                let Unit { kind, due, payment, .. } = *unit;
                if kind == Kind::Create && group.measured.payments.len() < REMEMBERED {
                    group.measured.payments.push(payment);
                }
                if kind != Kind::Life {
                    group.record(kind, due, now, window);
                }
            }
            Next::TurnedAway => {
                if window.contains(now) {
                    group.measured.turned_away.add(micros(unit.due, now));
                }
                if let (Pace::Closed, Some(after)) = (group.pace, client.connection.retry_after()) {
                    self.resting.insert((now + after, number));
                    self.end_unit(number);
                    return;
                }
            }
            Next::Wrong => {
                let Unit { kind, step, payment, .. } = *unit;
                self.awaiting.remove(&payment);
                group.measured.wrong(|| {
                    let body: String = String::from_utf8_lossy(body).chars().take(300).collect();
                    format!("{kind:?} ({step:?}) was answered {status}: {body}")
                });
            }
        }
        self.end_unit(number);
        self.rest_or_go_on(number, now, window);
    }

    fn end_unit(&mut self, number: usize) {
        if self.clients.get_mut(number).is_some_and(|client| client.unit.take().is_some()) {
            self.busy = self.busy.saturating_sub(1);
        }
    }

    /// The next unit of a closed loop at once; a client of an open one waits until something is due.
    fn rest_or_go_on(&mut self, number: usize, now: Instant, window: Window) {
        let Some(client) = self.clients.get(number) else { return };
        let Some(group) = self.groups.get_mut(client.group) else { return };
        match group.pace {
            Pace::Closed if now < window.until => self.begin(number, now, now),
            Pace::Closed => {}
            Pace::Open { .. } => group.idle.push_back(number),
        }
    }

    /// What was under way on broken connections was not answered; they are opened anew.
    fn mend_broken(&mut self, now: Instant, window: Window) -> Result<(), String> {
        // Those that break while these are mended wait for the next time.
        for number in std::mem::take(&mut self.broken) {
            let Some(client) = self.clients.get_mut(number) else { continue };
            let Some(unit) = client.unit.filter(|_unit| client.connection.is_closed()) else {
                continue;
            };
            if let Some(group) = self.groups.get_mut(client.group) {
                group.measured.wrong(|| {
                    format!("{:?} ({:?}): the connection was closed", unit.kind, unit.step)
                });
            }
            self.awaiting.remove(&unit.payment);
            let target = client.target;
            client
                .connection
                .open_again(target, self.poll.registry())
                .map_err(|error| format!("the gateway at {target} was not reached: {error}"))?;
            self.end_unit(number);
            self.rest_or_go_on(number, now, window);
        }
        Ok(())
    }

    fn accept_receivers(&mut self) -> Result<(), String> {
        loop {
            let stream = match self.hooks.accept() {
                Ok((stream, _peer)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("webhooks cannot be received: {error}")),
            };
            let free = self.receivers.iter().position(Option::is_none);
            let place = free.unwrap_or(self.receivers.len());
            let token = Token(place.saturating_add(self.clients.len()).saturating_add(FIRST));
            let receiver = Receiver::new(stream, token, self.poll.registry()).map_err(text)?;
            match self.receivers.get_mut(place) {
                Some(place) => *place = Some(receiver),
                None => self.receivers.push(Some(receiver)),
            }
        }
    }

    fn serve_receiver(&mut self, number: usize, window: Window) {
        let Self { receivers, groups, awaiting, .. } = self;
        let Some(place) = receivers.get_mut(number) else { return };
        let Some(receiver) = place else { return };
        let open = receiver.serve(|request| {
            let payment = groups.first().and_then(|group| group.requests.find_trans_id(request));
            let Some(payment) = payment else { return };
            let Some((group, due)) = awaiting.remove(&payment) else { return };
            if let Some(group) = groups.get_mut(group) {
                group.record(Kind::Life, due, Instant::now(), window);
            }
        });
        if !open {
            *place = None;
        }
    }

    fn finish(self, window: Window, duration: Duration, cpu: Duration) -> Vec<Measured> {
        let Self { clients, mut groups, awaiting, patience, .. } = self;
        for client in &clients {
            if let (Some(unit), Some(group)) = (client.unit, groups.get_mut(client.group)) {
                group.measured.wrong(|| {
                    format!("{:?} ({:?}) was not answered in {patience:?}", unit.kind, unit.step)
                });
            }
        }
        for (group, _due) in awaiting.values() {
            if let Some(group) = groups.get_mut(*group) {
                group.measured.wrong(|| "a webhook did not come".to_owned());
            }
        }
        let now = Instant::now();
        let finished = |mut group: Running| {
            group.count_unsent(now, window);
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            let ended = group.measured.ended_within.saturating_mul(1000);
            group.measured.per_second = ended.checked_div(millis).unwrap_or(0);
            group.measured.generator_cpu = cpu;
            group.measured
        };
        groups.into_iter().map(finished).collect()
    }
}

impl Running {
    fn record(&mut self, kind: Kind, due: Instant, now: Instant, window: Window) {
        self.measured.done_in_all = self.measured.done_in_all.saturating_add(1);
        if window.contains(now) {
            self.measured.ended_within = self.measured.ended_within.saturating_add(1);
        }
        // An open loop judges what was due within the time, however late it ended.
        let counts = match self.pace {
            Pace::Closed => window.contains(now),
            Pace::Open { .. } => window.from <= due,
        };
        if counts && let Some(latencies) = self.measured.latencies.get_mut(kind.place()) {
            latencies.add(micros(due, now));
        }
    }

    fn count_unsent(&mut self, now: Instant, window: Window) {
        let Pace::Open { per_second } = self.pace else { return };
        while let Some(due) = window.due(self.begun, per_second) {
            self.begun = self.begun.saturating_add(1);
            self.measured.unsent = self.measured.unsent.saturating_add(1);
            if window.from <= due
                && let Some(latencies) = self.measured.latencies.first_mut()
            {
                latencies.add(micros(due, now));
            }
        }
    }
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
