from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.catalog.loading import load_catalog
from hortus.catalog.places import ISO_COUNTRIES
from hortus.policy.facts import Facts
from hortus.policy.places import is_within
from hortus.snapshot.compile import Conditions, DeclaredObjects, compile_snapshot
from hortus.snapshot.declared import ContractTerms, DeploymentSpec, EndpointSpec, RouteSpec
from hortus.snapshot.facts import deployed_facts, facts_of
from hortus.snapshot.surfaces import surfaces_of

CATALOG = load_catalog()
NOW_MS = 1_795_000_000_000
READ_ON = date(2026, 11, 23)
TERMS = ContractTerms(source="contract 17", as_of=date(2026, 11, 1))


def facts(host: str, model: str = "some-model", *, stands_in: str | None = None, **members: Any) -> Facts:
    """Return what is known of an endpoint with these members, by the catalog that ships."""
    dialects = members.pop("dialects", CATALOG.host(host).dialects)
    spec = EndpointSpec(name="e", model=model, host=host, dialects=dialects, **members)
    return of(spec, stands_in=stands_in)


def of(spec: EndpointSpec, *, stands_in: str | None = None) -> Facts:
    row, host = CATALOG.models.get(spec.model), CATALOG.host(spec.host)
    surfaces = surfaces_of(spec, host, catalog=CATALOG, maker=row.maker if row else None)
    surfaces = host.surfaces if isinstance(surfaces, str) else surfaces
    offers = CATALOG.offers(model=spec.model, host=spec.host)
    offer = next((one for one in offers if spec.upstream_model in {None, one.upstream_name}), next(iter(offers), None))
    return facts_of(spec, host=host, model=row, offer=offer, surfaces=surfaces, country=stands_in)


def azure(sku: str | None, region: str | None, model: str = "gpt-4o", **members: Any) -> Facts:
    said = {} if sku is None else {"sku": sku}
    return facts("azure", model, facts=said, region=region, variables={"resource": "ours"}, **members)


def bedrock(name: str, region: str | None, **members: Any) -> Facts:
    return facts("bedrock", upstream_model=name, region=region, **members)


def vertex(region: str | None) -> Facts:
    return facts("vertex", "gemini-2.5-pro", region=region, variables={"project": "ours"}, dialects=("gemini",))


