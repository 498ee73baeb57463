//! What is told about each task: one line of the log at its end, and its metrics.

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
    ErrorName, Report,
    config::MissingSetting,
    logs,
    metrics::{Measurement, Metrics},
};

/// Which worker this is, in its logs and metrics.
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

    /// A part of this check.
    #[must_use]
    pub const fn of(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }
}

/// Says whom the present task is about. The kit knows by itself when the input has an `applicationId`.
pub fn note_application(id: &ApplicationId) {
    Span::current().record("application.id", id.as_str());
}

/// Says which face of the face API the present task is about.
pub fn note_face(id: &FaceId) {
    Span::current().record("face.id", id.as_str());
}

/// Says why, by a code that is none of the reasons'.
pub(crate) fn note_code(code: &'static str) {
    Span::current().record("reason", code);
}

/// Says which execution the present task is about, by its name or ARN.
pub fn note_execution(execution: &str) {
    Span::current().record("execution", execution);
}

/// Says which check the present task is about. The kit knows by itself for a worker that is a part of one.
pub fn note_check(check: Check) {
    Span::current().record("check", check.name());
}

/// Says how the present task, or the application that it is about, came out.
pub fn note_outcome(outcome: &'static str) {
    Span::current().record("outcome", outcome);
}

/// Says why. The kit knows by itself when the output has `reasons`.
pub fn note_reasons(reasons: &[ReasonCode]) {
    if !reasons.is_empty() {
        let codes: Vec<_> = reasons.iter().map(|reason| reason.code()).collect();
        Span::current().record("reason", codes.join(","));
    }
}

/// Watches the tasks of a worker.
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

    /// A task begins; all that is known of it is `input`, of which only the application's id is told.
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
            task.span.in_scope(|| note_application(&id));
        }
        task
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { worker: Worker::new("match-details").of(Check::DocumentExtraction), metrics: Metrics::for_tests() }
    }
}

/// A member that has one of our own types, which can hold nothing personal; anything else is not looked at.
fn member<T: DeserializeOwned>(object: &Value, name: &str) -> Option<T> {
    T::deserialize(object.get(name)?).ok()
}

/// A task from its begin to its end.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    observer: &'a Observer,
    span: Span,
}

impl Task<'_> {
    /// It came as this message.
    pub(crate) fn came_as(&self, message_id: &str) {
        self.span.record("message.id", message_id);
    }

    /// A try was refused because it was too much, and there will be another.
    pub(crate) fn throttled(&self, report: &Report) {
        let worker = self.observer.worker.name;
        tracing::info!(error.code = report.code, "throttled: the task waits for a free moment");
        self.observer.measure(&Measurement::new().count("Throttles").by([("Worker", worker)]));
    }

    /// Nobody waits for its result any more.
    pub(crate) fn unanswered(&self) {
        self.span.record("answered", false);
    }

    /// Works on it; what is logged meanwhile is told as a part of it. A panic is a failure like any other, but one that is told
    /// without the panic's own text, which may quote what it stumbled over.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T, Report>>) -> Result<T, Report> {
        let mut work = pin!(work.instrument(self.span.clone()));
        poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_| {
                let message = "the worker panicked; its log says where";
                let report = Report::without_code(ErrorName::Internal, message);
                Poll::Ready(Err(Report { code: Some("Panic".to_owned()), ..report }))
            })
        })
        .await
    }

    /// Its one line, and its metrics.
    pub(crate) fn end<Output: Serialize>(self, result: &Result<Output, Report>) {
        let worker = self.observer.worker.name;
        let _entered = self.span.enter();
        match result {
            Ok(output) => {
                let output = serde_json::to_value(output).unwrap_or_default();
                if let Some(outcome) = member::<CheckOutcome>(&output, "outcome") {
                    note_outcome(outcome.name());
                }
                note_reasons(&member::<Vec<ReasonCode>>(&output, "reasons").unwrap_or_default());
                tracing::info!("the task is done");
                self.observer.measure(&Measurement::new().count("TasksDone").by([("Worker", worker)]));
            }
            Err(report) => {
                let name = report.name.as_str();
                tracing::error!(
                    error.name = name,
                    error.code = report.code,
                    error.message = report.message,
                    "the task failed"
                );
                let throttles = if report.is_throttled() { 1.0 } else { 0.0 };
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
        work: impl Future<Output = Result<Value, Report>>,
    ) -> serde_json::Map<String, Value> {
        let memory = Memory::default();
        let _guard = memory.listen();
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
    async fn a_task_that_is_done_has_one_line_with_all_that_is_known() {
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
    async fn a_task_that_failed_says_why() {
        let report =
            Report { code: Some("ThrottlingException".into()), ..Report::without_code(ErrorName::Transient, "later") };
        let line = observed(json!({"applicationId": "8d247914"}), async { Err(report) }).await;
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
    async fn only_our_own_words_are_taken_from_input_and_output() {
        let output = json!({"outcome": "Jane Doe", "reasons": ["Jane Doe"]});
        let line = observed(json!({"applicationId": "Jane Doe"}), async { Ok(output) }).await;
        assert!(!format!("{line:?}").contains("Jane"), "{line:?}");
    }

    #[tokio::test]
    async fn what_a_worker_notes_is_told() {
        let line = observed(json!({}), async {
            note_application(&"8d247914".parse().expect("an id"));
            note_execution("8d247914-0");
            note_check(Check::ThirdPartyCheck);
            note_outcome("approved");
            tokio::task::yield_now().await;
            note_reasons(&[ReasonCode::FaceMismatch]);
            Ok(json!({}))
        })
        .await;
        let told = ["application.id", "execution", "check", "outcome", "reason"].map(|name| line[name].as_str());
        assert_eq!(told, ["8d247914", "8d247914-0", "thirdPartyCheck", "approved", "FACE_MISMATCH"].map(Some));
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_that_quotes_nothing() {
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
