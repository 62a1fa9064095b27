//! What an operator changes of a terminal. Every form has the version that it was made for, so
//! that nobody undoes what somebody else changed meanwhile without having seen it.

use super::detail::{Limits, Typed, found, show};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::reason;
use domain::method::MethodCode;
use domain::money::{Currency, parse_hundredths};
use domain::terminal::{Approval, Currencies, Settings, Terminal};
use engine::terminal::{ChangeTerminal, TerminalChanged};
use http::StatusCode;

/// Fewest characters of a reason: the merchant must know what to mend.
const REASON_LEAST: usize = 10;
const MEANWHILE: &str = "Somebody else changed this terminal meanwhile, so nothing of yours was \
                         saved. Look at it again, then repeat what is still needed.";

fn version(form: &Posted) -> Result<i64, Trouble> {
    form.parsed("version", "must be the version that the form came with")
}

async fn answered(visit: &Visit, changed: TerminalChanged, typed: Typed, notice: &str) -> Outcome {
    match changed {
        TerminalChanged::Done(terminal) => {
            let path = visit.href(&format!("/office/terminals/{}", terminal.number));
            Ok(visit.see_other(&path, notice))
        }
        TerminalChanged::Unknown => Err(Trouble::NotFound),
        TerminalChanged::OtherVersion(_) => {
            let terminal = found(visit).await?;
            let typed = Typed { conflict: MEANWHILE.to_owned(), limits: None, ..typed };
            show(visit, &terminal, StatusCode::CONFLICT, typed).await
        }
    }
}

async fn set(
    visit: &Visit,
    terminal: Terminal,
    version: i64,
    settings: Settings,
    notice: &str,
) -> Outcome {
    let change = (terminal.name, settings);
    let set = visit.app.gateway.set_terminal(visit.actor(), terminal.number, version, change);
    let changed = set.await?;
    answered(visit, changed, Typed::default(), notice).await
}

/// `POST /office/terminals/{terminal}/approval`
pub(super) async fn approval(visit: Visit, form: Posted) -> Outcome {
    let terminal = found(&visit).await?;
    let version = version(&form)?;
    let mut settings = terminal.settings.clone();
    match &*form.text("verdict") {
        "approve" => {
            let merchant = visit.app.gateway.merchant(visit.actor(), terminal.merchant).await?;
            if !merchant.is_some_and(|one| one.approved) {
                let conflict = "Approve the merchant first: a terminal cannot be approved while \
                                its merchant is in review."
                    .to_owned();
                let typed = Typed { conflict, ..Typed::default() };
                return show(&visit, &terminal, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
            }
            settings.approval = Approval::Approved;
            set(&visit, terminal, version, settings, "approved").await
        }
        "refuse" => match reason(&form.text("reason"), REASON_LEAST) {
            Ok(reason) => {
                settings.approval = Approval::Refused { reason };
                set(&visit, terminal, version, settings, "refused").await
            }
            Err(reason_error) => {
                let typed = Typed { reason: form.text("reason"), reason_error, ..Typed::default() };
                show(&visit, &terminal, StatusCode::UNPROCESSABLE_ENTITY, typed).await
            }
        },
        _ => Err(Trouble::Field("verdict", "must be approve or refuse".to_owned())),
    }
}

/// An amount that may be left out, in hundredths of whatever currency.
fn limit(text: &str) -> Result<Option<i64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || "Write an amount as 10.00, or nothing for no limit.".to_owned();
    parse_hundredths(text).map(Some).map_err(|_form| wrong())
}

fn currencies(text: &str) -> Result<Currencies, String> {
    let words = text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
    let mut list: Vec<Currency> = Vec::new();
    for word in words {
        match Currency::from_code(&word.to_uppercase()) {
            Ok(currency) if list.contains(&currency) => {}
            Ok(currency) => list.push(currency),
            Err(_unknown) => {
                return Err(format!("{word} is no currency. Write codes as USD, INR."));
            }
        }
    }
    Ok(if list.is_empty() { Currencies::All } else { Currencies::Only(list) })
}

/// What the form says, and the settings that it makes of those before.
fn read_limits(form: &Posted, before: &Settings) -> (Limits, Settings) {
    let mut settings = before.clone();
    let mut limits = Limits {
        smallest: form.text("smallest"),
        largest: form.text("largest"),
        currencies: form.text("currencies"),
        ..Limits::default()
    };
    for code in form.all("methods") {
        match MethodCode::from_code(code) {
            Some(method) if limits.methods.contains(&method) => {}
            Some(method) => limits.methods.push(method),
            None => "There is no such method.".clone_into(&mut limits.methods_error),
        }
    }
    if limits.methods.is_empty() && limits.methods_error.is_empty() {
        "Leave at least one method on, or switch the terminal off."
            .clone_into(&mut limits.methods_error);
    }
    settings.methods.clone_from(&limits.methods);
    match limit(&limits.smallest) {
        Ok(smallest) => settings.smallest_hundredths = smallest,
        Err(error) => limits.smallest_error = error,
    }
    match limit(&limits.largest) {
        Ok(largest) => settings.largest_hundredths = largest,
        Err(error) => limits.largest_error = error,
    }
    let (smallest, largest) = (settings.smallest_hundredths, settings.largest_hundredths);
    let upside_down = smallest.zip(largest).is_some_and(|(least, most)| least > most);
    if upside_down && limits.largest_error.is_empty() {
        "It must not be below the smallest amount.".clone_into(&mut limits.largest_error);
    }
    match currencies(&limits.currencies) {
        Ok(currencies) => settings.currencies = currencies,
        Err(error) => limits.currencies_error = error,
    }
    (limits, settings)
}

/// `POST /office/terminals/{terminal}/limits`
pub(super) async fn limits(visit: Visit, form: Posted) -> Outcome {
    let terminal = found(&visit).await?;
    let version = version(&form)?;
    let (limits, settings) = read_limits(&form, &terminal.settings);
    if !limits.is_well() {
        let typed = Typed { limits: Some(limits), ..Typed::default() };
        return show(&visit, &terminal, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
    }
    set(&visit, terminal, version, settings, "saved").await
}

/// `POST /office/terminals/{terminal}/active`
pub(super) async fn activate(visit: Visit, form: Posted) -> Outcome {
    let terminal = found(&visit).await?;
    let (active, notice) = match &*form.text("to") {
        "on" => (true, "terminal-on"),
        "off" => (false, "terminal-off"),
        _ => return Err(Trouble::Field("to", "must be on or off".to_owned())),
    };
    let change = ChangeTerminal {
        active: Some(active),
        expected_version: Some(version(&form)?),
        ..ChangeTerminal::default()
    };
    let gateway = &visit.app.gateway;
    let changed = gateway.change_terminal(visit.actor(), terminal.number, change).await?;
    answered(&visit, changed, Typed::default(), notice).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_typed() {
        assert_eq!(limit(""), Ok(None));
        assert_eq!(limit("10"), Ok(Some(1000)));
        assert_eq!(limit("0.5"), Ok(Some(50)));
        for bad in ["-1", "1e3", "10.000", "ten", "999999999"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
        assert_eq!(currencies(" "), Ok(Currencies::All));
        let [usd, inr] = ["USD", "INR"].map(|code| Currency::from_code(code).unwrap());
        assert_eq!(currencies("usd, INR usd"), Ok(Currencies::Only(vec![usd, inr])));
        assert!(currencies("USD, XXY").is_err());
    }
}
