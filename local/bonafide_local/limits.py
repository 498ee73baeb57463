"""Rate limits for load tests: a token bucket per operation, like AWS's own throttling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bonafide_local.faults import AWS_SERVICES, THIRD_PARTY, Fault, Faults
from bonafide_local.models import errors_of

# The errors by which services refuse a rate; the first that the operation has.
_REFUSALS = ("ProvisionedThroughputExceededException", "TooManyRequestsException", "RequestThrottled", "SlowDown", "ThrottlingException")
_SERVICES = (*AWS_SERVICES, THIRD_PARTY)
_FIELDS = {"service", "operation", "perSecond", "burst"}


class BadLimit(ValueError):
    """The description of a limit is not valid. The message is for the tester."""


@dataclass(slots=True)
class Limit:
    """A rate limit, with the counts of admitted and refused requests. Times are seconds of one clock."""

    service: str
    operation: str
    per_second: float
    burst: float
    tokens: float
    filled_at: float
    admitted: int = 0
    refused: int = 0

    @classmethod
    def parse(cls, body: Any, now: float) -> Limit:
        """Read the JSON of ``POST /limits``. Raises `BadLimit`."""
        if not isinstance(body, dict):
            raise BadLimit("a limit is a JSON object")
        unknown = sorted(set(body) - _FIELDS)
        if unknown:
            raise BadLimit(f"unknown member {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}")
        service, operation = body.get("service"), body.get("operation")
        if service not in _SERVICES:
            raise BadLimit(f"service must be one of {', '.join(_SERVICES)}")
        if not isinstance(operation, str) or not operation:
            raise BadLimit("operation must be the name of an operation")
        per_second = _positive("perSecond", body.get("perSecond"))
        # AWS admits the requests of one second at once.
        burst = _positive("burst", body.get("burst", max(per_second, 1)))
        if burst < 1:
            raise BadLimit("burst must be at least 1, or no request would be admitted")
        return cls(service, operation, per_second, burst, tokens=burst, filled_at=now)

    def admits(self, now: float) -> bool:
        """Whether one more request is within the rate; counts it in both cases."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            self.refused += 1
            return False
        self.tokens -= 1
        self.admitted += 1
        return True

    def refusal(self) -> Fault:
        """The answer to a request above the rate."""
        if self.service == THIRD_PARTY:
            return Fault(self.service, self.operation, error="too many requests", status=429)
        name = next(name for name in _REFUSALS if name in errors_of(self.service, self.operation))
        return Fault(self.service, self.operation, error=name, message="Provisioned rate exceeded")

    def describe(self) -> dict[str, Any]:
        """The limit as ``GET /limits`` shows it."""
        return {
            "service": self.service,
            "operation": self.operation,
            "perSecond": self.per_second,
            "burst": self.burst,
            "admitted": self.admitted,
            "refused": self.refused,
        }


def _positive(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise BadLimit(f"{name} must be a positive number")
    return float(value)


class Limits(Faults):
    """Faults with rate limits: a request above a limit is refused before faults are applied. Safe to use from threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limits: dict[tuple[str, str], Limit] = {}
        self._limits_lock = threading.Lock()
        self._clock = clock

    def limit(self, body: Any) -> dict[str, Any]:
        """Set the limit of an operation, replacing an earlier one. Raises `BadLimit`."""
        limit = Limit.parse(body, self._clock())
        with self._limits_lock:
            self._limits[(limit.service, limit.operation)] = limit
        return limit.describe()

    def lift(self) -> None:
        """Remove all limits."""
        with self._limits_lock:
            self._limits.clear()

    def limits(self) -> list[dict[str, Any]]:
        """All limits, with the counts of admitted and refused requests."""
        with self._limits_lock:
            return [limit.describe() for _, limit in sorted(self._limits.items())]

    def called(self, service: str, operation: str, request: str, caller: str = "") -> Fault | None:
        """As for `Faults`; a request above the limit is counted among the calls, and uses no fault."""
        with self._limits_lock:
            limit = self._limits.get((service, operation))
            refused = limit is not None and not limit.admits(self._clock())
        if limit is not None and refused:
            with self._lock:
                self._calls[(service, operation)] += 1
            return limit.refusal()
        return super().called(service, operation, request, caller)
