//! `test`: every level. First the scenarios are compiled, and packages are installed meanwhile; then levels that need the processor run
//! beside those that wait for a local AWS.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use crate::binaries::{self, Binary};
use crate::bundle::{self, Compiler};
use crate::desk::{self, Pages, Ports};
use crate::local_aws::{LOCAL_RATE, Life, LocalAws, Options as LocalOptions};
use crate::project::Project;
use crate::share::Share;
use crate::step::{Output, Step, Steps};
use crate::{contract, lint, load_test, policies, process, setup};

/// The number of concurrent tests on the local AWS, which mostly wait.
const SCENARIOS_AT_ONCE: &str = "16";

/// The exit code of pytest that has found no test.
const PYTEST_FOUND_NONE: i32 = 5;

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
    /// The three pages against their described APIs, in Chromium
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

    /// Whether it starts a local AWS, a browser or the reviewers' tools.
    fn is_slow(self) -> bool {
        self.needs_local_aws() || matches!(self, Self::Emulator | Self::Web | Self::Lint)
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
    /// Leave out lint, and the levels that start a local AWS or a browser
    #[arg(long, conflicts_with = "levels")]
    fast: bool,
    /// Run lint, contract, malformed, faults and leaks whole, instead of the part that follows from the commit
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

/// A local AWS with everything deployed, and the levels on it. Those in one list run beside each other: they mostly wait, and use
/// different applications.
struct Place {
    name: &'static str,
    is_durable: bool,
    levels: &'static [&'static [Level]],
}

const PLACES: [Place; 2] = [
    Place {
        name: "test",
        is_durable: false,
        levels: &[
            &[Level::Machines, Level::E2e],
            // The workers of the APIs make only permitted calls for any request, so `policies` checks these calls as well.
            &[Level::Contract],
            // Before the levels in which calls are denied.
            &[Level::Policies],
            &[Level::Malformed],
            &[Level::Faults],
            // Also after a failure, to report further gaps.
            &[Level::Leaks, Level::Coverage, Level::Models],
        ],
    },
    Place {
        name: "restart",
        is_durable: true,
        levels: &[
            // First, since it waits until nothing runs.
            &[Level::Restart],
            &[Level::Desk],
            // Limits the rates of all callers.
            &[Level::LoadTest],
        ],
    },
];

/// What the levels of a [`Place`] need.
struct Deployed<'run> {
    local: LocalAws,
    binaries: &'run [Binary],
    folder: &'run Path,
    /// Of the pages.
    ports: Ports,
}

/// A command that has ended.
struct Followed {
    name: String,
    log: PathBuf,
    output: Output,
}

