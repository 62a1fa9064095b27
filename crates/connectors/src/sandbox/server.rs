//! The sandbox bank as a process of its own: its desk on a loopback address, with failure
//! switches. See `protocol.rs` for what is said there.

use super::faults::{Effect, Fault, Faults};
use super::orders::OrderForm;
use super::protocol::{
    AnswerBody, AtBankBody, AtCounter, Authenticated, AuthenticationBody, AuthorisationBody,
    BODY_AT_MOST, ChallengeBody, Challenged, CounterAnswer, CounterBody, Decided, Decision,
    FollowUpBody, Found, JSON, Judged, LookedUp, LookupBody, Operation, Verdict,
};
use super::rules::Wish;
use super::{CardCall, SandboxBank};
use bytes::Bytes;
use domain::card::CardNumber;
use domain::id::PaymentId;
use domain::outcome::Outcome;
use engine::ports::{BankCounter as _, Connector as _, CounterDecision};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use serde::Serialize;
use serde::de::Deserialize;
use serde_json::json;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// How long a client may take to send a request's head, also on a connection that is kept open.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long calls that run may take to end when the bank closes.
const CLOSING: Duration = Duration::from_secs(2);
/// After a failed accept.
const BREATH: Duration = Duration::from_millis(50);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Serves the bank until `stop` ends, and lets the calls that run then end. Loopback only: it
/// knows no passwords, and `/faults` breaks it on purpose.
pub async fn serve_bank(
    bank: Arc<SandboxBank>,
    mut listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let text = format!("the sandbox bank is for loopback addresses only, not {address}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let (go_down, mut downs) = mpsc::channel(1);
    let desk = Arc::new(Desk { bank, faults: Faults::default(), go_down });
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = connections.join_next() => {}
            Some(down) = downs.recv() => {
                drop(listener);
                listener = tokio::select! {
                    () = &mut stop => break,
                    again = stay_down(address, down) => again?,
                };
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(serve(stream, Arc::clone(&desk), graceful.watcher()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    drop(desk);
    // Calls that a fault keeps silent would not end by themselves.
    let _in_time = tokio::time::timeout(CLOSING, graceful.shutdown()).await;
    connections.shutdown().await;
    Ok(())
}

/// How long not to listen, and who waits until that has begun.
type Down = (Duration, oneshot::Sender<()>);

/// The port is kept meanwhile, without listening: connections are refused, and nobody else gets it.
async fn stay_down(address: SocketAddr, (pause, begun): Down) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let _asker_gone = begun.send(());
    tokio::time::sleep(pause).await;
    socket.listen(BACKLOG)
}

async fn serve(stream: TcpStream, desk: Arc<Desk>, watcher: Watcher) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let answer = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { desk.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), answer);
    // An error is a client that went away or a fault that hung up: nobody is left to be told.
    let _ended = watcher.watch(connection).await;
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
struct HungUp;

type Answer = Response<Full<Bytes>>;

/// Why a call is not answered with a decision: HTTP status and words.
type Refused = (StatusCode, String);

#[derive(Debug)]
struct Desk {
    bank: Arc<SandboxBank>,
    faults: Faults,
    go_down: mpsc::Sender<Down>,
}

impl Desk {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, HungUp> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_AT_MOST).collect().await else {
            let text = format!("a body is at most {BODY_AT_MOST} bytes");
            return Ok(refused((StatusCode::PAYLOAD_TOO_LARGE, text)));
        };
        let body = body.to_bytes();
        let path = head.uri.path();
        if path == "/faults" {
            return Ok(self.switch(&head.method, &body).await.unwrap_or_else(refused));
        }
        let Some(operation) = Operation::from_path(path) else {
            return Ok(refused((StatusCode::NOT_FOUND, format!("there is no {path}"))));
        };
        if head.method != Method::POST {
            let text = format!("{path} is asked with POST");
            return Ok(refused((StatusCode::METHOD_NOT_ALLOWED, text)));
        }
        match self.faults.strike(operation) {
            None => Ok(self.call(operation, &body).await),
            Some(effect) => self.spoil(effect, operation, body).await,
        }
    }

    async fn call(&self, operation: Operation, body: &[u8]) -> Answer {
        match self.decide(operation, body).await {
            Ok(text) => answer(StatusCode::OK, JSON, text),
            Err(why) => refused(why),
        }
    }

    async fn spoil(
        self: Arc<Self>,
        effect: Effect,
        operation: Operation,
        body: Bytes,
    ) -> Result<Answer, HungUp> {
        let call = || self.call(operation, &body);
        match effect {
            Effect::Slow(time) => {
                let called = call().await;
                tokio::time::sleep(time).await;
                Ok(called)
            }
            Effect::LoseRequest(silence) => {
                tokio::time::sleep(silence).await;
                Err(HungUp)
            }
            Effect::LoseAnswer(silence) => {
                call().await;
                tokio::time::sleep(silence).await;
                Err(HungUp)
            }
            Effect::StatusBefore(status) => Ok(broken(status)),
            Effect::StatusAfter(status) => {
                call().await;
                Ok(broken(status))
            }
            Effect::Garbage => {
                call().await;
                Ok(answer(StatusCode::OK, JSON, b"\x16\x03\x01\x00{]approved".to_vec()))
            }
            Effect::HalfJson => Ok(half(call().await).await),
            Effect::Html => {
                call().await;
                let page = b"<!doctype html><title>approved</title>".to_vec();
                Ok(answer(StatusCode::OK, "text/html", page))
            }
            Effect::RegisterLate(time) => {
                let desk = Arc::clone(&self);
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    desk.call(operation, &body).await;
                });
                Err(HungUp)
            }
            // Nobody is served while the bank is down; see `switch`.
            Effect::Down(_) => Err(HungUp),
        }
    }

    /// `/faults`: what is set, one more, or none any more.
    async fn switch(&self, method: &Method, body: &[u8]) -> Result<Answer, Refused> {
        match *method {
            Method::GET => {}
            Method::DELETE => self.faults.clear(),
            Method::POST => {
                let fault: Fault = serde_json::from_slice(body).map_err(|error| bad(&error))?;
                let effect = fault.effect().map_err(|error| bad(&error))?;
                if let Effect::Down(pause) = effect {
                    self.close_for(pause).await;
                } else {
                    self.faults.add(fault);
                }
            }
            _ => {
                let text = "/faults is asked with GET, POST or DELETE".to_owned();
                return Err((StatusCode::METHOD_NOT_ALLOWED, text));
            }
        }
        let text = written(&json!({ "faults": self.faults.list() }))?;
        Ok(answer(StatusCode::OK, JSON, text))
    }

    /// Returns when nobody can connect any more.
    async fn close_for(&self, pause: Duration) {
        let (begin, begun) = oneshot::channel();
        if self.go_down.send((pause, begin)).await.is_ok() {
            let _closing = begun.await;
        }
    }

    async fn decide(&self, operation: Operation, body: &[u8]) -> Result<Vec<u8>, Refused> {
        match operation {
            Operation::Authorisation => self.authorise(read(body)?).await,
            Operation::Capture => {
                self.follow_up(read(body)?, |original| Wish::Capture { original }).await
            }
            Operation::Refund => {
                self.follow_up(read(body)?, |original| Wish::Refund { original }).await
            }
            Operation::Reversal => {
                self.follow_up(read(body)?, |original| Wish::Reverse { original }).await
            }
            Operation::Lookup => self.look_up(read(body)?).await,
            Operation::Authentication => {
                let body: AuthenticationBody<'_> = read(body)?;
                let number = number(body.card.number)?;
                let authentication = super::authentication(number.reveal());
                written(&Authenticated { authentication })
            }
            Operation::Challenge => {
                let body: ChallengeBody<'_> = read(body)?;
                let view = self.bank.challenge_of(payment(&body.trans_id)?).await;
                written(&Challenged::of(body.trans_id.into_owned(), view.map_err(unavailable)?))
            }
            Operation::NewCode => {
                let body: ChallengeBody<'_> = read(body)?;
                let view = self.bank.send_code(payment(&body.trans_id)?).await;
                written(&Challenged::of(body.trans_id.into_owned(), view.map_err(unavailable)?))
            }
            Operation::Order => self.place(read(body)?).await,
            Operation::Counter => self.at_counter(read(body)?).await,
            Operation::Answer => {
                let body: AnswerBody<'_> = read(body)?;
                let judged = self.bank.judge_code(payment(&body.trans_id)?, &body.answer).await;
                let verdict = judged.map(Verdict::of).map_err(unavailable)?;
                let verdict = verdict.ok_or_else(|| unavailable(NOT_DECIDED.to_owned()))?;
                written(&Judged { trans_id: body.trans_id.into_owned(), verdict })
            }
        }
    }

    async fn authorise(&self, body: AuthorisationBody<'_>) -> Result<Vec<u8>, Refused> {
        let number = number(body.card.number)?;
        let call = CardCall {
            our_reference: &body.our_reference,
            payment: payment(&body.trans_id)?,
            amount: body.amount.money().ok_or_else(|| bad(&NEGATIVE))?,
            capture: body.capture,
            number: number.reveal(),
            at_bank: body.at_bank.as_ref().map(AtBankBody::at_bank),
        };
        let outcome = self.bank.authorise_card(call).await;
        decided(body.our_reference.into_owned(), outcome)
    }

    async fn place(&self, form: OrderForm) -> Result<Vec<u8>, Refused> {
        payment(&form.trans_id)?;
        form.amount.money().ok_or_else(|| bad(&NEGATIVE))?;
        decided(form.our_reference.clone(), self.bank.place_form(&form).await)
    }

    async fn at_counter(&self, body: CounterBody<'_>) -> Result<Vec<u8>, Refused> {
        let our_reference = body.our_reference.into_owned();
        let decide = |decision| self.bank.decide(&our_reference, decision);
        let order = match body.customer {
            AtCounter::Look => self.bank.order(&our_reference).await,
            AtCounter::Approve => decide(CounterDecision::Approve).await,
            AtCounter::Decline => decide(CounterDecision::Decline).await,
            AtCounter::Cancel => decide(CounterDecision::Cancel).await,
        };
        let order = order.map_err(unavailable)?;
        written(&CounterAnswer::of(our_reference, order))
    }

    async fn follow_up(
        &self,
        body: FollowUpBody<'_>,
        wish: impl FnOnce(String) -> Wish + Send,
    ) -> Result<Vec<u8>, Refused> {
        let amount = body.amount.money().ok_or_else(|| bad(&NEGATIVE))?;
        let our_reference = body.our_reference.into_owned();
        let wish = wish(body.original.into_owned());
        let outcome = self.bank.enter(&our_reference, payment(&body.trans_id)?, amount, wish).await;
        decided(our_reference, outcome)
    }

    async fn look_up(&self, body: LookupBody<'_>) -> Result<Vec<u8>, Refused> {
        let our_reference = body.our_reference.into_owned();
        let found = Found::of(self.bank.look_up(&our_reference).await);
        let lookup = found.ok_or_else(|| unavailable(NOT_DECIDED.to_owned()))?;
        written(&LookedUp { our_reference, lookup })
    }
}

