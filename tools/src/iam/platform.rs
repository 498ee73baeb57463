//! The calls of AWS's platform in the name of a role, as AWS documents them. The emulator makes none of them with the role's permissions,
//! so this table replaces the recording: each row applies to resources with a certain property and links the page that documents it.

use std::collections::BTreeMap;

use super::{Call, Evidence, Request};

/// A behaviour of the platform that needs permissions.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// Its name in reports.
    pub name: &'static str,
    /// The property on which it depends.
    pub applies: Fact,
    /// The actions that AWS then calls.
    pub actions: &'static [&'static str],
    /// The page that documents it.
    pub documentation: &'static str,
}

/// A property of the deployment or of an execution on which a behaviour depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The function takes messages from this queue.
    TakesMessages,
    /// The function receives the changes of a table from this stream.
    ReceivesChanges,
    /// The function receives the changes of a table, so that streams are listed for it.
    FindsStream,
    /// The function's logs go to this group, and streams exist in it.
    WritesLogs,
    /// The function is traced.
    IsTracedFunction,
    /// The machine is traced.
    IsTracedMachine,
    /// The machine logs to `CloudWatch`.
    LogsDelivered,
    /// The machine started this execution and waits for its end (`.sync`).
    WaitsForExecution,
    /// The machine has waited for executions, about which a managed rule notifies it.
    HearsOfExecutions,
    /// Rekognition was given a version of this picture.
    LooksAtPicture,
    /// Textract was given a version of this document.
    ReadsDocument,
    /// The rule starts this machine on a schedule, at longer intervals than the tests take.
    StartsBySchedule,
}

/// All of them.
pub const CALLS: [Behaviour; 13] = [
    Behaviour {
        name: "event source mapping",
        applies: Fact::TakesMessages,
        actions: &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        documentation: "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    },
    Behaviour {
        name: "event source mapping of a stream",
        applies: Fact::ReceivesChanges,
        actions: &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
        documentation: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html",
    },
    Behaviour {
        name: "event source mapping that finds its stream",
        applies: Fact::FindsStream,
        actions: &["dynamodb:ListStreams"],
        documentation: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html",
    },
    Behaviour {
        name: "log stream of a function",
        applies: Fact::WritesLogs,
        actions: &["logs:CreateLogStream", "logs:PutLogEvents"],
        documentation: "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html",
    },
    Behaviour {
        name: "active tracing of a function",
        applies: Fact::IsTracedFunction,
        actions: &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        documentation: "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    },
    Behaviour {
        name: "tracing of a machine",
        applies: Fact::IsTracedMachine,
        actions: &[
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
        ],
        documentation: "https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html",
    },
    Behaviour {
        name: "log delivery of a machine",
        applies: Fact::LogsDelivered,
        actions: &[
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        ],
        documentation: "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy",
    },
    Behaviour {
        name: "polling a child (.sync)",
        applies: Fact::WaitsForExecution,
        actions: &["states:DescribeExecution"],
        documentation: "https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html",
    },
    Behaviour {
        name: "stopping a child with its parent (.sync)",
        applies: Fact::WaitsForExecution,
        actions: &["states:StopExecution"],
        documentation: "https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync",
    },
    Behaviour {
        name: "managed rule about children (.sync)",
        applies: Fact::HearsOfExecutions,
        actions: &["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        documentation: "https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html",
    },
    // It is recorded that a version is read with GetObjectVersion. Whether GetObject is required as well is not documented, only that the
    // caller must have access to the object.
    Behaviour {
        name: "picture for Rekognition",
        applies: Fact::LooksAtPicture,
        actions: &["s3:GetObject"],
        documentation: "https://docs.aws.amazon.com/rekognition/latest/APIReference/API_S3Object.html",
    },
    Behaviour {
        name: "document for Textract",
        applies: Fact::ReadsDocument,
        actions: &["s3:GetObject"],
        documentation: "https://docs.aws.amazon.com/textract/latest/dg/API_S3Object.html",
    },
    Behaviour {
        name: "schedule of a machine",
        applies: Fact::StartsBySchedule,
        actions: &["states:StartExecution"],
        documentation: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-iam-roles.html",
    },
];

/// The calls that follow from a fact.
pub(super) fn calls(fact: Fact, resource: &str) -> impl Iterator<Item = Call> {
    CALLS.iter().filter(move |behaviour| behaviour.applies == fact).flat_map(move |behaviour| {
        behaviour.actions.iter().map(move |action| Call {
            request: Request { action: (*action).to_owned(), resource: resource.to_owned(), context: BTreeMap::new() },
            evidence: Evidence::Documented,
            platform: Some(behaviour.name.to_owned()),
            was_allowed: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_behaviour_has_a_name_of_its_own_and_a_page_that_documents_it() {
        let names: BTreeSet<_> = CALLS.iter().map(|behaviour| behaviour.name).collect();
        assert_eq!(names.len(), CALLS.len());
        for Behaviour { name, actions, documentation, .. } in CALLS {
            assert!(documentation.starts_with("https://docs.aws.amazon.com/"), "{name}");
            assert!(!actions.is_empty() && actions.iter().all(|action| action.contains(':')), "{name}");
        }
    }

    #[test]
    fn a_fact_needs_its_actions_on_its_resource() {
        let queue = "arn:aws:sqs:us-east-1:000000000000:q";
        let found: Vec<_> = calls(Fact::TakesMessages, queue).collect();
        let actions: Vec<_> = found.iter().map(|call| call.request.action.as_str()).collect();
        assert_eq!(actions, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]);
        for call in found {
            assert_eq!((call.request.resource.as_str(), call.evidence), (queue, Evidence::Documented));
            assert_eq!(call.platform.as_deref(), Some("event source mapping"));
        }
    }
}
