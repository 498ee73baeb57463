//! One application as operators see it: status, outcome, reasons, scores and executions, without personal data.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use bonafide_domain::{ApplicationId, DetailsColumn, ObjectRef, SubmissionId, UploadKind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::row::{self, Item};
use crate::submission::Submission;

/// The only attributes that are fetched.
const ATTRIBUTES: [&str; 27] = [
    "status",
    "kind",
    "outcome",
    "reasons",
    "packageSubmission",
    "selfieSubmission",
    "documentSubmission",
    "executionArn",
    "receivedAt",
    "decidedAt",
    "updatedAt",
    "reopenedAt",
    "reopenedByName",
    "package",
    "selfie",
    "document",
    "documentBack",
    "failure",
    "duplicateApplicationId",
    "packageCheck",
    "identityVerification",
    "identityCompare",
    "documentExtraction",
    "thirdPartyCheck",
    "identityExtraction",
    "registryVerification",
    "customerRegistration",
];

/// An application.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// The id.
    pub application_id: String,
    /// `package` or `pictures`: the kind of its first upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `IN_PROGRESS`, `IN_REVIEW`, `DECIDED`, `FAILED` or `OPEN`; `SUBMITTED` while nothing is recorded yet, `REFUSED` for an upload
    /// that was not accepted.
    pub status: String,
    /// `approved`, `declined`, `resubmit` or `referred` once there is one, `failed` when the system could not judge.
    pub outcome: Option<String>,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// The checks that were made.
    pub checks: Checks,
    /// ARN of the execution for the latest submission.
    pub execution: Option<String>,
    /// The latest package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_submission: Option<Latest>,
    /// The latest selfie that was uploaded by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selfie_submission: Option<Latest>,
    /// The latest document that was uploaded by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_submission: Option<Latest>,
    /// The objects of package and pictures, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<&'static str, ObjectRef>,
    /// Time of the last change, ISO 8601.
    pub updated_at: Option<String>,
    /// Seconds from the latest upload to its outcome.
    pub seconds: Option<f64>,
    /// Another application with the same face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_application_id: Option<String>,
    /// The recorded failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The last reopening. Its reason is free text, which may be personal, so it is not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Reopened>,
}

/// The latest submission of one kind, from the record of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latest {
    /// Its id.
    pub submission_id: SubmissionId,
    /// The number of the attempt.
    pub attempt: Option<u32>,
    /// `IN_PROGRESS`, `IN_REVIEW`, `FAILED`, or its outcome.
    pub progress: String,
    /// ARN of the execution that judges it.
    pub execution: Option<String>,
}

/// Who reopened an application, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reopened {
    /// ISO 8601.
    pub at: String,
    /// The user name of the reviewer.
    pub by: Option<String>,
}

/// The checks in the order in which they are made.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Is the package usable?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_check: Option<Check>,
    /// Does the selfie show one clear face that no other application has?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_verification: Option<Check>,
    /// Is it the face on the document?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_compare: Option<Check>,
    /// Do document and stated details agree?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_extraction: Option<Check>,
    /// Does the licence verification service know the licence?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_party_check: Option<Check>,
    /// In a conversation: can the identity be read from the document?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_extraction: Option<Check>,
    /// In a conversation: does the national register know the person?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_verification: Option<Check>,
    /// In a conversation: is the person new?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_registration: Option<Check>,
}

impl Checks {
    pub(crate) fn of(item: &Item) -> Self {
        Self {
            package_check: check(item, "packageCheck"),
            identity_verification: check(item, "identityVerification"),
            identity_compare: check(item, "identityCompare"),
            document_extraction: check(item, "documentExtraction"),
            third_party_check: check(item, "thirdPartyCheck"),
            identity_extraction: check(item, "identityExtraction"),
            registry_verification: check(item, "registryVerification"),
            customer_registration: check(item, "customerRegistration"),
        }
    }

