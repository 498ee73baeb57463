use aws_sdk_dynamodb::{
    Client,
    operation::{
        get_item::GetItemOutput,
        put_item::PutItemOutput,
        query::QueryOutput,
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput},
    },
    types::{AttributeValue, CancellationReason, error::TransactionCanceledException},
};
use aws_sdk_s3::{operation::list_object_versions::ListObjectVersionsOutput, types::ObjectVersion};
use aws_sdk_sfn::{
    error::ErrorMetadata,
    operation::{
        describe_execution::{DescribeExecutionError, DescribeExecutionOutput},
        redrive_execution::{RedriveExecutionError, RedriveExecutionOutput},
        start_execution::{StartExecutionError, StartExecutionOutput},
    },
    primitives::DateTime,
    types::{
        ExecutionRedriveStatus, ExecutionStatus,
        error::{ExecutionAlreadyExists, ExecutionDoesNotExist, ExecutionNotRedrivable},
    },
};
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_domain::{
    ObjectRef, SubmissionId,
    face_api::{Refusal, Route},
};
use bonafide_erasure::{Objects, Records, Table};
use bonafide_records::TRIES;
use bonafide_worker::{Api, Row, TaskError as _, text};
use serde_json::{Value, json};

use super::*;

const MACHINE: &str = "arn:aws:states:eu-north-1:1:stateMachine:bonafide-dev-onboarding";
const ERASURE: &str = "arn:aws:states:eu-north-1:1:stateMachine:bonafide-dev-erasure";
const EXECUTION: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:8d247914-0123456789abcde";

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Null => AttributeValue::Null(true),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(_) => AttributeValue::M(row(value)),
    }
}

fn row(value: &Value) -> Row {
    let entries = value.as_object().expect("an object").iter();
    entries.map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn reads(table: &'static str, item: Value) -> Rule {
    mock!(Client::get_item)
        .match_requests(move |request| request.table_name() == Some(table))
        .then_output(move || GetItemOutput::builder().set_item(Some(row(&item))).build())
}

/// An application of packages whose latest submission has this progress.
fn application(status: &str, outcome: Option<&str>, progress: &str) -> Value {
    let latest = json!({"submissionId": "0123456789abcde", "attempt": 2, "progress": progress});
    let mut row = json!({
        "applicationId": "8d247914", "kind": "package", "status": status, "packageSubmission": latest,
        "retention": "declined", "retentionFrom": "2026-11-20T10:00:00.000Z",
    });
    if let Some(outcome) = outcome {
        row["outcome"] = json!(outcome);
    }
    row
}

fn declined() -> Value {
    application("DECIDED", Some("declined"), "declined")
}

fn submission() -> Value {
    json!({
        "kind": "package", "executionArn": EXECUTION,
        "upload": {"bucket": "evidence", "key": "zipped/8d247914.zip", "versionId": "v1"},
    })
}

/// The log of decisions has 7 records.
fn log() -> Rule {
    mock!(Client::query).then_output(|| QueryOutput::builder().items(row(&json!({"number": 7}))).build())
}

fn writes(expected: impl Fn(&TransactWriteItemsInput) -> bool + Send + Sync + 'static) -> Rule {
    mock!(Client::transact_write_items)
        .match_requests(expected)
        .then_output(|| TransactWriteItemsOutput::builder().build())
}

fn cancelled() -> TransactWriteItemsError {
    let reason = CancellationReason::builder().code("ConditionalCheckFailed").build();
    let cancelled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
    TransactWriteItemsError::TransactionCanceledException(cancelled)
}

fn request(route: &str, parameters: &Value, body: &Value) -> ApiRequest {
    let claims = json!({"sub": "sub-of-ann", "username": "ann", "client_id": "desk", "token_use": "access"});
    let event = json!({
        "resource": route,
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", "Idempotency-Key": "key"},
        "pathParameters": parameters,
        "body": body.to_string(),
        "requestContext": {"authorizer": {"claims": claims}},
    });
    ApiRequest::read(event, &Api::new("")).expect("a request")
}

fn reopen(reason: &str) -> ApiRequest {
    let route = "/applications/{applicationId}/reopen";
    request(route, &json!({"applicationId": "8d247914"}), &json!({"reason": reason}))
}

fn appeal(reason: &str) -> ApiRequest {
    let route = "/applications/{applicationId}/appeal";
    request(route, &json!({"applicationId": "8d247914"}), &json!({"reason": reason}))
}

/// What identifies a request, as it is kept.
fn kept(request: &ApiRequest, route: Route, reason: &str) -> Value {
    let identified = bonafide_review::Identified::of(request, route, &["8d247914", reason]).expect("a key");
    let AttributeValue::M(kept) = identified.kept() else { panic!("not a map") };
    kept.iter().map(|(name, value)| (name.clone(), json!(value.as_s().expect("a text")))).collect()
}

fn replay(execution: &str, body: &Value) -> ApiRequest {
    request("/executions/{execution}/replay", &json!({"execution": execution}), body)
}

fn named() -> &'static str {
    "bonafide-dev-onboarding~8d247914-0123456789abcde"
}

