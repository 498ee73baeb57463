//! Calls as a gateway sends them, with prepared answers of table and machine.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::operation::{
    get_item::GetItemOutput, update_item::UpdateItemInput, update_item::UpdateItemOutput,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::{start_execution::StartExecutionOutput, start_sync_execution::StartSyncExecutionOutput};
use aws_sdk_sfn::types::error::ExecutionAlreadyExists;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_worker::{Row, TaskError as _, text};
use proptest::prelude::*;

use super::*;

/// A call by the gateway. A model has sent the arguments.
fn event(tool: Tool, arguments: &[(&str, &str)]) -> Event {
    from_page(tool, arguments, None)
}

/// The same by a page, with the text to which the person has agreed.
fn from_page(tool: Tool, arguments: &[(&str, &str)], consent: Option<(&str, &str)>) -> Event {
    let consent = consent.map(|(version, language)| json!({"version": version, "language": language}));
    let mut event = json!({"caller": {"tool": tool, "person": person()}, "somethingNew": {"of": "AWS"}});
    if let Some(consent) = consent {
        event["caller"]["consent"] = consent;
    }
    for (name, value) in arguments {
        event[name] = (*value).into();
    }
    serde_json::from_value(event).expect("an event")
}

/// The event of AWS's documentation, with one of our functions.
fn classic(function: &str, parameters: &[(&str, &str)], attributes: &Value) -> Value {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| json!({"name": name, "type": "string", "value": value})).collect();
    json!({
        "messageVersion": "1.0",
        "agent": {"name": "bonafide-dev-onboarding", "id": "AGENTID123", "alias": "TSTALIASID", "version": "DRAFT"},
        "inputText": "my number is 070761-4285",
        "sessionId": "bedrock-session",
        "actionGroup": "onboarding",
        "function": function,
        "parameters": parameters,
        "sessionAttributes": attributes,
        "promptSessionAttributes": {"channel": "web"},
        "somethingNew": {"of": "AWS"},
    })
}

fn person() -> Person {
    Person::of("https://login.bank.example", "ann").expect("a person")
}

const NOW: &str = "2026-11-21T09:30:00.000Z";
const SECONDS: i64 = 1_795_253_400;

fn moment() -> Moment {
    Moment {
        now: NOW.to_owned(),
        today: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day"),
        seconds: SECONDS,
        id: Uuid::from_u128(0x3f0c_6d7e_2b57_4b6c_9d5e_0a1b_2c3d_4e5f),
    }
}

const ERASURE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:bonafide-dev-erasure";
const SESSION: &str = "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f";
const KEY: &str = "onboard/DK/2026/11/21/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg";
const SELFIE: &str = "onboard/DK/2026/11/21/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/selfie.png";

/// The table: one entry that it answers, and the updates that it gets.
struct Table {
    found: Rule,
    update: Rule,
    updates: Arc<Mutex<Vec<UpdateItemInput>>>,
}

impl Table {
    fn with(row: &Row) -> Self {
        let (row, updates) = (row.clone(), Arc::<Mutex<Vec<_>>>::default());
        let (read, seen) = (Arc::new(row), Arc::clone(&updates));
        let found = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| {
                let key = request.key().and_then(|key| key.get("person"));
                request.consistent_read() == Some(true) && key.is_some_and(|key| key.as_s().is_ok())
            })
            .then_output(move || {
                GetItemOutput::builder().set_item(Some((*read).clone()).filter(|row| !row.is_empty())).build()
            });
        let update =
            mock!(aws_sdk_dynamodb::Client::update_item).then_compute_output(move |request: &UpdateItemInput| {
                seen.lock().expect("the updates").push(request.clone());
                UpdateItemOutput::builder().build()
            });
        Self { found, update, updates }
    }

    /// A table whose conditions do not hold.
    fn refusing(row: &Row) -> Self {
        let update = mock!(aws_sdk_dynamodb::Client::update_item).then_error(|| {
            aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().build(),
            )
        });
        Self { update, ..Self::with(row) }
    }

    /// The expression of the only update, and its values.
    fn updated(&self) -> (String, Row) {
        let updates = self.updates.lock().expect("the updates");
        let [update] = &updates[..] else { panic!("{} updates", updates.len()) };
        assert_eq!(update.key().and_then(|key| key["person"].as_s().ok()).map(String::as_str), Some(person().as_str()));
        assert!(update.condition_expression().is_some(), "an update of whatever there is");
        let values = update.expression_attribute_values().cloned().unwrap_or_default();
        (update.update_expression().unwrap_or_default().to_owned(), values)
    }

    fn is_unchanged(&self) -> bool {
        self.updates.lock().expect("the updates").is_empty() && self.update.num_calls() == 0
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(
            mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&self.found, &self.update]),
            "conversations".to_owned(),
        )
    }
}

fn onboarding(machine: &[&Rule], table: &Table) -> Onboarding {
    Onboarding {
        machines: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, machine),
        machine: "arn:aws:states:us-east-1:000000000000:stateMachine:bonafide-dev-agent-onboarding".to_owned(),
        erasure: ERASURE.to_owned(),
        s3: aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version_latest()
                .region(aws_sdk_s3::config::Region::new("us-east-1"))
                .credentials_provider(aws_sdk_s3::config::Credentials::for_tests())
                .build(),
        ),
        bucket: "evidence".to_owned(),
        sessions: table.sessions(),
        has_classic_agent: true,
    }
}

