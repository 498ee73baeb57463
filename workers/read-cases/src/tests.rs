use aws_sdk_dynamodb::{
    Client,
    error::ErrorMetadata,
    operation::{
        get_item::GetItemOutput,
        put_item::{PutItemError, PutItemOutput},
        query::QueryOutput,
    },
    types::AttributeValue,
};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_domain::face_api::Refusal;
use bonafide_worker::{Api, Applications, Row, Submissions, text};
use serde_json::{Value, json};

use super::*;

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

fn pointer(key: &str) -> Value {
    json!({"bucket": "evidence", "key": key, "versionId": "v1"})
}

fn case() -> Value {
    json!({
        "applicationId": "8d247914", "caseId": "0123456789abcde-1", "submissionId": "0123456789abcde",
        "status": "OPEN", "kind": "package", "reasons": ["FACE_DUPLICATE"], "thresholds": "SimilarityPass=90",
        "openedAt": "2026-11-21T09:30:00.000Z", "dueAt": "2026-12-21T09:30:00.000Z",
        "duplicates": [{"faceId": "f1", "applicationId": "other", "similarity": 99.1}],
        "notes": [{"by": "bob", "at": "2026-11-21T09:40:00.000Z", "text": "Twins?", "salt": "secret"}],
    })
}

fn submission() -> Value {
    json!({
        "attempt": 2, "LAST_NAME": "Doe", "documentFields": {"lastName": "DOE", "suffix": "JR"},
        "identityCompare": {"faces": {"selfie": {"left": 0.25, "top": 0.1, "width": 0.5, "height": 0.6}}},
        "barcodeFields": {"lastName": "DOF"}, "selfie": pointer("evidence/selfie.jpg"), "document": pointer("evidence/license.jpg"),
        "documentExtraction": {
            "outcome": "pass", "reasons": [], "at": "2026-11-21T09:29:58.000Z",
            "scores": {"lastNameConfidence": 0.98, "lastName": 100, "lastNameWitness": 66.6},
        },
    })
}

fn reads(table: &'static str, key: &'static str, item: Value) -> Rule {
    mock!(Client::get_item)
        .match_requests(move |request| {
            let id = &request.key().expect("a key")["applicationId"];
            // Only the worker that decides may read the token.
            let names = format!("{:?}", request.expression_attribute_names());
            request.table_name() == Some(table) && *id == text(key) && !names.contains("taskToken")
        })
        .then_output(move || GetItemOutput::builder().set_item(Some(row(&item))).build())
}

fn lists(table: &'static str, items: Value) -> Rule {
    mock!(Client::query).match_requests(move |request| request.table_name() == Some(table)).then_output(move || {
        let items = items.as_array().expect("items").iter().map(row).collect();
        QueryOutput::builder().set_items(Some(items)).build()
    })
}

fn reader(rules: &[&Rule]) -> Reader {
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests());
    Reader {
        cases: Cases {
            client: dynamodb.clone(),
            table: "cases".into(),
            applications: Applications::new(dynamodb.clone(), "applications".into()),
            submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
            most_attempts: 2,
        },
        log: Log::new(dynamodb, "decisions".into()),
        s3: aws_sdk_s3::Client::from_conf(config.build()),
        executions: Executions {
            client: mock_client!(aws_sdk_sfn, &[]),
            pattern: "arn:aws:states:eu-west-1:1:execution:bonafide-dev-*".into(),
        },
        client_id: "desk".into(),
    }
}

fn request(resource: &str, query: &Value, client: &str) -> ApiRequest {
    let claims = json!({"sub": "ann", "username": "ann", "client_id": client, "token_use": "access"});
    let event = json!({
        "resource": resource, "httpMethod": "GET", "queryStringParameters": query,
        "pathParameters": {"applicationId": "8d247914", "caseId": "0123456789abcde-1"},
        "requestContext": {"authorizer": {"claims": claims}},
    });
    ApiRequest::read(event, &Api::new("")).expect("a request")
}

