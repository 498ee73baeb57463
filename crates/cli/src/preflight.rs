//! `preflight`: what would make a deployment fail, before it is made.
//!
//! It reads the cloud assembly that `cdk deploy` would deploy, asks AWS what the account has, and compares the two. It changes nothing.

pub mod assembly;
pub mod checks;
pub mod facts;
pub mod finding;
pub mod signed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;

use self::assembly::Assembly;
use self::checks::judged;
use self::checks::{ExistingStack, Owner, Schema};
use self::facts::{Facts, all, identifier};
use self::finding::{Answer, Finding, Severity, Unknown};
use crate::error::Error;
use crate::target::{self, Choice};

/// Where `cdk synth` writes, from the folder of the repository and from `cdk/`.
const ASSEMBLIES: [&str; 2] = ["cdk/cdk.out", "cdk.out"];

/// What would be deployed.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct Synthesised {
    /// The folder that `cdk synth` has written, as for `cdk deploy --app`; without it cdk/cdk.out or cdk.out. The stage is the one of its
    /// stacks, whatever --stage says
    #[arg(long, value_name = "FOLDER")]
    pub app: Option<PathBuf>,
}

impl Synthesised {
    /// Makes all checks and prints the findings. Returns 1 if one of them blocks the deployment.
    ///
    /// # Errors
    /// When there is no assembly, or AWS does not accept the credentials.
    pub async fn run(&self, choice: &Choice, is_json: bool) -> Result<u8, Error> {
        let here = std::env::current_dir().unwrap_or_default();
        let folder = self.app.clone().unwrap_or_else(|| {
            let found = ASSEMBLIES.iter().map(PathBuf::from).find(|folder| folder.join("manifest.json").is_file());
            found.unwrap_or_else(|| ASSEMBLIES[0].into())
        });
        let assembly = Assembly::read(&folder)?;
        let target = target::connect(choice, &here).await?;
        let facts = Facts::of(&target.config).await?;
        let stacks: Vec<_> = assembly.stacks().iter().map(|stack| stack.name.as_str()).collect();
        eprintln!("{}, account {}, as {}", target.place, facts.account.id, facts.caller);
        eprintln!("{}: {}", folder.display(), stacks.join(", "));
        let mut findings = found(&assembly, &facts).await;
        findings.sort_by_key(|finding| finding.severity);
        if is_json {
            for finding in &findings {
                println!("{}", json!(finding));
            }
        } else {
            println!("{}", finding::shown(&findings));
        }
        Ok(u8::from(findings.iter().any(|finding| finding.severity == Severity::Blocks)))
    }
}

fn progress(what: &str) {
    eprintln!("… {what}");
}

/// All findings.
pub async fn found(assembly: &Assembly, facts: &Facts) -> Vec<Finding> {
    let mut findings = bundles(assembly);
    findings.extend(checks::parameters(assembly));
    findings.extend(checks::messages(assembly));
    findings.extend(checks::closed_services(assembly));
    let is_bootstrapped = bootstrap(assembly, facts, &mut findings).await;
    let schemas = types(assembly, facts, &mut findings).await;
    if is_bootstrapped {
        permissions(assembly, facts, &schemas, &mut findings).await;
    }
    names(assembly, facts, &schemas, &mut findings).await;
    quotas(assembly, facts, &mut findings).await;
    account(assembly, facts, &mut findings).await;
    findings
}

fn bundles(assembly: &Assembly) -> Vec<Finding> {
    let bundles = assembly.bundles();
    progress(&format!("the binaries of {} functions", bundles.len()));
    let read: Vec<_> = bundles.into_iter().map(|bundle| (bundle.clone(), facts::binary(&bundle.binary))).collect();
    checks::bundles(&read)
}

/// Returns whether there is a bootstrap, as far as that is known.
async fn bootstrap(assembly: &Assembly, facts: &Facts, findings: &mut Vec<Finding>) -> bool {
    let Some(needed) = assembly.bootstrap() else { return false };
    progress("the bootstrap");
    let version = facts.bootstrap(&needed.parameter).await;
    let by_hand = format!("`aws ssm get-parameter --name {} --region {}`", needed.parameter, facts.account.region);
    findings.extend(judged(&version, "The version of the bootstrap", &by_hand, |version| {
        checks::bootstrap(needed, *version, &facts.account).into_iter().collect()
    }));
    if version == Ok(None) {
        return false;
    }
    for bucket in assembly.asset_buckets(&facts.account) {
        let owner = facts.clone().bucket(bucket.clone()).await;
        let by_hand = format!("`aws s3api head-bucket --bucket {bucket}`");
        findings.extend(judged(&owner, &format!("The bucket {bucket} of the bootstrap"), &by_hand, |owner| {
            checks::asset_bucket(&bucket, *owner, &facts.account).into_iter().collect()
        }));
    }
    true
}

