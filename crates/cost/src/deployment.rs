//! What the templates say about costs: memory, retentions, and what is paid for every month.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::bill::Usage;
use crate::prices::{Assumed, Meter};

/// As prices for a month assume.
const HOURS_PER_MONTH: f64 = 365.25 / 12.0 * 24.0;

/// What is deployed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Do the workers run on arm64?
    pub is_arm: bool,
    /// By worker.
    pub memory_megabytes: BTreeMap<String, f64>,
    /// Workers that a queue feeds.
    pub queue_fed: BTreeSet<String>,
    /// How long objects stay, noncurrent versions included, by prefix of the key.
    pub object_days: BTreeMap<String, f64>,
    /// How long rows stay; faces are kept as long.
    pub record_days: f64,
    /// How long logs stay.
    pub log_days: f64,
    /// Does a queue hear every notification?
    pub is_measured: bool,
    pub(crate) alarm_metrics: f64,
    pub(crate) dashboards: f64,
    /// Runs of workers by the clock, in a month.
    pub(crate) scheduled: BTreeMap<String, f64>,
    /// Executions of machines by the clock, in a month.
    pub(crate) scheduled_executions: f64,
    /// Methods of APIs that have metrics of their own.
    pub(crate) measured_methods: f64,
    pub(crate) secrets: f64,
    pub(crate) keys: f64,
    pub(crate) encrypted: f64,
}

