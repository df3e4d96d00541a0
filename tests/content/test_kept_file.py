"""The file under what is kept: shared by processes, killed ones among them; broken, locked, full or out of reach."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from hortus.base.secrets import FixedVersions, Secret
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.ports import NotKept, Owner
from receipts.journal_examples import StepClock

SECRET = Secret(1, b"s" * 32)
ALL = ("prj", "eu", "call")

Open = Callable[[], KeptContent]

PROCESS = """
import os, sys
from pathlib import Path
from hortus.app.clock import SystemClock, random_bytes
from hortus.base.secrets import FixedVersions, Secret
from hortus.content.kept import KeptBounds, KeptContent

kept = KeptContent(
    Path(sys.argv[1]), FixedVersions((Secret(1, b"s" * 32),)),
    bounds=KeptBounds(), clock=SystemClock(), entropy=random_bytes,
)
number = 0
while sys.stdin.readline():
    for number in range(number, number + int(sys.argv[3])):
        kept.keep("prj", "eu", f"{sys.argv[2]} {number}", f"seal {number}".encode())
        kept.claim("prj", "eu", "response", f"{sys.argv[2]} {number}")
    number += 1
    print(number, flush=True)
    if number >= int(sys.argv[4]):
        kept._database._connection.execute("BEGIN IMMEDIATE")
        os.kill(os.getpid(), 9)
