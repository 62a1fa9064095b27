//! Many changesets in one statement: one round trip, one transaction, one wait for the disk.
//!
//! Columns travel as arrays. What hangs on a payment is written only if the payment itself was: its
//! number must be among those that the statement inserted or changed. So each changeset is
//! all-or-nothing without a savepoint, and the statement tells which ones were done.

use super::months::{Month, Months};
use super::rows::{Ready, endpoint_key};
use super::session::Session;
use super::statement::{Kind, Shape};
use domain::delivery::{Attempted, DeliveryState, NewDelivery, NextStep};
use domain::event::Event;
use domain::ledger::{Account, Posting};
use domain::payment::Payment;
use domain::text::{Reference, RefundReason};
use domain::time::Timestamp;
use engine::changeset::{CardChange, PaymentChange, RefundChange, SealedCard};
use engine::error::CommitError;
use std::collections::BTreeSet;
use tokio_postgres::types::ToSql;

/// Which refusal each payment got that was not inserted.
const TAKEN: &str = "SELECT payment_id FROM payment_references WHERE payment_id = ANY ($1)";

#[derive(Default)]
struct Inserts<'a> {
    id: Vec<i64>,
    merchant: Vec<i64>,
    terminal: Vec<i64>,
    mode: Vec<&'static str>,
    reference: Vec<&'a str>,
    attempt: Vec<i32>,
    fingerprint: Vec<&'a [u8]>,
    amount: Vec<i64>,
    currency: Vec<&'a str>,
    method: Vec<&'static str>,
    card_brand: Vec<Option<&'static str>>,
    card_first_six: Vec<Option<&'a str>>,
    card_last_four: Vec<Option<&'a str>>,
    authentication: Vec<&'static str>,
    capture: Vec<&'static str>,
    request: Vec<&'a str>,
    created_at: Vec<i64>,
    state: Vec<&'static str>,
    facts: Vec<&'a str>,
    version: Vec<i64>,
    notices: Vec<i32>,
    due_at: Vec<Option<i64>>,
    details: Vec<Option<&'a str>>,
}

impl<'a> Inserts<'a> {
    fn push(&mut self, payment: &'a Payment, ready: &'a Ready) {
        let card = payment.method.card.as_ref();
        self.id.push(payment.id.stored());
        self.merchant.push(payment.merchant.0);
        self.terminal.push(payment.terminal.0);
        self.mode.push(payment.mode.name());
        self.reference.push(payment.reference.as_str());
        self.attempt.push(payment.attempt);
        self.fingerprint.push(&payment.fingerprint.0);
        self.amount.push(payment.amount.minor());
        self.currency.push(payment.amount.currency().code());
        self.method.push(payment.method.code.code());
        self.card_brand.push(card.map(|card| card.brand.name()));
        self.card_first_six.push(card.map(|card| &*card.first_six));
        self.card_last_four.push(card.map(|card| &*card.last_four));
        self.authentication.push(payment.authentication.name());
        self.capture.push(payment.capture.name());
        self.request.push(&ready.request);
        self.created_at.push(payment.created_at.micros());
        self.state.push(payment.state.name());
        self.facts.push(&ready.payment_facts);
        self.version.push(payment.version);
        self.notices.push(payment.notices);
        self.due_at.push(payment.due_at.map(Timestamp::micros));
        self.details.push(ready.details.as_deref());
    }

    fn reference(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.terminal, &self.reference, &self.attempt, &self.id]
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 23] {
        [
            &self.id,
            &self.merchant,
            &self.terminal,
            &self.mode,
            &self.reference,
            &self.attempt,
            &self.fingerprint,
            &self.amount,
            &self.currency,
            &self.method,
            &self.card_brand,
            &self.card_first_six,
            &self.card_last_four,
            &self.authentication,
            &self.capture,
            &self.request,
            &self.created_at,
            &self.state,
            &self.facts,
            &self.version,
            &self.notices,
            &self.due_at,
            &self.details,
        ]
    }
}

#[derive(Default)]
struct Updates<'a> {
    merchant: Vec<i64>,
    id: Vec<i64>,
    expected: Vec<i64>,
    state: Vec<&'static str>,
    facts: Vec<&'a str>,
    captured: Vec<i64>,
    refunded: Vec<i64>,
    refunding: Vec<i64>,
    version: Vec<i64>,
    notices: Vec<i32>,
    due_at: Vec<Option<i64>>,
    /// A refund that must be there, because it is changed as well.
    changes_refund: Vec<Option<i32>>,
    details: Vec<Option<&'a str>>,
}

