//! Payments with all that hangs on them, as a proof reads them: in the order of merchant and
//! number, a few hundred at a time, each chunk one snapshot on a connection of its own. What cannot
//! be read is told, and stops nothing.

use super::rows::{self, payment_columns};
use super::session::{Purpose, Session, unavailable};
use super::{PostgresStore, audit};
use async_trait::async_trait;
use domain::id::PaymentId;
use domain::ledger::Posting;
use engine::actor::Scope;
use engine::error::StoreError;
use engine::ports::{PostingKey, Records};
use engine::verify::{
    AuditWalk, Histories, History, HistoryKey, HistoryRange, ImpossibleRow, StrayRow,
};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const PAYMENTS: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM payments p WHERE (p.merchant_id, p.id) > ($1, $2) AND (p.merchant_id, p.id) <= ($3, $4) \
     ORDER BY p.merchant_id, p.id LIMIT $5"
);

const EVENTS: &str = "\
SELECT payment_id, merchant_id, sequence, at, kind, facts, refund FROM events
WHERE (merchant_id, payment_id) > ($1, $2) AND (merchant_id, payment_id) <= ($3, $4)
ORDER BY merchant_id, payment_id, sequence";

const REFUNDS: &str = "\
SELECT payment_id, number, merchant_id, amount_minor, currency, reference, reason, requested_at,
    state, facts FROM refunds
WHERE (merchant_id, payment_id) > ($1, $2) AND (merchant_id, payment_id) <= ($3, $4)
ORDER BY merchant_id, payment_id, number";

/// Its columns are those of [`rows::posting`].
const POSTINGS: &str = "\
SELECT cause_id, sequence, account, payment_id, merchant_id, mode, currency, amount_minor, at
FROM postings
WHERE (merchant_id, cause, cause_id) > ($1, 1, $2) AND (merchant_id, cause, cause_id) <= ($3, 1, $4)
    AND cause = 1
ORDER BY merchant_id, cause_id, sequence, account";

const DELIVERIES: &str = "\
SELECT payment_id, sequence, merchant_id, ter_no, url, created_at, state, attempts, next_at,
    endpoint
FROM deliveries
WHERE (merchant_id, payment_id) > ($1, $2) AND (merchant_id, payment_id) <= ($3, $4)
ORDER BY merchant_id, payment_id, sequence, endpoint";

const HELD_CARDS: &str = "\
SELECT payment_id, merchant_id, security_code IS NOT NULL FROM held_cards
WHERE (merchant_id, payment_id) > ($1, $2) AND (merchant_id, payment_id) <= ($3, $4)
ORDER BY merchant_id, payment_id";

/// Payments and deliveries about which the tables across all months say something else.
const DISAGREEING: &str = "\
SELECT p.merchant_id, p.id, CASE WHEN r.payment_id IS NULL
    THEN 'payment_references' ELSE 'due_payments' END, p.id::text
FROM payments p LEFT JOIN due_payments d ON d.payment_id = p.id
    LEFT JOIN payment_references r ON r.payment_id = p.id AND r.ter_no = p.ter_no
        AND r.reference = p.reference AND r.attempt = p.attempt
WHERE (p.merchant_id, p.id) > ($1, $2) AND (p.merchant_id, p.id) <= ($3, $4)
    AND (r.payment_id IS NULL OR d.due_at IS DISTINCT FROM p.due_at)
UNION ALL
SELECT d.merchant_id, d.payment_id, 'due_deliveries',
    d.payment_id || '/' || d.sequence || '/' || d.endpoint
FROM deliveries d LEFT JOIN due_deliveries w ON w.payment_id = d.payment_id
    AND w.sequence = d.sequence AND w.endpoint = d.endpoint
WHERE (d.merchant_id, d.payment_id) > ($1, $2) AND (d.merchant_id, d.payment_id) <= ($3, $4)
    AND (w.next_at, w.destination, w.merchant_id)
        IS DISTINCT FROM (d.next_at, CASE WHEN d.next_at IS NULL THEN NULL ELSE d.destination END,
            CASE WHEN d.next_at IS NULL THEN NULL ELSE d.merchant_id END)";

const STRAY: &str = "\
SELECT 'postings', cause || '/' || cause_id || '/' || sequence || '/' || account
FROM postings WHERE cause <> 1
UNION ALL SELECT 'due_payments', payment_id::text FROM due_payments d
WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = d.payment_id)
UNION ALL SELECT 'due_deliveries', payment_id || '/' || sequence || '/' || endpoint
FROM due_deliveries w WHERE NOT EXISTS (SELECT 1 FROM deliveries d
    WHERE d.merchant_id = w.merchant_id AND d.payment_id = w.payment_id
        AND d.sequence = w.sequence AND d.endpoint = w.endpoint)
