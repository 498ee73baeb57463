"""Judges requests, answers and errors by botocore's service models.

The models say which members a document has and which are required, and each member's type, enumeration, pattern, length and range.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import botocore.loaders
import botocore.model

from bonafide_local.errors import ServiceError

# The emulator's name of a service → botocore's, where they differ.
_NAMES = {"states": "stepfunctions"}

# Errors of any operation of any service: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html, the same page in each service's
# reference.
COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InternalFailure",
        "MalformedHttpRequestException",
        "NotAuthorized",
        "OptInRequired",
        "RequestAbortedException",
        "RequestEntityTooLargeException",
        "RequestExpired",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ThrottlingException",
        "UnrecognizedClientException",
        "UnknownOperationException",
        "ValidationError",
    }
)
# Services with the AWS JSON protocol name a broken constraint and an unreadable body so, whether or not their models say it:
# https://smithy.io/2.0/spec/model-validation.html and https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
_JSON_ERRORS = frozenset({"ValidationException", "SerializationException"})


class Direction(StrEnum):
    REQUEST = "request"
    ANSWER = "answer"
    ERROR = "error"


class Problem(NamedTuple):
    """What a document breaks, and where: names of members and the model's own words, never a value."""

    path: str
    rule: str
    is_type: bool = False


class Finding(NamedTuple):
    """A problem of one operation."""

    service: str
    operation: str
    direction: Direction
    path: str
    rule: str


@cache
def service_model(service: str) -> botocore.model.ServiceModel | None:
    """The model of a service, by the emulator's name; None for what is not a service of AWS."""
    name = _NAMES.get(service, service)
    try:
        return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)
    except botocore.loaders.UnknownServiceError:
        return None


def operation_model(service: str, operation: str) -> botocore.model.OperationModel | None:
    """The model of an operation; None if the service has no such operation."""
    model = service_model(service)
    return model.operation_model(operation) if model is not None and operation in model.operation_names else None


def judge(service: str, operation: str, direction: Direction, document: Any) -> list[Finding]:
    """Every way in which a request, an answer or an error (its code) differs from the model. A service without a model is not judged."""
    if service_model(service) is None:
        return []
    model = operation_model(service, operation)
    if direction is Direction.ERROR:
        found = [] if document in errors_of(service, operation) else [Problem(str(document), "is not an error of the operation")]
    elif model is None:
        found = [Problem("", "is not an operation of the service")]
    else:
        shape = model.input_shape if direction is Direction.REQUEST else model.output_shape
        found = [] if shape is None else list(problems(document, shape))
    return [Finding(service, operation, direction, problem.path, problem.rule) for problem in found]


@cache
def errors_of(service: str, operation: str) -> frozenset[str]:
    """The codes of the errors that an operation can answer with; those of all operations for one that the service does not have."""
    model = service_model(service)
    if model is None:
        return COMMON_ERRORS
    shapes = model.operation_model(operation).error_shapes if operation in model.operation_names else model.error_shapes
    if model.metadata["protocol"] == "json":
        return COMMON_ERRORS | _JSON_ERRORS | {shape.name for shape in shapes}
    # In the other protocols, an error may have a code of its own.
    listed = {_code(shape) for shape in shapes}
    if service == "s3":
        # The model lists them as text. A HEAD has no body, so its status stands for the code.
        text = model.shape_for("Error").members["Code"].documentation
        return frozenset({*re.findall(r"<i>Code:</i> (\w+)", text), *listed, "304", "403", "404", "405", "412"})
    return COMMON_ERRORS | listed


# The classes of errors that the models do not have: of the SDK for Java 1, which the optimized integrations of Step Functions use, and of
# the SDK for Java 2, which the others use.
BASE_CLASSES = {
    "DynamoDB": "AmazonDynamoDBException",
    "Lambda": "AWSLambdaException",
    "SNS": "AmazonSNSException",
    "SQS": "AmazonSQSException",
    "StepFunctions": "AWSStepFunctionsException",
}


def error_name(service: str, prefix: str, code: str) -> str:
    """The name of a service's error in Step Functions: ``<prefix>.<class of the SDK for Java>``."""
    return f"{prefix}.{_java_classes(service).get(code) or BASE_CLASSES.get(prefix) or f'{prefix}Exception'}"


@cache
def _java_classes(service: str) -> dict[str, str]:
    """Code, or class → class, whose name always ends in Exception."""
    model = service_model(service)
    shapes = model.error_shapes if model else ()
    classes = {shape: f"{shape.name.removesuffix('Exception')}Exception" for shape in shapes}
    return {name: java for shape, java in classes.items() for name in (shape.name, _code(shape), java)}


