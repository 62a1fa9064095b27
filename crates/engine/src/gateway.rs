//! The gateway: the ports, and what the use cases share.

use crate::admission::Admission;
use crate::api_call::CallLog;
use crate::changeset::{AuditLine, Changeset};
use crate::endpoint::EndpointCache;
use crate::error::{CommitError, Fault};
use crate::password::HashTurns;
use crate::ports::{
    Clock, Connector, Desks, Dialer, NoticeFormat, NoticeKeys, Random, Store, Vault,
};
use crate::refund::RefundTurns;
use crate::summary::Summaries;
use crate::terminal::TerminalCache;
use crate::work::NewWork;
use domain::delivery::{DeliveryId, Destination, NewDelivery};
use domain::endpoint::Endpoint;
use domain::event_type::EventType;
use domain::id::{EndpointNumber, MerchantId, PaymentId};
use domain::ledger;
use domain::payment::{Changed, Payment};
use domain::refund::{Refund, RefundChanged};
use domain::terminal::Mode;
use domain::text::WebAddress;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio_util::task::TaskTracker;

/// What a gateway is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// What the portal and the office read of the same database.
    pub desks: Arc<dyn Desks>,
    /// Card data and secrets.
    pub vault: Arc<dyn Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The banks.
    pub connectors: Vec<Arc<dyn Connector>>,
    /// The shape of webhook bodies.
    pub notices: Arc<dyn NoticeFormat>,
    /// The way out to merchants' servers.
    pub dialer: Arc<dyn Dialer>,
    /// The longest that one post by the dialer takes.
    pub post_timeout: Duration,
}

/// A connector, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectorFacts {
    /// Its name.
    pub name: &'static str,
    /// Whose terminals reach it.
    pub mode: Mode,
    /// Whether its bank tells of things by HTTP.
    pub takes_messages: bool,
}

/// The engine: use cases are methods, one file per noun.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) desks: Arc<dyn Desks>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) post_timeout: Duration,
    pub(crate) terminals: TerminalCache,
    pub(crate) admission: Admission,
    /// Work that must run to its end although its caller has gone.
    pub(crate) tasks: TaskTracker,
    /// Tells the deliverer where something new waits.
    pub(crate) deliveries: NewWork,
    pub(crate) endpoints: EndpointCache,
    /// A bank's message was kept.
    pub(crate) bank_messages: Notify,
    pub(crate) refund_turns: RefundTurns,
    pub(crate) hash_turns: HashTurns,
    pub(crate) summaries: Summaries,
    pub(crate) call_log: CallLog,
    pub(crate) connectors: Vec<Arc<dyn Connector>>,
    /// Payments that changed, for pages that wait.
    changes: broadcast::Sender<PaymentId>,
    pub(crate) notices: Arc<dyn NoticeFormat>,
}

