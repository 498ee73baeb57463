"""A fake of the licence verification service, over HTTP, as described by ``openapi.yaml``.

It answers ``true`` or ``false`` for a number, and one comparison for each field of a document. The answer
for each number, and what the register has of its holder, is in a register file, and can be changed while it
runs: known, unknown, down (503), slow (answers too late), malformed (no JSON).
"""

from __future__ import annotations

import asyncio
import json
import re
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml

from bonafide_local.faults import THIRD_PARTY, Faults, NoAnswer
from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

DEFAULT_API_KEY = "local-third-party-key"
SLOW_SECONDS = 30.0


class RegisterAnswer(StrEnum):
    """The service's answer for a number."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    DOWN = "down"
    SLOW = "slow"
    MALFORMED = "malformed"


# What a register may have of a licence's holder, in the names of the contract.
FIELDS = ("first_name", "last_name", "date_of_birth", "expiration_date")


class License(NamedTuple):
    """What the register has of a number."""

    answer: RegisterAnswer
    # Its issuer; empty: any.
    state: str = ""
    # Some of `FIELDS`. The others are not compared.
    holder: dict[str, str] = {}  # noqa: RUF012

    @classmethod
    def of(cls, row: dict[str, Any]) -> License:
        """From a row of a register file. Raises KeyError, TypeError or ValueError."""
        holder = {name: str(value) for name, value in row.get("holder", {}).items()}
        if unknown := holder.keys() - set(FIELDS):
            raise ValueError(f"unknown members of holder: {', '.join(sorted(unknown))}")
        return cls(RegisterAnswer(row["answer"]), str(row.get("state", "")), holder)

    def compared_with(self, document: dict[str, Any]) -> dict[str, str]:
        """One comparison for each field that the contract names."""
        is_known = self.answer is not RegisterAnswer.UNKNOWN and self.state in ("", document.get("issuer", self.state))
        comparisons = {"driver_license_id": "match" if is_known else "no_match"}
        for name in FIELDS:
            if not is_known or name not in self.holder or name not in document:
                comparisons[name] = "not_compared"
            else:
                comparisons[name] = "match" if normalise(self.holder[name]) == normalise(document[name]) else "no_match"
        return comparisons


class BadRegister(ValueError):
    """The register file is not valid. The message names the place, for the operator."""


def normalise(number: str) -> str:
    """Licence numbers are compared without separators and in upper case."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())


class Register:
    """Licence numbers with the service's answers."""

    def __init__(self, entries: dict[str, License]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: Path | None) -> Register:
        """Read a register file, or the shipped one. Raises `BadRegister` or OSError."""
        text = resources.files("bonafide_local").joinpath("register.json").read_text("utf-8") if path is None else path.read_text("utf-8")
        try:
            return cls({normalise(row["number"]): License.of(row) for row in json.loads(text)["licenses"]})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            name = path.name if path else "register.json"
            raise BadRegister(f'{name}: expected {{"licenses":[{{"number","answer"}}]}}: {type(error).__name__}') from None

    def license(self, number: str) -> License:
        return self._entries.get(normalise(number), License(RegisterAnswer.UNKNOWN))

    def put(self, number: str, entry: License) -> None:
        self._entries[normalise(number)] = entry


