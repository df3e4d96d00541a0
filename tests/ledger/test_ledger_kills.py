"""kill -9 of writers and ledgers, real processes, at every step and at seeded moments: each request has one receipt."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import event

from garden import wait_for
from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.secrets import ensure_secret
from hortus.ledger.ports import Absorbed, Batch
from hortus.ledger.transfer import Transfer
from hortus.receipts.journal import JournalWriter
from hortus.receipts.segment import Position
from hortus.receipts.verify import verify_journal
from hortus.store.absorbing import JournalTable
from hortus.store.chainreading import ChainReader
from hortus.store.database import open_store
from hortus.store.receipts import ReceiptTable
from receipts.journal_examples import opened, refused, segments_of, settled

pytestmark = pytest.mark.slow

CLOCK = SystemClock()
Answer = TypeVar("Answer")


def statuses_of(store_path: Path) -> dict[str, str]:
    """Return every receipt's status; each has its place in a chain that is whole."""
    store = open_store(store_path, clock=CLOCK)
    try:
        assert ChainReader(store).find_flaw(newest=1_000_000) is None
        with store.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM receipts WHERE seq IS NULL").scalar() == 0
        return {receipt.receipt_id: receipt.status for receipt in ReceiptTable(store).receipts(limit=1_000_000)}
    finally:
        store.close()


def transfer_all(root: Path) -> None:
    store = open_store(root / "store.sqlite", clock=CLOCK)
    Transfer(root / "journal", JournalTable(store), clock=CLOCK).run_once()
    store.close()


def write_requests(directory: Path, count: int) -> dict[str, str]:
    """Write a journal of several segments and return what its receipts must say."""
    writer = JournalWriter(directory, "worker-1", clock=CLOCK, segment_bytes=32 * 1024)
    expected: dict[str, str] = {}
    writer.open(opened("never-ends"))
    expected["never-ends"] = "interrupted"
    for number in range(count):
        name = f"request-{number}"
        match number % 4:
            case 0:
                writer.refuse(refused(name))
                expected[name] = "refused"
            case 1:
                writer.open(opened(name))
                writer.settle(settled(name, is_last=False, status="failed"))
                writer.open(opened(name, 2))
                writer.settle(settled(name, 2))
                expected[name] = "completed"
            case _:
                writer.open(opened(name))
                writer.settle(settled(name))
                expected[name] = "completed"
    writer.close()
    return expected


class DyingSink:
    """A store that kills this process at one of its steps: before, inside and after each call."""

    def __init__(self, table: JournalTable, die_at: int) -> None:
        self._table = table
        self._steps_left = die_at

    def _step(self) -> None:
        if self._steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._steps_left -= 1

    def positions(self) -> Mapping[str, Position]:
        return self._around(self._table.positions)

    def absorb(self, batch: Batch) -> Absorbed:
        return self._around(lambda: self._table.absorb(batch))

    def waiting_writers(self) -> frozenset[str]:
        return self._around(self._table.waiting_writers)

    def bury(self, writer: str) -> Absorbed:
        return self._around(lambda: self._table.bury(writer))

    def archive(self, segment: str) -> None:
        return self._around(lambda: self._table.archive(segment))

    def archived_before(self, instant_ms: int) -> Mapping[str, bool]:
        return self._around(lambda: self._table.archived_before(instant_ms))

    def forget(self, names: Sequence[str]) -> None:
        return self._around(lambda: self._table.forget(names))

    def _around(self, call: Callable[[], Answer]) -> Answer:
        self._step()
        answer = call()
        self._step()
        return answer


WRITER = """
import sys
from pathlib import Path
from hortus.app.clock import SystemClock
from hortus.receipts.journal import JournalWriter
from receipts.journal_examples import opened, settled

journal = JournalWriter(Path(sys.argv[1]), "worker-1", clock=SystemClock(), segment_bytes=16 * 1024)
running = []
for number in range(1_000_000):
    name = f"{sys.argv[2]}-{number}"
    journal.open(opened(name))
    sys.stdout.write(f"opened {name}\\n")
    sys.stdout.flush()
    running.append(name)
    if number % 3 == 2:
        done = running.pop(0)
        journal.settle(settled(done))
        sys.stdout.write(f"settled {done}\\n")
        sys.stdout.flush()
"""

