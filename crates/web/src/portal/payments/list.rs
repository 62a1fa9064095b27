//! The list of payments, its search and its saved views.

use super::asked::{Asked, Problem, problem};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, amount, count, moment, payment_pill};
use askama::Template;
use domain::id::PaymentId;
use domain::method::MethodCode;
use domain::payment::Payment;
use domain::payment_filter::StateGroup;
use domain::terminal::Mode;
use domain::user::Permission;
use engine::search::Found;
use engine::user::UserRefused;
use http::StatusCode;

/// Payments on a page.
const PAGE: u32 = 25;
/// Most characters of a view's name: it has to fit on a tab.
const NAME_MOST: usize = 60;

/// A payment as lists show it.
pub(in crate::portal) struct Row {
    pub(in crate::portal) href: String,
    pub(in crate::portal) id: String,
    pub(in crate::portal) pill: Pill,
    pub(in crate::portal) amount: String,
    pub(in crate::portal) method: String,
    pub(in crate::portal) reference: String,
    pub(in crate::portal) customer: String,
    pub(in crate::portal) at: String,
    pub(in crate::portal) at_text: String,
}

/// A payment as lists show it.
pub(in crate::portal) fn row(visit: &Visit, payment: &Payment) -> Row {
    let customer = &payment.request.customer;
    let customer = customer.email.as_deref().or(customer.full_name.as_deref());
    Row {
        href: super::href(visit, payment),
        id: payment.id.to_string(),
        pill: payment_pill(payment),
        amount: amount(payment.amount.minor(), payment.amount.currency()),
        method: method(payment),
        reference: payment.reference.to_string(),
        customer: customer.unwrap_or("\u{2013}").to_owned(),
        at: payment.created_at.to_rfc3339(),
        at_text: moment(payment.created_at),
    }
}

/// How it is paid, in few words.
pub(super) fn method(payment: &Payment) -> String {
    match &payment.method.card {
        Some(card) => format!("{} \u{2022}\u{2022}{}", card.brand, card.last_four),
        None => payment.method.code.name().to_owned(),
    }
}

/// One of a menu.
struct Choice {
    value: String,
    text: String,
    is_chosen: bool,
}

/// A saved view as a tab.
struct ViewTab {
    name: String,
    href: String,
    is_here: bool,
}

/// What was typed to save a view, and what is wrong with it.
#[derive(Default)]
struct Naming {
    name: String,
    error: String,
}

#[derive(Template)]
#[template(path = "portal/payments.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the template shows or leaves out")]
struct ListPage {
    shell: Shell,
    path: String,
    asked: Asked,
    problems: Vec<Problem>,
    /// The question as it is saved.
    query: String,
    states: Vec<Choice>,
    methods: Vec<Choice>,
    terminals: Vec<Choice>,
    views: Vec<ViewTab>,
    /// The view that is shown, which may be removed.
    view: Option<String>,
    naming: Naming,
    rows: Vec<Row>,
    is_filtered: bool,
    is_first: bool,
    is_test: bool,
    /// How far a search came that could not look at everything.
    stopped: Option<String>,
    /// Goes on by itself: nothing was found yet.
    goes_on: bool,
    older: Option<String>,
    announce: String,
    export: Option<String>,
}

impl ListPage {
    fn problem(&self, field: &str) -> &'static str {
        problem(&self.problems, field)
    }
}

/// `GET /portal/{mode}/payments`
pub(super) async fn list(visit: Visit) -> Outcome {
    let asked = Asked::of(&visit.query);
    page(&visit, asked, StatusCode::OK, Naming::default()).await
}

