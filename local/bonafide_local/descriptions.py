"""Answers about functions, tables and machines that AWS would not give: the emulator has empty texts, zero, and names of CloudFormation."""

from __future__ import annotations

import json
from typing import Any

from bonafide_local.aws_json import Answer, Handler

# Members of the configuration of a function, and what the emulator has there in place of nothing.
_OF_FUNCTIONS = ("LastUpdateStatusReasonCode", "RuntimeVersionConfig", "StateReasonCode")
_NOTHING = ("", "Updating", {"RuntimeVersionArn": ""})
# Of a table on demand: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}


def install() -> None:
    """Change the answers of Lambda and DynamoDB, and machines that CloudFormation creates."""
    from ministack import app
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    app.SERVICE_HANDLERS["lambda"] = _without_empty_members(app.SERVICE_HANDLERS["lambda"])
    describe = dynamodb._table_description

    def described(table: str) -> dict[str, Any]:
        description: dict[str, Any] = describe(table)
        return description if description["WarmThroughput"]["ReadUnitsPerSecond"] else description | {"WarmThroughput": _WARM}

    dynamodb._table_description = described
    machines = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    create, update = machines["create"], machines["update"]

    def create_machine(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        return create(logical_id, _with_logging_of_the_api(properties), stack)

    def update_machine(identifier: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Any:
        return update(identifier, _with_logging_of_the_api(old), _with_logging_of_the_api(new), stack, logical_id)

    machines["create"], machines["update"] = create_machine, update_machine


def _without_empty_members(handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
        status, answered, content = await handler(method, path, headers, body, query)
        if any(f'"{name}"'.encode() in content for name in _OF_FUNCTIONS):
            content = json.dumps(json.loads(content, object_hook=_without_empty)).encode()
        return status, answered, content

    return handle


def _without_empty(function: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in function.items() if name not in _OF_FUNCTIONS or value not in _NOTHING}


def _with_logging_of_the_api(properties: dict[str, Any]) -> dict[str, Any]:
    """The emulator keeps the names of CloudFormation, which begin with a capital, for the answers of Step Functions."""
    return {name: _uncapitalized(value) if name == "LoggingConfiguration" else value for name, value in properties.items()}


def _uncapitalized(value: Any) -> Any:
    if isinstance(value, list):
        return [_uncapitalized(item) for item in value]
    return {name[:1].lower() + name[1:]: _uncapitalized(member) for name, member in value.items()} if isinstance(value, dict) else value