LIMIT $1";

const LISTED_POSTINGS: &str = "\
SELECT cause_id, sequence, account, payment_id, merchant_id, mode, currency, amount_minor, at
FROM postings
WHERE cause = 1 AND (merchant_id, cause_id, sequence, account) > ($1, $2, $3, $4)
    AND merchant_id = coalesce($5, merchant_id)
ORDER BY merchant_id, cause_id, sequence, account LIMIT $6";

const BEFORE_ALL: HistoryKey = HistoryKey(i64::MIN, i64::MIN);
const AFTER_ALL: HistoryKey = HistoryKey(i64::MAX, i64::MAX);

impl PostgresStore {
    /// A connection on which all questions see the same moment, until it is dropped.
    async fn snapshot(&self) -> Result<Session, StoreError> {
        let session = self.connector.connect(Purpose::Questions).await;
        let session = session.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        session.client().batch_execute(begin).await.map_err(|error| unavailable(&error))?;
        Ok(session)
    }
}

async fn ask(
    session: &Session,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    session.client().query(sql, params).await.map_err(|error| unavailable(&error))
}

fn number(row: &Row, column: usize) -> Result<i64, StoreError> {
    row.try_get(column).map_err(|error| unavailable(&error))
}

/// The name of a table that goes with others.
fn derived(name: &str) -> &'static str {
    let known = ["postings", "due_payments", "due_deliveries"];
    known.into_iter().find(|known| *known == name).unwrap_or("payment_references")
}

/// Histories as they are put together from one table after another.
struct Chunk<'a> {
    session: &'a Session,
    after: HistoryKey,
    until: HistoryKey,
    found: BTreeMap<HistoryKey, History>,
}

