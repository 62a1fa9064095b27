//! A terminal's endpoints: listed, added, changed, tried out.

use super::{Call, ENDPOINT_FIELDS, Kind, done, serve, serve_once, unknown};
use crate::api::error::{Problem, Refusal};
use crate::api::exchange::{Done, bad_request, fault_refusal};
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::api_token::TokenScope;
use domain::endpoint::Endpoint;
use domain::event_type::EventPattern;
use domain::id::EndpointNumber;
use domain::terminal::WebhookSecret;
use domain::text::WebAddress;
use domain::time::Timestamp;
use engine::delivery::{SampleSent, SampleTo};
use engine::endpoint::{AddEndpoint, ChangeEndpoint, EndpointRefused};
use engine::ports::PostResult;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

const URL_FORM: &str =
    "must be an absolute http or https URL of at most 2048 characters without user info";

/// An endpoint, its secret left out.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    number: i64,
    #[serde(rename = "terNO", skip_serializing_if = "Option::is_none")]
    ter_no: Option<i64>,
    mode: &'static str,
    url: &'a str,
    events: Vec<&'a str>,
    description: &'a str,
    state: &'static str,
    state_since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    created_at: String,
    secrets: Vec<SecretFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// What may be known of a secret afterwards.
#[derive(Debug, Serialize)]
struct SecretFacts {
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retires_at: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(endpoint: &'a Endpoint) -> Self {
        let facts = |secret: &WebhookSecret| SecretFacts {
            created_at: secret.created_at.to_rfc3339(),
            retires_at: secret.retires_at.map(Timestamp::to_rfc3339),
        };
        Self {
            number: endpoint.number.0,
            ter_no: endpoint.terminal.map(|terminal| terminal.0),
            mode: endpoint.mode.name(),
            url: endpoint.url.as_str(),
            events: endpoint.events.iter().map(EventPattern::as_str).collect(),
            description: &endpoint.description,
            state: endpoint.state.name(),
            state_since: endpoint.state_since.to_rfc3339(),
            failing_since: endpoint.failing_since.map(Timestamp::to_rfc3339),
            created_at: endpoint.created_at.to_rfc3339(),
            secrets: endpoint.secrets.iter().map(facts).collect(),
            secret: None,
        }
    }
}

/// An endpoint whose secret is new: this answer tells it, and no other one ever does.
fn with_secret(status: StatusCode, endpoint: &Endpoint) -> Result<Done, Refusal> {
    let secret = endpoint.secrets.first().map(|secret| secret.text.reveal());
    let told = done(status, &Shown { secret, ..Shown::of(endpoint) })?;
    let without = done(status, &Shown::of(endpoint))?;
    Ok(Done { without_secret: Some(without.body), ..told })
}

/// `GET endpoints`
pub(super) async fn list(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "list_endpoints", scope: TokenScope::ReadWebhooks, query: &[] };
    serve(app, request, kind, |call| async move {
        let found = call.app.gateway.endpoints(call.actor).await;
        let found = found.map_err(|fault| fault_refusal(&fault))?;
        let shown: Vec<Shown<'_>> = found.iter().map(Shown::of).collect();
        done(StatusCode::OK, &json!({ "endpoints": shown }))
    })
    .await
}

/// `POST endpoints`
pub(super) async fn add(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "add_endpoint", scope: TokenScope::WriteWebhooks, query: &[] };
    serve_once(app, request, kind, |call| async move {
        let mut input = call.json(ENDPOINT_FIELDS)?;
        let url = input.parsed("url", URL_FORM, |text| WebAddress::parse(text).ok());
        let url = input.required("url", url);
        let events = input.patterns("events");
        let description = input.description("description");
        // A new one is on.
        let _on = input.parsed("state", "must be on for a new endpoint", is_on);
        input.finish()?;
        let Some(url) = url else { return Err(Refusal::fault()) };
        let add = AddEndpoint {
            merchant: call.terminal.merchant,
            terminal: Some(call.terminal.number),
            mode: call.terminal.mode,
            url,
            events: events.unwrap_or_else(|| vec![EventPattern::everything()]),
            description: description.unwrap_or_default(),
        };
        let added = call.app.gateway.add_endpoint(call.actor, add).await;
        with_secret(StatusCode::CREATED, &added.map_err(|error| refusal(&error))?)
    })
    .await
}

/// `GET endpoints/{number}`
pub(super) async fn show(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "show_endpoint", scope: TokenScope::ReadWebhooks, query: &[] };
    serve(app, request, kind, |call| async move {
        let found = call.app.gateway.endpoint(call.actor, number_of(&call)?).await;
        let found = found.map_err(|fault| fault_refusal(&fault))?;
        done(StatusCode::OK, &Shown::of(&found.ok_or_else(no_endpoint)?))
    })
    .await
}

