//! The guarded way out: posts to merchants' servers without letting a merchant choose what inside
//! our network is reached.
//!
//! A name is resolved once, each address that comes back is judged, and a judged address is dialled
//! by its number: what the name means a moment later does not matter. Redirects are answers like
//! any other, proxies are not asked, and a deadline spans the whole exchange.

use async_trait::async_trait;
use bytes::Bytes;
use domain::address::{AddressClass, classify};
use domain::terminal::Mode;
use engine::ports::{Dialer, Post, PostResult};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use url::Url;

/// Most bytes of an answer's body that are read; they are read only so that the connection can be
/// used again.
const BODY_AT_MOST: usize = 64 * 1024;
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
/// Below this port only 80 and 443 are open: mail, shells and databases' neighbours are not.
const FIRST_OPEN_PORT: u16 = 1024;

/// How the way out is guarded.
#[derive(Clone, Debug)]
pub struct DialerSettings {
    /// Lets loopback, private and shared addresses through, and any port. For demos and closed
    /// networks. Link-local addresses, where clouds keep credentials, stay shut.
    pub allow_private: bool,
    /// How long a whole exchange may take: name, connection, TLS, head and body.
    pub exchange_timeout: Duration,
    /// Certificates (DER) of roots that are trusted beside the public ones.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for DialerSettings {
    fn default() -> Self {
        Self {
            allow_private: false,
            exchange_timeout: Duration::from_secs(5),
            extra_roots: Vec::new(),
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
    allow_private: bool,
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
        let guard = Guard { names, allow_private: settings.allow_private, timeout };
        let secured = HttpsConnector::from((guard, tls(&settings.extra_roots)?));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_AT_MOST)
            .pool_max_idle_per_host(IDLE_PER_RECEIVER)
            .http1_max_buf_size(HEAD_AT_MOST)
            .build(Bounded { secured, timeout });
        Ok(Self { client, allow_private: settings.allow_private, exchange_timeout: timeout })
    }

