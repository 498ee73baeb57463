//! What Rekognition, Textract and the third party answer, when nobody has to look at a picture.

use anyhow::Result;
use bonafide_tests::bench::bench;
use bonafide_tests::control::Fault;
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
    let fields = [
        ("FIRST_NAME", "ADA"),
        ("LAST_NAME", "EXAMPLE"),
        ("DATE_OF_BIRTH", "1957-01-12"),
        ("EXPIRATION_DATE", "2099-01-12"),
        ("DOCUMENT_NUMBER", number),
        ("ADDRESS", "8123 MAIN ST"),
        ("CITY_IN_ADDRESS", "TALLAHASSEE"),
        ("STATE_IN_ADDRESS", "FL"),
        ("ZIP_CODE_IN_ADDRESS", "32399"),
    ]
    .map(|(name, text)| {
        let mut value = json!({"Text": text, "Confidence": 99});
        if name.contains("DATE") {
            value["NormalizedValue"] = json!({"Value": format!("{text}T00:00:00"), "ValueType": "DATE"});
        }
        json!({"Type": {"Text": name}, "ValueDetection": value})
    });
    answer(
        "textract",
        "AnalyzeID",
        id,
        json!({"IdentityDocuments": [{"DocumentIndex": 1, "IdentityDocumentFields": fields}]}),
    )
}

/// There is no face on any picture of these ids.
pub(crate) fn see_nobody(ids: &str) -> Result<()> {
    answer("rekognition", "DetectFaces", ids, json!({"FaceDetails": []}))
}
