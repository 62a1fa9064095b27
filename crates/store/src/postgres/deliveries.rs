//! Webhook deliveries, their attempts, and the endpoints that they go to. What changes with a
//! payment, and what attempts come to, is written by [`super::batch`].

use super::months::{Month, Months};
use super::queries::{Readers, micros};
use super::rows::{self, delivery_columns, endpoint_columns, endpoint_key};
use super::session::Session;
use super::single::{Written, execute, one_or};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    DeliveryState, Destination, DueDelivery, NewDelivery,
};
use domain::event_type::EventType;
use domain::id::TerminalNumber;
use domain::time::Timestamp;
use engine::changeset::{EndpointChange, EndpointHealth, Resend};
use engine::error::{CommitError, StoreError};
use engine::ports::DueDestinations;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_postgres::types::ToSql;

/// Each step jumps to the next queue in the index, whatever waits in between.
const DUE_DESTINATIONS: &str = "\
WITH RECURSIVE step AS (
    (SELECT destination, merchant_id, attempts, next_at, 1 AS number FROM due_deliveries
     WHERE destination > $1 ORDER BY destination, next_at LIMIT 1)
    UNION ALL
    SELECT d.destination, d.merchant_id, d.attempts, d.next_at, s.number + 1
    FROM step s CROSS JOIN LATERAL (
        SELECT destination, merchant_id, attempts, next_at FROM due_deliveries
        WHERE destination > s.destination ORDER BY destination, next_at LIMIT 1
    ) d
    WHERE s.number < $2
)
SELECT destination, merchant_id, attempts, next_at FROM step";

/// The database's clock counts, for nodes' clocks differ. Rows that another node is claiming at
/// this moment are passed over.
const CLAIM: &str = "\
WITH clock AS (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
), due AS (
    SELECT d.payment_id, d.sequence, d.endpoint
    FROM unnest($2::int8[], $3::int8[]) AS w (destination, most) CROSS JOIN LATERAL (
        SELECT payment_id, sequence, endpoint FROM due_deliveries
        WHERE destination = w.destination AND next_at <= $1
            AND (claimed_until IS NULL OR claimed_until <= (SELECT now FROM clock))
        ORDER BY next_at, sequence LIMIT w.most FOR UPDATE SKIP LOCKED
    ) d
)
UPDATE due_deliveries d SET claimed_until = (SELECT now FROM clock) + $4 FROM due
WHERE d.payment_id = due.payment_id AND d.sequence = due.sequence AND d.endpoint = due.endpoint
RETURNING d.payment_id, d.sequence, d.endpoint, d.merchant_id";

/// What was claimed.
const CLAIMED: &str = "\
SELECT d.payment_id, d.sequence, d.endpoint, d.merchant_id, d.ter_no, d.url, d.destination,
    d.content_type, d.body, d.attempts, d.created_at, d.begun_at, d.next_at
FROM unnest($1::int8[], $2::int4[], $3::int8[], $4::int8[])
    AS k (payment_id, sequence, endpoint, merchant_id)
JOIN deliveries@ d ON d.merchant_id = k.merchant_id AND d.payment_id = k.payment_id
    AND d.sequence = k.sequence AND d.endpoint = k.endpoint
WHERE d.state = 'pending'";

pub(super) async fn due_destinations(
    readers: &Readers,
    after: Option<Destination>,
    now: Timestamp,
    limit: u32,
) -> Result<DueDestinations, StoreError> {
    let after = after.map_or(i64::MIN, |after| after.0);
    let steps = i32::try_from(limit).unwrap_or(i32::MAX);
    let found = readers.ask(DUE_DESTINATIONS, &[&after, &steps]).await?;
    let is_full = u32::try_from(found.len()).is_ok_and(|steps| steps >= limit);
    let mut due = Vec::new();
    let mut last = None;
    for row in &found {
        let (destination, next_at) = rows::due_destination(row)?;
        last = Some(destination.destination);
        if next_at <= now {
            due.push(destination);
        }
    }
    Ok(DueDestinations { due, next: last.filter(|_| is_full) })
}

/// Keys of deliveries, by column.
#[derive(Default)]
struct Keys {
    payments: Vec<i64>,
    sequences: Vec<i32>,
    endpoints: Vec<i64>,
    merchants: Vec<i64>,
}

