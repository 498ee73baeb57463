//! The rules by which submissions were judged: each set of thresholds and machines, and when it was in use.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use serde::Serialize;

use crate::error::Error;
use crate::row::{Item, numbers, projection, s, text};

/// Thresholds and machines, with their workers, that were used together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// The digest of the thresholds.
    pub thresholds_digest: String,
    /// The digest of the machines and their workers.
    pub definition: String,
    /// When they first concluded a submission.
    pub since: String,
    /// When they last did.
    pub until: String,
    /// How many submissions they have concluded.
    pub conclusions: u64,
    /// The thresholds that differ from the rules before, each with the value before and the new one; of the first rules none.
    pub changed: BTreeMap<String, (Option<f64>, f64)>,
    #[serde(skip)]
    thresholds: BTreeMap<String, f64>,
}

/// Reads all conclusions.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn conclusions(client: &Client, table: &str) -> Result<Vec<Item>, Error> {
    let (projection, names) = projection(&["at", "thresholds", "thresholdsDigest", "definition"]);
    let items = client
        .scan()
        .table_name(table)
        .filter_expression("what = :concluded")
        .expression_attribute_values(":concluded", s(bonafide_records::Event::SubmissionConcluded.name()))
        .projection_expression(projection)
        .set_expression_attribute_names(Some(names))
        .into_paginator()
        .items()
        .send();
    items.try_collect().await.map_err(|error| Error::from_sdk("read the decision records", error))
}

/// The rules of these conclusions, in the order of their first use.
#[must_use]
pub fn of(conclusions: &[Item]) -> Vec<Rules> {
    let mut found: BTreeMap<(String, String), Rules> = BTreeMap::new();
    for record in conclusions {
        let part = |name| text(record, name).unwrap_or_default();
        let (thresholds_digest, definition, at) = (part("thresholdsDigest"), part("definition"), part("at"));
        let rules = found.entry((thresholds_digest.clone(), definition.clone())).or_insert_with(|| Rules {
            thresholds_digest,
            definition,
            since: at.clone(),
            until: at.clone(),
            conclusions: 0,
            changed: BTreeMap::new(),
            thresholds: numbers(record, "thresholds"),
        });
        rules.conclusions += 1;
        rules.since = rules.since.clone().min(at.clone());
        rules.until = rules.until.clone().max(at);
    }
    let mut all: Vec<_> = found.into_values().collect();
    all.sort_by(|one, other| one.since.cmp(&other.since));
    for index in 1..all.len() {
        let before = all[index - 1].thresholds.clone();
        let rules = &mut all[index];
        let changed = rules.thresholds.iter().filter(|(name, value)| before.get(*name) != Some(*value));
        rules.changed = changed.map(|(name, value)| (name.clone(), (before.get(name).copied(), *value))).collect();
    }
    all
}

/// The rules as text.
#[must_use]
pub fn listed(all: &[Rules]) -> String {
    let lines = all.iter().map(|Rules { thresholds_digest, definition, since, until, conclusions, changed, .. }| {
        let changed = changed.iter().map(|(name, (before, value))| match before {
            Some(before) => format!("\n    {name}: {before} -> {value}"),
            None => format!("\n    {name}: new, {value}"),
        });
        format!(
            "{since} to {until}: {conclusions} conclusions by thresholds {thresholds_digest}, machines {definition}{}",
            changed.collect::<String>()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn concluded(at: &str, pass: &str, definition: &str) -> Item {
        let pass = AttributeValue::N(pass.to_owned());
        Item::from([
            ("at".to_owned(), s(at)),
            ("thresholdsDigest".to_owned(), s(if pass == AttributeValue::N("95".to_owned()) { "t1" } else { "t2" })),
            ("definition".to_owned(), s(definition)),
            ("thresholds".to_owned(), AttributeValue::M(Item::from([("SimilarityPass".to_owned(), pass)]))),
        ])
    }

    #[test]
    fn rules_are_told_by_the_time_of_their_first_use() {
        let all = of(&[
            concluded("2026-03-01", "97", "d2"),
            concluded("2026-01-02", "95", "d1"),
            concluded("2026-01-01", "95", "d1"),
            concluded("2026-02-01", "95", "d2"),
        ]);
        let seen: Vec<_> = all.iter().map(|rules| (&*rules.since, &*rules.until, rules.conclusions)).collect();
        assert_eq!(
            seen,
            [("2026-01-01", "2026-01-02", 2), ("2026-02-01", "2026-02-01", 1), ("2026-03-01", "2026-03-01", 1)]
        );
        let text = listed(&all);
        assert!(text.ends_with("thresholds t2, machines d2\n    SimilarityPass: 95 -> 97"), "{text}");
        assert!(all[..2].iter().all(|rules| rules.changed.is_empty()), "{text}");
    }
}
