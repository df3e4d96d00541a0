from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hortus.catalog.loading import load_catalog
from hortus.catalog.prices import price_of_offer
from hortus.catalog.rows import Surface
from hortus.dialects import DIALECTS
from hortus.snapshot.compile import SEEDLING, Conditions, DeclaredObjects, compile_snapshot
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, RouteSpec
from hortus.snapshot.model import Candidate, RuledOut, Snapshot, Spoken

CATALOG = load_catalog()
PRICE_OF = partial(price_of_offer, CATALOG, at=date(2026, 11, 23))
NOW_MS = 1_795_000_000_000

LARGE = EndpointSpec(name="large", model="mistral-large-2512", host="mistral")
OWN = EndpointSpec(name="own", model="thing", host="openai-compatible", base_url="http://10.0.0.7:9000/v1/")


def compiled(declared: DeclaredObjects, **conditions: Any) -> Snapshot:
    facts = {"organisation": "Test", "now_ms": NOW_MS, "model_files": {"seedling": "seedling"}, **conditions}
    return compile_snapshot(declared, catalog=CATALOG, price_of=PRICE_OF, conditions=Conditions(**facts)).snapshot


def with_route(*endpoints: EndpointSpec, names: tuple[str, ...] | None = None, **conditions: Any) -> Snapshot:
    route = RouteSpec(name="r", endpoints=names or tuple(one.name for one in endpoints))
    return compiled(DeclaredObjects(endpoints=endpoints, routes=(route,)), **conditions)


def reason(snapshot: Snapshot) -> str:
    (only,) = snapshot.routes["r"].ruled_out
    return only.reason


def test_the_seedling_is_there_without_being_declared() -> None:
    snapshot = compiled(DeclaredObjects())
    assert list(snapshot.deployments) == ["seedling"]
    endpoint = snapshot.endpoints["seedling"]
    assert (endpoint.address, endpoint.host, endpoint.maker) == ("engine:seedling", "local", "hortus")
    assert endpoint.price is not None
    assert endpoint.price.output_per_million == Decimal(0)
    assert snapshot.routes["seedling"].candidates == (Candidate("seedling"),)
    assert snapshot.deployments["seedling"].temperature == 0.0


def test_the_seedling_can_be_turned_off() -> None:
    snapshot = compiled(DeclaredObjects(), runs_seedling=False)
    assert (snapshot.deployments, snapshot.endpoints, snapshot.routes) == ({}, {}, {})


def test_a_declared_seedling_takes_the_place_of_the_built_in_one() -> None:
    snapshot = compiled(DeclaredObjects(deployments=(msgspec.structs.replace(SEEDLING, slots=9),)))
    assert snapshot.deployments["seedling"].slots == 9


def test_an_endpoint_takes_address_price_and_place_from_the_catalog() -> None:
    snapshot = with_route(LARGE, present=frozenset({"env:MISTRAL_API_KEY"}))
    endpoint = snapshot.endpoints["large"]
    assert endpoint.address == "https://api.mistral.ai/v1"
    assert (endpoint.credential, endpoint.maker) == ("env:MISTRAL_API_KEY", "mistral")
    assert [(one.dialect, one.auth) for one in endpoint.spoken] == [("mistral", "bearer"), ("openai_chat", "bearer")]
    assert endpoint.price is not None
    assert endpoint.price.currency == "USD"
    assert endpoint.upstream_model == "mistral-large-2512"
    assert snapshot.routes["r"].owned_by == "mistral"


def test_what_the_endpoint_says_goes_before_the_catalog() -> None:
    spec = msgspec.structs.replace(
        LARGE,
        base_url="https://eu.example/v1/",
        upstream_model="big",
        country="DE",
        credential="file:key",
        idle_timeout_s=7,
    )
    endpoint = with_route(spec, present=frozenset({"file:key"})).endpoints["large"]
    assert (endpoint.address, endpoint.upstream_model, endpoint.country) == ("https://eu.example/v1", "big", "DE")
    assert endpoint.timeouts.idle_s == 7
    assert endpoint.timeouts.connect_s == 5


def test_another_address_makes_the_place_unknown() -> None:
    spec = msgspec.structs.replace(LARGE, base_url="https://eu.example/v1")
    endpoint = with_route(spec, present=frozenset({"env:MISTRAL_API_KEY"})).endpoints["large"]
    assert endpoint.country is None


