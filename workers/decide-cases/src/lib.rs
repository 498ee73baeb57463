//! Serves `POST /cases/{applicationId}/{caseId}/claim`, `…/release`, `…/decision` and `…/notes` of the review API.
//!
//! The row of the case is the truth: each change has the conditions under which it was judged, so that of two reviewers one wins. A decision
//! is written first, and then the waiting machine is told to read it.

mod claim;
mod decision;
mod note;

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use bonafide_domain::face_api::ApiError;
use bonafide_records::Log;
use bonafide_review::{Case, CaseRef, Cases, Error, reviewer};
use bonafide_worker::{ApiAnswer, ApiRequest, Metrics, record_application, text};

/// What the routes change.
#[derive(Clone, Debug)]
pub struct Decider {
    /// The cases, applications and submissions.
    pub cases: Cases,
    /// The log of decisions.
    pub log: Log,
    /// Answers the task token of a case.
    pub step_functions: aws_sdk_sfn::Client,
    /// Where decisions are counted.
    pub metrics: Metrics,
    /// The app client in which reviewers sign in.
    pub client_id: String,
}

/// Claims, releases or decides a case, or adds a note to it.
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
        ("POST", "/cases/{applicationId}/{caseId}/notes") => decider.note(&case, &person, &request).await,
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

#[cfg(test)]
mod tests;
