//! The desks' own rows: users, sessions, notes, the log of calls; and sums for overviews.

use super::batch::account_number;
use super::queries::Readers;
use super::rows::{self, Place, get};
use super::session::Session as Link;
use super::single::{Written, execute, one_or};
use crate::json::json;
use async_trait::async_trait;
use domain::api_call::{ApiCall, CallFilter, CallPlace, action_from_name};
use domain::api_token::ApiToken;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{Account, Posting};
use domain::merchant::Merchant;
use domain::method::MethodCode;
use domain::money::Currency;
use domain::payment_filter::PaymentFilter;
use domain::summary::{Day, PaymentSum, PostingSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::{Email, Note, Session, User, UserId};
use engine::actor::Scope;
use engine::changeset::{DeskChange, TokenChange};
use engine::error::{CommitError, StoreError};
use engine::ports::{AuditEntry, Desks, PostingPlace};
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio_postgres::Row;

/// Writes a change. A transaction is open.
pub(super) async fn write(session: &Link, change: &DeskChange) -> Written {
    match change {
        DeskChange::User { user, expected_version } => {
            write_user(session, user, *expected_version).await?;
        }
        DeskChange::Merchant { merchant, expected_version } => {
            write_merchant(session, merchant, *expected_version).await?;
        }
        DeskChange::SessionBegun(_)
        | DeskChange::SessionSeen { .. }
        | DeskChange::SessionEnded { .. }
        | DeskChange::SessionsEnded { .. }
        | DeskChange::SessionsForgotten { .. } => write_session(session, change).await?,
        DeskChange::Token(change) => write_token(session, change).await?,
        DeskChange::SignInTries { key, tries: 0, .. } => {
            let sql = "DELETE FROM sign_in_tries WHERE address = $1";
            execute(session, sql, &[&key.as_slice()]).await?;
        }
        DeskChange::SignInTries { key, tries, at } => {
            execute(
                session,
                "INSERT INTO sign_in_tries (address, tries, at) VALUES ($1, $2, $3) \
                 ON CONFLICT (address) DO UPDATE SET tries = excluded.tries, at = excluded.at",
                &[&key.as_slice(), &i64::from(*tries), &at.micros()],
            )
            .await?;
        }
        DeskChange::Note(note) => {
            let written = execute(
                session,
                "INSERT INTO notes (merchant_id, payment_id, at, author, text) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                &[
                    &note.merchant.0,
                    &note.payment.stored(),
                    &note.at.micros(),
                    &note.author,
                    &note.text,
                ],
            )
            .await?;
            one_or(written, CommitError::Exists("note"))?;
        }
        DeskChange::Calls(calls) => insert_calls(session, calls).await?,
        DeskChange::CallsForgotten { before } => {
            execute(session, "DELETE FROM api_calls WHERE at < $1", &[&before.micros()]).await?;
        }
    }
    Ok(())
}

async fn write_session(session: &Link, change: &DeskChange) -> Written {
    match change {
        DeskChange::SessionBegun(begun) => {
            execute(
                session,
                "INSERT INTO sessions (digest, user_id, created_at, seen_at, proved_at, caller, \
                 agent) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    &begun.digest.as_slice(),
                    &begun.user.0,
                    &begun.created_at.micros(),
                    &begun.seen_at.micros(),
                    &begun.proved_at.micros(),
                    &begun.caller,
                    &begun.agent,
                ],
            )
            .await?;
        }
        DeskChange::SessionSeen { digest, at, proved } => {
            execute(
                session,
                "UPDATE sessions SET seen_at = greatest(seen_at, $2), \
                 proved_at = CASE WHEN $3 THEN $2 ELSE proved_at END WHERE digest = $1",
                &[&digest.as_slice(), &at.micros(), proved],
            )
            .await?;
        }
        DeskChange::SessionEnded { digest } => {
            let sql = "DELETE FROM sessions WHERE digest = $1";
            execute(session, sql, &[&digest.as_slice()]).await?;
        }
        DeskChange::SessionsEnded { user, except } => {
            let sql =
                "DELETE FROM sessions WHERE user_id = $1 AND digest IS DISTINCT FROM $2::bytea";
            let except = except.as_ref().map(<[u8; 32]>::as_slice);
            execute(session, sql, &[&user.0, &except]).await?;
        }
        DeskChange::SessionsForgotten { before } => {
            let sql = "DELETE FROM sessions WHERE seen_at < $1";
            execute(session, sql, &[&before.micros()]).await?;
        }
        DeskChange::User { .. }
        | DeskChange::Merchant { .. }
        | DeskChange::Token(_)
        | DeskChange::SignInTries { .. }
        | DeskChange::Note(_)
        | DeskChange::Calls(_)
        | DeskChange::CallsForgotten { .. } => {}
    }
    Ok(())
}

