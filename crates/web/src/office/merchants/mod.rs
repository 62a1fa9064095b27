//! Merchants: taken on, looked at, approved, suspended.

mod change;
mod detail;
mod list;
mod new;

pub(super) use detail::user_pill;

use crate::desk::route::{Room, Route, get, post};
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    const P: Permission = Permission::Office;
    const ONE: &str = "/office/merchants/{merchant}";
    vec![
        get(Room::Office, "/office/merchants", P, list::list),
        get(Room::Office, "/office/merchants/new", P, new::page),
        post(Room::Office, "/office/merchants/new", P, new::add),
        get(Room::Office, ONE, P, detail::page),
        post(Room::Office, "/office/merchants/{merchant}/review", P, change::review),
        post(Room::Office, "/office/merchants/{merchant}/active", P, change::activate),
        post(Room::Office, "/office/merchants/{merchant}/name", P, change::rename),
        post(Room::Office, "/office/merchants/{merchant}/invite", P, change::invite),
    ]
}
