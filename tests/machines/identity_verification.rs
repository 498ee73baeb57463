//! The selfie shows one clear face, which no other application has and which matches the document.

use anyhow::Result;
use bonafide_tests::bench::bench;
use bonafide_tools::packages::face_id;
use serde_json::{Value, json};

use crate::case::{Case, FEATURES, Seen, face, quality};

const CHECK: &str = "identityVerification";

fn case(name: &str) -> Case {
    Case::new("IdentityVerificationMachineArn", name)
}

/// A new face, on a selfie that shows the document's owner.
fn everything_fits(case: &Case) -> Result<()> {
    case.faces(&[99.9])?;
    case.found(&[])?;
    case.compared(&[(98.5, 0.3)])
}

async fn run(case: &Case, notifications: usize) -> Result<Seen> {
    case.run(json!({"selfie": case.picture("selfie"), "document": case.picture("license")}), notifications).await
}

const UP_TO_COMPARISON: [&str; 7] =
    ["ReadInput", "DetectFaces", "IsFaceUsable", "SearchFaces", "IsFaceUnique", "CompareWithDocument", "IsSamePerson"];
const REFUSED: [&str; 2] = ["NotifyNotPassed", "RecordCheck"];

/// A prefix of the path, then these.
fn path<'name>(common: usize, rest: &[&'name str]) -> Vec<&'name str> {
    UP_TO_COMPARISON[..common].iter().chain(rest).copied().collect()
}

#[test]
fn pass_new_face() {
    let case = case("pass-new-face");
    bench().run(async {
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(7, &["RecordCheck"])).passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        // A face is indexed for an approval only.
        assert!(!seen.ended.text().contains("IndexFace"));
        Ok(())
    });
}

#[test]
fn pass_own_face_is_no_duplicate() {
    let case = case("pass-own-face");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[(100.0, &format!("{}:0123456789abcde", case.id), &case.face("own-face"))])?;
        case.compared(&[(98.5, 0.3)])?;
        run(&case, 0).await?.went(&path(7, &["RecordCheck"]));
        Ok(())
    });
}

/// The application has an indexed face; a later picture has to show the same person.
async fn with_kept_face(case: &Case, similarity: f64, notifications: usize) -> Result<Seen> {
    let kept = case.face("kept");
    case.faces(&[99.9])?;
    case.found(&[(similarity, &case.id, &kept)])?;
    case.compared(&[(98.5, 0.3)])?;
    let (selfie, document) = (case.picture("selfie"), case.picture("license"));
    case.run(json!({"selfie": selfie, "document": document, "keptFaceId": kept}), notifications).await
}

#[test]
fn pass_the_face_that_is_kept() {
    let case = case("pass-kept");
    bench().run(async {
        with_kept_face(&case, 95.5, 0).await?.went(&path(7, &["RecordCheck"]));
        Ok(())
    });
}

#[test]
fn decline_another_face_than_the_one_that_is_kept() {
    let case = case("decline-changed");
    bench().run(async {
        let seen = with_kept_face(&case, 94.5, 1).await?;
        seen.went(&path(5, &REFUSED));
        seen.refused(CHECK, "decline", &["FACE_CHANGED"], &json!({"keptSimilarity": 94.5}));
        Ok(())
    });
}

#[test]
fn pass_resemblance_is_no_duplicate() {
    let case = case("pass-resemblance");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[(95.0, "other-application", &face_id("their-face"))])?;
        case.compared(&[(98.5, 0.3)])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        Ok(())
    });
}

#[test]
fn pass_unclear_faces_in_the_background() {
    let case = case("pass-background");
    bench().run(async {
        case.faces(&[99.9, 99.0, 57.0])?;
        case.found(&[])?;
        case.compared(&[(98.5, 0.3)])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        Ok(())
    });
}

/// A face with this confidence, this side and this brightness.
fn sized(confidence: f64, side: f64, brightness: f64) -> Value {
    let mut face = face(confidence);
    face["BoundingBox"] = json!({"Left": 0.1, "Top": 0.1, "Width": side, "Height": side});
    face["Quality"]["Brightness"] = json!(brightness);
    face
}

/// The largest face is the one that is searched and compared, so its quality counts, wherever it stands in the answer.
#[test]
fn pass_by_the_quality_of_the_largest_face() {
    let case = case("pass-largest");
    bench().run(async {
        case.rekognition("DetectFaces", json!({"FaceDetails": [sized(98.0, 0.1, 3.0), sized(99.9, 0.5, 80.5)]}))?;
        case.found(&[])?;
        case.compared(&[(98.5, 0.3)])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        Ok(())
    });
}

