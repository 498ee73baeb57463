"""Checks requests and answers against botocore's service models."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import botocore.loaders
import botocore.model

from bonafide_local.errors import ServiceError


@lru_cache(maxsize=8)
def service_model(service: str) -> botocore.model.ServiceModel:
    """Load the model of ``rekognition`` or ``textract``."""
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)


def parse_request(service: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """Check a JSON request against the operation's input shape and decode its blobs.

    Raises `ServiceError` ``ValidationException`` (as AWS names a broken constraint) or
    ``SerializationException`` (a value of the wrong type). Messages name the member, never its value.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return {}
    parsed: dict[str, Any] = _parsed(body, shape, "")
    return parsed


def _parsed(value: Any, shape: botocore.model.Shape, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        _expect(isinstance(value, dict), path, "an object")
        unknown = sorted(set(value) - set(shape.members))
        if unknown:
            # AWS ignores unknown members; here they are refused, so that a misspelt one is noticed.
            raise _invalid(_join(path, unknown[0]), "Member is not part of the request")
        for name in shape.required_members:
            if value.get(name) is None:
                raise _invalid(_join(path, name), "Member must not be null")
        return {name: _parsed(member, shape.members[name], _join(path, name)) for name, member in value.items() if member is not None}
    if kind == "list":
        _expect(isinstance(value, list), path, "a list")
        _check_range(len(value), shape, path, "length")
        return [_parsed(item, shape.member, f"{path}.{index + 1}.member") for index, item in enumerate(value)]
    if kind == "map":
        _expect(isinstance(value, dict), path, "an object")
        return {key: _parsed(item, shape.value, _join(path, key)) for key, item in value.items()}
    if kind == "string":
        _expect(isinstance(value, str), path, "a string")
        _check_range(len(value), shape, path, "length")
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            raise _invalid(path, f"Member must satisfy regular expression pattern: {pattern}")
        choices = shape.metadata.get("enum")
        if choices and value not in choices:
            raise _invalid(path, f"Member must satisfy enum value set: [{', '.join(choices)}]")
        return value
    if kind == "blob":
        _expect(isinstance(value, str), path, "base64 text")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ServiceError("SerializationException", f"{path} is not base64") from None
    if kind in ("integer", "long"):
        _expect(isinstance(value, int) and not isinstance(value, bool), path, "an integer")
        _check_range(value, shape, path, "value")
        return value
    if kind in ("float", "double"):
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), path, "a number")
        _check_range(value, shape, path, "value")
        return float(value)
    if kind == "boolean":
        _expect(isinstance(value, bool), path, "true or false")
    return value


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _expect(condition: bool, path: str, expected: str) -> None:
    if not condition:
        raise ServiceError("SerializationException", f"{path or 'request'} must be {expected}")


def _check_range(size: float, shape: botocore.model.Shape, path: str, what: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        raise _invalid(path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        raise _invalid(path, f"Member must have {what} less than or equal to {most}")


def _invalid(path: str, constraint: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}",
    )


def problems_of_answer(service: str, operation: str, answer: Any) -> list[str]:
    """Compare an answer with the operation's output shape, strictly; the list is empty if it fits."""
    shape = service_model(service).operation_model(operation).output_shape
    return [] if shape is None else list(_problems(answer, shape, operation))


def _problems(value: Any, shape: botocore.model.Shape, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path}: not an object"
            return
        yield from (f"{path}.{name}: unknown member" for name in value if name not in shape.members)
        yield from (f"{path}.{name}: missing" for name in shape.required_members if name not in value)
        for name, member in value.items():
            if name in shape.members:
                yield from _problems(member, shape.members[name], f"{path}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for index, item in enumerate(value):
            yield from _problems(item, shape.member, f"{path}[{index}]")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{path}: not a string"
        elif shape.metadata.get("enum") and value not in shape.metadata["enum"]:
            yield f"{path}: not in the enumeration"
        elif shape.metadata.get("pattern") and not re.fullmatch(shape.metadata["pattern"], value):
            yield f"{path}: does not match the pattern"
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"{path}: not a boolean"
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            yield f"{path}: not an integer"
    elif kind in ("float", "double", "timestamp"):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield f"{path}: not a number"
        elif not _in_range(value, shape):
            yield f"{path}: out of range"


def _in_range(value: float, shape: botocore.model.Shape) -> bool:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    return (least is None or value >= least) and (most is None or value <= most)
