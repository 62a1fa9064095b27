//! Webhooks for a developer whom no gateway can reach: a connection that goes out brings them in,
//! and they are passed on to a program on this machine.

use super::{Arguments, print_webhook, verdict};
use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config;
use crate::delivery_stream::{NoStream, Said, Source, StreamedDelivery};
use crate::delivery_view::{beginning, milliseconds};
use crate::failure::Failure;
use crate::http_client::{self, SecureClient};
use crate::output::{Output, Style};
use crate::receiver::{Webhook, checked};
use crate::table::harmless;
use crate::wire;
use crate::wire::signature::Secret;
use bytes::Bytes;
use domain::delivery::DeliveryId;
use domain::event_type::{EventPattern, EventType};
use domain::id::TerminalNumber;
use domain::secret::SecretText;
use engine::ports::Clock as _;
use engine::{Actor, Gateway};
use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long the program on this machine may take; a developer may be stepping through it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of its answer that are read; the first words are shown.
const ANSWER_AT_MOST: usize = 64 * 1024;
/// The pauses before a lost stream is opened again, in seconds; the last one again and again.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// Where a gateway is that a private key is sent to.
pub(super) fn gateway_address(text: &str) -> Result<Url, String> {
    let url = address(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the address of a gateway has no query".to_owned());
    }
    Ok(url)
}

/// An address on this machine, or one with TLS.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let form = || "an address looks like https://pay.example.com or http://localhost:3000/hook";
    let url = Url::parse(text).map_err(|_error| form().to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if http_client::is_loopback(&url) => {}
        "http" => return Err("http only goes to this machine: elsewhere use https".to_owned()),
        _ => return Err(form().to_owned()),
    }
    if url.has_host() && url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err(form().to_owned())
    }
}

/// What is known of signing secrets.
enum Secrets {
    /// These; when there are none, nothing is checked.
    Given(Vec<Secret>),
    /// Those in the data folder, as they are at each moment.
    Stored(Arc<Gateway>, TerminalNumber),
}

impl Secrets {
    /// Those that may have signed this delivery.
    async fn of(&self, delivery: &StreamedDelivery) -> Result<Vec<Secret>, Failure> {
        let (gateway, terminal) = match self {
            Self::Given(secrets) => return Ok(secrets.clone()),
            Self::Stored(gateway, terminal) => (gateway, *terminal),
        };
        let id: Option<DeliveryId> = delivery.id.parse().ok();
        let Some(number) = id.and_then(|id| id.endpoint) else {
            return super::secrets_of(gateway, terminal.0).await;
        };
        let endpoint = gateway.endpoint(Actor::Operator, number).await?;
        let now = SystemClock.now();
        let secrets = endpoint.iter().flat_map(|endpoint| endpoint.signing_secrets(now));
        secrets.map(super::parsed).collect()
    }
}

/// What the program on this machine said.
#[derive(Debug, Serialize)]
struct Forwarded {
    took_ms: u64,
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
}

struct Forwarding {
    output: Output,
    source: Source,
    client: SecureClient,
    forward: Option<Url>,
    events: Vec<EventPattern>,
    secrets: Secrets,
}

/// Follows the stream of a gateway until Ctrl-C.
pub(super) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let forwarding = Forwarding::prepare(common, arguments).await?;
    tokio::select! {
        ended = forwarding.go() => ended,
        signal = tokio::signal::ctrl_c() => {
            signal.map_err(|error| Failure::could_not("Ctrl-C", error))
        }
    }
}

fn read_key(file: &Path) -> Result<SecretText, Failure> {
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new);
    let text = text.map_err(|error| Failure::could_not(&file.display().to_string(), error))?;
    match text.trim() {
        "" => Err(Failure::Usage(format!("{} is empty", file.display()))),
        key => Ok(SecretText::new(key.to_owned())),
    }
}

