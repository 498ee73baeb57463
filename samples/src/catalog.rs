//! The samples: what each package holds, and the verdict that it must get.

use serde::Serialize;

use crate::{Failure, applications};

/// One package and the verdict that it must get.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Names the package: `packages/<id>.zip`.
    pub id: &'static str,
    /// Where the package is, relative to `samples.json`.
    pub file: &'static str,
    /// What is special about it.
    pub title: &'static str,
    /// Which runs it belongs to.
    pub suite: Suite,
    /// The verdict that it must get.
    pub expected: Expected,
    /// Samples that must have their verdict before this one is uploaded.
    pub after: &'static [&'static str],
    #[serde(skip)]
    draw: fn(&'static str) -> Result<Vec<u8>, Failure>,
}

/// Which runs a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// The main verdicts.
    Core,
    /// Everything else.
    Full,
}

/// The verdict that a sample must get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// `approved`, `declined`, `resubmit`, `referred` or `failed`.
    pub outcome: &'static str,
    /// The reason codes, in any order.
    pub reasons: &'static [&'static str],
}

impl Sample {
    /// The bytes of its package.
    ///
    /// # Errors
    /// When a picture cannot be drawn or packed.
    pub fn package(&self) -> Result<Vec<u8>, Failure> {
        (self.draw)(self.id)
    }
}

/// Every committed file that this crate draws: its name within the crate's folder, and its bytes.
///
/// # Errors
/// When a sample cannot be drawn or packed.
pub fn files() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let index = serde_json::to_string_pretty(SAMPLES)? + "\n";
    let mut files = vec![("samples.json".to_owned(), index.into_bytes())];
    for sample in SAMPLES {
        files.push((sample.file.to_owned(), sample.package()?));
    }
    Ok(files)
}

