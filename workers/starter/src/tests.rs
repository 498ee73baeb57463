use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    operation::{
        get_item::GetItemOutput, put_item::PutItemOutput, transact_write_items::TransactWriteItemsOutput,
        update_item::UpdateItemOutput,
    },
    types::error::{ConditionalCheckFailedException, TransactionCanceledException},
};
use aws_sdk_s3::{
    config::http::HttpResponse,
    operation::{copy_object::CopyObjectOutput, head_object::HeadObjectOutput},
    primitives::SdkBody,
};
use aws_sdk_sfn::{operation::start_execution::StartExecutionOutput, types::error::ExecutionAlreadyExists};
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;

const NOW: &str = "2026-11-21T00:00:00.000Z";

fn map(entries: &[(&str, AttributeValue)]) -> AttributeValue {
    AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn row(entries: &[(&str, AttributeValue)]) -> Row {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn latest(progress: &str) -> AttributeValue {
    map(&[
        ("submissionId", text("0123456789abcde")),
        ("attempt", AttributeValue::N("2".into())),
        ("progress", text(progress)),
        ("executionArn", text("arn:failed")),
        ("evidence", pointer("earlier")),
    ])
}

fn pointer(name: &str) -> AttributeValue {
    object_ref(&ObjectRef { bucket: "evidence".into(), key: name.into(), version_id: "v".into() })
}

fn event(key: &str, replay_of: Option<&str>) -> String {
    let object = json!({"key": key, "versionId": "v1"});
    let mut record =
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "evidence"}, "object": object}});
    if let Some(of) = replay_of {
        record["replayOf"] = json!(of);
    }
    json!({"Records": [record]}).to_string()
}

/// The state of the services, and how often the application is changed at the same time.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and every combination is possible")]
struct World {
    submission: Row,
    application: Row,
    /// The application has a newer submission.
    has_newer: bool,
    changes: usize,
    is_upload_deleted: bool,
    /// A duplicate delivery writes the record first.
    is_recorded_twice: bool,
    /// The metadata of the upload.
    metadata: Vec<(&'static str, &'static str)>,
    is_consent_required: bool,
}

/// The calls that were made, in order.
#[derive(Debug, Default, Clone)]
struct Done {
    accepted: Vec<String>,
    /// What the accepted submission has, and what the application keeps for a replay of it.
    consents: Vec<[Option<AttributeValue>; 2]>,
    /// The retention that an accepted submission gives to its application.
    retentions: Vec<Option<AttributeValue>>,
    refused: Vec<String>,
    copied: Vec<String>,
    updated: Vec<String>,
    started: Vec<Value>,
    names: Vec<String>,
    published: Vec<Value>,
}

fn s3(
    done: &Arc<Mutex<Done>>,
    is_upload_deleted: bool,
    metadata: &[(&'static str, &'static str)],
) -> aws_sdk_s3::Client {
    let seen = Arc::clone(done);
    let copy = mock!(aws_sdk_s3::Client::copy_object).match_requests(move |request| {
        let (from, to) = (request.copy_source().unwrap_or_default(), request.key().unwrap_or_default());
        seen.lock().expect("no panic").copied.push(format!("{from} to {to}"));
        true
    });
    let copy: Rule = if is_upload_deleted {
        copy.then_error(|| {
            CopyObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("NoSuchVersion").build())
        })
    } else {
        copy.then_output(|| CopyObjectOutput::builder().version_id("v2").build())
    };
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let output = HeadObjectOutput::builder().set_metadata(Some(metadata.collect())).build();
    let head = mock!(aws_sdk_s3::Client::head_object).match_requests(|request| {
        let asked = [request.bucket(), request.version_id()];
        asked == [Some("evidence"), Some("v1")] && request.key().is_some_and(|key| key.contains("/8d247914."))
    });
    let head = if is_upload_deleted {
        head.then_http_response(|| HttpResponse::new(404.try_into().expect("a status"), SdkBody::empty()))
    } else {
        head.then_output(move || output.clone())
    };
    mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&copy, &head])
}

