"""IAM as ``--iam`` enforces it: records every decision, and corrects the emulator where AWS decides differently."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict, deque
from typing import Any
from urllib.parse import unquote

# About 400 bytes each. A whole test run makes about ten thousand.
LIMIT = 100_000
# The number of tokens whose machines are remembered: a late answer is authorized like an early one.
_TOKENS = 10_000
# The words in key conditions that are not names of attributes.
_KEY_CONDITION_WORDS = frozenset({"AND", "BETWEEN", "begins_with"})
machine_of_token: OrderedDict[str, str] = OrderedDict()
# The condition keys that are recorded: names of attributes, operations and models, prefixes of keys, kinds of encryption.
# Others (tags, keys of rows) could hold data of applicants.
_CONTEXT_PREFIXES = (
    "bedrock:inferenceprofilearn",
    "dynamodb:attributes",
    "dynamodb:enclosingoperation",
    "dynamodb:select",
    "s3:if-none-match",
    "s3:prefix",
    "s3:x-amz-server-side-encryption",
)


class Decisions:
    """The last `LIMIT` decisions about callers that policies apply to, oldest first. Safe to use from threads.

    The root of the account (the access key ``test``) may do everything; its calls are not recorded.
    """

    def __init__(self, enforced: bool, limit: int = LIMIT) -> None:
        self._enforced = enforced
        self._calls: deque[dict[str, Any]] = deque(maxlen=limit)
        self._dropped = 0
        self._lock = threading.Lock()

    def add(self, principal: str, action: str, resource: str, allowed: bool, context: dict[str, Any]) -> None:
        call: dict[str, Any] = {
            "at": time.time(),
            "principal": principal,
            "action": action,
            "resource": resource,
            "allowed": allowed,
        }
        kept = {name: value for name, value in context.items() if name.lower().startswith(_CONTEXT_PREFIXES)}
        if kept:
            call["context"] = kept
        with self._lock:
            self._dropped += len(self._calls) == self._calls.maxlen
            self._calls.append(call)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._dropped = 0

    def describe(self) -> dict[str, Any]:
        """The answer of ``GET /iam/calls``."""
        with self._lock:
            return {"enforced": self._enforced, "dropped": self._dropped, "calls": list(self._calls)}


def credentials_of(role: str, user: str) -> dict[str, str]:
    """Credentials of a role for a service that assumes it, by the names of boto3's parameters."""
    from ministack.core import lambda_runtime

    # The emulator has them for functions.
    function = f"arn:aws:lambda:us-east-1:{role.split(':')[4]}:function:{user}"
    made = lambda_runtime.execution_credentials({"FunctionName": user, "FunctionArn": function, "Role": role})
    return {name.lower(): value for name, value in made.items()}


def install(decisions: Decisions) -> None:
    """Record decisions, and correct what they are based on: transport, attributes that are read, machines that wait."""
    _hide_missing_objects_without_list_permission(decisions)
    _record(decisions)
    _add_keys_to_attributes()
    _add_conditions_of_writes()
    _treat_loopback_as_tls()
    _authorize_answers_on_their_machine()
    _accept_signed_host_of_step_functions()


def _accept_signed_host_of_step_functions() -> None:
    """Functions sign requests to Step Functions with ``@`` or ``sync-@`` before the host: see launcher.py."""
    from ministack.core import sigv4

    original = sigv4.header_signature_failure

    def failure(signature: Any, secret: str, method: str, path: str, query: Any, headers: Any, body: bytes, **more: Any) -> Any:
        found = original(signature, secret, method, path, query, headers, body, **more)
        if found is None or signature.service != "states":
            return found
        host = headers.get("host", "")
        signed = ({**headers, "host": f"{before}@{host}"} for before in ("", "sync-"))
        tried = (original(signature, secret, method, path, query, one, body, **more) for one in signed)
        return None if None in tried else found

    sigv4.header_signature_failure = failure


def _record(decisions: Decisions) -> None:
    from ministack.core import iam_evaluator

    original = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        # An unknown key is refused before any policy is evaluated.
        if not isinstance(denied, iam_evaluator.AuthError):
            caller = iam_evaluator.resolve_caller_identity(access_key_id)
            if caller is not None and not caller["userArn"].endswith(":root"):
                decisions.add(caller["userArn"], iam_action, resource_arn, denied is None, service_context or {})
        return denied

    iam_evaluator.enforce = enforce


