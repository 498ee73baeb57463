"""RedriveExecution of the local AWS: AWS's documented behaviour, and the internals of the emulator that it uses."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from conftest import ROLE, BlockedCall, Engine, LocalAws, child_of, code, definition, task, wait_until, waits

from bonafide_local import redrive

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution"


class Machines:
    """State machines, and a table with the number of runs of each state."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.sfn = aws.client("stepfunctions")
        self.dynamodb = aws.client("dynamodb")

    def create(self, states: dict[str, Any], **more: Any) -> str:
        return self.aws.create_machine(f"redrive-{uuid.uuid4().hex[:12]}", states, **more)

    def start(self, states: dict[str, Any], payload: Any = None) -> str:
        return self.started(self.create(states), payload)

    def started(self, machine: str, payload: Any = None) -> str:
        return self.aws.start_execution(machine, payload)

    def describe(self, execution: str) -> dict[str, Any]:
        return dict(self.sfn.describe_execution(executionArn=execution))

    def ended(self, execution: str) -> dict[str, Any]:
        return self.aws.ended(execution)

    def failed(self, execution: str) -> dict[str, Any]:
        described = self.ended(execution)
        assert described["status"] == "FAILED", described
        return described

    def redriven(self, execution: str) -> dict[str, Any]:
        self.sfn.redrive_execution(executionArn=execution)
        return self.ended(execution)

    def history(self, execution: str) -> list[dict[str, Any]]:
        return list(self.sfn.get_execution_history(executionArn=execution, maxResults=1000)["events"])

    def executions(self, machine: str, **more: Any) -> list[dict[str, Any]]:
        return list(self.sfn.list_executions(stateMachineArn=machine, **more)["executions"])

    def fault(self, **more: Any) -> None:
        """Break `look`, by default with throttling until the fault is cleared."""
        self.aws.force(service="rekognition", operation="ListCollections", **(more or {"error": "ThrottlingException"}))

    def looks(self) -> int:
        return int(self.aws.http("GET", f"{self.aws.control}/calls")[1].get("rekognition", {}).get("ListCollections", 0))

    def count(self, name: str) -> int:
        item = self.dynamodb.get_item(TableName="counters", Key={"id": {"S": name}}).get("Item", {})
        return int(item.get("times", {"N": "0"})["N"])

    def token(self, queue: str) -> str:
        """The token in the next message."""
        return str(json.loads(self.aws.receive(queue))["taskToken"])

    def send_events(self, machine: str, queue: str) -> None:
        """Let EventBridge send the status changes of a machine's executions to a queue."""
        events, sqs = self.aws.client("events"), self.aws.client("sqs")
        rule = machine.rpartition(":")[2]
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}))
        target = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": target}])

    def events(self, queue: str, number: int) -> list[dict[str, Any]]:
        """Exactly this number of status changes, in any order."""
        found = [json.loads(self.aws.receive(queue))["detail"] for _ in range(number)]
        assert "Messages" not in self.aws.client("sqs").receive_message(QueueUrl=queue)
        return found