/// Every second execution exists already.
fn step_functions(done: &Arc<Mutex<Done>>) -> aws_sdk_sfn::Client {
    let seen = Arc::clone(done);
    let again = mock!(aws_sdk_sfn::Client::start_execution)
        .match_requests(move |request| {
            let input = serde_json::from_str(request.input().expect("an input")).expect("json");
            let mut seen = seen.lock().expect("no panic");
            seen.started.push(input);
            seen.names.push(request.name().expect("a name").to_owned());
            seen.names.len().is_multiple_of(2)
        })
        .then_error(|| StartExecutionError::ExecutionAlreadyExists(ExecutionAlreadyExists::builder().build()));
    let first = mock!(aws_sdk_sfn::Client::start_execution).then_output(|| {
        let started_at = aws_sdk_sfn::primitives::DateTime::from_secs(0);
        StartExecutionOutput::builder().execution_arn("arn").start_date(started_at).build().expect("an output")
    });
    mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&again, &first])
}

fn sns(done: &Arc<Mutex<Done>>) -> aws_sdk_sns::Client {
    let seen = Arc::clone(done);
    let publish = mock!(aws_sdk_sns::Client::publish)
        .match_requests(move |request| {
            let message = serde_json::from_str(request.message().expect("a message")).expect("json");
            seen.lock().expect("no panic").published.push(message);
            true
        })
        .then_output(|| PublishOutput::builder().build());
    mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&publish])
}

async fn handle(world: World, body: &str) -> (Result<(), Error>, Done) {
    handle_with(world, body, None).await
}

/// With another bucket.
async fn handle_with(world: World, body: &str, bucket: Option<aws_sdk_s3::Client>) -> (Result<(), Error>, Done) {
    let done = Arc::new(Mutex::new(Done::default()));
    let World { submission, application, has_newer, changes, is_upload_deleted, is_recorded_twice, .. } = world;
    let read = mock!(aws_sdk_dynamodb::Client::get_item)
        .match_requests(|request| request.table_name() == Some("submissions"))
        .then_output(move || GetItemOutput::builder().set_item(Some(submission.clone())).build());
    let read_application = mock!(aws_sdk_dynamodb::Client::get_item)
        .match_requests(|request| request.table_name() == Some("applications"))
        .then_output(move || GetItemOutput::builder().set_item(Some(application.clone())).build());
    let (seen, left) = (Arc::clone(&done), Arc::new(Mutex::new(changes)));
    let cancelled = mock!(aws_sdk_dynamodb::Client::transact_write_items)
        .match_requests(move |request| {
            let mut left = left.lock().expect("no panic");
            let is_cancelled = *left > 0;
            *left = left.saturating_sub(1);
            let items = request.transact_items();
            let update = items[0].update().expect("an update");
            let attempt = items[1].put().expect("a put").item()["attempt"].as_n().expect("a number");
            if !is_cancelled {
                let condition = update.condition_expression().unwrap_or_default();
                let mut seen = seen.lock().expect("no panic");
                seen.accepted.push(format!("{attempt} if {condition}"));
                let values = update.expression_attribute_values().expect("values");
                seen.retentions.push(values.get(":retention").cloned());
                let entry = values[":latest"].as_m().expect("a map");
                let recorded = items[1].put().expect("a put").item();
                seen.consents.push([recorded, entry].map(|of| of.get("consent").cloned()));
            }
            is_cancelled
        })
        .then_error(|| {
            TransactWriteItemsError::TransactionCanceledException(TransactionCanceledException::builder().build())
        });
    let accepted = mock!(aws_sdk_dynamodb::Client::transact_write_items)
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let seen = Arc::clone(&done);
    let refused = mock!(aws_sdk_dynamodb::Client::put_item).match_requests(move |request| {
        let reasons = request.item().expect("an item")["reasons"].as_l().expect("a list");
        seen.lock().expect("no panic").refused.push(reasons[0].as_s().expect("a code").clone());
        true
    });
    let refused: Rule = if is_recorded_twice {
        refused.then_error(|| {
            PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        })
    } else {
        refused.then_output(|| PutItemOutput::builder().build())
    };
    let seen = Arc::clone(&done);
    let is_newer = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(move |request| {
            let update = request.update_expression().unwrap_or_default();
            let table = request.table_name().unwrap_or_default();
            seen.lock().expect("no panic").updated.push(format!("{table}: {update}"));
            has_newer && table == "applications" && update.contains("evidence")
        })
        .then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
    let updated = mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
    let dynamodb = mock_client!(
        aws_sdk_dynamodb,
        RuleMode::MatchAny,
        [&read, &read_application, &cancelled, &accepted, &refused, &is_newer, &updated]
    );
    let starter = Starter {
        applications: Applications::new(dynamodb.clone(), "applications".into()),
        submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
        dynamodb,
        s3: bucket.unwrap_or_else(|| s3(&done, is_upload_deleted, &world.metadata)),
        bucket: "evidence".into(),
        step_functions: step_functions(&done),
        sns: sns(&done),
        topic_arn: "topic".into(),
        machine_arn: "arn:aws:states:us-east-1:000000000000:stateMachine:Onboarding".into(),
        most_attempts: 5,
        is_consent_required: world.is_consent_required,
    };
    let result = starter.handle(body, NOW).await;
    let done = done.lock().expect("no panic").clone();
    (result, done)
}

