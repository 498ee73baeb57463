//! The checks: facts in, findings out. Nothing here calls AWS.

use std::collections::{BTreeMap, BTreeSet};

use bonafide_bundle::{Glibc, Needs};
use serde_json::Value;

use super::assembly::{Account, Assembly, Bootstrap, Bundle, QueueWorker};
use super::finding::{Answer, Finding, Severity};

/// A stack of the deployment that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingStack {
    /// Its name.
    pub name: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// Stacks that an earlier deployment or removal has left in a state from which the next one cannot start.
#[must_use]
pub fn stack_states(stacks: &[ExistingStack], account: &Account) -> Vec<Finding> {
    let found = stacks.iter().filter_map(|ExistingStack { name, status }| {
        let command = |verb: &str| format!("aws cloudformation {verb} --stack-name {name} --region {}", account.region);
        let remedy = match status.as_str() {
            "UPDATE_ROLLBACK_FAILED" => command("continue-update-rollback"),
            status if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" => {
                format!("Wait until `{}` shows another state", command("describe-stacks"))
            }
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" | "REVIEW_IN_PROGRESS" => {
                // `Data` is protected outside of `dev`.
                format!(
                    "{} --no-enable-termination-protection\n{}",
                    command("update-termination-protection"),
                    command("delete-stack")
                )
            }
            _ => return None,
        };
        let message = format!("The stack {name} is in the state {status}, from which it cannot be deployed.");
        Some(Finding::new("STACK_STATE", Severity::Blocks, message, remedy))
    });
    found.collect()
}

/// The account's bootstrap. `found` is its version.
#[must_use]
pub fn bootstrap(needed: &Bootstrap, found: Option<u64>, account: &Account) -> Option<Finding> {
    let remedy = format!("cd cdk && npx cdk bootstrap aws://{}/{}", account.id, account.region);
    let Bootstrap { parameter, version } = needed;
    match found {
        None => {
            let message = format!("The account is not bootstrapped in this region: there is no parameter {parameter}.");
            Some(Finding::new("BOOTSTRAP_MISSING", Severity::Blocks, message, remedy))
        }
        Some(found) if found < *version => {
            let message = format!("The bootstrap has version {found}, and the stacks need version {version}.");
            Some(Finding::new("BOOTSTRAP_OLD", Severity::Blocks, message, remedy))
        }
        Some(_) => None,
    }
}

/// To whom the name of a bucket belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// It is free.
    Free,
    /// A bucket that the caller may see.
    Own,
    /// A bucket of another account, or one that the caller may not see.
    Other,
}

/// The bucket of the bootstrap, to which the bundles are uploaded.
#[must_use]
pub fn asset_bucket(name: &str, owner: Owner, account: &Account) -> Option<Finding> {
    let message = format!("The bucket {name} of the bootstrap is gone, although its version is recorded.");
    let Account { id, region, .. } = account;
    let remedy = format!(
        "aws cloudformation delete-stack --stack-name CDKToolkit --region {region}\ncd cdk && npx cdk bootstrap aws://{id}/{region}"
    );
    (owner == Owner::Free).then(|| Finding::new("BOOTSTRAP_BUCKET_MISSING", Severity::Blocks, message, remedy))
}

/// What `CloudFormation` knows about a type of resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// The properties that identify a resource, such as `LogGroupName`.
    pub identifier: Vec<String>,
    /// The permissions with which one is created.
    pub create: BTreeSet<String>,
}

impl Schema {
    /// Reads the schema of a type in the registry.
    #[must_use]
    pub fn read(schema: &Value) -> Self {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let identifier = texts(&schema["primaryIdentifier"]).into_iter();
        Self {
            identifier: identifier.map(|pointer| pointer.trim_start_matches("/properties/").to_owned()).collect(),
            create: texts(&schema["handlers"]["create"]["permissions"]).into_iter().collect(),
        }
    }
}

/// Types of resources that the region does not offer (`None`).
#[must_use]
pub fn types_offered(types: &BTreeMap<String, Option<Schema>>, account: &Account) -> Option<Finding> {
    let missing: Vec<_> = types.iter().filter(|(_, schema)| schema.is_none()).map(|(kind, _)| kind.as_str()).collect();
    let message =
        format!("CloudFormation does not offer these resources in {}: {}.", account.region, missing.join(", "));
    let remedy =
        "Deploy to another region (`--region`), or leave out the setting that adds them (docs/DEPLOY.md, Settings)";
    (!missing.is_empty()).then(|| Finding::new("NOT_OFFERED", Severity::Blocks, message, remedy))
}

/// Whether Textract answers to `AnalyzeID` in a region in which it is called.
#[must_use]
pub fn analyze_id_offered(region: &str, is_offered: bool) -> Option<Finding> {
    let message = format!("Textract's AnalyzeID is not offered in {region}, so no document can be read.");
    let remedy = "Add `-c textractRegion=eu-west-1`, or another region that has it, to the settings. \
                  The documents leave the region of the stacks then; ask your data protection officer";
    (!is_offered).then(|| Finding::new("ANALYZE_ID_NOT_OFFERED", Severity::Blocks, message, remedy))
}

/// Whether Bedrock offers the inference profile of the model that talks to people.
#[must_use]
pub fn model_offered(profile: &str, is_offered: bool, account: &Account) -> Option<Finding> {
    let region = &account.region;
    let message =
        format!("Bedrock offers no inference profile {profile} in {region}, so the harness cannot answer people.");
    let remedy = format!(
        "`aws bedrock list-inference-profiles --region {region}` lists those that it offers: set `-c conversationModel=<id>`"
    );
    (!is_offered).then(|| Finding::new("MODEL_NOT_OFFERED", Severity::Blocks, message, remedy))
}

