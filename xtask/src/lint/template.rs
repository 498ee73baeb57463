//! Synthesized templates, resolved as `CloudFormation` deploys them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

const REGION: &str = "us-east-1";
/// AWS's example account.
const ACCOUNT: &str = "111122223333";

/// All stacks of one synthesis.
pub(super) struct Templates {
    /// The templates by stack name.
    stacks: BTreeMap<String, Value>,
}

/// A policy of a role, a queue, a key, …
pub(super) struct Policy {
    /// See [`Templates::place`].
    pub(super) place: String,
    /// The policy with everything resolved.
    pub(super) document: Value,
}

/// A state machine's definition with its substitutions.
pub(super) struct Definition {
    /// See [`Templates::place`].
    pub(super) place: String,
    pub(super) text: String,
}

impl Templates {
    /// Reads every template in a cloud assembly.
    pub(super) fn read(assembly: &Path) -> Result<Self> {
        let mut stacks = BTreeMap::new();
        for entry in fs::read_dir(assembly).with_context(|| format!("{} could not be read", assembly.display()))? {
            let entry = entry?;
            if let Some(stack) = entry.file_name().to_string_lossy().strip_suffix(".template.json") {
                let text = fs::read(entry.path())?;
                let template = serde_json::from_slice(&text).with_context(|| format!("{stack} is no JSON"))?;
                stacks.insert(stack.to_owned(), template);
            }
        }
        if stacks.is_empty() {
            bail!("no template was synthesized into {}", assembly.display());
        }
        Ok(Self { stacks })
    }

    /// The names of the stacks.
    pub(super) fn stacks(&self) -> impl Iterator<Item = &str> {
        self.stacks.keys().map(String::as_str)
    }

    /// The name of a resource in exceptions: its construct path, without stage and without CDK's `Resource` at the end.
    /// For other elements, for instance a parameter: the stack, the section and the name.
    pub(super) fn place(&self, stack: &str, path: &[&str]) -> String {
        // Bonafide-<stage>-Data, where the stage may contain hyphens.
        let short = stack.rsplit('-').next().unwrap_or(stack);
        if let ["Resources", id, ..] = path {
            let construct = self.stacks.get(stack).map(|template| &template["Resources"][id]["Metadata"]);
            if let Some(path) = construct.and_then(|metadata| metadata["aws:cdk:path"].as_str()) {
                let path = path.strip_prefix(stack).unwrap_or(path);
                return format!("{short}{}", path.strip_suffix("/Resource").unwrap_or(path));
            }
            return format!("{short}/{id}");
        }
        format!("{short}/{}", path.iter().take(2).copied().collect::<Vec<_>>().join("/"))
    }

    /// All resources, with stack and logical id.
    fn resources(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.stacks.iter().flat_map(|(stack, template)| {
            let resources = template["Resources"].as_object().into_iter().flatten();
            resources.map(move |(id, resource)| (stack.as_str(), id.as_str(), resource))
        })
    }

    /// Every policy with resources. Trust policies have none and are not included.
    pub(super) fn policies(&self) -> Result<Vec<Policy>> {
        let mut policies = Vec::new();
        for (stack, id, resource) in self.resources() {
            let properties = &resource["Properties"];
            let inline = properties["Policies"].as_array().into_iter().flatten();
            let own = [&properties["PolicyDocument"], &properties["KeyPolicy"], &properties["ResourcePolicy"]];
            let own = own.into_iter().filter(|document| document.is_object());
            for document in inline.map(|policy| &policy["PolicyDocument"]).chain(own) {
                let what = || format!("the policy of {stack}/{id}");
                let mut document = self.resolve(stack, document).with_context(what)?;
                if resource["Type"] == "AWS::KMS::Key" {
                    // In the policy of a key, "*" means this key.
                    let key = self.attribute(stack, id, "Arn").with_context(what)?;
                    for statement in document["Statement"].as_array_mut().into_iter().flatten() {
                        let resources = &mut statement["Resource"];
                        if *resources == "*" || *resources == json!(["*"]) {
                            *resources = Value::String(key.clone());
                        }
                    }
                }
                policies.push(Policy { place: self.place(stack, &["Resources", id]), document });
            }
        }
        Ok(policies)
    }

