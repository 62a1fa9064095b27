//! The catalogue of event types: what `data` holds for each, as one table, from which come the
//! JSON schemas, the samples and the developers' page. A test compares it with real messages.

use crate::developers::answers::{
    Field, Presence, REFUND_WEBHOOK_FIELDS, STATUSES, TRANS_ID, WEBHOOK_FIELDS,
};
use crate::developers::text::Prose;
use domain::event_type::EventType;
use domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What an event type's `data` holds. Every value is a string.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The type.
    pub event_type: EventType,
    /// Its fields, in the order in which they are sent.
    parts: &'static [&'static [Field]],
    /// Samples that differ from those of the fields.
    samples: &'static [(&'static str, &'static str)],
}

/// A field that this release does not send yet, or that is of an endpoint.
const fn field(name: &'static str, sample: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning: Prose(meaning), sample, presence: Presence::Always }
}

const REFUND_PARTS: &[&[Field]] = &[&WEBHOOK_FIELDS, &REFUND_WEBHOOK_FIELDS];
const DISPUTE: Field = field("dispute", "dp_1001", "The dispute's name, the same to its end.");
const TRANS: Field = field("transID", TRANS_ID, "The disputed payment.");
const REFERENCE: Field = field("reference", "order-1001", "Your own order number, as sent.");
const AMOUNT: Field =
    field("amount", "11.11", "How much is disputed, in exactly the currency's decimals.");
const CURRENCY: Field = field("currency", "USD", "ISO 4217.");
const REASON: Field = field("reason", "fraudulent", "What the customer's bank says, in a word.");
const OPENED_AT: Field =
    field("opened_at", "2025-05-02T09:30:00.000000Z", "When the bank opened the dispute.");
const DECIDED_AT: Field =
    field("decided_at", "2025-05-20T11:00:00.000000Z", "When the bank decided it.");
const OPENED: &[Field] = &[
    DISPUTE,
    TRANS,
    REFERENCE,
    AMOUNT,
    CURRENCY,
    REASON,
    OPENED_AT,
    field("respond_by", "2025-05-12T23:59:59.000000Z", "Until when the bank takes your evidence."),
];
const DECIDED: &[Field] =
    &[DISPUTE, TRANS, REFERENCE, AMOUNT, CURRENCY, REASON, OPENED_AT, DECIDED_AT];
const SETTLEMENT: Field = field("settlement", "st_1001", "The settlement's name.");
const SETTLED: &[Field] = &[
    SETTLEMENT,
    CURRENCY,
    field("gross", "1250.00", "Sales, in exactly the currency's decimals."),
    field("refunds", "50.00", "What went back to customers."),
    field("fees", "25.00", "What is kept for the service."),
    field("net", "1175.00", "What is left for you: gross less refunds and fees."),
    field("from", "2025-04-25T00:00:00.000000Z", "What was booked since then is in it."),
    field("until", "2025-04-26T00:00:00.000000Z", "What was booked before then is in it."),
    field("created_at", "2025-04-26T01:00:00.000000Z", "When it was worked out."),
];
const PAYOUT: Field = field("payout", "po_1001", "The payout's name.");
const PAID_AMOUNT: Field =
    field("amount", "1175.00", "How much is paid, in exactly the currency's decimals.");
const ACCOUNT: Field =
    field("account", "XXXXXX6789", "Your bank account; only its last digits are told.");
