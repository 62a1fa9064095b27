//! A payment and the ways it may go. A transition consumes the payment and returns the changed
//! one, or says why it may not.

use crate::event::{Event, EventKind};
use crate::id::{MerchantId, PaymentId, TerminalNumber};
use crate::method::Method;
use crate::money::Money;
use crate::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use crate::schedule;
use crate::status::OrderStatus;
use crate::terminal::Mode;
use crate::text::{BillAddress, ProductName, Reference, WebAddress};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A keyed digest over every field of the request but the security code: two requests with the
/// same fingerprint ask for the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// What the customer's details say, as sent; all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// `fullname`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Box<str>>,
    /// `bill_email`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Box<str>>,
    /// `bill_phone`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Box<str>>,
    /// `bill_address`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<Box<str>>,
    /// `bill_city`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Box<str>>,
    /// `bill_state`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<str>>,
    /// `bill_country`, ISO 3166-1 alpha-2
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Box<str>>,
    /// `bill_zip`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Box<str>>,
    /// `bill_ip`, any text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<BillAddress>,
}

/// How this payment's webhook is sent (`encryption_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEncryption {
    /// Signed JSON.
    #[default]
    None,
    /// AES-256-CBC of the family's recipe A, signed as well.
    Aes256,
}

/// The words of the request that never change afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `product_name`
    pub product_name: ProductName,
    /// `webhook_url`
    pub webhook_url: WebAddress,
    /// `return_url`
    pub return_url: WebAddress,
    /// The customer's details.
    pub customer: Customer,
    /// `source`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Box<str>>,
    /// `source_url`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_url: Option<Box<str>>,
    /// `encryption_method`
    #[serde(default)]
    pub webhook_encryption: WebhookEncryption,
    /// `unique_reference=Y`: the reference may be used once, ever.
    #[serde(default)]
    pub unique_reference: bool,
    /// The address that called the API.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<std::net::IpAddr>,
}

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

/// A call to the bank that was intended and committed before its first byte left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Our reference at the bank, unique per call; lookups ask by it.
    pub our_reference: String,
    /// When the intent was committed.
    pub sent_at: Timestamp,
}

impl Sending {
    /// The call whose intent this version of the payment commits; the version makes our reference
    /// differ from that of any other call.
    pub fn intended(payment: PaymentId, version: i64, now: Timestamp) -> Self {
        Self { our_reference: format!("{payment}-{version}"), sent_at: now }
    }
}

