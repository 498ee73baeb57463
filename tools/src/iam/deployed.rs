//! The deployed roles and the resources that use them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::platform::{self, Fact};
use super::{Call, files, histories};
use crate::history::{Trace, executions};
use crate::local::{Local, STAGE};

/// A role, its policy, and the calls that follow from the properties and executions of its user.
pub(super) struct Role {
    /// Its file below `policies/`, without `.json`.
    pub(super) file: String,
    /// Its name, by which recorded calls are assigned to it.
    pub(super) name: String,
    /// The values of the placeholders in its file.
    pub(super) values: files::Placeholders,
    pub(super) calls: BTreeSet<Call>,
}

/// All roles of all stacks of the stage.
pub(super) async fn roles(local: &Local) -> Result<Vec<Role>> {
    let mut users = Vec::new();
    users.extend(functions(local)?);
    users.extend(machines(local).await?);
    users.extend(rules(local).await?);
    users.extend(agentcore(local).await?);
    let files = files::read()?;
    let mut roles = Vec::new();
    for User { file, role, calls } in users {
        let document = files.get(&file).with_context(|| format!("policies/{file}.json is missing"))?;
        let deployed = only_policy(local, &role).with_context(|| format!("the role {role}"))?;
        let values =
            files::values(document, &deployed).with_context(|| format!("{role} has another policy than {file}"))?;
        roles.push(Role { file, name: role, values, calls });
    }
    let (used, existing) = (names(roles.iter().map(|role| &role.name)), existing(local).await?);
    ensure!(used == existing, "these roles exist: {existing:?}; and these are used, each by one: {used:?}");
    ensure!(used.len() == roles.len(), "a role is used twice");
    Ok(roles)
}

struct User {
    file: String,
    role: String,
    calls: BTreeSet<Call>,
}

fn names<'role>(roles: impl Iterator<Item = &'role String>) -> BTreeSet<String> {
    roles.cloned().collect()
}

fn functions(local: &Local) -> Result<Vec<User>> {
    let answer = local.get("lambda", "/2015-03-31/functions/")?;
    let mappings = local.get("lambda", "/2015-03-31/event-source-mappings/")?;
    let mut users = Vec::new();
    for function in list(&answer["Functions"]) {
        let Some(worker) = own_name(&function["FunctionName"]) else { continue };
        let mut calls = BTreeSet::new();
        for mapping in list(&mappings["EventSourceMappings"]).filter(|mapping| is_of(mapping, &function["FunctionArn"]))
        {
            let source = text(&mapping["EventSourceArn"])?;
            if source.starts_with("arn:aws:dynamodb:") {
                calls.extend(platform::calls(Fact::ReceivesChanges, source));
                calls.extend(platform::calls(Fact::FindsStream, "*"));
            } else {
                calls.extend(platform::calls(Fact::TakesMessages, source));
            }
        }
        if function["TracingConfig"]["Mode"] == "Active" {
            calls.extend(platform::calls(Fact::IsTracedFunction, "*"));
        }
        for stream in streams(local, text(&function["LoggingConfig"]["LogGroup"])?)? {
            calls.extend(platform::calls(Fact::WritesLogs, &stream));
        }
        users.push(User { file: format!("workers/{worker}"), role: role_name(&function["Role"])?, calls });
    }
    Ok(users)
}

