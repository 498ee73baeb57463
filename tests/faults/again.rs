//! What AWS may deliver is delivered again, late, and in another order: every effect is there once.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::replay::{Action, Replayer};
use bonafide_tests::bench::{Ended, bench, plain, repository, s, until};
use bonafide_tests::control::{Fault, Gate};
use bonafide_tests::history::Trace;
use bonafide_tests::packages::{details, document, zip};
use serde_json::{Value, json};

use crate::journey::{Journey, name, number, picture, recorded, said};
use crate::tasks::undisturbed;

/// How often each event, message and answer comes again.
const REPEATS: usize = 4;

/// S3 tells once more of the version that the row names, by now with as many doubles in one message.
async fn tell_again(row: &Value) -> Result<usize> {
    let package = &row["package"];
    let object = json!({
        "key": package["key"], "versionId": package["versionId"], "sequencer": row["packageSequencer"],
    });
    let record =
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": package["bucket"]}, "object": object}});
    let queue = bench().deployment.data("UploadsQueueUrl")?;
    for records in [vec![record.clone(); REPEATS], vec![record.clone()], vec![record]] {
        let body = json!({"Records": records}).to_string();
        bench().local.sqs.send_message().queue_url(queue).message_body(body).send().await?;
    }
    Ok(REPEATS + 2)
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

/// `EventBridge` tells that the execution has failed: late, since it has succeeded.
async fn fail_again(execution: &str) -> Result<usize> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let detail = json!({"executionArn": execution, "stateMachineArn": machine, "status": "FAILED"});
    let event =
        json!({"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail});
    for _ in 0..REPEATS {
        let recorder = bench().deployment.workflow("RecordFailureMachineArn")?;
        let start = bench().local.sfn.start_execution().state_machine_arn(recorder).input(event.to_string());
        let started = start.send().await?.execution_arn;
        let recording = bench().ended(&started).await?;
        ensure!(recording.output["reason"].is_null(), "recorded as {}", recording.output);
    }
    Ok(REPEATS)
}

/// The onboardings of an application, by their names.
async fn onboardings(id: &str) -> Result<BTreeSet<String>> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let all = bench().local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().map(|execution| execution.name).filter(|name| name.starts_with(id)).collect())
}

