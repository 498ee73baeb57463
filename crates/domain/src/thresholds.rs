//! The thresholds of `statemachines/thresholds.json`, which the state machines use, too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Check, ReasonCode};

include!(concat!(env!("OUT_DIR"), "/thresholds.rs"));

struct Threshold {
    name: &'static str,
    from: f64,
    to: f64,
    unit: &'static str,
    reason: &'static str,
    /// The recorded scores that it bounds.
    judges: &'static [Judges],
    get: fn(&Thresholds) -> f64,
    set: fn(&mut Thresholds, f64),
}

/// A recorded score that a threshold bounds.
struct Judges {
    check: Check,
    score: &'static str,
    passes: Passes,
    otherwise: ReasonCode,
}

/// Which scores pass a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passes {
    /// A score above it.
    Above,
    /// A score from it on.
    From,
    /// A score up to it.
    To,
    /// A score below it.
    Below,
}

impl Passes {
    const fn words(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::From => "from",
            Self::To => "to",
            Self::Below => "below",
        }
    }

    fn is_passed(self, score: f64, threshold: f64) -> bool {
        match self {
            Self::Above => score > threshold,
            Self::From => score >= threshold,
            Self::To => score <= threshold,
            Self::Below => score < threshold,
        }
    }
}

/// A recorded score, judged by two sets of thresholds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejudged {
    /// The check.
    pub check: Check,
    /// The name of the score.
    pub score: &'static str,
    /// Its value.
    pub value: f64,
    /// The threshold.
    pub threshold: &'static str,
    /// Which scores pass: those `above` it, `from` it on, `to` it, or `below` it.
    pub passes: &'static str,
    /// The reason that follows where the score does not pass.
    pub otherwise: ReasonCode,
    /// The threshold of the decision, and whether the score passes it.
    pub then: (f64, bool),
    /// The threshold of the other set, and whether the score passes it.
    pub now: (f64, bool),
}

/// Judges the scores of a check by the thresholds of its decision, and by others. A score that no threshold bounds is left out.
#[must_use]
pub fn rejudge(check: Check, scores: &BTreeMap<String, f64>, then: &Thresholds, now: &Thresholds) -> Vec<Rejudged> {
    let bounds = ALL.iter().flat_map(|threshold| threshold.judges.iter().map(move |judges| (threshold, judges)));
    let bounds = bounds.filter(|(_, judges)| judges.check == check);
    let rejudged = bounds.filter_map(|(Threshold { name, get, .. }, judges)| {
        let value = *scores.get(judges.score)?;
        let judged = |thresholds| (get(thresholds), judges.passes.is_passed(value, get(thresholds)));
        Some(Rejudged {
            check,
            score: judges.score,
            value,
            threshold: name,
            passes: judges.passes.words(),
            otherwise: judges.otherwise,
            then: judged(then),
            now: judged(now),
        })
    });
    rejudged.collect()
}

/// Whether each of these reasons that a threshold can lead to follows from a score that does not pass. The reasons that do not are returned.
#[must_use]
pub fn unexplained(check: Check, reasons: &[ReasonCode], rejudged: &[Rejudged]) -> Vec<ReasonCode> {
    let bounded = |reason: &ReasonCode| {
        ALL.iter()
            .flat_map(|threshold| threshold.judges)
            .any(|judges| (judges.check, judges.otherwise) == (check, *reason))
    };
    let follows = |reason: &ReasonCode| rejudged.iter().any(|judged| judged.otherwise == *reason && !judged.then.1);
    reasons.iter().copied().filter(|reason| bounded(reason) && !follows(reason)).collect()
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
         | threshold | value | bounds of a stage's own | unit | bounds the score | reason |\n|---|---|---|---|---|---|\n",
    );
    let row = |Threshold { name, from, to, unit, reason, judges, get, .. }: &Threshold| {
        let bounds = if from < to { format!("{from} to {to}") } else { "fixed".to_owned() };
        let scores = judges.iter().map(|Judges { check, score, .. }| format!("`{}.{score}`", check.name()));
        let scores = scores.collect::<Vec<_>>().join(", ");
        format!("| `{name}` | {} | {bounds} | {unit} | {scores} | {reason} |\n", get(&Thresholds::STANDARD))
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

    fn judged(check: Check, scores: &[(&str, f64)], now: &str) -> Vec<(&'static str, bool, bool)> {
        let scores = scores.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect();
        let now = Thresholds::with(now).expect("thresholds");
        let rejudged = rejudge(check, &scores, &Thresholds::STANDARD, &now);
        rejudged.iter().map(|judged| (judged.threshold, judged.then.1, judged.now.1)).collect()
    }

    #[test]
    fn a_score_is_judged_by_both_sets_of_thresholds() {
        assert_eq!(
            judged(Check::IdentityCompare, &[("similarity", 93.0), ("unknown", 1.0)], "SimilarityPass=92"),
            [("SimilarityPass", false, true), ("SimilarityRefer", true, true)]
        );
        // Above and below, from and to: a score that equals the threshold.
        for (check, score, value, passes) in [
            (Check::IdentityCompare, "similarity", 95.0, false),
            (Check::IdentityVerification, "brightness", 25.0, true),
            (Check::IdentityVerification, "duplicateSimilarity", 95.0, true),
            (Check::IdentityCompare, "matchingFeatures", 20.0, false),
        ] {
            assert_eq!(judged(check, &[(score, value)], "")[0].1, passes, "{score}");
        }
    }

    #[test]
    fn a_reason_that_no_score_explains_is_found() {
        let scores = BTreeMap::from([("similarity".to_owned(), 90.0)]);
        let rejudged = rejudge(Check::IdentityCompare, &scores, &Thresholds::STANDARD, &Thresholds::STANDARD);
        let reasons = [ReasonCode::FaceMatchUnsure, ReasonCode::FaceMismatch, ReasonCode::PortraitNotFound];
        assert_eq!(unexplained(Check::IdentityCompare, &reasons, &rejudged), [ReasonCode::FaceMismatch]);
    }
}
