"""Faults of services, as machines, workers and clients see them."""

from __future__ import annotations

import json
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from conftest import TIMEOUT, LocalAws, task, wait_until
from test_third_party import ask


@pytest.fixture(scope="module")
def places(aws: LocalAws) -> dict[str, str]:
    """A table with a row, a topic, a queue, and a machine that does nothing."""
    aws.create_table("faulty")
    return {
        "topic": aws.client("sns").create_topic(Name="faulty")["TopicArn"],
        "queue": aws.create_queue("faulty")[0],
        "machine": aws.create_machine("idle", {"Done": {"Type": "Succeed"}}),
    }


def of_service(service: str, places: dict[str, str]) -> dict[str, Any]:
    """A Task that calls a service."""
    match service:
        case "dynamodb":
            return task("arn:aws:states:::dynamodb:getItem", {"TableName": "faulty", "Key": {"id": {"S": "a"}}})
        case "sns":
            return task("arn:aws:states:::sns:publish", {"TopicArn": places["topic"], "Message": "hello"})
        case "sqs":
            return task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": places["queue"], "MessageBody": "hello"})
        case "states":
            return task("arn:aws:states:::states:startExecution.sync:2", {"StateMachineArn": places["machine"], "Input": {}})
        case "sfn":
            return task("arn:aws:states:::aws-sdk:sfn:describeStateMachine", {"StateMachineArn": places["machine"]})
    raise AssertionError(service)


@pytest.mark.parametrize(
    ("service", "fault", "name"),
    [
        ("dynamodb", {"error": "ProvisionedThroughputExceededException"}, "DynamoDB.ProvisionedThroughputExceededException"),
        ("dynamodb", {"noAnswer": "closed"}, "DynamoDB.SdkClientException"),
        ("dynamodb", {"noAnswer": "silent"}, "States.Timeout"),
        ("sns", {"error": "InternalError"}, "SNS.InternalErrorException"),
        ("sns", {"malformed": True}, "SNS.SdkClientException"),
        ("sqs", {"error": "RequestThrottled"}, "SQS.RequestThrottledException"),
        ("states", {"error": "StateMachineDoesNotExist"}, "StepFunctions.StateMachineDoesNotExistException"),
        ("states", {"error": "ThrottlingException"}, "StepFunctions.AWSStepFunctionsException"),
        ("sfn", {"error": "ThrottlingException"}, "Sfn.SfnException"),
        ("sfn", {"noAnswer": "closed"}, "Sfn.SdkClientException"),
        ("sfn", {"malformed": True}, "Sfn.SdkClientException"),
        ("sfn", {"noAnswer": "silent"}, "States.Timeout"),
    ],
)
def test_machines_get_the_error_names_of_aws(aws: LocalAws, places: dict[str, str], service: str, fault: dict[str, Any], name: str) -> None:
    machine = f"{service}-{name.rpartition('.')[2]}-{next(iter(fault))}"
    aws.force(service="states" if service == "sfn" else service, caller=f"{machine}/Do", count=1, **fault)
    described = aws.run(machine, {"Do": of_service(service, places)})
    assert (described["status"], described.get("error")) == ("FAILED", name)


