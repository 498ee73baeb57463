//! Duplicate, late and reordered deliveries, as AWS allows them: every effect happens once.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::{ReplayAction, SubmissionId};
use bonafide_tests::answers::two_photographs;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::{Fault, Gate};
use bonafide_tools::history::Trace;
use bonafide_tools::packages::document;
use bonafide_tools::rows::{Row, plain};
use bonafide_tools::{repository, until};
use serde_json::{Value, json};

use crate::scenario::{
    Scenario, customers, execution_of, license, name, number, package, picture, published_about, recorded, replayed,
    restored, submission, upload,
};
use crate::tasks::{faultless, is_recorded, recordings};

/// How often each event, message and answer is delivered again.
const REPEATS: usize = 4;

/// Sends the S3 events of all uploads of an application again, also several in one message, and the replay messages of the command.
async fn resend_events(id: &str) -> Result<usize> {
    let queue = bench().deployment.data("UploadsQueueUrl")?;
    let mut sent = 0;
    for submission in bench().submissions(id).await?.iter().map(plain) {
        let upload = &submission["upload"];
        let object = json!({"key": upload["key"], "versionId": upload["versionId"]});
        let mut record =
            json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": upload["bucket"]}, "object": object}});
        if submission["replayOf"].is_string() {
            record["replayOf"] = submission["replayOf"].clone();
        }
        for records in [vec![record.clone(); REPEATS], vec![record.clone()], vec![record]] {
            sent += records.len();
            let body = json!({"Records": records}).to_string();
            bench().local.sqs.send_message().queue_url(queue).message_body(body).send().await?;
        }
    }
    ensure!(sent > 0, "there is no submission of {id}");
    Ok(sent)
}

/// The messages with task tokens that these executions have sent, as queue and body.
fn messages(traces: &[Trace]) -> Vec<(String, String)> {
    let scheduled = traces.iter().flat_map(Trace::scheduled);
    let message = |parameters: Value| {
        let body = parameters.get("MessageBody")?;
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Some((parameters["QueueUrl"].as_str()?.to_owned(), body))
    };
    scheduled.filter_map(message).collect()
}

/// Sends each of these messages to its worker again.
async fn send_again(messages: &[(String, String)]) -> Result<usize> {
    for (queue, body) in messages {
        for _ in 0..REPEATS {
            bench().local.sqs.send_message().queue_url(queue).message_body(body).send().await?;
        }
    }
    Ok(messages.len() * REPEATS)
}

/// Answers the token of each message again, in contradiction to the first answer.
async fn answer_again(messages: &[(String, String)]) -> Result<usize> {
    let step_functions = &bench().local.sfn;
    for (_, body) in messages {
        let body: Value = serde_json::from_str(body)?;
        let token = body["taskToken"].as_str().context("no task token")?;
        for output in [json!({"valid": false}), json!({"valid": true})] {
            let answer = step_functions.send_task_success().task_token(token).output(output.to_string()).send().await;
            ensure!(answer.is_err(), "a token was answered twice");
        }
        let answer = step_functions.send_task_failure().task_token(token).error("Bonafide.Internal").send().await;
        ensure!(answer.is_err(), "a token was answered twice");
    }
    Ok(messages.len() * 3)
}

/// Sends the `EventBridge` event of a failed execution again and returns the outputs of the machine that records failures.
async fn fail_again(execution: &str) -> Result<Vec<Value>> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let detail = json!({"executionArn": execution, "stateMachineArn": machine, "status": "FAILED", "redriveCount": 0});
    let event =
        json!({"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail});
    let recorder = bench().deployment.workflow("RecordFailureMachineArn")?;
    let mut reasons = Vec::new();
    for _ in 0..REPEATS {
        let start = bench().local.sfn.start_execution().state_machine_arn(recorder).input(event.to_string());
        let recording = bench().ended(&start.send().await?.execution_arn).await?;
        ensure!(recording.status == ExecutionStatus::Succeeded, "the recording ended {}", recording.status);
        reasons.push(recording.output["reason"].clone());
    }
    Ok(reasons)
}

/// The names of the Onboarding executions of an application.
async fn onboardings(id: &str) -> Result<BTreeSet<String>> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let all = bench().local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().map(|execution| execution.name).filter(|name| name.starts_with(id)).collect())
}

/// All records of an application.
#[derive(Debug, PartialEq)]
struct Records {
    row: Row,
    submissions: Vec<Row>,
    decisions: Vec<Row>,
    customers: Vec<Value>,
    executions: BTreeSet<String>,
}

