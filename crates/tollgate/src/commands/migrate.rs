//! `tollgate migrate`: brings the database's schema up to date, before the gateway does it itself.

use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::wire;
use clap::Args;
use serde_json::{Value, json};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate migrate --dry-run
  tollgate migrate --json

`tollgate serve` does the same at its start. A migration that only adds leaves nodes with the older
program running; one that does not is refused by them at their next start.")]
pub(crate) struct Arguments {
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// One JSON object: schema, needed, migrations, applied
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let settings = common.settings()?;
    let found = wire::schema_version(&settings).await?;
    let known = wire::migrations::Version::known();
    if !found.is_usable() {
        return Err(Failure::CouldNot(format!(
            "the database has schema version {}, this program knows {known}: use a newer tollgate",
            found.found
        )));
    }
    let pending = found.pending();
    let applied = !arguments.dry_run && !pending.is_empty();
    if applied {
        wire::migrate(&settings).await?;
    }
    if output.is_json() {
        let step =
            |one: &wire::migrations::Pending| json!({"version": one.version, "name": one.name});
        let migrations: Vec<Value> = pending.iter().map(step).collect();
        return output.json_line(&json!({
            "schema": found.found,
            "needed": known,
            "migrations": migrations,
            "applied": applied,
        }));
    }
    if pending.is_empty() {
        return output.line(&format!("schema {}: nothing to do", found.found));
    }
    let word = if applied { "applied" } else { "pending" };
    pending.iter().try_for_each(|one| output.line(&format!("{word}: {} {}", one.version, one.name)))
}
