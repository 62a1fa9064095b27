//! The judgement of one history: a pure function. What the rows must say is worked out here from
//! the events alone, and not by the functions that wrote them.

use super::calls::{BankCall, Calls};
use super::finding::Finding;
use super::history::{DeliveryFacts, History};
use super::succession::{
    call_at, call_may_follow, is_of_refund, may_follow, notifies, reference_of,
};
use domain::call::{Because, Call};
use domain::delivery::{DeliveryId, DeliveryState};
use domain::event::{Event, EventKind};
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::Account;
use domain::method::MethodCode;
use domain::payment::{Authentication, Hold, OpenOrder, Payment, State, Taken, call_reference};
use domain::refund::{RefundFacts, RefundState};
use domain::terminal::{Capture, Mode};
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Clocks of several nodes may differ, and a clock may be set back a little.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

/// The bank is asked at least so long about an order that outlived its payment.
const ORDERS_ARE_WATCHED_FOR: Duration = Duration::from_hours(24);

const OTHER_OWNER: &str = "it says another payment, merchant or terminal than the payment's row";
const OTHER_TIME: &str = "it was made at another time than its event";
const OTHER_STEP: &str = "whether it is tried again does not fit where it stands";

/// Whose each terminal is, and its mode.
pub type Owners = BTreeMap<TerminalNumber, (MerchantId, Mode)>;

/// What became of one history.
#[derive(Debug, Default)]
pub struct Judged {
    /// What does not agree.
    pub findings: Vec<Finding>,
    /// The calls to the bank that it made; none when its rows do not agree enough to tell.
    pub calls: Vec<BankCall>,
    /// Only the bank can say how it goes on.
    pub open: bool,
}

/// How findings name a delivery.
fn delivery_row(id: DeliveryId) -> String {
    let endpoint = id.endpoint.map(|endpoint| format!("/{endpoint}")).unwrap_or_default();
    format!("{}/{}{endpoint}", id.payment, id.sequence)
}

/// What the events say that the books must hold: sequence, account, amount, time.
type Line = (i64, Account, i64, Timestamp);

/// What the events say of a refund.
struct RefundSeen {
    amount_minor: i64,
    requested_at: Timestamp,
    state: RefundState,
}

struct Judge<'a> {
    payment: &'a Payment,
    findings: Vec<Finding>,
    calls: Calls,
    refunds: BTreeMap<i32, RefundSeen>,
    postings: Vec<Line>,
    told: Vec<Timestamp>,
}

/// Judges a payment with all that hangs on it.
pub fn judge(history: &History, owners: &Owners) -> Judged {
    if !history.impossible.is_empty() {
        return Judged { findings: impossible(history), ..Judged::default() };
    }
    let Some(payment) = &history.payment else {
        return Judged { findings: orphans(history), ..Judged::default() };
    };
    let mut judge = Judge {
        payment,
        findings: Vec::new(),
        calls: Calls::default(),
        refunds: BTreeMap::new(),
        postings: Vec::new(),
        told: Vec::new(),
    };
    judge.owner(owners);
    judge.events(&history.events);
    judge.row(&history.events);
    if let (Some(order), None) = (payment.state.open_order(), payment.due_at) {
        judge.calls.leave(&order.our_reference);
    }
    judge.refunds(history);
    judge.postings(history);
    judge.deliveries(&history.deliveries);
    judge.held_card(history);
    let refunding = payment.state.taken().is_some_and(|taken| taken.refunding_minor > 0);
    Judged {
        open: refunding || payment.state.at_the_bank().is_some(),
        calls: judge.calls.into_list(),
        findings: judge.findings,
    }
}

fn impossible(history: &History) -> Vec<Finding> {
    let payment = history.payment.as_ref().map(|payment| payment.id);
    let told = |row: &super::history::ImpossibleRow| Finding {
        payment,
        table: row.table,
        row: row.row.clone(),
        what: format!("{} is impossible; the payment's other rows were not judged", row.column),
    };
    history.impossible.iter().map(told).collect()
}

