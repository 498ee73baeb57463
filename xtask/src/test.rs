//! `test`: every level. First everything is compiled and installed concurrently; then levels that need the processor run beside those that
//! wait for the local AWS.

use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use crate::binaries::{self, Binary};
use crate::bundle::{self, Compiler};
use crate::desk::{self, Pages};
use crate::local_aws::{LOCAL_RATE, Life, LocalAws, Options as LocalOptions};
use crate::project::Project;
use crate::share::Share;
use crate::step::Steps;
use crate::{contract, lint, load_test, policies, process, setup};

/// The number of concurrent tests on the local AWS, which mostly wait.
const SCENARIOS_AT_ONCE: &str = "16";

/// The levels, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    /// rustfmt
    Format,
    /// Compiles everything with Clippy's lints
    Clippy,
    /// Unit tests, workers as processes, samples
    Rust,
    /// tsc and prettier
    Typescript,
    /// Templates, and conventions of the state machines
    Infrastructure,
    /// cfn-lint, checkov, parliament and asl-validator
    Lint,
    /// Both pages against their described APIs, in Chromium
    Web,
    /// ruff
    Python,
    /// Tests of the local AWS itself
    Emulator,
    /// Every state, branch and Catch of the machines
    Machines,
    /// Whole onboardings, the face API, conversations, the operators' command
    E2e,
    /// The review desk and the page of conversations on the local AWS, in Chromium
    Desk,
    /// Both APIs against their descriptions
    Contract,
    /// Each permission is needed, and none is missing
    Policies,
    /// Malformed input, sent as applicants and services send it
    Malformed,
    /// Every dependency fails at every Task
    Faults,
    /// More uploads at once than the services admit
    LoadTest,
    /// Nothing personal anywhere but in the bucket and the tables
    Leaks,
    /// Coverage of the machines by the previous levels
    Coverage,
    /// Requests and answers of the previous levels fit AWS's service models
    Models,
    /// The local AWS is killed and continues
    Restart,
}

impl Level {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it needs a local AWS with everything deployed.
    fn needs_local_aws(self) -> bool {
        self >= Self::Machines
    }

    /// Whether it starts a local AWS or a browser.
    fn is_slow(self) -> bool {
        self.needs_local_aws() || matches!(self, Self::Emulator | Self::Web)
    }

    /// Whether it needs the compiled tests.
    fn needs_binaries(self) -> bool {
        self == Self::Rust || self.needs_local_aws()
    }

    /// The levels whose results it checks; they run with it.
    fn judges(self) -> &'static [Self] {
        match self {
            Self::Policies => &[Self::Machines, Self::E2e, Self::Contract],
            Self::Leaks | Self::Models => &[Self::Machines, Self::E2e],
            Self::Coverage => &[Self::Machines, Self::E2e, Self::Faults],
            _ => &[],
        }
    }
}

/// The selection of levels and tests.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only these levels, with those that they need (default: all)
    #[arg(value_enum)]
    levels: Vec<Level>,
    /// Leave out the levels that start a local AWS or a browser
    #[arg(long, conflicts_with = "levels")]
    fast: bool,
    /// Run malformed, faults and leaks whole, instead of the part that follows from the commit
    #[arg(long)]
    whole: bool,
    /// Only tests whose names contain this; implies --whole
    #[arg(long, value_name = "TEXT", requires = "levels")]
    only: Option<String>,
}

/// How the results in the output of a level are counted.
#[derive(Clone, Copy)]
enum Count {
    /// Passes or not.
    Check,
    /// Passes or not, and its output is always shown.
    Figures,
    /// A line that begins with `warning` or `error` fails.
    Lints,
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

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

struct Report {
    level: Level,
    counted: Counted,
    is_ok: bool,
    seconds: f64,
    /// Seconds of processor time, including the local AWS.
    cpu: f64,
    /// Names of failed tests.
    failures: Vec<String>,
}

impl Report {
    /// The report of a level without a command: passed if the outcome is `Ok(true)`.
    fn of(level: Level, started: Instant, steps: &Steps, outcome: Result<bool>) -> Self {
        process::leave_to_the_interrupt();
        let failures = match &outcome {
            Ok(_) => Vec::new(),
            Err(error) => {
                steps.say(&format!("{error:#}"));
                vec![error.to_string().lines().next().unwrap_or_default().to_owned()]
            }
        };
        let is_ok = outcome.unwrap_or_default();
        let seconds = started.elapsed().as_secs_f64();
        Self { level, counted: Counted::default(), is_ok, seconds, cpu: 0.0, failures }
    }
}

/// One run.
struct Run<'run> {
    project: &'run Project,
    steps: &'run Steps,
    levels: Vec<Level>,
    share: Option<Share>,
    only: Option<String>,
}

