//! The first page: what needs an operator today.

use crate::desk::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
