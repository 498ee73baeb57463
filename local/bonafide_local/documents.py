"""Requests and answers as the documents that the service models describe.

In the AWS JSON protocol these are the bodies. For the others, botocore's parsers read the answers. Not read are the bodies of requests in
the REST protocols, and members of XML that the model does not have.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.model
import botocore.parsers
from botocore.awsrequest import HeadersDict
from botocore.utils import parse_timestamp

from bonafide_local.models import operation_model, service_model

Document = Any
# By name, as the emulator gives them: a value, or several.
Query = dict[str, Any]


def operation_of(service: str, method: str, path: str, headers: dict[str, str], body: str, query: Query) -> str:
    """The operation's name: in a header for JSON protocols, in the form for the query protocol, in method and path for REST."""
    target = headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    model = service_model(service)
    if model is None or not model.metadata["protocol"].startswith("rest"):
        form = dict(parse_qsl(body))
        return form.get("Action") or _first(query.get("Action")) or f"{method}.{service}"
    given = {name.lower() for name in query} | set(headers)
    for name, verb, pattern, literals, required in _routes(service):
        if verb == method and literals <= set(query) and pattern.fullmatch(path) and given.issuperset(required):
            return name
    return f"{method}.{service}"


@cache
def _routes(service: str) -> list[tuple[str, str, re.Pattern[str], frozenset[str], tuple[str, ...]]]:
    """Operations with verb, path, and the parameters and headers that must be there; the most specific first."""
    model = service_model(service)
    routes = []
    for name in () if model is None else model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        # What is between `{` and `}` at every other position: a label, or the rest of the path.
        parts = re.split(r"\{(\w+\+?)\}", path)
        expression = "".join(
            (".+" if part.endswith("+") else "[^/]+") if index % 2 else re.escape(part) for index, part in enumerate(parts)
        )
        literals = frozenset(key for key, _ in parse_qsl(query, keep_blank_values=True))
        shape = operation.input_shape
        located = [] if shape is None else [shape.members[member].serialization for member in shape.required_members]
        required = tuple(one["name"].lower() for one in located if one.get("location") in ("header", "querystring"))
        routes.append((name, operation.http["method"], re.compile(expression + "/?"), literals, required))
    return sorted(routes, key=lambda route: (-len(route[3]), -len(route[4]), route[2].pattern.count("+"), route[0]))


def request_document(service: str, operation: str, path: str, headers: dict[str, str], body: str, query: Query) -> Document:
    """A request as a document. Raises ValueError if its body cannot be read."""
    model = operation_model(service, operation)
    if "x-amz-target" in headers:
        return json.loads(body or "{}")
    if model is None or model.input_shape is None:
        return {}
    if model.service_model.metadata["protocol"].startswith("rest"):
        return _located(model, path, headers, query)
    return _unfolded(dict(parse_qsl(body, keep_blank_values=True)), model.input_shape, "")


def _located(model: botocore.model.OperationModel, path: str, headers: dict[str, str], query: Query) -> Document:
    """The members of a REST request in path, parameters and headers."""
    labels = _labels(model.http["requestUri"]).fullmatch(path)
    values = {name: unquote(part) for name, part in labels.groupdict().items()} if labels else {}
    found = {}
    for member, shape in model.input_shape.members.items():
        name = shape.serialization.get("name", member)
        match shape.serialization.get("location"):
            case "uri":
                value = values.get(name)
            case "querystring":
                value = _first(query.get(name))
            case "header":
                value = headers.get(name.lower())
            case _:
                continue
        if value is not None:
            found[member] = _scalar(value, shape)
    return found


@cache
def _labels(uri: str) -> re.Pattern[str]:
    """A path with its labels; one with ``+`` is the rest of the path."""
    path = re.escape(uri.partition("?")[0])
    return re.compile(re.sub(r"\\{(\w+)(\\\+)?\\}", lambda label: f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})", path) + "/?")


def _unfolded(form: dict[str, str], shape: botocore.model.Shape, name: str) -> Document:
    """A value of the query protocol, whose structures are folded into names: ``Tags.member.1.Key``."""
    within = f"{name}." if name else ""
    match shape.type_name:
        case "structure":
            names = {key: within + member.serialization.get("name", key) for key, member in shape.members.items()}
            return {key: _unfolded(form, shape.members[key], one) for key, one in names.items() if _has(form, one)}
        case "list":
            flat = name if shape.serialization.get("flattened") else f"{name}.{shape.member.serialization.get('name', 'member')}"
            return [_unfolded(form, shape.member, one) for one in _numbered(form, flat)]
        case "map":
            flat = name if shape.serialization.get("flattened") else f"{name}.entry"
            key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
            return {form[f"{one}.{key_name}"]: _unfolded(form, shape.value, f"{one}.{value_name}") for one in _numbered(form, flat)}
    return _scalar(form[name], shape)


def _has(form: dict[str, str], name: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for key in form)


def _numbered(form: dict[str, str], name: str) -> list[str]:
    """The names of the items of a list or a map."""
    return [one for one in (f"{name}.{number}" for number in range(1, len(form) + 1)) if _has(form, one)]


def _scalar(text: str, shape: botocore.model.Shape) -> Any:
    """A text as a value of its shape; the text itself if it cannot be one."""
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "timestamp":
                return parse_timestamp(text)
    except (ValueError, KeyError):
        pass
    return text


def answer_document(service: str, operation: str, status: int, headers: dict[str, str], body: bytes) -> tuple[Document, str | None]:
    """An answer as a document, and the code of the error if it is one. Raises ValueError if its body cannot be read."""
    model = operation_model(service, operation)
    protocol = "json" if model is None else model.service_model.metadata["protocol"]
    if protocol == "json":
        document = json.loads(body or b"{}")
        # `com.amazonaws.sqs#QueueDoesNotExist`
        return document, str(document.get("__type", "")).rpartition("#")[2] if status >= 300 else None
    shape = None if model is None else model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    is_data = status < 300 and payload is not None and shape.members[payload].type_name == "blob"
    answer = {"status_code": status, "headers": HeadersDict(headers), "body": b"" if is_data else body}
    try:
        parsed = botocore.parsers.create_parser(protocol).parse(answer, shape)
    except botocore.parsers.ResponseParserError as error:
        raise ValueError(str(error)) from None
    parsed.pop("ResponseMetadata", None)
    # Data is any data: an object, what a function answers.
    if is_data:
        del parsed[payload]
    return parsed, str(parsed.get("Error", {}).get("Code", "")) if status >= 300 else None


def of_task(value: Any, shape: botocore.model.Shape) -> Document:
    """Arguments or result of an optimized integration, whose names begin with a capital, and whose texts may be given as JSON."""
    match shape.type_name, value:
        case "structure", dict():
            names = {name[:1].upper() + name[1:]: name for name in shape.members}
            named = {names.get(name, name): member for name, member in value.items()}
            return {name: of_task(member, shape.members[name]) if name in shape.members else member for name, member in named.items()}
        case "string", dict() | list():
            return json.dumps(value)
    return value


def _first(value: Any) -> str | None:
    return value[0] if isinstance(value, list) and value else value