class Journal:
    """The state that the service keeps when the local AWS crashes: charges and changed answers. One JSON array a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, *entry: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(entry)}\n")

    def entries(self) -> list[list[str]]:
        """Oldest first. A line that a crash has cut off is ignored: its request was not answered."""
        lines = self._path.read_text("utf-8").splitlines(keepends=True) if self._path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]


class _RequestShape:
    """The request body as the OpenAPI file describes it: one object of simple members."""

    _TYPES: ClassVar[dict[str, type]] = {"string": str, "boolean": bool}

    def __init__(self, name: str) -> None:
        text = resources.files("bonafide_local").joinpath("openapi.yaml").read_text("utf-8")
        self._schema = yaml.safe_load(text)["components"]["schemas"][name]

    def problem(self, body: Any) -> str | None:
        """What is wrong with a body, naming members and never values; None when it fits."""
        if not isinstance(body, dict):
            return "the body must be an object"
        properties = self._schema["properties"]
        for name in self._schema["required"]:
            if name not in body:
                return f"{name} is missing"
        for name, value in body.items():
            if name not in properties:
                return "an unknown member is present"
            rule = properties[name]
            if not isinstance(value, self._TYPES[rule["type"]]):
                return f"{name} must be a {rule['type']}"
            if isinstance(value, str) and not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", 1_000):
                return f"{name} has a wrong length"
        return None


class ThirdParty:
    """The service's routes."""

    def __init__(self, register: Register, faults: Faults, api_key: str, slow_seconds: float, journal: Journal | None = None) -> None:
        self.register = register
        self._faults = faults
        self._api_key = api_key
        self._slow_seconds = slow_seconds
        self._shapes = {"/license": _RequestShape("LicenseRequest"), "/license/fields": _RequestShape("LicenseFieldsRequest")}
        self._charged: dict[str, set[str]] = {}
        self._journal = journal
        for kind, name, value in journal.entries() if journal else []:
            if kind == "charged":
                self._charged.setdefault(name, set()).add(value)
            else:
                self.register.put(name, License.of(json.loads(value)))

    def charges(self) -> dict[str, int]:
        """How often each application was charged: once per idempotency key, also after repeated requests."""
        return {application: len(keys) for application, keys in self._charged.items()}

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        if request.path in self._shapes:
            if request.method != "POST":
                return json_answer(405, {"error": "use POST"})
            return await self._license(request)
        if request.path.startswith("/register/") and request.method == "PUT":
            return self._put(request)
        if request.path in ("/openapi.yaml", "/") and request.method == "GET":
            text = resources.files("bonafide_local").joinpath("openapi.yaml").read_bytes()
            return HttpAnswer(200, text, "application/yaml")
        return json_answer(404, {"error": "no such path; see /openapi.yaml"})

    async def _license(self, request: HttpRequest) -> HttpAnswer:
        fault = self._faults.called(THIRD_PARTY, "license", request.text)
        if fault is not None:
            if fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            if fault.no_answer:
                raise NoAnswer(fault.no_answer)
            if fault.malformed:
                return _malformed()
            if fault.has_result:
                return json_answer(fault.status if fault.status != 400 else 200, fault.result)
            if fault.error or not fault.delay_seconds:
                return json_answer(fault.status, {"error": fault.error or "forced"})
        if request.headers.get("x-api-key") != self._api_key:
            return json_answer(401, {"error": "x-api-key is missing or wrong"})
        if not request.headers.get("idempotency-key"):
            return json_answer(400, {"error": "idempotency-key is missing"})
        try:
            body = json.loads(request.text)
        except ValueError:
            return json_answer(400, {"error": "the body is not JSON"})
        problem = self._shapes[request.path].problem(body)
        if problem is not None:
            return json_answer(400, {"error": problem})
        self._charge(body["app_uuid"], request.headers["idempotency-key"])
        entry = self.register.license(body["driver_license_id"])
        match entry.answer:
            case RegisterAnswer.DOWN:
                return json_answer(503, {"error": "the register is not available"})
            case RegisterAnswer.MALFORMED:
                return _malformed()
            case RegisterAnswer.SLOW:
                await asyncio.sleep(self._slow_seconds)
        if request.path == "/license/fields":
            return json_answer(200, entry.compared_with(body))
        # validation_override is part of the contract and has no effect: a caller must not be able to force a pass.
        return json_answer(200, entry.answer is not RegisterAnswer.UNKNOWN)

    def _charge(self, application: str, key: str) -> None:
        keys = self._charged.setdefault(application, set())
        if key not in keys and self._journal:
            self._journal.add("charged", application, key)
        keys.add(key)

    def _put(self, request: HttpRequest) -> HttpAnswer:
        number = request.path.removeprefix("/register/")
        try:
            entry = License.of(json.loads(request.text))
        except (ValueError, KeyError, TypeError, AttributeError):
            choices = ", ".join(answer.value for answer in RegisterAnswer)
            return json_answer(400, {"error": f'expected {{"answer": one of {choices}}}, and optionally "state" and "holder"'})
        if not normalise(number):
            return json_answer(400, {"error": "the number is empty"})
        self.register.put(number, entry)
        if self._journal:
            self._journal.add("register", number, request.text)
        return json_answer(200, {"number": normalise(number), "answer": entry.answer.value})


def _malformed() -> HttpAnswer:
    return HttpAnswer(200, b'{"valid": tr', "application/json")
