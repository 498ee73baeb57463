//! Every Retry of every Task, evaluated by the engine itself: transient errors are retried seven times, also under a name that is not
//! listed, and permanent errors are not retried.
//!
//! `tests/faults` has every Task retry once in an execution. This test checks how often, and after which errors: `TestState` runs one
//! state of the deployed definition with a given error, and returns what would follow.

use anyhow::{Context as _, Result};
use bonafide_tests::bench::bench;
use bonafide_tools::machine::{CONVERSATION, is_marker, machines};
use serde_json::{Value, json};

/// Errors that are never retried.
const NEVER: [&str; 5] = [
    "Bonafide.Internal",
    "Bonafide.InvalidInput",
    "States.QueryEvaluationError",
    "States.DataLimitExceeded",
    "States.Permissions",
];

/// Errors of a Task on this resource, with whether they are retried.
fn errors(resource: &str) -> Vec<(&'static str, bool)> {
    let mut errors: Vec<_> = NEVER.into_iter().map(|error| (error, false)).collect();
    if resource.ends_with(".sync:2") {
        // A failed child is `States.TaskFailed` and has already retried its own Tasks.
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

/// The engine's result for a state whose task fails with this error after so many retries.
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
fn every_task_retries_exactly_the_errors_that_may_pass() {
    bench().run(async {
        let mut tasks = 0;
        // The local AWS evaluates Catch before Retry in TestState, and every Task of this machine catches everything: its scenarios count
        // attempts instead.
        for (name, output) in machines().filter(|(name, _)| *name != CONVERSATION) {
            let machine = bench().deployment.machine(output)?;
            let deployed = bench().local.sfn.describe_state_machine().state_machine_arn(machine).send().await?;
            let definition: Value = serde_json::from_str(&deployed.definition)?;
            let states = definition["States"].as_object().context("no states")?;
            for (state, body) in states.iter().filter(|(state, body)| body["Type"] == "Task" && !is_marker(state)) {
                tasks += 1;
                // The wait for a reviewer goes on when it times out.
                let is_caught = |error: &str| body["Catch"].to_string().contains(&format!("\"{error}\""));
                for (error, is_retried) in errors(body["Resource"].as_str().unwrap_or_default()) {
                    for (retries, may_retry) in [(0, true), (6, true), (7, false)] {
                        let expected = match error {
                            _ if is_retried && may_retry => "RETRIABLE",
                            "States.Timeout" if is_caught(error) => "CAUGHT_ERROR",
                            _ => "FAILED",
                        };
                        let next = after(&definition, state, error, retries)?;
                        assert_eq!(next, expected, "{name}: {state} after {retries} retries of {error}");
                    }
                }
            }
        }
        assert!(tasks >= 36, "only {tasks} tasks");
        Ok(())
    });
}
