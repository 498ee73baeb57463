//! What can go wrong, in sentences that name the remedy.

use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Every way in which a command ends without its result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that cannot be right.
    #[error("{0}")]
    Usage(String),
    /// A package that cannot be read.
    #[error("{} cannot be read: check its name and its permissions", path.display())]
    UnreadablePackage {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No row with this id.
    #[error(
        "no application {application_id} in {place}: nothing was received under this id (yet), or its row has expired"
    )]
    UnknownApplication {
        /// As given.
        application_id: String,
        /// Where it was looked for.
        place: String,
    },
    /// No execution with this ARN.
    #[error("no execution {execution}: its ARN is wrong, or it ended more than 90 days ago")]
    UnknownExecution {
        /// Its ARN.
        execution: String,
    },
    /// An application that stays as it is.
    #[error("application {application_id} is not opened again: {why}")]
    NotReopenable {
        /// Its id.
        application_id: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// Others have changed the application each time before it could be written.
    #[error("application {application_id} was changed by others meanwhile, again and again: try again")]
    Contended {
        /// Its id.
        application_id: String,
    },
    /// AWS asks to come back later.
    #[error("AWS is asked too often to {action} ({code}): wait a little and try again")]
    Throttled {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
    },
    /// No credentials were found.
    #[error(
        "no AWS credentials: sign in (`aws sso login`), choose a profile (`--profile`), or set AWS_ACCESS_KEY_ID; for a trial without AWS run `cargo xtask up`"
    )]
    NoCredentials {
        /// What the providers say.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The credentials were good, and are no longer.
    #[error(
        "the AWS credentials have expired, trying to {action} ({code}): sign in anew (`aws sso login`), or fetch new ones, and try again"
    )]
    ExpiredCredentials {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
    },
    /// Credentials that nobody knows, at least not in this region.
    #[error(
        "AWS does not accept the credentials, trying to {action} ({code}): either they are wrong or deleted: sign in anew (`aws sso login`) or pass another `--profile`; or the region is not enabled for the account: pass another `--region`, or have it enabled"
    )]
    UnknownCredentials {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
    },
    /// No region is configured.
    #[error("no AWS region: pass `--region`, choose a profile that has one, or set AWS_REGION")]
    NoRegion,
    /// The stacks are not there.
    #[error("no stack {stack} in {place}: deploy it, or pass another `--stage`, `--region` or `--profile`")]
    NotDeployed {
        /// Its name.
        stack: String,
        /// Where it was looked for.
        place: String,
    },
    /// The stacks are there but lack something.
    #[error(
        "stack {stack} has no output {output}: it was deployed by another version of Bonafide, or not to its end; deploy it again, or use the command of its version"
    )]
    IncompleteDeployment {
        /// Its name.
        stack: String,
        /// The output's name.
        output: &'static str,
    },
    /// What a stack's output names is not there.
    #[error(
        "what Bonafide needs to {action} is gone: {message} ({code}): it was deleted after the deployment, so deploy again, or pass another `--stage`, `--region` or `--profile`"
    )]
    Gone {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
        /// AWS's sentence.
        message: String,
    },
    /// A permission is missing.
    #[error(
        "AWS refused to {action}: {message} ({code}): pass a `--profile` that may, or have the permission granted to this one"
    )]
    AccessDenied {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
        /// AWS's sentence.
        message: String,
    },
    /// AWS refused.
    #[error(
        "AWS refused to {action}: {message} ({code}): try again, and if it stays so, look the code up in the service's documentation"
    )]
    Refused {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
        /// AWS's sentence.
        message: String,
    },
    /// AWS did not answer.
    #[error(
        "AWS did not answer, trying to {action}: check the network (and with `cargo xtask up`, the local AWS), and try again: {message}"
    )]
    NoAnswer {
        /// What was tried, after "to".
        action: &'static str,
        /// Everything that is known.
        message: String,
    },
    /// The name of the service's host, which has the region in it, is known nowhere.
    #[error(
        "no such host, trying to {action}: is the region's name right (`--region`, `--endpoint-url`, or the profile's)? If it is, this machine does not resolve names"
    )]
    UnknownHost {
        /// What was tried, after "to".
        action: &'static str,
        /// What the connection says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row that this version cannot read.
    #[error(
        "the row of application {application_id} has no readable {attribute}: it was written by another version of Bonafide; use the command of that version"
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
            Self::NotReopenable { .. } => 1,
            Self::Usage(_) | Self::UnreadablePackage { .. } => 2,
            Self::UnknownApplication { .. } | Self::UnknownExecution { .. } => 3,
            Self::Contended { .. }
            | Self::Throttled { .. }
            | Self::NoCredentials { .. }
            | Self::ExpiredCredentials { .. }
            | Self::UnknownCredentials { .. }
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

    /// May the very same request be answered a little later?
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Contended { .. } | Self::Throttled { .. } | Self::NoAnswer { .. } => true,
            Self::Usage(_)
            | Self::NotReopenable { .. }
            | Self::UnreadablePackage { .. }
            | Self::UnknownApplication { .. }
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

    /// Tells a refusal from silence; `action` completes "AWS refused to …".
    pub fn from_sdk<E>(action: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Some(refusal) = error.as_service_error() else {
            let message = DisplayErrorContext(&error).to_string();
            // The connector has no name for it; this is how hyper calls a name that is not resolved.
            if message.contains("dns error") {
                return Self::UnknownHost { action, source: error.into() };
            }
            return Self::NoAnswer { action, message };
        };
        let code = refusal.code().unwrap_or("unknown error").to_owned();
        let message = refusal.message().unwrap_or("no reason given").trim_end_matches('.').to_owned();
        match code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" => Self::ExpiredCredentials { action, code },
            // Regions that are not enabled answer like this to good credentials.
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
            // SQS has both names, by its protocol.
            "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue"
            | "ResourceNotFoundException"
            | "StateMachineDoesNotExist"
            | "NoSuchBucket" => Self::Gone { action, code, message },
            // KMS's own come through other services with its name in front.
            denied if denied.contains("AccessDenied") || denied == "UnauthorizedOperation" => {
                Self::AccessDenied { action, code, message }
            }
            _ => Self::Refused { action, code, message },
        }
    }

    /// The same for a request about an execution, which may be gone.
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

