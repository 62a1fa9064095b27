//! Values as JSON text, as both dialects keep them.

use domain::payment::Request;
use engine::error::CommitError;
use serde::Serialize;

/// Room for nearly every payment's request. Text that outgrows its room is copied, and what it leaves
/// behind is wiped.
const OF_REQUEST: usize = 768;

fn unavailable(error: &dyn std::fmt::Display) -> CommitError {
    CommitError::Unavailable(error.to_string())
}

/// A value as JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| unavailable(&error))
}

/// The request's words as JSON text.
pub(crate) fn json_of_request(request: &Request) -> Result<String, CommitError> {
    let mut text = Vec::with_capacity(OF_REQUEST);
    serde_json::to_writer(&mut text, request).map_err(|error| unavailable(&error))?;
    String::from_utf8(text).map_err(|error| unavailable(&error))
}
