//! `/api/v1/webhooks/` in the `OpenAPI` document and on the developers' pages: the log of
//! deliveries, replay, endpoints, the stream, the catalogue of event types.

use super::event_sections;
use super::open_api::{idempotency_key, replayed, with, with_errors};
use super::text::Prose;
use crate::api::{DELIVERY_FILTERS, ENDPOINT_FIELDS, REPLAY_FIELDS};
use crate::event_catalogue;
use domain::event_type::EventType;
use serde_json::{Map, Value, json};

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Its method, in capital letters.
    pub(super) method: &'static str,
    /// Its path.
    pub(super) path: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// Its `operationId`.
    id: &'static str,
    kind: Kind,
}

/// What a call takes and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ListDeliveries,
    ShowDelivery,
    Resend,
    Replay,
    Follow,
    ListEndpoints,
    AddEndpoint,
    ShowEndpoint,
    ChangeEndpoint,
    RemoveEndpoint,
    Rotate,
    Test,
    EventTypes,
}

const fn call(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    kind: Kind,
    summary: &'static str,
) -> Call {
    Call { method, path, summary, id, kind }
}

const DELIVERIES: &str = "/api/v1/webhooks/deliveries";
const DELIVERY: &str = "/api/v1/webhooks/deliveries/{id}";
const RESEND: &str = "/api/v1/webhooks/deliveries/{id}/resend";
const REPLAY: &str = "/api/v1/webhooks/replay";
const STREAM: &str = "/api/v1/webhooks/stream";
const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
const ENDPOINT: &str = "/api/v1/webhooks/endpoints/{number}";
const ROTATE: &str = "/api/v1/webhooks/endpoints/{number}/rotate-secret";
const TEST: &str = "/api/v1/webhooks/endpoints/{number}/test";
const EVENT_TYPES: &str = "/api/v1/webhooks/event-types";

/// All calls, in the order of the page.
pub(super) const CALLS: [Call; 13] = [
    call("GET", ENDPOINTS, "listEndpoints", Kind::ListEndpoints, "List the terminal's endpoints"),
    call("POST", ENDPOINTS, "addEndpoint", Kind::AddEndpoint, "Add an endpoint"),
    call("GET", ENDPOINT, "getEndpoint", Kind::ShowEndpoint, "Show an endpoint"),
    call(
        "PATCH",
        ENDPOINT,
        "changeEndpoint",
        Kind::ChangeEndpoint,
        "Change an endpoint; what is left out stays as it is",
    ),
    call("DELETE", ENDPOINT, "removeEndpoint", Kind::RemoveEndpoint, "Remove an endpoint"),
    call("POST", ROTATE, "rotateEndpointSecret", Kind::Rotate, "Give an endpoint a new secret"),
    call("POST", TEST, "testEndpoint", Kind::Test, "Send a sample, and tell what came back"),
    call(
        "GET",
        DELIVERIES,
        "listDeliveries",
        Kind::ListDeliveries,
        "List deliveries, newest first",
    ),
    call(
        "GET",
        DELIVERY,
        "getDelivery",
        Kind::ShowDelivery,
        "Show a delivery with its body and every attempt",
    ),
    call("POST", RESEND, "resendDelivery", Kind::Resend, "Send a delivery again"),
    call("POST", REPLAY, "replayDeliveries", Kind::Replay, "Send many deliveries again"),
    call("GET", STREAM, "followDeliveries", Kind::Follow, "Follow deliveries as they are written"),
    call("GET", EVENT_TYPES, "listEventTypes", Kind::EventTypes, "List all event types"),
];

/// Something that a call is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its name in the query or the body.
    pub(super) name: &'static str,
    /// What it says, and in which form.
    pub(super) rule: Prose,
    form: Form,
}

/// The form of what is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneOf(&'static [&'static str]),
    Text(u32),
    Number(u32),
    Payment,
    EventType,
    Patterns,
    Url,
    Flag,
}

const fn given(name: &'static str, form: Form, rule: &'static str) -> Given {
    Given { name, rule: Prose(rule), form }
}

const TIME: Form = Form::Text(40);

