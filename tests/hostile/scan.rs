//! What all that has left behind.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::bench::bench;

use crate::Done;

/// No worker has panicked, died or run out of time or memory.
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

/// Nobody is approved but the one good package. (A notification of another shape than the documented one ends the reader, and is seen there.)
pub(crate) fn notifications() {
    for notification in bench().inbox.all() {
        let is_approval = notification.outcome.as_deref() == Some("approved");
        assert!(!is_approval || notification.application_id == "hostile_good", "{notification:?}");
    }
}

/// The most memory that a process of each worker has had is below what Lambda gives it. Where there is no `/proc` it is not known.
pub(crate) fn memory() -> Done {
    let mut most = BTreeMap::<String, u64>::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let value = |name: &str| environment.split('\0').find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
        let (Some(endpoint), Some(function)) = (value("AWS_ENDPOINT_URL"), value("AWS_LAMBDA_FUNCTION_NAME")) else {
            continue;
        };
        if endpoint != bench().local.endpoint() {
            continue;
        }
        let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let kilobytes: u64 = peak.unwrap_or("0").parse()?;
        let entry = most.entry(function.to_owned()).or_default();
        *entry = (*entry).max(kilobytes / 1024);
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
