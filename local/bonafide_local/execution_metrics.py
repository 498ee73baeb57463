"""The metrics of AWS/States: finished executions by status, as Step Functions counts them. The product's alarms use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install() -> None:
    """Count every finished execution, children included.

    See https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html.
    """
    from ministack.services import cloudwatch, stepfunctions

    stepfunctions._emit_execution_status_event = _counting(stepfunctions._emit_execution_status_event, cloudwatch.record_metric)


def _counting(original: Callable[[dict[str, Any]], None], record: Callable[..., None]) -> Callable[[dict[str, Any]], None]:
    def emit(execution: dict[str, Any]) -> None:
        metric = _METRICS.get(execution["status"])
        if metric:
            record("AWS/States", metric, 1, "Count", {"StateMachineArn": execution["stateMachineArn"]})
        original(execution)

    return emit
