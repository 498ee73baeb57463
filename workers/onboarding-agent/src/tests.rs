//! A conversation as Bedrock sends it, with prepared answers of the machine.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::start_sync_execution::StartSyncExecutionOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_worker::TaskError as _;
use proptest::prelude::*;

use super::*;
use crate::bedrock::Attributes;

/// The event of AWS's documentation, with one of our functions.
fn event(function: &str, parameters: &[(&str, &str)], attributes: &Attributes) -> Event {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| json!({"name": name, "type": "string", "value": value})).collect();
    let event = json!({
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
    });
    serde_json::from_value(event).expect("an event")
}

fn moment() -> Moment {
    Moment {
        now: "2026-11-21T09:30:00.000Z".to_owned(),
        today: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day"),
        id: Uuid::from_u128(0x3f0c_6d7e_2b57_4b6c_9d5e_0a1b_2c3d_4e5f),
    }
}

const SESSION: &str = "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f";
const KEY: &str = "onboard/DK/2026/11/21/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/document.jpg";
const SELFIE: &str = "onboard/DK/2026/11/21/3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f/selfie.png";

fn onboarding(machine: &[&Rule]) -> Onboarding {
    Onboarding {
        machines: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, machine),
        machine: "arn:aws:states:us-east-1:000000000000:stateMachine:bonafide-dev-agent-onboarding".to_owned(),
        s3: aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version_latest()
                .region(aws_sdk_s3::config::Region::new("us-east-1"))
                .credentials_provider(aws_sdk_s3::config::Credentials::for_tests())
                .build(),
        ),
        bucket: "evidence".to_owned(),
    }
}

/// The same, with a bucket that answers as the rule says.
fn onboarding_with(machine: &[&Rule], bucket: &Rule) -> Onboarding {
    Onboarding { s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[bucket]), ..onboarding(machine) }
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

