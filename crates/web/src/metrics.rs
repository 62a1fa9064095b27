//! What is counted: payments by what became of the request, HTTP answers by route and class.

use metrics::{Counter, Histogram, counter, histogram};
use std::fmt;
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

/// Counters, registered once so that a request does not look them up.
pub struct Metrics {
    pub(crate) created: Counter,
    pub(crate) replayed: Counter,
    pub(crate) refused: Counter,
    /// Refunds, apart from payments: accepted, and asked for again.
    pub(crate) refunds: [Counter; 2],
    requests: [[Counter; 5]; 8],
    seconds: [Histogram; 8],
    render: Option<fn() -> String>,
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
            refunds: ["accepted", "replayed"]
                .map(|result| counter!("tollgate_refund_requests_total", "result" => result)),
            requests: ROUTES.map(|route| {
                CLASSES.map(|class| {
                    counter!("tollgate_http_requests_total", "route" => route, "class" => class)
                })
            }),
            seconds: ROUTES
                .map(|route| histogram!("tollgate_http_request_seconds", "route" => route)),
            render,
        }
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self) -> Option<String> {
        self.render.map(|render| render())
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, path: &str, status: http::StatusCode, took: Duration) {
        let route = route(path);
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(route).and_then(|classes| classes.get(class)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.seconds.get(route) {
            histogram.record(took);
        }
    }
}

fn route(path: &str) -> usize {
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
