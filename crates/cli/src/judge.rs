//! Judges documents without AWS: from answers of Textract's `AnalyzeID`, as the worker and the machine do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bonafide_domain::{
    Assessment, CheckOutcome, Details, ExtractedField, Personal, Reading, ReasonCode, Thresholds, Witness, assess,
};
use chrono::{DateTime, NaiveDate};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::commands::out;
use crate::error::Error;
use crate::render;

/// What is judged, and by which limits.
#[derive(Debug, Args)]
pub struct Judge {
    /// The answers of `AnalyzeID` to the fronts, in its own JSON
    #[arg(long, value_name = "RESPONSE.json", required = true, num_args = 1..)]
    analyze_id: Vec<PathBuf>,
    /// The details that belong to each answer, as CSV: a header with the columns, and one row
    #[arg(long, value_name = "DETAILS.csv", required = true, num_args = 1..)]
    details: Vec<PathBuf>,
    /// The text of each back's barcode
    #[arg(long, value_name = "FILE", num_args = 1..)]
    back_text: Vec<PathBuf>,
    /// The day of the judgement; without it, today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    as_of: Option<NaiveDate>,
    /// Years
    #[arg(long, value_name = "YEARS", default_value_t = 18)]
    minimum_age: u32,
    /// The thresholds in which a stage differs from the standard: FieldConfidence=0.95,LastNameNear=75
    #[arg(long, value_name = "NAME=NUMBER,…", default_value = "", hide_default_value = true, value_parser = Thresholds::with)]
    thresholds: Thresholds,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "write it as YYYY-MM-DD".to_owned())
}

/// The fields of a document, in the order in which they are shown.
const FIELDS: [&str; 7] =
    ["firstName", "lastName", "dateOfBirth", "documentNumber", "dateOfIssue", "expirationDate", "address"];

/// The judgement of one document. It repeats nothing that a document or the details say.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The file.
    analyze_id: PathBuf,
    outcome: CheckOutcome,
    reasons: Vec<ReasonCode>,
    /// Empty where the details were refused before they were compared.
    fields: serde_json::Map<String, Value>,
}

