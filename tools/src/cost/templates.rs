//! The parts of the templates that determine costs: memory, retention, and resources with a monthly price.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::count;
use super::prices::{Bill, Prices};

/// The length of a month in prices.
const HOURS_PER_MONTH: f64 = 365.25 / 12.0 * 24.0;

/// The properties in which resources name their encryption key.
const KEYS: [(&str, &str); 6] = [
    ("AWS::DynamoDB::Table", "/SSESpecification/KMSMasterKeyId"),
    ("AWS::Lambda::Function", "/KmsKeyArn"),
    ("AWS::Logs::LogGroup", "/KmsKeyId"),
    ("AWS::SNS::Topic", "/KmsMasterKeyId"),
    ("AWS::SQS::Queue", "/KmsMasterKeyId"),
    ("AWS::StepFunctions::StateMachine", "/EncryptionConfiguration/KmsKeyId"),
];

/// The deployed resources.
#[derive(Debug, Default)]
pub(super) struct Templates {
    pub(super) is_arm: bool,
    /// Memory by worker.
    pub(super) memory_megabytes: BTreeMap<String, f64>,
    /// Workers with a queue.
    pub(super) queue_fed: BTreeSet<String>,
    /// Workers with a stream, whose reading Lambda does not charge.
    pub(super) stream_fed: BTreeSet<String>,
    /// Retention of objects, including noncurrent versions, by prefix of the key.
    pub(super) object_days: BTreeMap<String, f64>,
    /// Retention of rows and of faces.
    pub(super) record_days: f64,
    /// Retention of logs.
    pub(super) log_days: f64,
    /// Whether a queue is subscribed to the notifications.
    pub(super) is_measured: bool,
    pub(super) alarm_metrics: f64,
    pub(super) dashboards: f64,
    /// Scheduled runs of workers in a month.
    pub(super) scheduled: BTreeMap<String, f64>,
    /// Scheduled executions of machines in a month.
    pub(super) scheduled_executions: f64,
    /// Methods of APIs with metrics of their own.
    pub(super) measured_methods: f64,
    pub(super) secrets: f64,
    pub(super) keys: f64,
    pub(super) encrypted: f64,
}

impl Templates {
    /// Reads the templates of all stacks of a cloud assembly.
    ///
    /// # Errors
    /// When they lack a retention, or have no worker.
    pub(super) fn read(assembly: &Path) -> Result<Self> {
        let mut found = Self::default();
        for entry in fs::read_dir(assembly).with_context(|| format!("{} could not be read", assembly.display()))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".template.json") {
                found.add(&serde_json::from_slice(&fs::read(&path)?).with_context(|| path.display().to_string())?);
            }
        }
        found.complete()
    }

    fn complete(self) -> Result<Self> {
        ensure!(!self.memory_megabytes.is_empty(), "the templates have no worker");
        ensure!(!self.object_days.is_empty(), "the templates have no retention of objects");
        ensure!(self.record_days > 0.0 && self.log_days > 0.0, "the templates have no retention of rows or logs");
        Ok(self)
    }

    fn add(&mut self, template: &Value) {
        let resources = template["Resources"].as_object().into_iter().flatten();
        let resources: BTreeMap<_, _> = resources
            .filter_map(|(id, resource)| Some((id.as_str(), (resource["Type"].as_str()?, &resource["Properties"]))))
            .collect();
        for (kind, properties) in resources.values() {
            self.add_resource(kind, properties, &resources);
        }
    }

    fn add_resource(&mut self, kind: &str, properties: &Value, resources: &BTreeMap<&str, (&str, &Value)>) {
        let has_key = |(of, key): &&(&str, &str)| *of == kind && properties.pointer(key).is_some();
        self.encrypted += count(KEYS.iter().filter(has_key).count());
        match kind {
            "AWS::Lambda::Function" => {
                let Some(worker) = worker(properties) else { return };
                self.memory_megabytes.insert(worker, properties["MemorySize"].as_f64().unwrap_or(128.0));
                self.is_arm |= properties["Architectures"][0] == "arm64";
            }
            "AWS::StepFunctions::StateMachine" => {
                // Those of customers, from the end of the relationship on.
                let days = |retentions: &str| {
                    let mut retentions = properties["DefinitionSubstitutions"][retentions].as_str()?.split(',');
                    retentions.find_map(|one| one.strip_prefix("customer=")?.parse().ok())
                };
                self.record_days = days("RetentionDays").unwrap_or(self.record_days);
                self.object_days.extend(days("EvidenceRetentionDays").map(|days| ("evidence/".to_owned(), days)));
            }
            "AWS::Lambda::EventSourceMapping" => {
                let function = properties["FunctionName"]["Ref"].as_str().and_then(|id| resources.get(id));
                // Only streams have a position.
                let is_stream = properties["StartingPosition"].is_string();
                let fed = if is_stream { &mut self.stream_fed } else { &mut self.queue_fed };
                fed.extend(function.and_then(|(_, properties)| worker(properties)));
            }
            "AWS::S3::Bucket" => {
                for rule in properties["LifecycleConfiguration"]["Rules"].as_array().into_iter().flatten() {
                    // A rule without a prefix belongs to another bucket, or only cleans up.
                    if let (Some(prefix), Some(days)) = (rule["Prefix"].as_str(), rule["ExpirationInDays"].as_f64()) {
                        // An expired version becomes noncurrent and is kept for this long.
                        let noncurrent = rule["NoncurrentVersionExpiration"]["NoncurrentDays"].as_f64();
                        self.object_days.insert(prefix.to_owned(), days + noncurrent.unwrap_or_default());
                    }
                }
            }
            "AWS::Logs::LogGroup" => {
                self.log_days = self.log_days.max(properties["RetentionInDays"].as_f64().unwrap_or_default());
            }
            "AWS::Events::Rule" => {
                let Some(runs) = properties["ScheduleExpression"].as_str().and_then(runs_a_month) else { return };
                for target in properties["Targets"].as_array().into_iter().flatten() {
                    // A function is named by its attribute Arn; a machine by a reference, which is its ARN.
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
                self.alarm_metrics += count(watched);
            }
            "AWS::CloudWatch::Dashboard" => self.dashboards += 1.0,
            "AWS::SecretsManager::Secret" => self.secrets += 1.0,
            "AWS::KMS::Key" => self.keys += 1.0,
            _ => {}
        }
    }

    /// The meter of this architecture.
    pub(super) fn lambda_second(&self) -> &'static str {
        if self.is_arm { "lambdaSecondArm" } else { "lambdaSecondX86" }
    }

    /// The bill of a month without applications. `metrics` is the number of custom metrics.
    pub(super) fn fixed_month(&self, metrics: usize, prices: &Prices) -> Result<Bill> {
        let mut bill = Bill::default();
        bill.add("alarmMonth", self.alarm_metrics);
        bill.add("dashboardMonth", self.dashboards);
        bill.add("metricMonth", count(metrics) + self.measured_methods * prices.assumed("apiMetricsPerRoute")?);
        bill.add("secretMonth", self.secrets);
        bill.add("keyMonth", self.keys);
        bill.add("keyRequest", self.encrypted * prices.assumed("keyRequestsPerResourceAndMonth")?);
        for (worker, runs) in &self.scheduled {
            let gigabytes = self.memory_megabytes.get(worker).map_or(0.0, |megabytes| megabytes / 1024.0);
            bill.add("lambdaRequest", *runs);
            bill.add(self.lambda_second(), runs * prices.milliseconds(worker)? / 1000.0 * gigabytes);
            bill.add("trace", *runs);
        }
        let transitions = prices.assumed("transitionsPerScheduledExecution")?;
        bill.add("stateTransition", self.scheduled_executions * transitions);
        bill.add("sqsRequest", count(self.queue_fed.len()) * prices.assumed("pollsPerQueueAndMonth")?);
        Ok(bill)
    }
}

