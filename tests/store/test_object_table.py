"""Declared endpoints, routes and deployments in the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hortus.policy.rules import Policy
from hortus.snapshot.declared import ContractTerms, DeploymentSpec, EndpointSpec, RouteSpec
from hortus.store.conflicts import NotStored, OriginConflict
from hortus.store.database import open_store
from hortus.store.objects import Declared, ObjectTable, kind_of
from receipts.journal_examples import StepClock

EXAMPLES: list[Declared] = [
    EndpointSpec(name="large", model="mistral-large-2512", host="mistral", country="FR", total_timeout_s=9.5),
    RouteSpec(name="eu/large", endpoints=("large=3", "other"), strategy="weighted"),
    DeploymentSpec(name="small", source="seedling", temperature=0.0),
    EndpointSpec(
        name="own",
        model="m",
        host="any",
        facts={"sku": "DataZoneStandard"},
        terms=ContractTerms("contract", as_of=date(2026, 11, 1), compute="DE", laws={"US": "no"}),
        is_own=True,
        concurrency=4,
        queue_wait_s=2.5,
    ),
    RouteSpec(name="sticky", endpoints=("own",), strategy="least_busy", sticky=True, cache_s=60),
    Policy("europe", compute_in=("EU", "CH"), personal_data="pseudonymise", tools=(), keeps_content=False),
]


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectTable]:
    clock = StepClock()
    store = open_store(tmp_path / "store.sqlite", clock=clock)
    yield ObjectTable(store, clock)
    store.close()


@pytest.mark.parametrize("spec", EXAMPLES, ids=kind_of)
def test_what_is_put_comes_back(objects: ObjectTable, spec: Declared) -> None:
    put = objects.put(spec, origin="file", where="hortus.toml:12")
    assert objects.get(kind_of(spec), spec.name) == put
    assert (put.spec, put.origin, put.where) == (spec, "file", "hortus.toml:12")
    assert objects.list(kind_of(spec)) == [put]


def test_kinds_have_names_of_their_own(objects: ObjectTable) -> None:
    objects.put(RouteSpec("same", ("e",)), origin="api", where=None)
    objects.put(EndpointSpec("same", "m", "h"), origin="api", where=None)
    assert objects.get("deployment", "same") is None
    assert len(objects.list("route")) == len(objects.list("endpoint")) == 1


def test_a_change_keeps_the_beginning_and_moves_the_end(objects: ObjectTable) -> None:
    made = objects.put(RouteSpec("r", ("a",)), origin="api", where=None)
    changed = objects.put(RouteSpec("r", ("b",)), origin="api", where=None)
    assert changed.created_at_ms == made.created_at_ms
    assert changed.updated_at_ms > made.updated_at_ms


def test_putting_the_same_again_changes_and_counts_nothing(objects: ObjectTable) -> None:
    made = objects.put(RouteSpec("r", ("a",)), origin="api", where=None)
    version = objects.objects_version()
    assert objects.put(RouteSpec("r", ("a",)), origin="api", where=None) == made
    assert objects.objects_version() == version == 1


def test_an_object_of_the_file_is_not_changed_by_the_api(objects: ObjectTable) -> None:
    objects.put(RouteSpec("r", ("a",)), origin="file", where="hortus.toml:3")
    with pytest.raises(OriginConflict) as conflict:
        objects.put(RouteSpec("r", ("b",)), origin="api", where=None)
    assert conflict.value.path == "hortus.toml:3"


def test_an_object_of_the_api_is_not_taken_over_by_the_file(objects: ObjectTable) -> None:
    objects.put(RouteSpec("r", ("a",)), origin="api", where=None)
    with pytest.raises(OriginConflict, match="origin `api`"):
        objects.put(RouteSpec("r", ("a",)), origin="file", where="hortus.toml:3")


def test_a_retired_object_stays_and_may_come_back(objects: ObjectTable) -> None:
    objects.put(RouteSpec("r", ("a",)), origin="file", where="hortus.toml:3")
    objects.retire("route", "r")
    objects.retire("route", "r")
    retired = objects.get("route", "r")
    assert retired is not None
    assert retired.retired_at_ms is not None
    assert objects.list("route") == []
    assert objects.list("route", include_retired=True) == [retired]
    assert objects.objects_version() == 2
    back = objects.put(RouteSpec("r", ("b",)), origin="api", where=None)
    assert (back.retired_at_ms, back.origin, back.where) == (None, "api", None)


def test_what_is_not_there_cannot_be_retired(objects: ObjectTable) -> None:
    with pytest.raises(NotStored, match="no route `none`"):
        objects.retire("route", "none")
