"""Judges what passes between the product and the emulator by the service models, and collects the findings.

Requests are judged when a Task or a worker sends them, before faults apply; those of tests may be malformed on purpose. Answers are judged
from any sender, below the faults: what a fault forces is judged when it is added.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from bonafide_local.aws_json import Answer, Handler
from bonafide_local.documents import answer_document, of_task, operation_of, request_document
from bonafide_local.fault_injection import caller_of, current_task
from bonafide_local.faults import AWS_SERVICES
from bonafide_local.integrations import PREFIXES, Integration, over_integrations
from bonafide_local.models import Direction, Finding, error_name, errors_of, judge, operation_model


class Judge:
    """Counts what was judged and what was found. Safe to use from threads."""

    def __init__(self) -> None:
        self._judged: Counter[Direction] = Counter()
        # With the sender of a request: `<machine>/<state>`, or a worker.
        self._findings: Counter[tuple[Finding, str]] = Counter()
        self._lock = threading.Lock()

    def see(self, service: str, operation: str, direction: Direction, document: Any, sender: str = "") -> None:
        """Judge one document."""
        found = judge(service, operation, direction, document)
        with self._lock:
            self._judged[direction] += 1
            self._findings.update((finding, sender) for finding in found)

    def describe(self) -> dict[str, Any]:
        """The answer of ``GET /findings``."""
        with self._lock:
            judged = {direction.value: self._judged[direction] for direction in Direction}
            found = sorted(self._findings.items())
        findings = [{**finding._asdict(), "sender": sender, "count": count} for (finding, sender), count in found]
        return {"judged": judged, "findings": findings}

    def clear(self) -> None:
        with self._lock:
            self._judged.clear()
            self._findings.clear()

    def judge_answers(self) -> None:
        """Wrap what answers: the handlers of the product's services, and what the engine calls. Before faults are installed."""
        self._over_handlers(self._answers)
        over_integrations(self._results)

    def judge_requests(self) -> None:
        """Wrap the same again, after faults are installed."""
        self._over_handlers(self._requests)
        over_integrations(self._arguments)

    def _over_handlers(self, wrap: Any) -> None:
        from ministack import app

        for service in AWS_SERVICES:
            app.SERVICE_HANDLERS[service] = wrap(service, app.SERVICE_HANDLERS[service])

    def _answers(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
            status, answered, content = await handler(method, path, headers, body, query)
            operation = operation_of(service, method, path, headers, _text(service, body), query)
            try:
                document, code = answer_document(service, operation, status, answered, _bytes(content))
            except ValueError:
                document, code = None, None
            self.see(service, operation, Direction.ANSWER if code is None else Direction.ERROR, document if code is None else code)
            return status, answered, content

        return handle

    def _requests(self, service: str, handler: Handler) -> Handler:
        async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, query: dict[str, Any]) -> Answer:
            sender = current_task() or _worker(caller_of(headers))
            if sender:
                text = _text(service, body)
                operation = operation_of(service, method, path, headers, text, query)
                try:
                    document = request_document(service, operation, path, headers, text, query)
                except ValueError:
                    document = None
                self.see(service, operation, Direction.REQUEST, document, sender)
            return await handler(method, path, headers, body, query)

        return handle

    def _results(self, service: str, operation: str, original: Integration) -> Integration:
        from ministack.services.stepfunctions import _ExecutionError

        def perform(what: Any, arguments: Any) -> Any:
            try:
                result = original(what, arguments)
            except _ExecutionError as error:
                # What a function or a child fails with has a name of its own.
                if error.error.startswith(f"{PREFIXES[service]}."):
                    names = {error_name(service, PREFIXES[service], code): code for code in errors_of(service, operation)}
                    self.see(service, operation, Direction.ERROR, names.get(error.error, error.error))
                raise
            if service != "lambda":
                # The result of a child is its description.
                described = "DescribeExecution" if ".sync" in what else operation
                self.see(service, described, Direction.ANSWER, of_task(result, operation_model(service, described).output_shape))
            return result

        return perform

    def _arguments(self, service: str, operation: str, original: Integration) -> Integration:
        shape = operation_model(service, operation).input_shape

        def perform(what: Any, arguments: Any) -> Any:
            document = {"FunctionName": what} if service == "lambda" else of_task(arguments, shape)
            self.see(service, operation, Direction.REQUEST, document, current_task())
            return original(what, arguments)

        return perform


def _worker(caller: str) -> str:
    """The name of the function whose role signed a request; empty for users."""
    return caller.rpartition("/")[2] if ":assumed-role/" in caller else ""


def _text(service: str, body: bytes | str) -> str:
    """The body of a request; empty for an object of S3."""
    if service == "s3":
        return ""
    return body if isinstance(body, str) else body.decode("utf-8", "replace")


def _bytes(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content or b"")
