//! Idempotent requests: a repeated request has one effect, and gets the same answer.
//!
//! A worker first claims the record of the request, with a lease, and adds the answer at the end. When a worker crashes, its lease
//! expires, and the next try continues with the same face.

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use bonafide_domain::face_api::{ApiError, FaceId, Fingerprint, RequestId, Route};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, seconds};

use crate::{Error, new_uuid};

/// How long an answer is stored, in seconds.
const RETENTION: i64 = 24 * 60 * 60;
/// How long a lease lasts, in seconds: longer than the function may run.
const LEASE_SECONDS: i64 = 40;
/// The SDK repeats a write when the answer was lost; the repetition must succeed as well.
const FREE_OR_OWN: &str = "attribute_not_exists(requestId) OR expiresAt < :now OR claimedBy = :own";
const OWN: &str = "claimedBy = :own AND attribute_not_exists(body)";
const EXPIRED_OR_OWN: &str = "(leaseUntil = :seen OR claimedBy = :own) AND attribute_not_exists(body)";

/// The table and the client for it.
#[derive(Clone, Debug)]
pub struct Requests {
    client: Client,
    table: String,
}

/// Which face a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The face that was chosen at the first attempt.
    pub face_id: FaceId,
    /// Whether an earlier attempt has begun, and may have done some or all of the work.
    pub resumed: bool,
}

/// A request that this worker is to serve.
#[derive(Clone, Debug)]
struct Claim {
    id: RequestId,
    attempt: Attempt,
    /// Unique for each claim. Until the lease expires, no other worker serves the request.
    by: String,
}

impl Requests {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Serves a request once for each `Idempotency-Key`; without one, each time.
    ///
    /// A success is stored. A refusal is not: the next try may succeed, for example when the picture has been uploaded since.
    ///
    /// # Errors
    /// Those of `serve`; and when the key is invalid or was used for another request, the request is in progress, or the table does not
    /// answer.
    pub async fn once(
        &self,
        request: &ApiRequest,
        route: Route,
        fingerprint: &Fingerprint,
        face_id: FaceId,
        serve: impl AsyncFnOnce(Attempt) -> Result<ApiAnswer, Error>,
    ) -> Result<ApiAnswer, Error> {
        let first = Attempt { face_id, resumed: false };
        let Some(key) = request.idempotency_key()? else { return serve(first).await };
        let id = RequestId::of(request.caller(), route, &key);
        let claim = match self.claim(id, fingerprint, first, seconds()).await? {
            Ok(claim) => claim,
            Err(answer) => return Ok(answer),
        };
        let result = serve(claim.attempt.clone()).await;
        // An error here must not hide the result: without the stored answer, the next try finds the same face.
        let _ = match &result {
            Ok(answer) => self.store(&claim, answer).await,
            Err(_) => self.release(&claim).await,
        };
        result
    }

