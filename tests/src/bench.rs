//! One connection for all tests of a binary, and helpers that start and inspect executions.

use std::env;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Deployment;
use bonafide_tools::cases;
use bonafide_tools::history::Trace;
use bonafide_tools::notifications::{Inbox, Notification};
use bonafide_tools::rows::{Row, m, plain, s};
use bonafide_tools::{Local, WAIT_LIMIT, repository, until};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::contracts;

/// The connections that all tests of a binary share.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    /// The local AWS.
    pub local: Local,
    /// The deployment there.
    pub deployment: Deployment,
    /// Its notifications.
    pub inbox: Inbox,
}

/// The shared bench, created by the first test that needs it.
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

/// The operators' command, as it was built with the tests.
///
/// # Errors
/// When the path of this test binary is unknown.
pub fn operators_command() -> Result<PathBuf> {
    // target/debug/deps/e2e-… → target/debug/bonafide
    Ok(env::current_exe()?.parent().context("no folder")?.with_file_name("bonafide"))
}

/// An ended execution and its history.
#[derive(Debug)]
pub struct Ended {
    /// Its final status.
    pub status: ExecutionStatus,
    /// Its output.
    pub output: Value,
    /// The name of the error that ended it.
    pub error: Option<String>,
    /// The traces of the execution and then of those that it started.
    pub traces: Vec<Trace>,
}

