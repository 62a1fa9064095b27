//! Messages of banks: kept, handled, forgotten, listed.

use super::QueryError;
use super::queries::list;
use super::rows::Place;
use super::writer::{WriteError, execute};
use domain::bank_message::{Heard, KeptMessage, MessageId, MessageKey};
use domain::time::Timestamp;
use engine::changeset::BankMessageChange;
use engine::error::CommitError;
use engine::ports::MessagesAsked;
use rusqlite::{Connection, Row};

pub(super) fn change(
    connection: &Connection,
    change: &BankMessageChange,
) -> Result<(), WriteError> {
    match change {
        BankMessageChange::Receive(message) => {
            // The same again is seen once more; another body under the id changes no row.
            let received = execute(
                connection,
                "INSERT INTO bank_messages (connector, message, received_at, our_reference, \
                 digest, body, times_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) \
                 ON CONFLICT (connector, message) DO UPDATE SET times_seen = times_seen + 1 \
                 WHERE digest = excluded.digest",
                (
                    &message.key.connector,
                    message.key.id.as_str(),
                    message.received_at.micros(),
                    &message.our_reference,
                    message.digest,
                    message.body.as_str(),
                ),
            )?;
            if received == 0 {
                return Err(WriteError::Refused(CommitError::Exists("bank's message")));
            }
        }
        BankMessageChange::Contradict { key, other_body } => {
            execute(
                connection,
                "UPDATE bank_messages SET other_body = ?1, times_seen = times_seen + 1 \
                 WHERE connector = ?2 AND message = ?3",
                (other_body.as_str(), &key.connector, key.id.as_str()),
            )?;
        }
        BankMessageChange::Handle { key, at, heard } => {
            execute(
                connection,
                "UPDATE bank_messages SET handled_at = ?1, heard = ?2 \
                 WHERE connector = ?3 AND message = ?4 AND handled_at IS NULL",
                (at.micros(), heard.name(), &key.connector, key.id.as_str()),
            )?;
        }
        BankMessageChange::Forget { before } => {
            execute(
                connection,
                "DELETE FROM bank_messages WHERE received_at < ?1 AND handled_at IS NOT NULL",
                [before.micros()],
            )?;
        }
    }
    Ok(())
}

/// The columns of [`kept`], in order.
const COLUMNS: &str = "connector, message, received_at, our_reference, body, times_seen, \
    other_body, handled_at, heard";

/// The one place where a row becomes a message.
fn kept(row: &Row<'_>) -> Result<KeptMessage, QueryError> {
    let (connector, id): (String, String) = (row.get(0)?, row.get(1)?);
    let place = Place { table: "bank_messages", row: format!("{connector}/{id}") };
    let id = MessageId::parse(&id).map_err(|_invalid| place.corrupt("message"))?;
    let handled_at = row.get::<_, Option<i64>>(7)?.map(Timestamp::from_micros);
    let heard = row
        .get_ref(8)?
        .as_str_or_null()
        .map_err(rusqlite::Error::from)?
        .map(|name| Heard::from_name(name).ok_or_else(|| place.corrupt("heard")))
        .transpose()?;
    Ok(KeptMessage {
        key: MessageKey { connector, id },
        received_at: Timestamp::from_micros(row.get(2)?),
        our_reference: row.get(3)?,
        body: row.get(4)?,
        times_seen: row.get(5)?,
        other_body: row.get(6)?,
        handled: handled_at.zip(heard),
    })
}

pub(super) fn waiting(connection: &Connection, limit: u32) -> Result<Vec<KeptMessage>, QueryError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM bank_messages WHERE handled_at IS NULL ORDER BY received_at LIMIT ?1"
    );
    list(connection, &sql, [limit], kept)
}

pub(super) fn newest(
    connection: &Connection,
    asked: &MessagesAsked,
) -> Result<Vec<KeptMessage>, QueryError> {
    let unknown = if asked.unknown_only { "heard = 'unknown'" } else { "TRUE" };
    let sql = format!(
        "SELECT {COLUMNS} FROM bank_messages WHERE (received_at, connector, message) < (?1, ?2, ?3) \
         AND {unknown} ORDER BY received_at DESC, connector DESC, message DESC LIMIT ?4"
    );
    let last = Timestamp::from_micros(i64::MAX);
    let (at, connector, message) = asked.before.as_ref().map_or((last, "", ""), |before| {
        (before.received_at, &*before.key.connector, before.key.id.as_str())
    });
    list(connection, &sql, (at.micros(), connector, message, asked.limit), kept)
}
