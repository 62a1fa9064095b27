//! Request bodies: bounded in size and in time.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::BodyExt;
use std::time::Duration;

/// A body that has not arrived within this time is refused.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The largest that is taken out of the way when nobody reads it, in bytes.
const DISCARDED_AT_MOST: u64 = 64 * 1024;
/// How long one that nobody reads is waited for.
const DISCARDED_WITHIN: Duration = Duration::from_millis(25);

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

/// Takes a body that nobody reads out of the way, so that a small one, just on its way, does not
/// make the connection break before its sender has read the answer. It is not waited for long, and
/// who asked whether to send it at all is not encouraged.
pub(crate) async fn discard_body(headers: &HeaderMap, mut body: Body) {
    let hint = http_body::Body::size_hint(&body).lower();
    if headers.contains_key(EXPECT) || hint > DISCARDED_AT_MOST {
        return;
    }
    let mut came = 0_u64;
    let discard = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            came = came.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            if came > DISCARDED_AT_MOST {
                return;
            }
        }
    };
    // The answer is due; what has not come by then costs the sender a connection.
    let _late = tokio::time::timeout(DISCARDED_WITHIN, discard).await;
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
