//! What the fakes of Rekognition and Textract are told to answer instead of looking at pictures: a person about whom nothing is wrong.

use anyhow::Result;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::document;
use serde_json::{Value, json};

use crate::bench::bench;

/// Everything that is asked about applications whose ids contain this text is answered so that they pass. The face that they keep is called
/// `face-of-<ids>`, and is not in the collection.
///
/// # Errors
/// When the control API does not take it.
pub fn pass(ids: &str) -> Result<()> {
    person(ids)?;
    let face = format!("face-of-{ids}");
    rekognition(ids, "DeleteFaces", json!({"DeletedFaces": [face]}))?;
    rekognition(ids, "IndexFaces", json!({"FaceRecords": [{"Face": {"FaceId": face, "ExternalImageId": ids}}]}))
}

/// The same, but that the face is indexed for real.
///
/// # Errors
/// See [`pass`].
pub fn person(ids: &str) -> Result<()> {
    rekognition(ids, "DetectFaces", one_face())?;
    rekognition(ids, "SearchFacesByImage", json!({"FaceMatches": []}))?;
    rekognition(ids, "SearchFaces", json!({"FaceMatches": []}))?;
    rekognition(ids, "CompareFaces", alike(97.5))
}

/// Textract reads Ada's licence with this number, which the licence verification service knows.
///
/// # Errors
/// See [`pass`].
pub fn license(ids: &str, number: &str) -> Result<()> {
    let control = &bench().local.control;
    control.add(&Fault::result("textract", "AnalyzeID", ids, document(number)))?;
    control.introduce_license(number)
}

/// An answer of Rekognition; earlier ones go before later ones.
///
/// # Errors
/// See [`pass`].
pub fn rekognition(ids: &str, operation: &'static str, answer: Value) -> Result<()> {
    bench().local.control.add(&Fault::result("rekognition", operation, ids, answer))
}

/// One face that is bright, sharp and looks into the camera.
#[must_use]
pub fn one_face() -> Value {
    let (quality, pose) = (json!({"Brightness": 80, "Sharpness": 90}), json!({"Yaw": 0, "Pitch": 0}));
    json!({"FaceDetails": [{"Confidence": 99.9, "Quality": quality, "Pose": pose}]})
}

/// Selfie and document are so similar.
#[must_use]
pub fn alike(similarity: f64) -> Value {
    let face = json!({"BoundingBox": {"Width": 0.2, "Height": 0.2}});
    json!({"FaceMatches": [{"Similarity": similarity, "Face": face}]})
}

/// The collection holds this face of another application, and it is so similar.
#[must_use]
pub fn found(face: &str, similarity: f64) -> Value {
    let face = json!({"FaceId": face, "ExternalImageId": "somebody-else:0123456789abcde"});
    json!({"FaceMatches": [{"Similarity": similarity, "Face": face}]})
}
