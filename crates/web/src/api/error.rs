//! Errors as merchants see them: flat, in the family's shape, all problems at once; as RFC 9457
//! problem details when asked for (contract, section 1.2).

use crate::app::RequestId;
use crate::pressure::come_again_after;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// Problems that the API log names: more say nothing more.
const NUMBERS_AT_MOST: usize = 6;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The field as the page names it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) field: &'static str,
    /// The family's number.
    #[serde(rename = "error_number")]
    pub(crate) number: &'static str,
    /// What is wrong and which form is right.
    pub(crate) message: String,
}

impl Problem {
    /// Something about a field, under a number of its own.
    pub(crate) fn new(field: &'static str, number: &'static str, message: &str) -> Self {
        let message = if field.is_empty() || field == "body" {
            format!("{}{message}", if field.is_empty() { "" } else { "the body " })
        } else {
            format!("{field} {message}")
        };
        Self { field, number, message }
    }

    /// A wrong form, number 1043.
    pub(crate) fn form(field: &'static str, message: &str) -> Self {
        Self::new(field, "1043", message)
    }
}

/// How a caller wants errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// The family's own.
    Flat,
    /// RFC 9457 problem details.
    Problem,
}

impl ErrorForm {
    /// As the `Accept` header says.
    pub(crate) fn asked(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let wants_problem = accepted.any(|value| value.contains("application/problem+json"));
        if wants_problem { Self::Problem } else { Self::Flat }
    }
}

/// A request that was not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// What is wrong; never empty.
    pub(crate) problems: Vec<Problem>,
    /// The merchant's order id, when it could be read.
    pub(crate) reference: Option<String>,
    /// Seconds after which it may go better.
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    /// One problem that concerns no single field.
    pub(crate) fn new(status: StatusCode, number: &'static str, message: &str) -> Self {
        Self::of(status, vec![Problem::new("", number, message)])
    }

    /// Several problems.
    pub(crate) const fn of(status: StatusCode, problems: Vec<Problem>) -> Self {
        Self { status, problems, reference: None, retry_after: None }
    }

    /// Try again in a moment.
    pub(crate) fn busy() -> Self {
        let text =
            "busy at the moment, or the database does not answer: send the same request again";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "503", text);
        Self { retry_after: Some(come_again_after()), ..refusal }
    }

    /// Our fault: no detail goes out.
    pub(crate) fn fault() -> Self {
        let text = "something went wrong on our side; tell us the request_id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "500", text)
    }

    /// The numbers and fields, for the audit log: never a value.
    pub(crate) fn summary(&self) -> String {
        let mut summary = String::new();
        for problem in &self.problems {
            if !summary.is_empty() {
                summary.push(' ');
            }
            summary.push_str(problem.number);
            if !problem.field.is_empty() {
                summary.push(':');
                summary.push_str(problem.field);
            }
        }
        summary
    }

    /// The numbers and fields of the first few problems, for the API log: never a value.
    pub(crate) fn numbers(&self) -> String {
        let one = |problem: &Problem| format!("{} {}", problem.number, problem.field);
        let all: Vec<String> = self.problems.iter().take(NUMBERS_AT_MOST).map(one).collect();
        all.iter().map(|one| one.trim_end()).collect::<Vec<_>>().join(", ")
    }

    /// The answer, in the form that `Accept` asks for.
    pub(crate) fn into_answer(self, form: ErrorForm, request_id: &RequestId) -> Response {
        let first = self.problems.first();
        let number = first.map_or("500", |problem| problem.number);
        let message = first.map_or("", |problem| &problem.message);
        let (media, body) = if form == ErrorForm::Problem {
            let title = self.status.canonical_reason().unwrap_or("Error");
            let details = ProblemDetails {
                kind: format!("/developers/errors#error-{number}"),
                title,
                status: self.status.as_u16(),
                detail: message,
                instance: &request_id.0,
                error_number: number,
                errors: &self.problems,
                reference: self.reference.as_deref(),
            };
            ("application/problem+json", serde_json::to_string(&details))
        } else {
            let flat = FlatError {
                error_number: number,
                error_message: message,
                status: "Error",
                errors: &self.problems,
                reference: self.reference.as_deref(),
                request_id: &request_id.0,
            };
            ("application/json", serde_json::to_string(&flat))
        };
        let mut response = (self.status, body.unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[derive(Serialize)]
struct FlatError<'a> {
    error_number: &'a str,
    error_message: &'a str,
    status: &'a str,
    errors: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    error_number: &'a str,
    errors: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}
