//! The list of payments, searched in steps.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{
    Choice, Merchants, PaymentRow, ROWS, choices, merchant_choices, mode_choices,
};
use crate::portal::words::count;
use askama::Template;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::payment_filter::{PaymentFilter, PaymentSearch, StateGroup};
use domain::summary::Day;
use domain::terminal::Mode;
use domain::time::Timestamp;
use engine::search::Found;
use http::StatusCode;

/// What is looked for, as the address says it.
#[derive(Default)]
struct Asked {
    search: PaymentSearch,
    merchant: Option<MerchantId>,
    before: Option<PaymentId>,
    terminal_error: &'static str,
    from_error: &'static str,
    until_error: &'static str,
}

const DAY: &str = "Give a day, as 2026-01-31.";

impl Asked {
    /// Reads the query. What cannot be read is told beside its field, and nothing is looked for.
    fn of(visit: &Visit) -> Result<Self, Trouble> {
        let mut asked = Self::default();
        let filter = &mut asked.search.filter;
        if let Some(text) = visit.asked("terminal") {
            match text.parse() {
                Ok(number) => filter.terminal = Some(TerminalNumber(number)),
                Err(_form) => asked.terminal_error = "Give a terminal's number, as 42.",
            }
        }
        if let Some(text) = visit.asked("from") {
            filter.from = Timestamp::of_day(&text);
            asked.from_error = if filter.from.is_some() { "" } else { DAY };
        }
        if let Some(text) = visit.asked("until") {
            filter.until = Timestamp::of_day(&text).map(|at| Day::of(at).plus(1).begins());
            asked.until_error = if filter.until.is_some() { "" } else { DAY };
        }
        filter.mode = visit.asked("mode").and_then(|word| Mode::from_name(&word));
        asked.search.text = visit.asked("q").map(|text| text.chars().take(100).collect());
        asked.search.group = visit.asked("state").and_then(|word| StateGroup::from_name(&word));
        asked.merchant = visit.asked("merchant").and_then(|text| text.parse().ok()).map(MerchantId);
        if let Some(text) = visit.asked("before") {
            asked.before = Some(text.parse().map_err(|_form| Trouble::NotFound)?);
        }
        Ok(asked)
    }

    const fn is_readable(&self) -> bool {
        self.terminal_error.is_empty() && self.from_error.is_empty() && self.until_error.is_empty()
    }

    /// Whether any payment could be in the list.
    fn is_open(&self) -> bool {
        let filter = &self.search.filter;
        self.search.lets_everything_through()
            && *filter == PaymentFilter::default()
            && self.merchant.is_none()
            && self.before.is_none()
    }
}

#[derive(Template)]
#[template(path = "office/payments.html")]
struct ListPage {
    shell: Shell,
    q: String,
    terminal: String,
    from: String,
    until: String,
    terminal_error: &'static str,
    from_error: &'static str,
    until_error: &'static str,
    merchants: Vec<Choice>,
    modes: Vec<Choice>,
    states: Vec<Choice>,
    rows: Vec<PaymentRow>,
    announce: String,
    looked_at: String,
    /// Nothing was found yet, and there is more to look at.
    goes_on: bool,
    older: Option<String>,
    newest: Option<String>,
    is_open: bool,
}

/// `GET /office/payments`
pub(super) async fn list(visit: Visit) -> Outcome {
    let asked = Asked::of(&visit)?;
    let merchants = Merchants::load(&visit).await?;
    let found = if asked.is_readable() {
        let actor = match asked.merchant {
            Some(merchant) => visit.actor().narrowed_to(merchant),
            None => visit.actor(),
        };
        visit.app.gateway.search_payments(actor, &asked.search, asked.before, ROWS).await?
    } else {
        Found::default()
    };
    let text = |name: &str| visit.asked(name).unwrap_or_default();
    let rows: Vec<PaymentRow> =
        found.payments.iter().map(|payment| PaymentRow::of(payment, &merchants)).collect();
    let mode = asked.search.filter.mode;
    let groups = StateGroup::ALL.map(|group| (group.name(), group.title()));
    let group = asked.search.group.map(StateGroup::name);
    let more = found.next.map(|next| visit.with_query("before", Some(&next.to_string())));
    let status =
        if asked.is_readable() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ListPage {
        shell: Shell::of(&visit, "Payments"),
        q: text("q"),
        terminal: text("terminal"),
        from: text("from"),
        until: text("until"),
        terminal_error: asked.terminal_error,
        from_error: asked.from_error,
        until_error: asked.until_error,
        merchants: merchant_choices(&merchants, asked.merchant),
        modes: mode_choices(mode),
        states: choices(groups, group),
        announce: if rows.len() == 1 {
            "1 payment".to_owned()
        } else {
            format!("{} payments", rows.len())
        },
        looked_at: count(i64::try_from(found.looked_at).unwrap_or(i64::MAX)),
        goes_on: found.stopped && rows.is_empty(),
        rows,
        older: more,
        newest: asked.before.map(|_| visit.with_query("before", None)),
        is_open: asked.is_open(),
    };
    Ok(desk_page(&visit.app, status, &page))
}