/// Delivers everything again, when all is over.
async fn again(journey: Journey) -> Result<()> {
    let id = name(&format!("again-{journey:?}"));
    let first = journey.start(&id).await?;
    let left = journey.left(&id).await?;
    let row = plain(&bench().row(&id).await?);
    let executions = onboardings(&id).await?;
    ensure!(executions.len() == 1, "{executions:?}");

    let mut repeats = tell_again(&row).await?;
    let messages = messages(&first.traces);
    repeats += send_again(&messages).await? + answer_again(&messages).await?;
    repeats += fail_again(first.execution()).await?;
    // A newer application passes behind the repeats: all of them have been handled then.
    let behind = name(&format!("behind-{journey:?}"));
    journey.start(&behind).await?;

    let now = journey.left(&id).await?;
    ensure!(now == left, "after {repeats} repeats {now:?} instead of {left:?}");
    ensure!(onboardings(&id).await? == executions, "another execution was started");
    let later = plain(&bench().row(&id).await?);
    for attribute in ["executionArn", "faceId", "decidedAt", "documentFields", "documentFieldsOf", "DOCUMENT_NUMBER"] {
        ensure!(later[attribute] == row[attribute], "{attribute} has changed");
    }
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

/// The messages that a running execution and its children have sent, once there are so many.
async fn sent(execution: &str, count: usize) -> Result<Vec<(String, String)>> {
    until(&format!("{execution} has sent {count} messages"), async || {
        let has_started = bench().local.status(execution).await?.is_some();
        let traces = if has_started { Trace::fetch_all(&bench().local, execution).await? } else { Vec::new() };
        let messages = messages(&traces);
        Ok(if messages.len() >= count { Ok(messages) } else { Err(format!("there are {}", messages.len())) })
    })
    .await
}

/// The messages of both queues come again while the first one is at work, while the next state is, and after that; so do the answers.
/// The later one of two answers comes from the first receive.
#[test]
fn an_approval_whose_messages_come_again_meanwhile_is_one() {
    bench().run(async {
        let journey = Journey::Approved;
        let id = &name("again-meanwhile");
        let control = &bench().local.control;
        let slow = |fault: Fault| control.add(&fault.late(3).times(1));
        slow(Fault::result("textract", "AnalyzeID", id, document(&number(id))))?;
        slow(Fault::result("third-party", "license", id, json!(true)))?;
        // Until the last repeats are sent, the execution goes no further than there.
        let gate = At::RegisterCustomer.gate(id)?;
        journey.prepare(id).await?;

        upload(id, &number(id)).await?;
        let row = plain(&bench().row_when(id, |row| row.contains_key("executionArn")).await?);
        let execution = row["executionArn"].as_str().context("no execution")?;
        let extraction = sent(execution, 1).await?;
        let mut repeats = tell_again(&row).await? + send_again(&extraction).await?;
        let both = sent(execution, 2).await?;
        repeats += send_again(&both).await? + answer_again(&extraction).await?;
        gate.reached().await?;
        repeats += send_again(&both).await? + answer_again(&both).await?;
        gate.open()?;

        let end = bench().ended(execution).await?;
        ensure!(end.output["outcome"] == "approved", "{end:?}");
        // A newer application passes behind the repeats: all of them have been handled then.
        journey.start(&name("behind-meanwhile")).await?;
        let (left, expected) = (journey.left(id).await?, &undisturbed().await?[&journey]);
        ensure!(left == *expected, "after {repeats} repeats {left:?} instead of {expected:?}");
        ensure!(onboardings(id).await?.len() == 1, "another execution was started");
        println!("{repeats} repeats meanwhile, and {left:?}");
        Ok(())
    });
}

/// A document uploaded alone fails, and is replayed by another execution: the row tells of the failure no more.
#[test]
fn a_document_that_is_judged_afresh_takes_its_failure_back() {
    bench().run(async {
        let id = &name("afresh");
        let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
        let fault = bench().local.control.put(&denied.by("document-extraction/DetectFaces"))?;
        let failed = Journey::Late.start(id).await?;
        ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
        recorded(id).await?;

        bench().local.control.remove(fault)?;
        let application = bench().local.application(&bench().deployment, &id.parse()?).await?.context("no row")?;
        let replayer = Replayer {
            step_functions: bench().local.sfn.clone(),
            sqs: bench().local.sqs.clone(),
            uploads: bench().deployment.data("UploadsQueueUrl")?.to_owned(),
        };
        let plan = replayer.plan(&application, true).await?;
        ensure!(plan.action == Action::Fresh, "{plan:?}");
        replayer.perform(&plan).await?;

        let attribute = "documentExtractionExecutionArn";
        let is_fresh = |row: &Value| row[attribute] != failed.execution();
        let row = plain(&bench().row_when(id, |row| is_fresh(&plain(row))).await?);
        bench().ended(row[attribute].as_str().context("no execution")?).await?;
        let (left, expected) = (Journey::Late.left(id).await?, &undisturbed().await?[&Journey::Late]);
        ensure!(left == *expected, "{left:?} instead of {expected:?}");
        Ok(())
    });
}

/// Where the older package is when the newer one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    UnpackPackage,
    CompareFaces,
    SearchIndexedFace,
    ExtractDocument,
    RequestValidation,
    RegisterCustomer,
}

impl At {
    /// Lets executions of this application go no further than there until the gate is opened.
    fn gate(self, id: &str) -> Result<Gate<'static>> {
        let (service, operation, caller, seconds) = match self {
            Self::UnpackPackage => ("dynamodb", "UpdateItem", "unpack-package", 5),
            Self::CompareFaces => ("rekognition", "CompareFaces", "identity-compare/CompareFaces", 10),
            Self::SearchIndexedFace => ("rekognition", "SearchFaces", "identity-verification/SearchIndexedFace", 10),
            // It has been read, and is to be saved.
            Self::ExtractDocument => ("dynamodb", "UpdateItem", "extract-document", 2),
            // It has answered, and the execution is to hear of it.
            Self::RequestValidation => ("states", "SendTaskSuccess", "validate-license", 6),
            Self::RegisterCustomer => ("dynamodb", "GetItem", "register-customer", 5),
        };
        let busy = Fault::error(service, operation, id, "ThrottlingException", 400);
        bench().local.control.gate(&busy.by(caller).late(seconds))
    }
}

async fn upload(id: &str, number: &str) -> Result<String> {
    upload_with(id, number, picture()?).await
}