    /// The checks that were made, with their names.
    pub fn made(&self) -> impl Iterator<Item = (&'static str, &Check)> {
        [
            ("packageCheck", &self.package_check),
            ("identityVerification", &self.identity_verification),
            ("identityCompare", &self.identity_compare),
            ("documentExtraction", &self.document_extraction),
            ("thirdPartyCheck", &self.third_party_check),
            ("identityExtraction", &self.identity_extraction),
            ("registryVerification", &self.registry_verification),
            ("customerRegistration", &self.customer_registration),
        ]
        .into_iter()
        .filter_map(|(name, check)| Some((name, check.as_ref()?)))
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// `pass`, `decline`, `resubmit` or `refer`.
    pub outcome: String,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// By name; 0 to 100 or 0 to 1, depending on the check.
    pub scores: BTreeMap<String, f64>,
    /// ISO 8601.
    pub at: Option<String>,
}

/// The recorded failure of an application that the system could not judge.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The state that failed, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The reason code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The error name; its cause stays in the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// ARN of the execution that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// When it was recorded, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Failure {
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let failure = row::map(item, "failure")?;
        Some(Self {
            state: row::text(failure, "state"),
            reason: row::text(failure, "reason"),
            error: row::text(failure, "error"),
            execution: row::text(failure, "executionArn"),
            at: row::text(failure, "at"),
        })
    }
}

impl Application {
    /// An application that was uploaded and is not recorded yet.
    #[must_use]
    pub fn submitted(application_id: &ApplicationId) -> Self {
        Self {
            application_id: application_id.as_str().to_owned(),
            kind: None,
            status: "SUBMITTED".to_owned(),
            outcome: None,
            reasons: Vec::new(),
            checks: Checks::default(),
            execution: None,
            package_submission: None,
            selfie_submission: None,
            document_submission: None,
            evidence: BTreeMap::new(),
            updated_at: None,
            seconds: None,
            duplicate_application_id: None,
            failure: None,
            reopened: None,
        }
    }

    /// The state of one of its submissions, regardless of later changes of the application.
    #[must_use]
    pub fn of_submission(application_id: &ApplicationId, submission: Submission) -> Self {
        let Submission {
            status,
            outcome,
            reasons,
            checks,
            execution,
            evidence,
            seconds,
            duplicate_application_id,
            failure,
            decided_at,
            ..
        } = submission;
        // A submission in review has no outcome yet.
        let is_in_review = status == "IN_REVIEW";
        Self {
            status,
            outcome: outcome.or_else(|| is_in_review.then(|| "referred".to_owned())),
            reasons,
            checks,
            execution,
            evidence,
            seconds,
            duplicate_application_id,
            failure,
            updated_at: decided_at,
            ..Self::submitted(application_id)
        }
        .with_failure()
    }

    /// Reads its record.
    ///
    /// # Errors
    /// When AWS refuses or does not answer, or the record is not readable.
    pub async fn fetch(client: &Client, table: &str, application_id: &ApplicationId) -> Result<Option<Self>, Error> {
        let key = row::key([("applicationId", application_id.as_str())]);
        let item = row::get(client, table, key, &ATTRIBUTES, "read the record of the application").await?;
        item.map(|item| Self::from_item(application_id, &item)).transpose()
    }

    pub(crate) fn from_item(application_id: &ApplicationId, item: &Item) -> Result<Self, Error> {
        let status = row::text(item, "status").ok_or_else(|| Error::UnreadableRow {
            application_id: application_id.as_str().to_owned(),
            attribute: "status",
        })?;
        // For pictures the record has no outcome: the application stays open unless one is declined or referred. Nor has it one while a
        // reviewer decides.
        let outcome = match status.as_str() {
            "DECIDED" => Some("declined"),
            "IN_REVIEW" => Some("referred"),
            _ => None,
        };
        Ok(Self {
            application_id: application_id.as_str().to_owned(),
            kind: row::text(item, "kind"),
            outcome: row::text(item, "outcome").or_else(|| outcome.map(str::to_owned)),
            status,
            reasons: row::texts(item, "reasons"),
            checks: Checks::of(item),
            execution: row::text(item, "executionArn"),
            package_submission: latest(item, "packageSubmission"),
            selfie_submission: latest(item, "selfieSubmission"),
            document_submission: latest(item, "documentSubmission"),
            evidence: row::evidence(item),
            updated_at: row::text(item, "updatedAt"),
            seconds: row::seconds(item),
            duplicate_application_id: row::text(item, "duplicateApplicationId"),
            failure: Failure::of(item),
            reopened: row::text(item, "reopenedAt").map(|at| Reopened { at, by: row::text(item, "reopenedByName") }),
        }
        .with_failure())
    }

