//! `tollgate bench`: how fast is this machine, and how near to its floors is the gateway?
//!
//! The gateway runs in a process of its own with a fresh database; this process drives it over
//! loopback. Beside every figure stand the floors of the same run: an empty handler on the same
//! server, and one transaction per payment on the same database. Compare ratios, not figures:
//! machines differ, and shared ones differ from minute to minute.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

mod http;
mod lives;
mod load;
mod receiver;
mod server;
mod unwell;
mod webhooks;

use serde::Serialize;
use server::{BenchServer, Usage};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// `POST /api/s2s` only; each is durable before it is answered.
    Create,
    /// Create, open the challenge, pass it, bank approves, webhook received.
    Life,
    /// A backlog is drained, and then webhooks reach a receiver that is well beside thousands that
    /// are not.
    Webhooks,
}

impl Scenario {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Life => "life",
            Self::Webhooks => "webhooks",
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What is measured.
    pub(crate) scenario: Scenario,
    /// Connections, each with one request at a time.
    pub(crate) clients: usize,
    /// How long each measurement takes, after a warm-up of a second.
    pub(crate) seconds: u64,
    /// Where the temporary databases go; on the disk that is to be measured.
    pub(crate) folder: PathBuf,
    /// A PostgreSQL server to measure instead.
    pub(crate) database: Option<String>,
}

/// The figures, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// `create`, `life` or `webhooks`.
    pub(crate) scenario: &'static str,
    /// Connections.
    pub(crate) clients: usize,
    /// Length of the measurement.
    pub(crate) seconds: u64,
    /// Payments per second; of `webhooks`, those of the backlog that arrived per second.
    pub(crate) per_second: u64,
    /// Median latency in milliseconds: of a create call, of a whole life, or of a webhook beside
    /// receivers that are not well, from before its payment is made until it arrives.
    pub p50_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
    /// Requests that were not answered as they should be, and webhooks that never came; any makes
    /// the exit code 1.
    pub(crate) errors: u64,
    /// The server's CPU time per payment, or per webhook of the backlog, in microseconds.
    pub(crate) cpu_us: u64,
    /// The server's resident memory at the end, in MB.
    pub(crate) rss_mb: u64,
    /// The server's resident memory at its highest, in MB.
    pub(crate) peak_rss_mb: u64,
    /// From the start of the process to its first answer, in milliseconds.
    pub(crate) start_ms: u64,
    /// The floors of the same run.
    pub(crate) floors: Floors,
    /// The figure against the floors.
    pub(crate) ratios: Ratios,
    /// Of webhooks alone.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) webhooks: Option<Webhooks>,
}

/// What is told of webhooks beside.
#[derive(Debug, Serialize)]
pub(crate) struct Webhooks {
    /// Deliveries in the backlog.
    pub(crate) queued: u64,
    /// Deliveries to the receiver that is well while others were not.
    pub(crate) told_beside: u64,
    /// Webhooks that arrived more than once; at least once is what is promised.
    pub(crate) repeats: u64,
    /// Receivers that were not well: a fifth each refuse connections, never answer, acknowledge
    /// after 4.9 s, answer 500, and tear connections down.
    pub(crate) unwell: u64,
    /// Those of them that a connection was made to, of the four fifths that can be connected to.
    pub(crate) reached: u64,
}

/// What one scenario came to.
struct Measurement {
    measured: load::Measured,
    /// What the server's CPU time is divided by.
    done: u64,
    cpu: Duration,
    /// At the end.
    usage: Usage,
    webhooks: Option<Webhooks>,
}

/// What the machine can do without the gateway's work, or with it done naively.
#[derive(Debug, Serialize)]
pub(crate) struct Floors {
    /// `GET /healthz` on the same server with as many clients.
    pub(crate) empty_handler_per_second: u64,
    /// Creates with one transaction per payment, 64 clients.
    pub(crate) one_transaction_per_second: u64,
}

/// The figure divided by the floors.
#[derive(Debug, Serialize)]
pub(crate) struct Ratios {
    /// Payments per second against the empty handler.
    pub(crate) to_empty_handler: f64,
    /// Payments per second against one transaction per payment.
    pub(crate) to_one_transaction: f64,
}

