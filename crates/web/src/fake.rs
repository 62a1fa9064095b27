//! A gateway whose database, vault, clock and bank are small fakes in memory, for this crate's
//! tests of what needs a gateway behind it.

use crate::app::{App, Site};
use async_trait::async_trait;
use domain::bank_message::{BankMessage, KeptMessage};
use domain::card::{Card, CardNumber, Expiry, SecurityCode};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery,
};
use domain::endpoint::Endpoint;
use domain::event::Event;
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::ledger::Balance;
use domain::merchant::Merchant;
use domain::money::Money;
use domain::outcome::{BankFacts, Lookup, Outcome};
use domain::payment::{Authentication, Payment};
use domain::refund::Refund;
use domain::terminal::{Mode, Settings};
use domain::text::Reference;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{
    AuditLine, BankMessageChange, Changeset, PaymentChange, RefundChange, SealedCard,
    StoredEndpoint, StoredTerminal,
};
use engine::error::{CommitError, StoreError, VaultError};
use engine::ports::{
    AuthorisationRequest, ChallengeVerdict, ChallengeView, Clock, Connector, Dialer,
    DueDestinations, FollowUpRequest, InboundMessage, Judgement, MessagesAsked, Notice,
    NoticeFormat, NoticeKeys, OpenCard, PaymentsAsked, Post, PostResult, Random, RefusedMessage,
    Store, Vault,
};
use engine::{Gateway, Parts};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The terminal's private key is `private`, and its signing secret one of zeros and so on.
const SECRETS: &str = r#"{"keys":[{"text":"private","created_at":0,"retires_at":null}],
    "webhook":[{"text":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","created_at":0,
    "retires_at":null}]}"#;

/// Database, vault, clock and bank in one.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) payments: Mutex<BTreeMap<PaymentId, Payment>>,
    pub(crate) refunds: Mutex<Vec<Refund>>,
    pub(crate) terminal: Mutex<StoredTerminal>,
    pub(crate) audits: Mutex<Vec<AuditLine>>,
    pub(crate) bank_messages: Mutex<Vec<BankMessage>>,
    pub(crate) judgement: Mutex<Judgement>,
    pub(crate) now: Mutex<Timestamp>,
    pub(crate) tries_left: Mutex<u32>,
    pub(crate) bank_is_up: Mutex<bool>,
    pub(crate) database_is_up: Mutex<bool>,
    pub(crate) has_room: Mutex<bool>,
    pub(crate) bank_is_for: Mode,
    pub(crate) outcome: Mutex<Outcome>,
}

impl World {
    /// A world with this payment in it, taken by a test terminal.
    pub(crate) fn with(payment: Payment, now: Timestamp) -> Self {
        Self {
            payments: Mutex::new(BTreeMap::from([(payment.id, payment)])),
            refunds: Mutex::default(),
            terminal: Mutex::new(StoredTerminal {
                number: TerminalNumber(42),
                merchant: MerchantId(1),
                merchant_name: "Demo Shop".to_owned(),
                merchant_active: true,
                name: "Website".to_owned(),
                mode: Mode::Test,
                active: true,
                settings: Settings::for_cards(),
                public_keys: vec!["public".to_owned()],
                sealed_secrets: SECRETS.into(),
                version: 1,
                created_at: Timestamp::from_micros(0),
            }),
            audits: Mutex::default(),
            bank_messages: Mutex::default(),
            judgement: Mutex::new(Judgement::Refused(RefusedMessage::NotTaken)),
            now: Mutex::new(now),
            tries_left: Mutex::new(3),
            bank_is_up: Mutex::new(true),
            database_is_up: Mutex::new(true),
            has_room: Mutex::new(true),
            bank_is_for: Mode::Test,
            outcome: Mutex::new(Outcome::Approved(BankFacts::default())),
        }
    }

    /// The handlers over this world.
    pub(crate) fn app(self: &Arc<Self>) -> App {
        let gateway = Gateway::new(Parts {
            store: Arc::<Self>::clone(self),
            desks: Arc::new(testkit::memory_store::MemoryStore::default()),
            vault: Arc::<Self>::clone(self),
            clock: Arc::<Self>::clone(self),
            random: Arc::<Self>::clone(self),
            connectors: vec![Arc::<Self>::clone(self)],
            notices: Arc::<Self>::clone(self),
            dialer: Arc::<Self>::clone(self),
            post_timeout: Duration::from_secs(5),
        });
        App::new(gateway, Site { public_url: "https://pay.example".to_owned() })
    }
}

