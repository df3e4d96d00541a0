"""The store remembers which secret it belongs to, and who changed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hortus.snapshot.declared import ProjectSpec
from hortus.store.access import AccessTable
from hortus.store.acts import ActTable
from hortus.store.database import Store, open_store
from hortus.store.secretchecks import SecretCheckTable
from receipts.journal_examples import StepClock

CLOCK = StepClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.sqlite", clock=CLOCK)
    yield opened
    opened.close()


@pytest.fixture
def checks(store: Store) -> SecretCheckTable:
    return SecretCheckTable(store)


def acts_of(store: Store) -> list[tuple[str, str]]:
    found = ActTable(store).acts(kind="secret")
    return [(one.act.change, one.act.name) for one in reversed(found)]


def test_the_first_check_of_a_version_stays(checks: SecretCheckTable) -> None:
    assert checks.check_of(1) is None
    checks.remember_check(1, "one")
    checks.remember_check(1, "other")
    checks.remember_check(2, "two")
    assert (checks.check_of(1), checks.check_of(2)) == ("one", "two")


def test_versions_that_come_and_go_are_acts_the_first_one_is_not(store: Store, checks: SecretCheckTable) -> None:
    for version in (1, 2, 2):
        checks.remember_check(version, "check")
    checks.forget_others({2})
    checks.forget_others({2})
    assert acts_of(store) == [("create", "version 2"), ("retire", "version 1")]
    assert (checks.check_of(1), checks.check_of(2)) == (None, "check")


def test_the_versions_of_keys_that_work_are_needed(store: Store, checks: SecretCheckTable) -> None:
    access = AccessTable(store, CLOCK)
    access.organisation()
    access.put_project(ProjectSpec(name="default", routes=("*",)), origin="api")
    made = [
        access.add_key(
            project="default", name="key", digest=f"d{version}", hint="abcd", secret_version=version, expires_at_ms=end
        )
        for version, end in ((1, None), (2, CLOCK.now_ms() - 1), (3, CLOCK.now_ms() + 1_000_000), (4, None))
    ]
    access.revoke_key(made[3].id)
    assert checks.needed() == {1, 3}
