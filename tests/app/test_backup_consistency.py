"""What a backup that is made beside writers and a ledger holds: everything once, whatever they do in between."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backup_ground import CLOCK, Ground, Silent, receipts_after_start
from hortus.app.backup import make_backup, unpack
from hortus.app.copying import Wanted, copy_segment
from hortus.app.home import Home
from hortus.receipts.journal import JournalWriter
from hortus.receipts.verify import verify_journal
from receipts.journal_examples import opened, refused, segments_of, settled

_STEPS_AT_ONCE = 10


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "home")
    yield made
    made.close()


class Life:
    """Does one thing of an installation's life at each step; also what a backup tells its progress to."""

    def __init__(self, ground: Ground, plan: list[int]) -> None:
        self.ground = ground
        self.plan = plan
        self.open: dict[str, JournalWriter] = {}
        self.settled: set[str] = set()
        self.refused: set[str] = set()
        self.ever: set[str] = set()

    def begin(self, _what: str, _total_bytes: int) -> None:
        self.step()

    def advance(self, _count_bytes: int) -> None:
        for _ in range(_STEPS_AT_ONCE):
            self.step()

    def step(self) -> None:
        if not self.plan:
            return
        number = self.plan.pop()
        deed = (self.begin_request, self.settle, self.settle, self.refuse, self.absorb, self.absorb, self.die)[
            number % 7
        ]
        deed(number)

    def writer(self, number: int) -> JournalWriter:
        writers = self.ground.writers
        return writers[number % len(writers)] if len(writers) > 1 else self.ground.new_writer(segment_bytes=4096)

    def begin_request(self, number: int) -> None:
        name = f"request-{len(self.ever)}"
        writer = self.writer(number)
        self.ever.add(name)
        writer.open(opened(name))
        self.open[name] = writer

    def settle(self, number: int) -> None:
        if not self.open:
            return self.begin_request(number)
        name = sorted(self.open)[number % len(self.open)]
        self.open.pop(name).settle(settled(name))
        self.settled.add(name)
        return None

    def refuse(self, number: int) -> None:
        name = f"request-{len(self.ever)}"
        self.ever.add(name)
        self.writer(number).refuse(refused(name))
        self.refused.add(name)

    def absorb(self, _number: int) -> None:
        self.ground.ledger.run_once()

    def die(self, number: int) -> None:
        writer = self.writer(number)
        self.ground.kill(writer)
        self.open = {name: one for name, one in self.open.items() if one is not writer}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(0, 80), st.integers(0, 80))
def test_whatever_happens_meanwhile_nothing_is_lost_or_doubled(seed: int, before: int, during: int) -> None:
    draw = Random(seed)
    with tempfile.TemporaryDirectory() as room:
        ground = Ground(Path(room) / "home")
        life = Life(ground, [draw.randrange(1000) for _ in range(before)])
        while life.plan:
            life.step()
        settled_before, refused_before = set(life.settled), set(life.refused)
        life.plan = [draw.randrange(1000) for _ in range(during)]
        file, copy = Path(room) / "backup.tar", Home(Path(room) / "copy")
        manifest = make_backup(ground.home, file, wanted=Wanted(), clock=CLOCK, progress=life)
        ground.close()
        assert manifest.faults == ()
        unpack(file, copy.root, clock=CLOCK, progress=Silent())
        found = receipts_after_start(copy)
        completed = {name for name, receipt in found.items() if receipt.status == "completed"}
        assert settled_before <= completed <= life.settled
        assert refused_before <= {name for name, one in found.items() if one.status == "refused"} <= life.refused
        assert found.keys() <= life.ever
        whole = receipts_after_start(ground.home)
        assert all(found[name] == whole[name] for name in completed)


class Once(Silent):
    """Does something as soon as the store was copied."""

    def __init__(self, deed) -> None:
        self.deed = deed

    def advance(self, _count_bytes: int) -> None:
        if self.deed is not None:
            deed, self.deed = self.deed, None
            deed()


