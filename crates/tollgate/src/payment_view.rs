//! Payments, refunds and open calls as `tollgate payment` shows them: shapes for scripts, and the
//! same as tables for people. Nothing of a card is here but its masked number.

use crate::table::{pairs, table};
use domain::call::{Call, Reversing, Sending, Unknown};
use domain::event::Event;
use domain::money::Money;
use domain::payment::{Payment, State};
use domain::refund::{Refund, RefundState};
use domain::time::Timestamp;
use serde::Serialize;

/// A payment in a list.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    trans_id: String,
    created_at: String,
    ter_no: i64,
    mode: &'static str,
    reference: String,
    amount: String,
    currency: &'static str,
    state: &'static str,
    order_status: &'static str,
    status: &'static str,
}

impl Summary {
    pub(crate) const HEADINGS: [&'static str; 6] =
        ["created", "transID", "terminal", "reference", "amount", "status"];

    pub(crate) fn of(payment: &Payment) -> Self {
        let status = payment.order_status();
        Self {
            trans_id: payment.id.to_string(),
            created_at: payment.created_at.to_rfc3339(),
            ter_no: payment.terminal.0,
            mode: payment.mode.name(),
            reference: payment.reference.as_str().to_owned(),
            amount: payment.amount.to_decimal_text(),
            currency: payment.amount.currency().code(),
            state: payment.state.name(),
            order_status: status.code,
            status: status.text,
        }
    }

    pub(crate) fn row(&self) -> Vec<String> {
        vec![
            self.created_at.clone(),
            self.trans_id.clone(),
            self.ter_no.to_string(),
            self.reference.clone(),
            format!("{} {}", self.amount, self.currency),
            format!("{} ({})", self.status, self.state),
        ]
    }
}

/// A payment with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct ShownPayment {
    #[serde(flatten)]
    summary: Summary,
    merchant: i64,
    attempt: i32,
    response: &'static str,
    method: &'static str,
    card: Option<String>,
    capture: &'static str,
    amount_minor: i64,
    captured_minor: i64,
    refunded_minor: i64,
    refunding_minor: i64,
    left_minor: i64,
    decided_at: Option<String>,
    due_at: Option<String>,
    rrn: Option<String>,
    bank_reference: Option<String>,
    bank_status_code: Option<String>,
    version: i64,
    refunds: Vec<ShownRefund>,
    events: Vec<ShownEvent>,
    #[serde(skip)]
    money: Vec<(String, String)>,
}

/// A refund.
#[derive(Debug, Serialize)]
pub(crate) struct ShownRefund {
    trans_id: String,
    number: i32,
    amount: String,
    currency: &'static str,
    amount_minor: i64,
    state: &'static str,
    reference: Option<String>,
    reason: Option<String>,
    requested_at: String,
    decided_at: Option<String>,
    due_at: Option<String>,
    rrn: Option<String>,
}

/// A line of a payment's history.
#[derive(Debug, Serialize)]
struct ShownEvent {
    sequence: i64,
    at: String,
    kind: &'static str,
    state: &'static str,
    refund: Option<i32>,
    our_reference: Option<String>,
}

impl ShownPayment {
    pub(crate) fn of(payment: &Payment, refunds: &[Refund], events: &[Event]) -> Self {
        let bank = payment.state.bank();
        let taken = payment.state.taken().cloned().unwrap_or_default();
        let currency = payment.amount.currency();
        let shown = |minor: i64| {
            Money::from_minor(minor, currency).map(|money| money.to_string()).unwrap_or_default()
        };
        let left_minor = taken.left_minor();
        let money = [
            ("captured", taken.captured_minor),
            ("refunded", taken.refunded_minor),
            ("being refunded", taken.refunding_minor),
            ("left to refund", left_minor),
        ];
        let money = money.map(|(name, minor)| (name.to_owned(), shown(minor)));
        Self {
            summary: Summary::of(payment),
            merchant: payment.merchant.0,
            attempt: payment.attempt,
            response: payment.response(),
            method: payment.method.code.code(),
            card: payment.method.card.as_ref().map(domain::card::MaskedCard::to_page_text),
            capture: payment.capture.name(),
            amount_minor: payment.amount.minor(),
            captured_minor: taken.captured_minor,
            refunded_minor: taken.refunded_minor,
            refunding_minor: taken.refunding_minor,
            left_minor,
            decided_at: payment.state.decided_at().map(Timestamp::to_rfc3339),
            due_at: payment.due_at.map(Timestamp::to_rfc3339),
            rrn: bank.and_then(|bank| bank.rrn.clone()),
            bank_reference: bank.and_then(|bank| bank.bank_reference.clone()),
            bank_status_code: bank.and_then(|bank| bank.status_code.clone()),
            version: payment.version,
            refunds: refunds.iter().map(ShownRefund::of).collect(),
            events: events.iter().map(ShownEvent::of).collect(),
            money: if payment.state.taken().is_some() { money.to_vec() } else { Vec::new() },
        }
    }

