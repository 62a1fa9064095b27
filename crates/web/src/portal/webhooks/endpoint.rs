//! One endpoint: looked at, edited, tried out, switched, and taken away.

use super::advice::{advice, pretty};
use super::endpoints::events_in_words;
use super::form::EndpointForm;
use super::{endpoint_of, endpoint_pill, title_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::Pill;
use askama::Template;
use domain::endpoint::{Endpoint, EndpointState};
use domain::event_type::EventType;
use domain::user::Permission;
use engine::delivery::{SampleSent, SampleTo};
use engine::endpoint::{ChangeEndpoint, EndpointRefused};
use engine::ports::PostResult;
use http::StatusCode;

/// What a page shows beside the endpoint.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) notice: Option<Notice>,
    /// A secret that is new.
    pub(super) secret: Option<String>,
    pub(super) form: Option<EndpointForm>,
    pub(super) sample: Option<Sample>,
    pub(super) rotate_error: Option<String>,
    pub(super) sample_error: Option<String>,
    pub(super) is_wrong: bool,
}

/// What became of a sample.
pub(super) struct Sample {
    is_received: bool,
    result: String,
    advice: Option<&'static str>,
    took_ms: u128,
    headers: Vec<(&'static str, String)>,
    body: String,
    answer: Option<String>,
}

struct Secret {
    created: At,
    retires: Option<At>,
}

#[derive(Template)]
#[template(path = "portal/webhooks_endpoint.html")]
struct EndpointPage {
    shell: Shell,
    endpoints_href: String,
    deliveries_href: String,
    replay_href: Option<String>,
    action: String,
    title: String,
    url: String,
    events: String,
    terminal: Option<String>,
    pill: Pill,
    is_on: bool,
    has_failed: bool,
    since: At,
    failing: Option<At>,
    created: At,
    secrets: Vec<Secret>,
    new_secret: Option<String>,
    edits: bool,
    form: EndpointForm,
    types: Vec<&'static str>,
    sample: Option<Sample>,
    sample_error: Option<String>,
    rotate_error: Option<String>,
    needs_password: bool,
}

/// The page of an endpoint.
pub(super) fn page_of(visit: &Visit, endpoint: &Endpoint, extras: Extras) -> Outcome {
    let title = title_of(endpoint);
    let shell = Shell::of(visit, &format!("Endpoint {title}"));
    let shell = match extras.notice {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let number = endpoint.number;
    let secret = |one: &domain::terminal::WebhookSecret| Secret {
        created: At::of(one.created_at),
        retires: one.retires_at.map(At::of),
    };
    let replay = visit.in_mode(&format!("/webhooks/replay?endpoint={number}"));
    let page = EndpointPage {
        shell,
        endpoints_href: visit.in_mode("/webhooks/endpoints"),
        deliveries_href: visit.in_mode(&format!("/webhooks?endpoint={number}")),
        replay_href: visit.may(Permission::Resend).then_some(replay),
        action: visit.in_mode(&format!("/webhooks/endpoints/{number}")),
        title,
        url: endpoint.url.as_str().to_owned(),
        events: events_in_words(&endpoint.events),
        terminal: endpoint.terminal.map(|one| one.to_string()),
        pill: endpoint_pill(endpoint),
        is_on: endpoint.state == EndpointState::On,
        has_failed: endpoint.state == EndpointState::Failed,
        since: At::of(endpoint.state_since),
        failing: endpoint.failing_since.map(At::of),
        created: At::of(endpoint.created_at),
        secrets: endpoint.secrets.iter().map(secret).collect(),
        new_secret: extras.secret,
        edits: visit.may(Permission::EditWebhooks),
        form: extras.form.unwrap_or_else(|| EndpointForm::of(endpoint)),
        types: EventType::ALL.iter().map(|one| one.name()).collect(),
        sample: extras.sample,
        sample_error: extras.sample_error,
        rotate_error: extras.rotate_error,
        needs_password: visit.needs_password(),
    };
    let status = if extras.is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(desk_page(&visit.app, status, &page))
}

/// `GET /portal/{mode}/webhooks/endpoints/{endpoint}`
pub(super) async fn show(visit: Visit) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    page_of(&visit, &endpoint, Extras::default())
}

fn path_of(visit: &Visit, endpoint: &Endpoint) -> String {
    visit.in_mode(&format!("/webhooks/endpoints/{}", endpoint.number))
}

/// `POST /portal/{mode}/webhooks/endpoints/{endpoint}`
pub(super) async fn edit(visit: Visit, posted: Posted) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    let (mut form, read) = EndpointForm::read(&posted);
    if let Some(read) = read {
        let change = ChangeEndpoint {
            url: Some(read.url),
            events: Some(read.events),
            description: Some(read.description),
            on: None,
        };
        let changed =
            visit.app.gateway.change_endpoint(visit.actor(), endpoint.number, change).await;
        match changed {
            Ok(_changed) => return Ok(visit.see_other(&path_of(&visit, &endpoint), "saved")),
            Err(why) => form.refused(why)?,
        }
    }
    let extras = Extras { form: Some(form), is_wrong: true, ..Extras::default() };
    page_of(&visit, &endpoint, extras)
}

