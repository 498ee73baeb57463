//! What would be deployed: the cloud assembly that `cdk synth` writes, which has the templates, the bundles and the roles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;

/// Where it would be deployed. Templates name these by pseudo parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// Twelve digits.
    pub id: String,
    /// Such as `eu-north-1`.
    pub region: String,
}

impl Account {
    /// A text with its pseudo parameters in the form of `Fn::Sub` filled in; `None` if it has other parameters.
    fn filled(&self, text: &str) -> Option<String> {
        let text = text
            .replace("${AWS::AccountId}", &self.id)
            .replace("${AWS::Region}", &self.region)
            .replace("${AWS::Partition}", &self.partition);
        (!text.contains("${")).then_some(text)
    }

    /// A text of a template; `None` if it is known only after the deployment.
    #[must_use]
    pub fn text(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_str() {
            return Some(text.to_owned());
        }
        let (function, argument) = value.as_object().filter(|object| object.len() == 1)?.iter().next()?;
        match function.as_str() {
            "Ref" => self.filled(&format!("${{{}}}", argument.as_str()?)),
            "Fn::Sub" => self.filled(argument.as_str()?),
            "Fn::Join" => {
                let parts = argument[1].as_array()?.iter().map(|part| self.text(part));
                Some(parts.collect::<Option<Vec<_>>>()?.join(argument[0].as_str()?))
            }
            _ => None,
        }
    }
}

/// A stack with its template.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// The whole template.
    pub template: Value,
}

/// A resource of a template.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Its logical id.
    pub id: &'a str,
    /// Such as `AWS::S3::Bucket`.
    pub kind: &'a str,
    /// Its properties.
    pub properties: &'a Value,
}

/// A function that is fed by a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueWorker {
    /// The function's name.
    pub function: String,
    /// Messages that are processed at once.
    pub concurrency: u32,
    /// Messages in a second, if the worker limits its rate.
    pub rate: Option<f64>,
    /// The actions of its role.
    pub actions: BTreeSet<String>,
}

/// The code of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The function's name.
    pub function: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The binary.
    pub binary: PathBuf,
}

/// What the stacks need of the account's bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The parameter of Systems Manager with its version.
    pub parameter: String,
    /// The least version.
    pub version: u64,
}

/// What the worker may do that starts the execution of an upload.
const START_EXECUTION: &str = "states:StartExecution";

/// A cloud assembly.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    stacks: Vec<Stack>,
    /// The files of bundles by the key under which they are uploaded.
    files: BTreeMap<String, PathBuf>,
    /// The buckets to which they are uploaded, with pseudo parameters.
    buckets: BTreeSet<String>,
    /// The roles that the deployment assumes, with pseudo parameters.
    roles: BTreeSet<String>,
    /// The role with which `CloudFormation` acts, with pseudo parameters.
    execution_roles: BTreeSet<String>,
    bootstrap: Option<Bootstrap>,
}

