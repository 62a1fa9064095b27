//! `tollgate bench`: measures this machine.

use crate::bench;
use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::wire::postgres;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Payments created, each fsynced before it is answered
    Create,
    /// Payments created, challenged, approved and told to the shop
    Life,
    /// How payments stand, and what 5,000 such queries a second cost those who create payments
    Status,
    /// Of ten requests seven status queries, two payments created, one whole life
    Mixed,
    /// A backlog of webhooks drained, and webhooks beside thousands of dead and slow receivers
    Webhooks,
    /// Creates against the number of clients, and their latency against offered load, with plots
    Sweep,
    /// Every page of the portal and of the office, and exports of all payments
    Desks,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate bench create
  tollgate bench create --rate 5000      also latency at a fixed rate, from when each was due
  tollgate bench create --stored 10000000 --terminals 1000
  tollgate bench life --clients 64 --seconds 30 --json
  tollgate bench status --rate 5000
  tollgate bench create --data-dir /srv/fast-disk/bench
  tollgate bench create --database postgres://tollgate@db1/tollgate --nodes 3
  tollgate bench sweep --out plots --seconds 2 --rounds 1
  tollgate bench desks --stored 1000000

Beside each figure stand the floors of the same round: an empty handler, one transaction per payment,
a bare log. Compare the ratios: machines differ. On a PostgreSQL server it works in a schema of its
own, which it drops at the end; everything else stays on this machine.")]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    scenario: Scenario,

    /// Connections, each with one request at a time; of `sweep`, the most [default: 256, of
    /// `sweep` 1024]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,

    /// For how long each measurement takes, after a second of warm-up; `desks` ends when each page
    /// was looked at in each round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,

    /// How often everything is measured; the medians are told [default: 3, of `desks` 20]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,

    /// Also offer so many a second, whatever the answers take; of `status`, the queries beside
    /// creates [default there: 5000]
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,

    /// Finished payments in the database before anything is measured (about 2.5 kB of disk each)
    /// [default: 0, of `desks` 10000]
    #[arg(long, value_name = "PAYMENTS")]
    stored: Option<u64>,

    /// Terminals that the payments are spread over
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    terminals: u32,

    /// A PostgreSQL server to measure instead of an SQLite file
    #[arg(long, value_name = "URL", value_parser = server)]
    database: Option<String>,

    /// Gateway processes on that server, with the clients spread over them
    #[arg(
        long,
        default_value_t = 1,
        requires = "database",
        value_parser = clap::value_parser!(u32).range(1..=64)
    )]
    nodes: u32,

    /// Where `sweep` writes throughput.svg, latency.svg and sweep.json
    #[arg(long, value_name = "FOLDER", required_if_eq("scenario", "sweep"))]
    out: Option<PathBuf>,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

fn server(text: &str) -> Result<String, String> {
    // The error says what is wrong without repeating a password.
    postgres::Address::parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn scenario(named: Scenario) -> bench::Scenario {
    match named {
        // What is swept are creates; the desks have a measurement of their own.
        Scenario::Create | Scenario::Sweep | Scenario::Desks => bench::Scenario::Create,
        Scenario::Life => bench::Scenario::Life,
        Scenario::Status => bench::Scenario::Status,
        Scenario::Mixed => bench::Scenario::Mixed,
        Scenario::Webhooks => bench::Scenario::Webhooks,
    }
}

fn plan(common: &Common, arguments: &Arguments) -> Result<bench::Plan, Failure> {
    let sweeps = arguments.scenario == Scenario::Sweep;
    let looks = arguments.scenario == Scenario::Desks;
    let stored = arguments.stored.unwrap_or(if looks { 10_000 } else { 0 });
    let filled = stored > 0 || arguments.terminals > 1;
    if arguments.scenario == Scenario::Webhooks && (filled || arguments.rate.is_some()) {
        let text = "webhooks are measured with a fresh database and a load of their own: leave \
                    --rate, --stored and --terminals out";
        return Err(Failure::Usage(text.to_owned()));
    }
    if sweeps && arguments.rate.is_some() {
        let text = "a sweep offers its own rates: leave --rate out";
        return Err(Failure::Usage(text.to_owned()));
    }
    let loads = arguments.clients.is_some() || arguments.rate.is_some() || arguments.nodes > 1;
    if looks && (loads || stored == 0) {
        let text = "desks are looked at with payments in the database, one request at a time: \
                    leave --clients, --rate and --nodes out, and --stored 0 as well";
        return Err(Failure::Usage(text.to_owned()));
    }
    if !sweeps && arguments.out.is_some() {
        let text = "--out is for `tollgate bench sweep`: name that, or leave --out out";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(bench::Plan {
        scenario: scenario(arguments.scenario),
        clients: count(arguments.clients.unwrap_or(if sweeps { 1_024 } else { 256 })),
        seconds: u64::from(arguments.seconds),
        rounds: count(arguments.rounds.unwrap_or(if looks { 20 } else { 3 })),
        rate: arguments.rate.map(u64::from),
        stored,
        terminals: arguments.terminals,
        folder: common.data_dir.clone().unwrap_or_else(std::env::temp_dir),
        database: arguments.database.clone(),
        nodes: count(arguments.nodes),
    })
}

/// Measures on a thread of its own, which leaves the other cores to the gateway.
async fn measure<T, F, M>(measure: M) -> Result<T, Failure>
where
    M: FnOnce() -> F + Send + 'static,
    F: Future<Output = Result<T, String>>,
    T: Send + 'static,
{
    let measuring = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(measure())
    });
    let measured = measuring.await.map_err(|error| error.to_string()).flatten();
    measured.map_err(Failure::CouldNot)
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let plan = plan(common, &arguments)?;
    let (errors, first) = if arguments.scenario == Scenario::Desks {
        let said = move |text: &str| output.talk(text);
        let report = measure(async move || bench::desks::run(&plan, &said).await).await?;
        if output.is_json() {
            output.json_line(&report)?;
        } else {
            output.text(&report.to_text())?;
        }
        (report.errors, report.first_error)
    } else if let Some(out) = arguments.out {
        let said = move |text: &str| output.talk(text);
        let swept = measure(async move || bench::sweep::run(&plan, &out, &said).await).await?;
        if output.is_json() {
            output.json_line(&swept)?;
        } else {
            for file in &swept.files {
                output.line(&format!("wrote {}", file.display()))?;
            }
        }
        (swept.errors, swept.first_error)
    } else {
        let said = move |text: &str| output.talk(text);
        let report = measure(async move || bench::run(&plan, &said).await).await?;
        if output.is_json() {
            output.json_line(&report)?;
        } else {
            output.text(report.to_text())?;
        }
        (report.errors, report.first_error)
    };
    if errors == 0 {
        return Ok(());
    }
    let first = first.as_deref().unwrap_or("a webhook did not come");
    let text = format!("{errors} requests were not answered as they should be: {first}");
    Err(Failure::No(text))
}
