//! A store in memory for tests. It keeps the contract of the real ones (the same conformance
//! suite), and a journal of all it committed, in an order that others can count on too.

pub use crate::memory_deliveries::DeliveryRow;
use crate::memory_deliveries::due;
use crate::memory_gate::Gate;
use async_trait::async_trait;
use domain::api_call::ApiCall;
use domain::bank_message::{BankMessage, Heard, KeptMessage, MessageKey};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery, NewDelivery,
};
use domain::event::Event;
use domain::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{self, Account, Balance, Posting};
use domain::merchant::Merchant;
use domain::money::Currency;
use domain::payment::{Payment, State};
use domain::refund::Refund;
use domain::terminal::Mode;
use domain::text::Reference;
use domain::time::Timestamp;
use domain::user::{Note, Session, User, UserId};
use engine::actor::Scope;
use engine::changeset::{
    AuditLine, BankMessageChange, CardChange, Changeset, IdempotencyChange, PaymentChange,
    RefundChange, SealedCard, StoredAnswer, StoredEndpoint, StoredTerminal, TerminalChange,
};
use engine::error::{CommitError, KeyInUse, StoreError};
use engine::ports::{DueDestinations, MessagePlace, MessagesAsked, PaymentsAsked, Store};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts what happens, so that things in different places can be put in order.
#[derive(Debug, Default)]
pub struct Order(AtomicU64);

impl Order {
    /// The next number.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A payment changeset that was committed.
#[derive(Clone, Debug)]
pub struct Committed {
    /// When, among all that happened.
    pub order: u64,
    /// The command.
    pub name: &'static str,
    /// The payment as it stood afterwards.
    pub payment: Payment,
    /// Whether it was inserted.
    pub inserted: bool,
    /// Its event.
    pub event: Option<Event>,
    /// The refund that was written.
    pub refund: Option<Refund>,
    /// The books' lines.
    pub postings: Vec<Posting>,
    /// The messages.
    pub deliveries: Vec<NewDelivery>,
    /// Whether a security code was held afterwards.
    pub holds_security_code: bool,
}

/// A bank's message and what became of it.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// As it came first.
    pub message: BankMessage,
    /// How often it came.
    pub times_seen: u32,
    /// The body of the last other message under its id.
    pub other_body: Option<String>,
    /// When it was handled, and what became of it.
    pub handled: Option<(Timestamp, Heard)>,
}

impl MessageRow {
    fn kept(&self) -> KeptMessage {
        KeptMessage {
            key: self.message.key.clone(),
            received_at: self.message.received_at,
            our_reference: self.message.our_reference.clone(),
            body: self.message.body.as_str().to_owned(),
            times_seen: self.times_seen,
            other_body: self.other_body.clone(),
            handled: self.handled,
        }
    }
}

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Payments by number.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Their numbers in the order they came.
    pub places: Vec<PaymentId>,
    /// Events of each payment, as they came.
    pub events: BTreeMap<PaymentId, Vec<Event>>,
    /// Sealed cards.
    pub held_cards: BTreeMap<PaymentId, SealedCard>,
    /// Refunds of each payment.
    pub refunds: BTreeMap<PaymentId, Vec<Refund>>,
    /// The books.
    pub postings: Vec<Posting>,
    /// Messages.
    pub deliveries: BTreeMap<DeliveryId, DeliveryRow>,
    /// All commits of payments.
    pub journal: Vec<Committed>,
    /// The audit log.
    pub audit: Vec<AuditLine>,
    /// Endpoints by number.
    pub endpoints: BTreeMap<EndpointNumber, StoredEndpoint>,
    /// Messages of banks.
    pub bank_messages: BTreeMap<MessageKey, MessageRow>,
    pub(crate) claims: BTreeMap<DeliveryId, Timestamp>,
    payment_claims: BTreeMap<PaymentId, Timestamp>,
    keys: BTreeMap<(TerminalNumber, String), Key>,
    pub(crate) tokens: BTreeMap<[u8; 32], domain::api_token::ApiToken>,
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) sessions: BTreeMap<[u8; 32], Session>,
    pub(crate) tries: BTreeMap<[u8; 32], (u32, Timestamp)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) calls: Vec<ApiCall>,
    pub(crate) merchants: BTreeMap<MerchantId, Merchant>,
    terminals: BTreeMap<TerminalNumber, StoredTerminal>,
}

