//! Questions, each by key or index, and claims.

use super::months::Month;
use super::rows::{payment_columns, terminal_columns};
use super::session::{Link, Session, unavailable};
use engine::error::StoreError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// How long a question waits for a connection, and is asked again on another one.
const PATIENCE: Duration = Duration::from_secs(2);
/// Beyond the server's own limit on a statement.
const BEYOND_STATEMENT: Duration = Duration::from_secs(1);

/// Connections that answer questions. Many questions are on their way on each at once.
pub(super) struct Readers {
    links: Vec<Link>,
    next: AtomicUsize,
    limit: Duration,
}

impl Readers {
    pub(super) const fn new(links: Vec<Link>, statement_timeout: Duration) -> Self {
        let limit = statement_timeout.saturating_add(BEYOND_STATEMENT);
        Self { links, next: AtomicUsize::new(0), limit }
    }

    /// The rows of a question. It changes nothing that matters, so it is asked again when its
    /// connection breaks.
    pub(super) async fn ask(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        self.ask_in(Month::ANY, sql, params).await
    }

    /// The rows of a question about payments of a month.
    pub(super) async fn ask_in(
        &self,
        month: Month,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let began = Instant::now();
        loop {
            let session = self.session(began + PATIENCE).await?;
            let asked = timeout_at(began + self.limit, ask(&session, month, sql, params)).await;
            match asked {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => {
                    session.judge(&error);
                    if !session.is_over() || began.elapsed() >= PATIENCE {
                        return Err(unavailable(&error));
                    }
                }
                Err(_elapsed) => {
                    session.discard();
                    let why = "the database did not answer in time".to_owned();
                    return Err(StoreError::Unavailable(why));
                }
            }
        }
    }

    async fn session(&self, deadline: Instant) -> Result<std::sync::Arc<Session>, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let link = turn.checked_rem(self.links.len()).and_then(|index| self.links.get(index));
        let none = || StoreError::Unavailable("there is no connection to it".to_owned());
        link.ok_or_else(none)?.session(deadline).await.ok_or_else(none)
    }
}

async fn ask(
    session: &Session,
    month: Month,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = session.statement_in(month, sql).await?;
    session.client().query(&statement, params).await
}

/// A lease in microseconds.
pub(super) fn micros(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)
}

/// The database's clock counts, for nodes' clocks differ. Rows that another node is claiming at
/// this moment are passed over. Claims are asked for on a connection of their own, which does not
/// wait for the disk.
pub(super) const CLAIM_PAYMENTS: &str = "\
WITH clock AS (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
), due AS (
    SELECT payment_id FROM due_payments
    WHERE due_at <= $1 AND (claimed_until IS NULL OR claimed_until <= (SELECT now FROM clock))
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE due_payments p SET claimed_until = (SELECT now FROM clock) + $3 FROM due
WHERE p.payment_id = due.payment_id
RETURNING p.payment_id";

/// Payments by their numbers.
pub(super) const PAYMENTS: &str =
    concat!("SELECT ", payment_columns!(), " FROM payments@ p WHERE p.id = ANY ($1)");

/// All attempts at a reference of a terminal.
pub(super) const ATTEMPTS: &str = "\
SELECT payment_id FROM payment_references WHERE ter_no = $1 AND reference = $2 ORDER BY attempt";

/// Payments whose send was never recorded. Each that has a next step is looked up by its number.
pub(super) const SENDING: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM due_payments d CROSS JOIN LATERAL (SELECT * FROM payments WHERE id = d.payment_id \
     OFFSET 0) p WHERE p.state = 'sending' LIMIT $1"
);

/// The sealed cards of payments.
pub(super) const HELD_CARDS: &str = "\
SELECT h.payment_id, h.number, h.security_code, h.expiry_year, h.expiry_month
FROM payments@ p JOIN held_cards h ON h.merchant_id = p.merchant_id AND h.payment_id = p.id
WHERE p.id = ANY ($1)";

/// The refunds of a payment.
pub(super) const REFUNDS: &str = "\
SELECT r.payment_id, r.number, r.merchant_id, r.amount_minor, r.currency, r.reference, r.reason,
    r.requested_at, r.state, r.facts
FROM payments@ p JOIN refunds@ r ON r.merchant_id = p.merchant_id AND r.payment_id = p.id
WHERE p.id = $1 ORDER BY r.number";

/// What happened to a payment.
pub(super) const EVENTS: &str = "\
SELECT e.payment_id, e.merchant_id, e.sequence, e.at, e.kind, e.facts, e.refund
FROM payments@ p JOIN events@ e ON e.merchant_id = p.merchant_id AND e.payment_id = p.id
WHERE p.id = $1 ORDER BY e.sequence";

/// What the accounts hold, of one merchant or (null) of all.
pub(super) const BALANCES: &str = "\
SELECT p.merchant_id, p.mode, p.currency, a.name, sum(p.amount_minor)::bigint, count(*)
FROM postings p JOIN accounts a USING (account)
WHERE $1::bigint IS NULL OR p.merchant_id = $1
GROUP BY p.merchant_id, p.mode, p.currency, a.name, p.account
ORDER BY p.merchant_id, p.mode, p.currency, p.account";

/// Payments with a call on its way to the bank.
pub(super) const AT_THE_BANK: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM due_payments d CROSS JOIN LATERAL (SELECT * FROM payments WHERE id = d.payment_id \
     OFFSET 0) p WHERE p.state NOT IN ('waiting', 'challenged') ORDER BY d.payment_id LIMIT $1"
);

/// The terminal of a public key.
pub(super) const TERMINAL_BY_KEY: &str = concat!(
    "SELECT ",
    terminal_columns!(),
    " FROM terminal_keys k JOIN terminals t USING (merchant_id, ter_no) \
     JOIN merchants m ON m.id = t.merchant_id WHERE k.public_key = $1"
);

/// A terminal by its number.
pub(super) const TERMINAL: &str = concat!(
    "SELECT ",
    terminal_columns!(),
    " FROM terminals t JOIN merchants m ON m.id = t.merchant_id WHERE t.ter_no = $1"
);

/// All terminals.
pub(super) const TERMINALS: &str = concat!(
    "SELECT ",
    terminal_columns!(),
    " FROM terminals t JOIN merchants m ON m.id = t.merchant_id ORDER BY t.ter_no"
);

/// All merchants.
pub(super) const MERCHANTS: &str =
    "SELECT id, name, active, approved, version, created_at FROM merchants ORDER BY id";
