"""Reads a picture that a request names as an object (and version) in S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bonafide_local.errors import ServiceError

# (bucket, key, version id or None) → content, or None when there is no such object. Raises
# `ServiceError` AccessDeniedException when the caller may not read it.
ReadObject = Callable[[str, str, str | None], bytes | None]


def read_s3(read: ReadObject, reference: dict[str, Any]) -> bytes:
    """Read an ``S3Object`` member. Raises `ServiceError` InvalidS3ObjectException."""
    bucket, key = reference.get("Bucket"), reference.get("Name")
    if not bucket or not key:
        raise ServiceError("InvalidParameterException", "Request has invalid parameters: S3Object is incomplete")
    data = read(bucket, key, reference.get("Version"))
    if data is None:
        raise ServiceError(
            "InvalidS3ObjectException",
            "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
        )
    return data
