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
#[group(skip)]
pub struct Judge {
    /// The answers of `AnalyzeID` to the fronts, in its own JSON
    #[arg(long, value_name = "RESPONSE.json", required = true, num_args = 1..)]
    analyze_id: Vec<PathBuf>,
    /// The details that belong to each answer, as CSV: a header with the columns, and one row
    #[arg(long, value_name = "DETAILS.csv", required = true, num_args = 1..)]
    details: Vec<PathBuf>,
    /// A picture of each back, whose barcode is read
    #[arg(long, value_name = "PICTURE", num_args = 1.., conflicts_with = "back_text")]
    back: Vec<PathBuf>,
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
        for (option, files) in [("--details", &self.details), ("--back", &self.back), ("--back-text", &self.back_text)]
        {
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
        let witness = match (self.back.get(index), self.back_text.get(index)) {
            (Some(picture), _) => noted(picture, bonafide_barcode::read(&read(picture)?, Witness::from_barcode)),
            (None, Some(text)) => noted(text, Witness::from_barcode(&String::from_utf8_lossy(&read(text)?))),
            (None, None) => Witness::from_zone(reading.fields.zone.expose(), today),
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

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::{TempDir, tempdir};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        judge: Judge,
    }

    const DETAILS: &str = "FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS\n\
                           Marit,Ostergren,Duluth,55802,MN,K4471902,4/17/1986,77 Harbor Road\n";
    const BARCODE: &str = "@\n\u{1e}\rANSI 636038080002DL00410278ZM03190008DLDCSOSTERGREN\nDACMARIT\nDBB04171986\nDBA04172031\nDAQK4471902\n";

    fn response(number: (&str, f64)) -> String {
        let fields = [
            ("FIRST_NAME", "MARIT", 98.0),
            ("LAST_NAME", "OSTERGREN", 98.0),
            ("DATE_OF_BIRTH", "04/17/1986", 98.0),
            ("EXPIRATION_DATE", "04/17/2031", 98.0),
            ("DOCUMENT_NUMBER", number.0, number.1),
            ("ADDRESS", "77 HARBOR RD", 98.0),
            ("CITY_IN_ADDRESS", "DULUTH", 98.0),
            ("STATE_IN_ADDRESS", "MN", 98.0),
            ("ZIP_CODE_IN_ADDRESS", "55802", 98.0),
        ];
        let field = |(name, text, confidence): (&str, &str, f64)| json!({"Type": {"Text": name}, "ValueDetection": {"Text": text, "Confidence": confidence}});
        // The second document is another person's.
        let documents = json!([
            {"DocumentIndex": 1, "IdentityDocumentFields": fields.map(field)},
            {"DocumentIndex": 2, "IdentityDocumentFields": [field(("MIDDLE_NAME", "SOLVEIG", 99.0))]},
        ]);
        json!({"IdentityDocuments": documents, "AnalyzeIDModelVersion": "1.0"}).to_string()
    }

    fn folder() -> TempDir {
        let folder = tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("good.json", &response(("K4471902", 98.0)));
        write("unsure.json", &response(("K4471902", 30.0)));
        write("near.json", &response(("K4471903", 98.0)));
        write("empty.json", r#"{"IdentityDocuments": []}"#);
        write("details.csv", DETAILS);
        write("short.csv", &DETAILS.replace("4/17/1986", "4/17/86"));
        write("barcode.txt", BARCODE);
        write("other.txt", "nothing");
        folder
    }

    fn judge(folder: &TempDir, arguments: &[&str]) -> Result<Vec<Judged>, Error> {
        let path = |name: &&str| {
            if name.contains('.') { folder.path().join(name).display().to_string() } else { (*name).to_owned() }
        };
        let all = ["judge", "--as-of", "2026-11-21"].map(str::to_owned).into_iter();
        Command::try_parse_from(all.chain(arguments.iter().map(path))).unwrap().judge.judge()
    }

    fn outcomes(folder: &TempDir, arguments: &[&str]) -> Vec<(CheckOutcome, Vec<ReasonCode>)> {
        judge(folder, arguments).unwrap().into_iter().map(|judged| (judged.outcome, judged.reasons)).collect()
    }

    #[test]
    fn judges_as_the_pipeline_does() {
        use CheckOutcome::{Pass, Refer, Resubmit};
        let folder = folder();
        let of = |front: &str, more: &[&str]| {
            outcomes(&folder, &[&["--analyze-id", front, "--details", "details.csv"], more].concat()).remove(0)
        };
        assert_eq!(of("good.json", &[]), (Pass, vec![]));
        assert_eq!(of("near.json", &[]), (Refer, vec![ReasonCode::DocumentNumberMismatch]));
        assert_eq!(of("unsure.json", &[]), (Resubmit, vec![ReasonCode::DocumentNumberUnreadable]));
        assert_eq!(of("unsure.json", &["--back-text", "barcode.txt"]), (Pass, vec![]));
        assert_eq!(of("unsure.json", &["--back-text", "other.txt"]).0, Resubmit);
        assert_eq!(of("empty.json", &[]), (Resubmit, vec![ReasonCode::DocumentUnreadable]));
    }

    #[test]
    fn details_that_are_refused_are_the_reason() {
        let judged = outcomes(&folder(), &["--analyze-id", "good.json", "--details", "short.csv"]);
        assert_eq!(judged, [(CheckOutcome::Resubmit, vec![ReasonCode::DetailsBirthDateUnreadable])]);
    }

    #[test]
    fn each_field_has_its_band() {
        let folder = folder();
        let arguments = ["--analyze-id", "near.json", "--details", "details.csv", "--back-text", "barcode.txt"];
        let judged = judge(&folder, &arguments).unwrap().remove(0);
        let number = &judged.fields["documentNumber"];
        assert_eq!(
            (&number["band"], &number["confidence"], &number["witness"]),
            (&json!("refer"), &json!(0.98), &json!("differs"))
        );
        assert_eq!(
            judged.fields["lastName"],
            json!({"band": "pass", "similarity": 100.0, "confidence": 0.98, "witness": "agrees"})
        );
        assert_eq!(judged.fields["address"]["witness"], Value::Null);
        let text = judged.in_full();
        assert!(text.contains("refer") && text.contains("BARCODE_MISMATCH: "), "{text}");
        assert!(!text.to_uppercase().contains("OSTERGREN"), "{text}");
    }

    #[test]
    fn several_documents_make_a_table_with_rates() {
        let folder = folder();
        let details = ["details.csv"; 3];
        let arguments = [&["--analyze-id", "good.json", "near.json", "empty.json", "--details"], &details[..]].concat();
        let judged = judge(&folder, &arguments).unwrap();
        assert_eq!(rates(&judged)["outcomes"], json!({"pass": 1, "refer": 1, "resubmit": 1, "decline": 0}));
        let text = table(&judged);
        assert!(text.contains("pass 1 of 3 (33.3 %)") && text.contains("DOCUMENT_NUMBER_MISMATCH"), "{text}");
    }

    #[test]
    fn files_that_make_no_pairs_are_wrong_usage() {
        let folder = folder();
        for (arguments, problem) in [
            (&["--analyze-id", "good.json", "near.json", "--details", "details.csv"][..], "--details has 1 files"),
            (&["--analyze-id", "details.csv", "--details", "details.csv"], "is no answer of AnalyzeID (line 1"),
            (&["--analyze-id", "missing.json", "--details", "details.csv"], "missing.json cannot be read"),
        ] {
            let error = judge(&folder, arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
