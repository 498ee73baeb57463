//! The kit of the Lambda workers: the only code that knows `lambda_runtime`.
//!
//! A worker's library has a typed input and one `handle`; its binary builds the clients and gives `handle` to
//! [`run_task`] (invoked by a state), [`run_task_with_answer`] (invoked by somebody who takes failures in a form of its own),
//! [`run_api`] (called by API Gateway), [`run_task_queue`] (a queue with task tokens) or [`run_queue`] (a plain queue).
//! The kit writes one line of the log and one of metrics about each task, so that workers need not.

mod api;
mod clock;
mod config;
mod error;
mod input;
mod logs;
mod metrics;
mod observer;
mod pace;
mod queue;
mod tables;
mod task;

pub use api::{Api, ApiAnswer, ApiFailure, ApiRequest, run_api};
pub use clock::{ago, instant, now, seconds, today};
pub use config::{SdkConfig, aws_config, setting};
pub use error::{ErrorName, Report, TaskError, sdk_code};
pub use lambda_runtime::Error;
pub use metrics::{Measurement, Unit};
pub use observer::{Worker, note_application, note_check, note_execution, note_face, note_outcome, note_reasons};
pub use pace::Pace;
pub use queue::{run_queue, run_task_queue};
pub use tables::{
    Applications, Row, Submissions, TableFailure, column, object_ref, read_object_ref, submission_key, text,
};
pub use task::{run_task, run_task_with_answer};
