//! Error rates of a comparison of faces by threshold, from pairs that people have labelled.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use csv::{ReaderBuilder, Trim};
use serde::Serialize;
use serde_json::json;

use crate::commands::out;
use crate::error::Error;
use crate::render;

/// Which pairs, and which thresholds.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ErrorRates {
    /// A header with the columns `similarity` (0 to 100) and `label` (same or different), and a row for each pair of pictures
    #[arg(value_name = "PAIRS.csv")]
    pairs: PathBuf,
    /// The lowest threshold
    #[arg(long, value_name = "SIMILARITY", default_value_t = 80.0, value_parser = similarity)]
    from: f64,
    /// The highest threshold
    #[arg(long, value_name = "SIMILARITY", default_value_t = 99.0, value_parser = similarity)]
    to: f64,
    /// The distance between two thresholds
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = step)]
    step: f64,
}

fn similarity(text: &str) -> Result<f64, &'static str> {
    text.trim()
        .parse()
        .ok()
        .filter(|value| (0.0..=100.0).contains(value))
        .ok_or("a similarity is a number from 0 to 100")
}

fn step(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|value| (0.01..=100.0).contains(value)).ok_or("a step is a number from 0.01 to 100")
}

/// How often something went wrong, with the interval in which the true rate lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Rate {
    errors: u32,
    pairs: u32,
    /// `errors / pairs`
    value: f64,
    from: f64,
    to: f64,
}

impl Rate {
    /// The interval of Wilson, which stays sensible where hardly anything, or nothing, went wrong: with no error among n pairs it ends at
    /// about 4 / n.
    fn of(errors: u32, pairs: u32) -> Self {
        /// The quantile of the normal distribution that leaves 2.5 % on either side.
        const Z: f64 = 1.959_963_984_540_054;
        let (errors_f, n) = (f64::from(errors), f64::from(pairs));
        let value = errors_f / n;
        let centre = errors_f + Z * Z / 2.0;
        let half = Z * (errors_f * (1.0 - value) + Z * Z / 4.0).sqrt();
        let bound = |value: f64| (value / (n + Z * Z)).clamp(0.0, 1.0);
        Self { errors, pairs, value, from: bound(centre - half).min(value), to: bound(centre + half).max(value) }
    }

    fn cells(self) -> [String; 3] {
        let percent = |rate: f64| format!("{:.4}", rate * 100.0);
        [self.errors.to_string(), percent(self.value), format!("{} to {}", percent(self.from), percent(self.to))]
    }
}

/// The rates of one threshold. A pair matches above it, as for `IdentityCompare`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AtThreshold {
    threshold: f64,
    /// Pairs of two people that match.
    false_match: Rate,
    /// Pairs of one person that do not.
    false_non_match: Rate,
}

/// The similarities of the pairs.
#[derive(Debug, Default)]
struct Pairs {
    same: Vec<f64>,
    different: Vec<f64>,
}

impl Pairs {
    fn at(&self, threshold: f64) -> AtThreshold {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let above = |pairs: &[f64]| count(pairs.iter().filter(|similarity| **similarity > threshold).count());
        let (same, different) = (count(self.same.len()), count(self.different.len()));
        AtThreshold {
            threshold,
            false_match: Rate::of(above(&self.different), different),
            false_non_match: Rate::of(same - above(&self.same), same),
        }
    }
}

impl ErrorRates {
    /// Prints the rates of each threshold.
    ///
    /// # Errors
    /// When the file cannot be read, a row is malformed, or there is no pair of one of the labels.
    pub fn run(&self, is_json: bool) -> Result<(), Error> {
        if self.from > self.to {
            return Err(Error::Usage("--from is above --to".to_owned()));
        }
        let pairs = self.pairs()?;
        let rates: Vec<_> = self.thresholds().map(|threshold| pairs.at(threshold)).collect();
        if is_json {
            for rates in rates {
                out(json!(rates));
            }
        } else {
            out(table(&pairs, &rates));
        }
        Ok(())
    }

    fn thresholds(&self) -> impl Iterator<Item = f64> + '_ {
        // Not a sum of steps, whose rounding errors would add up. The step is at least 0.01 of 100.
        let threshold = |index: u16| ((self.from + self.step * f64::from(index)) * 1e6).round() / 1e6;
        (0..=10_000).map(threshold).take_while(|threshold| *threshold <= self.to)
    }

    fn pairs(&self) -> Result<Pairs, Error> {
        let usage = |what: String| Error::Usage(format!("{}{what}", self.pairs.display()));
        let file = File::open(&self.pairs).map_err(|error| usage(format!(" cannot be read: {error}")))?;
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(file);
        let header = reader.headers().map_err(|_| usage(" is no CSV".to_owned()))?.clone();
        let column = |name: &str| match header.iter().position(|column| column == name) {
            Some(column) if header.iter().filter(|column| *column == name).count() == 1 => Ok(column),
            _ => Err(usage(format!(
                ": the first line has to name the columns similarity and label, each once; {name} it does not"
            ))),
        };
        let (similarity_column, label_column) = (column("similarity")?, column("label")?);
        let mut pairs = Pairs::default();
        for row in reader.records() {
            let row = row.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                usage(format!(", line {line}: it is not text, or has more or fewer columns than the first line"))
            })?;
            let malformed =
                |what: &str| usage(format!(", line {}: {what}", row.position().map_or(0, csv::Position::line)));
            let similarity = similarity(&row[similarity_column]).map_err(malformed)?;
            match &row[label_column] {
                "same" => pairs.same.push(similarity),
                "different" => pairs.different.push(similarity),
                _ => return Err(malformed("a label is same or different")),
            }
        }
        for (label, found) in [("same", &pairs.same), ("different", &pairs.different)] {
            if found.is_empty() {
                return Err(usage(format!(" has no pair that is labelled {label}: the rates need both")));
            }
        }
        Ok(pairs)
    }
}

