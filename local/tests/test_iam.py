"""With ``--iam`` the fakes check the caller's permissions, as the services do."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws, task

from bonafide_local.iam import Decisions

IMAGE = {"S3Object": {"Bucket": "pictures", "Name": "text"}}


@pytest.fixture(scope="module", autouse=True)
def _text(guarded: LocalAws) -> None:
    """An object that is no picture: the error for its format shows that it was read."""
    s3 = guarded.client("s3")
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="text", Body=b"no picture")


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
    reader = client_of(guarded, "textract", "one-operation", ("textract:DetectDocumentText", "*"))
    assert code(lambda: reader.analyze_id(DocumentPages=[{"Bytes": b"x"}])) == "AccessDeniedException"
    assert code(lambda: reader.detect_document_text(Document={"Bytes": b"x"})) == "UnsupportedDocumentException"


def test_a_permission_may_name_a_collection(guarded: LocalAws) -> None:
    arn = "arn:aws:rekognition:us-east-1:000000000000:collection/mine"
    rekognition = client_of(guarded, "rekognition", "one-collection", ("rekognition:CreateCollection", arn))
    assert rekognition.create_collection(CollectionId="mine")["StatusCode"] == 200
    assert code(lambda: rekognition.create_collection(CollectionId="other")) == "AccessDeniedException"


def test_an_object_is_read_with_the_permissions_of_the_caller(guarded: LocalAws) -> None:
    without = client_of(guarded, "rekognition", "no-s3", ("rekognition:DetectFaces", "*"))
    assert code(lambda: without.detect_faces(Image=IMAGE)) == "InvalidS3ObjectException"
    with_it = client_of(guarded, "rekognition", "with-s3", ("rekognition:DetectFaces", "*"), ("s3:GetObject", "arn:aws:s3:::pictures/*"))
    assert code(lambda: with_it.detect_faces(Image=IMAGE)) == "InvalidImageFormatException"


def test_a_missing_object_is_404_only_with_list_permission(guarded: LocalAws) -> None:
    objects, bucket = "arn:aws:s3:::pictures/*", "arn:aws:s3:::pictures"
    reading = [(f"s3:{action}", objects) for action in ("GetObject", "GetObjectVersion", "PutObject")]
    gone = {"Bucket": "pictures", "Key": "gone"}

    def codes(s3: Any) -> list[str]:
        source = "pictures/text?versionId=gone"
        return [
            code(lambda: s3.get_object(**gone)),
            code(lambda: s3.head_object(**gone)),
            code(lambda: s3.copy_object(Bucket="pictures", Key="copy", CopySource=source)),
        ]

    before = time.time()
    assert codes(client_of(guarded, "s3", "may-not-list", *reading)) == ["AccessDenied", "403", "AccessDenied"]
    assert codes(client_of(guarded, "s3", "may-list", *reading, ("s3:ListBucket", bucket))) == ["NoSuchKey", "404", "NoSuchVersion"]
    assert codes(guarded.client("s3")) == ["NoSuchKey", "404", "NoSuchVersion"]
    assert "s3:ListBucket" not in [action for action, _, _ in decisions(guarded, "may-not-list", before)]
    assert decisions(guarded, "may-list", before).count(("s3:ListBucket", bucket, True)) == 3


def decisions(local: LocalAws, user: str, since: float) -> list[tuple[str, str, bool]]:
    """Action, resource and outcome of every decision about a user since that time."""
    answer = local.http("GET", f"{local.control}/iam/calls")[1]
    assert (answer["enforced"], answer["dropped"]) == (True, 0)
    own = [call for call in answer["calls"] if call["principal"] == f"arn:aws:iam::000000000000:user/{user}"]
    assert all(since <= call["at"] <= time.time() for call in own)
    return [(call["action"], call["resource"], call["allowed"]) for call in own]


def test_every_decision_is_recorded_and_can_be_deleted(guarded: LocalAws) -> None:
    before, detect = time.time(), "rekognition:DetectFaces"
    with_it = client_of(guarded, "rekognition", "recorded", (detect, "*"), ("s3:GetObject", "arn:aws:s3:::pictures/*"))
    assert code(lambda: with_it.detect_faces(Image=IMAGE)) == "InvalidImageFormatException"
    assert code(lambda: with_it.list_collections()) == "AccessDeniedException"
    expected = [
        (detect, "*", True),
        ("s3:GetObject", "arn:aws:s3:::pictures/text", True),
        ("rekognition:ListCollections", "*", False),
    ]
    assert decisions(guarded, "recorded", before) == expected
    calls = guarded.http("GET", f"{guarded.control}/iam/calls")[1]["calls"]
    assert not any(call["principal"].endswith(":root") for call in calls), "no call of the root is denied or recorded"
    assert guarded.http("DELETE", f"{guarded.control}/iam/calls")[0] == 200
    assert decisions(guarded, "recorded", before) == []


def test_conditions_are_recorded_and_values_are_not(guarded: LocalAws) -> None:
    guarded.create_table("rows")
    dynamodb = client_of(guarded, "dynamodb", "reader", ("dynamodb:*", "*"))
    dynamodb.get_item(TableName="rows", Key={"id": {"S": "Jane"}}, ProjectionExpression="#s", ExpressionAttributeNames={"#s": "status"})
    dynamodb.query(
        TableName="rows",
        KeyConditionExpression="#k = :id",
        ProjectionExpression="#s",
        ExpressionAttributeNames={"#k": "id", "#s": "status"},
        ExpressionAttributeValues={":id": {"S": "Jane"}},
    )
    calls = guarded.http("GET", f"{guarded.control}/iam/calls")[1]["calls"]
    own = [call for call in calls if call["principal"].endswith("/reader")]
    assert [call["action"] for call in own] == ["dynamodb:GetItem", "dynamodb:Query"]
    for call in own:
        assert sorted(set(call["context"]["dynamodb:Attributes"])) == ["id", "status"], call
        assert call["context"]["dynamodb:Select"] == "SPECIFIC_ATTRIBUTES"
    assert "Jane" not in json.dumps(calls)


def test_without_enforcement_no_decision_is_recorded(aws: LocalAws) -> None:
    aws.client("s3").list_buckets()
    assert aws.http("GET", f"{aws.control}/iam/calls") == (200, {"enforced": False, "dropped": 0, "calls": []})


def test_the_oldest_decisions_are_dropped_and_counted() -> None:
    few = Decisions(enforced=True, limit=2)
    for action in ("a:A", "b:B", "c:C"):
        few.add("arn:aws:iam::000000000000:user/u", action, "*", True, {})
    told = few.describe()
    assert ([call["action"] for call in told["calls"]], told["dropped"]) == (["b:B", "c:C"], 1)
    few.clear()
    assert few.describe() == {"enforced": True, "dropped": 0, "calls": []}


def test_the_loopback_counts_as_tls(guarded: LocalAws) -> None:
    queue, arn = guarded.create_queue("tls")
    refuse = {
        "Sid": "RefusePlainTransport",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["sqs:*"],
        "Resource": [arn],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [refuse]})
    guarded.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sender = client_of(guarded, "sqs", "sender", ("sqs:SendMessage", arn))
    assert sender.send_message(QueueUrl=queue, MessageBody="{}")["MessageId"]


def waiting(local: LocalAws, name: str) -> tuple[str, str]:
    """The ARN of a machine that waits, and the token that it waits for."""
    local.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    queue, _ = local.create_queue(name)
    arguments = {"QueueUrl": queue, "MessageBody": {"taskToken": "{% $states.context.Task.Token %}"}}
    wait = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", arguments)
    machine = local.create_machine(name, {"Wait": wait}, roleArn=f"arn:aws:iam::000000000000:role/{name}")
    local.start_execution(machine)
    return machine, json.loads(local.receive(queue))["taskToken"]


def test_an_answer_to_a_task_is_authorized_on_its_machine(guarded: LocalAws) -> None:
    own, token = waiting(guarded, "own")
    _, other_token = waiting(guarded, "other")
    worker = client_of(guarded, "stepfunctions", "worker", ("states:SendTaskSuccess", own))
    worker.send_task_success(taskToken=token, output="{}")
    assert code(lambda: worker.send_task_success(taskToken=other_token, output="{}")) == "AccessDeniedException"
    assert code(lambda: worker.send_task_success(taskToken="unknown", output="{}")) == "AccessDeniedException"
    # After the answer the task has ended, which is no matter of permissions.
    assert code(lambda: worker.send_task_success(taskToken=token, output="{}")) == "TaskTimedOut"


def test_a_heartbeat_is_authorized_on_the_machine_that_waits(guarded: LocalAws) -> None:
    own, token = waiting(guarded, "beating")
    _, other_token = waiting(guarded, "not-beating")
    worker = client_of(guarded, "stepfunctions", "heart", ("states:SendTaskHeartbeat", own))
    worker.send_task_heartbeat(taskToken=token)
    assert code(lambda: worker.send_task_heartbeat(taskToken=other_token)) == "AccessDeniedException"
