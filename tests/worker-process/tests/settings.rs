//! Every worker, as the binary that is deployed, starts with exactly the environment that `workers/workers.json` gives it. `cargo xtask test`
//! builds the binaries; for a single run: `cargo build --workspace --bins` first.

use std::env::current_exe;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

/// What a variable may hold, so that the worker understands it.
fn plausible(variable: &str) -> &'static str {
    match variable {
        "MOST_ATTEMPTS" | "CALL_INTERVAL_MILLISECONDS" | "CUSTOMER_DAYS" => "5",
        "CONSENT_REQUIRED" => "false",
        "TEXTRACT_REGION" => "us-east-1",
        "THIRD_PARTY_URL" => "https://licences.example.com",
        "NATIONAL_NUMBER_POLICY" => "reject",
        "CUSTOMER_EMAIL_DOMAIN" => "customers.example",
        "ALLOWED_ORIGINS" | "NATIONAL_REGISTRY" | "NATIONAL_REGISTRY_KEY" | "PERSON_READERS" | "THRESHOLDS" => "",
        _ => "of-the-deployment",
    }
}

/// Starts a worker, and waits until it asks Lambda for its first event, or has ended with an error.
fn start(worker: &str, variables: &[&str]) -> Result<(), String> {
    let binary: PathBuf = current_exe().expect("this test").ancestors().nth(2).expect("a target folder").join(worker);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut child = Command::new(&binary)
        .env_clear()
        .envs(variables.iter().map(|variable| (variable, plausible(variable))))
        .env("METRICS_NAMESPACE", "Bonafide/test")
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .envs([("AWS_LAMBDA_FUNCTION_NAME", "worker"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")])
        .envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"), ("AWS_REGION", "us-east-1")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let (ended, result) = mpsc::channel();
    let started = ended.clone();
    // It ends with this test's process, if the worker never asks.
    thread::spawn(move || listener.accept().map(|connection| started.send(Ok(connection))));
    let mut errors = child.stderr.take().expect("its standard error");
    thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| ended.send(Err(text)))
    });
    let result = result.recv().expect("one of both");
    child.kill().expect("a worker");
    child.wait().expect("its end");
    result.map(drop)
}

#[test]
fn every_worker_needs_exactly_what_the_list_tells_it() {
    let list: Vec<Value> = serde_json::from_str(include_str!("../../../workers/workers.json")).expect("the list");
    for entry in &list {
        let worker = entry["name"].as_str().expect("a name");
        let variables: Vec<_> =
            entry["environment"].as_object().expect("an environment").keys().map(String::as_str).collect();
        assert_eq!(start(worker, &variables), Ok(()), "{worker}");
        for missing in &variables {
            let others: Vec<_> = variables.iter().copied().filter(|variable| variable != missing).collect();
            let error = start(worker, &others).expect_err(&format!("{worker} does not ask for {missing}"));
            assert!(error.contains(missing), "{worker} without {missing}: {error}");
        }
    }
}
