use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    operation::{get_item::GetItemOutput, query::QueryOutput, transact_write_items::TransactWriteItemsOutput},
    types::{CancellationReason, error::TransactionCanceledException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

use super::*;

const NOW: &str = "2026-11-28T09:30:00.000Z";
const SUBMISSION: &str = "0123456789abcde";

fn map(entries: &[(&str, AttributeValue)]) -> AttributeValue {
    AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn check(outcome: &str) -> AttributeValue {
    map(&[("outcome", text(outcome))])
}

fn latest(submission: &str, progress: &str) -> AttributeValue {
    map(&[("submissionId", text(submission)), ("progress", text(progress))])
}

fn rows(entries: &[(&str, AttributeValue)]) -> Row {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// A submission of this kind that has passed every check.
fn record(kind: &str) -> Row {
    let document = map(&[
        ("firstName", text("JANE")),
        ("lastName", text("DOE")),
        ("documentNumber", text("D123-456")),
        ("issuer", text("ARIZONA")),
    ]);
    rows(&[
        ("kind", text(kind)),
        ("attempt", AttributeValue::N("1".into())),
        ("status", text("IN_PROGRESS")),
        ("FIRST_NAME", text("Janie")),
        ("STATE_IN_ADDRESS", text("")),
        ("documentFields", document),
        ("selfie", map(&[("versionId", text("v1"))])),
        ("identityVerification", check("pass")),
        ("identityCompare", check("pass")),
        ("documentExtraction", check("pass")),
        ("thirdPartyCheck", check("pass")),
    ])
}

fn with(mut row: Row, name: &str, value: AttributeValue) -> Row {
    row.insert(name.to_owned(), value);
    row
}

fn package_row() -> Row {
    rows(&[("packageSubmission", latest(SUBMISSION, "IN_PROGRESS"))])
}

fn input(outcome: &str, reasons: &[&str], face: Option<&str>) -> Input {
    let input = json!({
        "applicationId": "8d247914", "submissionId": SUBMISSION, "outcome": outcome, "reasons": reasons,
        "faceId": face, "duplicateFaceId": null, "duplicateApplicationId": null, "reviews": [], "execution": "arn:execution", "definition": "d1",
        "thresholds": "SimilarityPass=90",
    });
    serde_json::from_value(input).expect("an input")
}

/// The conditions that cancel each try; the try after the last one succeeds.
type Cancellations = Vec<[bool; 4]>;

/// One item of a transaction: table, expression or nothing, condition, and all values by their attributes.
#[derive(Clone, Debug)]
struct Written {
    table: String,
    expression: String,
    condition: String,
    values: Row,
}

fn written(item: &TransactWriteItem) -> Written {
    let condition = |condition: Option<&str>| condition.unwrap_or_default().to_owned();
    if let Some(put) = item.put() {
        let (table, condition) = (put.table_name().to_owned(), condition(put.condition_expression()));
        return Written { table, expression: String::new(), condition, values: put.item().clone() };
    }
    let update = item.update().expect("put or update");
    let (names, values) = (update.expression_attribute_names().expect("names"), update.expression_attribute_values());
    let expression = update.update_expression();
    let set = expression.trim_start_matches("SET ").split(" REMOVE ").next().unwrap_or_default();
    let set = set.split(", ").map(|part| {
        let (path, value) = part.split_once(" = ").expect("an assignment");
        let path: Vec<_> = path.split('.').map(|name| names[name].clone()).collect();
        (path.join("."), values.expect("values")[value].clone())
    });
    Written {
        table: update.table_name().to_owned(),
        expression: expression.to_owned(),
        condition: condition(update.condition_expression()),
        values: set.collect(),
    }
}

async fn run(
    records: Vec<Row>,
    row: Row,
    input: Input,
    cancellations: Cancellations,
) -> (Result<Output, Error>, Vec<Vec<Written>>) {
    let records = Mutex::new(records.into_iter());
    let last = Mutex::new(Row::new());
    let read_submission = mock!(Client::get_item)
        .match_requests(|request| request.table_name() == Some("submissions"))
        .then_output(move || {
            let mut last = last.lock().expect("no panic");
            if let Some(next) = records.lock().expect("no panic").next() {
                *last = next;
            }
            GetItemOutput::builder().set_item(Some(last.clone())).build()
        });
    let read_application = mock!(Client::get_item)
        .match_requests(|request| request.table_name() == Some("applications"))
        .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
    let log = mock!(Client::query).then_output(|| {
        let resubmitted = |what: &str, reasons: &[ReasonCode]| {
            [("what", text(what)), ("outcome", text("resubmit")), ("reasons", codes(reasons))]
        };
        let concluded = |reasons: &[ReasonCode]| resubmitted("submissionConcluded", reasons);
        let both = [ReasonCode::LastNameUnreadable, ReasonCode::DocumentNumberUnreadable];
        let records: [&[_]; 6] = [
            &concluded(&[ReasonCode::LastNameUnreadable]),
            &concluded(&both),
            // The reviewer's decision behind the conclusion.
            &resubmitted("caseDecided", &both),
            &[("what", text("applicationReopened"))],
            &concluded(&[ReasonCode::BarcodeUnreadable]),
            &concluded(&[ReasonCode::BarcodeUnreadable]),
        ];
        let numbered = (1..=6).rev().zip(records).map(|(number, record): (u8, _)| {
            let number = ("number", AttributeValue::N(number.to_string()));
            rows(&[record, &[number]].concat())
        });
        QueryOutput::builder().set_items(Some(numbered.collect())).build()
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tries = Arc::new(Mutex::new(cancellations.into_iter()));
    let (seen_here, tries_here) = (Arc::clone(&seen), Arc::clone(&tries));
    let next = Arc::new(Mutex::new(None));
    let next_here = Arc::clone(&next);
    let cancelled: Rule = mock!(Client::transact_write_items)
        .match_requests(move |request| {
            seen_here.lock().expect("no panic").push(request.transact_items().iter().map(written).collect::<Vec<_>>());
            let cancellation = tries_here.lock().expect("no panic").next();
            *next_here.lock().expect("no panic") = cancellation;
            cancellation.is_some()
        })
        .then_error(move || {
            let flags = next.lock().expect("no panic").expect("a cancellation");
            let reasons = flags.map(|failed: bool| {
                CancellationReason::builder().code(if failed { "ConditionalCheckFailed" } else { "None" }).build()
            });
            let cancelled = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.into()));
            TransactWriteItemsError::TransactionCanceledException(cancelled.build())
        });
    let done = mock!(Client::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build());
    let client = mock_client!(
        aws_sdk_dynamodb,
        RuleMode::MatchAny,
        [&read_submission, &read_application, &log, &cancelled, &done]
    );
    let tables = Tables {
        applications: Applications::new(client.clone(), "applications".into()),
        submissions: Submissions::new(client.clone(), "submissions".into()),
        customers: "customers".into(),
        log: Log::new(client.clone(), "decisions".into()),
        client,
    };
    let result = handle(&tables, input, 5, NewIds { customer: Uuid::nil(), salt: Uuid::max() }, NOW).await;
    let seen = seen.lock().expect("no panic").clone();
    (result, seen)
}

fn of<'items>(items: &'items [Written], table: &str) -> &'items Written {
    items.iter().find(|item| item.table == table).unwrap_or_else(|| panic!("nothing in {table}"))
}

#[tokio::test]
async fn an_approval_writes_all_records_in_one_transaction() {
    let (output, written) =
        run(vec![record("package")], package_row(), input("pass", &[], Some("face")), Vec::new()).await;
    assert_eq!(output.expect("an outcome"), Output { outcome: Outcome::Approved, reasons: vec![], is_face_kept: true });
    let [items] = &written[..] else { panic!("one transaction") };
    assert_eq!(items.len(), 4);
    let customer = &of(items, "customers").values;
    // The name and the key come from the document.
    assert_eq!((&customer["PK"], &customer["firstName"]), (&text("US#AZ-D123456"), &text("JANE")));
    let application = &of(items, "applications").values;
    for (name, value) in [
        ("status", text("DECIDED")),
        ("outcome", text("approved")),
        ("faceId", text("face")),
        ("packageSubmission.progress", text("approved")),
        ("FIRST_NAME", text("Janie")),
        ("LICENSE_VALIDATION", AttributeValue::Bool(true)),
        ("customerId", text(&Uuid::nil().to_string())),
    ] {
        assert_eq!(application.get(name), Some(&value), "{name}");
    }
    let decision = &of(items, "decisions").values;
    assert_eq!(decision["number"], AttributeValue::N("7".into()));
    assert_eq!(
        (&decision["definition"], &decision["thresholdsDigest"]),
        (&text("d1"), &text(&Thresholds::with("SimilarityPass=90").expect("thresholds").digest()))
    );
    let thresholds = decision["thresholds"].as_m().expect("a map");
    assert_eq!(thresholds["SimilarityPass"], AttributeValue::N("90".into()));
    assert!(!decision.contains_key("documentFields") && !decision.contains_key("FIRST_NAME"));
    assert_eq!(of(items, "submissions").values["status"], text("DECIDED"));
}

#[tokio::test]
async fn the_consent_enters_the_decision() {
    let consent = map(&[("version", text("biometric-2026-03-en")), ("at", text("2026-11-28T09:28:00.000Z"))]);
    let agreed = with(record("package"), "consent", consent.clone());
    for (record, expected) in [(agreed, Some(&consent)), (record("package"), None)] {
        let (output, written) = run(vec![record], package_row(), input("pass", &[], None), Vec::new()).await;
        assert_eq!(output.expect("an outcome").outcome, Outcome::Approved);
        assert_eq!(of(&written[0], "decisions").values.get("consent"), expected);
    }
}

#[tokio::test]
async fn a_refusal_removes_the_data_of_an_earlier_attempt() {
    let mut record = with(record("package"), "thirdPartyCheck", check("decline"));
    record.remove("documentFields");
    let (output, written) =
        run(vec![record], package_row(), input("decline", &["LICENSE_UNKNOWN"], None), Vec::new()).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Declined);
    let application = of(&written[0], "applications");
    assert_eq!(application.values["LICENSE_VALIDATION"], AttributeValue::Bool(false));
    let removed = application.expression.split(" REMOVE ").nth(1).expect("removals");
    for name in ["documentBack", "documentFields", "failure"] {
        assert!(removed.contains(&format!("#{name}")), "{name} stays: {removed}");
    }
    assert_eq!(written[0].len(), 3, "a customer");
}

