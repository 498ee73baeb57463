"""Durable state: snapshots of all services at one moment, from the last of which a new process continues.

A fork of the gateway writes the snapshot: it has the state of all services at one moment, while the gateway continues. An
upload of a client is answered when a snapshot holds it and its event. ADR 0030 says what is restored, and what AWS would do.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger("bonafide_local")

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

# The latest time after a change at which the state is saved. Saving takes at most a fifth of the time.
PAUSE_SECONDS = 1.0
_SHARE = 5
# A change may have consequences that are not seen here: after a worker has answered, its message is deleted.
_QUIET_SNAPSHOTS = 3
# For a fork that hangs, which can happen to the fork of a process with threads.
_WRITING_SECONDS = 60.0
# Events of executions that ended within this time before the snapshot may not have reached every target: they are sent once more.
_UNHEARD_SECONDS = 60.0
# The error that the emulator gives to an execution that was running.
RESTARTED = "States.ServiceRestart"
_OWN = "bonafide.pickle"
_CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Part:
    """State outside of the emulator. ``get`` must not wait for a lock: no other thread exists in the fork to release it."""

    get: Callable[[], Any]
    restore: Callable[[Any], None]


class Snapshots:
    """Writes snapshots into a folder, and restores the last one. Safe to use from threads."""

    def __init__(self, folder: Path, parts: dict[str, Part], pause_seconds: float = PAUSE_SECONDS) -> None:
        self._folder = folder
        self._parts = parts
        self._pause_seconds = pause_seconds
        self._taking = threading.Lock()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._changes = 0

    def install(self) -> None:
        """Replace the emulator's own saving, which happens only at an orderly end. To be called after all other hooks."""
        from ministack import app
        from ministack.core import persistence
        from ministack.services import lambda_svc, s3, stepfunctions

        needed = (
            (app, "_load_persisted_state"),
            (app, "_build_persistence_save_dict"),
            (app, "save_all"),
            (persistence, "STATE_DIR"),
            (lambda_svc, "_provided_code_lock"),
            (s3, "_fire_s3_event"),
            (s3, "_fire_s3_event_async"),
            (s3, "_next_event_sequencer"),
            (stepfunctions, "_add_event"),
        )
        for module, name in needed:
            if not hasattr(module, name):
                raise RuntimeError(f"state cannot be kept: this emulator has no {module.__name__}.{name}; adapt durable.py to it")
        # Otherwise a line for each service, every second.
        logging.getLogger("persistence").setLevel(logging.WARNING)
        app._load_persisted_state = self._restoring(app._load_persisted_state)
        app.save_all = lambda _services: self.take()
        s3._fire_s3_event_async = _announced_before_the_answer
        stepfunctions._add_event = self._noticing(stepfunctions._add_event)
        threading.Thread(target=self._run, name="snapshots", daemon=True).start()

    def acknowledging(self, application: Application) -> Application:
        """Wrap the emulator, so that an upload is answered when it is saved."""

        async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
                await application(scope, receive, send)
                return
            self._changes += 1

            async def send_when_kept(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:
                    await self._kept()
                await send(message)

            await application(scope, receive, send_when_kept if _is_upload(scope) else send)

        return serve

    def take(self) -> None:
        """Save the current state. Raises OSError or RuntimeError."""
        from ministack.services import lambda_svc

        with self._taking:
            known = [int(path.name) for path in self._folder.glob("[0-9]*")]
            target = self._folder / str(max(known, default=0) + 1)
            target.mkdir(parents=True)
            # The code of functions is stored beside the snapshots, once for all of them.
            os.makedirs(lambda_svc.CODE_BLOB_DIR, exist_ok=True)
            # A worker's binary that is being unpacked could not be started while the fork holds it open as well (ETXTBSY).
            with lambda_svc._provided_code_lock:
                child = os.fork()
                if child == 0:
                    self._write_and_exit(target)
            _wait_for(child)
            link = self._folder / f"{_CURRENT}.new"
            link.unlink(missing_ok=True)
            link.symlink_to(target.name)
            link.replace(self._folder / _CURRENT)
            for path in self._folder.glob("[0-9]*"):
                if path.name != target.name:
                    shutil.rmtree(path, ignore_errors=True)

    def _write_and_exit(self, target: Path) -> None:
        """Run in the fork, which has this thread only and shares no lock with the gateway."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # Close the gateway's sockets and pipes: a client that waits for their end must not wait for this process.
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            gc.disable()
            self._write(target)
            code = 0
        except BaseException:  # noqa: BLE001 - this process must end here after any error, and say why
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _write(self, target: Path) -> None:
        from ministack import app
        from ministack.core import persistence
        from ministack.services import lambda_svc

        persistence.STATE_DIR = str(target)
        # The last snapshot may still need what this one does not.
        lambda_svc._prune_orphan_code_blobs = lambda _referenced: None
        services = app._build_persistence_save_dict()
        persistence.save_all(services)
        missing = [name for name in services if not (target / f"{name}.json").exists()]
        if missing:
            raise RuntimeError(f"not saved: {', '.join(missing)}")
        (target / _OWN).write_bytes(pickle.dumps({name: part.get() for name, part in self._parts.items()}))

    def _run(self) -> None:
        seen, quiet, pause = 0, 0, self._pause_seconds
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            changes = self._changes
            quiet = 0 if waiting or changes != seen else quiet + 1
            if quiet > _QUIET_SNAPSHOTS or not changes:
                logger.debug("nothing has changed: no snapshot")
                continue
            seen, started = changes, time.monotonic()
            try:
                self.take()
            except (OSError, RuntimeError):
                logger.exception("no snapshot could be written; the last one stays, and uploads wait")
                with self._lock:
                    self._waiting = waiting + self._waiting
            else:
                for loop, kept in waiting:
                    loop.call_soon_threadsafe(_done, kept)
            pause = max(self._pause_seconds, (_SHARE - 1) * (time.monotonic() - started))

    async def _kept(self) -> None:
        """Wait for a snapshot that begins after now."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((loop, kept))
        self._wake.set()
        await kept

    def _noticing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Count the events of executions as changes: machines change state without a request."""

        def add(execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None) -> Any:
            self._changes += 1
            return original(execution, event_type, details)

        return add

    # Restoring

    def _restoring(self, original: Callable[[], None]) -> Callable[[], None]:
        def load() -> None:
            from ministack.core import persistence

            current = self._folder / _CURRENT
            if not current.exists():
                return
            persistence.STATE_DIR = str(current.resolve())
            original()
            own = current / _OWN
            for name, state in pickle.loads(own.read_bytes()).items():
                self._parts[name].restore(state)
            _make_visible()
            _announce_ends(own.stat().st_mtime)
            self._changes += 1

        return load


def _is_upload(scope: dict[str, Any]) -> bool:
    """A client's write to S3. A worker writes again when its task is repeated."""
    signature = dict(scope["headers"]).get(b"authorization", b"") or scope["query_string"].replace(b"%2F", b"/")
    return b"Credential=test/" in signature and b"/s3/aws4_request" in signature


def _announced_before_the_answer(bucket_name: str, key: str, event_name: str, *rest: Any, **more: Any) -> None:
    """Send the event before the answer. The emulator sends it from a thread, so a crash could lose it; AWS loses none."""
    from ministack.services import s3

    if bucket_name in s3._bucket_notifications:
        s3._fire_s3_event(bucket_name, key, event_name, *rest, sequencer=s3._next_event_sequencer(event_name), **more)


def _wait_for(child: int) -> None:
    deadline = time.monotonic() + _WRITING_SECONDS
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError(f"the snapshot was not written within {_WRITING_SECONDS:.0f} seconds")
        time.sleep(0.005)
    if status:
        raise RuntimeError("the snapshot was not written; the reason is above")


def _done(kept: asyncio.Future[None]) -> None:
    if not kept.done():
        kept.set_result(None)


def _make_visible() -> None:
    """Make messages in flight visible: their receivers ended with the process. On AWS the visibility timeout does this."""
    from ministack.services import sqs

    now = time.time()
    for queue in sqs._queues.all_values():
        for message in queue["messages"]:
            if message["receive_count"]:
                message["visible_at"] = min(message["visible_at"], now)


def _announce_ends(taken: float) -> None:
    """Complete history and events of the executions that were running, which the emulator restores as failed."""
    from ministack.services import stepfunctions as engine

    ended = [execution for execution in engine._executions.all_values() if execution["stopDate"]]
    for execution in ended:
        if execution.get("error") == RESTARTED and execution["events"][-1]["type"] != "ExecutionFailed":
            details = {"error": execution["error"], "cause": execution["cause"]}
            engine._add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": details})
    for execution in sorted(ended, key=lambda execution: str(execution["stopDate"])):
        at = datetime.fromisoformat(execution["stopDate"].replace("Z", "+00:00")).timestamp()
        if at > taken - _UNHEARD_SECONDS:
            engine._emit_execution_status_event(execution)
