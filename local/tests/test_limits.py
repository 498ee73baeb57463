"""Rate limits: requests within them are admitted, others get the error of the service."""

from __future__ import annotations

from typing import Any

import pytest

from bonafide_local.faults import Fault
from bonafide_local.limits import BadLimit, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


ANALYZE = {"service": "textract", "operation": "AnalyzeID", "perSecond": 5}


def limited(*limits: dict[str, Any]) -> tuple[Limits, Clock]:
    clock = Clock()
    faults = Limits(clock)
    for limit in limits:
        faults.limit(limit)
    return faults, clock


def test_admits_one_second_of_requests_at_once_and_then_the_rate() -> None:
    faults, clock = limited(ANALYZE)
    assert [faults.called("textract", "AnalyzeID", "{}") is None for _ in range(7)] == [True] * 5 + [False] * 2
    admitted = 0
    for _ in range(640):
        clock.now += 1 / 64
        admitted += faults.called("textract", "AnalyzeID", "{}") is None
    assert admitted == 50
    (limit,) = faults.limits()
    assert (limit["admitted"], limit["refused"]) == (55, 592)


def test_refuses_as_the_service_does() -> None:
    third_party = {"service": "third-party", "operation": "license", "perSecond": 1}
    states = {"service": "states", "operation": "StartExecution", "perSecond": 1}
    faults, _ = limited({**ANALYZE, "perSecond": 1}, third_party, states)
    refusals = []
    for service, operation in (("textract", "AnalyzeID"), ("third-party", "license"), ("states", "StartExecution")):
        assert faults.called(service, operation, "{}") is None
        refusal = faults.called(service, operation, "{}")
        assert refusal is not None
        refusals.append((refusal.error, refusal.status))
    assert refusals == [
        ("ProvisionedThroughputExceededException", 400),
        ("too many requests", 429),
        ("ThrottlingException", 400),
    ]


def test_counts_refused_calls_and_uses_no_faults() -> None:
    faults, clock = limited({**ANALYZE, "perSecond": 1})
    faults.add(Fault.parse({"service": "textract", "operation": "AnalyzeID", "result": {}, "count": 2}))
    for _ in range(3):
        faults.called("textract", "AnalyzeID", "{}")
    assert faults.calls()["textract"] == {"AnalyzeID": 3}
    clock.now += 1
    fault = faults.called("textract", "AnalyzeID", "{}")
    assert fault is not None
    assert fault.has_result


def test_limits_one_operation_and_can_be_removed() -> None:
    faults, _ = limited({**ANALYZE, "perSecond": 0.5, "burst": 1})
    assert faults.called("textract", "AnalyzeID", "{}") is None
    assert faults.called("textract", "AnalyzeID", "{}") is not None
    assert faults.called("rekognition", "DetectFaces", "{}") is None
    faults.lift()
    assert faults.limits() == []
    assert faults.called("textract", "AnalyzeID", "{}") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"perSecond": 0}, "perSecond"),
        ({"perSecond": True}, "perSecond"),
        ({"perSecond": "5"}, "perSecond"),
        ({"burst": 0.5}, "burst"),
        ({"service": "polly"}, "service"),
        ({"service": "lambda-runtime"}, "service"),
        ({"operation": None}, "operation"),
        ({"rate": 5}, "unknown member 'rate'"),
    ],
)
def test_says_what_is_wrong(change: dict[str, Any], said: str) -> None:
    faults, _ = limited()
    with pytest.raises(BadLimit, match=said):
        faults.limit({**ANALYZE, **change})
