//! The licence verification service knows the licence, does not know it, or does not answer.

use anyhow::Result;
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::rows::{m, s};
use serde_json::{Value, json};

use crate::case::{Case, Seen};

const CHECK: &str = "thirdPartyCheck";

fn case(name: &str) -> Case {
    Case::new("ThirdPartyCheckMachineArn", name)
}

/// Runs the machine with a licence number of its own, for which the licence verification service gives this answer.
async fn run(case: &Case, answer: &str, notifications: usize) -> Result<Seen> {
    let number: String = case.id.chars().filter(char::is_ascii_alphanumeric).collect();
    bench().local.control.set_license(&number, answer)?;
    // The number on the document counts, not the stated one.
    let document = m(&[("documentNumber", s(&number))]);
    case.run_with(
        json!({"isNumberInDoubt": false}),
        [("documentFields", document), ("DOCUMENT_NUMBER", s("Q7700112233"))],
        notifications,
    )
    .await
}

#[test]
fn pass_known_license() {
    let case = case("pass-known");
    bench().run(async {
        let seen = run(&case, "known", 0).await?;
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "RecordCheck"]).passed(CHECK, &json!({}));
        Ok(())
    });
}

#[test]
fn decline_unknown_license() {
    let case = case("decline-unknown");
    bench().run(async {
        let seen = run(&case, "unknown", 1).await?;
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "NotifyNotPassed", "RecordCheck"]);
        seen.refused(CHECK, "decline", &["LICENSE_UNKNOWN"], &json!({}));
        Ok(())
    });
}

/// The document's number may be misread, so a service that does not know it says nothing about the licence.
#[test]
fn refer_unknown_license_with_a_number_in_doubt() {
    let case = case("refer-unknown");
    bench().run(async {
        let number: String = case.id.chars().filter(char::is_ascii_alphanumeric).collect();
        bench().local.control.set_license(&number, "unknown")?;
        let record = [("documentFields", m(&[("documentNumber", s(&number))]))];
        let seen = case.run_with(json!({"isNumberInDoubt": true}), record, 1).await?;
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "NotifyNotPassed", "RecordCheck"]);
        seen.refused(CHECK, "refer", &["LICENSE_UNKNOWN"], &json!({}));
        Ok(())
    });
}

#[test]
fn pass_after_an_outage() {
    let case = case("pass-outage");
    bench().run(async {
        bench().local.control.add(&Fault::error("third-party", "license", &case.id, "down", 503).times(1))?;
        run(&case, "known", 0)
            .await?
            .went(&["ReadInput", "RequestValidation", "IsLicenseValid", "RecordCheck"])
            .passed(CHECK, &json!({}));
        Ok(())
    });
}

/// Only a plain `true` or `false` is an answer; without an answer the check never passes.
fn failed_no_answer(name: &str, answer: &str) {
    let case = case(name);
    bench().run(async {
        let seen = run(&case, answer, 0).await?;
        seen.failed(&["ReadInput", "RequestValidation"], "Bonafide.Transient").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_third_party_down() {
    failed_no_answer("failed-down", "down");
}

#[test]
fn failed_third_party_malformed() {
    failed_no_answer("failed-malformed", "malformed");
}

/// Values similar to `true` do not pass.
fn failed_other_answer(name: &str, answer: Value) {
    let case = case(name);
    bench().run(async {
        bench().local.control.add(&Fault::result("third-party", "license", &case.id, answer))?;
        let seen = run(&case, "known", 0).await?;
        seen.failed(&["ReadInput", "RequestValidation"], "Bonafide.Transient").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_text_instead_of_true() {
    failed_other_answer("failed-text", json!("true"));
}

#[test]
fn failed_object_instead_of_true() {
    failed_other_answer("failed-object", json!({"valid": true}));
}

#[test]
fn failed_application_without_a_license_number() {
    let case = case("failed-no-number");
    bench().run(async {
        let seen = case.run(json!({"isNumberInDoubt": false}), 0).await?;
        assert_eq!(seen.ended.path(), ["ReadInput", "RequestValidation"]);
        assert_eq!(seen.ended.status, aws_sdk_sfn::types::ExecutionStatus::Failed);
        seen.left_nothing(CHECK);
        Ok(())
    });
}

/// A parent that is redriven starts another execution for the same submission.
#[test]
fn pass_answer_of_an_earlier_execution() {
    let case = case("pass-recorded");
    bench().run(async {
        let recorded = [("licenseValid", aws_sdk_dynamodb::types::AttributeValue::Bool(true))];
        let seen = case.run_with(json!({"isNumberInDoubt": false}), recorded, 0).await?;
        seen.passed(CHECK, &json!({}));
        assert_eq!(bench().local.control.charges(&case.id)?, 0, "the licence verification service was called again");
        Ok(())
    });
}
