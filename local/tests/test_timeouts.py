"""Heartbeats, time limits of executions, and answers to tasks that have ended."""

from __future__ import annotations

import json
import queue as queues
import threading
import time
import uuid
from typing import Any

import pytest
from conftest import TIMEOUT, BlockedCall, Engine, LocalAws, child_of, code, definition, wait_until, waits

from bonafide_local.timers import Timers


@pytest.fixture
def name() -> str:
    return f"timeouts-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def queue(aws: LocalAws, name: str) -> str:
    return aws.create_queue(name)[0]


def token_of(aws: LocalAws, queue: str) -> str:
    """The token in the next message."""
    return str(json.loads(aws.receive(queue))["taskToken"])


def types(aws: LocalAws, execution: str) -> list[str]:
    return [event["type"] for event in aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]]


CAUGHT = {"Type": "Succeed", "Output": "{% $states.input.Error %}"}


# Heartbeats


@pytest.mark.parametrize("error_equals", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_a_missing_heartbeat_matches_both_names_of_the_timeout(aws: LocalAws, name: str, queue: str, error_equals: str) -> None:
    catch = [{"ErrorEquals": [error_equals], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    states = {"Wait": waits(queue, HeartbeatSeconds=1, TimeoutSeconds=2 * TIMEOUT, Catch=catch), "Caught": CAUGHT}
    described = aws.run(name, states)
    # AWS reports this name, also when the other one is caught.
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", "States.Timeout")
    assert "TaskTimedOut" in types(aws, described["executionArn"])


def test_a_missing_heartbeat_is_no_task_failed(aws: LocalAws, name: str, queue: str) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]
    described = aws.run(name, {"Wait": waits(queue, HeartbeatSeconds=1, Catch=catch), "Caught": CAUGHT})
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")


def test_a_timed_out_task_has_no_heartbeat_timeout(aws: LocalAws, name: str, queue: str) -> None:
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Caught"}]
    states = {"Wait": waits(queue, HeartbeatSeconds=2 * TIMEOUT, TimeoutSeconds=1, Catch=catch), "Caught": CAUGHT}
    described = aws.run(name, states)
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")


def test_the_time_of_a_wait_may_be_an_expression(aws: LocalAws, name: str, queue: str) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    states = {
        "Begin": {"Type": "Pass", "Assign": {"seconds": 0.5}, "Next": "Wait"},
        "Wait": waits(queue, TimeoutSeconds="{% $seconds * 2 %}", Catch=catch),
        "Caught": CAUGHT,
    }
    described = aws.run(name, states)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", "States.Timeout")


def test_a_time_that_is_no_number_is_an_error(aws: LocalAws, name: str, queue: str) -> None:
    described = aws.run(name, {"Wait": waits(queue, TimeoutSeconds="{% 'soon' %}")})
    assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")


class Sent(queues.Queue[str]):
    """The tokens that the engine has sent."""

    def next(self) -> str:
        return self.get(timeout=TIMEOUT)


def test_a_heartbeat_restarts_the_time(engine: Engine) -> None:
    sent, timers = Sent(), engine.timers
    execution, _ = engine.start({"Wait": engine.waits("restarted", sent.put, HeartbeatSeconds=11)})
    token = sent.next()
    (first,) = (timer for timer in timers.waiting if timer[0] == 11)
    engine.ask("SendTaskHeartbeat", taskToken=token)
    assert first not in timers.waiting
    assert engine.status(execution) == "RUNNING"
    timers.expire(11)
    wait_until(lambda: engine.status(execution) == "FAILED")
    assert engine.ask("DescribeExecution", executionArn=execution)["error"] == "States.Timeout"


def test_the_time_for_a_heartbeat_starts_when_the_task_is_scheduled(engine: Engine) -> None:
    blocked = BlockedCall()
    execution, attempt = engine.start({"Wait": engine.waits("scheduled", blocked, HeartbeatSeconds=12)})
    blocked.wait_until_begun()
    # The message is still being sent.
    engine.timers.expire(12)
    blocked.end(attempt)
    assert engine.status(execution) == "FAILED"


def test_an_answered_task_needs_no_heartbeat(engine: Engine) -> None:
    sent = Sent()
    execution, attempt = engine.start({"Wait": engine.waits("answered", sent.put, HeartbeatSeconds=13)})
    engine.ask("SendTaskSuccess", taskToken=sent.next(), output="{}")
    attempt.join(TIMEOUT)
    assert engine.status(execution) == "SUCCEEDED"
    assert 13 not in [seconds for seconds, _ in engine.timers.waiting]


# Answers

ANSWERS = {
    "send_task_success": {"output": '"late"'},
    "send_task_failure": {"error": "Late"},
    "send_task_heartbeat": {},
}


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_to_an_ended_task_is_task_timed_out(aws: LocalAws, name: str, queue: str, operation: str) -> None:
    sfn = aws.client("stepfunctions")

    def late(token: str) -> tuple[str, str]:
        return code(lambda: getattr(sfn, operation)(taskToken=token, **ANSWERS[operation]))

    closed = ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
    answered = aws.start_execution(aws.create_machine(name, {"Wait": waits(queue)}))
    token = token_of(aws, queue)
    sfn.send_task_success(taskToken=token, output='"in time"')
    assert aws.ended(answered)["output"] == '"in time"'
    assert late(token) == closed

    for limit, more in (("TimeoutSeconds", {"TimeoutSeconds": 1}), ("HeartbeatSeconds", {"HeartbeatSeconds": 1})):
        aws.run(f"{name}-{limit}", {"Wait": waits(queue, **more)})
        assert late(token_of(aws, queue)) == closed


def test_the_first_answer_counts(engine: Engine) -> None:
    statuses: list[int] = []

    def send(token: str) -> None:
        # The engine does not wait yet, so both answers arrive before it looks for one.
        for output in ('"first"', '"second"'):
            statuses.append(engine.module._send_task_success({"taskToken": token, "output": output})[0])

    execution, attempt = engine.start({"Wait": engine.waits("first-answer", send)})
    attempt.join(TIMEOUT)
    assert statuses == [200, 400]
    assert json.loads(engine.ask("DescribeExecution", executionArn=execution)["output"]) == "first"


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_unknown_token_is_invalid(aws: LocalAws, operation: str) -> None:
    send = getattr(aws.client("stepfunctions"), operation)
    assert code(lambda: send(taskToken="absent", **ANSWERS[operation])) == ("InvalidToken", "Invalid Token: 'Invalid token'")


# Executions


def limited(aws: LocalAws, name: str, queue: str, **more: Any) -> str:
    """The ARN of a machine that times out after a second."""
    states = {"Wait": waits(queue)}
    return aws.create_machine(name, states, definition=definition(states, TimeoutSeconds=1), **more)


def test_a_timed_out_execution_has_no_error_and_no_cause(aws: LocalAws, name: str, queue: str) -> None:
    sfn, events = aws.client("stepfunctions"), aws.client("events")
    machine = limited(aws, name, queue)
    told, told_arn = aws.create_queue(f"{name}-told")
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine], "status": ["TIMED_OUT"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": told_arn}])

    execution = aws.start_execution(machine)
    described = aws.ended(execution)
    assert (described["status"], described["redriveStatus"]) == ("TIMED_OUT", "REDRIVABLE")
    assert not {"error", "cause", "output"} & set(described)
    last = sfn.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["type"], last["executionTimedOutEventDetails"]) == ("ExecutionTimedOut", {"error": "States.Timeout"})
    detail = json.loads(aws.receive(told))["detail"]
    assert (detail["executionArn"], detail["error"], detail["redriveStatus"]) == (execution, None, "REDRIVABLE")

    # A redrive times out again, after the whole time.
    sfn.redrive_execution(executionArn=execution)
    assert (aws.ended(execution)["status"], types(aws, execution).count("ExecutionTimedOut")) == ("TIMED_OUT", 2)


def test_a_redriven_execution_has_its_whole_time_again(engine: Engine) -> None:
    sent, timers = Sent(), engine.timers
    execution, attempt = engine.start({"Wait": engine.waits("redriven", sent.put)}, TimeoutSeconds=21)
    first = sent.next()
    timers.expire(21)
    attempt.join(TIMEOUT)
    assert engine.status(execution) == "TIMED_OUT"
    assert first not in engine.module._task_tokens
    engine.ask("RedriveExecution", executionArn=execution)
    second = sent.next()
    assert second != first
    assert 21 in [seconds for seconds, _ in timers.waiting]
    engine.ask("SendTaskSuccess", taskToken=second, output='"in time"')
    wait_until(lambda: engine.status(execution) == "SUCCEEDED")
    # No timer is left that could end it afterwards.
    wait_until(lambda: 21 not in [seconds for seconds, _ in timers.waiting])


def test_a_timed_out_execution_does_nothing_more(engine: Engine) -> None:
    blocked, calls = BlockedCall(), []
    states = {"Call": engine.call("first", blocked, Next="Next"), "Next": engine.call("next", lambda: calls.append("called"))}
    execution, attempt = engine.start(states, TimeoutSeconds=22)
    blocked.wait_until_begun()
    engine.timers.expire(22)
    events = engine.history(execution)
    # The task that was interrupted has not failed.
    assert [event["type"] for event in events] == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "ExecutionTimedOut"]
    blocked.end(attempt)
    assert (engine.status(execution), engine.history(execution), calls) == ("TIMED_OUT", events, [])


