"""The control API: forced errors, delays, canned results, malformed bodies, counts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws
from test_third_party import HEADERS, ask

from bonafide_local.faults import SERVICES, Fault, Faults


def test_an_error_is_forced_count_times(aws: LocalAws, hopper: bytes) -> None:
    rekognition = aws.client("rekognition")
    aws.force(service="rekognition", operation="DetectFaces", error="ThrottlingException", status=400, count=2)
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            rekognition.detect_faces(Image={"Bytes": hopper})
        assert error.value.response["Error"]["Code"] == "ThrottlingException"
    assert rekognition.detect_faces(Image={"Bytes": hopper})["FaceDetails"]
    assert aws.http("GET", f"{aws.control}/faults") == (200, [])


def test_a_fault_without_count_stays_until_it_is_cleared(aws: LocalAws) -> None:
    textract = aws.client("textract")
    aws.force(service="textract", operation="AnalyzeID", error="InternalServerError", status=500)
    for _ in range(3):
        with pytest.raises(ClientError) as error:
            textract.analyze_id(DocumentPages=[{"Bytes": b"x"}])
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    aws.clear_faults()
    with pytest.raises(ClientError) as error:
        textract.analyze_id(DocumentPages=[{"Bytes": b"x"}])
    assert error.value.response["Error"]["Code"] == "UnsupportedDocumentException"


def test_a_fault_lets_passing_requests_through(aws: LocalAws, hopper: bytes) -> None:
    rekognition = aws.client("rekognition")
    aws.force(service="rekognition", operation="DetectFaces", error="ThrottlingException", passing=2, count=1)
    for _ in range(2):
        assert rekognition.detect_faces(Image={"Bytes": hopper})["FaceDetails"]
    with pytest.raises(ClientError):
        rekognition.detect_faces(Image={"Bytes": hopper})
    assert rekognition.detect_faces(Image={"Bytes": hopper})["FaceDetails"]


def test_a_fault_is_for_its_operation_only(aws: LocalAws) -> None:
    textract = aws.client("textract")
    aws.force(service="textract", operation="DetectDocumentText", error="ProvisionedThroughputExceededException", count=1)
    for call, code in (
        (lambda: textract.analyze_id(DocumentPages=[{"Bytes": b"x"}]), "UnsupportedDocumentException"),
        (lambda: textract.detect_document_text(Document={"Bytes": b"x"}), "ProvisionedThroughputExceededException"),
        (lambda: textract.detect_document_text(Document={"Bytes": b"x"}), "UnsupportedDocumentException"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] == code


def test_one_fault_is_removed_and_the_others_stay(aws: LocalAws) -> None:
    for operation in ("DetectFaces", "IndexFaces"):
        aws.force(service="rekognition", operation=operation, error="ThrottlingException")
    first, second = aws.http("GET", f"{aws.control}/faults")[1]
    assert aws.http("DELETE", f"{aws.control}/faults/{first['id']}") == (200, [second])


def test_the_licence_service_charges_once_for_each_key(aws: LocalAws) -> None:
    for key in ("k1", "k1", "k2"):
        ask(aws, "S123456579010", HEADERS | {"idempotency-key": key}, app_uuid="charged")
    assert aws.http("GET", f"{aws.control}/charges")[1]["charged"] == 2


def test_a_canned_result_is_answered_for_matching_requests_only(aws: LocalAws, bucket: str) -> None:
    rekognition = aws.client("rekognition")
    canned = {"FaceDetails": [{"Confidence": 50.0}]}
    aws.force(service="rekognition", operation="DetectFaces", result=canned, match={"key": "hopper"})
    image = {"S3Object": {"Bucket": bucket, "Name": "hopper.jpg"}}
    assert rekognition.detect_faces(Image=image)["FaceDetails"] == canned["FaceDetails"]
    image["S3Object"]["Name"] = "collins.jpg"
    assert rekognition.detect_faces(Image=image)["FaceDetails"][0]["Confidence"] > 99


def test_a_delay_lets_the_real_answer_follow(aws: LocalAws, hopper: bytes) -> None:
    rekognition = aws.client("rekognition")
    aws.force(service="rekognition", operation="DetectFaces", delaySeconds=0.6, count=1)
    started = time.monotonic()
    assert rekognition.detect_faces(Image={"Bytes": hopper})["FaceDetails"]
    assert time.monotonic() - started >= 0.6


def test_a_malformed_answer_has_no_result(aws: LocalAws, hopper: bytes) -> None:
    aws.force(service="rekognition", operation="DetectFaces", malformed=True, count=1)
    assert "FaceDetails" not in aws.client("rekognition").detect_faces(Image={"Bytes": hopper})


def test_answers_of_the_licence_service_can_be_forced(aws: LocalAws) -> None:
    aws.force(service="third-party", error="down", status=503, count=1, match={"app_uuid": '"a"'})
    assert ask(aws, "S123456579010")[0] == 503
    assert ask(aws, "S123456579010") == (200, True)
    aws.force(service="third-party", result="yes", count=1)
    assert ask(aws, "S123456579010") == (200, "yes")


def test_calls_are_counted_per_operation(aws: LocalAws, hopper: bytes) -> None:
    aws.http("DELETE", f"{aws.control}/calls")
    aws.client("rekognition").detect_faces(Image={"Bytes": hopper})
    ask(aws, "A1")
    calls = aws.http("GET", f"{aws.control}/calls")[1]
    counted = {service: operations for service, operations in calls.items() if operations}
    assert counted == {"rekognition": {"DetectFaces": 1}, "third-party": {"license": 1}}


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"service": "s4", "error": "x"},
        {"service": "textract"},
        {"service": "textract", "error": "x", "count": 0},
        {"service": "textract", "error": "x", "typo": 1},
    ],
)
def test_an_invalid_fault_is_refused(aws: LocalAws, fault: dict[str, Any]) -> None:
    assert aws.http("POST", f"{aws.control}/faults", fault)[0] == 400


def test_a_snapshot_without_a_service_is_restored() -> None:
    kept = Fault.parse({"service": "s3", "error": "SlowDown", "status": 503})
    faults = Faults()
    faults.restore({"s3": [kept]})
    assert faults.find("s3", "PutObject", "") is kept
    assert [faults.find(service, "Any", "") for service in SERVICES if service != "s3"] == [None] * (len(SERVICES) - 1)
