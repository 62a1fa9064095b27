//! The list of terminals, those that wait for a word first.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{
    Choice, Merchants, ROWS, When, choices, merchant_choices, mode_choices, mode_pill,
    terminal_pill,
};
use crate::portal::words::Pill;
use askama::Template;
use domain::id::{MerchantId, TerminalNumber};
use domain::terminal::{Approval, Mode, Terminal};
use http::StatusCode;

struct Row {
    number: i64,
    name: String,
    merchant: String,
    mode: Pill,
    pill: Pill,
    added: When,
}

#[derive(Template)]
#[template(path = "office/terminals.html")]
struct ListPage {
    shell: Shell,
    merchants: Vec<Choice>,
    modes: Vec<Choice>,
    states: Vec<Choice>,
    waiting: Vec<Row>,
    rows: Vec<Row>,
    announce: String,
    are_any: bool,
    older: Option<String>,
    newest: Option<String>,
}

const STATES: [(&str, &str); 4] = [
    ("waiting", "Waits for approval"),
    ("on", "Takes payments"),
    ("off", "Off or suspended"),
    ("refused", "Refused"),
];

fn is_in(terminal: &Terminal, state: &str) -> bool {
    match state {
        "waiting" => waits(terminal),
        "on" => terminal.takes_payments(),
        "off" => terminal.settings.approval == Approval::Approved && !terminal.takes_payments(),
        "refused" => matches!(terminal.settings.approval, Approval::Refused { .. }),
        _ => true,
    }
}

/// Whether it waits for an operator's word.
pub(in crate::office) fn waits(terminal: &Terminal) -> bool {
    terminal.settings.approval == Approval::Requested
}

/// `GET /office/terminals`
pub(super) async fn list(visit: Visit) -> Outcome {
    let merchants = Merchants::load(&visit).await?;
    let terminals = visit.app.gateway.terminals(visit.actor()).await?;
    let state = visit.asked("state").unwrap_or_default();
    let mode = visit.asked("mode").and_then(|word| Mode::from_name(&word));
    let merchant = visit.asked("merchant").and_then(|text| text.parse().ok()).map(MerchantId);
    let before = match visit.asked("before") {
        Some(text) => Some(TerminalNumber(text.parse().map_err(|_form| Trouble::NotFound)?)),
        None => None,
    };
    let row = |one: &Terminal| Row {
        number: one.number.0,
        name: one.name.clone(),
        merchant: one.merchant_name.clone(),
        mode: mode_pill(one.mode),
        pill: terminal_pill(one),
        added: When::of(one.created_at),
    };
    let fits = |one: &&Terminal| {
        before.is_none_or(|before| one.number < before)
            && is_in(one, &state)
            && mode.is_none_or(|mode| mode == one.mode)
            && merchant.is_none_or(|merchant| merchant == one.merchant)
    };
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let found: Vec<&Terminal> =
        terminals.iter().rev().filter(fits).take(most.saturating_add(1)).collect();
    let rows: Vec<Row> = found.iter().take(most).map(|one| row(one)).collect();
    let last = rows.last().map(|row| row.number).filter(|_| found.len() > most);
    let is_plain = state.is_empty() && mode.is_none() && merchant.is_none() && before.is_none();
    // Whoever looks for something else has not to step over them.
    let waiting = terminals.iter().filter(|one| is_plain && waits(one));
    let page = ListPage {
        shell: Shell::of(&visit, "Terminals"),
        merchants: merchant_choices(&merchants, merchant),
        modes: mode_choices(mode),
        states: choices(STATES, Some(&state)),
        waiting: waiting.take(most).map(row).collect(),
        announce: if rows.len() == 1 {
            "1 terminal".to_owned()
        } else {
            format!("{} terminals", rows.len())
        },
        rows,
        are_any: !terminals.is_empty(),
        older: last.map(|last| visit.with_query("before", Some(&last.to_string()))),
        newest: before.map(|_| visit.with_query("before", None)),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