/// Rows that hang on no payment.
fn orphans(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |payment: PaymentId, table, row: String| {
        let what = format!("there is no payment {payment} that it belongs to");
        findings.push(Finding { payment: Some(payment), table, row, what });
    };
    for event in &history.events {
        add(event.payment, "events", format!("{}/{}", event.payment, event.sequence));
    }
    for refund in &history.refunds {
        add(refund.payment, "refunds", format!("{}/{}", refund.payment, refund.number));
    }
    for posting in &history.postings {
        add(posting.payment, "postings", format!("{}/{}", posting.payment, posting.sequence));
    }
    for delivery in &history.deliveries {
        let id = delivery.id;
        add(id.payment, "deliveries", delivery_row(id));
    }
    if let Some(held) = &history.held {
        add(held.payment, "held_cards", held.payment.to_string());
    }
    findings
}

impl Judge<'_> {
    fn find(&mut self, table: &'static str, row: String, what: String) {
        let payment = Some(self.payment.id);
        self.findings.push(Finding { payment, table, row, what });
    }

    fn of_payment(&mut self, what: impl Into<String>) {
        self.find("payments", self.payment.id.to_string(), what.into());
    }

    fn of_event(&mut self, event: &Event, what: impl Into<String>) {
        let row = format!("{}/{}", self.payment.id, event.sequence);
        self.find("events", row, what.into());
    }

    fn owner(&mut self, owners: &Owners) {
        let payment = self.payment;
        let wrong = match owners.get(&payment.terminal) {
            None => Some(format!("there is no terminal {}", payment.terminal)),
            Some((merchant, _)) if *merchant != payment.merchant => Some(format!(
                "it says merchant {}, and terminal {} is merchant {merchant}'s",
                payment.merchant, payment.terminal
            )),
            Some((_, mode)) if *mode != payment.mode => Some(format!(
                "it says mode {}, and terminal {} is a {} terminal",
                payment.mode.name(),
                payment.terminal,
                mode.name()
            )),
            Some(_) => None,
        };
        if let Some(what) = wrong {
            self.of_payment(what);
        }
        let is_card = matches!(payment.method.code, MethodCode::CreditCard | MethodCode::DebitCard);
        if is_card != payment.method.card.is_some() {
            self.of_payment("its method and its masked card do not belong together");
        }
    }

    fn events(&mut self, events: &[Event]) {
        let mut before: Option<&Event> = None;
        for (event, sequence) in events.iter().zip(1_i64..) {
            if event.sequence != sequence {
                let what = format!("event {sequence} is missing before it");
                self.of_event(event, what);
                // What follows cannot be told from what is missing.
                return;
            }
            self.event(before, event);
            before = Some(event);
        }
    }

    fn event(&mut self, before: Option<&Event>, event: &Event) {
        let payment = self.payment;
        if (event.payment, event.merchant) != (payment.id, payment.merchant) {
            self.of_event(event, "it says another payment or merchant than the payment's row");
        }
        if before.is_some_and(|before| event.at.plus(CLOCKS_DIFFER) < before.at) {
            self.of_event(event, "it is earlier than the event before it");
        }
        let state_before = before.map(|before| &before.state);
        if !may_follow(event.kind, state_before, &event.state) {
            let from = state_before.map_or("nothing", State::name);
            let (kind, to) = (event.kind.name(), event.state.name());
            self.of_event(event, format!("\"{kind}\" cannot lead from {from} to {to}"));
            return;
        }
        if event.refund.is_some() != is_of_refund(event.kind) {
            self.of_event(event, "whether it is about a refund does not fit its kind");
        }
        let wrong = match &event.refund {
            None => self.step(state_before, event),
            Some(refund) => self.refund_step(state_before, event, refund),
        };
        if let Some(wrong) = wrong {
            self.of_event(event, wrong);
        }
        if notifies(event.kind) {
            self.told.push(event.at);
        }
        match (event.kind, &event.state, &event.refund) {
            (EventKind::Decided | EventKind::Captured, State::Approved { taken, .. }, None) => {
                let amount = taken.captured_minor;
                self.book(event, Account::BankReceivable, Account::MerchantPayable, amount);
            }
            (EventKind::Refunded, _, Some(refund)) => {
                let amount = refund.amount_minor;
                self.book(event, Account::Refunds, Account::BankReceivable, amount);
            }
            _ => {}
        }
    }

    /// Debit and credit that an event must have caused.
    fn book(&mut self, event: &Event, debit: Account, credit: Account, amount_minor: i64) {
        self.postings.push((event.sequence, debit, amount_minor, event.at));
        self.postings.push((event.sequence, credit, 0_i64.saturating_sub(amount_minor), event.at));
    }

    /// What is wrong with the facts of a state that may follow.
    fn step(&mut self, before: Option<&State>, event: &Event) -> Option<&'static str> {
        let next = call_reference(self.payment.id, event.sequence);
        let call_before = before.and_then(call_at);
        let call = call_at(&event.state);
        self.calls.follow(self.payment, call_before.as_ref(), before, event, call.as_ref());
        if let Some(after) = &call
            && !call_may_follow(call_before.as_ref(), after, &next, event.at)
        {
            return Some("its call to the bank does not follow from the event before");
        }
        let reference = call_before.as_ref().map(reference_of);
        let right = match (&event.state, before) {
            (State::Waiting { expires_at }, _) => {
                *expires_at > event.at && self.payment.authentication == Authentication::Challenge
            }
            (
                State::Challenged { opened_at, expires_at },
                Some(State::Waiting { expires_at: w }),
            ) => (*opened_at, *expires_at) == (event.at, *w),
            (State::Sending(_) | State::Unknown(_), _) => true,
            (State::Reversing(call), Some(before)) => may_be_undone(before, call.because),
            (State::Presented(new), Some(State::Presented(old))) => {
                new.expires_at == old.expires_at && new.lookups == old.lookups.saturating_add(1)
            }
            (State::Presented(new), _) => new.lookups == 0,
            (State::Expired { at, order }, Some(State::Expired { at: old, order: before }))
            | (State::Cancelled { at, order }, Some(State::Cancelled { at: old, order: before })) => {
                at == old && watched(before.as_ref(), order.as_ref(), event.kind)
            }
            (State::Authorised(hold), Some(before)) => match hold_of(before) {
                Some(held) => held == hold,
                None => {
                    hold.at == event.at
                        && Some(&*hold.our_reference) == reference
                        && self.payment.capture == Capture::Manual
                }
            },
            (State::Capturing { hold, amount_minor, .. }, Some(before)) => {
                let same = if let State::Capturing { amount_minor: asked, .. } = before {
                    asked == amount_minor
                } else {
                    (1..=self.payment.amount.minor()).contains(amount_minor)
                };
                same && hold_of(before) == Some(hold)
            }
            (State::Voiding { hold, call }, Some(before)) => {
                reference_of(call) == hold.our_reference && hold_of(before) == Some(hold)
            }
            (State::Approved { at, taken, .. }, Some(before)) => {
                let superseded = before.open_order().is_some_and(|order| order.superseded);
                !superseded && *at == event.at && *taken == self.taken_from(before, reference)
            }
            (State::Expired { at, order } | State::Cancelled { at, order }, Some(before)) => {
                let expired = matches!(event.state, State::Expired { .. });
                *at == event.at && ends_open(before, order.as_ref(), expired, *at)
            }
            (State::Reversed { at } | State::Declined { at, .. } | State::Failed { at }, _) => {
                *at == event.at
            }
            _ => false,
        };
        (!right).then_some("its facts do not follow from the event before")
    }

    /// What an approval right after this state must say of the money.
    fn taken_from(&self, before: &State, reference: Option<&str>) -> Taken {
        let (our_reference, captured_minor) =
            if let State::Capturing { hold, amount_minor, .. } = before {
                (&*hold.our_reference, *amount_minor)
            } else {
                let whole = match self.payment.capture {
                    Capture::Automatic => self.payment.amount.minor(),
                    Capture::Manual => 0,
                };
                (reference.unwrap_or_default(), whole)
            };
        let our_reference = our_reference.to_owned();
        Taken { our_reference, captured_minor, refunded_minor: 0, refunding_minor: 0, refunds: 0 }
    }

    /// What is wrong with an event about a refund, which may follow by the payment's state.
    fn refund_step(
        &mut self,
        before: Option<&State>,
        event: &Event,
        refund: &RefundFacts,
    ) -> Option<&'static str> {
        let (
            Some(State::Approved { at, bank, taken }),
            State::Approved { at: new_at, bank: new_bank, taken: new },
        ) = (before, &event.state)
        else {
            return Some("nothing was taken that could be refunded");
        };
        let next = call_reference(self.payment.id, event.sequence);
        let amount = refund.amount_minor;
        let seen = self.refunds.get(&refund.number);
        let call_before = seen.and_then(|seen| call_of(&seen.state)).cloned();
        self.calls.follow_refund(self.payment, &taken.our_reference, call_before.as_ref(), refund);
        let mut expected = taken.clone();
        let fits = match (event.kind, seen) {
            (EventKind::Refunding, None) => {
                expected.refunds = expected.refunds.saturating_add(1);
                expected.refunding_minor = expected.refunding_minor.saturating_add(amount);
                refund.number == expected.refunds && amount > 0
            }
            (EventKind::Refunding, Some(_)) | (_, None) => false,
            (kind, Some(seen)) => {
                if call_of(&refund.state).is_none() {
                    expected.refunding_minor = expected.refunding_minor.saturating_sub(amount);
                }
                if kind == EventKind::Refunded {
                    expected.refunded_minor = expected.refunded_minor.saturating_add(amount);
                }
                call_before.is_some() && seen.amount_minor == amount
            }
        };
        let fits = fits && refund_state_fits(event, &refund.state);
        let call_follows = call_of(&refund.state)
            .is_none_or(|after| call_may_follow(call_before.as_ref(), after, &next, event.at));
        let requested_at = seen.map_or(event.at, |seen| seen.requested_at);
        let state = refund.state.clone();
        self.refunds
            .insert(refund.number, RefundSeen { amount_minor: amount, requested_at, state });
        if !fits || !call_follows {
            return Some("what it says of the refund does not follow from the events before");
        }
        let within = new.left_minor() >= 0 && new.captured_minor <= self.payment.amount.minor();
        let right = *new == expected && within && (at, bank) == (new_at, new_bank);
        (!right).then_some("the money taken and given back does not follow from the event before")
    }

    fn row(&mut self, events: &[Event]) {
        let payment = self.payment;
        let Some((first, last)) = events.first().zip(events.last()) else {
            self.of_payment("it has no events");
            return;
        };
        if first.at != payment.created_at {
            self.of_payment("it was created at another time than its first event says");
        }
        if last.sequence != payment.version {
            let (version, events) = (payment.version, last.sequence);
            self.of_payment(format!("it is at version {version}, and its last event is {events}"));
        } else if last.state != payment.state {
            let (row, event) = (payment.state.name(), last.state.name());
            self.of_payment(if row == event {
                format!("it is {row}, with other facts than its last event has")
            } else {
                format!("it is {row}, and its last event says {event}")
            });
        }
        let notices = i64::from(payment.notices);
        let told = i64::try_from(self.told.len()).unwrap_or(i64::MAX);
        if notices != told {
            self.of_payment(format!("it counts {notices} notices, and its events made {told}"));
        }
        let has_step = payment.state.customer_may_act()
            || payment.state.at_the_bank().is_some()
            || payment.state.taken().is_some_and(|taken| taken.refunding_minor > 0);
        // The bank is asked about an order that outlived its payment for a day, then no more.
        if let (Some(_open), Some(ended), None) =
            (payment.state.open_order(), payment.state.decided_at(), payment.due_at)
            && last.at < ended.plus(ORDERS_ARE_WATCHED_FOR)
        {
            self.of_payment("its order may still be paid, and the bank is not asked about it");
        }
        if has_step != payment.due_at.is_some() && payment.state.open_order().is_none() {
            self.of_payment(if has_step {
                "it is not over, and has no time at which it goes on"
            } else {
                "it is over, and has a time at which it goes on"
            });
        }
    }

    fn refunds(&mut self, history: &History) {
        let mut unseen = std::mem::take(&mut self.refunds);
        let (mut given, mut asked) = (0_i64, 0_i64);
        for refund in &history.refunds {
            let row = format!("{}/{}", self.payment.id, refund.number);
            let amount = refund.amount.minor();
            match &refund.state {
                RefundState::Refunded { .. } => given = given.saturating_add(amount),
                RefundState::Pending { .. } => asked = asked.saturating_add(amount),
                RefundState::Declined { .. } | RefundState::Failed { .. } => {}
            }
            let Some(seen) = unseen.remove(&refund.number) else {
                self.find("refunds", row, "no event tells of it".to_owned());
                continue;
            };
            let owner = (refund.payment, refund.merchant);
            let wrong = if owner != (self.payment.id, self.payment.merchant) {
                "it says another payment or merchant than the payment's row"
            } else if amount != seen.amount_minor {
                "its amount is not the one in its events"
            } else if refund.amount.currency() != self.payment.amount.currency() {
                "its currency is not the payment's"
            } else if refund.requested_at != seen.requested_at {
                "it was asked for at another time than its event says"
            } else if refund.state != seen.state {
                "it does not stand as its last event says"
            } else {
                continue;
            };
            self.find("refunds", row, wrong.to_owned());
        }
        for number in unseen.into_keys() {
            let row = format!("{}/{number}", self.payment.id);
            self.find("refunds", row, "events tell of it, and there is no row".to_owned());
        }
        if let Some(taken) = self.payment.state.taken()
            && (taken.refunded_minor, taken.refunding_minor) != (given, asked)
        {
            self.of_payment("what it says was given back is not the sum of its refunds");
        }
    }

    fn postings(&mut self, history: &History) {
        let payment = self.payment;
        let mut sums: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
        let mut expected = std::mem::take(&mut self.postings);
        for posting in &history.postings {
            let row = format!("{}/{}/{}", payment.id, posting.sequence, posting.account.name());
            let key = (posting.sequence, posting.mode.name(), posting.currency.code());
            let sum = sums.entry(key).or_insert(0);
            *sum = sum.saturating_add(posting.amount_minor);
            let line = (posting.sequence, posting.account, posting.amount_minor, posting.at);
            let at = expected.iter().position(|one| (one.0, one.1) == (line.0, line.1));
            let Some(found) = at.map(|at| expected.swap_remove(at)) else {
                self.find("postings", row, "no event causes it".to_owned());
                continue;
            };
            let owner = (posting.payment, posting.merchant, posting.mode, posting.currency);
            let own = (payment.id, payment.merchant, payment.mode, payment.amount.currency());
            if owner != own {
                let what = "it says another payment, merchant, mode or currency than the payment";
                self.find("postings", row, what.to_owned());
            } else if found != line {
                let what =
                    format!("it says {} minor units, and its event means {}", line.2, found.2);
                let what = if found.2 == line.2 {
                    "it has another time than its event".to_owned()
                } else {
                    what
                };
                self.find("postings", row, what);
            }
        }
        for (sequence, account, amount_minor, _) in expected {
            let row = format!("{}/{sequence}/{}", payment.id, account.name());
            let what = format!("its event means {amount_minor} minor units, and it is missing");
            self.find("postings", row, what);
        }
        for ((sequence, mode, currency), sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
            let row = format!("{}/{sequence}", payment.id);
            let what = format!("they sum to {sum} {mode} {currency} and not to zero");
            self.find("postings", row, what);
        }
    }

    fn deliveries(&mut self, deliveries: &[DeliveryFacts]) {
        let payment = self.payment;
        let told = std::mem::take(&mut self.told);
        let mut left = told.iter().zip(1_i32..).peekable();
        let (own, to_endpoints): (Vec<_>, Vec<_>) =
            deliveries.iter().partition(|delivery| delivery.id.endpoint.is_none());
        for delivery in to_endpoints {
            if let Some(wrong) = self.endpoint_delivery(delivery, &told) {
                self.find("deliveries", delivery_row(delivery.id), wrong.to_owned());
            }
        }
        for delivery in own {
            let sequence = delivery.id.sequence;
            while let Some((_, missing)) = left.next_if(|(_, expected)| *expected < sequence) {
                let row = format!("{}/{missing}", payment.id);
                self.find("deliveries", row, "its event was never to be told".to_owned());
            }
            let row = delivery_row(delivery.id);
            let Some((at, _)) = left.next_if(|(_, expected)| *expected == sequence) else {
                self.find("deliveries", row, "no event is told by it".to_owned());
                continue;
            };
            if let Some(wrong) = self.delivery(delivery, *at) {
                self.find("deliveries", row, wrong.to_owned());
            }
        }
        for (_, missing) in left {
            let row = format!("{}/{missing}", payment.id);
            let what = "it is missing: the merchant was not told of this change";
            self.find("deliveries", row, what.to_owned());
        }
    }

    fn delivery(&self, delivery: &DeliveryFacts, at: Timestamp) -> Option<&'static str> {
        let payment = self.payment;
        let owner = (delivery.id.payment, delivery.merchant, delivery.terminal);
        if owner != (payment.id, payment.merchant, payment.terminal) {
            Some(OTHER_OWNER)
        } else if delivery.url != payment.request.webhook_url.as_str() {
            Some("it goes to another address than the payment's webhook_url")
        } else if delivery.created_at != at {
            Some(OTHER_TIME)
        } else if (delivery.state == DeliveryState::Pending) != delivery.next_at.is_some() {
            Some(OTHER_STEP)
        } else if delivery.state != DeliveryState::Pending && delivery.attempts < 1 {
            Some("it is over, and was never tried")
        } else {
            None
        }
    }

    /// What is wrong with a message to an endpoint. Which endpoints subscribed at the time is not
    /// known any more, nor their addresses; below zero it tells of an endpoint, not of an event.
    fn endpoint_delivery(
        &self,
        delivery: &DeliveryFacts,
        told: &[Timestamp],
    ) -> Option<&'static str> {
        let payment = self.payment;
        let owner = (delivery.id.payment, delivery.merchant, delivery.terminal);
        let number = usize::try_from(delivery.id.sequence).ok();
        let at = number.map(|number| number.checked_sub(1).and_then(|place| told.get(place)));
        if owner != (payment.id, payment.merchant, payment.terminal) {
            Some(OTHER_OWNER)
        } else if at == Some(None) {
            Some("no event is told by it")
        } else if at.flatten().is_some_and(|at| delivery.created_at != *at) {
            Some(OTHER_TIME)
        } else if (delivery.state == DeliveryState::Pending) != delivery.next_at.is_some() {
            Some(OTHER_STEP)
        } else if delivery.state == DeliveryState::Delivered && delivery.attempts < 1 {
            Some("it is over, and was never tried")
        } else {
            None
        }
    }

    fn held_card(&mut self, history: &History) {
        let Some(held) = &history.held else { return };
        let payment = self.payment;
        let row = payment.id.to_string();
        if (held.payment, held.merchant) != (payment.id, payment.merchant) {
            let what = "it says another payment or merchant than the payment's row";
            self.find("held_cards", row.clone(), what.to_owned());
        }
        let sent = match &payment.state {
            State::Waiting { .. } | State::Challenged { .. } => false,
            State::Sending(_) | State::Unknown(_) | State::Reversing(_) | State::Presented(_) => {
                true
            }
            State::Authorised(_)
            | State::Capturing { .. }
            | State::Voiding { .. }
            | State::Approved { .. }
            | State::Reversed { .. }
            | State::Declined { .. }
            | State::Expired { .. }
            | State::Cancelled { .. }
            | State::Failed { .. } => {
                let what = "the payment is decided, and its card is still held";
                self.find("held_cards", row, what.to_owned());
                return;
            }
        };
        if sent && held.has_security_code {
            let what = "the payment was sent, and its security code is still held";
            self.find("held_cards", row, what.to_owned());
        }
    }
}

