//! Logs one line for each task, at its end, and publishes its metrics.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use bonafide_domain::{ApplicationId, Check, CheckOutcome, ReasonCode, face_api::FaceId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    ErrorName, WorkerError,
    config::MissingSetting,
    logs,
    metrics::{Measurement, Metrics},
};

/// The name of the worker in logs and metrics, and its check.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    name: &'static str,
    check: Option<Check>,
}

impl Worker {
    /// The worker of this crate: `Worker::new(env!("CARGO_PKG_NAME"))`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, check: None }
    }

    /// Sets the check that this worker is part of.
    #[must_use]
    pub const fn of(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }
}

/// Records the application of the current task. The kit does so itself when the input has an `applicationId`.
pub fn record_application(id: &ApplicationId) {
    Span::current().record("application.id", id.as_str());
}

/// Records the face of the current task.
pub fn record_face(id: &FaceId) {
    Span::current().record("face.id", id.as_str());
}

/// Records a code that is not a reason code.
pub(crate) fn record_code(code: &'static str) {
    Span::current().record("reason", code);
}

/// Records the execution of the current task, by its name or ARN.
pub fn record_execution(execution: &str) {
    Span::current().record("execution", execution);
}

/// Records the check of the current task. The kit does so itself when the worker is part of a check.
pub fn record_check(check: Check) {
    Span::current().record("check", check.name());
}

/// Records the outcome of the current task, or of its application.
pub fn record_outcome(outcome: &'static str) {
    Span::current().record("outcome", outcome);
}

/// Records the reasons. The kit does so itself when the output has `reasons`.
pub fn record_reasons(reasons: &[ReasonCode]) {
    if !reasons.is_empty() {
        let codes: Vec<_> = reasons.iter().map(|reason| reason.code()).collect();
        Span::current().record("reason", codes.join(","));
    }
}

/// Logs and measures the tasks of a worker.
#[derive(Debug)]
pub(crate) struct Observer {
    worker: Worker,
    metrics: Metrics,
}

impl Observer {
    /// Call once, at the start of the process.
    pub(crate) fn start(worker: Worker) -> Result<Self, MissingSetting> {
        logs::init(worker.name);
        Ok(Self { worker, metrics: Metrics::from_environment()? })
    }

    pub(crate) fn measure(&self, measurement: &Measurement) {
        self.metrics.write(measurement);
    }

    /// Begins a task. Only the application's id of `input` is logged.
    pub(crate) fn begin(&self, input: &Value) -> Task<'_> {
        let span = tracing::info_span!(
            "task",
            worker = self.worker.name,
            message.id = Empty,
            application.id = Empty,
            face.id = Empty,
            execution = Empty,
            check = self.worker.check.map(Check::name),
            outcome = Empty,
            reason = Empty,
            answered = Empty,
        );
        let task = Task { observer: self, span };
        if let Some(id) = member::<ApplicationId>(input, "applicationId") {
            task.span.in_scope(|| record_application(&id));
        }
        task
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            worker: Worker::new("match-details").of(Check::DocumentExtraction),
            metrics: Metrics::new("Bonafide/test".to_owned()),
        }
    }
}

/// A member of a domain type, which cannot contain personal data; `None` for any other value.
fn member<T: DeserializeOwned>(object: &Value, name: &str) -> Option<T> {
    T::deserialize(object.get(name)?).ok()
}

/// A running task.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    observer: &'a Observer,
    span: Span,
}

