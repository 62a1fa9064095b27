//! `tollgate bench`: how fast is this machine, and how near to its floors is the gateway?
//!
//! The gateway runs in processes of its own with a fresh database; this process drives it over
//! loopback. Beside every figure stand the floors of the same round. Compare ratios, not figures:
//! machines differ, and shared ones differ from minute to minute.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

mod bare_log;
mod connection;
mod desk_data;
mod desk_pages;
pub(crate) mod desks;
pub(crate) mod figures;
mod filler;
mod generator;
mod http;
mod http_log;
mod latencies;
mod plot;
mod receiver;
mod rounds;
mod server;
pub(crate) mod sweep;
mod timer;
mod unwell;
mod webhooks;
mod work;

use crate::wire::postgres::LockWatch;
use figures::Figures;
use filler::Filled;
use serde::Serialize;
use serde_json::{Map, Value};
use server::{BenchServer, Wanted};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use work::{Till, TransId};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// `POST /api/s2s` only; each is durable before it is answered.
    Create,
    /// Create, open the challenge, pass it, bank approves, webhook received.
    Life,
    /// How payments that exist stand.
    Status,
    /// Seven questions, two payments that are created, one that is paid to its end.
    Mixed,
    /// A backlog is drained, and then webhooks reach a receiver that is well beside thousands that
    /// are not.
    Webhooks,
}

impl Scenario {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Life => "life",
            Self::Status => "status",
            Self::Mixed => "mixed",
            Self::Webhooks => "webhooks",
        }
    }

    /// What is counted per second.
    const fn counts(self) -> &'static str {
        match self {
            Self::Create => "payments created",
            Self::Life => "whole lives of payments",
            Self::Status => "status queries",
            Self::Mixed => "questions, payments and whole lives together",
            Self::Webhooks => "webhooks of the backlog",
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
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// Requests a second of the open loop.
    pub(crate) rate: Option<u64>,
    /// Payments in the database before anything is measured.
    pub(crate) stored: u64,
    /// Terminals that payments are spread over.
    pub(crate) terminals: u32,
    /// Where the temporary databases go; on the disk that is to be measured.
    pub(crate) folder: PathBuf,
    /// A PostgreSQL server to measure instead.
    pub(crate) database: Option<String>,
    /// Gateway processes on it.
    pub(crate) nodes: usize,
}

impl Plan {
    fn wanted(&self, nodes: usize, batch: Option<usize>) -> Wanted {
        let (parent, database) = (self.folder.clone(), self.database.clone());
        Wanted { parent, database, nodes, batch }
    }
}

/// The figures, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The scenario's name.
    scenario: &'static str,
    /// `sqlite` or `postgres`.
    database: &'static str,
    nodes: usize,
    clients: usize,
    seconds: u64,
    rounds: usize,
    stored: u64,
    terminals: u32,
    /// In all rounds: what was not answered as it should be, and webhooks that never came; any makes
    /// the exit code 1.
    pub(crate) errors: u64,
    /// The first of them, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
    /// The median of the rounds of each figure.
    #[serde(flatten)]
    medians: Map<String, Value>,
    /// The lowest and the highest of each.
    spread: Spread,
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Serialize)]
struct Spread {
    lowest: Map<String, Value>,
    highest: Map<String, Value>,
}

/// What went wrong in the measurements so far.
#[derive(Debug, Default)]
struct Errors {
    count: u64,
    first: Option<String>,
}

/// How long before each measurement the load runs already.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures. `progress` is told what happens meanwhile.
pub(crate) async fn run(plan: &Plan, progress: &impl Fn(&str)) -> Result<Report, String> {
    let mut errors = Errors::default();
    let rounds = match plan.scenario {
        Scenario::Webhooks => rounds::of_webhooks(plan, progress, &mut errors).await?,
        Scenario::Create | Scenario::Life | Scenario::Status | Scenario::Mixed => {
            let mut bench = Bench::start(plan, progress).await?;
            let measured = bench.rounds(progress).await;
            errors = std::mem::take(&mut bench.errors);
            bench.stop().await;
            measured?
        }
    };
    Ok(report(plan, &rounds, errors))
}

/// The gateways of a run.
struct Bench<'a> {
    plan: &'a Plan,
    server: BenchServer,
    /// The same with one transaction per payment.
    naive: BenchServer,
    tills: Vec<Till>,
    /// Payments to ask about.
    known: Arc<[TransId]>,
    /// Counts the groups of clients, for their references.
    series: u32,
    start: Duration,
    /// Payments whose books were proved in a second, where the database was filled.
    proved: Option<u64>,
    errors: Errors,
}

