//! The first page: how business goes, and what needs attention.

mod attention;
mod figures;
#[cfg(test)]
mod tests;

use super::payments::{Row, row};
use super::words::moment;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use askama::Template;
use attention::{Attention, Start};
use axum::response::{IntoResponse as _, Redirect};
use domain::payment_filter::PaymentFilter;
use domain::terminal::Mode;
use domain::user::Permission;
use engine::ports::PaymentsAsked;
use figures::Figures;
use http::StatusCode;

/// Payments that the page shows.
const RECENT: u32 = 5;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(Room::Portal, "/portal", Permission::See, home),
        get(Room::Portal, "/portal/{mode}", Permission::See, overview),
    ]
}

/// `GET /portal`: live for who has live terminals, test for everybody else.
async fn home(visit: Visit) -> Outcome {
    let terminals = visit.app.gateway.terminals(visit.actor()).await?;
    let live = terminals.iter().any(|one| one.mode == Mode::Live && one.takes_payments());
    let mode = if live { Mode::Live } else { Mode::Test };
    Ok(Redirect::to(&visit.href(&format!("/portal/{}", mode.name()))).into_response())
}

/// One of several that a page can be about.
struct Tab {
    text: String,
    href: String,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "portal/overview.html")]
struct OverviewPage {
    shell: Shell,
    here: String,
    payments: String,
    attention: Vec<Attention>,
    start: Vec<Start>,
    is_counted: bool,
    counted_at: String,
    counted_at_text: String,
    currencies: Vec<Tab>,
    periods: Vec<Tab>,
    figures: Option<Figures>,
    recent: Vec<Row>,
}

/// `GET /portal/{mode}`
async fn overview(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let days = days(&visit)?;
    let (gateway, actor) = (&visit.app.gateway, visit.actor());
    let filter = PaymentFilter { mode: Some(mode), ..PaymentFilter::default() };
    let asked = PaymentsAsked { filter, before: None, limit: RECENT };
    let recent = gateway.newest_payments(actor, asked).await?;
    let terminals = gateway.terminals(actor).await?;
    let mut endpoints = gateway.endpoints(actor).await?;
    endpoints.retain(|endpoint| endpoint.mode == mode);
    let summary = gateway.summary(actor, visit.merchant_id()?, mode).await;
    let start = if recent.is_empty() {
        attention::first_steps(&visit, &terminals, !endpoints.is_empty())
    } else {
        Vec::new()
    };
    let attention =
        attention::all(&visit, (mode, &terminals, &endpoints), summary.as_deref()).await?;
    let currencies = summary.as_deref().map(figures::currencies).unwrap_or_default();
    let asked = visit.asked("currency");
    let currency = match asked {
        Some(code) => {
            let found = currencies.iter().find(|one| one.code().eq_ignore_ascii_case(&code));
            // One without payments has no figures, and is no mistake.
            found.or(currencies.first()).copied()
        }
        None => currencies.first().copied(),
    };
    let figures = match (&summary, currency) {
        (Some(summary), Some(currency)) => Some(figures::of(summary, currency, days)),
        _ => None,
    };
    let tab = |one: &domain::money::Currency| Tab {
        text: one.code().to_owned(),
        href: visit.with_query("currency", Some(one.code())),
        is_here: Some(*one) == currency,
    };
    let period = |count: i64| Tab {
        text: format!("{count} days"),
        href: visit.with_query("days", Some(&count.to_string())),
        is_here: count == days,
    };
    let page = OverviewPage {
        shell: Shell::of(&visit, "Overview"),
        here: visit.with_query("", None),
        payments: visit.in_mode("/payments"),
        attention,
        start,
        is_counted: summary.is_some(),
        counted_at: summary.as_ref().map(|one| one.counted_at.to_rfc3339()).unwrap_or_default(),
        counted_at_text: summary.as_ref().map(|one| moment(one.counted_at)).unwrap_or_default(),
        currencies: currencies.iter().map(tab).collect(),
        periods: figures::PERIODS.into_iter().map(period).collect(),
        figures,
        recent: recent.iter().map(|payment| row(&visit, payment)).collect(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

/// How many days the figures are of.
fn days(visit: &Visit) -> Result<i64, Trouble> {
    let Some(text) = visit.asked("days") else { return Ok(figures::PERIODS[0]) };
    let days = text.parse().ok().filter(|days| figures::PERIODS.contains(days));
    days.ok_or_else(|| Trouble::Field("days", "must be 7 or 30".to_owned()))
}
