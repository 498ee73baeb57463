//! A connection to the local AWS that `cargo xtask` has started.

use std::env;

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use bonafide_cli::target::{self, Place};
use bonafide_cli::{Application, Deployment};
use bonafide_domain::ApplicationId;

use crate::control::Control;

/// What the local AWS calls its region.
pub const REGION: &str = "us-east-1";
/// Under which everything is deployed.
pub const STAGE: &str = "dev";

/// The local AWS, and a client for each service.
#[derive(Debug, Clone)]
pub struct Local {
    /// For messages.
    pub place: Place,
    /// Faults and the third party's register.
    pub control: Control,
    /// Stacks.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// The third party's key.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Executions.
    pub sfn: aws_sdk_sfn::Client,
    /// Topics.
    pub sns: aws_sdk_sns::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
}

impl Local {
    /// Connects to the addresses in the environment.
    ///
    /// # Errors
    /// When they are not there.
    pub async fn from_environment() -> Result<Self> {
        let address = |name: &str| {
            env::var(name).with_context(|| {
                format!(
                    "{name} is not set: this needs a local AWS and is run by `cargo xtask test` or `cargo xtask demo`"
                )
            })
        };
        let endpoint = address("BONAFIDE_LOCAL_ENDPOINT")?;
        let control = Control::new(&address("BONAFIDE_LOCAL_CONTROL")?, address("BONAFIDE_LOCAL_THIRD_PARTY")?);
        let config: SdkConfig = target::local(&endpoint, REGION).await;
        Ok(Self {
            place: Place::Local { endpoint },
            control,
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            s3: target::s3(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        })
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        match &self.place {
            Place::Local { endpoint } | Place::Endpoint { endpoint } => endpoint,
            Place::Aws { .. } => "",
        }
    }

    /// What is deployed.
    ///
    /// # Errors
    /// When it is not.
    pub async fn deployment(&self) -> Result<Deployment> {
        Ok(Deployment::find(&self.cloudformation, STAGE, &self.place).await?)
    }

    /// An application's verdict as the operators see it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn application(&self, deployment: &Deployment, id: &ApplicationId) -> Result<Option<Application>> {
        Ok(Application::fetch(&self.dynamodb, deployment.data("ApplicationsTableName")?, id).await?)
    }
}
