//! Who may do what: every route, every role, own and foreign objects.

use super::harness::{Belongings, FOREIGN, House, STRANGER};
use domain::user::Role;

/// A route's path with what this merchant has.
pub(super) fn path_of(pattern: &str, it: &Belongings, house: &House) -> String {
    let foreign = it.merchant == FOREIGN.merchant;
    let user = if foreign { STRANGER } else { house.user(Role::Finance) };
    pattern
        .replace("{mode}", "test")
        .replace("{terminal}", &it.test_terminal.to_string())
        .replace("{payment}", &it.approved().id.to_string())
        .replace("{endpoint}", &it.endpoint.to_string())
        .replace("{delivery}", &it.delivery().webhook_id())
        .replace("{merchant}", &it.merchant.to_string())
        .replace("{user}", &user.to_string())
        .replace("{currency}", "USD")
        .replace("{day}", "2025-04-26")
}