/// What narrows a list or a replay.
const FILTERS: [Given; 9] = [
    given(
        "state",
        Form::OneOf(&["pending", "delivered", "dead", "any"]),
        "`pending` (to be tried, or tried again), `delivered`, `dead` (given up) or `any`. Left out: \
         any in a list, `dead` in a replay.",
    ),
    given(
        "from",
        TIME,
        "Written then or later: a time such as `2025-04-26T14:16:06Z`, or a day such as \
         `2025-04-26`, which begins at midnight UTC.",
    ),
    given("until", TIME, "Written before then; in the form of `from`."),
    given("payment", Form::Payment, "About this `transID`."),
    given("endpoint", Form::Number(u32::MAX), "Sent to the endpoint of this number."),
    given("type", Form::EventType, "Of this event type, such as `payment.approved`."),
    given("cursor", Form::Text(200), "The `next_cursor` of the page before."),
    given("limit", Form::Number(100), "Deliveries on a page: 1 to 100, 20 when left out."),
    given(
        "dry_run",
        Form::Flag,
        "`true`: only tell how many there are, as `count`; nothing is sent.",
    ),
];

/// What is said of an endpoint.
const ENDPOINT_INPUT: [Given; 4] = [
    given(
        "url",
        Form::Url,
        "Where messages go: absolute, `http` or `https`, at most 2,048 characters. A live \
         terminal's must be `https`. Needed when it is added.",
    ),
    given(
        "events",
        Form::Patterns,
        "A list of 1 to 50 event types (`payment.approved`), groups (`payment.*`), or `*` for \
         all, also for those that come with later releases. Left out when it is added: all.",
    ),
    given("description", Form::Text(255), "What you call it, at most 255 characters."),
    given(
        "state",
        Form::OneOf(&["on", "off"]),
        "`on` or `off`. Switching it on again forgives what failed before. A new one is `on`.",
    ),
];

fn named<'a>(table: &'a [Given], names: &'a [&str]) -> impl Iterator<Item = Given> + 'a {
    let find = |name: &&str| table.iter().find(|given| given.name == *name).copied();
    names.iter().filter_map(find)
}

/// What a list of deliveries may be narrowed by.
pub(super) fn filters() -> Vec<Given> {
    named(&FILTERS, DELIVERY_FILTERS).collect()
}

/// What deliveries are replayed by.
pub(super) fn replay_fields() -> Vec<Given> {
    named(&FILTERS, REPLAY_FIELDS).collect()
}

/// What is said of an endpoint when it is added or changed.
pub(super) fn endpoint_fields() -> Vec<Given> {
    named(&ENDPOINT_INPUT, ENDPOINT_FIELDS).collect()
}

fn schema_of(given: &Given) -> Value {
    let schema = match given.form {
        Form::OneOf(values) => json!({ "type": "string", "enum": values }),
        Form::Text(longest) => json!({ "type": "string", "maxLength": longest }),
        Form::Number(largest) => json!({ "type": "integer", "minimum": 1, "maximum": largest }),
        Form::Payment => json!({ "type": "string", "pattern": "^[1-9][0-9]{17}$" }),
        Form::EventType => event_type(),
        Form::Patterns => json!({
            "type": "array", "minItems": 1, "maxItems": 50, "items": { "type": "string" },
        }),
        Form::Url => json!({ "type": "string", "format": "uri", "maxLength": 2048 }),
        Form::Flag => json!({ "type": "boolean" }),
    };
    with(schema, json!({ "description": given.rule.0 }))
}

fn event_type() -> Value {
    json!({ "type": "string", "enum": EventType::ALL.map(EventType::name) })
}

fn body_schema(fields: &[Given], required: &[&str]) -> Value {
    let pair = |given: &Given| (given.name.to_owned(), schema_of(given));
    let properties: Map<String, Value> = fields.iter().map(pair).collect();
    let schema = json!({
        "type": "object", "properties": properties, "additionalProperties": false,
    });
    if required.is_empty() { schema } else { with(schema, json!({ "required": required })) }
}

