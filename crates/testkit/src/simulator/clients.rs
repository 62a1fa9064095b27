//! Merchants' servers and their customers: they pay, repeat themselves, change their minds, hang
//! up, act twice at once and come late. What they were answered is written down.

use super::bank_link::{CHALLENGED_CARD, QUIET_CARD, RIGHT_ANSWER};
use super::node::Cluster;
use super::world::World;
use domain::card::{Card, CardNumber, Expiry, SecurityCode};
use domain::id::{PaymentId, TerminalNumber};
use domain::method::{BankCode, MethodCode, MethodDetails};
use domain::money::{Currency, Money};
use domain::payment::{Customer, Payment, Request, State, WebhookEncryption};
use domain::refund::RefundRequest;
use domain::terminal::Terminal;
use domain::text::{ProductName, Reference, WebAddress};
use domain::upi::{Device, UpiAddress};
use engine::Gateway;
use engine::actor::Actor;
use engine::error::Fault;
use engine::payment::{Answered, Chosen, CreatePayment, Created, Means};
use engine::ports::PageAddresses;
use engine::refund::RefundAccepted;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a client was told of a payment.
#[derive(Clone, Debug)]
pub struct Answer {
    /// When it asked, among all that happened in the run.
    pub asked: u64,
    /// When it was told.
    pub told: u64,
    /// Of which payment.
    pub payment: PaymentId,
    /// In which version.
    pub version: i64,
    /// Its status.
    pub code: &'static str,
}

/// What a client was told of a refund.
#[derive(Clone, Debug)]
pub struct RefundTold {
    /// Of which payment.
    pub payment: PaymentId,
    /// Its number.
    pub number: i32,
    /// What was asked for.
    pub amount_minor: i64,
    /// Under which reference.
    pub reference: Option<String>,
}

/// What all clients were told.
#[derive(Debug, Default)]
pub struct Told {
    /// Of payments.
    pub answers: Mutex<Vec<Answer>>,
    /// Of refunds.
    pub refunds: Mutex<Vec<RefundTold>>,
}

/// All clients of a run.
#[derive(Debug)]
pub struct Clients {
    world: Arc<World>,
    cluster: Arc<Cluster>,
    terminals: Vec<Terminal>,
    told: Arc<Told>,
}

/// One order that somebody pays.
#[derive(Clone, Debug)]
struct Order {
    terminal: usize,
    reference: Reference,
    amount: Money,
    by: By,
    unique: bool,
}

