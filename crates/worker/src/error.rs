//! From a worker's failure to the name that a state machine matches.

use std::fmt;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::Diagnostic;

/// The closed set of names for `Retry` and `Catch`. A new one needs a machine that treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorName {
    /// The input breaks the contract; trying again changes nothing.
    InvalidInput,
    /// A dependency did not answer, or asked to come back later; the machine tries again.
    Transient,
    /// Anything else: a defect, or a permission that is missing.
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

    /// The name for a service's error: no answer, or one that asks to come back later, is transient.
    #[must_use]
    pub fn of_service(error: &impl ProvideErrorMetadata) -> Self {
        match error.code() {
            None => Self::Transient,
            Some(code) if THROTTLED.contains(&code) || UNAVAILABLE.contains(&code) => Self::Transient,
            Some(_) => Self::Internal,
        }
    }
}

/// Why a worker could not judge. Its `Display` names no applicant and repeats no value of the input.
pub trait TaskError: std::error::Error {
    /// The name for `Retry` and `Catch`.
    fn name(&self) -> ErrorName;

    /// What a dependency answered, in its own words: the code of a service, a status. For logs and metrics only.
    fn code(&self) -> Option<&str> {
        None
    }
}

/// The code of a service's answer, for messages; the service's own message may quote the request and is left out.
#[must_use]
pub fn sdk_code(error: &impl ProvideErrorMetadata) -> &str {
    error.code().unwrap_or("no answer")
}

/// A failure on its way out: to Step Functions by the Lambda runtime, or by a task token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: ErrorName,
    /// What a dependency answered.
    pub code: Option<String>,
    /// A sentence for operators.
    pub message: String,
}

impl Report {
    pub(crate) fn of(error: &impl TaskError) -> Self {
        Self { name: error.name(), code: error.code().map(str::to_owned), message: error.to_string() }
    }

    pub(crate) fn without_code(name: ErrorName, message: impl Into<String>) -> Self {
        Self { name, code: None, message: message.into() }
    }

    /// A dependency asked for fewer requests.
    pub(crate) fn is_throttled(&self) -> bool {
        self.code.as_deref().is_some_and(|code| THROTTLED.contains(&code))
    }
}

/// How services, and HTTP, say that it was too much.
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

/// How services say that they cannot just now.
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

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name.as_str(), self.message)
    }
}

impl From<Report> for Diagnostic {
    fn from(report: Report) -> Self {
        Self { error_type: report.name.as_str().to_owned(), error_message: report.message }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn what_may_go_better_next_time_is_transient() {
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
    fn too_much_is_told_from_other_failures() {
        let report =
            |code: &str| Report { code: Some(code.to_owned()), ..Report::without_code(ErrorName::Transient, "") };
        assert!(report("ThrottlingException").is_throttled() && report("429").is_throttled());
        assert!(!report("InternalServerError").is_throttled());
        assert!(!Report::without_code(ErrorName::Transient, "Throttling").is_throttled());
    }
}
