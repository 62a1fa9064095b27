//! Webhook deliveries, their attempts, and the endpoints that they go to.

use super::queries::list;
use super::rows::{self, AttemptedRow, EndpointRow, endpoint_key, took_micros};
use super::statements::Statements;
use super::writer::{Place, WriteError, Written, execute, one_or};
use super::{QueryError, archive};
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    DeliveryState, Destination, DueDelivery, DueDestination, NewDelivery,
};
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::time::Timestamp;
use engine::changeset::{EndpointHealth, Resend, StoredEndpoint};
use engine::error::CommitError;
use engine::ports::DueDestinations;
use rusqlite::{Connection, OptionalExtension as _, Row};

/// A delivery's key when its payment's place is not known.
macro_rules! key {
    () => {
        "place = (SELECT place FROM payments WHERE id = ?1) AND sequence = ?2 AND endpoint = ?3"
    };
}

type Key = (i64, i32, i64);

fn key(id: DeliveryId) -> Key {
    (id.payment.stored(), id.sequence, endpoint_key(id.endpoint))
}

pub(super) fn insert(
    statements: &mut Statements<'_>,
    place: Place,
    delivery: &NewDelivery,
) -> Written {
    statements.execute(
        "INSERT INTO deliveries (place, sequence, endpoint, payment_id, merchant_id, ter_no, \
         event_type, url, destination, content_type, body, created_at, begun_at, state, attempts, \
         next_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 'pending', 0, ?12)",
        (
            place,
            delivery.id.sequence,
            endpoint_key(delivery.id.endpoint),
            delivery.id.payment.stored(),
            delivery.merchant.0,
            delivery.terminal.0,
            delivery.event_type.name(),
            delivery.url.as_str(),
            delivery.destination.0,
            delivery.content_type,
            &delivery.body,
            delivery.created_at.micros(),
        ),
    )?;
    Ok(())
}

/// One that hangs on a payment that is not changed with it; once only.
pub(super) fn insert_alone(statements: &mut Statements<'_>, delivery: &NewDelivery) -> Written {
    let place: Option<Place> = statements.first(
        "SELECT place FROM payments WHERE id = ?1",
        [delivery.id.payment.stored()],
        |row| row.get(0),
    )?;
    let place = match place {
        Some(place) => place,
        None if archive::bring_back(statements.connection(), delivery.id.payment)? => {
            return insert_alone(statements, delivery);
        }
        None => return Err(WriteError::Refused(CommitError::Stale("payment"))),
    };
    let there = statements.first(
        concat!("SELECT 1 FROM deliveries WHERE ", key!()),
        key(delivery.id),
        |_row| Ok(()),
    )?;
    if there.is_some() { Ok(()) } else { insert(statements, place, delivery) }
}

pub(super) fn record_attempt(statements: &mut Statements<'_>, row: &AttemptedRow) -> Written {
    let (payment, sequence, endpoint) = key(row.id);
    let attempt = &row.attempt;
    // A delivery that was acknowledged or given up meanwhile stays so.
    let changed = statements.execute(
        concat!(
            "UPDATE deliveries SET state = ?4, attempts = ?5, next_at = ?6, last_at = ?7, \
             last_took = ?8, last_status = ?9, last_answer = ?10, last_error = ?11 \
             WHERE ",
            key!(),
            " AND state = 'pending'"
        ),
        (
            payment,
            sequence,
            endpoint,
            row.state,
            row.attempts,
            row.next_at,
            attempt.at.micros(),
            took_micros(attempt),
            attempt.http_status,
            &attempt.answer,
            &attempt.error,
        ),
    )?;
    if changed == 1 && attempt.error.is_some() {
        log_last(statements.connection(), row.id)?;
    }
    Ok(())
}

/// Puts the last attempt of a delivery into the log.
fn log_last(connection: &Connection, id: DeliveryId) -> Written {
    execute(
        connection,
        concat!(
            "INSERT INTO delivery_attempts (place, sequence, endpoint, at, payment_id, merchant_id, \
             took, status, answer, error) \
             SELECT place, sequence, endpoint, last_at, payment_id, merchant_id, \
             coalesce(last_took, 0), last_status, last_answer, last_error \
             FROM deliveries WHERE ",
            key!(),
            " AND last_at IS NOT NULL ON CONFLICT DO NOTHING"
        ),
        key(id),
    )?;
    Ok(())
}

