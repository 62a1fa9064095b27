//! "Add New Terminal List", and changes of what is set for a terminal.

use super::keys::revealed;
use super::pages::show;
use super::settings::{Form, method_name};
use super::{of_path, path};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use askama::Template;
use domain::method::MethodCode;
use domain::terminal::{Approval, Mode, Settings};
use engine::terminal::{AddTerminal, ChangeTerminal, TerminalChanged};
use http::StatusCode;

/// Terminals that a merchant may add by themselves, test and live together.
const TERMINALS_AT_MOST: usize = 200;

#[derive(Template)]
#[template(path = "portal/terminal_form.html")]
struct FormPage {
    shell: Shell,
    heading: String,
    form: Form,
    methods: Vec<(&'static str, &'static str)>,
    /// The operator sets a live terminal's methods and limits.
    may_set_methods: bool,
    is_new: bool,
    is_live: bool,
    version: i64,
    back: String,
    merchant: String,
}

struct Shown<'a> {
    status: StatusCode,
    heading: &'a str,
    form: Form,
    version: i64,
    back: String,
    notice: Option<Notice>,
}

fn page(visit: &Visit, shown: Shown<'_>) -> Outcome {
    let mode = visit.mode()?;
    let is_new = shown.version == 0;
    let errors = shown.form.errors();
    let notice = shown.notice.or_else(|| {
        let fields = if errors == 1 { "One field is" } else { "Some fields are" };
        (errors > 0).then(|| Notice::error(format!("{fields} not right yet: see below.")))
    });
    let shell = Shell::of(visit, shown.heading);
    let shell = match notice {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let page = FormPage {
        shell,
        heading: shown.heading.to_owned(),
        form: shown.form,
        methods: MethodCode::ALL.iter().map(|one| (one.code(), method_name(*one))).collect(),
        may_set_methods: is_new || mode == Mode::Test,
        is_new,
        is_live: mode == Mode::Live,
        version: shown.version,
        back: shown.back,
        merchant: visit.merchant.as_ref().map(|one| one.name.clone()).unwrap_or_default(),
    };
    Ok(desk_page(&visit.app, shown.status, &page))
}

const NEW: &str = "Add New Terminal List";

fn new_form(visit: &Visit, status: StatusCode, form: Form, notice: Option<Notice>) -> Outcome {
    let back = visit.in_mode("/terminals");
    page(visit, Shown { status, heading: NEW, form, version: 0, back, notice })
}

/// `GET /portal/{mode}/terminals/new`
pub(super) async fn new_page(visit: Visit) -> Outcome {
    let form = Form::of("", &Settings::for_all_methods());
    new_form(&visit, StatusCode::OK, form, None)
}

/// `POST /portal/{mode}/terminals/new`
pub(super) async fn add(visit: Visit, posted: Posted) -> Outcome {
    let mode = visit.mode()?;
    let (form, read) = Form::read(&posted, &Settings::for_all_methods(), mode, true);
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let Some((name, mut settings)) = read else {
        return new_form(&visit, refused, form, None);
    };
    if mode == Mode::Live {
        if visit.app.demo_only {
            let text = "This gateway has the demo's data, and nothing live can be added to it.";
            return new_form(&visit, refused, form, Some(Notice::error(text)));
        }
        settings.approval = Approval::Requested;
    }
    let own = visit.app.gateway.terminals(visit.actor()).await?;
    if own.len() >= TERMINALS_AT_MOST {
        let text = format!("There are {TERMINALS_AT_MOST} terminals, and no more can be added.");
        return new_form(&visit, refused, form, Some(Notice::error(text)));
    }
    let merchant = visit.merchant_id()?;
    for _try in 0..8 {
        let add = AddTerminal {
            number: None,
            merchant,
            name: name.clone(),
            mode,
            settings: settings.clone(),
            public_key: None,
        };
        // None: somebody took the number meanwhile.
        if let Some(terminal) = visit.app.gateway.add_terminal(visit.actor(), add).await? {
            let text = "The terminal is there. Copy its private key and its signing secret now: \
                        they are not shown again.";
            let notice = Notice { is_error: false, text: text.to_owned() };
            let shell = Shell::of(&visit, &terminal.name).telling(notice);
            let keys = revealed(&terminal).filter(|_| visit.may(domain::user::Permission::Keys));
            return show(&visit, StatusCode::OK, shell, &terminal, keys);
        }
    }
    Err(engine::error::Fault::Busy.into())
}

/// `GET /portal/{mode}/terminals/{terminal}/edit`
pub(super) async fn edit_page(visit: Visit) -> Outcome {
    let terminal = of_path(&visit).await?;
    let shown = Shown {
        status: StatusCode::OK,
        heading: &terminal.name,
        form: Form::of(&terminal.name, &terminal.settings),
        version: terminal.version,
        back: path(&visit, terminal.number),
        notice: None,
    };
    page(&visit, shown)
}

/// `POST /portal/{mode}/terminals/{terminal}/edit`
pub(super) async fn change(visit: Visit, posted: Posted) -> Outcome {
    let terminal = of_path(&visit).await?;
    let mode = terminal.mode;
    let (form, read) = Form::read(&posted, &terminal.settings, mode, mode == Mode::Test);
    let back = path(&visit, terminal.number);
    let version = posted.text("version").parse().unwrap_or(0);
    let Some((name, settings)) = read else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let heading = &terminal.name;
        return page(&visit, Shown { status, heading, form, version, back, notice: None });
    };
    let changed =
        visit.app.gateway.set_terminal(visit.actor(), terminal.number, version, (name, settings));
    match changed.await? {
        TerminalChanged::Done(_) => Ok(visit.see_other(&back, "saved")),
        TerminalChanged::Unknown => Err(Trouble::NotFound),
        TerminalChanged::OtherVersion(version) => {
            let text = "Somebody changed this terminal meanwhile. Look through the form and send \
                        it again to have it your way.";
            let shown = Shown {
                status: StatusCode::CONFLICT,
                heading: &terminal.name,
                form,
                version,
                back,
                notice: Some(Notice::error(text)),
            };
            page(&visit, shown)
        }
    }
}

/// `POST /portal/{mode}/terminals/{terminal}/switch`: on or off.
pub(super) async fn switch(visit: Visit, posted: Posted) -> Outcome {
    let terminal = of_path(&visit).await?;
    let active = Some(posted.text("active") == "yes");
    let change = ChangeTerminal { active, ..ChangeTerminal::default() };
    match visit.app.gateway.change_terminal(visit.actor(), terminal.number, change).await? {
        TerminalChanged::Done(_) => Ok(visit.see_other(&path(&visit, terminal.number), "saved")),
        TerminalChanged::Unknown | TerminalChanged::OtherVersion(_) => Err(Trouble::NotFound),
    }
}

/// `POST /portal/{mode}/terminals/{terminal}/approval`: asks for it again.
pub(super) async fn ask(visit: Visit, _posted: Posted) -> Outcome {
    let terminal = of_path(&visit).await?;
    let back = path(&visit, terminal.number);
    if !matches!(terminal.settings.approval, Approval::Refused { .. }) {
        return Ok(visit.see_other(&back, ""));
    }
    let settings = Settings { approval: Approval::Requested, ..terminal.settings.clone() };
    let what = (terminal.name.clone(), settings);
    let asked =
        visit.app.gateway.set_terminal(visit.actor(), terminal.number, terminal.version, what);
    asked.await?;
    Ok(visit.see_other(&back, "approval-requested"))
}
