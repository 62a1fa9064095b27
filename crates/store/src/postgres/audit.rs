//! The audit log's table: lines added to the chain in the commit of what they tell of, and the
//! walk that proves the chain whole.

use super::session::Session;
use crate::audit_chain::{self, AuditKey, Chain, Head, Line, Seal};
use engine::changeset::AuditLine;
use engine::verify::AuditWalk;
use tokio_postgres::Row;

/// One node at a time adds a line; "auditlog" in ASCII.
const LOCK: i64 = 0x6175_6469_746c_6f67;

const WALK: &str = "\
SELECT id, at, actor, caller, action, result, ter_no, request_id, detail, seal, merchant_id,
    user_id FROM audit_log
WHERE id >= $1 ORDER BY id LIMIT $2";

type Error = tokio_postgres::Error;

/// Adds a line. A transaction must be open; from here to its end nobody else adds one. It is taken
/// last of all locks by everyone, so that nobody waits in a circle.
pub(super) async fn insert(
    session: &Session,
    key: &AuditKey,
    line: &AuditLine,
) -> Result<(), Error> {
    let client = session.client();
    let lock = session.statement("SELECT pg_advisory_xact_lock($1)").await?;
    client.execute(&lock, &[&LOCK]).await?;
    // Read after the lock was got: the last line may be another node's.
    let last = session.statement("SELECT coalesce(max(id), 0) + 1 FROM audit_log").await?;
    let id: i64 = client.query_one(&last, &[]).await?.try_get(0)?;
    let chain = match head(session).await? {
        Some(head) => Chain { lines: head.lines, last: head.last },
        None => chain_of_unsealed(session, key).await?,
    };
    let caller = line.caller.map(|caller| caller.to_string());
    let line = Line::of(id, line, caller.as_deref());
    let seal = audit_chain::seal(key, &chain.last, &line);
    let head = chain.after(seal).head(key);
    let add = session
        .statement(
            "WITH head AS (
                 INSERT INTO audit_head (one, lines, last, seal) VALUES (1, $13, $14, $15)
                 ON CONFLICT (one) DO UPDATE SET lines = excluded.lines, last = excluded.last,
                     seal = excluded.seal
             )
             INSERT INTO audit_log (id, at, actor, caller, action, result, ter_no, request_id,
                 detail, seal, merchant_id, user_id)
             OVERRIDING SYSTEM VALUE
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .await?;
    client
        .execute(
            &add,
            &[
                &line.id,
                &line.at,
                &line.actor,
                &line.caller,
                &line.action,
                &line.result,
                &line.ter_no,
                &line.request_id,
                &line.detail,
                &seal.as_slice(),
                &line.merchant,
                &line.user,
                &head.lines,
                &head.last.as_slice(),
                &head.seal.as_slice(),
            ],
        )
        .await?;
    Ok(())
}

async fn head(session: &Session) -> Result<Option<Head>, Error> {
    let sql = "SELECT lines, last, seal FROM audit_head WHERE one = 1";
    let statement = session.statement(sql).await?;
    let row = session.client().query_opt(&statement, &[]).await?;
    row.map(|row| {
        let lines = row.try_get(0)?;
        Ok(Head { lines, last: seal_of(row.try_get(1)?), seal: seal_of(row.try_get(2)?) })
    })
    .transpose()
}

/// A seal of the table's, whose length the schema checks. One of another length is none.
fn seal_of(bytes: &[u8]) -> Seal {
    bytes.try_into().unwrap_or_default()
}

/// What the first sealed line follows: all that were written before the chain. Read once in the
/// life of a database.
async fn chain_of_unsealed(session: &Session, key: &AuditKey) -> Result<Chain, Error> {
    let statement = session.statement(WALK).await?;
    let rows = session.client().query(&statement, &[&i64::MIN, &i64::MAX]).await?;
    let mut chain = Chain::BEGINNING;
    for row in &rows {
        chain = chain.after_unsealed(key, &line_of(row)?);
    }
    Ok(chain)
}

fn line_of(row: &Row) -> Result<Line<'_>, Error> {
    Ok(Line {
        id: row.try_get(0)?,
        at: row.try_get(1)?,
        actor: row.try_get(2)?,
        caller: row.try_get(3)?,
        action: row.try_get(4)?,
        result: row.try_get(5)?,
        ter_no: row.try_get(6)?,
        request_id: row.try_get(7)?,
        detail: row.try_get(8)?,
        merchant: row.try_get(10)?,
        user: row.try_get(11)?,
    })
}

/// Goes on with a walk for some lines, and ends it with the head of the same moment when there
/// are no more. A snapshot must be open.
pub(super) async fn walk(
    session: &Session,
    key: &AuditKey,
    mut walk: AuditWalk,
    limit: u32,
) -> Result<AuditWalk, Error> {
    let statement = session.statement(WALK).await?;
    let rows = session.client().query(&statement, &[&walk.from, &i64::from(limit)]).await?;
    for row in &rows {
        audit_chain::walk(key, &mut walk, &line_of(row)?, row.try_get(9)?);
    }
    if u32::try_from(rows.len()).is_ok_and(|seen| seen < limit) {
        audit_chain::finish(key, &mut walk, head(session).await?);
    }
    Ok(walk)
}
