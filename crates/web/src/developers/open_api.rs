//! The `OpenAPI` 3.1.0 document, built from the tables of the reference.

use super::answers::{
    self, FURTHER_FIELDS, Field, Presence, REFUND_FIELDS, REFUND_WEBHOOK_FIELDS, RESPONSE_FIELDS,
    STATUS_FIELDS, STATUSES, WEBHOOK_FIELDS,
};
use super::balance;
use super::encrypted;
use super::errors::ERRORS;
use super::methods;
use super::parameters::{Kind, PARAMETERS, Parameter, REFUND_PARAMETERS};
use super::payments;
use super::samples;
use super::webhook_calls;
use crate::pages::Language;
use serde_json::{Map, Value, json};

/// The document.
pub fn document(public_url: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tollgate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Simple Payment Gateway (S2S)",
            "description": "Server-to-server payments by card, net banking, wallet and UPI. \
                Unknown request fields are ignored; ignore unknown answer fields likewise.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": public_url }],
        "externalDocs": { "url": format!("{public_url}/developers") },
        "security": [],
        "tags": [
            { "name": "Payments", "description": "What a merchant's server calls." },
            { "name": "Webhooks", "description": "What a merchant's server is told, again if need \
                be, and where." },
            { "name": "Customer", "description": "What a cardholder's browser opens." },
            { "name": "Operations", "description": "What an operator's monitoring asks." },
            { "name": "Developers", "description": "This reference." },
        ],
        "paths": paths(public_url),
        "webhooks": {
            "paymentDecided": webhook(public_url),
            "eventHappened": webhook_calls::event(&webhook_headers()),
        },
        "components": {
            "schemas": schemas(),
            "responses": error_responses(),
            "securitySchemes": {
                "privateKey": balance::security_scheme(),
                "apiToken": payments::security_scheme(),
            },
        },
    })
}

fn paths(public_url: &str) -> Value {
    let mut paths = webhook_calls::paths();
    let mut add = |path: &str, item: Value| paths.insert(path.to_owned(), item);
    add("/api/s2s", create_payment(public_url));
    add("/api/s2s/encrypt", encrypted::creation(public_url));
    add("/api/transactions/refund-request", request_refund(public_url));
    add("/api/authurl/{transID}", customer_page(""));
    add("/api/authurl/auth_3ds/{transID}", customer_page("ByOlderName"));
    add("/api/authurl/{transID}/result", result_page());
    add("/api/authurl/{transID}/return", return_from_bank());
    add("/api/authurl/{transID}/events", events());
    add("/sandbox-bank/{order}", counter());
    add("/api/authurl/s2s/{transIDOrReference}", status_query(public_url));
    add("/api/methods", methods::question());
    add("/api/v1/payments", payments::question());
    add("/api/v1/balance", balance::question());
    add("/healthz", plain("getHealth", "Operations", "Whether the process runs", "text/plain"));
    add("/readyz", readiness());
    let metrics = "Metrics in the Prometheus text format";
    add("/metrics", plain("getMetrics", "Operations", metrics, "text/plain"));
    let scripts = "The scripts that the payment page runs";
    let path = "/.well-known/payment-page-scripts.json";
    add(path, plain("getPaymentPageScripts", "Customer", scripts, "application/json"));
    let this = "This document";
    add("/openapi.json", plain("getOpenApi", "Developers", this, "application/json"));
    let index = "Index of the developers' pages";
    add("/llms.txt", plain("getIndexAsText", "Developers", index, "text/plain"));
    add(
        "/",
        json!({ "get": {
        "operationId": "getHome", "tags": ["Developers"], "summary": "To the developers' pages",
        "responses": { "307": { "description": "To /developers." } },
    } }),
    );
    for page in super::pages::PAGES {
        let id = format!("read{}", page.path.replace(['/', '-'], "_"));
        add(page.path, plain(&id, "Developers", page.title, "text/html"));
    }
    add("/assets/{file}", asset());
    add("/assets/logo/{file}", logo());
    Value::Object(paths)
}

