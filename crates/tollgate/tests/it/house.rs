//! A gateway inside the test's own process, on the data folder of a real one: with a clock that can
//! be moved, a bank that loses calls and answers when it is told to, and receivers of webhooks that
//! are only addresses. The way to what no command and no route reaches.

use async_trait::async_trait;
use base64::Engine as _;
use connectors::SandboxBank;
use domain::card::{Card, CardNumber, Expiry, SecurityCode};
use domain::id::{PaymentId, TerminalNumber};
use domain::method::MethodCode;
use domain::money::{Currency, Money};
use domain::outcome::{Lookup, Outcome};
use domain::payment::{Authentication, Customer, Payment, Request, WebhookEncryption};
use domain::refund::{RefundRequest, RefundState};
use domain::terminal::{Capture, Mode, Settings, Terminal, WhenUnknown};
use domain::text::{ProductName, Reference, WebAddress};
use domain::time::Timestamp;
use engine::error::Fault;
use engine::payment::{CreatePayment, Created, Means};
use engine::ports::{
    AuthorisationRequest, ChallengeVerdict, ChallengeView, Clock, Connector, Dialer,
    FollowUpRequest, PageAddresses, Post, PostResult, Random, Store,
};
use engine::terminal::AddTerminal;
use engine::{Actor, Gateway, Parts};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::sqlite::{Options, SqliteStore};
use store::vault::{Vault, audit_key};
use tokio::sync::watch;

/// The machine's clock, moved forward or back.
#[derive(Debug, Default)]
pub(crate) struct MovedClock {
    forward: AtomicU64,
    back: AtomicU64,
}

impl MovedClock {
    pub(crate) fn forward(&self, seconds: u64) {
        self.forward.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, seconds: u64) {
        self.back.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap());
        let seconds = |moved: &AtomicU64| Duration::from_secs(moved.load(Ordering::SeqCst));
        now.plus(seconds(&self.forward)).minus(seconds(&self.back))
    }

    /// Workers look again soon, however far the clock was moved.
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration.min(Duration::from_millis(20))).await;
    }
}

#[derive(Debug)]
struct Dice(aws_lc_rs::rand::SystemRandom);

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::SecureRandom::fill(&self.0, buffer).unwrap();
    }
}

/// What happens to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// The bank does it, and its answer is lost.
    LosesAnswers,
    /// The bank never hears of it.
    LosesCalls,
}

#[derive(Debug)]
pub(crate) struct MoodyBank {
    bank: Arc<SandboxBank>,
    mood: Mutex<Mood>,
}

impl MoodyBank {
    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn through(&self, call: impl Future<Output = Outcome>) -> Outcome {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => call.await,
            Mood::LosesCalls => Outcome::Unknown("lost on the way".to_owned()),
            Mood::LosesAnswers => {
                call.await;
                Outcome::Unknown("lost on the way back".to_owned())
            }
        }
    }
}

#[async_trait]
impl Connector for MoodyBank {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn mode(&self) -> Mode {
        self.bank.mode()
    }

    fn lookup_patience(&self) -> Duration {
        self.bank.lookup_patience()
    }

    async fn authenticate(&self, amount: Money, card: &Card) -> Authentication {
        self.bank.authenticate(amount, card).await
    }

    async fn challenge(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.bank.challenge(payment).await
    }

    async fn answer_challenge(&self, payment: &Payment, answer: &str) -> ChallengeVerdict {
        self.bank.answer_challenge(payment, answer).await
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        self.through(self.bank.authorise(request)).await
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.through(self.bank.capture(request)).await
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.through(self.bank.refund(request)).await
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.through(self.bank.reverse(request)).await
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::LosesAnswers => Lookup::Unavailable("not at the moment".to_owned()),
            Mood::Well | Mood::LosesCalls => self.bank.look_up(our_reference).await,
        }
    }
}

/// Receivers: the address says what they answer, as `/gone`, `/down`, or `/answers/503/120` with the
/// status and `Retry-After`.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// Whoever was down is up again.
    pub(crate) recovered: AtomicBool,
    acknowledged: Mutex<Vec<(String, String)>>,
}

