//! `tollgate balance`: what the books say, as sums and as postings.

use crate::cli::Common;
use crate::csv;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use crate::wire;
use clap::Args;
use domain::id::MerchantId;
use domain::ledger::Posting;
use domain::money::sum_to_decimal_text;
use domain::time::Timestamp;
use engine::Actor;
use engine::actor::Scope;
use engine::balance::Statement;
use engine::ports::Records;
use serde::Serialize;
use std::time::Duration;

/// Postings read and written together.
const TOGETHER: u32 = 2000;
/// A day, of which `--until` takes the whole.
pub(super) const DAY: Duration = Duration::from_hours(24);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate balance
  tollgate balance --merchant 1 --json
  tollgate balance --postings --csv --since 2026-01-01 --until 2026-01-31 > january.csv

What is owed is the merchant's sales less refunds and fees. Each account stands on its own side:
bank_receivable, refunds and fees as debit, merchant_payable as credit. In --postings, debit is
positive and credit negative, and the lines of each event sum to zero.")]
pub(crate) struct Arguments {
    /// Only this merchant's
    #[arg(long, value_name = "NUMBER")]
    merchant: Option<i64>,

    /// One JSON object a line, one for each merchant, mode and currency
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Comma-separated values (RFC 4180) with a heading
    #[arg(long)]
    csv: bool,

    /// Every posting instead of sums; with --csv
    #[arg(long, requires = "csv")]
    postings: bool,

    /// Postings from this day on, as 2026-01-31 (UTC)
    #[arg(long, value_name = "DATE", requires = "postings", value_parser = day)]
    since: Option<Timestamp>,

    /// Postings up to and with this day (UTC)
    #[arg(long, value_name = "DATE", requires = "postings", value_parser = day)]
    until: Option<Timestamp>,
}

/// Accounts as scripts see them.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    merchant: i64,
    mode: &'a str,
    currency: &'a str,
    owed: String,
    owed_minor: i64,
    accounts: Vec<ShownAccount>,
}

#[derive(Debug, Serialize)]
struct ShownAccount {
    account: &'static str,
    side: &'static str,
    amount: String,
    amount_minor: i64,
    postings: u64,
}

fn day(text: &str) -> Result<Timestamp, String> {
    Timestamp::of_day(text).ok_or_else(|| "a day is written as 2026-01-31".to_owned())
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let opened = wire::open(&common.settings()?).await?;
    let gateway = &opened.gateway;
    if let Some(number) = arguments.merchant {
        let merchants = gateway.merchants(Actor::Operator).await?;
        if !merchants.iter().any(|merchant| merchant.id.0 == number) {
            return Err(super::merchant::unknown(number));
        }
    }
    if arguments.postings {
        return postings(output, &*opened.records, &arguments).await;
    }
    let mut statements = gateway.statements(Actor::Operator).await?;
    statements.retain(|one| arguments.merchant.is_none_or(|wanted| wanted == one.merchant.0));
    if arguments.csv {
        let heading = [
            "merchant",
            "mode",
            "currency",
            "account",
            "side",
            "amount",
            "amount_minor",
            "postings",
        ];
        output.text(&csv::line(&heading))?;
        return statements.iter().try_for_each(|one| output.text(&csv_lines(one)));
    }
    if output.is_json() {
        return statements.iter().try_for_each(|one| output.json_line(&shown(one)));
    }
    if statements.is_empty() {
        output.talk("Nothing is booked yet: the books begin with the first approved payment.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = statements.iter().flat_map(rows).collect();
    output.text(&table(&["merchant", "mode", "currency", "account", "amount", "postings"], &rows))
}

fn shown(statement: &Statement) -> Shown<'_> {
    let account = |balance: &domain::ledger::Balance| ShownAccount {
        account: balance.account.name(),
        side: balance.account.side().name(),
        amount: sum_to_decimal_text(balance.on_its_side_minor(), balance.currency),
        amount_minor: balance.on_its_side_minor(),
        postings: balance.postings,
    };
    Shown {
        merchant: statement.merchant.0,
        mode: statement.mode.name(),
        currency: statement.currency.code(),
        owed: sum_to_decimal_text(statement.owed_minor, statement.currency),
        owed_minor: statement.owed_minor,
        accounts: statement.accounts.iter().map(account).collect(),
    }
}

/// The accounts, and under them what is owed.
fn rows(statement: &Statement) -> Vec<Vec<String>> {
    let Shown { merchant, mode, currency, owed, accounts, .. } = shown(statement);
    let row = |account: &str, amount: String, postings: String| {
        let whose = [merchant.to_string(), mode.to_owned(), currency.to_owned()];
        whose.into_iter().chain([account.to_owned(), amount, postings]).collect()
    };
    let accounts = accounts.into_iter();
    let mut rows: Vec<Vec<String>> =
        accounts.map(|one| row(one.account, one.amount, one.postings.to_string())).collect();
    rows.push(row("owed to the merchant", owed, String::new()));
    rows
}

fn csv_lines(statement: &Statement) -> String {
    let Shown { merchant, mode, currency, accounts, .. } = shown(statement);
    let line = |one: ShownAccount| {
        csv::line(&[
            &merchant.to_string(),
            mode,
            currency,
            one.account,
            one.side,
            &one.amount,
            &one.amount_minor.to_string(),
            &one.postings.to_string(),
        ])
    };
    accounts.into_iter().map(line).collect()
}

/// Every posting, a page at a time.
async fn postings(
    output: Output,
    records: &dyn Records,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let heading = [
        "at",
        "transID",
        "event",
        "merchant",
        "mode",
        "account",
        "currency",
        "amount",
        "amount_minor",
    ];
    output.text(&csv::line(&heading))?;
    let scope =
        arguments.merchant.map_or(Scope::Everything, |one| Scope::Merchant(MerchantId(one)));
    let end = arguments.until.map(|day| day.plus(DAY));
    let wanted = |posting: &Posting| {
        arguments.since.is_none_or(|since| posting.at >= since)
            && end.is_none_or(|end| posting.at < end)
    };
    let mut after = None;
    loop {
        let page = records.postings(scope, after, TOGETHER).await;
        let page = page.map_err(|error| Failure::CouldNot(error.to_string()))?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        let lines = page.iter().map(|(_, posting)| posting).filter(|one| wanted(one));
        output.text(&lines.map(posting_line).collect::<String>())?;
    }
}

fn posting_line(posting: &Posting) -> String {
    csv::line(&[
        &posting.at.to_rfc3339(),
        &posting.payment.to_string(),
        &posting.sequence.to_string(),
        &posting.merchant.to_string(),
        posting.mode.name(),
        posting.account.name(),
        posting.currency.code(),
        &sum_to_decimal_text(posting.amount_minor, posting.currency),
        &posting.amount_minor.to_string(),
    ])
}
