//! `test`: every level, in the order of how fast it answers.

use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use anyhow::Result;

use crate::bundle::Features;
use crate::local_aws::{LOCAL_RATE, Life, LocalAws, Options};
use crate::project::Project;
use crate::step::Steps;
use crate::{bundle, contract, flood, fuzz, policies, process, review, setup};

/// What the tests of the local AWS are behind.
const LOCAL_AWS: [&str; 2] = ["--features", "bonafide-tests/local-aws"];

/// How the output of a level is counted.
#[derive(Clone, Copy)]
enum Count {
    /// Passes or not.
    Check,
    /// Passes or not, and what it prints is worth reading either way.
    Figures,
    /// `test result: ok. 3 passed; 0 failed; …`, once per binary.
    Cargo,
    /// `Tests  2 failed | 12 passed (14)`.
    Vitest,
    /// `2 failed, 12 passed in 3.45s`.
    Pytest,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counted {
    passed: u64,
    failed: u64,
}

struct Report {
    name: &'static str,
    count: Count,
    counted: Counted,
    is_ok: bool,
    seconds: f64,
}

pub(crate) fn test(project: &Project, steps: &Steps, fast: bool) -> Result<ExitCode> {
    setup::disk(project)?;
    let mut reports = Vec::new();
    let is_set_up = thread::scope(|scope| -> Result<()> {
        // Downloads, while the compiler works.
        let python = scope.spawn(|| setup::python_tests(project, steps));
        let reviewers = scope.spawn(|| {
            setup::reviewers(project, steps)?;
            if fast { Ok(()) } else { setup::contract(project, steps) }
        });
        let node = setup::node(project, steps);
        for level in quick(project) {
            // What needs no Node is worth running without.
            if node.is_ok() || !matches!(level.0, "cdk and asl" | "typescript") {
                reports.push(run(steps, level)?);
            }
        }
        let reviewers = reviewers.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        python.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(reviewers).and(node)
    });
    is_set_up?;
    reports.push(fuzz(project, steps));
    reports.push(review(project, steps));
    reports.push(web(project, steps)?);
    for level in stand_ins(project) {
        reports.push(run(steps, level)?);
    }
    if !fast {
        on_the_local_aws(project, steps, &mut reports)?;
    }
    Ok(summarize(&reports))
}

type Level = (&'static str, Count, Command);

fn quick(project: &Project) -> Vec<Level> {
    let cargo = |args: &[&str]| {
        let mut cargo = project.cargo();
        cargo.args(args);
        cargo
    };
    let npm = |args: &[&str]| {
        let mut npm = project.command("npm");
        npm.args(["run", "--silent"]).args(args).env("NO_COLOR", "1");
        npm
    };
    let mut clippy = cargo(&["clippy", "--locked", "--workspace", "--all-targets"]);
    clippy.args(LOCAL_AWS).args(["--", "-D", "warnings"]);
    vec![
        ("format", Count::Check, cargo(&["fmt", "--all", "--check"])),
        ("typescript", Count::Check, npm(&["lint"])),
        ("cdk and asl", Count::Vitest, npm(&["test"])),
        ("clippy", Count::Check, clippy),
        ("rust", Count::Cargo, cargo(&["test", "--locked", "--workspace", "--no-fail-fast"])),
    ]
}

fn stand_ins(project: &Project) -> [Level; 2] {
    let mut pytest = project.command(project.python());
    pytest.args(["-m", "pytest", "local/tests"]);
    pytest.env("PYTHONPATH", project.root.join("local")).env("PYTHONDONTWRITEBYTECODE", "1").env("NO_COLOR", "1");
    let mut ruff = project.command(project.python());
    ruff.args(["-m", "ruff", "check", "--no-cache", "local"]);
    [("python", Count::Check, ruff), ("stand-ins", Count::Pytest, pytest)]
}

fn on_the_local_aws(project: &Project, steps: &Steps, reports: &mut Vec<Report>) -> Result<()> {
    bundle::for_local_runs(project, steps, Features::OfTests)?;
    let folder = project.run_folder("test")?;
    let options = Options::default();
    let mut local = LocalAws::start(project, steps, "test", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    steps.run("Marking the branches of the machines", "mark", &mut local.tool(project, "mark"))?;
    for name in ["machines", "e2e"] {
        reports.push(scenarios(project, steps, &mut local, name)?);
    }
    // Whatever is sent to the face API, its workers ask for nothing that they must not have: `policies` judges these calls too.
    let contract = contract::command(project, &local, &contract::Options::SHORT);
    reports.push(run(steps, ("contract", Count::Figures, contract))?);
    // Before the levels in which workers ask for what they must not have, and are refused.
    reports.push(run(steps, ("policies", Count::Figures, policies::level(project, &local)))?);
    for name in ["hostile", "faults"] {
        reports.push(scenarios(project, steps, &mut local, name)?);
    }
    // Alone, since it limits everybody's rates.
    let flood = flood::command(project, &local, 60, LOCAL_RATE, LOCAL_RATE);
    reports.push(run(steps, ("flood", Count::Figures, flood))?);
    // Over all that has run until here.
    reports.push(run(steps, ("leaks", Count::Figures, local.tool(project, "leaks")))?);
    // Also after a failure: it says what else is missing.
    reports.push(run(steps, ("coverage", Count::Figures, local.tool(project, "coverage")))?);
    drop(local);
    drop(folder);
    restarts(project, steps, reports)
}

/// On a local AWS of its own: this one is killed again and again, and all that it knows is written down each time.
fn restarts(project: &Project, steps: &Steps, reports: &mut Vec<Report>) -> Result<()> {
    let folder = project.run_folder("restart")?;
    let options = Options { is_durable: true, ..Options::default() };
    let mut local = LocalAws::start(project, steps, "restart", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    reports.push(scenarios(project, steps, &mut local, "restart")?);
    Ok(())
}

/// A minute of new cases; those that failed before are in the level `rust`.
fn fuzz(project: &Project, steps: &Steps) -> Report {
    let started = Instant::now();
    let outcome = fuzz::fuzz(project, steps, &fuzz::Options { minutes: 1.0, target: None });
    process::leave_to_the_interrupt();
    if let Err(error) = &outcome {
        steps.say(&format!("{error:#}"));
    }
    let is_ok = outcome.is_ok_and(|code| code == ExitCode::SUCCESS);
    let seconds = started.elapsed().as_secs_f64();
    Report { name: "fuzz", count: Count::Check, counted: Counted::default(), is_ok, seconds }
}

/// The page, in a browser.
fn web(project: &Project, steps: &Steps) -> Result<Report> {
    match setup::browser(project, steps) {
        Ok(browser) => {
            let mut npm = project.command("npm");
            npm.args(["run", "--silent", "test", "--workspace", "web"]).env("NO_COLOR", "1").env("CHROMIUM", browser);
            run(steps, ("web", Count::Vitest, npm))
        }
        Err(error) => {
            // A level that cannot run is no reason to leave out the others.
            steps.say(&format!("{error:#}"));
            Ok(Report { name: "web", count: Count::Check, counted: Counted::default(), is_ok: false, seconds: 0.0 })
        }
    }
}

fn review(project: &Project, steps: &Steps) -> Report {
    let step = steps.start("review");
    let outcome = review::review(project, steps);
    process::leave_to_the_interrupt();
    let seconds = step.seconds();
    let is_ok = outcome.as_ref().is_ok_and(|outcome| outcome.is_clean);
    if is_ok {
        step.done("");
    } else {
        step.failed();
    }
    match outcome {
        Ok(outcome) => outcome.lines.iter().for_each(|line| steps.say(line)),
        // A level that fails is no reason to leave out the others.
        Err(error) => steps.say(&format!("{error:#}")),
    }
    Report { name: "review", count: Count::Check, counted: Counted::default(), is_ok, seconds }
}

/// A test binary of the crate that knows the local AWS.
fn scenarios(project: &Project, steps: &Steps, local: &mut LocalAws, name: &'static str) -> Result<Report> {
    let mut cargo = project.cargo();
    // The whole workspace, so that its crates are built with the same features as before: once.
    cargo.args(["test", "--locked", "--workspace", "--test", name]).args(LOCAL_AWS);
    local.addresses.give_to(&mut cargo);
    // They wait more than they work.
    cargo.env("RUST_TEST_THREADS", "16");
    let report = run(steps, (name, Count::Cargo, cargo))?;
    local.check()?;
    Ok(report)
}

fn run(steps: &Steps, (name, count, mut command): Level) -> Result<Report> {
    let step = steps.start(name);
    let log = steps.log(&format!("test-{}", name.replace(' ', "-")));
    let output = step.follow(&mut command, &log)?;
    let seconds = step.seconds();
    let counted = output.lines.iter().map(|line| counted(count, line)).fold(Counted::default(), |sum, next| Counted {
        passed: sum.passed + next.passed,
        failed: sum.failed + next.failed,
    });
    let is_ok = output.status.success();
    if is_ok {
        step.done(&describe(count, counted));
    } else {
        step.failed();
    }
    if !is_ok || matches!(count, Count::Figures) {
        for line in &output.lines {
            steps.say(line);
        }
    }
    Ok(Report { name, count, counted, is_ok, seconds })
}

fn describe(count: Count, counted: Counted) -> String {
    match count {
        Count::Check | Count::Figures => String::new(),
        Count::Cargo | Count::Vitest | Count::Pytest => format!("{} passed, {} failed", counted.passed, counted.failed),
    }
}

fn counted(count: Count, line: &str) -> Counted {
    let line = line.trim();
    let is_summary = match count {
        Count::Check | Count::Figures => false,
        Count::Cargo => line.starts_with("test result: "),
        Count::Vitest => line.starts_with("Tests "),
        Count::Pytest => line.contains(" in ") && line.ends_with(['s', ')', '=']),
    };
    if !is_summary {
        return Counted::default();
    }
    let number_before = |word: &str| {
        let mut words = line.split_whitespace().map(|part| part.trim_end_matches([',', ';', ')']));
        let mut before = "";
        words
            .find_map(|part| {
                if part == word {
                    before.parse().ok()
                } else {
                    before = part;
                    None
                }
            })
            .unwrap_or(0)
    };
    // pytest counts a fixture that failed apart.
    Counted {
        passed: number_before("passed"),
        failed: number_before("failed") + number_before("error") + number_before("errors"),
    }
}

fn summarize(reports: &[Report]) -> ExitCode {
    println!();
    let mut total = Counted::default();
    for report in reports {
        let mark = if report.is_ok { '✓' } else { '✗' };
        println!("{mark} {:<12} {:7.1} s  {}", report.name, report.seconds, describe(report.count, report.counted));
        total.passed += report.counted.passed;
        total.failed += report.counted.failed;
        // A level that did not compile, or a check, counts as one.
        if !report.is_ok && report.counted.failed == 0 {
            total.failed += 1;
        }
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(passed: u64, failed: u64) -> Counted {
        Counted { passed, failed }
    }

    #[test]
    fn counts_what_cargo_prints() {
        let line = "test result: FAILED. 11 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(counted(Count::Cargo, line), sum(11, 2));
        assert_eq!(counted(Count::Cargo, "test reads_versions ... ok"), sum(0, 0));
    }

    #[test]
    fn counts_what_vitest_prints() {
        assert_eq!(counted(Count::Vitest, "      Tests  2 failed | 12 passed (14)"), sum(12, 2));
        assert_eq!(counted(Count::Vitest, " Test Files  3 passed (3)"), sum(0, 0));
    }

    #[test]
    fn counts_what_pytest_prints() {
        assert_eq!(counted(Count::Pytest, "2 failed, 12 passed, 1 error in 3.45s"), sum(12, 3));
        assert_eq!(counted(Count::Pytest, "12 passed in 83.45s (0:01:23)"), sum(12, 0));
        assert_eq!(counted(Count::Pytest, "local/tests/test_faces.py ......"), sum(0, 0));
    }
}
