//! The only code that reads the clock.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// Today, in UTC.
#[must_use]
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// The current time, for the domain.
#[must_use]
pub fn instant() -> DateTime<Utc> {
    Utc::now()
}

/// The current time as the tables store it: `2026-11-21T09:30:00.000Z`, which sorts as text.
#[must_use]
pub fn now() -> String {
    stamp(instant())
}

/// The time before this duration, as the tables store it.
#[must_use]
pub fn ago(duration: Duration) -> String {
    stamp(Utc::now() - duration)
}

/// Seconds since 1970, the format of a time to live.
#[must_use]
pub fn seconds() -> i64 {
    Utc::now().timestamp()
}

/// Milliseconds since 1970, the format of metrics.
pub(crate) fn milliseconds() -> i64 {
    Utc::now().timestamp_millis()
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_have_one_length_so_that_they_sort() {
        let stamps: Vec<_> = [0, 1_000, 999_999_999_999]
            .iter()
            .filter_map(|at| DateTime::from_timestamp_millis(*at))
            .map(stamp)
            .collect();
        assert_eq!(stamps[0], "1970-01-01T00:00:00.000Z");
        assert!(stamps.is_sorted() && stamps.iter().all(|stamp| stamp.len() == 24));
    }
}