impl Ended {
    /// The states of the execution itself, in their order.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.traces.first().map(Trace::path).unwrap_or_default()
    }

    /// All data about it and its children, as text.
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

    /// Starts a machine (named by the output with its ARN) and waits for its end.
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

    /// Waits for the end of an execution, which may start later.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(&self, execution: &str) -> Result<Ended> {
        let what = format!("{execution} ends");
        let over = until(&what, async || {
            let status = self.local.status(execution).await?;
            let is_over = status.as_ref().is_some_and(|status| *status != ExecutionStatus::Running);
            Ok(is_over.then_some(()).ok_or_else(|| format!("its status is {status:?}")))
        });
        if let Err(error) = over.await {
            let path = Trace::fetch(&self.local, execution).map(|trace| format!("{:?}", trace.path()));
            return Err(error.context(format!("its path is {}", path.unwrap_or_default())));
        }
        let now = self.local.sfn.describe_execution().execution_arn(execution).send().await?;
        let traces = Trace::fetch_all(&self.local, execution)?;
        traces.iter().try_for_each(contracts::check)?;
        let output = now.output.map(|output| serde_json::from_str(&output)).transpose()?.unwrap_or_default();
        Ok(Ended { status: now.status, output, error: now.error, traces })
    }

    /// The same for an execution whose application is not reviewed: its cases end without a decision.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended_undecided(&self, id: &str, execution: &str) -> Result<Ended> {
        until(&format!("{execution} waits for a reviewer or ends"), async || {
            cases::end(&self.local, &self.deployment, id).await?;
            let status = self.local.status(execution).await?;
            let is_over = status.as_ref().is_some_and(|status| *status != ExecutionStatus::Running);
            Ok(is_over.then_some(()).ok_or_else(|| format!("its status is {status:?}")))
        })
        .await?;
        self.ended(execution).await
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When the table refuses it.
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

    /// Writes the record of a submission.
    ///
    /// # Errors
    /// When the table refuses it.
    pub async fn put_submission(
        &self,
        id: &str,
        submission: &str,
        attributes: impl IntoIterator<Item = (String, AttributeValue)>,
    ) -> Result<()> {
        let put = self.local.dynamodb.put_item().table_name(self.deployment.data("SubmissionsTableName")?);
        let put = put.item("applicationId", s(id)).item("submissionId", s(submission));
        let put = attributes.into_iter().fold(put, |put, (name, value)| put.item(name, value));
        put.send().await.context("write the submission")?;
        Ok(())
    }

    /// Reads all submissions of an application, including refused ones, in the order in which they were received.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn submissions(&self, id: &str) -> Result<Vec<Row>> {
        let mut submissions = self.items_of("SubmissionsTableName", id).await?;
        let received = |row: &Row| row.get("receivedAt").and_then(|at| at.as_s().ok().cloned());
        submissions.sort_by_key(received);
        Ok(submissions)
    }

    /// Reads all decisions of an application, in their order.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn decisions(&self, id: &str) -> Result<Vec<Row>> {
        self.items_of("DecisionsTableName", id).await
    }

    /// Reads all cases of an application, in their order.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn cases(&self, id: &str) -> Result<Vec<Row>> {
        cases::of(&self.local, &self.deployment, id).await
    }

    /// Waits until the execution waits for a decision about this case, and returns the case.
    ///
    /// # Errors
    /// When it never does.
    pub async fn case_waiting(&self, id: &str, case: &str) -> Result<Row> {
        until(&format!("case {case} of {id} waits for a decision"), async || {
            let cases = self.cases(id).await?;
            let is_waiting = |row: &&Row| {
                row.get("caseId") == Some(&s(case))
                    && row.get("status") == Some(&s("OPEN"))
                    && row.contains_key("taskToken")
            };
            Ok(cases
                .iter()
                .find(is_waiting)
                .cloned()
                .ok_or_else(|| json!(cases.iter().map(plain).collect::<Vec<_>>()).to_string()))
        })
        .await
    }

    /// Records the decision about a case as the review API does.
    ///
    /// # Errors
    /// When the case is not open.
    pub async fn record_decision(&self, id: &str, case: &str, outcome: &str, reasons: &[&str]) -> Result<()> {
        let list = |texts: &[&str]| AttributeValue::L(texts.iter().map(|text| s(text)).collect());
        let decision = m(&[
            ("outcome", s(outcome)),
            ("reasons", list(reasons)),
            ("reviewers", list(&["sub-of-ann", "sub-of-bob"])),
            ("at", s("2026-11-28T09:30:00.000Z")),
        ]);
        let update = self.local.dynamodb.update_item().table_name(self.deployment.data("CasesTableName")?);
        let update = update.key("applicationId", s(id)).key("caseId", s(case));
        let update = update
            .update_expression("SET #status = :decided, decidedAt = :at, decision = :decision")
            .condition_expression("#status = :open")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":decided", s("DECIDED"))
            .expression_attribute_values(":open", s("OPEN"))
            .expression_attribute_values(":at", s("2026-11-28T09:30:00.000Z"))
            .expression_attribute_values(":decision", decision);
        update.send().await.context("record the decision")?;
        Ok(())
    }

    /// Decides a case as the review API does: the record first, then the token. `None` answers the token without a decision, which ends the
    /// case like the end of its time.
    ///
    /// # Errors
    /// When the case is not open, or nothing waits for it.
    pub async fn decide(&self, id: &str, case: &str, decision: Option<(&str, &[&str])>) -> Result<()> {
        let waiting = self.case_waiting(id, case).await?;
        if let Some((outcome, reasons)) = decision {
            self.record_decision(id, case, outcome, reasons).await?;
        }
        let token = waiting["taskToken"].as_s().ok().context("no token")?;
        let answer = self.local.sfn.send_task_success().task_token(token).output("{}");
        answer.send().await.context("answer the token")?;
        Ok(())
    }

    async fn items_of(&self, table: &'static str, id: &str) -> Result<Vec<Row>> {
        let query = self.local.dynamodb.query().table_name(self.deployment.data(table)?).consistent_read(true);
        let query = query.key_condition_expression("applicationId = :id").expression_attribute_values(":id", s(id));
        let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        items.with_context(|| format!("read {table} of {id}"))
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

    /// Waits until a row is as expected, for writes that follow the end of an execution.
    ///
    /// # Errors
    /// When it never is.
    pub async fn row_when(&self, id: &str, is_expected: impl Fn(&Row) -> bool) -> Result<Row> {
        until(&format!("the row of {id} is as expected"), async || {
            let row = self.row(id).await?;
            Ok(if is_expected(&row) { Ok(row) } else { Err(plain(&row).to_string()) })
        })
        .await
    }

    /// The applications that own the faces of the collection, one entry per face.
    ///
    /// # Errors
    /// When the fake does not answer.
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

    /// The messages about an application; waits for `expected` messages, and for any other that was published until then.
    ///
    /// # Errors
    /// When there are fewer.
    pub async fn notifications(&self, id: &str, expected: usize) -> Result<Vec<Notification>> {
        self.inbox.settled(expected, || self.inbox.about(id)).await
    }

    /// Runs the operators' command against the same deployment.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn bonafide(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(operators_command()?);
        command.args(["--endpoint-url", self.local.endpoint(), "--region", "us-east-1"]).args(arguments);
        if arguments.contains(&"--wait") {
            command.args(["--timeout", &WAIT_LIMIT.as_secs().to_string()]);
        }
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").current_dir(repository());
        command.output().context("run the operators' command")
    }
}
