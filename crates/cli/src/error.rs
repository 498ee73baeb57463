//! Errors, in sentences that name the remedy.

use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use bonafide_worker::{ServiceError, TaskError as _};

/// The reasons for which a command ends without its result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An invalid argument.
    #[error("{0}")]
    Usage(String),
    /// A package that cannot be read.
    #[error("{} cannot be read: check its name and its permissions", path.display())]
    UnreadablePackage {
        /// As given.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// No record with this id.
    #[error(
        "no application {application_id} in {place}: nothing was received under this id (yet), or its data were erased"
    )]
    UnknownApplication {
        /// As given.
        application_id: String,
        /// Where it was searched.
        place: String,
    },
    /// No customer with this id.
    #[error("no customer {customer_id} in {place}: the id is wrong, or the data were erased")]
    UnknownCustomer {
        /// As given.
        customer_id: String,
        /// Where it was searched.
        place: String,
    },
    /// No decision record of this application.
    #[error("no decision about {application_id} in {place}: the id is wrong, or nothing was decided about it yet")]
    NoDecisions {
        /// As given.
        application_id: String,
        /// Where it was searched.
        place: String,
    },
    /// No execution with this ARN.
    #[error("no execution {execution}: its ARN is wrong, or it ended more than 90 days ago")]
    UnknownExecution {
        /// Its ARN.
        execution: String,
    },
    /// AWS throttled the request.
    #[error("AWS throttled the request to {action} ({code}): wait a little and try again")]
    Throttled {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
    },
    /// No credentials were found.
    #[error(
        "no AWS credentials: sign in (`aws login` or `aws sso login`), choose a profile (`--profile`), or set AWS_ACCESS_KEY_ID; for a trial without AWS run `cargo xtask up`"
    )]
    NoCredentials {
        /// The error of the providers.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The credentials have expired.
    #[error(
        "the AWS credentials have expired, so AWS refused to {action} ({code}): sign in again (`aws login` or `aws sso login`), or get new ones, and try again"
    )]
    ExpiredCredentials {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
    },
    /// Credentials that are unknown, at least in this region.
    #[error(
        "AWS does not accept the credentials for the request to {action} ({code}): if they are wrong or deleted, sign in again (`aws login` or `aws sso login`) or pass another `--profile`; if the region is not enabled for the account, pass another `--region` or have it enabled"
    )]
    UnknownCredentials {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
    },
    /// Nothing says who reviews.
    #[error(
        "no reviewer: set BONAFIDE_REVIEW_TOKEN to the token that `bonafide review sign-in` prints, or pass `--as ann` on a local AWS"
    )]
    NoReviewer,
    /// There is no such local reviewer.
    #[error("no local reviewer {reviewer}: `--as` takes ann, bob or cleo, on a local AWS only (`cargo xtask up`)")]
    NoLocalReviewer {
        /// The name.
        reviewer: String,
    },
    /// The sign-in was refused or cancelled.
    #[error("the sign-in was refused or cancelled: try again, with an account of the reviewers' user pool")]
    SignInRefused,
    /// The answer of the sign-in pages cannot be received.
    #[error(
        "the answer of the sign-in cannot be received at http://localhost:8976/: end the program that uses the port"
    )]
    CallbackPort {
        /// The cause.
        source: std::io::Error,
    },
    /// The review API refused the request.
    #[error("{message} ({code})")]
    ReviewRefused {
        /// The HTTP status.
        status: u16,
        /// The code of the API.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// A service gave no usable answer over HTTP.
    #[error("no usable answer to the request to {action}: try again")]
    ReviewUnanswered {
        /// The action, after "to".
        action: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The review API is of another version.
    #[error("the review API gave an answer of another version of Bonafide: use the command of its version")]
    UnreadableAnswer {
        /// The cause.
        source: serde_json::Error,
    },
    /// No region is configured.
    #[error("no AWS region: pass `--region`, choose a profile that has one, or set AWS_REGION")]
    NoRegion,
    /// A stack does not exist.
    #[error("no stack {stack} in {place}: deploy it, or pass another `--stage`, `--region` or `--profile`")]
    NotDeployed {
        /// Its name.
        stack: String,
        /// Where it was searched.
        place: String,
    },
    /// A stack has no such output.
    #[error(
        "stack {stack} has no output {output}: it was deployed by another version of Bonafide, or its deployment was interrupted; deploy it again, or use the command of its version"
    )]
    IncompleteDeployment {
        /// Its name.
        stack: String,
        /// The output's name.
        output: &'static str,
    },
    /// A resource that a stack output names does not exist.
    #[error(
        "a resource that Bonafide needs to {action} is gone: {message} ({code}): it was deleted after the deployment, so deploy again, or pass another `--stage`, `--region` or `--profile`"
    )]
    Gone {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
        /// The message of AWS.
        message: String,
    },
    /// A permission is missing.
    #[error(
        "AWS refused to {action}: {message} ({code}): pass a `--profile` with the permission, or have it granted to this one"
    )]
    AccessDenied {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
        /// The message of AWS.
        message: String,
    },
    /// AWS refused the request for another reason.
    #[error(
        "AWS refused to {action}: {message} ({code}): try again; if it fails again, look up the code in the documentation of the service"
    )]
    Refused {
        /// The action, after "to".
        action: &'static str,
        /// The error code of AWS.
        code: String,
        /// The message of AWS.
        message: String,
    },
    /// AWS did not answer.
    #[error(
        "AWS did not answer the request to {action}: check the network (or, with `cargo xtask up`, the local AWS) and try again: {message}"
    )]
    NoAnswer {
        /// The action, after "to".
        action: &'static str,
        /// The error with all its sources.
        message: String,
    },
    /// The host name of the service, which contains the region, cannot be resolved.
    #[error(
        "no such host for the request to {action}: check the name of the region (`--region`, `--endpoint-url` or the profile); if it is right, this machine cannot resolve host names"
    )]
    UnknownHost {
        /// The action, after "to".
        action: &'static str,
        /// The error of the connection.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A record that this version cannot read.
    #[error(
        "the record of application {application_id} has no readable {attribute}: it was written by another version of Bonafide; use the command of that version"
    )]
    UnreadableRow {
        /// Its id.
        application_id: String,
        /// The attribute's name; never its value.
        attribute: &'static str,
    },
}