#[derive(Clone, Debug)]
struct Key {
    request: [u8; 32],
    began_at: Timestamp,
    answer: Option<StoredAnswer>,
}

/// A balance: its currency, its amount in minor units, of how many postings.
type Sum = (Currency, i64, u64);

/// The store.
#[derive(Debug, Default)]
pub struct MemoryStore {
    order: Arc<Order>,
    /// Whether claimed payments are kept from others, as where many nodes share a database.
    leases: bool,
    /// Where commits wait, if they do.
    gate: Option<Arc<Gate>>,
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// A store whose journal counts with others. `leases`: a claimed payment is kept from others
    /// for a while, as where many nodes share a database; else nothing is claimed.
    pub fn with_order(order: Arc<Order>, leases: bool) -> Self {
        Self { order, leases, gate: None, tables: Mutex::default() }
    }

    /// A store whose commits wait at a gate.
    pub fn behind(gate: Arc<Gate>) -> Self {
        Self { gate: Some(gate), ..Self::default() }
    }

    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything as it stands, for who judges it.
    pub fn contents(&self) -> Tables {
        self.tables().clone()
    }

    /// When background work has something to do next.
    pub fn earliest_due(&self) -> Option<Timestamp> {
        let tables = self.tables();
        let payments = tables.payments.values().filter_map(|payment| {
            let at = payment.due_at?;
            Some(tables.payment_claims.get(&payment.id).map_or(at, |until| at.max(*until)))
        });
        let deliveries = tables.deliveries.iter().filter_map(|(id, row)| {
            let at = due(&row.next)?;
            Some(tables.claims.get(id).map_or(at, |until| at.max(*until)))
        });
        payments.chain(deliveries).min()
    }

    /// Commits all of it or nothing, at once.
    pub fn apply(&self, changeset: Changeset) -> Result<(), CommitError> {
        let mut tables = self.tables();
        let finished: Vec<DeliveryId> = changeset.attempted.iter().map(|one| one.id).collect();
        let result = tables.check(&changeset).map(|()| tables.write(changeset, &self.order));
        for id in finished {
            tables.claims.remove(&id);
        }
        result
    }

    /// A write that is known by now to have happened at this version.
    pub fn version(&self, id: PaymentId) -> Option<i64> {
        self.tables().payments.get(&id).map(|payment| payment.version)
    }
}

impl Tables {
    /// Why the changeset is refused, before any of it is written.
    fn check(&self, changeset: &Changeset) -> Result<(), CommitError> {
        match &changeset.payment {
            Some(PaymentChange::Insert(payment)) => self.check_insert(payment)?,
            Some(PaymentChange::Update { payment, expected_version }) => {
                let stored = self.payments.get(&payment.id).map(|stored| stored.version);
                if stored != Some(*expected_version) {
                    return Err(CommitError::Stale("payment"));
                }
            }
            None => {}
        }
        if let Some(RefundChange::Update(refund)) = &changeset.refund {
            let of_payment = self.refunds.get(&refund.payment);
            if !of_payment.is_some_and(|all| all.iter().any(|one| one.number == refund.number)) {
                return Err(CommitError::Stale("refund"));
            }
        }
        if !ledger::balanced(&changeset.postings) {
            return Err(CommitError::Unbalanced);
        }
        if let Some(change) = &changeset.idempotency {
            self.check_key(change)?;
        }
        if changeset.merchant.as_ref().is_some_and(|one| self.merchants.contains_key(&one.id)) {
            return Err(CommitError::Exists("merchant"));
        }
        if let Some(change) = &changeset.endpoint {
            self.check_endpoint(change)?;
        }
        if let Some(BankMessageChange::Receive(message)) = &changeset.bank_message
            && let Some(row) = self.bank_messages.get(&message.key)
            && row.message.digest != message.digest
        {
            return Err(CommitError::Exists("bank's message"));
        }
        for change in &changeset.desk {
            self.check_desk(change)?;
        }
        changeset.terminal.as_ref().map_or(Ok(()), |change| self.check_terminal(change))
    }

