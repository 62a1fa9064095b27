//! The guarded way out: posts to merchants' servers without letting a merchant choose what inside
//! our network is reached.
//!
//! A name is resolved once, each address that comes back is judged, and a judged address is dialled
//! by its number: what the name means a moment later does not matter. Redirects are answers like
//! any other, proxies are not asked, and a deadline spans the whole exchange.

mod identity;

pub use identity::{ClientIdentity, IdentityError};

use async_trait::async_trait;
use bytes::Bytes;
use domain::address::classify;
use domain::destination::{Destinations, Dialled};
use domain::terminal::Mode;
use engine::ports::{Dialer, Post, PostResult};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use identity::client_config;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use url::Url;

/// Most bytes of an answer's body that are read; most of them only so that the connection can be
/// used again.
const BODY_AT_MOST: usize = 64 * 1024;
/// Most bytes of an answer's body that are told on.
const TOLD_AT_MOST: usize = 2048;
/// Of the longest character in UTF-8: with so many more, one that is begun in time is whole.
const LONGEST_CHARACTER: usize = 4;
/// Most bytes of an answer's head.
const HEAD_AT_MOST: usize = 64 * 1024;
/// Idle connections kept per receiver: as many as there are posts in flight.
const IDLE_PER_RECEIVER: usize = 256;
/// Shorter than the keep-alive of common servers, so that we hang up first.
const IDLE_AT_MOST: Duration = Duration::from_secs(15);
/// Addresses of one name that are tried.
const ADDRESSES_AT_MOST: usize = 4;
/// Names looked up at once. A lookup holds a thread of the runtime's blocking pool, and a hostile
/// name server can hold it for long; other work needs that pool too.
const LOOKUPS_AT_ONCE: usize = 64;
/// How long connections to all addresses of a name may take, before TLS.
const CONNECT_AT_MOST: Duration = Duration::from_secs(3);

/// How the way out is guarded.
#[derive(Clone, Debug)]
pub struct DialerSettings {
    /// What may be dialled.
    pub destinations: Destinations,
    /// How long a whole exchange may take: name, connection, TLS, head and body.
    pub exchange_timeout: Duration,
    /// Certificates (DER) of roots that are trusted beside the public ones.
    pub extra_roots: Vec<Vec<u8>>,
    /// What we show to receivers that ask for a certificate.
    pub identity: Option<ClientIdentity>,
}

impl Default for DialerSettings {
    fn default() -> Self {
        Self {
            destinations: Destinations::default(),
            exchange_timeout: Duration::from_secs(5),
            extra_roots: Vec::new(),
            identity: None,
        }
    }
}

/// The dialer could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the way out cannot be set up: {0}")]
pub struct DialerError(#[from] rustls::Error);

/// Why there was no answer. Few and uniform words: whoever chose the address reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("the address is not valid")]
    Invalid,
    #[error("a header is not valid")]
    Header,
    #[error("the address must be https")]
    NotHttps,
    #[error("the address is not allowed")]
    NotAllowed,
    #[error("the name could not be resolved")]
    NoName,
    #[error("could not connect")]
    NoConnection,
    #[error("TLS failed")]
    Tls,
    #[error("timed out")]
    TimedOut,
    #[error("no valid answer")]
    NoAnswer,
}

/// The dialer. Cheap to share; its connections are pooled per receiver.
#[derive(Debug)]
pub struct GuardedDialer {
    client: Client<Bounded, Full<Bytes>>,
    exchange_timeout: Duration,
}

impl GuardedDialer {
    /// Sets up the pool. Fails when an extra root is no certificate.
    pub fn new(settings: &DialerSettings) -> Result<Self, DialerError> {
        let free = Arc::new(Semaphore::new(LOOKUPS_AT_ONCE));
        Self::with_names(settings, Arc::new(SystemNames { free }))
    }

