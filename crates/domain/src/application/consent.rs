//! The person's consent to the processing of biometric data, as the operating company has obtained it and sends it with an upload.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone as _, Utc};

use crate::ReasonCode;

/// How far the clock of the company's systems may be ahead of ours.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The year before which no consent was given: an earlier time is one that was never set.
const FIRST_YEAR: i32 = 2000;

/// That a person has agreed to a text, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The version of the text.
    pub version: ConsentVersion,
    /// When the person agreed.
    pub at: DateTime<Utc>,
}

/// The version of a text of consent: `[A-Za-z0-9._-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentVersion(String);

/// The text is not the version of a consent. The message does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the version of a consent has 1 to 64 characters out of A-Z, a-z, 0-9, ., _ and -")]
pub struct InvalidConsentVersion;

/// The text is not a time of consent. The message does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the time of a consent has the format of RFC 3339, such as 2026-11-21T09:30:00Z, and does not lie in the future"
)]
pub struct InvalidConsentTime;

impl Consent {
    /// The name of the version in the object's metadata, `x-amz-meta-consent-version`.
    pub const VERSION: &str = "consent-version";
    /// The name of the time in the object's metadata, `x-amz-meta-consent-at`.
    pub const AT: &str = "consent-at";

    /// Reads what the metadata of an upload say; `None` if they say nothing.
    ///
    /// # Errors
    /// When one of the two is missing or malformed, or the time is no time of consent.
    pub fn stated(version: Option<&str>, at: Option<&str>, now: DateTime<Utc>) -> Result<Option<Self>, ReasonCode> {
        let (version, at) = match (version, at) {
            (None, None) => return Ok(None),
            (Some(version), Some(at)) => (version, at),
            _ => return Err(ReasonCode::ConsentInvalid),
        };
        let version = version.parse().map_err(|_| ReasonCode::ConsentInvalid)?;
        let at = Self::time(at, now).map_err(|_| ReasonCode::ConsentInvalid)?;
        Ok(Some(Self { version, at }))
    }

    /// Reads the time of a consent.
    ///
    /// # Errors
    /// When it is not in the format of RFC 3339, lies in the future, or was never set.
    pub fn time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidConsentTime> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidConsentTime)?.to_utc();
        let first = Utc.with_ymd_and_hms(FIRST_YEAR, 1, 1, 0, 0, 0).single();
        if first.is_some_and(|first| at >= first) && at <= now + CLOCK_TOLERANCE {
            Ok(at)
        } else {
            Err(InvalidConsentTime)
        }
    }

    /// The time as the records have it: in UTC, with milliseconds.
    #[must_use]
    pub fn recorded_at(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// Whether an upload may be judged: without a consent, only where the stage does not require one.
///
/// # Errors
/// The reason for which the upload is refused.
pub const fn require_consent(has_consent: bool, is_required: bool) -> Result<(), ReasonCode> {
    if has_consent || !is_required { Ok(()) } else { Err(ReasonCode::ConsentMissing) }
}

impl ConsentVersion {
    /// The maximum length, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsentVersion {
    type Err = InvalidConsentVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidConsentVersion)
        }
    }
}

impl fmt::Display for ConsentVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERSION: &str = "biometric-2026-03-en";
    const AT: &str = "2026-11-21T09:30:00Z";

    fn now() -> DateTime<Utc> {
        AT.parse().expect("a time")
    }

    fn stated(version: Option<&str>, at: Option<&str>) -> Result<Option<String>, ReasonCode> {
        let consent = Consent::stated(version, at, now())?;
        Ok(consent.map(|consent| format!("{} {}", consent.version, consent.recorded_at())))
    }

    #[test]
    fn reads_version_and_time() {
        assert_eq!(stated(None, None), Ok(None));
        for (at, recorded) in [
            (AT, "2026-11-21T09:30:00.000Z"),
            ("2026-11-21T03:30:00.1239-06:00", "2026-11-21T09:30:00.123Z"),
            ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(stated(Some(VERSION), Some(at)), Ok(Some(format!("{VERSION} {recorded}"))));
        }
    }

    #[test]
    fn half_a_consent_is_refused() {
        assert_eq!(stated(Some(VERSION), None), Err(ReasonCode::ConsentInvalid));
        assert_eq!(stated(None, Some(AT)), Err(ReasonCode::ConsentInvalid));
    }

    #[test]
    fn malformed_versions_are_refused() {
        let longest = "x".repeat(64);
        assert!(stated(Some(&longest), Some(AT)).is_ok());
        for version in ["", " ", "a b", "a/b", "v1\n", "=?UTF-8?B?w6Q=?=", "é", &format!("{longest}x")] {
            assert_eq!(stated(Some(version), Some(AT)), Err(ReasonCode::ConsentInvalid), "{version:?}");
        }
    }

    #[test]
    fn malformed_times_are_refused() {
        for at in ["", "yesterday", "2026-11-21", "2026-11-21T09:30:00", "1764667800", "2026-13-21T09:30:00Z"] {
            assert_eq!(stated(Some(VERSION), Some(at)), Err(ReasonCode::ConsentInvalid), "{at:?}");
        }
    }

    #[test]
    fn a_consent_of_the_future_is_refused_beyond_the_tolerance() {
        assert!(stated(Some(VERSION), Some("2026-11-21T09:35:00Z")).is_ok());
        assert_eq!(stated(Some(VERSION), Some("2026-11-21T09:35:01Z")), Err(ReasonCode::ConsentInvalid));
    }

    #[test]
    fn a_time_that_was_never_set_is_refused() {
        for at in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z"] {
            assert_eq!(stated(Some(VERSION), Some(at)), Err(ReasonCode::ConsentInvalid), "{at}");
        }
    }

    #[test]
    fn only_a_stage_that_requires_consent_refuses_uploads_without() {
        for (has_consent, is_required) in [(true, true), (true, false), (false, false)] {
            assert_eq!(require_consent(has_consent, is_required), Ok(()));
        }
        assert_eq!(require_consent(false, true), Err(ReasonCode::ConsentMissing));
    }

    proptest! {
        #[test]
        fn any_metadata_are_read_or_refused(version in proptest::option::of(".{0,80}"), at in proptest::option::of(".{0,40}")) {
            match Consent::stated(version.as_deref(), at.as_deref(), now()) {
                Ok(None) => prop_assert!(version.is_none() && at.is_none()),
                Ok(Some(consent)) => prop_assert_eq!(Some(consent.version.as_str()), version.as_deref()),
                Err(reason) => prop_assert_eq!(reason, ReasonCode::ConsentInvalid),
            }
        }
    }
}
