//! What an overview says in figures, of the sums that were counted in the background.

use crate::desk::chart::{self, Bar};
use crate::portal::words::{amount, count, share};
use domain::method::MethodCode;
use domain::money::{Currency, sum_to_decimal_text};
use domain::outcome::DeclineReason;
use domain::summary::{Day, PaymentSum};
use engine::summary::{OVERVIEW_DAYS, Summary};
use std::collections::BTreeMap;

/// Days that one may look back; the first is what one sees unasked.
pub(super) const PERIODS: [i64; 2] = [7, 30];

/// A figure on a tile.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) number: String,
    /// `up`, `down` or nothing.
    pub(super) class: &'static str,
    /// The change, to stand out; may be empty.
    pub(super) change: String,
    pub(super) than: String,
}

/// A cell of a table, with its column's name.
pub(super) struct Cell {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// A line of a table.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// A drawing with the same as a table.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) svg: String,
    pub(super) heads: Vec<&'static str>,
    pub(super) rows: Vec<Line>,
}

/// The figures of a currency.
pub(super) struct Figures {
    pub(super) tiles: Vec<Tile>,
    pub(super) charts: Vec<Chart>,
}

/// The sums of some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) payments: i64,
    pub(super) approved: i64,
    pub(super) refused: i64,
    pub(super) taken_minor: i64,
    pub(super) refunded_minor: i64,
    pub(super) refunded: i64,
    pub(super) challenged: i64,
}

impl Sums {
    pub(super) fn of<'a>(sums: impl Iterator<Item = &'a PaymentSum>) -> Self {
        let mut all = Self::default();
        for sum in sums {
            let add = |to: &mut i64, more: i64| *to = to.saturating_add(more);
            add(&mut all.payments, sum.count);
            add(&mut all.taken_minor, sum.captured_minor);
            add(&mut all.refunded_minor, sum.refunded_minor);
            if is_approved(sum) {
                add(&mut all.approved, sum.count);
            }
            if matches!(sum.state.as_str(), "declined" | "failed") {
                add(&mut all.refused, sum.count);
            }
            if sum.refunded {
                add(&mut all.refunded, sum.count);
            }
            if sum.challenged {
                add(&mut all.challenged, sum.count);
            }
        }
        all
    }

    const fn judged(&self) -> i64 {
        self.approved.saturating_add(self.refused)
    }
}

/// Held money counts: the bank said yes.
fn is_approved(sum: &PaymentSum) -> bool {
    matches!(sum.state.as_str(), "approved" | "authorised" | "capturing" | "voiding")
}

/// Currencies with payments, the one with the most payments first.
pub(super) fn currencies(summary: &Summary) -> Vec<Currency> {
    let mut counts: BTreeMap<Currency, i64> = BTreeMap::new();
    for sum in &summary.payments {
        let count = counts.entry(sum.currency).or_default();
        *count = count.saturating_add(sum.count);
    }
    let mut found: Vec<(Currency, i64)> = counts.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found.into_iter().map(|(currency, _)| currency).collect()
}

/// All of it, for the last days up to the one of the count.
pub(super) fn of(summary: &Summary, currency: Currency, days: i64) -> Figures {
    let today = Day::of(summary.counted_at);
    let first = today.plus(1_i64.saturating_sub(days));
    let before = first.plus(days.saturating_neg());
    let own: Vec<&PaymentSum> =
        summary.payments.iter().filter(|sum| sum.currency == currency).collect();
    let now: Vec<&PaymentSum> = own.iter().copied().filter(|sum| sum.day >= first).collect();
    let earlier = own.iter().copied().filter(|sum| sum.day >= before && sum.day < first);
    let sums = Sums::of(now.iter().copied());
    // Older days are not counted.
    let compares = days.saturating_mul(2) <= OVERVIEW_DAYS;
    let earlier = compares.then(|| Sums::of(earlier));
    let mut charts =
        vec![by_day(&now, currency, (first, today)), by_method(&now, currency), funnel(&sums)];
    charts.extend(declines(&now));
    Figures { tiles: tiles(&sums, earlier.as_ref(), (currency, days)), charts }
}

fn tiles(now: &Sums, before: Option<&Sums>, (currency, days): (Currency, i64)) -> Vec<Tile> {
    let tile = |label, number: String, (up, values): (bool, Option<(i64, i64)>), than: String| {
        let change = values.and_then(|(new, old)| change(new, old));
        let class = match values {
            Some((new, old)) if new > old && up => "up",
            Some((new, old)) if new < old && up => "down",
            Some(_) | None => "",
        };
        Tile { label, number, class, change: change.unwrap_or_default(), than }
    };
    let than = |old: Option<String>| match old {
        Some(_) if before.is_some_and(|before| before.payments == 0) => {
            format!("nothing in the {days} days before")
        }
        Some(old) => format!("{old} in the {days} days before"),
        None => format!("in the last {days} days"),
    };
    let pair = |of: fn(&Sums) -> i64| before.map(|before| (of(now), of(before)));
    let old = |of: fn(&Sums) -> i64| before.map(of);
    let rate = |sums: &Sums| share(sums.approved, sums.judged());
    vec![
        tile(
            "Volume taken",
            amount(now.taken_minor, currency),
            (true, pair(|sums| sums.taken_minor)),
            than(old(|sums| sums.taken_minor).map(|old| amount(old, currency))),
        ),
        tile(
            "Payments",
            count(now.payments),
            (true, pair(|sums| sums.payments)),
            than(old(|sums| sums.payments).map(count)),
        ),
        tile("Approval rate", rate(now), (false, None), than(before.map(rate))),
        tile(
            "Refunded",
            amount(now.refunded_minor, currency),
            (false, None),
            than(old(|sums| sums.refunded_minor).map(|old| amount(old, currency))),
        ),
    ]
}

