"""Adds what the emulator lacks, through its plain dictionaries.

Every hook is pinned by a test in ``local/tests/test_hooks.py``: when a new version of the emulator renames
an internal that is used, `install` fails at the start with a message, or the test fails.
"""

from __future__ import annotations

import json
import re
import threading
import time
from types import SimpleNamespace
from typing import Any

from bonafide_local import (
    asl,
    checksums,
    descriptions,
    execution_metrics,
    iam,
    issuer,
    object_lock,
    openapi_import,
    ranges,
    redrive,
    streams,
    tokens,
)
from bonafide_local.aws_json import JsonService, caller_headers
from bonafide_local.errors import ServiceError
from bonafide_local.objects import ReadObject
from bonafide_local.rekognition import Rekognition
from bonafide_local.timers import Timers

# Service → (X-Amz-Target prefix, error prefix in Step Functions)
_SERVICES = {"rekognition": ("RekognitionService", "Rekognition"), "textract": ("Textract", "Textract")}

# The resource of a Task: `aws-sdk:rekognition` and `compareFaces`, `states` and `startExecution.sync:2`.
_INTEGRATION = re.compile(r"arn:aws:states:::((?:aws-sdk:)?[^:]+):(.+)")


def install(services: list[JsonService], rekognition: Rekognition, decisions: iam.Decisions) -> None:
    """Add the services to the emulator: SDK clients, state machines, IAM and CloudFormation."""
    timers = Timers()
    redrive.install(timers)
    asl.install()
    tokens.install(timers)
    execution_metrics.install()
    for service in services:
        _add_service(service)
    _add_collections(rekognition)
    _describe_tasks_in_histories()
    _start_at_once()
    ranges.install()
    streams.install()
    object_lock.install()
    descriptions.install()
    checksums.install()
    openapi_import.install()
    issuer.install()
    iam.install(decisions)


def _add_service(service: JsonService) -> None:
    from ministack import app
    from ministack.core import iam_actions, router
    from ministack.services import stepfunctions

    prefix, error_prefix = _SERVICES[service.name]
    app.SERVICE_HANDLERS[service.name] = service.handle
    # Without a pattern, the emulator would load the models of all services to find the name.
    router.SERVICE_PATTERNS[service.name] = {"target_prefixes": [f"{prefix}."]}
    stepfunctions._AWS_SDK_SERVICE_MAP[service.name] = {"target_prefix": prefix, "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX[service.name] = error_prefix
    iam_actions.SERVICE_TO_IAM_NAMESPACE[service.name] = service.name


def _describe_tasks_in_histories() -> None:
    """On AWS, the events of a Task name service and operation apart. TaskScheduled has the region, and the request as ``parameters``."""
    from ministack.core.responses import get_region
    from ministack.services import stepfunctions

    # Arguments are evaluated right before the event, by the same thread.
    asked = threading.local()
    apply_arguments, add_event = stepfunctions._apply_jsonata_arguments, stepfunctions._add_event

    def apply(state: dict[str, Any], raw_input: Any, context: dict[str, Any] | None = None) -> Any:
        asked.parameters = apply_arguments(state, raw_input, context)
        return asked.parameters

    def add(execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None) -> Any:
        for task in (details or {}).values() if event_type.startswith("Task") else ():
            integration = _INTEGRATION.fullmatch(task.get("resource") or "")
            if integration:
                task["resourceType"], task["resource"] = integration.groups()
            if event_type == "TaskScheduled":
                task["region"] = get_region()
                task["parameters"] = json.dumps(asked.__dict__.pop("parameters", {}))
        return add_event(execution, event_type, details)

    stepfunctions._apply_jsonata_arguments, stepfunctions._add_event = apply, add


def _start_at_once() -> None:
    """With ``SFN_WAIT_SCALE=0`` Retries and Wait states take no time, but the emulator still pauses before each execution."""
    from ministack.services import stepfunctions

    if stepfunctions._SFN_WAIT_SCALE == 0:
        stepfunctions.time = SimpleNamespace(**vars(time) | {"sleep": lambda _seconds: None})


def _add_collections(rekognition: Rekognition) -> None:
    from ministack.core import iam_actions
    from ministack.services.cloudformation import provisioners

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        identifier = properties["CollectionId"]
        try:
            rekognition.create(identifier)
        except ServiceError as error:
            raise ValueError(error.message) from None
        return identifier, {"Arn": rekognition.arn_of(identifier)}

    def delete(identifier: str, properties: dict[str, Any]) -> None:
        try:
            rekognition.delete(identifier)
        except ServiceError:
            # It does not exist any more, which CloudFormation counts as success.
            pass

    def update(identifier: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        if new["CollectionId"] == identifier:
            return identifier, {"Arn": rekognition.arn_of(identifier)}
        # The id is create-only: a changed id replaces the collection.
        created = create("", new, stack_name)
        delete(identifier, old)
        return created

    provisioners._RESOURCE_HANDLERS["AWS::Rekognition::Collection"] = {
        "create": create,
        "update": update,
        "delete": delete,
    }

    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: Any, query: Any, region: str, account_id: str
    ) -> str:
        if service != "rekognition":
            return str(original(service, method, path, headers, body, query, region, account_id))
        identifier = _collection_id(body)
        return rekognition.arn_of(identifier) if identifier else "*"

    iam_actions.extract_resource_arn = extract_resource_arn


def _collection_id(body: bytes | str) -> str | None:
    try:
        identifier = json.loads(body or b"{}").get("CollectionId")
    except (ValueError, AttributeError):
        return None
    return identifier if isinstance(identifier, str) else None


def object_reader(region: str) -> ReadObject:
    """Read objects from the emulator's S3 with the permissions of the caller of the current request.

    On AWS both services read an S3Object with the caller's permissions. With ``--iam`` a caller
    without s3:GetObject (s3:GetObjectVersion for a version) gets the error for an object that
    does not exist, as on AWS.
    """

    def read(bucket: str, key: str, version: str | None) -> bytes | None:
        from ministack import app
        from ministack.services import s3

        if app.AUTH and not _may_read(bucket, key, version, region):
            return None
        data: bytes | None = s3._get_object_data(bucket, key, version)
        return data

    return read


# State machines call with the emulator's own key: their roles are not enforced here.
_ROOT_KEY = "test"


def _may_read(bucket: str, key: str, version: str | None, region: str) -> bool:
    from ministack.core.iam_evaluator import enforce
    from ministack.core.router import extract_access_key_id

    access_key = extract_access_key_id(caller_headers.get({}), {})
    if access_key == _ROOT_KEY:
        return True
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    return enforce(access_key, action, "s3", region, resource_arn=f"arn:aws:s3:::{bucket}/{key}") is None
