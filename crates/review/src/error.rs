//! Why a request was not served.

use std::error::Error as Cause;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use bonafide_domain::{
    CaseRefusal,
    face_api::{ApiError, Refusal},
};
use bonafide_worker::{ErrorName, RequestError, ServiceError, TableError, TaskError};

/// The request was refused, or a service failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is invalid or not allowed.
    #[error("the request was refused ({})", .0.code())]
    Refused(Refusal),
    /// A service gave no usable answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A record could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The log of decisions could not be read or written.
    #[error(transparent)]
    Log(#[from] bonafide_records::Error),
    /// A write is incomplete.
    #[error("the write could not be built")]
    Build(#[from] BuildError),
    /// Another writer was faster at each try.
    #[error("the records were changed by others at each try")]
    Contended,
    /// A record lacks an attribute that this system always writes.
    #[error("the record has no {0}")]
    Incomplete(&'static str),
}

impl Error {
    /// A service's error.
    pub fn of<E>(message: &'static str, error: E) -> Self
    where
        E: Cause + Send + Sync + ProvideErrorMetadata + 'static,
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

impl From<CaseRefusal> for Error {
    fn from(refusal: CaseRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Refused(_) => ErrorName::InvalidInput,
            Self::Service(error) => error.name(),
            Self::Table(error) => error.name(),
            Self::Log(error) => error.name(),
            Self::Contended => ErrorName::Transient,
            Self::Build(_) | Self::Incomplete(_) => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Service(error) => error.code(),
            Self::Table(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Contended | Self::Build(_) | Self::Incomplete(_) => None,
        }
    }
}

impl RequestError for Error {
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
