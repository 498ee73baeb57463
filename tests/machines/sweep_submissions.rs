//! Submissions that stay in progress although their execution has failed or was never started are recorded and announced; no others are.
//!
//! The machine checks the submissions of all applications, so this is one scenario: runs of several would interfere.

use anyhow::Result;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::machine::SWEEP;
use bonafide_tools::rows::{plain, s};
use serde_json::{Value, json};

use crate::case::{Case, SUBMISSION, latest};
use crate::record_failure::failed_execution;

const MACHINE: &str = "SweepSubmissionsMachineArn";
const ONBOARDING: &str = "OnboardingMachineArn";
const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";
const STILL_YOUNG: &str = "2999-01-01T00:00:00.000Z";

fn case(name: &str) -> Case {
    Case::new(MACHINE, name)
}

/// The application's selfie is in progress, judged by this execution.
async fn accepted(case: &Case, execution: &str, received: &str) -> Result<()> {
    case.put_row([latest("selfie", SUBMISSION, "IN_PROGRESS"), ("kind", s("pictures"))]).await?;
    let submission = [("kind", s("selfie")), ("executionArn", s(execution)), ("receivedAt", s(received))];
    case.put_submission(submission).await
}

fn input(case: &Case) -> Value {
    json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "selfie", "selfie": case.picture("selfie")})
}

/// The ARN that an Onboarding execution of this scenario's name has, whether or not it exists.
fn execution_of(case: &Case) -> Result<String> {
    let machine = bench().deployment.workflow(ONBOARDING)?;
    Ok(format!("{}:{}", machine.replace(":stateMachine:", ":execution:"), case.id))
}

async fn sweep(name: &str) -> Result<Ended> {
    bench().execute(MACHINE, &format!("sweep-{name}-{}", std::process::id()), &json!({})).await
}

/// The executions that the sweep has described.
fn looked_at(ended: &Ended) -> Vec<String> {
    let scheduled = ended.traces[0].scheduled();
    scheduled.filter_map(|asked| Some(asked["ExecutionArn"].as_str()?.to_owned())).collect()
}

async fn is_recorded(case: &Case) -> Result<bool> {
    Ok(case.submission().await?["status"] == "FAILED")
}

/// Checks that the failure is on the submission, on the application, and in messages with one event id.
async fn recorded(case: &Case, execution: &str, reason: &str) -> Result<()> {
    let row = plain(&bench().row_when(&case.id, |row| row.get("status") == Some(&s("FAILED"))).await?);
    assert_eq!(row["selfieSubmission"]["progress"], "FAILED");
    for failure in [&row["failure"], &case.submission().await?["failure"]] {
        assert_eq!((&failure["reason"], &failure["executionArn"]), (&json!(reason), &json!(execution)));
    }
    let published = bench().notifications(&case.id, 1).await?;
    assert!(
        published.iter().all(|message| message.event == "APPLICATION_FAILED" && message.reasons == [reason]),
        "{published:?}"
    );
    assert!(published.iter().all(|message| message.event_id == format!("{execution}:FAILED:0")), "{published:?}");
    Ok(())
}

async fn untouched(case: &Case) -> Result<()> {
    let row = plain(&bench().row(&case.id).await?);
    assert_eq!((&row["status"], row.get("failure")), (&json!("IN_PROGRESS"), None), "{}", case.id);
    assert_eq!(case.submission().await?["status"], "IN_PROGRESS");
    assert_eq!(bench().notifications(&case.id, 0).await?, []);
    Ok(())
}

