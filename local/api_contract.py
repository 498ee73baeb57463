"""Tests a deployed API against its description, with requests that Schemathesis generates.

Prints requests, answers and findings of each operation, and fails when there are findings. The addresses of the local AWS
are in ``BONAFIDE_LOCAL_ENDPOINT`` and ``BONAFIDE_LOCAL_CONTROL``. It runs in an environment of its own (requirements-contract.txt).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import requests
import schemathesis
import yaml
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.generation.meta import CONTENT_TYPE_PROBES, CoverageScenario, coverage_scenario
from schemathesis.openapi.checks import EnsureResourceAvailability

import contract_faces
import contract_review
from contract_api import REPOSITORY, Api, Local

APIS = {
    "face-api": (contract_faces.open_api, contract_faces.FaceValues),
    "review-api": (contract_review.open_api, contract_review.ReviewValues),
}


def main() -> int:
    """Run the tests; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("api", choices=APIS, help="the API, by the name of its description")
    parser.add_argument("--examples", type=int, default=100, help="generated for each operation, in addition to those in the schemas")
    parser.add_argument("--seed", type=int, default=1, help="another seed generates other requests")
    options = parser.parse_args()

    local = Local()
    open_api, values = APIS[options.api]
    api = open_api(local)
    document = requests.get(f"{api.base}/openapi.json", auth=api.auth, timeout=30).json()
    findings = Findings(document, options.examples)
    if document != yaml.safe_load((REPOSITORY / f"docs/openapi/{options.api}.yaml").read_text()):
        findings.add("GET /openapi.json", "The served document differs from that of the repository", "")
    real = values(local, api, options.seed)
    try:
        run_tests(document, api, real, options, findings)
    finally:
        real.finish()
    return findings.report(options)


