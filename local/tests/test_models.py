"""Requests, answers and errors are judged by the service models. Every kind of rule is broken once."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws, start, task

from bonafide_local.aws_json import Answer, error_answer, success_answer
from bonafide_local.documents import answer_document, operation_of, request_document
from bonafide_local.faults import AWS_SERVICES, BadFault, Fault
from bonafide_local.judge import Judge
from bonafide_local.models import Direction, _pattern, error_name, errors_of, judge, service_model

INDEX = {
    "CollectionId": "faces",
    "Image": {"S3Object": {"Bucket": "pictures", "Name": "selfie.jpg", "Version": "v1"}},
    "ExternalImageId": "a-1",
    "MaxFaces": 1,
    "QualityFilter": "AUTO",
}
FOUND = {
    "FaceMatches": [{"Similarity": 99.5, "Face": {"FaceId": "11111111-2222-3333-4444-555555555555", "Confidence": 99.9}}],
    "FaceModelVersion": "7.0",
}
ROW = {"TableName": "rows", "Key": {"id": {"S": "a-1"}}, "ProjectionExpression": "#status"}
STARTED = {"executionArn": "arn:aws:states:us-east-1:000000000000:execution:machine:name", "startDate": 1793426400.25}


def changed(document: dict[str, Any], path: str, value: Any = None) -> dict[str, Any]:
    """A copy with one member replaced; without it if no value is given."""
    made = copy.deepcopy(document)
    *above, last = path.split(".")
    place: Any = made
    for name in above:
        place = place[int(name) if name.isdecimal() else name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return made


@pytest.mark.parametrize(
    ("service", "operation", "direction", "document"),
    [
        ("rekognition", "IndexFaces", Direction.REQUEST, INDEX),
        ("rekognition", "SearchFacesByImage", Direction.ANSWER, FOUND),
        ("dynamodb", "GetItem", Direction.REQUEST, ROW),
        ("dynamodb", "GetItem", Direction.ANSWER, {"Item": {"id": {"S": "a-1"}, "seen": {"M": {"at": {"NULL": True}}}}}),
        ("dynamodb", "GetItem", Direction.ANSWER, {}),
        ("states", "StartExecution", Direction.ANSWER, STARTED),
    ],
)
def test_what_aws_accepts_and_answers_is_no_finding(service: str, operation: str, direction: Direction, document: Any) -> None:
    assert judge(service, operation, direction, document) == []


@pytest.mark.parametrize(
    ("service", "operation", "direction", "document", "path", "rule"),
    [
        ("rekognition", "IndexFaces", "request", changed(INDEX, "Image"), "Image", "must not be null"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "QualityFilter", "BEST"), "QualityFilter", "must satisfy enum"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "ExternalImageId", "a" * 256), "ExternalImageId", "must have length less"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "ExternalImageId", "Jane Doe"), "ExternalImageId", "must satisfy regular"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "MaxFaces", 0), "MaxFaces", "must have value greater"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "MaxFaces", "1"), "MaxFaces", "must be an integer"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "MaxFace", 1), "MaxFace", "is not in the model"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "Image.Bytes", "no base64"), "Image.Bytes", "must be base64"),
        ("rekognition", "IndexFaces", "request", changed(INDEX, "Image.S3Object.Name", ""), "Image.S3Object.Name", "must have length greater"),
        ("rekognition", "IndexFaces", "request", None, "", "must be an object"),
        ("rekognition", "IndexFace", "request", INDEX, "", "is not an operation"),
        ("rekognition", "SearchFacesByImage", "answer", changed(FOUND, "FaceMatches.0.Similarity", 101), "FaceMatches[].Similarity", "must have value less"),
        ("rekognition", "SearchFacesByImage", "answer", changed(FOUND, "FaceMatches.0.Face.FaceId", "face"), "FaceMatches[].Face.FaceId", "must satisfy regular"),
        ("rekognition", "SearchFacesByImage", "answer", changed(FOUND, "FaceMatches.0.Score", 1), "FaceMatches[].Score", "is not in the model"),
        ("dynamodb", "GetItem", "request", changed(ROW, "Key.id.S", 1), "Key.value.S", "must be a string"),
        ("dynamodb", "GetItem", "answer", {"Item": {"id": {"S": 1}}}, "Item.value.S", "must be a string"),
        ("dynamodb", "GetItem", "answer", {"Item": {"id": {"BOOL": "true"}}}, "Item.value.BOOL", "must be true or false"),
        ("states", "StartExecution", "answer", changed(STARTED, "executionArn"), "executionArn", "must not be null"),
        ("states", "StartExecution", "answer", changed(STARTED, "startDate", "today"), "startDate", "must be a time"),
        ("rekognition", "CompareFaces", "error", "ImageTooSmallException", "ImageTooSmallException", "is not an error"),
        # Of the service, but of another operation.
        ("dynamodb", "GetItem", "error", "ConditionalCheckFailedException", "ConditionalCheckFailedException", "is not an error"),
    ],
)  # fmt: skip
def test_every_difference_from_the_model_is_found(
    service: str, operation: str, direction: str, document: Any, path: str, rule: str
) -> None:
    (finding,) = judge(service, operation, Direction(direction), document)
    assert (finding.service, finding.operation, finding.direction, finding.path) == (service, operation, direction, path)
    assert finding.rule.startswith(rule)


def test_a_finding_has_no_value_and_no_key_of_a_map() -> None:
    findings = judge("dynamodb", "PutItem", Direction.REQUEST, {"TableName": "", "Item": {"Jane Doe": {"S": 7}, "Born": {"N": 1990}}})
    assert {finding.path for finding in findings} == {"TableName", "Item.value.S", "Item.value.N"}
    assert re.search("Jane|Born|1990", str(findings)) is None


def test_only_patterns_of_tags_and_trace_headers_are_not_read() -> None:
    unread = set()
    for service in AWS_SERVICES:
        model = service_model(service)
        assert model is not None
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern")
            if pattern and _pattern(pattern) is None:
                unread.add(name)
    assert unread == {"AutoScalingPolicyName", "AutoScalingRoleArn", "TagKey", "TagValue", "TraceHeader"}


@pytest.mark.parametrize(
    ("service", "operation", "error"),
    [
        ("dynamodb", "PutItem", "ConditionalCheckFailedException"),
        ("dynamodb", "PutItem", "ValidationException"),
        ("sns", "Publish", "AuthorizationError"),
        ("s3", "GetObject", "SlowDown"),
        ("s3", "PutObject", "PreconditionFailed"),
        ("textract", "AnalyzeID", "AccessDeniedException"),
        ("sqs", "SendMessage", "ServiceUnavailable"),
    ],
)
def test_errors_are_those_of_the_operation_and_the_common_ones(service: str, operation: str, error: str) -> None:
    assert error in errors_of(service, operation)


@pytest.mark.parametrize(
    ("service", "prefix", "code", "name"),
    [
        ("rekognition", "Rekognition", "InternalServerError", "Rekognition.InternalServerErrorException"),
        ("sns", "SNS", "AuthorizationError", "SNS.AuthorizationErrorException"),
        ("states", "StepFunctions", "StateMachineDoesNotExist", "StepFunctions.StateMachineDoesNotExistException"),
        ("sqs", "SQS", "InternalFailure", "SQS.AmazonSQSException"),
        ("states", "Sfn", "AccessDeniedException", "Sfn.SfnException"),
    ],
)
def test_machines_know_an_error_by_its_class(service: str, prefix: str, code: str, name: str) -> None:
    assert error_name(service, prefix, code) == name


@pytest.mark.parametrize(
    "forced",
    [
        {"service": "rekognition", "operation": "DetectFaces", "error": "InternalServerErrorException"},
        {"service": "sns", "operation": "Publish", "error": "Throttled"},
        {"service": "textract", "error": "ExpiredToken"},
        {"service": "rekognition", "operation": "SearchFaces", "result": {"FaceMatches": [{"Similarity": 101}]}},
        {"service": "rekognition", "operation": "Compare", "result": {}},
    ],
)
def test_a_fault_that_aws_does_not_have_is_refused(forced: dict[str, Any]) -> None:
    with pytest.raises(BadFault):
        Fault.parse(forced)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/pictures/a/selfie.jpg", {}, {}, "GetObject"),
        ("HEAD", "/pictures/a/selfie.jpg", {}, {}, "HeadObject"),
        ("PUT", "/pictures/a/selfie.jpg", {}, {}, "PutObject"),
        ("PUT", "/pictures/a/selfie.jpg", {}, {"x-amz-copy-source": "pictures/b"}, "CopyObject"),
        ("PUT", "/pictures/a", {"partNumber": ["1"], "uploadId": ["u"]}, {}, "UploadPart"),
        ("GET", "/pictures", {"versions": [""]}, {}, "ListObjectVersions"),
        ("GET", "/pictures/", {"list-type": ["2"]}, {}, "ListObjectsV2"),
        ("POST", "/pictures", {"delete": [""]}, {}, "DeleteObjects"),
        ("DELETE", "/pictures/a", {"versionId": ["v"]}, {}, "DeleteObject"),
        ("GET", "/", {}, {}, "ListBuckets"),
    ],
)
def test_an_operation_of_s3_is_known_by_its_request(
    method: str, path: str, query: dict[str, Any], headers: dict[str, str], operation: str
) -> None:
    assert operation_of("s3", method, path, headers, "", query) == operation


def test_a_request_of_s3_is_a_document() -> None:
    query = {"versions": [""], "prefix": ["evidence/a/"], "max-keys": ["7"]}
    headers = {"x-amz-expected-bucket-owner": "000000000000"}
    document = request_document("s3", "ListObjectVersions", "/pictures", headers, "", query)
    assert document == {"Bucket": "pictures", "Prefix": "evidence/a/", "MaxKeys": 7, "ExpectedBucketOwner": "000000000000"}
    assert request_document("s3", "GetObject", "/pictures/a/b%20c", {}, "", {}) == {"Bucket": "pictures", "Key": "a/b c"}
    invoked = request_document("lambda", "Invoke", "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations", {}, "{}", {})
    assert invoked == {"FunctionName": "arn:aws:lambda"}


def test_a_request_of_the_query_protocol_is_a_document() -> None:
    attribute = "MessageAttributes.entry.1"
    body = (
        f"Action=Publish&TopicArn=t&Message=m&{attribute}.Name=kind&{attribute}.Value.DataType=String&{attribute}.Value.StringValue=a%20b"
    )
    document = request_document("sns", "Publish", "/", {}, body, {})
    attributes = {"kind": {"DataType": "String", "StringValue": "a b"}}
    assert document == {"TopicArn": "t", "Message": "m", "MessageAttributes": attributes}
    body = "Action=PublishBatch&TopicArn=t&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.1.Message=m"
    document = request_document("sns", "PublishBatch", "/", {}, body, {})
    assert document == {"TopicArn": "t", "PublishBatchRequestEntries": [{"Id": "a", "Message": "m"}]}


def test_an_answer_in_xml_is_a_document_or_an_error() -> None:
    listed = (
        b"<ListVersionsResult><Name>pictures</Name><Version><Key>a</Key><StorageClass>COLD</StorageClass></Version></ListVersionsResult>"
    )
    document, code = answer_document("s3", "ListObjectVersions", 200, {}, listed)
    assert code is None
    (finding,) = judge("s3", "ListObjectVersions", Direction.ANSWER, document)
    assert (finding.path, finding.rule) == ("Versions[].StorageClass", "must satisfy enum value set: [STANDARD]")
    refused = b"<ErrorResponse><Error><Code>NotFound</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    assert answer_document("sns", "Publish", 404, {}, refused)[1] == "NotFound"
    assert answer_document("s3", "HeadObject", 404, {}, b"")[1] == "404"
    assert answer_document("s3", "GetObject", 206, {"ETag": "e"}, b"\xff\xd8") == ({"ETag": "e", "Metadata": {}}, None)


def test_an_error_in_json_has_its_code() -> None:
    body = b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "m"}'
    assert answer_document("sqs", "SendMessage", 400, {}, body)[1] == "QueueDoesNotExist"
    with pytest.raises(ValueError):
        answer_document("sqs", "SendMessage", 200, {}, b'{"MessageId": ')


@pytest.fixture
def judging() -> Iterator[LocalAws]:
    local = start(SFN_WAIT_SCALE="0")
    yield local
    local.stop()


def test_requests_of_tasks_are_judged_and_those_of_tests_are_not(judging: LocalAws) -> None:
    """Over HTTP, and in an optimized integration."""
    with pytest.raises(ClientError, match="ValidationException"):
        judging.client("rekognition").delete_faces(CollectionId="faces", FaceIds=["no id"])
    delete = task("arn:aws:states:::aws-sdk:rekognition:deleteFaces", {"CollectionId": "faces", "FaceIds": ["no id"]})
    read = task("arn:aws:states:::dynamodb:getItem", {"TableName": "", "Key": {"id": {"S": "a"}}})
    for name, state in (("deleting", delete), ("reading", read)):
        assert judging.run(name, {"Do": state})["status"] == "FAILED"
    found = {(finding["sender"], finding["operation"], finding["path"], finding["count"]) for finding in judging.findings()}
    assert found == {("deleting/Do", "DeleteFaces", "FaceIds[]", 1), ("reading/Do", "GetItem", "TableName", 1)}


@pytest.mark.parametrize(
    ("caller", "senders"),
    [
        ("arn:aws:sts::000000000000:assumed-role/a-role/bonafide-dev-verify-face", ["bonafide-dev-verify-face"]),
        ("arn:aws:iam::000000000000:root", []),
        ("", []),
    ],
)
def test_requests_of_workers_are_judged(monkeypatch: pytest.MonkeyPatch, caller: str, senders: list[str]) -> None:
    monkeypatch.setattr("bonafide_local.judge.caller_of", lambda _: caller)
    judging = Judge()

    async def handler(*_: Any) -> Answer:
        return success_answer({})

    headers = {"x-amz-target": "RekognitionService.DeleteFaces"}
    asyncio.run(judging._requests("rekognition", handler)("POST", "/", headers, b'{"CollectionId": "faces"}', {}))
    described = judging.describe()
    assert described["judged"]["request"] == len(senders)
    assert [(finding["sender"], finding["path"]) for finding in described["findings"]] == [(sender, "FaceIds") for sender in senders]
    judging.clear()
    assert judging.describe()["findings"] == []


def test_answers_of_a_wrong_fake_are_found() -> None:
    judging = Judge()

    async def wrong(*_: Any) -> Answer:
        return success_answer({"FaceModelVersions": 7})

    async def unlisted(*_: Any) -> Answer:
        return error_answer("FacelessException", "m", 400)

    async def broken(*_: Any) -> Answer:
        return 200, {}, b'{"CollectionIds": ["fa'

    for handler in (wrong, unlisted, broken):
        answered = judging._answers("rekognition", handler)
        asyncio.run(answered("POST", "/", {"x-amz-target": "RekognitionService.ListCollections"}, b"{}", {}))
    described = judging.describe()
    assert described["judged"] == {"request": 0, "answer": 2, "error": 1}
    assert [(finding["direction"], finding["path"]) for finding in described["findings"]] == [
        ("answer", ""),
        ("answer", "FaceModelVersions"),
        ("error", "FacelessException"),
    ]
