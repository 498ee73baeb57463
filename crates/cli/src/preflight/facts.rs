//! The facts: one small request for each. Every request reads only.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::{RegistryType, ResourceStatus, StackResourceSummary};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use bonafide_bundle::Needs;
use serde_json::{Value, json};

use super::assembly::{Account, Resource};
use super::checks::{Binary, Concurrency, ExistingStack, OptOut, Owner, Quota, Schema};
use super::finding::{Answer, Unknown};
use super::signed::{CLOUD_CONTROL, ORGANIZATIONS, PARAMETERS, Refusal, SERVICE_QUOTAS, Signed, TEXTRACT, elements};
use crate::error::Error;
use crate::target;

/// Requests at the same time.
const AT_ONCE: usize = 8;

/// Actions in one simulation; IAM answers with at most 100 results.
const SIMULATED_AT_ONCE: usize = 50;

/// The clients, for one account and region.
#[derive(Debug, Clone)]
pub struct Facts {
    sts: aws_sdk_sts::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    s3: aws_sdk_s3::Client,
    signed: Signed,
    /// Where it would be deployed.
    pub account: Account,
    /// The ARN of the caller.
    pub caller: String,
}

fn denied<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(
    permission: &'static str,
) -> impl FnOnce(SdkError<E>) -> Unknown {
    move |error| Unknown { permission, refusal: refusal(&error) }
}

fn refusal<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(error: &SdkError<E>) -> Refusal {
    if let Some(refused) = error.as_service_error() {
        let code = refused.code().unwrap_or("unknown error").to_owned();
        let message = refused.message().unwrap_or("no reason given").trim_end_matches('.').to_owned();
        return Refusal::Code { code, message };
    }
    let message = DisplayErrorContext(error).to_string();
    if message.contains("dns error") { Refusal::NoHost } else { Refusal::Unanswered(message) }
}

/// Waits for the results of all tasks, some at the same time.
pub async fn all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = tasks.into_iter().peekable();
    let mut results = Vec::new();
    while tasks.peek().is_some() {
        let started: Vec<_> = tasks.by_ref().take(AT_ONCE).map(tokio::spawn).collect();
        for task in started {
            results.push(task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
        }
    }
    results
}

impl Facts {
    /// Identifies the caller.
    ///
    /// # Errors
    /// When AWS does not accept the credentials, or does not answer.
    pub async fn of(config: &SdkConfig) -> Result<Self, Error> {
        let sts = aws_sdk_sts::Client::new(config);
        let region = config.region().ok_or(Error::NoRegion)?.to_string();
        let identity = sts.get_caller_identity().send().await;
        let identity = identity.map_err(|error| Error::from_sdk("identify the caller", error))?;
        let (id, caller) = (identity.account.unwrap_or_default(), identity.arn.unwrap_or_default());
        let partition = caller.split(':').nth(1).unwrap_or("aws").to_owned();
        let account = Account { partition, id, region };
        let signed = Signed::new(config, &account);
        let signed =
            signed.map_err(|error| Error::NoAnswer { action: "prepare requests", message: error.to_string() })?;
        let (cloudformation, s3) = (aws_sdk_cloudformation::Client::new(config), target::s3(config));
        Ok(Self { sts, cloudformation, s3, signed, account, caller })
    }