async fn served(rules: &[&Rule], executions: &[&Rule], queue: &[&Rule], request: ApiRequest) -> Result<Value, Error> {
    served_where(false, rules, executions, queue, request).await
}

/// Where a stage requires consent, or does not.
async fn served_where(
    is_consent_required: bool,
    rules: &[&Rule],
    executions: &[&Rule],
    queue: &[&Rule],
    request: ApiRequest,
) -> Result<Value, Error> {
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    let objects = mock!(aws_sdk_s3::Client::list_object_versions).then_output(|| {
        let version = ObjectVersion::builder().key("zipped/8d247914.zip").version_id("v1").build();
        ListObjectVersionsOutput::builder().versions(version).build()
    });
    let operator = Operator {
        applications: Applications::new(dynamodb.clone(), "applications".into()),
        submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
        submission_records: Records::new(dynamodb.clone(), Table::Submissions, "submissions".into()),
        case_records: Records::new(dynamodb.clone(), Table::Cases, "cases".into()),
        customers: Records::new(dynamodb.clone(), Table::Customers, "customers".into()),
        objects: Objects::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&objects]), "evidence".into()),
        log: Log::new(dynamodb.clone(), "decisions".into()),
        dynamodb,
        step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, executions),
        machine: MACHINE.into(),
        erasure: ERASURE.into(),
        sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, queue),
        uploads: "https://uploads".into(),
        customer_days: 365,
        is_consent_required,
        client_id: "desk".into(),
    };
    handle(&operator, request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
}

