//! `tollgate bench`: measures this machine.

use crate::bench;
use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::wire::postgres;
use clap::{Args, ValueEnum};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Payments created, each fsynced before it is answered
    Create,
    /// Payments created, challenged, approved and told to the shop
    Life,
    /// A backlog of webhooks drained, and webhooks beside thousands of dead and slow receivers
    Webhooks,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate bench create
  tollgate bench life --clients 64 --seconds 30 --json
  tollgate bench webhooks
  tollgate bench create --data-dir /srv/fast-disk/bench
  tollgate bench create --database postgres://tollgate@db1/tollgate

On a PostgreSQL server it works in a schema of its own, which it drops at the end.")]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    scenario: Scenario,

    /// Shops that call at the same time
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,

    /// For how long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,

    /// A PostgreSQL server to measure instead of an SQLite file
    #[arg(long, value_name = "URL", value_parser = server)]
    database: Option<String>,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

fn server(text: &str) -> Result<String, String> {
    // The error says what is wrong without repeating a password.
    postgres::Address::parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let folder = common.data_dir.clone().unwrap_or_else(std::env::temp_dir);
    let plan = bench::Plan {
        scenario: match arguments.scenario {
            Scenario::Create => bench::Scenario::Create,
            Scenario::Life => bench::Scenario::Life,
            Scenario::Webhooks => bench::Scenario::Webhooks,
        },
        clients: usize::try_from(arguments.clients).unwrap_or(1),
        seconds: u64::from(arguments.seconds),
        folder,
        database: arguments.database,
    };
    // The generator has one thread to itself, and leaves the other core to the gateway.
    let measuring = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(bench::run(&plan, |text| output.talk(text)))
    });
    let report = measuring.await.map_err(|error| error.to_string()).flatten();
    let report = report.map_err(Failure::CouldNot)?;
    if output.is_json() {
        output.json_line(&report)?;
    } else {
        output.text(&report.to_text())?;
    }
    match report.errors {
        0 => Ok(()),
        errors => Err(Failure::No(format!("{errors} requests were not answered as they should"))),
    }
}
