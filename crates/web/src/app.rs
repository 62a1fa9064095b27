//! What every handler shares, and the router over all rooms of the web.

use crate::metrics::Metrics;
use crate::throttle::Throttle;
use crate::{api, developers, pages};
use axum::Router;
use axum::response::{IntoResponse, Response};
use engine::Gateway;
use http::{Extensions, Method, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// Where and how the gateway is reached.
#[derive(Clone, Debug)]
pub struct Site {
    /// The public address without a slash at the end; every URL in answers begins with it, never
    /// with the request's `Host`.
    pub public_url: String,
}

impl Site {
    /// `authurl` of a payment.
    pub fn authurl(&self, payment: domain::id::PaymentId) -> String {
        format!("{}/api/authurl/{payment}", self.public_url)
    }

    /// `authstatus` of a payment.
    pub fn authstatus(&self, payment: domain::id::PaymentId) -> String {
        format!("{}/api/authurl/s2s/{payment}", self.public_url)
    }
}

/// What every handler shares.
#[derive(Clone, Debug)]
pub struct App {
    /// The engine.
    pub gateway: Arc<Gateway>,
    /// Where it is reached.
    pub site: Arc<Site>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Against guessing of `transID`s.
    pub throttle: Arc<Throttle>,
}

impl App {
    /// Puts together what handlers share.
    pub fn new(gateway: Arc<Gateway>, site: Site) -> Self {
        Self {
            gateway,
            site: Arc::new(site),
            metrics: Arc::new(Metrics::new(None)),
            throttle: Arc::new(Throttle),
        }
    }

    /// With metrics that are rendered by this function.
    #[must_use]
    pub fn with_metrics(self, render: fn() -> String) -> Self {
        Self { metrics: Arc::new(Metrics::new(Some(render))), ..self }
    }
}

/// The address that called, as far as it is known and believed. The server loop inserts it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller(pub Option<IpAddr>);

impl Caller {
    /// The caller of this request.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_default()
    }
}

/// A request's id: the caller's own when it sent a sensible one. The server loop inserts it.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id of this request.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self("none".into()))
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(pages::routes())
        .merge(developers::routes(&app.site))
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found)
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(panicked))
        .with_state(app)
}

/// A bug of ours ends one request, not the connection or the process.
fn panicked(_why: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    api::Refusal::fault().into_answer(&http::HeaderMap::new(), &RequestId("none".into()))
}

async fn wrong_method(method: Method, headers: http::HeaderMap) -> Response {
    let text = format!("{method} is not possible here; see the Allow header");
    let refusal = api::Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "405", &text);
    refusal.into_answer(&headers, &RequestId("none".into()))
}

async fn not_found(uri: Uri, headers: http::HeaderMap) -> Response {
    if uri.path().starts_with("/api") {
        let text = "there is nothing at this address; see /developers";
        let refusal = api::Refusal::new(StatusCode::NOT_FOUND, "404", text);
        return refusal.into_answer(&headers, &RequestId("none".into()));
    }
    (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response()
}