def test_a_fault_can_apply_to_one_state_of_one_machine(aws: LocalAws, places: dict[str, str]) -> None:
    states = {"First": of_service("dynamodb", places) | {"Next": "Second"}, "Second": of_service("dynamodb", places)}
    del states["First"]["End"]
    aws.force(service="dynamodb", operation="GetItem", caller="two-states/Second", match={"row": '"a"'}, error="ThrottlingException")
    sfn = aws.client("stepfunctions")
    described = aws.run("two-states", states)
    assert described["status"] == "FAILED"
    events = sfn.get_execution_history(executionArn=described["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["First", "Second"]


def test_a_slow_task_times_out(aws: LocalAws, places: dict[str, str]) -> None:
    aws.force(service="dynamodb", caller="slow/", delaySeconds=2 * TIMEOUT, count=1)
    described = aws.run("slow", {"Do": of_service("dynamodb", places) | {"TimeoutSeconds": 1}})
    assert described.get("error") == "States.Timeout"


def test_a_delayed_request_passes_when_its_fault_is_removed(aws: LocalAws, places: dict[str, str]) -> None:
    """Through the engine itself, and through the handlers of services. The fault that comes after it still applies."""
    aws.force(service="dynamodb", caller="held/First", delaySeconds=2 * TIMEOUT, error="ThrottlingException")
    aws.force(service="rekognition", caller="held/Second", delaySeconds=2 * TIMEOUT, error="ThrottlingException")
    aws.force(service="rekognition", caller="held/Second", result={"CollectionIds": ["other"]})
    collections = task("arn:aws:states:::aws-sdk:rekognition:listCollections", {})
    states = {"First": of_service("dynamodb", places) | {"Next": "Second"}, "Second": collections}
    del states["First"]["End"]

    url = f"{aws.control}/faults"

    def release() -> None:
        for _ in range(2):
            held = wait_until(lambda: [fault for fault in aws.http("GET", url)[1] if fault.get("met") and "error" in fault])
            aws.http("DELETE", f"{url}/{held[0]['id']}")

    with ThreadPoolExecutor() as pool:
        released = pool.submit(release)
        described = aws.run("held", states)
        released.result()
    assert json.loads(described["output"])["CollectionIds"] == ["other"]


def test_a_fault_afterwards_keeps_the_effect(aws: LocalAws, places: dict[str, str]) -> None:
    queue, _ = aws.create_queue("afterwards")
    aws.force(service="sqs", caller="afterwards/", noAnswer="closed", afterwards=True, count=1)
    send = task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "sent"})
    assert aws.run("afterwards", {"Do": send}).get("error") == "SQS.SdkClientException"
    assert aws.receive(queue) == "sent"


@pytest.mark.parametrize(
    ("service", "operation", "call", "error"),
    [
        ("dynamodb", "GetItem", {"TableName": "faulty", "Key": {"id": {"S": "a"}}}, "ThrottlingException"),
        ("s3", "GetObject", {"Bucket": "pictures", "Key": "hopper.jpg"}, "SlowDown"),
        ("secretsmanager", "GetSecretValue", {"SecretId": "s"}, "InternalServiceError"),
        ("sns", "Publish", {"TopicArn": "topic", "Message": "hello"}, "InternalError"),
        ("sqs", "SendMessage", {"QueueUrl": "queue", "MessageBody": "hello"}, "RequestThrottled"),
        ("stepfunctions", "SendTaskSuccess", {"taskToken": "t", "output": "{}"}, "ThrottlingException"),
        ("stepfunctions", "StartExecution", {"stateMachineArn": "machine"}, "ThrottlingException"),
    ],
)
def test_clients_get_the_error(
    aws: LocalAws, bucket: str, places: dict[str, str], service: str, operation: str, call: Any, error: str
) -> None:
    client = aws.client(service)
    call = {name: places.get(value, value) if isinstance(value, str) else value for name, value in call.items()}
    aws.force(service=service.replace("stepfunctions", "states"), operation=operation, error=error, status=400, count=1)
    with pytest.raises(ClientError) as refused:
        client._make_api_call(operation, call)
    assert refused.value.response["Error"]["Code"] == error
    assert aws.http("GET", f"{aws.control}/faults") == (200, [])


def test_a_connection_is_closed_without_an_answer(aws: LocalAws, places: dict[str, str]) -> None:
    aws.force(service="dynamodb", noAnswer="closed", count=1)
    dynamodb = aws.client("dynamodb")
    with pytest.raises(ConnectionClosedError):
        dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})
    dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})


