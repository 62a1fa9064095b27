//! The list of terminals, and one of them.

use super::of_path;
use super::settings::facts;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, moment, pill};
use askama::Template;
use domain::terminal::{Approval, Mode, Terminal};
use domain::user::Permission;
use http::StatusCode;

struct Row {
    number: String,
    name: String,
    href: String,
    methods: String,
    currencies: String,
    pill: Pill,
}

#[derive(Template)]
#[template(path = "portal/terminals.html")]
struct ListPage {
    shell: Shell,
    is_test: bool,
    may_edit: bool,
    new_href: String,
    terminals: Vec<Row>,
}

/// Where a terminal stands.
pub(super) fn state(terminal: &Terminal) -> Pill {
    if !terminal.merchant_active {
        return pill("bad", "cross", "Merchant suspended");
    }
    match &terminal.settings.approval {
        Approval::Requested => pill("wait", "clock", "Waits for approval"),
        Approval::Refused { .. } => pill("bad", "cross", "Not approved"),
        Approval::Approved if !terminal.active => pill("off", "cross", "Switched off"),
        Approval::Approved => pill("ok", "check", "Takes payments"),
    }
}

/// `GET /portal/{mode}/terminals`
pub(super) async fn list(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let terminals = visit.app.gateway.terminals(visit.actor()).await?;
    let row = |terminal: &Terminal| Row {
        number: terminal.number.to_string(),
        name: terminal.name.clone(),
        href: super::path(&visit, terminal.number),
        methods: super::settings::methods_in_words(terminal),
        currencies: super::settings::currencies_text(&terminal.settings.currencies),
        pill: state(terminal),
    };
    let page = ListPage {
        shell: Shell::of(&visit, "My Terminal"),
        is_test: mode == Mode::Test,
        may_edit: visit.may(Permission::EditTerminals),
        new_href: visit.in_mode("/terminals/new"),
        terminals: terminals.iter().filter(|one| one.mode == mode).map(row).collect(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

/// A key pair as its owner sees it.
pub(super) struct KeyRow {
    pub(super) public: String,
    pub(super) since: String,
    /// When it stops being good; empty for the current one.
    pub(super) until: String,
}

/// What is shown once: after a terminal was added, or its keys were changed.
pub(super) struct Revealed {
    pub(super) private_key: String,
    pub(super) signing_secret: String,
}

#[derive(Template)]
#[template(path = "portal/terminal.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the template shows or leaves out")]
struct TerminalPage {
    shell: Shell,
    number: String,
    name: String,
    path: String,
    list_href: String,
    pill: Pill,
    is_live: bool,
    is_active: bool,
    waits: bool,
    /// Why the operator said no.
    refused: Option<String>,
    facts: Vec<(&'static str, String)>,
    /// None for who may not see keys.
    keys: Option<Vec<KeyRow>>,
    revealed: Option<Revealed>,
    may_edit: bool,
    may_try: bool,
    needs_password: bool,
    payments_href: String,
}

/// `GET /portal/{mode}/terminals/{terminal}`
pub(super) async fn terminal(visit: Visit) -> Outcome {
    let terminal = of_path(&visit).await?;
    show(&visit, StatusCode::OK, Shell::of(&visit, &terminal.name), &terminal, None)
}

/// The terminal's page, with the keys that are shown once.
#[expect(clippy::unnecessary_wraps, reason = "a handler ends with it")]
pub(super) fn show(
    visit: &Visit,
    status: StatusCode,
    shell: Shell,
    terminal: &Terminal,
    revealed: Option<Revealed>,
) -> Outcome {
    let now = visit.app.gateway.clock().now();
    let key = |pair: &domain::terminal::KeyPair| KeyRow {
        public: pair.public.clone(),
        since: moment(pair.created_at),
        until: pair.retires_at.map(moment).unwrap_or_default(),
    };
    let good = terminal.keys.iter().filter(|pair| pair.retires_at.is_none_or(|at| now < at));
    let refused = match &terminal.settings.approval {
        Approval::Refused { reason } => Some(reason.clone()),
        Approval::Approved | Approval::Requested => None,
    };
    let number = terminal.number;
    let page = TerminalPage {
        shell,
        number: number.to_string(),
        name: terminal.name.clone(),
        path: super::path(visit, number),
        list_href: visit.in_mode("/terminals"),
        pill: state(terminal),
        is_live: terminal.mode == Mode::Live,
        is_active: terminal.active,
        waits: terminal.settings.approval == Approval::Requested,
        refused,
        facts: facts(terminal),
        keys: visit.may(Permission::Keys).then(|| good.map(key).collect()),
        revealed,
        may_edit: visit.may(Permission::EditTerminals),
        may_try: visit.may(Permission::Console) && terminal.mode == Mode::Test,
        needs_password: visit.needs_password(),
        payments_href: visit.in_mode(&format!("/payments?terminal={number}")),
    };
    Ok(desk_page(&visit.app, status, &page))
}