def test_a_segment_that_is_put_away_meanwhile_goes_back_into_the_journal(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer(segment_bytes=1)
    for number in range(3):
        writer.open(opened(f"request-{number}"))
        writer.settle(settled(f"request-{number}"))
    file, copy = tmp_path / "backup.tar", Home(tmp_path / "copy")
    make_backup(ground.home, file, wanted=Wanted(), clock=CLOCK, progress=Once(ground.ledger.run_once))
    assert segments_of(ground.home.journal / "done")
    manifest = unpack(file, copy.root, clock=CLOCK, progress=Silent())
    assert (manifest.counts.receipts, manifest.counts.behind) == (0, 6)
    assert not segments_of(copy.journal / "done")
    assert sorted(receipts_after_start(copy)) == ["request-0", "request-1", "request-2"]


def test_a_segment_that_the_store_has_archived_is_not_read_again(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    ground.kill(writer)
    ground.ledger.run_once()
    manifest = ground.back_up(tmp_path / "backup.tar")
    copy = Home(tmp_path / "copy")
    unpack(tmp_path / "backup.tar", copy.root, clock=CLOCK, progress=Silent())
    assert (manifest.counts.receipts, manifest.counts.behind) == (1, 0)
    assert [file.name for file in segments_of(copy.journal / "done")] == [
        file.name for file in segments_of(ground.home.journal / "done")
    ]
    assert list(receipts_after_start(copy)) == ["a"]


def test_requests_that_ran_are_interrupted_in_the_restored_home(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer()
    writer.open(opened("runs", reserved="0.7"))
    ground.ledger.run_once()
    ground.back_up(tmp_path / "backup.tar")
    unpack(tmp_path / "backup.tar", tmp_path / "copy", clock=CLOCK, progress=Silent())
    found = receipts_after_start(Home(tmp_path / "copy"))
    assert (found["runs"].status, str(found["runs"].cost)) == ("interrupted", "0.7")


def test_a_segment_is_copied_up_to_its_last_whole_line(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    [source] = segments_of(ground.home.journal)
    whole = source.read_bytes().rstrip(b"\0")
    with source.open("r+b") as file:
        file.seek(len(whole))
        file.write(b"1 0123abcd half a li")
    assert copy_segment(source, tmp_path / source.name) == len(whole)
    assert (tmp_path / source.name).read_bytes() == whole


def test_a_damaged_segment_is_copied_as_it_is_and_told(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer()
    for name in "abc":
        writer.open(opened(name))
        writer.settle(settled(name))
    [source] = segments_of(ground.home.journal)
    data = bytearray(source.read_bytes())
    begin = len(data.rstrip(b"\0")) // 2
    data[begin : begin + 40] = bytes(40)
    source.write_bytes(data)
    manifest = ground.back_up(tmp_path / "backup.tar")
    copy = Home(tmp_path / "copy")
    unpack(tmp_path / "backup.tar", copy.root, clock=CLOCK, progress=Silent())
    [copied] = segments_of(copy.journal)
    assert copied.read_bytes() == bytes(data).rstrip(b"\0")
    assert len(manifest.faults) == 1
    assert source.name in manifest.faults[0]
    assert len(verify_journal((copy.journal,)).faults) == 1


def test_a_store_that_is_ahead_of_its_journal_is_told(ground: Ground, tmp_path: Path) -> None:
    writer = ground.new_writer()
    for name in "abc":
        writer.open(opened(name))
        writer.settle(settled(name))
    ground.ledger.run_once()
    [source] = segments_of(ground.home.journal)
    lines = source.read_bytes().rstrip(b"\0").splitlines(keepends=True)
    source.write_bytes(b"".join(lines[:-2]))
    manifest = ground.back_up(tmp_path / "backup.tar")
    assert ["more of it than there is" in fault for fault in manifest.faults] == [True]