/// A call whose outcome is not known. Only the bank's answer resolves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Our reference at the bank.
    pub our_reference: String,
    /// When the intent was committed.
    pub sent_at: Timestamp,
    /// How often the bank was asked.
    pub lookups: u32,
    /// When the bank first said that it has no such reference; one such answer is not believed.
    pub not_found_since: Option<Timestamp>,
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
    /// Money was taken (on a test terminal: would have been).
    Approved {
        /// When it was decided.
        at: Timestamp,
        /// What the bank said.
        bank: BankFacts,
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
    /// The customer did not act in time; no money was taken.
    Expired {
        /// When it was decided.
        at: Timestamp,
    },
    /// The customer gave up; no money was taken.
    Cancelled {
        /// When it was decided.
        at: Timestamp,
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
            Self::Approved { .. } => "approved",
            Self::Declined { .. } => "declined",
            Self::Expired { .. } => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it was decided; none while it waits for customer or bank.
    pub const fn decided_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_) => None,
            Self::Approved { at, .. }
            | Self::Declined { at, .. }
            | Self::Expired { at }
            | Self::Cancelled { at }
            | Self::Failed { at } => Some(*at),
        }
    }

    /// Whether it ended without money, so that the order may be tried again.
    pub const fn ended_without_money(&self) -> bool {
        match self {
            Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => true,
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Approved { .. } => false,
        }
    }

    /// What the bank said, where it said something.
    pub const fn bank(&self) -> Option<&BankFacts> {
        match self {
            Self::Approved { bank, .. } | Self::Declined { bank, .. } => Some(bank),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Sending(_)
            | Self::Unknown(_)
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// The sentence in `response`.
    pub const fn response(&self) -> &'static str {
        match self {
            Self::Waiting { .. } | Self::Challenged { .. } => "Payment is pending",
            Self::Sending(_) => "Payment is being processed by the bank",
            Self::Unknown(_) => "Outcome is being confirmed with the bank",
            Self::Approved { .. } => "Payment successful",
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
            Self::Waiting { expires_at } | Self::Challenged { expires_at, .. } => Some(*expires_at),
            Self::Sending(_)
            | Self::Unknown(_)
            | Self::Approved { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// What is known of the call to the bank, while only the bank can end it.
    pub fn at_the_bank(&self) -> Option<Unknown> {
        match self {
            Self::Sending(Sending { our_reference, sent_at }) => Some(Unknown {
                our_reference: our_reference.clone(),
                sent_at: *sent_at,
                lookups: 0,
                not_found_since: None,
            }),
            Self::Unknown(unknown) => Some(unknown.clone()),
            Self::Waiting { .. }
            | Self::Challenged { .. }
            | Self::Approved { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
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
    /// The request's other words.
    pub request: Request,
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
}

impl Payment {
    /// The status as merchants see it.
    pub const fn order_status(&self) -> OrderStatus {
        OrderStatus::of(&self.state, self.mode)
    }

    /// The state that the create call answered with: where the customer had to act, "pending",
    /// whatever became of it since.
    pub fn answered_state(&self) -> State {
        match (self.authentication, self.state.decided_at()) {
            (Authentication::Challenge, _) => State::Waiting { expires_at: self.created_at },
            (Authentication::Frictionless, _) => self.state.clone(),
        }
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
        if self.state.customer_has_until().is_none_or(|expires_at| now >= expires_at) {
            return Err(self.refused("be sent to the bank"));
        }
        let sending = Sending::intended(self.id, self.version.saturating_add(1), now);
        let due = Some(now.plus(schedule::SENDING_IS_LOST_AFTER));
        Ok(self.change(State::Sending(sending), EventKind::Sending, now, due))
    }

    /// The bank answered, or did not.
    pub fn record_outcome(self, outcome: Outcome, now: Timestamp) -> Result<Changed, Refused> {
        let Some(unknown) = self.state.at_the_bank() else {
            return Err(self.refused("take an answer from the bank"));
        };
        Ok(match outcome {
            Outcome::Approved(bank) => self.decide(State::Approved { at: now, bank }, now),
            Outcome::Declined(reason, bank) => {
                self.decide(State::Declined { at: now, reason, bank }, now)
            }
            Outcome::NotSent(_) => self.decide(State::Failed { at: now }, now),
            Outcome::Pending(_) | Outcome::Unknown(_) => {
                self.ask_later(Unknown { not_found_since: None, ..unknown }, now)
            }
        })
    }

    /// The bank answered a lookup. "Not found" counts only when the bank said so twice, at least
    /// `patience` apart and that long after the send: a bank may register a call late.
    pub fn record_lookup(
        self,
        lookup: Lookup,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Changed, Refused> {
        let Some(unknown) = self.state.at_the_bank() else {
            return Err(self.refused("be looked up at the bank"));
        };
        let lookups = unknown.lookups.saturating_add(1);
        let still_missing = match lookup {
            Lookup::Found(outcome @ (Outcome::Approved(_) | Outcome::Declined(..))) => {
                return self.record_outcome(outcome, now);
            }
            Lookup::Found(Outcome::Pending(_) | Outcome::NotSent(_) | Outcome::Unknown(_)) => None,
            Lookup::Unavailable(_) => unknown.not_found_since,
            Lookup::NotFound => {
                let believed = unknown.not_found_since.is_some_and(|since| {
                    now >= since.plus(patience) && now >= unknown.sent_at.plus(patience)
                });
                if believed {
                    return Ok(self.decide(State::Failed { at: now }, now));
                }
                unknown.not_found_since.or(Some(now))
            }
        };
        let unknown = Unknown { lookups, not_found_since: still_missing, ..unknown };
        Ok(self.ask_later(unknown, now))
    }

    /// The customer failed the challenge.
    pub fn fail_authentication(self, bank: BankFacts, now: Timestamp) -> Result<Changed, Refused> {
        if !self.state.customer_may_act() {
            return Err(self.refused("fail its authentication"));
        }
        let reason = DeclineReason::AuthenticationFailed;
        Ok(self.decide(State::Declined { at: now, reason, bank }, now))
    }

    /// The customer gave up.
    pub fn cancel(self, now: Timestamp) -> Result<Changed, Refused> {
        if !self.state.customer_may_act() {
            return Err(self.refused("be cancelled"));
        }
        Ok(self.decide(State::Cancelled { at: now }, now))
    }

    /// The customer's time is over.
    pub fn expire(self, now: Timestamp) -> Result<Changed, Refused> {
        if self.state.customer_has_until().is_none_or(|expires_at| now < expires_at) {
            return Err(self.refused("expire"));
        }
        Ok(self.decide(State::Expired { at: now }, now))
    }

    fn decide(mut self, state: State, now: Timestamp) -> Changed {
        self.notices = self.notices.saturating_add(1);
        self.change(state, EventKind::Decided, now, None)
    }

    fn ask_later(self, unknown: Unknown, now: Timestamp) -> Changed {
        let due = now.plus(schedule::until_lookup(unknown.lookups));
        self.change(State::Unknown(unknown), EventKind::OutcomeUnknown, now, Some(due))
    }

    fn change(
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
        Changed { payment: self, event }
    }

    fn event(&self, kind: EventKind, at: Timestamp) -> Event {
        Event {
            payment: self.id,
            merchant: self.merchant,
            sequence: self.version,
            at,
            kind,
            state: self.state.clone(),
        }
    }

    const fn refused(&self, action: &'static str) -> Refused {
        Refused { state: self.state.name(), action }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code")]
pub(crate) mod tests {
    use super::*;
    use crate::card::{Brand, MaskedCard};
    use crate::method::MethodCode;
    use crate::money::Currency;
    use proptest::prelude::*;

    pub(crate) fn sample() -> Payment {
        let created_at = Timestamp::from_micros(1_745_676_966_000_657);
        let expires_at = created_at.plus(Duration::from_mins(15));
        let address = |text: &str| WebAddress::parse(text).unwrap();
        Payment {
            id: PaymentId::new(created_at, [7; 8]),
            merchant: MerchantId(1),
            terminal: TerminalNumber(42),
            mode: Mode::Test,
            reference: Reference::parse("1DEV").unwrap(),
            attempt: 1,
            fingerprint: Fingerprint([1; 32]),
            amount: Money::parse("11.11", Currency::from_code("USD").unwrap()).unwrap(),
            method: Method {
                code: MethodCode::CreditCard,
                card: Some(MaskedCard {
                    brand: Brand::Visa,
                    first_six: "411111".to_owned(),
                    last_four: "1111".to_owned(),
                }),
            },
            authentication: Authentication::Challenge,
            request: Request {
                product_name: ProductName::parse("Testing Product").unwrap(),
                webhook_url: address("https://shop.example/hook"),
                return_url: address("https://shop.example/return"),
                customer: Customer::default(),
                source: None,
                source_url: None,
                webhook_encryption: WebhookEncryption::None,
                unique_reference: false,
                caller: None,
            },
            created_at,
            state: State::Waiting { expires_at },
            version: 1,
            notices: 0,
            due_at: Some(expires_at),
        }
    }

    fn approved() -> Outcome {
        Outcome::Approved(BankFacts::default())
    }

    #[test]
    fn the_happy_way() {
        let payment = sample();
        let now = payment.created_at.plus(Duration::from_secs(1));
        let opened = payment.open_challenge(now).unwrap().payment;
        assert_eq!(opened.order_status().code, "27");
        let sending = opened.begin_sending(now).unwrap().payment;
        assert_eq!(sending.order_status().code, "0");
        let done = sending.record_outcome(approved(), now).unwrap();
        assert_eq!(done.payment.order_status().code, "25");
        assert_eq!((done.payment.version, done.payment.notices), (4, 1));
        assert_eq!(done.payment.due_at, None);
        assert_eq!(done.event.sequence, 4);
        let live = Payment { mode: Mode::Live, ..done.payment };
        assert_eq!(live.order_status().code, "1");
    }

    #[test]
    fn unknown_is_never_a_decline() {
        let now = sample().created_at.plus(Duration::from_secs(1));
        let sending = sample().begin_sending(now).unwrap().payment;
        let unknown =
            sending.record_outcome(Outcome::Unknown("timed out".to_owned()), now).unwrap().payment;
        assert_eq!(unknown.order_status().code, "0");
        assert_eq!(unknown.state.response(), "Outcome is being confirmed with the bank");
        assert!(!unknown.state.ended_without_money());
        assert!(unknown.due_at.is_some());
        let patience = Duration::from_mins(1);
        let once = unknown.record_lookup(Lookup::NotFound, patience, now).unwrap().payment;
        assert_eq!(once.state.name(), "unknown");
        let soon = now.plus(Duration::from_secs(59));
        let twice = once.record_lookup(Lookup::NotFound, patience, soon).unwrap().payment;
        assert_eq!(twice.state.name(), "unknown");
        let late = now.plus(Duration::from_secs(61));
        let found = Lookup::Found(approved());
        let rescued = twice.clone().record_lookup(found, patience, late).unwrap().payment;
        assert_eq!(rescued.state.name(), "approved");
        let failed = twice.record_lookup(Lookup::NotFound, patience, late).unwrap().payment;
        assert_eq!(failed.state.name(), "failed");
    }

    #[test]
    fn expiry_has_an_edge() {
        let State::Waiting { expires_at } = sample().state else { panic!("sample waits") };
        let before = Timestamp::from_micros(expires_at.micros() - 1);
        assert!(sample().expire(before).is_err());
        assert!(sample().begin_sending(before).is_ok());
        assert!(sample().begin_sending(expires_at).is_err());
        assert_eq!(sample().expire(expires_at).unwrap().payment.order_status().code, "22");
    }

    #[test]
    fn the_first_answer_stays_pending_for_a_challenge() {
        let now = sample().created_at;
        let done = sample().cancel(now).unwrap().payment;
        assert_eq!(OrderStatus::of(&done.answered_state(), done.mode).code, "0");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Open,
        Send,
        Answer(u8),
        Lookup(u8),
        FailAuthentication,
        Cancel,
        Expire,
    }

    fn step() -> impl Strategy<Value = (Step, u32)> {
        let step = prop_oneof![
            Just(Step::Open),
            Just(Step::Send),
            (0..5_u8).prop_map(Step::Answer),
            (0..4_u8).prop_map(Step::Lookup),
            Just(Step::FailAuthentication),
            Just(Step::Cancel),
            Just(Step::Expire),
        ];
        (step, 0..400_u32)
    }

    fn outcome(n: u8) -> Outcome {
        match n {
            0 => approved(),
            1 => Outcome::Pending(BankFacts::default()),
            2 => Outcome::Declined(DeclineReason::Refused, BankFacts::default()),
            3 => Outcome::NotSent("refused".to_owned()),
            _ => Outcome::Unknown("reset".to_owned()),
        }
    }

    fn apply(payment: Payment, step: &Step, now: Timestamp) -> Result<Changed, Refused> {
        match step {
            Step::Open => payment.open_challenge(now),
            Step::Send => payment.begin_sending(now),
            Step::Answer(n) => payment.record_outcome(outcome(*n), now),
            Step::Lookup(n) => {
                let lookup = match n {
                    0 => Lookup::Found(approved()),
                    1 => Lookup::Found(outcome(2)),
                    2 => Lookup::NotFound,
                    _ => Lookup::Unavailable("down".to_owned()),
                };
                payment.record_lookup(lookup, Duration::from_mins(1), now)
            }
            Step::FailAuthentication => payment.fail_authentication(BankFacts::default(), now),
            Step::Cancel => payment.cancel(now),
            Step::Expire => payment.expire(now),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_order_of_steps_keeps_the_rules(steps in prop::collection::vec(step(), 1..24)) {
            let mut payment = sample();
            let mut now = payment.created_at;
            for (step, seconds) in steps {
                now = now.plus(Duration::from_secs(u64::from(seconds)));
                let before = payment.clone();
                let Ok(changed) = apply(payment.clone(), &step, now) else { continue };
                let after = changed.payment;
                prop_assert!(before.state.decided_at().is_none(), "decided stays decided");
                prop_assert_eq!(after.version, before.version + 1);
                prop_assert_eq!(changed.event.sequence, after.version);
                let decided = after.state.decided_at().is_some();
                prop_assert_eq!(after.due_at.is_none(), decided, "undecided has a next step");
                prop_assert_eq!(after.notices - before.notices, i32::from(decided));
                let was_with_bank = matches!(before.state, State::Sending(_) | State::Unknown(_));
                let bank_spoke = matches!(step, Step::Answer(_) | Step::Lookup(_));
                prop_assert!(!was_with_bank || bank_spoke, "only the bank ends what was sent");
                payment = after;
            }
        }
    }
}