const fn hold_of(state: &State) -> Option<&Hold> {
    match state {
        State::Authorised(hold) | State::Capturing { hold, .. } | State::Voiding { hold, .. } => {
            Some(hold)
        }
        State::Waiting { .. }
        | State::Challenged { .. }
        | State::Sending(_)
        | State::Unknown(_)
        | State::Reversing(_)
        | State::Presented(_)
        | State::Approved { .. }
        | State::Reversed { .. }
        | State::Declined { .. }
        | State::Expired { .. }
        | State::Cancelled { .. }
        | State::Failed { .. } => None,
    }
}

/// Whether an order that outlived its payment may stand so after this event.
fn watched(before: Option<&OpenOrder>, after: Option<&OpenOrder>, kind: EventKind) -> bool {
    match (before, after, kind) {
        (Some(_), None, EventKind::OrderWatched) => true,
        (Some(before), Some(after), EventKind::OrderWatched) => {
            after.lookups == before.lookups.saturating_add(1)
                && after.superseded == before.superseded
        }
        (Some(before), Some(after), EventKind::Superseded) => {
            after.lookups == before.lookups && after.superseded && !before.superseded
        }
        _ => false,
    }
}

/// Whether a payment that ends now, from this state on, may leave this order behind: one that the
/// bank has stays open, unless its customer gave up there.
fn ends_open(before: &State, order: Option<&OpenOrder>, expired: bool, at: Timestamp) -> bool {
    let in_time = !expired
        || before.customer_has_until().is_some_and(|until| at.plus(CLOCKS_DIFFER) >= until);
    let State::Presented(presented) = before else { return in_time && order.is_none() };
    let left = order.map_or(!expired, |order| {
        order.our_reference == presented.our_reference
            && (order.sent_at, order.lookups) == (presented.sent_at, 0)
            && !order.superseded
    });
    in_time && left
}