    fn check_insert(&self, payment: &Payment) -> Result<(), CommitError> {
        if self.payments.contains_key(&payment.id) {
            return Err(CommitError::NumberTaken);
        }
        let taken = self.payments.values().any(|other| {
            other.terminal == payment.terminal
                && other.reference == payment.reference
                && other.attempt == payment.attempt
        });
        if taken { Err(CommitError::ReferenceTaken) } else { Ok(()) }
    }

    fn check_key(&self, change: &IdempotencyChange) -> Result<(), CommitError> {
        let IdempotencyChange::Begin { terminal, key, request, abandoned_before, .. } = change
        else {
            return Ok(());
        };
        let Some(used) = self.keys.get(&(*terminal, key.clone())) else { return Ok(()) };
        let abandoned = used.began_at < *abandoned_before;
        if used.answer.is_none() && abandoned && used.request == *request {
            return Ok(());
        }
        Err(CommitError::KeyInUse(KeyInUse { request: used.request, answer: used.answer.clone() }))
    }

    fn check_terminal(&self, change: &TerminalChange) -> Result<(), CommitError> {
        let terminal = &change.terminal;
        let stored = self.terminals.get(&terminal.number).map(|stored| stored.version);
        if stored != change.expected_version {
            return Err(match change.expected_version {
                None => CommitError::Exists("terminal"),
                Some(_) => CommitError::Stale("terminal"),
            });
        }
        let taken = self.terminals.values().any(|other| {
            other.number != terminal.number
                && terminal.public_keys.iter().any(|key| other.public_keys.contains(key))
        });
        if taken { Err(CommitError::Exists("public key")) } else { Ok(()) }
    }

    /// Writes what was checked.
    fn write(&mut self, changeset: Changeset, order: &Order) {
        for delivery in &changeset.deliveries {
            self.insert_delivery(delivery);
        }
        for attempted in &changeset.attempted {
            self.record_attempt(attempted);
        }
        if let Some(resend) = &changeset.resend {
            self.resend(resend);
        }
        if let Some(change) = changeset.endpoint {
            self.write_endpoint(change);
        }
        if let Some(health) = changeset.endpoint_health {
            self.note_health(health);
        }
        if let Some(change) = changeset.idempotency {
            self.change_key(change);
        }
        if let Some(merchant) = changeset.merchant {
            self.merchants.insert(merchant.id, merchant);
        }
        if let Some(change) = changeset.terminal {
            self.terminals.insert(change.terminal.number, change.terminal);
        }
        if let Some(change) = changeset.bank_message {
            self.change_bank_message(change);
        }
        for change in changeset.desk {
            self.change_desk(change);
        }
        self.audit.extend(changeset.audit);
        let (payment, inserted) = match changeset.payment {
            Some(PaymentChange::Insert(payment)) => (*payment, true),
            Some(PaymentChange::Update { payment, .. }) => (*payment, false),
            None => return,
        };
        let id = payment.id;
        if inserted {
            self.places.push(id);
        }
        self.payments.insert(id, payment.clone());
        if let Some(event) = &changeset.event {
            self.events.entry(id).or_default().push(event.clone());
        }
        if let Some(change) = changeset.card {
            self.change_card(id, change);
        }
        let refund = changeset.refund.map(|change| self.write_refund(change));
        self.postings.extend(&changeset.postings);
        let holds_security_code =
            self.held_cards.get(&id).is_some_and(|card| card.security_code.is_some());
        self.journal.push(Committed {
            order: order.next(),
            name: changeset.name,
            payment,
            inserted,
            event: changeset.event,
            refund,
            postings: changeset.postings,
            deliveries: changeset.deliveries,
            holds_security_code,
        });
    }

    fn change_bank_message(&mut self, change: BankMessageChange) {
        match change {
            BankMessageChange::Receive(message) => {
                let row = self.bank_messages.entry(message.key.clone()).or_insert(MessageRow {
                    message,
                    times_seen: 0,
                    other_body: None,
                    handled: None,
                });
                row.times_seen += 1;
            }
            BankMessageChange::Contradict { key, other_body } => {
                if let Some(row) = self.bank_messages.get_mut(&key) {
                    row.times_seen += 1;
                    row.other_body = Some(other_body.as_str().to_owned());
                }
            }
            BankMessageChange::Handle { key, at, heard } => {
                if let Some(row) = self.bank_messages.get_mut(&key) {
                    row.handled.get_or_insert((at, heard));
                }
            }
            BankMessageChange::Forget { before } => {
                let stays =
                    |row: &MessageRow| row.handled.is_none() || row.message.received_at >= before;
                self.bank_messages.retain(|_key, row| stays(row));
            }
        }
    }

