//! Deliveries are asked for again; a gateway that runs sends them.

use super::filter::Filter;
use super::{EXAMPLES, StateName};
use crate::failure::Failure;
use crate::output::Output;
use crate::wire::Opened;
use clap::Args;
use domain::delivery::{DeliveryFilter, DeliveryId};
use domain::endpoint::EndpointState;
use domain::id::EndpointNumber;
use engine::Actor;
use serde_json::json;
use std::io::IsTerminal as _;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resend {
    /// The delivery's webhook-id
    id: DeliveryId,

    /// One JSON object: the number of deliveries that are sent again
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Replay {
    /// Those that stand so; delivered or pending ones only together with a further filter
    #[arg(long, value_enum, default_value = "dead")]
    state: StateName,

    #[command(flatten)]
    filter: Filter,

    /// Only say how many
    #[arg(long)]
    dry_run: bool,

    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,

    /// One JSON object: the number of deliveries that are sent again, or with --dry-run would be
    #[arg(long)]
    json: bool,
}

/// For people.
fn deliveries(count: u64) -> String {
    if count == 1 { "1 delivery".to_owned() } else { format!("{count} deliveries") }
}

pub(super) async fn resend(opened: &Opened, resend: &Resend) -> Result<(), Failure> {
    let output = Output::new(resend.json);
    let gateway = &opened.gateway;
    let done = gateway.resend(Actor::Operator, resend.id).await?;
    done.ok_or_else(|| super::unknown(resend.id))?;
    warn_of_endpoint(opened, output, resend.id.endpoint).await?;
    told(output, 1)
}

/// Says what came of it; what becomes of the deliveries, a running gateway knows.
fn told(output: Output, count: u64) -> Result<(), Failure> {
    if output.is_json() {
        return output.json_line(&json!({ "count": count }));
    }
    let are = if count == 1 { "is" } else { "are" };
    output.line(&format!("{} {are} sent again", deliveries(count)))?;
    output.talk("`tollgate events list` tells what becomes of it, while a gateway runs.");
    Ok(())
}

/// What is sent to an endpoint that is not on is given up at once.
async fn warn_of_endpoint(
    opened: &Opened,
    output: Output,
    number: Option<EndpointNumber>,
) -> Result<(), Failure> {
    let Some(number) = number else { return Ok(()) };
    match opened.gateway.endpoint(Actor::Operator, number).await? {
        None => output.talk(&format!("Endpoint {number} was removed: nothing is sent to it.")),
        Some(endpoint) if endpoint.state != EndpointState::On => output.talk(&format!(
            "Endpoint {number} is switched off: nothing is sent to it. First: tollgate endpoint set \
             {number} --on"
        )),
        Some(_) => {}
    }
    Ok(())
}

pub(super) async fn replay(opened: &Opened, replay: &Replay) -> Result<(), Failure> {
    let output = Output::new(replay.json);
    let gateway = &opened.gateway;
    if replay.state != StateName::Dead && replay.filter.is_empty() {
        let text = "everything that was ever sent would be sent again: name also --from, --until, \
                    --payment, --endpoint, --terminal, --merchant or --type";
        return Err(Failure::Usage(text.to_owned()));
    }
    replay.filter.check(gateway).await?;
    let filter = replay.filter.with_state(Some(replay.state.state()));
    let count = gateway.count_deliveries(Actor::Operator, filter).await?;
    if replay.dry_run || count == 0 {
        if output.is_json() {
            return output.json_line(&json!({ "count": count }));
        }
        return output.line(&format!("{} to send again", deliveries(count)));
    }
    warn_of_endpoint(opened, output, filter.endpoint).await?;
    if replay.yes {
        output.talk(&format!("{} to send again.", deliveries(count)));
    } else if !output.can_ask() {
        return Err(Failure::Usage(format!(
            "{} to send again: say --yes, for there is no terminal to ask at",
            deliveries(count)
        )));
    } else if !output.asks(&format!("Send {} again?", deliveries(count)))? {
        return Err(Failure::No("nothing is sent again".to_owned()));
    }
    told(output, send_all(opened, output, filter, count).await?)
}

/// How many it were in the end: others may have come or gone since they were counted.
async fn send_all(
    opened: &Opened,
    output: Output,
    filter: DeliveryFilter,
    count: u64,
) -> Result<u64, Failure> {
    let watched = std::io::stderr().is_terminal();
    let mut done: u64 = 0;
    let mut after = None;
    if watched {
        output.talk(&format!("0 of {count} \u{2026}"));
    }
    loop {
        let (sent, next) = opened.gateway.replay_next(Actor::Operator, filter, after).await?;
        done = done.saturating_add(sent);
        if watched {
            output.talk(&format!("\u{1b}[1A\u{1b}[2K{done} of {count} \u{2026}"));
        }
        after = next;
        if after.is_none() {
            return Ok(done);
        }
    }
}
