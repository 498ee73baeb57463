//! Checks of logs, notifications and memory after all inputs.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::bench::bench;

use crate::Done;
use crate::package::PASSING;

/// Checks that no worker has panicked, died, timed out or run out of memory since this time, in milliseconds since 1970.
pub(crate) fn logs(from: u64) -> Done {
    let local = &bench().local;
    for group in local.log_groups()? {
        for message in local.log_since(&group, from)? {
            let crash = ["panicked", "\"Panic\"", "Runtime.ExitError", "Task timed out", "OutOfMemory", "signal: "];
            ensure!(!crash.iter().any(|word| message.contains(word)), "{group}: {message}");
        }
    }
    Ok(())
}

/// Checks that only the good package is approved; applications of other tests may be approved meanwhile. (A notification that breaks its
/// contract makes the reader panic, which is seen there.)
pub(crate) fn notifications() {
    let good = format!("{PASSING}good");
    for notification in bench().inbox.all() {
        let (id, outcome) = (&notification.application_id, notification.outcome.as_deref());
        let is_malformed = id.starts_with("malformed") && *id != good;
        assert!(outcome != Some("approved") || !is_malformed, "{notification:?}");
    }
}

/// The workers that process malformed uploads and messages.
pub(crate) const WORKERS: [&str; 7] = [
    "starter",
    "unpack-package",
    "match-details",
    "extract-document",
    "validate-license",
    "conclude-submission",
    "measure-outcome",
];

/// Checks that the peak memory of every process is below the function's memory, and that these workers have run. A process that was ended
/// while it answered, as by a change of its configuration, has no measurement.
pub(crate) fn memory(workers: &[&str]) -> Done {
    let mut most = BTreeMap::<String, u64>::new();
    for invocation in bench().local.control.timings()?.invocations {
        let Some(peak) = invocation.peak_bytes else { continue };
        let entry = most.entry(invocation.function).or_default();
        *entry = (*entry).max(peak >> 20);
    }
    for worker in workers {
        let is_measured = most.contains_key(&format!("bonafide-dev-{worker}"));
        ensure!(is_measured, "{worker} has not run, or this is not Linux, which measures memory");
    }
    for (function, megabytes) in most {
        let limit = memory_of(&function)?;
        println!("{function:<34} {megabytes:>4} MB of {limit} at most");
        ensure!(megabytes < limit, "{function} took {megabytes} MB of {limit}");
    }
    Ok(())
}

pub(crate) fn memory_of(function: &str) -> Result<u64> {
    let path = format!("/2015-03-31/functions/{function}/configuration");
    bench().local.get("lambda", &path)?["MemorySize"].as_u64().context("no memory size")
}