    /// Sets the outcome `failed`, unless the failure came after an outcome.
    fn with_failure(mut self) -> Self {
        if self.has_failed() && self.outcome.is_none() {
            self.outcome = Some("failed".to_owned());
            if self.reasons.is_empty() {
                self.reasons.extend(self.failure.as_ref().and_then(|failure| failure.reason.clone()));
            }
        }
        self
    }

    /// The latest submission of each kind.
    pub fn latest(&self) -> impl Iterator<Item = (UploadKind, &Latest)> {
        [
            (UploadKind::Package, &self.package_submission),
            (UploadKind::Selfie, &self.selfie_submission),
            (UploadKind::Document, &self.document_submission),
        ]
        .into_iter()
        .filter_map(|(kind, latest)| Some((kind, latest.as_ref()?)))
    }

    /// Whether the execution has ended. A referred application still waits for a person.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.status == "DECIDED" || self.is_in_review() || self.has_failed()
    }

    /// Whether the system could not judge.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status == "FAILED"
    }

    /// Whether a person has to decide.
    #[must_use]
    pub fn is_in_review(&self) -> bool {
        self.status == "IN_REVIEW"
    }
}

/// Stated details and document fields of the latest submission that has them, and the reasons for reopening and appeal: personal data, for an
/// operator who asked for it.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn reveal(
    client: &Client,
    applications: &str,
    submissions: &str,
    application: &ApplicationId,
    latest: Option<&SubmissionId>,
) -> Result<Value, Error> {
    let columns = DetailsColumn::ALL.map(DetailsColumn::name);
    let id = ("applicationId", application.as_str());
    let action = "read the application's details";
    let attributes = [&columns[..], &["documentFields"]].concat();
    let reasons = ["reopenReason", "appealReason"];
    let row = [&attributes[..], &reasons].concat();
    let mut item = row::get(client, applications, row::key([id]), &row, action).await?.unwrap_or_default();
    // The record of the application gets them when the submission is concluded.
    if let Some(latest) = latest {
        let key = row::key([id, ("submissionId", latest.as_str())]);
        item.extend(row::get(client, submissions, key, &attributes, action).await?.unwrap_or_default());
    }
    let stated: BTreeMap<_, _> = columns.into_iter().filter_map(|name| Some((name, row::text(&item, name)?))).collect();
    let fields = row::map(&item, "documentFields").into_iter().flatten();
    let document: BTreeMap<_, _> = fields.filter_map(|(name, value)| Some((name, value.as_s().ok()?))).collect();
    let mut details = json!({"stated": stated, "document": document});
    for name in reasons {
        if let Some(reason) = row::text(&item, name) {
            details[name] = json!(reason);
        }
    }
    Ok(details)
}

fn latest(item: &Item, name: &str) -> Option<Latest> {
    let latest = row::map(item, name)?;
    Some(Latest {
        submission_id: row::text(latest, "submissionId")?.parse().ok()?,
        attempt: row::number(latest, "attempt"),
        progress: row::text(latest, "progress")?,
        execution: row::text(latest, "executionArn"),
    })
}

