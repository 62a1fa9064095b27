//! The operator's office: merchants, terminals, trouble. Routing, risk, fees, disputes and
//! settlement get their desks later, and no link before they work.

mod health;
mod home;
mod invite;
mod merchants;
mod parts;
mod payments;
mod search;
mod terminals;
#[cfg(test)]
mod tests;
mod unknown;
mod users;

use crate::desk::route::Route;
use crate::desk::shell::{MenuGroup, item};
use crate::desk::visit::Visit;
use domain::user::Permission;

/// The office's routes.
pub(crate) fn desk_routes() -> Vec<Route> {
    let mut all = home::routes();
    all.extend(merchants::routes());
    all.extend(terminals::routes());
    all.extend(unknown::routes());
    all.extend(payments::routes());
    all.extend(users::routes());
    all.extend(health::routes());
    all.extend(search::routes());
    all
}

/// The office's navigation.
pub(crate) fn menu(visit: &Visit) -> Vec<MenuGroup> {
    let link = |(title, path, icon, key)| item(visit, Permission::Office, (title, path, icon, key));
    let groups = [
        (
            "Trouble",
            vec![
                link(("Today", "/office", "overview", "o")),
                link(("Unknown outcomes", "/office/unknown", "warning", "u")),
                link(("Health", "/office/health", "health", "h")),
            ],
        ),
        (
            "Merchants",
            vec![
                link(("Merchants", "/office/merchants", "merchants", "m")),
                link(("Terminals", "/office/terminals", "terminal", "t")),
                link(("Payments", "/office/payments", "payments", "p")),
            ],
        ),
        (
            "Gateway",
            vec![
                link(("Operators", "/office/users", "team", "r")),
                link(("Audit log", "/office/audit", "audit", "a")),
            ],
        ),
    ];
    groups
        .into_iter()
        .map(|(title, items)| MenuGroup { title, items: items.into_iter().flatten().collect() })
        .collect()
}
