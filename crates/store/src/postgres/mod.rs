//! The database that many nodes share: PostgreSQL 15 or newer.
//!
//! Nodes keep nothing of their own. Money rules stand on unique keys and on versions that are
//! compared and set, not on isolation levels; work is claimed with leases by the server's clock.
//! Every connection demands a server that lets us write, so that after a fail-over the promoted
//! standby is found.

mod address;
mod audit;
mod bank_messages;
mod batch;
mod committer;
mod deliveries;
mod desks;
mod gather;
mod lists;
mod lock_waits;
mod lookups;
mod migrations;
mod months;
mod queries;
mod records;
mod rows;
mod session;
mod single;
mod statement;

pub use address::{Address, AddressError, Scratch, is_postgres, shown};
pub use lock_waits::LockWatch;
pub use migrations::{Identity, Setup};

use crate::audit_chain::AuditKey;
use crate::migrations::{Version, newest};
use async_trait::async_trait;
use committer::Committers;
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
use lookups::Lookups;
use months::Months;
use queries::Readers;
use rows::Ready;
use session::{Connector, Purpose};
pub(crate) use session::{Link, Session, words};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::task::AbortOnDropHandle;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Too old.
    #[error("PostgreSQL {0} is too old: 15 or newer is needed")]
    OldServer(i32),
    /// A setting under which an acknowledged payment could be lost.
    #[error(
        "{0} is off on the PostgreSQL server, so that a crash could lose or damage payments; \
         switch it on and restart the server"
    )]
    UnsafeServer(&'static str),
    /// The schema was made by a newer program, which says that this one cannot work with it.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer tollgate"
    )]
    NewerSchema {
        /// In the database.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// Another node holds the lock on setting up.
    #[error("another node has been setting up this database for minutes; look at its log")]
    InUse,
    /// Nobody answered, or not in time.
    #[error("cannot reach the PostgreSQL database: {0}")]
    Unreachable(String),
    /// The server, or the way to it, said no.
    #[error("the PostgreSQL database: {0}")]
    Server(String),
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(_server) => Self::Server(words(&error)),
            None => Self::Unreachable(words(&error)),
        }
    }
}

/// How the store works with the server.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Commands that may wait to be committed; beyond, the store is busy.
    pub queue: usize,
    /// Most commands in one transaction.
    pub batch: usize,
    /// Connections that answer questions.
    pub connections: usize,
    /// How long one host may take to let us in.
    pub connect_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue: 4096,
            batch: 256,
            connections: 8,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
        }
    }
}

/// What a database says of itself, for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the schema stands.
    pub version: Version,
    /// The server's version, as 15.4.
    pub server: String,
    /// Whether there are standbys that no commit waits for.
    pub standbys_are_late: bool,
    /// What its nodes have in common; none when there is no schema yet.
    pub identity: Option<Identity>,
}

/// Looks at a database without changing it.
pub async fn facts(address: &Address, options: &Options) -> Result<Facts, OpenError> {
    let connector = Connector::new(address.clone(), *options);
    let (session, server) = connector.connect_and_look(Purpose::Questions).await?;
    server.check()?;
    let version = migrations::version(&session).await?;
    let identity = if version.found == 0 || !version.is_usable() {
        None
    } else {
        migrations::identity(&session).await?
    };
    Ok(Facts {
        version,
        server: format!("{}.{}", server.version / 10_000, server.version % 10_000),
        standbys_are_late: server.standbys_are_late(),
        identity,
    })
}

/// The gateway's database on a PostgreSQL server.
pub struct PostgresStore {
    connector: Arc<Connector>,
    committers: Committers,
    readers: Arc<Readers>,
    payments: Lookups,
    held_cards: Lookups,
    claims: Readers,
    /// A question waits for those before it on its connection, and sums take seconds: they have
    /// one of their own, and one at a time.
    sums: Readers,
    sums_turn: Semaphore,
    months: Arc<Months>,
    _looks_after_months: AbortOnDropHandle<()>,
    audit_key: AuditKey,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.connector.address();
        f.debug_struct("PostgresStore").field("address", address).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to a database that [`Setup`] has set up. Must be called inside a tokio runtime.
    /// `audit_key` chains the audit log; it stands nowhere in the database.
    pub async fn open(
        address: &Address,
        options: Options,
        audit_key: AuditKey,
    ) -> Result<Self, OpenError> {
        let connector = Arc::new(Connector::new(address.clone(), options));
        let months = Arc::new(Months::default());
        {
            let session = connector.connect(Purpose::Questions).await?;
            let version = migrations::version(&session).await?;
            if version.found == 0 || !version.is_usable() {
                return Err(OpenError::NewerSchema { found: version.found, known: newest() });
            }
            months.read(&session).await?;
        }
        let committers = Committers::start(&connector, &audit_key, &months).await?;
        let limit = options.statement_timeout;
        let mut links = Vec::with_capacity(options.connections);
        for _reader in 0..options.connections.max(1) {
            let session = connector.connect(Purpose::Questions).await?;
            links.push(Link::start(Arc::clone(&connector), Purpose::Questions, session));
        }
        let claims = connector.connect(Purpose::Claims).await?;
        let claims = Link::start(Arc::clone(&connector), Purpose::Claims, claims);
        let sums = connector.connect(Purpose::Sums).await?;
        let sums = Link::start(Arc::clone(&connector), Purpose::Sums, sums);
        let readers = Arc::new(Readers::new(links, limit));
        let look_after = Arc::clone(&months).look_after(Arc::clone(&connector));
        Ok(Self {
            payments: Lookups::start(&readers, &months, queries::PAYMENTS),
            held_cards: Lookups::start(&readers, &months, queries::HELD_CARDS),
            connector,
            committers,
            readers,
            claims: Readers::new(vec![claims], limit),
            sums: Readers::new(vec![sums], session::SUMS_TIMEOUT),
            sums_turn: Semaphore::new(1),
            months,
            _looks_after_months: AbortOnDropHandle::new(tokio::spawn(look_after)),
            audit_key,
        })
    }

