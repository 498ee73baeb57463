"""The local AWS that the tests share, and their helpers to wait."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bonafide_local import asl, redrive, tokens

LOCAL = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"
ROLE = "arn:aws:iam::000000000000:role/machine"
# Seconds after which a test fails because an event did not happen. No test depends on the speed of the machine.
TIMEOUT = 300

# A function that answers with its event and its endpoint.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.request
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as event:
        identifier, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())
    answer = json.dumps({"echo": body, "endpoint": os.environ.get("AWS_ENDPOINT_URL")}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/{identifier}/response", answer, method="POST")).read()
"""


def wait_until(ask: Callable[[], Any]) -> Any:
    """Poll until the answer is true or not empty; returns it."""
    deadline = time.monotonic() + TIMEOUT
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"it did not happen within {TIMEOUT} seconds"
        time.sleep(0.02)
    return answer


def descendants(root: int) -> set[int]:
    """The descendants of a process; empty where there is no /proc."""
    found: set[int] = set()
    pending = [root]
    while pending:
        for task in Path(f"/proc/{pending.pop()}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            found |= children
            pending += children
    return found


def alive(pid: int) -> bool:
    """Whether a thread of a process still runs: its files are open until the last one has ended."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] not in "XZ":
                return True
        except OSError:
            # It has ended in the meantime.
            continue
    return False


def wait_until_ended(pids: set[int]) -> None:
    wait_until(lambda: not any(map(alive, pids)))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def task(resource: str, arguments: Any, **more: Any) -> dict[str, Any]:
    ending = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, **ending, **more}


def waits(queue: str, **more: Any) -> dict[str, Any]:
    """A state that sends its token to a queue, and waits for it."""
    arguments = {"QueueUrl": queue, "MessageBody": {"taskToken": "{% $states.context.Task.Token %}"}}
    return task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", arguments, **more)


def child_of(machine: str, **more: Any) -> dict[str, Any]:
    """A state that runs another machine and waits for its end."""
    arguments = {"StateMachineArn": machine, "Input": {}}
    return task("arn:aws:states:::states:startExecution.sync:2", arguments, TimeoutSeconds=TIMEOUT, **more)


def definition(states: dict[str, Any], **more: Any) -> str:
    """A JSONata machine whose first state is the first key."""
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **more})


def code(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of the error that a call raises."""
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"]), str(error.value.response["Error"]["Message"])


@dataclass(eq=False)
class LocalAws:
    """A running `bonafide_local serve`."""

    process: subprocess.Popen[str]
    endpoint: str
    control: str
    third_party: str
    clients: dict[Any, Any] = field(default_factory=dict)

    def client(self, service: str, read_timeout: float = TIMEOUT, **credentials: str) -> Any:
        known = (service, read_timeout, *credentials.values())
        if known not in self.clients:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
            config = boto3.session.Config(retries={"max_attempts": 0}, connect_timeout=TIMEOUT, read_timeout=read_timeout)
            self.clients[known] = boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", config=config, **keys)
        return self.clients[known]

    def http(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def force(self, **fault: Any) -> None:
        status, answer = self.http("POST", f"{self.control}/faults", fault)
        assert status == 201, answer

    def findings(self) -> list[dict[str, Any]]:
        """What does not fit the service models."""
        found: list[dict[str, Any]] = self.http("GET", f"{self.control}/findings")[1]["findings"]
        return found

    def clear_faults(self) -> None:
        self.http("DELETE", f"{self.control}/faults")

    def create_table(self, name: str) -> None:
        """A table of rows with an `id`."""
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def create_queue(self, name: str) -> tuple[str, str]:
        """Its URL and its ARN."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def receive(self, queue: str) -> str:
        """The body of the next message, which is then deleted."""
        sqs = self.client("sqs")
        (message,) = wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    def create_function(self, name: str, bootstrap: bytes | str = BOOTSTRAP) -> str:
        """A provided.al2023 function in one executable file; its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, bootstrap)
        function = {"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": ROLE, "Timeout": TIMEOUT}
        return str(self.client("lambda").create_function(Code={"ZipFile": packed.getvalue()}, **function)["FunctionArn"])

    def invoke(self, function: str) -> Any:
        return json.loads(self.client("lambda").invoke(FunctionName=function, Payload=b"{}")["Payload"].read())

    def create_machine(self, name: str, states: dict[str, Any], **more: Any) -> str:
        """The ARN of a machine whose first state is the first key."""
        machine = {"name": name, "definition": definition(states), "roleArn": ROLE} | more
        return str(self.client("stepfunctions").create_state_machine(**machine)["stateMachineArn"])

    def start_execution(self, machine: str, payload: Any = None) -> str:
        return str(self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(payload or {}))["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """The description of an execution after its end."""
        sfn = self.client("stepfunctions")
        return dict(wait_until(lambda: found if (found := sfn.describe_execution(executionArn=execution))["status"] != "RUNNING" else None))

    def run(self, name: str, states: dict[str, Any], payload: Any = None) -> dict[str, Any]:
        """Create a machine, run it, and return the description of its execution."""
        return self.ended(self.start_execution(self.create_machine(name, states), payload))

    def create_stack(self, name: str, template: dict[str, Any]) -> dict[str, str]:
        """Its outputs."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        wait_until(lambda: self.stack_status(name) == "CREATE_COMPLETE")
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def delete_stack(self, name: str) -> None:
        self.client("cloudformation").delete_stack(StackName=name)
        wait_until(lambda: self.stack_status(name) in ("", "DELETE_COMPLETE"))

    def stack_status(self, name: str) -> str:
        """Empty without such a stack; raises AssertionError when the stack has failed."""
        cloudformation = self.client("cloudformation")
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except cloudformation.exceptions.ClientError:
            return ""
        assert "FAILED" not in stack["StackStatus"], stack
        assert "ROLLBACK" not in stack["StackStatus"], stack
        return str(stack["StackStatus"])

    def gateway(self) -> int:
        """The id of the gateway's process; 0 if it does not run."""
        try:
            return int(self.http("GET", f"{self.control}/health")[1]["pid"])
        except (OSError, ValueError):
            return 0

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal, and check that no process is left."""
        started = descendants(self.process.pid)
        self.process.send_signal(number)
        assert self.process.wait(TIMEOUT) == 0
        wait_until_ended(started)


def start(*options: str | float | Path, log: Path | None = None, **environment: str) -> LocalAws:
    """Start a local AWS; the caller stops it. `log` gets its log, at DEBUG."""
    command = [sys.executable, "-m", "bonafide_local", "serve", "--die-with-parent", "--log-level", "DEBUG" if log else "WARNING"]
    # A process that analyses pictures is expensive to start, and few tests have pictures. The last of two equal options counts.
    command += ["--processes", "0", *map(str, options)]
    with (log or Path(os.devnull)).open("w") as file:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(LOCAL), **environment},
            stdout=subprocess.PIPE,
            stderr=file if log else None,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it did not start (exit code {process.wait(TIMEOUT)})"
    ready = json.loads(line)
    return LocalAws(process, ready["endpoint"], ready["control"], ready["thirdParty"])


class BlockedCall:
    """A call that lasts until the test ends it."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> dict[str, Any]:
        self.begun.set()
        assert self.over.wait(TIMEOUT)
        return {}

    def wait_until_begun(self) -> None:
        assert self.begun.wait(TIMEOUT)

    def end(self, attempt: threading.Thread) -> None:
        """End the call, and wait for the end of its attempt."""
        self.over.set()
        attempt.join(TIMEOUT)
        assert not attempt.is_alive()


class StoppedTimers:
    """Replaces the timers, so that a test decides when they expire."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], bool]:
        timer = (seconds, call)
        self.waiting.append(timer)

        def cancel() -> bool:
            if timer not in self.waiting:
                return False
            self.waiting.remove(timer)
            return True

        return cancel

    def expire(self, seconds: float) -> None:
        """Let the only timer with this number of seconds expire."""
        (timer,) = (timer for timer in self.waiting if timer[0] == seconds)
        self.waiting.remove(timer)
        timer[1]()


class Engine:
    """The emulator's engine in this process, where a test decides how long calls and pauses last."""

    def __init__(self, module: ModuleType, timers: StoppedTimers, patch: pytest.MonkeyPatch) -> None:
        self.module = module
        self.timers = timers
        self.patch = patch

    def ask(self, operation: str, **body: Any) -> Any:
        headers = {"x-amz-target": f"AWSStepFunctions.{operation}"}
        status, _, answer = asyncio.run(self.module.handle_request("POST", "/", headers, json.dumps(body), {}))
        assert status == 200, answer
        return json.loads(answer)

    def call(self, name: str, call: Callable[[], Any], **more: Any) -> dict[str, Any]:
        """A state that makes a call of the test."""
        resource = f"arn:aws:states:::test:{name}"
        self.patch.setitem(self.module._SERVICE_DISPATCH, resource, lambda _resource, _arguments: call())
        return task(resource, {}, **more)

    def waits(self, name: str, sent: Callable[[str], Any], **more: Any) -> dict[str, Any]:
        """A state that passes its token to a call of the test, and waits for the answer."""
        resource = f"arn:aws:states:::test:{name}"
        self.patch.setitem(self.module._SERVICE_DISPATCH, resource, lambda _resource, token: sent(token))
        return task(f"{resource}.waitForTaskToken", "{% $states.context.Task.Token %}", **more)

    def create(self, states: dict[str, Any], **more: Any) -> str:
        name = f"engine-{uuid.uuid4().hex[:12]}"
        return str(self.ask("CreateStateMachine", name=name, definition=definition(states, **more), roleArn=ROLE)["stateMachineArn"])

    def start(self, states: dict[str, Any], **more: Any) -> tuple[str, threading.Thread]:
        """The execution, and the thread of its first attempt."""
        machine, before = self.create(states, **more), set(threading.enumerate())
        execution = self.ask("StartExecution", stateMachineArn=machine)["executionArn"]
        (attempt,) = set(threading.enumerate()) - before
        return execution, attempt

    def status(self, execution: str) -> str:
        return str(self.ask("DescribeExecution", executionArn=execution)["status"])

    def history(self, execution: str) -> list[dict[str, Any]]:
        return list(self.ask("GetExecutionHistory", executionArn=execution)["events"])


def gateway_of_people(aws: LocalAws, name: str, interceptor: str) -> dict[str, Any]:
    """A gateway of AgentCore that takes the tokens of people, and asks a function before each request."""
    authorizer = {"DiscoveryUrl": f"{aws.control}/applicants/.well-known/openid-configuration", "AllowedClients": ["applicants"]}
    before = {
        "Interceptor": {"Lambda": {"Arn": interceptor}},
        "InterceptionPoints": ["REQUEST"],
        "InputConfiguration": {"PassRequestHeaders": True},
    }
    return {
        "Name": name,
        "RoleArn": "arn:aws:iam::000000000000:role/gateway",
        "AuthorizerType": "CUSTOM_JWT",
        "AuthorizerConfiguration": {"CustomJWTAuthorizer": authorizer},
        "InterceptorConfigurations": [before],
    }


@pytest.fixture(scope="session")
def _engine() -> tuple[ModuleType, StoppedTimers]:
    from ministack.services import stepfunctions

    timers = StoppedTimers()
    redrive.install(timers)  # type: ignore[arg-type]
    asl.install()
    tokens.install(timers)  # type: ignore[arg-type]
    return stepfunctions, timers


@pytest.fixture
def engine(_engine: tuple[ModuleType, StoppedTimers], monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(*_engine, monkeypatch)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the shared local AWS, at DEBUG."""
    return tmp_path_factory.mktemp("aws") / "log"


@pytest.fixture(scope="session")
def aws(log: Path) -> Iterator[LocalAws]:
    """Shared by the tests that leave no faults behind. Retries and Wait states do not wait."""
    local = start("--slow-seconds", 0.5, log=log, SFN_WAIT_SCALE="0")
    yield local
    findings = local.findings()
    local.stop()
    assert findings == []


@pytest.fixture(scope="session")
def guarded() -> Iterator[LocalAws]:
    """Like `aws`, with permissions enforced."""
    local = start("--iam")
    yield local
    findings = local.findings()
    local.stop()
    assert findings == []


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "aws" in request.fixturenames:
        request.getfixturevalue("aws").clear_faults()


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
