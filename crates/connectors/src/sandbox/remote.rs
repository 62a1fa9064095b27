//! The sandbox bank as a process of its own, seen from a gateway. It is a model of what every
//! connector to a bank does: one deadline over the whole exchange, nothing sent twice, and "not
//! sent" only where no byte of the request can have left.

use super::orders::OrderForm;
use super::protocol::{
    AnswerBody, AtCounter, Authenticated, AuthenticationBody, AuthorisationBody, BODY_AT_MOST,
    CardDigits, ChallengeBody, Challenged, CounterAnswer, CounterBody, Decided, FollowUpBody, JSON,
    Judged, LookedUp, LookupBody, Operation,
};
use super::{institutions, notices};
use crate::standard_webhooks::Secret;
use async_trait::async_trait;
use bytes::Bytes;
use domain::card::Card;
use domain::money::Money;
use domain::outcome::{Lookup, Outcome};
use domain::payment::{Authentication, Payment};
use domain::terminal::Mode;
use engine::ports::{
    AuthorisationRequest, BankCounter, ChallengeVerdict, ChallengeView, Connector, CounterDecision,
    CounterOrder, FollowUpRequest, InboundMessage, Institution, Judgement, LabCase, OrderRequest,
    RefusedMessage,
};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// Most bytes of an answer's head.
const HEAD_AT_MOST: usize = 16 * 1024;
/// No request is longer: the buffer never grows, so that it leaves no copies behind.
const REQUEST_AT_MOST: usize = 4 * 1024;
/// How much longer than its own deadline the bank may take to register a call.
const MARGIN: Duration = Duration::from_secs(2);

/// How long the exchange with the bank may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the connection.
    pub connect: Duration,
    /// For all of it: connection, request, head and body of the answer.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), whole: Duration::from_secs(8) }
    }
}

/// The address is not one of this machine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox bank must be on a loopback address, as http://127.0.0.1:9010, and not on {0}")]
pub struct NotLoopback(SocketAddr);

/// A sandbox bank that another process serves (`tollgate bank serve`). Its notices come by HTTP,
/// where both know a secret; without one its lookups tell the same, on the gateway's schedule and
/// when the customer comes back.
#[derive(Debug)]
pub struct RemoteSandbox {
    address: SocketAddr,
    patience: Patience,
    notice_secret: Option<Secret>,
}

/// Why there is no answer.
enum Failure {
    /// No byte of the request can have left.
    NotSent(String),
    /// Something may have arrived.
    NoAnswer(String),
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(why) => Self::NotSent(why),
            Failure::NoAnswer(why) => Self::Unknown(why),
        }
    }
}

impl Failure {
    fn into_text(self) -> String {
        match self {
            Self::NotSent(why) | Self::NoAnswer(why) => why,
        }
    }
}

impl RemoteSandbox {
    /// A bank at this address. Nothing is sent yet.
    pub fn new(address: SocketAddr, patience: Patience) -> Result<Self, NotLoopback> {
        if address.ip().is_loopback() {
            Ok(Self { address, patience, notice_secret: None })
        } else {
            Err(NotLoopback(address))
        }
    }

    /// With the secret that the bank signs its notices with; without one none is taken.
    #[must_use]
    pub fn with_notice_secret(self, notice_secret: Option<Secret>) -> Self {
        Self { notice_secret, ..self }
    }