/// A larger face, of which Rekognition is unsure, would be searched instead of the sure one.
#[test]
fn resubmit_larger_face_that_is_unsure() {
    let case = case("resubmit-larger");
    bench().run(async {
        case.rekognition("DetectFaces", json!({"FaceDetails": [sized(99.9, 0.1, 80.5), sized(98.0, 0.5, 80.5)]}))?;
        let seen = run(&case, 1).await?;
        seen.went(&path(3, &REFUSED)).refused(CHECK, "resubmit", &["SELFIE_MULTIPLE_FACES"], &json!({}));
        Ok(())
    });
}

#[test]
fn pass_after_throttling() {
    let case = case("pass-throttled");
    bench().run(async {
        for operation in ["DetectFaces", "SearchFacesByImage", "CompareFaces"] {
            case.rekognition_error_once(operation, "ThrottlingException")?;
        }
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(7, &["RecordCheck"])).passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        let errors: Vec<_> = seen.ended.traces.iter().flat_map(bonafide_tools::history::Trace::errors).collect();
        for state in ["DetectFaces", "SearchFaces", "CompareFaces"] {
            assert!(
                errors.contains(&(state, "Rekognition.ThrottlingException")),
                "{state} was not retried: {errors:?}"
            );
        }
        Ok(())
    });
}

/// `DetectFaces` finds the selfie unusable.
fn resubmit_selfie(name: &str, confidences: &[f64], reason: &str) {
    let case = case(name);
    bench().run(async {
        case.faces(confidences)?;
        let seen = run(&case, 1).await?;
        seen.went(&path(3, &REFUSED)).refused(CHECK, "resubmit", &[reason], &json!({}));
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
        run(&case, 1).await?.went(&path(2, &REFUSED)).refused(CHECK, "resubmit", &[reason], &json!({}));
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
        run(&case, 1).await?.went(&path(4, &REFUSED)).refused(
            CHECK,
            "resubmit",
            &["SELFIE_FACE_NOT_FOUND"],
            &quality(),
        );
        Ok(())
    });
}

/// Another application has the face: the comparison with the document still runs, and a person decides.
#[test]
fn refer_duplicate() {
    let case = case("refer-duplicate");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[
            (96.0, "other-application", &face_id("similar")),
            (99.5, "another", &face_id("most-similar")),
            (100.0, &case.id, &face_id("own")),
        ])?;
        case.compared(&[(98.5, 0.3)])?;
        let seen = run(&case, 1).await?;
        seen.went(&path(7, &REFUSED));
        let scores = json!({"duplicateSimilarity": 99.5, "similarity": 98.5, "matchingFeatures": FEATURES});
        seen.refused(CHECK, "refer", &["FACE_DUPLICATE"], &scores);
        assert_eq!(
            (&seen.row["duplicateFaceId"], &seen.row["duplicateApplicationId"]),
            (&json!(face_id("most-similar")), &json!("another"))
        );
        Ok(())
    });
}

#[test]
fn refer_face_without_an_owner() {
    let case = case("refer-ownerless");
    bench().run(async {
        case.faces(&[99.9])?;
        // A face without an owner counts against the applicant.
        case.rekognition(
            "SearchFacesByImage",
            json!({"FaceMatches": [{"Similarity": 97.5, "Face": {"FaceId": face_id("ownerless")}}]}),
        )?;
        case.compared(&[(90.5, 0.3)])?;
        let seen = run(&case, 2).await?;
        assert_eq!(seen.ended.output["reasons"], json!(["FACE_DUPLICATE", "FACE_MATCH_UNSURE"]));
        assert_eq!(
            (&seen.row["duplicateFaceId"], &seen.row["duplicateApplicationId"]),
            (&json!(face_id("ownerless")), &Value::Null)
        );
        Ok(())
    });
}

#[test]
fn decline_another_person_with_a_known_face() {
    let case = case("decline-duplicate");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[(99.5, "another", &face_id("their-face"))])?;
        case.compared(&[(12.5, 0.3)])?;
        let seen = run(&case, 2).await?;
        let output = &seen.ended.output;
        assert_eq!(
            (&output["outcome"], &output["reasons"]),
            (&json!("decline"), &json!(["FACE_DUPLICATE", "FACE_MISMATCH"]))
        );
        Ok(())
    });
}

/// One clear face with a defect that the applicant can correct.
fn resubmit_defect(name: &str, defect: &Value, reasons: &[&str]) {
    let case = case(name);
    bench().run(async {
        let mut face = face(99.9);
        face.as_object_mut().unwrap().extend(defect.as_object().unwrap().clone());
        case.rekognition("DetectFaces", json!({"FaceDetails": [face]}))?;
        let seen = run(&case, 1).await?;
        seen.went(&path(3, &["ListReasons", "NotifyNotPassed", "RecordCheck"]));
        let scores = json!({"brightness": face["Quality"]["Brightness"], "sharpness": face["Quality"]["Sharpness"]});
        seen.refused(CHECK, "resubmit", reasons, &scores);
        Ok(())
    });
}

