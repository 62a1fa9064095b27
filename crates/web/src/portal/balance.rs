//! What the books say, by day and currency.

use crate::desk::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