const PAID: &[Field] = &[
    PAYOUT,
    SETTLEMENT,
    PAID_AMOUNT,
    CURRENCY,
    ACCOUNT,
    field("paid_at", "2025-04-28T08:00:00.000000Z", "When your bank was told to credit it."),
];
const CAME_BACK: &[Field] = &[
    PAYOUT,
    SETTLEMENT,
    PAID_AMOUNT,
    CURRENCY,
    ACCOUNT,
    field("reason", "account_closed", "What your bank says, in a word."),
    field("failed_at", "2025-04-28T08:00:00.000000Z", "When it came back."),
];
const ENDPOINT: &[Field] = &[
    field("endpoint", "1", "The number of the endpoint that was switched off."),
    field("url", "https://shop.example/events", "Where its messages went."),
    field("description", "Warehouse", "What you call it; may be empty."),
    field(
        "failing_since",
        "2025-04-21T14:16:06.000000Z",
        "Since when nothing that was sent to it was acknowledged.",
    ),
    field("disabled_at", "2025-04-26T14:16:06.000000Z", "When it was switched off."),
];

type Samples = &'static [(&'static str, &'static str)];

const AUTHORISED: Samples = &[("response", "Payment authorised, not captured yet")];
const APPROVED: Samples = &[];
const DECLINED: Samples = &[
    ("order_status", "26"),
    ("status", "Test Declined"),
    ("response", "Declined by the bank"),
    ("connector_status_code", "05"),
];
const EXPIRED: Samples = &[
    ("order_status", "22"),
    ("status", "Expired"),
    ("response", "The customer did not act in time"),
];
const CANCELLED: Samples = &[
    ("order_status", "23"),
    ("status", "Cancelled"),
    ("response", "The customer cancelled the payment"),
];
const FAILED: Samples = &[
    ("order_status", "24"),
    ("status", "Failed"),
    ("response", "Technical failure, no money was taken"),
];
const REVERSED: Samples = &[
    ("order_status", "7"),
    ("status", "Reversed"),
    ("response", "Payment reversed, no money was taken"),
];
const REFUNDED: Samples = &[
    ("order_status", "12"),
    ("status", "Partial Refund"),
    ("response", "Payment refunded in part"),
    ("sequence", "2"),
];
const REFUND_DECLINED: Samples = &[
    ("response", "Refund declined by the bank, no money moved"),
    ("sequence", "2"),
    ("refundStatus", "declined"),
];
const REFUND_FAILED: Samples = &[
    ("response", "Refund failed for a technical reason, no money moved"),
    ("sequence", "2"),
    ("refundStatus", "failed"),
];

/// What is known of a type.
pub const fn entry(event_type: EventType) -> Entry {
    let (parts, samples): (&[&[Field]], Samples) = match event_type {
        EventType::PaymentAuthorised
        | EventType::PaymentCaptureDeclined
        | EventType::PaymentVoidDeclined => (&[&WEBHOOK_FIELDS], AUTHORISED),
        EventType::PaymentApproved => (&[&WEBHOOK_FIELDS], APPROVED),
        EventType::PaymentDeclined => (&[&WEBHOOK_FIELDS], DECLINED),
        EventType::PaymentExpired => (&[&WEBHOOK_FIELDS], EXPIRED),
        EventType::PaymentCancelled => (&[&WEBHOOK_FIELDS], CANCELLED),
        EventType::PaymentFailed => (&[&WEBHOOK_FIELDS], FAILED),
        EventType::PaymentReversed => (&[&WEBHOOK_FIELDS], REVERSED),
        EventType::RefundSucceeded => (REFUND_PARTS, REFUNDED),
        EventType::RefundDeclined => (REFUND_PARTS, REFUND_DECLINED),
        EventType::RefundFailed => (REFUND_PARTS, REFUND_FAILED),
        EventType::DisputeOpened => (&[OPENED], &[]),
        EventType::DisputeWon | EventType::DisputeLost => (&[DECIDED], &[]),
        EventType::SettlementCreated => (&[SETTLED], &[]),
        EventType::PayoutPaid => (&[PAID], &[]),
        EventType::PayoutFailed => (&[CAME_BACK], &[]),
        EventType::EndpointDisabled => (&[ENDPOINT], &[]),
    };
    Entry { event_type, parts, samples }
}

