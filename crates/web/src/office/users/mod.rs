//! Operators, and the audit log.

mod audit;
mod people;

pub(super) use audit::{AuditRow, rows};

use crate::desk::route::{Room, Route, get, post};
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    const P: Permission = Permission::Office;
    vec![
        get(Room::Office, "/office/users", P, people::list),
        post(Room::Office, "/office/users/invite", P, people::invite),
        post(Room::Office, "/office/users/{user}/remove", P, people::remove),
        get(Room::Office, "/office/audit", P, audit::log),
    ]
}
