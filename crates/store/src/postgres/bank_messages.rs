//! Messages of banks: kept, handled, forgotten, claimed, listed.

use super::queries::{Readers, micros};
use super::rows::{Place, get};
use super::session::Session;
use super::single::{WriteError, execute};
use domain::bank_message::{Heard, KeptMessage, MessageId, MessageKey};
use domain::time::Timestamp;
use engine::changeset::BankMessageChange;
use engine::error::{CommitError, StoreError};
use engine::ports::MessagesAsked;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// One statement, whatever the change.
pub(super) async fn change(
    session: &Session,
    change: &BankMessageChange,
) -> Result<(), WriteError> {
    match change {
        BankMessageChange::Receive(message) => {
            // The same again is seen once more; another body under the id changes no row.
            let received = execute(
                session,
                "INSERT INTO bank_messages (connector, message, received_at, our_reference, \
                 digest, body, times_seen) VALUES ($1, $2, $3, $4, $5, $6, 1) \
                 ON CONFLICT (connector, message) \
                 DO UPDATE SET times_seen = bank_messages.times_seen + 1 \
                 WHERE bank_messages.digest = excluded.digest",
                &[
                    &message.key.connector,
                    &message.key.id.as_str(),
                    &message.received_at.micros(),
                    &message.our_reference,
                    &message.digest.as_slice(),
                    &message.body.as_str(),
                ],
            )
            .await?;
            if received == 0 {
                return Err(CommitError::Exists("bank's message").into());
            }
        }
        BankMessageChange::Contradict { key, other_body } => {
            execute(
                session,
                "UPDATE bank_messages SET other_body = $1, times_seen = times_seen + 1 \
                 WHERE connector = $2 AND message = $3",
                &[&other_body.as_str(), &key.connector, &key.id.as_str()],
            )
            .await?;
        }
        BankMessageChange::Handle { key, at, heard } => {
            execute(
                session,
                "UPDATE bank_messages SET handled_at = $1, heard = $2 \
                 WHERE connector = $3 AND message = $4 AND handled_at IS NULL",
                &[&at.micros(), &heard.name(), &key.connector, &key.id.as_str()],
            )
            .await?;
        }
        BankMessageChange::Forget { before } => {
            execute(
                session,
                "DELETE FROM bank_messages WHERE received_at < $1 AND handled_at IS NOT NULL",
                &[&before.micros()],
            )
            .await?;
        }
    }
    Ok(())
}

/// The columns of [`kept`], in order; the table is `m`.
macro_rules! columns {
    () => {
        "m.connector, m.message, m.received_at, m.our_reference, m.body, m.times_seen, \
         m.other_body, m.handled_at, m.heard"
    };
}

/// The one place where a row becomes a message.
fn kept(row: &Row) -> Result<KeptMessage, StoreError> {
    let (connector, id): (String, &str) = (get(row, 0)?, get(row, 1)?);
    let place = Place { table: "bank_messages", row: format!("{connector}/{id}") };
    let id = MessageId::parse(id).map_err(|_invalid| place.corrupt("message"))?;
    let times_seen = u32::try_from(get::<i64>(row, 5)?);
    let handled_at = get::<Option<i64>>(row, 7)?.map(Timestamp::from_micros);
    let heard = get::<Option<&str>>(row, 8)?
        .map(|name| Heard::from_name(name).ok_or_else(|| place.corrupt("heard")))
        .transpose()?;
    Ok(KeptMessage {
        key: MessageKey { connector, id },
        received_at: Timestamp::from_micros(get(row, 2)?),
        our_reference: get(row, 3)?,
        body: get(row, 4)?,
        times_seen: times_seen.map_err(|_range| place.corrupt("times_seen"))?,
        other_body: get(row, 6)?,
        handled: handled_at.zip(heard),
    })
}

const CLAIM: &str = concat!(
    "WITH clock AS (
         SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
     ), due AS (
         SELECT connector, message FROM bank_messages
         WHERE handled_at IS NULL
             AND (claimed_until IS NULL OR claimed_until <= (SELECT now FROM clock))
         ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED
     )
     UPDATE bank_messages m SET claimed_until = (SELECT now FROM clock) + $2 FROM due
     WHERE m.connector = due.connector AND m.message = due.message
     RETURNING ",
    columns!()
);

const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM bank_messages m WHERE (m.received_at, m.connector, m.message) < ($1, $2, $3)
     AND ($4 = FALSE OR m.heard = 'unknown')
     ORDER BY m.received_at DESC, m.connector DESC, m.message DESC LIMIT $5"
);

pub(super) async fn claim(
    claims: &Readers,
    lease: Duration,
    limit: u32,
) -> Result<Vec<KeptMessage>, StoreError> {
    let params: [&(dyn ToSql + Sync); 2] = [&i64::from(limit), &micros(lease)];
    let found = claims.ask(CLAIM, &params).await?;
    let mut messages = found.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
    // An update returns its rows in no order.
    messages.sort_by_key(|message| message.received_at);
    Ok(messages)
}

pub(super) async fn newest(
    readers: &Readers,
    asked: &MessagesAsked,
) -> Result<Vec<KeptMessage>, StoreError> {
    let (at, connector, message) = asked.before.as_ref().map_or((i64::MAX, "", ""), |before| {
        (before.received_at.micros(), &*before.key.connector, before.key.id.as_str())
    });
    let limit = i64::from(asked.limit);
    let params: [&(dyn ToSql + Sync); 5] = [&at, &connector, &message, &asked.unknown_only, &limit];
    let found = readers.ask(NEWEST, &params).await?;
    found.iter().map(kept).collect()
}
