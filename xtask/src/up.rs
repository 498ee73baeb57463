//! `up` and `down`: a local AWS that keeps running.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::bundle;
use crate::local_aws::{Addresses, Life, LocalAws, Options, REGION, STAGE};
use crate::process;
use crate::project::Project;
use crate::step::Steps;

/// `.local/up.json`; the `bonafide` command reads it too.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Up {
    #[serde(flatten)]
    addresses: Addresses,
    region: String,
    stage: String,
    /// The arguments with which the page of the face API is served.
    page: String,
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

    /// Process ids are reused, so the process must be a launcher of this repository's folder.
    fn is_alive(&self, project: &Project) -> bool {
        let pid = Pid::from_raw(self.addresses.pid);
        if kill(pid, None) == Err(Errno::ESRCH) {
            return false;
        }
        let command = command_line(project, self.addresses.pid);
        command.contains("bonafide_local") && command.contains(&folder(project).display().to_string())
    }
}

fn folder(project: &Project) -> std::path::PathBuf {
    project.local().join("up")
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
    let _lock = project.lock("up", || steps.say("… another `cargo xtask up` is running: waiting"))?;
    if let Some(up) = Up::read(project)? {
        if up.is_alive(project) {
            println!(
                "The local AWS is already up (stop it with `cargo xtask down`; options given now have no effect)."
            );
            explain(&up);
            return Ok(());
        }
        steps.say("(the last local AWS ended without `cargo xtask down`)");
        fs::remove_file(project.up_file())?;
    }
    bundle::for_local_runs(project, steps)?;
    let folder = folder(project);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    // A local AWS that is used for days must not lose anything in a crash.
    let options = Options { is_durable: true, ..options.clone() };
    let local = LocalAws::start(project, steps, "up", &folder, Life::UntilStopped, &options)?;
    local.deploy(project, steps, &options)?;
    let output = local.tool(project, "page").output().context("bonafide-tools page")?;
    if !output.status.success() {
        bail!("the face API has no client:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let page = String::from_utf8(output.stdout)?.trim().to_owned();
    let up = Up { addresses: local.leave_running(), region: REGION.to_owned(), stage: STAGE.to_owned(), page };
    fs::write(project.up_file(), serde_json::to_vec_pretty(&up)?)?;
    explain(&up);
    Ok(())
}

/// Stops it, if it runs.
pub(crate) fn down(project: &Project, steps: &Steps) -> Result<()> {
    let _lock = project.lock("up", || steps.say("… a `cargo xtask up` is running: waiting"))?;
    let Some(up) = Up::read(project)? else {
        println!("No local AWS is up.");
        return Ok(());
    };
    if up.is_alive(project) {
        let step = steps.start("Stopping the local AWS");
        process::end(Pid::from_raw(up.addresses.pid), || !up.is_alive(project));
        if up.is_alive(project) {
            step.failed();
            bail!("process {} did not end", up.addresses.pid);
        }
        step.done("");
    } else {
        println!("The local AWS had already ended.");
    }
    fs::remove_file(project.up_file())?;
    let folder = folder(project);
    fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))
}

fn explain(up: &Up) {
    let Up { addresses: Addresses { endpoint, control, third_party, .. }, region, stage, page } = up;
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
