"""Tests the deployed face API against its description, with requests that Schemathesis generates.

Prints requests, answers and findings of each operation, and fails when there are findings. The address of the local AWS
is in ``BONAFIDE_LOCAL_ENDPOINT``. It runs in an environment of its own (requirements-contract.txt).
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import random
import re
import sys
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import requests
import schemathesis
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import get_session
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.generation.meta import CONTENT_TYPE_PROBES, CoverageScenario, coverage_scenario
from schemathesis.openapi.checks import EnsureResourceAvailability

REPOSITORY = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
CREDENTIALS = Credentials("test", "test")

# The table of the personal values that tests have sent (`tests/src/sent.rs`), for which `leaks` searches.
RECORDS = "leaks-sent"
EXCERPT = 32
# A generated text is recorded if it has this number of different characters, and so is not found by chance.
RECORDED_FROM = 10

ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Texts that no other test uses.
PERSON = {
    "firstName": "Thistlewick",
    "lastName": "Vandermeulenhof",
    "dateOfBirth": "1951-03-19",
    "phoneNumber": "+1 555 010 6413",
}
# The share of requests in which real pictures, people and ids replace generated ones of the same form.
REAL = 0.6
CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


def main() -> int:
    """Run the tests; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=100, help="generated for each operation, in addition to those in the schemas")
    parser.add_argument("--seed", type=int, default=1, help="another seed generates other requests")
    options = parser.parse_args()

    api = Api.open(os.environ["BONAFIDE_LOCAL_ENDPOINT"])
    document = requests.get(f"{api.base}/openapi.json", timeout=30).json()
    findings = Findings(document, options.examples)
    if document != yaml.safe_load((REPOSITORY / "docs/openapi/face-api.yaml").read_text()):
        findings.add("GET /openapi.json", "The served document differs from that of the repository", "")
    real = RealValues(api, options.seed)
    try:
        run_tests(document, api, real, options, findings)
    finally:
        real.finish()
    return findings.report(options)


