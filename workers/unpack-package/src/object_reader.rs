//! A seekable reader of an S3 object, which fetches ranges.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_s3::Client;
use bonafide_domain::ObjectRef;
use bonafide_worker::{ErrorName, sdk_code};
use tokio::runtime::Handle;

use crate::Error;

/// The bytes of one fetch, and the memory of the reader for an object of any size.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// A seekable reader of one version of an object. It must not be used on a thread that runs asynchronous tasks.
pub(crate) struct ObjectReader {
    runtime: Handle,
    s3: Client,
    object: ObjectRef,
    size: u64,
    position: u64,
    window_start: u64,
    window: Vec<u8>,
    error: ErrorSlot,
}

/// The error of a failed read: the zip library does not pass it on.
#[derive(Clone, Default)]
pub(crate) struct ErrorSlot(Arc<Mutex<Option<Error>>>);

impl ErrorSlot {
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl ObjectReader {
    pub(crate) fn new(runtime: Handle, s3: Client, object: ObjectRef, size: u64) -> Self {
        let error = ErrorSlot::default();
        Self { runtime, s3, object, size, position: 0, window_start: 0, window: Vec::new(), error }
    }

    pub(crate) fn error(&self) -> ErrorSlot {
        self.error.clone()
    }

    async fn fetch(&self) -> Result<Vec<u8>, Error> {
        let last = (self.position + WINDOW_BYTES).min(self.size) - 1;
        let get =
            self.s3.get_object().bucket(&self.object.bucket).key(&self.object.key).version_id(&self.object.version_id);
        let answer = get
            .range(format!("bytes={}-{last}", self.position))
            .send()
            .await
            .map_err(|error| Error::Read { code: sdk_code(&error).to_owned(), name: ErrorName::of_service(&error) })?;
        // Another range would look like a damaged archive, which must not be blamed on the applicant.
        if !answer.content_range().is_some_and(|range| range.starts_with(&format!("bytes {}-", self.position))) {
            return Err(Error::Read { code: "another range than requested".to_owned(), name: ErrorName::Internal });
        }
        let bytes = answer.body.collect().await.map_err(|_| interrupted())?.to_vec();
        if bytes.is_empty() { Err(interrupted()) } else { Ok(bytes) }
    }

    /// The bytes of the window from the current position on.
    fn buffered(&self) -> &[u8] {
        let offset = self.position.checked_sub(self.window_start).and_then(|offset| usize::try_from(offset).ok());
        offset.and_then(|offset| self.window.get(offset..)).unwrap_or_default()
    }
}

fn interrupted() -> Error {
    Error::Read { code: "the answer was interrupted".to_owned(), name: ErrorName::Transient }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        if self.buffered().is_empty() {
            match self.runtime.block_on(self.fetch()) {
                Ok(window) => (self.window, self.window_start) = (window, self.position),
                Err(error) => {
                    self.error.set(error);
                    return Err(io::Error::other("the object could not be read"));
                }
            }
        }
        let available = self.buffered();
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
