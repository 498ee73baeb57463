//! The costs of an application, a conversation and a request to the face API, and the number of applications that AWS's quotas allow:
//! counted on the local AWS, and priced with a list.

mod capacity;
mod page;
mod prices;
mod record;
mod templates;
mod usage;

use std::path::Path;

use anyhow::Result;
use bonafide_cli::Deployment;

use self::prices::{Bill, Prices};
use self::templates::Templates;
use self::usage::{ROW_OVERHEAD, Usage};
use crate::local::Local;

const DAYS_PER_MONTH: f64 = 365.25 / 12.0;
const GIGABYTE: f64 = 1_073_741_824.0;
/// The application that takes the whole path.
const APPROVED: &str = "approved";
/// The conversation that registers a person step by step.
const CONVERSATION: &str = "denmark";
/// The request that registers a face, and the most frequent one.
const REGISTRATION: &str = "nora";
const VERIFICATION: &str = "verify-nora";

/// An application, a conversation or a request that was counted alone.
#[derive(Debug)]
struct Case {
    id: String,
    title: String,
    outcome: String,
    /// Further columns of its table.
    cells: Vec<String>,
    usage: Usage,
}

/// Stored bytes of one face of the face API.
#[derive(Debug, Clone, Copy, Default)]
struct KeptFace {
    picture: u64,
    record: u64,
    /// The record's entry in an index.
    index: u64,
}

impl KeptFace {
    /// The metered units of a month.
    fn month(self) -> Bill {
        let mut bill = Bill::default();
        bill.add("faceMonth", 1.0);
        bill.add("s3GigabyteMonth", number(self.picture) / GIGABYTE);
        bill.add("dynamoDbGigabyteMonth", (number(self.record + self.index) + 2.0 * ROW_OVERHEAD) / GIGABYTE);
        bill
    }
}

/// The pages `COST.md` and `CAPACITY.md`. `samples` is the folder of the scripts; `assembly` is what is deployed, `with_keys` the same
/// with encryption=customer.
///
/// # Errors
/// When a result is not as expected, or a counted call has no price.
pub async fn pages(
    local: &Local,
    deployment: &Deployment,
    samples: &Path,
    assembly: &Path,
    with_keys: &Path,
    report: impl Fn(&str),
) -> Result<(String, String)> {
    let (templates, with_keys) = (Templates::read(assembly)?, Templates::read(with_keys)?);
    let prices = Prices::included()?;
    let workers = templates.memory_megabytes.keys().cloned().collect();
    let recording = record::record(local, deployment, workers, samples, report).await?;
    let cost = page::cost(&recording, &templates, &with_keys, &prices)?;
    let approved = page::case(&recording.paths, APPROVED)?;
    Ok((cost, capacity::page(&approved.usage, &prices)?))
}

fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let number = count as f64;
    number
}

fn count(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}
