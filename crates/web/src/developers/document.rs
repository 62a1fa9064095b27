//! Answers that do not change while the process runs: rendered once, served with an entity tag.

use crate::html::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use bytes::Bytes;

/// A rendered answer.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    body: Bytes,
    content_type: &'static str,
    tag: HeaderValue,
}

impl Document {
    /// Takes the body over; its digest becomes the entity tag.
    pub(crate) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let tag = format!("\"{}\"", engine.encode(digest));
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, content_type, tag }
    }

    /// The answer: the body, or 304 when the reader has it already.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if self.reader_has_it(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.clone().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::ETAG, self.tag.clone());
        for (name, value) in [
            // Kept by caches, and asked for again each time: an upgrade shows at once.
            (header::CACHE_CONTROL, "public, no-cache"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// RFC 9110, section 13.1.2: a list of tags, compared weakly, or `*`.
    fn reader_has_it(&self, request: &HeaderMap) -> bool {
        let Ok(tag) = self.tag.to_str() else { return false };
        request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(|given| given.trim().trim_start_matches("W/"))
            .any(|given| given == "*" || given == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(document: &Document, tags: &str) -> StatusCode {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tags).unwrap());
        document.answer(&headers).status()
    }

    #[test]
    fn a_reader_with_the_tag_gets_no_body() {
        let document = Document::new("text/plain", "hello");
        let tag = document.tag.to_str().unwrap().to_owned();
        assert_eq!(document.answer(&HeaderMap::new()).status(), StatusCode::OK);
        for tags in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(ask(&document, &tags), StatusCode::NOT_MODIFIED, "{tags}");
        }
        assert_eq!(ask(&document, "\"x\""), StatusCode::OK);
        let other = Document::new("text/plain", "hello!");
        assert_eq!(ask(&other, &tag), StatusCode::OK);
    }
}