impl Error {
    /// The exit code that `--help` documents.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ReviewRefused { status: 403 | 409 | 422, .. } => 1,
            Self::Usage(_)
            | Self::UnreadablePackage { .. }
            | Self::NoReviewer
            | Self::NoLocalReviewer { .. }
            | Self::ReviewRefused { status: 400 | 413 | 415, .. } => 2,
            Self::UnknownApplication { .. }
            | Self::UnknownCustomer { .. }
            | Self::NoDecisions { .. }
            | Self::UnknownExecution { .. }
            | Self::ReviewRefused { status: 404, .. } => 3,
            Self::Throttled { .. }
            | Self::NoCredentials { .. }
            | Self::ExpiredCredentials { .. }
            | Self::UnknownCredentials { .. }
            | Self::SignInRefused
            | Self::CallbackPort { .. }
            | Self::ReviewRefused { .. }
            | Self::ReviewUnanswered { .. }
            | Self::UnreadableAnswer { .. }
            | Self::NoRegion
            | Self::NotDeployed { .. }
            | Self::IncompleteDeployment { .. }
            | Self::Gone { .. }
            | Self::AccessDenied { .. }
            | Self::Refused { .. }
            | Self::NoAnswer { .. }
            | Self::UnknownHost { .. }
            | Self::UnreadableRow { .. } => 5,
        }
    }

    /// Whether the same request may succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::NoAnswer { .. } => true,
            Self::Usage(_)
            | Self::UnreadablePackage { .. }
            | Self::NoReviewer
            | Self::NoLocalReviewer { .. }
            | Self::SignInRefused
            | Self::CallbackPort { .. }
            | Self::ReviewRefused { .. }
            | Self::ReviewUnanswered { .. }
            | Self::UnreadableAnswer { .. }
            | Self::UnknownApplication { .. }
            | Self::UnknownCustomer { .. }
            | Self::NoDecisions { .. }
            | Self::UnknownExecution { .. }
            | Self::NoCredentials { .. }
            | Self::ExpiredCredentials { .. }
            | Self::UnknownCredentials { .. }
            | Self::NoRegion
            | Self::NotDeployed { .. }
            | Self::IncompleteDeployment { .. }
            | Self::Gone { .. }
            | Self::AccessDenied { .. }
            | Self::Refused { .. }
            | Self::UnknownHost { .. }
            | Self::UnreadableRow { .. } => false,
        }
    }

    /// Classifies an error of the SDK. `action` completes "AWS refused to …".
    pub fn from_sdk<E>(action: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Some(refusal) = error.as_service_error() else {
            let message = DisplayErrorContext(&error).to_string();
            // The SDK has no type for it; this is the message of hyper for a host name that cannot be resolved.
            if message.contains("dns error") {
                return Self::UnknownHost { action, source: error.into() };
            }
            return Self::NoAnswer { action, message };
        };
        let code = refusal.code().unwrap_or("unknown error").to_owned();
        let message = refusal.message().unwrap_or("no reason given").trim_end_matches('.').to_owned();
        Self::of_code(action, code, message)
    }

    /// Classifies the error of a worker's code that the command shares.
    #[must_use]
    pub fn from_service(action: &'static str, error: &ServiceError) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        match error.code() {
            Some(code) if !error.is_unanswered() => Self::of_code(action, code.to_owned(), cause),
            _ => Self::NoAnswer { action, message: cause },
        }
    }

    fn of_code(action: &'static str, code: String, message: String) -> Self {
        match code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" => Self::ExpiredCredentials { action, code },
            // Regions that are not enabled return these codes for valid credentials, too.
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" | "InvalidToken" => {
                Self::UnknownCredentials { action, code }
            }
            "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "TooManyRequestsException" => Self::Throttled { action, code },
            // SQS has a name for each of its two protocols.
            "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue"
            | "ResourceNotFoundException"
            | "StateMachineDoesNotExist"
            | "NoSuchBucket" => Self::Gone { action, code, message },
            // Other services pass on errors of KMS with the prefix `KMS.`.
            denied if denied.contains("AccessDenied") || denied == "UnauthorizedOperation" => {
                Self::AccessDenied { action, code, message }
            }
            _ => Self::Refused { action, code, message },
        }
    }

    /// The same for a request about an execution, which may not exist any more.
    pub(crate) fn of_execution<E>(action: &'static str, execution: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ExecutionDoesNotExist" | "InvalidArn") => Self::UnknownExecution { execution: execution.to_owned() },
            _ => Self::from_sdk(action, error),
        }
    }
}

