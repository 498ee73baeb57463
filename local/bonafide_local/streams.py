"""Functions that receive the changes of a table: the emulator ignores the failures that a function reports of a batch."""

from __future__ import annotations

import json
import time
from typing import Any


def install() -> None:
    """Deliver changes as Lambda does with ``ReportBatchItemFailures``: from the first failed change on, a batch is sent again.

    One batch of a mapping is handled at a time, and beside the polling of queues, which the emulator would let wait for the function.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    from ministack.services import lambda_svc

    lambda_svc._poll_dynamodb_streams = _poll


def kept() -> dict[str, Any]:
    """The changes in the streams, without which the kept positions of their readers mean nothing."""
    from ministack.services import dynamodb

    return {"records": dict(dynamodb._stream_records._data), "trimmed": dict(dynamodb._stream_trimmed._data)}


def restore(state: dict[str, Any]) -> None:
    """Continue with the changes of `kept`."""
    from ministack.services import dynamodb

    dynamodb._stream_records._data.update(state["records"])
    dynamodb._stream_trimmed._data.update(state["trimmed"])


def _poll() -> bool:
    """Whether a batch was given to a function."""
    from ministack.services import lambda_svc

    started = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        tokens = lambda_svc._request_account_id.set(account), lambda_svc._request_region.set(region)
        try:
            started = _start(mapping) or started
        finally:
            lambda_svc._request_account_id.reset(tokens[0])
            lambda_svc._request_region.reset(tokens[1])
    return started


def _start(mapping: dict[str, Any]) -> bool:
    from ministack.services import dynamodb, lambda_svc

    identifier, source = mapping["UUID"], mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in source or not mapping.get("Enabled", True):
        return False
    if identifier in lambda_svc._esm_inflight or lambda_svc._esm_backoff_until.get(identifier, 0) > time.time():
        return False
    name = source.partition("/stream/")[0].rpartition("/")[2]
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    table = dynamodb._tables.get(name)
    if function is None or table is None or table.get("LatestStreamArn") != source:
        return False
    lambda_svc._init_stream_position(identifier, source, mapping.get("StartingPosition", "LATEST"))
    # Changes that the stream has forgotten are lost.
    position = max(lambda_svc._dynamodb_stream_positions[identifier], dynamodb.stream_start_position(name))
    batch = dynamodb.stream_records_since(name, position, mapping.get("BatchSize", 100))
    if not batch:
        return False
    lambda_svc._dispatch_esm_batch(identifier, _deliver, mapping, function, position, batch)
    return True


def _deliver(mapping: dict[str, Any], function: dict[str, Any], position: int, batch: list[dict[str, Any]]) -> None:
    from ministack.services import lambda_svc

    identifier = mapping["UUID"]
    result = lambda_svc._execute_function(function, {"Records": batch})
    done = 0 if result.get("error") else _handled(mapping, batch, result.get("body"))
    with lambda_svc._dynamodb_stream_positions_lock:
        # The mapping may have been deleted meanwhile.
        if identifier in lambda_svc._dynamodb_stream_positions:
            lambda_svc._dynamodb_stream_positions[identifier] = position + done
    if done < len(batch):
        lambda_svc._esm_backoff_until[identifier] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS


def _handled(mapping: dict[str, Any], batch: list[dict[str, Any]], answer: Any) -> int:
    """The number of changes before the first that failed."""
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or ()):
        return len(batch)
    body = json.loads(answer) if isinstance(answer, str) else answer
    failures = (body or {}).get("batchItemFailures") or ()
    failed = {failure.get("itemIdentifier") for failure in failures}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    # An identifier that is none of the batch fails all of it.
    return min((numbers.index(number) if number in numbers else 0 for number in failed), default=len(batch))
