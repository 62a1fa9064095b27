//! Which payments a list shows, as its address says it.

use domain::id::TerminalNumber;
use domain::method::MethodCode;
use domain::payment_filter::{PaymentFilter, PaymentSearch, StateGroup};
use domain::terminal::Mode;
use domain::time::Timestamp;
use form_urlencoded::Serializer;
use std::time::Duration;

/// Most characters that are looked for.
const TEXT_MOST: usize = 200;
const DAY: Duration = Duration::from_hours(24);

/// The fields of a list's search, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) q: String,
    pub(super) state: String,
    pub(super) method: String,
    pub(super) terminal: String,
    pub(super) from: String,
    pub(super) until: String,
}

/// A field that cannot be read, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) text: &'static str,
}

impl Asked {
    /// The fields in a query.
    pub(super) fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value: String = value.trim().chars().take(TEXT_MOST).collect();
            match &*name {
                "q" => asked.q = value,
                "state" => asked.state = value,
                "method" => asked.method = value,
                "terminal" => asked.terminal = value,
                "from" => asked.from = value,
                "until" => asked.until = value,
                _ => {}
            }
        }
        asked
    }

    fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("state", &self.state),
            ("method", &self.method),
            ("terminal", &self.terminal),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// The same question as a query, always in the same order, with this behind it.
    pub(super) fn query(&self, more: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        let fields = self.fields();
        for (name, value) in fields.iter().chain(more).filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }

    /// Whether anything is asked for.
    pub(super) fn is_filtered(&self) -> bool {
        self.fields().iter().any(|(_, value)| !value.is_empty())
    }

    /// What the engine is asked, in this mode; or every field that cannot be read.
    pub(super) fn search(&self, mode: Mode) -> Result<PaymentSearch, Vec<Problem>> {
        let mut problems = Vec::new();
        let group = read(&mut problems, ("state", STATE), &self.state, StateGroup::from_name);
        let method = read(&mut problems, ("method", METHOD), &self.method, MethodCode::from_code);
        let terminal = read(&mut problems, ("terminal", TERMINAL), &self.terminal, |text| {
            text.parse().ok().map(TerminalNumber)
        });
        let from = read(&mut problems, ("from", DATE), &self.from, Timestamp::of_day);
        let until = read(&mut problems, ("until", DATE), &self.until, Timestamp::of_day);
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            problems.push(Problem { field: "until", text: "Must not be before the first day." });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // The last day is among those that are shown.
        let until = until.map(|day| day.plus(DAY));
        let filter = PaymentFilter { terminal, from, until, reference: None, mode: Some(mode) };
        let text = Some(self.q.clone()).filter(|text| !text.is_empty());
        Ok(PaymentSearch { filter, text, group, method })
    }
}

const STATE: &str = "Choose one of the list.";
const METHOD: &str = "Choose one of the list.";
const TERMINAL: &str = "Must be a terminal's number.";
const DATE: &str = "Must be a day, as 2026-11-30.";

fn read<T>(
    problems: &mut Vec<Problem>,
    (field, form): (&'static str, &'static str),
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let found = parse(text);
    if found.is_none() {
        problems.push(Problem { field, text: form });
    }
    found
}

/// What is to be said beside a field; nothing when it is right.
pub(super) fn problem(problems: &[Problem], field: &str) -> &'static str {
    problems.iter().find(|problem| problem.field == field).map_or("", |problem| problem.text)
}
