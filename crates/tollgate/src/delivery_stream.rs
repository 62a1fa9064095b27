//! Deliveries of a terminal as a gateway tells of them, wherever it is: server-sent events over
//! HTTP, opened with the terminal's private key.

use crate::event_stream::{Decoder, StreamEvent};
use crate::failure::Failure;
use crate::http_client::{self, SecureClient};
use crate::table::harmless;
use bytes::Bytes;
use domain::secret::SecretText;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use url::Url;

/// The stream's path at a gateway.
const PATH: &str = "/api/v1/webhooks/stream";
/// How long a gateway may take to begin its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A gateway writes a comment every 15 seconds; after so long a silence the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Largest text of a refusal.
const LARGEST_REFUSAL: usize = 64 * 1024;
/// By which name a connection goes on behind an event.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A delivery as the stream tells of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StreamedDelivery {
    /// Its `webhook-id`.
    pub(crate) id: String,
    /// Its event type, if it has one.
    #[serde(rename = "type", default)]
    pub(crate) event_type: Option<String>,
    /// Where the gateway itself sends it.
    pub(crate) url: String,
    headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub(crate) body: String,
}

impl StreamedDelivery {
    /// The headers that belong to the message; none of those that belong to a connection.
    pub(crate) fn headers(&self) -> HeaderMap {
        let own = self.headers.iter().filter_map(|(name, value)| {
            let name: HeaderName = name.parse().ok()?;
            let ours = name == CONTENT_TYPE || name.as_str().starts_with("webhook-");
            ours.then(|| Some((name, HeaderValue::from_str(value).ok()?))).flatten()
        });
        own.collect()
    }
}

/// Why there is no stream.
#[derive(Debug)]
pub(crate) enum NoStream {
    /// The gateway refuses, and would refuse again.
    Refused(Failure),
    /// It may work later; why it did not now.
    Later(String),
}

/// Where a stream comes from.
pub(crate) struct Source {
    client: SecureClient,
    gateway: Url,
    terminal: i64,
    authorization: HeaderValue,
}

impl Source {
    /// The stream of a terminal at a gateway.
    pub(crate) fn new(
        client: SecureClient,
        gateway: Url,
        terminal: i64,
        private_key: &SecretText,
    ) -> Result<Self, Failure> {
        let text = zeroize::Zeroizing::new(format!("Bearer {}", private_key.reveal()));
        let mut authorization = HeaderValue::from_str(&text)
            .map_err(|_hidden| Failure::Usage("the private key is no base64 text".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Self { client, gateway, terminal, authorization })
    }

    /// The gateway, as it was named.
    pub(crate) fn gateway(&self) -> &str {
        self.gateway.as_str().trim_end_matches('/')
    }

    /// Opens the stream, behind the event with this id.
    pub(crate) async fn open(&self, after: Option<&str>) -> Result<DeliveryStream, NoStream> {
        let later = |why: String| NoStream::Later(why);
        let path = format!("{}{PATH}?terNO={}", self.gateway(), self.terminal);
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(ACCEPT, "text/event-stream")
            .header(USER_AGENT, http_client::AGENT)
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(after) = after.filter(|after| !after.is_empty()) {
            request = request.header(LAST_EVENT_ID, after);
        }
        let request = request.body(Full::new(Bytes::new()));
        let request = request.map_err(|error| later(error.to_string()))?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = answer.map_err(|_elapsed| later("no answer in time".to_owned()))?;
        let answer = answer.map_err(|error| later(http_client::because(&error)))?;
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        if answer.status() == 200 && is_stream {
            return Ok(DeliveryStream {
                body: answer.into_body(),
                decoder: Decoder::default(),
                ready: VecDeque::new(),
            });
        }
        Err(self.refusal(answer).await)
    }

    /// What an answer that is no stream means.
    async fn refusal(&self, answer: Response<Incoming>) -> NoStream {
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST_REFUSAL).collect();
        let text = match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => told(&String::from_utf8_lossy(&body.to_bytes())),
            Ok(Err(_)) | Err(_) => String::new(),
        };
        let (terminal, gateway) = (self.terminal, self.gateway());
        NoStream::Refused(match status {
            429 | 500..=599 => return NoStream::Later(format!("it answers {status}{text}")),
            401 | 403 => Failure::No(format!(
                "{gateway} does not take this private key for terminal {terminal} (it answers \
                 {status}{text}): give the terminal's own key with --private-key-file, or as \
                 TOLLGATE_PRIVATE_KEY"
            )),
            404 | 405 => Failure::CouldNot(format!(
                "{gateway} has no stream of webhooks (it answers {status}{text}): is this the \
                 address of a Tollgate, and is it as new as this one?"
            )),
            _ => Failure::CouldNot(format!(
                "{gateway} opens no stream of webhooks: it answers {status}{text}"
            )),
        })
    }
}

