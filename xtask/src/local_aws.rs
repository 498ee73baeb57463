//! Starts, deploys to, watches and stops the local AWS.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bundle;
use crate::process::Group;
use crate::project::Project;
use crate::step::{Steps, ended, tail};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const STAGE: &str = "dev";
/// The API key that the fake licence verification service expects, and so the value of the deployed secret.
const THIRD_PARTY_KEY: &str = "local-third-party-key";
/// Settings for the local AWS, whose fakes have no quotas, and for a machine that cannot run many functions at once.
const LOCAL_SETTINGS: [(&str, u32); 6] = [
    ("startRate", LOCAL_RATE),
    ("extractionRate", LOCAL_RATE),
    ("extractionConcurrency", 5),
    ("licensesRate", LOCAL_RATE),
    // Tests of the limits create clients of their own.
    ("faceApiRate", 1000),
    ("faceApiClientRate", 1000),
];
/// The role that may read the person behind a face; tests create and assume it.
const PERSON_READER: &str = "arn:aws:iam::000000000000:role/person-reader";
/// The setting for the quotas of `AnalyzeID` and of the licence verification service, per second.
pub(crate) const LOCAL_RATE: u32 = 20;
/// More than the limit of the local AWS itself, whose message says more.
const START_LIMIT: Duration = Duration::from_secs(330);

/// How the local AWS is started.
#[derive(Debug, Default, Clone, clap::Args)]
pub(crate) struct Options {
    /// Port of the AWS endpoint (default: a free one)
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Register of the licence verification service, instead of the included one (JSON: {"licenses":[{"number","answer"}]})
    #[arg(long, value_name = "FILE")]
    pub(crate) register: Option<PathBuf>,
    /// A further licence number for the register of the licence verification service; may be repeated
    #[arg(long, value_name = "NUMBER")]
    pub(crate) known_license: Vec<String>,
    /// Store all state, and continue with it after a crash of the emulator.
    #[arg(skip)]
    pub(crate) is_durable: bool,
    /// Load the models for pictures once, when the first picture is read.
    #[arg(skip)]
    pub(crate) sees_little: bool,
    /// Settings of the deployment that replace the local ones.
    #[arg(skip)]
    pub(crate) settings: Vec<(&'static str, Value)>,
}

/// What the launcher prints when everything is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Addresses {
    pub(crate) endpoint: String,
    pub(crate) control: String,
    pub(crate) third_party: String,
    pub(crate) pid: i32,
}

/// A running local AWS. Dropping it stops it.
pub(crate) struct LocalAws {
    group: Group,
    pub(crate) addresses: Addresses,
    pub(crate) log: PathBuf,
}

/// Whether the local AWS ends with this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    WithThisProcess,
    UntilStopped,
}

impl LocalAws {
    /// Starts it with an empty state in `folder`. Must be called from the main thread: Linux ends it with the thread that started it.
    pub(crate) fn start(
        project: &Project,
        steps: &Steps,
        name: &str,
        folder: &Path,
        life: Life,
        options: &Options,
    ) -> Result<Self> {
        let step = steps.start("Starting the local AWS");
        let log = steps.log(&format!("{name}-local-aws"));
        let ready = folder.join("ready.json");
        let mut launcher = project.command(project.python());
        // The roles are enforced everywhere, so that a missing permission fails here and not only on AWS.
        launcher
            .args(["-m", "bonafide_local", "serve", "--iam", "--third-party-key", THIRD_PARTY_KEY, "--port"])
            .arg(options.port.to_string())
            .arg("--state-dir")
            .arg(folder.join("state"))
            .env("PYTHONPATH", project.root.join("local"))
            .stdout(File::create(&ready).with_context(|| format!("{} could not be written", ready.display()))?)
            .stderr(File::create(&log).with_context(|| format!("{} could not be written", log.display()))?);
        if let Some(register) = &options.register {
            let register = std::path::absolute(register)?;
            if !register.is_file() {
                bail!("--register: there is no file {}", register.display());
            }
            launcher.arg("--register").arg(register);
        }
        if options.is_durable {
            launcher.arg("--durable");
        }
        if options.sees_little {
            launcher.args(["--processes", "0"]);
        }
        if life == Life::WithThisProcess {
            launcher.arg("--die-with-parent");
        }
        let mut group = Group::spawn(&mut launcher)?;
        let printed = first_line(&mut group, &ready, &log, "the local AWS");
        step.end(printed.is_ok(), "");
        let addresses =
            serde_json::from_str(&printed?).context("the local AWS printed something other than its addresses")?;
        Ok(Self { group, addresses, log })
    }

