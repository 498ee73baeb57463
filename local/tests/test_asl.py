"""The Amazon States Language of the local AWS, where the emulator differs from AWS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from conftest import TIMEOUT, LocalAws, child_of, code, task, waits


@pytest.fixture
def name() -> str:
    return f"asl-{uuid.uuid4().hex[:12]}"


def look(**more: Any) -> dict[str, Any]:
    """A Task that a fault can break."""
    return task("arn:aws:states:::aws-sdk:rekognition:listCollections", {}, **more)


def passed(output: Any, **more: Any) -> dict[str, Any]:
    ending = {} if "Next" in more else {"End": True}
    return {"Type": "Pass", "Output": output, **ending, **more}


def events(aws: LocalAws, execution: str, kind: str) -> list[dict[str, Any]]:
    history = aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return [event for event in history if event["type"] == kind]


# Children


def milliseconds(date: Any) -> int:
    return round(date.timestamp() * 1000)


def start_child(aws: LocalAws, name: str, broken: dict[str, Any], **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The descriptions of a parent, whose Task has these fields, and of its child, which runs the broken state."""
    child = aws.create_machine(f"{name}-child", {"Break": broken})
    parent = aws.run(name, {"Call": child_of(child, **more), "Caught": passed("caught")}, {})
    sfn = aws.client("stepfunctions")
    (execution,) = sfn.list_executions(stateMachineArn=child)["executions"]
    return parent, sfn.describe_execution(executionArn=execution["executionArn"])


@pytest.mark.parametrize(
    ("state", "own"),
    [
        ({"Error": "Bonafide.Internal", "Cause": "for the test"}, {"Error": "Bonafide.Internal", "Cause": "for the test"}),
        ({"Error": "Bonafide.Internal"}, {"Error": "Bonafide.Internal"}),
        ({"Error": "States.Timeout"}, {"Error": "States.Timeout"}),
    ],
)
def test_a_failed_child_reaches_its_parent_as_task_failed_with_its_description(
    aws: LocalAws, name: str, state: dict[str, Any], own: dict[str, Any]
) -> None:
    parent, child = start_child(aws, name, {"Type": "Fail", **state})
    assert (parent["status"], parent["error"]) == ("FAILED", "States.TaskFailed")
    described = {
        **own,
        "ExecutionArn": child["executionArn"],
        "Input": "{}",
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "RedriveCount": 0,
        "RedriveStatus": "REDRIVABLE",
        "StartDate": milliseconds(child["startDate"]),
        "StateMachineArn": child["stateMachineArn"],
        "Status": "FAILED",
        "StopDate": milliseconds(child["stopDate"]),
    }
    assert parent["cause"] == json.dumps(described, sort_keys=True, separators=(",", ":"))
    (failed,) = events(aws, parent["executionArn"], "TaskFailed")
    assert (failed["taskFailedEventDetails"]["error"], failed["taskFailedEventDetails"]["cause"]) == (parent["error"], parent["cause"])


@pytest.mark.parametrize(("error_equals", "is_caught"), [("Bonafide.Internal", False), ("States.TaskFailed", True)])
def test_a_parent_does_not_catch_its_childs_own_error(aws: LocalAws, name: str, error_equals: str, is_caught: bool) -> None:
    catch = [{"ErrorEquals": [error_equals], "Next": "Caught"}]
    parent, _ = start_child(aws, name, {"Type": "Fail", "Error": "Bonafide.Internal"}, Catch=catch)
    assert parent["status"] == ("SUCCEEDED" if is_caught else "FAILED")


def test_a_child_with_a_used_name_is_not_started(aws: LocalAws, name: str) -> None:
    machine = aws.create_machine(f"{name}-child", {"Pass": passed("done")})
    call = child_of(machine)
    call["Arguments"]["Name"] = "once"
    first = aws.run(name, {"Call": call})
    assert first["status"] == "SUCCEEDED"
    again = aws.run(f"{name}-again", {"Call": call})
    assert (again["status"], again["error"]) == ("FAILED", "StepFunctions.ExecutionAlreadyExistsException")
    (execution,) = aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert execution["status"] == "SUCCEEDED"


# Expressions


def test_a_succeed_state_has_an_output(aws: LocalAws, name: str) -> None:
    states = {
        "Start": passed("{% $states.input %}", Assign={"word": "{% $states.input.word %}"}, Next="Done"),
        "Done": {"Type": "Succeed", "Output": {"word": "{% $word %}", "input": "{% $states.input %}"}},
    }
    described = aws.run(name, states, {"word": "hello"})
    assert json.loads(described["output"]) == {"word": "hello", "input": {"word": "hello"}}
    (exited,) = events(aws, described["executionArn"], "SucceedStateExited")
    assert exited["stateExitedEventDetails"]["output"] == described["output"]


