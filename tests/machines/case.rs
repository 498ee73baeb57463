//! What the scenarios share: an application of their own, and the stand-ins' answers to it.

use std::collections::BTreeMap;

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::notifications::Notification;
use bonafide_tools::rows::{m, n, plain, s};
use serde_json::{Value, json};

/// An application that only one scenario knows.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    machine: &'static str,
}

/// The submission that every scenario is about.
pub(crate) const SUBMISSION: &str = "0123456789abcde";

/// An execution's end with what it left behind.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) ended: Ended,
    /// The submission's record, or the application's row.
    pub(crate) row: Value,
    pub(crate) notifications: Vec<Notification>,
}

impl Case {
    /// For the machine whose ARN is in this output.
    pub(crate) fn new(machine: &'static str, name: &str) -> Self {
        // Faults are matched by this text: with its ends marked, no id is part of another.
        let short = machine.trim_end_matches("MachineArn");
        Self { id: format!("{short}_{name}_"), machine }
    }

    /// Where a picture of this application would be. No events are sent for this prefix, and nobody looks at the picture; but whoever
    /// asks Rekognition to look must be allowed to read there.
    pub(crate) fn picture(&self, name: &str) -> Value {
        let bucket = bench().deployment.data("BucketName").unwrap();
        json!({"bucket": bucket, "key": format!("evidence/{}/{SUBMISSION}/{name}.jpg", self.id), "versionId": "v1"})
    }

    pub(crate) fn rekognition(&self, operation: &'static str, result: Value) -> Result<()> {
        bench().local.control.add(&Fault::result("rekognition", operation, &self.id, result))
    }

    pub(crate) fn rekognition_error(&self, operation: &'static str, error: &str) -> Result<()> {
        bench().local.control.add(&Fault::error("rekognition", operation, &self.id, error, 400))
    }

    /// As often as it takes for one retry, and no more.
    pub(crate) fn rekognition_error_once(&self, operation: &'static str, error: &str) -> Result<()> {
        bench().local.control.add(&Fault::error("rekognition", operation, &self.id, error, 400).times(1))
    }

    /// So many faces with these confidences, each good to look at.
    pub(crate) fn faces(&self, confidences: &[f64]) -> Result<()> {
        let faces: Vec<_> = confidences.iter().map(|confidence| face(*confidence)).collect();
        self.rekognition("DetectFaces", json!({"FaceDetails": faces}))
    }

    /// Faces of the collection that resemble the selfie's: similarity, owner, face.
    pub(crate) fn found(&self, matches: &[(f64, &str, &str)]) -> Result<()> {
        self.rekognition(
            "SearchFacesByImage",
            json!({"FaceMatches": face_matches(matches), "SearchedFaceConfidence": 99.9}),
        )
    }

    /// The id of a face of this application; with the application in it, as faults are matched by that.
    pub(crate) fn face(&self, name: &str) -> String {
        format!("{name}-of-{}", self.id)
    }

    /// The faces that indexing makes of the selfie; the collection has none that resembles them.
    pub(crate) fn indexed(&self, names: &[&str]) -> Result<()> {
        let faces: Vec<_> =
            names.iter().map(|name| json!({"Face": {"FaceId": self.face(name), "ExternalImageId": self.id}})).collect();
        self.rekognition("IndexFaces", json!({"FaceRecords": faces, "UnindexedFaces": []}))?;
        self.found_again(&[])
    }

    /// Faces of the collection that resemble the one just indexed: similarity, owner, face.
    pub(crate) fn found_again(&self, matches: &[(f64, &str, &str)]) -> Result<()> {
        self.rekognition("SearchFaces", json!({"FaceMatches": face_matches(matches)}))
    }

    /// Faces of the selfie that are on the document, with similarity and size.
    pub(crate) fn compared(&self, matches: &[(f64, f64)]) -> Result<()> {
        let matches: Vec<_> = matches
            .iter()
            .map(|(similarity, side)| {
                let bounds = json!({"Left": 0.1, "Top": 0.1, "Width": side, "Height": side});
                json!({"Similarity": similarity, "Face": {"BoundingBox": bounds, "Confidence": 99.9}})
            })
            .collect();
        self.rekognition("CompareFaces", json!({"FaceMatches": matches, "UnmatchedFaces": []}))
    }

    /// Runs a machine that judges one part of a submission to its end; `notifications` says how many messages to wait for.
    pub(crate) async fn run(&self, input: Value, notifications: usize) -> Result<Seen> {
        self.run_with(input, [], notifications).await
    }

