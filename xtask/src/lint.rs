//! `lint`: runs cfn-lint, checkov, parliament and asl-validator on all templates, policies and machines as they are deployed.

mod exceptions;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

pub(crate) use self::exceptions::Encryption;
use self::exceptions::{Exceptions, Finding, Tool};
use self::template::Templates;
use crate::local_aws::STAGE;
use crate::project::Project;
use crate::setup;
use crate::share::Share;
use crate::step::Steps;

/// Relative to the project's root.
const EXCEPTIONS: &str = "cdk/lint-exceptions.json";

/// The result.
pub(crate) struct Outcome {
    /// Open findings and unused exceptions, as readable lines.
    pub(crate) lines: Vec<String>,
    /// The number of findings with an exception.
    pub(crate) answered: usize,
    pub(crate) is_clean: bool,
}

pub(crate) fn command(project: &Project, steps: &Steps) -> Result<ExitCode> {
    thread::scope(|scope| {
        let tools = scope.spawn(|| setup::lint(project, steps));
        let node = setup::node(project, steps);
        tools.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(node)
    })?;
    let step = steps.start("Linting templates, policies and machines");
    let outcome = lint(project, steps, None)?;
    if outcome.is_clean {
        step.done(&outcome.summary());
        return Ok(ExitCode::SUCCESS);
    }
    step.failed();
    for line in &outcome.lines {
        println!("{line}");
    }
    Ok(ExitCode::FAILURE)
}

impl Outcome {
    pub(crate) fn summary(&self) -> String {
        format!("nothing open, {} answered in {EXCEPTIONS}", self.answered)
    }
}

/// A combination of settings: its folder, and the files extracted from it for the tools. What an earlier combination has as well is left out.
struct Subject {
    settings: BTreeMap<String, String>,
    encryption: Encryption,
    assembly: PathBuf,
    templates: Templates,
    /// The stacks whose templates are linted.
    stacks: Vec<String>,
    /// A file for each policy, with its place in the templates.
    policies: BTreeMap<PathBuf, String>,
    /// A file for each machine, with its place in the templates.
    machines: BTreeMap<PathBuf, String>,
}

/// Needs Node and [`setup::lint`].
pub(crate) fn lint(project: &Project, steps: &Steps, share: Option<&Share>) -> Result<Outcome> {
    let _lock = project.lock("lint", || steps.say("… another run is linting: waiting"))?;
    let folder = project.local().join("lint");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))?;
    }
    let bundles = folder.join("bundles");
    for worker in project.workers()? {
        let worker = bundles.join(worker);
        fs::create_dir_all(&worker)?;
        fs::write(worker.join("bootstrap"), "A placeholder for the worker: no tool reads bundles.")?;
    }
    let mut seen = BTreeSet::new();
    let subjects = combinations(project, steps, &bundles, &folder, share)?
        .into_iter()
        .enumerate()
        .map(|(number, settings)| Subject::new(&folder.join(number.to_string()), settings, &mut seen))
        .collect::<Result<Vec<_>>>()?;
    let findings = in_parallel(&Tool::ALL, |tool| findings(project, steps, *tool, &subjects))?;
    let judged = Exceptions::read(&project.root.join(EXCEPTIONS), &project.worker_constructs()?)?
        .judge(findings.into_iter().flatten().collect());
    let mut lines: Vec<_> = judged.open.iter().map(ToString::to_string).collect();
    lines.extend(judged.idle.iter().map(|idle| format!("{EXCEPTIONS}: no finding needs the exception {idle}")));
    Ok(Outcome { is_clean: lines.is_empty(), answered: judged.answered, lines })
}

/// Writes the cloud assembly of a deployment with default settings, apart from the encryption.
pub(crate) fn synthesize(
    project: &Project,
    steps: &Steps,
    bundles: &Path,
    encryption: Encryption,
    assembly: &Path,
) -> Result<()> {
    let context = json!({"encryption": encryption});
    run_app(project, steps, "app", context, bundles, assembly, None).map(drop)
}