def test_an_unknown_model_at_an_open_host_has_no_maker_and_no_price() -> None:
    endpoint = with_route(OWN).endpoints["own"]
    assert (endpoint.maker, endpoint.price, endpoint.credential) == ("unknown", None, None)
    assert endpoint.spoken == (Spoken("openai_chat", "http://10.0.0.7:9000/v1", auth="none"),)
    assert endpoint.address == "http://10.0.0.7:9000/v1"


def test_a_deployment_is_endpoint_and_route_of_its_name() -> None:
    spec = DeploymentSpec(name="desk", source="/m/desk.gguf", offers_embeddings=True)
    snapshot = compiled(
        DeclaredObjects(deployments=(spec,), created_at_s={"desk": 77}), model_files={"/m/desk.gguf": "/m/desk.gguf"}
    )
    assert snapshot.endpoints["desk"].operations == ("chat", "embeddings")
    assert snapshot.endpoints["desk"].maker == "unknown"
    assert snapshot.deployments["desk"].model_path == "/m/desk.gguf"
    assert snapshot.routes["desk"].created_at_s == 77


def test_a_deployment_with_a_famous_name_is_not_taken_for_that_model() -> None:
    spec = DeploymentSpec(name="mistral-large-2512", source="/m/x.gguf")
    snapshot = compiled(DeclaredObjects(deployments=(spec,)), model_files={"/m/x.gguf": "/m/x.gguf"})
    assert snapshot.endpoints["mistral-large-2512"].maker == "unknown"


def test_a_deployment_from_a_repository_has_the_maker_of_its_weights() -> None:
    model = next(one for one in CATALOG.rows.models if one.weights and one.weights.count("/") == 4)
    assert model.weights is not None
    source = "/".join(model.weights.rsplit("/", 2)[-2:]) + ":q8.gguf"
    spec = DeploymentSpec(name="desk", source=source)
    snapshot = compiled(DeclaredObjects(deployments=(spec,)), model_files={source: "/m/q8.gguf"})
    assert snapshot.endpoints["desk"].model == model.id
    assert snapshot.endpoints["desk"].maker == model.maker


RULED_OUT = {
    "credential missing": (LARGE, "env:MISTRAL_API_KEY is not set"),
    "other dialect": (
        EndpointSpec(name="e", model="m", host="aleph-alpha", credential="env:X"),
        "speaks no dialect of this release (it speaks aleph_alpha_complete)",
    ),
    "dialect that the host does not promise": (
        EndpointSpec(name="e", model="m", host="mistral", credential="env:X", dialects=("gemini",)),
        "does not speak gemini (it speaks mistral, mistral_batches, openai_chat)",
    ),
    "host gone from the catalog": (EndpointSpec(name="e", model="m", host="gone"), "the catalog has no host gone"),
    "model of an unknown maker where the maker decides the dialect": (
        EndpointSpec(name="e", model="m", host="vertex", credential="env:X"),
        "names no dialects, and its host does not decide them (it speaks gemini for google,",
    ),
    "part of the address unknown": (
        EndpointSpec(name="e", model="gemini-2.5-pro", host="vertex", credential="env:X", region="europe-west4"),
        "its `variables` lack `project`",
    ),
    "any host without dialects": (
        EndpointSpec(name="e", model="m", host="any", base_url="https://x.example"),
        "names no dialects",
    ),
    "closed host": (EndpointSpec(name="e", model="m", host="meta-llama-api"), "closed on"),
    "address unknown": (
        EndpointSpec(name="e", model="m", host="openai-compatible"),
        "names no base_url",
    ),
}


@pytest.mark.parametrize("case", RULED_OUT)
def test_says_why_an_endpoint_is_ruled_out(case: str) -> None:
    spec, words = RULED_OUT[case]
    snapshot = with_route(spec)
    assert words in reason(snapshot)
    assert spec.name not in snapshot.endpoints
    assert snapshot.routes["r"].candidates == ()


def test_every_open_host_can_be_routed_and_every_other_one_says_why() -> None:
    for host in CATALOG.rows.hosts:
        maker_decides = all(surface.makers for surface in host.surfaces)
        spec = EndpointSpec(
            name="e",
            model="gemini-2.5-pro" if maker_decides else "m",
            host=host.id,
            base_url="https://x.example",
            credential="env:X",
            dialects=("openai_chat",) if host.id == "any" else (),
        )
        snapshot = with_route(spec, present=frozenset({"env:X"}))
        is_open = host.closed_on is None or host.closed_on > date(2026, 11, 18)
        is_routable = is_open and any(is_known(surface) for surface in host.surfaces)
        assert bool(snapshot.routes["r"].candidates) == is_routable, host.id