impl Records {
    async fn of(id: &str) -> Result<Self> {
        Ok(Self {
            row: bench().row(id).await?,
            submissions: bench().submissions(id).await?,
            decisions: bench().decisions(id).await?,
            customers: customers(id).await?,
            executions: onboardings(id).await?,
        })
    }
}

/// Delivers everything again after the outcome.
async fn deliver_again(scenario: Scenario) -> Result<()> {
    let id = name(&format!("again-{scenario:?}"));
    let first = scenario.start(&id).await?;
    let (left, records) = (scenario.left(&id).await?, Records::of(&id).await?);
    ensure!(records.executions.len() == records.submissions.len(), "{:?}", records.executions);

    let mut repeats = resend_events(&id).await?;
    let messages = messages(&first.traces);
    repeats += send_again(&messages).await? + answer_again(&messages).await?;
    let reasons = fail_again(first.execution()).await?;
    ensure!(reasons.iter().all(Value::is_null), "recorded as {reasons:?}");
    repeats += reasons.len();
    // When a later application has its outcome, all duplicates before it have been handled.
    scenario.start(&name(&format!("behind-{scenario:?}"))).await?;

    let now = scenario.left(&id).await?;
    ensure!(now == left, "after {repeats} repeats {now:?} instead of {left:?}");
    let later = Records::of(&id).await?;
    ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
    scenario.reads_once(&id)?;
    println!("{scenario:?}: {repeats} repeats, and {left:?}");
    Ok(())
}

#[test]
fn duplicates_of_an_approval_change_nothing() {
    bench().run(deliver_again(Scenario::Approved));
}

#[test]
fn duplicates_of_a_refusal_change_nothing() {
    bench().run(deliver_again(Scenario::Unknown));
}

#[test]
fn duplicates_of_a_referral_change_nothing() {
    bench().run(deliver_again(Scenario::Duplicate));
}

#[test]
fn duplicates_of_pictures_change_nothing() {
    bench().run(deliver_again(Scenario::Late));
}

/// The task messages that a running execution and its children have sent.
fn sent(execution: &str) -> Result<Vec<(String, String)>> {
    Ok(messages(&Trace::fetch_all(&bench().local, execution)?))
}

/// Stops the requests of this worker for an application until the gate is opened.
fn gate(service: &'static str, operation: &'static str, id: &str, worker: &str) -> Result<Gate<'static>> {
    let busy = Fault::error(service, operation, id, "ThrottlingException", 400);
    bench().local.control.gate(&busy.by(worker).late(8))
}

/// Events, messages and answers are delivered again while a worker has recorded its answer and cannot send it, and while a later state
/// runs. `AnalyzeID` and the licence verification service are called once.
#[test]
fn duplicates_during_an_approval_change_nothing() {
    bench().run(async {
        let scenario = Scenario::Approved;
        let id = &name("again-meanwhile");
        let answering = gate("states", "SendTaskSuccess", id, "extract-document")?;
        let validating = gate("states", "SendTaskSuccess", id, "validate-license")?;
        let concluding = gate("dynamodb", "GetItem", id, "conclude-submission")?;
        scenario.prepare(id)?;
        let execution = &scenario.submit(id).await?;

        answering.reached().await?;
        let extraction = sent(execution)?;
        ensure!(extraction.len() == 1, "{extraction:?}");
        let mut repeats = resend_events(id).await? + send_again(&extraction).await?;
        answering.open()?;
        validating.reached().await?;
        let both = sent(execution)?;
        ensure!(both.len() == 2, "{both:?}");
        repeats += resend_events(id).await? + send_again(&both).await? + answer_again(&extraction).await?;
        validating.open()?;
        concluding.reached().await?;
        repeats += resend_events(id).await? + send_again(&both).await? + answer_again(&both).await?;
        concluding.open()?;

        let end = bench().ended(execution).await?;
        ensure!(end.output["outcome"] == "approved", "{end:?}");
        // When a later application has its outcome, all duplicates before it have been handled.
        scenario.start(&name("behind-meanwhile")).await?;
        let (left, expected) = (scenario.left(id).await?, &faultless().await?[&scenario]);
        ensure!(left == *expected, "after {repeats} repeats {left:?} instead of {expected:?}");
        scenario.reads_once(id)?;
        ensure!(onboardings(id).await?.len() == 1, "another execution was started");
        println!("{repeats} repeats meanwhile, and {left:?}");
        Ok(())
    });
}

