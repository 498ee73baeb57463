"""Changes of tables that functions receive, and buckets that keep what is put into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import LocalAws, code, wait_until

# A function that notes operation and id of each change in a file, and fails once, at the row "flaky".
FOLLOWER = """#!/usr/bin/env python3
import json, os, urllib.request
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as event:
        identifier, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())
    failures = []
    for record in body["Records"]:
        line = f"{record['eventName']} {record['dynamodb']['Keys']['id']['S']}\\n"
        with open("NOTES", "a+") as notes:
            notes.seek(0)
            is_first = line not in notes.readlines()
            notes.write(line)
        if "flaky" in line and is_first:
            failures = [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]
            break
    answer = json.dumps({"batchItemFailures": failures}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/{identifier}/response", answer, method="POST")).read()
"""


def test_a_batch_is_sent_again_from_the_change_that_failed(aws: LocalAws, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    aws.create_function("follower", FOLLOWER.replace("NOTES", str(notes)))
    template = {
        "Resources": {
            "Rows": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": "followed",
                    "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
                },
            },
        },
        "Outputs": {"Stream": {"Value": {"Fn::GetAtt": ["Rows", "StreamArn"]}}},
    }
    stream = aws.create_stack("followed", template)["Stream"]
    dynamodb = aws.client("dynamodb")
    for row in ("first", "flaky", "last"):
        dynamodb.put_item(TableName="followed", Item={"id": {"S": row}})
    # The same content again is no change.
    dynamodb.put_item(TableName="followed", Item={"id": {"S": "last"}})
    writes = [{"Put": {"TableName": "followed", "Item": {"id": {"S": "last"}, "changed": {"BOOL": True}}}}]
    dynamodb.transact_write_items(TransactItems=writes)
    dynamodb.delete_item(TableName="followed", Key={"id": {"S": "first"}})
    # From the beginning of the stream, in batches of two.
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="follower",
        StartingPosition="TRIM_HORIZON",
        BatchSize=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    expected = ["INSERT first", "INSERT flaky", "INSERT flaky", "INSERT last", "MODIFY last", "REMOVE first"]
    assert wait_until(lambda: seen if len(seen := notes.read_text().splitlines()) >= len(expected) else None) == expected


def locked(lock: dict[str, Any] | None) -> dict[str, Any]:
    properties: dict[str, Any] = {"BucketName": "locked", "ObjectLockEnabled": True, "VersioningConfiguration": {"Status": "Enabled"}}
    if lock is not None:
        properties["ObjectLockConfiguration"] = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": lock}}
    return {"Resources": {"Locked": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


def test_a_bucket_of_cloudformation_locks_its_objects(aws: LocalAws) -> None:
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    aws.create_stack("locked", locked(None))
    free = s3.put_object(Bucket="locked", Key="free", Body=b"1")["VersionId"]
    cloudformation.update_stack(StackName="locked", TemplateBody=json.dumps(locked({"Mode": "COMPLIANCE", "Years": 5})))
    wait_until(lambda: aws.stack_status("locked") == "UPDATE_COMPLETE")
    kept = s3.put_object(Bucket="locked", Key="kept", Body=b"1")["VersionId"]
    s3.delete_object(Bucket="locked", Key="free", VersionId=free)
    assert code(lambda: s3.delete_object(Bucket="locked", Key="kept", VersionId=kept))[0] == "AccessDenied"
    # Without a version, only a marker is added.
    s3.delete_object(Bucket="locked", Key="kept")
    listed = s3.list_object_versions(Bucket="locked")
    assert [(version["Key"], version["VersionId"]) for version in listed["Versions"]] == [("kept", kept)]
    assert [marker["Key"] for marker in listed["DeleteMarkers"]] == ["kept"]


def test_an_object_is_put_once(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
    assert code(lambda: s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*"))[0] == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == b"1"
    # The checksum of other content is refused.
    other = "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="
    refused = code(lambda: s3.put_object(Bucket=bucket, Key="wrong", Body=b"2", ChecksumSHA256=other))[0]
    assert refused == "BadDigest"


def test_a_policy_may_require_that_an_object_is_put_once(guarded: LocalAws) -> None:
    s3, iam = guarded.client("s3"), guarded.client("iam")
    s3.create_bucket(Bucket="once")
    iam.create_user(UserName="sealer")
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::once/*"}
    statement = allow | {"Condition": {"Null": {"s3:if-none-match": "false"}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="sealer", PolicyName="policy", PolicyDocument=document)
    key = iam.create_access_key(UserName="sealer")["AccessKey"]
    sealer = guarded.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert code(lambda: sealer.put_object(Bucket="once", Key="a", Body=b"1"))[0] == "AccessDenied"
    sealer.put_object(Bucket="once", Key="a", Body=b"1", IfNoneMatch="*")
    calls = guarded.http("GET", f"{guarded.control}/iam/calls")[1]["calls"]
    own = [call for call in calls if call["principal"].endswith(":user/sealer")]
    assert [(call["allowed"], call.get("context")) for call in own] == [(False, None), (True, {"s3:if-none-match": "*"})]