    /// Every machine as `CloudFormation` passes it to Step Functions.
    pub(super) fn definitions(&self) -> Result<Vec<Definition>> {
        let mut definitions = Vec::new();
        for (stack, id, resource) in self.resources() {
            if resource["Type"] != "AWS::StepFunctions::StateMachine" {
                continue;
            }
            let properties = &resource["Properties"];
            let what = || format!("the definition of {stack}/{id}");
            let Value::String(mut text) = self.resolve(stack, &properties["DefinitionString"]).with_context(what)?
            else {
                bail!("{} is not in the template", what());
            };
            for (token, value) in properties["DefinitionSubstitutions"].as_object().into_iter().flatten() {
                let value = self.resolve(stack, value).with_context(what)?;
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("${{{token}}}"), &value);
            }
            definitions.push(Definition { place: self.place(stack, &["Resources", id]), text });
        }
        Ok(definitions)
    }

    /// The value with every intrinsic function replaced by a possible result.
    fn resolve(&self, stack: &str, value: &Value) -> Result<Value> {
        match value {
            Value::Array(items) => {
                Ok(Value::Array(items.iter().map(|item| self.resolve(stack, item)).collect::<Result<_>>()?))
            }
            Value::Object(map) => match map.iter().next() {
                Some((function, argument)) if map.len() == 1 && (function == "Ref" || function.starts_with("Fn::")) => {
                    self.call(stack, function, argument).map(Value::String)
                }
                _ => map
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.resolve(stack, item)?)))
                    .collect::<Result<Map<_, _>>>()
                    .map(Value::Object),
            },
            _ => Ok(value.clone()),
        }
    }

    fn text(&self, stack: &str, value: &Value) -> Result<String> {
        match self.resolve(stack, value)? {
            Value::String(text) => Ok(text),
            other => Ok(other.to_string()),
        }
    }

    fn call(&self, stack: &str, function: &str, argument: &Value) -> Result<String> {
        let not_understood = || format!("{function} {argument} is not supported: add it to xtask/src/lint");
        match (function, argument) {
            ("Ref", Value::String(name)) => self.reference(stack, name),
            ("Fn::GetAtt", Value::Array(parts)) => {
                let [Value::String(id), Value::String(attribute)] = parts.as_slice() else { bail!(not_understood()) };
                self.attribute(stack, id, attribute)
            }
            ("Fn::Join", Value::Array(parts)) => {
                let [Value::String(glue), Value::Array(items)] = parts.as_slice() else { bail!(not_understood()) };
                let items = items.iter().map(|item| self.text(stack, item)).collect::<Result<Vec<_>>>()?;
                Ok(items.join(glue))
            }
            ("Fn::Select", Value::Array(parts)) => {
                let [index, list] = parts.as_slice() else { bail!(not_understood()) };
                let list = match &list["Fn::Split"] {
                    Value::Array(split) if split.len() == 2 => {
                        let whole = self.text(stack, &split[1])?;
                        whole.split(split[0].as_str().unwrap_or_default()).map(str::to_owned).collect::<Vec<_>>()
                    }
                    _ => bail!(not_understood()),
                };
                let index: usize = self.text(stack, index)?.parse().with_context(not_understood)?;
                list.into_iter().nth(index).with_context(not_understood)
            }
            ("Fn::Sub", Value::String(text)) => {
                let mut resolved = String::new();
                let mut parts = text.split("${");
                resolved.push_str(parts.next().unwrap_or_default());
                for part in parts {
                    let (name, rest) = part.split_once('}').with_context(not_understood)?;
                    resolved += &match name.split_once('.') {
                        Some((id, attribute)) => self.attribute(stack, id, attribute)?,
                        None => self.reference(stack, name)?,
                    };
                    resolved += rest;
                }
                Ok(resolved)
            }
            ("Fn::ImportValue", Value::String(name)) => {
                let (stack, value) = self.exported(name).with_context(|| format!("no stack exports {name}"))?;
                self.text(stack, value)
            }
            _ => bail!(not_understood()),
        }
    }

    fn exported(&self, name: &str) -> Option<(&str, &Value)> {
        self.stacks.iter().find_map(|(stack, template)| {
            let outputs = template["Outputs"].as_object()?;
            let output = outputs.values().find(|output| output["Export"]["Name"] == name)?;
            Some((stack.as_str(), &output["Value"]))
        })
    }

    fn resource(&self, stack: &str, id: &str) -> Result<(&str, &Value)> {
        let resource =
            self.stacks.get(stack).map(|template| &template["Resources"][id]).filter(|found| found.is_object());
        let resource = resource.with_context(|| format!("{stack} has no {id}"))?;
        Ok((resource["Type"].as_str().unwrap_or_default(), resource))
    }

    /// The name of a resource: the one in the template, or one as `CloudFormation` generates it.
    fn name(&self, stack: &str, id: &str, property: &str) -> Result<String> {
        let (_, resource) = self.resource(stack, id)?;
        match &resource["Properties"][property] {
            Value::Null => Ok(format!("{stack}-{id}-ABCDEFGHIJKL")),
            name => self.text(stack, name),
        }
    }

    fn reference(&self, stack: &str, name: &str) -> Result<String> {
        match name {
            "AWS::Region" => return Ok(REGION.to_owned()),
            "AWS::AccountId" => return Ok(ACCOUNT.to_owned()),
            "AWS::Partition" => return Ok("aws".to_owned()),
            "AWS::URLSuffix" => return Ok("amazonaws.com".to_owned()),
            "AWS::StackName" => return Ok(stack.to_owned()),
            _ => {}
        }
        let parameter = &self.stacks.get(stack).map_or(&Value::Null, |template| &template["Parameters"][name]);
        if parameter.is_object() {
            return Ok(parameter["Default"].as_str().unwrap_or("parameter").to_owned());
        }
        let (kind, _) = self.resource(stack, name)?;
        match kind {
            "AWS::S3::Bucket" => self.name(stack, name, "BucketName").map(|name| name.to_lowercase()),
            "AWS::DynamoDB::Table" => self.name(stack, name, "TableName"),
            "AWS::Lambda::Function" => self.name(stack, name, "FunctionName"),
            "AWS::Lambda::Version" => {
                let (_, version) = self.resource(stack, name)?;
                let function = self.text(stack, &version["Properties"]["FunctionName"])?;
                let arn = if function.starts_with("arn:") {
                    function
                } else {
                    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
                };
                Ok(format!("{arn}:1"))
            }
            "AWS::Logs::LogGroup" => self.name(stack, name, "LogGroupName"),
            "AWS::IAM::Role" => self.name(stack, name, "RoleName"),
            "AWS::Rekognition::Collection" => self.name(stack, name, "CollectionId"),
            "AWS::KMS::Key" => Ok("1234abcd-12ab-34cd-56ef-1234567890ab".to_owned()),
            "AWS::SQS::Queue" => {
                Ok(format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{}", self.name(stack, name, "QueueName")?))
            }
            // A reference to these is their ARN.
            "AWS::SNS::Topic" | "AWS::StepFunctions::StateMachine" | "AWS::SecretsManager::Secret" => {
                self.attribute(stack, name, "Arn")
            }
            _ => bail!("a reference to a {kind} is not supported: add it to xtask/src/lint"),
        }
    }

    fn attribute(&self, stack: &str, id: &str, attribute: &str) -> Result<String> {
        let (kind, _) = self.resource(stack, id)?;
        let arn = |service: &str, resource: String| Ok(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"));
        match (kind, attribute) {
            ("AWS::S3::Bucket", "Arn") => Ok(format!("arn:aws:s3:::{}", self.reference(stack, id)?)),
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", format!("table/{}", self.reference(stack, id)?)),
            ("AWS::DynamoDB::Table", "StreamArn") => {
                // Its last part is a time, whose colons parliament takes for parts of the ARN.
                arn("dynamodb", format!("table/{}/stream/2026-01-01", self.reference(stack, id)?))
            }
            ("AWS::Lambda::Function", "Arn") => arn("lambda", format!("function:{}", self.reference(stack, id)?)),
            // CloudFormation's ARN of a log group ends in this.
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", format!("log-group:{}:*", self.reference(stack, id)?)),
            ("AWS::IAM::Role", "Arn") => Ok(format!("arn:aws:iam::{ACCOUNT}:role/{}", self.reference(stack, id)?)),
            ("AWS::Rekognition::Collection", "Arn") => {
                arn("rekognition", format!("collection/{}", self.reference(stack, id)?))
            }
            ("AWS::KMS::Key", "Arn") => arn("kms", format!("key/{}", self.reference(stack, id)?)),
            ("AWS::KMS::Key", "KeyId") => self.reference(stack, id),
            ("AWS::SQS::Queue", "Arn") => arn("sqs", self.name(stack, id, "QueueName")?),
            ("AWS::SQS::Queue", "QueueName") => self.name(stack, id, "QueueName"),
            ("AWS::SNS::Topic", "Arn" | "TopicArn") => arn("sns", self.name(stack, id, "TopicName")?),
            ("AWS::SNS::Topic", "TopicName") => self.name(stack, id, "TopicName"),
            ("AWS::StepFunctions::StateMachine", "Arn") => {
                arn("states", format!("stateMachine:{}", self.name(stack, id, "StateMachineName")?))
            }
            ("AWS::StepFunctions::StateMachine", "Name") => self.name(stack, id, "StateMachineName"),
            // Secrets Manager appends six characters to the name.
            ("AWS::SecretsManager::Secret", "Arn" | "Id") => {
                arn("secretsmanager", format!("secret:{}-AbCdEf", self.name(stack, id, "Name")?))
            }
            ("AWS::BedrockAgentCore::Harness", "Arn") => {
                arn("bedrock-agentcore", format!("harness/{}-AbCdEf1234", self.name(stack, id, "HarnessName")?))
            }
            ("AWS::CloudFront::Distribution", "Id") => Ok("E1ABCDEFGHIJKL".to_owned()),
            ("AWS::Events::Rule", "Arn") => arn("events", format!("rule/{}", self.name(stack, id, "Name")?)),
            _ => bail!("{attribute} of a {kind} is not supported: add it to xtask/src/lint"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates() -> Templates {
        let data = json!({
            "Resources": {
                "Evidence1": {"Type": "AWS::S3::Bucket", "Properties": {
                    "BucketName": {"Fn::Join": ["-", ["bonafide", {"Ref": "AWS::Region"}]]},
                }, "Metadata": {"aws:cdk:path": "Bonafide-a-b-Data/Evidence/Resource"}},
            },
            "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Evidence1", "Arn"]}, "Export": {"Name": "the-bucket"}}},
        });
        let workflow = json!({"Resources": {
            "Reader2": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [
                {"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:aws:s3:::${AWS::AccountId}/${Queue3.Arn}"}},
                {"Action": "s3:ListBucket", "Resource": {"Fn::ImportValue": "the-bucket"}},
            ]}}]}, "Metadata": {"aws:cdk:path": "Bonafide-a-b-Workflow/Reader/Role/Resource"}},
            "Queue3": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}},
            "Zey5": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [
                {"Action": "kms:Decrypt", "Resource": "*"}, {"Action": "kms:Encrypt", "Resource": ["*"]},
            ]}}},
            "Machine4": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {
                "DefinitionString": "{\"StartAt\":\"${First}\"}",
                "DefinitionSubstitutions": {"First": {"Ref": "Queue3"}},
            }},
        }});
        let stacks = [("Bonafide-a-b-Data", data), ("Bonafide-a-b-Workflow", workflow)];
        Templates { stacks: stacks.into_iter().map(|(name, template)| (name.to_owned(), template)).collect() }
    }

    #[test]
    fn gives_policies_as_they_are_deployed() {
        let policies = templates().policies().expect("policies");
        assert_eq!(policies.len(), 2);
        assert_eq!(policies[0].place, "Workflow/Reader/Role");
        let statements = &policies[0].document["Statement"];
        assert_eq!(statements[0]["Resource"], "arn:aws:s3:::111122223333/arn:aws:sqs:us-east-1:111122223333:work");
        assert_eq!(statements[1]["Resource"], "arn:aws:s3:::bonafide-us-east-1", "from the other stack");
        let key = &policies[1].document["Statement"][0]["Resource"];
        assert!(
            key.as_str().is_some_and(|key| key.starts_with("arn:aws:kms:")),
            "in a key's policy * is the key: {key}"
        );
    }

    #[test]
    fn gives_definitions_with_their_substitutions() {
        let definitions = templates().definitions().expect("definitions");
        assert_eq!(definitions.len(), 1);
        assert_eq!(definitions[0].text, r#"{"StartAt":"https://sqs.us-east-1.amazonaws.com/111122223333/work"}"#);
        // No construct path: the logical id will do.
        assert_eq!(definitions[0].place, "Workflow/Machine4");
    }

    #[test]
    fn names_a_non_resource_by_its_section() {
        let place = templates().place("Bonafide-a-b-Workflow", &["Parameters", "ThirdPartyUrl", "Default"]);
        assert_eq!(place, "Workflow/Parameters/ThirdPartyUrl");
    }

    #[test]
    fn refuses_unknown_references() {
        let templates = templates();
        let refused = |value: Value| templates.resolve("Bonafide-a-b-Workflow", &value).is_err();
        assert!(refused(json!({"Fn::GetAZs": ""})));
        assert!(refused(json!({"Ref": "Unknown"})));
        assert!(refused(json!({"Fn::GetAtt": ["Queue3", "Colour"]})));
        assert!(refused(json!({"Fn::ImportValue": "not-exported"})));
    }
}
