"""Task tokens as in Step Functions: heartbeats, and answers to a task that has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from bonafide_local.iam import machine_of_token
from bonafide_local.timers import Timers

Json = dict[str, Any]
Response = tuple[int, Json, bytes]


class HeartbeatTimeout(str):
    """`States.Timeout`, as AWS reports it for an overdue heartbeat, that `States.HeartbeatTimeout` in ErrorEquals matches as well."""

    __slots__ = ()


def install(timers: Timers) -> None:
    """Enforce HeartbeatSeconds, and answer SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat as AWS does."""
    from ministack.services import stepfunctions

    Tokens(stepfunctions, timers).install()


class Tokens:
    """Safe to use from threads."""

    def __init__(self, engine: ModuleType, timers: Timers) -> None:
        self._engine = engine
        self._timers = timers
        self._lock = threading.Lock()
        # Token → its HeartbeatSeconds, and the function that cancels the timer
        self._heartbeats: dict[str, tuple[float, Callable[[], bool]]] = {}

    def install(self) -> None:
        engine = self._engine
        engine._invoke_with_callback = self._watch_heartbeats(engine._invoke_with_callback)
        engine._send_task_success = self._answer_once(engine._send_task_success)
        engine._send_task_failure = self._answer_once(engine._send_task_failure)
        engine._send_task_heartbeat = self._answer_once(self._heartbeat)

    def _watch_heartbeats(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The time starts when the task is scheduled, not with the first heartbeat."""

        def invoke(resource: str, arguments: Any, token: str, state: Json) -> Any:
            seconds = state.get("HeartbeatSeconds")
            if seconds is None:
                return original(resource, arguments, token, state)
            with self._lock:
                self._start(token, seconds)
            try:
                return original(resource, arguments, token, state)
            finally:
                with self._lock:
                    _, cancel = self._heartbeats.pop(token)
                    cancel()

        return invoke

    def _start(self, token: str, seconds: float) -> None:
        self._heartbeats[token] = (seconds, self._timers.after(seconds, lambda: self._expire(token)))

    def _expire(self, token: str) -> None:
        with self._lock:
            waiting = self._engine._task_tokens.get(token)
            if waiting is None and token in self._heartbeats:
                # The engine is about to register the token, or has just received its answer.
                self._start(token, self._heartbeats[token][0])
            elif waiting is not None and not waiting["event"].is_set():
                waiting["error"] = {"Error": HeartbeatTimeout("States.Timeout"), "Cause": ""}
                waiting["event"].set()

    def _answer_once(self, original: Callable[[Json], Response]) -> Callable[[Json], Response]:
        def answer(data: Json) -> Response:
            token = data.get("taskToken")
            with self._lock:
                waiting = self._engine._task_tokens.get(token)
                if waiting is not None and not waiting["event"].is_set():
                    return original(data)
                return self._closed() if token in machine_of_token else self._error("InvalidToken", "Invalid Token: 'Invalid token'")

        return answer

    def _heartbeat(self, data: Json) -> Response:
        token = data["taskToken"]
        if token in self._heartbeats:
            seconds, cancel = self._heartbeats[token]
            if not cancel():
                return self._closed()
            self._start(token, seconds)
        response: Response = self._engine.json_response({})
        return response

    def _closed(self) -> Response:
        return self._error("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")

    def _error(self, code: str, message: str) -> Response:
        response: Response = self._engine.error_response_json(code, message, 400)
        return response
