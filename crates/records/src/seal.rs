//! Seals: copies of records in a bucket that keeps them. The key of a seal names the record and its digest, so that a listing of the bucket
//! is the list of what must exist.

use std::{fmt, str::FromStr};

use bonafide_domain::ApplicationId;
use bonafide_worker::{Row, column};

use crate::{chain, number};

/// The prefix of all seals.
pub const PREFIX: &str = "records/";

/// The name of a sealed record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seal {
    /// The application of the record.
    pub application: ApplicationId,
    /// The number of the record.
    pub number: u64,
    /// The digest of the record.
    pub digest: String,
}

/// The seals of one application, as the bucket lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seals {
    /// One for each version of an object.
    pub versions: Vec<Seal>,
    /// One for each delete marker. Nothing of the deployment deletes a seal.
    pub deleted: Vec<Seal>,
}

/// The key is not that of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is not that of a sealed record")]
pub struct InvalidSeal;

impl Seal {
    /// The seal of a record, by its digest as it is computed now; `None` when it is no record.
    #[must_use]
    pub fn of(record: &Row) -> Option<Self> {
        let application = column(record, "applicationId")?.parse().ok()?;
        Some(Self { application, number: number(record)?, digest: chain::digest(record) })
    }

    /// The prefix of the seals of an application.
    #[must_use]
    pub fn prefix(application: &ApplicationId) -> String {
        format!("{PREFIX}{}/", application.as_str())
    }
}

impl fmt::Display for Seal {
    /// The key. Its numbers have ten digits, so that a listing is in their order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{:010}-{}.json", Self::prefix(&self.application), self.number, self.digest)
    }
}

impl FromStr for Seal {
    type Err = InvalidSeal;

    fn from_str(key: &str) -> Result<Self, InvalidSeal> {
        let parts = key.strip_prefix(PREFIX).and_then(|key| key.strip_suffix(".json"));
        let (application, name) = parts.and_then(|parts| parts.split_once('/')).ok_or(InvalidSeal)?;
        let (number, digest) = name.split_once('-').ok_or(InvalidSeal)?;
        let seal = Self {
            application: application.parse().map_err(|_| InvalidSeal)?,
            number: number.parse().map_err(|_| InvalidSeal)?,
            digest: digest.to_owned(),
        };
        if seal.to_string() == key && digest.len() == 64 { Ok(seal) } else { Err(InvalidSeal) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, chained, record};

    #[test]
    fn the_key_of_a_seal_names_the_record() {
        let application: ApplicationId = "8d247914".parse().expect("an id");
        let head = Head { number: 11, digest: None };
        let row = chained(record(&application, (crate::Event::CaseViewed, "ann", "2026-01-01T00:00:00Z")), &head);
        let seal = Seal::of(&row).expect("a record");
        let key = seal.to_string();
        assert!(key.starts_with("records/8d247914/0000000012-"), "{key}");
        assert_eq!(key.parse(), Ok(seal));
    }

    #[test]
    fn other_keys_are_no_seals() {
        let digest = "0".repeat(64);
        for key in [
            "records/8d247914/0000000012.json".to_owned(),
            format!("records/8d247914/12-{digest}.json"),
            format!("records/8d247914/0000000012-{digest}"),
            format!("8d247914/0000000012-{digest}.json"),
            format!("records/8d247914/0000000012-{}.json", &digest[1..]),
        ] {
            assert_eq!(key.parse::<Seal>(), Err(InvalidSeal), "{key}");
        }
    }
}
