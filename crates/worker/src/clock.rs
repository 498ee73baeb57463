//! The one place that reads the clock.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// The day that it is, in UTC.
#[must_use]
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// The time, for the domain.
#[must_use]
pub fn instant() -> DateTime<Utc> {
    Utc::now()
}

/// The time, as the table holds it: `2026-11-21T09:30:00.000Z`, which sorts as text.
#[must_use]
pub fn now() -> String {
    stamp(instant())
}

/// The time so long ago, as the table holds it.
#[must_use]
pub fn ago(duration: Duration) -> String {
    stamp(Utc::now() - duration)
}

/// The time in seconds since 1970, as a table's time to live has it.
#[must_use]
pub fn seconds() -> i64 {
    Utc::now().timestamp()
}

/// The time in milliseconds since 1970, as metrics have it.
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