#[tokio::test]
async fn a_document_makes_only_one_customer() {
    let taken = vec![[false, false, false, true]];
    let (output, written) = run(vec![record("package")], package_row(), input("pass", &[], Some("face")), taken).await;
    let expected = Output {
        outcome: Outcome::Declined,
        reasons: vec![ReasonCode::CustomerAlreadyRegistered],
        is_face_kept: false,
    };
    assert_eq!(output.expect("an outcome"), expected);
    assert_eq!((written.len(), written[1].len()), (2, 3));
}

#[tokio::test]
async fn without_an_issuer_the_submission_is_referred() {
    let document = map(&[("documentNumber", text("D123-456"))]);
    let record = with(record("package"), "documentFields", document);
    let (output, written) = run(vec![record], package_row(), input("pass", &[], Some("face")), Vec::new()).await;
    let expected =
        Output { outcome: Outcome::Referred, reasons: vec![ReasonCode::DocumentIssuerUnreadable], is_face_kept: false };
    assert_eq!(output.expect("an outcome"), expected);
    assert_eq!(of(&written[0], "applications").values["status"], text("IN_REVIEW"));
}

#[tokio::test]
async fn a_second_try_returns_the_recorded_outcome() {
    let ended = with(record("package"), "status", text("DECIDED"));
    let ended = with(with(ended, "outcome", text("approved")), "faceId", text("face"));
    let (output, written) = run(vec![ended.clone()], Row::new(), input("pass", &[], Some("face")), Vec::new()).await;
    assert_eq!(output.expect("an outcome"), Output { outcome: Outcome::Approved, reasons: vec![], is_face_kept: true });
    assert!(written.is_empty());
    // Another try concludes it between reading and writing.
    let raced = vec![[true, true, false, false]];
    let (output, _) = run(vec![record("package"), ended], package_row(), input("pass", &[], Some("face")), raced).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Approved);
}

