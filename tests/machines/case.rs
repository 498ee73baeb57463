//! Shared by the scenarios: an application, the configured answers of the fakes, and checks of the result.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Result;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat as Format};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::notifications::Notification;
use bonafide_tools::packages::{face_id, portrait};
use bonafide_tools::rows::{m, n, plain, s};
use serde_json::{Value, json};

/// An application that only one scenario uses.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    machine: &'static str,
}

/// The id of the submission in every scenario.
pub(crate) const SUBMISSION: &str = "0123456789abcde";

/// What two photographs of one person share.
pub(crate) const FEATURES: u32 = 7;

/// An ended execution, with the record and the notifications.
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
        // Faults are matched by this text, so the delimiters keep one id from being part of another.
        let short = machine.trim_end_matches("MachineArn");
        Self { id: format!("{short}_{name}_"), machine }
    }

    /// A pointer to a picture of this application. The fakes do not read it, and no events are sent for its prefix, but the caller of
    /// Rekognition needs the permission to read it.
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

    /// The same, only as often as needed for one retry.
    pub(crate) fn rekognition_error_once(&self, operation: &'static str, error: &str) -> Result<()> {
        bench().local.control.add(&Fault::error("rekognition", operation, &self.id, error, 400).times(1))
    }

    /// Rekognition detects a usable face for each of these confidences, the largest first.
    pub(crate) fn faces(&self, confidences: &[f64]) -> Result<()> {
        let sized = |(smaller, confidence): (u8, &f64)| {
            let mut face = face(*confidence);
            let width = face["BoundingBox"]["Width"].as_f64().expect("a width");
            face["BoundingBox"]["Width"] = json!(width / f64::from(smaller));
            face
        };
        let faces: Vec<_> = (1..).zip(confidences).map(sized).collect();
        self.rekognition("DetectFaces", json!({"FaceDetails": faces}))
    }

    /// Rekognition finds these faces for the selfie: similarity, owner, face.
    pub(crate) fn found(&self, matches: &[(f64, &str, &str)]) -> Result<()> {
        self.rekognition(
            "SearchFacesByImage",
            json!({"FaceMatches": face_matches(matches), "SearchedFaceConfidence": 99.9}),
        )
    }

    /// The id of a face of this application.
    pub(crate) fn face(&self, name: &str) -> String {
        face_id(&format!("{name} of {}", self.id))
    }

    /// Indexing the selfie gives these faces, and the search with them finds none.
    pub(crate) fn indexed(&self, names: &[&str]) -> Result<()> {
        let faces: Vec<_> =
            names.iter().map(|name| json!({"Face": {"FaceId": self.face(name), "ExternalImageId": self.id}})).collect();
        self.rekognition("IndexFaces", json!({"FaceRecords": faces, "UnindexedFaces": []}))?;
        self.found_again(&[])
    }

    /// Rekognition finds these faces for the one that was just indexed: similarity, owner, face.
    pub(crate) fn found_again(&self, matches: &[(f64, &str, &str)]) -> Result<()> {
        self.rekognition("SearchFaces", json!({"FaceMatches": face_matches(matches)}))
    }

    /// Selfie and portrait share so many features as pictures; `None` if they cannot be compared. The first call counts.
    pub(crate) fn features(&self, features: Option<u32>) -> Result<()> {
        let output = features.map_or(json!({}), |count| json!({"matchingFeatures": count}));
        let answer = Fault::result("lambda", "Invoke", &self.id, output).by("identity-compare/ComparePictures");
        bench().local.control.add(&answer)
    }

    /// Faces on the selfie that match the document, with similarity and size. Both are two photographs.
    pub(crate) fn compared(&self, matches: &[(f64, f64)]) -> Result<()> {
        let matches: Vec<_> = matches
            .iter()
            .map(|(similarity, side)| {
                let bounds = json!({"Left": 0.1, "Top": 0.1, "Width": side, "Height": side});
                json!({"Similarity": similarity, "Face": {"BoundingBox": bounds, "Confidence": 99.9}})
            })
            .collect();
        self.features(Some(FEATURES))?;
        self.rekognition(
            "CompareFaces",
            json!({"SourceImageFace": {"BoundingBox": portrait()}, "FaceMatches": matches, "UnmatchedFaces": []}),
        )
    }

    /// Runs a machine of one check to its end and waits for so many notifications.
    pub(crate) async fn run(&self, input: Value, notifications: usize) -> Result<Seen> {
        self.run_with(input, [], notifications).await
    }

    /// The same, with results of earlier steps in the submission's record.
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

    /// The submission's record.
    pub(crate) async fn submission(&self) -> Result<Value> {
        let submissions = bench().submissions(&self.id).await?;
        Ok(submissions.first().map(plain).unwrap_or_default())
    }

    pub(crate) async fn put_submission(
        &self,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<()> {
        let received = DateTime::from(SystemTime::now()).fmt(Format::DateTime)?;
        let record =
            [("kind", s("package")), ("attempt", n(1)), ("status", s("IN_PROGRESS")), ("receivedAt", s(&received))];
        let attributes = record.into_iter().chain(attributes).map(|(name, value)| (name.to_owned(), value));
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

/// The attribute of the application's row that names its current submission of this kind.
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
        "BoundingBox": portrait(),
        "Confidence": confidence,
        "Quality": {"Brightness": 80.5, "Sharpness": 90.5},
        "Pose": {"Yaw": 1.5, "Pitch": -2.5, "Roll": 0.5},
    })
}

/// The scores of the face that [`face`] describes.
pub(crate) fn quality() -> Value {
    json!({"brightness": 80.5, "sharpness": 90.5})
}

impl Seen {
    /// Checks that the execution succeeded with exactly these states.
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

    /// Checks that the execution failed at the last of these states.
    #[track_caller]
    pub(crate) fn failed(&self, path: &[&str], error: &str) -> &Self {
        let ended = &self.ended;
        assert_eq!(
            (&ended.status, ended.path(), ended.error.as_deref()),
            (&ExecutionStatus::Failed, path.to_vec(), Some(error))
        );
        self
    }

    /// Checks that output and record have a passed check, and that nothing was published.
    #[track_caller]
    pub(crate) fn passed(&self, check: &str, scores: &Value) -> &Self {
        self.judged(check, "pass", &[], scores);
        assert_eq!(self.notifications, []);
        self
    }

    /// Checks that output, record and exactly one notification have a check that did not pass.
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

    /// Checks that exactly one notification has this outcome of the check.
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

    /// Checks that nothing was recorded or published.
    #[track_caller]
    pub(crate) fn left_nothing(&self, check: &str) -> &Self {
        assert_eq!(self.row.get(check), None);
        assert_eq!(self.notifications, []);
        self
    }
}

/// The scores as numbers, since 0 and 0.0 are equal.
fn numbers(scores: &Value) -> BTreeMap<String, Option<f64>> {
    scores.as_object().into_iter().flatten().map(|(name, score)| (name.clone(), score.as_f64())).collect()
}

fn face_matches(matches: &[(f64, &str, &str)]) -> Vec<Value> {
    let found = |(similarity, owner, face): &(f64, &str, &str)| json!({"Similarity": similarity, "Face": {"FaceId": face, "ExternalImageId": owner}});
    matches.iter().map(found).collect()
}
