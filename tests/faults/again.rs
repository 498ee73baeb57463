//! What AWS may deliver is delivered again, late, and in another order: every effect is there once.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::replay::Action;
use bonafide_domain::SubmissionId;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::{Fault, Gate};
use bonafide_tools::history::Trace;
use bonafide_tools::packages::document;
use bonafide_tools::rows::{Row, plain};
use bonafide_tools::{repository, until};
use serde_json::{Value, json};

use crate::journey::{
    Journey, customers, execution_of, name, number, package, picture, plan, recorded, replayer, restored, said,
    submission, upload,
};
use crate::tasks::{is_recorded, recordings, undisturbed};

/// How often each event, message and answer comes again.
const REPEATS: usize = 4;

/// S3 tells once more of everything that was uploaded for an application, by now with as many doubles in one message; so does the
/// command of what it has replayed.
async fn tell_again(id: &str) -> Result<usize> {
    let queue = bench().deployment.data("UploadsQueueUrl")?;
    let mut told = 0;
    for submission in bench().submissions(id).await?.iter().map(plain) {
        let upload = &submission["upload"];
        let object = json!({"key": upload["key"], "versionId": upload["versionId"]});
        let mut record =
            json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": upload["bucket"]}, "object": object}});
        if submission["replayOf"].is_string() {
            record["replayOf"] = submission["replayOf"].clone();
        }
        for records in [vec![record.clone(); REPEATS], vec![record.clone()], vec![record]] {
            told += records.len();
            let body = json!({"Records": records}).to_string();
            bench().local.sqs.send_message().queue_url(queue).message_body(body).send().await?;
        }
    }
    ensure!(told > 0, "there is no submission of {id}");
    Ok(told)
}

/// The messages with task tokens that these executions have sent: queue and body.
fn messages(traces: &[Trace]) -> Vec<(String, String)> {
    let scheduled = traces.iter().flat_map(Trace::scheduled);
    let message = |parameters: Value| {
        let body = parameters.get("MessageBody")?;
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Some((parameters["QueueUrl"].as_str()?.to_owned(), body))
    };
    scheduled.filter_map(message).collect()
}

/// The worker takes each of these messages again.
async fn send_again(messages: &[(String, String)]) -> Result<usize> {
    for (queue, body) in messages {
        for _ in 0..REPEATS {
            bench().local.sqs.send_message().queue_url(queue).message_body(body).send().await?;
        }
    }
    Ok(messages.len() * REPEATS)
}

/// The token of each of these messages is answered again, in contradiction to the first answer.
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

/// `EventBridge` tells once more that the execution has failed; what the machine that records failures makes of it.
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

/// The onboardings of an application, by their names.
async fn onboardings(id: &str) -> Result<BTreeSet<String>> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let all = bench().local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().map(|execution| execution.name).filter(|name| name.starts_with(id)).collect())
}

/// All records of an application, word by word.
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

/// Delivers everything again, when all is over.
async fn again(journey: Journey) -> Result<()> {
    let id = name(&format!("again-{journey:?}"));
    let first = journey.start(&id).await?;
    let (left, records) = (journey.left(&id).await?, Records::of(&id).await?);
    ensure!(records.executions.len() == records.submissions.len(), "{:?}", records.executions);

    let mut repeats = tell_again(&id).await?;
    let messages = messages(&first.traces);
    repeats += send_again(&messages).await? + answer_again(&messages).await?;
    let reasons = fail_again(first.execution()).await?;
    ensure!(reasons.iter().all(Value::is_null), "recorded as {reasons:?}");
    repeats += reasons.len();
    // A newer application passes behind the repeats: all of them have been handled then.
    journey.start(&name(&format!("behind-{journey:?}"))).await?;

    let now = journey.left(&id).await?;
    ensure!(now == left, "after {repeats} repeats {now:?} instead of {left:?}");
    let later = Records::of(&id).await?;
    ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
    journey.reads_once(&id)?;
    println!("{journey:?}: {repeats} repeats, and {left:?}");
    Ok(())
}

#[test]
fn an_approval_that_comes_again_is_one() {
    bench().run(again(Journey::Approved));
}

#[test]
fn a_refusal_that_comes_again_is_one() {
    bench().run(again(Journey::Unknown));
}

#[test]
fn a_referral_that_comes_again_is_one() {
    bench().run(again(Journey::Duplicate));
}

#[test]
fn pictures_that_come_again_are_judged_once() {
    bench().run(again(Journey::Late));
}

