//! The desks' own rows: users, sessions, notes, the log of calls; and sums for overviews.

use super::QueryError;
use super::queries::list;
use super::rows::{self, Place};
use super::writer::{WriteError, Written, account_number, execute, one_or};
use crate::json::json;
use async_trait::async_trait;
use domain::api_call::{ApiCall, CallFilter, CallPlace, action_from_name};
use domain::api_token::ApiToken;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{Account, Posting};
use domain::merchant::Merchant;
use domain::method::MethodCode;
use domain::money::Currency;
use domain::summary::{Day, PaymentSum, PostingSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::{Email, Note, Session, User, UserId};
use engine::actor::Scope;
use engine::changeset::{DeskChange, TokenChange};
use engine::error::{CommitError, StoreError};
use engine::ports::{AuditEntry, Desks, PostingPlace};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::ops::RangeInclusive;
use std::time::Duration;

/// A change with its JSON written, so that the writer only binds it.
pub(super) struct DeskRow {
    pub(super) change: DeskChange,
    /// `users.facts`, `api_tokens.facts`
    pub(super) facts: String,
}

pub(super) fn encode(change: DeskChange) -> Result<DeskRow, CommitError> {
    let facts = match &change {
        DeskChange::User { user, .. } => json(&user.facts)?,
        DeskChange::Token(TokenChange::Made(token)) => json(&token.facts)?,
        DeskChange::Merchant { .. }
        | DeskChange::SessionBegun(_)
        | DeskChange::SessionSeen { .. }
        | DeskChange::SessionEnded { .. }
        | DeskChange::SessionsEnded { .. }
        | DeskChange::SessionsForgotten { .. }
        | DeskChange::Token(TokenChange::Used { .. } | TokenChange::Ended { .. })
        | DeskChange::SignInTries { .. }
        | DeskChange::Note(_)
        | DeskChange::Calls(_)
        | DeskChange::CallsForgotten { .. } => String::new(),
    };
    Ok(DeskRow { change, facts })
}

pub(super) fn write(connection: &Connection, row: &DeskRow) -> Written {
    match &row.change {
        DeskChange::User { user, expected_version } => {
            write_user(connection, user, &row.facts, *expected_version)?;
        }
        DeskChange::Merchant { merchant, expected_version } => {
            write_merchant(connection, merchant, *expected_version)?;
        }
        DeskChange::SessionBegun(_)
        | DeskChange::SessionSeen { .. }
        | DeskChange::SessionEnded { .. }
        | DeskChange::SessionsEnded { .. }
        | DeskChange::SessionsForgotten { .. } => write_session(connection, &row.change)?,
        DeskChange::Token(change) => write_token(connection, change, &row.facts)?,
        DeskChange::SignInTries { key, tries: 0, .. } => {
            execute(connection, "DELETE FROM sign_in_tries WHERE address = ?1", [key])?;
        }
        DeskChange::SignInTries { key, tries, at } => {
            execute(
                connection,
                "INSERT INTO sign_in_tries (address, tries, at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (address) DO UPDATE SET tries = excluded.tries, at = excluded.at",
                (key, tries, at.micros()),
            )?;
        }
        DeskChange::Note(note) => {
            let written = execute(
                connection,
                "INSERT INTO notes (merchant_id, payment_id, at, author, text) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                (
                    note.merchant.0,
                    note.payment.stored(),
                    note.at.micros(),
                    &note.author,
                    &note.text,
                ),
            )?;
            one_or(written, CommitError::Exists("note"))?;
        }
        DeskChange::Calls(calls) => {
            for call in calls {
                insert_call(connection, call)?;
            }
        }
        DeskChange::CallsForgotten { before } => {
            execute(connection, "DELETE FROM api_calls WHERE at < ?1", [before.micros()])?;
        }
    }
    Ok(())
}

