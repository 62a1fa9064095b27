//! Request bodies: bounded in size and in time.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::time::Duration;

/// A body that has not arrived within this time is refused.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// Reads a body of at most so many bytes.
pub(crate) async fn read_body(mut body: Body, most: usize) -> Result<Bytes, BodyError> {
    let hint = http_body::Body::size_hint(&body).lower();
    if usize::try_from(hint).is_ok_and(|hint| hint > most) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(TIME_LIMIT, collect(&mut body, most))
        .await
        .map_err(|_elapsed| BodyError::TooSlow)?
}

/// One frame, the usual case, is passed on without a copy.
async fn collect(body: &mut Body, most: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_io| BodyError::Broken)?.into_data() else { continue };
        let total = first.len().saturating_add(rest.len()).saturating_add(data.len());
        if total > most {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len().saturating_add(rest.len()));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}