/// Whether a mapping belongs to a function; it names the function, a version or an alias.
fn is_of(mapping: &Value, function: &Value) -> bool {
    let (Some(mapped), Some(function)) = (mapping["FunctionArn"].as_str(), function.as_str()) else { return false };
    mapped.strip_prefix(function).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn streams(local: &Local, group: &str) -> Result<Vec<String>> {
    let answer = local.raw("logs", "Logs_20140328.DescribeLogStreams", &json!({"logGroupName": group}))?;
    list(&answer["logStreams"]).map(|stream| Ok(text(&stream["arn"])?.to_owned())).collect()
}

async fn machines(local: &Local) -> Result<Vec<User>> {
    let traced = traced_machines(local).await?;
    let answer = local.raw("states", "AWSStepFunctions.ListStateMachines", &json!({}))?;
    let mut users = Vec::new();
    for machine in list(&answer["stateMachines"]) {
        let Some(name) = own_name(&machine["name"]) else { continue };
        let arn = text(&machine["stateMachineArn"])?;
        let request = json!({"stateMachineArn": arn});
        let description = local.raw("states", "AWSStepFunctions.DescribeStateMachine", &request)?;
        let mut calls = BTreeSet::new();
        if description["loggingConfiguration"]["level"].as_str().is_some_and(|level| level != "OFF") {
            calls.extend(platform::calls(Fact::LogsDelivered, "*"));
        }
        if traced.contains(text(&machine["name"])?) {
            calls.extend(platform::calls(Fact::IsTracedMachine, "*"));
        }
        for execution in executions(local, arn).await? {
            calls.extend(histories::calls(&Trace::fetch(local, &execution)?)?);
        }
        users.push(User { file: format!("machines/{name}"), role: role_name(&description["roleArn"])?, calls });
    }
    Ok(users)
}

/// The machines with tracing, read from the templates, since the emulator drops this property.
async fn traced_machines(local: &Local) -> Result<BTreeSet<String>> {
    let mut traced = BTreeSet::new();
    for stack in stacks(local).await? {
        for resource in described(local, &stack).await? {
            let properties = &resource["Properties"];
            if resource["Type"] == "AWS::StepFunctions::StateMachine"
                && properties["TracingConfiguration"]["Enabled"] == true
            {
                traced.extend(properties["StateMachineName"].as_str().map(str::to_owned));
            }
        }
    }
    Ok(traced)
}

/// The gateways and the harness of conversations, whose calls are recorded. The emulator does not list them.
async fn agentcore(local: &Local) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for stack in stacks(local).await? {
        for resource in described(local, &stack).await? {
            let properties = &resource["Properties"];
            let (file, role) = match resource["Type"].as_str() {
                Some("AWS::BedrockAgentCore::Harness") => ("harnesses/conversations", &properties["ExecutionRoleArn"]),
                Some("AWS::BedrockAgentCore::Gateway") if properties["ProtocolType"] == "MCP" => {
                    ("gateways/conversations", &properties["RoleArn"])
                }
                Some("AWS::BedrockAgentCore::Gateway") => ("gateways/harness", &properties["RoleArn"]),
                _ => continue,
            };
            let role = text(&role["Fn::GetAtt"][0])?;
            let ask = local.cloudformation.describe_stack_resource().stack_name(&stack).logical_resource_id(role);
            let detail = ask.send().await.with_context(|| format!("the role of {file} in {stack}"))?;
            let role = detail.stack_resource_detail.and_then(|detail| detail.physical_resource_id);
            let role = role.with_context(|| format!("the role of {file} has no name"))?;
            users.push(User { file: file.to_owned(), role, calls: BTreeSet::new() });
        }
    }
    Ok(users)
}

/// The resources of a stack, as its template describes them.
async fn described(local: &Local, stack: &str) -> Result<Vec<Value>> {
    let answer = local.cloudformation.get_template().stack_name(stack).send().await;
    let body = answer.with_context(|| format!("the template of {stack}"))?.template_body.unwrap_or_default();
    let template: Value = serde_json::from_str(&body).with_context(|| format!("the template of {stack}"))?;
    Ok(template["Resources"].as_object().into_iter().flat_map(|resources| resources.values().cloned()).collect())
}

/// A rule that starts a machine does so with a role of its own.
async fn rules(local: &Local) -> Result<Vec<User>> {
    let answer = local.raw("events", "AWSEvents.ListRules", &json!({}))?;
    let mut users = Vec::new();
    for rule in list(&answer["Rules"]) {
        let name = text(&rule["Name"])?;
        let files = files::read()?;
        // CloudFormation generates the name: Bonafide-<stage>-<stack>-<Construct>Rule<hash>-<random>.
        let is_after = |file: &&String| file.strip_prefix("rules/").is_some_and(|file| name.contains(&pascal(file)));
        let Some(file) = files.keys().find(is_after) else { continue };
        let targets = local.raw("events", "AWSEvents.ListTargetsByRule", &json!({"Rule": name}))?;
        for target in list(&targets["Targets"]) {
            let machine = text(&target["Arn"])?;
            let mut calls = BTreeSet::new();
            if rule["ScheduleExpression"].is_string() {
                calls.extend(platform::calls(Fact::StartsBySchedule, machine));
            }
            for execution in executions(local, machine).await? {
                calls.extend(histories::call_of_rule(&Trace::fetch(local, &execution)?, machine));
            }
            users.push(User { file: file.clone(), role: role_name(&target["RoleArn"])?, calls });
        }
    }
    Ok(users)
}

