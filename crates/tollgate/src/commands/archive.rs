//! `tollgate db archive`: payments of a past year go into a file of their own.

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config::{Database, Settings};
use crate::failure::Failure;
use crate::output::Output;
use crate::wire;
use clap::Args;
use domain::id::Year;
use engine::Actor;
use engine::changeset::AuditLine;
use engine::ports::Clock as _;
use serde_json::json;
use std::io::IsTerminal as _;
use std::time::Duration;

/// After each step the gateway's own commits have the main file to themselves.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate db archive --year 2024
  tollgate db archive --year 2024 --json | jq .left

Moves the finished payments of a past year out of tollgate.db into archive-2024.db beside it, with
their events, refunds and webhooks. They answer as before; one that is refunded comes back by itself.
Works while the gateway runs, in small steps. Stopped or killed at any moment, it loses nothing, and
the same command goes on. What is not finished stays, for a later run. Back up both files from then on.")]
pub(crate) struct Archive {
    /// Which year, UTC; it must be over
    #[arg(long, value_name = "YEAR")]
    year: Year,

    /// One JSON object: year, file, moved, archived, left, differing
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(common: &Common, archive: Archive) -> Result<(), Failure> {
    let output = Output::new(archive.json);
    let settings = common.settings()?;
    if matches!(settings.database.value, Database::Postgres(_)) {
        let text =
            "archive files are for SQLite; on PostgreSQL every payment stays in the database";
        return Err(Failure::Usage(text.to_owned()));
    }
    let year = archive.year;
    if !year.is_over(SystemClock.now()) {
        let text = format!("--year {year} is not over: only a past year can be archived");
        return Err(Failure::Usage(text));
    }
    let mut mover = wire::mover(&settings, year)?;
    note(&settings, year).await?;
    let all = mover.in_main_file().map_err(wire::could_not)?;
    let watched = std::io::stderr().is_terminal();
    if watched {
        output.talk(&format!("0 of {all} payments moved \u{2026}"));
    }
    let (mut moved, mut differing) = (0_u64, 0_u64);
    loop {
        let step = mover.step().map_err(wire::could_not)?;
        moved = moved.saturating_add(step.moved);
        differing = differing.saturating_add(step.differing);
        if step.ended {
            break;
        }
        if watched {
            let text = format!("\u{1b}[1A\u{1b}[2K{moved} of {all} payments moved \u{2026}");
            output.talk(&text);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let left = mover.in_main_file().map_err(wire::could_not)?;
    let archived = mover.in_archive().map_err(wire::could_not)?;
    let file = mover.path().to_owned();
    mover.finish().map_err(wire::could_not)?;
    if output.is_json() {
        output.json_line(&json!({
            "year": year, "file": file, "moved": moved, "archived": archived, "left": left,
            "differing": differing,
        }))?;
    } else {
        let file = file.display();
        output.line(&format!("{moved} payments moved to {file}, which now has {archived}"))?;
        if left > 0 {
            output.line(&format!(
                "{left} of {year} stay in tollgate.db: they are not finished, their webhooks are \
                 not acknowledged, or they are the newest of all"
            ))?;
        }
    }
    if differing > 0 {
        let text = format!(
            "{differing} payments changed meanwhile, or {} has other rows of them: repeat this, and \
             if they stay, see what tollgate verify says",
            file.display()
        );
        return Err(Failure::No(text));
    }
    Ok(())
}

/// The audit log tells of it before the first payment moves: whoever stops this stops it anywhere.
async fn note(settings: &Settings, year: Year) -> Result<(), Failure> {
    let opened = wire::open(settings).await?;
    let line = AuditLine {
        at: SystemClock.now(),
        actor: Actor::Operator.name(),
        caller: None,
        action: "archive_year",
        result: "done",
        terminal: None,
        request_id: None,
        detail: year.to_string(),
        merchant: None,
        user: None,
    };
    opened.gateway.audit(line).await;
    Ok(())
}