async fn served(rules: &[&Rule], request: ApiRequest) -> Result<Value, Error> {
    handle(&reader(rules), request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
}

const CASE: &str = "/cases/{applicationId}/{caseId}";

fn logged(application: &'static str) -> Rule {
    mock!(Client::put_item)
        .match_requests(move |request| {
            let item = request.item().expect("an item");
            let of = (application != "8d247914").then(|| text("8d247914"));
            (&item["applicationId"], &item["what"], &item["who"])
                == (&text(application), &text("caseViewed"), &text("ann"))
                && item.get("caseApplicationId") == of.as_ref()
        })
        .then_output(|| PutItemOutput::builder().build())
}

fn rows() -> [Rule; 6] {
    [
        reads("cases", "8d247914", case()),
        reads("applications", "8d247914", json!({"packageSubmission": {"submissionId": "0123456789abcde"}})),
        reads("applications", "other", json!({"outcome": "approved", "selfie": pointer("evidence/other.jpg")})),
        reads("submissions", "8d247914", submission()),
        lists(
            "submissions",
            json!([
                {"submissionId": "0123456789abcde", "kind": "package", "status": "IN_REVIEW", "receivedAt": "2026-11-21", "attempt": 2},
                {"submissionId": "fedcba987654321", "kind": "package", "status": "DECIDED", "receivedAt": "2026-11-20", "attempt": 1,
                 "outcome": "resubmit", "reasons": ["SELFIE_TOO_DARK"]},
            ]),
        ),
        lists("decisions", json!([{"number": 3}])),
    ]
}

#[tokio::test]
async fn a_case_is_shown_after_each_look_is_recorded() {
    let (rows, own, others) = (rows(), logged("8d247914"), logged("other"));
    let rules: Vec<_> = rows.iter().chain([&own, &others]).collect();
    let shown = served(&rules, request(CASE, &json!(null), "desk")).await.expect("a case");
    assert_eq!((own.num_calls(), others.num_calls()), (1, 1));
    assert_eq!(
        shown["fields"],
        json!([
            {"name": "lastName", "stated": "Doe", "document": "DOE", "barcode": "DOF", "confidence": 0.98, "similarity": 100.0,
             "witnessSimilarity": 66.6},
            {"name": "suffix", "document": "JR"},
        ])
    );
    assert_eq!((&shown["attempt"], &shown["attemptsLeft"]), (&json!(2), &json!(false)));
    assert_eq!(
        (&shown["thresholds"]["SimilarityPass"], &shown["case"]["secondReviewerNeeded"]),
        (&json!(90.0), &json!(true))
    );
    assert_eq!(shown["checks"][0]["scores"]["lastName"], 100.0);
    assert_eq!(shown["notes"], json!([{"by": "bob", "at": "2026-11-21T09:40:00.000Z", "text": "Twins?"}]));
    let submissions = shown["submissions"].as_array().expect("submissions").iter();
    assert_eq!(submissions.map(|one| one["attempt"].clone()).collect::<Vec<_>>(), [1, 2]);
    let pictures = [&shown["evidence"]["selfie"], &shown["evidence"]["document"], &shown["duplicates"][0]["selfie"]];
    for (picture, key) in pictures.into_iter().zip(["selfie.jpg", "license.jpg", "other.jpg"]) {
        let url = picture["url"].as_str().expect("a url");
        assert!(url.contains(key) && url.contains("versionId=v1") && url.contains("X-Amz-Expires=60"), "{url}");
        assert!(url.contains("response-cache-control=no-store"), "{url}");
    }
    assert_eq!(
        (&shown["evidence"]["selfie"]["face"], &shown["evidence"]["document"]["face"]),
        (&json!({"left": 0.25, "top": 0.1, "width": 0.5, "height": 0.6}), &json!(null))
    );
    assert_eq!(
        (&shown["duplicates"][0]["outcome"], &shown["evidence"]["documentBack"]),
        (&json!("approved"), &json!(null))
    );
}

#[tokio::test]
async fn nothing_is_shown_when_the_look_cannot_be_recorded() {
    let down = mock!(Client::put_item)
        .then_error(|| PutItemError::generic(ErrorMetadata::builder().code("ThrottlingException").build()));
    let rows = rows();
    let rules: Vec<_> = rows.iter().chain([&down]).collect();
    let result = served(&rules, request(CASE, &json!(null), "desk")).await;
    assert!(matches!(result, Err(Error::Log(_))), "{result:?}");
}

#[tokio::test]
async fn another_client_and_an_unknown_case_see_nothing() {
    let refused = |result: Result<Value, Error>| match result {
        Err(Error::Refused(refusal)) => Refusal::code(&refusal).to_owned(),
        other => panic!("not refused: {other:?}"),
    };
    let rows = rows();
    let rules: Vec<_> = rows.iter().collect();
    assert_eq!(refused(served(&rules, request(CASE, &json!(null), "other")).await), "NOT_AUTHORIZED");
    assert_eq!(refused(served(&rules, request("/cases", &json!(null), "other")).await), "NOT_AUTHORIZED");
    let nothing = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    assert_eq!(refused(served(&[&nothing], request(CASE, &json!(null), "desk")).await), "CASE_NOT_FOUND");
}

#[tokio::test]
async fn lists_a_page_and_continues_it() {
    let page = "2026-11-21T09:30:00.000Z~8d247914~0123456789abcde-1";
    let first = mock!(Client::query)
        .match_requests(|request| {
            request.index_name() == Some("byStatus")
                && request.limit() == Some(1)
                && request.exclusive_start_key().is_none()
                && request.filter_expression() == Some("contains(reasons, :reason)")
        })
        .then_output(|| {
            let key = json!({"status": "OPEN", "openedAt": "2026-11-21T09:30:00.000Z", "applicationId": "8d247914", "caseId": "0123456789abcde-1"});
            QueryOutput::builder().items(row(&case())).set_last_evaluated_key(Some(row(&key))).build()
        });
    let query = json!({"limit": "1", "reason": "FACE_DUPLICATE"});
    let answer = served(&[&first], request("/cases", &query, "desk")).await.expect("a page");
    assert_eq!((&answer["cases"][0]["caseId"], &answer["nextPage"]), (&json!("0123456789abcde-1"), &json!(page)));
    // No personal data, and nothing that the index does not have.
    assert_eq!(answer["cases"][0].get("notes"), None);
    let next = mock!(Client::query)
        .match_requests(|request| {
            let key = request.exclusive_start_key().expect("a key");
            request.limit() == Some(50)
                && (&key["status"], &key["caseId"]) == (&text("CLOSED"), &text("0123456789abcde-1"))
        })
        .then_output(|| QueryOutput::builder().build());
    let query = json!({"page": page, "status": "CLOSED"});
    let answer = served(&[&next], request("/cases", &query, "desk")).await.expect("the last page");
    assert_eq!(answer, json!({"success": true, "cases": []}));
}

#[tokio::test]
async fn refuses_other_queries_without_quoting_them() {
    for (name, value) in [
        ("status", "open"),
        ("reason", "JANE"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("page", ""),
        ("page", "2026-11-21T09:30:00.000Z~8d247914"),
        ("page", "2026-11-21T09:30:00.000Z~a b~0123456789abcde-1"),
        ("page", "Jane~8d247914~0123456789abcde-1"),
    ] {
        let result = served(&[], request("/cases", &json!({name: value}), "desk")).await;
        assert!(
            matches!(&result, Err(Error::Refused(Refusal::At(place))) if *place == name),
            "{name}={value}: {result:?}"
        );
    }
}

/// The index of applications by status: answers two entries at a time, the latest first.
fn index(applications: &'static [(&str, &str, &str)]) -> Rule {
    mock!(Client::query).match_requests(|request| request.index_name() == Some("byStatus")).then_compute_output(
        move |request| {
            let value = |name: &str| {
                let values = request.expression_attribute_values().expect("values");
                values.get(name).map(|value| value.as_s().expect("a text").clone())
            };
            let (status, since) = (value(":status").expect("a status"), value(":since").expect("a time"));
            let until = value(":until").unwrap_or_else(|| "9".to_owned());
            let start = request
                .exclusive_start_key()
                .map_or(0, |key| key["start"].as_n().expect("a number").parse().expect("a number"));
            let is_of =
                |(of, time, _): &&(&str, &str, &str)| *of == status && *time >= &since[..] && *time <= &until[..];
            let mut found: Vec<_> = applications.iter().filter(is_of).collect();
            found.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
            let page = found.iter().skip(start).take(2);
            let rows =
                page.map(|(status, time, id)| row(&json!({"applicationId": id, "status": status, "updatedAt": time})));
            let rows: Vec<_> = rows.collect();
            let last = rows.last().filter(|_| start + 2 < found.len()).map(|last| {
                let mut key = last.clone();
                key.insert("start".to_owned(), AttributeValue::N((start + 2).to_string()));
                key
            });
            QueryOutput::builder().set_items(Some(rows)).set_last_evaluated_key(last).build()
        },
    )
}

#[tokio::test]
async fn pages_of_applications_have_each_one_once_in_order() {
    const ALL: &[(&str, &str, &str)] = &[
        ("DECIDED", "2026-11-21T09:30:00.000Z", "a"),
        ("OPEN", "2026-11-21T09:30:00.000Z", "b"),
        ("DECIDED", "2026-11-21T09:30:00.000Z", "c"),
        ("DECIDED", "2026-11-21T09:30:00.000Z", "d"),
        ("DECIDED", "2026-11-20T09:30:00.000Z", "e"),
        ("IN_REVIEW", "2026-11-22T09:30:00.000Z", "f"),
        ("DECIDED", "2026-11-19T09:30:00.000Z", "g"),
        ("FAILED", "2026-11-01T09:30:00.000Z", "h"),
    ];
    let rule = index(ALL);
    for limit in 1..=9 {
        let mut ids = Vec::new();
        let mut query = json!({"limit": limit.to_string(), "since": "2026-11-19T10:30:00+01:00"});
        loop {
            let answer = served(&[&rule], request("/applications", &query, "desk")).await.expect("a page");
            let page = answer["applications"].as_array().expect("applications");
            assert!(page.len() <= limit, "{answer}");
            ids.extend(page.iter().map(|one| one["applicationId"].as_str().expect("an id").to_owned()));
            if answer["nextPage"].is_null() {
                break;
            }
            query["page"] = answer["nextPage"].clone();
        }
        assert_eq!(ids, ["f", "d", "c", "b", "a", "e", "g"], "{limit} in a page");
    }
}

#[tokio::test]
async fn applications_are_filtered_by_the_index() {
    let rule = mock!(Client::query)
        .match_requests(|request| {
            let values = request.expression_attribute_values().expect("values");
            let value = |name: &str| values[name].as_s().expect("a text").as_str();
            request.filter_expression()
                == Some("outcome = :outcome AND contains(reasons, :reason) AND begins_with(applicationId, :idStart)")
                && (value(":status"), value(":outcome"), value(":reason"), value(":idStart"))
                    == ("DECIDED", "resubmit", "SELFIE_TOO_DARK", "8d")
        })
        .then_output(|| QueryOutput::builder().build());
    let query = json!({"outcome": "resubmit", "reason": "SELFIE_TOO_DARK", "idStart": "8d"});
    let answer = served(&[&rule], request("/applications", &query, "desk")).await.expect("a page");
    assert_eq!((answer, rule.num_calls()), (json!({"success": true, "applications": []}), 1));
    for (name, value) in [("outcome", "any"), ("since", "Jane"), ("idStart", "a b"), ("page", "Jane~a"), ("days", "0")]
    {
        let route = if name == "days" { "/overview" } else { "/applications" };
        let result = served(&[], request(route, &json!({name: value}), "desk")).await;
        assert!(matches!(&result, Err(Error::Refused(Refusal::At(place))) if *place == name), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn an_application_is_shown_with_submissions_and_cases() {
    let arn = "arn:aws:states:eu-west-1:1:execution:bonafide-dev-onboarding:8d247914-0";
    let application = reads(
        "applications",
        "8d247914",
        json!({"applicationId": "8d247914", "status": "FAILED", "updatedAt": "2026-11-21T09:30:00.000Z", "executionArn": arn}),
    );
    let submissions = lists(
        "submissions",
        json!([{"submissionId": "0123456789abcde", "kind": "package", "status": "FAILED", "receivedAt": "2026-11-21", "executionArn": arn,
                "failure": {"state": "UnpackPackage", "error": "Bonafide.Internal", "cause": "Jane"},
                "consent": {"version": "biometric-2026-03-en", "at": "2026-11-20T09:30:00.000Z"},
                "packageCheck": {"outcome": "pass", "reasons": [], "scores": {"files": 3}, "at": "2026-11-21T09:30:00.000Z"}}]),
    );
    let cases = lists("cases", json!([case()]));
    let rules = [&application, &submissions, &cases];
    let shown = served(&rules, request("/applications/{applicationId}", &json!(null), "desk")).await.expect("it");
    assert_eq!(shown["application"]["execution"], "bonafide-dev-onboarding~8d247914-0");
    assert_eq!(shown["submissions"][0]["failure"], json!({"state": "UnpackPackage", "error": "Bonafide.Internal"}));
    assert_eq!(
        shown["submissions"][0]["consent"],
        json!({"version": "biometric-2026-03-en", "at": "2026-11-20T09:30:00.000Z"})
    );
    assert_eq!(shown["submissions"][0]["checks"][0]["scores"], json!({"files": 3.0}));
    assert_eq!(shown["cases"][0]["caseId"], "0123456789abcde-1");
    assert_eq!(shown["cases"][0].get("notes"), None);

    let none = mock!(Client::get_item).then_output(|| GetItemOutput::builder().build());
    let result = served(&[&none], request("/applications/{applicationId}", &json!(null), "desk")).await;
    assert!(matches!(&result, Err(Error::Refused(refusal)) if refusal.code() == "APPLICATION_NOT_FOUND"), "{result:?}");
}

#[tokio::test]
async fn the_overview_counts_outcomes_reasons_and_decisions() {
    let rule = mock!(Client::query).then_compute_output(|request| {
        let status = &request.expression_attribute_values().expect("values")[":status"];
        let rows = match status.as_s().expect("a status").as_str() {
            "DECIDED" if request.table_name() == Some("applications") => json!([
                {"status": "DECIDED", "outcome": "approved", "updatedAt": "2026-11-21T09:30:00.000Z"},
                {"status": "DECIDED", "outcome": "declined", "reasons": ["FACE_MISMATCH"], "updatedAt": "2026-11-21T10:30:00.000Z"},
                {"status": "DECIDED", "outcome": "declined", "reasons": ["FACE_MISMATCH"], "updatedAt": "2026-11-20T10:30:00.000Z"},
            ]),
            "IN_REVIEW" => json!([{"status": "IN_REVIEW", "updatedAt": "2026-11-21T09:30:00.000Z"}]),
            "OPEN" if request.table_name() == Some("cases") => json!([
                {"openedAt": "2026-11-21T09:30:00.000Z"}, {"openedAt": "2026-01-21T09:30:00.000Z"},
            ]),
            "CLOSED" => json!([
                {"openedAt": "2026-11-21T09:30:00.000Z", "reasons": ["FACE_DUPLICATE", "FACE_MATCH_UNSURE"],
                 "decision": {"outcome": "approve", "at": "2026-11-21T09:31:30.000Z"}},
                {"openedAt": "2026-11-21T09:30:00.000Z", "reasons": ["FACE_DUPLICATE"],
                 "decision": {"outcome": "expired", "at": "2026-11-21T09:30:02.000Z"}},
            ]),
            _ => json!([]),
        };
        QueryOutput::builder().set_items(Some(rows.as_array().expect("rows").iter().map(row).collect())).build()
    });
    let shown = served(&[&rule], request("/overview", &json!({"days": "7"}), "desk")).await.expect("counts");
    assert_eq!(
        shown["days"],
        json!([{"date": "2026-11-20", "outcomes": {"declined": 1}},
               {"date": "2026-11-21", "outcomes": {"approved": 1, "declined": 1, "referred": 1}}])
    );
    assert_eq!(shown["reasons"], json!([{"reason": "FACE_MISMATCH", "outcome": "declined", "count": 2}]));
    assert_eq!((&shown["openCases"], &shown["oldestCaseOpenedAt"]), (&json!(2), &json!("2026-01-21T09:30:00.000Z")));
    assert_eq!((&shown["waits"], &shown["isComplete"]), (&json!([2, 90]), &json!(true)));
    assert_eq!(
        shown["decisions"],
        json!([
            {"reason": "FACE_DUPLICATE", "decision": "approve", "count": 1},
            {"reason": "FACE_DUPLICATE", "decision": "expired", "count": 1},
            {"reason": "FACE_MATCH_UNSURE", "decision": "approve", "count": 1},
        ])
    );
}

#[tokio::test]
async fn an_execution_is_shown_without_data() {
    use aws_sdk_sfn::{
        Client as StepFunctions,
        operation::{
            describe_execution::{DescribeExecutionError, DescribeExecutionOutput},
            describe_state_machine_for_execution::DescribeStateMachineForExecutionOutput,
            get_execution_history::GetExecutionHistoryOutput,
        },
        primitives::DateTime,
        types::{
            ExecutionRedriveStatus, ExecutionStatus, HistoryEvent, HistoryEventType, StateEnteredEventDetails,
            error::ExecutionDoesNotExist,
        },
    };
    const ARN: &str = "arn:aws:states:eu-west-1:1:execution:bonafide-dev-onboarding:a-1";
    let described = mock!(StepFunctions::describe_execution)
        .match_requests(|request| request.execution_arn() == Some(ARN))
        .then_output(|| {
            let output = DescribeExecutionOutput::builder().execution_arn(ARN).state_machine_arn("arn");
            let output = output.status(ExecutionStatus::Failed).error("States.TaskFailed").cause("Jane").input("Jane");
            let output = output.redrive_status(ExecutionRedriveStatus::Redrivable);
            output.start_date(DateTime::from_secs(1)).stop_date(DateTime::from_secs(9)).build().expect("a description")
        });
    let history = mock!(StepFunctions::get_execution_history).then_output(|| {
        let entered = StateEnteredEventDetails::builder().name("UnpackPackage").input("Jane").build().expect("details");
        let event = HistoryEvent::builder().id(1).timestamp(DateTime::from_secs(2));
        let event = event.r#type(HistoryEventType::TaskStateEntered).state_entered_event_details(entered);
        GetExecutionHistoryOutput::builder().events(event.build().expect("an event")).build().expect("a history")
    });
    let definition = mock!(StepFunctions::describe_state_machine_for_execution).then_output(|| {
        DescribeStateMachineForExecutionOutput::builder()
            .state_machine_arn("arn")
            .name("bonafide-dev-onboarding")
            .role_arn("arn")
            .update_date(DateTime::from_secs(1))
            .definition(r#"{"StartAt": "UnpackPackage", "States": {"UnpackPackage": {"Type": "Task", "End": true}}}"#)
            .build()
            .expect("a definition")
    });
    let gone = mock!(StepFunctions::describe_execution).then_error(|| {
        let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
        DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
    });
    let show = async |rules: &[&Rule], name: &str| {
        let mut reader = reader(&[]);
        reader.executions.client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, rules);
        let claims = json!({"sub": "ann", "username": "ann", "client_id": "desk", "token_use": "access"});
        let event = json!({
            "resource": "/executions/{execution}", "httpMethod": "GET", "pathParameters": {"execution": name},
            "requestContext": {"authorizer": {"claims": claims}},
        });
        let answer = handle(&reader, ApiRequest::read(event, &Api::new("")).expect("a request")).await;
        answer.map(|answer| answer.body().to_owned())
    };
    let shown = show(&[&described, &history, &definition], "bonafide-dev-onboarding~a-1").await.expect("an execution");
    assert!(!shown.contains("Jane"), "{shown}");
    let shown: Value = serde_json::from_str(&shown).expect("json");
    assert_eq!(
        shown,
        json!({
            "success": true, "execution": "bonafide-dev-onboarding~a-1", "machine": "bonafide-dev-onboarding", "status": "FAILED",
            "startedAt": "1970-01-01T00:00:01Z", "stoppedAt": "1970-01-01T00:00:09Z", "error": "States.TaskFailed",
            "redrives": 0, "isRedrivable": true, "startAt": "UnpackPackage", "edges": [],
            "states": [{"name": "UnpackPackage", "type": "Task", "isEnd": true}],
            "visits": [{"state": "UnpackPackage", "status": "FAILED", "enteredAt": "1970-01-01T00:00:02Z", "attempts": 0, "errors": [],
                        "causes": [], "isRedriven": false, "children": []}],
        })
    );
    for (rules, name) in
        [(&[&gone][..], "bonafide-dev-onboarding~a-1"), (&[], "bonafide-test-onboarding~a-1"), (&[], "a b")]
    {
        let result = show(rules, name).await;
        assert!(
            matches!(&result, Err(Error::Refused(refusal)) if refusal.code() == "EXECUTION_NOT_FOUND"),
            "{result:?}"
        );
    }
}
