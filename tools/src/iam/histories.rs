//! The calls of state machines to other services, read from the scheduled tasks in the histories of their executions.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::platform::{self, Fact};
use super::{Call, Values};
use crate::history::Trace;

/// The [managed rule](https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html#connect-iam-sync-async)
/// by which a machine is notified of the ends of its children; it has this name in every account and region.
const MANAGED_RULE: &str = "StepFunctionsGetEventsForStepFunctionsExecutionRule";

/// Region and account of ARNs.
#[derive(Debug, Clone, Copy)]
struct Place<'arn> {
    region: &'arn str,
    account: &'arn str,
}

impl Place<'_> {
    fn arn(self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }
}

/// The calls of the machine's role, and those in its name, in one execution.
pub(super) fn calls(trace: &Trace) -> Result<Vec<Call>> {
    let place = place(&trace.execution)?;
    let mut calls = Vec::new();
    let mut waits = false;
    for event in &trace.events {
        let Some(scheduled) = event.get("taskScheduledEventDetails") else { continue };
        let text = |name: &str| scheduled[name].as_str().unwrap_or_default();
        let integration = format!("{}:{}", text("resourceType"), text("resource"));
        let asked = serde_json::from_str(text("parameters"))
            .with_context(|| format!("{} has no parameters of {integration}", trace.execution))?;
        calls.extend(of_task(&integration, &asked, place).with_context(|| trace.execution.clone())?);
        waits |= integration.contains(".sync");
    }
    if waits {
        for child in trace.children() {
            calls.extend(platform::calls(Fact::WaitsForExecution, &child));
        }
        calls.extend(platform::calls(Fact::HearsOfExecutions, &place.arn("events", &format!("rule/{MANAGED_RULE}"))));
    }
    Ok(calls)
}

/// The call of the rule that started this execution, if a rule did: `EventBridge` gives every event an id.
pub(super) fn call_of_rule(trace: &Trace, machine: &str) -> Option<Call> {
    trace.input["id"].is_string().then(|| Call::from_history("states:StartExecution", machine))
}

fn place(arn: &str) -> Result<Place<'_>> {
    let mut segments = arn.split(':').skip(3);
    let (region, account) = (segments.next(), segments.next());
    Ok(Place { region: region.context("no region")?, account: account.context("no account")? })
}

