//! Every Retry of every Task, judged by the engine itself: what may pass by itself is tried again seven times, also under a name that
//! nobody has listed, and what cannot is not.
//!
//! `tests/faults` lets every Task be retried in an execution, once. Here is asked how often, and after which errors: `TestState` runs one
//! state of the deployed definition with an error told in advance, and says what would come next.

use anyhow::{Context as _, Result};
use bonafide_tests::bench::bench;
use bonafide_tools::machine::{CONVERSATION, MACHINES, is_mark};
use serde_json::{Value, json};

/// What trying again never helps against.
const NEVER: [&str; 5] = [
    "Bonafide.Internal",
    "Bonafide.InvalidInput",
    "States.QueryEvaluationError",
    "States.DataLimitExceeded",
    "States.Permissions",
];

/// Errors of a Task on this resource, with whether they are tried again.
fn errors(resource: &str) -> Vec<(&'static str, bool)> {
    let mut errors: Vec<_> = NEVER.into_iter().map(|error| (error, false)).collect();
    if resource.ends_with(".sync:2") {
        // A failed child is `States.TaskFailed`, and has retried where that helps.
        errors.extend([("States.TaskFailed", false), ("States.Timeout", false)]);
        errors.extend([("StepFunctions.ThrottlingException", true), ("StepFunctions.SdkClientException", true)]);
        return errors;
    }
    errors.extend([
        ("Bonafide.Transient", true),
        ("Lambda.TooManyRequestsException", true),
        ("Unlisted.Exception", true),
    ]);
    let is_wait = resource.ends_with(".waitForTaskToken");
    errors.push(("States.Timeout", !is_wait));
    if is_wait {
        errors.push(("States.HeartbeatTimeout", false));
    }
    errors
}

/// What the engine does with a state whose task fails so, after so many retries.
fn after(definition: &Value, state: &str, error: &str, retries: u32) -> Result<String> {
    let request = json!({
        "definition": definition.to_string(),
        "stateName": state,
        "input": "{}",
        "mock": {"errorOutput": {"error": error, "cause": "a scenario"}},
        "stateConfiguration": {"retrierRetryCount": retries},
    });
    let answer = bench().local.raw("states", "AWSStepFunctions.TestState", &request)?;
    Ok(answer["status"].as_str().with_context(|| answer.to_string())?.to_owned())
}

#[test]
fn every_task_is_retried_when_that_may_help_and_only_then() {
    bench().run(async {
        let mut tasks = 0;
        // The local AWS's TestState looks for a Catch before it looks for a Retry, and there every Task catches everything: its scenarios
        // count the tries.
        for (name, output) in MACHINES.into_iter().filter(|(name, _)| *name != CONVERSATION) {
            let machine = bench().deployment.machine(output)?;
            let deployed = bench().local.sfn.describe_state_machine().state_machine_arn(machine).send().await?;
            let definition: Value = serde_json::from_str(&deployed.definition)?;
            let states = definition["States"].as_object().context("no states")?;
            for (state, body) in states.iter().filter(|(state, body)| body["Type"] == "Task" && !is_mark(state)) {
                tasks += 1;
                for (error, is_retried) in errors(body["Resource"].as_str().unwrap_or_default()) {
                    for (retries, may_retry) in [(0, true), (6, true), (7, false)] {
                        let expected = if is_retried && may_retry { "RETRIABLE" } else { "FAILED" };
                        let next = after(&definition, state, error, retries)?;
                        assert_eq!(next, expected, "{name}: {state} after {retries} retries of {error}");
                    }
                }
            }
        }
        assert!(tasks >= 37, "only {tasks} tasks");
        Ok(())
    });
}
