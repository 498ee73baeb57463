//! Execution histories: which states were entered, in which order, in an execution and in those that it started.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use aws_sdk_sfn::types::HistoryEvent;
use serde_json::{Value, json};

use crate::local::Local;
use crate::machine::{is_marker, machines};

/// One execution with its history.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its ARN.
    pub execution: String,
    /// Its history.
    pub events: Vec<HistoryEvent>,
    /// Its input.
    pub input: Value,
    /// Its output, if it succeeded.
    pub output: Option<Value>,
    /// Everything that the service returns about it, with inputs, outputs and causes, for searches.
    pub text: String,
}

impl Trace {
    /// Reads the history of one execution.
    ///
    /// # Errors
    /// When the execution does not exist.
    pub async fn fetch(local: &Local, execution: &str) -> Result<Self> {
        let client = &local.sfn;
        let mut pages = client
            .get_execution_history()
            .execution_arn(execution)
            .include_execution_data(true)
            .max_results(1000)
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(event) = pages.next().await {
            events.push(event.with_context(|| format!("the history of {execution}"))?);
        }
        let (description, text) = describe(local, execution)?;
        let parsed = |name: &str| description[name].as_str().map(serde_json::from_str).transpose();
        let input = parsed("input")?.unwrap_or_default();
        let output = if description["status"] == "SUCCEEDED" { parsed("output")? } else { None };
        Ok(Self { execution: execution.to_owned(), events, input, output, text })
    }

    /// Reads the history of an execution and of all that it started, parents first.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub async fn fetch_all(local: &Local, execution: &str) -> Result<Vec<Self>> {
        let mut traces = Vec::new();
        let mut pending = VecDeque::from([execution.to_owned()]);
        while let Some(execution) = pending.pop_front() {
            let trace = Self::fetch(local, &execution).await?;
            pending.extend(trace.children());
            traces.push(trace);
        }
        Ok(traces)
    }

    /// The name of its machine.
    #[must_use]
    pub fn machine(&self) -> &str {
        // arn:aws:states:<region>:<account>:execution:<machine>:<name>
        self.execution.split(':').nth(6).unwrap_or_default()
    }

    /// The name of its machine's definition; empty for a machine that is not part of this project.
    #[must_use]
    pub fn definition(&self) -> &'static str {
        // A deployed machine is called after its definition, with a prefix.
        let names = machines().map(|(name, _)| name).filter(|name| self.machine().ends_with(name));
        // `agent-onboarding` ends with `onboarding`.
        names.max_by_key(|name| name.len()).unwrap_or_default()
    }

    /// The states in the order in which they were entered, without markers.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.entered().filter(|state| !is_marker(state)).collect()
    }

    /// The states in the order in which they were entered, markers included.
    pub fn entered(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| Some(event.state_entered_event_details.as_ref()?.name()))
    }

    /// The results of tasks, with their states.
    #[must_use]
    pub fn results(&self) -> Vec<(&str, Value)> {
        let mut state = "";
        let mut results = Vec::new();
        for event in &self.events {
            if let Some(entered) = &event.state_entered_event_details {
                state = entered.name();
            }
            let output = event.task_succeeded_event_details.as_ref().and_then(|details| details.output());
            results.extend(output.and_then(|output| Some((state, serde_json::from_str(output).ok()?))));
        }
        results
    }

    /// The parameters of scheduled tasks.
    pub fn scheduled(&self) -> impl Iterator<Item = Value> {
        let scheduled = self.events.iter().filter_map(|event| event.task_scheduled_event_details.as_ref());
        scheduled.filter_map(|details| serde_json::from_str(details.parameters()).ok())
    }

    /// The states whose task was retried.
    #[must_use]
    pub fn retried(&self) -> Vec<&str> {
        let (mut state, mut has_failed) = ("", false);
        let mut retried = Vec::new();
        for event in &self.events {
            if let Some(entered) = &event.state_entered_event_details {
                (state, has_failed) = (entered.name(), false);
            }
            has_failed |= event.task_failed_event_details.is_some() || event.task_timed_out_event_details.is_some();
            if has_failed && event.task_scheduled_event_details.is_some() {
                retried.push(state);
                has_failed = false;
            }
        }
        retried
    }

    /// The errors of failed attempts, with their states.
    #[must_use]
    pub fn errors(&self) -> Vec<(&str, &str)> {
        let mut state = "";
        let mut errors = Vec::new();
        for event in &self.events {
            if let Some(entered) = &event.state_entered_event_details {
                state = entered.name();
            }
            let task = event.task_failed_event_details.as_ref().and_then(|details| details.error());
            let lambda = event.lambda_function_failed_event_details.as_ref().and_then(|details| details.error());
            let time = event.task_timed_out_event_details.as_ref().and_then(|details| details.error());
            errors.extend(task.or(lambda).or(time).map(|error| (state, error)));
        }
        errors
    }

    /// The executions that its tasks started and waited for.
    #[must_use]
    pub fn children(&self) -> Vec<String> {
        let mut children = Vec::new();
        for event in &self.events {
            let submitted = event.task_submitted_event_details.as_ref().and_then(|details| details.output());
            let succeeded = event.task_succeeded_event_details.as_ref().and_then(|details| details.output());
            for output in [submitted, succeeded].into_iter().flatten() {
                let child = serde_json::from_str::<Value>(output)
                    .ok()
                    .and_then(|output| Some(output.get("ExecutionArn")?.as_str()?.to_owned()));
                children.extend(child.filter(|child| !children.contains(child)));
            }
        }
        children
    }
}

/// All executions of a machine.
///
/// # Errors
/// When Step Functions does not answer.
pub async fn executions(local: &Local, machine: &str) -> Result<Vec<String>> {
    let pages = local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let executions = pages.collect::<Result<Vec<_>, _>>().await.context("list the executions")?;
    Ok(executions.into_iter().map(|execution| execution.execution_arn).collect())
}

/// The description of an execution, and the text of the description and of every page of the history.
///
/// # Errors
/// When the execution does not exist.
pub fn describe(local: &Local, execution: &str) -> Result<(Value, String)> {
    let description = local.raw("states", "AWSStepFunctions.DescribeExecution", &json!({"executionArn": execution}))?;
    let mut text = description.to_string();
    let mut request = json!({"executionArn": execution, "includeExecutionData": true, "maxResults": 1000});
    loop {
        let page = local.raw("states", "AWSStepFunctions.GetExecutionHistory", &request)?;
        text += &page.to_string();
        match page.get("nextToken") {
            Some(token) if token.is_string() => request["nextToken"] = token.clone(),
            _ => return Ok((description, text)),
        }
    }
}