/// Services that are closed to accounts that did not use them before.
#[must_use]
pub fn closed_services(assembly: &Assembly) -> Option<Finding> {
    let message = "Amazon Bedrock Agents takes no new customers since 2026-07-30. In an account that has not used it before, the \
                   creation of the agent fails, and with it the stack of conversations.";
    let remedy = "Unless the account has had an agent before that day, leave out the setting `agentModel` and use a gateway in its place: \
                  `-c conversationIssuer=<address> -c conversationClients=<ids>` (docs/DEPLOY.md, Conversations)";
    let is_used = assembly.of_type("AWS::Bedrock::Agent").next().is_some();
    is_used.then(|| Finding::new("BEDROCK_AGENTS_CLOSED", Severity::Risks, message.to_owned(), remedy))
}

/// The concurrent executions that Lambda allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// In the account and region.
    pub limit: u64,
    /// Not reserved for single functions.
    pub unreserved: u64,
}

/// Lambda keeps as many for functions without a reservation.
const LEAST_UNRESERVED: u64 = 100;

/// The quota of a new account, and the lowest that the setting `lambdaConcurrency` takes.
const NEW_ACCOUNT: u64 = 10;

/// What all queues and reservations ask of Lambda, against its limit.
#[must_use]
pub fn lambda_concurrency(
    workers: &[QueueWorker],
    reserved: u64,
    Concurrency { limit, unreserved }: Concurrency,
    account: &Account,
) -> Vec<Finding> {
    let increase = |to: u64| {
        format!(
            "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 \
             --desired-value {to} --region {}",
            account.region
        )
    };
    let mut found = Vec::new();
    if reserved > 0 && reserved + LEAST_UNRESERVED > limit {
        let message = format!(
            "The functions reserve {reserved} concurrent executions, and Lambda keeps {LEAST_UNRESERVED} \
             unreserved, of {limit} in the account."
        );
        let to = (reserved + LEAST_UNRESERVED).max(1000);
        found.push(Finding::new("LAMBDA_RESERVATION", Severity::Blocks, message, increase(to)));
    }
    let asked: u64 = workers.iter().map(|worker| u64::from(worker.concurrency)).sum();
    if asked > unreserved {
        let list = workers.iter().map(|worker| format!("{} {}", worker.function, worker.concurrency));
        let message = format!(
            "Queues may run {asked} functions at once ({}), and the account may run {unreserved} in this region, those of state machines \
             and APIs included. A message whose invocation Lambda refuses five times becomes a dead letter.",
            list.collect::<Vec<_>>().join(", ")
        );
        let remedy = format!(
            "Add `-c lambdaConcurrency={}` to the settings, with which fewer applications are judged at once, or request a higher quota:\n{}",
            unreserved.max(NEW_ACCOUNT),
            increase((2 * asked).max(1000))
        );
        found.push(Finding::new("LAMBDA_CONCURRENCY", Severity::Risks, message, remedy));
    }
    found
}

/// A quota of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Such as `L-B99A9384`.
    pub code: String,
    /// Such as `Concurrent executions`.
    pub name: String,
    /// The applied value, or else AWS's default.
    pub value: f64,
}

/// What the deployment may ask of a service in a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The service's code in Service Quotas.
    pub service: &'static str,
    /// Words in the name of the quota.
    pub words: Vec<String>,
    /// At most.
    pub per_second: f64,
    /// The cause, as the beginning of a sentence.
    pub because: String,
    /// The setting that lowers it.
    pub setting: String,
}

/// The loads of a deployment, by its settings.
#[must_use]
pub fn loads(assembly: &Assembly) -> Vec<Load> {
    let mut loads = Vec::new();
    for worker in assembly.queue_workers() {
        if let Some(rate) = worker.rate.filter(|_| worker.actions.contains("textract:AnalyzeID")) {
            loads.push(Load {
                service: "textract",
                words: vec!["AnalyzeID".to_owned()],
                per_second: rate,
                because: format!("{} calls AnalyzeID {rate} times in a second", worker.function),
                setting: "extractionRate".to_owned(),
            });
        }
    }
    let picture_operations = |actions: &BTreeSet<String>| -> Vec<String> {
        let operations = actions.iter().filter_map(|action| action.strip_prefix("rekognition:"));
        // A face is deleted only where it was indexed.
        operations.filter(|operation| *operation != "DeleteFaces").map(str::to_owned).collect()
    };
    for (api, rate, actions) in assembly.api_rates() {
        loads.extend(picture_operations(&actions).into_iter().map(|operation| Load {
            service: "rekognition",
            because: format!(
                "The API {api} accepts {rate} requests in a second for each route, and calls {operation} for them"
            ),
            words: vec![operation],
            per_second: rate,
            setting: "faceApiRate".to_owned(),
        }));
    }
    if let Some(rate) = assembly.upload_rate() {
        let machines = assembly.machines_of_uploads();
        loads.extend(picture_operations(&assembly.actions_of(&machines)).into_iter().map(|operation| Load {
            service: "rekognition",
            because: format!("{rate} uploads are started in a second, and {operation} is called for each"),
            words: vec![operation],
            per_second: rate,
            setting: "startRate".to_owned(),
        }));
        let states: usize = machines.iter().map(|machine| states(machine.properties)).sum();
        #[expect(clippy::cast_precision_loss, reason = "some hundred states")]
        let counts =
            [("StartExecution", machines.len() as f64, "executions"), ("StateTransition", states as f64, "states")];
        loads.extend(counts.into_iter().filter(|(_, count, _)| *count > 0.0).map(|(word, count, what)| Load {
            service: "states",
            words: vec![word.to_owned(), "refill".to_owned()],
            per_second: rate * count,
            because: format!("{rate} uploads are started in a second, each with up to {count} {what}"),
            setting: "startRate".to_owned(),
        }));
    }
    loads
}