/// The calls of a task. The integration may begin with `aws-sdk:` and end with a pattern (`.sync:2`).
fn of_task(integration: &str, asked: &Value, place: Place<'_>) -> Result<Vec<Call>> {
    let name = integration.strip_prefix("aws-sdk:").unwrap_or(integration);
    let (service, operation) = name.split_once(':').context("an integration without an operation")?;
    let operation = operation.split('.').next().unwrap_or_default();
    let argument =
        |name: &str| asked[name].as_str().with_context(|| format!("{integration} was called without {name}"));
    // The operation begins with a small letter, the action with a capital one.
    let action = |service: &str| {
        let (first, rest) = operation.split_at(1);
        format!("{service}:{}{rest}", first.to_uppercase())
    };
    Ok(match service {
        "lambda" => vec![Call::from_history("lambda:InvokeFunction", argument("FunctionName")?)],
        "sns" => vec![Call::from_history(&action("sns"), argument("TopicArn")?)],
        "sqs" => {
            let queue = argument("QueueUrl")?.rsplit('/').next().unwrap_or_default();
            vec![Call::from_history(&action("sqs"), place.arn("sqs", queue))]
        }
        "dynamodb" => {
            let index = asked["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            let table = place.arn("dynamodb", &format!("table/{}{index}", argument("TableName")?));
            let mut call = Call::from_history(&action("dynamodb"), table);
            if ["getItem", "query"].contains(&operation) {
                call.request.context = read(asked);
            }
            vec![call]
        }
        "states" | "sfn" if operation == "startExecution" => {
            vec![Call::from_history("states:StartExecution", argument("StateMachineArn")?)]
        }
        "sfn" => vec![Call::from_history(&action("states"), argument("ExecutionArn")?)],
        "rekognition" => {
            let collection =
                asked["CollectionId"].as_str().map(|id| place.arn("rekognition", &format!("collection/{id}")));
            let mut calls = vec![Call::from_history(&action("rekognition"), collection.as_deref().unwrap_or("*"))];
            objects(asked, &mut calls);
            calls
        }
        _ => bail!("which permission does {integration} need?"),
    })
}

/// The condition keys of a read in `DynamoDB`: the top-level names of the attributes, including the key's, and whether attributes were
/// named. A write has them as well, but no policy here uses them.
fn read(asked: &Value) -> BTreeMap<String, Values> {
    let select = |how: &str| ("dynamodb:Select".to_owned(), Values::One(how.to_owned()));
    let Some(projection) = asked["ProjectionExpression"].as_str() else {
        return BTreeMap::from([select("ALL_ATTRIBUTES")]);
    };
    let keys = asked["Key"].as_object().into_iter().flat_map(|key| key.keys().cloned());
    let name = |name: &str| asked["ExpressionAttributeNames"][name].as_str().unwrap_or(name).to_owned();
    let conditions =
        ["KeyConditionExpression", "FilterExpression"].map(|part| asked[part].as_str().unwrap_or_default());
    let compared = conditions.into_iter().flat_map(compared).map(name);
    let projected = projection.split(',').map(|path| name(path.split(['.', '[']).next().unwrap_or_default().trim()));
    let attributes = keys.chain(compared).chain(projected).collect();
    let attributes = ("dynamodb:Attributes".to_owned(), Values::Many(attributes));
    BTreeMap::from([attributes, select("SPECIFIC_ATTRIBUTES")])
}

/// The top-level names in a condition such as `#status = :status AND (attribute_not_exists(heldAt) OR at BETWEEN :after AND :before)`.
fn compared(condition: &str) -> impl Iterator<Item = &str> {
    const WORDS: [&str; 7] = ["AND", "OR", "NOT", "BETWEEN", "IN", "attribute_exists", "attribute_not_exists"];
    let words = condition.split(|part: char| !(part.is_ascii_alphanumeric() || "_#:.".contains(part)));
    let names = words.filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '#'));
    names.filter(|word| !WORDS.contains(word)).filter_map(|path| path.split('.').next())
}