/// Asks the credential providers now: later, the SDK would report their silence as a failed connection.
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

    /// AWS's answer with this code, to the question what is deployed.
    fn refused(code: &str) -> Error {
        let metadata = ErrorMetadata::builder().code(code).message("It says so.").build();
        let answer = HttpResponse::new(400.try_into().unwrap(), SdkBody::empty());
        Error::from_sdk("describe the stacks", SdkError::service_error(DescribeStacksError::generic(metadata), answer))
    }

    /// What the connection says, and below it what the system says.
    fn silent(says: &'static str, below: &'static str) -> Error {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Says(&'static str, #[source] std::io::Error);
        let says = Says(says, std::io::Error::other(below));
        let error = SdkError::<DescribeStacksError>::dispatch_failure(ConnectorError::io(says.into()));
        Error::from_sdk("describe the stacks", error)
    }

    #[test]
    fn each_trouble_has_its_own_sentence_with_a_remedy() {
        let id = || "a".to_owned();
        let place = || "AWS, region eu-nowhere-9".to_owned();
        let troubles = [
            (refused("ThrottlingException"), 5, "asked too often", "wait a little"),
            (refused("ExpiredTokenException"), 5, "credentials have expired", "`aws sso login`"),
            (refused("InvalidToken"), 5, "does not accept the credentials", "another `--profile`"),
            (refused("AccessDeniedException"), 5, "It says so (AccessDeniedException)", "have the permission granted"),
            (Error::UnknownApplication { application_id: id(), place: place() }, 3, "no application a in AWS", "(yet)"),
            (
                Error::NotReopenable { application_id: id(), why: "it is open already: upload" },
                1,
                "is not opened again",
                "upload",
            ),
            (Error::Contended { application_id: id() }, 5, "changed by others", "try again"),
            (Error::UnknownExecution { execution: "arn:a".to_owned() }, 3, "no execution arn:a", "90 days"),
            (refused("QueueDoesNotExist"), 5, "is gone: It says so", "deploy again"),
            (
                Error::NotDeployed { stack: id(), place: place() },
                5,
                "no stack a in AWS, region eu-nowhere-9",
                "`--region`",
            ),
            (silent("dns error", "failed to lookup address"), 5, "no such host", "`--region`"),
            (silent("tcp connect error", "refused"), 5, "did not answer", "check the network"),
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
            (Error::NoCredentials { source: "none".into() }, 5, "no AWS credentials", "`--profile`"),
            (Error::NoRegion, 5, "no AWS region", "`--region`"),
            (refused("InternalFailure"), 5, "It says so (InternalFailure)", "try again"),
        ];
        for (error, code, trouble, remedy) in &troubles {
            let sentence = error.to_string();
            assert!(sentence.contains(trouble) && sentence.contains(remedy), "{sentence}");
            assert_eq!(error.exit_code(), *code, "{sentence}");
            let alike = troubles.iter().filter(|(other, ..)| other.to_string().contains(trouble));
            assert_eq!(alike.count(), 1, "{trouble}");
        }
    }

    #[test]
    fn every_name_that_aws_has_for_a_trouble_is_known() {
        for (codes, sentence) in [
            (
                &["Throttling", "RequestThrottled", "ProvisionedThroughputExceededException", "SlowDown"][..],
                "asked too often",
            ),
            (&["RequestLimitExceeded", "TooManyRequestsException"], "asked too often"),
            (&["ExpiredToken", "ExpiredTokenException"], "have expired"),
            (&["InvalidAccessKeyId", "InvalidToken"], "does not accept the credentials"),
            (&["AccessDenied", "KMS.AccessDeniedException", "UnauthorizedOperation"], "have the permission granted"),
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
    fn credentials_that_are_unknown_may_be_good_in_another_region() {
        for code in ["UnrecognizedClientException", "InvalidClientTokenId"] {
            let error = refused(code).to_string();
            assert!(!error.contains("no AWS credentials"), "{error}");
            for said in ["wrong or deleted", "`aws sso login`", "region is not enabled", "`--region`", code] {
                assert!(error.contains(said), "{error}");
            }
        }
    }

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        assert!(refused("ThrottlingException").is_passing() && silent("tcp connect error", "refused").is_passing());
        for error in [refused("ExpiredToken"), refused("AccessDenied"), silent("dns error", "no such name")] {
            assert!(!error.is_passing(), "{error}");
        }
    }
}
