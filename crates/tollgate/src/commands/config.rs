//! `tollgate config`

use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use clap::{Args, Subcommand};
use serde_json::json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate config show
  tollgate config show --config /etc/tollgate.toml --json";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Every key with its value and where that came from; exit code 2 when something is wrong
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// One JSON object a key
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let Action::Show(show) = action;
    let output = Output::new(show.json);
    let settings = common.settings()?;
    if output.is_json() {
        return settings.rows.iter().try_for_each(|row| {
            let from = row.origin.to_string();
            output.json_line(&json!({"key": row.key, "value": row.value, "from": from}))
        });
    }
    let rows: Vec<Vec<String>> = settings
        .rows
        .iter()
        .map(|row| {
            let value = row.value.clone().unwrap_or_else(|| "-".to_owned());
            vec![row.key.to_owned(), value, row.origin.to_string()]
        })
        .collect();
    output.text(&table(&["key", "value", "from"], &rows))
}
