//! Findings of the tools, and the exceptions for them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The encryption of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encryption {
    /// Keys of AWS.
    Aws,
    /// Keys of the account.
    Customer,
}

/// The tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tool {
    AslValidator,
    CfnLint,
    Checkov,
    Parliament,
}

impl Tool {
    pub(super) const ALL: [Self; 4] = [Self::AslValidator, Self::CfnLint, Self::Checkov, Self::Parliament];
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AslValidator => "asl-validator",
            Self::CfnLint => "cfn-lint",
            Self::Checkov => "checkov",
            Self::Parliament => "parliament",
        })
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) tool: Tool,
    /// The tool's own id.
    pub(super) check: String,
    /// See `Templates::place`.
    pub(super) resource: String,
    pub(super) message: String,
    pub(super) encryption: Encryption,
    /// The names of the settings that are not at their defaults.
    pub(super) settings: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tool, check, resource, encryption: _, settings, message } = self;
        write!(formatter, "{tool} {check} {resource}: {message}")?;
        if settings.is_empty() { Ok(()) } else { write!(formatter, " (with {settings})") }
    }
}

/// An entry of the exceptions file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    tool: Tool,
    check: String,
    /// Only with this encryption; absent for both.
    encryption: Option<Encryption>,
    /// `<worker>/Function` stands for the function of every worker.
    resources: Vec<String>,
    reason: String,
}

const EVERY_WORKER: &str = "<worker>";

/// The exceptions file.
#[derive(Debug)]
pub(super) struct Exceptions(Vec<Exception>);

/// Findings compared with the exceptions.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Findings without an exception.
    pub(super) open: Vec<Finding>,
    /// The number of findings with an exception.
    pub(super) answered: usize,
    /// Exceptions without a finding.
    pub(super) idle: Vec<String>,
}

impl Exceptions {
    /// With the places of all workers.
    pub(super) fn read(file: &Path, workers: &[String]) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
        Self::parse(&text, workers).with_context(|| format!("{}", file.display()))
    }

    fn parse(text: &[u8], workers: &[String]) -> Result<Self> {
        let mut entries: Vec<Exception> = serde_json::from_slice(text)?;
        for Exception { tool, check, resources, reason, .. } in &mut entries {
            if resources.is_empty() || resources.iter().any(|resource| resource.contains('*')) {
                bail!("{tool} {check}: an exception must name each of its resources");
            }
            if reason.trim().is_empty() {
                bail!("{tool} {check}: an exception must have a reason");
            }
            let (every, mut named): (Vec<_>, Vec<_>) =
                resources.drain(..).partition(|resource| resource.starts_with(EVERY_WORKER));
            let of_workers =
                every.iter().flat_map(|part| workers.iter().map(|worker| part.replace(EVERY_WORKER, worker)));
            named.extend(of_workers);
            *resources = named;
        }
        Ok(Self(entries))
    }

    pub(super) fn judge(&self, findings: Vec<Finding>) -> Judged {
        let mut judged = Judged::default();
        let mut used = BTreeSet::new();
        for finding in findings {
            let mut is_answered = false;
            for (index, exception) in self.0.iter().enumerate() {
                if exception.tool == finding.tool
                    && exception.check == finding.check
                    && exception.encryption.is_none_or(|only| only == finding.encryption)
                    && exception.resources.contains(&finding.resource)
                {
                    is_answered = true;
                    used.insert((index, finding.resource.clone()));
                }
            }
            if is_answered {
                judged.answered += 1;
            } else {
                judged.open.push(finding);
            }
        }
        for (index, exception) in self.0.iter().enumerate() {
            let idle = exception.resources.iter().filter(|resource| !used.contains(&(index, (*resource).clone())));
            judged.idle.extend(idle.map(|resource| format!("{} {} {resource}", exception.tool, exception.check)));
        }
        judged.open.sort();
        // Once, however many combinations of settings have it.
        judged.open.dedup_by(|next, kept| {
            (next.tool, &next.check, &next.resource, &next.message)
                == (kept.tool, &kept.check, &kept.resource, &kept.message)
        });
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"[{
        "tool": "checkov", "check": "CKV_AWS_27", "encryption": "aws",
        "resources": ["Data/Uploads/Queue", "Data/Uploads/DeadLetters"], "reason": "SQS encrypts with its own key"
    }]"#;

    fn finding(resource: &str, encryption: Encryption) -> Finding {
        Finding {
            tool: Tool::Checkov,
            check: "CKV_AWS_27".to_owned(),
            resource: resource.to_owned(),
            encryption,
            settings: String::new(),
            message: "not encrypted".to_owned(),
        }
    }

    fn judge(findings: Vec<Finding>) -> Judged {
        Exceptions::parse(FILE.as_bytes(), &[]).expect("the file").judge(findings)
    }

    #[test]
    fn answers_a_finding_by_check_and_resource() {
        let judged = judge(vec![
            finding("Data/Uploads/Queue", Encryption::Aws),
            finding("Data/Uploads/DeadLetters", Encryption::Aws),
        ]);
        assert_eq!((judged.open.len(), judged.answered, judged.idle.len()), (0, 2, 0));
    }

    #[test]
    fn leaves_another_resource_and_another_encryption_open() {
        let judged =
            judge(vec![finding("Data/Other", Encryption::Aws), finding("Data/Uploads/Queue", Encryption::Customer)]);
        assert_eq!((judged.open.len(), judged.answered), (2, 0));
    }

    #[test]
    fn reports_a_finding_of_several_combinations_once() {
        let with = |settings: &str| Finding { settings: settings.to_owned(), ..finding("Data/Other", Encryption::Aws) };
        let judged = judge(vec![with("quietHours"), with("agentModel"), finding("Data/Another", Encryption::Aws)]);
        let open: Vec<_> = judged.open.iter().map(ToString::to_string).collect();
        assert_eq!(
            open,
            [
                "checkov CKV_AWS_27 Data/Another: not encrypted",
                "checkov CKV_AWS_27 Data/Other: not encrypted (with agentModel)",
            ]
        );
    }

    #[test]
    fn reports_exceptions_that_nothing_needs() {
        let judged = judge(vec![finding("Data/Uploads/Queue", Encryption::Aws)]);
        assert_eq!(judged.idle, ["checkov CKV_AWS_27 Data/Uploads/DeadLetters"]);
    }

    #[test]
    fn answers_for_every_worker() {
        let file = FILE.replace("Data/Uploads/Queue", "<worker>/Function");
        let workers = ["Workflow/Starter", "FaceApi/ReadFace"].map(str::to_owned);
        let exceptions = Exceptions::parse(file.as_bytes(), &workers).expect("the file");
        let judged = exceptions.judge(vec![finding("Workflow/Starter/Function", Encryption::Aws)]);
        assert_eq!(judged.open, []);
        let idle = ["Data/Uploads/DeadLetters", "FaceApi/ReadFace/Function"];
        assert_eq!(judged.idle, idle.map(|resource| format!("checkov CKV_AWS_27 {resource}")));
    }

    #[test]
    fn takes_no_exception_for_everything_or_without_a_reason() {
        assert!(Exceptions::parse(FILE.replace("Data/Uploads/Queue", "Data/*").as_bytes(), &[]).is_err());
        assert!(Exceptions::parse(FILE.replace("SQS encrypts with its own key", " ").as_bytes(), &[]).is_err());
        assert!(
            Exceptions::parse(FILE.replace("CKV_AWS_27", "").replace("\"check\"", "\"chekc\"").as_bytes(), &[])
                .is_err()
        );
    }
}
