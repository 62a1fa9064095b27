//! Endpoints, and the log of what they were sent.

mod advice;
mod delivery;
mod endpoint;
mod endpoints;
mod form;
mod log;
mod replay;
#[cfg(test)]
mod tests;

pub(super) use advice::pretty;

use crate::desk::route::{Room, Route, get, post};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, pill};
use domain::delivery::DeliveryState;
use domain::endpoint::{Endpoint, EndpointState};
use domain::id::EndpointNumber;
use domain::terminal::Terminal;
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    use Permission as P;
    let portal = Room::Portal;
    let deliveries = "/portal/{mode}/webhooks/deliveries/{delivery}";
    let resend = "/portal/{mode}/webhooks/deliveries/{delivery}/resend";
    let replay = "/portal/{mode}/webhooks/replay";
    let endpoints = "/portal/{mode}/webhooks/endpoints";
    let new = "/portal/{mode}/webhooks/endpoints/new";
    let one = "/portal/{mode}/webhooks/endpoints/{endpoint}";
    let switch = "/portal/{mode}/webhooks/endpoints/{endpoint}/switch";
    let rotate = "/portal/{mode}/webhooks/endpoints/{endpoint}/rotate";
    let remove = "/portal/{mode}/webhooks/endpoints/{endpoint}/remove";
    let sample = "/portal/{mode}/webhooks/endpoints/{endpoint}/sample";
    vec![
        get(portal, "/portal/{mode}/webhooks", P::See, log::list),
        get(portal, deliveries, P::See, delivery::show),
        post(portal, resend, P::Resend, delivery::resend),
        get(portal, replay, P::Resend, replay::ask),
        post(portal, replay, P::Resend, replay::replay),
        get(portal, endpoints, P::See, endpoints::list),
        get(portal, new, P::EditWebhooks, endpoints::new),
        post(portal, new, P::EditWebhooks, endpoints::add),
        get(portal, one, P::See, endpoint::show),
        post(portal, one, P::EditWebhooks, endpoint::edit),
        post(portal, switch, P::EditWebhooks, endpoint::switch),
        post(portal, rotate, P::EditWebhooks, endpoint::rotate),
        post(portal, remove, P::EditWebhooks, endpoint::remove),
        post(portal, sample, P::EditWebhooks, endpoint::sample),
    ]
}

/// The merchant's terminals of the page's mode.
async fn terminals(visit: &Visit) -> Result<Vec<Terminal>, Trouble> {
    let mode = visit.mode()?;
    let mut found = visit.app.gateway.terminals(visit.actor()).await?;
    found.retain(|terminal| terminal.mode == mode);
    Ok(found)
}

/// The endpoint in the path, when it is the merchant's and of the page's mode.
async fn endpoint_of(visit: &Visit) -> Result<Endpoint, Trouble> {
    let (mode, number) = (visit.mode()?, EndpointNumber(visit.param("endpoint")?));
    let found = visit.app.gateway.endpoint(visit.actor(), number).await?;
    found.filter(|endpoint| endpoint.mode == mode).ok_or(Trouble::NotFound)
}

/// The merchant's endpoints of the page's mode.
async fn endpoints_of_mode(visit: &Visit) -> Result<Vec<Endpoint>, Trouble> {
    let mode = visit.mode()?;
    let mut found = visit.app.gateway.endpoints(visit.actor()).await?;
    found.retain(|endpoint| endpoint.mode == mode);
    Ok(found)
}

/// What an endpoint is called: by its owner, else by its address.
fn title_of(endpoint: &Endpoint) -> String {
    let name =
        if endpoint.description.is_empty() { endpoint.url.as_str() } else { &endpoint.description };
    format!("{} · {name}", endpoint.number)
}

fn delivery_pill(state: DeliveryState, attempts: u32) -> Pill {
    match state {
        DeliveryState::Delivered => pill("ok", "check", "Delivered"),
        DeliveryState::Pending if attempts > 0 => pill("warn", "clock", "Trying again"),
        DeliveryState::Pending => pill("wait", "clock", "Waiting"),
        DeliveryState::Dead => pill("bad", "cross", "Given up"),
    }
}

fn endpoint_pill(endpoint: &Endpoint) -> Pill {
    match endpoint.state {
        EndpointState::On if endpoint.failing_since.is_some() => pill("warn", "warning", "Failing"),
        EndpointState::On => pill("ok", "check", "On"),
        EndpointState::Off => pill("off", "cross", "Off"),
        EndpointState::Failed => pill("bad", "warning", "Switched off: it failed"),
        EndpointState::Removed => pill("off", "cross", "Removed"),
    }
}