/// The number of states in the definition of a machine.
fn states(machine: &Value) -> usize {
    let definition: Option<Value> =
        machine["DefinitionString"].as_str().and_then(|text| serde_json::from_str(text).ok());
    definition.and_then(|definition| Some(definition["States"].as_object()?.len())).unwrap_or_default()
}

/// Loads above the quotas of their service.
#[must_use]
pub fn quotas(loads: &[&Load], quotas: &[Quota], region: &str) -> Vec<Finding> {
    let has = |name: &str, word: &str| name.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word);
    let found = loads.iter().filter_map(|load| {
        let named = quotas.iter().filter(|quota| load.words.iter().all(|word| has(&quota.name, word)));
        let Some(quota) = named.min_by(|one, other| one.value.total_cmp(&other.value)) else {
            let service = load.service;
            let message = format!(
                "{}. Service Quotas lists no quota of {service} with {} in its name in {region}: not checked.",
                load.because,
                load.words.join(" and ")
            );
            let remedy = format!("aws service-quotas list-aws-default-service-quotas --service-code {service} --region {region}");
            return Some(Finding::new("QUOTA_UNKNOWN", Severity::NotChecked, message, remedy));
        };
        let Quota { code, name, value } = quota;
        let message = format!("{}, and the quota is {value} in {region} (\"{name}\").", load.because);
        let increase = format!(
            "aws service-quotas request-service-quota-increase --service-code {} --quota-code {code} --desired-value {} --region {region}",
            load.service,
            load.per_second.ceil()
        );
        let remedy = format!("Lower the setting `{}`, or request a higher quota:\n{increase}", load.setting);
        (load.per_second > *value).then(|| Finding::new("QUOTA_BELOW_RATE", Severity::Risks, message, remedy))
    });
    found.collect()
}

/// The role with which API Gateway writes access logs.
#[must_use]
pub fn access_log_role(is_needed: bool, role: Option<&str>, account: &Account) -> Option<Finding> {
    let message =
        "API Gateway has no role for logs in this account and region, so the stages of the APIs cannot be created."
            .to_owned();
    let Account { partition, region, .. } = account;
    let remedy = format!(
        "aws iam create-role --role-name api-gateway-logs --assume-role-policy-document \
         '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\
         \"Principal\":{{\"Service\":\"apigateway.amazonaws.com\"}},\"Action\":\"sts:AssumeRole\"}}]}}'\n\
         aws iam attach-role-policy --role-name api-gateway-logs --policy-arn \
         arn:{partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs\n\
         aws apigateway update-account --region {region} --patch-operations op=replace,path=/cloudwatchRoleArn,value=\
         $(aws iam get-role --role-name api-gateway-logs --query Role.Arn --output text)"
    );
    (is_needed && role.is_none()).then(|| Finding::new("API_GATEWAY_LOG_ROLE", Severity::Blocks, message, remedy))
}

/// Parameters of the templates that have no default.
#[must_use]
pub fn parameters(assembly: &Assembly) -> Vec<Finding> {
    let parameters = assembly.stacks().iter().flat_map(|stack| {
        let parameters = stack.template["Parameters"].as_object().into_iter().flatten();
        parameters.filter(|(_, parameter)| parameter["Default"].is_null()).map(|(name, _)| (&stack.name, name))
    });
    let finding = |(stack, name): (&String, &String)| {
        let message = format!("The first deployment of {stack} needs a value for {name}; later ones keep it.");
        let remedy = format!("npx cdk deploy … --parameters {stack}:{name}=<value>");
        Finding::new("PARAMETER_NEEDED", Severity::Note, message, remedy)
    };
    parameters.map(finding).collect()
}

/// SNS suspends the subscription of an address that gets more messages in a second.
const EMAILS_PER_SECOND: f64 = 10.0;

/// Limits of e-mails and text messages.
#[must_use]
pub fn messages(assembly: &Assembly) -> Vec<Finding> {
    let mut found = Vec::new();
    for pool in assembly.of_type("AWS::Cognito::UserPool") {
        let name = pool.properties["UserPoolName"].as_str().unwrap_or(pool.id);
        if pool.properties["EmailConfiguration"]["EmailSendingAccount"] == "DEVELOPER" {
            let message = format!(
                "The user pool {name} sends through SES, which in its sandbox sends to verified addresses only."
            );
            let remedy =
                "`aws sesv2 get-account` shows `ProductionAccessEnabled`; `aws sesv2 put-account-details` asks for it";
            found.push(Finding::new("SES_SANDBOX", Severity::Note, message, remedy));
        } else {
            let message = format!(
                "The user pool {name} sends invitations with Cognito's own e-mails, of which AWS allows only a limited number in a day."
            );
            let remedy = "Nothing for a few reviewers. For many, invite them over several days: `aws cognito-idp admin-create-user …`";
            found.push(Finding::new("COGNITO_EMAILS", Severity::Note, message, remedy));
        }
        if pool.properties["SmsConfiguration"].is_object() {
            let message = format!(
                "The user pool {name} sends text messages, which SNS sends to verified numbers only in its sandbox."
            );
            let remedy = "aws sns get-sms-sandbox-account-status";
            found.push(Finding::new("SMS_SANDBOX", Severity::Note, message, remedy));
        }
    }
    let emails = assembly.of_type("AWS::SNS::Subscription").filter(|one| one.properties["Protocol"] == "email").count();
    if emails > 0 {
        let message = format!(
            "SNS sends a link to each new address that is subscribed ({emails}), and nothing else before it is opened."
        );
        let remedy = "Open the links; `aws sns list-subscriptions` shows `PendingConfirmation` until then";
        found.push(Finding::new("EMAIL_CONFIRMATION", Severity::Note, message, remedy));
        if let Some(rate) = assembly.upload_rate().filter(|rate| *rate > EMAILS_PER_SECOND) {
            let message = format!(
                "{rate} uploads are started in a second, and SNS suspends the subscription of an address that gets more than \
                 {EMAILS_PER_SECOND} messages in a second."
            );
            let remedy = "Leave out `notificationEmail`, and subscribe a queue to the topic of notifications instead: \
                          `aws sns subscribe --protocol sqs …`";
            found.push(Finding::new("EMAIL_RATE", Severity::Risks, message, remedy));
        }
    }
    found
}

