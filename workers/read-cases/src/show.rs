//! One case: everything that a decision needs. The look is recorded before the data is given.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::presigning::PresigningConfig;
use bonafide_domain::{ApplicationId, Check, DetailsColumn, ReasonCode, Reviewer, Thresholds};
use bonafide_review::{Case, CaseRef, Error, Summary};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, read_object_ref, record_application, seconds, text};
use serde::Serialize;

use crate::Reader;

/// How long the signed address of a picture is valid: long enough for a page to load it.
const VALIDITY: Duration = Duration::from_mins(1);

const PICTURES: [&str; 3] = ["selfie", "document", "documentBack"];
/// The fields of the document, each with the column of the details with which it is compared.
const FIELDS: [(&str, Option<DetailsColumn>); 14] = [
    ("firstName", Some(DetailsColumn::FirstName)),
    ("middleName", None),
    ("lastName", Some(DetailsColumn::LastName)),
    ("suffix", None),
    ("dateOfBirth", Some(DetailsColumn::DateOfBirth)),
    ("documentNumber", Some(DetailsColumn::DocumentNumber)),
    ("address", Some(DetailsColumn::Address)),
    ("city", Some(DetailsColumn::City)),
    ("zipCode", Some(DetailsColumn::ZipCode)),
    ("state", Some(DetailsColumn::State)),
    ("dateOfIssue", None),
    ("expirationDate", None),
    ("issuer", None),
    ("idType", None),
];
/// What the answer shows of each submission of the application.
const SUBMISSION: [&str; 7] = ["submissionId", "kind", "status", "outcome", "receivedAt", "decidedAt", "attempt"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'row> {
    success: bool,
    case: Summary,
    reasons: Vec<Reason>,
    attempt: u32,
    attempts_left: bool,
    evidence: BTreeMap<&'static str, Picture>,
    fields: Vec<Field<'row>>,
    checks: Vec<CheckResult<'row>>,
    thresholds: BTreeMap<&'static str, f64>,
    duplicates: Vec<Duplicate>,
    submissions: Vec<Submission>,
    notes: Vec<Note<'row>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'row str>,
}

#[derive(Serialize)]
struct Reason {
    code: ReasonCode,
    meaning: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Picture {
    url: String,
    expires_in: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Field<'row> {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<&'row str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'row str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode: Option<&'row str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness_similarity: Option<f64>,
}

#[derive(Serialize)]
struct CheckResult<'row> {
    check: &'static str,
    outcome: &'row str,
    reasons: Vec<&'row str>,
    scores: BTreeMap<&'row str, f64>,
    at: &'row str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Duplicate {
    face_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<ApplicationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selfie: Option<Picture>,
}

#[derive(Serialize)]
struct Submission {
    #[serde(flatten)]
    texts: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct Note<'row> {
    by: &'row str,
    at: &'row str,
    text: &'row str,
}

pub(crate) async fn show(reader: &Reader, request: &ApiRequest, person: &Reviewer) -> Result<ApiAnswer, Error> {
    let case_ref = CaseRef::of(request)?;
    record_application(&case_ref.application);
    let details = DetailsColumn::ALL.map(DetailsColumn::name);
    let checks = Check::ALL.map(Check::name);
    let judged = [&details[..], &checks, &PICTURES, &["documentFields", "barcodeFields"]].concat();
    let own = ["thresholds", "duplicates", "notes", "decision"];
    let case = reader.cases.read(&case_ref, [&own, &PICTURES[..2], &judged]).await?;
    let found = list(&case.row, "duplicates");
    let found: Vec<_> = found.iter().filter_map(|duplicate| duplicate.as_m().ok()).collect();

    // Before any address is signed.
    reader.log.view(&case_ref.application, &case_ref, person).await?;
    let mut duplicates = Vec::new();
    for duplicate in found {
        duplicates.push(reader.duplicate(duplicate, &case_ref, person).await?);
    }

    let now = u64::try_from(seconds()).unwrap_or_default();
    let thresholds = column(&case.row, "thresholds").map(Thresholds::with);
    let thresholds = thresholds.and_then(Result::ok).ok_or(Error::Incomplete("thresholds"))?;
    Ok(ApiAnswer::ok(&Answer {
        success: true,
        case: Summary::of(&case_ref, &case.row, now)?,
        reasons: case.reasons().iter().map(|code| Reason { code: *code, meaning: code.staff() }).collect(),
        attempt: case.attempt,
        attempts_left: case.standing().has_attempts_left,
        evidence: reader.evidence(&case).await?,
        fields: fields(&case.submission),
        checks: Check::ALL.into_iter().filter_map(|check| check_result(&case.submission, check)).collect(),
        thresholds: thresholds.entries().collect(),
        duplicates,
        submissions: reader.submissions(&case_ref.application).await?,
        notes: list(&case.row, "notes").iter().filter_map(note).collect(),
        outcome: map(&case.row, "decision").and_then(|decision| column(decision, "outcome")),
    }))
}

