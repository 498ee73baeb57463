"""Forced answers for tests, by operation: errors, delays, canned results and malformed bodies."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any, TypeVar

from bonafide_local.models import Direction, judge

THIRD_PARTY = "third-party"
# The emulator's names; `states` is Step Functions.
AWS_SERVICES = ("dynamodb", "lambda", "rekognition", "s3", "secretsmanager", "sns", "sqs", "states", "textract")
# The Runtime API of Lambda, where workers answer their invocations.
RUNTIME_API = "lambda-runtime"
SERVICES = (*AWS_SERVICES, RUNTIME_API, THIRD_PARTY)
# How soon a delayed request notices that its fault is removed.
_POLL_SECONDS = 0.05
_FIELDS = {
    "service",
    "operation",
    "caller",
    "match",
    "count",
    "passing",
    "delaySeconds",
    "error",
    "status",
    "message",
    "result",
    "malformed",
    "noAnswer",
    "worker",
    "afterwards",
}
# A fault of the Runtime API has no other effect than the end of the worker.
_FIELDS_OF_RUNTIME_API = {"service", "operation", "caller", "match", "count", "passing", "worker"}


class MissingAnswer(StrEnum):
    """How a request is left unanswered."""

    # The connection is closed without an answer.
    CLOSED = "closed"
    # The connection stays open without an answer.
    SILENT = "silent"


class WorkerFailure(StrEnum):
    """How the worker that sent the request ends."""

    # By SIGKILL, as without enough memory.
    KILLED = "killed"
    # By SIGABRT, as after a panic that cannot be caught.
    ABORTED = "aborted"
    # A panic that the kit catches and reports.
    PANICKED = "panicked"
    # By the function's timeout.
    OUT_OF_TIME = "outOfTime"


class NoAnswer(BaseException):
    """The request is left unanswered. Not an Exception, so that no handler turns it into an answer."""

    def __init__(self, kind: MissingAnswer) -> None:
        super().__init__(kind)
        self.kind = kind


E = TypeVar("E", bound=StrEnum)


class BadFault(ValueError):
    """The description of a fault is not valid. The message is for the tester."""


@dataclass(slots=True)
class Fault:
    """One forced answer, after ``passing`` normal ones. ``remaining`` None means until it is removed.

    ``met`` counts the requests that it has answered or delays.
    """

    service: str
    operation: str | None
    error: str | None = None
    status: int = 400
    message: str | None = None
    remaining: int | None = None
    passing: int = 0
    delay_seconds: float = 0.0
    result: Any = None
    has_result: bool = False
    malformed: bool = False
    match: dict[str, str] = field(default_factory=dict)
    caller: str | None = None
    no_answer: MissingAnswer | None = None
    worker: WorkerFailure | None = None
    afterwards: bool = False
    identifier: int = 0
    met: int = 0
    is_removed: bool = False

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
        passing = body.get("passing", 0)
        if not isinstance(passing, int) or isinstance(passing, bool) or passing < 0:
            raise BadFault("passing must be a number of requests")
        delay = body.get("delaySeconds", 0)
        if not isinstance(delay, (int, float)) or isinstance(delay, bool) or delay < 0:
            raise BadFault("delaySeconds must be a number of seconds")
        match = body.get("match") or {}
        if not isinstance(match, dict) or not all(isinstance(text, str) for text in match.values()):
            raise BadFault("match must be an object of strings")
        status = body.get("status", 400)
        if not isinstance(status, int) or not 100 <= status <= 599:
            raise BadFault("status must be an HTTP status")
        caller = body.get("caller")
        if caller is not None and not isinstance(caller, str):
            raise BadFault("caller must be a text")
        if service == THIRD_PARTY and {"caller", "worker", "afterwards"} & set(body):
            raise BadFault("a fault of the licence verification service cannot have caller, worker or afterwards")
        if service == RUNTIME_API and ("worker" not in body or set(body) - _FIELDS_OF_RUNTIME_API):
            raise BadFault(f"a fault of {RUNTIME_API} has worker, and only {', '.join(sorted(_FIELDS_OF_RUNTIME_API))}")
        fault = cls(
            service=service,
            operation=body.get("operation"),
            error=body.get("error"),
            status=status,
            message=body.get("message"),
            remaining=count,
            passing=passing,
            delay_seconds=float(delay),
            result=body.get("result"),
            has_result="result" in body,
            malformed=bool(body.get("malformed", False)),
            match=dict(match),
            caller=caller,
            no_answer=_one_of(MissingAnswer, "noAnswer", body),
            worker=_one_of(WorkerFailure, "worker", body),
            afterwards=bool(body.get("afterwards", False)),
        )
        effects = (fault.error, fault.has_result, fault.malformed, fault.delay_seconds, fault.no_answer, fault.worker, "status" in body)
        if not any(effects):
            raise BadFault("a fault needs error, status, result, malformed, noAnswer, worker or delaySeconds")
        fault._refuse_what_aws_does_not_answer()
        return fault

    def _refuse_what_aws_does_not_answer(self) -> None:
        found = judge(self.service, self.operation or "", Direction.ERROR, self.error) if self.error else []
        # The result of Invoke is what the function answers, which no model describes.
        if self.has_result and self.operation and self.service != "lambda":
            found += judge(self.service, self.operation, Direction.ANSWER, self.result)
        if found:
            raise BadFault("; ".join(f"{finding.operation} {finding.path} {finding.rule}" for finding in found))

    def applies(self, operation: str, request: str, caller: str) -> bool:
        """Whether this fault answers the request (its text) of this caller to its service."""
        return (
            self.operation in (None, operation)
            and (self.caller is None or self.caller in caller)
            and all(text in request for text in self.match.values())
        )

    def delay(self) -> Iterator[float]:
        """The seconds to sleep, in parts: until its delay is over, or it is removed."""
        end = time.monotonic() + self.delay_seconds
        while (left := end - time.monotonic()) > 0 and not self.is_removed:
            yield min(left, _POLL_SECONDS)

    def describe(self) -> dict[str, Any]:
        """The fault as ``GET /faults`` shows it."""
        shown: dict[str, Any] = {"id": self.identifier, "service": self.service, "operation": self.operation}
        if self.error:
            shown |= {"error": self.error, "status": self.status}
        if self.remaining is not None:
            shown["count"] = self.remaining
        if self.passing:
            shown["passing"] = self.passing
        if self.met:
            shown["met"] = self.met
        if self.delay_seconds:
            shown["delaySeconds"] = self.delay_seconds
        if self.has_result:
            shown["result"] = self.result
        if self.malformed:
            shown["malformed"] = True
        if self.caller:
            shown["caller"] = self.caller
        if self.no_answer:
            shown["noAnswer"] = self.no_answer
        if self.worker:
            shown["worker"] = self.worker
        if self.afterwards:
            shown["afterwards"] = True
        if self.match:
            shown["match"] = self.match
        return shown


def _one_of(kind: type[E], name: str, body: dict[str, Any]) -> E | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        raise BadFault(f"{name} must be one of {', '.join(kind)}") from None


class Faults:
    """The faults in force, oldest first, and the count of calls. Safe to use from threads."""

    def __init__(self) -> None:
        # By service, since every request of it looks through them.
        self._faults: dict[str, list[Fault]] = {service: [] for service in SERVICES}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._added = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._added += 1
            fault.identifier = self._added
            self._faults[fault.service].append(fault)

    def kept(self) -> dict[str, list[Fault]]:
        """The faults in force, for `restore`; does not wait for the lock."""
        return self._faults

    def restore(self, faults: dict[str, list[Fault]]) -> None:
        """Replace the faults."""
        with self._lock:
            # A snapshot of an earlier version may lack a service.
            self._faults = {service: faults.get(service, []) for service in SERVICES}
            self._added = max((fault.identifier for fault in self._all()), default=0)

    def remove(self, identifier: int) -> None:
        """Remove one fault, if it is still there."""
        with self._lock:
            for fault in self._all():
                if fault.identifier == identifier:
                    fault.is_removed = True
                    self._faults[fault.service].remove(fault)

    def clear(self) -> None:
        """Remove all faults; the counts of calls stay."""
        with self._lock:
            for fault in self._all():
                fault.is_removed = True
                self._faults[fault.service].remove(fault)

    def clear_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def called(self, service: str, operation: str, request: str, caller: str = "") -> Fault | None:
        """Count a call, and `find` the fault that answers it."""
        with self._lock:
            self._calls[(service, operation)] += 1
        return self.find(service, operation, request, caller)

    def find(self, service: str, operation: str, request: str, caller: str = "") -> Fault | None:
        """The fault that answers a call, if any, whose count is reduced by one."""
        with self._lock:
            for fault in self._faults[service]:
                if fault.applies(operation, request, caller):
                    if fault.passing:
                        fault.passing -= 1
                        continue
                    if fault.remaining is not None:
                        fault.remaining -= 1
                        if fault.remaining == 0:
                            self._faults[service].remove(fault)
                    fault.met += 1
                    return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.describe() for fault in self._all()]

    def _all(self) -> list[Fault]:
        return sorted(chain.from_iterable(self._faults.values()), key=lambda fault: fault.identifier)

    def calls(self) -> dict[str, dict[str, int]]:
        """Counts per service and operation since the start (or since ``DELETE /calls``)."""
        with self._lock:
            counts: dict[str, dict[str, int]] = {service: {} for service in SERVICES}
            for (service, operation), count in sorted(self._calls.items()):
                counts[service][operation] = count
            return counts