/// An upload that its application does not accept is refused once, however often its event is delivered.
#[test]
fn duplicates_of_a_refused_upload_are_refused_once() {
    bench().run(async {
        let (id, scenario) = (&name("again-refused"), Scenario::Approved);
        scenario.start(id).await?;
        let before = Records::of(id).await?;
        upload(id, format!("zipped/{id}.zip"), package(id, picture()?, license()?)).await?;
        until("the upload is refused", async || {
            let submissions = bench().submissions(id).await?;
            Ok(if submissions.len() == 2 { Ok(()) } else { Err(format!("there are {submissions:?}")) })
        })
        .await?;
        let refused = submission(id).await?;
        ensure!(
            refused["status"] == "REFUSED" && refused["reasons"] == json!(["APPLICATION_CLOSED"]),
            "recorded as {refused}"
        );
        let records = Records::of(id).await?;
        let repeats = resend_events(id).await?;
        scenario.start(&name("behind-refused")).await?;

        let later = Records::of(id).await?;
        ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
        ensure!((&later.row, &later.executions) == (&before.row, &before.executions), "the application has changed");
        let published = published_about(id, false, 2).await?;
        let is_refusal =
            |message: &&String| message.starts_with("UPLOAD_REJECTED") && message.contains("APPLICATION_CLOSED");
        ensure!(published.len() == 2 && published.iter().filter(is_refusal).count() == 1, "published: {published:?}");
        println!("{repeats} repeats of a refused upload, and {published:?}");
        Ok(())
    });
}

/// The event of a failure is delivered again after it was recorded, while the execution is redriven, and after the redrive succeeded; for
/// failures before and after the outcome.
async fn fails_again(state: &str, fault: Fault, id: &str) -> Result<()> {
    let scenario = Scenario::Approved;
    let (failed, faults) = scenario.start_with(id, &[fault]).await?;
    ensure!(failed.status == ExecutionStatus::Failed && failed.path().last() == Some(&state), "{:?}", failed.path());
    recorded(id).await?;
    let mut repeats = fail_again(failed.execution()).await?.len();
    is_recorded(id, &recorded(id).await?, &failed.path()).await?;
    let published = published_about(id, true, 0).await?;

    // The redrive waits at the same state.
    let held = bench().local.control.gate(&held_up(state, id))?;
    bench().local.control.remove(faults[0])?;
    replayed(id, false).await?;
    held.reached().await?;
    repeats += fail_again(failed.execution()).await?.len();
    let while_redriven = published_about(id, true, 0).await?;
    ensure!(while_redriven == published, "published: {while_redriven:?} instead of {published:?}");
    held.open()?;
    let ended = bench().ended(failed.execution()).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "the redrive ended {}: {:?}", ended.status, ended.error);
    restored(id).await?;
    let reasons = fail_again(failed.execution()).await?;
    ensure!(reasons.iter().all(Value::is_null), "recorded as {reasons:?}");
    repeats += reasons.len();

    let (left, expected) = (scenario.left(id).await?, &faultless().await?[&scenario]);
    ensure!(left == *expected, "after {repeats} repeats {left:?} instead of {expected:?}");
    let at_last = published_about(id, true, 0).await?;
    ensure!(at_last == published, "published: {at_last:?} instead of {published:?}");
    println!("{state}: {repeats} repeats of a failure, and {at_last:?}");
    Ok(())
}

/// What stops the Task.
fn held_up(state: &str, id: &str) -> Fault {
    let task = format!("onboarding/{state}");
    let fault = match state {
        "IndexFace" => Fault::error("rekognition", "IndexFaces", id, "ProvisionedThroughputExceededException", 400),
        _ => Fault::error("sns", "Publish", id, "InternalError", 500),
    };
    fault.by(&task).late(50)
}

#[test]
fn duplicates_of_a_failure_event_are_recorded_and_published_once() {
    bench().run(async {
        let id = &name("failure-again");
        let denied = Fault::error("rekognition", "IndexFaces", id, "AccessDeniedException", 400);
        fails_again("IndexFace", denied.by("onboarding/IndexFace"), id).await
    });
}

#[test]
fn a_failure_after_the_outcome_is_never_published() {
    bench().run(async {
        let id = &name("failure-beside");
        let denied = Fault::error("sns", "Publish", id, "AuthorizationError", 403);
        fails_again("NotifyOutcome", denied.by("onboarding/NotifyOutcome"), id).await
    });
}