    /// For people: facts, refunds, history.
    pub(crate) fn text(&self) -> String {
        let one = &self.summary;
        let none = || "-".to_owned();
        let mut facts = vec![
            ("transID".to_owned(), one.trans_id.clone()),
            ("status".to_owned(), format!("{} {} ({})", one.order_status, one.status, one.state)),
            ("response".to_owned(), self.response.to_owned()),
            ("amount".to_owned(), format!("{} {}", one.amount, one.currency)),
        ];
        facts.extend(self.money.iter().cloned());
        facts.extend([
            ("reference".to_owned(), format!("{} (attempt {})", one.reference, self.attempt)),
            (
                "terminal".to_owned(),
                format!("{} ({}), merchant {}", one.ter_no, one.mode, self.merchant),
            ),
            (
                "method".to_owned(),
                format!("{} {}", self.method, self.card.clone().unwrap_or_default()),
            ),
            ("capture".to_owned(), self.capture.to_owned()),
            ("created".to_owned(), one.created_at.clone()),
            ("decided".to_owned(), self.decided_at.clone().unwrap_or_else(none)),
            ("next look".to_owned(), self.due_at.clone().unwrap_or_else(none)),
            ("rrn".to_owned(), self.rrn.clone().unwrap_or_else(none)),
        ]);
        let mut text = pairs(&facts);
        if !self.refunds.is_empty() {
            let rows: Vec<Vec<String>> = self.refunds.iter().map(ShownRefund::row).collect();
            text.push('\n');
            text.push_str(&table(&["refund", "amount", "state", "asked", "reference"], &rows));
        }
        let rows: Vec<Vec<String>> = self.events.iter().map(ShownEvent::row).collect();
        text.push('\n');
        text.push_str(&table(&["event", "at", "what", "state", "our reference"], &rows));
        text
    }
}

