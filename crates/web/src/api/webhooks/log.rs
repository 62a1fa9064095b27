//! Deliveries as these calls show them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::delivery::{Attempt, DeliveryCursor, DeliveryDetail, DeliveryRecord};
use domain::time::Timestamp;
use engine::delivery::DeliveryPage;
use serde::Serialize;

/// A page of the log.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    deliveries: Vec<Delivery<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> Page<'a> {
    pub(super) fn of(page: &'a DeliveryPage) -> Self {
        Self {
            deliveries: page.deliveries.iter().map(Delivery::of).collect(),
            next_cursor: page.next.map(cursor_text),
        }
    }
}

/// A delivery as lists show it.
#[derive(Debug, Serialize)]
struct Delivery<'a> {
    id: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'static str>,
    state: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<i64>,
    /// The payment that it tells of; none when it tells of an endpoint.
    #[serde(rename = "transID", skip_serializing_if = "Option::is_none")]
    trans_id: Option<String>,
    created_at: String,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<Tried<'a>>,
}

impl<'a> Delivery<'a> {
    fn of(record: &'a DeliveryRecord) -> Self {
        let id = record.id;
        Self {
            id: id.webhook_id(),
            event_type: record.event_type.map(domain::event_type::EventType::name),
            state: record.state.name(),
            url: &record.url,
            endpoint: id.endpoint.map(|endpoint| endpoint.0),
            trans_id: (id.sequence > 0).then(|| id.payment.to_string()),
            created_at: record.created_at.to_rfc3339(),
            attempts: record.attempts,
            next_at: record.next_at.map(Timestamp::to_rfc3339),
            last_attempt: record.last.as_ref().map(Tried::of),
        }
    }
}

/// An attempt.
#[derive(Debug, Serialize)]
struct Tried<'a> {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Tried<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        Self {
            at: attempt.at.to_rfc3339(),
            status: attempt.http_status,
            duration_ms: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            answer: attempt.answer.as_deref(),
            error: attempt.error.as_deref(),
        }
    }
}

/// A delivery with all that is known of it.
#[derive(Debug, Serialize)]
pub(super) struct Whole<'a> {
    #[serde(flatten)]
    delivery: Delivery<'a>,
    content_type: &'a str,
    body: &'a str,
    attempt_log: Vec<Tried<'a>>,
}

impl<'a> Whole<'a> {
    pub(super) fn of(detail: &'a DeliveryDetail) -> Self {
        Self {
            delivery: Delivery::of(&detail.record),
            content_type: &detail.content_type,
            body: &detail.body,
            attempt_log: detail.attempts.iter().map(Tried::of).collect(),
        }
    }
}

/// A place in the list, as text that says nothing to its reader.
fn cursor_text(cursor: DeliveryCursor) -> String {
    let text = format!("{} {}", cursor.created_at.micros(), cursor.id);
    URL_SAFE_NO_PAD.encode(text)
}

/// The place; none for a text that is no place.
pub(super) fn cursor(text: &str) -> Option<DeliveryCursor> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (created_at, id) = text.split_once(' ')?;
    let created_at = Timestamp::from_micros(created_at.parse().ok()?);
    Some(DeliveryCursor { created_at, id: id.parse().ok()? })
}
