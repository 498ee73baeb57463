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
    #[error("{} cannot be read", path.display())]
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
    /// AWS asks to come back later.
    #[error("AWS is asked too often to {action} ({code}): wait a little and try again")]
    Throttled {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
    },
    /// No credentials were found, or those found are of no use.
    #[error(
        "no AWS credentials: sign in (`aws sso login`), choose a profile (`--profile`), or set AWS_ACCESS_KEY_ID; for a trial without AWS run `cargo xtask up`"
    )]
    NoCredentials {
        /// What the providers say.
        source: Box<dyn std::error::Error + Send + Sync>,
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
    #[error("stack {stack} has no output {output}: it was deployed by another version of Bonafide, or not to its end")]
    IncompleteDeployment {
        /// Its name.
        stack: String,
        /// The output's name.
        output: &'static str,
    },
    /// AWS refused.
    #[error("AWS refused to {action}: {message} ({code})")]
    Refused {
        /// What was tried, after "to".
        action: &'static str,
        /// AWS's name of the error.
        code: String,
        /// AWS's sentence.
        message: String,
    },
    /// AWS did not answer.
    #[error("AWS did not answer, trying to {action}: {message}")]
    NoAnswer {
        /// What was tried, after "to".
        action: &'static str,
        /// Everything that is known.
        message: String,
    },
    /// A row that this version cannot read.
    #[error(
        "the row of application {application_id} has no readable {attribute}: it was written by another version of Bonafide"
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
            Self::Usage(_) | Self::UnreadablePackage { .. } => 2,
            Self::UnknownApplication { .. } | Self::UnknownExecution { .. } => 3,
            Self::Throttled { .. }
            | Self::NoCredentials { .. }
            | Self::NoRegion
            | Self::NotDeployed { .. }
            | Self::IncompleteDeployment { .. }
            | Self::Refused { .. }
            | Self::NoAnswer { .. }
            | Self::UnreadableRow { .. } => 5,
        }
    }

    /// Tells a refusal from silence; `action` completes "AWS refused to …".
    pub fn from_sdk<E>(action: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error.as_service_error() {
            Some(refusal) => {
                let code = refusal.code().unwrap_or("unknown error").to_owned();
                if matches!(
                    code.as_str(),
                    "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "UnrecognizedClientException"
                ) {
                    return Self::NoCredentials { source: error.into() };
                }
                if matches!(
                    code.as_str(),
                    "Throttling"
                        | "ThrottlingException"
                        | "RequestThrottled"
                        | "ProvisionedThroughputExceededException"
                        | "RequestLimitExceeded"
                        | "SlowDown"
                        | "TooManyRequestsException"
                ) {
                    return Self::Throttled { action, code };
                }
                let message = refusal.message().unwrap_or("no reason given").trim_end_matches('.').to_owned();
                Self::Refused { action, code, message }
            }
            None => Self::NoAnswer { action, message: DisplayErrorContext(&error).to_string() },
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
