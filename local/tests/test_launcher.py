"""Starting and ending: one line, nothing left behind, clear refusals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import LOCAL, LocalAws, start
from test_hooks import ROLE, bootstrap_zip

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def descendants(root: int) -> set[int]:
    found: set[int] = set()
    pending = [root]
    while pending:
        parent = pending.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            found |= children
            pending += children
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: set[int], seconds: float) -> set[int]:
    """Wait for processes to end; those that did not."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def with_a_function(local: LocalAws) -> None:
    """Leave the process of a Lambda function running."""
    functions = local.client("lambda")
    functions.create_function(
        FunctionName="echo", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": bootstrap_zip()}
    )
    assert json.loads(functions.invoke(FunctionName="echo", Payload=b"{}")["Payload"].read())["echo"] == {}


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_within_five_seconds(number: int) -> None:
    local = start()
    with_a_function(local)
    children = descendants(local.process.pid)
    assert children
    started = time.monotonic()
    local.process.send_signal(number)
    assert local.process.wait(5) == 0
    assert gone(children, 5 - (time.monotonic() - started)) == set()


@LINUX
def test_everything_ends_with_its_parent() -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'bonafide_local', 'serve', '--die-with-parent', '--log-level', 'ERROR'], stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode(), end='', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(LOCAL)}, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    launcher = int(parent.stdout.readline().split()[0])
    everything = {launcher} | descendants(launcher)
    assert len(everything) > 1
    parent.kill()
    parent.wait()
    assert gone(everything, 5) == set()


@LINUX
def test_everything_ends_when_the_launcher_is_killed() -> None:
    local = start()
    children = descendants(local.process.pid)
    local.process.kill()
    local.process.wait()
    assert gone(children, 5) == set()


def test_a_taken_port_is_refused_with_a_remedy(aws: LocalAws) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [sys.executable, "-m", "bonafide_local", "serve", "--port", str(port)],
            env={**os.environ, "PYTHONPATH": str(LOCAL)}, capture_output=True, text=True, timeout=20,
        )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"port {port}" in refused.stderr
    assert "--port" in refused.stderr


def test_a_given_port_and_state_folder_are_used(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    local = start("--port", str(port), "--state-dir", str(tmp_path / "state"))
    assert local.endpoint == f"http://127.0.0.1:{port}"
    assert local.stop() == 0
    assert (tmp_path / "state").is_dir()


def test_only_the_loopback_interface_is_bound(aws: LocalAws) -> None:
    port = int(aws.endpoint.rpartition(":")[2])
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET, socket.SOCK_STREAM)}
    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex((address, port)) != 0


def test_the_help_names_the_options_and_the_ready_line() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "bonafide_local", "serve", "--help"],
        env={**os.environ, "PYTHONPATH": str(LOCAL)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert shown.returncode == 0
    for part in ("--port", "--iam", "--register", "--die-with-parent", '"endpoint"', "faults"):
        assert part in shown.stdout


def test_nothing_personal_is_logged(tmp_path: Path) -> None:
    """A licence's text passes through every process; none of it may reach a log, even at DEBUG."""
    from drawing import LAYOUTS, draw_license

    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bonafide_local", "serve", "--die-with-parent", "--log-level", "DEBUG"],
            env={**os.environ, "PYTHONPATH": str(LOCAL)}, stdout=subprocess.PIPE, stderr=file, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        local = LocalAws(process, ready["endpoint"], ready["control"], ready["thirdParty"])
        layout = LAYOUTS[0]
        assert local.client("textract").analyze_id(DocumentPages=[{"Bytes": draw_license(layout)}])["IdentityDocuments"]
        assert local.stop() == 0
    text = log.read_text().upper()
    for name in ("LAST_NAME", "DOCUMENT_NUMBER", "ADDRESS", "DATE_OF_BIRTH"):
        assert layout.truth[name] not in text
