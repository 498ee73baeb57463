//! Workers that return errors, panic, are killed, or time out.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_domain::nordic::{Person, Tool};
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use bonafide_tools::control::Fault;
use bonafide_tools::conversations;
use bonafide_tools::history::Trace;
use bonafide_tools::mcp::Mcp;
use bonafide_tools::rows::{n, plain, s};
use bonafide_tools::{repository, until};
use onboarding_agent::{AnswerBody, MachineResult, State};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::effect::codes;
use crate::scenario::{
    CHECKS, Left, Scenario, license, name, package, picture, published_about, recorded, replay, submission, upload,
};
use crate::tasks::{BoxFuture, FAULTLESS, REPLAYED, all, faultless};

/// A worker, and a request of it at which it can be stopped.
const WORKERS: [(&str, Called, &str, &str); 7] = [
    ("unpack-package", Called::State, "s3", "GetObject"),
    ("match-details", Called::State, "dynamodb", "GetItem"),
    ("conclude-submission", Called::State, "dynamodb", "TransactWriteItems"),
    ("extract-document", Called::Task, "textract", "AnalyzeID"),
    ("validate-license", Called::Task, "dynamodb", "GetItem"),
    ("starter", Called::Event, "dynamodb", "TransactWriteItems"),
    ("measure-outcome", Called::Event, "dynamodb", "GetItem"),
];
/// How often the SDK tries before the worker returns an error.
const ATTEMPTS: u32 = 3;
/// Seconds until an unhandled message is delivered again. The deployed value is six times a worker's timeout of 60 seconds. More than one
/// timeout is enough: no worker receives a message that it is still processing.
const VISIBILITY: &str = "70";

/// What invokes the worker, and receives its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// A state.
    State,
    /// A message with a task token. The waiting state receives the error; if the worker does not answer, the queue delivers again.
    Task,
    /// Any other message. The queue delivers it again.
    Event,
}

/// What happens to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Error,
    Throttled,
    Panic,
    Abort,
    Kill,
    TimeOut,
}

const ENDINGS: [Ending; 6] =
    [Ending::Error, Ending::Throttled, Ending::Panic, Ending::Abort, Ending::Kill, Ending::TimeOut];

impl Ending {
    fn fault(self, (worker, _, service, operation): (&str, Called, &'static str, &'static str), id: &str) -> Fault {
        let end = |how| Fault::worker(service, operation, id, how).times(1);
        let [throttled, _, denied] = codes(service);
        let fault = match self {
            // The starter's message is delivered a few times only.
            Self::Error => Fault::error(service, operation, id, denied, 400).times(1),
            Self::Throttled => Fault::error(service, operation, id, throttled, 400).times(ATTEMPTS),
            Self::Panic => end("panicked"),
            Self::Abort => end("aborted"),
            Self::Kill => end("killed"),
            Self::TimeOut => end("outOfTime"),
        };
        fault.by(worker)
    }

    /// Whether it is retried without an operator: the state retries, or the message is delivered again.
    fn is_retried(self, called: Called) -> bool {
        called == Called::Event || !matches!(self, Self::Error | Self::Panic)
    }
}

async fn cell(
    worker: (&'static str, Called, &'static str, &'static str),
    ending: Ending,
    expected: Left,
) -> Result<&'static str> {
    let id = name(&format!("{}-{ending:?}", worker.0));
    let control = &bench().local.control;
    let since = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (ended, faults) = Scenario::Approved.start_with(&id, &[ending.fault(worker, &id)]).await?;
    let succeeds = ending.is_retried(worker.1);
    let expected_status = if succeeds { ExecutionStatus::Succeeded } else { ExecutionStatus::Failed };
    ensure!(ended.status == expected_status, "it ended {} at {:?}", ended.status, ended.path().last());
    if !succeeds {
        recorded(&id).await?;
        replay(&id).await?;
    }
    let left = Scenario::Approved.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    let failures = usize::from(!succeeds);
    let published = published_about(&id, true, failures).await?;
    ensure!(published.len() == failures, "{published:?}");
    if worker.0 == "measure-outcome" {
        // No state waits for it, and its result is in its log only.
        measured(&id, since).await?;
    }
    ensure!(!control.is_there(faults[0])?, "no such call was made");
    Ok(if succeeds { FAULTLESS } else { REPLAYED })
}