/// The messages that a running execution and its children have sent.
async fn sent(execution: &str) -> Result<Vec<(String, String)>> {
    Ok(messages(&Trace::fetch_all(&bench().local, execution).await?))
}

/// Lets the requests of this worker for an application pass no further until the gate is opened.
fn gate(service: &'static str, operation: &'static str, id: &str, worker: &str) -> Result<Gate<'static>> {
    let busy = Fault::error(service, operation, id, "ThrottlingException", 400);
    bench().local.control.gate(&busy.by(worker).late(8))
}

/// Events, messages and answers come again while the worker has its answer on record and cannot give it, and while a later state is at
/// work: `AnalyzeID` and the third party are asked once.
#[test]
fn an_approval_whose_messages_come_again_meanwhile_is_one() {
    bench().run(async {
        let journey = Journey::Approved;
        let id = &name("again-meanwhile");
        let answering = gate("states", "SendTaskSuccess", id, "extract-document")?;
        let validating = gate("states", "SendTaskSuccess", id, "validate-license")?;
        let concluding = gate("dynamodb", "GetItem", id, "conclude-submission")?;
        journey.prepare(id)?;
        let execution = &journey.set_out(id).await?;

        answering.reached().await?;
        let extraction = sent(execution).await?;
        ensure!(extraction.len() == 1, "{extraction:?}");
        let mut repeats = tell_again(id).await? + send_again(&extraction).await?;
        answering.open()?;
        validating.reached().await?;
        let both = sent(execution).await?;
        ensure!(both.len() == 2, "{both:?}");
        repeats += tell_again(id).await? + send_again(&both).await? + answer_again(&extraction).await?;
        validating.open()?;
        concluding.reached().await?;
        repeats += tell_again(id).await? + send_again(&both).await? + answer_again(&both).await?;
        concluding.open()?;

        let end = bench().ended(execution).await?;
        ensure!(end.output["outcome"] == "approved", "{end:?}");
        // A newer application passes behind the repeats: all of them have been handled then.
        journey.start(&name("behind-meanwhile")).await?;
        let (left, expected) = (journey.left(id).await?, &undisturbed().await?[&journey]);
        ensure!(left == *expected, "after {repeats} repeats {left:?} instead of {expected:?}");
        journey.reads_once(id)?;
        ensure!(onboardings(id).await?.len() == 1, "another execution was started");
        println!("{repeats} repeats meanwhile, and {left:?}");
        Ok(())
    });
}

/// An upload that its application does not take is refused once, however often S3 tells of it.
#[test]
fn a_refused_upload_that_comes_again_is_refused_once() {
    bench().run(async {
        let (id, journey) = (&name("again-refused"), Journey::Approved);
        journey.start(id).await?;
        let before = Records::of(id).await?;
        upload(id, format!("zipped/{id}.zip"), package(id, picture()?)).await?;
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
        let repeats = tell_again(id).await?;
        journey.start(&name("behind-refused")).await?;

        let later = Records::of(id).await?;
        ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
        ensure!((&later.row, &later.executions) == (&before.row, &before.executions), "the application has changed");
        let said = said(id, false, 2).await?;
        let is_refusal = |said: &&String| said.starts_with("UPLOAD_REJECTED") && said.contains("APPLICATION_CLOSED");
        ensure!(said.len() == 2 && said.iter().filter(is_refusal).count() == 1, "said {said:?}");
        println!("{repeats} repeats of a refused upload, and {said:?}");
        Ok(())
    });
}

/// The event of a failure comes again: after it was recorded, while the execution is redriven, and when that has succeeded. Before the
/// outcome, and after it.
async fn fails_again(state: &str, fault: Fault, id: &str) -> Result<()> {
    let journey = Journey::Approved;
    let (failed, faults) = journey.start_with(id, &[fault]).await?;
    ensure!(failed.status == ExecutionStatus::Failed && failed.path().last() == Some(&state), "{:?}", failed.path());
    recorded(id).await?;
    let mut repeats = fail_again(failed.execution()).await?.len();
    is_recorded(id, &recorded(id).await?, &failed.path()).await?;
    let published = said(id, true, 0).await?;

    // The redrive is held up at the same state.
    let held = bench().local.control.gate(&held_up(state, id))?;
    bench().local.control.remove(faults[0])?;
    let replayer = replayer()?;
    replayer.perform(&plan(&replayer, id, false).await?).await?;
    held.reached().await?;
    repeats += fail_again(failed.execution()).await?.len();
    let while_redriven = said(id, true, 0).await?;
    ensure!(while_redriven == published, "said {while_redriven:?} instead of {published:?}");
    held.open()?;
    let ended = bench().ended(failed.execution()).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "the redrive ended {}: {:?}", ended.status, ended.error);
    restored(id).await?;
    let reasons = fail_again(failed.execution()).await?;
    ensure!(reasons.iter().all(Value::is_null), "recorded as {reasons:?}");
    repeats += reasons.len();

    let (left, expected) = (journey.left(id).await?, &undisturbed().await?[&journey]);
    ensure!(left == *expected, "after {repeats} repeats {left:?} instead of {expected:?}");
    let at_last = said(id, true, 0).await?;
    ensure!(at_last == published, "said {at_last:?} instead of {published:?}");
    println!("{state}: {repeats} repeats of a failure, and {at_last:?}");
    Ok(())
}

