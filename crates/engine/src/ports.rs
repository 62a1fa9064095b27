//! What the engine needs from outside, declared by the one who needs it. Ports take data, not
//! closures, and are object-safe, so that nobody is generic over the store.

use crate::actor::Scope;
use crate::changeset::{Changeset, SealedCard, StoredEndpoint, StoredTerminal};
pub use crate::desk_ports::{AuditEntry, Desks, Mail, Mailer, PostingPlace};
use crate::error::{CommitError, Fault, StoreError, VaultError};
use crate::verify::{ArchiveWalk, AuditWalk, BankLine, Histories, History, HistoryRange, StrayRow};
use async_trait::async_trait;
use domain::bank_message::{KeptMessage, MessageId, MessageKey};
use domain::card::{Card, CardNumber, Expiry, SecurityCode};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery, DueDestination,
};
use domain::endpoint::Endpoint;
use domain::event::Event;
use domain::event_type::EventType;
use domain::id::{EndpointNumber, PaymentId, TerminalNumber, Year};
use domain::ledger::{Balance, Posting};
use domain::merchant::Merchant;
use domain::method::MethodCode;
use domain::money::Money;
use domain::outcome::{BankFacts, Lookup, Outcome};
use domain::payment::{Authentication, Payment};
use domain::payment_filter::PaymentFilter;
use domain::redaction::Redacted;
use domain::refund::Refund;
use domain::secret::SecretText;
use domain::terminal::{Capture, Mode, Settings};
use domain::text::Reference;
use domain::time::Timestamp;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The only way to the database. One contract for SQLite and PostgreSQL, proven by one suite.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Commits all of the changeset durably (fsynced), or none of it.
    async fn commit(&self, changeset: Changeset) -> Result<(), CommitError>;

    /// Whether the queue of commits has room for new payments: no more than half of it is full, so
    /// that payments that exist always find a place. A new payment that comes all the same is
    /// refused as [`CommitError::Busy`]. Costs next to nothing.
    fn admits_new_payments(&self) -> bool;

    /// A payment by its number, if the scope allows it.
    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError>;

    /// All attempts at a reference of a terminal, the oldest first.
    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError>;

    /// The sealed card of a payment, while it is held.
    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError>;

    /// All refunds of a payment, by number.
    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError>;

    /// What happened to a payment, in order.
    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError>;

    /// Payments that the scope allows, the newest first: by the second in which they were made,
    /// and within one in an order of the store's own, which never changes. A holder of one
    /// payment's number sees no list.
    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError>;

    /// What the accounts hold, by merchant, mode, currency and account; accounts without postings
    /// are left out.
    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError>;

    /// Payments with a call whose outcome only the bank can tell, the oldest first: those that
    /// are not decided, and those with a capture, a release or a refund on its way.
    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError>;

    /// Claims payments that background work must look at for as long as the lease, the longest due
    /// first. A claim only saves work: what its worker did not settle is claimed again. Where one
    /// process works on the database, there is nobody to keep away, and nothing is claimed.
    async fn claim_payments(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError>;

    /// Payments whose send was never recorded, due or not: at the start of a gateway that is
    /// alone on its database, the processes that made them are gone.
    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError>;

    /// Destinations after this one, in their own order, in whose queues something is due, and where
    /// to go on; a step over many destinations in which nothing is due may come back empty.
    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError>;

    /// Claims deliveries that are due, up to so many of each of these queues, for as long as the
    /// lease; those of a queue come the longest due first. A claim only saves work: a delivery whose
    /// worker died is claimed again. Where many nodes share a database, the lease is measured by
    /// the database's clock.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError>;

    /// Deliveries that the filter lets through, the newest first, after this place in the list.
    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError>;

    /// Deliveries of a terminal that were written at this moment or later, the oldest first, after
    /// this place in the list.
    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError>;

    /// How many deliveries the filter lets through.
    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError>;

    /// A delivery with its body and every attempt.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError>;

    /// How much waits in all queues.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;

    /// The endpoints of a merchant, or of all, by number, removed ones too.
    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError>;

    /// An endpoint by its number.
    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError>;

    /// Claims messages of banks that are not handled for as long as the lease, the oldest first, as
    /// [`Store::claim_payments`] does.
    async fn claim_bank_messages(
        &self,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError>;

    /// Messages of banks, the newest first.
    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError>;

    /// The terminal that this public key belongs to, current or retiring.
    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError>;

    /// A terminal by its number.
    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError>;

    /// All terminals, by number.
    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError>;

    /// All merchants, by number.
    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError>;

    /// Writes and reads nothing of value, to show that the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A step of a walk over all queues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueDestinations {
    /// Those in which something is due.
    pub due: Vec<DueDestination>,
    /// The last one that was looked at; none at the end of the walk.
    pub next: Option<Destination>,
}

/// Which payments are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentsAsked {
    /// Only those that it lets through.
    pub filter: PaymentFilter,
    /// Only those that come after this one in the list, which was the last one of a page.
    pub before: Option<PaymentId>,
    /// How many at most.
    pub limit: u32,
}

