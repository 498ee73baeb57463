"""The fake of AgentCore's harness: a conversation with a model from a script.

CloudFormation creates it from the template's ``AWS::BedrockAgentCore::Harness``. ``InvokeHarness`` is signed by its caller, answers with a
stream of events, and keeps what was said in the memory of the session. The tools are functions of the caller: their calls end an
invocation, and their results begin the next one.
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/harness-tools.html
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from bonafide_local.http import HttpAnswer, HttpRequest, asgi, json_answer
from bonafide_local.iam import credentials_of

PATH = "/harnesses/invoke"
SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"
STREAM = "application/vnd.amazon.eventstream"
_Asgi = Callable[..., Awaitable[None]]
_Event = tuple[str, dict[str, Any]]


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, error: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status, self.error, self.body = status, error, {"message": message, **more}


@dataclass(slots=True)
class Call:
    """The call of a tool by the model."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(slots=True)
class Session:
    """What was said, in the memory of its machine."""

    # The first message of the person.
    first: str = ""
    # The call whose result the caller owes.
    pending: Call | None = None
    used: float = 0.0


@dataclass(slots=True)
class Turn:
    """What the model says, and the tool that it then calls."""

    text: str
    tool: str | None = None
    input: dict[str, Any] = field(default_factory=dict)


