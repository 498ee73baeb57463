//! Serves the routes of the review API that read: cases, applications, executions and the overview.

mod applications;
mod execution;
mod list;
mod overview;
mod show;
mod submissions;

use bonafide_domain::face_api::ApiError;
use bonafide_records::Log;
use bonafide_review::{Cases, Error, reviewer};
use bonafide_worker::{ApiAnswer, ApiRequest};
pub use execution::Executions;

/// What the routes read.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The cases, applications and submissions.
    pub cases: Cases,
    /// The log of decisions, which records who looks.
    pub log: Log,
    /// For signed addresses of evidence.
    pub s3: aws_sdk_s3::Client,
    /// The executions of this stage.
    pub executions: Executions,
    /// The app client in which reviewers sign in.
    pub client_id: String,
}

/// Answers one of the routes.
///
/// # Errors
/// When the request is refused, or a service does not answer.
pub async fn handle(reader: &Reader, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let person = reviewer(&request, &reader.client_id)?;
    match request.route() {
        ("GET", "/cases") => list::list(&reader.cases, &request).await,
        ("GET", "/cases/{applicationId}/{caseId}") => show::show(reader, &request, &person).await,
        ("GET", "/applications") => applications::list(&reader.cases, &request).await,
        ("GET", "/applications/{applicationId}") => applications::show(&reader.cases, &request).await,
        ("GET", "/executions/{execution}") => reader.executions.show(&request).await,
        ("GET", "/overview") => overview::overview(&reader.cases, &request).await,
        _ => Err(ApiError::RouteNotFound.into()),
    }
}

#[cfg(test)]
mod tests;
