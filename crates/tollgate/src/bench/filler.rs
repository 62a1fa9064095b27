//! Fills a database with payments that are finished, by the gateway's own use cases, so that they
//! have the events, postings, deliveries and references that real ones have. Only the bank, which
//! approves at once, and the clock, which runs through past days, are not the real ones.

use super::work::{Till, TransId};
use crate::clock::SystemClock;
use crate::config;
use crate::demo_data;
use crate::wire::{self, Filling};
use async_trait::async_trait;
use domain::card::{Card, CardNumber, Expiry, SecurityCode};
use domain::delivery::{Attempt, Attempted, DeliveryId, NextStep};
use domain::method::MethodCode;
use domain::money::{Currency, Money};
use domain::outcome::{BankFacts, Lookup, Outcome};
use domain::payment::{Authentication, Customer, Payment, Request, State, WebhookEncryption};
use domain::terminal::{Mode, Settings, Terminal};
use domain::text::{ProductName, Reference, WebAddress};
use domain::time::Timestamp;
use engine::changeset::Changeset;
use engine::payment::{CreatePayment, Created, Means};
use engine::ports::{
    AuthorisationRequest, ChallengeVerdict, ChallengeView, Clock, Connector, FollowUpRequest,
    PageAddresses, Store,
};
use engine::terminal::AddTerminal;
use engine::{Actor, Gateway};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;
use web::{App, Site};

/// Payments that are made at the same time: as many as are let in.
const LANES: usize = engine::admission::NEW_PAYMENTS_AT_ONCE;
/// Payments whose numbers are told, spread over all.
const KNOWN: u64 = 100_000;
/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(5);
/// Looks at the clock that one payment takes, at most.
const TICKS: u64 = 20;

/// What was filled in.
#[derive(Debug)]
pub(super) struct Filled {
    /// All terminals.
    pub(super) tills: Vec<Till>,
    /// Some of the payments.
    pub(super) known: Vec<TransId>,
}

/// A clock that steps through past days: a step for each look.
#[derive(Debug)]
struct PastClock {
    begins: Timestamp,
    ends: Timestamp,
    looks: AtomicU64,
}

