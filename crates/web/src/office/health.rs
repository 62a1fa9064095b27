//! Connectors, workers and queues: what this process knows of itself and of its database.

use super::parts::{When, lasted, mode_pill};
use super::unknown::open_calls;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, count, pill};
use askama::Template;
use domain::user::Permission;
use engine::ports::MessagesAsked;
use http::StatusCode;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Office, "/office/health", Permission::Office, health)]
}

/// Calls and messages that are looked at for what a bank was last heard of.
const LOOKED_AT: u32 = 200;

struct ConnectorRow {
    name: &'static str,
    mode: Pill,
    /// Calls that the bank has not told the end of.
    open: usize,
    needing: usize,
    takes_messages: bool,
    heard: Option<When>,
    pill: Pill,
}

struct Figure {
    label: &'static str,
    number: String,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "office/health.html")]
struct HealthPage {
    shell: Shell,
    version: &'static str,
    now: When,
    database: Pill,
    database_took: String,
    takes_payments: Pill,
    connectors: Vec<ConnectorRow>,
    figures: Vec<Figure>,
    oldest_due: Option<When>,
}

async fn connectors(visit: &Visit) -> Result<Vec<ConnectorRow>, crate::desk::trouble::Trouble> {
    let gateway = &visit.app.gateway;
    let (calls, _more) = open_calls(visit, LOOKED_AT).await?;
    let asked = MessagesAsked { unknown_only: false, before: None, limit: LOOKED_AT };
    let messages = gateway.kept_bank_messages(visit.actor(), asked).await?;
    let row = |one: engine::gateway::ConnectorFacts| {
        let own = calls.iter().filter(|call| call.mode() == one.mode);
        let needing = own.clone().filter(|call| call.needs_operator).count();
        let heard = messages.iter().find(|message| message.key.connector == one.name);
        let state = if needing > 0 {
            pill("bad", "warning", "Outcomes need you")
        } else {
            pill("ok", "check", "Nothing overdue")
        };
        ConnectorRow {
            name: one.name,
            mode: mode_pill(one.mode),
            open: own.count(),
            needing,
            takes_messages: one.takes_messages,
            heard: heard.map(|message| When::of(message.received_at)),
            pill: state,
        }
    };
    Ok(gateway.connector_facts().into_iter().map(row).collect())
}

/// `GET /office/health`
async fn health(visit: Visit) -> Outcome {
    let gateway = &visit.app.gateway;
    let began = gateway.clock().now();
    let is_ready = gateway.is_ready().await;
    let took = gateway.clock().now().since(began);
    let database = match &is_ready {
        Ok(()) => pill("ok", "check", "Answers"),
        Err(_) => pill("bad", "cross", "Does not answer"),
    };
    let takes_payments = if gateway.admits_new_payments() {
        pill("ok", "check", "Taken")
    } else {
        pill("bad", "warning", "Turned away: the queue for the database is full")
    };
    let backlog = gateway.backlog().await?;
    let deliveries = gateway.delivery_figures();
    let number = |count_of: u64| count(i64::try_from(count_of).unwrap_or(i64::MAX));
    let figure = |label, count_of: u64, about| Figure { label, number: number(count_of), about };
    let page = HealthPage {
        shell: Shell::of(&visit, "Health"),
        version: env!("CARGO_PKG_VERSION"),
        now: When::of(began),
        database,
        database_took: lasted(took),
        takes_payments,
        connectors: connectors(&visit).await?,
        figures: vec![
            figure("To be sent", backlog.pending, "Webhooks in the database, all nodes"),
            figure("Due now", backlog.due, "Of these, whose time has come"),
            figure("Under way", deliveries.in_flight, "Attempts of this process"),
            figure(
                "Receivers paused",
                deliveries.paused,
                "They failed and are left alone for a while",
            ),
            figure("Acknowledged", deliveries.acknowledged, "By this process since it started"),
            figure("Failed", deliveries.failed, "Attempts that are repeated on schedule"),
            figure(
                "Given up",
                deliveries.not_sent,
                "Without an attempt: endpoint off, or too late",
            ),
        ],
        oldest_due: backlog.oldest_due.map(When::of),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
