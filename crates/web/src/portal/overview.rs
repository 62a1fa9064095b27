//! The first page: how business goes, and what needs attention.

use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::visit::Visit;
use axum::response::{IntoResponse as _, Redirect};
use domain::terminal::Mode;
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Portal, "/portal", Permission::See, home)]
}

/// `GET /portal`: live for who has live terminals, test for everybody else.
async fn home(visit: Visit) -> Outcome {
    let terminals = visit.app.gateway.terminals(visit.actor()).await?;
    let live = terminals.iter().any(|one| one.mode == Mode::Live && one.takes_payments());
    let mode = if live { Mode::Live } else { Mode::Test };
    Ok(Redirect::to(&visit.href(&format!("/portal/{}", mode.name()))).into_response())
}