/// Claims are asked for on a connection of their own, which does not wait for the disk. What they
/// say is asked where the payments' months are.
pub(super) async fn claim(
    (claims, months): (&Readers, &Months),
    now: Timestamp,
    lease: Duration,
    wanted: &[(Destination, u32)],
) -> Result<Vec<DueDelivery>, StoreError> {
    let destinations: Vec<i64> = wanted.iter().map(|(destination, _)| destination.0).collect();
    let most: Vec<i64> = wanted.iter().map(|(_, most)| i64::from(*most)).collect();
    let params: [&(dyn ToSql + Sync); 4] = [&now.micros(), &destinations, &most, &micros(lease)];
    let mut by_month: BTreeMap<Month, Keys> = BTreeMap::new();
    for row in claims.ask(CLAIM, &params).await? {
        let payment: i64 = rows::get(&row, 0)?;
        let keys = by_month.entry(months.of(payment)).or_default();
        keys.payments.push(payment);
        keys.sequences.push(rows::get(&row, 1)?);
        keys.endpoints.push(rows::get(&row, 2)?);
        keys.merchants.push(rows::get(&row, 3)?);
    }
    let mut found = Vec::new();
    for (month, keys) in &by_month {
        let Keys { payments, sequences, endpoints, merchants } = keys;
        let params: [&(dyn ToSql + Sync); 4] = [payments, sequences, endpoints, merchants];
        found.extend(claims.ask_in(*month, CLAIMED, &params).await?);
    }
    found.sort_by_cached_key(|row| {
        (row.try_get::<_, Option<i64>>(12).ok(), row.try_get::<_, i32>(1).ok())
    });
    found.iter().map(rows::due_delivery).collect()
}

/// Of each terminal that the filter may show a page, by the index of its deliveries. The cursor is
/// said twice: once so that the index finds the place.
macro_rules! list {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM terminals t CROSS JOIN LATERAL (
                SELECT * FROM deliveries WHERE ter_no = t.ter_no AND merchant_id = t.merchant_id
                    AND created_at >= $3 AND created_at < $4 AND ",
            $condition,
            " AND created_at <= $8
                    AND (created_at, payment_id, sequence, endpoint) < ($8, $9, $10, $11)
                ORDER BY created_at DESC, payment_id DESC, sequence DESC, endpoint DESC LIMIT $12
            ) d
            WHERE t.ter_no = coalesce($1, t.ter_no)
                AND t.merchant_id = coalesce($2, t.merchant_id)
            ORDER BY d.created_at DESC, d.payment_id DESC, d.sequence DESC, d.endpoint DESC
            LIMIT $12"
        )
    };
}

/// Those of a terminal, the oldest first.
const SINCE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM deliveries d WHERE d.ter_no = $1 AND d.created_at >= $2 AND d.created_at >= $3
        AND (d.created_at, d.payment_id, d.sequence, d.endpoint) > ($3, $4, $5, $6)
    ORDER BY d.created_at, d.payment_id, d.sequence, d.endpoint LIMIT $7"
);

macro_rules! count {
    ($condition:literal) => {
        concat!(
            "SELECT count(*) FROM terminals t JOIN deliveries USING (merchant_id, ter_no)
             WHERE t.ter_no = coalesce($1, t.ter_no)
                AND t.merchant_id = coalesce($2, t.merchant_id)
                AND deliveries.created_at >= $3 AND deliveries.created_at < $4 AND ",
            $condition
        )
    };
}

const LIST: &str = list!(
    "endpoint = coalesce($5, endpoint) AND state = coalesce($6, state) \
     AND ($7::text IS NULL OR event_type = $7)"
);
const LIST_DEAD: &str = list!(
    "state = 'dead' AND endpoint = coalesce($5, endpoint) AND $6::text = 'dead' \
     AND ($7::text IS NULL OR event_type = $7)"
);
const COUNT: &str = count!(
    "endpoint = coalesce($5, endpoint) AND state = coalesce($6, state) \
     AND ($7::text IS NULL OR event_type = $7)"
);
const COUNT_DEAD: &str = count!(
    "state = 'dead' AND endpoint = coalesce($5, endpoint) AND $6::text = 'dead' \
     AND ($7::text IS NULL OR event_type = $7)"
);