async fn page(visit: &Visit, asked: Asked, status: StatusCode, naming: Naming) -> Outcome {
    let mode = visit.mode()?;
    let before = place(visit)?;
    let (found, problems) = match asked.search(mode) {
        Ok(search) => {
            let found = visit.app.gateway.search_payments(visit.actor(), &search, before, PAGE);
            (found.await?, Vec::new())
        }
        Err(problems) => (Found::default(), problems),
    };
    let status = if problems.is_empty() { status } else { StatusCode::UNPROCESSABLE_ENTITY };
    let path = visit.in_mode("/payments");
    let query = asked.query(&[]);
    let views = views(visit, &path, &query);
    let view = views.iter().find(|view| view.is_here).map(|view| view.name.clone());
    let looked = looked_before(visit).saturating_add(found.looked_at);
    let next = found.next.map(|next| {
        let looked = if found.stopped { looked.to_string() } else { String::new() };
        format!("{path}?{}", asked.query(&[("before", &next.to_string()), ("looked", &looked)]))
    });
    let rows: Vec<Row> = found.payments.iter().map(|payment| row(visit, payment)).collect();
    let export = visit.may(Permission::Export).then(|| {
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{path}.csv{separator}{query}")
    });
    let page = ListPage {
        shell: Shell::of(visit, "Payments"),
        path,
        states: states(&asked),
        methods: methods(&asked),
        terminals: terminals(visit, mode, &asked).await?,
        views,
        view,
        naming,
        is_filtered: asked.is_filtered(),
        is_first: before.is_none(),
        is_test: mode == Mode::Test,
        stopped: found.stopped.then(|| came_so_far(&found, looked)),
        goes_on: found.stopped && rows.is_empty(),
        older: next,
        announce: announcement(rows.len(), found.next.is_some()),
        rows,
        export,
        query,
        asked,
        problems,
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// Where the page goes on.
fn place(visit: &Visit) -> Result<Option<PaymentId>, Trouble> {
    let Some(text) = visit.asked("before") else { return Ok(None) };
    let form = "must be a payment's number of 18 digits";
    text.parse().map(Some).map_err(|_form| Trouble::Field("before", form.to_owned()))
}

/// How many payments the steps of this search have looked through before this one.
fn looked_before(visit: &Visit) -> u64 {
    let number: Option<u64> = visit.asked("looked").and_then(|text| text.parse().ok());
    number.unwrap_or(0).min(1_000_000_000)
}

fn came_so_far(found: &Found, looked: u64) -> String {
    let looked = count(i64::try_from(looked).unwrap_or(i64::MAX));
    let time = found.next.map(|id| format!(", back to {} UTC", id.made_at_text()));
    let time = time.unwrap_or_default();
    format!("Looked through {looked} payments{time}.")
}

fn announcement(shown: usize, has_more: bool) -> String {
    match (shown, has_more) {
        (0, _) => "No payments".to_owned(),
        (1, false) => "1 payment".to_owned(),
        (shown, false) => format!("{shown} payments"),
        (shown, true) => format!("{shown} payments, and more"),
    }
}

fn states(asked: &Asked) -> Vec<Choice> {
    let choice = |group: StateGroup| Choice {
        value: group.name().to_owned(),
        text: group.title().to_owned(),
        is_chosen: asked.state == group.name(),
    };
    StateGroup::ALL.into_iter().map(choice).collect()
}

fn methods(asked: &Asked) -> Vec<Choice> {
    let choice = |method: MethodCode| Choice {
        value: method.code().to_owned(),
        text: method.name().to_owned(),
        is_chosen: asked.method.eq_ignore_ascii_case(method.code()),
    };
    MethodCode::ALL.into_iter().map(choice).collect()
}

async fn terminals(visit: &Visit, mode: Mode, asked: &Asked) -> Result<Vec<Choice>, Trouble> {
    let all = visit.app.gateway.terminals(visit.actor()).await?;
    let choice = |terminal: domain::terminal::Terminal| {
        let value = terminal.number.to_string();
        Choice {
            text: format!("{} ({value})", terminal.name),
            is_chosen: asked.terminal == value,
            value,
        }
    };
    Ok(all.into_iter().filter(|terminal| terminal.mode == mode).map(choice).collect())
}

fn views(visit: &Visit, path: &str, query: &str) -> Vec<ViewTab> {
    let tab = |view: &domain::user::SavedView| ViewTab {
        name: view.name.clone(),
        // Only fields that this page knows; what is stored is read anew.
        href: format!("{path}?{}", Asked::of(&view.query).query(&[])),
        is_here: Asked::of(&view.query).query(&[]) == query,
    };
    visit.user.facts.views.iter().map(tab).collect()
}

/// `POST /portal/{mode}/payments/views`: keeps a search under a name, or forgets one.
pub(super) async fn change_views(visit: Visit, form: Posted) -> Outcome {
    visit.mode()?;
    let gateway = &visit.app.gateway;
    if let Some(name) = form.optional("remove") {
        let known = visit.user.facts.views.iter().any(|view| view.name == name);
        if known {
            let removed = gateway.save_view(visit.actor(), visit.user.id, &name, None).await;
            removed.map_err(refusal)?;
        }
        return Ok(visit.see_other(&visit.in_mode("/payments"), "view-removed"));
    }
    let asked = Asked::of(form.raw("query"));
    let name = form.text("name");
    let again = |error: String| {
        let naming = Naming { name: name.clone(), error };
        page(&visit, asked.clone(), StatusCode::UNPROCESSABLE_ENTITY, naming)
    };
    if name.is_empty() || name.chars().count() > NAME_MOST {
        return again(format!("Must have 1 to {NAME_MOST} characters.")).await;
    }
    let query = asked.query(&[]);
    if query.is_empty() {
        return again("Search for something first: a view keeps a search.".to_owned()).await;
    }
    let saved = gateway.save_view(visit.actor(), visit.user.id, &name, Some(query.clone()));
    match saved.await {
        Ok(_user) => {
            Ok(visit.see_other(&format!("{}?{query}", visit.in_mode("/payments")), "view-saved"))
        }
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(refused) => again(crate::account::sentence(&refused)).await,
    }
}

fn refusal(refused: UserRefused) -> Trouble {
    match refused.or_fault() {
        Err(fault) => fault.into(),
        Ok(other) => {
            Trouble::Refused(StatusCode::UNPROCESSABLE_ENTITY, crate::account::sentence(&other))
        }
    }
}
