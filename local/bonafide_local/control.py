"""The control API for tests: faults, canned results, rate limits, counts of calls, IAM decisions, durations, findings, tokens."""

from __future__ import annotations

import json
import os

from bonafide_local import applicants, issuer
from bonafide_local.faults import BadFault, Fault
from bonafide_local.http import HttpAnswer, HttpRequest, json_answer
from bonafide_local.iam import Decisions
from bonafide_local.judge import Judge
from bonafide_local.limits import BadLimit, Limits
from bonafide_local.third_party import ThirdParty
from bonafide_local.timings import Timings


class Control:
    """Routes ``/faults``, ``/limits``, ``/calls``, ``/charges``, ``/iam/calls``, ``/timings``, ``/findings``, ``/tokens`` and
    what is below ``/applicants``; the README describes them."""

    def __init__(
        self,
        faults: Limits,
        decisions: Decisions,
        third_party: ThirdParty,
        timings: Timings,
        judge: Judge,
        people: applicants.Applicants,
    ) -> None:
        self._faults = faults
        self._third_party = third_party
        self._decisions = decisions
        self._timings = timings
        self._judge = judge
        self._people = people

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        match (request.method, request.path):
            case ("GET", "/health"):
                return json_answer(200, {"status": "ok", "pid": os.getpid()})
            case ("GET", "/faults"):
                return json_answer(200, self._faults.describe())
            case ("POST", "/faults"):
                try:
                    fault = Fault.parse(json.loads(request.text))
                except BadFault as error:
                    return json_answer(400, {"error": str(error)})
                except ValueError:
                    return json_answer(400, {"error": "the body is not JSON"})
                self._faults.add(fault)
                return json_answer(201, fault.describe())
            case ("DELETE", "/faults"):
                self._faults.clear()
                return json_answer(200, [])
            case ("GET", "/limits"):
                return json_answer(200, self._faults.limits())
            case ("POST", "/limits"):
                try:
                    return json_answer(201, self._faults.limit(json.loads(request.text)))
                except BadLimit as error:
                    return json_answer(400, {"error": str(error)})
                except ValueError:
                    return json_answer(400, {"error": "the body is not JSON"})
            case ("DELETE", "/limits"):
                self._faults.lift()
                return json_answer(200, [])
            case ("DELETE", path) if path.removeprefix("/faults/").isdecimal():
                self._faults.remove(int(path.removeprefix("/faults/")))
                return json_answer(200, self._faults.describe())
            case ("GET", "/calls"):
                return json_answer(200, self._faults.calls())
            case ("GET", "/charges"):
                return json_answer(200, self._third_party.charges())
            case ("DELETE", "/calls"):
                self._faults.clear_calls()
                return json_answer(200, self._faults.calls())
            case ("GET", "/iam/calls"):
                return json_answer(200, self._decisions.describe())
            case ("DELETE", "/iam/calls"):
                self._decisions.clear()
                return json_answer(200, self._decisions.describe())
            case ("GET", "/timings"):
                return json_answer(200, self._timings.describe())
            case ("DELETE", "/timings"):
                self._timings.clear()
                return json_answer(200, self._timings.describe())
            case ("GET", "/findings"):
                return json_answer(200, self._judge.describe())
            case ("DELETE", "/findings"):
                self._judge.clear()
                return json_answer(200, self._judge.describe())
            case ("POST", "/tokens"):
                return issuer.issue(request)
            case (_, path) if path.startswith(f"{applicants.PATH}/"):
                return self._people.handle(request)
        known = (
            "GET, POST, DELETE /faults; DELETE /faults/<id>; GET, POST, DELETE /limits; GET, DELETE /calls; GET /charges; "
            "GET, DELETE /iam/calls; GET, DELETE /timings; GET, DELETE /findings; POST /tokens; POST /applicants/tokens; GET /health"
        )
        return json_answer(404, {"error": f"known: {known}"})