def test_without_an_answer_the_client_waits(aws: LocalAws, places: dict[str, str]) -> None:
    aws.force(service="dynamodb", noAnswer="silent", count=1)
    impatient = aws.client("dynamodb", read_timeout=0.2)
    with pytest.raises(ReadTimeoutError):
        impatient.get_item(TableName="faulty", Key={"id": {"S": "a"}})
    # The client may have timed out before its request was handled.
    wait_until(lambda: aws.http("GET", f"{aws.control}/faults")[1] == [])
    aws.client("dynamodb").get_item(TableName="faulty", Key={"id": {"S": "a"}})


def test_a_malformed_answer_cannot_be_read(aws: LocalAws, bucket: str) -> None:
    aws.force(service="secretsmanager", malformed=True, count=1)
    assert "SecretString" not in aws.client("secretsmanager").get_secret_value(SecretId="s")


def test_a_fault_matches_the_request_of_a_task(aws: LocalAws) -> None:
    sfn = aws.client("stepfunctions")
    queue, _ = aws.create_queue("tokens")
    body = {"taskToken": "{% $states.context.Task.Token %}", "applicationId": "a-77"}
    wait = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"QueueUrl": queue, "MessageBody": body})
    aws.start_execution(aws.create_machine("tokens", {"Wait": wait}))
    token = json.loads(aws.receive(queue))["taskToken"]
    aws.force(service="states", operation="SendTaskSuccess", match={"id": "a-77"}, error="ThrottlingException", count=1)
    with pytest.raises(ClientError):
        sfn.send_task_success(taskToken=token, output="{}")
    sfn.send_task_success(taskToken=token, output="{}")


# A worker that reads a row with its role before it answers.
READER = b"""#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
sign = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
while True:
    with urllib.request.urlopen(api + "next") as event:
        task, payload = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    body = json.dumps({"TableName": "faulty", "Key": {"id": {"S": payload["id"]}}}).encode()
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Authorization": sign % os.environ["AWS_ACCESS_KEY_ID"]}
    try:
        urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)).read()
    except Exception as error:
        pass
    answer = json.dumps({"pid": os.getpid()}).encode()
    urllib.request.urlopen(urllib.request.Request(api + task + "/response", answer)).read()
"""


@pytest.fixture(scope="module")
def reader(aws: LocalAws, places: dict[str, str]) -> str:
    return aws.create_function("reader", READER)


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("killed", "Runtime.ExitError"),
        ("aborted", "Runtime.ExitError"),
        ("outOfTime", "Sandbox.Timedout"),
        ("panicked", "Bonafide.Internal"),
    ],
)
@pytest.mark.parametrize(("service", "operation"), [("dynamodb", "GetItem"), ("lambda-runtime", "InvocationResponse")])
def test_a_fault_ends_a_running_worker(aws: LocalAws, reader: str, ending: str, name: str, service: str, operation: str) -> None:
    case = f"{ending}-{service}"
    aws.force(service=service, operation=operation, match={"id": f"for-{case}"}, worker=ending, count=1)
    invoke = task("arn:aws:states:::lambda:invoke", {"FunctionName": reader, "Payload": {"id": f"for-{case}"}})
    assert aws.run(f"worker-{case}", {"Do": invoke}).get("error") == name
    again = aws.run(f"worker-{case}-again", {"Do": invoke})
    assert json.loads(again["output"])["Payload"]["pid"], "its successor works"


def test_the_licence_service_can_leave_requests_unanswered(aws: LocalAws) -> None:
    aws.force(service="third-party", noAnswer="closed", count=1)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(aws, "S123456579010")


@pytest.mark.parametrize(
    "fault",
    [
        {"service": "s3", "noAnswer": "late"},
        {"service": "s3", "worker": "asleep"},
        {"service": "s3", "error": "x", "caller": 7},
        {"service": "third-party", "error": "x", "caller": "a"},
        {"service": "lambda-runtime", "error": "x"},
        {"service": "lambda-runtime", "worker": "killed", "afterwards": True},
        {"service": "ec2", "error": "x"},
    ],
)
def test_invalid_faults_are_refused(aws: LocalAws, fault: dict[str, Any]) -> None:
    assert aws.http("POST", f"{aws.control}/faults", fault)[0] == 400
