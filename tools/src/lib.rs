//! Development tools: a client of the local AWS for the demo, the tests and the reports on costs, capacity, load and permissions. Called
//! by `cargo xtask`.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

pub mod cases;
pub mod control;
pub mod conversations;
pub mod cost;
pub mod face_script;
pub mod faces;
pub mod history;
pub mod iam;
pub mod load_test;
pub mod local;
pub mod machine;
pub mod mcp;
pub mod notifications;
pub mod packages;
pub mod rows;
pub mod samples;

pub use faces::FaceApi;
pub use local::Local;

/// The limit of every wait. It is longer than any expected event takes on a slow machine, so a wait that exceeds it shows a defect.
pub const WAIT_LIMIT: Duration = Duration::from_mins(10);

/// Calls `look` repeatedly until it finds what it looks for; until then, `look` returns a description of the present state.
/// `what` completes the sentence "waited in vain until …".
///
/// # Errors
/// When looking fails, or [`WAIT_LIMIT`] has passed.
pub async fn until<T, Look>(what: &str, mut look: impl FnMut() -> Look) -> Result<T>
where
    Look: Future<Output = Result<Result<T, String>>>,
{
    let started = Instant::now();
    loop {
        let instead = match look().await? {
            Ok(found) => return Ok(found),
            Err(instead) => instead,
        };
        ensure!(started.elapsed() < WAIT_LIMIT, "waited in vain until {what}: {instead}");
        // The interval grows, so that the requests do not slow down a slow machine.
        sleep((started.elapsed() / 4).clamp(Duration::from_millis(20), Duration::from_secs(2))).await;
    }
}

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
