//! What is measured in one round, floors and figures back to back.

use super::bare_log::{self, LogMeasured};
use super::figures::Figures;
use super::generator::{Generator, Group, Measured, Pace};
use super::http_log::HttpLog;
use super::latencies::Latencies;
use super::server::BenchServer;
use super::work::{Kind, Requests, Till, Work};
use super::{Bench, Errors, Plan, Scenario, WARM_UP, webhooks};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Clients of the naive floor; more of them only queue longer.
const NAIVE_CLIENTS: usize = 64;
/// Status queries a second beside creates, where nothing else is asked for.
const QUERIES_BESIDE: u64 = 5_000;

type Progress<'a> = &'a dyn Fn(&str);

/// A load before it has its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) work: Work,
    pub(super) clients: usize,
    pub(super) pace: Pace,
}

impl Load {
    pub(super) const fn closed(kind: Kind, clients: usize) -> Self {
        Self { work: Work::Only(kind), clients, pace: Pace::Closed }
    }
}

/// Which gateway a load goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// The one that is measured.
    Gateway,
    /// The one with a transaction for each payment.
    Naive,
    /// A bare log behind HTTP.
    Log(SocketAddr),
}

impl Bench<'_> {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.plan.seconds)
    }

    /// Runs these loads side by side, for as long as a measurement takes.
    pub(super) async fn drive(&mut self, to: To, loads: &[Load]) -> Result<Vec<Measured>, String> {
        let duration = self.duration();
        self.drive_for(to, loads, WARM_UP, duration).await
    }

    async fn drive_for(
        &mut self,
        to: To,
        loads: &[Load],
        warm_up: Duration,
        duration: Duration,
    ) -> Result<Vec<Measured>, String> {
        let generator = Generator::new()?;
        let hook = generator.hook_url()?;
        let demo = [Till::demo()];
        let (targets, tills) = match to {
            To::Gateway => (self.server.addresses(), self.tills.as_slice()),
            To::Naive => (self.naive.addresses(), demo.as_slice()),
            To::Log(address) => (vec![address], demo.as_slice()),
        };
        let mut groups = Vec::with_capacity(loads.len());
        for load in loads {
            self.series = self.series.saturating_add(1);
            let known = Arc::clone(&self.known);
            let requests = Requests::new(load.work, self.series, tills, &hook, known);
            let targets: Vec<SocketAddr> = targets.clone();
            groups.push(Group { targets, clients: load.clients, pace: load.pace, requests });
        }
        // On a thread of its own, which waits for nothing but its sockets.
        let running = tokio::task::spawn_blocking(move || generator.run(groups, warm_up, duration));
        let measured = running.await.map_err(|error| error.to_string()).flatten()?;
        for one in &measured {
            self.errors.add(one.errors, one.first_error.as_deref());
        }
        Ok(measured)
    }

    pub(super) async fn drive_one(&mut self, to: To, load: Load) -> Result<Measured, String> {
        let measured = self.drive(to, &[load]).await?;
        measured.into_iter().next().ok_or_else(|| "nothing was measured".to_owned())
    }

    pub(super) async fn bare_log(&self, clients: usize, pace: Pace) -> Result<LogMeasured, String> {
        let (folder, duration) = (self.plan.folder.clone(), self.duration());
        let running = tokio::task::spawn_blocking(move || {
            bare_log::run(&folder, clients, pace, WARM_UP, duration)
        });
        running.await.map_err(|error| error.to_string()).flatten()
    }

    /// What answers over HTTP when a record is in a bare log.
    async fn http_log(&mut self, clients: usize, pace: Pace) -> Result<Measured, String> {
        let log = HttpLog::start(&self.plan.folder)?;
        let load = Load { work: Work::Only(Kind::Create), clients, pace };
        self.drive_one(To::Log(log.address()), load).await
    }

    /// Payments to ask about, unless the database has some.
    async fn make_known(&mut self) -> Result<(), String> {
        if self.known.is_empty() {
            let load = Load::closed(Kind::Create, self.plan.clients.min(NAIVE_CLIENTS));
            let (none, second) = (Duration::ZERO, Duration::from_secs(1));
            let made = self.drive_for(To::Gateway, &[load], none, second).await?;
            self.known = made.into_iter().flat_map(|one| one.payments).collect();
            if self.known.is_empty() {
                return Err("no payment was created that could be asked about".to_owned());
            }
        }
        Ok(())
    }
}

impl Errors {
    pub(super) fn add(&mut self, count: u64, first: Option<&str>) {
        self.count = self.count.saturating_add(count);
        if let (None, Some(first)) = (&self.first, first) {
            self.first = Some(first.to_owned());
        }
    }
}