fn table(pairs: &Pairs, rates: &[AtThreshold]) -> String {
    let rows = rates.iter().map(|AtThreshold { threshold, false_match, false_non_match }| {
        let [matches, match_rate, match_interval] = false_match.cells();
        let [misses, miss_rate, miss_interval] = false_non_match.cells();
        [render::rounded(*threshold), matches, match_rate, match_interval, misses, miss_rate, miss_interval]
    });
    let head = ["above", "false matches", "%", "95 % interval", "false non-matches", "%", "95 % interval"];
    let (same, different) = (pairs.same.len(), pairs.different.len());
    format!("{different} pairs of two people, {same} of one\n\n{}", render::table(head, rows))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use tempfile::tempdir;

    use super::*;

    /// The bounds of published examples of Wilson's interval.
    #[test]
    fn intervals_are_those_of_wilson() {
        for (errors, pairs, from, to) in [
            (0, 10, 0.0, 0.277_53),
            (1, 10, 0.017_88, 0.404_15),
            (5, 10, 0.236_59, 0.763_41),
            (10, 10, 0.722_47, 1.0),
            (0, 10_000, 0.0, 0.000_384),
            (81, 263, 0.255_3, 0.366_2),
        ] {
            let rate = Rate::of(errors, pairs);
            let is_right = (rate.from - from).abs() < 5e-5 && (rate.to - to).abs() < 5e-5;
            assert!(is_right, "{errors} of {pairs}: {rate:?}");
        }
    }

    proptest! {
        #[test]
        fn a_rate_is_inside_of_its_interval(pairs in 1..100_000_u32, part in 0.0..=1.0_f64) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a number")]
            let errors = (f64::from(pairs) * part) as u32;
            let rate = Rate::of(errors, pairs);
            prop_assert!(0.0 <= rate.from && rate.from <= rate.value && rate.value <= rate.to && rate.to <= 1.0, "{rate:?}");
        }
    }

    #[test]
    fn a_pair_matches_above_a_threshold() {
        let pairs = Pairs { same: vec![99.0, 95.0, 80.0], different: vec![96.0, 95.0, 10.0, 0.0] };
        let errors = |threshold: f64| {
            let AtThreshold { false_match, false_non_match, .. } = pairs.at(threshold);
            ((false_match.errors, false_match.pairs), (false_non_match.errors, false_non_match.pairs))
        };
        assert_eq!(errors(95.0), ((1, 4), (2, 3)));
        assert_eq!(errors(94.9), ((2, 4), (1, 3)));
        assert_eq!(errors(0.0), ((3, 4), (0, 3)));
        assert_eq!(errors(100.0), ((0, 4), (3, 3)));
    }

    fn of(text: &str) -> Result<Pairs, String> {
        let folder = tempdir().unwrap();
        let pairs = folder.path().join("pairs.csv");
        fs::write(&pairs, text).unwrap();
        ErrorRates { pairs, from: 80.0, to: 99.0, step: 1.0 }.pairs().map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let pairs = of("application,label,similarity\r\na, same ,97.5\r\nb,different, 3\r\n").unwrap();
        assert_eq!((pairs.same, pairs.different), (vec![97.5], vec![3.0]));
    }

    #[test]
    fn a_malformed_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("", "each once; similarity it does not"),
            ("97.5,same\n3,different\n", "each once; similarity it does not"),
            ("similarity,label,label\n97.5,same,same\n", "each once; label it does not"),
            ("similarity,label\n97.5,same\n101,different\n", "line 3: a similarity is a number from 0 to 100"),
            ("similarity,label\nNaN,same\n", "line 2: a similarity is a number"),
            ("similarity,label\n\"97,5\",same\n", "line 2: a similarity is a number"),
            ("similarity,label\n97.5,Same\n", "line 2: a label is same or different"),
            ("similarity,label\n97.5\n", "line 2: it is not text, or has more or fewer columns"),
            ("similarity,label\n97.5,same\n", "has no pair that is labelled different"),
            ("similarity,label\n", "has no pair that is labelled same"),
        ] {
            let error = of(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn thresholds_include_both_ends() {
        let thresholds = |from, to, step| {
            let rates = ErrorRates { pairs: PathBuf::new(), from, to, step };
            rates.thresholds().collect::<Vec<_>>()
        };
        assert_eq!(thresholds(80.0, 82.0, 1.0), [80.0, 81.0, 82.0]);
        assert_eq!(thresholds(99.0, 99.9, 0.3), [99.0, 99.3, 99.6, 99.9]);
        assert_eq!(thresholds(95.0, 95.0, 1.0), [95.0]);
        assert_eq!(thresholds(0.0, 100.0, 0.01).len(), 10_001);
    }

    #[test]
    fn the_table_has_counts_rates_and_intervals() {
        let pairs = Pairs { same: vec![99.0; 10], different: vec![10.0; 9].into_iter().chain([96.0]).collect() };
        let text = table(&pairs, &[pairs.at(95.0)]);
        assert!(text.starts_with("10 pairs of two people, 10 of one\n\n"), "{text}");
        let row: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(row, ["95", "1", "10.0000", "1.7876", "to", "40.4150", "0", "0.0000", "0.0000", "to", "27.7533"]);
    }
}