/// Throttled for as long as the Task tries again.
fn held_up(state: &str, id: &str) -> Fault {
    let task = format!("onboarding/{state}");
    let fault = match state {
        "IndexFace" => Fault::error("rekognition", "IndexFaces", id, "ProvisionedThroughputExceededException", 400),
        _ => Fault::error("sns", "Publish", id, "ThrottledException", 400),
    };
    fault.by(&task).late(10)
}

#[test]
fn a_failure_that_is_told_again_is_recorded_and_published_once() {
    bench().run(async {
        let id = &name("told-again");
        let denied = Fault::error("rekognition", "IndexFaces", id, "AccessDeniedException", 400);
        fails_again("IndexFace", denied.by("onboarding/IndexFace"), id).await
    });
}

#[test]
fn a_failure_beside_an_outcome_that_is_told_again_is_published_never() {
    bench().run(async {
        let id = &name("told-beside");
        let denied = Fault::error("sns", "Publish", id, "AuthorizationErrorException", 403);
        fails_again("NotifyOutcome", denied.by("onboarding/NotifyOutcome"), id).await
    });
}

/// An upload is judged once more in place of an execution that failed, and the application tells of the failure no more. The replay
/// comes again as well.
#[test]
fn an_upload_that_is_judged_afresh_takes_its_failure_back() {
    bench().run(async {
        let (id, journey) = (&name("afresh"), Journey::Late);
        let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
        let (failed, faults) = journey.start_with(id, &[denied.by("document-extraction/DetectFaces")]).await?;
        ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
        recorded(id).await?;
        let first = submission(id).await?;

        bench().local.control.remove(faults[0])?;
        let replayer = replayer()?;
        let plan = plan(&replayer, id, true).await?;
        ensure!(plan.action == Action::Fresh, "{plan:?}");
        replayer.perform(&plan).await?;
        let upload = serde_json::from_value(first["upload"].clone())?;
        let fresh = execution_of(id, &SubmissionId::of_replay(&upload, failed.execution()))?;
        ensure!(bench().ended(&fresh).await?.output["outcome"] == "approved", "the replay was not approved");

        let records = Records::of(id).await?;
        let repeats = tell_again(id).await?;
        journey.start(&name("behind-afresh")).await?;
        let later = Records::of(id).await?;
        ensure!(later == records, "after {repeats} repeats {later:?} instead of {records:?}");
        let [selfie, given_up, judged] = &later.submissions[..] else { anyhow::bail!("{:?}", later.submissions) };
        let [selfie, given_up, judged] = [selfie, given_up, judged].map(plain);
        ensure!(selfie["kind"] == "selfie" && given_up["status"] == "FAILED", "{selfie} and {given_up}");
        ensure!(judged["outcome"] == "approved" && judged["attempt"] == given_up["attempt"], "judged as {judged}");
        let row = plain(&later.row);
        ensure!(row["status"] == "OPEN" && row["failure"].is_null(), "{row}");
        ensure!(row["documentSubmission"]["submissionId"] == judged["submissionId"], "{row}");
        ensure!(later.decisions.len() == 2 && later.executions.len() == 3, "{later:?}");
        let said = said(id, true, 1).await?;
        ensure!(said.len() == 1, "said {said:?}");
        journey.reads_once(id)
    });
}