    /// The connection for sums, when it is one's turn.
    async fn sums(&self) -> Result<(SemaphorePermit<'_>, &Readers), StoreError> {
        let turn = self.sums_turn.acquire().await;
        let turn = turn.map_err(|closed| StoreError::Unavailable(closed.to_string()))?;
        Ok((turn, &self.sums))
    }

    /// A connection for the keys of the hours.
    pub(crate) async fn care(&self) -> Result<Link, OpenError> {
        let session = self.connector.connect(Purpose::Care).await?;
        Ok(Link::start(Arc::clone(&self.connector), Purpose::Care, session))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, changeset: Changeset) -> Result<(), CommitError> {
        if changeset.makes_payment() && !self.admits_new_payments() {
            return Err(CommitError::Busy);
        }
        // JSON is written here, in the caller's task, so that a committer only sends it.
        self.committers.submit(Ready::new(changeset)?).await
    }

    fn admits_new_payments(&self) -> bool {
        self.committers.has_room()
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let found = self.payments.ask(id.stored()).await?;
        let payment = found.map(|row| rows::payment(&row)).transpose()?;
        Ok(payment.filter(|payment| scope.allows(payment.merchant)))
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
            [&terminal.0, &reference.as_str()];
        let found = self.readers.ask(queries::ATTEMPTS, &params).await?;
        let mut attempts = Vec::with_capacity(found.len());
        for row in &found {
            let number: i64 = rows::get(row, 0)?;
            // Its reference stays taken, so whoever asks must not believe that there was none.
            let kept_elsewhere = || {
                let why = format!("the month of payment {number} is not in this database");
                StoreError::Unavailable(why)
            };
            let payment = self.payments.ask(number).await?.ok_or_else(kept_elsewhere)?;
            attempts.push(rows::payment(&payment)?);
        }
        Ok(attempts)
    }

    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        let found = self.held_cards.ask(id.stored()).await?;
        found.map(|row| rows::held_card(&row)).transpose()
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        let number = payment.stored();
        let month = self.months.of(number);
        let found = self.readers.ask_in(month, queries::REFUNDS, &[&number]).await?;
        found.iter().map(rows::refund).collect()
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError> {
        let number = payment.stored();
        let month = self.months.of(number);
        let found = self.readers.ask_in(month, queries::EVENTS, &[&number]).await?;
        found.iter().map(rows::event).collect()
    }

    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        lists::newest_payments(&self.readers, merchant, &asked).await
    }

    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant.0),
            Scope::Everything => None,
            // Who holds one payment's number sees no sums.
            Scope::Holder => return Ok(Vec::new()),
        };
        let found = self.readers.ask(queries::BALANCES, &[&merchant]).await?;
        found.iter().map(rows::balance).collect()
    }

    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let found = self.readers.ask(queries::AT_THE_BANK, &[&i64::from(limit)]).await?;
        found.iter().map(rows::payment).collect()
    }

    async fn claim_payments(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&now.micros(), &i64::from(limit), &queries::micros(lease)];
        let claimed = self.claims.ask(queries::CLAIM_PAYMENTS, &params).await?;
        let numbers = claimed.iter().map(|row| rows::get(row, 0)).collect::<Result<Vec<_>, _>>()?;
        let found = self.payments.ask_all(&numbers).await?;
        let mut payments =
            found.iter().map(|row| rows::payment(row)).collect::<Result<Vec<_>, _>>()?;
        payments.sort_by_key(|payment| payment.due_at);
        Ok(payments)
    }

    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let found = self.readers.ask(queries::SENDING, &[&i64::from(limit)]).await?;
        found.iter().map(rows::payment).collect()
    }

    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError> {
        deliveries::due_destinations(&self.claims, after, now, limit).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        deliveries::claim((&self.claims, &self.months), now, lease, wanted).await
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        deliveries::records((&self.readers, &self.months), &filter, after, limit).await
    }

    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        deliveries::since(&self.readers, terminal, from, after, limit).await
    }

    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError> {
        deliveries::count((&self.readers, &self.months), &filter).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        deliveries::detail((&self.readers, &self.months), id).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        deliveries::backlog(&self.readers, now).await
    }

    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant.0),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        let found = self.readers.ask(deliveries::ENDPOINTS, &[&merchant]).await?;
        found.iter().map(rows::endpoint).collect()
    }

    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        let found = self.readers.ask(deliveries::ENDPOINT, &[&number.0]).await?;
        found.first().map(rows::endpoint).transpose()
    }

    async fn claim_bank_messages(
        &self,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        bank_messages::claim(&self.claims, lease, limit).await
    }

    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        bank_messages::newest(&self.readers, &asked).await
    }

    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        let found = self.readers.ask(queries::TERMINAL_BY_KEY, &[&public_key]).await?;
        found.first().map(rows::terminal).transpose()
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        let found = self.readers.ask(queries::TERMINAL, &[&number.0]).await?;
        found.first().map(rows::terminal).transpose()
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        self.readers.ask(queries::TERMINALS, &[]).await?.iter().map(rows::terminal).collect()
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        self.readers.ask(queries::MERCHANTS, &[]).await?.iter().map(rows::merchant).collect()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.readers.ask("SELECT 1", &[]).await.map(drop)
    }
}

#[cfg(test)]
mod months_tests;
#[cfg(test)]
mod tests;