/// Writes the cloud assemblies of the combinations of settings that decide which resources exist, and returns the settings.
fn combinations(
    project: &Project,
    steps: &Steps,
    bundles: &Path,
    folder: &Path,
    share: Option<&Share>,
) -> Result<Vec<BTreeMap<String, String>>> {
    let printed = run_app(project, steps, "variants", json!({}), bundles, folder, share)?;
    serde_json::from_str(&printed).context("cdk/bin/variants.ts did not print its combinations")
}

/// Runs a program of `cdk/bin` that synthesizes stacks.
fn run_app(
    project: &Project,
    steps: &Steps,
    program: &str,
    mut context: Value,
    bundles: &Path,
    folder: &Path,
    share: Option<&Share>,
) -> Result<String> {
    context["stage"] = json!(STAGE);
    context["lambdaDirectory"] = json!(bundles);
    // Construct paths, which `cdk deploy` writes as well, name resources in exceptions.
    context["aws:cdk:enable-path-metadata"] = json!(true);
    let mut synth = project.command(project.root.join("node_modules/.bin/tsx"));
    synth
        .arg(format!("bin/{program}.ts"))
        .current_dir(project.root.join("cdk"))
        .env("CDK_OUTDIR", folder)
        .env("CDK_CONTEXT_JSON", context.to_string());
    if let Some(share) = share {
        share.give_to(&mut synth);
    }
    output(steps, &format!("synth-{program}"), &mut synth, &[0])
}

