"""Ranges of one version of an object, which the emulator's S3 answers with the whole object."""

from __future__ import annotations

from typing import Any

_Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Cut the answer to a ``GetObject`` with both a version and a range down to the range, as S3 does."""
    from ministack.services import s3

    original = s3._get_object

    def get_object(bucket: str, key: str, headers: dict[str, str], query: Any = None) -> _Response:
        status, answered, body = original(bucket, key, headers, query)
        wanted = headers.get("range", "")
        if status != 200 or not wanted:
            return status, answered, body
        found = s3._parse_range(wanted, len(body))
        if found is None:
            error = s3._xml_body(s3._range_error_xml(bucket, key))
            return 416, {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}, error
        start, end = found
        part = body[start : end + 1]
        # The checksum is that of the whole object.
        kept = {name: value for name, value in answered.items() if not name.lower().startswith("x-amz-checksum")}
        kept["Content-Length"] = str(len(part))
        kept["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return 206, kept, part

    s3._get_object = get_object
