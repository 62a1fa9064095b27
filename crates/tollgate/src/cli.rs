//! The command line. Each command's arguments stand with its body; here is the tree.

use crate::commands::{
    balance, bank, bench, completions, config, db, demo, doctor, endpoint, events, init, listen,
    merchant, migrate, pay, payment,
};
use crate::commands::{serve, terminal, trigger, user, verify, version};
use crate::config::{FilePlace, Settings, Sources};
use crate::failure::Failure;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A self-hosted payment gateway in one binary
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Without a command, `serve`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  tollgate demo                      a guided tour; leaves nothing behind
  tollgate                           start the gateway, with demo data in a new data folder
  tollgate init                      write a commented tollgate.toml and the master key
  tollgate pay --otp 123456          make a test payment at the running gateway
  tollgate terminal show 42 --json   everything about a terminal, for scripts

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 could not (the reason is on standard error).
Data goes to standard output, talk to standard error. NO_COLOR is respected.";

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// The file of settings [default: ./tollgate.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Common options")]
    pub(crate) config: Option<PathBuf>,

    /// The data folder [default: ./tollgate-data]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Common options")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// A flag that stands for a key of the configuration: key, flag, value.
pub(crate) type FlagValue = (&'static str, &'static str, String);

impl Common {
    /// The settings, with no flags but the common ones.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        self.settings_with(Vec::new())
    }

    /// The settings, with a command's own flags on top.
    pub(crate) fn settings_with(&self, flags: Vec<FlagValue>) -> Result<Settings, Failure> {
        self.settings_of(&FilePlace::find(self.config.as_deref()), flags)
    }

    /// The settings with this file of settings.
    pub(crate) fn settings_of(
        &self,
        place: &FilePlace,
        mut flags: Vec<FlagValue>,
    ) -> Result<Settings, Failure> {
        if let Some(folder) = &self.data_dir {
            let text = folder.to_str().ok_or_else(|| {
                Failure::Usage("--data-dir must be a path in UTF-8 text".to_owned())
            })?;
            flags.push(("data_dir", "--data-dir", text.to_owned()));
        }
        Settings::resolve(&Sources::load(place, flags)?)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve(serve::Arguments),
    /// Write a commented tollgate.toml and the master key; never overwrites
    Init(init::Arguments),
    /// A guided tour: a shop, a customer and a gateway in this terminal
    Demo(demo::Arguments),
    /// Make a test payment at a running gateway
    Pay(pay::Arguments),
    /// Show webhooks, check their signatures, and pass them on to a program on this machine
    Listen(Box<listen::Arguments>),
    /// Send a sample of a webhook now, and show what came of it
    Trigger(trigger::Arguments),
    /// Merchants: add, list, show
    #[command(subcommand, after_help = merchant::EXAMPLES)]
    Merchant(merchant::Action),
    /// People of a merchant: invite them to the portal, list, remove
    #[command(subcommand, after_help = user::EXAMPLES)]
    User(user::Action),
    /// People of the office: add the first one, list, remove
    #[command(subcommand, after_help = user::OPERATOR_EXAMPLES)]
    Operator(user::OperatorAction),
    /// Payments: show, list, refund, capture, void; those that only the bank can end
    #[command(subcommand, after_help = payment::EXAMPLES)]
    Payment(payment::Action),
    /// Terminals: add, list, show, set, rotate keys; encrypt and decrypt by hand
    #[command(subcommand, after_help = terminal::EXAMPLES)]
    Terminal(terminal::Action),
    /// What webhooks were sent: list, show, send again
    #[command(subcommand, after_help = events::EXAMPLES)]
    Events(events::Action),
    /// Further addresses that are told of events: add, list, show, set, remove
    #[command(subcommand, after_help = endpoint::EXAMPLES)]
    Endpoint(endpoint::Action),
    /// The sandbox bank's side of things
    #[command(subcommand, after_help = bank::EXAMPLES)]
    Bank(bank::Action),
    /// What the books say: sums by account, or every posting
    Balance(balance::Arguments),
    /// Prove that nothing was lost: every row agrees with every other
    Verify(verify::Arguments),
    /// The configuration as it is in force
    #[command(subcommand, after_help = config::EXAMPLES)]
    Config(config::Action),
    /// Check this installation and say what to mend
    Doctor(doctor::Arguments),
    /// The database: copy it from SQLite to PostgreSQL, archive a past year
    #[command(subcommand, after_help = db::EXAMPLES)]
    Db(db::Action),
    /// Bring the database's schema up to date; `serve` does it too
    Migrate(migrate::Arguments),
    /// Measure this machine: payments a second
    Bench(bench::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
    /// Print the version
    Version(version::Arguments),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The examples of a help text: what a shell would run, without what stands beside it.
    fn examples(help: &str) -> Vec<String> {
        let mut parts = help.split("\\\n");
        let first = parts.next().unwrap_or_default().to_owned();
        let help = parts.fold(first, |all, part| all + part.trim_start());
        let lines = help.lines().filter_map(|line| line.strip_prefix("  tollgate"));
        let alone = |line: &str| {
            let end = ["   ", " | ", " > ", " < "].iter().filter_map(|end| line.find(end)).min();
            line[..end.unwrap_or(line.len())].trim_start().to_owned()
        };
        lines
            // Not a sentence that begins so.
            .filter(|line| line.is_empty() || line.starts_with(' '))
            .map(alone)
            .collect()
    }

    /// Words as a shell splits them.
    fn words(text: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for letter in text.chars() {
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some(letter),
                (_, Some(open)) if open == letter => quote = None,
                (' ', None) => words.push(String::new()),
                _ => words.last_mut().unwrap().push(letter),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    fn helps(command: &clap::Command, found: &mut Vec<String>) {
        found.extend(command.get_after_help().map(ToString::to_string));
        command.get_subcommands().for_each(|below| helps(below, found));
    }

    #[test]
    fn every_example_of_the_help_is_understood() {
        let logo = std::env::temp_dir().join(format!("tollgate-shop-{}.svg", std::process::id()));
        std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
        let mut all = Vec::new();
        helps(&Cli::command(), &mut all);
        let examples: std::collections::BTreeSet<String> =
            all.iter().flat_map(|help| examples(help)).collect();
        assert!(examples.len() > 80, "{examples:?}");
        for example in examples {
            let mut words = words(&example);
            words.insert(0, "tollgate".to_owned());
            for word in words.iter_mut().filter(|word| *word == "shop.svg") {
                logo.to_str().unwrap().clone_into(word);
            }
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("tollgate {example}: {error}");
            }
        }
        std::fs::remove_file(logo).unwrap();
    }

    #[test]
    fn examples_are_found_as_a_shell_reads_them() {
        let help = "Examples:\n  tollgate     alone\n  tollgate a 'b c' > d\n  tollgate e \\\n    f   then\n\n\
                    tollgate is no example";
        assert_eq!(examples(help), ["", "a 'b c'", "e f"]);
        assert_eq!(words("a 'b c' --d=\"e\""), ["a", "b c", "--d=e"]);
    }
}