    /// Deploys the synthesized assembly unchanged, in the same way as to AWS.
    pub(crate) fn deploy(&self, project: &Project, steps: &Steps, options: &Options) -> Result<()> {
        let assembly = assembly(project);
        // One assembly for all runs of this repository.
        let _lock = project.lock("deploy", || steps.say("… another run is deploying: waiting"))?;
        let deployed = self.bootstrap_and_deploy(project, steps, &assembly, options);
        if deployed.is_err() {
            self.check()?;
        }
        deployed
    }

    fn bootstrap_and_deploy(&self, project: &Project, steps: &Steps, assembly: &Path, options: &Options) -> Result<()> {
        let account = format!("aws://000000000000/{REGION}");
        let mut bootstrap = self.cdk(project, "bootstrap");
        bootstrap.arg(account);
        thread::scope(|scope| {
            let synthesized = scope.spawn(|| self.synthesize(project, steps, assembly, options));
            let bootstrapped = steps.run("Bootstrapping the account", "bootstrap", &mut bootstrap);
            synthesized.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(bootstrapped)
        })?;
        let mut deploy = self.cdk(project, "deploy");
        deploy
            .args(["--all", "--method=direct", "--require-approval", "never", "--app"])
            .arg(assembly)
            .arg("--parameters")
            .arg(format!("Bonafide-{STAGE}-Workflow:ThirdPartyUrl={}", self.addresses.third_party));
        steps.run("Deploying the template", "deploy", &mut deploy)?;
        let mut prepare = self.tool(project, "prepare");
        prepare.args(["--third-party-key", THIRD_PARTY_KEY]);
        for number in &options.known_license {
            prepare.args(["--known-license", number]);
        }
        steps.run("Storing the licence verification service's key", "prepare", &mut prepare)
    }

    /// Writes the cloud assembly that would be deployed to AWS, with development builds of the workers.
    fn synthesize(&self, project: &Project, steps: &Steps, assembly: &Path, options: &Options) -> Result<()> {
        let mut context = serde_json::json!({"stage": STAGE, "lambdaDirectory": bundle::local_bundles(project)});
        // The workers are zipped where they are, without a copy of each.
        context["aws:cdk:disable-asset-staging"] = true.into();
        context["faceApiPersonReaders"] = PERSON_READER.into();
        context["conversationIssuer"] = format!("{}/applicants", self.addresses.control).into();
        context["conversationClients"] = "applicants".into();
        // The local model follows a script, whatever its name is.
        context["conversationModel"] = "eu.amazon.nova-pro-v1:0".into();
        context["nationalRegistry"] = format!("{}/registry", self.addresses.third_party).into();
        for (setting, value) in LOCAL_SETTINGS {
            context[setting] = value.into();
        }
        for (setting, value) in &options.settings {
            context[*setting] = value.clone();
        }
        let mut synth = project.command(project.root.join("node_modules/.bin/tsx"));
        synth
            .arg("bin/app.ts")
            .current_dir(project.root.join("cdk"))
            .env("CDK_OUTDIR", assembly)
            // Takes longer than the synthesis; `lint` validates the templates with cfn-lint.
            .env("CDK_VALIDATION", "false")
            .env("CDK_CONTEXT_JSON", context.to_string());
        steps.run("Synthesizing the template", "synth", &mut synth)?;
        forget_older_zips(assembly)
    }

