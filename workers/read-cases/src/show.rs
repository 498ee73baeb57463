//! One case: everything that a decision needs. The look is recorded before the data is given.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::presigning::PresigningConfig;
use bonafide_domain::{ApplicationId, Check, DetailsColumn, ReasonCode, Reviewer, Thresholds, Verdict};
use bonafide_review::{Case, CaseRef, Error, Summary};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, read_object_ref, record_application, seconds};
use serde::Serialize;

use crate::{
    Reader,
    submissions::{CheckResult, Submission, checks, list, map, number, submissions, texts},
};

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
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'row> {
    success: bool,
    case: Summary,
    reasons: Vec<Reason>,
    attempt: u32,
    attempts_left: bool,
    decision_reasons: Vec<DecisionReason>,
    evidence: BTreeMap<&'static str, Picture>,
    fields: Vec<Field<'row>>,
    checks: Vec<CheckResult>,
    thresholds: BTreeMap<&'static str, f64>,
    duplicates: Vec<Duplicate>,
    submissions: Vec<Submission>,
    notes: Vec<Note<'row>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

/// How the case ended.
#[derive(Serialize)]
struct Decision {
    outcome: String,
    reasons: Vec<String>,
    reviewers: Vec<String>,
    at: String,
}

#[derive(Serialize)]
struct Reason {
    code: ReasonCode,
    meaning: &'static str,
}

/// A reason that a reviewer may give for a decision.
#[derive(Serialize)]
struct DecisionReason {
    decision: Verdict,
    code: ReasonCode,
    applicant: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Picture {
    url: String,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<FaceBox>,
}

/// Where the compared face is, in parts of width and height.
#[derive(Serialize)]
struct FaceBox {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
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
struct Note<'row> {
    by: &'row str,
    at: &'row str,
    text: &'row str,
}

pub(crate) async fn show(reader: &Reader, request: &ApiRequest, person: &Reviewer) -> Result<ApiAnswer, Error> {
    let case_ref = CaseRef::of(request)?;
    record_application(&case_ref.application);
    let details = DetailsColumn::ALL.map(DetailsColumn::name);
    let results = Check::ALL.map(Check::name);
    let judged = [&details[..], &results, &PICTURES, &["documentFields", "barcodeFields"]].concat();
    let own = ["thresholds", "duplicates", "notes", "decision"];
    let case = reader.cases.read(&case_ref, [&own, &PICTURES[..2], &judged]).await?;
    let found = list(&case.row, "duplicates");
    let found: Vec<_> = found.iter().filter_map(|duplicate| duplicate.as_m().ok()).collect();

    // Before any address is signed.
    case_ref.seen(&reader.log, &case_ref.application, person).await?;
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
        decision_reasons: decision_reasons().collect(),
        evidence: reader.evidence(&case).await?,
        fields: fields(&case.submission),
        checks: checks(&case.submission),
        thresholds: thresholds.entries().collect(),
        duplicates,
        submissions: submissions(&reader.cases, &case_ref.application).await?,
        notes: list(&case.row, "notes").iter().filter_map(note).collect(),
        decision: map(&case.row, "decision").and_then(decision),
    }))
}

impl Reader {
    /// The pictures of the submission; for a single picture, also the one that it was judged with.
    async fn evidence(&self, case: &Case) -> Result<BTreeMap<&'static str, Picture>, Error> {
        let mut evidence = BTreeMap::new();
        let compared = map(&case.submission, Check::IdentityCompare.name()).and_then(|check| map(check, "faces"));
        for name in PICTURES {
            if let Some(pointer) = case.submission.get(name).or_else(|| case.application.get(name)) {
                let face = compared.and_then(|faces| face_box(map(faces, name)?));
                evidence.insert(name, Picture { face, ..self.picture(pointer).await? });
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
        Ok(Picture { url: signed.uri().to_owned(), expires_in: VALIDITY.as_secs(), face: None })
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
            case.seen(&self.log, &application, person).await?;
            duplicate.selfie = Some(self.picture(selfie).await?);
        }
        Ok(duplicate)
    }
}

fn decision_reasons() -> impl Iterator<Item = DecisionReason> {
    let reason = |decision: Verdict, code: ReasonCode| DecisionReason { decision, code, applicant: code.applicant() };
    [Verdict::Decline, Verdict::Resubmit].into_iter().flat_map(move |decision| {
        let admitted = ReasonCode::ALL.iter().copied().filter(move |code| decision.admits(*code));
        admitted.map(move |code| reason(decision, code))
    })
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

fn face_box(face: &Row) -> Option<FaceBox> {
    Some(FaceBox {
        left: number(face, "left")?,
        top: number(face, "top")?,
        width: number(face, "width")?,
        height: number(face, "height")?,
    })
}

fn decision(decision: &Row) -> Option<Decision> {
    Some(Decision {
        outcome: column(decision, "outcome")?.to_owned(),
        reasons: texts(decision, "reasons"),
        reviewers: texts(decision, "reviewers"),
        at: column(decision, "at")?.to_owned(),
    })
}

fn note(value: &AttributeValue) -> Option<Note<'_>> {
    let note = value.as_m().ok()?;
    Some(Note { by: column(note, "by")?, at: column(note, "at")?, text: column(note, "text")? })
}
