//! PII markers: all personal data that tests, samples and load tests have sent. None of it may be found outside the bucket and the tables.
//!
//! They are read from the places where they belong: the rows of the tables, all versions of the packages in the bucket, the configured
//! answers of the Textract fake, and the requests to the face API. So a scenario cannot forget to register its applicants, and a new
//! attribute counts as personal until it is listed as impersonal.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use aho_corasick::AhoCorasick;
use anyhow::{Context as _, Result, ensure};
use bonafide_cli::Deployment;
use bonafide_domain::{Details, DetailsColumn};
use bonafide_tools::Local;
use bonafide_tools::rows::plain;
use serde_json::Value;
use zip::ZipArchive;

use crate::sent;

/// The marker in malformed input, in names, keys, texts and tokens; it is fixed, because most of that input cannot be parsed.
pub const UNREADABLE: &str = "Zyzzyvaquux";

/// How a JPEG and a PNG begin, in base64 and as the list of numbers that `Debug` prints for bytes.
const PICTURES: [&str; 4] = ["base64,/9j/", "base64,iVBORw0KGgo", "255, 216, 255, ", "137, 80, 78, 71, "];

/// Attributes of rows, at any depth, that contain no personal data.
const IMPERSONAL: [&str; 92] = [
    "SK",
    "appeal",
    "appealSalt",
    "appealedAt",
    "appealedBy",
    "appealedByName",
    "applicationId",
    "collectionId",
    "concludedBy",
    "consent",
    "consentedAt",
    "createdAt",
    "customerId",
    "customerRegistration",
    "dateOrder",
    "decidedAt",
    "document",
    "documentBack",
    "documentExtraction",
    "documentSubmission",
    "duplicateApplicationId",
    "duplicateFaceId",
    "endSalt",
    "endedAt",
    "endedBy",
    "endedByName",
    "erasureAt",
    "erasureRequestedAt",
    "erasureRequestedBy",
    "erasureRequestedByName",
    "erasureSalt",
    "evidenceErasedAt",
    "executionArn",
    "extraction",
    "faceId",
    "faceSweptAt",
    "failure",
    "firstNameTruncated",
    "heldAt",
    "heldBy",
    "heldByName",
    "holdSalt",
    "idType",
    "identityCompare",
    "identityExtraction",
    "identityVerification",
    "kind",
    "lastNameTruncated",
    "lastRequest",
    "leaseId",
    "licenseFields",
    "middleNameTruncated",
    "nationalNumber",
    "outcome",
    "package",
    "packageCheck",
    "packageSubmission",
    "personalSalt",
    "publishedAt",
    "reasons",
    "receivedAt",
    "registeredAt",
    "registryVerification",
    "rekognitionFaceId",
    "reopenSalt",
    "reopenedAt",
    "reopenedBy",
    "reopenedByName",
    "replayOf",
    "resumeSalt",
    "resumedAt",
    "resumedBy",
    "resumedByName",
    "retention",
    "retentionFrom",
    "s3Key",
    "selfie",
    "selfieSubmission",
    "source",
    "status",
    "statusBeforeFailure",
    "submissionId",
    "thirdPartyCheck",
    "unheldAt",
    "unheldBy",
    "unheldByName",
    "unholdSalt",
    "unindexed",
    "updatedAt",
    "upload",
    "userId",
    "withdrawnAt",
];
/// The shortest text that is searched for; shorter ones occur everywhere.
const SHORTEST: usize = 3;
/// From this length on a text does not occur by chance within identifiers, tokens and other words; shorter ones are found as whole words
/// only.
const LONG: usize = 8;
/// The shortest number that is also searched for without its separators.
const NUMBER: usize = 6;
/// The size limit of a package's details; larger ones are refused unread.
const LARGEST_DETAILS: u64 = 1 << 20;

/// The texts that are searched for. Never printed, so without `Debug`.
#[derive(Default)]
pub struct PiiMarkers {
    texts: BTreeSet<String>,
}

impl PiiMarkers {
    /// Reads the markers of everything that has run.
    ///
    /// # Errors
    /// When the local AWS does not answer, or a source is empty, which means that nothing has run.
    pub async fn of_everything(local: &Local, deployment: &Deployment) -> Result<Self> {
        let [mut rows, mut packages, mut documents, mut faces] = [(); 4].map(|()| Self::default());
        let tables = ["ApplicationsTableName", "SubmissionsTableName", "CustomersTableName", "FaceMetadataTableName"];
        for table in tables {
            for row in self::rows(local, deployment.data(table)?).await? {
                rows.add_row(&row);
            }
        }
        // Only the notes of a case are written by a person.
        for case in self::rows(local, deployment.data("CasesTableName")?).await? {
            for note in case["notes"].as_array().into_iter().flatten() {
                rows.add(note["text"].as_str().unwrap_or_default());
            }
        }
        packages.add_packages(local, deployment.data("BucketName")?).await?;
        for fault in local.control.faults()?.as_array().context("no list of faults")? {
            documents.add_document(&fault["result"]);
        }
        for row in self::rows(local, sent::TABLE).await? {
            faces.add_row(&row);
        }
        let mut markers = Self::default();
        markers.add(UNREADABLE);
        markers.texts.extend(PICTURES.map(str::to_lowercase));
        for (source, found) in [("row", rows), ("package", packages), ("document", documents), ("request", faces)] {
            ensure!(!found.is_empty(), "no {source} contains personal data");
            markers.texts.extend(found.texts);
        }
        Ok(markers)
    }

