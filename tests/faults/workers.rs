//! Workers that err, panic, are killed, or run out of time.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_domain::Personal;
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use bonafide_tools::control::Fault;
use bonafide_tools::history::Trace;
use bonafide_tools::rows::{plain, s};
use bonafide_tools::{repository, until};
use onboarding_agent::bedrock::{Agent, Attributes, MESSAGE_VERSION, ResponseState};
use onboarding_agent::{ACTION_GROUP, Answer, Event, Function, MachineResult, Said};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::journey::{CHECKS, Journey, Left, name, package, picture, recorded, replay, said, submission, upload};
use crate::tasks::{BoxFuture, REPLAYED, UNDISTURBED, all, undisturbed};

/// A worker, and a request that shows that it is at work.
const WORKERS: [(&str, Called, &str, &str); 7] = [
    ("unpack-package", Called::State, "s3", "GetObject"),
    ("match-details", Called::State, "dynamodb", "GetItem"),
    ("conclude-submission", Called::State, "dynamodb", "TransactWriteItems"),
    ("extract-document", Called::Task, "textract", "AnalyzeID"),
    ("validate-license", Called::Task, "dynamodb", "GetItem"),
    ("starter", Called::Event, "dynamodb", "TransactWriteItems"),
    ("measure-outcome", Called::Event, "dynamodb", "GetItem"),
];
/// How often the SDK tries before a worker says that it failed.
const ATTEMPTS: u32 = 3;
/// Seconds until a message that was not handled comes back. Deployed are six times a worker's timeout of 60 seconds; more than one
/// timeout is enough for no worker, however slow, to be given a message that it is still working on.
const VISIBILITY: &str = "70";

/// By what it is called, which hears of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// By a state.
    State,
    /// By a message with a task token: the state that waits hears of it; the queue, if the worker has said nothing.
    Task,
    /// By any other message: the queue hears of it.
    Event,
}

/// What becomes of it.
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
        let fault = match self {
            // The starter's message comes back a few times only.
            Self::Error => Fault::error(service, operation, id, "AccessDeniedException", 400).times(1),
            Self::Throttled => Fault::error(service, operation, id, "ThrottlingException", 400).times(ATTEMPTS),
            Self::Panic => end("panicked"),
            Self::Abort => end("aborted"),
            Self::Kill => end("killed"),
            Self::TimeOut => end("outOfTime"),
        };
        fault.by(worker)
    }

    /// Whether it goes on by itself: the state tries again, or the message comes back.
    fn is_tried_again(self, called: Called) -> bool {
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
    let (ended, faults) = Journey::Approved.start_with(&id, &[ending.fault(worker, &id)]).await?;
    let succeeds = ending.is_tried_again(worker.1);
    let expected_status = if succeeds { ExecutionStatus::Succeeded } else { ExecutionStatus::Failed };
    ensure!(ended.status == expected_status, "it ended {} at {:?}", ended.status, ended.path().last());
    if !succeeds {
        recorded(&id).await?;
        replay(&id).await?;
    }
    let left = Journey::Approved.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    let failures = usize::from(!succeeds);
    let said = said(&id, true, failures).await?;
    ensure!(said.len() == failures, "{said:?}");
    if worker.0 == "measure-outcome" {
        // Nothing waits for it, and what it does is nowhere but in its log.
        measured(&id, since).await?;
    }
    ensure!(!control.is_there(faults[0])?, "no such call was made");
    Ok(if succeeds { UNDISTURBED } else { REPLAYED })
}

