"""What generated requests to both APIs need: the local AWS, the address of an API, and its caller."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import get_session

REPOSITORY = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
CREDENTIALS = Credentials("test", "test")
# The share of requests in which real values replace generated ones of the same form.
REAL = 0.6


class Local:
    """The local AWS, and the outputs of the stacks."""

    def __init__(self) -> None:
        self.endpoint, self.control = os.environ["BONAFIDE_LOCAL_ENDPOINT"], os.environ["BONAFIDE_LOCAL_CONTROL"]
        self.session = get_session()
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for stack in stacks for output in stack.get("Outputs", [])}

    def client(self, service: str) -> Any:
        """A client of a service."""
        keys = {"aws_access_key_id": CREDENTIALS.access_key, "aws_secret_access_key": CREDENTIALS.secret_key}
        config = Config(retries={"max_attempts": 0})
        return self.session.create_client(service, region_name=REGION, endpoint_url=self.endpoint, config=config, **keys)

    def address(self, api: str) -> str:
        """The address of an API by its id."""
        return f"{self.endpoint}/_aws/execute-api/{api}/v1"


@dataclass
class Api:
    """The address of an API and its caller."""

    base: str
    auth: requests.auth.AuthBase

    def send(
        self, method: str, path: str, body: Any = None, answered: tuple[int, ...] = (200,), headers: dict[str, str] | None = None
    ) -> Any:
        """Send a request, and return its answer."""
        answer = requests.request(method, f"{self.base}{path}", json=body, headers=headers, auth=self.auth, timeout=60)
        assert answer.status_code in answered, f"{method} {path}: status {answer.status_code}: {answer.text}"
        return answer.json()