/// One round of every scenario but the webhooks'.
pub(super) async fn of_payments(
    bench: &mut Bench<'_>,
    progress: Progress<'_>,
) -> Result<Figures, String> {
    let mut figures = Figures::default();
    let clients = bench.plan.clients;
    let work = match bench.plan.scenario {
        Scenario::Life => Work::Only(Kind::Life),
        Scenario::Status => Work::Only(Kind::Status),
        Scenario::Mixed => Work::Mixed,
        Scenario::Create | Scenario::Webhooks => Work::Only(Kind::Create),
    };
    if matches!(bench.plan.scenario, Scenario::Status | Scenario::Mixed) {
        progress("making payments to ask about");
        bench.make_known().await?;
    }
    progress("floor: an empty handler");
    let empty = empty_handler(bench).await?;
    progress("measuring");
    let load = Load { work, clients, pace: Pace::Closed };
    let (measured, cpu_nanos) = with_cpu(bench, load).await?;
    let start = u64::try_from(bench.start.as_millis()).unwrap_or(u64::MAX);
    figures.whole("start_ms", start);
    if let Some(per_second) = bench.proved {
        figures.whole("verify.per_second", per_second);
    }
    closed_loop(&mut figures, bench.plan.seconds, &measured, cpu_nanos);
    empty.beside(&mut figures, measured.per_second);
    figures.ratio("ratios.cpu_to_empty_handler", cpu_nanos, empty.cpu_nanos);
    match bench.plan.scenario {
        Scenario::Create => {
            around_create(bench, progress, &mut figures, measured.per_second).await?;
        }
        Scenario::Status => beside_creates(bench, progress, &mut figures).await?,
        Scenario::Mixed => of_each_kind(&mut figures, &measured),
        Scenario::Life | Scenario::Webhooks => {}
    }
    progress("floor: one transaction per payment");
    let one = bench.drive_one(To::Naive, Load::closed(Kind::Create, NAIVE_CLIENTS)).await?;
    figures.whole("floors.one_transaction_per_second", one.per_second);
    if bench.plan.scenario == Scenario::Create {
        figures.ratio("ratios.to_one_transaction", measured.per_second, one.per_second);
        let alike = at_64_clients(bench, progress, &mut figures, measured.per_second).await?;
        figures.ratio("ratios.to_one_transaction_at_64_clients", alike, one.per_second);
    }
    if let Some(per_second) = bench.plan.rate.filter(|_| bench.plan.scenario != Scenario::Status) {
        open_loop(bench, progress, &mut figures, (work, per_second)).await?;
    }
    let usage = bench.server.usage()?;
    figures.whole("rss_mb", usage.rss_mb);
    figures.whole("peak_rss_mb", usage.peak_rss_mb);
    Ok(figures)
}

/// What the machine's network and HTTP alone cost.
struct EmptyHandler {
    per_second: u64,
    cpu_nanos: u64,
}

async fn empty_handler(bench: &mut Bench<'_>) -> Result<EmptyHandler, String> {
    let load = Load::closed(Kind::Health, bench.plan.clients);
    let (measured, cpu_nanos) = with_cpu(bench, load).await?;
    Ok(EmptyHandler { per_second: measured.per_second, cpu_nanos })
}

/// What came of a load, and the nanoseconds of the gateway's CPU time for each unit of it.
async fn with_cpu(bench: &mut Bench<'_>, load: Load) -> Result<(Measured, u64), String> {
    let before = bench.server.usage()?;
    let measured = bench.drive_one(To::Gateway, load).await?;
    let cpu = bench.server.usage()?.cpu.saturating_sub(before.cpu);
    let cpu_nanos = nanos_each(cpu, measured.done_in_all);
    Ok((measured, cpu_nanos))
}

impl EmptyHandler {
    /// As a floor beside what was measured.
    fn beside(&self, figures: &mut Figures, per_second: u64) {
        figures.whole("floors.empty_handler_per_second", self.per_second);
        figures.micros("floors.empty_handler_cpu_us", self.cpu_nanos);
        figures.ratio("ratios.to_empty_handler", per_second, self.per_second);
    }
}

fn closed_loop(figures: &mut Figures, seconds: u64, measured: &Measured, cpu_nanos: u64) {
    figures.whole("per_second", measured.per_second);
    percentiles(figures, &measured.latencies(), ["p50_ms", "p99_ms", "p999_ms"]);
    let away = &measured.turned_away;
    if let (Some(rate), 1..) = (away.count().checked_div(seconds), away.count()) {
        figures.whole("turned_away.per_second", rate);
        figures.micros("turned_away.p99_ms", away.per_mille(990));
    }
    figures.whole("cpu_us", cpu_nanos / 1000);
    let generator = nanos_each(measured.generator_cpu, measured.requests);
    figures.micros("generator_cpu_us", generator);
}