/// An execution that failed is redriven when its application has taken another upload since: all that it does in vain is seen at its end.
#[test]
fn a_redrive_of_what_counts_no_more_changes_nothing_of_the_application() {
    bench().run(async {
        let (id, journey) = (&name("overdue"), Journey::Approved);
        let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
        let (failed, faults) = journey.start_with(id, &[denied.by("identity-verification/DetectFaces")]).await?;
        ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
        recorded(id).await?;
        let older = submission(id).await?;

        bench().local.control.remove(faults[0])?;
        let newer = bench().ended(&journey.set_out(id).await?).await?;
        ensure!(newer.output["outcome"] == "approved", "the newer one ended {}", newer.output);
        let before = Records::of(id).await?;
        let published = (said(id, false, 1).await?, said(id, true, 1).await?);

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
        let told = (&failure["failure"]["state"], &failure["failure"]["error"]);
        ensure!(told == (&json!("ConcludeSubmission"), &json!("Bonafide.Internal")), "recorded as {failure}");
        let now = (said(id, false, 1).await?, said(id, true, 1).await?);
        ensure!(now == published, "said {now:?} instead of {published:?}");
        Ok(())
    });
}

/// A face that no journey has.
const COLLINS: &str = "samples/portraits/collins.jpg";

/// Uploads it as the face of an application on whose document everything else is right; the execution that judges it.
async fn send_face(id: &str) -> Result<String> {
    bench().local.control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))))?;
    bench().local.control.set_license(&number(id), "known")?;
    upload(id, format!("zipped/{id}.zip"), package(id, fs::read(repository().join(COLLINS))?)).await
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

/// What an approval leaves, and what nothing else leaves.
async fn is_left(id: &str, end: &Ended) -> Result<()> {
    let is_approved = end.output["outcome"] == "approved";
    let (row, faces) = (plain(&bench().row(id).await?), faces_of(id)?);
    ensure!(faces.len() == usize::from(is_approved), "{} has {faces:?}", end.output);
    ensure!(row.get("faceId").and_then(Value::as_str) == faces.first().map(String::as_str), "{faces:?}, but {row}");
    let count = customers(id).await?.len();
    ensure!(count == usize::from(is_approved), "{} has made {count} customers", end.output);
    Ok(())
}

/// Nothing is told in advance of what Rekognition finds: the face is searched for, indexed, and searched for again.
async fn race(ids: [&str; 2], third: &str) -> Result<()> {
    let mut gates = Vec::new();
    for id in ids {
        let busy = Fault::error("rekognition", "IndexFaces", id, "ThrottlingException", 400);
        gates.push(bench().local.control.gate(&busy.by("onboarding/IndexFace").late(10))?);
    }
    let (one, other) = tokio::try_join!(send_face(ids[0]), send_face(ids[1]))?;
    // Both have searched, and found no face.
    for gate in &gates {
        gate.reached().await?;
    }
    for id in ids {
        ensure!(faces_of(id)?.is_empty(), "{id} was indexed before the other had searched");
    }
    gates.into_iter().try_for_each(Gate::open)?;
    let ends = [bench().ended(&one).await?, bench().ended(&other).await?];
    let mut approved = 0;
    for (id, end) in ids.into_iter().zip(&ends) {
        is_left(id, end).await?;
        if end.output["outcome"] == "approved" {
            approved += 1;
            continue;
        }
        let row = plain(&bench().row(id).await?);
        let told = json!([row["status"], row["outcome"], row["reasons"]]);
        ensure!(told == json!(["IN_REVIEW", "referred", ["FACE_DUPLICATE_CONCURRENT"]]), "it ended {told}");
    }
    ensure!(approved <= 1, "both have one face");

    // A third one finds the face that one of them has, or is the first.
    let end = bench().ended(&send_face(third).await?).await?;
    is_left(third, &end).await?;
    let told = json!([end.output["outcome"], end.output["reasons"]]);
    let expected = if approved == 1 { json!(["declined", ["FACE_DUPLICATE"]]) } else { json!(["approved", []]) };
    ensure!(told == expected, "after {approved} approvals, the third one ended {told}");
    let ended_as: Vec<_> = ends.iter().map(|end| end.output["outcome"].to_string()).collect();
    println!("one face at the same moment: {}; a third one was {}", ended_as.join(" and "), end.output["outcome"]);
    Ok(())
}

#[test]
fn of_two_that_bring_one_face_at_the_same_moment_at_most_one_is_approved() {
    bench().run(async {
        let ids = ["race-one", "race-other", "race-third"].map(name);
        let result = Box::pin(race([&ids[0], &ids[1]], &ids[2])).await;
        // The next run brings it again.
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
