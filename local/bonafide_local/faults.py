"""Forced answers, for tests: errors, delays, canned results and broken bodies per operation."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SERVICES = ("rekognition", "textract", "third-party")
_FIELDS = {"service", "operation", "error", "status", "message", "count", "delaySeconds", "result", "malformed", "match"}


class BadFault(ValueError):
    """The description of a fault is not understood. The message is for the tester."""


@dataclass(slots=True)
class Fault:
    """One forced answer. ``remaining`` None means until it is cleared."""

    service: str
    operation: str | None
    error: str | None = None
    status: int = 400
    message: str | None = None
    remaining: int | None = None
    delay_seconds: float = 0.0
    result: Any = None
    has_result: bool = False
    malformed: bool = False
    match: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: Any) -> Fault:
        """Read the JSON of ``POST /faults``. Raises `BadFault`."""
        if not isinstance(body, dict):
            raise BadFault("a fault is a JSON object")
        unknown = sorted(set(body) - _FIELDS)
        if unknown:
            raise BadFault(f"unknown member {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}")
        service = body.get("service")
        if service not in SERVICES:
            raise BadFault(f"service must be one of {', '.join(SERVICES)}")
        count = body.get("count")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise BadFault("count must be a positive integer, or be left out")
        delay = body.get("delaySeconds", 0)
        if not isinstance(delay, (int, float)) or isinstance(delay, bool) or delay < 0:
            raise BadFault("delaySeconds must be a number of seconds")
        match = body.get("match") or {}
        if not isinstance(match, dict) or not all(isinstance(text, str) for text in match.values()):
            raise BadFault("match must be an object of strings")
        status = body.get("status", 400)
        if not isinstance(status, int) or not 100 <= status <= 599:
            raise BadFault("status must be an HTTP status")
        fault = cls(
            service=service,
            operation=body.get("operation"),
            error=body.get("error"),
            status=status,
            message=body.get("message"),
            remaining=count,
            delay_seconds=float(delay),
            result=body.get("result"),
            has_result="result" in body,
            malformed=bool(body.get("malformed", False)),
            match=dict(match),
        )
        if not (fault.error or fault.has_result or fault.malformed or fault.delay_seconds or "status" in body):
            raise BadFault("a fault needs error, status, result, malformed or delaySeconds")
        return fault

    def applies(self, service: str, operation: str, request: str) -> bool:
        """Whether this fault answers the request (its JSON text)."""
        return self.service == service and self.operation in (None, operation) and all(text in request for text in self.match.values())

    def describe(self) -> dict[str, Any]:
        """The fault as ``GET /faults`` shows it."""
        shown: dict[str, Any] = {"service": self.service, "operation": self.operation}
        if self.error:
            shown |= {"error": self.error, "status": self.status}
        if self.remaining is not None:
            shown["count"] = self.remaining
        if self.delay_seconds:
            shown["delaySeconds"] = self.delay_seconds
        if self.has_result:
            shown["result"] = self.result
        if self.malformed:
            shown["malformed"] = True
        if self.match:
            shown["match"] = self.match
        return shown


class Faults:
    """The faults in force, oldest first, and the count of calls. Safe to use from threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults; the counts of calls stay."""
        with self._lock:
            self._faults.clear()

    def clear_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def called(self, service: str, operation: str, request: Any) -> Fault | None:
        """Count a call, and return the fault that answers it, if any, using it up by one."""
        text = request if isinstance(request, str) else json.dumps(request)
        with self._lock:
            self._calls[(service, operation)] += 1
            for fault in self._faults:
                if fault.applies(service, operation, text):
                    if fault.remaining is not None:
                        fault.remaining -= 1
                        if fault.remaining == 0:
                            self._faults.remove(fault)
                    return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def calls(self) -> dict[str, dict[str, int]]:
        """Counts per service and operation since the start (or since ``DELETE /calls``)."""
        with self._lock:
            counts: dict[str, dict[str, int]] = {service: {} for service in SERVICES}
            for (service, operation), count in sorted(self._calls.items()):
                counts[service][operation] = count
            return counts