/// Waits until outcome and checks are measured. A message that is delivered twice may be measured twice.
async fn measured(id: &str, since: u64) -> Result<()> {
    const MEASUREMENTS: &str = "/aws/lambda/bonafide-dev-measure-outcome";
    until(&format!("the outcome of {id} is measured"), async || {
        let lines = spawn_blocking(move || bench().local.log_since(MEASUREMENTS, since)).await??;
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<_> = lines.filter(|line| line["application.id"] == id && line.get("_aws").is_some()).collect();
        let published: Vec<_> = lines.iter().filter(|line| line["Applications"].is_number()).collect();
        if published.is_empty() {
            return Ok(Err(format!("there are {lines:?}")));
        }
        let is_approved = published.iter().all(|line| line["Outcome"] == "approved");
        ensure!(is_approved && published.len() <= 2, "measured as {published:?}");
        for check in CHECKS {
            let count = lines.iter().filter(|line| line["Check"] == check).count();
            ensure!(count == published.len(), "{check} was measured {count} times: {lines:?}");
        }
        Ok(Ok(()))
    })
    .await
}

/// What workers write for an application.
const WRITES: [(&str, &str, &str); 9] = [
    ("starter", "dynamodb", "TransactWriteItems"),
    ("starter", "s3", "CopyObject"),
    ("starter", "dynamodb", "UpdateItem"),
    ("starter", "states", "StartExecution"),
    ("unpack-package", "s3", "PutObject"),
    ("extract-document", "dynamodb", "UpdateItem"),
    ("extract-document", "states", "SendTaskSuccess"),
    ("validate-license", "dynamodb", "UpdateItem"),
    ("validate-license", "states", "SendTaskSuccess"),
];

/// Runs a scenario with one fault from which the worker recovers without an operator.
async fn recovered(id: String, scenario: Scenario, fault: Fault, expected: Left) -> Result<&'static str> {
    let (ended, faults) = scenario.start_with(&id, &[fault]).await?;
    ensure!(!bench().local.control.is_there(faults[0])?, "no such call was made");
    ensure!(
        ended.status == ExecutionStatus::Succeeded,
        "it ended {} at {:?}: {:?}",
        ended.status,
        ended.path().last(),
        ended.error
    );
    let left = scenario.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    scenario.reads_once(&id)?;
    Ok(FAULTLESS)
}

#[test]
fn a_write_with_a_lost_answer_happens_once() {
    bench().run(async {
        let (scenario, expected, share) = (Scenario::Approved, faultless().await?, Share::of_this_run()?);
        let cells = share.of(WRITES, 3).into_iter().map(|write @ (worker, service, operation)| {
            let id = name(&format!("lost-{worker}-{operation}"));
            let fault = Fault::no_answer(service, operation, &id, "closed").by(worker).afterwards().times(1);
            (format!("{write:?}"), recovered(id, scenario, fault, expected[&scenario].clone()))
        });
        Box::pin(all("answers to workers that were lost", cells)).await
    });
}

/// How the transaction of a conclusion fails.
#[derive(Debug, Clone, Copy)]
enum Concluding {
    Conflict,
    Outage,
    Lost,
    Killed,
    KilledAfterwards,
    OutOfTimeAfterwards,
}

const CONCLUDING: [Concluding; 6] = [
    Concluding::Conflict,
    Concluding::Outage,
    Concluding::Lost,
    Concluding::Killed,
    Concluding::KilledAfterwards,
    Concluding::OutOfTimeAfterwards,
];

impl Concluding {
    fn fault(self, id: &str) -> Fault {
        let (service, operation) = ("dynamodb", "TransactWriteItems");
        let end = |how| Fault::worker(service, operation, id, how).times(1);
        let fault = match self {
            Self::Conflict => Fault::error(service, operation, id, "TransactionCanceledException", 400).times(1),
            Self::Outage => Fault::error(service, operation, id, "InternalServerError", 500).times(ATTEMPTS),
            Self::Lost => Fault::no_answer(service, operation, id, "closed").afterwards().times(1),
            Self::Killed => end("killed"),
            Self::KilledAfterwards => end("killed").afterwards(),
            Self::OutOfTimeAfterwards => end("outOfTime").afterwards(),
        };
        fault.by("conclude-submission")
    }
}

