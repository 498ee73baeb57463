//! The samples: the upload of each applicant, and its expected outcome.

use serde::{Serialize, Serializer};

use crate::{Error, applications};

/// The upload of an applicant, and its expected outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// The application's id.
    pub id: &'static str,
    /// What is uploaded.
    #[serde(flatten)]
    pub submission: Submission,
    /// What is special about it.
    pub title: &'static str,
    /// Which runs it belongs to.
    pub suite: Suite,
    /// The expected outcome.
    pub expected: Expected,
    /// Samples that must have their outcome before this one is uploaded.
    pub after: &'static [&'static str],
}

/// Draws the file of the sample with this id.
pub type Draw = fn(&'static str) -> Result<Vec<u8>, Error>;

/// What is uploaded.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Submission {
    /// One package.
    Package {
        /// `packages/<id>.zip`, relative to `samples.json`.
        file: &'static str,
        /// Draws it, given the id.
        #[serde(skip)]
        draw: Draw,
    },
    /// Pictures on their own, one after the other.
    Pictures {
        /// In this order; each one after the checks of the one before.
        uploads: &'static [Picture],
    },
}

/// A picture that is uploaded on its own.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    /// `uploads/<id>_<kind>.jpg`, relative to `samples.json`.
    pub file: &'static str,
    /// Where it goes in the bucket.
    pub key: &'static str,
    /// The outcome before the next picture. The last picture has none, since its outcome is that of the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    #[serde(skip)]
    draw: Draw,
}

/// Which runs a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// The main outcomes.
    Core,
    /// Everything else.
    Full,
}

/// The expected outcome of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// `approved`, `declined`, `resubmit`, `referred` or `failed`; of pictures on their own `pass`, `decline`, `resubmit` or `refer`.
    pub outcome: &'static str,
    /// The reason codes, in any order.
    pub reasons: &'static [&'static str],
    /// The outcomes of the checks by name, only for pictures on their own.
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_map")]
    pub checks: &'static [(&'static str, &'static str)],
}

