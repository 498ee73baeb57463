//! Whether all requests, answers and errors on the local AWS were those of AWS's service models.

use std::fmt::Write as _;

use anyhow::Result;
use bonafide_tools::Local;
use bonafide_tools::control::Finding;

/// The report as text, and whether everything fits.
#[derive(Debug)]
pub struct Report {
    /// The text, of several lines.
    pub text: String,
    /// Whether requests, answers and errors were judged, and all fit.
    pub is_clean: bool,
}

/// Reports what the local AWS has judged since its start.
///
/// # Errors
/// When the local AWS does not answer.
pub fn report(local: &Local) -> Result<Report> {
    let judged = local.control.judged()?;
    let counts: Vec<_> = judged.judged.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let mut text = String::new();
    writeln!(text, "judged by AWS's service models: {}", counts.join(", "))?;
    for Finding { service, operation, direction, path, rule, sender, count } in &judged.findings {
        let by = if sender.is_empty() { String::new() } else { format!(" of {sender}") };
        writeln!(text, "  {service} {operation}, {direction}{by}: {path} {rule} ({count})")?;
    }
    let is_clean = judged.findings.is_empty() && judged.judged.values().all(|count| *count > 0);
    Ok(Report { text, is_clean })
}
