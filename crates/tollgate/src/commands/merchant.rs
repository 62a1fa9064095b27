//! `tollgate merchant`

use crate::cli::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{pairs, table};
use crate::wire;
use clap::{Args, Subcommand};
use domain::merchant::Merchant;
use engine::Actor;
use serde::Serialize;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate merchant add --name \"Corner Shop\"
  tollgate merchant list
  tollgate merchant show 1 --json";

/// Longest name that fits on a customer's page.
const LONGEST_NAME: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a merchant; prints its number
    Add(Add),
    /// All merchants, by number
    List(List),
    /// One merchant with its terminals
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// The name that customers see
    #[arg(long, value_parser = name)]
    name: String,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The merchant's number
    number: i64,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// A merchant as scripts see it.
#[derive(Debug, Serialize)]
struct Shown {
    merchant: i64,
    name: String,
    active: bool,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminals: Option<Vec<i64>>,
}

impl Shown {
    fn of(merchant: Merchant, terminals: Option<Vec<i64>>) -> Self {
        Self {
            merchant: merchant.id.0,
            name: merchant.name,
            active: merchant.active,
            created_at: merchant.created_at.to_rfc3339(),
            terminals,
        }
    }
}

/// A name that fits on pages, in logs and in tables.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=LONGEST_NAME).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("a name has 1 to {LONGEST_NAME} printable characters"))
    }
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let gateway = wire::open(&common.settings()?).await?.gateway;
    match action {
        Action::Add(add) => {
            let output = Output::new(add.json);
            let merchant = gateway.add_merchant(Actor::Operator, &add.name).await?;
            if output.is_json() {
                return output.json_line(&Shown::of(merchant, None));
            }
            let number = merchant.id;
            output.line(&format!("added merchant {number}"))?;
            output.talk(&format!("Next: tollgate terminal add --merchant {number} --name …"));
            Ok(())
        }
        Action::List(list) => {
            let output = Output::new(list.json);
            let merchants = gateway.merchants(Actor::Operator).await?;
            print_list(output, merchants)
        }
        Action::Show(show) => {
            let output = Output::new(show.json);
            let merchants = gateway.merchants(Actor::Operator).await?;
            let found = merchants.into_iter().find(|merchant| merchant.id.0 == show.number);
            let merchant = found.ok_or_else(|| unknown(show.number))?;
            let terminals = gateway.terminals(Actor::Operator).await?;
            let own = terminals.iter().filter(|terminal| terminal.merchant == merchant.id);
            let own = own.map(|terminal| terminal.number.0).collect();
            print_one(output, Shown::of(merchant, Some(own)))
        }
    }
}

/// There is no such merchant: the answer is no.
pub(crate) fn unknown(number: i64) -> Failure {
    Failure::No(format!(
        "there is no merchant {number}; `tollgate merchant list` shows those there are"
    ))
}

fn print_list(output: Output, merchants: Vec<Merchant>) -> Result<(), Failure> {
    let shown = merchants.into_iter().map(|merchant| Shown::of(merchant, None));
    if output.is_json() {
        return shown.into_iter().try_for_each(|merchant| output.json_line(&merchant));
    }
    let rows: Vec<Vec<String>> = shown
        .map(|merchant| {
            let active = yes_or_no(merchant.active);
            vec![merchant.merchant.to_string(), merchant.name, active, merchant.created_at]
        })
        .collect();
    if rows.is_empty() {
        output.talk("There are no merchants yet: tollgate merchant add --name …");
        return Ok(());
    }
    output.text(&table(&["merchant", "name", "active", "added"], &rows))
}

fn print_one(output: Output, merchant: Shown) -> Result<(), Failure> {
    if output.is_json() {
        return output.json_line(&merchant);
    }
    let terminals: Vec<String> =
        merchant.terminals.iter().flatten().map(ToString::to_string).collect();
    let terminals = if terminals.is_empty() { "none".to_owned() } else { terminals.join(", ") };
    output.text(&pairs(&[
        ("merchant".to_owned(), merchant.merchant.to_string()),
        ("name".to_owned(), merchant.name),
        ("active".to_owned(), yes_or_no(merchant.active)),
        ("terminals".to_owned(), terminals),
        ("added".to_owned(), merchant.created_at),
    ]))
}

/// For people.
pub(crate) fn yes_or_no(yes: bool) -> String {
    if yes { "yes".to_owned() } else { "no".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_on_a_page() {
        assert_eq!(name(" Corner Shop "), Ok("Corner Shop".to_owned()));
        for bad in ["", "  ", "a\nb", "\u{1b}[2J", &"x".repeat(101)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
