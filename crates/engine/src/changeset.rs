//! What one commit changes: data, not an open transaction.
//!
//! A store commits all of a changeset or none of it. Because it is data, the SQLite writer puts
//! hundreds of them into one transaction with one fsync, nothing awaits while a lock is held, and
//! a failing test can print it.

use crate::admission::Admitted;
use domain::api_call::ApiCall;
use domain::api_token::ApiToken;
use domain::bank_message::{BankMessage, Heard, MessageKey};
use domain::delivery::{Attempted, DeliveryId, NewDelivery};
use domain::endpoint::EndpointState;
use domain::event::{Event, EventKind};
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::ledger::{self, Posting};
use domain::merchant::Merchant;
use domain::payment::{Changed, Payment};
use domain::redaction::Redacted;
use domain::refund::{Refund, RefundChanged};
use domain::terminal::{Mode, Settings};
use domain::text::WebAddress;
use domain::time::Timestamp;
use domain::user::{Note, Session, User, UserId};

/// All that one command changes.
#[derive(Debug, Default)]
pub struct Changeset {
    /// The command's name: metric label and trace of the transaction.
    pub name: &'static str,
    /// The payment that is inserted or changed.
    pub payment: Option<PaymentChange>,
    /// What happened to it.
    pub event: Option<Event>,
    /// What happens to its sealed card.
    pub card: Option<CardChange>,
    /// A refund of the payment that is inserted or changed.
    pub refund: Option<RefundChange>,
    /// What the event means for the books; sums to zero.
    pub postings: Vec<Posting>,
    /// Messages to merchants' servers. Those of a changeset without a payment hang on payments that
    /// exist.
    pub deliveries: Vec<NewDelivery>,
    /// What attempts at deliveries came to.
    pub attempted: Vec<Attempted>,
    /// Deliveries that are asked for again: due at once, whatever became of them.
    pub resend: Option<Resend>,
    /// An endpoint that is inserted or changed.
    pub endpoint: Option<EndpointChange>,
    /// Whether an endpoint acknowledges what it is sent.
    pub endpoint_health: Option<EndpointHealth>,
    /// The answer kept under an `Idempotency-Key`.
    pub idempotency: Option<IdempotencyChange>,
    /// A new merchant.
    pub merchant: Option<Merchant>,
    /// A terminal that is inserted or changed.
    pub terminal: Option<TerminalChange>,
    /// A message of a bank that came, or what became of one.
    pub bank_message: Option<BankMessageChange>,
    /// What people did at their desks: users, sessions, notes, merchants; and the log of calls.
    pub desk: Vec<DeskChange>,
    /// Who did what, or was refused.
    pub audit: Option<AuditLine>,
    /// A new payment's place, which a store keeps until the commit is answered.
    pub admitted: Option<Admitted>,
}

/// A payment row.
#[derive(Debug)]
pub enum PaymentChange {
    /// A new row; its number and its (terminal, reference, attempt) must be free.
    Insert(Box<Payment>),
    /// The row as it stands now; it must still have this version in the store.
    Update {
        /// The payment after the change.
        payment: Box<Payment>,
        /// Its version before the change.
        expected_version: i64,
    },
}

/// A refund row. It belongs to the changeset's payment, whose version guards it.
#[derive(Debug)]
pub enum RefundChange {
    /// A new row.
    Insert(Box<Refund>),
    /// The row as it stands now.
    Update(Box<Refund>),
}

/// What happens to the sealed card of the changeset's payment.
#[derive(Debug)]
pub enum CardChange {
    /// It is held until the send.
    Hold(SealedCard),
    /// It was sent: the security code is gone in this commit.
    DropSecurityCode,
    /// The payment is decided: nothing of the card is kept.
    Drop,
}

/// A card under lock: each value under a key of its own, bound to its row and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCard {
    /// The number's data key, wrapped, with the sealed number behind it.
    pub number: Vec<u8>,
    /// The security code under a key that dies with its hour; none once it was sent.
    pub security_code: Option<Vec<u8>>,
    /// The card's last month.
    pub expiry: domain::card::Expiry,
}

/// An `Idempotency-Key` and what was answered under it.
#[derive(Debug)]
pub enum IdempotencyChange {
    /// A request with this key begins.
    Begin {
        /// Whose key.
        terminal: TerminalNumber,
        /// Its merchant.
        merchant: MerchantId,
        /// The key as sent.
        key: String,
        /// Keyed digest of the request.
        request: [u8; 32],
        /// When it began.
        at: Timestamp,
        /// A request that began before this moment and never ended is taken over.
        abandoned_before: Timestamp,
    },
    /// It was answered.
    Finish {
        /// Whose key.
        terminal: TerminalNumber,
        /// The key as sent.
        key: String,
        /// The answer.
        answer: StoredAnswer,
    },
    /// It was refused before anything happened; the key is free again.
    Forget {
        /// Whose key.
        terminal: TerminalNumber,
        /// The key as sent.
        key: String,
    },
}