/// What an order is paid with.
#[derive(Clone, Copy, Debug)]
enum By {
    Card(&'static str),
    Bank(MethodCode, Option<&'static str>),
}

/// At the customer's bank, wallet or app; the bank is chosen now or later.
const AT_THE_BANK: [By; 6] = [
    By::Bank(MethodCode::NetBanking, None),
    By::Bank(MethodCode::NetBanking, Some("SBIN")),
    By::Bank(MethodCode::Wallet, None),
    By::Bank(MethodCode::Wallet, Some("PAYTM")),
    By::Bank(MethodCode::UpiCollect, None),
    By::Bank(MethodCode::QrIntent, None),
];

impl By {
    const fn method(self) -> MethodCode {
        match self {
            Self::Card(_) => MethodCode::CreditCard,
            Self::Bank(method, _) => method,
        }
    }

    fn means(self) -> Means {
        match self {
            Self::Card(number) => Means::Card(card(number)),
            Self::Bank(method, code) => Means::Order(MethodDetails {
                bank_code: code.map(|code| BankCode::parse(code).unwrap()),
                upi_address: (method == MethodCode::UpiCollect)
                    .then(|| UpiAddress::parse("somebody@bank").unwrap()),
                device: (method == MethodCode::QrIntent).then_some(Device::Web),
                ..MethodDetails::default()
            }),
        }
    }
}

fn money(minor: i64) -> Money {
    Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap()
}

fn card(number: &str) -> Card {
    let number = CardNumber::parse(number, true).unwrap();
    let security_code = SecurityCode::parse("123", number.brand()).unwrap();
    Card { number, security_code, expiry: Expiry { year: 2030, month: 1 } }
}

fn request(unique_reference: bool) -> Request {
    Request {
        product_name: ProductName::parse("Thing").unwrap(),
        webhook_url: WebAddress::parse("https://shop.example/hook").unwrap(),
        return_url: WebAddress::parse("https://shop.example/return").unwrap(),
        customer: Customer::default(),
        source: None,
        source_url: None,
        webhook_encryption: WebhookEncryption::None,
        unique_reference,
        caller: None,
    }
}

const HOLDER: Actor = Actor::Holder { caller: None };

fn server(terminal: &Terminal) -> Actor {
    Actor::Terminal {
        number: terminal.number,
        merchant: terminal.merchant,
        token_of: None,
        caller: None,
    }
}

/// Where simulated banks send nobody.
#[derive(Debug)]
struct NoPages;

impl PageAddresses for NoPages {
    fn return_from_bank(&self, payment: &Payment) -> Result<String, Fault> {
        Ok(format!("https://gateway.example/{}", payment.id))
    }

    fn counter(&self, our_reference: &str) -> String {
        format!("https://bank.example/{our_reference}")
    }
}

async fn create(
    gateway: Arc<Gateway>,
    key: String,
    number: TerminalNumber,
    order: Order,
) -> Option<Payment> {
    let terminal = gateway.terminal_for_request(&key, Some(number), None).await.ok()?;
    let command = CreatePayment {
        reference: order.reference,
        amount: order.amount,
        method: order.by.method(),
        means: order.by.means(),
        request: Arc::new(request(order.unique)),
        pages: Arc::new(NoPages),
        received_at: gateway.clock().now(),
        terminal: Arc::clone(&terminal),
    };
    match gateway.create_payment(server(&terminal), command).await.ok()? {
        Created::New(payment) | Created::Replayed(payment) => Some(payment),
    }
}

impl Clients {
    /// Clients of these terminals.
    pub fn new(
        world: &Arc<World>,
        cluster: &Arc<Cluster>,
        terminals: Vec<Terminal>,
        told: &Arc<Told>,
    ) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            cluster: Arc::clone(cluster),
            terminals,
            told: Arc::clone(told),
        })
    }

    /// Starts them all.
    pub fn start(self: &Arc<Self>) {
        for number in 0..self.world.weather.orders {
            let clients = Arc::clone(self);
            tokio::spawn(async move {
                let longest = clients.world.weather.lasts.as_millis();
                let longest = u64::try_from(longest).unwrap() / 2;
                let wait = clients.world.draw(|dice| dice.millis(0, longest));
                clients.world.sleep(wait).await;
                clients.live(number).await;
            });
        }
    }

    fn chance(&self, per_mille: u64) -> bool {
        self.world.draw(|dice| dice.chance(per_mille))
    }

    async fn wait(&self, from: u64, to: u64) {
        let wait = self.world.draw(|dice| dice.millis(from, to));
        self.world.sleep(wait).await;
    }

    /// Asks any node. None when no answer came, for whatever reason.
    async fn ask<T, W>(&self, work: impl FnOnce(Arc<Gateway>) -> W) -> Option<T>
    where
        W: Future<Output = Option<T>> + Send + 'static,
        T: Send + 'static,
    {
        let (world, weather) = (&self.world, &self.world.weather);
        world.sleep(world.latency()).await;
        if world.strikes(weather.client_lost) {
            return None;
        }
        let mut handler = self.cluster.handle(work)?;
        let hangs_up = if world.strikes(weather.client_lost) {
            world.draw(|dice| dice.millis(0, 100))
        } else {
            Duration::from_mins(1)
        };
        let answer = tokio::select! {
            biased;
            done = &mut handler => done.ok().flatten(),
            () = world.sleep(hangs_up) => None,
        };
        // The server drops the request of a caller that has gone.
        handler.abort();
        world.sleep(world.latency()).await;
        if world.strikes(weather.client_lost) { None } else { answer }
    }

    /// The same for what answers with a payment, which is written down.
    async fn ask_payment<W>(&self, work: impl FnOnce(Arc<Gateway>) -> W) -> Option<Payment>
    where
        W: Future<Output = Option<Payment>> + Send + 'static,
    {
        let asked = self.world.order.next();
        let payment = self.ask(work).await?;
        self.write_down(asked, &payment);
        Some(payment)
    }

    fn write_down(&self, asked: u64, payment: &Payment) {
        let code = payment.order_status().code;
        self.world.note(&format!("client told {} v{} {code}", payment.id, payment.version));
        let answer = Answer {
            asked,
            told: self.world.order.next(),
            payment: payment.id,
            version: payment.version,
            code,
        };
        self.told.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
    }

    fn draw_means(&self) -> By {
        let at_the_bank = self.chance(self.world.weather.at_the_bank);
        self.world.draw(|dice| {
            if at_the_bank {
                dice.pick(&AT_THE_BANK)
            } else {
                By::Card(dice.pick(&[QUIET_CARD, CHALLENGED_CARD]))
            }
        })
    }

    /// One order from its first request to its last.
    async fn live(self: Arc<Self>, number: u64) {
        let amount = 100 + i64::try_from(self.world.draw(|dice| dice.below(10_000))).unwrap();
        let mut order = Order {
            terminal: match self.world.weather.terminal {
                Some(terminal) => terminal,
                None => self.world.draw(|dice| dice.pick(&[0, 1, 2, 3])),
            },
            reference: Reference::parse(&format!("order {number}")).unwrap(),
            amount: money(amount),
            by: self.draw_means(),
            unique: self.chance(100),
        };
        let mut latest = self.pay(&order).await;
        for _round in 0..self.world.draw(|dice| dice.below(10)) {
            let longest = self.world.draw(|dice| dice.pick(&[1_000, 60_000, 600_000]));
            self.wait(0, longest).await;
            let Some(payment) = &latest else {
                latest = self.pay(&order).await;
                continue;
            };
            let id = payment.id;
            let shown = self.ask_payment(move |gateway| async move {
                gateway.payment(HOLDER, id).await.ok().flatten()
            });
            let Some(payment) = shown.await else { continue };
            if payment.state.ended_without_money() {
                if payment.method.details.step.is_some() && self.chance(200) {
                    self.return_from_bank(id).await;
                }
                // Sometimes the order is tried again, or paid by other means.
                latest = if self.chance(400) {
                    if self.chance(200) {
                        order.by = self.draw_means();
                    }
                    self.pay(&order).await
                } else {
                    Some(payment)
                };
            } else {
                self.go_on(&order, &payment).await;
                latest = Some(payment);
            }
        }
    }

    /// What is done to a payment that has not ended.
    async fn go_on(self: &Arc<Self>, order: &Order, payment: &Payment) {
        let (id, terminal) = (payment.id, order.terminal);
        if payment.state.customer_may_act() {
            let by_card = payment.method.code.takes_card();
            let customer = || {
                let clients = Arc::clone(self);
                async move {
                    if by_card {
                        clients.customer(id).await;
                    } else {
                        clients.customer_of_bank(id).await;
                    }
                }
            };
            self.both(350, customer).await;
        } else if matches!(payment.state, State::Authorised(_)) {
            let merchant = || {
                let clients = Arc::clone(self);
                async move { clients.take_or_release(id, terminal).await }
            };
            self.both(350, merchant).await;
        } else if let State::Approved { taken, .. } = &payment.state
            && self.chance(600)
        {
            let captured = taken.captured_minor;
            let many = self.world.draw(|dice| 1 + dice.below(4));
            let all = (0..many).map(|_refund| {
                let clients = Arc::clone(self);
                tokio::spawn(async move { clients.refund(id, terminal, captured).await })
            });
            for refund in all.collect::<Vec<_>>() {
                refund.await.unwrap();
            }
        }
    }

    /// Does it once, or sometimes twice at the same time.
    async fn both<W>(&self, per_mille: u64, work: impl Fn() -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let twice = self.chance(per_mille).then(|| tokio::spawn(work()));
        work().await;
        if let Some(second) = twice {
            second.await.unwrap();
        }
    }

    /// A merchant's server asks for a payment, again and again until it has an answer.
    async fn pay(self: &Arc<Self>, order: &Order) -> Option<Payment> {
        let doubled = self.chance(150).then(|| {
            let (clients, order) = (Arc::clone(self), order.clone());
            tokio::spawn(async move { clients.pay_once(&order).await })
        });
        if self.chance(80) {
            let other = Order { amount: money(order.amount.minor() + 1), ..order.clone() };
            self.pay_once(&other).await;
        }
        let mut answer = None;
        for _try in 0..4 {
            answer = self.pay_once(order).await;
            if answer.is_some() {
                break;
            }
            self.wait(100, 5_000).await;
        }
        if let Some(doubled) = doubled {
            doubled.await.unwrap();
        }
        answer
    }

    async fn pay_once(&self, order: &Order) -> Option<Payment> {
        let terminal = &self.terminals[order.terminal];
        let (key, number) = (terminal.public_key().to_owned(), terminal.number);
        self.ask_payment(|gateway| create(gateway, key, number, order.clone())).await
    }

    /// A customer opens the page and answers, cancels, or does nothing.
    async fn customer(&self, id: PaymentId) {
        if self.chance(100) {
            return;
        }
        let opened = self.ask_payment(move |gateway| async move {
            let page = gateway.open_customer_page(HOLDER, id).await.ok().flatten()?;
            Some(page.payment)
        });
        let opened = opened.await;
        match opened.and_then(|payment| payment.state.customer_has_until()) {
            // At the last moment.
            Some(until) if self.chance(200) => {
                let left = until.since(self.world.time());
                self.world.sleep(left.saturating_sub(Duration::from_millis(20))).await;
                self.wait(0, 40).await;
            }
            Some(_) | None => self.wait(0, 20_000).await,
        }
        for _try in 0..2 {
            if self.chance(150) {
                self.ask_payment(move |gateway| async move {
                    gateway.cancel_payment(HOLDER, id).await.ok().flatten()
                })
                .await;
                return;
            }
            let said = self.world.draw(|dice| {
                dice.pick(&[RIGHT_ANSWER, RIGHT_ANSWER, RIGHT_ANSWER, "wrong", "very wrong"])
            });
            let went = self.ask_payment(move |gateway| async move {
                match gateway.answer_challenge(HOLDER, id, said.to_owned()).await.ok()?? {
                    Answered::Went(payment) => Some(*payment),
                    Answered::TryAgain { .. } | Answered::BankUnavailable => None,
                }
            });
            if went.await.is_some() {
                return;
            }
            self.wait(10, 3_000).await;
        }
    }

    /// A customer opens the page, chooses a bank, comes back from it, cancels, or does nothing.
    async fn customer_of_bank(&self, id: PaymentId) {
        if self.chance(50) {
            return;
        }
        let opened = self.ask_payment(move |gateway| async move {
            let page = gateway.open_customer_page(HOLDER, id).await.ok().flatten()?;
            Some(page.payment)
        });
        let Some(payment) = opened.await else { return };
        match payment.state.customer_has_until() {
            Some(until) if self.chance(150) => {
                let left = until.since(self.world.time());
                self.world.sleep(left.saturating_sub(Duration::from_millis(20))).await;
                self.wait(0, 40).await;
            }
            Some(_) | None => self.wait(0, 5_000).await,
        }
        if matches!(payment.state, State::Waiting { .. }) {
            if !self.choose_bank(&payment).await {
                return;
            }
            self.wait(0, 60_000).await;
        }
        if self.chance(250) {
            self.ask_payment(move |gateway| async move {
                gateway.cancel_payment(HOLDER, id).await.ok().flatten()
            })
            .await;
        } else {
            self.return_from_bank(id).await;
        }
    }

    /// A customer chooses a bank or wallet; whether it was one of the list, and an answer came.
    async fn choose_bank(&self, payment: &Payment) -> bool {
        let codes: &[&str] = if payment.method.code == MethodCode::Wallet {
            &["PAYTM"]
        } else {
            &["SBIN", "HDFC", "NONE"]
        };
        let id = payment.id;
        let bank = BankCode::parse(self.world.draw(|dice| dice.pick(codes))).unwrap();
        let went = self.ask_payment(move |gateway| async move {
            match gateway.choose_bank(HOLDER, id, bank, Arc::new(NoPages)).await.ok()?? {
                Chosen::Went(payment) => Some(*payment),
                Chosen::NotOffered => None,
            }
        });
        went.await.is_some()
    }

    /// A customer comes back from the bank, and some reload that page without an end.
    async fn return_from_bank(&self, id: PaymentId) {
        let many = self.world.draw(|dice| dice.pick(&[1, 1, 1, 1, 1, 1, 1, 3, 3, 40]));
        for _time in 0..many {
            self.ask_payment(move |gateway| async move {
                gateway.returned_from_bank(HOLDER, id).await.ok().flatten()
            })
            .await;
            self.wait(0, 500).await;
        }
    }

    /// The merchant takes held money, or releases it, and tries again while it is still held.
    async fn take_or_release(&self, id: PaymentId, terminal: usize) {
        let actor = server(&self.terminals[terminal]);
        for _try in 0..self.world.draw(|dice| 1 + dice.below(5)) {
            let payment = if self.chance(350) {
                let void = move |gateway: Arc<Gateway>| async move {
                    gateway.void_payment(actor, id).await.ok()
                };
                self.ask_payment(void).await
            } else {
                let part = self.chance(300).then(|| money(60));
                let capture = move |gateway: Arc<Gateway>| async move {
                    gateway.capture_payment(actor, id, part).await.ok()
                };
                self.ask_payment(capture).await
            };
            if payment.is_some_and(|payment| matches!(payment.state, State::Approved { .. })) {
                return;
            }
            let longest = self.world.draw(|dice| dice.pick(&[100, 10_000, 120_000]));
            self.wait(0, longest).await;
        }
    }

    /// The merchant gives money back, and asks again under the same reference when it was not
    /// answered.
    async fn refund(&self, id: PaymentId, terminal: usize, captured_minor: i64) {
        let part = self.world.draw(|dice| dice.pick(&[10, 25, 60, 100]));
        let amount = money((captured_minor * part / 100).max(1));
        let name = self.world.draw(|dice| dice.below(6));
        let reference = (name > 0).then(|| format!("refund {name}"));
        let terminal = &self.terminals[terminal];
        for _try in 0..3 {
            let asked = self.world.order.next();
            let (terminal, reference) = (terminal.clone(), reference.clone());
            let accepted = self.ask(move |gateway| async move {
                let request = RefundRequest {
                    amount,
                    reference: reference.map(|text| Reference::parse(&text).unwrap()),
                    reason: None,
                };
                let actor = server(&terminal);
                match gateway.request_refund(actor, &terminal, id, request).await {
                    Ok(accepted) => Some(Ok(accepted)),
                    Err(engine::refund::RefundError::Fault(_)) => None,
                    Err(refused) => Some(Err(refused.to_string())),
                }
            });
            match accepted.await {
                Some(Ok(RefundAccepted { payment, refund, .. })) => {
                    self.write_down(asked, &payment);
                    let told = RefundTold {
                        payment: id,
                        number: refund.number,
                        amount_minor: amount.minor(),
                        reference: refund.reference.map(|text| text.as_str().to_owned()),
                    };
                    self.told.refunds.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                    return;
                }
                Some(Err(_refused)) => return,
                // Without a name nobody knows whether it was the same refund.
                None if name == 0 => return,
                None => self.wait(100, 60_000).await,
            }
        }
    }
}