/// The paths.
pub(super) fn paths() -> Map<String, Value> {
    let mut paths: Map<String, Value> = Map::new();
    for call in CALLS {
        let item = paths.remove(call.path).unwrap_or_else(|| json!({}));
        let method = call.method.to_ascii_lowercase();
        let item = with(item, json!({ method: operation(&call) }));
        paths.insert(call.path.to_owned(), item);
    }
    paths
}

fn operation(call: &Call) -> Value {
    let operation = json!({
        "operationId": call.id, "tags": ["Webhooks"], "summary": call.summary,
        "responses": responses(call),
    });
    if call.kind == Kind::EventTypes {
        return operation;
    }
    let opened = json!({
        "security": [{ "privateKey": [] }, { "apiToken": [] }], "parameters": parameters(call),
    });
    with(with(operation, opened), request_body(call))
}

/// Done once under an `Idempotency-Key`.
const fn is_once(kind: Kind) -> bool {
    match kind {
        Kind::Resend | Kind::Replay | Kind::AddEndpoint | Kind::Rotate | Kind::Test => true,
        Kind::ListDeliveries
        | Kind::ShowDelivery
        | Kind::Follow
        | Kind::ListEndpoints
        | Kind::ShowEndpoint
        | Kind::ChangeEndpoint
        | Kind::RemoveEndpoint
        | Kind::EventTypes => false,
    }
}

fn parameters(call: &Call) -> Vec<Value> {
    let mut parameters = vec![json!({
        "name": "terNO", "in": "query", "required": true, "example": 42,
        "description": "The terminal that the private key belongs to, or one of the token's merchant.",
        "schema": { "type": "integer", "minimum": 1 },
    })];
    if call.path.contains("{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true,
            "description": "The delivery's webhook-id.",
            "schema": { "type": "string" }, "example": "msg_417823250426141606_1",
        }));
    }
    if call.path.contains("{number}") {
        parameters.push(json!({
            "name": "number", "in": "path", "required": true,
            "schema": { "type": "integer", "minimum": 1 }, "example": 1,
        }));
    }
    if call.kind == Kind::ListDeliveries {
        parameters.extend(filters().iter().map(|given| {
            json!({
                "name": given.name, "in": "query", "required": false,
                "description": given.rule.0, "schema": schema_of(given),
            })
        }));
    }
    if call.kind == Kind::Follow {
        parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false,
            "description": "The id of the event that was read last, to go on after it.",
            "schema": { "type": "string" },
        }));
    }
    if is_once(call.kind) {
        parameters.push(idempotency_key());
    }
    parameters
}

fn request_body(call: &Call) -> Value {
    let (schema, example) = match call.kind {
        Kind::AddEndpoint => (
            body_schema(&endpoint_fields(), &["url"]),
            json!({
                "url": "https://shop.example/events",
                "events": ["payment.*", "refund.*"],
                "description": "Warehouse",
            }),
        ),
        Kind::ChangeEndpoint => (body_schema(&endpoint_fields(), &[]), json!({ "state": "off" })),
        Kind::Replay => (
            body_schema(&replay_fields(), &[]),
            json!({ "from": "2025-04-26", "state": "dead", "dry_run": true }),
        ),
        Kind::Test => {
            let properties = json!({ "type": event_type() });
            let schema = json!({
                "type": "object", "properties": properties, "required": ["type"],
                "additionalProperties": false,
            });
            (schema, json!({ "type": "payment.approved" }))
        }
        Kind::ListDeliveries
        | Kind::ShowDelivery
        | Kind::Resend
        | Kind::Follow
        | Kind::ListEndpoints
        | Kind::ShowEndpoint
        | Kind::RemoveEndpoint
        | Kind::Rotate
        | Kind::EventTypes => return json!({}),
    };
    let is_needed = matches!(call.kind, Kind::AddEndpoint | Kind::Test);
    json!({ "requestBody": { "required": is_needed, "content": {
        "application/json": { "schema": schema, "example": example },
    } } })
}