def counted(name: str, **more: Any) -> dict[str, Any]:
    """A state that adds 1 to a counter."""
    update = {
        "TableName": "counters",
        "Key": {"id": {"S": name}},
        "UpdateExpression": "ADD times :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return task("arn:aws:states:::dynamodb:updateItem", update, **more)


def look(**more: Any) -> dict[str, Any]:
    """A state that a fault can break."""
    return task("arn:aws:states:::aws-sdk:rekognition:listCollections", {}, **more)


@pytest.fixture(scope="module")
def _counters(aws: LocalAws) -> None:
    aws.create_table("counters")


@pytest.fixture
def machines(aws: LocalAws, _counters: None) -> Machines:
    return Machines(aws)


@pytest.fixture
def queue(aws: LocalAws) -> str:
    return str(aws.client("sqs").create_queue(QueueName=f"redrive-{uuid.uuid4().hex[:12]}")["QueueUrl"])


@pytest.fixture
def name() -> str:
    return uuid.uuid4().hex


def three_states(name: str) -> dict[str, Any]:
    return {
        "Count": counted(name, Assign={"word": "{% $states.input.word %}"}, Output={"from": "Count"}, Next="Look"),
        "Look": look(Output="{% $states.input %}", Assign={"first": "{% $states.context.Execution.RedriveCount %}"}, Next="Tell"),
        "Tell": {
            "Type": "Pass",
            "Output": {
                "word": "{% $word %}",
                "input": "{% $states.input %}",
                "executionInput": "{% $states.context.Execution.Input %}",
                "redriveCount": "{% $states.context.Execution.RedriveCount %}",
                "first": "{% $first %}",
                "redriven": "{% $exists($states.context.Execution.RedriveTime) %}",
            },
            "End": True,
        },
    }


def test_it_continues_where_it_failed_with_input_and_variables(machines: Machines, name: str) -> None:
    machines.fault()
    execution = machines.start(three_states(name), {"word": "hello"})
    failed = machines.failed(execution)
    machines.aws.clear_faults()
    described = machines.redriven(execution)
    assert (described["status"], described["executionArn"], described["name"]) == ("SUCCEEDED", execution, failed["name"])
    assert json.loads(described["output"]) == {
        "word": "hello",
        "input": {"from": "Count"},
        "executionInput": {"word": "hello"},
        "redriveCount": 1,
        "first": 1,
        "redriven": True,
    }
    assert described["startDate"] == failed["startDate"]
    assert "error" not in described
    assert "cause" not in described
    assert machines.count(name) == 1


def test_an_execution_that_was_never_redriven_counts_none(machines: Machines, name: str) -> None:
    output = json.loads(machines.ended(machines.start(three_states(name), {"word": "hello"}))["output"])
    assert (output["redriveCount"], output["redriven"]) == (0, False)


def test_it_may_fail_and_be_redriven_again(machines: Machines, name: str) -> None:
    machines.fault()
    execution = machines.start(three_states(name), {"word": "hello"})
    assert machines.failed(execution)["redriveCount"] == 0
    again = machines.redriven(execution)
    assert (again["status"], again["redriveCount"], again["error"]) == ("FAILED", 1, "Rekognition.ThrottlingException")
    machines.aws.clear_faults()
    described = machines.redriven(execution)
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 2)
    assert json.loads(described["output"])["redriveCount"] == 2
    assert machines.count(name) == 1