/// An answer kept to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON text, without card data.
    pub body: String,
}

/// Deliveries that are asked for again. One that is pending is due now; one that is over begins
/// anew, and what it came to before stays in the log.
#[derive(Debug)]
pub struct Resend {
    /// Which.
    pub deliveries: Vec<DeliveryKey>,
    /// When.
    pub at: Timestamp,
}

/// A delivery's name and its merchant, by which rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryKey {
    /// Whose.
    pub merchant: MerchantId,
    /// Which.
    pub id: DeliveryId,
}

/// An endpoint row, its secrets sealed.
#[derive(Debug)]
pub struct EndpointChange {
    /// The row. Its `failing_since` counts for a new one only, and for one that is switched on.
    pub endpoint: StoredEndpoint,
    /// None for a new endpoint, else its version before the change.
    pub expected_version: Option<i64>,
}

/// An endpoint as stores keep it: as [`domain::endpoint::Endpoint`], but with sealed secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEndpoint {
    /// Its number.
    pub number: EndpointNumber,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The terminal whose events it is told of; none for all of the merchant's in its mode.
    pub terminal: Option<TerminalNumber>,
    /// Test or live.
    pub mode: Mode,
    /// Where messages go.
    pub url: WebAddress,
    /// What it is told of.
    pub events: Vec<EventPattern>,
    /// What its owner calls it.
    pub description: String,
    /// Whether it is sent to.
    pub state: EndpointState,
    /// Since when.
    pub state_since: Timestamp,
    /// Since when nothing was acknowledged.
    pub failing_since: Option<Timestamp>,
    /// Signing secrets, sealed.
    pub sealed_secrets: Vec<u8>,
    /// Rises with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Whether an endpoint acknowledges what it is sent. No version guards it: the first failure sets
/// it, the first success clears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Whose.
    pub merchant: MerchantId,
    /// Which.
    pub endpoint: EndpointNumber,
    /// When it failed, if it did; an earlier moment that is known already stays.
    pub failed_at: Option<Timestamp>,
}

/// A terminal row, its secrets sealed.
#[derive(Debug)]
pub struct TerminalChange {
    /// The row.
    pub terminal: StoredTerminal,
    /// None for a new terminal, else its version before the change.
    pub expected_version: Option<i64>,
}

/// A terminal as stores keep it: as [`domain::terminal::Terminal`], but with sealed secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTerminal {
    /// `terNO`
    pub number: TerminalNumber,
    /// Its merchant.
    pub merchant: MerchantId,
    /// The merchant's name; filled by the store when it reads, ignored when it writes.
    pub merchant_name: String,
    /// Whether the merchant is active; filled by the store when it reads.
    pub merchant_active: bool,
    /// Its own name.
    pub name: String,
    /// Test or live.
    pub mode: Mode,
    /// Whether it takes payments.
    pub active: bool,
    /// What an operator set.
    pub settings: Settings,
    /// Its key pairs' public halves, the current one first.
    pub public_keys: Vec<String>,
    /// Private keys and signing secrets, sealed.
    pub sealed_secrets: Vec<u8>,
    /// Rises with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What happens to kept messages of banks.
#[derive(Debug)]
pub enum BankMessageChange {
    /// It came. When it is kept already, it was seen once more; under the id of another body it is
    /// refused as [`crate::error::CommitError::Exists`].
    Receive(BankMessage),
    /// Another body came under its id.
    Contradict {
        /// Its name.
        key: MessageKey,
        /// The other body.
        other_body: Redacted,
    },
    /// It was handled; what was handled stays as it was.
    Handle {
        /// Its name.
        key: MessageKey,
        /// When.
        at: Timestamp,
        /// What became of it.
        heard: Heard,
    },
    /// Those that came before this moment, and were handled, are deleted.
    Forget {
        /// The moment.
        before: Timestamp,
    },
}

/// What changes of an API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenChange {
    /// It was made.
    Made(ApiToken),
    /// It was used.
    Used {
        /// Which.
        digest: [u8; 32],
        /// When.
        at: Timestamp,
    },
    /// Nobody can use it any more.
    Ended {
        /// Which.
        digest: [u8; 32],
    },
}