def test_a_succeed_state_of_a_branch_has_an_output(aws: LocalAws, name: str) -> None:
    branch = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed", "Output": "{% $states.input.word %}"}}}
    described = aws.run(name, {"Fork": {"Type": "Parallel", "Branches": [branch], "End": True}}, {"word": "hello"})
    assert json.loads(described["output"]) == ["hello"]


def test_a_succeed_state_has_no_assign_and_no_paths(aws: LocalAws, name: str) -> None:
    done = {"Type": "Succeed", "OutputPath": "$.word", "Assign": {"word": "{% $error('evaluated') %}"}}
    assert json.loads(aws.run(name, {"Done": done}, {"word": "hello"})["output"]) == {"word": "hello"}


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ("{% $states.input.number > 1 %}", True),
        ("{% $states.input.number > 2 %}", False),
        (True, True),
        ("{% $states.input.number %}", None),
        ("{% 'true' %}", None),
        ("{% null %}", None),
        ("{% [true] %}", None),
        ("{% $states.input.absent %}", None),
        ("{% $states.input.absent > 1 %}", None),
        ("{% $not($states.input.absent) %}", None),
    ],
)
def test_a_condition_is_a_boolean(aws: LocalAws, name: str, condition: Any, is_met: bool | None) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "Met"}], "Default": "NotMet"}
    described = aws.run(name, {"IsMet": choice, "Met": passed(True), "NotMet": passed(False)}, {"number": 2})
    if is_met is None:
        assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")
    else:
        assert json.loads(described["output"]) is is_met


SWAP = {"first": "{% $second %}", "second": "{% $first %}", "both": "{% $first & $second %}"}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Assign": SWAP, "Next": "Done"},
        {"Type": "Choice", "Choices": [{"Condition": True, "Assign": SWAP, "Next": "Done"}]},
        {"Type": "Choice", "Choices": [{"Condition": False, "Next": "Done"}], "Assign": SWAP, "Default": "Done"},
        look(Assign=SWAP, Next="Done"),
        task(
            "arn:aws:states:::sqs:sendMessage",
            {"QueueUrl": "absent", "MessageBody": "a"},
            Catch=[{"ErrorEquals": ["States.ALL"], "Assign": SWAP, "Next": "Done"}],
            Next="Done",
        ),
    ],
    ids=["Pass", "rule", "Default", "Task", "Catch"],
)
def test_all_of_an_assign_is_evaluated_before_any_of_it_is_assigned(aws: LocalAws, name: str, state: dict[str, Any]) -> None:
    start = passed({}, Assign={"first": "a", "second": "b", "both": ""}, Next="Swap")
    done = {"Type": "Succeed", "Output": "{% [$first, $second, $both] %}"}
    assert json.loads(aws.run(name, {"Start": start, "Swap": state, "Done": done})["output"]) == ["b", "a", "ab"]


def test_a_choices_own_assign_is_for_its_default_only(aws: LocalAws, name: str) -> None:
    rule = {"Condition": "{% $states.input.met %}", "Assign": {"rule": "assigned"}, "Next": "Done"}
    states = {
        "Start": passed("{% $states.input %}", Assign={"rule": "old", "own": "old"}, Next="IsMet"),
        "IsMet": {"Type": "Choice", "Choices": [rule], "Assign": {"own": "assigned"}, "Default": "Done"},
        "Done": {"Type": "Succeed", "Output": "{% [$rule, $own] %}"},
    }
    machine = aws.create_machine(name, states)
    ended = {met: aws.ended(aws.start_execution(machine, {"met": met})) for met in (True, False)}
    assert json.loads(ended[True]["output"]) == ["assigned", "old"]
    assert json.loads(ended[False]["output"]) == ["old", "assigned"]


@pytest.mark.parametrize(
    "expression", ["$states.input.absent", "$states.input.list[number > 9]", "$absent", "false ? 1", "$sift({}, function($is) { $is })"]
)
@pytest.mark.parametrize("field", ["Output", "Arguments", "Assign"])
def test_an_undefined_value_is_an_error(aws: LocalAws, name: str, field: str, expression: str) -> None:
    state = look(**{field: {"nested": [f"{{% {expression} %}}"]}})
    described = aws.run(name, {"Look": state}, {"list": [{"number": 1}]})
    assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.parametrize("expression", ["$states.input.absent ?? 1", "$states.input.absent ?: 1"])
def test_operators_newer_than_jsonata_2_0_6_are_refused(aws: LocalAws, name: str, expression: str) -> None:
    assert (
        code(lambda: aws.create_machine(name, {"Done": {"Type": "Succeed", "Output": f"{{% {expression} %}}"}}))[0] == "InvalidDefinition"
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a ?? b ?: c'", "a ?? b ?: c"),
        ("true?1:2", 1),
        ("(function($n)<n?:n>{ $n + 1 })(1)", 2),
        ("$map([1, 2], $power(?, 2))", [1, 4]),
    ],
)
def test_other_question_marks_keep_their_meaning(aws: LocalAws, name: str, expression: str, value: Any) -> None:
    assert json.loads(aws.run(name, {"Done": {"Type": "Succeed", "Output": f"{{% {expression} %}}"}})["output"]) == value


