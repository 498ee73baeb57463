//! What neither the product nor a test is: a client of the local AWS for the demo, the tests and the reports on costs, capacity, load
//! and permissions. `cargo xtask` calls all of it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

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
pub mod notifications;
pub mod packages;
pub mod rows;
pub mod samples;

pub use faces::FaceApi;
pub use local::Local;

/// How long anything is waited for that has to happen. When it has passed, something is broken: no machine is so slow.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// Looks again and again until `look` finds what it looks for; until then, `look` says what there is instead.
/// `what` completes the sentence "waited in vain until …".
///
/// # Errors
/// When looking fails, or [`PATIENCE`] has passed.
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
        ensure!(started.elapsed() < PATIENCE, "waited in vain until {what}: {instead}");
        // A slow machine is asked less often, so that the questions do not keep it from its work.
        sleep((started.elapsed() / 10).clamp(Duration::from_millis(20), Duration::from_secs(2))).await;
    }
}

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
