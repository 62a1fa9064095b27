//! All endpoints of a mode, and a new one.

use super::endpoint::{Extras, page_of};
use super::form::EndpointForm;
use super::log::Choice;
use super::{endpoint_pill, endpoints_of_mode, terminals, title_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::Pill;
use askama::Template;
use domain::endpoint::Endpoint;
use domain::event_type::EventPattern;
use domain::id::TerminalNumber;
use domain::user::Permission;
use engine::endpoint::AddEndpoint;
use http::StatusCode;

struct Row {
    href: String,
    title: String,
    url: String,
    events: String,
    terminal: String,
    pill: Pill,
    failing: Option<At>,
}

#[derive(Template)]
#[template(path = "portal/webhooks_endpoints.html")]
struct EndpointsPage {
    shell: Shell,
    log_href: String,
    endpoints_href: String,
    add_href: Option<String>,
    rows: Vec<Row>,
}

/// `GET /portal/{mode}/webhooks/endpoints`
pub(super) async fn list(visit: Visit) -> Outcome {
    let found = endpoints_of_mode(&visit).await?;
    let edits = visit.may(Permission::EditWebhooks);
    let page = EndpointsPage {
        shell: Shell::of(&visit, "Webhook endpoints"),
        log_href: visit.in_mode("/webhooks"),
        endpoints_href: visit.in_mode("/webhooks/endpoints"),
        add_href: edits.then(|| visit.in_mode("/webhooks/endpoints/new")),
        rows: found.iter().map(|endpoint| row(&visit, endpoint)).collect(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn row(visit: &Visit, endpoint: &Endpoint) -> Row {
    Row {
        href: visit.in_mode(&format!("/webhooks/endpoints/{}", endpoint.number)),
        title: title_of(endpoint),
        url: endpoint.url.as_str().to_owned(),
        events: events_in_words(&endpoint.events),
        terminal: endpoint.terminal.map_or_else(|| "All".to_owned(), |one| one.to_string()),
        pill: endpoint_pill(endpoint),
        failing: endpoint.failing_since.map(At::of),
    }
}

/// What it is told of.
pub(super) fn events_in_words(events: &[EventPattern]) -> String {
    let all: Vec<&str> = events.iter().map(EventPattern::as_str).collect();
    if all.contains(&"*") { "Everything".to_owned() } else { all.join(", ") }
}

#[derive(Template)]
#[template(path = "portal/webhooks_new.html")]
struct NewPage {
    shell: Shell,
    endpoints_href: String,
    action: String,
    form: EndpointForm,
    terminals: Vec<Choice>,
    is_live: bool,
    needs_password: bool,
}

async fn new_page(visit: &Visit, status: StatusCode, form: EndpointForm) -> Outcome {
    let own = terminals(visit).await?;
    let choice = |one: &domain::terminal::Terminal| Choice {
        value: one.number.to_string(),
        text: format!("{} · {}", one.number, one.name),
        chosen: form.terminal == one.number.to_string(),
    };
    let page = NewPage {
        shell: Shell::of(visit, "Add an endpoint"),
        endpoints_href: visit.in_mode("/webhooks/endpoints"),
        action: visit.in_mode("/webhooks/endpoints/new"),
        terminals: own.iter().map(choice).collect(),
        form,
        is_live: visit.mode()? == domain::terminal::Mode::Live,
        needs_password: visit.needs_password(),
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// `GET /portal/{mode}/webhooks/endpoints/new`
pub(super) async fn new(visit: Visit) -> Outcome {
    let form = EndpointForm::empty();
    let chosen = visit.asked("terminal").unwrap_or_default();
    new_page(&visit, StatusCode::OK, EndpointForm { terminal: chosen, ..form }).await
}

/// `POST /portal/{mode}/webhooks/endpoints/new`: the page that answers shows the secret, once.
pub(super) async fn add(visit: Visit, posted: Posted) -> Outcome {
    let (mut form, read) = EndpointForm::read(&posted);
    let terminal = match posted.optional("terminal") {
        None => None,
        Some(text) => match text.parse() {
            Ok(number) => Some(TerminalNumber(number)),
            Err(_no_number) => {
                form.wrong_terminal();
                None
            }
        },
    };
    if let Err(trouble) = posted.prove(&visit).await {
        form.troubled(trouble)?;
    }
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(read) = read.filter(|_| form.is_right()) else {
        return new_page(&visit, wrong, form).await;
    };
    let add = AddEndpoint {
        merchant: visit.merchant_id()?,
        terminal,
        mode: visit.mode()?,
        url: read.url,
        events: read.events,
        description: read.description,
    };
    match visit.app.gateway.add_endpoint(visit.actor(), add).await {
        Ok(endpoint) => {
            let text = "The endpoint is there. Copy its signing secret now: it is not shown again.";
            let notice = Notice { is_error: false, text: text.to_owned() };
            let secret = endpoint.secrets.first().map(|one| one.text.reveal().to_owned());
            page_of(&visit, &endpoint, Extras { notice: Some(notice), secret, ..Extras::default() })
        }
        Err(why) => {
            form.refused(why)?;
            new_page(&visit, wrong, form).await
        }
    }
}
