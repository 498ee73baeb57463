//! The document is readable and valid and agrees with the stated details.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{blocks, portrait};
use bonafide_tools::repository;
use bonafide_tools::rows::{m, n, s};
use serde_json::{Value, json};

use crate::case::{Case, Seen};

const CHECK: &str = "documentExtraction";
/// How often the SDK in a worker tries before the machine gets an error.
const SDK_ATTEMPTS: u32 = 3;
/// Text, normalised date, confidence of 100.
pub(crate) type Field = (&'static str, &'static str, Option<&'static str>, f64);

fn case(name: &str) -> Case {
    Case::new("DocumentExtractionMachineArn", name)
}

pub(crate) fn fields() -> Vec<Field> {
    vec![
        ("FIRST_NAME", "ADA", None, 99.0),
        ("LAST_NAME", "EXAMPLE", None, 98.0),
        ("DATE_OF_BIRTH", "01/12/1957", Some("1957-01-12T00:00:00"), 97.0),
        ("EXPIRATION_DATE", "01/12/2099", Some("2099-01-12T00:00:00"), 96.0),
        ("DATE_OF_ISSUE", "01/12/2020", Some("2020-01-12T00:00:00"), 96.0),
        ("DOCUMENT_NUMBER", "E514-172-80-844-0", None, 95.0),
        ("ADDRESS", "8123 MAIN STREET", None, 94.0),
        ("CITY_IN_ADDRESS", "TALLAHASSEE", None, 94.0),
        ("STATE_IN_ADDRESS", "FL", None, 94.0),
        ("ZIP_CODE_IN_ADDRESS", "32399", None, 94.0),
        ("STATE_NAME", "FLORIDA", None, 94.0),
    ]
}

/// The fields of a good document, with one replaced.
pub(crate) fn fields_but(field: Field) -> Vec<Field> {
    fields_with(&[field])
}

/// The same, with several replaced.
pub(crate) fn fields_with(replaced: &[Field]) -> Vec<Field> {
    let replacement = |field: Field| replaced.iter().find(|other| other.0 == field.0).copied().unwrap_or(field);
    fields().into_iter().map(replacement).collect()
}

fn details() -> Vec<(&'static str, AttributeValue)> {
    [
        ("FIRST_NAME", "Ada"),
        ("LAST_NAME", "Example"),
        ("DATE_OF_BIRTH", "1/12/1957"),
        ("DOCUMENT_NUMBER", "E514172808440"),
        ("ADDRESS", "8123 Main St"),
        ("CITY_IN_ADDRESS", "Tallahassee"),
        ("STATE_IN_ADDRESS", "FL"),
        ("ZIP_CODE_IN_ADDRESS", "000032399"),
    ]
    .map(|(name, value)| (name, s(value)))
    .to_vec()
}

fn details_but(name: &'static str, value: &str) -> Vec<(&'static str, AttributeValue)> {
    details_with(&[(name, value)])
}

fn details_with(replaced: &[(&'static str, &str)]) -> Vec<(&'static str, AttributeValue)> {
    let replacement = |name: &str| replaced.iter().find(|(other, _)| *other == name).map(|(_, value)| s(value));
    details().into_iter().map(|(name, value)| (name, replacement(name).unwrap_or(value))).collect()
}

/// Configures what Textract reads from the pictures of an application.
pub(crate) fn textract(case: &Case, fields: &[Field]) -> Result<()> {
    bench().local.control.add(&answer(case, fields))
}

fn answer(case: &Case, fields: &[Field]) -> Fault {
    let blocks = blocks(fields.iter().map(|(_, text, ..)| *text));
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, text, date, confidence)| {
            let mut value = json!({"Text": text, "Confidence": confidence});
            if let Some(date) = date {
                value["NormalizedValue"] = json!({"Value": date, "ValueType": "DATE"});
            }
            json!({"Type": {"Text": name}, "ValueDetection": value})
        })
        .collect();
    let answer = json!({
        "IdentityDocuments": [{"DocumentIndex": 1, "IdentityDocumentFields": fields, "Blocks": blocks}],
        "DocumentMetadata": {"Pages": 1},
        "AnalyzeIDModelVersion": "1.0",
    });
    Fault::result("textract", "AnalyzeID", &case.id, answer)
}

/// Runs the machine with these details in the record.
async fn run(
    case: &Case,
    fields: &[Field],
    details: Vec<(&'static str, AttributeValue)>,
    notifications: usize,
) -> Result<Seen> {
    case.faces(&[99.9, 99.5])?;
    textract(case, fields)?;
    case.run_with(json!({"document": case.picture("license"), "detailsExpected": true}), details, notifications).await
}

const UP_TO_MATCH: [&str; 9] = [
    "ReadInput",
    "DetectFaces",
    "HasPortrait",
    "ExtractDocument",
    "IsAnythingRead",
    "IsPortraitOnDocument",
    "HasBack",
    "MatchDetails",
    "DoDetailsMatch",
];

fn went(seen: &Seen, common: usize, rest: &[&str]) {
    seen.went(&[&UP_TO_MATCH[..common], rest].concat());
}

const PASSED: [&str; 1] = ["RecordCheck"];
const REFUSED: [&str; 2] = ["NotifyNotPassed", "RecordCheck"];
/// Refused because a field was not read.
const UNREAD: [&str; 3] = ["ListReasons", "NotifyNotPassed", "RecordCheck"];
/// Refused because of a difference.
const DIFFERENT: [&str; 4] = ["IsDifferenceCertain", "ListReasons", "NotifyNotPassed", "RecordCheck"];

#[track_caller]
fn refused(seen: &Seen, outcome: &str, reasons: &[&str]) {
    assert_eq!((&seen.ended.output["outcome"], &seen.ended.output["reasons"]), (&json!(outcome), &json!(reasons)));
    assert_eq!((&seen.row[CHECK]["outcome"], &seen.row[CHECK]["reasons"]), (&json!(outcome), &json!(reasons)));
    seen.notified(CHECK, outcome, reasons);
}

#[test]
fn pass_everything_fits() {
    let case = case("pass-everything");
    bench().run(async {
        let seen = run(&case, &fields(), details(), 0).await?;
        went(&seen, 9, &PASSED);
        // What the applicant confirms is sure.
        let scores = json!({
            "firstNameConfidence": 1, "lastNameConfidence": 1, "dateOfBirthConfidence": 1, "expirationDateConfidence": 0.96,
            "documentNumberConfidence": 1, "addressConfidence": 1,
            "firstName": 100, "lastName": 100, "dateOfBirth": 100, "documentNumber": 100, "address": 100,
        });
        assert_eq!(seen.ended.output["outcome"], "pass");
        for (name, score) in scores.as_object().unwrap() {
            let (output, row) = (&seen.ended.output["scores"][name], &seen.row[CHECK]["scores"][name]);
            let is_close = |found: &Value| found.as_f64().is_some_and(|found| (found - score.as_f64().unwrap()).abs() < 1e-6);
            assert!(is_close(output) && is_close(row), "{name}: {output}, {row}");
        }
        assert_eq!(seen.notifications, []);
        assert_eq!(seen.row["documentFields"]["lastName"], "EXAMPLE");
        Ok(())
    });
}

#[test]
fn pass_document_without_details() {
    let case = case("pass-without-details");
    bench().run(async {
        case.faces(&[99.9])?;
        textract(&case, &fields_but(("ADDRESS", "", None, 0.0)))?;
        let seen = case.run(json!({"document": case.picture("license"), "detailsExpected": false}), 0).await?;
        went(&seen, 9, &PASSED);
        assert_eq!((&seen.ended.output["outcome"], &seen.row[CHECK]["outcome"]), (&json!("pass"), &json!("pass")));
        assert_eq!(seen.notifications, []);
        Ok(())
    });
}

#[test]
fn pass_after_throttling() {
    let case = case("pass-throttled");
    bench().run(async {
        case.rekognition_error_once("DetectFaces", "ThrottlingException")?;
        bench()
            .local
            .control
            .add(&Fault::error("textract", "AnalyzeID", &case.id, "ThrottlingException", 400).times(SDK_ATTEMPTS))?;
        let seen = run(&case, &fields(), details(), 0).await?;
        went(&seen, 9, &PASSED);
        // The worker itself waits for the end of Textract's throttling, so the machine's retries are not used up.
        assert_eq!(seen.ended.traces[0].retried(), ["DetectFaces"]);
        Ok(())
    });
}

#[test]
fn pass_after_an_outage() {
    let case = case("pass-outage");
    bench().run(async {
        let outage = Fault::error("textract", "AnalyzeID", &case.id, "InternalServerError", 500);
        bench().local.control.add(&outage.times(SDK_ATTEMPTS))?;
        let seen = run(&case, &fields(), details(), 0).await?;
        went(&seen, 9, &PASSED);
        assert_eq!(seen.ended.traces[0].retried(), ["ExtractDocument"]);
        Ok(())
    });
}

#[test]
fn pass_passport_without_address() {
    let case = case("pass-passport");
    bench().run(async {
        let mut fields: Vec<_> = fields().into_iter().filter(|(name, ..)| !name.contains("ADDRESS")).collect();
        fields.push(("ID_TYPE", "PASSPORT", None, 99.0));
        let seen = run(&case, &fields, details(), 0).await?;
        went(&seen, 9, &PASSED);
        assert_eq!((&seen.ended.output["outcome"], &seen.row[CHECK]["outcome"]), (&json!("pass"), &json!("pass")));
        Ok(())
    });
}

/// The largest face on the picture is not the portrait: an applicant's own face, with another person's document in the hand.
fn resubmit_portrait(name: &str, face: &Value) {
    let case = case(name);
    bench().run(async {
        let portrait = portrait();
        let faces: Vec<_> =
            [&portrait, face].map(|outline| json!({"BoundingBox": outline, "Confidence": 99.9})).to_vec();
        case.rekognition("DetectFaces", json!({"FaceDetails": faces}))?;
        textract(&case, &fields())?;
        let input = json!({"document": case.picture("license"), "detailsExpected": true});
        let seen = case.run_with(input, details(), 1).await?;
        went(&seen, 6, &REFUSED);
        refused(&seen, "resubmit", &["PORTRAIT_NOT_ON_DOCUMENT"]);
        Ok(())
    });
}

#[test]
fn resubmit_face_larger_than_a_portrait() {
    resubmit_portrait("resubmit-holder", &json!({"Left": 0.0, "Top": 0.0, "Width": 0.6, "Height": 1.05}));
}

#[test]
fn resubmit_face_beside_the_document() {
    resubmit_portrait("resubmit-beside", &json!({"Left": 0.0, "Top": 0.9, "Width": 0.1, "Height": 0.9}));
}

/// The back of the licence of the sample `barcode-agrees`.
fn barcode() -> Vec<u8> {
    let package = std::fs::File::open(repository().join("samples/packages/barcode-agrees.zip")).expect("a sample");
    let mut package = zip::ZipArchive::new(package).expect("a package");
    let mut member = package.by_name("barcode-agrees_license_back.jpg").expect("a back");
    let mut picture = Vec::new();
    std::io::Read::read_to_end(&mut member, &mut picture).expect("a picture");
    picture
}

/// What is printed on the front of that licence. The expiry date has no other source but the barcode.
fn fields_of_barcode(unsure: bool) -> Vec<Field> {
    [
        ("FIRST_NAME", "RUPERT", None),
        ("LAST_NAME", "JANSSEN", None),
        ("DATE_OF_BIRTH", "03/19/1968", Some("1968-03-19T00:00:00")),
        ("DATE_OF_ISSUE", "03/18/2024", Some("2024-03-18T00:00:00")),
        ("EXPIRATION_DATE", "03/19/2046", Some("2046-03-19T00:00:00")),
        ("DOCUMENT_NUMBER", "J525-160-68-999-0", None),
        ("ADDRESS", "318 MANGROVE STREET", None),
        ("CITY_IN_ADDRESS", "NAPLES", None),
        ("STATE_IN_ADDRESS", "FL", None),
        ("ZIP_CODE_IN_ADDRESS", "34102", None),
        ("STATE_NAME", "FLORIDA", None),
    ]
    .map(|(name, text, date)| (name, text, date, if name == "EXPIRATION_DATE" && unsure { 60.0 } else { 96.0 }))
    .to_vec()
}

/// The applicant's details, copied from it.
fn details_of_barcode() -> Vec<(&'static str, AttributeValue)> {
    [
        ("FIRST_NAME", "Rupert"),
        ("LAST_NAME", "Janssen"),
        ("DATE_OF_BIRTH", "3/19/1968"),
        ("DOCUMENT_NUMBER", "J525160689990"),
        ("ADDRESS", "318 Mangrove St"),
        ("CITY_IN_ADDRESS", "Naples"),
        ("STATE_IN_ADDRESS", "FL"),
        ("ZIP_CODE_IN_ADDRESS", "34102"),
    ]
    .map(|(name, value)| (name, s(value)))
    .to_vec()
}

/// Stores this picture as the back.
async fn stored(case: &Case, back: Vec<u8>) -> Result<Value> {
    let mut object = case.picture("license-back");
    let (bucket, key) = (object["bucket"].as_str().unwrap_or_default(), object["key"].as_str().unwrap_or_default());
    let put = bench().local.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(back));
    object["versionId"] = json!(put.send().await.context("put the back")?.version_id.context("no version")?);
    Ok(object)
}

/// Runs the machine with this picture as the back.
async fn run_with_back(
    case: &Case,
    fields: &[Field],
    back: Vec<u8>,
    required: bool,
    notifications: usize,
) -> Result<Seen> {
    case.faces(&[99.9])?;
    textract(case, fields)?;
    let object = stored(case, back).await?;
    let mut input = json!({"document": case.picture("license"), "documentBack": object, "detailsExpected": true});
    if required {
        input["backRequired"] = json!(true);
    }
    case.run_with(input, details_of_barcode(), notifications).await
}

const READ_BARCODE: [&str; 2] = ["ReadBarcode", "IsBarcodeRead"];

#[test]
fn pass_expiry_that_the_barcode_confirms() {
    let case = case("pass-barcode");
    bench().run(async {
        let seen = run_with_back(&case, &fields_of_barcode(true), barcode(), true, 0).await?;
        went(&seen, 7, &[&READ_BARCODE[..], &UP_TO_MATCH[7..], &PASSED].concat());
        assert_eq!(seen.row[CHECK]["outcome"], "pass");
        let barcode = &seen.row["barcodeFields"];
        assert_eq!((&barcode["source"], &barcode["lastName"]), (&json!("barcode"), &json!("JANSSEN")));
        assert!(!seen.ended.output.to_string().contains("JANSSEN"));
        Ok(())
    });
}

#[test]
fn decline_back_of_another_licence() {
    let case = case("decline-barcode");
    bench().run(async {
        case.faces(&[99.9])?;
        textract(&case, &fields())?;
        let back = stored(&case, barcode()).await?;
        let input = json!({"document": case.picture("license"), "documentBack": back, "detailsExpected": true});
        let seen = case.run_with(input, details(), 1).await?;
        went(&seen, 7, &[&READ_BARCODE[..], &UP_TO_MATCH[7..], &DIFFERENT].concat());
        refused(&seen, "decline", &["BARCODE_MISMATCH"]);
        Ok(())
    });
}

#[test]
fn pass_back_without_a_barcode_where_none_is_required() {
    let case = case("pass-no-barcode");
    bench().run(async {
        let seen = run_with_back(&case, &fields_of_barcode(false), b"not a picture".to_vec(), false, 0).await?;
        went(&seen, 7, &[&READ_BARCODE[..], &UP_TO_MATCH[7..], &PASSED].concat());
        assert_eq!((&seen.row[CHECK]["outcome"], seen.row.get("barcodeFields")), (&json!("pass"), None));
        Ok(())
    });
}

/// A portrait of the impostor without text as the front, and another person's licence as the back.
#[test]
fn resubmit_front_without_text_before_a_good_back() {
    let case = case("resubmit-front");
    bench().run(async {
        let seen = run_with_back(&case, &[], barcode(), true, 1).await?;
        went(&seen, 5, &REFUSED);
        refused(&seen, "resubmit", &["DOCUMENT_UNREADABLE"]);
        Ok(())
    });
}

#[test]
fn resubmit_barcode_unreadable() {
    let case = case("resubmit-barcode");
    bench().run(async {
        let seen = run_with_back(&case, &fields_of_barcode(false), b"not a picture".to_vec(), true, 1).await?;
        went(&seen, 7, &[&READ_BARCODE[..], &REFUSED].concat());
        refused(&seen, "resubmit", &["BARCODE_UNREADABLE"]);
        Ok(())
    });
}

#[test]
fn resubmit_back_missing() {
    let case = case("resubmit-no-back");
    bench().run(async {
        case.faces(&[99.9])?;
        textract(&case, &fields())?;
        let input = json!({"document": case.picture("license"), "detailsExpected": true, "backRequired": true});
        let seen = case.run_with(input, details(), 1).await?;
        went(&seen, 7, &REFUSED);
        refused(&seen, "resubmit", &["DOCUMENT_BACK_MISSING"]);
        Ok(())
    });
}

#[test]
fn failed_back_missing_in_the_bucket() {
    let case = case("failed-back");
    bench().run(async {
        case.faces(&[99.9])?;
        textract(&case, &fields())?;
        let input = json!({"document": case.picture("license"), "documentBack": case.picture("license-back"), "detailsExpected": true});
        let seen = case.run_with(input, details(), 0).await?;
        let path = [&UP_TO_MATCH[..7], &READ_BARCODE[..1]].concat();
        seen.failed(&path, "Bonafide.Internal").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn pass_unsure_fields_that_the_applicant_confirms() {
    let case = case("pass-confirmed");
    bench().run(async {
        let is_expiry = |name: &str| name == "EXPIRATION_DATE";
        let unsure = fields()
            .into_iter()
            .map(|(name, text, date, confidence)| (name, text, date, if is_expiry(name) { confidence } else { 50.0 }));
        let seen = run(&case, &unsure.collect::<Vec<_>>(), details(), 0).await?;
        went(&seen, 9, &PASSED);
        assert_eq!(seen.ended.output["outcome"], "pass");
        Ok(())
    });
}

/// A parent that is redriven starts another execution for the same submission: `AnalyzeID` is not paid again.
#[test]
fn pass_document_that_an_earlier_execution_has_read() {
    let case = case("pass-read-before");
    bench().run(async {
        case.faces(&[99.9])?;
        bench().local.control.add(&Fault::error("textract", "AnalyzeID", &case.id, "AccessDeniedException", 400))?;
        let confidences = ["firstName", "lastName", "dateOfBirth", "documentNumber", "expirationDate", "address"]
            .map(|name| (name, n(1)));
        let extraction = m(&[
            ("confidences", m(&confidences)),
            ("noFirstName", n(0)),
            ("portrait", m(&[("height", n(8)), ("distance", n(1))])),
            ("documentType", s("license")),
            ("reasons", AttributeValue::L(Vec::new())),
        ]);
        let fields = m(&[
            ("firstName", s("ADA")),
            ("lastName", s("EXAMPLE")),
            ("dateOfBirth", s("1957-01-12")),
            ("expirationDate", s("2099-01-12")),
            ("documentNumber", s("E514-172-80-844-0")),
            ("address", s("8123 MAIN STREET")),
            ("city", s("TALLAHASSEE")),
            ("state", s("FL")),
            ("zipCode", s("32399")),
            ("issuer", s("FLORIDA")),
        ]);
        let record = details().into_iter().chain([("extraction", extraction), ("documentFields", fields)]);
        let input = json!({"document": case.picture("license"), "detailsExpected": true});
        let seen = case.run_with(input, record, 0).await?;
        went(&seen, 9, &PASSED);
        assert_eq!(seen.row[CHECK]["outcome"], "pass");
        Ok(())
    });
}

#[test]
fn resubmit_no_portrait() {
    let case = case("resubmit-no-portrait");
    bench().run(async {
        case.faces(&[99.0])?;
        let seen = case.run(json!({"document": case.picture("license"), "detailsExpected": true}), 1).await?;
        went(&seen, 3, &REFUSED);
        seen.refused(CHECK, "resubmit", &["PORTRAIT_NOT_FOUND"], &json!({}));
        Ok(())
    });
}

fn resubmit_refused_by_rekognition(name: &str, error: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        case.rekognition_error("DetectFaces", error)?;
        let seen = case.run(json!({"document": case.picture("license"), "detailsExpected": true}), 1).await?;
        went(&seen, 2, &REFUSED);
        seen.refused(CHECK, "resubmit", &[reason], &json!({}));
        Ok(())
    });
}

#[test]
fn resubmit_picture_too_small() {
    resubmit_refused_by_rekognition("resubmit-too-small", "InvalidParameterException", "DOCUMENT_UNREADABLE");
}

#[test]
fn resubmit_not_a_picture() {
    resubmit_refused_by_rekognition("resubmit-not-a-picture", "InvalidImageFormatException", "DOCUMENT_UNREADABLE");
}

#[test]
fn resubmit_picture_too_large() {
    resubmit_refused_by_rekognition("resubmit-too-large", "ImageTooLargeException", "DOCUMENT_TOO_LARGE");
}

fn resubmit_refused_by_textract(name: &str, error: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        bench().local.control.add(&Fault::error("textract", "AnalyzeID", &case.id, error, 400))?;
        let seen = run(&case, &fields(), details(), 1).await?;
        went(&seen, 5, &REFUSED);
        refused(&seen, "resubmit", &[reason]);
        Ok(())
    });
}