/// Waits until the verdict is measured, with every check. A message that comes twice may be measured twice.
async fn measured(id: &str, since: u64) -> Result<()> {
    const MEASUREMENTS: &str = "/aws/lambda/bonafide-dev-measure-outcome";
    until(&format!("the verdict of {id} is measured"), async || {
        let lines = spawn_blocking(move || bench().local.log_since(MEASUREMENTS, since)).await??;
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<_> = lines.filter(|line| line["application.id"] == id && line.get("_aws").is_some()).collect();
        let verdicts: Vec<_> = lines.iter().filter(|line| line["Applications"].is_number()).collect();
        if verdicts.is_empty() {
            return Ok(Err(format!("there are {lines:?}")));
        }
        let is_approved = verdicts.iter().all(|line| line["Outcome"] == "approved");
        ensure!(is_approved && verdicts.len() <= 2, "measured as {verdicts:?}");
        for check in CHECKS {
            let count = lines.iter().filter(|line| line["Check"] == check).count();
            ensure!(count == verdicts.len(), "{check} was measured {count} times: {lines:?}");
        }
        Ok(Ok(()))
    })
    .await
}

/// What workers write for an application. S3 copies an object by `PutObject`, as far as faults know.
const WRITES: [(&str, &str, &str); 9] = [
    ("starter", "dynamodb", "TransactWriteItems"),
    ("starter", "s3", "PutObject"),
    ("starter", "dynamodb", "UpdateItem"),
    ("starter", "states", "StartExecution"),
    ("unpack-package", "s3", "PutObject"),
    ("extract-document", "dynamodb", "UpdateItem"),
    ("extract-document", "states", "SendTaskSuccess"),
    ("validate-license", "dynamodb", "UpdateItem"),
    ("validate-license", "states", "SendTaskSuccess"),
];

/// It happens once, and nobody but the worker that it happens to has to do with it.
async fn outlived(id: String, journey: Journey, fault: Fault, expected: Left) -> Result<&'static str> {
    let (ended, faults) = journey.start_with(&id, &[fault]).await?;
    ensure!(!bench().local.control.is_there(faults[0])?, "no such call was made");
    ensure!(
        ended.status == ExecutionStatus::Succeeded,
        "it ended {} at {:?}: {:?}",
        ended.status,
        ended.path().last(),
        ended.error
    );
    let left = journey.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    journey.reads_once(&id)?;
    Ok(UNDISTURBED)
}

#[test]
fn what_a_worker_has_written_without_hearing_of_it_is_written_once() {
    bench().run(async {
        let (journey, expected) = (Journey::Approved, undisturbed().await?);
        let cells = WRITES.map(|write @ (worker, service, operation)| {
            let id = name(&format!("lost-{worker}-{operation}"));
            let fault = Fault::no_answer(service, operation, &id, "closed").by(worker).afterwards().times(1);
            (format!("{write:?}"), outlived(id, journey, fault, expected[&journey].clone()))
        });
        Box::pin(all("answers to workers that were lost", cells)).await
    });
}

/// How the one transaction of a conclusion goes wrong.
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

/// One customer, one decision and one outcome, and a face where it has to be: with an approval, and with a face that is not kept.
#[test]
fn a_conclusion_is_written_once_however_it_goes_wrong() {
    bench().run(async {
        let expected = undisturbed().await?;
        let mut cells = Vec::new();
        for journey in [Journey::Approved, Journey::Duplicate, Journey::Late] {
            for how in CONCLUDING {
                let id = name(&format!("{journey:?}-{how:?}"));
                let cell = outlived(id.clone(), journey, how.fault(&id), expected[&journey].clone());
                cells.push((format!("{how:?} at the end of {journey:?}"), cell));
            }
        }
        Box::pin(all("conclusions that go wrong", cells)).await
    });
}

/// Workers of queues that are killed when they have written: the message comes back, and finds it done.
const DONE: [(&str, &str, &str); 4] = [
    ("starter", "dynamodb", "TransactWriteItems"),
    ("starter", "s3", "PutObject"),
    ("extract-document", "dynamodb", "UpdateItem"),
    ("validate-license", "dynamodb", "UpdateItem"),
];