/// One customer, one decision, one outcome, and the right faces in the collection, for approvals and for a face that is not kept.
#[test]
fn a_conclusion_is_written_once_despite_any_fault() {
    bench().run(async {
        let (expected, share) = (faultless().await?, Share::of_this_run()?);
        let mut cells = Vec::new();
        for (row, scenario) in [Scenario::Approved, Scenario::Duplicate, Scenario::Late].into_iter().enumerate() {
            for (_, how) in CONCLUDING.into_iter().enumerate().filter(|(column, _)| share.takes(row + column, 3)) {
                let id = name(&format!("{scenario:?}-{how:?}"));
                let cell = recovered(id.clone(), scenario, how.fault(&id), expected[&scenario].clone());
                cells.push((format!("{how:?} at the end of {scenario:?}"), cell));
            }
        }
        Box::pin(all("conclusions that go wrong", cells)).await
    });
}

/// Queue workers that are killed after their write: the message is delivered again, and the worker finds the write done.
const DONE: [(&str, &str, &str); 4] = [
    ("starter", "dynamodb", "TransactWriteItems"),
    ("starter", "s3", "CopyObject"),
    ("extract-document", "dynamodb", "UpdateItem"),
    ("validate-license", "dynamodb", "UpdateItem"),
];

/// The starter is killed while it refuses an upload: the refusal is recorded and announced in spite of that.
async fn refused((service, operation): (&'static str, &'static str)) -> Result<&'static str> {
    let id = name(&format!("refused-{operation}"));
    Scenario::Approved.start(&id).await?;
    let killed = Fault::worker(service, operation, &id, "killed").by("starter").times(1);
    let fault = bench().local.control.put(&killed)?;
    upload(&id, format!("zipped/{id}.zip"), package(&id, picture()?, license()?)).await?;
    until("the refusal is recorded", async || {
        let record = submission(&id).await?;
        Ok(if record["status"] == "REFUSED" { Ok(()) } else { Err(record.to_string()) })
    })
    .await?;
    let published = published_about(&id, false, 2).await?;
    ensure!(
        published.iter().filter(|message| message.starts_with("UPLOAD_REJECTED")).count() == 1,
        "published: {published:?}"
    );
    ensure!(!bench().local.control.is_there(fault)?, "no such call was made");
    Ok(FAULTLESS)
}

/// The uploaded object is gone, and the starter is killed before or after one of the writes that record this.
async fn gone(writes: u32) -> Result<&'static str> {
    let id = name(&format!("gone-killed-{writes}"));
    let killed = Fault::worker("dynamodb", "UpdateItem", &id, "killed").by("starter").after(writes).times(1);
    let fault = bench().local.control.put(&killed)?;
    let object = json!({"key": format!("zipped/{id}.zip"), "versionId": "gone"});
    let bucket = bench().deployment.data("BucketName")?;
    let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}});
    let send = bench().local.sqs.send_message().queue_url(bench().deployment.data("UploadsQueueUrl")?);
    send.message_body(json!({"Records": [record]}).to_string()).send().await?;
    let published = published_about(&id, true, 1).await?;
    ensure!(published.len() == 1 && published[0].contains("UPLOAD_MISSING"), "published: {published:?}");
    ensure!(!bench().local.control.is_there(fault)?, "no such call was made");
    until("the submission is recorded as failed", async || {
        let record = submission(&id).await?;
        let is_recorded = record["status"] == "FAILED" && record["failure"]["reason"] == "UPLOAD_MISSING";
        Ok(if is_recorded { Ok(()) } else { Err(record.to_string()) })
    })
    .await?;
    let row = recorded(&id).await?;
    ensure!(row["packageSubmission"]["progress"] == "FAILED", "{row}");
    Ok(FAULTLESS)
}

/// Shortens the visibility timeouts and returns the previous ones.
async fn shorten_visibility() -> Result<Vec<(String, String)>> {
    let sqs = &bench().local.sqs;
    let mut before = Vec::new();
    for url in sqs.list_queues().queue_name_prefix("Bonafide-dev-").send().await?.queue_urls.unwrap_or_default() {
        let asked = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::VisibilityTimeout);
        let found =
            asked.send().await?.attributes.and_then(|mut all| all.remove(&QueueAttributeName::VisibilityTimeout));
        before.extend(found.map(|seconds| (url, seconds)));
    }
    for (url, _) in &before {
        set_visibility(url, VISIBILITY).await?;
    }
    Ok(before)
}

