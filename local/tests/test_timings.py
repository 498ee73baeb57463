"""Durations in the control API."""

from __future__ import annotations

import time

import pytest
from conftest import LocalAws, wait_until

# A function that uses memory, and reads a row that is answered late.
SLOW = b"""#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
sign = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
while True:
    with urllib.request.urlopen(api + "next") as event:
        task = event.headers["Lambda-Runtime-Aws-Request-Id"]
    held = bytearray(b'x' * (64 * 1024 * 1024))
    body = json.dumps({"TableName": "timed", "Key": {"id": {"S": "a"}}}).encode()
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Authorization": sign % os.environ["AWS_ACCESS_KEY_ID"]}
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)).read()
    urllib.request.urlopen(urllib.request.Request(api + task + "/response", b"{}")).read()
"""


@pytest.fixture(scope="module")
def slow(aws: LocalAws) -> str:
    aws.create_table("timed")
    aws.create_function("slow", SLOW)
    return "slow"


def test_an_invocation_and_its_calls_are_timed(aws: LocalAws, slow: str) -> None:
    aws.http("DELETE", f"{aws.control}/timings")
    aws.force(service="dynamodb", operation="GetItem", match={"table": "timed"}, delaySeconds=0.5, count=1)
    before = time.monotonic()
    aws.invoke(slow)
    after = time.monotonic()
    timings = aws.http("GET", f"{aws.control}/timings")[1]
    (invocation,) = timings["invocations"]
    (call,) = (call for call in timings["calls"] if call["service"] == "dynamodb")
    assert (invocation["function"], call["operation"]) == ("slow", "GetItem")
    # The clock is that of the machine.
    assert before <= invocation["start"] < invocation["end"] <= after
    assert call["end"] - call["start"] >= 0.5
    # The call is within the invocation.
    assert invocation["start"] < call["start"] < call["end"] <= invocation["end"]
    assert 64 * 1024 * 1024 <= invocation["peakBytes"] < 512 * 1024 * 1024


def test_a_call_has_the_service_that_answers_it(aws: LocalAws, bucket: str) -> None:
    aws.http("DELETE", f"{aws.control}/timings")
    aws.client("s3").get_object(Bucket=bucket, Key="hopper.jpg")
    aws.client("rekognition").list_collections()
    # A call is listed after its answer was sent, which the client may receive a little earlier.
    calls = wait_until(lambda: found if len(found := aws.http("GET", f"{aws.control}/timings")[1]["calls"]) > 1 else None)
    assert [(call["service"], call["operation"]) for call in calls] == [("s3", "GetObject"), ("rekognition", "ListCollections")]
    assert all(call["end"] > call["start"] for call in calls)