PLACES: dict[str, tuple[Facts, str | None, tuple[str, ...]]] = {
    "OpenAI": (facts("openai", "gpt-4o"), "GLOBAL", ()),
    "OpenAI in Europe": (facts("openai-eu", "gpt-4o"), "EEA+CH*", ()),
    "Azure: standard in the Netherlands": (azure("Standard", "westeurope"), "EU*", ()),
    "Azure: standard in Sweden": (azure("Standard", "swedencentral"), "SE", ()),
    "Azure: standard in Germany": (azure("Standard", "germanywestcentral"), "DE", ()),
    "Azure: provisioned in France": (azure("ProvisionedManaged", "francecentral"), "FR", ()),
    "Azure: standard in Norway": (azure("Standard", "norwayeast"), "NO", ()),
    "Azure: standard in Switzerland": (azure("Standard", "switzerlandnorth"), "CH", ()),
    "Azure: standard in the United Kingdom": (azure("Standard", "uksouth"), "GB", ()),
    "Azure: standard in the United States": (azure("Standard", "eastus2"), "US", ()),
    "Azure: zone in Sweden, by the older paths": (
        azure("DataZoneStandard", "swedencentral", style="deployments"),
        "EU*",
        (),
    ),
    "Azure: Foundry's models in Sweden": (azure("Standard", "swedencentral", style="models"), "SE", ()),
    "Azure: zone in Sweden": (azure("DataZoneStandard", "swedencentral"), "EU*", ()),
    "Azure: provisioned zone in Poland": (azure("DataZoneProvisionedManaged", "polandcentral"), "EU*", ()),
    "Azure: batch in the zone": (azure("DataZoneBatch", "spaincentral"), "EU*", ()),
    "Azure: zone in the United States": (azure("DataZoneStandard", "westus3"), "US", ()),
    "Azure: zone where there is none": (azure("DataZoneStandard", "norwayeast"), "GLOBAL", ("region",)),
    "Azure: global": (azure("GlobalStandard", "westeurope"), "GLOBAL", ()),
    "Azure: global, provisioned": (azure("GlobalProvisionedManaged", "swedencentral"), "GLOBAL", ()),
    "Azure: global batch": (azure("GlobalBatch", "swedencentral"), "GLOBAL", ()),
    "Azure: for developers": (azure("DeveloperTier", "swedencentral"), "GLOBAL", ()),
    "Azure: no kind": (azure(None, "swedencentral"), "GLOBAL", ("sku",)),
    "Azure: unknown kind": (azure("Premium", "swedencentral"), "GLOBAL", ("sku",)),
    "Azure: kind in other letters": (azure("standard", "swedencentral"), "GLOBAL", ("sku",)),
    "Azure: no region": (azure("Standard", None), "GLOBAL", ("region",)),
    "Azure: unknown region": (azure("Standard", "marsnorth"), "GLOBAL", ("region",)),
    "Azure: a maker that runs its models itself": (azure("Standard", "swedencentral", "claude-opus-5-5"), None, ()),
    "Azure: a model whose maker is not known": (azure("Standard", "swedencentral", "who-knows"), None, ()),
    "Bedrock: in Frankfurt": (bedrock("anthropic.claude-x", "eu-central-1"), "DE", ()),
    "Bedrock: in Paris": (bedrock("mistral.mistral-large-2402-v1:0", "eu-west-3"), "FR", ()),
    "Bedrock: in Zurich": (bedrock("anthropic.claude-x", "eu-central-2"), "CH", ()),
    "Bedrock: in London": (bedrock("amazon.nova-pro-v1:0", "eu-west-2"), "GB", ()),
    "Bedrock: European profile": (bedrock("eu.anthropic.claude-x", "eu-central-1"), "EU*", ()),
    "Bedrock: European profile from London": (bedrock("eu.anthropic.claude-x", "eu-west-2"), "GLOBAL", ("region",)),
    "Bedrock: global profile": (bedrock("global.anthropic.claude-x", "eu-central-1"), "GLOBAL", ()),
    "Bedrock: American profile": (bedrock("us.deepseek.r1-v1:0", "us-east-1"), "US", ()),
    "Bedrock: American profile from Frankfurt": (bedrock("us.amazon.x", "eu-central-1"), "GLOBAL", ("region",)),
    "Bedrock: Asian profile": (bedrock("apac.amazon.x", "eu-central-1"), "GLOBAL", ()),
    "Bedrock: unknown profile": (bedrock("mars.anthropic.claude-x", "eu-central-1"), "GLOBAL", ("model_prefix",)),
    "Bedrock: profile of one's own": (
        bedrock("arn:aws:bedrock:eu-central-1:1:application-inference-profile/x", "eu-central-1"),
        "GLOBAL",
        ("model_prefix",),
    ),
    "Bedrock: no region": (bedrock("anthropic.claude-x", None), "GLOBAL", ("region",)),
    "Bedrock: the region in the address counts": (
        bedrock("anthropic.claude-x", "eu-central-1", variables={"region": "us-east-1"}),
        "US",
        (),
    ),
    "Bedrock: another profile than the catalog's offer": (
        facts("bedrock", "claude-opus-5-5", upstream_model="global.anthropic.claude-opus-5-5", region="eu-central-1"),
        "GLOBAL",
        (),
    ),
    "Anthropic": (facts("anthropic", "claude-opus-5-5"), "GLOBAL", ("inference_geo",)),
    "Anthropic: us": (facts("anthropic", "claude-opus-5-5", facts={"inference_geo": "us"}), "US", ()),
    "Anthropic: global": (facts("anthropic", "claude-opus-5-5", facts={"inference_geo": "global"}), "GLOBAL", ()),
    "Anthropic: eu does not exist": (
        facts("anthropic", "claude-opus-5-5", facts={"inference_geo": "eu"}),
        "GLOBAL",
        ("inference_geo",),
    ),
    "Claude Platform on AWS: the region says nothing": (
        facts("claude-platform-aws", region="eu-central-1"),
        "GLOBAL",
        ("inference_geo",),
    ),
    "T-Systems": (facts("tsystems"), "GLOBAL", ("category",)),
    "T-Systems: category 1": (facts("tsystems", facts={"category": "1"}), "ADEQUATE*", ()),
    "T-Systems: category 2": (facts("tsystems", facts={"category": "2"}), "GLOBAL", ()),
    "T-Systems: category 3": (facts("tsystems", facts={"category": "3"}), "GLOBAL", ("category",)),
    "Nebius": (facts("nebius"), "GLOBAL", ("datacentre",)),
    "Nebius in Finland": (facts("nebius", facts={"datacentre": "eu-north1"}), "FI", ()),
    "Alibaba in Frankfurt": (facts("alibaba-frankfurt", variables={"workspace": "w"}), "GLOBAL", ("scope",)),
    "Alibaba in Frankfurt, scope EU": (facts("alibaba-frankfurt", facts={"scope": "eu"}), "EU*", ()),
    "Alibaba in Frankfurt, scope global": (facts("alibaba-frankfurt", facts={"scope": "global"}), "GLOBAL", ()),
    "Vertex in the Netherlands": (vertex("europe-west4"), "NL", ()),
    "Vertex in Germany": (vertex("europe-west3"), "DE", ()),
    "Vertex in the United Kingdom": (vertex("europe-west2"), "GB", ()),
    "Vertex where no place is promised": (vertex("europe-southwest1"), "GLOBAL", ("region",)),
    "Vertex without a region": (vertex(None), "GLOBAL", ("region",)),
    "Vertex, whole EU": (facts("vertex-eu", "gemini-2.5-pro", variables={"project": "p"}), "EU*", ()),
    "Vertex, global": (facts("vertex-global", "gemini-2.5-pro", variables={"project": "p"}), "GLOBAL", ()),
    "Mistral": (facts("mistral", "mistral-large-2512"), "GLOBAL", ()),
    "Mistral in the EU": (facts("mistral-eu", "mistral-large-2512"), "EU*", ()),
    "Mistral in the USA": (facts("mistral-us", "mistral-large-2512"), "US", ()),
    "Scaleway": (facts("scaleway"), "FR", ()),
    "Cohere": (facts("cohere"), None, ()),
    "router": (facts("openrouter"), None, ()),
    "router at home in the EU": (facts("cortecs"), None, ()),
    "elsewhere": (facts("mistral-eu", base_url="https://models.example/v1"), None, ()),
    "elsewhere in one wire format": (
        facts("scaleway", base_url={"openai_chat": "https://models.example/v1"}),
        None,
        (),
    ),
    "the row's own address": (facts("mistral-eu", base_url="https://api.eu.mistral.ai/v1/"), "EU*", ()),
    "host of one's own": (facts("openai-compatible", base_url="https://models.example/v1"), None, ()),
    "program that nobody said who runs": (facts("ollama"), None, ()),
    "country that the endpoint states": (facts("cohere", country="CA"), "CA", ()),
    "country that the endpoint states, undecided else": (azure(None, "swedencentral", country="SE"), "SE", ()),
    "country that the endpoint states, elsewhere": (
        facts("mistral", base_url="https://models.example/v1", country="DE"),
        "DE",
        (),
    ),
    "contract": (facts("mistral", terms=replace(TERMS, compute="EU*")), "EU*", ()),
    "contract that says nothing of the place": (facts("mistral", terms=TERMS), "GLOBAL", ()),
    "contract, undecided else": (facts("nebius", terms=replace(TERMS, compute="FI")), "FI", ()),
    "contract that leaves the place undecided": (facts("nebius", terms=TERMS), "GLOBAL", ("datacentre",)),
    "contract before what the endpoint states": (
        facts("cohere", country="CA", terms=replace(TERMS, compute="US")),
        "US",
        (),
    ),
    "own machine": (
        facts("vllm", base_url="http://10.0.0.7:9000/v1", is_own=True, stands_in="IT"),
        "IT",
        (),
    ),
    "own machine elsewhere": (
        facts("vllm", base_url="http://10.0.0.7:9000/v1", is_own=True, country="ES", stands_in="IT"),
        "ES",
        (),
    ),
    "own machine, nobody knows where": (facts("ollama", is_own=True), None, ()),
}