fn write_session(connection: &Connection, change: &DeskChange) -> Written {
    match change {
        DeskChange::SessionBegun(session) => {
            execute(
                connection,
                "INSERT INTO sessions (digest, user_id, created_at, seen_at, proved_at, caller, \
                 agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    session.digest,
                    session.user.0,
                    session.created_at.micros(),
                    session.seen_at.micros(),
                    session.proved_at.micros(),
                    &session.caller,
                    &session.agent,
                ),
            )?;
        }
        DeskChange::SessionSeen { digest, at, proved } => {
            execute(
                connection,
                "UPDATE sessions SET seen_at = max(seen_at, ?2), \
                 proved_at = CASE WHEN ?3 THEN ?2 ELSE proved_at END WHERE digest = ?1",
                (digest, at.micros(), proved),
            )?;
        }
        DeskChange::SessionEnded { digest } => {
            execute(connection, "DELETE FROM sessions WHERE digest = ?1", [digest])?;
        }
        DeskChange::SessionsEnded { user, except } => {
            execute(
                connection,
                "DELETE FROM sessions WHERE user_id = ?1 AND digest IS NOT ?2",
                (user.0, except),
            )?;
        }
        DeskChange::SessionsForgotten { before } => {
            execute(connection, "DELETE FROM sessions WHERE seen_at < ?1", [before.micros()])?;
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

fn write_token(connection: &Connection, change: &TokenChange, facts: &str) -> Written {
    match change {
        TokenChange::Made(token) => {
            execute(
                connection,
                "INSERT INTO api_tokens (digest, merchant_id, user_id, facts, created_at, \
                 expires_at, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    token.digest,
                    token.merchant.0,
                    token.user.0,
                    facts,
                    token.created_at.micros(),
                    token.expires_at.micros(),
                    token.used_at.map(Timestamp::micros),
                ),
            )?;
        }
        TokenChange::Used { digest, at } => {
            execute(
                connection,
                "UPDATE api_tokens SET used_at = max(coalesce(used_at, 0), ?2) WHERE digest = ?1",
                (digest, at.micros()),
            )?;
        }
        TokenChange::Ended { digest } => {
            execute(connection, "DELETE FROM api_tokens WHERE digest = ?1", [digest])?;
        }
    }
    Ok(())
}

fn write_user(
    connection: &Connection,
    user: &User,
    facts: &str,
    expected_version: Option<i64>,
) -> Written {
    let taken: Option<i64> = connection
        .prepare_cached("SELECT id FROM users WHERE email = ?1 AND id <> ?2")?
        .query_row((user.email.as_str(), user.id.0), |row| row.get(0))
        .optional()?;
    if taken.is_some() {
        return Err(WriteError::Refused(CommitError::Exists("user")));
    }
    let merchant = user.merchant.map(|merchant| merchant.0);
    let (written, refusal) = match expected_version {
        None => (
            execute(
                connection,
                "INSERT INTO users (id, merchant_id, email, link, facts, version, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                (
                    user.id.0,
                    merchant,
                    user.email.as_str(),
                    user.link,
                    facts,
                    user.version,
                    user.created_at.micros(),
                ),
            )?,
            CommitError::NumberTaken,
        ),
        Some(expected) => (
            execute(
                connection,
                "UPDATE users SET email = ?1, link = ?2, facts = ?3, version = ?4 \
                 WHERE id = ?5 AND version = ?6",
                (user.email.as_str(), user.link, facts, user.version, user.id.0, expected),
            )?,
            CommitError::Stale("user"),
        ),
    };
    one_or(written, refusal)
}

fn write_merchant(connection: &Connection, merchant: &Merchant, expected: i64) -> Written {
    let changed = execute(
        connection,
        "UPDATE merchants SET name = ?1, active = ?2, approved = ?3, version = ?4 \
         WHERE id = ?5 AND version = ?6",
        (
            &merchant.name,
            merchant.active,
            merchant.approved,
            merchant.version,
            merchant.id.0,
            expected,
        ),
    )?;
    one_or(changed, CommitError::Stale("merchant"))
}

fn insert_call(connection: &Connection, call: &ApiCall) -> Written {
    execute(
        connection,
        "INSERT INTO api_calls (merchant_id, at, number, ter_no, action, status, error, \
         request_id, caller, took, payment_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
        (
            call.merchant.0,
            call.at.micros(),
            call.number,
            call.terminal.0,
            call.action,
            call.status,
            &call.error,
            &call.request_id,
            &call.caller,
            i64::try_from(call.took.as_micros()).unwrap_or(i64::MAX),
            call.payment.map(PaymentId::stored),
        ),
    )?;
    Ok(())
}

