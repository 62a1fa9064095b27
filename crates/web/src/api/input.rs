//! What these calls are given: parameters of the query and fields of a JSON body, each read as its
//! type, with a problem for all that are wrong at once.

use super::bearer;
use super::error::{Problem, Refusal};
use domain::delivery::{DeliveryFilter, DeliveryState};
use domain::event_type::{EventPattern, EventType};
use domain::id::{EndpointNumber, TerminalNumber};
use domain::time::Timestamp;
use http::StatusCode;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// What a list of deliveries may be narrowed by.
pub(crate) const DELIVERY_FILTERS: &[&str] =
    &["state", "from", "until", "payment", "endpoint", "type", "cursor", "limit"];
/// What deliveries are sent again by.
pub(crate) const REPLAY_FIELDS: &[&str] =
    &["state", "from", "until", "payment", "endpoint", "type", "dry_run"];
/// What is said of an endpoint.
pub(crate) const ENDPOINT_FIELDS: &[&str] = &["url", "events", "description", "state"];

const TER_NO: &str = "terNO";
/// More patterns say nothing more.
const PATTERNS_AT_MOST: usize = 50;
const TIME_FORM: &str =
    "must be a time such as 2025-04-26T14:16:06Z, or a day such as 2025-04-26, which is UTC";
const TYPE_FORM: &str =
    "must be an event type such as payment.approved; GET /api/v1/webhooks/event-types lists them";
const PATTERNS_FORM: &str = "must be a list of 1 to 50 event types such as payment.approved, \
                             groups such as payment.*, or * for all";

/// Named values as they came.
#[derive(Debug, Default)]
pub(super) struct Input {
    values: Vec<(String, Value)>,
    problems: Vec<Problem>,
}

impl Input {
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// `known`: what the query may name beside `terNO`.
    pub(super) fn of_query(query: Option<&str>, known: &[&'static str]) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let values = pairs.map(|(name, text)| (name.into_owned(), Value::String(text.into())));
        let known = [&[TER_NO], known].concat();
        Self::checked(values.collect(), &known, "the query")
    }

    /// A body that is one JSON object.
    pub(super) fn of_json(body: &[u8], known: &[&'static str]) -> Result<Self, Refusal> {
        let Object(values) = serde_json::from_slice(body).map_err(|error| {
            // The parser's own text may quote what was sent.
            let (line, column) = (error.line(), error.column());
            let text = format!("must be one JSON object (see line {line}, column {column})");
            Refusal::of(StatusCode::BAD_REQUEST, vec![Problem::form("body", &text)])
        })?;
        Ok(Self::checked(values, known, "the body"))
    }

    fn checked(values: Vec<(String, Value)>, known: &[&'static str], place: &str) -> Self {
        let mut problems = Vec::new();
        for name in known {
            if values.iter().filter(|(given, _)| given == name).count() > 1 {
                problems.push(Problem::form(name, "is named twice; each may be named once"));
            }
        }
        // What was sent is not repeated: it may be anything.
        if values.iter().any(|(given, _)| !known.contains(&given.as_str())) {
            let text = format!("{place} names something unknown; known are {}", known.join(", "));
            problems.push(Problem::form("", &text));
        }
        Self { values, problems }
    }

    /// A problem that was found elsewhere.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Nothing more is read: whether all was right.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Refusal::of(StatusCode::BAD_REQUEST, self.problems))
    }

    /// As sent; none when it is absent, null, or empty text.
    fn value(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.values.iter().find(|(given, _)| given == name)?;
        match value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Some(value),
        }
    }

    /// Text, trimmed, or a number as its digits; `form` is told of anything else.
    fn text(&mut self, name: &'static str, form: &str) -> Option<String> {
        let text = match self.value(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        if text.is_none() {
            self.refuse(Problem::form(name, form));
        }
        text
    }

    /// A value of some type; `form` says which form is right.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        form: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name, form)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.refuse(Problem::form(name, form));
        }
        parsed
    }

