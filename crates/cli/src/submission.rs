//! The submissions of an application, refused ones included, without personal data.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use bonafide_domain::{ApplicationId, ObjectRef, SubmissionId, UploadKind};
use serde::Serialize;

use crate::application::{Checks, Failure};
use crate::error::Error;
use crate::row::{self, Item};

/// The only attributes that are fetched.
const ATTRIBUTES: [&str; 25] = [
    "submissionId",
    "kind",
    "attempt",
    "status",
    "outcome",
    "reasons",
    "receivedAt",
    "decidedAt",
    "executionArn",
    "replayOf",
    "appeal",
    "consent",
    "upload",
    "package",
    "selfie",
    "document",
    "documentBack",
    "failure",
    "duplicateApplicationId",
    "faceSweptAt",
    "packageCheck",
    "identityVerification",
    "identityCompare",
    "documentExtraction",
    "thirdPartyCheck",
];

/// A submission.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// The id.
    pub submission_id: SubmissionId,
    /// The kind of the upload.
    pub kind: UploadKind,
    /// The number of the attempt; none when it was refused.
    pub attempt: Option<u32>,
    /// `IN_PROGRESS`, `IN_REVIEW`, `DECIDED`, `FAILED` or `REFUSED`.
    pub status: String,
    /// `approved`, `declined`, `resubmit` or `referred` once there is one.
    pub outcome: Option<String>,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// The checks that were made.
    pub checks: Checks,
    /// The thresholds of its decision, by name; empty before the decision.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, f64>,
    /// ARN of the execution that judges it.
    pub execution: Option<String>,
    /// ARN of the failed execution that it replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// The declined submission against which it is an appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_of: Option<String>,
    /// The consent that came with the upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The uploaded object in the inbox, where it expires after some days.
    pub upload: Option<ObjectRef>,
    /// The objects of package and pictures, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<&'static str, ObjectRef>,
    /// Time of the upload, ISO 8601.
    pub received_at: Option<String>,
    /// Time of the outcome, ISO 8601.
    pub decided_at: Option<String>,
    /// Seconds from the upload to the outcome.
    pub seconds: Option<f64>,
    /// Another application with the same face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_application_id: Option<String>,
    /// The recorded failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When the face that its execution had indexed was deleted, so that it cannot be approved any more. ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_swept_at: Option<String>,
}

/// The person's consent to the processing of biometric data, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// The version of the text.
    pub version: String,
    /// When the person agreed, ISO 8601.
    pub at: String,
}

impl Consent {
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let consent = row::map(item, "consent")?;
        Some(Self { version: row::text(consent, "version")?, at: row::text(consent, "at")? })
    }
}

impl Submission {
    /// Reads one submission.
    ///
    /// # Errors
    /// When AWS refuses or does not answer, or the record is not readable.
    pub async fn fetch(
        client: &Client,
        table: &str,
        application_id: &ApplicationId,
        submission_id: &SubmissionId,
    ) -> Result<Option<Self>, Error> {
        let key = row::key([("applicationId", application_id.as_str()), ("submissionId", submission_id.as_str())]);
        let item = row::get(client, table, key, &ATTRIBUTES, "read the submission").await?;
        item.map(|item| Self::from_item(application_id, &item)).transpose()
    }

