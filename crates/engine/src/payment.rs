//! Payments: created by a merchant's server, carried through the challenge by the customer,
//! decided by the bank.

use crate::actor::Actor;
use crate::admission::Admitted;
use crate::bank::tell_silence;
use crate::changeset::{CardChange, Changeset, PaymentChange};
use crate::crash_point::crash_point;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::ports::{
    AtBank, AuthorisationRequest, ChallengeVerdict, ChallengeView, Connector, Institution,
    OpenCard, OrderRequest, PageAddresses, PaymentsAsked,
};
use domain::call::{Rules, Sending, Word};
use domain::card::Card;
use domain::event::Event;
use domain::id::{PaymentId, TerminalNumber};
use domain::method::{CustomerStep, Method, MethodCode, MethodDetails};
use domain::money::Money;
use domain::outcome::{BankFacts, Outcome};
use domain::payment::{
    Authentication, Changed, Fingerprint, Payment, Refused, Request, State, call_reference,
};
use domain::terminal::{Capture, Terminal, ThreeDs};
use domain::text::Reference;
use domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How often a change is decided again when the row changed meanwhile.
pub(crate) const TRIES: u32 = 16;
/// How long a repeated request waits for the first one to end.
const WAIT_FOR_FIRST: Duration = Duration::from_secs(45);

/// A request for a payment, in the trade's types.
#[derive(Debug)]
pub struct CreatePayment {
    /// The terminal that was proved.
    pub terminal: Arc<Terminal>,
    /// The merchant's order id.
    pub reference: Reference,
    /// What is to be paid.
    pub amount: Money,
    /// How.
    pub method: MethodCode,
    /// With what.
    pub means: Means,
    /// The other words.
    pub request: Arc<Request>,
    /// Where banks send customers.
    pub pages: Arc<dyn PageAddresses>,
    /// When the request arrived.
    pub received_at: Timestamp,
}

/// What a payment is paid with.
#[derive(Debug)]
pub enum Means {
    /// A card.
    Card(Card),
    /// An order at the customer's bank, wallet or UPI app.
    Order(MethodDetails),
}

impl CreatePayment {
    /// Whether the customer has to choose a bank or wallet first.
    const fn lacks_bank(&self) -> bool {
        match &self.means {
            Means::Order(details) => self.method.takes_bank_code() && details.bank_code.is_none(),
            Means::Card(_) => false,
        }
    }
}

/// What a request for a payment came to.
#[derive(Debug)]
pub enum Created {
    /// A new payment, as it stands now.
    New(Payment),
    /// This very request was answered before; its payment, as it stands now.
    Replayed(Payment),
}

/// Why no payment was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The reference is used by another request.
    #[error("the reference is used by {earlier}")]
    ReferenceUsed {
        /// The payment that uses it.
        earlier: PaymentId,
    },
    /// No connector takes payments of this terminal.
    #[error("no connector can take this payment")]
    NoConnector,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What the customer's page shows.
#[derive(Debug)]
pub struct CustomerPage {
    /// The payment as it stands now.
    pub payment: Payment,
    /// Its terminal, for the merchant's name.
    pub terminal: Arc<Terminal>,
    /// What the customer has to do, while there is something.
    pub step: Option<PageStep>,
}

/// What a customer has to do.
#[derive(Debug)]
pub enum PageStep {
    /// Answer the bank's challenge.
    Challenge(ChallengeView),
    /// Choose one of these banks or wallets.
    ChooseBank(Vec<Institution>),
    /// Go on at the bank.
    AtBank(CustomerStep),
}

/// What a choice of a bank or wallet came to.
#[derive(Debug)]
pub enum Chosen {
    /// The payment went on, or had done so before.
    Went(Box<Payment>),
    /// The bank or wallet is not on the list.
    NotOffered,
}

/// What an answer to the challenge came to.
#[derive(Debug)]
pub enum Answered {
    /// The payment went on, or was decided before.
    Went(Box<Payment>),
    /// Wrong; the customer may try again.
    TryAgain {
        /// How often.
        tries_left: u32,
    },
    /// The bank could not be asked; nothing changed.
    BankUnavailable,
}

