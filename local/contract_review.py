"""Real values for requests to the review API: applications, cases, executions, and decisions that their cases admit."""

from __future__ import annotations

import io
import random
import re
import time
import uuid
import zipfile
from typing import Any

import requests
from schemathesis import Case, Response

from contract_api import REAL, REPOSITORY, Api, Local

APPLICATION = re.compile("[A-Za-z0-9_-]{1,64}")
CASE = re.compile("[0-9a-f]{15}-[1-9][0-9]?")
EXECUTION = re.compile("[A-Za-z0-9_-]{1,80}~[A-Za-z0-9_-]{1,80}")
# A sample that ends in each of the situations: it waits for a reviewer, or it is declined.
WAITS, DECLINED = "selfie-is-the-portrait", "face-mismatch"
# How many applications of each: a decision, an appeal and a replay each change one for good.
MANY = 5
# How many that are erased: no other request uses them.
ERASED = 2
SECONDS = 300
# The beginning of every accepted note and reason, and the most characters of one.
MARK, LONGEST = "A sentence of a reviewer: ", 2000


def open_api(local: Local) -> Api:
    """The API as a local reviewer uses it."""
    asked = {"userPoolId": local.outputs["ReviewUserPoolId"], "clientId": local.outputs["ReviewClientId"], "reviewer": "ann"}
    answer = requests.post(f"{local.control}/tokens", json=asked, timeout=60)
    answer.raise_for_status()
    return Api(local.address(local.outputs["ReviewApiId"]), Bearer(answer.json()["accessToken"]))