/// The words of an error, with what goes before them.
fn told(body: &str) -> String {
    let words: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let words = words.and_then(|body| Some(body.get("error_message")?.as_str()?.to_owned()));
    words.map_or_else(String::new, |words| format!(": {}", harmless(&words)))
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct DeliveryStream {
    body: Incoming,
    decoder: Decoder,
    ready: VecDeque<StreamEvent>,
}

/// What a stream says.
#[derive(Debug)]
pub(crate) enum Said {
    /// It goes on: a comment, or something this release has not heard of.
    Nothing,
    /// A delivery.
    Delivery(Box<StreamedDelivery>),
    /// Something that should be a delivery and is none; why.
    Unreadable(String),
}

impl DeliveryStream {
    /// Behind which event to go on, once what was said has been dealt with.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.decoder.last_id()
    }

    /// What it says next; why it ended, when it did.
    pub(crate) async fn next(&mut self) -> Result<Said, String> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(match event.kind.as_str() {
                    "delivery" => serde_json::from_str(&event.data)
                        .map_or_else(|error| Said::Unreadable(error.to_string()), Said::Delivery),
                    _ => Said::Nothing,
                });
            }
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            let frame = frame.map_err(|_elapsed| "it fell silent".to_owned())?;
            let frame = frame.ok_or("the gateway ended it")?;
            let frame = frame.map_err(|error| http_client::because(&error))?;
            if let Some(bytes) = frame.data_ref() {
                let events = self.decoder.push(bytes).map_err(|error| error.to_string())?;
                if events.is_empty() {
                    return Ok(Said::Nothing);
                }
                self.ready.extend(events);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// A gateway with TLS that gives this answer to whatever is asked, and its certificate.
    async fn gateway(answer: &'static str) -> (Url, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (Url::parse(&format!("https://localhost:{port}/")).unwrap(), made.cert.der().clone())
    }

    fn trusting(certificate: CertificateDer<'static>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }

    fn source(gateway: &Url, trusted: ClientConfig) -> Source {
        let key = SecretText::new("key".to_owned());
        Source::new(http_client::secure(trusted), gateway.clone(), 42, &key).unwrap()
    }

    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: welcome\n\n\
        id: 1\nevent: delivery\ndata: {\"id\":\"msg_1\",\"url\":\"https://shop.test/\",\
        \"headers\":{\"content-type\":\"text/plain\",\"webhook-id\":\"msg_1\",\"host\":\"evil.test\",\
        \"webhook-x\":\"a\\nb\"},\"body\":\"x\"}\n\nid: 2\nevent: delivery\ndata: {\"id\":7}\n\n\
        id: 3\nevent: later\ndata: {}\n\n";

    #[tokio::test]
    async fn what_is_told_over_tls_is_read_to_its_end() {
        let (url, certificate) = gateway(ANSWER).await;
        let mut stream = source(&url, trusting(certificate)).open(None).await.unwrap();
        let mut told = Vec::new();
        let why = loop {
            match stream.next().await {
                Ok(Said::Nothing) => {}
                Ok(said) => told.push(said),
                Err(why) => break why,
            }
        };
        assert_eq!((why.as_str(), stream.last_id()), ("the gateway ended it", Some("3")));
        let [Said::Delivery(delivery), Said::Unreadable(why)] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(why.contains("expected a string"), "{why}");
        assert_eq!((&*delivery.id, &*delivery.body, &delivery.event_type), ("msg_1", "x", &None));
        // Neither what belongs to a connection, nor what is no header at all.
        let headers = delivery.headers();
        assert!(headers.len() == 2 && headers["webhook-id"] == "msg_1", "{headers:?}");
        assert_eq!(headers["content-type"], "text/plain");
    }

    #[tokio::test]
    async fn a_key_goes_to_no_stranger() {
        let (url, _certificate) = gateway(ANSWER).await;
        let opened = source(&url, http_client::public_roots().unwrap()).open(None).await;
        let Err(NoStream::Later(why)) = opened else { panic!("{opened:?}") };
        assert!(why.contains("invalid peer certificate"), "{why}");
    }

    #[test]
    fn a_key_that_fits_no_header_is_told_without_showing_it() {
        let key = SecretText::new("line\nbreak".to_owned());
        let client = http_client::secure(http_client::public_roots().unwrap());
        let made = Source::new(client, Url::parse("https://a.test").unwrap(), 42, &key);
        let Err(Failure::Usage(why)) = made.map(|_source| ()) else { panic!() };
        assert_eq!(why, "the private key is no base64 text");
    }
}