    fn cdk(&self, project: &Project, command: &str) -> Command {
        let mut cdk = project.command(project.root.join("node_modules/.bin/cdk"));
        cdk.args([command, "--ci", "--no-notices"]);
        for (name, _) in env::vars_os() {
            // Credentials and profile of a real account must not be used.
            if name.to_string_lossy().starts_with("AWS_") {
                cdk.env_remove(name);
            }
        }
        cdk.env("AWS_ENDPOINT_URL", &self.addresses.endpoint)
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .envs([("AWS_REGION", REGION), ("AWS_DEFAULT_REGION", REGION)])
            .envs([("CDK_DISABLE_VERSION_CHECK", "1"), ("CDK_DISABLE_CLI_TELEMETRY", "true"), ("NO_COLOR", "1")])
            // Its cache of accounts must not mix with that of real accounts.
            .env("CDK_HOME", project.local().join("cdk"));
        cdk
    }

    /// A command of `bonafide-tools`, which calls the local AWS.
    pub(crate) fn tool(&self, project: &Project, command: &str) -> Command {
        let mut tool = project.command(bundle::tool(project, "bonafide-tools"));
        tool.arg(command);
        self.addresses.give_to(&mut tool);
        tool
    }

    /// Fails if the local AWS has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if self.group.has_ended() {
            bail!("the local AWS ended during the run:\n\n{}\n(whole log: {})", tail(&self.log), self.log.display());
        }
        Ok(())
    }

    /// Waits for a command that uses it, for at most `limit`.
    pub(crate) fn watch(&self, command: &mut Command, what: &str, limit: Duration) -> Result<std::process::ExitStatus> {
        let started = Instant::now();
        let mut running = Group::spawn(command)?;
        loop {
            if let Some(status) = running.try_wait()? {
                self.check()?;
                return Ok(status);
            }
            self.check()?;
            if started.elapsed() > limit {
                bail!(
                    "{what} took longer than {} minutes and was stopped; the local AWS's log: {}",
                    limit.as_secs() / 60,
                    self.log.display()
                );
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Lets it run on after this process.
    pub(crate) fn leave_running(self) -> Addresses {
        self.group.leave_running();
        self.addresses
    }
}

impl Addresses {
    /// Sets the environment by which `bonafide-tools` and the tests find it.
    pub(crate) fn give_to(&self, command: &mut Command) {
        command
            .env("BONAFIDE_LOCAL_ENDPOINT", &self.endpoint)
            .env("BONAFIDE_LOCAL_CONTROL", &self.control)
            .env("BONAFIDE_LOCAL_THIRD_PARTY", &self.third_party);
    }
}

/// Waits until a program has printed the line that says that it is ready.
pub(crate) fn first_line(group: &mut Group, printed: &Path, log: &Path, what: &str) -> Result<String> {
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(printed)?;
        if text.ends_with('\n') {
            return Ok(text);
        }
        let how = if let Some(status) = group.try_wait()? {
            // The last line of the log names the cause, for instance a port in use.
            format!("{} before it was ready", ended(status))
        } else if started.elapsed() > START_LIMIT {
            format!("was not ready after {} s", START_LIMIT.as_secs())
        } else {
            sleep(Duration::from_millis(50));
            continue;
        };
        bail!("{what} {how}:\n\n{}\n(whole log: {})", tail(log), log.display());
    }
}

/// The cloud assembly, kept between runs because the CDK stores the zipped workers in it.
fn assembly(project: &Project) -> PathBuf {
    project.local().join("cdk.out")
}

/// Removes zips of earlier versions of workers, which the CDK keeps by hash and the assembly no longer names.
fn forget_older_zips(assembly: &Path) -> Result<()> {
    let read =
        |path: PathBuf| fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()));
    let files = fs::read_dir(assembly)?.flatten().map(|file| file.path());
    let manifests = files.filter(|file| file.to_string_lossy().ends_with(".assets.json"));
    let named = manifests.map(read).collect::<Result<String>>()?;
    for zip in fs::read_dir(assembly.join(".cache")).into_iter().flatten().flatten() {
        let is_named = zip.path().file_stem().is_some_and(|hash| named.contains(&*hash.to_string_lossy()));
        if !is_named {
            fs::remove_file(zip.path()).with_context(|| format!("{} could not be removed", zip.path().display()))?;
        }
    }
    Ok(())
}
