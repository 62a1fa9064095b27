//! The commands: one file each, with its arguments, its help and its body.

pub(crate) mod archive;
pub(crate) mod balance;
pub(crate) mod bank;
pub(crate) mod bank_messages;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod endpoint;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod listen;
pub(crate) mod merchant;
pub(crate) mod migrate;
pub(crate) mod pay;
pub(crate) mod payment;
pub(crate) mod serve;
pub(crate) mod terminal;
pub(crate) mod trigger;
pub(crate) mod user;
pub(crate) mod verify;
pub(crate) mod version;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// The demo shop's terminal (contract, section 7).
pub(crate) const DEMO_TERMINAL: i64 = 42;
/// Its public key, the one of the documentation's own example.
pub(crate) const DEMO_PUBLIC_KEY: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
/// Where `tollgate listen` listens, and where `tollgate pay` sends webhooks and customers.
pub(crate) const LISTEN_PORT: u16 = 4242;

/// Runs the command that was asked for; `serve` when none was.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let common = &cli.common;
    match cli.command {
        None => serve::run(common, serve::Arguments::default()).await,
        Some(Command::Serve(arguments)) => serve::run(common, arguments).await,
        Some(Command::Init(arguments)) => init::run(common, &arguments),
        Some(Command::Demo(arguments)) => demo::run(common, arguments).await,
        Some(Command::Pay(arguments)) => pay::run(common, arguments).await,
        Some(Command::Listen(arguments)) => listen::run(common, *arguments).await,
        Some(Command::Merchant(action)) => merchant::run(common, action).await,
        Some(Command::User(action)) => user::run(common, action).await,
        Some(Command::Operator(action)) => user::run_operator(common, action).await,
        Some(Command::Payment(action)) => payment::run(common, action).await,
        Some(Command::Terminal(action)) => terminal::run(common, action).await,
        Some(Command::Events(action)) => events::run(common, action).await,
        Some(Command::Endpoint(action)) => endpoint::run(common, action).await,
        Some(Command::Trigger(arguments)) => trigger::run(common, arguments).await,
        Some(Command::Bank(action)) => bank::run(common, action).await,
        Some(Command::Balance(arguments)) => balance::run(common, arguments).await,
        Some(Command::Verify(arguments)) => verify::run(common, arguments).await,
        Some(Command::Config(action)) => config::run(common, action),
        Some(Command::Doctor(arguments)) => doctor::run(common, arguments).await,
        Some(Command::Db(action)) => db::run(common, action).await,
        Some(Command::Migrate(arguments)) => migrate::run(common, arguments).await,
        Some(Command::Bench(arguments)) => bench::run(common, arguments).await,
        Some(Command::Completions(arguments)) => completions::run(&arguments),
        Some(Command::Version(arguments)) => version::run(&arguments),
    }
}