    fn change_card(&mut self, id: PaymentId, change: CardChange) {
        match change {
            CardChange::Hold(card) => {
                self.held_cards.insert(id, card);
            }
            CardChange::DropSecurityCode => {
                if let Some(card) = self.held_cards.get_mut(&id) {
                    card.security_code = None;
                }
            }
            CardChange::Drop => {
                self.held_cards.remove(&id);
            }
        }
    }

    fn write_refund(&mut self, change: RefundChange) -> Refund {
        match change {
            RefundChange::Insert(refund) => {
                self.refunds.entry(refund.payment).or_default().push((*refund).clone());
                *refund
            }
            RefundChange::Update(refund) => {
                let all = self.refunds.entry(refund.payment).or_default();
                if let Some(stored) = all.iter_mut().find(|one| one.number == refund.number) {
                    stored.state = refund.state.clone();
                }
                *refund
            }
        }
    }

    fn change_key(&mut self, change: IdempotencyChange) {
        match change {
            IdempotencyChange::Begin { terminal, key, request, at, .. } => {
                self.keys.insert((terminal, key), Key { request, began_at: at, answer: None });
            }
            IdempotencyChange::Finish { terminal, key, answer } => {
                if let Some(used) = self.keys.get_mut(&(terminal, key)) {
                    used.answer.get_or_insert(answer);
                }
            }
            IdempotencyChange::Forget { terminal, key } => {
                let place = (terminal, key);
                if self.keys.get(&place).is_some_and(|used| used.answer.is_none()) {
                    self.keys.remove(&place);
                }
            }
        }
    }

    /// What a reader sees of a terminal: its merchant's name with it.
    fn seen(&self, terminal: &StoredTerminal) -> Option<StoredTerminal> {
        let merchant = self.merchants.get(&terminal.merchant)?;
        Some(StoredTerminal {
            merchant_name: merchant.name.clone(),
            merchant_active: merchant.active,
            ..terminal.clone()
        })
    }

