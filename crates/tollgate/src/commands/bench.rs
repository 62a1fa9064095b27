//! `tollgate bench`: measures this machine.

use crate::cli::Common;
use crate::failure::Failure;
use clap::{Args, ValueEnum};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Payments created, each fsynced before it is answered
    Create,
    /// Payments created, challenged, approved and told to the shop
    Life,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate bench create
  tollgate bench life --clients 64 --seconds 30 --json
  tollgate bench create --data-dir /srv/fast-disk/bench")]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    scenario: Scenario,

    /// Shops that call at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,

    /// For how long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[expect(clippy::unused_async, reason = "measuring awaits; the body is not written yet")]
pub(crate) async fn run(_common: &Common, arguments: Arguments) -> Result<(), Failure> {
    Err(Failure::CouldNot(format!(
        "{:?} with {} clients for {} seconds (json: {}) cannot be measured by this build yet",
        arguments.scenario, arguments.clients, arguments.seconds, arguments.json
    )))
}