pub(crate) fn test(project: &Project, steps: &Steps, options: &Options) -> Result<ExitCode> {
    setup::disk(project)?;
    let share = (!options.whole && options.only.is_none()).then(|| Share::of_commit(project));
    let run = Run { project, steps, levels: chosen(options), share, only: options.only.clone() };
    if let Some(share) = &run.share {
        steps.say(&share.describe());
    }
    let mut reports = thread::scope(|scope| -> Result<Vec<Report>> {
        let set_up = scope.spawn(|| run.set_up());
        let mut reports = run.compile()?;
        join(set_up)?;
        // Levels that wait for the local AWS leave the processor to the others.
        let mut lanes = vec![scope.spawn(|| run.with_node()), scope.spawn(|| run.with_python())];
        if reports.iter().any(is_compiled) {
            lanes.push(scope.spawn(|| run.compiled()));
            lanes.push(scope.spawn(|| run.restart()));
            reports.extend(run.on_local_aws()?);
        }
        for lane in lanes {
            reports.extend(join(lane)?);
        }
        Ok(reports)
    })?;
    reports.sort_by_key(|report| report.level);
    Ok(run.summarize(&reports))
}

/// A binary of `tests/`.
fn on_local_aws<'list>(project: &Project, binaries: &'list [Binary], name: &str) -> Result<&'list Binary> {
    let binary = binaries.iter().find(|binary| binary.needs_local_aws(project) && binary.target == name);
    binary.with_context(|| format!("tests/{name} was not built"))
}

/// A script of a workspace, without npm's own lines.
fn npm(project: &Project, args: &[&str]) -> Command {
    let mut npm = project.command("npm");
    npm.args(["run", "--silent"]).args(args).env("NO_COLOR", "1");
    npm
}