impl<'a> Bench<'a> {
    async fn start(plan: &'a Plan, progress: &impl Fn(&str)) -> Result<Self, String> {
        progress("starting a gateway with a fresh database …");
        let mut server = BenchServer::start(plan.wanted(plan.nodes, None)).await?;
        let mut known: Arc<[TransId]> = Arc::new([]);
        let mut tills = vec![Till::demo()];
        let mut proved = None;
        if plan.stored > 0 || plan.terminals > 1 {
            server.end_processes().await;
            match fill(plan, &mut server, progress).await {
                Ok((filled, per_second)) => {
                    (known, tills, proved) = (filled.known.into(), filled.tills, per_second);
                }
                Err(error) => {
                    server.stop().await;
                    return Err(error);
                }
            }
        }
        let start = server.start_time();
        let naive = match BenchServer::start(plan.wanted(1, Some(1))).await {
            Ok(naive) => naive,
            Err(error) => {
                server.stop().await;
                return Err(error);
            }
        };
        let errors = Errors::default();
        Ok(Self { plan, server, naive, tills, known, series: 0, start, proved, errors })
    }

    async fn stop(self) {
        self.server.stop().await;
        self.naive.stop().await;
    }

    /// All rounds, with an eye on the database's locks.
    async fn rounds(&mut self, progress: &impl Fn(&str)) -> Result<Vec<Figures>, String> {
        let mut rounds = Vec::with_capacity(self.plan.rounds);
        for number in 1..=self.plan.rounds {
            let watch = match self.server.database() {
                Some(url) => {
                    let watch = LockWatch::start(url).await;
                    Some(watch.map_err(|error| error.to_string())?)
                }
                None => None,
            };
            let said = |what: &str| {
                progress(&format!("round {number} of {}: {what} …", self.plan.rounds));
            };
            let measured = rounds::of_payments(self, &said).await;
            let mut figures = measured?;
            if let Some(watch) = watch {
                let waits = watch.finish().await.map_err(|error| error.to_string())?;
                figures.whole("lock_waits_over_100ms", waits);
            }
            rounds.push(figures);
        }
        Ok(rounds)
    }
}

/// Fills a gateway's database while no process serves it, and proves what is in it.
async fn fill(
    plan: &Plan,
    server: &mut BenchServer,
    progress: &impl Fn(&str),
) -> Result<(Filled, Option<u64>), String> {
    let filled = filler::fill(&server.settings()?, plan.terminals, plan.stored, progress).await?;
    let mut proved = None;
    if plan.stored > 0 {
        progress(&format!("proving the books of {} payments …", plan.stored));
        proved = Some(server.prove().await?);
    }
    server.start_processes().await?;
    Ok((filled, proved))
}

fn report(plan: &Plan, rounds: &[Figures], errors: Errors) -> Report {
    let medians = Figures::medians(rounds);
    let (lowest, highest) = (Figures::lowest(rounds), Figures::highest(rounds));
    let database = if plan.database.is_some() { "postgres" } else { "sqlite" };
    let header = format!(
        "\n{} on {database}: {}; {} node{}, {} clients, {} s, generator on the same machine\n\
         Medians of {} rounds, and how far these were apart\n",
        plan.scenario.name(),
        plan.scenario.counts(),
        plan.nodes,
        if plan.nodes == 1 { "" } else { "s" },
        plan.clients,
        plan.seconds,
        plan.rounds,
    );
    let mut text = header + &medians.to_lines(&lowest, &highest);
    let _infallible = writeln!(text, "  {:<48}{}", "errors", errors.count);
    if let Some(first) = &errors.first {
        let _infallible = writeln!(text, "  {:<48}{first}", "the first of them");
    }
    Report {
        scenario: plan.scenario.name(),
        database,
        nodes: plan.nodes,
        clients: plan.clients,
        seconds: plan.seconds,
        rounds: plan.rounds,
        stored: plan.stored,
        terminals: plan.terminals,
        errors: errors.count,
        first_error: errors.first,
        medians: medians.to_json(),
        spread: Spread { lowest: lowest.to_json(), highest: highest.to_json() },
        text,
    }
}

impl Report {
    /// As people read it.
    pub(crate) fn to_text(&self) -> &str {
        &self.text
    }
}