@pytest.mark.parametrize(("known", "compute", "undecided"), PLACES.values(), ids=PLACES.keys())
def test_where_an_endpoint_computes(known: Facts, compute: str | None, undecided: tuple[str, ...]) -> None:
    assert (known.compute, known.undecided) == (compute, undecided)


STORED = {
    "OpenAI": (facts("openai", "gpt-4o"), "GLOBAL", 30, 30),
    "Anthropic": (facts("anthropic", "claude-opus-5-5"), "US", 30, 0),
    "Anthropic, computed in the USA": (facts("anthropic", facts={"inference_geo": "us"}), "US", 30, 0),
    "Azure: global, kept in Sweden": (azure("GlobalStandard", "swedencentral"), "SE", 30, 30),
    "Azure: kept in the geography of the Netherlands": (azure("GlobalStandard", "westeurope"), "EU*", 30, 30),
    "Azure: no region": (azure("GlobalStandard", None), "GLOBAL", 30, 30),
    "Bedrock: kept in the region of the call": (bedrock("global.anthropic.x", "eu-central-1"), "DE", 30, None),
    "Mistral": (facts("mistral"), None, 30, 0),
    "Mistral in the EU": (facts("mistral-eu"), "EU*", 30, 0),
    "Scaleway": (facts("scaleway"), "FR", 0, 0),
    "xAI in all its wire formats": (facts("xai"), None, 30, 30),
    "xAI in Chat Completions": (facts("xai", dialects=("openai_chat",)), None, 30, 0),
    "DeepSeek, one of whose wire formats is not known": (facts("deepseek"), "CN", None, None),
    "DeepSeek in Chat Completions": (facts("deepseek", dialects=("openai_chat",)), "CN", None, 0),
    "embeddings leave nothing to refer to": (facts("openai", operations=("embeddings",)), "GLOBAL", 30, 0),
    "router": (facts("openrouter"), None, None, 0),
    "elsewhere": (facts("scaleway", base_url="https://models.example/v1"), None, None, None),
    "contract": (
        facts("openai", terms=replace(TERMS, storage="DE", retention_days=0, state_days=0)),
        "DE",
        0,
        0,
    ),
    "contract elsewhere": (
        facts("any", base_url={"openai_chat": "https://models.example/v1"}, terms=replace(TERMS, retention_days=7)),
        None,
        7,
        None,
    ),
    "own machine": (facts("llamacpp", is_own=True), None, 0, 0),
}