async fn set_visibility(url: &str, seconds: &str) -> Result<()> {
    let set = bench().local.sqs.set_queue_attributes().queue_url(url);
    set.attributes(QueueAttributeName::VisibilityTimeout, seconds).send().await?;
    Ok(())
}

#[test]
fn a_crashed_worker_loses_no_application() {
    bench().run(async {
        let (scenario, share) = (Scenario::Approved, Share::of_this_run()?);
        let expected = &faultless().await?[&scenario];
        let before = shorten_visibility().await?;
        ensure!(!before.is_empty(), "no queues");
        let mut cells: Vec<(String, BoxFuture)> = Vec::new();
        for (row, worker) in WORKERS.into_iter().enumerate() {
            let endings = ENDINGS.into_iter().enumerate();
            for (_, ending) in endings.filter(|(column, _)| share.takes(row + column, ENDINGS.len())) {
                let cell = cell(worker, ending, expected.clone());
                cells.push((format!("{ending:?} of {}", worker.0), Box::pin(cell)));
            }
        }
        for (worker, service, operation) in share.of(DONE, 2) {
            let id = name(&format!("done-{worker}-{operation}"));
            let fault = Fault::worker(service, operation, &id, "killed").by(worker).afterwards().times(1);
            let cell = recovered(id, scenario, fault, expected.clone());
            cells.push((format!("{worker} killed after {operation}"), Box::pin(cell)));
        }
        for call in [("sns", "Publish"), ("dynamodb", "PutItem")] {
            cells.push((format!("starter killed at {call:?} of a refusal"), Box::pin(refused(call))));
        }
        for writes in [0, 1] {
            cells.push((format!("starter killed after {writes} writes for a missing upload"), Box::pin(gone(writes))));
        }
        let result = all("ends of workers", cells).await;
        for (url, seconds) in before {
            set_visibility(&url, &seconds).await?;
        }
        result
    });
}

/// The workers of conversations, with the tool that the model calls to run them.
const CONVERSATION_WORKERS: [(&str, Tool); 3] = [
    ("extract-identity", Tool::ReadDocument),
    ("verify-identity", Tool::VerifyIdentity),
    ("onboarding-agent", Tool::RegisterCustomer),
];
const PICTURES: [(&str, &str); 2] =
    [("document", "samples/nordic/dk-driving-licence.jpg"), ("selfie", "samples/nordic/dk-driving-licence-selfie.jpg")];
const CUSTOMER: &str = "DK#0707614285";

/// The function's reply to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// The result of the step.
    Result(Option<MachineResult>),
    /// `FAILURE` with the reasons only.
    Failure,
    /// None: the worker died.
    Nothing,
}

/// A conversation whose person has consented and uploaded document and selfie.
struct Session {
    id: String,
    gateway: Mcp,
}

impl Session {
    async fn begin(ending: Ending) -> Result<Self> {
        let (local, deployment) = (&bench().local, &bench().deployment);
        let id = name(&format!("session-{ending:?}"));
        let key = |name: &str| format!("onboard/DK/2026/11/21/{id}/{name}.jpg");
        for (name, file) in PICTURES {
            let picture = fs::read(repository().join(file))?;
            let put = local.s3.put_object().bucket(deployment.data("BucketName")?).key(key(name));
            put.body(ByteStream::from(picture)).send().await?;
        }
        let person = Person::of(local.control.issuer(), &id).context("no person")?;
        let put = local.dynamodb.put_item().table_name(deployment.data("ConversationsTableName")?);
        put.item("person", s(person.as_str()))
            .item("applicationId", s(&id))
            .item("country", s("DK"))
            .item("consentedAt", s("2026-11-21T09:30:00.000Z"))
            .item("documentKey", s(&key("document")))
            .item("selfieKey", s(&key("selfie")))
            .item("sessions", n(1))
            .item("expiresAt", n(4_000_000_000_i64))
            .send()
            .await?;
        let gateway = Mcp::of(local, deployment, &id)?;
        Ok(Self { id, gateway })
    }

