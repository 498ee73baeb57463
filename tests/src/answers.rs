//! Configured answers of the fakes of Rekognition and Textract, for a person who passes every check.

use anyhow::Result;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{document, face_id, portrait};
use serde_json::{Value, json};

use crate::bench::bench;

/// Configures answers with which applications whose ids contain this text pass. Their face has the id `face_id(ids)`, and is not in the
/// collection.
///
/// # Errors
/// When the control API refuses it.
pub fn pass(ids: &str) -> Result<()> {
    person(ids)?;
    let face = face_id(ids);
    rekognition(&face, "DeleteFaces", json!({"DeletedFaces": [face]}))?;
    rekognition(ids, "IndexFaces", json!({"FaceRecords": [{"Face": {"FaceId": face, "ExternalImageId": ids}}]}))
}

/// The same, but the face is really indexed.
///
/// # Errors
/// See [`pass`].
pub fn person(ids: &str) -> Result<()> {
    rekognition(ids, "DetectFaces", one_face())?;
    rekognition(ids, "SearchFacesByImage", json!({"FaceMatches": []}))?;
    rekognition(ids, "SearchFaces", json!({"FaceMatches": []}))?;
    rekognition(ids, "CompareFaces", alike(97.5))?;
    two_photographs(ids)
}

/// Selfie and portrait count as two photographs, for tests in which they are one picture, or no more than a header.
///
/// # Errors
/// See [`pass`].
pub fn two_photographs(ids: &str) -> Result<()> {
    let answer = Fault::result("lambda", "Invoke", ids, json!({"matchingFeatures": 7}));
    bench().local.control.add(&answer.by("identity-compare/ComparePictures"))
}

/// Textract reads Ada's licence with this number, and the licence verification service knows it.
///
/// # Errors
/// See [`pass`].
pub fn license(ids: &str, number: &str) -> Result<()> {
    let control = &bench().local.control;
    control.add(&Fault::result("textract", "AnalyzeID", ids, document(number)))?;
    control.introduce_license(number)
}

/// Configures an answer of Rekognition; earlier ones take precedence over later ones.
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
    json!({"FaceDetails": [{"BoundingBox": portrait(), "Confidence": 99.9, "Quality": quality, "Pose": pose}]})
}

/// An answer of `CompareFaces` with this similarity.
#[must_use]
pub fn alike(similarity: f64) -> Value {
    let face = json!({"BoundingBox": portrait()});
    json!({"SourceImageFace": face, "FaceMatches": [{"Similarity": similarity, "Face": face}]})
}

/// An answer of a search that finds a face of another application, by a name, with this similarity.
#[must_use]
pub fn found(face: &str, similarity: f64) -> Value {
    let face = json!({"FaceId": face_id(face), "ExternalImageId": "another-application:0123456789abcde"});
    json!({"FaceMatches": [{"Similarity": similarity, "Face": face}]})
}
