//! One clear, unknown face that is the document's.

use anyhow::Result;
use bonafide_tests::bench::{bench, s};
use bonafide_tests::control::Fault;
use serde_json::{Value, json};

use crate::case::{Case, Seen, face, pointer, quality};

const CHECK: &str = "identityVerification";

fn case(name: &str) -> Case {
    Case::new("IdentityVerificationMachineArn", name)
}

/// A face that nobody has, on a selfie that shows the document's owner, good enough to be indexed.
fn everything_fits(case: &Case) -> Result<()> {
    case.faces(&[99.9])?;
    case.found(&[])?;
    case.compared(&[(98.5, 0.3)])?;
    case.indexed(&["new-face"])
}

async fn run(case: &Case, notifications: usize) -> Result<Seen> {
    case.run(json!({"selfie": case.picture("selfie"), "document": case.picture("license")}), notifications).await
}

const UP_TO_SAVING: [&str; 11] = [
    "DetectFaces",
    "IsOneClearFace",
    "IsFaceUsable",
    "SearchFaces",
    "IsFaceUnique",
    "CompareWithDocument",
    "IsSamePerson",
    "IndexFace",
    "IsFaceIndexed",
    "SearchIndexedFace",
    "IsFaceStillUnique",
];

/// A prefix of the path, then these.
fn path<'name>(common: usize, rest: &[&'name str]) -> Vec<&'name str> {
    UP_TO_SAVING[..common].iter().chain(rest).copied().collect()
}

#[test]
fn pass_new_face() {
    let case = case("pass-new-face");
    bench().run(async {
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(11, &["FindEarlierFace", "SaveFace", "IsFaceSuperseded", "Passed"]))
            .passed(CHECK, &json!({"similarity": 98.5}));
        let face = json!(case.face("new-face"));
        assert_eq!((&seen.ended.output["faceId"], &seen.row["faceId"]), (&face, &face));
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
        bench().local.control.add(
            &Fault::error("rekognition", "DeleteFaces", &old, "ProvisionedThroughputExceededException", 400).times(1),
        )?;
        case.rekognition("DeleteFaces", json!({"DeletedFaces": [old]}))?;
        let seen = run(&case, 0).await?;
        seen.went(&path(11, &["FindEarlierFace", "SaveFace", "IsFaceSuperseded", "DeleteSupersededFace", "Passed"]));
        seen.passed(CHECK, &json!({"similarity": 98.5}));
        assert_eq!((&seen.row["faceId"], &seen.row["supersededFaceId"]), (&json!(case.face("new-face")), &json!(old)));
        Ok(())
    });
}

#[test]
fn pass_own_face_is_no_duplicate() {
    let case = case("pass-own-face");
    bench().run(async {
        case.faces(&[99.9])?;
        let own = case.face("own-face");
        case.found(&[(100.0, &case.id, &own)])?;
        case.compared(&[(98.5, 0.3)])?;
        case.found_again(&[(99.9, &case.id, "an-earlier-face")])?;
        case.indexed(&["own-face"])?;
        case.put_row([("faceId", s(&own))]).await?;
        // The face that is saved again is not superseded.
        run(&case, 0).await?.went(&path(11, &["FindEarlierFace", "SaveFace", "IsFaceSuperseded", "Passed"]));
        Ok(())
    });
}

#[test]
fn pass_resemblance_is_no_duplicate() {
    let case = case("pass-resemblance");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[(95.0, "somebody", "their-face")])?;
        case.compared(&[(98.5, 0.3)])?;
        case.indexed(&["new-face"])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5}));
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
        case.indexed(&["new-face"])?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5}));
        Ok(())
    });
}