const USER: &str = "u.id, u.merchant_id, u.email, u.link, u.facts, u.version, u.created_at";
const SESSION: &str =
    "s.digest, s.user_id, s.created_at, s.seen_at, s.proved_at, s.caller, s.agent";

const TOKEN: &str =
    "t.digest, t.merchant_id, t.user_id, t.facts, t.created_at, t.expires_at, t.used_at";

fn user_from(row: &Row<'_>, first: usize) -> Result<User, QueryError> {
    let at = |column: usize| first.saturating_add(column);
    let id: i64 = row.get(at(0))?;
    let place = Place { table: "users", row: id.to_string() };
    let text = |column: usize| row.get_ref(at(column))?.as_str().map_err(rusqlite::Error::from);
    Ok(User {
        id: UserId(id),
        merchant: row.get::<_, Option<i64>>(at(1))?.map(MerchantId),
        email: Email::parse(text(2)?).map_err(|_form| place.corrupt("email"))?,
        link: row.get(at(3))?,
        facts: place.json("facts", text(4)?)?,
        version: row.get(at(5))?,
        created_at: Timestamp::from_micros(row.get(at(6))?),
    })
}

fn user(row: &Row<'_>) -> Result<User, QueryError> {
    user_from(row, 0)
}

fn session(row: &Row<'_>) -> Result<Session, QueryError> {
    let moment = |column: usize| Ok::<_, rusqlite::Error>(Timestamp::from_micros(row.get(column)?));
    Ok(Session {
        digest: row.get(0)?,
        user: UserId(row.get(1)?),
        created_at: moment(2)?,
        seen_at: moment(3)?,
        proved_at: moment(4)?,
        caller: row.get(5)?,
        agent: row.get(6)?,
    })
}

pub(super) fn users(
    connection: &Connection,
    merchant: Option<MerchantId>,
) -> Result<Vec<User>, QueryError> {
    let sql = format!("SELECT {USER} FROM users u WHERE u.merchant_id IS ?1 ORDER BY u.id");
    list(connection, &sql, [merchant.map(|merchant| merchant.0)], user)
}

pub(super) fn user_by_id(connection: &Connection, id: UserId) -> Result<Option<User>, QueryError> {
    let sql = format!("SELECT {USER} FROM users u WHERE u.id = ?1");
    Ok(list(connection, &sql, [id.0], user)?.pop())
}

pub(super) fn user_by_email(
    connection: &Connection,
    email: &Email,
) -> Result<Option<User>, QueryError> {
    let sql = format!("SELECT {USER} FROM users u WHERE u.email = ?1");
    Ok(list(connection, &sql, [email.as_str()], user)?.pop())
}

pub(super) fn user_by_link(
    connection: &Connection,
    link: [u8; 32],
) -> Result<Option<User>, QueryError> {
    let sql = format!("SELECT {USER} FROM users u WHERE u.link = ?1");
    Ok(list(connection, &sql, [link], user)?.pop())
}

pub(super) fn session_with_user(
    connection: &Connection,
    digest: [u8; 32],
) -> Result<Option<(Session, User)>, QueryError> {
    let sql = format!(
        "SELECT {SESSION}, {USER} FROM sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.digest = ?1"
    );
    Ok(list(connection, &sql, [digest], |row| Ok((session(row)?, user_from(row, 7)?)))?.pop())
}

pub(super) fn sessions(connection: &Connection, user: UserId) -> Result<Vec<Session>, QueryError> {
    let sql =
        format!("SELECT {SESSION} FROM sessions s WHERE s.user_id = ?1 ORDER BY s.created_at DESC");
    list(connection, &sql, [user.0], session)
}

fn token(row: &Row<'_>) -> Result<ApiToken, QueryError> {
    let user: i64 = row.get(2)?;
    let place = Place { table: "api_tokens", row: format!("of user {user}") };
    let facts: String = row.get(3)?;
    Ok(ApiToken {
        digest: row.get(0)?,
        merchant: MerchantId(row.get(1)?),
        user: UserId(user),
        facts: place.json("facts", &facts)?,
        created_at: Timestamp::from_micros(row.get(4)?),
        expires_at: Timestamp::from_micros(row.get(5)?),
        used_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
    })
}

