//! The developers' pages: API reference, samples, test data, status codes, OpenAPI.

use crate::app::App;
use axum::Router;

/// The developers' routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
