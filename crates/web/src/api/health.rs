//! What machines watch: alive, ready, and counted.

use crate::app::{App, Caller};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Still ready: customers, banks and refunds go on, and whoever takes the node out of service would
/// cut them off.
const BUSY: &str = "ready; more new payments come than can be taken, those beyond get 503\n";

/// The database answers, so payments can be taken.
pub(super) async fn readyz(State(app): State<App>) -> Response {
    match app.gateway.is_ready().await {
        Ok(()) if app.gateway.turns_away() => BUSY.into_response(),
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Prometheus text, for callers on this machine or in a private network only.
pub(super) async fn metrics(State(app): State<App>, caller: Option<Extension<Caller>>) -> Response {
    let caller = caller.and_then(|Extension(caller)| caller.0);
    let near = caller.is_some_and(|caller| match caller.to_canonical() {
        std::net::IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    });
    if !near {
        return StatusCode::NOT_FOUND.into_response();
    }
    app.metrics.look_at_webhooks(&app.gateway).await;
    match app.metrics.render() {
        Some(text) => {
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
