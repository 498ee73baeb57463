"""RedriveExecution, which the emulator lacks: an unsuccessful execution continues at the state where it stopped.

It follows https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html; ADR 0023 lists the differences.

The first attempt runs in the emulator's own loop. Meanwhile its *position* is recorded: the next state, that state's
input and the variables, and the same for every branch of a Parallel and every iteration of a Map. A redrive copies
the execution's record and continues from the position. What an earlier attempt still does goes into the old record,
which is not read any more.

An attempt ends early when it is stopped, and when the TimeoutSeconds of its machine have passed.
"""

from __future__ import annotations

import contextvars
import copy
import inspect
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from bonafide_local.timers import Timers

logger = logging.getLogger("bonafide_local")

Json = dict[str, Any]
Response = tuple[int, Json, bytes]

# The key in the records of executions for the data of a redrive, and in those of state machines for the definitions with
# which executions were started. As part of the record it is saved, and deleted, with it.
KEY = "bonafideRedrive"

# AWS's limits: days since the end, days since the start, events, number and lifetime of client tokens.
REDRIVABLE_SECONDS = 14 * 86_400
OPEN_SECONDS = 365 * 86_400
HISTORY_LIMIT = 24_999
CLIENT_TOKENS = 10
CLIENT_TOKEN_SECONDS = 15 * 60

_ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:[^:]+:[^:]+")
_CLIENT_TOKEN = re.compile(r"[!-~]{1,64}")