/// The bank's answer to a call.
fn decided(our_reference: String, outcome: Outcome) -> Result<Vec<u8>, Refused> {
    let decision = Decision::of(outcome).ok_or_else(|| unavailable(NOT_DECIDED.to_owned()))?;
    written(&Decided { our_reference, decision })
}

const NOT_DECIDED: &str = "the bank cannot say at the moment";
const NEGATIVE: &str = "amount.minor must not be negative";

/// Reads a call. What is wrong is told by its place alone: the words of the parser repeat the text,
/// and that may be a card number.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad(&format!("the body is not of the agreed form: line {line}, column {column}"))
    })
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Refused> {
    serde_json::to_vec(value).map_err(|error| unavailable(error.to_string()))
}

fn number(digits: &str) -> Result<CardNumber, Refused> {
    CardNumber::parse(digits, true).map_err(|error| bad(&format!("card.number {error}")))
}

fn payment(trans_id: &str) -> Result<PaymentId, Refused> {
    trans_id.parse().map_err(|error: domain::id::InvalidTransId| bad(&error))
}

fn bad(why: &impl ToString) -> Refused {
    (StatusCode::BAD_REQUEST, why.to_string())
}

fn unavailable(why: String) -> Refused {
    (StatusCode::SERVICE_UNAVAILABLE, why)
}

fn refused((status, why): Refused) -> Answer {
    answer(status, JSON, json!({ "error": why }).to_string().into_bytes())
}

/// As a server or a proxy between answers that is itself in trouble.
fn broken(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, "text/html", b"<html><h1>Sorry</h1></html>".to_vec())
}

/// The first half of an answer.
async fn half(whole: Answer) -> Answer {
    let mut text = match whole.into_body().collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(never) => match never {},
    };
    text.truncate(text.len().div_euclid(2));
    answer(StatusCode::OK, JSON, text)
}

fn answer(status: StatusCode, media: &'static str, text: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}
