"""How long things took, as the control API tells it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import LocalAws, wait_until

# It starts slowly, once; then it burns some of the processor's time, holds some memory, and asks for a late row. It
# answers with the processor's time that it had used when it was asked, and when it answers.
SLOW = b"""#!/usr/bin/env python3
import json, os, time, urllib.request
time.sleep(0.3)
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
sign = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
while True:
    with urllib.request.urlopen(api + "next") as event:
        task, begun = event.headers["Lambda-Runtime-Aws-Request-Id"], time.process_time()
    held = bytearray(b'x' * (64 * 1024 * 1024))
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    body = json.dumps({"TableName": "timed", "Key": {"id": {"S": "a"}}}).encode()
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Authorization": sign % os.environ["AWS_ACCESS_KEY_ID"]}
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)).read()
    answer = json.dumps({"begun": begun, "ended": time.process_time()}).encode()
    urllib.request.urlopen(urllib.request.Request(api + task + "/response", answer)).read()
"""


@pytest.fixture(scope="module")
def slow(aws: LocalAws) -> str:
    aws.create_table("timed")
    aws.create_function("slow", SLOW)
    return "slow"


def invoked(aws: LocalAws, function: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """The invocation, its call, and the function's answer."""
    aws.http("DELETE", f"{aws.control}/timings")
    answer = aws.invoke(function)
    timings = aws.http("GET", f"{aws.control}/timings")[1]
    (invocation,) = timings["invocations"]
    (call,) = (call for call in timings["calls"] if call["service"] == "dynamodb")
    return invocation, call, answer


def test_an_invocation_and_its_calls_are_timed(aws: LocalAws, slow: str) -> None:
    aws.force(service="dynamodb", operation="GetItem", match={"table": "timed"}, delaySeconds=0.5, count=1)
    before = time.monotonic()
    invocation, call, _ = invoked(aws, slow)
    after = time.monotonic()
    assert (invocation["function"], call["operation"]) == ("slow", "GetItem")
    # The clock is the machine's.
    assert before <= invocation["start"] < invocation["end"] <= after
    assert 0.3 <= invocation["initSeconds"] <= invocation["end"] - before
    assert call["end"] - call["start"] >= 0.5
    # The call is within the invocation, which did more than to wait for it, and not what came before.
    assert invocation["start"] < call["start"] < call["end"] <= invocation["end"]
    assert 0.2 <= invocation["processorSeconds"] < invocation["end"] - invocation["start"]
    assert 64 * 1024 * 1024 <= invocation["peakBytes"] < 512 * 1024 * 1024

    again, _, used = invoked(aws, slow)
    assert again["initSeconds"] is None
    # Not what the process had burnt before, in its first invocation.
    assert used["ended"] - used["begun"] <= again["processorSeconds"] < used["ended"] - 0.2


def test_another_configuration_is_another_start(aws: LocalAws, slow: str) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=slow, MemorySize=256)
    assert invoked(aws, slow)[0]["initSeconds"] >= 0.3


def test_a_call_is_of_the_service_that_answers_it(aws: LocalAws, bucket: str) -> None:
    aws.http("DELETE", f"{aws.control}/timings")
    aws.client("s3").get_object(Bucket=bucket, Key="hopper.jpg")
    aws.client("rekognition").list_collections()
    # A call is told when its answer was sent, which is a little later than it is received.
    calls = wait_until(lambda: found if len(found := aws.http("GET", f"{aws.control}/timings")[1]["calls"]) > 1 else None)
    assert [(call["service"], call["operation"]) for call in calls] == [("s3", "GetObject"), ("rekognition", "ListCollections")]
    assert all(call["end"] > call["start"] for call in calls)
