//! `tollgate bank`: what the sandbox bank believes.

use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use crate::wire;
use clap::{Args, Subcommand};
use serde_json::Value;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate bank journal
  tollgate bank journal --json | jq 'select(.result == \"approved\")'";

/// The fields of an entry, in the order of the columns.
const COLUMNS: [&str; 9] = [
    "at",
    "kind",
    "result",
    "amount_minor",
    "currency",
    "trans_id",
    "our_reference",
    "original",
    "times_asked",
];

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Every authorisation, capture, refund and reversal in the sandbox bank's books, the oldest first
    Journal(Journal),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Journal {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let Action::Journal(journal) = action;
    let output = Output::new(journal.json);
    let mut entries = wire::bank_journal(&common.settings()?)?;
    if output.is_json() {
        return entries.try_for_each(|entry| output.json_line(&entry?));
    }
    let entries = entries.collect::<Result<Vec<Value>, Failure>>()?;
    if entries.is_empty() {
        output.talk("The sandbox bank has no entries yet; `tollgate pay` makes one.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| COLUMNS.iter().map(|name| cell(entry, name)).collect())
        .collect();
    output.text(&table(&COLUMNS, &rows))
}

fn cell(entry: &Value, name: &str) -> String {
    match entry.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    }
}