async fn write_token(session: &Link, change: &TokenChange) -> Written {
    match change {
        TokenChange::Made(token) => {
            execute(
                session,
                "INSERT INTO api_tokens (digest, merchant_id, user_id, facts, created_at, \
                 expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    &token.digest.as_slice(),
                    &token.merchant.0,
                    &token.user.0,
                    &json(&token.facts)?,
                    &token.created_at.micros(),
                    &token.expires_at.micros(),
                    &token.used_at.map(Timestamp::micros),
                ],
            )
            .await?;
        }
        TokenChange::Used { digest, at } => {
            let sql = "UPDATE api_tokens SET used_at = greatest(used_at, $2) WHERE digest = $1";
            execute(session, sql, &[&digest.as_slice(), &at.micros()]).await?;
        }
        TokenChange::Ended { digest } => {
            let sql = "DELETE FROM api_tokens WHERE digest = $1";
            execute(session, sql, &[&digest.as_slice()]).await?;
        }
    }
    Ok(())
}

async fn write_user(session: &Link, user: &User, expected_version: Option<i64>) -> Written {
    let taken = session.statement("SELECT id FROM users WHERE email = $1 AND id <> $2").await?;
    let email = user.email.as_str();
    if session.client().query_opt(&taken, &[&email, &user.id.0]).await?.is_some() {
        return Err(CommitError::Exists("user").into());
    }
    let facts = json(&user.facts)?;
    let link = user.link.as_ref().map(<[u8; 32]>::as_slice);
    let merchant = user.merchant.map(|merchant| merchant.0);
    let (written, refusal) = match expected_version {
        None => (
            execute(
                session,
                "INSERT INTO users (id, merchant_id, email, link, facts, version, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                &[
                    &user.id.0,
                    &merchant,
                    &email,
                    &link,
                    &facts,
                    &user.version,
                    &user.created_at.micros(),
                ],
            )
            .await?,
            // Or the address meanwhile, which the next look finds.
            CommitError::NumberTaken,
        ),
        Some(expected) => (
            execute(
                session,
                "UPDATE users SET email = $1, link = $2, facts = $3, version = $4 \
                 WHERE id = $5 AND version = $6",
                &[&email, &link, &facts, &user.version, &user.id.0, &expected],
            )
            .await?,
            CommitError::Stale("user"),
        ),
    };
    one_or(written, refusal)
}

async fn write_merchant(session: &Link, merchant: &Merchant, expected: i64) -> Written {
    let changed = execute(
        session,
        "UPDATE merchants SET name = $1, active = $2, approved = $3, version = $4 \
         WHERE id = $5 AND version = $6",
        &[
            &merchant.name,
            &merchant.active,
            &merchant.approved,
            &merchant.version,
            &merchant.id.0,
            &expected,
        ],
    )
    .await?;
    one_or(changed, CommitError::Stale("merchant"))
}

