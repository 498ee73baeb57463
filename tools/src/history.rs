//! Execution histories: which states were entered, in which order, in an execution and in those that it started.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use aws_sdk_sfn::types::HistoryEvent;
use serde_json::{Value, json};

use crate::local::Local;
use crate::machine::{MACHINES, is_mark};

/// One execution as it went.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its ARN.
    pub execution: String,
    /// All that happened.
    pub events: Vec<HistoryEvent>,
    /// What it was started with.
    pub input: Value,
    /// What it returned, if it succeeded.
    pub output: Option<Value>,
    /// The same as the service tells it, inputs, outputs and causes included: what must not be in it is searched for here.
    pub text: String,
}

impl Trace {
    /// Reads the history of one execution.
    ///
    /// # Errors
    /// When Step Functions does not know it.
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
        let (description, text) = told(local, execution)?;
        let parsed = |name: &str| description[name].as_str().map(serde_json::from_str).transpose();
        let input = parsed("input")?.unwrap_or_default();
        let output = if description["status"] == "SUCCEEDED" { parsed("output")? } else { None };
        Ok(Self { execution: execution.to_owned(), events, input, output, text })
    }

    /// Reads the history of an execution and of all that it started, parents first.
    ///
    /// # Errors
    /// When Step Functions does not know one of them.
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

    /// The name of its machine's definition; empty for a machine of somebody else.
    #[must_use]
    pub fn definition(&self) -> &'static str {
        // A deployed machine is called after its definition, with a prefix.
        let names = MACHINES.map(|(name, _)| name).into_iter().filter(|name| self.machine().ends_with(name));
        // `agent-onboarding` ends with `onboarding`.
        names.max_by_key(|name| name.len()).unwrap_or_default()
    }

    /// The states in the order in which they were entered, without marks.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.entered().filter(|state| !is_mark(state)).collect()
    }

    /// The states in the order in which they were entered, marks included.
    pub fn entered(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|event| Some(event.state_entered_event_details.as_ref()?.name()))
    }

    /// What tasks returned, by state.
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

    /// What tasks were scheduled with.
    pub fn scheduled(&self) -> impl Iterator<Item = Value> {
        let scheduled = self.events.iter().filter_map(|event| event.task_scheduled_event_details.as_ref());
        scheduled.filter_map(|details| serde_json::from_str(details.parameters()).ok())
    }

    /// The states whose task was scheduled again after it had failed.
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

    /// How often tasks failed on the way, by state.
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

/// The description of an execution; and all that the service tells of it: description and every page of the history.
///
/// # Errors
/// When Step Functions does not know it.
pub fn told(local: &Local, execution: &str) -> Result<(Value, String)> {
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