impl Forwarding {
    async fn prepare(common: &Common, arguments: Arguments) -> Result<Self, Failure> {
        let terminal = arguments.terminal();
        let given = arguments.secrets()?;
        let gateway = match arguments.gateway {
            Some(url) => url,
            None => Url::parse(&common.settings()?.local_url())
                .map_err(|error| Failure::could_not("the gateway's address", error))?,
        };
        let key = arguments.private_key_file.as_deref().map(read_key).transpose()?;
        // The secrets in a data folder are those of the gateway whose key is in it.
        let (key, secrets) = if let Some(key) = key.or_else(config::private_key) {
            (key, Secrets::Given(given))
        } else {
            let (key, stored) = stored_key(common, terminal).await?;
            (key, if given.is_empty() { stored } else { Secrets::Given(given) })
        };
        let client = http_client::secure(http_client::public_roots()?);
        Ok(Self {
            output: Output::new(arguments.json),
            source: Source::new(client.clone(), gateway, terminal, &key)?,
            client,
            forward: arguments.forward,
            events: arguments.events,
            secrets,
        })
    }

    /// Opens the stream, and opens it again when it is lost. The first time it must open: what is
    /// wrong then, is wrong with what was asked for.
    async fn go(&self) -> Result<(), Failure> {
        let gateway = self.source.gateway();
        let mut after: Option<String> = None;
        let mut lost = 0;
        let mut was_open = false;
        loop {
            let why = match self.source.open(after.as_deref()).await {
                Ok(mut stream) => {
                    self.opened(was_open);
                    was_open = true;
                    let why = loop {
                        match stream.next().await {
                            Ok(said) => {
                                lost = 0;
                                self.hear(said).await?;
                            }
                            Err(why) => break why,
                        }
                    };
                    after = stream.last_id().map(str::to_owned).or(after);
                    format!("the stream of {gateway} was lost: {why}")
                }
                Err(NoStream::Refused(failure)) => return Err(failure),
                Err(NoStream::Later(why)) if was_open => format!("no stream of {gateway}: {why}"),
                Err(NoStream::Later(why)) => {
                    return Err(Failure::CouldNot(format!("no stream of {gateway}: {why}")));
                }
            };
            let seconds = PAUSES.get(lost).or(PAUSES.last()).copied().unwrap_or_default();
            lost = lost.saturating_add(1);
            self.output.talk(&format!("{}; again in {seconds} s", harmless(&why)));
            SystemClock.sleep(Duration::from_secs(seconds)).await;
        }
    }

    fn opened(&self, again: bool) {
        let gateway = self.source.gateway();
        self.output.talk(&match (again, &self.forward) {
            (true, _) => format!("The stream of {gateway} is open again."),
            (false, None) => format!("Listening to {gateway}; Ctrl-C ends it."),
            (false, Some(to)) => {
                format!("Listening to {gateway}, forwarding to {to}; Ctrl-C ends it.")
            }
        });
    }

    async fn hear(&self, said: Said) -> Result<(), Failure> {
        match said {
            Said::Nothing => Ok(()),
            Said::Unreadable(why) => {
                self.output.talk(&harmless(&format!("a delivery cannot be read: {why}")));
                Ok(())
            }
            Said::Delivery(delivery) if self.is_wanted(&delivery) => self.handle(&delivery).await,
            Said::Delivery(_) => Ok(()),
        }
    }

    /// A type that this release does not know is wanted by who wants everything.
    fn is_wanted(&self, delivery: &StreamedDelivery) -> bool {
        let named = delivery.event_type.as_deref();
        let event_type = named.and_then(|name| EventType::parse(name).ok());
        self.events.is_empty()
            || self.events.iter().any(|pattern| match event_type {
                Some(event_type) => pattern.matches(event_type),
                None => *pattern == EventPattern::everything(),
            })
    }

    async fn handle(&self, delivery: &StreamedDelivery) -> Result<(), Failure> {
        let secrets = self.secrets.of(delivery).await?;
        let (at, headers) = (SystemClock.now(), delivery.headers());
        let verified = checked(&secrets, &headers, delivery.body.as_bytes(), at);
        let webhook =
            Webhook { at, path: String::new(), headers, body: delivery.body.clone(), verified };
        let forwarded = match &self.forward {
            Some(to) => Some(self.forward(to, &webhook).await),
            None => None,
        };
        if self.output.is_json() {
            return self.output.json_line(&as_json(delivery, &webhook, forwarded.as_ref()));
        }
        print_webhook(self.output, &webhook)?;
        match forwarded {
            Some(forwarded) => self.print(&forwarded),
            None => Ok(()),
        }
    }