def is_known(surface: Surface) -> bool:
    return surface.dialect in {dialect.name for dialect in DIALECTS}


def test_a_retired_and_an_unknown_endpoint_have_reasons_of_their_own() -> None:
    route = RouteSpec(name="r", endpoints=("old", "never", "own"))
    declared = DeclaredObjects(endpoints=(OWN,), routes=(route,), retired_at_ms={"old": NOW_MS})
    snapshot = compiled(declared)
    assert snapshot.routes["r"].ruled_out == (
        RuledOut("old", "it was retired on 2026-11-18"),
        RuledOut("never", "no endpoint has this name"),
    )
    assert snapshot.routes["r"].candidates == (Candidate("own"),)


def test_a_deployment_whose_file_is_not_here_is_ruled_out() -> None:
    declared = DeclaredObjects(deployments=(DeploymentSpec(name="desk", source="owner/name"),))
    snapshot = compiled(declared)
    assert "desk" not in snapshot.deployments
    assert "is not here" in snapshot.routes["desk"].ruled_out[0].reason


def test_weights_are_read_and_a_broken_one_rules_out() -> None:
    other = msgspec.structs.replace(OWN, name="other")
    route = RouteSpec(name="r", endpoints=("own=3", "other", "own=x"), strategy="weighted")
    snapshot = compiled(DeclaredObjects(endpoints=(OWN, other), routes=(route,)))
    assert snapshot.routes["r"].candidates == (Candidate("own", 3), Candidate("other", 1))
    assert "weight" in snapshot.routes["r"].ruled_out[0].reason


NAMES = st.sampled_from(["a", "b", "large", "own", "seedling", "eu/x", "never"])
REFERENCES = st.sampled_from(["env:KEY", "env:MISTRAL_API_KEY", "file:key", "file:other"])
ENDPOINTS = st.builds(
    EndpointSpec,
    name=NAMES,
    model=st.sampled_from(["mistral-large-2512", "thing"]),
    host=st.sampled_from(["mistral", "openai", "openai-compatible", "bedrock", "gone", "local"]),
    base_url=st.none() | st.just("https://x.example/v1"),
    credential=st.none() | REFERENCES,
)
ROUTES = st.builds(
    RouteSpec,
    name=NAMES,
    endpoints=st.lists(NAMES | st.just("own=2") | st.just("own=-1"), max_size=4).map(tuple),
    strategy=st.sampled_from(["ordered", "weighted"]),
)
DEPLOYMENTS = st.builds(DeploymentSpec, name=NAMES, source=st.sampled_from(["seedling", "/m.gguf", "owner/name"]))


def unique(values: Any) -> Any:
    return st.lists(values, max_size=4, unique_by=lambda one: one.name).map(tuple)


DECLARED = st.builds(
    DeclaredObjects,
    endpoints=unique(ENDPOINTS),
    routes=unique(ROUTES),
    deployments=unique(DEPLOYMENTS),
    retired_at_ms=st.dictionaries(NAMES, st.just(NOW_MS), max_size=2),
)


@settings(max_examples=200, deadline=None)
@given(declared=DECLARED, present=st.frozensets(REFERENCES), runs_seedling=st.booleans(), seed=st.randoms())
def test_compiling_is_deterministic_and_every_candidate_is_there(
    *, declared: DeclaredObjects, present: frozenset[str], runs_seedling: bool, seed: Any
) -> None:
    files = {"seedling": "seedling", "/m.gguf": "/m.gguf"}
    once = compiled(declared, present=present, model_files=files, runs_seedling=runs_seedling)
    shuffled = msgspec.structs.replace(
        declared,
        endpoints=tuple(seed.sample(declared.endpoints, len(declared.endpoints))),
        routes=tuple(seed.sample(declared.routes, len(declared.routes))),
        deployments=tuple(seed.sample(declared.deployments, len(declared.deployments))),
    )
    again = compiled(shuffled, present=present, model_files=files, runs_seedling=runs_seedling)
    assert msgspec.json.encode(once) == msgspec.json.encode(again)
    named = {spec.name: spec for spec in declared.routes}
    for name, route in once.routes.items():
        assert all(candidate.endpoint in once.endpoints for candidate in route.candidates)
        if name in named:
            assert len(route.candidates) + len(route.ruled_out) == len(named[name].endpoints)
    for endpoint in once.endpoints.values():
        assert endpoint.credential is None or endpoint.credential in present
    assert set(once.deployments) <= set(once.endpoints)