/// The answer of `AnalyzeID`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    identity_documents: Vec<IdentityDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityDocument {
    #[serde(default)]
    identity_document_fields: Vec<IdentityDocumentField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityDocumentField {
    r#type: Detection,
    value_detection: Option<Detection>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Detection {
    text: String,
    confidence: f64,
    normalized_value: Option<NormalizedValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NormalizedValue {
    value: Option<String>,
}

impl From<IdentityDocumentField> for ExtractedField {
    fn from(field: IdentityDocumentField) -> Self {
        let value = field.value_detection.unwrap_or_default();
        Self {
            name: field.r#type.text,
            text: Personal::new(&value.text),
            normalized_date: value.normalized_value.and_then(|date| date.value).as_deref().map(Personal::new),
            confidence: value.confidence / 100.0,
        }
    }
}

impl Judge {
    /// Judges all documents and prints the judgements: of one document its fields, of several a table with rates.
    ///
    /// # Errors
    /// When a file cannot be read, or the files do not make pairs.
    pub fn run(&self, is_json: bool) -> Result<(), Error> {
        let judged = self.judge()?;
        if is_json {
            for judged in &judged {
                out(json!(judged));
            }
        }
        match (&judged[..], is_json) {
            ([_], true) => {}
            ([judged], false) => out(judged.in_full()),
            (several, true) => out(rates(several)),
            (several, false) => out(table(several)),
        }
        Ok(())
    }

    fn judge(&self) -> Result<Vec<Judged>, Error> {
        let fronts = self.analyze_id.len();
        for (option, files) in [("--details", &self.details), ("--back-text", &self.back_text)] {
            if files.len() != fronts && (option == "--details" || !files.is_empty()) {
                let given = files.len();
                return Err(Error::Usage(format!(
                    "{option} has {given} files, but --analyze-id has {fronts}: give one each"
                )));
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).ok().and_then(|now| DateTime::from_timestamp(now, 0)).unwrap_or_default();
        let today = self.as_of.unwrap_or_else(|| now.date_naive());
        (0..fronts).map(|index| self.judge_one(index, today)).collect()
    }

    fn judge_one(&self, index: usize, today: NaiveDate) -> Result<Judged, Error> {
        let (front, details) = (&self.analyze_id[index], &self.details[index]);
        let reading = reading(front)?;
        let mut judged = Judged {
            analyze_id: front.clone(),
            outcome: CheckOutcome::Resubmit,
            reasons: Vec::new(),
            fields: serde_json::Map::new(),
        };
        let details = match Details::parse_csv(&read(details)?) {
            Ok(details) => details,
            Err(invalid) => {
                eprintln!("{}: {invalid}", details.display());
                judged.reasons = vec![ReasonCode::from(invalid)];
                return Ok(judged);
            }
        };
        let witness = match self.back_text.get(index) {
            Some(text) => noted(text, Witness::from_barcode(&String::from_utf8_lossy(&read(text)?))),
            None => Witness::from_zone(reading.fields.zone.expose(), today),
        };
        let assessment = assess(&reading, Some(&details), witness.as_ref(), self.minimum_age, today, &self.thresholds);
        (judged.outcome, judged.reasons) = if reading.is_empty() {
            (CheckOutcome::Resubmit, vec![ReasonCode::DocumentUnreadable])
        } else {
            assessment.judgement(&self.thresholds)
        };
        judged.fields = fields(&reading, &assessment, &self.thresholds);
        Ok(judged)
    }
}

/// A back whose barcode is not read is no witness.
fn noted(back: &Path, witness: Option<Witness>) -> Option<Witness> {
    if witness.is_none() {
        eprintln!("{}: no barcode of a licence was read", back.display());
    }
    witness
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::Usage(format!("{} cannot be read: {error}", path.display())))
}

fn reading(path: &Path) -> Result<Reading, Error> {
    let response: Response = serde_json::from_slice(&read(path)?).map_err(|error| {
        // The error of the parser could quote the document.
        let (line, column) = (error.line(), error.column());
        Error::Usage(format!("{} is no answer of AnalyzeID (line {line}, column {column})", path.display()))
    })?;
    // As in the worker: the fields of several documents are never mixed.
    let first = response.identity_documents.into_iter().next();
    let fields: Vec<_> =
        first.into_iter().flat_map(|document| document.identity_document_fields).map(ExtractedField::from).collect();
    Ok(Reading::from_extracted(&fields))
}

/// Band, similarity, confidence and witness of each field.
fn fields(reading: &Reading, assessment: &Assessment, thresholds: &Thresholds) -> serde_json::Map<String, Value> {
    let findings = assessment.findings(thresholds);
    let different: Vec<_> = assessment.witness.iter().flat_map(|witness| witness.different(thresholds)).collect();
    let (told, read, seen) = (json!(assessment.similarities), json!(reading.confidences), json!(assessment.witness));
    let of_field = |name: &str| {
        let has =
            |outcome: &CheckOutcome| findings.iter().any(|found| found.field == name && found.outcome == *outcome);
        let worst = [CheckOutcome::Resubmit, CheckOutcome::Decline, CheckOutcome::Refer].into_iter().find(has);
        let witness = seen[name].as_f64().map(|_| if different.contains(&name) { "differs" } else { "agrees" });
        json!({
            "band": worst.unwrap_or(CheckOutcome::Pass),
            "similarity": told[name],
            "confidence": read[name],
            "witness": witness,
        })
    };
    FIELDS.into_iter().map(|name| (name.to_owned(), of_field(name))).collect()
}

impl Judged {
    fn in_full(&self) -> String {
        let mut lines = vec![format!("{}: {}", self.analyze_id.display(), self.outcome.name())];
        lines.extend(self.reasons.iter().map(|reason| format!("    {reason}: {}", reason.staff())));
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::Number(number) => render::rounded(number.as_f64().unwrap_or_default()),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let rows = FIELDS.iter().filter_map(|name| {
            let field = self.fields.get(*name)?;
            let values = ["band", "similarity", "confidence", "witness"].map(|part| text(&field[part]));
            let [band, similarity, confidence, witness] = values;
            Some([(*name).to_owned(), band, similarity, confidence, witness])
        });
        let head = ["field", "band", "similarity", "confidence", "witness"];
        lines.push(render::table(head, rows));
        lines.join("\n")
    }
}

const OUTCOMES: [CheckOutcome; 4] =
    [CheckOutcome::Pass, CheckOutcome::Refer, CheckOutcome::Resubmit, CheckOutcome::Decline];

fn count(judged: &[Judged], outcome: CheckOutcome) -> u32 {
    judged.iter().map(|judged| u32::from(judged.outcome == outcome)).sum()
}

fn rate(judged: &[Judged], outcome: CheckOutcome) -> f64 {
    f64::from(count(judged, outcome)) / f64::from(u32::try_from(judged.len()).unwrap_or(u32::MAX))
}

fn rates(judged: &[Judged]) -> Value {
    let by = |value: &dyn Fn(CheckOutcome) -> Value| -> Value {
        OUTCOMES.into_iter().map(|outcome| (outcome.name().to_owned(), value(outcome))).collect()
    };
    json!({
        "documents": judged.len(),
        "outcomes": by(&|outcome| json!(count(judged, outcome))),
        "rates": by(&|outcome| json!(rate(judged, outcome))),
    })
}

fn table(judged: &[Judged]) -> String {
    let row = |judged: &Judged| {
        let reasons: Vec<_> = judged.reasons.iter().map(|reason| reason.code()).collect();
        [judged.analyze_id.display().to_string(), judged.outcome.name().to_owned(), reasons.join(", ")]
    };
    let rates = OUTCOMES.map(|outcome| {
        format!(
            "{} {} of {} ({:.1} %)",
            outcome.name(),
            count(judged, outcome),
            judged.len(),
            rate(judged, outcome) * 100.0
        )
    });
    let table = render::table(["document", "outcome", "reasons"], judged.iter().map(row));
    format!("{table}\n\n{}", rates.join("\n"))
}
