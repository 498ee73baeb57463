//! Workers that err, panic, are killed, or run out of time.

use anyhow::{Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_tests::bench::bench;
use bonafide_tests::control::Fault;

use crate::journey::{Journey, Left, name, recorded, replay, said};
use crate::tasks::{all, undisturbed};

/// A worker, and a request that shows that it is at work.
const WORKERS: [(&str, Called, &str, &str); 7] = [
    ("unpack-package", Called::State, "s3", "GetObject"),
    ("match-details", Called::State, "dynamodb", "GetItem"),
    ("register-customer", Called::State, "dynamodb", "GetItem"),
    ("extract-document", Called::Task, "textract", "AnalyzeID"),
    ("validate-license", Called::Task, "dynamodb", "GetItem"),
    ("starter", Called::Event, "dynamodb", "UpdateItem"),
    ("measure-outcome", Called::Event, "dynamodb", "GetItem"),
];
/// How often the SDK tries before a worker says that it failed.
const ATTEMPTS: u32 = 3;
/// Seconds until a message that nobody answered comes back. Deployed are six times the worker's own time.
const VISIBILITY: &str = "15";

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
) -> Result<()> {
    let id = name(&format!("{}-{ending:?}", worker.0));
    bench().local.control.add(&ending.fault(worker, &id))?;
    let ended = Journey::Approved.start(&id).await?;
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
    let said = said(&id, true, failures).await;
    ensure!(said.len() == failures, "{said:?}");
    Ok(())
}

/// What workers write for an application.
const WRITES: [(&str, &str, &str); 6] = [
    ("starter", "dynamodb", "UpdateItem"),
    ("starter", "states", "StartExecution"),
    ("unpack-package", "s3", "PutObject"),
    ("register-customer", "dynamodb", "PutItem"),
    ("extract-document", "states", "SendTaskSuccess"),
    ("validate-license", "states", "SendTaskSuccess"),
];

/// It is written, and the worker does not hear of it.
async fn lost((worker, service, operation): (&str, &'static str, &'static str), expected: Left) -> Result<()> {
    let id = name(&format!("lost-{worker}-{operation}"));
    let control = &bench().local.control;
    let fault = Fault::no_answer(service, operation, &id, "closed").by(worker).afterwards().times(1);
    let fault = control.put(&fault)?;
    let ended = Journey::Approved.start(&id).await?;
    ensure!(!control.is_there(fault)?, "no such call was made");
    ensure!(
        ended.status == ExecutionStatus::Succeeded,
        "it ended {} at {:?}: {:?}",
        ended.status,
        ended.path().last(),
        ended.error
    );
    let left = Journey::Approved.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    Ok(())
}

#[test]
fn what_a_worker_has_written_without_hearing_of_it_is_written_once() {
    bench().run(async {
        let expected = &undisturbed().await?[&Journey::Approved];
        let cells = WRITES.map(|write| (format!("{write:?}"), lost(write, expected.clone())));
        Box::pin(all(cells)).await?;
        Ok(())
    });
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
        let expected = &undisturbed().await?[&Journey::Approved];
        let before = hasten().await?;
        ensure!(!before.is_empty(), "no queues");
        let mut cells = Vec::new();
        for worker in WORKERS {
            for ending in ENDINGS {
                cells.push((format!("{ending:?} of {}", worker.0), cell(worker, ending, expected.clone())));
            }
        }
        let result = all(cells).await;
        for (url, seconds) in before {
            set_visibility(&url, &seconds).await?;
        }
        result?;
        Ok(())
    });
}
