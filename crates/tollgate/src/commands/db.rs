//! `tollgate db`: from the SQLite file to a PostgreSQL server, or to archives.

use super::{archive, serve};
use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use crate::wire;
use clap::{Args, Subcommand};
use serde_json::json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate db copy --to postgres://tollgate@db1/tollgate
  TOLLGATE_DATABASE=postgres://tollgate:secret@db1/tollgate tollgate db copy --json
  tollgate db archive --year 2024";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Copy the SQLite database of the data folder to an empty PostgreSQL database
    Copy(Copy),
    /// Move the finished payments of a past year into a file of their own (SQLite)
    Archive(archive::Archive),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate db copy --to postgres://tollgate@db1/tollgate
  TOLLGATE_DATABASE=postgres://tollgate:secret@db1/tollgate tollgate db copy --json

Stop the gateway first. All of it arrives, archives too, or nothing does; the SQLite files stay as they are. What is
sealed stays sealed under the same master.key. Then set `database`, and start.")]
pub(crate) struct Copy {
    /// The PostgreSQL database [default: what `database` says]
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// One JSON object: copied, with table, rows and checksum of each
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    match action {
        Action::Copy(copy) => self::copy(common, copy).await,
        Action::Archive(archive) => archive::run(common, archive).await,
    }
}

async fn copy(common: &Common, copy: Copy) -> Result<(), Failure> {
    let output = Output::new(copy.json);
    let flags = copy.to.map(|url| ("database", "--to", url));
    let settings = common.settings_with(flags.into_iter().collect())?;
    // Held until all is done: nobody writes the source meanwhile.
    let lock = serve::lock(&settings.data_dir.value)?;
    let copied = wire::copy_to_postgres(&settings, |table| {
        output.talk(&format!("{}: {} rows", table.table, table.rows));
    })
    .await?;
    drop(lock);
    if output.is_json() {
        let tables: Vec<_> = copied
            .iter()
            .map(|one| json!({"table": one.table, "rows": one.rows, "checksum": one.checksum}))
            .collect();
        return output.json_line(&json!({ "copied": tables }));
    }
    let rows: Vec<Vec<String>> = copied
        .into_iter()
        .map(|one| {
            let checksum = one.checksum.get(..16).unwrap_or_default().to_owned();
            vec![one.table.to_owned(), one.rows.to_string(), checksum]
        })
        .collect();
    output.text(&table(&["table", "rows", "checksum, the same on both sides"], &rows))?;
    output.talk("\nNext: set `database` to the PostgreSQL address, then tollgate serve");
    Ok(())
}
