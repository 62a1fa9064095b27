//! Sending everything again that was given up since a day: asked for, counted, and then done.

use super::log::{Asked, Choice, Problem};
use super::{endpoints_of_mode, terminals, title_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::count;
use askama::Template;
use domain::delivery::{DeliveryFilter, DeliveryState};
use domain::id::{EndpointNumber, TerminalNumber};
use domain::summary::Day;
use domain::time::Timestamp;
use engine::error::Fault;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// Deliveries that are sent again at once at most.
const AT_MOST: u64 = 100_000;
/// So far back is the first day that the form proposes.
const PROPOSED: Duration = Duration::from_hours(7 * 24);

#[derive(Template)]
#[template(path = "portal/webhooks_replay.html")]
struct ReplayPage {
    shell: Shell,
    log_href: String,
    replay_href: String,
    from: String,
    endpoint: String,
    endpoints: Vec<Choice>,
    problems: Vec<Problem>,
    /// How many are meant, once it was asked.
    counted: Option<String>,
    is_none: bool,
    too_many: bool,
    log_of_these: String,
}

/// `GET /portal/{mode}/webhooks/replay`: with a day, how many are meant.
pub(super) async fn ask(visit: Visit) -> Outcome {
    let Asked { filter, problems } = Asked::of(&visit);
    page(&visit, filter, problems).await
}

async fn page(visit: &Visit, filter: DeliveryFilter, problems: Vec<Problem>) -> Outcome {
    let filter = given_up(filter);
    let counted = match filter.from {
        Some(_) if problems.is_empty() => {
            let own = numbers(visit).await?;
            Some(count_all(visit, filter, &own).await?)
        }
        Some(_) | None => None,
    };
    let endpoints = endpoints_of_mode(visit).await?;
    let choice = |one: &domain::endpoint::Endpoint| Choice {
        value: one.number.to_string(),
        text: title_of(one),
        chosen: filter.endpoint == Some(one.number),
    };
    let day = filter.from.map(|from| from.to_rfc3339().chars().take(10).collect::<String>());
    // Most of what is sent again failed lately; older days can be typed.
    let week_ago = Day::of(visit.app.gateway.clock().now().minus(PROPOSED)).text();
    let from = visit.asked("from").or(day).unwrap_or(week_ago);
    let endpoint = filter.endpoint.map(|one| one.to_string()).unwrap_or_default();
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ReplayPage {
        shell: Shell::of(visit, "Send failed webhooks again"),
        log_href: visit.in_mode("/webhooks"),
        replay_href: visit.in_mode("/webhooks/replay"),
        log_of_these: form_urlencoded::Serializer::new(visit.in_mode("/webhooks?"))
            .append_pair("state", "dead")
            .append_pair("from", &from)
            .append_pair("endpoint", &endpoint)
            .finish(),
        from,
        endpoint,
        endpoints: endpoints.iter().map(choice).collect(),
        problems,
        is_none: counted == Some(0),
        too_many: counted.is_some_and(|counted| counted > AT_MOST),
        counted: counted.map(|counted| count(i64::try_from(counted).unwrap_or(i64::MAX))),
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// `POST /portal/{mode}/webhooks/replay`
pub(super) async fn replay(visit: Visit, form: Posted) -> Outcome {
    let Some(from) = Timestamp::of_day(&form.text("from")) else {
        let text = "must be a day, as 2026-11-30".to_owned();
        let problems = vec![Problem { field: "From", text }];
        return page(&visit, DeliveryFilter::default(), problems).await;
    };
    let endpoint = match form.optional("endpoint").map(|text| text.parse()) {
        None => None,
        Some(Ok(number)) => Some(EndpointNumber(number)),
        Some(Err(_)) => return Err(Trouble::NotFound),
    };
    let filter =
        given_up(DeliveryFilter { from: Some(from), endpoint, ..DeliveryFilter::default() });
    let own = numbers(&visit).await?;
    if count_all(&visit, filter, &own).await? > AT_MOST {
        return page(&visit, filter, Vec::new()).await;
    }
    // To its end although the visitor leaves.
    let (gateway, actor) = (Arc::clone(&visit.app.gateway), visit.actor());
    let task = visit.app.gateway.spawn(async move {
        for terminal in own {
            let filter = DeliveryFilter { terminal: Some(terminal), ..filter };
            let mut after = None;
            loop {
                let (_some, next) = gateway.replay_next(actor, filter, after).await?;
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    });
    task.await.unwrap_or_else(|error| Err(Fault::Broken(error.to_string())))?;
    Ok(visit.see_other(&visit.in_mode("/webhooks"), "replayed"))
}

/// Only what was given up: what is still tried needs no help.
fn given_up(filter: DeliveryFilter) -> DeliveryFilter {
    DeliveryFilter {
        state: Some(DeliveryState::Dead),
        from: filter.from,
        endpoint: filter.endpoint,
        ..DeliveryFilter::default()
    }
}

async fn numbers(visit: &Visit) -> Result<Vec<TerminalNumber>, Trouble> {
    Ok(terminals(visit).await?.iter().map(|terminal| terminal.number).collect())
}

/// Of the page's mode: terminal by terminal, for the log holds both.
async fn count_all(
    visit: &Visit,
    filter: DeliveryFilter,
    own: &[TerminalNumber],
) -> Result<u64, Fault> {
    let mut all = 0_u64;
    for terminal in own {
        let filter = DeliveryFilter { terminal: Some(*terminal), ..filter };
        let some = visit.app.gateway.count_deliveries(visit.actor(), filter).await?;
        all = all.saturating_add(some);
    }
    Ok(all)
}