/// The same, with a bucket that answers as the rule says.
fn onboarding_with(machine: &[&Rule], table: &Table, bucket: &Rule) -> Onboarding {
    Onboarding { s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[bucket]), ..onboarding(machine, table) }
}

/// A machine that returns this status and output.
fn returning(status: SyncExecutionStatus, output: Value) -> Rule {
    mock!(Client::start_sync_execution).then_output(move || {
        let ended = StartSyncExecutionOutput::builder()
            .execution_arn("arn:aws:states:us-east-1:000000000000:express:m:n:1")
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .stop_date(aws_sdk_sfn::primitives::DateTime::from_secs(1))
            .status(status.clone());
        let ended = if status == SyncExecutionStatus::Succeeded {
            ended.output(output.to_string())
        } else {
            ended.error(output.as_str().unwrap_or_default()).cause("070761-4285 is in a cause")
        };
        ended.build().expect("an output")
    })
}

async fn call(onboarding: &Onboarding, event: Event) -> AnswerBody {
    match handle(onboarding, event, &moment()).await.expect("an answer") {
        Answer::Gateway(body) => body,
        Answer::Classic(answer) => panic!("an answer to a classic agent: {answer:?}"),
    }
}

fn row(pairs: &[(&str, &str)]) -> Row {
    let mut row: Row = pairs.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    row.insert("sessions".to_owned(), AttributeValue::N("1".to_owned()));
    row.insert("expiresAt".to_owned(), AttributeValue::N((SECONDS + 1).to_string()));
    row
}

fn consented() -> Row {
    row(&[("applicationId", SESSION), ("country", "DK"), ("consentedAt", NOW)])
}

fn with(mut row: Row, name: &str, value: &str) -> Row {
    row.insert(name.to_owned(), text(value));
    row
}

fn uploaded() -> Row {
    with(consented(), "documentKey", KEY)
}

fn at(progress: &str) -> Row {
    with(uploaded(), "progress", progress)
}

fn with_selfie(row: Row) -> Row {
    with(row, "selfieKey", SELFIE)
}

/// Entries of a person who has no session: none, one that has expired, and one of a session that was withdrawn.
fn without_session() -> [Row; 3] {
    let mut expired = at("VERIFIED");
    expired.insert("expiresAt".to_owned(), AttributeValue::N(SECONDS.to_string()));
    [Row::new(), expired, row(&[])]
}

const AGREES: [(&str, &str); 2] = [("country", "dk"), ("consent", "true")];

#[tokio::test]
async fn consent_on_a_page_begins_a_session() {
    for (row, sessions) in without_session().iter().zip(["1", "1", "2"]) {
        let table = Table::with(row);
        let event = from_page(Tool::GiveConsent, &AGREES, Some(("2026-03", "da")));
        let body = call(&onboarding(&[], &table), event).await;
        assert_eq!(json!(body), json!({"message": "The consent is recorded. Call request_upload next."}));
        let (expression, values) = table.updated();
        assert!(expression.ends_with("REMOVE documentKey, selfieKey, progress"), "{expression}");
        assert_eq!(
            (values[":id"].as_s(), values[":country"].as_s(), values[":at"].as_s()),
            (Ok(&SESSION.to_owned()), Ok(&"DK".to_owned()), Ok(&NOW.to_owned()))
        );
        let consent = values[":consent"].as_m().expect("a map");
        assert_eq!((&consent["version"], &consent["language"]), (&text("2026-03"), &text("da")));
        assert_eq!(values[":sessions"].as_n(), Ok(&sessions.to_owned()));
        // A later session of the same day ends with the day.
        let end = values.get(":end").and_then(|end| end.as_n().ok()).cloned();
        assert_eq!(end, (sessions == "1").then(|| (SECONDS + 24 * 3600).to_string()));
    }
}

#[tokio::test]
async fn a_model_cannot_consent_for_the_person() {
    for row in without_session() {
        let table = Table::with(&row);
        let body = call(&onboarding(&[], &table), event(Tool::GiveConsent, &AGREES)).await;
        assert!(table.is_unchanged() && body.message.contains("on the page"), "{body:?}");
        assert_eq!(body.state, Some(State::Reprompt));
    }
    // Of a session that has begun, it may name another country: then the document has to be uploaded again.
    let table = Table::with(&at("VERIFIED"));
    let body =
        call(&onboarding(&[], &table), event(Tool::GiveConsent, &[("country", "SE"), ("consent", "true")])).await;
    let (expression, values) = table.updated();
    assert_eq!(
        (body.state, expression.as_str()),
        (None, "SET country = :country REMOVE documentKey, selfieKey, progress")
    );
    assert_eq!((&values[":country"], &values[":id"], &values[":now"]), (&text("SE"), &text(SESSION), &text("DK")));
    let table = Table::with(&at("VERIFIED"));
    call(&onboarding(&[], &table), event(Tool::GiveConsent, &AGREES)).await;
    assert!(table.is_unchanged());
}