impl Assembly {
    /// Reads the folder that `cdk synth` has written.
    ///
    /// # Errors
    /// When there is no assembly, or it is not readable.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let manifest = json(&folder.join("manifest.json"))?;
        let mut assembly = Self::default();
        for (id, artifact) in manifest["artifacts"].as_object().into_iter().flatten() {
            let properties = &artifact["properties"];
            match artifact["type"].as_str() {
                Some("aws:cloudformation:stack") => assembly.add_stack(folder, id, properties)?,
                Some("cdk:asset-manifest") => assembly.add_assets(folder, properties)?,
                _ => continue,
            }
            let (parameter, version) =
                (&properties["bootstrapStackVersionSsmParameter"], &properties["requiresBootstrapStackVersion"]);
            if let (Some(parameter), Some(version)) = (parameter.as_str(), version.as_u64()) {
                let least = assembly.bootstrap.as_ref().map_or(version, |bootstrap| bootstrap.version.max(version));
                assembly.bootstrap = Some(Bootstrap { parameter: parameter.to_owned(), version: least });
            }
        }
        if assembly.stacks.is_empty() {
            return Err(Error::Usage(format!("{} has no stacks: {SYNTHESISE}", folder.display())));
        }
        Ok(assembly)
    }

    fn add_stack(&mut self, folder: &Path, id: &str, properties: &Value) -> Result<(), Error> {
        let template = json(&folder.join(properties["templateFile"].as_str().unwrap_or_default()))?;
        let name = properties["stackName"].as_str().unwrap_or(id).to_owned();
        self.stacks.push(Stack { name, template });
        self.roles.extend(properties["assumeRoleArn"].as_str().map(str::to_owned));
        self.execution_roles.extend(properties["cloudFormationExecutionRoleArn"].as_str().map(str::to_owned));
        Ok(())
    }

    fn add_assets(&mut self, folder: &Path, properties: &Value) -> Result<(), Error> {
        let assets = json(&folder.join(properties["file"].as_str().unwrap_or_default()))?;
        for asset in assets["files"].as_object().into_iter().flat_map(|files| files.values()) {
            let source = folder.join(asset["source"]["path"].as_str().unwrap_or_default());
            for destination in asset["destinations"].as_object().into_iter().flat_map(|places| places.values()) {
                self.buckets.extend(destination["bucketName"].as_str().map(str::to_owned));
                self.roles.extend(destination["assumeRoleArn"].as_str().map(str::to_owned));
                let key = destination["objectKey"].as_str().filter(|_| asset["source"]["packaging"] == "zip");
                self.files.extend(key.map(|key| (key.to_owned(), source.clone())));
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn of(stacks: &[(&str, Value)]) -> Self {
        let stacks =
            stacks.iter().map(|(name, template)| Stack { name: (*name).to_owned(), template: template.clone() });
        Self { stacks: stacks.collect(), ..Self::default() }
    }

    /// The stacks, in the order of the manifest.
    #[must_use]
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// The least bootstrap, if the stacks need one.
    #[must_use]
    pub fn bootstrap(&self) -> Option<&Bootstrap> {
        self.bootstrap.as_ref()
    }

    /// The roles that the deployment assumes.
    #[must_use]
    pub fn roles(&self, account: &Account) -> BTreeSet<String> {
        self.roles.iter().filter_map(|role| account.filled(role)).collect()
    }

    /// The roles with which `CloudFormation` acts.
    #[must_use]
    pub fn execution_roles(&self, account: &Account) -> BTreeSet<String> {
        self.execution_roles.iter().filter_map(|role| account.filled(role)).collect()
    }

    /// The buckets of the bootstrap.
    #[must_use]
    pub fn asset_buckets(&self, account: &Account) -> BTreeSet<String> {
        self.buckets.iter().filter_map(|bucket| account.filled(bucket)).collect()
    }

    /// All resources of all stacks.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.stacks.iter().flat_map(|stack| {
            let resources = stack.template["Resources"].as_object().into_iter().flatten();
            resources.filter_map(|(id, resource)| {
                let kind = resource["Type"].as_str()?;
                Some(Resource { stack: &stack.name, id, kind, properties: &resource["Properties"] })
            })
        })
    }

    /// The resources of one type.
    pub fn of_type(&self, kind: &'static str) -> impl Iterator<Item = Resource<'_>> {
        self.resources().filter(move |resource| resource.kind == kind)
    }

    /// The types of all resources.
    #[must_use]
    pub fn types(&self) -> BTreeSet<String> {
        self.resources().map(|resource| resource.kind.to_owned()).collect()
    }

    fn find(&self, stack: &str, id: &str) -> Option<Resource<'_>> {
        self.resources().find(|resource| resource.stack == stack && resource.id == id)
    }

    /// The actions that the roles of all workers and machines may call: the operations that the deployment uses.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<String> {
        self.of_type("AWS::IAM::Role").flat_map(|role| actions(role.properties)).collect()
    }

    /// The name of a function and the actions of its role.
    fn function<'a>(&self, function: Resource<'a>) -> (&'a str, BTreeSet<String>) {
        let role = function.properties["Role"]["Fn::GetAtt"][0].as_str();
        let role = role.and_then(|id| self.find(function.stack, id));
        let name = function.properties["FunctionName"].as_str().unwrap_or(function.id);
        (name, role.map(|role| actions(role.properties)).unwrap_or_default())
    }

    /// Each function that a queue feeds, with the number of messages at once.
    fn fed_by_queues(&self) -> impl Iterator<Item = (Resource<'_>, u32)> {
        self.of_type("AWS::Lambda::EventSourceMapping").filter_map(|mapping| {
            let concurrency = mapping.properties["ScalingConfig"]["MaximumConcurrency"].as_u64()?;
            let function = self.find(mapping.stack, mapping.properties["FunctionName"]["Ref"].as_str()?)?;
            Some((function, u32::try_from(concurrency).ok()?))
        })
    }

    /// The functions that queues feed.
    #[must_use]
    pub fn queue_workers(&self) -> Vec<QueueWorker> {
        let workers = self.fed_by_queues().map(|(function, concurrency)| {
            let interval = &function.properties["Environment"]["Variables"]["CALL_INTERVAL_MILLISECONDS"];
            let interval = interval.as_str().and_then(|interval| interval.parse::<f64>().ok());
            let (name, actions) = self.function(function);
            // Each of them waits this long between two calls.
            let rate = interval.filter(|interval| *interval > 0.0);
            let rate = rate.map(|interval| f64::from(concurrency) * 1000.0 / interval);
            QueueWorker { function: name.to_owned(), concurrency, rate, actions }
        });
        workers.collect()
    }

    /// Uploads that are started in a second, if that is limited.
    #[must_use]
    pub fn upload_rate(&self) -> Option<f64> {
        self.queue_workers().into_iter().find(|worker| worker.actions.contains(START_EXECUTION))?.rate
    }

    /// Functions with concurrency that is reserved for them.
    #[must_use]
    pub fn reserved_concurrency(&self) -> u64 {
        let reserved = self
            .of_type("AWS::Lambda::Function")
            .map(|function| function.properties["ReservedConcurrentExecutions"].as_u64().unwrap_or_default());
        reserved.sum()
    }

    /// The regions in which workers call Textract.
    #[must_use]
    pub fn textract_regions(&self, account: &Account) -> BTreeSet<String> {
        let regions = self
            .of_type("AWS::Lambda::Function")
            .filter_map(|function| account.text(&function.properties["Environment"]["Variables"]["TEXTRACT_REGION"]));
        regions.collect()
    }

    /// Requests in a second that each API with a limit accepts, by the API's name, with the actions of the workers in its stack
    /// that no schedule runs.
    #[must_use]
    pub fn api_rates<'a>(&'a self) -> Vec<(String, f64, BTreeSet<String>)> {
        let targets = |rule: Resource<'a>| {
            let targets = rule.properties["Targets"].as_array().into_iter().flatten();
            targets.filter_map(move |target| Some((rule.stack, target["Arn"]["Fn::GetAtt"][0].as_str()?)))
        };
        let scheduled: BTreeSet<_> = self.of_type("AWS::Events::Rule").flat_map(targets).collect();
        let rates = self.of_type("AWS::ApiGateway::Stage").filter_map(|stage| {
            let rate = stage.properties["MethodSettings"][0]["ThrottlingRateLimit"].as_f64()?;
            let api = self.find(stage.stack, stage.properties["RestApiId"]["Ref"].as_str()?)?;
            let name = api.properties["Name"].as_str().unwrap_or(api.id).to_owned();
            let functions = self.of_type("AWS::Lambda::Function").filter(|function| function.stack == stage.stack);
            let functions = functions.filter(|function| !scheduled.contains(&(function.stack, function.id)));
            Some((name, rate, functions.flat_map(|function| self.function(function).1).collect()))
        });
        rates.collect()
    }

    /// Whether an API writes an access log, for which API Gateway needs a role.
    #[must_use]
    pub fn has_access_logs(&self) -> bool {
        self.of_type("AWS::ApiGateway::Stage").any(|stage| {
            stage.properties["AccessLogSetting"].is_object()
                || stage.properties["MethodSettings"][0]["LoggingLevel"].as_str().is_some_and(|level| level != "OFF")
        })
    }

    /// The state machines that an upload may run: the one that the starter of uploads names, and all that those start.
    #[must_use]
    pub fn machines_of_uploads(&self) -> Vec<Resource<'_>> {
        let machine = |stack: &str, value: &Value| {
            let machine = self.find(stack, value["Ref"].as_str()?)?;
            (machine.kind == "AWS::StepFunctions::StateMachine").then_some(machine)
        };
        let refs = |resource: Resource<'_>, values: &Value| -> Vec<Resource<'_>> {
            let values = values.as_object().into_iter().flat_map(|values| values.values());
            values.filter_map(|value| machine(resource.stack, value)).collect()
        };
        let starters =
            self.fed_by_queues().filter(|(function, _)| self.function(*function).1.contains(START_EXECUTION));
        let mut found: Vec<Resource<'_>> = starters
            .flat_map(|(function, _)| refs(function, &function.properties["Environment"]["Variables"]))
            .collect();
        let mut next = 0;
        while let Some(machine) = found.get(next).copied() {
            for child in refs(machine, &machine.properties["DefinitionSubstitutions"]) {
                if !found.iter().any(|known| (known.stack, known.id) == (child.stack, child.id)) {
                    found.push(child);
                }
            }
            next += 1;
        }
        found
    }

    /// The actions of the roles of these machines.
    #[must_use]
    pub fn actions_of(&self, machines: &[Resource<'_>]) -> BTreeSet<String> {
        let roles = machines
            .iter()
            .filter_map(|machine| self.find(machine.stack, machine.properties["RoleArn"]["Fn::GetAtt"][0].as_str()?));
        roles.flat_map(|role| actions(role.properties)).collect()
    }

    /// The bundles of the functions. A function whose file is not in the assembly has an empty path.
    #[must_use]
    pub fn bundles(&self) -> Vec<Bundle> {
        let bundles = self.of_type("AWS::Lambda::Function").map(|function| {
            let folder = function.properties["Code"]["S3Key"].as_str().and_then(|key| self.files.get(key));
            Bundle {
                function: self.function(function).0.to_owned(),
                architecture: function.properties["Architectures"][0].as_str().unwrap_or("x86_64").to_owned(),
                binary: folder.map(|folder| folder.join("bootstrap")).unwrap_or_default(),
            }
        });
        bundles.collect()
    }
}