impl<'a> Updates<'a> {
    fn push(&mut self, payment: &Payment, expected: i64, ready: &'a Ready) {
        let taken = payment.state.taken().cloned().unwrap_or_default();
        let changes_refund = match &ready.changeset.refund {
            Some(RefundChange::Update(refund)) => Some(refund.number),
            Some(RefundChange::Insert(_)) | None => None,
        };
        self.merchant.push(payment.merchant.0);
        self.id.push(payment.id.stored());
        self.expected.push(expected);
        self.state.push(payment.state.name());
        self.facts.push(&ready.payment_facts);
        self.captured.push(taken.captured_minor);
        self.refunded.push(taken.refunded_minor);
        self.refunding.push(taken.refunding_minor);
        self.version.push(payment.version);
        self.notices.push(payment.notices);
        self.due_at.push(payment.due_at.map(Timestamp::micros));
        self.changes_refund.push(changes_refund);
        self.details.push(ready.details.as_deref());
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 13] {
        [
            &self.merchant,
            &self.id,
            &self.expected,
            &self.state,
            &self.facts,
            &self.captured,
            &self.refunded,
            &self.refunding,
            &self.version,
            &self.notices,
            &self.due_at,
            &self.changes_refund,
            &self.details,
        ]
    }
}

#[derive(Default)]
struct Events<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    sequence: Vec<i64>,
    at: Vec<i64>,
    kind: Vec<&'static str>,
    facts: Vec<&'a str>,
    refund: Vec<Option<&'a str>>,
}

impl<'a> Events<'a> {
    fn push(&mut self, event: &Event, ready: &'a Ready) {
        self.merchant.push(event.merchant.0);
        self.payment.push(event.payment.stored());
        self.sequence.push(event.sequence);
        self.at.push(event.at.micros());
        self.kind.push(event.kind.name());
        self.facts.push(&ready.event_facts);
        self.refund.push(ready.event_refund.as_deref());
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 7] {
        [
            &self.merchant,
            &self.payment,
            &self.sequence,
            &self.at,
            &self.kind,
            &self.facts,
            &self.refund,
        ]
    }
}

#[derive(Default)]
struct Cards<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    number: Vec<&'a [u8]>,
    security_code: Vec<Option<&'a [u8]>>,
    year: Vec<i32>,
    month: Vec<i32>,
    emptied: (Vec<i64>, Vec<i64>),
    dropped: (Vec<i64>, Vec<i64>),
}

impl<'a> Cards<'a> {
    fn push(&mut self, payment: &Payment, change: &'a CardChange) {
        let (merchant, id) = (payment.merchant.0, payment.id.stored());
        match change {
            CardChange::Hold(SealedCard { number, security_code, expiry }) => {
                self.merchant.push(merchant);
                self.payment.push(id);
                self.number.push(number);
                self.security_code.push(security_code.as_deref());
                self.year.push(i32::from(expiry.year));
                self.month.push(i32::from(expiry.month));
            }
            CardChange::DropSecurityCode => {
                self.emptied.0.push(merchant);
                self.emptied.1.push(id);
            }
            CardChange::Drop => {
                self.dropped.0.push(merchant);
                self.dropped.1.push(id);
            }
        }
    }

    fn held(&self) -> [&(dyn ToSql + Sync); 6] {
        let Self { merchant, payment, number, security_code, year, month, .. } = self;
        [merchant, payment, number, security_code, year, month]
    }

    fn emptied_and_dropped(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.emptied.0, &self.emptied.1, &self.dropped.0, &self.dropped.1]
    }
}

#[derive(Default)]
struct Refunds<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    number: Vec<i32>,
    amount: Vec<i64>,
    currency: Vec<&'a str>,
    reference: Vec<Option<&'a str>>,
    reason: Vec<Option<&'a str>>,
    requested_at: Vec<i64>,
    state: Vec<&'static str>,
    facts: Vec<&'a str>,
    settled: Settled<'a>,
}

