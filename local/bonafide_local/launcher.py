"""Starts the gateway process, prints when it answers, and ends all processes that it started."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bonafide_local.analysis_pool import follow_parent

HOST = "127.0.0.1"
# A start takes seconds; on a busy machine it may take much longer.
START_SECONDS = 300.0
# The time between SIGTERM and SIGKILL for the gateway and its children. In total under 5 s.
GRACE_SECONDS = 3.0
# The factor on the waits of a machine's Retry; AWS has 1.
WAIT_SCALE = "0.05"


class StartError(Exception):
    """Why the start failed, and how to fix it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line, parsed."""

    port: int
    control_port: int
    third_party_port: int
    state_dir: Path | None
    iam: bool
    register: Path | None
    api_key: str
    slow_seconds: float
    processes: int | None
    die_with_parent: bool
    durable: bool
    snapshot_seconds: float
    grace_seconds: float
    log_level: str


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. Raises `StartError`."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    if settings.die_with_parent:
        parent = os.getppid()
        follow_parent(signal.SIGTERM)
        if os.getppid() != parent:
            return 0
    _adopt_orphans()
    with _state_dir(settings) as state_dir:
        return _serve(settings, state_dir, stopping)


@contextmanager
def _state_dir(settings: Settings) -> Iterator[Path]:
    """The folder of the state. A temporary one is removed at the end, also after a failed start."""
    if settings.state_dir is None:
        with tempfile.TemporaryDirectory(prefix="bonafide-local-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    else:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        yield settings.state_dir


def _serve(settings: Settings, state_dir: Path, stopping: list[int]) -> int:
    sockets = [
        _bound("--port", settings.port),
        _bound("--control-port", settings.control_port),
        _bound("--third-party-port", settings.third_party_port),
    ]
    ports = [bound.getsockname()[1] for bound in sockets]
    gateway = _start(settings, state_dir, sockets, stopping)
    try:
        if not settings.durable:
            for bound in sockets:
                bound.close()
        if not stopping:
            endpoint, control, third_party = (f"http://{HOST}:{port}" for port in ports)
            line = {"endpoint": endpoint, "control": control, "thirdParty": third_party, "pid": os.getpid()}
            print(json.dumps(line), flush=True)
        while not stopping:
            if gateway.poll() is None:
                time.sleep(0.1)
                continue
            message = f"the gateway ended by itself with code {gateway.returncode}"
            if not settings.durable:
                raise StartError(f"{message}; its log is above")
            print(f"bonafide_local: {message}: continuing from the last snapshot", file=sys.stderr, flush=True)
            _end(gateway, settings.grace_seconds)
            # The sockets stay open: clients wait, and are not refused.
            gateway = _start(settings, state_dir, sockets, stopping, again=True)
        return 0
    finally:
        _end(gateway, settings.grace_seconds)


def _bound(option: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        # SO_REUSEADDR lets two sockets bind one port; only listening shows that it is in use.
        bound.listen(1024)
    except OSError as error:
        bound.close()
        raise StartError(
            f"port {port} of {HOST} cannot be used ({error.strerror}). Is another local AWS running? "
            f"Stop it, or give {option} another port (0 takes a free one)."
        ) from None
    return bound


def _start(
    settings: Settings, state_dir: Path, sockets: list[socket.socket], stopping: list[int], *, again: bool = False
) -> subprocess.Popen[bytes]:
    """Start the gateway and wait until it answers. Raises `StartError`.

    ``again``: a gateway that is killed meanwhile is returned, since it answers before it signals that it is ready.
    """
    ready, ready_child = os.pipe()
    gateway = _spawn(settings, state_dir, sockets, ready_child)
    os.close(ready_child)
    try:
        _wait_until_ready(gateway, ready, stopping)
    except StartError:
        if not again or gateway.returncode != -signal.SIGKILL:
            _end(gateway, settings.grace_seconds)
            raise
    finally:
        os.close(ready)
    return gateway


def _spawn(settings: Settings, state_dir: Path, sockets: list[socket.socket], ready: int) -> subprocess.Popen[bytes]:
    descriptors = [bound.fileno() for bound in sockets]
    options = {
        "endpoint": descriptors[0],
        "control": descriptors[1],
        "third_party": descriptors[2],
        "ready": ready,
        "state_dir": str(state_dir),
        "register": str(settings.register.resolve()) if settings.register else None,
        "api_key": settings.api_key,
        "slow_seconds": settings.slow_seconds,
        "processes": settings.processes,
        "durable": settings.durable,
        "snapshot_seconds": settings.snapshot_seconds,
    }
    package_parent = str(Path(__file__).resolve().parent.parent)
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from bonafide_local.gateway import main; main(sys.argv[1])",
            json.dumps(options),
        ],
        env=_environment(settings, state_dir, sockets[0].getsockname()[1], package_parent),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        pass_fds=[*descriptors, ready],
        # In its own group: Ctrl-C reaches only the launcher, and the group can be ended as a whole.
        start_new_session=True,
    )


def _environment(settings: Settings, state_dir: Path, port: int, package_parent: str) -> dict[str, str]:
    # A real account's credentials and profile must reach neither the emulator nor its functions.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join(filter(None, [package_parent, kept.get("PYTHONPATH")]))
    temporary = state_dir / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **kept,
        # Retries wait for minutes on AWS; the local services do not need that long to recover.
        "SFN_WAIT_SCALE": kept.get("SFN_WAIT_SCALE", WAIT_SCALE),
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        # Otherwise it would listen on all interfaces.
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": HOST,
        "AUTH": "true" if settings.iam else "false",
        "S3_DATA_DIR": str(state_dir / "s3"),
        "STATE_DIR": str(state_dir / "state"),
        "PERSIST_STATE": "1" if settings.durable else "0",
        "S3_PERSIST": "1" if settings.durable else "0",
        "TMPDIR": str(temporary),
        "LOG_LEVEL": settings.log_level,
        # Services with listeners on fixed ports, which are not used.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # The models run in several processes; more threads would only compete for the cores.
        "OMP_NUM_THREADS": "1",
        # Passed on to the functions, whose SDKs use it.
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        # SDKs put "sync-" before the host of StartSyncExecution, which the SDK for Rust cannot switch off. Here it becomes
        # the user part of the URL, before the @, which has no effect.
        "AWS_ENDPOINT_URL_SFN": f"http://@{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


def _wait_until_ready(gateway: subprocess.Popen[bytes], ready: int, stopping: list[int]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not stopping:
        readable, _, _ = select.select([ready], [], [], 0.1)
        if readable and os.read(ready, 16):
            return
        if gateway.poll() is not None:
            raise StartError(f"the gateway ended while starting (code {gateway.returncode}); its log is above")
        if time.monotonic() > deadline:
            raise StartError(f"nothing answered within {START_SECONDS:.0f} seconds; the log is above")


def _end(gateway: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """TERM, then KILL, the gateway's group and every descendant that left the group."""
    _signal_group(gateway.pid, signal.SIGTERM)
    try:
        gateway.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        pass
    _signal_group(gateway.pid, signal.SIGKILL)
    for _ in range(20):
        descendants = _descendants(os.getpid())
        if not descendants:
            # In containers whose PID 1 does not reap, zombies would stay in the process table.
            _reap()
            break
        for pid in descendants:
            _signal(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.02)
    gateway.poll()


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _adopt_orphans() -> None:
    """On Linux, become the parent of orphaned descendants, so that none escapes (PR_SET_CHILD_SUBREAPER)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)


def _descendants(root: int) -> list[int]:
    """All living descendants of a process, from /proc; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        entries = [entry for entry in os.listdir("/proc") if entry.isdecimal()]
    except OSError:
        return []
    for entry in entries:
        try:
            fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry))
    found: list[int] = []
    pending = [root]
    while pending:
        for child in children.get(pending.pop(), []):
            found.append(child)
            pending.append(child)
    return found
