//! One connection for all tests of a binary, and executions that are started and looked at.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Deployment;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::contracts;
use crate::history::Trace;
use crate::local::Local;
use crate::notifications::{Inbox, Notification};

/// A row of the applications table.
pub type Row = HashMap<String, AttributeValue>;

/// Longer than any execution takes, retries included.
const LIMIT: Duration = Duration::from_mins(3);

/// What all tests of a binary share.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    /// The local AWS.
    pub local: Local,
    /// What is deployed there.
    pub deployment: Deployment,
    /// What it publishes.
    pub inbox: Inbox,
}

/// The one bench; made by the first test that needs it.
///
/// # Panics
/// When there is no deployed local AWS.
pub fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let (local, deployment, inbox) = runtime
            .block_on(async {
                let local = Local::from_environment().await?;
                let deployment = local.deployment().await?;
                let name = format!("test-{}", std::process::id());
                let inbox = Inbox::open(&local, deployment.data("NotificationsTopicArn")?, &name).await?;
                anyhow::Ok((local, deployment, inbox))
            })
            .expect("a deployed local AWS: run `cargo xtask test`");
        Bench { runtime, local, deployment, inbox }
    })
}

/// How an execution ended, and everything that it did on the way.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExecutionStatus,
    /// What it returned.
    pub output: Value,
    /// The name of the error that ended it.
    pub error: Option<String>,
    /// The execution, then those that it started.
    pub traces: Vec<Trace>,
}

impl Ended {
    /// The states of the execution itself.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.traces.first().map(Trace::path).unwrap_or_default()
    }

    /// All that can be read about it and its children.
    #[must_use]
    pub fn text(&self) -> String {
        self.traces.iter().map(|trace| trace.text.as_str()).collect()
    }

    /// Its ARN.
    #[must_use]
    pub fn execution(&self) -> &str {
        self.traces.first().map(|trace| trace.execution.as_str()).unwrap_or_default()
    }
}

impl Bench {
    /// Runs a test's future.
    ///
    /// # Panics
    /// When it fails.
    pub fn run<T>(&self, test: impl Future<Output = Result<T>>) -> T {
        match self.runtime.block_on(test) {
            Ok(value) => value,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Starts a machine (by the output that holds its ARN) and waits for its end.
    ///
    /// # Errors
    /// When it does not start, or does not end.
    pub async fn execute(&self, machine: &'static str, name: &str, input: &Value) -> Result<Ended> {
        let machine = self.deployment.machine(machine)?;
        let started = self
            .local
            .sfn
            .start_execution()
            .state_machine_arn(machine)
            .name(name)
            .input(input.to_string())
            .send()
            .await
            .context("start the execution")?;
        self.ended(&started.execution_arn).await
    }

    /// Waits for the end of an execution, which need not have started.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(&self, execution: &str) -> Result<Ended> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let status = self.local.status(execution).await?;
            if status.is_some_and(|status| status != ExecutionStatus::Running) {
                let now = self.local.sfn.describe_execution().execution_arn(execution).send().await?;
                let traces = Trace::fetch_all(&self.local, execution).await?;
                traces.iter().try_for_each(contracts::check)?;
                let output = now.output.map(|output| serde_json::from_str(&output)).transpose()?.unwrap_or_default();
                return Ok(Ended { status: now.status, output, error: now.error, traces });
            }
            if Instant::now() > deadline {
                let went = Trace::fetch(&self.local, execution).await.map(|trace| format!("{:?}", trace.path()));
                bail!("{execution} has not ended; it went {}", went.unwrap_or_else(|_| "nowhere".to_owned()));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an execution has entered a state.
    ///
    /// # Errors
    /// When it does not.
    pub async fn entered(&self, execution: &str, state: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let trace = Trace::fetch(&self.local, execution).await?;
            if trace.path().contains(&state) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{execution} has not come to {state}; it went {:?}", trace.path());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn put_row(
        &self,
        id: &str,
        attributes: impl IntoIterator<Item = (String, AttributeValue)>,
    ) -> Result<()> {
        let table = self.deployment.data("ApplicationsTableName")?;
        let put = self.local.dynamodb.put_item().table_name(table).item("applicationId", s(id));
        let put = attributes.into_iter().fold(put, |put, (name, value)| put.item(name, value));
        put.send().await.context("write the row")?;
        Ok(())
    }

    /// Lets the row name the execution that judges the application's package, unless it names one.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn name_execution(&self, id: &str, execution: &str) -> Result<()> {
        let table = self.deployment.data("ApplicationsTableName")?;
        let update = self.local.dynamodb.update_item().table_name(table).key("applicationId", s(id));
        let update = update.update_expression("SET executionArn = if_not_exists(executionArn, :execution)");
        update.expression_attribute_values(":execution", s(execution)).send().await.context("write the row")?;
        Ok(())
    }

    /// Reads a row; empty when there is none.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn row(&self, id: &str) -> Result<Row> {
        let table = self.deployment.data("ApplicationsTableName")?;
        let get = self.local.dynamodb.get_item().table_name(table).key("applicationId", s(id)).consistent_read(true);
        Ok(get.send().await.context("read the row")?.item.unwrap_or_default())
    }

    /// Reads a row until it is as expected, for what is written after an execution has ended.
    ///
    /// # Errors
    /// When it never is.
    pub async fn row_when(&self, id: &str, is_expected: impl Fn(&Row) -> bool) -> Result<Row> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let row = self.row(id).await?;
            if is_expected(&row) {
                return Ok(row);
            }
            if Instant::now() > deadline {
                bail!("the row of {id} is not as expected: {:?}", plain(&row));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The applications to which the faces of the collection belong, once for each face.
    ///
    /// # Errors
    /// When the stand-in does not answer.
    pub fn faces(&self) -> Result<Vec<String>> {
        let collection = self.deployment.data("FaceCollectionId")?;
        let body = json!({"CollectionId": collection, "MaxResults": 4096});
        let answer = self.local.raw("rekognition", "RekognitionService.ListFaces", &body)?;
        let faces = answer["Faces"].as_array().context("ListFaces answered without faces")?;
        Ok(faces
            .iter()
            .filter_map(|face| Some(face["ExternalImageId"].as_str()?.split(':').next()?.to_owned()))
            .collect())
    }

    /// What was published about an application; waits for `expected` messages, then a little longer for one too many.
    pub async fn notifications(&self, id: &str, expected: usize) -> Vec<Notification> {
        self.inbox.settled(id, expected).await
    }
}

/// A text attribute.
#[must_use]
pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A number attribute.
#[must_use]
pub fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A map attribute.
#[must_use]
pub fn m(entries: &[(&str, AttributeValue)]) -> AttributeValue {
    AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// A row as JSON, without `DynamoDB`'s type names.
#[must_use]
pub fn plain(row: &Row) -> Value {
    Value::Object(row.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect())
}

fn plain_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => number.parse::<f64>().map_or(Value::Null, |number| json!(number)),
        AttributeValue::Bool(truth) => json!(truth),
        AttributeValue::L(values) => values.iter().map(plain_value).collect(),
        AttributeValue::Ss(texts) => json!(texts),
        AttributeValue::M(map) => plain(map),
        _ => Value::Null,
    }
}

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