/// Which messages of banks are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagesAsked {
    /// Only those about no payment of ours.
    pub unknown_only: bool,
    /// Only those older than this one.
    pub before: Option<MessagePlace>,
    /// How many at most.
    pub limit: u32,
}

/// A message's place among all: by the time when it came, and then by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessagePlace {
    /// When it came.
    pub received_at: Timestamp,
    /// Its name.
    pub key: MessageKey,
}

/// What a proof, and a report of all postings, read of a database: beside [`Store`], from the same
/// one, and never for a request.
#[async_trait]
pub trait Records: Send + Sync + fmt::Debug {
    /// The payments of a database in at most this many parts that may be read side by side.
    /// Together they hold every payment, and every row that hangs on one.
    async fn history_ranges(&self, parts: u32) -> Result<Vec<HistoryRange>, StoreError>;

    /// The first payments of a range, each with all that hangs on it, as they stood at one moment.
    /// A row that cannot be is told in its history and is no error; rows of a payment that does
    /// not exist are a history without one.
    async fn histories(&self, range: HistoryRange, limit: u32) -> Result<Histories, StoreError>;

    /// The history of one payment; none when there is no such payment.
    async fn history(&self, id: PaymentId) -> Result<Option<History>, StoreError>;

    /// Rows that are of no kind that hangs on a payment, so that no history has them.
    async fn stray_rows(&self, limit: u32) -> Result<Vec<StrayRow>, StoreError>;

    /// Years whose finished payments stand in files of their own. A database that keeps all of them
    /// together has none.
    async fn archived_years(&self) -> Result<Vec<Year>, StoreError> {
        Ok(Vec::new())
    }

    /// Goes on with a walk through an archive for about as many payments.
    async fn walk_archive(
        &self,
        walk: ArchiveWalk,
        _limit: u32,
    ) -> Result<ArchiveWalk, StoreError> {
        Ok(ArchiveWalk { next: None, ..walk })
    }

    /// Archived payments of a year that the scope allows, the newest first, those before this one.
    async fn archived_payments(
        &self,
        _scope: Scope,
        _year: Year,
        _before: Option<PaymentId>,
        _limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        Ok(Vec::new())
    }

    /// Goes on with a walk through the audit log for some lines.
    async fn walk_audit_log(&self, walk: AuditWalk, limit: u32) -> Result<AuditWalk, StoreError>;

    /// Postings of one merchant, or of all, in the store's own order, which never changes.
    async fn postings(
        &self,
        scope: Scope,
        after: Option<PostingKey>,
        limit: u32,
    ) -> Result<Vec<(PostingKey, Posting)>, StoreError>;
}