#[test]
fn pass_after_throttling() {
    let case = case("pass-throttled");
    bench().run(async {
        for operation in ["DetectFaces", "SearchFacesByImage", "CompareFaces", "IndexFaces", "SearchFaces"] {
            case.rekognition_error_once(operation, "ThrottlingException")?;
        }
        everything_fits(&case)?;
        let seen = run(&case, 0).await?;
        seen.went(&path(11, &["FindEarlierFace", "SaveFace", "IsFaceSuperseded", "Passed"]))
            .passed(CHECK, &json!({"similarity": 98.5}));
        let errors: Vec<_> = seen.ended.traces.iter().flat_map(bonafide_tests::history::Trace::errors).collect();
        for state in ["DetectFaces", "SearchFaces", "IndexFace", "CompareFaces", "SearchIndexedFace"] {
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
        run(&case, 1).await?.went(&path(4, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"])).refused(
            CHECK,
            "resubmit",
            &["SELFIE_FACE_NOT_FOUND"],
            &quality(),
        );
        Ok(())
    });
}

#[test]
fn decline_duplicate() {
    let case = case("decline-duplicate");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[(96.0, "somebody", "similar"), (99.5, "another", "most-similar"), (100.0, &case.id, "own")])?;
        let seen = run(&case, 1).await?;
        seen.went(&path(5, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "decline", &["FACE_DUPLICATE"], &json!({"duplicateSimilarity": 99.5}));
        assert_eq!((seen.row.get("faceId"), &seen.row["duplicateFaceId"]), (None, &json!("most-similar")));
        Ok(())
    });
}

#[test]
fn decline_face_that_nobody_owns() {
    let case = case("decline-ownerless");
    bench().run(async {
        case.faces(&[99.9])?;
        // What is not told counts against the applicant.
        case.rekognition(
            "SearchFacesByImage",
            json!({"FaceMatches": [{"Similarity": 97.5, "Face": {"FaceId": "ownerless"}}]}),
        )?;
        let seen = run(&case, 1).await?;
        seen.refused(CHECK, "decline", &["FACE_DUPLICATE"], &json!({"duplicateSimilarity": 97.5}));
        assert_eq!(seen.row["duplicateFaceId"], "ownerless");
        Ok(())
    });
}

