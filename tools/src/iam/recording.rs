//! The calls of all roles in one run of the tests, stored in a file so that policies can be checked against them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::platform::{self, Fact};
use super::{Call, Evidence, Request, Values, deployed, files};
use crate::local::Local;

/// The known calls of all roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// One entry for each file in `policies/`, by the file's path without `.json`.
    pub roles: BTreeMap<String, Role>,
}

/// The known calls of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The values of the placeholders in its file.
    pub values: BTreeMap<String, String>,
    /// Each different call once.
    pub calls: Vec<Call>,
}

/// The answer of `GET /iam/calls`.
#[derive(Debug, Deserialize)]
struct Decisions {
    enforced: bool,
    dropped: u64,
    calls: Vec<Decided>,
}

#[derive(Debug, Deserialize)]
struct Decided {
    principal: String,
    action: String,
    resource: String,
    allowed: bool,
    #[serde(default)]
    context: BTreeMap<String, Values>,
}

impl Recording {
    /// Reads the calls from a local AWS on which the tests have run.
    ///
    /// # Errors
    /// When it did not enforce policies, dropped calls, or has other policies than those in `policies/`.
    pub async fn capture(local: &Local) -> Result<Self> {
        let mut roles = deployed::roles(local).await?;
        let decisions: Decisions = serde_json::from_value(local.control.decisions()?)?;
        ensure!(decisions.enforced, "the local AWS does not enforce policies: it was started without --iam");
        ensure!(decisions.dropped == 0, "the local AWS has forgotten {} calls", decisions.dropped);
        let places: BTreeMap<_, _> = roles.iter().enumerate().map(|(index, role)| (role.name.clone(), index)).collect();
        for Decided { principal, action, resource, allowed, context } in decisions.calls {
            // Other roles are those with which the CDK deploys.
            let Some(&index) = deployed::role_of(&principal).and_then(|name| places.get(name)) else { continue };
            let request = Request { action, resource, context };
            roles[index].calls.insert(Call {
                request,
                evidence: Evidence::Recorded,
                platform: None,
                was_allowed: Some(allowed),
            });
        }
        let roles = roles.into_iter().map(|role| {
            let pictures = read_in_the_name_of_the_role(&role.calls);
            let calls = role.calls.into_iter().chain(pictures).collect();
            (role.file, Role { values: role.values, calls })
        });
        Ok(Self { roles: roles.collect() })
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<()> {
        fs::write(file, serde_json::to_string(self)?).with_context(|| format!("{} cannot be written", file.display()))
    }

    /// # Errors
    /// When there is no recording.
    pub fn load(file: &Path) -> Result<Self> {
        let text = fs::read(file)
            .with_context(|| format!("there is no recording in {}: `cargo xtask test` makes one", file.display()))?;
        serde_json::from_slice(&text).with_context(|| {
            format!("{} is not a recording of this version: `cargo xtask test` makes one", file.display())
        })
    }
}

/// The calls that follow from versions that Textract and Rekognition have read in the name of a role.
fn read_in_the_name_of_the_role(calls: &BTreeSet<Call>) -> Vec<Call> {
    let asked = |service: &str| calls.iter().any(|call| call.request.action.starts_with(service));
    let services = [("textract:", Fact::ReadsDocument), ("rekognition:", Fact::LooksAtPicture)];
    let facts: Vec<_> = services.into_iter().filter(|(service, _)| asked(service)).map(|(_, fact)| fact).collect();
    let read = calls.iter().filter(|call| call.request.action == "s3:GetObjectVersion");
    read.flat_map(|call| facts.iter().flat_map(|fact| platform::calls(*fact, &call.request.resource))).collect()
}

/// The policies' files, by path below `policies/` without `.json`.
///
/// # Errors
/// When one is not JSON.
pub fn policies() -> Result<BTreeMap<String, serde_json::Value>> {
    files::read()
}
