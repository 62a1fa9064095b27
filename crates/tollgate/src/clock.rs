//! The real time. Everything else gets it through `engine::ports::Clock`.

use async_trait::async_trait;
use domain::time::Timestamp;
use engine::ports::Clock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is where the real time comes in")]
        let now = SystemTime::now();
        // A clock before 1970 reads as 1970; `doctor` tells what is wrong with it.
        let micros = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
