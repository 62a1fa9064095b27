//! `tollgate events`: the log of what merchants' servers were sent, and sending it again.

pub(super) mod filter;
mod replay;

use crate::cli::Common;
use crate::delivery_view::ShownDelivery;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use crate::wire::{self, Opened};
use clap::{Args, Subcommand, ValueEnum};
use domain::delivery::{DeliveryDetail, DeliveryId, DeliveryState};
use engine::Actor;
use filter::Filter;
pub(super) use filter::event_type;
use replay::{Replay, Resend};

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate events list
  tollgate events list --state dead --terminal 42 --from 2026-01-31
  tollgate events list --type refund.succeeded --limit 100 --json | jq .id
  tollgate events list --after msg_417823250426141606_1    what follows that one
  tollgate events show msg_417823250426141606_1            the body, and every attempt
  tollgate events resend msg_417823250426141606_1
  tollgate events replay --dry-run                         how many are dead
  tollgate events replay --endpoint 3 --from 2026-01-31T09:00:00Z --yes";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Deliveries, the newest first
    List(Box<List>),
    /// One delivery with its body and every attempt
    Show(Show),
    /// Send one again, whatever became of it
    Resend(Resend),
    /// Send all again that were given up, or others
    Replay(Box<Replay>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StateName {
    /// To be tried, or tried again
    Pending,
    /// Acknowledged with a 2xx
    Delivered,
    /// Given up
    Dead,
}

impl StateName {
    const fn state(self) -> DeliveryState {
        match self {
            Self::Pending => DeliveryState::Pending,
            Self::Delivered => DeliveryState::Delivered,
            Self::Dead => DeliveryState::Dead,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Only those that stand so
    #[arg(long, value_enum)]
    state: Option<StateName>,

    #[command(flatten)]
    filter: Filter,

    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Only what follows this delivery in the list
    #[arg(long, value_name = "ID")]
    after: Option<DeliveryId>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The delivery's webhook-id
    id: DeliveryId,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let opened = wire::open(&common.settings()?).await?;
    match action {
        Action::List(list) => self::list(&opened, &list).await,
        Action::Show(show) => {
            let shown = ShownDelivery::with_detail(&load(&opened, show.id).await?);
            let output = Output::new(show.json);
            if output.is_json() { output.json_line(&shown) } else { output.text(&shown.text()) }
        }
        Action::Resend(resend) => replay::resend(&opened, &resend).await,
        Action::Replay(replay) => replay::replay(&opened, &replay).await,
    }
}

fn unknown(id: DeliveryId) -> Failure {
    Failure::No(format!("there is no delivery {id}; `tollgate events list` shows the newest"))
}

async fn load(opened: &Opened, id: DeliveryId) -> Result<DeliveryDetail, Failure> {
    let found = opened.gateway.delivery(Actor::Operator, id).await?;
    found.ok_or_else(|| unknown(id))
}

async fn list(opened: &Opened, list: &List) -> Result<(), Failure> {
    let output = Output::new(list.json);
    let gateway = &opened.gateway;
    list.filter.check(gateway).await?;
    let filter = list.filter.with_state(list.state.map(StateName::state));
    let after = match list.after {
        Some(id) => Some(load(opened, id).await?.record.cursor()),
        None => None,
    };
    let page = gateway.deliveries(Actor::Operator, filter, after, list.limit).await?;
    let shown = page.deliveries.iter().map(ShownDelivery::of);
    if output.is_json() {
        return shown.into_iter().try_for_each(|delivery| output.json_line(&delivery));
    }
    let last = shown.clone().next_back().map(|last| last.id().to_owned());
    let Some(last) = last else {
        output.talk(if list.after.is_some() {
            "The list ends here."
        } else if list.state.is_some() || !list.filter.is_empty() {
            "There are no such deliveries; with less filters there may be."
        } else {
            "Nothing was sent yet: `tollgate pay` makes a payment that is told of, `tollgate trigger \
             payment.approved` sends a sample."
        });
        return Ok(());
    };
    let rows: Vec<Vec<String>> = shown.map(ShownDelivery::row).collect();
    output.text(&table(&ShownDelivery::HEADINGS, &rows))?;
    if page.next.is_some() {
        output.talk(&format!("There may be more: the same command with --after {last}"));
    }
    Ok(())
}