pub(super) fn resend(connection: &Connection, resend: &Resend) -> Written {
    for delivery in &resend.deliveries {
        archive::bring_back(connection, delivery.id.payment)?;
        log_last(connection, delivery.id)?;
        let (payment, sequence, endpoint) = key(delivery.id);
        execute(
            connection,
            concat!(
                "UPDATE deliveries SET next_at = ?4, begun_at = ?4, \
                 attempts = CASE state WHEN 'pending' THEN attempts ELSE 0 END, \
                 state = 'pending' WHERE ",
                key!()
            ),
            (payment, sequence, endpoint, resend.at.micros()),
        )?;
    }
    Ok(())
}

pub(super) fn write_endpoint(connection: &Connection, row: &EndpointRow) -> Written {
    let endpoint = &row.endpoint;
    let (written, refusal) = match row.expected_version {
        None => (
            execute(
                connection,
                "INSERT INTO endpoints (number, merchant_id, ter_no, mode, url, events, \
                 description, state, state_since, failing_since, sealed_secrets, version, \
                 created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 ON CONFLICT DO NOTHING",
                (
                    endpoint.number.0,
                    endpoint.merchant.0,
                    endpoint.terminal.map(|terminal| terminal.0),
                    endpoint.mode.name(),
                    endpoint.url.as_str(),
                    &row.events,
                    &endpoint.description,
                    endpoint.state.name(),
                    endpoint.state_since.micros(),
                    endpoint.failing_since.map(Timestamp::micros),
                    &endpoint.sealed_secrets,
                    endpoint.version,
                    endpoint.created_at.micros(),
                ),
            )?,
            CommitError::Exists("endpoint"),
        ),
        Some(expected) => (
            execute(
                connection,
                "UPDATE endpoints SET url = ?1, events = ?2, description = ?3, state = ?4, \
                 failing_since = CASE WHEN state_since = ?5 THEN failing_since ELSE ?6 END, \
                 state_since = ?5, sealed_secrets = ?7, version = ?8 \
                 WHERE number = ?9 AND version = ?10",
                (
                    endpoint.url.as_str(),
                    &row.events,
                    &endpoint.description,
                    endpoint.state.name(),
                    endpoint.state_since.micros(),
                    endpoint.failing_since.map(Timestamp::micros),
                    &endpoint.sealed_secrets,
                    endpoint.version,
                    endpoint.number.0,
                    expected,
                ),
            )?,
            CommitError::Stale("endpoint"),
        ),
    };
    one_or(written, refusal)
}

pub(super) fn note_health(connection: &Connection, health: &EndpointHealth) -> Written {
    match health.failed_at {
        Some(at) => execute(
            connection,
            "UPDATE endpoints SET failing_since = ?2 WHERE number = ?1 AND failing_since IS NULL",
            (health.endpoint.0, at.micros()),
        )?,
        None => execute(
            connection,
            "UPDATE endpoints SET failing_since = NULL \
             WHERE number = ?1 AND failing_since IS NOT NULL",
            [health.endpoint.0],
        )?,
    };
    Ok(())
}

