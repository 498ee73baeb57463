//! `bonafide preflight` on the assembly that is deployed, and on one whose names it has left behind.

use std::fs;
use std::path::{Path, PathBuf};

use bonafide_tools::repository;
use serde_json::Value;

use crate::command::{bonafide, json_lines};

/// The exit code, and the findings.
fn preflight(assembly: &Path) -> (Option<i32>, Vec<Value>) {
    let output = bonafide(&["preflight", "--app", assembly.to_str().unwrap(), "--json"]);
    let findings = json_lines(&output);
    assert!(!findings.is_empty(), "{output:?}");
    (output.status.code(), findings)
}

/// The assembly of the local AWS (`xtask/src/local_aws.rs`).
fn deployed() -> PathBuf {
    repository().join(".local/cdk.out")
}

#[test]
fn preflight_of_what_is_deployed_misses_only_the_role_for_logs() {
    let (code, findings) = preflight(&deployed());
    let blocks = findings.iter().filter(|finding| finding["severity"] == "blocks");
    let mut blocks: Vec<_> = blocks.map(|finding| finding["code"].as_str().unwrap()).collect();
    // Development builds are linked on this machine, which may have a newer C library than Lambda.
    blocks.retain(|code| *code != "GLIBC_TOO_NEW");
    // The local AWS writes access logs without a role.
    assert_eq!((code, blocks), (Some(1), vec!["API_GATEWAY_LOG_ROLE"]), "{findings:?}");
}

#[test]
fn preflight_says_what_it_cannot_check_on_the_local_aws() {
    let (_, findings) = preflight(&deployed());
    let not_checked: Vec<_> = findings.iter().filter(|finding| finding["severity"] == "notChecked").collect();
    // The local AWS has no organisations, and so no policies of one.
    let of_organizations = |finding: &&&Value| finding.to_string().contains("organizations:DescribeEffectivePolicy");
    assert!(not_checked.iter().find(of_organizations).is_some(), "{findings:?}");
    for finding in not_checked {
        let remedy = finding["remedy"].as_str().unwrap();
        assert!(remedy.contains("by hand: `aws ") || remedy.starts_with("aws service-quotas"), "{finding}");
    }
}

#[test]
fn preflight_finds_names_that_another_deployment_has_left_behind() {
    // The same templates, as stacks that do not exist.
    let left = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(deployed()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Ok(text) = fs::read_to_string(deployed().join(&name)) {
            let text = if name == "manifest.json" { text.replace("Bonafide-dev-", "Bonafide-left-") } else { text };
            fs::write(left.path().join(name.replace("Bonafide-dev-", "Bonafide-left-")), text).unwrap();
        }
    }
    let (code, findings) = preflight(left.path());
    assert_eq!(code, Some(1), "{findings:?}");
    let is_of_buckets = |finding: &&Value| {
        finding["code"] == "NAME_TAKEN" && finding["message"].as_str().unwrap().starts_with("AWS::S3::Bucket ")
    };
    let taken: Vec<_> =
        findings.iter().filter(is_of_buckets).map(|finding| finding["message"].as_str().unwrap()).collect();
    let bucket = "bonafide-dev-000000000000-us-east-1";
    let names = format!("AWS::S3::Bucket {bucket}, {bucket}-logs, {bucket}-records: exists");
    assert!(taken.len() == 1 && taken[0].starts_with(&names), "{taken:?}");
}