#[tokio::test]
async fn a_face_deleted_by_the_sweep_approves_no_application() {
    let swept = || with(record("package"), "faceSweptAt", text(NOW));
    let is_refused = |output: Result<Output, Error>| {
        let failure = output.expect_err("an error");
        matches!(failure, Error::FaceSwept) && failure.name() == ErrorName::Internal
    };
    let (output, written) = run(vec![swept()], package_row(), input("pass", &[], Some("face")), Vec::new()).await;
    assert!(is_refused(output) && written.is_empty());
    // The sweep deletes it between reading and writing.
    let raced = vec![[true, false, false, false]];
    let records = vec![record("package"), swept()];
    let (output, written) = run(records, package_row(), input("pass", &[], Some("face")), raced).await;
    assert!(is_refused(output) && written.len() == 1);
    assert!(of(&written[0], "submissions").condition.contains("attribute_not_exists(faceSweptAt)"));
    // A submission without a face is concluded.
    let (output, written) = run(vec![swept()], package_row(), input("decline", &[], None), Vec::new()).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Declined);
    assert_eq!(of(&written[0], "submissions").condition, "#status IN (:inProgress, :inReview, :failed)");
}

#[tokio::test]
async fn nothing_is_concluded_when_a_newer_submission_exists() {
    let newer = vec![[false, true, false, false]];
    let (output, _) = run(vec![record("package")], package_row(), input("pass", &[], Some("face")), newer).await;
    let failure = output.expect_err("an error");
    assert!(matches!(failure, Error::Replaced) && failure.name() == ErrorName::Internal);
}

