//! The third party knows the licence, or it does not, or it does not answer.

use anyhow::Result;
use bonafide_tests::bench::{bench, s};
use bonafide_tests::control::Fault;
use serde_json::{Value, json};

use crate::case::{Case, Seen};

const CHECK: &str = "thirdPartyCheck";

fn case(name: &str) -> Case {
    Case::new("ThirdPartyCheckMachineArn", name)
}

/// With a licence number of its own, for which the third party answers so.
async fn run(case: &Case, answer: &str, notifications: usize) -> Result<Seen> {
    let number: String = case.id.chars().filter(char::is_ascii_alphanumeric).collect();
    bench().local.control.set_license(&number, answer)?;
    case.put_row([("DOCUMENT_NUMBER", s(&number))]).await?;
    let seen = case.run(json!({}), notifications).await?;
    Ok(seen)
}

#[test]
fn pass_known_license() {
    let case = case("pass-known");
    bench().run(async {
        let seen = run(&case, "known", 0).await?;
        seen.went(&["RequestValidation", "IsLicenseValid", "RecordPass", "Passed"]).passed(CHECK, &json!({}));
        assert_eq!(seen.row["LICENSE_VALIDATION"], true);
        Ok(())
    });
}

#[test]
fn decline_unknown_license() {
    let case = case("decline-unknown");
    bench().run(async {
        let seen = run(&case, "unknown", 1).await?;
        seen.went(&["RequestValidation", "IsLicenseValid", "RecordNotPassed", "NotifyNotPassed", "NotPassed"]);
        seen.refused(CHECK, "decline", &["LICENSE_UNKNOWN"], &json!({}));
        assert_eq!(seen.row["LICENSE_VALIDATION"], false);
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
            .went(&["RequestValidation", "IsLicenseValid", "RecordPass", "Passed"])
            .passed(CHECK, &json!({}));
        Ok(())
    });
}

/// Nothing but a plain `true` or `false` is an answer, and no answer is ever a pass.
fn failed_no_answer(name: &str, answer: &str) {
    let case = case(name);
    bench().run(async {
        let seen = run(&case, answer, 0).await?;
        seen.failed(&["RequestValidation"], "Bonafide.Transient").left_nothing(CHECK);
        assert_eq!(seen.row.get("LICENSE_VALIDATION"), None);
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

/// What looks like a yes is not one.
fn failed_other_answer(name: &str, answer: Value) {
    let case = case(name);
    bench().run(async {
        bench().local.control.add(&Fault::result("third-party", "license", &case.id, answer))?;
        let seen = run(&case, "known", 0).await?;
        seen.failed(&["RequestValidation"], "Bonafide.Transient").left_nothing(CHECK);
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
        let seen = case.run(json!({}), 0).await?;
        assert_eq!(seen.ended.path(), ["RequestValidation"]);
        assert_eq!(seen.ended.status, aws_sdk_sfn::types::ExecutionStatus::Failed);
        seen.left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn superseded_before_the_third_party_is_asked() {
    let case = case("superseded-unasked");
    bench().run(async {
        // The row holds the number of the newer package.
        bench().local.control.set_license("OFANEWERPACKAGE", "known")?;
        case.put_row([("executionArn", s("of-a-newer-upload")), ("DOCUMENT_NUMBER", s("OFANEWERPACKAGE"))]).await?;
        let seen = case.run(json!({}), 0).await?;
        seen.superseded(CHECK, &["RequestValidation", "IsLicenseValid", "RecordNotPassed", "Superseded"]);
        assert_eq!(bench().local.control.charges(&case.id)?, 0);
        Ok(())
    });
}

#[test]
fn superseded_after_the_answer() {
    let case = case("superseded-answered");
    bench().run(async {
        let refused = Fault::error("dynamodb", "UpdateItem", &case.id, "ConditionalCheckFailedException", 400);
        bench().local.control.add(&refused.by("third-party-check/RecordPass"))?;
        let seen = run(&case, "known", 0).await?;
        seen.superseded(CHECK, &["RequestValidation", "IsLicenseValid", "RecordPass", "Superseded"]);
        Ok(())
    });
}
