//! My Terminal: terminals, their keys and what is set for them.

use crate::desk::route::Route;

pub(super) fn routes() -> Vec<Route> {
    Vec::new()
}
