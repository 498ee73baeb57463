//! Why a request was not served.

use std::error::Error as Cause;

use bonafide_domain::{
    ReasonCode,
    face_api::{ApiError, Refusal},
};
use bonafide_worker::{ErrorName, RequestError, ServiceError, TaskError};

/// The request was refused, or a service failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is invalid or not allowed.
    #[error("the request was refused ({})", .0.code())]
    Refused(Refusal),
    /// A service gave no usable answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The time limit was exceeded.
    #[error("{0}")]
    TimedOut(&'static str),
    /// A record lacks an attribute that this system always writes.
    #[error("the record has no {0}")]
    Incomplete(&'static str),
}

impl Error {
    /// A service's error.
    pub(crate) fn of<E>(message: &'static str, error: E) -> Self
    where
        E: Cause + Send + Sync + aws_sdk_dynamodb::error::ProvideErrorMetadata + 'static,
    {
        ServiceError::new(message, error).into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ReasonCode> for Error {
    fn from(reason: ReasonCode) -> Self {
        Self::Refused(reason.into())
    }
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Refused(_) => ErrorName::InvalidInput,
            Self::Service(error) => error.name(),
            Self::TimedOut(_) => ErrorName::Transient,
            Self::Incomplete(_) => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Service(error) => error.code(),
            Self::TimedOut(_) | Self::Incomplete(_) => None,
        }
    }
}

impl RequestError for Error {
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Service(_) | Self::TimedOut(_) | Self::Incomplete(_) => None,
        }
    }
}
