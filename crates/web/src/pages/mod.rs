//! What cardholders see: the step a payment waits for, its result, and the way back to the shop.

use crate::app::App;
use axum::Router;

/// The customer pages' routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