/// The actions that the policies of a role allow.
fn actions(role: &Value) -> BTreeSet<String> {
    let policies = role["Policies"].as_array().into_iter().flatten();
    let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten());
    let allowed = statements.filter(|statement| statement["Effect"] == "Allow");
    let actions = allowed.flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(action) => vec![action.clone()],
        _ => Vec::new(),
    });
    actions.collect()
}

const SYNTHESISE: &str = "write it with `npx cdk synth --quiet` in cdk/, with the settings of the deployment";

fn json(path: &Path) -> Result<Value, Error> {
    let text = fs::read(path).map_err(|source| {
        Error::Usage(format!(
            "{} cannot be read ({source}): {SYNTHESISE}, or name its folder with `--app`",
            path.display()
        ))
    })?;
    serde_json::from_slice(&text).map_err(|_| Error::Usage(format!("{} is damaged: {SYNTHESISE}", path.display())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn account() -> Account {
        Account { partition: "aws".to_owned(), id: "123456789012".to_owned(), region: "eu-north-1".to_owned() }
    }

    #[test]
    fn knows_names_before_the_deployment() {
        let join = json!({"Fn::Join": ["-", ["bonafide", {"Ref": "AWS::AccountId"}, {"Ref": "AWS::Region"}]]});
        assert_eq!(account().text(&join).as_deref(), Some("bonafide-123456789012-eu-north-1"));
        let sub = json!({"Fn::Sub": "arn:${AWS::Partition}:x"});
        assert_eq!(account().text(&sub).as_deref(), Some("arn:aws:x"));
        for unknown in [json!({"Ref": "Table"}), json!({"Fn::GetAtt": ["Role", "Arn"]}), json!(3), json!(null)] {
            assert_eq!(account().text(&unknown), None, "{unknown}");
        }
    }

    fn workflow() -> Assembly {
        let policy = |actions: Value| {
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": ["*"]});
            json!({"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}})
        };
        Assembly::of(&[(
            "Bonafide-test-Workflow",
            json!({"Resources": {
                "Extract": {"Type": "AWS::Lambda::Function", "Properties": {
                    "FunctionName": "bonafide-test-extract-document", "Role": {"Fn::GetAtt": ["ExtractRole", "Arn"]},
                    "Environment": {"Variables": {"CALL_INTERVAL_MILLISECONDS": "3000", "TEXTRACT_REGION": {"Ref": "AWS::Region"}}},
                }},
                "ExtractRole": policy(json!(["textract:AnalyzeID"])),
                "OtherRole": policy(json!("rekognition:DetectFaces")),
                "Messages": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
                    "FunctionName": {"Ref": "Extract"}, "ScalingConfig": {"MaximumConcurrency": 15},
                }},
                "Changes": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "Extract"}}},
            }}),
        )])
    }

    #[test]
    fn reads_concurrency_rate_and_actions_of_workers_of_queues() {
        let worker = QueueWorker {
            function: "bonafide-test-extract-document".to_owned(),
            concurrency: 15,
            rate: Some(5.0),
            actions: BTreeSet::from(["textract:AnalyzeID".to_owned()]),
        };
        assert_eq!(workflow().queue_workers(), [worker]);
        assert_eq!(workflow().textract_regions(&account()), BTreeSet::from(["eu-north-1".to_owned()]));
        let actions: Vec<_> = workflow().actions().into_iter().collect();
        assert_eq!(actions, ["rekognition:DetectFaces", "textract:AnalyzeID"]);
    }

    #[test]
    fn reads_what_the_cdk_writes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: Value| fs::write(folder.path().join(name), value.to_string()).unwrap();
        let (arn, bucket) = ("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/", "assets-${AWS::Region}");
        write(
            "manifest.json",
            json!({"artifacts": {
                "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
                "A.assets": {"type": "cdk:asset-manifest", "properties": {
                    "file": "a.assets.json", "requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk/version",
                }},
                "A": {"type": "aws:cloudformation:stack", "properties": {
                    "templateFile": "a.template.json", "assumeRoleArn": format!("{arn}deploy"),
                    "cloudFormationExecutionRoleArn": format!("{arn}execute"),
                    "requiresBootstrapStackVersion": 8, "bootstrapStackVersionSsmParameter": "/cdk/version",
                }},
            }}),
        );
        let destination = |key: &str| json!({"here": {"bucketName": bucket, "objectKey": key, "assumeRoleArn": format!("{arn}publish")}});
        write(
            "a.assets.json",
            json!({"files": {
                "1": {"source": {"path": "asset.1", "packaging": "zip"}, "destinations": destination("1.zip")},
                "2": {"source": {"path": "a.template.json", "packaging": "file"}, "destinations": destination("2.json")},
            }}),
        );
        write(
            "a.template.json",
            json!({"Resources": {
                "F": {"Type": "AWS::Lambda::Function", "Properties": {"Architectures": ["arm64"], "Code": {"S3Key": "1.zip"}}},
            }}),
        );

        let assembly = Assembly::read(folder.path()).unwrap();

        assert_eq!(assembly.stacks()[0].name, "A");
        assert_eq!(assembly.bootstrap(), Some(&Bootstrap { parameter: "/cdk/version".to_owned(), version: 8 }));
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
        assert_eq!(assembly.roles(&account()), BTreeSet::from([role("deploy"), role("publish")]));
        assert_eq!(assembly.execution_roles(&account()), BTreeSet::from([role("execute")]));
        assert_eq!(assembly.asset_buckets(&account()), BTreeSet::from(["assets-eu-north-1".to_owned()]));
        let binary = folder.path().join("asset.1/bootstrap");
        assert_eq!(assembly.bundles(), [Bundle { function: "F".to_owned(), architecture: "arm64".to_owned(), binary }]);
    }

    #[test]
    fn says_how_to_write_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = Assembly::read(folder.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("`npx cdk synth --quiet`"), "{error}");
        fs::write(folder.path().join("manifest.json"), "{}").unwrap();
        assert!(Assembly::read(folder.path()).unwrap_err().to_string().contains("has no stacks"));
    }
}
