use aws_sdk_dynamodb::{
    operation::{get_item::GetItemOutput, query::QueryOutput, transact_write_items::TransactWriteItemsOutput},
    types::error::TransactionCanceledException,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

use super::*;

const NOW: &str = "2026-11-30T09:30:00.000Z";
const SESSION: &str = "7d9ad2a8-0d6c-4c37-9f3c-1d7c3d1f0a11";

fn row(more: &[(&str, AttributeValue)]) -> Row {
    let known = [
        ("consentedAt", text("2026-11-30T09:00:00.000Z")),
        ("consent", map([("version", text("2026-03")), ("language", text("sv"))])),
        ("identity", map([("lastName", text("TESTGAARD"))])),
        ("identityExtraction", map([("outcome", text("pass"))])),
        ("document", map([("versionId", text("v1"))])),
        ("selfie", AttributeValue::Null(true)),
    ];
    known.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn refusal() -> Input {
    let input = json!({
        "applicationId": SESSION, "step": "verify", "check": "registryVerification", "checkOutcome": "refer",
        "scores": {"nameSimilarity": 0.5}, "outcome": "referred", "reasons": ["IDENTITY_UNPROVEN"], "customerId": null,
        "execution": "arn:execution", "definition": "d1", "thresholds": "SimilarityPass=90",
    });
    serde_json::from_value(input).expect("an input")
}

fn approval() -> Input {
    let approved = (Check::CustomerRegistration, CheckOutcome::Pass, Outcome::Approved);
    let (check, check_outcome, outcome) = approved;
    Input { check, check_outcome, outcome, reasons: Vec::new(), customer_id: Some("c-1".to_owned()), ..refusal() }
}

fn writes(is_expected: impl Fn(&Update, &Row) -> bool + Send + Sync + 'static) -> Rule {
    mock!(Client::transact_write_items)
        .match_requests(move |request| {
            let [update, put] = request.transact_items() else { return false };
            is_expected(update.update().expect("an update"), put.put().expect("a put").item())
        })
        .then_output(|| TransactWriteItemsOutput::builder().build())
}

async fn concluded(row: Row, input: Input, writes: &[&Rule]) -> Result<Output, Error> {
    let read =
        mock!(Client::get_item).then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
    let head = mock!(Client::query).then_output(|| {
        let last = [("number", AttributeValue::N("6".into())), ("digest", text("d6"))];
        QueryOutput::builder().items(last.map(|(name, value)| (name.to_owned(), value)).into()).build()
    });
    let rules: Vec<_> = [&read, &head].into_iter().chain(writes.iter().copied()).collect();
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    let tables = Tables {
        applications: Applications::new(client.clone(), "applications".into()),
        log: Log::new(client.clone(), "decisions".into()),
        client,
    };
    handle(&tables, input, Uuid::nil(), NOW).await
}

#[tokio::test]
async fn a_refusal_is_written_with_its_decision() {
    let write = writes(|update, decision| {
        let values = update.expression_attribute_values().expect("values");
        let checks = decision["checks"].as_m().expect("a map");
        let evidence = decision["evidence"].as_m().expect("a map");
        values[":registryVerification"].as_m().is_ok_and(|check| check["outcome"] == text("refer"))
            && (&values[":outcome"], &values[":retention"]) == (&text("referred"), &text("referred"))
            && update.update_expression().ends_with(" REMOVE failure")
            && (&decision["what"], &decision["who"]) == (&text("conversationConcluded"), &text("arn:execution"))
            && (&decision["number"], &decision["step"]) == (&AttributeValue::N("7".into()), &text("verify"))
            && checks.len() == 2
            && checks["registryVerification"] == values[":registryVerification"]
            && evidence.keys().collect::<Vec<_>>() == ["document"]
            && decision["personalDigest"].as_s().is_ok_and(|digest| digest.len() == 64)
            && decision["consent"]
                == map([
                    ("version", text("2026-03")),
                    ("language", text("sv")),
                    ("at", text("2026-11-30T09:00:00.000Z")),
                ])
            && !format!("{decision:?}").contains("TESTGAARD")
    });
    let output = concluded(row(&[]), refusal(), &[&write]).await.expect("recorded");
    assert_eq!((output, write.num_calls()), (Output { is_concluded: true }, 1));
}

#[tokio::test]
async fn an_approval_has_no_retention() {
    let write = writes(|update, decision| {
        let values = update.expression_attribute_values().expect("values");
        update.update_expression().ends_with(" REMOVE failure, retention, retentionFrom")
            && (&values[":customerId"], &decision["customerId"]) == (&text("c-1"), &text("c-1"))
            && !values.contains_key(":retention")
    });
    concluded(row(&[]), approval(), &[&write]).await.expect("recorded");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn a_second_try_changes_nothing_and_a_closed_session_stays_as_it_is() {
    let (own, other) = (("concludedBy", text("arn:execution")), ("concludedBy", text("arn:another")));
    let customer = ("customerId", text("c-1"));
    for (known, is_concluded) in [(vec![own, customer.clone()], true), (vec![other.clone(), customer], false)] {
        let output = concluded(row(&known), refusal(), &[]).await.expect("known");
        assert_eq!(output, Output { is_concluded });
    }
    // The data are being erased, or are erased.
    for gone in [row(&[("erasureAt", text(NOW))]), Row::new()] {
        assert_eq!(concluded(gone, approval(), &[]).await.expect("closed"), Output { is_concluded: false });
    }
    // An earlier execution of the session has asked for another picture.
    let write = writes(|update, _| {
        let values = update.expression_attribute_values().expect("values");
        let condition = update.condition_expression().unwrap_or_default();
        let closed = "attribute_not_exists(customerId) AND attribute_not_exists(erasureAt)";
        condition == format!("attribute_exists(consentedAt) AND {closed} AND concludedBy = :seen")
            && values[":seen"] == text("arn:another")
    });
    concluded(row(&[other]), refusal(), &[&write]).await.expect("recorded");
    assert_eq!(write.num_calls(), 1);
}

#[tokio::test]
async fn what_has_changed_is_read_again_and_an_error_is_reported() {
    let cancelled =
        || TransactWriteItemsError::TransactionCanceledException(TransactionCanceledException::builder().build());
    let once = mock!(Client::transact_write_items)
        .sequence()
        .error(cancelled)
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    concluded(row(&[]), refusal(), &[&once]).await.expect("recorded");
    assert_eq!(once.num_calls(), 2);
    let always = mock!(Client::transact_write_items).then_error(cancelled);
    let error = concluded(row(&[]), refusal(), &[&always]).await.expect_err("contended");
    assert_eq!((error.name(), always.num_calls()), (ErrorName::Transient, TRIES));
}