    /// The claim, or the stored answer.
    async fn claim(
        &self,
        id: RequestId,
        fingerprint: &Fingerprint,
        attempt: Attempt,
        now: i64,
    ) -> Result<Result<Claim, ApiAnswer>, Error> {
        let (by, lease) = (new_uuid(), now + LEASE_SECONDS);
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .item("requestId", text(id.as_str()))
            .item("fingerprint", text(fingerprint.as_str()))
            .item("faceId", text(attempt.face_id.as_str()))
            .item("claimedBy", text(&by))
            .item("leaseUntil", number(lease))
            .item("expiresAt", number(now + RETENTION))
            // DynamoDB deletes expired items within days, not at once.
            .condition_expression(FREE_OR_OWN)
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":own", text(&by))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(Ok(Claim { id, attempt, by })) };
        let earlier = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(taken)) => taken.item().cloned().unwrap_or_default(),
            _ => return Err(Error::of("the request could not be recorded", error)),
        };
        if column(&earlier, "fingerprint") != Some(fingerprint.as_str()) {
            return Err(ApiError::IdempotencyKeyReused.into());
        }
        if let Some(body) = column(&earlier, "body") {
            let status = integer(&earlier, "status").and_then(|status| u16::try_from(status).ok());
            return Ok(Err(ApiAnswer::repeated(status.ok_or(Error::Incomplete("status"))?, body.to_owned())));
        }
        let seen = integer(&earlier, "leaseUntil").ok_or(Error::Incomplete("leaseUntil"))?;
        if seen >= now {
            return Err(ApiError::RequestInProgress.into());
        }
        let face_id =
            column(&earlier, "faceId").and_then(|face| face.parse().ok()).ok_or(Error::Incomplete("faceId"))?;
        let claim = Claim { id, attempt: Attempt { face_id, resumed: true }, by };
        // Of two concurrent tries, one continues.
        let values = [(":new", number(lease)), (":seen", number(seen))];
        if self.change(&claim, "SET leaseUntil = :new, claimedBy = :own", EXPIRED_OR_OWN, values).await? {
            Ok(Ok(claim))
        } else {
            Err(ApiError::RequestInProgress.into())
        }
    }

    async fn store(&self, claim: &Claim, answer: &ApiAnswer) -> Result<bool, Error> {
        let values = [(":status", number(i64::from(answer.status()))), (":body", text(answer.body()))];
        self.change(claim, "SET #status = :status, body = :body", OWN, values).await
    }

    async fn release(&self, claim: &Claim) -> Result<bool, Error> {
        self.change(claim, "SET leaseUntil = :none", OWN, [(":none", number(0))]).await
    }

    /// False when the condition is not met: another worker serves the request.
    async fn change<const N: usize>(
        &self,
        claim: &Claim,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<bool, Error> {
        let update = self.client.update_item().table_name(&self.table).key("requestId", text(claim.id.as_str()));
        let mut update = update
            .update_expression(change)
            .condition_expression(condition)
            .expression_attribute_values(":own", text(&claim.by));
        if change.contains("#status") {
            update = update.expression_attribute_names("#status", "status");
        }
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(error) if error.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(Error::of("the request could not be recorded", error)),
            },
        }
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn integer(row: &Row, name: &str) -> Option<i64> {
    row.get(name)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use aws_sdk_dynamodb::{
        operation::{
            put_item::PutItemOutput,
            update_item::{UpdateItemError, UpdateItemOutput},
        },
        types::error::ConditionalCheckFailedException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_domain::{ReasonCode, face_api::Refusal};
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use super::*;

    const FIRST: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    fn face(id: &str) -> FaceId {
        id.parse().expect("an id")
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint::of(&[b"a request"])
    }

    fn request(key: Option<&str>) -> ApiRequest {
        let headers = json!({"Idempotency-Key": key});
        let event = json!({"headers": headers, "body": null, "requestContext": {"identity": null, "authorizer": null}});
        ApiRequest::read(event, &Api::new("")).expect("a request")
    }

    fn answer() -> ApiAnswer {
        ApiAnswer::ok(&json!({"success": true}))
    }

    /// The table has this record already.
    fn taken(record: Value) -> Rule {
        mock!(Client::put_item).then_error(move || {
            let mut error = ConditionalCheckFailedException::builder();
            for (name, value) in record.as_object().expect("an object") {
                let value = value.as_str().map_or_else(|| AttributeValue::N(value.to_string()), text);
                error = error.item(name, value);
            }
            PutItemError::ConditionalCheckFailedException(error.build())
        })
    }

    fn updates(change: &'static str, condition: &'static str) -> Rule {
        mock!(Client::update_item)
            .match_requests(move |request| {
                request.condition_expression() == Some(condition) && request.update_expression() == Some(change)
            })
            .then_output(|| UpdateItemOutput::builder().build())
    }

    async fn once(
        rules: &[&Rule],
        key: Option<&str>,
        serve: impl AsyncFnOnce(Attempt) -> Result<ApiAnswer, Error>,
    ) -> Result<ApiAnswer, Error> {
        let requests = Requests::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "requests".into());
        let second = face("0c1d2e3f-4a5b-4c6d-8e7f-00112233ffff");
        requests.once(&request(key), Route::Register, &fingerprint(), second, serve).await
    }

    fn refused(result: Result<ApiAnswer, Error>) -> Refusal {
        match result {
            Err(Error::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    const STORE: &str = "SET #status = :status, body = :body";
    const LEASE_CHANGE: &str = "SET leaseUntil = :new, claimedBy = :own";
    const RELEASE: &str = "SET leaseUntil = :none";

    #[tokio::test]
    async fn a_request_without_a_key_is_not_recorded() {
        assert_eq!(once(&[], None, async |_| Ok(answer())).await.expect("an answer"), answer());
        let invalid = once(&[], Some("two words"), async |_| panic!("not served")).await;
        assert_eq!(refused(invalid), ApiError::IdempotencyKeyInvalid.into());
    }

    #[tokio::test]
    async fn a_first_request_is_served_and_its_answer_stored() {
        let put = mock!(Client::put_item)
            .match_requests(|request| {
                let item = request.item().expect("an item");
                let values = request.expression_attribute_values().expect("values");
                // A repetition by the SDK finds its own claim.
                request.condition_expression() == Some(FREE_OR_OWN)
                    && values[":own"] == item["claimedBy"]
                    && item["requestId"].as_s().is_ok_and(|id| id.len() == 64)
                    && item["fingerprint"] == text(fingerprint().as_str())
            })
            .then_output(|| PutItemOutput::builder().build());
        let update = mock!(Client::update_item)
            .match_requests(|request| {
                let values = request.expression_attribute_values().expect("values");
                request.update_expression() == Some(STORE)
                    && values[":body"] == text(r#"{"success":true}"#)
                    && values[":status"] == number(200)
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let result = once(&[&put, &update], Some("key"), async |attempt: Attempt| {
            assert!(!attempt.resumed);
            Ok(answer())
        })
        .await;
        assert_eq!(result.expect("an answer"), answer());
        assert_eq!((put.num_calls(), update.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn a_repeated_request_gets_the_same_answer() {
        let earlier = json!({"fingerprint": fingerprint().as_str(), "status": 200, "body": "{\"faceId\":\"x\"}"});
        let result = once(&[&taken(earlier)], Some("key"), async |_| panic!("served twice")).await;
        assert_eq!(result.expect("an answer"), ApiAnswer::repeated(200, "{\"faceId\":\"x\"}".into()));
    }

    #[tokio::test]
    async fn another_request_under_the_same_key_is_refused() {
        let earlier = json!({"fingerprint": "another", "status": 200, "body": "{}"});
        let result = once(&[&taken(earlier)], Some("key"), async |_| panic!("served")).await;
        assert_eq!(refused(result), ApiError::IdempotencyKeyReused.into());
    }

    #[tokio::test]
    async fn a_request_in_progress_is_refused() {
        let until = seconds() + LEASE_SECONDS * 60;
        let earlier = json!({"fingerprint": fingerprint().as_str(), "faceId": FIRST, "leaseUntil": until});
        let result = once(&[&taken(earlier)], Some("key"), async |_| panic!("served twice")).await;
        assert_eq!(refused(result), ApiError::RequestInProgress.into());
    }

    #[tokio::test]
    async fn an_interrupted_request_continues_with_its_face() {
        let earlier = json!({"fingerprint": fingerprint().as_str(), "faceId": FIRST, "leaseUntil": 7});
        let (taken, lease, store) = (taken(earlier), updates(LEASE_CHANGE, EXPIRED_OR_OWN), updates(STORE, OWN));
        let result = once(&[&taken, &lease, &store], Some("key"), async |attempt| {
            assert_eq!(attempt, Attempt { face_id: face(FIRST), resumed: true });
            Ok(answer())
        })
        .await;
        assert_eq!(result.expect("an answer"), answer());
        assert_eq!((lease.num_calls(), store.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn one_of_two_concurrent_continuations_is_refused() {
        let earlier = json!({"fingerprint": fingerprint().as_str(), "faceId": FIRST, "leaseUntil": 7});
        let lost = mock!(Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        let result = once(&[&taken(earlier), &lost], Some("key"), async |_| panic!("served twice")).await;
        assert_eq!(refused(result), ApiError::RequestInProgress.into());
    }

    #[tokio::test]
    async fn a_refusal_is_not_stored() {
        let put = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
        let release = updates(RELEASE, OWN);
        let result = once(&[&put, &release], Some("key"), async |_| Err(ReasonCode::SelfieTooDark.into())).await;
        assert_eq!(refused(result), ReasonCode::SelfieTooDark.into());
        assert_eq!(release.num_calls(), 1);
    }

    #[tokio::test]
    async fn only_recorded_requests_are_served_and_none_is_lost() {
        let down = mock!(Client::put_item).then_error(|| {
            PutItemError::generic(aws_sdk_dynamodb::error::ErrorMetadata::builder().code("ThrottlingException").build())
        });
        let served = Cell::new(false);
        let result = once(&[&down], Some("key"), async |_| {
            served.set(true);
            Ok(answer())
        })
        .await;
        assert!(matches!(result, Err(Error::Service(_))) && !served.get());

        let put = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
        let down = mock!(Client::update_item).then_error(|| {
            UpdateItemError::generic(
                aws_sdk_dynamodb::error::ErrorMetadata::builder().code("InternalServerError").build(),
            )
        });
        assert_eq!(once(&[&put, &down], Some("key"), async |_| Ok(answer())).await.expect("an answer"), answer());
    }
}