fn plain(id: &str, tag: &str, summary: &str, media_type: &str) -> Value {
    let schema = if media_type == "application/json" { "object" } else { "string" };
    json!({ "get": {
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "responses": { "200": {
            "description": summary,
            "content": { media_type: { "schema": { "type": schema } } },
        } },
    } })
}

fn asset() -> Value {
    let text = json!({ "schema": { "type": "string" } });
    json!({ "get": {
        "operationId": "getAsset",
        "tags": ["Customer", "Developers"],
        "summary": "A style sheet or script of the pages, named by its content",
        "parameters": [{
            "name": "file", "in": "path", "required": true, "schema": { "type": "string" },
        }],
        "responses": {
            "200": { "description": "The file.", "content": {
                "text/css": text, "text/javascript": text,
            } },
            "304": { "description": "The reader has it already." },
            "404": { "description": "No page uses it." },
        },
    } })
}

fn readiness() -> Value {
    json!({ "get": {
        "operationId": "getReadiness",
        "tags": ["Operations"],
        "summary": "Whether payments can be taken",
        "responses": {
            "200": { "description": "The database answers; the text says when more new payments come than are taken." },
            "503": { "description": "The database does not answer." },
        },
    } })
}

fn create_payment(public_url: &str) -> Value {
    let body = json!({ "schema": { "$ref": "#/components/schemas/CreatePayment" } });
    let example: Value = sample_request();
    let answer = answers::sample_object(&RESPONSE_FIELDS, public_url);
    json!({ "post": {
        "operationId": "createPayment",
        "tags": ["Payments"],
        "summary": "Create a payment",
        "description": "One order is never charged twice: the same request with the same \
            reference gets the first answer again, with the header Idempotent-Replayed. The fields \
            may also come encrypted, as at /api/s2s/encrypt.",
        "parameters": [idempotency_key()],
        "requestBody": { "required": true, "content": {
            "application/json": {
                "schema": { "$ref": "#/components/schemas/CreatePayment" },
                "example": example,
            },
            "application/x-www-form-urlencoded": body,
            "multipart/form-data": body,
        } },
        "responses": with_errors(
            json!({ "200": {
                "description": "The payment as it stands. A decline is a 200 too.",
                "headers": replayed(),
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Payment" },
                    "example": serde_json::from_str::<Value>(&answer).unwrap_or_default(),
                } },
            } }),
            |http| http != 404,
        ),
    } })
}

pub(super) fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        "description": "Optional: 1 to 255 visible ASCII characters, bare or in double \
            quotes. The same key and body get the first answer again; 409 while \
            the first request runs, 422 when the body differs.",
    })
}

fn request_refund(public_url: &str) -> Value {
    let body = json!({ "schema": { "$ref": "#/components/schemas/RequestRefund" } });
    let example: Map<String, Value> = REFUND_PARAMETERS
        .iter()
        .map(|parameter| (parameter.name.to_owned(), json!(parameter.sample)))
        .collect();
    let answer = answers::sample_object(&REFUND_FIELDS, public_url);
    json!({ "post": {
        "operationId": "requestRefund",
        "tags": ["Payments"],
        "summary": "Give money back, all of it or a part",
        "description": "Accepted at once, decided by the bank: a webhook tells how it ended. The \
            same refundReference and amount get the first answer again, with the header \
            Idempotent-Replayed. A live terminal's private key goes into the Authorization \
            header, unless the fields come encrypted, in encrypted_data as at /api/s2s/encrypt.",
        "parameters": [idempotency_key()],
        "security": [{}, { "privateKey": [] }],
        "requestBody": { "required": true, "content": {
            "application/json": {
                "schema": { "$ref": "#/components/schemas/RequestRefund" }, "example": example,
            },
            "application/x-www-form-urlencoded": body,
            "multipart/form-data": body,
        } },
        "responses": with_errors(
            json!({ "200": {
                "description": "The refund is accepted.",
                "headers": replayed(),
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/RefundAccepted" },
                    "example": serde_json::from_str::<Value>(&answer).unwrap_or_default(),
                } },
            } }),
            |_http| true,
        ),
    } })
}

pub(super) fn replayed() -> Value {
    json!({ "Idempotent-Replayed": {
        "description": "true when this is the first request's answer again.",
        "schema": { "type": "string", "const": "true" },
    } })
}

