//! The kit of the Lambda workers: the only code that knows `lambda_runtime`.
//!
//! A worker's library has a typed input and one `handle`; its binary builds the clients and gives `handle` to
//! [`run_task`] (invoked by a state), [`run_task_queue`] (a queue with task tokens) or [`run_queue`] (a plain queue).

mod applications;
mod clock;
mod config;
mod error;
mod input;
mod queue;
mod task;

pub use applications::{Applications, Row, TableFailure, column, object_ref};
pub use clock::{now, today};
pub use config::{aws_config, setting};
pub use error::{ErrorName, Report, TaskError, sdk_code};
pub use lambda_runtime::Error;
pub use queue::{run_queue, run_task_queue};
pub use task::run_task;