def test_the_history_continues(machines: Machines, name: str) -> None:
    machines.fault()
    execution = machines.start(three_states(name), {"word": "hello"})
    machines.failed(execution)
    before = machines.history(execution)
    machines.aws.clear_faults()
    machines.redriven(execution)
    events = machines.history(execution)
    assert events[: len(before)] == before
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events[len(before) - 1 :]] == [
        "ExecutionFailed",
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskSucceeded",
        "TaskStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert events[len(before)]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert events[len(before) + 1]["taskScheduledEventDetails"]["parameters"] == "{}"


def test_describe_shows_whether_it_can_be_redriven(machines: Machines, queue: str) -> None:
    execution = machines.start({"Look": look(Next="Wait"), "Wait": waits(queue)})
    running = machines.describe(execution)
    assert (running["redriveStatus"], running["redriveStatusReason"]) == ("NOT_REDRIVABLE", "Execution is RUNNING and cannot be redriven")
    machines.sfn.send_task_failure(taskToken=machines.token(queue), error="Bonafide.Internal")
    failed = machines.failed(execution)
    assert (failed["redriveStatus"], failed["redriveCount"]) == ("REDRIVABLE", 0)
    assert "redriveDate" not in failed
    assert "redriveStatusReason" not in failed
    before = time.time()
    date = machines.sfn.redrive_execution(executionArn=execution)["redriveDate"]
    # The date is in milliseconds.
    assert before - 0.001 <= date.timestamp() <= time.time()
    running = machines.describe(execution)
    assert (running["status"], running["redriveCount"], running["redriveDate"]) == ("RUNNING", 1, date)
    assert "stopDate" not in running
    machines.sfn.send_task_success(taskToken=machines.token(queue), output="{}")
    succeeded = machines.ended(execution)
    assert (succeeded["redriveStatus"], succeeded["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution is SUCCEEDED and cannot be redriven",
    )


def test_lists_show_and_filter_redrives(machines: Machines, name: str) -> None:
    machine = machines.create(three_states(name))
    machines.fault(error="ThrottlingException", count=3)
    executions = [machines.started(machine, {"word": "hello"}) for _ in range(3)]
    for execution in executions:
        machines.failed(execution)
    for execution in executions[:2]:
        machines.redriven(execution)
    listed = {item["executionArn"]: item for item in machines.executions(machine)}
    assert [listed[execution]["redriveCount"] for execution in executions] == [1, 1, 0]
    assert [("redriveDate" in listed[execution]) for execution in executions] == [True, True, False]
    assert {item["executionArn"] for item in machines.executions(machine, redriveFilter="REDRIVEN")} == set(executions[:2])
    assert [item["executionArn"] for item in machines.executions(machine, redriveFilter="NOT_REDRIVEN")] == executions[2:]
    paginator = machines.sfn.get_paginator("list_executions")
    pages = list(paginator.paginate(stateMachineArn=machine, redriveFilter="REDRIVEN", PaginationConfig={"PageSize": 1}))
    assert [len(page["executions"]) for page in pages] == [1, 1]
    assert {item["executionArn"] for page in pages for item in page["executions"]} == set(executions[:2])
    assert code(lambda: machines.executions(machine, redriveFilter="SOME"))[0] == "ValidationException"


def test_retries_are_counted_from_zero(machines: Machines) -> None:
    retry = [{"ErrorEquals": ["Rekognition.ThrottlingException"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    machines.fault(error="ThrottlingException", count=3)
    execution = machines.start({"Look": look(Retry=retry)})
    machines.failed(execution)
    assert machines.redriven(execution)["status"] == "SUCCEEDED"
    assert [event["type"] for event in machines.history(execution)].count("TaskScheduled") == 4


def test_an_execution_that_cannot_be_redriven_is_refused(machines: Machines, queue: str) -> None:
    redrive_execution = machines.sfn.redrive_execution
    running = machines.start({"Wait": waits(queue)})
    assert code(lambda: redrive_execution(executionArn=running)) == (
        "ExecutionNotRedrivable",
        "Execution is RUNNING and cannot be redriven",
    )
    machines.sfn.send_task_success(taskToken=machines.token(queue), output="{}")
    machines.ended(running)
    assert code(lambda: redrive_execution(executionArn=running)) == (
        "ExecutionNotRedrivable",
        "Execution is SUCCEEDED and cannot be redriven",
    )
    express = machines.started(machines.create({"Break": {"Type": "Fail"}}, type="EXPRESS"))
    machines.failed(express)
    assert code(lambda: redrive_execution(executionArn=express))[0] == "ExecutionNotRedrivable"
    assert machines.describe(express)["redriveStatus"] == "NOT_REDRIVABLE"
    assert code(lambda: redrive_execution(executionArn=f"{EXECUTION}:absent:absent"))[0] == "ExecutionDoesNotExist"
    assert code(lambda: redrive_execution(executionArn="absent"))[0] == "InvalidArn"
    assert code(lambda: redrive_execution(executionArn=f"{EXECUTION}:a:b", clientToken="with blanks"))[0] == "ValidationException"
    assert code(lambda: redrive_execution(executionArn=f"{EXECUTION}:a:{'b' * 256}"))[0] == "ValidationException"


def test_one_client_token_is_one_redrive(machines: Machines) -> None:
    execution = machines.start({"Break": {"Type": "Fail", "Error": "Bonafide.Internal"}})
    machines.failed(execution)
    first = machines.sfn.redrive_execution(executionArn=execution, clientToken="one")
    machines.failed(execution)
    second = machines.sfn.redrive_execution(executionArn=execution, clientToken="one")
    assert second["redriveDate"] == first["redriveDate"]
    assert machines.failed(execution)["redriveCount"] == 1
    for number in range(redrive.CLIENT_TOKENS):
        machines.sfn.redrive_execution(executionArn=execution, clientToken=f"other-{number}")
        machines.failed(execution)
    # Only the last ten are remembered.
    machines.sfn.redrive_execution(executionArn=execution, clientToken="one")
    assert machines.failed(execution)["redriveCount"] == 2 + redrive.CLIENT_TOKENS


def test_a_timed_out_task_gets_a_new_token(machines: Machines, queue: str, name: str) -> None:
    machine = machines.create({"Count": counted(name, Next="Wait"), "Wait": waits(queue)})
    # The message is sent, and the task times out at once.
    caller = machine.rpartition(":")[2]
    machines.aws.force(service="sqs", operation="SendMessage", caller=f"{caller}/Wait", noAnswer="silent", afterwards=True, count=1)
    execution = machines.started(machine)
    assert machines.failed(execution)["error"] == "States.Timeout"
    late = machines.token(queue)
    machines.sfn.redrive_execution(executionArn=execution)
    token = machines.token(queue)
    assert token != late
    assert code(lambda: machines.sfn.send_task_success(taskToken=late, output='"late"'))[0] == "TaskTimedOut"
    machines.sfn.send_task_success(taskToken=token, output='"in time"')
    assert json.loads(machines.ended(execution)["output"]) == "in time"
    assert machines.count(name) == 1


def test_an_aborted_execution_continues_with_a_new_token(machines: Machines, queue: str, name: str) -> None:
    execution = machines.start({"Wait": waits(queue, Next="Count"), "Count": counted(name)})
    old = machines.token(queue)
    machines.sfn.stop_execution(executionArn=execution, error="Operator", cause="for the test")
    assert code(lambda: machines.sfn.send_task_success(taskToken=old, output="{}"))[0] == "TaskTimedOut"
    described = machines.describe(execution)
    assert (described["status"], described["redriveStatus"]) == ("ABORTED", "REDRIVABLE")
    machines.sfn.redrive_execution(executionArn=execution)
    token = machines.token(queue)
    assert code(lambda: machines.sfn.send_task_success(taskToken=old, output="{}"))[0] == "TaskTimedOut"
    assert machines.describe(execution)["status"] == "RUNNING"
    machines.sfn.send_task_success(taskToken=token, output="{}")
    described = machines.ended(execution)
    assert described["status"] == "SUCCEEDED"
    assert "error" not in described
    assert machines.count(name) == 1
    types = [event["type"] for event in machines.history(execution)]
    assert types[types.index("ExecutionAborted") + 1] == "ExecutionRedriven"
    assert types.count("TaskStateExited") == 2


class TimeLimit(BlockedCall):
    """Replaces the pool in which the emulator runs a Task with a timeout, so that the test decides when it times out."""

    def submit(self, *call: Any) -> TimeLimit:
        ThreadPoolExecutor(1).submit(*call)
        return self

    def shutdown(self, wait: bool) -> None:
        pass

    def result(self, timeout: float) -> Any:
        self()
        raise TimeoutError


@pytest.fixture
def pause(engine: Engine) -> BlockedCall:
    """Blocks the waits of the engine before a Retry and in a Wait state."""
    blocked = BlockedCall()
    engine.patch.setattr(engine.module, "_scaled_sleep", blocked)
    return blocked


def test_an_aborted_execution_stops_and_stays_aborted(engine: Engine, pause: BlockedCall) -> None:
    calls = []

    def fail() -> None:
        calls.append("called")
        raise engine.module._ExecutionError("Bonafide.Transient", "for the test")

    retry = [{"ErrorEquals": ["Bonafide.Transient"], "IntervalSeconds": 2, "MaxAttempts": 1, "BackoffRate": 1}]
    execution, attempt = engine.start({"Call": engine.call("fail", fail, Retry=retry)})
    pause.wait_until_begun()
    engine.ask("StopExecution", executionArn=execution)
    events = engine.history(execution)
    pause.end(attempt)
    assert calls == ["called"]
    assert (engine.status(execution), engine.history(execution)) == ("ABORTED", events)


def test_an_earlier_attempt_does_not_continue_beside_the_redriven_one(engine: Engine) -> None:
    first, last, calls, counted = BlockedCall(), BlockedCall(), [], []

    def call() -> dict[str, Any]:
        calls.append("called")
        return first() if len(calls) == 1 else {}

    states = {
        "Call": engine.call("call", call, Next="Count"),
        "Count": engine.call("count", lambda: counted.append("counted"), Next="Wait"),
        "Wait": engine.call("wait", last),
    }
    execution, attempt = engine.start(states)
    first.wait_until_begun()
    engine.ask("StopExecution", executionArn=execution)
    engine.ask("RedriveExecution", executionArn=execution)
    last.wait_until_begun()
    events = engine.history(execution)
    # The first attempt's call is answered only now, while the execution is running again.
    first.end(attempt)
    assert (calls, counted, engine.status(execution)) == (["called"] * 2, ["counted"], "RUNNING")
    assert engine.history(execution) == events
    last.over.set()
    wait_until(lambda: engine.status(execution) == "SUCCEEDED")


def test_an_aborted_execution_does_not_fail_later(engine: Engine, pause: BlockedCall) -> None:
    execution, attempt = engine.start({"Rest": {"Type": "Wait", "Seconds": 1, "Output": "{% $error('late') %}", "End": True}})
    pause.wait_until_begun()
    engine.ask("StopExecution", executionArn=execution)
    pause.end(attempt)
    assert engine.status(execution) == "ABORTED"
    assert engine.history(execution)[-1]["type"] == "ExecutionAborted"


def test_a_child_whose_parent_times_out_is_stopped(engine: Engine) -> None:
    limit, work = TimeLimit(), BlockedCall()
    engine.patch.setattr(engine.module, "ThreadPoolExecutor", lambda max_workers: limit)
    child = engine.create({"Work": engine.call("work", work)})
    parent, attempt = engine.start({"Call": child_of(child)})
    work.wait_until_begun()
    limit.end(attempt)
    assert engine.ask("DescribeExecution", executionArn=parent)["error"] == "States.Timeout"
    (stopped,) = engine.ask("ListExecutions", stateMachineArn=child)["executions"]
    assert stopped["status"] == "ABORTED"
    work.over.set()


def test_a_redrive_uses_the_definition_of_the_start(machines: Machines, name: str) -> None:
    machine = machines.create({"Look": look(Next="Count"), "Count": counted(name)})
    machines.fault(error="ThrottlingException", count=1)
    execution = machines.started(machine)
    machines.failed(execution)
    updated = definition({"Look": {"Type": "Succeed"}})
    machines.sfn.update_state_machine(stateMachineArn=machine, definition=updated)
    told = machines.sfn.describe_state_machine_for_execution(executionArn=execution)["definition"]
    assert set(json.loads(told)["States"]) == {"Look", "Count"}
    headers = {"X-Amz-Target": "AWSStepFunctions.DescribeStateMachine", "Content-Type": "application/x-amz-json-1.0"}
    described = machines.aws.http("POST", machines.aws.endpoint, {"stateMachineArn": machine}, headers)[1]
    assert (described["definition"], redrive.KEY in described) == (updated, False)
    assert machines.redriven(execution)["status"] == "SUCCEEDED"
    assert machines.count(name) == 1


def test_an_execution_without_its_machine_is_refused(machines: Machines) -> None:
    name = f"redrive-{uuid.uuid4().hex[:12]}"
    properties = {"StateMachineName": name, "RoleArn": ROLE, "DefinitionString": definition({"Break": {"Type": "Fail"}})}
    template = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    machines.aws.create_stack(name, template)
    execution = machines.started(f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}")
    machines.failed(execution)
    assert machines.redriven(execution)["redriveCount"] == 1
    machines.aws.delete_stack(name)
    assert code(lambda: machines.sfn.redrive_execution(executionArn=execution)) == (
        "ExecutionNotRedrivable",
        "State machine is in DELETING status",
    )


def test_a_fail_state_fails_again(machines: Machines) -> None:
    states = {
        "Look": look(Catch=[{"ErrorEquals": ["States.ALL"], "Assign": {"why": "{% $states.errorOutput.Error %}"}, "Next": "Break"}]),
        "Break": {"Type": "Fail", "Error": "Bonafide.Internal", "Cause": "{% $why %}"},
    }
    machines.fault(error="ThrottlingException", count=1)
    execution = machines.start(states)
    machines.failed(execution)
    looks = machines.looks()
    again = machines.redriven(execution)
    assert (again["status"], again["error"], again["cause"]) == ("FAILED", "Bonafide.Internal", "Rekognition.ThrottlingException")
    assert machines.looks() == looks
    assert [event["type"] for event in machines.history(execution)][-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_a_choice_is_evaluated_again(machines: Machines) -> None:
    rule = {"Condition": "{% $states.context.Execution.RedriveCount = 1 ? true : $error('not yet') %}", "Next": "Done"}
    execution = machines.start({"IsReady": {"Type": "Choice", "Choices": [rule]}, "Done": {"Type": "Succeed"}})
    assert machines.failed(execution)["error"] == "States.QueryEvaluationError"
    assert machines.redriven(execution)["status"] == "SUCCEEDED"


def test_a_redriven_parent_starts_a_new_child(machines: Machines, name: str) -> None:
    child = machines.create({"Look": look(Output={"outcome": "pass"})})
    states = {"Count": counted(name, Next="Call"), "Call": child_of(child, Output="{% $states.result.Output.outcome %}")}
    machines.fault(error="ThrottlingException", count=1)
    execution = machines.start(states)
    machines.failed(execution)
    assert json.loads(machines.redriven(execution)["output"]) == "pass"
    assert machines.count(name) == 1
    children = machines.executions(child)
    assert sorted((item["status"], item["redriveCount"]) for item in children) == [("FAILED", 0), ("SUCCEEDED", 0)]
    # The parent's history names both, also the one that failed.
    submitted = [event["taskSubmittedEventDetails"]["output"] for event in machines.history(execution) if event["type"] == "TaskSubmitted"]
    assert {json.loads(output)["ExecutionArn"] for output in submitted} == {item["executionArn"] for item in children}


def test_a_child_can_be_redriven_alone(machines: Machines, queue: str, name: str) -> None:
    child = machines.create({"Count": counted(name, Next="Look"), "Look": look()})
    machines.send_events(child, queue)
    machines.fault(error="ThrottlingException", count=1)
    parent = machines.start({"Call": child_of(child)})
    machines.failed(parent)
    [failed] = machines.executions(child)
    assert machines.redriven(failed["executionArn"])["status"] == "SUCCEEDED"
    assert machines.count(name) == 1
    assert machines.describe(parent)["status"] == "FAILED"
    # The emulator sends no events for the first attempt of a child.
    assert {(detail["status"], detail["redriveCount"]) for detail in machines.events(queue, 2)} == {("RUNNING", 1), ("SUCCEEDED", 1)}


def test_a_stopped_parent_stops_its_child_before_a_new_one_starts(machines: Machines, queue: str) -> None:
    child = machines.create({"Wait": waits(queue)})
    parent = machines.start({"Call": child_of(child, Output="{% $states.result.Output %}")})
    old = machines.token(queue)
    machines.sfn.stop_execution(executionArn=parent)
    [stopped] = machines.executions(child)
    assert machines.ended(stopped["executionArn"])["status"] == "ABORTED"
    assert code(lambda: machines.sfn.send_task_success(taskToken=old, output="{}"))[0] == "TaskTimedOut"
    machines.sfn.redrive_execution(executionArn=parent)
    machines.sfn.send_task_success(taskToken=machines.token(queue), output='"new"')
    assert json.loads(machines.ended(parent)["output"]) == "new"


def test_a_child_that_no_parent_waits_for_is_not_stopped(machines: Machines, queue: str) -> None:
    child = machines.create({"Look": look(Next="Wait"), "Wait": waits(queue)})
    states = {
        "Call": child_of(child, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Rest"}]),
        "Rest": waits(queue),
    }
    machines.fault(error="ThrottlingException", count=1)
    parent = machines.start(states)
    machines.token(queue)
    [failed] = machines.executions(child)
    machines.sfn.redrive_execution(executionArn=failed["executionArn"])
    token = machines.token(queue)
    machines.sfn.stop_execution(executionArn=parent)
    machines.sfn.send_task_success(taskToken=token, output="{}")
    assert machines.ended(failed["executionArn"])["status"] == "SUCCEEDED"


def branches(name: str, *more: dict[str, Any], **state: Any) -> dict[str, Any]:
    good = {"StartAt": "Good", "States": {"Good": counted(f"{name}-good", Output="good")}}
    bad = {
        "StartAt": "Before",
        "States": {
            "Before": counted(f"{name}-before", Assign={"kept": "{% $outer & '!' %}"}, Output={"from": "Before"}, Next="Look"),
            "Look": look(Output={"kept": "{% $kept %}", "input": "{% $states.input %}"}),
        },
    }
    return {"Type": "Parallel", "Branches": [good, bad, *more], "End": True, **state}


def test_only_the_failed_branch_runs_again(machines: Machines, name: str) -> None:
    machines.fault(error="ThrottlingException", count=1)
    states = {"Start": {"Type": "Pass", "Assign": {"outer": "outer"}, "Next": "Fork"}, "Fork": branches(name)}
    execution = machines.start(states)
    machines.failed(execution)
    output = json.loads(machines.redriven(execution)["output"])
    assert output == ["good", {"kept": "outer!", "input": {"from": "Before"}}]
    assert (machines.count(f"{name}-good"), machines.count(f"{name}-before")) == (1, 1)


def test_a_retry_of_the_state_runs_every_branch_again(machines: Machines, name: str) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    machines.fault(error="ThrottlingException", count=3)
    states = {"Start": {"Type": "Pass", "Assign": {"outer": "outer"}, "Next": "Fork"}, "Fork": branches(name, Retry=retry)}
    execution = machines.start(states)
    machines.failed(execution)
    assert machines.count(f"{name}-good") == 2
    # The redriven attempt resumes one branch and fails, its Retry runs both.
    assert machines.redriven(execution)["status"] == "SUCCEEDED"
    assert (machines.count(f"{name}-good"), machines.count(f"{name}-before")) == (3, 3)


def test_only_the_failed_iteration_runs_again_also_within_a_branch(machines: Machines, name: str) -> None:
    states = {
        "Count": counted("{% $who %}", Assign={"mine": "{% $who & '!' %}"}, Next="Look"),
        "Look": look(Output="{% $mine %}"),
    }
    every = {
        "Type": "Map",
        "Items": [0, 1, 2],
        "MaxConcurrency": 1,
        "ItemSelector": {"who": f"{{% '{name}-' & $string($states.context.Map.Item.Value) %}}"},
        "ItemProcessor": {
            "StartAt": "Name",
            "States": {"Name": {"Type": "Pass", "Assign": {"who": "{% $states.input.who %}"}, "Next": "Count"}, **states},
        },
        "End": True,
    }
    machines.fault(error="ThrottlingException", count=1)
    fork = {"Type": "Parallel", "Branches": [{"StartAt": "Every", "States": {"Every": every}}], "End": True}
    execution = machines.start({"Fork": fork})
    machines.failed(execution)
    assert json.loads(machines.redriven(execution)["output"]) == [[f"{name}-{number}!" for number in range(3)]]
    assert [machines.count(f"{name}-{number}") for number in range(3)] == [1, 1, 1]


def test_a_map_run_is_refused(machines: Machines) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Break",
        "States": {"Break": {"Type": "Fail"}},
    }
    execution = machines.start({"Every": {"Type": "Map", "ItemProcessor": processor, "End": True}}, [1])
    assert machines.failed(execution)["redriveStatus"] == "NOT_REDRIVABLE"
    assert code(lambda: machines.sfn.redrive_execution(executionArn=execution)) == (
        "ExecutionNotRedrivable",
        "The local AWS cannot redrive a Map Run",
    )


def test_eventbridge_reports_every_attempt(machines: Machines, queue: str) -> None:
    machine = machines.create({"Look": look()})
    machines.send_events(machine, queue)
    machines.fault(error="ThrottlingException", count=1)
    execution = machines.started(machine)
    machines.failed(execution)
    date = round(machines.redriven(execution)["redriveDate"].timestamp() * 1000)
    names = ("status", "redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason")
    assert {tuple(detail[name] for name in names) for detail in machines.events(queue, 4)} == {
        ("RUNNING", 0, None, "NOT_REDRIVABLE", "Execution is RUNNING and cannot be redriven"),
        ("FAILED", 0, None, "REDRIVABLE", None),
        ("RUNNING", 1, date, "NOT_REDRIVABLE", "Execution is RUNNING and cannot be redriven"),
        ("SUCCEEDED", 1, date, "NOT_REDRIVABLE", "Execution is SUCCEEDED and cannot be redriven"),
    }


def test_a_machine_can_redrive_an_execution(machines: Machines) -> None:
    machines.fault(error="ThrottlingException", count=1)
    execution = machines.start({"Look": look()})
    machines.failed(execution)
    call = task(
        "arn:aws:states:::aws-sdk:sfn:redriveExecution", {"ExecutionArn": execution}, Output="{% $exists($states.result.RedriveDate) %}"
    )
    assert json.loads(machines.ended(machines.start({"Redrive": call}))["output"]) is True
    assert machines.ended(execution)["status"] == "SUCCEEDED"


def test_iam_authorizes_on_the_execution(guarded: LocalAws) -> None:
    guarded.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    machines, iam = Machines(guarded), guarded.client("iam")
    execution = machines.start({"Break": {"Type": "Fail"}})
    machines.failed(execution)

    def client_of(user: str, resource: str) -> Any:
        statement = {"Effect": "Allow", "Action": "states:RedriveExecution", "Resource": resource}
        iam.create_user(UserName=user)
        iam.put_user_policy(
            UserName=user, PolicyName="policy", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return guarded.client("stepfunctions", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    denied = client_of("denied", f"{EXECUTION}:another:*")
    assert code(lambda: denied.redrive_execution(executionArn=execution))[0] == "AccessDeniedException"
    assert machines.describe(execution)["redriveCount"] == 0
    machine = execution.split(":")[6]
    client_of("allowed", f"{EXECUTION}:{machine}:*").redrive_execution(executionArn=execution)
    assert machines.failed(execution)["redriveCount"] == 1


def ended_execution(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    state = {"revision": "1", "type": "STANDARD", "position": {"state": "Look"}}
    return {"status": "FAILED", "startDate": now, "stopDate": now, "events": [{}], redrive.KEY: state} | changes


def ago(**duration: float) -> str:
    return (datetime.now(UTC) - timedelta(**duration)).isoformat()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"status": "TIMED_OUT"}, None),
        ({"status": "ABORTED"}, None),
        ({"stopDate": ago(days=13, hours=23)}, None),
        ({"stopDate": ago(days=14, hours=1)}, "Execution redrivable period exceeded"),
        ({"startDate": ago(days=364)}, None),
        ({"startDate": ago(days=366)}, "Execution has exceeded the max execution time"),
        ({"events": [{}] * 24_998}, None),
        ({"events": [{}] * 24_999}, "Execution history event limit exceeded"),
        ({redrive.KEY: None}, "Execution was started before the launch of RedriveExecution"),
    ],
)
def test_the_limits_are_aws_s(changes: dict[str, Any], reason: str | None) -> None:
    assert redrive.reason_against(ended_execution(**changes), definition({"Look": look()}), time.time()) == reason


def test_a_client_token_is_remembered_for_a_quarter_of_an_hour() -> None:
    used = [["one", "2026-01-01T00:00:00.000Z", 1000.0]]
    assert redrive.redriven_with("one", used, 1900.0) == "2026-01-01T00:00:00.000Z"
    assert redrive.redriven_with("one", used, 1901.0) is None
    assert redrive.redriven_with("two", used, 1000.0) is None
    assert redrive.redriven_with(None, used, 1000.0) is None


def test_a_changed_emulator_is_refused_naming_what_is_missing() -> None:
    def put_events(data: Any, allow_aws_source: bool = False) -> None:
        """With the parameters of the emulator."""

    engine, eventbridge = ModuleType("engine"), ModuleType("eventbridge")
    eventbridge._put_events = put_events  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match=r"engine\._execute_pass"):
        redrive.check(engine, eventbridge)