/// The names of buckets that would be created.
#[must_use]
pub fn bucket_names(owners: &BTreeMap<String, Owner>, region: &str) -> Vec<Finding> {
    let of = |owner| owners.iter().filter(move |(_, other)| **other == owner).map(|(name, _)| name.clone());
    let other = of(Owner::Other).map(|name| {
        let message = format!(
            "The name of the bucket {name} belongs to another account, or to a bucket that the caller may not see."
        );
        let remedy = "Choose another `stage` (`-c stage=…`), and synthesise again";
        Finding::new("BUCKET_NAME_TAKEN", Severity::Blocks, message, remedy)
    });
    let own: Vec<_> = of(Owner::Own).collect();
    let own = (!own.is_empty()).then(|| taken("AWS::S3::Bucket", &own, region));
    other.chain(own).collect()
}

/// Names that exist, and of which no stack of the deployment is the owner: an earlier stage has left them behind.
#[must_use]
pub fn taken(kind: &str, names: &[String], region: &str) -> Finding {
    let message = format!(
        "{kind} {}: exists, and belongs to no stack of this deployment; a removed stage, or one that failed, has left it behind.",
        names.join(", ")
    );
    let delete: Vec<_> = names
        .iter()
        .map(|name| {
            format!("aws cloudcontrol delete-resource --type-name {kind} --identifier {name} --region {region}")
        })
        .collect();
    let remedy = format!(
        "To keep its data: `cdk import` (docs/DEPLOY.md, Deploy again over kept data). To delete it for good:\n{}",
        delete.join("\n")
    );
    Finding::new("NAME_TAKEN", Severity::Blocks, message, remedy)
}

/// The organisation's policy about the use of content by AI services.
#[derive(Debug, Clone, PartialEq)]
pub enum OptOut {
    /// What is in force for the account.
    Policy(Value),
    /// No policy is in force.
    NoPolicy,
    /// The account is in no organisation.
    NoOrganization,
}

/// The services of the deployment to which AWS's terms on AI services apply.
#[must_use]
pub fn ai_services(assembly: &Assembly) -> Vec<&'static str> {
    let actions = assembly.actions();
    let is_used = |service: &&str| actions.iter().any(|action| action.split(':').next() == Some(service));
    ["rekognition", "textract"].into_iter().filter(is_used).collect()
}

/// Whether AWS may keep what the deployment sends to AI services.
#[must_use]
pub fn opt_out(used: &[&str], policy: &OptOut) -> Option<Finding> {
    let is_out = |service: &str| match policy {
        OptOut::Policy(policy) => {
            let services = &policy["services"];
            let own = &services[service]["opt_out_policy"];
            let own = if own.is_null() { &services["default"]["opt_out_policy"] } else { own };
            own == "optOut"
        }
        OptOut::NoPolicy | OptOut::NoOrganization => false,
    };
    let kept: Vec<_> = used.iter().copied().filter(|service| !is_out(service)).collect();
    if kept.is_empty() {
        return None;
    }
    let message = format!(
        "No opt-out from AI services is in force for {}: AWS may store the pictures and documents that are processed, also in other \
         regions, and use them to develop its services.",
        kept.join(" and ")
    );
    let create = if *policy == OptOut::NoOrganization {
        "aws organizations create-organization --feature-set ALL\n"
    } else {
        ""
    };
    let remedy = format!(
        "In the management account of the organisation:\n{create}\
         ROOT=$(aws organizations list-roots --query 'Roots[0].Id' --output text)\n\
         aws organizations enable-policy-type --root-id $ROOT --policy-type AISERVICES_OPT_OUT_POLICY\n\
         POLICY=$(aws organizations create-policy --type AISERVICES_OPT_OUT_POLICY --name ai-opt-out \
         --description 'No AI service keeps content' --content \
         '{{\"services\":{{\"default\":{{\"opt_out_policy\":{{\"@@assign\":\"optOut\"}}}}}}}}' \
         --query Policy.PolicySummary.Id --output text)\n\
         aws organizations attach-policy --policy-id $POLICY --target-id $ROOT"
    );
    Some(Finding::new("AI_OPT_OUT", Severity::Risks, message, remedy))
}

/// Roles of the bootstrap that the caller may not assume.
#[must_use]
pub fn roles(refused: &[String]) -> Option<Finding> {
    let message = format!(
        "The caller may not assume roles of the bootstrap: {}. The CDK then tries with the caller's own permissions.",
        refused.join(", ")
    );
    let remedy = "Grant sts:AssumeRole on these roles to the caller, or deploy with the profile of a person who has it";
    (!refused.is_empty()).then(|| Finding::new("ROLE_NOT_ASSUMABLE", Severity::Risks, message, remedy))
}

