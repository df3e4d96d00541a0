"""A whole Hortus, started as users start it, and how to wait for something to come true."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hortus.store import migrations

START_WITHIN_S = 60.0

NEWEST_TABLES = max(one.name[:4] for one in Path(migrations.__path__[0], "versions").glob("[0-9]*.py"))
"""Version of the store's tables that a new store has."""

REPLAY_TOML = """
[[project]]
name = "default"
routes = ["*"]

[[endpoint]]
name = "replay"
model = "fake"
host = "openai-compatible"
base_url = "{base_url}"
private_address = true
upstream_model = "fake"
credential = "env:REPLAY_KEY"
operations = ["chat", "embeddings"]

[[route]]
name = "replay"
endpoints = ["replay"]
"""


def wait_for(condition: Callable[[], Any], *, within_s: float = 20.0, what: str = "the condition") -> Any:
    """Poll until `condition` returns something true, and return that."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {within_s} s")
        time.sleep(0.02)
    return found


class Hortus:
    """A running installation with the commands and addresses a user has."""

    def __init__(self, home: Path, *, toml: str = "", environment: dict[str, str] | None = None) -> None:
        self.directory = home
        self.home = home / ".hortus"
        (home / "hortus.toml").write_text(toml, "utf-8")
        inherited = {name: value for name, value in os.environ.items() if not name.upper().endswith("_API_KEY")}
        own = {"HORTUS_HOME": str(self.home), "HORTUS_BREAKER_FAILURES": "0"}  # hosts of tests fail again and again
        self.environment = {**inherited, **own, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.door = ""
        self.admin = ""

    def start(self, *flags: str) -> None:
        """Run `hortus up` until it answers."""
        command = [sys.executable, "-m", "hortus.cli", "up", "--no-question", "--port", "0", *flags]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, env=self.environment, stdout=log, stderr=log)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait for run/hortus.json and read the addresses."""
        file = self.home / "run" / "hortus.json"
        wait_for(lambda: file.exists() or self._has_ended(), within_s=START_WITHIN_S, what=f"start ({self.log_path})")
        if self._has_ended():
            pytest.fail(f"hortus up ended: {self.log_path.read_text('utf-8')[-3000:]}")
        addresses = msgspec.json.decode(file.read_bytes())
        self.door, self.admin = addresses["door"], addresses["admin"]

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def log_path(self) -> Path:
        """What `hortus up` and its children wrote."""
        return self.directory / "up.log"

    @property
    def pid(self) -> int:
        """Process id of the parent."""
        assert self._process is not None
        return self._process.pid

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the parent and wait for its end."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=60)

    def cli(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a `hortus` command against this installation."""
        done = subprocess.run(
            [sys.executable, "-m", "hortus.cli", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=90,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"hortus {' '.join(arguments)} ended with {done.returncode}: {done.stderr}\n{done.stdout}")
        return done

    def cli_json(self, *arguments: str) -> Any:
        """Run a command with `--json` and return what it printed."""
        return msgspec.json.decode(self.cli(*arguments, "--json").stdout)

    def new_key(self, project: str = "default") -> str:
        """Make a client key."""
        return str(self.cli_json("keys", "create", "--project", project)["key"])

    def new_key_and_pair(self, project: str = "default") -> tuple[str, str]:
        """Make a client key; return it, and `ID:SECRET` of its key pair."""
        made = self.cli_json("keys", "create", "--project", project)
        pair = self.cli_json("keys", "pair", made["id"])
        return str(made["key"]), f"{pair['access_key_id']}:{pair['secret_access_key']}"

    def children(self) -> dict[str, int]:
        """Return the parent's children by name, from /proc."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--name" in words and str(self.home).encode() in words:
                found[words[words.index(b"--name") + 1].decode()] = int(entry.name)
        return found

    def kill_everything(self) -> None:
        """Kill the parent and all its children, as a power cut does; `start` starts anew."""
        for pid in (self.pid, *self.children().values()):
            with contextlib.suppress(ProcessLookupError):  # children follow their parent in death
                os.kill(pid, signal.SIGKILL)
        self.stop(signal.SIGKILL)
        (self.home / "run" / "hortus.json").unlink(missing_ok=True)

    def close(self) -> None:
        """Stop what still runs."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
