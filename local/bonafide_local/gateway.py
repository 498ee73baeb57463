"""The process that serves the emulator, the fakes, the control API and the licence verification service.

It is a child of the launcher (`bonafide_local.launcher`), which ends it and the processes that it started.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from bonafide_local.agentcore import Gateways
from bonafide_local.analysis_pool import AnalysisPool
from bonafide_local.applicants import Applicants
from bonafide_local.aws_json import JsonService
from bonafide_local.control import Control
from bonafide_local.durable import Part, Snapshots
from bonafide_local.harness import Harnesses
from bonafide_local.http import HttpAnswer, HttpRequest, asgi
from bonafide_local.limits import Limits
from bonafide_local.national_registry import NationalRegistry
from bonafide_local.rekognition import Rekognition
from bonafide_local.textract import Textract
from bonafide_local.third_party import Journal, Register, ThirdParty

logger = logging.getLogger("bonafide_local")

REGION = "us-east-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True)
class Options:
    """The options that the launcher passes on. Sockets are inherited file descriptors, already bound."""

    endpoint: int
    control: int
    third_party: int
    ready: int
    state_dir: Path
    register: Path | None
    api_key: str
    slow_seconds: float
    processes: int | None
    durable: bool
    snapshot_seconds: float


async def serve(options: Options) -> None:
    """Serve until SIGTERM."""
    # Read before anything else of the emulator is imported: it reads its environment on import.
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app as emulator

    from bonafide_local import fault_injection, hooks, iam, streams, timings
    from bonafide_local.judge import Judge

    pool = AnalysisPool(options.processes)
    faults = Limits()
    decisions = iam.Decisions(enforced=emulator.AUTH)
    read_object = hooks.object_reader(REGION)
    rekognition = Rekognition(pool, read_object, REGION, ACCOUNT)
    textract = Textract(pool, read_object)
    hooks.install(
        [
            JsonService("rekognition", "RekognitionService", rekognition.operations()),
            JsonService("textract", "Textract", textract.operations()),
        ],
        rekognition,
        decisions,
    )
    gateways = Gateways(REGION, ACCOUNT)
    gateways.install()
    harnesses = Harnesses(REGION, ACCOUNT)
    harnesses.install()
    judge = Judge()
    judge.judge_answers()
    fault_injection.install(faults)
    judge.judge_requests()
    durations = timings.Timings()
    timings.install(durations)
    journal = Journal(options.state_dir / "third-party.jsonl") if options.durable else None
    third_party = ThirdParty(Register.load(options.register), faults, options.api_key, options.slow_seconds, journal)
    registry = NationalRegistry()

    async def outside(request: HttpRequest) -> HttpAnswer:
        """The services outside of AWS, on one port."""
        return await (registry if request.path.startswith("/registry/") else third_party).handle(request)

    application = gateways.before(harnesses.before(emulator.app))
    if options.durable:
        parts = {
            "rekognition": Part(rekognition.collections, rekognition.restore),
            "faults": Part(faults.kept, faults.restore),
            "streams": Part(streams.kept, streams.restore),
            "gateways": Part(gateways.kept, gateways.restore),
            "harnesses": Part(harnesses.kept, harnesses.restore),
            "tokens": Part(lambda: iam.machine_of_token, iam.machine_of_token.update),
        }
        snapshots = Snapshots(Path(os.environ["STATE_DIR"]), parts, options.snapshot_seconds)
        snapshots.install()
        application = gateways.before(harnesses.before(snapshots.acknowledging(emulator.app)))

    applicants = Applicants(f"http://127.0.0.1:{_port(options.control)}")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)

    def config(descriptor: int) -> Config:
        made = Config()
        made.bind = [f"fd://{descriptor}"]
        made.keep_alive_timeout = 75
        made.graceful_timeout = 0.5
        made.shutdown_timeout = 1.0
        made.loglevel = "WARNING"
        made.accesslog = None
        return made

    servers = [
        asyncio.ensure_future(hypercorn_serve(application, config(descriptor), shutdown_trigger=stop.wait))
        for application, descriptor in (
            (fault_injection.without_answers(timings.timed(application, durations)), options.endpoint),
            (asgi(Control(faults, decisions, third_party, durations, judge, applicants).handle), options.control),
            (fault_injection.without_answers(asgi(outside)), options.third_party),
        )
    ]
    warming = pool.warm()
    await _announce(options)
    done, _ = await asyncio.wait(servers, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(servers, timeout=2.0)
    for future in warming:
        future.cancel()
    pool.close()
    for server in done:
        server.result()


async def _announce(options: Options) -> None:
    """Signal the launcher when all three servers answer."""
    for descriptor, path in (
        (options.endpoint, "/_ministack/health"),
        (options.control, "/health"),
        (options.third_party, "/openapi.yaml"),
    ):
        await _answers(_port(descriptor), path)
    os.write(options.ready, b"ready\n")
    os.close(options.ready)


async def _answers(port: int, path: str) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            line = await asyncio.wait_for(reader.readline(), timeout=10)
            writer.close()
            if b" 200 " in line:
                return
        except OSError:
            pass
        await asyncio.sleep(0.05)


def _port(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as bound:
        return int(bound.getsockname()[1])


def main(encoded: str) -> None:
    """Entry point of the child process; ``encoded`` are the options as JSON."""
    from bonafide_local.analysis_pool import follow_parent

    follow_parent(signal.SIGTERM)
    raw = json.loads(encoded)
    options = Options(
        **{
            **raw,
            "state_dir": Path(raw["state_dir"]),
            "register": Path(raw["register"]) if raw["register"] else None,
        }
    )
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    code = 1
    try:
        asyncio.new_event_loop().run_until_complete(serve(options))
        code = 0
    except Exception:
        logger.exception("the gateway cannot continue")
    finally:
        # Ends Lambda functions, which are in this process group, also if the launcher was killed.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        # Threads that wait for a worker's answer, or in a machine's Wait, end in no other way.
        os._exit(code)