/// A fresh replay judges the upload again in place of the failed execution and clears the recorded failure. The replay message is
/// delivered again as well.
#[test]
fn a_fresh_replay_clears_the_recorded_failure() {
    bench().run(async {
        let (id, scenario) = (&name("afresh"), Scenario::Late);
        let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
        let (failed, faults) = scenario.start_with(id, &[denied.by("document-extraction/DetectFaces")]).await?;
        ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
        recorded(id).await?;
        let first = submission(id).await?;

        bench().local.control.remove(faults[0])?;
        let plan = replayed(id, true).await?;
        ensure!(plan.action == ReplayAction::Fresh, "{plan:?}");
        let upload = serde_json::from_value(first["upload"].clone())?;
        let fresh = execution_of(id, &SubmissionId::of_replay(&upload, failed.execution()))?;
        ensure!(bench().ended(&fresh).await?.output["outcome"] == "approved", "the replay was not approved");

        let records = Records::of(id).await?;
        let repeats = resend_events(id).await?;
        scenario.start(&name("behind-afresh")).await?;
        let later = Records::of(id).await?;
        ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
        let [selfie, given_up, judged] = &later.submissions[..] else { anyhow::bail!("{:?}", later.submissions) };
        let [selfie, given_up, judged] = [selfie, given_up, judged].map(plain);
        ensure!(selfie["kind"] == "selfie" && given_up["status"] == "FAILED", "{selfie} and {given_up}");
        ensure!(judged["outcome"] == "approved" && judged["attempt"] == given_up["attempt"], "judged as {judged}");
        let row = plain(&later.row);
        ensure!(row["status"] == "OPEN" && row["failure"].is_null(), "{row}");
        ensure!(row["documentSubmission"]["submissionId"] == judged["submissionId"], "{row}");
        // Two conclusions and the replay.
        ensure!(later.decisions.len() == 3 && later.executions.len() == 3, "{later:?}");
        let published = published_about(id, true, 1).await?;
        ensure!(published.len() == 1, "published: {published:?}");
        scenario.reads_once(id)
    });
}

/// A failed execution is redriven after its application has accepted another upload: the redrive fails at the end and changes nothing.
#[test]
fn a_redrive_of_a_replaced_submission_leaves_the_application_unchanged() {
    bench().run(async {
        let (id, scenario) = (&name("overdue"), Scenario::Approved);
        let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
        let (failed, faults) = scenario.start_with(id, &[denied.by("identity-verification/DetectFaces")]).await?;
        ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
        recorded(id).await?;
        let older = submission(id).await?;

        bench().local.control.remove(faults[0])?;
        let newer = bench().ended(&scenario.submit(id).await?).await?;
        ensure!(newer.output["outcome"] == "approved", "the newer one ended {}", newer.output);
        let before = Records::of(id).await?;
        let published = (published_about(id, false, 1).await?, published_about(id, true, 1).await?);

        bench().local.sfn.redrive_execution().execution_arn(failed.execution()).send().await?;
        let redriven = bench().ended(failed.execution()).await?;
        ensure!(
            redriven.status == ExecutionStatus::Failed
                && redriven.path().last() == Some(&"ConcludeSubmission")
                && redriven.error.as_deref() == Some("Bonafide.Internal"),
            "it ended {} at {:?} with {:?}",
            redriven.status,
            redriven.path().last(),
            redriven.error
        );
        until("the second failure is looked at", async || {
            let looked = recordings(id, ExecutionStatus::Succeeded).await?;
            Ok(if looked.len() == 2 { Ok(()) } else { Err(format!("{looked:?} have")) })
        })
        .await?;

        let after = Records::of(id).await?;
        ensure!(after.row == before.row, "the row was {:?}, and is {:?}", before.row, after.row);
        ensure!((&after.decisions, &after.customers) == (&before.decisions, &before.customers), "{after:?}");
        ensure!(after.submissions[1] == before.submissions[1], "the newer one is {:?}", after.submissions[1]);
        let failure = &plain(&after.submissions[0]);
        ensure!(failure["submissionId"] == older["submissionId"] && failure["status"] == "FAILED", "{failure}");
        let stored = (&failure["failure"]["state"], &failure["failure"]["error"]);
        ensure!(stored == (&json!("ConcludeSubmission"), &json!("Bonafide.Internal")), "recorded as {failure}");
        let now = (published_about(id, false, 1).await?, published_about(id, true, 1).await?);
        ensure!(now == published, "published: {now:?} instead of {published:?}");
        Ok(())
    });
}

/// A face that no scenario uses.
const COLLINS: &str = "samples/portraits/collins.jpg";