    /// One exchange on a connection of its own: a connection that was used before may turn out to
    /// be closed after the request was written, and then nobody knows whether to send it again.
    async fn ask<A: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &(impl Serialize + Sync),
    ) -> Result<A, Failure> {
        let mut text = Zeroizing::new(Vec::with_capacity(REQUEST_AT_MOST));
        serde_json::to_writer(&mut *text, body)
            .map_err(|error| Failure::NotSent(format!("the request: {error}")))?;
        if text.len() > REQUEST_AT_MOST {
            return Err(Failure::NotSent("the request is too long".to_owned()));
        }
        let request = self.request(operation, text)?;
        let exchange =
            async { exchange(self.connect().await?, request).await.map_err(Failure::NoAnswer) };
        let ended = tokio::time::timeout(self.patience.whole, exchange).await;
        match ended {
            Ok(answer) => {
                let answer = answer?;
                serde_json::from_slice(&answer).map_err(|_words_of_others| {
                    Failure::NoAnswer("the bank's answer is not of the agreed form".to_owned())
                })
            }
            Err(_elapsed) => Err(Failure::NoAnswer(TIMED_OUT.to_owned())),
        }
    }

    fn request(
        &self,
        operation: Operation,
        text: Zeroizing<Vec<u8>>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let invalid = |error: &dyn Error| Failure::NotSent(format!("the request: {error}"));
        let host = HeaderValue::from_str(&self.address.to_string());
        // The buffer itself is sent, and wiped when the last reader has let go of it.
        let mut request = Request::new(Full::new(Bytes::from_owner(text)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(operation.path());
        let headers = request.headers_mut();
        headers.insert(HOST, host.map_err(|error| invalid(&error))?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        Ok(request)
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let connecting = TcpStream::connect(self.address);
        match tokio::time::timeout(self.patience.connect, connecting).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| Failure::NotSent(error.to_string()))?;
                Ok(stream)
            }
            Ok(Err(error)) => Err(Failure::NotSent(format!("could not connect: {error}"))),
            // Nothing is written before there is a connection.
            Err(_elapsed) => Err(Failure::NotSent("could not connect in time".to_owned())),
        }
    }

    async fn call(
        &self,
        operation: Operation,
        our_reference: &str,
        body: &(impl Serialize + Sync),
    ) -> Outcome {
        match self.ask::<Decided>(operation, body).await {
            Ok(answer) if answer.our_reference != our_reference => {
                Outcome::Unknown(ANOTHER_CALL.to_owned())
            }
            Ok(answer) => answer
                .decision
                .outcome()
                .unwrap_or_else(|| Outcome::Unknown(CONTRADICTION.to_owned())),
            Err(failure) => failure.into(),
        }
    }

    async fn challenge_by(
        &self,
        operation: Operation,
        payment: &Payment,
    ) -> Result<ChallengeView, String> {
        let trans_id = payment.id.to_string();
        let body = ChallengeBody { trans_id: trans_id.as_str().into() };
        let answer = self.ask::<Challenged>(operation, &body).await;
        let answer = answer.map_err(Failure::into_text)?;
        if answer.trans_id == trans_id { Ok(answer.view()) } else { Err(ANOTHER_CALL.to_owned()) }
    }

    async fn at_counter(
        &self,
        our_reference: &str,
        customer: AtCounter,
    ) -> Result<Option<CounterOrder>, String> {
        let body = CounterBody { our_reference: our_reference.into(), customer };
        let answer = self.ask::<CounterAnswer>(Operation::Counter, &body).await;
        let answer = answer.map_err(Failure::into_text)?;
        if answer.our_reference == our_reference {
            answer.order()
        } else {
            Err(ANOTHER_CALL.to_owned())
        }
    }

    async fn follow_up(&self, operation: Operation, request: FollowUpRequest<'_>) -> Outcome {
        self.call(operation, request.our_reference, &FollowUpBody::from(request)).await
    }
}

#[async_trait]
impl BankCounter for RemoteSandbox {
    async fn order(&self, our_reference: &str) -> Result<Option<CounterOrder>, String> {
        self.at_counter(our_reference, AtCounter::Look).await
    }

    async fn decide(
        &self,
        our_reference: &str,
        decision: CounterDecision,
    ) -> Result<Option<CounterOrder>, String> {
        let customer = match decision {
            CounterDecision::Approve => AtCounter::Approve,
            CounterDecision::Decline => AtCounter::Decline,
            CounterDecision::Cancel => AtCounter::Cancel,
        };
        self.at_counter(our_reference, customer).await
    }

    fn lab(&self) -> Vec<LabCase> {
        super::lab()
    }
}

const TIMED_OUT: &str = "the bank did not answer in time";
const ANOTHER_CALL: &str = "the bank answered to another call";
const CONTRADICTION: &str = "the bank's answer contradicts itself";

/// Sends the request and reads the answer, if it is a whole one with status 200.
async fn exchange(stream: TcpStream, request: Request<Full<Bytes>>) -> Result<Bytes, String> {
    let (mut sender, connection) = http1::Builder::new()
        // Head and body are written from where they are, so that the card is copied nowhere.
        .writev(true)
        .max_buf_size(HEAD_AT_MOST)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| innermost(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| innermost(&error))?;
        let (head, body) = answer.into_parts();
        whole_answer(head.status, &head.headers, body).await
    };
    tokio::pin!(connection, answer);
    tokio::select! {
        answer = &mut answer => return answer,
        // Closed, well or not. What was read before that is still to be had.
        _closed = &mut connection => {}
    }
    answer.await
}