@pytest.mark.parametrize(("known", "storage", "retention", "state"), STORED.values(), ids=STORED.keys())
def test_what_is_kept_where_and_for_how_long(
    known: Facts, storage: str | None, retention: int | None, state: int | None
) -> None:
    assert (known.storage, known.retention_days, known.state_days) == (storage, retention, state)


@pytest.mark.parametrize(
    ("known", "home", "laws"),
    [
        (facts("openai"), "US", {"US": "yes"}),
        (facts("mistral"), "FR", {"FR": "yes", "US": "indirect"}),
        (facts("scaleway"), "FR", {"FR": "yes", "US": "no", "CN": "no"}),
        (facts("aws-esc"), "DE", {"DE": "yes", "US": "disputed"}),
        (facts("deepseek"), "CN", {"CN": "yes", "US": "no"}),
        (facts("openrouter"), None, {"US": "yes"}),
        (facts("cortecs"), None, None),
        (facts("scaleway", base_url="https://models.example/v1"), None, None),
        (facts("ollama"), None, None),
        (facts("ollama", is_own=True, stands_in="PT"), "PT", {}),
        (facts("mistral", terms=replace(TERMS, laws={"US": "no"})), "FR", {"US": "no"}),
    ],
)
def test_whose_law_binds_the_operator(known: Facts, home: str | None, laws: dict[str, str] | None) -> None:
    assert (known.home, known.laws) == (home, laws)