/// An application that accepts uploads.
fn open() -> World {
    World::default()
}

#[tokio::test]
async fn each_kind_is_recorded_copied_and_started() {
    for (key, kind, extension) in [
        ("zipped/8d247914.zip", "package", "zip"),
        ("selfie/8d247914.PNG", "selfie", "png"),
        ("id_document/8d247914.jpg", "document", "jpg"),
    ] {
        let (result, done) = handle(open(), &event(key, None)).await;
        result.expect("started");
        assert_eq!(done.accepted, ["1 if attribute_not_exists(applicationId)"], "{key}");
        let [copied] = &done.copied[..] else { panic!("one copy") };
        assert!(copied.starts_with(&format!("evidence/{key}?versionId=v1 to evidence/8d247914/")), "{copied}");
        assert!(copied.ends_with(&format!("/{kind}.{extension}")), "{copied}");
        let [input] = &done.started[..] else { panic!("one execution") };
        assert_eq!((&input["kind"], &input[kind]["versionId"]), (&json!(kind), &json!("v2")));
        assert_eq!(input["submissionId"].as_str().map(str::len), Some(15));
        assert!(done.names[0].starts_with("8d247914-") && done.refused.is_empty() && done.published.is_empty());
    }
}

#[tokio::test]
async fn a_refused_upload_is_recorded_and_published() {
    for (progress, reason) in [
        ("IN_PROGRESS", "SUBMISSION_IN_PROGRESS"),
        ("approved", "APPLICATION_CLOSED"),
        ("referred", "APPLICATION_IN_REVIEW"),
    ] {
        let application = row(&[("kind", text("package")), ("packageSubmission", latest(progress))]);
        let (result, done) = handle(World { application, ..open() }, &event("zipped/8d247914.zip", None)).await;
        result.expect("refused");
        assert_eq!(done.refused, [reason]);
        let [message] = &done.published[..] else { panic!("one message") };
        assert_eq!((&message["event"], &message["reasons"]), (&json!("UPLOAD_REJECTED"), &json!([reason])));
        assert_eq!(done.updated, ["submissions: SET #publishedAt = :publishedAt"]);
        assert!(done.accepted.is_empty() && done.copied.is_empty() && done.started.is_empty());
    }
}

#[tokio::test]
async fn the_next_attempt_requires_an_unchanged_application() {
    let application = row(&[("kind", text("package")), ("packageSubmission", latest("resubmit"))]);
    let (result, done) = handle(World { application, ..open() }, &event("zipped/8d247914.zip", None)).await;
    result.expect("started");
    let guard = "#seen0 = :seen0 AND attribute_not_exists(#seen1) AND attribute_not_exists(#seen2)";
    assert_eq!(done.accepted, [format!("3 if attribute_not_exists(erasureAt) AND {guard}")]);
}

#[tokio::test]
async fn an_upload_does_not_change_how_long_the_data_of_a_customer_are_kept() {
    let unfinished = Some("unfinished");
    for (retention, expected) in [(unfinished, unfinished), (Some("customer"), None), (None, None)] {
        let mut application =
            row(&[("kind", text("pictures")), ("selfieSubmission", latest("approved")), ("faceId", text("kept"))]);
        application.extend(retention.map(|retention| ("retention".to_owned(), text(retention))));
        let world = World { application, ..World::default() };
        let (result, done) = handle(world, &event("id_document/8d247914.jpg", None)).await;
        result.expect("started");
        assert_eq!(done.retentions, [expected.map(text)], "{retention:?}");
    }
}

