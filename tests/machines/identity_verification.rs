//! One clear, unknown face that is the document's.

use anyhow::Result;
use bonafide_tests::bench::{bench, s};
use serde_json::{Value, json};

use crate::case::{Case, Seen};

const CHECK: &str = "identityVerification";

fn case(name: &str) -> Case {
    Case::new("IdentityVerificationMachineArn", name)
}

/// A face that nobody has, on a selfie that shows the document's owner, good enough to be indexed.
fn everything_fits(case: &Case) -> Result<()> {
    case.faces(&[99.9])?;
    found(case, &[])?;
    case.compared(&[(98.5, 0.3)])?;
    indexed(case, &["new-face"])
}

/// Faces in the collection that resemble the selfie's.
fn found(case: &Case, matches: &[(f64, &str, &str)]) -> Result<()> {
    let matches: Vec<_> = matches
        .iter()
        .map(|(similarity, owner, face)| json!({"Similarity": similarity, "Face": {"FaceId": face, "ExternalImageId": owner}}))
        .collect();
    case.rekognition("SearchFacesByImage", json!({"FaceMatches": matches, "SearchedFaceConfidence": 99.9}))
}

fn indexed(case: &Case, faces: &[&str]) -> Result<()> {
    let faces: Vec<_> =
        faces.iter().map(|face| json!({"Face": {"FaceId": face, "ExternalImageId": case.id}})).collect();
    case.rekognition("IndexFaces", json!({"FaceRecords": faces, "UnindexedFaces": []}))
}

async fn run(case: &Case, notifications: usize) -> Result<Seen> {
    case.run(json!({"selfie": case.picture("selfie"), "document": case.picture("license")}), notifications).await
}

const UP_TO_INDEX: [&str; 8] = [
    "DetectFaces",
    "IsOneClearFace",
    "SearchFaces",
    "IsFaceUnique",
    "CompareWithDocument",
    "IsSamePerson",
    "IndexFace",
    "IsFaceIndexed",
];

/// A prefix of the path, then these.
fn path<'name>(common: usize, rest: &[&'name str]) -> Vec<&'name str> {
    UP_TO_INDEX[..common].iter().chain(rest).copied().collect()
}

#[test]
fn pass_new_face() {
    let case = case("pass-new-face");
    bench().run(async {
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(8, &["SaveFace", "IsFaceSuperseded", "Passed"])).passed(CHECK, &json!({"similarity": 98.5}));
        assert_eq!((&seen.ended.output["faceId"], &seen.row["faceId"]), (&json!("new-face"), &json!("new-face")));
        assert_eq!(seen.row["LICENSE_SELFIE_MATCH"], true);
        Ok(())
    });
}

#[test]
fn pass_face_replaces_the_superseded_one() {
    let case = case("pass-superseded");
    bench().run(async {
        everything_fits(&case)?;
        let old = format!("old-face-of-{}", case.id);
        case.put_row([("faceId", s(&old))]).await?;
        case.rekognition("DeleteFaces", json!({"DeletedFaces": [old]}))?;
        let seen = run(&case, 0).await?;
        seen.went(&path(8, &["SaveFace", "IsFaceSuperseded", "DeleteSupersededFace", "Passed"]));
        seen.passed(CHECK, &json!({"similarity": 98.5}));
        assert_eq!(seen.row["faceId"], "new-face");
        Ok(())
    });
}

#[test]
fn pass_own_face_is_no_duplicate() {
    let case = case("pass-own-face");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[(100.0, &case.id, "own-face")])?;
        case.compared(&[(98.5, 0.3)])?;
        indexed(&case, &["own-face"])?;
        case.put_row([("faceId", s("own-face"))]).await?;
        // The face that is saved again is not superseded.
        run(&case, 0).await?.went(&path(8, &["SaveFace", "IsFaceSuperseded", "Passed"]));
        Ok(())
    });
}

#[test]
fn pass_resemblance_is_no_duplicate() {
    let case = case("pass-resemblance");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[(95.0, "somebody", "their-face")])?;
        case.compared(&[(98.5, 0.3)])?;
        indexed(&case, &["new-face"])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5}));
        Ok(())
    });
}

#[test]
fn pass_unclear_faces_in_the_background() {
    let case = case("pass-background");
    bench().run(async {
        case.faces(&[99.9, 99.0, 57.0])?;
        found(&case, &[])?;
        case.compared(&[(98.5, 0.3)])?;
        indexed(&case, &["new-face"])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5}));
        Ok(())
    });
}

#[test]
fn pass_after_throttling() {
    let case = case("pass-throttled");
    bench().run(async {
        for operation in ["DetectFaces", "SearchFacesByImage", "CompareFaces", "IndexFaces"] {
            case.rekognition_error_once(operation, "ThrottlingException")?;
        }
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(8, &["SaveFace", "IsFaceSuperseded", "Passed"])).passed(CHECK, &json!({"similarity": 98.5}));
        let errors: Vec<_> = seen.ended.traces.iter().flat_map(bonafide_tests::history::Trace::errors).collect();
        for state in ["DetectFaces", "SearchFaces", "IndexFace", "CompareFaces"] {
            assert!(
                errors.contains(&(state, "Rekognition.ThrottlingException")),
                "{state} was not retried: {errors:?}"
            );
        }
        Ok(())
    });
}