/// Asks the credential providers now, since the SDK would later report missing credentials as a failed connection.
pub(crate) async fn require_credentials(config: &SdkConfig) -> Result<(), Error> {
    use aws_sdk_s3::config::ProvideCredentials as _;
    let Some(provider) = config.credentials_provider() else {
        return Err(Error::NoCredentials { source: "no provider is configured".into() });
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::NoCredentials { source: source.into() }),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError;
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    /// The error for an answer of AWS with this code.
    fn refused(code: &str) -> Error {
        let metadata = ErrorMetadata::builder().code(code).message("It says so.").build();
        let answer = HttpResponse::new(400.try_into().unwrap(), SdkBody::empty());
        Error::from_sdk("describe the stacks", SdkError::service_error(DescribeStacksError::generic(metadata), answer))
    }

    /// The error for a failed connection, with the error of the operating system as its source.
    fn unanswered(says: &'static str, below: &'static str) -> Error {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Says(&'static str, #[source] std::io::Error);
        let says = Says(says, std::io::Error::other(below));
        let error = SdkError::<DescribeStacksError>::dispatch_failure(ConnectorError::io(says.into()));
        Error::from_sdk("describe the stacks", error)
    }

    #[test]
    fn each_error_has_its_own_sentence_with_a_remedy() {
        let id = || "a".to_owned();
        let place = || "AWS, region eu-nowhere-9".to_owned();
        let cases = [
            (refused("ThrottlingException"), 5, "throttled the request", "wait a little"),
            (refused("ExpiredTokenException"), 5, "credentials have expired", "`aws sso login`"),
            (refused("InvalidToken"), 5, "does not accept the credentials", "another `--profile`"),
            (refused("AccessDeniedException"), 5, "It says so (AccessDeniedException)", "have it granted"),
            (Error::UnknownApplication { application_id: id(), place: place() }, 3, "no application a in AWS", "(yet)"),
            (Error::UnknownCustomer { customer_id: id(), place: place() }, 3, "no customer a in AWS", "were erased"),
            (Error::UnknownExecution { execution: "arn:a".to_owned() }, 3, "no execution arn:a", "90 days"),
            (refused("QueueDoesNotExist"), 5, "is gone: It says so", "deploy again"),
            (
                Error::NotDeployed { stack: id(), place: place() },
                5,
                "no stack a in AWS, region eu-nowhere-9",
                "`--region`",
            ),
            (unanswered("dns error", "failed to lookup address"), 5, "no such host", "`--region`"),
            (unanswered("tcp connect error", "refused"), 5, "did not answer", "check the network"),
            (
                Error::IncompleteDeployment { stack: id(), output: "BucketName" },
                5,
                "stack a has no output BucketName",
                "deploy it again",
            ),
            (
                Error::UnreadableRow { application_id: id(), attribute: "status" },
                5,
                "no readable status",
                "use the command of that version",
            ),
            (
                Error::UnreadablePackage { path: "a.zip".into(), source: std::io::Error::other("none") },
                2,
                "a.zip cannot be read",
                "check its name",
            ),
            (
                Error::NoDecisions { application_id: id(), place: id() },
                3,
                "no decision about a in a",
                "the id is wrong",
            ),
            (Error::NoCredentials { source: "none".into() }, 5, "no AWS credentials", "`--profile`"),
            (Error::NoRegion, 5, "no AWS region", "`--region`"),
            (refused("InternalFailure"), 5, "It says so (InternalFailure)", "try again"),
        ];
        for (error, code, said, remedy) in &cases {
            let sentence = error.to_string();
            assert!(sentence.contains(said) && sentence.contains(remedy), "{sentence}");
            assert_eq!(error.exit_code(), *code, "{sentence}");
            let alike = cases.iter().filter(|(other, ..)| other.to_string().contains(said));
            assert_eq!(alike.count(), 1, "{said}");
        }
    }

    #[test]
    fn every_code_of_aws_is_classified() {
        for (codes, sentence) in [
            (
                &["Throttling", "RequestThrottled", "ProvisionedThroughputExceededException", "SlowDown"][..],
                "throttled the request",
            ),
            (&["RequestLimitExceeded", "TooManyRequestsException"], "throttled the request"),
            (&["ExpiredToken", "ExpiredTokenException"], "have expired"),
            (&["InvalidAccessKeyId", "InvalidToken"], "does not accept the credentials"),
            (&["AccessDenied", "KMS.AccessDeniedException", "UnauthorizedOperation"], "have it granted"),
            (&["AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException"], "deploy again"),
            (&["StateMachineDoesNotExist", "NoSuchBucket"], "deploy again"),
        ] {
            for code in codes {
                let error = refused(code).to_string();
                assert!(error.contains(sentence) && error.contains(code), "{error}");
            }
        }
    }

    #[test]
    fn unknown_credentials_may_be_valid_in_another_region() {
        for code in ["UnrecognizedClientException", "InvalidClientTokenId"] {
            let error = refused(code).to_string();
            assert!(!error.contains("no AWS credentials"), "{error}");
            for said in ["wrong or deleted", "`aws sso login`", "region is not enabled", "`--region`", code] {
                assert!(error.contains(said), "{error}");
            }
        }
    }

    #[test]
    fn throttling_and_missing_answers_are_transient() {
        assert!(
            refused("ThrottlingException").is_transient() && unanswered("tcp connect error", "refused").is_transient()
        );
        for error in [refused("ExpiredToken"), refused("AccessDenied"), unanswered("dns error", "no such name")] {
            assert!(!error.is_transient(), "{error}");
        }
    }
}
