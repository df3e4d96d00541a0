"""The ground of a run: a whole Hortus and the fault host, the journal on a disk of its own where the machine allows."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from faults.run.money import TOML, Standing
from faults.run.reconcile import Price
from garden import Hortus, wait_for
from hortus.receipts.journal import SEGMENT_BYTES
from hortus.testkit.faults.book import Account, read_book


class _Row(NamedTuple):
    """An endpoint: host and model of the catalog (for the price), dialect, and how its base address ends."""

    host: str
    model: str
    dialect: str
    end: str


_ENDPOINTS = {
    "openai": _Row("openai", "gpt-4.1-mini", "openai_chat", "v1"),
    "anthropic": _Row("anthropic", "claude-haiku-4-5", "anthropic_messages", "v1"),
    "google": _Row("google", "gemini-2.5-flash", "gemini", "v1beta"),
}

_FALLBACKS = {"openai": "anthropic", "anthropic": "google", "google": "openai"}

_HEAD = """
[settings]
workers = 2
seedling = false
log_format = "json"
[[project]]
name = "default"
routes = ["*"]
loss = "lenient"
"""

_ENDPOINT = """
[[endpoint]]
name = "{name}"
model = "{model}"
host = "{host}"
dialects = ["{dialect}"]
base_url = "http://127.0.0.1:{port}/{name}/{end}"
private_address = true
credential = "env:FAULT_KEY"
connect_timeout_s = 5.0
first_byte_timeout_s = 1.5
idle_timeout_s = 1.5
total_timeout_s = 5.0
[[route]]
name = "{name}"
endpoints = ["{name}"]
[[route]]
name = "{name}-first"
endpoints = ["{name}", "{fallback}"]
"""

DISK_BYTES = 256 * 1024 * 1024
_PORTS = range(12_000, 32_000, 2)
"""Below those that Linux gives to outgoing connections (from 32768)."""

_BY_LIMIT = "RLIMIT_FSIZE"
_CHILDREN = 5


class Place:
    """What a run starts, kills and starts again."""

    def __init__(self, directory: Path, *, seed: int, edge: Decimal = Decimal("0.05"), may_mount: bool = True) -> None:
        self.directory = directory
        self.book = directory / "host-book.jsonl"
        self.host_port, self.port = free_port(), free_port()
        self._seed = seed
        self._host: subprocess.Popen[bytes] | None = None
        self.hortus = Hortus(
            directory, toml=self._toml() + TOML.format(amount=edge), environment={"FAULT_KEY": "sk-fault"}
        )
        self.hortus.home.mkdir(mode=0o700, exist_ok=True)
        self.journal = self.hortus.home / "journal"
        self.journal.mkdir(mode=0o700, exist_ok=True)
        self.disk = self._mount() if may_mount and os.geteuid() == 0 else _BY_LIMIT
        self.keys: dict[bool, str] = {}

    def _toml(self) -> str:
        return _HEAD + "".join(
            _ENDPOINT.format(
                name=name,
                host=host,
                model=model,
                dialect=dialect,
                end=end,
                port=self.host_port,
                fallback=_FALLBACKS[name],
            )
            for name, (host, model, dialect, end) in _ENDPOINTS.items()
        )

    def _mount(self) -> str:
        """Put the journal on a tmpfs; where that is not allowed, the disk is made full by a limit on file sizes."""
        options = f"size={DISK_BYTES},mode=0700"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "hortus-faults", str(self.journal)],
            capture_output=True,
            check=False,
        )
        return "tmpfs" if done.returncode == 0 else _BY_LIMIT

    def start(self) -> None:
        """Start the host and Hortus, and make a key."""
        command = [sys.executable, "-m", "hortus.testkit.fault_host", "--port", str(self.host_port)]
        command += ["--book", str(self.book), "--seed", str(self._seed)]
        with (self.directory / "host.log").open("ab") as log:
            self._host = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: is_open(self.host_port), what="the fault host")
        self.start_hortus()
        self.keys = {is_edge: self.hortus.new_key("edge" if is_edge else "default") for is_edge in (False, True)}

    def start_hortus(self) -> None:
        """Run `hortus up` until everything is ready."""
        (self.hortus.home / "run" / "hortus.json").unlink(missing_ok=True)
        self.hortus.start("--port", str(self.port))

    def children(self) -> dict[str, int]:
        """Return the running children of `hortus up` by name."""
        found = {}
        with contextlib.suppress(OSError):
            pids = Path(f"/proc/{self.hortus.pid}/task/{self.hortus.pid}/children").read_text().split()
            for pid in pids:
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    if b"--name" in words:
                        found[words[words.index(b"--name") + 1].decode()] = int(pid)
        return found

    def is_whole(self, but: Collection[int] = ()) -> bool:
        """Tell whether every child runs; those that were just killed do not."""
        children = self.children().values()
        return len(children) == _CHILDREN and not set(children) & set(but)

    def fill_disk(self) -> None:
        """Leave no room under the journal for anything new."""
        if self.disk == "tmpfs":
            room = os.statvfs(self.journal)
            self._resize((room.f_blocks - room.f_bfree) * room.f_frsize)
        else:
            self._limit_files(SEGMENT_BYTES - 1)

    def make_room(self) -> None:
        """Take that back."""
        if self.disk == "tmpfs":
            self._resize(DISK_BYTES)
        else:
            self._limit_files(resource.RLIM_INFINITY)

    def _resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.journal)], check=True, capture_output=True)

    def _limit_files(self, size: int) -> None:
        for name, pid in self.children().items():
            if name.startswith("worker"):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def accounts(self) -> list[Account]:
        """Return the host's own count."""
        return read_book(self.book)

    def prices(self) -> dict[str, Price]:
        """Return what each endpoint costs, out of the snapshot that the workers use."""
        snapshot: dict[str, Any] = msgspec.json.decode((self.hortus.home / "snapshot" / "current.json").read_bytes())
        found = {}
        for name, endpoint in snapshot["endpoints"].items():
            if (price := endpoint.get("price")) is not None:
                found[name] = Price(Decimal(str(price["input_per_million"])), Decimal(str(price["output_per_million"])))
        return found

    def standings(self) -> dict[str, Standing]:
        """Return how the budgets stand, as `hortus budgets` shows them."""
        return {
            one["name"]: Standing(
                Decimal(one["money"]), *(Decimal(one["standing"][part]) for part in Standing._fields[1:])
            )
            for one in self.hortus.cli_json("budgets", "list")
            if one["standing"]
        }

    def keep_journal(self) -> None:
        """Copy the journal to where it outlives the disk that it lies on."""
        shutil.copytree(self.journal, self.directory / "journal", dirs_exist_ok=True)

    def close(self) -> None:
        """Stop everything and give the disk back."""
        self.hortus.close()
        if self._host is not None:
            self._host.send_signal(signal.SIGTERM)
            self._host.wait(30)
        if self.disk == "tmpfs":
            subprocess.run(["umount", "-l", str(self.journal)], check=False, capture_output=True)


def free_port() -> int:
    """Return a port that is free, like the next one, and that no outgoing connection will take while Hortus is down.

    Raises:
        OSError: There is none.
    """
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise OSError("no port is free")


def is_open(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
