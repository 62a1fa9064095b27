//! A shop's server for trying things out: receives webhooks and shows a return page, on the
//! loopback address only.

use crate::failure::Failure;
use crate::wire::signature::{self, Secret, Unverified};
use bytes::Bytes;
use domain::time::Timestamp;
use engine::ports::Clock;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// No webhook is larger.
const LARGEST_BODY: usize = 1 << 20;
/// What waits to be shown before a sender has to wait.
const WAITING: usize = 64;
const THANKS: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Back at the shop</title>\
    <h1>Back at the shop</h1><p>The payment page sent the customer here.</p></html>";

/// What arrived.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A POST: a webhook.
    Webhook(Webhook),
    /// A GET: a customer comes back; the pairs of the query.
    Customer(Vec<(String, String)>),
}

/// A webhook as it arrived.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// When.
    pub(crate) at: Timestamp,
    /// The path it was sent to.
    pub(crate) path: String,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: String,
    /// Whether the signature is right; none when there is no secret to check with.
    pub(crate) verified: Option<Result<(), Unverified>>,
}

impl Webhook {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
    server: AbortHandle,
}

#[derive(Debug)]
struct Shop {
    secrets: Vec<Secret>,
    clock: Arc<dyn Clock>,
    arrivals: mpsc::Sender<Arrival>,
}

impl Receiver {
    /// Listens on a loopback port (0: any free one) and checks signatures with these secrets; with
    /// none, nothing is checked.
    pub(crate) async fn start(
        port: u16,
        secrets: Vec<Secret>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            Failure::CouldNot(format!(
                "cannot listen on 127.0.0.1:{port}: {error}; choose another port with --port"
            ))
        })?;
        let address =
            listener.local_addr().map_err(|error| Failure::could_not("the port", error))?;
        let (sender, arrivals) = mpsc::channel(WAITING);
        let shop = Arc::new(Shop { secrets, clock, arrivals: sender });
        let server = tokio::spawn(accept(listener, shop)).abort_handle();
        Ok(Self { address, arrivals, server })
    }

    /// An address of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next arrival; none when the server has ended.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, shop: Arc<Shop>) {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                tokio::spawn(serve(stream, Arc::clone(&shop)));
            }
            // Out of descriptors, or the peer left before we looked: both pass.
            Err(_passing) => shop.clock.sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, shop: Arc<Shop>) {
    let service = service_fn(move |request| {
        let shop = Arc::clone(&shop);
        async move { Ok::<_, Infallible>(shop.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // A sender that breaks off has nothing to be told.
    drop(connection.await);
}

impl Shop {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        match head.method {
            Method::POST => {}
            Method::GET if head.uri.path() == "/favicon.ico" => {
                return answer(StatusCode::NOT_FOUND, "");
            }
            Method::GET => {
                let query = head.uri.query().unwrap_or_default().as_bytes();
                let pairs = url::form_urlencoded::parse(query).into_owned().collect();
                return self.pass_on(Arrival::Customer(pairs), StatusCode::OK, THANKS).await;
            }
            _ => return answer(StatusCode::METHOD_NOT_ALLOWED, ""),
        }
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            return answer(StatusCode::PAYLOAD_TOO_LARGE, "");
        };
        let body = body.to_bytes();
        let at = self.clock.now();
        let verified = checked(&self.secrets, &head.headers, &body, at);
        let status = match &verified {
            None | Some(Ok(())) => StatusCode::NO_CONTENT,
            // As a shop should: what is not signed was not received.
            Some(Err(_)) => StatusCode::UNAUTHORIZED,
        };
        let webhook = Webhook {
            at,
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            verified,
        };
        self.pass_on(Arrival::Webhook(webhook), status, "").await
    }

    async fn pass_on(
        &self,
        arrival: Arrival,
        status: StatusCode,
        page: &'static str,
    ) -> Response<Full<Bytes>> {
        match self.arrivals.send(arrival).await {
            Ok(()) => answer(status, page),
            Err(_ended) => answer(StatusCode::SERVICE_UNAVAILABLE, ""),
        }
    }
}

fn answer(status: StatusCode, page: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(page.as_bytes())));
    *response.status_mut() = status;
    if !page.is_empty() {
        let html = http::HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
    }
    response
}

/// Whether the signature is right; none when there is no secret to check with.
pub(crate) fn checked(
    secrets: &[Secret],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Option<Result<(), Unverified>> {
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<_> = headers.collect();
    (!secrets.is_empty()).then(|| signature::verify(secrets, &headers, body, now).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::fake_gateway::{SECRET, signed};
    use crate::http_client::HttpClient;
    use domain::secret::SecretText;
    use url::Url;

    async fn start(secrets: Vec<Secret>) -> Receiver {
        Receiver::start(0, secrets, Arc::new(SystemClock)).await.unwrap()
    }

    fn secret() -> Secret {
        Secret::parse(&SecretText::new(SECRET.to_owned())).unwrap()
    }

    async fn post(receiver: &Receiver, headers: HeaderMap, body: &'static str) -> u16 {
        use hyper_util::client::legacy::Client;
        use hyper_util::rt::TokioExecutor;
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::post(receiver.url("/hook")).body(Full::from(body)).unwrap();
        *request.headers_mut() = headers;
        client.request(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn webhooks_are_checked_and_passed_on() {
        let mut receiver = start(vec![secret()]).await;
        let now = SystemClock.now().unix_seconds();
        let headers = signed(&[SECRET], "msg_1", now, b"{\"a\":\"1\"}");
        assert_eq!(post(&receiver, headers.clone(), "{\"a\":\"1\"}").await, 204);
        assert_eq!(post(&receiver, headers, "{\"a\":\"2\"}").await, 401);
        let Some(Arrival::Webhook(good)) = receiver.next().await else { panic!() };
        assert_eq!((good.path.as_str(), good.verified.clone()), ("/hook", Some(Ok(()))));
        assert_eq!(good.header("webhook-id"), Some("msg_1"));
        let Some(Arrival::Webhook(bad)) = receiver.next().await else { panic!() };
        assert_eq!(bad.verified, Some(Err(Unverified::Signature)));
    }

    #[tokio::test]
    async fn without_a_secret_nothing_is_checked() {
        let mut receiver = start(Vec::new()).await;
        assert_eq!(post(&receiver, HeaderMap::new(), "x").await, 204);
        let Some(Arrival::Webhook(webhook)) = receiver.next().await else { panic!() };
        assert_eq!((webhook.body.as_str(), webhook.verified), ("x", None));
    }

    #[tokio::test]
    async fn customers_see_a_page() {
        let mut receiver = start(Vec::new()).await;
        let url = Url::parse(&receiver.url("/return?transID=1&status=Test+Approved")).unwrap();
        let page = HttpClient::new().get(&url, "text/html").await.unwrap();
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Back at the shop"));
        let Some(Arrival::Customer(pairs)) = receiver.next().await else { panic!() };
        assert_eq!(pairs[1], ("status".to_owned(), "Test Approved".to_owned()));
    }
}