/// What changes of the portal's and the office's own rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskChange {
    /// A user that is inserted or changed. An address that another user has is refused as
    /// [`crate::error::CommitError::Exists`].
    User {
        /// The row.
        user: Box<User>,
        /// None for a new user, else their version before the change.
        expected_version: Option<i64>,
    },
    /// A merchant that is changed.
    Merchant {
        /// The row.
        merchant: Merchant,
        /// Its version before the change.
        expected_version: i64,
    },
    /// Somebody signed in.
    SessionBegun(Session),
    /// A session was used, or its password typed again.
    SessionSeen {
        /// Which.
        digest: [u8; 32],
        /// When.
        at: Timestamp,
        /// Whether the password was typed.
        proved: bool,
    },
    /// A session is over.
    SessionEnded {
        /// Which.
        digest: [u8; 32],
    },
    /// All sessions of a user are over, but this one.
    SessionsEnded {
        /// Whose.
        user: UserId,
        /// Which one goes on.
        except: Option<[u8; 32]>,
    },
    /// Sessions that were not used since this moment are forgotten.
    SessionsForgotten {
        /// The moment.
        before: Timestamp,
    },
    /// An API token.
    Token(TokenChange),
    /// So many wrong passwords in a row for an address; none is as if there had never been any.
    SignInTries {
        /// A keyed digest of the address, whether or not it is a user's.
        key: [u8; 32],
        /// How many.
        tries: u32,
        /// When the last one was.
        at: Timestamp,
    },
    /// Somebody wrote something about a payment.
    Note(Note),
    /// What merchants' servers called.
    Calls(Vec<ApiCall>),
    /// Calls before this moment are forgotten.
    CallsForgotten {
        /// The moment.
        before: Timestamp,
    },
}

/// A line of the audit log, without card data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: Timestamp,
    /// Who: a word for the kind of actor.
    pub actor: &'static str,
    /// From which network address.
    pub caller: Option<std::net::IpAddr>,
    /// What was asked, e.g. `create_payment`.
    pub action: &'static str,
    /// Whether it was done or refused.
    pub result: &'static str,
    /// Which terminal, where known.
    pub terminal: Option<TerminalNumber>,
    /// The request's id, where there is one.
    pub request_id: Option<String>,
    /// Error numbers and field names, or which settings changed; never values.
    pub detail: String,
    /// Whose business it is, where it is one merchant's.
    pub merchant: Option<MerchantId>,
    /// Who signed in to do it.
    pub user: Option<UserId>,
}

impl Changeset {
    /// Whether there is one payment more afterwards.
    pub const fn makes_payment(&self) -> bool {
        matches!(self.payment, Some(PaymentChange::Insert(_)))
    }

    /// A changeset that only tells what somebody did.
    pub fn audit(line: AuditLine) -> Self {
        Self { name: "audit", audit: Some(line), ..Self::default() }
    }

    /// A changeset of the desks' own rows.
    pub fn desk(name: &'static str, change: DeskChange, audit: Option<AuditLine>) -> Self {
        Self { name, desk: vec![change], audit, ..Self::default() }
    }

    /// A changeset about kept messages of banks.
    pub fn bank_message(name: &'static str, change: BankMessageChange) -> Self {
        Self { name, bank_message: Some(change), ..Self::default() }
    }

    /// A change of a payment with its event, and what it means for the books. What it does to the
    /// held card follows from what happened: the commit that records the send deletes the security
    /// code, and nothing of the card outlives the decision.
    pub fn payment_changed(name: &'static str, changed: Changed) -> Self {
        let expected_version = changed.payment.version.saturating_sub(1);
        let card = match changed.event.kind {
            EventKind::Sending => Some(CardChange::DropSecurityCode),
            EventKind::Decided => Some(CardChange::Drop),
            EventKind::Created
            | EventKind::ChallengeOpened
            | EventKind::OutcomeUnknown
            | EventKind::Reversing
            | EventKind::Presented
            | EventKind::OrderWatched
            | EventKind::Superseded
            | EventKind::Capturing
            | EventKind::Captured
            | EventKind::CaptureRefused
            | EventKind::Voiding
            | EventKind::Voided
            | EventKind::VoidRefused
            | EventKind::Refunding
            | EventKind::RefundUnknown
            | EventKind::RefundReversing
            | EventKind::Refunded
            | EventKind::RefundRefused => None,
        };
        Self {
            name,
            postings: ledger::postings(&changed.payment, &changed.event),
            payment: Some(PaymentChange::Update {
                payment: Box::new(changed.payment),
                expected_version,
            }),
            event: Some(changed.event),
            card,
            ..Self::default()
        }
    }

    /// A change of a payment by one of its refunds.
    pub fn refund_changed(name: &'static str, changed: RefundChanged) -> Self {
        let refund = Box::new(changed.refund);
        let refund = if changed.changed.event.kind == EventKind::Refunding {
            RefundChange::Insert(refund)
        } else {
            RefundChange::Update(refund)
        };
        Self { refund: Some(refund), ..Self::payment_changed(name, changed.changed) }
    }
}