    /// Calls a tool as the model does and returns its reply.
    async fn call(&self, tool: Tool) -> Result<(Reply, AnswerBody)> {
        let gateway = self.gateway.clone();
        // A fault finds the worker by its event, which names the person by a digest. The tools ignore this argument.
        let arguments = json!({"fault": self.id});
        let answer = spawn_blocking(move || gateway.call(tool, &arguments, &[])).await?;
        let body: AnswerBody = match answer {
            Err(error) if error.to_string().contains("ended with an error") => {
                return Ok((Reply::Nothing, AnswerBody::default()));
            }
            answer => serde_json::from_str(&answer?)?,
        };
        let reply = match body.state {
            None => Reply::Result(body.result),
            Some(State::Failure) => {
                let is_all = body.result.is_none() && body.customer_id.is_none();
                ensure!(is_all, "a failure carries more than its reasons: {body:?}");
                Reply::Failure
            }
            Some(State::Reprompt) => anyhow::bail!("{} asked for something else first", tool.name()),
        };
        Ok((reply, body))
    }

    /// One worker fails once; then the same step succeeds.
    async fn step(&self, (worker, tool): (&'static str, Tool), ending: Ending) -> Result<AnswerBody> {
        let done = if tool == Tool::RegisterCustomer { MachineResult::Registered } else { MachineResult::Ok };
        let expected = match (worker, ending) {
            ("onboarding-agent", Ending::Kill) => Reply::Nothing,
            ("onboarding-agent", _) | (_, Ending::Error) => Reply::Failure,
            _ => Reply::Result(Some(done)),
        };
        let (reply, body) = if (worker, ending) == ("verify-identity", Ending::Error) {
            // It sends no request that could fail for good.
            self.call_with_damage(tool).await?
        } else {
            let control = &bench().local.control;
            let fault = control.put(&self.fault(worker, ending))?;
            let reply = self.call(tool).await?;
            ensure!(!control.is_there(fault)?, "no such call was made");
            reply
        };
        ensure!(reply == expected, "replied {reply:?}: {body:?}");
        if worker == "verify-identity" {
            self.check_verification(ending, reply).await?;
        }
        let row = plain(&bench().row(&self.id).await?);
        if reply == Reply::Failure && worker != "onboarding-agent" {
            let reasons: Vec<_> = body.reasons.iter().map(|reason| reason.code()).collect();
            ensure!(
                row["status"] == "FAILED" && row["reasons"] == json!(reasons),
                "replied {reasons:?}, recorded {row}"
            );
        }
        // Without a reply, the machine has finished and has made the customer.
        let customers = usize::from(reply == Reply::Nothing);
        let count = self.customers().await?.len();
        ensure!(count == customers, "{count} customers after {reply:?}");

        let (reply, body) = self.call(tool).await?;
        ensure!(reply == Reply::Result(Some(done)), "afterwards replied {reply:?}: {body:?}");
        Ok(body)
    }

    fn fault(&self, worker: &'static str, ending: Ending) -> Fault {
        let fault = |service, operation, id: &str| ending.fault((worker, Called::State, service, operation), id);
        match (worker, ending) {
            ("extract-identity", Ending::Kill) => fault("s3", "GetObject", &self.id),
            // A request to Textract does not name the session.
            ("extract-identity", _) => fault("textract", "DetectDocumentText", ""),
            ("verify-identity", Ending::Kill) => fault("lambda-runtime", "InvocationResponse", &self.id),
            ("verify-identity", _) => {
                let error = Fault::error("lambda", "Invoke", &self.id, "TooManyRequestsException", 429);
                error.by("agent-onboarding/VerifyIdentity").times(1)
            }
            // The machine has finished by then, and the next call finds its result.
            (_, Ending::Kill) => fault("states", "StartSyncExecution", &self.id).afterwards(),
            _ => fault("states", "StartSyncExecution", &self.id),
        }
    }

    /// The record of what was read is damaged while the tool is called, and then repaired.
    async fn call_with_damage(&self, tool: Tool) -> Result<(Reply, AnswerBody)> {
        damage(&self.id, "SET #identity.damaged = country").await?;
        let reply = self.call(tool).await?;
        damage(&self.id, "REMOVE #identity.damaged").await?;
        Ok(reply)
    }

    /// The state of the register's worker has had this ending's error, and has verified nothing by it.
    async fn check_verification(&self, ending: Ending, reply: Reply) -> Result<()> {
        let error = match ending {
            Ending::Kill => "Runtime.ExitError",
            Ending::Throttled => "Lambda.TooManyRequestsException",
            _ => "Bonafide.InvalidInput",
        };
        let id = &self.id;
        let errors = verification_errors(id).await?;
        ensure!(errors.iter().any(|other| other == error), "no {error} in {errors:?}");
        if reply == Reply::Failure {
            let row = plain(&bench().row(id).await?);
            ensure!(row["registryVerification"]["outcome"] != "pass", "verified by a failure: {row}");
            let entry = conversations::entry(&bench().local, &bench().deployment, id).await?;
            ensure!(entry["progress"] == s("EXTRACTED"), "{entry:?}");
        }
        Ok(())
    }

    async fn customers(&self) -> Result<Vec<Value>> {
        let table = bench().deployment.data("CustomersTableName")?;
        let pages = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
        let customers = pages.collect::<Result<Vec<_>, _>>().await?;
        Ok(customers.iter().filter(|row| row.get("applicationId") == Some(&s(&self.id))).map(plain).collect())
    }
}

/// The executions of a conversation.
async fn executions(id: &str) -> Result<Vec<String>> {
    let machine = bench().deployment.machine("AgentOnboardingMachineArn")?;
    let all = bench().local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().filter(|one| one.name.starts_with(id)).map(|one| one.execution_arn).collect())
}