/// What a repeated reference means.
enum Repeat {
    Replay(Box<Payment>),
    Attempt(i32),
}

impl Gateway {
    /// Takes a payment, or says what became of the first request with this reference.
    pub async fn create_payment(
        self: &Arc<Self>,
        actor: Actor,
        command: CreatePayment,
    ) -> Result<Created, CreateError> {
        let admitted = self.admit_new_payment().ok_or(Fault::Busy)?;
        self.create_admitted_payment(actor, command, admitted).await
    }

    /// The same for a request that has its place already.
    pub async fn create_admitted_payment(
        self: &Arc<Self>,
        actor: Actor,
        command: CreatePayment,
        mut admitted: Admitted,
    ) -> Result<Created, CreateError> {
        let connector = self.connector(command.terminal.mode).ok_or(CreateError::NoConnector)?;
        let authentication = match &command.means {
            Means::Card(card) => {
                // While a bank is slow, others go on.
                drop(admitted);
                let authentication = connector.authenticate(command.amount, card).await;
                admitted = self.admission.take_again().await.map_err(Fault::from)?;
                let always = command.terminal.settings.three_ds == ThreeDs::Always
                    && connector.can_always_challenge();
                if always { Authentication::Challenge } else { authentication }
            }
            Means::Order(_) if command.lacks_bank() => Authentication::Challenge,
            Means::Order(_) => Authentication::Frictionless,
        };
        match authentication {
            Authentication::Challenge => {
                self.create(actor, &command, authentication, &admitted).await
            }
            // The send must run to its end although the caller hangs up.
            Authentication::Frictionless => {
                let gateway = Arc::clone(self);
                let task = self.tasks.spawn(async move {
                    let created = gateway.create(actor, &command, authentication, &admitted);
                    let created = created.await?;
                    drop(admitted);
                    let Created::New(payment) = created else { return Ok(created) };
                    let CreatePayment { means, pages, .. } = command;
                    let payment = match means {
                        Means::Card(Card { number, security_code, expiry }) => {
                            let security_code = Some(security_code);
                            let card = OpenCard { number, security_code, expiry };
                            gateway.send(payment, card, Some(&*pages)).await
                        }
                        Means::Order(_) => gateway.place_order(payment, &*pages).await,
                    };
                    Ok(Created::New(payment?))
                });
                task.await.map_err(|error| Fault::Broken(error.to_string()))?
            }
        }
    }

