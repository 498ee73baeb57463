//! The kit of the Lambda workers: the only code that knows `lambda_runtime`.
//!
//! A worker's library has a typed input and one `handle`; its binary builds the clients and gives `handle` to
//! [`run_task`] (invoked by a state), [`run_task_with_answer`] (invoked by a caller with its own format for errors),
//! [`run_api`] (called by API Gateway), [`run_task_queue`] (a queue with task tokens), [`run_queue`] (a plain queue) or [`run_stream`]
//! (the changes of a table).
//! The kit writes one log line and one line of metrics for each task.

mod api;
mod clock;
mod config;
mod error;
mod evidence;
mod input;
mod logs;
mod metrics;
mod observer;
mod queue;
mod rate_limiter;
mod stream;
mod tables;
mod task;

pub use api::{Api, ApiAnswer, ApiRequest, RequestError, run_api};
pub use clock::{ago, instant, now, seconds, today};
pub use config::{SdkConfig, aws_config, setting};
pub use error::{ErrorName, ServiceError, TaskError, WorkerError, sdk_code};
pub use evidence::fetch;
pub use lambda_runtime::Error;
pub use metrics::{Measurement, Metrics, Unit};
pub use observer::{
    Worker, record_application, record_check, record_execution, record_face, record_outcome, record_reasons,
};
pub use queue::{run_queue, run_task_queue};
pub use rate_limiter::RateLimiter;
pub use stream::{Change, Operation, run_stream};
pub use tables::{
    Applications, Row, Submissions, TableError, column, evidence_ref, object_ref, read_object_ref, submission_key, text,
};
pub use task::{run_task, run_task_with_answer};