/// Seals and opens card data and secrets. At rest everything is AES-256-GCM, bound to its table,
/// row and column, so that a ciphertext moved elsewhere does not open.
pub trait Vault: Send + Sync + fmt::Debug {
    /// Seals a card for the row of this payment. The security code goes under a key that lives
    /// no longer than about two hours.
    fn seal_card(
        &self,
        payment: PaymentId,
        card: &Card,
        now: Timestamp,
    ) -> Result<SealedCard, VaultError>;

    /// Opens a card, once, for the send.
    fn open_card(&self, payment: PaymentId, sealed: &SealedCard) -> Result<OpenCard, VaultError>;

    /// A keyed digest over the parts; equal parts give equal digests, on this gateway only.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32];

    /// HMAC-SHA256, for signatures under a terminal's own secret.
    fn hmac(&self, key: &[u8], message: &[u8]) -> [u8; 32];

    /// A payment's number as a token that tells nothing of it. The same number always gives the
    /// same token, and only this gateway can make one.
    fn seal_payment_id(&self, id: PaymentId) -> Result<[u8; 32], VaultError>;

    /// The number in a token; none when this gateway did not make the token.
    fn open_payment_id(&self, token: &[u8; 32]) -> Option<PaymentId>;

    /// Seals a secret for a row and column.
    fn seal_secret(&self, table: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Opens a secret of that row and column.
    fn open_secret(
        &self,
        table: &'static str,
        row: &str,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError>;

    /// Destroys the hour keys that nothing can need any more.
    fn destroy_old_keys(&self, now: Timestamp) -> Result<(), VaultError>;
}

/// A card opened for one send.
#[derive(Debug)]
pub struct OpenCard {
    /// The number.
    pub number: CardNumber,
    /// The security code, unless it was dropped.
    pub security_code: Option<SecurityCode>,
    /// The last month of validity.
    pub expiry: Expiry,
}

/// The time.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;

    /// Returns after this long.
    async fn sleep(&self, duration: Duration);
}

/// Randomness for keys and numbers, from a cryptographic source.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// What a connector needs to know to authenticate a customer and to ask for money.
#[derive(Debug)]
pub struct AuthorisationRequest<'a> {
    /// Our reference for this call, unique at the bank.
    pub our_reference: &'a str,
    /// The payment.
    pub payment: PaymentId,
    /// What to take.
    pub amount: Money,
    /// From which card.
    pub card: &'a OpenCard,
    /// Whether the money is taken at once, or held until a capture.
    pub capture: Capture,
    /// What a bank needs that wants the customer on a page of its own. None after a challenge on
    /// ours: the customer is not asked twice.
    pub at_bank: Option<AtBank<'a>>,
}

/// What a bank needs to have a card's holder pay on a page of its own.
#[derive(Clone, Copy, Debug)]
pub struct AtBank<'a> {
    /// Who is paid, as the customer knows them.
    pub merchant_name: &'a str,
    /// When it is too late here.
    pub expires_at: Timestamp,
    /// Where the bank sends the customer afterwards.
    pub return_url: &'a str,
    /// Where a test bank's counter shows the order.
    pub counter_url: &'a str,
}

/// A call that follows an earlier one: a capture, a refund, or a reversal.
#[derive(Clone, Copy, Debug)]
pub struct FollowUpRequest<'a> {
    /// Our reference for this call, unique at the bank.
    pub our_reference: &'a str,
    /// Our reference of the call it follows: the authorisation, or whatever is reversed.
    pub original: &'a str,
    /// The payment.
    pub payment: PaymentId,
    /// How much. A reversal undoes its original whole, and names its amount.
    pub amount: Money,
}

