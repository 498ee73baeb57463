use aws_sdk_dynamodb::{
    operation::{
        delete_item::DeleteItemOutput,
        get_item::GetItemOutput,
        query::QueryOutput,
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::UpdateItemOutput,
    },
    types::{CancellationReason, error::TransactionCanceledException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bonafide_erasure::{Conversations, Table};
use bonafide_worker::{ErrorName, TaskError as _};
use serde_json::{Value, json};

use super::*;

const EXECUTION: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-erasure:8d247914-0123456789abcde";

fn row<const N: usize>(attributes: [(&str, &str); N]) -> Row {
    attributes.map(|(name, value)| (name.to_owned(), text(value))).into()
}

/// The table has these keys.
fn keys(table: &'static str, keys: Vec<Row>) -> Rule {
    mock!(Client::query)
        .match_requests(move |request| request.table_name() == Some(table))
        .then_output(move || QueryOutput::builder().set_items(Some(keys.clone())).build())
}

fn application(attributes: Option<Row>) -> Rule {
    mock!(Client::get_item).then_output(move || GetItemOutput::builder().set_item(attributes.clone()).build())
}

fn marked() -> Rule {
    application(Some(row([("status", "DECIDED"), ("erasureAt", "2026-11-30T08:00:00.000Z")])))
}

/// The newest record of the log, the eighth.
fn log(mut newest: Row) -> Rule {
    newest.insert("number".to_owned(), AttributeValue::N("8".to_owned()));
    keys("decisions", vec![newest])
}

fn receipt(execution: &str) -> Row {
    let mut receipt = row([("what", "applicationErased"), ("execution", execution), ("restorableUntil", "2027-01-04")]);
    receipt.insert("erased".to_owned(), Counts { objects: 9, applications: 1, ..Counts::default() }.kept());
    receipt
}

fn writes(expected: impl Fn(&TransactWriteItemsInput) -> bool + Send + Sync + 'static) -> Rule {
    mock!(Client::transact_write_items)
        .match_requests(expected)
        .then_output(|| TransactWriteItemsOutput::builder().build())
}

async fn erased(objects: u64, rules: &[&Rule]) -> Result<Value, Error> {
    let asked = json!({"scope": "everything", "requestedBy": "sub-of-ann", "reasonDigest": "d1"});
    erased_as(&asked, objects, rules).await
}

async fn erased_as(asked: &Value, objects: u64, rules: &[&Rule]) -> Result<Value, Error> {
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    let records = |of, table: &str| Records::new(dynamodb.clone(), of, table.to_owned());
    let services = Services {
        applications: Applications::new(dynamodb.clone(), "applications".into()),
        submissions: records(Table::Submissions, "submissions"),
        cases: records(Table::Cases, "cases"),
        customers: records(Table::Customers, "customers"),
        conversations: Conversations::new(dynamodb.clone(), "conversations".into()),
        log: Log::new(dynamodb.clone(), "decisions".into()),
        dynamodb: dynamodb.clone(),
    };
    let mut input = asked.clone();
    let more = json!({"applicationId": "8d247914", "execution": EXECUTION, "objects": objects, "faces": 0});
    input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let now = DateTime::from_timestamp(1_795_996_800, 0).expect("a time");
    handle(&services, serde_json::from_value(input).expect("an input"), now).await.map(|output| json!(output))
}

#[tokio::test]
async fn deletes_everything_and_then_the_application_with_the_receipt() {
    let customer = row([("PK", "US#FLORIDA-D123"), ("SK", "PROFILE")]);
    let case = row([("applicationId", "8d247914"), ("caseId", "0123456789abcde-1")]);
    let submission = |id| row([("applicationId", "8d247914"), ("submissionId", id)]);
    let delete = mock!(Client::delete_item).then_output(|| DeleteItemOutput::builder().build());
    let write = writes(|request| {
        let [delete, put] = request.transact_items() else { return false };
        let (delete, receipt) = (delete.delete().expect("a deletion"), put.put().expect("a receipt").item());
        delete.key()["applicationId"] == text("8d247914")
            && delete.condition_expression() == Some("attribute_exists(erasureAt)")
            && (&receipt["what"], &receipt["who"]) == (&text("applicationErased"), &text("sub-of-ann"))
            && (&receipt["reasonDigest"], &receipt["execution"]) == (&text("d1"), &text(EXECUTION))
            && receipt["number"] == AttributeValue::N("9".into())
            && receipt["restorableUntil"] == text("2027-01-04T00:00:00.000Z")
            && receipt["erased"].as_m().is_ok_and(|erased| erased["customers"] == AttributeValue::N("1".into()))
            && !format!("{receipt:?}").contains("D123")
    });
    let tables = [
        keys("conversations", vec![row([("person", "ann")])]),
        keys("customers", vec![customer]),
        keys("cases", vec![case]),
        keys("submissions", vec![submission("0123456789abcde"), submission("fedcba987654321")]),
    ];
    let [conversations, customers, cases, submissions] = &tables;
    let (marked, log) = (marked(), log(row([("what", "submissionConcluded")])));
    let end = mock!(Client::update_item)
        .match_requests(|request| request.table_name() == Some("conversations"))
        .then_output(|| UpdateItemOutput::builder().build());
    let rules = [conversations, customers, cases, submissions, &marked, &log, &end, &delete, &write];
    let output = erased(9, &rules).await.expect("erased");
    let expected = json!({"objects": 9, "faces": 0, "customers": 1, "cases": 1, "submissions": 2, "applications": 1});
    assert_eq!(output, json!({"erased": expected, "restorableUntil": "2027-01-04T00:00:00.000Z"}));
    assert_eq!((end.num_calls(), delete.num_calls(), write.num_calls()), (1, 4, 1));
}

fn by_retention(scope: &str) -> Value {
    json!({"scope": scope, "requestedBy": "a-sweep", "retention": {"name": "declined", "days": 365}})
}

#[tokio::test]
async fn evidence_is_recorded_and_the_records_stay() {
    let write = writes(|request| {
        let [update, put] = request.transact_items() else { return false };
        let (update, receipt) = (update.update().expect("an update"), put.put().expect("a receipt").item());
        update.update_expression() == "SET evidenceErasedAt = :at REMOVE erasureAt"
            && update.condition_expression() == Some("attribute_exists(erasureAt)")
            && (&receipt["what"], &receipt["who"]) == (&text("evidenceErased"), &text("a-sweep"))
            && (&receipt["retention"], &receipt["retentionDays"])
                == (&text("declined"), &AttributeValue::N("365".into()))
            && !receipt.contains_key("reasonDigest")
    });
    let (marked, log) = (marked(), log(row([("what", "submissionConcluded")])));
    let output = erased_as(&by_retention("evidence"), 3, &[&marked, &log, &write]).await.expect("recorded");
    assert_eq!((&output["erased"]["objects"], &output["erased"]["submissions"]), (&json!(3), &json!(0)));
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn the_receipt_of_a_withdrawal_has_the_consent() {
    let [conversations, customers, cases, submissions] = nothing();
    let (mark, log) = (application(Some(row([("erasureAt", "2026-11-30T08:00:00.000Z")]))), log(Row::new()));
    for shown in [json!({"version": "2026-03", "language": "da"}), Value::Null] {
        let members = if shown.is_null() { 2 } else { 4 };
        let write = writes(move |request| {
            let receipt = request.transact_items()[1].put().expect("a receipt").item();
            let consent = receipt["consent"].as_m().expect("a map");
            (&receipt["who"], consent.len()) == (&text("applicant"), members)
                && (&consent["at"], &consent["withdrawnAt"]) == (&text("2026-11-29"), &text("2026-11-30"))
                && consent.get("language").is_none_or(|language| *language == text("da"))
        });
        let consent = json!({"at": "2026-11-29", "withdrawnAt": "2026-11-30", "text": shown});
        let asked = json!({"scope": "everything", "requestedBy": "applicant", "consent": consent});
        erased_as(&asked, 1, &[&conversations, &customers, &cases, &submissions, &mark, &log, &write])
            .await
            .expect("erased");
        assert_eq!(write.num_calls(), 1);
    }
}

#[tokio::test]
async fn the_mark_of_an_application_that_is_gone_is_taken_away() {
    let mark = application(Some(row([("erasureAt", "2026-11-30T08:00:00.000Z")])));
    let write = writes(|request| request.transact_items()[0].delete().is_some());
    let log = log(row([("what", "applicationErased")]));
    erased_as(&by_retention("evidence"), 0, &[&mark, &log, &write]).await.expect("taken away");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn a_lost_answer_about_evidence_has_one_receipt() {
    let mut own = receipt(EXECUTION);
    own.insert("what".to_owned(), text("evidenceErased"));
    let (unmarked, log) = (application(Some(row([("status", "DECIDED")]))), log(own));
    let output = erased_as(&by_retention("evidence"), 3, &[&unmarked, &log]).await.expect("the same answer");
    assert_eq!(output["restorableUntil"], "2027-01-04");
}

fn nothing() -> [Rule; 4] {
    ["conversations", "customers", "cases", "submissions"].map(|table| keys(table, Vec::new()))
}

#[tokio::test]
async fn a_lost_answer_has_one_receipt() {
    let [conversations, customers, cases, submissions] = nothing();
    let (gone, log) = (application(None), log(receipt(EXECUTION)));
    let output =
        erased(9, &[&conversations, &customers, &cases, &submissions, &gone, &log]).await.expect("the same answer");
    assert_eq!((&output["erased"]["objects"], &output["erased"]["applications"]), (&json!(9), &json!(1)));
    assert_eq!(output["restorableUntil"], "2027-01-04");
}

#[tokio::test]
async fn a_second_erasure_that_finds_nothing_only_takes_its_mark_away() {
    let [conversations, customers, cases, submissions] = nothing();
    let (mark, log) = (application(Some(row([("erasureAt", "2026-11-30T08:00:00.000Z")]))), log(receipt("another")));
    let write = writes(|request| request.transact_items().len() == 1 && request.transact_items()[0].delete().is_some());
    let output =
        erased(0, &[&conversations, &customers, &cases, &submissions, &mark, &log, &write]).await.expect("erased");
    assert_eq!((&output["erased"]["applications"], write.num_calls()), (&json!(0), 1));
}

#[tokio::test]
async fn what_a_second_erasure_finds_is_recorded() {
    let [conversations, customers, cases, submissions] = nothing();
    let (mark, log) = (application(Some(row([("erasureAt", "2026-11-30T08:00:00.000Z")]))), log(receipt("another")));
    let write = writes(|request| request.transact_items().len() == 2);
    erased(1, &[&conversations, &customers, &cases, &submissions, &mark, &log, &write]).await.expect("erased");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn what_another_erasure_has_finished_meanwhile_is_done() {
    let [conversations, customers, cases, submissions] = nothing();
    let (gone, log) = (application(None), log(receipt("another")));
    let output = erased(2, &[&conversations, &customers, &cases, &submissions, &gone, &log]).await.expect("erased");
    assert_eq!((&output["erased"]["objects"], &output["erased"]["applications"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn without_the_mark_nothing_is_recorded() {
    let [conversations, customers, cases, submissions] = nothing();
    let (unmarked, log) = (application(Some(row([("status", "IN_PROGRESS")]))), log(row([("what", "caseViewed")])));
    let refused = mock!(Client::transact_write_items).then_error(|| {
        let reason = CancellationReason::builder().code("ConditionalCheckFailed").build();
        let cancelled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
        TransactWriteItemsError::TransactionCanceledException(cancelled)
    });
    let error = erased(0, &[&conversations, &customers, &cases, &submissions, &unmarked, &log, &refused])
        .await
        .expect_err("refused");
    assert_eq!((error.name(), refused.num_calls()), (ErrorName::Transient, TRIES));
}

#[tokio::test]
async fn a_denied_table_is_internal() {
    let denied = mock!(Client::query).then_error(|| {
        let code = aws_sdk_dynamodb::error::ErrorMetadata::builder().code("AccessDeniedException").build();
        aws_sdk_dynamodb::operation::query::QueryError::generic(code)
    });
    let error = erased(0, &[&denied]).await.expect_err("denied");
    assert_eq!((error.name(), error.code()), (ErrorName::Internal, Some("AccessDeniedException")));
}
