//! Merchants: taken on, looked at, approved, suspended.

use crate::desk::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
