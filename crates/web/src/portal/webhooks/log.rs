//! The log of what was sent.

use super::{delivery_pill, endpoints_of_mode, terminals, title_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::Pill;
use askama::Template;
use domain::delivery::{DeliveryCursor, DeliveryFilter, DeliveryRecord, DeliveryState};
use domain::event_type::EventType;
use domain::id::{EndpointNumber, PaymentId, TerminalNumber};
use domain::time::Timestamp;
use domain::user::Permission;
use engine::search::Page;
use http::StatusCode;
use std::time::Duration;

/// Deliveries on a page.
const PAGE: u32 = 25;

/// A choice of a filter.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) chosen: bool,
}

struct Row {
    href: String,
    event: String,
    id: String,
    payment: Option<(String, String)>,
    to: String,
    pill: Pill,
    answer: String,
    attempts: u32,
    at: At,
}

#[derive(Template)]
#[template(path = "portal/webhooks_log.html")]
struct LogPage {
    shell: Shell,
    log_href: String,
    endpoints_href: String,
    replay_href: Option<String>,
    add_href: Option<String>,
    states: Vec<Choice>,
    types: Vec<Choice>,
    endpoints: Vec<Choice>,
    payment: String,
    from: String,
    until: String,
    problems: Vec<Problem>,
    is_filtered: bool,
    is_first: bool,
    rows: Vec<Row>,
    newest_href: String,
    older_href: Option<String>,
    goes_on: bool,
}

/// A filter that cannot be read.
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) text: String,
}

impl LogPage {
    fn is_wrong(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.field == field)
    }
}

/// What the query asks for, and what of it cannot be read.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) filter: DeliveryFilter,
    pub(super) problems: Vec<Problem>,
}

impl Asked {
    fn take<T>(
        &mut self,
        visit: &Visit,
        (name, field, form): (&str, &'static str, &str),
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = visit.asked(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.problems.push(Problem { field, text: form.to_owned() });
        }
        parsed
    }

    pub(super) fn of(visit: &Visit) -> Self {
        let mut asked = Self::default();
        let day = "must be a day, as 2026-11-30";
        let state = "must be pending, delivered or dead";
        let number = "must be a transID, a number of 18 digits";
        let filter = DeliveryFilter {
            state: asked.take(visit, ("state", "State", state), DeliveryState::from_name),
            event_type: asked.take(visit, ("type", "Event", "must be a type of event"), |text| {
                EventType::parse(text).ok()
            }),
            endpoint: asked.take(visit, ("endpoint", "Endpoint", "must be a number"), |text| {
                text.parse().ok().map(EndpointNumber)
            }),
            payment: asked
                .take(visit, ("payment", "Payment", number), |text| text.parse::<PaymentId>().ok()),
            from: asked.take(visit, ("from", "From", day), Timestamp::of_day),
            // The last day is meant too.
            until: asked
                .take(visit, ("until", "Until", day), Timestamp::of_day)
                .map(|day| day.plus(Duration::from_hours(24))),
            ..DeliveryFilter::default()
        };
        if let (Some(from), Some(until)) = (filter.from, filter.until)
            && until <= from
        {
            asked
                .problems
                .push(Problem { field: "Until", text: "must not be before From".to_owned() });
        }
        asked.filter = filter;
        asked
    }
}

/// `GET /portal/{mode}/webhooks`
pub(super) async fn list(visit: Visit) -> Outcome {
    let asked = Asked::of(&visit);
    let own: Vec<TerminalNumber> = terminals(&visit).await?.iter().map(|one| one.number).collect();
    let after = visit.asked("after").and_then(|text| place(&text));
    let found = if asked.problems.is_empty() {
        let gateway = &visit.app.gateway;
        gateway.search_deliveries(visit.actor(), (asked.filter, &own), after, PAGE).await?
    } else {
        Page { found: Vec::new(), next: None, stopped: false }
    };
    let page = page(&visit, asked, after, &found).await?;
    let status =
        if page.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(desk_page(&visit.app, status, &page))
}

async fn page(
    visit: &Visit,
    asked: Asked,
    after: Option<DeliveryCursor>,
    found: &Page<DeliveryRecord, DeliveryCursor>,
) -> Result<LogPage, Trouble> {
    let filter = asked.filter;
    let endpoints = endpoints_of_mode(visit).await?;
    let state = |state: DeliveryState| Choice {
        value: state.name().to_owned(),
        text: delivery_pill(state, 0).text.to_owned(),
        chosen: filter.state == Some(state),
    };
    let event_type = |one: EventType| Choice {
        value: one.name().to_owned(),
        text: one.name().to_owned(),
        chosen: filter.event_type == Some(one),
    };
    let endpoint = |one: &domain::endpoint::Endpoint| Choice {
        value: one.number.to_string(),
        text: title_of(one),
        chosen: filter.endpoint == Some(one.number),
    };
    let edits = visit.may(Permission::EditWebhooks);
    let resends = visit.may(Permission::Resend);
    Ok(LogPage {
        shell: Shell::of(visit, "Webhooks"),
        log_href: visit.in_mode("/webhooks"),
        endpoints_href: visit.in_mode("/webhooks/endpoints"),
        replay_href: resends.then(|| visit.in_mode("/webhooks/replay")),
        add_href: edits.then(|| visit.in_mode("/webhooks/endpoints/new")),
        states: [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead]
            .map(state)
            .into(),
        types: EventType::ALL.into_iter().filter(|one| one.is_sent()).map(event_type).collect(),
        endpoints: endpoints.iter().map(endpoint).collect(),
        payment: visit.asked("payment").unwrap_or_default(),
        from: visit.asked("from").unwrap_or_default(),
        until: visit.asked("until").unwrap_or_default(),
        is_filtered: filter != DeliveryFilter::default() || !asked.problems.is_empty(),
        problems: asked.problems,
        is_first: after.is_none(),
        rows: found.found.iter().map(|record| row(visit, record)).collect(),
        newest_href: visit.with_query("after", None),
        older_href: found.next.map(|next| visit.with_query("after", Some(&place_text(next)))),
        goes_on: found.stopped,
    })
}

fn row(visit: &Visit, record: &DeliveryRecord) -> Row {
    let id = record.id;
    let payment = (id.sequence > 0).then(|| {
        let number = id.payment.to_string();
        (visit.in_mode(&format!("/payments/{number}")), number)
    });
    let answer = record.last.as_ref().map_or_else(
        || "Not tried yet".to_owned(),
        |last| match (last.http_status, &last.error) {
            (Some(status), _) => format!("HTTP {status}"),
            (None, Some(error)) => error.clone(),
            (None, None) => "Answered".to_owned(),
        },
    );
    Row {
        href: visit.in_mode(&format!("/webhooks/deliveries/{}", id.webhook_id())),
        event: record.event_type.map_or("payment", EventType::name).to_owned(),
        id: id.webhook_id(),
        payment,
        to: record.url.clone(),
        pill: delivery_pill(record.state, record.attempts),
        answer,
        attempts: record.attempts,
        at: At::of(record.created_at),
    }
}

fn place_text(place: DeliveryCursor) -> String {
    format!("{}.{}", place.created_at.micros(), place.id)
}

fn place(text: &str) -> Option<DeliveryCursor> {
    let (at, id) = text.split_once('.')?;
    let created_at = Timestamp::from_micros(at.parse().ok()?);
    Some(DeliveryCursor { created_at, id: id.parse().ok()? })
}
