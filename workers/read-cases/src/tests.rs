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
    assert!(matches!(result, Err(Error::Service(_))), "{result:?}");
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
