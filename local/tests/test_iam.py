"""With ``--iam`` the stand-ins ask for the caller's permissions, as the services do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws, start

IMAGE = {"S3Object": {"Bucket": "pictures", "Name": "hopper"}}


@pytest.fixture(scope="module")
def guarded(hopper: bytes) -> Iterator[LocalAws]:
    local = start("--iam")
    s3 = local.client("s3")
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="hopper", Body=hopper)
    yield local
    local.stop()


def client_of(local: LocalAws, service: str, user: str, *statements: tuple[str, str]) -> Any:
    iam = local.client("iam")
    iam.create_user(UserName=user)
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements],
    }
    iam.put_user_policy(UserName=user, PolicyName="policy", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return local.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def code(call: Any) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def test_an_operation_needs_its_permission(guarded: LocalAws) -> None:
    textract = client_of(guarded, "textract", "no-textract", ("rekognition:*", "*"))
    assert code(lambda: textract.analyze_id(DocumentPages=[{"Bytes": b"x"}])) == "AccessDeniedException"


def test_a_permission_may_name_a_collection(guarded: LocalAws) -> None:
    arn = "arn:aws:rekognition:us-east-1:000000000000:collection/mine"
    rekognition = client_of(guarded, "rekognition", "one-collection", ("rekognition:CreateCollection", arn))
    assert rekognition.create_collection(CollectionId="mine")["StatusCode"] == 200
    assert code(lambda: rekognition.create_collection(CollectionId="other")) == "AccessDeniedException"


def test_the_object_is_read_in_the_name_of_the_caller(guarded: LocalAws) -> None:
    without = client_of(guarded, "rekognition", "no-s3", ("rekognition:DetectFaces", "*"))
    assert code(lambda: without.detect_faces(Image=IMAGE)) == "InvalidS3ObjectException"
    with_it = client_of(guarded, "rekognition", "with-s3", ("rekognition:DetectFaces", "*"), ("s3:GetObject", "arn:aws:s3:::pictures/*"))
    assert len(with_it.detect_faces(Image=IMAGE)["FaceDetails"]) == 1
