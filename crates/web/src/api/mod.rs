//! What merchants' servers see.

use crate::app::App;
use axum::Router;

/// The merchant API's routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