def test_a_timed_out_execution_stops_its_child(engine: Engine) -> None:
    sent = Sent()
    child = engine.create({"Wait": engine.waits("child", sent.put)})
    parent, attempt = engine.start({"Call": child_of(child)}, TimeoutSeconds=23)
    sent.next()
    engine.timers.expire(23)
    attempt.join(TIMEOUT)
    assert engine.status(parent) == "TIMED_OUT"
    (stopped,) = engine.ask("ListExecutions", stateMachineArn=child)["executions"]
    assert stopped["status"] == "ABORTED"


def test_a_timed_out_child_has_failed_for_its_parent(engine: Engine) -> None:
    sent = Sent()
    child = engine.create({"Wait": engine.waits("limited", sent.put)}, TimeoutSeconds=24)
    parent, attempt = engine.start({"Call": child_of(child)})
    sent.next()
    engine.timers.expire(24)
    attempt.join(TIMEOUT)
    described = engine.ask("DescribeExecution", executionArn=parent)
    assert (described["status"], described["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(described["cause"])
    assert cause["Status"] == "TIMED_OUT"
    assert not {"Error", "Cause"} & set(cause)


def test_an_express_execution_times_out(aws: LocalAws, name: str, queue: str) -> None:
    machine = limited(aws, name, queue, type="EXPRESS")
    assert aws.ended(aws.start_execution(machine))["status"] == "TIMED_OUT"


def test_timed_out_executions_are_counted(aws: LocalAws, name: str, queue: str) -> None:
    machine = limited(aws, name, queue)
    aws.ended(aws.start_execution(machine))

    def counted() -> float:
        answer = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States",
            MetricName="ExecutionsTimedOut",
            Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
            StartTime=time.time() - 3600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    assert wait_until(counted) == 1


# Timers


def test_a_timer_does_not_wait_for_one_that_was_set_before() -> None:
    timers, called = Timers(), threading.Event()
    later = timers.after(2 * TIMEOUT, lambda: None)
    timers.after(0.1, called.set)
    assert called.wait(TIMEOUT)
    assert later()


def test_a_timer_is_cancelled_once_and_only_before_its_call() -> None:
    timers, called = Timers(), threading.Event()
    cancel = timers.after(2 * TIMEOUT, called.set)
    assert (cancel(), cancel()) == (True, False)
    begun = timers.after(0, called.set)
    assert called.wait(TIMEOUT)
    assert not begun()


def test_a_slow_call_delays_no_other_timer() -> None:
    timers, over, called = Timers(), threading.Event(), threading.Event()
    timers.after(0, lambda: over.wait(TIMEOUT) and None)
    timers.after(0.1, called.set)
    assert called.wait(TIMEOUT)
    over.set()
