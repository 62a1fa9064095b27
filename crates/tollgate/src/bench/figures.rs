//! The figures of a run: each by its name, whole or in thousandths, with the median of all rounds.

use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use std::fmt;

/// A measured number. Figures are kept whole; they become fractions only where they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// As it is.
    Whole(u64),
    /// In thousandths: milliseconds that were measured in microseconds, and ratios.
    Thousandths(u64),
}

impl Default for Figure {
    fn default() -> Self {
        Self::Whole(0)
    }
}

impl Figure {
    /// How many times `floor` goes into `value`.
    pub(super) fn ratio(value: u64, floor: u64) -> Self {
        Self::Thousandths(value.saturating_mul(1000).checked_div(floor).unwrap_or(0))
    }

    /// As a number for machines. Where figures become floats: they are printed, not charged.
    #[expect(clippy::float_arithmetic, reason = "a measured number, not money")]
    pub(crate) fn number(self) -> Value {
        match self {
            Self::Whole(whole) => whole.into(),
            Self::Thousandths(thousandths) => {
                let bounded = u32::try_from(thousandths).unwrap_or(u32::MAX);
                Number::from_f64(f64::from(bounded) / 1000.0).map_or(Value::Null, Value::Number)
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// What is told of a figure: its name in JSON (a dot leads into an object), and what it is.
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    unit: &'static str,
}

const fn told(name: &'static str, words: &'static str, unit: &'static str) -> Told {
    Told { name, words, unit }
}

/// Every figure there is, in the order in which people read them.
pub(crate) const TOLD: &[Told] = &[
    told("per_second", "per second", ""),
    told("p50_ms", "latency p50", " ms"),
    told("p99_ms", "latency p99", " ms"),
    told("p999_ms", "latency p99.9", " ms"),
    told("turned_away.per_second", "turned away per second, for want of room", ""),
    told("turned_away.p99_ms", "turned away: told so within, p99", " ms"),
    told("cpu_us", "server CPU for each", " us"),
    told("generator_cpu_us", "generator CPU for each request", " us"),
    told("rss_mb", "server memory at the end", " MB"),
    told("peak_rss_mb", "server memory at its highest", " MB"),
    told("start_ms", "start to first answer", " ms"),
    told("verify.per_second", "payments proved per second", ""),
    told("at_64_clients.per_second", "creates per second, 64 clients", ""),
    told("one_client.per_second", "creates per second, one client", ""),
    told("one_client.p50_ms", "one client p50", " ms"),
    told("one_client.p99_ms", "one client p99", " ms"),
    told("open_loop.offered_per_second", "open loop: offered per second", ""),
    told("open_loop.per_second", "open loop: done per second", ""),
    told("open_loop.p50_ms", "open loop p50, from when it was due", " ms"),
    told("open_loop.p99_ms", "open loop p99", " ms"),
    told("open_loop.p999_ms", "open loop p99.9", " ms"),
    told("open_loop.unsent", "open loop: due, and never sent", ""),
    told("open_loop.turned_away", "open loop: turned away", ""),
    told("open_loop.bare_log_p50_ms", "bare log at the same rate p50", " ms"),
    told("open_loop.bare_log_p99_ms", "bare log at the same rate p99", " ms"),
    told("open_loop.bare_log_p999_ms", "bare log at the same rate p99.9", " ms"),
    told("open_loop.http_log_p50_ms", "bare log behind HTTP at that rate p50", " ms"),
    told("open_loop.http_log_p99_ms", "bare log behind HTTP at that rate p99", " ms"),
    told("open_loop.http_log_p999_ms", "bare log behind HTTP at that rate p99.9", " ms"),
    told("beside.status_per_second", "status queries per second beside creates", ""),
    told("beside.status_p99_ms", "their p99, from when each was due", " ms"),
    told("beside.create_alone_per_second", "creates per second alone", ""),
    told("beside.create_beside_per_second", "creates per second beside the queries", ""),
    told("mixed.status_p50_ms", "status queries p50", " ms"),
    told("mixed.status_p99_ms", "status queries p99", " ms"),
    told("mixed.create_p50_ms", "creates p50", " ms"),
    told("mixed.create_p99_ms", "creates p99", " ms"),
    told("mixed.life_p50_ms", "whole lives p50", " ms"),
    told("mixed.life_p99_ms", "whole lives p99", " ms"),
    told("queued", "backlog", " webhooks"),
    told("unwell", "sick receivers", ""),
    told("told_beside", "webhooks beside them, whose latency it is", ""),
    told("reached", "sick receivers reached", ""),
    told("repeats", "webhooks that came again", ""),
    told("lock_waits_over_100ms", "lock waits over 100 ms on the database", ""),
    told("floors.empty_handler_per_second", "floor: empty handler per second", ""),
    told("floors.empty_handler_cpu_us", "floor: empty handler, server CPU for each", " us"),
    told("floors.one_transaction_per_second", "floor: one transaction per payment, 64 clients", ""),
    told("floors.bare_log_per_second", "floor: bare log per second", ""),
    told("floors.bare_log_p99_ms", "floor: bare log p99", " ms"),
    told("floors.http_log_per_second", "floor: bare log behind HTTP per second", ""),
    told("floors.http_log_p99_ms", "floor: bare log behind HTTP p99", " ms"),
    told("floors.append_fdatasync_p50_ms", "floor: append and fdatasync, one client p50", " ms"),
    told("floors.append_fdatasync_p99_ms", "floor: append and fdatasync, one client p99", " ms"),
    told("ratios.to_empty_handler", "against the empty handler", ""),
    told("ratios.cpu_to_empty_handler", "server CPU against the empty handler's", ""),
    told("ratios.to_one_transaction", "against one transaction per payment", ""),
    told("ratios.to_one_transaction_at_64_clients", "the same, 64 clients on both sides", ""),
    told("ratios.to_bare_log", "against the bare log", ""),
    told("ratios.to_http_log", "against the bare log behind HTTP", ""),
    told("ratios.one_client_p50_to_append", "one client p50 against append and fdatasync", ""),
    told("ratios.p99_to_bare_log", "open loop p99 against the bare log's", ""),
    told("ratios.p99_to_http_log", "open loop p99 against that behind HTTP", ""),
    told("ratios.create_beside_to_alone", "creates beside the queries against alone", ""),
];

/// The figures of a round, or the medians of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures(BTreeMap<&'static str, Figure>);

impl Figures {
    pub(super) fn set(&mut self, name: &'static str, figure: Figure) {
        self.0.insert(name, figure);
    }

    pub(super) fn whole(&mut self, name: &'static str, value: u64) {
        self.set(name, Figure::Whole(value));
    }

    /// Microseconds, told as milliseconds.
    pub(super) fn micros(&mut self, name: &'static str, micros: u64) {
        self.set(name, Figure::Thousandths(micros));
    }

    pub(super) fn ratio(&mut self, name: &'static str, value: u64, floor: u64) {
        self.set(name, Figure::ratio(value, floor));
    }

    pub(crate) fn get(&self, name: &str) -> Option<Figure> {
        self.0.get(name).copied()
    }

    /// The median of each figure; of an even number of rounds, the lower of the two in the middle.
    pub(super) fn medians(rounds: &[Self]) -> Self {
        Self::of_each(rounds, |figures| figures.get(figures.len().saturating_sub(1) / 2).copied())
    }

    fn of_each(rounds: &[Self], choose: impl Fn(&[Figure]) -> Option<Figure>) -> Self {
        let names = TOLD.iter().map(|told| told.name);
        let chosen = names.filter_map(|name| {
            let mut all: Vec<Figure> = rounds.iter().filter_map(|round| round.get(name)).collect();
            all.sort_unstable();
            Some((name, choose(&all)?))
        });
        Self(chosen.collect())
    }

    pub(super) fn lowest(rounds: &[Self]) -> Self {
        Self::of_each(rounds, |figures| figures.first().copied())
    }

    pub(super) fn highest(rounds: &[Self]) -> Self {
        Self::of_each(rounds, |figures| figures.last().copied())
    }

    /// As an object; a dot in a name leads into an inner one.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, figure) in &self.0 {
            match name.split_once('.') {
                None => drop(object.insert((*name).to_owned(), figure.number())),
                Some((outer, inner)) => {
                    let inside = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(inside) = inside {
                        inside.insert(inner.to_owned(), figure.number());
                    }
                }
            }
        }
        object
    }

    /// A line for each figure, with how far the rounds were apart.
    pub(super) fn to_lines(&self, lowest: &Self, highest: &Self) -> String {
        let line = |told: &Told| {
            let figure = self.get(told.name)?;
            let (low, high) = (lowest.get(told.name)?, highest.get(told.name)?);
            let value = format!("{figure}{}", told.unit);
            let spread = if low == high { String::new() } else { format!("{low} to {high}") };
            let text = format!("  {:<48}{value:<16}{spread}", told.words);
            Some(text.trim_end().to_owned() + "\n")
        };
        TOLD.iter().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn round(rate: u64) -> Figures {
        let mut figures = Figures::default();
        figures.whole("per_second", rate);
        figures.micros("p99_ms", rate * 3);
        figures.ratio("ratios.to_empty_handler", rate, 1000);
        figures
    }

    #[test]
    fn medians_and_spreads_are_of_the_rounds() {
        let rounds = [round(300), round(100), round(200)];
        let medians = Figures::medians(&rounds);
        assert_eq!(medians.get("per_second"), Some(Figure::Whole(200)));
        assert_eq!(
            Value::Object(medians.to_json()),
            json!({"per_second": 200, "p99_ms": 0.6, "ratios": {"to_empty_handler": 0.2}})
        );
        let lines = medians.to_lines(&Figures::lowest(&rounds), &Figures::highest(&rounds));
        assert!(lines.contains("latency p99"), "{lines}");
        assert!(lines.lines().next().unwrap().ends_with("100 to 300"), "{lines}");
        let even = [round(100), round(200)];
        assert_eq!(Figures::medians(&even).get("per_second"), Some(Figure::Whole(100)));
        assert_eq!(Figure::ratio(5, 0), Figure::Thousandths(0));
    }

    #[test]
    fn every_figure_is_told_in_the_documentation() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PERFORMANCE.md");
        let text = std::fs::read_to_string(path).unwrap();
        for told in TOLD {
            assert!(text.contains(&format!("`{}`", told.name)), "{} is not in {path}", told.name);
        }
    }
}