#[tokio::test]
async fn an_upload_waits_in_the_queue_while_the_application_is_erased() {
    for application in [
        row(&[("erasureAt", text(NOW))]),
        row(&[("kind", text("package")), ("packageSubmission", latest("approved")), ("erasureAt", text(NOW))]),
    ] {
        let (result, done) = handle(World { application, ..open() }, &event("zipped/8d247914.zip", None)).await;
        assert_eq!(result.expect_err("being erased").name(), ErrorName::Transient);
        assert!(done.accepted.is_empty() && done.refused.is_empty() && done.copied.is_empty(), "{done:?}");
    }
}

#[tokio::test]
async fn a_changed_application_is_read_again_a_limited_time() {
    let (result, done) = handle(World { changes: 2, ..open() }, &event("zipped/8d247914.zip", None)).await;
    result.expect("started");
    assert_eq!(done.accepted.len(), 1);
    let (result, _) = handle(World { changes: 9, ..open() }, &event("zipped/8d247914.zip", None)).await;
    assert_eq!(result.expect_err("contended").name(), ErrorName::Transient);
}

#[tokio::test]
async fn a_duplicate_delivery_changes_nothing() {
    for status in ["DECIDED", "FAILED"] {
        let submission = row(&[("status", text(status))]);
        let (result, done) = handle(World { submission, ..open() }, &event("zipped/8d247914.zip", None)).await;
        result.expect("nothing to do");
        assert!(done.updated.is_empty() && done.started.is_empty() && done.published.is_empty(), "{status}");
    }
    // It may have been recorded or copied without being started.
    let submission = row(&[("status", text("IN_PROGRESS")), ("package", pointer("kept"))]);
    let (result, done) = handle(World { submission, ..open() }, &event("zipped/8d247914.zip", None)).await;
    result.expect("started");
    assert_eq!((done.copied.len(), done.accepted.len(), &done.started[0]["package"]["key"]), (0, 0, &json!("kept")));
}

#[tokio::test]
async fn a_duplicate_delivery_publishes_a_refusal_that_was_not_published() {
    let reasons = AttributeValue::L(vec![text("APPLICATION_CLOSED")]);
    let mut submission = row(&[("status", text("REFUSED")), ("reasons", reasons)]);
    let world = World { submission: submission.clone(), ..open() };
    let (result, done) = handle(world, &event("zipped/8d247914.zip", None)).await;
    result.expect("published");
    assert!(done.refused.is_empty() && done.started.is_empty());
    assert_eq!(done.updated, ["submissions: SET #publishedAt = :publishedAt"]);
    let [message] = &done.published[..] else { panic!("one message") };
    assert_eq!((&message["event"], &message["reasons"]), (&json!("UPLOAD_REJECTED"), &json!(["APPLICATION_CLOSED"])));

    submission.insert("publishedAt".to_owned(), text(NOW));
    let (result, done) = handle(World { submission, ..open() }, &event("zipped/8d247914.zip", None)).await;
    result.expect("published before");
    assert!(done.refused.is_empty() && done.published.is_empty() && done.updated.is_empty());
}

#[tokio::test]
async fn a_refusal_that_was_not_recorded_is_not_published() {
    let application = row(&[("kind", text("package")), ("packageSubmission", latest("IN_PROGRESS"))]);
    let world = World { application, is_recorded_twice: true, ..open() };
    let (result, done) = handle(world, &event("zipped/8d247914.zip", None)).await;
    assert_eq!(result.expect_err("recorded by another").name(), ErrorName::Transient);
    assert!(done.published.is_empty(), "{:?}", done.published);
}