fn in_parallel<Of: Sync, To: Send>(items: &[Of], work: impl Fn(&Of) -> Result<To> + Sync) -> Result<Vec<To>> {
    thread::scope(|scope| {
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(|| work(item))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

impl Subject {
    /// `seen` has what earlier combinations have.
    fn new(assembly: &Path, settings: BTreeMap<String, String>, seen: &mut BTreeSet<(String, String)>) -> Result<Self> {
        let encryption = settings.get("encryption").map_or(Ok(Encryption::Aws), |name| {
            serde_json::from_value(json!(name)).with_context(|| format!("{name} is no encryption"))
        })?;
        let templates = Templates::read(assembly)?;
        let (policies, definitions) = (templates.policies()?, templates.definitions()?);
        if policies.is_empty() || definitions.is_empty() {
            bail!("no policy or no machine was found in the templates");
        }
        let mut stacks = Vec::new();
        for stack in templates.stacks() {
            let text = fs::read_to_string(template_file(assembly, stack))?;
            if seen.insert((stack.to_owned(), text)) {
                stacks.push(stack.to_owned());
            }
        }
        let mut new = |texts: Vec<(String, String)>| -> Vec<_> {
            texts.into_iter().filter(|text| seen.insert(text.clone())).collect()
        };
        let policies = new(policies.into_iter().map(|policy| (policy.place, policy.document.to_string())).collect());
        let machines = new(definitions.into_iter().map(|definition| (definition.place, definition.text)).collect());
        Ok(Self {
            settings,
            encryption,
            policies: written(&assembly.join("policies"), policies)?,
            machines: written(&assembly.join("machines"), machines)?,
            assembly: assembly.to_owned(),
            templates,
            stacks,
        })
    }

    /// The files of its templates.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.stacks.iter().map(|stack| template_file(&self.assembly, stack))
    }

    fn finding(&self, tool: Tool, check: &str, resource: String, message: String) -> Finding {
        let settings: Vec<_> = self.settings.keys().map(String::as_str).collect();
        Finding {
            tool,
            check: check.to_owned(),
            resource,
            encryption: self.encryption,
            settings: settings.join(", "),
            message,
        }
    }
}

fn template_file(assembly: &Path, stack: &str) -> PathBuf {
    assembly.join(format!("{stack}.template.json"))
}

fn written(folder: &Path, texts: Vec<(String, String)>) -> Result<BTreeMap<PathBuf, String>> {
    fs::create_dir_all(folder)?;
    let mut files = BTreeMap::new();
    for (number, (place, text)) in texts.into_iter().enumerate() {
        let file = folder.join(format!("{number}-{}.json", place.replace('/', "-")));
        fs::write(&file, text).with_context(|| format!("{} could not be written", file.display()))?;
        files.insert(file, place);
    }
    Ok(files)
}

/// Runs a tool and returns its standard output; standard error goes to the log.
fn output(steps: &Steps, name: &str, command: &mut Command, codes: &[i32]) -> Result<String> {
    let log = steps.log(name);
    command.stderr(File::create(&log).with_context(|| format!("{} could not be written", log.display()))?);
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    if !output.status.code().is_some_and(|code| codes.contains(&code)) {
        bail!("{name} ended with {}:\n\n{}\n(whole log: {})", output.status, crate::step::tail(&log), log.display());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} did not answer with text"))
}

/// All findings of one tool.
fn findings(project: &Project, steps: &Steps, tool: Tool, subjects: &[Subject]) -> Result<Vec<Finding>> {
    match tool {
        Tool::AslValidator => {
            let mut validator = project.command(project.root.join("node_modules/.bin/asl-validator"));
            for file in subjects.iter().flat_map(|subject| subject.machines.keys()) {
                validator.arg("--json-path").arg(file);
            }
            validator.env("NODE_NO_WARNINGS", "1");
            // Valid machines are listed on one stream, invalid ones on the other.
            let valid = output(steps, "lint-asl-validator", &mut validator, &[0, 1])?;
            let invalid = fs::read_to_string(steps.log("lint-asl-validator"))?;
            asl_validator(&(valid + &invalid), subjects)
        }
        Tool::CfnLint => {
            let mut lint = project.command(project.lint_tools().join("cfn-lint"));
            // Includes informational rules, and ignores configuration files of this machine.
            lint.args(["--format", "json", "--include-checks", "I", "--template"]);
            lint.args(subjects.iter().flat_map(Subject::files));
            lint.args(["--config-file", "/dev/null"]);
            // The bits of the exit code show which levels were found.
            cfn_lint(&output(steps, "lint-cfn-lint", &mut lint, &(0..16).collect::<Vec<_>>())?, subjects)
        }
        Tool::Checkov => {
            let mut checkov = project.command(project.lint_tools().join("checkov"));
            checkov.args([
                "--framework",
                "cloudformation",
                "--skip-download",
                "--quiet",
                "--compact",
                "--output",
                "json",
            ]);
            for file in subjects.iter().flat_map(Subject::files) {
                checkov.arg("--file").arg(file);
            }
            checkov_findings(&output(steps, "lint-checkov", &mut checkov, &[0, 1])?, subjects)
        }
        Tool::Parliament => {
            let mut parliament = project.command(project.lint_tools().join("python"));
            parliament.arg(project.root.join("local/parliament_findings.py"));
            parliament.env("PYTHONWARNINGS", "ignore");
            parliament.args(subjects.iter().flat_map(|subject| subject.policies.keys()));
            parliament_findings(&output(steps, "lint-parliament", &mut parliament, &[0])?, subjects)
        }
    }
}

/// ```text
/// ✓ State machine definition "<file>" is valid
/// ✕ State machine definition "<file>" is invalid:
///  <code>: <message>
/// <code>: <message>
/// ```
fn asl_validator(output: &str, subjects: &[Subject]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut seen = 0;
    let mut current = None;
    for line in output.lines() {
        if let Some((_, rest)) = line.split_once("State machine definition \"") {
            let (file, _) = rest.split_once('"').context("the output of asl-validator has changed its format")?;
            seen += 1;
            current = Some(of_file(subjects, file, |subject| &subject.machines)?);
        } else if let Some((subject, place)) = current {
            let (check, message) = line.trim().split_once(": ").unwrap_or(("", line));
            findings.push(subject.finding(Tool::AslValidator, check, place.to_owned(), message.to_owned()));
        }
    }
    let machines: usize = subjects.iter().map(|subject| subject.machines.len()).sum();
    if seen != machines {
        bail!("asl-validator checked {seen} of {machines} machines");
    }
    Ok(findings)
}

fn of_file<'subjects>(
    subjects: &'subjects [Subject],
    file: &str,
    files: impl Fn(&'subjects Subject) -> &'subjects BTreeMap<PathBuf, String>,
) -> Result<(&'subjects Subject, &'subjects str)> {
    subjects
        .iter()
        .find_map(|subject| Some((subject, files(subject).get(Path::new(file))?.as_str())))
        .with_context(|| format!("a tool names {file}, which it was not given"))
}

/// Subject and stack of a template's file.
fn of_template<'subjects>(
    subjects: &'subjects [Subject],
    file: &'subjects str,
) -> Result<(&'subjects Subject, &'subjects str)> {
    subjects
        .iter()
        .find_map(|subject| {
            let name = Path::new(file).strip_prefix(&subject.assembly).ok()?.to_str()?;
            Some((subject, name.strip_suffix(".template.json")?))
        })
        .with_context(|| format!("a tool names {file}, which it was not given"))
}

fn text<'value>(value: &'value Value, name: &str) -> Result<&'value str> {
    value[name].as_str().with_context(|| format!("a finding has no {name}: {value}"))
}