impl Addresses {
    /// The `webhook-id`s that an address acknowledged, in order.
    pub(crate) fn acknowledged(&self, url: &str) -> Vec<String> {
        let all = self.acknowledged.lock().unwrap();
        all.iter().filter(|(to, _)| to == url).map(|(_, id)| id.clone()).collect()
    }
}

#[async_trait]
impl Dialer for Addresses {
    async fn post(&self, post: Post<'_>) -> PostResult {
        let (mut status, mut retry_after) = (200, None);
        if let Some((_, asked)) = post.url.split_once("/answers/") {
            let mut words = asked.split('/').map(|word| word.parse::<u64>().unwrap());
            status = u16::try_from(words.next().unwrap()).unwrap();
            retry_after = words.next();
        } else if post.url.ends_with("/gone") {
            status = 410;
        } else if post.url.ends_with("/down") && !self.recovered.load(Ordering::SeqCst) {
            return PostResult::Failed("nobody answers".to_owned());
        }
        if (200..300).contains(&status) {
            let told = (post.url.to_owned(), post.webhook_id.to_owned());
            self.acknowledged.lock().unwrap().push(told);
        }
        PostResult::Answered { status, retry_after, body: String::new() }
    }
}

/// The gateway with its parts.
pub(crate) struct House {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) bank: Arc<MoodyBank>,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) receivers: Arc<Addresses>,
    next: AtomicU64,
}

impl PageAddresses for Addresses {
    fn return_from_bank(&self, payment: &Payment) -> Result<String, Fault> {
        Ok(format!("https://pay.example/api/authurl/{}/return", payment.id))
    }

    fn counter(&self, our_reference: &str) -> String {
        format!("https://pay.example/sandbox-bank/{our_reference}")
    }
}