/// The starter is killed while it refuses an upload: that is told all the same, and recorded.
async fn refused((service, operation): (&'static str, &'static str)) -> Result<&'static str> {
    let id = name(&format!("refused-{operation}"));
    Journey::Approved.start(&id).await?;
    let killed = Fault::worker(service, operation, &id, "killed").by("starter").times(1);
    let fault = bench().local.control.put(&killed)?;
    upload(&id, format!("zipped/{id}.zip"), package(&id, picture()?)).await?;
    until("the refusal is recorded", async || {
        let record = submission(&id).await?;
        Ok(if record["status"] == "REFUSED" { Ok(()) } else { Err(record.to_string()) })
    })
    .await?;
    let said = said(&id, false, 2).await?;
    ensure!(said.iter().filter(|said| said.starts_with("UPLOAD_REJECTED")).count() == 1, "said {said:?}");
    ensure!(!bench().local.control.is_there(fault)?, "no such call was made");
    Ok(UNDISTURBED)
}

/// What was uploaded is gone, and the starter is killed before or after it has written the one or the other of that down.
async fn gone(writes: u32) -> Result<&'static str> {
    let id = name(&format!("gone-killed-{writes}"));
    let killed = Fault::worker("dynamodb", "UpdateItem", &id, "killed").by("starter").after(writes).times(1);
    let fault = bench().local.control.put(&killed)?;
    let object = json!({"key": format!("zipped/{id}.zip"), "versionId": "gone"});
    let bucket = bench().deployment.data("BucketName")?;
    let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}});
    let send = bench().local.sqs.send_message().queue_url(bench().deployment.data("UploadsQueueUrl")?);
    send.message_body(json!({"Records": [record]}).to_string()).send().await?;
    let told = said(&id, true, 1).await?;
    ensure!(told.len() == 1 && told[0].contains("UPLOAD_MISSING"), "said {told:?}");
    ensure!(!bench().local.control.is_there(fault)?, "no such call was made");
    until("the submission is recorded as failed", async || {
        let record = submission(&id).await?;
        let is_recorded = record["status"] == "FAILED" && record["failure"]["reason"] == "UPLOAD_MISSING";
        Ok(if is_recorded { Ok(()) } else { Err(record.to_string()) })
    })
    .await?;
    let row = recorded(&id).await?;
    ensure!(row["packageSubmission"]["progress"] == "FAILED", "{row}");
    Ok(UNDISTURBED)
}

/// Lets messages come back sooner; what was set before.
async fn hasten() -> Result<Vec<(String, String)>> {
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
fn a_worker_that_ends_badly_ends_no_application() {
    bench().run(async {
        let (journey, share) = (Journey::Approved, Share::of_this_run()?);
        let expected = &undisturbed().await?[&journey];
        let before = hasten().await?;
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
            let cell = outlived(id, journey, fault, expected.clone());
            cells.push((format!("{worker} killed after {operation}"), Box::pin(cell)));
        }
        for call in [("sns", "Publish"), ("dynamodb", "PutItem")] {
            cells.push((format!("starter killed at {call:?} of a refusal"), Box::pin(refused(call))));
        }
        for writes in [0, 1] {
            cells.push((format!("starter killed, what was uploaded is gone, {writes}"), Box::pin(gone(writes))));
        }
        let result = all("ends of workers", cells).await;
        for (url, seconds) in before {
            set_visibility(&url, &seconds).await?;
        }
        result
    });
}

/// The workers of conversations, with the function that the model calls when they are at work.
const TALKERS: [(&str, Function); 3] = [
    ("extract-identity", Function::ReadDocument),
    ("verify-identity", Function::VerifyIdentity),
    ("onboarding-agent", Function::RegisterCustomer),
];
const DOCUMENT: &str = "samples/nordic/dk-driving-licence.jpg";
const CUSTOMER: &str = "DK#0707614285";

/// What the person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// What the step came to.
    Result(Option<MachineResult>),
    /// `FAILURE`, with nothing else but why.
    Failure,
    /// The function that speaks for the machine died.
    Nothing,
}