# The functions of the emulator's engine that are replaced or called, with their parameters.
_STATE, _RUN_STATE = ("state_def", "raw_input", "ctx"), ("state_def", "raw_input", "execution", "ctx")
_HANDLERS = {
    "Pass": ("_execute_pass", _STATE),
    "Choice": ("_execute_choice", _STATE),
    "Wait": ("_execute_wait", _STATE),
    "Task": ("_execute_task", _RUN_STATE),
    "Parallel": ("_execute_parallel", _RUN_STATE),
    "Map": ("_execute_map", _RUN_STATE),
}
_FUNCTIONS = dict(_HANDLERS.values()) | {
    "handle_request": ("method", "path", "headers", "body", "query_params"),
    "_run_execution": ("exec_arn",),
    "_run_sub_machine": ("states", "start_at", "input_data", "execution", "ctx"),
    "_run_parallel_branches": _RUN_STATE,
    "_run_map_items": _RUN_STATE,
    "_invoke_with_callback": ("resource", "input_data", "token", "state_def"),
    "_invoke_resource_with_timeout": ("resource", "input_data", "timeout"),
    "_add_event": ("execution", "event_type", "details"),
    "_fail_execution": ("execution", "error", "cause"),
    "_fail_state_error": _STATE,
    "_apply_input_path": ("state_def", "data", "ctx"),
    "_apply_output_path": ("state_def", "data", "ctx"),
    "_stop_execution": ("data",),
    "_describe_execution": ("data",),
    "_describe_state_machine_for_execution": ("data",),
    "_list_executions": ("data",),
    "_execution_sort_key": ("execution",),
    "_encode_execution_token": ("execution",),
    "_decode_execution_token": ("token",),
    "_emit_execution_status_event": ("execution",),
    "_finalize_response": ("response",),
    "_iso_to_epoch_ms": ("iso",),
}
_NAMES = (
    "_executions",
    "_state_machines",
    "_SM_INTERNAL_KEYS",
    "_task_tokens",
    "_ExecutionError",
    "json_response",
    "error_response_json",
    "now_iso",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of the current thread: an execution's record, and a position within it."""

    execution: Json
    position: Json


class _Stopped(SystemExit):
    """Ends an attempt without a message: a thread may end by SystemExit."""


_place: contextvars.ContextVar[_Place | None] = contextvars.ContextVar("place", default=None)
# The Parallel or Map whose branches are being run.
_fork: contextvars.ContextVar[Json | None] = contextvars.ContextVar("fork", default=None)
# The executions that the current Task waits for.
_awaited: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("awaited", default=None)


def install(timers: Timers) -> None:
    """Add RedriveExecution to the emulator, and the time limit of executions. To be called before other hooks wrap the same functions.

    Raises RuntimeError when internals of the emulator have changed.
    """
    from ministack.services import eventbridge, stepfunctions

    check(stepfunctions, eventbridge)
    Redrives(stepfunctions, timers).install(eventbridge)


def check(engine: ModuleType, eventbridge: ModuleType) -> None:
    """Refuse an emulator whose internals have changed, before anything is replaced."""
    expected = [(engine, name, parameters) for name, parameters in _FUNCTIONS.items()]
    expected.append((eventbridge, "_put_events", ("data", "allow_aws_source")))
    for module, name, parameters in expected:
        found = getattr(module, name, None)
        if found is None or tuple(inspect.signature(found).parameters) != parameters:
            raise RuntimeError(
                f"RedriveExecution cannot be added: this emulator has no {module.__name__}.{name}({', '.join(parameters)}); "
                "adapt local/bonafide_local/redrive.py to it"
            )
    for name in _NAMES:
        if not hasattr(engine, name):
            raise RuntimeError(
                f"RedriveExecution cannot be added: this emulator has no {engine.__name__}.{name}; "
                "adapt local/bonafide_local/redrive.py to it"
            )


def reason_against(execution: Json, definition: str | None, now: float) -> str | None:
    """Why an execution cannot be redriven, with AWS's message if there is one; ``None`` when it can.

    ``definition`` is the one with which it was started, ``None`` when the machine was deleted; ``now`` is in epoch seconds.
    """
    if execution["status"] in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {execution['status']} and cannot be redriven"
    record = execution.get(KEY)
    if record is None:
        return "Execution was started before the launch of RedriveExecution"
    if record["type"] != "STANDARD":
        return "Executions of EXPRESS state machines cannot be redriven"
    if definition is None:
        return "State machine is in DELETING status"
    if len(execution["events"]) >= HISTORY_LIMIT:
        return "Execution history event limit exceeded"
    if now - _epoch(execution["startDate"]) > OPEN_SECONDS:
        return "Execution has exceeded the max execution time"
    if now - _epoch(execution["stopDate"]) > REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    if _is_distributed(json.loads(definition)["States"].get(record["position"]["state"])):
        return "The local AWS cannot redrive a Map Run"
    return None


def redriven_with(token: str | None, used: list[list[Any]], now: float) -> str | None:
    """The date of the redrive that was requested with this client token. ``used`` has tokens, dates and times in epoch seconds."""
    return next((date for known, date, at in used if known == token and now - at <= CLIENT_TOKEN_SECONDS), None)


def _epoch(iso: str) -> float:
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


def _is_distributed(state: Any) -> bool:
    """Whether a state is a Distributed Map, or holds one in its branches."""
    if isinstance(state, dict):
        return state.get("Mode") == "DISTRIBUTED" or any(_is_distributed(value) for value in state.values())
    return isinstance(state, list) and any(_is_distributed(value) for value in state)


def _at_the_start(state: Any, value: Any, variables: Json) -> Json:
    return {"state": state, "input": value, "variables": dict(variables)}


def _to_resume(position: Json) -> None:
    """Mark the branches of a position as continued; a Retry of their state runs all of them again."""
    branches = position.pop("branches", None)
    if branches is not None:
        for branch in branches.values():
            _to_resume(branch)
        position["resume"] = branches


class Redrives:
    """The emulator's engine, extended. Safe to use from threads."""

    def __init__(self, engine: ModuleType, timers: Timers) -> None:
        self._engine = engine
        self._timers = timers
        self._lock = threading.RLock()

    def install(self, eventbridge: ModuleType) -> None:
        """Replace what `check` names."""
        engine = self._engine
        for name, _ in _HANDLERS.values():
            self._replace(engine, name, self._remember)
        self._replace(engine, "_run_execution", self._first_attempt)
        self._replace(engine, "_run_sub_machine", self._branch)
        self._replace(engine, "_run_parallel_branches", self._all_branches)
        self._replace(engine, "_run_map_items", self._all_branches)
        self._replace(engine, "_invoke_with_callback", self._wait_for_token)
        self._replace(engine, "_invoke_resource_with_timeout", self._stop_children_out_of_time)
        self._replace(engine, "_add_event", self._only_while_running)
        self._replace(engine, "_fail_execution", self._fail_once)
        self._replace(engine, "_stop_execution", self._stop)
        self._replace(engine, "_describe_execution", self._describe)
        self._replace(engine, "_describe_state_machine_for_execution", self._describe_machine)
        self._replace(engine, "_list_executions", self._list)
        self._replace(engine, "handle_request", self._handle)
        self._replace(eventbridge, "_put_events", self._announce)
        # What DescribeStateMachine leaves out.
        engine._SM_INTERNAL_KEYS |= {KEY}

    @staticmethod
    def _replace(module: ModuleType, name: str, wrap: Callable[..., Any]) -> None:
        setattr(module, name, wrap(getattr(module, name)))

    # Recording the position

    def _first_attempt(self, original: Callable[[str], None]) -> Callable[[str], None]:
        def run(exec_arn: str) -> None:
            execution = self._engine._executions.get(exec_arn)
            if execution is None or not self._prepare(execution):
                # Deleted, or not valid: the emulator reports this itself.
                original(exec_arn)
                return
            self._attempt(execution, lambda: original(exec_arn))

        return run

    def _prepare(self, execution: Json) -> bool:
        machine = self._engine._state_machines.get(execution["stateMachineArn"])
        if machine is None:
            return False
        try:
            definition = json.loads(machine["definition"])
            start, seconds = definition["StartAt"], definition.get("TimeoutSeconds")
            value = json.loads(execution["input"])
        except (ValueError, KeyError, TypeError):
            return False
        machine.setdefault(KEY, {})[machine["revisionId"]] = machine["definition"]
        execution[KEY] = {
            "revision": machine["revisionId"],
            "type": machine["type"],
            "timeoutSeconds": seconds,
            "position": _at_the_start(start, value, {}),
            "count": 0,
            "date": None,
            "clientTokens": [],
            "taskTokens": [],
            "children": [],
        }
        return True

    def _definition(self, execution: Json) -> str | None:
        machine = self._engine._state_machines.get(execution["stateMachineArn"])
        definition: str | None = machine.get(KEY, {}).get(execution[KEY]["revision"]) if machine else None
        return definition

    def _attempt(self, execution: Json, run: Callable[[], None]) -> None:
        """Run an attempt until it ends or is stopped."""
        arn, caller, awaited = execution["executionArn"], _place.get(), _awaited.get()
        # A `.sync` child runs in the thread of its parent's Task, any other execution in its own thread.
        lists = [caller.execution[KEY]["children"]] if execution.get("sync") and caller else []
        if lists and awaited is not None:
            lists.append(awaited)
        for running in lists:
            running.append(arn)
        if lists:
            # AWS names the child as soon as it runs; the emulator only when it has succeeded.
            submitted = {"resourceType": "states", "resource": "startExecution.sync:2", "output": json.dumps({"ExecutionArn": arn})}
            self._engine._add_event(caller.execution, "TaskSubmitted", {"taskSubmittedEventDetails": submitted})
        # The time limit of a redriven execution starts again.
        seconds = execution[KEY]["timeoutSeconds"]
        cancel = self._timers.after(seconds, lambda: self._time_out(execution)) if seconds else None
        entered = _place.set(_Place(execution, execution[KEY]["position"]))
        try:
            run()
        except _Stopped:
            pass
        finally:
            _place.reset(entered)
            if cancel is not None:
                cancel()
            for running in lists:
                running.remove(arn)
            if execution["status"] == "SUCCEEDED":
                execution[KEY]["position"].clear()

    def _remember(self, original: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
        """After a state, set the position to the next one."""

        def execute(state_def: Json, raw_input: Any, *rest: Any) -> tuple[Any, Any]:
            place = _place.get()
            if place is None:
                # TestState: no execution.
                return original(state_def, raw_input, *rest)
            context = rest[-1]
            context["Execution"].setdefault("RedriveCount", 0)
            output, following = original(state_def, raw_input, *rest)
            with self._lock:
                place.position.pop("branches", None)
                place.position.update(_at_the_start(following, output, context["variables"]))
            return output, following

        return execute

    def _all_branches(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(state_def: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
            place = _place.get()
            if place is None:
                return original(state_def, raw_input, execution, ctx)
            with self._lock:
                place.position["branches"] = place.position.pop("resume", {})
            entered = _fork.set(state_def)
            try:
                return original(state_def, raw_input, execution, ctx)
            finally:
                _fork.reset(entered)

        return run

    def _branch(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A branch has its own position and variables. A branch that succeeded is not run again."""

        def run(states: Json, start_at: str, input_data: Any, execution: Json, ctx: Json) -> Any:
            place, fork = _place.get(), _fork.get()
            if place is None or fork is None or execution is not place.execution:
                # TestState, or a child of a Map Run.
                entered = _place.set(None)
                try:
                    return original(states, start_at, input_data, execution, ctx)
                finally:
                    _place.reset(entered)
            with self._lock:
                started = _at_the_start(start_at, input_data, ctx["variables"])
                branch = place.position["branches"].setdefault(_branch_key(fork, states, ctx), started)
            if "output" in branch:
                return branch["output"]
            entered = _place.set(_Place(execution, branch))
            try:
                own = {**ctx, "variables": dict(branch["variables"])}
                output = original(states, branch["state"], branch["input"], execution, own)
            finally:
                _place.reset(entered)
            with self._lock:
                branch.clear()
                branch["output"] = output
            return output

        return run

    # Ending an attempt

    def _only_while_running(self, original: Callable[..., Json]) -> Callable[..., Json]:
        """After its end an attempt records no events, runs no states, and retries no calls."""

        def add(execution: Json, event_type: str, details: Json | None = None) -> Json:
            with self._lock:
                if execution["status"] != "RUNNING" and not event_type.startswith("Execution"):
                    raise _Stopped
                return original(execution, event_type, details)

        return add

    def _fail_once(self, _original: Callable[..., None]) -> Callable[..., None]:
        engine = self._engine

        def fail(execution: Json, error: str, cause: str) -> None:
            with self._lock:
                if execution["status"] != "RUNNING":
                    return
                output = json.dumps({"Error": error, "Cause": cause})
                execution.update(error=error, cause=cause, output=output, stopDate=engine.now_iso())
                engine._add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": {"error": error, "cause": cause}})
                # Last, since a client that sees the status may redrive at once.
                execution["status"] = "FAILED"
            engine._emit_execution_status_event(execution)

        return fail

    def _time_out(self, execution: Json) -> None:
        """As on AWS, the execution has neither error nor cause, and its history has no event for the interrupted state."""
        engine = self._engine
        with self._lock:
            if execution["status"] != "RUNNING":
                return
            execution["stopDate"] = engine.now_iso()
            engine._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
            execution["status"] = "TIMED_OUT"
        engine._emit_execution_status_event(execution)
        self._end_waits(execution)

    def _wait_for_token(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def invoke(resource: str, input_data: Any, token: str, state_def: Json) -> Any:
            place = _place.get()
            if place is not None:
                with self._lock:
                    if place.execution["status"] != "RUNNING":
                        raise _Stopped
                    place.execution[KEY]["taskTokens"].append(token)
            return original(resource, input_data, token, state_def)

        return invoke

    def _stop_children_out_of_time(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """When a Task times out, Step Functions stops the execution that it waits for."""

        def invoke(resource: str, input_data: Any, timeout: float) -> Any:
            children: list[str] = []
            entered = _awaited.set(children)
            try:
                return original(resource, input_data, timeout)
            except self._engine._ExecutionError as error:
                if error.error == "States.Timeout":
                    self._stop_all(children)
                raise
            finally:
                _awaited.reset(entered)

        return invoke

    def _stop(self, original: Callable[[Json], Response]) -> Callable[[Json], Response]:
        def stop(data: Json) -> Response:
            response = original(data)
            execution = self._engine._executions.get(data.get("executionArn"))
            if response[0] == 200 and execution is not None and KEY in execution:
                self._end_waits(execution)
            return response

        return stop

    def _end_waits(self, execution: Json) -> None:
        """Close the tokens that an execution waits for, and stop the executions that it waits for."""
        for token in list(execution[KEY]["taskTokens"]):
            waiting = self._engine._task_tokens.pop(token, None)
            if waiting is not None:
                waiting["event"].set()
        self._stop_all(execution[KEY]["children"])

    def _stop_all(self, children: list[str]) -> None:
        for child in list(children):
            self._engine._stop_execution({"executionArn": child})

    # The operation

    def _handle(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(method: str, path: str, headers: Json, body: bytes | str, query_params: Json) -> Response:
            if headers.get("x-amz-target", "").rpartition(".")[2] != "RedriveExecution":
                answer: Response = await original(method, path, headers, body, query_params)
                return answer
            try:
                data = json.loads(body or b"{}")
            except ValueError:
                return self._error("SerializationException", "Invalid JSON")
            response: Response = self._engine._finalize_response(self._redrive(data))
            return response

        return handle

    def _redrive(self, data: Json) -> Response:
        arn, token = data.get("executionArn"), data.get("clientToken")
        if not isinstance(arn, str) or not 1 <= len(arn) <= 256:
            return self._error("ValidationException", "executionArn must be a string of 1 to 256 characters")
        if token is not None and not (isinstance(token, str) and _CLIENT_TOKEN.fullmatch(token)):
            return self._error("ValidationException", "clientToken must be 1 to 64 printable ASCII characters without blanks")
        if not _ARN.fullmatch(arn):
            return self._error("InvalidArn", f"Invalid Arn: '{arn}' is not the ARN of an execution")
        with self._lock:
            execution = self._engine._executions.get(arn)
            if execution is None:
                return self._error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
            now = time.time()
            date = redriven_with(token, execution.get(KEY, {}).get("clientTokens", []), now)
            if date is not None:
                return self._ok({"redriveDate": date})
            reason = self._reason_against(execution, now)
            if reason is not None:
                return self._error("ExecutionNotRedrivable", reason)
            attempt = self._next_attempt(execution, token, now)
            self._engine._executions[arn] = attempt
        record = attempt[KEY]
        self._engine._add_event(attempt, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": record["count"]}})
        self._engine._emit_execution_status_event(attempt)
        # The emulator's records are stored by account and region.
        inherited = contextvars.copy_context()
        threading.Thread(target=inherited.run, args=(self._attempt, attempt, lambda: self._continue(attempt)), daemon=True).start()
        return self._ok({"redriveDate": record["date"]})

    def _next_attempt(self, execution: Json, token: str | None, now: float) -> Json:
        record = copy.deepcopy(execution[KEY])
        record.update(count=record["count"] + 1, date=self._engine.now_iso(), taskTokens=[], children=[])
        if token is not None:
            record["clientTokens"] = [*record["clientTokens"], [token, record["date"], now]][-CLIENT_TOKENS:]
        _to_resume(record["position"])
        attempt = {name: value for name, value in execution.items() if name not in ("error", "cause", "sync")}
        attempt.update(status="RUNNING", stopDate=None, output=None, events=list(execution["events"]))
        attempt[KEY] = record
        return attempt

    def _continue(self, execution: Json) -> None:
        """Run the rest of an execution from a position, as the emulator's loop does."""
        engine = self._engine
        try:
            output = json.dumps(self._run_states(execution))
        except engine._ExecutionError as error:
            engine._fail_execution(execution, error.error, error.cause)
        except Exception as error:
            logger.exception("unexpected error in %s", execution["executionArn"])
            engine._fail_execution(execution, "States.Runtime", str(error))
        else:
            if execution["status"] == "RUNNING":
                execution.update(status="SUCCEEDED", output=output, stopDate=engine.now_iso())
                engine._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": output}})
                engine._emit_execution_status_event(execution)

    def _run_states(self, execution: Json) -> Any:
        engine, record = self._engine, execution[KEY]
        machine = engine._state_machines[execution["stateMachineArn"]]
        definition = json.loads(machine[KEY][record["revision"]])
        context = {
            "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
            "Execution": {
                "Id": execution["executionArn"],
                "Input": json.loads(execution["input"]),
                "Name": execution["name"],
                "StartTime": execution["startDate"],
                "RedriveCount": record["count"],
                "RedriveTime": record["date"],
            },
            "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
            "variables": dict(record["position"]["variables"]),
        }
        name, value, is_resumed = record["position"]["state"], record["position"]["input"], True
        while name and execution["status"] == "RUNNING":
            state = definition["States"][name]
            kind = state["Type"]
            context["State"] = {"Name": name, "EnteredTime": engine.now_iso(), "RetryCount": 0}
            # A state that is run again was entered before, and has no second event; only Fail has one.
            if kind == "Fail" or not is_resumed:
                details = {"name": name, "input": json.dumps(value)}
                engine._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": details})
            following = None
            if kind == "Fail":
                raise engine._ExecutionError(*engine._fail_state_error(state, value, context))
            if kind == "Succeed":
                value = engine._apply_output_path(state, engine._apply_input_path(state, value, context), context)
            else:
                handler, parameters = _HANDLERS[kind]
                own = (execution, context) if parameters is _RUN_STATE else (context,)
                value, following = getattr(engine, handler)(state, value, *own)
            details = {"name": name, "output": json.dumps(value)}
            engine._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": details})
            name, is_resumed = following, False
        return value

    # Descriptions

    def _reason_against(self, execution: Json, now: float) -> str | None:
        return reason_against(execution, self._definition(execution) if KEY in execution else None, now)

    def _fields(self, execution: Json) -> Json:
        record = execution.get(KEY) or {}
        reason = self._reason_against(execution, time.time())
        return {
            "redriveCount": record.get("count", 0),
            "redriveDate": record.get("date"),
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason,
        }

    def _describe(self, original: Callable[[Json], Response]) -> Callable[[Json], Response]:
        def describe(data: Json) -> Response:
            response = original(data)
            execution = self._engine._executions.get(data.get("executionArn"))
            if response[0] != 200 or execution is None:
                return response
            shown = {name: value for name, value in self._fields(execution).items() if value is not None}
            return self._ok(json.loads(response[2]) | shown)

        return describe

    def _describe_machine(self, original: Callable[[Json], Response]) -> Callable[[Json], Response]:
        """The definition with which the execution was started, also after the machine was changed."""

        def describe(data: Json) -> Response:
            response = original(data)
            execution = self._engine._executions.get(data.get("executionArn"))
            definition = self._definition(execution) if execution is not None and KEY in execution else None
            if response[0] != 200 or definition is None:
                return response
            return self._ok(json.loads(response[2]) | {"definition": definition})

        return describe

    def _list(self, original: Callable[[Json], Response]) -> Callable[[Json], Response]:
        engine = self._engine

        def describe(listed: list[Json]) -> list[Json]:
            for item in listed:
                record = (engine._executions.get(item["executionArn"]) or {}).get(KEY, {})
                item["redriveCount"] = record.get("count", 0)
                if item["redriveCount"]:
                    item["redriveDate"] = record["date"]
            return listed

        def list_executions(data: Json) -> Response:
            wanted = data.get("redriveFilter")
            if wanted is None:
                response = original(data)
                if response[0] != 200:
                    return response
                body = json.loads(response[2])
                return self._ok(body | {"executions": describe(body["executions"])})
            if wanted not in ("REDRIVEN", "NOT_REDRIVEN"):
                return self._error("ValidationException", "redriveFilter must be REDRIVEN or NOT_REDRIVEN")
            cursor = engine._decode_execution_token(data["nextToken"]) if data.get("nextToken") else None
            if data.get("nextToken") and cursor is None:
                return self._error("InvalidToken", "Invalid Token: 'Invalid token'")
            response = original({**data, "nextToken": None, "maxResults": len(engine._executions) + 1})
            if response[0] != 200:
                return response
            found = [
                item
                for item in describe(json.loads(response[2])["executions"])
                if (item["redriveCount"] > 0) == (wanted == "REDRIVEN") and (cursor is None or engine._execution_sort_key(item) < cursor)
            ]
            limit = int(data.get("maxResults") or 1000)
            more = {"nextToken": engine._encode_execution_token(found[limit - 1])} if len(found) > limit else {}
            return self._ok({"executions": found[:limit], **more})

        return list_executions

    def _announce(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Put the redrives into the status-change events; the emulator writes constants."""

        def put_events(data: Json, allow_aws_source: bool = False) -> Any:
            for entry in data.get("Entries", []) if allow_aws_source else []:
                if entry.get("Source") == "aws.states":
                    detail = json.loads(entry["Detail"])
                    execution = self._engine._executions.get(detail["executionArn"])
                    if execution is not None:
                        fields = self._fields(execution)
                        detail |= fields | {"redriveDate": self._engine._iso_to_epoch_ms(fields["redriveDate"])}
                        entry["Detail"] = json.dumps(detail)
            return original(data, allow_aws_source=allow_aws_source)

        return put_events

    def _ok(self, body: Json) -> Response:
        response: Response = self._engine.json_response(body)
        return response

    def _error(self, code: str, message: str) -> Response:
        response: Response = self._engine.error_response_json(code, message, 400)
        return response


def _branch_key(fork: Json, states: Json, ctx: Json) -> str:
    """Which branch of a Parallel, or which iteration of a Map. Text, since the emulator may save it as JSON."""
    if fork["Type"] == "Map":
        return str(ctx["Map"]["Item"]["Index"])
    return next(str(index) for index, branch in enumerate(fork["Branches"]) if branch["States"] is states)
