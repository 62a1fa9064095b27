//! One search box for everything that has a number: a payment, a terminal, an endpoint, a request.

use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::visit::Visit;
use axum::response::{IntoResponse as _, Redirect};
use domain::id::{PaymentId, TerminalNumber};
use domain::terminal::Mode;
use domain::user::Permission;
use form_urlencoded::Serializer;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Portal, "/portal/search", Permission::See, search)]
}

/// `GET /portal/search?q=`: the thing itself where the words name one, else payments with them.
async fn search(visit: Visit) -> Outcome {
    let words = visit.asked("q").unwrap_or_default();
    let gateway = &visit.app.gateway;
    if let Ok(id) = words.parse::<PaymentId>()
        && let Some(payment) = gateway.payment(visit.actor(), id).await?
    {
        let path = format!("/portal/{}/payments/{id}", payment.mode.name());
        return Ok(Redirect::to(&visit.href(&path)).into_response());
    }
    if let Ok(number) = words.parse::<i64>()
        && let Some(terminal) = gateway.terminal(visit.actor(), TerminalNumber(number)).await?
    {
        let path = format!("/portal/{}/terminals/{number}", terminal.mode.name());
        return Ok(Redirect::to(&visit.href(&path)).into_response());
    }
    let terminals = gateway.terminals(visit.actor()).await?;
    let live = terminals.iter().any(|one| one.mode == Mode::Live && one.takes_payments());
    let mode = visit.asked("mode").and_then(|word| Mode::from_name(&word));
    let mode = mode.unwrap_or(if live { Mode::Live } else { Mode::Test });
    let query = Serializer::new(String::new()).append_pair("q", &words).finish();
    let path = format!("/portal/{}/payments?{query}", mode.name());
    Ok(Redirect::to(&visit.href(&path)).into_response())
}