def run_tests(document: dict[str, Any], api: Api, real: Any, options: argparse.Namespace, findings: Findings) -> None:
    """Send requests, and check the answers."""
    error = jsonschema_rs.validator_for({**document["components"]["schemas"]["Error"], "components": document["components"]})
    statuses = {code: entry["status"] for code, entry in document["x-error-codes"].items()}

    @schemathesis.check
    def errors_have_one_form(_: CheckContext, response: Response, case: Case) -> None:
        """Every error has the shape of the document and the status of its code, also for requests that no client sends."""
        if response.status_code < 400:
            return
        body = response.json()
        assert error.is_valid(body), f"the body of {response.status_code} is no error of the document"
        assert statuses[body["code"]] == response.status_code, f"{body['code']} has status {response.status_code}"

    @schemathesis.check
    def probes_are_refused(_: CheckContext, response: Response, case: Case) -> None:
        """A method that a route does not have is an unknown route (ADR 0035), and another media type is refused."""
        scenario = coverage_scenario(case)
        if scenario == CoverageScenario.UNSPECIFIED_HTTP_METHOD and response.status_code == 204:
            # Browsers ask with it whether another page may send a request.
            assert response.request.method == "OPTIONS"
        elif scenario == CoverageScenario.UNSPECIFIED_HTTP_METHOD:
            assert response.status_code == 404, f"{response.request.method} has status {response.status_code}"
            assert response.json()["code"] == "ROUTE_NOT_FOUND"
        elif scenario in CONTENT_TYPE_PROBES:
            # Schemathesis itself checks only for server errors here.
            described = case.operation.responses.find_by_status_code(response.status_code) is not None
            assert described, f"another media type has status {response.status_code}, which is not described"
            assert response.status_code >= 400 or not case.operation.body, "another media type is accepted"

    @schemathesis.hook
    def before_call(_: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        real.make_real(case)

    @schemathesis.hook
    def after_call(_: HookContext, case: Case, response: Response) -> None:
        real.remember(case, response)

    @schemathesis.hook
    def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
        return not (isinstance(failure, EnsureResourceAvailability) and real.is_gone(case))

    schemathesis.auth.set_from_requests(api.auth)
    runs = [configuration(api, options, options.seed, ["examples", "coverage", "fuzzing"])]
    # Hypothesis ends a run as flaky when a face was deleted between two tries, so there are several runs.
    runs += [configuration(api, options, options.seed + run, ["stateful"]) for run in range(1 + options.examples // 20)]
    for run in runs:
        for event in from_schema(schemathesis.openapi.from_dict(document, config=run)).execute():
            findings.take(event)


def configuration(api: Api, options: argparse.Namespace, seed: int, phases: list[str]) -> SchemathesisConfig:
    """What differs from Schemathesis's defaults, and why."""
    # Real values come from `FaceValues` and `ReviewValues`. A generator that learns from answers stops without a message when they change.
    without_answers = {"extra-data-sources": {"responses": False}}
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            # Findings are not shrunk: the state of the API would make a smaller request another case.
            "generation": {"max-examples": options.examples, "no-shrink": True, "database": "none", "with-security-parameters": False},
            "suppress-health-check": ["all"],
            "base-url": api.base,
            "request-timeout": 60,
            "continue-on-failure": True,
            "phases": {"enabled": False} | {name: {"enabled": True} | (without_answers if name != "stateful" else {}) for name in phases},
            "checks": {
                # A schema cannot require that a date exists, or that a picture shows a face.
                "positive_data_acceptance": {"enabled": False},
                # Any error is a refusal. Server errors are found by another check.
                "negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]},
                # API Gateway knows no 405 (ADR 0035): `probes_are_refused` takes its place.
                "unsupported_method": {"enabled": False},
            },
        }
    )


@dataclass
class Operation:
    """The requests, answers and findings of an operation."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: int = 0


class Findings:
    """The results of all runs."""

    def __init__(self, document: dict[str, Any], examples: int) -> None:
        self.started = time.monotonic()
        # The minimum of requests for each operation. An operation without input always gets the same request.
        self.examples = {
            f"{method.upper()} {path}": examples if path != "/openapi.json" else 1
            for path, item in document["paths"].items()
            for method in item
            if method != "parameters"
        }
        self.operations: dict[str, Operation] = {}
        self.phases: Counter[str] = Counter()
        self.found: dict[tuple[str, str], list[str]] = {}

    def add(self, operation: str, title: str, text: str) -> None:
        """Add a finding; the first one of each kind is printed."""
        self.found.setdefault((operation, title), []).append(text)

    def take(self, event: events.EngineEvent) -> None:
        """Add the results in an event of Schemathesis."""
        if isinstance(event, events.NonFatalError):
            self.add(event.label, event.info.title, event.info.message)
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            if event.phase is PhaseName.FUZZING and len(recorder.interactions) < self.examples.get(event.label or "", 0):
                self.add(str(event.label), "Fewer requests were generated than required", f"{len(recorder.interactions)}")
            self.phases[event.phase.value] += len(recorder.interactions)
            for case_id, interaction in recorder.interactions.items():
                label = recorder.cases[case_id].value.operation.label
                operation = self.operations.setdefault(label, Operation())
                operation.requests += 1
                if interaction.response is None:
                    self.add(label, "No answer", interaction.request.uri)
                else:
                    operation.statuses[interaction.response.status_code] += 1
                for check in recorder.checks.get(case_id, []):
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        self.add(label, f"{check.name}: {failure.title}", f"{failure.message}\n{excerpt(interaction)}")

    def report(self, options: argparse.Namespace) -> int:
        """Print the results; returns the exit code."""
        for label in self.examples:
            if not any(200 <= status < 300 for status in self.operations.setdefault(label, Operation()).statuses):
                self.add(label, "No request of this run was successful", "")
        for (label, _), met in self.found.items():
            self.operations.setdefault(label, Operation()).findings += len(met)
        for label, operation in self.operations.items():
            answers = ", ".join(f"{status} × {count}" for status, count in sorted(operation.statuses.items()))
            print(f"{label:<24} {operation.requests:5} requests, {operation.findings} findings: {answers}")
        total = sum(operation.requests for operation in self.operations.values())
        found = sum(operation.findings for operation in self.operations.values())
        seconds = time.monotonic() - self.started
        phases = ", ".join(f"{phase.lower()} {count}" for phase, count in self.phases.items())
        print(f"{total} requests ({phases}), {found} findings in {seconds:.0f} s")
        print(f"schemathesis {schemathesis.__version__}, --examples {options.examples} --seed {options.seed}")
        for (label, title), met in self.found.items():
            print(f"\n{label}: {title}; {len(met)} times, first:\n{met[0]}")
        return 1 if found else 0


def excerpt(interaction: Any) -> str:
    """A request and its answer, shortened."""
    request, response = interaction.request, interaction.response
    sent = (request.body or b"").decode(errors="replace")
    answered = "" if response is None else f"{response.status_code} {response.content[:500].decode(errors='replace')}"
    return f"{request.method} {request.uri}\n{sent[:500]}\n{answered}"


if __name__ == "__main__":
    sys.exit(main())