@pytest.mark.parametrize(
    ("known", "trains"),
    [
        (facts("openai"), False),
        (facts("cohere"), True),
        (facts("nebius"), True),
        (facts("google"), None),
        (facts("huggingface"), None),
        (facts("nebius", terms=replace(TERMS, trains=False)), False),
        (facts("vllm", is_own=True), False),
        (facts("vllm"), None),
    ],
)
def test_whether_it_trains_on_requests(known: Facts, trains: bool | None) -> None:  # noqa: FBT001 -- a column of the table
    assert known.trains is trains


def test_facts_of_a_row_bear_its_source_day_and_confidence() -> None:
    known, row = facts("ionos"), CATALOG.host("ionos")
    assert (known.source, known.checked_on, known.confidence) == (row.source, row.as_of, "reported")
    assert known.review_days == 90


def test_facts_are_stale_the_day_after_their_review_was_due() -> None:
    known = facts("ionos")
    assert not known.is_stale(date(2027, 2, 21))
    assert known.is_stale(date(2027, 2, 22))


def test_a_contract_that_states_all_is_the_only_source() -> None:
    terms = replace(
        TERMS,
        compute="DE",
        storage="DE",
        retention_days=0,
        state_days=0,
        trains=False,
        operator="Us",
        home="DE",
        laws={},
    )
    known = facts("ionos", terms=terms)
    assert (known.source, known.checked_on, known.confidence) == ("contract 17", date(2026, 11, 1), "stated")


def test_a_contract_that_leaves_something_to_the_catalog_is_no_surer_and_no_newer_than_it() -> None:
    known = facts("ionos", terms=replace(TERMS, as_of=date(2027, 1, 5), retention_days=0))
    assert (known.checked_on, known.confidence) == (READ_ON, "reported")
    assert known.source == f"contract 17; {CATALOG.host('ionos').source}"


def test_an_older_contract_makes_the_rest_no_newer() -> None:
    assert facts("ionos", terms=replace(TERMS, as_of=date(2026, 1, 5))).checked_on == date(2026, 1, 5)


def test_a_contract_for_a_host_that_the_catalog_does_not_know_is_stated_by_itself() -> None:
    known = facts("openai-compatible", base_url="https://models.example/v1", terms=replace(TERMS, compute="DE"))
    assert (known.source, known.checked_on, known.confidence) == ("contract 17", TERMS.as_of, "stated")


def test_a_country_without_a_source_is_known_but_always_stale() -> None:
    known = facts("openai-compatible", base_url="https://models.example/v1", country="DE")
    assert (known.compute, known.confidence, known.checked_on) == ("DE", "stated", None)
    assert known.is_stale(READ_ON)


def test_nothing_is_known_of_an_address_that_is_not_the_rows() -> None:
    known = facts("mistral-eu", "mistral-large-2512", base_url="https://models.example/v1")
    assert known == replace(
        facts("openai-compatible", "mistral-large-2512", base_url="https://models.example/v1"), host="mistral-eu"
    )


def test_the_model_says_maker_licence_and_life_whoever_runs_it() -> None:
    row = CATALOG.model("llama-3.3-70b-instruct")
    known = facts("openai-compatible", row.id, base_url="https://models.example/v1")
    assert (known.maker, known.licence, known.state, known.open_weights) == ("meta", row.licence, row.state, True)


def test_a_model_that_is_not_in_the_catalog_has_an_unknown_maker_and_no_licence() -> None:
    known = facts("scaleway", "who-knows")
    assert (known.maker, known.licence, known.state, known.open_weights) == ("unknown", None, None, None)