#[derive(Default)]
struct Settled<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    number: Vec<i32>,
    state: Vec<&'static str>,
    facts: Vec<&'a str>,
}

impl<'a> Refunds<'a> {
    fn push(&mut self, change: &'a RefundChange, facts: &'a str) {
        match change {
            RefundChange::Insert(refund) => {
                self.merchant.push(refund.merchant.0);
                self.payment.push(refund.payment.stored());
                self.number.push(refund.number);
                self.amount.push(refund.amount.minor());
                self.currency.push(refund.amount.currency().code());
                self.reference.push(refund.reference.as_ref().map(Reference::as_str));
                self.reason.push(refund.reason.as_ref().map(RefundReason::as_str));
                self.requested_at.push(refund.requested_at.micros());
                self.state.push(refund.state.name());
                self.facts.push(facts);
            }
            RefundChange::Update(refund) => {
                self.settled.merchant.push(refund.merchant.0);
                self.settled.payment.push(refund.payment.stored());
                self.settled.number.push(refund.number);
                self.settled.state.push(refund.state.name());
                self.settled.facts.push(facts);
            }
        }
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 15] {
        let Settled { merchant, payment, number, state, facts } = &self.settled;
        [
            &self.merchant,
            &self.payment,
            &self.number,
            &self.amount,
            &self.currency,
            &self.reference,
            &self.reason,
            &self.requested_at,
            &self.state,
            &self.facts,
            merchant,
            payment,
            number,
            state,
            facts,
        ]
    }
}

#[derive(Default)]
struct Postings<'a> {
    payment: Vec<i64>,
    merchant: Vec<i64>,
    sequence: Vec<i64>,
    account: Vec<i32>,
    mode: Vec<&'static str>,
    currency: Vec<&'a str>,
    amount: Vec<i64>,
    at: Vec<i64>,
}

impl<'a> Postings<'a> {
    fn push(&mut self, posting: &'a Posting) {
        self.payment.push(posting.payment.stored());
        self.merchant.push(posting.merchant.0);
        self.sequence.push(posting.sequence);
        self.account.push(account_number(posting.account));
        self.mode.push(posting.mode.name());
        self.currency.push(posting.currency.code());
        self.amount.push(posting.amount_minor);
        self.at.push(posting.at.micros());
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 8] {
        [
            &self.payment,
            &self.merchant,
            &self.sequence,
            &self.account,
            &self.mode,
            &self.currency,
            &self.amount,
            &self.at,
        ]
    }
}

/// The number of an account in the chart of accounts.
pub(super) const fn account_number(account: Account) -> i32 {
    match account {
        Account::BankReceivable => 1,
        Account::MerchantPayable => 2,
        Account::Refunds => 3,
        Account::Fees => 4,
    }
}

#[derive(Default)]
struct Deliveries<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    sequence: Vec<i32>,
    endpoint: Vec<i64>,
    terminal: Vec<i64>,
    event_type: Vec<&'static str>,
    url: Vec<&'a str>,
    destination: Vec<i64>,
    content_type: Vec<&'static str>,
    body: Vec<&'a str>,
    created_at: Vec<i64>,
}

impl<'a> Deliveries<'a> {
    fn push(&mut self, delivery: &'a NewDelivery) {
        self.merchant.push(delivery.merchant.0);
        self.payment.push(delivery.id.payment.stored());
        self.sequence.push(delivery.id.sequence);
        self.endpoint.push(endpoint_key(delivery.id.endpoint));
        self.terminal.push(delivery.terminal.0);
        self.event_type.push(delivery.event_type.name());
        self.url.push(delivery.url.as_str());
        self.destination.push(delivery.destination.0);
        self.content_type.push(delivery.content_type);
        self.body.push(&delivery.body);
        self.created_at.push(delivery.created_at.micros());
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.merchant,
            &self.payment,
            &self.sequence,
            &self.endpoint,
            &self.terminal,
            &self.event_type,
            &self.url,
            &self.destination,
            &self.content_type,
            &self.body,
            &self.created_at,
        ]
    }
}

#[derive(Default)]
struct Attempts<'a> {
    merchant: Vec<i64>,
    payment: Vec<i64>,
    sequence: Vec<i32>,
    endpoint: Vec<i64>,
    state: Vec<&'static str>,
    made: Vec<i64>,
    next_at: Vec<Option<i64>>,
    at: Vec<i64>,
    took: Vec<i64>,
    status: Vec<Option<i32>>,
    answer: Vec<Option<&'a str>>,
    error: Vec<Option<&'a str>>,
}

