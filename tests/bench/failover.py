"""How long does a client wait when the first of two endpoints fails, and when is that one left alone?

For each fault a route of its own: the fault host first, a host that is well second. One request after the other, so
the first shows the fallback and the later ones the breaker. A fault after which the first host may have charged is
passed on to the client, never to the second host.

Usage: failover.py [--requests 12] [--json FILE]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from faults.run.place import free_port, is_open
from garden import Hortus, wait_for
from hortus.testkit.faults.book import read_book
from hortus.testkit.replay_host import ReplayHost

REFUSED = "refused"
FAULTS = (
    "well",
    REFUSED,
    "reset-before-head",
    "reset-after-head",
    "stall-before-head",
    "429",
    "429-seconds",
    "500-html",
    "502-empty",
    "503-json",
    "half-frame",
)
"""What the first host does: acts of the testkit's fault host, and nobody listening at all."""

_STREAMED = frozenset({"half-frame"})

_HEAD = """
[settings]
seedling = false
workers = 1
[[project]]
name = "default"
routes = ["*"]
[[endpoint]]
name = "second"
model = "fake"
host = "openai-compatible"
upstream_model = "fake:chunks=3"
base_url = "{base_url}"
credential = "env:REPLAY_KEY"
private_address = true
"""

_ROUTE = """
[[endpoint]]
name = "{fault}"
model = "fake"
host = "openai-compatible"
base_url = "http://127.0.0.1:{port}/{fault}/v1"
credential = "env:REPLAY_KEY"
private_address = true
first_byte_timeout_s = 1.0
idle_timeout_s = 1.0
[[route]]
name = "{fault}"
endpoints = ["{fault}", "second"]
"""


class Failover(NamedTuple):
    """What was seen of one fault.

    Attributes:
        first_s: Seconds until the first request had its answer, or its error.
        median_s: The median of all.
        later_s: The median of those that came when the first endpoint was left alone.
        reached: How many of the requests the first endpoint saw.
    """

    fault: str
    statuses: str
    first_s: float
    median_s: float
    later_s: float | None
    asked: int
    reached: int


@contextmanager
def running(directory: Path, toml: str, *, port: int) -> Iterator[Hortus]:
    """Run a whole Hortus beside the fault host."""
    command = [sys.executable, "-m", "hortus.testkit.fault_host", "--port", str(port), "--seed", "1"]
    host = subprocess.Popen([*command, "--book", str(directory / "book.jsonl")])
    hortus = Hortus(directory, toml=toml, environment={"REPLAY_KEY": "sk-replay", "HORTUS_BREAKER_FAILURES": "5"})
    try:
        wait_for(lambda: is_open(port), what="the fault host")
        hortus.start()
        yield hortus
    finally:
        hortus.close()
        host.terminate()
        host.wait()


def measure(requests: int) -> list[Failover]:
    """Ask each route so many times."""
    port, nobody = free_port(), free_port()
    with ReplayHost() as well, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        toml = _HEAD.format(base_url=well.base_url)
        toml += "".join(_ROUTE.format(fault=one, port=nobody if one == REFUSED else port) for one in FAULTS)
        with running(directory, toml, port=port) as hortus:
            key = hortus.new_key()
            door = f"{hortus.door.removesuffix('/v1')}/v1"
            with httpx2.Client(base_url=door, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
                asked = {fault: [ask(client, fault) for _ in range(requests)] for fault in FAULTS}
        seen = Counter(account.seen.endpoint for account in read_book(directory / "book.jsonl"))
    return [sum_up(fault, answers, reached=seen[fault]) for fault, answers in asked.items()]


def ask(client: httpx2.Client, fault: str) -> tuple[float, str]:
    """Send one request; return the seconds to the end of its answer, and how that ended."""
    words = "hx:000001" if fault == REFUSED else f"hx:000001 fault:{fault}"
    is_stream = fault in _STREAMED
    body = {"model": fault, "stream": is_stream, "messages": [{"role": "user", "content": words}]}
    began_s = time.perf_counter()
    answer = client.post("/chat/completions", json=body)
    is_whole = not is_stream or '"error"' not in answer.text
    return time.perf_counter() - began_s, f"{answer.status_code}{'' if is_whole else ' broken'}"


def sum_up(fault: str, answers: list[tuple[float, str]], *, reached: int) -> Failover:
    """Return the figures of one fault."""
    seconds = [took_s for took_s, _ in answers]
    later = seconds[reached:] if 0 < reached < len(seconds) else []
    statuses = Counter(status for _, status in answers)
    return Failover(
        fault,
        statuses=", ".join(f"{count}x {status}" for status, count in statuses.items()),
        first_s=seconds[0],
        median_s=statistics.median(seconds),
        later_s=statistics.median(later) if later else None,
        asked=len(answers),
        reached=reached,
    )


def show(found: list[Failover]) -> None:
    """Print a line for each fault."""
    table = Table("fault", "answers", "first, s", "median, s", "at rest, s", "reached the first host")
    for one in found:
        later = "" if one.later_s is None else f"{one.later_s:.3f}"
        reached = "nobody there" if one.fault == REFUSED else f"{one.reached} of {one.asked}"
        table.add_row(one.fault, one.statuses, f"{one.first_s:.3f}", f"{one.median_s:.3f}", later, reached)
    Console(width=110).print(table)


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=12)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.requests)
    show(found)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode([one._asdict() for one in found])))


if __name__ == "__main__":
    main()