def test_a_host_of_others_cannot_be_declared_ones_own() -> None:
    assert not facts("openai", is_own=True).is_own
    assert not facts("mistral", is_own=True, base_url="http://10.0.0.7/v1").is_own


def test_a_model_that_an_own_program_passes_on_to_a_cloud_is_not_on_an_own_machine() -> None:
    known = facts("ollama", upstream_model="gpt-oss:120b-cloud", is_own=True, stands_in="DE")
    assert (known.is_own, known.compute, known.retention_days) == (False, None, None)


def test_own_machines_never_go_stale_for_nobody_elses_page_says_what_they_do() -> None:
    assert not facts("vllm", is_own=True).is_stale(date(2036, 1, 1))


def test_a_deployment_is_on_an_own_machine_where_this_installation_stands() -> None:
    known = deployed_facts(CATALOG.model("seedling"), host="local", country="AT")
    assert (known.is_own, known.compute, known.home, known.retention_days, known.trains) == (True, "AT", "AT", 0, False)
    assert (known.maker, known.host) == ("hortus", "local")


def test_levers_come_with_the_wire_formats_in_which_they_work() -> None:
    (lever,) = facts("openai").levers
    assert (lever.name, lever.member, bytes(lever.value), lever.gains.state_days) == (
        "store=false",
        "store",
        b"false",
        0,
    )
    assert set(lever.dialects) == {"openai_chat", "openai_responses"}
    assert [one.name for one in facts("anthropic").levers] == ["inference_geo=us"]
    assert facts("anthropic").levers[0].gains.compute == "US"


def test_a_lever_of_another_wire_format_is_none_of_the_endpoints() -> None:
    assert facts("xai", dialects=("openai_chat",)).levers == ()


def test_there_are_no_levers_where_only_embeddings_are_made() -> None:
    assert facts("openai", operations=("embeddings",)).levers == ()


def test_an_address_that_is_not_the_rows_has_no_levers() -> None:
    assert facts("openai", base_url="https://models.example/v1").levers == ()


def compiled(*endpoints: EndpointSpec, country: str | None = None, **declared: Any) -> Any:
    present = frozenset({"env:MISTRAL_API_KEY", "env:NEBIUS_API_KEY"})
    conditions = Conditions("Test", NOW_MS, present=present, model_files={"seedling": "s"}, country=country)
    objects = DeclaredObjects(endpoints=endpoints, **declared)
    return compile_snapshot(objects, catalog=CATALOG, price_of=lambda _: None, conditions=conditions).snapshot


def test_a_snapshot_says_of_each_endpoint_what_its_facts_say() -> None:
    spec = EndpointSpec(name="e", model="llama-3.3-70b-instruct", host="nebius")
    endpoint = compiled(spec).endpoints["e"]
    assert endpoint.facts == of(spec)
    assert endpoint.country == endpoint.facts.compute == "GLOBAL"


def test_a_snapshot_places_deployments_where_the_installation_stands() -> None:
    endpoint = compiled(country="NL").endpoints["seedling"]
    assert (endpoint.country, endpoint.facts.compute, endpoint.may_be_private) == ("NL", "NL", True)


def test_a_snapshot_carries_what_the_endpoint_says_of_its_address_and_its_queue() -> None:
    spec = EndpointSpec(
        name="e",
        model="m",
        host="openai-compatible",
        base_url="http://10.0.0.7/v1",
        private_address=True,
        concurrency=3,
        queue=5,
        queue_wait_s=1.5,
    )
    endpoint = compiled(spec).endpoints["e"]
    assert (endpoint.may_be_private, endpoint.concurrency, endpoint.queue, endpoint.queue_wait_s) == (True, 3, 5, 1.5)
    assert not compiled(replace(spec, private_address=False)).endpoints["e"].may_be_private


