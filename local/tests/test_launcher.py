"""Start and end: the line on stdout, no process left, clear errors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LOCAL, TIMEOUT, LocalAws, descendants, free_port, start, wait_until_ended
from drawing import LAYOUTS, LOOKS, draw_license

from bonafide_local.cli import main

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(number: int) -> None:
    local = start("--grace-seconds", TIMEOUT, "--processes", 1)
    local.create_function("echo")
    assert local.invoke("echo")["echo"] == {}
    # At least the gateway, the process for pictures and that of the function.
    assert len(descendants(local.process.pid)) >= 3
    local.stop(number)


@LINUX
def test_a_gateway_that_hangs_is_killed_after_the_grace() -> None:
    local = start("--grace-seconds", 0.1)
    os.kill(local.gateway(), signal.SIGSTOP)
    local.stop()


@LINUX
def test_everything_ends_with_its_parent() -> None:
    script = (
        "import signal, subprocess, sys\n"
        "command = [sys.executable, '-m', 'bonafide_local', 'serve', '--die-with-parent', '--processes', '1', '--log-level', 'ERROR']\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode(), end='', flush=True)\n"
        "signal.pause()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(LOCAL)}, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    launcher = int(parent.stdout.readline().split()[0])
    everything = {launcher} | descendants(launcher)
    assert len(everything) >= 3
    parent.kill()
    parent.wait()
    wait_until_ended(everything)


@LINUX
def test_everything_ends_when_the_launcher_is_killed(tmp_path: Path) -> None:
    # A killed launcher cannot remove a temporary folder.
    local = start("--processes", 1, "--state-dir", tmp_path)
    children = descendants(local.process.pid)
    assert len(children) >= 2
    local.process.kill()
    local.process.wait()
    wait_until_ended(children)


def test_a_used_port_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [sys.executable, "-m", "bonafide_local", "serve", "--port", str(port)],
            env={**os.environ, "PYTHONPATH": str(LOCAL), "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == [], "a start that fails leaves nothing behind"
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"port {port}" in refused.stderr
    assert "--port" in refused.stderr


def test_a_given_port_and_state_folder_are_used(tmp_path: Path) -> None:
    port = free_port()
    local = start("--port", port, "--state-dir", tmp_path / "state")
    assert local.endpoint == f"http://127.0.0.1:{port}"
    local.client("s3").create_bucket(Bucket="gone")
    local.stop()
    assert (tmp_path / "state").is_dir()
    assert not list((tmp_path / "state").rglob("*.json"))


@LINUX
def test_only_the_loopback_interface_is_bound(aws: LocalAws) -> None:
    ports = {f"{int(url.rpartition(':')[2]):04X}" for url in (aws.endpoint, aws.control, aws.third_party)}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path("/proc/net", table).read_text().splitlines()[1:]]
    # The second column is the local address; 0A in the fourth one means listening.
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    assert sorted((port, address) for address, port in listening if port in ports) == [(port, "0100007F") for port in sorted(ports)]


def test_the_help_names_the_options_and_the_ready_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for part in ("--port", "--iam", "--register", "--die-with-parent", '"endpoint"', "faults"):
        assert part in shown


def test_nothing_personal_is_logged(aws: LocalAws, log: Path) -> None:
    """The text of a licence may not be in any log, even at DEBUG."""
    layout = LAYOUTS[0]
    assert aws.client("textract").analyze_id(DocumentPages=[{"Bytes": draw_license(layout, LOOKS["photo"])}])["IdentityDocuments"]
    text = log.read_text().upper()
    assert " DEBUG " in text
    for name in ("LAST_NAME", "DOCUMENT_NUMBER", "ADDRESS", "DATE_OF_BIRTH"):
        assert layout.truth[name] not in text
