//! Who did what, of everybody.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{Merchants, When};
use crate::portal::words::{Pill, pill};
use askama::Template;
use domain::user::UserId;
use engine::ports::AuditEntry;
use http::StatusCode;
use std::collections::BTreeMap;

/// Lines of a page.
const LINES: u32 = 50;

/// A line of the log.
pub(in crate::office) struct AuditRow {
    pub(in crate::office) number: i64,
    pub(in crate::office) at: When,
    pub(in crate::office) who: String,
    pub(in crate::office) caller: String,
    pub(in crate::office) action: String,
    pub(in crate::office) detail: String,
    pub(in crate::office) merchant: String,
    pub(in crate::office) pill: Pill,
}

/// Lines with the names of those who did it.
pub(in crate::office) async fn rows(
    visit: &Visit,
    entries: &[AuditEntry],
    merchants: &Merchants,
) -> Result<Vec<AuditRow>, Trouble> {
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    for id in entries.iter().filter_map(|entry| entry.user) {
        if let std::collections::btree_map::Entry::Vacant(place) = names.entry(id) {
            let user = visit.app.gateway.user(visit.actor(), id).await?;
            let name = user.map_or_else(|| format!("User {id}"), |one| one.facts.name.clone());
            place.insert(name);
        }
    }
    let row = |entry: &AuditEntry| AuditRow {
        number: entry.id,
        at: When::of(entry.at),
        who: match entry.user.and_then(|id| names.get(&id)) {
            Some(name) => name.clone(),
            None => match &*entry.actor {
                "operator" => "Command line".to_owned(),
                "worker" => "Gateway".to_owned(),
                "terminal" => entry
                    .terminal
                    .map_or_else(|| "Terminal".to_owned(), |number| format!("Terminal {number}")),
                other => other.to_owned(),
            },
        },
        caller: entry.caller.clone().unwrap_or_default(),
        action: entry.action.replace('_', " "),
        detail: match (entry.terminal, entry.detail.is_empty()) {
            (Some(number), true) => format!("terminal {number}"),
            (Some(number), false) if entry.actor != "terminal" => {
                format!("terminal {number}: {}", entry.detail)
            }
            _ => entry.detail.clone(),
        },
        merchant: entry.merchant.map(|id| merchants.name(id)).unwrap_or_default(),
        pill: match &*entry.result {
            "done" => pill("ok", "check", "Done"),
            "refused" => pill("bad", "cross", "Refused"),
            _ => pill("warn", "warning", "Other"),
        },
    };
    Ok(entries.iter().map(row).collect())
}

#[derive(Template)]
#[template(path = "office/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<AuditRow>,
    older: Option<String>,
    newest: Option<String>,
}

/// `GET /office/audit`
pub(super) async fn log(visit: Visit) -> Outcome {
    let before: Option<i64> = match visit.asked("before") {
        Some(text) => Some(text.parse().map_err(|_form| Trouble::NotFound)?),
        None => None,
    };
    let entries = visit.app.gateway.audit_log(visit.actor(), before, LINES).await?;
    let merchants = Merchants::load(&visit).await?;
    let is_full = u32::try_from(entries.len()).is_ok_and(|found| found >= LINES);
    let last = entries.last().filter(|_| is_full).map(|entry| entry.id.to_string());
    let page = AuditPage {
        shell: Shell::of(&visit, "Audit log"),
        rows: rows(&visit, &entries, &merchants).await?,
        older: last.map(|last| visit.with_query("before", Some(&last))),
        newest: before.map(|_| visit.with_query("before", None)),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