/// Each step jumps to the next queue in the index, whatever waits in between.
pub(super) fn due_destinations(
    connection: &Connection,
    after: Option<Destination>,
    now: Timestamp,
    limit: u32,
) -> Result<DueDestinations, QueryError> {
    let mut statement = connection.prepare_cached(
        "SELECT destination, merchant_id, attempts, next_at FROM deliveries \
         WHERE next_at IS NOT NULL AND destination > ?1 ORDER BY destination, next_at LIMIT 1",
    )?;
    let mut found = DueDestinations::default();
    let mut last = after.map_or(i64::MIN, |after| after.0);
    for _step in 0..limit {
        let next = statement
            .query_row([last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((destination, merchant, attempts, next_at)) = next else { return Ok(found) };
        let next_at: i64 = next_at;
        if next_at <= now.micros() {
            found.due.push(DueDestination {
                destination: Destination(destination),
                merchant: MerchantId(merchant),
                attempts,
            });
        }
        last = destination;
    }
    found.next = Some(Destination(last));
    Ok(found)
}

/// What is due in a queue, the longest due first.
pub(super) fn due(
    connection: &Connection,
    destination: Destination,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueDelivery>, QueryError> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE destination = ?1 AND next_at <= ?2 \
         ORDER BY next_at, place, sequence LIMIT ?3",
        rows::DUE_DELIVERY
    );
    list(connection, &sql, (destination.0, now.micros(), limit), rows::due_delivery)
}

/// Numbers of the terminals whose deliveries a filter may show.
fn terminals(connection: &Connection, filter: &DeliveryFilter) -> Result<Vec<i64>, QueryError> {
    list(
        connection,
        "SELECT ter_no FROM terminals WHERE ter_no = coalesce(?1, ter_no) \
         AND merchant_id = coalesce(?2, merchant_id)",
        (filter.terminal.map(|one| one.0), filter.merchant.map(|one| one.0)),
        |row| Ok(row.get(0)?),
    )
}

/// The condition that the index by terminal, or that of the dead ones, answers.
fn condition(filter: &DeliveryFilter) -> &'static str {
    if filter.state == Some(DeliveryState::Dead) {
        "ter_no = ?1 AND state = 'dead' AND created_at >= ?2 AND created_at < ?3 \
         AND endpoint = coalesce(?4, endpoint) AND ?5 = 'dead' AND (?6 IS NULL OR event_type = ?6)"
    } else {
        "ter_no = ?1 AND created_at >= ?2 AND created_at < ?3 \
         AND endpoint = coalesce(?4, endpoint) AND state = coalesce(?5, state) \
         AND (?6 IS NULL OR event_type = ?6)"
    }
}

type Conditions = (i64, i64, i64, Option<i64>, Option<&'static str>, Option<&'static str>);

fn conditions(terminal: i64, filter: &DeliveryFilter) -> Conditions {
    (
        terminal,
        filter.from.map_or(i64::MIN, Timestamp::micros),
        filter.until.map_or(i64::MAX, Timestamp::micros),
        filter.endpoint.map(|endpoint| endpoint.0),
        filter.state.map(DeliveryState::name),
        filter.event_type.map(domain::event_type::EventType::name),
    )
}

pub(super) fn records(
    connection: &Connection,
    filter: &DeliveryFilter,
    after: Option<DeliveryCursor>,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, QueryError> {
    let mut found = Vec::new();
    if filter.payment.is_some() {
        found = of_payment(connection, filter)?;
    } else {
        let sql = format!(
            "SELECT {} FROM deliveries WHERE {} \
             AND (created_at, payment_id, sequence, endpoint) < (?7, ?8, ?9, ?10) \
             ORDER BY created_at DESC, payment_id DESC, sequence DESC, endpoint DESC LIMIT ?11",
            rows::DELIVERY_RECORD,
            condition(filter)
        );
        let (at, (payment, sequence, endpoint)) =
            after.map_or((i64::MAX, (0, 0, 0)), |after| (after.created_at.micros(), key(after.id)));
        for terminal in terminals(connection, filter)? {
            let (ter_no, from, until, to, state, event_type) = conditions(terminal, filter);
            // One upper bound: of two, the index is searched by the first.
            let until = until.min(at.saturating_add(1));
            found.extend(list(
                connection,
                &sql,
                (
                    ter_no, from, until, to, state, event_type, at, payment, sequence, endpoint,
                    limit,
                ),
                rows::delivery_record,
            )?);
        }
    }
    Ok(DeliveryRecord::page(found, after, limit))
}

/// Those of a terminal, the oldest first.
pub(super) fn since(
    connection: &Connection,
    terminal: TerminalNumber,
    from: Timestamp,
    after: Option<DeliveryCursor>,
    limit: u32,
) -> Result<Vec<DeliveryRecord>, QueryError> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE ter_no = ?1 AND created_at >= ?2 AND created_at >= ?3 \
         AND (created_at, payment_id, sequence, endpoint) > (?3, ?4, ?5, ?6) \
         ORDER BY created_at, payment_id, sequence, endpoint LIMIT ?7",
        rows::DELIVERY_RECORD
    );
    let (at, (payment, sequence, endpoint)) =
        after.map_or((i64::MIN, (0, 0, 0)), |after| (after.created_at.micros(), key(after.id)));
    let from = from.micros();
    let params = (terminal.0, from, at, payment, sequence, endpoint, limit);
    list(connection, &sql, params, rows::delivery_record)
}

