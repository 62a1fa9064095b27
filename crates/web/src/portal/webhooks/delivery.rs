//! One message: what is sent, every attempt, and sending it again.

use super::advice::{advice, pretty};
use super::{delivery_pill, endpoints_of_mode, terminals, title_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::Pill;
use askama::Template;
use domain::delivery::{Attempt, DeliveryDetail, DeliveryId, DeliveryState};
use domain::event_type::EventType;
use domain::user::Permission;
use http::StatusCode;

struct Tried {
    number: usize,
    class: &'static str,
    at: At,
    result: String,
    took_ms: u128,
    answer: Option<String>,
    advice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/webhooks_delivery.html")]
struct DeliveryPage {
    shell: Shell,
    log_href: String,
    id: String,
    event: String,
    pill: Pill,
    created: At,
    payment: Option<(String, String)>,
    terminal: String,
    endpoint: Option<(String, String)>,
    url: String,
    next: Option<At>,
    is_dead: bool,
    advice: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
    body: String,
    attempts: Vec<Tried>,
    resend_href: Option<String>,
}

/// The delivery in the path, when it is the merchant's and of the page's mode.
async fn found(visit: &Visit) -> Result<DeliveryDetail, Trouble> {
    let id: DeliveryId = visit.param("delivery")?;
    let detail = visit.app.gateway.delivery(visit.actor(), id).await?.ok_or(Trouble::NotFound)?;
    let own = terminals(visit).await?;
    let of_mode = own.iter().any(|terminal| terminal.number == detail.record.terminal);
    if of_mode { Ok(detail) } else { Err(Trouble::NotFound) }
}

/// `GET /portal/{mode}/webhooks/deliveries/{delivery}`
pub(super) async fn show(visit: Visit) -> Outcome {
    let detail = found(&visit).await?;
    let record = &detail.record;
    let endpoints = endpoints_of_mode(&visit).await?;
    let endpoint = endpoints.iter().find(|one| Some(one.number) == record.id.endpoint);
    let mut headers = Vec::from(visit.app.gateway.as_sent(&detail).await?);
    if !visit.may(Permission::EditWebhooks) {
        // Whoever has it could pass the message off as ours.
        for (_, value) in headers.iter_mut().filter(|(name, _)| *name == "webhook-signature") {
            "v1,\u{2026}".clone_into(value);
        }
    }
    let payment = (record.id.sequence > 0).then(|| {
        let number = record.id.payment.to_string();
        (visit.in_mode(&format!("/payments/{number}")), number)
    });
    let last = record.last.as_ref();
    let resend = visit.in_mode(&format!("/webhooks/deliveries/{}/resend", record.id));
    let mut attempts: Vec<Tried> = (1..).zip(&detail.attempts).map(tried).collect();
    attempts.reverse();
    let page = DeliveryPage {
        shell: Shell::of(&visit, &format!("Webhook {}", record.id)),
        log_href: visit.in_mode("/webhooks"),
        id: record.id.webhook_id(),
        event: record.event_type.map_or("payment", EventType::name).to_owned(),
        pill: delivery_pill(record.state, record.attempts),
        created: At::of(record.created_at),
        payment,
        terminal: record.terminal.to_string(),
        endpoint: endpoint.map(|one| {
            (visit.in_mode(&format!("/webhooks/endpoints/{}", one.number)), title_of(one))
        }),
        url: record.url.clone(),
        next: record.next_at.map(At::of),
        is_dead: record.state == DeliveryState::Dead,
        advice: last
            .filter(|_| record.state != DeliveryState::Delivered)
            .and_then(|last| advice(last.http_status, last.error.as_deref())),
        headers,
        body: pretty(&detail.body),
        attempts,
        resend_href: visit.may(Permission::Resend).then_some(resend),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn tried((number, attempt): (usize, &Attempt)) -> Tried {
    let is_good = attempt.error.is_none();
    let result = match (attempt.http_status, &attempt.error) {
        (Some(status), None) => format!("Received: your server answered {status}"),
        (Some(status), Some(_)) => format!("Not received: your server answered {status}"),
        (None, Some(error)) => format!("No answer: {error}"),
        (None, None) => "Received".to_owned(),
    };
    Tried {
        number,
        class: if is_good { "ok" } else { "bad" },
        at: At::of(attempt.at),
        result,
        took_ms: attempt.took.as_millis(),
        answer: attempt.answer.clone(),
        advice: advice(attempt.http_status, attempt.error.as_deref()),
    }
}

/// `POST /portal/{mode}/webhooks/deliveries/{delivery}/resend`
pub(super) async fn resend(visit: Visit, _form: Posted) -> Outcome {
    let detail = found(&visit).await?;
    let id = detail.record.id;
    visit.app.gateway.resend(visit.actor(), id).await?.ok_or(Trouble::NotFound)?;
    let path = visit.in_mode(&format!("/webhooks/deliveries/{id}"));
    Ok(visit.see_other(&path, "resent"))
}