/// The same picture as selfie and document.
async fn upload_with(id: &str, number: &str, picture: Vec<u8>) -> Result<String> {
    let members = [
        (format!("{id}_details.csv"), details(number).into_bytes()),
        (format!("{id}_license.jpg"), picture.clone()),
        (format!("{id}_selfie.jpg"), picture),
    ];
    let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
    let put = put.key(format!("zipped/{id}.zip")).body(ByteStream::from(zip(&members)));
    put.send().await?.version_id.context("no version")
}

/// Two packages of one application, with other details: the newer one comes while the older one is judged.
fn overtaken(at: At) {
    bench().run(async {
        let id = &name(&format!("overtaken-{at:?}"));
        let (older, newer) = (format!("{}1", number(id)), number(id));
        let gate = at.gate(id)?;
        let control = &bench().local.control;
        if matches!(at, At::RequestValidation | At::RegisterCustomer) {
            control.add(&Fault::result("textract", "AnalyzeID", id, document(&older)).times(1))?;
        }
        if at == At::RequestValidation {
            control.add(&Fault::result("third-party", "license", id, json!(true)).times(1))?;
        }
        Journey::Approved.prepare(id).await?;
        control.set_license(&older, "known")?;

        upload(id, &older).await?;
        gate.reached().await?;
        let first = plain(&bench().row(id).await?);
        let version = upload(id, &newer).await?;
        let is_newer = |row: &Value| row["package"]["versionId"] == version.as_str();
        let second = plain(&bench().row_when(id, |row| is_newer(&plain(row))).await?);
        let repeats = tell_again(&second).await? + tell_again(&first).await?;
        gate.open()?;
        let [first, second] = [&first, &second].map(|row| row["executionArn"].as_str().unwrap_or_default().to_owned());
        let (older_end, newer_end) = (bench().ended(&first).await?, bench().ended(&second).await?);

        ensure!(older_end.output["outcome"] == "superseded", "the older one ended {older_end:?}");
        ensure!(newer_end.output["outcome"] == "approved", "the newer one ended {newer_end:?}");
        let left = Journey::Approved.left(id).await?;
        let row = plain(&bench().row(id).await?);
        ensure!(row["DOCUMENT_NUMBER"] == newer.as_str(), "the details are the older one's");
        ensure!(row["executionArn"] == second.as_str() && row.get("heldFaceIds").is_none(), "{row}");
        let faces = bench().faces()?.into_iter().filter(|owner| owner == id).count();
        ensure!(faces == 1, "{faces} faces");
        let kept = row["faceId"].as_str().context("no face")?;
        ensure!(newer_end.text().contains(kept), "the face is not the newer one's");
        let customers = bench().local.dynamodb.scan().table_name(bench().deployment.data("CustomersTableName")?);
        let customers = customers.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
        let own: Vec<_> = customers.into_iter().filter(|row| row.get("applicationId") == Some(&s(id))).collect();
        ensure!(own.len() == 1 && own[0]["PK"] == s(&format!("US#FL-{newer}")), "customers: {own:?}");
        ensure!(onboardings(id).await?.len() == 2, "not one execution for each version");
        // Only at the last place have both been asked about, each with its own number.
        let charges = control.charges(id)?;
        ensure!(charges == if at == At::RegisterCustomer { 2 } else { 1 }, "{charges} charges");
        let verdicts = said(id, false, 1).await?;
        ensure!(verdicts.len() == 1 && verdicts[0].contains("approved"), "said {verdicts:?}");
        println!("{at:?}: {repeats} repeats, and {left:?}");
        Ok(())
    });
}

#[test]
fn overtaken_while_it_is_unpacked() {
    overtaken(At::UnpackPackage);
}

#[test]
fn overtaken_while_the_faces_are_compared() {
    overtaken(At::CompareFaces);
}

#[test]
fn overtaken_while_the_face_is_indexed() {
    overtaken(At::SearchIndexedFace);
}

#[test]
fn overtaken_while_the_document_is_read() {
    overtaken(At::ExtractDocument);
}

#[test]
fn overtaken_while_the_third_party_is_asked() {
    overtaken(At::RequestValidation);
}

#[test]
fn overtaken_while_the_customer_is_registered() {
    overtaken(At::RegisterCustomer);
}