pub(super) fn token_with_user(
    connection: &Connection,
    digest: [u8; 32],
) -> Result<Option<(ApiToken, User)>, QueryError> {
    let sql = format!(
        "SELECT {TOKEN}, {USER} FROM api_tokens t JOIN users u ON u.id = t.user_id \
         WHERE t.digest = ?1"
    );
    Ok(list(connection, &sql, [digest], |row| Ok((token(row)?, user_from(row, 7)?)))?.pop())
}

pub(super) fn tokens(
    connection: &Connection,
    merchant: MerchantId,
) -> Result<Vec<ApiToken>, QueryError> {
    let sql = format!(
        "SELECT {TOKEN} FROM api_tokens t WHERE t.merchant_id = ?1 ORDER BY t.created_at DESC"
    );
    list(connection, &sql, [merchant.0], token)
}

pub(super) fn sign_in_tries(
    connection: &Connection,
    key: [u8; 32],
) -> Result<Option<(u32, Timestamp)>, QueryError> {
    let sql = "SELECT tries, at FROM sign_in_tries WHERE address = ?1";
    let found =
        list(connection, sql, [key], |row| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?))))?;
    Ok(found.first().copied())
}

pub(super) fn notes(
    connection: &Connection,
    merchant: MerchantId,
    payment: PaymentId,
) -> Result<Vec<Note>, QueryError> {
    let sql = "SELECT at, author, text FROM notes WHERE merchant_id = ?1 AND payment_id = ?2 \
               ORDER BY at";
    list(connection, sql, (merchant.0, payment.stored()), |row| {
        Ok(Note {
            merchant,
            payment,
            at: Timestamp::from_micros(row.get(0)?),
            author: row.get(1)?,
            text: row.get(2)?,
        })
    })
}

/// The columns of [`call`], in order.
const CALL: &str =
    "merchant_id, at, number, ter_no, action, status, error, request_id, caller, took, payment_id";

fn call(row: &Row<'_>) -> Result<ApiCall, QueryError> {
    let number: i64 = row.get(2)?;
    let place = Place { table: "api_calls", row: number.to_string() };
    let action = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    let took: i64 = row.get(9)?;
    let payment = row.get::<_, Option<i64>>(10)?.map(PaymentId::from_stored).transpose();
    Ok(ApiCall {
        merchant: MerchantId(row.get(0)?),
        at: Timestamp::from_micros(row.get(1)?),
        number,
        terminal: TerminalNumber(row.get(3)?),
        action: action_from_name(action).ok_or_else(|| place.corrupt("action"))?,
        status: row.get(5)?,
        error: row.get(6)?,
        request_id: row.get(7)?,
        caller: row.get(8)?,
        took: Duration::from_micros(u64::try_from(took).unwrap_or(0)),
        payment: payment.map_err(|_form| place.corrupt("payment_id"))?,
    })
}

/// By the time of the call, or, where a request is asked for, by its id: the sign keeps the other
/// index out of it.
pub(super) fn calls(
    connection: &Connection,
    merchant: MerchantId,
    filter: &CallFilter,
    before: Option<CallPlace>,
    limit: u32,
) -> Result<Vec<ApiCall>, QueryError> {
    let before = before.map_or((i64::MAX, i64::MAX), |place| (place.at.micros(), place.number));
    let terminals: Vec<i64> = filter.terminals.iter().map(|terminal| terminal.0).collect();
    // Numbers only: nothing that could be read as SQL.
    let terminals = serde_json::to_string(&terminals).unwrap_or_default();
    // Left to itself, SQLite walks through the merchant's calls by time.
    let (index, by) = match &filter.request_id {
        None => ("", "?4 IS NULL"),
        Some(_) => ("INDEXED BY api_calls_by_request", "request_id = ?4"),
    };
    let sql = format!(
        "SELECT {CALL} FROM api_calls {index} WHERE merchant_id = ?1 AND (at, number) < (?2, ?3) \
         AND {by} AND (NOT ?5 OR error IS NOT NULL) \
         AND (?6 = '[]' OR ter_no IN (SELECT value FROM json_each(?6))) \
         ORDER BY at DESC, number DESC LIMIT ?7"
    );
    let params =
        (merchant.0, before.0, before.1, &filter.request_id, filter.refused_only, terminals, limit);
    list(connection, &sql, params, call)
}