    async fn create(
        &self,
        _actor: Actor,
        command: &CreatePayment,
        authentication: Authentication,
        admitted: &Admitted,
    ) -> Result<Created, CreateError> {
        let fingerprint = self.fingerprint(command)?;
        let mut attempt = 1;
        for _try in 0..TRIES {
            let payment = self.new_payment(command, authentication, fingerprint, attempt);
            let admitted = Some(admitted.clone());
            let changeset = Changeset { admitted, ..self.insert(&payment, command)? };
            crash_point("create.before_commit");
            match self.store.commit(changeset).await {
                Ok(()) => {
                    crash_point("create.committed");
                    return Ok(Created::New(payment));
                }
                Err(CommitError::NumberTaken) => {}
                Err(CommitError::ReferenceTaken) => {
                    match Box::pin(self.decide_repeat(command, fingerprint)).await? {
                        Repeat::Replay(payment) => return Ok(Created::Replayed(*payment)),
                        Repeat::Attempt(next) => attempt = next,
                    }
                }
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    fn new_payment(
        &self,
        command: &CreatePayment,
        authentication: Authentication,
        fingerprint: Fingerprint,
        attempt: i32,
    ) -> Payment {
        let now = self.clock.now();
        let mut draw = [0; 8];
        self.random.fill(&mut draw);
        let id = PaymentId::new(now, draw);
        let (state, due_at) = match authentication {
            Authentication::Challenge => {
                let expires_at = now.plus(command.terminal.settings.expires_after());
                (State::Waiting { expires_at }, expires_at)
            }
            Authentication::Frictionless => {
                let sending = Sending { our_reference: call_reference(id, 1), sent_at: now };
                let due_at = sending.asked_at();
                (State::Sending(sending), due_at)
            }
        };
        Payment {
            id,
            merchant: command.terminal.merchant,
            terminal: command.terminal.number,
            mode: command.terminal.mode,
            reference: command.reference.clone(),
            attempt,
            fingerprint,
            amount: command.amount,
            method: match &command.means {
                Means::Card(card) => Method::card(command.method, card.number.masked()),
                Means::Order(details) => {
                    Method { code: command.method, card: None, details: details.clone() }
                }
            },
            authentication,
            // What is paid at a bank's own page is taken there and then.
            capture: match &command.means {
                Means::Card(_) => command.terminal.settings.capture,
                Means::Order(_) => Capture::Automatic,
            },
            request: Arc::clone(&command.request),
            created_at: now,
            state,
            version: 1,
            notices: 0,
            due_at: Some(due_at),
        }
    }

    /// The changeset of a new payment. Its card is held only while the customer has to act; a
    /// payment that goes straight to the bank never stores it.
    fn insert(&self, payment: &Payment, command: &CreatePayment) -> Result<Changeset, Fault> {
        let card = match &command.means {
            Means::Card(card) if payment.state.customer_may_act() => {
                let sealed = self.vault.seal_card(payment.id, card, payment.created_at)?;
                Some(CardChange::Hold(sealed))
            }
            Means::Card(_) | Means::Order(_) => None,
        };
        Ok(Changeset {
            name: "create_payment",
            event: Some(payment.created_event()),
            payment: Some(PaymentChange::Insert(Box::new(payment.clone()))),
            card,
            ..Changeset::default()
        })
    }

    /// The digest over every field but the security code. The caller's address is no field.
    pub(crate) fn fingerprint(&self, command: &CreatePayment) -> Result<Fingerprint, Fault> {
        let broken = |error: serde_json::Error| Fault::Broken(error.to_string());
        // Of its usual length from the start: text that grows is copied.
        let mut words = Vec::with_capacity(768);
        serde_json::to_writer(&mut words, &command.request.asked()).map_err(broken)?;
        let amount = command.amount.minor().to_be_bytes();
        let currency = command.amount.currency().code().as_bytes();
        let method = command.method.code().as_bytes();
        let digest = match &command.means {
            Means::Card(card) => self.vault.digest(&[
                b"payment request",
                &amount,
                currency,
                method,
                card.number.reveal().as_bytes(),
                &card.expiry.year.to_be_bytes(),
                &card.expiry.month.to_be_bytes(),
                &words,
            ]),
            Means::Order(details) => {
                let details = serde_json::to_vec(details).map_err(broken)?;
                self.vault.digest(&[b"order request", &amount, currency, method, &details, &words])
            }
        };
        Ok(Fingerprint(digest))
    }

    /// A digest of the request for its `Idempotency-Key`.
    pub fn request_digest(&self, command: &CreatePayment) -> Result<[u8; 32], Fault> {
        let payment = self.fingerprint(command)?;
        let reference = command.reference.as_str().as_bytes();
        Ok(self.vault.digest(&[b"idempotent request", reference, &payment.0]))
    }

    /// What a repeated reference means (contract, section 1.3).
    async fn decide_repeat(
        &self,
        command: &CreatePayment,
        fingerprint: Fingerprint,
    ) -> Result<Repeat, CreateError> {
        let deadline = command.received_at.plus(WAIT_FOR_FIRST);
        let mut pause = Duration::from_millis(5);
        loop {
            let attempts = self
                .store
                .attempts(command.terminal.number, &command.reference)
                .await
                .map_err(Fault::from)?;
            let unique = command.request.unique_reference
                || attempts.iter().any(|payment| payment.request.unique_reference);
            let Some(latest) = attempts.into_iter().next_back() else {
                return Ok(Repeat::Attempt(1));
            };
            let same = latest.fingerprint == fingerprint;
            let running = matches!(latest.state, State::Sending(_))
                && latest.authentication == Authentication::Frictionless;
            if same && running && self.clock.now() < deadline {
                self.clock.sleep(pause).await;
                pause = pause.saturating_mul(2).min(Duration::from_millis(100));
                continue;
            }
            // A request that arrived while the first was running gets the first one's answer,
            // also when that was a decline.
            let arrived_meanwhile =
                latest.state.decided_at().is_some_and(|at| command.received_at <= at);
            let ended = latest.state.ended_without_money();
            // In a commit of its own, before the next attempt is inserted: whoever accepts money for
            // this one meanwhile makes one of the two commits stale, and once it is superseded it
            // stays so. A crash in between loses no money, for what is paid goes back.
            if ended && !unique && !(same && arrived_meanwhile) && latest.may_be_superseded() {
                let superseded = self.change_payment("supersede", latest, Payment::supersede);
                Box::pin(superseded).await?;
                continue;
            }
            return match (same, ended) {
                (true, false) => Ok(Repeat::Replay(Box::new(latest))),
                (true, true) if arrived_meanwhile => Ok(Repeat::Replay(Box::new(latest))),
                (_, true) if !unique => Ok(Repeat::Attempt(latest.attempt.saturating_add(1))),
                (true | false, _) => Err(CreateError::ReferenceUsed { earlier: latest.id }),
            };
        }
    }

    /// Asks the bank for the money of a payment whose intent is committed, and records what came
    /// of it. `pages`: where the customer goes should the bank want them on a page of its own;
    /// none after a challenge on ours.
    async fn send(
        &self,
        payment: Payment,
        card: OpenCard,
        pages: Option<&dyn PageAddresses>,
    ) -> Result<Payment, Fault> {
        let State::Sending(sending) = &payment.state else { return Ok(payment) };
        let connector = self.connector_of(&payment)?;
        let terminal = self.terminal_of(&payment).await?;
        let pages = match pages {
            None => None,
            Some(pages) => {
                let return_url = pages.return_from_bank(&payment)?;
                Some((return_url, pages.counter(&sending.our_reference)))
            }
        };
        let at_bank = pages.as_ref().map(|(return_url, counter_url)| AtBank {
            merchant_name: &terminal.merchant_name,
            expires_at: payment.created_at.plus(terminal.settings.expires_after()),
            return_url,
            counter_url,
        });
        crash_point("send.before_call");
        let outcome = connector
            .authorise(AuthorisationRequest {
                our_reference: &sending.our_reference,
                payment: payment.id,
                amount: payment.amount,
                card: &card,
                capture: payment.capture,
                at_bank,
            })
            .await;
        drop(card);
        crash_point("send.after_call");
        self.record_outcome(payment, outcome).await
    }

    /// Places the order of a payment whose intent is committed, and records what came of it.
    pub(crate) async fn place_order(
        &self,
        payment: Payment,
        pages: &dyn PageAddresses,
    ) -> Result<Payment, Fault> {
        let State::Sending(sending) = &payment.state else { return Ok(payment) };
        let terminal = self.terminal_of(&payment).await?;
        let connector = self.connector_of(&payment)?;
        crash_point("send.before_call");
        let outcome = connector
            .place_order(OrderRequest {
                our_reference: &sending.our_reference,
                payment: &payment,
                merchant_name: &terminal.merchant_name,
                settings: &terminal.settings,
                return_url: &pages.return_from_bank(&payment)?,
                counter_url: &pages.counter(&sending.our_reference),
            })
            .await;
        crash_point("send.after_call");
        self.record_outcome(payment, outcome).await
    }

    async fn record_outcome(&self, payment: Payment, outcome: Outcome) -> Result<Payment, Fault> {
        let word = Word::Outcome(outcome);
        tell_silence(&**self.connector_of(&payment)?, &payment, &word);
        let payment = self.record("record_outcome", payment, word, None).await?;
        crash_point("send.recorded");
        Ok(payment)
    }

    /// Commits what the bank said about the payment's call, as it was when the bank was asked.
    pub(crate) async fn record(
        &self,
        name: &'static str,
        payment: Payment,
        word: Word,
        asked_at: Option<Timestamp>,
    ) -> Result<Payment, Fault> {
        let rules = self.rules(&payment, asked_at).await?;
        let Some(call) = payment.state.at_the_bank() else { return Ok(payment) };
        self.change_payment(name, payment, |payment, now| {
            payment.record_about(call.our_reference(), word.clone(), rules, now)
        })
        .await
    }

    /// What the bank's answers about this payment are judged by.
    pub(crate) async fn rules(
        &self,
        payment: &Payment,
        asked_at: Option<Timestamp>,
    ) -> Result<Rules, Fault> {
        let terminal = self.terminal_of(payment).await?;
        let connector = self.connector_of(payment)?;
        Ok(Rules {
            patience: connector.lookup_patience(),
            when_unknown: terminal.settings.when_unknown,
            asked_at,
            late_approval: terminal.settings.late_approval,
            customer_time: terminal.settings.expires_after(),
        })
    }

    /// The bank that this payment was sent to.
    pub(crate) fn connector_of(&self, payment: &Payment) -> Result<&Arc<dyn Connector>, Fault> {
        self.connector(payment.mode)
            .ok_or_else(|| Fault::Broken("the connector is gone".to_owned()))
    }

    /// Applies a transition and commits it; when the row changed meanwhile, loads it and decides
    /// again. A refused transition returns the payment as it stands.
    pub(crate) async fn change_payment<F>(
        &self,
        name: &'static str,
        mut payment: Payment,
        transition: F,
    ) -> Result<Payment, Fault>
    where
        F: Fn(Payment, Timestamp) -> Result<Changed, Refused> + Send + Sync,
    {
        for _try in 0..TRIES {
            let Ok(changed) = transition(payment.clone(), self.clock.now()) else {
                return Ok(payment);
            };
            match self.commit_payment(name, changed).await {
                Ok(payment) => return Ok(payment),
                Err(CommitError::Stale(_)) => payment = self.load(payment.id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    pub(crate) async fn load(&self, id: PaymentId) -> Result<Payment, Fault> {
        self.store
            .payment(Actor::Worker.scope(), id)
            .await?
            .ok_or_else(|| Fault::Broken(format!("payment {id} is gone")))
    }

    /// A payment as it stands. One whose time is over is expired first, so that nobody sees it
    /// waiting.
    pub async fn payment(&self, actor: Actor, id: PaymentId) -> Result<Option<Payment>, Fault> {
        let Some(payment) = self.store.payment(actor.scope(), id).await? else { return Ok(None) };
        self.expire_if_over(payment).await.map(Some)
    }

    /// Payments that the actor may see, the newest first.
    pub async fn newest_payments(
        &self,
        actor: Actor,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, Fault> {
        Ok(self.store.newest_payments(actor.scope(), asked).await?)
    }

    /// All attempts at a reference of a terminal, the oldest first.
    pub async fn attempts(
        &self,
        _actor: Actor,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, Fault> {
        Ok(self.store.attempts(terminal, reference).await?)
    }

    /// What happened to a payment, in order.
    pub async fn events(&self, _actor: Actor, id: PaymentId) -> Result<Vec<Event>, Fault> {
        Ok(self.store.events(id).await?)
    }

    /// The newest attempt at a reference.
    pub async fn payment_by_reference(
        &self,
        terminal: &Terminal,
        reference: &Reference,
    ) -> Result<Option<Payment>, Fault> {
        let attempts = self.store.attempts(terminal.number, reference).await?;
        match attempts.into_iter().next_back() {
            Some(payment) => self.expire_if_over(payment).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn expire_if_over(&self, payment: Payment) -> Result<Payment, Fault> {
        let now = self.clock.now();
        if payment.state.customer_has_until().is_none_or(|until| until > now) {
            return Ok(payment);
        }
        if payment.state.order_reference().is_some() {
            // The bank has the last word on whether it was paid in time.
            return Box::pin(self.settle_order(payment)).await;
        }
        self.change_payment("expire", payment, Payment::expire).await
    }

    /// What the customer's browser shows; opening the page starts the challenge.
    pub async fn open_customer_page(
        &self,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Option<CustomerPage>, Fault> {
        let Some(mut payment) = self.payment(actor, id).await? else { return Ok(None) };
        if matches!(payment.state, State::Waiting { .. }) && payment.method.code.takes_card() {
            payment =
                self.change_payment("open_challenge", payment, Payment::open_challenge).await?;
        }
        let terminal = self.terminal_of(&payment).await?;
        let step = if !payment.state.customer_may_act() {
            None
        } else if payment.state.order_reference().is_some() {
            payment.method.details.step.clone().map(PageStep::AtBank)
        } else if payment.method.code.takes_card() {
            let connector = self.connector_of(&payment)?;
            let view = connector.challenge(&payment).await.map_err(Fault::Broken)?;
            Some(PageStep::Challenge(view))
        } else {
            Some(PageStep::ChooseBank(self.institutions(payment.mode, payment.method.code)))
        };
        Ok(Some(CustomerPage { payment, terminal, step }))
    }

    /// The customer answered the challenge. None when there is no such payment.
    pub async fn answer_challenge(
        self: &Arc<Self>,
        actor: Actor,
        id: PaymentId,
        answer: String,
    ) -> Result<Option<Answered>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        if !matches!(payment.state, State::Waiting { .. } | State::Challenged { .. })
            || !payment.method.code.takes_card()
        {
            return Ok(Some(Answered::Went(Box::new(payment))));
        }
        let Some(connector) = self.connector(payment.mode).cloned() else {
            return Ok(Some(Answered::BankUnavailable));
        };
        // The customer may close the browser; the bank's verdict is carried through all the same.
        let gateway = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            crash_point("challenge.before_answer");
            let verdict = connector.answer_challenge(&payment, &answer).await;
            crash_point("challenge.answered");
            match verdict {
                ChallengeVerdict::Passed => Box::pin(gateway.send_held_card(payment))
                    .await
                    .map(Box::new)
                    .map(Answered::Went),
                ChallengeVerdict::TryAgain { tries_left } => Ok(Answered::TryAgain { tries_left }),
                ChallengeVerdict::Failed(bank) => {
                    let failed = gateway.fail_authentication(payment, bank).await;
                    failed.map(Box::new).map(Answered::Went)
                }
                ChallengeVerdict::Unavailable(why) => {
                    tracing::warn!(connector = connector.name(), why, "challenge not answered");
                    Ok(Answered::BankUnavailable)
                }
            }
        });
        task.await.map_err(|error| Fault::Broken(error.to_string()))?.map(Some)
    }

    async fn fail_authentication(
        &self,
        payment: Payment,
        bank: BankFacts,
    ) -> Result<Payment, Fault> {
        self.change_payment("fail_authentication", payment, |payment, now| {
            payment.fail_authentication(bank.clone(), now)
        })
        .await
    }

    /// Commits the intent, which drops the held security code, then sends. The card is opened
    /// before: afterwards it cannot be. Of two that try at once, the one whose commit wins sends.
    async fn send_held_card(&self, mut payment: Payment) -> Result<Payment, Fault> {
        for _try in 0..TRIES {
            let Some(held) = self.store.held_card(payment.id).await? else {
                return self.load(payment.id).await;
            };
            let card = self.vault.open_card(payment.id, &held)?;
            let Ok(changed) = payment.clone().begin_sending(self.clock.now()) else {
                return self.expire_if_over(payment).await;
            };
            match self.commit_payment("begin_sending", changed).await {
                Ok(payment) => return self.send(payment, card, None).await,
                Err(CommitError::Stale(_)) => payment = self.load(payment.id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// The customer gave up. None when there is no such payment.
    pub async fn cancel_payment(
        &self,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Option<Payment>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        self.change_payment("cancel", payment, Payment::cancel).await.map(Some)
    }
}