/// What a template lacks.
#[derive(Debug, thiserror::Error)]
#[error("the templates do not tell {0}")]
pub struct Untold(&'static str);

impl Deployment {
    /// Reads the templates of all stacks.
    ///
    /// # Errors
    /// When they lack a retention, or have no worker.
    pub fn from_templates<'template>(templates: impl IntoIterator<Item = &'template Value>) -> Result<Self, Untold> {
        let mut deployment = Self::default();
        for template in templates {
            let resources: BTreeMap<_, _> = template["Resources"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(id, resource)| Some((id.as_str(), (resource["Type"].as_str()?, &resource["Properties"]))))
                .collect();
            for (kind, properties) in resources.values() {
                deployment.read(kind, properties, &resources);
            }
        }
        if deployment.memory_megabytes.is_empty() {
            return Err(Untold("of any worker"));
        }
        if deployment.object_days.is_empty() {
            return Err(Untold("how long objects are kept"));
        }
        if deployment.record_days <= 0.0 || deployment.log_days <= 0.0 {
            return Err(Untold("how long rows and logs are kept"));
        }
        Ok(deployment)
    }

    fn read(&mut self, kind: &str, properties: &Value, resources: &BTreeMap<&str, (&str, &Value)>) {
        let uses_key = |names: &[&str]| names.iter().any(|name| !properties[*name].is_null());
        match kind {
            "AWS::Lambda::Function" => {
                let Some(worker) = worker(properties) else { return };
                self.memory_megabytes.insert(worker, properties["MemorySize"].as_f64().unwrap_or(128.0));
                self.is_arm |= properties["Architectures"][0] == "arm64";
                let days = properties["Environment"]["Variables"]["RECORD_RETENTION_DAYS"].as_str();
                self.record_days = days.and_then(|days| days.parse().ok()).unwrap_or(self.record_days);
                self.encrypted += f64::from(u8::from(uses_key(&["KmsKeyArn"])));
            }
            "AWS::Lambda::EventSourceMapping" => {
                let function = properties["FunctionName"]["Ref"].as_str().and_then(|id| resources.get(id));
                self.queue_fed.extend(function.and_then(|(_, properties)| worker(properties)));
            }
            "AWS::S3::Bucket" => {
                for rule in properties["LifecycleConfiguration"]["Rules"].as_array().into_iter().flatten() {
                    // A rule without a prefix is about another bucket, or about what was left behind.
                    if let (Some(prefix), Some(days)) = (rule["Prefix"].as_str(), rule["ExpirationInDays"].as_f64()) {
                        // Expired, a version is only noncurrent, and stays for this long.
                        let noncurrent = rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_f64();
                        self.object_days.insert(prefix.to_owned(), days + noncurrent.unwrap_or_default());
                    }
                }
            }
            "AWS::Logs::LogGroup" => {
                self.log_days = self.log_days.max(properties["RetentionInDays"].as_f64().unwrap_or_default());
                self.encrypted += f64::from(u8::from(uses_key(&["KmsKeyId"])));
            }
            "AWS::Events::Rule" => {
                let Some(runs) = properties["ScheduleExpression"].as_str().and_then(runs_a_month) else { return };
                for target in properties["Targets"].as_array().into_iter().flatten() {
                    // A function by its ARN, which is an attribute of it; a machine by its name, which is its ARN.
                    let name = target["Arn"]["Fn::GetAtt"][0].as_str().or(target["Arn"]["Ref"].as_str());
                    match name.and_then(|name| resources.get(name)) {
                        Some((_, properties)) if properties["FunctionName"].is_string() => {
                            self.scheduled.extend(worker(properties).map(|worker| (worker, runs)));
                        }
                        _ => self.scheduled_executions += runs,
                    }
                }
            }
            "AWS::ApiGateway::Stage" => {
                let settings = properties["MethodSettings"].as_array().into_iter().flatten();
                let is_measured = settings.filter(|setting| setting["MetricsEnabled"] == true).count() > 0;
                let api = properties["RestApiId"]["Ref"].as_str().and_then(|id| resources.get(id));
                if let Some((_, api)) = api.filter(|_| is_measured) {
                    self.measured_methods += methods(&api["Body"]);
                }
            }
            "AWS::SNS::Subscription" => self.is_measured |= properties["Protocol"] == "sqs",
            "AWS::CloudWatch::Alarm" => {
                // An alarm on an expression watches every metric in it.
                let metrics = properties["Metrics"].as_array().into_iter().flatten();
                let watched = metrics.filter(|metric| metric["MetricStat"].is_object()).count().max(1);
                self.alarm_metrics += f64::from(u32::try_from(watched).unwrap_or(u32::MAX));
            }
            "AWS::CloudWatch::Dashboard" => self.dashboards += 1.0,
            "AWS::SecretsManager::Secret" => self.secrets += 1.0,
            "AWS::KMS::Key" => self.keys += 1.0,
            "AWS::SQS::Queue" | "AWS::SNS::Topic" => {
                self.encrypted += f64::from(u8::from(uses_key(&["KmsMasterKeyId"])));
            }
            "AWS::DynamoDB::Table" => {
                let key = &properties["SSESpecification"]["KMSMasterKeyId"];
                self.encrypted += f64::from(u8::from(!key.is_null()));
            }
            "AWS::StepFunctions::StateMachine" => {
                let is_own = properties["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY";
                self.encrypted += f64::from(u8::from(is_own));
            }
            _ => {}
        }
    }

    /// Of this architecture.
    #[must_use]
    pub fn lambda_second(&self) -> Meter {
        if self.is_arm { Meter::LambdaSecondArm } else { Meter::LambdaSecondX86 }
    }

    /// What is paid for every month, whether or not anybody applies. `metrics` is the number of custom metrics.
    #[must_use]
    pub fn fixed_month(&self, metrics: f64, assumed: &Assumed) -> Usage {
        let mut usage = Usage::default();
        usage.add(Meter::AlarmMonth, self.alarm_metrics);
        usage.add(Meter::DashboardMonth, self.dashboards);
        usage.add(Meter::MetricMonth, metrics + self.measured_methods * assumed.api_metrics_per_route.value);
        usage.add(Meter::SecretMonth, self.secrets);
        usage.add(Meter::KeyMonth, self.keys);
        usage.add(Meter::KeyRequest, self.encrypted * assumed.key_requests_per_resource_and_month.value);
        for (worker, runs) in &self.scheduled {
            let seconds = assumed.lambda_milliseconds.get(worker).map_or(0.0, |assumed| assumed.value / 1000.0);
            let gigabytes = self.memory_megabytes.get(worker).map_or(0.0, |megabytes| megabytes / 1024.0);
            usage.add(Meter::LambdaRequest, *runs);
            usage.add(self.lambda_second(), runs * seconds * gigabytes);
            usage.add(Meter::Trace, *runs);
        }
        let transitions = assumed.transitions_per_scheduled_execution.value;
        usage.add(Meter::StateTransition, self.scheduled_executions * transitions);
        let queues = u32::try_from(self.queue_fed.len()).unwrap_or(u32::MAX);
        usage.add(Meter::SqsRequest, f64::from(queues) * assumed.polls_per_queue_and_month.value);
        usage
    }

    /// Do the data have keys of the account?
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys > 0.0
    }
}

/// `rate(1 hour)`; other rules are those of events.
fn runs_a_month(schedule: &str) -> Option<f64> {
    let rate = schedule.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = rate.split_once(' ')?;
    let hours = match unit.trim_end_matches('s') {
        "minute" => 1.0 / 60.0,
        "hour" => 1.0,
        "day" => 24.0,
        _ => return None,
    };
    Some(HOURS_PER_MONTH / (count.parse::<f64>().ok()? * hours))
}

