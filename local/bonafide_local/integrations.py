"""The optimized integrations of state machines, which the engine carries out by functions and not over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# The prefixes of the errors of optimized integrations.
PREFIXES = {"dynamodb": "DynamoDB", "lambda": "Lambda", "sns": "SNS", "sqs": "SQS", "states": "StepFunctions"}
_DISPATCHED = {
    "arn:aws:states:::dynamodb:getItem": ("dynamodb", "GetItem"),
    "arn:aws:states:::dynamodb:putItem": ("dynamodb", "PutItem"),
    "arn:aws:states:::dynamodb:updateItem": ("dynamodb", "UpdateItem"),
    "arn:aws:states:::sns:publish": ("sns", "Publish"),
    "arn:aws:states:::sqs:sendMessage": ("sqs", "SendMessage"),
}

# ``original(what, arguments)``
Integration = Callable[[Any, Any], Any]


def over_integrations(wrap: Callable[[str, str, Integration], Integration]) -> None:
    """Wrap the functions with which the engine calls services for Tasks, other than through the handlers of HTTP."""
    from ministack.services import stepfunctions as engine

    for resource, (service, operation) in _DISPATCHED.items():
        engine._SERVICE_DISPATCH[resource] = wrap(service, operation, engine._SERVICE_DISPATCH[resource])
    engine._call_lambda = wrap("lambda", "Invoke", engine._call_lambda)
    for start in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync"):
        setattr(engine, start, wrap("states", "StartExecution", getattr(engine, start)))
