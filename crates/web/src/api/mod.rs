//! What merchants' servers see.

mod answer;
#[cfg(test)]
mod answer_tests;
mod balance;
mod bearer;
mod create_payment;
mod encrypted;
#[cfg(test)]
mod encrypted_tests;
mod error;
mod exchange;
mod fields;
mod health;
mod input;
mod means;
mod methods;
mod payments;
mod refund;
#[cfg(test)]
mod refund_tests;
mod request;
mod show_status;
#[cfg(test)]
mod status_tests;
#[cfg(test)]
mod tests;
mod webhooks;

pub(crate) use answer::Answer as StatusAnswer;
pub(crate) use error::{ErrorForm, Refusal};
pub(crate) use input::{DELIVERY_FILTERS, ENDPOINT_FIELDS, REPLAY_FIELDS};
pub(crate) use payments::PAYMENT_FILTERS;
pub use webhooks::Streams;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};

/// The merchant API's routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/s2s", post(create_payment::create_payment))
        .route("/api/s2s/encrypt", post(create_payment::create_encrypted_payment))
        .route("/api/transactions/refund-request", post(refund::request_refund))
        .route("/api/authurl/s2s/{id}", get(show_status::show_status))
        .route("/api/methods", get(methods::methods))
        .route("/api/v1/payments", get(payments::list))
        .route("/api/v1/balance", get(balance::show_balance))
        .merge(webhooks::routes())
}

/// What machines watch.
pub(crate) fn watched_routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
}
