//! What the merchant's servers called, and with which errors.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::{Pill, pill};
use askama::Template;
use domain::api_call::{ApiCall, CallFilter, CallPlace};
use domain::id::TerminalNumber;
use domain::time::Timestamp;
use domain::user::Permission;
use engine::search::Page;
use http::StatusCode;

/// Calls on a page.
const PAGE: u32 = 25;
/// Most characters of a request's id.
const ID_MOST: usize = 128;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Portal, "/portal/{mode}/api-log", Permission::CallLog, list)]
}

/// What was wrong, with the number that the reference explains.
struct Mistake {
    href: String,
    number: String,
    field: String,
}

struct Row {
    at: At,
    action: &'static str,
    terminal: (String, TerminalNumber),
    pill: Pill,
    status: u16,
    mistakes: Vec<Mistake>,
    request_id: String,
    payment: Option<(String, String)>,
    took_ms: u128,
    caller: String,
}

#[derive(Template)]
#[template(path = "portal/api_log.html")]
struct CallsPage {
    shell: Shell,
    log_href: String,
    console_href: Option<String>,
    request_id: String,
    problem: Option<&'static str>,
    refused_only: bool,
    is_first: bool,
    rows: Vec<Row>,
    /// The page is not full, but not all was looked at.
    goes_on: bool,
    newest_href: String,
    older_href: Option<String>,
}

/// `GET /portal/{mode}/api-log`
async fn list(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let mut own = visit.app.gateway.terminals(visit.actor()).await?;
    own.retain(|terminal| terminal.mode == mode);
    let request_id = visit.asked("request");
    let too_long = request_id.as_ref().is_some_and(|id| id.chars().count() > ID_MOST);
    let before = visit.asked("before").and_then(|text| place(&text));
    let filter = CallFilter {
        request_id: request_id.clone(),
        refused_only: visit.asked("refused").is_some(),
        terminals: own.iter().map(|terminal| terminal.number).collect(),
    };
    // Without terminals of this mode the filter would let those of the other mode through.
    let found = if filter.terminals.is_empty() || too_long {
        Page { found: Vec::new(), next: None, stopped: false }
    } else {
        let of = (visit.merchant_id()?, &filter);
        visit.app.gateway.search_calls(visit.actor(), of, before, PAGE).await?
    };
    let older = found.next.map(place_text);
    let console = visit.may(Permission::Console).then(|| visit.in_mode("/developers/console"));
    let page = CallsPage {
        shell: Shell::of(&visit, "API log"),
        log_href: visit.in_mode("/api-log"),
        console_href: console,
        request_id: request_id.unwrap_or_default(),
        problem: too_long.then_some("Request id must be at most 128 characters."),
        refused_only: filter.refused_only,
        is_first: before.is_none(),
        goes_on: found.stopped,
        rows: found.found.into_iter().map(|call| row(&visit, call)).collect(),
        newest_href: visit.with_query("before", None),
        older_href: older.map(|older| visit.with_query("before", Some(&older))),
    };
    let status = if too_long { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(desk_page(&visit.app, status, &page))
}

fn row(visit: &Visit, call: ApiCall) -> Row {
    let pill = match call.status {
        200..=299 => pill("ok", "check", "Done"),
        500..=599 => pill("bad", "warning", "Failed"),
        _ => pill("warn", "cross", "Refused"),
    };
    let payment = call
        .payment
        .map(|payment| (visit.in_mode(&format!("/payments/{payment}")), payment.to_string()));
    let terminal = visit.in_mode(&format!("/terminals/{}", call.terminal));
    Row {
        at: At::of(call.at),
        action: title_of(call.action),
        terminal: (terminal, call.terminal),
        pill,
        status: call.status,
        mistakes: call.error.as_deref().map(|text| mistakes(visit, text)).unwrap_or_default(),
        request_id: call.request_id,
        payment,
        took_ms: call.took.as_millis(),
        caller: call.caller.unwrap_or_else(|| "Not known".to_owned()),
    }
}

fn title_of(action: &'static str) -> &'static str {
    match action {
        "create_payment" => "Create a payment",
        "show_status" => "Status query",
        "refund" => "Refund",
        "balance" => "Balance",
        "webhooks" => "Webhook calls",
        other => other,
    }
}

/// `2003 bill_amt, 1040 reference`, each with a link to what its number means.
fn mistakes(visit: &Visit, text: &str) -> Vec<Mistake> {
    let one = |text: &str| {
        let (number, field) = text.split_once(' ').unwrap_or((text, ""));
        Mistake {
            href: visit.href(&format!("/developers/errors#error-{number}")),
            number: number.to_owned(),
            field: field.to_owned(),
        }
    };
    text.split(", ").filter(|one| !one.is_empty()).map(one).collect()
}

fn place_text(place: CallPlace) -> String {
    format!("{}.{}", place.at.micros(), place.number)
}

fn place(text: &str) -> Option<CallPlace> {
    let (at, number) = text.split_once('.')?;
    Some(CallPlace { at: Timestamp::from_micros(at.parse().ok()?), number: number.parse().ok()? })
}