/// The body of the start page's command: an example that is run by a test.
fn sample_request() -> Value {
    let source = samples::FIRST_PAYMENT.source;
    let body = source.split('\'').find(|part| part.starts_with('{')).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_default()
}

fn trans_id_parameter() -> Value {
    json!({
        "name": "transID", "in": "path", "required": true,
        "description": "As authurl names the payment: by its number, or, where encryption_method \
            is aes256, only by a token.",
        "schema": { "type": "string", "pattern": "^([1-9][0-9]{17}|[A-Za-z0-9_-]{43}=)$" },
        "example": answers::TRANS_ID,
    })
}

/// The step of a payment, under either of its two names.
fn customer_page(suffix: &str) -> Value {
    json!({
        "parameters": [trans_id_parameter()],
        "get": {
            "operationId": format!("openCustomerPage{suffix}"), "tags": ["Customer"],
            "summary": "The step that the payment waits for",
            "parameters": [{
                "name": "again", "in": "query", "required": false,
                "description": "Why the step is shown again; the gateway adds it itself.",
                "schema": { "type": "string", "enum": ["wrong", "empty", "unavailable", "resent"] },
            }, language()],
            "responses": customer_answers(&["303", "404", "429", "500", "503"]),
        },
        "post": {
            "operationId": format!("answerCustomerPage{suffix}"), "tags": ["Customer"],
            "summary": "The customer's answer: a one-time password, a bank, or the wish to cancel",
            "description": "Browsers send this form. One that comes from another site's page is \
                refused with 403.",
            "requestBody": { "required": true, "content": {
                "application/x-www-form-urlencoded": { "schema": {
                    "type": "object",
                    "properties": {
                        "otp": {
                            "type": "string",
                            "description": "The one-time password; blanks in it are dropped.",
                        },
                        "resend": {
                            "type": "string",
                            "description": "Not empty: the customer asks for a new password.",
                        },
                        "bankcode": {
                            "type": "string",
                            "description": "The bank or wallet that the customer chose.",
                        },
                        "cancel": {
                            "type": "string",
                            "description": "Not empty: the customer gives up.",
                        },
                    },
                } },
            } },
            "responses": customer_answers(&["303", "403", "404", "413", "429", "500", "503"]),
        },
    })
}

fn result_page() -> Value {
    json!({
        "parameters": [trans_id_parameter()],
        "get": {
            "operationId": "openResultPage", "tags": ["Customer"],
            "summary": "What became of the payment, for the customer",
            "parameters": [language()],
            "responses": customer_answers(&["404", "429", "500", "503"]),
        },
    })
}

/// What chooses the language of a customer page.
fn language() -> Value {
    json!({
        "name": "lang", "in": "query", "required": false,
        "description": "The page's language; it wins over Accept-Language. One that we do not \
            have is not heard.",
        "schema": { "type": "string", "enum": Language::ALL.map(Language::code) },
    })
}

/// The way back from a bank: by a link, or by a form that the bank has the customer post.
fn return_from_bank() -> Value {
    let operation = |name: &str| {
        json!({
            "operationId": format!("{name}FromBank"), "tags": ["Customer"],
            "summary": "The customer comes back from the bank",
            "description": "What the bank adds to the address or posts is not read: the bank is \
                asked. 200 while it has not decided.",
            "responses": customer_answers(&["303", "404", "429", "500", "503"]),
        })
    };
    json!({
        "parameters": [trans_id_parameter()],
        "get": operation("return"),
        "post": operation("returnByForm"),
    })
}

fn events() -> Value {
    let told = json!({ "200": {
        "description": "One event `changed` when the payment goes on; the end after five minutes.",
        "content": { "text/event-stream": { "schema": { "type": "string" } } },
    }, "503": { "description": "Too many pages wait already." } });
    let others = customer_answers(&["404", "429", "500"]);
    json!({
        "parameters": [trans_id_parameter()],
        "get": {
            "operationId": "watchPayment", "tags": ["Customer"],
            "summary": "Tells a waiting page when the payment goes on, as server-sent events",
            "responses": with(others, told),
        },
    })
}