fn responses(call: &Call) -> Value {
    let (status, description, schema, example) = match call.kind {
        Kind::ListDeliveries => ("200", "A page of the log.", "Deliveries", page_sample()),
        Kind::ShowDelivery => ("200", "The delivery.", "DeliveryDetail", detail_sample()),
        Kind::Resend => ("202", "It is due now.", "Resent", json!({ "id": SAMPLE_ID })),
        Kind::Replay => ("200", "How many.", "Replayed", json!({ "replayed": 3 })),
        Kind::Follow => return stream_responses(),
        Kind::ListEndpoints => {
            let example = json!({ "endpoints": [endpoint_sample()] });
            ("200", "All of this terminal's.", "Endpoints", example)
        }
        Kind::AddEndpoint => {
            ("201", "The endpoint; only now with its secret.", "Endpoint", with_secret())
        }
        Kind::ShowEndpoint | Kind::ChangeEndpoint => {
            ("200", "The endpoint.", "Endpoint", endpoint_sample())
        }
        Kind::RemoveEndpoint => ("200", "As it was last.", "Endpoint", endpoint_sample()),
        Kind::Rotate => {
            ("200", "The endpoint; only now with the secret.", "Endpoint", with_secret())
        }
        Kind::Test => ("200", "What came back.", "SampleSent", tried_sample()),
        Kind::EventTypes => {
            return json!({ "200": {
                "description": "The catalogue.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/EventTypes" },
                } },
            } });
        }
    };
    let reference = format!("#/components/schemas/{schema}");
    let answer = json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": reference }, "example": example } },
    });
    let headers = if is_once(call.kind) { json!({ "headers": replayed() }) } else { json!({}) };
    with_errors(json!({ status: with(answer, headers) }), |http| gives(call, http))
}

/// Whether a call gives errors of this HTTP status.
fn gives(call: &Call, http: u16) -> bool {
    match http {
        400 | 401 | 403 | 429 | 500 | 503 => true,
        404 => call.path.contains('{'),
        408 | 413 | 415 => matches!(call.method, "POST" | "PATCH"),
        409 | 422 => is_once(call.kind),
        _ => false,
    }
}

fn stream_responses() -> Value {
    let description = "Server-sent events until either side ends them: `event` is `delivery`, `id` \
        goes into Last-Event-ID later, `data` is JSON of the schema StreamedDelivery. A comment \
        every 15 seconds keeps the connection alive.";
    let answer = json!({ "200": {
        "description": description,
        "content": { "text/event-stream": { "schema": { "type": "string" } } },
    } });
    with_errors(answer, |http| matches!(http, 400 | 401 | 403 | 429 | 500 | 503))
}

const SAMPLE_ID: &str = "msg_417823250426141606_1_1";

fn delivery_sample() -> Value {
    json!({
        "id": SAMPLE_ID, "type": "payment.approved", "state": "dead",
        "url": "https://shop.example/events", "endpoint": 1, "transID": "417823250426141606",
        "created_at": "2025-04-26T14:17:31.204118Z", "attempts": 10,
        "last_attempt": attempt_sample(),
    })
}

fn attempt_sample() -> Value {
    json!({
        "at": "2025-04-29T17:40:02.118204Z", "status": 500, "duration_ms": 41,
        "answer": "Internal Server Error", "error": "answered 500",
    })
}

fn page_sample() -> Value {
    json!({ "deliveries": [delivery_sample()], "next_cursor": "MTc0NTY3NzA1MTIwNDExOCBtc2df" })
}

fn detail_sample() -> Value {
    let body = serde_json::to_string(&event_catalogue::sample(EventType::PaymentApproved));
    let more = json!({
        "content_type": "application/json", "body": body.unwrap_or_default(),
        "attempt_log": [attempt_sample()],
    });
    with(delivery_sample(), more)
}

fn endpoint_sample() -> Value {
    json!({
        "number": 1, "terNO": 42, "mode": "test", "url": "https://shop.example/events",
        "events": ["payment.*", "refund.*"], "description": "Warehouse", "state": "on",
        "state_since": "2025-04-26T14:00:00.000000Z", "created_at": "2025-04-26T14:00:00.000000Z",
        "secrets": [{ "created_at": "2025-04-26T14:00:00.000000Z" }],
    })
}

