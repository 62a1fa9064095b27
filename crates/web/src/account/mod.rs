//! Signing in and one's own account, the same at both desks.

mod pages;
mod public;

pub(crate) use public::{as_sentence, send_mail, sentence};

use crate::app::App;
use crate::desk::route::{Room, Route, get, post};
use axum::Router;
use axum::routing::get as read;
use domain::user::Permission;

/// Routes of who is signed in.
pub(crate) fn desk_routes() -> Vec<Route> {
    let own = Permission::OwnAccount;
    vec![
        get(Room::Account, "/account", own, pages::account),
        post(Room::Account, "/account/password", own, pages::change_password),
        post(Room::Account, "/account/recovery-codes", own, pages::renew_recovery_codes),
        post(Room::Account, "/account/sessions/end", own, pages::end_sessions),
        post(Room::Account, "/account/sign-out", own, pages::sign_out),
    ]
}

/// Pages for those who are not.
pub(crate) fn public_routes() -> Router<App> {
    Router::new()
        .route("/account/sign-in", read(public::sign_in_page).post(public::sign_in))
        .route("/account/forgotten", read(public::forgotten_page).post(public::forgotten))
        .route("/account/reset/{secret}", read(public::reset_page).post(public::reset))
        .route("/account/invitation/{secret}", read(public::invitation).post(public::accept))
}