/// The selfie is not good enough, as seen by `DetectFaces`.
fn resubmit_selfie(name: &str, confidences: &[f64], reason: &str) {
    let case = case(name);
    bench().run(async {
        case.faces(confidences)?;
        let seen = run(&case, 1).await?;
        seen.went(&path(2, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"])).refused(
            CHECK,
            "resubmit",
            &[reason],
            &json!({}),
        );
        assert_eq!(seen.row.get("faceId"), None);
        Ok(())
    });
}

#[test]
fn resubmit_no_face() {
    resubmit_selfie("resubmit-no-face", &[], "SELFIE_FACE_NOT_FOUND");
}

#[test]
fn resubmit_unclear_face() {
    resubmit_selfie("resubmit-unclear-face", &[99.0], "SELFIE_FACE_UNCLEAR");
}

#[test]
fn resubmit_several_faces() {
    resubmit_selfie("resubmit-several-faces", &[99.9, 99.8], "SELFIE_MULTIPLE_FACES");
}

/// Rekognition refuses the file.
fn resubmit_refused(name: &str, error: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        case.rekognition_error("DetectFaces", error)?;
        run(&case, 1).await?.went(&["DetectFaces", "RecordNotPassed", "NotifyNotPassed", "NotPassed"]).refused(
            CHECK,
            "resubmit",
            &[reason],
            &json!({}),
        );
        Ok(())
    });
}

#[test]
fn resubmit_picture_too_small() {
    resubmit_refused("resubmit-too-small", "InvalidParameterException", "SELFIE_UNREADABLE");
}

#[test]
fn resubmit_not_a_picture() {
    resubmit_refused("resubmit-not-a-picture", "InvalidImageFormatException", "SELFIE_UNREADABLE");
}

#[test]
fn resubmit_picture_too_large() {
    resubmit_refused("resubmit-too-large", "ImageTooLargeException", "SELFIE_TOO_LARGE");
}

#[test]
fn resubmit_face_that_cannot_be_searched() {
    let case = case("resubmit-not-searchable");
    bench().run(async {
        case.faces(&[99.9])?;
        case.rekognition_error("SearchFacesByImage", "InvalidParameterException")?;
        run(&case, 1).await?.went(&path(3, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"])).refused(
            CHECK,
            "resubmit",
            &["SELFIE_FACE_NOT_FOUND"],
            &json!({}),
        );
        Ok(())
    });
}

#[test]
fn decline_duplicate() {
    let case = case("decline-duplicate");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[(96.0, "somebody", "similar"), (99.5, "another", "most-similar"), (100.0, &case.id, "own")])?;
        let seen = run(&case, 1).await?;
        seen.went(&path(4, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "decline", &["FACE_DUPLICATE"], &json!({"duplicateSimilarity": 99.5}));
        assert_eq!(seen.row.get("faceId"), None);
        Ok(())
    });
}

#[test]
fn decline_another_person() {
    let case = case("decline-mismatch");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[])?;
        case.compared(&[(12.5, 0.3)])?;
        let seen = run(&case, 2).await?;
        seen.went(&path(6, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "decline", &["FACE_MISMATCH"], &json!({"similarity": 12.5}));
        assert_eq!((seen.row.get("faceId"), &seen.row["LICENSE_SELFIE_MATCH"]), (None, &Value::Bool(false)));
        Ok(())
    });
}

#[test]
fn resubmit_document_not_there_yet() {
    let case = case("resubmit-no-document");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[])?;
        let seen = case.run(json!({"selfie": case.picture("selfie")}), 2).await?;
        seen.went(&path(6, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "resubmit", &["DOCUMENT_MISSING"], &json!({}));
        Ok(())
    });
}

#[test]
fn resubmit_quality_too_low_to_be_indexed() {
    let case = case("resubmit-quality");
    bench().run(async {
        case.faces(&[99.9])?;
        found(&case, &[])?;
        case.compared(&[(98.5, 0.3)])?;
        indexed(&case, &[])?;
        let seen = run(&case, 1).await?;
        seen.went(&path(8, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "resubmit", &["SELFIE_QUALITY_LOW"], &json!({"similarity": 98.5}));
        Ok(())
    });
}

/// A refusal by the service is no verdict: the execution fails at its own task.
fn failed_access_denied(operation: &'static str, name: &str, path: &[&str]) {
    let case = case(name);
    bench().run(async {
        case.rekognition_error(operation, "AccessDeniedException")?;
        everything_fits(&case)?;
        run(&case, 0).await?.failed(path, "Rekognition.AccessDeniedException").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_detection_denied() {
    failed_access_denied("DetectFaces", "failed-detect", &path(1, &[]));
}

#[test]
fn failed_search_denied() {
    failed_access_denied("SearchFacesByImage", "failed-search", &path(3, &[]));
}

#[test]
fn failed_index_denied() {
    failed_access_denied("IndexFaces", "failed-index", &path(7, &[]));
}
