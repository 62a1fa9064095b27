//! Who may do what: every route, every role, own and foreign objects. The rows are written down
//! here a second time, so that neither a new route nor a changed permission goes unnoticed.

use super::harness::{Belongings, FOREIGN, House, OWN, ROLES, STRANGER, public_key, token_of};
use super::route::{Room, Route};
use domain::user::Role;
use http::{Method, StatusCode};
use std::collections::BTreeMap;

/// Method, path, and who may: O owner, A admin, D developer, F finance, S support, R read-only,
/// X the gateway's operator.
const ROWS: &str = include_str!("matrix.txt");

const LETTERS: [(char, Role); 7] = [
    ('O', Role::Owner),
    ('A', Role::Admin),
    ('D', Role::Developer),
    ('F', Role::Finance),
    ('S', Role::Support),
    ('R', Role::ReadOnly),
    ('X', Role::Operator),
];

/// A route's path with what this merchant has.
pub(super) fn path_of(pattern: &str, (role, it): (Role, &Belongings), house: &House) -> String {
    let foreign = it.merchant == FOREIGN.merchant;
    let own = if foreign { STRANGER } else { house.user(role) };
    let user = match (pattern.starts_with("/office"), foreign) {
        (true, _) => house.user(Role::Operator),
        (false, true) => STRANGER,
        (false, false) => house.user(Role::Finance),
    };
    pattern
        .replace("{mode}", "test")
        .replace("{terminal}", &it.test_terminal.to_string())
        .replace("{payment}", &it.approved().id.to_string())
        .replace("{endpoint}", &it.endpoint.to_string())
        .replace("{delivery}", &it.delivery().webhook_id())
        .replace("{merchant}", &it.merchant.to_string())
        .replace("{user}", &user.to_string())
        .replace("{token}", &token_of(own, it.merchant).id())
        .replace("{currency}", "USD")
        .replace("{day}", "2025-04-26")
}

fn rows() -> BTreeMap<(String, String), String> {
    let lines = ROWS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        ((next(), next()), next())
    };
    lines.map(row).collect()
}

fn key(route: &Route) -> (String, String) {
    (route.method.to_string(), route.path.to_owned())
}

#[test]
fn every_route_has_its_row_and_every_row_its_route() {
    let rows = rows();
    let routes: Vec<(String, String)> = super::all_routes().iter().map(key).collect();
    let missing: Vec<_> = routes.iter().filter(|route| !rows.contains_key(*route)).collect();
    assert!(missing.is_empty(), "routes without a row in matrix.txt: {missing:#?}");
    let gone: Vec<_> = rows.keys().filter(|row| !routes.contains(row)).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:#?}");
    assert_eq!(rows.len(), routes.len(), "no route twice");
    for route in super::all_routes() {
        let who = &rows[&key(&route)];
        for (letter, role) in LETTERS {
            let room = match route.room {
                Room::Portal => role != Role::Operator,
                Room::Office => role == Role::Operator,
                Room::Account => true,
            };
            let may = room && role.may(route.needs);
            assert_eq!(may, who.contains(letter), "{route:?} {role:?}");
        }
    }
}

/// What belongs to somebody is in the path.
fn names_an_object(path: &str) -> bool {
    let portal = ["{terminal}", "{payment}", "{endpoint}", "{delivery}", "{user}", "{token}"];
    path.starts_with("/portal") && portal.iter().any(|part| path.contains(part))
}

/// What must never be on a page of the first merchant: whatever is the other one's.
fn foreign_traces() -> [String; 6] {
    [
        FOREIGN.approved().id.to_string(),
        FOREIGN.waiting().id.to_string(),
        public_key(FOREIGN.test_terminal),
        "shop2.example".to_owned(),
        format!("user{STRANGER}@people.example"),
        token_of(STRANGER, FOREIGN.merchant).id(),
    ]
}

/// What is wrong with an answer; nothing when it is as it should be.
fn check(
    route: &Route,
    role: Role,
    page: &super::harness::Page,
    allowed: bool,
    foreign: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let told = format!("{route:?} {role:?} foreign: {foreign}: {}", page.status);
    let refused = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::UNAUTHORIZED];
    let signs_in = page.location().contains("sign-in") && !route.path.ends_with("sign-out");
    let right = if !allowed {
        refused.contains(&page.status)
    } else if foreign {
        page.status == StatusCode::NOT_FOUND
    } else {
        !refused.contains(&page.status) && !signs_in
    };
    if !right || page.status.is_server_error() {
        wrong.push(told.clone());
    }
    if role != Role::Operator {
        for trace in foreign_traces() {
            if page.body.contains(&trace) {
                wrong.push(format!("{told} shows {trace}"));
            }
        }
    }
    if refused.contains(&page.status) {
        for trace in [OWN.approved().reference.to_string(), "whsec_".to_owned()] {
            if page.body.contains(&trace) {
                wrong.push(format!("{told} shows {trace}"));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn nobody_sees_or_does_what_is_not_theirs() {
    let rows = rows();
    let mut house = House::new().await;
    let mut asked = 0_u32;
    let mut wrong = Vec::new();
    for route in super::all_routes() {
        let who = rows[&key(&route)].clone();
        for (letter, role) in LETTERS {
            let allowed = who.contains(letter);
            for it in [OWN, FOREIGN] {
                let foreign = it.merchant == FOREIGN.merchant && names_an_object(route.path);
                let path = path_of(route.path, (role, &it), &house);
                let before = house.store.contents();
                let page = if route.method == Method::GET {
                    house.get(role, &path).await
                } else {
                    // What is chosen from a list; all else is missing, so that little is done.
                    let terminal = OWN.test_terminal.to_string();
                    house.post(role, &path, &[("terminal", &*terminal)]).await
                };
                wrong.extend(check(&route, role, &page, allowed, foreign));
                asked += 1;
                let after = house.store.contents();
                let wrote = before.journal.len() != after.journal.len()
                    || before.audit.len() != after.audit.len();
                if (foreign || !allowed) && wrote {
                    wrong.push(format!("{route:?} {role:?} foreign: {foreign}: wrote something"));
                }
                if before.audit.len() != after.audit.len() {
                    // What a form did must not change what the next one finds.
                    house = House::new().await;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(ROLES.len(), LETTERS.len());
    assert!(asked >= 14 * u32::try_from(rows.len()).unwrap());
}