#[async_trait]
impl Store for World {
    async fn commit(&self, changeset: Changeset) -> Result<(), CommitError> {
        if !*self.database_is_up.lock().unwrap() {
            return Err(CommitError::Unavailable("down".to_owned()));
        }
        self.audits.lock().unwrap().extend(changeset.audit);
        if let Some(BankMessageChange::Receive(message)) = changeset.bank_message {
            let mut kept = self.bank_messages.lock().unwrap();
            match kept.iter().find(|one| one.key == message.key) {
                Some(same) if same.digest == message.digest => {}
                Some(_other) => return Err(CommitError::Exists("bank's message")),
                None => kept.push(message),
            }
        }
        match changeset.refund {
            Some(RefundChange::Insert(refund)) => self.refunds.lock().unwrap().push(*refund),
            Some(RefundChange::Update(refund)) => {
                let mut refunds = self.refunds.lock().unwrap();
                let same = refunds.iter_mut().find(|one| one.number == refund.number);
                *same.unwrap() = *refund;
            }
            None => {}
        }
        let mut payments = self.payments.lock().unwrap();
        match changeset.payment {
            Some(PaymentChange::Update { payment, .. }) => {
                payments.insert(payment.id, *payment);
            }
            Some(PaymentChange::Insert(new)) => {
                let same =
                    |old: &&Payment| (&old.reference, old.attempt) == (&new.reference, new.attempt);
                if payments.values().any(|old| same(&old)) {
                    return Err(CommitError::ReferenceTaken);
                }
                payments.insert(new.id, *new);
            }
            None => {}
        }
        Ok(())
    }

    fn admits_new_payments(&self) -> bool {
        *self.has_room.lock().unwrap()
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let found = self.payments.lock().unwrap().get(&id).cloned();
        Ok(found.filter(|payment| scope.allows(payment.merchant)))
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        let payments = self.payments.lock().unwrap();
        let attempts = payments.values();
        let attempts =
            attempts.filter(|one| (one.terminal, &one.reference) == (terminal, reference));
        let mut attempts: Vec<Payment> = attempts.cloned().collect();
        attempts.sort_by_key(|payment| payment.attempt);
        Ok(attempts)
    }

    async fn held_card(&self, _: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        let expiry = Expiry { year: 2030, month: 12 };
        Ok(Some(SealedCard { number: Vec::new(), security_code: None, expiry }))
    }

    async fn refunds(&self, _: PaymentId) -> Result<Vec<Refund>, StoreError> {
        Ok(self.refunds.lock().unwrap().clone())
    }