    /// The request, when its address may be asked at all.
    fn request(&self, post: &Post<'_>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut url = Url::parse(post.url).map_err(|_reason| Failure::Invalid)?;
        url.set_fragment(None);
        let secure = match (url.scheme(), post.mode) {
            ("https", Mode::Live | Mode::Test) => true,
            ("http", Mode::Test) => false,
            ("http", Mode::Live) => return Err(Failure::NotHttps),
            (_, Mode::Live | Mode::Test) => return Err(Failure::Invalid),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::Invalid);
        }
        let port = url.port().unwrap_or(if secure { 443 } else { 80 });
        if !self.allow_private && !matches!(port, 80 | 443 | FIRST_OPEN_PORT..) {
            return Err(Failure::NotAllowed);
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
}

#[async_trait]
impl Dialer for GuardedDialer {
    async fn post(&self, post: Post<'_>) -> PostResult {
        let request = match self.request(&post) {
            Ok(request) => request,
            Err(failure) => return PostResult::Failed(failure.to_string()),
        };
        let mut answered = None;
        let exchange = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let retry_after = retry_after(&head.headers);
            answered = Some(PostResult::Answered { status: head.status.as_u16(), retry_after });
            drain(body).await;
            Ok::<(), legacy::Error>(())
        };
        let ended = tokio::time::timeout(self.exchange_timeout, exchange).await;
        // The head is the answer. A body that fails or takes too long only costs the connection.
        match (answered, ended) {
            (Some(answer), _) => answer,
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

/// Reads the body to its end or to the limit, whichever comes first, and keeps nothing.
async fn drain(mut body: Incoming) {
    let mut left = BODY_AT_MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(size) else { return };
        left = rest;
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

fn tls(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in extra_roots {
        roots.add(CertificateDer::from_slice(root))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
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
    allow_private: bool,
    timeout: Duration,
}

impl Guard {
    fn allows(&self, address: IpAddr) -> bool {
        match classify(address) {
            AddressClass::Public => true,
            AddressClass::Loopback | AddressClass::Private | AddressClass::Shared => {
                self.allow_private
            }
            AddressClass::Unspecified
            | AddressClass::LinkLocal
            | AddressClass::Translated
            | AddressClass::Documentation
            | AddressClass::Benchmarking
            | AddressClass::Multicast
            | AddressClass::Reserved => false,
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<TokioIo<TcpStream>, Failure> {
        let host = uri.host().ok_or(Failure::Invalid)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let found = match host.parse() {
            Ok(literal) => vec![SocketAddr::new(literal, port)],
            Err(_name) => {
                let found = self.names.addresses(host.to_owned(), port).await;
                found.map_err(|_reason| Failure::NoName)?
            }
        };
        if found.is_empty() {
            return Err(Failure::NoName);
        }
        let judged = found.into_iter().filter(|address| self.allows(address.ip()));
        let judged: Vec<SocketAddr> = judged.take(ADDRESSES_AT_MOST).collect();
        self.dial(&judged).await
    }

    /// Dials one address after the other. Each has its share of the time, so that one that
    /// swallows everything does not hide the others.
    async fn dial(&self, judged: &[SocketAddr]) -> Result<TokioIo<TcpStream>, Failure> {
        let count = u32::try_from(judged.len()).unwrap_or(u32::MAX);
        let share = self.timeout.checked_div(count).unwrap_or(self.timeout);
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
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// A server that gives every request the same answer and counts what reaches it.
    #[derive(Debug, Default)]
    struct Counts {
        connections: AtomicUsize,
        requests: AtomicUsize,
        closed: AtomicUsize,
        last: Mutex<String>,
    }

    impl Counts {
        fn connections(&self) -> usize {
            self.connections.load(Ordering::SeqCst)
        }

        fn requests(&self) -> usize {
            self.requests.load(Ordering::SeqCst)
        }
    }

    async fn receiver(answer: &'static str, drip: bool) -> (u16, Arc<Counts>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counting.connections.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serve(stream, answer, drip, Arc::clone(&counting)));
            }
        });
        (port, counts)
    }

    async fn serve<S>(mut stream: S, answer: &'static str, drip: bool, counts: Arc<Counts>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        while let Some(request) = read_request(&mut stream).await {
            counts.requests.fetch_add(1, Ordering::SeqCst);
            *counts.last.lock().unwrap() = request;
            if stream.write_all(answer.as_bytes()).await.is_err() {
                break;
            }
            while drip && stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        counts.closed.fetch_add(1, Ordering::SeqCst);
    }

    async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?;
                if body.len() >= length.parse::<usize>().ok()? {
                    return Some(text.into_owned());
                }
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn dialer(allow_private: bool) -> GuardedDialer {
        let settings = DialerSettings { allow_private, ..DialerSettings::default() };
        GuardedDialer::new(&settings).unwrap()
    }

    fn hasty() -> GuardedDialer {
        let exchange_timeout = Duration::from_millis(300);
        let settings =
            DialerSettings { allow_private: true, exchange_timeout, ..DialerSettings::default() };
        GuardedDialer::new(&settings).unwrap()
    }

    async fn post(dialer: &GuardedDialer, url: &str) -> PostResult {
        post_as(dialer, url, Mode::Test).await
    }

    async fn post_as(dialer: &GuardedDialer, url: &str, mode: Mode) -> PostResult {
        let headers = [("content-type", "application/json".to_owned())];
        let webhook_id = "msg_417823250426141606_1";
        dialer.post(Post { webhook_id, url, headers: &headers, body: "{\"a\":1}", mode }).await
    }

    fn failed(failure: Failure) -> PostResult {
        PostResult::Failed(failure.to_string())
    }

    fn answered(status: u16) -> PostResult {
        PostResult::Answered { status, retry_after: None }
    }

    #[tokio::test]
    async fn posts_the_body_and_reuses_the_connection() {
        let (port, counts) = receiver(OK, false).await;
        let dialer = dialer(true);
        for _ in 0..5 {
            let url = format!("http://127.0.0.1:{port}/hook?x=1#fragment");
            assert_eq!(post(&dialer, &url).await, answered(200));
        }
        assert_eq!((counts.connections(), counts.requests()), (1, 5));
        let request = counts.last.lock().unwrap().clone();
        assert!(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
        assert!(request.contains("user-agent: Tollgate/0.1.0\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let (inside, reached) = receiver(OK, false).await;
        for status in [301, 302, 307, 308] {
            let head = format!("HTTP/1.1 {status} Go\r\nlocation: http://127.0.0.1:{inside}/\r\n");
            let answer = format!("{head}content-length: 0\r\n\r\n").leak();
            let (port, counts) = receiver(answer, false).await;
            let url = format!("http://127.0.0.1:{port}/");
            assert_eq!(post(&dialer(true), &url).await, answered(status));
            assert_eq!(counts.requests(), 1);
        }
        assert_eq!(reached.connections(), 0);
    }

    #[tokio::test]
    async fn reads_retry_after_in_seconds_only() {
        for (value, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", None),
            ("-1", None),
            ("+1", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            let answer =
                format!("HTTP/1.1 503 Busy\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
            let (port, _counts) = receiver(answer.leak(), false).await;
            let result = post(&dialer(true), &format!("http://127.0.0.1:{port}/")).await;
            assert_eq!(result, PostResult::Answered { status: 503, retry_after: expected });
        }
    }

    #[tokio::test]
    async fn a_dripping_body_is_let_go_at_the_deadline() {
        let (port, counts) =
            receiver("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", true).await;
        let begun = Instant::now();
        assert_eq!(post(&hasty(), &format!("http://127.0.0.1:{port}/")).await, answered(200));
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(2), "{took:?}");
        tokio::time::timeout(Duration::from_secs(2), async {
            while counts.closed.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the connection is closed");
    }

    #[tokio::test]
    async fn a_body_without_end_is_let_go_at_the_limit() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
        let answer = format!("{head}{}", "x".repeat(1_000_000)).leak();
        let (port, counts) = receiver(answer, true).await;
        let begun = Instant::now();
        assert_eq!(post(&dialer(true), &format!("http://127.0.0.1:{port}/")).await, answered(200));
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(counts.requests(), 1);
    }

    #[tokio::test]
    async fn a_silent_receiver_times_out() {
        for begin in ["", "HTTP/1.1 200 OK\r\nx: "] {
            let (port, _counts) = receiver(begin, false).await;
            let begun = Instant::now();
            let result = post(&hasty(), &format!("http://127.0.0.1:{port}/")).await;
            assert_eq!(result, failed(Failure::TimedOut));
            assert!(begun.elapsed() < Duration::from_secs(2));
        }
        // Accepts TCP and never says a word of TLS.
        let (port, _counts) = receiver("", false).await;
        let result = post(&hasty(), &format!("https://127.0.0.1:{port}/")).await;
        assert_eq!(result, failed(Failure::TimedOut));
    }

    #[tokio::test]
    async fn no_answer_has_a_uniform_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = listener.local_addr().unwrap().port();
        drop(listener);
        let result = post(&dialer(true), &format!("http://127.0.0.1:{closed}/")).await;
        assert_eq!(result, failed(Failure::NoConnection));
        let port = mail_server().await;
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(post(&dialer(true), &url).await, failed(Failure::NoAnswer));
        let url = format!("https://127.0.0.1:{port}/");
        assert_eq!(post(&dialer(true), &url).await, failed(Failure::Tls));
        let result = post(&dialer(true), "http://no-such-name.invalid/").await;
        assert_eq!(result, failed(Failure::NoName));
    }

    async fn mail_server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
                let mut bytes = Vec::new();
                while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {}
            }
        });
        port
    }

    /// Ways to write an address that must not be reached; `P` is a port that listens.
    const FORBIDDEN: &[&str] = &[
        "http://127.0.0.1:P/",
        "https://127.0.0.1:P/",
        "http://127.0.0.2:P/",
        "http://127.1:P/",
        "http://127.0.1:P/",
        "http://0x7f000001:P/",
        "http://0x7f.0.0.1:P/",
        "http://2130706433:P/",
        "http://017700000001:P/",
        "http://0177.0.0.1:P/",
        "http://127.0.0.1.:P/",
        "http://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}:P/",
        "http://127\u{3002}0\u{3002}0\u{3002}1:P/",
        "http://%31%32%37.0.0.1:P/",
        "http://0:P/",
        "http://0.0.0.0:P/",
        "http://localhost:P/",
        "http://LOCALHOST:P/",
        "http://[::1]:P/",
        "http://[0:0:0:0:0:0:0:1]:P/",
        "http://[::]:P/",
        "http://[::ffff:127.0.0.1]:P/",
        "http://[::ffff:7f00:1]:P/",
        "http://[0:0:0:0:0:ffff:7f00:0001]:P/",
        "http://[::127.0.0.1]:P/",
        "http://[::ffff:0:127.0.0.1]:P/",
        "http://[64:ff9b::7f00:1]:P/",
        "http://[64:ff9b:1::7f00:1]:P/",
        "http://[2002:7f00:1::]:P/",
        "http://[2001:0:7f00:1::]:P/",
        "http://[fd00:ec2::254]:P/",
        "http://[fe80::1]:P/",
        "http://[fec0::1]:P/",
        "http://[ff02::1]:P/",
        "http://[100::1]:P/",
        "http://[5f00::1]:P/",
        "http://10.0.0.1:P/",
        "http://100.64.0.1:P/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://172.16.0.1:P/",
        "http://192.168.0.1:P/",
        "http://192.0.0.1:P/",
        "http://192.0.2.1:P/",
        "http://192.88.99.1:P/",
        "http://198.18.0.1:P/",
        "http://198.51.100.1:P/",
        "http://203.0.113.1:P/",
        "http://224.0.0.1:P/",
        "http://240.0.0.1:P/",
        "http://255.255.255.255:P/",
    ];

    #[tokio::test]
    async fn no_way_to_write_a_private_address_reaches_it() {
        let (port, counts) = receiver(OK, false).await;
        let guarded = dialer(false);
        for form in FORBIDDEN {
            let url = form.replace('P', &port.to_string());
            let begun = Instant::now();
            assert_eq!(post(&guarded, &url).await, failed(Failure::NotAllowed), "{url}");
            assert!(begun.elapsed() < Duration::from_secs(1), "{url}");
        }
        // Some resolvers know this name with its dot and some do not.
        let result = post(&guarded, &format!("http://localhost.:{port}/")).await;
        assert!([failed(Failure::NotAllowed), failed(Failure::NoName)].contains(&result));
        assert_eq!(counts.connections(), 0);
    }

    #[tokio::test]
    async fn private_addresses_are_reached_when_allowed() {
        let (port, counts) = receiver(OK, false).await;
        let open = dialer(true);
        for form in ["127.0.0.1", "127.1", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"] {
            let url = format!("http://{form}:{port}/");
            assert_eq!(post(&open, &url).await, answered(200), "{url}");
        }
        assert_eq!(counts.requests(), 5);
        // Where clouds keep credentials stays shut all the same.
        for host in ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1"] {
            let url = format!("http://{host}:{port}/");
            assert_eq!(post(&open, &url).await, failed(Failure::NotAllowed), "{url}");
        }
    }

    #[tokio::test]
    async fn other_addresses_are_refused_before_anything_is_resolved() {
        let stub = Arc::new(Stub::default());
        let guarded = with_stub(&DialerSettings::default(), &stub);
        for (url, mode, failure) in [
            ("http://shop.example/", Mode::Live, Failure::NotHttps),
            ("ftp://shop.example/", Mode::Test, Failure::Invalid),
            ("file:///etc/passwd", Mode::Test, Failure::Invalid),
            ("gopher://shop.example/", Mode::Live, Failure::Invalid),
            ("shop.example", Mode::Test, Failure::Invalid),
            ("", Mode::Test, Failure::Invalid),
            ("https://user@shop.example/", Mode::Test, Failure::Invalid),
            ("https://:pass@shop.example/", Mode::Test, Failure::Invalid),
            ("http://[fe80::1%25eth0]/", Mode::Test, Failure::Invalid),
            ("http://shop.example:22/", Mode::Test, Failure::NotAllowed),
            ("http://shop.example:25/", Mode::Test, Failure::NotAllowed),
            ("https://shop.example:0/", Mode::Test, Failure::NotAllowed),
            ("https://shop.example:1023/", Mode::Live, Failure::NotAllowed),
        ] {
            assert_eq!(post_as(&guarded, url, mode).await, failed(failure), "{url}");
        }
        assert_eq!(stub.asked.load(Ordering::SeqCst), 0);
        for url in ["http://shop.example:1024/", "http://shop.example:443/"] {
            assert_eq!(post(&guarded, url).await, failed(Failure::NoName), "{url}");
        }
        assert_eq!(stub.asked.load(Ordering::SeqCst), 2);
    }

    /// A name server that answers differently each time, with no time to live.
    #[derive(Debug, Default)]
    struct Stub {
        answers: Mutex<Vec<Vec<IpAddr>>>,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Names for Stub {
        async fn addresses(&self, _host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let next = self.answers.lock().unwrap().pop().unwrap_or_default();
            Ok(next.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
        }
    }

    fn with_stub(settings: &DialerSettings, stub: &Arc<Stub>) -> GuardedDialer {
        let names: Arc<Stub> = Arc::clone(stub);
        GuardedDialer::with_names(settings, names).unwrap()
    }

    #[tokio::test]
    async fn only_a_judged_address_is_dialled() {
        let (port, counts) = receiver(OK, false).await;
        let metadata: IpAddr = "169.254.169.254".parse().unwrap();
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let unused: IpAddr = "127.9.9.9".parse().unwrap();
        let settings = DialerSettings { allow_private: true, ..DialerSettings::default() };
        let url = format!("http://shop.example:{port}/");
        let with = |answers| {
            let stub = Arc::new(Stub { answers: Mutex::new(answers), asked: AtomicUsize::new(0) });
            (with_stub(&settings, &stub), stub)
        };
        // Mixed records: the forbidden one is passed over, a dead one too.
        let (mixed, stub) = with(vec![vec![metadata, unused, loopback]]);
        assert_eq!(post(&mixed, &url).await, answered(200));
        assert_eq!(stub.asked.load(Ordering::SeqCst), 1);
        // Rebinding: what the second answer would be does not matter, for there is no second question.
        let (rebound, stub) = with(vec![vec![loopback], vec![metadata]]);
        assert_eq!(post(&rebound, &url).await, failed(Failure::NotAllowed));
        assert_eq!(stub.asked.load(Ordering::SeqCst), 1);
        assert_eq!(counts.connections(), 1);
    }

    #[tokio::test]
    async fn tls_needs_a_trusted_certificate_for_the_name() {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let root = key.cert.der().to_vec();
        let (port, _counts) = secure_receiver(&key, &root).await;
        let settings = |extra_roots| DialerSettings {
            allow_private: true,
            extra_roots,
            ..DialerSettings::default()
        };
        let named = format!("https://localhost:{port}/");
        let numbered = format!("https://127.0.0.1:{port}/");
        let stranger = GuardedDialer::new(&settings(Vec::new())).unwrap();
        assert_eq!(post(&stranger, &named).await, failed(Failure::Tls));
        let trusting = GuardedDialer::new(&settings(vec![root])).unwrap();
        assert_eq!(post_as(&trusting, &named, Mode::Live).await, answered(200));
        assert_eq!(post(&trusting, &numbered).await, failed(Failure::Tls));
        assert!(GuardedDialer::new(&settings(vec![b"no certificate".to_vec()])).is_err());
    }

    async fn secure_receiver(
        key: &rcgen::CertifiedKey<rcgen::KeyPair>,
        certificate: &[u8],
    ) -> (u16, Arc<Counts>) {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from(certificate.to_vec())];
        let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(serve(stream, OK, false, Arc::clone(&counting)));
                }
            }
        });
        (port, counts)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_posts_share_few_connections() {
        let (port, counts) = receiver(OK, false).await;
        let dialer = Arc::new(dialer(true));
        let url: Arc<str> = format!("http://127.0.0.1:{port}/").into();
        let begun = Instant::now();
        let mut posting = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (dialer, url) = (Arc::clone(&dialer), Arc::clone(&url));
            posting.spawn(async move {
                for _ in 0..100 {
                    assert_eq!(post(&dialer, &url).await, answered(200));
                }
            });
        }
        while let Some(ended) = posting.join_next().await {
            ended.unwrap();
        }
        println!("6400 posts took {:?}", begun.elapsed());
        assert_eq!(counts.requests(), 6400);
        assert!(counts.connections() <= 128, "{}", counts.connections());
    }
}
