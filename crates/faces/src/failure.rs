//! Why a request was not served.

use std::error::Error;

use bonafide_domain::{
    ReasonCode,
    face_api::{ApiError, Refusal},
};
use bonafide_worker::{ApiFailure, ErrorName, TaskError, sdk_code};

/// Refused for what it asks, or not possible just now.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request is at fault.
    #[error("the request was refused ({})", .0.code())]
    Refused(Refusal),
    /// A service gave no usable answer.
    #[error("{doing} ({code})")]
    Service {
        /// What did not succeed, as a sentence's beginning.
        doing: &'static str,
        /// Whether trying again may help.
        name: ErrorName,
        /// The service's code.
        code: String,
        /// All that is known.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It took longer than it may.
    #[error("{0}")]
    Late(&'static str),
    /// A record lacks what this system always writes.
    #[error("the record has no {0}")]
    Incomplete(&'static str),
}

impl Failure {
    /// A service's error.
    pub(crate) fn of<E>(doing: &'static str, error: E) -> Self
    where
        E: Error + Send + Sync + aws_sdk_dynamodb::error::ProvideErrorMetadata + 'static,
    {
        let (name, code) = (ErrorName::of_service(&error), sdk_code(&error).to_owned());
        Self::Service { doing, name, code, source: Box::new(error) }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ReasonCode> for Failure {
    fn from(reason: ReasonCode) -> Self {
        Self::Refused(reason.into())
    }
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Refused(_) => ErrorName::InvalidInput,
            Self::Service { name, .. } => *name,
            Self::Late(_) => ErrorName::Transient,
            Self::Incomplete(_) => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Service { code, .. } => Some(code),
            Self::Late(_) | Self::Incomplete(_) => None,
        }
    }
}

impl ApiFailure for Failure {
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Service { .. } | Self::Late(_) | Self::Incomplete(_) => None,
        }
    }
}