/// Returns the schemas of the types that are known.
async fn types(assembly: &Assembly, facts: &Facts, findings: &mut Vec<Finding>) -> BTreeMap<String, Schema> {
    let kinds = assembly.types();
    progress(&format!("{} types of resources, AnalyzeID and the model", kinds.len()));
    let asked = kinds.iter().map(|kind| {
        let (facts, kind) = (facts.clone(), kind.clone());
        async move { (kind.clone(), facts.schema(kind).await) }
    });
    let (known, unknown) = known(all(asked).await);
    findings.extend(checks::types_offered(&known, &facts.account));
    let by_hand = |kind: &str| format!("`aws cloudformation describe-type --type RESOURCE --type-name {kind}`");
    findings.extend(grouped(
        unknown,
        "Whether the region offers these types, their names are free, and CloudFormation's role may create them:",
        by_hand,
    ));
    for region in assembly.textract_regions(&facts.account) {
        let is_offered = facts.analyze_id(&region).await;
        let by_hand = format!(
            "`aws textract analyze-id --document-pages Bytes=AA== --region {region}` has to complain about the document"
        );
        findings.extend(judged(&is_offered, &format!("AnalyzeID in {region}"), &by_hand, |is_offered| {
            checks::analyze_id_offered(&region, *is_offered).into_iter().collect()
        }));
    }
    for harness in assembly.of_type("AWS::BedrockAgentCore::Harness") {
        let profile = &harness.properties["Model"]["BedrockModelConfig"]["ModelId"];
        let Some(profile) = facts.account.text(profile) else { continue };
        let is_offered = facts.clone().profile(profile.clone()).await;
        let by_hand = format!("`aws bedrock get-inference-profile --inference-profile-identifier {profile}`");
        findings.extend(judged(&is_offered, &format!("The inference profile {profile}"), &by_hand, |is_offered| {
            checks::model_offered(&profile, *is_offered, &facts.account).into_iter().collect()
        }));
    }
    known.into_iter().filter_map(|(kind, schema)| Some((kind, schema?))).collect()
}

async fn permissions(
    assembly: &Assembly,
    facts: &Facts,
    schemas: &BTreeMap<String, Schema>,
    findings: &mut Vec<Finding>,
) {
    progress("the permissions of the caller and of CloudFormation");
    let asked = assembly.roles(&facts.account).into_iter().map(|role| {
        let facts = facts.clone();
        async move { (role.clone(), facts.assumes(role).await) }
    });
    let (known, unknown) = known(all(asked).await);
    let refused: Vec<_> = known.into_iter().filter(|(_, may)| !may).map(|(role, _)| role).collect();
    findings.extend(checks::roles(&refused));
    let by_hand = |role: &str| format!("`aws sts assume-role --role-session-name test --role-arn {role}`");
    findings.extend(grouped(unknown, "Whether the caller may assume", by_hand));
    let actions: BTreeSet<String> = schemas.values().flat_map(|schema| schema.create.iter().cloned()).collect();
    for role in assembly.execution_roles(&facts.account).into_iter().filter(|_| !actions.is_empty()) {
        let denied = facts.not_allowed(&role, &actions).await;
        let by_hand = format!(
            "`aws iam list-attached-role-policies --role-name {}`",
            role.rsplit('/').next().unwrap_or_default()
        );
        findings.extend(judged(&denied, &format!("The permissions of {role}"), &by_hand, |denied| {
            checks::execution_role(&role, denied, &facts.account).into_iter().collect()
        }));
    }
}

async fn names(assembly: &Assembly, facts: &Facts, schemas: &BTreeMap<String, Schema>, findings: &mut Vec<Finding>) {
    progress("stacks that exist");
    let asked = assembly.stacks().iter().map(|stack| {
        let (facts, name) = (facts.clone(), stack.name.clone());
        async move { (name.clone(), facts.stack(name).await) }
    });
    let (stacks, mut unknown) = known(all(asked).await);
    let existing: Vec<ExistingStack> = stacks.into_values().flatten().collect();
    findings.extend(checks::stack_states(&existing, &facts.account));
    let asked = existing.into_iter().map(|ExistingStack { name, .. }| {
        let facts = facts.clone();
        async move { (name.clone(), facts.owned(name).await) }
    });
    let (owned, not_owned) = known(all(asked).await);
    unknown.extend(not_owned);
    let is_known = unknown.is_empty();
    findings.extend(grouped(unknown, "The stacks", |stack| {
        format!("`aws cloudformation describe-stacks --stack-name {stack}`")
    }));
    if !is_known {
        // Without the resources of the stacks, their own names would look as if they were taken.
        return;
    }
    let owned: BTreeSet<String> = owned.into_values().flatten().collect();
    buckets(assembly, facts, &owned, findings).await;

    let named = assembly.resources().filter(|resource| resource.kind != "AWS::S3::Bucket");
    let named: BTreeSet<(String, String)> = named
        .filter_map(|resource| {
            let identifier = identifier(&resource, schemas.get(resource.kind)?, &facts.account)?;
            (!owned.contains(&identifier)).then(|| (resource.kind.to_owned(), identifier))
        })
        .collect();
    progress(&format!("{} names", named.len()));
    let asked = named.into_iter().map(|(kind, name)| {
        let facts = facts.clone();
        async move { ((kind.clone(), name.clone()), facts.exists(kind, name).await) }
    });
    let (exist, unknown) = known(all(asked).await);
    let mut taken = BTreeMap::<String, Vec<String>>::new();
    for ((kind, name), _) in exist.into_iter().filter(|(_, exists)| *exists) {
        taken.entry(kind).or_default().push(name);
    }
    findings.extend(taken.iter().map(|(kind, names)| checks::taken(kind, names, &facts.account.region)));
    let unknown = unknown.into_iter().map(|((kind, _), unknown)| (kind, unknown)).collect::<BTreeMap<_, _>>();
    let by_hand = |kind: &str| format!("`aws cloudcontrol list-resources --type-name {kind}`");
    findings.extend(grouped(unknown.into_iter().collect(), "Whether names are free of", by_hand));
}

