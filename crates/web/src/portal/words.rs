//! Words and figures that both desks show alike.

use domain::money::{Currency, sum_to_decimal_text};
use domain::payment::{Payment, State};
use domain::payment_filter::StateGroup;
use domain::time::Timestamp;

/// A state as a pill shows it: its class, its icon and its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pill {
    /// `ok`, `bad`, `wait`, `warn` or `off`.
    pub(crate) class: &'static str,
    /// The icon's name.
    pub(crate) icon: &'static str,
    /// The word.
    pub(crate) text: &'static str,
}

/// A pill of these.
pub(crate) const fn pill(class: &'static str, icon: &'static str, text: &'static str) -> Pill {
    Pill { class, icon, text }
}

/// Where a payment stands.
pub(crate) fn payment_pill(payment: &Payment) -> Pill {
    match StateGroup::of(&payment.state) {
        StateGroup::Approved => pill("ok", "check", "Approved"),
        StateGroup::Refunded => match payment.state.taken() {
            Some(taken) if taken.left_minor() == 0 => pill("off", "refund", "Refunded"),
            Some(_) | None => pill("warn", "refund", "Partly refunded"),
        },
        StateGroup::Authorised => pill("wait", "clock", "Authorised"),
        StateGroup::Open => pill("wait", "clock", "Waiting"),
        StateGroup::AtBank if matches!(payment.state, State::Unknown(_)) => {
            pill("warn", "warning", "Not known yet")
        }
        StateGroup::AtBank => pill("wait", "bank", "At the bank"),
        StateGroup::Declined => pill("bad", "cross", "Declined"),
        StateGroup::Ended => ended_pill(&payment.state),
    }
}

fn ended_pill(state: &State) -> Pill {
    if matches!(state, State::Expired { .. }) {
        pill("off", "clock", "Expired")
    } else if matches!(state, State::Cancelled { .. }) {
        pill("off", "cross", "Cancelled")
    } else if matches!(state, State::Reversed { .. }) {
        pill("off", "refund", "Reversed")
    } else {
        pill("bad", "cross", "Failed")
    }
}

/// A sum of minor units with its currency, digits in groups of three.
pub(crate) fn amount(minor: i64, currency: Currency) -> String {
    let text = sum_to_decimal_text(minor, currency);
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |rest| ("\u{2212}", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let grouped = grouped(whole);
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction}\u{a0}{}", currency.code())
}

/// A count with its digits in groups of three.
pub(crate) fn count(number: i64) -> String {
    let sign = if number < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

fn grouped(digits: &str) -> String {
    let length = digits.len();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && length.saturating_sub(place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment as people read it: `2026-11-30 23:59:59 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let mut text = at.to_page_text();
    text.truncate(19);
    format!("{text} UTC")
}

/// A share in tenths of a per cent, as `97.3 %`; a dash where there is nothing to share.
pub(crate) fn share(part: i64, whole: i64) -> String {
    let Some(tenths) = part.checked_mul(1000).and_then(|part| part.checked_div(whole)) else {
        return "\u{2013}".to_owned();
    };
    format!("{}.{}\u{a0}%", tenths.div_euclid(10), tenths.rem_euclid(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped() {
        let of = |minor, code| amount(minor, Currency::from_code(code).unwrap());
        assert_eq!(of(123_456_789, "USD"), "1,234,567.89\u{a0}USD");
        assert_eq!(of(-5, "USD"), "\u{2212}0.05\u{a0}USD");
        assert_eq!(of(1000, "JPY"), "1,000\u{a0}JPY");
        assert_eq!(of(i64::MIN + 1, "BHD"), "\u{2212}9,223,372,036,854,775.807\u{a0}BHD");
        assert_eq!(count(0), "0");
        assert_eq!(count(-1_234_567), "\u{2212}1,234,567");
        assert_eq!(share(973, 1000), "97.3\u{a0}%");
        assert_eq!(share(0, 0), "\u{2013}");
    }
}