const OF_PAYMENT: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM payments@ p JOIN deliveries@ d ON d.merchant_id = p.merchant_id AND d.payment_id = p.id \
     WHERE p.id = $1"
);

const DETAIL: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", d.content_type, d.body \
     FROM payments@ p JOIN deliveries@ d ON d.merchant_id = p.merchant_id AND d.payment_id = p.id \
     WHERE p.id = $1 AND d.sequence = $2 AND d.endpoint = $3"
);

const ATTEMPTS: &str = "\
SELECT a.at, a.took, a.status, a.answer, a.error
FROM payments@ p JOIN delivery_attempts@ a ON a.merchant_id = p.merchant_id AND a.payment_id = p.id
WHERE p.id = $1 AND a.sequence = $2 AND a.endpoint = $3 ORDER BY a.at";

const BACKLOG: &str = "\
SELECT count(*), count(*) FILTER (WHERE next_at <= $1), min(next_at)
FROM due_deliveries";

/// The endpoints of a merchant or (null) of all.
pub(super) const ENDPOINTS: &str = concat!(
    "SELECT ",
    endpoint_columns!(),
    " FROM endpoints WHERE merchant_id = coalesce($1, merchant_id) ORDER BY number"
);

/// An endpoint by its number.
pub(super) const ENDPOINT: &str =
    concat!("SELECT ", endpoint_columns!(), " FROM endpoints WHERE number = $1");

fn is_dead(filter: &DeliveryFilter) -> bool {
    filter.state == Some(DeliveryState::Dead)
}

/// The filter as parameters, `$1` to `$7`.
struct Conditions {
    terminal: Option<i64>,
    merchant: Option<i64>,
    from: i64,
    until: i64,
    endpoint: Option<i64>,
    state: Option<&'static str>,
    event_type: Option<&'static str>,
}

impl Conditions {
    fn new(filter: &DeliveryFilter) -> Self {
        Self {
            terminal: filter.terminal.map(|terminal| terminal.0),
            merchant: filter.merchant.map(|merchant| merchant.0),
            from: filter.from.map_or(i64::MIN, Timestamp::micros),
            until: filter.until.map_or(i64::MAX, Timestamp::micros),
            endpoint: filter.endpoint.map(|endpoint| endpoint.0),
            state: filter.state.map(DeliveryState::name),
            event_type: filter.event_type.map(EventType::name),
        }
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 7] {
        [
            &self.terminal,
            &self.merchant,
            &self.from,
            &self.until,
            &self.endpoint,
            &self.state,
            &self.event_type,
        ]
    }
}

