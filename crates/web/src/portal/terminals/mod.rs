//! My Terminal: terminals, their keys and what is set for them.

mod edit;
mod keys;
mod pages;
pub(super) mod settings;
#[cfg(test)]
mod tests;
mod try_it;

use crate::desk::route::{Room, Route, get, post};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use domain::id::TerminalNumber;
use domain::terminal::Terminal;
use domain::user::Permission as P;

pub(super) fn routes() -> Vec<Route> {
    let portal = Room::Portal;
    vec![
        get(portal, "/portal/{mode}/terminals", P::See, pages::list),
        get(portal, "/portal/{mode}/terminals/new", P::EditTerminals, edit::new_page),
        post(portal, "/portal/{mode}/terminals/new", P::EditTerminals, edit::add),
        get(portal, "/portal/{mode}/terminals/{terminal}", P::See, pages::terminal),
        get(portal, "/portal/{mode}/terminals/{terminal}/edit", P::EditTerminals, edit::edit_page),
        post(portal, "/portal/{mode}/terminals/{terminal}/edit", P::EditTerminals, edit::change),
        post(portal, "/portal/{mode}/terminals/{terminal}/switch", P::EditTerminals, edit::switch),
        post(portal, "/portal/{mode}/terminals/{terminal}/rotate", P::Keys, keys::rotate),
        post(portal, "/portal/{mode}/terminals/{terminal}/approval", P::EditTerminals, edit::ask),
        get(portal, "/portal/{mode}/terminals/{terminal}/try", P::Console, try_it::page),
        post(portal, "/portal/{mode}/terminals/{terminal}/try", P::Console, try_it::run),
    ]
}

/// The terminal in the path: of the visitor's merchant, and of the path's mode.
async fn of_path(visit: &Visit) -> Result<Terminal, Trouble> {
    let number = TerminalNumber(visit.param("terminal")?);
    let mode = visit.mode()?;
    let found = visit.app.gateway.terminal(visit.actor(), number).await?;
    found.filter(|terminal| terminal.mode == mode).ok_or(Trouble::NotFound)
}

/// The path of a terminal's page.
fn path(visit: &Visit, number: TerminalNumber) -> String {
    visit.in_mode(&format!("/terminals/{number}"))
}
