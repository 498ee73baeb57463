//! The real binary: usage, exit codes, and what it says when AWS is not there.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of its own, so that no local AWS of this repository is found, and no credentials of this machine either.
fn bonafide(folder: &str, arguments: &[&str]) -> Output {
    let folder = folder_named(folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_bonafide"));
    command.args(arguments).current_dir(&folder).env_clear().env("HOME", &folder);
    // Nobody answers there: without it, the instance's own credentials would be looked for.
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.output().unwrap()
}

fn folder_named(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bonafide-command-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn documents_its_exit_codes() {
    let commands = ["submit", "status", "show", "list", "history", "replay", "watch"];
    let commands = commands.map(|command| vec![command, "--help"]);
    let queues = ["list", "show", "redrive"].map(|command| vec!["dlq", command, "--help"]);
    for arguments in [vec!["--help"]].iter().chain(&commands).chain(&queues) {
        let output = bonafide("help", arguments);
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success());
        assert!(help.contains("4  no verdict in time"), "{help}");
    }
}

#[test]
fn wrong_usage_is_2() {
    let folder = folder_named("usage");
    fs::write(folder.join("no-zip.txt"), "").unwrap();
    fs::write(folder.join("two words.zip"), "").unwrap();
    for (arguments, expected) in [
        (&["submit"][..], "required"),
        (&["submit", "no-zip.txt"], "its name has to end in .zip"),
        (&["submit", "two words.zip"], "an application id has 1 to 64 characters"),
        (&["submit", "missing.zip"], "missing.zip cannot be read"),
        (&["status", "no/id"], "is no application"),
        (&["what"], "unrecognized subcommand"),
        (&["show", "no/id"], "is no application"),
        (&["history", "no/id"], "is no application"),
        (&["replay"], "required"),
        (&["replay", "no/id"], "is no application"),
        (&["replay", "a", "--all-failed"], "cannot be used with"),
        (&["replay", "a", "--since", "1h"], "cannot be used with"),
        (&["replay", "--since", "1h"], "required"),
        (&["list", "--since", "yesterday"], "neither a duration"),
        (&["list", "--reason", "FACE_UGLY"], "invalid value"),
        (&["list", "--outcome", "maybe"], "possible values"),
        (&["dlq", "show", "letters"], "possible values"),
    ] {
        let output = bonafide("usage", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn completions_need_no_aws() {
    for shell in ["bash", "zsh", "fish"] {
        let output = bonafide("completions", &["completions", shell]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("replay"));
    }
}

#[test]
fn a_missing_region_is_5() {
    let output = bonafide("region", &["status", "a"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no AWS region: pass `--region`"), "{}", said(&output));
}

#[test]
fn missing_credentials_are_5() {
    let output = bonafide("credentials", &["status", "a", "--region", "eu-north-1"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no AWS credentials: sign in"), "{}", said(&output));
}

#[test]
fn a_local_aws_that_has_ended_is_not_used() {
    let folder = folder_named("stale");
    fs::create_dir_all(folder.join(".local")).unwrap();
    let up =
        r#"{"pid":1,"endpoint":"http://127.0.0.1:9","control":"","thirdParty":"","region":"us-east-1","stage":"dev"}"#;
    fs::write(folder.join(".local/up.json"), up).unwrap();
    let output = bonafide("stale", &["status", "a"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("is no longer running"), "{}", said(&output));
    assert!(said(&output).contains("no AWS region"), "{}", said(&output));
}