    /// Reads all submissions of an application, in the order of their receipt.
    ///
    /// # Errors
    /// When AWS refuses or does not answer, or a record is not readable.
    pub async fn fetch_all(client: &Client, table: &str, application_id: &ApplicationId) -> Result<Vec<Self>, Error> {
        let items =
            row::query(client, table, application_id.as_str(), &ATTRIBUTES, "read the application's submissions")
                .await?;
        let found = items.iter().map(|item| Self::from_item(application_id, item));
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|one, other| one.received_at.cmp(&other.received_at));
        Ok(found)
    }

    /// Adds the thresholds of each decision from the decision records.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn add_thresholds(
        submissions: &mut [Self],
        client: &Client,
        decisions: &str,
        application_id: &ApplicationId,
    ) -> Result<(), Error> {
        let attributes = ["submissionId", "thresholds"];
        let items =
            row::query(client, decisions, application_id.as_str(), &attributes, "read the decision records").await?;
        // Only the conclusion of a submission has them.
        let thresholds = |item: &Item| {
            let thresholds = row::numbers(item, "thresholds");
            Some((row::text(item, "submissionId")?, thresholds)).filter(|(_, thresholds)| !thresholds.is_empty())
        };
        let mut decided: HashMap<_, _> = items.iter().filter_map(thresholds).collect();
        for submission in submissions {
            submission.thresholds = decided.remove(submission.submission_id.as_str()).unwrap_or_default();
        }
        Ok(())
    }

    fn from_item(application_id: &ApplicationId, item: &Item) -> Result<Self, Error> {
        let unreadable =
            |attribute| Error::UnreadableRow { application_id: application_id.as_str().to_owned(), attribute };
        let id = row::text(item, "submissionId").and_then(|id| id.parse().ok());
        Ok(Self {
            submission_id: id.ok_or_else(|| unreadable("submissionId"))?,
            kind: row::text(item, "kind").as_deref().and_then(kind).ok_or_else(|| unreadable("kind"))?,
            attempt: row::number(item, "attempt"),
            status: row::text(item, "status").ok_or_else(|| unreadable("status"))?,
            outcome: row::text(item, "outcome"),
            reasons: row::texts(item, "reasons"),
            checks: Checks::of(item),
            thresholds: BTreeMap::new(),
            execution: row::text(item, "executionArn"),
            replay_of: row::text(item, "replayOf"),
            appeal_of: row::map(item, "appeal").and_then(|appeal| row::text(appeal, "of")),
            consent: Consent::of(item),
            upload: row::object(item, "upload"),
            evidence: row::evidence(item),
            received_at: row::text(item, "receivedAt"),
            decided_at: row::text(item, "decidedAt"),
            seconds: row::seconds(item),
            duplicate_application_id: row::text(item, "duplicateApplicationId"),
            failure: Failure::of(item),
            face_swept_at: row::text(item, "faceSweptAt"),
        })
    }
}

