//! The list of merchants.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{Choice, Merchants, ROWS, When, choices, merchant_pill};
use crate::portal::words::Pill;
use askama::Template;
use domain::id::MerchantId;
use domain::merchant::Merchant;
use http::StatusCode;

struct Row {
    id: i64,
    name: String,
    pill: Pill,
    terminals: usize,
    waiting: usize,
    since: When,
}

#[derive(Template)]
#[template(path = "office/merchants.html")]
struct ListPage {
    shell: Shell,
    q: String,
    states: Vec<Choice>,
    rows: Vec<Row>,
    announce: String,
    are_any: bool,
    older: Option<String>,
    newest: Option<String>,
}

const STATES: [(&str, &str); 3] =
    [("active", "Active"), ("review", "In review"), ("suspended", "Suspended")];

fn is_in(merchant: &Merchant, state: &str) -> bool {
    match state {
        "active" => merchant.active && merchant.approved,
        "review" => merchant.active && !merchant.approved,
        "suspended" => !merchant.active,
        _ => true,
    }
}

/// `GET /office/merchants`: the newest first.
pub(super) async fn list(visit: Visit) -> Outcome {
    let merchants = Merchants::load(&visit).await?;
    let terminals = visit.app.gateway.terminals(visit.actor()).await?;
    let q = visit.asked("q").unwrap_or_default();
    let words = q.to_lowercase();
    let state = visit.asked("state").unwrap_or_default();
    let before = match visit.asked("before") {
        Some(text) => Some(MerchantId(text.parse().map_err(|_form| Trouble::NotFound)?)),
        None => None,
    };
    let fits = |one: &&Merchant| {
        before.is_none_or(|before| one.id < before)
            && is_in(one, &state)
            && (one.name.to_lowercase().contains(&words) || one.id.to_string() == words)
    };
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let found: Vec<&Merchant> =
        merchants.all().rev().filter(fits).take(most.saturating_add(1)).collect();
    let row = |one: &&Merchant| {
        let own = terminals.iter().filter(|terminal| terminal.merchant == one.id);
        let waiting = |terminal: &&domain::terminal::Terminal| {
            terminal.settings.approval == domain::terminal::Approval::Requested
        };
        Row {
            id: one.id.0,
            name: one.name.clone(),
            pill: merchant_pill(one),
            terminals: own.clone().count(),
            waiting: own.filter(waiting).count(),
            since: When::of(one.created_at),
        }
    };
    let rows: Vec<Row> = found.iter().take(most).map(row).collect();
    let last = rows.last().map(|row| row.id).filter(|_| found.len() > most);
    let page = ListPage {
        shell: Shell::of(&visit, "Merchants"),
        q,
        states: choices(STATES, Some(&state)),
        announce: if rows.len() == 1 {
            "1 merchant".to_owned()
        } else {
            format!("{} merchants", rows.len())
        },
        rows,
        are_any: merchants.all().next().is_some(),
        older: last.map(|last| visit.with_query("before", Some(&last.to_string()))),
        newest: before.map(|_| visit.with_query("before", None)),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