#[tokio::test]
async fn a_message_about_another_bucket_is_refused_as_a_whole() {
    let mut message: Value = serde_json::from_str(&event("zipped/8d247914.zip", None)).expect("json");
    let mut foreign = message["Records"][0].clone();
    foreign["s3"]["bucket"]["name"] = json!("another");
    message["Records"].as_array_mut().expect("records").push(foreign);
    let (result, done) = handle(open(), &message.to_string()).await;
    assert_eq!(result.expect_err("foreign").name(), ErrorName::InvalidInput);
    assert!(done.accepted.is_empty() && done.updated.is_empty() && done.published.is_empty());
}

#[tokio::test]
async fn nothing_is_started_when_a_newer_submission_exists() {
    let submission = row(&[("status", text("IN_PROGRESS")), ("package", pointer("kept"))]);
    let world = World { submission, has_newer: true, ..World::default() };
    let (result, done) = handle(world, &event("zipped/8d247914.zip", None)).await;
    result.expect("nothing to do");
    assert!(done.started.is_empty());
}

#[tokio::test]
async fn a_replay_is_a_new_submission_of_the_same_upload() {
    let application = row(&[("kind", text("package")), ("packageSubmission", latest("FAILED"))]);
    let world = || World { application: application.clone(), ..open() };
    let (_, first) = handle(open(), &event("zipped/8d247914.zip", None)).await;
    let (result, replay) = handle(world(), &event("zipped/8d247914.zip", Some("arn:failed"))).await;
    result.expect("started");
    assert_ne!(first.names, replay.names);
    assert!(replay.accepted[0].starts_with("2 if "), "the same attempt");
    // The upload may have been deleted.
    assert!(replay.copied[0].starts_with("evidence/earlier?versionId=v to "), "{:?}", replay.copied);
    // The application names another execution, or has an outcome.
    let (result, done) = handle(world(), &event("zipped/8d247914.zip", Some("arn:earlier"))).await;
    result.expect("nothing to do");
    assert!(done.accepted.is_empty() && done.refused.is_empty() && done.started.is_empty());
}

/// The message of an appeal against the decline of this submission.
fn appeal_event(declined: &str) -> String {
    event("zipped/8d247914.zip", None).replace("ObjectCreated:Put", "ObjectCreated:Replay").replacen(
        "{\"eventName\"",
        &format!("{{\"appealOf\":\"{declined}\",\"eventName\""),
        1,
    )
}

#[tokio::test]
async fn an_appeal_is_started_over_the_evidence_of_its_record() {
    let appeal = map(&[("of", text("0123456789abcde")), ("asOf", text("2026-11-20T10:00:00.000Z"))]);
    let recorded = row(&[("status", text("IN_PROGRESS")), ("package", pointer("kept")), ("appeal", appeal)]);
    let world = World { submission: recorded, ..World::default() };
    let (result, done) = handle(world, &appeal_event("0123456789abcde")).await;
    result.expect("started");
    assert!(done.accepted.is_empty() && done.copied.is_empty(), "{done:?}");
    assert_eq!(done.started[0]["package"], json!({"bucket": "evidence", "key": "kept", "versionId": "v"}));
    let expected = ["DOCUMENT_EXPIRED", "APPLICANT_UNDER_AGE", "CUSTOMER_ALREADY_REGISTERED"];
    assert_eq!(done.started[0]["neverOverruled"], json!(expected));
    let upload = ObjectRef { bucket: "evidence".into(), key: "zipped/8d247914.zip".into(), version_id: "v1".into() };
    let id = SubmissionId::of_appeal(&upload, &"0123456789abcde".parse().expect("an id"));
    assert_eq!(done.names, [id.execution_name(&"8d247914".parse().expect("an id"))]);
}

#[tokio::test]
async fn an_appeal_without_a_record_starts_nothing() {
    let (result, done) = handle(open(), &appeal_event("0123456789abcde")).await;
    result.expect("nothing to do");
    assert!(done.accepted.is_empty() && done.refused.is_empty() && done.started.is_empty(), "{done:?}");
    let (result, _) = handle(open(), &appeal_event("no submission")).await;
    assert_eq!(result.expect_err("malformed").name(), ErrorName::InvalidInput);
}