    fn in_place(&self, wanted: impl Fn(&Payment) -> bool, limit: u32) -> Vec<Payment> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let all = self.places.iter().filter_map(|id| self.payments.get(id));
        all.filter(|payment| wanted(payment)).take(limit).cloned().collect()
    }

    fn due_first(&self, now: Timestamp, limit: u32) -> Vec<Payment> {
        let free = |one: &Payment| self.payment_claims.get(&one.id).is_none_or(|at| *at <= now);
        let is_due = |one: &Payment| one.due_at.is_some_and(|at| at <= now);
        let mut due = self.in_place(|one| is_due(one) && free(one), u32::MAX);
        due.sort_by_key(|payment| payment.due_at);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        due
    }

    /// What the accounts hold, as far as the scope may see.
    pub fn balances(&self, scope: Scope) -> Vec<Balance> {
        // Who holds one payment's number sees no sums.
        let wanted = |merchant| scope != Scope::Holder && scope.allows(merchant);
        let mut sums: BTreeMap<(MerchantId, Mode, &str, Account), Sum> = BTreeMap::new();
        for posting in self.postings.iter().filter(|posting| wanted(posting.merchant)) {
            let code = posting.currency.code();
            let key = (posting.merchant, posting.mode, code, posting.account);
            let sum = sums.entry(key).or_insert((posting.currency, 0, 0));
            sum.1 += posting.amount_minor;
            sum.2 += 1;
        }
        let balance = |((merchant, mode, _code, account), (currency, amount_minor, postings))| {
            Balance { merchant, mode, currency, account, amount_minor, postings }
        };
        sums.into_iter().map(balance).collect()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, changeset: Changeset) -> Result<(), CommitError> {
        if let Some(gate) = &self.gate {
            gate.pass(changeset.makes_payment()).await;
        }
        self.apply(changeset)
    }

    fn admits_new_payments(&self) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate.has_room())
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let payment = self.tables().payments.get(&id).cloned();
        Ok(payment.filter(|payment| scope.allows(payment.merchant)))
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        let same = |one: &Payment| one.terminal == terminal && one.reference == *reference;
        let mut attempts = self.tables().in_place(same, u32::MAX);
        attempts.sort_by_key(|payment| payment.attempt);
        Ok(attempts)
    }

    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        Ok(self.tables().held_cards.get(&id).cloned())
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        Ok(self.tables().refunds.get(&payment).cloned().unwrap_or_default())
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError> {
        Ok(self.tables().events.get(&payment).cloned().unwrap_or_default())
    }

    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        if scope == Scope::Holder {
            return Ok(Vec::new());
        }
        let PaymentsAsked { filter, before, limit } = asked;
        let wanted = |one: &Payment| {
            scope.allows(one.merchant)
                && filter.lets_through(one)
                && before.is_none_or(|before| one.id < before)
        };
        let mut all = self.tables().in_place(wanted, u32::MAX);
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError> {
        Ok(self.tables().balances(scope))
    }

    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let there = |one: &Payment| one.due_at.is_some() && !one.state.customer_may_act();
        Ok(self.tables().in_place(there, limit))
    }

    async fn claim_payments(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let mut tables = self.tables();
        let due = tables.due_first(now, limit);
        if self.leases {
            let until = now.plus(lease);
            tables.payment_claims.extend(due.iter().map(|payment| (payment.id, until)));
        }
        Ok(due)
    }

    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        Ok(self.tables().in_place(|one| matches!(one.state, State::Sending(_)), limit))
    }

    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError> {
        Ok(self.tables().due_destinations(after, now, limit))
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        Ok(self.tables().claim(now, now.plus(lease), wanted))
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let found = self.tables().delivery_records(&filter);
        Ok(DeliveryRecord::page(found, after, limit))
    }

    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let terminal = Some(terminal);
        let filter = DeliveryFilter { terminal, from: Some(from), ..DeliveryFilter::default() };
        let found = self.tables().delivery_records(&filter);
        Ok(DeliveryRecord::page_upwards(found, after, limit))
    }

    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError> {
        let found = self.tables().delivery_records(&filter).len();
        Ok(u64::try_from(found).unwrap_or(u64::MAX))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        Ok(self.tables().delivery_detail(id))
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        Ok(self.tables().backlog(now))
    }

    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        Ok(self.tables().endpoints_in(scope))
    }

    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        Ok(self.tables().endpoints.get(&number).cloned())
    }

    async fn claim_bank_messages(
        &self,
        _lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        let tables = self.tables();
        let waiting = tables.bank_messages.values().filter(|row| row.handled.is_none());
        let mut waiting: Vec<KeptMessage> = waiting.map(MessageRow::kept).collect();
        waiting.sort_by_key(|message| message.received_at);
        waiting.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(waiting)
    }

    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        let MessagesAsked { unknown_only, before, limit } = asked;
        let place = |message: &KeptMessage| MessagePlace {
            received_at: message.received_at,
            key: message.key.clone(),
        };
        let is_unknown = |one: &KeptMessage| matches!(one.handled, Some((_at, Heard::Unknown)));
        let tables = self.tables();
        let all = tables.bank_messages.values().map(MessageRow::kept);
        let mut wanted: Vec<KeptMessage> = all
            .filter(|one| !unknown_only || is_unknown(one))
            .filter(|one| before.as_ref().is_none_or(|before| place(one) < *before))
            .collect();
        wanted.sort_by_key(place);
        wanted.reverse();
        wanted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(wanted)
    }

    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        let tables = self.tables();
        let mut all = tables.terminals.values();
        let found = all.find(|one| one.public_keys.iter().any(|key| key == public_key));
        Ok(found.and_then(|terminal| tables.seen(terminal)))
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        let tables = self.tables();
        Ok(tables.terminals.get(&number).and_then(|terminal| tables.seen(terminal)))
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        let tables = self.tables();
        Ok(tables.terminals.values().filter_map(|one| tables.seen(one)).collect())
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        Ok(self.tables().merchants.values().cloned().collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn the_memory_store_keeps_the_contract() {
        let store = MemoryStore::default();
        conformance::run(&store).await;
        crate::conformance_desks::run(&store, &store).await;
    }
}
