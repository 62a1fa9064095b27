//! Deliveries as people and scripts see them.

use crate::table::{harmless, pairs, table};
use domain::delivery::{Attempt, DeliveryDetail, DeliveryRecord};
use domain::event_type::EventType;
use serde::Serialize;
use std::time::Duration;

/// Characters of an answer, or of a message, that a table's cell shows.
const BEGINNING: usize = 60;

/// A delivery as scripts see it; those of the detail are left out in lists.
#[derive(Debug, Serialize)]
pub(crate) struct ShownDelivery {
    id: String,
    #[serde(rename = "type")]
    event_type: Option<&'static str>,
    state: &'static str,
    merchant: i64,
    terminal: i64,
    endpoint: Option<i64>,
    payment: String,
    url: String,
    created_at: String,
    attempts: u32,
    next_at: Option<String>,
    last: Option<ShownAttempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Vec<ShownAttempt>>,
}

/// An attempt as scripts see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShownAttempt {
    at: String,
    took_ms: u64,
    status: Option<u16>,
    error: Option<String>,
    answer: Option<String>,
}

impl ShownAttempt {
    fn of(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at.to_rfc3339(),
            took_ms: milliseconds(attempt.took),
            status: attempt.http_status,
            error: attempt.error.clone(),
            answer: attempt.answer.clone(),
        }
    }

    /// What came of it, in a few words.
    fn came(&self) -> String {
        match (&self.error, self.status) {
            (Some(error), _) => error.clone(),
            (None, Some(status)) => format!("answered {status}"),
            (None, None) => "-".to_owned(),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.at.clone(),
            format!("{} ms", self.took_ms),
            self.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
            self.error.clone().unwrap_or_else(|| "-".to_owned()),
            self.answer.as_deref().map_or_else(|| "-".to_owned(), beginning),
        ]
    }
}

