"""The fake of AgentCore's gateways: MCP servers whose tools are Lambda functions, and proxies of HTTP services.

CloudFormation creates them from the template's ``AWS::BedrockAgentCore::Gateway`` and ``::GatewayTarget``. A gateway verifies the token of
each request, passes the request through its interceptor, and calls the function of a tool, or the service, with the rights of its role.
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-using-mcp.html
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-target-http-passthrough.html
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from bonafide_local.http import HttpAnswer, HttpRequest, asgi, json_answer
from bonafide_local.iam import credentials_of

PATH = "/gateways/"
# Between the names of target and tool.
SEPARATOR = "___"
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
# Longer than a function may run, which Lambda limits to 15 minutes.
FUNCTION_SECONDS = 910
_PERSON = "$.context.jwt.sub"
_MINUTE = 60.0
_DISCOVERY = "/.well-known/openid-configuration"
_Asgi = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Gateway:
    """The properties of the resources, as the template has them."""

    arn: str
    properties: dict[str, Any]
    # By their ids
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Also by their ids
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tools(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Each tool by its name: the function that runs it, and its definition."""
        found = {}
        for target in self.targets.values():
            if "Mcp" not in target["TargetConfiguration"]:
                continue
            function = target["TargetConfiguration"]["Mcp"]["Lambda"]
            for tool in function["ToolSchema"]["InlinePayload"]:
                name = f"{target['Name']}{SEPARATOR}{tool['Name']}"
                schema = _schema(tool["InputSchema"])
                found[name] = (
                    function["LambdaArn"],
                    {"name": name, "description": tool["Description"], "inputSchema": schema},
                )
        return found

    def service(self, name: str) -> dict[str, Any] | None:
        """The target of this name that passes requests on to a service."""
        targets = self.targets.values()
        return next((target for target in targets if target["Name"] == name and "Http" in target["TargetConfiguration"]), None)

    def credentials(self) -> dict[str, str]:
        """Credentials of its role."""
        return credentials_of(self.properties["RoleArn"], "gateway")


