//! Points in time, as microseconds since 1970-01-01 UTC. The clock itself is a port of the engine.

use jiff::{civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point in time in UTC, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp {
    micros: i64,
}

impl Timestamp {
    /// `micros`: microseconds since 1970-01-01 00:00:00 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Microseconds since 1970-01-01 00:00:00 UTC.
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// Whole seconds since 1970-01-01 00:00:00 UTC, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.micros.div_euclid(1_000_000)
    }

    /// This much later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self { micros: self.micros.saturating_add(micros) }
    }

    /// This much earlier; stops at the beginning of time instead of wrapping.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self { micros: self.micros.saturating_sub(micros) }
    }

    /// How long from `earlier` to `self`; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.micros.saturating_sub(earlier.micros);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// The beginning of a day in UTC, by its text `yyyy-MM-dd`.
    pub fn of_day(text: &str) -> Option<Self> {
        let form = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day: jiff::civil::Date = form.then(|| text.parse().ok()).flatten()?;
        let instant = TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
        Some(Self { micros: instant.ok()?.as_microsecond() })
    }

    /// From RFC 3339, as `2025-04-26T14:16:06Z`; what is finer than a microsecond is cut off.
    pub fn of_rfc3339(text: &str) -> Option<Self> {
        // jiff reads more than that: names of time zones, blanks for the T.
        let form = text.len() <= 40 && text.get(10..11) == Some("T") && !text.contains('[');
        let instant: jiff::Timestamp = form.then(|| text.parse().ok()).flatten()?;
        Some(Self { micros: instant.as_microsecond() })
    }

    fn civil(self) -> DateTime {
        let instant =
            jiff::Timestamp::from_microsecond(self.micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        TimeZone::UTC.to_datetime(instant)
    }

    /// Year and month (1 to 12) in UTC.
    pub fn year_month(self) -> (i16, i8) {
        let civil = self.civil();
        (civil.year(), civil.month())
    }

    /// `yyMMddHHmmss` in UTC as one number, the time part of a `transID`.
    pub fn compact(self) -> i64 {
        let c = self.civil();
        [c.month(), c.day(), c.hour(), c.minute(), c.second()]
            .into_iter()
            .fold(i64::from(c.year().rem_euclid(100)), |number, part| {
                number.saturating_mul(100).saturating_add(i64::from(part))
            })
    }

    /// `yyyy-MM-dd HH:mm:ss.ffffff` in UTC, the format of `tdate`.
    pub fn to_page_text(self) -> String {
        let c = self.civil();
        let micros = self.micros.rem_euclid(1_000_000);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{micros:06}",
            c.year(),
            c.month(),
            c.day(),
            c.hour(),
            c.minute(),
            c.second()
        )
    }

    /// RFC 3339 in UTC with microseconds, for machines.
    pub fn to_rfc3339(self) -> String {
        let mut text = self.to_page_text();
        text.replace_range(10..11, "T");
        text.push('Z');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn prints_the_page_format() {
        // The requirement page's own example time.
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        assert_eq!(at.to_page_text(), "2025-04-26 14:16:06.000657");
        assert_eq!(at.to_rfc3339(), "2025-04-26T14:16:06.000657Z");
        assert_eq!(at.compact(), 250_426_141_606);
        assert_eq!(at.year_month(), (2025, 4));
    }

    #[test]
    fn days_begin_at_midnight() {
        let at = Timestamp::of_day("2025-04-26").unwrap();
        assert_eq!(at.to_page_text(), "2025-04-26 00:00:00.000000");
        for wrong in ["", "2025-04-31", "2025-4-26", "20250426", "2025-04-26T00", "yesterday"] {
            assert_eq!(Timestamp::of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rfc_3339_is_read_with_its_offset() {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        for text in [
            "2025-04-26T14:16:06.000657Z",
            "2025-04-26T16:16:06.000657+02:00",
            "2025-04-26T14:16:06.000657999Z",
        ] {
            assert_eq!(Timestamp::of_rfc3339(text), Some(at), "{text}");
        }
        for wrong in [
            "",
            "2025-04-26",
            "2025-04-26T14:16:06",
            "2025-04-26 14:16:06Z",
            "2025-04-31T14:16:06Z",
            "2025-04-26T14:16:06+02:00[Europe/Berlin]",
            "1745676966",
        ] {
            assert_eq!(Timestamp::of_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn differences_never_wrap() {
        let early = Timestamp::from_micros(5);
        let late = Timestamp::from_micros(12);
        assert_eq!(late.since(early).as_micros(), 7);
        assert_eq!(early.since(late).as_micros(), 0);
        assert_eq!(
            Timestamp::from_micros(i64::MAX).plus(std::time::Duration::from_secs(1)).micros(),
            i64::MAX
        );
    }
}
