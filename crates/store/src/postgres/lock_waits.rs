//! How often somebody waited long for a lock, as the server's own views tell: for measuring.

use super::session::{Connector, Purpose, Session};
use super::{Address, OpenError, Options};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How often the server is asked; a wait that is over 100 ms by less than this may be missed.
const PERIOD: Duration = Duration::from_millis(20);

const LONG_WAITS: &str = "\
SELECT l.pid, (extract(epoch FROM l.waitstart) * 1000000)::bigint
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE NOT l.granted AND a.wait_event_type = 'Lock' AND a.datname = current_database()
   AND l.waitstart < clock_timestamp() - interval '100 milliseconds'";

/// Counts waits for locks in one database, whoever waits, until it is finished.
#[derive(Debug)]
pub struct LockWatch {
    stop: oneshot::Sender<()>,
    watching: JoinHandle<Result<u64, OpenError>>,
}

impl LockWatch {
    /// Begins. Must be called inside a tokio runtime, which goes on running meanwhile.
    pub async fn start(database: &str) -> Result<Self, OpenError> {
        let address =
            Address::parse(database).map_err(|error| OpenError::Server(error.to_string()))?;
        let session = Connector::new(address, Options::default()).connect(Purpose::Care).await?;
        let (stop, stopped) = oneshot::channel();
        let watching = tokio::spawn(watch(session, stopped));
        Ok(Self { stop, watching })
    }

    /// Ends, and tells how many waits of more than 100 ms were seen.
    pub async fn finish(self) -> Result<u64, OpenError> {
        let _ended_already = self.stop.send(());
        self.watching.await.map_err(|error| OpenError::Server(error.to_string()))?
    }
}

async fn watch(session: Session, mut stopped: oneshot::Receiver<()>) -> Result<u64, OpenError> {
    let statement = session.client().prepare(LONG_WAITS).await?;
    // A wait is named by who waits and since when.
    let mut seen = BTreeSet::new();
    loop {
        for row in session.client().query(&statement, &[]).await? {
            seen.insert((row.try_get::<_, i32>(0)?, row.try_get::<_, i64>(1)?));
        }
        if tokio::time::timeout(PERIOD, &mut stopped).await.is_ok() {
            return Ok(u64::try_from(seen.len()).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::postgres::Cluster;

    async fn session(url: &str) -> Session {
        let connector = Connector::new(Address::parse(url).unwrap(), Options::default());
        connector.connect(Purpose::Care).await.unwrap()
    }

    #[tokio::test]
    async fn a_long_wait_is_seen_once_and_what_does_not_wait_is_not() {
        let url = Cluster::shared().database();
        let holder = session(&url).await;
        holder.client().batch_execute("CREATE TABLE taken (number int PRIMARY KEY)").await.unwrap();
        let watch = LockWatch::start(&url).await.unwrap();
        assert_eq!(watch.finish().await.unwrap(), 0, "nobody waits");

        let watch = LockWatch::start(&url).await.unwrap();
        holder.client().batch_execute("BEGIN; INSERT INTO taken VALUES (1)").await.unwrap();
        let waiter = session(&url).await;
        let waiting = tokio::spawn(async move {
            waiter.client().batch_execute("INSERT INTO taken VALUES (1)").await
        });
        let looker = session(&url).await;
        let waits = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
                     WHERE NOT granted AND a.datname = current_database() \
                     AND waitstart < clock_timestamp() - interval '1 second'";
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while looker.client().query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(tokio::time::Instant::now() < deadline, "nobody ever waited");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(watch.finish().await.unwrap(), 1);
    }
}