/// All of a second in one statement.
async fn insert_calls(session: &Link, calls: &[ApiCall]) -> Written {
    let numbers = |of: fn(&ApiCall) -> i64| calls.iter().map(of).collect::<Vec<_>>();
    let micros = |call: &ApiCall| i64::try_from(call.took.as_micros()).unwrap_or(i64::MAX);
    let actions: Vec<&str> = calls.iter().map(|call| call.action).collect();
    let statuses: Vec<i32> = calls.iter().map(|call| i32::from(call.status)).collect();
    let errors: Vec<Option<&str>> = calls.iter().map(|call| call.error.as_deref()).collect();
    let requests: Vec<&str> = calls.iter().map(|call| call.request_id.as_str()).collect();
    let callers: Vec<Option<&str>> = calls.iter().map(|call| call.caller.as_deref()).collect();
    let payments: Vec<Option<i64>> =
        calls.iter().map(|call| call.payment.map(PaymentId::stored)).collect();
    execute(
        session,
        "INSERT INTO api_calls (merchant_id, at, number, ter_no, action, status, error, \
         request_id, caller, took, payment_id) \
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], \
         $6::integer[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[]) \
         ON CONFLICT DO NOTHING",
        &[
            &numbers(|call| call.merchant.0),
            &numbers(|call| call.at.micros()),
            &numbers(|call| call.number),
            &numbers(|call| call.terminal.0),
            &actions,
            &statuses,
            &errors,
            &requests,
            &callers,
            &numbers(micros),
            &payments,
        ],
    )
    .await?;
    Ok(())
}

macro_rules! user_columns {
    () => {
        "u.id, u.merchant_id, u.email, u.link, u.facts, u.version, u.created_at"
    };
}

macro_rules! session_columns {
    () => {
        "s.digest, s.user_id, s.created_at, s.seen_at, s.proved_at, s.caller, s.agent"
    };
}

macro_rules! token_columns {
    () => {
        "t.digest, t.merchant_id, t.user_id, t.facts, t.created_at, t.expires_at, t.used_at"
    };
}

fn user_from(row: &Row, first: usize) -> Result<User, StoreError> {
    let at = |column: usize| first.saturating_add(column);
    let id: i64 = get(row, at(0))?;
    let place = Place { table: "users", row: id.to_string() };
    let link = get::<Option<&[u8]>>(row, at(3))?.map(<[u8; 32]>::try_from).transpose();
    Ok(User {
        id: UserId(id),
        merchant: get::<Option<i64>>(row, at(1))?.map(MerchantId),
        email: Email::parse(get(row, at(2))?).map_err(|_form| place.corrupt("email"))?,
        link: link.map_err(|_length| place.corrupt("link"))?,
        facts: place.json("facts", get(row, at(4))?)?,
        version: get(row, at(5))?,
        created_at: Timestamp::from_micros(get(row, at(6))?),
    })
}

fn user(row: &Row) -> Result<User, StoreError> {
    user_from(row, 0)
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let user: i64 = get(row, 1)?;
    let place = Place { table: "sessions", row: format!("of user {user}") };
    let digest = <[u8; 32]>::try_from(get::<&[u8]>(row, 0)?);
    let moment =
        |column: usize| Ok::<_, StoreError>(Timestamp::from_micros(get::<i64>(row, column)?));
    Ok(Session {
        digest: digest.map_err(|_length| place.corrupt("digest"))?,
        user: UserId(user),
        created_at: moment(2)?,
        seen_at: moment(3)?,
        proved_at: moment(4)?,
        caller: get(row, 5)?,
        agent: get(row, 6)?,
    })
}

pub(super) async fn users(
    readers: &Readers,
    merchant: Option<MerchantId>,
) -> Result<Vec<User>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.merchant_id IS NOT DISTINCT FROM $1 ORDER BY u.id"
    );
    let merchant = merchant.map(|merchant| merchant.0);
    readers.ask(SQL, &[&merchant]).await?.iter().map(user).collect()
}