def _code(error: botocore.model.Shape) -> str:
    """The code of an error on the wire, outside of the JSON protocol."""
    return str(error.metadata.get("error", {}).get("code", error.name))


def parse_request(service: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """Check a JSON request against the operation's input shape and decode its blobs.

    Raises `ServiceError` ``ValidationException`` (as AWS names a broken constraint) or
    ``SerializationException`` (a value of the wrong type). Messages name the member, never its value.
    """
    model = operation_model(service, operation)
    shape = None if model is None else model.input_shape
    if shape is None:
        return {}
    # AWS ignores unknown members; here they are refused, so that a misspelt one is noticed.
    for path, rule, is_type in problems(body, shape):
        member = ".".join(name[:1].lower() + name[1:] for name in path.split("."))
        if is_type:
            raise ServiceError("SerializationException", f"{member or 'request'} {rule}")
        message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member {rule}"
        raise ServiceError("ValidationException", message)
    decoded: dict[str, Any] = _decoded(body, shape)
    return decoded


def _decoded(value: Any, shape: botocore.model.Shape) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _decoded(member, shape.members[name]) for name, member in value.items() if member is not None}
        case "list":
            return [_decoded(item, shape.member) for item in value]
        case "map":
            return {key: _decoded(item, shape.value) for key, item in value.items()}
        case "blob":
            return base64.b64decode(value)
        case "float" | "double":
            return float(value)
    return value


# Types of values in JSON, and (bytes, datetime) in what botocore's parsers make of XML.
_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "structure": ("must be an object", (dict,)),
    "map": ("must be an object", (dict,)),
    "list": ("must be a list", (list,)),
    "string": ("must be a string", (str,)),
    "character": ("must be a string", (str,)),
    "blob": ("must be base64 text", (str, bytes)),
    "integer": ("must be an integer", (int,)),
    "long": ("must be an integer", (int,)),
    "float": ("must be a number", (int, float)),
    "double": ("must be a number", (int, float)),
    "timestamp": ("must be a time", (int, float, datetime)),
    "boolean": ("must be true or false", (bool,)),
}


def problems(value: Any, shape: botocore.model.Shape, path: str = "") -> Iterator[Problem]:
    """Compare a value with its shape. Positions in lists and keys of maps are not part of a path."""
    kind = shape.type_name
    described, types = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
        yield Problem(path, described, is_type=True)
        return
    match kind:
        case "structure":
            yield from _problems_of_structure({name: member for name, member in value.items() if member is not None}, shape, path)
        case "list":
            yield from _out_of_range(len(value), shape, path, "length")
            for item in value:
                yield from problems(item, shape.member, f"{path}[]")
        case "map":
            yield from _out_of_range(len(value), shape, path, "length")
            for key, item in value.items():
                yield from problems(key, shape.key, f"{path}.key")
                yield from problems(item, shape.value, f"{path}.value")
        case "string":
            yield from _out_of_range(len(value), shape, path, "length")
            pattern = shape.metadata.get("pattern")
            compiled = _pattern(pattern) if pattern else None
            if compiled and not compiled.fullmatch(value):
                yield Problem(path, f"must satisfy regular expression pattern: {pattern}")
            if shape.enum and value not in shape.enum:
                yield Problem(path, f"must satisfy enum value set: [{', '.join(shape.enum)}]")
        case "blob":
            try:
                data = value if isinstance(value, bytes) else binascii.a2b_base64(value, strict_mode=True)
            except (binascii.Error, ValueError):
                yield Problem(path, described, is_type=True)
            else:
                yield from _out_of_range(len(data), shape, path, "length")
        case "integer" | "long" | "float" | "double":
            yield from _out_of_range(value, shape, path, "value")


def _problems_of_structure(value: dict[str, Any], shape: botocore.model.StructureShape, path: str) -> Iterator[Problem]:
    within = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield Problem(f"{within}{name}", "must not be null")
    for name, member in value.items():
        if name in shape.members:
            yield from problems(member, shape.members[name], f"{within}{name}")
        else:
            yield Problem(f"{within}{name}", "is not in the model")


def _out_of_range(size: float, shape: botocore.model.Shape, path: str, what: str) -> Iterator[Problem]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield Problem(path, f"must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield Problem(path, f"must have {what} less than or equal to {most}")


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """The models' patterns are Java's, whose classes are those of ASCII; None for the few that Python does not read (``\\p{L}``)."""
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        return None
