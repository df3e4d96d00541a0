"""Runs the supervisor's role in a process and looks at it from outside, as workers and the operating system do."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from hortus.app.home import Home
from hortus.engines.addresses import EngineAddress, read_address
from hortus.snapshot.model import Deployment, Snapshot
from hortus.snapshot.writing import publish

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).resolve().parents[2] / "src"

ROLE = """
import asyncio, os, sys
from pathlib import Path
from hortus.app.clock import SystemClock, random_bytes
from hortus.app.home import Home
from hortus.app.logs import start_logs
from hortus.app.parent_death import die_with_parent
from hortus.app.runner import Runner
from hortus.app.supervisor import supervise
from hortus.engines.attempt import Ground
from hortus.engines.memory import available_bytes

home, parent, limit, is_shared = Home(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "shared"
die_with_parent(parent)

def taken(page=os.sysconf("SC_PAGE_SIZE")):
    total = 0
    for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        try:
            pages = Path("/proc", pid, "statm").read_text().split()
        except OSError:
            continue
        total += (int(pages[1]) - int(pages[2])) * page
    return total

start_logs("supervisor", form="text", level="info")
ground = Ground(
    addresses=home.engines,
    logs=home.logs,
    clock=SystemClock(),
    make_key=lambda: random_bytes(24).hex(),
    available_bytes=lambda: min(limit - (taken() if is_shared else 0), available_bytes()),
    grace_s=0.5,
    environment={name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")},
)
asyncio.run(supervise(ground, Runner(home.orders, clock=ground.clock, environment={}), snapshot=home.snapshot))
"""

PATIENCE_S = 40.0
ENOUGH = 1 << 50

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, *, within_s: float = PATIENCE_S) -> Found:
    """Look again and again until there is something, or fail at the deadline."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s} s: {what}")


def bare_environment() -> dict[str, str]:
    """Return what a process of ours needs, and what measures its coverage."""
    measuring = {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")}
    return {"PATH": os.defpath, "PYTHONPATH": str(SOURCE), **measuring}


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class Bench:
    """One home, one supervisor at a time."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        for folder in (self.home.logs, self.home.snapshot.parent, self.home.run):
            folder.mkdir(parents=True)
        self._output = self.home.logs / "supervisor.log"
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self, *, memory_limit: int = ENOUGH, is_shared: bool = False) -> subprocess.Popen[bytes]:
        """Start the supervisor; `is_shared`: what engines take counts against the limit."""
        words = [str(self.home.root), str(os.getpid()), str(memory_limit), "shared" if is_shared else "each"]
        with self._output.open("ab") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-c", ROLE, *words],
                env={**bare_environment(), "SECRET_TOKEN": "must not reach an engine"},
                stdout=output,
                stderr=output,
            )
        return self.supervisor

    def want(self, *deployments: Deployment) -> None:
        snapshot = Snapshot(
            version=0,
            compiled_at_ms=0,
            organisation="test",
            endpoints={},
            routes={},
            deployments={one.name: one for one in deployments},
        )
        publish(snapshot, self.home.snapshot)

    def put_snapshot(self, content: bytes) -> None:
        aside = self.home.snapshot.with_suffix(".new")
        aside.write_bytes(content)
        aside.replace(self.home.snapshot)

    def address(self, name: str) -> EngineAddress | None:
        return read_address(self.home.engines, name)

    def until_state(
        self, name: str, state: str, *, not_pid: int | None = None, within_s: float = PATIENCE_S
    ) -> EngineAddress:
        def look() -> EngineAddress | None:
            found = self.address(name)
            return found if found and found.state == state and (not_pid is None or found.pid != not_pid) else None

        try:
            return until(look, f"{name} is {state}", within_s=within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.address(name)}; {self.log()}") from None

    def log(self) -> str:
        return self._output.read_text()

    def close(self) -> None:
        if self.supervisor is not None and self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
            try:
                self.supervisor.wait(PATIENCE_S)
            finally:
                self.supervisor.kill()
                self.supervisor.wait()


def ask(address: EngineAddress, path: str, body: object = None, *, key: str | None = None) -> tuple[int, Any]:
    """Call an engine's API and return status and decoded body."""
    host = address.base_url.removeprefix("http://").split("/")[0]
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    try:
        connection.request(
            "GET" if body is None else "POST",
            f"/v1{path}",
            body=None if body is None else msgspec.json.encode(body),
            headers={"authorization": f"Bearer {key or address.key}", "content-type": "application/json"},
        )
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read())
    finally:
        connection.close()


def chat(address: EngineAddress) -> str:
    """Ask a first question and return the answer's text."""
    question = {"model": "x", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
    status, answer = ask(address, "/chat/completions", question)
    assert status == 200, answer
    return str(answer["choices"][0]["message"]["content"])
