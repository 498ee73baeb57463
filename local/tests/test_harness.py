"""The fake of AgentCore's harness, as boto3 and a page behind a gateway use it, and the local sign-in of people."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from conftest import TIMEOUT, LocalAws, gateway_of_people
from test_agentcore import token

SESSION = "s" * 40
# Refuses what has a model, and says for whom the session is.
INTERCEPTOR = """#!/usr/bin/env python3
import base64, json, os, urllib.request
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as event:
        identifier, request = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())["http"]["gatewayRequest"]
    assert request["path"] == "/harness/" and request["httpMethod"] == "POST" and request["headers"]["authorization"]
    if "model" in json.loads(base64.b64decode(request["body"])):
        http = {"transformedGatewayResponse": {"statusCode": 400, "body": base64.b64encode(b'{"message": "no"}').decode()}}
    else:
        session = "x-amzn-bedrock-agentcore-runtime-session-id"
        http = {"transformedGatewayRequest": {"headers": {session: "of-ann-" + request["headers"][session]}}}
    data = json.dumps({"interceptorOutputVersion": "1.0", "http": http}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/{identifier}/response", data, method="POST")).read()
"""
TOOLS = ["give_consent", "request_upload", "read_document", "verify_identity", "register_customer"]


def template(aws: LocalAws, interceptor: str) -> dict[str, Any]:
    harness = {
        "HarnessName": "talk",
        "ExecutionRoleArn": "arn:aws:iam::000000000000:role/harness",
        "Model": {"BedrockModelConfig": {"ModelId": "eu.amazon.nova-pro-v1:0"}},
        "AllowedTools": TOOLS,
        "Environment": {"AgentCoreRuntimeEnvironment": {"LifecycleConfiguration": {"IdleRuntimeSessionTimeout": 900}}},
    }
    gateway = gateway_of_people(aws, "talk", interceptor)
    endpoint = "https://bedrock-agentcore.us-east-1.amazonaws.com/harnesses/invoke"
    iam = {"Service": "bedrock-agentcore", "Region": "us-east-1"}
    target = {
        "GatewayIdentifier": {"Fn::GetAtt": ["Gateway", "GatewayIdentifier"]},
        "Name": "harness",
        "TargetConfiguration": {"Http": {"Passthrough": {"Endpoint": endpoint, "ProtocolType": "CUSTOM"}}},
        "MetadataConfiguration": {
            "AllowedQueryParameters": ["harnessArn"],
            "AllowedRequestHeaders": ["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"],
        },
        "CredentialProviderConfigurations": [
            {"CredentialProviderType": "GATEWAY_IAM_ROLE", "CredentialProvider": {"IamCredentialProvider": iam}}
        ],
    }
    limit = {
        "GatewayIdentifier": {"Fn::GetAtt": ["Gateway", "GatewayIdentifier"]},
        "DimensionKeys": ["$.context.jwt.sub"],
        "Entries": [{"Dimensions": {"$.context.jwt.sub": "*"}, "Requests": [{"Rate": 5, "Period": "minute"}]}],
    }
    return {
        "Resources": {
            "Limit": {"Type": "AWS::BedrockAgentCore::GatewayRateLimit", "Properties": limit},
            "Harness": {"Type": "AWS::BedrockAgentCore::Harness", "Properties": harness},
            "Gateway": {"Type": "AWS::BedrockAgentCore::Gateway", "Properties": gateway},
            "Target": {"Type": "AWS::BedrockAgentCore::GatewayTarget", "Properties": target},
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Gateway", "GatewayUrl"]}}, "Arn": {"Value": {"Fn::GetAtt": ["Harness", "Arn"]}}},
    }


@pytest.fixture(scope="module")
def outputs(aws: LocalAws) -> dict[str, str]:
    made: dict[str, str] = aws.create_stack("harness", template(aws, aws.create_function("harness-interceptor", INTERCEPTOR)))
    return made


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def done(call: dict[str, Any], answer: Any, status: str = "success") -> list[dict[str, Any]]:
    result = {"toolUseId": call["toolUseId"], "content": [{"text": json.dumps(answer)}], "status": status}
    return [{"role": "user", "content": [{"toolResult": result}]}]


def asked(aws: LocalAws, arn: str, session: str, messages: list[dict[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """The text of the model and its call of a tool, as boto3 reads them with the model of the service."""
    answer = aws.client("bedrock-agentcore").invoke_harness(harnessArn=arn, runtimeSessionId=session, messages=messages)
    events = list(answer["stream"])
    assert next(iter(events[0])) == "messageStart"
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    text = "".join(delta["text"] for delta in deltas if "text" in delta)
    written = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    starts = [event["contentBlockStart"]["start"]["toolUse"] for event in events if "contentBlockStart" in event]
    (stop,) = [event["messageStop"]["stopReason"] for event in events if "messageStop" in event]
    assert stop == ("tool_use" if starts else "end_turn")
    return text, {**starts[0], "input": json.loads(written)} if starts else None


def test_the_script_calls_the_tools_in_their_order(aws: LocalAws, outputs: dict[str, str]) -> None:
    called = []
    _, call = asked(aws, outputs["Arn"], SESSION, said("I have agreed. My document is of SE."))
    answers: dict[str, list[dict[str, str]]] = {
        "read_document": [{"message": "Blurred.", "result": "RESUBMIT"}, {"message": "Read.", "result": "OK"}],
        "verify_identity": [{"message": "Verified.", "result": "OK"}],
        "register_customer": [{"message": "You are registered.", "result": "REGISTERED"}],
    }
    text = ""
    while call is not None:
        called.append((call["name"], call["input"].get("picture")))
        answer = answers[call["name"]].pop(0) if call["name"] in answers else {"message": "Uploaded."}
        text, call = asked(aws, outputs["Arn"], SESSION, done(call, answer))
    assert called == [
        ("request_upload", "document"),
        ("read_document", None),
        ("request_upload", "document"),
        ("read_document", None),
        ("request_upload", "selfie"),
        ("verify_identity", None),
        ("register_customer", None),
    ]
    assert text == "You are registered."


def test_a_refusal_or_a_failed_upload_ends_the_turn(aws: LocalAws, outputs: dict[str, str]) -> None:
    for number, (answer, status) in enumerate([({"message": "No.", "state": "REPROMPT"}, "success"), ({"message": "No."}, "error")]):
        session = f"{SESSION}{number}"
        _, call = asked(aws, outputs["Arn"], session, said("Hello"))
        assert call is not None
        assert asked(aws, outputs["Arn"], session, done(call, answer, status)) == ("No.", None)


def test_a_person_withdraws_in_their_own_words(aws: LocalAws, outputs: dict[str, str]) -> None:
    asked(aws, outputs["Arn"], f"{SESSION}w", said("My document is of FI."))
    _, call = asked(aws, outputs["Arn"], f"{SESSION}w", said("I withdraw everything"))
    assert call is not None
    assert (call["name"], call["input"]) == ("give_consent", {"country": "FI", "consent": False})


@pytest.mark.parametrize(
    "messages",
    [
        done({"toolUseId": "tooluse_other"}, {}),
        [{"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "shell", "input": {}}}]}],
        [],
    ],
)
def test_what_continues_nothing_is_refused(aws: LocalAws, outputs: dict[str, str], messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        asked(aws, outputs["Arn"], f"{SESSION}x", messages)


def page(aws: LocalAws, outputs: dict[str, str], body: Any, given: str | None = None) -> tuple[int, bytes]:
    """The answer to a page, through the gateway."""
    url = f"{outputs['Url']}/harness/?harnessArn={urllib.parse.quote(outputs['Arn'])}&qualifier=other"
    headers = {
        "Authorization": f"Bearer {given or token(aws)}",
        "Content-Type": "application/json",
        "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": SESSION,
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_page_reaches_the_harness_through_the_gateway(aws: LocalAws, outputs: dict[str, str]) -> None:
    status, body = page(aws, outputs, {"messages": said("Hello")})
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    names = [message.headers[":event-type"] for message in buffer]
    assert (status, names[0], names[-2:]) == (200, "messageStart", ["messageStop", "metadata"])


def test_the_gateway_refuses_other_tokens_and_what_its_interceptor_refuses(aws: LocalAws, outputs: dict[str, str]) -> None:
    assert page(aws, outputs, {"messages": said("Hello")}, token(aws, exp=1))[0] == 401
    assert page(aws, outputs, {"messages": said("Hello"), "model": {}}) == (400, b'{"message": "no"}')


def test_a_person_sends_a_limited_number_of_messages(aws: LocalAws, outputs: dict[str, str]) -> None:
    sent = [page(aws, outputs, {"messages": said("Hello")}, token(aws, sub="many"))[0] for _ in range(6)]
    assert sent == [200] * 5 + [429]
    assert page(aws, outputs, {"messages": said("Hello")}, token(aws, sub="other"))[0] == 200


def test_the_harness_itself_accepts_no_token(aws: LocalAws, outputs: dict[str, str]) -> None:
    url = f"{aws.endpoint}/harnesses/invoke?harnessArn={urllib.parse.quote(outputs['Arn'])}"
    for headers in ({"Authorization": f"Bearer {token(aws)}"}, {}):
        assert aws.http("POST", url, {"messages": said("Hello")}, headers)[0] == 403


def test_a_page_signs_people_in_with_a_code(aws: LocalAws) -> None:
    issuer = f"{aws.control}/applicants"
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "applicants",
        "redirect_uri": "http://localhost:8082/",
        "state": "here",
        "scope": "openid",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    def code(**changed: str) -> str:
        opener = urllib.request.build_opener(NoRedirect)
        url = f"{issuer}/authorize?{urllib.parse.urlencode(asked | changed)}"
        with pytest.raises(urllib.error.HTTPError) as answer:
            opener.open(url, urllib.parse.urlencode({"subject": "ann"}).encode(), timeout=TIMEOUT)
        location = urllib.parse.urlsplit(answer.value.headers["Location"] or "")
        return urllib.parse.parse_qs(location.query).get("code", [""])[0]

    def exchanged(**given: str) -> int:
        form = {"grant_type": "authorization_code", "client_id": "applicants", "redirect_uri": asked["redirect_uri"], **given}
        try:
            with urllib.request.urlopen(f"{issuer}/token", urllib.parse.urlencode(form).encode(), timeout=TIMEOUT) as answer:
                claims = json.loads(base64.urlsafe_b64decode(json.load(answer)["access_token"].split(".")[1] + "=="))
                assert (claims["sub"], claims["client_id"]) == ("ann", "applicants")
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    used = code()
    assert exchanged(code=used, code_verifier=verifier) == 200
    assert exchanged(code=used, code_verifier=verifier) == 400
    assert exchanged(code=code(), code_verifier="w" * 43) == 400
    assert code(redirect_uri="https://page.example/") == ""
    assert code(client_id="other") == ""