#[tokio::test]
async fn a_used_decision_number_is_read_again() {
    let taken = vec![[false, false, true, false]; 2];
    let (output, written) = run(vec![record("package")], package_row(), input("pass", &[], None), taken).await;
    assert_eq!((output.expect("an outcome").outcome, written.len()), (Outcome::Approved, 3));
    let (output, _) =
        run(vec![record("package")], package_row(), input("pass", &[], None), vec![[false, false, true, false]; 5])
            .await;
    assert_eq!(output.expect_err("an error").name(), ErrorName::Transient);
}

#[tokio::test]
async fn a_duplicate_is_recorded_with_its_application_whichever_search_has_found_it() {
    let recorded = with(record("package"), "duplicateFaceId", text("first"));
    let recorded = with(recorded, "duplicateApplicationId", text("first-application"));
    let later = Input {
        duplicate_face_id: Some("second".into()),
        duplicate_application_id: Some("second-application".into()),
        ..input("refer", &["FACE_DUPLICATE_CONCURRENT"], Some("face"))
    };
    let ownerless = Input { duplicate_application_id: None, ..later.clone() };
    for (input, face, application) in [
        (input("decline", &["FACE_DUPLICATE"], None), "first", Some("first-application")),
        (later, "second", Some("second-application")),
        (ownerless, "second", None),
    ] {
        let (output, written) = run(vec![recorded.clone()], package_row(), input, Vec::new()).await;
        output.expect("an end");
        let values = &of(&written[0], "applications").values;
        assert_eq!(values["duplicateFaceId"], text(face));
        assert_eq!(values.get("duplicateApplicationId"), application.map(text).as_ref());
    }
}

#[tokio::test]
async fn the_last_attempt_is_referred() {
    let record = with(record("package"), "attempt", AttributeValue::N("5".into()));
    let (output, _) = run(vec![record], package_row(), input("resubmit", &["SELFIE_TOO_DARK"], None), Vec::new()).await;
    let output = output.expect("an outcome");
    assert_eq!((output.outcome, output.reasons.last()), (Outcome::Referred, Some(&ReasonCode::AttemptsExhausted)));
}

#[tokio::test]
async fn the_third_same_defect_since_the_application_was_opened_is_referred() {
    for (input, outcome) in [
        (input("resubmit", &["LAST_NAME_UNREADABLE"], None), Outcome::Referred),
        (input("resubmit", &["DOCUMENT_NUMBER_UNREADABLE"], None), Outcome::Resubmit),
        (input("resubmit", &["BARCODE_UNREADABLE"], None), Outcome::Resubmit),
        (reviewed("resubmit", &["LAST_NAME_UNREADABLE"], "resubmit", &["sub-of-ann"]), Outcome::Resubmit),
    ] {
        let reasons = input.reasons.clone();
        let (output, _) = run(vec![record("package")], package_row(), input, Vec::new()).await;
        assert_eq!(output.expect("an outcome").outcome, outcome, "{reasons:?}");
    }
}

