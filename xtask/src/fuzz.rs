//! `fuzz`: tests the properties of all parsers of foreign input with generated cases, for a given time.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::binaries::{self, Binary};
use crate::project::Project;
use crate::step::{self, Steps};

/// The targets: name, crate, and property in it.
const TARGETS: [Target; 41] = [
    target("zip", "unpack-package", "archive::tests::a_damaged_archive_is_opened_or_refused"),
    target("csv-bytes", "bonafide-domain", "details::tests::never_panics"),
    target("csv", "bonafide-domain", "details::tests::gives_only_values_that_can_be_kept_and_shown"),
    target("key-text", "bonafide-domain", "upload::tests::gives_an_upload_or_a_reason"),
    target("key", "bonafide-domain", "upload::tests::accepts_nothing_beside_prefix_id_and_extension"),
    target("s3-event-text", "starter", "event::tests::any_text_is_read_or_refused"),
    target("s3-event", "starter", "event::tests::a_record_with_a_wrong_member_is_refused"),
    target("task-message-text", "bonafide-worker", "queue::tests::any_text_has_a_token_or_none"),
    target("task-message", "bonafide-worker", "queue::tests::a_damaged_message_is_read_or_refused_without_quoting_it"),
    target("notification-text", "measure-outcome", "notification::tests::any_text_is_read_or_refused"),
    target("notification", "measure-outcome", "notification::tests::only_known_outcomes_are_counted"),
    target("third-party-answer", "validate-license", "license_service::tests::an_answer_is_parsed_like_json"),
    target("picture-bytes", "bonafide-domain", "package::tests::any_bytes_after_a_signature_are_judged"),
    target("picture", "bonafide-domain", "package::tests::damaged_headers_are_judged"),
    target("analyze-id-answer", "bonafide-domain", "document::tests::any_answer_gives_dates_or_none"),
    target("date", "bonafide-domain", "matching::date::tests::similarity_is_symmetric_and_all_or_nothing"),
    target("since", "bonafide-cli", "list::tests::any_text_is_a_point_in_time_or_none"),
    target("face-body-text", "bonafide-worker", "api::tests::any_text_is_a_body_or_refused"),
    target("face-body", "bonafide-worker", "api::tests::a_damaged_body_is_read_or_refused_without_quoting_it"),
    target("face-headers", "bonafide-worker", "api::tests::any_metadata_is_read_or_refused_without_quoting_it"),
    target("face-data-url", "bonafide-domain", "face_api::picture::tests::any_text_is_judged"),
    target("face-picture-bytes", "bonafide-domain", "face_api::picture::tests::any_bytes_after_a_signature_are_judged"),
    target("face-picture", "bonafide-domain", "face_api::picture::tests::a_damaged_picture_is_judged"),
    target("face-person-text", "bonafide-domain", "face_api::person::tests::any_text_is_judged"),
    target("face-person", "bonafide-domain", "face_api::person::tests::dates_and_numbers_are_written_in_one_way"),
    target("face-id", "bonafide-domain", "face_api::id::tests::an_id_leads_to_no_other_key"),
    target("idempotency-key", "bonafide-domain", "face_api::idempotency::tests::any_text_is_a_key_or_none"),
    target(
        "face-details",
        "bonafide-domain",
        "face_api::quality::tests::any_faces_are_judged_and_no_reason_means_good",
    ),
    target("national-number-text", "bonafide-domain", "nordic::number::tests::never_panics"),
    target(
        "national-number",
        "bonafide-domain",
        "nordic::number::tests::the_normalized_form_parses_to_the_same_number",
    ),
    target("national-number-digit", "bonafide-domain", "nordic::number::tests::a_wrong_digit_is_found"),
    target("zone-text", "bonafide-domain", "nordic::zone::tests::never_panics"),
    target("zone", "bonafide-domain", "nordic::zone::tests::never_panics_near_a_specimen"),
    target("zone-sign", "bonafide-domain", "nordic::zone::tests::a_wrong_character_in_the_second_line_is_found"),
    target("identity-document", "bonafide-domain", "nordic::document::tests::is_total"),
    target("registry-answer-bytes", "bonafide-domain", "nordic::registry::tests::any_bytes_are_an_answer_or_none"),
    target("registry-answer", "bonafide-domain", "nordic::registry::tests::a_damaged_answer_is_an_answer_or_none"),
    target("registry-answer-member", "bonafide-domain", "nordic::registry::tests::a_wrong_member_is_an_answer_or_none"),
    target("agent-event-text", "onboarding-agent", "tests::any_text_is_an_event_or_refused"),
    target("agent-event", "onboarding-agent", "tests::any_event_is_answered_without_quoting_it"),
    target("email", "bonafide-domain", "nordic::verification::tests::local_parts_are_safe"),
];