#[tokio::test]
async fn a_fresh_replay_of_an_appeal_is_an_appeal() {
    let AttributeValue::M(mut failed) = latest("FAILED") else { panic!("a map") };
    failed.insert("appeal".to_owned(), map(&[("of", text("0123456789abcde"))]));
    let application = row(&[("kind", text("package")), ("packageSubmission", AttributeValue::M(failed))]);
    let world = World { application, ..open() };
    let (result, done) = handle(world, &event("zipped/8d247914.zip", Some("arn:failed"))).await;
    result.expect("started");
    assert_eq!((done.accepted.len(), done.started[0]["neverOverruled"].is_array()), (1, true));
    let (_, ordinary) = handle(open(), &event("zipped/8d247914.zip", None)).await;
    assert_eq!(ordinary.started[0].get("neverOverruled"), None);
}

#[tokio::test]
async fn a_picture_is_judged_with_the_other_one() {
    let missing = map(&[("reasons", AttributeValue::L(vec![text("DOCUMENT_MISSING")]))]);
    for (other, waits, is_joined) in [("resubmit", true, true), ("resubmit", false, false), ("approved", false, true)] {
        let pictures = [("kind", text("pictures")), ("selfieSubmission", latest(other)), ("faceId", text("kept"))];
        let mut application = row(&pictures);
        if waits {
            application.insert("identityVerification".to_owned(), missing.clone());
        }
        let world = World { application, ..World::default() };
        let (result, done) = handle(world, &event("id_document/8d247914.jpg", None)).await;
        result.expect("started");
        assert_eq!(done.started[0].get("selfie").is_some(), is_joined, "{other} {waits}");
        assert_eq!(done.started[0]["keptFaceId"], "kept");
    }
}

#[tokio::test]
async fn an_upload_beyond_the_limit_is_not_copied() {
    let mut event: Value = serde_json::from_str(&event("zipped/8d247914.zip", None)).expect("json");
    event["Records"][0]["s3"]["object"]["size"] = json!(bonafide_domain::Limits::DEFAULT.package_bytes + 1);
    let (result, done) = handle(open(), &event.to_string()).await;
    result.expect("refused");
    assert_eq!((done.refused, done.copied.len()), (vec!["PACKAGE_TOO_LARGE".to_owned()], 0));
}

#[tokio::test]
async fn a_deleted_upload_fails_and_leaves_the_application_open() {
    let (result, done) = handle(World { is_upload_deleted: true, ..open() }, &event("zipped/8d247914.zip", None)).await;
    result.expect("recorded");
    assert!(done.started.is_empty());
    assert!(done.updated.iter().any(|update| update.starts_with("applications: SET #latest.progress = :failed")));
    assert_eq!(
        (&done.published[0]["event"], &done.published[0]["reasons"]),
        (&json!("APPLICATION_FAILED"), &json!(["UPLOAD_MISSING"]))
    );
}

#[tokio::test]
async fn an_invalid_name_is_recorded_and_published_without_the_name() {
    let (result, done) = handle(open(), &event("zipped/Jane+Doe.zip", None)).await;
    result.expect("rejected");
    assert_eq!((done.updated.len(), done.started.len()), (1, 0));
    let message = done.published[0].to_string();
    assert!(message.contains("UPLOAD_NAME_INVALID") && !message.contains("Jane"), "{message}");
}

#[tokio::test]
async fn a_message_that_is_not_an_event_is_refused() {
    let (result, _) = handle(open(), "{\"Records\": 7}").await;
    assert_eq!(result.expect_err("malformed").name(), ErrorName::InvalidInput);
}

#[test]
fn execution_arns_are_derived() {
    assert_eq!(
        execution_arn("arn:aws:states:us-east-1:1:stateMachine:Onboarding", "a-1"),
        "arn:aws:states:us-east-1:1:execution:Onboarding:a-1"
    );
}

const CONSENT: [(&str, &str); 2] =
    [("consent-version", "biometric-2026-03-en"), ("consent-at", "2026-11-20T17:58:30-06:00")];

fn recorded_consent() -> AttributeValue {
    map(&[("version", text("biometric-2026-03-en")), ("at", text("2026-11-20T23:58:30.000Z"))])
}

