"""Seals and ids of hosts: who finds them, for how long, how many, and what a stranger to the file can do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from hortus.base.secrets import FixedVersions, Secret
from hortus.content.box import Box
from hortus.content.kept import LONGEST_SEAL_BYTES, KeptBounds, KeptContent
from hortus.content.ports import NotKept, Owner
from hortus.content.shelf import Bounds, Shelf
from receipts.journal_examples import StepClock

OLD, NEW = Secret(1, b"o" * 32), Secret(2, b"n" * 32)
SMALL = KeptBounds(seals=10, host_ids=10)
HOUR_S, DAY_S = 3600, 86_400

Open = Callable[..., KeptContent]


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def open_kept(tmp_path: Path, clock: StepClock) -> Iterator[Open]:
    """Open what is kept, as one more worker would."""
    opened: list[KeptContent] = []

    def open_one(*secrets: Secret, bounds: KeptBounds = SMALL) -> KeptContent:
        entropy = Random(len(opened)).randbytes
        opened.append(
            KeptContent(tmp_path, FixedVersions(secrets or (OLD,)), bounds=bounds, clock=clock, entropy=entropy)
        )
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def kept(open_kept: Open) -> KeptContent:
    return open_kept()


def rows(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(tmp_path / "kept-1.db", isolation_level=None)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_seal_comes_back_to_its_project_endpoint_and_call_only(kept: KeptContent) -> None:
    kept.keep("prj_1", "eu", "call_1", b"seal")
    asked = [(p, e, c) for p in ("prj_1", "prj_2") for e in ("eu", "us") for c in ("call_1", "call_2")]
    assert [one for one in asked if kept.find(*one) is not None] == [("prj_1", "eu", "call_1")]
    assert kept.find("prj_1", "eu", "call_1") == b"seal"


def test_parts_of_a_name_cannot_be_shifted_into_one_another(kept: KeptContent) -> None:
    kept.keep("prj", "eu", "call", b"seal")
    assert kept.find("prje", "u", "call") is None
    assert kept.find("prj", "euc", "all") is None


def test_the_latest_seal_of_a_call_counts(kept: KeptContent) -> None:
    kept.keep("prj", "eu", "call", b"first")
    kept.keep("prj", "eu", "call", b"second")
    assert kept.find("prj", "eu", "call") == b"second"


def test_an_empty_seal_is_found_as_one(kept: KeptContent) -> None:
    kept.keep("prj", "eu", "call", b"")
    assert kept.find("prj", "eu", "call") == b""


def test_a_name_with_half_a_character_is_a_name(kept: KeptContent) -> None:
    kept.keep("prj", "eu", "call \ud800", b"seal")
    assert kept.find("prj", "eu", "call \ud800") == b"seal"


def test_a_seal_is_over_after_its_hours(kept: KeptContent, clock: StepClock) -> None:
    kept.keep("prj", "eu", "call", b"seal")
    clock.pass_by(24 * HOUR_S - 1)
    assert kept.find("prj", "eu", "call") == b"seal"
    clock.pass_by(1)
    assert kept.find("prj", "eu", "call") is None


def test_what_is_over_its_time_leaves_the_file_at_a_sweep(kept: KeptContent, clock: StepClock, tmp_path: Path) -> None:
    for number in range(5):
        kept.keep("prj", "eu", f"call {number}", b"seal")
    kept.claim("prj", "eu", "response", "resp_1")
    clock.pass_by(24 * HOUR_S)
    assert kept.sweep() == 5
    assert rows(tmp_path, "SELECT (SELECT count(*) FROM seals), (SELECT count(*) FROM host_ids)") == [(0, 1)]


def test_newer_seals_push_the_oldest_out(kept: KeptContent, tmp_path: Path) -> None:
    for number in range(25):
        kept.keep("prj", "eu", f"call {number}", b"seal")
    there = [number for number in range(25) if kept.find("prj", "eu", f"call {number}")]
    assert there == list(range(15, 25))
    assert rows(tmp_path, "SELECT count(*) FROM seals") == [(10,)]


def test_a_lowered_bound_is_reached_by_a_sweep(open_kept: Open, tmp_path: Path) -> None:
    roomy = open_kept(bounds=KeptBounds(seals=1000))
    for number in range(200):
        roomy.keep("prj", "eu", f"call {number}", b"seal")
    assert open_kept().sweep() == 190
    assert rows(tmp_path, "SELECT count(*) FROM seals") == [(10,)]


def test_seals_are_bounded_by_their_bytes_together(clock: StepClock) -> None:
    shelf = Shelf(
        "things",
        Box("things", FixedVersions((OLD,)), entropy=Random(1).randbytes),
        bounds=Bounds(most=100, most_bytes=1000, age_ms=10_000),
        clock=clock,
    )
    connection = sqlite3.connect(":memory:")
    connection.execute(shelf.definition)
    for number in range(20):
        shelf.put(connection, (str(number),), data=bytes(172))  # 200 with nonce and tag
    assert [number for number in range(20) if shelf.find(connection, (str(number),))] == [15, 16, 17, 18, 19]
    with pytest.raises(NotKept):
        shelf.put(connection, ("large",), data=bytes(1001))
    connection.close()


def test_a_seal_that_is_too_long_is_not_kept(kept: KeptContent) -> None:
    kept.keep("prj", "eu", "call", bytes(LONGEST_SEAL_BYTES))
    with pytest.raises(NotKept):
        kept.keep("prj", "eu", "call", bytes(LONGEST_SEAL_BYTES + 1))


def test_nothing_can_be_read_in_the_file(kept: KeptContent, tmp_path: Path) -> None:
    kept.keep("prj_readable", "endpoint_readable", "call_readable", b"seal_readable")
    kept.claim("prj_readable", "endpoint_readable", "response", "resp_readable")
    kept.sweep()
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert len(written) > 4096
    assert b"readable" not in written


def test_the_file_is_its_owners_only(kept: KeptContent, tmp_path: Path) -> None:
    kept.keep("prj", "eu", "call", b"seal")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE seals SET value = CAST(substr(value, 1, 20) || x'00' || substr(value, 22) AS BLOB)",
        "UPDATE seals SET value = x''",
        "UPDATE seals SET value = x'0102'",
        "UPDATE seals SET at_ms = at_ms + 1",
        "UPDATE seals SET value = (SELECT value FROM seals WHERE number = 2)",
        "UPDATE seals SET at_ms = 'now'",
        "UPDATE seals SET value = 'text'",
    ],
)
def test_a_changed_row_is_not_returned(kept: KeptContent, tmp_path: Path, change: str) -> None:
    kept.keep("prj", "eu", "call 1", b"seal of the first call")
    kept.keep("prj", "eu", "call 2", b"seal of the other call")
    rows(tmp_path, f"{change} WHERE number = 1")
    assert kept.find("prj", "eu", "call 1") is None
    assert kept.find("prj", "eu", "call 2") == b"seal of the other call"


def test_an_owner_cannot_be_moved_to_another_id(kept: KeptContent, tmp_path: Path) -> None:
    kept.claim("prj_1", "eu", "conversation", "file_1")
    kept.claim("prj_2", "us", "conversation", "file_2")
    rows(tmp_path, "UPDATE host_ids SET value = (SELECT value FROM host_ids WHERE number = 2) WHERE number = 1")
    assert kept.owner("conversation", "file_1") is None


def test_what_an_older_secret_wrote_is_read_while_that_secret_is_there(open_kept: Open) -> None:
    before = open_kept(OLD)
    before.keep("prj", "eu", "call", b"seal")
    before.claim("prj", "eu", "response", "resp_1")
    after = open_kept(NEW, OLD)
    assert after.find("prj", "eu", "call") == b"seal"
    assert after.owner("response", "resp_1") == Owner("prj", "eu")
    with pytest.raises(NotKept):
        after.claim("other", "eu", "response", "resp_1")
    later = open_kept(NEW)
    assert later.find("prj", "eu", "call") is None
    assert later.owner("response", "resp_1") is None


def test_what_the_newer_secret_wrote_stands_before_what_the_older_one_did(open_kept: Open) -> None:
    open_kept(OLD).keep("prj", "eu", "call", b"old")
    after = open_kept(NEW, OLD)
    after.keep("prj", "eu", "call", b"new")
    assert after.find("prj", "eu", "call") == b"new"
    assert open_kept(NEW).find("prj", "eu", "call") == b"new"


def test_an_id_has_the_owner_who_claimed_it_under_its_kind(kept: KeptContent) -> None:
    kept.claim("prj_1", "eu", "response", "id_1")
    kept.claim("prj_2", "us", "conversation", "id_1")
    assert kept.owner("response", "id_1") == Owner("prj_1", "eu")
    assert kept.owner("conversation", "id_1") == Owner("prj_2", "us")
    assert kept.owner("file", "id_1") is None


@pytest.mark.parametrize("thief", [("prj_2", "eu"), ("prj_1", "us")])
def test_an_id_that_has_an_owner_cannot_be_claimed_by_another(kept: KeptContent, thief: tuple[str, str]) -> None:
    kept.claim("prj_1", "eu", "response", "resp_1")
    with pytest.raises(NotKept):
        kept.claim(*thief, "response", "resp_1")
    assert kept.owner("response", "resp_1") == Owner("prj_1", "eu")


def test_an_id_is_unknown_after_its_days(kept: KeptContent, clock: StepClock) -> None:
    kept.claim("prj", "eu", "conversation", "file_1")
    clock.pass_by(60 * DAY_S - 1)
    assert kept.owner("conversation", "file_1") == Owner("prj", "eu")
    clock.pass_by(1)
    assert kept.owner("conversation", "file_1") is None
    kept.claim("other", "eu", "conversation", "file_1")
    assert kept.owner("conversation", "file_1") == Owner("other", "eu")


def test_a_further_claim_renews_an_id(kept: KeptContent, clock: StepClock) -> None:
    kept.claim("prj", "eu", "conversation", "file_1")
    clock.pass_by(59 * DAY_S)
    kept.claim("prj", "eu", "conversation", "file_1")
    clock.pass_by(59 * DAY_S)
    assert kept.owner("conversation", "file_1") == Owner("prj", "eu")


def test_a_claim_that_is_repeated_on_the_same_day_writes_nothing(kept: KeptContent, tmp_path: Path) -> None:
    kept.claim("prj", "eu", "conversation", "conv_1")
    before = rows(tmp_path, "SELECT * FROM host_ids")
    kept.claim("prj", "eu", "conversation", "conv_1")
    assert rows(tmp_path, "SELECT * FROM host_ids") == before


def test_newer_ids_push_the_oldest_out(kept: KeptContent) -> None:
    for number in range(25):
        kept.claim("prj", "eu", "response", f"resp_{number}")
    assert [number for number in range(25) if kept.owner("response", f"resp_{number}")] == list(range(15, 25))
