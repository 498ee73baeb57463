//! A connection to the local AWS that `cargo xtask` has started.

use std::env;

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use bonafide_cli::target::{self, Place};
use bonafide_cli::{Application, Deployment};
use bonafide_domain::ApplicationId;
use serde_json::Value;

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

    /// Calls an operation without its client: for services that this project has none for, and for answers that a client would
    /// not show whole (its `Debug` hides what the service's model calls sensitive).
    ///
    /// # Errors
    /// When the local AWS does not answer with JSON.
    pub fn raw(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let request = ureq::post(self.endpoint())
            .header("X-Amz-Target", target)
            .header("Authorization", signature(service))
            .content_type("application/x-amz-json-1.1");
        let mut answer = request.send(body.to_string()).with_context(|| target.to_owned())?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{target} answered something else than JSON"))
    }

    /// Asks a service that speaks REST with JSON.
    ///
    /// # Errors
    /// When the local AWS does not answer with JSON.
    pub fn get(&self, service: &str, path: &str) -> Result<Value> {
        let request = ureq::get(format!("{}{path}", self.endpoint())).header("Authorization", signature(service));
        let text = request.call().with_context(|| path.to_owned())?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{path} answered something else than JSON"))
    }

    /// Tells a service that speaks REST with JSON.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub fn put(&self, service: &str, path: &str, body: &Value) -> Result<()> {
        let request = ureq::put(format!("{}{path}", self.endpoint())).header("Authorization", signature(service));
        request.content_type("application/json").send(body.to_string()).with_context(|| path.to_owned())?;
        Ok(())
    }

    /// Asks a service that speaks the query protocol, which answers with XML.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub fn query(&self, service: &str, form: &str) -> Result<Xml> {
        let request = ureq::post(self.endpoint())
            .header("Authorization", signature(service))
            .content_type("application/x-www-form-urlencoded");
        Ok(Xml(request.send(form).with_context(|| form.to_owned())?.body_mut().read_to_string()?))
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

/// The root's signature is not checked; the credential's scope says which service is meant.
fn signature(service: &str) -> String {
    let credential = format!("Credential=test/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0")
}

/// An answer of which the texts of some elements are wanted.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// The texts of all elements of this name that hold no others, as they are escaped.
    #[must_use]
    pub fn all(&self, element: &str) -> Vec<&str> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        self.0.split(open.as_str()).skip(1).filter_map(|rest| Some(rest.split_once(close.as_str())?.0)).collect()
    }
}