/// Uploads it as the face of an application that passes all other checks, and returns the execution that judges it.
async fn send_face(id: &str) -> Result<String> {
    bench().local.control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))))?;
    bench().local.control.set_license(&number(id), "known")?;
    two_photographs(id)?;
    let picture = fs::read(repository().join(COLLINS))?;
    upload(id, format!("zipped/{id}.zip"), package(id, picture.clone(), picture)).await
}

/// The ids of an application's faces in the collection.
fn faces_of(id: &str) -> Result<Vec<String>> {
    let request = json!({"CollectionId": bench().deployment.data("FaceCollectionId")?, "MaxResults": 4096});
    let answer = bench().local.raw("rekognition", "RekognitionService.ListFaces", &request)?;
    let is_own = |face: &&Value| {
        let owner = face["ExternalImageId"].as_str().and_then(|owner| owner.split(':').next());
        owner == Some(id)
    };
    let faces = answer["Faces"].as_array().context("no faces")?.iter().filter(is_own);
    Ok(faces.filter_map(|face| Some(face["FaceId"].as_str()?.to_owned())).collect())
}

/// Checks that an approval left a face and a customer, and that any other outcome left none.
async fn is_left(id: &str, end: &Ended) -> Result<()> {
    let is_approved = end.output["outcome"] == "approved";
    let (row, faces) = (plain(&bench().row(id).await?), faces_of(id)?);
    ensure!(faces.len() == usize::from(is_approved), "{} has {faces:?}", end.output);
    ensure!(row.get("faceId").and_then(Value::as_str) == faces.first().map(String::as_str), "{faces:?}, but {row}");
    let count = customers(id).await?.len();
    ensure!(count == usize::from(is_approved), "{} has made {count} customers", end.output);
    Ok(())
}

/// Rekognition's answers are not configured: the face is searched for, indexed, and searched for again.
async fn race(ids: [&str; 2], third: &str) -> Result<()> {
    let mut gates = Vec::new();
    for id in ids {
        let busy = Fault::error("rekognition", "IndexFaces", id, "ThrottlingException", 400);
        gates.push(bench().local.control.gate(&busy.by("onboarding/IndexFace").late(50))?);
    }
    let (one, other) = tokio::try_join!(send_face(ids[0]), send_face(ids[1]))?;
    // Both have searched and found no face.
    for gate in &gates {
        gate.reached().await?;
    }
    for id in ids {
        ensure!(faces_of(id)?.is_empty(), "{id} was indexed before the other had searched");
    }
    gates.into_iter().try_for_each(Gate::open)?;
    let ends = [bench().ended_undecided(ids[0], &one).await?, bench().ended_undecided(ids[1], &other).await?];
    let mut approved = 0;
    for (id, end) in ids.into_iter().zip(&ends) {
        is_left(id, end).await?;
        if end.output["outcome"] == "approved" {
            approved += 1;
            continue;
        }
        let row = plain(&bench().row(id).await?);
        let stored = json!([row["status"], row["outcome"], row["reasons"]]);
        ensure!(stored == json!(["IN_REVIEW", "referred", ["FACE_DUPLICATE_CONCURRENT"]]), "the row has {stored}");
    }
    ensure!(approved <= 1, "both have the same face");

    // A third application finds the face if one of the two was approved, else it is the first.
    let end = bench().ended_undecided(third, &send_face(third).await?).await?;
    is_left(third, &end).await?;
    let found = json!([end.output["outcome"], end.output["reasons"]]);
    let expected = if approved == 1 { json!(["referred", ["FACE_DUPLICATE"]]) } else { json!(["approved", []]) };
    ensure!(found == expected, "after {approved} approvals, the third application got {found}");
    let ended_as: Vec<_> = ends.iter().map(|end| end.output["outcome"].to_string()).collect();
    println!(
        "two simultaneous uploads of one face: {}; a third one was {}",
        ended_as.join(" and "),
        end.output["outcome"]
    );
    Ok(())
}

#[test]
fn two_simultaneous_uploads_of_one_face_approve_at_most_one() {
    bench().run(async {
        let ids = ["race-one", "race-other", "race-third"].map(name);
        let result = Box::pin(race([&ids[0], &ids[1]], &ids[2])).await;
        // The next run uploads the same face.
        for id in &ids {
            let faces = faces_of(id)?;
            if !faces.is_empty() {
                let delete = json!({"CollectionId": bench().deployment.data("FaceCollectionId")?, "FaceIds": faces});
                bench().local.raw("rekognition", "RekognitionService.DeleteFaces", &delete)?;
            }
        }
        result
    });
}
