//! Findings: what would make a deployment fail, and the command that helps.

use std::fmt::Write as _;

use serde::Serialize;

use super::signed::Refusal;

/// The code of checks that could not be made.
const NOT_CHECKED: &str = "NOT_CHECKED";

/// How much a finding matters, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The deployment fails, or nothing works after it.
    Blocks,
    /// It works until there is load, or something else that has to be decided.
    Risks,
    /// A check that could not be made.
    NotChecked,
    /// Something to know or to do afterwards.
    Note,
}

impl Severity {
    /// The word in the list.
    const fn word(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Risks => "risk",
            Self::NotChecked => "not checked",
            Self::Note => "note",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// For programs, such as `BUCKET_NAME_TAKEN`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in one or more sentences.
    pub message: String,
    /// The command, or the setting, that helps.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, severity: Severity, message: String, remedy: impl Into<String>) -> Self {
        Self { code, severity, message, remedy: remedy.into() }
    }
}

/// Why a fact is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The permission that the request needs, such as `ssm:GetParameter`.
    pub permission: &'static str,
    /// Why there is no answer.
    pub refusal: Refusal,
}

/// A fact from AWS.
pub type Answer<T> = Result<T, Unknown>;

impl Unknown {
    /// The finding that names the subject of the check that could not be made. `by_hand` looks at it without this command.
    pub(crate) fn finding(&self, subject: &str, by_hand: &str) -> Finding {
        let Self { permission, refusal } = self;
        let (because, remedy) = match refusal {
            denied if denied.is_denied() => (
                format!("the caller may not call {permission}"),
                format!("Grant {permission} to the caller, or let a person who has it look: {by_hand}"),
            ),
            Refusal::Code { code, message } => {
                (format!("AWS refused {permission}: {message} ({code})"), format!("Look by hand: {by_hand}"))
            }
            Refusal::NoHost => (
                format!("the service of {permission} has no address in this region"),
                format!("Check the name of the region, then look by hand: {by_hand}"),
            ),
            Refusal::Unanswered(why) => (
                format!("there was no answer to {permission}: {why}"),
                format!("Check the network and try again, or look by hand: {by_hand}"),
            ),
        };
        Finding::new(NOT_CHECKED, Severity::NotChecked, format!("{subject}: not checked, because {because}."), remedy)
    }
}

/// All findings for people, the worst first, with a summary.
#[must_use]
pub fn shown(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { code, severity, message, remedy } in findings {
        let code = if *code == NOT_CHECKED { "" } else { code };
        let _infallible = writeln!(text, "{}\n  {message}", format!("{} {code}", severity.word()).trim_end());
        for (number, line) in remedy.lines().enumerate() {
            let _infallible = writeln!(text, "  {}{line}", if number == 0 { "→ " } else { "  " });
        }
        text.push('\n');
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let [blocks, risks, not_checked, notes] =
        [Severity::Blocks, Severity::Risks, Severity::NotChecked, Severity::Note].map(count);
    let _infallible =
        write!(text, "{blocks} block the deployment, {risks} risks, {not_checked} not checked, {notes} notes");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Unknown {
        let refusal = Refusal::Code { code: "AccessDeniedException".to_owned(), message: "No".to_owned() };
        Unknown { permission: "ssm:GetParameter", refusal }
    }

    #[test]
    fn a_check_that_could_not_be_made_names_the_permission() {
        let finding = denied().finding("The version of the bootstrap", "`aws ssm get-parameter --name x`");
        assert_eq!(finding.severity, Severity::NotChecked);
        assert_eq!(
            finding.message,
            "The version of the bootstrap: not checked, because the caller may not call ssm:GetParameter."
        );
        assert!(finding.remedy.starts_with("Grant ssm:GetParameter to the caller"), "{}", finding.remedy);
        for (refusal, expected) in [
            (Refusal::NoHost, "has no address in this region"),
            (Refusal::Unanswered("connection refused".to_owned()), "no answer to ssm:GetParameter: connection refused"),
            (Refusal::Code { code: "X".to_owned(), message: "Y".to_owned() }, "AWS refused ssm:GetParameter: Y (X)"),
        ] {
            let finding = Unknown { refusal, ..denied() }.finding("It", "`x`");
            assert!(finding.message.contains(expected), "{finding:?}");
        }
    }

    #[test]
    fn shows_findings_with_their_remedies() {
        let blocks = Finding::new("A", Severity::Blocks, "It fails.".to_owned(), "first\nsecond");
        let not_checked = Finding::new(NOT_CHECKED, Severity::NotChecked, "Unknown.".to_owned(), "look");
        assert_eq!(
            shown(&[blocks, not_checked]),
            "blocks A\n  It fails.\n  → first\n    second\n\nnot checked\n  Unknown.\n  → look\n\n\
             1 block the deployment, 0 risks, 1 not checked, 0 notes"
        );
    }
}