/// The errors of the state `VerifyIdentity` in all executions of a conversation.
async fn verification_errors(id: &str) -> Result<Vec<String>> {
    let mut errors = Vec::new();
    for execution in executions(id).await? {
        let trace = Trace::fetch(&bench().local, &execution)?;
        let own = trace.errors().into_iter().filter(|(state, _)| *state == "VerifyIdentity");
        errors.extend(own.map(|(_, error)| error.to_owned()));
    }
    Ok(errors)
}

/// Changes the stored identity of a document.
async fn damage(id: &str, expression: &str) -> Result<()> {
    let update = bench().local.dynamodb.update_item().table_name(bench().deployment.data("ApplicationsTableName")?);
    let update = update.key("applicationId", s(id)).update_expression(expression);
    update.expression_attribute_names("#identity", "identity").send().await?;
    Ok(())
}

/// Deletes the customer, so that the next conversation can register the same person.
async fn delete_customer() -> Result<()> {
    let delete = bench().local.dynamodb.delete_item().table_name(bench().deployment.data("CustomersTableName")?);
    delete.key("PK", s(CUSTOMER)).key("SK", s("PROFILE")).send().await?;
    Ok(())
}

/// A conversation in which one worker after the other fails once.
async fn conversation(ending: Ending) -> Result<usize> {
    delete_customer().await?;
    let session = Session::begin(ending).await?;
    let mut last = AnswerBody::default();
    for worker in CONVERSATION_WORKERS {
        let step = Box::pin(session.step(worker, ending));
        last = step.await.with_context(|| format!("{ending:?} of {}", worker.0))?;
    }
    let customers = session.customers().await?;
    ensure!(customers.len() == 1 && customers[0]["PK"] == CUSTOMER, "{} customers", customers.len());
    ensure!(last.customer_id.as_deref() == customers[0]["customerId"].as_str(), "the reply names another customer");
    let row = plain(&bench().row(&session.id).await?);
    ensure!(row["status"] == "DECIDED" && row["outcome"] == "approved" && row.get("failure").is_none(), "{row}");
    let published = published_about(&session.id, false, 1).await?;
    ensure!(published.len() == 1 && published[0].contains("approved"), "published: {published:?}");
    let decisions: Vec<_> = bench().decisions(&session.id).await?.iter().map(plain).collect();
    ensure!(decisions.len() == 1 && decisions[0]["outcome"] == "approved", "{decisions:?}");
    delete_customer().await?;
    Ok(CONVERSATION_WORKERS.len())
}

/// One conversation after the other: all are about one person, and a fault of Textract cannot be limited to one session.
#[test]
fn a_conversation_survives_crashes_of_its_workers() {
    bench().run(async {
        let mut cells = 0;
        for ending in Share::of_this_run()?.of([Ending::Kill, Ending::Error, Ending::Throttled], 3) {
            cells += conversation(ending).await?;
        }
        println!("faults in workers of conversations: {cells} cells, each reported at once, each step done once");
        Ok(())
    });
}
