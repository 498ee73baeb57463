//! `up` and `down`: a local AWS that keeps running, with the review desk and the page of conversations.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::desk::{self, PASSWORD, Pages, Servers};
use crate::local_aws::{Addresses, Life, LocalAws, Options, REGION, STAGE};
use crate::process;
use crate::project::Project;
use crate::step::Steps;
use crate::{bundle, setup};

/// `.local/up.json`; the `bonafide` command reads it too.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Up {
    #[serde(flatten)]
    addresses: Addresses,
    region: String,
    stage: String,
    desk: Desk,
    conversation: Conversation,
    /// The arguments with which the page of the face API is served.
    page: String,
}

/// The served review desk.
#[derive(Debug, Serialize, Deserialize)]
struct Desk {
    url: String,
    /// Of the local reviewers.
    password: String,
    pid: i32,
}

/// The served page of conversations.
#[derive(Debug, Serialize, Deserialize)]
struct Conversation {
    url: String,
    pid: i32,
}

impl Up {
    /// The content of the file, if there is one, whether or not its process runs.
    fn read(project: &Project) -> Result<Option<Self>> {
        let file = project.up_file();
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read(&file)?;
        let up = serde_json::from_slice(&text).with_context(|| format!("{} is damaged: remove it", file.display()))?;
        Ok(Some(up))
    }

    fn is_alive(&self, project: &Project) -> bool {
        is_running(project, self.addresses.pid, &["bonafide_local", &folder(project).display().to_string()])
    }

    /// Ends what of it runs.
    fn end(&self, project: &Project) -> Result<()> {
        let served = |pid| is_running(project, pid, &[&desk::program(project).display().to_string()]);
        let (desk, conversation) = (self.desk.pid, self.conversation.pid);
        end(desk, || served(desk))?;
        end(conversation, || served(conversation))?;
        end(self.addresses.pid, || self.is_alive(project))
    }
}

fn end(pid: i32, is_alive: impl Fn() -> bool) -> Result<()> {
    if is_alive() {
        process::end(Pid::from_raw(pid), || !is_alive());
        if is_alive() {
            bail!("process {pid} did not end");
        }
    }
    Ok(())
}

fn folder(project: &Project) -> PathBuf {
    project.local().join("up")
}

/// Process ids are reused, so the process must also have been started with these words, which name the folder of this repository.
fn is_running(project: &Project, pid: i32, words: &[&str]) -> bool {
    if kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return false;
    }
    let command = command_line(project, pid);
    words.iter().all(|word| command.contains(word))
}