fn cfn_lint(output: &str, subjects: &[Subject]) -> Result<Vec<Finding>> {
    let matches: Vec<Value> = serde_json::from_str(output).context("cfn-lint did not answer with JSON")?;
    matches
        .iter()
        .map(|found| {
            let (subject, stack) = of_template(subjects, text(found, "Filename")?)?;
            let path: Vec<_> =
                found["Location"]["Path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let place = subject.templates.place(stack, &path);
            Ok(subject.finding(Tool::CfnLint, text(&found["Rule"], "Id")?, place, text(found, "Message")?.to_owned()))
        })
        .collect()
}

fn checkov_findings(output: &str, subjects: &[Subject]) -> Result<Vec<Finding>> {
    let report: Value = serde_json::from_str(output).context("checkov did not answer with JSON")?;
    // It also succeeds when it could not parse anything.
    let understood = report["summary"]["passed"].as_u64().unwrap_or_default();
    if understood == 0 || report["summary"]["parsing_errors"] != 0 {
        bail!("checkov could not parse the templates: {}", report["summary"]);
    }
    let failed = report["results"]["failed_checks"].as_array().context("checkov's report has no results")?;
    failed
        .iter()
        .map(|found| {
            let (subject, stack) = of_template(subjects, text(found, "file_abs_path")?)?;
            // AWS::SQS::Queue.<logical id>
            let resource = text(found, "resource")?;
            let id = resource.rsplit('.').next().unwrap_or(resource);
            let place = subject.templates.place(stack, &["Resources", id]);
            Ok(subject.finding(Tool::Checkov, text(found, "check_id")?, place, text(found, "check_name")?.to_owned()))
        })
        .collect()
}

fn parliament_findings(output: &str, subjects: &[Subject]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for line in output.lines() {
        let found: Value = serde_json::from_str(line).context("parliament did not answer with JSON")?;
        let (subject, place) = of_file(subjects, text(&found, "path")?, |subject| &subject.policies)?;
        let issue = text(&found, "issue")?;
        // One finding may be about several actions: an exception for one of them must not cover the others.
        let details: Vec<_> = match &found["detail"] {
            Value::Array(details) if !details.is_empty() => details.iter().collect(),
            detail => vec![detail],
        };
        for detail in details {
            let check =
                detail["action"].as_str().map_or_else(|| issue.to_owned(), |action| format!("{issue} {action}"));
            let message = format!("{} {detail} {}", text(&found, "title")?, found["location"]);
            findings.push(subject.finding(Tool::Parliament, &check, place.to_owned(), message));
        }
    }
    Ok(findings)
}