async fn whole_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Bytes, String> {
    if status != StatusCode::OK {
        return Err(format!("the bank answered with HTTP status {}", status.as_u16()));
    }
    if headers.get(CONTENT_TYPE).is_none_or(|media| media != JSON) {
        return Err("the bank's answer is not JSON".to_owned());
    }
    // Without its length, a cut answer could not be told from a whole one.
    if body.size_hint().exact().is_none() {
        return Err("the bank's answer does not say how long it is".to_owned());
    }
    match Limited::new(body, BODY_AT_MOST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_cut_or_too_long) => Err("the bank's answer was cut off or is too long".to_owned()),
    }
}

/// The innermost reason, which is the one that helps: "connection reset by peer".
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[async_trait]
impl Connector for RemoteSandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn mode(&self) -> Mode {
        Mode::Test
    }

    fn lookup_patience(&self) -> Duration {
        self.patience.whole.saturating_add(MARGIN)
    }

    fn can_always_challenge(&self) -> bool {
        true
    }

    async fn authenticate(&self, amount: Money, card: &Card) -> Authentication {
        let card = CardDigits {
            number: card.number.reveal(),
            security_code: None,
            year: card.expiry.year,
            month: card.expiry.month,
        };
        let body = AuthenticationBody { amount: amount.into(), card };
        match self.ask::<Authenticated>(Operation::Authentication, &body).await {
            Ok(answer) => answer.authentication,
            Err(failure) => {
                // The careful answer: nothing is asked of the bank before the customer acted, and
                // it can be asked again then.
                tracing::warn!(why = failure.into_text(), "the bank cannot be asked about a card");
                Authentication::Challenge
            }
        }
    }

    async fn challenge(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.challenge_by(Operation::Challenge, payment).await
    }

    async fn send_new_code(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.challenge_by(Operation::NewCode, payment).await
    }

    fn institutions(&self) -> &[Institution] {
        institutions::all()
    }

    async fn place_order(&self, request: OrderRequest<'_>) -> Outcome {
        let form = OrderForm::of(&request);
        self.call(Operation::Order, request.our_reference, &form).await
    }

    fn takes_messages(&self) -> bool {
        self.notice_secret.is_some()
    }

    fn judge_message(&self, message: InboundMessage<'_>) -> Judgement {
        match &self.notice_secret {
            Some(secret) => notices::judge(secret, message),
            None => Judgement::Refused(RefusedMessage::NotTaken),
        }
    }

    async fn answer_challenge(&self, payment: &Payment, answer: &str) -> ChallengeVerdict {
        let trans_id = payment.id.to_string();
        let body = AnswerBody { trans_id: trans_id.as_str().into(), answer: answer.into() };
        match self.ask::<Judged>(Operation::Answer, &body).await {
            Ok(judged) if judged.trans_id == trans_id => judged.verdict.verdict(),
            Ok(_another) => ChallengeVerdict::Unavailable(ANOTHER_CALL.to_owned()),
            Err(failure) => ChallengeVerdict::Unavailable(failure.into_text()),
        }
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        let body = AuthorisationBody {
            our_reference: request.our_reference.into(),
            trans_id: request.payment.to_string().into(),
            amount: request.amount.into(),
            capture: request.capture,
            card: CardDigits::of(request.card),
            at_bank: request.at_bank.map(Into::into),
        };
        self.call(Operation::Authorisation, request.our_reference, &body).await
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Operation::Capture, request).await
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Operation::Refund, request).await
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Operation::Reversal, request).await
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        let body = LookupBody { our_reference: our_reference.into() };
        match self.ask::<LookedUp>(Operation::Lookup, &body).await {
            Ok(answer) if answer.our_reference != our_reference => {
                Lookup::Unavailable(ANOTHER_CALL.to_owned())
            }
            Ok(answer) => answer
                .lookup
                .lookup()
                .unwrap_or_else(|| Lookup::Unavailable(CONTRADICTION.to_owned())),
            Err(failure) => Lookup::Unavailable(failure.into_text()),
        }
    }
}