/// The document of the role's only inline policy; it may have no other policies.
fn only_policy(local: &Local, role: &str) -> Result<Value> {
    let ask = |action: &str, more: &str| {
        local.query("iam", &format!("Action={action}&Version=2010-05-08&RoleName={role}{more}"))
    };
    let inline = ask("ListRolePolicies", "")?;
    let [policy] = inline.all("member")[..] else { anyhow::bail!("it has not one policy: {:?}", inline.all("member")) };
    let attached = ask("ListAttachedRolePolicies", "")?;
    ensure!(attached.all("PolicyArn").is_empty(), "it has managed policies: {:?}", attached.all("PolicyArn"));
    let role = ask("GetRole", "")?;
    ensure!(
        role.all("PermissionsBoundary").is_empty(),
        "it has a permissions boundary, which this check does not support"
    );
    let answer = ask("GetRolePolicy", &format!("&PolicyName={policy}"))?;
    let [document] = answer.all("PolicyDocument")[..] else { anyhow::bail!("{policy} has no document") };
    let decoded = percent_encoding::percent_decode_str(document).decode_utf8()?;
    serde_json::from_str(&decoded).with_context(|| format!("{policy} is no JSON"))
}

/// The roles of the stage's stacks.
async fn existing(local: &Local) -> Result<BTreeSet<String>> {
    let mut roles = BTreeSet::new();
    for stack in stacks(local).await? {
        let pages = local.cloudformation.list_stack_resources().stack_name(&stack).into_paginator().items().send();
        let resources =
            pages.collect::<Result<Vec<_>, _>>().await.with_context(|| format!("the resources of {stack}"))?;
        let own = resources.into_iter().filter(|resource| resource.resource_type.as_deref() == Some("AWS::IAM::Role"));
        roles.extend(own.filter_map(|resource| resource.physical_resource_id));
    }
    Ok(roles)
}

async fn stacks(local: &Local) -> Result<Vec<String>> {
    let pages = local.cloudformation.describe_stacks().into_paginator().items().send();
    let stacks = pages.collect::<Result<Vec<_>, _>>().await.context("list the stacks")?;
    let names = stacks.into_iter().filter_map(|stack| stack.stack_name);
    Ok(names.filter(|name| name.starts_with(&format!("Bonafide-{STAGE}-"))).collect())
}

/// The `<name>` of `bonafide-<stage>-<name>`.
fn own_name(name: &Value) -> Option<&str> {
    name.as_str()?.strip_prefix("bonafide-")?.strip_prefix(STAGE)?.strip_prefix('-')
}

fn role_name(arn: &Value) -> Result<String> {
    Ok(text(arn)?.rsplit('/').next().unwrap_or_default().to_owned())
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("the local AWS omitted a name")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The name of the construct: `FailedExecutions` for `failed-executions`.
fn pascal(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The name of a recorded principal's role.
pub(super) fn role_of(principal: &str) -> Option<&str> {
    // arn:aws:sts::<account>:assumed-role/<role>/<session>
    principal.split_once(":assumed-role/")?.1.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_files_and_roles() {
        assert_eq!(own_name(&json!("bonafide-dev-extract-document")), Some("extract-document"));
        assert_eq!(own_name(&json!("another-project")), None);
        assert_eq!(pascal("failed-executions"), "FailedExecutions");
        assert_eq!(role_name(&json!("arn:aws:iam::000000000000:role/a-role")).expect("a role"), "a-role");
        assert_eq!(role_of("arn:aws:sts::000000000000:assumed-role/a-role/a-session"), Some("a-role"));
        assert_eq!(role_of("arn:aws:iam::000000000000:user/operator"), None);
    }

    #[test]
    fn a_mapping_belongs_to_its_function_and_to_no_other_of_a_longer_name() {
        let function = json!("arn:function:starter");
        for (mapped, expected) in
            [("arn:function:starter", true), ("arn:function:starter:live", true), ("arn:function:starter-two", false)]
        {
            assert_eq!(is_of(&json!({"FunctionArn": mapped}), &function), expected, "{mapped}");
        }
    }
}
