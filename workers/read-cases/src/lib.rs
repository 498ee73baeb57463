//! Serves `GET /cases` and `GET /cases/{applicationId}/{caseId}` of the review API.

mod list;
mod show;

use bonafide_domain::face_api::ApiError;
use bonafide_review::{Cases, Error, Log, reviewer};
use bonafide_worker::{ApiAnswer, ApiRequest};

/// What the routes read.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The cases, applications and submissions.
    pub cases: Cases,
    /// The log of decisions, which records who looks.
    pub log: Log,
    /// For signed addresses of evidence.
    pub s3: aws_sdk_s3::Client,
    /// The app client in which reviewers sign in.
    pub client_id: String,
}

/// Lists cases, or shows one.
///
/// # Errors
/// When the request is refused, or a service does not answer.
pub async fn handle(reader: &Reader, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let person = reviewer(&request, &reader.client_id)?;
    match request.route() {
        ("GET", "/cases") => list::list(&reader.cases, &request).await,
        ("GET", "/cases/{applicationId}/{caseId}") => show::show(reader, &request, &person).await,
        _ => Err(ApiError::RouteNotFound.into()),
    }
}

#[cfg(test)]
mod tests;
