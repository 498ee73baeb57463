"""State that outlives the process: what was answered is there again, and what was running has visibly failed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA, LocalAws, start
from test_hooks import ROLE, bootstrap_zip, task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the gateway's group")


@pytest.fixture
def durable() -> Iterator[LocalAws]:
    local = start("--durable")
    yield local
    assert local.stop(10) == 0


def gateway(local: LocalAws) -> int:
    """The process id; 0 while there is none."""
    try:
        return int(local.http("GET", f"{local.control}/health")[1]["pid"])
    except (OSError, ValueError):
        return 0


def eventually(is_so: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def restart(local: LocalAws, number: int) -> None:
    before = gateway(local)
    (os.killpg if number == signal.SIGKILL else os.kill)(before, number)
    eventually(lambda: gateway(local) not in (0, before))


def watched_bucket(local: LocalAws) -> str:
    """A versioned bucket, and the address of a queue that its uploads are announced in."""
    s3, sqs = local.client("s3"), local.client("sqs")
    s3.create_bucket(Bucket="uploads")
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    queue: str = sqs.create_queue(QueueName="uploads", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(
        QueueUrl=queue,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                        }
                    ],
                }
            )
        },
    )
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        SkipDestinationValidation=True,
    )
    for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return queue


def uploads(local: LocalAws, queue: str) -> list[str]:
    """The versions that waiting messages tell of; the messages are in flight afterwards."""
    received = local.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"])["Records"][0]["s3"]["object"]["versionId"] for message in received]


def test_an_answered_upload_and_its_event_survive_a_kill_at_once(durable: LocalAws) -> None:
    queue, s3 = watched_bucket(durable), durable.client("s3")
    versions = []
    for content in (b"first", b"second", b"third"):
        versions.append(s3.put_object(Bucket="uploads", Key="a", Body=content)["VersionId"])
        restart(durable, signal.SIGKILL)
        assert s3.get_object(Bucket="uploads", Key="a", VersionId=versions[-1])["Body"].read() == content
        # Those of earlier rounds were received and not deleted: they are seen again, although not yet due.
        assert sorted(uploads(durable, queue)) == sorted(versions)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_running_has_failed_and_everybody_is_told(durable: LocalAws, number: int) -> None:
    sfn, sqs, events = durable.client("stepfunctions"), durable.client("sqs"), durable.client("events")
    queue = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": arn}])
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Wait",
        "States": {
            "Wait": task(
                "arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"QueueUrl": queue, "MessageBody": "{% $states.context.Task.Token %}"}
            )
        },
    }
    machine = sfn.create_state_machine(name="waits", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    token = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))[0]["Body"]
    # Two snapshots later at the latest, all of this is kept.
    time.sleep(2.5)
    restart(durable, number)

    described = sfn.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["redriveStatus"]) == ("FAILED", "States.ServiceRestart", "REDRIVABLE")
    last = sfn.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["type"], last["executionFailedEventDetails"]["error"]) == ("ExecutionFailed", "States.ServiceRestart")
    with pytest.raises(sfn.exceptions.TaskDoesNotExist):
        sfn.send_task_success(taskToken=token, output="{}")

    def told() -> list[str]:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [message["Body"] for message in received if message["Body"].startswith("{")]
        return [json.loads(body)["detail"]["executionArn"] for body in bodies]

    assert eventually(told) == [execution]

    sfn.redrive_execution(executionArn=execution)
    again = eventually(
        lambda: [
            message["Body"]
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            if message["Body"] != token and not message["Body"].startswith("{")
        ]
    )[0]
    sfn.send_task_success(taskToken=again, output='{"done": true}')
    eventually(lambda: sfn.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")


def test_faces_faults_functions_licences_and_charges_are_kept(durable: LocalAws) -> None:
    rekognition, functions = durable.client("rekognition"), durable.client("lambda")
    rekognition.create_collection(CollectionId="faces")
    picture = {"Bytes": (DATA / "hopper.jpg").read_bytes()}
    face = rekognition.index_faces(CollectionId="faces", Image=picture, ExternalImageId="a")["FaceRecords"][0]["Face"]["FaceId"]
    functions.create_function(
        FunctionName="echo", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": bootstrap_zip()}
    )
    durable.http("POST", f"{durable.control}/faults", {"service": "textract", "operation": "AnalyzeID", "error": "ThrottlingException"})
    durable.client("s3").create_bucket(Bucket="kept")
    # The third party is somebody else: what it has done stays done, whenever we crash.
    durable.http("PUT", f"{durable.third_party}/register/NEW-1", {"answer": "known"})
    body = {"driver_license_id": "NEW-1", "validation_override": False, "app_uuid": "a"}
    ask = {"x-api-key": "local-third-party-key", "idempotency-key": "key", "content-type": "application/json"}
    assert durable.http("POST", f"{durable.third_party}/license", body, ask) == (200, True)

    restart(durable, signal.SIGKILL)

    assert [found["FaceId"] for found in rekognition.list_faces(CollectionId="faces")["Faces"]] == [face]
    assert json.loads(functions.invoke(FunctionName="echo", Payload=b"{}")["Payload"].read())["echo"] == {}
    assert [fault["error"] for fault in durable.http("GET", f"{durable.control}/faults")[1]] == ["ThrottlingException"]
    assert durable.http("POST", f"{durable.third_party}/license", body, ask) == (200, True)
    assert durable.http("GET", f"{durable.control}/charges")[1] == {"a": 1}


def test_clients_wait_while_it_starts_again(durable: LocalAws) -> None:
    durable.client("s3").create_bucket(Bucket="kept")
    os.killpg(gateway(durable), signal.SIGKILL)
    time.sleep(0.05)
    assert [bucket["Name"] for bucket in durable.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_another_launcher_goes_on_with_the_same_folder(tmp_path: Path) -> None:
    ports = []
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(str(free.getsockname()[1]))
    options = ["--durable", "--state-dir", str(tmp_path), "--port", ports[0], "--control-port", ports[1], "--third-party-port", ports[2]]
    first = start(*options)
    first.client("s3").create_bucket(Bucket="kept")
    version = first.client("ssm").put_parameter(Name="kept", Value="1", Type="String")["Version"]
    assert first.stop(10) == 0
    second = start(*options)
    assert [bucket["Name"] for bucket in second.client("s3").list_buckets()["Buckets"]] == ["kept"]
    assert second.client("ssm").get_parameter(Name="kept")["Parameter"]["Version"] == version
    second.process.kill()
    second.process.wait()
    third = eventually(lambda: subprocess_start(options))
    assert [bucket["Name"] for bucket in third.client("s3").list_buckets()["Buckets"]] == ["kept"]
    assert third.stop(10) == 0


def subprocess_start(options: list[str]) -> LocalAws | None:
    """None while the ports are still those of the one that was killed."""
    try:
        return start(*options)
    except (AssertionError, subprocess.TimeoutExpired):
        return None


def test_what_is_not_kept_is_gone_and_what_is_idle_is_not_saved_again(tmp_path: Path) -> None:
    local = start("--state-dir", str(tmp_path / "plain"))
    local.client("s3").create_bucket(Bucket="gone")
    assert local.stop() == 0
    assert not list((tmp_path / "plain").rglob("*.json"))

    kept = start("--durable", "--state-dir", str(tmp_path / "kept"))
    kept.client("s3").create_bucket(Bucket="kept")
    current = tmp_path / "kept" / "state" / "current"
    time.sleep(7)
    last = os.readlink(current)
    time.sleep(2.5)
    assert os.readlink(current) == last
    assert kept.stop(10) == 0