impl House {
    /// Opens a data folder that a gateway has made.
    pub(crate) fn open(data: &Path) -> Self {
        let text = std::fs::read_to_string(data.join("master.key")).unwrap();
        let key = base64::engine::general_purpose::STANDARD.decode(text.trim()).unwrap();
        let key: [u8; 32] = key.try_into().unwrap();
        let options = Options::new(audit_key(&key).unwrap());
        let store = Arc::new(SqliteStore::open(&data.join("tollgate.db"), options).unwrap());
        let clock = Arc::new(MovedClock::default());
        let sandbox_clock: Arc<dyn Clock> = Arc::<MovedClock>::clone(&clock);
        let bank = SandboxBank::open(&data.join("sandbox-bank.db"), sandbox_clock).unwrap();
        let bank = Arc::new(MoodyBank { bank, mood: Mutex::new(Mood::Well) });
        let receivers = Arc::new(Addresses::default());
        let gateway = Gateway::new(Parts {
            store: Arc::<SqliteStore>::clone(&store),
            desks: Arc::<SqliteStore>::clone(&store),
            vault: Arc::new(Vault::with_files(&key, &data.join("hour-keys")).unwrap()),
            clock: Arc::<MovedClock>::clone(&clock),
            random: Arc::new(Dice(aws_lc_rs::rand::SystemRandom::new())),
            connectors: vec![Arc::<MoodyBank>::clone(&bank)],
            notices: Arc::new(web::notice::PageNotices),
            dialer: Arc::<Addresses>::clone(&receivers),
            post_timeout: Duration::from_secs(5),
        });
        Self { gateway, store, bank, clock, receivers, next: AtomicU64::new(1) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets go of the files, all of them written.
    pub(crate) async fn close(self) {
        self.gateway.finish_tasks().await;
        let ended = self.store.ended();
        let Self { gateway, store, bank, .. } = self;
        let books = bank.bank.ended();
        drop((gateway, store, bank));
        ended.await.unwrap();
        books.await.unwrap();
    }

    pub(crate) async fn terminal(&self, number: i64) -> Arc<Terminal> {
        let found = self.gateway.terminal(Actor::Operator, TerminalNumber(number)).await;
        Arc::new(found.unwrap().unwrap())
    }

    /// A terminal that holds money until a capture, and has unknown calls reversed.
    pub(crate) async fn add_manual_terminal(&self) -> Arc<Terminal> {
        let settings = Settings {
            capture: Capture::Manual,
            when_unknown: WhenUnknown::Reverse,
            ..Settings::for_cards()
        };
        let add = AddTerminal {
            number: None,
            merchant: domain::id::MerchantId(1),
            name: "Hotel".to_owned(),
            mode: Mode::Test,
            settings,
            public_key: None,
        };
        Arc::new(self.gateway.add_terminal(Actor::Operator, add).await.unwrap().unwrap())
    }

    /// A payment of 11.11 USD; `hook` is the end of its webhook's address.
    pub(crate) async fn create(&self, terminal: &Arc<Terminal>, card: &str, hook: &str) -> Payment {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let reference = format!("house {number} {}", self.clock.now().micros());
        match self.order(terminal, card, hook, &reference).await {
            Created::New(payment) => payment,
            Created::Replayed(payment) => panic!("{payment:?}"),
        }
    }

    /// The same of this order.
    pub(crate) async fn order(
        &self,
        terminal: &Arc<Terminal>,
        card: &str,
        hook: &str,
        reference: &str,
    ) -> Created {
        let caller = None;
        let actor = Actor::Terminal {
            number: terminal.number,
            merchant: terminal.merchant,
            token_of: None,
            caller,
        };
        let number_of_card = CardNumber::parse(card, true).unwrap();
        let security_code = SecurityCode::parse("123", number_of_card.brand()).unwrap();
        let expiry = Expiry { year: 2099, month: 1 };
        let command = CreatePayment {
            terminal: Arc::clone(terminal),
            reference: Reference::parse(reference).unwrap(),
            amount: usd("11.11"),
            method: MethodCode::CreditCard,
            means: Means::Card(Card { number: number_of_card, security_code, expiry }),
            request: Arc::new(Request {
                product_name: ProductName::parse("Testing Product").unwrap(),
                webhook_url: WebAddress::parse(&format!("https://shop.example/{hook}")).unwrap(),
                return_url: WebAddress::parse("https://shop.example/return").unwrap(),
                customer: Customer::default(),
                source: None,
                source_url: None,
                webhook_encryption: WebhookEncryption::None,
                unique_reference: false,
                caller: None,
            }),
            pages: Arc::new(Addresses::default()),
            received_at: self.clock.now(),
        };
        self.gateway.create_payment(actor, command).await.unwrap()
    }

    /// Opens the page and types a code.
    pub(crate) async fn answer(&self, id: PaymentId, code: &str) {
        let holder = Actor::Holder { caller: None };
        self.gateway.open_customer_page(holder, id).await.unwrap().unwrap();
        self.gateway.answer_challenge(holder, id, code.to_owned()).await.unwrap().unwrap();
    }

    /// Asks for a refund and waits until the bank was asked.
    pub(crate) async fn refund(&self, terminal: &Arc<Terminal>, id: PaymentId, amount: &str) {
        let request = RefundRequest { amount: usd(amount), reference: None, reason: None };
        let asked = self.gateway.request_refund(Actor::Operator, terminal, id, request).await;
        let number = asked.unwrap().refund.number;
        for _look in 0..1000 {
            let refunds = self.store.refunds(id).await.unwrap();
            let refund = refunds.iter().find(|refund| refund.number == number).unwrap();
            let sending = matches!(&refund.state, RefundState::Pending { call, .. }
                if matches!(call, domain::call::Call::Sending(_)));
            if !sending {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the refund of {id} is still being sent");
    }

    /// Runs the background work for a while.
    pub(crate) async fn work(&self, milliseconds: u64) {
        let (stop, stopped) = watch::channel(false);
        let workers = tokio::spawn(Arc::clone(&self.gateway).run_workers(false, stopped));
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        stop.send(true).unwrap();
        workers.await.unwrap();
    }
}

pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text, Currency::from_code("USD").unwrap()).unwrap()
}