/// Sends a signal to the processes of a worker of this local AWS; how many there are.
fn signal(worker: &str, signal: &str) -> Result<usize> {
    let function = format!("AWS_LAMBDA_FUNCTION_NAME=bonafide-dev-{worker}");
    let endpoint = format!("AWS_ENDPOINT_URL={}", bench().local.endpoint());
    let mut count = 0;
    for process in fs::read_dir("/proc").context("this needs Linux")?.flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let has = |entry: &str| environment.split(|byte| *byte == 0).any(|other| other == entry.as_bytes());
        if has(&function) && has(&endpoint) {
            Command::new("kill").arg(format!("-{signal}")).arg(process.file_name()).status()?;
            count += 1;
        }
    }
    Ok(count)
}

/// A conversation whose person has consented and uploaded a document.
struct Talk {
    id: String,
    attributes: Attributes,
}

impl Talk {
    async fn begin(ending: Ending) -> Result<Self> {
        let id = name(&format!("talk-{ending:?}"));
        let key = format!("onboard/DK/2026/11/21/{id}/document.jpg");
        let picture = fs::read(repository().join(DOCUMENT))?;
        let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?).key(&key);
        put.body(ByteStream::from(picture)).send().await?;
        let attributes = [
            ("country", "DK"),
            ("consent", "true"),
            ("consentedAt", "2026-11-21T09:30:00.000Z"),
            ("sessionId", &id),
            ("documentKey", &key),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Ok(Self { id, attributes })
    }

    /// The model calls a function; what it is given to say.
    async fn ask(&mut self, function: Function) -> Result<(Told, Said)> {
        let event = Event {
            message_version: MESSAGE_VERSION.to_owned(),
            agent: Agent::default(),
            session_id: self.id.clone(),
            input_text: Personal::default(),
            action_group: ACTION_GROUP.to_owned(),
            function: function.name().to_owned(),
            parameters: Vec::new(),
            session_attributes: self.attributes.clone(),
            prompt_session_attributes: Attributes::new(),
        };
        let event = serde_json::to_value(&event)?;
        let answer = spawn_blocking(move || bench().local.invoke("bonafide-dev-onboarding-agent", &event)).await?;
        let answer: Answer = match answer {
            Err(error) if error.to_string().contains("ended with an error") => {
                return Ok((Told::Nothing, Said::default()));
            }
            answer => serde_json::from_value(answer?)?,
        };
        let said = answer.said()?;
        self.attributes.clone_from(&answer.session_attributes);
        let told = match answer.response.function_response.response_state {
            None => Told::Result(said.result),
            Some(ResponseState::Failure) => {
                let is_all = said.result.is_none() && said.customer_id.is_none() && said.last_four.is_none();
                ensure!(is_all, "a failure says {said:?}");
                Told::Failure
            }
            Some(state) => anyhow::bail!("{} answered with {state:?}", function.name()),
        };
        Ok((told, said))
    }