impl Task<'_> {
    /// Records the message that contained the task.
    pub(crate) fn set_message(&self, message_id: &str) {
        self.span.record("message.id", message_id);
    }

    /// Logs and measures that a try was throttled and will be repeated.
    pub(crate) fn throttled(&self, error: &WorkerError) {
        let worker = self.observer.worker.name;
        tracing::info!(error.code = error.code, "throttled: the task will be retried");
        self.observer.measure(&Measurement::new().count("Throttles").by([("Worker", worker)]));
    }

    /// Records that no execution waits for the result any more.
    pub(crate) fn set_unanswered(&self) {
        self.span.record("answered", false);
    }

    /// Runs the work within the span of the task. A panic becomes an error without the panic's message, which may quote data.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T, WorkerError>>) -> Result<T, WorkerError> {
        let mut work = pin!(work.instrument(self.span.clone()));
        poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_| {
                let message = "the worker panicked; its log says where";
                let error = WorkerError::without_code(ErrorName::Internal, message);
                Poll::Ready(Err(WorkerError { code: Some("Panic".to_owned()), ..error }))
            })
        })
        .await
    }

    /// Logs the result and publishes the metrics.
    pub(crate) fn end<Output: Serialize>(self, result: &Result<Output, WorkerError>) {
        let worker = self.observer.worker.name;
        let _entered = self.span.enter();
        match result {
            Ok(output) => {
                let output = serde_json::to_value(output).unwrap_or_default();
                if let Some(outcome) = member::<CheckOutcome>(&output, "outcome") {
                    record_outcome(outcome.name());
                }
                record_reasons(&member::<Vec<ReasonCode>>(&output, "reasons").unwrap_or_default());
                tracing::info!("the task is done");
                self.observer.measure(&Measurement::new().count("TasksDone").by([("Worker", worker)]));
            }
            Err(error) => {
                let name = error.name.as_str();
                tracing::error!(
                    error.name = name,
                    error.code = error.code,
                    error.message = error.message,
                    "the task failed"
                );
                let throttles = if error.is_throttled() { 1.0 } else { 0.0 };
                let failed = Measurement::new()
                    .count("TaskFailures")
                    .metric("Throttles", crate::Unit::Count, throttles)
                    .by([("Worker", worker)])
                    .by([("Worker", worker), ("ErrorName", name)]);
                self.observer.measure(&failed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logs::tests::Memory;

    async fn observed(
        input: Value,
        work: impl Future<Output = Result<Value, WorkerError>>,
    ) -> serde_json::Map<String, Value> {
        let memory = Memory::default();
        let _guard = memory.capture();
        let observer = Observer::for_tests();
        let task = observer.begin(&input);
        let result = task.run(work).await;
        task.end(&result);
        let mut lines = memory.lines();
        let mut line = lines.pop().expect("a line");
        assert_eq!(lines.len(), 0, "{lines:?}");
        line.remove("timestamp");
        line
    }

    #[tokio::test]
    async fn a_finished_task_is_logged_in_one_line() {
        let output =
            json!({"outcome": "resubmit", "reasons": ["SELFIE_MISSING", "DOCUMENT_MISSING"], "name": "Jane Doe"});
        let line = observed(json!({"applicationId": "8d247914", "name": "Jane Doe"}), async { Ok(output) }).await;
        assert_eq!(
            Value::Object(line),
            json!({
                "level": "INFO", "message": "the task is done", "worker": "match-details", "check": "documentExtraction",
                "application.id": "8d247914", "outcome": "resubmit", "reason": "SELFIE_MISSING,DOCUMENT_MISSING",
            })
        );
    }

    #[tokio::test]
    async fn a_failed_task_is_logged_with_its_error() {
        let error = WorkerError {
            code: Some("ThrottlingException".into()),
            ..WorkerError::without_code(ErrorName::Transient, "later")
        };
        let line = observed(json!({"applicationId": "8d247914"}), async { Err(error) }).await;
        assert_eq!(
            Value::Object(line),
            json!({
                "level": "ERROR", "message": "the task failed", "worker": "match-details", "check": "documentExtraction",
                "application.id": "8d247914", "error.name": "Bonafide.Transient", "error.code": "ThrottlingException",
                "error.message": "later",
            })
        );
    }

    #[tokio::test]
    async fn only_known_values_of_input_and_output_are_logged() {
        let output = json!({"outcome": "Jane Doe", "reasons": ["Jane Doe"]});
        let line = observed(json!({"applicationId": "Jane Doe"}), async { Ok(output) }).await;
        assert!(!format!("{line:?}").contains("Jane"), "{line:?}");
    }

    #[tokio::test]
    async fn recorded_values_are_logged() {
        let line = observed(json!({}), async {
            record_application(&"8d247914".parse().expect("an id"));
            record_execution("8d247914-0");
            record_check(Check::ThirdPartyCheck);
            record_outcome("approved");
            tokio::task::yield_now().await;
            record_reasons(&[ReasonCode::FaceMismatch]);
            Ok(json!({}))
        })
        .await;
        let logged = ["application.id", "execution", "check", "outcome", "reason"].map(|name| line[name].as_str());
        assert_eq!(logged, ["8d247914", "8d247914-0", "thirdPartyCheck", "approved", "FACE_MISMATCH"].map(Some));
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error_without_its_message() {
        let line = observed(json!({"applicationId": "8d247914"}), async {
            tokio::task::yield_now().await;
            panic!("Jane Doe");
        })
        .await;
        assert_eq!((&line["error.name"], &line["error.code"]), (&json!("Bonafide.Internal"), &json!("Panic")));
        assert_eq!(line["application.id"], "8d247914");
        assert!(!format!("{line:?}").contains("Jane"), "{line:?}");
    }
}
