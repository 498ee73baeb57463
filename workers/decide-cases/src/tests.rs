use aws_sdk_dynamodb::{
    Client,
    error::ErrorMetadata,
    operation::{
        get_item::GetItemOutput,
        query::QueryOutput,
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemError, UpdateItemOutput},
    },
    types::{
        AttributeValue, CancellationReason,
        error::{ConditionalCheckFailedException, TransactionCanceledException},
    },
};
use aws_sdk_sfn::operation::send_task_success::{SendTaskSuccessError, SendTaskSuccessOutput};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_domain::face_api::Refusal;
use bonafide_worker::{Api, Applications, Metrics, Row, Submissions, TaskError as _, seconds};
use serde_json::{Value, json};

use super::*;

const CLAIM: &str =
    "#status = :open AND (attribute_not_exists(claimedBy) OR claimedBy = :me OR claimExpiresAt <= :now)";

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

/// An open case with these doubts, and more attributes.
fn case(reasons: &[&str], more: Value) -> Value {
    let mut case = json!({
        "status": "OPEN", "kind": "package", "reasons": reasons, "submissionId": "0123456789abcde",
        "openedAt": "2026-11-21T09:30:00.000Z", "dueAt": "2026-12-21T09:30:00.000Z", "taskToken": "token",
    });
    let Value::Object(more) = more else { panic!("an object") };
    case.as_object_mut().expect("an object").extend(more);
    case
}

fn claimed_by(who: &str) -> Value {
    json!({"claimedBy": who, "claimExpiresAt": seconds() + 600})
}

fn reads(table: &'static str, item: Value) -> Rule {
    mock!(Client::get_item)
        .match_requests(move |request| request.table_name() == Some(table))
        .then_output(move || GetItemOutput::builder().set_item(Some(row(&item))).build())
}

fn application() -> Rule {
    reads("applications", json!({"packageSubmission": {"submissionId": "0123456789abcde"}}))
}

