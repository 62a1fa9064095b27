//! Rows of payments lie by month, and a payment's number tells its month: what concerns one payment
//! names the month's tables themselves. So it costs the same however many months there are, for a
//! statement over all of them opens and locks each.
//!
//! Months are made ahead, by whoever starts and by an hourly look of every node. What has no month of
//! its own is in the partitions for all others, and is found by the name of the whole table.

use super::session::{Connector, Purpose, Session, words};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A stored number is `YYMM` times this, and what is below a month.
const IN_MONTH: i64 = 100_000_000_000_000;
/// How often months are looked after.
const LOOK: Duration = Duration::from_hours(1);
/// Held by whoever makes months; "months" in ASCII.
const LOCK: i64 = 0x6d6f_6e74_6873;

/// This month and the next three, by the server's clock.
const AHEAD: &str = "\
SELECT to_char(month, 'YYMM')::integer FROM generate_series(
    date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC'),
    clock_timestamp() AT TIME ZONE 'UTC' + interval '3 months', interval '1 month') AS month";

/// Months that all tables have. One that an operator detached, of any of them, is none.
const MADE: &str = "\
SELECT right(part.relname, 4)::integer
FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
    JOIN pg_class whole ON whole.oid = i.inhparent
WHERE whole.oid IN (to_regclass('payments'), to_regclass('events'), to_regclass('refunds'),
        to_regclass('postings'), to_regclass('deliveries'), to_regclass('delivery_attempts'))
    AND part.relname ~ '_[0-9]{4}$' AND part.relname = whole.relname || right(part.relname, 5)
GROUP BY 1 HAVING count(*) = 6";

/// Which tables a statement names: those of a month, or the whole ones. In its words `@` stands
/// behind the name of each table that has months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(Option<i64>);

impl Month {
    /// The whole tables.
    pub(super) const ANY: Self = Self(None);

    /// The words of a statement, with its tables named.
    pub(super) fn named(self, sql: &str) -> String {
        let suffix = self.0.map_or_else(String::new, |month| format!("_{month:04}"));
        sql.replace('@', &suffix)
    }
}

/// The months that have tables of their own.
#[derive(Debug, Default)]
pub(super) struct Months {
    made: RwLock<BTreeSet<i64>>,
}

impl Months {
    /// Where the rows of the payment with this stored number are.
    pub(super) fn of(&self, payment: i64) -> Month {
        let month = payment.div_euclid(IN_MONTH);
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        Month(made.contains(&month).then_some(month))
    }

    /// The month that all of these are in, or the whole tables.
    pub(super) fn of_all(&self, payments: impl IntoIterator<Item = i64>) -> Month {
        let mut months = payments.into_iter().map(|payment| self.of(payment));
        let first = months.next().unwrap_or(Month::ANY);
        if months.all(|month| month == first) { first } else { Month::ANY }
    }

    /// Learns which months there are.
    pub(super) async fn read(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        let found = session.client().query(MADE, &[]).await?;
        let found = found.iter().map(|row| row.try_get::<_, i32>(0).map(i64::from));
        let found = found.collect::<Result<BTreeSet<i64>, _>>()?;
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    /// Makes what is missing ahead and learns what there is, for as long as somebody needs it.
    pub(super) async fn look_after(self: Arc<Self>, connector: Arc<Connector>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let looked = async {
                let session = connector.connect(Purpose::Care).await?;
                make_ahead(&session).await?;
                Ok::<(), super::OpenError>(self.read(&session).await?)
            };
            if let Err(error) = looked.await {
                tracing::warn!(%error, "months were not looked after; the next look is in an hour");
            }
        }
    }
}

/// Makes the tables of this month and the next ones, where they are missing. Each in a commit of its
/// own, for the partitions for all other months are locked meanwhile; whoever holds them longer goes
/// before.
pub(super) async fn make_ahead(session: &Session) -> Result<(), tokio_postgres::Error> {
    let client = session.client();
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    client.batch_execute("SET lock_timeout = 1000").await?;
    for row in client.query(AHEAD, &[]).await? {
        let month: i32 = row.try_get(0)?;
        match client.query_one("SELECT make_month($1)", &[&month]).await {
            Ok(row) if row.try_get(0)? => {}
            Ok(_has_rows) => {
                tracing::warn!(month, "has payments already, which stay where months share tables");
            }
            Err(error) => tracing::warn!(month, why = words(&error), "its tables were not made"),
        }
    }
    client.batch_execute("SET lock_timeout = 0").await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_tables() {
        let months = Months { made: RwLock::new(BTreeSet::from([2504, 2601])) };
        let april = 250_426_141_606_417_823;
        assert_eq!(months.of(april).named("FROM payments@ p"), "FROM payments_2504 p");
        assert_eq!(months.of(250_526_141_606_417_823), Month::ANY);
        assert_eq!(Month::ANY.named("FROM payments@ p"), "FROM payments p");
        assert_eq!(months.of_all([april, april + 1]), months.of(april));
        assert_eq!(months.of_all([april, 260_126_141_606_417_823]), Month::ANY);
        assert_eq!(months.of_all([]), Month::ANY);
        assert_eq!(Month(Some(601)).named("t@"), "t_0601");
    }
}
