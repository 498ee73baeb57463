//! Execution histories: which states were entered, in which order, in an execution and in those that it started.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::local::Local;
use crate::machine::{is_marker, machines};

// The details of an event, by its type.
const SCHEDULED: &str = "taskScheduledEventDetails";
const SUBMITTED: &str = "taskSubmittedEventDetails";
const SUCCEEDED: &str = "taskSucceededEventDetails";
const FAILED: &str = "taskFailedEventDetails";
const TIMED_OUT: &str = "taskTimedOutEventDetails";
const FUNCTION_FAILED: &str = "lambdaFunctionFailedEventDetails";

/// One execution with its history.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its ARN.
    pub execution: String,
    /// Its history, as the service returns it.
    pub events: Vec<Value>,
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
    pub fn fetch(local: &Local, execution: &str) -> Result<Self> {
        let description =
            local.raw("states", "AWSStepFunctions.DescribeExecution", &json!({"executionArn": execution}))?;
        let mut text = description.to_string();
        let mut events = Vec::new();
        let mut request = json!({"executionArn": execution, "includeExecutionData": true, "maxResults": 1000});
        loop {
            let mut page = local.raw("states", "AWSStepFunctions.GetExecutionHistory", &request)?;
            text += &page.to_string();
            if let Value::Array(page) = page["events"].take() {
                events.extend(page);
            }
            match page.get("nextToken") {
                Some(token) if token.is_string() => request["nextToken"] = token.clone(),
                _ => break,
            }
        }
        let parsed = |name: &str| description[name].as_str().map(serde_json::from_str).transpose();
        let input = parsed("input")?.unwrap_or_default();
        let output = if description["status"] == "SUCCEEDED" { parsed("output")? } else { None };
        Ok(Self { execution: execution.to_owned(), events, input, output, text })
    }

    /// Reads the history of an execution and of all that it started, parents first.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub fn fetch_all(local: &Local, execution: &str) -> Result<Vec<Self>> {
        let mut traces = Vec::new();
        let mut pending = VecDeque::from([execution.to_owned()]);
        while let Some(execution) = pending.pop_front() {
            let trace = Self::fetch(local, &execution)?;
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
        self.events.iter().filter_map(entered)
    }

    /// The results of tasks, with their states.
    #[must_use]
    pub fn results(&self) -> Vec<(&str, Value)> {
        let mut state = "";
        let mut results = Vec::new();
        for event in &self.events {
            state = entered(event).unwrap_or(state);
            let output = event[SUCCEEDED]["output"].as_str();
            results.extend(output.and_then(|output| Some((state, serde_json::from_str(output).ok()?))));
        }
        results
    }

    /// The parameters of scheduled tasks.
    pub fn scheduled(&self) -> impl Iterator<Item = Value> {
        let parameters = self.events.iter().filter_map(|event| event[SCHEDULED]["parameters"].as_str());
        parameters.filter_map(|parameters| serde_json::from_str(parameters).ok())
    }

    /// The states whose task was retried.
    #[must_use]
    pub fn retried(&self) -> Vec<&str> {
        let (mut state, mut has_failed) = ("", false);
        let mut retried = Vec::new();
        for event in &self.events {
            if let Some(entered) = entered(event) {
                (state, has_failed) = (entered, false);
            }
            has_failed |= [FAILED, TIMED_OUT].iter().any(|details| event.get(details).is_some());
            if has_failed && event.get(SCHEDULED).is_some() {
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
            state = entered(event).unwrap_or(state);
            let error =
                [FAILED, FUNCTION_FAILED, TIMED_OUT].iter().find_map(|details| event[*details]["error"].as_str());
            errors.extend(error.map(|error| (state, error)));
        }
        errors
    }

    /// The executions that its tasks started and waited for.
    #[must_use]
    pub fn children(&self) -> Vec<String> {
        let mut children = Vec::new();
        for event in &self.events {
            for output in [SUBMITTED, SUCCEEDED].iter().filter_map(|details| event[*details]["output"].as_str()) {
                let child = serde_json::from_str::<Value>(output)
                    .ok()
                    .and_then(|output| Some(output.get("ExecutionArn")?.as_str()?.to_owned()));
                children.extend(child.filter(|child| !children.contains(child)));
            }
        }
        children
    }
}

/// The state that an event enters.
fn entered(event: &Value) -> Option<&str> {
    event["stateEnteredEventDetails"]["name"].as_str()
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