async fn call(onboarding: &Onboarding, event: Event) -> (Option<ResponseState>, AnswerBody, Attributes) {
    let answer = handle(onboarding, event, &moment()).await.expect("an answer");
    let written = serde_json::to_value(&answer).expect("json");
    assert_eq!(
        (&written["messageVersion"], &written["response"]["actionGroup"]),
        (&json!("1.0"), &json!("onboarding"))
    );
    assert_eq!(written["promptSessionAttributes"], json!({"channel": "web"}));
    let body = answer.body().expect("a body");
    (answer.response.function_response.response_state, body, answer.session_attributes)
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn consented() -> Attributes {
    attributes(&[
        ("country", "DK"),
        ("consent", "true"),
        ("consentedAt", "2026-11-21T09:30:00.000Z"),
        ("sessionId", SESSION),
        ("theme", "dark"),
    ])
}

fn uploaded() -> Attributes {
    let mut attributes = consented();
    attributes.insert("documentKey".to_owned(), KEY.to_owned());
    attributes
}

fn at(progress: &str) -> Attributes {
    let mut attributes = uploaded();
    attributes.insert("verificationStatus".to_owned(), progress.to_owned());
    attributes
}

fn with_selfie(mut session: Attributes, key: &str) -> Attributes {
    session.insert("selfieKey".to_owned(), key.to_owned());
    session
}

#[tokio::test]
async fn consent_starts_a_session() {
    let event = event("give_consent", &[("country", "dk"), ("consent", "true")], &attributes(&[("theme", "dark")]));
    let (state, body, session) = call(&onboarding(&[]), event).await;
    assert_eq!((state, session), (None, consented()), "{body:?}");
}

#[tokio::test]
async fn without_consent_no_function_has_an_effect() {
    let machine = returning(SyncExecutionStatus::Succeeded, json!({}));
    for session in [attributes(&[]), attributes(&[("country", "DK"), ("sessionId", SESSION), ("documentKey", KEY)])] {
        for function in Function::ALL.into_iter().skip(1) {
            let event = event(function.name(), &[("contentType", "image/jpeg")], &session);
            let (state, body, after) = call(&onboarding(&[&machine]), event).await;
            assert_eq!((state, &after), (Some(ResponseState::Reprompt), &session), "{body:?}");
            assert!(body.message.contains("give_consent") && body.upload.is_none(), "{body:?}");
        }
    }
    assert_eq!(machine.num_calls(), 0);
}

#[tokio::test]
async fn refused_or_withdrawn_consent_ends_the_session() {
    // A refusal needs no country.
    for parameters in [
        &[("country", "DK"), ("consent", "false")][..],
        &[("country", "DE"), ("consent", "FALSE")],
        &[("consent", "false")],
    ] {
        let refused = event("give_consent", parameters, &with_selfie(at("VERIFIED"), SELFIE));
        let (state, body, session) = call(&onboarding(&[]), refused).await;
        assert_eq!(state, None);
        for name in ["consent", "consentedAt", "documentKey", "selfieKey", "verificationStatus"] {
            assert_eq!(session.get(name), None, "{name}");
        }
        let message = "Without consent the document is not read and the register is not asked. Thank the person and end the conversation.";
        assert_eq!(json!(body), json!({"message": message}));
    }
}

#[tokio::test]
async fn missing_or_invalid_parameters_are_requested() {
    let consent =
        "consent has to be true or false, as the person has said. Ask again, and call give_consent with their answer.";
    let country = "country has to be DK, SE, NO or FI: the country of the person's identity document. Ask for it, and call give_consent again.";
    for (parameters, asks) in [
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
        // The state of the session does not change.
        for before in [attributes(&[]), at("VERIFIED")] {
            let (state, body, after) = call(&onboarding(&[]), event("give_consent", parameters, &before)).await;
            assert_eq!((state, &after), (Some(ResponseState::Reprompt), &before), "{parameters:?}");
            assert_eq!(json!(body), json!({"message": asks}), "{parameters:?}");
        }
    }
    for parameters in [
        &[][..],
        &[("contentType", "application/pdf")],
        &[("contentType", " ")],
        &[("contentType", "image/png"), ("picture", "passport")],
    ] {
        let (state, body, _) = call(&onboarding(&[]), event("request_upload", parameters, &consented())).await;
        assert_eq!((state, body.upload.is_none()), (Some(ResponseState::Reprompt), true));
    }
}

#[tokio::test]
async fn an_upload_address_is_for_one_object_and_resets_progress() {
    let event = event("request_upload", &[("contentType", "image/JPEG")], &at("VERIFIED"));
    let (state, body, session) = call(&onboarding(&[]), event).await;
    let upload = body.upload.expect("an upload");
    assert_eq!((state, upload.method.as_str(), upload.content_type.as_str()), (None, "PUT", "image/jpeg"));
    assert!(upload.url.contains(KEY) && upload.url.contains("X-Amz-Expires=900"), "{}", upload.url);
    assert!(upload.url.contains("X-Amz-SignedHeaders=content-type%3Bhost"), "{}", upload.url);
    assert_eq!((session["documentKey"].as_str(), session.get("verificationStatus")), (KEY, None));
}

#[tokio::test]
async fn a_selfie_has_an_address_of_its_own_and_changes_no_progress() {
    let event = event("request_upload", &[("contentType", "image/png"), ("picture", "Selfie")], &at("EXTRACTED"));
    let (state, body, session) = call(&onboarding(&[]), event).await;
    let upload = body.upload.expect("an upload");
    assert_eq!((state, upload.url.contains(SELFIE)), (None, true), "{}", upload.url);
    assert_eq!(session, with_selfie(at("EXTRACTED"), SELFIE));
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
    for (function, session, expected) in [
        ("verify_identity", at("EXTRACTED"), selfie.clone()),
        ("complete_onboarding", uploaded(), selfie),
        ("read_document", uploaded(), Value::Null),
        ("register_customer", at("VERIFIED"), Value::Null),
    ] {
        let machine = takes_selfie(expected);
        let event = event(function, &[], &with_selfie(session, SELFIE));
        let (state, _, _) = call(&onboarding_with(&[&machine], &found), event).await;
        assert_eq!((state, machine.num_calls()), (None, 1), "{function}");
    }
}

#[tokio::test]
async fn a_selfie_that_is_missing_or_foreign_is_none() {
    let other = SELFIE.replace("0a1b", "0000");
    for (status, key) in [(403, SELFIE), (404, SELFIE), (200, KEY), (200, &other), (200, "zipped/1.zip")] {
        let bucket = mock!(aws_sdk_s3::Client::head_object).then_http_response(move || {
            aws_sdk_s3::config::http::HttpResponse::new(
                status.try_into().expect("a status"),
                aws_sdk_s3::primitives::SdkBody::empty(),
            )
        });
        let machine = takes_selfie(Value::Null);
        let event = event("verify_identity", &[], &with_selfie(at("EXTRACTED"), key));
        let (state, _, _) = call(&onboarding_with(&[&machine], &bucket), event).await;
        assert_eq!((state, machine.num_calls()), (None, 1), "{status} {key}");
        assert_eq!(bucket.num_calls(), usize::from(status != 200), "{status} {key}");
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
    let machine = takes_selfie(Value::Null);
    let event = event("verify_identity", &[], &with_selfie(at("EXTRACTED"), SELFIE));
    let failure = handle(&onboarding_with(&[&machine], &bucket), event, &moment()).await.expect_err("a failure");
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
        let (state, body, session) =
            call(&onboarding(&[&machine]), event("verify_identity", &[], &at("EXTRACTED"))).await;
        assert_eq!((state, &body.reasons[..]), (None, &[ReasonCode::IdentityUnproven][..]));
        told.push((json!(body), session));
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
        let (_, body, _) = call(&onboarding(&[&machine]), event("complete_onboarding", &[], &uploaded())).await;
        assert_eq!(body.reasons, [reason]);
        assert!(body.message.contains(reason.applicant()) && body.message.contains(next), "{}", body.message);
    }
}

#[tokio::test]
async fn steps_out_of_order_do_not_start_the_machine() {
    let machine = returning(SyncExecutionStatus::Succeeded, json!({}));
    for (function, session, first) in [
        ("read_document", consented(), "request_upload"),
        ("complete_onboarding", consented(), "request_upload"),
        ("verify_identity", uploaded(), "read_document"),
        ("verify_identity", at("RESUBMIT"), "read_document"),
        ("register_customer", uploaded(), "verify_identity"),
        ("register_customer", at("EXTRACTED"), "verify_identity"),
        ("register_customer", at("UNVERIFIED"), "verify_identity"),
        ("register_customer", at("something else"), "verify_identity"),
    ] {
        let (state, body, after) = call(&onboarding(&[&machine]), event(function, &[], &session)).await;
        assert_eq!((state, body.message.contains(first)), (Some(ResponseState::Reprompt), true), "{body:?}");
        assert_eq!(after["sessionId"], SESSION);
    }
    assert_eq!(machine.num_calls(), 0);
}

#[tokio::test]
async fn each_step_runs_the_machine_and_records_the_progress() {
    let good = |result: &str| json!({"sessionId": SESSION, "result": result, "reasons": []});
    let no = |result: &str, reason: &str| json!({"sessionId": SESSION, "result": result, "reasons": [reason]});
    for (function, before, step, output, progress) in [
        ("read_document", uploaded(), Some("extract"), good("OK"), "EXTRACTED"),
        ("read_document", uploaded(), Some("extract"), no("RESUBMIT", "NATIONAL_NUMBER_UNREADABLE"), "RESUBMIT"),
        ("verify_identity", at("EXTRACTED"), Some("verify"), good("OK"), "VERIFIED"),
        ("verify_identity", at("UNVERIFIED"), Some("verify"), no("UNVERIFIED", "IDENTITY_UNPROVEN"), "UNVERIFIED"),
        ("register_customer", at("VERIFIED"), Some("register"), good("REGISTERED"), "REGISTERED"),
        ("register_customer", at("REGISTERED"), Some("register"), good("REGISTERED"), "REGISTERED"),
        (
            "complete_onboarding",
            uploaded(),
            None,
            no("ALREADY_REGISTERED", "CUSTOMER_ALREADY_REGISTERED"),
            "ALREADY_REGISTERED",
        ),
    ] {
        let expected = json!({
            "sessionId": SESSION, "country": "DK", "document": {"bucket": "evidence", "key": KEY},
            "consentedAt": "2026-11-21T09:30:00.000Z",
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
        let (state, body, after) = call(&onboarding(&[&asked]), event(function, &[], &before)).await;
        assert_eq!((state, asked.num_calls(), after["verificationStatus"].as_str()), (None, 1, progress));
        assert_eq!(json!(body.result), output["result"]);
        assert_eq!(json!(body.reasons), output["reasons"]);
        for reason in body.reasons {
            let is_explained = body.message.contains(reason.applicant()) || body.message.contains("already registered");
            assert!(is_explained, "{}", body.message);
        }
    }
}

#[tokio::test]
async fn a_failure_names_the_unavailable_system_and_nothing_else() {
    for (error, reason) in [
        ("REGISTRY_UNAVAILABLE", ReasonCode::RegistryUnavailable),
        ("SYSTEM_UNAVAILABLE", ReasonCode::SystemUnavailable),
        ("States.Timeout", ReasonCode::SystemUnavailable),
    ] {
        let machine = returning(SyncExecutionStatus::Failed, json!(error));
        let event = event("verify_identity", &[], &at("EXTRACTED"));
        let payload = serde_json::to_value(&event).expect("json");
        let failure = handle(&onboarding(&[&machine]), event, &moment()).await.expect_err("a failure");
        let error =
            WorkerError { name: failure.name(), code: failure.code().map(str::to_owned), message: failure.to_string() };
        assert!(!error.message.contains("070761"), "{}", error.message);
        let answer = Answer::of_error(&payload, &error);
        assert_eq!(answer.response.function_response.response_state, Some(ResponseState::Failure));
        let body = answer.body().expect("a body");
        assert_eq!((&body.reasons[..], body.message.as_str()), (&[reason][..], reason.applicant()));
        // The conversation can continue.
        assert_eq!(answer.session_attributes, at("EXTRACTED"));
    }
}

#[tokio::test]
async fn events_of_other_groups_are_refused() {
    let mut foreign = event("give_consent", &[], &attributes(&[]));
    foreign.action_group = "payments".to_owned();
    for event in [foreign, event("delete_everything", &[], &attributes(&[]))] {
        let failure = handle(&onboarding(&[]), event, &moment()).await.expect_err("a failure");
        assert_eq!(failure.name(), ErrorName::InvalidInput);
    }
}

#[test]
fn nothing_that_the_person_wrote_is_printed() {
    let event = event("give_consent", &[("country", "070761-4285")], &attributes(&[]));
    assert!(!format!("{event:?}").contains("070761"));
}

#[test]
fn the_contract_names_exactly_these_functions() {
    let contract = include_str!("../../../statemachines/contracts/onboarding-agent.input.schema.json");
    let contract: Value = serde_json::from_str(contract).expect("a schema");
    assert_eq!(contract["properties"]["actionGroup"]["const"], ACTION_GROUP);
    assert_eq!(contract["properties"]["function"]["enum"], json!(Function::ALL.map(Function::name)));
}

/// The answer to Bedrock, as the kit makes it: errors and malformed events get an answer too.
fn respond(payload: &Value) -> Answer {
    let refused = |name, code, message| Answer::of_error(payload, &WorkerError { name, code, message });
    let Ok(event) = serde_json::from_value::<Event>(payload.clone()) else {
        return refused(ErrorName::InvalidInput, None, String::new());
    };
    let machine = returning(SyncExecutionStatus::Succeeded, json!({"result": "OK", "reasons": []}));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(handle(&onboarding(&[&machine]), event, &moment())) {
        Ok(answer) => answer,
        Err(failure) => refused(failure.name(), failure.code().map(str::to_owned), failure.to_string()),
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

proptest! {
    #[test]
    fn any_text_is_an_event_or_refused(text in any::<String>(), json in any_json()) {
        for payload in [serde_json::from_str(&text).unwrap_or(Value::Null), Value::from(text), json] {
            let answer = respond(&payload);
            prop_assert_eq!(answer.response.function_response.response_state, Some(ResponseState::Failure));
            prop_assert!(!answer.body().expect("a body").message.contains("MARKED"));
        }
    }

    /// An answer quotes no parameter, and has a format that Bedrock accepts.
    #[test]
    fn any_event_is_answered_without_quoting_it(
        function in prop::sample::select(Function::ALL.map(Function::name).to_vec()),
        session in prop::sample::select(vec![attributes(&[]), consented(), uploaded(), at("EXTRACTED"), at("VERIFIED")]),
        parameters in prop::collection::vec(
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
            "/sessionAttributes", "/sessionAttributes/country", "/sessionAttributes/consent", "/sessionAttributes/sessionId",
            "/sessionAttributes/documentKey", "/sessionAttributes/verificationStatus", "/promptSessionAttributes", "/more",
        ])),
        wrong in any_json(),
    ) {
        let mut payload = serde_json::to_value(event(function, &[], &session)).expect("json");
        payload["parameters"] =
            parameters.iter().map(|(name, value)| json!({"name": name, "type": "string", "value": value})).collect();
        if let Some(member) = place.and_then(|place| payload.pointer_mut(place)) {
            *member = wrong;
        }
        let answer = respond(&payload);
        let is_event = serde_json::from_value::<Event>(payload).is_ok();
        let state = answer.response.function_response.response_state;
        prop_assert!(is_event || state == Some(ResponseState::Failure));
        let body = answer.body().expect("a body");
        prop_assert!(!body.message.is_empty() && !body.message.contains("MARKED"), "{}", body.message);
        prop_assert_eq!(&answer.message_version, MESSAGE_VERSION);
        let written = serde_json::to_string(&answer).expect("json");
        prop_assert!(serde_json::from_str::<Answer>(&written).is_ok());
    }
}
