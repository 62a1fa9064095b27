//! The way from a node to the bank: a network that loses, delays, repeats and reorders, and a
//! connector that takes none of it for an answer.

use super::bank::{Bank, Call, Kind};
use super::node::Gate;
use super::world::World;
use async_trait::async_trait;
use domain::card::Card;
use domain::method::MethodCode;
use domain::money::Money;
use domain::outcome::{BankFacts, Lookup, Outcome};
use domain::payment::{Authentication, Payment};
use domain::terminal::{Capture, Mode};
use engine::ports::{
    AuthorisationRequest, BankNotice, ChallengeVerdict, ChallengeView, Connector, FollowUpRequest,
    Institution, OrderRequest,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the connector waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Customers with this card are challenged.
pub const CHALLENGED_CARD: &str = "4242424242424242";
/// Customers with this card are not.
pub const QUIET_CARD: &str = "4111111111111111";
/// The right answer to a challenge.
pub const RIGHT_ANSWER: &str = "1234";

/// Whom customers may choose.
const INSTITUTIONS: [Institution; 3] = [
    Institution { code: "SBIN", name: "State Bank of India", method: MethodCode::NetBanking },
    Institution { code: "HDFC", name: "HDFC Bank", method: MethodCode::NetBanking },
    Institution { code: "PAYTM", name: "Paytm", method: MethodCode::Wallet },
];

/// A call that left a gateway, or would have if there had been a connection.
#[derive(Clone, Debug)]
pub struct Made {
    /// When, among all that happened in the run.
    pub order: u64,
    /// The call.
    pub call: Call,
    /// Whether it came with a security code.
    pub security_code: bool,
}

/// All calls of all nodes.
#[derive(Debug, Default)]
pub struct CallLog(Mutex<Vec<Made>>);

impl CallLog {
    fn add(&self, made: Made) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// All of them.
    pub fn all(&self) -> Vec<Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The link of one node.
#[derive(Debug)]
pub struct BankLink {
    world: Arc<World>,
    bank: Arc<Bank>,
    gate: Arc<Gate>,
    log: Arc<CallLog>,
}

impl BankLink {
    /// A link to this bank.
    pub fn new(world: &Arc<World>, bank: &Arc<Bank>, log: &Arc<CallLog>, gate: &Arc<Gate>) -> Self {
        Self {
            world: Arc::clone(world),
            bank: Arc::clone(bank),
            gate: Arc::clone(gate),
            log: Arc::clone(log),
        }
    }

    async fn call(&self, call: Call, security_code: bool) -> Outcome {
        let (world, weather) = (&self.world, &self.world.weather);
        self.gate.pass("before a call").await;
        let order = world.order.next();
        world.note(&format!("call {} {:?} {}", call.reference, call.kind, call.original));
        self.log.add(Made { order, call: call.clone(), security_code });
        if world.strikes(weather.not_sent) {
            world.note(&format!("call {} not sent", call.reference));
            return Outcome::NotSent("refused".to_owned());
        }
        if world.strikes(weather.proxy_fails) {
            world.note(&format!("call {} ends at a proxy", call.reference));
            world.sleep(world.latency()).await;
            self.gate.pass("after a call").await;
            return Outcome::Unknown("502 of a proxy".to_owned());
        }
        let (reply, answer) = oneshot::channel();
        let reply = Arc::new(Mutex::new(Some(reply)));
        let copies = 1 + u64::from(world.strikes(weather.request_doubled));
        for _copy in 0..copies {
            if !world.strikes(weather.request_lost) {
                self.carry(call.clone(), Arc::clone(&reply));
            }
        }
        drop(reply);
        let deadline = world.sleep(TIMEOUT);
        let outcome = tokio::select! {
            biased;
            outcome = heard(answer) => outcome,
            () = deadline => Outcome::Unknown("time-out".to_owned()),
        };
        world.note(&format!("answer {} {}", call.reference, short(&outcome)));
        self.gate.pass("after a call").await;
        outcome
    }

    /// One copy of a request on its way, and its answer back.
    fn carry(&self, call: Call, reply: Arc<Mutex<Option<oneshot::Sender<Outcome>>>>) {
        let (world, bank) = (Arc::clone(&self.world), Arc::clone(&self.bank));
        let there = if world.strikes(world.weather.request_late) {
            world.draw(|dice| {
                let longest = dice.pick(&[60_000, 300_000, 2_400_000]);
                dice.millis(20_000, longest)
            })
        } else {
            world.latency()
        };
        tokio::spawn(async move {
            world.sleep(there).await;
            let mut outcome = bank.receive(&call);
            world.sleep(world.latency()).await;
            if world.strikes(world.weather.answer_lost) {
                return;
            }
            if world.strikes(world.weather.answer_garbled) {
                outcome = Outcome::Unknown("502".to_owned());
            }
            let sender = reply.lock().unwrap_or_else(PoisonError::into_inner).take();
            let _nobody_waits = sender.map(|sender| sender.send(outcome));
        });
    }

    async fn follow_up(&self, kind: Kind, request: FollowUpRequest<'_>) -> Outcome {
        let call = Call {
            reference: request.our_reference.to_owned(),
            kind,
            original: request.original.to_owned(),
            payment: request.payment,
            amount_minor: request.amount.minor(),
        };
        self.call(call, false).await
    }

    fn is_down(&self) -> bool {
        let world = &self.world;
        let since = world.time().since(world.began);
        let out = world.weather.outage.is_some_and(|(from, to)| since >= from && since < to);
        (out && !world.is_fair()) || world.strikes(world.weather.look_up_fails)
    }
}

/// A lost answer is never heard.
async fn heard(answer: oneshot::Receiver<Outcome>) -> Outcome {
    match answer.await {
        Ok(outcome) => outcome,
        Err(_lost) => std::future::pending().await,
    }
}

fn short(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Approved(_) => "approved",
        Outcome::Pending(_) => "pending",
        Outcome::Declined(..) => "declined",
        Outcome::NotSent(_) => "not sent",
        Outcome::Unknown(_) => "unknown",
    }
}

#[async_trait]
impl Connector for BankLink {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn mode(&self) -> Mode {
        Mode::Live
    }

    fn lookup_patience(&self) -> Duration {
        self.world.weather.patience
    }

    async fn authenticate(&self, _amount: Money, card: &Card) -> Authentication {
        self.gate.alive().await;
        self.world.sleep(self.world.latency()).await;
        if card.number.reveal() == CHALLENGED_CARD {
            Authentication::Challenge
        } else {
            Authentication::Frictionless
        }
    }

    async fn challenge(&self, _payment: &Payment) -> Result<ChallengeView, String> {
        self.gate.alive().await;
        Ok(ChallengeView {
            bank_name: "Bank".to_owned(),
            sent_to: "***".to_owned(),
            tries_left: 3,
            new_codes_left: 0,
            hint: None,
        })
    }

    async fn answer_challenge(&self, _payment: &Payment, answer: &str) -> ChallengeVerdict {
        self.gate.pass("before a challenge").await;
        self.world.sleep(self.world.latency()).await;
        self.gate.pass("after a challenge").await;
        if self.world.strikes(self.world.weather.answer_lost) {
            return ChallengeVerdict::Unavailable("lost".to_owned());
        }
        match answer {
            RIGHT_ANSWER => ChallengeVerdict::Passed,
            "wrong" => ChallengeVerdict::TryAgain { tries_left: 1 },
            _other => ChallengeVerdict::Failed(BankFacts::default()),
        }
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        let kind = match request.capture {
            Capture::Automatic => Kind::Sale,
            Capture::Manual => Kind::Hold,
        };
        let call = Call {
            reference: request.our_reference.to_owned(),
            kind,
            original: String::new(),
            payment: request.payment,
            amount_minor: request.amount.minor(),
        };
        self.call(call, request.card.security_code.is_some()).await
    }

    fn institutions(&self) -> &[Institution] {
        &INSTITUTIONS
    }

    async fn place_order(&self, request: OrderRequest<'_>) -> Outcome {
        let call = Call {
            reference: request.our_reference.to_owned(),
            kind: Kind::Order,
            original: String::new(),
            payment: request.payment.id,
            amount_minor: request.payment.amount.minor(),
        };
        self.call(call, false).await
    }

    async fn next_notice(&self) -> BankNotice {
        self.gate.alive().await;
        let our_reference = self.bank.next_notice().await;
        self.world.note(&format!("notice {our_reference}"));
        self.gate.pass("after a notice").await;
        BankNotice { our_reference }
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Kind::Capture, request).await
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Kind::Refund, request).await
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.follow_up(Kind::Reversal, request).await
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        let world = &self.world;
        self.gate.pass("before a lookup").await;
        world.sleep(world.latency()).await;
        if self.is_down() {
            self.gate.pass("after a lookup").await;
            return Lookup::Unavailable("down".to_owned());
        }
        let lookup = self.bank.look_up(our_reference);
        if world.strikes(world.weather.slow) {
            world.sleep(world.draw(|dice| dice.millis(1_000, 29_000))).await;
        }
        world.sleep(world.latency()).await;
        let short = match &lookup {
            Lookup::Found(outcome) => short(outcome),
            Lookup::NotFound => "not found",
            Lookup::Unavailable(_) => "unavailable",
        };
        world.note(&format!("lookup {our_reference} {short}"));
        self.gate.pass("after a lookup").await;
        lookup
    }
}