pub(super) async fn user_by_id(readers: &Readers, id: UserId) -> Result<Option<User>, StoreError> {
    const SQL: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
    readers.ask(SQL, &[&id.0]).await?.first().map(user).transpose()
}

pub(super) async fn user_by_email(
    readers: &Readers,
    email: &Email,
) -> Result<Option<User>, StoreError> {
    const SQL: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.email = $1");
    readers.ask(SQL, &[&email.as_str()]).await?.first().map(user).transpose()
}

pub(super) async fn user_by_link(
    readers: &Readers,
    link: [u8; 32],
) -> Result<Option<User>, StoreError> {
    const SQL: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.link = $1");
    readers.ask(SQL, &[&link.as_slice()]).await?.first().map(user).transpose()
}

pub(super) async fn session_with_user(
    readers: &Readers,
    digest: [u8; 32],
) -> Result<Option<(Session, User)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        user_columns!(),
        " FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = $1"
    );
    let found = readers.ask(SQL, &[&digest.as_slice()]).await?;
    found.first().map(|row| Ok((session(row)?, user_from(row, 7)?))).transpose()
}

pub(super) async fn sessions(readers: &Readers, user: UserId) -> Result<Vec<Session>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions s WHERE s.user_id = $1 ORDER BY s.created_at DESC"
    );
    readers.ask(SQL, &[&user.0]).await?.iter().map(session).collect()
}

fn token(row: &Row) -> Result<ApiToken, StoreError> {
    let user: i64 = get(row, 2)?;
    let place = Place { table: "api_tokens", row: format!("of user {user}") };
    let digest = <[u8; 32]>::try_from(get::<&[u8]>(row, 0)?);
    Ok(ApiToken {
        digest: digest.map_err(|_length| place.corrupt("digest"))?,
        merchant: MerchantId(get(row, 1)?),
        user: UserId(user),
        facts: place.json("facts", get(row, 3)?)?,
        created_at: Timestamp::from_micros(get(row, 4)?),
        expires_at: Timestamp::from_micros(get(row, 5)?),
        used_at: get::<Option<i64>>(row, 6)?.map(Timestamp::from_micros),
    })
}

pub(super) async fn token_with_user(
    readers: &Readers,
    digest: [u8; 32],
) -> Result<Option<(ApiToken, User)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        token_columns!(),
        ", ",
        user_columns!(),
        " FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.digest = $1"
    );
    let found = readers.ask(SQL, &[&digest.as_slice()]).await?;
    found.first().map(|row| Ok((token(row)?, user_from(row, 7)?))).transpose()
}

pub(super) async fn tokens(
    readers: &Readers,
    merchant: MerchantId,
) -> Result<Vec<ApiToken>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        token_columns!(),
        " FROM api_tokens t WHERE t.merchant_id = $1 ORDER BY t.created_at DESC"
    );
    readers.ask(SQL, &[&merchant.0]).await?.iter().map(token).collect()
}

pub(super) async fn sign_in_tries(
    readers: &Readers,
    key: [u8; 32],
) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let sql = "SELECT tries, at FROM sign_in_tries WHERE address = $1";
    let found = readers.ask(sql, &[&key.as_slice()]).await?;
    let tries = |row: &Row| {
        let tries = u32::try_from(get::<i64>(row, 0)?).unwrap_or(u32::MAX);
        Ok((tries, Timestamp::from_micros(get(row, 1)?)))
    };
    found.first().map(tries).transpose()
}

pub(super) async fn notes(
    readers: &Readers,
    merchant: MerchantId,
    payment: PaymentId,
) -> Result<Vec<Note>, StoreError> {
    let sql = "SELECT at, author, text FROM notes WHERE merchant_id = $1 AND payment_id = $2 \
               ORDER BY at";
    let found = readers.ask(sql, &[&merchant.0, &payment.stored()]).await?;
    let note = |row: &Row| {
        Ok(Note {
            merchant,
            payment,
            at: Timestamp::from_micros(get(row, 0)?),
            author: get(row, 1)?,
            text: get(row, 2)?,
        })
    };
    found.iter().map(note).collect()
}