/// Number of cases of the first run, which measures their duration.
const FIRST_CASES: u64 = 64;
/// The approximate duration of one run: each has new seeds, and an interrupt loses little.
const RUN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
struct Target {
    name: &'static str,
    package: &'static str,
    test: &'static str,
}

const fn target(name: &'static str, package: &'static str, test: &'static str) -> Target {
    Target { name, package, test }
}

/// The duration and the target.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Minutes for all targets together
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    pub(crate) minutes: f64,
    /// Only this one
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(TARGETS.map(|target| target.name)))]
    pub(crate) target: Option<String>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.1..=10_000.0).contains(minutes));
    minutes.ok_or_else(|| "has to be a number of minutes from 0.1 to 10000".to_owned())
}

/// Fails when a property does not hold; proptest then writes the seed beside the source, and every later test begins with it.
pub(crate) fn fuzz(project: &Project, steps: &Steps, options: &Options) -> Result<ExitCode> {
    let is_named = |target: &Target| options.target.as_deref().is_none_or(|only| only == target.name);
    let targets: Vec<_> = TARGETS.iter().filter(|target| is_named(target)).collect();
    steps.run("Building the targets", "fuzz-build", &mut binaries::build(project))?;
    let binaries = binaries::list(project)?;
    let share = Duration::from_secs_f64(options.minutes * 60.0 / f64::from(u32::try_from(targets.len())?));
    let (mut total, mut failed) = (0, 0);
    for target in &targets {
        let library = target.package.replace('-', "_");
        let binary = binaries.iter().find(|binary| binary.is_library && binary.target == library);
        let binary = binary.with_context(|| format!("{} has no tests", target.package))?;
        let step = steps.start(target.name);
        let log = steps.log(&format!("fuzz-{}", target.name));
        let started = Instant::now();
        let (mut cases, mut next, mut is_ok) = (0, FIRST_CASES, true);
        while is_ok && (cases == 0 || started.elapsed() < share) {
            let output = step.follow(&mut run(project, binary, target, next), &log)?;
            is_ok = output.status.success();
            ensure!(
                !is_ok || output.lines.iter().any(|line| line.starts_with("test result: ok. 1 passed;")),
                "{} is no test of {}: rename it in xtask/src/fuzz.rs as well",
                target.test,
                target.package
            );
            cases += next;
            next = next_run(cases, started.elapsed(), share);
        }
        total += cases;
        if is_ok {
            step.done(&format!("{cases} cases, {:.0} a minute", per_minute(cases, started.elapsed())));
        } else {
            failed += 1;
            step.failed();
            steps.say(&step::tail(&log));
        }
    }
    println!("{} of {} targets, {total} cases, {failed} failed", targets.len(), TARGETS.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 cases")]
fn per_minute(cases: u64, took: Duration) -> f64 {
    cases as f64 * 60.0 / took.as_secs_f64().max(0.001)
}

/// The number of cases that fit into the remaining time and into one run, by their duration so far.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of cases, cut to a few millions"
)]
fn next_run(cases: u64, took: Duration, share: Duration) -> u64 {
    let seconds = share.saturating_sub(took).min(RUN).as_secs_f64();
    ((per_minute(cases, took) / 60.0 * seconds) as u64).clamp(FIRST_CASES, 5_000_000)
}

fn run(project: &Project, binary: &Binary, target: &Target, cases: u64) -> Command {
    // It runs in the package's folder, because seeds of failures are written beside the sources.
    let mut run = binary.command(project);
    run.args(["--exact", target.test]).env("PROPTEST_CASES", cases.to_string());
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_fits_into_what_is_left() {
        let second = Duration::from_secs(1);
        assert_eq!(next_run(100, second, 6 * second), 500);
        assert_eq!(next_run(100, second, 3600 * second), 1000);
        assert_eq!(next_run(1_000_000, 60 * second, 30 * second), FIRST_CASES);
    }
}
