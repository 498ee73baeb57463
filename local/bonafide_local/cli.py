"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bonafide_local.durable import PAUSE_SECONDS
from bonafide_local.launcher import GRACE_SECONDS, Settings, StartError, run
from bonafide_local.third_party import DEFAULT_API_KEY, SLOW_SECONDS, BadRegister, Register

_EPILOG = """\
When all services answer, one JSON line is printed on stdout, and nothing else:
  {"endpoint": "http://127.0.0.1:…", "control": "…", "thirdParty": "…", "pid": …}
Logs go to stderr. Ctrl-C or SIGTERM ends everything, Lambda functions included, within 5 seconds.

Then, for example:
  export AWS_ENDPOINT_URL=<endpoint> AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
  aws rekognition list-collections
  curl -X POST <control>/faults -d '{"service":"rekognition","operation":"CompareFaces","error":"ThrottlingException","count":2}'
"""


def parser() -> argparse.ArgumentParser:
    """The parser, for `main` and for tests."""
    top = argparse.ArgumentParser(prog="python -m bonafide_local", description="A local AWS for Bonafide.")
    commands = top.add_subparsers(dest="command", required=True, metavar="serve")
    serve = commands.add_parser(
        "serve",
        help="start the local AWS and run until it is stopped",
        description="Start an AWS emulator with fakes of Rekognition, Textract and the licence verification service.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--port", type=_port, default=0, help="the AWS endpoint's port; 0 (default) takes a free one")
    serve.add_argument("--control-port", type=_port, default=0, help="the control API's port (default: a free one)")
    serve.add_argument("--third-party-port", type=_port, default=0, help="port of the licence verification service (default: a free one)")
    serve.add_argument("--state-dir", type=Path, help="where the emulator may write; default: a temporary folder, removed at the end")
    serve.add_argument("--iam", action="store_true", help="enforce IAM policies (the emulator's AUTH=true)")
    serve.add_argument("--register", type=Path, help="JSON register of licences; default: the shipped one")
    serve.add_argument(
        "--third-party-key", default=DEFAULT_API_KEY, help="API key that the licence verification service expects (default: %(default)s)"
    )
    serve.add_argument(
        "--slow-seconds", type=float, default=SLOW_SECONDS, help="seconds before the answer for a 'slow' licence (default: %(default)s)"
    )
    serve.add_argument(
        "--processes",
        type=int,
        help="processes that analyse pictures (default: one per core, at most 4); 0: one with one thread, started with the first picture",
    )
    serve.add_argument("--die-with-parent", action="store_true", help="also stop when the parent process ends (Linux)")
    serve.add_argument(
        "--durable",
        action="store_true",
        help="keep all state in --state-dir, and continue with it after a crash or a new start with the same folder and ports",
    )
    serve.add_argument(
        "--snapshot-seconds",
        type=float,
        default=PAUSE_SECONDS,
        help="with --durable: seconds after a change by which the state is saved (default: %(default)s)",
    )
    serve.add_argument(
        "--grace-seconds",
        type=float,
        default=GRACE_SECONDS,
        help="seconds for an orderly end, after which all processes are killed (default: %(default)s)",
    )
    serve.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="default: INFO")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (2 when it could not start)."""
    parsed = parser().parse_args(arguments)
    try:
        if parsed.register is not None:
            Register.load(parsed.register)
        return run(
            Settings(
                port=parsed.port,
                control_port=parsed.control_port,
                third_party_port=parsed.third_party_port,
                state_dir=parsed.state_dir,
                iam=parsed.iam,
                register=parsed.register,
                api_key=parsed.third_party_key,
                slow_seconds=parsed.slow_seconds,
                processes=parsed.processes,
                die_with_parent=parsed.die_with_parent,
                durable=parsed.durable,
                snapshot_seconds=parsed.snapshot_seconds,
                grace_seconds=parsed.grace_seconds,
                log_level=parsed.log_level,
            )
        )
    except (StartError, BadRegister, OSError) as error:
        print(f"bonafide_local: {error}", file=sys.stderr)
        return 2


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port") from None
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is not a port (0 to 65535)")
    return port