impl ShownDelivery {
    /// The headings of [`Self::row`].
    pub(crate) const HEADINGS: [&'static str; 8] =
        ["id", "type", "terminal", "state", "attempts", "last attempt", "written", "url"];

    /// As lists show it.
    pub(crate) fn of(record: &DeliveryRecord) -> Self {
        Self {
            id: record.id.webhook_id(),
            event_type: record.event_type.map(EventType::name),
            state: record.state.name(),
            merchant: record.merchant.0,
            terminal: record.terminal.0,
            endpoint: record.id.endpoint.map(|endpoint| endpoint.0),
            payment: record.id.payment.to_string(),
            url: record.url.clone(),
            created_at: record.created_at.to_rfc3339(),
            attempts: record.attempts,
            next_at: record.next_at.map(domain::time::Timestamp::to_rfc3339),
            last: record.last.as_ref().map(ShownAttempt::of),
            content_type: None,
            body: None,
            log: None,
        }
    }

    /// With all that is known of it.
    pub(crate) fn with_detail(detail: &DeliveryDetail) -> Self {
        Self {
            content_type: Some(detail.content_type.clone()),
            body: Some(detail.body.clone()),
            log: Some(detail.attempts.iter().map(ShownAttempt::of).collect()),
            ..Self::of(&detail.record)
        }
    }

    /// A line of a list.
    pub(crate) fn row(self) -> Vec<String> {
        vec![
            self.id,
            self.event_type.unwrap_or("-").to_owned(),
            self.terminal.to_string(),
            self.state.to_owned(),
            self.attempts.to_string(),
            self.last.map_or_else(|| "-".to_owned(), |last| last.came()),
            self.created_at,
            self.url,
        ]
    }

    /// Its `webhook-id`, by which the list goes on behind it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What came of the last attempt, if there was one.
    pub(crate) fn last(&self) -> Option<String> {
        self.last.as_ref().map(ShownAttempt::came)
    }

    /// All of it, for people.
    pub(crate) fn text(&self) -> String {
        let none = || "-".to_owned();
        let endpoint = self.endpoint.map(|number| number.to_string());
        let to = endpoint.map_or_else(
            || "the payment's own address".to_owned(),
            |number| format!("endpoint {number}"),
        );
        let rows = [
            ("id", self.id.clone()),
            ("type", self.event_type.unwrap_or("-").to_owned()),
            ("state", self.state.to_owned()),
            ("to", format!("{to}, {}", self.url)),
            ("payment", self.payment.clone()),
            ("terminal", self.terminal.to_string()),
            ("merchant", self.merchant.to_string()),
            ("written", self.created_at.clone()),
            ("next attempt", self.next_at.clone().unwrap_or_else(none)),
            ("content type", self.content_type.clone().unwrap_or_else(none)),
        ];
        let rows = rows.map(|(name, value)| (name.to_owned(), value));
        let body = harmless(self.body.as_deref().unwrap_or_default());
        let attempts: Vec<Vec<String>> = self.log.iter().flatten().map(ShownAttempt::row).collect();
        let attempts = if attempts.is_empty() {
            "There was no attempt yet.\n".to_owned()
        } else {
            table(&["attempt ended", "took", "status", "error", "answer"], &attempts)
        };
        format!("{}\n{body}\n\n{attempts}", pairs(&rows))
    }
}

/// Whole milliseconds.
pub(crate) fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The first characters of a text from elsewhere, on one line and made harmless.
pub(crate) fn beginning(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = harmless(&line);
    match line.char_indices().nth(BEGINNING) {
        Some((at, _)) => format!("{}\u{2026}", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::delivery::{DeliveryId, DeliveryState};
    use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
    use domain::time::Timestamp;
    use serde_json::json;

    fn detail() -> DeliveryDetail {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        let attempt = |http_status, answer: Option<&str>, error: Option<&str>| Attempt {
            at,
            took: Duration::from_micros(12_999),
            http_status,
            answer: answer.map(str::to_owned),
            error: error.map(str::to_owned),
        };
        let last = attempt(Some(200), None, None);
        let hostile = format!("\u{1b}[2J  no\n{}", "\u{e9}".repeat(70));
        DeliveryDetail {
            record: DeliveryRecord {
                id: DeliveryId {
                    payment: "417823250426141606".parse().unwrap(),
                    sequence: 2,
                    endpoint: Some(EndpointNumber(7)),
                },
                merchant: MerchantId(1),
                terminal: TerminalNumber(42),
                event_type: Some(EventType::RefundSucceeded),
                url: "https://shop.test/hook".to_owned(),
                created_at: at,
                state: DeliveryState::Delivered,
                attempts: 2,
                next_at: None,
                last: Some(last.clone()),
            },
            content_type: "application/json".to_owned(),
            body: "{\"a\":\"\u{7}\"}".to_owned(),
            attempts: vec![
                attempt(None, None, Some("timed out")),
                attempt(Some(500), Some(&hostile), Some("answered 500")),
                last,
            ],
        }
    }

    #[test]
    fn scripts_see_every_fact() {
        let shown = serde_json::to_value(ShownDelivery::of(&detail().record)).unwrap();
        let at = "2025-04-26T14:16:06.000657Z";
        let expected = json!({"id": "msg_417823250426141606_2_7", "type": "refund.succeeded",
            "state": "delivered", "merchant": 1, "terminal": 42, "endpoint": 7,
            "payment": "417823250426141606", "url": "https://shop.test/hook", "created_at": at,
            "attempts": 2, "next_at": null,
            "last": {"at": at, "took_ms": 12, "status": 200, "error": null, "answer": null}});
        assert_eq!(shown, expected);
        let all = serde_json::to_value(ShownDelivery::with_detail(&detail())).unwrap();
        assert_eq!(
            (&all["content_type"], &all["log"][1]["status"]),
            (&json!("application/json"), &json!(500))
        );
        assert_eq!(all["body"], "{\"a\":\"\u{7}\"}");
    }

    #[test]
    fn people_see_every_attempt_and_nothing_that_steers_their_terminal() {
        let text = ShownDelivery::with_detail(&detail()).text();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
        assert!(text.contains("to            endpoint 7, https://shop.test/hook\n"), "{text}");
        assert!(text.contains("12 ms  -       timed out     -\n"), "{text}");
        let cut = format!("\u{fffd}[2J no {}\u{2026}\n", "\u{e9}".repeat(52));
        assert!(text.contains(&format!("12 ms  500     answered 500  {cut}")), "{text}");
        assert!(text.ends_with("12 ms  200     -             -\n"), "{text}");
    }
    #[test]
    fn a_beginning_is_one_harmless_line() {
        assert_eq!(beginning("\u{1b}[2J  no\n\tway \u{7}"), "\u{fffd}[2J no way \u{fffd}");
        assert_eq!(beginning(&"\u{e9}".repeat(60)), "\u{e9}".repeat(60));
        assert_eq!(beginning(&"\u{e9}".repeat(61)), "\u{e9}".repeat(60) + "\u{2026}");
    }
}
