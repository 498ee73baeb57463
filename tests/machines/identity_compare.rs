//! Selfie and document show the same person.

use anyhow::Result;
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use serde_json::json;

use crate::case::{Case, FEATURES, Seen};

const CHECK: &str = "identityCompare";

const COMPARED: [&str; 3] = ["ReadInput", "CompareFaces", "IsSamePerson"];
const PICTURES: [&str; 2] = ["ComparePictures", "AreTwoPhotographs"];

fn case(name: &str) -> Case {
    Case::new("IdentityCompareMachineArn", name)
}

async fn run(case: &Case, notifications: usize) -> Result<Seen> {
    case.run(json!({"selfie": case.picture("selfie"), "document": case.picture("license")}), notifications).await
}

#[test]
fn pass_same_person() {
    let case = case("pass-same-person");
    bench().run(async {
        case.compared(&[(95.1, 0.3)])?;
        let seen = run(&case, 0).await?;
        seen.went(&[&COMPARED[..], &PICTURES, &["RecordCheck"]].concat());
        seen.passed(CHECK, &json!({"similarity": 95.1, "matchingFeatures": FEATURES}));
        let faces = &seen.row[CHECK]["faces"];
        assert_eq!(faces["selfie"], json!({"left": 0.1, "top": 0.1, "width": 0.3, "height": 0.3}), "{faces}");
        assert!(faces["document"]["width"].is_number(), "{faces}");
        Ok(())
    });
}

/// One photograph, or two pictures that cannot be compared: a person decides, about a doubtful similarity as well.
fn refer_pictures(name: &str, similarity: f64, features: Option<u32>, reasons: &[&str]) {
    let case = case(name);
    bench().run(async {
        case.features(features)?;
        case.compared(&[(similarity, 0.3)])?;
        let seen = run(&case, 1).await?;
        seen.went(&[&COMPARED[..], &PICTURES, &["NotifyNotPassed", "RecordCheck"]].concat());
        let mut scores = json!({"similarity": similarity});
        if let Some(features) = features {
            scores["matchingFeatures"] = json!(features);
        }
        seen.refused(CHECK, "refer", reasons, &scores);
        Ok(())
    });
}

#[test]
fn refer_same_photograph() {
    refer_pictures("refer-same-photograph", 99.5, Some(20), &["SELFIE_SAME_PHOTOGRAPH"]);
}

#[test]
fn refer_same_photograph_of_similar_faces() {
    let reasons = ["FACE_MATCH_UNSURE", "SELFIE_SAME_PHOTOGRAPH"];
    refer_pictures("refer-same-photograph-similar", 90.5, Some(120), &reasons);
}

#[test]
fn refer_pictures_that_were_not_compared() {
    refer_pictures("refer-not-compared", 99.5, None, &["PICTURES_NOT_COMPARED"]);
}

/// Above the seed systems' threshold, and up to that of a sure match.
fn refer(name: &str, similarity: f64) {
    let case = case(name);
    bench().run(async {
        case.compared(&[(similarity, 0.3)])?;
        let seen = run(&case, 1).await?;
        seen.went(&[&COMPARED[..], &PICTURES, &["NotifyNotPassed", "RecordCheck"]].concat());
        let scores = json!({"similarity": similarity, "matchingFeatures": FEATURES});
        seen.refused(CHECK, "refer", &["FACE_MATCH_UNSURE"], &scores);
        Ok(())
    });
}

#[test]
fn refer_similar_faces() {
    refer("refer-similar", 80.1);
}

#[test]
fn refer_nearly_the_same_face() {
    refer("refer-nearly", 95.0);
}

/// Not the same person, or not similar enough.
fn decline(name: &str, matches: &[(f64, f64)], similarity: f64) {
    let case = case(name);
    bench().run(async {
        case.compared(matches)?;
        let seen = run(&case, 1).await?;
        seen.went(&[&COMPARED[..], &["NotifyNotPassed", "RecordCheck"]].concat());
        let similarity = if similarity == 0.0 { json!(0) } else { json!(similarity) };
        seen.refused(CHECK, "decline", &["FACE_MISMATCH"], &json!({"similarity": similarity}));
        Ok(())
    });
}

#[test]
fn decline_another_person() {
    decline("decline-another-person", &[(12.5, 0.3)], 12.5);
}

#[test]
fn decline_just_not_similar_enough() {
    decline("decline-threshold", &[(80.5, 0.1), (79.5, 0.3)], 79.5);
}

#[test]
fn decline_no_face_in_common() {
    decline("decline-no-match", &[], 0.0);
}

#[test]
fn decline_only_a_bystander_is_on_the_document() {
    decline("decline-bystander", &[(99.5, 0.05), (3.5, 0.4)], 3.5);
}

fn resubmit_refused(name: &str, error: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        case.rekognition_error("CompareFaces", error)?;
        let seen = run(&case, 1).await?;
        seen.went(&["ReadInput", "CompareFaces", "NotifyNotPassed", "RecordCheck"]);
        seen.refused(CHECK, "resubmit", &[reason], &json!({}));
        Ok(())
    });
}

#[test]
fn resubmit_no_portrait() {
    resubmit_refused("resubmit-no-portrait", "InvalidParameterException", "PORTRAIT_NOT_FOUND");
}

#[test]
fn resubmit_not_a_picture() {
    resubmit_refused("resubmit-not-a-picture", "InvalidImageFormatException", "DOCUMENT_UNREADABLE");
}

#[test]
fn resubmit_picture_too_large() {
    resubmit_refused("resubmit-too-large", "ImageTooLargeException", "DOCUMENT_TOO_LARGE");
}

#[test]
fn failed_pictures_denied() {
    let case = case("failed-pictures-denied");
    bench().run(async {
        let denied = Fault::error("lambda", "Invoke", &case.id, "AccessDeniedException", 403);
        bench().local.control.add(&denied)?;
        case.compared(&[(99.5, 0.3)])?;
        let seen = run(&case, 0).await?;
        seen.failed(&[&COMPARED[..], &["ComparePictures"]].concat(), "Lambda.AWSLambdaException").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_comparison_denied() {
    let case = case("failed-denied");
    bench().run(async {
        case.rekognition_error("CompareFaces", "AccessDeniedException")?;
        let seen = run(&case, 0).await?;
        seen.failed(&["ReadInput", "CompareFaces"], "Rekognition.AccessDeniedException").left_nothing(CHECK);
        Ok(())
    });
}
