"""Organisation, projects and keys in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from hortus.access.objects import Key
from hortus.base.errors import ConfigurationError
from hortus.base.secrets import PairName, write_pair_name
from hortus.snapshot.declared import ProjectSpec
from hortus.snapshot.grants import Grant
from hortus.store.access import AccessTable
from hortus.store.conflicts import NotStored, OriginConflict
from hortus.store.database import open_store
from receipts.journal_examples import StepClock


@pytest.fixture
def access(tmp_path: Path) -> Iterator[AccessTable]:
    clock = StepClock()
    store = open_store(tmp_path / "store.sqlite", clock=clock)
    yield AccessTable(store, clock)
    store.close()


def add_key(access: AccessTable, digest: str = "d1", *, project: str = "team", expires_at_ms: int | None = None) -> Key:
    return access.add_key(
        project=project, name="laptop", digest=digest, hint="abcd", secret_version=1, expires_at_ms=expires_at_ms
    )


def test_the_organisation_is_there_from_the_first_look_and_keeps_its_id(access: AccessTable) -> None:
    first = access.organisation()
    assert access.rename_organisation("City of Bern").id == first.id
    assert access.organisation().name == "City of Bern"


def test_a_project_is_made_and_changed_under_one_id(access: AccessTable) -> None:
    made = access.put_project(ProjectSpec("team", ("a", "eu/*")), origin="api")
    changed = access.put_project(ProjectSpec("team", ("b",)), origin="api")
    assert made.routes == ("a", "eu/*")
    assert (changed.id, changed.routes, changed.created_at_ms) == (made.id, ("b",), made.created_at_ms)
    assert access.project("team") == changed
    assert access.project("other") is None


def test_a_projects_loss_is_in_its_grants_and_a_change_of_it_is_announced(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team", loss="strict"), origin="api")
    add_key(access)
    before = access.access_version()
    assert access.put_project(ProjectSpec("team", loss="strict"), origin="api").loss == "strict"
    assert access.access_version() == before
    access.put_project(ProjectSpec("team", loss="lenient"), origin="api")
    assert access.access_version() > before
    granted = access.grant("d1")
    assert granted is not None
    assert granted.loss == "lenient"


def test_projects_come_by_name_without_the_retired(access: AccessTable) -> None:
    for name in ("b", "a", "c"):
        access.put_project(ProjectSpec(name), origin="api")
    access.retire_project("b")
    assert [project.name for project in access.projects()] == ["a", "c"]
    assert [project.name for project in access.projects(include_retired=True)] == ["a", "b", "c"]


def test_a_project_of_the_file_is_not_changed_by_the_api(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="file")
    with pytest.raises(OriginConflict, match="origin `file`"):
        access.put_project(ProjectSpec("team", ("x",)), origin="api")


def test_a_retired_project_may_come_back_from_another_origin_with_its_keys(access: AccessTable) -> None:
    made = access.put_project(ProjectSpec("team"), origin="file")
    add_key(access)
    access.retire_project("team")
    assert access.grant("d1") is None
    back = access.put_project(ProjectSpec("team"), origin="api")
    assert (back.id, back.origin, back.retired_at_ms) == (made.id, "api", None)
    assert access.grant("d1")


def test_a_key_gives_a_grant(access: AccessTable) -> None:
    project = access.put_project(ProjectSpec("team", ("seedling", "eu/*")), origin="api")
    key = add_key(access, expires_at_ms=99)
    assert access.grant("d1") == Grant(
        key_id=key.id,
        key_name="laptop",
        project_id=project.id,
        project="team",
        routes=("seedling", "eu/*"),
        expires_at_ms=99,
    )
    assert access.grant("unknown") is None


def test_the_pair_of_a_key_gives_the_same_grant_by_the_version_of_the_key_alone(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="api")
    key = add_key(access)
    pair = write_pair_name(PairName(key.id, key.secret_version))
    assert access.grant(pair) == access.grant("d1")
    assert access.grant(write_pair_name(PairName(key.id, key.secret_version + 1))) is None
    assert access.grant(write_pair_name(PairName("key_none", key.secret_version))) is None
    access.revoke_key(key.id)
    assert access.grant(pair) is None


def test_a_revoked_key_gives_none_and_stays_listed(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="api")
    key = add_key(access)
    revoked = access.revoke_key(key.id)
    assert revoked.revoked_at_ms is not None
    assert access.revoke_key(key.id) == revoked
    assert access.grant("d1") is None
    assert access.keys() == [revoked]


def test_keys_are_listed_by_project(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="api")
    access.put_project(ProjectSpec("other"), origin="api")
    one, two = add_key(access), add_key(access, "d2", project="other")
    assert access.keys("team") == [one]
    assert access.keys("other") == [two]
    assert access.keys() == [one, two]


def test_a_key_needs_a_living_project(access: AccessTable) -> None:
    with pytest.raises(NotStored, match="no project `team`"):
        add_key(access)
    access.put_project(ProjectSpec("team"), origin="api")
    access.retire_project("team")
    with pytest.raises(NotStored):
        add_key(access)


def test_two_keys_never_share_a_digest(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="api")
    add_key(access)
    with pytest.raises(ConfigurationError, match="exists already"):
        add_key(access)
    assert len(access.keys()) == 1


def test_what_is_not_there_cannot_be_retired_or_revoked(access: AccessTable) -> None:
    with pytest.raises(NotStored):
        access.retire_project("none")
    with pytest.raises(NotStored):
        access.revoke_key("none")


def test_every_change_is_counted_and_nothing_else(access: AccessTable) -> None:
    versions = [access.access_version()]

    def note() -> None:
        versions.append(access.access_version())

    access.put_project(ProjectSpec("team"), origin="api")
    note()
    key = add_key(access)
    note()
    access.revoke_key(key.id)
    note()
    access.retire_project("team")
    note()
    access.put_project(ProjectSpec("team"), origin="api")
    note()
    assert versions == [0, 1, 2, 3, 4, 5]
    access.put_project(ProjectSpec("team"), origin="api")
    access.revoke_key(key.id)
    access.grant("d1")
    assert access.access_version() == 5


def test_threads_change_access_at_the_same_time_and_lose_nothing(access: AccessTable) -> None:
    access.put_project(ProjectSpec("team"), origin="api")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                add_key(access, f"{number}-{turn}")
                access.keys("team")
        except BaseException as error:  # noqa: BLE001 -- told by the test's own thread
            failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(access.keys()) == 60
    assert access.access_version() == 61