#[tokio::test]
async fn withdrawals_are_no_way_to_more_attempts() {
    let mut begun = row(&[]);
    begun.insert("sessions".to_owned(), AttributeValue::N("3".to_owned()));
    let table = Table::with(&begun);
    let body = call(&onboarding(&[], &table), from_page(Tool::GiveConsent, &AGREES, Some(("1", "da")))).await;
    assert!(table.is_unchanged());
    assert_eq!((body.state, &body.reasons[..]), (None, &[ReasonCode::AttemptsExhausted][..]));
}

#[tokio::test]
async fn of_two_sessions_at_once_one_begins() {
    let table = Table::refusing(&Row::new());
    let event = from_page(Tool::GiveConsent, &AGREES, Some(("1", "da")));
    let failure = handle(&onboarding(&[], &table), event, &moment()).await.expect_err("a failure");
    assert_eq!(failure.name(), ErrorName::Transient);
}

#[tokio::test]
async fn without_consent_no_tool_has_an_effect() {
    let machine = returning(SyncExecutionStatus::Succeeded, json!({}));
    for row in without_session() {
        for tool in Tool::ALL.into_iter().skip(1) {
            let table = Table::with(&row);
            // What a model says of the session is not looked at.
            let arguments =
                [("contentType", "image/jpeg"), ("sessionId", SESSION), ("documentKey", KEY), ("consent", "true")];
            let body = call(&onboarding(&[&machine], &table), event(tool, &arguments)).await;
            assert_eq!((body.state, table.is_unchanged()), (Some(State::Reprompt), true), "{body:?}");
            assert!(body.message.contains("on the page") && body.upload.is_none(), "{body:?}");
        }
    }
    assert_eq!(machine.num_calls(), 0);
}

/// The machine Erasure, which starts for this session and nothing else.
fn erases(consent: Value) -> Rule {
    mock!(Client::start_execution)
        .match_requests(move |request| {
            let input: Value = serde_json::from_str(request.input().unwrap_or_default()).expect("json");
            let asked = json!({
                "applicationId": SESSION, "scope": "everything", "asOf": "2026-11-21T09:50:00.000Z", "requestedBy": "applicant",
                "consent": consent,
            });
            (request.state_machine_arn(), request.name()) == (Some(ERASURE), Some(&*format!("{SESSION}-withdrawal")))
                && input == asked
        })
        .then_output(|| {
            let started = StartExecutionOutput::builder().execution_arn("arn");
            started.start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0)).build().expect("an output")
        })
}