fn submission() -> Rule {
    reads("submissions", json!({"attempt": 1}))
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

fn woken() -> Rule {
    mock!(aws_sdk_sfn::Client::send_task_success)
        .match_requests(|request| request.task_token() == Some("token") && request.output() == Some("{}"))
        .then_output(|| SendTaskSuccessOutput::builder().build())
}

fn request(route: &str, who: &str, body: Option<Value>) -> ApiRequest {
    let claims = json!({"sub": who, "username": who, "client_id": "desk", "token_use": "access"});
    let event = json!({
        "resource": format!("/cases/{{applicationId}}/{{caseId}}/{route}"),
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", "Idempotency-Key": "key"},
        "pathParameters": {"applicationId": "8d247914", "caseId": "0123456789abcde-1"},
        "body": body.map(|body| body.to_string()),
        "requestContext": {"authorizer": {"claims": claims}},
    });
    ApiRequest::read(event, &Api::new("")).expect("a request")
}

async fn served(rules: &[&Rule], tasks: &[&Rule], request: ApiRequest) -> Result<Value, Error> {
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    let decider = Decider {
        cases: Cases {
            client: dynamodb.clone(),
            table: "cases".into(),
            applications: Applications::new(dynamodb.clone(), "applications".into()),
            submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
            most_attempts: 5,
        },
        log: Log::new(dynamodb, "decisions".into()),
        step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, tasks),
        metrics: Metrics::new("Bonafide/test".into()),
        client_id: "desk".into(),
    };
    handle(&decider, request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
}

/// The code of a refusal.
fn code(result: Result<Value, Error>) -> String {
    match result {
        Err(Error::Refused(refusal)) => Refusal::code(&refusal).to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_claim_is_written_under_the_conditions_of_its_judgement() {
    let claim = writes(|request| {
        let [update, check, put] = request.transact_items() else { return false };
        let (update, check) = (update.update().expect("an update"), check.condition_check().expect("a check"));
        let record = put.put().expect("a record").item();
        let values = update.expression_attribute_values().expect("values");
        update.condition_expression() == Some(CLAIM)
            && values[":me"] == text("ann")
            && check.table_name() == "applications"
            && check.condition_expression() == "#latest.submissionId = :submission"
            && (&record["what"], &record["who"]) == (&text("caseClaimed"), &text("ann"))
    });
    let renewal = writes(|request| request.transact_items().len() == 2);
    let expired = |who: &str| json!({"claimedBy": who, "claimExpiresAt": 7});
    for more in [json!({}), claimed_by("ann"), expired("ann"), expired("bob")] {
        let case = reads("cases", case(&["FACE_DUPLICATE"], more));
        let rules = [&case, &application(), &submission(), &log(), &claim, &renewal];
        let answer = served(&rules, &[], request("claim", "ann", None)).await.expect("claimed");
        assert_eq!((&answer["claim"]["by"], &answer["caseId"]), (&json!("ann"), &json!("0123456789abcde-1")));
    }
    assert_eq!((claim.num_calls(), renewal.num_calls()), (3, 1));
    let case = reads("cases", case(&["FACE_DUPLICATE"], claimed_by("bob")));
    let rules = [&case, &application(), &submission(), &log(), &claim];
    assert_eq!(code(served(&rules, &[], request("claim", "ann", None)).await), "CASE_CLAIMED");
    assert_eq!(claim.num_calls(), 3);
}

#[tokio::test]
async fn of_two_reviewers_at_once_one_claims() {
    let open = || GetItemOutput::builder().set_item(Some(row(&case(&["FACE_DUPLICATE"], json!({}))))).build();
    let taken = || GetItemOutput::builder().set_item(Some(row(&case(&["FACE_DUPLICATE"], claimed_by("bob"))))).build();
    let cases = mock!(Client::get_item).match_requests(|request| request.table_name() == Some("cases"));
    let cases = cases.sequence().output(open).output(taken).build();
    let lost = mock!(Client::transact_write_items).then_error(cancelled);
    let rules = [&cases, &application(), &submission(), &log(), &lost];
    assert_eq!(code(served(&rules, &[], request("claim", "ann", None)).await), "CASE_CLAIMED");
    assert_eq!((cases.num_calls(), lost.num_calls()), (2, 1));
}

#[tokio::test]
async fn a_claim_is_released_once_even_if_the_answer_is_lost() {
    let release = mock!(Client::update_item)
        .match_requests(|request| request.condition_expression() == Some("#status = :open AND claimedBy = :me"))
        .then_output(|| UpdateItemOutput::builder().build());
    let mine = case(&["FACE_DUPLICATE"], claimed_by("ann"));
    let rules = [&reads("cases", mine.clone()), &application(), &submission(), &release];
    served(&rules, &[], request("release", "ann", None)).await.expect("released");
    assert_eq!(code(served(&rules, &[], request("release", "bob", None)).await), "CASE_CLAIMED");
    assert_eq!(release.num_calls(), 1);
    // The SDK has repeated the write.
    let before = move || GetItemOutput::builder().set_item(Some(row(&mine))).build();
    let after = || GetItemOutput::builder().set_item(Some(row(&case(&["FACE_DUPLICATE"], json!({}))))).build();
    let cases = mock!(Client::get_item).match_requests(|request| request.table_name() == Some("cases"));
    let cases = cases.sequence().output(before).output(after).build();
    let repeated = mock!(Client::update_item).then_error(|| {
        UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
    });
    let rules = [&cases, &application(), &submission(), &repeated];
    served(&rules, &[], request("release", "ann", None)).await.expect("released");
}

fn items(request: &TransactWriteItemsInput) -> Option<(Row, String, Row)> {
    let [update, check, put] = request.transact_items() else { return None };
    check.condition_check()?;
    let update = update.update()?;
    let values = update.expression_attribute_values()?.clone();
    Some((values, update.condition_expression()?.to_owned(), put.put()?.item().clone()))
}

#[tokio::test]
async fn the_first_of_two_approvals_leaves_the_case_open() {
    let write = writes(|request| {
        let Some((values, condition, record)) = items(request) else { return false };
        condition.ends_with("AND attribute_not_exists(firstApproval)")
            && !values.contains_key(":decision")
            && !values.contains_key(":status")
            && (&record["what"], &record["who"]) == (&text("caseApprovedFirst"), &text("ann"))
    });
    let case = case(&["FACE_DUPLICATE"], claimed_by("ann"));
    let rules = [&reads("cases", case), &application(), &submission(), &log(), &write];
    let answer = served(&rules, &[], request("decision", "ann", Some(json!({"decision": "approve"})))).await;
    assert_eq!(answer.expect("approved")["isFinal"], false);
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn the_second_person_decides_and_the_machine_is_told() {
    let write = writes(|request| {
        let Some((values, condition, record)) = items(request) else { return false };
        let AttributeValue::M(decision) = &values[":decision"] else { return false };
        condition == "#status = :open AND claimedBy = :me AND claimExpiresAt > :now AND firstApproval.#by = :first"
            && decision["outcome"] == text("approve")
            && decision["reviewers"] == AttributeValue::L(vec![text("ann"), text("bob")])
            && values[":status"] == text("DECIDED")
            && (&record["what"], &record["number"]) == (&text("caseDecided"), &AttributeValue::N("8".into()))
    });
    let mut more = claimed_by("bob");
    more["firstApproval"] = json!({"by": "ann", "byName": "ann", "at": "2026-11-21T09:45:00.000Z"});
    let (cases, told) = (reads("cases", case(&["FACE_DUPLICATE"], more)), woken());
    let rules = [&cases, &application(), &submission(), &log(), &write];
    let approve = Some(json!({"decision": "approve"}));
    let answer = served(&rules, &[&told], request("decision", "bob", approve.clone())).await;
    assert_eq!(answer.expect("approved")["isFinal"], true);
    assert_eq!((write.num_calls(), told.num_calls()), (1, 1));
    assert_eq!(code(served(&rules, &[], request("decision", "ann", approve)).await), "CASE_CLAIMED");
}

#[tokio::test]
async fn a_note_stays_in_the_case_and_only_its_digest_enters_the_log() {
    let write = writes(|request| {
        let Some((values, _, record)) = items(request) else { return false };
        format!("{:?}", values[":note"]).contains("Jane Doe")
            && !format!("{:?}", values[":decision"]).contains("Jane")
            && !format!("{record:?}").contains("Jane")
            && record["noteDigest"].as_s().is_ok_and(|digest| digest.len() == 64)
            && record["reasons"] == AttributeValue::L(vec![text("FACE_MISMATCH")])
    });
    let case = case(&["FIRST_NAME_MISMATCH"], claimed_by("ann"));
    let rules = [&reads("cases", case), &application(), &submission(), &log(), &write];
    let body = json!({"decision": "decline", "reasons": ["FACE_MISMATCH"], "note": "It is not Jane Doe."});
    served(&rules, &[&woken()], request("decision", "ann", Some(body))).await.expect("declined");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn every_reviewer_may_add_a_note_once() {
    let write = writes(|request| {
        let [update, put] = request.transact_items() else { return false };
        let (update, record) = (update.update().expect("an update"), put.put().expect("a record").item());
        let values = update.expression_attribute_values().expect("values");
        update.condition_expression().is_some_and(|condition| condition.starts_with("#status = :open AND (size("))
            && format!("{:?}", values[":note"]).contains("Jane Doe")
            && values[":earlier"] == AttributeValue::N("0".into())
            && !format!("{record:?}").contains("Jane")
            && (&record["what"], &record["who"]) == (&text("caseNoted"), &text("ann"))
            && record["noteDigest"].as_s().is_ok_and(|digest| digest.len() == 64)
    });
    let body = json!({"note": "Is it Jane Doe?"});
    // Another reviewer has the claim.
    let claimed = case(&["FACE_DUPLICATE"], claimed_by("bob"));
    let rules = [&reads("cases", claimed), &application(), &submission(), &log(), &write];
    let answer = served(&rules, &[], request("notes", "ann", Some(body.clone()))).await.expect("noted");
    assert_eq!((&answer["caseId"], write.num_calls()), (&json!("0123456789abcde-1"), 1));

    let made = request("notes", "ann", Some(body.clone()));
    let route = bonafide_domain::face_api::Route::NoteCase;
    let AttributeValue::M(kept) =
        bonafide_review::Identified::of(&made, route, &["Is it Jane Doe?"]).expect("a key").kept()
    else {
        panic!("not a map")
    };
    let kept: std::collections::HashMap<_, _> =
        kept.iter().map(|(name, value)| (name, value.as_s().expect("a text"))).collect();
    let noted = case(&["FACE_DUPLICATE"], json!({"noteRequests": [kept], "status": "DECIDED"}));
    let rules = [&reads("cases", noted), &application(), &submission(), &log(), &write];
    served(&rules, &[], request("notes", "ann", Some(body))).await.expect("the same answer");
    let other = Some(json!({"note": "Another."}));
    assert_eq!(code(served(&rules, &[], request("notes", "ann", other.clone())).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(served(&rules, &[], request("notes", "bob", other)).await), "CASE_DECIDED");
    assert_eq!(write.num_calls(), 1);
    for body in [json!({}), json!({"note": " "}), json!({"note": "x", "decision": "approve"})] {
        assert_eq!(code(served(&rules, &[], request("notes", "ann", Some(body))).await), "REQUEST_INVALID");
    }
}

#[tokio::test]
async fn a_repeated_decision_gets_the_same_answer_and_tells_the_machine_again() {
    let approve = json!({"decision": "approve"});
    let id = bonafide_domain::face_api::RequestId::of(
        request("decision", "ann", None).caller(),
        bonafide_domain::face_api::Route::DecideCase,
        &"key".parse().expect("a key"),
    );
    let fingerprint = bonafide_domain::face_api::Fingerprint::of(&[b"approve", b"", b""]);
    let made = json!({"id": id.as_str(), "fingerprint": fingerprint.as_str()});
    let decided =
        |attribute: &str, status: &str| case(&["FIRST_NAME_MISMATCH"], json!({attribute: made, "status": status}));
    let told = woken();
    for (attribute, status, is_final, calls) in
        [("firstRequest", "OPEN", false, 0), ("request", "DECIDED", true, 1), ("request", "CLOSED", true, 2)]
    {
        let rules = [&reads("cases", decided(attribute, status)), &application(), &submission(), &log()];
        let answer = served(&rules, &[&told], request("decision", "ann", Some(approve.clone()))).await;
        assert_eq!(answer.expect("the same answer")["isFinal"], is_final);
        assert_eq!(told.num_calls(), calls);
    }
    let rules = [&reads("cases", decided("request", "DECIDED")), &application(), &submission(), &log()];
    let other = json!({"decision": "approve", "note": "Another."});
    assert_eq!(code(served(&rules, &[], request("decision", "ann", Some(other))).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(served(&rules, &[], request("decision", "bob", Some(approve))).await), "CASE_DECIDED");
}

#[tokio::test]
async fn a_machine_that_waits_no_longer_is_no_error_and_an_outage_is() {
    let gone = mock!(aws_sdk_sfn::Client::send_task_success)
        .then_error(|| SendTaskSuccessError::TaskTimedOut(aws_sdk_sfn::types::error::TaskTimedOut::builder().build()));
    let down = mock!(aws_sdk_sfn::Client::send_task_success).then_error(|| {
        let metadata = aws_sdk_sfn::error::ErrorMetadata::builder().code("ThrottlingException").build();
        SendTaskSuccessError::generic(metadata)
    });
    let write = writes(|_| true);
    for (task, is_served) in [(gone, true), (down, false)] {
        let case = case(&["FIRST_NAME_MISMATCH"], claimed_by("ann"));
        let rules = [&reads("cases", case), &application(), &submission(), &log(), &write];
        let body = Some(json!({"decision": "approve"}));
        let result = served(&rules, &[&task], request("decision", "ann", body)).await;
        assert_eq!(result.is_ok(), is_served);
        if let Err(error) = result {
            assert_eq!(error.name(), bonafide_worker::ErrorName::Transient);
        }
    }
    assert_eq!(write.num_calls(), 2);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let replaced = reads("applications", json!({"packageSubmission": {"submissionId": "fffffffffffffff"}}));
    let reopened = reads(
        "applications",
        json!({"packageSubmission": {"submissionId": "0123456789abcde"}, "reopenedBy": "bob", "appealedBy": "ann"}),
    );
    let name: &[&str] = &["FIRST_NAME_MISMATCH"];
    let mine = || case(name, claimed_by("ann"));
    let approve = json!({"decision": "approve"});
    for (case, application, body, expected) in [
        (case(name, json!({})), application(), approve.clone(), "CASE_NOT_CLAIMED"),
        (case(name, claimed_by("bob")), application(), approve.clone(), "CASE_CLAIMED"),
        (case(name, json!({"claimedBy": "ann", "claimExpiresAt": 7})), application(), approve.clone(), "CLAIM_EXPIRED"),
        (mine(), replaced, approve.clone(), "CASE_REPLACED"),
        (mine(), reopened, approve, "REVIEWER_INVOLVED"),
        (mine(), application(), json!({"decision": "decline"}), "REASON_REQUIRED"),
        (mine(), application(), json!({"decision": "decline", "reasons": ["SELFIE_TOO_DARK"]}), "REASON_UNFIT"),
        (mine(), application(), json!({"decision": "decline", "reasons": ["Jane"]}), "REQUEST_INVALID"),
        (mine(), application(), json!({"decision": "approve", "note": " "}), "REQUEST_INVALID"),
        (mine(), application(), json!({"decision": "approve", "note": "x".repeat(2001)}), "REQUEST_INVALID"),
        (mine(), application(), json!({"decision": "refer"}), "REQUEST_INVALID"),
    ] {
        let rules = [&reads("cases", case), &application, &submission(), &log()];
        assert_eq!(code(served(&rules, &[], request("decision", "ann", Some(body))).await), expected);
    }
    let nothing = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    assert_eq!(code(served(&[&nothing, &log()], &[], request("claim", "ann", None)).await), "CASE_NOT_FOUND");
}

#[tokio::test]
async fn an_error_of_the_table_is_no_refusal() {
    let down = mock!(Client::transact_write_items)
        .then_error(|| TransactWriteItemsError::generic(ErrorMetadata::builder().code("ThrottlingException").build()));
    let case = case(&["FIRST_NAME_MISMATCH"], claimed_by("ann"));
    let rules = [&reads("cases", case), &application(), &submission(), &log(), &down];
    let result = served(&rules, &[], request("decision", "ann", Some(json!({"decision": "approve"})))).await;
    assert!(matches!(result, Err(Error::Service(_))), "{result:?}");
}
