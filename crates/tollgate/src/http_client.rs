//! A small HTTP client for commands that talk to a gateway: plain http, no redirects followed,
//! bounded in time and size. And what those that leave the machine need for TLS.

use crate::failure::Failure;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a whole exchange may take. A bank may be slow; a gateway waits for it.
const PATIENCE: Duration = Duration::from_mins(1);
/// No page or answer of a gateway is larger.
const LARGEST_BODY: usize = 1 << 20;

/// Our name for others.
pub(crate) const AGENT: &str = concat!("Tollgate/", env!("CARGO_PKG_VERSION"));

/// A client that speaks TLS where an address asks for it. It follows no redirects.
pub(crate) type SecureClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts whom this configuration trusts.
pub(crate) fn secure(trusted: ClientConfig) -> SecureClient {
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(trusted).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new()).build(connector.build())
}

/// Trust in the public roots.
pub(crate) fn public_roots() -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::could_not("TLS", error))?;
    Ok(versions.with_webpki_roots().with_no_client_auth())
}

/// Whether what is sent there without TLS stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body, as text.
    pub(crate) body: String,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The client. It keeps cookies, as a browser does, but for one site only.
#[derive(Debug)]
pub(crate) struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
    cookies: BTreeMap<String, String>,
}

impl HttpClient {
    /// A client without cookies.
    pub(crate) fn new() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            cookies: BTreeMap::new(),
        }
    }

    /// Reads an address.
    pub(crate) async fn get(&mut self, url: &Url, accept: &str) -> Result<Answer, Failure> {
        let request = Request::builder().method(Method::GET).header(ACCEPT, accept);
        self.send(url, request, Bytes::new()).await
    }

    /// Sends a JSON text.
    pub(crate) async fn post_json(&mut self, url: &Url, body: String) -> Result<Answer, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        self.send(url, request, body.into()).await
    }

    /// Sends a form, as a page of that very site does.
    pub(crate) async fn post_form(
        &mut self,
        url: &Url,
        fields: &[(String, String)],
    ) -> Result<Answer, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ORIGIN, url.origin().ascii_serialization())
            .header(ACCEPT, "text/html");
        self.send(url, request, body.into()).await
    }

    async fn send(
        &mut self,
        url: &Url,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        if url.scheme() != "http" {
            return Err(Failure::Usage(format!(
                "{url}: this command speaks plain http only; give the gateway's own address, as \
                 http://127.0.0.1:9003"
            )));
        }
        let site = url.origin().ascii_serialization();
        let failed = |why: String| Failure::CouldNot(format!("no answer from {site}: {why}"));
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        let request = request
            .uri(url.as_str())
            .body(Full::new(body))
            .map_err(|error| failed(error.to_string()))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| because(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST_BODY).collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes();
            Ok::<_, String>((head, body))
        };
        let (head, body) = match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(exchanged) => exchanged.map_err(failed)?,
            Err(_elapsed) => {
                return Err(failed(format!("not within {} seconds", PATIENCE.as_secs())));
            }
        };
        self.keep_cookies(&head.headers);
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next());
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

/// The innermost reason, which is the one that helps: "Connection refused".
pub(crate) fn because(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