"""


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def open_kept(tmp_path: Path, clock: StepClock) -> Iterator[Open]:
    opened: list[KeptContent] = []

    def open_one() -> KeptContent:
        entropy = Random(len(opened)).randbytes
        opened.append(
            KeptContent(tmp_path, FixedVersions((SECRET,)), bounds=KeptBounds(), clock=clock, entropy=entropy)
        )
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def kept(open_kept: Open) -> KeptContent:
    return open_kept()


def start(directory: Path, name: str, *, at_once: int, until: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, str(directory), name, str(at_once), str(until)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_killed_processes_lose_nothing_and_hold_nobody_up(tmp_path: Path) -> None:
    started = [start(tmp_path, f"worker-{number}", at_once=20, until=60) for number in range(2)]
    for process in started:
        process.communicate("go\n" * 3, timeout=60)
    assert [process.returncode for process in started] == [-9, -9]
    after = start(tmp_path, "after", at_once=1, until=1)
    assert after.communicate("go\n", timeout=60)[0] == "1\n"

    from hortus.app.clock import SystemClock, random_bytes  # noqa: PLC0415 -- the processes had the machine's time

    kept = KeptContent(
        tmp_path, FixedVersions((SECRET,)), bounds=KeptBounds(), clock=SystemClock(), entropy=random_bytes
    )
    for name in ("worker-0", "worker-1"):
        for number in range(60):
            assert kept.find("prj", "eu", f"{name} {number}") == f"seal {number}".encode()
            assert kept.owner("response", f"{name} {number}") == Owner("prj", "eu")
    assert kept.find("prj", "eu", "after 0") == b"seal 0"
    kept.close()


def test_workers_see_one_anothers_seals_at_once(open_kept: Open) -> None:
    one, other = open_kept(), open_kept()
    one.keep(*ALL, b"first")
    assert other.find(*ALL) == b"first"
    other.keep(*ALL, b"second")
    assert one.find(*ALL) == b"second"


def test_a_file_without_a_database_is_left_aside(
    open_kept: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept-1.db").write_bytes(b"this is no database" * 1000)
    kept = open_kept()
    kept.keep(*ALL, b"seal")
    assert kept.find(*ALL) == b"seal"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert (tmp_path / "kept-1.db").exists()


def test_a_file_that_breaks_while_it_is_open_is_left_by_all(
    open_kept: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = open_kept(), open_kept()
    for number in range(100):
        one.keep("prj", "eu", f"call {number}", bytes(1000))
    assert other.find("prj", "eu", "call 1") == bytes(1000)
    one.sweep()
    size = (tmp_path / "kept-1.db").stat().st_size
    for ending in ("", "-wal"):
        with (tmp_path / f"kept-1.db{ending}").open("r+b") as file:
            file.write(b"\xff" * size)
    assert other.find("prj", "eu", "call 99") is None
    one.keep(*ALL, b"seal")
    assert other.find(*ALL) == b"seal"
    other.keep(*ALL, b"other")
    assert one.find(*ALL) == b"other"
    assert len([record for record in caplog.records if "begun anew" in record.getMessage()]) == 1
    assert (tmp_path / "kept-2.db").exists()


def test_of_broken_files_only_the_last_stays(open_kept: Open, tmp_path: Path) -> None:
    for number in range(1, 5):
        (tmp_path / f"kept-{number}.db").write_bytes(b"no database" * 1000)
        kept = open_kept()
        kept.keep(*ALL, b"seal")
        kept.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kept-4.db", "kept-5.db"]


@pytest.mark.parametrize("seed", [*range(12), 176, 212])
def test_damage_anywhere_costs_what_is_kept_and_nothing_else(open_kept: Open, tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    kept = open_kept()
    for number in range(60):
        kept.keep("prj", "eu", f"call {number}", f"seal {number} ".encode() * draw.randrange(1, 900))
        kept.claim("prj", "eu", "response", f"resp {number}")
    kept.close()
    content = bytearray((tmp_path / "kept-1.db").read_bytes())
    for _ in range(draw.randrange(1, 30)):
        at = draw.randrange(len(content))
        content[at : at + 40] = draw.randbytes(len(content[at : at + 40]))
    (tmp_path / "kept-1.db").write_bytes(content[: draw.randrange(len(content))] if seed % 3 == 0 else content)
    other = open_kept()
    for number in range(60):
        found = other.find("prj", "eu", f"call {number}")
        assert found is None or found.startswith(f"seal {number} ".encode())
        assert other.owner("response", f"resp {number}") in {None, Owner("prj", "eu")}
    for number in range(60):
        other.keep("prj", "eu", f"again {number}", b"again")
    assert other.find("prj", "eu", "again 59") == b"again"


def test_a_file_that_goes_away_comes_back_empty(kept: KeptContent, tmp_path: Path) -> None:
    kept.keep(*ALL, b"seal")
    for file in tmp_path.iterdir():
        file.unlink()
    assert kept.find(*ALL) is None
    kept.keep(*ALL, b"seal")
    assert kept.find(*ALL) == b"seal"


def test_a_file_that_is_truncated_while_it_is_open_is_begun_anew(kept: KeptContent, tmp_path: Path) -> None:
    kept.keep(*ALL, b"seal")
    kept.sweep()
    os.truncate(tmp_path / "kept-1.db", 0)
    os.truncate(tmp_path / "kept-1.db-wal", 0)
    kept.keep(*ALL, b"again")
    assert kept.find(*ALL) == b"again"


def test_a_newer_releases_file_is_left_as_it_is(
    open_kept: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connection = sqlite3.connect(tmp_path / "kept-1.db")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    kept = open_kept()
    with pytest.raises(NotKept):
        kept.keep(*ALL, b"seal")
    assert kept.find(*ALL) is None
    assert not (tmp_path / "kept-2.db").exists()
    assert "newer release" in caplog.text


def test_a_place_that_cannot_be_written_keeps_nothing_and_is_tried_again(
    tmp_path: Path, clock: StepClock, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "content"
    place.write_bytes(b"a file in its place")
    kept = KeptContent(place, FixedVersions((SECRET,)), bounds=KeptBounds(), clock=clock, entropy=Random(1).randbytes)
    for _ in range(3):
        with pytest.raises(NotKept):
            kept.keep(*ALL, b"seal")
    with pytest.raises(NotKept):
        kept.claim("prj", "eu", "response", "resp_1")
    assert kept.owner("response", "resp_1") is None
    assert len(caplog.records) == 2  # one for writing and one for reading, however often it is asked
    place.unlink()
    clock.pass_by(1)
    kept.keep(*ALL, b"seal")
    assert kept.find(*ALL) == b"seal"
    kept.close()


def test_a_writer_that_does_not_end_costs_writes_and_no_reads(
    kept: KeptContent, tmp_path: Path, clock: StepClock, caplog: pytest.LogCaptureFixture
) -> None:
    kept.keep(*ALL, b"seal")
    stuck = sqlite3.connect(tmp_path / "kept-1.db", isolation_level=None)
    stuck.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        with pytest.raises(NotKept):
            kept.keep(*ALL, b"later")
    assert kept.find(*ALL) == b"seal"
    assert len(caplog.records) == 1
    stuck.close()
    clock.pass_by(1)
    kept.keep(*ALL, b"later")
    assert kept.find(*ALL) == b"later"


def test_a_full_disk_keeps_nothing_more_and_still_finds(kept: KeptContent) -> None:
    kept.keep(*ALL, b"seal")
    assert kept._database._connection is not None
    kept._database._connection.execute("PRAGMA max_page_count = 1").fetchall()  # SQLite says FULL as for ENOSPC
    with pytest.raises(NotKept, match="full"):
        kept.keep("prj", "eu", "other", bytes(100_000))
    assert kept.find(*ALL) == b"seal"
    kept._database._connection.execute("PRAGMA max_page_count = 100000").fetchall()
    kept.keep("prj", "eu", "other", b"other")
    assert kept.find("prj", "eu", "other") == b"other"


def test_a_sweep_before_the_first_request_has_nothing_to_do(kept: KeptContent) -> None:
    assert kept.sweep() == 0


def test_a_sweep_of_a_broken_file_says_so(kept: KeptContent, tmp_path: Path) -> None:
    (tmp_path / "kept-1.db").write_bytes(b"no database" * 1000)
    with pytest.raises(NotKept):
        kept.sweep()


def test_sweeps_keep_the_log_of_changes_short(kept: KeptContent, tmp_path: Path) -> None:
    for _ in range(4):
        for number in range(250):
            kept.keep("prj", "eu", f"call {number}", bytes(12_000))
        kept.sweep()
    assert (tmp_path / "kept-1.db-wal").stat().st_size < 12_000_000
