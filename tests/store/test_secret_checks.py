"""The store remembers which secret it belongs to."""

from __future__ import annotations

from pathlib import Path

from hortus.store.database import open_store
from hortus.store.secretchecks import SecretCheckTable
from receipts.journal_examples import StepClock


def test_the_first_check_of_a_version_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite", clock=StepClock())
    checks = SecretCheckTable(store)
    assert checks.check_of(1) is None
    checks.remember_check(1, "one")
    checks.remember_check(1, "other")
    checks.remember_check(2, "two")
    assert (checks.check_of(1), checks.check_of(2)) == ("one", "two")
    store.close()
