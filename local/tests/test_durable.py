"""Durable state: answered uploads are restored, and executions that were running have failed with events."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import DATA, TIMEOUT, LocalAws, descendants, free_port, start, task, wait_until, wait_until_ended

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the gateway's process group")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("durable")


@pytest.fixture(scope="module")
def durable(state: Path) -> Iterator[LocalAws]:
    """Shared: a test may end the gateway at any time, but has to leave it working."""
    local = start("--durable", "--state-dir", state, "--snapshot-seconds", 0.05, "--grace-seconds", TIMEOUT, log=state / "log")
    yield local
    local.stop()


def restart(local: LocalAws, number: int) -> None:
    before = local.gateway()
    (os.killpg if number == signal.SIGKILL else os.kill)(before, number)
    wait_until(lambda: local.gateway() not in (0, before))


def last_snapshot(state: Path) -> int:
    """The number of the last snapshot; 0 before the first one."""
    try:
        return int(os.readlink(state / "state" / "current"))
    except FileNotFoundError:
        return 0


def wait_until_kept(local: LocalAws, state: Path) -> None:
    """Wait until a snapshot has the current state: the next one may have begun before now, the second one has not."""
    before = last_snapshot(state)
    # This request only reads, but as a POST it counts as a possible change, so that snapshots continue.
    wait_until(lambda: local.client("sqs").list_queues() and last_snapshot(state) >= before + 2)


def watched_bucket(local: LocalAws) -> str:
    """A versioned bucket, and the address of the queue for the events of its uploads."""
    s3, sqs = local.client("s3"), local.client("sqs")
    s3.create_bucket(Bucket="uploads")
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    queue, arn = local.create_queue("uploads")
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy, "VisibilityTimeout": "900"})
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        SkipDestinationValidation=True,
    )
    for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return queue


def uploads(local: LocalAws, queue: str) -> list[str]:
    """The versions in the waiting messages, which are in flight afterwards."""
    received = local.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"])["Records"][0]["s3"]["object"]["versionId"] for message in received]


def test_an_answered_upload_and_its_event_survive_a_kill_at_once(durable: LocalAws) -> None:
    queue, s3 = watched_bucket(durable), durable.client("s3")
    versions = []
    for content in (b"first", b"second"):
        versions.append(s3.put_object(Bucket="uploads", Key="a", Body=content)["VersionId"])
        restart(durable, signal.SIGKILL)
        assert s3.get_object(Bucket="uploads", Key="a", VersionId=versions[-1])["Body"].read() == content
        # The first event was received and not deleted: it is visible again, before its visibility timeout.
        assert sorted(uploads(durable, queue)) == sorted(versions)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_running_execution_has_failed_and_can_be_redriven(durable: LocalAws, state: Path, number: int) -> None:
    sfn, dynamodb, events = (durable.client(service) for service in ("stepfunctions", "dynamodb", "events"))
    name = f"running-{number}"
    durable.create_table(name)
    tokens, _ = durable.create_queue(f"{name}-tokens")
    ends, ends_arn = durable.create_queue(f"{name}-ends")
    add = {"UpdateExpression": "ADD times :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    count = {"TableName": name, "Key": {"id": {"S": "a"}}} | add
    message = {"QueueUrl": tokens, "MessageBody": "{% $states.context.Task.Token %}"}
    states = {
        "Count": task("arn:aws:states:::dynamodb:updateItem", count, Assign={"word": "{% $states.input.word %}"}, Next="Wait"),
        "Wait": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", message, Output="{% $word %}"),
    }
    machine = durable.create_machine(name, states)
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"], "stateMachineArn": [machine]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": ends_arn}])
    execution = durable.start_execution(machine, {"word": "kept"})
    token = durable.receive(tokens)
    wait_until_kept(durable, state)
    restart(durable, number)

    described = sfn.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["redriveStatus"]) == ("FAILED", "States.ServiceRestart", "REDRIVABLE")
    last = sfn.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["type"], last["executionFailedEventDetails"]["error"]) == ("ExecutionFailed", "States.ServiceRestart")
    with pytest.raises(sfn.exceptions.TaskTimedOut):
        sfn.send_task_success(taskToken=token, output="{}")
    assert json.loads(durable.receive(ends))["detail"]["executionArn"] == execution

    sfn.redrive_execution(executionArn=execution)
    again = durable.receive(tokens)
    assert again != token
    sfn.send_task_success(taskToken=again, output="{}")
    described = durable.ended(execution)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '"kept"')
    assert dynamodb.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"]["times"] == {"N": "1"}
    assert "Messages" not in durable.client("sqs").receive_message(QueueUrl=ends)


def test_the_changes_in_a_stream_are_kept(durable: LocalAws, state: Path) -> None:
    dynamodb, streams = durable.client("dynamodb"), durable.client("dynamodbstreams")
    key = {"AttributeName": "id", "KeyType": "HASH"}
    made = dynamodb.create_table(
        TableName="streamed",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    stream = made["TableDescription"]["LatestStreamArn"]

    def changes() -> list[str]:
        shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
        begin = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in streams.get_records(ShardIterator=begin)["Records"]]

    dynamodb.put_item(TableName="streamed", Item={"id": {"S": "before"}})
    wait_until_kept(durable, state)
    restart(durable, signal.SIGKILL)
    dynamodb.put_item(TableName="streamed", Item={"id": {"S": "after"}})
    assert changes() == ["before", "after"]


def test_faces_faults_functions_licences_and_charges_are_kept(durable: LocalAws) -> None:
    rekognition = durable.client("rekognition")
    rekognition.create_collection(CollectionId="faces")
    picture = {"Bytes": (DATA / "hopper.jpg").read_bytes()}
    face = rekognition.index_faces(CollectionId="faces", Image=picture, ExternalImageId="a")["FaceRecords"][0]["Face"]["FaceId"]
    durable.create_function("echo")
    durable.force(service="textract", operation="AnalyzeID", error="ThrottlingException")
    # An upload is answered when it is saved, with all changes before it.
    durable.client("s3").create_bucket(Bucket="kept")
    # The licence verification service is another system: a crash must not change its state.
    durable.http("PUT", f"{durable.third_party}/register/NEW-1", {"answer": "known"})
    body = {"driver_license_id": "NEW-1", "validation_override": False, "app_uuid": "a"}
    ask = {"x-api-key": "local-third-party-key", "idempotency-key": "key", "content-type": "application/json"}
    assert durable.http("POST", f"{durable.third_party}/license", body, ask) == (200, True)

    restart(durable, signal.SIGKILL)

    assert [found["FaceId"] for found in rekognition.list_faces(CollectionId="faces")["Faces"]] == [face]
    assert durable.invoke("echo")["echo"] == {}
    assert [fault["error"] for fault in durable.http("GET", f"{durable.control}/faults")[1]] == ["ThrottlingException"]
    assert durable.http("POST", f"{durable.third_party}/license", body, ask) == (200, True)
    assert durable.http("GET", f"{durable.control}/charges")[1] == {"a": 1}
    durable.clear_faults()


def test_clients_wait_while_it_starts_again(durable: LocalAws) -> None:
    durable.client("s3").create_bucket(Bucket="awaited")
    before = durable.gateway()
    os.killpg(before, signal.SIGKILL)
    wait_until_ended({before})
    assert "awaited" in [bucket["Name"] for bucket in durable.client("s3").list_buckets()["Buckets"]]


def test_no_snapshot_is_written_without_changes(durable: LocalAws, state: Path) -> None:
    def idle_rounds() -> int:
        return (state / "log").read_text().count("nothing has changed: no snapshot")

    durable.client("s3").create_bucket(Bucket="last")
    before = idle_rounds()
    wait_until(lambda: idle_rounds() > before)
    last = last_snapshot(state)
    wait_until(lambda: idle_rounds() > before + 3)
    assert last_snapshot(state) == last


def test_another_launcher_continues_with_the_same_folder(tmp_path: Path) -> None:
    ports = ("--port", free_port(), "--control-port", free_port(), "--third-party-port", free_port())
    options = ("--durable", "--state-dir", tmp_path, "--grace-seconds", TIMEOUT, *ports)
    first = start(*options)
    first.client("s3").create_bucket(Bucket="kept")
    version = first.client("ssm").put_parameter(Name="kept", Value="1", Type="String")["Version"]
    first.stop()
    second = start(*options)
    assert [bucket["Name"] for bucket in second.client("s3").list_buckets()["Buckets"]] == ["kept"]
    assert second.client("ssm").get_parameter(Name="kept")["Parameter"]["Version"] == version
    # The next one needs the ports.
    children = descendants(second.process.pid)
    second.process.kill()
    second.process.wait()
    wait_until_ended(children)
    third = start(*options)
    assert [bucket["Name"] for bucket in third.client("s3").list_buckets()["Buckets"]] == ["kept"]
    third.stop()
