//! Lists of what is in an archive, for whoever asks for it.

use super::super::{QueryError, rows};
use super::{Opened, archived_place, open, path_of};
use domain::id::{MerchantId, PaymentId, Year};
use domain::payment::Payment;
use rusqlite::Connection;

/// Archived payments of a year, the newest first, those before this one.
pub(in crate::sqlite) fn newest_payments(
    connection: &Connection,
    year: Year,
    merchant: Option<MerchantId>,
    before: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, QueryError> {
    let Opened::Archive(archive) = open(&path_of(connection, year))? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT {} FROM payments WHERE id < ?1 AND merchant_id = coalesce(?2, merchant_id) \
         ORDER BY id DESC",
        rows::PAYMENT_COLUMNS
    );
    let mut statement = archive.prepare(&sql)?;
    let before = before.map_or(i64::MAX, PaymentId::stored);
    let mut found = Vec::new();
    let mut read = statement.query((before, merchant.map(|merchant| merchant.0)))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while found.len() < limit
        && let Some(row) = read.next()?
    {
        let payment = rows::payment(row)?;
        // Others came back, and stand in the main file's list.
        if archived_place(connection, payment.id)?.is_some() {
            found.push(payment);
        }
    }
    Ok(found)
}
