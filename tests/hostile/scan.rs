//! What all that has left behind.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::bench::bench;
use bonafide_tests::history::Trace;
use serde_json::{Value, json};

use crate::Done;
use crate::package::MARK;
use crate::run::Seen;

/// Of the packages that can be read.
const ADDRESS: &str = "8123 Main St";

fn is_clean(place: &str, text: &str) -> Done {
    for mark in [MARK, ADDRESS, "Jane Doe"] {
        // Around it, to see what repeats it.
        let found = text.find(mark).map(|at| text.get(at.saturating_sub(300)..at + mark.len()).unwrap_or(mark));
        ensure!(found.is_none(), "{place} repeats what was sent: {}", found.unwrap_or_default());
    }
    Ok(())
}

/// No log repeats anything, and no worker has panicked, died or run out of time or memory.
pub(crate) fn logs() -> Done {
    let local = &bench().local;
    let groups = local.raw("logs", "Logs_20140328.DescribeLogGroups", &json!({"limit": 50}))?;
    for group in groups["logGroups"].as_array().context("no log groups")? {
        let name = group["logGroupName"].as_str().unwrap_or_default();
        let mut token = Value::Null;
        loop {
            let mut request = json!({"logGroupName": name, "limit": 10_000});
            if !token.is_null() {
                request["nextToken"] = token;
            }
            let answer = local.raw("logs", "Logs_20140328.FilterLogEvents", &request)?;
            let events = answer["events"].as_array().with_context(|| format!("{name} has no events"))?;
            for message in events.iter().filter_map(|event| event["message"].as_str()) {
                is_clean(name, message)?;
                let crash = ["panicked", "\"Panic\"", "Runtime.ExitError", "Task timed out", "OutOfMemory", "signal: "];
                ensure!(!crash.iter().any(|word| message.contains(word)), "{name}: {message}");
            }
            token = answer["nextToken"].clone();
            if token.is_null() || events.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// No notification repeats anything. (One of another shape than the documented one ends the reader, and is seen there.)
pub(crate) fn notifications() {
    for notification in bench().inbox.all() {
        is_clean("a notification", &format!("{notification:?}")).unwrap();
        let is_approval = notification.outcome.as_deref() == Some("approved");
        assert!(!is_approval || notification.application_id == "hostile_good", "{notification:?}");
    }
}

/// No execution repeats anything in its inputs, outputs, errors and causes.
pub(crate) async fn histories(seen: &[Seen]) -> Done {
    for seen in seen {
        if let Some(execution) = &seen.execution {
            for trace in Trace::fetch_all(&bench().local, execution).await? {
                is_clean(&seen.name, &trace.text)?;
            }
        }
    }
    Ok(())
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

fn memory_of(function: &str) -> Result<u64> {
    let path = format!("/2015-03-31/functions/{function}/configuration");
    bench().local.get("lambda", &path)?["MemorySize"].as_u64().context("no memory size")
}
