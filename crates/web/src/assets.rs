//! Style sheets and scripts of the pages: embedded, named by their content, and those of the
//! customer pages listed for who must account for every script on a payment page (PCI DSS 4.0.1, 6.4.3 and 11.6.1).

use crate::app::App;
use aws_lc_rs::digest::{SHA384, digest};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::io::Write as _;
use std::sync::LazyLock;

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// `/assets/<name>.<content-hash>.<ext>`
    pub path: String,
    /// For the `integrity` attribute: `sha384-` and standard base64.
    pub integrity: String,
    /// Why the pages need it, for the inventory.
    reason: &'static str,
    content_type: &'static str,
    /// The digest, which validators are made of.
    digest: String,
    body: &'static str,
    /// The same, compressed once for all. Assets hold no secret, so that their length may tell
    /// of their content; pages do, and are not compressed (BREACH).
    gzip: Option<Vec<u8>>,
}

/// The style sheet of the customer pages.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("pay", "css"),
        "text/css; charset=utf-8",
        "Layout and colours of the customer pages.",
        include_str!("../assets/pay.css"),
    )
});

/// The script of the customer pages. Every page works without it.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("pay", "js"),
        "text/javascript; charset=utf-8",
        "Shows the time left, sends a form once, and moves on when the bank has decided. Reads no \
         card data and talks to nobody but this gateway.",
        include_str!("../assets/pay.js"),
    )
});

/// The style sheet of the developers' pages.
pub static DEVELOPERS_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("developers", "css"),
        "text/css; charset=utf-8",
        "Layout and colours of the developers' pages.",
        include_str!("../assets/developers.css"),
    )
});

/// The script of the developers' pages. Every page works without it.
pub static DEVELOPERS_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("developers", "js"),
        "text/javascript; charset=utf-8",
        "Copies samples, and remembers the reader's language.",
        include_str!("../assets/developers.js"),
    )
});

/// The style sheet of the portal and the office.
pub static PORTAL_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("portal", "css"),
        "text/css; charset=utf-8",
        "Layout and colours of the portal and the office.",
        include_str!("../assets/portal.css"),
    )
});

/// The script of the portal and the office. Every page works without it.
pub static PORTAL_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        ("portal", "js"),
        "text/javascript; charset=utf-8",
        "Copies keys, searches as one types, and asks before what cannot be undone.",
        include_str!("../assets/portal.js"),
    )
});

impl Asset {
    fn new(
        (name, extension): (&str, &str),
        content_type: &'static str,
        reason: &'static str,
        body: &'static str,
    ) -> Self {
        let hash = digest(&SHA384, body.as_bytes());
        let short = hash.as_ref().get(..12).unwrap_or_default();
        Self {
            path: format!("/assets/{name}.{}.{extension}", URL_SAFE_NO_PAD.encode(short)),
            integrity: format!("sha384-{}", STANDARD.encode(hash)),
            reason,
            content_type,
            digest: URL_SAFE_NO_PAD.encode(hash),
            body,
            gzip: compressed(body).ok(),
        }
    }
}

fn compressed(body: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body.as_bytes())?;
    encoder.finish()
}

/// Whether the browser takes gzip (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let refused =
            weight.trim().trim_start_matches("q=").trim_end_matches(['0', '.']).is_empty();
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The embedded files' route, which needs nothing of the gateway.
pub fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(asset))
}

/// The embedded files and the inventory of scripts.
pub(crate) fn routes() -> Router<App> {
    files().route("/.well-known/payment-page-scripts.json", get(scripts))
}

/// `GET /assets/{file}`. A name whose content is gone is not found: its page is gone as well.
async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let wanted = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(&*file);
    let assets = [
        &*STYLE,
        &*SCRIPT,
        &*DEVELOPERS_STYLE,
        &*DEVELOPERS_SCRIPT,
        &*PORTAL_STYLE,
        &*PORTAL_SCRIPT,
    ];
    let Some(asset) = assets.into_iter().find(wanted) else {
        // A terminal's colours, which follow from the name.
        return crate::pages::style_sheet_named(&file)
            .map_or_else(|| StatusCode::NOT_FOUND.into_response(), kept);
    };
    let gzip = asset.gzip.as_deref().filter(|_| takes_gzip(&headers));
    // A strong validator names the bytes as they are sent.
    let encoding = if gzip.is_some() { "-gzip" } else { "" };
    let tag = format!("\"{}{encoding}\"", asset.digest);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if let Some(gzip) = gzip {
        ([(header::CONTENT_ENCODING, "gzip")], gzip).into_response()
    } else {
        asset.body.into_response()
    };
    for (name, value) in [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, &tag),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A style sheet that is named by all that it depends on.
fn kept(css: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers, css).into_response()
}

/// `GET /.well-known/payment-page-scripts.json`: every script that a customer page may run.
async fn scripts(State(app): State<App>) -> Response {
    let inventory = json!({
        "scripts": [{
            "url": format!("{}{}", app.site.public_url, SCRIPT.path),
            "integrity": SCRIPT.integrity,
            "reason": SCRIPT.reason,
        }],
        "content_security_policy": crate::html::CONTENT_SECURITY_POLICY,
    });
    ([(header::CONTENT_TYPE, "application/json")], inventory.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    async fn answer(headers: &[(HeaderName, &str)]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value.parse().unwrap());
        }
        asset(Path(STYLE.path.trim_start_matches("/assets/").to_owned()), map).await
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_the_same_in_fewer_bytes() {
        for (accepted, compressed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, br", false),
            ("br", false),
            ("x-gzip-like", false),
        ] {
            let response = answer(&[(header::ACCEPT_ENCODING, accepted)]).await;
            let encoding = response.headers().get(header::CONTENT_ENCODING).cloned();
            assert_eq!(encoding.is_some(), compressed, "{accepted}");
            let tag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
            let mut text = String::new();
            if compressed {
                assert!(body.len() * 3 < STYLE.body.len());
                GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
            } else {
                text = String::from_utf8(body.to_vec()).unwrap();
            }
            assert_eq!(text, STYLE.body);
            let again = [(header::ACCEPT_ENCODING, accepted), (header::IF_NONE_MATCH, &tag)];
            assert_eq!(answer(&again).await.status(), StatusCode::NOT_MODIFIED);
        }
    }
}