impl ShownRefund {
    pub(crate) fn of(refund: &Refund) -> Self {
        let (decided_at, rrn) = match &refund.state {
            RefundState::Pending { .. } => (None, None),
            RefundState::Refunded { at, bank } | RefundState::Declined { at, bank, .. } => {
                (Some(*at), bank.rrn.clone())
            }
            RefundState::Failed { at } => (Some(*at), None),
        };
        Self {
            trans_id: refund.payment.to_string(),
            number: refund.number,
            amount: refund.amount.to_decimal_text(),
            currency: refund.amount.currency().code(),
            amount_minor: refund.amount.minor(),
            state: refund.state.name(),
            reference: refund.reference.as_ref().map(ToString::to_string),
            reason: refund.reason.as_ref().map(ToString::to_string),
            requested_at: refund.requested_at.to_rfc3339(),
            decided_at: decided_at.map(Timestamp::to_rfc3339),
            due_at: refund.state.due_at().map(Timestamp::to_rfc3339),
            rrn,
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            format!("{} {}", self.amount, self.currency),
            self.state.to_owned(),
            self.requested_at.clone(),
            self.reference.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }

    /// Names and values for people.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let none = || "-".to_owned();
        [
            ("transID", self.trans_id.clone()),
            ("refund", self.number.to_string()),
            ("amount", format!("{} {}", self.amount, self.currency)),
            ("state", self.state.to_owned()),
            ("reference", self.reference.clone().unwrap_or_else(none)),
            ("asked", self.requested_at.clone()),
            ("decided", self.decided_at.clone().unwrap_or_else(none)),
            ("rrn", self.rrn.clone().unwrap_or_else(none)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl ShownEvent {
    fn of(event: &Event) -> Self {
        let call = match event.refund.as_ref().map(|refund| &refund.state) {
            Some(RefundState::Pending { call, .. }) => Some(call.clone()),
            Some(
                RefundState::Refunded { .. }
                | RefundState::Declined { .. }
                | RefundState::Failed { .. },
            ) => None,
            None => event.state.at_the_bank(),
        };
        Self {
            sequence: event.sequence,
            at: event.at.to_rfc3339(),
            kind: event.kind.name(),
            state: event.state.name(),
            refund: event.refund.as_ref().map(|refund| refund.number),
            our_reference: call.map(|call| our_reference(&call).to_owned()),
        }
    }

    fn row(&self) -> Vec<String> {
        let what = match self.refund {
            Some(number) => format!("{} ({number})", self.kind),
            None => self.kind.to_owned(),
        };
        vec![
            self.sequence.to_string(),
            self.at.clone(),
            what,
            self.state.to_owned(),
            self.our_reference.clone().unwrap_or_default(),
        ]
    }
}

fn our_reference(call: &Call) -> &str {
    match call {
        Call::Sending(Sending { our_reference, .. })
        | Call::Unknown(Unknown { our_reference, .. })
        | Call::Reversing(Reversing { our_reference, .. }) => our_reference,
    }
}

/// A call that only the bank can end.
#[derive(Debug, Serialize)]
pub(crate) struct Open {
    trans_id: String,
    /// `authorisation`, `capture`, `void` or `refund`.
    call: &'static str,
    refund: Option<i32>,
    amount: String,
    currency: &'static str,
    /// `sending`, `unknown` or `reversing`.
    stage: &'static str,
    our_reference: String,
    pub(crate) sent_at: String,
    pub(crate) age_seconds: u64,
    times_asked: u32,
    /// What the gateway does next.
    next: &'static str,
    next_at: Option<String>,
    /// Older than half an hour: the bank has to be asked by other means.
    pub(crate) needs_operator: bool,
}

impl Open {
    pub(crate) const HEADINGS: [&'static str; 8] =
        ["transID", "call", "amount", "stage", "age", "next", "next at", "needs you"];

    /// The call about the payment itself, when there is one.
    pub(crate) fn of_payment(payment: &Payment, now: Timestamp) -> Option<Self> {
        let call = payment.state.at_the_bank()?;
        let (kind, amount) = match &payment.state {
            State::Capturing { amount_minor, .. } => {
                let amount = Money::from_minor(*amount_minor, payment.amount.currency());
                ("capture", amount.unwrap_or(payment.amount))
            }
            State::Voiding { .. } => ("void", payment.amount),
            State::Sending(_)
            | State::Unknown(_)
            | State::Reversing(_)
            | State::Waiting { .. }
            | State::Challenged { .. }
            | State::Presented(_)
            | State::Authorised(_)
            | State::Approved { .. }
            | State::Reversed { .. }
            | State::Declined { .. }
            | State::Expired { .. }
            | State::Cancelled { .. }
            | State::Failed { .. } => ("authorisation", payment.amount),
        };
        let open = Self::new(payment.id.to_string(), kind, amount, &call, now);
        Some(Self {
            next_at: payment.due_at.map(Timestamp::to_rfc3339),
            needs_operator: payment.state.needs_an_operator(now),
            ..open
        })
    }

    /// The refund's call, while it waits.
    pub(crate) fn of_refund(refund: &Refund, now: Timestamp) -> Option<Self> {
        let RefundState::Pending { call, due_at } = &refund.state else { return None };
        let open = Self::new(refund.payment.to_string(), "refund", refund.amount, call, now);
        Some(Self {
            refund: Some(refund.number),
            next_at: Some(due_at.to_rfc3339()),
            needs_operator: refund.needs_an_operator(now),
            ..open
        })
    }

    fn new(
        trans_id: String,
        kind: &'static str,
        amount: Money,
        call: &Call,
        now: Timestamp,
    ) -> Self {
        let (stage, next, times_asked) = match call {
            Call::Sending(_) => ("sending", "waits for the answer, then asks the bank", 0),
            Call::Unknown(unknown) => ("unknown", "asks the bank", unknown.lookups),
            Call::Reversing(reversing) => ("reversing", "repeats the reversal", reversing.tries),
        };
        Self {
            trans_id,
            call: kind,
            refund: None,
            amount: amount.to_decimal_text(),
            currency: amount.currency().code(),
            stage,
            our_reference: our_reference(call).to_owned(),
            sent_at: call.sent_at().to_rfc3339(),
            age_seconds: now.since(call.sent_at()).as_secs(),
            times_asked,
            next,
            next_at: None,
            needs_operator: false,
        }
    }

    pub(crate) fn row(&self) -> Vec<String> {
        let call = match self.refund {
            Some(number) => format!("refund {number}"),
            None => self.call.to_owned(),
        };
        vec![
            self.trans_id.clone(),
            call,
            format!("{} {}", self.amount, self.currency),
            self.stage.to_owned(),
            age(self.age_seconds),
            self.next.to_owned(),
            self.next_at.clone().unwrap_or_else(|| "-".to_owned()),
            if self.needs_operator { "yes".to_owned() } else { "no".to_owned() },
        ]
    }
}

/// `42 s`, `35 min`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn age(seconds: u64) -> String {
    let whole = |size: u64| seconds.checked_div(size).unwrap_or(0);
    let rest = |size: u64, of: u64| whole(size).checked_rem(of).unwrap_or(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", whole(60)),
        3_600..86_400 => format!("{} h {} min", whole(3_600), rest(60, 60)),
        86_400.. => format!("{} d {} h", whole(86_400), rest(3_600, 24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::call::Word;
    use domain::outcome::{BankFacts, Outcome};
    use domain::payment::Taken;
    use domain::refund::RefundRequest;
    use std::time::Duration;

    const HALF_AN_HOUR: Duration = Duration::from_mins(30);

    #[test]
    fn a_call_older_than_half_an_hour_needs_an_operator() {
        let sent_at = testkit::fixture::now();
        let waiting = testkit::fixture::payment(1, "order");
        assert!(Open::of_payment(&waiting, sent_at.plus(HALF_AN_HOUR)).is_none());
        let sending = waiting.begin_sending(sent_at).unwrap().payment;
        let young = Open::of_payment(&sending, sent_at.plus(Duration::from_secs(1_799))).unwrap();
        assert_eq!(
            (young.call, young.stage, young.needs_operator),
            ("authorisation", "sending", false)
        );
        let lost = Word::Outcome(Outcome::Unknown("reset".to_owned()));
        let unknown = sending.record(lost, testkit::fixture::rules(), sent_at).unwrap().payment;
        let old = Open::of_payment(&unknown, sent_at.plus(HALF_AN_HOUR)).unwrap();
        assert_eq!((old.stage, old.next, old.needs_operator), ("unknown", "asks the bank", true));
        assert_eq!((old.row()[4].as_str(), old.row()[7].as_str()), ("30 min", "yes"));
        assert!(old.next_at.is_some());
    }

    #[test]
    fn a_refund_stands_on_the_list_beside_its_payment() {
        let now = testkit::fixture::now();
        let taken = Taken::whole("x".to_owned(), 1111);
        let state = State::Approved { at: now, bank: BankFacts::default(), taken };
        let paid = Payment { state, due_at: None, ..testkit::fixture::payment(1, "order") };
        let amount = testkit::fixture::usd("1.00");
        let request = RefundRequest { amount, reference: None, reason: None };
        let asked = paid.request_refund(&[], request, HALF_AN_HOUR, now).unwrap();
        assert!(Open::of_payment(&asked.changed.payment, now).is_none());
        let open = Open::of_refund(&asked.refund, now.plus(HALF_AN_HOUR)).unwrap();
        assert_eq!((open.refund, open.call, open.needs_operator), (Some(1), "refund", true));
        assert_eq!(open.row()[1..4], ["refund 1", "1.00 USD", "sending"]);
    }

    #[test]
    fn ages_have_two_units_at_most() {
        let told = [5, 60, 1_800, 7_500, 273_600].map(age);
        assert_eq!(told, ["5 s", "1 min", "30 min", "2 h 5 min", "3 d 4 h"]);
    }
}
