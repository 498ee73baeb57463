//! Serves `POST /cases/{applicationId}/{caseId}/claim`, `…/release` and `…/decision` of the review API.
//!
//! The row of the case is the truth: each change has the conditions under which it was judged, so that of two reviewers one wins. A decision
//! is written first, and then the waiting machine is told to read it.

mod claim;
mod decision;

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, TransactWriteItem},
};
use bonafide_domain::face_api::ApiError;
use bonafide_review::{Case, CaseRef, Cases, Error, Log, reviewer};
use bonafide_worker::{ApiAnswer, ApiRequest, record_application, text};

/// What the routes change.
#[derive(Clone, Debug)]
pub struct Decider {
    /// The cases, applications and submissions.
    pub cases: Cases,
    /// The log of decisions.
    pub log: Log,
    /// Answers the task token of a case.
    pub step_functions: aws_sdk_sfn::Client,
    /// The app client in which reviewers sign in.
    pub client_id: String,
}

/// Claims, releases or decides a case.
///
/// # Errors
/// When the request is refused, or a service does not answer.
pub async fn handle(decider: &Decider, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let person = reviewer(&request, &decider.client_id)?;
    let case = CaseRef::of(&request)?;
    record_application(&case.application);
    match request.route() {
        ("POST", "/cases/{applicationId}/{caseId}/claim") => decider.claim(&case, &person).await,
        ("POST", "/cases/{applicationId}/{caseId}/release") => decider.release(&case, &person).await,
        ("POST", "/cases/{applicationId}/{caseId}/decision") => decider.decide(&case, &person, &request).await,
        _ => Err(ApiError::RouteNotFound.into()),
    }
}

/// The condition that nothing has replaced the submission of the case since it was read.
fn still_latest(cases: &Cases, case: &CaseRef, read: &Case) -> Result<TransactWriteItem, Error> {
    let check = ConditionCheck::builder()
        .table_name(cases.applications.table())
        .key("applicationId", text(case.application.as_str()))
        .condition_expression("#latest.submissionId = :submission")
        .expression_attribute_names("#latest", read.latest())
        .expression_attribute_values(":submission", text(case.case.submission().as_str()))
        .build()?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

/// Writes all items or none. False when a record has changed since it was read: read again.
async fn write(client: &Client, items: Vec<TransactWriteItem>) -> Result<bool, Error> {
    match client.transact_write_items().set_transact_items(Some(items)).send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if cancelled
                    .cancellation_reasons()
                    .iter()
                    .any(|reason| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))) =>
            {
                Ok(false)
            }
            _ => Err(Error::of("the case could not be changed", error)),
        },
    }
}

#[cfg(test)]
mod tests;
