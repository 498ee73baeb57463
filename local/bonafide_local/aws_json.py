"""The AWS JSON protocol of Rekognition and Textract: dispatch and errors."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from bonafide_local.errors import ServiceError
from bonafide_local.models import parse_request

logger = logging.getLogger("bonafide_local.services")

# The headers of the current request: an S3Object is read with the permissions of its caller.
caller_headers: ContextVar[dict[str, str]] = ContextVar("caller_headers")

Operation = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes | str, dict[str, Any]], Awaitable[Answer]]

_HEADERS = {"Content-Type": "application/x-amz-json-1.1"}


class JsonService:
    """Answers ``X-Amz-Target: <prefix>.<Operation>`` requests of one service."""

    def __init__(self, name: str, prefix: str, operations: dict[str, Operation]) -> None:
        self.name = name
        self.prefix = prefix
        self._operations = operations

    async def handle(self, method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
        """Answer one request, in the form that the emulator's own services have."""
        caller_headers.set(headers)
        target = headers.get("x-amz-target", "")
        prefix, _, operation = target.partition(".")
        call = self._operations.get(operation) if prefix == self.prefix else None
        if call is None:
            return error_answer("UnknownOperationException", f"{self.name} has no operation of this name here", 400)
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            return success_answer(await call(parse_request(self.name, operation, _json_object(text))))
        except ServiceError as error:
            return error_answer(error.code, error.message, error.status)
        except Exception as error:
            # Only the type of the exception: its message may quote the text on the picture.
            logger.error("%s.%s failed: %s", self.name, operation, type(error).__name__, exc_info=_trace())
            return error_answer("InternalServerError", "The fake failed; its log names the error", 500)


def _trace() -> bool:
    return logger.isEnabledFor(logging.DEBUG)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request is not JSON") from None
    if not isinstance(value, dict):
        raise ServiceError("SerializationException", "The request must be an object")
    return value


def success_answer(answer: Any) -> Answer:
    """A result in the form of the AWS JSON protocol."""
    return 200, dict(_HEADERS), json.dumps(answer).encode()


def error_answer(code: str, message: str, status: int) -> Answer:
    """An error in the form of the AWS JSON protocol."""
    # SDKs read __type; Rekognition also sends Code.
    body = {"__type": code, "message": message, "Message": message, "Code": code, "RequestId": str(uuid.uuid4())}
    return status, {**_HEADERS, "x-amzn-errortype": code}, json.dumps(body).encode()
