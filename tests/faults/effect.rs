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

/// An error of a service, and the class of the SDK for Java by which machines know it.
type Error = (&'static str, &'static str);

/// A service, one of its operations, and its errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dependency {
    service: &'static str,
    operation: &'static str,
    /// The prefix that Step Functions puts before the service's error names.
    prefix: &'static str,
    throttled: Error,
    outage: Error,
    denied: Error,
}

impl Dependency {
    /// The dependency of a Task with this resource.
    pub(crate) fn of(resource: &str) -> Self {
        let (service, operation, prefix, [throttled, outage, denied]) =
            match resource.trim_start_matches("arn:aws:states:::") {
                "lambda:invoke" => ("lambda", "Invoke", "Lambda", LAMBDA),
                "sqs:sendMessage.waitForTaskToken" => ("sqs", "SendMessage", "SQS", SQS),
                "sns:publish" => ("sns", "Publish", "SNS", SNS),
                "dynamodb:updateItem" => ("dynamodb", "UpdateItem", "DynamoDB", DYNAMODB),
                "dynamodb:getItem" => ("dynamodb", "GetItem", "DynamoDB", DYNAMODB),
                "aws-sdk:dynamodb:query" => ("dynamodb", "Query", "DynamoDb", DYNAMODB),
                "aws-sdk:dynamodb:updateItem.waitForTaskToken" => ("dynamodb", "UpdateItem", "DynamoDb", DYNAMODB),
                "states:startExecution.sync:2" => ("states", "StartExecution", "StepFunctions", STATES),
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
        let error = |(code, _): Error| Fault::error(service, operation, application, code, 400);
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
            Effect::Throttled => self.throttled.1,
            Effect::Outage => self.outage.1,
            Effect::Denied => self.denied.1,
            Effect::Closed | Effect::Malformed | Effect::Lost => "SdkClientException",
            Effect::Silent => return "States.Timeout".to_owned(),
        };
        format!("{}.{error}", self.prefix)
    }
}

/// The codes by which a service refuses a rate, has an outage and denies, as workers get them.
pub(crate) fn codes(service: &str) -> [&'static str; 3] {
    match service {
        // With AccessDenied, S3 also answers for an object that does not exist.
        "s3" => ["SlowDown", "InternalError", "AllAccessDisabled"],
        "secretsmanager" => ["ThrottlingException", "InternalServiceError", "AccessDeniedException"],
        "states" | "sqs" => ["ThrottlingException", "InternalFailure", "AccessDeniedException"],
        _ => ["ThrottlingException", "InternalServerError", "AccessDeniedException"],
    }
}

// Throttled, an outage, denied. The class of an error that is not in a service's model is that of all its errors.
const DYNAMODB: [Error; 3] = [
    ("ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException"),
    ("InternalServerError", "InternalServerErrorException"),
    ("ResourceNotFoundException", "ResourceNotFoundException"),
];
const LAMBDA: [Error; 3] = [
    ("TooManyRequestsException", "TooManyRequestsException"),
    ("ServiceException", "ServiceException"),
    ("AccessDeniedException", "AWSLambdaException"),
];
const REKOGNITION: [Error; 3] = [
    ("ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException"),
    ("InternalServerError", "InternalServerErrorException"),
    ("AccessDeniedException", "AccessDeniedException"),
];
const SFN: [Error; 3] = [
    ("ThrottlingException", "SfnException"),
    ("InternalFailure", "SfnException"),
    ("AccessDeniedException", "SfnException"),
];
const SNS: [Error; 3] = [
    ("ThrottlingException", "AmazonSNSException"),
    ("InternalError", "InternalErrorException"),
    ("AuthorizationError", "AuthorizationErrorException"),
];
const SQS: [Error; 3] = [
    ("RequestThrottled", "RequestThrottledException"),
    ("InternalFailure", "AmazonSQSException"),
    ("QueueDoesNotExist", "QueueDoesNotExistException"),
];
const STATES: [Error; 3] = [
    ("ThrottlingException", "AWSStepFunctionsException"),
    ("InternalFailure", "AWSStepFunctionsException"),
    ("StateMachineDoesNotExist", "StateMachineDoesNotExistException"),
];
