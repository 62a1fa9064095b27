//! Endpoints, and the log of what they were sent.

use crate::desk::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