/// A command of the binary that checks what the tests leave.
fn traces(project: &Project, binaries: &[Binary], local: &LocalAws, command: &str) -> Result<Command> {
    let mut traces = on_local_aws(project, binaries, "traces")?.command(project);
    traces.arg(command);
    local.addresses.give_to(&mut traces);
    Ok(traces)
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn chosen(options: &Options) -> Vec<Level> {
    let all = Level::value_variants().iter().copied();
    let is_chosen = |level: Level| {
        let is_named = |named: &Level| *named == level || named.judges().contains(&level);
        options.levels.is_empty() || options.levels.iter().any(is_named)
    };
    all.filter(|level| is_chosen(*level) && !(options.fast && level.is_slow())).collect()
}

impl Run<'_> {
    fn has(&self, level: Level) -> bool {
        self.levels.contains(&level)
    }

    /// Installs what the levels need.
    fn set_up(&self) -> Result<()> {
        let (project, steps) = (self.project, self.steps);
        let needs =
            |levels: &[Level]| self.levels.iter().any(|level| level.needs_local_aws() || levels.contains(level));
        if needs(&[Level::Typescript, Level::Infrastructure, Level::Web, Level::Lint]) {
            setup::node(project, steps)?;
        }
        if self.has(Level::Web) || self.has(Level::Desk) {
            setup::pages(project, steps)?;
        }
        if needs(&[Level::Python, Level::Emulator]) {
            setup::python_tests(project, steps)?;
        }
        if self.has(Level::Lint) {
            setup::lint(project, steps)?;
        }
        if self.has(Level::Contract) {
            setup::contract(project, steps)?;
        }
        Ok(())
    }

    /// Compiles everything with the lints: a warning fails the level, and the tests still run.
    fn compile(&self) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        if self.has(Level::Format) {
            let mut format = self.project.cargo();
            format.args(["fmt", "--all", "--check"]);
            reports.push(self.level(Level::Format, Count::Check, format, None)?);
        }
        if self.levels.iter().any(|level| *level == Level::Clippy || level.needs_binaries()) {
            let commands = [binaries::build(self.project), Compiler::Clippy.build_for_local_runs(self.project)?];
            let names = ["tests", "workers"].map(str::to_owned);
            let clippy = self.commands(Level::Clippy, Count::Lints, names.into_iter().zip(commands).collect(), None)?;
            if is_compiled(&clippy) {
                bundle::strip(self.project)?;
            }
            reports.push(clippy);
        }
        Ok(reports)
    }

    /// The levels that need only the compiled tests.
    fn compiled(&self) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        if self.has(Level::Rust) {
            let binaries = binaries::list(self.project)?;
            let own: Vec<_> = binaries.iter().filter(|binary| !binary.needs_local_aws(self.project)).collect();
            reports.push(self.binaries(Level::Rust, &own, None)?);
        }
        Ok(reports)
    }

    /// The levels that need only Node.js.
    fn with_node(&self) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        let npm = |args: &[&str]| npm(self.project, args);
        if self.has(Level::Typescript) {
            reports.push(self.level(Level::Typescript, Count::Check, npm(&["lint"]), None)?);
        }
        if self.has(Level::Infrastructure) {
            let mut vitest = npm(&["test", "--"]);
            vitest.args(self.only.iter().flat_map(|only| ["-t", only.as_str()]));
            reports.push(self.level(Level::Infrastructure, Count::Vitest, vitest, None)?);
        }
        if self.has(Level::Web) {
            let web = npm(&[
                "test",
                "--workspace",
                "web",
                "--workspace",
                "web/desk",
                "--workspace",
                "web/conversation",
                "--",
            ]);
            reports.push(self.in_browser(Level::Web, web, None)?);
        }
        Ok(reports)
    }

    /// The levels that need Python.
    fn with_python(&self) -> Result<Vec<Report>> {
        let (project, steps) = (self.project, self.steps);
        let mut reports = Vec::new();
        if self.has(Level::Lint) {
            let step = steps.start("lint");
            let started = Instant::now();
            let outcome = lint::lint(project, steps).map(|outcome| {
                self.say_all(&outcome.lines);
                outcome.is_clean
            });
            let report = Report::of(Level::Lint, started, steps, outcome);
            step.end(report.is_ok, "");
            reports.push(report);
        }
        if self.has(Level::Python) {
            let mut ruff = project.command(project.python());
            ruff.args(["-m", "ruff", "check", "--no-cache", "local"]);
            reports.push(self.level(Level::Python, Count::Check, ruff, None)?);
        }
        if self.has(Level::Emulator) {
            let mut pytest = project.command(project.python());
            pytest.args(["-m", "pytest", "local/tests"]).env("PYTHONPATH", project.root.join("local"));
            pytest.args(self.only.iter().flat_map(|only| ["-k", only.as_str()])).env("NO_COLOR", "1");
            reports.push(self.level(Level::Emulator, Count::Pytest, pytest, None)?);
        }
        Ok(reports)
    }

    /// A page, in a browser.
    fn in_browser(&self, level: Level, mut npm: Command, local: Option<&LocalAws>) -> Result<Report> {
        let started = Instant::now();
        match setup::browser(self.project, self.steps) {
            Ok(browser) => {
                npm.env("CHROMIUM", browser).args(self.only.iter().flat_map(|only| ["-t", only.as_str()]));
                self.level(level, Count::Vitest, npm, local)
            }
            // If this level cannot run, the others still do.
            Err(error) => Ok(Report::of(level, started, self.steps, Err(error))),
        }
    }

    /// Runs on a local AWS of its own, which is killed several times and stores all its state.
    fn restart(&self) -> Result<Vec<Report>> {
        if !self.has(Level::Restart) {
            return Ok(Vec::new());
        }
        let options = LocalOptions { is_durable: true, sees_little: true, ..LocalOptions::default() };
        let folder = self.project.run_folder("restart")?;
        let local = self.local_aws("restart", &folder.path, &options)?;
        Ok(vec![self.scenarios(Level::Restart, &binaries::list(self.project)?, &local)?])
    }

    /// The order matters for the levels that check the results of previous ones.
    fn on_local_aws(&self) -> Result<Vec<Report>> {
        let (project, steps) = (self.project, self.steps);
        let levels: Vec<_> = self.levels.iter().copied().filter(|level| level.needs_local_aws()).collect();
        if levels.iter().all(|level| *level == Level::Restart) {
            return Ok(Vec::new());
        }
        let binaries = binaries::list(project)?;
        let folder = project.run_folder("test")?;
        let ports = desk::ports()?;
        let options = LocalOptions { settings: desk::origins(ports).to_vec(), ..LocalOptions::default() };
        let local = self.local_aws("test", &folder.path, &options)?;
        let traces = |command: &str| traces(project, &binaries, &local, command);
        steps.run("Marking the branches of the machines", "mark", &mut traces("mark")?)?;
        let mut reports = thread::scope(|scope| {
            // These levels mostly wait, and use different applications.
            let together = [Level::Machines, Level::E2e].into_iter().filter(|level| self.has(*level));
            let (binaries, local) = (&binaries, &local);
            let running: Vec<_> =
                together.map(|level| scope.spawn(move || self.scenarios(level, binaries, local))).collect();
            running.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        for level in levels {
            let command = match level {
                Level::Malformed | Level::Faults => {
                    reports.push(self.scenarios(level, &binaries, &local)?);
                    continue;
                }
                Level::Desk => {
                    let pages = Pages::read(project, &local)?;
                    let _servers = desk::serve(project, steps, &folder.path, ports, &pages)?;
                    let mut npm = npm(
                        project,
                        &["test:local", "--workspace", "web/desk", "--workspace", "web/conversation", "--"],
                    );
                    npm.env("BONAFIDE_DESK", desk::environment(&local, ports, &pages));
                    reports.push(self.in_browser(level, npm, Some(&local))?);
                    continue;
                }
                Level::Contract => {
                    // The workers of the APIs make only permitted calls for any request, so `policies` checks these calls as well.
                    let commands = contract::commands(project, &local, &contract::Options::SHORT);
                    reports.push(self.commands(level, Count::Figures, commands, Some(&local))?);
                    continue;
                }
                // Before the levels in which calls of workers are denied.
                Level::Policies => policies::level(project, &local),
                // Alone, since it limits the rates of all callers.
                Level::LoadTest => load_test::command(project, &local, 60, LOCAL_RATE, LOCAL_RATE),
                Level::Leaks => traces("leaks")?,
                // Also after a failure, to report further gaps.
                Level::Coverage => traces("coverage")?,
                Level::Models => traces("models")?,
                _ => continue,
            };
            reports.push(self.level(level, Count::Figures, command, Some(&local))?);
        }
        Ok(reports)
    }

    /// Runs tests on a local AWS.
    fn scenarios(&self, level: Level, binaries: &[Binary], local: &LocalAws) -> Result<Report> {
        let name = level.name();
        self.binaries(level, &[on_local_aws(self.project, binaries, &name)?], Some(local))
    }

    /// Starts a local AWS with everything deployed, which ends with this run.
    fn local_aws(&self, name: &str, folder: &std::path::Path, options: &LocalOptions) -> Result<LocalAws> {
        let local = LocalAws::start(self.project, self.steps, name, folder, Life::WithThisProcess, options)?;
        local.deploy(self.project, self.steps, options)?;
        Ok(local)
    }

    /// Runs test binaries, one after the other.
    fn binaries(&self, level: Level, binaries: &[&Binary], local: Option<&LocalAws>) -> Result<Report> {
        let commands = binaries.iter().map(|binary| {
            let mut command = binary.command(self.project);
            command.args(&self.only);
            if let Some(local) = &local {
                local.addresses.give_to(&mut command);
                command.env("RUST_TEST_THREADS", SCENARIOS_AT_ONCE);
            }
            (binary.name(self.project), command)
        });
        let commands: Vec<_> = commands.collect();
        self.commands(level, Count::Cargo, commands, local)
    }

    fn level(&self, level: Level, count: Count, command: Command, local: Option<&LocalAws>) -> Result<Report> {
        self.commands(level, count, vec![(String::new(), command)], local)
    }

    fn commands(
        &self,
        level: Level,
        count: Count,
        commands: Vec<(String, Command)>,
        local: Option<&LocalAws>,
    ) -> Result<Report> {
        let step = self.steps.start(&level.name());
        let (mut counted, mut cpu, mut is_ok, mut failures) = (Counted::default(), 0.0, true, Vec::new());
        let mut all_lines = Vec::new();
        for (name, mut command) in commands {
            if let Some(share) = &self.share {
                share.give_to(&mut command);
            }
            let log = self.steps.log(format!("test-{} {name}", level.name()).trim().replace([' ', '/'], "-").as_str());
            let output = step.follow(&mut command, &log)?;
            cpu += output.cpu;
            output.lines.iter().for_each(|line| counted += self::counted(count, line));
            let named: Vec<_> = output.lines.iter().filter_map(|line| failed(count, line)).collect();
            let passes = output.status.success() && named.is_empty();
            if !passes {
                is_ok = false;
                let unnamed = named.is_empty().then(|| format!("{name} (whole output: {})", log.display()));
                failures.extend(named.into_iter().chain(unnamed));
            }
            if !passes || matches!(count, Count::Figures) {
                all_lines.extend(output.lines);
            }
        }
        if let Some(local) = local {
            local.check()?;
        }
        let seconds = step.seconds();
        step.end(is_ok, &describe(counted));
        self.say_all(&all_lines);
        Ok(Report { level, counted, is_ok, seconds, cpu, failures })
    }

    fn say_all(&self, lines: &[String]) {
        for line in lines {
            self.steps.say(line);
        }
    }

    fn summarize(&self, reports: &[Report]) -> ExitCode {
        println!("\n  level               wall s    CPU s");
        let (mut total, mut cpu) = (Counted::default(), 0.0);
        for report in reports {
            let mark = if report.is_ok { '✓' } else { '✗' };
            let (name, described) = (report.level.name(), describe(report.counted));
            println!("{mark} {name:<16} {:8.1} {:8.1}  {described}", report.seconds, report.cpu);
            total += report.counted;
            cpu += report.cpu;
            // A level that did not compile, or a single check, counts as one.
            if !report.is_ok && report.counted.failed == 0 {
                total.failed += 1;
            }
        }
        println!("  {:<25} {cpu:8.1}", "all of these");
        println!("  {:<25} {:8.1}", "with set-up and local AWS", process::cpu_seconds_of_children());
        if let Some(share) = &self.share {
            println!("{}", share.describe());
        }
        for report in reports.iter().filter(|report| !report.is_ok) {
            let name = report.level.name();
            println!("\n✗ {name}");
            report.failures.iter().for_each(|failure| println!("    {failure}"));
            let only = match report.failures.as_slice() {
                [failure] if report.counted.failed == 1 => format!(" --only '{failure}'"),
                _ => String::new(),
            };
            println!("  again: cargo xtask test {name}{only}");
        }
        println!("\n{} passed, {} failed", total.passed, total.failed);
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Whether compilation succeeded, possibly with warnings, which fail this level but not the later ones.
fn is_compiled(report: &Report) -> bool {
    report.level == Level::Clippy && !report.failures.iter().any(|line| line.starts_with("error"))
}

fn describe(counted: Counted) -> String {
    if counted == Counted::default() {
        String::new()
    } else {
        format!("{} passed, {} failed", counted.passed, counted.failed)
    }
}

/// The name of a failed test in a line of output.
fn failed(count: Count, line: &str) -> Option<String> {
    let name = match count {
        Count::Check | Count::Figures => None,
        Count::Lints => (line.starts_with("warning") || line.starts_with("error")).then_some(line),
        Count::Cargo => line.strip_prefix("test ")?.strip_suffix(" ... FAILED"),
        // FAIL  <file> > <suite> > <test>
        Count::Vitest => line.trim().strip_prefix("FAIL ")?.rsplit(" > ").next(),
        // FAILED <file>::<test> - <why>
        Count::Pytest => {
            let failed = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
            failed.split(" - ").next()?.rsplit("::").next()
        }
    };
    name.map(|name| name.trim().to_owned())
}

fn counted(count: Count, line: &str) -> Counted {
    let line = line.trim();
    let is_summary = match count {
        Count::Check | Count::Figures | Count::Lints => false,
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
    // pytest counts failed fixtures separately.
    Counted {
        passed: number_before("passed"),
        failed: number_before("failed") + number_before("error") + number_before("errors"),
    }
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

    #[test]
    fn names_what_failed() {
        let named = |count, line| failed(count, line).unwrap_or_default();
        assert_eq!(named(Count::Cargo, "test faces::is_told ... FAILED"), "faces::is_told");
        assert_eq!(named(Count::Cargo, "test faces::is_told ... ok"), "");
        assert_eq!(named(Count::Vitest, " FAIL  cdk/test/nag.test.ts > nag > has no finding"), "has no finding");
        assert_eq!(named(Count::Pytest, "FAILED local/tests/test_iam.py::test_denied - assert 1 == 2"), "test_denied");
    }

    #[test]
    fn a_level_that_judges_others_includes_them() {
        let options = |levels: &[Level], fast| Options { levels: levels.to_vec(), fast, whole: false, only: None };
        assert_eq!(chosen(&options(&[Level::Leaks], false)), [Level::Machines, Level::E2e, Level::Leaks]);
        assert_eq!(chosen(&options(&[Level::Rust], false)), [Level::Rust]);
        assert_eq!(chosen(&options(&[], false)).len(), Level::value_variants().len());
        assert!(!chosen(&options(&[], true)).contains(&Level::Machines));
    }
}
