"""The installation's own workshop in a snapshot: there without being declared, and nothing else has its name."""

from __future__ import annotations

from hortus.catalog.loading import load_catalog
from hortus.snapshot.compile import Conditions, DeclaredObjects, compile_snapshot
from hortus.snapshot.declared import DeploymentSpec, RouteSpec
from hortus.snapshot.model import Candidate, Snapshot


def compiled(*, has_workshop: bool = True, **declared: object) -> Snapshot:
    conditions = Conditions(
        "o", now_ms=1_795_000_000_000, model_files={"x.gguf": "/x.gguf"}, country="DE", has_workshop=has_workshop
    )
    declared_objects = DeclaredObjects(**declared)
    return compile_snapshot(
        declared_objects, catalog=load_catalog(), price_of=lambda _offer: None, conditions=conditions
    ).snapshot


def test_it_is_an_endpoint_of_this_installation_that_costs_nothing() -> None:
    endpoint = compiled().endpoints["workshop"]
    assert endpoint.is_workshop
    assert (endpoint.operations, endpoint.dialects) == (
        ("files", "fine_tuning"),
        ("openai_files", "openai_fine_tuning"),
    )
    assert (endpoint.country, endpoint.facts.is_own, endpoint.price.input_per_million) == ("DE", True, 0)


def test_there_is_none_where_nobody_answers_for_it() -> None:
    snapshot = compiled(has_workshop=False)
    assert "workshop" not in snapshot.routes.keys() | snapshot.endpoints.keys()


def test_what_was_declared_under_its_name_before_gives_way() -> None:
    snapshot = compiled(
        deployments=(DeploymentSpec(name="workshop", source="x.gguf"),),
        routes=(RouteSpec(name="workshop", endpoints=("seedling",)),),
    )
    assert "workshop" not in snapshot.deployments
    assert snapshot.routes["workshop"].candidates == (Candidate("workshop"),)
    assert snapshot.endpoints["workshop"].is_workshop
