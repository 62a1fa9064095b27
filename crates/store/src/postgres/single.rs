//! A changeset in a transaction of its own: for the rare kinds of rows, and for one that spoilt a
//! batch.

use super::months::Month;
use super::rows::Ready;
use super::session::Session;
use super::{audit, bank_messages, batch, deliveries, desks};
use crate::audit_chain::AuditKey;
use domain::merchant::Merchant;
use engine::changeset::{IdempotencyChange, StoredAnswer, TerminalChange};
use engine::error::{CommitError, KeyInUse};
use tokio_postgres::types::ToSql;

/// Why a changeset was not written: refused by a rule, or broken.
#[derive(Debug)]
pub(super) enum WriteError {
    Refused(CommitError),
    Broken(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for WriteError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<CommitError> for WriteError {
    fn from(refusal: CommitError) -> Self {
        Self::Refused(refusal)
    }
}

pub(super) type Written = Result<(), WriteError>;

/// Writes all of it, or nothing. After a failure the connection is as it was before, or closed.
pub(super) async fn write(session: &Session, audit_key: &AuditKey, ready: &Ready) -> Written {
    if ready.is_one_statement() {
        // Its own transaction already: one round trip, not three.
        return rows(session, audit_key, ready).await;
    }
    session.client().batch_execute("BEGIN").await?;
    let written = rows(session, audit_key, ready).await;
    if written.is_ok() {
        return Ok(session.client().batch_execute("COMMIT").await?);
    }
    if let Err(error) = session.client().batch_execute("ROLLBACK").await {
        tracing::debug!(%error, "not rolled back; the connection is closed");
        session.discard();
    }
    written
}

async fn rows(session: &Session, audit_key: &AuditKey, ready: &Ready) -> Written {
    let changeset = &ready.changeset;
    if ready.payment().is_some() || !changeset.attempted.is_empty() {
        let one = [ready];
        let changed = batch::write(session, Month::ANY, &one).await?;
        batch::replies(session, &one, &changed).await?.into_iter().collect::<Result<(), _>>()?;
    }
    if changeset.payment.is_none() {
        for delivery in &changeset.deliveries {
            deliveries::insert_alone(session, delivery).await?;
        }
    }
    if let Some(resend) = &changeset.resend {
        deliveries::resend(session, resend).await?;
    }
    if let Some(change) = &changeset.endpoint {
        deliveries::write_endpoint(session, &ready.events, change).await?;
    }
    if let Some(health) = &changeset.endpoint_health {
        deliveries::note_health(session, health).await?;
    }
    if let Some(change) = &changeset.idempotency {
        change_idempotency(session, change).await?;
    }
    if let Some(merchant) = &changeset.merchant {
        insert_merchant(session, merchant).await?;
    }
    if let Some(change) = &changeset.terminal {
        write_terminal(session, ready, change).await?;
    }
    if let Some(change) = &changeset.bank_message {
        bank_messages::change(session, change).await?;
    }
    for change in &changeset.desk {
        desks::write(session, change).await?;
    }
    if let Some(line) = &changeset.audit {
        audit::insert(session, audit_key, line).await?;
    }
    Ok(())
}

pub(super) async fn execute(
    session: &Session,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<u64, tokio_postgres::Error> {
    let statement = session.statement(sql).await?;
    session.client().execute(&statement, params).await
}

async fn change_idempotency(session: &Session, change: &IdempotencyChange) -> Written {
    match change {
        IdempotencyChange::Begin { terminal, merchant, key, request, at, abandoned_before } => {
            let taken = execute(
                session,
                "INSERT INTO idempotency_keys (ter_no, key, merchant_id, request, began_at) \
                 VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (ter_no, key, merchant_id) DO UPDATE SET began_at = excluded.began_at \
                 WHERE idempotency_keys.status IS NULL AND idempotency_keys.began_at < $6 \
                 AND idempotency_keys.request = excluded.request",
                &[
                    &terminal.0,
                    key,
                    &merchant.0,
                    &request.as_slice(),
                    &at.micros(),
                    &abandoned_before.micros(),
                ],
            )
            .await?;
            if taken == 1 {
                return Ok(());
            }
            return Err(key_in_use(session, terminal.0, key).await?.into());
        }
        IdempotencyChange::Finish { terminal, key, answer } => {
            execute(
                session,
                "UPDATE idempotency_keys SET status = $1, body = $2 \
                 WHERE ter_no = $3 AND key = $4 AND status IS NULL",
                &[&i32::from(answer.status), &answer.body, &terminal.0, key],
            )
            .await?;
        }
        IdempotencyChange::Forget { terminal, key } => {
            execute(
                session,
                "DELETE FROM idempotency_keys WHERE ter_no = $1 AND key = $2 AND status IS NULL",
                &[&terminal.0, key],
            )
            .await?;
        }
    }
    Ok(())
}

/// What is known of a key that was not free.
async fn key_in_use(
    session: &Session,
    terminal: i64,
    key: &str,
) -> Result<CommitError, tokio_postgres::Error> {
    let statement = session
        .statement(
            "SELECT request, status, body FROM idempotency_keys WHERE ter_no = $1 AND key = $2",
        )
        .await?;
    // Between the two statements the first request may have given it back.
    let Some(row) = session.client().query_opt(&statement, &[&terminal, &key]).await? else {
        return Ok(CommitError::Busy);
    };
    let request: Option<[u8; 32]> = row.try_get::<_, &[u8]>(0)?.try_into().ok();
    let status = row.try_get::<_, Option<i32>>(1)?.and_then(|status| u16::try_from(status).ok());
    let answer = status.zip(row.try_get::<_, Option<String>>(2)?);
    Ok(match request {
        Some(request) => CommitError::KeyInUse(KeyInUse {
            request,
            answer: answer.map(|(status, body)| StoredAnswer { status, body }),
        }),
        None => CommitError::Unavailable("idempotency_keys.request is no digest".to_owned()),
    })
}

async fn insert_merchant(session: &Session, merchant: &Merchant) -> Written {
    let inserted = execute(
        session,
        "INSERT INTO merchants (id, name, active, approved, version, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            &merchant.id.0,
            &merchant.name,
            &merchant.active,
            &merchant.approved,
            &merchant.version,
            &merchant.created_at.micros(),
        ],
    )
    .await?;
    one_or(inserted, CommitError::Exists("merchant"))
}

pub(super) fn one_or(changed: u64, refusal: CommitError) -> Written {
    if changed == 1 { Ok(()) } else { Err(refusal.into()) }
}

async fn write_terminal(session: &Session, ready: &Ready, change: &TerminalChange) -> Written {
    let terminal = &change.terminal;
    let (written, refusal) = match change.expected_version {
        None => (
            execute(
                session,
                "INSERT INTO terminals (ter_no, merchant_id, name, mode, active, settings, \
                 public_keys, sealed_secrets, version, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
                &[
                    &terminal.number.0,
                    &terminal.merchant.0,
                    &terminal.name,
                    &terminal.mode.name(),
                    &terminal.active,
                    &ready.settings,
                    &ready.public_keys,
                    &terminal.sealed_secrets,
                    &terminal.version,
                    &terminal.created_at.micros(),
                ],
            )
            .await?,
            CommitError::Exists("terminal"),
        ),
        Some(expected) => (
            execute(
                session,
                "UPDATE terminals SET name = $1, active = $2, settings = $3, public_keys = $4, \
                 sealed_secrets = $5, version = $6 WHERE ter_no = $7 AND version = $8",
                &[
                    &terminal.name,
                    &terminal.active,
                    &ready.settings,
                    &ready.public_keys,
                    &terminal.sealed_secrets,
                    &terminal.version,
                    &terminal.number.0,
                    &expected,
                ],
            )
            .await?,
            CommitError::Stale("terminal"),
        ),
    };
    one_or(written, refusal)?;
    execute(session, "DELETE FROM terminal_keys WHERE ter_no = $1", &[&terminal.number.0]).await?;
    for key in &terminal.public_keys {
        let inserted = execute(
            session,
            "INSERT INTO terminal_keys (merchant_id, public_key, ter_no) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
            &[&terminal.merchant.0, key, &terminal.number.0],
        )
        .await?;
        one_or(inserted, CommitError::Exists("public key"))?;
    }
    Ok(())
}
