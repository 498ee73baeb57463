"""Tokens of reviewers, and how an API refuses others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import LocalAws

POOL = {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "reviewers"}}
SERVER = {
    "Type": "AWS::Cognito::UserPoolResourceServer",
    "Properties": {
        "UserPoolId": {"Ref": "Pool"},
        "Identifier": "review",
        "Name": "review",
        "Scopes": [{"ScopeName": "read", "ScopeDescription": "read"}],
    },
}


def api(function: str) -> dict[str, Any]:
    """An API with one route, whose tokens need a scope."""
    token = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [{"Fn::GetAtt": ["Pool", "Arn"]}]},
    }
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    get = {
        "security": [{"token": ["review/read"]}],
        "responses": {"200": {"description": "200"}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri},
    }
    body = {
        "openapi": "3.0.1",
        "info": {"title": "review", "version": "1"},
        "paths": {"/cases": {"get": get}},
        "components": {"securitySchemes": {"token": token}},
    }
    return {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "review", "Body": body}}


# Echoes the claims as the answer of a proxy integration.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.request
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{base}/next") as event:
        identifier, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event.read())
    answer = json.dumps({"statusCode": 200, "body": json.dumps(body["requestContext"]["authorizer"]["claims"])}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/{identifier}/response", answer, method="POST")).read()
"""

Ask = Callable[[str | None], tuple[int, Any]]
Issue = Callable[..., str]


@pytest.fixture(scope="module")
def deployed(aws: LocalAws) -> dict[str, str]:
    function = aws.create_function("reviewed", BOOTSTRAP)
    deployment = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}}
    stage = {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "v1"},
    }
    resources = {"Pool": POOL, "Server": SERVER, "Api": api(function), "Deployment": deployment, "Stage": stage}
    outputs = {"Pool": {"Value": {"Ref": "Pool"}}, "Api": {"Value": {"Ref": "Api"}}}
    return aws.create_stack("review", {"Resources": resources, "Outputs": outputs})


@pytest.fixture
def ask(aws: LocalAws, deployed: dict[str, str]) -> Ask:
    url = f"{aws.endpoint}/_aws/execute-api/{deployed['Api']}/v1/cases"
    return lambda token: aws.http("GET", url, headers={} if token is None else {"Authorization": f"Bearer {token}"})


@pytest.fixture
def issue(aws: LocalAws, deployed: dict[str, str]) -> Issue:
    def token(reviewer: str = "ann", **claims: Any) -> str:
        body = {"userPoolId": deployed["Pool"], "clientId": "desk", "reviewer": reviewer, "claims": claims}
        status, answer = aws.http("POST", f"{aws.control}/tokens", body)
        assert status == 200, answer
        return str(answer["accessToken"])

    return token


def test_a_reviewer_is_one_person_in_all_tokens(ask: Ask, issue: Issue) -> None:
    status, claims = ask(issue())
    assert (status, claims["username"], claims["client_id"], claims["token_use"]) == (200, "ann", "desk", "access")
    assert ask(issue())[1]["sub"] == claims["sub"] != ask(issue("bob"))[1]["sub"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 1},
        {"iat": int(time.time()) + 3600},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"},
        {"scope": "openid review/decide"},
        {"scope": "openid"},
    ],
    ids=["expired", "future", "issuer", "scope", "no-scope"],
)
def test_other_tokens_are_refused(ask: Ask, issue: Issue, claims: dict[str, Any]) -> None:
    assert ask(issue(**claims))[0] == 401


def test_a_token_without_the_key_of_the_pool_is_refused(ask: Ask, issue: Issue) -> None:
    ann, bob = issue().split("."), issue("bob").split(".")
    for token in (None, "", "text", ".".join([*ann[:2], bob[2]]), ".".join([ann[0], bob[1], ann[2]]), ".".join([*ann[:2], ""])):
        assert ask(token)[0] == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [({"reviewer": "eve"}, 404), ({"userPoolId": "us-east-1_Other"}, 404), ({"clientId": None, "reviewer": None}, 404)],
)
def test_there_is_no_token_for_others(aws: LocalAws, deployed: dict[str, str], change: dict[str, Any], status: int) -> None:
    body = {"userPoolId": deployed["Pool"], "clientId": "desk", "reviewer": "ann"}
    assert aws.http("POST", f"{aws.control}/tokens", body | change)[0] == status
    assert aws.http("POST", f"{aws.control}/tokens", {})[0] == 400