impl PastClock {
    fn for_payments(payments: u64) -> Self {
        let looks = u32::try_from(payments.saturating_mul(TICKS)).unwrap_or(u32::MAX);
        let ends = SystemClock.now();
        Self { begins: ends.minus(TICK.saturating_mul(looks)), ends, looks: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Clock for PastClock {
    fn now(&self) -> Timestamp {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        let looks = u32::try_from(looks).unwrap_or(u32::MAX);
        self.begins.plus(TICK.saturating_mul(looks)).min(self.ends)
    }

    async fn sleep(&self, _duration: Duration) {
        tokio::task::yield_now().await;
    }
}

/// A bank that approves everything at once.
#[derive(Debug)]
pub(super) struct ObligingBank;

fn approved(our_reference: &str) -> Outcome {
    Outcome::Approved(BankFacts {
        bank_reference: Some(format!("B{our_reference}")),
        rrn: our_reference.get(..12).map(str::to_owned),
        descriptor: Some("TEST PAYMENT".to_owned()),
        status_code: Some("00".to_owned()),
        amount_minor: None,
    })
}

#[async_trait]
impl Connector for ObligingBank {
    fn name(&self) -> &'static str {
        "obliging"
    }

    fn mode(&self) -> Mode {
        Mode::Test
    }

    fn lookup_patience(&self) -> Duration {
        Duration::ZERO
    }

    async fn authenticate(&self, _amount: Money, _card: &Card) -> Authentication {
        Authentication::Frictionless
    }

    async fn challenge(&self, _payment: &Payment) -> Result<ChallengeView, String> {
        Err("nobody is challenged".to_owned())
    }

    async fn answer_challenge(&self, _payment: &Payment, _answer: &str) -> ChallengeVerdict {
        ChallengeVerdict::Unavailable("nobody is challenged".to_owned())
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        approved(request.our_reference)
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        approved(request.our_reference)
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        approved(request.our_reference)
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        approved(request.our_reference)
    }

    async fn look_up(&self, _our_reference: &str) -> Lookup {
        Lookup::Unavailable("nobody is asked".to_owned())
    }
}

/// What all lanes share; they run on one thread.
struct Work {
    gateway: Arc<Gateway>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    terminals: Vec<Arc<Terminal>>,
    pages: Arc<dyn PageAddresses>,
    request: Arc<Request>,
    payments: u64,
    next: Cell<u64>,
    done: Cell<u64>,
    known: RefCell<Vec<TransId>>,
}

/// Adds terminals until there are so many, and so many payments, spread over all of them. No process
/// may serve the data meanwhile.
pub(super) async fn fill(
    settings: &config::Settings,
    terminals: u32,
    payments: u64,
    progress: &impl Fn(&str),
) -> Result<Filled, String> {
    let told = |failure: crate::failure::Failure| {
        failure.text().unwrap_or("the database could not be filled").to_owned()
    };
    let clock: Arc<dyn Clock> = Arc::new(PastClock::for_payments(payments));
    let bank = Arc::new(ObligingBank);
    let opened = wire::open_for_filling(settings, Arc::clone(&clock), bank).await;
    let Filling { gateway, store, closed } = opened.map_err(told)?;
    let terminals = add_terminals(&gateway, terminals, progress).await?;
    let till = |terminal: &Arc<Terminal>| Till {
        number: terminal.number.0,
        public_key: terminal.public_key().to_owned(),
    };
    let tills = terminals.iter().map(till).collect();
    let pages = App::new(Arc::clone(&gateway), Site { public_url: "http://localhost".to_owned() });
    let work = Rc::new(Work {
        request: Arc::new(request()?),
        gateway,
        store,
        clock,
        terminals,
        pages: Arc::new(pages),
        payments,
        next: Cell::new(0),
        done: Cell::new(0),
        known: RefCell::default(),
    });
    LocalSet::new().run_until(make_all(&work, progress)).await?;
    let known = work.known.take();
    // The files are closed when nobody has the store any more.
    drop(work);
    closed.await?;
    Ok(Filled { tills, known })
}

async fn add_terminals(
    gateway: &Gateway,
    wanted: u32,
    progress: &impl Fn(&str),
) -> Result<Vec<Arc<Terminal>>, String> {
    let text = |fault: engine::error::Fault| fault.to_string();
    let actor = Actor::Operator;
    let demo = gateway.terminal(actor, demo_data::TERMINAL).await.map_err(text)?;
    let demo = demo.ok_or("the demo's terminal is not there")?;
    let merchant = demo.merchant;
    let mut all = vec![Arc::new(demo)];
    for number in 1..wanted {
        if number == 1 {
            progress(&format!("adding terminals until there are {wanted} …"));
        }
        let add = AddTerminal {
            number: None,
            merchant,
            name: format!("Terminal {number}"),
            mode: Mode::Test,
            settings: Settings::for_all_methods(),
            public_key: None,
        };
        let added = gateway.add_terminal(actor, add).await.map_err(|error| error.to_string())?;
        all.push(Arc::new(added.ok_or("the demo's merchant is not there")?));
    }
    Ok(all)
}

/// The words of a request, as the requests of the load have them.
fn request() -> Result<Request, String> {
    let words = |text: &str| Some(text.into());
    let address = |text: &str| WebAddress::parse(text).map_err(|error| error.to_string());
    Ok(Request {
        product_name: ProductName::parse("Testing Product").map_err(|error| error.to_string())?,
        webhook_url: address("https://shop.example/hook")?,
        return_url: address("https://shop.example/return")?,
        customer: Customer {
            full_name: words("Test Full Name"),
            email: words("test@shop.example"),
            phone: words("+65-62294466"),
            street: words("25A Alpha"),
            city: words("Jurong"),
            state: words("Singapore"),
            country: words("SG"),
            postcode: words("447602"),
            address: None,
        },
        source: words("server-to-server integration"),
        source_url: words("https://shop.example/checkout"),
        webhook_encryption: WebhookEncryption::None,
        unique_reference: false,
        caller: None,
    })
}

async fn make_all(work: &Rc<Work>, progress: &impl Fn(&str)) -> Result<(), String> {
    let mut lanes = JoinSet::new();
    for _lane in 0..LANES.min(usize::try_from(work.payments).unwrap_or(LANES)) {
        let work = Rc::clone(work);
        lanes.spawn_local(async move {
            while work.next.get() < work.payments {
                let number = work.next.replace(work.next.get().saturating_add(1));
                work.make(number).await?;
            }
            Ok::<_, String>(())
        });
    }
    let began = Instant::now();
    let mut ticks = tokio::time::interval(TOLD_EVERY);
    loop {
        tokio::select! {
            ended = lanes.join_next() => match ended {
                None => return Ok(()),
                Some(ended) => ended.map_err(|error| error.to_string()).flatten()?,
            },
            _tick = ticks.tick() => {
                let (done, all) = (work.done.get(), work.payments);
                let rate = done.checked_div(began.elapsed().as_secs()).unwrap_or(0);
                progress(&format!("filling the database: {done} of {all} payments, {rate}/s …"));
            }
        }
    }
}

impl Work {
    async fn make(&self, number: u64) -> Result<(), String> {
        let payment = self.pay(number).await?;
        let delivered = Attempted {
            id: DeliveryId::own(payment.id, payment.notices),
            merchant: payment.merchant,
            attempts: 1,
            attempt: Attempt {
                at: self.clock.now(),
                took: Duration::from_millis(12),
                http_status: Some(200),
                answer: None,
                error: None,
            },
            next: NextStep::Delivered,
        };
        let changeset = Changeset {
            name: "record_attempt",
            attempted: vec![delivered],
            ..Changeset::default()
        };
        self.store.commit(changeset).await.map_err(|error| error.to_string())?;
        self.done.set(self.done.get().saturating_add(1));
        let every = self.payments.div_ceil(KNOWN).max(1);
        if number.is_multiple_of(every)
            && let Some(id) = payment.id.to_string().as_bytes().first_chunk()
        {
            self.known.borrow_mut().push(*id);
        }
        Ok(())
    }

    async fn pay(&self, number: u64) -> Result<Payment, String> {
        let place = usize::try_from(number).unwrap_or(0).checked_rem(self.terminals.len());
        let terminal = place.and_then(|place| self.terminals.get(place));
        let terminal = terminal.ok_or("there is no terminal")?;
        let reference = Reference::parse(&format!("STORED-{number:012}"));
        let command = CreatePayment {
            terminal: Arc::clone(terminal),
            reference: reference.map_err(|error| error.to_string())?,
            amount: amount()?,
            method: MethodCode::CreditCard,
            means: Means::Card(card()?),
            request: Arc::clone(&self.request),
            pages: Arc::clone(&self.pages),
            received_at: self.clock.now(),
        };
        let created = self.gateway.create_payment(Actor::Operator, command).await;
        match created.map_err(|error| error.to_string())? {
            Created::New(payment) if matches!(payment.state, State::Approved { .. }) => Ok(payment),
            Created::New(payment) | Created::Replayed(payment) => {
                Err(format!("payment {} is {}", payment.id, payment.state.name()))
            }
        }
    }
}

fn amount() -> Result<Money, String> {
    let currency = Currency::from_code("USD").map_err(|error| error.to_string())?;
    Money::from_minor(1_111, currency).ok_or_else(|| "no amount".to_owned())
}

fn card() -> Result<Card, String> {
    let number = CardNumber::parse(super::http::APPROVED, true);
    let number = number.map_err(|error| error.to_string())?;
    let code = SecurityCode::parse("123", number.brand()).map_err(|error| error.to_string())?;
    Ok(Card { number, security_code: code, expiry: Expiry { year: 2099, month: 1 } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::serve;
    use crate::config::Sources;
    use engine::verify::Proving;
    use testkit::postgres::Cluster;

    async fn filled_and_proved(database: String) {
        let folder = tempfile::tempdir().unwrap();
        let flags = vec![
            ("data_dir", "--data-dir", folder.path().join("data").display().to_string()),
            ("database", "--database", database),
            ("listen", "--listen", "127.0.0.1:0".to_owned()),
        ];
        let settings = config::Settings::resolve(&Sources { flags, ..Sources::default() }).unwrap();
        serve::start(&settings).await.unwrap().end().await.unwrap();
        // More than are let in at once.
        let filled = fill(&settings, 3, 600, &|_text: &str| {}).await.unwrap();
        assert_eq!((filled.tills.len(), filled.known.len()), (3, 600));
        let opened = wire::open(&settings).await.unwrap();
        let records = Arc::clone(&opened.records);
        let proving = Proving { records, bank: None, judged: Arc::default() };
        let proof = opened.gateway.verify(Actor::Operator, proving).await.unwrap();
        assert_eq!(proof.findings.count, 0, "{:?}", proof.findings.listed);
        let counted = (proof.payments, proof.events, proof.postings, proof.deliveries, proof.open);
        assert_eq!(counted, (600, 1200, 1200, 600, 0));
        // Nothing is left to do for those who serve it.
        assert_eq!(opened.gateway.backlog().await.unwrap().pending, 0);
        let asked = engine::ports::PaymentsAsked { limit: 1_000, ..Default::default() };
        let all = opened.gateway.newest_payments(Actor::Operator, asked).await.unwrap();
        assert!(all.iter().all(|payment| payment.created_at < SystemClock.now()));
        for till in filled.tills {
            let here = all.iter().filter(|payment| payment.terminal.0 == till.number).count();
            assert_eq!(here, 200, "they are spread over the terminals");
        }
    }

    #[tokio::test]
    async fn what_is_filled_in_is_proved() {
        filled_and_proved("sqlite".to_owned()).await;
    }

    #[tokio::test]
    async fn what_is_filled_in_is_proved_on_postgres() {
        filled_and_proved(Cluster::shared().database()).await;
    }
}
