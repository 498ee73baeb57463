"""Adds what the emulator leaves out when it imports an OpenAPI document as a REST API.

The emulator imports routes, authorization and the addresses of functions. Validation and size limit of
requests, mock answers and error answers are added here, so that they are enforced as on AWS.
"""

from __future__ import annotations

import json
from typing import Any

_METHODS = ("get", "post", "put", "delete", "patch", "head", "options")
_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_MAXIMUM_BODY = 10 * 1024 * 1024


def install() -> None:
    """Complete the import of a REST API from CloudFormation's ``Body``."""
    from ministack.services import apigateway_v1 as gateway

    original = gateway._import_rest_api

    def import_rest_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> str:
        api: str = original(spec, base_data)
        _Import(gateway, api, spec).complete()
        return api

    gateway._import_rest_api = import_rest_api
    _limit_bodies(gateway)
    _answer_for_functions(gateway)


def _limit_bodies(gateway: Any) -> None:
    original = gateway._check_request_validation

    def check(method: Any, api: str, request: Any, headers: Any, body: bytes | None, query: Any) -> Any:
        if len(body or b"") > _MAXIMUM_BODY:
            return gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        return original(method, api, request, headers, body, query)

    gateway._check_request_validation = check


def _answer_for_functions(gateway: Any) -> None:
    """When a function fails, clients get the API's own error answer, not the error of the function."""
    shaped, invoked = gateway._lambda_proxy_response, gateway._invoke_lambda_proxy_v1
    message = "the function failed"
    body = json.dumps({"message": message}).encode()

    def shape(result: Any) -> Any:
        response, error = shaped(result)
        return response, message if error else None

    async def invoke(*arguments: Any, **more: Any) -> Any:
        answer = await invoked(*arguments, **more)
        if isinstance(answer, tuple) and answer[0] == 502 and answer[2] == body:
            return gateway._gw_error("DEFAULT_5XX", "Internal server error")
        return answer

    gateway._lambda_proxy_response, gateway._invoke_lambda_proxy_v1 = shape, invoke


class _Import:
    def __init__(self, gateway: Any, api: str, spec: dict[str, Any]) -> None:
        self.gateway, self.api, self.spec = gateway, api, spec

    def complete(self) -> None:
        for name, schema in (self.spec.get("components") or {}).get("schemas", {}).items():
            self.gateway._create_model(self.api, {"name": name, "schema": json.dumps(self._self_contained(schema))})
        validators = {
            name: self._created(self.gateway._create_request_validator(self.api, {"name": name, **settings}))
            for name, settings in self.spec.get("x-amazon-apigateway-request-validators", {}).items()
        }
        for kind, response in self.spec.get("x-amazon-apigateway-gateway-responses", {}).items():
            self.gateway._put_gateway_response(self.api, kind, response)
        validator = validators.get(self.spec.get("x-amazon-apigateway-request-validator"))
        for path, item in self.spec["paths"].items():
            resource = self._resource(path)
            for method, operation in item.items():
                if method == _ANY:
                    self.gateway._import_operation(self.api, resource["id"], "ANY", operation, {}, None)
                    method = "ANY"
                elif method not in _METHODS:
                    continue
                self._complete_method(resource, method.upper(), operation, validator)

    def _complete_method(self, resource: dict[str, Any], name: str, operation: dict[str, Any], validator: str | None) -> None:
        method = resource["resourceMethods"][name]
        method["requestValidatorId"] = validator
        content = (operation.get("requestBody") or {}).get("content", {})
        method["requestModels"] = {kind: body["schema"]["$ref"].rsplit("/", 1)[-1] for kind, body in content.items()}
        places = {"path": "path", "header": "header", "query": "querystring"}
        method["requestParameters"] = {
            f"method.request.{places[parameter['in']]}.{parameter['name']}": bool(parameter.get("required"))
            for parameter in operation.get("parameters", [])
        }
        integration = operation[_INTEGRATION]
        made = method["methodIntegration"]
        made["requestTemplates"] = integration.get("requestTemplates", {})
        made["passthroughBehavior"] = integration.get("passthroughBehavior", "when_no_match").upper()
        for pattern, response in integration.get("responses", {}).items():
            selection = "" if pattern == "default" else pattern
            self.gateway._put_integration_response(
                self.api, resource["id"], name, response["statusCode"], {**response, "selectionPattern": selection}
            )

    def _resource(self, path: str) -> dict[str, Any]:
        resources = self.gateway._resources[self.api].values()
        return next(resource for resource in resources if resource["path"] == path)

    def _self_contained(self, schema: Any) -> Any:
        """The schema with its references resolved: models are looked up by name only."""
        if isinstance(schema, list):
            return [self._self_contained(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self._self_contained(self.spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
        return {keyword: self._self_contained(part) for keyword, part in schema.items()}

    @staticmethod
    def _created(answer: tuple[int, Any, bytes]) -> str:
        return str(json.loads(answer[2])["id"])