#[tokio::test]
async fn the_consent_of_the_upload_is_recorded() {
    for key in ["zipped/8d247914.zip", "selfie/8d247914.png", "id_document/8d247914.jpg"] {
        for is_consent_required in [false, true] {
            let world = World { metadata: CONSENT.to_vec(), is_consent_required, ..World::default() };
            let (result, done) = handle(world, &event(key, None)).await;
            result.expect("started");
            assert_eq!(done.consents, [[Some(recorded_consent()), Some(recorded_consent())]], "{key}");
            assert_eq!((done.copied.len(), done.started.len()), (1, 1), "{key}");
        }
    }
}

#[tokio::test]
async fn an_upload_without_consent_is_refused_only_where_it_is_required() {
    let (result, done) = handle(World::default(), &event("zipped/8d247914.zip", None)).await;
    result.expect("started");
    assert_eq!((done.consents, done.started.len()), (vec![[None, None]], 1));
    for key in ["zipped/8d247914.zip", "selfie/8d247914.png", "id_document/8d247914.jpg"] {
        let world = World { is_consent_required: true, ..World::default() };
        let (result, done) = handle(world, &event(key, None)).await;
        result.expect("refused");
        assert_eq!(done.refused, ["CONSENT_MISSING"], "{key}");
        assert!(done.accepted.is_empty() && done.copied.is_empty() && done.started.is_empty(), "{key}: {done:?}");
        assert_eq!(done.published[0]["reasons"], json!(["CONSENT_MISSING"]));
    }
}

#[tokio::test]
async fn a_malformed_consent_is_refused_without_being_quoted() {
    for metadata in [
        vec![CONSENT[0]],
        vec![CONSENT[1]],
        vec![("consent-version", "agreed by Zyzzyva"), CONSENT[1]],
        vec![CONSENT[0], ("consent-at", "2026-11-21T00:05:01Z")],
    ] {
        for is_consent_required in [false, true] {
            let world = World { metadata: metadata.clone(), is_consent_required, ..World::default() };
            let (result, done) = handle(world, &event("zipped/8d247914.zip", None)).await;
            result.expect("refused");
            assert_eq!(done.refused, ["CONSENT_INVALID"], "{metadata:?}");
            assert!(done.accepted.is_empty() && done.copied.is_empty() && done.started.is_empty(), "{done:?}");
            assert!(!done.published[0].to_string().contains("Zyzzyva"), "{:?}", done.published);
        }
    }
}

#[tokio::test]
async fn a_replay_has_the_consent_of_the_failed_submission() {
    for (consent, is_consent_required, is_started) in
        [(Some(recorded_consent()), true, true), (None, false, true), (None, true, false)]
    {
        let AttributeValue::M(mut failed) = latest("FAILED") else { panic!("a map") };
        failed.extend(consent.clone().map(|consent| ("consent".to_owned(), consent)));
        let application = row(&[("kind", text("package")), ("packageSubmission", AttributeValue::M(failed))]);
        // The upload has been deleted by now.
        let world = World { application, is_consent_required, ..World::default() };
        let (result, done) = handle(world, &event("zipped/8d247914.zip", Some("arn:failed"))).await;
        result.expect("handled");
        assert_eq!((done.started.len() == 1, done.refused.is_empty()), (is_started, is_started), "{done:?}");
        let expected = if is_started { vec![[consent.clone(), consent]] } else { Vec::new() };
        assert_eq!(done.consents, expected);
    }
}

#[tokio::test]
async fn a_deleted_upload_fails_and_is_no_missing_consent() {
    let world = World { is_upload_deleted: true, is_consent_required: true, ..World::default() };
    let (result, done) = handle(world, &event("zipped/8d247914.zip", None)).await;
    result.expect("recorded");
    assert!(done.refused.is_empty() && done.started.is_empty(), "{done:?}");
    assert_eq!(done.published[0]["reasons"], json!(["UPLOAD_MISSING"]));
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_accepts_no_upload() {
    let head = mock!(aws_sdk_s3::Client::head_object)
        .then_http_response(|| HttpResponse::new(500.try_into().expect("a status"), SdkBody::empty()));
    let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&head]);
    let (result, done) = handle_with(World::default(), &event("zipped/8d247914.zip", None), Some(s3)).await;
    assert_eq!(result.expect_err("no answer").name(), ErrorName::Transient);
    assert!(done.accepted.is_empty() && done.refused.is_empty() && done.started.is_empty(), "{done:?}");
}