    /// Posts it as the gateway would: the same headers, the same bytes; a redirect is not followed.
    async fn forward(&self, to: &Url, webhook: &Webhook) -> Forwarded {
        let began = SystemClock.now();
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(to, webhook)).await;
        let exchange = exchange
            .unwrap_or_else(|_elapsed| Err(format!("none within {} seconds", PATIENCE.as_secs())));
        let took_ms = milliseconds(SystemClock.now().since(began));
        match exchange {
            Ok((status, answer)) => {
                Forwarded { took_ms, status: Some(status), answer: Some(answer), error: None }
            }
            Err(why) => Forwarded { took_ms, status: None, answer: None, error: Some(why) },
        }
    }

    async fn exchange(&self, to: &Url, webhook: &Webhook) -> Result<(u16, String), String> {
        let body = Full::new(Bytes::from(webhook.body.clone()));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to.as_str().parse().map_err(|_reason| "no valid address")?;
        *request.headers_mut() = webhook.headers.clone();
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(http_client::AGENT));
        let answer = self.client.request(request).await;
        let (head, body) = answer.map_err(|error| http_client::because(&error))?.into_parts();
        // The head is the answer, whatever becomes of the body.
        let body = Limited::new(body, ANSWER_AT_MOST).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
    }

    fn print(&self, forwarded: &Forwarded) -> Result<(), Failure> {
        let took = forwarded.took_ms;
        let (style, text) = match (forwarded.status, &forwarded.error) {
            (Some(status @ 200..=299), _) => (Style::Good, format!("answered {status}")),
            (Some(status), _) => (Style::Bad, format!("answered {status}")),
            (None, error) => {
                let why = error.as_deref().unwrap_or_default();
                (Style::Bad, format!("no answer: {}", harmless(why)))
            }
        };
        let text = format!("\u{2192} {text} after {took} ms");
        self.output.line(&format!("  {}", self.output.paint(style, &text)))?;
        match forwarded.answer.as_deref().map(beginning) {
            Some(words) if !words.is_empty() => self.output.line(&format!("    {words}")),
            Some(_) | None => Ok(()),
        }
    }
}

/// The private key in the data folder, and that its secrets are there too.
async fn stored_key(common: &Common, number: i64) -> Result<(SecretText, Secrets), Failure> {
    let opened = wire::open(&common.settings()?).await.map_err(|failure| {
        let why = failure.text().unwrap_or_default();
        Failure::CouldNot(format!(
            "no private key to open the stream with (give one with --private-key-file, or as \
             TOLLGATE_PRIVATE_KEY): {why}"
        ))
    })?;
    let terminal = opened.gateway.terminal(Actor::Operator, TerminalNumber(number)).await?;
    let terminal = terminal.ok_or_else(|| crate::commands::terminal::unknown(number))?;
    let key = terminal.keys.first().map(|pair| pair.private.clone());
    let key = key.ok_or_else(|| Failure::CouldNot(format!("terminal {number} has no key")))?;
    Ok((key, Secrets::Stored(opened.gateway, terminal.number)))
}

fn as_json(delivery: &StreamedDelivery, webhook: &Webhook, forwarded: Option<&Forwarded>) -> Value {
    let (verified, why) = verdict(webhook);
    json!({
        "at": webhook.at.to_rfc3339(),
        "id": delivery.id,
        "type": delivery.event_type,
        "url": delivery.url,
        "verified": verified,
        "why": why,
        "body": super::body_value(&delivery.body),
        "forwarded": forwarded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_nothing_leaves_this_machine() {
        for good in [
            "https://pay.example.com",
            "http://localhost:9003",
            "http://shop.localhost/hook",
            "http://127.8.9.1/",
            "http://[::1]:9003/",
        ] {
            assert!(gateway_address(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://pay.example.com", "elsewhere use https"),
            ("http://localhost.example.com", "elsewhere use https"),
            ("http://192.168.0.1/", "elsewhere use https"),
            ("http://[::2]/", "elsewhere use https"),
            ("https://user@pay.example.com", "looks like"),
            ("https://:word@pay.example.com", "looks like"),
            ("ftp://localhost/", "looks like"),
            ("pay.example.com", "looks like"),
            ("https://pay.example.com/?a=b", "has no query"),
            ("https://pay.example.com/#a", "has no query"),
        ] {
            let told = gateway_address(bad).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
        assert!(address("http://localhost:3000/hook?a=b").is_ok());
    }
}
