//! Verification: whether the records of an application are those that were written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use bonafide_worker::{Row, column};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{Seal, Seals, chain, digest, number};

/// How long a record may be without its seal: a stream delivers within seconds, and a sealer that failed is retried.
const SEALED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// What is wrong with the records of an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// No record has this number, although a later one or a seal exists.
    Missing(u64),
    /// The record is not the one whose digest it carries.
    Changed(u64),
    /// The record does not carry the digest of the record before.
    Unlinked(u64),
    /// The record is another one than the sealed record.
    Replaced(u64),
    /// Two different records were sealed with this number.
    SealedTwice(u64),
    /// The sealed record was put again.
    SealRewritten(u64),
    /// The sealed record was deleted: it is hidden, or is gone.
    SealDeleted(u64),
    /// The record has no seal. A record that was just written gets one within seconds.
    Unsealed {
        /// The number of the record.
        number: u64,
        /// When it was written, as it says itself.
        at: String,
    },
}

impl Finding {
    /// Its name in logs and in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Changed(_) => "changed",
            Self::Unlinked(_) => "unlinked",
            Self::Replaced(_) => "replaced",
            Self::SealedTwice(_) => "sealedTwice",
            Self::SealRewritten(_) => "sealRewritten",
            Self::SealDeleted(_) => "sealDeleted",
            Self::Unsealed { .. } => "unsealed",
        }
    }

    /// The number of the record.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Missing(number)
            | Self::Changed(number)
            | Self::Unlinked(number)
            | Self::Replaced(number)
            | Self::SealedTwice(number)
            | Self::SealRewritten(number)
            | Self::SealDeleted(number)
            | Self::Unsealed { number, .. } => *number,
        }
    }

    /// Whether the record is so young that its seal may still be on its way. A record that says that it was written later than now is not.
    #[must_use]
    pub fn is_early(&self, now: DateTime<Utc>) -> bool {
        let Self::Unsealed { at, .. } = self else { return false };
        at.parse().is_ok_and(|at: DateTime<Utc>| at <= now && now - at < SEALED_WITHIN)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number();
        match self {
            Self::Missing(_) => write!(formatter, "record {number} is missing"),
            Self::Changed(_) => write!(formatter, "record {number} was changed: its content has another digest"),
            Self::Unlinked(_) => write!(formatter, "record {number} does not follow on the record before"),
            Self::Replaced(_) => write!(formatter, "record {number} is not the one that was sealed"),
            Self::SealedTwice(_) => write!(formatter, "two different records were sealed as number {number}"),
            Self::SealRewritten(_) => write!(formatter, "the sealed record {number} was put again"),
            Self::SealDeleted(_) => write!(formatter, "the sealed record {number} was deleted"),
            Self::Unsealed { at, .. } => write!(formatter, "record {number} of {at} has no seal"),
        }
    }
}

/// Compares the records of one application, in any order, with their seals.
#[must_use]
pub fn verify(records: &[Row], seals: &Seals) -> Vec<Finding> {
    let records: BTreeMap<u64, &Row> = records.iter().map(|row| (number(row).unwrap_or_default(), row)).collect();
    let (sealed, deleted) = (by_number(&seals.versions), by_number(&seals.deleted));
    let last = records.keys().chain(sealed.keys()).chain(deleted.keys()).max().copied().unwrap_or_default();
    let mut findings = Vec::new();
    for number in 1..=last {
        let digests = sealed.get(&number).map_or(&[][..], Vec::as_slice);
        if digests.iter().any(|digest| *digest != digests[0]) {
            findings.push(Finding::SealedTwice(number));
        }
        let mut once = BTreeSet::new();
        if !digests.iter().all(|digest| once.insert(digest)) {
            findings.push(Finding::SealRewritten(number));
        }
        if deleted.contains_key(&number) {
            findings.push(Finding::SealDeleted(number));
        }
        let Some(record) = records.get(&number) else {
            findings.push(Finding::Missing(number));
            continue;
        };
        let own = digest(record);
        if column(record, chain::DIGEST) != Some(&own) {
            findings.push(Finding::Changed(number));
        }
        let previous = column(record, chain::PREVIOUS);
        // The digest of a missing record is that of its seal.
        let before = match records.get(&(number - 1)) {
            Some(before) => column(before, chain::DIGEST),
            None => sealed.get(&(number - 1)).and_then(|digests| digests.first().copied()),
        };
        if previous != before {
            findings.push(Finding::Unlinked(number));
        }
        if digests.is_empty() {
            let at = column(record, "at").unwrap_or_default().to_owned();
            findings.push(Finding::Unsealed { number, at });
        } else if !digests.contains(&&*own) {
            findings.push(Finding::Replaced(number));
        }
    }
    // A record without a number of its own.
    if records.contains_key(&0) {
        findings.push(Finding::Changed(0));
    }
    findings
}

