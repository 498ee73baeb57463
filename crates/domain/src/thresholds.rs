//! The thresholds of `statemachines/thresholds.json`, which the state machines use, too.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

include!(concat!(env!("OUT_DIR"), "/thresholds.rs"));

struct Threshold {
    name: &'static str,
    from: f64,
    to: f64,
    unit: &'static str,
    reason: &'static str,
    get: fn(&Thresholds) -> f64,
    set: fn(&mut Thresholds, f64),
}

/// The thresholds that a stage sets are not valid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidThreshold {
    /// The text is not a list of names and numbers.
    #[error("`{0}` is no threshold in the form name=number")]
    Form(String),
    /// No threshold has this name.
    #[error("there is no threshold {0}")]
    Unknown(String),
    /// The number is outside of the range that a stage may choose.
    #[error("{name} is {value}, but has to be from {from} to {to}")]
    OutOfBounds {
        /// The threshold.
        name: &'static str,
        /// The given value.
        value: f64,
        /// The lower bound.
        from: f64,
        /// The upper bound.
        to: f64,
    },
    /// The search would miss faces that are duplicates.
    #[error("SearchSimilarity has to be below DuplicateSimilarity")]
    SearchTooNarrow,
}

impl Thresholds {
    /// The thresholds of a stage that sets some of its own: `SimilarityPass=90,FieldConfidence=0.95`. An empty text sets none.
    ///
    /// # Errors
    /// When a name is unknown or a number is out of bounds.
    pub fn with(own: &str) -> Result<Self, InvalidThreshold> {
        let mut thresholds = Self::STANDARD;
        for pair in own.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let form = || InvalidThreshold::Form(pair.to_owned());
            let (name, value) = pair.split_once('=').ok_or_else(form)?;
            let value: f64 = value.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(form)?;
            let known = ALL.iter().find(|threshold| threshold.name == name);
            let Threshold { name, from, to, set, .. } =
                known.ok_or_else(|| InvalidThreshold::Unknown(name.to_owned()))?;
            if value < *from || value > *to {
                return Err(InvalidThreshold::OutOfBounds { name, value, from: *from, to: *to });
            }
            set(&mut thresholds, value);
        }
        if thresholds.search_similarity >= thresholds.duplicate_similarity {
            return Err(InvalidThreshold::SearchTooNarrow);
        }
        Ok(thresholds)
    }

    /// Name and value of each threshold, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        ALL.iter().map(|Threshold { name, get, .. }| (*name, get(self)))
    }

    /// The first 16 hexadecimal digits of the SHA-256 of all names and values. It identifies the thresholds of a decision.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in self.entries() {
            hash.update(format!("{name}={value}\n"));
        }
        hash.finalize()[..8].iter().fold(String::new(), |digest, byte| digest + &format!("{byte:02x}"))
    }
}

impl TryFrom<String> for Thresholds {
    type Error = InvalidThreshold;

    fn try_from(own: String) -> Result<Self, InvalidThreshold> {
        Self::with(&own)
    }
}

/// The page `docs/THRESHOLDS.md`, in Markdown.
#[must_use]
pub fn thresholds_page() -> String {
    let mut page = String::from(
        "# Thresholds\n\n\
         Generated from `statemachines/thresholds.json`; change it there. The state machines have each threshold as the token `${name}`, \
         the workers as a field of `Thresholds`. A stage may set its own within the bounds: \
         `-c thresholds=SimilarityPass=90,FieldConfidence=0.95`.\n\n\
         | threshold | value | bounds of a stage's own | unit | reason |\n|---|---|---|---|---|\n",
    );
    let row = |Threshold { name, from, to, unit, reason, get, .. }: &Threshold| {
        let bounds = if from < to { format!("{from} to {to}") } else { "fixed".to_owned() };
        format!("| `{name}` | {} | {bounds} | {unit} | {reason} |\n", get(&Thresholds::STANDARD))
    };
    page.extend(ALL.iter().map(row));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_without_thresholds_has_the_standard() {
        assert_eq!(Thresholds::with(""), Ok(Thresholds::STANDARD));
    }

    #[test]
    fn a_stage_sets_its_own_and_the_digest_differs() {
        let own = Thresholds::with("SimilarityPass=90, FieldConfidence=0.95").expect("thresholds");
        assert_eq!((own.similarity_pass, own.field_confidence), (90.0, 0.95));
        assert_eq!(Thresholds { similarity_pass: 95.0, field_confidence: 0.9, ..own }, Thresholds::STANDARD);
        assert_ne!(own.digest(), Thresholds::STANDARD.digest());
    }

    #[test]
    fn the_standard_lies_within_the_bounds() {
        for Threshold { name, from, to, get, .. } in ALL {
            assert!((*from..=*to).contains(&get(&Thresholds::STANDARD)), "{name}");
        }
    }

    #[test]
    fn refuses_unknown_names_values_out_of_bounds_and_non_numbers() {
        for (own, error) in [
            ("Similarity=90", "there is no threshold Similarity"),
            ("SimilarityPass", "`SimilarityPass` is no threshold in the form name=number"),
            ("SimilarityPass=high", "`SimilarityPass=high` is no threshold in the form name=number"),
            ("SimilarityPass=NaN", "`SimilarityPass=NaN` is no threshold in the form name=number"),
            ("SimilarityPass=79.9", "SimilarityPass is 79.9, but has to be from 90 to 99.9"),
            ("BirthDateSimilarity=99", "BirthDateSimilarity is 99, but has to be from 100 to 100"),
        ] {
            assert_eq!(Thresholds::with(own).expect_err(own).to_string(), error);
        }
    }
}