/// The runs a month of a schedule like `rate(1 hour)`; rules without one react to events.
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

/// The number of methods in an API's description, without catch-all methods, which are called by mistake only.
fn methods(body: &Value) -> f64 {
    let paths = body["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let methods = paths.filter_map(Value::as_object).flat_map(|path| path.keys());
    count(methods.filter(|method| ["get", "post", "put", "patch", "delete"].contains(&method.as_str())).count())
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
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    fn template() -> Value {
        json!({"Resources": {
            "Starter": {"Type": "AWS::Lambda::Function", "Properties": {
                "FunctionName": "bonafide-a-b-starter", "MemorySize": 256, "Architectures": ["x86_64"],
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
            "Repair": {"Type": "AWS::Lambda::Function", "Properties": {
                "FunctionName": "bonafide-a-b-repair-faces", "MemorySize": 256, "Tags": [{"Key": "stage", "Value": "a-b"}],
            }},
            "Hourly": {"Type": "AWS::Events::Rule", "Properties": {
                "ScheduleExpression": "rate(2 hours)", "Targets": [{"Arn": {"Fn::GetAtt": ["Repair", "Arn"]}}],
            }},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionSubstitutions": {
                "RetentionDays": "unfinished=365,customer=1827", "EvidenceRetentionDays": "unfinished=90,customer=1000",
            }}},
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

    fn read(template: &Value) -> Result<Templates> {
        let mut templates = Templates::default();
        templates.add(template);
        templates.complete()
    }

    fn near(found: f64, right: f64) {
        assert!((found - right).abs() < 1e-9, "{found} instead of {right}");
    }

    #[test]
    fn reads_memory_and_retentions() {
        let templates = read(&template()).unwrap();
        near(templates.memory_megabytes["starter"], 256.0);
        assert!(templates.queue_fed.contains("starter") && !templates.is_arm && !templates.is_measured);
        // 30 days, and 30 more as a noncurrent version.
        near(templates.object_days["zipped/"], 60.0);
        near(templates.record_days, 1827.0);
        near(templates.object_days["evidence/"], 1000.0);
        near(templates.log_days, 90.0);
        let mut without = template();
        without["Resources"]["Bucket"]["Properties"] = json!({});
        without["Resources"]["Machine"]["Properties"] = json!({});
        read(&without).unwrap_err();
    }

    #[test]
    fn bills_a_month_without_applications() {
        let bill = read(&template()).unwrap().fixed_month(10, &Prices::included().unwrap()).unwrap();
        near(bill.of("alarmMonth"), 3.0);
        near(bill.of("dashboardMonth"), 1.0);
        // Five for each of the two methods.
        near(bill.of("metricMonth"), 10.0 + 10.0);
        // Every other hour; the rule for events has no time. 0.3 s with 256 MB.
        near(bill.of("lambdaRequest"), 365.25);
        near(bill.of("lambdaSecondX86"), 365.25 * 0.3 / 4.0);
        // Three states once a day.
        near(bill.of("stateTransition"), 3.0 * 730.5 / 24.0);
        near(bill.of("secretMonth"), 1.0);
        near(bill.of("keyMonth"), 1.0);
        near(bill.of("keyRequest"), 17_520.0);
        near(bill.of("sqsRequest"), 648_000.0);
    }
}