/// The code of a refusal.
fn code(result: Result<Value, Error>) -> String {
    match result {
        Err(Error::Refused(refusal)) => Refusal::code(&refusal).to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn reopens_under_the_conditions_of_the_judgement() {
    let write = writes(|request| {
        let [update, put] = request.transact_items() else { return false };
        let (update, record) = (update.update().expect("an update"), put.put().expect("a record").item());
        let (values, names) =
            (update.expression_attribute_values().expect("values"), update.expression_attribute_names());
        let names = names.expect("names");
        let expected = "#seen0 = :seen0 AND #seen1 = :seen1 AND #seen2 = :seen2 AND attribute_not_exists(#seen3) AND attribute_not_exists(#seen4) AND attribute_not_exists(#seen5) AND attribute_not_exists(#seen6) AND #seen7 = :seen7 AND attribute_not_exists(#seen8)";
        update.condition_expression() == Some(expected)
            && (names["#seen0"].as_str(), &values[":seen0"]) == ("status", &text("DECIDED"))
            && (names["#seen1"].as_str(), &values[":seen1"]) == ("outcome", &text("declined"))
            && update
                .update_expression()
                .ends_with("REMOVE kind, outcome, reasons, decidedAt, failure, statusBeforeFailure, packageSubmission, selfieSubmission, documentSubmission")
            && (&values[":status"], &values[":reopenedBy"]) == (&text("OPEN"), &text("sub-of-ann"))
            && (&values[":reopenedByName"], &values[":reopenReason"]) == (&text("ann"), &text("A twin of Jane."))
            && (&record["what"], &record["who"]) == (&text("applicationReopened"), &text("sub-of-ann"))
            && record["number"] == AttributeValue::N("8".into())
            && record["reasonDigest"].as_s().is_ok_and(|digest| digest.len() == 64)
            && !format!("{record:?}").contains("Jane")
    });
    let rules = [&reads("applications", declined()), &log(), &write];
    let answer = served(&rules, &[], &[], reopen("A twin of Jane.")).await.expect("reopened");
    assert_eq!(answer, json!({"success": true, "applicationId": "8d247914"}));
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn a_lost_answer_reopens_once() {
    let mut open = json!({
        "applicationId": "8d247914", "status": "OPEN",
        "retention": "unfinished", "retentionFrom": "2026-11-20T10:00:00.000Z",
    });
    open["lastRequest"] = kept(&reopen("A twin."), Route::ReopenApplication, "A twin.");
    let rules = [&reads("applications", open.clone()), &log()];
    served(&rules, &[], &[], reopen("A twin.")).await.expect("the same answer");
    assert_eq!(code(served(&rules, &[], &[], reopen("Another reason.")).await), "IDEMPOTENCY_KEY_REUSED");
    open["lastRequest"]["id"] = json!("of another request");
    let rules = [&reads("applications", open), &log()];
    assert_eq!(code(served(&rules, &[], &[], reopen("A twin.")).await), "APPLICATION_OPEN");
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    for (row, expected) in [
        (application("IN_PROGRESS", None, "IN_PROGRESS"), "APPLICATION_IN_PROGRESS"),
        (application("DECIDED", Some("approved"), "approved"), "APPLICATION_APPROVED"),
        (application("FAILED", Some("declined"), "declined"), "APPLICATION_FAILED"),
        (application("IN_REVIEW", None, "IN_REVIEW"), "APPLICATION_IN_REVIEW"),
        (
            json!({"applicationId": "8d247914", "status": "DECIDED", "outcome": "declined"}),
            "APPLICATION_WITHOUT_UPLOAD",
        ),
    ] {
        let rules = [&reads("applications", row), &log()];
        assert_eq!(code(served(&rules, &[], &[], reopen("A twin.")).await), expected);
    }
    let nothing = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    assert_eq!(code(served(&[&nothing, &log()], &[], &[], reopen("A twin.")).await), "APPLICATION_NOT_FOUND");
    for reason in ["", " ", &"x".repeat(2001)] {
        assert_eq!(code(served(&[], &[], &[], reopen(reason)).await), "REQUEST_INVALID");
    }
    // Another version of the system may know more.
    let unknown = application("DECIDED", Some("pondered"), "declined");
    let result = served(&[&reads("applications", unknown), &log()], &[], &[], reopen("A twin.")).await;
    assert!(matches!(result, Err(Error::Incomplete("outcome"))), "{result:?}");
}

#[tokio::test]
async fn a_writer_that_loses_reads_again_and_gives_up_in_the_end() {
    let lost = mock!(Client::transact_write_items).then_error(cancelled);
    let rules = [&reads("applications", declined()), &log(), &lost];
    let error = served(&rules, &[], &[], reopen("A twin.")).await.expect_err("contended");
    assert_eq!((lost.num_calls(), error.name()), (TRIES, bonafide_worker::ErrorName::Transient));
}

fn described(status: ExecutionStatus, redrive: Option<ExecutionRedriveStatus>) -> Rule {
    mock!(aws_sdk_sfn::Client::describe_execution)
        .match_requests(|request| request.execution_arn() == Some(EXECUTION))
        .then_output(move || {
            DescribeExecutionOutput::builder()
                .execution_arn(EXECUTION)
                .state_machine_arn(MACHINE)
                .status(status.clone())
                .set_redrive_status(redrive.clone())
                .redrive_status_reason("Execution is too old")
                .input(json!({"applicationId": "8d247914", "submissionId": "0123456789abcde"}).to_string())
                .start_date(DateTime::from_secs(1))
                .build()
                .expect("an execution")
        })
}

fn unknown() -> Rule {
    mock!(aws_sdk_sfn::Client::describe_execution).then_error(|| {
        let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
        DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
    })
}

fn redriven() -> Rule {
    mock!(aws_sdk_sfn::Client::redrive_execution)
        .match_requests(|request| request.execution_arn() == Some(EXECUTION))
        .then_output(|| RedriveExecutionOutput::builder().redrive_date(DateTime::from_secs(2)).build().expect("a date"))
}

/// The event of the upload, which names the failed execution.
fn sent() -> Rule {
    mock!(aws_sdk_sqs::Client::send_message)
        .match_requests(|request| {
            let body: Value = serde_json::from_str(request.message_body().unwrap_or_default()).expect("json");
            let record = &body["Records"][0];
            request.queue_url() == Some("https://uploads")
                && record["replayOf"] == EXECUTION
                && record["s3"]["object"] == json!({"key": "zipped/8d247914.zip", "versionId": "v1"})
        })
        .then_output(|| SendMessageOutput::builder().build())
}

/// The log gets a record of the replay with the person.
fn recorded() -> Rule {
    mock!(Client::put_item)
        .match_requests(|request| {
            let record = request.item().expect("a record");
            (&record["what"], &record["who"]) == (&text("executionReplayed"), &text("sub-of-ann"))
                && (&record["execution"], &record["submissionId"]) == (&text(EXECUTION), &text("0123456789abcde"))
        })
        .then_output(|| PutItemOutput::builder().build())
}

fn failed() -> Value {
    application("FAILED", None, "FAILED")
}

#[tokio::test]
async fn a_failed_execution_is_resumed_and_the_person_recorded() {
    let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
    let (redrive, record) = (redriven(), recorded());
    let rules = [&reads("applications", failed()), &reads("submissions", submission()), &log(), &record];
    let plan =
        served(&rules, &[&describe, &redrive], &[], replay(named(), &json!({"dryRun": true}))).await.expect("a plan");
    assert_eq!((&plan["action"], &plan["dryRun"]), (&json!("redrive"), &json!(true)));
    assert_eq!((redrive.num_calls(), record.num_calls()), (0, 0));
    let done =
        served(&rules, &[&describe, &redrive], &[], replay(named(), &json!({"dryRun": false}))).await.expect("done");
    assert_eq!((&done["action"], &done["execution"]), (&json!("redrive"), &json!(named())));
    assert_eq!((redrive.num_calls(), record.num_calls()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_resumed_is_judged_again() {
    for (describe, body) in [
        (described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::NotRedrivable)), json!({"dryRun": false})),
        (
            described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable)),
            json!({"dryRun": false, "fresh": true}),
        ),
        // The name of the execution has both ids.
        (unknown(), json!({"dryRun": false})),
    ] {
        let (send, record) = (sent(), recorded());
        let rules = [&reads("applications", failed()), &reads("submissions", submission()), &log(), &record];
        let done = served(&rules, &[&describe], &[&send], replay(named(), &body)).await.expect("done");
        let upload =
            ObjectRef { bucket: "evidence".into(), key: "zipped/8d247914.zip".into(), version_id: "v1".into() };
        let new = SubmissionId::of_replay(&upload, EXECUTION);
        assert_eq!((&done["action"], &done["newSubmissionId"]), (&json!("fresh"), &json!(new)));
        assert_eq!((send.num_calls(), record.num_calls()), (1, 1));
    }
}

#[tokio::test]
async fn there_is_nothing_to_do_or_it_is_impossible() {
    let redrivable = || Some(ExecutionRedriveStatus::Redrivable);
    let mut replaced = failed();
    replaced["packageSubmission"]["submissionId"] = json!("fffffffffffffff");
    for (describe, application, action) in [
        (described(ExecutionStatus::Running, None), failed(), "nothing"),
        (described(ExecutionStatus::PendingRedrive, None), failed(), "nothing"),
        (described(ExecutionStatus::Succeeded, None), failed(), "nothing"),
        (described(ExecutionStatus::Failed, redrivable()), replaced, "impossible"),
        (described(ExecutionStatus::Failed, None), application("FAILED", Some("approved"), "approved"), "impossible"),
    ] {
        let rules = [&reads("applications", application), &reads("submissions", submission()), &log()];
        let answer =
            served(&rules, &[&describe], &[], replay(named(), &json!({"dryRun": false}))).await.expect("an answer");
        assert_eq!(answer["action"], action);
        assert!(answer["why"].as_str().is_some_and(|why| !why.is_empty()), "{answer}");
    }
}

#[tokio::test]
async fn only_executions_of_onboarding_in_this_stage_are_found() {
    for execution in [
        "bonafide-prod-onboarding~8d247914-0123456789abcde",
        "bonafide-dev-identity-compare~a-1",
        "bonafide-dev-onboarding~",
        "x",
    ] {
        let result = served(&[], &[], &[], replay(execution, &json!({"dryRun": true}))).await;
        assert_eq!(code(result), "EXECUTION_NOT_FOUND", "{execution}");
    }
    let mut other = submission();
    other["executionArn"] = json!("another");
    for submission in [other, json!({})] {
        let rules = [&reads("submissions", submission), &log()];
        let result = served(&rules, &[&unknown()], &[], replay(named(), &json!({"dryRun": true}))).await;
        assert_eq!(code(result), "EXECUTION_NOT_FOUND");
    }
    let result = served(&[], &[], &[], replay(named(), &json!({"dryRun": "no"}))).await;
    assert_eq!(code(result), "REQUEST_INVALID");
}

#[tokio::test]
async fn an_execution_that_another_person_resumes_at_once_is_described_again() {
    let describe = mock!(aws_sdk_sfn::Client::describe_execution).sequence();
    let output = |status: ExecutionStatus| {
        move || {
            DescribeExecutionOutput::builder()
                .execution_arn(EXECUTION)
                .state_machine_arn(MACHINE)
                .status(status.clone())
                .redrive_status(ExecutionRedriveStatus::Redrivable)
                .start_date(DateTime::from_secs(1))
                .build()
                .expect("an execution")
        }
    };
    let describe = describe.output(output(ExecutionStatus::Failed)).output(output(ExecutionStatus::Running)).build();
    let redrive = mock!(aws_sdk_sfn::Client::redrive_execution).then_error(|| {
        let meta = ErrorMetadata::builder().code("ExecutionNotRedrivable").build();
        RedriveExecutionError::ExecutionNotRedrivable(ExecutionNotRedrivable::builder().meta(meta).build())
    });
    let record = recorded();
    let rules = [&reads("applications", failed()), &reads("submissions", submission()), &log(), &record];
    let answer = served(&rules, &[&describe, &redrive], &[], replay(named(), &json!({"dryRun": false}))).await;
    assert_eq!(answer.expect("an answer")["action"], "nothing");
    assert_eq!((describe.num_calls(), redrive.num_calls()), (2, 1));
}

/// The record of the declined submission.
fn declined_submission(reasons: &[&str]) -> Value {
    let mut declined = submission();
    declined["submissionId"] = json!("0123456789abcde");
    declined["attempt"] = json!(2);
    declined["receivedAt"] = json!("2026-11-20T10:00:00.000Z");
    declined["reasons"] = json!(reasons);
    declined["package"] =
        json!({"bucket": "evidence", "key": "evidence/8d247914/0123456789abcde/package.zip", "versionId": "v2"});
    declined
}

/// The message by which the starter learns of the appeal.
fn told() -> Rule {
    mock!(aws_sdk_sqs::Client::send_message)
        .match_requests(|request| {
            let body: Value = serde_json::from_str(request.message_body().unwrap_or_default()).expect("json");
            let record = &body["Records"][0];
            record["appealOf"] == "0123456789abcde" && record["s3"]["object"]["versionId"] == "v1"
        })
        .then_output(|| SendMessageOutput::builder().build())
}

#[tokio::test]
async fn an_appeal_judges_the_same_evidence_as_a_submission_of_its_own() {
    let upload = ObjectRef { bucket: "evidence".into(), key: "zipped/8d247914.zip".into(), version_id: "v1".into() };
    let new = SubmissionId::of_appeal(&upload, &"0123456789abcde".parse().expect("an id"));
    let expected = new.clone();
    let write = writes(move |request| {
        let [update, put, event] = request.transact_items() else { return false };
        let (update, put) = (update.update().expect("an update"), put.put().expect("a record"));
        let (made, event) = (put.item(), event.put().expect("a record").item());
        let values = update.expression_attribute_values().expect("values");
        let AttributeValue::M(entry) = &values[":packageSubmission"] else { return false };
        put.condition_expression() == Some("attribute_not_exists(submissionId)")
            && update.condition_expression().is_some_and(|condition| condition.starts_with("#seen0 = :seen0 AND"))
            && update.update_expression().ends_with("REMOVE failure, statusBeforeFailure, outcome, reasons, decidedAt")
            && (&values[":status"], &values[":appealedBy"]) == (&text("IN_PROGRESS"), &text("sub-of-ann"))
            && values[":appealReason"] == text("Jane has a beard.")
            && (&entry["submissionId"], &entry["attempt"]) == (&text(expected.as_str()), &AttributeValue::N("2".into()))
            && (&made["submissionId"], &made["status"]) == (&text(expected.as_str()), &text("IN_PROGRESS"))
            // Attempts are not increased, the evidence is the same version, and dates are judged as of its day.
            && (&made["attempt"], &made["package"]) == (&AttributeValue::N("2".into()), &attribute(&declined_submission(&[])["package"]))
            && made["appeal"] == attribute(&json!({"of": "0123456789abcde", "asOf": "2026-11-20T10:00:00.000Z"}))
            && made["executionArn"] == entry["executionArn"]
            && (&event["what"], &event["who"]) == (&text("applicationAppealed"), &text("sub-of-ann"))
            && event["submissionId"] == text(expected.as_str())
            && !format!("{event:?}").contains("Jane")
    });
    let tell = told();
    let rules = [
        &reads("applications", declined()),
        &reads("submissions", declined_submission(&["FACE_MISMATCH"])),
        &log(),
        &write,
    ];
    let answer = served(&rules, &[], &[&tell], appeal("Jane has a beard.")).await.expect("appealed");
    assert_eq!((&answer["submissionId"], &answer["status"]), (&json!(new), &json!("IN_PROGRESS")));
    assert_eq!((write.num_calls(), tell.num_calls()), (1, 1));
}

#[tokio::test]
async fn an_appeal_against_an_appeal_keeps_the_day_of_the_evidence() {
    let mut declined_again = declined_submission(&["FACE_MISMATCH"]);
    declined_again["appeal"] = json!({"of": "fffffffffffffff", "asOf": "2026-11-01T10:00:00.000Z"});
    let write = writes(|request| {
        let made = request.transact_items()[1].put().expect("a record").item();
        made["appeal"] == attribute(&json!({"of": "0123456789abcde", "asOf": "2026-11-01T10:00:00.000Z"}))
    });
    let rules = [&reads("applications", declined()), &reads("submissions", declined_again), &log(), &write];
    served(&rules, &[], &[&told()], appeal("Once more.")).await.expect("appealed");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn an_appeal_takes_the_consent_along() {
    let consent = json!({"version": "biometric-2026-03-en", "at": "2026-11-20T09:58:00.000Z"});
    let mut agreed = declined_submission(&["FACE_MISMATCH"]);
    agreed["consent"] = consent.clone();
    let consent = attribute(&consent);
    let write = writes(move |request| {
        let [update, put, _] = request.transact_items() else { return false };
        let values = update.update().expect("an update").expression_attribute_values().expect("values");
        let entry = values[":packageSubmission"].as_m().expect("a map");
        put.put().expect("a record").item()["consent"] == consent && entry["consent"] == consent
    });
    let rules = [&reads("applications", declined()), &reads("submissions", agreed), &log(), &write];
    served_where(true, &rules, &[], &[&told()], appeal("A twin.")).await.expect("appealed");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn nothing_is_judged_again_without_a_required_consent() {
    let declined_submission = declined_submission(&["FACE_MISMATCH"]);
    let rules = [&reads("applications", declined()), &reads("submissions", declined_submission), &log()];
    let refused = served_where(true, &rules, &[], &[], appeal("A twin.")).await;
    assert_eq!(code(refused), "APPLICATION_WITHOUT_CONSENT");

    let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
    let rules = [&reads("applications", failed()), &reads("submissions", submission()), &log()];
    let replay = replay(named(), &json!({"dryRun": false}));
    let answer = served_where(true, &rules, &[&describe], &[], replay).await.expect("an answer");
    assert_eq!(answer["action"], "impossible");
    assert!(answer["why"].as_str().is_some_and(|why| why.contains("consent")), "{answer}");
}

#[tokio::test]
async fn an_appeal_of_a_picture_keeps_what_is_known_of_the_application() {
    let picture = |id: &str, progress: &str| json!({"submissionId": id, "attempt": 2, "progress": progress});
    let pictures = json!({
        "applicationId": "8d247914", "kind": "pictures", "status": "DECIDED",
        "selfieSubmission": picture("0123456789abcde", "declined"),
        "documentSubmission": picture("fedcba987654321", "approved"),
    });
    let mut selfie = declined_submission(&["FACE_MISMATCH"]);
    selfie["kind"] = json!("selfie");
    selfie["selfie"] = selfie["package"].take();
    let evidence = attribute(&selfie["selfie"]);
    let write = writes(move |request| {
        let [update, put, _] = request.transact_items() else { return false };
        let update = update.update().expect("an update");
        let values = update.expression_attribute_values().expect("values");
        update.update_expression().ends_with("REMOVE failure, statusBeforeFailure, reasons")
            && values.contains_key(":selfieSubmission")
            && !values.contains_key(":documentSubmission")
            && put.put().expect("a record").item()["selfie"] == evidence
    });
    let rules = [&reads("applications", pictures), &reads("submissions", selfie), &log(), &write];
    served(&rules, &[], &[&told()], appeal("A twin.")).await.expect("appealed");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn a_lost_answer_appeals_once_and_tells_the_starter_again() {
    let mut judged = application("IN_PROGRESS", None, "IN_PROGRESS");
    judged["packageSubmission"]["appeal"] = json!({"of": "0123456789abcde"});
    judged["packageSubmission"]["submissionId"] = json!("1123456789abcde");
    judged["lastRequest"] = kept(&appeal("A twin."), Route::AppealApplication, "A twin.");
    let mut made = submission();
    made["appeal"] = json!({"of": "0123456789abcde", "asOf": "2026-11-20T10:00:00.000Z"});
    let tell = told();
    let rules = [&reads("applications", judged), &reads("submissions", made), &log()];
    let answer = served(&rules, &[], &[&tell], appeal("A twin.")).await.expect("the same answer");
    assert_eq!((&answer["submissionId"], tell.num_calls()), (&json!("1123456789abcde"), 1));
    assert_eq!(code(served(&rules, &[], &[], appeal("Another reason.")).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(served(&rules, &[], &[], reopen("A twin.")).await), "APPLICATION_IN_PROGRESS");
}

#[tokio::test]
async fn some_appeals_are_refused() {
    for (application, reasons, expected) in [
        (declined(), vec!["FIRST_NAME_MISMATCH", "DOCUMENT_EXPIRED"], "DECLINE_NOT_OVERRULABLE"),
        (application("IN_REVIEW", Some("referred"), "referred"), vec!["FACE_DUPLICATE"], "APPLICATION_NOT_DECLINED"),
        (application("OPEN", None, "declined"), vec!["FACE_MISMATCH"], "APPLICATION_OPEN"),
        (application("IN_PROGRESS", None, "IN_PROGRESS"), vec![], "APPLICATION_IN_PROGRESS"),
        (application("DECIDED", Some("approved"), "approved"), vec![], "APPLICATION_APPROVED"),
    ] {
        let rules = [&reads("applications", application), &reads("submissions", declined_submission(&reasons)), &log()];
        assert_eq!(code(served(&rules, &[], &[], appeal("A twin.")).await), expected);
    }
    let unknown =
        [&reads("applications", declined()), &reads("submissions", declined_submission(&["FACE_LIFTED"])), &log()];
    let result = served(&unknown, &[], &[], appeal("A twin.")).await;
    assert!(matches!(result, Err(Error::Incomplete("reasons"))), "{result:?}");
}

fn of_application(action: &str, body: &Value) -> ApiRequest {
    let route = format!("/applications/{{applicationId}}/{action}");
    request(&route, &json!({"applicationId": "8d247914"}), body)
}

/// A table has these keys, or other attributes, of records of the application.
fn lists(table: &'static str, rows: &Value) -> Rule {
    let rows: Vec<_> = rows.as_array().expect("a list").iter().map(row).collect();
    mock!(Client::query)
        .match_requests(move |request| request.table_name() == Some(table))
        .then_output(move || QueryOutput::builder().set_items(Some(rows.clone())).build())
}

/// The log of decisions, beside other tables.
fn decisions() -> Rule {
    lists("decisions", &json!([{"number": 7}]))
}

/// A submission and a case.
fn own_records() -> [Rule; 2] {
    [
        lists("submissions", &json!([{"applicationId": "8d247914", "submissionId": "0123456789abcde"}])),
        lists("cases", &json!([{"applicationId": "8d247914", "caseId": "0123456789abcde-1"}])),
    ]
}

/// The change of the application and its record, of a reviewer who gives this reason.
fn changes(what: &'static str, reason: &'static str, removed: &'static str) -> Rule {
    writes(move |request| {
        let [update, put] = request.transact_items() else { return false };
        let (update, record) = (update.update().expect("an update"), put.put().expect("a record").item());
        let values = update.expression_attribute_values().expect("values");
        values.values().any(|value| *value == text(reason))
            && values.values().any(|value| *value == text("sub-of-ann"))
            && update.update_expression().ends_with(&format!(" REMOVE {removed}"))
            && update.condition_expression().is_some_and(|condition| condition.contains("seen7"))
            && (&record["what"], &record["who"]) == (&text(what), &text("sub-of-ann"))
            && record["reasonDigest"].as_s().is_ok_and(|digest| digest.len() == 64)
            && !format!("{record:?}").contains(reason)
    })
}

fn held() -> Value {
    let mut row = declined();
    row["heldAt"] = json!("2026-11-30T08:00:00.000Z");
    row
}

fn former_customer(since: &str) -> Value {
    let mut row = customer();
    row["retention"] = json!("customer");
    row["retentionFrom"] = json!(since);
    row
}

fn customer() -> Value {
    let mut row = application("DECIDED", Some("approved"), "approved");
    row.as_object_mut().expect("a row").remove("retention");
    row
}

#[tokio::test]
async fn what_keeps_the_data_is_changed_with_a_record() {
    const HELD: &str = "heldAt, heldBy, heldByName, holdReason, holdSalt";
    const UNHELD: &str = "unheldAt, unheldBy, unheldByName, unholdReason, unholdSalt";
    const ENDED: &str = "retention, retentionFrom, endedAt, endedBy, endedByName, endReason, endSalt";
    const RESUMED: &str = "resumedAt, resumedBy, resumedByName, resumeReason, resumeSalt";
    let reason = "A lawsuit of Jane.";
    for (action, row, what, removed) in [
        ("hold", declined(), "applicationHeld", UNHELD),
        ("unhold", held(), "applicationUnheld", HELD),
        ("end-relationship", customer(), "relationshipEnded", RESUMED),
        ("resume-relationship", former_customer("2026-11-30T08:00:00.000Z"), "relationshipResumed", ENDED),
    ] {
        let write = changes(what, reason, removed);
        let rules = [&reads("applications", row), &decisions(), &write];
        let request = of_application(action, &json!({"reason": reason}));
        let answer = served(&rules, &[], &[], request).await.expect(action);
        assert_eq!((answer["success"].as_bool(), write.num_calls()), (Some(true), 1), "{action}");
    }
}

#[tokio::test]
async fn the_end_of_a_relationship_begins_the_retention() {
    let write = writes(|request| {
        let update = request.transact_items()[0].update().expect("an update");
        let values = update.expression_attribute_values().expect("values");
        (&values[":retention"], &values[":retentionFrom"]) == (&text("customer"), &values[":endedAt"])
    });
    let rules = [&reads("applications", customer()), &decisions(), &write];
    let request = of_application("end-relationship", &json!({"reason": "The account is closed."}));
    served(&rules, &[], &[], request).await.expect("ended");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    for (action, row, expected) in [
        ("unhold", declined(), "APPLICATION_NOT_HELD"),
        ("end-relationship", declined(), "APPLICATION_NOT_APPROVED"),
        ("end-relationship", former_customer("2026-11-30T08:00:00.000Z"), "RELATIONSHIP_ENDED"),
        ("resume-relationship", customer(), "RELATIONSHIP_LASTS"),
    ] {
        let request = of_application(action, &json!({"reason": "A twin."}));
        let result = served(&[&reads("applications", row), &decisions()], &[], &[], request).await;
        assert_eq!(code(result), expected, "{action}");
    }
}

#[tokio::test]
async fn a_lost_answer_holds_once() {
    let asked = || of_application("hold", &json!({"reason": "A lawsuit."}));
    let mut held = held();
    held["lastRequest"] = kept(&asked(), Route::HoldApplication, "A lawsuit.");
    served(&[&reads("applications", held), &decisions()], &[], &[], asked()).await.expect("the same answer");
}

fn erase(is_dry_run: bool) -> ApiRequest {
    of_application("erase", &json!({"reason": "Jane asked for it.", "dryRun": is_dry_run}))
}

fn customers() -> Rule {
    lists("customers", &json!([{"applicationId": "8d247914"}]))
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let mut row = former_customer("2999-01-01T00:00:00.000Z");
    row["faceId"] = json!("a-face");
    let ([submissions, cases], customers) = (own_records(), customers());
    let rules = [&reads("applications", row), &decisions(), &submissions, &cases, &customers];
    let plan = served(&rules, &[], &[], erase(true)).await.expect("a plan")["plan"].take();
    let counts = ["objects", "faces", "customers", "cases", "submissions", "applications", "decisions"];
    assert_eq!(counts.map(|kind| plan[kind].as_u64()), [4, 1, 1, 1, 1, 1, 7].map(Some));
    assert_eq!(plan["retainedUntil"], "3000-01-01T00:00:00.000Z");
    assert!(plan["restorableUntil"].is_string(), "{plan}");
}

fn started(expected: &'static str) -> Rule {
    mock!(aws_sdk_sfn::Client::start_execution)
        .match_requests(move |request| {
            let input: Value = serde_json::from_str(request.input().unwrap_or_default()).expect("json");
            request.state_machine_arn() == Some(ERASURE)
                && request.name().is_some_and(|name| name.starts_with("8d247914-") && name.len() == 24)
                && (&input["applicationId"], &input["requestedBy"]) == (&json!("8d247914"), &json!(expected))
                && input["reasonDigest"].as_str().is_some_and(|digest| digest.len() == 64)
                && !request.input().unwrap_or_default().contains("Jane")
        })
        .then_output(|| {
            StartExecutionOutput::builder().execution_arn("arn").start_date(DateTime::from_secs(1)).build().expect("it")
        })
}

#[tokio::test]
async fn an_erasure_is_started_with_the_digest_of_its_reason() {
    let write = writes(|request| {
        let [update] = request.transact_items() else { return false };
        let update = update.update().expect("an update");
        let values = update.expression_attribute_values().expect("values");
        values[":erasureReason"] == text("Jane asked for it.") && update.condition_expression().is_some()
    });
    let start = started("sub-of-ann");
    let rules = [&reads("applications", declined()), &decisions(), &write];
    let answer = served(&rules, &[&start], &[], erase(false)).await.expect("started");
    assert!(answer["execution"].as_str().is_some_and(|name| name.starts_with("bonafide-dev-erasure~8d247914-")));
    // The same request was served before.
    let exists = mock!(aws_sdk_sfn::Client::start_execution).then_error(|| {
        let meta = ErrorMetadata::builder().code("ExecutionAlreadyExists").build();
        StartExecutionError::ExecutionAlreadyExists(ExecutionAlreadyExists::builder().meta(meta).build())
    });
    assert_eq!(served(&rules, &[&exists], &[], erase(false)).await.expect("the same answer"), answer);
}

#[tokio::test]
async fn an_erasure_is_refused_while_data_have_to_stay() {
    for (row, expected) in [
        (held(), "APPLICATION_HELD"),
        (application("IN_PROGRESS", None, "IN_PROGRESS"), "APPLICATION_IN_PROGRESS"),
        (application("IN_REVIEW", None, "IN_REVIEW"), "APPLICATION_IN_REVIEW"),
        (customer(), "RELATIONSHIP_LASTS"),
        (former_customer("2999-01-01T00:00:00.000Z"), "APPLICATION_RETAINED"),
    ] {
        let rules = [&reads("applications", row), &decisions()];
        assert_eq!(code(served(&rules, &[], &[], erase(false)).await), expected);
    }
    let mut resumed = application("FAILED", None, "FAILED");
    resumed["packageSubmission"]["executionArn"] = json!(EXECUTION);
    let running = described(ExecutionStatus::Running, None);
    let rules = [&reads("applications", resumed), &decisions()];
    assert_eq!(code(served(&rules, &[&running], &[], erase(false)).await), "APPLICATION_IN_PROGRESS");
}

#[tokio::test]
async fn what_is_erased_already_is_erased_again_and_what_never_was_is_refused() {
    let nothing = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    let start = started("sub-of-ann");
    served(&[&nothing, &decisions()], &[&start], &[], erase(false)).await.expect("started");
    assert_eq!(start.num_calls(), 1);
    let rules = [&nothing, &lists("decisions", &json!([]))];
    assert_eq!(code(served(&rules, &[], &[], erase(false)).await), "APPLICATION_NOT_FOUND");
    let access = of_application("access", &json!(null));
    assert_eq!(code(served(&rules, &[], &[], access).await), "APPLICATION_NOT_FOUND");
}

/// The mark is all that an interrupted erasure has left, or it is on the application.
#[tokio::test]
async fn during_an_erasure_nothing_else_is_changed() {
    let marked = json!({"applicationId": "8d247914", "erasureAt": "2026-11-30T08:00:00.000Z"});
    let mut whole = declined();
    whole["erasureAt"] = json!("2026-11-30T08:00:00.000Z");
    for row in [marked, whole] {
        let write = writes(|request| request.transact_items().len() == 1);
        let start = started("sub-of-ann");
        let rules = [&reads("applications", row), &decisions(), &write];
        for request in [reopen("A twin."), appeal("A twin."), of_application("hold", &json!({"reason": "A twin."}))] {
            assert_eq!(code(served(&rules, &[], &[], request).await), "APPLICATION_BEING_ERASED");
        }
        served(&rules, &[&start], &[], erase(false)).await.expect("begun again");
    }
    let mut erasing = failed();
    erasing["erasureAt"] = json!("2026-11-30T08:00:00.000Z");
    let rules = [&reads("applications", erasing), &reads("submissions", submission()), &log()];
    let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
    let result = served(&rules, &[&describe], &[], replay(named(), &json!({"dryRun": false}))).await;
    assert_eq!(code(result), "APPLICATION_BEING_ERASED");
}

#[tokio::test]
async fn an_export_is_recorded() {
    let record = mock!(Client::put_item)
        .match_requests(|request| {
            let record = request.item().expect("a record");
            (&record["what"], &record["who"]) == (&text("dataRead"), &text("sub-of-ann"))
        })
        .then_output(|| PutItemOutput::builder().build());
    let rules = [&reads("applications", declined()), &decisions(), &record];
    let answer = served(&rules, &[], &[], of_application("access", &json!(null))).await.expect("recorded");
    assert_eq!((&answer["success"], record.num_calls()), (&json!(true), 1));
}