/// `PATCH endpoints/{number}`
pub(super) async fn change(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "change_endpoint", scope: TokenScope::WriteWebhooks, query: &[] };
    serve(app, request, kind, |call| async move {
        let number = number_of(&call)?;
        let mut input = call.json(ENDPOINT_FIELDS)?;
        let change = ChangeEndpoint {
            url: input.parsed("url", URL_FORM, |text| WebAddress::parse(text).ok()),
            events: input.patterns("events"),
            description: input.description("description"),
            on: input.parsed("state", "must be on or off", is_on_or_off),
        };
        input.finish()?;
        let changed = call.app.gateway.change_endpoint(call.actor, number, change).await;
        done(StatusCode::OK, &Shown::of(&changed.map_err(|error| refusal(&error))?))
    })
    .await
}

/// `DELETE endpoints/{number}`
pub(super) async fn remove(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "remove_endpoint", scope: TokenScope::WriteWebhooks, query: &[] };
    serve(app, request, kind, |call| async move {
        let removed = call.app.gateway.remove_endpoint(call.actor, number_of(&call)?).await;
        done(StatusCode::OK, &Shown::of(&removed.map_err(|error| refusal(&error))?))
    })
    .await
}

/// `POST endpoints/{number}/rotate-secret`
pub(super) async fn rotate(State(app): State<App>, request: Request) -> Response {
    let kind =
        Kind { action: "rotate_endpoint_secret", scope: TokenScope::WriteWebhooks, query: &[] };
    serve_once(app, request, kind, |call| async move {
        let number = number_of(&call)?;
        call.json(&[])?.finish()?;
        let rotated = call.app.gateway.rotate_endpoint_secret(call.actor, number).await;
        with_secret(StatusCode::OK, &rotated.map_err(|error| refusal(&error))?)
    })
    .await
}

/// `POST endpoints/{number}/test`
pub(super) async fn test(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "test_endpoint", scope: TokenScope::ResendWebhooks, query: &[] };
    serve_once(app, request, kind, |call| async move {
        let number = number_of(&call)?;
        let mut input = call.json(&["type"])?;
        let event_type = input.event_type("type");
        let event_type = input.required("type", event_type);
        input.finish()?;
        let Some(event_type) = event_type else { return Err(Refusal::fault()) };
        let to = SampleTo::Endpoint(number);
        let sent = call.app.gateway.send_sample(call.actor, to, event_type).await;
        done(StatusCode::OK, &Tried::of(&sent.map_err(|error| refusal(&error))?))
    })
    .await
}

/// What became of a sample.
#[derive(Debug, Serialize)]
struct Tried<'a> {
    id: &'a str,
    url: &'a str,
    body: &'a str,
    acknowledged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: u64,
    /// The beginning of the answer's body; none where it was empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Tried<'a> {
    fn of(sent: &'a SampleSent) -> Self {
        let (status, answer, error) = match &sent.result {
            PostResult::Answered { status, body, .. } => {
                (Some(*status), Some(body.as_str()).filter(|body| !body.is_empty()), None)
            }
            PostResult::Failed(why) => (None, None, Some(why.as_str())),
        };
        Self {
            id: &sent.webhook_id,
            url: sent.url.as_str(),
            body: &sent.body,
            acknowledged: status.is_some_and(|status| (200..300).contains(&status)),
            status,
            duration_ms: u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
            answer,
            error,
        }
    }
}

fn is_on(text: &str) -> Option<()> {
    (text == "on").then_some(())
}

fn is_on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn number_of(call: &Call) -> Result<EndpointNumber, Refusal> {
    // One spelling each: an endpoint is not also known as +1 or 01.
    let number: i64 = call.id.parse().map_err(|_no_number| no_endpoint())?;
    if number.to_string() == call.id { Ok(EndpointNumber(number)) } else { Err(no_endpoint()) }
}

fn no_endpoint() -> Refusal {
    unknown("endpoint")
}

fn refusal(error: &EndpointRefused) -> Refusal {
    match error {
        EndpointRefused::Unknown | EndpointRefused::UnknownOwner => no_endpoint(),
        EndpointRefused::NotHttps => {
            bad_request(Problem::form("url", "must be https for a live terminal"))
        }
        EndpointRefused::NoEvents => {
            bad_request(Problem::form("events", "must name at least one event type"))
        }
        EndpointRefused::TooMany => {
            let text = format!("{error}: remove one that is not needed");
            Refusal::new(StatusCode::CONFLICT, "1601", &text)
        }
        EndpointRefused::Fault(fault) => fault_refusal(fault),
    }
}
