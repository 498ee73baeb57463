"""S3 names the SHA-256 checksum of what it has stored, when a request asks for it; the emulator does not."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

# Status, headers and body.
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Let the answers to PutObject and CopyObject have the checksum."""
    from ministack.services import s3

    put, copy = s3._put_object, s3._copy_object

    def put_object(bucket: str, key: str, body: bytes, headers: dict[str, Any]) -> Answer:
        status, answered, text = put(bucket, key, body, headers)
        checksum = headers.get("x-amz-checksum-sha256")
        if status == 200 and checksum:
            answered = {**answered, "x-amz-checksum-sha256": checksum}
        return status, answered, text

    def copy_object(bucket: str, key: str, headers: dict[str, Any]) -> Answer:
        status, answered, text = copy(bucket, key, headers)
        if status == 200 and str(headers.get("x-amz-checksum-algorithm", "")).upper() == "SHA256":
            data = s3._get_object_data(bucket, key, answered.get("x-amz-version-id"))
            checksum = base64.b64encode(hashlib.sha256(data).digest())
            end = b"</CopyObjectResult>"
            text = text.replace(end, b"<ChecksumSHA256>" + checksum + b"</ChecksumSHA256>" + end)
        return status, answered, text

    s3._put_object, s3._copy_object = put_object, copy_object
