"""One local AWS for all tests that need it, and clients for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

LOCAL = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"


@dataclass
class LocalAws:
    """A running `bonafide_local serve`."""

    process: subprocess.Popen[str]
    endpoint: str
    control: str
    third_party: str

    def client(self, service: str, **credentials: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
        config = boto3.session.Config(retries={"max_attempts": 0}, read_timeout=60)
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", config=config, **keys)

    def http(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def stop(self, seconds: float = 5.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def start(*options: str) -> LocalAws:
    """Start a local AWS; the caller stops it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bonafide_local", "serve", "--die-with-parent", "--log-level", "WARNING", *options],
        env={**os.environ, "PYTHONPATH": str(LOCAL)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it did not start (exit code {process.wait(10)})"
    ready = json.loads(line)
    return LocalAws(process, ready["endpoint"], ready["control"], ready["thirdParty"])


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """Shared by the tests that leave no faults behind."""
    local = start("--slow-seconds", "0.5")
    yield local
    assert local.stop() == 0


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "aws" in request.fixturenames:
        local = request.getfixturevalue("aws")
        local.http("DELETE", f"{local.control}/faults")


@pytest.fixture(scope="session")
def bucket(aws: LocalAws) -> str:
    """A versioned bucket with the two portraits."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="pictures")
    s3.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
    for name in ("hopper.jpg", "collins.jpg"):
        s3.put_object(Bucket="pictures", Key=name, Body=(DATA / name).read_bytes())
    return "pictures"


@pytest.fixture(scope="session")
def hopper() -> bytes:
    """Rear Admiral Grace Hopper's official portrait."""
    return (DATA / "hopper.jpg").read_bytes()


@pytest.fixture(scope="session")
def collins() -> bytes:
    """Colonel Eileen Collins's NASA portrait."""
    return (DATA / "collins.jpg").read_bytes()
