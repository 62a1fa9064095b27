//! Questions, each by key or index.

use super::{QueryError, rows};
use domain::event::Event;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::ledger::{Balance, Posting};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::changeset::{SealedCard, StoredTerminal};
use engine::ports::PostingKey;
use rusqlite::{Connection, Params, Row};
use std::sync::LazyLock;

pub(super) fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, QueryError>,
) -> Result<Vec<T>, QueryError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(decode(row)?);
    }
    Ok(found)
}

fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, QueryError>,
) -> Result<Option<T>, QueryError> {
    Ok(list(connection, sql, params, decode)?.into_iter().next())
}

pub(super) fn payment(
    connection: &Connection,
    id: PaymentId,
) -> Result<Option<Payment>, QueryError> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM payments WHERE id = ?1", rows::PAYMENT_COLUMNS));
    first(connection, &SQL, [id.stored()], rows::payment)
}

pub(super) fn attempts(
    connection: &Connection,
    terminal: TerminalNumber,
    reference: &Reference,
) -> Result<Vec<Payment>, QueryError> {
    let sql = format!(
        "SELECT {} FROM payments WHERE ter_no = ?1 AND reference = ?2 ORDER BY attempt",
        rows::PAYMENT_COLUMNS
    );
    list(connection, &sql, (terminal.0, reference.as_str()), rows::payment)
}

pub(super) fn held_card(
    connection: &Connection,
    id: PaymentId,
) -> Result<Option<SealedCard>, QueryError> {
    first(
        connection,
        "SELECT number, security_code, expiry_year, expiry_month FROM held_cards \
         WHERE place = (SELECT place FROM payments WHERE id = ?1)",
        [id.stored()],
        rows::held_card,
    )
}

pub(super) fn refunds(connection: &Connection, id: PaymentId) -> Result<Vec<Refund>, QueryError> {
    list(
        connection,
        "SELECT payment_id, number, merchant_id, amount_minor, currency, reference, reason, \
         requested_at, state, facts FROM refunds \
         WHERE place = (SELECT place FROM payments WHERE id = ?1) ORDER BY number",
        [id.stored()],
        rows::refund,
    )
}

pub(super) fn events(connection: &Connection, id: PaymentId) -> Result<Vec<Event>, QueryError> {
    let sql = format!(
        "SELECT {} FROM events \
         WHERE place = (SELECT place FROM payments WHERE id = ?1) ORDER BY sequence",
        rows::EVENT_COLUMNS
    );
    list(connection, &sql, [id.stored()], rows::event)
}

pub(super) fn balances(
    connection: &Connection,
    merchant: Option<MerchantId>,
) -> Result<Vec<Balance>, QueryError> {
    const SUMS: &str = "SELECT merchant_id, mode, currency, \
         (SELECT name FROM accounts a WHERE a.account = p.account), sum(amount_minor), count(*) \
         FROM postings p";
    const GROUPS: &str = "GROUP BY merchant_id, mode, currency, account \
         ORDER BY merchant_id, mode, currency, account";
    match merchant {
        Some(merchant) => {
            let sql = format!("{SUMS} WHERE merchant_id = ?1 {GROUPS}");
            list(connection, &sql, [merchant.0], rows::balance)
        }
        None => list(connection, &format!("{SUMS} {GROUPS}"), [], rows::balance),
    }
}

pub(super) fn postings(
    connection: &Connection,
    merchant: Option<MerchantId>,
    after: Option<PostingKey>,
    limit: u32,
) -> Result<Vec<(PostingKey, Posting)>, QueryError> {
    // Postings of other causes than payments come in a later release.
    let [_, place, sequence, account] = after.map_or([1, i64::MIN, 0, 0], |after| after.0);
    let sql = format!(
        "SELECT {} FROM postings p WHERE cause = 1 \
         AND (cause_place, sequence, account) > (?1, ?2, ?3) AND merchant_id = coalesce(?4, merchant_id) \
         ORDER BY cause_place, sequence, account LIMIT ?5",
        rows::POSTING_COLUMNS
    );
    let merchant = merchant.map(|merchant| merchant.0);
    list(connection, &sql, (place, sequence, account, merchant, limit), |row| {
        let posting = rows::posting(row)?;
        let key = PostingKey([1, row.get(0)?, posting.sequence, row.get(2)?]);
        Ok((key, posting))
    })
}

pub(super) fn at_the_bank(connection: &Connection, limit: u32) -> Result<Vec<Payment>, QueryError> {
    // The sign keeps the search in the index of what is due: the table's own order would be a walk
    // over every payment there is.
    let sql = format!(
        "SELECT {} FROM payments WHERE due_at IS NOT NULL \
         AND state NOT IN ('waiting', 'challenged') ORDER BY +place LIMIT ?1",
        rows::PAYMENT_COLUMNS
    );
    list(connection, &sql, [limit], rows::payment)
}

pub(super) fn due_payments(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Payment>, QueryError> {
    let sql = format!(
        "SELECT {} FROM payments WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2",
        rows::PAYMENT_COLUMNS
    );
    list(connection, &sql, (now.micros(), limit), rows::payment)
}

pub(super) fn sending_payments(
    connection: &Connection,
    limit: u32,
) -> Result<Vec<Payment>, QueryError> {
    let sql = format!(
        "SELECT {} FROM payments WHERE due_at IS NOT NULL AND state = 'sending' LIMIT ?1",
        rows::PAYMENT_COLUMNS
    );
    list(connection, &sql, [limit], rows::payment)
}

pub(super) fn terminal_by_public_key(
    connection: &Connection,
    public_key: &str,
) -> Result<Option<StoredTerminal>, QueryError> {
    let sql = format!(
        "SELECT {} FROM terminal_keys k JOIN terminals t USING (ter_no) \
         JOIN merchants m ON m.id = t.merchant_id WHERE k.public_key = ?1",
        rows::TERMINAL_COLUMNS
    );
    first(connection, &sql, [public_key], rows::terminal)
}

pub(super) fn terminal(
    connection: &Connection,
    number: TerminalNumber,
) -> Result<Option<StoredTerminal>, QueryError> {
    let sql = format!(
        "SELECT {} FROM terminals t JOIN merchants m ON m.id = t.merchant_id WHERE t.ter_no = ?1",
        rows::TERMINAL_COLUMNS
    );
    first(connection, &sql, [number.0], rows::terminal)
}

pub(super) fn terminals(connection: &Connection) -> Result<Vec<StoredTerminal>, QueryError> {
    let sql = format!(
        "SELECT {} FROM terminals t JOIN merchants m ON m.id = t.merchant_id ORDER BY t.ter_no",
        rows::TERMINAL_COLUMNS
    );
    list(connection, &sql, [], rows::terminal)
}

pub(super) fn merchants(connection: &Connection) -> Result<Vec<Merchant>, QueryError> {
    list(
        connection,
        "SELECT id, name, active, approved, version, created_at FROM merchants ORDER BY id",
        [],
        rows::merchant,
    )
}
