//! Closed-loop load: so many clients, each with one request at a time.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

use super::http::{self, Connection};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::Instant;

/// What each client does, over and over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// `GET /healthz`.
    Health,
    /// `POST /api/s2s` with a new reference.
    Create,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) per_second: u64,
    pub(super) errors: u64,
    /// Warm-up included: what the server's CPU time is divided by.
    pub(super) answered_in_all: u64,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
}

impl Measured {
    /// From the latencies of what ended inside the measured time.
    pub(super) fn new(
        mut latencies: Vec<u32>,
        errors: u64,
        answered_in_all: u64,
        took: Duration,
    ) -> Self {
        latencies.sort_unstable();
        let count = u64::try_from(latencies.len()).unwrap_or(u64::MAX);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let per_second = count.saturating_mul(1000).checked_div(millis).unwrap_or(0);
        Self { per_second, errors, answered_in_all, latencies }
    }

    /// In milliseconds.
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let place = self.latencies.len().saturating_mul(percent) / 100;
        let place = place.min(self.latencies.len().saturating_sub(1));
        super::milliseconds(self.latencies.get(place).copied().unwrap_or(0))
    }
}

/// When what ends counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Window {
    pub(super) fn new(warm_up: Duration, duration: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self { from, until: from + duration }
    }

    pub(super) fn contains(self, at: Instant) -> bool {
        self.from <= at && at <= self.until
    }
}

/// Microseconds between two moments.
pub(super) fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from((to - from).as_micros()).unwrap_or(u32::MAX)
}

/// Runs the load for the warm-up and then the measured time.
pub(super) async fn run(
    target: SocketAddr,
    work: Work,
    clients: usize,
    warm_up: Duration,
    duration: Duration,
) -> Result<Measured, String> {
    // All clients share this thread, so that the other core is the server's.
    let local = LocalSet::new();
    let window = Window::new(warm_up, duration);
    let mut running = Vec::with_capacity(clients);
    for client in 0..clients {
        running.push(local.spawn_local(run_client(target, work, client, window)));
    }
    let joined = local.run_until(async move {
        let mut all = Vec::new();
        for client in running {
            all.push(client.await.map_err(|error| error.to_string())?);
        }
        Ok::<_, String>(all)
    });
    let mut latencies = Vec::new();
    let (mut errors, mut in_all) = (0_u64, 0_u64);
    for client in joined.await? {
        let client = client.map_err(|error| format!("the gateway was not reached: {error}"))?;
        latencies.extend(client.latencies);
        errors = errors.saturating_add(client.errors);
        in_all = in_all.saturating_add(client.in_all);
    }
    Ok(Measured::new(latencies, errors, in_all, duration))
}

#[derive(Default)]
struct Client {
    latencies: Vec<u32>,
    errors: u64,
    in_all: u64,
}

async fn run_client(
    target: SocketAddr,
    work: Work,
    number: usize,
    window: Window,
) -> std::io::Result<Client> {
    let mut connection = Connection::open(target).await?;
    let mut client = Client::default();
    let health = http::get("/healthz");
    // The reference has a place of fixed width in a request that is built once.
    let mut create = create_payment(&reference(number, 0));
    let place = find(&create, reference(number, 0).as_bytes());
    for round in 1_u64.. {
        let request = match work {
            Work::Health => &health,
            Work::Create => {
                let next = reference(number, round);
                let slot = place.and_then(|at| create.get_mut(at..at.saturating_add(next.len())));
                if let Some(slot) = slot {
                    slot.copy_from_slice(next.as_bytes());
                }
                &create
            }
        };
        let began = Instant::now();
        if began >= window.until {
            break;
        }
        let status = connection.exchange(request).await?.status;
        let ended = Instant::now();
        client.in_all = client.in_all.saturating_add(1);
        if status != 200 {
            client.errors = client.errors.saturating_add(1);
        } else if window.contains(ended) {
            client.latencies.push(micros(began, ended));
        }
    }
    Ok(client)
}

fn create_payment(reference: &str) -> Vec<u8> {
    http::create_payment(http::CHALLENGED, reference, "https://shop.example/hook")
}

/// Always as long. References rise with time, as order numbers do.
pub(super) fn reference(client: usize, round: u64) -> String {
    format!("BENCH-{round:09}-{client:05}")
}

pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
