//! For developers: samples with the merchant's own key, test data, events, and a console that sends
//! test payments.

mod console;
mod pages;
#[cfg(test)]
mod tests;

use crate::desk::route::{Room, Route, get, post};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use domain::terminal::Terminal;
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    use Permission as P;
    let portal = Room::Portal;
    vec![
        get(portal, "/portal/{mode}/developers", P::Keys, pages::samples),
        get(portal, "/portal/{mode}/developers/test-data", P::Keys, pages::test_data),
        get(portal, "/portal/{mode}/developers/events", P::Keys, pages::events),
        get(portal, "/portal/{mode}/developers/console", P::Console, console::show),
        post(portal, "/portal/{mode}/developers/console", P::Console, console::send),
    ]
}

/// A part of these pages, in the row of tabs.
struct Tab {
    href: String,
    title: &'static str,
    is_here: bool,
}

fn tabs(visit: &Visit, here: &str) -> Vec<Tab> {
    let all = [
        ("Samples", "", Permission::Keys),
        ("Console", "/console", Permission::Console),
        ("Test data", "/test-data", Permission::Keys),
        ("Events", "/events", Permission::Keys),
    ];
    let allowed = all.into_iter().filter(|(_, _, needs)| visit.may(*needs));
    let tab = |(title, path, _): (&'static str, &str, Permission)| Tab {
        href: visit.in_mode(&format!("/developers{path}")),
        title,
        is_here: path == here,
    };
    allowed.map(tab).collect()
}

/// A terminal that may be chosen.
struct TerminalChoice {
    number: String,
    title: String,
    chosen: bool,
}

/// The terminals of the page's mode.
async fn terminals(visit: &Visit) -> Result<Vec<Terminal>, Trouble> {
    let mode = visit.mode()?;
    let mut found = visit.app.gateway.terminals(visit.actor()).await?;
    found.retain(|terminal| terminal.mode == mode);
    Ok(found)
}

/// The terminal with this number, else the first one.
fn chosen<'a>(own: &'a [Terminal], number: &str) -> Option<&'a Terminal> {
    own.iter().find(|one| one.number.to_string() == number).or_else(|| own.first())
}

fn choices(own: &[Terminal], chosen: Option<&Terminal>) -> Vec<TerminalChoice> {
    let choice = |one: &Terminal| {
        let state = if one.takes_payments() { "" } else { ", takes no payments" };
        TerminalChoice {
            number: one.number.to_string(),
            title: format!("{} · {}{state}", one.number, one.name),
            chosen: chosen.is_some_and(|chosen| chosen.number == one.number),
        }
    };
    own.iter().map(choice).collect()
}
