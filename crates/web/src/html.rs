//! Answers with HTML: rendered by askama, under a strict content security policy.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// No third party, no inline script or style, no frames. Forms post to this site alone, but
/// Chromium applies `form-action` to the redirects after a post as well, and the last of them goes
/// to the shop, which may redirect further: hence any `http` or `https` address.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self' http: https:; \
    base-uri 'none'; frame-ancestors 'none'";

/// The same for a page whose one form goes to another origin, and to no other.
///
/// Chromium applies it to redirects after the post as well: a bank whose answer to the form is a
/// redirect to a further origin must be handed over to by a link instead.
pub fn policy_with_form_target(origin: &str) -> String {
    CONTENT_SECURITY_POLICY.replace("'self' http: https:", origin)
}

/// Renders a template as an answer with the security headers of every page.
pub fn page(status: StatusCode, template: &impl askama::Template) -> Response {
    let body = match template.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a template did not render");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    // The referrer policy is `same-origin`, not `no-referrer`: under the latter, browsers send
    // `Origin: null` with our own forms, and they could not be told from forged ones. Nothing
    // leaves the site under either.
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_hands_over_may_post_to_one_origin() {
        let policy = policy_with_form_target("https://bank.example");
        assert!(policy.contains("; form-action https://bank.example; "), "{policy}");
        assert_eq!(policy.matches("http").count(), 1);
    }
}
