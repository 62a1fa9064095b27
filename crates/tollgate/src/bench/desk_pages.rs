//! The pages that are looked at: those of the router's own list, so that a new page is measured by
//! itself, with what there is in the database in their addresses; and searches, which are as many
//! pages as there are questions.

use super::desk_data::DeskData;
use web::desk::route::{Room, Route};

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visitor {
    /// Nobody who is signed in.
    Stranger,
    /// The owner of the merchant who has all the payments.
    Owner,
    /// The owner of the merchant who has none.
    Newcomer,
    /// Works in the office.
    Operator,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Its address as people read it: what is filled in stands in braces.
    pub(super) name: String,
    /// What is asked for.
    pub(super) address: String,
    pub(super) visitor: Visitor,
}

/// The page that has next to nothing on it: what an answer costs.
pub(super) const EMPTY: &str = "/account/sign-in";
/// Pages with figures that are counted in the background.
pub(super) const COUNTED: [&str; 3] = ["/portal/test", "/portal/test/balance", "/office"];
/// What nobody has.
const NOBODY: [(&str, &str); 3] =
    [("last four digits", "9999"), ("e-mail", "nobody@nowhere.example"), ("name", "Nobody")];

/// All pages and all exports.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) looked_at: Vec<Page>,
    /// Files of whatever length.
    pub(super) exports: Vec<Page>,
    /// Routes with something in their path that the bench does not know.
    pub(super) unknown: Vec<String>,
}

impl Pages {
    pub(super) fn all(data: &DeskData) -> Self {
        let stranger =
            Page { name: EMPTY.to_owned(), address: EMPTY.to_owned(), visitor: Visitor::Stranger };
        let mut all = Self { looked_at: vec![stranger], ..Self::default() };
        let routes = web::desk::all_routes();
        for route in routes.iter().filter(|route| route.method == http::Method::GET) {
            all.add_route(route, data);
        }
        all.looked_at.extend(searches(data));
        all
    }

    fn add_route(&mut self, route: &Route, data: &DeskData) {
        let visitor = match route.room {
            Room::Portal | Room::Account => Visitor::Owner,
            Room::Office => Visitor::Operator,
        };
        let name = route.path.replace("{mode}", "test");
        let Some(address) = filled(&name, data) else {
            self.unknown.push(route.path.to_owned());
            return;
        };
        if route.path.rsplit('.').next() == Some("csv") {
            self.exports.push(Page { name, address, visitor });
            return;
        }
        self.looked_at.push(Page { name, address, visitor });
        // Of live there is nothing, and finding that out may be the longest look of all.
        let live = route.path.replace("{mode}", "live");
        if live != route.path && !live.contains('{') {
            self.looked_at.push(Page { name: live.clone(), address: live, visitor });
        }
    }
}

/// The path with what there is in the place of its parameters; none where one is not known.
fn filled(path: &str, data: &DeskData) -> Option<String> {
    let parts = path.split('/').map(|part| {
        let Some((name, rest)) = part.strip_prefix('{').and_then(|part| part.split_once('}'))
        else {
            return Some(part.to_owned());
        };
        let value = match name {
            "terminal" => data.terminal.to_string(),
            "payment" => data.payment.id.to_string(),
            "merchant" => data.merchant.to_string(),
            "endpoint" => data.endpoint.to_string(),
            "user" => data.user.clone(),
            "delivery" | "webhook" => data.webhook.clone(),
            "currency" => data.payment.amount.currency().code().to_owned(),
            "day" => data.day(),
            _ => return None,
        };
        Some(value + rest)
    });
    parts.collect::<Option<Vec<String>>>().map(|parts| parts.join("/"))
}

fn searches(data: &DeskData) -> Vec<Page> {
    let mut all = Vec::new();
    let mut add = |visitor, path: &str, what: &str, query: &str| {
        let page = |name, address| Page { name, address, visitor };
        all.push(page(format!("{path} ({what})"), format!("{path}?{query}")));
    };
    let id = data.payment.id.to_string();
    let (reference, middle) = (data.payment.reference.to_string(), &data.middle);
    let rooms =
        [(Visitor::Owner, "/portal/test/payments"), (Visitor::Operator, "/office/payments")];
    for (visitor, path) in rooms {
        add(visitor, path, "transID", &format!("q={id}"));
        add(visitor, path, "reference", &format!("q={reference}"));
        for (what, text) in NOBODY {
            add(visitor, path, &format!("{what} that nobody has"), &format!("q={text}"));
        }
        add(visitor, path, "state that all have", "state=approved");
        add(visitor, path, "state that none has", "state=declined");
        add(visitor, path, "half a way down", &format!("before={middle}"));
        add(visitor, path, "terminal", &format!("terminal={}", data.terminal));
        add(visitor, path, "day", &format!("from={0}&until={0}", data.day()));
        add(visitor, path, "day without payments", "from=2020-01-01&until=2020-01-02");
    }
    let office = "/office/payments";
    add(Visitor::Operator, office, "live", "mode=live");
    add(Visitor::Operator, office, "merchant", &format!("merchant={}", data.merchant));
    let small = data.small;
    add(Visitor::Operator, office, "merchant without payments", &format!("merchant={small}"));
    add(Visitor::Owner, "/portal/test", "30 days", "days=30");
    add(Visitor::Owner, "/portal/search", "words", "q=nobody");
    add(Visitor::Operator, "/office/search", "words", "q=nobody");
    let webhooks = "/portal/test/webhooks";
    add(Visitor::Owner, webhooks, "given up", "state=dead");
    add(Visitor::Owner, webhooks, "endpoint without any", &format!("endpoint={}", data.endpoint));
    add(Visitor::Owner, webhooks, "type that none has", "type=refund.succeeded");
    add(Visitor::Owner, webhooks, "payment", &format!("payment={id}"));
    let calls = "/portal/test/api-log";
    add(Visitor::Owner, calls, "refused", "refused=1");
    add(Visitor::Owner, calls, "request that was not", "request=none");
    for path in ["/portal/test", "/portal/test/payments", "/portal/test/balance"] {
        add(Visitor::Newcomer, path, "merchant without payments", "");
    }
    add(Visitor::Newcomer, webhooks, "merchant without payments", "");
    add(Visitor::Newcomer, calls, "merchant without payments", "");
    all
}