fn with_secret() -> Value {
    with(endpoint_sample(), json!({ "secret": "whsec_…" }))
}

fn tried_sample() -> Value {
    let body = serde_json::to_string(&event_catalogue::sample(EventType::PaymentApproved));
    json!({
        "id": "msg_sample_00c0ffee00c0ffee", "url": "https://shop.example/events",
        "body": body.unwrap_or_default(), "acknowledged": true, "status": 200,
        "duration_ms": 41, "answer": "ok",
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn time(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

fn object(properties: Value, required: &[&str]) -> Value {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), json!(required));
    Value::Object(schema)
}

/// The shapes of the answers, and of the bodies that endpoints get.
pub(super) fn schemas() -> Value {
    let of_delivery = ["id", "state", "url", "created_at", "attempts"];
    let of_detail = [&of_delivery[..], &["content_type", "body", "attempt_log"]].concat();
    let delivery = delivery_properties();
    let attempts = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Attempt" } });
    let detail = with(
        delivery.clone(),
        json!({
            "content_type": text("Of the body."),
            "body": text("What is sent, byte for byte, on every attempt."),
            "attempt_log": attempts,
        }),
    );
    let list = |name: &str| {
        let reference = format!("#/components/schemas/{name}");
        json!({ "type": "array", "items": { "$ref": reference } })
    };
    let count = json!({ "type": "integer", "minimum": 0 });
    let schemas = json!({
        "Delivery": object(delivery, &of_delivery),
        "DeliveryDetail": object(detail, &of_detail),
        "Attempt": attempt(),
        "Deliveries": object(
            json!({
                "deliveries": list("Delivery"),
                "next_cursor": text("Left out on the last page."),
            }),
            &["deliveries"],
        ),
        "Resent": object(json!({ "id": text("The delivery's webhook-id.") }), &["id"]),
        "Replayed": object(json!({ "replayed": count, "count": count }), &[]),
        "StreamedDelivery": streamed(),
        "Endpoint": endpoint(),
        "Endpoints": object(json!({ "endpoints": list("Endpoint") }), &["endpoints"]),
        "SampleSent": sample_sent(),
        "EventTypes": object(json!({ "event_types": list("EventType") }), &["event_types"]),
        "EventType": described(),
    });
    with(schemas, bodies())
}

fn delivery_properties() -> Value {
    json!({
        "id": text("webhook-id: the same over all attempts."),
        "type": with(event_type(), json!({
            "description": "Left out for what a release without event types wrote.",
        })),
        "state": { "type": "string", "enum": ["pending", "delivered", "dead"] },
        "url": text("Where it goes."),
        "endpoint": {
            "type": "integer", "description": "Left out where it goes to the payment's webhook_url.",
        },
        "transID": text("The payment that it tells of."),
        "created_at": time("When it was written."),
        "attempts": {
            "type": "integer", "description": "Attempts made since it was last begun.",
        },
        "next_at": time("When it is tried next, while it is pending."),
        "last_attempt": { "$ref": "#/components/schemas/Attempt" },
    })
}

fn attempt() -> Value {
    let properties = json!({
        "at": time("When it ended."),
        "status": { "type": "integer", "description": "HTTP, where there was an answer." },
        "duration_ms": { "type": "integer", "description": "Name and connection included." },
        "answer": text("The beginning of the answer's body, at most 2 KiB."),
        "error": text("What went wrong; left out when it was acknowledged."),
    });
    object(properties, &["at", "duration_ms"])
}

fn streamed() -> Value {
    let properties = json!({
        "id": text("webhook-id."),
        "type": event_type(),
        "url": text("Where the gateway itself sends it."),
        "created_at": time("When it was written."),
        "headers": {
            "type": "object", "additionalProperties": { "type": "string" },
            "description": "content-type, webhook-id, webhook-timestamp and webhook-signature, \
                signed when it was told.",
        },
        "body": text("What is sent, byte for byte."),
    });
    object(properties, &["id", "url", "created_at", "headers", "body"])
}

fn endpoint() -> Value {
    let facts = object(
        json!({
            "created_at": time("When it was made."),
            "retires_at": time("Until when it signs beside a newer one."),
        }),
        &["created_at"],
    );
    let properties = json!({
        "number": { "type": "integer", "minimum": 1 },
        "terNO": { "type": "integer" },
        "mode": { "type": "string", "enum": ["test", "live"] },
        "url": text("Where messages go."),
        "events": { "type": "array", "items": { "type": "string" } },
        "description": text("What its owner calls it; may be empty."),
        "state": {
            "type": "string", "enum": ["on", "off", "failed", "removed"],
            "description": "failed: switched off after five days in which nothing was acknowledged.",
        },
        "state_since": time("Since when."),
        "failing_since": time("Since when nothing was acknowledged; left out while all is well."),
        "created_at": time("When it was added."),
        "secrets": { "type": "array", "items": facts },
        "secret": text("The new signing secret: only in the answer that makes it, and in no \
            other one, not even in the same answer given again."),
    });
    let required = [
        "number",
        "mode",
        "url",
        "events",
        "description",
        "state",
        "state_since",
        "created_at",
        "secrets",
    ];
    object(properties, &required)
}

fn sample_sent() -> Value {
    let properties = json!({
        "id": text("The sample's webhook-id; it is in no log."),
        "url": text("Where it went."),
        "body": text("What was sent."),
        "acknowledged": { "type": "boolean", "description": "Whether the answer was a 2xx." },
        "status": { "type": "integer", "description": "HTTP, where there was an answer." },
        "duration_ms": { "type": "integer" },
        "answer": text("The beginning of the answer's body, at most 2 KiB."),
        "error": text("Why there was no answer."),
    });
    object(properties, &["id", "url", "body", "acknowledged", "duration_ms"])
}

fn described() -> Value {
    let properties = json!({
        "type": event_type(),
        "sentence": text("What happened."),
        "sent": {
            "type": "boolean",
            "description": "Whether this release sends it; the others come with later ones.",
        },
        "schema": { "type": "object", "description": "JSON Schema, draft 2020-12, of the body." },
        "sample": { "type": "object", "description": "A body." },
    });
    object(properties, &["type", "sentence", "sent", "schema", "sample"])
}

/// The bodies that endpoints get, and the objects in them that several types share.
fn bodies() -> Value {
    let mut all = Vec::new();
    let mut schemas = Map::new();
    for group in event_sections::groups() {
        let Some(first) = group.first() else { continue };
        let name = format!("EventData.{}", event_sections::title(&group).replace(".*", ""));
        let name = name.split(", ").next().unwrap_or_default().to_owned();
        let data = json!({ "$ref": format!("#/components/schemas/{name}") });
        schemas.insert(name, event_catalogue::entry(*first).data_schema());
        all.extend(group.iter().map(|one| event_catalogue::entry(*one).schema_around(&data)));
    }
    schemas.insert("Event".to_owned(), json!({ "oneOf": all }));
    Value::Object(schemas)
}

/// What the gateway sends to endpoints. `headers`: those of every webhook.
pub(super) fn event(headers: &Value) -> Value {
    json!({ "post": {
        "operationId": "eventHappened",
        "tags": ["Webhooks"],
        "security": [],
        "summary": "Something happened that an endpoint is told of",
        "description": "Sent to each endpoint that subscribes to its type, at least once, signed \
            by Standard Webhooks with the endpoint's own secret.",
        "parameters": headers,
        "requestBody": { "required": true, "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/Event" },
            "example": json!(event_catalogue::sample(EventType::PaymentApproved)),
        } } },
        "responses": {
            "2XX": { "description": "Acknowledged, when it comes within five seconds." },
            "default": { "description": "Tried again later." },
        },
    } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calls_read_is_what_the_reference_names() {
        for (named, read) in [
            (filters(), DELIVERY_FILTERS),
            (replay_fields(), REPLAY_FIELDS),
            (endpoint_fields(), ENDPOINT_FIELDS),
        ] {
            let named: Vec<&str> = named.iter().map(|given| given.name).collect();
            assert_eq!(named, read);
        }
    }
}