class Refused(Exception):
    """The gateway does not accept a token."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Gateways:
    """All gateways, served below ``/gateways/<id>/`` of the emulator's address. On AWS each has a host name of its own."""

    def __init__(self, region: str, account: str) -> None:
        self._region, self._account = region, account
        self._gateways: dict[str, Gateway] = {}
        # When each person has sent requests, by the id of the gateway and the subject of their token
        self._requests: dict[tuple[str, str], list[float]] = {}

    def kept(self) -> Any:
        return {identifier: asdict(gateway) for identifier, gateway in list(self._gateways.items())}

    def restore(self, kept: Any) -> None:
        self._gateways = {identifier: Gateway(**gateway) for identifier, gateway in kept.items()}

    def install(self) -> None:
        """Add the resource types to CloudFormation."""
        from ministack.services.cloudformation import provisioners

        provisioners._RESOURCE_HANDLERS["AWS::BedrockAgentCore::Gateway"] = {
            "create": self._create,
            "update": self._update,
            "delete": lambda identifier, _properties: self._gateways.pop(identifier, None),
        }
        provisioners._RESOURCE_HANDLERS["AWS::BedrockAgentCore::GatewayTarget"] = {
            "create": self._create_target,
            "update": self._update_target,
            "delete": self._delete_target,
        }

        provisioners._RESOURCE_HANDLERS["AWS::BedrockAgentCore::GatewayRateLimit"] = {
            "create": self._create_limit,
            "update": self._update_limit,
            "delete": self._delete_limit,
        }

    def before(self, application: _Asgi) -> _Asgi:
        """The application that serves gateways, and lets another one serve everything else."""
        gateways = asgi(self.handle)

        async def application_with_gateways(scope: dict[str, Any], receive: Any, send: Any) -> None:
            is_own = scope["type"] == "http" and scope["path"].startswith(PATH)
            await (gateways if is_own else application)(scope, receive, send)

        return application_with_gateways

    def _create(self, logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        identifier = f"{properties['Name']}-{uuid.uuid4().hex[:10]}"
        arn = f"arn:aws:bedrock-agentcore:{self._region}:{self._account}:gateway/{identifier}"
        self._gateways[identifier] = Gateway(arn, properties)
        return identifier, self._attributes(identifier)

    def _update(self, identifier: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        self._gateways[identifier].properties = new
        return identifier, self._attributes(identifier)

    def _attributes(self, identifier: str) -> dict[str, Any]:
        address = f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}"
        return {
            "GatewayArn": self._gateways[identifier].arn,
            "GatewayIdentifier": identifier,
            "GatewayUrl": f"{address}{PATH}{identifier}" + ("/mcp" if "ProtocolType" in self._gateways[identifier].properties else ""),
            "Status": "READY",
        }

    def _create_target(self, logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        identifier = uuid.uuid4().hex[:10].upper()
        self._gateway_of(properties).targets[identifier] = properties
        return identifier, {"TargetId": identifier, "GatewayArn": self._gateway_of(properties).arn, "Status": "READY"}

    def _update_target(self, identifier: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        self._gateway_of(new).targets[identifier] = new
        return identifier, {"TargetId": identifier, "GatewayArn": self._gateway_of(new).arn, "Status": "READY"}

    def _delete_target(self, identifier: str, properties: dict[str, Any]) -> None:
        gateway = self._gateways.get(properties["GatewayIdentifier"])
        if gateway is not None:
            gateway.targets.pop(identifier, None)

    def _create_limit(self, logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        identifier = uuid.uuid4().hex[:10]
        self._gateway_of(properties).limits[identifier] = properties
        return identifier, {"RateLimitId": identifier, "Status": "READY"}

    def _update_limit(self, identifier: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        self._gateway_of(new).limits[identifier] = new
        return identifier, {"RateLimitId": identifier, "Status": "READY"}

    def _delete_limit(self, identifier: str, properties: dict[str, Any]) -> None:
        gateway = self._gateways.get(properties["GatewayIdentifier"])
        if gateway is not None:
            gateway.limits.pop(identifier, None)

    def _admit(self, identifier: str, gateway: Gateway, subject: str) -> None:
        """Refuse more requests of one person than the limits allow."""
        sent, now = self._requests.setdefault((identifier, subject), []), time.monotonic()
        sent[:] = [at for at in sent if now - at < _MINUTE]
        for limit in gateway.limits.values():
            (entry,) = limit["Entries"]
            if limit["DimensionKeys"] == [_PERSON] and len(sent) >= float(entry["Requests"][0]["Rate"]):
                raise Refused(429, "Rate exceeded")
        sent.append(now)

    def _gateway_of(self, properties: dict[str, Any]) -> Gateway:
        gateway = self._gateways.get(properties["GatewayIdentifier"])
        if gateway is None:
            raise ValueError(f"there is no gateway {properties['GatewayIdentifier']}")
        return gateway

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        identifier, _, rest = request.path.removeprefix(PATH).partition("/")
        gateway = self._gateways.get(identifier)
        service = gateway.service(rest.partition("/")[0]) if gateway is not None else None
        if gateway is None or (rest != "mcp" and service is None):
            return json_answer(404, {"message": "there is no such gateway"})
        try:
            authorizer = gateway.properties["AuthorizerConfiguration"]["CustomJWTAuthorizer"]
            subject = await asyncio.to_thread(_verify, authorizer, request)
            self._admit(identifier, gateway, subject)
        except Refused as refused:
            return json_answer(refused.status, _error(None, -32001, refused.message))
        if service is not None:
            return await asyncio.to_thread(self._pass_on, gateway, service, request, rest)
        if request.method != "POST":
            # There is no stream of messages by the server.
            return json_answer(405, _error(None, -32000, "Method not allowed"))
        try:
            body = json.loads(request.text)
        except ValueError:
            return json_answer(400, _error(None, -32700, "Parse error"))
        body, response = await asyncio.to_thread(self._intercepted, gateway, request, body)
        if response is not None:
            return json_answer(response["statusCode"], response["body"])
        if "id" not in body:
            return HttpAnswer(202, b"")
        return json_answer(200, await asyncio.to_thread(self._answer, gateway, body))

    def _intercepted(self, gateway: Gateway, request: HttpRequest, body: Any) -> tuple[Any, dict[str, Any] | None]:
        """The request after the interceptor, or the interceptor's answer."""
        for configured in gateway.properties.get("InterceptorConfigurations", []):
            if "REQUEST" not in configured["InterceptionPoints"]:
                continue
            has_headers = configured.get("InputConfiguration", {}).get("PassRequestHeaders", False)
            received = {"path": "/mcp", "httpMethod": "POST", "headers": request.headers if has_headers else {}, "body": body}
            event = {"interceptorInputVersion": "1.0", "mcp": {"rawGatewayRequest": {"body": request.text}, "gatewayRequest": received}}
            answer, has_failed = self._invoke(gateway, configured["Interceptor"]["Lambda"]["Arn"], event)
            if has_failed or answer.get("interceptorOutputVersion") != "1.0":
                return body, {"statusCode": 500, "body": _error(body, -32603, "An internal error occurred. Please retry later.")}
            transformed = answer["mcp"]
            if "transformedGatewayResponse" in transformed:
                return body, transformed["transformedGatewayResponse"]
            body = transformed["transformedGatewayRequest"]["body"]
        return body, None

    def _pass_on(self, gateway: Gateway, service: dict[str, Any], request: HttpRequest, rest: str) -> HttpAnswer:
        """The answer of an HTTP service to a request after the interceptor, or the interceptor's answer."""
        body = request.text.encode()
        metadata = service.get("MetadataConfiguration", {})
        allowed = {name.lower() for name in metadata.get("AllowedRequestHeaders", [])} | {"content-type"}
        headers = {name: value for name, value in request.headers.items() if name in allowed}
        for configured in gateway.properties.get("InterceptorConfigurations", []):
            received = {
                "path": f"/{rest}",
                "httpMethod": request.method,
                "headers": request.headers,
                "body": base64.b64encode(body).decode(),
            }
            event = {"interceptorInputVersion": "1.0", "http": {"gatewayRequest": received}}
            answer, has_failed = self._invoke(gateway, configured["Interceptor"]["Lambda"]["Arn"], event)
            if has_failed or answer.get("interceptorOutputVersion") != "1.0":
                return json_answer(500, {"message": "An internal error occurred. Please retry later."})
            transformed = answer["http"]
            if "transformedGatewayResponse" in transformed:
                response = transformed["transformedGatewayResponse"]
                return HttpAnswer(response["statusCode"], base64.b64decode(response["body"]))
            changed = transformed["transformedGatewayRequest"]
            headers |= {name.lower(): value for name, value in changed.get("headers", {}).items()}
            body = base64.b64decode(changed["body"]) if "body" in changed else body
        return self._send(gateway, service, rest, (request.method, request.query, headers, body))

    def _send(self, gateway: Gateway, service: dict[str, Any], rest: str, sent: tuple[str, str, dict[str, str], bytes]) -> HttpAnswer:
        """Sends a request that is signed by the gateway's role."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        method, query, headers, body = sent
        allowed = service.get("MetadataConfiguration", {}).get("AllowedQueryParameters", [])
        parameters = [(name, value) for name, value in urllib.parse.parse_qsl(query) if name in allowed]
        # The host is that of AWS.
        path = urllib.parse.urlsplit(service["TargetConfiguration"]["Http"]["Passthrough"]["Endpoint"]).path
        path = "/".join(filter(None, [path, rest.partition("/")[2]]))
        url = f"{os.environ['AWS_ENDPOINT_URL']}{path}?{urllib.parse.urlencode(parameters)}"
        own = gateway.credentials()
        credentials = Credentials(own["aws_access_key_id"], own["aws_secret_access_key"], own["aws_session_token"])
        signed = AWSRequest(method, url, headers=headers, data=body)
        provider = service["CredentialProviderConfigurations"][0]["CredentialProvider"]["IamCredentialProvider"]
        SigV4Auth(credentials, provider["Service"], self._region).add_auth(signed)
        request = urllib.request.Request(url, body, dict(signed.headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=FUNCTION_SECONDS) as answer:
                return HttpAnswer(answer.status, answer.read(), answer.headers["Content-Type"])
        except urllib.error.HTTPError as error:
            return HttpAnswer(error.code, error.read(), error.headers["Content-Type"])

    def _answer(self, gateway: Gateway, body: dict[str, Any]) -> dict[str, Any]:
        parameters = body.get("params") or {}
        match body.get("method"):
            case "initialize":
                asked = parameters.get("protocolVersion")
                version = asked if asked in VERSIONS else VERSIONS[0]
                server = {"name": gateway.properties["Name"], "version": "1.0.0"}
                return _result(body, {"protocolVersion": version, "capabilities": {"tools": {"listChanged": False}}, "serverInfo": server})
            case "ping":
                return _result(body, {})
            case "tools/list":
                return _result(body, {"tools": [tool for _, tool in gateway.tools().values()]})
            case "tools/call":
                function, _ = gateway.tools().get(parameters.get("name"), (None, None))
                if function is None:
                    return _error(body, -32602, "Unknown tool")
                answer, has_failed = self._invoke(gateway, function, parameters.get("arguments") or {})
                text = "An internal error occurred. Please retry later." if has_failed else json.dumps(answer)
                return _result(body, {"isError": has_failed, "content": [{"type": "text", "text": text}]})
        return _error(body, -32601, "Method not found")

    def _invoke(self, gateway: Gateway, function: str, event: Any) -> tuple[Any, bool]:
        """The answer of a function, called with the rights of the gateway's role; and whether it has failed."""
        client = _lambda(self._region, gateway.properties["RoleArn"])
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), "FunctionError" in answer


@functools.cache
def _lambda(region: str, role: str) -> Any:
    """A client with the rights of a gateway's role. It is kept, because making one takes longer than the calls."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "lambda",
        region_name=region,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        config=Config(read_timeout=FUNCTION_SECONDS, retries={"total_max_attempts": 1}),
        **credentials_of(role, "gateway"),
    )


def _schema(definition: dict[str, Any]) -> dict[str, Any]:
    """A schema of the template as JSON Schema."""
    schema: dict[str, Any] = {"type": definition["Type"]}
    if "Description" in definition:
        schema["description"] = definition["Description"]
    if definition["Type"] == "object":
        schema["properties"] = {name: _schema(of) for name, of in definition.get("Properties", {}).items()}
        schema["required"] = list(definition.get("Required", []))
    if "Items" in definition:
        schema["items"] = _schema(definition["Items"])
    return schema


def _verify(authorizer: dict[str, Any], request: HttpRequest) -> str:
    """Check signature, issuer, times and client of the token of a request, as a gateway with ``CUSTOM_JWT`` does; return its subject."""
    from ministack.services.apigateway import _verify_rs256_signature

    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "Missing Bearer token")
    invalid = Refused(401, "Invalid Bearer token")
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
        key_id, issuer, end, start = header["kid"], claims["iss"], int(claims["exp"]), int(claims.get("nbf", 0))
    except (ValueError, KeyError, TypeError):
        raise invalid from None
    discovery = authorizer["DiscoveryUrl"]
    discovered = _fetch(discovery)
    keys = [key for key in _fetch(discovered["jwks_uri"])["keys"] if key["kid"] == key_id and header.get("alg") == "RS256"]
    is_current = start <= time.time() < end
    is_own = issuer == discovered["issuer"] == discovery.removesuffix(_DISCOVERY)
    if not (is_own and is_current and any(_verify_rs256_signature(token, key) for key in keys)):
        raise invalid
    if claims.get("client_id") not in authorizer["AllowedClients"]:
        raise Refused(403, "Claim 'client_id' value mismatch with configuration")
    return str(claims.get("sub", ""))


def _fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _identifier(body: Any) -> Any:
    return body.get("id") if isinstance(body, dict) else None


def _result(body: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": _identifier(body), "result": result}


def _error(body: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": _identifier(body), "error": {"code": code, "message": message}}