fn nanos_each(time: Duration, count: u64) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).checked_div(count).unwrap_or(0)
}

fn percentiles(figures: &mut Figures, latencies: &Latencies, names: [&'static str; 3]) {
    for (name, share) in names.into_iter().zip([500, 990, 999]) {
        figures.micros(name, latencies.per_mille(share));
    }
}

/// What stands beside creates: the bare log, and one client.
async fn around_create(
    bench: &mut Bench<'_>,
    progress: Progress<'_>,
    figures: &mut Figures,
    per_second: u64,
) -> Result<(), String> {
    progress("floor: a bare log");
    let log = bench.bare_log(bench.plan.clients, Pace::Closed).await?;
    figures.whole("floors.bare_log_per_second", log.per_second);
    figures.micros("floors.bare_log_p99_ms", log.latencies.per_mille(990));
    figures.ratio("ratios.to_bare_log", per_second, log.per_second);
    progress("floor: a bare log behind HTTP");
    let log = bench.http_log(bench.plan.clients, Pace::Closed).await?;
    figures.whole("floors.http_log_per_second", log.per_second);
    figures.micros("floors.http_log_p99_ms", log.latencies().per_mille(990));
    figures.ratio("ratios.to_http_log", per_second, log.per_second);
    progress("floor: append and fdatasync, one client");
    let (folder, duration) = (bench.plan.folder.clone(), bench.duration());
    let append = tokio::task::spawn_blocking(move || bare_log::one_client(&folder, duration));
    let append = append.await.map_err(|error| error.to_string()).flatten()?;
    let append_p50 = append.latencies.per_mille(500);
    figures.micros("floors.append_fdatasync_p50_ms", append_p50);
    figures.micros("floors.append_fdatasync_p99_ms", append.latencies.per_mille(990));
    progress("measuring one client");
    let one = bench.drive_one(To::Gateway, Load::closed(Kind::Create, 1)).await?;
    let latencies = one.latencies();
    figures.whole("one_client.per_second", one.per_second);
    figures.micros("one_client.p50_ms", latencies.per_mille(500));
    figures.micros("one_client.p99_ms", latencies.per_mille(990));
    figures.ratio("ratios.one_client_p50_to_append", latencies.per_mille(500), append_p50);
    Ok(())
}

/// As many clients as the floor with one transaction per payment has, so that like is compared with
/// like.
async fn at_64_clients(
    bench: &mut Bench<'_>,
    progress: Progress<'_>,
    figures: &mut Figures,
    per_second: u64,
) -> Result<u64, String> {
    let alike = if bench.plan.clients == NAIVE_CLIENTS {
        per_second
    } else {
        progress("measuring 64 clients");
        bench.drive_one(To::Gateway, Load::closed(Kind::Create, NAIVE_CLIENTS)).await?.per_second
    };
    figures.whole("at_64_clients.per_second", alike);
    Ok(alike)
}

/// Latency at a fixed rate, beside the bare log's at the same.
async fn open_loop(
    bench: &mut Bench<'_>,
    progress: Progress<'_>,
    figures: &mut Figures,
    (work, per_second): (Work, u64),
) -> Result<(), String> {
    progress(&format!("measuring at {per_second} a second"));
    let pace = Pace::Open { per_second };
    let load = Load { work, clients: bench.plan.clients, pace };
    let measured = bench.drive_one(To::Gateway, load).await?;
    let latencies = measured.latencies();
    figures.whole("open_loop.offered_per_second", per_second);
    figures.whole("open_loop.per_second", measured.per_second);
    figures.whole("open_loop.unsent", measured.unsent);
    figures.whole("open_loop.turned_away", measured.turned_away.count());
    let names = ["open_loop.p50_ms", "open_loop.p99_ms", "open_loop.p999_ms"];
    percentiles(figures, &latencies, names);
    if work == Work::Only(Kind::Create) {
        progress(&format!("floor: a bare log at {per_second} a second"));
        let log = bench.bare_log(bench.plan.clients, pace).await?.latencies;
        let names = [
            "open_loop.bare_log_p50_ms",
            "open_loop.bare_log_p99_ms",
            "open_loop.bare_log_p999_ms",
        ];
        percentiles(figures, &log, names);
        let (ours, floor) = (latencies.per_mille(990), log.per_mille(990));
        figures.ratio("ratios.p99_to_bare_log", ours, floor);
        progress(&format!("floor: a bare log behind HTTP at {per_second} a second"));
        let log = bench.http_log(bench.plan.clients, pace).await?.latencies();
        let names = [
            "open_loop.http_log_p50_ms",
            "open_loop.http_log_p99_ms",
            "open_loop.http_log_p999_ms",
        ];
        percentiles(figures, &log, names);
        figures.ratio("ratios.p99_to_http_log", ours, log.per_mille(990));
    }
    Ok(())
}

/// What status queries at a fixed rate cost those who create payments.
async fn beside_creates(
    bench: &mut Bench<'_>,
    progress: Progress<'_>,
    figures: &mut Figures,
) -> Result<(), String> {
    let per_second = bench.plan.rate.unwrap_or(QUERIES_BESIDE);
    let creates = Load::closed(Kind::Create, bench.plan.clients);
    progress("measuring creates alone");
    let alone = bench.drive_one(To::Gateway, creates).await?;
    progress(&format!("measuring creates beside {per_second} queries a second"));
    let pace = Pace::Open { per_second };
    let queries = Load { work: Work::Only(Kind::Status), clients: bench.plan.clients, pace };
    let both = bench.drive(To::Gateway, &[creates, queries]).await?;
    let [beside, queries] = both.as_slice() else {
        return Err("nothing was measured".to_owned());
    };
    figures.whole("beside.create_alone_per_second", alone.per_second);
    figures.whole("beside.create_beside_per_second", beside.per_second);
    figures.ratio("ratios.create_beside_to_alone", beside.per_second, alone.per_second);
    figures.whole("beside.status_per_second", queries.per_second);
    figures.micros("beside.status_p99_ms", queries.latencies().per_mille(990));
    Ok(())
}

fn of_each_kind(figures: &mut Figures, measured: &Measured) {
    for (kind, p50, p99) in [
        (Kind::Status, "mixed.status_p50_ms", "mixed.status_p99_ms"),
        (Kind::Create, "mixed.create_p50_ms", "mixed.create_p99_ms"),
        (Kind::Life, "mixed.life_p50_ms", "mixed.life_p99_ms"),
    ] {
        if let Some(latencies) = measured.latencies_of(kind) {
            figures.micros(p50, latencies.per_mille(500));
            figures.micros(p99, latencies.per_mille(990));
        }
    }
}

/// The rounds of the webhooks' scenario, each with a fresh database, since its backlog is drained.
pub(super) async fn of_webhooks(
    plan: &Plan,
    progress: &impl Fn(&str),
    errors: &mut Errors,
) -> Result<Vec<Figures>, String> {
    let mut rounds = Vec::with_capacity(plan.rounds);
    for number in 1..=plan.rounds {
        progress(&format!("round {number} of {}, with a fresh database …", plan.rounds));
        let server = BenchServer::start(plan.wanted(plan.nodes, None)).await?;
        let naive = match BenchServer::start(plan.wanted(1, Some(1))).await {
            Ok(naive) => naive,
            Err(error) => {
                server.stop().await;
                return Err(error);
            }
        };
        let mut bench = Bench {
            plan,
            start: server.start_time(),
            server,
            naive,
            tills: vec![Till::demo()],
            known: Arc::new([]),
            series: 0,
            proved: None,
            errors: std::mem::take(errors),
        };
        let figures = round_of_webhooks(&mut bench, progress).await;
        *errors = std::mem::take(&mut bench.errors);
        bench.stop().await;
        rounds.push(figures?);
    }
    Ok(rounds)
}

async fn round_of_webhooks(
    bench: &mut Bench<'_>,
    progress: &impl Fn(&str),
) -> Result<Figures, String> {
    let mut figures = Figures::default();
    progress("floor: an empty handler …");
    let empty = empty_handler(bench).await?;
    let measured = webhooks::run(bench.plan, &mut bench.server, progress).await?;
    bench.errors.add(measured.errors, None);
    progress("floor: one transaction per payment …");
    let one = bench.drive_one(To::Naive, Load::closed(Kind::Create, NAIVE_CLIENTS)).await?;
    figures.whole("start_ms", u64::try_from(bench.start.as_millis()).unwrap_or(u64::MAX));
    figures.whole("per_second", measured.per_second);
    percentiles(&mut figures, &measured.latencies, ["p50_ms", "p99_ms", "p999_ms"]);
    figures.whole("cpu_us", nanos_each(measured.cpu, measured.done) / 1000);
    figures.whole("rss_mb", measured.usage.rss_mb);
    figures.whole("peak_rss_mb", measured.usage.peak_rss_mb);
    figures.whole("queued", measured.queued);
    figures.whole("unwell", measured.unwell);
    figures.whole("told_beside", measured.latencies.count());
    figures.whole("reached", measured.reached);
    figures.whole("repeats", measured.repeats);
    figures.whole("floors.one_transaction_per_second", one.per_second);
    empty.beside(&mut figures, measured.per_second);
    Ok(figures)
}