impl Chunk<'_> {
    /// Puts rows of a table into histories. With the table comes which columns of a row are its
    /// merchant and its payment.
    fn put<T>(
        &mut self,
        rows: &[Row],
        (table, merchant, payment): (&'static str, usize, usize),
        decode: impl Fn(&Row) -> Result<T, StoreError>,
        put: impl Fn(&mut History, T),
    ) -> Result<(), StoreError> {
        for row in rows {
            let key = HistoryKey(number(row, merchant)?, number(row, payment)?);
            let history = self.found.entry(key).or_default();
            match decode(row) {
                Ok(value) => put(history, value),
                Err(StoreError::Corrupt { column, row, .. }) => {
                    let column = column.to_owned();
                    history.impossible.push(ImpossibleRow { table, row, column });
                }
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
            }
        }
        Ok(())
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, StoreError> {
        let (after, until) = (self.after, self.until);
        ask(self.session, sql, &[&after.0, &after.1, &until.0, &until.1]).await
    }

    /// Everything that hangs on payments of this range.
    async fn beside(&mut self) -> Result<(), StoreError> {
        let found = self.rows(EVENTS).await?;
        self.put(&found, ("events", 1, 0), rows::event, |history, one| history.events.push(one))?;
        let found = self.rows(REFUNDS).await?;
        self.put(&found, ("refunds", 2, 0), rows::refund, |history, one| {
            history.refunds.push(one);
        })?;
        let found = self.rows(POSTINGS).await?;
        self.put(&found, ("postings", 4, 0), rows::posting, |history, one| {
            history.postings.push(one);
        })?;
        let found = self.rows(DELIVERIES).await?;
        self.put(&found, ("deliveries", 2, 0), rows::delivery_facts, |history, one| {
            history.deliveries.push(one);
        })?;
        let found = self.rows(HELD_CARDS).await?;
        self.put(&found, ("held_cards", 1, 0), rows::held_facts, |history, one| {
            history.held = Some(one);
        })?;
        self.disagreeing().await
    }

    /// What the tables across all months say otherwise, or do not say.
    async fn disagreeing(&mut self) -> Result<(), StoreError> {
        for row in self.rows(DISAGREEING).await? {
            let key = HistoryKey(number(&row, 0)?, number(&row, 1)?);
            let table = derived(rows::get(&row, 2)?);
            let row = rows::get(&row, 3)?;
            let column = "it is missing, or says otherwise than the row it is of".to_owned();
            let impossible = ImpossibleRow { table, row, column };
            self.found.entry(key).or_default().impossible.push(impossible);
        }
        Ok(())
    }
}

async fn read(session: &Session, range: HistoryRange, limit: u32) -> Result<Histories, StoreError> {
    let after = range.after.unwrap_or(BEFORE_ALL);
    let until = range.until.unwrap_or(AFTER_ALL);
    let mut chunk = Chunk { session, after, until, found: BTreeMap::new() };
    let params: [&(dyn ToSql + Sync); 5] =
        [&after.0, &after.1, &until.0, &until.1, &i64::from(limit)];
    let payments = ask(session, PAYMENTS, &params).await?;
    chunk.put(&payments, ("payments", 1, 0), rows::payment, |history, payment| {
        history.payment = Some(payment);
    })?;
    let full = u32::try_from(payments.len()).is_ok_and(|read| read == limit);
    if full && let Some(last) = chunk.found.keys().next_back() {
        chunk.until = *last;
    }
    chunk.beside().await?;
    let rest = full.then_some(HistoryRange { after: Some(chunk.until), until: range.until });
    Ok(Histories { read: chunk.found.into_values().collect(), rest })
}

#[async_trait]
impl Records for PostgresStore {
    async fn history_ranges(&self, parts: u32) -> Result<Vec<HistoryRange>, StoreError> {
        let session = self.snapshot().await?;
        let count = ask(&session, "SELECT count(*) FROM payments", &[]).await?;
        let count = count.first().map_or(Ok(0), |row| number(row, 0))?;
        let step = count.checked_div(i64::from(parts)).unwrap_or(count);
        let mut ranges = Vec::new();
        let mut after = None;
        for part in 1..i64::from(parts) {
            let found = ask(
                &session,
                "SELECT merchant_id, id FROM payments ORDER BY merchant_id, id OFFSET $1 LIMIT 1",
                &[&step.saturating_mul(part)],
            )
            .await?;
            let Some(row) = found.first() else { break };
            let until = Some(HistoryKey(number(row, 0)?, number(row, 1)?));
            ranges.push(HistoryRange { after, until });
            after = until;
        }
        ranges.push(HistoryRange { after, until: None });
        Ok(ranges)
    }

    async fn histories(&self, range: HistoryRange, limit: u32) -> Result<Histories, StoreError> {
        read(&self.snapshot().await?, range, limit).await
    }

    async fn history(&self, id: PaymentId) -> Result<Option<History>, StoreError> {
        let session = self.snapshot().await?;
        let id = id.stored();
        let found = ask(&session, "SELECT merchant_id FROM payments WHERE id = $1", &[&id]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let merchant = number(row, 0)?;
        let range = HistoryRange {
            after: Some(HistoryKey(merchant, id.saturating_sub(1))),
            until: Some(HistoryKey(merchant, id)),
        };
        Ok(read(&session, range, 2).await?.read.into_iter().next())
    }

    async fn stray_rows(&self, limit: u32) -> Result<Vec<StrayRow>, StoreError> {
        let session = self.snapshot().await?;
        let found = ask(&session, STRAY, &[&i64::from(limit)]).await?;
        let stray = |row: &Row| {
            Ok(StrayRow { table: derived(rows::get(row, 0)?), row: rows::get(row, 1)? })
        };
        found.iter().map(stray).collect()
    }

    async fn walk_audit_log(&self, walk: AuditWalk, limit: u32) -> Result<AuditWalk, StoreError> {
        let session = self.snapshot().await?;
        let walked = audit::walk(&session, &self.audit_key, walk, limit).await;
        walked.map_err(|error| unavailable(&error))
    }

    async fn postings(
        &self,
        scope: Scope,
        after: Option<PostingKey>,
        limit: u32,
    ) -> Result<Vec<(PostingKey, Posting)>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant.0),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        let [of, cause, sequence, account] =
            after.map_or([i64::MIN, i64::MIN, i64::MIN, i64::MIN], |after| after.0);
        let account = i32::try_from(account).unwrap_or(i32::MIN);
        let session = self.snapshot().await?;
        let params: [&(dyn ToSql + Sync); 6] =
            [&of, &cause, &sequence, &account, &merchant, &i64::from(limit)];
        let found = ask(&session, LISTED_POSTINGS, &params).await?;
        let listed = |row: &Row| {
            let posting = rows::posting(row)?;
            let account: i32 = row.try_get(2).map_err(|error| unavailable(&error))?;
            let account = i64::from(account);
            let key = PostingKey([posting.merchant.0, number(row, 0)?, posting.sequence, account]);
            Ok((key, posting))
        };
        found.iter().map(listed).collect()
    }
}
