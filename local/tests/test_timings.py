"""How long things took, as the control API tells it."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import LocalAws
from test_hooks import ROLE, bootstrap_zip

# It starts slowly, once; then it burns some of the processor's time, holds some memory, and asks for a late row.
SLOW = b"""#!/usr/bin/env python3
import json, os, time, urllib.request
time.sleep(0.3)
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
sign = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
while True:
    with urllib.request.urlopen(api + "next") as event:
        task = event.headers["Lambda-Runtime-Aws-Request-Id"]
    held = bytearray(os.urandom(64 * 1024 * 1024))
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    body = json.dumps({"TableName": "timed", "Key": {"id": {"S": "a"}}}).encode()
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Authorization": sign % os.environ["AWS_ACCESS_KEY_ID"]}
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)).read()
    urllib.request.urlopen(urllib.request.Request(api + task + "/response", b"{}")).read()
"""


@pytest.fixture(scope="module")
def slow(aws: LocalAws) -> str:
    aws.client("dynamodb").create_table(
        TableName="timed",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    aws.client("lambda").create_function(
        FunctionName="slow", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": bootstrap_zip(SLOW)}
    )
    return "slow"


def invoked(aws: LocalAws, function: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The invocation, and its call."""
    aws.http("DELETE", f"{aws.control}/timings")
    aws.client("lambda").invoke(FunctionName=function)
    timings = aws.http("GET", f"{aws.control}/timings")[1]
    (invocation,) = timings["invocations"]
    (call,) = (call for call in timings["calls"] if call["service"] == "dynamodb")
    return invocation, call


def test_an_invocation_and_its_calls_are_timed(aws: LocalAws, slow: str) -> None:
    late = {"service": "dynamodb", "operation": "GetItem", "match": {"table": "timed"}, "delaySeconds": 0.5, "count": 1}
    assert aws.http("POST", f"{aws.control}/faults", late)[0] == 201
    invocation, call = invoked(aws, slow)
    assert (invocation["function"], call["operation"]) == ("slow", "GetItem")
    assert 0.3 <= invocation["initSeconds"] < 5
    assert 0.5 <= call["end"] - call["start"] < 5
    # The call is within the invocation, which did more than to wait for it, and not what came before.
    assert invocation["start"] + 0.2 <= call["start"] < call["end"] <= invocation["end"]
    assert 0.2 <= invocation["processorSeconds"] < invocation["end"] - invocation["start"]
    assert 64 * 1024 * 1024 <= invocation["peakBytes"] < 512 * 1024 * 1024

    again, _ = invoked(aws, slow)
    assert again["initSeconds"] is None
    assert 0.2 <= again["processorSeconds"] < 1


def test_another_configuration_is_another_start(aws: LocalAws, slow: str) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=slow, MemorySize=256)
    assert invoked(aws, slow)[0]["initSeconds"] >= 0.3


def test_a_call_is_of_the_service_that_answers_it(aws: LocalAws, bucket: str) -> None:
    aws.http("DELETE", f"{aws.control}/timings")
    aws.client("s3").get_object(Bucket=bucket, Key="hopper.jpg")
    aws.client("rekognition").list_collections()
    calls = aws.http("GET", f"{aws.control}/timings")[1]["calls"]
    assert [(call["service"], call["operation"]) for call in calls] == [("s3", "GetObject"), ("rekognition", "ListCollections")]
    assert all(call["end"] > call["start"] for call in calls)