impl Expected {
    const fn new(outcome: &'static str, reasons: &'static [&'static str]) -> Self {
        Self { outcome, reasons, checks: &[] }
    }
}

fn as_map<S: Serializer>(pairs: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

impl Sample {
    /// The names of its files, relative to `samples.json`.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        self.parts().into_iter().map(|(file, _)| file)
    }

    fn parts(&self) -> Vec<(&'static str, Draw)> {
        match self.submission {
            Submission::Package { file, draw } => vec![(file, draw)],
            Submission::Pictures { uploads } => uploads.iter().map(|picture| (picture.file, picture.draw)).collect(),
        }
    }
}

/// Every committed file that this crate draws: its name within the crate's folder, and its bytes.
///
/// # Errors
/// When a sample cannot be drawn or packed.
pub fn files() -> Result<Vec<(String, Vec<u8>)>, Error> {
    let index = serde_json::to_string_pretty(SAMPLES)? + "\n";
    let mut files = vec![("samples.json".to_owned(), index.into_bytes())];
    for sample in SAMPLES {
        for (file, draw) in sample.parts() {
            files.push((file.to_owned(), draw(sample.id)?));
        }
    }
    Ok(files)
}

/// Every sample, in the order in which `samples.json` lists them.
pub const SAMPLES: &[Sample] = &[
    Sample {
        id: "approved",
        submission: Submission::Package { file: "packages/approved.zip", draw: applications::approved },
        title: "Everything fits",
        suite: Suite::Core,
        expected: Expected::new("approved", &[]),
        after: &[],
    },
    Sample {
        id: "face-mismatch",
        submission: Submission::Package { file: "packages/face-mismatch.zip", draw: applications::face_mismatch },
        title: "The selfie shows another person",
        suite: Suite::Core,
        expected: Expected::new("declined", &["FACE_MISMATCH"]),
        after: &[],
    },
    Sample {
        id: "last-name-mismatch",
        submission: Submission::Package {
            file: "packages/last-name-mismatch.zip",
            draw: applications::last_name_mismatch,
        },
        title: "Another last name than on the licence",
        suite: Suite::Core,
        expected: Expected::new("declined", &["LAST_NAME_MISMATCH"]),
        after: &[],
    },
    Sample {
        id: "document-expired",
        submission: Submission::Package { file: "packages/document-expired.zip", draw: applications::document_expired },
        title: "The licence has expired",
        suite: Suite::Core,
        expected: Expected::new("declined", &["DOCUMENT_EXPIRED"]),
        after: &[],
    },
    Sample {
        id: "selfie-without-face",
        submission: Submission::Package {
            file: "packages/selfie-without-face.zip",
            draw: applications::selfie_without_face,
        },
        title: "The selfie shows an empty room",
        suite: Suite::Core,
        expected: Expected::new("resubmit", &["SELFIE_FACE_NOT_FOUND"]),
        after: &[],
    },
    Sample {
        id: "face-duplicate",
        submission: Submission::Package { file: "packages/face-duplicate.zip", draw: applications::face_duplicate },
        title: "An approved applicant under another name",
        suite: Suite::Core,
        expected: Expected::new("referred", &["FACE_DUPLICATE"]),
        after: &["approved"],
    },
    Sample {
        id: "license-unknown",
        submission: Submission::Package { file: "packages/license-unknown.zip", draw: applications::license_unknown },
        title: "The verification service does not know the licence",
        suite: Suite::Core,
        expected: Expected::new("declined", &["LICENSE_UNKNOWN"]),
        after: &[],
    },
    Sample {
        id: "third-party-down",
        submission: Submission::Package { file: "packages/third-party-down.zip", draw: applications::third_party_down },
        title: "The verification service is down for this licence",
        suite: Suite::Core,
        expected: Expected::new("failed", &["THIRD_PARTY_UNAVAILABLE"]),
        after: &[],
    },
    Sample {
        id: "not-a-zip",
        submission: Submission::Package { file: "packages/not-a-zip.zip", draw: applications::not_a_zip },
        title: "A text file with the name of a zip file",
        suite: Suite::Core,
        expected: Expected::new("resubmit", &["PACKAGE_NOT_A_ZIP"]),
        after: &[],
    },
    Sample {
        id: "formatting",
        submission: Submission::Package { file: "packages/formatting.zip", draw: applications::formatting },
        title: "The same facts in another notation",
        suite: Suite::Full,
        expected: Expected::new("approved", &[]),
        after: &[],
    },
    Sample {
        id: "birth-date-mismatch",
        submission: Submission::Package {
            file: "packages/birth-date-mismatch.zip",
            draw: applications::birth_date_mismatch,
        },
        title: "A birth date with another digit than on the licence",
        suite: Suite::Full,
        expected: Expected::new("referred", &["BIRTH_DATE_MISMATCH"]),
        after: &[],
    },
    Sample {
        id: "applicant-under-age",
        submission: Submission::Package {
            file: "packages/applicant-under-age.zip",
            draw: applications::applicant_under_age,
        },
        title: "The applicant is a child",
        suite: Suite::Full,
        expected: Expected::new("declined", &["APPLICANT_UNDER_AGE"]),
        after: &[],
    },
    Sample {
        id: "selfie-two-faces",
        submission: Submission::Package { file: "packages/selfie-two-faces.zip", draw: applications::selfie_two_faces },
        title: "Two people on the selfie",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["SELFIE_MULTIPLE_FACES"]),
        after: &[],
    },
    Sample {
        id: "selfie-blurred",
        submission: Submission::Package { file: "packages/selfie-blurred.zip", draw: applications::selfie_blurred },
        title: "The selfie is out of focus",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["SELFIE_TOO_BLURRED"]),
        after: &[],
    },
    Sample {
        id: "selfie-dark",
        submission: Submission::Package { file: "packages/selfie-dark.zip", draw: applications::selfie_dark },
        title: "The selfie was taken in the dark",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["SELFIE_TOO_DARK"]),
        after: &[],
    },
    Sample {
        id: "document-unreadable",
        submission: Submission::Package {
            file: "packages/document-unreadable.zip",
            draw: applications::document_unreadable,
        },
        title: "Glare on the licence",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["DOCUMENT_UNREADABLE"]),
        after: &[],
    },
    Sample {
        id: "document-without-portrait",
        submission: Submission::Package {
            file: "packages/document-without-portrait.zip",
            draw: applications::document_without_portrait,
        },
        title: "The licence has no portrait",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["PORTRAIT_NOT_FOUND"]),
        after: &[],
    },
    Sample {
        id: "third-party-malformed",
        submission: Submission::Package {
            file: "packages/third-party-malformed.zip",
            draw: applications::third_party_malformed,
        },
        title: "The verification service answers with invalid JSON",
        suite: Suite::Full,
        expected: Expected::new("failed", &["THIRD_PARTY_UNAVAILABLE"]),
        after: &[],
    },
    Sample {
        id: "back-of-another-licence",
        submission: Submission::Package {
            file: "packages/back-of-another-licence.zip",
            draw: applications::back_of_another_licence,
        },
        title: "The barcode on the back is that of another person",
        suite: Suite::Full,
        expected: Expected::new("declined", &["BARCODE_MISMATCH"]),
        after: &[],
    },
    Sample {
        id: "barcode-agrees",
        submission: Submission::Package { file: "packages/barcode-agrees.zip", draw: applications::barcode_agrees },
        title: "The barcode on the back says what the front says",
        suite: Suite::Full,
        expected: Expected::new("approved", &[]),
        // The same face.
        after: &["birth-date-mismatch"],
    },
    Sample {
        id: "selfie-is-the-portrait",
        submission: Submission::Package {
            file: "packages/selfie-is-the-portrait.zip",
            draw: applications::selfie_is_the_portrait,
        },
        title: "The selfie is the portrait, cut out of the licence",
        suite: Suite::Full,
        expected: Expected::new("referred", &["SELFIE_SAME_PHOTOGRAPH"]),
        after: &[],
    },
    Sample {
        id: "selfie-is-the-mirrored-portrait",
        submission: Submission::Package {
            file: "packages/selfie-is-the-mirrored-portrait.zip",
            draw: applications::selfie_is_the_mirrored_portrait,
        },
        title: "The selfie is the portrait, cut out and mirrored",
        suite: Suite::Full,
        expected: Expected::new("referred", &["SELFIE_SAME_PHOTOGRAPH"]),
        after: &[],
    },
    Sample {
        id: "zip-bomb",
        submission: Submission::Package { file: "packages/zip-bomb.zip", draw: applications::zip_bomb },
        title: "A small zip with an enormous selfie",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["PACKAGE_ZIP_BOMB"]),
        after: &[],
    },
    Sample {
        id: "path-traversal",
        submission: Submission::Package { file: "packages/path-traversal.zip", draw: applications::path_traversal },
        title: "A member with a path outside of the zip",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["PACKAGE_PATH_UNSAFE"]),
        after: &[],
    },
    Sample {
        id: "selfie-missing",
        submission: Submission::Package { file: "packages/selfie-missing.zip", draw: applications::selfie_missing },
        title: "No selfie in the zip",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["SELFIE_MISSING"]),
        after: &[],
    },
    Sample {
        id: "details-unreadable",
        submission: Submission::Package {
            file: "packages/details-unreadable.zip",
            draw: applications::details_unreadable,
        },
        title: "Details that are cut off",
        suite: Suite::Full,
        expected: Expected::new("resubmit", &["DETAILS_UNREADABLE"]),
        after: &[],
    },
    Sample {
        id: "late-document",
        submission: Submission::Pictures {
            uploads: &[
                Picture {
                    file: "uploads/late-document_selfie.jpg",
                    key: "selfie/late-document.jpg",
                    expected: Some(Expected {
                        outcome: "resubmit",
                        reasons: &["DOCUMENT_MISSING"],
                        checks: &[("identityVerification", "resubmit")],
                    }),
                    draw: applications::late_document_selfie,
                },
                Picture {
                    file: "uploads/late-document_license.jpg",
                    key: "id_document/late-document.jpg",
                    expected: None,
                    draw: applications::late_document_license,
                },
            ],
        },
        title: "No package: the selfie first, the licence later",
        suite: Suite::Full,
        expected: Expected {
            outcome: "approved",
            reasons: &[],
            checks: &[("identityVerification", "pass"), ("documentExtraction", "pass")],
        },
        after: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_only_for_earlier_samples() {
        for (index, sample) in SAMPLES.iter().enumerate() {
            for awaited in sample.after {
                assert!(SAMPLES[..index].iter().any(|earlier| earlier.id == *awaited), "{}: {awaited}", sample.id);
            }
        }
    }

    #[test]
    fn names_each_file_after_its_sample() {
        for sample in SAMPLES {
            match sample.submission {
                Submission::Package { file, .. } => assert_eq!(file, format!("packages/{}.zip", sample.id)),
                Submission::Pictures { uploads } => {
                    for picture in uploads {
                        assert!(picture.file.starts_with(&format!("uploads/{}_", sample.id)), "{}", picture.file);
                        assert!(picture.key.ends_with(&format!("/{}.jpg", sample.id)), "{}", picture.key);
                    }
                }
            }
        }
    }

    #[test]
    fn every_outcome_but_approved_has_a_reason() {
        for sample in SAMPLES {
            let is_good = sample.expected.outcome == "approved";
            assert_eq!(is_good, sample.expected.reasons.is_empty(), "{}", sample.id);
        }
    }
}