/// The command line of a process; empty for one that has ended and was not yet reaped.
fn command_line(project: &Project, pid: i32) -> String {
    let file = format!("/proc/{pid}/cmdline");
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(file).unwrap_or_default();
        return String::from_utf8_lossy(&bytes).replace('\0', " ");
    }
    let output = project.command("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Starts it unless it runs already.
pub(crate) fn up(project: &Project, steps: &Steps, options: &Options) -> Result<()> {
    let _lock = lock(project, steps)?;
    let up = if let Some(up) = running(project, steps)? {
        println!("The local AWS is already up (stop it with `cargo xtask down`; options given now have no effect).");
        up
    } else {
        start(project, steps, options, |_| Ok(()))?.0
    };
    println!("\n{}", address(&up));
    explain(&up);
    Ok(())
}

/// Starts it for a run, after which it keeps running.
pub(crate) fn keep<T>(project: &Project, steps: &Steps, run: impl FnOnce(&LocalAws) -> Result<T>) -> Result<T> {
    let _lock = lock(project, steps)?;
    if running(project, steps)?.is_some() {
        bail!("a local AWS is up already, and may have the same applications: stop it first (`cargo xtask down`)");
    }
    let (up, result) = start(project, steps, &Options::default(), run)?;
    println!(
        "
{}
  Each case has to be claimed before it is decided. Some need two reviewers: open the desk in two browsers.

The local AWS keeps running; `cargo xtask up` prints what else can be done with it.

Stop it:
  cargo xtask down",
        address(&up)
    );
    Ok(result)
}

fn lock(project: &Project, steps: &Steps) -> Result<File> {
    project.lock("up", || steps.say("… another `cargo xtask up`, `down` or `demo --keep` is running: waiting"))
}

/// What is up. The rest of one that has crashed is ended.
fn running(project: &Project, steps: &Steps) -> Result<Option<Up>> {
    let Some(up) = Up::read(project)? else { return Ok(None) };
    if up.is_alive(project) {
        return Ok(Some(up));
    }
    steps.say("(the last local AWS ended without `cargo xtask down`)");
    up.end(project)?;
    fs::remove_file(project.up_file())?;
    Ok(None)
}

fn start<T>(
    project: &Project,
    steps: &Steps,
    options: &Options,
    run: impl FnOnce(&LocalAws) -> Result<T>,
) -> Result<(Up, T)> {
    bundle::for_local_runs(project, steps)?;
    setup::pages(project, steps)?;
    let folder = folder(project);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let ports = desk::ports()?;
    let mut options = options.clone();
    // A local AWS that is used for days must not lose anything in a crash.
    options.is_durable = true;
    options.settings.extend(desk::origins(ports));
    let local = LocalAws::start(project, steps, "up", &folder, Life::UntilStopped, &options)?;
    local.deploy(project, steps, &options)?;
    let pages = Pages::read(project, &local)?;
    let servers = desk::serve(project, steps, &folder, ports, &pages)?;
    let result = run(&local)?;
    let up = Up {
        addresses: local.leave_running(),
        region: REGION.to_owned(),
        stage: STAGE.to_owned(),
        desk: Desk { url: desk::url(ports.desk), password: PASSWORD.to_owned(), pid: servers.desk.id() },
        conversation: Conversation { url: desk::url(ports.conversation), pid: servers.conversation.id() },
        page: pages.faces.join(" "),
    };
    fs::write(project.up_file(), serde_json::to_vec_pretty(&up)?)?;
    let Servers { desk, conversation } = servers;
    desk.leave_running();
    conversation.leave_running();
    Ok((up, result))
}

/// Stops it, if it runs.
pub(crate) fn down(project: &Project, steps: &Steps) -> Result<()> {
    let _lock = lock(project, steps)?;
    let Some(up) = Up::read(project)? else {
        println!("No local AWS is up.");
        return Ok(());
    };
    if !up.is_alive(project) {
        println!("The local AWS had already ended.");
    }
    let step = steps.start("Stopping the local AWS and its pages");
    let ended = up.end(project);
    step.end(ended.is_ok(), "");
    ended?;
    fs::remove_file(project.up_file())?;
    let folder = folder(project);
    fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))
}

fn address(up: &Up) -> String {
    format!(
        "The review desk: {}  (sign in as ann, bob or cleo, password {})\nThe page of conversations: {}  (sign in with any name; pictures to send: samples/nordic)",
        up.desk.url, up.desk.password, up.conversation.url
    )
}

fn explain(up: &Up) {
    let Up { addresses: Addresses { endpoint, control, third_party, .. }, region, stage, page, .. } = up;
    println!(
        "
The local AWS is up: {endpoint}   (stage {stage}, region {region}; logs in .local/logs)

Submit a package and look at its outcome (`cargo install --locked --path crates/cli` installs the command):
  bonafide submit samples/packages/approved.zip --wait
  bonafide show approved

Make a package of your own details and pictures:
  bonafide package --help

The licence verification service knows the included register of licences only. Add another licence before you submit its package:
  curl -X PUT {third_party}/register/<NUMBER> -d '{{\"answer\":\"known\"}}'      (or: cargo xtask up --known-license <NUMBER>)

Register and verify faces in a browser, at http://localhost:8080/ (a picture to try: samples/uploads/late-document_selfie.jpg):
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION={region} npm run serve --workspace web -- {page}

Look at it with any AWS tool:
  export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION={region} AWS_DEFAULT_REGION={region}
  aws stepfunctions list-state-machines
  aws stepfunctions list-executions --state-machine-arn <ARN from above>
  aws stepfunctions get-execution-history --execution-arn <ARN from `bonafide status`>
  aws dynamodb scan --table-name <…>      (names: aws cloudformation describe-stacks --stack-name Bonafide-{stage}-Data)

Force an error, here of the next two comparisons of faces:
  curl -X POST {control}/faults -d '{{\"service\":\"rekognition\",\"operation\":\"CompareFaces\",\"error\":\"ThrottlingException\",\"status\":400,\"count\":2}}'

Clear all of them:
  curl -X DELETE {control}/faults

Stop it:
  cargo xtask down"
    );
}