    /// The markers of these rows, without those in a text that others have as well.
    #[must_use]
    pub fn of_rows(rows: &[Value], of_others: &str) -> Self {
        let mut markers = Self::default();
        for row in rows {
            markers.add_row(row);
        }
        let others = of_others.to_lowercase();
        markers.texts.retain(|text| !others.contains(&text.to_lowercase()));
        markers
    }

    /// The number of markers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are no markers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Adds a text in every form in which it might be written.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        let compact: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
        if compact.chars().count() < SHORTEST || text.len() > 1000 {
            return;
        }
        if let Some((year, month, day)) = date(text) {
            self.texts.extend([format!("{year:04}-{month:02}-{day:02}"), format!("{month}/{day}/{year}")]);
            self.texts.insert(format!("{month:02}/{day:02}/{year}"));
            return;
        }
        // A number with and without separators.
        if compact.contains(|character: char| character.is_ascii_digit())
            && compact.len() >= NUMBER
            && !text.contains(' ')
        {
            self.texts.insert(compact.to_lowercase());
        }
        // The search ignores letter case of ASCII only.
        for form in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            if !form.is_ascii() {
                self.texts.insert(escaped(&form));
            }
            self.texts.insert(if form.is_ascii() { form.to_lowercase() } else { form });
        }
    }

    /// Adds all texts of a row, except for those of impersonal attributes.
    fn add_row(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(values) => values.iter().for_each(|value| self.add_row(value)),
            Value::Object(attributes) => {
                for (name, value) in attributes {
                    if !IMPERSONAL.contains(&name.as_str()) {
                        self.add_row(value);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Adds the fields of a document: each value with its normalised form.
    fn add_document(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.add_document(value)),
            Value::Object(members) => {
                let name = members.get("Type").and_then(|of| of["Text"].as_str()).unwrap_or_default();
                if let Some(value) =
                    members.get("ValueDetection").filter(|_| !["ID_TYPE", "STATE_NAME"].contains(&name))
                {
                    for text in [&value["Text"], &value["NormalizedValue"]["Value"]] {
                        self.add(text.as_str().unwrap_or_default());
                    }
                } else {
                    members.values().for_each(|value| self.add_document(value));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Adds the details in all packages, including refused ones.
    async fn add_packages(&mut self, local: &Local, bucket: &str) -> Result<()> {
        let mut markers = (None, None);
        loop {
            let page = local.s3.list_object_versions().bucket(bucket).prefix("zipped/");
            let page = page.set_key_marker(markers.0).set_version_id_marker(markers.1).send().await?;
            for version in page.versions() {
                let get = local.s3.get_object().bucket(bucket).key(version.key().unwrap_or_default());
                let get = get.set_version_id(version.version_id().map(str::to_owned)).send().await?;
                self.add_package(&get.body.collect().await?.to_vec());
            }
            markers = (page.next_key_marker, page.next_version_id_marker);
            if !page.is_truncated.unwrap_or_default() {
                return Ok(());
            }
        }
    }

    /// Adds the details in a package. One that cannot be read contains [`UNREADABLE`] instead.
    fn add_package(&mut self, bytes: &[u8]) {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return };
        for index in 0..archive.len() {
            let Ok(member) = archive.by_index(index) else { continue };
            if !member.name().is_ok_and(|name| name.ends_with("_details.csv")) {
                continue;
            }
            let mut text = Vec::new();
            if member.take(LARGEST_DETAILS).read_to_end(&mut text).is_err() {
                continue;
            }
            if let Ok(details) = Details::parse_csv(&text) {
                for column in DetailsColumn::ALL {
                    self.add(details.get(column).expose());
                }
            }
        }
    }

    /// Compiles the search.
    ///
    /// # Errors
    /// When there are too many markers.
    pub fn search(&self) -> Result<Search> {
        let texts: Vec<_> = self.texts.iter().collect();
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&texts)?;
        let is_word = texts.iter().map(|text| counts_as_word(text)).collect();
        Ok(Search { automaton, is_word })
    }
}

/// Finds markers in a text.
pub struct Search {
    automaton: AhoCorasick,
    /// For each marker, whether it is found as a whole word only.
    is_word: Vec<bool>,
}

impl Search {
    /// How often markers occur in a text.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        let found = self.automaton.find_overlapping_iter(text);
        found
            .filter(|found| {
                let is_part = |character: char| character.is_alphanumeric() || character == '.';
                let stands_alone = !text[..found.start()].ends_with(is_part)
                    && !text[found.end()..].starts_with(char::is_alphanumeric);
                !self.is_word[found.pattern().as_usize()] || stands_alone
            })
            .count()
    }
}

/// Whether a text is found as a whole word only: a postal code occurs by chance in many request ids, and three letters in every token.
fn counts_as_word(text: &str) -> bool {
    text.chars().count() < LONG || text.chars().all(|character| character.is_ascii_hexdigit())
}

/// Year, month and day of `1957-01-12`, with or without a time, and of `1/12/1957`.
fn date(text: &str) -> Option<(u16, u8, u8)> {
    let day = text.split('T').next()?;
    let separator = if day.contains('/') { '/' } else { '-' };
    let parts: Vec<_> = day.split(separator).collect();
    let [year, month, day] = match (separator, &parts[..]) {
        ('-', [year, month, day]) if year.len() == 4 => [year, month, day],
        ('/', [month, day, year]) if year.len() == 4 => [year, month, day],
        _ => return None,
    };
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// The text as it is escaped in JSON within JSON.
fn escaped(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect()
}

/// The rows of one application that are personal: application, submissions, cases and customer.
///
/// # Errors
/// When the local AWS does not answer.
pub async fn rows_of(local: &Local, deployment: &Deployment, application: &str) -> Result<Vec<Value>> {
    let mut own = Vec::new();
    for table in ["ApplicationsTableName", "SubmissionsTableName", "CasesTableName", "CustomersTableName"] {
        let rows = rows(local, deployment.data(table)?).await?.into_iter();
        own.extend(rows.filter(|row| row["applicationId"] == application));
    }
    Ok(own)
}

/// All rows of a table, as JSON.
pub(crate) async fn rows(local: &Local, table: &str) -> Result<Vec<Value>> {
    let pages = local.dynamodb.scan().table_name(table).into_paginator().items().send();
    let rows = pages.collect::<Result<Vec<_>, _>>().await.with_context(|| format!("scan {table}"))?;
    Ok(rows.iter().map(plain).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use bonafide_tools::packages;

    use super::*;

    fn of(texts: &[&str]) -> Search {
        let mut markers = PiiMarkers::default();
        for text in texts {
            markers.add(text);
        }
        markers.search().unwrap()
    }

    #[test]
    fn finds_names_numbers_addresses_and_dates_in_every_form() {
        let search = of(&["Ada", "Lovelace", "E514-172-80-844-0", "8123 Main St", "1/12/1957", "Åse"]);
        for text in [
            "hello ada!",
            r#"{\"name\":\"Ada\"}"#,
            "xlovelacex",
            "E514172808440",
            "e514-172-80-844-0",
            "at 8123 MAIN STREET",
            "1957-01-12T00:00:00",
            "01/12/1957",
            "åse",
            r"{\u00e5se}",
        ] {
            assert!(search.count(text) > 0, "{text}");
        }
    }

    #[test]
    fn finds_short_texts_and_postal_codes_as_words_only() {
        let search = of(&["Ada", "32399", "FL", "X1"]);
        for text in ["canada", "5f32399a-0000", "ada1", "similarity 97.32399", "FL X1"] {
            assert_eq!(search.count(text), 0, "{text}");
        }
        assert_eq!(search.count("32399, Ada"), 2);
    }

    #[test]
    fn treats_an_unlisted_attribute_as_personal() {
        let mut markers = PiiMarkers::default();
        markers.add_row(&json!({
            "applicationId": "an-application",
            "failure": {"state": "RequestValidation"},
            "documentFields": {"idType": "DRIVER LICENSE FRONT", "firstName": "Ada"},
            "nickname": ["Countess"],
        }));
        let search = markers.search().unwrap();
        assert_eq!(
            ["Ada", "Countess", "an-application", "RequestValidation", "FRONT"].map(|text| search.count(text)),
            [1, 1, 0, 0, 0]
        );
    }

    #[test]
    fn reads_packages_and_configured_textract_answers() {
        let mut markers = PiiMarkers::default();
        markers.add_package(&packages::zip(&packages::members("a", "E514-172")));
        markers.add_package(b"no zip");
        markers.add_document(&packages::document("N-000-111"));
        let search = markers.search().unwrap();
        for text in ["tallahassee", "8123 main st", "e514172", "n000111", "2099-01-12"] {
            assert_eq!(search.count(text), 1, "{text}");
        }
    }
}
