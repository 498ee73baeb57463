//! Serves `POST /applications/{applicationId}/reopen`, `…/appeal`, `…/hold`, `…/unhold`, `…/end-relationship`, `…/resume-relationship`,
//! `…/erase`, `…/access` and `POST /executions/{execution}/replay` of the review API.
//!
//! Each change has the conditions under which it was judged, and its record in the log of decisions.

mod appeal;
mod change;
mod erase;
mod record;
mod replay;

use bonafide_domain::{ApplicationId, CaseRefusal, Reviewer, face_api::ApiError};
use bonafide_erasure::{Objects, Records};
use bonafide_records::{Event, Log, record as logged};
use bonafide_review::{Error, reviewer};
use bonafide_worker::{ApiAnswer, ApiRequest, Applications, Submissions, now, record_application};
use serde::{Deserialize, Serialize};

/// What the routes change.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The client for transactions.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Submissions,
    /// The keys of the submissions.
    pub submission_records: Records,
    /// The keys of the cases.
    pub case_records: Records,
    /// The customers.
    pub customers: Records,
    /// The objects in the bucket.
    pub objects: Objects,
    /// The log of decisions.
    pub log: Log,
    /// Describes and redrives executions.
    pub step_functions: aws_sdk_sfn::Client,
    /// The ARN of the machine Onboarding.
    pub machine: String,
    /// The ARN of the machine Erasure.
    pub erasure: String,
    /// Sends events of uploads to the starter.
    pub sqs: aws_sdk_sqs::Client,
    /// The URL of its queue.
    pub uploads: String,
    /// How long the data of a customer have to stay after the end of the relationship, in days.
    pub customer_days: u32,
    /// Whether an upload without the person's consent is not judged again.
    pub is_consent_required: bool,
    /// The app client in which reviewers sign in.
    pub client_id: String,
}

/// The body of the requests that change an application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    reason: String,
}

/// An answer that has nothing but the application.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'id> {
    success: bool,
    application_id: &'id str,
}

/// Reopens an application, appeals for it, holds or erases its data, ends or resumes the relationship with its customer, records an export,
/// or replays an execution.
///
/// # Errors
/// When the request is refused, or a service does not answer.
pub async fn handle(operator: &Operator, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let person = reviewer(&request, &operator.client_id)?;
    let change = async |change| operator.change(change, &named(&request)?, &person, &request).await;
    match request.route() {
        ("POST", "/applications/{applicationId}/reopen") => change(change::REOPEN).await,
        ("POST", "/applications/{applicationId}/appeal") => operator.appeal(&named(&request)?, &person, &request).await,
        ("POST", "/applications/{applicationId}/hold") => change(change::HOLD).await,
        ("POST", "/applications/{applicationId}/unhold") => change(change::UNHOLD).await,
        ("POST", "/applications/{applicationId}/end-relationship") => change(change::END).await,
        ("POST", "/applications/{applicationId}/resume-relationship") => change(change::RESUME).await,
        ("POST", "/applications/{applicationId}/erase") => operator.erase(&named(&request)?, &person, &request).await,
        ("POST", "/applications/{applicationId}/access") => operator.access(&named(&request)?, &person).await,
        ("POST", "/executions/{execution}/replay") => operator.replay(&person, &request).await,
        _ => Err(ApiError::RouteNotFound.into()),
    }
}

impl Operator {
    /// Records that this reviewer is given everything about an application, before it is read.
    async fn access(&self, application: &ApplicationId, person: &Reviewer) -> Result<ApiAnswer, Error> {
        self.is_known(application).await?;
        self.log.add(application, logged(application, (Event::DataRead, &person.id, &now()))).await?;
        Ok(ApiAnswer::ok(&Done { success: true, application_id: application.as_str() }))
    }

    /// Refuses an application of which there is neither a record nor a decision.
    async fn is_known(&self, application: &ApplicationId) -> Result<(), Error> {
        let row = self.applications.read(application, &["applicationId"]).await?;
        if row.is_empty() && self.log.head(application).await?.number == 0 {
            return Err(CaseRefusal::ApplicationNotFound.into());
        }
        Ok(())
    }
}

/// The application of the path.
fn named(request: &ApiRequest) -> Result<ApplicationId, CaseRefusal> {
    let application = request.path("applicationId").ok_or(CaseRefusal::ApplicationNotFound)?;
    record_application(&application);
    Ok(application)
}

#[cfg(test)]
mod tests;