/// An order that is placed with a bank, for the customer to pay there.
#[derive(Debug)]
pub struct OrderRequest<'a> {
    /// Our reference for this order, unique at the bank.
    pub our_reference: &'a str,
    /// The payment, with its method, its amount and what it is for.
    pub payment: &'a Payment,
    /// Who is paid, as the customer knows them.
    pub merchant_name: &'a str,
    /// What the terminal says of UPI codes.
    pub settings: &'a Settings,
    /// Where the bank sends the customer afterwards.
    pub return_url: &'a str,
    /// Where a test bank's counter shows the order.
    pub counter_url: &'a str,
}

/// A bank or a wallet that customers may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Institution {
    /// Its code, in capital letters.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The method that it is for: net banking or wallet.
    pub method: MethodCode,
}

impl Institution {
    /// One or two letters in the place of a logo: "State Bank of India" gives "SB".
    pub fn initials(&self) -> String {
        domain::text::initials(self.name)
    }
}

/// A bank's own word that something became of a call or an order. It is not believed: it makes the
/// gateway ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankNotice {
    /// Our reference of the call or order.
    pub our_reference: String,
}

/// A message that came by HTTP, as it came.
#[derive(Clone, Copy, Debug)]
pub struct InboundMessage<'a> {
    /// Its headers: names in lower case, a name that came twice is there twice.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// Its body.
    pub body: &'a [u8],
    /// When it came.
    pub received_at: Timestamp,
}

/// What a connector makes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The bank sent it.
    Noticed(Noticed),
    /// It is not taken.
    Refused(RefusedMessage),
}

/// A message that a bank certainly sent. What it says is not believed: it makes the gateway ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The bank's id of it, the same when it is sent again.
    pub message: MessageId,
    /// Our reference of the call or order that it is about; none when it names none of ours.
    pub our_reference: Option<String>,
    /// The body as it came, without card data.
    pub redacted: Redacted,
}

/// Why a message is not taken. The words are for the log, and without what the message said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedMessage {
    /// No connector of this name takes messages.
    #[error("nobody takes it")]
    NotTaken,
    /// It is not certain that the bank sent it, now.
    #[error("it is not genuine: {0}")]
    NotGenuine(String),
    /// The bank sent it, and it has not the agreed form; the words tell the bank which is right.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// A test bank's counter, where whoever tests plays the customer.
#[async_trait]
pub trait BankCounter: Send + Sync + fmt::Debug {
    /// An order by our reference of it.
    async fn order(&self, our_reference: &str) -> Result<Option<CounterOrder>, String>;

    /// The customer decides; an order that is decided stays so. How it stands afterwards.
    async fn decide(
        &self,
        our_reference: &str,
        decision: CounterDecision,
    ) -> Result<Option<CounterOrder>, String>;

    /// What makes the bank fail on purpose, in the order of its documentation.
    fn lab(&self) -> Vec<LabCase>;
}

/// A failure that a test bank plays on purpose, and what asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabCase {
    /// What goes wrong, in a few words.
    pub name: &'static str,
    /// The card number that asks for it.
    pub card: Option<&'static str>,
    /// The payer's UPI addresses that do.
    pub upi_addresses: &'static [&'static str],
    /// The bank's and the wallet's code that do.
    pub bank_code: Option<&'static str>,
    /// How an amount ends, in hundredths of the currency, that asks for it where nothing else does
    /// and the payment is not by card.
    pub amount_ending: Option<&'static str>,
    /// What the bank does.
    pub bank: &'static str,
    /// The `order_status` that a test terminal's payment ends with.
    pub order_status: &'static str,
    /// Its `response`.
    pub response: &'static str,
}

/// An order as a test bank's counter shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterOrder {
    /// Our reference of it.
    pub our_reference: String,
    /// How it is paid.
    pub method: MethodCode,
    /// The bank's, wallet's or app's name.
    pub institution: String,
    /// The payer's UPI address or account, where it is known.
    pub payer: Option<String>,
    /// Who is paid.
    pub payee: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub standing: CounterStanding,
    /// Where the customer goes afterwards.
    pub return_url: String,
}