class Bearer(requests.auth.AuthBase):
    """Adds the token to a request."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class ReviewValues:
    """Ids of applications, cases and executions.

    They replace generated values of the same form in a part of the requests, so that valid requests stay valid, invalid
    ones stay invalid, and some of them reach a case.
    """

    def __init__(self, local: Local, api: Api, seed: int) -> None:
        self.local, self.api, self.random = local, api, random.Random(seed)
        run = uuid.uuid4().hex[:8]
        for number in range(MANY):
            self.upload(f"contract-{run}-waits-{number}", WAITS)
            self.upload(f"contract-{run}-declined-{number}", DECLINED)
        for number in range(ERASED):
            self.upload(f"contract-{run}-erased-{number}", DECLINED)
        waiting = [self.ended(f"contract-{run}-waits-{number}", "IN_REVIEW") for number in range(MANY)]
        declined = [self.ended(f"contract-{run}-declined-{number}", "DECIDED") for number in range(MANY)]
        erased = [self.ended(f"contract-{run}-erased-{number}", "DECIDED") for number in range(ERASED)]
        self.erased = [application["application"]["applicationId"] for application in erased]
        # Of these, only a failed one can be replayed.
        for application in waiting[:2]:
            self.stop(application)
        self.cases = [(case["applicationId"], case["caseId"]) for application in waiting for case in application["cases"]]
        self.applications = [application["application"]["applicationId"] for application in [*waiting, *declined]]
        self.executions = [application["application"]["execution"] for application in [*waiting, *declined]]

    def upload(self, application: str, sample: str) -> None:
        """Upload a sample for an application of another name, which its files begin with."""
        package = io.BytesIO()
        with zipfile.ZipFile(REPOSITORY / f"samples/packages/{sample}.zip") as members, zipfile.ZipFile(package, "w") as own:
            for name in members.namelist():
                own.writestr(name.replace(sample, application), members.read(name))
        bucket = self.local.outputs["BucketName"]
        self.local.client("s3").put_object(Bucket=bucket, Key=f"zipped/{application}.zip", Body=package.getvalue())

    def ended(self, application: str, status: str) -> Any:
        """The application when it has this status and, if it waits for a reviewer, a case."""
        for _ in range(10 * SECONDS):
            answer = self.api.send("GET", f"/applications/{application}", answered=(200, 404))
            if answer["success"] and answer["application"]["status"] == status and (answer["cases"] or status != "IN_REVIEW"):
                return answer
            time.sleep(0.1)
        raise TimeoutError(f"{application} is not {status}")

    def stop(self, application: Any) -> None:
        """Stop the execution of an application."""
        machine, name = application["application"]["execution"].split("~")
        arn = self.local.outputs["OnboardingMachineArn"].rsplit(":", 2)[0]
        self.local.client("stepfunctions").stop_execution(executionArn=f"{arn}:execution:{machine}:{name}")
        self.ended(application["application"]["applicationId"], "FAILED")

    def make_real(self, case: Case) -> None:
        """Put real values into some parts of a request."""
        for member in ("reason", "note"):
            text = case.body.get(member) if isinstance(case.body, dict) else None
            # A generated text such as "000" occurs everywhere, and could not be searched for as personal data.
            if isinstance(text, str) and text.strip() and len(text) <= LONGEST - len(MARK):
                case.body = {**case.body, member: MARK + text}
        parameters = dict(case.path_parameters)
        if case.path.endswith("/erase") and parameters.get("applicationId") not in self.erased:
            # An id from a list is that of another test, which still needs its data.
            case.path_parameters = parameters | {"applicationId": uuid.uuid4().hex}
        if self.random.random() >= REAL:
            return
        if APPLICATION.fullmatch(str(parameters.get("applicationId", ""))):
            if "caseId" not in parameters:
                several = self.erased if case.path.endswith("/erase") else self.applications
                parameters["applicationId"] = self.random.choice(several)
            elif CASE.fullmatch(str(parameters["caseId"])):
                parameters["applicationId"], parameters["caseId"] = self.random.choice(self.cases)
        if EXECUTION.fullmatch(str(parameters.get("execution", ""))):
            parameters["execution"] = self.random.choice(self.executions)
        case.path_parameters = parameters
        if case.path.endswith("/release") and self.random.random() < 0.5:
            self.claim(parameters)
        if parameters.get("applicationId") in self.applications:
            self.prepare(case.path.rsplit("/", 1)[-1], parameters["applicationId"])
        if not isinstance(case.body, dict):
            return
        if case.path.endswith("/decision") and case.body.get("decision") in ("decline", "resubmit"):
            reason = {"decline": "FACE_MISMATCH", "resubmit": "SELFIE_TOO_DARK"}[case.body["decision"]]
            if isinstance(case.body.get("reasons"), list):
                case.body = {**case.body, "reasons": [reason]}
            if self.random.random() < 0.5:
                self.claim(parameters)

    def prepare(self, action: str, application: str) -> None:
        """Bring an application into the state in which this can be done: held, a customer's, or a former customer's."""
        if action in ("end-relationship", "resume-relationship"):
            self.local.client("dynamodb").update_item(
                TableName=self.local.outputs["ApplicationsTableName"],
                Key={"applicationId": {"S": application}},
                UpdateExpression="REMOVE retention, retentionFrom",
            )
        before = {"unhold": "hold", "resume-relationship": "end-relationship"}.get(action)
        if before is not None:
            key = {"Idempotency-Key": uuid.uuid4().hex}
            self.api.send("POST", f"/applications/{application}/{before}", {"reason": "A lawsuit."}, headers=key, answered=(200, 409))

    def claim(self, parameters: dict[str, Any]) -> None:
        """Claim the case, without which no decision is accepted."""
        if (parameters["applicationId"], parameters["caseId"]) in self.cases:
            self.api.send("POST", f"/cases/{parameters['applicationId']}/{parameters['caseId']}/claim", answered=(200, 409))

    def remember(self, case: Case, response: Response) -> None:
        """Nothing: the ids stay the same."""

    def is_gone(self, case: Case) -> bool:
        """A case that was claimed may be decided by a request in between."""
        return False

    def finish(self) -> None:
        """Nothing is left that disturbs other tests."""
