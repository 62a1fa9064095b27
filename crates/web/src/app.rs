//! What every handler shares, and the router over all rooms of the web.

use crate::api::Streams;
use crate::metrics::Metrics;
use crate::page_id::page_id;
use crate::pressure::Lookout;
use crate::throttle::Throttle;
use crate::{api, assets, desk, developers, inbound, pages};
use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::payment::Payment;
use engine::Gateway;
use engine::error::Fault;
use engine::ports::{BankCounter, Mailer, PageAddresses};
use http::request::Parts;
use http::{Extensions, Method, StatusCode, Uri};
use std::convert::Infallible;
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
    /// The customer page's address; `page_id` names the payment in it.
    pub fn authurl(&self, page_id: &str) -> String {
        format!("{}/api/authurl/{page_id}", self.public_url)
    }

    /// `authstatus` of a payment.
    pub fn authstatus(&self, payment: domain::id::PaymentId) -> String {
        format!("{}/api/authurl/s2s/{payment}", self.public_url)
    }

    /// The public address up to the path, as browsers send it in `Origin`.
    pub fn origin(&self) -> &str {
        let path = self.public_url.len().saturating_sub(self.base_path().len());
        self.public_url.get(..path).unwrap_or(&self.public_url)
    }

    /// Host and port of the public address.
    pub fn host(&self) -> &str {
        self.origin().split_once("://").map_or(self.origin(), |(_scheme, host)| host)
    }

    /// The public address's path, where a proxy serves the gateway under one; empty otherwise.
    /// Links inside pages begin with it, so that they stay on the host the browser used.
    pub fn base_path(&self) -> &str {
        let rest = self.public_url.split_once("://").map_or("", |(_scheme, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().trim_end_matches('/')
    }
}

/// What every handler shares: a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What is behind the handle.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The engine.
    pub gateway: Arc<Gateway>,
    /// Where it is reached.
    pub site: Arc<Site>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Against guessing of `transID`s.
    pub throttle: Arc<Throttle>,
    /// Against guessing of passwords and links.
    pub desk_throttle: Arc<Throttle>,
    /// Whether this is the demo, in which nothing live can be added.
    pub demo_only: bool,
    /// How mail leaves, where it does.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Repeated requests, when there is no room for new ones.
    pub lookout: Arc<Lookout>,
    /// Who follows deliveries as they are written.
    pub streams: Arc<Streams>,
    /// The test bank's counter, where there is a test bank.
    pub counter: Option<Arc<dyn BankCounter>>,
    /// Whether merchants and customers are served; machines that watch always are.
    serves_requests: bool,
}

impl App {
    /// Puts together what handlers share.
    pub fn new(gateway: Arc<Gateway>, site: Site) -> Self {
        Self(Arc::new(Shared {
            gateway,
            site: Arc::new(site),
            metrics: Arc::new(Metrics::new(None)),
            throttle: Arc::new(Throttle::default()),
            desk_throttle: Arc::new(Throttle::default()),
            demo_only: false,
            mailer: None,
            lookout: Arc::new(Lookout::default()),
            streams: Arc::new(Streams::default()),
            counter: None,
            serves_requests: true,
        }))
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::unwrap_or_clone(self.0);
        change(&mut shared);
        Self(Arc::new(shared))
    }

    /// With metrics that are rendered by this function.
    #[must_use]
    pub fn with_metrics(self, render: fn() -> String) -> Self {
        self.with(|shared| shared.metrics = Arc::new(Metrics::new(Some(render))))
    }

    /// With a test bank's counter.
    #[must_use]
    pub fn with_counter(self, counter: Option<Arc<dyn BankCounter>>) -> Self {
        self.with(|shared| shared.counter = counter)
    }

    /// The demo takes nothing live.
    #[must_use]
    pub fn with_demo_only(self, demo_only: bool) -> Self {
        self.with(|shared| shared.demo_only = demo_only)
    }

    /// With a way for mail.
    #[must_use]
    pub fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        self.with(|shared| shared.mailer = Some(mailer))
    }

    /// A worker serves nothing but what machines watch.
    #[must_use]
    pub fn with_requests(self, serves_requests: bool) -> Self {
        self.with(|shared| shared.serves_requests = serves_requests)
    }
}

impl PageAddresses for App {
    fn return_from_bank(&self, payment: &Payment) -> Result<String, Fault> {
        Ok(format!("{}/return", self.site.authurl(&page_id(self, payment)?)))
    }

    fn counter(&self, our_reference: &str) -> String {
        format!("{}/sandbox-bank/{our_reference}", self.site.public_url)
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

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
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
    let routes = if app.serves_requests {
        let lab = app.counter.as_ref().map(|counter| counter.lab()).unwrap_or_default();
        Router::new()
            .merge(api::routes())
            .merge(pages::routes())
            .merge(inbound::routes())
            .merge(developers::routes(&app.site, &lab))
            .merge(desk::routes())
            .merge(assets::routes())
    } else {
        Router::new()
    };
    routes
        .merge(api::watched_routes())
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found)
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(panicked))
        .with_state(app)
}

/// A bug of ours ends one request, not the connection or the process.
fn panicked(_why: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    api::Refusal::fault().into_answer(api::ErrorForm::Flat, &RequestId("none".into()))
}

async fn wrong_method(method: Method, headers: http::HeaderMap) -> Response {
    let text = format!("{method} is not possible here; see the Allow header");
    let refusal = api::Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "405", &text);
    refusal.into_answer(api::ErrorForm::asked(&headers), &RequestId("none".into()))
}

async fn not_found(uri: Uri, headers: http::HeaderMap) -> Response {
    if uri.path().starts_with("/api") {
        let text = "there is nothing at this address; see /developers";
        let refusal = api::Refusal::new(StatusCode::NOT_FOUND, "404", text);
        return refusal.into_answer(api::ErrorForm::asked(&headers), &RequestId("none".into()));
    }
    (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn the_public_address_has_parts() {
        for (public_url, origin, host, base_path) in [
            ("https://pay.example", "https://pay.example", "pay.example", ""),
            ("http://localhost:9003", "http://localhost:9003", "localhost:9003", ""),
            ("https://shop.example/pay", "https://shop.example", "shop.example", "/pay"),
        ] {
            let site = Site { public_url: public_url.to_owned() };
            assert_eq!((site.origin(), site.host(), site.base_path()), (origin, host, base_path));
        }
    }
}
