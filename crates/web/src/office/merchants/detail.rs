//! One merchant: facts, terminals, people, balances, and what an operator may change.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::invite::Person;
use crate::office::parts::{Merchants, PaymentRow, When, merchant_pill, mode_pill, terminal_pill};
use crate::portal::words::{Pill, amount, pill};
use askama::Template;
use domain::id::MerchantId;
use domain::merchant::Merchant;
use domain::payment_filter::PaymentSearch;
use domain::terminal::{Mode, Terminal};
use domain::user::{User, UserState};
use engine::balance::statements;
use http::StatusCode;

/// Payments that are shown.
const PAYMENTS_SHOWN: u32 = 8;

/// A terminal of the merchant's.
struct TerminalRow {
    number: i64,
    name: String,
    mode: Pill,
    pill: Pill,
}

struct UserRow {
    name: String,
    email: String,
    role: &'static str,
    pill: Pill,
    signed_in: Option<When>,
}

struct BalanceRow {
    mode: Pill,
    currency: &'static str,
    owed: String,
}

/// What was typed into the page's small forms, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) name: Option<String>,
    pub(super) name_error: String,
    pub(super) reason: String,
    pub(super) reason_error: String,
    pub(super) person: Person,
}

#[derive(Template)]
#[template(path = "office/merchant.html")]
struct MerchantPage {
    shell: Shell,
    id: i64,
    name: String,
    is_active: bool,
    is_approved: bool,
    pill: Pill,
    since: When,
    terminals: Vec<TerminalRow>,
    users: Vec<UserRow>,
    balances: Vec<BalanceRow>,
    counted: Option<When>,
    payments: Vec<PaymentRow>,
    new_name: String,
    name_error: String,
    reason: String,
    reason_error: String,
    person: Person,
}

/// `GET /office/merchants/{merchant}`
pub(super) async fn page(visit: Visit) -> Outcome {
    let id = MerchantId(visit.param("merchant")?);
    show(&visit, id, Person::default(), None).await
}

/// The page with an invitation that did not work.
pub(super) async fn show(
    visit: &Visit,
    id: MerchantId,
    person: Person,
    notice: Option<Notice>,
) -> Outcome {
    show_typed(visit, id, Typed { person, ..Typed::default() }, notice).await
}

/// The page with what was typed.
pub(super) async fn show_typed(
    visit: &Visit,
    id: MerchantId,
    typed: Typed,
    notice: Option<Notice>,
) -> Outcome {
    let merchants = Merchants::load(visit).await?;
    let merchant = merchants.get(id).ok_or(Trouble::NotFound)?;
    let shell = Shell::of(visit, &merchant.name);
    let is_well = typed.name_error.is_empty()
        && typed.reason_error.is_empty()
        && typed.person.is_well()
        && notice.is_none();
    let shell = match notice {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let status = if is_well { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let gateway = &visit.app.gateway;
    let actor = visit.actor().narrowed_to(id);
    let terminals = gateway.terminals(actor).await?;
    let users = gateway.users(visit.actor(), Some(id)).await?;
    let search = PaymentSearch::default();
    let newest = gateway.search_payments(actor, &search, None, PAYMENTS_SHOWN).await?;
    let (balances, counted) = balances(visit, merchant).await;
    let page = MerchantPage {
        shell,
        id: id.0,
        name: merchant.name.clone(),
        is_active: merchant.active,
        is_approved: merchant.approved,
        pill: merchant_pill(merchant),
        since: When::of(merchant.created_at),
        terminals: terminals.iter().map(terminal_row).collect(),
        users: users.iter().map(user_row).collect(),
        balances,
        counted,
        payments: newest.payments.iter().map(|one| PaymentRow::of(one, &merchants)).collect(),
        new_name: typed.name.unwrap_or_else(|| merchant.name.clone()),
        name_error: typed.name_error,
        reason: typed.reason,
        reason_error: typed.reason_error,
        person: typed.person,
    };
    Ok(desk_page(&visit.app, status, &page))
}

fn terminal_row(terminal: &Terminal) -> TerminalRow {
    TerminalRow {
        number: terminal.number.0,
        name: terminal.name.clone(),
        mode: mode_pill(terminal.mode),
        pill: terminal_pill(terminal),
    }
}

fn user_row(user: &User) -> UserRow {
    UserRow {
        name: user.facts.name.clone(),
        email: user.email.to_string(),
        role: user.facts.role.title(),
        pill: user_pill(user),
        signed_in: user.facts.signed_in_at.map(When::of),
    }
}

/// Where a user stands.
pub(in crate::office) const fn user_pill(user: &User) -> Pill {
    match user.facts.state {
        UserState::Active => pill("ok", "check", "Active"),
        UserState::Invited => pill("wait", "mail", "Invited"),
        UserState::Removed => pill("off", "cross", "Removed"),
    }
}

/// What the books owe the merchant, from figures that are counted beside the page.
async fn balances(visit: &Visit, merchant: &Merchant) -> (Vec<BalanceRow>, Option<When>) {
    let mut rows = Vec::new();
    let mut counted = None;
    let summary = |mode| visit.app.gateway.summary(visit.actor(), merchant.id, mode);
    // At once: each may be waited for.
    let (live, test) = tokio::join!(summary(Mode::Live), summary(Mode::Test));
    for (mode, summary) in [(Mode::Live, live), (Mode::Test, test)] {
        let Some(summary) = summary else { continue };
        counted = Some(When::of(summary.counted_at));
        for statement in statements(summary.balances(merchant.id, mode)) {
            rows.push(BalanceRow {
                mode: mode_pill(mode),
                currency: statement.currency.code(),
                owed: amount(statement.owed_minor, statement.currency),
            });
        }
    }
    (rows, counted)
}