#[test]
fn resubmit_unsupported_document() {
    resubmit_refused_by_textract("resubmit-unsupported", "UnsupportedDocumentException", "DOCUMENT_UNREADABLE");
}

#[test]
fn resubmit_bad_document() {
    resubmit_refused_by_textract("resubmit-bad", "BadDocumentException", "DOCUMENT_UNREADABLE");
}

#[test]
fn resubmit_document_too_large() {
    resubmit_refused_by_textract("resubmit-document-too-large", "DocumentTooLargeException", "DOCUMENT_TOO_LARGE");
}

#[test]
fn resubmit_nothing_could_be_read() {
    let case = case("resubmit-nothing-read");
    bench().run(async {
        let seen = run(&case, &[], details(), 1).await?;
        went(&seen, 5, &REFUSED);
        refused(&seen, "resubmit", &["DOCUMENT_UNREADABLE"]);
        Ok(())
    });
}

fn resubmit_field(name: &str, field: Field, reason: &str) {
    let case = case(name);
    bench().run(async {
        let seen = run(&case, &fields_but(field), details(), 1).await?;
        went(&seen, 9, &UNREAD);
        refused(&seen, "resubmit", &[reason]);
        Ok(())
    });
}

#[test]
fn resubmit_first_name_unreadable() {
    resubmit_field("resubmit-first-name", ("FIRST_NAME", "ADA", None, 49.9), "FIRST_NAME_UNREADABLE");
}

