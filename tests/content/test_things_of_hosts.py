"""What hosts keep until it is deleted: it has one owner, never lapses, is listed newest first, survives secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from hortus.base.secrets import FixedVersions, Secret
from hortus.canon.usage import Usage
from hortus.canon.work import Advance, Share, Work
from hortus.content.census import count_shares, forget_share
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.ports import Note, NotKept, Owner

OLD, NEW = Secret(1, b"o" * 32), Secret(2, b"n" * 32)
YEAR_MS = 365 * 86_400_000
NOTE = Note(Work("r", "chat", requests=2))


class Clock:
    at_ms = 1_795_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000


Open = Callable[..., KeptContent]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_kept(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    opened: list[KeptContent] = []

    def open_one(*secrets: Secret, most: int = 100) -> KeptContent:
        versions = FixedVersions(secrets or (OLD,))
        bounds = KeptBounds(host_ids=most)
        one = KeptContent(tmp_path, versions, bounds=bounds, clock=clock, entropy=Random(7).randbytes)
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.close()


def ids(kept: KeptContent, project: str, *, after: str | None = None, limit: int = 10) -> list[str] | None:
    found = kept.things(project, "file", after=after, limit=limit)
    return None if found is None else [one.id for one in found]


def test_a_file_belongs_to_its_project_after_years_and_after_a_restart(open_kept: Open, clock: Clock) -> None:
    open_kept().claim("prj", "eu", "file", "file_1", note=NOTE)
    clock.at_ms += 3 * YEAR_MS
    kept = open_kept()
    kept.sweep()
    assert kept.owner("file", "file_1") == Owner("prj", "eu")


def test_what_was_noted_first_stays_noted(open_kept: Open) -> None:
    kept = open_kept()
    kept.claim("prj", "eu", "file", "file_1")
    kept.claim("prj", "eu", "file", "file_1", note=NOTE)
    kept.claim("prj", "eu", "file", "file_1", note=Note(Work("other", "chat")))
    found = kept.thing("file", "file_1")
    assert found is not None
    assert found.note == NOTE


@pytest.mark.parametrize("thief", [("other", "eu"), ("prj", "us")])
def test_nobody_else_can_claim_it(open_kept: Open, thief: tuple[str, str]) -> None:
    kept = open_kept()
    kept.claim("prj", "eu", "batch", "batch_1")
    with pytest.raises(NotKept):
        kept.claim(*thief, "batch", "batch_1")
    assert kept.owner("batch", "batch_1") == Owner("prj", "eu")


def test_a_project_sees_its_own_newest_first_in_pages(open_kept: Open) -> None:
    kept = open_kept()
    for number in range(5):
        kept.claim("prj", "eu", "file", f"file_{number}")
        kept.claim("other", "eu", "file", f"theirs_{number}")
        kept.claim("prj", "eu", "batch", f"batch_{number}")
    assert ids(kept, "prj", limit=3) == ["file_4", "file_3", "file_2"]
    assert ids(kept, "prj", after="file_2") == ["file_1", "file_0"]


@pytest.mark.parametrize("cursor", ["theirs", "nobodys", "batch_1"])
def test_a_cursor_that_is_not_the_projects_own_leads_nowhere(open_kept: Open, cursor: str) -> None:
    kept = open_kept()
    kept.claim("prj", "eu", "file", "file_1")
    kept.claim("other", "eu", "file", "theirs")
    kept.claim("prj", "eu", "batch", "batch_1")
    assert ids(kept, "prj", after=cursor) is None


def test_what_is_released_is_unknown_and_may_be_anybodys(open_kept: Open) -> None:
    kept = open_kept()
    kept.claim("prj", "eu", "file", "file_1")
    kept.release("file", "file_1")
    assert kept.owner("file", "file_1") is None
    kept.claim("other", "eu", "file", "file_1")
    assert ids(kept, "other") == ["file_1"]


def test_a_sweep_seals_anew_so_that_a_secret_can_be_retired(open_kept: Open, tmp_path: Path, clock: Clock) -> None:
    open_kept(OLD).claim("prj", "eu", "file", "file_1", note=NOTE)
    both = open_kept(NEW, OLD)
    assert ids(both, "prj") == ["file_1"]
    both.sweep()
    shares = count_shares(tmp_path, (NEW, OLD), bounds=KeptBounds(), clock=clock)
    assert (shares[1].host_ids, shares[2].host_ids) == (0, 1)
    assert ids(open_kept(NEW), "prj") == ["file_1"]


def test_a_secret_that_is_forgotten_takes_its_share_along(open_kept: Open, tmp_path: Path, clock: Clock) -> None:
    kept = open_kept(OLD)
    kept.claim("prj", "eu", "file", "file_1")
    kept.keep("prj", "eu", "call", b"seal")
    forget_share(tmp_path, OLD, clock)
    assert kept.owner("file", "file_1") is None


def test_the_oldest_go_where_there_are_too_many(open_kept: Open) -> None:
    kept = open_kept(most=3)
    for number in range(5):
        kept.claim("prj", "eu", "file", f"file_{number}")
    kept.sweep()
    assert ids(kept, "prj") == ["file_4", "file_3", "file_2"]


def test_a_project_that_makes_many_pushes_out_nothing_of_another(open_kept: Open) -> None:
    kept = open_kept(most=10)
    kept.claim("quiet", "eu", "file", "file_quiet")
    for number in range(50):
        kept.claim("loud", "eu", "file", f"file_{number}")
        kept.sweep()
    assert ids(kept, "quiet") == ["file_quiet"]
    assert len(ids(kept, "loud", limit=100) or ()) == 9


def test_no_id_or_project_stands_in_the_file(open_kept: Open, tmp_path: Path) -> None:
    kept = open_kept()
    kept.claim("prj_secretive", "eu", "file", "file_secretive")
    kept.close()
    assert not any(b"secretive" in one.read_bytes() for one in tmp_path.iterdir())


def test_what_was_charged_beforehand_is_given_to_the_first_who_asks(open_kept: Open) -> None:
    one, other = open_kept(), open_kept()
    note = Note(NOTE.work, Advance(Usage(7), Decimal("1.50"), "EUR", (Share("b@0", Decimal(1), is_hard=True),)))
    one.claim("prj_1", "e", "batch", "b-1", note=note)
    assert [kept.take_advance("batch", "b-1") for kept in (other, one, other)] == [note, None, None]
    assert one.thing("batch", "b-1").note == NOTE


def test_a_further_claim_does_not_bring_back_what_was_charged_beforehand(open_kept: Open) -> None:
    kept = open_kept()
    kept.claim("prj_1", "e", "batch", "b-1", note=Note(advance=Advance(Usage(7), None, None)))
    kept.take_advance("batch", "b-1")
    kept.claim("prj_1", "e", "batch", "b-1")
    assert kept.take_advance("batch", "b-1") is None