pub(super) fn audit_lines(
    connection: &Connection,
    merchant: Option<MerchantId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, QueryError> {
    let of = if merchant.is_some() { "merchant_id = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT id, at, actor, caller, action, result, ter_no, request_id, detail, merchant_id, \
         user_id FROM audit_log WHERE {of} AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    let params = (merchant.map(|merchant| merchant.0), before.unwrap_or(i64::MAX), limit);
    list(connection, &sql, params, |row| {
        Ok(AuditEntry {
            id: row.get(0)?,
            at: Timestamp::from_micros(row.get(1)?),
            actor: row.get(2)?,
            caller: row.get(3)?,
            action: row.get(4)?,
            result: row.get(5)?,
            terminal: row.get::<_, Option<i64>>(6)?.map(TerminalNumber),
            request_id: row.get(7)?,
            detail: row.get(8)?,
            merchant: row.get::<_, Option<i64>>(9)?.map(MerchantId),
            user: row.get::<_, Option<i64>>(10)?.map(UserId),
        })
    })
}

/// From the first moment of the first day to the last one of the last day.
fn moments(days: &RangeInclusive<Day>) -> (i64, i64) {
    (days.start().begins().micros(), days.end().plus(1).begins().micros())
}

pub(super) fn payment_sums(
    connection: &Connection,
    merchant: MerchantId,
    mode: Mode,
    days: &RangeInclusive<Day>,
) -> Result<Vec<PaymentSum>, QueryError> {
    let (from, until) = moments(days);
    // By the index of each terminal; the day by integer division, as [`Day::of`] for what is not
    // before 1970.
    let sql = "SELECT p.created_at / 86400000000, p.method, p.currency, p.state, \
         CASE p.state WHEN 'declined' THEN json_extract(p.facts, '$.reason') END, \
         p.authentication = 'challenge', p.refunded_minor > 0, count(*), sum(p.amount_minor), \
         sum(p.captured_minor), sum(p.refunded_minor) \
         FROM terminals t CROSS JOIN payments p ON p.ter_no = t.ter_no \
         WHERE t.merchant_id = ?1 AND t.mode = ?2 AND p.created_at >= ?3 AND p.created_at < ?4 \
         GROUP BY 1, 2, 3, 4, 5, 6, 7";
    list(connection, sql, (merchant.0, mode.name(), from, until), |row| {
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let place = Place { table: "payments", row: format!("of merchant {merchant}") };
        Ok(PaymentSum {
            day: Day(row.get(0)?),
            method: MethodCode::from_code(text(1)?).ok_or_else(|| place.corrupt("method"))?,
            currency: Currency::from_code(text(2)?).map_err(|_code| place.corrupt("currency"))?,
            state: row.get(3)?,
            reason: row.get(4)?,
            challenged: row.get(5)?,
            refunded: row.get(6)?,
            count: row.get(7)?,
            amount_minor: row.get(8)?,
            captured_minor: row.get(9)?,
            refunded_minor: row.get(10)?,
        })
    })
}

fn account_from_number(number: i64) -> Option<Account> {
    Account::ALL.into_iter().find(|account| account_number(*account) == number)
}

pub(super) fn posting_sums(
    connection: &Connection,
    merchant: MerchantId,
    mode: Mode,
    days: &RangeInclusive<Day>,
) -> Result<Vec<PostingSum>, QueryError> {
    let (from, until) = moments(days);
    let sql = "SELECT at / 86400000000, currency, account, sum(amount_minor), count(*) \
         FROM postings WHERE merchant_id = ?1 AND mode = ?2 AND at >= ?3 AND at < ?4 \
         GROUP BY 1, 2, 3";
    list(connection, sql, (merchant.0, mode.name(), from, until), |row| {
        let place = Place { table: "postings", row: format!("of merchant {merchant}") };
        let currency = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        Ok(PostingSum {
            day: Day(row.get(0)?),
            currency: Currency::from_code(currency).map_err(|_code| place.corrupt("currency"))?,
            account: account_from_number(row.get(2)?).ok_or_else(|| place.corrupt("account"))?,
            amount_minor: row.get(3)?,
            postings: row.get(4)?,
        })
    })
}

pub(super) fn postings_of_day(
    connection: &Connection,
    merchant: MerchantId,
    (mode, currency): (Mode, Currency),
    day: Day,
    after: Option<PostingPlace>,
    limit: u32,
) -> Result<Vec<Posting>, QueryError> {
    let (from, until) = moments(&(day..=day));
    let last = after.map_or([i64::MAX; 4], |after| {
        let account = account_number(after.account);
        [after.at.micros(), after.payment.stored(), after.sequence, account]
    });
    let sql = format!(
        "SELECT {} FROM postings WHERE merchant_id = ?1 AND mode = ?2 AND currency = ?3 \
         AND at >= ?4 AND at <= ?5 AND (at, payment_id, sequence, account) < (?6, ?7, ?8, ?9) \
         ORDER BY at DESC, payment_id DESC, sequence DESC, account DESC LIMIT ?10",
        rows::POSTING_COLUMNS
    );
    let [at, payment, sequence, account] = last;
    // One upper bound: of two, the index is searched by the first.
    let until = at.min(until.saturating_sub(1));
    let (mode, currency) = (mode.name(), currency.code());
    let params = (merchant.0, mode, currency, from, until, at, payment, sequence, account, limit);
    list(connection, &sql, params, rows::posting)
}

#[async_trait]
impl Desks for super::SqliteStore {
    async fn users(&self, merchant: Option<MerchantId>) -> Result<Vec<User>, StoreError> {
        self.readers.read(|connection| users(connection, merchant))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers.read(|connection| user_by_id(connection, id))
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.readers.read(|connection| user_by_email(connection, email))
    }

    async fn user_by_link(&self, link: [u8; 32]) -> Result<Option<User>, StoreError> {
        self.readers.read(|connection| user_by_link(connection, link))
    }

    async fn session(&self, digest: [u8; 32]) -> Result<Option<(Session, User)>, StoreError> {
        self.readers.read(|connection| session_with_user(connection, digest))
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.readers.read(|connection| sessions(connection, user))
    }

    async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, User)>, StoreError> {
        self.readers.read(|connection| token_with_user(connection, digest))
    }

    async fn tokens(&self, merchant: MerchantId) -> Result<Vec<ApiToken>, StoreError> {
        self.readers.read(|connection| tokens(connection, merchant))
    }

    async fn sign_in_tries(&self, key: [u8; 32]) -> Result<Option<(u32, Timestamp)>, StoreError> {
        self.readers.read(|connection| sign_in_tries(connection, key))
    }

    async fn notes(&self, merchant: MerchantId, id: PaymentId) -> Result<Vec<Note>, StoreError> {
        self.readers.read(|connection| notes(connection, merchant, id))
    }

    async fn calls(
        &self,
        merchant: MerchantId,
        filter: &CallFilter,
        before: Option<CallPlace>,
        limit: u32,
    ) -> Result<Vec<ApiCall>, StoreError> {
        let filter = filter.clone();
        let question = move |it: &Connection| calls(it, merchant, &filter, before, limit);
        self.readers.read_long(question).await
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
        self.readers.read(|connection| audit_lines(connection, merchant, before, limit))
    }

    async fn payment_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PaymentSum>, StoreError> {
        self.readers.read_sum(move |it| payment_sums(it, merchant, mode, &days)).await
    }

    async fn posting_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PostingSum>, StoreError> {
        self.readers.read_sum(move |it| posting_sums(it, merchant, mode, &days)).await
    }

    async fn postings_of_day(
        &self,
        merchant: MerchantId,
        in_what: (Mode, Currency),
        day: Day,
        after: Option<PostingPlace>,
        limit: u32,
    ) -> Result<Vec<Posting>, StoreError> {
        let question =
            move |it: &Connection| postings_of_day(it, merchant, in_what, day, after, limit);
        self.readers.read_long(question).await
    }
}
