"""Injects faults into requests over HTTP, into the Tasks of state machines, and into workers.

The emulator's handlers, which answer requests, are a plain dictionary: `install` wraps each of them. The engine calls
Rekognition, Textract and ``aws-sdk:`` integrations through the same dictionary, and the other services by functions,
which are wrapped separately. `without_answers` leaves requests unanswered.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bonafide_local.aws_json import Answer, Handler, error_answer, success_answer
from bonafide_local.documents import operation_of
from bonafide_local.faults import AWS_SERVICES, RUNTIME_API, Fault, Faults, MissingAnswer, NoAnswer, WorkerFailure
from bonafide_local.integrations import PREFIXES, Integration, over_integrations
from bonafide_local.models import error_name

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

# The number of tokens whose tasks are remembered, the last ones.
_TOKENS = 10_000
# Longer than the timeout of any client.
_SILENT_SECONDS = 900.0
_MESSAGE = "Forced by a fault"

# `<machine>/<state>` of the current Task and the input of its execution, also in the handlers that it calls.
_task: ContextVar[tuple[str, str]] = ContextVar("task", default=("", ""))


def without_answers(application: Application) -> Application:
    """Wrap an ASGI application that hypercorn serves: a request for which it raises `NoAnswer` is not answered."""
    from hypercorn.events import Closed

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except NoAnswer as none:
            if none.kind is MissingAnswer.SILENT:
                try:
                    await asyncio.wait_for(_gone(receive), _SILENT_SECONDS)
                except TimeoutError:
                    pass
            # ASGI has no event that closes a connection: hypercorn would answer 500.
            stream = send.__self__
            stream.closed = True
            await stream.send.__self__.send(Closed())

    return serve


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(eq=False, slots=True)
class _Invocation:
    """A running invocation: its process, its event, and the result that replaces its own, if there is one."""

    function: str
    event: str
    environment: Any
    forced_result: dict[str, Any] | None = None


def install(faults: Faults) -> None:
    """Wrap the emulator, after all other hooks."""
    _Layers(faults).install()


def current_task() -> str:
    """``<machine>/<state>`` of the Task that sends the current request; empty if none does."""
    return _task.get()[0]


class _Layers:
    """Safe to use from threads."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, str] = OrderedDict()
        self._invocations: list[_Invocation] = []

    def install(self) -> None:
        from ministack import app
        from ministack.core import lambda_runtime
        from ministack.services import stepfunctions as engine

        for service in AWS_SERVICES:
            app.SERVICE_HANDLERS[service] = self._over_http(service, app.SERVICE_HANDLERS[service])
        over_integrations(self._in_machine)
        engine._dispatch_aws_sdk_json = _name_missing_answers(engine._dispatch_aws_sdk_json)
        engine._execute_task = _remember_task(engine._execute_task)
        engine._invoke_with_callback = self._remember_token(engine._invoke_with_callback)
        worker = lambda_runtime.ProvidedWorker
        worker.invoke = self._remember_invocation(worker.invoke)
        worker._record_result = self._over_runtime_api(worker._record_result)

    def _over_http(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
            content = body if isinstance(body, str) else body.decode("utf-8", "replace")
            operation = operation_of(service, method, path, headers, content, query)
            task, about = _task.get()
            caller = task or caller_of(headers)
            call = (service, operation, self._text(service, path, query, content) + about, caller)
            fault = self._faults.called(*call)
            while fault is not None:
                for seconds in fault.delay():
                    await asyncio.sleep(seconds)
                if not fault.is_removed:
                    break
                fault = self._faults.find(*call)
            if fault is None:
                return await handler(method, path, headers, body, query)
            answer = await handler(method, path, headers, body, query) if fault.afterwards else None
            if fault.worker:
                self._end_worker(fault.worker, caller, tuple(fault.match.values()))
                raise NoAnswer(MissingAnswer.CLOSED)
            forced = _forced(service, fault)
            return forced or answer or await handler(method, path, headers, body, query)

        return handle

    def _text(self, service: str, path: str, query: dict[str, Any], content: str) -> str:
        """The text in which a fault's ``match`` is looked for."""
        if service == "s3":
            return f"{path} {query}"
        if service == "states" and '"taskToken"' in content:
            # An answer to a task has only its token; the request of the task says which application it is about.
            try:
                return content + self._asked.get(json.loads(content)["taskToken"], "")
            except (ValueError, KeyError, TypeError):
                return content
        return content

    def _in_machine(self, service: str, operation: str, original: Integration) -> Integration:
        def perform(what: Any, arguments: Any) -> Any:
            task, about = _task.get()
            call = (service, operation, f"{what} {json.dumps(arguments)} {about}", task)
            fault = self._faults.called(*call)
            while fault is not None:
                for seconds in fault.delay():
                    time.sleep(seconds)
                if not fault.is_removed:
                    break
                fault = self._faults.find(*call)
            if fault is None:
                return original(what, arguments)
            if fault.afterwards:
                original(what, arguments)
            if fault.no_answer:
                raise _missing(fault.no_answer, PREFIXES[service])
            if fault.malformed:
                raise _unreadable(PREFIXES[service])
            if fault.error:
                raise _error(error_name(service, PREFIXES[service], fault.error), fault.message or _MESSAGE)
            return fault.result if fault.has_result else original(what, arguments)

        return perform

    def _remember_token(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def invoke(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
            with self._lock:
                self._asked[token] = json.dumps(arguments)
                while len(self._asked) > _TOKENS:
                    self._asked.popitem(last=False)
            return original(resource, arguments, token, state)

        return invoke

    def _remember_invocation(self, original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def invoke(environment: Any, event: Any, *rest: Any, **more: Any) -> dict[str, Any]:
            invocation = _Invocation(environment.func_name, json.dumps(event), environment)
            with self._lock:
                self._invocations.append(invocation)
            try:
                answer = original(environment, event, *rest, **more)
            finally:
                with self._lock:
                    self._invocations.remove(invocation)
            return invocation.forced_result or answer

        return invoke

    def _over_runtime_api(self, original: Callable[..., bool]) -> Callable[..., bool]:
        """A worker that is ended at its answer: the answer does not count, since the worker dies before it knows that it arrived."""

        def record(environment: Any, generation: int, request_id: str, kind: str, payload: Any) -> bool:
            with self._lock:
                found = [invocation for invocation in self._invocations if invocation.environment is environment]
            for invocation in found:
                operation = "InvocationError" if kind == "error" else "InvocationResponse"
                fault = self._faults.find(RUNTIME_API, operation, invocation.event, invocation.function)
                if fault is not None and fault.worker:
                    _end(invocation, fault.worker)
                    return False
            return original(environment, generation, request_id, kind, payload)

        return record

    def _end_worker(self, failure: WorkerFailure, caller: str, texts: tuple[str, ...]) -> None:
        """End the worker that sent a request: the invocation of its function whose event has these texts."""
        with self._lock:
            found = [
                invocation
                for invocation in self._invocations
                # Without --iam, functions sign with the root's key.
                if caller.endswith((f"/{invocation.function}", ":root")) and all(text in invocation.event for text in texts)
            ]
        for invocation in found:
            _end(invocation, failure)


def _end(invocation: _Invocation, failure: WorkerFailure) -> None:
    """End a worker during an invocation."""
    process = invocation.environment._proc
    if failure is WorkerFailure.PANICKED:
        invocation.forced_result = _panicked(json.loads(invocation.event))
    elif failure is WorkerFailure.OUT_OF_TIME:
        # The emulator's own result, without waiting for the timeout.
        seconds = invocation.environment.config.get("Timeout", 30)
        message = f"Task timed out after {seconds}.00 seconds"
        error = {"errorMessage": message, "errorType": "Sandbox.Timedout"}
        invocation.forced_result = {"status": "error", "error": message, "error_payload": error, "log": ""}
    if process is not None:
        os.kill(process.pid, signal.SIGABRT if failure is WorkerFailure.ABORTED else signal.SIGKILL)


def _panicked(event: Any) -> dict[str, Any]:
    """The result of the workers' kit when it catches a panic; tests/worker-process/tests/panic.rs tests the original."""
    from ministack.services import stepfunctions as engine

    error = {"errorType": "Bonafide.Internal", "errorMessage": "the worker panicked; its log says where"}
    if not (isinstance(event, dict) and "Records" in event):
        return {"status": "error", "error": error["errorMessage"], "error_payload": error, "log": ""}
    failed = []
    for record in event["Records"]:
        token = json.loads(record["body"]).get("taskToken")
        if token is None:
            failed.append({"itemIdentifier": record["messageId"]})
        else:
            engine._send_task_failure({"taskToken": token, "error": error["errorType"], "cause": error["errorMessage"]})
    return {"status": "ok", "result": {"batchItemFailures": failed}, "log": ""}


def _remember_task(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(state: dict[str, Any], raw_input: Any, execution: dict[str, Any], context: dict[str, Any]) -> Any:
        machine = execution["stateMachineArn"].rpartition(":")[2] if execution else ""
        entered = _task.set((f"{machine}/{context['State']['Name']}", execution["input"] if execution else ""))
        try:
            return original(state, raw_input, execution, context)
        finally:
            _task.reset(entered)

    return execute


def _name_missing_answers(original: Callable[..., Any]) -> Callable[..., Any]:
    """A malformed or missing answer is the SDK's own exception, which machines can retry."""

    def dispatch(info: dict[str, Any], service: str, action: str, data: Any) -> Any:
        from ministack.services import stepfunctions

        prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(service, service)
        try:
            return original(info, service, action, data)
        except json.JSONDecodeError:
            raise _unreadable(prefix) from None
        except NoAnswer as none:
            raise _missing(none.kind, prefix) from None

    return dispatch


def _missing(kind: MissingAnswer, prefix: str) -> Exception:
    if kind is MissingAnswer.SILENT:
        return _error("States.Timeout", "The task timed out (at once, for a fault)")
    return _error(f"{prefix}.SdkClientException", "Unable to execute HTTP request: connection closed")


def _unreadable(prefix: str) -> Exception:
    return _error(f"{prefix}.SdkClientException", "Unable to unmarshall response")


def _error(name: str, cause: str) -> Exception:
    from ministack.services.stepfunctions import _ExecutionError

    error: Exception = _ExecutionError(name, cause)
    return error


def caller_of(headers: dict[str, str]) -> str:
    """The ARN of the signer: for a worker, its role and the name of its function."""
    from ministack.core.iam_evaluator import resolve_caller_identity
    from ministack.core.router import extract_access_key_id

    identity = resolve_caller_identity(extract_access_key_id(headers, {}))
    return str(identity["userArn"]) if identity else ""


def _forced(service: str, fault: Fault) -> Answer | None:
    """The answer that a fault gives over HTTP; None if the real answer follows."""
    if fault.no_answer:
        raise NoAnswer(fault.no_answer)
    if fault.malformed:
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, b'{"FaceMatches": [{"Simil'
    if fault.error and service in ("s3", "sns"):
        error = f"<Error><Code>{fault.error}</Code><Message>{fault.message or _MESSAGE}</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>"
        return fault.status, {"Content-Type": "text/xml"}, body.encode()
    if fault.error:
        return error_answer(fault.error, fault.message or _MESSAGE, fault.status)
    return success_answer(fault.result) if fault.has_result else None
