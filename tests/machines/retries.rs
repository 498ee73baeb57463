//! Every Retry of every Task, judged by the engine itself: an error that passes is tried again four times, and any other is not.
//!
//! `tests/faults` lets every Task be retried in an execution, once. Here is asked how often, and after which errors: `TestState` runs one
//! state of the deployed definition with an error told in advance, and says what would come next.

use anyhow::{Context as _, Result, bail};
use bonafide_tests::bench::bench;
use bonafide_tests::machine::{CONVERSATION, MACHINES, is_mark};
use serde_json::{Value, json};

/// What passes by itself, for a Task on this resource.
fn transient(resource: &str) -> Result<&'static [&'static str]> {
    Ok(match resource.trim_start_matches("arn:aws:states:::") {
        rekognition if rekognition.starts_with("aws-sdk:rekognition:") => {
            &["Rekognition.ThrottlingException", "Rekognition.RekognitionException", "States.Timeout"]
        }
        "lambda:invoke" => {
            &["Bonafide.Transient", "Lambda.TooManyRequestsException", "Runtime.ExitError", "States.Timeout"]
        }
        "sqs:sendMessage.waitForTaskToken" => &["Bonafide.Transient", "SQS.RequestThrottledException"],
        "dynamodb:updateItem" | "dynamodb:getItem" => &["DynamoDB.ThrottlingException", "States.Timeout"],
        "sns:publish" => &["SNS.ThrottledException", "States.Timeout"],
        "states:startExecution.sync:2" => {
            &["StepFunctions.ThrottlingException", "StepFunctions.AWSStepFunctionsException"]
        }
        "aws-sdk:sfn:describeExecution" | "aws-sdk:sfn:getExecutionHistory" => {
            &["Sfn.ThrottlingException", "Sfn.SfnException", "States.Timeout"]
        }
        other => bail!("which errors of {other} pass by themselves?"),
    })
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
                for error in transient(body["Resource"].as_str().unwrap_or_default())? {
                    for (retries, expected) in [(0, "RETRIABLE"), (3, "RETRIABLE"), (4, "FAILED")] {
                        let next = after(&definition, state, error, retries)?;
                        assert_eq!(next, expected, "{name}: {state} after {retries} retries of {error}");
                    }
                }
                // A failed child has retried where that helps; the rest fails again and again.
                for error in ["Bonafide.Internal", "States.TaskFailed", "States.QueryEvaluationError"] {
                    assert_eq!(after(&definition, state, error, 0)?, "FAILED", "{name}: {state} after {error}");
                }
            }
        }
        assert!(tasks >= 38, "only {tasks} tasks");
        Ok(())
    });
}