/// The few of one payment.
fn of_payment(
    connection: &Connection,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryRecord>, QueryError> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE place = (SELECT place FROM payments WHERE id = ?1)",
        rows::DELIVERY_RECORD
    );
    let payment = filter.payment.map(domain::id::PaymentId::stored);
    let mut found = list(connection, &sql, [payment], rows::delivery_record)?;
    found.retain(|record| filter.lets_through(record));
    Ok(found)
}

pub(super) fn count(connection: &Connection, filter: &DeliveryFilter) -> Result<u64, QueryError> {
    if filter.payment.is_some() {
        return Ok(u64::try_from(of_payment(connection, filter)?.len()).unwrap_or(u64::MAX));
    }
    let sql = format!("SELECT count(*) FROM deliveries WHERE {}", condition(filter));
    let mut sum = 0_u64;
    for terminal in terminals(connection, filter)? {
        let counted: i64 = connection
            .prepare_cached(&sql)?
            .query_row(conditions(terminal, filter), |row| row.get(0))?;
        sum = sum.saturating_add(u64::try_from(counted).unwrap_or(0));
    }
    Ok(sum)
}

pub(super) fn detail(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<DeliveryDetail>, QueryError> {
    let sql = format!(
        "SELECT {}, content_type, body FROM deliveries WHERE {}",
        rows::DELIVERY_RECORD,
        key!()
    );
    let found = list(connection, &sql, key(id), |row| {
        Ok((rows::delivery_record(row)?, row.get(16)?, row.get(17)?))
    })?;
    let Some((record, content_type, body)) = found.into_iter().next() else { return Ok(None) };
    let sql = concat!(
        "SELECT at, took, status, answer, error FROM delivery_attempts WHERE ",
        key!(),
        " ORDER BY at"
    );
    let logged = list(connection, sql, key(id), |row: &Row<'_>| rows::attempt(row, 0))?;
    let attempts = record.with_last(logged);
    Ok(Some(DeliveryDetail { record, content_type, body, attempts }))
}

pub(super) fn backlog(connection: &Connection, now: Timestamp) -> Result<Backlog, QueryError> {
    let counted = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(next_at <= ?1), 0), min(next_at) FROM deliveries \
             WHERE next_at IS NOT NULL",
        )?
        .query_row([now.micros()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (pending, due, oldest): (i64, i64, Option<i64>) = counted;
    let [pending, due] = [pending, due].map(|count| u64::try_from(count).unwrap_or(0));
    let oldest_due = oldest.map(Timestamp::from_micros).filter(|at| *at <= now);
    Ok(Backlog { pending, due, oldest_due })
}

pub(super) fn endpoints(
    connection: &Connection,
    merchant: Option<MerchantId>,
) -> Result<Vec<StoredEndpoint>, QueryError> {
    let whose = if merchant.is_some() { "merchant_id = ?1" } else { "?1 IS NULL" };
    let sql =
        format!("SELECT {} FROM endpoints WHERE {whose} ORDER BY number", rows::ENDPOINT_COLUMNS);
    list(connection, &sql, [merchant.map(|merchant| merchant.0)], rows::endpoint)
}

pub(super) fn endpoint(
    connection: &Connection,
    number: EndpointNumber,
) -> Result<Option<StoredEndpoint>, QueryError> {
    let sql = format!("SELECT {} FROM endpoints WHERE number = ?1", rows::ENDPOINT_COLUMNS);
    Ok(list(connection, &sql, [number.0], rows::endpoint)?.into_iter().next())
}