    /// A value that must be there.
    pub(super) fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.value(name).is_none() {
            self.refuse(Problem::new(name, "1040", "is missing"));
        }
        value
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        match self.value(name) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(
                Value::Null
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_),
            ) => {
                self.refuse(Problem::form(name, "must be true or false"));
                false
            }
        }
    }

    /// `terNO`, with whatever else is wrong with the query.
    pub(super) fn ter_no(&mut self) -> Result<TerminalNumber, Refusal> {
        let text = self.value(TER_NO).and_then(Value::as_str);
        let number = bearer::number_of(text);
        let mut problems = std::mem::take(&mut self.problems);
        match number {
            Ok(number) if problems.is_empty() => return Ok(number),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
        Err(Refusal::of(StatusCode::BAD_REQUEST, problems))
    }

    /// `terNO`, where it is not needed.
    pub(super) fn terminal_if_any(&mut self) -> Option<TerminalNumber> {
        self.parsed(TER_NO, bearer::TERMINAL_FORM, bearer::terminal_number)
    }

    pub(super) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        self.parsed(name, TIME_FORM, |text| {
            // In a query, the plus sign of an offset that was not percent-encoded is a blank.
            let text = text.replace(' ', "+");
            Timestamp::of_day(&text).or_else(|| Timestamp::of_rfc3339(&text))
        })
    }

    pub(super) fn event_type(&mut self, name: &'static str) -> Option<EventType> {
        self.parsed(name, TYPE_FORM, |text| EventType::parse(text).ok())
    }

    /// What deliveries must be like. `state` left out means this; `any` means all states.
    pub(super) fn filter(&mut self, state: Option<DeliveryState>) -> DeliveryFilter {
        let form = "must be pending, delivered, dead or any";
        let given = self.parsed("state", form, |text| match text {
            "any" => Some(None),
            name => DeliveryState::from_name(name).map(Some),
        });
        let (from, until) = (self.time("from"), self.time("until"));
        if from.is_some_and(|from| until.is_some_and(|until| until <= from)) {
            self.refuse(Problem::form("until", "must be later than from"));
        }
        let payment = "must be a payment's transID, a number of 18 digits";
        DeliveryFilter {
            state: given.unwrap_or(state),
            from,
            until,
            payment: self.parsed("payment", payment, |text| text.parse().ok()),
            endpoint: self.parsed("endpoint", "must be an endpoint's number, like 1", |text| {
                text.parse().ok().filter(|number| *number > 0).map(EndpointNumber)
            }),
            event_type: self.event_type("type"),
            ..DeliveryFilter::default()
        }
    }

    /// Event types and groups of them.
    pub(super) fn patterns(&mut self, name: &'static str) -> Option<Vec<EventPattern>> {
        let given = self.value(name)?;
        let texts = given.as_array().map(|list| list.iter().map(Value::as_str));
        let patterns = texts.and_then(|mut texts| {
            texts.try_fold(Vec::new(), |mut patterns, text| {
                let pattern = EventPattern::parse(text?).ok()?;
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
                (patterns.len() <= PATTERNS_AT_MOST).then_some(patterns)
            })
        });
        let patterns = patterns.filter(|patterns| !patterns.is_empty());
        if patterns.is_none() {
            self.refuse(Problem::form(name, PATTERNS_FORM));
        }
        patterns
    }

    /// What an owner calls something; empty text is a value.
    pub(super) fn description(&mut self, name: &'static str) -> Option<String> {
        let given = self.values.iter().find(|(given, _)| given == name);
        let text = match given.map(|(_, value)| value) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => domain::text::description(text.trim()).ok(),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        if text.is_none() {
            let form = "must be text of at most 255 printable characters";
            self.refuse(Problem::form(name, form));
        }
        text
    }
}

/// The fields of a JSON object in their order, each as often as it was named.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(Object(values))
    }
}
