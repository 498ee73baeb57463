"""The fake of AgentCore's gateway, as the official client of the Model Context Protocol and others use it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from conftest import BOOTSTRAP, TIMEOUT, LocalAws, gateway_of_people
from httpx2 import AsyncClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

# Sets an argument of tools, as an interceptor does, refuses some, and fails with others.
INTERCEPTOR = """#!/usr/bin/env python3
import json, os, urllib.request
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as event:
        identifier, request = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())["mcp"]["gatewayRequest"]
    body, mcp = request["body"], {}
    arguments = (body.get("params") or {}).get("arguments") or {}
    if arguments.get("code") == "refused":
        mcp["transformedGatewayResponse"] = {"statusCode": 403, "body": {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -1, "message": "no"}}}
    else:
        if body["method"] == "tools/call":
            body["params"]["arguments"] = arguments | {"caller": request["headers"].get("x-page")}
        mcp["transformedGatewayRequest"] = {"body": body}
    action, answer = "response", {"interceptorOutputVersion": "1.0", "mcp": mcp}
    if arguments.get("code") == "failed":
        action, answer = "error", {"errorType": "Failed", "errorMessage": "a secret"}
    data = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/{identifier}/{action}", data, method="POST")).read()
"""
TOOL = {
    "Name": "read",
    "Description": "Reads it.",
    "InputSchema": {"Type": "object", "Properties": {"code": {"Type": "string", "Description": "Which"}}, "Required": ["code"]},
}
LISTED = {
    "name": "steps___read",
    "description": "Reads it.",
    "inputSchema": {"type": "object", "properties": {"code": {"type": "string", "description": "Which"}}, "required": ["code"]},
}


def template(aws: LocalAws, tools: str, interceptor: str) -> dict[str, Any]:
    gateway = gateway_of_people(aws, "steps", interceptor) | {"ProtocolType": "MCP"}
    target = {
        "GatewayIdentifier": {"Fn::GetAtt": ["Gateway", "GatewayIdentifier"]},
        "Name": "steps",
        "TargetConfiguration": {"Mcp": {"Lambda": {"LambdaArn": tools, "ToolSchema": {"InlinePayload": [TOOL]}}}},
        "CredentialProviderConfigurations": [{"CredentialProviderType": "GATEWAY_IAM_ROLE"}],
    }
    return {
        "Resources": {
            "Gateway": {"Type": "AWS::BedrockAgentCore::Gateway", "Properties": gateway},
            "Target": {"Type": "AWS::BedrockAgentCore::GatewayTarget", "Properties": target},
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Gateway", "GatewayUrl"]}}},
    }


@pytest.fixture(scope="module")
def url(aws: LocalAws) -> str:
    tools, interceptor = aws.create_function("steps", BOOTSTRAP), aws.create_function("interceptor", INTERCEPTOR)
    return aws.create_stack("gateway", template(aws, tools, interceptor))["Url"]


def token(aws: LocalAws, **claims: Any) -> str:
    status, answer = aws.http("POST", f"{aws.control}/applicants/tokens", {"subject": "ann", "claims": claims})
    assert status == 200, answer
    return str(answer["accessToken"])


def post(aws: LocalAws, url: str, given: str | None, body: Any) -> tuple[int, Any]:
    authorization = {} if given is None else {"Authorization": f"Bearer {given}"}
    return aws.http(
        "POST", url, body, {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **authorization}
    )


def call(name: str = "steps___read", **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def test_the_official_client_lists_and_calls_tools(aws: LocalAws, url: str) -> None:
    async def talk() -> tuple[Any, Any]:
        headers = {"Authorization": f"Bearer {token(aws)}", "X-Page": "consent"}
        async with AsyncClient(headers=headers, timeout=TIMEOUT) as http, Client(streamable_http_client(url, http_client=http)) as client:
            return await client.list_tools(), await client.call_tool("steps___read", {"code": "a", "caller": "forged"})

    listed, called = asyncio.run(talk())
    assert [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools] == [LISTED]
    (text,) = called.content
    assert json.loads(text.text)["echo"] == {"code": "a", "caller": "consent"}
    assert called.is_error is False


def test_a_request_that_the_interceptor_refuses_reaches_no_tool(aws: LocalAws, url: str) -> None:
    status, answer = post(aws, url, token(aws), call(code="refused"))
    assert (status, answer) == (403, {"jsonrpc": "2.0", "id": 7, "error": {"code": -1, "message": "no"}})
    status, answer = post(aws, url, token(aws), call(code="failed"))
    assert (status, answer["error"]["code"]) == (500, -32603)
    assert "secret" not in json.dumps(answer)


def test_a_tool_that_fails_is_a_result_with_an_error(aws: LocalAws, url: str) -> None:
    # The client of the emulator gives up a function whose process is gone.
    function = aws.create_function("broken", "#!/bin/sh\nexit 1\n")
    interceptor = aws.create_function("interceptor-of-broken", INTERCEPTOR)
    broken = aws.create_stack("broken-gateway", template(aws, function, interceptor))["Url"]
    status, answer = post(aws, broken, token(aws), call(code="a"))
    assert (status, answer["result"]["isError"]) == (200, True)
    aws.delete_stack("broken-gateway")
    assert post(aws, broken, token(aws), call(code="a"))[0] == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (call("read", code="a"), -32602),
        (call("other___read", code="a"), -32602),
        ({"jsonrpc": "2.0", "id": 7, "method": "resources/list"}, -32601),
    ],
    ids=["without-target", "other-target", "method"],
)
def test_what_the_gateway_does_not_have_is_an_error(aws: LocalAws, url: str, body: Any, code: int) -> None:
    status, answer = post(aws, url, token(aws), body)
    assert (status, answer["id"], answer["error"]["code"]) == (200, 7, code)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"exp": int(time.time()) - 1}, 401),
        ({"nbf": int(time.time()) + 3600}, 401),
        ({"iss": "https://issuer.example"}, 401),
        ({"client_id": "another-page"}, 403),
        ({"client_id": None}, 403),
    ],
    ids=["expired", "future", "issuer", "client", "no-client"],
)
def test_other_tokens_are_refused(aws: LocalAws, url: str, claims: dict[str, Any], status: int) -> None:
    assert post(aws, url, token(aws, **claims), call(code="a"))[0] == status


def test_a_token_that_was_changed_or_is_missing_is_refused(aws: LocalAws, url: str) -> None:
    head, claims, signature = token(aws).split(".")
    other = token(aws, sub="bob").split(".")[1]
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "x"}).encode()).rstrip(b"=").decode()
    for given in (None, "", "abc", f"{head}.{other}.{signature}", f"{head}.{claims}.", f"{unsigned}.{claims}."):
        assert post(aws, url, given, call(code="a"))[0] == 401, given
