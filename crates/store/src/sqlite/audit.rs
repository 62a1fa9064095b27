//! The audit log's table: lines added to the chain in the commit of what they tell of, and the
//! walk that proves the chain whole.

use super::{QueryError, writer};
use crate::audit_chain::{self, AuditKey, Chain, Head, Line};
use engine::changeset::AuditLine;
use engine::verify::AuditWalk;
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str =
    "id, at, actor, caller, action, result, ter_no, request_id, detail, seal, merchant_id, user_id";

/// Adds a line. The transaction holds the write lock, so that nobody else adds one meanwhile, and
/// the head is read anew: another process may have added the last line.
pub(super) fn insert(
    connection: &Connection,
    key: &AuditKey,
    line: &AuditLine,
) -> Result<(), rusqlite::Error> {
    let chain = match head(connection)? {
        Some(head) => Chain { lines: head.lines, last: head.last },
        None => chain_of_unsealed(connection, key)?,
    };
    let id = connection
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM audit_log")?
        .query_row([], |row| row.get(0))?;
    let caller = line.caller.map(|caller| caller.to_string());
    let line = Line::of(id, line, caller.as_deref());
    let seal = audit_chain::seal(key, &chain.last, &line);
    writer::execute(
        connection,
        "INSERT INTO audit_log (id, at, actor, caller, action, result, ter_no, request_id, detail, \
         seal, merchant_id, user_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        (
            line.id,
            line.at,
            line.actor,
            line.caller,
            line.action,
            line.result,
            line.ter_no,
            line.request_id,
            line.detail,
            seal,
            line.merchant,
            line.user,
        ),
    )?;
    let head = chain.after(seal).head(key);
    writer::execute(
        connection,
        "INSERT INTO audit_head (one, lines, last, seal) VALUES (1, ?1, ?2, ?3) \
         ON CONFLICT (one) DO UPDATE SET lines = excluded.lines, last = excluded.last, \
         seal = excluded.seal",
        (head.lines, head.last, head.seal),
    )?;
    Ok(())
}

fn head(connection: &Connection) -> Result<Option<Head>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT lines, last, seal FROM audit_head WHERE one = 1")?
        .query_row([], |row| Ok(Head { lines: row.get(0)?, last: row.get(1)?, seal: row.get(2)? }))
        .optional()
}

/// What the first sealed line follows: all that were written before the chain. Read once in the
/// life of a database.
fn chain_of_unsealed(connection: &Connection, key: &AuditKey) -> Result<Chain, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM audit_log ORDER BY id");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut chain = Chain::BEGINNING;
    while let Some(row) = rows.next()? {
        chain = chain.after_unsealed(key, &line_of(row)?);
    }
    Ok(chain)
}

fn line_of<'a>(row: &'a Row<'_>) -> Result<Line<'a>, rusqlite::Error> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let optional =
        |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    Ok(Line {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: text(2)?,
        caller: optional(3)?,
        action: text(4)?,
        result: text(5)?,
        ter_no: row.get(6)?,
        request_id: optional(7)?,
        detail: text(8)?,
        merchant: row.get(10)?,
        user: row.get(11)?,
    })
}

/// Goes on with a walk for some lines, and ends it with the head of the same moment when there
/// are no more. The caller has a transaction open.
pub(super) fn walk(
    connection: &Connection,
    key: &AuditKey,
    mut walk: AuditWalk,
    limit: u32,
) -> Result<AuditWalk, QueryError> {
    let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE id >= ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((walk.from, limit))?;
    let mut seen = 0_u32;
    while let Some(row) = rows.next()? {
        seen = seen.saturating_add(1);
        let stored = row.get_ref(9)?.as_bytes_or_null().map_err(rusqlite::Error::from)?;
        audit_chain::walk(key, &mut walk, &line_of(row)?, stored);
    }
    if seen < limit {
        audit_chain::finish(key, &mut walk, head(connection)?);
    }
    Ok(walk)
}
