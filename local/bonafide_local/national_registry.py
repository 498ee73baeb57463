"""The national registers of four countries behind one HTTP service, as ``docs/NATIONAL-REGISTRY.md`` describes it.

It knows the people of the specimen documents (``samples/registers``). For some of them it answers 503, to show an outage.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

REGISTERS = Path(__file__).parents[2] / "samples" / "registers"
# Swedish numbers are asked for with the century, and printed without it.
DIGITS_OF_CENTURY = {"SE": 2}


class NationalRegistry:
    """``POST /registry/lookup``."""

    def __init__(self, folder: Path = REGISTERS) -> None:
        registers = [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]
        self._people: dict[tuple[str, str], dict[str, Any]] = {
            (register["country"], _compact(person["nationalId"])): person for register in registers for person in register["people"]
        }

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        if (request.method, request.path) != ("POST", "/registry/lookup"):
            return json_answer(404, {"error": "no such path; POST /registry/lookup"})
        try:
            question = json.loads(request.text)
            country, number = question["country"], _compact(question["nationalId"])
        except (ValueError, KeyError, TypeError):
            return json_answer(400, {"error": "expected country and nationalId"})
        person = self._people.get((country, number[DIGITS_OF_CENTURY.get(country, 0) :]))
        if person is None:
            return json_answer(200, {"found": False})
        if person["answer"] != "known":
            return json_answer(503, {"error": "unavailable"})
        members = ("firstName", "lastName", "dateOfBirth", "sex")
        return json_answer(200, {"found": True, "person": {name: person[name] for name in members if name in person}})


def _compact(number: str) -> str:
    """Without separators, which differ by country."""
    return re.sub(r"[-+ ]", "", number)