/// The change in per cent with its sign; none where there was nothing before.
fn change(new: i64, old: i64) -> Option<String> {
    let difference = i128::from(new) - i128::from(old);
    let percent = (difference * 100).checked_div(i128::from(old))?;
    let sign = match percent.cmp(&0) {
        std::cmp::Ordering::Greater => "+",
        std::cmp::Ordering::Less => "\u{2212}",
        std::cmp::Ordering::Equal => "\u{b1}",
    };
    Some(format!("{sign}{}\u{a0}%", percent.unsigned_abs()))
}

/// Every day has a bar, those without payments too.
fn by_day(sums: &[&PaymentSum], currency: Currency, (first, last): (Day, Day)) -> Chart {
    let days: Vec<(Day, Sums)> = (first.0..=last.0)
        .map(Day)
        .map(|day| (day, Sums::of(sums.iter().copied().filter(|sum| sum.day == day))))
        .collect();
    let bar = |(day, sums): &(Day, Sums)| Bar {
        // Month and day: the year is the same, or clear.
        label: day.text().get(5..).unwrap_or_default().to_owned(),
        value: sums.taken_minor,
        second: None,
    };
    let bars: Vec<Bar> = days.iter().map(bar).collect();
    let title = format!("Volume by day, {currency}");
    let rows = days.iter().map(|(day, sums)| Line {
        name: day.text(),
        cells: vec![
            Cell { name: "Taken", value: amount(sums.taken_minor, currency) },
            Cell { name: "Payments", value: count(sums.payments) },
            Cell { name: "Refunded", value: amount(sums.refunded_minor, currency) },
        ],
    });
    Chart {
        svg: chart::bars(&title, &bars, |minor| sum_to_decimal_text(minor, currency)),
        heads: vec!["Day", "Taken", "Payments", "Refunded"],
        rows: rows.collect(),
        title,
    }
}

fn by_method(sums: &[&PaymentSum], currency: Currency) -> Chart {
    let of = |method: MethodCode| Sums::of(sums.iter().copied().filter(|s| s.method == method));
    let mut methods: Vec<(MethodCode, Sums)> = MethodCode::ALL
        .into_iter()
        .map(|method| (method, of(method)))
        .filter(|(_, sums)| sums.payments > 0)
        .collect();
    methods.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.taken_minor));
    let bars: Vec<(&str, i64)> =
        methods.iter().map(|(method, sums)| (method.name(), sums.taken_minor)).collect();
    let title = format!("Volume by method, {currency}");
    let rows = methods.iter().map(|(method, sums)| Line {
        name: method.name().to_owned(),
        cells: vec![
            Cell { name: "Taken", value: amount(sums.taken_minor, currency) },
            Cell { name: "Payments", value: count(sums.payments) },
            Cell { name: "Approval rate", value: share(sums.approved, sums.judged()) },
        ],
    });
    Chart {
        svg: chart::horizontal(&title, &bars, |minor| sum_to_decimal_text(minor, currency)),
        heads: vec!["Method", "Taken", "Payments", "Approval rate"],
        rows: rows.collect(),
        title,
    }
}

fn funnel(sums: &Sums) -> Chart {
    let steps = [
        ("Created", sums.payments),
        ("Challenged", sums.challenged),
        ("Authorised", sums.approved),
        ("Refunded", sums.refunded),
    ];
    let rows = steps.iter().map(|(name, number)| Line {
        name: (*name).to_owned(),
        cells: vec![
            Cell { name: "Payments", value: count(*number) },
            Cell { name: "Share", value: share(*number, sums.payments) },
        ],
    });
    let title = "How far payments came".to_owned();
    Chart {
        svg: chart::funnel(&title, &steps),
        heads: vec!["Step", "Payments", "Share"],
        rows: rows.collect(),
        title,
    }
}

/// Why banks said no; none where they never did.
fn declines(sums: &[&PaymentSum]) -> Option<Chart> {
    let mut reasons: BTreeMap<&str, i64> = BTreeMap::new();
    for sum in sums {
        if let Some(reason) = &sum.reason {
            let count = reasons.entry(reason).or_default();
            *count = count.saturating_add(sum.count);
        }
    }
    let mut reasons: Vec<(String, i64)> =
        reasons.into_iter().map(|(reason, count)| (in_words(reason), count)).collect();
    if reasons.is_empty() {
        return None;
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all = reasons.iter().fold(0_i64, |all, (_, count)| all.saturating_add(*count));
    let bars: Vec<(&str, i64)> =
        reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    let title = "Why payments were declined".to_owned();
    Some(Chart {
        svg: chart::horizontal(&title, &bars, count),
        heads: vec!["Reason", "Payments", "Share"],
        rows: reasons
            .iter()
            .map(|(reason, number)| Line {
                name: reason.clone(),
                cells: vec![
                    Cell { name: "Payments", value: count(*number) },
                    Cell { name: "Share", value: share(*number, all) },
                ],
            })
            .collect(),
        title,
    })
}

/// All of them are declines: what a reason says of that again is left away.
fn in_words(name: &str) -> String {
    let known = DeclineReason::from_name(name).map(DeclineReason::text);
    let text = known.unwrap_or(name);
    let short = text.strip_prefix("Declined by the bank: ");
    let short = short.or_else(|| text.strip_prefix("Declined: ")).unwrap_or(text);
    let mut letters = short.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