/// Rekognition reads every `S3Object` with the permissions of the caller.
fn objects(value: &Value, calls: &mut Vec<Call>) {
    if let Some(object) = value.get("S3Object") {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let arn = format!("arn:aws:s3:::{}/{}", text("Bucket"), text("Name"));
        if object["Version"].is_string() {
            calls.push(Call::from_history("s3:GetObjectVersion", &arn));
            calls.extend(platform::calls(Fact::LooksAtPicture, &arn));
        } else {
            calls.push(Call::from_history("s3:GetObject", arn));
        }
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|field| objects(field, calls)),
        Value::Array(items) => items.iter().for_each(|item| objects(item, calls)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(calls: &[Call]) -> Vec<String> {
        calls.iter().map(|call| format!("{} on {}", call.request.action, call.request.resource)).collect()
    }

    #[track_caller]
    fn needs(integration: &str, asked: &Value, expected: &[&str]) {
        let place = Place { region: "us-east-1", account: "000000000000" };
        let calls = of_task(integration, asked, place).expect("known");
        assert_eq!(made(&calls), expected, "{integration}");
    }

    #[test]
    fn each_integration_needs_its_permission_on_what_it_was_asked_for() {
        let function = "arn:aws:lambda:us-east-1:000000000000:function:f:7";
        needs("lambda:invoke", &json!({"FunctionName": function}), &[&format!("lambda:InvokeFunction on {function}")]);
        needs(
            "sqs:sendMessage.waitForTaskToken",
            &json!({"QueueUrl": "http://127.0.0.1:4566/000000000000/q", "MessageBody": {}}),
            &["sqs:SendMessage on arn:aws:sqs:us-east-1:000000000000:q"],
        );
        needs(
            "aws-sdk:dynamodb:query",
            &json!({"TableName": "t", "IndexName": "i"}),
            &["dynamodb:Query on arn:aws:dynamodb:us-east-1:000000000000:table/t/index/i"],
        );
        needs(
            "dynamodb:updateItem",
            &json!({"TableName": "t"}),
            &["dynamodb:UpdateItem on arn:aws:dynamodb:us-east-1:000000000000:table/t"],
        );
        needs("sns:publish", &json!({"TopicArn": "arn:topic"}), &["sns:Publish on arn:topic"]);
        for start in ["states:startExecution.sync:2", "aws-sdk:sfn:startExecution"] {
            needs(start, &json!({"StateMachineArn": "arn:machine"}), &["states:StartExecution on arn:machine"]);
        }
        needs(
            "aws-sdk:sfn:getExecutionHistory",
            &json!({"ExecutionArn": "arn:execution"}),
            &["states:GetExecutionHistory on arn:execution"],
        );
    }

    #[test]
    fn pictures_are_read_with_the_machine_s_rights() {
        let picture = |key: &str| json!({"S3Object": {"Bucket": "b", "Name": key, "Version": "v"}});
        needs(
            "aws-sdk:rekognition:compareFaces",
            &json!({"SourceImage": picture("one"), "TargetImage": picture("two")}),
            &[
                "rekognition:CompareFaces on *",
                "s3:GetObjectVersion on arn:aws:s3:::b/one",
                "s3:GetObject on arn:aws:s3:::b/one",
                "s3:GetObjectVersion on arn:aws:s3:::b/two",
                "s3:GetObject on arn:aws:s3:::b/two",
            ],
        );
        needs(
            "aws-sdk:rekognition:indexFaces",
            &json!({"CollectionId": "c", "Image": {"S3Object": {"Bucket": "b", "Name": "one"}}}),
            &[
                "rekognition:IndexFaces on arn:aws:rekognition:us-east-1:000000000000:collection/c",
                "s3:GetObject on arn:aws:s3:::b/one",
            ],
        );
    }

    #[test]
    fn a_read_names_its_attributes() {
        let one = |value: &str| Values::One(value.to_owned());
        assert_eq!(
            read(&json!({"Key": {"id": {"S": "a"}}})),
            [("dynamodb:Select".to_owned(), one("ALL_ATTRIBUTES"))].into()
        );
        let named = read(&json!({
            "Key": {"id": {"S": "a"}},
            "ProjectionExpression": "#s, checks.reasons, list[0]",
            "ExpressionAttributeNames": {"#s": "selfie"},
        }));
        let expected = ["id", "selfie", "checks", "list"].map(str::to_owned).to_vec();
        assert_eq!(named["dynamodb:Attributes"], Values::Many(expected));
        let queried = read(&json!({
            "KeyConditionExpression": "#s = :status AND at < :before",
            "ProjectionExpression": "id",
            "ExpressionAttributeNames": {"#s": "status"},
        }));
        let expected = ["status", "at", "id"].map(str::to_owned).to_vec();
        assert_eq!(queried["dynamodb:Attributes"], Values::Many(expected));
        let filtered = read(&json!({
            "KeyConditionExpression": "retention = :retention AND since BETWEEN :after AND :until",
            "FilterExpression": "attribute_not_exists(heldAt) AND (attribute_not_exists(erasedAt) OR erasedAt < :before)",
            "ProjectionExpression": "id",
        }));
        let expected = ["retention", "since", "heldAt", "erasedAt", "erasedAt", "id"].map(str::to_owned).to_vec();
        assert_eq!(filtered["dynamodb:Attributes"], Values::Many(expected));
        assert_eq!(named["dynamodb:Select"], one("SPECIFIC_ATTRIBUTES"));
    }

    #[test]
    fn an_unknown_integration_is_an_error() {
        let place = Place { region: "us-east-1", account: "000000000000" };
        for (integration, asked) in [
            ("glue:startJobRun.sync", json!({})),
            ("sns:publish", json!({})),
            ("arn:aws:lambda:us-east-1:000000000000:function:f", json!({})),
        ] {
            of_task(integration, &asked, place).expect_err(integration);
        }
    }
}
