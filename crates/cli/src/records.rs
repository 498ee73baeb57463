//! The tables of a deployment, and the client for them.

use aws_sdk_dynamodb::Client;
use bonafide_domain::{ApplicationId, SubmissionId};

use crate::application::Application;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::submission::Submission;
use crate::target::Place;

/// The tables of applications and submissions.
#[derive(Debug, Clone)]
pub struct Records {
    /// The client.
    pub dynamodb: Client,
    /// The table of applications.
    pub applications: String,
    /// The table of submissions.
    pub submissions: String,
    /// The place of the deployment, for messages.
    pub place: Place,
}

impl Records {
    /// The tables of this deployment.
    ///
    /// # Errors
    /// When a table is missing in the outputs.
    pub fn of(dynamodb: &Client, deployment: &Deployment, place: &Place) -> Result<Self, Error> {
        Ok(Self {
            dynamodb: dynamodb.clone(),
            applications: deployment.data("ApplicationsTableName")?.to_owned(),
            submissions: deployment.data("SubmissionsTableName")?.to_owned(),
            place: place.clone(),
        })
    }

    /// The record of an application.
    ///
    /// # Errors
    /// When there is none, or AWS refuses or does not answer.
    pub async fn application(&self, id: &ApplicationId) -> Result<Application, Error> {
        let found = Application::fetch(&self.dynamodb, &self.applications, id).await?;
        found.ok_or_else(|| Error::UnknownApplication {
            application_id: id.as_str().to_owned(),
            place: self.place.to_string(),
        })
    }

    /// One submission of an application, if it is recorded.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn submission(&self, id: &ApplicationId, submission: &SubmissionId) -> Result<Option<Submission>, Error> {
        Submission::fetch(&self.dynamodb, &self.submissions, id, submission).await
    }
}