/// Where an order stands at a test bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterStanding {
    /// It waits for its customer.
    Open,
    /// It is paid.
    Paid,
    /// It is refused, cancelled, or reversed.
    Refused,
}

/// What a customer does at a test bank's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterDecision {
    /// Pays.
    Approve,
    /// Has the bank decline.
    Decline,
    /// Gives up.
    Cancel,
}

/// The addresses of customer pages; implemented by the web crate, which owns every route.
pub trait PageAddresses: Send + Sync + fmt::Debug {
    /// Where a bank sends the customer back to.
    fn return_from_bank(&self, payment: &Payment) -> Result<String, Fault>;

    /// Where a test bank's counter shows the order with this reference.
    fn counter(&self, our_reference: &str) -> String;
}

/// What the customer sees of the bank's challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeView {
    /// The bank's name.
    pub bank_name: String,
    /// Where the bank sent the code, masked.
    pub sent_to: String,
    /// How many tries are left.
    pub tries_left: u32,
    /// How many new codes the customer may still ask for.
    pub new_codes_left: u32,
    /// What to tell who tests, e.g. the sandbox's code; none at a real bank.
    pub hint: Option<String>,
}

/// What the bank says to an answer to its challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeVerdict {
    /// The customer is who they say.
    Passed,
    /// Wrong, but there are tries left.
    TryAgain {
        /// How many.
        tries_left: u32,
    },
    /// Wrong too often.
    Failed(BankFacts),
    /// The bank cannot be asked at the moment; nothing was decided.
    Unavailable(String),
}

/// A bank. Outcomes are five-valued; a time-out is unknown, never a decline. A connector has its
/// own time limits and answers within [`domain::schedule::SENDING_IS_ASKED_AFTER`]: from then on any
/// node may ask the bank what became of the call. A bank that registers a call later than that
/// says so in [`Connector::lookup_patience`].
#[async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    /// Its name in settings and logs.
    fn name(&self) -> &'static str;

    /// Which terminals may reach it.
    fn mode(&self) -> Mode;

    /// How long the bank may take to register a call, before "not found" can be believed.
    fn lookup_patience(&self) -> Duration;

    /// Whether the customer must prove who they are. Moves no money and may be asked again.
    async fn authenticate(&self, amount: Money, card: &Card) -> Authentication;

    /// Whether its bank can ask a card's holder for proof although it would not.
    fn can_always_challenge(&self) -> bool {
        false
    }

    /// What the customer sees of the challenge.
    async fn challenge(&self, payment: &Payment) -> Result<ChallengeView, String>;

    /// The customer's answer to the challenge.
    async fn answer_challenge(&self, payment: &Payment, answer: &str) -> ChallengeVerdict;

    /// Sends the customer a new code, at most a few times. What they then see of the challenge.
    async fn send_new_code(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.challenge(payment).await
    }

    /// The banks and wallets that customers may choose, by name.
    fn institutions(&self) -> &[Institution] {
        &[]
    }

    /// Places an order that its customer pays at the bank: "pending" with what the customer has to
    /// do there. Called once per `our_reference`, after the intent was committed; until the
    /// customer has acted, a lookup says the same.
    async fn place_order(&self, _request: OrderRequest<'_>) -> Outcome {
        Outcome::NotSent("takes no orders".to_owned())
    }

    /// Waits for the next notice of the bank. One that sends none, or sends them by HTTP, never
    /// answers.
    async fn next_notice(&self) -> BankNotice {
        std::future::pending().await
    }

    /// Whether its bank sends messages by HTTP, to `/inbound/` and [`Connector::name`].
    fn takes_messages(&self) -> bool {
        false
    }

    /// Whether a message is the bank's, and what it is about: a pure judgement. Signatures are
    /// compared in constant time, and their time must not be further away than five minutes.
    fn judge_message(&self, _message: InboundMessage<'_>) -> Judgement {
        Judgement::Refused(RefusedMessage::NotTaken)
    }

    /// Asks for the money. Called once per `our_reference`, after the intent was committed.
    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome;

    /// Takes money that an authorisation holds; at most what it holds, once.
    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome;

    /// Gives back money that was taken. "Declined" when the bank will not, or not that much.
    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome;

    /// Undoes the call `original`, whether the bank knows it or not: "approved" means that no
    /// effect of that call stands, and none will, should the call still be under way. "Declined"
    /// means that it stands and cannot be undone (a refund that was paid, a captured payment).
    /// May be repeated with the same `our_reference`.
    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome;

    /// What became of the call with this reference, of whatever kind?
    async fn look_up(&self, our_reference: &str) -> Lookup;
}