/// Where whoever tests plays the customer.
fn counter() -> Value {
    let answers = customer_answers(&["303", "403", "404", "413", "429", "500", "503"]);
    json!({
        "parameters": [{
            "name": "order", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The gateway's reference of the order at the sandbox bank.",
        }],
        "get": {
            "operationId": "openCounter", "tags": ["Customer"],
            "summary": "The sandbox bank's counter, where you play the customer of a test payment",
            "responses": customer_answers(&["404", "429", "500", "503"]),
        },
        "post": {
            "operationId": "decideAtCounter", "tags": ["Customer"],
            "summary": "The customer pays, is declined, or gives up",
            "requestBody": { "required": true, "content": {
                "application/x-www-form-urlencoded": { "schema": {
                    "type": "object",
                    "properties": { "decision": {
                        "type": "string", "enum": ["approve", "decline", "cancel"],
                        "description": "Left out, the counter is shown: the way by which a \
                            customer arrives with a form.",
                    } },
                } },
            } },
            "responses": answers,
        },
    })
}

fn logo() -> Value {
    json!({ "get": {
        "operationId": "getLogo",
        "tags": ["Customer"],
        "summary": "A terminal's logo, named by its content",
        "parameters": [{
            "name": "file", "in": "path", "required": true, "schema": { "type": "string" },
        }],
        "responses": {
            "200": { "description": "The picture.", "content": {
                "image/png": { "schema": {} }, "image/svg+xml": { "schema": { "type": "string" } },
            } },
            "404": { "description": "No terminal has this logo." },
        },
    } })
}

/// What a customer page answers besides its page: all of them pages in words.
fn customer_answers(others: &[&str]) -> Value {
    let html = json!({ "text/html": { "schema": { "type": "string" } } });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({ "description": "The page.", "content": html }));
    for status in others {
        let description = match *status {
            "303" => "On to return_url when the payment is decided, else to the page again.",
            "403" => "The form came from another site's page.",
            "404" => "No such payment.",
            "413" => "The form is too large.",
            "429" => "Too many unknown payment numbers from this address.",
            "500" => "Our fault.",
            _ => "Too many requests at the moment.",
        };
        let response = json!({ "description": description });
        // Of two redirects one has a page as its body and one has none.
        let content = if *status == "303" { json!({}) } else { json!({ "content": html }) };
        let waits = if matches!(*status, "429" | "503") { retry_after() } else { json!({}) };
        let response = with(with(response, content), waits);
        responses.insert((*status).to_owned(), response);
    }
    Value::Object(responses)
}

fn status_query(public_url: &str) -> Value {
    let answer = answers::sample_object(&answers::status_fields(), public_url);
    json!({ "get": {
        "operationId": "getPaymentStatus",
        "tags": ["Payments"],
        "summary": "Ask for a payment's status",
        "description": "By transID no key is needed. By your own reference, add public_key; the \
            newest attempt answers. A terminal may be set to demand the key for both.",
        "parameters": [
            {
                "name": "transIDOrReference", "in": "path", "required": true,
                "schema": { "type": "string", "maxLength": 128 },
                "example": answers::TRANS_ID,
            },
            {
                "name": "public_key", "in": "query", "required": false,
                "description": "Needed when the path names a reference, or the terminal demands \
                    it.",
                "schema": { "type": "string", "maxLength": 44 },
            },
        ],
        "responses": with_errors(
            json!({ "200": {
                "description": "The payment as it stands.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/PaymentStatus" },
                    "example": serde_json::from_str::<Value>(&answer).unwrap_or_default(),
                } },
            } }),
            |http| matches!(http, 400 | 401 | 403 | 404 | 429 | 500 | 503),
        ),
    } })
}