    /// One worker ends badly, once; then the same step succeeds.
    async fn step(&mut self, (worker, function): (&'static str, Function), ending: Ending) -> Result<Said> {
        let done = if function == Function::RegisterCustomer { MachineResult::Registered } else { MachineResult::Ok };
        let expected = match (worker, ending) {
            ("onboarding-agent", Ending::Kill) => Told::Nothing,
            ("onboarding-agent", _) | (_, Ending::Error) => Told::Failure,
            _ => Told::Result(Some(done)),
        };
        let (told, said) = if worker == "verify-identity" {
            self.verify(ending).await?
        } else {
            let control = &bench().local.control;
            let fault = control.put(&self.fault(worker, ending))?;
            let told = self.ask(function).await?;
            ensure!(!control.is_there(fault)?, "no such call was made");
            told
        };
        ensure!(told == expected, "told {told:?}: {said:?}");
        let row = plain(&bench().row(&self.id).await?);
        if told == Told::Failure && worker != "onboarding-agent" {
            let reasons: Vec<_> = said.reasons.iter().map(|reason| reason.code()).collect();
            ensure!(row["status"] == "FAILED" && row["reasons"] == json!(reasons), "told {reasons:?}, recorded {row}");
        }
        // Only the machine that has done its work makes a customer, although nobody could tell the person.
        let customers = usize::from(told == Told::Nothing);
        let count = self.customers().await?.len();
        ensure!(count == customers, "{count} customers after {told:?}");

        let (told, said) = self.ask(function).await?;
        ensure!(told == Told::Result(Some(done)), "afterwards told {told:?}: {said:?}");
        Ok(said)
    }

    fn fault(&self, worker: &'static str, ending: Ending) -> Fault {
        let fault = |service, operation, id: &str| ending.fault((worker, Called::State, service, operation), id);
        match (worker, ending) {
            ("extract-identity", Ending::Kill) => fault("s3", "GetObject", &self.id),
            // Textract is not told whose picture it is.
            ("extract-identity", _) => fault("textract", "DetectDocumentText", ""),
            // The machine has done its work by then, and the next try finds it done.
            (_, Ending::Kill) => fault("states", "StartSyncExecution", &self.id).afterwards(),
            _ => fault("states", "StartSyncExecution", &self.id),
        }
    }

    /// The worker that asks the register sends no request at which it could be met.
    async fn verify(&mut self, ending: Ending) -> Result<(Told, Said)> {
        let (function, id) = (Function::VerifyIdentity, self.id.clone());
        let (told, error) = match ending {
            Ending::Kill => {
                // Now it has a process, which is stopped when the next event comes, and killed in the middle of it.
                let (told, said) = self.ask(function).await?;
                ensure!(told == Told::Result(Some(MachineResult::Ok)), "before it is killed, told {told:?}: {said:?}");
                (self.kill(function).await?, "Runtime.ExitError")
            }
            Ending::Throttled => {
                let fault = Fault::error("lambda", "Invoke", &id, "TooManyRequestsException", 429).times(1);
                let fault = bench().local.control.put(&fault.by("agent-onboarding/VerifyIdentity"))?;
                let told = self.ask(function).await?;
                ensure!(!bench().local.control.is_there(fault)?, "no such call was made");
                (told, "Lambda.TooManyRequestsException")
            }
            _ => {
                // The record of what was read is damaged, and repaired.
                damage(&id, "SET #identity.damaged = country").await?;
                let told = self.ask(function).await?;
                damage(&id, "REMOVE #identity.damaged").await?;
                (told, "Bonafide.InvalidInput")
            }
        };
        let errors = verification_errors(&id).await?;
        ensure!(errors.iter().any(|other| other == error), "no {error} in {errors:?}");
        if told.0 == Told::Failure {
            let row = plain(&bench().row(&id).await?);
            ensure!(row["registryVerification"]["outcome"] != "pass", "verified by a failure: {row}");
            ensure!(self.attributes["verificationStatus"] == "EXTRACTED", "{:?}", self.attributes);
        }
        Ok(told)
    }

    /// Kills the worker that asks the register in the middle of an event. The event follows the state after a time that depends on the
    /// machine; a worker that is killed before it has the event is replaced by one that answers, and the next try waits longer.
    async fn kill(&mut self, function: Function) -> Result<(Told, Said)> {
        let id = self.id.clone();
        for seconds in [1, 4, 16] {
            ensure!(signal("verify-identity", "STOP")? > 0, "it has no process");
            let kill = async {
                let invoked = is_invoked(&id).await;
                sleep(Duration::from_secs(seconds)).await;
                signal("verify-identity", "KILL")?;
                invoked
            };
            let (told, killed) = tokio::join!(self.ask(function), kill);
            killed?;
            let told = told?;
            if verification_errors(&id).await?.iter().any(|error| error == "Runtime.ExitError") {
                return Ok(told);
            }
        }
        anyhow::bail!("it was never killed in the middle of an event");
    }

    async fn customers(&self) -> Result<Vec<Value>> {
        let table = bench().deployment.data("CustomersTableName")?;
        let pages = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
        let customers = pages.collect::<Result<Vec<_>, _>>().await?;
        Ok(customers.iter().filter(|row| row.get("applicationId") == Some(&s(&self.id))).map(plain).collect())
    }
}

/// Those of a conversation.
async fn executions(id: &str) -> Result<Vec<String>> {
    let machine = bench().deployment.machine("AgentOnboardingMachineArn")?;
    let all = bench().local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().filter(|one| one.name.starts_with(id)).map(|one| one.execution_arn).collect())
}

