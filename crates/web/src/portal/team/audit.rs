//! Who did what: the merchant's own lines of the audit log.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::{Pill, pill};
use askama::Template;
use domain::user::UserId;
use engine::ports::AuditEntry;
use http::StatusCode;
use std::collections::BTreeMap;

/// Lines on a page.
const PAGE: usize = 50;

struct Row {
    at: At,
    who: String,
    action: String,
    pill: Pill,
    terminal: Option<String>,
    detail: String,
    caller: String,
    request_id: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<Row>,
    is_first: bool,
    newest_href: String,
    older_href: Option<String>,
}

/// `GET /portal/audit`
pub(super) async fn list(visit: Visit) -> Outcome {
    let before = visit.asked("before").and_then(|text| text.parse().ok());
    let most = u32::try_from(PAGE.saturating_add(1)).unwrap_or(u32::MAX);
    let mut lines = visit.app.gateway.audit_log(visit.actor(), before, most).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let names = visit.app.gateway.user_names(visit.actor(), visit.merchant_id()?).await?;
    let older = lines.last().filter(|_| more).map(|last| last.id.to_string());
    let page = AuditPage {
        shell: Shell::of(&visit, "Audit log"),
        rows: lines.into_iter().map(|line| row(line, &names)).collect(),
        is_first: before.is_none(),
        newest_href: visit.href("/portal/audit"),
        older_href: older.map(|older| visit.with_query("before", Some(&older))),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn row(line: AuditEntry, names: &BTreeMap<UserId, String>) -> Row {
    let who = match (line.user, line.terminal) {
        // Who is not the merchant's works for the gateway.
        (Some(user), _) => {
            names.get(&user).cloned().unwrap_or_else(|| "The gateway\u{2019}s operator".to_owned())
        }
        (None, Some(terminal)) if line.actor == "terminal" => {
            format!("Server with the key of terminal {terminal}")
        }
        (None, _) => match line.actor.as_str() {
            "terminal" => "A server of yours".to_owned(),
            "operator" => "The gateway\u{2019}s operator".to_owned(),
            "worker" => "The gateway itself".to_owned(),
            "holder" => "The customer, or somebody signed out".to_owned(),
            "bank" => "The bank".to_owned(),
            other => other.to_owned(),
        },
    };
    Row {
        at: At::of(line.at),
        who,
        action: action_in_words(&line.action),
        pill: if line.result == "done" {
            pill("ok", "check", "Done")
        } else {
            pill("bad", "cross", "Refused")
        },
        terminal: line.terminal.map(|number| number.to_string()),
        detail: with_names(line.detail, names),
        caller: line.caller.unwrap_or_default(),
        request_id: line.request_id,
    }
}

/// `user 17 as admin` with the user's name.
fn with_names(detail: String, names: &BTreeMap<UserId, String>) -> String {
    let Some(rest) = detail.strip_prefix("user ") else { return detail };
    let (number, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let name = number.parse().ok().and_then(|number| names.get(&UserId(number)));
    match name {
        Some(name) => format!("{name} {after}").trim_end().to_owned(),
        None => detail,
    }
}

/// What was done, as one would say it.
fn action_in_words(action: &str) -> String {
    let words = match action {
        "accept_invitation" => "Accept an invitation",
        "add_endpoint" => "Add an endpoint",
        "add_merchant" => "Add the merchant",
        "add_note" => "Write a note",
        "add_terminal" => "Add a terminal",
        "begin_password_reset" => "Ask for a new password",
        "capture_payment" => "Capture a payment",
        "change_endpoint" => "Change an endpoint",
        "change_merchant" => "Change the merchant",
        "change_password" => "Change the password",
        "change_role" => "Change a role",
        "change_terminal" => "Change a terminal",
        "create_payment" => "Create a payment",
        "disable_endpoint" => "Switch a failing endpoint off",
        "end_sessions" => "End sessions",
        "end_token" => "End an API token",
        "export" => "Take a list along as a file",
        "invite" => "Invite somebody",
        "make_token" => "Make an API token",
        "prove_password" => "Type the password again",
        "remove_endpoint" => "Remove an endpoint",
        "remove_user" => "Remove somebody",
        "renew_recovery_codes" => "Make new recovery codes",
        "request_refund" => "Refund",
        "resend" => "Send webhooks again",
        "reset_password" => "Set a new password",
        "rotate_endpoint_secret" => "Make a new endpoint secret",
        "rotate_keys" => "Make new keys",
        "save_view" => "Save a view",
        "send_sample" => "Send a sample webhook",
        "show_balance" => "Ask for the balance",
        "sign_in" => "Sign in",
        "sign_out" => "Sign out",
        "void_payment" => "Void a payment",
        // Of calls that are named after what they do.
        other => {
            let text = other.replace('_', " ");
            let mut letters = text.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            return format!("{}{}", first.unwrap_or_default(), letters.as_str());
        }
    };
    words.to_owned()
}