# Errors


def fail(aws: LocalAws, name: str, error: str, **more: Any) -> dict[str, Any]:
    """The description of an execution whose Task has these fields and always fails with this error."""
    queue, _ = aws.create_queue(name)
    wait = waits(queue, **more)
    execution = aws.start_execution(aws.create_machine(name, {"Wait": wait, "Caught": passed("{% $states.input.Error %}")}))
    token = json.loads(aws.receive(queue))["taskToken"]
    aws.client("stepfunctions").send_task_failure(taskToken=token, error=error)
    return aws.ended(execution)


@pytest.mark.parametrize(
    ("error_equals", "error", "is_matched"),
    [
        ("States.TaskFailed", "Bonafide.Internal", True),
        ("States.TaskFailed", "States.DataLimitExceeded", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.TaskFailed", "States.Runtime", False),
        ("States.ALL", "Bonafide.Internal", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.ALL", "States.Runtime", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.Runtime", "States.Runtime", False),
        ("Bonafide.Internal", "Bonafide.Transient", False),
        ("States.HeartbeatTimeout", "States.Timeout", False),
    ],
)
def test_wildcards_match_as_on_aws(aws: LocalAws, name: str, error_equals: str, error: str, is_matched: bool) -> None:
    described = fail(aws, name, error, Catch=[{"ErrorEquals": [error_equals], "Output": "{% $states.errorOutput %}", "Next": "Caught"}])
    if is_matched:
        assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", error)
    else:
        assert (described["status"], described["error"]) == ("FAILED", error)


@pytest.mark.parametrize(
    ("retry", "tries"),
    [
        ([(["Rekognition.ThrottlingException"], 0), (["States.ALL"], 2)], 1),
        ([(["Rekognition.AccessDeniedException"], 0), (["States.ALL"], 2)], 3),
        ([(["States.TaskFailed", "States.Timeout"], 1), (["Rekognition.ThrottlingException"], 5)], 2),
    ],
)
def test_the_first_retrier_that_matches_decides(aws: LocalAws, name: str, retry: list[tuple[list[str], int]], tries: int) -> None:
    aws.force(service="rekognition", operation="ListCollections", caller=f"{name}/", error="ThrottlingException")
    retriers = [{"ErrorEquals": names, "MaxAttempts": attempts, "IntervalSeconds": 1} for names, attempts in retry]
    described = aws.run(name, {"Look": look(Retry=retriers)})
    assert described["error"] == "Rekognition.ThrottlingException"
    assert len(events(aws, described["executionArn"], "TaskScheduled")) == tries


def test_the_history_has_task_timed_out(aws: LocalAws, name: str) -> None:
    aws.force(service="rekognition", operation="ListCollections", caller=f"{name}/", delaySeconds=2 * TIMEOUT, count=1)
    described = aws.run(name, {"Look": look(TimeoutSeconds=1)})
    (timed_out,) = events(aws, described["executionArn"], "TaskTimedOut")
    assert timed_out["taskTimedOutEventDetails"]["error"] == described["error"] == "States.Timeout"
    assert not events(aws, described["executionArn"], "TaskFailed")


def test_an_sdk_integration_names_errors_like_the_classes_of_java(aws: LocalAws, name: str) -> None:
    absent = f"arn:aws:states:us-east-1:000000000000:execution:{name}:absent"
    described = aws.run(name, {"Do": task("arn:aws:states:::aws-sdk:sfn:describeExecution", {"ExecutionArn": absent})}, {})
    assert described["error"] == "Sfn.ExecutionDoesNotExistException"


@pytest.mark.parametrize(
    "expression",
    [
        "$n",
        "($add := function($m) { $m + $n }; $map([1, 2], $add))",
        "$map([1, 2], $power(?, $n))",
        "{'list': [1, 2, 3]}.list[$ > $n]^(>$)",
        "{'a': {'b': [1, 2]}}.a.b.{'own': $, 'n': %.%.a.b[$n]}",
        "$ ~> |$|{'n': $n}|",
    ],
)
def test_an_expression_is_parsed_once_and_evaluated_anew(engine: Any, expression: str) -> None:
    from jsonata.jsonata import Jsonata

    def evaluated(n: int) -> Any:
        parsed = Jsonata(expression)
        frame = parsed.create_frame()
        frame.bind("n", n)
        return parsed.evaluate({"list": [1, 2]}, frame)

    first = evaluated(1)
    assert evaluated(0) != first
    assert evaluated(1) == first
    assert Jsonata(expression).ast is Jsonata(expression).ast
