//! Payments of all merchants: looked for and looked at, and nothing changed here.

mod detail;
pub(super) mod events;
mod list;

use crate::desk::route::{Room, Route, get};
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(Room::Office, "/office/payments", Permission::Office, list::list),
        get(Room::Office, "/office/payments/{payment}", Permission::Office, detail::detail),
    ]
}
