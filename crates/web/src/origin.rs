//! Against forms that another website makes a customer's browser send.

use crate::app::Site;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// Whether a browser says that the request comes from another site. What is no browser says
/// nothing, and has no customer to deceive.
pub(crate) fn is_another_site(site: &Site, uri: &Uri, headers: &HeaderMap) -> bool {
    if headers.get("sec-fetch-site").is_some_and(|value| value == "cross-site") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    // Not text: no browser wrote it.
    let Ok(origin) = origin.to_str() else { return true };
    if origin.eq_ignore_ascii_case(site.origin()) {
        return false;
    }
    // The gateway may be reached by other names than its public one, as on a developer's machine.
    // HTTP/2 has the host in the target instead of a header.
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| uri.authority().map(Authority::as_str));
    let origin_host = origin.split_once("://").map(|(_scheme, host)| host);
    match (origin_host, host) {
        (Some(theirs), Some(ours)) => !theirs.eq_ignore_ascii_case(ours),
        (None, _) | (_, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_forms_are_taken() {
        let site = Site { public_url: "https://pay.example/gate".to_owned() };
        let uri: Uri = "/api/authurl/1".parse().unwrap();
        for (fetch_site, origin, host, refused) in [
            (None, None, Some("pay.example"), false),
            (Some("same-origin"), Some("https://pay.example"), Some("pay.example"), false),
            (Some("none"), None, Some("pay.example"), false),
            (Some("cross-site"), None, Some("pay.example"), true),
            (Some("cross-site"), Some("https://pay.example"), Some("pay.example"), true),
            (Some("same-site"), Some("https://evil.example"), Some("pay.example"), true),
            (None, Some("https://evil.example"), Some("pay.example"), true),
            (None, Some("https://pay.example.evil.example"), Some("pay.example"), true),
            (None, Some("null"), Some("pay.example"), true),
            (None, Some("null"), None, true),
            (None, Some("http://127.0.0.1:9003"), Some("127.0.0.1:9003"), false),
            (None, Some("http://127.0.0.1:9004"), Some("127.0.0.1:9003"), true),
            (None, Some("https://PAY.example"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [("sec-fetch-site", fetch_site), ("origin", origin), ("host", host)]
            {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_another_site(&site, &uri, &headers), refused, "{headers:?}");
        }
        let uri: Uri = "http://127.0.0.1:9003/api/authurl/1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("origin", "http://127.0.0.1:9003".parse().unwrap());
        assert!(!is_another_site(&site, &uri, &headers));
    }
}