/// Changes that a page may lag behind before it has to look for itself.
const CHANGES_KEPT: usize = 1024;

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            store: parts.store,
            desks: parts.desks,
            vault: parts.vault,
            clock: parts.clock,
            random: parts.random,
            dialer: parts.dialer,
            post_timeout: parts.post_timeout,
            terminals: TerminalCache::default(),
            admission: Admission::default(),
            tasks: TaskTracker::new(),
            deliveries: NewWork::default(),
            endpoints: EndpointCache::default(),
            bank_messages: Notify::new(),
            refund_turns: RefundTurns::default(),
            hash_turns: HashTurns::default(),
            summaries: Summaries::default(),
            call_log: CallLog::default(),
            connectors: parts.connectors,
            changes: broadcast::Sender::new(CHANGES_KEPT),
            notices: parts.notices,
        })
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Sealing and digests, for web's own signatures over what it renders.
    pub fn vault(&self) -> &dyn Vault {
        &*self.vault
    }

    /// The connector for a terminal's mode. A test terminal reaches only the sandbox, and a live
    /// one never does.
    pub(crate) fn connector(&self, mode: Mode) -> Option<&Arc<dyn Connector>> {
        self.connectors.iter().find(|connector| connector.mode() == mode)
    }

    /// What is known of the connectors, in the order of the settings.
    pub fn connector_facts(&self) -> Vec<ConnectorFacts> {
        let facts = |one: &Arc<dyn Connector>| ConnectorFacts {
            name: one.name(),
            mode: one.mode(),
            takes_messages: one.takes_messages(),
        };
        self.connectors.iter().map(facts).collect()
    }

    /// The numbers of payments as they change on this node; other nodes' changes are not among
    /// them.
    pub fn changes(&self) -> broadcast::Receiver<PaymentId> {
        self.changes.subscribe()
    }

    /// Runs something to its end although its caller goes away; a shutdown waits for it.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(work)
    }

    /// Waits until no started send is left; nothing new may be started any more.
    pub async fn finish_tasks(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether the database answers.
    pub async fn is_ready(&self) -> Result<(), Fault> {
        Ok(self.store.ping().await?)
    }

    /// Writes an audit line. When the database has no room for it, the payment traffic goes
    /// first, and the loss is told in the log.
    pub async fn audit(&self, line: AuditLine) {
        let action = line.action;
        if let Err(error) = self.store.commit(Changeset::audit(line)).await {
            tracing::warn!(action, %error, "an audit line was not written");
        }
    }

    /// Commits a change of a payment with its event, its postings and, when the merchant's server
    /// is told of it, its webhook.
    pub(crate) async fn commit_payment(
        &self,
        name: &'static str,
        changed: Changed,
    ) -> Result<Payment, CommitError> {
        self.commit_payment_audited(name, changed, None).await
    }

    /// The same with a line in the audit log.
    pub(crate) async fn commit_payment_audited(
        &self,
        name: &'static str,
        changed: Changed,
        audit: Option<AuditLine>,
    ) -> Result<Payment, CommitError> {
        let payment = changed.payment.clone();
        let deliveries = self.notices(&changed, None).await?;
        let changeset = Changeset { audit, ..Changeset::payment_changed(name, changed) };
        self.commit_noticed(changeset, deliveries).await?;
        // Nobody listens most of the time.
        let _listeners = self.changes.send(payment.id);
        Ok(payment)
    }

    /// The same for a change by a refund.
    pub(crate) async fn commit_refund(
        &self,
        name: &'static str,
        changed: RefundChanged,
        audit: Option<AuditLine>,
    ) -> Result<(), CommitError> {
        let deliveries = self.notices(&changed.changed, Some(&changed.refund)).await?;
        let changeset = Changeset { audit, ..Changeset::refund_changed(name, changed) };
        self.commit_noticed(changeset, deliveries).await
    }

    async fn commit_noticed(
        &self,
        mut changeset: Changeset,
        deliveries: Vec<NewDelivery>,
    ) -> Result<(), CommitError> {
        let queues: Vec<(Destination, MerchantId)> =
            deliveries.iter().map(|delivery| (delivery.destination, delivery.merchant)).collect();
        changeset.deliveries.extend(deliveries);
        if !ledger::balanced(&changeset.postings) {
            return Err(CommitError::Unbalanced);
        }
        self.store.commit(changeset).await?;
        self.deliveries.tell(queues);
        Ok(())
    }

    /// What merchants' servers are told of a change: the payment's own address, and the endpoints
    /// that subscribed.
    async fn notices(
        &self,
        changed: &Changed,
        refund: Option<&Refund>,
    ) -> Result<Vec<NewDelivery>, CommitError> {
        if !changed.notifies {
            return Ok(Vec::new());
        }
        let payment = &changed.payment;
        let unavailable = |fault: Fault| CommitError::Unavailable(fault.to_string());
        let broken = |what: &str| CommitError::Unavailable(what.to_owned());
        let event_type = EventType::of(&changed.event)
            .ok_or_else(|| broken("merchants are told of an event that has no type"))?;
        let terminal = self.terminal_of(payment).await.map_err(unavailable)?;
        let pair = terminal.keys.first().ok_or_else(|| broken("the terminal has no keys"))?;
        let keys = NoticeKeys { public: &pair.public, private: &pair.private };
        let created_at = changed.event.at;
        let notice = self.notices.notice(payment, refund, created_at, keys);
        let own = NewDelivery {
            id: DeliveryId::own(payment.id, payment.notices),
            merchant: payment.merchant,
            terminal: payment.terminal,
            event_type,
            url: payment.request.webhook_url.clone(),
            destination: self.destination_of(payment.merchant, &payment.request.webhook_url),
            content_type: notice.content_type,
            body: notice.body,
            created_at,
        };
        let endpoints = self.endpoints_of(payment.merchant).await.map_err(unavailable)?;
        let subscribed = endpoints
            .iter()
            .filter(|one| one.subscribes(event_type, payment.terminal, payment.mode));
        let message = |endpoint: &Endpoint| {
            let message = self.notices.message(event_type, payment, refund, created_at);
            NewDelivery {
                id: DeliveryId { endpoint: Some(endpoint.number), ..own.id },
                url: endpoint.url.clone(),
                destination: self.destination_of_endpoint(endpoint.number),
                content_type: message.content_type,
                body: message.body,
                ..own.clone()
            }
        };
        let messages: Vec<NewDelivery> = subscribed.map(message).collect();
        Ok(std::iter::once(own).chain(messages).collect())
    }

    /// The queue of what a merchant has for the host of this address.
    pub(crate) fn destination_of(&self, merchant: MerchantId, url: &WebAddress) -> Destination {
        let merchant = merchant.0.to_be_bytes();
        self.queue(&[b"destination", &merchant, url.origin().as_bytes()])
    }

    /// The queue of an endpoint.
    pub(crate) fn destination_of_endpoint(&self, endpoint: EndpointNumber) -> Destination {
        self.queue(&[b"endpoint", &endpoint.0.to_be_bytes()])
    }

    fn queue(&self, parts: &[&[u8]]) -> Destination {
        let digest = self.vault.digest(parts);
        let first = digest.first_chunk().copied().unwrap_or_default();
        Destination(i64::from_be_bytes(first))
    }
}
