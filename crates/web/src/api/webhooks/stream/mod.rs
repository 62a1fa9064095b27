//! `GET stream`: a terminal's deliveries as they are written, as server-sent events (HTML Living
//! Standard, section 9.2), for whoever forwards them to a machine that the gateway cannot reach.
//!
//! The log is read again and again while somebody listens, so that it does not matter which node
//! wrote. Commits may arrive later than others that began after them; so each look goes back a
//! while, and what was told already is told apart by its name.

mod told;

use self::told::Told;
use super::{Call, Kind, open};
use crate::api::bearer::answer;
use crate::api::error::{Problem, Refusal};
use crate::api::exchange::{Who, bad_request, bearer, log};
use crate::app::{App, Caller, RequestId};
use axum::extract::{Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use domain::api_token::TokenScope;
use domain::delivery::{DeliveryDetail, DeliveryRecord};
use domain::id::TerminalNumber;
use domain::secret::SecretText;
use domain::time::Timestamp;
use engine::Actor;
use engine::api_token::TokenDenied;
use engine::error::Fault;
use engine::terminal::Denied;
use futures_core::Stream;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often the log is read while somebody listens.
const LOOK: Duration = Duration::from_millis(500);
/// How often the terminal's key is checked again.
const CHECK: Duration = Duration::from_secs(5);
/// A reader who takes nothing for so long has gone.
const STUCK: Duration = Duration::from_mins(1);
/// A comment shows reader and proxies that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Deliveries that are read at once.
const READ_AT_ONCE: u32 = 100;
/// Events that wait for a slow reader.
const WAITING: usize = 16;
/// Streams of one terminal on this node.
const OF_TERMINAL: usize = 4;
/// Streams on this node.
const OF_NODE: usize = 64;
const LAST_EVENT_ID: &str = "last-event-id";

/// Who listens on this node.
#[derive(Debug)]
pub struct Streams {
    seats: Mutex<BTreeMap<TerminalNumber, usize>>,
    closed: watch::Sender<bool>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { seats: Mutex::default(), closed: watch::Sender::new(false) }
    }
}

impl Streams {
    /// Ends all streams: the process is about to.
    pub(crate) fn close(&self) {
        // Nobody listens most of the time.
        self.closed.send_replace(true);
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, BTreeMap<TerminalNumber, usize>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, terminal: TerminalNumber) -> Option<Seat> {
        let mut seats = self.seats();
        let all: usize = seats.values().sum();
        let own = seats.entry(terminal).or_default();
        if *own >= OF_TERMINAL || all >= OF_NODE {
            return None;
        }
        *own = own.saturating_add(1);
        Some(Seat { streams: Arc::clone(self), terminal })
    }
}

/// Counts a stream as long as it lasts.
#[derive(Debug)]
struct Seat {
    streams: Arc<Streams>,
    terminal: TerminalNumber,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.streams.seats();
        if let Some(own) = seats.get_mut(&self.terminal) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                seats.remove(&self.terminal);
            }
        }
    }
}

/// `GET stream`
pub(super) async fn follow(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let kind = Kind { action: "follow_deliveries", scope: TokenScope::ReadWebhooks, query: &[] };
    let mut who = Who::new(&app, Caller::of(&parts.extensions), kind.action);
    let opened = open(&app, &mut parts, body, kind, &mut who).await;
    match opened.and_then(|call| begin(&call)) {
        Ok(response) => {
            let request_id = RequestId::of(&parts.extensions);
            log(&app, &request_id, &who, (StatusCode::OK, None), None);
            response
        }
        Err(refusal) => answer(&app, &parts, &who, Err(refusal)).await,
    }
}

