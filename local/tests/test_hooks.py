"""The features of the emulator and its hooks that our state machines and stacks need."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from conftest import LocalAws, task


def test_finished_executions_are_counted_by_machine(aws: LocalAws) -> None:
    aws.run("counted-good", {"Done": {"Type": "Succeed"}})
    for _ in range(2):
        aws.run("counted-bad", {"Fail": {"Type": "Fail", "Error": "Bad"}})
    cloudwatch = aws.client("cloudwatch")

    def ends(machine: str, metric: str) -> float:
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine}"
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/States",
            MetricName=metric,
            Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
            StartTime=time.time() - 3600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    assert (ends("counted-good", "ExecutionsSucceeded"), ends("counted-good", "ExecutionsFailed")) == (1, 0)
    assert (ends("counted-bad", "ExecutionsSucceeded"), ends("counted-bad", "ExecutionsFailed")) == (0, 2)


def image(bucket: str, name: str) -> dict[str, Any]:
    return {"S3Object": {"Bucket": bucket, "Name": name}}


def test_a_machine_calls_rekognition_and_gets_its_answer(aws: LocalAws, bucket: str) -> None:
    detect = task(
        "arn:aws:states:::aws-sdk:rekognition:detectFaces",
        {"Image": image(bucket, "hopper.jpg")},
        Output="{% $count($states.result.FaceDetails[Confidence > 99]) %}",
    )
    described = aws.run("detect", {"Detect": detect})
    assert (described["status"], described.get("output")) == ("SUCCEEDED", "1")


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"error": "ThrottlingException"}, "Rekognition.ThrottlingException"),
        ({"malformed": True}, "Rekognition.SdkClientException"),
        ({"error": "InternalServerError", "status": 500}, "Rekognition.InternalServerErrorException"),
        ({"error": "ProvisionedThroughputExceededException"}, "Rekognition.ProvisionedThroughputExceededException"),
    ],
)
def test_errors_have_the_names_that_machines_match(aws: LocalAws, bucket: str, fault: dict[str, Any], name: str) -> None:
    aws.force(service="rekognition", operation="DetectFaces", count=1, **fault)
    detect = task("arn:aws:states:::aws-sdk:rekognition:detectFaces", {"Image": image(bucket, "hopper.jpg")})
    described = aws.run(f"fault-{name.rpartition('.')[2]}", {"Detect": detect})
    assert (described["status"], described.get("error")) == ("FAILED", name)


def test_a_missing_collection_can_be_caught(aws: LocalAws, bucket: str) -> None:
    states = {
        "Search": task(
            "arn:aws:states:::aws-sdk:rekognition:searchFacesByImage",
            {"CollectionId": "absent", "Image": image(bucket, "hopper.jpg")},
            Catch=[{"ErrorEquals": ["Rekognition.ResourceNotFoundException"], "Next": "Caught"}],
        ),
        "Caught": {"Type": "Pass", "Output": "caught", "End": True},
    }
    assert json.loads(aws.run("catch", states)["output"]) == "caught"


def test_retry_matches_the_error_name(aws: LocalAws, bucket: str) -> None:
    aws.force(service="rekognition", operation="DetectFaces", error="ThrottlingException", count=2)
    retry = [{"ErrorEquals": ["Rekognition.ThrottlingException"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]
    detect = task("arn:aws:states:::aws-sdk:rekognition:detectFaces", {"Image": image(bucket, "hopper.jpg")}, Retry=retry)
    assert aws.run("retry", {"Detect": detect})["status"] == "SUCCEEDED"


def test_a_textract_error_has_its_name(aws: LocalAws, bucket: str) -> None:
    analyze = task("arn:aws:states:::aws-sdk:textract:analyzeID", {"DocumentPages": [{"S3Object": {"Bucket": bucket, "Name": "absent"}}]})
    assert aws.run("textract", {"Analyze": analyze}).get("error") == "Textract.InvalidS3ObjectException"


def test_machines_call_dynamodb_sns_and_sqs(aws: LocalAws) -> None:
    dynamodb, sns = aws.client("dynamodb"), aws.client("sns")
    aws.create_table("rows")
    topic = sns.create_topic(Name="news")["TopicArn"]
    queue, queue_arn = aws.create_queue("news")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    states = {
        "Update": task(
            "arn:aws:states:::dynamodb:updateItem",
            {
                "TableName": "rows",
                "Key": {"id": {"S": "a"}},
                "UpdateExpression": "SET #r = :r",
                "ExpressionAttributeNames": {"#r": "reasons"},
                "ExpressionAttributeValues": {":r": {"L": [{"S": "FACE_MISMATCH"}]}},
            },
            Next="Get",
        ),
        "Get": task(
            "arn:aws:states:::dynamodb:getItem",
            {"TableName": "rows", "Key": {"id": {"S": "a"}}},
            Assign={"row": "{% $states.result.Item %}"},
            Next="Publish",
        ),
        "Publish": task(
            "arn:aws:states:::sns:publish",
            {"TopicArn": topic, "Message": "{% $string({'reason': $row.reasons.L[0].S}) %}"},
            Output="{% $row.reasons.L[0].S %}",
        ),
    }
    assert json.loads(aws.run("integrations", states)["output"]) == "FACE_MISMATCH"
    assert dynamodb.get_item(TableName="rows", Key={"id": {"S": "a"}})["Item"]["reasons"] == {"L": [{"S": "FACE_MISMATCH"}]}
    assert json.loads(aws.receive(queue)) == {"reason": "FACE_MISMATCH"}


def test_a_task_token_is_sent_through_sqs_and_answered(aws: LocalAws) -> None:
    queue, _ = aws.create_queue("work")
    wait = task(
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        {"QueueUrl": queue, "MessageBody": {"taskToken": "{% $states.context.Task.Token %}"}},
        Output="{% $states.result.valid %}",
    )
    execution = aws.start_execution(aws.create_machine("token", {"Wait": wait}))
    token = json.loads(aws.receive(queue))["taskToken"]
    aws.client("stepfunctions").send_task_success(taskToken=token, output='{"valid": true}')
    described = aws.ended(execution)
    assert (described["status"], described.get("output")) == ("SUCCEEDED", "true")


def test_a_child_returns_its_output_to_its_parent(aws: LocalAws) -> None:
    arn = aws.create_machine("child", {"A": {"Type": "Pass", "Output": {"outcome": "pass"}, "Next": "B"}, "B": {"Type": "Succeed"}})
    call = task(
        "arn:aws:states:::states:startExecution.sync:2",
        {"StateMachineArn": arn, "Input": {"a": 1}},
        Output="{% $states.result.Output.outcome %}",
    )
    assert json.loads(aws.run("parent", {"Call": call})["output"]) == "pass"


def test_a_machine_reads_another_execution_s_history_backwards(aws: LocalAws) -> None:
    failed = aws.run("history-failed", {"Break": {"Type": "Fail", "Error": "Bonafide.Internal", "Cause": "for the test"}})
    history = task(
        "arn:aws:states:::aws-sdk:sfn:getExecutionHistory",
        {"ExecutionArn": "{% $states.input.arn %}", "ReverseOrder": True, "MaxResults": 5},
        Output="{% {'type': $states.result.Events[0].Type, 'error': $states.result.Events[0].ExecutionFailedEventDetails.Error, 'count': $count($states.result.Events) <= 5} %}",
    )
    described = aws.run("history", {"History": history}, {"arn": failed["executionArn"]})
    assert json.loads(described["output"]) == {"type": "ExecutionFailed", "error": "Bonafide.Internal", "count": True}


def test_a_history_has_the_request_of_a_task(aws: LocalAws, bucket: str) -> None:
    detect = task("arn:aws:states:::aws-sdk:rekognition:detectFaces", {"Image": image(bucket, "{% $states.input.name %}")})
    described = aws.run("parameters", {"Detect": detect}, {"name": "hopper.jpg"})
    events = aws.client("stepfunctions").get_execution_history(executionArn=described["executionArn"])["events"]
    scheduled = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    assert [json.loads(details["parameters"]) for details in scheduled] == [{"Image": image(bucket, "hopper.jpg")}]


def test_a_machine_invokes_a_function_that_has_the_endpoint(aws: LocalAws) -> None:
    arn = aws.create_function("echo")
    invoke = task("arn:aws:states:::lambda:invoke", {"FunctionName": arn, "Payload": {"a": 1}}, Output="{% $states.result.Payload %}")
    answer = json.loads(aws.run("invoke", {"Invoke": invoke})["output"])
    assert answer["echo"] == {"a": 1}
    assert answer["endpoint"] == aws.endpoint


def test_cloudformation_makes_and_deletes_a_collection(aws: LocalAws) -> None:
    rekognition = aws.client("rekognition")
    template = {
        "Resources": {"Faces": {"Type": "AWS::Rekognition::Collection", "Properties": {"CollectionId": "stack-faces"}}},
        "Outputs": {"Id": {"Value": {"Ref": "Faces"}}, "Arn": {"Value": {"Fn::GetAtt": ["Faces", "Arn"]}}},
    }
    values = aws.create_stack("faces", template)
    assert values == {"Id": "stack-faces", "Arn": "arn:aws:rekognition:us-east-1:000000000000:collection/stack-faces"}
    assert rekognition.describe_collection(CollectionId="stack-faces")["CollectionARN"] == values["Arn"]
    aws.delete_stack("faces")
    assert "stack-faces" not in rekognition.list_collections()["CollectionIds"]


def test_a_range_of_a_version_is_answered(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="ranges")
    s3.put_bucket_versioning(Bucket="ranges", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ranges", Key="a", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket="ranges", Key="a", Body=b"another")
    part = s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range="bytes=2-4")
    assert (part["ContentRange"], part["ContentLength"], part["Body"].read()) == ("bytes 2-4/10", 3, b"234")
    with pytest.raises(s3.exceptions.ClientError, match="InvalidRange"):
        s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range="bytes=10-12")


def test_a_rest_api_follows_its_openapi_document(aws: LocalAws) -> None:
    """Validation, mock answers and error answers, which the emulator's own import leaves out."""

    def mock(status: int, body: str) -> dict[str, Any]:
        return {
            "type": "mock",
            "requestTemplates": {"application/json": f'{{"statusCode": {status}}}'},
            "responses": {
                "default": {
                    "statusCode": str(status),
                    "responseParameters": {"method.response.header.X-Made-By": "'the gateway'"},
                    "responseTemplates": {"application/json": body},
                }
            },
        }

    name = {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/components/schemas/Name"}}}
    body = {
        "openapi": "3.0.1",
        "info": {"title": "test", "version": "1"},
        "paths": {
            "/names": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}}},
                    "x-amazon-apigateway-integration": mock(200, '{"taken": true}'),
                }
            },
            "/{rest+}": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": mock(404, '{"none": 1}')}},
        },
        "components": {"schemas": {"Name": {"type": "string", "pattern": "^[a-z]+$"}, "Request": name}},
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True}},
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-gateway-responses": {
            "BAD_REQUEST_BODY": {"statusCode": "422", "responseTemplates": {"application/json": '{"refused": true}'}},
            "REQUEST_TOO_LARGE": {"statusCode": "413", "responseTemplates": {"application/json": '{"large": true}'}},
        },
    }
    stage = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "v1"}
    resources = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "test", "Body": body}},
        "Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}},
        "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage},
    }
    template = {"Resources": resources, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}}
    api = aws.create_stack("rest-api", template)["Id"]

    def send(method: str, path: str, document: Any = None) -> tuple[int, Any]:
        json_type = {"Content-Type": "application/json"}
        return aws.http(method, f"{aws.endpoint}/_aws/execute-api/{api}/v1{path}", document, json_type)

    assert send("POST", "/names", {"name": "jane"}) == (200, {"taken": True})
    for refused in ({}, {"name": "7"}, {"name": 7}, []):
        assert send("POST", "/names", refused) == (422, {"refused": True})
    # One byte above 10 MB, with the 12 bytes around the name.
    assert send("POST", "/names", {"name": "a" * (10 * 1024 * 1024 - 12)})[0] == 200
    assert send("POST", "/names", {"name": "a" * (10 * 1024 * 1024 - 11)}) == (413, {"large": True})
    assert send("PUT", "/names", {}) == send("GET", "/elsewhere") == (404, {"none": 1})


def test_a_changed_function_has_no_code_that_aws_lacks(aws: LocalAws) -> None:
    aws.create_function("changed")
    changed = aws.client("lambda").update_function_configuration(FunctionName="changed", MemorySize=256)
    assert {"LastUpdateStatusReasonCode", "StateReasonCode"} & set(changed) == set()
