//! What is counted: payments by what became of the request, HTTP answers by route and class.

use domain::time::Timestamp;
use engine::Gateway;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Route labels; ids never become labels.
const ROUTES: [&str; 8] = [
    "create_payment",
    "status",
    "customer_page",
    "developers",
    "watch",
    "other",
    "refund",
    "inbound",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// How old the figures of what waits in the database may be: counting it takes a while when it is
/// much.
const BACKLOG_READ_EVERY: Duration = Duration::from_secs(10);

/// Counters, registered once so that a request does not look them up.
pub struct Metrics {
    pub(crate) created: Counter,
    pub(crate) replayed: Counter,
    pub(crate) refused: Counter,
    /// There was no room for a new payment.
    pub(crate) turned_away: Counter,
    /// Refunds, apart from payments: accepted, and asked for again.
    pub(crate) refunds: [Counter; 2],
    requests: [[Counter; 5]; 8],
    seconds: [Histogram; 8],
    webhooks: Webhooks,
    /// When what waits was last counted.
    backlog_read: Mutex<Option<Timestamp>>,
    render: Option<fn() -> String>,
}

/// Deliveries to merchants' servers.
struct Webhooks {
    /// In the database: to be tried (again), of these due now, and for how long the oldest is due.
    pending: Gauge,
    due: Gauge,
    oldest_due_seconds: Gauge,
    /// Of this process: attempts under way, receivers that are left alone for a while.
    in_flight: Gauge,
    paused: Gauge,
    /// Of this process: acknowledged, failed, given up without an attempt.
    attempts: [Counter; 3],
}

impl Webhooks {
    fn new() -> Self {
        Self {
            pending: gauge!("tollgate_webhooks_pending"),
            due: gauge!("tollgate_webhooks_due"),
            oldest_due_seconds: gauge!("tollgate_webhooks_oldest_due_seconds"),
            in_flight: gauge!("tollgate_webhooks_in_flight"),
            paused: gauge!("tollgate_webhook_receivers_paused"),
            attempts: ["acknowledged", "failed", "not_sent"]
                .map(|result| counter!("tollgate_webhook_attempts_total", "result" => result)),
        }
    }
}

fn set(gauge: &Gauge, value: u64) {
    gauge.set(f64::from(u32::try_from(value).unwrap_or(u32::MAX)));
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// `render` gives the text of `/metrics`; none switches it off.
    pub fn new(render: Option<fn() -> String>) -> Self {
        let payments = |result| counter!("tollgate_payment_requests_total", "result" => result);
        Self {
            created: payments("created"),
            replayed: payments("replayed"),
            refused: payments("refused"),
            turned_away: payments("turned_away"),
            refunds: ["accepted", "replayed"]
                .map(|result| counter!("tollgate_refund_requests_total", "result" => result)),
            requests: ROUTES.map(|route| {
                CLASSES.map(|class| {
                    counter!("tollgate_http_requests_total", "route" => route, "class" => class)
                })
            }),
            seconds: ROUTES
                .map(|route| histogram!("tollgate_http_request_seconds", "route" => route)),
            webhooks: Webhooks::new(),
            backlog_read: Mutex::default(),
            render,
        }
    }

    /// Reads what is known of webhooks, what waits in the database at most every ten seconds.
    pub(crate) async fn look_at_webhooks(&self, gateway: &Gateway) {
        let figures = gateway.delivery_figures();
        set(&self.webhooks.in_flight, figures.in_flight);
        set(&self.webhooks.paused, figures.paused);
        let results = [figures.acknowledged, figures.failed, figures.not_sent];
        for (counter, result) in self.webhooks.attempts.iter().zip(results) {
            counter.absolute(result);
        }
        let now = gateway.clock().now();
        if !self.backlog_is_old(now) {
            return;
        }
        match gateway.backlog().await {
            Ok(backlog) => {
                set(&self.webhooks.pending, backlog.pending);
                set(&self.webhooks.due, backlog.due);
                let waits = backlog.oldest_due.map_or(Duration::ZERO, |since| now.since(since));
                set(&self.webhooks.oldest_due_seconds, waits.as_secs());
            }
            Err(error) => tracing::warn!(%error, "what waits for merchants was not counted"),
        }
    }

    /// Also when it was read in the future: the clock was put back. It counts as read from now on.
    fn backlog_is_old(&self, now: Timestamp) -> bool {
        let mut read = self.backlog_read.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |at: Timestamp| at <= now && now < at.plus(BACKLOG_READ_EVERY);
        if read.is_some_and(is_fresh) {
            return false;
        }
        *read = Some(now);
        true
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self) -> Option<String> {
        self.render.map(|render| render())
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, route: usize, status: http::StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(route).and_then(|classes| classes.get(class)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.seconds.get(route) {
            histogram.record(took);
        }
    }
}

/// The place of a path's label in [`ROUTES`].
pub(crate) fn route(path: &str) -> usize {
    const PREFIXES: [(&str, usize); 9] = [
        ("/api/transactions/refund-request", 6),
        ("/api/s2s", 0),
        ("/api/authurl/s2s/", 1),
        ("/api/authurl/", 2),
        ("/inbound/", 7),
        ("/developers", 3),
        ("/healthz", 4),
        ("/readyz", 4),
        ("/metrics", 4),
    ];
    PREFIXES.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(5, |(_, route)| *route)
}
