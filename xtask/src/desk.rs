//! The review desk on this machine: its server, and the local reviewers.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::local_aws::{LocalAws, REGION, first_line};
use crate::process::Group;
use crate::project::Project;
use crate::step::Steps;

/// The usual port.
const PORT: u16 = 8081;
/// The password of the local reviewers (`local/bonafide_local/issuer.py`).
pub(crate) const PASSWORD: &str = "local-Reviewer-1";

/// What `bonafide-tools pages` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Pages {
    /// The arguments with which the page of the face API is served.
    pub(crate) faces: Vec<String>,
    /// The arguments with which the review desk is served.
    desk: Vec<String>,
    /// The outputs of the stacks.
    outputs: Map<String, Value>,
}

impl Pages {
    pub(crate) fn read(project: &Project, local: &LocalAws) -> Result<Self> {
        let output = local.tool(project, "pages").output().context("bonafide-tools pages")?;
        if !output.status.success() {
            bail!("the APIs have no pages:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).context("bonafide-tools pages")
    }
}

/// The usual port, or a free one.
pub(crate) fn port() -> Result<u16> {
    let bind = |port| TcpListener::bind(("127.0.0.1", port));
    let listener = bind(PORT).or_else(|_| bind(0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// The setting of the deployment: the sign-in pages send people back to this address only.
pub(crate) fn origin(port: u16) -> (&'static str, Value) {
    ("reviewOrigin", format!("http://localhost:{port}").into())
}

pub(crate) fn url(port: u16) -> String {
    format!("http://localhost:{port}/")
}

/// The program that serves it.
pub(crate) fn program(project: &Project) -> PathBuf {
    project.root.join("web/serve.js")
}

/// Serves it until the returned process is dropped.
pub(crate) fn serve(project: &Project, steps: &Steps, folder: &Path, port: u16, pages: &Pages) -> Result<Group> {
    let (printed, log) = (folder.join("desk"), steps.log("desk"));
    let file = |path: &Path| File::create(path).with_context(|| format!("{} could not be written", path.display()));
    let mut node = project.command("node");
    node.arg(program(project)).args(&pages.desk).args(["--port", &port.to_string()]);
    let mut group = Group::spawn(node.stdout(file(&printed)?).stderr(file(&log)?))?;
    first_line(&mut group, &printed, &log, "the server of the review desk")?;
    Ok(group)
}

/// What the tests of the page in `web/desk/test/local` are given.
pub(crate) fn environment(local: &LocalAws, port: u16, pages: &Pages) -> String {
    let addresses = &local.addresses;
    json!({
        "url": url(port), "endpoint": addresses.endpoint, "control": addresses.control, "region": REGION, "password": PASSWORD,
        "outputs": pages.outputs,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_password_is_that_of_the_local_reviewers() {
        let issuer = include_str!("../../local/bonafide_local/issuer.py");
        assert!(issuer.contains(&format!("PASSWORD = \"{PASSWORD}\"\n")));
    }
}
