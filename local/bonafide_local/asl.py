"""The Amazon States Language as AWS executes it, where the emulator's engine differs.

See https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html (JSONata),
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (errors) and
https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html (children).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from bonafide_local.integrations import PREFIXES, Integration, over_integrations
from bonafide_local.models import error_name
from bonafide_local.tokens import HeartbeatTimeout

Json = dict[str, Any]

# Operators of JSONata 2.1, both of two characters that are tokens of their own in 2.0.6, which Step Functions runs.
_NEW_OPERATORS = ("?:", "??")


def install() -> None:
    """Replace what differs, for all machines."""
    from jsonata.parser import Parser
    from jsonata.tokenizer import Tokenizer
    from ministack.services import stepfunctions as engine

    engine._apply_output_path = _with_output_of_succeed(engine, engine._apply_output_path)
    engine._evaluate_jsonata_choice_rule = lambda rule, raw_input, ctx: _condition(engine, rule, raw_input, ctx)
    engine._apply_state_assign = _assigning_at_once(engine)
    _evaluate_timeouts(engine)
    engine._error_matches = error_matches
    engine._add_event = _with_timeouts_by_name(engine._add_event)
    engine._prefix_sdk_error = _named_as_in_java(engine)
    over_integrations(_named_in_integration)
    engine._nested_execution_failure = _failure_of_child(engine)
    for start in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync"):
        setattr(engine, start, _with_dates_in_milliseconds(engine, getattr(engine, start)))
    engine._invoke_nested_start_execution_sync = _refusing_taken_names(engine, engine._invoke_nested_start_execution_sync)
    Tokenizer.next = _as_in_2_0_6(Tokenizer.next)
    Parser.parse = _once_for_each_expression(Parser.parse)


def _once_for_each_expression(original: Callable[..., Any]) -> Callable[..., Any]:
    """The engine parses an expression before each evaluation, which takes longer and only reads the tree."""
    trees: dict[str, Any] = {}

    def parse(parser: Any, code: str, *regex_engine: Any) -> Any:
        if code not in trees:
            trees[code] = original(parser, code, *regex_engine)
        return trees[code]

    return parse


def _with_output_of_succeed(engine: ModuleType, original: Callable[..., Any]) -> Callable[..., Any]:
    """A Succeed state has no handler of its own in the engine: it only applies the paths of JSONPath."""

    def apply(state: Json, data: Any, ctx: Json | None = None) -> Any:
        if state.get("Type") == "Succeed" and engine._state_query_language(state, ctx) == "JSONata":
            return engine._apply_jsonata_output(state, data, ctx, default=data)
        return original(state, data, ctx)

    return apply


def _condition(engine: ModuleType, rule: Json, raw_input: Any, ctx: Json) -> bool:
    """The engine takes any value for true or false, as JSONata itself does in ``and`` and ``?``."""
    return bool(engine._jsonata_state_field(rule, "Condition", "boolean", raw_input, ctx))


def _assigning_at_once(engine: ModuleType) -> Callable[..., None]:
    """The expressions of an Assign see the old values of the variables."""

    def assign(state: Json, raw_input: Any, ctx: Json, result: Any = None, error_output: Any = None) -> None:
        if "Assign" in state and engine._state_query_language(state, ctx) == "JSONata":
            evaluated = engine._apply_jsonata_template(state["Assign"], raw_input, ctx, result=result, error_output=error_output)
            ctx["variables"].update(evaluated)

    return assign


def _evaluate_timeouts(engine: ModuleType) -> None:
    """The TimeoutSeconds of a wait for a token may be an expression, evaluated with the arguments of each attempt."""
    seconds: ContextVar[float] = ContextVar("seconds")
    apply_arguments, invoke_with_callback = engine._apply_jsonata_arguments, engine._invoke_with_callback

    def apply(state: Json, raw_input: Any, ctx: Json) -> Any:
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds.set(engine._jsonata_state_field(state, "TimeoutSeconds", "number", raw_input, ctx))
        return apply_arguments(state, raw_input, ctx)

    def invoke(resource: str, arguments: Any, token: str, state: Json) -> Any:
        if isinstance(state.get("TimeoutSeconds"), str):
            state = state | {"TimeoutSeconds": seconds.get()}
        return invoke_with_callback(resource, arguments, token, state)

    engine._apply_jsonata_arguments = apply
    engine._invoke_with_callback = invoke


def error_matches(error_equals: list[str], error: str) -> bool:
    """Whether a retrier's or catcher's ErrorEquals matches an error."""
    # AWS neither retries nor catches this error, even where it is named.
    if error == "States.Runtime":
        return False
    if error in error_equals or ("States.HeartbeatTimeout" in error_equals and isinstance(error, HeartbeatTimeout)):
        return True
    if "States.TaskFailed" in error_equals and error != "States.Timeout":
        return True
    return "States.ALL" in error_equals and error != "States.DataLimitExceeded"


def _with_timeouts_by_name(original: Callable[..., Json]) -> Callable[..., Json]:
    """The history of a task that timed out has TaskTimedOut; the engine writes TaskFailed."""

    def add(execution: Json, event_type: str, details: Json | None = None) -> Json:
        failed = (details or {}).get("taskFailedEventDetails", {})
        if failed.get("error") == "States.Timeout":
            return original(execution, "TaskTimedOut", {"taskTimedOutEventDetails": failed})
        return original(execution, event_type, details)

    return add


def _named_as_in_java(engine: ModuleType) -> Callable[[str, str], str]:
    """The names of the errors of ``aws-sdk:`` integrations."""

    def named(service_name: str, code: str) -> str:
        if code.startswith("States."):
            return code
        service = engine._AWS_SDK_SERVICE_MAP[service_name].get("service_key", service_name)
        return error_name(service, engine._AWS_SDK_ERROR_PREFIX[service_name], code.rpartition("#")[2])

    return named


def _named_in_integration(service: str, _operation: str, original: Integration) -> Integration:
    """The names of the errors of optimized integrations. What a function or a child execution fails with has a name of its own."""
    prefix = PREFIXES[service]

    def perform(what: Any, arguments: Any) -> Any:
        from ministack.services.stepfunctions import _ExecutionError

        try:
            return original(what, arguments)
        except _ExecutionError as error:
            if service == "lambda" or error.error.startswith("States."):
                raise
            # For SNS, the engine has one name for all errors, and the answer as cause.
            code = re.search(r"<Code>(.+?)</Code>", error.cause)
            name = code[1] if code else error.error.removeprefix(f"{prefix}.")
            raise _ExecutionError(error_name(service, prefix, name), error.cause) from None

    return perform


def _failure_of_child(engine: ModuleType) -> Callable[[Json], tuple[str, str]]:
    """A Task that waits for a child fails with one error, whatever the status and the error of the child are."""

    def failure(answer: Json) -> tuple[str, str]:
        _, _, body = engine._describe_execution({"executionArn": answer["executionArn"]})
        described = json.loads(body) | {"inputDetails": {"Included": True}}
        capitalized = {
            name[0].upper() + name[1:]: value for name, value in described.items() if value is not None and not name.startswith("output")
        }
        dated = _in_milliseconds(engine, capitalized)
        return "States.TaskFailed", json.dumps(dated, sort_keys=True, separators=(",", ":"))

    return failure


def _with_dates_in_milliseconds(engine: ModuleType, original: Integration) -> Integration:
    return lambda resource, arguments: _in_milliseconds(engine, original(resource, arguments))


def _in_milliseconds(engine: ModuleType, execution: Json) -> Json:
    """Dates of a child, which the engine writes as text."""
    return {name: engine._iso_to_epoch_ms(value) if name.endswith("Date") else value for name, value in execution.items()}


def _refusing_taken_names(engine: ModuleType, original: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """A name can be used once only; the engine replaces the earlier execution.

    AWS lets a Task wait for an execution that still runs with the same input. This cannot happen here: a Task starts its child and waits
    for its end in one step.
    """

    def start(resource: str, arguments: Any) -> Any:
        request = engine._nested_start_execution_request(arguments)
        machine, _, name = request["stateMachineArn"].rpartition(":")
        execution = f"{machine.replace(':stateMachine', ':execution')}:{name}:{request.get('name')}"
        if execution in engine._executions:
            raise engine._ExecutionError("StepFunctions.ExecutionAlreadyExistsException", f"Execution Already Exists: '{execution}'")
        return original(resource, arguments)

    return start


def _as_in_2_0_6(original: Callable[..., Any]) -> Callable[..., Any]:
    """Read a newer operator as two tokens, so that the parser refuses it as JSONata 2.0.6 does."""

    def read(tokenizer: Any, prefix: bool) -> Any:
        token = original(tokenizer, prefix)
        if token is not None and token.type == "operator" and token.value in _NEW_OPERATORS:
            tokenizer.position -= 1
            token.value = "?"
        return token

    return read