    /// A stack, if it exists.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn stack(self, name: String) -> Answer<Option<ExistingStack>> {
        match self.cloudformation.describe_stacks().stack_name(&name).send().await {
            Ok(found) => {
                let stack = found.stacks.unwrap_or_default().into_iter().next();
                let status = stack.and_then(|stack| Some(stack.stack_status?.as_str().to_owned()));
                Ok(status.map(|status| ExistingStack { name, status }))
            }
            // The code of CloudFormation for a stack that does not exist.
            Err(error) if error.code() == Some("ValidationError") => Ok(None),
            Err(error) => Err(denied("cloudformation:DescribeStacks")(error)),
        }
    }

    /// The physical ids of the resources of an existing stack.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn owned(self, stack: String) -> Answer<BTreeSet<String>> {
        let mut owned = BTreeSet::new();
        let mut pages = self.cloudformation.list_stack_resources().stack_name(stack).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(denied("cloudformation:ListStackResources"))?;
            let resources = page.stack_resource_summaries.unwrap_or_default().into_iter();
            // What is deleted, or kept on purpose, is the stack's no more.
            let is_there = |resource: &StackResourceSummary| {
                !matches!(
                    resource.resource_status(),
                    Some(ResourceStatus::DeleteComplete | ResourceStatus::DeleteSkipped)
                )
            };
            owned.extend(resources.filter(is_there).filter_map(|resource| resource.physical_resource_id));
        }
        Ok(owned)
    }

    /// The schema of a type of resources; `None` if the region does not offer it.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn schema(self, kind: String) -> Answer<Option<Schema>> {
        let ask = self.cloudformation.describe_type().r#type(RegistryType::Resource).type_name(kind);
        match ask.send().await {
            Ok(found) => {
                let schema = found.schema.and_then(|schema| serde_json::from_str::<Value>(&schema).ok());
                Ok(Some(schema.map(|schema| Schema::read(&schema)).unwrap_or_default()))
            }
            Err(error) if error.code() == Some("TypeNotFoundException") => Ok(None),
            Err(error) => Err(denied("cloudformation:DescribeType")(error)),
        }
    }

    /// To whom the name of a bucket belongs.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn bucket(self, name: String) -> Answer<Owner> {
        match self.s3.head_bucket().bucket(name).send().await {
            Ok(_) => Ok(Owner::Own),
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => Ok(Owner::Free),
                // A redirect is a bucket in another region.
                Some(301 | 403) => Ok(Owner::Other),
                _ => Err(denied("s3:ListBucket")(error)),
            },
        }
    }

    /// Whether a resource exists.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn exists(self, kind: String, identifier: String) -> Answer<bool> {
        let input = json!({"TypeName": kind, "Identifier": identifier});
        match self.signed.call(CLOUD_CONTROL, None, "GetResource", &input).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.code() == Some("ResourceNotFoundException") => Ok(false),
            Err(refusal) => Err(Unknown { permission: "cloudformation:GetResource", refusal }),
        }
    }

    /// The version of the bootstrap; `None` without one.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn bootstrap(&self, parameter: &str) -> Answer<Option<u64>> {
        match self.signed.call(PARAMETERS, None, "GetParameter", &json!({"Name": parameter})).await {
            Ok(answer) => Ok(answer["Parameter"]["Value"].as_str().and_then(|version| version.parse().ok())),
            Err(refusal) if refusal.code() == Some("ParameterNotFound") => Ok(None),
            Err(refusal) => Err(Unknown { permission: "ssm:GetParameter", refusal }),
        }
    }

    /// The quotas of a service: the applied ones, and AWS's defaults for the others.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn quotas(&self, service: &str, region: &str) -> Answer<Vec<Quota>> {
        let mut quotas: Vec<Quota> = Vec::new();
        for (operation, permission) in [
            ("ListAWSDefaultServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"),
            ("ListServiceQuotas", "servicequotas:ListServiceQuotas"),
        ] {
            let mut input = json!({"ServiceCode": service, "MaxResults": 100});
            loop {
                let answer = self.signed.call(SERVICE_QUOTAS, Some(region), operation, &input).await;
                let answer = answer.map_err(|refusal| Unknown { permission, refusal })?;
                for quota in answer["Quotas"].as_array().into_iter().flatten() {
                    let text = |name: &str| quota[name].as_str().unwrap_or_default().to_owned();
                    let (code, name) = (text("QuotaCode"), text("QuotaName"));
                    let Some(value) = quota["Value"].as_f64() else { continue };
                    quotas.retain(|known| known.code != code);
                    quotas.push(Quota { code, name, value });
                }
                match answer["NextToken"].as_str() {
                    Some(next) => input["NextToken"] = next.into(),
                    None => break,
                }
            }
        }
        Ok(quotas)
    }

    /// The concurrent executions that Lambda allows.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn concurrency(&self) -> Answer<Concurrency> {
        let permission = "lambda:GetAccountSettings";
        let answer = self.signed.get("lambda", "/2016-08-19/account-settings").await;
        let answer = answer.map_err(|refusal| Unknown { permission, refusal })?;
        let limit = &answer["AccountLimit"];
        let number = |name: &str| {
            let missing = || Unknown { permission, refusal: Refusal::Unanswered(format!("the answer has no {name}")) };
            limit[name].as_u64().ok_or_else(missing)
        };
        Ok(Concurrency {
            limit: number("ConcurrentExecutions")?,
            unreserved: number("UnreservedConcurrentExecutions")?,
        })
    }

    /// The role with which API Gateway writes logs.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn log_role(&self) -> Answer<Option<String>> {
        let answer = self.signed.get("apigateway", "/account").await;
        let answer = answer.map_err(|refusal| Unknown { permission: "apigateway:GET on /account", refusal })?;
        Ok(answer["cloudwatchRoleArn"].as_str().filter(|role| !role.is_empty()).map(str::to_owned))
    }

    /// The policy about AI services that is in force for the account.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn opt_out(&self) -> Answer<OptOut> {
        let input = json!({"PolicyType": "AISERVICES_OPT_OUT_POLICY"});
        let answer = self.signed.call(ORGANIZATIONS, None, "DescribeEffectivePolicy", &input).await;
        match answer {
            Ok(answer) => {
                let content = answer["EffectivePolicy"]["PolicyContent"].as_str().unwrap_or_default();
                Ok(OptOut::Policy(serde_json::from_str(content).unwrap_or_default()))
            }
            Err(refusal) => match refusal.code() {
                Some("EffectivePolicyNotFoundException") => Ok(OptOut::NoPolicy),
                Some("AWSOrganizationsNotInUseException") => Ok(OptOut::NoOrganization),
                _ => Err(Unknown { permission: "organizations:DescribeEffectivePolicy", refusal }),
            },
        }
    }

    /// Whether Textract answers to `AnalyzeID`, which is asked about a document of one byte.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn analyze_id(&self, region: &str) -> Answer<bool> {
        // One byte, in base64: no document, so it costs nothing.
        let input = json!({"DocumentPages": [{"Bytes": "AA=="}]});
        match self.signed.call(TEXTRACT, Some(region), "AnalyzeID", &input).await {
            Ok(_) => Ok(true),
            Err(Refusal::NoHost) => Ok(false),
            Err(refusal) => match refusal.code() {
                Some("UnsupportedDocumentException" | "BadDocumentException" | "InvalidParameterException") => Ok(true),
                Some("UnknownOperationException") => Ok(false),
                _ => Err(Unknown { permission: "textract:AnalyzeID", refusal }),
            },
        }
    }

    /// Whether an inference profile of Bedrock is offered in the region.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn profile(self, id: String) -> Answer<bool> {
        let path = format!("/inference-profiles/{}", id.replace(':', "%3A"));
        match self.signed.get("bedrock", &path).await {
            Ok(_) => Ok(true),
            Err(Refusal::NoHost) => Ok(false),
            Err(refusal) if refusal.code() == Some("ResourceNotFoundException") => Ok(false),
            Err(refusal) => Err(Unknown { permission: "bedrock:GetInferenceProfile", refusal }),
        }
    }

    /// Whether the caller may assume a role.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn assumes(self, role: String) -> Answer<bool> {
        let ask = self.sts.assume_role().role_arn(role).role_session_name("bonafide-preflight").duration_seconds(900);
        match ask.send().await {
            Ok(_) => Ok(true),
            Err(error) => match refusal(&error) {
                denied if denied.is_denied() => Ok(false),
                refusal => Err(Unknown { permission: "sts:AssumeRole", refusal }),
            },
        }
    }

    /// Those of the actions that a role may not call on all resources.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn not_allowed(&self, role: &str, actions: &BTreeSet<String>) -> Answer<BTreeSet<String>> {
        let permission = "iam:SimulatePrincipalPolicy";
        let mut found = BTreeSet::new();
        // A pattern cannot be simulated.
        let actions: Vec<_> = actions.iter().filter(|action| !action.contains('*')).collect();
        for part in actions.chunks(SIMULATED_AT_ONCE) {
            let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let mut parameters = vec![
                parameter("Action", "SimulatePrincipalPolicy"),
                parameter("Version", "2010-05-08"),
                parameter("PolicySourceArn", role),
            ];
            parameters.extend(
                part.iter()
                    .enumerate()
                    .map(|(at, action)| (format!("ActionNames.member.{}", at + 1), (*action).clone())),
            );
            let answer = self.signed.iam(&parameters).await.map_err(|refusal| Unknown { permission, refusal })?;
            let results = elements(&answer, "EvalActionName").zip(elements(&answer, "EvalDecision"));
            found.extend(results.filter(|(_, decision)| *decision != "allowed").map(|(action, _)| action.to_owned()));
        }
        Ok(found)
    }
}

