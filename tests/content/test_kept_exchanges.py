"""Kept exchanges: who finds them, for how long, what is left after erasing, and what a stranger to the file can do."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import msgspec
import pytest

from hortus.base.secrets import FixedVersions, Secret
from hortus.content.archive import Archive
from hortus.content.census import count_shares, forget_share
from hortus.content.desk import Desk
from hortus.content.exchange import Exchange, Wanted
from hortus.content.exchanges import Exchanges
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.ports import NotKept
from receipts.journal_examples import StepClock

OLD, NEW, STRANGE = Secret(1, b"o" * 32), Secret(2, b"n" * 32), Secret(1, b"s" * 32)
DAY_S = 86_400
WORDS = b"a lamp that nobody may read of"

Open = Callable[..., Exchanges]


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def open_exchanges(tmp_path: Path, clock: StepClock) -> Iterator[Open]:
    """Open the file as one more process would."""
    opened: list[Exchanges] = []

    def open_one(*secrets: Secret) -> Exchanges:
        versions = FixedVersions(secrets or (OLD,))
        opened.append(Exchanges(tmp_path, versions, clock=clock, entropy=Random(len(opened)).randbytes))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def exchanges(open_exchanges: Open) -> Exchanges:
    return open_exchanges()


@pytest.fixture
def archive(tmp_path: Path, clock: StepClock) -> Archive:
    return Archive(tmp_path, FixedVersions((OLD,)), bounds=KeptBounds(), clock=clock, entropy=Random(9).randbytes)


@pytest.fixture
def make(clock: StepClock) -> Callable[..., Exchange]:
    now_ms = clock.now_ms()

    def make_one(receipt_id: str, **more: object) -> Exchange:
        plain = Exchange(
            receipt_id=receipt_id,
            at_ms=now_ms,
            days=30,
            project_id="prj_1",
            project="default",
            key_id="key_1",
            route="claude",
            dialect="openai_responses",
            operation="chat",
            endpoint="eu",
            status=200,
            is_stream=False,
            is_whole=True,
            request=WORDS,
            answer=b'{"id": "resp_1"}',
            request_bytes=len(WORDS),
            answer_bytes=16,
        )
        return msgspec.structs.replace(plain, **more)

    return make_one


Make = Callable[..., Exchange]


def found(exchanges: Exchanges, **wanted: object) -> list[str]:
    entries = exchanges.entries(Wanted(**wanted), after=0, last=1 << 40, limit=99)
    return [entry.receipt_id for entry in entries]


def opened(exchanges: Exchanges, receipt_id: str) -> Exchange | None:
    (entry,) = exchanges.entries(Wanted(receipt_ids=(receipt_id,)), after=0, last=1 << 40, limit=9)
    return exchanges.open(entry)


def bytes_on_disk(tmp_path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(tmp_path.iterdir()))


def test_what_was_kept_comes_back_as_it_was(exchanges: Exchanges, make: Make) -> None:
    kept = make("rcp_1", subjects=("u-7", "u-8"), response_id="resp_1", request=bytes(range(256)))
    exchanges.keep(kept)
    assert opened(exchanges, "rcp_1") == kept


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ({"subject": "u-7"}, ["rcp_1", "rcp_2"]),
        ({"subject": "u-9"}, ["rcp_2"]),
        ({"subject": "nobody"}, []),
        ({"receipt_ids": ("rcp_3", "rcp_1")}, ["rcp_1", "rcp_3"]),
        ({"project_id": "prj_2"}, ["rcp_3"]),
        ({"key_id": "key_2"}, ["rcp_2"]),
        ({"subject": "u-7", "key_id": "key_2"}, ["rcp_2"]),
        ({}, ["rcp_1", "rcp_2", "rcp_3"]),
    ],
)
def test_everything_that_is_asked_for_must_hold(
    exchanges: Exchanges, make: Make, wanted: dict[str, object], meant: list[str]
) -> None:
    exchanges.keep(make("rcp_1", subjects=("u-7",)))
    exchanges.keep(make("rcp_2", subjects=("u-9", "u-7"), key_id="key_2"))
    exchanges.keep(make("rcp_3", project_id="prj_2"))
    assert found(exchanges, **wanted) == meant


def test_a_time_is_meant_from_its_beginning_to_before_its_end(exchanges: Exchanges, make: Make) -> None:
    for number in range(4):
        exchanges.keep(make(f"rcp_{number}", at_ms=1_700_000_000_000 + number))
    assert found(exchanges, since_ms=1_700_000_000_001, until_ms=1_700_000_000_003) == []
    soon = make("rcp_9")
    exchanges.keep(soon)
    assert found(exchanges, since_ms=soon.at_ms, until_ms=soon.at_ms + 1) == ["rcp_9"]


def test_an_answer_is_known_to_its_project_alone(exchanges: Exchanges, make: Make) -> None:
    exchanges.keep(make("rcp_1", response_id="resp_1"))
    known = [project for project in ("prj_1", "prj_2") if exchanges.answer(project, "resp_1") is not None]
    assert known == ["prj_1"]


def test_a_forgotten_answer_leaves_its_exchange(exchanges: Exchanges, make: Make) -> None:
    exchanges.keep(make("rcp_1", response_id="resp_1"))
    assert [exchanges.forget_answer("prj_1", "resp_1") for _ in range(2)] == [True, False]
    assert (exchanges.answer("prj_1", "resp_1"), found(exchanges)) == (None, ["rcp_1"])


def test_a_retention_class_ends_to_the_day(exchanges: Exchanges, make: Make, clock: StepClock) -> None:
    exchanges.keep(make("rcp_1", days=1, response_id="resp_1"))
    exchanges.keep(make("rcp_2", days=2))
    clock.pass_by(DAY_S)
    assert (found(exchanges), exchanges.answer("prj_1", "resp_1")) == (["rcp_2"], None)
    assert (exchanges.sweep(), exchanges.sweep()) == (1, 0)


def test_a_sweep_leaves_nothing_of_what_was_over(
    exchanges: Exchanges, make: Make, clock: StepClock, tmp_path: Path
) -> None:
    exchanges.keep(make("rcp_1", days=1, subjects=("u-7",)))
    clock.pass_by(2 * DAY_S)
    exchanges.close()
    exchanges.sweep()
    with sqlite3.connect(tmp_path / "exchanges-1.db") as connection:
        query = "SELECT (SELECT count(*) FROM exchanges), (SELECT count(*) FROM marks)"
        counts = connection.execute(query).fetchone()
    connection.close()
    assert counts == (0, 0)
    assert b"rcp_1" not in bytes_on_disk(tmp_path)


def test_nothing_of_words_or_people_stands_readable_in_the_file(
    exchanges: Exchanges, make: Make, tmp_path: Path
) -> None:
    exchanges.keep(make("rcp_1", subjects=("ada@example.org",), response_id="resp_1", answer=WORDS))
    seen = bytes_on_disk(tmp_path)
    assert [one for one in (WORDS, b"ada@example.org", b"resp_1", b"default") if one in seen] == []


def test_another_installation_s_secret_opens_nothing(open_exchanges: Open, make: Make) -> None:
    open_exchanges(OLD).keep(make("rcp_1", subjects=("u-7",), response_id="resp_1"))
    stranger = open_exchanges(STRANGE)
    assert (opened(stranger, "rcp_1"), found(stranger, subject="u-7")) == (None, [])
    assert stranger.answer("prj_1", "resp_1") is None


@pytest.mark.parametrize("column", ["key_id", "route", "dialect", "operation", "receipt_id", "project_id", "until_ms"])
def test_a_row_that_says_something_else_than_is_sealed_opens_no_longer(
    exchanges: Exchanges, make: Make, tmp_path: Path, column: str
) -> None:
    exchanges.keep(make("rcp_1"))
    with sqlite3.connect(tmp_path / "exchanges-1.db") as connection:
        more = "until_ms + 1" if column == "until_ms" else f"{column} || 'x'"
        connection.execute(f"UPDATE exchanges SET {column} = {more}")  # noqa: S608 -- columns of ours
    connection.close()
    (entry,) = exchanges.entries(Wanted(), after=0, last=99, limit=9)
    assert exchanges.open(entry) is None


def test_two_values_cannot_change_places(exchanges: Exchanges, make: Make, tmp_path: Path) -> None:
    exchanges.keep(make("rcp_1"))
    exchanges.keep(make("rcp_2"))
    with sqlite3.connect(tmp_path / "exchanges-1.db") as connection:
        connection.execute("UPDATE exchanges SET value = (SELECT value FROM exchanges WHERE number = 2)")
    connection.close()
    assert (opened(exchanges, "rcp_1"), opened(exchanges, "rcp_2")) == (None, make("rcp_2"))


def test_what_an_older_secret_sealed_is_found_and_opened(open_exchanges: Open, make: Make) -> None:
    open_exchanges(OLD).keep(make("rcp_1", subjects=("u-7",)))
    newer = open_exchanges(NEW, OLD)
    newer.keep(make("rcp_2", subjects=("u-7",)))
    assert found(newer, subject="u-7") == ["rcp_1", "rcp_2"]
    assert opened(newer, "rcp_1") == make("rcp_1", subjects=("u-7",))


def test_a_version_s_share_is_counted_and_forgotten(
    open_exchanges: Open, make: Make, tmp_path: Path, clock: StepClock
) -> None:
    open_exchanges(OLD).keep(make("rcp_1"))
    open_exchanges(NEW, OLD).keep(make("rcp_2"))
    shares = count_shares(tmp_path, (NEW, OLD), bounds=KeptBounds(), clock=clock)
    assert {version: share.exchanges for version, share in shares.items()} == {1: 1, 2: 1}
    forget_share(tmp_path, OLD, clock)
    assert found(open_exchanges(NEW)) == ["rcp_2"]


def test_what_is_erased_is_gone_from_the_disk(
    archive: Archive, exchanges: Exchanges, make: Make, tmp_path: Path
) -> None:
    for number in range(3):
        exchanges.keep(make(f"rcp_{number}", subjects=("u-7",), answer=bytes(200_000)))
    size = sum(one.stat().st_size for one in tmp_path.glob("exchanges-1.db*"))
    exchanges.close()
    erased = archive.erase(["rcp_0", "rcp_2", "rcp_none"])
    assert (set(erased.receipt_ids), erased.leaves_no_trace) == ({"rcp_0", "rcp_2"}, True)
    left = bytes_on_disk(tmp_path)
    assert [one for one in (b"rcp_0", b"rcp_1", b"rcp_2") if one in left] == [b"rcp_1"]
    assert sum(one.stat().st_size for one in tmp_path.glob("exchanges-1.db*")) < size / 2


def test_seals_and_owners_of_ids_go_with_the_exchange_that_brought_them(
    archive: Archive, exchanges: Exchanges, make: Make, tmp_path: Path, clock: StepClock
) -> None:
    kept = KeptContent(tmp_path, FixedVersions((OLD,)), bounds=KeptBounds(), clock=clock, entropy=Random(3).randbytes)
    for call in ("call_1", "call_2"):
        kept.keep("prj_1", "eu", call, b"seal")
    kept.claim("prj_1", "eu", "response", "resp_1")
    kept.claim("prj_2", "eu", "response", "msg_of_another")
    exchanges.keep(
        make("rcp_1", answer=b'{"id": "resp_1", "output": [{"call_id":"call_1_hsa"}, {"id": "msg_of_another"}]}')
    )
    erased = archive.erase(["rcp_1"])
    assert (erased.seals, erased.host_ids) == (1, 1)
    assert (kept.find("prj_1", "eu", "call_1"), kept.find("prj_1", "eu", "call_2")) == (None, b"seal")
    assert kept.owner("response", "msg_of_another") is not None
    kept.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"messages": [{"content": "Herr M\\u00fcller rief an."}]}', "herr  m\u00dcller"),
        (
            b'data: {"delta": {"text": "Frau Le"}}\n\ndata: {"delta": {"text": "hmann kam"}}\n\ndata: [DONE]\n\n',
            "Lehmann",
        ),
        (b'{"arguments": "{\\"name\\": \\"Zo\\\\u00eb\\"}"}', "zo\u00eb"),
        (b"no JSON at all of Olga", "olga"),
    ],
)
def test_words_are_found_however_they_were_written(
    archive: Archive, exchanges: Exchanges, make: Make, body: bytes, words: str
) -> None:
    exchanges.keep(make("rcp_1", answer=body))
    exchanges.keep(make("rcp_2"))
    entries = archive.entries(Wanted(), after=0, last=99, limit=9)
    assert [one.receipt_id for one in archive.mentioning(entries, words)] == ["rcp_1"]


def test_a_broken_file_is_left_and_named_and_the_next_one_begun(
    exchanges: Exchanges, make: Make, archive: Archive, tmp_path: Path
) -> None:
    exchanges.keep(make("rcp_1"))
    exchanges.close()
    (tmp_path / "exchanges-1.db").write_bytes(b"no database" * 1000)
    for ending in ("-wal", "-shm"):
        (tmp_path / f"exchanges-1.db{ending}").unlink(missing_ok=True)
    exchanges.keep(make("rcp_2"))
    assert found(exchanges) == ["rcp_2"]
    assert [Path(one).name for one in archive.erase(["rcp_2"]).broken] == ["exchanges-1.db"]


async def test_nothing_is_kept_on_the_last_of_a_disk(exchanges: Exchanges, make: Make, tmp_path: Path) -> None:
    desk = Desk(exchanges, tmp_path, spared_bytes=shutil.disk_usage(tmp_path).total)
    with pytest.raises(NotKept, match="which receipts need"):
        await desk.keep(make("rcp_1"))
    desk.close()


async def test_a_desk_finishes_what_waits_before_it_closes(open_exchanges: Open, make: Make, tmp_path: Path) -> None:
    desk = Desk(open_exchanges(), tmp_path, spared_bytes=0)
    for number in range(20):
        await desk.keep(make(f"rcp_{number}", response_id=f"resp_{number}"))
    assert (await desk.answer("prj_1", "resp_7")) == make("rcp_7", response_id="resp_7")
    desk.close()
    assert len(found(open_exchanges())) == 20


async def test_more_than_the_disk_takes_is_not_kept(exchanges: Exchanges, make: Make, tmp_path: Path) -> None:
    desk = Desk(exchanges, tmp_path, spared_bytes=0)
    with pytest.raises(NotKept, match="than the disk takes"):
        await desk.keep(make("rcp_1", answer=bytes(65 * 1024 * 1024)))
    desk.close()


def test_workers_keep_while_an_admin_erases(open_exchanges: Open, make: Make, archive: Archive) -> None:
    writers = [open_exchanges() for _ in range(3)]

    def keep(number: int) -> None:
        for count in range(40):
            writers[number].keep(make(f"rcp_{number}_{count}"))
        writers[number].close()  # in the thread that opened it

    def sweep() -> None:
        for _ in range(10):
            with contextlib.suppress(NotKept):  # a sweep waits a second at most; the next one does it
                writers[0].sweep()

    def erase(number: int) -> int:
        return sum(len(archive.erase([f"rcp_{number}_{count}"]).receipt_ids) for count in range(40))

    with ThreadPoolExecutor(4) as pool:
        pool.submit(keep, 0).result()
        running = [pool.submit(erase, 0), pool.submit(keep, 1), pool.submit(keep, 2), pool.submit(sweep)]
        assert [one.result() for one in running] == [40, None, None, None]
    assert len(found(open_exchanges())) == 80