impl Reader {
    /// The pictures of the submission; for a single picture, also the one that it was judged with.
    async fn evidence(&self, case: &Case) -> Result<BTreeMap<&'static str, Picture>, Error> {
        let mut evidence = BTreeMap::new();
        for name in PICTURES {
            if let Some(pointer) = case.submission.get(name).or_else(|| case.application.get(name)) {
                evidence.insert(name, self.picture(pointer).await?);
            }
        }
        Ok(evidence)
    }

    async fn picture(&self, pointer: &AttributeValue) -> Result<Picture, Error> {
        let object = read_object_ref(pointer).ok_or(Error::Incomplete("pointer"))?;
        let validity = PresigningConfig::expires_in(VALIDITY).expect("a minute is within S3's week");
        let get = self.s3.get_object().bucket(object.bucket).key(object.key).version_id(object.version_id);
        // Browsers keep no picture of an applicant.
        let signed = get.response_cache_control("no-store").presigned(validity).await;
        let signed = signed.map_err(|error| Error::of("the address of a picture could not be signed", error))?;
        Ok(Picture { url: signed.uri().to_owned(), expires_in: VALIDITY.as_secs() })
    }

    /// The face of another application, whose picture is that person's data.
    async fn duplicate(&self, found: &Row, case: &CaseRef, person: &Reviewer) -> Result<Duplicate, Error> {
        let application: Option<ApplicationId> = column(found, "applicationId").and_then(|id| id.parse().ok());
        let mut duplicate = Duplicate {
            face_id: column(found, "faceId").ok_or(Error::Incomplete("faceId"))?.to_owned(),
            application_id: application.clone(),
            similarity: number(found, "similarity"),
            outcome: None,
            selfie: None,
        };
        let Some(application) = application else { return Ok(duplicate) };
        let row = self.cases.applications.read(&application, &["outcome", "selfie"]).await?;
        duplicate.outcome = column(&row, "outcome").map(str::to_owned);
        if let Some(selfie) = row.get("selfie") {
            self.log.view(&application, case, person).await?;
            duplicate.selfie = Some(self.picture(selfie).await?);
        }
        Ok(duplicate)
    }

    /// All submissions of the application, in the order of their uploads.
    async fn submissions(&self, application: &ApplicationId) -> Result<Vec<Submission>, Error> {
        let names = SUBMISSION.into_iter().chain(["reasons"]).enumerate();
        let names: Vec<_> = names.map(|(index, name)| (format!("#a{index}"), name.to_owned())).collect();
        let placeholders: Vec<_> = names.iter().map(|(placeholder, _)| placeholder.clone()).collect();
        let query = self
            .cases
            .client
            .query()
            .table_name(self.cases.submissions.table())
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names.into_iter().collect()));
        let rows: Result<Vec<Row>, _> = query.into_paginator().items().send().collect().await;
        let mut rows = rows.map_err(|error| Error::of("the submissions could not be read", error))?;
        rows.sort_by(|left, right| column(left, "receivedAt").cmp(&column(right, "receivedAt")));
        Ok(rows.iter().map(submission).collect())
    }
}

fn submission(row: &Row) -> Submission {
    let texts = SUBMISSION.into_iter().filter_map(|name| Some((name, column(row, name)?.to_owned())));
    let reasons = list(row, "reasons").iter().filter_map(|reason| reason.as_s().ok().cloned());
    let attempt = row.get("attempt").and_then(|attempt| attempt.as_n().ok()?.parse().ok());
    Submission { texts: texts.collect(), attempt, reasons: reasons.collect() }
}

/// The fields of which any value is known.
fn fields(submission: &Row) -> Vec<Field<'_>> {
    let text = |attribute, name: &str| column(map(submission, attribute)?, name);
    let scores = map(submission, Check::DocumentExtraction.name()).and_then(|check| map(check, "scores"));
    let score = |name: String| scores.and_then(|scores| number(scores, &name));
    let field = |(name, details): (&'static str, Option<DetailsColumn>)| Field {
        name,
        stated: details.and_then(|details| column(submission, details.name())),
        document: text("documentFields", name),
        barcode: text("barcodeFields", name),
        confidence: score(format!("{name}Confidence")),
        similarity: score(name.to_owned()),
        witness_similarity: score(format!("{name}Witness")),
    };
    let is_known = |field: &Field<'_>| field.stated.or(field.document).or(field.barcode).is_some();
    FIELDS.into_iter().map(field).filter(is_known).collect()
}

fn check_result(submission: &Row, check: Check) -> Option<CheckResult<'_>> {
    let result = map(submission, check.name())?;
    let scores = map(result, "scores").into_iter().flatten();
    Some(CheckResult {
        check: check.name(),
        outcome: column(result, "outcome")?,
        reasons: list(result, "reasons").iter().filter_map(|reason| reason.as_s().ok().map(String::as_str)).collect(),
        scores: scores.filter_map(|(name, value)| Some((name.as_str(), value.as_n().ok()?.parse().ok()?))).collect(),
        at: column(result, "at")?,
    })
}

fn note(value: &AttributeValue) -> Option<Note<'_>> {
    let note = value.as_m().ok()?;
    Some(Note { by: column(note, "by")?, at: column(note, "at")?, text: column(note, "text")? })
}

fn map<'row>(row: &'row Row, name: &str) -> Option<&'row Row> {
    row.get(name)?.as_m().ok()
}

fn list<'row>(row: &'row Row, name: &str) -> &'row [AttributeValue] {
    row.get(name).and_then(|value| value.as_l().ok()).map_or(&[], Vec::as_slice)
}

fn number(row: &Row, name: &str) -> Option<f64> {
    row.get(name)?.as_n().ok()?.parse().ok()
}