    fn with_names(settings: &DialerSettings, names: Arc<dyn Names>) -> Result<Self, DialerError> {
        let timeout = settings.exchange_timeout;
        let destinations = Arc::new(settings.destinations.clone());
        let guard = Guard { names, destinations, timeout };
        let secured = HttpsConnector::from((
            guard,
            client_config(&settings.extra_roots, settings.identity.as_ref())?,
        ));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_AT_MOST)
            .pool_max_idle_per_host(IDLE_PER_RECEIVER)
            .http1_max_buf_size(HEAD_AT_MOST)
            .build(Bounded { secured, timeout });
        Ok(Self { client, exchange_timeout: timeout })
    }
}

#[async_trait]
impl Dialer for GuardedDialer {
    async fn post(&self, post: Post<'_>) -> PostResult {
        let request = match request(&post) {
            Ok(request) => request,
            Err(failure) => return PostResult::Failed(failure.to_string()),
        };
        let mut answered = None;
        let mut begun = Vec::new();
        let exchange = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            answered = Some((head.status.as_u16(), retry_after(&head.headers)));
            read(body, &mut begun).await;
            Ok::<(), legacy::Error>(())
        };
        let ended = tokio::time::timeout(self.exchange_timeout, exchange).await;
        // The head is the answer. A body that fails or takes too long only costs the connection.
        match (answered, ended) {
            (Some((status, retry_after)), _) => {
                PostResult::Answered { status, retry_after, body: harmless(&begun) }
            }
            (None, Ok(Err(error))) => {
                let failure = failure_of(&error);
                let id = post.webhook_id;
                // With its sources, for the operator; the merchant reads the uniform words.
                let error: &dyn Error = &error;
                tracing::debug!(id, error, "no answer");
                PostResult::Failed(failure.to_string())
            }
            (None, Ok(Ok(())) | Err(_)) => PostResult::Failed(Failure::TimedOut.to_string()),
        }
    }
}

/// The request, when its address may be asked at all.
fn request(post: &Post<'_>) -> Result<Request<Full<Bytes>>, Failure> {
    let mut url = Url::parse(post.url).map_err(|_reason| Failure::Invalid)?;
    url.set_fragment(None);
    match (url.scheme(), post.mode) {
        ("https", Mode::Live | Mode::Test) | ("http", Mode::Test) => {}
        ("http", Mode::Live) => return Err(Failure::NotHttps),
        (_, Mode::Live | Mode::Test) => return Err(Failure::Invalid),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::Invalid);
    }
    let uri: Uri = url.as_str().parse().map_err(|_reason| Failure::Invalid)?;
    let mut request = Request::new(Full::new(Bytes::copy_from_slice(post.body.as_bytes())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("Tollgate/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in post.headers {
        let value = HeaderValue::from_str(value).map_err(|_reason| Failure::Header)?;
        let name: HeaderName = name.parse().map_err(|_reason| Failure::Header)?;
        headers.insert(name, value);
    }
    Ok(request)
}
/// Reads the body to its end or to the limit, whichever comes first, and keeps its beginning.
async fn read(mut body: Incoming, begun: &mut Vec<u8>) {
    let mut left = BODY_AT_MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        let wanted = (TOLD_AT_MOST + LONGEST_CHARACTER).saturating_sub(begun.len());
        begun.extend(data.iter().take(wanted));
        let Some(rest) = left.checked_sub(data.len()) else { return };
        left = rest;
    }
}

/// The beginning of a body as text that harms nobody who prints it. Nothing becomes shorter on the
/// way, so that what was cut off at the end of `begun` lies behind the end of the text.
fn harmless(begun: &[u8]) -> String {
    let mut text: String = String::from_utf8_lossy(begun)
        .chars()
        .map(|letter| if is_harmless(letter) { letter } else { char::REPLACEMENT_CHARACTER })
        .collect();
    text.truncate(text.floor_char_boundary(TOLD_AT_MOST));
    text
}

/// Whether a character neither controls a terminal nor ends or turns around a line unseen
/// (Unicode Standard Annex 9, section 2). Line feeds and tabs are what they seem.
fn is_harmless(letter: char) -> bool {
    match letter {
        '\n' | '\t' => true,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        other => !other.is_control(),
    }
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3); its form as a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What an error of the client means. Inside a connect there are our own failures and TLS.
fn failure_of(error: &legacy::Error) -> Failure {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(failure) = inner.downcast_ref::<Failure>() {
            return *failure;
        }
        cause = inner.source();
    }
    if error.is_connect() { Failure::Tls } else { Failure::NoAnswer }
}