impl Entry {
    /// The fields of `data`.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        let own = |name| self.samples.iter().find(|(field, _)| *field == name);
        self.parts.iter().flat_map(|part| part.iter()).map(move |field| Field {
            sample: own(field.name).map_or(field.sample, |(_, sample)| sample),
            ..*field
        })
    }

    /// A sample of `data`; fields that a card payment does not have are left out.
    pub fn sample_data(&self) -> Fields {
        let known = self.fields().filter(|field| !field.sample.is_empty());
        Fields(known.map(|field| (field.name, field.sample.to_owned())).collect())
    }

    /// The body's schema, in JSON Schema draft 2020-12. What it does not name may come with a later
    /// release.
    pub fn schema(&self) -> Value {
        let mut schema = self.schema_around(&self.data_schema());
        if let Value::Object(schema) = &mut schema {
            let dialect = "https://json-schema.org/draft/2020-12/schema";
            schema.insert("$schema".to_owned(), Value::from(dialect));
        }
        schema
    }

    /// The schema of `data` alone.
    pub fn data_schema(&self) -> Value {
        let pair = |field: Field| (field.name.to_owned(), field_schema(&field));
        let properties: Map<String, Value> = self.fields().map(pair).collect();
        let required: Vec<&str> =
            self.fields().filter(is_always_there).map(|field| field.name).collect();
        json!({ "type": "object", "properties": properties, "required": required })
    }

    /// The body's schema with this one of `data`, which may be a reference.
    pub fn schema_around(&self, data: &Value) -> Value {
        json!({
            "title": self.event_type.name(),
            "description": self.event_type.sentence(),
            "type": "object",
            "properties": {
                "type": { "const": self.event_type.name() },
                "timestamp": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When it happened.",
                },
                "data": data,
            },
            "required": ["type", "timestamp", "data"],
        })
    }
}

/// A message about a refund always has the refund's fields.
const fn is_always_there(field: &Field) -> bool {
    match field.presence {
        Presence::Always | Presence::OfRefunds => true,
        Presence::OfCards
        | Presence::WhileCustomerActs
        | Presence::WhenKnown
        | Presence::OfNamedRefunds => false,
    }
}

fn field_schema(field: &Field) -> Value {
    if field.name == "order_status" {
        let codes: Vec<&str> = STATUSES.iter().map(|status| status.code).collect();
        return json!({ "type": "string", "enum": codes, "description": field.meaning.0 });
    }
    json!({ "type": "string", "description": field.meaning.0 })
}

/// Names and texts of an object, written in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields(pub Vec<(&'static str, String)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The body of a message to an endpoint, as Standard Webhooks recommends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Body {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: String,
    data: Fields,
}

/// The body of a message about this, which happened then.
pub fn body(event_type: EventType, at: Timestamp, data: Fields) -> Body {
    Body { event_type: event_type.name(), timestamp: at.to_rfc3339(), data }
}

/// `GET /api/v1/webhooks/event-types`: all types, for machines.
#[derive(Debug, Serialize)]
pub struct Catalogue {
    event_types: [Described; EventType::ALL.len()],
}

#[derive(Debug, Serialize)]
struct Described {
    #[serde(rename = "type")]
    event_type: &'static str,
    sentence: &'static str,
    sent: bool,
    schema: Value,
    sample: Body,
}

impl Described {
    fn of(event_type: EventType) -> Self {
        Self {
            event_type: event_type.name(),
            sentence: event_type.sentence(),
            sent: event_type.is_sent(),
            schema: entry(event_type).schema(),
            sample: sample(event_type),
        }
    }
}

/// The whole catalogue.
pub fn catalogue() -> Catalogue {
    Catalogue { event_types: EventType::ALL.map(Described::of) }
}

/// A sample of a whole body, at the moment of the other samples.
pub fn sample(event_type: EventType) -> Body {
    let at = Timestamp::from_micros(1_745_677_051_204_118);
    body(event_type, at, entry(event_type).sample_data())
}

#[cfg(test)]
mod tests;