/// A customer who sends another package that is refused stays a customer, with the face that was approved.
#[test]
fn refused_after_an_approval_and_the_customers_face_stays() {
    bench().run(async {
        let id = &name("refused-again");
        Journey::Approved.start(id).await?;
        let approved = plain(&bench().row(id).await?);
        bench().local.control.set_license(&number(id), "unknown")?;
        let version = upload(id, &number(id)).await?;
        let row = bench().row_when(id, |row| {
            let row = plain(row);
            row["package"]["versionId"] == version.as_str() && row["status"] == "DECIDED"
        });
        let refused = plain(&row.await?);
        let end = bench().ended(refused["executionArn"].as_str().unwrap_or_default()).await?;
        ensure!(end.output["outcome"] == "declined", "it ended {}", end.output);
        ensure!(refused["outcome"] == "declined" && refused["faceId"] == approved["faceId"], "{refused}");
        let faces = bench().faces()?.into_iter().filter(|owner| owner == id).count();
        ensure!(faces == 1, "{faces} faces");
        Ok(())
    });
}

/// A face that no journey has.
const COLLINS: &str = "samples/portraits/collins.jpg";

/// Uploads it; the execution that judges it.
async fn send_face(id: &str) -> Result<String> {
    let version = upload_with(id, &number(id), fs::read(repository().join(COLLINS))?).await?;
    let is_started = |row: &Value| row["package"]["versionId"] == version.as_str() && row["executionArn"].is_string();
    let row = plain(&bench().row_when(id, |row| is_started(&plain(row))).await?);
    Ok(row["executionArn"].as_str().context("no execution")?.to_owned())
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

/// What an approval leaves, and what a refusal leaves nothing of.
async fn is_left(id: &str, end: &Ended) -> Result<()> {
    let is_approved = end.output["outcome"] == "approved";
    let (row, faces) = (plain(&bench().row(id).await?), faces_of(id)?);
    ensure!(faces.len() == usize::from(is_approved), "{} has {faces:?}", end.output);
    ensure!(row.get("faceId").and_then(Value::as_str) == faces.first().map(String::as_str), "{faces:?}, but {row}");
    ensure!(row.get("heldFaceIds").is_none(), "a face is held: {row}");
    let table = bench().deployment.data("CustomersTableName")?;
    let customers = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
    let customers = customers.collect::<Result<Vec<_>, _>>().await?;
    let count = customers.iter().filter(|customer| customer.get("applicationId") == Some(&s(id))).count();
    ensure!(count == usize::from(is_approved), "{} has made {count} customers", end.output);
    Ok(())
}

/// Nothing is told in advance of what Rekognition finds: the face is searched for, indexed, and searched for again.
async fn race(ids: [&str; 2]) -> Result<()> {
    let control = &bench().local.control;
    let mut gates = Vec::new();
    for id in ids {
        control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))))?;
        control.set_license(&number(id), "known")?;
        let busy = Fault::error("rekognition", "IndexFaces", id, "ThrottlingException", 400);
        gates.push(control.gate(&busy.by("identity-verification/IndexFace").late(10))?);
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
    let mut approved = Vec::new();
    for (id, end) in ids.into_iter().zip(&ends) {
        is_left(id, end).await?;
        if end.output["outcome"] == "approved" {
            approved.push(id);
        } else {
            let row = plain(&bench().row(id).await?);
            let told = json!([end.output["outcome"], row["reasons"]]);
            ensure!(told == json!(["resubmit", ["FACE_DUPLICATE_CONCURRENT"]]), "it ended {told}");
        }
    }
    ensure!(approved.len() <= 1, "{approved:?} have one face");
    let ended_as: Vec<_> = ends.iter().map(|end| end.output["outcome"].to_string()).collect();

    // Sent again, the first has the face, and the other one is a duplicate.
    let first = approved.first().copied().unwrap_or(ids[0]);
    if approved.is_empty() {
        let end = bench().ended(&send_face(first).await?).await?;
        ensure!(end.output["outcome"] == "approved", "sent again, it ended {}", end.output);
        is_left(first, &end).await?;
    }
    let second = if first == ids[0] { ids[1] } else { ids[0] };
    let end = bench().ended(&send_face(second).await?).await?;
    let row = plain(&bench().row(second).await?);
    let told = json!([end.output["outcome"], row["reasons"]]);
    ensure!(told == json!(["declined", ["FACE_DUPLICATE"]]), "sent again, the other one ended {told}");
    is_left(second, &end).await?;
    println!("one face at the same moment: {}; sent again, one has it", ended_as.join(" and "));
    Ok(())
}

#[test]
fn of_two_that_bring_one_face_at_the_same_moment_at_most_one_is_approved() {
    bench().run(async {
        let ids = [name("race-one"), name("race-other")];
        let result = Box::pin(race([&ids[0], &ids[1]])).await;
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