/// Actions with which resources are created, and which the role of `CloudFormation` may not call.
#[must_use]
pub fn execution_role(role: &str, denied: &BTreeSet<String>, account: &Account) -> Option<Finding> {
    let list: Vec<_> = denied.iter().map(String::as_str).collect();
    let message = format!(
        "CloudFormation's role {role} may not call, on all resources: {}. Some of them are needed only for properties that the templates \
         do not set, and the role may have them on single resources, which the simulation does not see.",
        list.join(", ")
    );
    let remedy = format!(
        "If the deployment fails for one of them, add it to the policies of the bootstrap: \
         npx cdk bootstrap aws://{}/{} --cloudformation-execution-policies <ARNs>",
        account.id, account.region
    );
    (!denied.is_empty()).then(|| Finding::new("EXECUTION_ROLE", Severity::Risks, message, remedy))
}

/// What is known about the binary of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binary {
    /// There is no file.
    Missing,
    /// The file is not an executable for Linux.
    Other,
    /// What it needs.
    Needs(Needs),
}

/// Binaries that do not start on Lambda.
#[must_use]
pub fn bundles(bundles: &[(Bundle, Binary)]) -> Vec<Finding> {
    let with = |is_wrong: &dyn Fn(&Bundle, &Binary) -> bool| -> Option<String> {
        let wrong = bundles.iter().filter(|(bundle, binary)| is_wrong(bundle, binary));
        let names: Vec<_> = wrong.map(|(bundle, _)| bundle.function.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let glibc = |binary: &Binary| match binary {
        Binary::Needs(needs) => needs.glibc,
        Binary::Missing | Binary::Other => None,
    };
    let build = "cargo xtask package, then synthesise again";
    let mut found = Vec::new();
    if let Some(names) = with(&|_, binary| *binary == Binary::Missing) {
        let message = format!("The assembly has no binary for {names}.");
        found.push(Finding::new("BUNDLE_MISSING", Severity::Blocks, message, build));
    }
    if let Some(names) = with(&|_, binary| *binary == Binary::Other) {
        let message = format!("The binaries of {names} are not executables for Linux.");
        found.push(Finding::new("BUNDLE_NOT_EXECUTABLE", Severity::Blocks, message, build));
    }
    if let Some(names) = with(&|_, binary| glibc(binary) > Some(Glibc::LAMBDA)) {
        let newest = bundles.iter().filter_map(|(_, binary)| glibc(binary)).max().unwrap_or(Glibc::LAMBDA);
        let message = format!(
            "The binaries of {names} need glibc {newest}, and Lambda's provided.al2023 has {}: they would end before their first line.",
            Glibc::LAMBDA
        );
        let remedy = format!("{}. Then synthesise again", Glibc::REMEDY);
        found.push(Finding::new("GLIBC_TOO_NEW", Severity::Blocks, message, remedy));
    }
    let is_other = |bundle: &Bundle, binary: &Binary| match binary {
        Binary::Needs(needs) => needs.processor.map(bonafide_bundle::Processor::name) != Some(&bundle.architecture),
        Binary::Missing | Binary::Other => false,
    };
    if let Some(names) = with(&is_other) {
        let wanted = bundles.iter().find(|(bundle, binary)| is_other(bundle, binary));
        let wanted = wanted.map(|(bundle, _)| bundle.architecture.as_str()).unwrap_or_default();
        let message = format!("The binaries of {names} are not for the processor of the functions, {wanted}.");
        let remedy = format!(
            "cargo xtask package --architecture {wanted}, or change the setting `architecture`, then synthesise again"
        );
        found.push(Finding::new("WRONG_PROCESSOR", Severity::Blocks, message, remedy));
    }
    found
}

/// The finding of a check, or why it could not be made.
pub(crate) fn judged<T>(
    answer: &Answer<T>,
    subject: &str,
    by_hand: &str,
    judge: impl FnOnce(&T) -> Vec<Finding>,
) -> Vec<Finding> {
    match answer {
        Ok(fact) => judge(fact),
        Err(unknown) => vec![unknown.finding(subject, by_hand)],
    }
}

#[cfg(test)]
mod tests {
    use bonafide_bundle::Processor;
    use serde_json::json;

    use super::super::signed::tests::account;
    use super::*;

    fn codes(findings: impl IntoIterator<Item = Finding>) -> Vec<&'static str> {
        findings.into_iter().map(|finding| finding.code).collect()
    }

    fn template(resources: &Value) -> Assembly {
        Assembly::of(&[("Bonafide-test-Data", json!({"Resources": resources}))])
    }

    /// A stack with one resource.
    fn one(kind: &str, properties: &Value) -> Assembly {
        template(&json!({"It": {"Type": kind, "Properties": properties}}))
    }

    #[test]
    fn a_stack_that_cannot_be_deployed_blocks() {
        let state = |status: &str| {
            let stack = ExistingStack { name: "Bonafide-test-Data".to_owned(), status: status.to_owned() };
            stack_states(&[stack], &account()).pop()
        };
        for status in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"] {
            assert_eq!(state(status), None);
        }
        for (status, remedy) in [
            ("ROLLBACK_COMPLETE", "delete-stack --stack-name Bonafide-test-Data --region eu-north-1"),
            ("DELETE_FAILED", "delete-stack"),
            ("REVIEW_IN_PROGRESS", "delete-stack"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
            ("CREATE_IN_PROGRESS", "Wait until"),
        ] {
            let finding = state(status).unwrap();
            assert_eq!((finding.code, finding.severity), ("STACK_STATE", Severity::Blocks));
            assert!(finding.remedy.contains(remedy), "{finding:?}");
        }
    }

    #[test]
    fn a_missing_or_old_bootstrap_blocks() {
        let needed = Bootstrap { parameter: "/cdk/version".to_owned(), version: 8 };
        let found = |version| bootstrap(&needed, version, &account());
        assert_eq!((found(Some(8)), found(Some(28))), (None, None));
        assert_eq!(codes(found(Some(7))), ["BOOTSTRAP_OLD"]);
        let missing = found(None).unwrap();
        assert_eq!((missing.code, missing.severity), ("BOOTSTRAP_MISSING", Severity::Blocks));
        assert_eq!(missing.remedy, "cd cdk && npx cdk bootstrap aws://123456789012/eu-north-1");
        assert_eq!(codes(asset_bucket("assets", Owner::Free, &account())), ["BOOTSTRAP_BUCKET_MISSING"]);
        assert_eq!(asset_bucket("assets", Owner::Own, &account()), None);
    }

    #[test]
    fn reads_identifiers_and_permissions_from_schemas() {
        let schema = json!({
            "primaryIdentifier": ["/properties/LogGroupName"],
            "handlers": {"create": {"permissions": ["logs:CreateLogGroup", "logs:TagResource"]}, "read": {}},
        });
        let create = ["logs:CreateLogGroup", "logs:TagResource"].map(str::to_owned).into();
        assert_eq!(Schema::read(&schema), Schema { identifier: vec!["LogGroupName".to_owned()], create });
        assert_eq!(Schema::read(&json!({})), Schema::default());
    }

    #[test]
    fn types_and_operations_that_the_region_lacks_block() {
        let types = |schema| BTreeMap::from([("AWS::BedrockAgentCore::Gateway".to_owned(), schema)]);
        assert_eq!(types_offered(&types(Some(Schema::default())), &account()), None);
        let finding = types_offered(&types(None), &account()).unwrap();
        assert_eq!((finding.code, finding.severity), ("NOT_OFFERED", Severity::Blocks));
        assert!(finding.message.contains("in eu-north-1: AWS::BedrockAgentCore::Gateway."), "{finding:?}");
        assert_eq!(model_offered("eu.a.b", true, &account()), None);
        let finding = model_offered("eu.a.b", false, &account()).unwrap();
        assert!(finding.message.contains("no inference profile eu.a.b in eu-north-1"), "{finding:?}");
        assert_eq!(analyze_id_offered("eu-west-1", true), None);
        let finding = analyze_id_offered("eu-north-1", false).unwrap();
        assert!(finding.remedy.contains("-c textractRegion=eu-west-1"), "{finding:?}");
    }

    #[test]
    fn the_agent_of_closed_bedrock_agents_is_a_risk() {
        let closed = closed_services(&one("AWS::Bedrock::Agent", &json!({})));
        let remedy = closed.as_ref().map(|finding| finding.remedy.clone()).unwrap_or_default();
        assert!(
            ["conversationIssuer", "conversationClients"].iter().all(|setting| remedy.contains(setting)),
            "{remedy}"
        );
        assert_eq!(codes(closed), ["BEDROCK_AGENTS_CLOSED"]);
        assert_eq!(closed_services(&one("AWS::BedrockAgentCore::Gateway", &json!({}))), None);
    }

    fn worker(function: &str, concurrency: u32) -> QueueWorker {
        QueueWorker { function: function.to_owned(), concurrency, rate: None, actions: BTreeSet::new() }
    }

    #[test]
    fn the_concurrency_of_a_fresh_account_is_below_that_of_the_queues() {
        let workers = [worker("starter", 3), worker("extract-document", 15), worker("validate-license", 10)];
        let found = |limit, unreserved| lambda_concurrency(&workers, 0, Concurrency { limit, unreserved }, &account());
        assert_eq!(found(1000, 1000), []);
        assert_eq!(found(28, 28), []);
        let finding = found(10, 10).pop().unwrap();
        assert_eq!((finding.code, finding.severity), ("LAMBDA_CONCURRENCY", Severity::Risks));
        assert!(finding.message.contains("28 functions at once (starter 3, extract-document 15, validate-license 10)"));
        assert!(finding.remedy.starts_with("Add `-c lambdaConcurrency=10` to the settings"), "{finding:?}");
        assert!(
            finding.remedy.contains("--quota-code L-B99A9384 --desired-value 1000 --region eu-north-1"),
            "{finding:?}"
        );
        assert_eq!(codes(found(1000, 27)), ["LAMBDA_CONCURRENCY"], "what other functions reserve is not free");
    }

    #[test]
    fn a_reservation_that_lambda_refuses_blocks() {
        let found = |reserved, limit| {
            codes(lambda_concurrency(&[], reserved, Concurrency { limit, unreserved: limit }, &account()))
        };
        assert_eq!(found(1, 10), ["LAMBDA_RESERVATION"]);
        assert_eq!(found(900, 1000), [""; 0]);
        assert_eq!(found(901, 1000), ["LAMBDA_RESERVATION"]);
        assert_eq!(found(0, 10), [""; 0]);
    }

    /// An upload queue, an extraction queue, two machines of which one starts the other, and an API.
    fn deployment() -> Assembly {
        let role = |actions: &[&str]| {
            let statement = json!({"Effect": "Allow", "Action": actions});
            json!({"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}})
        };
        let function = |name: &str, role: &str, variables: Value| {
            let role = json!({"Fn::GetAtt": [role, "Arn"]});
            let properties = json!({"FunctionName": name, "Role": role, "Environment": {"Variables": variables}});
            json!({"Type": "AWS::Lambda::Function", "Properties": properties})
        };
        let messages = |function: &str, concurrency: u32| {
            let scaling = json!({"MaximumConcurrency": concurrency});
            let properties = json!({"FunctionName": {"Ref": function}, "ScalingConfig": scaling});
            json!({"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties})
        };
        let machine = |states: Value, role: &str, children: Value| {
            let definition = json!({"States": states}).to_string();
            let role = json!({"Fn::GetAtt": [role, "Arn"]});
            let properties =
                json!({"DefinitionString": definition, "RoleArn": role, "DefinitionSubstitutions": children});
            json!({"Type": "AWS::StepFunctions::StateMachine", "Properties": properties})
        };
        template(&json!({
            "Starter": function("starter", "StarterRole", json!({"MACHINE": {"Ref": "Onboarding"}, "CALL_INTERVAL_MILLISECONDS": "600"})),
            "StarterRole": role(&["states:StartExecution"]),
            "Uploads": messages("Starter", 3),
            "Extract": function("extract", "ExtractRole", json!({"CALL_INTERVAL_MILLISECONDS": "3000"})),
            "ExtractRole": role(&["textract:AnalyzeID"]),
            "Extraction": messages("Extract", 15),
            "Onboarding": machine(json!({"A": {}, "B": {}, "C": {}}), "OnboardingRole", json!({"Child": {"Ref": "Compare"}})),
            "OnboardingRole": role(&["states:StartExecution"]),
            "Compare": machine(json!({"A": {}, "B": {}}), "CompareRole", json!({"Own": {"Ref": "Compare"}})),
            "CompareRole": role(&["rekognition:CompareFaces", "rekognition:DeleteFaces"]),
            "Sweep": machine(json!({"A": {}}), "SweepRole", json!({})),
            "SweepRole": role(&["rekognition:ListFaces"]),
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "faces"}},
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {
                "RestApiId": {"Ref": "Api"}, "MethodSettings": [{"ThrottlingRateLimit": 25, "LoggingLevel": "OFF"}], "AccessLogSetting": {},
            }},
            "Register": function("register", "RegisterRole", json!({})),
            "RegisterRole": role(&["rekognition:IndexFaces"]),
            "Repair": function("repair", "RepairRole", json!({})),
            "RepairRole": role(&["rekognition:SearchFaces"]),
            "Hourly": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": {"Fn::GetAtt": ["Repair", "Arn"]}}]}},
        }))
    }

    #[test]
    fn loads_follow_from_the_templates() {
        let loads = loads(&deployment());
        let found: Vec<_> = loads.iter().map(|load| (load.service, load.words.join(" "), load.per_second)).collect();
        let expected = [
            ("textract", "AnalyzeID", 5.0),
            ("rekognition", "IndexFaces", 25.0),
            ("rekognition", "CompareFaces", 5.0),
            ("states", "StartExecution refill", 10.0),
            ("states", "StateTransition refill", 25.0),
        ];
        assert_eq!(found, expected.map(|(service, words, rate)| (service, words.to_owned(), rate)));
    }

    #[test]
    fn a_rate_above_a_quota_is_a_risk() {
        let load = Load {
            service: "textract",
            words: vec!["AnalyzeID".to_owned()],
            per_second: 5.0,
            because: "extract calls AnalyzeID 5 times in a second".to_owned(),
            setting: "extractionRate".to_owned(),
        };
        let quota = |name: &str, value| Quota { code: "L-1".to_owned(), name: name.to_owned(), value };
        let found = |of: &[Quota]| quotas(&[&load], of, "eu-west-1");
        assert_eq!(found(&[quota("Transactions per second for AnalyzeID", 5.0)]), []);
        // The name of another operation only contains the word.
        let others = [quota("Transactions for StartAnalyzeIDJobs", 1.0), quota("Transactions for AnalyzeID", 9.0)];
        assert_eq!(found(&others), []);
        let finding = found(&[quota("Transactions per second for AnalyzeID", 1.0)]).pop().unwrap();
        assert_eq!((finding.code, finding.severity), ("QUOTA_BELOW_RATE", Severity::Risks));
        assert!(finding.message.ends_with("the quota is 1 in eu-west-1 (\"Transactions per second for AnalyzeID\")."));
        assert!(finding.remedy.contains("Lower the setting `extractionRate`"), "{finding:?}");
        assert!(finding.remedy.contains("--service-code textract --quota-code L-1 --desired-value 5"), "{finding:?}");
        let unknown = found(&[]).pop().unwrap();
        assert_eq!((unknown.code, unknown.severity), ("QUOTA_UNKNOWN", Severity::NotChecked));
    }

    #[test]
    fn access_logs_without_a_role_block() {
        assert!(deployment().has_access_logs());
        let finding = access_log_role(true, None, &account()).unwrap();
        assert_eq!((finding.code, finding.severity), ("API_GATEWAY_LOG_ROLE", Severity::Blocks));
        assert!(finding.remedy.contains("aws apigateway update-account --region eu-north-1 "), "{finding:?}");
        assert_eq!(access_log_role(true, Some("arn:aws:iam::1:role/x"), &account()), None);
        assert_eq!(access_log_role(false, None, &account()), None);
    }

    #[test]
    fn tells_the_limits_of_messages() {
        let pool = |properties: Value| codes(messages(&one("AWS::Cognito::UserPool", &properties)));
        assert_eq!(pool(json!({})), ["COGNITO_EMAILS"]);
        let own = json!({"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}, "SmsConfiguration": {}});
        assert_eq!(pool(own), ["SES_SANDBOX", "SMS_SANDBOX"]);
        assert_eq!(codes(messages(&one("AWS::SNS::Subscription", &json!({"Protocol": "sqs"})))), [""; 0]);
        let with_email = |interval: &str| {
            let mut resources = deployment().stacks()[0].template["Resources"].clone();
            resources["Email"] = json!({"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "email"}});
            resources["Starter"]["Properties"]["Environment"]["Variables"]["CALL_INTERVAL_MILLISECONDS"] =
                interval.into();
            codes(messages(&template(&resources)))
        };
        assert_eq!(with_email("300"), ["EMAIL_CONFIRMATION"]);
        assert_eq!(with_email("299"), ["EMAIL_CONFIRMATION", "EMAIL_RATE"]);
    }

    #[test]
    fn parameters_without_a_default_are_named() {
        let parameters = json!({"ThirdPartyUrl": {"Type": "String"}, "BootstrapVersion": {"Default": "/cdk/version"}});
        let assembly = Assembly::of(&[("Bonafide-test-Workflow", json!({"Parameters": parameters}))]);
        let remedies: Vec<_> = super::parameters(&assembly).into_iter().map(|finding| finding.remedy).collect();
        assert_eq!(remedies, ["npx cdk deploy … --parameters Bonafide-test-Workflow:ThirdPartyUrl=<value>"]);
    }

    #[test]
    fn names_that_are_taken_block() {
        let found = |owner| {
            let owners = ["bonafide-test-1", "bonafide-test-1-logs"].map(|name| (name.to_owned(), owner));
            bucket_names(&owners.into(), "eu-north-1")
        };
        assert_eq!(found(Owner::Free), []);
        assert_eq!(codes(found(Owner::Other)), ["BUCKET_NAME_TAKEN"; 2]);
        let finding = found(Owner::Own).pop().unwrap();
        assert!(finding.message.starts_with("AWS::S3::Bucket bonafide-test-1, bonafide-test-1-logs: exists"));
        assert_eq!((finding.code, finding.severity), ("NAME_TAKEN", Severity::Blocks));
        let delete = "aws cloudcontrol delete-resource --type-name AWS::S3::Bucket --identifier bonafide-test-1";
        assert!(finding.remedy.contains(delete) && finding.remedy.contains("`cdk import`"), "{finding:?}");
    }

    #[test]
    fn without_an_opt_out_aws_may_keep_pictures() {
        let used = ai_services(&deployment());
        assert_eq!(used, ["rekognition", "textract"]);
        let policy = |services: Value| opt_out(&used, &OptOut::Policy(json!({"services": services})));
        let out = json!({"opt_out_policy": "optOut"});
        let inside = json!({"opt_out_policy": "optIn"});
        assert_eq!(policy(json!({"default": out})), None);
        assert_eq!(policy(json!({"rekognition": out, "textract": out})), None);
        let finding = policy(json!({"rekognition": out})).unwrap();
        assert_eq!((finding.code, finding.severity), ("AI_OPT_OUT", Severity::Risks));
        assert!(finding.message.contains("in force for textract:"), "{finding:?}");
        let exception = policy(json!({"default": out, "rekognition": inside})).unwrap();
        assert!(exception.message.contains("in force for rekognition:"), "{exception:?}");
        let none = opt_out(&used, &OptOut::NoPolicy).unwrap();
        assert!(none.message.contains("for rekognition and textract:") && !none.remedy.contains("create-organization"));
        let alone = opt_out(&used, &OptOut::NoOrganization).unwrap();
        assert!(alone.remedy.contains("aws organizations create-organization"), "{alone:?}");
        assert_eq!(opt_out(&ai_services(&one("AWS::S3::Bucket", &json!({}))), &OptOut::NoPolicy), None);
    }

    #[test]
    fn missing_permissions_are_risks() {
        assert_eq!(roles(&[]), None);
        assert_eq!(codes(roles(&["arn:deploy".to_owned()])), ["ROLE_NOT_ASSUMABLE"]);
        assert_eq!(execution_role("arn:x", &BTreeSet::new(), &account()), None);
        let finding = execution_role("arn:x", &BTreeSet::from(["logs:CreateLogGroup".to_owned()]), &account()).unwrap();
        assert_eq!((finding.code, finding.severity), ("EXECUTION_ROLE", Severity::Risks));
        assert!(finding.message.contains("arn:x may not call, on all resources: logs:CreateLogGroup."), "{finding:?}");
    }

    #[test]
    fn binaries_that_do_not_start_on_lambda_block() {
        let bundle = |function: &str| Bundle {
            function: function.to_owned(),
            architecture: "x86_64".to_owned(),
            binary: "bootstrap".into(),
        };
        let needs = |processor, glibc: &str| Binary::Needs(Needs { processor, glibc: glibc.parse().ok() });
        let x86 = Some(Processor::X86);
        let found = |binary| bundles(&[(bundle("starter"), binary), (bundle("other"), needs(x86, "2.34"))]);
        assert_eq!(found(needs(x86, "2.34")), []);
        assert_eq!(found(needs(x86, "")), [], "a static binary");
        let finding = found(needs(x86, "2.39")).pop().unwrap();
        assert_eq!((finding.code, finding.severity), ("GLIBC_TOO_NEW", Severity::Blocks));
        assert!(finding.message.starts_with("The binaries of starter need glibc 2.39,"), "{finding:?}");
        assert!(finding.remedy.contains("cargo xtask package --zig"), "{finding:?}");
        assert_eq!(codes(found(needs(Some(Processor::Arm), "2.34"))), ["WRONG_PROCESSOR"]);
        assert_eq!(codes(found(needs(None, "2.34"))), ["WRONG_PROCESSOR"]);
        assert_eq!(codes(found(Binary::Missing)), ["BUNDLE_MISSING"]);
        assert_eq!(codes(found(Binary::Other)), ["BUNDLE_NOT_EXECUTABLE"]);
    }
}