#[test]
fn resubmit_last_name_unreadable() {
    resubmit_field("resubmit-last-name", ("LAST_NAME", "SAMPLE", None, 89.9), "LAST_NAME_UNREADABLE");
}

#[test]
fn resubmit_birth_date_unreadable() {
    resubmit_field("resubmit-birth-date", ("DATE_OF_BIRTH", "", None, 0.0), "BIRTH_DATE_UNREADABLE");
}

#[test]
fn resubmit_number_unreadable() {
    resubmit_field(
        "resubmit-number",
        ("DOCUMENT_NUMBER", "E514-172-80-844-0", None, 49.9),
        "DOCUMENT_NUMBER_UNREADABLE",
    );
}

#[test]
fn resubmit_expiration_date_unreadable() {
    resubmit_field("resubmit-expiration-date", ("EXPIRATION_DATE", "", None, 0.0), "EXPIRATION_DATE_UNREADABLE");
}

#[test]
fn resubmit_expiration_date_read_twice() {
    let issued = ("EXPIRATION_DATE", "01/12/2020", Some("2020-01-12T00:00:00"), 96.0);
    resubmit_field("resubmit-read-twice", issued, "EXPIRATION_DATE_UNREADABLE");
}

#[test]
fn resubmit_issued_in_the_future() {
    let early = ("DATE_OF_ISSUE", "01/12/2090", Some("2090-01-12T00:00:00"), 96.0);
    resubmit_field("resubmit-issue-date", early, "ISSUE_DATE_UNREADABLE");
}