/// Clients of the naive floor; more of them only queue longer.
const NAIVE_CLIENTS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures. `progress` is told what happens meanwhile.
pub(crate) async fn run(plan: &Plan, progress: impl Fn(&str)) -> Result<Report, String> {
    let duration = Duration::from_secs(plan.seconds);
    progress("starting a gateway with a fresh database …");
    let database = plan.database.as_deref();
    let mut server = BenchServer::start(&plan.folder, database, None).await?;
    progress("floor: an empty handler …");
    let target = server.address();
    let empty = load::run(target, load::Work::Health, plan.clients, WARM_UP, duration).await?;
    let start = server.start_time();
    let measured = match plan.scenario {
        Scenario::Webhooks => webhooks::run(plan, &mut server, &progress).await,
        Scenario::Create | Scenario::Life => measure_payments(plan, &server, &progress).await,
    };
    server.stop().await;
    let measured = measured?;
    progress("floor: one transaction per payment …");
    let naive = BenchServer::start(&plan.folder, database, Some(1)).await?;
    let one = load::Work::Create;
    let one = load::run(naive.address(), one, NAIVE_CLIENTS, WARM_UP, duration).await?;
    naive.stop().await;
    Ok(report(plan, measured, start, [&empty, &one]))
}

async fn measure_payments(
    plan: &Plan,
    server: &BenchServer,
    progress: &impl Fn(&str),
) -> Result<Measurement, String> {
    progress("measuring …");
    let (target, duration) = (server.address(), Duration::from_secs(plan.seconds));
    let before = server.usage()?;
    let (measured, done) = if plan.scenario == Scenario::Life {
        lives::run(target, plan.clients, WARM_UP, duration).await?
    } else {
        let work = load::Work::Create;
        let measured = load::run(target, work, plan.clients, WARM_UP, duration).await?;
        let done = measured.answered_in_all;
        (measured, done)
    };
    let usage = server.usage()?;
    let cpu = usage.cpu.saturating_sub(before.cpu);
    Ok(Measurement { measured, done, cpu, usage, webhooks: None })
}

fn report(
    plan: &Plan,
    measurement: Measurement,
    start: Duration,
    [empty, one]: [&load::Measured; 2],
) -> Report {
    let Measurement { measured, done, cpu, usage, webhooks } = measurement;
    let cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
    let cpu_us = cpu_us.checked_div(done).unwrap_or(0);
    Report {
        scenario: plan.scenario.name(),
        clients: plan.clients,
        seconds: plan.seconds,
        per_second: measured.per_second,
        p50_ms: measured.percentile_ms(50),
        p99_ms: measured.percentile_ms(99),
        errors: measured.errors,
        cpu_us,
        rss_mb: usage.rss_mb,
        peak_rss_mb: usage.peak_rss_mb,
        start_ms: u64::try_from(start.as_millis()).unwrap_or(u64::MAX),
        floors: Floors {
            empty_handler_per_second: empty.per_second,
            one_transaction_per_second: one.per_second,
        },
        ratios: Ratios {
            to_empty_handler: ratio(measured.per_second, empty.per_second),
            to_one_transaction: ratio(measured.per_second, one.per_second),
        },
        webhooks,
    }
}

/// To three decimals. The one place where figures become floats: they are printed, not charged.
#[expect(clippy::float_arithmetic, reason = "a ratio of measured rates, not money")]
fn ratio(value: u64, floor: u64) -> f64 {
    let thousandths = value.saturating_mul(1000).checked_div(floor).unwrap_or(0);
    f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1000.0
}

/// Microseconds as milliseconds.
#[expect(clippy::float_arithmetic, reason = "a measured time, not money")]
fn milliseconds(micros: u32) -> f64 {
    f64::from(micros) / 1000.0
}

impl Report {
    /// As people read it.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _infallible = writeln!(text, "  {name:<36}{value}");
        };
        let what = if self.webhooks.is_some() { "webhook" } else { "payment" };
        line(&format!("{what}s per second"), self.per_second.to_string());
        line("latency p50 / p99", format!("{} ms / {} ms", self.p50_ms, self.p99_ms));
        line("errors", self.errors.to_string());
        line(&format!("server CPU per {what}"), format!("{} us", self.cpu_us));
        line(
            "server memory now / highest",
            format!("{} MB / {} MB", self.rss_mb, self.peak_rss_mb),
        );
        line("start to first answer", format!("{} ms", self.start_ms));
        line(
            "floor: empty handler",
            format!(
                "{} per second (the gateway reaches {} of it)",
                self.floors.empty_handler_per_second, self.ratios.to_empty_handler
            ),
        );
        line(
            "floor: one transaction per payment",
            format!(
                "{} per second (the gateway reaches {} times it)",
                self.floors.one_transaction_per_second, self.ratios.to_one_transaction
            ),
        );
        if let Some(webhooks) = &self.webhooks {
            line("backlog", format!("{} webhooks", webhooks.queued));
            let (told, unwell) = (webhooks.told_beside, webhooks.unwell);
            line("latency is of", format!("{told} webhooks beside {unwell} sick receivers"));
            line("sick receivers reached", webhooks.reached.to_string());
            line("webhooks that came again", webhooks.repeats.to_string());
        }
        format!(
            "\n{}, {} clients, {} s, generator on the same machine\n{text}",
            self.scenario, self.clients, self.seconds
        )
    }
}