async fn buckets(assembly: &Assembly, facts: &Facts, owned: &BTreeSet<String>, findings: &mut Vec<Finding>) {
    let names = assembly.of_type("AWS::S3::Bucket");
    let names = names.filter_map(|bucket| facts.account.text(&bucket.properties["BucketName"]));
    let asked = names.filter(|name| !owned.contains(name)).collect::<Vec<_>>().into_iter().map(|name| {
        let facts = facts.clone();
        async move { (name.clone(), facts.bucket(name).await) }
    });
    let (owners, unknown): (BTreeMap<String, Owner>, _) = known(all(asked).await);
    findings.extend(checks::bucket_names(&owners, &facts.account.region));
    findings.extend(grouped(unknown, "The names of buckets", |bucket| {
        format!("`aws s3api head-bucket --bucket {bucket}`")
    }));
}

async fn quotas(assembly: &Assembly, facts: &Facts, findings: &mut Vec<Finding>) {
    progress("quotas");
    let concurrency = facts.concurrency().await;
    let (workers, reserved) = (assembly.queue_workers(), assembly.reserved_concurrency());
    findings.extend(judged(
        &concurrency,
        "Lambda's concurrent executions",
        "`aws lambda get-account-settings`",
        |limits| checks::lambda_concurrency(&workers, reserved, *limits, &facts.account),
    ));
    let loads = checks::loads(assembly);
    let own = facts.account.region.clone();
    let textract = assembly.textract_regions(&facts.account).into_iter().map(|region| ("textract", region));
    let others = ["rekognition", "states"].map(|service| (service, own.clone()));
    for (service, region) in textract.chain(others) {
        let loads: Vec<_> = loads.iter().filter(|load| load.service == service).collect();
        if loads.is_empty() {
            continue;
        }
        let quotas = facts.quotas(service, &region).await;
        let by_hand = format!("`aws service-quotas list-service-quotas --service-code {service} --region {region}`");
        findings.extend(judged(&quotas, &format!("The quotas of {service} in {region}"), &by_hand, |quotas| {
            checks::quotas(&loads, quotas, &region)
        }));
    }
}

/// Settings of the account and the organisation.
async fn account(assembly: &Assembly, facts: &Facts, findings: &mut Vec<Finding>) {
    progress("API Gateway's role for logs, and the opt-out from AI services");
    if assembly.has_access_logs() {
        let role = facts.log_role().await;
        findings.extend(judged(&role, "API Gateway's role for logs", "`aws apigateway get-account`", |role| {
            checks::access_log_role(true, role.as_deref(), &facts.account).into_iter().collect()
        }));
    }
    let used = checks::ai_services(assembly);
    if used.is_empty() {
        return;
    }
    let policy = facts.opt_out().await;
    let by_hand =
        "`aws organizations describe-effective-policy --policy-type AISERVICES_OPT_OUT_POLICY` has to show `optOut`";
    findings.extend(judged(&policy, "The opt-out from AI services", by_hand, |policy| {
        checks::opt_out(&used, policy).into_iter().collect()
    }));
}

/// Facts by their subject, and the subjects of which they are not known.
fn known<K: Ord, T>(answers: Vec<(K, Answer<T>)>) -> (BTreeMap<K, T>, Vec<(K, Unknown)>) {
    let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
    for (subject, answer) in answers {
        match answer {
            Ok(fact) => drop(known.insert(subject, fact)),
            Err(because) => unknown.push((subject, because)),
        }
    }
    (known, unknown)
}

/// One finding for all subjects that have the same reason.
fn grouped(unknown: Vec<(String, Unknown)>, what: &str, by_hand: impl Fn(&str) -> String) -> Vec<Finding> {
    let mut reasons: Vec<(Unknown, Vec<String>)> = Vec::new();
    for (subject, because) in unknown {
        // The message may name the subject.
        let is_same = |known: &Unknown| match (known.refusal.code(), because.refusal.code()) {
            (Some(one), Some(other)) => known.permission == because.permission && one == other,
            _ => *known == because,
        };
        match reasons.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, subjects)) => subjects.push(subject),
            None => reasons.push((because, vec![subject])),
        }
    }
    let finding = |(because, subjects): (Unknown, Vec<String>)| {
        because.finding(&format!("{what} {}", subjects.join(", ")), &by_hand(&subjects[0]))
    };
    reasons.into_iter().map(finding).collect()
}