LEDGER = """
import asyncio, sys
from pathlib import Path
from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.ledger import run_until_told

asyncio.run(run_until_told(Home(Path(sys.argv[1])), SystemClock()))
"""


def run_dying_ledger(root: Path, die_at: int, *, statement: int | None = None) -> bool:
    """Run one pass in a process that dies at a step (or before a statement); tell whether it came to its end."""
    child = os.fork()
    if child == 0:
        store = open_store(root / "store.sqlite", clock=CLOCK)
        if statement is not None:
            event.listen(store._reader, "before_cursor_execute", Countdown(statement))
        Transfer(root / "journal", DyingSink(JournalTable(store), die_at), clock=CLOCK).run_once()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


class Countdown:
    """Kills this process before the n-th statement that the database gets."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, *_: object) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "journal").mkdir()
    open_store(tmp_path / "store.sqlite", clock=CLOCK).close()
    return tmp_path


def test_a_ledger_killed_around_every_call_of_the_store_counts_everything_once(root: Path) -> None:
    expected = write_requests(root / "journal", 250)
    passes = 0
    while not run_dying_ledger(root, die_at=5 + passes % 5):
        passes += 1
    assert passes > 5
    assert statuses_of(root / "store.sqlite") == expected
    assert segments_of(root / "journal") == []
    findings = verify_journal([root / "journal" / "done"])
    assert (findings.faults, findings.torn_bytes) == ((), 0)


def test_a_ledger_killed_before_any_statement_counts_everything_once(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = write_requests(root / "journal", 100)
    is_done, statement = False, 0
    while not is_done:
        copy = tmp_path_factory.mktemp("copy") / "root"
        shutil.copytree(root, copy)
        is_done = run_dying_ledger(copy, die_at=-1, statement=statement)
        assert statuses_of(copy / "store.sqlite").items() <= expected.items()
        transfer_all(copy)
        assert statuses_of(copy / "store.sqlite") == expected
        assert segments_of(copy / "journal") == []
        statement += 1
    assert statement > 25


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_writer_loses_nothing_that_it_had_acknowledged(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for life in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, root / "journal", f"{life}"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 400)):
                acknowledged.append(process.stdout.readline().strip())
                if chance.random() < 0.02:
                    transfer_all(root)
            process.kill()
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    transfer_all(root)
    begun = {line.split()[1] for line in acknowledged if line.startswith("opened")}
    ended = {line.split()[1] for line in acknowledged if line.startswith("settled")}
    found = statuses_of(root / "store.sqlite")
    assert begun <= found.keys()
    assert len(found.keys() - begun) <= 3  # at most the one that each life wrote without coming to say so
    completed = {name for name, status in found.items() if status == "completed"}
    assert ended <= completed
    assert len(completed - ended) <= 3
    assert set(found.values()) <= {"completed", "interrupted"}
    assert verify_journal([root / "journal" / "done"]).faults == ()


@pytest.mark.parametrize("seed", [4, 5])
def test_a_ledger_killed_at_any_moment_under_load_counts_everything_once(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    ensure_secret_of(root)
    writer = JournalWriter(root / "journal", "worker-1", clock=CLOCK, segment_bytes=64 * 1024)
    written = 0
    for _ in range(4):
        process = start_ledger(root)
        wait_for((root / "run" / "ledger.sock").exists, within_s=60, what="the ledger's start")
        for _ in range(chance.randrange(20)):
            for _ in range(50):
                writer.open(opened(f"{written}"))
                writer.settle(settled(f"{written}"))
                written += 1
            wait_for(lambda: chance.random() < 0.5)  # some hundredths of a second, in which the ledger goes on
        process.kill()
        process.wait(timeout=60)
    writer.close()
    process = start_ledger(root)
    wait_for(lambda: not segments_of(root / "journal"), within_s=60, what="the transfer of everything")
    process.terminate()
    assert process.wait(timeout=60) == 0
    assert statuses_of(root / "store.sqlite") == {f"{number}": "completed" for number in range(written)}


def start_ledger(root: Path) -> subprocess.Popen[bytes]:
    (root / "run" / "ledger.sock").unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", LEDGER, root], env=environment)


def ensure_secret_of(root: Path) -> None:
    """Give the ground a secret as the first start would, before there is a store."""
    home = Home(root)
    home.run.mkdir()
    home.store.unlink()
    ensure_secret(home)