class Harnesses:
    """All harnesses."""

    def __init__(self, region: str, account: str) -> None:
        self._region, self._account = region, account
        # The properties as the template has them, by ARN
        self._harnesses: dict[str, dict[str, Any]] = {}
        self._sessions: dict[tuple[str, str], Session] = {}

    def kept(self) -> Any:
        return dict(self._harnesses)

    def restore(self, kept: Any) -> None:
        self._harnesses = kept

    def install(self) -> None:
        """Add the resource type to CloudFormation."""
        from ministack.services.cloudformation import provisioners

        provisioners._RESOURCE_HANDLERS["AWS::BedrockAgentCore::Harness"] = {
            "create": self._create,
            "update": self._update,
            "delete": lambda arn, _properties: self._harnesses.pop(arn, None),
        }

    def before(self, application: _Asgi) -> _Asgi:
        """The application that serves harnesses, and lets another one serve everything else."""
        harnesses = asgi(self.handle)

        async def application_with_harnesses(scope: dict[str, Any], receive: Any, send: Any) -> None:
            is_own = scope["type"] == "http" and scope["path"] == PATH
            await (harnesses if is_own else application)(scope, receive, send)

        return application_with_harnesses

    def _create(self, logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        identifier = f"{properties['HarnessName']}-{uuid.uuid4().hex[:10]}"
        arn = f"arn:aws:bedrock-agentcore:{self._region}:{self._account}:harness/{identifier}"
        self._harnesses[arn] = properties
        return arn, {"Arn": arn, "HarnessId": identifier, "Status": "READY"}

    def _update(self, arn: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        self._harnesses[arn] = new
        return arn, {"Arn": arn, "HarnessId": arn.rpartition("/")[2], "Status": "READY"}

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        try:
            events = await asyncio.to_thread(self._invoke, request)
        except Refused as refused:
            answer = json_answer(refused.status, refused.body)
            return HttpAnswer(answer.status, answer.body, headers={"x-amzn-errortype": refused.error})
        return HttpAnswer(200, b"".join(_frame(name, payload) for name, payload in events), STREAM)

    def _invoke(self, request: HttpRequest) -> list[_Event]:
        arn = parse_qs(request.query).get("harnessArn", [""])[0]
        self._authorize(request, arn)
        harness = self._harnesses.get(arn)
        if harness is None:
            raise Refused(404, "ResourceNotFoundException", "there is no such harness")
        identifier = request.headers.get(SESSION, "")
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9-_]{32,99}", identifier):
            raise _invalid("the session id has to have 33 to 100 characters")
        message = _message(request.text)
        session = self._session(arn, identifier, harness)
        turn = _turn(session, message)
        session.pending = None
        if turn.tool in harness["AllowedTools"]:
            session.pending = Call(f"tooluse_{uuid.uuid4().hex}", turn.tool, turn.input)
        self._act(harness, "bedrock:InvokeModelWithResponseStream", *_models(harness, self._region, self._account))
        return list(_events(turn.text, session.pending))

    def _authorize(self, request: HttpRequest, arn: str) -> None:
        """The harness has no authorizer: its callers are those of IAM."""
        from ministack.core import router

        key = router.extract_access_key_id(request.headers, {})
        if request.headers.get("authorization", "").lower().startswith("bearer") or not key:
            raise Refused(403, "AccessDeniedException", "Authorization method mismatch")
        for action in ("bedrock-agentcore:InvokeHarness", "bedrock-agentcore:InvokeAgentRuntime"):
            self._allow(key, action, (arn, {}))

    def _session(self, arn: str, identifier: str, harness: dict[str, Any]) -> Session:
        """The live session of this id, or a new one, whose machine pulls its image."""
        lifecycle = harness["Environment"]["AgentCoreRuntimeEnvironment"]["LifecycleConfiguration"]
        session = self._sessions.get((arn, identifier))
        if session is None or time.monotonic() - session.used > float(lifecycle["IdleRuntimeSessionTimeout"]):
            self._act(harness, "ecr-public:GetAuthorizationToken", ("*", {}))
            self._act(harness, "sts:GetServiceBearerToken", ("*", {}))
            session = self._sessions[arn, identifier] = Session()
        session.used = time.monotonic()
        return session

    def _act(self, harness: dict[str, Any], action: str, *resources: tuple[str, dict[str, Any]]) -> None:
        """Use a permission of the harness's role."""
        for resource in resources:
            self._allow(credentials_of(harness["ExecutionRoleArn"], "harness")["aws_access_key_id"], action, resource)

    def _allow(self, key: str, action: str, resource: tuple[str, dict[str, Any]]) -> None:
        from ministack import app
        from ministack.core import iam_evaluator

        service, (arn, context) = action.partition(":")[0], resource
        if app.AUTH and iam_evaluator.enforce(key, action, service, self._region, arn, context) is not None:
            raise Refused(403, "AccessDeniedException", f"not authorized to perform: {action} on resource: {arn}")


def _invalid(message: str) -> Refused:
    return Refused(400, "ValidationException", message, reason="FieldValidationFailed")


def _models(harness: dict[str, Any], region: str, account: str) -> list[tuple[str, dict[str, Any]]]:
    """What a call of the model uses: the inference profile, and the model in a region through it."""
    profile = harness["Model"]["BedrockModelConfig"]["ModelId"]
    arn = f"arn:aws:bedrock:{region}:{account}:inference-profile/{profile}"
    model = f"arn:aws:bedrock:{region}::foundation-model/{profile.partition('.')[2]}"
    return [(arn, {}), (model, {"bedrock:InferenceProfileArn": arn})]


def _message(text: str) -> dict[str, Any]:
    """The content of the message of a request: a text or the result of a tool."""
    try:
        messages = json.loads(text)["messages"]
        (block,) = messages[-1]["content"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise _invalid("the request needs a message with one block") from None
    if "text" not in block and "toolResult" not in block:
        raise _invalid("the final message has to be a text or the result of a tool")
    found: dict[str, Any] = block
    return found


def _turn(session: Session, block: dict[str, Any]) -> Turn:
    """What the model does next."""
    if "text" in block:
        session.first = session.first or block["text"]
        return _heard(session, block["text"])
    result, pending = block["toolResult"], session.pending
    if pending is None or result["toolUseId"] != pending.id:
        raise _invalid("there is no pending call of a tool with this id")
    text = "".join(part["text"] for part in result["content"])
    return _learned(pending, text, is_done=result.get("status", "success") == "success")


def _heard(session: Session, text: str) -> Turn:
    """Ask for the document, unless the person withdraws."""
    if re.search(r"withdraw|återkall|tilbage|trekk", text, re.IGNORECASE):
        country = re.search(r"\b(DK|SE|NO|FI)\b", session.first)
        return Turn("I withdraw your consent.", "give_consent", {"country": country[0] if country else "SE", "consent": False})
    return Turn("Welcome! Please send a picture of your document.", "request_upload", {"contentType": "image/jpeg", "picture": "document"})


def _learned(call: Call, text: str, *, is_done: bool) -> Turn:
    """Go on after the result of a tool, or tell the person."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {"message": text}
    message = str(answer.get("message", ""))
    if not is_done or "state" in answer:
        return Turn(message)
    match call.name, answer.get("result"):
        case "request_upload", _:
            return Turn("Thank you.", "verify_identity" if call.input["picture"] == "selfie" else "read_document")
        case "read_document", "OK":
            return Turn("Now I need a selfie.", "request_upload", {"contentType": "image/jpeg", "picture": "selfie"})
        case "read_document", "RESUBMIT":
            return Turn(message, "request_upload", {"contentType": "image/jpeg", "picture": "document"})
        case "verify_identity", "OK":
            return Turn("You were recognized.", "register_customer")
    return Turn(message)


def _events(text: str, call: Call | None) -> Iterator[_Event]:
    """The events of a message, as the harness sends them: text and arguments in parts."""
    yield "messageStart", {"role": "assistant"}
    for part in re.findall(r"\S+\s*", text):
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": part}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    if call is not None:
        start = {"toolUse": {"toolUseId": call.id, "name": call.name, "type": "tool_use"}}
        yield "contentBlockStart", {"contentBlockIndex": 1, "start": start}
        written = json.dumps(call.input)
        for part in (written[: len(written) // 2], written[len(written) // 2 :]):
            yield "contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": part}}}
        yield "contentBlockStop", {"contentBlockIndex": 1}
    yield "messageStop", {"stopReason": "tool_use" if call is not None else "end_turn"}
    usage = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": 0}}


def _frame(name: str, payload: dict[str, Any]) -> bytes:
    """One event in the encoding of ``application/vnd.amazon.eventstream``."""
    body = json.dumps(payload).encode()
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for key, value in ((":event-type", name), (":content-type", "application/json"), (":message-type", "event"))
    )
    prelude = (16 + len(headers) + len(body)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    prelude += zlib.crc32(prelude).to_bytes(4, "big")
    message = prelude + headers + body
    return message + zlib.crc32(message).to_bytes(4, "big")