/// Every sample, in the order in which `samples.json` lists them.
pub const SAMPLES: &[Sample] = &[
    Sample {
        id: "approved",
        file: "packages/approved.zip",
        title: "Everything fits",
        suite: Suite::Core,
        expected: Expected { outcome: "approved", reasons: &[] },
        after: &[],
        draw: applications::approved,
    },
    Sample {
        id: "face-mismatch",
        file: "packages/face-mismatch.zip",
        title: "The selfie shows somebody else",
        suite: Suite::Core,
        expected: Expected { outcome: "declined", reasons: &["FACE_MISMATCH"] },
        after: &[],
        draw: applications::face_mismatch,
    },
    Sample {
        id: "last-name-mismatch",
        file: "packages/last-name-mismatch.zip",
        title: "Another last name than on the licence",
        suite: Suite::Core,
        expected: Expected { outcome: "declined", reasons: &["LAST_NAME_MISMATCH"] },
        after: &[],
        draw: applications::last_name_mismatch,
    },
    Sample {
        id: "document-expired",
        file: "packages/document-expired.zip",
        title: "The licence has expired",
        suite: Suite::Core,
        expected: Expected { outcome: "declined", reasons: &["DOCUMENT_EXPIRED"] },
        after: &[],
        draw: applications::document_expired,
    },
    Sample {
        id: "selfie-without-face",
        file: "packages/selfie-without-face.zip",
        title: "The selfie shows an empty room",
        suite: Suite::Core,
        expected: Expected { outcome: "resubmit", reasons: &["SELFIE_FACE_NOT_FOUND"] },
        after: &[],
        draw: applications::selfie_without_face,
    },
    Sample {
        id: "face-duplicate",
        file: "packages/face-duplicate.zip",
        title: "An approved applicant again, under another name",
        suite: Suite::Core,
        expected: Expected { outcome: "declined", reasons: &["FACE_DUPLICATE"] },
        after: &["approved"],
        draw: applications::face_duplicate,
    },
    Sample {
        id: "license-unknown",
        file: "packages/license-unknown.zip",
        title: "The third party does not know the licence",
        suite: Suite::Core,
        expected: Expected { outcome: "declined", reasons: &["LICENSE_UNKNOWN"] },
        after: &[],
        draw: applications::license_unknown,
    },
    Sample {
        id: "third-party-down",
        file: "packages/third-party-down.zip",
        title: "The third party is down for this licence",
        suite: Suite::Core,
        expected: Expected { outcome: "failed", reasons: &["THIRD_PARTY_UNAVAILABLE"] },
        after: &[],
        draw: applications::third_party_down,
    },
    Sample {
        id: "not-a-zip",
        file: "packages/not-a-zip.zip",
        title: "A text file called zip",
        suite: Suite::Core,
        expected: Expected { outcome: "resubmit", reasons: &["PACKAGE_NOT_A_ZIP"] },
        after: &[],
        draw: applications::not_a_zip,
    },
    Sample {
        id: "formatting",
        file: "packages/formatting.zip",
        title: "The same facts, written otherwise",
        suite: Suite::Full,
        expected: Expected { outcome: "approved", reasons: &[] },
        after: &[],
        draw: applications::formatting,
    },
    Sample {
        id: "birth-date-mismatch",
        file: "packages/birth-date-mismatch.zip",
        title: "Another birth date than on the licence",
        suite: Suite::Full,
        expected: Expected { outcome: "declined", reasons: &["BIRTH_DATE_MISMATCH"] },
        after: &[],
        draw: applications::birth_date_mismatch,
    },
    Sample {
        id: "applicant-under-age",
        file: "packages/applicant-under-age.zip",
        title: "The applicant is a child",
        suite: Suite::Full,
        expected: Expected { outcome: "declined", reasons: &["APPLICANT_UNDER_AGE"] },
        after: &[],
        draw: applications::applicant_under_age,
    },
    Sample {
        id: "selfie-two-faces",
        file: "packages/selfie-two-faces.zip",
        title: "Two people on the selfie",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["SELFIE_MULTIPLE_FACES"] },
        after: &[],
        draw: applications::selfie_two_faces,
    },
    Sample {
        id: "selfie-blurred",
        file: "packages/selfie-blurred.zip",
        title: "The selfie is out of focus",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["SELFIE_TOO_BLURRED"] },
        after: &[],
        draw: applications::selfie_blurred,
    },
    Sample {
        id: "selfie-dark",
        file: "packages/selfie-dark.zip",
        title: "The selfie was taken in the dark",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["SELFIE_TOO_DARK"] },
        after: &[],
        draw: applications::selfie_dark,
    },
    Sample {
        id: "document-unreadable",
        file: "packages/document-unreadable.zip",
        title: "Glare on the licence",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["DOCUMENT_UNREADABLE"] },
        after: &[],
        draw: applications::document_unreadable,
    },
    Sample {
        id: "document-without-portrait",
        file: "packages/document-without-portrait.zip",
        title: "The licence bears no portrait",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["PORTRAIT_NOT_FOUND"] },
        after: &[],
        draw: applications::document_without_portrait,
    },
    Sample {
        id: "third-party-malformed",
        file: "packages/third-party-malformed.zip",
        title: "The third party answers with something that is no answer",
        suite: Suite::Full,
        expected: Expected { outcome: "failed", reasons: &["THIRD_PARTY_UNAVAILABLE"] },
        after: &[],
        draw: applications::third_party_malformed,
    },
    Sample {
        id: "zip-bomb",
        file: "packages/zip-bomb.zip",
        title: "A small zip with an enormous selfie",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["PACKAGE_ZIP_BOMB"] },
        after: &[],
        draw: applications::zip_bomb,
    },
    Sample {
        id: "path-traversal",
        file: "packages/path-traversal.zip",
        title: "A member that leads out of the zip",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["PACKAGE_PATH_UNSAFE"] },
        after: &[],
        draw: applications::path_traversal,
    },
    Sample {
        id: "selfie-missing",
        file: "packages/selfie-missing.zip",
        title: "No selfie in the zip",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["SELFIE_MISSING"] },
        after: &[],
        draw: applications::selfie_missing,
    },
    Sample {
        id: "details-unreadable",
        file: "packages/details-unreadable.zip",
        title: "Details that end in the middle",
        suite: Suite::Full,
        expected: Expected { outcome: "resubmit", reasons: &["DETAILS_UNREADABLE"] },
        after: &[],
        draw: applications::details_unreadable,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_only_for_samples_that_come_earlier() {
        for (index, sample) in SAMPLES.iter().enumerate() {
            for awaited in sample.after {
                assert!(SAMPLES[..index].iter().any(|earlier| earlier.id == *awaited), "{}: {awaited}", sample.id);
            }
        }
    }

    #[test]
    fn names_each_file_after_its_sample() {
        for sample in SAMPLES {
            assert_eq!(sample.file, format!("packages/{}.zip", sample.id));
        }
    }

    #[test]
    fn gives_a_reason_for_everything_but_an_approval() {
        for sample in SAMPLES {
            assert_eq!(sample.expected.outcome == "approved", sample.expected.reasons.is_empty(), "{}", sample.id);
        }
    }
}