/// `POST …/switch`
pub(super) async fn switch(visit: Visit, posted: Posted) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    let on = match posted.raw("to") {
        "on" => true,
        "off" => false,
        _ => return Err(Trouble::Field("to", "must be on or off".to_owned())),
    };
    let change = ChangeEndpoint { on: Some(on), ..ChangeEndpoint::default() };
    let changed = visit.app.gateway.change_endpoint(visit.actor(), endpoint.number, change).await;
    changed.map_err(trouble)?;
    let notice = if on { "endpoint-on" } else { "endpoint-off" };
    Ok(visit.see_other(&path_of(&visit, &endpoint), notice))
}

/// `POST …/rotate`: the page that answers shows the new secret, once.
pub(super) async fn rotate(visit: Visit, posted: Posted) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    match posted.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => {
            let extras = Extras { rotate_error: Some(text), is_wrong: true, ..Extras::default() };
            return page_of(&visit, &endpoint, extras);
        }
        Err(other) => return Err(other),
    }
    let rotated = visit.app.gateway.rotate_endpoint_secret(visit.actor(), endpoint.number).await;
    let rotated = rotated.map_err(trouble)?;
    let text = "There is a new signing secret. Copy it now: it is not shown again. \
                For a day, messages are signed with both.";
    let notice = Notice { is_error: false, text: text.to_owned() };
    let secret = rotated.secrets.first().map(|one| one.text.reveal().to_owned());
    page_of(&visit, &rotated, Extras { notice: Some(notice), secret, ..Extras::default() })
}

/// `POST …/remove`
pub(super) async fn remove(visit: Visit, _posted: Posted) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    let removed = visit.app.gateway.remove_endpoint(visit.actor(), endpoint.number).await;
    removed.map_err(trouble)?;
    Ok(visit.see_other(&visit.in_mode("/webhooks/endpoints"), "endpoint-removed"))
}

/// `POST …/sample`: sends one now, and shows what came of it.
pub(super) async fn sample(visit: Visit, posted: Posted) -> Outcome {
    let endpoint = endpoint_of(&visit).await?;
    let Ok(event_type) = EventType::parse(posted.raw("type")) else {
        let text = "choose a type of event".to_owned();
        let extras = Extras { sample_error: Some(text), is_wrong: true, ..Extras::default() };
        return page_of(&visit, &endpoint, extras);
    };
    let to = SampleTo::Endpoint(endpoint.number);
    let sent = visit.app.gateway.send_sample(visit.actor(), to, event_type).await;
    let sample = Some(told(sent.map_err(trouble)?));
    page_of(&visit, &endpoint, Extras { sample, ..Extras::default() })
}

fn told(sent: SampleSent) -> Sample {
    let (status, answer, error) = match sent.result {
        PostResult::Answered { status, body, .. } => {
            (Some(status), Some(body).filter(|body| !body.is_empty()), None)
        }
        PostResult::Failed(why) => (None, None, Some(why)),
    };
    let is_received = status.is_some_and(|status| (200..300).contains(&status));
    let result = match (status, &error) {
        (Some(status), _) if is_received => format!("Received: your server answered {status}."),
        (Some(status), _) => format!("Not received: your server answered {status}."),
        (None, Some(error)) => format!("No answer: {error}."),
        (None, None) => "No answer.".to_owned(),
    };
    Sample {
        is_received,
        result,
        advice: advice(status, error.as_deref()),
        took_ms: sent.took.as_millis(),
        headers: sent.headers.into(),
        body: pretty(&sent.body),
        answer,
    }
}

fn trouble(why: EndpointRefused) -> Trouble {
    match why {
        EndpointRefused::Fault(fault) => fault.into(),
        EndpointRefused::Unknown | EndpointRefused::UnknownOwner => Trouble::NotFound,
        EndpointRefused::NotHttps | EndpointRefused::NoEvents | EndpointRefused::TooMany => {
            Trouble::Refused(StatusCode::UNPROCESSABLE_ENTITY, format!("{why}."))
        }
    }
}
