//! The explanation of an outcome: the sentences for the applicant, what staff compares, and whether a person took part.

use std::collections::BTreeMap;
use std::path::Path;

use bonafide_domain::{ApplicationId, ReasonCode, Rejudged, Thresholds};
use serde::Serialize;

use crate::audit::{self, Submitted};
use crate::error::Error;
use crate::row::{Item, text, texts};

/// Sentences for applicants in a language other than English, by reason code.
#[derive(Debug, Clone, Default)]
pub struct Sentences(BTreeMap<ReasonCode, String>);

impl Sentences {
    /// Reads a JSON object with a sentence for each code.
    ///
    /// # Errors
    /// When the file cannot be read, is no such object, or names a code that does not exist.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::Usage(format!("{}: {why}", path.display()));
        let file = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let texts: BTreeMap<String, String> = serde_json::from_str(&file)
            .map_err(|error| refused(format!("write it as {{\"CODE\": \"sentence\", …}} ({error})")))?;
        let sentences = texts.into_iter().map(|(code, sentence)| {
            let known =
                code.parse().map_err(|_| refused(format!("there is no reason {code}: see docs/REASON-CODES.md")))?;
            Ok((known, sentence))
        });
        sentences.collect::<Result<_, _>>().map(Self)
    }

    fn of(&self, code: ReasonCode) -> Result<String, Error> {
        match self.0.get(&code) {
            Some(sentence) => Ok(sentence.clone()),
            None if self.0.is_empty() => Ok(code.applicant().to_owned()),
            None => Err(Error::Usage(format!("the sentences have none for {code}"))),
        }
    }
}

/// Why a submission or a conversation ended as it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The application.
    pub application_id: String,
    /// When it ended.
    pub at: String,
    /// How it ended, with the recorded scores that a threshold bounds.
    #[serde(flatten)]
    pub submitted: Submitted,
    /// A sentence for the applicant for each reason.
    pub applicant: Vec<String>,
    /// The same for staff.
    pub staff: Vec<&'static str>,
    /// How many people took part in the decision; 0 for one that was made by rules alone.
    pub people: usize,
}

/// Explains the latest conclusion about an application; `None` without one.
///
/// # Errors
/// When a sentence is missing.
pub fn explain(
    application: &ApplicationId,
    records: &[Item],
    sentences: &Sentences,
) -> Result<Option<Explained>, Error> {
    let concluded = |record| Some((record, audit::rejudge(record, &Thresholds::STANDARD)?));
    let Some((record, submitted)) = records.iter().rev().find_map(concluded) else { return Ok(None) };
    let codes: Vec<ReasonCode> = submitted.reasons.iter().filter_map(|code| code.parse().ok()).collect();
    let reviews = record.get("reviews").and_then(|reviews| reviews.as_l().ok()).into_iter().flatten();
    let mut people: Vec<_> =
        reviews.filter_map(|review| review.as_m().ok()).flat_map(|review| texts(review, "reviewers")).collect();
    people.sort_unstable();
    people.dedup();
    Ok(Some(Explained {
        application_id: application.as_str().to_owned(),
        at: text(record, "at").unwrap_or_default(),
        applicant: codes.iter().map(|code| sentences.of(*code)).collect::<Result<_, _>>()?,
        staff: codes.iter().map(|code| code.staff()).collect(),
        people: people.len(),
        submitted,
    }))
}

/// The explanation as text.
#[must_use]
pub fn explained(Explained { application_id, at, submitted, applicant, staff, people }: &Explained) -> String {
    let mut lines = vec![format!("{application_id}: {} on {at}", submitted.outcome)];
    lines.push(match people {
        0 => "No person took part in this decision.".to_owned(),
        1 => "One person took part in this decision.".to_owned(),
        people => format!("{people} people took part in this decision."),
    });
    if !applicant.is_empty() {
        lines.push("To the applicant:".to_owned());
        lines.extend(applicant.iter().map(|sentence| format!("  {sentence}")));
        lines.push("To staff:".to_owned());
        lines.extend(submitted.reasons.iter().zip(staff).map(|(code, sentence)| format!("  {code}: {sentence}")));
    }
    if !submitted.scores.is_empty() {
        lines.push("Scores and thresholds:".to_owned());
        lines.extend(submitted.scores.iter().map(
            |Rejudged { check, score, value, passes, then: (threshold, is_passed), .. }| {
                let sign = if *is_passed { '✓' } else { '✗' };
                format!("  {sign} {}.{score}: {value}, passes {passes} {threshold}", check.name())
            },
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::{application, records};
    use crate::row::s;

    #[test]
    fn an_outcome_is_explained_to_the_applicant_and_to_staff() {
        let explained =
            explain(&application(), &records(), &Sentences::default()).expect("sentences").expect("a conclusion");
        assert_eq!((explained.people, explained.applicant.len(), explained.staff.len()), (1, 1, 1));
        let text = super::explained(&explained);
        for part in [
            "my-first: declined on 2026-11-28T09:30:00.000Z",
            "One person took part",
            ReasonCode::FaceMismatch.applicant(),
            ReasonCode::FaceMismatch.staff(),
            "✗ identityCompare.similarity: 91.5, passes above 95",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(explain(&application(), &records()[..1], &Sentences::default()).expect("sentences"), None);
    }

    #[test]
    fn a_conversation_is_explained_without_scores() {
        let mut records = records();
        let concluded = records.last_mut().expect("a record");
        concluded.remove("submissionId");
        concluded.insert("what".to_owned(), s("conversationConcluded"));
        let explained =
            explain(&application(), &records, &Sentences::default()).expect("sentences").expect("a conclusion");
        assert_eq!((explained.applicant.len(), explained.submitted.scores.len()), (1, 0));
        assert!(
            audit::story(&application(), &records).contains("The conversation (step ) ended: declined"),
            "{explained:?}"
        );
    }

    #[test]
    fn sentences_may_be_in_another_language() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            Sentences::read(&path)
        };
        let german = read("de.json", r#"{"FACE_MISMATCH": "Das Selfie zeigt eine andere Person als der Ausweis."}"#);
        let explained =
            explain(&application(), &records(), &german.expect("sentences")).expect("all").expect("a conclusion");
        assert_eq!(explained.applicant, ["Das Selfie zeigt eine andere Person als der Ausweis."]);
        let other = read("fr.json", r#"{"SELFIE_TOO_DARK": "Trop sombre."}"#).expect("sentences");
        let error = explain(&application(), &records(), &other).expect_err("a missing sentence");
        assert!(error.to_string().contains("none for FACE_MISMATCH"), "{error}");
        for (file, said) in [("[]", "write it as"), (r#"{"FACE_LIFTED": "x"}"#, "no reason FACE_LIFTED")] {
            let error = read("other.json", file).expect_err("no sentences");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
