"""Real values for requests to the face API: pictures, a person, registered faces, and uploads."""

from __future__ import annotations

import base64
import io
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from schemathesis import Case, Response
from schemathesis.generation.meta import CONTENT_TYPE_PROBES, coverage_scenario

from contract_api import CREDENTIALS, REAL, REGION, REPOSITORY, Api, Local

# The table of the personal values that tests have sent (`tests/src/sent.rs`), for which `leaks` searches.
RECORDS = "leaks-sent"
EXCERPT = 32
# A generated text is recorded if it has this number of different characters, and so is not found by chance.
RECORDED_FROM = 10
# Hypothesis also generates texts of the modules that call it, such as the names of services, which are found everywhere.
OWN = "".join(path.read_text() for path in Path(__file__).parent.glob("*contract*.py"))

ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Texts that no other test uses.
PERSON = {
    "firstName": "Thistlewick",
    "lastName": "Vandermeulenhof",
    "dateOfBirth": "1951-03-19",
    "phoneNumber": "+1 555 010 6413",
}
CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


def open_api(local: Local) -> Api:
    """The API as its first client uses it, with the account's credentials."""
    _, key = local.outputs["FaceApiClientKeyIds"].split(",")[0].split("=")
    value = local.client("apigateway").get_api_key(apiKey=key, includeValue=True)["value"]
    return Api(local.address(local.outputs["FaceApiId"]), Signature(value))


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


class FaceValues:
    """Real values: pictures, a person, registered faces, and uploads.

    They replace generated values of the same form in a part of the requests, so that valid requests stay valid, invalid
    ones stay invalid, and some of them reach a registered face.
    """

    def __init__(self, local: Local, api: Api, seed: int) -> None:
        self.api, self.random, self.texts = api, random.Random(seed), set(PERSON.values())
        dynamodb = local.client("dynamodb")
        # Without the table, no search follows.
        self.records = dynamodb if RECORDS in dynamodb.list_tables()["TableNames"] else None
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

    def is_gone(self, case: Case) -> bool:
        """Whether the face was deleted by a request in between."""
        return case.path_parameters.get("faceId") in self.deleted

    def record(self, body: dict[str, Any]) -> None:
        """As ``tests/src/sent.rs`` does, without generated texts that would be found by chance."""
        for name in ("firstName", "lastName", "phoneNumber"):
            text = body.get(name)
            if not isinstance(text, str) or text in OWN:
                continue
            if len({character for character in text.lower() if character.isalnum()}) >= RECORDED_FROM:
                self.texts.add(text)
        image = body.get("image")
        data = image.partition(";base64,")[2] if isinstance(image, str) else ""
        if len(data) >= 3 * EXCERPT:
            self.texts.update(data[start : start + EXCERPT] for start in (0, len(data) // 2, len(data) - EXCERPT - 2))

    def finish(self) -> None:
        """Write the records, and delete the faces, for the tests that follow."""
        if self.records is not None:
            for text in self.texts:
                # `leaks` cannot search for other texts.
                if text.isprintable():
                    self.records.put_item(TableName=RECORDS, Item={"text": {"S": text}})
        self.free()


SHAPES = {
    "firstName": re.compile(".{1,100}", re.DOTALL),
    "lastName": re.compile(".{1,100}", re.DOTALL),
    "dateOfBirth": re.compile("(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"),
    "phoneNumber": re.compile("[+]?[0-9 ./()-]{5,39}"),
}
