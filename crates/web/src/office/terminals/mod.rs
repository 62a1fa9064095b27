//! Terminals: approved, and what they may take. Keys are their merchants' and never shown here.

mod change;
mod detail;
mod list;

pub(super) use list::waits;

use crate::desk::route::{Room, Route, get, post};
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    const P: Permission = Permission::Office;
    vec![
        get(Room::Office, "/office/terminals", P, list::list),
        get(Room::Office, "/office/terminals/{terminal}", P, detail::page),
        post(Room::Office, "/office/terminals/{terminal}/approval", P, change::approval),
        post(Room::Office, "/office/terminals/{terminal}/limits", P, change::limits),
        post(Room::Office, "/office/terminals/{terminal}/active", P, change::activate),
    ]
}
