"""What every engine's process does before and around serving: hear its opening, die with its parent, report once."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys

import msgspec

from hortus.engines.driver import Broken, Opening, Report
from hortus.engines.parent_death import die_with_parent

GAVE_UP = 3
"""Exit status of a failed start that was reported."""


def hear_opening(arguments: list[str], *, description: str | None) -> tuple[Opening, int]:
    """Return the opening, and the descriptor for the report; from now on this process ends with its parent."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--reporting", type=int, required=True)
    parser.add_argument("--name", required=True)  # read by people in `ps`
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(asked.parent)
    os.set_inheritable(asked.reporting, False)  # noqa: FBT003 - positional by its signature
    return msgspec.json.decode(sys.stdin.buffer.read(), type=Opening), asked.reporting


def report_to(descriptor: int, report: Report) -> None:
    """Write the one line that the supervisor waits for."""
    os.write(descriptor, msgspec.json.encode(report) + b"\n")


def give_up(descriptor: int, report: Broken) -> int:
    """Say why nothing is served; return the exit status."""
    report_to(descriptor, report)
    return GAVE_UP


def free_or_any(port: int) -> int:
    """Return the port if it can be had, else 0: a free one is taken."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