#[test]
fn resubmit_dark() {
    let defect = json!({"Quality": {"Brightness": 24.9, "Sharpness": 90}});
    resubmit_defect("resubmit-dark", &defect, &["SELFIE_TOO_DARK"]);
}

#[test]
fn resubmit_blurred() {
    let defect = json!({"Quality": {"Brightness": 25, "Sharpness": 9.9}});
    resubmit_defect("resubmit-blurred", &defect, &["SELFIE_TOO_BLURRED"]);
}

#[test]
fn resubmit_turned_aside() {
    resubmit_defect("resubmit-turned", &json!({"Pose": {"Yaw": -45.5, "Pitch": 0}}), &["SELFIE_FACE_TURNED"]);
}

#[test]
fn resubmit_looking_down() {
    resubmit_defect("resubmit-down", &json!({"Pose": {"Yaw": 0, "Pitch": -30.5}}), &["SELFIE_FACE_TURNED"]);
}

#[test]
fn resubmit_looking_up() {
    resubmit_defect("resubmit-up", &json!({"Pose": {"Yaw": 0, "Pitch": 45.5}}), &["SELFIE_FACE_TURNED"]);
}

#[test]
fn resubmit_pose_unknown() {
    resubmit_defect("resubmit-no-pose", &json!({"Pose": {}}), &["SELFIE_FACE_TURNED"]);
}

#[test]
fn resubmit_sunglasses() {
    let defect = json!({"Sunglasses": {"Value": true, "Confidence": 90.1}});
    resubmit_defect("resubmit-sunglasses", &defect, &["SELFIE_SUNGLASSES_WORN"]);
}

#[test]
fn resubmit_covered() {
    let defect = json!({"FaceOccluded": {"Value": true, "Confidence": 90.1}});
    resubmit_defect("resubmit-covered", &defect, &["SELFIE_FACE_COVERED"]);
}

#[test]
fn resubmit_every_defect_at_once() {
    let defects = json!({
        "Quality": {"Brightness": 0, "Sharpness": 0},
        "Pose": {"Yaw": 60, "Pitch": 0},
        "Sunglasses": {"Value": true, "Confidence": 99},
        "FaceOccluded": {"Value": true, "Confidence": 99},
    });
    let reasons = [
        "SELFIE_TOO_DARK",
        "SELFIE_TOO_BLURRED",
        "SELFIE_FACE_TURNED",
        "SELFIE_SUNGLASSES_WORN",
        "SELFIE_FACE_COVERED",
    ];
    resubmit_defect("resubmit-defects", &defects, &reasons);
}

#[test]
fn pass_defects_of_low_confidence() {
    let case = case("pass-unsure");
    bench().run(async {
        let mut face = face(99.9);
        face["Quality"] = json!({"Brightness": 25, "Sharpness": 10});
        face["Pose"] = json!({"Yaw": 45, "Pitch": 45});
        face["Sunglasses"] = json!({"Value": true, "Confidence": 90});
        face["FaceOccluded"] = json!({"Value": false, "Confidence": 99});
        case.rekognition("DetectFaces", json!({"FaceDetails": [face]}))?;
        everything_fits(&case)?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5, "matchingFeatures": FEATURES}));
        Ok(())
    });
}

#[test]
fn decline_another_person() {
    let case = case("decline-mismatch");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[])?;
        case.compared(&[(12.5, 0.3)])?;
        let seen = run(&case, 2).await?;
        seen.went(&path(7, &REFUSED));
        seen.refused(CHECK, "decline", &["FACE_MISMATCH"], &json!({"similarity": 12.5}));
        Ok(())
    });
}

#[test]
fn resubmit_document_not_there_yet() {
    let case = case("resubmit-no-document");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[])?;
        let seen = case.run(json!({"selfie": case.picture("selfie")}), 1).await?;
        seen.went(&path(5, &REFUSED));
        seen.refused(CHECK, "resubmit", &["DOCUMENT_MISSING"], &json!({}));
        Ok(())
    });
}

/// An error of the service is not an outcome: the execution fails at its own Task.
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
    failed_access_denied("DetectFaces", "failed-detect", &path(2, &[]));
}

#[test]
fn failed_search_denied() {
    failed_access_denied("SearchFacesByImage", "failed-search", &path(4, &[]));
}
