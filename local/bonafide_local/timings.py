"""Durations of functions, with the memory that they needed, and of their calls to services."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bonafide_local.aws_json import Answer, Handler
from bonafide_local.faults import AWS_SERVICES

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

# Of each kind.
LIMIT = 10_000


@dataclass(slots=True)
class _Call:
    """The current request; without a service until the handler is known."""

    service: str = ""
    operation: str = ""
    caller: str = ""


_call: ContextVar[_Call | None] = ContextVar("call", default=None)


class Timings:
    """The last `LIMIT` calls and invocations. Times are seconds of one monotonic clock. Safe to use from threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._calls: deque[dict[str, Any]] = deque(maxlen=limit)
        self._invocations: deque[dict[str, Any]] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def call(self, call: _Call, start: float, end: float) -> None:
        made = {"service": call.service, "operation": call.operation, "caller": call.caller, "start": start, "end": end}
        with self._lock:
            self._calls.append(made)

    def invocation(self, made: dict[str, Any]) -> None:
        with self._lock:
            self._invocations.append(made)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._invocations.clear()

    def describe(self) -> dict[str, Any]:
        """The answer of ``GET /timings``."""
        with self._lock:
            return {"calls": list(self._calls), "invocations": list(self._invocations)}


def install(timings: Timings) -> None:
    """Measure calls and functions, after all other hooks."""
    from ministack import app
    from ministack.core import lambda_runtime

    for service in AWS_SERVICES:
        app.SERVICE_HANDLERS[service] = _named(service, app.SERVICE_HANDLERS[service])
    worker = lambda_runtime.ProvidedWorker
    worker._build_handler_class = _timed_runtime_api(worker._build_handler_class, timings)


def timed(application: Application, timings: Timings) -> Application:
    """Wrap the emulator's ASGI application: a call lasts from its headers to the last byte of its answer.

    This includes the checks of signature and permissions, and the reading of the body.
    """

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        call = _Call()
        entered = _call.set(call)
        start = time.monotonic()
        try:
            await application(scope, receive, send)
        finally:
            _call.reset(entered)
            if call.service:
                timings.call(call, start, time.monotonic())

    return serve


def _named(service: str, handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
        from bonafide_local import documents, fault_injection

        call = _call.get()
        if call is not None and not call.service:
            content = body if isinstance(body, str) else body.decode("utf-8", "replace")
            call.operation = documents.operation_of(service, method, path, headers, content, query)
            call.caller = fault_injection.caller_of(headers)
            call.service = service
        return await handler(method, path, headers, body, query)

    return handle


def _timed_runtime_api(original: Callable[..., Any], timings: Timings) -> Callable[..., Any]:
    """Invocations, from the event's first byte to the answer's first byte."""

    def build(worker: Any, *rest: Any, **more: Any) -> Any:
        handler: Any = original(worker, *rest, **more)
        # By request id.
        begun: dict[str, float] = {}

        class Timed(handler):  # type: ignore[misc]
            # An event's headers and body are two packets: the second would wait 40 ms for the first to be acknowledged.
            disable_nagle_algorithm = True

            def send_header(self, keyword: str, value: str) -> None:
                if keyword == "Lambda-Runtime-Aws-Request-Id":
                    begun[value] = time.monotonic()
                super().send_header(keyword, value)

            def do_POST(self) -> None:
                end = time.monotonic()
                # /2018-06-01/runtime/invocation/<id>/response
                parts = self.path.split("/")
                start = begun.pop(parts[-2], None)
                if start is not None:
                    peak = _peak_bytes(worker._proc)
                    timings.invocation({"function": worker.func_name, "start": start, "end": end, "peakBytes": peak})
                super().do_POST()

        return Timed

    return build


def _peak_bytes(process: Any) -> int | None:
    """The peak memory of a process so far; None where there is no /proc."""
    if process is None:
        return None
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
    except OSError:
        return None
    kilobytes = lines.get("VmHWM", "").split()
    return int(kilobytes[0]) * 1024 if kilobytes else None
