//! A connection to the local AWS that `cargo xtask` has started.

use std::env;

use anyhow::{Context as _, Result, bail, ensure};
use aws_config::SdkConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_cli::target::{self, Place};
use bonafide_cli::{Application, Deployment};
use bonafide_domain::ApplicationId;
use serde_json::{Value, json};

use crate::control::Control;

/// The region of the local AWS.
pub const REGION: &str = "us-east-1";
/// The stage of the deployment.
pub const STAGE: &str = "dev";

/// The local AWS, and a client for each service.
#[derive(Debug, Clone)]
pub struct Local {
    /// For messages.
    pub place: Place,
    /// The control API, also for the register of the licence verification service.
    pub control: Control,
    /// Stacks.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// The licence verification service's key.
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
        // A slow machine may take long to answer.
        let config: SdkConfig = target::local(&endpoint, REGION)
            .await
            .into_builder()
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
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

    /// The status of an execution; `None` if it does not exist yet: rows name their execution before it is started.
    ///
    /// # Errors
    /// When Step Functions does not answer.
    pub async fn status(&self, execution: &str) -> Result<Option<ExecutionStatus>> {
        match self.sfn.describe_execution().execution_arn(execution).send().await {
            Ok(now) => Ok(Some(now.status)),
            Err(error) if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) => {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("look at {execution}")),
        }
    }

    /// The number of messages in a queue, including those that are being processed.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn messages(&self, queue: &str) -> Result<u64> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let ask = self.sqs.get_queue_attributes().queue_url(queue).set_attribute_names(Some(counts.to_vec()));
        let attributes = ask.send().await.context("count the messages")?.attributes.unwrap_or_default();
        counts.iter().map(|count| Ok(attributes.get(count).context("no count")?.parse::<u64>()?)).sum()
    }

    /// Calls an operation without the SDK: for services without a client in this project, and for answers of which the SDK's `Debug` hides
    /// fields that the service's model calls sensitive.
    ///
    /// # Errors
    /// When the local AWS does not answer with JSON.
    pub fn raw(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let send = || {
            let request = ureq::post(self.endpoint()).header("X-Amz-Target", target);
            let request = request.header("Authorization", signature(service));
            request.content_type("application/x-amz-json-1.1").send(body.to_string())
        };
        // The emulator fails to list what changes at this moment; an SDK would repeat the request as well.
        let answer = match send() {
            Err(ureq::Error::StatusCode(500)) => send(),
            answer => answer,
        };
        let mut answer = answer.with_context(|| target.to_owned())?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{target} answered with something other than JSON"))
    }

    /// The names of all log groups.
    ///
    /// # Errors
    /// When the local AWS does not answer.
    pub fn log_groups(&self) -> Result<Vec<String>> {
        let groups = self.log_pages("DescribeLogGroups", json!({"limit": 50}), "logGroups")?;
        Ok(groups.iter().filter_map(|group| Some(group["logGroupName"].as_str()?.to_owned())).collect())
    }

    /// All messages of a log group.
    ///
    /// # Errors
    /// When the local AWS does not answer, or has no such group.
    pub fn log(&self, group: &str) -> Result<Vec<String>> {
        self.log_since(group, 0)
    }

    /// The messages of a log group from this time on, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the local AWS does not answer, or has no such group.
    pub fn log_since(&self, group: &str, from: u64) -> Result<Vec<String>> {
        Ok(self.log_events(group, from)?.into_iter().map(|(_, message)| message).collect())
    }

    /// The same, each line with its time.
    ///
    /// # Errors
    /// When the local AWS does not answer, or has no such group.
    pub fn log_events(&self, group: &str, mut from: u64) -> Result<Vec<(u64, String)>> {
        const PAGE: usize = 10_000;
        let mut found = Vec::new();
        loop {
            let request = json!({"logGroupName": group, "limit": PAGE, "startTime": from});
            let mut page = self.log_pages("FilterLogEvents", request, "events")?;
            let time = |event: &Value| event["timestamp"].as_u64().unwrap_or_default();
            let last = page.last().map(time).unwrap_or_default();
            // The emulator gives no token with a full page, so the next page begins at the last time of this one.
            let is_full = page.len() >= PAGE;
            if is_full {
                ensure!(last > from, "{group} has over {PAGE} lines of one millisecond");
                page.retain(|event| time(event) < last);
            }
            found.extend(page.iter().filter_map(|event| Some((time(event), event["message"].as_str()?.to_owned()))));
            if !is_full {
                return Ok(found);
            }
            from = last;
        }
    }

    /// The items of all pages of an answer of `CloudWatch` Logs.
    fn log_pages(&self, operation: &str, mut request: Value, list: &str) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        loop {
            let mut page = self.raw("logs", &format!("Logs_20140328.{operation}"), &request)?;
            found.append(page[list].as_array_mut().with_context(|| format!("{operation} answered without {list}"))?);
            match page["nextToken"].as_str() {
                Some(token) => request["nextToken"] = json!(token),
                None => return Ok(found),
            }
        }
    }

    /// Sends a GET request to a service with a REST API.
    ///
    /// # Errors
    /// When the local AWS does not answer with JSON.
    pub fn get(&self, service: &str, path: &str) -> Result<Value> {
        let request = ureq::get(format!("{}{path}", self.endpoint())).header("Authorization", signature(service));
        let text = request.call().with_context(|| path.to_owned())?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{path} answered with something other than JSON"))
    }

    /// Sends a PUT request to a service with a REST API.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub fn put(&self, service: &str, path: &str, body: &Value) -> Result<()> {
        let request = ureq::put(format!("{}{path}", self.endpoint())).header("Authorization", signature(service));
        request.content_type("application/json").send(body.to_string()).with_context(|| path.to_owned())?;
        Ok(())
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// When there is no such function, or it ended with an error.
    pub fn invoke(&self, function: &str, payload: &Value) -> Result<Value> {
        let path = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint());
        let request = ureq::post(path).header("Authorization", signature("lambda")).content_type("application/json");
        let mut answer = request.send(payload.to_string()).with_context(|| format!("invoke {function}"))?;
        if let Some(error) = answer.headers().get("X-Amz-Function-Error") {
            bail!("{function} ended with an error ({})", error.to_str().unwrap_or_default());
        }
        let text = answer.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{function} answered with something other than JSON"))
    }

    /// Sends a POST request to a service with a REST API.
    ///
    /// # Errors
    /// When the local AWS refuses, or does not answer with JSON.
    pub fn post(&self, service: &str, path: &str, body: &Value) -> Result<Value> {
        let request = ureq::post(format!("{}{path}", self.endpoint())).header("Authorization", signature(service));
        let mut answer =
            request.content_type("application/json").send(body.to_string()).with_context(|| path.to_owned())?;
        let text = answer.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{path} answered with something other than JSON"))
    }

    /// Sends a request to a service with the query protocol, which answers with XML.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub fn query(&self, service: &str, form: &str) -> Result<Xml> {
        let request = ureq::post(self.endpoint())
            .header("Authorization", signature(service))
            .content_type("application/x-www-form-urlencoded");
        Ok(Xml(request.send(form).with_context(|| form.to_owned())?.body_mut().read_to_string()?))
    }

    /// The deployment.
    ///
    /// # Errors
    /// When there is none.
    pub async fn deployment(&self) -> Result<Deployment> {
        Ok(Deployment::find(&self.cloudformation, STAGE, &self.place).await?)
    }

    /// An application as operators see it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn application(&self, deployment: &Deployment, id: &ApplicationId) -> Result<Option<Application>> {
        Ok(Application::fetch(&self.dynamodb, deployment.data("ApplicationsTableName")?, id).await?)
    }
}

/// A signature of the root user, which is not verified; the credential's scope names the service.
fn signature(service: &str) -> String {
    let credential = format!("Credential=test/20260101/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0")
}

/// An answer in XML.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// The texts of all elements of this name without child elements, still escaped.
    #[must_use]
    pub fn all(&self, element: &str) -> Vec<&str> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        self.0.split(open.as_str()).skip(1).filter_map(|rest| Some(rest.split_once(close.as_str())?.0)).collect()
    }
}
