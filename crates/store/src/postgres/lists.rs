//! Lists of payments, page by page, each page by an index. A number begins with the time, so that
//! the list goes by the number, and times are ranges of numbers.

use super::queries::Readers;
use super::rows::{self, payment_columns};
use domain::id::{MerchantId, PaymentId};
use domain::payment::Payment;
use domain::terminal::Mode;
use domain::text::Reference;
use domain::time::Timestamp;
use engine::error::StoreError;
use engine::ports::PaymentsAsked;
use tokio_postgres::types::ToSql;

/// Other months are asked only where the newest one that may have some has too few: a look into the
/// index of each month costs more than the page itself.
macro_rules! page {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            payment_columns!(),
            " FROM payments p WHERE p.id BETWEEN $1 AND $2 AND p.id < $3 \
             AND p.id >= CASE WHEN $7 THEN 0 ELSE ( \
                 SELECT payment_id / 100000000000000 * 100000000000000 FROM payment_references \
                 WHERE payment_id <= $2 AND payment_id < $3 ORDER BY payment_id DESC LIMIT 1) END \
             AND p.created_at >= $4 AND p.created_at < $5 \
             AND ($8::text IS NULL OR p.mode = $8)",
            $condition,
            " ORDER BY p.id DESC LIMIT $6"
        )
    };
}

const OF_ALL: &str = page!("");
const OF_MERCHANT: &str = page!(" AND p.merchant_id = $9");
const OF_REFERENCE: &str = page!(
    " AND p.id IN (SELECT r.payment_id FROM payment_references r WHERE r.reference = $9 \
      AND r.ter_no IN (SELECT t.ter_no FROM terminals t \
      WHERE ($10::bigint IS NULL OR t.merchant_id = $10) AND ($11::bigint IS NULL OR t.ter_no = $11)))"
);

/// So many terminals of a merchant are looked at one by one, at most.
const TERMINALS: usize = 16;
/// Terminals: of a merchant, of a mode, or one alone, where these are not null.
const TERMINALS_OF: &str = "\
SELECT ARRAY (SELECT ter_no FROM terminals
    WHERE ($1::bigint IS NULL OR merchant_id = $1) AND ($2::text IS NULL OR mode = $2)
        AND ($3::bigint IS NULL OR ter_no = $3) LIMIT $4)";
/// The payments of some terminals: the newest of each by the index, and of these the newest. Terminal
/// and number are compared as a pair and ordered by both, which that index alone can answer: by the
/// number alone, the payments of a terminal that has none would be looked for among everybody's.
const OF_TERMINALS: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM unnest($6::bigint[]) t (ter_no) CROSS JOIN LATERAL ( \
         SELECT * FROM payments WHERE (ter_no, id) < (t.ter_no, $3) \
         AND (ter_no, id) >= (t.ter_no, $1) AND id BETWEEN $1 AND $2 AND id < $3 \
         AND id >= CASE WHEN $8 THEN 0 ELSE ( \
             SELECT payment_id / 100000000000000 * 100000000000000 FROM payment_references \
             WHERE payment_id <= $2 AND payment_id < $3 ORDER BY payment_id DESC LIMIT 1) END \
         AND created_at >= $4 AND created_at < $5 ORDER BY ter_no DESC, id DESC LIMIT $7) p \
     ORDER BY p.id DESC LIMIT $7"
);

/// Whose payments a list shows.
enum Of {
    /// Of one merchant, or of all.
    Merchant(Option<MerchantId>),
    /// Of these terminals.
    Terminals(Vec<i64>),
}

/// Those of one merchant, or of all, the newest first.
pub(super) async fn newest_payments(
    readers: &Readers,
    merchant: Option<MerchantId>,
    asked: &PaymentsAsked,
) -> Result<Vec<Payment>, StoreError> {
    let of = whose(readers, merchant, asked).await?;
    // The attempts at an order are few, and lie in whichever months.
    if asked.filter.reference.is_none() {
        let found = page(readers, &of, asked, false).await?;
        if u32::try_from(found.len()).is_ok_and(|found| found == asked.limit) {
            return Ok(found);
        }
    }
    page(readers, &of, asked, true).await
}

/// No index knows merchants or modes: a merchant's payments are looked at by its terminals, for they
/// may be a handful, or none, among millions of others.
async fn whose(
    readers: &Readers,
    merchant: Option<MerchantId>,
    asked: &PaymentsAsked,
) -> Result<Of, StoreError> {
    let filter = &asked.filter;
    let terminal = filter.terminal.map(|terminal| terminal.0);
    if filter.reference.is_some() || (merchant.is_none() && terminal.is_none()) {
        return Ok(Of::Merchant(merchant));
    }
    let most = i64::try_from(TERMINALS.saturating_add(1)).unwrap_or(i64::MAX);
    let of = merchant.map(|merchant| merchant.0);
    let mode = filter.mode.map(Mode::name);
    let found = readers.ask(TERMINALS_OF, &[&of, &mode, &terminal, &most]).await?;
    let Some(row) = found.first() else { return Ok(Of::Merchant(merchant)) };
    let own: Vec<i64> = rows::get(row, 0)?;
    let few = own.len() <= TERMINALS;
    Ok(if few { Of::Terminals(own) } else { Of::Merchant(merchant) })
}

async fn page(
    readers: &Readers,
    of: &Of,
    asked: &PaymentsAsked,
    of_all_months: bool,
) -> Result<Vec<Payment>, StoreError> {
    let filter = &asked.filter;
    let (least, greatest) = filter.stored_numbers();
    // One upper bound for the search in an index of pairs.
    let before = asked.before.map_or(i64::MAX, PaymentId::stored);
    let before = before.min(greatest.saturating_add(1));
    let from = filter.from.map_or(i64::MIN, Timestamp::micros);
    let until = filter.until.map_or(i64::MAX, Timestamp::micros);
    let limit = i64::from(asked.limit);
    let merchant = match of {
        Of::Terminals(own) if own.is_empty() => return Ok(Vec::new()),
        Of::Terminals(own) => {
            let params: [&(dyn ToSql + Sync); 8] =
                [&least, &greatest, &before, &from, &until, own, &limit, &of_all_months];
            let found = readers.ask(OF_TERMINALS, &params).await?;
            return found.iter().map(rows::payment).collect();
        }
        Of::Merchant(merchant) => merchant.map(|merchant| merchant.0),
    };
    let terminal = filter.terminal.map(|terminal| terminal.0);
    let reference = filter.reference.as_ref().map(Reference::as_str);
    let mode = filter.mode.map(Mode::name);
    let mut params: Vec<&(dyn ToSql + Sync)> =
        vec![&least, &greatest, &before, &from, &until, &limit, &of_all_months, &mode];
    let sql = match (&reference, &merchant) {
        (Some(reference), _) => {
            params.push(reference);
            params.push(&merchant);
            params.push(&terminal);
            OF_REFERENCE
        }
        (None, Some(merchant)) => {
            params.push(merchant);
            OF_MERCHANT
        }
        (None, None) => OF_ALL,
    };
    readers.ask(sql, &params).await?.iter().map(rows::payment).collect()
}
