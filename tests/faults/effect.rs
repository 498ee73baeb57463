//! What can be wrong with an answer, in the words of each service.

use bonafide_tools::control::Fault;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Throttled,
    Outage,
    Closed,
    Malformed,
    Silent,
    Denied,
    /// It is done, and the answer is lost.
    Lost,
}

/// Those that pass by themselves.
pub(crate) const TRANSIENT: [Effect; 5] =
    [Effect::Throttled, Effect::Outage, Effect::Closed, Effect::Malformed, Effect::Silent];

/// Those, and what is then done twice: it was done the first time.
pub(crate) const ONCE: [Effect; 6] =
    [Effect::Throttled, Effect::Outage, Effect::Closed, Effect::Malformed, Effect::Silent, Effect::Lost];

/// A service, an operation of it, and how the answer to a machine goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dependency {
    service: &'static str,
    operation: &'static str,
    /// Before the names of errors, as Step Functions gives them.
    prefix: &'static str,
    throttled: &'static str,
    outage: &'static str,
    denied: &'static str,
}

impl Dependency {
    /// What a Task on this resource depends on.
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
            other => panic!("how does {other} fail?"),
        };
        Self { service, operation, prefix, throttled, outage, denied }
    }

    /// Whether what is asked for is an execution that is waited for.
    pub(crate) fn is_child(&self) -> bool {
        self.operation == "StartExecution"
    }

    /// This effect on the requests of one Task (`<machine>/<state>`) for one application.
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

    /// What the machine's history calls it.
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