/// The errors of the state that asks the register, in all executions of a conversation.
async fn verification_errors(id: &str) -> Result<Vec<String>> {
    let mut errors = Vec::new();
    for execution in executions(id).await? {
        let trace = Trace::fetch(&bench().local, &execution).await?;
        let own = trace.errors().into_iter().filter(|(state, _)| *state == "VerifyIdentity");
        errors.extend(own.map(|(_, error)| error.to_owned()));
    }
    Ok(errors)
}

/// Waits until the state is entered that asks the register, and is not left.
async fn is_invoked(id: &str) -> Result<()> {
    until("VerifyIdentity is waited for", async || {
        for execution in executions(id).await? {
            let is_running = bench().local.status(&execution).await? == Some(ExecutionStatus::Running);
            let trace = Trace::fetch(&bench().local, &execution).await?;
            if is_running && trace.path().last() == Some(&"VerifyIdentity") {
                return Ok(Ok(()));
            }
        }
        Ok(Err("it is not".to_owned()))
    })
    .await
}

/// Changes what was read from a document.
async fn damage(id: &str, expression: &str) -> Result<()> {
    let update = bench().local.dynamodb.update_item().table_name(bench().deployment.data("ApplicationsTableName")?);
    let update = update.key("applicationId", s(id)).update_expression(expression);
    update.expression_attribute_names("#identity", "identity").send().await?;
    Ok(())
}

/// The person of all these conversations may be made a customer again.
async fn forget_customer() -> Result<()> {
    let delete = bench().local.dynamodb.delete_item().table_name(bench().deployment.data("CustomersTableName")?);
    delete.key("PK", s(CUSTOMER)).key("SK", s("PROFILE")).send().await?;
    Ok(())
}

/// A conversation at whose steps one worker after the other ends badly.
async fn conversation(ending: Ending) -> Result<usize> {
    forget_customer().await?;
    let mut talk = Talk::begin(ending).await?;
    let mut last = Said::default();
    for talker in TALKERS {
        let step = Box::pin(talk.step(talker, ending));
        last = step.await.with_context(|| format!("{ending:?} of {}", talker.0))?;
    }
    let customers = talk.customers().await?;
    ensure!(customers.len() == 1 && customers[0]["PK"] == CUSTOMER, "{} customers", customers.len());
    ensure!(last.customer_id.as_deref() == customers[0]["customerId"].as_str(), "told of another customer");
    let row = plain(&bench().row(&talk.id).await?);
    ensure!(row["status"] == "DECIDED" && row["outcome"] == "approved" && row.get("failure").is_none(), "{row}");
    let verdicts = said(&talk.id, false, 1).await?;
    ensure!(verdicts.len() == 1 && verdicts[0].contains("approved"), "said {verdicts:?}");
    forget_customer().await?;
    Ok(TALKERS.len())
}

/// One conversation after the other: they are about one person, and Textract is not told about whose picture it fails.
#[test]
fn a_conversation_outlives_the_ends_of_its_workers() {
    bench().run(async {
        let mut cells = 0;
        for ending in Share::of_this_run()?.of([Ending::Kill, Ending::Error, Ending::Throttled], 3) {
            cells += conversation(ending).await?;
        }
        println!("ends of workers of conversations: {cells} cells, each told at once, and done once by the same step");
        Ok(())
    });
}
