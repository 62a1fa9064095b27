//! The server loop: connections, time limits, TLS with reload, shutdown that finishes what runs.
//!
//! Not `axum::serve`: that installs no timer, so a half-sent request would stay open for ever.

use crate::api::ErrorForm;
use crate::app::{App, Caller, RequestId};
use crate::body::discard_body;
use crate::pressure::{self, Places};
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

pub use crate::tls::TlsIdentity;

/// How the loop behaves.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Connections served at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Requests worked on at once; beyond, the answer is 503 with `Retry-After`.
    pub in_flight: usize,
    /// Peers whose `X-Forwarded-For` is believed: reverse proxies of the operator.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// A request's head must arrive within this time; also ends idle connections.
    pub head_timeout: Duration,
    /// How long a shutdown waits for requests that run.
    pub drain_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: 4096,
            in_flight: 2048,
            trusted_proxies: Vec::new(),
            head_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

const REQUEST_ID: &str = "x-request-id";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Serves until `stop` turns true, then finishes the requests that run.
pub async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Arc<TlsIdentity>>,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
) {
    let server = Arc::new(Server {
        stop: stop.clone(),
        router: crate::app::router(app.clone()),
        places: Places::new(settings.in_flight),
        app,
        tls,
        settings,
        request_ids: RequestIds::new(),
    });
    let places = Arc::new(Semaphore::new(server.settings.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _stopped = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let server = Arc::clone(&server);
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            server.connection(stream, peer, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    // They would last until everybody who listens goes away.
    server.app.streams.close();
    let drained = tokio::time::timeout(server.settings.drain_timeout, graceful.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // Out of file descriptors, as a rule: connections that end will free some.
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug)]
enum Version {
    /// 1.0 and 1.1.
    One,
    /// 2, over TLS by its name and else by its preface.
    Two,
}

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How often a preface that has come in part is looked at again.
const PREFACE_PERIOD: Duration = Duration::from_millis(5);

async fn first_bytes(stream: &TcpStream) -> std::io::Result<Version> {
    let mut bytes = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut bytes).await?;
        let came = bytes.get(..count).unwrap_or_default();
        if came.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(came) {
            return Ok(Version::One);
        }
        if came.len() == PREFACE.len() {
            return Ok(Version::Two);
        }
        tokio::time::sleep(PREFACE_PERIOD).await;
    }
}

struct Server {
    stop: watch::Receiver<bool>,
    router: Router,
    app: App,
    tls: Option<Arc<TlsIdentity>>,
    places: Places,
    settings: ServerSettings,
    request_ids: RequestIds,
}

/// Ids for requests that bring none. They must not repeat, and need not be hard to guess, so only
/// the first one is drawn.
struct RequestIds(AtomicU64);

impl RequestIds {
    fn new() -> Self {
        let mut first = [0; 8];
        let random = aws_lc_rs::rand::SystemRandom::new();
        let _filled = aws_lc_rs::rand::SecureRandom::fill(&random, &mut first);
        Self(AtomicU64::new(u64::from_be_bytes(first)))
    }

    fn next(&self) -> RequestId {
        /// Odd, so that different numbers have different products; neighbours look unlike.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD);
        RequestId(format!("{number:016x}").into())
    }
}

impl Server {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was not set");
        }
        match self.tls.clone() {
            None => {
                if let Some(version) = self.version_by_first_bytes(&stream).await {
                    self.http(TokioIo::new(stream), version, peer, watcher).await;
                }
            }
            Some(tls) => {
                let accepted = tls.acceptor().accept(stream);
                match tokio::time::timeout(self.settings.head_timeout, accepted).await {
                    Ok(Ok(stream)) => {
                        let chosen = stream.get_ref().1.alpn_protocol();
                        let two = chosen == Some(b"h2".as_slice());
                        let version = if two { Version::Two } else { Version::One };
                        self.http(TokioIo::new(stream), version, peer, watcher).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
    }

    /// Looks at the first bytes without taking them: HTTP/2 begins with a preface (RFC 9113,
    /// section 3.4). None when they do not come in time or the server stops; hyper's own look
    /// has no time limit.
    async fn version_by_first_bytes(&self, stream: &TcpStream) -> Option<Version> {
        let mut stop = self.stop.clone();
        let looked = tokio::time::timeout(self.settings.head_timeout, first_bytes(stream));
        tokio::select! {
            looked = looked => looked.ok()?.ok(),
            _stopped = stop.wait_for(|stop| *stop) => None,
        }
    }

    async fn http<I>(
        self: Arc<Self>,
        io: TokioIo<I>,
        version: Version,
        peer: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.head_timeout)
            .max_buf_size(64 * 1024)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(32 * 1024)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        let builder = match version {
            Version::One => builder.http1_only(),
            Version::Two => builder.http2_only(),
        };
        let server = Arc::clone(&self);
        let service = hyper::service::service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.answer(request, peer).await) }
        });
        let connection = builder.serve_connection(io, service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke");
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let began = self.app.gateway.clock().now();
        let request_id = self.request_id(&request);
        let caller = self.caller(&request, peer);
        let header = HeaderValue::from_str(&request_id.0);
        let (mut parts, body) = request.into_parts();
        let (method, route) = (parts.method.clone(), crate::metrics::route(parts.uri.path()));
        parts.extensions.insert(Caller(Some(caller)));
        parts.extensions.insert(request_id.clone());
        let body = Body::new(body);
        let mut response = if let Some(_place) = self.places.take(parts.uri.path()) {
            match self.router.clone().oneshot(Request::from_parts(parts, body)).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        } else {
            discard_body(&parts.headers, body).await;
            let refusal = pressure::no_place(&self.app, parts.uri.path());
            refusal.into_answer(ErrorForm::asked(&parts.headers), &request_id)
        };
        if let Ok(value) = header {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let took = self.app.gateway.clock().now().since(began);
        self.app.metrics.answered(route, response.status(), took);
        // The path of a customer's page is a bearer's secret, so only the method is told.
        tracing::debug!(
            request_id = &*request_id.0,
            %method,
            status = response.status().as_u16(),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }

    /// The caller's own id when it is short and harmless, else one of ours.
    fn request_id(&self, request: &Request<Incoming>) -> RequestId {
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
        let own = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        if let Some(own) =
            own.filter(|own| (8..=64).contains(&own.len()) && own.bytes().all(harmless))
        {
            return RequestId(own.into());
        }
        self.request_ids.next()
    }

    /// The peer; behind a trusted proxy, the last address in `X-Forwarded-For` that is not one.
    fn caller(&self, request: &Request<Incoming>, peer: SocketAddr) -> IpAddr {
        let peer = peer.ip().to_canonical();
        let trusted = |address: &IpAddr| {
            self.settings.trusted_proxies.iter().any(|range| range.contains(address))
        };
        if !trusted(&peer) {
            return peer;
        }
        let lines = request.headers().get_all(FORWARDED_FOR).iter().rev();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.rsplit(','))
            .map_while(|part| part.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !trusted(address))
            .unwrap_or(peer)
    }
}
