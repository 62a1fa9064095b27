//! A payment and the ways it may go. A transition consumes the payment and returns the changed
//! one, or says why it may not.

mod order;
mod request;

use crate::call::{Because, Call, Reversing, Rules, Sending, Settled, Step, Unknown, Word};
use crate::event::{Event, EventKind};
use crate::id::{MerchantId, PaymentId, TerminalNumber};
use crate::method::Method;
use crate::money::Money;
use crate::outcome::{BankFacts, DeclineReason, Lookup};
use crate::schedule;
use crate::status::OrderStatus;
use crate::terminal::{Capture, Mode};
use crate::text::Reference;
use crate::time::Timestamp;
pub use order::{OpenOrder, Presented};
pub use request::{Customer, Request, WebhookEncryption};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A keyed digest over every field of the request but the security code: two requests with the
/// same fingerprint ask for the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// Whether the customer has to prove who they are before the bank is asked for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// Decided in the create call.
    Frictionless,
    /// The customer's bank asks the customer first.
    Challenge,
}

impl Authentication {
    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frictionless => "frictionless",
            Self::Challenge => "challenge",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Frictionless, Self::Challenge].into_iter().find(|a| a.name() == name)
    }
}

/// What was taken of a payment, and given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Our reference of the authorisation; captures and refunds name it.
    pub our_reference: String,
    /// What was taken, in minor units of the payment's currency.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
    /// What refunds that are not decided would give back.
    pub refunding_minor: i64,
    /// How many refunds were asked for.
    pub refunds: i32,
}

impl Taken {
    /// Money that was taken now.
    pub const fn whole(our_reference: String, captured_minor: i64) -> Self {
        Self { our_reference, captured_minor, refunded_minor: 0, refunding_minor: 0, refunds: 0 }
    }

    /// What may still be given back, in minor units.
    pub const fn left_minor(&self) -> i64 {
        let gone = self.refunded_minor.saturating_add(self.refunding_minor);
        self.captured_minor.saturating_sub(gone)
    }
}

/// Money that the bank holds for us and that is not taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When the bank authorised it.
    pub at: Timestamp,
    /// What the bank said.
    pub bank: BankFacts,
    /// Our reference of the authorisation.
    pub our_reference: String,
}

/// Our reference at the bank for the call whose intent `version` of the payment commits.
pub fn call_reference(payment: PaymentId, version: i64) -> String {
    format!("{payment}-{version}")
}

/// The payment that a reference of ours is about; none when it has another form.
pub fn payment_of_reference(our_reference: &str) -> Option<PaymentId> {
    let (payment, version) = our_reference.split_once('-')?;
    let (payment, version) = (payment.parse().ok()?, version.parse::<u32>().ok()?);
    (call_reference(payment, version.into()) == our_reference).then_some(payment)
}

/// Where a payment stands, with the facts of that place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The customer has to act and has not opened the page yet.
    Waiting {
        /// When it is too late.
        expires_at: Timestamp,
    },
    /// The customer is in the bank's challenge.
    Challenged {
        /// When the page was first opened.
        opened_at: Timestamp,
        /// When it is too late.
        expires_at: Timestamp,
    },
    /// Intent is committed; the call is on its way.
    Sending(Sending),
    /// The call was made and its outcome is not known.
    Unknown(Unknown),
    /// The call is being undone, because the bank does not know it or does not say.
    Reversing(Reversing),
    /// The bank has the order, and its customer pays it there.
    Presented(Presented),
    /// The bank holds the money; it is taken by a capture.
    Authorised(Hold),
    /// A capture is on its way.
    Capturing {
        /// What is held.
        hold: Hold,
        /// How much of it is taken.
        amount_minor: i64,
        /// The call.
        call: Call,
    },
    /// The release of held money is on its way.
    Voiding {
        /// What is held.
        hold: Hold,
        /// The call.
        call: Call,
    },
    /// Money was taken (on a test terminal: would have been).
    Approved {
        /// When it was taken.
        at: Timestamp,
        /// What the bank said.
        bank: BankFacts,
        /// How much was taken, and given back.
        #[serde(flatten)]
        taken: Taken,
    },
    /// What was authorised is undone; no money was taken.
    Reversed {
        /// When it was decided.
        at: Timestamp,
    },
    /// Refused; no money was taken.
    Declined {
        /// When it was decided.
        at: Timestamp,
        /// Why.
        reason: DeclineReason,
        /// What the bank said.
        bank: BankFacts,
    },
    /// The customer did not act in time; no money was taken, as far as the bank has said.
    Expired {
        /// When it was decided.
        at: Timestamp,
        /// The order that the bank may still take money for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OpenOrder>,
    },
    /// The customer gave up; no money was taken, as far as the bank has said.
    Cancelled {
        /// When it was decided.
        at: Timestamp,
        /// The order that the bank may still take money for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OpenOrder>,
    },
    /// A technical failure; no money was taken, provably.
    Failed {
        /// When it was decided.
        at: Timestamp,
    },
}