/// Whether a call about a payment in this state may begin, or go on, to be undone for this reason.
fn may_be_undone(before: &State, because: Because) -> bool {
    let (presented, ended) = (matches!(before, State::Presented(_)), before.open_order().is_some());
    match because {
        Because::WrongAmount => true,
        Because::TooLate => ended || matches!(before, State::Reversing(_)),
        Because::NotFound | Because::StillUnknown => !presented && !ended,
        Because::Voided => false,
    }
}

const fn call_of(state: &RefundState) -> Option<&Call> {
    match state {
        RefundState::Pending { call, .. } => Some(call),
        RefundState::Refunded { .. }
        | RefundState::Declined { .. }
        | RefundState::Failed { .. } => None,
    }
}

/// Whether a refund stands as the kind of its event says.
fn refund_state_fits(event: &Event, state: &RefundState) -> bool {
    match (event.kind, state) {
        (EventKind::Refunding, RefundState::Pending { call, .. }) => {
            matches!(call, Call::Sending(_))
        }
        (EventKind::RefundUnknown, RefundState::Pending { call, .. }) => {
            matches!(call, Call::Sending(_) | Call::Unknown(_))
        }
        (EventKind::RefundReversing, RefundState::Pending { call, .. }) => {
            matches!(call, Call::Reversing(_))
        }
        (EventKind::Refunded, RefundState::Refunded { at, .. })
        | (
            EventKind::RefundRefused,
            RefundState::Declined { at, .. } | RefundState::Failed { at },
        ) => *at == event.at,
        _ => false,
    }
}