def test_a_snapshot_carries_what_a_route_says_of_stickiness_and_cache() -> None:
    spec = EndpointSpec(name="e", model="m", host="openai-compatible", base_url="http://models.example/v1")
    route = compiled(spec, routes=(RouteSpec(name="r", endpoints=("e",), sticky=True, cache_s=60),)).routes["r"]
    assert (route.sticky, route.cache_s) == (True, 60)


def test_weights_of_a_known_repository_say_the_licence_of_a_deployment() -> None:
    model = next(one for one in CATALOG.rows.models if one.weights and one.weights.count("/") == 4)
    assert model.weights is not None
    source = "/".join(model.weights.rsplit("/", 2)[-2:])
    conditions = Conditions("Test", NOW_MS, model_files={source: "m.gguf"}, runs_seedling=False)
    objects = DeclaredObjects(deployments=(DeploymentSpec(name="d", source=source),))
    snapshot = compile_snapshot(objects, catalog=CATALOG, price_of=lambda _: None, conditions=conditions).snapshot
    known = snapshot.endpoints["d"].facts
    assert known is not None
    assert (known.licence, known.open_weights, known.is_own) == (model.licence, True, True)


ROUTED = tuple(host for host in CATALOG.rows.hosts if host.id != "local")
SAID = sorted({value for host in ROUTED for table in host.places for value in table.values} | {"", "x", "EU", "eu"})
FACTS = sorted({table.fact for host in ROUTED for table in host.places} | {"region", "country"})

specs = st.builds(
    EndpointSpec,
    name=st.just("e"),
    model=st.sampled_from(["gpt-4o", "claude-opus-5-5", "mistral-large-2512", "gemini-2.5-pro", "who-knows"]),
    host=st.sampled_from([host.id for host in ROUTED]),
    base_url=st.sampled_from([None, None, "https://models.example/v1"]),
    upstream_model=st.sampled_from([None, "eu.a.b", "global.a.b", "us.a.b", "amazon.b", "x.y", "plain"]),
    region=st.none() | st.sampled_from(SAID),
    variables=st.just({}) | st.builds(lambda region: {"region": region}, st.sampled_from(SAID)),
    facts=st.dictionaries(st.sampled_from(FACTS), st.sampled_from(SAID), max_size=3),
    is_own=st.booleans(),
)


def places_that_a_row_can_mean(spec: EndpointSpec) -> set[str | None]:
    host = CATALOG.host(spec.host)
    if host.decided_by is None:
        offers = {offer.country for offer in CATALOG.offers(model=spec.model, host=spec.host)}
        return {None, host.country, *offers}
    known = {table.fact for table in host.places}
    return {None, "GLOBAL", *(value for table in host.places for value in table.values.values())} - known


@given(spec=specs, country=st.none() | st.sampled_from(sorted(ISO_COUNTRIES)))
@settings(max_examples=400, deadline=None)
def test_a_place_is_never_narrower_than_what_the_row_states(spec: EndpointSpec, country: str | None) -> None:
    known = of(spec, stands_in=country)
    if known.is_own:
        assert known.compute == country
    else:
        assert known.compute in places_that_a_row_can_mean(spec)
    assert not known.undecided or known.compute == "GLOBAL"


@given(spec=specs)
@settings(max_examples=300, deadline=None)
def test_who_leaves_out_what_decides_is_placed_nowhere_in_particular(spec: EndpointSpec) -> None:
    silent = of(replace(spec, facts={}, region=None, variables={}, is_own=False))
    host = CATALOG.host(spec.host)
    if host.decided_by is not None:
        assert silent.compute in {None, "GLOBAL"}
    assert not is_within(silent.compute, ("EU",), on=READ_ON) or host.country == silent.compute


@given(spec=specs, compute=st.sampled_from(["DE", "EU*", "GLOBAL", "US"]))
@settings(max_examples=200, deadline=None)
def test_what_a_contract_states_stands_whatever_the_row_says(spec: EndpointSpec, compute: str) -> None:
    known = of(replace(spec, terms=replace(TERMS, compute=compute, trains=True, retention_days=90)))
    assert (known.compute, known.trains, known.retention_days, known.undecided) == (compute, True, 90, ())
