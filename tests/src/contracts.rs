//! Validates every input and output in a history against `statemachines/contracts/*.schema.json`.

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};
use bonafide_tools::history::Trace;
use bonafide_tools::machine::{Machine, machines, pascal};
use bonafide_tools::repository;
use jsonschema::Validator;
use serde_json::Value;

/// Every worker, by the substitutions that name it where a definition waits for it: its queue, or its function, whose version is that of
/// the deployment of a machine in the same stack.
fn workers() -> Result<Vec<(String, String)>> {
    let list = fs::read(repository().join("workers/workers.json")).context("workers.json")?;
    let list: Vec<Value> = serde_json::from_slice(&list).context("workers.json")?;
    let workers =
        list.iter().filter_map(|worker| Some((worker["name"].as_str()?, worker["trigger"]["queue"].as_str())));
    let tokens = |(name, queue): (&str, Option<&str>)| {
        let values = queue.map_or_else(
            || ["Arn", "FunctionArn"].map(|value| format!("${{{}{value}}}", pascal(name))).to_vec(),
            |queue| vec![format!("${{{queue}QueueUrl}}")],
        );
        values.into_iter().map(|token| (token, name.to_owned())).collect::<Vec<_>>()
    };
    Ok(workers.flat_map(tokens).collect())
}

struct Contracts {
    /// By file name without `.schema.json`.
    schemas: HashMap<String, Validator>,
    /// The worker behind a state of a machine.
    workers: HashMap<(&'static str, String), String>,
}

/// Validates input and output of an execution, and the answers of workers in it.
///
/// # Errors
/// When one of them breaks its contract.
pub fn check(trace: &Trace) -> Result<()> {
    let contracts = contracts()?;
    let machine = trace.definition();
    contracts.check(&format!("{machine}.input"), &trace.input, &trace.execution)?;
    if let Some(output) = &trace.output {
        contracts.check(&format!("{machine}.output"), output, &trace.execution)?;
    }
    for (state, result) in trace.results() {
        let Some(worker) = contracts.workers.get(&(machine, state.to_owned())) else { continue };
        // The answer of a function is in the Payload of the result; the answer to a task token is the result itself.
        let answer = result.get("Payload").unwrap_or(&result);
        contracts.check(&format!("{worker}.output"), answer, &trace.execution)?;
    }
    Ok(())
}

impl Contracts {
    fn read() -> Result<Self> {
        let mut schemas = HashMap::new();
        let folder = repository().join("statemachines/contracts");
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let file = entry?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".schema.json") else { continue };
            let schema: Value = serde_json::from_slice(&fs::read(&file)?).with_context(|| name.to_owned())?;
            let validator =
                jsonschema::validator_for(&schema).map_err(|error| anyhow::anyhow!("{name} is no schema: {error}"))?;
            schemas.insert(name.to_owned(), validator);
        }
        let listed = self::workers()?;
        let mut workers = HashMap::new();
        for (name, _) in machines() {
            for (state, definition) in Machine::read(name)?.states() {
                let arguments = definition["Arguments"].to_string();
                let worker = listed.iter().find(|(substitution, _)| arguments.contains(substitution));
                workers.extend(worker.map(|(_, worker)| ((name, state.to_owned()), worker.clone())));
            }
        }
        Ok(Self { schemas, workers })
    }

    fn check(&self, name: &str, value: &Value, execution: &str) -> Result<()> {
        let schema = self.schemas.get(name).with_context(|| format!("there is no contract {name}"))?;
        if let Err(error) = schema.validate(value) {
            bail!("{name} is broken by {} at {}: {error}", execution, error.instance_path());
        }
        Ok(())
    }
}

fn contracts() -> Result<&'static Contracts> {
    static CONTRACTS: OnceLock<Result<Contracts>> = OnceLock::new();
    CONTRACTS.get_or_init(Contracts::read).as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_that_a_machine_waits_for_has_a_state_and_a_contract() {
        let contracts = Contracts::read().expect("contracts");
        for (machine, _) in machines() {
            for (state, definition) in Machine::read(machine).expect("a machine").states() {
                let resource = definition["Resource"].as_str().unwrap_or_default();
                let is_of_a_worker = resource.contains(":lambda:") || resource.contains(":sqs:");
                let worker = contracts.workers.get(&(machine, state.to_owned()));
                assert_eq!(worker.is_some(), is_of_a_worker, "{state} of {machine}");
            }
        }
        for name in contracts.workers.values().map(String::as_str).chain(machines().map(|(name, _)| name)) {
            for side in ["input", "output"] {
                assert!(contracts.schemas.contains_key(&format!("{name}.{side}")), "{name}.{side}");
            }
        }
    }

    #[test]
    fn an_output_that_breaks_its_contract_is_refused() {
        let contracts = Contracts::read().expect("contracts");
        let output = |outcome: &str, reasons: &[&str]| {
            let output =
                serde_json::json!({"check": "thirdPartyCheck", "outcome": outcome, "reasons": reasons, "scores": {}});
            contracts.check("third-party-check.output", &output, "an execution")
        };
        output("pass", &[]).expect("a pass");
        output("decline", &["LICENSE_UNKNOWN"]).expect("a refusal");
        for (outcome, reasons) in [("pass", &["LICENSE_UNKNOWN"][..]), ("decline", &[]), ("approved", &[])] {
            output(outcome, reasons).expect_err(outcome);
        }
        contracts.check("unknown.output", &Value::Null, "an execution").expect_err("no such contract");
    }
}
