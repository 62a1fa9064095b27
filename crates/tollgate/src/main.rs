//! Tollgate: a payment gateway in one binary. This crate is the command line, the configuration
//! and the wiring; what is true of payments stands in `domain`, what is done with them in `engine`.

mod bench;
mod checkout;
mod cli;
mod clock;
mod commands;
mod config;
mod csv;
mod delivery_stream;
mod delivery_view;
mod demo_data;
mod event_stream;
mod failure;
#[cfg(test)]
mod fake_gateway;
mod html_form;
mod http_client;
mod master_key;
mod output;
mod payment_view;
mod random;
mod receiver;
mod table;
mod telemetry;
mod wire;

use clap::Parser as _;
use failure::Failure;
use mimalloc::MiMalloc;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Every freed byte is wiped, so that card data does not linger in memory that was given back.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    let hardened = forbid_memory_dumps();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return told_by_clap(&message),
    };
    let output = output::Output::new(false);
    if let Err(error) = hardened {
        output.talk(&format!("warning: a crash may write memory to disk: {error}"));
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.text() {
                output.talk(&format!("error: {}", text.replace('\n', "\nerror: ")));
            }
            failure.exit_code()
        }
    }
}

/// Help and version are data and end well; anything else that clap has to say is wrong usage.
fn told_by_clap(message: &clap::Error) -> ExitCode {
    let written = message.print();
    drop(written);
    if message.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// A core dump, or a debugger of another process of this user, would show cards that are on their
/// way to the bank.
fn forbid_memory_dumps() -> rustix::io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

fn run(cli: cli::Cli) -> Result<(), Failure> {
    if let Some((name, passes)) = config::crash_point() {
        engine::crash_point::arm(&name, passes);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not("the runtime", error))?;
    runtime.block_on(commands::run(cli))
}
