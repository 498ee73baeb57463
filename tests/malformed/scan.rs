//! Checks of logs, notifications and memory after all inputs.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::bench::bench;

use crate::Done;

/// Checks that no worker has panicked, died, timed out or run out of memory.
pub(crate) fn logs() -> Done {
    let local = &bench().local;
    for group in local.log_groups()? {
        for message in local.log(&group)? {
            let crash = ["panicked", "\"Panic\"", "Runtime.ExitError", "Task timed out", "OutOfMemory", "signal: "];
            ensure!(!crash.iter().any(|word| message.contains(word)), "{group}: {message}");
        }
    }
    Ok(())
}

/// Checks that only the good package is approved. (A notification that breaks its contract makes the reader panic, which is seen there.)
pub(crate) fn notifications() {
    for notification in bench().inbox.all() {
        let is_approval = notification.outcome.as_deref() == Some("approved");
        assert!(!is_approval || notification.application_id == "malformed_good", "{notification:?}");
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

/// Checks that the peak memory of every process is below the function's memory, and that these workers have run.
pub(crate) fn memory(workers: &[&str]) -> Done {
    let mut most = BTreeMap::<String, u64>::new();
    for invocation in bench().local.control.timings()?.invocations {
        let function = invocation.function;
        let peak = invocation.peak_bytes;
        let peak = peak.with_context(|| format!("the memory of {function} was not measured: this needs Linux"))?;
        let entry = most.entry(function).or_default();
        *entry = (*entry).max(peak >> 20);
    }
    for worker in workers {
        ensure!(most.contains_key(&format!("bonafide-dev-{worker}")), "{worker} has not run");
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