pub(super) async fn records(
    (readers, months): (&Readers, &Months),
    filter: &DeliveryFilter,
    after: Option<DeliveryCursor>,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, StoreError> {
    if filter.payment.is_some() {
        return Ok(DeliveryRecord::page(of_payment(readers, months, filter).await?, after, limit));
    }
    let conditions = Conditions::new(filter);
    let (at, id) = match after {
        None => (i64::MAX, (0, 0, 0)),
        Some(after) => (after.created_at.micros(), key(after.id)),
    };
    let limit = i64::from(limit);
    let mut params: Vec<&(dyn ToSql + Sync)> = conditions.params().to_vec();
    params.extend::<[&(dyn ToSql + Sync); 5]>([&at, &id.0, &id.1, &id.2, &limit]);
    let sql = if is_dead(filter) { LIST_DEAD } else { LIST };
    readers.ask(sql, &params).await?.iter().map(rows::delivery_record).collect()
}

pub(super) async fn since(
    readers: &Readers,
    terminal: TerminalNumber,
    from: Timestamp,
    after: Option<DeliveryCursor>,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, StoreError> {
    let (at, id) = match after {
        None => (i64::MIN, (0, 0, 0)),
        Some(after) => (after.created_at.micros(), key(after.id)),
    };
    let (from, limit) = (from.micros(), i64::from(limit));
    let params: [&(dyn ToSql + Sync); 7] = [&terminal.0, &from, &at, &id.0, &id.1, &id.2, &limit];
    readers.ask(SINCE, &params).await?.iter().map(rows::delivery_record).collect()
}

fn key(id: DeliveryId) -> (i64, i32, i64) {
    (id.payment.stored(), id.sequence, endpoint_key(id.endpoint))
}

/// The few of one payment.
async fn of_payment(
    readers: &Readers,
    months: &Months,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryRecord>, StoreError> {
    let Some(payment) = filter.payment.map(domain::id::PaymentId::stored) else {
        return Ok(Vec::new());
    };
    let found = readers.ask_in(months.of(payment), OF_PAYMENT, &[&payment]).await?;
    let mut records =
        found.iter().map(rows::delivery_record).collect::<Result<Vec<_>, StoreError>>()?;
    records.retain(|record| filter.lets_through(record));
    Ok(records)
}

pub(super) async fn count(
    (readers, months): (&Readers, &Months),
    filter: &DeliveryFilter,
) -> Result<u64, StoreError> {
    if filter.payment.is_some() {
        let found = of_payment(readers, months, filter).await?;
        return Ok(u64::try_from(found.len()).unwrap_or(u64::MAX));
    }
    let sql = if is_dead(filter) { COUNT_DEAD } else { COUNT };
    let found = readers.ask(sql, &Conditions::new(filter).params()).await?;
    found.first().map_or(Ok(0), rows::counted)
}

pub(super) async fn detail(
    (readers, months): (&Readers, &Months),
    id: DeliveryId,
) -> Result<Option<DeliveryDetail>, StoreError> {
    let (payment, sequence, endpoint) = key(id);
    let params: [&(dyn ToSql + Sync); 3] = [&payment, &sequence, &endpoint];
    let month = months.of(payment);
    let found = readers.ask_in(month, DETAIL, &params).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let record = rows::delivery_record(row)?;
    let (content_type, body) = rows::delivery_text(row)?;
    let logged = readers.ask_in(month, ATTEMPTS, &params).await?;
    let logged = logged.iter().map(|row| rows::attempt(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let attempts = record.with_last(logged);
    Ok(Some(DeliveryDetail { record, content_type, body, attempts }))
}

pub(super) async fn backlog(readers: &Readers, now: Timestamp) -> Result<Backlog, StoreError> {
    let found = readers.ask(BACKLOG, &[&now.micros()]).await?;
    found.first().map_or(Ok(Backlog::default()), |row| rows::backlog(row, now))
}

/// One that hangs on a payment that is not changed with it; once only.
pub(super) async fn insert_alone(session: &Session, delivery: &NewDelivery) -> Written {
    execute(
        session,
        "WITH queued AS ( \
         INSERT INTO deliveries (merchant_id, payment_id, sequence, endpoint, ter_no, event_type, \
         url, destination, content_type, body, created_at, begun_at, state, attempts, next_at) \
         SELECT merchant_id, id, $3, $4, ter_no, $5, $6, $7, $8, $9, $10::int8, $10, 'pending', 0, \
         $10 FROM payments WHERE merchant_id = $1 AND id = $2 ON CONFLICT DO NOTHING \
         RETURNING merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at) \
         INSERT INTO due_deliveries (merchant_id, payment_id, sequence, endpoint, destination, \
         attempts, next_at) SELECT * FROM queued",
        &[
            &delivery.merchant.0,
            &delivery.id.payment.stored(),
            &delivery.id.sequence,
            &endpoint_key(delivery.id.endpoint),
            &delivery.event_type.name(),
            &delivery.url.as_str(),
            &delivery.destination.0,
            &delivery.content_type,
            &delivery.body,
            &delivery.created_at.micros(),
        ],
    )
    .await?;
    Ok(())
}

/// What it came to goes into the log, then it begins anew.
pub(super) async fn resend(session: &Session, resend: &Resend) -> Written {
    let mut merchants = Vec::new();
    let mut payments = Vec::new();
    let mut sequences = Vec::new();
    let mut endpoints = Vec::new();
    for delivery in &resend.deliveries {
        let (payment, sequence, endpoint) = key(delivery.id);
        merchants.push(delivery.merchant.0);
        payments.push(payment);
        sequences.push(sequence);
        endpoints.push(endpoint);
    }
    let keys: [&(dyn ToSql + Sync); 4] = [&merchants, &payments, &sequences, &endpoints];
    execute(
        session,
        "INSERT INTO delivery_attempts (merchant_id, payment_id, sequence, endpoint, at, took, \
         status, answer, error) \
         SELECT merchant_id, payment_id, sequence, endpoint, last_at, coalesce(last_took, 0), \
         last_status, last_answer, last_error \
         FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::int8[]) \
            AS k (merchant_id, payment_id, sequence, endpoint) \
         JOIN deliveries USING (merchant_id, payment_id, sequence, endpoint) \
         WHERE last_at IS NOT NULL ON CONFLICT DO NOTHING",
        &keys,
    )
    .await?;
    let at = resend.at.micros();
    let mut params = keys.to_vec();
    params.push(&at);
    execute(
        session,
        "WITH begun AS ( \
         UPDATE deliveries d SET next_at = $5::int8, begun_at = $5, state = 'pending', \
         attempts = CASE d.state WHEN 'pending' THEN d.attempts ELSE 0 END \
         FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::int8[]) \
            AS k (merchant_id, payment_id, sequence, endpoint) \
         WHERE d.merchant_id = k.merchant_id AND d.payment_id = k.payment_id \
            AND d.sequence = k.sequence AND d.endpoint = k.endpoint \
         RETURNING d.merchant_id, d.payment_id, d.sequence, d.endpoint, d.destination, \
            d.attempts, d.next_at) \
         INSERT INTO due_deliveries (merchant_id, payment_id, sequence, endpoint, destination, \
         attempts, next_at) SELECT * FROM begun \
         ON CONFLICT (payment_id, sequence, endpoint) DO UPDATE \
         SET attempts = excluded.attempts, next_at = excluded.next_at, claimed_until = NULL",
        &params,
    )
    .await?;
    Ok(())
}

pub(super) async fn write_endpoint(
    session: &Session,
    events: &str,
    change: &EndpointChange,
) -> Written {
    let endpoint = &change.endpoint;
    let (url, mode, state) = (endpoint.url.as_str(), endpoint.mode.name(), endpoint.state.name());
    let (since, failing) =
        (endpoint.state_since.micros(), endpoint.failing_since.map(Timestamp::micros));
    let (written, refusal) = match change.expected_version {
        None => (
            execute(
                session,
                "INSERT INTO endpoints (number, merchant_id, ter_no, mode, url, events, \
                 description, state, state_since, failing_since, sealed_secrets, version, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                 ON CONFLICT DO NOTHING",
                &[
                    &endpoint.number.0,
                    &endpoint.merchant.0,
                    &endpoint.terminal.map(|terminal| terminal.0),
                    &mode,
                    &url,
                    &events,
                    &endpoint.description,
                    &state,
                    &since,
                    &failing,
                    &endpoint.sealed_secrets,
                    &endpoint.version,
                    &endpoint.created_at.micros(),
                ],
            )
            .await?,
            CommitError::Exists("endpoint"),
        ),
        Some(expected) => (
            execute(
                session,
                "UPDATE endpoints SET url = $1, events = $2, description = $3, state = $4, \
                 failing_since = CASE WHEN state_since = $5 THEN failing_since ELSE $6 END, \
                 state_since = $5, sealed_secrets = $7, version = $8 \
                 WHERE number = $9 AND version = $10",
                &[
                    &url,
                    &events,
                    &endpoint.description,
                    &state,
                    &since,
                    &failing,
                    &endpoint.sealed_secrets,
                    &endpoint.version,
                    &endpoint.number.0,
                    &expected,
                ],
            )
            .await?,
            CommitError::Stale("endpoint"),
        ),
    };
    one_or(written, refusal)
}

pub(super) async fn note_health(session: &Session, health: &EndpointHealth) -> Written {
    let failed_at = health.failed_at.map(Timestamp::micros);
    execute(
        session,
        "UPDATE endpoints SET failing_since = $3::int8 WHERE merchant_id = $1 AND number = $2 \
         AND (failing_since IS NULL) = ($3::int8 IS NOT NULL)",
        &[&health.merchant.0, &health.endpoint.0, &failed_at],
    )
    .await?;
    Ok(())
}
