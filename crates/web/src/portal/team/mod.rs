//! Who works here, what each may do, what they did, and their API tokens.

mod audit;
mod people;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;
mod tokens;

use crate::desk::route::{Room, Route, get, post};
use domain::user::Permission;

pub(super) fn routes() -> Vec<Route> {
    use Permission as P;
    let portal = Room::Portal;
    vec![
        get(portal, "/portal/team", P::SeeTeam, people::list),
        post(portal, "/portal/team/invite", P::EditTeam, people::invite),
        post(portal, "/portal/team/{user}/role", P::EditTeam, people::change_role),
        post(portal, "/portal/team/{user}/remove", P::EditTeam, people::remove),
        get(portal, "/portal/tokens", P::Tokens, tokens::list),
        post(portal, "/portal/tokens", P::Tokens, tokens::make),
        post(portal, "/portal/tokens/{token}/end", P::Tokens, tokens::end),
        get(portal, "/portal/audit", P::Audit, audit::list),
    ]
}
