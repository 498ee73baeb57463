"""Faults in the services that machines and workers depend on, as each of them sees it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from conftest import LocalAws
from test_faults import force
from test_hooks import ROLE, bootstrap_zip, run, task


@pytest.fixture(scope="module")
def places(aws: LocalAws) -> dict[str, str]:
    """A table with a row, a topic, a queue, and a machine that does nothing."""
    aws.client("dynamodb").create_table(
        TableName="faulty",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    idle = {"QueryLanguage": "JSONata", "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = aws.client("stepfunctions").create_state_machine(name="idle", definition=json.dumps(idle), roleArn=ROLE)
    return {
        "topic": aws.client("sns").create_topic(Name="faulty")["TopicArn"],
        "queue": aws.client("sqs").create_queue(QueueName="faulty")["QueueUrl"],
        "machine": machine["stateMachineArn"],
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
        ("sns", {"error": "ThrottledException"}, "SNS.ThrottledException"),
        ("sns", {"malformed": True}, "SNS.SdkClientException"),
        ("sqs", {"error": "RequestThrottledException"}, "SQS.RequestThrottledException"),
        ("states", {"error": "ThrottlingException"}, "StepFunctions.ThrottlingException"),
        ("sfn", {"error": "ThrottlingException"}, "Sfn.ThrottlingException"),
        ("sfn", {"noAnswer": "closed"}, "Sfn.SdkClientException"),
        ("sfn", {"malformed": True}, "Sfn.SdkClientException"),
        ("sfn", {"noAnswer": "silent"}, "States.Timeout"),
    ],
)
def test_machines_see_the_names_that_aws_gives(
    aws: LocalAws, places: dict[str, str], service: str, fault: dict[str, Any], name: str
) -> None:
    machine = f"{service}-{name.rpartition('.')[2]}-{next(iter(fault))}"
    force(aws, service="states" if service == "sfn" else service, caller=f"{machine}/Do", count=1, **fault)
    described = run(aws, machine, {"Do": of_service(service, places)})
    assert (described["status"], described.get("error")) == ("FAILED", name)


def test_a_fault_strikes_one_state_of_one_machine(aws: LocalAws, places: dict[str, str]) -> None:
    states = {"First": of_service("dynamodb", places) | {"Next": "Second"}, "Second": of_service("dynamodb", places)}
    del states["First"]["End"]
    force(aws, service="dynamodb", operation="GetItem", caller="two-states/Second", match={"row": '"a"'}, error="ThrottlingException")
    sfn = aws.client("stepfunctions")
    described = run(aws, "two-states", states)
    assert described["status"] == "FAILED"
    events = sfn.get_execution_history(executionArn=described["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["First", "Second"]


def test_a_slow_task_is_out_of_time(aws: LocalAws, places: dict[str, str]) -> None:
    force(aws, service="dynamodb", caller="slow/", delaySeconds=3, count=1)
    described = run(aws, "slow", {"Do": of_service("dynamodb", places) | {"TimeoutSeconds": 1}})
    assert described.get("error") == "States.Timeout"


def test_what_is_done_before_the_fault_stays_done(aws: LocalAws, places: dict[str, str]) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="afterwards")["QueueUrl"]
    force(aws, service="sqs", caller="afterwards/", noAnswer="closed", afterwards=True, count=1)
    send = task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "sent"})
    assert run(aws, "afterwards", {"Do": send}).get("error") == "SQS.SdkClientException"
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"][0]["Body"] == "sent"


@pytest.mark.parametrize(
    ("service", "operation", "call", "error"),
    [
        ("dynamodb", "GetItem", {"TableName": "faulty", "Key": {"id": {"S": "a"}}}, "ThrottlingException"),
        ("s3", "GetObject", {"Bucket": "pictures", "Key": "hopper.jpg"}, "SlowDown"),
        ("secretsmanager", "GetSecretValue", {"SecretId": "s"}, "InternalServiceError"),
        ("sns", "Publish", {"TopicArn": "topic", "Message": "hello"}, "Throttled"),
        ("sqs", "SendMessage", {"QueueUrl": "queue", "MessageBody": "hello"}, "RequestThrottled"),
        ("stepfunctions", "SendTaskSuccess", {"taskToken": "t", "output": "{}"}, "ThrottlingException"),
        ("stepfunctions", "StartExecution", {"stateMachineArn": "machine"}, "ThrottlingException"),
    ],
)
def test_clients_see_the_error(
    aws: LocalAws, bucket: str, places: dict[str, str], service: str, operation: str, call: Any, error: str
) -> None:
    client = aws.client(service)
    call = {name: places.get(value, value) if isinstance(value, str) else value for name, value in call.items()}
    force(aws, service=service.replace("stepfunctions", "states"), operation=operation, error=error, status=400, count=1)
    with pytest.raises(ClientError) as refused:
        client._make_api_call(operation, call)
    assert refused.value.response["Error"]["Code"] == error
    assert aws.http("GET", f"{aws.control}/faults") == (200, [])


def test_a_connection_is_closed_without_an_answer(aws: LocalAws, places: dict[str, str]) -> None:
    force(aws, service="dynamodb", noAnswer="closed", count=1)
    dynamodb = aws.client("dynamodb")
    with pytest.raises(ConnectionClosedError):
        dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})
    dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})


def test_a_silent_service_lets_the_client_wait(aws: LocalAws, places: dict[str, str]) -> None:
    import boto3

    force(aws, service="dynamodb", noAnswer="silent", count=1)
    config = boto3.session.Config(retries={"max_attempts": 0}, read_timeout=1)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    dynamodb = boto3.client("dynamodb", endpoint_url=aws.endpoint, region_name="us-east-1", config=config, **keys)
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})
    assert time.monotonic() - started < 5
    dynamodb.get_item(TableName="faulty", Key={"id": {"S": "a"}})


def test_a_malformed_answer_cannot_be_read(aws: LocalAws, bucket: str) -> None:
    force(aws, service="secretsmanager", malformed=True, count=1)
    assert "SecretString" not in aws.client("secretsmanager").get_secret_value(SecretId="s")


def test_a_fault_finds_a_task_by_what_it_asked(aws: LocalAws) -> None:
    sqs, sfn = aws.client("sqs"), aws.client("stepfunctions")
    queue = sqs.create_queue(QueueName="tokens")["QueueUrl"]
    body = {"taskToken": "{% $states.context.Task.Token %}", "applicationId": "a-77"}
    wait = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"QueueUrl": queue, "MessageBody": body})
    definition = {"QueryLanguage": "JSONata", "StartAt": "Wait", "States": {"Wait": wait}}
    arn = sfn.create_state_machine(name="tokens", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    sfn.start_execution(stateMachineArn=arn)
    token = json.loads(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"])["taskToken"]
    force(aws, service="states", operation="SendTaskSuccess", match={"id": "a-77"}, error="ThrottlingException", count=1)
    with pytest.raises(ClientError):
        sfn.send_task_success(taskToken=token, output="{}")
    sfn.send_task_success(taskToken=token, output="{}")


# A worker: it reads a row in the name of its role before it answers.
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
    arn: str = aws.client("lambda").create_function(
        FunctionName="reader", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": bootstrap_zip(READER)}
    )["FunctionArn"]
    return arn


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("killed", "Runtime.ExitError"),
        ("aborted", "Runtime.ExitError"),
        ("outOfTime", "Sandbox.Timedout"),
        ("panicked", "Bonafide.Internal"),
    ],
)
def test_a_worker_ends_while_it_works(aws: LocalAws, reader: str, ending: str, name: str) -> None:
    force(aws, service="dynamodb", operation="GetItem", match={"id": f"for-{ending}"}, worker=ending, count=1)
    invoke = task("arn:aws:states:::lambda:invoke", {"FunctionName": reader, "Payload": {"id": f"for-{ending}"}})
    assert run(aws, f"worker-{ending}", {"Do": invoke}).get("error") == name
    again = run(aws, f"worker-{ending}-again", {"Do": invoke})
    assert json.loads(again["output"])["Payload"]["pid"], "its successor works"


def test_the_third_party_can_be_silent(aws: LocalAws) -> None:
    import urllib.error

    from test_third_party import ask

    force(aws, service="third-party", noAnswer="closed", count=1)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(aws, "S123456579010")


@pytest.mark.parametrize(
    "fault",
    [
        {"service": "s3", "noAnswer": "late"},
        {"service": "s3", "worker": "asleep"},
        {"service": "s3", "error": "x", "caller": 7},
        {"service": "third-party", "error": "x", "caller": "a"},
        {"service": "ec2", "error": "x"},
    ],
)
def test_what_is_no_fault_is_refused(aws: LocalAws, fault: dict[str, Any]) -> None:
    assert aws.http("POST", f"{aws.control}/faults", fault)[0] == 400
