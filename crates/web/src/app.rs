//! What every handler shares, and the router over all rooms of the web.

use crate::{api, developers, pages};
use axum::Router;
use engine::Gateway;
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
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(pages::routes())
        .merge(developers::routes())
        .with_state(app)
}