/// How the commands of a level run.
#[derive(Clone, Copy)]
enum Order {
    OneByOne,
    Together,
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
    let scenarios = &thread::scope(|scope| {
        let set_up = scope.spawn(|| run.set_up());
        let built = run.build();
        join(set_up).and(built)
    })?;
    let mut reports = thread::scope(|scope| -> Result<Vec<Report>> {
        // Levels that wait for the local AWS leave the processor to the others.
        let [first, second] = &PLACES;
        let lanes = [
            scope.spawn(|| run.compiled()),
            scope.spawn(|| run.with_node()),
            scope.spawn(|| run.with_python()),
            scope.spawn(|| run.pages()),
            scope.spawn(|| run.at(second, scenarios)),
        ];
        let mut reports = run.at(first, scenarios)?;
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

    /// Builds what the levels on a local AWS need, and returns their tests. The rest is compiled beside them.
    fn build(&self) -> Result<Vec<Binary>> {
        if !self.levels.iter().any(|level| level.needs_local_aws()) {
            return Ok(Vec::new());
        }
        let build = || binaries::build_scenarios(self.project);
        self.steps.run("Compiling workers and scenarios", "build", &mut build()?)?;
        bundle::strip(self.project)?;
        // Cargo would wait here while it compiles the rest.
        binaries::list(build()?)
    }

    /// Compiles everything with the lints, then runs the levels that need only the compiled tests. A warning fails the level, also one about
    /// what was compiled before, which Cargo repeats; the tests still run.
    fn compiled(&self) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        if self.has(Level::Format) {
            let mut format = self.project.cargo();
            format.args(["fmt", "--all", "--check"]);
            reports.push(self.level(Level::Format, Count::Check, format, None)?);
        }
        let needs_clippy = |level: &Level| matches!(level, Level::Clippy | Level::Rust);
        if self.levels.iter().any(needs_clippy) {
            let commands = [binaries::build(self.project), Compiler::Clippy.build_for_local_runs(self.project)?];
            let names = ["tests", "workers"].map(str::to_owned);
            let commands = names.into_iter().zip(commands).collect();
            let clippy = self.commands(Level::Clippy, Count::Lints, Order::OneByOne, commands, None)?;
            let is_compiled = !clippy.failures.iter().any(|line| line.starts_with("error"));
            reports.push(clippy);
            if is_compiled && self.has(Level::Rust) {
                let binaries = binaries::list(binaries::build(self.project))?;
                let own: Vec<_> = binaries.iter().filter(|binary| !binary.needs_local_aws(self.project)).collect();
                reports.push(self.binaries(Level::Rust, &own, None)?);
            }
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
            vitest.args(self.only_in_vitest());
            reports.push(self.level(Level::Infrastructure, Count::Vitest, vitest, None)?);
        }
        Ok(reports)
    }

    /// The pages, with fakes of what they call.
    fn pages(&self) -> Result<Vec<Report>> {
        if !self.has(Level::Web) {
            return Ok(Vec::new());
        }
        let workspaces = ["--workspace", "web", "--workspace", "web/desk", "--workspace", "web/conversation"];
        // They are built already, and `desk` uses them meanwhile: the script that builds them before the tests must not run.
        let web = npm(self.project, &[&["--ignore-scripts", "test"][..], &workspaces, &["--"]].concat());
        Ok(vec![self.in_browser(Level::Web, web, None)?])
    }

    /// The levels that need Python.
    fn with_python(&self) -> Result<Vec<Report>> {
        let (project, steps) = (self.project, self.steps);
        let mut reports = Vec::new();
        if self.has(Level::Lint) {
            let step = steps.start("lint");
            let started = Instant::now();
            let outcome = lint::lint(project, steps, self.share.as_ref()).map(|outcome| {
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
            // An expression, in which no parameters may stand.
            let only = self.only.iter().filter_map(|only| only.split('[').next());
            pytest.args(only.flat_map(|only| ["-k", only])).env("NO_COLOR", "1");
            reports.push(self.level(Level::Emulator, Count::Pytest, pytest, None)?);
        }
        Ok(reports)
    }

    /// The arguments for Vitest, which takes a pattern.
    fn only_in_vitest(&self) -> impl Iterator<Item = String> {
        self.only.iter().flat_map(|only| ["-t".to_owned(), pattern(only)])
    }

    /// A page, in a browser.
    fn in_browser(&self, level: Level, mut npm: Command, local: Option<&LocalAws>) -> Result<Report> {
        let started = Instant::now();
        match setup::browser(self.project, self.steps) {
            Ok(browser) => {
                npm.env("CHROMIUM", browser).args(self.only_in_vitest());
                self.level(level, Count::Vitest, npm, local)
            }
            // If this level cannot run, the others still do.
            Err(error) => Ok(Report::of(level, started, self.steps, Err(error))),
        }
    }

    /// The levels of a local AWS; the order matters for those that check the results of previous ones.
    fn at(&self, place: &Place, binaries: &[Binary]) -> Result<Vec<Report>> {
        let (project, steps) = (self.project, self.steps);
        if !place.levels.iter().copied().flatten().any(|level| self.has(*level)) {
            return Ok(Vec::new());
        }
        let folder = project.run_folder(place.name)?;
        let ports = desk::ports()?;
        let is_durable = place.is_durable;
        let options = LocalOptions {
            settings: desk::origins(ports).to_vec(),
            is_durable,
            sees_little: is_durable,
            ..LocalOptions::default()
        };
        let local = self.local_aws(place.name, &folder.path, &options)?;
        let mut mark = traces(project, binaries, &local, "mark")?;
        steps.run("Marking the branches of the machines", "mark", &mut mark)?;
        let deployed = &Deployed { local, binaries, folder: &folder.path, ports };
        let mut reports = Vec::new();
        for together in place.levels {
            let chosen = together.iter().filter(|level| self.has(**level));
            reports.extend(thread::scope(|scope| {
                let running: Vec<_> =
                    chosen.map(|level| scope.spawn(move || self.deployed(*level, deployed))).collect();
                running.into_iter().map(join).collect::<Result<Vec<_>>>()
            })?);
        }
        Ok(reports)
    }

    /// One level on its local AWS.
    fn deployed(&self, level: Level, deployed: &Deployed<'_>) -> Result<Report> {
        let (project, steps) = (self.project, self.steps);
        let Deployed { local, binaries, folder, ports } = deployed;
        let command = match level {
            Level::Desk => {
                let pages = Pages::read(project, local)?;
                let _servers = desk::serve(project, steps, folder, *ports, &pages)?;
                let workspaces = ["--workspace", "web/desk", "--workspace", "web/conversation"];
                let mut npm = npm(project, &[&["test:local"][..], &workspaces, &["--"]].concat());
                npm.env("BONAFIDE_DESK", desk::environment(local, *ports, &pages));
                return self.in_browser(level, npm, Some(local));
            }
            Level::Contract => {
                let options = contract::Options::of(self.share.as_ref());
                let commands = contract::commands(project, local, &options);
                return self.commands(level, Count::Figures, Order::Together, commands, Some(local));
            }
            Level::Policies => policies::level(project, local),
            Level::LoadTest => load_test::command(project, local, 60, LOCAL_RATE, LOCAL_RATE),
            Level::Leaks | Level::Coverage | Level::Models => traces(project, binaries, local, &level.name())?,
            _ => return self.scenarios(level, binaries, local),
        };
        self.level(level, Count::Figures, command, Some(local))
    }

    /// Runs tests on a local AWS.
    fn scenarios(&self, level: Level, binaries: &[Binary], local: &LocalAws) -> Result<Report> {
        let name = level.name();
        self.binaries(level, &[on_local_aws(self.project, binaries, &name)?], Some(local))
    }

    /// Starts a local AWS with everything deployed, which ends with this run.
    fn local_aws(&self, name: &str, folder: &Path, options: &LocalOptions) -> Result<LocalAws> {
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
        self.commands(level, Count::Cargo, Order::OneByOne, commands, local)
    }

    fn level(&self, level: Level, count: Count, command: Command, local: Option<&LocalAws>) -> Result<Report> {
        self.commands(level, count, Order::OneByOne, vec![(String::new(), command)], local)
    }

    fn commands(
        &self,
        level: Level,
        count: Count,
        order: Order,
        commands: Vec<(String, Command)>,
        local: Option<&LocalAws>,
    ) -> Result<Report> {
        let step = self.steps.start(&level.name());
        let run = |(name, command)| self.followed(&step, level, name, command);
        let runs: Vec<_> = match order {
            Order::OneByOne => commands.into_iter().map(run).collect::<Result<_>>()?,
            Order::Together => thread::scope(|scope| {
                let run = &run;
                let running: Vec<_> = commands.into_iter().map(|command| scope.spawn(move || run(command))).collect();
                running.into_iter().map(join).collect::<Result<_>>()
            })?,
        };
        let (mut counted, mut cpu, mut is_ok, mut failures) = (Counted::default(), 0.0, true, Vec::new());
        let mut all_lines = Vec::new();
        for Followed { name, log, output } in runs {
            cpu += output.cpu;
            output.lines.iter().for_each(|line| counted += self::counted(count, line));
            let named: Vec<_> = output.lines.iter().filter_map(|line| failed(count, line)).collect();
            let found_none = matches!(count, Count::Pytest) && output.status.code() == Some(PYTEST_FOUND_NONE);
            let passes = (output.status.success() || self.only.is_some() && found_none) && named.is_empty();
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

    /// Runs one command of a level to its end.
    fn followed(&self, step: &Step, level: Level, name: String, mut command: Command) -> Result<Followed> {
        if let Some(share) = &self.share {
            share.give_to(&mut command);
        }
        let log = self.steps.log(format!("test-{} {name}", level.name()).trim().replace([' ', '/'], "-").as_str());
        let output = step.follow(&mut command, &log)?;
        Ok(Followed { name, log, output })
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
        if let Some(only) = self.only.as_ref().filter(|_| total == Counted::default()) {
            println!("No test of these levels has “{only}” in its name.");
            return ExitCode::FAILURE;
        }
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A pattern for this text itself.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\^$.|?*+()[]{}".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
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
    fn a_name_is_no_pattern_for_others() {
        assert_eq!(pattern("writable by S3 (encryption=aws)"), r"writable by S3 \(encryption=aws\)");
        assert_eq!(pattern(r#"with {"stage":"a.b\c"}"#), r#"with \{"stage":"a\.b\\c"\}"#);
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
