"""Tokens of reviewers, and how an API refuses others."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from conftest import LocalAws

POLICY = {"MinimumLength": 14, "RequireLowercase": True, "RequireNumbers": True, "RequireSymbols": True, "RequireUppercase": True}
POOL = {
    "Type": "AWS::Cognito::UserPool",
    "Properties": {
        "UserPoolName": "reviewers",
        "UsernameConfiguration": {"CaseSensitive": False},
        "MfaConfiguration": "ON",
        "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
        "Policies": {"PasswordPolicy": POLICY},
    },
}
SERVER = {
    "Type": "AWS::Cognito::UserPoolResourceServer",
    "Properties": {
        "UserPoolId": {"Ref": "Pool"},
        "Identifier": "review",
        "Name": "review",
        "Scopes": [{"ScopeName": "read", "ScopeDescription": "read"}],
    },
}
CALLBACK = "http://localhost:8081/"
CLIENT = {
    "Type": "AWS::Cognito::UserPoolClient",
    "Properties": {
        "UserPoolId": {"Ref": "Pool"},
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": ["openid", "review/read"],
        "CallbackURLs": [CALLBACK],
        "SupportedIdentityProviders": ["COGNITO"],
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
    resources = {"Pool": POOL, "Server": SERVER, "Client": CLIENT, "Api": api(function), "Deployment": deployment, "Stage": stage}
    outputs = {name: {"Value": {"Ref": name}} for name in ("Pool", "Client", "Api")}
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


class Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects."""

    def redirect_request(self, *_: Any) -> None:
        return None


def sign_in(aws: LocalAws, client: str, reviewer: str, password: str) -> dict[str, str]:
    """What the sign-in pages send back to the desk, as a browser would get it."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": CALLBACK,
        "scope": "openid review/read",
        "state": "s1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with urllib.request.urlopen(f"{aws.endpoint}/oauth2/authorize?{urllib.parse.urlencode(query)}") as page:
        assert b"password" in page.read()
    form = urllib.parse.urlencode(query | {"username": reviewer, "password": password}).encode()
    try:
        with urllib.request.build_opener(Stay).open(f"{aws.endpoint}/login", form):
            # The page again, with an error.
            return {}
    except urllib.error.HTTPError as answer:
        location = str(answer.headers["Location"])
    assert location.startswith(CALLBACK)
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))


@pytest.mark.parametrize("reviewer", ["ann", "bob"])
def test_a_reviewer_signs_in_on_the_pages_as_the_same_person(
    aws: LocalAws, deployed: dict[str, str], ask: Ask, issue: Issue, reviewer: str
) -> None:
    client = deployed["Client"]
    answer = sign_in(aws, client, reviewer, "local-Reviewer-1")
    assert answer["state"] == "s1"
    form = {
        "grant_type": "authorization_code",
        "client_id": client,
        "code": answer["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": "verifier",
    }
    request = urllib.request.Request(
        f"{aws.endpoint}/oauth2/token", urllib.parse.urlencode(form).encode(), {"Origin": "http://localhost:8081"}
    )
    with urllib.request.urlopen(request) as tokens:
        # The desk is at another origin than the sign-in pages.
        assert tokens.headers["Access-Control-Allow-Origin"] == "*"
        token = json.loads(tokens.read())["access_token"]
    status, claims = ask(token)
    assert (status, claims["username"], claims["client_id"], claims["token_use"]) == (200, reviewer, client, "access")
    assert claims["sub"] == ask(issue(reviewer))[1]["sub"]


def test_another_password_or_person_is_refused(aws: LocalAws, deployed: dict[str, str]) -> None:
    assert sign_in(aws, deployed["Client"], "ann", "local-Reviewer-2") == {}
    assert sign_in(aws, deployed["Client"], "eve", "local-Reviewer-1") == {}