fn call(row: &Row) -> Result<ApiCall, StoreError> {
    let number: i64 = get(row, 2)?;
    let place = Place { table: "api_calls", row: number.to_string() };
    let payment = get::<Option<i64>>(row, 10)?.map(PaymentId::from_stored).transpose();
    Ok(ApiCall {
        merchant: MerchantId(get(row, 0)?),
        at: Timestamp::from_micros(get(row, 1)?),
        number,
        terminal: TerminalNumber(get(row, 3)?),
        action: action_from_name(get(row, 4)?).ok_or_else(|| place.corrupt("action"))?,
        status: u16::try_from(get::<i32>(row, 5)?).map_err(|_range| place.corrupt("status"))?,
        error: get(row, 6)?,
        request_id: get(row, 7)?,
        caller: get(row, 8)?,
        took: Duration::from_micros(u64::try_from(get::<i64>(row, 9)?).unwrap_or(0)),
        payment: payment.map_err(|_form| place.corrupt("payment_id"))?,
    })
}

macro_rules! calls {
    ($of:literal, $at:literal) => {
        concat!(
            "SELECT merchant_id, at, number, ter_no, action, status, error, request_id, caller, \
             took, payment_id FROM api_calls WHERE merchant_id = $1 AND (",
            $at,
            ", number) < ($2, $3) AND ",
            $of,
            " AND (NOT $5::boolean OR error IS NOT NULL) \
             AND (cardinality($6::bigint[]) = 0 OR ter_no = ANY ($6)) ORDER BY ",
            $at,
            " DESC, number DESC LIMIT $7"
        )
    };
}

pub(super) async fn calls(
    readers: &Readers,
    merchant: MerchantId,
    filter: &CallFilter,
    before: Option<CallPlace>,
    limit: u32,
) -> Result<Vec<ApiCall>, StoreError> {
    const NEWEST: &str = calls!("$4::text IS NULL", "at");
    // The sum keeps the index by time out of it: there are few calls of one request.
    const OF_REQUEST: &str = calls!("request_id = $4", "at + 0");
    let sql = if filter.request_id.is_some() { OF_REQUEST } else { NEWEST };
    let (at, number) =
        before.map_or((i64::MAX, i64::MAX), |place| (place.at.micros(), place.number));
    let terminals: Vec<i64> = filter.terminals.iter().map(|terminal| terminal.0).collect();
    let found = readers
        .ask(
            sql,
            &[
                &merchant.0,
                &at,
                &number,
                &filter.request_id,
                &filter.refused_only,
                &terminals,
                &i64::from(limit),
            ],
        )
        .await?;
    found.iter().map(call).collect()
}

macro_rules! audit_lines {
    ($of:literal) => {
        concat!(
            "SELECT id, at, actor, caller, action, result, ter_no, request_id, detail, \
             merchant_id, user_id FROM audit_log WHERE id < $1 ",
            $of,
            " ORDER BY id DESC LIMIT $2"
        )
    };
}

pub(super) async fn audit_lines(
    readers: &Readers,
    merchant: Option<MerchantId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let (before, limit) = (before.unwrap_or(i64::MAX), i64::from(limit));
    let found = match merchant {
        Some(merchant) => {
            let sql = audit_lines!("AND merchant_id = $3");
            readers.ask(sql, &[&before, &limit, &merchant.0]).await?
        }
        None => readers.ask(audit_lines!(""), &[&before, &limit]).await?,
    };
    let entry = |row: &Row| {
        Ok(AuditEntry {
            id: get(row, 0)?,
            at: Timestamp::from_micros(get(row, 1)?),
            actor: get(row, 2)?,
            caller: get(row, 3)?,
            action: get(row, 4)?,
            result: get(row, 5)?,
            terminal: get::<Option<i64>>(row, 6)?.map(TerminalNumber),
            request_id: get(row, 7)?,
            detail: get(row, 8)?,
            merchant: get::<Option<i64>>(row, 9)?.map(MerchantId),
            user: get::<Option<i64>>(row, 10)?.map(UserId),
        })
    };
    found.iter().map(entry).collect()
}