/// A bank's own books, where they can be read: the sandbox's. All of it is read while the bank
/// goes on writing.
pub trait BankBooks: Send + Sync + fmt::Debug {
    /// The number of the last line, and how many lines there are up to it.
    fn extent(&self) -> Result<BankExtent, String>;

    /// Every line with one of these references.
    fn by_reference(&self, our_references: &[&str]) -> Result<Vec<BankLine>, String>;

    /// Lines above a number up to another one, by number.
    fn lines(&self, after: i64, until: i64, limit: u32) -> Result<Vec<BankLine>, String>;
}

/// How far a bank's books go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BankExtent {
    /// The last line's number.
    pub last: i64,
    /// How many lines there are.
    pub lines: u64,
}

/// A place in a store's own order of postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostingKey(pub [i64; 4]);

/// The shape of webhook bodies; implemented by the web crate, which owns every JSON shape.
pub trait NoticeFormat: Send + Sync + fmt::Debug {
    /// The body that tells an endpoint of the payment's present state: the event's type, its time,
    /// and the same fields as the payment's own address gets.
    fn message(
        &self,
        event_type: EventType,
        payment: &Payment,
        refund: Option<&Refund>,
        at: Timestamp,
    ) -> Notice;

    /// The body that tells an endpoint that another one of its merchant was switched off.
    fn endpoint_disabled(&self, endpoint: &Endpoint, at: Timestamp) -> Notice;

    /// A sample of the body for this type, with invented facts.
    fn sample(&self, event_type: EventType, at: Timestamp) -> Notice;

    /// The body that tells of the payment's present state, and its content type.
    /// `refund` is the one that it is about, if it is about one. The keys are the terminal's, for
    /// the encrypted form.
    fn notice(
        &self,
        payment: &Payment,
        refund: Option<&Refund>,
        at: Timestamp,
        keys: NoticeKeys<'_>,
    ) -> Notice;
}

/// The terminal's keys for the encrypted form of webhooks.
#[derive(Clone, Copy, Debug)]
pub struct NoticeKeys<'a> {
    /// The terminal's current public key.
    pub public: &'a str,
    /// The terminal's current private key.
    pub private: &'a SecretText,
}

/// A webhook body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// One HTTP POST to a merchant's server.
#[derive(Debug)]
pub struct Post<'a> {
    /// Its `webhook-id`, for traces.
    pub webhook_id: &'a str,
    /// Where to.
    pub url: &'a str,
    /// Headers beside the usual ones, content type included.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a str,
    /// Live terminals need `https`.
    pub mode: Mode,
}

/// What a POST came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostResult {
    /// There was an answer.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// `Retry-After` in seconds, if it said so.
        retry_after: Option<u64>,
        /// The beginning of its body as text, at most 2 KiB, for whoever looks for a mistake. What
        /// is no text, controls a terminal or turns lines around was replaced.
        body: String,
    },
    /// There was none; why, in words without personal data.
    Failed(String),
}

/// The guarded way out to merchants' servers: judges the address it dials, follows no redirect,
/// uses no proxy, and bounds the whole exchange in time and size.
#[async_trait]
pub trait Dialer: Send + Sync + fmt::Debug {
    /// Posts once.
    async fn post(&self, post: Post<'_>) -> PostResult;
}
