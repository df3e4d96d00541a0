"""The journal's writer: what it accepts is there, what it cannot keep it refuses, and room for ends never runs out."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.base.errors import InstallationError
from hortus.canon.errors import JournalFull
from hortus.receipts.journal import JournalWriter
from hortus.receipts.records import Opened, Refused, Settled
from hortus.receipts.verify import verify_journal
from receipts.journal_examples import StepClock, opened, read_all, refused, segments_of, settled

SMALL = 16 * 1024


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def start(tmp_path: Path, clock: StepClock) -> Iterator[Callable[..., JournalWriter]]:
    writers: list[JournalWriter] = []

    def begin(**options: object) -> JournalWriter:
        writers.append(JournalWriter(tmp_path, "worker-1", clock=clock, **options))  # type: ignore[arg-type]  # passed on
        return writers[-1]

    yield begin
    for writer in writers:
        writer.close()


class FullDisk:
    """A disk that has no room for another segment while `is_full`; the kernel's own answer, given early."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self._allocate = os.posix_fallocate
        patch.setattr(os, "posix_fallocate", self._maybe)

    def _maybe(self, descriptor: int, offset: int, length: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._allocate(descriptor, offset, length)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def fill(journal: JournalWriter) -> int:
    """Open attempts until the journal refuses; return how many it took."""
    for number in range(10_000):
        try:
            journal.open(opened(f"fill-{number}"))
        except JournalFull:
            return number
    pytest.fail("never full")


def test_records_come_back_in_order(tmp_path: Path, start: Callable[..., JournalWriter]) -> None:
    journal = start()
    written = [opened("a"), settled("a"), refused("b")]
    journal.open(written[0])
    journal.settle(written[1])
    journal.refuse(written[2])
    assert read_all(segments_of(tmp_path)[0])[0] == written


def test_a_record_can_be_read_before_anything_is_closed_or_synced(
    tmp_path: Path, start: Callable[..., JournalWriter]
) -> None:
    start().open(opened("a"))
    assert read_all(segments_of(tmp_path)[0], is_finished=False)[0] == [opened("a")]


def test_segments_follow_one_another_in_one_chain(tmp_path: Path, start: Callable[..., JournalWriter]) -> None:
    journal = start(segment_bytes=SMALL)
    for number in range(100):
        journal.open(opened(f"{number}"))
        journal.settle(settled(f"{number}"))
    journal.close()
    assert len(segments_of(tmp_path)) > 3
    findings = verify_journal([tmp_path])
    assert (findings.records, findings.torn_bytes, findings.faults) == (200, 0, ())


def test_a_segment_is_private_and_cut_to_its_records_when_closed(
    tmp_path: Path, start: Callable[..., JournalWriter]
) -> None:
    journal = start(segment_bytes=SMALL)
    journal.open(opened("a"))
    segment = segments_of(tmp_path)[0]
    assert segment.stat().st_size == SMALL
    assert segment.stat().st_mode & 0o777 == 0o600
    journal.close()
    assert segment.read_bytes().endswith(b"}\n")


def test_an_idle_writer_leaves_nothing_behind(tmp_path: Path, start: Callable[..., JournalWriter]) -> None:
    start().close()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_held_until_the_writer_closes(tmp_path: Path, start: Callable[..., JournalWriter]) -> None:
    journal = start()
    journal.open(opened("a"))
    with segments_of(tmp_path)[0].open("rb") as segment:
        with pytest.raises(BlockingIOError):
            fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal.close()
        fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_full_disk_refuses_new_attempts_and_lets_open_ones_settle(
    tmp_path: Path, start: Callable[..., JournalWriter], disk: FullDisk
) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    taken = fill(journal)
    assert taken > 3
    for number in range(taken):
        journal.settle(settled(f"fill-{number}"))
    records = read_all(segments_of(tmp_path)[0])[0]
    assert sum(isinstance(record, Settled) for record in records) == taken


def test_the_refusal_says_when_to_try_again(start: Callable[..., JournalWriter], disk: FullDisk) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    fill(journal)
    with pytest.raises(JournalFull, match="it is full") as refusal:
        journal.open(opened("x"))
    assert refusal.value.retry_after_s
    assert refusal.value.status == 503


def test_refusals_are_counted_when_they_find_no_room(start: Callable[..., JournalWriter], disk: FullDisk) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    fill(journal)
    for number in range(50):
        journal.refuse(refused(f"{number}"))
    assert journal.dropped_refusals > 0


def test_attempts_are_taken_again_once_there_is_room(
    start: Callable[..., JournalWriter], disk: FullDisk, clock: StepClock
) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    fill(journal)
    disk.is_full = False
    clock.pass_by(2)
    journal.open(opened("again"))


def test_a_disk_that_is_full_at_the_start_is_no_reason_not_to_start(
    start: Callable[..., JournalWriter], disk: FullDisk, clock: StepClock
) -> None:
    disk.is_full = True
    journal = start()
    with pytest.raises(JournalFull):
        journal.open(opened("a"))
    disk.is_full = False
    clock.pass_by(2)
    journal.open(opened("a"))


def test_a_directory_that_is_not_there_is_refused_at_the_start(tmp_path: Path, clock: StepClock) -> None:
    with pytest.raises(InstallationError, match="cannot be written"):
        JournalWriter(tmp_path / "none", "worker-1", clock=clock)


def test_texts_of_a_host_cannot_outgrow_the_room_of_an_end(
    tmp_path: Path, start: Callable[..., JournalWriter], disk: FullDisk
) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    taken = fill(journal)
    long = "\x01" * 100_000
    for number in range(taken):
        journal.settle(replace(settled(f"fill-{number}"), host_request_id=long, served_model=long))
    records = read_all(segments_of(tmp_path)[0])[0]
    assert records[-1] == replace(settled(f"fill-{taken - 1}"), host_request_id=long[:128], served_model=long[:128])


def test_losses_of_an_answer_cannot_outgrow_the_room_of_an_end(
    tmp_path: Path, start: Callable[..., JournalWriter], disk: FullDisk
) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    taken = fill(journal)
    losses = tuple(f"advisory:choices[0].message.annotations[{number}]" for number in range(1000))
    for number in range(taken):
        journal.settle(replace(settled(f"fill-{number}"), losses=losses))
    *named, more = read_all(segments_of(tmp_path)[0])[0][-1].losses
    assert len(named) > 20
    assert (tuple(named), more) == (losses[: len(named)], f"+{1000 - len(named)}")


def test_losses_that_have_no_room_at_all_are_counted(
    tmp_path: Path, start: Callable[..., JournalWriter], disk: FullDisk
) -> None:
    journal = start(segment_bytes=SMALL)
    disk.is_full = True
    taken = fill(journal)
    long = "\x01" * 1000
    for number in range(taken):
        ended = replace(settled(f"fill-{number}"), host_request_id=long, served_model=long, losses=(long,) * 1000)
        journal.settle(ended)
    assert read_all(segments_of(tmp_path)[0])[0][-1].losses == ("+1000",)


def test_losses_of_a_request_that_are_too_many_are_counted(tmp_path: Path, start: Callable[..., JournalWriter]) -> None:
    losses = tuple(f"advisory:messages[{number}].content[0].cache_control" for number in range(5000))
    start().open(replace(opened("a"), losses=losses))
    (record,) = read_all(segments_of(tmp_path)[0])[0]
    *named, more = record.losses
    assert len(named) > 100
    assert (tuple(named), more) == (losses[: len(named)], f"+{5000 - len(named)}")


def test_always_means_synced_before_the_call_returns(
    start: Callable[..., JournalWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = start(sync="always")
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    journal.open(opened("a"))
    journal.settle(settled("a"))
    assert len(synced) == 2


def test_group_means_synced_soon_by_another_thread(
    start: Callable[..., JournalWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.set())
    journal = start()
    journal.open(opened("a"))
    assert synced.wait(timeout=20)
    synced.clear()
    journal.settle(settled("a"))
    assert synced.wait(timeout=20)


def test_a_failed_sync_is_refused_under_always_and_a_fresh_segment_follows(
    tmp_path: Path, start: Callable[..., JournalWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = start(sync="always")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(JournalFull, match="did not take"):
            journal.open(opened("a"))
    journal.open(opened("b"))
    assert journal.failed_syncs == 1
    assert len(segments_of(tmp_path)) == 2
    assert verify_journal([tmp_path]).faults == ()


def test_a_write_that_fails_midway_leaves_no_damage(
    tmp_path: Path, start: Callable[..., JournalWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = start()
    journal.open(opened("a"))
    really = os.pwrite

    def half(descriptor: int, data: bytes, offset: int) -> int:
        really(descriptor, data[:50], offset)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        with pytest.raises(JournalFull):
            journal.open(opened("b"))
    journal.settle(settled("a"))
    journal.close()
    findings = verify_journal([tmp_path])
    assert (findings.records, findings.torn_bytes, findings.faults) == (2, 0, ())


def test_a_short_write_is_completed(
    tmp_path: Path, start: Callable[..., JournalWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = start()
    really = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda descriptor, data, offset: really(descriptor, data[:60], offset))
        journal.open(opened("a"))
    assert read_all(segments_of(tmp_path)[0])[0] == [opened("a")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["open", "settle", "refuse", "fill", "empty"]), max_size=120), st.integers(0, 2**32))
def test_what_was_accepted_is_there_and_every_accepted_attempt_can_settle(steps: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        disk, clock, directory = FullDisk(patch), StepClock(), Path(place)
        journal = JournalWriter(directory, "w", clock=clock, entropy=bytes, segment_bytes=SMALL)
        accepted: list[Opened | Settled | Refused] = []
        running: list[str] = []
        for number, step in enumerate([*steps, *["settle"] * len(steps)]):
            match step:
                case "fill" | "empty":
                    disk.is_full = step == "fill"
                    clock.pass_by(2)
                case "open":
                    record = opened(f"{number}", route="r" * (seed % 900))
                    try:
                        journal.open(record)
                    except JournalFull:
                        assert disk.is_full
                    else:
                        accepted.append(record)
                        running.append(f"{number}")
                case "settle" if running:
                    end = replace(settled(running.pop(seed % len(running))), served_model="m" * (seed % 5000))
                    journal.settle(end)
                    accepted.append(end)
                case "refuse":
                    before = journal.dropped_refusals
                    journal.refuse(refused(f"{number}"))
                    if journal.dropped_refusals == before:
                        accepted.append(refused(f"{number}"))
                case _:
                    continue
        journal.close()
        assert not running
        assert verify_journal([directory]).faults == ()
        found = [record for segment in segments_of(directory) for record in read_all(segment)[0]]
        assert [_short(record) for record in found] == [_short(record) for record in accepted]


def _short(record: object) -> object:
    """Long texts of a host may be cut, but need not be."""
    if isinstance(record, Settled) and record.served_model:
        return replace(record, served_model=record.served_model[:128])
    return record


_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from hortus.app.clock import SystemClock
from hortus.canon.errors import JournalFull
from hortus.receipts.journal import JournalWriter
from receipts.journal_examples import opened, settled

place = Path(sys.argv[1])
journal = JournalWriter(place, "worker-1", clock=SystemClock(), segment_bytes=64 * 1024)
taken = []
for number in range(10_000):
    try:
        journal.open(opened(str(number)))
    except JournalFull:
        break
    taken.append(number)
else:
    sys.exit("the disk never filled")
for number in taken:
    journal.settle(settled(str(number)))
journal.close()
from hortus.receipts.verify import verify_journal
findings = verify_journal([place])
assert findings.faults == (), findings
assert findings.records == 2 * len(taken), findings
sys.stdout.write(f"{len(taken)}")
"""


def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_ON_A_FULL_DISK, "utf-8")
    mounted = tmp_path / "small"
    mounted.mkdir()
    shell = 'mount -t tmpfs -o size=300k none "$1" && exec "$2" "$3" "$1"'
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", shell, "sh", mounted, sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this machine lets nobody mount a small disk: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
