//! The names of errors that state machines match.

use std::fmt;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::Diagnostic;

/// The closed set of names for `Retry` and `Catch`. A new one needs a machine that treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorName {
    /// The input breaks the contract; a retry cannot succeed.
    InvalidInput,
    /// A dependency did not answer, or was overloaded; the machine retries.
    Transient,
    /// Anything else: a defect or a missing permission.
    Internal,
}

impl ErrorName {
    /// The name as the machines spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "Bonafide.InvalidInput",
            Self::Transient => "Bonafide.Transient",
            Self::Internal => "Bonafide.Internal",
        }
    }

    /// The name for a service's error: no answer, throttling and outages are transient.
    #[must_use]
    pub fn of_service(error: &impl ProvideErrorMetadata) -> Self {
        match error.code() {
            None => Self::Transient,
            Some(code) if THROTTLED.contains(&code) || UNAVAILABLE.contains(&code) => Self::Transient,
            Some(_) => Self::Internal,
        }
    }
}

/// Why a task failed. Its `Display` contains no value of the input.
pub trait TaskError: std::error::Error {
    /// The name for `Retry` and `Catch`.
    fn name(&self) -> ErrorName;

    /// The error code or HTTP status of a dependency, for logs and metrics only.
    fn code(&self) -> Option<&str> {
        None
    }
}

/// The error code of a service. Its message is left out, because it may quote the request.
#[must_use]
pub fn sdk_code(error: &impl ProvideErrorMetadata) -> &str {
    error.code().unwrap_or(NO_ANSWER)
}

const NO_ANSWER: &str = "no answer";

/// A service gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
pub struct ServiceError {
    message: &'static str,
    name: ErrorName,
    code: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl ServiceError {
    /// Of an error of the SDK; `message` says what did not succeed.
    pub fn new<E>(message: &'static str, error: E) -> Self
    where
        E: std::error::Error + Send + Sync + ProvideErrorMetadata + 'static,
    {
        let (name, code) = (ErrorName::of_service(&error), sdk_code(&error).to_owned());
        Self { message, name, code, source: Box::new(error) }
    }

    /// Whether the service sent no answer at all.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        self.code == NO_ANSWER
    }

    /// Of a transfer that was interrupted.
    pub fn interrupted(message: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { message, name: ErrorName::Transient, code: NO_ANSWER.to_owned(), source: Box::new(error) }
    }
}

impl TaskError for ServiceError {
    fn name(&self) -> ErrorName {
        self.name
    }

    fn code(&self) -> Option<&str> {
        Some(&self.code)
    }
}

/// The error of a worker as it is logged, and as Step Functions receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerError {
    /// The name for `Retry` and `Catch`.
    pub name: ErrorName,
    /// The error code or HTTP status of a dependency.
    pub code: Option<String>,
    /// A sentence for operators.
    pub message: String,
}

impl WorkerError {
    pub(crate) fn of(error: &impl TaskError) -> Self {
        Self { name: error.name(), code: error.code().map(str::to_owned), message: error.to_string() }
    }

    pub(crate) fn without_code(name: ErrorName, message: impl Into<String>) -> Self {
        Self { name, code: None, message: message.into() }
    }

    /// Whether a dependency throttled the request.
    pub(crate) fn is_throttled(&self) -> bool {
        self.code.as_deref().is_some_and(|code| THROTTLED.contains(&code))
    }
}

/// Codes of throttling.
const THROTTLED: [&str; 11] = [
    "429",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Codes of outages.
const UNAVAILABLE: [&str; 10] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InternalServiceErrorException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionConflictException",
];

impl fmt::Display for WorkerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name.as_str(), self.message)
    }
}

impl From<WorkerError> for Diagnostic {
    fn from(error: WorkerError) -> Self {
        Self { error_type: error.name.as_str().to_owned(), error_message: error.message }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn throttling_and_outages_are_transient() {
        let name = |code: Option<&str>| {
            let mut error = ErrorMetadata::builder();
            error = if let Some(code) = code { error.code(code) } else { error };
            ErrorName::of_service(&error.build())
        };
        for code in THROTTLED.into_iter().chain(UNAVAILABLE) {
            assert_eq!(name(Some(code)), ErrorName::Transient, "{code}");
        }
        assert_eq!(name(None), ErrorName::Transient);
        for code in ["AccessDeniedException", "ValidationException", "ResourceNotFoundException", "KmsAccessDenied"] {
            assert_eq!(name(Some(code)), ErrorName::Internal, "{code}");
        }
    }

    #[test]
    fn throttling_is_recognised_by_its_code() {
        let error = |code: &str| WorkerError {
            code: Some(code.to_owned()),
            ..WorkerError::without_code(ErrorName::Transient, "")
        };
        assert!(error("ThrottlingException").is_throttled() && error("429").is_throttled());
        assert!(!error("InternalServerError").is_throttled());
        assert!(!WorkerError::without_code(ErrorName::Transient, "Throttling").is_throttled());
    }
}
