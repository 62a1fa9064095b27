//! The log of deliveries: listed, shown, sent again.

use super::log::{self, Page, Whole};
use super::{Call, DELIVERY_FILTERS, Kind, REPLAY_FIELDS, done, serve, serve_once, unknown};
use crate::api::error::{Problem, Refusal};
use crate::api::exchange::fault_refusal;
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::api_token::TokenScope;
use domain::delivery::{DeliveryFilter, DeliveryId, DeliveryState};
use engine::error::Fault;
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// Deliveries on a page, where the caller does not say.
const PAGE: u32 = 20;
/// Deliveries on a page at most.
const PAGE_AT_MOST: u32 = 100;
/// Deliveries that one call sends again at most.
const REPLAYED_AT_MOST: u64 = 100_000;

/// `GET deliveries`
pub(super) async fn list(State(app): State<App>, request: Request) -> Response {
    let kind = Kind {
        action: "list_deliveries",
        scope: TokenScope::ReadWebhooks,
        query: DELIVERY_FILTERS,
    };
    serve(app, request, kind, |mut call| async move {
        let filter = call.query.filter(None);
        let form = "must be the next_cursor of the page before";
        let after = call.query.parsed("cursor", form, log::cursor);
        let limit = call.query.parsed("limit", "must be a number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=PAGE_AT_MOST).contains(limit))
        });
        let actor = call.actor;
        call.query.finish()?;
        let limit = limit.unwrap_or(PAGE);
        let page = call.app.gateway.deliveries(actor, filter, after, limit).await;
        let page = page.map_err(|fault| fault_refusal(&fault))?;
        done(StatusCode::OK, &Page::of(&page))
    })
    .await
}

/// `GET deliveries/{id}`
pub(super) async fn show(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "show_delivery", scope: TokenScope::ReadWebhooks, query: &[] };
    serve(app, request, kind, |call| async move {
        let id = id_of(&call)?;
        let found = call.app.gateway.delivery(call.actor, id).await;
        let detail = found.map_err(|fault| fault_refusal(&fault))?;
        done(StatusCode::OK, &Whole::of(&detail.ok_or_else(no_delivery)?))
    })
    .await
}

/// `POST deliveries/{id}/resend`
pub(super) async fn resend(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "resend", scope: TokenScope::ResendWebhooks, query: &[] };
    serve_once(app, request, kind, |call| async move {
        let id = id_of(&call)?;
        call.json(&[])?.finish()?;
        let found = call.app.gateway.resend(call.actor, id).await;
        found.map_err(|fault| fault_refusal(&fault))?.ok_or_else(no_delivery)?;
        done(StatusCode::ACCEPTED, &json!({ "id": id.webhook_id() }))
    })
    .await
}

/// `POST replay`
pub(super) async fn replay(State(app): State<App>, request: Request) -> Response {
    let kind = Kind { action: "replay", scope: TokenScope::ResendWebhooks, query: &[] };
    serve_once(app, request, kind, |call| async move {
        let mut input = call.json(REPLAY_FIELDS)?;
        let filter = input.filter(Some(DeliveryState::Dead));
        let is_dry = input.flag("dry_run");
        let is_narrow = filter.from.is_some() || filter.payment.is_some();
        if filter.state != Some(DeliveryState::Dead) && !is_narrow {
            let text = "is missing: only dead deliveries are all sent again without it";
            input.refuse(Problem::new("from", "1040", text));
        }
        input.finish()?;
        let count = call.app.gateway.count_deliveries(call.actor, filter).await;
        let count = count.map_err(|fault| fault_refusal(&fault))?;
        if is_dry {
            return done(StatusCode::OK, &json!({ "count": count }));
        }
        if count > REPLAYED_AT_MOST {
            let text = format!(
                "{count} deliveries are meant, and one call sends {REPLAYED_AT_MOST} again: \
                 narrow it with from and until"
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "1600", &text));
        }
        let replayed = replay_all(&call, filter).await.map_err(|fault| fault_refusal(&fault))?;
        done(StatusCode::OK, &json!({ "replayed": replayed }))
    })
    .await
}

/// To its end although the caller hangs up.
async fn replay_all(call: &Call, filter: DeliveryFilter) -> Result<u64, Fault> {
    let (gateway, actor) = (Arc::clone(&call.app.gateway), call.actor);
    let task = call.app.gateway.spawn(async move {
        let mut replayed = 0_u64;
        let mut after = None;
        loop {
            let (some, next) = gateway.replay_next(actor, filter, after).await?;
            replayed = replayed.saturating_add(some);
            if next.is_none() {
                return Ok(replayed);
            }
            after = next;
        }
    });
    task.await.unwrap_or_else(|error| Err(Fault::Broken(error.to_string())))
}

fn id_of(call: &Call) -> Result<DeliveryId, Refusal> {
    call.id.parse().map_err(|_no_name| no_delivery())
}

fn no_delivery() -> Refusal {
    unknown("delivery")
}
