//! What Rekognition, Textract and the third party answer, when nobody has to look at a picture.

use anyhow::Result;
use bonafide_tests::bench::bench;
use bonafide_tests::control::Fault;
use bonafide_tests::packages::document;
use serde_json::{Value, json};

fn answer(service: &'static str, operation: &'static str, ids: &str, result: Value) -> Result<()> {
    bench().local.control.add(&Fault::result(service, operation, ids, result))
}

/// Everything that is asked about these ids is answered so that they pass.
pub(crate) fn approve(ids: &str) -> Result<()> {
    let (quality, pose) = (json!({"Brightness": 80, "Sharpness": 90}), json!({"Yaw": 0, "Pitch": 0}));
    let faces = json!({"FaceDetails": [{"Confidence": 99.9, "Quality": quality, "Pose": pose}]});
    answer("rekognition", "DetectFaces", ids, faces)?;
    answer("rekognition", "SearchFacesByImage", ids, json!({"FaceMatches": []}))?;
    let face = json!({"BoundingBox": {"Width": 0.2, "Height": 0.2}});
    answer("rekognition", "CompareFaces", ids, json!({"FaceMatches": [{"Similarity": 97.5, "Face": face}]}))?;
    let id = format!("face-of-{ids}");
    answer("rekognition", "DeleteFaces", &id, json!({"DeletedFaces": [id]}))?;
    answer("rekognition", "SearchFaces", &id, json!({"FaceMatches": []}))?;
    answer("rekognition", "IndexFaces", ids, json!({"FaceRecords": [{"Face": {"FaceId": id, "ExternalImageId": ids}}]}))
}

/// Textract reads Ada's licence with this number on the pictures of this application.
pub(crate) fn licence(id: &str, number: &str) -> Result<()> {
    answer("textract", "AnalyzeID", id, document(number))
}

/// There is no face on any picture of these ids.
pub(crate) fn see_nobody(ids: &str) -> Result<()> {
    answer("rekognition", "DetectFaces", ids, json!({"FaceDetails": []}))
}