fn webhook(public_url: &str) -> Value {
    let sample = answers::sample_object(&WEBHOOK_FIELDS, public_url);
    json!({ "post": {
        "operationId": "paymentDecided",
        "tags": ["Payments"],
        "security": [],
        "summary": "A payment was decided",
        "description": "Sent to webhook_url on every change to a decided status and when a \
            refund is decided, at least once, signed by Standard Webhooks.",
        "parameters": webhook_headers(),
        "requestBody": { "required": true, "content": {
            "application/json": {
                "schema": { "$ref": "#/components/schemas/Webhook" },
                "example": serde_json::from_str::<Value>(&sample).unwrap_or_default(),
            },
            "application/x-www-form-urlencoded": { "schema": {
                "type": "object",
                "description": "With encryption_method aes256: the same fields, encrypted.",
                "properties": { "data": { "type": "string" } },
                "required": ["data"],
            } },
        } },
        "responses": {
            "2XX": { "description": "Acknowledged, when it comes within five seconds." },
            "default": { "description": "Tried again later." },
        },
    } })
}

/// What every webhook has.
fn webhook_headers() -> Value {
    let header = |name: &str, what: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": what,
            "schema": { "type": "string" },
        })
    };
    json!([
        header("webhook-id", "The delivery's name, the same over all retries."),
        header("webhook-timestamp", "When this attempt was made, in Unix seconds."),
        header("webhook-signature", "v1 and the base64 HMAC-SHA256; one per live secret."),
    ])
}

/// The answer on success, and the errors that this route can give, one per HTTP status.
pub(super) fn with_errors(mut responses: Value, applies: impl Fn(u16) -> bool) -> Value {
    if let Value::Object(map) = &mut responses {
        for http in ERRORS.iter().map(|e| e.http).filter(|http| *http != 405 && applies(*http)) {
            let reference = format!("#/components/responses/Error{http}");
            map.insert(http.to_string(), json!({ "$ref": reference }));
        }
    }
    responses
}

fn error_responses() -> Value {
    let mut responses = Map::new();
    for http in ERRORS.iter().map(|error| error.http).filter(|http| *http != 405) {
        let of_http = ERRORS.iter().filter(|error| error.http == http);
        let lines: Vec<String> =
            of_http.map(|error| format!("{}: {}", error.number, error.meaning.0)).collect();
        let response = json!({
            "description": lines.join("\n\n"),
            "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Error" } },
                "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                },
            },
        });
        let response =
            if matches!(http, 409 | 429 | 503) { with(response, retry_after()) } else { response };
        responses.insert(format!("Error{http}"), response);
    }
    Value::Object(responses)
}

fn retry_after() -> Value {
    json!({ "headers": { "Retry-After": {
        "description": "Seconds to wait; not in every answer.", "schema": { "type": "integer" },
    } } })
}

fn schemas() -> Value {
    let with_further = [&RESPONSE_FIELDS[..], &FURTHER_FIELDS].concat();
    let with_status = [&answers::status_fields()[..], &FURTHER_FIELDS, &STATUS_FIELDS].concat();
    let webhook = [&WEBHOOK_FIELDS[..], &REFUND_WEBHOOK_FIELDS].concat();
    let own = json!({
        "CreatePayment": request_schema(&PARAMETERS),
        "EncryptedRequest": encrypted::schema(),
        "RequestRefund": request_schema(&REFUND_PARAMETERS),
        "RefundAccepted": answer_schema(&REFUND_FIELDS),
        "Payment": answer_schema(&with_further),
        "PaymentStatus": answer_schema(&with_status),
        "Webhook": answer_schema(&webhook),
        "Error": error_schema(),
        "Problem": problem_schema(),
        "Balance": balance::schema(),
        "Payments": payments::schema(),
        "Methods": methods::schema(),
    });
    with(own, webhook_calls::schemas())
}

fn request_schema(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> =
        parameters.iter().map(|p| (p.name.to_owned(), parameter_schema(p))).collect();
    let required: Vec<&str> = parameters.iter().filter(|p| p.required).map(|p| p.name).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let conditions = conditions(parameters);
    if conditions.is_empty() { schema } else { with(schema, json!({ "allOf": conditions })) }
}

