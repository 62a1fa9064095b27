//! What the merchant portal and the operator's office share: who is signed in, which routes there
//! are and who may use them, forms, and what stands around every page.

pub mod chart;
pub mod csv;
pub mod form;
#[cfg(test)]
pub(crate) mod harness;
pub mod notice;
pub mod receipt;
pub mod route;
pub mod shell;
pub mod trouble;
pub mod visit;

#[cfg(test)]
mod matrix_tests;
#[cfg(test)]
mod tests;

use crate::app::App;
use axum::Router;
use route::Route;

/// Every route of the desks. The router is made of this list and of nothing else, and the
/// authorisation matrix is tested over it.
pub fn all_routes() -> Vec<Route> {
    let mut all = crate::account::desk_routes();
    all.extend(crate::portal::desk_routes());
    all.extend(crate::office::desk_routes());
    all
}

/// The desks' router, with the pages for those who are not signed in.
pub(crate) fn routes() -> Router<App> {
    all_routes()
        .into_iter()
        .fold(crate::account::public_routes(), |router, route| route.add_to(router))
}