/// From the first moment of the first day to the last one of the last day.
fn moments(days: &RangeInclusive<Day>) -> (Timestamp, Timestamp) {
    (days.start().begins(), days.end().plus(1).begins())
}

pub(super) async fn payment_sums(
    readers: &Readers,
    merchant: MerchantId,
    mode: Mode,
    days: &RangeInclusive<Day>,
) -> Result<Vec<PaymentSum>, StoreError> {
    // Numbers begin with the time, so that the months are left out in which none can be.
    const SQL: &str = "\
SELECT created_at / 86400000000, method, currency, state,
    CASE state WHEN 'declined' THEN facts::json ->> 'reason' END, authentication = 'challenge',
    refunded_minor > 0, count(*), sum(amount_minor)::bigint, sum(captured_minor)::bigint,
    sum(refunded_minor)::bigint
FROM payments WHERE merchant_id = $1 AND mode = $2 AND id BETWEEN $3 AND $4
AND created_at >= $5 AND created_at < $6 GROUP BY 1, 2, 3, 4, 5, 6, 7";
    let (from, until) = moments(days);
    let filter = PaymentFilter { from: Some(from), until: Some(until), ..PaymentFilter::default() };
    let (least, greatest) = filter.stored_numbers();
    let (from, until) = (from.micros(), until.micros());
    let mode = mode.name();
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&merchant.0, &mode, &least, &greatest, &from, &until];
    let found = readers.ask(SQL, &params).await?;
    let sum = |row: &Row| {
        let place = Place { table: "payments", row: format!("of merchant {merchant}") };
        let currency = Currency::from_code(get(row, 2)?);
        Ok(PaymentSum {
            day: Day(get(row, 0)?),
            method: MethodCode::from_code(get(row, 1)?).ok_or_else(|| place.corrupt("method"))?,
            currency: currency.map_err(|_code| place.corrupt("currency"))?,
            state: get(row, 3)?,
            reason: get(row, 4)?,
            challenged: get(row, 5)?,
            refunded: get(row, 6)?,
            count: get(row, 7)?,
            amount_minor: get(row, 8)?,
            captured_minor: get(row, 9)?,
            refunded_minor: get(row, 10)?,
        })
    };
    found.iter().map(sum).collect()
}

pub(super) async fn posting_sums(
    readers: &Readers,
    merchant: MerchantId,
    mode: Mode,
    days: &RangeInclusive<Day>,
) -> Result<Vec<PostingSum>, StoreError> {
    const SQL: &str = "\
SELECT at / 86400000000, currency, account, sum(amount_minor)::bigint, count(*)
FROM postings WHERE merchant_id = $1 AND mode = $2 AND at >= $3 AND at < $4 GROUP BY 1, 2, 3";
    let (from, until) = moments(days);
    let (from, until, mode) = (from.micros(), until.micros(), mode.name());
    let found = readers.ask(SQL, &[&merchant.0, &mode, &from, &until]).await?;
    let sum = |row: &Row| {
        let place = Place { table: "postings", row: format!("of merchant {merchant}") };
        let number: i32 = get(row, 2)?;
        let account = Account::ALL.into_iter().find(|one| account_number(*one) == number);
        let currency = Currency::from_code(get(row, 1)?);
        Ok(PostingSum {
            day: Day(get(row, 0)?),
            currency: currency.map_err(|_code| place.corrupt("currency"))?,
            account: account.ok_or_else(|| place.corrupt("account"))?,
            amount_minor: get(row, 3)?,
            postings: get(row, 4)?,
        })
    };
    found.iter().map(sum).collect()
}

