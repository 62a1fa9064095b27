//! The first page: what needs an operator today.

use super::parts::Merchants;
use super::terminals::waits;
use super::unknown::open_calls;
use super::users::{AuditRow, rows as audit_rows};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::portal::words::{amount, count, share};
use askama::Template;
use domain::endpoint::EndpointState;
use domain::id::MerchantId;
use domain::money::Currency;
use domain::summary::Day;
use domain::terminal::Mode;
use domain::user::Permission;
use engine::summary::Summary;
use http::StatusCode;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

pub(super) fn routes() -> Vec<Route> {
    vec![get(Room::Office, "/office", Permission::Office, today)]
}

/// Payments at banks that are looked at; the oldest, which matter most, come first.
const AT_BANK: u32 = 200;
/// Lines of the audit log that are shown.
const LINES: u32 = 8;
/// Items of a kind that are named one by one.
const NAMED: usize = 5;
/// Merchants whose figures are put together. Each is counted for itself in the background.
const COUNTED: usize = 40;

/// Something to do: how many, and where.
struct Item {
    class: &'static str,
    icon: &'static str,
    title: String,
    about: String,
    href: String,
    action: &'static str,
}

struct Money {
    mode: &'static str,
    payments: String,
    approved: String,
    share: String,
    taken: String,
}

#[derive(Template)]
#[template(path = "office/today.html")]
struct TodayPage {
    shell: Shell,
    items: Vec<Item>,
    figures: Vec<Money>,
    counted: usize,
    is_partial: bool,
    not_counted: usize,
    audit: Vec<AuditRow>,
    has_merchants: bool,
}