/// What turns names into addresses.
#[async_trait]
trait Names: Send + Sync + fmt::Debug {
    async fn addresses(&self, host: String, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
#[derive(Debug)]
struct SystemNames {
    free: Arc<Semaphore>,
}

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let free = Arc::clone(&self.free);
        let place = free.acquire_owned().await.map_err(io::Error::other)?;
        // A task of its own, so that a lookup whose post gave up keeps its place until it ends:
        // it keeps its thread until then, too.
        let lookup = tokio::spawn(async move {
            let found = tokio::net::lookup_host((host, port)).await.map(Iterator::collect);
            drop(place);
            found
        });
        lookup.await.map_err(io::Error::other)?
    }
}

/// Opens connections, to judged addresses only.
#[derive(Clone, Debug)]
struct Guard {
    names: Arc<dyn Names>,
    destinations: Arc<Destinations>,
    timeout: Duration,
}

impl Guard {
    async fn connect(&self, uri: &Uri) -> Result<TokioIo<TcpStream>, Failure> {
        let host = uri.host().ok_or(Failure::Invalid)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let (name, found) = match host.parse() {
            Ok(literal) => (None, vec![SocketAddr::new(literal, port)]),
            Err(_name) if !self.destinations.may_resolve(host, port) => {
                return Err(Failure::NotAllowed);
            }
            Err(_name) => {
                let found = self.names.addresses(host.to_owned(), port).await;
                (Some(host), found.map_err(|_reason| Failure::NoName)?)
            }
        };
        if found.is_empty() {
            return Err(Failure::NoName);
        }
        let judged = found.into_iter().filter(|&address| {
            let own = is_own(address);
            let dialled = Dialled { name, address: address.ip(), port, own };
            let open = self.destinations.may_dial(dialled);
            if !open {
                // For the operator; the merchant reads the uniform words.
                let class = classify(address.ip());
                tracing::debug!(host, %address, %class, own, "an address is not dialled");
            }
            open
        });
        let judged: Vec<SocketAddr> = judged.take(ADDRESSES_AT_MOST).collect();
        self.dial(&judged).await
    }

    /// Dials one address after the other. Each has its share of the time, so that one that
    /// swallows everything does not hide the others.
    async fn dial(&self, judged: &[SocketAddr]) -> Result<TokioIo<TcpStream>, Failure> {
        let count = u32::try_from(judged.len()).unwrap_or(u32::MAX);
        let share = CONNECT_AT_MOST.min(self.timeout).checked_div(count).unwrap_or_default();
        let mut failure = Failure::NotAllowed;
        for address in judged {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small posts must not wait for the receiver's delayed acknowledgement.
                    stream.set_nodelay(true).map_err(|_reason| Failure::NoConnection)?;
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(_reason)) => failure = Failure::NoConnection,
                Err(_elapsed) => failure = Failure::TimedOut,
            }
        }
        Err(failure)
    }
}

/// Whether an address is one of this machine's own. The system says by which address it would go
/// there, without sending anything; to itself it goes by that very address.
fn is_own(address: SocketAddr) -> bool {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let way = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    way.is_ok_and(|from| from.ip() == address.ip())
}

impl tower::Service<Uri> for Guard {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let guard = self.clone();
        Box::pin(async move { guard.connect(&uri).await })
    }
}

/// Connections with TLS where the address asks for it, within a time limit: the client may finish
/// one in the background for whoever comes next, and that one has no other limit.
#[derive(Clone, Debug)]
struct Bounded {
    secured: HttpsConnector<Guard>,
    timeout: Duration,
}

impl tower::Service<Uri> for Bounded {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.secured.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.secured.call(uri));
        Box::pin(async move { connecting.await.unwrap_or(Err(Failure::TimedOut.into())) })
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