#[tokio::test]
async fn a_withdrawal_erases_what_the_session_has_recorded() {
    let shown = [("version", "2026-03"), ("language", "da")].map(|(name, value)| (name.to_owned(), text(value)));
    let mut on_page = with_selfie(at("VERIFIED"));
    on_page.insert("consent".to_owned(), AttributeValue::M(shown.into()));
    let told = json!({"at": NOW, "withdrawnAt": NOW, "text": {"version": "2026-03", "language": "da"}});
    for (row, consent) in [(on_page, told), (consented(), json!({"at": NOW, "withdrawnAt": NOW}))] {
        for arguments in [&[("country", "DK"), ("consent", "false")][..], &[("consent", "FALSE")]] {
            let (table, machine) = (Table::with(&row), erases(consent.clone()));
            let body = call(&onboarding(&[&machine], &table), event(Tool::GiveConsent, arguments)).await;
            let (expression, values) = table.updated();
            let removed = "applicationId, country, consentedAt, consent, documentKey, selfieKey, progress";
            assert_eq!(expression, format!("REMOVE {removed}"));
            assert_eq!((machine.num_calls(), &values[":application"]), (1, &text(SESSION)));
            assert!(body.state.is_none() && body.message.contains("erased within an hour"), "{body:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_needs_no_country_and_leaves_nothing() {
    for (row, arguments) in without_session().iter().zip([&[("consent", "false")][..], &AGREES[..1], &AGREES[..0]]) {
        let (table, machine) = (Table::with(row), erases(Value::Null));
        let arguments = [arguments, &[("consent", "false")]].concat();
        let body = call(&onboarding(&[&machine], &table), event(Tool::GiveConsent, &arguments)).await;
        assert_eq!(json!(body), json!({"message": REFUSED}));
        assert!(table.is_unchanged() && machine.num_calls() == 0);
    }
}

#[tokio::test]
async fn a_withdrawal_that_is_repeated_ends_the_session() {
    let exists = mock!(Client::start_execution).then_error(|| {
        StartExecutionError::ExecutionAlreadyExists(ExecutionAlreadyExists::builder().message("m").build())
    });
    for table in [Table::with(&at("VERIFIED")), Table::refusing(&at("VERIFIED"))] {
        let body = call(&onboarding(&[&exists], &table), event(Tool::GiveConsent, &[("consent", "false")])).await;
        assert_eq!((body.message.as_str(), table.update.num_calls()), (WITHDRAWN, 1));
    }
}

/// Otherwise nothing would lead to what was recorded.
#[tokio::test]
async fn a_session_stays_if_its_erasure_does_not_start() {
    let throttled = mock!(Client::start_execution).then_error(|| {
        let error = aws_sdk_sfn::error::ErrorMetadata::builder().code("ThrottlingException").build();
        StartExecutionError::generic(error)
    });
    let table = Table::with(&at("VERIFIED"));
    let event = event(Tool::GiveConsent, &[("consent", "false")]);
    let failure = handle(&onboarding(&[&throttled], &table), event, &moment()).await.expect_err("a failure");
    assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some("ThrottlingException")));
    assert!(table.is_unchanged());
}

#[tokio::test]
async fn missing_or_invalid_arguments_are_requested() {
    let consent =
        "consent has to be true or false, as the person has said. Ask again, and call give_consent with their answer.";
    let country = "country has to be DK, SE, NO or FI: the country of the person's identity document. Ask for it, and call give_consent again.";
    for (arguments, asks) in [
        (&[][..], consent),
        (&[("country", "DK")], consent),
        (&[("country", "DK"), ("consent", "perhaps")], consent),
        (&[("country", "DK"), ("consent", " ")], consent),
        (&[("country", "DE"), ("consent", "yes")], consent),
        (&[("consent", "true")], country),
        (&[("country", ""), ("consent", "true")], country),
        (&[("country", "DE"), ("consent", "true")], country),
        (&[("country", "Denmark"), ("consent", "TRUE")], country),
    ] {
        for before in [Row::new(), at("VERIFIED")] {
            let table = Table::with(&before);
            let event = from_page(Tool::GiveConsent, arguments, Some(("1", "da")));
            let body = call(&onboarding(&[], &table), event).await;
            assert!(table.is_unchanged(), "{arguments:?}");
            assert_eq!(json!(body), json!({"message": asks, "state": "REPROMPT"}), "{arguments:?}");
        }
    }
    for arguments in [
        &[][..],
        &[("contentType", "application/pdf")],
        &[("contentType", " ")],
        &[("contentType", "image/png"), ("picture", "passport")],
    ] {
        let table = Table::with(&consented());
        let body = call(&onboarding(&[], &table), event(Tool::RequestUpload, arguments)).await;
        assert_eq!((body.state, body.upload.is_none()), (Some(State::Reprompt), true));
        assert!(table.is_unchanged());
    }
}

#[tokio::test]
async fn an_upload_address_is_for_one_object_and_resets_progress() {
    let table = Table::with(&at("VERIFIED"));
    let body = call(&onboarding(&[], &table), event(Tool::RequestUpload, &[("contentType", "image/JPEG")])).await;
    let upload = body.upload.expect("an upload");
    assert_eq!((body.state, upload.method.as_str(), upload.content_type.as_str()), (None, "PUT", "image/jpeg"));
    assert!(upload.url.contains(KEY) && upload.url.contains("X-Amz-Expires=900"), "{}", upload.url);
    assert!(upload.url.contains("X-Amz-SignedHeaders=content-type%3Bhost"), "{}", upload.url);
    let (expression, values) = table.updated();
    assert_eq!((expression.as_str(), &values[":key"]), ("SET documentKey = :key REMOVE progress", &text(KEY)));
}

#[tokio::test]
async fn a_selfie_has_an_address_of_its_own_and_changes_no_progress() {
    let table = Table::with(&at("EXTRACTED"));
    let event = event(Tool::RequestUpload, &[("contentType", "image/png"), ("picture", "Selfie")]);
    let body = call(&onboarding(&[], &table), event).await;
    let upload = body.upload.expect("an upload");
    assert_eq!((body.state, upload.url.contains(SELFIE)), (None, true), "{}", upload.url);
    let (expression, values) = table.updated();
    assert_eq!((expression.as_str(), &values[":key"]), ("SET selfieKey = :key", &text(SELFIE)));
}

#[tokio::test]
async fn an_address_of_a_session_that_has_changed_is_not_given() {
    let table = Table::refusing(&at("EXTRACTED"));
    let event = event(Tool::RequestUpload, &[("contentType", "image/png")]);
    let failure = handle(&onboarding(&[], &table), event, &moment()).await.expect_err("a failure");
    assert_eq!(failure.name(), ErrorName::Transient);
}

/// The machine's input, of which only the selfie is kept.
fn takes_selfie(expected: Value) -> Rule {
    mock!(Client::start_sync_execution)
        .match_requests(move |request| {
            let input: Value = serde_json::from_str(request.input().unwrap_or_default()).expect("json");
            input["selfie"] == expected
        })
        .then_output(|| {
            StartSyncExecutionOutput::builder()
                .execution_arn("arn")
                .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
                .stop_date(aws_sdk_sfn::primitives::DateTime::from_secs(1))
                .status(SyncExecutionStatus::Succeeded)
                .output(json!({"result": "OK", "reasons": []}).to_string())
                .build()
                .expect("an output")
        })
}

#[tokio::test]
async fn the_current_version_of_the_selfie_is_judged() {
    let found = mock!(aws_sdk_s3::Client::head_object)
        .match_requests(|request| request.bucket() == Some("evidence") && request.key() == Some(SELFIE))
        .then_output(|| HeadObjectOutput::builder().version_id("v7").build());
    let selfie = json!({"bucket": "evidence", "key": SELFIE, "versionId": "v7"});
    for (tool, session, expected) in [
        (Tool::VerifyIdentity, at("EXTRACTED"), selfie.clone()),
        (Tool::CompleteOnboarding, uploaded(), selfie),
        (Tool::ReadDocument, uploaded(), Value::Null),
        (Tool::RegisterCustomer, at("VERIFIED"), Value::Null),
    ] {
        let (machine, table) = (takes_selfie(expected), Table::with(&with_selfie(session)));
        let body = call(&onboarding_with(&[&machine], &table, &found), event(tool, &[])).await;
        assert_eq!((body.state, machine.num_calls()), (None, 1), "{tool:?}");
    }
}

#[tokio::test]
async fn a_selfie_that_is_missing_is_none() {
    for (status, session) in
        [(403, with_selfie(at("EXTRACTED"))), (404, with_selfie(at("EXTRACTED"))), (200, at("EXTRACTED"))]
    {
        let bucket = mock!(aws_sdk_s3::Client::head_object).then_http_response(move || {
            aws_sdk_s3::config::http::HttpResponse::new(
                status.try_into().expect("a status"),
                aws_sdk_s3::primitives::SdkBody::empty(),
            )
        });
        let (machine, table) = (takes_selfie(Value::Null), Table::with(&session));
        let body = call(&onboarding_with(&[&machine], &table, &bucket), event(Tool::VerifyIdentity, &[])).await;
        assert_eq!((body.state, machine.num_calls()), (None, 1), "{status}");
        assert_eq!(bucket.num_calls(), usize::from(status != 200), "{status}");
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_judges_no_person() {
    let bucket = mock!(aws_sdk_s3::Client::head_object).then_http_response(|| {
        aws_sdk_s3::config::http::HttpResponse::new(
            500.try_into().expect("a status"),
            aws_sdk_s3::primitives::SdkBody::empty(),
        )
    });
    let (machine, table) = (takes_selfie(Value::Null), Table::with(&with_selfie(at("EXTRACTED"))));
    let onboarding = onboarding_with(&[&machine], &table, &bucket);
    let failure = handle(&onboarding, event(Tool::VerifyIdentity, &[]), &moment()).await.expect_err("a failure");
    assert_eq!((failure.name(), machine.num_calls()), (ErrorName::Transient, 0));
}

/// What the register knows, and whether there is a customer, must not be told to a person who is not proven.
#[tokio::test]
async fn every_refusal_is_told_with_the_same_words() {
    let mut told = Vec::new();
    for reasons in [
        json!(["IDENTITY_UNPROVEN"]),
        json!(["REGISTRY_PERSON_NOT_FOUND"]),
        json!(["REGISTRY_NAME_MISMATCH", "REGISTRY_BIRTH_DATE_MISMATCH"]),
        json!(["NATIONAL_NUMBER_CHECK_FAILED"]),
        json!(["NATIONAL_NUMBER_SYNTHETIC"]),
        json!(["NATIONAL_NUMBER_BIRTH_DATE_MISMATCH"]),
        json!(["NATIONAL_NUMBER_SEX_MISMATCH"]),
        json!(["DOCUMENT_EXPIRED"]),
        json!(["DOCUMENT_EXPIRED", "NATIONAL_NUMBER_INVALID"]),
    ] {
        let machine = returning(SyncExecutionStatus::Succeeded, json!({"result": "UNVERIFIED", "reasons": reasons}));
        let table = Table::with(&at("EXTRACTED"));
        let body = call(&onboarding(&[&machine], &table), event(Tool::VerifyIdentity, &[])).await;
        assert_eq!((body.state, &body.reasons[..]), (None, &[ReasonCode::IdentityUnproven][..]));
        told.push(json!(body));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

#[tokio::test]
async fn a_picture_that_helps_and_exhausted_attempts_are_told() {
    for (reason, next) in [
        (ReasonCode::NationalNumberCountryMismatch, "request_upload"),
        (ReasonCode::NationalNumberInvalid, "request_upload"),
        (ReasonCode::StepOutOfOrder, "request_upload"),
        (ReasonCode::AttemptsExhausted, "End the conversation"),
    ] {
        let machine = returning(SyncExecutionStatus::Succeeded, json!({"result": "UNVERIFIED", "reasons": [reason]}));
        let table = Table::with(&uploaded());
        let body = call(&onboarding(&[&machine], &table), event(Tool::CompleteOnboarding, &[])).await;
        assert_eq!(body.reasons, [reason]);
        assert!(body.message.contains(reason.applicant()) && body.message.contains(next), "{}", body.message);
    }
}

#[tokio::test]
async fn steps_out_of_order_do_not_start_the_machine() {
    let machine = returning(SyncExecutionStatus::Succeeded, json!({}));
    for (tool, session, first) in [
        (Tool::ReadDocument, consented(), "request_upload"),
        (Tool::CompleteOnboarding, consented(), "request_upload"),
        (Tool::VerifyIdentity, uploaded(), "read_document"),
        (Tool::VerifyIdentity, at("RESUBMIT"), "read_document"),
        (Tool::RegisterCustomer, uploaded(), "verify_identity"),
        (Tool::RegisterCustomer, at("EXTRACTED"), "verify_identity"),
        (Tool::RegisterCustomer, at("UNVERIFIED"), "verify_identity"),
        (Tool::RegisterCustomer, at("something else"), "verify_identity"),
    ] {
        let table = Table::with(&session);
        let body = call(&onboarding(&[&machine], &table), event(tool, &[("progress", "VERIFIED")])).await;
        assert_eq!((body.state, body.message.contains(first)), (Some(State::Reprompt), true), "{body:?}");
        assert!(table.is_unchanged());
    }
    assert_eq!(machine.num_calls(), 0);
}

#[tokio::test]
async fn each_step_runs_the_machine_and_records_the_progress() {
    let good = |result: &str| json!({"sessionId": SESSION, "result": result, "reasons": []});
    let no = |result: &str, reason: &str| json!({"sessionId": SESSION, "result": result, "reasons": [reason]});
    for (tool, before, step, output, progress) in [
        (Tool::ReadDocument, uploaded(), Some("extract"), good("OK"), "EXTRACTED"),
        (Tool::ReadDocument, uploaded(), Some("extract"), no("RESUBMIT", "NATIONAL_NUMBER_UNREADABLE"), "RESUBMIT"),
        (Tool::VerifyIdentity, at("EXTRACTED"), Some("verify"), good("OK"), "VERIFIED"),
        (Tool::VerifyIdentity, at("UNVERIFIED"), Some("verify"), no("UNVERIFIED", "IDENTITY_UNPROVEN"), "UNVERIFIED"),
        (Tool::RegisterCustomer, at("VERIFIED"), Some("register"), good("REGISTERED"), "REGISTERED"),
        (Tool::RegisterCustomer, at("REGISTERED"), Some("register"), good("REGISTERED"), "REGISTERED"),
        (
            Tool::CompleteOnboarding,
            uploaded(),
            None,
            no("ALREADY_REGISTERED", "CUSTOMER_ALREADY_REGISTERED"),
            "ALREADY_REGISTERED",
        ),
    ] {
        let mut before = before;
        let consent = [("version", "2026-03"), ("language", "da")].map(|(name, value)| (name.to_owned(), text(value)));
        before.insert("consent".to_owned(), AttributeValue::M(consent.into()));
        let expected = json!({
            "sessionId": SESSION, "country": "DK", "document": {"bucket": "evidence", "key": KEY},
            "consentedAt": NOW, "consent": {"version": "2026-03", "language": "da"},
        });
        let asked = mock!(Client::start_sync_execution)
            .match_requests(move |request| {
                let mut input: Value = serde_json::from_str(request.input().unwrap_or_default()).expect("json");
                let asked = input.as_object_mut().expect("an object").remove("step");
                asked.as_ref().and_then(Value::as_str) == step
                    && input == expected
                    && request.name().is_some_and(|name| name.starts_with(SESSION) && name.len() <= 80)
            })
            .then_output({
                let output = output.clone();
                move || {
                    StartSyncExecutionOutput::builder()
                        .execution_arn("arn")
                        .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
                        .stop_date(aws_sdk_sfn::primitives::DateTime::from_secs(1))
                        .status(SyncExecutionStatus::Succeeded)
                        .output(output.to_string())
                        .build()
                        .expect("an output")
                }
            });
        let table = Table::with(&before);
        let body = call(&onboarding(&[&asked], &table), event(tool, &[])).await;
        let (expression, values) = table.updated();
        assert_eq!((body.state, asked.num_calls(), expression.as_str()), (None, 1, "SET progress = :progress"));
        assert_eq!((&values[":progress"], &values[":document"]), (&text(progress), &text(KEY)));
        assert_eq!(json!(body.result), output["result"]);
        assert_eq!(json!(body.reasons), output["reasons"]);
        for reason in body.reasons {
            let is_explained = body.message.contains(reason.applicant()) || body.message.contains("already registered");
            assert!(is_explained, "{}", body.message);
        }
    }
}

#[tokio::test]
async fn a_result_of_a_document_that_was_replaced_is_told_and_not_kept() {
    let machine = returning(SyncExecutionStatus::Succeeded, json!({"result": "OK", "reasons": []}));
    let table = Table::refusing(&uploaded());
    let body = call(&onboarding(&[&machine], &table), event(Tool::ReadDocument, &[])).await;
    assert_eq!((body.state, body.result), (None, Some(MachineResult::Ok)));
}

fn error_of(failure: &Error) -> WorkerError {
    WorkerError { name: failure.name(), code: failure.code().map(str::to_owned), message: failure.to_string() }
}

#[tokio::test]
async fn a_failure_names_the_unavailable_system_and_nothing_else() {
    for (error, reason) in [
        ("REGISTRY_UNAVAILABLE", ReasonCode::RegistryUnavailable),
        ("SYSTEM_UNAVAILABLE", ReasonCode::SystemUnavailable),
        ("States.Timeout", ReasonCode::SystemUnavailable),
    ] {
        let (machine, table) = (returning(SyncExecutionStatus::Failed, json!(error)), Table::with(&at("EXTRACTED")));
        let event = event(Tool::VerifyIdentity, &[]);
        let failure = handle(&onboarding(&[&machine], &table), event, &moment()).await.expect_err("a failure");
        let error = error_of(&failure);
        assert!(!error.message.contains("070761") && table.is_unchanged(), "{}", error.message);
        let told = json!({"message": reason.applicant(), "state": "FAILURE", "reasons": [reason]});
        assert_eq!(json!(Answer::of_error(&json!({"caller": {}}), &error)), told);
        let answer = json!(Answer::of_error(&classic("verify_identity", &[], &json!({})), &error));
        assert_eq!(answer["response"]["functionResponse"]["responseState"], "FAILURE");
        assert_eq!(body_of(&answer), told);
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_a_failure() {
    let found = mock!(aws_sdk_dynamodb::Client::get_item).then_http_response(|| {
        aws_sdk_dynamodb::config::http::HttpResponse::new(
            500.try_into().expect("a status"),
            aws_sdk_s3::primitives::SdkBody::empty(),
        )
    });
    let table = Table { found, ..Table::with(&Row::new()) };
    let failure = handle(&onboarding(&[], &table), event(Tool::ReadDocument, &[]), &moment()).await;
    assert_eq!(failure.expect_err("a failure").name(), ErrorName::Transient);
}

/// The body in an answer to a classic agent.
fn body_of(answer: &Value) -> Value {
    let text = answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"].as_str().expect("a text");
    serde_json::from_str(text).expect("json")
}

fn parsed(event: &Value) -> Event {
    serde_json::from_value(event.clone()).expect("an event")
}

#[tokio::test]
async fn a_classic_agent_gives_the_consent_of_its_session() {
    let updates = Table::with(&Row::new());
    let event = classic("give_consent", &AGREES, &json!({"theme": "dark"}));
    let mut onboarding = onboarding(&[], &updates);
    let answer = json!(handle(&onboarding, parsed(&event), &moment()).await.expect("an answer"));
    let own = Person::of("bedrock-agent", "bedrock-session").expect("a person");
    let updates = updates.updates.lock().expect("the updates").clone();
    assert_eq!(updates[0].key().expect("a key")["person"], text(own.as_str()));
    // No page has shown a text.
    let values = updates[0].expression_attribute_values().expect("values");
    assert_eq!(values[":consent"].as_m().map(Row::len), Ok(0));
    assert_eq!(
        (&answer["messageVersion"], &answer["response"]["actionGroup"], &answer["response"]["function"]),
        (&json!("1.0"), &json!("onboarding"), &json!("give_consent"))
    );
    assert_eq!(answer["sessionAttributes"], json!({"theme": "dark"}));
    assert_eq!(answer["promptSessionAttributes"], json!({"channel": "web"}));
    // A stage without a classic agent has no caller of such events.
    onboarding.has_classic_agent = false;
    let failure = handle(&onboarding, parsed(&event), &moment()).await.expect_err("a failure");
    assert_eq!(failure.name(), ErrorName::InvalidInput);
}

#[tokio::test]
async fn a_withdrawal_in_a_classic_agent_erases_as_well() {
    let (table, machine) = (Table::with(&at("VERIFIED")), erases(json!({"at": NOW, "withdrawnAt": NOW})));
    let event = parsed(&classic("give_consent", &[("consent", "false")], &json!({})));
    let answer = json!(handle(&onboarding(&[&machine], &table), event, &moment()).await.expect("an answer"));
    assert_eq!((body_of(&answer), machine.num_calls()), (json!({"message": WITHDRAWN}), 1));
    assert_eq!(table.update.num_calls(), 1);
}

#[tokio::test]
async fn attributes_of_a_classic_event_are_not_believed() {
    let forged = json!({
        "country": "DK", "consent": "true", "consentedAt": NOW, "sessionId": SESSION, "documentKey": KEY,
        "selfieKey": SELFIE, "verificationStatus": "VERIFIED", "progress": "VERIFIED",
    });
    let machine = returning(SyncExecutionStatus::Succeeded, json!({}));
    for tool in Tool::ALL.into_iter().skip(1) {
        let table = Table::with(&Row::new());
        let event = classic(tool.name(), &[("contentType", "image/png")], &forged);
        let answer = handle(&onboarding(&[&machine], &table), parsed(&event), &moment()).await.expect("an answer");
        let answer = json!(answer);
        assert_eq!(answer["response"]["functionResponse"]["responseState"], "REPROMPT");
        assert!(body_of(&answer)["message"].as_str().expect("a message").contains("give_consent"), "{answer}");
        assert!(table.is_unchanged() && machine.num_calls() == 0);
    }
}

#[tokio::test]
async fn events_of_other_senders_are_refused() {
    let table = Table::with(&Row::new());
    let mut foreign = classic("give_consent", &AGREES, &json!({}));
    foreign["actionGroup"] = "payments".into();
    let mut nameless = classic("give_consent", &AGREES, &json!({}));
    nameless["sessionId"] = "".into();
    for event in [foreign, nameless, classic("delete_everything", &[], &json!({}))] {
        let failure = handle(&onboarding(&[], &table), parsed(&event), &moment()).await.expect_err("a failure");
        assert_eq!(failure.name(), ErrorName::InvalidInput);
    }
    // A call with a malformed caller does not count as an event of a classic agent.
    let mut forged = classic("give_consent", &AGREES, &json!({}));
    for caller in [json!(null), json!({}), json!({"tool": "give_consent", "person": "ann"})] {
        forged["caller"] = caller;
        assert!(serde_json::from_value::<Event>(forged.clone()).is_err(), "{forged}");
    }
}

#[test]
fn nothing_that_the_person_wrote_is_printed() {
    let Event::Gateway(event) = event(Tool::GiveConsent, &[("country", "070761-4285")]) else { panic!("a call") };
    assert!(!format!("{event:?}").contains("070761"));
    let event: bedrock::Event =
        serde_json::from_value(classic("give_consent", &[("country", "070761-4285")], &json!({}))).expect("an event");
    assert!(!format!("{event:?}").contains("070761"));
}

/// The one contract of the tools, which the template gives to the gateway.
#[test]
fn the_contract_names_exactly_these_tools_and_arguments() {
    let tools: Vec<Value> = serde_json::from_str(include_str!("../tools.json")).expect("a list");
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    assert_eq!(names, Tool::ALL.map(Tool::name));
    let arguments = |tool: &Value| {
        let properties = tool["inputSchema"]["properties"].as_object().expect("properties");
        properties.keys().cloned().collect::<BTreeSet<_>>()
    };
    let arguments: Vec<_> = tools.iter().map(arguments).collect();
    let set = |given: &[&str]| given.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let mut expected = vec![set(&["consent", "country"]), set(&["contentType", "picture"])];
    expected.resize_with(Tool::ALL.len(), BTreeSet::new);
    assert_eq!(arguments, expected);
}

/// The answer, as the kit makes it: errors and malformed events get an answer too.
fn respond(payload: &Value, row: &Row) -> Value {
    let refused = |error: &WorkerError| json!(Answer::of_error(payload, error));
    let Ok(event) = serde_json::from_value::<Event>(payload.clone()) else {
        return refused(&WorkerError { name: ErrorName::InvalidInput, code: None, message: String::new() });
    };
    let machine = returning(SyncExecutionStatus::Succeeded, json!({"result": "OK", "reasons": []}));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let onboarding = onboarding(&[&machine], &Table::with(row));
    match runtime.block_on(handle(&onboarding, event, &moment())) {
        Ok(answer) => json!(answer),
        Err(failure) => refused(&error_of(&failure)),
    }
}

/// JSON of every form, with marked texts, as a model may produce it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|text| format!("MARKED{text}").into()),
        prop::sample::select(vec!["true", "false", "DK", "image/png", "VERIFIED", SESSION, KEY, "1.0", " "])
            .prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let name = prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["name", "type", "value", "consent", "country", "contentType"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// The body of an answer, whatever its format.
fn told(answer: &Value) -> Value {
    if answer.get("response").is_some() { body_of(answer) } else { answer.clone() }
}

proptest! {
    #[test]
    fn any_text_is_an_event_or_refused(text in any::<String>(), json in any_json()) {
        for payload in [serde_json::from_str(&text).unwrap_or(Value::Null), Value::from(text), json] {
            let body = told(&respond(&payload, &Row::new()));
            prop_assert_eq!(&body["state"], "FAILURE");
            prop_assert!(!body.to_string().contains("MARKED"));
        }
    }

    /// An answer quotes no argument, whatever the sender.
    #[test]
    fn any_event_is_answered_without_quoting_it(
        tool in prop::sample::select(Tool::ALL.to_vec()),
        session in prop::sample::select(vec![Row::new(), consented(), uploaded(), at("EXTRACTED"), at("VERIFIED")]),
        arguments in prop::collection::vec(
            (
                prop::sample::select(vec!["consent", "country", "contentType", "else"]),
                prop_oneof![
                    4 => any::<String>().prop_map(|text| format!("MARKED{text}").into()),
                    4 => prop::sample::select(vec!["true", "DK", "image/png"]).prop_map(Value::from),
                    1 => any_json(),
                ],
            ),
            0..4,
        ),
        place in prop::option::of(prop::sample::select(vec![
            "/messageVersion", "/agent", "/agent/id", "/inputText", "/sessionId", "/actionGroup", "/function", "/parameters",
            "/sessionAttributes", "/promptSessionAttributes", "/more", "/caller", "/caller/tool", "/caller/person",
        ])),
        wrong in any_json(),
    ) {
        let parameters: Vec<_> =
            arguments.iter().map(|(name, value)| json!({"name": name, "type": "string", "value": value})).collect();
        let mut classic = classic(tool.name(), &[], &json!({}));
        classic["parameters"] = parameters.into();
        let mut call = json!({"caller": {"tool": tool, "person": person()}});
        for (name, value) in arguments {
            call[name] = value;
        }
        for mut payload in [classic, call] {
            if let Some(member) = place.and_then(|place| payload.pointer_mut(place)) {
                *member = wrong.clone();
            }
            let answer = respond(&payload, &session);
            let is_event = serde_json::from_value::<Event>(payload).is_ok();
            let body = told(&answer);
            prop_assert!(is_event || body["state"] == "FAILURE");
            let message = body["message"].as_str().unwrap_or_default();
            prop_assert!(!message.is_empty() && !body.to_string().contains("MARKED"), "{}", body);
        }
    }
}