@dataclass
class Api:
    """The address of the API and its caller: the first client of the deployment, with the account's credentials."""

    base: str
    key: str
    records: Any

    @classmethod
    def open(cls, endpoint: str) -> Api:
        """Read the outputs of the deployment."""
        session = get_session()

        def client(service: str) -> Any:
            keys = {"aws_access_key_id": CREDENTIALS.access_key, "aws_secret_access_key": CREDENTIALS.secret_key}
            config = Config(retries={"max_attempts": 0})
            return session.create_client(service, region_name=REGION, endpoint_url=endpoint, config=config, **keys)

        stacks = client("cloudformation").describe_stacks()["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for stack in stacks for output in stack.get("Outputs", [])}
        _, key = outputs["FaceApiClientKeyIds"].split(",")[0].split("=")
        value = client("apigateway").get_api_key(apiKey=key, includeValue=True)["value"]
        dynamodb = client("dynamodb")
        # Without the table, no search follows.
        records = dynamodb if RECORDS in dynamodb.list_tables()["TableNames"] else None
        return cls(f"{endpoint}/_aws/execute-api/{outputs['FaceApiId']}/v1", value, records)

    def send(self, method: str, path: str, body: Any = None, answered: tuple[int, ...] = (200,)) -> Any:
        """Send a request, and return its answer."""
        answer = requests.request(method, f"{self.base}{path}", json=body, auth=Signature(self.key), timeout=60)
        assert answer.status_code in answered, f"{method} {path}: status {answer.status_code}: {answer.text}"
        return answer.json()


class Signature(requests.auth.AuthBase):
    """Signs a request right before it is sent, and adds the client's key."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-api-key"] = self.key
        # Generated headers are not signed, since HTTP may encode them differently.
        signed = AWSRequest(request.method, request.url, data=request.body or b"", headers={"x-api-key": self.key})
        SigV4Auth(CREDENTIALS, "execute-api", REGION).add_auth(signed)
        for name in ("X-Amz-Date", "Authorization"):
            request.headers[name] = signed.headers[name]
        return request


class RealValues:
    """Real values: pictures, a person, registered faces, and uploads.

    They replace generated values of the same form in a part of the requests, so that valid requests stay valid, invalid
    ones stay invalid, and some of them reach a registered face.
    """

    def __init__(self, api: Api, seed: int) -> None:
        self.api, self.random, self.texts = api, random.Random(seed), set(PERSON.values())
        self.faces: set[str] = set()
        # All faces that were ever registered, and those of them that were deleted.
        self.known: set[str] = set()
        self.deleted: set[str] = set()
        self.pictures = {name: (REPOSITORY / "samples/portraits" / name).read_bytes() for name in ("hopper.jpg", "collins.jpg")}
        for package in ("selfie-dark", "selfie-two-faces", "selfie-without-face"):
            with zipfile.ZipFile(REPOSITORY / f"samples/packages/{package}.zip") as members:
                self.pictures[f"{package}.jpg"] = members.read(f"{package}_selfie.jpg")
        # The two pictures with one good face.
        self.good = list(self.pictures)[:2]

    def picture(self) -> str:
        """The name of a picture, most often of a good one."""
        return self.random.choice(self.good if self.random.random() < 0.8 else list(self.pictures))

    def inline(self, name: str) -> str:
        """The picture as a data URL."""
        return f"data:{CONTENT_TYPES[Path(name).suffix]};base64,{base64.b64encode(self.pictures[name]).decode()}"

    def upload(self, name: str) -> str:
        """Upload the picture as a client does; returns the upload's id."""
        body = {"contentType": CONTENT_TYPES[Path(name).suffix], "contentLength": len(self.pictures[name])}
        offer = self.api.send("POST", "/uploads", body)
        requests.put(offer["url"], data=io.BytesIO(self.pictures[name]), headers=offer["headers"], timeout=60).raise_for_status()
        return str(offer["upload"])

    def register(self) -> str:
        """The id of a registered face."""
        if not self.faces:
            body = {**PERSON, "image": self.inline(self.good[0])}
            self.add(self.api.send("POST", "/register", body)["faceId"])
        return self.random.choice(sorted(self.faces))

    def free(self) -> None:
        """Delete the faces, so that they can be registered again."""
        while self.faces:
            face = self.faces.pop()
            self.deleted.add(face)
            # 404: a repeated registration with the same `Idempotency-Key` has the same answer, also after the face was deleted.
            self.api.send("DELETE", f"/faces/{face}", answered=(200, 404))

    def add(self, face: str) -> None:
        """Remember a registered face."""
        self.faces.add(face)
        self.known.add(face)

    def make_real(self, case: Case) -> None:
        """Put real values into some parts of a request."""
        if coverage_scenario(case) is not None and coverage_scenario(case) in CONTENT_TYPE_PROBES:
            return
        if self.random.random() >= REAL:
            return
        parameters = case.path_parameters
        # An id that Schemathesis took from an earlier answer stays.
        if ID.fullmatch(str(parameters.get("faceId"))) and parameters["faceId"] not in self.known:
            case.path_parameters = {**parameters, "faceId": self.register()}
        if not isinstance(case.body, dict):
            return
        body = dict(case.body)
        is_registration = case.path == "/register"
        if is_registration and self.random.random() < 0.5:
            self.free()
        for name, value in body.items():
            if not isinstance(value, str):
                continue
            if name == "faceId" and ID.fullmatch(value):
                body[name] = self.register()
            elif name == "upload" and ID.fullmatch(value):
                body[name] = self.upload(self.picture())
            elif name == "image" and value:
                body[name] = self.inline(self.picture())
            elif name in PERSON and is_registration and SHAPES[name].fullmatch(value):
                body[name] = PERSON[name]
        case.body = body

    def remember(self, case: Case, response: Response) -> None:
        """Record the personal values that were sent, and the faces that exist now."""
        if isinstance(case.body, dict):
            self.record(case.body)
        if not 200 <= response.status_code < 300:
            return
        answer = response.json()
        if case.method == "POST" and case.path == "/register":
            if answer["faceId"] not in self.deleted:
                self.add(answer["faceId"])
        elif case.method == "DELETE":
            self.faces.discard(answer["faceId"])
            self.deleted.add(answer["faceId"])

    def record(self, body: dict[str, Any]) -> None:
        """As ``tests/src/sent.rs`` does, without generated texts that would be found by chance."""
        for name in ("firstName", "lastName", "phoneNumber"):
            text = body.get(name)
            if isinstance(text, str) and len({character for character in text.lower() if character.isalnum()}) >= RECORDED_FROM:
                self.texts.add(text)
        image = body.get("image")
        data = image.partition(";base64,")[2] if isinstance(image, str) else ""
        if len(data) >= 3 * EXCERPT:
            self.texts.update(data[start : start + EXCERPT] for start in (0, len(data) // 2, len(data) - EXCERPT - 2))

    def finish(self) -> None:
        """Write the records, and delete the faces, for the tests that follow."""
        if self.api.records is not None:
            for text in self.texts:
                # `leaks` cannot search for other texts.
                if text.isprintable():
                    self.api.records.put_item(TableName=RECORDS, Item={"text": {"S": text}})
        self.free()


SHAPES = {
    "firstName": re.compile(".{1,100}", re.DOTALL),
    "lastName": re.compile(".{1,100}", re.DOTALL),
    "dateOfBirth": re.compile("(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"),
    "phoneNumber": re.compile("[+]?[0-9 ./()-]{5,39}"),
}


def run_tests(document: dict[str, Any], api: Api, real: RealValues, options: argparse.Namespace, findings: Findings) -> None:
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
        if scenario == CoverageScenario.UNSPECIFIED_HTTP_METHOD:
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
        # The face was deleted by a request in between.
        return not (isinstance(failure, EnsureResourceAvailability) and case.path_parameters.get("faceId") in real.deleted)

    schemathesis.auth.set_from_requests(Signature(api.key))
    runs = [configuration(api, options, options.seed, ["examples", "coverage", "fuzzing"])]
    # Hypothesis ends a run as flaky when a face was deleted between two tries, so there are several runs.
    runs += [configuration(api, options, options.seed + run, ["stateful"]) for run in range(1 + options.examples // 20)]
    for run in runs:
        for event in from_schema(schemathesis.openapi.from_dict(document, config=run)).execute():
            findings.take(event)


def configuration(api: Api, options: argparse.Namespace, seed: int, phases: list[str]) -> SchemathesisConfig:
    """What differs from Schemathesis's defaults, and why."""
    # Real values come from `RealValues`. A generator that learns from answers stops without a message when they change.
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
