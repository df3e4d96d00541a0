"""Limits as the ledger reads them, grants that carry them, and how much of them is taken."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hortus.ledger.ports import Batch, PoolAsk
from hortus.limits.limit import Limit
from hortus.limits.period import pool_id
from hortus.limits.ports import Ask
from hortus.receipts.records import Hold
from hortus.receipts.segment import START, Position
from hortus.snapshot.declared import LimitSpec, ProjectSpec
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.database import Store, open_store
from hortus.store.leases import LeaseTable
from hortus.store.limits import LimitTable
from hortus.store.objects import ObjectTable
from hortus.store.standings import StandingTable
from receipts.journal_examples import StepClock, opened, settled

BUDGET = LimitSpec("team", project="library", money=Decimal("0.1"), currency="EUR", per="total")


class Ground:
    """A store with two projects, a key in each, and the tables over it."""

    def __init__(self, store: Store, clock: StepClock) -> None:
        self.store = store
        self.access = AccessTable(store, clock)
        self.objects = ObjectTable(store, clock)
        self.limits = LimitTable(store)
        self.organisation = self.access.organisation()
        self.ids = {}
        for project in ("library", "museum"):
            self.access.put_project(ProjectSpec(project), origin="api")
            key = self.access.add_key(
                project=project, name="laptop", digest=project, hint="abcd", secret_version=1, expires_at_ms=None
            )
            self.ids[project] = key.id

    def put(self, spec: LimitSpec, *, origin: str = "api") -> None:
        self.objects.put(spec, origin=origin, where=None)

    def bound(self, digest: str) -> tuple[Limit, ...]:
        grant = self.access.grant(digest)
        assert grant is not None
        return grant.limits


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    clock = StepClock()
    store = open_store(tmp_path / "store.sqlite", clock=clock)
    yield Ground(store, clock)
    store.close()


def test_a_grant_carries_the_limits_of_its_key_its_project_and_the_organisation(ground: Ground) -> None:
    ground.put(LimitSpec("all", concurrent_requests=9))
    ground.put(BUDGET)
    ground.put(LimitSpec("own", key=ground.ids["library"], requests_per_minute=60, kind="soft"))
    own, team, every = ground.bound("library")
    assert (own.scope, own.scope_id, own.measure, own.period) == ("key", ground.ids["library"], "requests", "minute")
    assert not own.is_hard
    assert (team.scope, team.amount, team.currency, team.period) == ("project", Decimal("0.1"), "EUR", "total")
    assert (every.scope, every.scope_id) == ("organisation", ground.organisation.id)
    assert (every.measure, every.period, every.amount) == ("concurrent", "none", Decimal(9))
    assert ground.bound("museum") == (every,)


def test_an_amount_goes_through_the_store_without_a_float(ground: Ground) -> None:
    for amount in ("0.1", "0.123456789012345678", "999999999999999.999999999999999999", "0"):
        ground.put(LimitSpec("team", project="library", money=Decimal(amount), currency="EUR", per="day"))
        (limit,) = ground.bound("library")
        assert format(limit.amount, "f") == amount


def test_a_limit_is_found_by_its_id_as_long_as_it_counts_the_same(ground: Ground) -> None:
    ground.put(BUDGET)
    (first,) = ground.limits.limits()
    ground.put(LimitSpec("team", project="library", money=Decimal(7), currency="EUR", per="total", kind="soft"))
    changed = ground.limits.limit(first.id)
    assert changed is not None
    assert (changed.amount, changed.is_hard) == (7, False)
    ground.put(LimitSpec("team", project="library", money=Decimal(7), currency="USD", per="total"))
    assert ground.limits.limit(first.id) is None
    assert ground.limits.limit("team") is None


def test_a_retired_limit_is_no_longer_found_and_comes_back_under_its_id(ground: Ground) -> None:
    ground.put(BUDGET, origin="file")
    (first,) = ground.limits.limits()
    ground.objects.retire("limit", "team")
    assert (ground.limits.limits(), ground.limits.limit(first.id), ground.bound("library")) == ([], None, ())
    ground.put(BUDGET)
    assert ground.limits.limit(first.id) == first


def test_every_change_of_a_limit_counts_as_one_of_access(ground: Ground) -> None:
    before = ground.access.access_version()
    ground.put(BUDGET)
    ground.put(BUDGET)
    assert ground.access.access_version() == before + 1
    ground.objects.retire("limit", "team")
    assert ground.access.access_version() == before + 2


def test_what_is_charged_held_and_leased_is_told_apart(ground: Ground) -> None:
    ground.put(BUDGET)
    (limit,) = ground.limits.limits()
    pool = pool_id(limit.id, 0)
    ask = PoolAsk("w1", Ask(pool, limit.id, held=Decimal(0), need=Decimal("0.09")))
    LeaseTable(ground.store, ground.limits).lease([ask])
    records = (
        replace(opened("rcp_1"), holds=(Hold(pool, Decimal("0.03")),)),
        replace(settled("rcp_1"), charges=(Hold(pool, Decimal("0.01")),)),
        replace(opened("rcp_2"), holds=(Hold(pool, Decimal("0.05")),)),
    )
    end = Position(offset=1, chain="x")
    JournalTable(ground.store).absorb(Batch("w1-1", "w1", START, end, records=records))
    one = StandingTable(ground.store).figures(1)[pool]
    assert (one.spent, one.reserved, one.leased) == (Decimal("0.01"), Decimal("0.05"), Decimal("0.08"))


def test_a_limit_that_nobody_used_has_no_standing(ground: Ground) -> None:
    ground.put(BUDGET)
    assert StandingTable(ground.store).figures(1) == {}