#[test]
fn resubmit_address_unreadable() {
    resubmit_field("resubmit-address", ("ADDRESS", "8123 MAIN STREET", None, 10.0), "ADDRESS_UNREADABLE");
}

#[test]
fn resubmit_zip_code_unreadable() {
    resubmit_field("resubmit-zip-code", ("ZIP_CODE_IN_ADDRESS", "32939", None, 53.0), "ADDRESS_UNREADABLE");
}

#[test]
fn resubmit_every_field_unreadable_at_once() {
    let case = case("resubmit-all-fields");
    bench().run(async {
        let doubtful: Vec<_> = fields().into_iter().map(|(name, text, date, _)| (name, text, date, 40.0)).collect();
        let seen = run(&case, &doubtful, details(), 1).await?;
        let reasons = [
            "FIRST_NAME_UNREADABLE",
            "LAST_NAME_UNREADABLE",
            "BIRTH_DATE_UNREADABLE",
            "DOCUMENT_NUMBER_UNREADABLE",
            "EXPIRATION_DATE_UNREADABLE",
            "ADDRESS_UNREADABLE",
        ];
        refused(&seen, "resubmit", &reasons);
        Ok(())
    });
}

/// Not passed because of a difference.
fn differs(
    outcome: &str,
    name: &str,
    fields: &[Field],
    details: Vec<(&'static str, AttributeValue)>,
    reasons: &[&str],
) {
    let case = case(&format!("{outcome}-{name}"));
    bench().run(async {
        let seen = run(&case, fields, details, 1).await?;
        went(&seen, 9, &DIFFERENT);
        refused(&seen, outcome, reasons);
        Ok(())
    });
}

#[test]
fn decline_another_first_name() {
    differs("decline", "first-name", &fields(), details_but("FIRST_NAME", "Barbara"), &["FIRST_NAME_MISMATCH"]);
}

#[test]
fn decline_another_last_name() {
    differs("decline", "last-name", &fields(), details_but("LAST_NAME", "Okafor"), &["LAST_NAME_MISMATCH"]);
}

#[test]
fn decline_another_birth_date() {
    differs("decline", "birth-date", &fields(), details_but("DATE_OF_BIRTH", "9/30/1971"), &["BIRTH_DATE_MISMATCH"]);
}

#[test]
fn decline_another_number() {
    differs("decline", "number", &fields(), details_but("DOCUMENT_NUMBER", "X1"), &["DOCUMENT_NUMBER_MISMATCH"]);
}

#[test]
fn refer_another_address() {
    differs("refer", "address", &fields(), details_but("ADDRESS", "77 Harbour Road"), &["ADDRESS_MISMATCH"]);
}

#[test]
fn refer_near_misses() {
    let near = [
        ("FIRST_NAME", "Adam"),
        ("LAST_NAME", "Exampel"),
        ("DATE_OF_BIRTH", "1/13/1957"),
        ("DOCUMENT_NUMBER", "E514172808441"),
    ];
    let reasons = ["FIRST_NAME_MISMATCH", "LAST_NAME_MISMATCH", "BIRTH_DATE_MISMATCH", "DOCUMENT_NUMBER_MISMATCH"];
    differs("refer", "near-misses", &fields(), details_with(&near), &reasons);
}

#[test]
fn refer_post_office_box() {
    let fields = fields_but(("ADDRESS", "PO BOX 8123", None, 94.0));
    let details = details_but("ADDRESS", "P.O. Box 8123");
    differs("refer", "post-office-box", &fields, details, &["ADDRESS_POST_OFFICE_BOX"]);
}

#[test]
fn decline_expired() {
    let expired = fields_but(("EXPIRATION_DATE", "01/13/2020", Some("2020-01-13T00:00:00"), 96.0));
    differs("decline", "expired", &expired, details(), &["DOCUMENT_EXPIRED"]);
}

#[test]
fn decline_under_age() {
    // Ages are counted from today: this child is one until 2033. Without a date of issue, it is not too young to have a licence.
    let young = fields_with(&[
        ("DATE_OF_BIRTH", "01/12/2015", Some("2015-01-12T00:00:00"), 97.0),
        ("DATE_OF_ISSUE", "", None, 99.0),
    ]);
    differs("decline", "under-age", &young, details_but("DATE_OF_BIRTH", "1/12/2015"), &["APPLICANT_UNDER_AGE"]);
}

#[test]
fn decline_with_every_reason_at_once() {
    let expired = fields_but(("EXPIRATION_DATE", "01/13/2020", Some("2020-01-13T00:00:00"), 96.0));
    let details = details_with(&[("LAST_NAME", "Okafor"), ("DOCUMENT_NUMBER", "X1")]);
    let reasons = ["LAST_NAME_MISMATCH", "DOCUMENT_NUMBER_MISMATCH", "DOCUMENT_EXPIRED"];
    differs("decline", "several", &expired, details, &reasons);
}

#[test]
fn failed_detection_denied() {
    let case = case("failed-detect");
    bench().run(async {
        case.rekognition_error("DetectFaces", "AccessDeniedException")?;
        let seen = case.run(json!({"document": case.picture("license"), "detailsExpected": true}), 0).await?;
        seen.failed(&["ReadInput", "DetectFaces"], "Rekognition.AccessDeniedException").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_extraction_denied() {
    let case = case("failed-extract");
    bench().run(async {
        bench().local.control.add(&Fault::error("textract", "AnalyzeID", &case.id, "AccessDeniedException", 400))?;
        let seen = run(&case, &fields(), details(), 0).await?;
        seen.failed(&UP_TO_MATCH[..4], "Bonafide.Internal").left_nothing(CHECK);
        Ok(())
    });
}

#[test]
fn failed_details_missing() {
    let case = case("failed-no-details");
    bench().run(async {
        let seen = run(&case, &fields(), Vec::new(), 0).await?;
        assert_eq!(seen.ended.path(), UP_TO_MATCH[..8]);
        assert_eq!(seen.ended.status, aws_sdk_sfn::types::ExecutionStatus::Failed);
        seen.left_nothing(CHECK);
        Ok(())
    });
}