/// What the binary of a bundle needs.
#[must_use]
pub fn binary(path: &Path) -> Binary {
    match std::fs::read(path) {
        Ok(bytes) => Needs::of(&bytes).map_or(Binary::Other, Binary::Needs),
        Err(_) => Binary::Missing,
    }
}

/// The identifier of a resource that has a name of its own; `None` if AWS makes its name.
#[must_use]
pub fn identifier(resource: &Resource<'_>, schema: &Schema, account: &Account) -> Option<String> {
    let Account { partition, id, region } = account;
    if resource.kind == "AWS::StepFunctions::StateMachine" {
        let name = account.text(&resource.properties["StateMachineName"])?;
        return Some(format!("arn:{partition}:states:{region}:{id}:stateMachine:{name}"));
    }
    let parts = schema.identifier.iter().map(|property| account.text(&resource.properties[property]));
    let parts = parts.collect::<Option<Vec<_>>>().filter(|parts| !parts.is_empty())?;
    Some(parts.join("|"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::operation::describe_stacks::{DescribeStacksError, DescribeStacksOutput};
    use aws_sdk_cloudformation::operation::describe_type::{DescribeTypeError, DescribeTypeOutput};
    use aws_sdk_cloudformation::operation::list_stack_resources::ListStackResourcesOutput;
    use aws_sdk_cloudformation::types::error::TypeNotFoundException;
    use aws_sdk_cloudformation::types::{Stack, StackStatus};
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::primitives::SdkBody;
    use aws_sdk_sts::operation::assume_role::{AssumeRoleError, AssumeRoleOutput};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::super::signed::tests::{account, server, signed};
    use super::*;

    /// Clients for these requests, and an endpoint for the signed ones.
    async fn facts(rules: &[Rule], endpoint: &str) -> Facts {
        let rules: Vec<_> = rules.iter().collect();
        Facts {
            sts: mock_client!(aws_sdk_sts, RuleMode::MatchAny, &rules),
            cloudformation: mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &rules),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules),
            signed: signed(endpoint).await,
            account: account(),
            caller: "arn:aws:iam::123456789012:user/ann".to_owned(),
        }
    }

    /// With signed requests only, all of which get this answer.
    async fn answered(status: u16, body: &str) -> Facts {
        let body = body.to_owned();
        facts(&[], &server(move |_| (status, body.clone()))).await
    }

    /// With signed requests that this error refuses.
    async fn refused(code: &str) -> Facts {
        answered(400, &json!({"__type": code, "message": "No."}).to_string()).await
    }

    fn metadata(code: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).message("No.").build()
    }

    /// The refusal of a request without this permission.
    fn unknown<T>(permission: &'static str) -> Answer<T> {
        let refusal = Refusal::Code { code: "AccessDeniedException".to_owned(), message: "No".to_owned() };
        Err(Unknown { permission, refusal })
    }

    #[tokio::test]
    async fn a_stack_exists_or_not() {
        let named = |name: &'static str| {
            mock!(aws_sdk_cloudformation::Client::describe_stacks)
                .match_requests(move |request| request.stack_name() == Some(name))
        };
        let stack = || {
            let stack = Stack::builder().stack_name("a").stack_status(StackStatus::RollbackComplete);
            DescribeStacksOutput::builder().stacks(stack.build()).build()
        };
        let refuse =
            |name, code: &'static str| named(name).then_error(move || DescribeStacksError::generic(metadata(code)));
        let rules =
            [named("a").then_output(stack), refuse("b", "ValidationError"), refuse("c", "AccessDeniedException")];
        let facts = facts(&rules, "").await;
        let existing = ExistingStack { name: "a".to_owned(), status: "ROLLBACK_COMPLETE".to_owned() };
        assert_eq!(facts.clone().stack("a".to_owned()).await, Ok(Some(existing)));
        assert_eq!(facts.clone().stack("b".to_owned()).await, Ok(None));
        assert_eq!(facts.stack("c".to_owned()).await, unknown("cloudformation:DescribeStacks"));
    }

    #[tokio::test]
    async fn lists_what_a_stack_owns() {
        let rule = mock!(aws_sdk_cloudformation::Client::list_stack_resources).then_output(|| {
            let resource = |id: &str, status: ResourceStatus| {
                let resource = StackResourceSummary::builder().physical_resource_id(id).resource_status(status);
                resource.last_updated_timestamp(std::time::SystemTime::now().into()).build()
            };
            ListStackResourcesOutput::builder()
                .stack_resource_summaries(resource("a-bucket", ResourceStatus::CreateComplete))
                .stack_resource_summaries(resource("kept", ResourceStatus::DeleteSkipped))
                .stack_resource_summaries(resource("gone", ResourceStatus::DeleteComplete))
                .build()
        });
        let owned = facts(&[rule], "").await.owned("a".to_owned()).await;
        assert_eq!(owned, Ok(BTreeSet::from(["a-bucket".to_owned()])));
    }

    #[tokio::test]
    async fn a_type_is_offered_or_not() {
        let named = |name: &'static str| {
            mock!(aws_sdk_cloudformation::Client::describe_type).match_requests(move |request| {
                request.type_name() == Some(name) && request.r#type() == Some(&RegistryType::Resource)
            })
        };
        let schema = r#"{"primaryIdentifier": ["/properties/BucketName"]}"#;
        let rules = [
            named("A").then_output(move || DescribeTypeOutput::builder().schema(schema).build()),
            named("B").then_error(|| {
                let error = TypeNotFoundException::builder().meta(metadata("TypeNotFoundException")).build();
                DescribeTypeError::TypeNotFoundException(error)
            }),
            named("C").then_error(|| DescribeTypeError::generic(metadata("AccessDeniedException"))),
        ];
        let facts = facts(&rules, "").await;
        let schema = Schema { identifier: vec!["BucketName".to_owned()], create: BTreeSet::new() };
        assert_eq!(facts.clone().schema("A".to_owned()).await, Ok(Some(schema)));
        assert_eq!(facts.clone().schema("B".to_owned()).await, Ok(None));
        assert_eq!(facts.schema("C".to_owned()).await, unknown("cloudformation:DescribeType"));
    }

    #[tokio::test]
    async fn a_bucket_is_free_or_belongs_to_an_account() {
        for (status, owner) in [(200, Owner::Own), (404, Owner::Free), (403, Owner::Other), (301, Owner::Other)] {
            let rule = mock!(aws_sdk_s3::Client::head_bucket)
                .then_http_response(move || HttpResponse::new(status.try_into().unwrap(), SdkBody::empty()));
            assert_eq!(facts(&[rule], "").await.bucket("a".to_owned()).await, Ok(owner), "{status}");
        }
        let rule = mock!(aws_sdk_s3::Client::head_bucket)
            .then_http_response(|| HttpResponse::new(400.try_into().unwrap(), SdkBody::empty()));
        let answer = facts(&[rule], "").await.bucket("a".to_owned()).await;
        assert_eq!(answer.unwrap_err().permission, "s3:ListBucket");
    }

    #[tokio::test]
    async fn a_named_resource_exists_or_not() {
        let ask = async |facts: Facts| facts.exists("AWS::Logs::LogGroup".to_owned(), "/a".to_owned()).await;
        let endpoint = server(|request| {
            let body = request.rsplit_once("\r\n\r\n").unwrap().1;
            let is_expected = request.contains("x-amz-target: CloudApiService.GetResource\r\n")
                && body.contains(r#""TypeName":"AWS::Logs::LogGroup""#)
                && body.contains(r#""Identifier":"/a""#);
            (if is_expected { 200 } else { 400 }, "{}".to_owned())
        });
        assert_eq!(ask(facts(&[], &endpoint).await).await, Ok(true));
        assert_eq!(ask(refused("ResourceNotFoundException").await).await, Ok(false));
        assert_eq!(ask(refused("AccessDeniedException").await).await, unknown("cloudformation:GetResource"));
    }

    #[tokio::test]
    async fn reads_the_version_of_the_bootstrap() {
        let ask = async |facts: Facts| facts.bootstrap("/cdk/version").await;
        assert_eq!(ask(answered(200, r#"{"Parameter":{"Value":"28"}}"#).await).await, Ok(Some(28)));
        assert_eq!(ask(refused("ParameterNotFound").await).await, Ok(None));
        assert_eq!(ask(refused("AccessDeniedException").await).await, unknown("ssm:GetParameter"));
    }

    #[tokio::test]
    async fn applied_quotas_replace_the_defaults() {
        let quota = |code: &str, value: f64| json!({"QuotaCode": code, "QuotaName": code, "Value": value});
        let endpoint = server(move |request| {
            let quotas = if request.contains("ServiceQuotasV20190624.ListServiceQuotas\r\n") {
                json!({"Quotas": [quota("L-2", 25.0)]})
            } else if request.contains("\"NextToken\":\"next\"") {
                json!({"Quotas": [quota("L-2", 5.0)]})
            } else {
                json!({"Quotas": [quota("L-1", 1.0)], "NextToken": "next"})
            };
            (200, quotas.to_string())
        });
        let quotas = facts(&[], &endpoint).await.quotas("rekognition", "eu-north-1").await.unwrap();
        let values: Vec<_> = quotas.iter().map(|quota| (quota.code.as_str(), quota.value)).collect();
        assert_eq!(values, [("L-1", 1.0), ("L-2", 25.0)]);
        let answer = refused("AccessDeniedException").await.quotas("rekognition", "eu-north-1").await;
        assert_eq!(answer, unknown("servicequotas:ListAWSDefaultServiceQuotas"));
    }

    #[tokio::test]
    async fn reads_the_limits_of_lambda() {
        let limits = r#"{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":900}}"#;
        let concurrency = answered(200, limits).await.concurrency().await;
        assert_eq!(concurrency, Ok(Concurrency { limit: 1000, unreserved: 900 }));
        assert_eq!(answered(200, "{}").await.concurrency().await.unwrap_err().permission, "lambda:GetAccountSettings");
    }

    #[tokio::test]
    async fn reads_the_role_for_logs() {
        assert_eq!(answered(200, r#"{"throttleSettings":{}}"#).await.log_role().await, Ok(None));
        let role = answered(200, r#"{"cloudwatchRoleArn":"arn:x"}"#).await.log_role().await;
        assert_eq!(role, Ok(Some("arn:x".to_owned())));
        assert_eq!(refused("AccessDeniedException").await.log_role().await, unknown("apigateway:GET on /account"));
    }

    #[tokio::test]
    async fn reads_the_policy_about_ai_services() {
        let content = r#"{"services":{"rekognition":{"opt_out_policy":"optOut"}}}"#;
        let policy = json!({"EffectivePolicy": {"PolicyContent": content}}).to_string();
        let policy = answered(200, &policy).await.opt_out().await;
        assert_eq!(policy, Ok(OptOut::Policy(serde_json::from_str(content).unwrap())));
        assert_eq!(refused("EffectivePolicyNotFoundException").await.opt_out().await, Ok(OptOut::NoPolicy));
        assert_eq!(refused("AWSOrganizationsNotInUseException").await.opt_out().await, Ok(OptOut::NoOrganization));
        let denied = refused("AccessDeniedException").await.opt_out().await;
        assert_eq!(denied, unknown("organizations:DescribeEffectivePolicy"));
    }

    #[tokio::test]
    async fn textract_complains_about_the_document_where_it_is_offered() {
        let ask = async |facts: Facts| facts.analyze_id("eu-west-1").await;
        assert_eq!(ask(refused("UnsupportedDocumentException").await).await, Ok(true));
        assert_eq!(ask(refused("InvalidParameterException").await).await, Ok(true));
        assert_eq!(ask(refused("UnknownOperationException").await).await, Ok(false));
        assert_eq!(ask(refused("AccessDeniedException").await).await, unknown("textract:AnalyzeID"));
        // This name is reserved and never exists: https://www.rfc-editor.org/rfc/rfc6761#section-6.4
        assert_eq!(ask(facts(&[], "http://textract.invalid").await).await, Ok(false));
    }

    #[tokio::test]
    async fn an_inference_profile_is_offered_or_not() {
        let ask = async |facts: Facts| facts.profile("eu.a.b-v1:0".to_owned()).await;
        let endpoint = server(|request| {
            let is_expected = request.starts_with("GET /inference-profiles/eu.a.b-v1%3A0 ");
            (if is_expected { 200 } else { 400 }, "{}".to_owned())
        });
        assert_eq!(ask(facts(&[], &endpoint).await).await, Ok(true));
        assert_eq!(ask(refused("ResourceNotFoundException").await).await, Ok(false));
        assert_eq!(ask(facts(&[], "http://bedrock.invalid").await).await, Ok(false));
        assert_eq!(ask(refused("AccessDeniedException").await).await, unknown("bedrock:GetInferenceProfile"));
    }

    #[tokio::test]
    async fn a_role_can_be_assumed_or_not() {
        let rule = mock!(aws_sdk_sts::Client::assume_role)
            .match_requests(|request| request.role_arn() == Some("arn:deploy"))
            .then_output(|| AssumeRoleOutput::builder().build());
        assert_eq!(facts(&[rule], "").await.assumes("arn:deploy".to_owned()).await, Ok(true));
        let rule =
            mock!(aws_sdk_sts::Client::assume_role).then_error(|| AssumeRoleError::generic(metadata("AccessDenied")));
        assert_eq!(facts(&[rule], "").await.assumes("arn:deploy".to_owned()).await, Ok(false));
    }

    #[tokio::test]
    async fn simulates_actions_in_parts() {
        let endpoint = server(|request| {
            let body = request.rsplit_once("\r\n\r\n").unwrap().1;
            let is_expected = body.contains("PolicySourceArn=arn%3Ax") && !body.contains("member.51=");
            let results = body.split('&').filter_map(|pair| {
                let action = pair.strip_prefix("ActionNames.member.")?.split_once('=')?.1.replace("%3A", ":");
                let decision = if action == "s3:A60" { "implicitDeny" } else { "allowed" };
                Some(format!(
                    "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
                ))
            });
            (if is_expected { 200 } else { 400 }, results.collect())
        });
        let mut actions: BTreeSet<String> = (0..70).map(|number| format!("s3:A{number}")).collect();
        actions.insert("s3:*".to_owned());
        let denied = facts(&[], &endpoint).await.not_allowed("arn:x", &actions).await;
        assert_eq!(denied, Ok(BTreeSet::from(["s3:A60".to_owned()])));
        let refused = refused("AccessDenied").await.not_allowed("arn:x", &actions).await;
        assert_eq!(refused.unwrap_err().permission, "iam:SimulatePrincipalPolicy");
    }

    #[test]
    fn identifies_resources_with_names_of_their_own() {
        let schema = |names: &[&str]| Schema {
            identifier: names.iter().map(ToString::to_string).collect(),
            create: BTreeSet::new(),
        };
        let found = |kind: &str, properties: Value, schema: &Schema| {
            identifier(&Resource { stack: "S", id: "R", kind, properties: &properties }, schema, &account())
        };
        let named = json!({"LogGroupName": {"Fn::Join": ["", ["/a/", {"Ref": "AWS::Region"}]]}});
        assert_eq!(found("AWS::Logs::LogGroup", named, &schema(&["LogGroupName"])).as_deref(), Some("/a/eu-north-1"));
        let unnamed = json!({"KeySchema": []});
        assert_eq!(found("AWS::DynamoDB::Table", unnamed, &schema(&["TableName"])), None);
        let domain = json!({"Domain": "d", "UserPoolId": {"Ref": "Pool"}});
        assert_eq!(found("AWS::Cognito::UserPoolDomain", domain, &schema(&["UserPoolId", "Domain"])), None);
        let machine = found("AWS::StepFunctions::StateMachine", json!({"StateMachineName": "m"}), &schema(&["Arn"]));
        assert_eq!(machine.as_deref(), Some("arn:aws:states:eu-north-1:123456789012:stateMachine:m"));
        assert_eq!(found("AWS::X::Y", json!({}), &schema(&[])), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        assert_eq!(binary(&path), Binary::Missing);
        std::fs::write(&path, "#!/bin/sh").unwrap();
        assert_eq!(binary(&path), Binary::Other);
    }
}