#[test]
fn lost_submissions_are_recorded_and_no_others() {
    let [failed, missing, broken] = ["failed", "missing", "broken"].map(case);
    let [running, succeeded, young] = ["running", "succeeded", "young"].map(case);
    bench().run(async {
        let (control, sfn) = (&bench().local.control, &bench().local.sfn);
        // Its event arrived before there was a record to write on, which equals a lost event.
        let failed_execution = failed_execution(&failed, "AccessDeniedException").await?;
        accepted(&failed, &failed_execution, LONG_AGO).await?;
        for lost in [&missing, &broken] {
            accepted(lost, &execution_of(lost)?, LONG_AGO).await?;
        }
        accepted(&young, &execution_of(&young)?, STILL_YOUNG).await?;
        succeeded.rekognition("DetectFaces", json!({"FaceDetails": []}))?;
        accepted(&succeeded, &execution_of(&succeeded)?, LONG_AGO).await?;
        let ended = bench().execute(ONBOARDING, &succeeded.id, &input(&succeeded)).await?;
        assert_eq!(ended.status, ExecutionStatus::Succeeded);
        let published = bench().notifications(&succeeded.id, 1).await?;
        accepted(&succeeded, &execution_of(&succeeded)?, LONG_AGO).await?;

        // Each Task fails once and is retried.
        for (service, operation, about, state) in [
            ("dynamodb", "Query", "", "FindUnfinished"),
            ("states", "DescribeExecution", failed.id.as_str(), "DescribeExecution"),
            ("states", "StartExecution", failed.id.as_str(), "StartRecordFailure"),
        ] {
            let fault = Fault::error(service, operation, about, "ThrottlingException", 400).times(1);
            control.add(&fault.by(&format!("{SWEEP}/{state}")))?;
        }
        // An execution that cannot be described fails each run, and each run handles some of the others before it.
        let denied = Fault::error("states", "DescribeExecution", &broken.id, "AccessDeniedException", 400);
        let denied = control.put(&denied.by(&format!("{SWEEP}/DescribeExecution")))?;
        let mut runs = 0;
        while !(is_recorded(&failed).await? && is_recorded(&missing).await?) {
            runs += 1;
            assert!(runs < 100, "the others are not recorded");
            let ended = sweep(&format!("broken-{runs}")).await?;
            let error = ended.error.as_deref();
            assert_eq!((&ended.status, error), (&ExecutionStatus::Failed, Some("Sfn.SfnException")));
        }
        recorded(&failed, &failed_execution, "IDENTITY_CHECK_UNAVAILABLE").await?;
        recorded(&missing, &execution_of(&missing)?, "SYSTEM_UNAVAILABLE").await?;

        control.remove(denied)?;
        let held = Fault::error("rekognition", "DetectFaces", &running.id, "ThrottlingException", 400).late(50);
        let gate = control.gate(&held)?;
        let start = sfn.start_execution().state_machine_arn(bench().deployment.workflow(ONBOARDING)?);
        start.name(&running.id).input(input(&running).to_string()).send().await?;
        gate.reached().await?;
        accepted(&running, &execution_of(&running)?, LONG_AGO).await?;
        let ended = sweep("repaired").await?;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{:?}", ended.error);
        assert!(ended.output["lost"].as_u64().is_some_and(|lost| lost >= 1), "{}", ended.output);
        let looked_at = looked_at(&ended);
        for (case, is_looked_at) in
            [(&broken, true), (&running, true), (&succeeded, true), (&young, false), (&missing, false)]
        {
            assert_eq!(looked_at.contains(&execution_of(case)?), is_looked_at, "{}", case.id);
        }
        recorded(&broken, &execution_of(&broken)?, "SYSTEM_UNAVAILABLE").await?;
        for left in [&running, &young] {
            untouched(left).await?;
        }
        assert_eq!(bench().notifications(&succeeded.id, published.len()).await?, published);
        assert_eq!(succeeded.submission().await?["status"], "IN_PROGRESS");

        // The application accepts another upload.
        missing.rekognition("DetectFaces", json!({"FaceDetails": []}))?;
        let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
        put.key(format!("selfie/{}.png", missing.id)).body(ByteStream::from_static(b"a picture")).send().await?;
        bench().row_when(&missing.id, |row| row.get("status") == Some(&s("OPEN"))).await?;

        // No submission stays in progress for the next run of the tests.
        sfn.stop_execution().execution_arn(execution_of(&running)?).send().await?;
        drop(gate);
        Ok(())
    });
}