impl<'a> Attempts<'a> {
    fn push(&mut self, attempted: &'a Attempted) {
        let (state, next_at) = match attempted.next {
            NextStep::Delivered => (DeliveryState::Delivered, None),
            NextStep::RetryAt(at) => (DeliveryState::Pending, Some(at.micros())),
            NextStep::Dead => (DeliveryState::Dead, None),
        };
        let attempt = &attempted.attempt;
        self.merchant.push(attempted.merchant.0);
        self.payment.push(attempted.id.payment.stored());
        self.sequence.push(attempted.id.sequence);
        self.endpoint.push(endpoint_key(attempted.id.endpoint));
        self.state.push(state.name());
        self.made.push(i64::from(attempted.attempts));
        self.next_at.push(next_at);
        self.at.push(attempt.at.micros());
        self.took.push(i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX));
        self.status.push(attempt.http_status.map(i32::from));
        self.answer.push(attempt.answer.as_deref());
        self.error.push(attempt.error.as_deref());
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 12] {
        [
            &self.merchant,
            &self.payment,
            &self.sequence,
            &self.endpoint,
            &self.state,
            &self.made,
            &self.next_at,
            &self.at,
            &self.took,
            &self.status,
            &self.answer,
            &self.error,
        ]
    }
}

/// What is next with payments.
#[derive(Default)]
struct NextSteps {
    payment: Vec<i64>,
    due_at: Vec<i64>,
    done: Vec<i64>,
}

impl NextSteps {
    fn push(&mut self, payment: &Payment) {
        let id = payment.id.stored();
        match payment.due_at {
            Some(due_at) => {
                self.payment.push(id);
                self.due_at.push(due_at.micros());
            }
            None => self.done.push(id),
        }
    }

    fn due(&self) -> [&(dyn ToSql + Sync); 2] {
        [&self.payment, &self.due_at]
    }
}

/// The rows of many changesets, by column.
#[derive(Default)]
struct Columns<'a> {
    inserts: Inserts<'a>,
    updates: Updates<'a>,
    events: Events<'a>,
    next_steps: NextSteps,
    cards: Cards<'a>,
    refunds: Refunds<'a>,
    postings: Postings<'a>,
    deliveries: Deliveries<'a>,
    attempts: Attempts<'a>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, ready: &'a Ready) {
        let changeset = &ready.changeset;
        match &changeset.payment {
            Some(PaymentChange::Insert(payment)) => self.inserts.push(payment, ready),
            Some(PaymentChange::Update { payment, expected_version }) => {
                self.updates.push(payment, *expected_version, ready);
            }
            None => {}
        }
        if let Some(payment) = ready.payment() {
            self.next_steps.push(payment);
            if let Some(event) = &changeset.event {
                self.events.push(event, ready);
            }
            if let Some(change) = &changeset.card {
                self.cards.push(payment, change);
            }
            if let Some(change) = &changeset.refund {
                self.refunds.push(change, &ready.refund_facts);
            }
            changeset.postings.iter().for_each(|posting| self.postings.push(posting));
            changeset.deliveries.iter().for_each(|delivery| self.deliveries.push(delivery));
        }
        changeset.attempted.iter().for_each(|attempted| self.attempts.push(attempted));
    }

    fn shape(&self) -> Shape {
        let Self { inserts, updates, cards, refunds, postings, deliveries, attempts, .. } = self;
        let changes_cards = !(cards.emptied.0.is_empty() && cards.dropped.0.is_empty());
        Shape::default()
            .with(Kind::Created, !(inserts.id.is_empty() && cards.payment.is_empty()))
            .with(Kind::Changed, !updates.id.is_empty() || changes_cards)
            .with(
                Kind::Refunds,
                !(refunds.payment.is_empty() && refunds.settled.payment.is_empty()),
            )
            .with(Kind::Told, !(postings.payment.is_empty() && deliveries.payment.is_empty()))
            .with(Kind::Attempted, !attempts.payment.is_empty())
    }

    /// In the order of [`super::statement::words`].
    fn params(&self, shape: Shape) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(100);
        if shape.has(Kind::Created) {
            params.extend(self.inserts.reference());
            params.extend(self.inserts.params());
        }
        if shape.has(Kind::Changed) {
            params.extend(self.updates.params());
        }
        if shape.has_payments() {
            params.extend(self.events.params());
            params.extend(self.next_steps.due());
        }
        if shape.has(Kind::Created) {
            params.extend(self.cards.held());
        }
        if shape.has(Kind::Changed) {
            params.extend(self.cards.emptied_and_dropped());
            params.push(&self.next_steps.done);
        }
        if shape.has(Kind::Refunds) {
            params.extend(self.refunds.params());
        }
        if shape.has(Kind::Told) {
            params.extend(self.postings.params());
            params.extend(self.deliveries.params());
        }
        if shape.has(Kind::Attempted) {
            params.extend(self.attempts.params());
        }
        params
    }
}