#[tokio::test]
async fn a_later_declined_picture_changes_nothing() {
    let approved = map(&[("versionId", text("approved"))]);
    let row = rows(&[
        ("selfieSubmission", latest(SUBMISSION, "IN_PROGRESS")),
        ("faceId", text("kept")),
        ("selfie", approved.clone()),
    ]);
    let record = with(record("selfie"), "identityVerification", check("decline"));
    let (output, written) = run(vec![record], row, input("decline", &["FACE_CHANGED"], None), Vec::new()).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Declined);
    let application = &of(&written[0], "applications").values;
    let mut changed: Vec<_> = application.keys().map(String::as_str).collect();
    changed.sort_unstable();
    assert_eq!(changed, ["selfieSubmission.evidence", "selfieSubmission.progress", "status", "updatedAt"]);
    assert_eq!(application["selfieSubmission.evidence"], approved);
    // It accepts further pictures, as before.
    assert_eq!(application["selfieSubmission.progress"], text("approved"));
    assert_eq!(application["status"], text("OPEN"));
}

#[tokio::test]
async fn single_pictures_make_a_customer_with_a_face_and_an_approved_document() {
    let selfie = |document: &str| {
        rows(&[
            ("selfieSubmission", latest(SUBMISSION, "IN_PROGRESS")),
            ("documentSubmission", latest("fedcba987654321", document)),
        ])
    };
    let document = rows(&[("documentSubmission", latest(SUBMISSION, "IN_PROGRESS"))]);
    let with_face = with(document.clone(), "faceId", text("kept"));
    let (approved, declined) = (input("pass", &[], Some("face")), input("decline", &["DOCUMENT_EXPIRED"], None));
    for (kind, row, input, expected) in [
        ("selfie", selfie("approved"), approved.clone(), None),
        // The document is judged later, or has failed.
        ("selfie", selfie("IN_PROGRESS"), approved.clone(), Some("unfinished")),
        ("selfie", selfie("declined"), approved, Some("unfinished")),
        ("document", with_face.clone(), input_without_face(), None),
        ("document", document, input_without_face(), Some("unfinished")),
        ("document", with_face, declined, Some("declined")),
    ] {
        let row = with(row, "retention", text("unfinished"));
        let (output, written) = run(vec![record(kind)], row, input, Vec::new()).await;
        output.expect("an outcome");
        let application = of(&written[0], "applications");
        let expected = expected.map(text);
        assert_eq!(application.values.get("retention"), expected.as_ref(), "{kind}: {application:?}");
        assert_eq!(application.values.get("retentionFrom"), expected.map(|_| text(NOW)).as_ref(), "{kind}");
    }
}

#[tokio::test]
async fn a_later_document_of_a_customer_changes_no_retention() {
    for retention in [None, Some("customer")] {
        for outcome in [input_without_face(), input("decline", &["DOCUMENT_EXPIRED"], None)] {
            let is_approved = outcome.outcome == CheckOutcome::Pass;
            let mut row = rows(&[("documentSubmission", latest(SUBMISSION, "IN_PROGRESS")), ("faceId", text("kept"))]);
            row.extend(retention.map(|retention| ("retention".to_owned(), text(retention))));
            let (output, written) = run(vec![record("document")], row, outcome, Vec::new()).await;
            output.expect("an outcome");
            let application = of(&written[0], "applications");
            assert!(!application.expression.contains("retention"), "{application:?}");
            assert_eq!(application.values.contains_key("documentFields"), is_approved, "{application:?}");
        }
    }
}

/// A document that has passed every check.
fn input_without_face() -> Input {
    input("pass", &[], None)
}

/// An input with the decision of reviewers.
fn reviewed(outcome: &str, reasons: &[&str], decision: &str, reviewers: &[&str]) -> Input {
    let review = json!({
        "caseId": format!("{SUBMISSION}-1"), "doubts": ["FACE_MATCH_UNSURE"], "decision": decision, "reasons": reasons,
        "reviewers": reviewers,
    });
    Input {
        reviews: vec![serde_json::from_value(review).expect("a review")],
        ..input(outcome, reasons, (outcome == "pass").then_some("face"))
    }
}

fn in_doubt() -> Row {
    with(with(record("package"), "status", text("IN_REVIEW")), "identityCompare", check("refer"))
}