fn begin(call: &Call) -> Result<Response, Refusal> {
    let now = call.app.gateway.clock().now();
    let told = match call.headers.get(LAST_EVENT_ID) {
        None => Told::from_now(now),
        Some(id) => id.to_str().ok().and_then(Told::after).ok_or_else(|| {
            let text = "must be the id of an event of this stream, or be left out";
            bad_request(Problem::form("Last-Event-ID", text))
        })?,
    };
    let key = bearer(&call.headers).unwrap_or_default().to_owned();
    let seat = call.app.streams.take(call.terminal.number).ok_or_else(|| {
        let text = format!(
            "too many streams: {OF_TERMINAL} of a terminal and {OF_NODE} of a node may be open"
        );
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "429", &text);
        Refusal { retry_after: Some(5), ..refusal }
    })?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let follower = Follower {
        app: call.app.clone(),
        actor: call.actor,
        terminal: call.terminal.number,
        caller: call.caller,
        key: SecretText::new(key),
        checked_at: now,
        told,
        sender,
    };
    let mut closed = call.app.streams.closed.subscribe();
    tokio::spawn(async move {
        let _seat = seat;
        tokio::select! {
            _closed = closed.wait_for(|closed| *closed) => {}
            () = follower.run() => {}
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(Events(receiver)).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    // Proxies must not wait for more.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The events as they come.
#[derive(Debug)]
struct Events(mpsc::Receiver<Event>);

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Why a stream ends.
enum End {
    /// Nobody reads any more, or the key is not good any more.
    Over,
    /// Not at all: it is looked again in a moment.
    Later(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Later(fault)
    }
}

/// One who listens.
struct Follower {
    app: App,
    actor: Actor,
    terminal: TerminalNumber,
    caller: Caller,
    key: SecretText,
    checked_at: Timestamp,
    told: Told,
    sender: mpsc::Sender<Event>,
}

impl Follower {
    async fn run(mut self) {
        // Whoever loses the stream before the first delivery goes on from here: by the standard, an
        // event without data only tells its id.
        let beginning = Event::default().id(self.told.position());
        if self.sender.send(beginning).await.is_err() {
            return;
        }
        loop {
            match self.look().await {
                Ok(()) => {}
                Err(End::Over) => return,
                Err(End::Later(fault)) => {
                    tracing::warn!(terminal = %self.terminal, %fault, "deliveries were not read");
                }
            }
            tokio::select! {
                () = self.sender.closed() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Tells all that is new.
    async fn look(&mut self) -> Result<(), End> {
        let from = self.told.window();
        let mut after = None;
        loop {
            self.check().await?;
            let gateway = Arc::clone(&self.app.gateway);
            let terminal = self.terminal;
            let page = gateway.deliveries_since(self.actor, terminal, from, after, READ_AT_ONCE);
            let page = page.await?;
            for record in &page {
                if self.told.is_new(record.cursor())
                    && let Some(detail) = gateway.delivery(self.actor, record.id).await?
                {
                    let data = self.data(&detail).await?;
                    self.told.note(record.cursor());
                    let event = Event::default().id(self.told.position());
                    let event = event.event("delivery").data(data);
                    let sent = tokio::time::timeout(STUCK, self.sender.send(event)).await;
                    sent.map_err(|_stuck| End::Over)?.map_err(|_gone| End::Over)?;
                }
            }
            after = page.last().map(DeliveryRecord::cursor);
            if u32::try_from(page.len()).is_ok_and(|read| read < READ_AT_ONCE) {
                return Ok(());
            }
        }
    }

    /// Whether the key is still good; asked now and then.
    async fn check(&mut self) -> Result<(), End> {
        let gateway = &self.app.gateway;
        let now = gateway.clock().now();
        if now < self.checked_at.plus(CHECK) {
            return Ok(());
        }
        let key = self.key.reveal();
        let opens = (key, TokenScope::ReadWebhooks);
        match gateway.terminal_for_bearer(self.terminal, opens, self.caller.0).await {
            Ok(_terminal) => {
                self.checked_at = now;
                Ok(())
            }
            Err(TokenDenied::Fault(fault) | TokenDenied::Terminal(Denied::Fault(fault))) => {
                Err(End::Later(fault))
            }
            Err(TokenDenied::Unknown | TokenDenied::Refused(_) | TokenDenied::Terminal(_)) => {
                Err(End::Over)
            }
        }
    }

    async fn data(&self, detail: &DeliveryDetail) -> Result<String, Fault> {
        let headers = self.app.gateway.as_sent(detail).await?;
        let record = &detail.record;
        let sent = AsSent {
            id: record.id.webhook_id(),
            event_type: record.event_type.map(domain::event_type::EventType::name),
            url: &record.url,
            created_at: record.created_at.to_rfc3339(),
            headers: headers.into_iter().collect(),
            body: &detail.body,
        };
        serde_json::to_string(&sent).map_err(|error| Fault::Broken(error.to_string()))
    }
}

/// A delivery as it would be posted now, signatures included.
#[derive(Debug, Serialize)]
struct AsSent<'a> {
    id: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'static str>,
    url: &'a str,
    created_at: String,
    headers: BTreeMap<&'static str, String>,
    body: &'a str,
}