/// `GET /office`
async fn today(visit: Visit) -> Outcome {
    let gateway = &visit.app.gateway;
    let merchants = Merchants::load(&visit).await?;
    let all: Vec<MerchantId> = merchants.all().map(|one| one.id).collect();
    let counted: Vec<MerchantId> = all.iter().copied().take(COUNTED).collect();
    // At once: figures may be waited for.
    let (items, (summaries, not_counted), entries) = tokio::join!(
        items(&visit, &merchants),
        summaries(&visit, &counted),
        gateway.audit_log(visit.actor(), None, LINES),
    );
    let (items, entries) = (items?, entries?);
    let day = Day::of(gateway.clock().now());
    let page = TodayPage {
        shell: Shell::of(&visit, "Today"),
        items,
        figures: [Mode::Live, Mode::Test].map(|mode| money(&summaries, mode, day)).into(),
        counted: counted.len(),
        is_partial: all.len() > COUNTED,
        not_counted,
        audit: audit_rows(&visit, &entries, &merchants).await?,
        has_merchants: !all.is_empty(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn plural(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

fn named(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    text
}

async fn items(
    visit: &Visit,
    merchants: &Merchants,
) -> Result<Vec<Item>, crate::desk::trouble::Trouble> {
    let gateway = &visit.app.gateway;
    let mut items = Vec::new();
    let mut add = |class, icon, title: String, about: String, (path, action)| {
        items.push(Item { class, icon, title, about, href: visit.href(path), action });
    };
    let (calls, _more) = open_calls(visit, AT_BANK).await?;
    let needing = calls.iter().filter(|call| call.needs_operator).count();
    if needing > 0 {
        let about = "The bank has not told for half an hour. Ask it by other means.".to_owned();
        let title = plural(needing, "unknown outcome", "unknown outcomes");
        add("bad", "warning", title, about, ("/office/unknown", "Resolve"));
    }
    let terminals = gateway.terminals(visit.actor()).await?;
    let waiting: Vec<String> =
        terminals.iter().filter(|one| waits(one)).map(|one| one.name.clone()).collect();
    if !waiting.is_empty() {
        let title = plural(waiting.len(), "terminal to approve", "terminals to approve");
        add(
            "warn",
            "terminal",
            title,
            named(&waiting),
            ("/office/terminals?state=waiting", "Look"),
        );
    }
    let review: Vec<String> = merchants
        .all()
        .filter(|one| one.active && !one.approved)
        .map(|one| one.name.clone())
        .collect();
    if !review.is_empty() {
        let title = plural(review.len(), "merchant in review", "merchants in review");
        add("warn", "merchants", title, named(&review), ("/office/merchants?state=review", "Look"));
    }
    let endpoints = gateway.endpoints(visit.actor()).await?;
    let failed: Vec<String> = endpoints
        .iter()
        .filter(|one| one.state == EndpointState::Failed)
        .map(|one| format!("{} ({})", one.url.origin(), merchants.name(one.merchant)))
        .collect();
    if !failed.is_empty() {
        let title = plural(failed.len(), "webhook endpoint is off", "webhook endpoints are off");
        let about = format!("Failed for five days: {}. Tell the merchants.", named(&failed));
        add("warn", "webhook", title, about, ("/office/merchants", "Merchants"));
    }
    let backlog = gateway.backlog().await?;
    if let Some(since) = backlog.oldest_due {
        let waited = gateway.clock().now().since(since);
        if waited.as_secs() >= 60 {
            let due = usize::try_from(backlog.due).unwrap_or(usize::MAX);
            let paused = usize::try_from(gateway.delivery_figures().paused).unwrap_or(usize::MAX);
            let mut about = format!("The oldest is due for {}.", super::parts::lasted(waited));
            if paused > 0 {
                let who = plural(paused, "receiver fails and is", "receivers fail and are");
                about = format!("{about} {who} left alone for a while.");
            }
            let title = plural(due, "webhook is late", "webhooks are late");
            add("warn", "clock", title, about, ("/office/health", "See health"));
        }
    }
    Ok(items)
}

/// Figures of these merchants as they were counted last, and how many are not counted yet. All are
/// asked for at once: a page waits for none longer than for one.
async fn summaries(visit: &Visit, of: &[MerchantId]) -> (Vec<(Mode, Arc<Summary>)>, usize) {
    let mut asking = JoinSet::new();
    for merchant in of {
        for mode in [Mode::Live, Mode::Test] {
            let (gateway, actor, merchant) =
                (Arc::clone(&visit.app.gateway), visit.actor(), *merchant);
            asking.spawn(async move { (mode, gateway.summary(actor, merchant, mode).await) });
        }
    }
    let (mut found, mut missing) = (Vec::new(), 0_usize);
    while let Some(answer) = asking.join_next().await {
        match answer {
            Ok((mode, Some(summary))) => found.push((mode, summary)),
            Ok((_, None)) | Err(_) => missing = missing.saturating_add(1),
        }
    }
    (found, missing)
}

fn money(summaries: &[(Mode, Arc<Summary>)], mode: Mode, day: Day) -> Money {
    let own = summaries.iter().filter(|(of, _)| *of == mode);
    let sums = own.flat_map(|(_, summary)| &summary.payments).filter(|sum| sum.day == day);
    let (mut payments, mut approved) = (0_i64, 0_i64);
    let mut taken: BTreeMap<Currency, i64> = BTreeMap::new();
    for sum in sums {
        payments = payments.saturating_add(sum.count);
        if sum.captured_minor > 0 {
            approved = approved.saturating_add(sum.count);
            let total = taken.entry(sum.currency).or_default();
            *total = total.saturating_add(sum.captured_minor);
        }
    }
    let taken: Vec<String> =
        taken.into_iter().map(|(currency, minor)| amount(minor, currency)).collect();
    Money {
        mode: match mode {
            Mode::Live => "Live",
            Mode::Test => "Test",
        },
        payments: count(payments),
        approved: count(approved),
        share: share(approved, payments),
        taken: if taken.is_empty() { "\u{2013}".to_owned() } else { taken.join(", ") },
    }
}