#[tokio::test]
async fn a_decision_names_the_reviewers_and_their_reasons() {
    let input = reviewed("decline", &["FACE_MISMATCH"], "decline", &["sub-of-ann"]);
    let (output, written) = run(vec![in_doubt()], package_row(), input, Vec::new()).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Declined);
    let codes = |code: &str| AttributeValue::L(vec![text(code)]);
    let review = map(&[
        ("caseId", text("0123456789abcde-1")),
        ("doubts", codes("FACE_MATCH_UNSURE")),
        ("decision", text("decline")),
        ("reasons", codes("FACE_MISMATCH")),
        ("reviewers", codes("sub-of-ann")),
    ]);
    assert_eq!(of(&written[0], "decisions").values["reviews"], AttributeValue::L(vec![review]));
    assert!(of(&written[0], "submissions").condition.starts_with("#status IN (:inProgress, :inReview, :failed)"));
}

#[tokio::test]
async fn a_doubt_counts_as_passed_after_an_approval_only() {
    for (outcome, decision, reviewers, expected) in [
        ("pass", "approve", &["ann", "bob"][..], Some(AttributeValue::Bool(true))),
        ("decline", "decline", &["ann"], None),
        ("resubmit", "resubmit", &["ann"], None),
        ("refer", "expired", &[], None),
    ] {
        let reasons = match outcome {
            "pass" => &[][..],
            "resubmit" => &["SELFIE_TOO_DARK"],
            _ => &["FACE_MISMATCH"],
        };
        let input = reviewed(outcome, reasons, decision, reviewers);
        let (output, written) = run(vec![in_doubt()], package_row(), input, Vec::new()).await;
        output.expect("an outcome");
        let application = &of(&written[0], "applications").values;
        assert_eq!(application.get("LICENSE_SELFIE_MATCH"), expected.as_ref(), "{decision}");
        // What the check itself has found stays in the record.
        assert_eq!(application["identityCompare"], check("refer"));
    }
}

#[tokio::test]
async fn a_decline_that_reviewers_have_overruled_counts_as_passed() {
    let appealed = || with(with(record("package"), "status", text("IN_REVIEW")), "identityCompare", check("decline"));
    for (outcome, decision, expected) in [("pass", "approve", true), ("decline", "decline", false)] {
        let reasons = if outcome == "pass" { &[][..] } else { &["FACE_MISMATCH"] };
        let input = reviewed(outcome, reasons, decision, &["ann", "bob"]);
        let (output, written) = run(vec![appealed()], package_row(), input, Vec::new()).await;
        output.expect("an outcome");
        let application = &of(&written[0], "applications").values;
        assert_eq!(application["LICENSE_SELFIE_MATCH"], AttributeValue::Bool(expected), "{decision}");
        assert_eq!(application["identityCompare"], check("decline"));
    }
}

#[tokio::test]
async fn an_application_stays_in_review_while_its_other_picture_is() {
    let row = rows(&[
        ("documentSubmission", latest(SUBMISSION, "IN_PROGRESS")),
        ("selfieSubmission", latest("fedcba987654321", "IN_REVIEW")),
    ]);
    let (output, written) = run(vec![record("document")], row, input("pass", &[], None), Vec::new()).await;
    assert_eq!(output.expect("an outcome").outcome, Outcome::Approved);
    assert_eq!(of(&written[0], "applications").values["status"], text("IN_REVIEW"));
}

#[tokio::test]
async fn a_document_approves_the_waiting_selfie() {
    let row = rows(&[
        ("documentSubmission", latest(SUBMISSION, "IN_PROGRESS")),
        ("selfieSubmission", latest("fedcba987654321", "resubmit")),
    ]);
    let (output, written) = run(vec![record("document")], row, input("pass", &[], Some("face")), Vec::new()).await;
    assert!(output.expect("an outcome").is_face_kept);
    let application = &of(&written[0], "applications").values;
    assert_eq!(application["selfieSubmission.progress"], text("approved"));
    assert_eq!((&application["faceId"], application.get("outcome")), (&text("face"), None));
    assert_eq!(application["LICENSE_SELFIE_MATCH"], AttributeValue::Bool(true));
    assert!(!application.contains_key("LICENSE_DETAILS_MATCH"), "there were no details");
}