/// Rows are locked in the same order by everyone, so that two batches wait for each other in one
/// direction only.
fn in_order<'a>(batch: &[&'a Ready]) -> Vec<&'a Ready> {
    let mut sorted = batch.to_vec();
    sorted.sort_by(|a, b| {
        let key = |ready: &'a Ready| {
            let payment = ready.payment();
            let attempted = ready.changeset.attempted.first().map(|one| one.id);
            let by_reference = payment.map(|one| (one.terminal, one.reference.as_str(), one.id));
            (by_reference, attempted)
        };
        key(a).cmp(&key(b))
    });
    sorted
}

/// What two changesets of one batch must not have in common: each row is changed once in it.
pub(super) fn touched(ready: &Ready) -> impl Iterator<Item = (i64, i32, i64)> {
    let payment = ready.payment().map(|payment| (payment.id.stored(), 0, 0));
    let attempted = ready
        .changeset
        .attempted
        .iter()
        .map(|one| (one.id.payment.stored(), one.id.sequence, endpoint_key(one.id.endpoint)));
    payment.into_iter().chain(attempted)
}

/// Where all rows of a changeset are.
pub(super) fn month(months: &Months, ready: &Ready) -> Month {
    months.of_all(touched(ready).map(|(payment, _sequence, _endpoint)| payment))
}

/// Writes the common rows of all, in one statement: its own transaction, unless one is open.
/// Returns the payments that were inserted or changed. All of them are in this month.
pub(super) async fn write(
    session: &Session,
    month: Month,
    batch: &[&Ready],
) -> Result<BTreeSet<i64>, tokio_postgres::Error> {
    let sorted = in_order(batch);
    let mut columns = Columns::default();
    for ready in sorted {
        columns.push(ready);
    }
    let shape = columns.shape();
    let statement = session.batch(shape, month).await?;
    let rows = session.client().query(&statement, &columns.params(shape)).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The answer to each changeset, when these payments were inserted or changed.
pub(super) async fn replies(
    session: &Session,
    batch: &[&Ready],
    changed: &BTreeSet<i64>,
) -> Result<Vec<Result<(), CommitError>>, tokio_postgres::Error> {
    let refused = |ready: &Ready| {
        ready.payment().map(|payment| payment.id.stored()).filter(|id| !changed.contains(id))
    };
    let inserts: Vec<i64> = batch
        .iter()
        .filter(|ready| matches!(ready.changeset.payment, Some(PaymentChange::Insert(_))))
        .filter_map(|ready| refused(ready))
        .collect();
    let mut taken = BTreeSet::new();
    if !inserts.is_empty() {
        let statement = session.statement(TAKEN).await?;
        for row in session.client().query(&statement, &[&inserts]).await? {
            taken.insert(row.try_get::<_, i64>(0)?);
        }
    }
    let reply = |ready: &&Ready| match (&ready.changeset.payment, refused(ready)) {
        (None, _) | (_, None) => Ok(()),
        (Some(PaymentChange::Update { .. }), Some(_)) => Err(CommitError::Stale("payment")),
        (Some(PaymentChange::Insert(_)), Some(id)) if taken.contains(&id) => {
            Err(CommitError::NumberTaken)
        }
        (Some(PaymentChange::Insert(_)), Some(_)) => Err(CommitError::ReferenceTaken),
    };
    Ok(batch.iter().map(reply).collect())
}