fn kind(name: &str) -> Option<UploadKind> {
    [UploadKind::Package, UploadKind::Selfie, UploadKind::Document].into_iter().find(|kind| kind.name() == name)
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_smithy_mocks::{mock, mock_client};
    use serde_json::json;

    use super::*;
    use crate::row::s;

    pub(crate) fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
        AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    pub(crate) fn object(key: &str, version: &str) -> AttributeValue {
        m([("bucket", s("b")), ("key", s(key)), ("versionId", s(version))])
    }

    /// A submission that has just been accepted.
    pub(crate) fn record(id: &str, kind: &str, status: &str) -> Item {
        let AttributeValue::M(item) = m([
            ("submissionId", s(id)),
            ("kind", s(kind)),
            ("attempt", AttributeValue::N("1".to_owned())),
            ("status", s(status)),
            ("receivedAt", s("2026-11-21T10:00:00.500Z")),
            ("executionArn", s("arn:execution")),
            ("upload", object("zipped/a.zip", "v1")),
        ]) else {
            unreachable!()
        };
        item
    }

    pub(crate) const FIRST: &str = "0000000000000a1";
    const SECOND: &str = "0000000000000b2";

    #[tokio::test]
    async fn lists_every_submission_without_personal_data() {
        let mut refused = record(FIRST, "package", "REFUSED");
        refused.remove("attempt");
        refused.remove("executionArn");
        refused.extend([
            ("outcome".to_owned(), s("resubmit")),
            ("reasons".to_owned(), AttributeValue::L(vec![s("SUBMISSION_IN_PROGRESS")])),
            ("receivedAt".to_owned(), s("2026-11-21T10:00:05.000Z")),
        ]);
        let mut decided = record(SECOND, "package", "DECIDED");
        let scores = m([("similarity", AttributeValue::N("97.5".to_owned()))]);
        decided.extend([
            ("outcome".to_owned(), s("approved")),
            ("decidedAt".to_owned(), s("2026-11-21T10:00:12.750Z")),
            ("replayOf".to_owned(), s("arn:failed")),
            ("appeal".to_owned(), m([("of", s("fffffffffffffff"))])),
            ("consent".to_owned(), m([("version", s("biometric-2026-03-en")), ("at", s("2026-11-21T09:58:00.000Z"))])),
            ("duplicateApplicationId".to_owned(), s("other")),
            ("selfie".to_owned(), object("evidence/a/0000000000000b2/a_selfie.png", "v2")),
            ("identityCompare".to_owned(), m([("outcome", s("pass")), ("scores", scores)])),
        ]);
        let rule = mock!(Client::query)
            .match_requests(|request| {
                let names = request.expression_attribute_names().into_iter().flatten();
                let asked: Vec<_> = names.map(|(_, name)| name.as_str()).collect();
                let personal = ["FIRST_NAME", "documentFields", "extraction", "faceId", "duplicateFaceId"];
                request.table_name() == Some("submissions")
                    && request.consistent_read() == Some(true)
                    && request.expression_attribute_values().unwrap()[":application"] == s("a")
                    && asked.len() == ATTRIBUTES.len()
                    && !asked.iter().any(|name| personal.contains(name))
            })
            .then_output(move || QueryOutput::builder().items(refused.clone()).items(decided.clone()).build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        let found = Submission::fetch_all(&client, "submissions", &"a".parse().unwrap()).await.unwrap();

        let upload = json!({"bucket": "b", "key": "zipped/a.zip", "versionId": "v1"});
        assert_eq!(
            json!(found),
            json!([
                {
                    "submissionId": SECOND,
                    "kind": "package",
                    "attempt": 1,
                    "status": "DECIDED",
                    "outcome": "approved",
                    "reasons": [],
                    "checks": {"identityCompare": {"outcome": "pass", "reasons": [], "scores": {"similarity": 97.5}, "at": null}},
                    "execution": "arn:execution",
                    "replayOf": "arn:failed",
                    "appealOf": "fffffffffffffff",
                    "consent": {"version": "biometric-2026-03-en", "at": "2026-11-21T09:58:00.000Z"},
                    "upload": upload,
                    "evidence": {"selfie": {"bucket": "b", "key": "evidence/a/0000000000000b2/a_selfie.png", "versionId": "v2"}},
                    "receivedAt": "2026-11-21T10:00:00.500Z",
                    "decidedAt": "2026-11-21T10:00:12.750Z",
                    "seconds": 12.25,
                    "duplicateApplicationId": "other",
                },
                {
                    "submissionId": FIRST,
                    "kind": "package",
                    "attempt": null,
                    "status": "REFUSED",
                    "outcome": "resubmit",
                    "reasons": ["SUBMISSION_IN_PROGRESS"],
                    "checks": {},
                    "execution": null,
                    "upload": upload,
                    "receivedAt": "2026-11-21T10:00:05.000Z",
                    "decidedAt": null,
                    "seconds": null,
                },
            ])
        );
    }

    #[tokio::test]
    async fn reads_one_by_both_parts_of_its_key() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                let key = request.key().unwrap();
                (key.get("applicationId"), key.get("submissionId")) == (Some(&s("a")), Some(&s(FIRST)))
                    && request.consistent_read() == Some(true)
            })
            .then_output(|| GetItemOutput::builder().set_item(Some(record(FIRST, "selfie", "IN_PROGRESS"))).build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        let (application, submission) = ("a".parse().unwrap(), FIRST.parse().unwrap());
        let found = Submission::fetch(&client, "submissions", &application, &submission).await.unwrap().unwrap();
        assert_eq!((found.kind, found.status.as_str()), (UploadKind::Selfie, "IN_PROGRESS"));
    }

    #[test]
    fn names_the_unreadable_attribute() {
        for attribute in ["submissionId", "kind", "status"] {
            let mut item = record(FIRST, "package", "DECIDED");
            item.remove(attribute);
            let error = Submission::from_item(&"a".parse().unwrap(), &item).unwrap_err();
            assert!(error.to_string().contains(attribute), "{error}");
        }
    }
}