impl State {
    /// The word in the database.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Challenged { .. } => "challenged",
            Self::Sending(_) => "sending",
            Self::Unknown(_) => "unknown",
            Self::Reversing(_) => "reversing",
            Self::Presented(_) => "presented",
            Self::Authorised(_) => "authorised",
            Self::Capturing { .. } => "capturing",
            Self::Voiding { .. } => "voiding",
            Self::Approved { .. } => "approved",
            Self::Reversed { .. } => "reversed",
            Self::Declined { .. } => "declined",
            Self::Expired { .. } => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }

    /// For sentences like "a payment that is … cannot be refunded".
    pub const fn in_words(&self) -> &'static str {
        match self {
            Self::Waiting { .. } | Self::Challenged { .. } | Self::Presented(_) => {
                "waiting for its customer"
            }
            Self::Sending(_) | Self::Unknown(_) => "being confirmed with the bank",
            Self::Reversing(_) => "being reversed",
            Self::Authorised(_) => "authorised and not captured",
            Self::Capturing { .. } => "being captured",
            Self::Voiding { .. } => "being voided",
            Self::Approved { .. } => "approved",
            Self::Reversed { .. } => "reversed",
            Self::Declined { .. } => "declined",
            Self::Expired { .. } => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it was decided whether the order is paid; none while it waits for customer or bank.
    pub const fn decided_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Presented(_) => None,
            Self::Authorised(Hold { at, .. })
            | Self::Capturing { hold: Hold { at, .. }, .. }
            | Self::Voiding { hold: Hold { at, .. }, .. }
            | Self::Approved { at, .. }
            | Self::Reversed { at }
            | Self::Declined { at, .. }
            | Self::Expired { at, .. }
            | Self::Cancelled { at, .. }
            | Self::Failed { at } => Some(*at),
        }
    }

    /// Whether it ended without money, so that the order may be tried again.
    pub const fn ended_without_money(&self) -> bool {
        match self {
            Self::Reversed { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => true,
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Presented(_)
            | Self::Authorised(_)
            | Self::Capturing { .. }
            | Self::Voiding { .. }
            | Self::Approved { .. } => false,
        }
    }

    /// What the bank said, where it said something.
    pub const fn bank(&self) -> Option<&BankFacts> {
        match self {
            Self::Authorised(Hold { bank, .. })
            | Self::Capturing { hold: Hold { bank, .. }, .. }
            | Self::Voiding { hold: Hold { bank, .. }, .. }
            | Self::Approved { bank, .. }
            | Self::Declined { bank, .. } => Some(bank),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Presented(_)
            | Self::Reversed { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// The sentence in `response`.
    pub const fn response(&self) -> &'static str {
        match self {
            Self::Waiting { .. } | Self::Challenged { .. } | Self::Presented(_) => {
                "Payment is pending"
            }
            Self::Sending(_) => "Payment is being processed by the bank",
            Self::Unknown(_) | Self::Reversing(_) => "Outcome is being confirmed with the bank",
            Self::Authorised(_) => "Payment authorised, not captured yet",
            Self::Capturing { .. } => "Capture is being processed by the bank",
            Self::Voiding { .. } => "Reversal is being processed by the bank",
            Self::Approved { taken, .. } => taken.response(),
            Self::Reversed { .. } => "Payment reversed, no money was taken",
            Self::Declined { reason, .. } => reason.text(),
            Self::Expired { .. } => "The customer did not act in time",
            Self::Cancelled { .. } => "The customer cancelled the payment",
            Self::Failed { .. } => "Technical failure, no money was taken",
        }
    }

    /// Whether the customer has something to do.
    pub const fn customer_may_act(&self) -> bool {
        self.customer_has_until().is_some()
    }

    /// Until when the customer may act; none when there is nothing to do.
    pub const fn customer_has_until(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { expires_at }
            | Self::Challenged { expires_at, .. }
            | Self::Presented(Presented { expires_at, .. }) => Some(*expires_at),
            Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Authorised(_)
            | Self::Capturing { .. }
            | Self::Voiding { .. }
            | Self::Approved { .. }
            | Self::Reversed { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// The call about the payment itself that only the bank can end. Refunds have their own.
    pub fn at_the_bank(&self) -> Option<Call> {
        match self {
            Self::Sending(sending) => Some(Call::Sending(sending.clone())),
            Self::Unknown(unknown) => Some(Call::Unknown(unknown.clone())),
            Self::Reversing(reversing) => Some(Call::Reversing(reversing.clone())),
            Self::Capturing { call, .. } | Self::Voiding { call, .. } => Some(call.clone()),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Presented(_)
            | Self::Authorised(_)
            | Self::Approved { .. }
            | Self::Reversed { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// Whether the bank has not told for so long what became of a call that somebody has to ask
    /// it by other means.
    pub fn needs_an_operator(&self, now: Timestamp) -> bool {
        self.at_the_bank().is_some_and(|call| {
            let since = match &call {
                // The order may be a day old; how it was paid is known since then.
                Call::Reversing(Reversing {
                    because: Because::TooLate | Because::WrongAmount,
                    since,
                    ..
                }) => *since,
                Call::Sending(_) | Call::Unknown(_) | Call::Reversing(_) => call.sent_at(),
            };
            now >= since.plus(schedule::UNKNOWN_IS_REVERSED_AFTER)
        })
    }

    /// What was taken and given back, once money was taken.
    pub const fn taken(&self) -> Option<&Taken> {
        match self {
            Self::Approved { taken, .. } => Some(taken),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Reversing(_)
            | Self::Presented(_)
            | Self::Authorised(_)
            | Self::Capturing { .. }
            | Self::Voiding { .. }
            | Self::Reversed { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }
}

impl Taken {
    const fn response(&self) -> &'static str {
        if self.refunding_minor > 0 {
            "Refund is being processed by the bank"
        } else if self.refunded_minor == 0 {
            "Payment successful"
        } else if self.refunded_minor < self.captured_minor {
            "Payment refunded in part"
        } else {
            "Payment refunded in full"
        }
    }
}

/// One attempt to have an order paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its number.
    pub id: PaymentId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The terminal that took it.
    pub terminal: TerminalNumber,
    /// The terminal's mode when it was created.
    pub mode: Mode,
    /// The merchant's order id.
    pub reference: Reference,
    /// 1 for the first attempt at this reference, then 2, …
    pub attempt: i32,
    /// Digest of the request.
    pub fingerprint: Fingerprint,
    /// What is to be paid.
    pub amount: Money,
    /// How it is paid.
    pub method: Method,
    /// Whether the customer must act.
    pub authentication: Authentication,
    /// Whether the money is taken with the authorisation.
    pub capture: Capture,
    /// The request's other words; shared, for they never change.
    pub request: Arc<Request>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: State,
    /// 1 when created; rises with each change. Also the number of its latest event.
    pub version: i64,
    /// How many webhooks its changes have caused; the latest one's `sequence`.
    pub notices: i32,
    /// When background work must look at it; none once it is decided.
    pub due_at: Option<Timestamp>,
}

/// Why a transition was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {state} cannot {action}")]
pub struct Refused {
    /// Where it stands.
    pub state: &'static str,
    /// What was asked.
    pub action: &'static str,
}

/// A changed payment and the event that tells of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// As it stands now.
    pub payment: Payment,
    /// What happened.
    pub event: Event,
    /// Whether the merchant's server is told.
    pub notifies: bool,
}

/// Why held money is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureRefused {
    /// Nothing is held; where the payment stands, in words.
    #[error("a payment that is {0} cannot be captured")]
    State(&'static str),
    /// More than is held, or in another currency.
    #[error("at most {held_minor} minor units of the payment's currency can be captured")]
    Amount {
        /// What is held, in minor units.
        held_minor: i64,
    },
}

impl Payment {
    /// The status as merchants see it.
    pub const fn order_status(&self) -> OrderStatus {
        OrderStatus::of(&self.state, self.mode)
    }

    /// The sentence in `response`.
    pub const fn response(&self) -> &'static str {
        let is_open = matches!(self.state, State::Waiting { .. } | State::Presented(_));
        if is_open && self.method.details.converted_to_qr {
            return "UPI collect requests are withdrawn for most merchants: pay by UPI QR code instead";
        }
        self.state.response()
    }

    /// The state that the create call answered with: where the customer had to act, "pending",
    /// whatever became of it since.
    pub fn answered_state(&self) -> State {
        if self.method.details.step.is_some() {
            return State::Waiting { expires_at: self.created_at };
        }
        match (self.authentication, &self.state) {
            (Authentication::Challenge, _) => State::Waiting { expires_at: self.created_at },
            (Authentication::Frictionless, State::Approved { at, bank, taken }) => {
                let whole = Taken::whole(taken.our_reference.clone(), taken.captured_minor);
                State::Approved { at: *at, bank: bank.clone(), taken: whole }
            }
            (Authentication::Frictionless, state) => state.clone(),
        }
    }

    /// The payment as the create call answered it: a bank that the customer chose since, and what
    /// there is to do there, were not known then.
    #[must_use]
    pub fn as_answered(mut self) -> Self {
        self.state = self.answered_state();
        if self.authentication == Authentication::Challenge && self.method.code.takes_bank_code() {
            self.method.details.bank_code = None;
            self.method.details.step = None;
        }
        self
    }

    /// The event that tells of a new payment.
    pub fn created_event(&self) -> Event {
        self.event(EventKind::Created, self.created_at)
    }

    /// The customer opened the page.
    pub fn open_challenge(self, now: Timestamp) -> Result<Changed, Refused> {
        if let State::Waiting { expires_at } = self.state
            && now < expires_at
        {
            let state = State::Challenged { opened_at: now, expires_at };
            return Ok(self.change(state, EventKind::ChallengeOpened, now, Some(expires_at)));
        }
        Err(self.refused("open the challenge"))
    }

    /// The customer proved who they are (or need not): the call to the bank is intended.
    pub fn begin_sending(self, now: Timestamp) -> Result<Changed, Refused> {
        let in_time = matches!(
            self.state,
            State::Waiting { expires_at } | State::Challenged { expires_at, .. } if now < expires_at
        );
        if !in_time {
            return Err(self.refused("be sent to the bank"));
        }
        let sending = Sending { our_reference: self.next_reference(), sent_at: now };
        let due = Some(sending.asked_at());
        Ok(self.change(State::Sending(sending), EventKind::Sending, now, due))
    }

    /// As [`Self::record`], but only when the bank spoke about the present call: an answer about
    /// the authorisation may come when a capture is under way, and says nothing about that.
    pub fn record_about(
        self,
        our_reference: &str,
        word: Word,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Changed, Refused> {
        let call = self.state.at_the_bank();
        if call.is_none_or(|call| call.our_reference() != our_reference) {
            return Err(self.refused("take the bank's word about another call"));
        }
        self.record(word, rules, now)
    }

    /// Records what the bank said about the present call, which only it can end.
    pub fn record(self, word: Word, rules: Rules, now: Timestamp) -> Result<Changed, Refused> {
        let refused = self.refused("take the bank's word");
        let call = self.state.at_the_bank().ok_or(refused)?;
        if let (Call::Sending(_) | Call::Unknown(_), Some(step)) = (&call, word.step()) {
            let step = step.clone();
            return Ok(self.present(&call, step, rules, now));
        }
        let asked = if let State::Capturing { amount_minor, .. } = &self.state {
            *amount_minor
        } else {
            self.amount.minor()
        };
        let wrong_amount = word.taken_minor().is_some_and(|taken| taken != asked);
        let step = match (&call, wrong_amount) {
            // The bank keeps what it should not have taken: only an operator can say what of it.
            (Call::Unknown(Unknown { stands: true, .. }), true) => {
                let no_word = Word::Lookup(Lookup::Unavailable("another amount".to_owned()));
                call.record(no_word, rules, self.next_reference(), now)
            }
            (_, true) => call.undo(self.next_reference(), Because::WrongAmount, now),
            (_, false) => call.record(word, rules, self.next_reference(), now),
        };
        Ok(self.follow(step.ok_or(refused)?, now))
    }

    /// An operator found out what became of a call that the bank does not tell about, by other
    /// means than this gateway: whether it took effect. Only for calls that stand on the list of
    /// [`State::needs_an_operator`].
    pub fn resolve(self, took_effect: bool, now: Timestamp) -> Result<Changed, Refused> {
        if !self.state.needs_an_operator(now) {
            return Err(self.refused("be resolved by an operator (yet)"));
        }
        let settled = match (took_effect, &self.state) {
            (true, State::Voiding { .. }) => Settled::Reversed(Because::Voided),
            (true, _) => Settled::Approved(BankFacts::default()),
            (false, _) => Settled::NotSent,
        };
        Ok(self.follow(Step::Settled(settled), now))
    }

    /// Intends to take `amount` of what is held: all of it, or less; once.
    pub fn begin_capture(self, amount: Money, now: Timestamp) -> Result<Changed, CaptureRefused> {
        let State::Authorised(hold) = &self.state else {
            return Err(CaptureRefused::State(self.state.in_words()));
        };
        if amount.currency() != self.amount.currency() || amount.minor() > self.amount.minor() {
            return Err(CaptureRefused::Amount { held_minor: self.amount.minor() });
        }
        let call = Call::sending(self.next_reference(), now);
        let state = State::Capturing { hold: hold.clone(), amount_minor: amount.minor(), call };
        let due = Some(now.plus(schedule::SENDING_IS_ASKED_AFTER));
        Ok(self.change(state, EventKind::Capturing, now, due))
    }

    /// Intends to release what is held.
    pub fn begin_void(self, now: Timestamp) -> Result<Changed, Refused> {
        let State::Authorised(hold) = &self.state else {
            return Err(self.refused("be voided"));
        };
        let original = hold.our_reference.clone();
        let call = Call::reversing(self.next_reference(), original, Because::Voided, now);
        let state = State::Voiding { hold: hold.clone(), call };
        let due = Some(now.plus(schedule::SENDING_IS_ASKED_AFTER));
        Ok(self.change(state, EventKind::Voiding, now, due))
    }

    /// What follows for the payment from a step of its call.
    fn follow(self, step: Step, now: Timestamp) -> Changed {
        match self.state.clone() {
            State::Capturing { hold, amount_minor, call: _ } => {
                self.follow_capture(hold, amount_minor, step, now)
            }
            State::Voiding { hold, call: _ } => self.follow_void(hold, step, now),
            State::Waiting { .. }
            | State::Challenged { .. }
            | State::Sending(_)
            | State::Unknown(_)
            | State::Reversing(_)
            | State::Presented(_)
            | State::Authorised(_)
            | State::Approved { .. }
            | State::Reversed { .. }
            | State::Declined { .. }
            | State::Expired { .. }
            | State::Cancelled { .. }
            | State::Failed { .. } => self.follow_authorisation(step, now),
        }
    }

    fn follow_authorisation(self, step: Step, now: Timestamp) -> Changed {
        let our_reference = match self.state.at_the_bank() {
            Some(
                Call::Sending(Sending { our_reference, .. })
                | Call::Unknown(Unknown { our_reference, .. }),
            ) => our_reference,
            Some(Call::Reversing(Reversing { original, .. })) => original,
            None => String::new(),
        };
        let state = match step {
            Step::Waits { call, due_at } => {
                let (state, kind) = match call {
                    Call::Sending(sending) => (State::Sending(sending), EventKind::Sending),
                    Call::Unknown(unknown) => (State::Unknown(unknown), EventKind::OutcomeUnknown),
                    Call::Reversing(call) => (State::Reversing(call), EventKind::Reversing),
                };
                return self.change(state, kind, now, Some(due_at));
            }
            Step::Settled(Settled::Approved(bank)) => {
                // It was compared with what was asked for.
                let bank = BankFacts { amount_minor: None, ..bank };
                match self.capture {
                    Capture::Automatic => {
                        let taken = Taken::whole(our_reference, self.amount.minor());
                        State::Approved { at: now, bank, taken }
                    }
                    Capture::Manual => State::Authorised(Hold { at: now, bank, our_reference }),
                }
            }
            Step::Settled(Settled::Declined(DeclineReason::CancelledByCustomer, _)) => {
                State::Cancelled { at: now, order: None }
            }
            Step::Settled(Settled::Declined(reason, bank)) => {
                State::Declined { at: now, reason, bank }
            }
            Step::Settled(Settled::NotSent | Settled::Reversed(Because::NotFound)) => {
                State::Failed { at: now }
            }
            Step::Settled(Settled::Reversed(
                Because::StillUnknown | Because::Voided | Because::WrongAmount | Because::TooLate,
            )) => State::Reversed { at: now },
        };
        self.decide(state, EventKind::Decided, now)
    }

    fn follow_capture(self, hold: Hold, amount_minor: i64, step: Step, now: Timestamp) -> Changed {
        match step {
            Step::Waits { call, due_at } => {
                let kind = match call {
                    Call::Sending(_) => EventKind::Capturing,
                    Call::Unknown(_) => EventKind::OutcomeUnknown,
                    Call::Reversing(_) => EventKind::Reversing,
                };
                let state = State::Capturing { hold, amount_minor, call };
                self.change(state, kind, now, Some(due_at))
            }
            Step::Settled(Settled::Approved(_)) => {
                let taken = Taken::whole(hold.our_reference, amount_minor);
                let state = State::Approved { at: now, bank: hold.bank, taken };
                self.decide(state, EventKind::Captured, now)
            }
            Step::Settled(Settled::Declined(..) | Settled::NotSent | Settled::Reversed(_)) => {
                self.decide(State::Authorised(hold), EventKind::CaptureRefused, now)
            }
        }
    }

    fn follow_void(self, hold: Hold, step: Step, now: Timestamp) -> Changed {
        match step {
            Step::Waits { call, due_at } => {
                let state = State::Voiding { hold, call };
                self.change(state, EventKind::Voiding, now, Some(due_at))
            }
            Step::Settled(Settled::Reversed(_)) => {
                self.decide(State::Reversed { at: now }, EventKind::Voided, now)
            }
            Step::Settled(Settled::Approved(_) | Settled::Declined(..) | Settled::NotSent) => {
                self.decide(State::Authorised(hold), EventKind::VoidRefused, now)
            }
        }
    }

    /// The customer failed the challenge.
    pub fn fail_authentication(self, bank: BankFacts, now: Timestamp) -> Result<Changed, Refused> {
        if !matches!(self.state, State::Waiting { .. } | State::Challenged { .. }) {
            return Err(self.refused("fail its authentication"));
        }
        let reason = DeclineReason::AuthenticationFailed;
        Ok(self.decide(State::Declined { at: now, reason, bank }, EventKind::Decided, now))
    }

    /// The customer gave up. An order that the bank has may still be paid there.
    pub fn cancel(self, now: Timestamp) -> Result<Changed, Refused> {
        if !self.state.customer_may_act() {
            return Err(self.refused("be cancelled"));
        }
        let order = self.open_order();
        Ok(self.end_open(State::Cancelled { at: now, order }, now))
    }

    /// The customer's time is over. An order that the bank has may still be paid there.
    pub fn expire(self, now: Timestamp) -> Result<Changed, Refused> {
        if self.state.customer_has_until().is_none_or(|expires_at| now < expires_at) {
            return Err(self.refused("expire"));
        }
        let order = self.open_order();
        Ok(self.end_open(State::Expired { at: now, order }, now))
    }

    /// Our reference for the call whose intent the next change commits; the version makes it
    /// differ from that of any other call.
    pub(crate) fn next_reference(&self) -> String {
        call_reference(self.id, self.version.saturating_add(1))
    }

    pub(super) fn decide(mut self, state: State, kind: EventKind, now: Timestamp) -> Changed {
        self.notices = self.notices.saturating_add(1);
        let mut changed = self.change(state, kind, now, None);
        changed.notifies = true;
        changed
    }

    pub(crate) fn change(
        mut self,
        state: State,
        kind: EventKind,
        now: Timestamp,
        due_at: Option<Timestamp>,
    ) -> Changed {
        self.state = state;
        self.version = self.version.saturating_add(1);
        self.due_at = due_at;
        let event = self.event(kind, now);
        Changed { payment: self, event, notifies: false }
    }

    fn event(&self, kind: EventKind, at: Timestamp) -> Event {
        Event {
            payment: self.id,
            merchant: self.merchant,
            sequence: self.version,
            at,
            kind,
            state: self.state.clone(),
            refund: None,
        }
    }

    pub(crate) const fn refused(&self, action: &'static str) -> Refused {
        Refused { state: self.state.name(), action }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code")]
mod order_tests;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code")]
pub(crate) mod tests;