/// What a method needs besides, as JSON Schema says it.
fn conditions(parameters: &[Parameter]) -> Vec<Value> {
    let mut needs: Vec<(&[&str], Vec<&str>)> = Vec::new();
    for parameter in parameters.iter().filter(|parameter| !parameter.needed_for.is_empty()) {
        match needs.iter_mut().find(|(methods, _)| *methods == parameter.needed_for) {
            Some((_, names)) => names.push(parameter.name),
            None => needs.push((parameter.needed_for, vec![parameter.name])),
        }
    }
    let condition = |(methods, names)| {
        json!({
            "if": { "properties": { "mop": { "enum": methods } }, "required": ["mop"] },
            "then": { "required": names },
        })
    };
    needs.into_iter().map(condition).collect()
}

fn parameter_schema(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Choice(values) => json!({ "type": "string", "enum": values }),
        Kind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Digits(pattern) => json!({ "anyOf": [
            { "type": "string", "pattern": pattern },
            { "type": "integer", "minimum": 0 },
        ] }),
        Kind::Integer => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]{1,18}$" },
        ] }),
        Kind::Amount => json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]{1,8}(\\.[0-9]{1,2})?$" },
            { "type": "number", "exclusiveMinimum": 0, "maximum": 99_999_999.99 },
        ] }),
    };
    let length = match (parameter.kind, parameter.max_length) {
        (Kind::Text | Kind::Url, Some(max)) => json!({ "maxLength": max }),
        _ => json!({}),
    };
    let words = json!({
        "description": format!("{}. {}", parameter.class.letter(), parameter.rule.0),
        "examples": [parameter.sample],
    });
    with(with(schema, length), words)
}

fn answer_schema(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let schema = json!({ "type": "string", "description": field.meaning.0 });
        let codes: Vec<&str> = STATUSES.iter().map(|status| status.code).collect();
        let is_status = field.name == "order_status";
        let schema = if is_status { with(schema, json!({ "enum": codes })) } else { schema };
        properties.insert(field.name.to_owned(), schema);
    }
    let always = |field: &&Field| matches!(field.presence, Presence::Always);
    let required: Vec<&str> = fields.iter().filter(always).map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn error_properties() -> Value {
    json!({
        "error_number": { "type": "string", "description": "Of the first entry in errors." },
        "errors": { "type": "array", "minItems": 1, "items": {
            "type": "object",
            "properties": {
                "field": { "type": "string" },
                "error_number": { "type": "string" },
                "message": { "type": "string" },
            },
            "required": ["error_number", "message"],
        } },
        "reference": { "type": "string", "description": "When it could be read." },
    })
}

fn error_schema() -> Value {
    let own = json!({
        "error_message": { "type": "string", "description": "Of the first entry in errors." },
        "status": { "type": "string", "const": "Error" },
        "request_id": { "type": "string", "description": "For the operator's log." },
    });
    let properties = with(error_properties(), own);
    json!({
        "type": "object",
        "properties": properties,
        "required": ["error_number", "error_message", "status", "errors", "request_id"],
        "examples": [{
            "error_number": "1111", "error_message": "bill_amt is missing", "status": "Error",
            "errors": [{
                "field": "bill_amt", "error_number": "1111", "message": "bill_amt is missing",
            }],
            "reference": "order-1001", "request_id": "0197c9b0-7f3c-7b0e-9f5e-3a1d2c4b5a69",
        }],
    })
}

/// RFC 9457, sent when the request's Accept header asks for it. Its `status` is the HTTP number.
fn problem_schema() -> Value {
    let own = json!({
        "type": { "type": "string", "format": "uri-reference" },
        "title": { "type": "string" },
        "detail": { "type": "string" },
        "status": { "type": "integer" },
        "instance": { "type": "string", "description": "The request_id." },
    });
    let properties = with(error_properties(), own);
    json!({
        "type": "object",
        "properties": properties,
        "required": ["type", "title", "status", "detail", "instance", "error_number", "errors"],
        "description": "RFC 9457; sent when the request's Accept header asks for it.",
    })
}

/// The first object with the second one's entries.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// Which of these axum route strings the document does not name.
pub fn undocumented<'a>(document: &Value, routes: &[&'a str]) -> Vec<&'a str> {
    let named = |route: &str| document.get("paths").is_some_and(|paths| paths.get(route).is_some());
    routes.iter().copied().filter(|route| !named(route)).collect()
}