pub(super) async fn postings_of_day(
    readers: &Readers,
    merchant: MerchantId,
    (mode, currency): (Mode, Currency),
    day: Day,
    after: Option<PostingPlace>,
    limit: u32,
) -> Result<Vec<Posting>, StoreError> {
    const SQL: &str = "\
SELECT cause_id, sequence, account, payment_id, merchant_id, mode, currency, amount_minor, at
FROM postings WHERE merchant_id = $1 AND mode = $2 AND currency = $3 AND at >= $4 AND at < $5
AND at <= $6 AND (at, payment_id, sequence, account) < ($6, $7, $8, $9)
ORDER BY at DESC, payment_id DESC, sequence DESC, account DESC LIMIT $10";
    let (from, until) = moments(&(day..=day));
    let (from, until) = (from.micros(), until.micros());
    let (at, payment, sequence, account) =
        after.map_or((i64::MAX, i64::MAX, i64::MAX, i32::MAX), |after| {
            let account = account_number(after.account);
            (after.at.micros(), after.payment.stored(), after.sequence, account)
        });
    let (mode, currency, limit) = (mode.name(), currency.code(), i64::from(limit));
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
        [&merchant.0, &mode, &currency, &from, &until, &at, &payment, &sequence, &account, &limit];
    readers.ask(SQL, &params).await?.iter().map(rows::posting).collect()
}

#[async_trait]
impl Desks for super::PostgresStore {
    async fn users(&self, merchant: Option<MerchantId>) -> Result<Vec<User>, StoreError> {
        users(&self.readers, merchant).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        user_by_id(&self.readers, id).await
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        user_by_email(&self.readers, email).await
    }

    async fn user_by_link(&self, link: [u8; 32]) -> Result<Option<User>, StoreError> {
        user_by_link(&self.readers, link).await
    }

    async fn session(&self, digest: [u8; 32]) -> Result<Option<(Session, User)>, StoreError> {
        session_with_user(&self.readers, digest).await
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        sessions(&self.readers, user).await
    }

    async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, User)>, StoreError> {
        token_with_user(&self.readers, digest).await
    }

    async fn tokens(&self, merchant: MerchantId) -> Result<Vec<ApiToken>, StoreError> {
        tokens(&self.readers, merchant).await
    }

    async fn sign_in_tries(&self, key: [u8; 32]) -> Result<Option<(u32, Timestamp)>, StoreError> {
        sign_in_tries(&self.readers, key).await
    }

    async fn notes(&self, merchant: MerchantId, id: PaymentId) -> Result<Vec<Note>, StoreError> {
        notes(&self.readers, merchant, id).await
    }

    async fn calls(
        &self,
        merchant: MerchantId,
        filter: &CallFilter,
        before: Option<CallPlace>,
        limit: u32,
    ) -> Result<Vec<ApiCall>, StoreError> {
        calls(&self.readers, merchant, filter, before, limit).await
    }

    async fn audit_lines(
        &self,
        scope: Scope,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant),
            Scope::Everything => None,
            Scope::Holder => return Ok(Vec::new()),
        };
        audit_lines(&self.readers, merchant, before, limit).await
    }

    async fn payment_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PaymentSum>, StoreError> {
        let (_turn, readers) = self.sums().await?;
        payment_sums(readers, merchant, mode, &days).await
    }

    async fn posting_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PostingSum>, StoreError> {
        let (_turn, readers) = self.sums().await?;
        posting_sums(readers, merchant, mode, &days).await
    }

    async fn postings_of_day(
        &self,
        merchant: MerchantId,
        in_what: (Mode, Currency),
        day: Day,
        after: Option<PostingPlace>,
        limit: u32,
    ) -> Result<Vec<Posting>, StoreError> {
        postings_of_day(&self.readers, merchant, in_what, day, after, limit).await
    }
}
