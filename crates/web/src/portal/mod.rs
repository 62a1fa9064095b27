//! My Terminal: the merchant portal. Everything is asked with the signed-in user as actor, so that
//! the engine and the store see to it that nobody sees another merchant's rows.

mod api_log;
mod at;
mod balance;
mod developers;
mod overview;
mod payments;
mod search;
mod team;
mod terminals;
mod webhooks;
pub(crate) mod words;

use crate::desk::route::Route;
use crate::desk::shell::{MenuGroup, MenuItem, item};
use crate::desk::visit::Visit;
use domain::terminal::Mode;
use domain::user::Permission as P;

/// The portal's routes.
pub(crate) fn desk_routes() -> Vec<Route> {
    let mut all = overview::routes();
    all.extend(terminals::routes());
    all.extend(payments::routes());
    all.extend(webhooks::routes());
    all.extend(api_log::routes());
    all.extend(balance::routes());
    all.extend(team::routes());
    all.extend(developers::routes());
    all.extend(search::routes());
    all
}

/// The portal's navigation: what the visitor's role may see.
pub(crate) fn menu(visit: &Visit) -> Vec<MenuGroup> {
    let mode = visit.mode_if_any().unwrap_or(Mode::Test).name();
    let link =
        |needs, (title, path, icon, key): (&'static str, &str, &'static str, &'static str)| {
            item(visit, needs, (title, &format!("/portal/{mode}{path}"), icon, key))
        };
    let groups: [(&'static str, Vec<Option<MenuItem>>); 3] = [
        (
            "Business",
            vec![
                link(P::See, ("Overview", "", "overview", "o")),
                link(P::See, ("Payments", "/payments", "payments", "p")),
                link(P::See, ("Balance", "/balance", "balance", "b")),
            ],
        ),
        (
            "Integration",
            vec![
                link(P::See, ("My Terminal", "/terminals", "terminal", "t")),
                link(P::See, ("Webhooks", "/webhooks", "webhook", "w")),
                link(P::CallLog, ("API log", "/api-log", "log", "l")),
                link(P::Keys, ("Developers", "/developers", "developers", "d")),
            ],
        ),
        (
            "Organisation",
            vec![
                item(visit, P::SeeTeam, ("Team", "/portal/team", "team", "m")),
                item(visit, P::Tokens, ("API tokens", "/portal/tokens", "key", "k")),
                item(visit, P::Audit, ("Audit log", "/portal/audit", "audit", "a")),
            ],
        ),
    ];
    groups
        .into_iter()
        .map(|(title, items)| MenuGroup { title, items: items.into_iter().flatten().collect() })
        .filter(|group| !group.items.is_empty())
        .collect()
}