/// The digests of each number.
fn by_number(seals: &[Seal]) -> BTreeMap<u64, Vec<&str>> {
    let mut numbers: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for seal in seals {
        numbers.entry(seal.number).or_default().push(&seal.digest);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use bonafide_worker::text;
    use proptest::prelude::*;

    use super::*;
    use crate::{Event, Head, chained, record};

    fn chain_of(length: usize) -> Vec<Row> {
        let application = "8d247914".parse().expect("an id");
        let mut head = Head::default();
        (0..length)
            .map(|index| {
                let row = record(&application, (Event::CaseNoted, "ann", &format!("2026-01-01T00:00:{index:02}Z")));
                let row = chained(row, &head);
                head = Head::after(&row);
                row
            })
            .collect()
    }

    fn seals_of(records: &[Row]) -> Seals {
        Seals { versions: records.iter().filter_map(Seal::of).collect(), deleted: Vec::new() }
    }

    fn set(record: &mut Row, name: &str, value: AttributeValue) {
        record.insert(name.to_owned(), value);
    }

    /// Gives a record the digest of what it contains now, as an attacker who knows the chain would.
    fn redigest(record: &mut Row) {
        let own = digest(record);
        set(record, chain::DIGEST, text(&own));
    }

    #[test]
    fn untouched_records_have_no_findings() {
        for length in 0..4 {
            let records = chain_of(length);
            assert_eq!(verify(&records, &seals_of(&records)), []);
        }
    }

    #[test]
    fn a_changed_record_is_found() {
        let mut records = chain_of(3);
        let seals = seals_of(&records);
        set(&mut records[1], "who", text("bob"));
        assert_eq!(verify(&records, &seals), [Finding::Changed(2), Finding::Replaced(2)]);
        redigest(&mut records[1]);
        assert_eq!(verify(&records, &seals), [Finding::Replaced(2), Finding::Unlinked(3)]);
    }

    #[test]
    fn a_chain_that_was_written_anew_is_found_by_its_seals() {
        let seals = seals_of(&chain_of(3));
        let mut records = chain_of(3);
        set(&mut records[0], "who", text("bob"));
        redigest(&mut records[0]);
        for index in 1..3 {
            let before = records[index - 1][chain::DIGEST].clone();
            set(&mut records[index], chain::PREVIOUS, before);
            redigest(&mut records[index]);
        }
        assert_eq!(verify(&records, &seals), (1..=3).map(Finding::Replaced).collect::<Vec<_>>());
    }

    #[test]
    fn removed_records_are_found() {
        let mut records = chain_of(4);
        let seals = seals_of(&records);
        assert_eq!(verify(&records[..2], &seals), [Finding::Missing(3), Finding::Missing(4)]);
        assert_eq!(verify(&[], &seals), (1..=4).map(Finding::Missing).collect::<Vec<_>>());
        records.remove(1);
        assert_eq!(verify(&records, &seals), [Finding::Missing(2)]);
        // Its seal was removed as well.
        assert_eq!(verify(&records, &seals_of(&records)), [Finding::Missing(2), Finding::Unlinked(3)]);
    }

    #[test]
    fn an_inserted_record_and_two_exchanged_records_are_found() {
        let records = chain_of(3);
        let seals = seals_of(&records);
        let mut longer = records.clone();
        longer.push(chained(
            record(&seals.versions[0].application, (Event::CaseNoted, "bob", "2026")),
            &Head::after(&records[2]),
        ));
        assert_eq!(verify(&longer, &seals), [Finding::Unsealed { number: 4, at: "2026".to_owned() }]);
        let mut exchanged = records.clone();
        set(&mut exchanged[0], "number", AttributeValue::N("2".to_owned()));
        set(&mut exchanged[1], "number", AttributeValue::N("1".to_owned()));
        let found = verify(&exchanged, &seals);
        for finding in [Finding::Changed(1), Finding::Changed(2), Finding::Replaced(1), Finding::Replaced(2)] {
            assert!(found.contains(&finding), "{found:?}");
        }
    }

    #[test]
    fn a_second_seal_of_a_number_is_found() {
        let records = chain_of(1);
        let mut seals = seals_of(&records);
        seals.versions.push(Seal { digest: "0".repeat(64), ..seals.versions[0].clone() });
        assert_eq!(verify(&records, &seals), [Finding::SealedTwice(1)]);
    }

    #[test]
    fn a_sealed_record_that_was_put_again_or_deleted_is_found() {
        let records = chain_of(2);
        let mut seals = seals_of(&records);
        seals.versions.push(seals.versions[1].clone());
        assert_eq!(verify(&records, &seals), [Finding::SealRewritten(2)]);
        let mut hidden = seals_of(&records);
        hidden.deleted.push(hidden.versions[0].clone());
        assert_eq!(verify(&records, &hidden), [Finding::SealDeleted(1)]);
        // Nothing but the marker of the deletion is left.
        let gone = Seals { versions: Vec::new(), deleted: seals_of(&records).versions };
        let found = [Finding::SealDeleted(1), Finding::Missing(1), Finding::SealDeleted(2), Finding::Missing(2)];
        assert_eq!(verify(&[], &gone), found);
    }

    #[test]
    fn the_seal_of_a_young_record_may_be_on_its_way() {
        let now = "2026-01-01T12:00:00.000Z".parse().expect("a time");
        let early = |at: &str| Finding::Unsealed { number: 1, at: at.to_owned() }.is_early(now);
        assert!(early("2026-01-01T12:00:00.000Z") && early("2026-01-01T11:00:00.001Z"));
        for at in ["2026-01-01T11:00:00.000Z", "2026-01-01T12:00:00.001Z", "2025", ""] {
            assert!(!early(at), "{at}");
        }
        assert!(!Finding::Missing(1).is_early(now));
    }

    proptest! {
        #[test]
        fn any_change_of_any_record_is_found(length in 1_usize..6, at in any::<prop::sample::Index>(), who in "[a-z]{1,8}") {
            let mut records = chain_of(length);
            let seals = seals_of(&records);
            let changed = at.index(length);
            set(&mut records[changed], "who", text(&format!("x{who}")));
            redigest(&mut records[changed]);
            prop_assert!(verify(&records, &seals).contains(&Finding::Replaced(changed as u64 + 1)));
        }
    }
}