def _hide_missing_objects_without_list_permission(decisions: Decisions) -> None:
    """For a missing object S3 answers 404 only to callers with ``s3:ListBucket``, and 403 to others; the emulator answers 404 to all.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html describes GetObject and HeadObject; CopyObject reads its source
    as GetObject does. Installed before decisions are recorded: a refusal of this check is no call that the caller made.
    """
    from ministack import app
    from ministack.core import iam_evaluator, router
    from ministack.services import s3

    judge = iam_evaluator.enforce

    def may_list(bucket: str, headers: dict[str, str], query: dict[str, Any] | None) -> bool:
        access_key = router.extract_access_key_id(headers, query or {})
        caller = iam_evaluator.resolve_caller_identity(access_key) if app.AUTH else None
        if caller is None or caller["userArn"].endswith(":root"):
            return True
        resource = f"arn:aws:s3:::{bucket}"
        is_allowed = judge(access_key, "s3:ListBucket", "s3", router.extract_region(headers), resource) is None
        if is_allowed:
            decisions.add(caller["userArn"], "s3:ListBucket", resource, True, {})
        return is_allowed

    def answer(bucket: str, key: str, answered: Any, headers: dict[str, str], query: dict[str, Any] | None) -> Any:
        if answered[0] != 404 or may_list(bucket, headers, query):
            return answered
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")

    get, head, copy = s3._get_object, s3._head_object, s3._copy_object

    def get_object(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Any:
        return answer(bucket, key, get(bucket, key, headers, query), headers, query)

    def head_object(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Any:
        return answer(bucket, key, head(bucket, key, headers, query), headers, query)

    def copy_object(bucket: str, key: str, headers: dict[str, str]) -> Any:
        # The path is split and decoded as the emulator does.
        source = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")[0]
        source_bucket, _, source_key = unquote(source).partition("/")
        return answer(source_bucket, source_key, copy(bucket, key, headers), headers, None)

    s3._get_object, s3._head_object, s3._copy_object = get_object, head_object, copy_object


def _add_keys_to_attributes() -> None:
    """AWS counts the key of a read among ``dynamodb:Attributes``; the emulator does not."""
    from ministack.core import iam_actions

    original = iam_actions.dynamodb_service_context

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = original(body)
        attributes = context.get("dynamodb:Attributes")
        if attributes:
            request = json.loads(body)
            names = request.get("ExpressionAttributeNames") or {}
            condition = re.findall(r"(?<![:\w])#?[A-Za-z]\w*", request.get("KeyConditionExpression") or "")
            queried = [names.get(word, word) for word in condition if word not in _KEY_CONDITION_WORDS]
            context["dynamodb:Attributes"] = list(dict.fromkeys([*(request.get("Key") or ()), *queried, *attributes]))
        return context

    iam_actions.dynamodb_service_context = dynamodb_service_context


def _add_conditions_of_writes() -> None:
    """A write to S3 has the condition key ``s3:if-none-match``, which the emulator lacks.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    from ministack.core import iam_actions

    original = iam_actions.s3_service_context

    def s3_service_context(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
        context: dict[str, Any] = original(action, query, path, headers)
        condition = (headers or {}).get("if-none-match")
        if action == "s3:PutObject" and condition:
            context["s3:if-none-match"] = condition
        return context

    iam_actions.s3_service_context = s3_service_context


def _treat_loopback_as_tls() -> None:
    """Our policies refuse plain transport; the loopback interface, the only one that is bound, counts as secure."""
    from ministack import app

    original = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: original(source_ip, True)


def _authorize_answers_on_their_machine() -> None:
    """SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat have only a token; AWS authorizes them on the machine that waits."""
    from ministack.core import iam_actions
    from ministack.services import stepfunctions

    lock = threading.Lock()
    # Each execution has its own thread, and so has each branch of a Parallel or a Map.
    running = threading.local()
    execute_task, invoke_with_callback = stepfunctions._execute_task, stepfunctions._invoke_with_callback
    extract_resource_arn = iam_actions.extract_resource_arn

    def execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], context: dict[str, Any]) -> Any:
        running.machine = execution["stateMachineArn"]
        return execute_task(state, raw_input, execution, context)

    def invoke(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
        with lock:
            machine_of_token[token] = running.machine
            while len(machine_of_token) > _TOKENS:
                machine_of_token.popitem(last=False)
        return invoke_with_callback(resource, arguments, token, state)

    def extract(service: str, method: str, path: str, headers: Any, body: Any, query: Any, region: str, account_id: str) -> str:
        if service == "states":
            machine = machine_of_token.get(str(iam_actions._safe_json_field(body, "taskToken")))
            if machine is not None:
                return machine
        return str(extract_resource_arn(service, method, path, headers, body, query, region, account_id))

    stepfunctions._execute_task = execute
    stepfunctions._invoke_with_callback = invoke
    iam_actions.extract_resource_arn = extract
