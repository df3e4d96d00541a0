"""The ledger as a process: it serves, survives a store that is locked or gone, and stops after one last transfer."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from garden import wait_for
from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.secrets import ensure_secret
from hortus.receipts.journal import JournalWriter
from hortus.snapshot.declared import ProjectSpec
from hortus.store.access import AccessTable
from hortus.store.database import open_store
from hortus.store.receipts import ReceiptTable
from receipts.journal_examples import opened, settled

pytestmark = pytest.mark.slow

CLOCK = SystemClock()
RUN = """
import asyncio, logging, sys
from pathlib import Path
from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.ledger import run_until_told

logging.basicConfig(stream=sys.stderr)
asyncio.run(run_until_told(Home(Path(sys.argv[1])), SystemClock()))
"""


class Running:
    """A ledger process on a home of its own, with a writer's journal."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.journal.mkdir()
        self.home.run.mkdir()
        ensure_secret(self.home)
        self.writer = JournalWriter(self.home.journal, "worker-1", clock=CLOCK)
        self.log = root / "ledger.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with self.log.open("wb") as log:
            return subprocess.Popen([sys.executable, "-c", RUN, self.home.root], env=environment, stderr=log)

    def wait_ready(self) -> None:
        wait_for(self.home.ledger_socket.exists, within_s=60, what="the ledger's socket")

    def request(self, name: str) -> None:
        self.writer.open(opened(name))
        self.writer.settle(settled(name))

    def has(self, name: str) -> bool:
        store = open_store(self.home.store, clock=CLOCK)
        try:
            return ReceiptTable(store).receipt(name) is not None
        finally:
            store.close()

    def ask(self, digest: str) -> Any:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self.home.ledger_socket))
            client.sendall(msgspec.json.encode({"ask": "grant", "digest": digest}) + b"\n")
            with client.makefile("rb") as lines:
                return next(message["grant"] for line in lines if "digest" in (message := msgspec.json.decode(line)))

    def close(self) -> None:
        self.writer.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.close()


def test_it_stores_receipts_serves_grants_and_stops_when_told(ledger: Running) -> None:
    ledger.wait_ready()
    store = open_store(ledger.home.store, clock=CLOCK)
    access = AccessTable(store, CLOCK)
    access.put_project(ProjectSpec("team"), origin="api")
    access.add_key(project="team", name="k", digest="d1", hint="abcd", secret_version=1, expires_at_ms=None)
    store.close()
    assert ledger.ask("d1")["project"] == "team"
    assert ledger.ask("d2") is None
    ledger.request("a")
    wait_for(lambda: ledger.has("a"), what="the receipt")
    ledger.process.terminate()
    assert ledger.process.wait(timeout=60) == 0


def test_what_was_written_before_the_stop_is_stored_before_the_end(ledger: Running) -> None:
    ledger.wait_ready()
    for number in range(500):
        ledger.request(f"{number}")
    ledger.process.send_signal(signal.SIGINT)
    assert ledger.process.wait(timeout=60) == 0
    assert ledger.has("499")


def test_a_locked_store_is_waited_for(ledger: Running) -> None:
    ledger.wait_ready()
    other = sqlite3.connect(ledger.home.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.request("a")
    wait_for(lambda: b"locked" in ledger.log.read_bytes(), within_s=60, what="a word about the lock")
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: ledger.has("a"), within_s=60, what="the receipt")


def test_a_store_that_is_gone_for_a_while_is_waited_for(ledger: Running) -> None:
    ledger.wait_ready()
    aside = ledger.home.root / "aside"
    ledger.home.store.rename(aside)
    ledger.request("a")
    wait_for(lambda: b"is gone" in ledger.log.read_bytes(), within_s=60, what="a word about the loss")
    assert ledger.process.poll() is None
    aside.rename(ledger.home.store)
    wait_for(lambda: ledger.has("a"), within_s=60, what="the receipt")


def test_a_store_that_belongs_to_another_secret_is_refused(ledger: Running) -> None:
    ledger.wait_ready()
    ledger.process.terminate()
    ledger.process.wait(timeout=60)
    other = Home(ledger.home.root / "other")
    other.root.mkdir()
    ensure_secret(other)
    other.secret_key.replace(ledger.home.secret_key)
    ledger.process = ledger._start()
    assert ledger.process.wait(timeout=60) != 0
    assert b"belongs to another secret" in ledger.log.read_bytes()


def test_a_store_that_is_locked_at_the_start_is_waited_for(ledger: Running) -> None:
    ledger.wait_ready()
    ledger.process.kill()
    ledger.process.wait(timeout=60)
    ledger.home.ledger_socket.unlink()
    other = sqlite3.connect(ledger.home.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.process = ledger._start()
    wait_for(lambda: b"locked" in ledger.log.read_bytes(), within_s=60, what="a word about the lock")
    other.execute("ROLLBACK")
    other.close()
    ledger.wait_ready()
