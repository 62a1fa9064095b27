//! What the books say, by day and currency.

mod day;
#[cfg(test)]
mod tests;

use super::words::{amount, count, moment};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::{Outcome, Room, Route, get};
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use askama::Template;
use domain::ledger::{Account, Side};
use domain::money::Currency;
use domain::summary::{Day, PostingSum};
use domain::time::Timestamp;
use domain::user::Permission;
use engine::balance::{Statement, statements};
use http::StatusCode;
use std::collections::BTreeMap;

/// Days that the table shows at once.
const DAYS: usize = 31;

pub(super) fn routes() -> Vec<Route> {
    use Permission as P;
    let room = Room::Portal;
    vec![
        get(room, "/portal/{mode}/balance", P::See, balance),
        get(room, "/portal/{mode}/balance/{currency}/{day}", P::See, day::day),
        get(room, "/portal/{mode}/balance/{currency}/{day}/postings.csv", P::Export, day::export),
    ]
}

/// An account as people read it.
pub(in crate::portal) const fn account_title(account: Account) -> &'static str {
    match account {
        Account::BankReceivable => "Due from banks",
        Account::MerchantPayable => "Sales",
        Account::Refunds => "Refunds",
        Account::Fees => "Fees",
    }
}

/// What it is.
const fn account_means(account: Account) -> &'static str {
    match account {
        Account::BankReceivable => "What banks took from customers and have not paid out",
        Account::MerchantPayable => "What you are owed for sales",
        Account::Refunds => "What went back to customers",
        Account::Fees => "What you are charged",
    }
}

/// On the side on which the account grows.
const fn on_its_side(account: Account, amount_minor: i64) -> i64 {
    match account.side() {
        Side::Debit => amount_minor,
        Side::Credit => amount_minor.saturating_neg(),
    }
}

struct Tab {
    text: &'static str,
    href: String,
    is_here: bool,
}

struct AccountRow {
    title: &'static str,
    means: &'static str,
    amount: String,
    postings: String,
}

struct DayRow {
    day: String,
    href: String,
    sales: String,
    refunds: String,
    fees: String,
    net: String,
    postings: String,
}

#[derive(Template)]
#[template(path = "portal/balance.html")]
struct BalancePage {
    shell: Shell,
    here: String,
    is_counted: bool,
    counted_at: String,
    counted_at_text: String,
    currencies: Vec<Tab>,
    currency: &'static str,
    owed: String,
    accounts: Vec<AccountRow>,
    days: Vec<DayRow>,
    is_first: bool,
    newest: String,
    older: Option<String>,
    overview: String,
}

/// `GET /portal/{mode}/balance`
async fn balance(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let merchant = visit.merchant_id()?;
    let before = before(&visit)?;
    let summary = visit.app.gateway.summary(visit.actor(), merchant, mode).await;
    let all = summary.as_ref().map(|one| statements(one.balances(merchant, mode)));
    let all = all.unwrap_or_default();
    let statement = chosen(&visit, &all);
    let currency = statement.map(|one| one.currency);
    let mut days = match (&summary, currency) {
        (Some(summary), Some(currency)) => days(&visit, &summary.postings, currency, before),
        _ => Vec::new(),
    };
    let has_older = days.len() > DAYS;
    days.truncate(DAYS);
    let older = days.last().filter(|_| has_older);
    let older = older.map(|last| visit.with_query("before", Some(&last.day)));
    let tab = |one: &Statement| Tab {
        text: one.currency.code(),
        href: format!("{}?currency={}", visit.in_mode("/balance"), one.currency.code()),
        is_here: Some(one.currency) == currency,
    };
    let page = BalancePage {
        shell: Shell::of(&visit, "Balance"),
        here: visit.with_query("", None),
        is_counted: summary.is_some(),
        counted_at: summary.as_ref().map(|one| one.counted_at.to_rfc3339()).unwrap_or_default(),
        counted_at_text: summary.as_ref().map(|one| moment(one.counted_at)).unwrap_or_default(),
        currencies: all.iter().map(tab).collect(),
        currency: currency.map_or("", Currency::code),
        owed: statement.map(|one| amount(one.owed_minor, one.currency)).unwrap_or_default(),
        accounts: statement.map(accounts).unwrap_or_default(),
        days,
        is_first: before.is_none(),
        newest: visit.with_query("before", None),
        older,
        overview: visit.in_mode(""),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

/// The day that the table goes on after.
fn before(visit: &Visit) -> Result<Option<Day>, Trouble> {
    let Some(text) = visit.asked("before") else { return Ok(None) };
    let day = Timestamp::of_day(&text).map(Day::of);
    let form = "must be a day, as 2026-11-30".to_owned();
    day.map(Some).ok_or(Trouble::Field("before", form))
}

/// The currency that was asked for, else the one with the most postings.
fn chosen<'a>(visit: &Visit, all: &'a [Statement]) -> Option<&'a Statement> {
    let asked = visit.asked("currency");
    let asked = asked
        .and_then(|code| all.iter().find(|one| one.currency.code().eq_ignore_ascii_case(&code)));
    let postings = |one: &&Statement| {
        one.accounts.iter().fold(0_u64, |all, account| all.saturating_add(account.postings))
    };
    asked.or_else(|| all.iter().max_by_key(postings))
}

fn accounts(statement: &Statement) -> Vec<AccountRow> {
    let row = |balance: &domain::ledger::Balance| AccountRow {
        title: account_title(balance.account),
        means: account_means(balance.account),
        amount: amount(balance.on_its_side_minor(), balance.currency),
        postings: match balance.postings {
            1 => "1 posting".to_owned(),
            more => format!("{} postings", count(i64::try_from(more).unwrap_or(i64::MAX))),
        },
    };
    statement.accounts.iter().map(row).collect()
}

/// Days with postings, the newest first, one more than are shown.
fn days(
    visit: &Visit,
    postings: &[PostingSum],
    currency: Currency,
    before: Option<Day>,
) -> Vec<DayRow> {
    let mut days: BTreeMap<Day, BTreeMap<Account, (i64, i64)>> = BTreeMap::new();
    let wanted = postings.iter().filter(|sum| sum.currency == currency);
    for sum in wanted.filter(|sum| before.is_none_or(|before| sum.day < before)) {
        let (minor, number) = days.entry(sum.day).or_default().entry(sum.account).or_default();
        *minor = minor.saturating_add(on_its_side(sum.account, sum.amount_minor));
        *number = number.saturating_add(sum.postings);
    }
    let row = |(day, sums): (Day, BTreeMap<Account, (i64, i64)>)| {
        let of = |account| sums.get(&account).map_or(0, |(minor, _)| *minor);
        let [sales, refunds, fees] =
            [Account::MerchantPayable, Account::Refunds, Account::Fees].map(of);
        let net = sales.saturating_sub(refunds).saturating_sub(fees);
        let number = sums.values().fold(0_i64, |all, (_, more)| all.saturating_add(*more));
        let text = day.text();
        DayRow {
            href: visit.in_mode(&format!("/balance/{currency}/{text}")),
            day: text,
            sales: amount(sales, currency),
            refunds: amount(refunds, currency),
            fees: amount(fees, currency),
            net: amount(net, currency),
            postings: count(number),
        }
    };
    days.into_iter().rev().take(DAYS.saturating_add(1)).map(row).collect()
}