/// One clear face, with something about it that the applicant can do better.
fn resubmit_defect(name: &str, defect: &Value, reasons: &[&str]) {
    let case = case(name);
    bench().run(async {
        let mut face = face(99.9);
        face.as_object_mut().unwrap().extend(defect.as_object().unwrap().clone());
        case.rekognition("DetectFaces", json!({"FaceDetails": [face]}))?;
        let seen = run(&case, 1).await?;
        let judged = ["DetectFaces", "IsOneClearFace", "IsFaceUsable", "ListReasons"];
        seen.went(&[&judged[..], &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]].concat());
        let scores = json!({"brightness": face["Quality"]["Brightness"], "sharpness": face["Quality"]["Sharpness"]});
        seen.refused(CHECK, "resubmit", reasons, &scores);
        assert_eq!(seen.row.get("faceId"), None);
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
fn pass_defects_that_nobody_is_sure_of() {
    let case = case("pass-unsure");
    bench().run(async {
        let mut face = face(99.9);
        face["Quality"] = json!({"Brightness": 25, "Sharpness": 10});
        face["Pose"] = json!({"Yaw": 45, "Pitch": 45});
        face["Sunglasses"] = json!({"Value": true, "Confidence": 90});
        face["FaceOccluded"] = json!({"Value": false, "Confidence": 99});
        case.rekognition("DetectFaces", json!({"FaceDetails": [face]}))?;
        everything_fits(&case)?;
        run(&case, 0).await?.passed(CHECK, &json!({"similarity": 98.5}));
        Ok(())
    });
}

#[test]
fn pass_document_of_the_row() {
    let case = case("pass-row");
    bench().run(async {
        everything_fits(&case)?;
        case.put_row([("document", pointer(&case.picture("license-of-the-row")))]).await?;
        let seen = case.run(json!({"selfie": case.picture("selfie")}), 0).await?;
        seen.passed(CHECK, &json!({"similarity": 98.5}));
        assert!(seen.ended.text().contains("license-of-the-row"));
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
        seen.went(&path(7, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
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
        case.found(&[])?;
        let seen = case.run(json!({"selfie": case.picture("selfie")}), 2).await?;
        seen.went(&path(7, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "resubmit", &["DOCUMENT_MISSING"], &json!({}));
        Ok(())
    });
}

#[test]
fn resubmit_quality_too_low_to_be_indexed() {
    let case = case("resubmit-quality");
    bench().run(async {
        case.faces(&[99.9])?;
        case.found(&[])?;
        case.compared(&[(98.5, 0.3)])?;
        case.indexed(&[])?;
        let seen = run(&case, 1).await?;
        seen.went(&path(9, &["RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "resubmit", &["SELFIE_QUALITY_LOW"], &json!({"similarity": 98.5}));
        Ok(())
    });
}

/// Both searched before either was indexed: the one that is indexed later finds the other.
#[test]
fn resubmit_the_same_face_at_the_same_moment() {
    let case = case("resubmit-concurrent");
    bench().run(async {
        case.found_again(&[(95.0, "a-resemblance", "no-duplicate"), (99.5, "somebody", "their-face")])?;
        everything_fits(&case)?;
        let own = case.face("new-face");
        case.rekognition_error_once("DeleteFaces", "ThrottlingException")?;
        case.rekognition("DeleteFaces", json!({"DeletedFaces": [own]}))?;
        let seen = run(&case, 1).await?;
        seen.went(&path(11, &["ReleaseFace", "RecordNotPassed", "NotifyNotPassed", "NotPassed"]));
        seen.refused(CHECK, "resubmit", &["FACE_DUPLICATE_CONCURRENT"], &json!({"duplicateSimilarity": 99.5}));
        assert_eq!((seen.row.get("faceId"), &seen.row["duplicateFaceId"]), (None, &json!("their-face")));
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
    failed_access_denied("SearchFacesByImage", "failed-search", &path(4, &[]));
}

#[test]
fn failed_index_denied() {
    failed_access_denied("IndexFaces", "failed-index", &path(8, &[]));
}

#[test]
fn failed_second_search_denied() {
    failed_access_denied("SearchFaces", "failed-second-search", &path(10, &[]));
}

#[test]
fn pass_face_of_a_package_is_held_for_its_verdict() {
    let case = case("pass-held");
    bench().run(async {
        everything_fits(&case)?;
        let earlier = case.face("earlier-face");
        case.put_row([("faceId", s(&earlier))]).await?;
        let input = json!({
            "selfie": case.picture("selfie"),
            "document": case.picture("license"),
            "verdictFollows": true,
        });
        let seen = case.run(input, 0).await?;
        seen.went(&path(11, &["HoldFace", "Passed"])).passed(CHECK, &json!({"similarity": 98.5}));
        assert_eq!((&seen.row["faceId"], &seen.row["heldFaceIds"]), (&json!(earlier), &json!([case.face("new-face")])));
        Ok(())
    });
}

#[test]
fn superseded_refusal() {
    let case = case("superseded-refusal");
    bench().run(async {
        case.supersede().await?;
        case.faces(&[])?;
        run(&case, 0).await?.superseded(CHECK, &["DetectFaces", "IsOneClearFace", "RecordNotPassed", "Superseded"]);
        Ok(())
    });
}

/// A newer upload is recorded while the face is being saved: it is given back.
fn superseded_face(name: &str, way: &[&'static str], verdict_follows: bool) {
    let case = case(name);
    bench().run(async {
        for task in [way[way.len() - 1], "RecordNotPassed"] {
            let refused = Fault::error("dynamodb", "UpdateItem", &case.id, "ConditionalCheckFailedException", 400);
            bench().local.control.add(&refused.by(&format!("identity-verification/{task}")))?;
        }
        everything_fits(&case)?;
        case.rekognition("DeleteFaces", json!({"DeletedFaces": [case.face("new-face")]}))?;
        let input = json!({
            "selfie": case.picture("selfie"),
            "document": case.picture("license"),
            "verdictFollows": verdict_follows,
        });
        let seen = case.run(input, 0).await?;
        seen.superseded(CHECK, &path(11, &[way, &["ReleaseFace", "RecordNotPassed", "Superseded"]].concat()));
        assert_eq!((seen.row.get("faceId"), seen.row.get("heldFaceIds")), (None, None));
        Ok(())
    });
}

#[test]
fn superseded_face_of_a_package() {
    superseded_face("superseded-held", &["HoldFace"], true);
}

#[test]
fn superseded_face_of_a_selfie_alone() {
    superseded_face("superseded-alone", &["FindEarlierFace", "SaveFace"], false);
}