/// How many methods an API's description has; those for whatever else is asked are called by mistake only.
fn methods(body: &Value) -> f64 {
    let paths = body["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let methods = paths.filter_map(Value::as_object).flat_map(|path| path.keys());
    let count = methods.filter(|method| ["get", "post", "put", "patch", "delete"].contains(&method.as_str())).count();
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The name of the worker behind a function: `bonafide-<stage>-<worker>`.
fn worker(properties: &Value) -> Option<String> {
    let name = properties["FunctionName"].as_str()?;
    // The stage is a tag, and may have hyphens as the worker has.
    let tags = properties["Tags"].as_array()?;
    let stage = tags.iter().find(|tag| tag["Key"] == "stage")?["Value"].as_str()?;
    name.strip_prefix(&format!("bonafide-{stage}-")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::prices::PriceList;

    fn template() -> Value {
        json!({"Resources": {
            "Starter": {"Type": "AWS::Lambda::Function", "Properties": {
                "FunctionName": "bonafide-a-b-starter", "MemorySize": 256, "Architectures": ["x86_64"],
                "Environment": {"Variables": {"RECORD_RETENTION_DAYS": "1827"}},
                "Tags": [{"Key": "stage", "Value": "a-b"}],
            }},
            "Messages": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "Starter"}}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": [
                {"Prefix": "zipped/", "ExpirationInDays": 30, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
                {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
            ]}}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90, "KmsKeyId": "arn"}},
            "Simple": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
            "Math": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [
                {"Expression": "a+b"}, {"MetricStat": {}}, {"MetricStat": {}},
            ]}},
            "Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}},
            "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
            "Hourly": {"Type": "AWS::Events::Rule", "Properties": {
                "ScheduleExpression": "rate(2 hours)", "Targets": [{"Arn": {"Fn::GetAtt": ["Starter", "Arn"]}}],
            }},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}},
            "Daily": {"Type": "AWS::Events::Rule", "Properties": {
                "ScheduleExpression": "rate(1 day)", "Targets": [{"Arn": {"Ref": "Machine"}}],
            }},
            "OfEvents": {"Type": "AWS::Events::Rule", "Properties": {
                "EventPattern": {}, "Targets": [{"Arn": {"Fn::GetAtt": ["Starter", "Arn"]}}],
            }},
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": {"paths": {
                "/faces": {"get": {}, "delete": {}, "parameters": []},
                "/{route+}": {"x-amazon-apigateway-any-method": {}, "parameters": []},
            }}}},
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {
                "RestApiId": {"Ref": "Api"}, "MethodSettings": [{"HttpMethod": "*", "MetricsEnabled": true}],
            }},
        }})
    }

    #[test]
    fn reads_memory_and_retentions() {
        let deployment = Deployment::from_templates([&template()]).expect("a deployment");
        let near = |found: f64, right: f64| assert!((found - right).abs() < 1e-9, "{found} instead of {right}");
        near(deployment.memory_megabytes["starter"], 256.0);
        assert!(deployment.queue_fed.contains("starter"));
        // 30 days, and 30 more as a noncurrent version.
        near(deployment.object_days["zipped/"], 60.0);
        near(deployment.record_days, 1827.0);
        near(deployment.log_days, 90.0);
        assert!(!deployment.is_arm && !deployment.is_measured && deployment.has_keys());
    }

    #[test]
    fn bills_a_month_without_applications() {
        let list = PriceList::included().expect("the included list");
        let usage = Deployment::from_templates([&template()]).expect("a deployment").fixed_month(10.0, &list.assumed);
        // 3 watched metrics, 1 dashboard, 10 metrics, and 5 for each of the two methods
        let costs = usage.as_month(&list);
        assert!((costs.of("CloudWatch") - (0.3 + 3.0 + 3.0 + 3.0)).abs() < 1e-9);
        // Every other hour; the rule for events has no time. 0.6 s with 256 MB.
        let runs = 365.25;
        assert!((usage.of(Meter::LambdaRequest) - runs).abs() < 1e-9);
        assert!((usage.of(Meter::LambdaSecondX86) - runs * 0.6 / 4.0).abs() < 1e-9);
        assert!((usage.of(Meter::Trace) - runs).abs() < 1e-9);
        // Three states once a day.
        assert!((usage.of(Meter::StateTransition) - 3.0 * 730.5 / 24.0).abs() < 1e-9);
        assert!((costs.of("Secrets Manager") - 0.4).abs() < 1e-9);
        // 1 key, 1 log group with it
        assert!((costs.of("KMS") - (1.0 + 17_520.0 * 0.000_003)).abs() < 1e-9);
        assert!((costs.of("SQS") - 648_000.0 * 0.000_000_4).abs() < 1e-9, "polls of one queue");
    }

    #[test]
    fn does_not_guess_a_retention() {
        let mut template = template();
        template["Resources"]["Bucket"]["Properties"] = json!({});
        assert!(Deployment::from_templates([&template]).is_err());
    }
}
