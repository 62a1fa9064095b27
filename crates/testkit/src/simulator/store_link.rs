//! The way from a node to the store: it takes time, fails, and loses what it carries. A commit
//! that was sent may be made although its sender is dead or was told that it failed.

use super::node::Gate;
use super::world::World;
use crate::memory_store::MemoryStore;
use async_trait::async_trait;
use domain::bank_message::KeptMessage;
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery,
};
use domain::event::Event;
use domain::id::{EndpointNumber, PaymentId, TerminalNumber};
use domain::ledger::Balance;
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{Changeset, SealedCard, StoredEndpoint, StoredTerminal};
use engine::error::{CommitError, StoreError};
use engine::ports::{DueDestinations, MessagesAsked, PaymentsAsked, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The link of one node.
#[derive(Debug)]
pub struct StoreLink {
    world: Arc<World>,
    store: Arc<MemoryStore>,
    gate: Arc<Gate>,
}

/// What becomes of a commit on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Made,
    Refused,
    Unacknowledged,
    Late,
    Busy,
}

impl StoreLink {
    /// A link to this store.
    pub fn new(world: &Arc<World>, store: &Arc<MemoryStore>, gate: &Arc<Gate>) -> Self {
        Self { world: Arc::clone(world), store: Arc::clone(store), gate: Arc::clone(gate) }
    }

    fn fate(&self) -> Fate {
        let (world, weather) = (&self.world, &self.world.weather);
        let fates = [
            (weather.commit_refused, Fate::Refused),
            (weather.commit_unacknowledged, Fate::Unacknowledged),
            (weather.commit_late, Fate::Late),
            (weather.store_busy, Fate::Busy),
        ];
        let mut struck = fates.into_iter().filter(|(often, _fate)| world.strikes(*often));
        struck.next().map_or(Fate::Made, |(_often, fate)| fate)
    }

    /// Before and after a question.
    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.gate.alive().await;
        self.world.sleep(self.world.latency()).await;
        self.gate.alive().await;
        if self.world.strikes(self.world.weather.read_fails) {
            return Err(StoreError::Unavailable("trouble".to_owned()));
        }
        question.await
    }
}

fn describe(changeset: &Changeset) -> String {
    use engine::changeset::PaymentChange::{Insert, Update};
    let payment = changeset.payment.as_ref().map(|change| match change {
        Insert(payment) | Update { payment, .. } => {
            format!("{} v{} {}", payment.id, payment.version, payment.state.name())
        }
    });
    let refund = changeset.event.as_ref().and_then(|event| event.refund.as_ref());
    let refund = refund.map(|refund| format!(" refund {} {}", refund.number, refund.state.name()));
    format!("{} {}{}", changeset.name, payment.unwrap_or_default(), refund.unwrap_or_default())
}

#[async_trait]
impl Store for StoreLink {
    async fn commit(&self, changeset: Changeset) -> Result<(), CommitError> {
        self.gate.pass("before a commit").await;
        let fate = self.fate();
        let unavailable = || Err(CommitError::Unavailable(format!("{fate:?}")));
        let what = describe(&changeset);
        match fate {
            Fate::Refused => {
                self.world.sleep(self.world.latency()).await;
                self.world.note(&format!("store refuses {what}"));
                self.gate.alive().await;
                return unavailable();
            }
            Fate::Busy => return Err(CommitError::Busy),
            Fate::Made | Fate::Unacknowledged | Fate::Late => {}
        }
        let (reply, answer) = oneshot::channel();
        let (world, store) = (Arc::clone(&self.world), Arc::clone(&self.store));
        let wait = match fate {
            Fate::Late => world.draw(|dice| dice.millis(100, 20_000)),
            Fate::Made | Fate::Unacknowledged | Fate::Refused | Fate::Busy => world.latency(),
        };
        tokio::spawn(async move {
            world.sleep(wait).await;
            let result = store.apply(changeset);
            match &result {
                Ok(()) => world.note(&format!("store {what} {fate:?}")),
                Err(error) => world.note(&format!("store {what}: {error}")),
            }
            let _nobody_waits = reply.send(result);
        });
        if fate == Fate::Late {
            self.world.sleep(self.world.latency()).await;
            self.gate.alive().await;
            return unavailable();
        }
        let result = answer.await.unwrap_or_else(|_gone| unavailable());
        self.world.sleep(self.world.latency()).await;
        self.gate.pass("after a commit").await;
        if fate == Fate::Unacknowledged { unavailable() } else { result }
    }

    fn admits_new_payments(&self) -> bool {
        self.store.admits_new_payments()
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.ask(self.store.payment(scope, id)).await
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        self.ask(self.store.attempts(terminal, reference)).await
    }

    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        self.ask(self.store.held_card(id)).await
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        self.ask(self.store.refunds(payment)).await
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError> {
        self.ask(self.store.events(payment)).await
    }

    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        self.ask(self.store.newest_payments(scope, asked)).await
    }

    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError> {
        self.ask(self.store.balances(scope)).await
    }

    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.ask(self.store.at_the_bank(limit)).await
    }

    async fn claim_payments(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        self.ask(self.store.claim_payments(now, lease, limit)).await
    }

    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.ask(self.store.sending_payments(limit)).await
    }

    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError> {
        self.ask(self.store.due_destinations(after, now, limit)).await
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.ask(self.store.deliveries(filter, after, limit)).await
    }

    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.ask(self.store.deliveries_since(terminal, from, after, limit)).await
    }

    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError> {
        self.ask(self.store.count_deliveries(filter)).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        self.ask(self.store.delivery(id)).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.ask(self.store.backlog(now)).await
    }

    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        self.ask(self.store.endpoints(scope)).await
    }

    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        self.ask(self.store.endpoint(number)).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        self.ask(self.store.claim_deliveries(now, lease, wanted)).await
    }

    async fn claim_bank_messages(
        &self,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        self.ask(self.store.claim_bank_messages(lease, limit)).await
    }

    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        self.ask(self.store.bank_messages(asked)).await
    }

    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        self.ask(self.store.terminal_by_public_key(public_key)).await
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        self.ask(self.store.terminal(number)).await
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        self.ask(self.store.terminals()).await
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        self.ask(self.store.merchants()).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ask(self.store.ping()).await
    }
}