    async fn events(&self, _: PaymentId) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    async fn newest_payments(
        &self,
        _: Scope,
        _: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    async fn balances(&self, _: Scope) -> Result<Vec<Balance>, StoreError> {
        Ok(Vec::new())
    }

    async fn at_the_bank(&self, _: u32) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    async fn claim_payments(
        &self,
        _: Timestamp,
        _: Duration,
        _: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    async fn sending_payments(&self, _: u32) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    async fn due_destinations(
        &self,
        _: Option<Destination>,
        _: Timestamp,
        _: u32,
    ) -> Result<DueDestinations, StoreError> {
        Ok(DueDestinations::default())
    }

    async fn claim_deliveries(
        &self,
        _: Timestamp,
        _: Duration,
        _: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        Ok(Vec::new())
    }

    async fn deliveries(
        &self,
        _: DeliveryFilter,
        _: Option<DeliveryCursor>,
        _: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn deliveries_since(
        &self,
        _: TerminalNumber,
        _: Timestamp,
        _: Option<DeliveryCursor>,
        _: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn count_deliveries(&self, _: DeliveryFilter) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn delivery(&self, _: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        Ok(None)
    }

    async fn backlog(&self, _: Timestamp) -> Result<Backlog, StoreError> {
        Ok(Backlog::default())
    }

    async fn endpoints(&self, _: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        Ok(Vec::new())
    }

    async fn endpoint(&self, _: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        Ok(None)
    }

    async fn claim_bank_messages(
        &self,
        _: Duration,
        _: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        Ok(Vec::new())
    }

    async fn bank_messages(&self, _: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        Ok(Vec::new())
    }

    async fn terminal_by_public_key(
        &self,
        key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        let terminal = self.terminal.lock().unwrap().clone();
        Ok(terminal.public_keys.iter().any(|own| own == key).then_some(terminal))
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        Ok(Some(StoredTerminal { number, ..self.terminal.lock().unwrap().clone() }))
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        Ok(Vec::new())
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Vault for World {
    fn seal_card(&self, _: PaymentId, _: &Card, _: Timestamp) -> Result<SealedCard, VaultError> {
        Ok(testkit::fixture::sealed_card())
    }

    fn open_card(&self, _: PaymentId, sealed: &SealedCard) -> Result<OpenCard, VaultError> {
        Ok(OpenCard {
            number: CardNumber::parse("4111111111111111", true).unwrap(),
            security_code: None::<SecurityCode>,
            expiry: sealed.expiry,
        })
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        use aws_lc_rs::digest::{SHA256, digest};
        digest(&SHA256, format!("{parts:?}").as_bytes()).as_ref().try_into().unwrap()
    }

    fn hmac(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
        sign(&Key::new(HMAC_SHA256, key), message).as_ref().try_into().unwrap()
    }

    fn seal_payment_id(&self, id: PaymentId) -> Result<[u8; 32], VaultError> {
        Ok(self.hmac(b"token", &id.stored().to_be_bytes()))
    }

    fn open_payment_id(&self, token: &[u8; 32]) -> Option<PaymentId> {
        let payments = self.payments.lock().unwrap();
        payments.keys().copied().find(|id| self.seal_payment_id(*id).unwrap() == *token)
    }

    fn seal_secret(&self, _: &str, _: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        Ok(plain.to_vec())
    }

    fn open_secret(
        &self,
        _: &'static str,
        _: &str,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        Ok(sealed.to_vec().into())
    }

    fn destroy_old_keys(&self, _: Timestamp) -> Result<(), VaultError> {
        Ok(())
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

impl Random for World {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[async_trait]
impl Connector for World {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn mode(&self) -> Mode {
        self.bank_is_for
    }

    fn lookup_patience(&self) -> Duration {
        Duration::from_mins(1)
    }

    async fn authenticate(&self, _: Money, _: &Card) -> Authentication {
        Authentication::Challenge
    }

    async fn challenge(&self, _: &Payment) -> Result<ChallengeView, String> {
        Ok(ChallengeView {
            bank_name: "Sandbox Bank".to_owned(),
            sent_to: "•••• 12".to_owned(),
            tries_left: *self.tries_left.lock().unwrap(),
            new_codes_left: 3,
            hint: Some("The code is 123456.".to_owned()),
        })
    }

    async fn answer_challenge(&self, _: &Payment, answer: &str) -> ChallengeVerdict {
        if !*self.bank_is_up.lock().unwrap() {
            return ChallengeVerdict::Unavailable("down".to_owned());
        }
        if answer == "123456" {
            return ChallengeVerdict::Passed;
        }
        let mut tries_left = self.tries_left.lock().unwrap();
        *tries_left -= 1;
        match *tries_left {
            0 => ChallengeVerdict::Failed(BankFacts::default()),
            tries_left => ChallengeVerdict::TryAgain { tries_left },
        }
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn judge_message(&self, _: InboundMessage<'_>) -> Judgement {
        self.judgement.lock().unwrap().clone()
    }

    async fn authorise(&self, _: AuthorisationRequest<'_>) -> Outcome {
        self.outcome.lock().unwrap().clone()
    }

    async fn capture(&self, _: FollowUpRequest<'_>) -> Outcome {
        self.outcome.lock().unwrap().clone()
    }

    async fn refund(&self, _: FollowUpRequest<'_>) -> Outcome {
        self.outcome.lock().unwrap().clone()
    }

    async fn reverse(&self, _: FollowUpRequest<'_>) -> Outcome {
        self.outcome.lock().unwrap().clone()
    }

    async fn look_up(&self, _: &str) -> Lookup {
        Lookup::NotFound
    }
}

impl NoticeFormat for World {
    fn message(
        &self,
        event_type: EventType,
        payment: &Payment,
        _refund: Option<&Refund>,
        _at: Timestamp,
    ) -> Notice {
        let body = format!("{event_type} {} {}", payment.id, payment.notices);
        Notice { content_type: "text/plain", body }
    }

    fn endpoint_disabled(&self, endpoint: &Endpoint, _at: Timestamp) -> Notice {
        let body = format!("endpoint {} is switched off", endpoint.number);
        Notice { content_type: "text/plain", body }
    }

    fn sample(&self, event_type: EventType, _at: Timestamp) -> Notice {
        Notice { content_type: "text/plain", body: event_type.to_string() }
    }

    fn notice(&self, _: &Payment, _: Option<&Refund>, _: Timestamp, _: NoticeKeys<'_>) -> Notice {
        Notice { content_type: "application/json", body: "{}".to_owned() }
    }
}

#[async_trait]
impl Dialer for World {
    async fn post(&self, _: Post<'_>) -> PostResult {
        PostResult::Answered { status: 200, retry_after: None, body: String::new() }
    }
}