    /// The same, with what earlier steps have left in the submission's record.
    pub(crate) async fn run_with(
        &self,
        input: Value,
        record: impl IntoIterator<Item = (&'static str, AttributeValue)>,
        notifications: usize,
    ) -> Result<Seen> {
        let bench = bench();
        self.put_submission(record).await?;
        let ended = bench.execute(self.machine, &self.id, &self.input(input)).await?;
        let notifications = bench.notifications(&self.id, notifications).await?;
        let row = self.submission().await?;
        Ok(Seen { ended, row, notifications })
    }

    fn input(&self, mut input: Value) -> Value {
        input["applicationId"] = json!(self.id);
        input["submissionId"] = json!(SUBMISSION);
        input["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] = json!("arn:a-scenario");
        input
    }

    /// The record that the scenario is about.
    pub(crate) async fn submission(&self) -> Result<Value> {
        let submissions = bench().submissions(&self.id).await?;
        Ok(submissions.first().map(plain).unwrap_or_default())
    }

    pub(crate) async fn put_submission(
        &self,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<()> {
        let record = [("kind", s("package")), ("attempt", n(1)), ("status", s("IN_PROGRESS"))].into_iter();
        let attributes = record.chain(attributes).map(|(name, value)| (name.to_owned(), value));
        bench().put_submission(&self.id, SUBMISSION, attributes).await
    }

    pub(crate) async fn put_row(
        &self,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<()> {
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        bench().put_row(&self.id, attributes.chain([("status".to_owned(), s("IN_PROGRESS"))])).await
    }
}

/// A submission of this kind, as the application's row names it.
pub(crate) fn latest(kind: &'static str, submission: &str, progress: &str) -> (&'static str, AttributeValue) {
    let name = match kind {
        "package" => "packageSubmission",
        "selfie" => "selfieSubmission",
        _ => "documentSubmission",
    };
    (name, m(&[("submissionId", s(submission)), ("attempt", n(1)), ("progress", s(progress))]))
}

/// A face as `DetectFaces` describes one that is bright, sharp and looks into the camera.
pub(crate) fn face(confidence: f64) -> Value {
    json!({
        "BoundingBox": {},
        "Confidence": confidence,
        "Quality": {"Brightness": 80.5, "Sharpness": 90.5},
        "Pose": {"Yaw": 1.5, "Pitch": -2.5, "Roll": 0.5},
    })
}

/// The scores of such a face.
pub(crate) fn quality() -> Value {
    json!({"brightness": 80.5, "sharpness": 90.5})
}

impl Seen {
    /// Succeeded with these states in this order.
    #[track_caller]
    pub(crate) fn went(&self, path: &[&str]) -> &Self {
        assert_eq!(
            (&self.ended.status, self.ended.path()),
            (&ExecutionStatus::Succeeded, path.to_vec()),
            "{:?}",
            self.ended.error
        );
        self
    }

    /// Failed for good at the last of these states.
    #[track_caller]
    pub(crate) fn failed(&self, path: &[&str], error: &str) -> &Self {
        let ended = &self.ended;
        assert_eq!(
            (&ended.status, ended.path(), ended.error.as_deref()),
            (&ExecutionStatus::Failed, path.to_vec(), Some(error))
        );
        self
    }

    /// The check passed: in the output and in the row, and nobody was notified.
    #[track_caller]
    pub(crate) fn passed(&self, check: &str, scores: &Value) -> &Self {
        self.judged(check, "pass", &[], scores);
        assert_eq!(self.notifications, []);
        self
    }

    /// The check did not pass: in the output, in the row, and in exactly one notification.
    #[track_caller]
    pub(crate) fn refused(&self, check: &str, outcome: &str, reasons: &[&str], scores: &Value) -> &Self {
        self.judged(check, outcome, reasons, scores);
        self.notified(check, outcome, reasons);
        self
    }

    #[track_caller]
    fn judged(&self, check: &str, outcome: &str, reasons: &[&str], scores: &Value) {
        let output = &self.ended.output;
        assert_eq!(output["check"], check);
        assert_eq!(
            (&output["outcome"], &output["reasons"], numbers(&output["scores"])),
            (&json!(outcome), &json!(reasons), numbers(scores))
        );
        let row = &self.row[check];
        assert_eq!((&row["outcome"], &row["reasons"]), (&json!(outcome), &json!(reasons)), "the row's {check}");
        assert_eq!(numbers(&row["scores"]), numbers(scores), "the row's scores of {check}");
        assert!(row["at"].is_string(), "the row's {check} has no time");
    }

    /// Exactly one message says no for this check.
    #[track_caller]
    pub(crate) fn notified(&self, check: &str, outcome: &str, reasons: &[&str]) -> &Self {
        let of_check: Vec<_> =
            self.notifications.iter().filter(|notification| notification.check.as_deref() == Some(check)).collect();
        let [notification] = of_check[..] else { panic!("not one notification of {check}: {:?}", self.notifications) };
        assert_eq!(
            (
                notification.event.as_str(),
                notification.outcome.as_deref(),
                notification.reasons.iter().map(String::as_str).collect::<Vec<_>>()
            ),
            ("CHECK_NOT_PASSED", Some(outcome), reasons.to_vec())
        );
        self
    }

    /// Nothing was recorded and nobody notified.
    #[track_caller]
    pub(crate) fn left_nothing(&self, check: &str) -> &Self {
        assert_eq!(self.row.get(check), None);
        assert_eq!(self.notifications, []);
        self
    }
}

/// Whole numbers are written as 0 and as 0.0, and in any order.
fn numbers(scores: &Value) -> BTreeMap<String, Option<f64>> {
    scores.as_object().into_iter().flatten().map(|(name, score)| (name.clone(), score.as_f64())).collect()
}

fn face_matches(matches: &[(f64, &str, &str)]) -> Vec<Value> {
    let found = |(similarity, owner, face): &(f64, &str, &str)| json!({"Similarity": similarity, "Face": {"FaceId": face, "ExternalImageId": owner}});
    matches.iter().map(found).collect()
}
