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
        json!({"question": "number", "isNumberInDoubt": false}),
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
        let seen = case.run_with(json!({"question": "number", "isNumberInDoubt": true}), record, 1).await?;
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
        let seen = case.run(json!({"question": "number", "isNumberInDoubt": false}), 0).await?;
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
        let seen = case.run_with(json!({"question": "number", "isNumberInDoubt": false}), recorded, 0).await?;
        seen.passed(CHECK, &json!({}));
        assert_eq!(bench().local.control.charges(&case.id)?, 0, "the licence verification service was called again");
        Ok(())
    });
}

/// Runs the machine of a stage that asks about fields, with a licence of the District of Columbia whose bearer has two surnames. Its
/// register knows the number, and of the holder this; of surnames only the first.
async fn compare(case: &Case, holder: Value, notifications: usize) -> Result<Seen> {
    let number: String = case.id.chars().filter(char::is_ascii_alphanumeric).collect();
    bench().local.control.introduce_holder(&number, &holder)?;
    let document = [
        ("documentNumber", number.as_str()),
        ("firstName", "MARISOL"),
        ("lastName", "DE LA CRUZ LOPEZ"),
        ("dateOfBirth", "1957-01-12"),
        ("expirationDate", "2099-01-12"),
        ("issuer", "DISTRICT OF COLUMBIA"),
    ]
    .map(|(name, value)| (name, s(value)));
    let question = json!({"question": "fields", "isNumberInDoubt": false});
    case.run_with(question, [("documentFields", m(&document))], notifications).await
}

#[test]
fn pass_fields_that_agree() {
    let case = case("pass-fields");
    bench().run(async {
        let holder = json!({"first_name": "Marisol", "last_name": "De La Cruz", "date_of_birth": "1957-01-12"});
        let seen = compare(&case, holder, 0).await?;
        let scores = json!({"documentNumber": 100, "firstName": 100, "lastName": 100, "dateOfBirth": 100});
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "RecordCheck"]).passed(CHECK, &scores);
        Ok(())
    });
}

/// A number of another person, on a licence with another name and birth date.
#[test]
fn refer_fields_that_differ() {
    let case = case("refer-fields");
    bench().run(async {
        let holder = json!({"first_name": "Marisol", "last_name": "Sample", "date_of_birth": "1984-06-09"});
        let seen = compare(&case, holder, 1).await?;
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "NotifyNotPassed", "RecordCheck"]);
        let scores = json!({"documentNumber": 100, "firstName": 100, "lastName": 0, "dateOfBirth": 0});
        seen.refused(CHECK, "refer", &["LICENSE_FIELD_MISMATCH"], &scores);
        Ok(())
    });
}

/// A register that has no birth date does not say whose the licence is.
#[test]
fn refer_fields_that_were_not_compared() {
    let case = case("refer-not-compared");
    bench().run(async {
        let holder = json!({"first_name": "Marisol", "last_name": "De La Cruz"});
        let seen = compare(&case, holder, 1).await?;
        seen.went(&["ReadInput", "RequestValidation", "IsLicenseValid", "NotifyNotPassed", "RecordCheck"]);
        let scores = json!({"documentNumber": 100, "firstName": 100, "lastName": 100});
        seen.refused(CHECK, "refer", &["LICENSE_NOT_COMPARED"], &scores);
        Ok(())
    });
}

#[test]
fn decline_unknown_license_of_fields() {
    let case = case("decline-fields");
    bench().run(async {
        let document = m(&[
            ("documentNumber", s("Z999-000-11-222-3")),
            ("lastName", s("SAMPLE")),
            ("dateOfBirth", s("1957-01-12")),
        ]);
        let question = json!({"question": "fields", "isNumberInDoubt": false});
        let seen = case.run_with(question, [("documentFields", document)], 1).await?;
        seen.refused(CHECK, "decline", &["LICENSE_UNKNOWN"], &json!({"documentNumber": 0}));
        Ok(())
    });
}

/// The answer to the other question, or half an answer, is none.
fn failed_answer_about_fields(name: &str, answer: Value) {
    let case = case(name);
    bench().run(async {
        bench().local.control.add(&Fault::result("third-party", "license", &case.id, answer))?;
        let seen = compare(&case, json!({}), 0).await?;
        seen.failed(&["ReadInput", "RequestValidation"], "Bonafide.Transient").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_true_instead_of_comparisons() {
    failed_answer_about_fields("failed-fields-true", json!(true));
}

#[test]
fn failed_comparisons_without_the_surname() {
    let answer = json!({
        "driver_license_id": "match", "first_name": "match", "date_of_birth": "match", "expiration_date": "match",
    });
    failed_answer_about_fields("failed-fields-half", answer);
}