fn check(item: &Item, name: &str) -> Option<Check> {
    let check = row::map(item, name)?;
    Some(Check {
        outcome: row::text(check, "outcome")?,
        reasons: row::texts(check, "reasons"),
        scores: row::numbers(check, "scores"),
        at: row::text(check, "at"),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;
    use crate::row::s;
    use crate::submission::tests::{FIRST, m, object};

    fn submission(progress: &str) -> AttributeValue {
        m([
            ("submissionId", s(FIRST)),
            ("attempt", AttributeValue::N("2".to_owned())),
            ("progress", s(progress)),
            ("executionArn", s("arn:execution")),
        ])
    }

    fn declined() -> Item {
        let AttributeValue::M(item) = m([
            ("status", s("DECIDED")),
            ("kind", s("package")),
            ("outcome", s("declined")),
            ("reasons", AttributeValue::L(vec![s("FACE_MISMATCH")])),
            ("executionArn", s("arn:execution")),
            ("receivedAt", s("2026-11-21T10:00:00.500Z")),
            ("decidedAt", s("2026-11-21T10:00:12.750Z")),
            ("package", object("evidence/a/1/package.zip", "v1")),
            ("packageSubmission", submission("declined")),
            (
                "identityCompare",
                m([
                    ("outcome", s("decline")),
                    ("reasons", AttributeValue::L(vec![s("FACE_MISMATCH")])),
                    ("scores", m([("similarity", AttributeValue::N("12.5".to_owned()))])),
                    ("at", s("2026-11-21T10:00:11Z")),
                ]),
            ),
        ]) else {
            unreachable!()
        };
        item
    }

    #[tokio::test]
    async fn shows_outcome_checks_and_scores() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                request.table_name() == Some("applications")
                    && request.consistent_read() == Some(true)
                    && request.key().and_then(|key| key.get("applicationId")) == Some(&s("a"))
            })
            .then_output(|| GetItemOutput::builder().set_item(Some(declined())).build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        let application = Application::fetch(&client, "applications", &"a".parse().unwrap()).await.unwrap().unwrap();

        assert!(application.has_ended() && !application.has_failed());
        assert_eq!(
            serde_json::to_value(&application).unwrap(),
            json!({
                "applicationId": "a",
                "kind": "package",
                "status": "DECIDED",
                "outcome": "declined",
                "reasons": ["FACE_MISMATCH"],
                "checks": {
                    "identityCompare": {"outcome": "decline", "reasons": ["FACE_MISMATCH"], "scores": {"similarity": 12.5}, "at": "2026-11-21T10:00:11Z"}
                },
                "execution": "arn:execution",
                "packageSubmission": {"submissionId": FIRST, "attempt": 2, "progress": "declined", "execution": "arn:execution"},
                "evidence": {"package": {"bucket": "b", "key": "evidence/a/1/package.zip", "versionId": "v1"}},
                "updatedAt": null,
                "seconds": 12.25,
            })
        );
    }

    #[tokio::test]
    async fn never_asks_for_personal_data() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                let names = request.expression_attribute_names().into_iter().flatten();
                let asked: Vec<_> = names.map(|(_, name)| name.as_str()).collect();
                let personal = [
                    "FIRST_NAME",
                    "LAST_NAME",
                    "ADDRESS",
                    "DATE_OF_BIRTH",
                    "DOCUMENT_NUMBER",
                    "documentFields",
                    "reopenReason",
                ];
                asked.len() == ATTRIBUTES.len() && !asked.iter().any(|name| personal.contains(name))
            })
            .then_output(|| GetItemOutput::builder().build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        assert_eq!(Application::fetch(&client, "applications", &"a".parse().unwrap()).await.unwrap(), None);
    }

    #[test]
    fn shows_the_recorded_failure() {
        let mut item = declined();
        item.remove("outcome");
        item.remove("reasons");
        item.insert("status".to_owned(), s("FAILED"));
        item.insert(
            "failure".to_owned(),
            m([
                ("state", s("CheckWithThirdParty")),
                ("reason", s("THIRD_PARTY_UNAVAILABLE")),
                ("error", s("Bonafide.Transient")),
                ("executionArn", s("arn:execution")),
                ("at", s("2026-11-21T10:00:12Z")),
            ]),
        );

        let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();

        assert!(application.has_failed());
        assert_eq!(application.outcome.as_deref(), Some("failed"));
        assert_eq!(application.reasons, ["THIRD_PARTY_UNAVAILABLE"]);
        assert_eq!(
            application.failure,
            Some(Failure {
                state: Some("CheckWithThirdParty".to_owned()),
                reason: Some("THIRD_PARTY_UNAVAILABLE".to_owned()),
                error: Some("Bonafide.Transient".to_owned()),
                execution: Some("arn:execution".to_owned()),
                at: Some("2026-11-21T10:00:12Z".to_owned()),
            })
        );
    }

    #[test]
    fn a_failure_after_the_outcome_keeps_the_outcome() {
        let mut item = declined();
        item.insert("status".to_owned(), s("FAILED"));
        item.insert(
            "failure".to_owned(),
            m([
                ("state", s("NotifyOutcome")),
                ("reason", s("SYSTEM_UNAVAILABLE")),
                ("executionArn", s("arn:execution")),
            ]),
        );

        let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();

        assert!(application.has_failed());
        assert_eq!(application.outcome.as_deref(), Some("declined"));
        assert_eq!(application.reasons, ["FACE_MISMATCH"]);
    }

    #[test]
    fn pictures_are_declined_or_referred_by_the_status_alone() {
        for (status, outcome, has_ended) in [
            ("DECIDED", Some("declined"), true),
            ("IN_REVIEW", Some("referred"), true),
            ("OPEN", None, false),
            ("IN_PROGRESS", None, false),
        ] {
            let AttributeValue::M(item) = m([
                ("status", s(status)),
                ("kind", s("pictures")),
                ("selfieSubmission", submission("approved")),
                ("documentSubmission", submission("IN_PROGRESS")),
            ]) else {
                unreachable!()
            };
            let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();
            assert_eq!((application.outcome.as_deref(), application.has_ended()), (outcome, has_ended));
            let latest: Vec<_> = application.latest().map(|(kind, latest)| (kind, latest.progress.as_str())).collect();
            assert_eq!(latest, [(UploadKind::Selfie, "approved"), (UploadKind::Document, "IN_PROGRESS")]);
        }
    }

    #[test]
    fn shows_when_and_by_whom_it_was_reopened() {
        let mut item = declined();
        item.extend([
            ("reopenedAt".to_owned(), s("2026-11-22T10:00:00.000Z")),
            ("reopenedByName".to_owned(), s("ann")),
        ]);
        let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();
        assert_eq!(json!(application)["reopened"], json!({"at": "2026-11-22T10:00:00.000Z", "by": "ann"}));
    }

    #[tokio::test]
    async fn reveals_details_of_a_submission_without_outcome() {
        let of = |table: &'static str, last_name: &'static str| {
            mock!(Client::get_item).match_requests(move |request| request.table_name() == Some(table)).then_output(
                move || {
                    let fields = m([("lastName", s(last_name))]);
                    let answer =
                        GetItemOutput::builder().item("LAST_NAME", s(last_name)).item("documentFields", fields);
                    match table {
                        "applications" => answer.item("reopenReason", s("A twin.")).item("appealReason", s("A beard.")),
                        _ => answer,
                    }
                    .build()
                },
            )
        };
        let (row, record) = (of("applications", "DOE"), of("submissions", "ROE"));
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&row, &record]);
        let submission = FIRST.parse().unwrap();
        for (latest, last_name) in [(None, "DOE"), (Some(&submission), "ROE")] {
            let id = "a".parse().unwrap();
            let revealed = reveal(&client, "applications", "submissions", &id, latest).await.unwrap();
            let expected = json!({"stated": {"LAST_NAME": last_name}, "document": {"lastName": last_name}, "reopenReason": "A twin.", "appealReason": "A beard."});
            assert_eq!(revealed, expected);
        }
    }

    #[test]
    fn refuses_a_record_without_status() {
        let error = Application::from_item(&"a".parse().unwrap(), &Item::new()).unwrap_err();
        assert_eq!(error.exit_code(), 5);
    }
}
