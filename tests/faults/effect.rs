//! Faults in the answers of services, with the error names of each service.

use bonafide_tools::control::Fault;

/// The kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Throttled,
    Outage,
    Closed,
    Malformed,
    Silent,
    Denied,
    /// The request is carried out, and its answer is lost.
    Lost,
}

/// Transient faults.
pub(crate) const TRANSIENT: [Effect; 5] =
    [Effect::Throttled, Effect::Outage, Effect::Closed, Effect::Malformed, Effect::Silent];

/// Transient faults, and the lost answer, after which the retry carries out the request a second time.
pub(crate) const ONCE: [Effect; 6] =
    [Effect::Throttled, Effect::Outage, Effect::Closed, Effect::Malformed, Effect::Silent, Effect::Lost];

/// A service, one of its operations, and the error names that a machine receives from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dependency {
    service: &'static str,
    operation: &'static str,
    /// The prefix that Step Functions puts before the service's error names.
    prefix: &'static str,
    throttled: &'static str,
    outage: &'static str,
    denied: &'static str,
}

impl Dependency {
    /// The dependency of a Task with this resource.
    pub(crate) fn of(resource: &str) -> Self {
        let (service, operation, prefix, [throttled, outage, denied]) = match resource
            .trim_start_matches("arn:aws:states:::")
        {
            "lambda:invoke" => {
                ("lambda", "Invoke", "Lambda", ["TooManyRequestsException", "ServiceException", "AWSLambdaException"])
            }
            "sqs:sendMessage.waitForTaskToken" => (
                "sqs",
                "SendMessage",
                "SQS",
                ["RequestThrottledException", "AmazonSQSException", "QueueDoesNotExistException"],
            ),
            "sns:publish" => (
                "sns",
                "Publish",
                "SNS",
                ["ThrottledException", "InternalErrorException", "AuthorizationErrorException"],
            ),
            "dynamodb:updateItem" => ("dynamodb", "UpdateItem", "DynamoDB", DYNAMODB),
            "dynamodb:getItem" => ("dynamodb", "GetItem", "DynamoDB", DYNAMODB),
            "aws-sdk:dynamodb:query" => ("dynamodb", "Query", "DynamoDb", DYNAMODB),
            "aws-sdk:dynamodb:updateItem.waitForTaskToken" => ("dynamodb", "UpdateItem", "DynamoDb", DYNAMODB),
            "states:startExecution.sync:2" => (
                "states",
                "StartExecution",
                "StepFunctions",
                ["ThrottlingException", "AWSStepFunctionsException", "StateMachineDoesNotExistException"],
            ),
            "aws-sdk:sfn:describeExecution" => ("states", "DescribeExecution", "Sfn", SFN),
            "aws-sdk:sfn:getExecutionHistory" => ("states", "GetExecutionHistory", "Sfn", SFN),
            "aws-sdk:rekognition:detectFaces" => ("rekognition", "DetectFaces", "Rekognition", REKOGNITION),
            "aws-sdk:rekognition:compareFaces" => ("rekognition", "CompareFaces", "Rekognition", REKOGNITION),
            "aws-sdk:rekognition:searchFacesByImage" => {
                ("rekognition", "SearchFacesByImage", "Rekognition", REKOGNITION)
            }
            "aws-sdk:rekognition:searchFaces" => ("rekognition", "SearchFaces", "Rekognition", REKOGNITION),
            "aws-sdk:rekognition:indexFaces" => ("rekognition", "IndexFaces", "Rekognition", REKOGNITION),
            "aws-sdk:rekognition:deleteFaces" => ("rekognition", "DeleteFaces", "Rekognition", REKOGNITION),
            other => panic!("no faults are known for {other}"),
        };
        Self { service, operation, prefix, throttled, outage, denied }
    }

    /// Whether the Task starts a child execution and waits for it.
    pub(crate) fn is_child(&self) -> bool {
        self.operation == "StartExecution"
    }

    /// The fault with this effect on the requests of one Task (`<machine>/<state>`) for one application.
    pub(crate) fn fault(&self, effect: Effect, application: &str, task: &str) -> Fault {
        let Self { service, operation, .. } = *self;
        let error = |name: &str| Fault::error(service, operation, application, name, 400);
        let fault = match effect {
            Effect::Throttled => error(self.throttled),
            Effect::Outage => error(self.outage),
            Effect::Denied => error(self.denied),
            Effect::Closed => Fault::no_answer(service, operation, application, "closed"),
            Effect::Lost => Fault::no_answer(service, operation, application, "closed").afterwards(),
            Effect::Silent => Fault::no_answer(service, operation, application, "silent"),
            Effect::Malformed => Fault::malformed(service, operation, application),
        };
        fault.by(task)
    }

    /// The error's name in the machine's history.
    pub(crate) fn name(&self, effect: Effect) -> String {
        let error = match effect {
            Effect::Throttled => self.throttled,
            Effect::Outage => self.outage,
            Effect::Denied => self.denied,
            Effect::Closed | Effect::Malformed | Effect::Lost => "SdkClientException",
            Effect::Silent => return "States.Timeout".to_owned(),
        };
        format!("{}.{error}", self.prefix)
    }
}

const DYNAMODB: [&str; 3] =
    ["ProvisionedThroughputExceededException", "InternalServerErrorException", "ResourceNotFoundException"];
const REKOGNITION: [&str; 3] =
    ["ProvisionedThroughputExceededException", "InternalServerErrorException", "AccessDeniedException"];
const SFN: [&str; 3] = ["ThrottlingException", "SfnException", "AccessDeniedException"];
