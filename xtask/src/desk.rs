//! The review desk and the page of conversations on this machine: their servers, and the local reviewers.

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

/// The usual ports.
const PORTS: Ports = Ports { desk: 8081, conversation: 8082 };
/// The password of the local reviewers (`local/bonafide_local/issuer.py`).
pub(crate) const PASSWORD: &str = "local-Reviewer-1";

/// What `bonafide-tools pages` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Pages {
    /// The arguments with which the page of the face API is served.
    pub(crate) faces: Vec<String>,
    /// The arguments with which the review desk is served.
    desk: Vec<String>,
    /// The arguments with which the page of conversations is served.
    conversation: Vec<String>,
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

/// The port of each page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) desk: u16,
    pub(crate) conversation: u16,
}

/// The servers of the pages.
pub(crate) struct Servers {
    pub(crate) desk: Group,
    pub(crate) conversation: Group,
}

/// The usual ports, or free ones.
pub(crate) fn ports() -> Result<Ports> {
    let bind = |port| TcpListener::bind(("127.0.0.1", port));
    let free = |port| bind(port).or_else(|_| bind(0)).context("no port is free");
    let (desk, conversation) = (free(PORTS.desk)?, free(PORTS.conversation)?);
    Ok(Ports { desk: desk.local_addr()?.port(), conversation: conversation.local_addr()?.port() })
}

/// The settings of the deployment: the sign-in pages send reviewers back to this address only, and the bucket takes pictures from the other.
pub(crate) fn origins(ports: Ports) -> [(&'static str, Value); 2] {
    let origin = |port: u16| format!("http://localhost:{port}").into();
    [("reviewOrigin", origin(ports.desk)), ("conversationOrigin", origin(ports.conversation))]
}

pub(crate) fn url(port: u16) -> String {
    format!("http://localhost:{port}/")
}

/// The program that serves it.
pub(crate) fn program(project: &Project) -> PathBuf {
    project.root.join("web/serve.js")
}

/// Serves them until the returned processes are dropped.
pub(crate) fn serve(project: &Project, steps: &Steps, folder: &Path, ports: Ports, pages: &Pages) -> Result<Servers> {
    let page = |name: &str, arguments: &[String], port: u16| {
        let (printed, log) = (folder.join(name), steps.log(name));
        let file = |path: &Path| File::create(path).with_context(|| format!("{} could not be written", path.display()));
        let mut node = project.command("node");
        node.arg(program(project)).args(arguments).args(["--port", &port.to_string()]);
        let mut group = Group::spawn(node.stdout(file(&printed)?).stderr(file(&log)?))?;
        first_line(&mut group, &printed, &log, &format!("the server of the page {name}"))?;
        anyhow::Ok(group)
    };
    Ok(Servers {
        desk: page("desk", &pages.desk, ports.desk)?,
        conversation: page("conversation", &pages.conversation, ports.conversation)?,
    })
}

/// What the tests of the pages in `web/*/test/local` are given.
pub(crate) fn environment(local: &LocalAws, ports: Ports, pages: &Pages) -> String {
    let addresses = &local.addresses;
    json!({
        "url": url(ports.desk), "conversation": url(ports.conversation), "endpoint": addresses.endpoint, "control": addresses.control, "region": REGION, "password": PASSWORD,
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
